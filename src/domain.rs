//! The shared words: every source answers in them, every pane, command and judgement reads them.
//!
//! Nouns and arithmetic only: no clock, no I/O, no vendor's wire format.

pub mod blind;
pub mod environment;
pub mod errand;
pub mod event;
pub mod exchange;
pub mod explanation;
pub mod finding;
pub mod incident;
pub mod mapping;
pub mod me;
pub mod on_call;
pub mod order;
pub mod release;
pub mod report;
pub mod service;
pub mod silence;
pub mod slo;
pub mod until;
pub mod window;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use environment::{NamePattern, PRODUCTION, Production, Stage};
pub use errand::{Errand, Ran};
pub use event::{Event, Turn, What};
pub use exchange::Exchange;
pub use explanation::Explanation;
pub use finding::{Finding, Grade};
pub use incident::{Incident, IncidentStatus, Suppression};
pub use mapping::{Dropped, Mapped, Mapping};
pub use me::{Me, Whose};
pub use on_call::OnCall;
pub use order::{Acted, Deed, Done, Order, Preview, Previewed, Target, Verb};
pub use release::{Release, ReleaseStatus};
pub use report::{Facts, Fault, FaultKind, Faults, Freshness, Report, SourceName};
pub use service::Service;
pub use silence::{Matcher, Silence};
pub use slo::{
    Assessment, Burn, Events, Observation, Origin, Phase, Reading, Reason, ReasonCode, Rule,
    Sample, Slo, Standing, State,
};
pub use window::{Period, Window};

/// How urgently somebody has to look: the one scale of alerts, rules and incidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look in working hours.
    Ticket,
    /// Somebody has to look now.
    Page,
}

impl Severity {
    /// Reads what alerting rules call it: `page` and `critical` page, `ticket`, `warning` and
    /// `error` are tickets, everything else is information.
    pub fn from_label(label: &str) -> Self {
        match label.to_ascii_lowercase().as_str() {
            "page" | "critical" | "p1" | "emergency" => Self::Page,
            "ticket" | "warning" | "warn" | "error" | "p2" | "p3" => Self::Ticket,
            _ => Self::Info,
        }
    }

    /// The word used on the screen and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Ticket => "ticket",
            Self::Page => "page",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
