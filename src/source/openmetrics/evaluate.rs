//! Error ratios of every SLO out of a history, as Prometheus would compute them from its own.
//!
//! The increase of every series is extrapolated for itself and then summed, which is what
//! `sum(increase(selector[window]))` means. A window without a fresh sample is unknown, whatever
//! its older samples say: the past is never shown as the present.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::absence::Absences;
use super::course::Courses;
use super::evidence::{self, Evidence};
use super::firsts::Firsts;
use super::history::History;
use super::past;
use super::segment::Segment;
use super::selector::{Formula, Selector, Selectors};
use super::sums::Sums;
use super::walk::{Floors, Index, Indexed, Walk};
use crate::config::Sli;
use crate::domain::past::{PastEvents, Steps};
use crate::domain::slo::{History as Past, LowerBound, Point, Windows};
use crate::domain::{Observation, Reading, Reason, ReasonCode, Sample, Slo, Window, window};
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
    /// True where the configuration says that missing series are 0.
    pub(super) absent_is_zero: bool,
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

/// A span, measured.
#[derive(Clone, Copy, Debug)]
struct Known {
    sample: Sample,
    /// Since when there is data behind it.
    since: Option<Timestamp>,
    /// The number of a selector whose series exposed no number in it.
    broken: Option<usize>,
    /// Why it is not known.
    lack: Option<ReasonCode>,
    /// The number of a selector that has no series where it needs some.
    missing: Option<usize>,
    /// The bad events that series had counted when they began in it; they are added.
    first: Option<f64>,
}

/// What is known of the spans of all SLOs, by their numbers.
type All = HashMap<(usize, Span), Known>;

/// The spans that have to be read, by how far they reach back.
type Due = BTreeMap<Window, Vec<(usize, Span)>>;

/// What the history says of a moment, in the order of [`Plan::slos`].
#[derive(Debug)]
pub(super) struct Evaluation {
    pub(super) slos: Vec<Observation>,
    /// What the numbers lack, in words.
    pub(super) warnings: Vec<String>,
}

/// Evaluates, and keeps what need not be read with every poll.
#[derive(Debug, Default)]
pub(super) struct Evaluator {
    index: Index,
    kept: All,
    /// The numbers of the SLOs of which anything burned at the last look.
    burning: BTreeSet<usize>,
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
    /// Measures every SLO at a moment. What burns has all of its windows read anew, and its recent
    /// past for which way it goes.
    pub(super) fn evaluate(
        &mut self,
        history: &History,
        plan: &Plan,
        question: Question,
    ) -> Result<Evaluation, Trouble> {
        let seen = self.evaluate_once(history, plan, question)?;
        let burning = seen.slos.iter().enumerate();
        let burning = burning.filter(|(_, seen)| seen.standing().burns());
        let burning: BTreeSet<_> = burning.map(|(number, _)| number).collect();
        let is_behind = |number: &usize| !seen.slos[*number].older_windows().is_empty();
        let lacks_past = !question.course && !burning.is_empty();
        let again = lacks_past || burning.iter().any(is_behind);
        self.burning = burning;
        if !again {
            return Ok(seen);
        }
        let question = Question {
            course: true,
            ..question
        };
        self.evaluate_once(history, plan, question)
    }

    /// Measures every SLO; the long windows of what burned at the last look are read anew.
    fn evaluate_once(
        &mut self,
        history: &History,
        plan: &Plan,
        question: Question,
    ) -> Result<Evaluation, Trouble> {
        history.snapshot(|history| {
            self.index.refresh(history, &plan.selectors)?;
            let floors = Floors::of(history)?;
            let at = question.at.as_millisecond();
            let fresh = millis(plan.fresh).max(2 * floors.blur(at));
            let mut walk = Walk::from(history, &self.index, floors, at);
            let (mut known, due) = self.due(plan, question);
            // One way back: what begins later than what is fresh comes before it.
            let (recent, older): (Due, Due) = due
                .into_iter()
                .partition(|(window, _)| millis(window.duration()) < fresh);
            let absences = Absences::of(&self.index, &plan.selectors);
            let reader = Reader {
                plan,
                absences: &absences,
                at: question.at,
                floors,
            };
            reader.read(&mut walk, recent, &mut known)?;
            walk.back_to(at - fresh)?;
            let down = Down::of(self.index.series(), walk.held());
            reader.read(&mut walk, older, &mut known)?;
            if question.course {
                self.courses
                    .refresh(history, &self.index, plan, question.at)?;
            }
            let is_fresh = down.asked > down.targets.len();
            let observe = |(number, measure): (usize, &Measure)| {
                let partial = down.may_matter(&measure.formula, &plan.selectors);
                let mut reasons = reasons(plan, number, measure, &known, question.at);
                if !is_fresh {
                    reasons = vec![not_scraped(plan.fresh)];
                }
                if partial {
                    reasons.push(Reason::new(ReasonCode::Partial, "", TARGETS_DOWN));
                }
                let mut seen = self.observe(number, measure, &known, question, is_fresh);
                let absent = absent(&absences, number, measure, plan, &known);
                if absent.iter().any(|reason| reason.code.is_missing()) {
                    seen.history = Past::default();
                }
                reasons.extend(absent);
                reasons.extend(seen.why_lower_bounds());
                Observation {
                    partial,
                    reasons: reasons.into(),
                    ..seen
                }
            };
            let slos = plan.slos.iter().enumerate().map(observe).collect();
            let warnings = broken(&known, &plan.selectors);
            if question.live {
                self.kept = known;
            }
            Ok(Evaluation { slos, warnings })
        })
    }

    /// Looks behind the numbers of the SLO with this number.
    pub(super) fn evidence(
        &mut self,
        history: &History,
        plan: &Plan,
        (number, at): (usize, Timestamp),
        windows: &[Window],
    ) -> Result<Option<Evidence>, Trouble> {
        let Some(measure) = plan.slos.get(number) else {
            return Ok(None);
        };
        history.snapshot(|history| {
            self.index.refresh(history, &plan.selectors)?;
            evidence::look(history, &self.index, &measure.formula, windows, at).map(Some)
        })
    }

    /// The past of the SLOs with these numbers, in steps of time.
    pub(super) fn recall(
        &mut self,
        history: &History,
        plan: &Plan,
        numbers: &[usize],
        steps: Steps,
    ) -> Result<Vec<PastEvents>, Trouble> {
        history.snapshot(|history| {
            self.index.refresh(history, &plan.selectors)?;
            past::recall(history, &self.index, plan, numbers, steps)
        })
    }

    /// What is known already of every span, and what has to be read.
    fn due(&self, plan: &Plan, question: Question) -> (All, Due) {
        let (mut known, mut due) = (All::new(), Due::new());
        for (number, measure) in plan.slos.iter().enumerate() {
            for (span, window) in spans(measure, question.at) {
                match self.kept.get(&(number, span)) {
                    Some(kept)
                        if question.live
                            && !self.burning.contains(&number)
                            && is_current(kept, window, question.at) =>
                    {
                        known.insert((number, span), *kept);
                    }
                    _ => due.entry(window).or_default().push((number, span)),
                }
            }
        }
        (known, due)
    }

    fn observe(
        &self,
        number: usize,
        measure: &Measure,
        known: &All,
        question: Question,
        is_fresh: bool,
    ) -> Observation {
        let (slo, at) = (&measure.slo, question.at);
        let unknown = Observation::unknown(Arc::clone(slo), at);
        let sample = |span| known.get(&(number, span)).copied();
        let windows: Windows = slo
            .windows()
            .into_iter()
            .filter_map(|window| Some((window, sample(Some(window))?.sample)))
            .collect();
        let newest = windows.values().next().and_then(|sample| {
            let ratio = sample.reading.ratio()?;
            Some(Point { at, ratio })
        });
        let period = sample(None);
        let bounds = spans(measure, at).filter_map(|(window, _)| {
            let first = sample(window)?.first.filter(|_| is_fresh)?;
            Some(LowerBound { window, first })
        });
        Observation {
            lower_bounds: bounds.collect(),
            windows: if is_fresh { windows } else { unknown.windows },
            period: period.map(|known| known.sample),
            period_length: slo.period.length(at, &measure.zone),
            period_elapsed: slo.period.elapsed(at, &measure.zone).duration(),
            since: period.and_then(|known| known.since),
            history: if question.course {
                self.courses.of(number, newest.filter(|_| is_fresh))
            } else {
                Past::default()
            },
            ..unknown
        }
    }
}

/// Why the numbers of an SLO are parts of what they should be.
const TARGETS_DOWN: &str = "targets that its selectors match did not answer";

fn not_scraped(fresh: SignedDuration) -> Reason {
    let text = format!(
        "no target answered within the last {}",
        window::brief(fresh)
    );
    Reason::new(ReasonCode::NotScraped, "", text)
}

/// Why spans of an SLO are not known, each reason once, that of the shortest first.
fn reasons(
    plan: &Plan,
    number: usize,
    measure: &Measure,
    known: &All,
    at: Timestamp,
) -> Vec<Reason> {
    let mut told: Vec<Reason> = Vec::new();
    for (span, window) in spans(measure, at) {
        let Some(known) = known.get(&(number, span)) else {
            continue;
        };
        let Some(code) = known.lack else { continue };
        if told.iter().any(|one| one.code == code) {
            continue;
        }
        let selector = known.broken.and_then(|index| plan.selectors.get(index));
        let (subject, text) = match (code, selector) {
            (ReasonCode::NotANumber, Some(selector)) => (
                selector.to_string(),
                format!("{window}: {}", was_nan(selector)),
            ),
            (ReasonCode::TooCoarse, _) => {
                let words = "the stored history is too coarse for the edges of this window";
                (window.to_string(), format!("{window}: {words}"))
            }
            (ReasonCode::TooFewSamples, _) => {
                let words = "too few scrapes in it; is the interval longer than half of it?";
                (window.to_string(), format!("{window}: {words}"))
            }
            _ => {
                let words = "what is counted makes no error ratio";
                (String::new(), format!("{window}: {words}"))
            }
        };
        told.push(Reason::new(code, subject, text));
    }
    told
}

fn was_nan(selector: &Selector) -> String {
    format!("`{selector}` was NaN or infinite: a window in which it was is unknown")
}

/// Names what exposed no numbers.
fn broken(known: &All, selectors: &Selectors) -> Vec<String> {
    let broken: BTreeSet<_> = known.values().filter_map(|known| known.broken).collect();
    let named = broken.into_iter().filter_map(|index| selectors.get(index));
    named.map(was_nan).collect()
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

/// Why parts of an SLO are missing, or assumed to be 0.
fn absent(
    absences: &Absences,
    number: usize,
    measure: &Measure,
    plan: &Plan,
    known: &All,
) -> Vec<Reason> {
    let period = measure.slo.period;
    let own = || known.iter().filter(|((of, _), _)| *of == number);
    let is_missing = |selector| own().any(|(_, known)| known.missing == Some(selector));
    let has_number = own().any(|(_, known)| known.sample.reading.ratio().is_some());
    let reasons = absences.reasons(&measure.formula, &plan.selectors, period);
    let told = reasons.into_iter().filter(|(selector, reason)| {
        if reason.code.is_estimate() {
            has_number && !measure.absent_is_zero
        } else {
            is_missing(*selector)
        }
    });
    told.map(|(_, reason)| reason).collect()
}

/// Reads what a history says of a moment.
struct Reader<'a> {
    plan: &'a Plan,
    absences: &'a Absences,
    at: Timestamp,
    floors: Floors,
}

impl Reader<'_> {
    /// Reads spans, from the shortest to the longest, on the way back through time.
    fn read(&self, walk: &mut Walk<'_>, due: Due, known: &mut All) -> Result<(), Trouble> {
        let end = self.at.as_millisecond();
        for (window, wanted) in due {
            let start = end - millis(window.duration());
            walk.back_to(start)?;
            let count = self.plan.selectors.len();
            let sums = Sums::of(count, walk.series(), walk.held(), start, end);
            let firsts = Firsts::of(count, walk.series(), walk.held());
            let is_sharp = self.floors.are_sharp(start, end);
            for (number, span) in wanted {
                known.insert((number, span), self.one((&sums, &firsts), number, is_sharp));
            }
        }
        Ok(())
    }

    /// What the sums of a window say of one SLO.
    fn one(&self, (sums, firsts): (&Sums, &Firsts), number: usize, is_sharp: bool) -> Known {
        let measure = &self.plan.slos[number];
        let formula = &measure.formula;
        let absent = (self.absences, measure.absent_is_zero);
        let (reading, events) = if is_sharp {
            sums.read(formula, absent)
        } else {
            (Reading::Unknown, None)
        };
        let first = firsts.values(formula);
        let raised = events.and_then(|events| first.raise(events));
        let broken = sums.broken(formula);
        let missing = sums.missing(formula, absent);
        Known {
            sample: Sample {
                reading: raised.map_or(reading, |(reading, _)| reading),
                events: raised.map_or(events, |(_, events)| Some(events)),
                at: self.at,
            },
            since: sums.since(formula, &self.plan.selectors),
            broken,
            lack: match reading {
                Reading::Ratio(_) | Reading::NoTraffic | Reading::NoSeries => None,
                Reading::Unknown if !is_sharp => Some(ReasonCode::TooCoarse),
                Reading::Unknown if broken.is_some() => Some(ReasonCode::NotANumber),
                // What is missing is told by itself.
                Reading::Unknown if missing.is_some() => None,
                Reading::Unknown if sums.is_thin() => Some(ReasonCode::TooFewSamples),
                Reading::Unknown => Some(ReasonCode::NotARatio),
            },
            missing,
            first: raised.map(|_| first.bad),
        }
    }
}

fn spans(measure: &Measure, at: Timestamp) -> impl Iterator<Item = (Span, Window)> {
    let windows = measure.slo.windows().into_iter();
    let period = measure.slo.period.elapsed(at, &measure.zone);
    windows
        .map(|window| (Some(window), window))
        .chain([(None, period)])
}

/// True when a span was read lately enough. What has no ratio is read again, as it may have one
/// now; but not where a sample of it was no number, which stays so.
fn is_current(known: &Known, window: Window, at: Timestamp) -> bool {
    let Known { sample, broken, .. } = known;
    window > SHORT
        && (sample.reading.ratio().is_some() || broken.is_some())
        && sample.at <= at
        && window::age(sample.at, at) < CADENCE
}

/// A length in milliseconds.
pub(super) fn millis(length: SignedDuration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX / 4)
}
