//! An order: one change at one source, bound to what was seen when it was given.

use jiff::Timestamp;

use super::silence::Matcher;
use super::{Fault, FaultKind, IncidentStatus, SourceName};
use crate::text::Untrusted;

/// What can be done, without its particulars: what a source offers, and what the audit log names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// Say that somebody has it.
    Acknowledge,
    /// Take that back.
    Unacknowledge,
    /// Say that it is over.
    Resolve,
    /// Keep it from notifying for a time.
    Snooze,
    /// Take that back.
    Unsnooze,
    /// Write something beside it.
    Note,
    /// Page the next step again.
    Escalate,
    /// Hide alerts for a time.
    Silence,
    /// Move the end of a silence.
    Extend,
    /// End a silence now.
    Expire,
}

impl Verb {
    /// The word used on the screen, on the command line and in the audit log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Unacknowledge => "unacknowledge",
            Self::Resolve => "resolve",
            Self::Snooze => "snooze",
            Self::Unsnooze => "unsnooze",
            Self::Note => "note",
            Self::Escalate => "escalate",
            Self::Silence => "silence",
            Self::Extend => "extend",
            Self::Expire => "expire",
        }
    }
}

/// What is to be done, with all it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Say that somebody has it.
    Acknowledge,
    /// Take that back.
    Unacknowledge,
    /// Say that it is over.
    Resolve,
    /// Keep it from notifying until then.
    Snooze {
        /// The end.
        until: Timestamp,
    },
    /// Take that back.
    Unsnooze,
    /// Write something beside it.
    Note {
        /// What to write.
        text: String,
    },
    /// Page the next step again.
    Escalate,
    /// Hide the alerts that match until then.
    Silence {
        /// What to hide.
        matchers: Vec<Matcher>,
        /// The end.
        until: Timestamp,
        /// Why; empty when nothing was said.
        comment: String,
    },
    /// Move the end of the silence that the target is.
    Extend {
        /// The new end.
        until: Timestamp,
    },
    /// End the silence that the target is.
    Expire,
}

impl Deed {
    /// Without its particulars.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Acknowledge => Verb::Acknowledge,
            Self::Unacknowledge => Verb::Unacknowledge,
            Self::Resolve => Verb::Resolve,
            Self::Snooze { .. } => Verb::Snooze,
            Self::Unsnooze => Verb::Unsnooze,
            Self::Note { .. } => Verb::Note,
            Self::Escalate => Verb::Escalate,
            Self::Silence { .. } => Verb::Silence,
            Self::Extend { .. } => Verb::Extend,
            Self::Expire => Verb::Expire,
        }
    }
}

/// What an order acts on, as it was seen at the key press.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The incident's id, or the silence's for [`Deed::Extend`] and [`Deed::Expire`].
    pub id: Untrusted,
    /// What a preview calls it.
    pub name: Untrusted,
    /// Whom it concerns.
    pub service: Untrusted,
    /// Where the incident stood; `None` for a silence, and for an order to go ahead whatever it is.
    pub seen: Option<IncidentStatus>,
}

/// One change at one source. Never sent twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Who is asked.
    pub source: SourceName,
    /// What it acts on.
    pub target: Target,
    /// What is to be done.
    pub deed: Deed,
}

impl Order {
    /// The order that takes this one back, given to its target as it stands afterwards.
    #[must_use]
    pub fn undone_by(&self, deed: Deed, seen: IncidentStatus) -> Self {
        Self {
            source: self.source.clone(),
            target: Target {
                seen: Some(seen),
                ..self.target.clone()
            },
            deed,
        }
    }
}

/// What an order would do, as the source says before anything is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// One line each: the alerts that a silence would hide, for example.
    pub lines: Vec<Untrusted>,
}

impl Preview {
    /// A preview of these lines.
    pub fn new(lines: impl IntoIterator<Item = String>) -> Self {
        Self {
            lines: lines.into_iter().map(Untrusted::from).collect(),
        }
    }
}

/// What a carried out order came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// One sentence, with the id of what was made.
    pub said: Untrusted,
    /// The order that takes it back, where the source can.
    pub undo: Option<Box<Order>>,
}

impl Done {
    /// What was done in a sentence, and what takes it back.
    pub fn new(said: impl Into<Untrusted>, undo: Option<Order>) -> Self {
        Self {
            said: said.into(),
            undo: undo.map(Box::new),
        }
    }
}

/// The answer to the question what an order would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Previewed {
    /// Which order.
    pub order: Order,
    /// What it would do, or why it cannot be done: the state has moved, for example.
    pub outcome: Result<Preview, Fault>,
}

/// The end of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Acted {
    /// Which order.
    pub order: Order,
    /// When that was known.
    pub at: Timestamp,
    /// What it came to. [`FaultKind::Unsure`]: it was sent and may have
    /// been carried out.
    pub outcome: Result<Done, Fault>,
}

/// How an order ended, in a word: `done`, `moved` (not sent: its target had changed), `refused` (not
/// sent, or the server said no), `unsure` (it may have been carried out).
pub fn result_word(outcome: &Result<Done, Fault>) -> &'static str {
    match outcome.as_ref().map_err(|fault| fault.kind) {
        Ok(_) => "done",
        Err(FaultKind::Moved) => "moved",
        Err(FaultKind::Unsure) => "unsure",
        Err(_) => "refused",
    }
}
