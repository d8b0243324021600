//! Numbers that are older than the newest beside them.

use jiff::SignedDuration;

use super::{Observation, Reading, Sample};
use crate::domain::window;

/// A number is as fresh as its neighbours up to this: two answers of one poll, or two evaluations of
/// a rule, may be so far apart.
const SAME: SignedDuration = SignedDuration::from_secs(30);

impl Observation {
    /// How much older a number is than that of the shortest window, where that is more than what lies
    /// between two answers of one poll.
    pub fn lag(&self, sample: Sample) -> Option<SignedDuration> {
        let newest = self.windows.values().next()?;
        let lag = window::age(sample.at, newest.at);
        let is_known = sample.reading != Reading::Unknown;
        (is_known && lag > SAME).then_some(lag)
    }

    /// True for a number that a row marks as older than its neighbours. While nothing burns it moves
    /// too slowly for that to matter.
    pub fn is_behind(&self, sample: Sample) -> bool {
        self.lag(sample).is_some() && self.standing().burns()
    }

    /// The keys of the windows that are older than the shortest one, the period's last.
    pub fn older_windows(&self) -> Vec<String> {
        let period = self.slo.period.to_string();
        let windows = self.windows.iter();
        let windows = windows
            .filter(|(_, sample)| self.lag(*sample).is_some())
            .map(|(window, _)| window.to_string())
            .filter(|window| *window != period);
        let last = self.period.filter(|sample| self.lag(*sample).is_some());
        windows.chain(last.map(|_| period.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::domain::{Origin, Period, Slo, SourceName, Window};

    /// All windows measured at one moment but for the period, which is so many seconds older.
    fn seen(burn: f64, older: i64) -> Observation {
        let at = Timestamp::from_second(1_795_356_000).expect("a moment");
        let slo = Slo::new(
            "checkout",
            "availability",
            SourceName::new("prod"),
            0.999,
            Period::Rolling(Window::days(30)),
            Origin::Config,
        );
        let mut seen = Observation::unknown(Arc::new(slo), at);
        seen.windows
            .change(|_, sample| sample.reading = Reading::Ratio(burn * 0.001));
        seen.period = seen.period.map(|period| Sample {
            reading: Reading::Ratio(0.0001),
            at: at - SignedDuration::from_secs(older),
            ..period
        });
        seen
    }

    #[test]
    fn what_is_older_than_the_short_windows_is_named_and_marked_while_it_burns() {
        for (burn, older, is_old, is_marked) in [
            (20.0, 0, false, false),
            (20.0, 30, false, false),
            (20.0, 31, true, true),
            (20.0, 590, true, true),
            (0.1, 590, true, false),
        ] {
            let seen = seen(burn, older);
            let period = seen.period.expect("a period");
            assert_eq!(seen.lag(period).is_some(), is_old, "{burn} {older}");
            assert_eq!(seen.is_behind(period), is_marked, "{burn} {older}");
            let keys: &[&str] = if is_old { &["30d"] } else { &[] };
            assert_eq!(seen.older_windows(), keys);
        }
        let mut unknown = seen(20.0, 590);
        unknown.period = unknown.period.map(|period| Sample {
            reading: Reading::Unknown,
            ..period
        });
        assert_eq!(unknown.older_windows(), [""; 0]);
    }
}
