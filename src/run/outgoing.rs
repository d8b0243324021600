//! Messages to the outside on changes of state and on releases: `[[notify]]`. Off without it.
//!
//! Floods are held off twice: a state other than a page has to last before it is sent
//! ([`changes::LASTS`]), and a target gets at most [`deliver::MAX_MESSAGES`] messages within
//! [`deliver::WITHIN`]; what comes in between is joined into one. Nothing that a source tells decides about
//! the address, and no answer of a target is read, so no message can lead to another.

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::app::Msg;
use crate::config::{NotifyTarget, Settings};
use crate::store::Store;

mod changes;
mod deliver;
mod message;
#[cfg(test)]
mod tests;

use changes::{Change, Changes};

/// Changes that wait for a target; more are dropped.
const WAITING: usize = 200;

/// The targets of messages.
pub(super) struct Outgoing(Vec<Line>);

/// One target, with what it was told.
struct Line {
    changes: Changes,
    queue: mpsc::Sender<Change>,
}

impl Outgoing {
    /// Starts a task for each target of the settings, within a runtime. What goes wrong is said.
    pub(super) fn start(settings: &Settings, say: &mpsc::Sender<Msg>) -> Self {
        let targets = settings.notify.iter().enumerate();
        Self(
            targets
                .map(|(index, target)| Line::start((index, target), settings, say.clone()))
                .collect(),
        )
    }

    /// Takes in the newest facts.
    pub(super) fn hear(&mut self, store: &Store, now: Timestamp) {
        for line in &mut self.0 {
            for change in line.changes.among(store, now) {
                // A queue that is full holds more than anybody reads.
                let _ = line.queue.try_send(change);
            }
        }
    }
}

impl Line {
    fn start(
        (index, target): (usize, &NotifyTarget),
        settings: &Settings,
        say: mpsc::Sender<Msg>,
    ) -> Self {
        let (queue, inbox) = mpsc::channel(WAITING);
        let production = settings.delivery.production.clone();
        tokio::spawn(deliver::all((index, target.clone()), inbox, say));
        Self {
            changes: Changes::new(&target.on, production),
            queue,
        }
    }
}
