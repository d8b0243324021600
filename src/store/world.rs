//! The world as it was known at a moment: what a journal gives back.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Store;
use crate::domain::{Event, Facts, Fault, Report, SourceName};

/// What one source said at a moment, for whoever keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// Who.
    pub source: SourceName,
    /// When the answer was complete.
    pub at: Timestamp,
    /// How long it took.
    pub latency: SignedDuration,
    /// When it is asked again.
    pub next_try: Option<Timestamp>,
    /// What it said, under the names that every pane uses.
    pub outcome: Result<Arc<Facts>, Fault>,
}

impl Heard {
    /// Of a report that is about to be taken in.
    pub fn of(report: &Report) -> Self {
        Self {
            source: report.source.clone(),
            at: report.at,
            latency: report.latency,
            next_try: report.next_try,
            outcome: match &report.outcome {
                Ok(_) => Ok(Arc::default()),
                Err(fault) => Err(fault.clone()),
            },
        }
    }

    /// The same after it was: with the facts as the store has them, shared with it.
    #[must_use]
    pub fn as_taken_in(mut self, store: &Store) -> Self {
        if let Ok(facts) = &mut self.outcome
            && let Some(feed) = store.feed(&self.source)
        {
            *facts = Arc::clone(&feed.facts);
        }
        self
    }
}

/// What was known of one source at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// Which source.
    pub source: SourceName,
    /// Its last good answer until then.
    pub facts: Arc<Facts>,
    /// When that came; `None` when there was none that is remembered.
    pub last_success: Option<Timestamp>,
    /// Since when it answered without a break; `None` when it did not at that moment.
    pub answering_since: Option<Timestamp>,
    /// When it was last known to fail, of one that did at that moment.
    pub failed_at: Option<Timestamp>,
    /// How long it took.
    pub latency: Option<SignedDuration>,
    /// What was wrong with it then.
    pub fault: Option<Fault>,
    /// How many polls had failed in a row.
    pub failures: u32,
}

/// The world as it was known at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    /// The moment.
    pub at: Timestamp,
    /// Since when anything is remembered; `None` when nothing is.
    pub since: Option<Timestamp>,
    /// Every source that is remembered.
    pub past: Vec<Past>,
    /// What happened around it, oldest first.
    pub events: Arc<Vec<Arc<Event>>>,
}
