//! The search for the oldest sample of an SLO: where it is looked for, and the query for that.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::PRECISION;
use crate::domain::window;
use crate::source::prometheus::api::Labels;
use crate::source::prometheus::plan::{Plan, Trend};
use crate::source::prometheus::{discover, promql};

/// The part of a period that may be empty at its beginning: what [`Coverage::is_short`] tolerates.
///
/// [`Coverage::is_short`]: crate::domain::slo::Coverage::is_short
const BEGINNING: u32 = 100;
/// Moments of that part that are looked at.
const PROBES: u32 = 4;
/// Parts that a stretch of time is searched in.
const PARTS: u32 = 16;
/// The same for a pilot, which has few series,
const MANY_PARTS: u32 = 64;
/// and for one of recorded series, which has one: a round less.
const MOST_PARTS: u32 = 256;
/// Finer than this, in seconds, nothing is searched.
pub(super) const FINEST: u32 = 60;

/// A distance of moments about as long, which do not all fall where a series has no sample: a server
/// looks back five minutes from each, and moments are multiples of their distance, so of a series with
/// a sample each ten minutes every one of them may be missed.
fn staggered(step: u32) -> u32 {
    const LOOK_BACK: u32 = 300;
    const SPARSE: u32 = 2 * LOOK_BACK;
    match step {
        0..LOOK_BACK => step,
        LOOK_BACK..SPARSE => LOOK_BACK + 137,
        SPARSE.. => step / SPARSE * SPARSE + 137,
    }
}

/// A stretch of time in which the oldest sample is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stretch {
    /// In seconds.
    pub(super) length: u32,
    pub(super) step: u32,
    /// How long ago it ended, in seconds.
    pub(super) ended: i64,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Look {
    /// The oldest sample in a stretch.
    In(Stretch),
    /// A sample so many seconds ago, where there is none in a stretch before.
    Began { ago: i64, none_in: Stretch },
}

/// The search for the oldest sample of an SLO.
pub(super) struct Search<'a> {
    pub(super) plan: usize,
    /// The period up to now, in seconds.
    pub(super) period: u32,
    /// The selectors of its series.
    pub(super) selectors: Vec<String>,
    /// The labels of its own series, where a selector has many.
    pub(super) labels: Option<&'a Labels>,
    /// What it has in common with others whose data may have begun with its own.
    pub(super) kin: String,
    /// How many parts it searches a stretch of time in.
    parts: u32,
    pub(super) oldest: Option<Timestamp>,
}

impl<'a> Search<'a> {
    /// By what counts all events, a search for each part of a mean; where only the ratio is recorded,
    /// by that. An SLO written by hand is counted whatever is recorded of it.
    pub(super) fn all(plan: usize, of: &'a Plan, at: Timestamp) -> Vec<Self> {
        let period = of.slo.period.elapsed(at, &of.zone).seconds();
        if let Some(counted) = &of.counted {
            return vec![Self::of_counters(plan, period, counted)];
        }
        if let Trend::Recorded { name, labels, .. } = &of.trend
            && !of.slo.origin.is_queried()
        {
            return vec![Self {
                plan,
                period,
                selectors: vec![format!("{{__name__={}}}", promql::string(name))],
                labels: Some(labels),
                kin: name.as_ref().to_owned(),
                parts: PARTS,
                oldest: None,
            }];
        }
        let totals = of.asked.first_key_value();
        let totals = totals.map_or_else(Vec::new, |(_, formula)| formula.totals());
        let of_counters = |total| Self::of_counters(plan, period, total);
        totals.into_iter().map(of_counters).collect()
    }

    /// By what the rule reads that recorded an SLO.
    pub(super) fn behind(plan: usize, of: &'a Plan, at: Timestamp) -> Option<Self> {
        let period = of.slo.period.elapsed(at, &of.zone).seconds();
        let counted = discover::of_group(&of.rule.as_ref()?.query, &of.labels)?;
        Some(Self::of_counters(plan, period, &counted))
    }

    fn of_counters(plan: usize, period: u32, total: &str) -> Self {
        let selectors = promql::selectors(total);
        let names: BTreeSet<_> = selectors
            .iter()
            .filter_map(|one| one.name.as_deref())
            .collect();
        let kin = names.into_iter().collect::<Vec<_>>().join(" ");
        let selectors: BTreeSet<_> = selectors.iter().map(ToString::to_string).collect();
        Self {
            plan,
            period,
            selectors: selectors.into_iter().collect(),
            labels: None,
            kin,
            parts: PARTS,
            oldest: None,
        }
    }

    /// The same search with a selector of its own series alone.
    pub(super) fn alone(&self) -> Self {
        let labels = self.labels.iter().flat_map(|labels| labels.iter());
        let matchers: Vec<_> = labels
            .map(|(label, value)| format!(",{label}={}", promql::string(value)))
            .collect();
        let own = |selector: &String| match selector.strip_suffix('}') {
            Some(open) if !matchers.is_empty() => format!("{open}{}}}", matchers.concat()),
            _ => selector.clone(),
        };
        Self {
            selectors: self.selectors.iter().map(own).collect(),
            labels: self.labels,
            kin: self.kin.clone(),
            parts: if self.labels.is_some() {
                MOST_PARTS
            } else {
                MANY_PARTS
            },
            ..*self
        }
    }

    /// Where the period begins.
    pub(super) fn begin(&self) -> Stretch {
        let length = (self.period / BEGINNING).max(FINEST);
        Stretch {
            length,
            step: staggered((length / PROBES).max(1)),
            ended: i64::from(self.period.saturating_sub(length)),
        }
    }

    /// The whole period.
    pub(super) fn whole(&self) -> Stretch {
        Stretch {
            length: self.period,
            step: staggered(self.period.div_ceil(self.parts).max(FINEST)),
            ended: 0,
        }
    }

    /// Before the oldest sample that was found, or after the last moment that was looked at, `step`
    /// apart from the one before; `None` when it is known closely enough.
    pub(super) fn around(&self, step: u32, present: Timestamp, precision: i64) -> Option<Stretch> {
        let age = self.oldest.map(|oldest| window::age(oldest, present));
        let age = age.map_or(0, |age| age.as_secs());
        if step <= FINEST || i64::from(step) <= age / precision {
            return None;
        }
        // Those whose data begins at about the same time are asked for as one.
        let finer = staggered(step.div_ceil(self.parts).max(FINEST));
        Some(Stretch {
            length: step + finer,
            step: finer,
            ended: age / i64::from(finer) * i64::from(finer),
        })
    }

    /// Data that begins about here: none in all of the period that is long before this moment, and
    /// some soon after it.
    pub(super) fn beside(&self, oldest: Timestamp, present: Timestamp) -> Option<Look> {
        let age = u32::try_from(window::age(oldest, present).as_secs()).ok()?;
        let near = (age / u32::try_from(PRECISION * 2).ok()?).max(FINEST);
        let length = self.period.checked_sub(age + near)?;
        let none_in = Stretch {
            length: length.max(1),
            step: staggered(length.div_ceil(PARTS).max(FINEST)),
            ended: i64::from(age + near),
        };
        let ago = i64::from(age.checked_sub(2 * near)?);
        Some(Look::Began { ago, none_in })
    }

    /// The queries for that; the least of what they answer is it.
    pub(super) fn queries(&self, look: Look) -> Vec<String> {
        let selectors = self.selectors.iter();
        match look {
            Look::In(stretch) => selectors
                .map(|selector| self.least(&oldest(selector, stretch)))
                .collect(),
            Look::Began { ago, none_in } => {
                let one = |selector: &String| {
                    let after = self.least(&newest(selector, ago));
                    (after, self.least(&oldest(selector, none_in)))
                };
                let (after, before): (Vec<_>, Vec<_>) = selectors.map(one).unzip();
                let [after, before] = [after, before].map(|all| all.join(" or "));
                vec![format!("({after}) unless ({before})")]
            }
        }
    }

    /// The least of an SLO's own series; of a record there is one.
    fn least(&self, times: &str) -> String {
        if self.labels.is_some() {
            times.to_owned()
        } else {
            format!("min({times})")
        }
    }
}

/// The time of the oldest sample in a stretch.
fn oldest(selector: &str, stretch: Stretch) -> String {
    let Stretch {
        length,
        step,
        ended,
    } = stretch;
    let offset = if ended > 0 {
        format!(" offset {ended}s")
    } else {
        String::new()
    };
    format!("min_over_time(timestamp({selector})[{length}s:{step}s]{offset})")
}

/// The time of the newest sample so many seconds ago.
fn newest(selector: &str, ago: i64) -> String {
    // What has an offset of its own takes no other.
    let is_moved = selector.contains(" offset ") || selector.contains('@');
    if ago == 0 {
        format!("timestamp({selector})")
    } else if is_moved {
        let (length, step) = (FINEST, FINEST);
        oldest(
            selector,
            Stretch {
                length,
                step,
                ended: ago,
            },
        )
    } else {
        format!("timestamp({selector} offset {ago}s)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(selectors: &[&str], labels: Option<&'static Labels>) -> Search<'static> {
        Search {
            plan: 0,
            period: 30 * 86_400,
            selectors: selectors.iter().map(|&one| one.to_owned()).collect(),
            labels,
            kin: String::new(),
            parts: PARTS,
            oldest: None,
        }
    }

    #[test]
    fn data_that_begins_with_the_pilots_is_told_by_one_question() {
        let present = Timestamp::from_second(1_800_000_000).unwrap();
        let ask = |search: &Search<'_>, age: i64| {
            let oldest = Timestamp::from_second(1_800_000_000 - age).unwrap();
            let look = search.beside(oldest, present)?;
            let queries = search.queries(look);
            for query in &queries {
                assert!(promql_parser::parser::parse(query).is_ok(), "{query}");
            }
            Some(queries.join("\n"))
        };
        // A day old, in a period of thirty: some after a day but 2 %, none before a day and 1 %.
        assert_eq!(
            ask(&search(&["x{s=\"a\"}"], None), 86_400).as_deref(),
            Some(
                "(min(timestamp(x{s=\"a\"} offset 84672s))) unless \
                 (min(min_over_time(timestamp(x{s=\"a\"})[2504736s:156137s] offset 87264s)))"
            )
        );
        let of_one = ask(&search(&["x"], Some(&*Box::leak(Box::default()))), 120);
        assert!(of_one.is_some_and(|query| query.starts_with("(timestamp(x)) unless (min_over")));
        let of_two = ask(&search(&["x", "y offset 5m", "z @ 5"], None), 86_400).unwrap();
        assert_eq!(of_two.matches(" or ").count(), 4, "{of_two}");
        assert!(!of_two.contains("offset 5m offset"), "{of_two}");
        // What is as old as the period, or younger than can be told, has to be searched.
        assert_eq!(ask(&search(&["x"], None), 30 * 86_400), None);
        assert_eq!(ask(&search(&["x"], None), 60), None);
    }

    #[test]
    fn a_series_with_few_samples_is_met_by_one_of_ten_moments() {
        for step in (60..200_000).step_by(7) {
            let step = staggered(step);
            for phase in (0..600).step_by(60) {
                let is_met = |moment: u32| (moment + phase) % 600 < 300;
                let first = 4_000_000 / step;
                let mut moments = (first..first + 10).map(|number| number * step);
                assert!(step <= 300 || moments.any(is_met), "{step} {phase}");
            }
        }
    }
}
