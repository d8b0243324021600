//! Which way a burn goes: its shortest window now against five minutes ago.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Assessment, Observation, Phase, Standing, State};

/// How long ago the burn is compared with.
const BACK: SignedDuration = SignedDuration::from_mins(5);
/// Points of the past further apart than this tell nothing of the time between them.
const BRIDGE: SignedDuration = SignedDuration::from_mins(6);
/// A point so near to a moment stands for it.
const NEAR: SignedDuration = SignedDuration::from_secs(90);
/// A change of no more than this share, or of [`LEVEL`], is none.
const SHARE: f64 = 0.1;
/// A change of the burn rate of no more than this is none.
const LEVEL: f64 = 0.1;

/// The past is kept to 24 bits.
const NOISE: f64 = 1e-6;

/// Which way the shortest window of an SLO that burns goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// It burns faster than five minutes ago.
    Rising,
    /// It burns as five minutes ago, within 10 % or 0.1x.
    Steady,
    /// It burns slower than five minutes ago.
    Easing,
}

impl Direction {
    /// From burn rates then and now.
    pub fn between(then: f64, now: f64) -> Self {
        if (now - then).abs() <= LEVEL.max(SHARE * then) + NOISE * then {
            Self::Steady
        } else if now > then {
            Self::Rising
        } else {
            Self::Easing
        }
    }

    /// The word used on the screen and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rising => "rising",
            Self::Steady => "steady",
            Self::Easing => "easing",
        }
    }

    /// The arrow that stands for it.
    pub fn arrow(self) -> &'static str {
        match self {
            Self::Rising => "↗",
            Self::Steady => "→",
            Self::Easing => "↘",
        }
    }
}

impl Assessment {
    /// True while anything of the SLO burns: a rule fires, or a window is above its factor.
    pub fn burns(&self) -> bool {
        burns(self.state, self.phase)
    }
}

impl Standing {
    /// The same of what thousands of rows are ranked by.
    pub fn burns(&self) -> bool {
        burns(self.state, self.phase)
    }
}

fn burns(state: State, phase: Option<Phase>) -> bool {
    matches!(state, State::Page | State::Ticket) || phase.is_some_and(|one| one != Phase::Calm)
}

impl Observation {
    /// The burn rate of the shortest window.
    pub fn short_burn(&self) -> Option<f64> {
        let newest = self.windows.values().next()?;
        Some(self.slo.burn_rate(newest.reading.ratio()?))
    }

    /// Which way the burn goes; `None` while nothing burns, and where the past is not known.
    pub fn direction(&self, verdict: &Assessment) -> Option<Direction> {
        if !verdict.burns() {
            return None;
        }
        let newest = self.windows.values().next()?;
        let then = self.past_ratio(newest.at.checked_sub(BACK).ok()?)?;
        let now = newest.reading.ratio()?;
        let burn = |ratio| self.slo.burn_rate(ratio);
        Some(Direction::between(burn(then), burn(now)))
    }

    /// The ratio of the shortest window at a moment of the past, between the points around it.
    fn past_ratio(&self, at: Timestamp) -> Option<f64> {
        let before = self.history.iter().rev().find(|point| point.at <= at);
        let after = self.history.iter().find(|point| point.at >= at);
        if let (Some(before), Some(after)) = (before, after) {
            let span = before.at.duration_until(after.at);
            if span.is_zero() {
                return Some(before.ratio);
            }
            if span <= BRIDGE {
                let passed = before.at.duration_until(at);
                let share = passed.as_secs_f64() / span.as_secs_f64();
                return Some(before.ratio + (after.ratio - before.ratio) * share);
            }
        }
        let points = [before, after].into_iter().flatten();
        let mut near = points.filter(|point| point.at.duration_until(at).abs() <= NEAR);
        near.next().map(|point| point.ratio)
    }

    /// The time to exhaustion as a screen shows it: only while the shortest window burns at 1x or
    /// more, and only of a time within the period. [`Assessment::exhausts_in`] is the formula alone.
    pub fn gone_in(&self, verdict: &Assessment) -> Option<SignedDuration> {
        let left = verdict.exhausts_in?;
        let is_spending = self.short_burn().is_some_and(|burn| burn >= 1.0);
        let is_within = left <= self.period_length && !verdict.ends_within_budget(&self.slo);
        (is_spending && is_within).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::slo::{History, Point};
    use crate::domain::{Origin, Period, Reading, Slo, SourceName, Window};

    const NOW: i64 = 1_795_356_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(NOW + seconds).expect("a moment")
    }

    /// An SLO of 99.9 % whose windows burn at these rates, the shortest apart, with a past of the
    /// shortest.
    fn seen(short: f64, others: f64, past: &[(i64, f64)]) -> Observation {
        let slo = Slo::new(
            "checkout",
            "availability",
            SourceName::new("prod"),
            0.999,
            Period::Rolling(Window::days(30)),
            Origin::Config,
        );
        let mut seen = Observation::unknown(Arc::new(slo), at(0));
        seen.windows.change(|window, sample| {
            let is_short = window == Window::minutes(5);
            sample.reading = Reading::Ratio(0.001 * if is_short { short } else { others });
        });
        let mut period = seen.period.expect("a period");
        period.reading = Reading::Ratio(0.0005);
        seen.period = Some(period);
        let points = past.iter().map(|&(second, burn)| Point {
            at: at(second),
            ratio: 0.001 * burn,
        });
        seen.history = points.collect::<History>();
        seen
    }

    fn direction(short: f64, others: f64, past: &[(i64, f64)]) -> Option<Direction> {
        let seen = seen(short, others, past);
        seen.direction(&seen.assess())
    }

    #[test]
    fn the_short_window_is_compared_with_five_minutes_ago() {
        use Direction::{Easing, Rising, Steady};
        let level = |burn: f64| [(-540, burn), (-360, burn), (-180, burn)];
        for (short, past, wanted) in [
            (22.0, level(20.0), Steady),
            (22.1, level(20.0), Rising),
            (18.0, level(20.0), Steady),
            (17.9, level(20.0), Easing),
            (0.4, level(20.0), Easing),
            (0.4, level(0.45), Steady),
            (0.4, level(0.2), Rising),
            (0.0, level(0.09), Steady),
        ] {
            assert_eq!(
                direction(short, 20.0, &past),
                Some(wanted),
                "{short} {past:?}"
            );
        }
        // Between the points around that moment: 300 s ago it burned at 10x.
        assert_eq!(
            direction(10.0, 20.0, &[(-360, 5.0), (-180, 20.0)]),
            Some(Steady)
        );
    }

    #[test]
    fn without_a_past_or_a_fire_there_is_no_direction() {
        assert_eq!(direction(20.0, 20.0, &[]), None);
        // The nearest points are too far from it, or from one another.
        assert_eq!(direction(20.0, 20.0, &[(-900, 20.0), (-180, 20.0)]), None);
        assert_eq!(direction(20.0, 20.0, &[(-120, 20.0)]), None);
        assert_eq!(
            direction(20.0, 20.0, &[(-240, 20.0)]),
            Some(Direction::Steady)
        );
        assert_eq!(direction(0.4, 0.4, &[(-300, 0.4)]), None);
        // A page that has not cleared yet burns.
        assert_eq!(
            direction(0.4, 20.0, &[(-300, 20.0)]),
            Some(Direction::Easing)
        );
    }

    proptest! {
        #[test]
        fn a_time_to_exhaustion_is_shown_only_while_it_burns_and_within_the_period(
            short in 0.0..30.0_f64,
            others in 0.0..30.0_f64,
        ) {
            let seen = seen(short, others, &[]);
            let verdict = seen.assess();
            match seen.gone_in(&verdict) {
                Some(left) => {
                    prop_assert!(short >= 1.0 - 1e-9);
                    prop_assert!(left <= seen.period_length);
                    prop_assert_eq!(Some(left), verdict.exhausts_in);
                }
                None => prop_assert!(
                    short < 1.0 + 1e-9
                        || verdict.exhausts_in.is_none_or(|left| left > seen.period_length)
                ),
            }
        }

        #[test]
        fn a_direction_and_its_opposite_are_of_one_change(then in 0.0..50.0_f64, now in 0.0..50.0_f64) {
            let there = Direction::between(then, now);
            match there {
                Direction::Rising => prop_assert!(now > then),
                Direction::Easing => prop_assert!(now < then),
                Direction::Steady => {
                    prop_assert!((now - then).abs() <= (0.1 * then).max(0.1) + 1e-4);
                }
            }
        }
    }
}
