//! The recent course of each SLO's shortest window, out of the minutes of a history.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::absence::Absences;
use super::evaluate::{Plan, millis};
use super::history::{History, MINUTE, Tier, floor};
use super::segment::Segment;
use super::sums::Sums;
use super::walk::Index;
use crate::domain::slo::{History as Past, Point};
use crate::domain::{Window, window};
use crate::state::database::Trouble;

/// How far back a chart looks.
const REACH: SignedDuration = SignedDuration::from_hours(3);
/// One point every so often.
const STEP: SignedDuration = SignedDuration::from_mins(3);
/// How often the courses are computed.
const CADENCE: SignedDuration = SignedDuration::from_mins(1);

/// The courses of all SLOs, kept between polls.
#[derive(Debug, Default)]
pub(super) struct Courses {
    made_at: Option<Timestamp>,
    all: Vec<Past>,
}

impl Courses {
    /// The course of an SLO, by its number, oldest point first; its newest reading where that is all
    /// there is.
    pub(super) fn of(&self, number: usize, newest: Option<Point>) -> Past {
        match self.all.get(number) {
            Some(known) if !known.is_empty() => known.clone(),
            _ => newest.into_iter().collect(),
        }
    }

    /// Computes all courses when they are due.
    pub(super) fn refresh(
        &mut self,
        history: &History,
        index: &Index,
        plan: &Plan,
        at: Timestamp,
    ) -> Result<(), Trouble> {
        if self
            .made_at
            .is_some_and(|made| made <= at && window::age(made, at) < CADENCE)
        {
            return Ok(());
        }
        self.made_at = Some(at);
        let mut by_window: BTreeMap<Window, Vec<usize>> = BTreeMap::new();
        for (number, measure) in plan.slos.iter().enumerate() {
            if let Some(&shortest) = measure.slo.windows().first() {
                by_window.entry(shortest).or_default().push(number);
            }
        }
        let Some((&longest, _)) = by_window.last_key_value() else {
            return Ok(());
        };
        let end = window::align(at, STEP).as_millisecond();
        let begin = end - millis(REACH);
        let reach = floor(begin - millis(longest.duration()), MINUTE);
        let mut minutes: Vec<Vec<Segment>> = vec![Vec::new(); index.series().len()];
        history.scan(Tier::Minutes, (reach, end), end, |id, segment| {
            if let Some(place) = index.place(id) {
                minutes[place].push(segment);
            }
        })?;
        // They came from new to old.
        for series in &mut minutes {
            series.reverse();
        }
        let absences = Absences::of(index, &plan.selectors);
        let mut courses = vec![Vec::new(); plan.slos.len()];
        for (window, numbers) in by_window {
            let mut moment = begin;
            while moment <= end {
                let span = (moment - millis(window.duration()), moment);
                let held: Vec<_> = minutes.iter().map(|series| within(series, span)).collect();
                let sums = Sums::of(plan.selectors.len(), index.series(), &held, span.0, span.1);
                for &number in &numbers {
                    let measure = &plan.slos[number];
                    let absent = (&absences, measure.absent_is_zero);
                    let (reading, _) = sums.read(&measure.formula, absent);
                    if let (Some(ratio), Ok(at)) =
                        (reading.ratio(), Timestamp::from_millisecond(moment))
                    {
                        courses[number].push(Point { at, ratio });
                    }
                }
                moment += millis(STEP);
            }
        }
        self.all = courses.into_iter().map(Past::from_iter).collect();
        Ok(())
    }
}

/// The minutes of a series that lie in a span, as one.
fn within(series: &[Segment], (start, end): (i64, i64)) -> Option<Segment> {
    let from = series.partition_point(|minute| minute.first_at < start);
    let inside = series[from..]
        .iter()
        .take_while(|minute| minute.last_at < end);
    inside.copied().reduce(Segment::then)
}
