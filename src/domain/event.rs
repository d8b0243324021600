//! An event: one thing that happened at one moment, as a timeline and a hand-over tell it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::order::result_word;
use super::{Acted, Fault, Ran, ReleaseStatus, Severity, SourceName, State, Suppression};
use crate::text::Untrusted;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, as its source dates it; when it was seen, where the source does not say.
    pub at: Timestamp,
    /// When it was learned of: before that, nobody here knew.
    pub seen: Timestamp,
    /// Who told of it; `None` for what was done here.
    pub source: Option<SourceName>,
    /// Whom it concerns; empty when nobody says.
    pub service: Untrusted,
    /// The row that it happened to, by the id its source gives; empty for a source itself.
    pub subject: Untrusted,
    /// What happened.
    pub what: What,
}

impl Event {
    /// That an order has ended; `who` gave it, empty when nobody said who sits here.
    pub fn acted(acted: &Acted, who: &str) -> Self {
        let order = &acted.order;
        let said = match &acted.outcome {
            Ok(done) => &done.said,
            Err(fault) => &fault.message,
        };
        Self {
            at: acted.at,
            seen: acted.at,
            source: Some(order.source.clone()),
            service: order.target.service.clone(),
            subject: order.target.id.clone(),
            what: What::Done {
                verb: order.deed.verb().word().into(),
                target: order.target.name.clone(),
                who: who.into(),
                result: result_word(&acted.outcome).to_owned(),
                said: said.clone(),
            },
        }
    }

    /// A note of one's own on a moment, on a row where `subject` names one.
    pub fn note(text: &str, who: &str, (at, seen): (Timestamp, Timestamp)) -> Self {
        Self {
            at,
            seen,
            source: None,
            service: Untrusted::default(),
            subject: Untrusted::default(),
            what: What::Note {
                text: text.into(),
                who: who.into(),
            },
        }
    }

    /// That releases of a service froze by a policy, or that this policy no longer freezes them.
    pub fn freeze(
        service: &Untrusted,
        (policy, reason): (&Untrusted, &Untrusted),
        is_frozen: bool,
        at: Timestamp,
    ) -> Self {
        Self {
            at,
            seen: at,
            source: None,
            service: service.clone(),
            subject: policy.clone(),
            what: What::Freeze {
                is_frozen,
                policy: policy.clone(),
                reason: reason.clone(),
            },
        }
    }

    /// That a command of the user's own has ended at a moment; likewise.
    pub fn ran(ran: &Ran, who: &str, at: Timestamp) -> Self {
        Self {
            at,
            seen: at,
            source: None,
            service: Untrusted::default(),
            subject: ran.errand.target.clone(),
            what: What::Done {
                verb: ran.errand.label.as_str().into(),
                target: ran.errand.target.clone(),
                who: who.into(),
                result: ran.ending.word().to_owned(),
                said: Untrusted::default(),
            },
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// An SLO's verdict became another.
    Slo {
        /// What it was; `None` when it was seen for the first time.
        from: Option<State>,
        /// What it is.
        to: State,
        /// Its name, without the service's.
        name: Untrusted,
        /// The budget left then, 1 for all of it.
        budget: Option<f64>,
    },
    /// A release began, arrived, failed or was taken back.
    Release {
        /// How it is going.
        status: ReleaseStatus,
        /// Which version.
        version: Untrusted,
        /// Where to.
        environment: Untrusted,
        /// Who released it.
        actor: Option<Untrusted>,
    },
    /// An incident turned.
    Incident {
        /// Which way.
        turn: Turn,
        /// How urgent it is.
        severity: Severity,
        /// What it is called.
        title: Untrusted,
        /// Who took it; empty where nobody did or nobody says.
        who: Vec<Untrusted>,
        /// By what it is kept from notifying, of one that was silenced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Suppression>,
        /// When its source listed it last, of one that ended without its source saying so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_seen: Option<Timestamp>,
    },
    /// A source no longer answers.
    Lost {
        /// Why.
        fault: Fault,
    },
    /// A source answers again.
    Back {
        /// How long it was silent.
        after: SignedDuration,
    },
    /// Somebody did something from here.
    Done {
        /// The word of what was done, `silence` for example; a command's label.
        verb: Untrusted,
        /// What it was done to, as it is called.
        target: Untrusted,
        /// Who did it; empty when nobody said who sits here.
        who: Untrusted,
        /// `done`, `refused`, `unsure`: the word of the audit log.
        result: String,
        /// What the source said to it.
        said: Untrusted,
    },
    /// Somebody wrote a note of their own.
    Note {
        /// The note.
        text: Untrusted,
        /// Who; empty when nobody said who sits here.
        who: Untrusted,
    },
    /// Releases of a service froze, or no policy freezes them any more.
    Freeze {
        /// True where they froze.
        is_frozen: bool,
        /// The policy that freezes them, or that did.
        policy: Untrusted,
        /// The cause and what ends it: `budget -4 %, until above 25 %`; empty at the end.
        reason: Untrusted,
    },
    /// Somebody took a release and an incident apart, or left them together again.
    Linked {
        /// The release, by id.
        release: Untrusted,
        /// The incident, by id.
        incident: Untrusted,
        /// True when they are nothing to each other.
        is_apart: bool,
        /// Who; empty when nobody said who sits here.
        who: Untrusted,
    },
}

/// Which way an incident turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// It began, or began again.
    Opened,
    /// Somebody took it.
    Acknowledged,
    /// It was kept from notifying.
    Silenced,
    /// It notifies again, or nobody has it any more.
    Reopened,
    /// It is over.
    Resolved,
    /// Its source no longer lists it, and it is not known to be over.
    Gone,
    /// It is listed again, and it had never ended as far as is known.
    Returned,
}

impl Turn {
    /// The word used on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Acknowledged => "acknowledged",
            Self::Silenced => "silenced",
            Self::Reopened => "open again",
            Self::Resolved => "resolved",
            Self::Gone => "gone",
            Self::Returned => "returned",
        }
    }
}
