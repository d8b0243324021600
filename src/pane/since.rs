//! Since when an SLO burns or lacks data: one value for rows, fire line and details.

use jiff::Timestamp;

use super::{Sight, figures, suspects};
use crate::domain::{Assessment, Observation, State, window};
use crate::store::Feed;

/// The moment since which an SLO is in its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// The onset of the burn, or the last events of an SLO without data.
    pub at: Timestamp,
    /// True where the state is older than `at`, the oldest moment that is known.
    pub is_older: bool,
}

impl Since {
    /// That of an SLO; `None` for a calm one, and where the onset is not searched for yet.
    pub fn of(
        sight: Sight<'_>,
        feed: &Feed,
        seen: &Observation,
        verdict: &Assessment,
    ) -> Option<Self> {
        match verdict.state {
            State::NoData => seen.history.last().map(|point| Self {
                at: point.at,
                is_older: false,
            }),
            State::Page | State::Ticket => {
                let insight = suspects::insight(sight.store, feed, seen)?;
                if let Some(onset) = &insight.onset {
                    return Some(Self {
                        at: onset.at,
                        is_older: false,
                    });
                }
                oldest_burning(seen).map(|at| Self { at, is_older: true })
            }
            State::Ok | State::Unknown => None,
        }
    }

    /// `since 13:45`, or `since before 11:02` where the state is older than what is known.
    pub fn words(self, sight: Sight<'_>) -> String {
        let clock = sight.clock(self.at);
        if self.is_older {
            format!("since before {clock}")
        } else {
            format!("since {clock}")
        }
    }

    /// `17m`, or `>3h` where the state is older than what is known.
    pub fn age(self, now: Timestamp) -> String {
        let age = figures::age(window::age(self.at, now));
        if self.is_older {
            format!(">{age}")
        } else {
            age
        }
    }
}

/// The oldest moment of the past that is known, where the SLO burned above 1x then and ever since. An onset
/// that is not found is not an old one: a burn that only just began has none yet.
fn oldest_burning(seen: &Observation) -> Option<Timestamp> {
    let burns = |ratio: f64| seen.slo.burn_rate(ratio) > 1.0;
    let first = seen.course().next()?;
    seen.course()
        .all(|point| burns(point.ratio))
        .then_some(first.at)
}
