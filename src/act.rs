//! Carries out what was confirmed: not without leave, not without a line in the audit log before
//! and after, and nothing twice.

mod child;

use std::sync::Arc;

use jiff::Timestamp;

use crate::audit::{Audit, Intent};
use crate::config::Settings;
use crate::domain::errand::Ending;
use crate::domain::{Acted, Done, Errand, Fault, FaultKind, Order, Ran};
use crate::text::Untrusted;

use child::Environment;

/// The leave to change things. Without `[actions] enabled = true` everything is refused here,
/// whatever asks for it.
#[derive(Clone, Debug, Default)]
pub struct Leave(Option<Arc<Granted>>);

#[derive(Debug)]
struct Granted {
    audit: Audit,
    environment: Environment,
}

impl Leave {
    /// The leave that these settings give.
    pub fn of(settings: &Settings) -> Self {
        let granted = settings.actions.enabled.then(|| {
            Arc::new(Granted {
                audit: Audit::of(settings),
                environment: Environment::without_secrets_of(settings),
            })
        });
        Self(granted)
    }

    /// True when something may be changed.
    pub fn is_granted(&self) -> bool {
        self.0.is_some()
    }

    /// Carries an order out by `sending`, which is not begun before the intent is on the disk.
    pub async fn order(
        &self,
        order: &Order,
        sending: impl Future<Output = Result<Done, Fault>>,
    ) -> Acted {
        let outcome = match self.written(Audit::order, order.clone()).await {
            Ok((granted, intent)) => {
                let outcome = sending.await;
                let said = outcome.clone();
                let noted = off_thread(move || granted.audit.done(intent, &said)).await;
                with_remark(outcome, noted)
            }
            Err(fault) => Err(fault),
        };
        Acted {
            order: order.clone(),
            at: Timestamp::now(),
            outcome,
        }
    }

    /// Runs a command to its end, or to its time-out.
    pub async fn errand(&self, errand: Errand) -> Ran {
        let (ending, output) = match self.written(Audit::errand, errand.clone()).await {
            Ok((granted, intent)) => {
                let (ending, mut output) = child::run(&errand, &granted.environment).await;
                let said = ending.clone();
                let noted = off_thread(move || granted.audit.ran(intent, &said)).await;
                if let Err(fault) = noted {
                    output = format!("{}\nwatchfire: {}", output, fault.message.raw());
                }
                (ending, output)
            }
            Err(fault) => (Ending::NotStarted(fault.message), String::new()),
        };
        Ran {
            errand,
            ending,
            output: Untrusted::from(output),
        }
    }

    /// Has an intent on the disk, if there is leave.
    async fn written<T: Send + 'static>(
        &self,
        write: fn(&Audit, &T) -> Result<Intent, Fault>,
        what: T,
    ) -> Result<(Arc<Granted>, Intent), Fault> {
        let Some(granted) = &self.0 else {
            return Err(Fault::new(
                FaultKind::NotOffered,
                "not done: nothing may be changed from here; `[actions] enabled = true` allows it",
            ));
        };
        let granted = Arc::clone(granted);
        off_thread(move || write(&granted.audit, &what).map(|intent| (granted, intent))).await
    }
}

/// Does what waits for a disk where nobody else waits.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| {
        let words = "not done: the audit log could not be written";
        Err(Fault::new(FaultKind::Crash, words))
    })
}

/// What was done stays done when the log lacks its result; that is said beside it.
fn with_remark(outcome: Result<Done, Fault>, noted: Result<(), Fault>) -> Result<Done, Fault> {
    match (outcome, noted) {
        (Ok(done), Err(fault)) => {
            let said = format!("{}; {}", done.said.raw(), fault.message.raw());
            Ok(Done {
                said: said.into(),
                ..done
            })
        }
        (outcome, _) => outcome,
    }
}

#[cfg(test)]
mod tests;
