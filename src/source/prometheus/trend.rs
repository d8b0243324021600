//! The recent course of each SLO's shortest window, for sparklines and charts.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::api::{Api, Labels, Range, RangeSeries};
use super::plan::{Plan, Trend};
use super::planner::{Planner, Question};
use crate::domain::slo::Point;
use crate::domain::{Fault, FaultKind, window};
use crate::source::Ask;
use crate::text::Untrusted;

/// How far back a chart looks.
const REACH: SignedDuration = SignedDuration::from_hours(3);
/// One point every so often: 61 points in all.
const STEP: SignedDuration = SignedDuration::from_mins(3);
/// How often the course is asked for.
const CADENCE: SignedDuration = SignedDuration::from_mins(1);
/// Expressions joined in a query: a range costs [`REACH`] / [`STEP`] times what an instant does.
const EXPRESSIONS: usize = 16;

/// Beyond that, a stretch would be a single point.
const MOST_CUTS: u32 = 60;

/// The courses, kept between polls.
#[derive(Default)]
pub(super) struct Trends {
    asked_at: Option<Timestamp>,
    /// In how many stretches of time the recorded courses are asked for, less one: thousands of
    /// them are more than one answer can hold.
    cuts: u32,
    courses: HashMap<Untrusted, Arc<[Point]>>,
}

impl Trends {
    /// The course of an SLO, oldest point first; empty when none is known.
    pub(super) fn course(&self, id: &Untrusted) -> Arc<[Point]> {
        self.courses.get(id).cloned().unwrap_or_default()
    }

    /// Asks for all courses when they are due. What was known stays when the server refuses.
    pub(super) async fn refresh(
        &mut self,
        api: &Api,
        planner: &mut Planner,
        plans: &[Plan],
        ask: &Ask,
    ) -> Result<(), Fault> {
        let at = ask.moment();
        if self
            .asked_at
            .is_some_and(|asked| window::age(asked, at) < CADENCE)
        {
            return Ok(());
        }
        self.asked_at = Some(at);
        // Samples are dated by the server's clock; its future holds none.
        let present = ask.at.or_else(|| api.present()).unwrap_or(at);
        let end = window::align(present, STEP);
        let range = Range {
            start: end - REACH,
            end,
            step: STEP,
        };
        let mut courses = HashMap::new();
        while let Err(fault) = recorded(api, plans, range, self.cuts, &mut courses).await {
            if fault.kind != FaultKind::TooLarge || self.cuts >= MOST_CUTS {
                return Err(fault);
            }
            self.cuts = self.cuts * 4 + 3;
        }
        computed(api, planner, plans, (at, range), &mut courses).await?;
        self.courses = courses;
        Ok(())
    }
}

/// All recorded courses, in one query.
async fn recorded(
    api: &Api,
    plans: &[Plan],
    range: Range,
    cuts: u32,
    courses: &mut HashMap<Untrusted, Arc<[Point]>>,
) -> Result<(), Fault> {
    let mut owners: HashMap<(&str, &Labels), (Untrusted, bool)> = HashMap::new();
    for plan in plans {
        if let Trend::Recorded {
            name,
            labels,
            success,
        } = &plan.trend
        {
            owners.insert((name, labels), (plan.slo.id(), *success));
        }
    }
    let names: BTreeSet<&str> = owners.keys().map(|(name, _)| *name).collect();
    if names.is_empty() {
        return Ok(());
    }
    let names = names.into_iter().collect::<Vec<_>>().join("|");
    let query = format!("{{__name__=~\"{names}\"}}");
    let mut joined: HashMap<Untrusted, Vec<Point>> = HashMap::new();
    for stretch in stretches(range, cuts) {
        for series in &api.query_range(&query, stretch).await?.data {
            if let Some((id, success)) = owners.get(&(series.name.as_str(), &series.labels)) {
                let known = joined.entry(id.clone()).or_default();
                known.extend_from_slice(&points(series, *success));
            }
        }
    }
    for (id, points) in joined {
        courses.insert(id, points.into());
    }
    Ok(())
}

/// A range in so many stretches and one more, each a step behind the end of the one before.
fn stretches(range: Range, cuts: u32) -> Vec<Range> {
    let step = range.step.as_secs().max(1);
    let steps = range.end.duration_since(range.start).as_secs() / step;
    let each = steps / i64::from(cuts + 1) + 1;
    (0..=steps)
        .step_by(usize::try_from(each).unwrap_or(1))
        .map(|first| Range {
            start: range.start + range.step * i32::try_from(first).unwrap_or(0),
            end: range.start
                + range.step * i32::try_from((first + each - 1).min(steps)).unwrap_or(0),
            step: range.step,
        })
        .collect()
}

/// The courses of SLOs written by hand. One that is refused is left out: what asks for its newest
/// value says why.
async fn computed(
    api: &Api,
    planner: &mut Planner,
    plans: &[Plan],
    (at, range): (Timestamp, Range),
    courses: &mut HashMap<Untrusted, Arc<[Point]>>,
) -> Result<(), Fault> {
    let expressions: Vec<_> = plans
        .iter()
        .filter_map(|plan| match &plan.trend {
            Trend::Expression(text) => Some((plan.slo.id(), text.as_str())),
            Trend::Recorded { .. } | Trend::None => None,
        })
        .collect();
    let questions: Vec<_> = expressions
        .iter()
        .map(|&(_, query)| Question { query, class: 0 })
        .collect();
    let answers = planner
        .ask(&questions, EXPRESSIONS, at, |query| async move {
            api.query_range(&query, range).await
        })
        .await?;
    for (index, (id, _)) in expressions.into_iter().enumerate() {
        if let Ok([series]) = answers.get(index) {
            courses.insert(id, points(series, false));
        }
    }
    answers.broken.map_or(Ok(()), Err)
}

fn points(series: &RangeSeries, success: bool) -> Arc<[Point]> {
    series
        .points
        .iter()
        .map(|&(at, value)| Point {
            at,
            ratio: if success { 1.0 - value } else { value },
        })
        .filter(|point| point.ratio.is_finite())
        .map(|point| Point {
            ratio: point.ratio.max(0.0),
            ..point
        })
        .collect()
}
