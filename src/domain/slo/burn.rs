//! How an SLO burned at a moment of the past: what charts and hand-overs are drawn from.

use jiff::Timestamp;

use super::{Observation, Standing};

/// How an SLO burned at a moment. What was not known is `None`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burn {
    /// When.
    pub at: Timestamp,
    /// Burn rate of its shortest window.
    pub short: Option<f64>,
    /// Burn rate of the window that "at this rate" speaks of.
    pub long: Option<f64>,
    /// Budget remaining, 1 for all of it.
    pub budget: Option<f64>,
    /// The moment that the budget was evaluated for; up to [`Self::at`], as a period is asked for less
    /// often than a short window. `None` where that was not kept.
    pub budget_at: Option<Timestamp>,
}

impl Burn {
    /// How an observation burns, by what it comes to.
    pub fn of(seen: &Observation, standing: &Standing) -> Self {
        let burn = |window| {
            let ratio = seen.reading(window).ratio()?;
            Some(seen.slo.burn_rate(ratio))
        };
        Self {
            at: seen.at,
            short: seen.windows.keys().next().and_then(burn),
            long: seen.slo.pace_window().and_then(burn),
            budget: standing.budget_remaining,
            budget_at: seen.period.map(|period| period.at.min(seen.at)),
        }
    }
}
