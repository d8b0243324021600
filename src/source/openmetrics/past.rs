//! Bad and all events of SLOs in steps of past time, out of the minutes and hours of a history.
//!
//! Each step is measured with one minute more before it, so that what grew between two steps counts.
//! Where only hours are kept, a step is its share of its hour.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::absence::Absences;
use super::evaluate::{Measure, Plan, millis};
use super::history::{HOUR, History, MINUTE, Tier, ceil, floor};
use super::queries;
use super::segment::Segment;
use super::selector::{Formula, Role};
use super::sums::Sums;
use super::walk::{Floors, Index};
use crate::domain::past::{PastEvents, Steps};
use crate::domain::{Events, Reading, Window};
use crate::state::database::Trouble;
use crate::text::Untrusted;

/// Stretches of each series, by its place in the index, oldest first.
type Stretches = Vec<Vec<Segment>>;

/// The past of the SLOs with these numbers.
pub(super) fn recall(
    history: &History,
    index: &Index,
    plan: &Plan,
    numbers: &[usize],
    steps: Steps,
) -> Result<Vec<PastEvents>, Trouble> {
    let kept = Kept::read(history, index, plan, steps)?;
    let absences = Absences::of(index, &plan.selectors);
    let measures: Vec<_> = numbers
        .iter()
        .filter_map(|&number| plan.slos.get(number))
        .collect();
    let mut events = vec![Vec::with_capacity(steps.len()); measures.len()];
    for number in 0..steps.len() {
        let end = steps.end(number).as_millisecond();
        let (span, held) = kept.step(end - millis(steps.step()), end);
        let sums = Sums::of(plan.selectors.len(), index.series(), &held, span.0, span.1);
        let share = share(millis(steps.step()), span);
        for (measure, events) in measures.iter().zip(&mut events) {
            let absent = (&absences, measure.absent_is_zero);
            events.push(counted(sums.read(&measure.formula, absent), share));
        }
    }
    let found = measures.into_iter().zip(events);
    Ok(found
        .map(|(measure, events)| PastEvents {
            slo: Arc::clone(&measure.slo),
            steps,
            events,
            width: SignedDuration::from_millis(kept.width),
            counted: !matches!(measure.formula, Formula::Weighted(_)),
            partial: false,
            newest: kept.newest(index, measure, steps.until()),
            present: None,
            answered: None,
            queries: shown(measure, kept.width),
            reasons: absences
                .reasons(&measure.formula, &plan.selectors, measure.slo.period)
                .into_iter()
                .map(|(_, reason)| reason)
                .collect(),
        })
        .collect())
}

/// The query that Prometheus would get for a step.
fn shown(measure: &Measure, width: i64) -> Vec<(String, Untrusted)> {
    let seconds = u64::try_from(width / 1_000).ok();
    let window = seconds.and_then(Window::from_seconds);
    window.map_or_else(Vec::new, |window| queries(&measure.sli, window))
}

#[expect(clippy::cast_precision_loss, reason = "spans stay far below 2^52 ms")]
fn share(step: i64, (start, end): (i64, i64)) -> f64 {
    step as f64 / (end - start).max(1) as f64
}

/// The events of a step, of those of the time it was measured over.
fn counted((reading, events): (Reading, Option<Events>), share: f64) -> Option<Events> {
    match (reading, events) {
        (Reading::Ratio(_), Some(Events { bad, total })) => Some(Events {
            bad: bad * share,
            total: total * share,
        }),
        // A mean of several ratios counts nothing.
        (Reading::Ratio(bad), None) => Some(Events { bad, total: 1.0 }),
        (Reading::NoTraffic, _) => Some(Events {
            bad: 0.0,
            total: 0.0,
        }),
        (Reading::NoSeries | Reading::Unknown, _) => None,
    }
}

/// What a history holds of the time of some steps.
struct Kept {
    minutes: Stretches,
    hours: Stretches,
    /// Since when minutes are known.
    floor: i64,
    /// How long a step is measured over where minutes are known.
    width: i64,
    /// How much longer that is than the step.
    slack: i64,
}

impl Kept {
    fn read(history: &History, index: &Index, plan: &Plan, steps: Steps) -> Result<Self, Trouble> {
        let floor_of_minutes = Floors::of(history)?.minutes();
        let step = millis(steps.step());
        // A target is asked four times before its samples are old.
        let interval = ceil(millis(plan.fresh) / 4, MINUTE);
        let slack = if interval <= step {
            interval
        } else {
            interval * 2 - step
        };
        let (begin, end) = (
            steps.from().as_millisecond() - slack,
            steps.until().as_millisecond(),
        );
        let read = |tier, span: (i64, i64)| {
            let mut all: Stretches = vec![Vec::new(); index.series().len()];
            if span.0 < span.1 {
                history.scan(tier, span, end + 1, |id, segment| {
                    if let Some(place) = index.place(id) {
                        all[place].push(segment);
                    }
                })?;
            }
            // They came from new to old.
            for series in &mut all {
                series.reverse();
            }
            Ok::<_, Trouble>(all)
        };
        let split = floor_of_minutes.clamp(floor(begin, HOUR), ceil(end, HOUR) + HOUR);
        let minutes = floor(begin, MINUTE).max(split);
        Ok(Self {
            minutes: read(Tier::Minutes, (minutes, ceil(end, MINUTE)))?,
            hours: read(
                Tier::Hours,
                (floor(begin, HOUR), split.min(ceil(end, HOUR))),
            )?,
            floor: split,
            width: step + slack,
            slack,
        })
    }

    /// The time that a step is measured over, and what each series did in it.
    fn step(&self, start: i64, end: i64) -> ((i64, i64), Vec<Option<Segment>>) {
        let (span, all) = if start >= self.floor {
            ((start - self.slack, end), &self.minutes)
        } else {
            let (first, last) = (floor(start, HOUR), ceil(end, HOUR));
            ((first, last), &self.hours)
        };
        let held = all.iter().map(|series| within(series, span));
        (span, held.collect())
    }

    /// When the newest sample of all events was taken.
    fn newest(&self, index: &Index, measure: &Measure, until: Timestamp) -> Option<Timestamp> {
        let roles = measure.formula.roles().into_iter();
        let totals = roles.filter(|(role, _)| *role == Role::Total);
        let totals: Vec<_> = totals.map(|(_, selector)| selector).collect();
        let series = index.series().iter().zip(&self.minutes);
        let counted = series.filter(|(one, _)| {
            let mut selectors = one.selectors.iter();
            selectors.any(|selector| totals.contains(selector))
        });
        let last = counted.filter_map(|(_, minutes)| Some(minutes.last()?.last_at));
        let newest = Timestamp::from_millisecond(last.max()?).ok()?;
        Some(newest.min(until))
    }
}

/// What a series did in a span, of the stretches that lie in it as a whole.
fn within(series: &[Segment], (start, end): (i64, i64)) -> Option<Segment> {
    let from = series.partition_point(|one| one.first_at < start);
    let inside = series[from..].iter();
    let inside = inside.take_while(|one| one.last_at <= end);
    inside.copied().reduce(Segment::then)
}
