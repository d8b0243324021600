//! Numbers that are lower bounds: counters that began within a window at a value above 0.
//!
//! `increase` takes the first sample of a series for no increase. A counter that is created by the
//! first error, as client libraries do, has counted that error before its first scrape.

use serde::{Deserialize, Serialize};

use super::{Observation, Reading, Reason, ReasonCode};
use crate::domain::explanation::number;
use crate::domain::{Events, Window};

/// One number that is a lower bound, and what was added to it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LowerBound {
    /// The window; `None` for the period.
    pub window: Option<Window>,
    /// The bad events that series had counted when they began in it, in the unit of the query:
    /// events, or events a second.
    pub first: f64,
}

/// Bad and all events that series had counted before their first sample in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FirstValues {
    /// Those that broke the objective.
    pub bad: f64,
    /// All of them, 0 where the series of all events did not begin.
    pub total: f64,
}

impl FirstValues {
    /// The reading of a window of `events` with these added; `None` where nothing bad is added, or
    /// the result is no error ratio.
    pub fn raise(self, events: Events) -> Option<(Reading, Events)> {
        if self.bad.is_nan() || self.bad <= 0.0 {
            return None;
        }
        let total = events.total + self.total.max(0.0);
        // What fails is a part of all, however the two were scraped.
        let bad = (events.bad + self.bad).min(total);
        let reading = Reading::from_rates(Some(bad), Some(total));
        matches!(reading, Reading::Ratio(_)).then_some((reading, Events { bad, total }))
    }
}

impl Observation {
    /// The lower bound that the number of a window is; `None` for one that is none.
    pub fn lower_bound(&self, window: Window) -> Option<LowerBound> {
        let mut bounds = self.lower_bounds.iter().copied();
        bounds.find(|bound| bound.window == Some(window))
    }

    /// The same of the period.
    pub fn lower_bound_of_period(&self) -> Option<LowerBound> {
        let mut bounds = self.lower_bounds.iter().copied();
        bounds.find(|bound| bound.window.is_none())
    }

    /// The windows whose numbers are lower bounds, by their keys in JSON, the period's last.
    pub fn lower_bound_keys(&self) -> Vec<String> {
        let period = self.slo.period.to_string();
        let key = |bound: &LowerBound| {
            let window = bound.window.map(|window| window.to_string());
            window.unwrap_or_else(|| period.clone())
        };
        let mut keys: Vec<_> = self.lower_bounds.iter().map(key).collect();
        keys.dedup();
        keys
    }

    /// Why numbers are lower bounds, and what to do; `None` where none is.
    pub fn why_lower_bounds(&self) -> Option<Reason> {
        let firsts = self.lower_bounds.iter().map(|bound| bound.first);
        let most = firsts.reduce(f64::max)?;
        let keys = self.lower_bound_keys().join(", ");
        let mut samples = self.windows.values().chain(self.period);
        let count = if samples.any(|sample| sample.events.is_some()) {
            format!("{} bad events", number(most.round()))
        } else {
            "bad events".to_owned()
        };
        let text = format!(
            "lower bound in {keys}: {count} had been counted when series began there, before their \
             first scrape; `increase`, and so every alert rule, misses them. Create error counters \
             at 0 when the process starts"
        );
        Some(Reason::new(ReasonCode::LowerBound, keys, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_values_are_added_to_both_counts_and_only_where_something_failed() {
        let events = |bad, total| Events { bad, total };
        let raise = |bad, total, counted| FirstValues { bad, total }.raise(counted);
        let raised = raise(300.0, 300.0, events(0.0, 18_000.0));
        assert_eq!(
            raised,
            Some((Reading::Ratio(300.0 / 18_300.0), events(300.0, 18_300.0)))
        );
        // Errors are counted by a metric of their own: all events have them already.
        let raised = raise(300.0, 0.0, events(0.0, 18_000.0));
        assert_eq!(raised.map(|(_, events)| events.total), Some(18_000.0));
        assert_eq!(raise(0.0, 50.0, events(1.0, 100.0)), None);
        assert_eq!(raise(-1.0, 50.0, events(1.0, 100.0)), None);
        assert_eq!(raise(f64::NAN, 0.0, events(1.0, 100.0)), None);
        assert_eq!(raise(1.0, 0.0, events(0.0, 0.0)), None);
        // Only the new series has counted anything.
        let raised = raise(5.0, 5.0, events(0.0, 0.0));
        assert_eq!(
            raised.map(|(reading, _)| reading),
            Some(Reading::Ratio(1.0))
        );
        let raised = raise(9.0, 0.0, events(0.0, 4.0));
        assert_eq!(
            raised.map(|(reading, _)| reading),
            Some(Reading::Ratio(1.0))
        );
    }
}
