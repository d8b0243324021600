//! The shared words: every source answers in them, every pane, command and judgement reads them.
//!
//! Nouns and arithmetic only: no clock, no I/O, no vendor's wire format.

pub mod blind;
pub mod carried;
pub mod clock;
pub mod environment;
pub mod errand;
pub mod event;
pub mod exchange;
pub mod explanation;
pub mod finding;
pub mod incident;
pub mod mapping;
pub mod me;
pub mod nearest_name;
pub mod on_call;
pub mod order;
pub mod past;
pub mod policy;
pub mod release;
pub mod report;
pub mod rollback;
pub mod service;
pub mod severity;
pub mod silence;
pub mod slo;
pub mod sort;
pub mod suggestion;
pub mod until;
pub mod weekday;
pub mod when;
pub mod window;

pub use carried::{Carried, Commit};
pub use clock::Clock;
pub use environment::{Linking, NamePattern, PRODUCTION, Production, Stage};
pub use errand::{Errand, Ran};
pub use event::{Event, Turn, What};
pub use exchange::Exchange;
pub use explanation::Explanation;
pub use finding::{Finding, Grade};
pub use incident::{Expiry, Gone, Incident, IncidentStatus, Member, Suppression};
pub use mapping::{Dropped, Mapped, Mapping};
pub use me::{Me, Whose};
pub use on_call::OnCall;
pub use order::{Acted, Deed, Done, Order, Preview, Previewed, Target, Verb};
pub use release::{Release, ReleaseStatus};
pub use report::{Facts, Fault, FaultKind, Faults, Freshness, Report, SourceName};
pub use service::Service;
pub use severity::Severity;
pub use silence::{Matcher, Silence};
pub use slo::{
    Assessment, Burn, Direction, Events, Observation, Origin, Phase, Reading, Reason, ReasonCode,
    Rule, Sample, Slo, Standing, State,
};
pub use sort::Sort;
pub use suggestion::{Declined, Suggestion, SuggestionStanding, Suggestions};
pub use when::When;
pub use window::{Period, Window};
