//! Blind spots of a shift: when nothing was known of a source, and why.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Shift;
use crate::domain::SourceName;
use crate::domain::blind::Silence;
use crate::text::Untrusted;

/// The blind spots of one source.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spots {
    /// Which source.
    pub source: SourceName,
    /// For how many seconds of the shift nothing was known of it.
    pub total_s: i64,
    /// When, oldest first.
    pub spots: Vec<Spot>,
}

/// A time in which nothing was known of a source.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spot {
    /// Since when, in the shift.
    #[serde(serialize_with = "crate::domain::clock::seconds")]
    pub since: Timestamp,
    /// Until when; `None` while it goes on.
    #[serde(serialize_with = "crate::domain::clock::maybe_seconds")]
    pub until: Option<Timestamp>,
    /// Why.
    pub why: Why,
    /// What was wrong with the source, where it failed.
    pub fault: Option<Untrusted>,
}

/// Why nothing was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The source failed.
    Fault,
    /// watchfire did not run.
    Unwatched,
}

impl Spots {
    /// For how long nothing was known.
    pub fn total(&self) -> SignedDuration {
        SignedDuration::from_secs(self.total_s)
    }
}

/// The blind spots by source, in the order of the sources. One that never answered was not seen at
/// all.
pub(super) fn all(shift: &Shift<'_>) -> Vec<Spots> {
    let mut all = Vec::new();
    for witness in &shift.witnesses {
        let blind = shift.blind.iter().filter(|one| one.source == *witness.name);
        let mut spots: Vec<_> = blind
            .map(|one| {
                let (why, fault) = match &one.why {
                    Silence::Failed(fault) => (Why::Fault, Some(fault.message.clone())),
                    Silence::Unwatched => (Why::Unwatched, None),
                };
                Spot {
                    since: one.since,
                    until: one.until,
                    why,
                    fault,
                }
            })
            .collect();
        if spots.is_empty() && witness.last_success.is_none() && witness.fault.is_none() {
            spots.push(Spot {
                since: shift.since,
                until: None,
                why: Why::Unwatched,
                fault: None,
            });
        }
        if spots.is_empty() {
            continue;
        }
        let total = spots.iter().map(|spot| {
            let until = spot.until.unwrap_or(shift.until).min(shift.until);
            spot.since.duration_until(until).as_secs().max(0)
        });
        all.push(Spots {
            source: witness.name.clone(),
            total_s: total.sum(),
            spots,
        });
    }
    all
}
