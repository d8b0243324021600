//! The recent course of each SLO's shortest window, for sparklines and charts.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::api::{Api, Labels, Range, RangeSeries};
use super::plan::Trend;
use super::planner::{Planner, Question};
use super::plans::Plans;
use crate::domain::slo::{History, narrowed};
use crate::domain::{Fault, FaultKind, Reading, window};
use crate::source::Ask;
use crate::text::Untrusted;

/// How far back a chart looks.
const REACH: SignedDuration = SignedDuration::from_hours(3);
/// One point every so often: 61 points in all.
const STEP: SignedDuration = SignedDuration::from_mins(3);
/// Expressions joined in a query: a range costs [`REACH`] / [`STEP`] times what an instant does.
const EXPRESSIONS: usize = 16;

/// Beyond that, a stretch would be a single point.
const MOST_CUTS: u32 = 60;
/// Steps that are asked for again: a rule or a scrape may have been late for them.
const AGAIN: i32 = 2;
/// How long a server that refused is left alone.
const REST: SignedDuration = SignedDuration::from_mins(1);

/// The courses, kept between polls.
#[derive(Default)]
pub(super) struct Trends {
    /// In how many stretches of time the recorded courses are asked for, less one: thousands of
    /// them are more than one answer can hold.
    cuts: u32,
    /// The newest moment that was asked for.
    end: Option<Timestamp>,
    failed: Option<Timestamp>,
    /// The edition of the plans that this was asked for, up to which moment.
    asked_for: Option<(u64, Timestamp)>,
    /// The SLOs that were asked for.
    asked: BTreeSet<Untrusted>,
    courses: HashMap<Untrusted, History>,
}

impl Trends {
    /// The course of an SLO, oldest point first; empty when none is known.
    pub(super) fn course(&self, id: &Untrusted) -> History {
        self.courses.get(id).cloned().unwrap_or_default()
    }

    /// Asks for all courses when they are due. What was known stays when the server refuses.
    pub(super) async fn refresh(
        &mut self,
        api: &Api,
        planner: &mut Planner,
        known: &Plans,
        ask: &Ask,
    ) -> Result<(), Fault> {
        let at = ask.moment();
        let rests = |failed| failed <= at && window::age(failed, at) < REST;
        if self.failed.is_some_and(rests) {
            return Ok(());
        }
        // Samples are dated by the server's clock; its future holds none.
        let present = ask.at.or_else(|| api.present()).unwrap_or(at);
        let end = window::align(present, STEP);
        let asked_for = (known.edition, end);
        if self.asked_for == Some(asked_for) {
            return Ok(());
        }
        let wanted = known.all.iter().zip(&known.ids);
        let wanted = wanted.filter(|(plan, _)| plan.trend != Trend::None);
        let wanted: BTreeSet<_> = wanted.map(|(_, id)| id.clone()).collect();
        let is_known = wanted.is_subset(&self.asked);
        if is_known && self.end == Some(end) {
            self.asked_for = Some(asked_for);
            return Ok(());
        }
        // What is known needs only what has come since.
        let last = self.end.filter(|last| is_known && *last <= end);
        let range = Range {
            start: last.map_or(end - REACH, |last| (last - STEP * AGAIN).max(end - REACH)),
            end,
            step: STEP,
        };
        self.failed = Some(at);
        let mut courses = HashMap::new();
        while let Err(fault) = recorded(api, known, range, self.cuts, &mut courses).await {
            if fault.kind != FaultKind::TooLarge || self.cuts >= MOST_CUTS {
                return Err(fault);
            }
            self.cuts = self.cuts * 4 + 3;
        }
        computed(api, planner, known, (at, range), &mut courses).await?;
        self.failed = None;
        self.join(courses, range);
        self.courses.retain(|id, _| wanted.contains(id));
        (self.end, self.asked) = (Some(end), wanted);
        self.asked_for = Some(asked_for);
        Ok(())
    }

    /// Puts what was answered for a range behind what is known of the time before it.
    fn join(&mut self, mut newer: HashMap<Untrusted, History>, range: Range) {
        let begin = range.end - REACH;
        for (id, known) in std::mem::take(&mut self.courses) {
            let is_kept = |at| at >= begin && at < range.start;
            let kept = known.iter().filter(|point| is_kept(point.at));
            let added = newer.remove(&id);
            let joined: History = kept.chain(added.iter().flat_map(History::iter)).collect();
            if !joined.is_empty() {
                self.courses.insert(id, joined);
            }
        }
        self.courses.extend(newer);
    }
}

/// How far back tells which way a burn goes, and how often a point is asked for in it.
const RECENT: SignedDuration = SignedDuration::from_mins(9);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// The last minutes of these SLOs, by index: what tells which way a burn goes.
pub(super) async fn recent(
    api: &Api,
    planner: &mut Planner,
    known: &Plans,
    these: &[usize],
    ask: &Ask,
) -> Result<Vec<(usize, History)>, Fault> {
    let at = ask.moment();
    let end = ask.at.or_else(|| api.present()).unwrap_or(at);
    let range = Range {
        start: end - RECENT,
        end,
        step: MINUTE,
    };
    let expressions = these.iter().filter_map(|&index| {
        let expression = known.all.get(index)?.trend.expression()?;
        Some((index, expression))
    });
    let expressions: Vec<_> = expressions.collect();
    let questions = expressions
        .iter()
        .map(|(_, query)| Question { query, class: 0 });
    let questions: Vec<_> = questions.collect();
    if questions.is_empty() {
        return Ok(Vec::new());
    }
    let answers = planner
        .ask(&questions, EXPRESSIONS, at, |query| async move {
            api.query_range(&query, range).await
        })
        .await?;
    let mut found = Vec::new();
    for (question, (index, _)) in expressions.iter().enumerate() {
        if let Ok([series]) = answers.get(question) {
            let mut grid = Vec::new();
            fill(&mut grid, range, series, false);
            found.push((*index, History::on_grid(range.start, range.step, grid)));
        }
    }
    answers.broken.map_or(Ok(found), Err)
}

/// All recorded courses, in one query for each part of what is recorded.
async fn recorded(
    api: &Api,
    known: &Plans,
    range: Range,
    cuts: u32,
    courses: &mut HashMap<Untrusted, History>,
) -> Result<(), Fault> {
    let plans = known.all.as_slice();
    let mut owners: HashMap<(&str, &Labels), (usize, bool)> = HashMap::new();
    for (index, plan) in plans.iter().enumerate() {
        if let Trend::Recorded {
            name,
            labels,
            success,
        } = &plan.trend
        {
            owners.insert((name, labels), (index, *success));
        }
    }
    let names: BTreeSet<&str> = owners.keys().map(|(name, _)| *name).collect();
    if names.is_empty() {
        return Ok(());
    }
    let names = names.into_iter().collect::<Vec<_>>().join("|");
    let parts = if known.parts.is_empty() {
        &[String::new()][..]
    } else {
        &known.parts
    };
    let queries = parts
        .iter()
        .map(|part| format!("{{__name__=~\"{names}\"{part}}}"));
    let each = queries.flat_map(|query| {
        let stretches = stretches(range, cuts).into_iter();
        stretches.map(move |stretch| (query.clone(), stretch))
    });
    let mut grids = vec![Vec::new(); plans.len()];
    for (query, stretch) in each {
        // One at a time, since thousands of them are large while they are read.
        let each = |series: RangeSeries| {
            let owner = owners.get(&(series.name.as_str(), &series.labels));
            if let Some(&(plan, success)) = owner {
                fill(&mut grids[plan], range, &series, success);
            }
        };
        api.each_of_range(&query, stretch, each).await?;
    }
    for (id, grid) in known.ids.iter().zip(grids) {
        if !grid.is_empty() {
            let course = History::on_grid(range.start, range.step, grid);
            courses.insert(id.clone(), course);
        }
    }
    Ok(())
}

/// Puts a series' ratios where they belong on the grid of a range.
fn fill(grid: &mut Vec<f32>, range: Range, series: &RangeSeries, success: bool) {
    let step = range.step.as_secs().max(1);
    let place = |at: Timestamp| {
        let after = range.start.duration_until(at).as_secs();
        usize::try_from(after.div_euclid(step)).ok()
    };
    let most = place(range.end).map_or(0, |last| last + 1);
    grid.resize(most, f32::NAN);
    for &(at, value) in &series.points {
        let ratio = if success { 1.0 - value } else { value };
        let slot = place(at).and_then(|place| grid.get_mut(place));
        // What is no error ratio is a gap, and not zero.
        if let (Some(slot), Some(ratio)) = (slot, Reading::from_ratio(ratio).ratio()) {
            *slot = narrowed(ratio);
        }
    }
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
    known: &Plans,
    (at, range): (Timestamp, Range),
    courses: &mut HashMap<Untrusted, History>,
) -> Result<(), Fault> {
    let all = known.all.iter().zip(&known.ids);
    let expressions: Vec<_> = all
        .filter_map(|(plan, id)| match &plan.trend {
            Trend::Expression(text) => Some((id, text.as_str())),
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
            let mut grid = Vec::new();
            fill(&mut grid, range, series, false);
            courses.insert(id.clone(), History::on_grid(range.start, range.step, grid));
        }
    }
    answers.broken.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::slo::Point;

    #[test]
    fn what_is_no_error_ratio_is_a_gap_of_the_course_and_not_zero() {
        let at = |step: i32| Timestamp::from_second(1_000_000 * 60).unwrap() + STEP * step;
        let range = Range {
            start: at(0),
            end: at(3),
            step: STEP,
        };
        let series = RangeSeries {
            name: String::new(),
            labels: Labels::new(),
            points: vec![
                (at(0), 99.5),
                (at(1), 1.001),
                (at(2), f64::NAN),
                (at(3), 0.75),
            ],
        };
        let mut grid = Vec::new();
        fill(&mut grid, range, &series, true);
        let course = History::on_grid(range.start, range.step, grid);
        let told: Vec<_> = course.iter().map(|point| (point.at, point.ratio)).collect();
        assert_eq!(told, [(at(1), 0.0), (at(3), 0.25)]);
    }

    #[test]
    fn what_came_since_is_put_behind_what_is_known() {
        let at = |minutes: i64| Timestamp::from_second(1_000_000 * 60 + minutes * 60).unwrap();
        let course = |minutes: &[i64], ratio: f64| -> History {
            let points = minutes.iter().map(|&minute| Point {
                at: at(minute),
                ratio,
            });
            points.collect()
        };
        let id = |name: &str| Untrusted::from(name);
        let mut trends = Trends {
            courses: HashMap::from([
                (id("both"), course(&[-200, -180, -6, -3, 0], 0.125)),
                (id("silent"), course(&[-6, -3, 0], 0.125)),
                (id("gone"), course(&[-300], 0.125)),
            ]),
            ..Trends::default()
        };
        let newer = HashMap::from([
            (id("both"), course(&[-3, 0, 3], 0.25)),
            (id("new"), course(&[3], 0.25)),
        ]);
        let range = Range {
            start: at(-3),
            end: at(3),
            step: STEP,
        };
        trends.join(newer, range);
        let told = |name: &str| -> Vec<(i64, f64)> {
            let course = trends.course(&id(name));
            let minutes = |point: Point| point.at.duration_since(at(0)).as_mins();
            course
                .iter()
                .map(|point| (minutes(point), point.ratio))
                .collect()
        };
        // Older than three hours is forgotten, and the newest were asked for again.
        assert_eq!(
            told("both"),
            [(-6, 0.125), (-3, 0.25), (0, 0.25), (3, 0.25)]
        );
        assert_eq!(told("silent"), [(-6, 0.125)]);
        assert_eq!(told("new"), [(3, 0.25)]);
        assert_eq!(told("gone"), []);
    }
}
