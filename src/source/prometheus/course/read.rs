//! The answers about the past of what burns, slice by slice.

use jiff::Timestamp;

use super::{EXPRESSIONS, Server, Want};
use crate::domain::slo::{Course, Slice};
use crate::domain::{Fault, Reading};
use crate::source::prometheus::api::{Range, RangeSeries};
use crate::source::prometheus::plan::{Formula, Plan, Trend, Value};
use crate::source::prometheus::planner::{Answers, Question};

/// Asks for courses over a range.
pub(super) async fn measure(
    server: &mut Server<'_>,
    wants: &[Want],
    range: Range,
) -> Result<Vec<Course>, Fault> {
    let queries = wants.iter().flat_map(|want| want.formula.queries());
    let questions: Vec<_> = queries.map(|query| Question { query, class: 0 }).collect();
    let (api, at) = (server.api, server.ask.moment());
    let answers = server
        .planner
        .ask(&questions, EXPRESSIONS, at, |query| async move {
            api.query_range(&query, range).await
        })
        .await?;
    let mut next = 0;
    let mut courses = Vec::with_capacity(wants.len());
    for want in wants {
        let first = next;
        next += want.formula.queries().len();
        let series: Vec<_> = (first..next)
            .map(|question| single(&answers, question, &server.plans[want.plan]))
            .collect();
        courses.push(read(want, &series, range));
    }
    answers.broken.map_or(Ok(courses), Err)
}

/// The series that belongs to this SLO.
fn single<'a>(
    answers: &'a Answers<RangeSeries>,
    question: usize,
    plan: &Plan,
) -> Option<&'a RangeSeries> {
    let series = answers.get(question).ok()?;
    if let Trend::Recorded { labels, .. } = &plan.trend
        && let Some(own) = series.iter().find(|series| series.labels == *labels)
    {
        return Some(own);
    }
    let by_hand = plan.labels.is_empty();
    let mut mine = series
        .iter()
        .filter(|series| by_hand || plan.owns(&series.labels));
    mine.next()
}

/// Slice by slice what the answers say.
fn read(want: &Want, series: &[Option<&RangeSeries>], range: Range) -> Course {
    let width = want.width.duration();
    // What counts no events counts them by the second.
    let (is_events, counts) = match &want.formula {
        Formula::Events(ratio) => (true, ratio.counts),
        Formula::Direct { .. } | Formula::Weighted(_) => (false, false),
    };
    let scale = if counts { 1.0 } else { width.as_secs_f64() };
    let roles = want.formula.roles().into_iter();
    let absent: Vec<_> = roles
        .map(|(role, query, _)| Value::absent(role, query))
        .collect();
    let slice = |at: Timestamp, values: &[Option<f64>]| {
        let total = values.get(1).copied().flatten().filter(|_| is_events);
        let each = values.iter().zip(&absent);
        let mut each = each.map(|(number, absent)| number.map_or(*absent, Value::Number));
        let (reading, _) = want.formula.read(&mut each);
        let Reading::Ratio(ratio) = reading else {
            return None;
        };
        let total = if is_events { total? * scale } else { 1.0 };
        (total > 0.0 && total.is_finite()).then_some(Slice {
            at,
            bad: ratio.min(1.0) * total,
            total,
        })
    };
    let mut points: Vec<_> = series
        .iter()
        .map(|series| {
            series
                .map_or(&[][..], |series| &series.points)
                .iter()
                .peekable()
        })
        .collect();
    let mut values = vec![None; points.len()];
    let mut slices = Vec::new();
    // Each is ordered by time, so the next moment is the first of any.
    while let Some(at) = points
        .iter_mut()
        .filter_map(|one| Some(one.peek()?.0))
        .min()
    {
        for (value, points) in values.iter_mut().zip(&mut points) {
            *value = points
                .next_if(|(own, _)| *own == at)
                .map(|&(_, value)| value);
        }
        slices.extend(slice(at, &values));
    }
    Course {
        slices,
        from: range.start,
        step: range.step,
        width,
        counted: is_events,
    }
}
