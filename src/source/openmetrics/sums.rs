//! What the series of each selector add up to over a window, and what a formula makes of that.

use jiff::Timestamp;

use super::absence::Absences;
use super::segment::Segment;
use super::selector::{Formula, Selectors};
use super::walk::Indexed;
use crate::domain::{Events, Reading};

/// What the series of each selector add up to over one window.
pub(super) struct Sums {
    of: Vec<Sum>,
    /// How often that target was asked which was asked most often.
    asked: u32,
}

#[derive(Clone, Copy, Default)]
struct Sum {
    /// Of counters; `None` without two samples of any series.
    increase: Option<f64>,
    /// How many samples.
    count: f64,
    /// All samples added up.
    whole: f64,
    /// When the oldest sample was taken, in Unix milliseconds.
    since: Option<i64>,
    /// True when one of the samples was no number.
    is_broken: bool,
}

impl Sums {
    /// Adds up over `start..=end`, in Unix milliseconds, what is held of each series of it.
    pub(super) fn of(
        selectors: usize,
        series: &[Indexed],
        held: &[Option<Segment>],
        start: i64,
        end: i64,
    ) -> Self {
        let mut sums = Self {
            of: vec![Sum::default(); selectors],
            asked: 0,
        };
        for (series, held) in series.iter().zip(held) {
            let Some(held) = held else { continue };
            if series.target.is_some() {
                sums.asked = sums.asked.max(held.count);
            }
            let increase = held.increase_over(start, end);
            for &selector in &series.selectors {
                sums.of[selector].add(held, increase);
            }
        }
        sums
    }

    /// The error ratio, and the events behind it.
    pub(super) fn read(
        &self,
        formula: &Formula,
        absent: (&Absences, bool),
    ) -> (Reading, Option<Events>) {
        if let Formula::Weighted(parts) = formula {
            let parts = parts.iter();
            let parts = parts.map(|(weight, part)| (*weight, self.read(part, absent).0));
            return (Reading::mean(parts), None);
        }
        if self.broken(formula).is_some() || self.missing(formula, absent).is_some() {
            return (Reading::Unknown, None);
        }
        match formula {
            Formula::Events {
                part,
                bad: true,
                total,
                ..
            } => self.counted(self.of[*part].increase, self.of[*total].increase, 2),
            Formula::Events { part, total, .. } => {
                let (good, total) = (self.of[*part].increase, self.of[*total].increase);
                let bad = total.map(|total| total - good.unwrap_or(0.0));
                self.counted(bad, total, 2)
            }
            Formula::Gauge(gauge) => {
                let Sum { count, whole, .. } = self.of[*gauge];
                let total = (count > 0.0).then_some(count);
                self.counted(total.map(|total| total - whole), total, 1)
            }
            Formula::Weighted(_) => (Reading::Unknown, None),
        }
    }

    /// Bad events of all. Where there are none, that says something only of a window in which a
    /// target was asked as often as it has to be for a number.
    fn counted(
        &self,
        bad: Option<f64>,
        total: Option<f64>,
        needed: u32,
    ) -> (Reading, Option<Events>) {
        if total.is_none() && self.asked < needed {
            return (Reading::Unknown, None);
        }
        let reading = Reading::from_events(bad, total);
        let events = total.and_then(|total| Events::of(reading, bad.unwrap_or(0.0), total));
        (reading, events)
    }

    /// The number of a selector of the formula that has no series where it needs some.
    pub(super) fn missing(&self, formula: &Formula, absent: (&Absences, bool)) -> Option<usize> {
        let (absences, absent_is_zero) = absent;
        match formula {
            Formula::Events { part, total, .. } => {
                let is_empty = self.of[*part].increase.is_none();
                let is_asked = self.of[*total].increase.is_some_and(|total| total > 0.0);
                let is_missing = is_empty && is_asked && absences.is_missing(*part, absent_is_zero);
                is_missing.then_some(*part)
            }
            Formula::Gauge(_) => None,
            Formula::Weighted(parts) => {
                let mut parts = parts.iter();
                parts.find_map(|(_, part)| self.missing(part, absent))
            }
        }
    }

    /// True when no target was asked often enough for an increase.
    pub(super) fn is_thin(&self) -> bool {
        self.asked < 2
    }

    /// The number of a selector of the formula that has a sample which is no number.
    pub(super) fn broken(&self, formula: &Formula) -> Option<usize> {
        let mut selectors = formula.selectors().into_iter();
        selectors.find(|&index| self.of[index].is_broken)
    }

    /// Since when there is data behind a formula: since the oldest sample of a selector, as pods come
    /// and go, but only since the youngest of what is counted, as a ratio needs all of it.
    ///
    /// What has no series never happened. What counts the same metric as all events is as old as
    /// those: that its series are younger is that it had not happened before.
    pub(super) fn since(&self, formula: &Formula, selectors: &Selectors) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.oldest(formula, selectors)?).ok()
    }

    fn oldest(&self, formula: &Formula, selectors: &Selectors) -> Option<i64> {
        let of = |index: &usize| self.of[*index].since;
        match formula {
            Formula::Gauge(gauge) => of(gauge),
            Formula::Events { part, total, .. } => {
                let part = Some(part).filter(|&part| !selectors.count_the_same(*part, *total));
                of(total).max(part.and_then(of))
            }
            Formula::Weighted(parts) => {
                let parts = parts.iter();
                parts
                    .filter_map(|(_, part)| self.oldest(part, selectors))
                    .max()
            }
        }
    }
}

impl Sum {
    /// Adds a series that grew by `increase`.
    fn add(&mut self, held: &Segment, increase: Option<f64>) {
        if let Some(increase) = increase {
            *self.increase.get_or_insert(0.0) += increase;
        }
        self.count += f64::from(held.count);
        self.whole += held.sum;
        self.is_broken |= !held.is_number();
        let since = self.since.unwrap_or(held.first_at);
        self.since = Some(since.min(held.first_at));
    }
}
