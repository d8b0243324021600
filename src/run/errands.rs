//! Commands of the user's own, each in a task of its own.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};

use crate::act::Leave;
use crate::domain::errand::Ending;
use crate::domain::{Errand, Ran};
use crate::text::Untrusted;

/// How many commands run at the same time.
const AT_ONCE: usize = 8;

/// Starts commands, and says how each ended.
#[derive(Debug)]
pub(super) struct Errands {
    leave: Leave,
    ran: mpsc::Sender<Ran>,
    places: Arc<Semaphore>,
}

impl Errands {
    pub(super) fn new(leave: Leave, ran: mpsc::Sender<Ran>) -> Self {
        Self {
            leave,
            ran,
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Starts one, unless as many run as may.
    pub(super) fn start(&self, errand: Errand) {
        let (leave, ran) = (self.leave.clone(), self.ran.clone());
        let place = Arc::clone(&self.places).try_acquire_owned();
        tokio::spawn(async move {
            let ended = match place {
                Ok(_place) => leave.errand(errand).await,
                Err(_) => Ran {
                    errand,
                    ending: Ending::NotStarted("as many commands run as may: wait for one".into()),
                    output: Untrusted::default(),
                },
            };
            // Nobody is left to tell when the screen is gone.
            let _ = ran.send(ended).await;
        });
    }
}
