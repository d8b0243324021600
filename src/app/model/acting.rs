//! Orders and commands: those that are shown, on their way, or were last.

use jiff::Timestamp;

use super::ask::LeftOut;
use super::job::Job;
use crate::config::{ActionSettings, UserCommand};
use crate::domain::{Done, Fault, FaultKind, IncidentStatus, Order, Preview};
use crate::pane::RowKey;

/// Everything about acting that is known between two messages.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct Desk {
    pub(in crate::app) settings: ActionSettings,
    pub(in crate::app) commands: Vec<UserCommand>,
    /// The marked rows, in the order they were marked.
    pub(in crate::app) marks: Vec<RowKey>,
    /// Orders that are shown, on their way, or were last; the one that is shown at the end.
    pub(in crate::app) batches: Vec<Batch>,
    /// Commands that are shown, run, or ran last.
    pub(in crate::app) jobs: Vec<Job>,
    pub(in crate::app) undo: Option<Undo>,
    /// How many batches there have been.
    pub(in crate::app) count: usize,
}

/// What takes back what was done last, for a few seconds.
#[derive(Clone, Debug)]
pub(in crate::app) struct Undo {
    pub(in crate::app) orders: Vec<Order>,
    /// Which batch it takes back.
    pub(in crate::app) batch: usize,
    pub(in crate::app) until: Timestamp,
}

impl Desk {
    /// Why nothing can be done from here, unless it can.
    pub(in crate::app) fn obstacle(&self) -> Option<&'static str> {
        (!self.settings.enabled)
            .then_some("nothing is changed from here: set enabled = true under [actions]")
    }

    /// The marked rows of a pane.
    pub(in crate::app) fn marked(&self, pane: &'static str) -> impl Iterator<Item = &RowKey> {
        self.marks.iter().filter(move |key| key.pane == pane)
    }
}

/// Orders that were given together.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app) struct Batch {
    pub(in crate::app) number: usize,
    pub(in crate::app) items: Vec<Item>,
    /// Rows that nothing is done to, and why.
    pub(in crate::app) left_out: LeftOut,
    /// Since when all that it would do is on the screen.
    pub(in crate::app) shown_at: Option<Timestamp>,
    /// True when something has changed that nobody has taken note of.
    pub(in crate::app) has_changed: bool,
}

/// One order and how far it has come.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app) struct Item {
    pub(in crate::app) order: Order,
    pub(in crate::app) step: Step,
    /// What its target was when the preview opened.
    pub(in crate::app) before: Option<Seen>,
}

/// How far an order has come.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app) enum Step {
    /// The source is asked what it would do.
    Asking,
    /// It said so; nothing is done yet.
    Offered(Preview),
    /// It said that this cannot be done.
    Refused(Fault),
    /// The row changed while it was looked at: how.
    Changed(String),
    /// It is on its way.
    Sent,
    /// It was carried out.
    Done(Done),
    /// It was not, or nobody knows.
    Failed(Fault),
}

impl Batch {
    pub(in crate::app) fn is_asking(&self) -> bool {
        self.items.iter().any(|item| item.step == Step::Asking)
    }

    /// How many orders a key would send now.
    pub(in crate::app) fn offered(&self) -> usize {
        let offered = |item: &&Item| matches!(item.step, Step::Offered(_));
        self.items.iter().filter(offered).count()
    }

    /// True once anything was sent.
    pub(in crate::app) fn is_sent(&self) -> bool {
        let sent = |item: &Item| matches!(item.step, Step::Sent | Step::Done(_) | Step::Failed(_));
        self.items.iter().any(sent)
    }

    pub(in crate::app) fn is_under_way(&self) -> bool {
        self.items.iter().any(|item| item.step == Step::Sent)
    }

    /// The orders that failed in a way that trying again may mend. One that may have been carried
    /// out is none of them, nor one whose target has changed.
    pub(in crate::app) fn retriable(&self) -> Vec<Order> {
        let failed = self.items.iter().filter(|item| match &item.step {
            Step::Failed(fault) | Step::Refused(fault) => !matches!(
                fault.kind,
                FaultKind::Moved | FaultKind::NotOffered | FaultKind::Unsure
            ),
            _ => false,
        });
        failed.map(|item| item.order.clone()).collect()
    }
}

/// What a target is, as far as an order rests on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Seen {
    Incident(IncidentStatus),
    Silence(Timestamp),
}
