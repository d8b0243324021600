//! An incident: an alert, page or ticket that somebody has, or nobody yet.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Matcher, Severity};
use crate::text::Untrusted;

/// Where an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IncidentStatus {
    /// Open, and nobody has it yet.
    Triggered,
    /// Open, and somebody has it.
    Acknowledged,
    /// Open, but kept from notifying: see [`Incident::suppression`] for by what.
    Silenced,
    /// No longer listed by its source, and not known to be over: see [`Incident::gone`].
    Gone,
    /// Over.
    Resolved,
}

impl IncidentStatus {
    /// The word used on the screen and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Triggered => "triggered",
            Self::Acknowledged => "acknowledged",
            Self::Silenced => "silenced",
            Self::Gone => "gone",
            Self::Resolved => "resolved",
        }
    }

    /// Reads the words incident systems use; an unknown one is `Triggered`, so that it is seen.
    pub fn from_word(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "acknowledged" | "acked" | "ack" | "active" | "investigating" | "identified"
            | "monitoring" => Self::Acknowledged,
            "silenced" | "snoozed" | "suppressed" | "muted" => Self::Silenced,
            "resolved" | "closed" | "postmortem" | "completed" | "canceled" | "cancelled" => {
                Self::Resolved
            }
            _ => Self::Triggered,
        }
    }
}

/// Why a silenced incident does not notify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Suppression {
    /// Somebody silenced it.
    Silence,
    /// A worse alert of the same cause inhibits it.
    Inhibition,
    /// A mute time interval covers it.
    Mute,
}

impl Suppression {
    /// The word used on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Silence => "silenced",
            Self::Inhibition => "inhibited",
            Self::Mute => "muted",
        }
    }
}

/// One of several alerts that an incident stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The labels in which it differs from the others: `instance="a:1"`.
    pub labels: Untrusted,
    /// Whether it notifies.
    pub status: IncidentStatus,
    /// When it began.
    pub opened_at: Option<Timestamp>,
    /// The matchers of a silence of just this alert.
    pub matchers: Vec<Matcher>,
    /// The labels and annotations that are its own, by name.
    pub own: Vec<(Untrusted, Untrusted)>,
    /// Where to read more.
    pub url: Option<Untrusted>,
}

/// When an alert ends by itself unless its sender repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// When it ends.
    pub at: Timestamp,
    /// For how long each repetition keeps it.
    pub lifetime: SignedDuration,
}

/// What is known of an incident that its source no longer lists and that is not known to be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// When its source listed it last.
    pub last_seen: Timestamp,
    /// The first moment from which it may have been over.
    pub since: Timestamp,
    /// How long what evaluates it has to answer again without listing it before it counts as over.
    pub grace: SignedDuration,
    /// Where it stood when it was listed last.
    pub was: IncidentStatus,
    /// True when it ran out: nobody ended it, its sender only stopped repeating it.
    #[serde(default)]
    pub ran_out: bool,
}

impl Gone {
    /// How long a gone incident is kept after it was listed last.
    pub const KEPT: SignedDuration = SignedDuration::from_hours(24);

    /// True once nothing is to be learned of it any more.
    pub fn is_forgotten(&self, now: Timestamp) -> bool {
        now.duration_since(self.last_seen) >= Self::KEPT
    }
}

/// An alert, page or incident ticket, open or resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Unique within its source, and stable from poll to poll.
    pub id: Untrusted,
    /// One line that says what is wrong.
    pub title: Untrusted,
    /// Whom it concerns; the join key; empty when the source does not say.
    pub service: Untrusted,
    /// How urgent.
    pub severity: Severity,
    /// Where it stands.
    pub status: IncidentStatus,
    /// By what it is kept from notifying, when it is `Silenced`.
    pub suppression: Option<Suppression>,
    /// When it began.
    pub opened_at: Option<Timestamp>,
    /// When somebody took it.
    pub acknowledged_at: Option<Timestamp>,
    /// When it ended.
    pub resolved_at: Option<Timestamp>,
    /// Who has it, or is to take it.
    pub assignees: Vec<Untrusted>,
    /// Who took it.
    pub acknowledged_by: Vec<Untrusted>,
    /// The teams that it concerns.
    pub teams: Vec<Untrusted>,
    /// When it notifies again, of one that is `Silenced`.
    pub silenced_until: Option<Timestamp>,
    /// The silences that hide it, by the ids of [`Facts::silences`](super::Facts::silences).
    pub silenced_by: Vec<Untrusted>,
    /// What a silence of just this would match; empty where silences are not how it is done.
    pub matchers: Vec<Matcher>,
    /// Where to read more.
    pub url: Option<Untrusted>,
    /// What to do about it.
    pub runbook: Option<Untrusted>,
    /// How many alerts it stands for, 1 for a plain incident.
    pub alerts: usize,
    /// The first of its alerts one by one, where it stands for several; not kept in the journal.
    #[serde(skip)]
    pub members: Vec<Member>,
    /// What the source knows besides: labels and annotations, in its order.
    pub details: Vec<(Untrusted, Untrusted)>,
    /// When it ends by itself; `None` for a record that stays until somebody closes it. Not kept: it
    /// is renewed with every repetition.
    #[serde(skip)]
    pub expiry: Option<Expiry>,
    /// Of one that is `Gone`, what is known of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<Gone>,
}

impl Incident {
    /// An incident of which no more than this is known.
    pub fn new(
        id: impl Into<Untrusted>,
        title: impl Into<Untrusted>,
        severity: Severity,
        status: IncidentStatus,
    ) -> Self {
        Self {
            id: id.into(),
            title: title.into(),
            service: Untrusted::default(),
            severity,
            status,
            suppression: None,
            opened_at: None,
            acknowledged_at: None,
            resolved_at: None,
            assignees: Vec::new(),
            acknowledged_by: Vec::new(),
            teams: Vec::new(),
            silenced_until: None,
            silenced_by: Vec::new(),
            matchers: Vec::new(),
            url: None,
            runbook: None,
            alerts: 1,
            members: Vec::new(),
            details: Vec::new(),
            expiry: None,
            gone: None,
        }
    }

    /// True while its source lists it as not resolved. One that is gone is neither open nor over.
    pub fn is_open(&self) -> bool {
        !matches!(self.status, IncidentStatus::Resolved | IncidentStatus::Gone)
    }

    /// True for one that is no longer listed and not known to be over.
    pub fn is_gone(&self) -> bool {
        self.status == IncidentStatus::Gone
    }

    /// True for an open one that nobody has taken or silenced.
    pub fn is_untaken(&self) -> bool {
        self.status == IncidentStatus::Triggered
    }
}
