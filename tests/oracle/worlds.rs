//! Random SLOs at one moment, told to the program in binary fractions and to the oracle exactly.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use num_bigint::BigInt;
use num_rational::BigRational;
use proptest::prelude::*;
use watchfire::domain::{
    Events, Observation, Origin, Period, Reading, Rule, Sample, Severity, Slo, SourceName, Window,
};

use super::definitions::{ExactRule, Measured, Seen, Truth, ratio, workbook};

/// What is known of a window, in whole numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Count {
    /// Bad events of all, both counted.
    Events(u64, u64),
    /// A recorded ratio in millionths, without the counts.
    Recorded(u32),
    NoTraffic,
    NoSeries,
    Unknown,
}

impl Count {
    pub(crate) fn reading(self) -> Reading {
        match self {
            Self::Events(bad, total) => Reading::from_events(Some(float(bad)), Some(float(total))),
            Self::Recorded(millionths) => Reading::from_ratio(decimal(millionths, 6)),
            Self::NoTraffic => Reading::from_events(None, Some(0.0)),
            Self::NoSeries => Reading::from_events(None, None),
            Self::Unknown => Reading::Unknown,
        }
    }

    pub(crate) fn truth(self) -> Measured {
        match self {
            Self::Events(bad, total) => Measured::Ratio(ratio::of(bad, total)),
            Self::Recorded(millionths) => Measured::Ratio(ratio::of(millionths, 1_000_000)),
            Self::NoTraffic => Measured::NoTraffic,
            Self::NoSeries => Measured::NoSeries,
            Self::Unknown => Measured::Unknown,
        }
    }

    fn events(self) -> Option<(u64, u64)> {
        match self {
            Self::Events(bad, total) => Some((bad, total)),
            _ => None,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}

/// The nearest binary fraction of a decimal, as a parser has it.
fn decimal(number: u32, places: usize) -> f64 {
    let text = format!("{number}e-{places}");
    text.parse().expect("a number")
}

/// The rules of an SLO.
#[derive(Clone, Debug)]
pub(crate) enum Rules {
    Workbook,
    /// Whether it pages, long and short window in minutes, and the factor in hundredths.
    Own(Vec<(bool, u32, u32, u32)>),
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    /// In thousandths of a percent.
    pub(crate) objective: u32,
    pub(crate) period: Period,
    pub(crate) length: SignedDuration,
    pub(crate) elapsed: SignedDuration,
    pub(crate) rules: Rules,
    pub(crate) min_bad_events: u32,
    pub(crate) is_partial: bool,
    counts: Vec<Count>,
    period_count: Count,
}

impl World {
    /// A 30-day SLO with the workbook's rules that never failed.
    pub(crate) fn calm(objective: u32) -> Self {
        Self {
            objective,
            period: Period::Rolling(Window::days(30)),
            length: SignedDuration::from_hours(720),
            elapsed: SignedDuration::from_hours(720),
            rules: Rules::Workbook,
            min_bad_events: 0,
            is_partial: false,
            counts: vec![Count::Events(0, 1_000); 8],
            period_count: Count::Events(0, 1_000),
        }
    }

    pub(crate) fn set(&mut self, window_s: u64, bad: u64, total: u64) {
        let place = self.windows().iter().position(|&known| known == window_s);
        self.counts[place.expect("a window of the rules")] = Count::Events(bad, total);
    }

    pub(crate) fn set_period(&mut self, bad: u64, total: u64) {
        self.period_count = Count::Events(bad, total);
    }

    fn nominal_s(&self) -> u64 {
        match self.period {
            Period::Rolling(window) => u64::from(window.seconds()),
            Period::Week => 7 * 86_400,
            Period::Month => 30 * 86_400,
            Period::Quarter => 90 * 86_400,
            Period::Year => 365 * 86_400,
        }
    }

    fn exact_rules(&self) -> Vec<ExactRule> {
        match &self.rules {
            Rules::Workbook => workbook(self.nominal_s()),
            Rules::Own(rules) => rules
                .iter()
                .map(|&(pages, long, short, hundredths)| ExactRule {
                    pages,
                    long: u64::from(long) * 60,
                    short: u64::from(short) * 60,
                    factor: ratio::of(hundredths, 100),
                })
                .collect(),
        }
    }

    /// In seconds, each once, shortest first.
    fn windows(&self) -> Vec<u64> {
        let rules = self.exact_rules();
        let mut windows: Vec<_> = rules
            .iter()
            .flat_map(|rule| [rule.long, rule.short])
            .collect();
        windows.sort_unstable();
        windows.dedup();
        windows
    }

    pub(crate) fn truth(&self) -> Truth {
        let windows = self.windows().into_iter().zip(&self.counts);
        Truth {
            objective: ratio::of(self.objective, 100_000),
            rules: self.exact_rules(),
            windows: windows
                .map(|(window, count)| Seen {
                    window,
                    measured: count.truth(),
                    bad: count.events().map(|(bad, _)| ratio::of(bad, 1)),
                })
                .collect(),
            period: self.period_count.truth(),
            is_calendar: !matches!(self.period, Period::Rolling(_)),
            length_s: self.length.as_secs().unsigned_abs(),
            elapsed_s: self.elapsed.as_secs().unsigned_abs(),
            min_bad_events: self.min_bad_events,
            is_partial: self.is_partial,
        }
    }

    pub(crate) fn observation(&self) -> Observation {
        let at = Timestamp::UNIX_EPOCH;
        let mut slo = Slo::new(
            "checkout",
            "availability",
            SourceName::new("prod"),
            decimal(self.objective, 5),
            self.period,
            Origin::Config,
        );
        slo.min_bad_events = f64::from(self.min_bad_events);
        if let Rules::Own(rules) = &self.rules {
            slo.rules = rules
                .iter()
                .map(|&(pages, long, short, hundredths)| Rule {
                    severity: if pages {
                        Severity::Page
                    } else {
                        Severity::Ticket
                    },
                    long: Window::minutes(long),
                    short: Window::minutes(short),
                    factor: decimal(hundredths, 2),
                })
                .collect();
        }
        let sample = |count: &Count| Sample {
            reading: count.reading(),
            events: count.events().map(|(bad, total)| Events {
                bad: float(bad),
                total: float(total),
            }),
            at,
        };
        let windows = self.windows().into_iter().zip(&self.counts);
        let windows = windows
            .map(|(window, count)| {
                (
                    Window::from_seconds(window).expect("a window"),
                    sample(count),
                )
            })
            .collect();
        Observation {
            windows,
            period: Some(sample(&self.period_count)),
            period_length: self.length,
            period_elapsed: self.elapsed,
            partial: self.is_partial,
            ..Observation::unknown(Arc::new(slo), at)
        }
    }
}

/// Any of the four things that a window says.
pub(crate) fn measured() -> impl Strategy<Value = Count> {
    prop_oneof![
        6 => (0_u64..40, 1_u64..4_000).prop_map(|(bad, total)| Count::Events(bad.min(total), total)),
        3 => (0_u64..=1_000, Just(1_000_u64)).prop_map(|(bad, total)| Count::Events(bad, total)),
        3 => (0_u32..=1_000_000).prop_map(Count::Recorded),
        1 => Just(Count::NoTraffic),
        1 => Just(Count::NoSeries),
        1 => Just(Count::Unknown),
    ]
}

/// A place in a list of windows: one that is put exactly at, or one event off, a threshold.
#[derive(Clone, Copy, Debug)]
enum Aim {
    Miss,
    /// Which rule, and how many events more or fewer than exactly at its factor.
    At(usize, i8),
}

fn aim() -> impl Strategy<Value = Aim> {
    prop_oneof![
        Just(Aim::Miss),
        (0_usize..4, -1_i8..=1).prop_map(|(rule, off)| Aim::At(rule, off)),
    ]
}

fn rules() -> impl Strategy<Value = Rules> {
    let rule = (any::<bool>(), 2_u32..5_000, 1_u32..600, 1_u32..3_000);
    let rule =
        rule.prop_map(|(pages, long, short, factor)| (pages, long.max(short + 1), short, factor));
    prop_oneof![
        3 => Just(Rules::Workbook),
        1 => prop::collection::vec(rule, 1..5).prop_map(Rules::Own),
    ]
}

/// A period with its length, and the part of it that has passed.
fn period() -> impl Strategy<Value = (Period, SignedDuration, SignedDuration)> {
    let rolling = prop_oneof![
        3 => Just(30_u32 * 86_400),
        2 => (1_u32..120).prop_map(|days| days * 86_400),
        1 => 3_600_u32..10_000_000,
    ];
    let rolling = rolling.prop_map(|seconds| {
        let window = Window::from_seconds(u64::from(seconds)).expect("a window");
        (
            Period::Rolling(window),
            window.duration(),
            window.duration(),
        )
    });
    let calendar = prop::sample::select(vec![
        (Period::Week, [167_i64, 168, 169]),
        (Period::Month, [671, 720, 744]),
        (Period::Quarter, [2_159, 2_184, 2_208]),
        (Period::Year, [8_760, 8_784, 8_760]),
    ]);
    let calendar =
        (calendar, 0_usize..3, 1_i64..=100_000).prop_map(|((period, hours), which, share)| {
            let length = SignedDuration::from_hours(hours[which]);
            let elapsed = (length.as_secs() * share / 100_000).max(1);
            (period, length, SignedDuration::from_secs(elapsed))
        });
    prop_oneof![rolling, calendar]
}

/// A random SLO at a random moment of its life.
pub(crate) fn world() -> impl Strategy<Value = World> {
    let objective = prop_oneof![
        prop::sample::select(vec![
            90_000_u32, 99_000, 99_500, 99_900, 99_950, 99_990, 99_999
        ]),
        1_u32..100_000,
    ];
    let windows = prop::collection::vec((measured(), aim()), 8);
    let rest = (measured(), -1_i8..=2, 0_u32..6, prop::bool::weighted(0.1));
    (objective, period(), rules(), windows, rest).prop_map(
        |(objective, (period, length, elapsed), rules, windows, rest)| {
            let (period_count, off_budget, min_bad_events, is_partial) = rest;
            let mut world = World {
                objective,
                period,
                length,
                elapsed,
                rules,
                min_bad_events,
                is_partial,
                counts: windows.iter().map(|(count, _)| *count).collect(),
                period_count,
            };
            let exact = world.exact_rules();
            let budget = ratio::of(100_000 - objective, 100_000);
            for (count, (_, aim)) in world.counts.iter_mut().zip(&windows) {
                if let Aim::At(rule, off) = aim {
                    let factor = &exact[rule % exact.len()].factor;
                    *count = near_threshold(&(factor * &budget), *off).unwrap_or(*count);
                }
            }
            if off_budget < 2 {
                world.period_count =
                    near_threshold(&budget, off_budget).unwrap_or(world.period_count);
            }
            world
        },
    )
}

/// Counts whose ratio is exactly a threshold, or so many events off.
fn near_threshold(threshold: &BigRational, off: i8) -> Option<Count> {
    let (bad, total) = (threshold.numer(), threshold.denom());
    if bad > total || *total > BigInt::from(10_000_000) {
        return None;
    }
    let total = u64::try_from(total.clone()).ok()?;
    let bad = u64::try_from(bad.clone())
        .ok()?
        .checked_add_signed(i64::from(off))?;
    (bad <= total).then_some(Count::Events(bad, total))
}
