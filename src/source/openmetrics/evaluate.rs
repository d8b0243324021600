//! Error ratios of every SLO out of a history, as Prometheus would compute them from its own.
//!
//! The increase of every series is extrapolated for itself and then summed, which is what
//! `sum(increase(selector[window]))` means. A window without a fresh sample is unknown, whatever
//! its older samples say: the past is never shown as the present.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::course::Courses;
use super::history::History;
use super::segment::Segment;
use super::selector::{Formula, Selectors};
use super::walk::{Floors, Index, Indexed, Walk};
use crate::config::Sli;
use crate::domain::slo::{History as Past, Point, Windows};
use crate::domain::{Events, Observation, Reading, Sample, Slo, Window, window};
use crate::state::database::Trouble;

/// How often a window longer than [`SHORT`] is read again.
const CADENCE: SignedDuration = SignedDuration::from_mins(1);
/// Windows that are read with every poll.
const SHORT: Window = Window::hours(6);

/// One SLO of this source.
#[derive(Debug)]
pub(super) struct Measure {
    /// What is promised.
    pub(super) slo: Arc<Slo>,
    /// The zone that its period begins in.
    pub(super) zone: TimeZone,
    /// What is measured, as it was written.
    pub(super) sli: Sli,
    /// What is counted.
    pub(super) formula: Formula,
}

/// What one source measures.
#[derive(Debug)]
pub(super) struct Plan {
    /// Its SLOs.
    pub(super) slos: Vec<Measure>,
    /// Their selectors.
    pub(super) selectors: Arc<Selectors>,
    /// When the newest sample is older than this, nothing is known of the present.
    pub(super) fresh: SignedDuration,
}

/// One of the things that are measured of an SLO: a window of its rules, or (`None`) its period.
type Span = Option<Window>;

/// A span, measured, and the oldest sample in it.
type Known = (Sample, Option<Timestamp>);

/// What the history says of a moment, in the order of [`Plan::slos`].
#[derive(Debug)]
pub(super) struct Evaluation {
    pub(super) slos: Vec<Observation>,
}

/// Evaluates, and keeps what need not be read with every poll.
#[derive(Debug, Default)]
pub(super) struct Evaluator {
    index: Index,
    kept: HashMap<(usize, Span), Known>,
    courses: Courses,
}

/// The question that is asked of a history.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    /// The moment.
    pub(super) at: Timestamp,
    /// True when it is the present, so that what is known already may be used.
    pub(super) live: bool,
    /// Whether the recent course is wanted too.
    pub(super) course: bool,
}

impl Evaluator {
    /// Measures every SLO at a moment.
    pub(super) fn evaluate(
        &mut self,
        history: &History,
        plan: &Plan,
        question: Question,
    ) -> Result<Evaluation, Trouble> {
        history.snapshot(|history| {
            self.index.refresh(history, &plan.selectors)?;
            let floors = Floors::of(history)?;
            let at = question.at.as_millisecond();
            let mut walk = Walk::from(history, &self.index, floors, at);
            let fresh = millis(plan.fresh).max(2 * floors.blur(at));
            walk.back_to(at - fresh)?;
            let down = Down::of(self.index.series(), walk.held());
            let known = self.read(plan, question, floors, &mut walk)?;
            if question.course {
                self.courses
                    .refresh(history, &self.index, plan, question.at)?;
            }
            let is_fresh = down.asked > down.targets.len();
            let observe = |(number, measure): (usize, &Measure)| Observation {
                partial: down.may_matter(&measure.formula, &plan.selectors),
                ..self.observe(number, measure, &known, question, is_fresh)
            };
            let slos = plan.slos.iter().enumerate().map(observe).collect();
            if question.live {
                self.kept = known;
            }
            Ok(Evaluation { slos })
        })
    }

    /// Reads every span that is due, in one way back through time.
    fn read(
        &self,
        plan: &Plan,
        question: Question,
        floors: Floors,
        walk: &mut Walk<'_>,
    ) -> Result<HashMap<(usize, Span), Known>, Trouble> {
        let end = question.at.as_millisecond();
        let mut known = HashMap::new();
        let mut due: BTreeMap<Window, Vec<(usize, Span)>> = BTreeMap::new();
        for (number, measure) in plan.slos.iter().enumerate() {
            for (span, window) in spans(measure, question.at) {
                match self.kept.get(&(number, span)) {
                    Some(kept) if question.live && is_current(kept, window, question.at) => {
                        known.insert((number, span), *kept);
                    }
                    _ => due.entry(window).or_default().push((number, span)),
                }
            }
        }
        for (window, wanted) in due {
            let start = end - millis(window.duration());
            walk.back_to(start)?;
            let sums = Sums::of(&plan.selectors, walk.series(), walk.held(), start, end);
            let is_sharp = floors.are_sharp(start, end);
            for (number, span) in wanted {
                let formula = &plan.slos[number].formula;
                let (reading, events) = if is_sharp {
                    read(formula, &sums)
                } else {
                    (Reading::Unknown, None)
                };
                let at = question.at;
                let sample = Sample {
                    reading,
                    events,
                    at,
                };
                known.insert((number, span), (sample, since(formula, &sums)));
            }
        }
        Ok(known)
    }

    fn observe(
        &self,
        number: usize,
        measure: &Measure,
        known: &HashMap<(usize, Span), Known>,
        question: Question,
        is_fresh: bool,
    ) -> Observation {
        let (slo, at) = (&measure.slo, question.at);
        let unknown = Observation::unknown(Arc::clone(slo), at);
        let sample = |span| known.get(&(number, span)).copied();
        let windows: Windows = slo
            .windows()
            .into_iter()
            .filter_map(|window| Some((window, sample(Some(window))?.0)))
            .collect();
        let newest = windows.values().next().and_then(|sample| {
            let ratio = sample.reading.ratio()?;
            Some(Point { at, ratio })
        });
        let period = sample(None);
        Observation {
            windows: if is_fresh { windows } else { unknown.windows },
            period: period.map(|(sample, _)| sample),
            period_length: slo.period.length(at, &measure.zone),
            period_elapsed: slo.period.elapsed(at, &measure.zone).duration(),
            since: period.and_then(|(_, since)| since),
            history: if question.course {
                self.courses.of(number, newest.filter(|_| is_fresh))
            } else {
                Past::default()
            },
            ..unknown
        }
    }
}

/// The targets that did not answer around a moment.
struct Down<'a> {
    asked: usize,
    targets: Vec<&'a [(String, String)]>,
}

impl<'a> Down<'a> {
    fn of(series: &'a [Indexed], held: &[Option<Segment>]) -> Self {
        let mut down = Self {
            asked: 0,
            targets: Vec::new(),
        };
        for (series, held) in series.iter().zip(held) {
            if let (Some(target), Some(held)) = (&series.target, held) {
                down.asked += 1;
                if held.last < 0.5 {
                    down.targets.push(target);
                }
            }
        }
        down
    }

    /// True when events of one of them may be missing.
    fn may_matter(&self, formula: &Formula, selectors: &Selectors) -> bool {
        let wanted = formula.selectors();
        let mut wanted = wanted.iter().filter_map(|&index| selectors.get(index));
        wanted.any(|selector| {
            self.targets
                .iter()
                .any(|target| selector.may_select(target))
        })
    }
}

/// What the series of each selector add up to.
struct Sums(Vec<Sum>);

#[derive(Clone, Copy, Default)]
struct Sum {
    /// Of counters; `None` without two samples of any series.
    increase: Option<f64>,
    /// How many samples.
    count: f64,
    /// All samples added up.
    whole: f64,
    since: Option<i64>,
}

impl Sums {
    fn of(
        selectors: &Selectors,
        series: &[Indexed],
        held: &[Option<Segment>],
        start: i64,
        end: i64,
    ) -> Self {
        let mut sums = vec![Sum::default(); selectors.len()];
        for (series, held) in series.iter().zip(held) {
            let Some(held) = held else { continue };
            let increase = held.increase_over(start, end);
            for &selector in &series.selectors {
                let sum = &mut sums[selector];
                if let Some(increase) = increase {
                    *sum.increase.get_or_insert(0.0) += increase;
                }
                sum.count += f64::from(held.count);
                sum.whole += held.sum;
                sum.since = Some(sum.since.map_or(held.first_at, |at| at.min(held.first_at)));
            }
        }
        Self(sums)
    }
}

/// What a formula comes to.
pub(super) fn reading(
    plan: &Plan,
    formula: &Formula,
    series: &[Indexed],
    held: &[Option<Segment>],
    (start, end): (i64, i64),
) -> Reading {
    read(
        formula,
        &Sums::of(&plan.selectors, series, held, start, end),
    )
    .0
}

fn read(formula: &Formula, sums: &Sums) -> (Reading, Option<Events>) {
    let counted = |bad: Option<f64>, total: Option<f64>| {
        let events = total.map(|total| Events {
            bad: bad.unwrap_or(0.0),
            total,
        });
        (Reading::from_events(bad, total), events)
    };
    match formula {
        Formula::Events {
            part,
            bad: true,
            total,
            ..
        } => counted(sums.0[*part].increase, sums.0[*total].increase),
        Formula::Events {
            part,
            buckets,
            total,
            ..
        } => match (sums.0[*part].increase, sums.0[*total].increase) {
            // A bucket that is not there is a mistake in `le`, not a service that always fails.
            (None, Some(total)) if total > 0.0 && *buckets => (Reading::NoSeries, None),
            (good, Some(total)) => {
                let bad = (total - good.unwrap_or(0.0)).max(0.0);
                counted(Some(bad), Some(total))
            }
            (_, None) => (Reading::NoSeries, None),
        },
        Formula::Gauge(gauge) => {
            let Sum { count, whole, .. } = sums.0[*gauge];
            let total = (count > 0.0).then_some(count);
            counted(total.map(|total| total - whole), total)
        }
        Formula::Weighted(parts) => {
            let parts = parts
                .iter()
                .map(|(weight, part)| (*weight, read(part, sums).0));
            (Reading::mean(parts), None)
        }
    }
}

/// The oldest sample behind a formula.
fn since(formula: &Formula, sums: &Sums) -> Option<Timestamp> {
    let selectors = formula.selectors().into_iter();
    let oldest = selectors.filter_map(|index| sums.0[index].since).min()?;
    Timestamp::from_millisecond(oldest).ok()
}

fn spans(measure: &Measure, at: Timestamp) -> impl Iterator<Item = (Span, Window)> {
    let windows = measure.slo.windows().into_iter();
    let period = measure.slo.period.elapsed(at, &measure.zone);
    windows
        .map(|window| (Some(window), window))
        .chain([(None, period)])
}

/// True when a span was read lately enough. What is no number is read again: it may be one now.
fn is_current((sample, _): &Known, window: Window, at: Timestamp) -> bool {
    window > SHORT
        && sample.reading.ratio().is_some()
        && sample.at <= at
        && window::age(sample.at, at) < CADENCE
}

/// A length in milliseconds.
pub(super) fn millis(length: SignedDuration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX / 4)
}
