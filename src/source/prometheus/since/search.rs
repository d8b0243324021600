//! The search for the oldest sample of an SLO: where it is looked for, and the query for that.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{PARTS, PRECISION};
use crate::domain::window;
use crate::source::prometheus::api::Labels;
use crate::source::prometheus::plan::{Plan, Trend};
use crate::source::prometheus::promql;

/// The part of a period that may be empty at its beginning: what [`Coverage::is_short`] tolerates.
///
/// [`Coverage::is_short`]: crate::domain::slo::Coverage::is_short
const BEGINNING: u32 = 100;
/// Moments of that part that are looked at.
const PROBES: u32 = 4;
/// Finer than this, in seconds, nothing is searched.
const FINEST: u32 = 60;

/// A stretch of time in which the oldest sample is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// In seconds.
    pub(super) length: u32,
    pub(super) step: u32,
    /// How long ago it ended, in seconds.
    pub(super) ended: i64,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The oldest sample in a stretch.
    In(Stretch),
    /// A sample in the second, where there is none in the first.
    Began([Stretch; 2]),
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
    pub(super) oldest: Option<Timestamp>,
}

impl<'a> Search<'a> {
    /// By the recorded series where the ratio is recorded, else by what counts all events.
    pub(super) fn new(plan: usize, of: &'a Plan, at: Timestamp) -> Self {
        let period = of.slo.period.elapsed(at, &of.zone).seconds();
        if let Trend::Recorded { name, labels, .. } = &of.trend {
            return Self {
                plan,
                period,
                selectors: vec![format!("{{__name__={}}}", promql::string(name))],
                labels: Some(labels),
                kin: name.clone(),
                oldest: None,
            };
        }
        let totals = of.asked.first_key_value();
        let totals = totals.map_or_else(Vec::new, |(_, formula)| formula.totals());
        let selectors: Vec<_> = totals.into_iter().flat_map(promql::selectors).collect();
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
            ..*self
        }
    }

    /// Where the period begins.
    pub(super) fn begin(&self) -> Stretch {
        let length = (self.period / BEGINNING).max(FINEST);
        Stretch {
            length,
            step: (length / PROBES).max(1),
            ended: i64::from(self.period.saturating_sub(length)),
        }
    }

    /// The whole period.
    pub(super) fn whole(&self, parts: u32) -> Stretch {
        Stretch {
            length: self.period,
            step: self.period.div_ceil(parts).max(FINEST),
            ended: 0,
        }
    }

    /// Before the oldest sample that was found, or after the last moment that was looked at, `step`
    /// apart from the one before; `None` when it is known closely enough.
    pub(super) fn around(
        &self,
        step: u32,
        present: Timestamp,
        parts: u32,
        precision: i64,
    ) -> Option<Stretch> {
        let age = self.oldest.map(|oldest| window::age(oldest, present));
        let age = age.map_or(0, |age| age.as_secs());
        if step <= FINEST || i64::from(step) <= age / precision {
            return None;
        }
        // Those whose data begins at about the same time are asked for as one.
        let finer = step.div_ceil(parts).max(FINEST);
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
        let before = Stretch {
            length: length.max(1),
            step: length.div_ceil(PARTS).max(FINEST),
            ended: i64::from(age + near),
        };
        // A moment of a subquery is a multiple of its step: here, of the last `near` seconds.
        let after = Stretch {
            length: near,
            step: near,
            ended: i64::from(age.checked_sub(2 * near)?),
        };
        Some(Look::Began([before, after]))
    }

    /// The queries for that; the least of what they answer is it.
    pub(super) fn queries(&self, look: Look) -> Vec<String> {
        let each = |stretch| {
            let selectors = self.selectors.iter();
            selectors.map(move |selector| self.query(selector, stretch))
        };
        match look {
            Look::In(stretch) => each(stretch).collect(),
            Look::Began(stretches) => {
                let [before, after] = stretches.map(|it| each(it).collect::<Vec<_>>().join(" or "));
                vec![format!("({after}) unless ({before})")]
            }
        }
    }

    fn query(&self, selector: &str, stretch: Stretch) -> String {
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
        let oldest = format!("min_over_time(timestamp({selector})[{length}s:{step}s]{offset})");
        if self.labels.is_some() {
            oldest
        } else {
            format!("min({oldest})")
        }
    }
}
