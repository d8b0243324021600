//! The past of SLOs that burn, closely: bad and all events by the minute, for what looks for the
//! beginning of a burn.
//!
//! A window of two minutes holds two samples of what is scraped each minute, and moves by one. What
//! rules recorded is asked of the counters behind the rule, where the rule is known; else the
//! shortest recorded ratio is read, whose own window smears what it tells.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::api::{Api, LabelSet, Range, RangeSeries};
use super::discover;
use super::plan::{Formula, Plan, Span, Trend};
use super::planner::{Answers, Planner, Question};
use super::promql;
use crate::domain::slo::{Course, Slice};
use crate::domain::{Fault, Reading, Window, window};
use crate::source::Ask;
use crate::text::Untrusted;

/// How one course is asked for.
struct Scale {
    /// How far back.
    reach: SignedDuration,
    step: SignedDuration,
    /// How far each step looks back; the second where the first finds next to nothing.
    widths: &'static [Window],
    /// How often.
    cadence: SignedDuration,
}

/// Six hours by the minute, thirty by five, three days by ten.
const SCALES: [Scale; 3] = [
    Scale {
        reach: SignedDuration::from_hours(6),
        step: SignedDuration::from_mins(1),
        widths: &[Window::minutes(2), Window::minutes(5)],
        cadence: SignedDuration::from_secs(30),
    },
    Scale {
        reach: SignedDuration::from_hours(30),
        step: SignedDuration::from_mins(5),
        widths: &[Window::minutes(5)],
        cadence: SignedDuration::from_mins(5),
    },
    Scale {
        reach: SignedDuration::from_hours(72),
        step: SignedDuration::from_mins(10),
        widths: &[Window::minutes(10)],
        cadence: SignedDuration::from_mins(10),
    },
];

/// The most SLOs that are looked at so closely.
pub(super) const MOST: usize = 40;
/// Expressions joined in a query: a range costs hundreds of times what an instant does.
const EXPRESSIONS: usize = 8;

/// The courses of what burns, kept between polls.
#[derive(Default)]
pub(super) struct Closely {
    kept: HashMap<Untrusted, Kept>,
}

struct Kept {
    /// By scale, with when it was asked for.
    scales: [Option<(Timestamp, Course)>; SCALES.len()],
    all: Arc<[Course]>,
}

/// What is asked of one SLO.
struct Want {
    id: Untrusted,
    plan: usize,
    formula: Formula,
    width: Window,
}

impl Closely {
    /// The courses of an SLO, the finest first; none of one that does not burn.
    pub(super) fn of(&self, id: &Untrusted) -> Arc<[Course]> {
        self.kept
            .get(id)
            .map_or_else(Arc::default, |kept| Arc::clone(&kept.all))
    }

    /// Brings the courses of these plans up to date, and forgets those of others.
    pub(super) async fn refresh(
        &mut self,
        api: &Api,
        planner: &mut Planner,
        (plans, burning): (&[Plan], &[usize]),
        ask: &Ask,
    ) -> Result<(), Fault> {
        let ids: BTreeMap<_, _> = burning
            .iter()
            .map(|&plan| (plans[plan].slo.id(), plan))
            .collect();
        self.kept.retain(|id, _| ids.contains_key(id));
        let mut outcome = Ok(());
        for (place, scale) in SCALES.iter().enumerate() {
            let due: Vec<_> = ids
                .iter()
                .filter(|(id, _)| self.is_due(id, place, ask.moment()))
                .collect();
            let mut open: Vec<_> = due
                .iter()
                .map(|(id, plan)| ((*id).clone(), **plan))
                .collect();
            for &width in scale.widths {
                let wants: Vec<_> = open
                    .iter()
                    .filter_map(|(id, plan)| want(id, *plan, &plans[*plan], width))
                    .collect();
                if wants.is_empty() {
                    break;
                }
                let found = measure(api, planner, (plans, &wants), scale, ask).await;
                let found = match found {
                    Ok(found) => found,
                    Err(fault) => {
                        outcome = Err(fault);
                        break;
                    }
                };
                let mut sparse = Vec::new();
                for (want, course) in wants.iter().zip(found) {
                    if is_sparse(&course, scale) {
                        sparse.push((want.id.clone(), want.plan));
                    }
                    self.keep(&want.id, place, (ask.moment(), course));
                }
                open = sparse;
            }
        }
        outcome
    }

    fn is_due(&self, id: &Untrusted, place: usize, at: Timestamp) -> bool {
        let kept = self
            .kept
            .get(id)
            .and_then(|kept| kept.scales[place].as_ref());
        kept.is_none_or(|(asked, _)| {
            *asked > at || window::age(*asked, at) >= SCALES[place].cadence
        })
    }

    /// Keeps a course unless a finer one of this poll tells more.
    fn keep(&mut self, id: &Untrusted, place: usize, (at, course): (Timestamp, Course)) {
        let kept = self.kept.entry(id.clone()).or_insert_with(|| Kept {
            scales: [const { None }; SCALES.len()],
            all: Arc::default(),
        });
        let tells_more = kept.scales[place]
            .as_ref()
            .is_none_or(|(asked, known)| *asked != at || course.slices.len() > known.slices.len());
        if tells_more {
            kept.scales[place] = Some((at, course));
            let all = kept
                .scales
                .iter()
                .flatten()
                .map(|(_, course)| course.clone());
            kept.all = all.filter(|course| !course.slices.is_empty()).collect();
        }
    }
}

/// True when so few steps hold anything that a wider look is worth a question.
fn is_sparse(course: &Course, scale: &Scale) -> bool {
    let steps = scale.reach.as_secs() / scale.step.as_secs();
    i64::try_from(course.slices.len()).is_ok_and(|slices| slices < steps / 3)
}

/// How the past of one SLO is asked for, and over which window.
fn want(id: &Untrusted, index: usize, plan: &Plan, width: Window) -> Option<Want> {
    let want = |formula, width| {
        Some(Want {
            id: id.clone(),
            plan: index,
            formula,
            width,
        })
    };
    let shortest = *plan.slo.windows().first()?;
    if let Some(formula) = plan.asked.get(&Span::Window(shortest)) {
        let text = width.to_string();
        let narrowed = formula.map(&|query| {
            promql::with_window(query, shortest, width).unwrap_or_else(|| query.to_owned())
        });
        let is_narrowed = narrowed
            .queries()
            .iter()
            .all(|query| query.contains(&format!("[{text}]")));
        return if is_narrowed {
            want(narrowed, width)
        } else {
            want(formula.clone(), shortest)
        };
    }
    if let Some(formula) = plan
        .rule
        .as_deref()
        .and_then(|rule| discover::rates(rule, Some(width)))
    {
        return want(formula, width);
    }
    match &plan.trend {
        Trend::Recorded {
            name,
            labels,
            success,
        } => {
            let labels = labels.iter();
            let matchers: Vec<_> = labels
                .map(|(label, value)| format!("{label}={}", promql::string(value)))
                .collect();
            let query = format!("{name}{{{}}}", matchers.join(","));
            let success = *success;
            want(Formula::Direct { query, success }, shortest)
        }
        Trend::Expression(query) => {
            let query = query.clone();
            let success = false;
            want(Formula::Direct { query, success }, shortest)
        }
        Trend::None => None,
    }
}

/// Asks for the courses of one scale.
async fn measure(
    api: &Api,
    planner: &mut Planner,
    (plans, wants): (&[Plan], &[Want]),
    scale: &Scale,
    ask: &Ask,
) -> Result<Vec<Course>, Fault> {
    // Samples are dated by the server's clock; its future holds none.
    let end = ask.at.or_else(|| api.present()).unwrap_or(ask.now);
    let range = Range {
        start: end - scale.reach,
        end,
        step: scale.step,
    };
    let queries = wants.iter().flat_map(|want| want.formula.queries());
    let questions: Vec<_> = queries.map(|query| Question { query, class: 0 }).collect();
    let answers = planner
        .ask(&questions, EXPRESSIONS, ask.moment(), |query| async move {
            api.query_range(&query, range).await
        })
        .await?;
    let mut next = 0;
    let mut courses = Vec::with_capacity(wants.len());
    for want in wants {
        let first = next;
        next += want.formula.queries().len();
        let series: Vec<_> = (first..next)
            .map(|question| single(&answers, question, &plans[want.plan]))
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
        && let Some(own) = series
            .iter()
            .find(|series| LabelSet::from(&series.labels) == *labels)
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
    let mut moments: BTreeMap<Timestamp, Vec<Option<f64>>> = BTreeMap::new();
    for (place, series) in series.iter().enumerate() {
        for &(at, value) in series.iter().flat_map(|series| &series.points) {
            let values = moments
                .entry(at)
                .or_insert_with(|| vec![None; series_count(want)]);
            if let Some(slot) = values.get_mut(place) {
                *slot = Some(value);
            }
        }
    }
    let width = want.width.duration();
    // What counts no events counts them by the second.
    let (is_events, counts) = match &want.formula {
        Formula::Events(ratio) => (true, ratio.counts),
        Formula::Direct { .. } | Formula::Weighted(_) => (false, false),
    };
    let scale = if counts { 1.0 } else { width.as_secs_f64() };
    let slice = |(at, values): (Timestamp, Vec<Option<f64>>)| {
        let total = values.get(1).copied().flatten().filter(|_| is_events);
        let (reading, _) = want.formula.read(&mut values.into_iter());
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
    Course {
        slices: moments.into_iter().filter_map(slice).collect(),
        from: range.start,
        step: range.step,
        width,
        counted: is_events,
    }
}

fn series_count(want: &Want) -> usize {
    want.formula.queries().len()
}
