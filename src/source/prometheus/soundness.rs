//! Whether the series behind an SLO count each event once, on every target, and often enough.
//!
//! Two servers of a pair scrape the same targets, so everything is there twice, told apart by a label
//! such as `replica`: where the values agree as those of copies do, each event counts once. Targets
//! of two versions may expose two forms of a metric: those without the bucket or the label that an
//! SLO names are left out of all events. Both are asked for every ten minutes, before anything is
//! measured, and of very many SLOs not in the first round.
//!
//! Targets that cannot be scraped are asked for every minute: what they count is in no window.
//!
//! A window that holds one sample has no increase, ever: that is looked into while one has none.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use self::lack::Lack;
use self::sparse::Counts;
use super::api::{Api, Series};
use super::births;
use super::measure::Meter;
use super::plan::{Formula, Givens, Plan, Ratio, Span, Trend};
use super::planner::{Answers, Planner, Question};
use super::promql;
use crate::config::Part;
use crate::domain::{Fault, Reading, Reason, ReasonCode, Window, window};
use crate::source::Ask;
use crate::text::Untrusted;

mod down;
mod lack;
mod sparse;

/// Labels by which the copies of one series are told apart, of Prometheus pairs, Thanos and Mimir.
const REPLICA_LABELS: [&str; 7] = [
    "replica",
    "prometheus_replica",
    "__replica__",
    "thanos_replica",
    "receive_replica",
    "rule_replica",
    "thanos_ruler_replica",
];
/// How often series are looked at.
const CADENCE: SignedDuration = SignedDuration::from_mins(10);
/// How often targets that are down are looked for.
const DOWN_CADENCE: SignedDuration = SignedDuration::from_mins(1);
/// How often the samples of a window without an increase are counted.
const SPARSE_CADENCE: SignedDuration = SignedDuration::from_mins(5);
/// Of more SLOs than this, the first round looks at nothing but their ratios.
const FEW: usize = 100;
/// Expressions joined in a query.
const EXPRESSIONS: usize = 50;
/// Counts up to this may agree by chance.
const CHANCE: f64 = 20.0;
/// The metrics that replicas are looked for of.
const MAX_METRICS: usize = 200;

/// What was found out about the series of each SLO, kept between polls.
#[derive(Default)]
pub(super) struct Soundness {
    kept: HashMap<Untrusted, Found>,
    sparse: HashMap<Untrusted, (Timestamp, Option<Reason>)>,
    down: HashMap<Untrusted, Reason>,
    asked: Option<Timestamp>,
    /// When targets that are down were looked for last.
    probed: Option<Timestamp>,
    /// When it was last looked which samples are to be counted.
    counted: Option<Timestamp>,
    edition: Option<u64>,
    /// What is asked about each SLO of that edition.
    subjects: Arc<[Subject]>,
    is_started: bool,
    planner: Planner,
}

/// What was found of one SLO.
#[derive(Clone, Debug, Default, PartialEq)]
struct Found {
    /// The labels of replicas that count each event more than once.
    replicas: Vec<&'static str>,
    /// What some targets lack.
    lacks: Option<Lack>,
    reasons: Vec<Reason>,
}

/// What is asked about one SLO.
struct Subject {
    plan: usize,
    /// The selector of all events.
    total: String,
    metric: Option<String>,
    /// What targets may lack, with the questions for how many do and do not.
    lacks: Vec<(Lack, [String; 2])>,
}

impl Soundness {
    /// Why the numbers of an SLO are not what they seem.
    pub(super) fn reasons(&self, id: &Untrusted) -> impl Iterator<Item = &Reason> {
        let sparse = self.sparse.get(id).and_then(|(_, reason)| reason.as_ref());
        let found = self.kept.get(id).into_iter();
        sparse
            .into_iter()
            .chain(self.down.get(id))
            .chain(found.flat_map(|found| &found.reasons))
    }

    /// Looks at the series of SLOs of the configuration where that is due. `originals` are their
    /// plans as they were made, the first of `plans`; those of which something was found are changed.
    pub(super) async fn refresh(
        &mut self,
        api: &Api,
        (plans, ids, edition): (&mut [Plan], &[Untrusted], u64),
        originals: &[&Plan],
        ask: &Ask,
    ) -> Result<(), Fault> {
        let at = ask.moment();
        let is_first = !std::mem::replace(&mut self.is_started, true);
        let is_new = self.edition != Some(edition);
        let is_due = |asked: Option<Timestamp>, cadence| {
            asked.is_none_or(|asked| asked > at || window::age(asked, at) >= cadence)
        };
        let (series, targets) = (
            is_due(self.asked, CADENCE),
            is_due(self.probed, DOWN_CADENCE),
        );
        if is_new {
            self.subjects = Arc::default();
        }
        let wait = originals.is_empty() || (is_first && originals.len() > FEW);
        let mut outcome = Ok(());
        let mut changed = is_new;
        if (series || targets) && !wait {
            // Taking a thousand queries apart costs more than asking them.
            if self.subjects.is_empty() {
                let plans = originals.iter().enumerate();
                let subjects = plans.filter_map(|(index, plan)| Subject::of(index, plan));
                self.subjects = subjects.collect();
            }
            let subjects = Arc::clone(&self.subjects);
            self.probed = Some(at);
            if series {
                self.asked = Some(at);
                match self.look(api, &subjects, ids, ask).await {
                    Ok(kept) => {
                        changed |= kept != self.kept;
                        self.kept = kept;
                    }
                    Err(fault) => outcome = Err(fault),
                }
            } else {
                outcome = self.look_for_down(api, (&subjects, ids), None, ask).await;
            }
        }
        if changed {
            self.edition = Some(edition);
            for ((plan, id), original) in plans.iter_mut().zip(ids).zip(originals) {
                let found = self.kept.get(id).filter(|found| found.changes());
                restore(plan, original);
                if let Some(found) = found {
                    found.change(plan);
                }
            }
        }
        outcome
    }

    async fn look(
        &mut self,
        api: &Api,
        subjects: &[Subject],
        ids: &[Untrusted],
        ask: &Ask,
    ) -> Result<HashMap<Untrusted, Found>, Fault> {
        if subjects.is_empty() {
            return Ok(HashMap::new());
        }
        let probes = probes(subjects);
        let lacks = subjects.iter().flat_map(|subject| &subject.lacks);
        let lacks = lacks.flat_map(|(_, queries)| queries).cloned();
        let mut queries: Vec<_> = probes.iter().cloned().chain(lacks).collect();
        queries.push(down::PROBE.to_owned());
        let answers = self.ask(api, &queries, ask).await?;
        let present = |place: usize| value(&answers, place).is_some_and(|count| count > 0.0);
        let labels = (0..probes.len()).filter(|&place| present(place));
        let labels: Vec<_> = labels.map(|place| REPLICA_LABELS[place]).collect();
        let mut kept: HashMap<Untrusted, Found> = HashMap::new();
        let mut place = probes.len();
        for subject in subjects {
            for (lack, _) in &subject.lacks {
                let [without, with] = [place, place + 1].map(|place| value(&answers, place));
                place += 2;
                if let (Some(without), Some(with)) = (without, with)
                    && without > 0.0
                    && with > 0.0
                {
                    let found = kept.entry(ids[subject.plan].clone()).or_default();
                    found.reasons.push(lack.reason(without, without + with));
                    found.lacks = Some(lack.clone());
                }
            }
        }
        let down = value(&answers, place).unwrap_or(0.0);
        self.look_for_down(api, (subjects, ids), Some(down), ask)
            .await?;
        self.look_for_replicas(api, (subjects, ids), &labels, ask, &mut kept)
            .await?;
        Ok(kept)
    }

    /// Looks for targets that cannot be scraped, where any of the server cannot: so many are `known`
    /// to be down.
    async fn look_for_down(
        &mut self,
        api: &Api,
        (subjects, ids): (&[Subject], &[Untrusted]),
        known: Option<f64>,
        ask: &Ask,
    ) -> Result<(), Fault> {
        let down = if let Some(known) = known {
            known
        } else {
            let answers = self.ask(api, &[down::PROBE.to_owned()], ask).await?;
            value(&answers, 0).unwrap_or(0.0)
        };
        if down == 0.0 || subjects.is_empty() {
            self.down.clear();
            return Ok(());
        }
        let queries: Vec<_> = subjects.iter().flat_map(down::questions).collect();
        let answers = self.ask(api, &queries, ask).await?;
        let found = subjects.iter().enumerate().filter_map(|(number, subject)| {
            let reason = down::reason(&answers, number * 2)?;
            Some((ids[subject.plan].clone(), reason))
        });
        self.down = found.collect();
        Ok(())
    }

    /// Looks for series that differ in one of these labels alone.
    async fn look_for_replicas(
        &mut self,
        api: &Api,
        (subjects, ids): (&[Subject], &[Untrusted]),
        labels: &[&'static str],
        ask: &Ask,
        kept: &mut HashMap<Untrusted, Found>,
    ) -> Result<(), Fault> {
        let pairs = subjects
            .iter()
            .flat_map(|subject| labels.iter().map(move |label| (subject, *label)));
        let pairs: Vec<_> = pairs.collect();
        let queries: Vec<_> = pairs
            .iter()
            .flat_map(|(subject, label)| replica_questions(&subject.total, label))
            .collect();
        if queries.is_empty() {
            return Ok(());
        }
        let answers = self.ask(api, &queries, ask).await?;
        for (number, (subject, label)) in pairs.into_iter().enumerate() {
            let answer = |question| value(&answers, number * 3 + question);
            let Some(several) = answer(0).filter(|&several| several > 0.0) else {
                continue;
            };
            let agree = answer(1).unwrap_or(0.0);
            let are_copies = agree >= several && answer(2).is_some_and(|count| count > CHANCE);
            let found = kept.entry(ids[subject.plan].clone()).or_default();
            found.reasons.push(replicas(label, are_copies));
            if are_copies {
                found.replicas.push(label);
            }
        }
        Ok(())
    }

    /// Counts the samples of windows without an increase, of SLOs that have longer ones with one; of
    /// `all` SLOs where that is wanted.
    pub(super) async fn look_for_sparse(
        &mut self,
        api: &Api,
        (plans, ids): (&[Plan], &[Untrusted]),
        meter: &Meter,
        ask: &Ask,
        all: bool,
    ) -> Result<(), Fault> {
        let at = ask.moment();
        let is_recent =
            |counted: Timestamp| counted <= at && window::age(counted, at) < SPARSE_CADENCE / 5;
        if !all && self.counted.is_some_and(is_recent) {
            return Ok(());
        }
        self.counted = Some(at);
        if self.sparse.len() > ids.len() {
            self.sparse.retain(|id, _| ids.contains(id));
        }
        let mut wanted = Vec::new();
        for (plan, id) in plans.iter().zip(ids) {
            let Some(window) = undecided(plan, id, meter, all) else {
                self.sparse.remove(id);
                continue;
            };
            let known = self.sparse.get(id);
            let is_due = all
                || known.is_none_or(|(asked, _)| {
                    *asked > at || window::age(*asked, at) >= SPARSE_CADENCE
                });
            let selector = births::shortest(plan).and_then(|ratio| first_selector(&ratio.total));
            if let (true, Some(selector)) = (is_due, selector) {
                wanted.push((plan, id, window, selector));
            }
        }
        let queries: Vec<_> = wanted
            .iter()
            .flat_map(|(_, _, window, selector)| Counts::queries(*window, selector))
            .collect();
        if queries.is_empty() {
            return Ok(());
        }
        let answers = self.ask(api, &queries, ask).await?;
        for (number, (plan, id, window, _)) in wanted.into_iter().enumerate() {
            let count = |question| value(&answers, number * 3 + question).unwrap_or(0.0);
            let counts = Counts {
                window: count(0),
                hour: count(1),
                day: count(2),
            };
            let interval = counts.interval(window);
            let reason = interval.map(|interval| sparse::reason(&plan.slo, window, interval));
            self.sparse.insert(id.clone(), (at, reason));
        }
        Ok(())
    }

    async fn ask(
        &mut self,
        api: &Api,
        queries: &[String],
        ask: &Ask,
    ) -> Result<Answers<Series>, Fault> {
        let questions: Vec<_> = queries
            .iter()
            .map(|query| Question { query, class: 0 })
            .collect();
        self.planner
            .ask(&questions, EXPRESSIONS, ask.moment(), |query| async move {
                api.query(&query, ask.at).await
            })
            .await
    }
}

/// The shortest window of the rules that has no increase while a longer one has, or of `all` SLOs
/// the shortest.
fn undecided(plan: &Plan, id: &Untrusted, meter: &Meter, all: bool) -> Option<Window> {
    let windows = plan.slo.windows();
    if all {
        return windows.first().copied();
    }
    let reading = |window: Window| {
        let span = Span::Window(window);
        if let Some(given) = plan.given.get(span) {
            return Some(given.reading());
        }
        Some(meter.of(id)?.get(&span)?.sample.reading)
    };
    let shortest = windows
        .iter()
        .copied()
        .find(|&window| reading(window) == Some(Reading::NoSeries))?;
    let mut longer = windows.into_iter().filter(|&window| window > shortest);
    let has_ratio = |window| reading(window).is_some_and(|reading| reading.ratio().is_some());
    longer.any(has_ratio).then_some(shortest)
}

/// What one question was answered with; `None` for nothing, a refusal or several series.
fn value(answers: &Answers<Series>, question: usize) -> Option<f64> {
    match answers.get(question).ok()? {
        [only] => Some(only.value),
        _ => None,
    }
}

/// The counts of a plan as it was made.
fn events(plan: &Plan) -> Option<&Ratio> {
    match plan.asked.first_key_value()? {
        (Span::Window(_), Formula::Events(ratio)) => Some(ratio),
        _ => None,
    }
}

fn first_selector(query: &str) -> Option<String> {
    let selector = promql::selectors(query).into_iter().next()?;
    Some(selector.to_string())
}

impl Subject {
    fn of(index: usize, plan: &Plan) -> Option<Self> {
        let ratio = events(plan).filter(|_| plan.slo.origin.is_queried())?;
        let selectors = promql::selectors(&ratio.total);
        let [total] = selectors.as_slice() else {
            return None;
        };
        let part = promql::selectors(ratio.part_query());
        let lacks = match (&ratio.part, part.as_slice()) {
            (Part::Good(_), [good]) => lack::lack_of_bucket(total, good),
            // A label that exists on failures only is no label that targets lack.
            (Part::Bad(_), [bad]) if !plan.absent_is_zero => lack::lack_of_label(total, bad),
            _ => Vec::new(),
        };
        Some(Self {
            plan: index,
            total: total.to_string(),
            metric: total.name.clone(),
            lacks,
        })
    }
}

/// Whether any of the metrics has series with each of the labels of replicas.
fn probes(subjects: &[Subject]) -> Vec<String> {
    let names: BTreeSet<_> = subjects
        .iter()
        .filter_map(|subject| subject.metric.as_deref())
        .collect();
    if names.is_empty() {
        return Vec::new();
    }
    let names: Vec<_> = names
        .into_iter()
        .take(MAX_METRICS)
        .map(promql::quoted)
        .collect();
    let names = promql::string(&names.join("|"));
    let probe = |label: &&str| format!("count({{__name__=~{names},{label}!=\"\"}})");
    REPLICA_LABELS.iter().map(probe).collect()
}

/// How many sets of series differ in this label alone; in how many of these the values are as near as
/// those of one counter that is scraped twice; and how much these have counted.
fn replica_questions(total: &str, label: &str) -> [String; 3] {
    let several = format!("(count without ({label}) ({total}) > 1)");
    let most = format!("max without ({label}) ({total})");
    let spread = format!("({most} - min without ({label}) ({total}))");
    let growth = format!("(1 + max without ({label}) (increase({total}[5m])))");
    [
        format!("count({several})"),
        format!("count(({spread} <= {growth}) and {several})"),
        format!("sum({most} and {several})"),
    ]
}

fn replicas(label: &str, are_copies: bool) -> Reason {
    let text = if are_copies {
        format!(
            "series are there more than once, told apart by `{label}` alone, with the same values: \
             each event counts once here, and more than once in rules. Let the store merge replicas \
             (Thanos `--query.replica-label={label}`, Mimir's HA tracker), or drop the label"
        )
    } else {
        format!(
            "series differ in `{label}` alone, so if these are copies each event counts more than \
             once. Their values differ, so they are added up; name one `{label}` in the SLO if it is \
             a copy"
        )
    };
    let code = if are_copies {
        ReasonCode::Replicas
    } else {
        ReasonCode::PossibleReplicas
    };
    Reason::new(code, label, text)
}

impl Found {
    fn changes(&self) -> bool {
        !self.replicas.is_empty() || self.lacks.is_some()
    }

    /// Has a plan count each event once, on the targets that can tell.
    fn change(&self, plan: &mut Plan) {
        for formula in plan.asked.values_mut() {
            if let (Formula::Events(ratio), Some(lack)) = (&mut *formula, &self.lacks) {
                ratio.total = match lack {
                    Lack::Series(selector) => promql::on_targets_with(&ratio.total, selector),
                    Lack::Label(label) => promql::naming(&ratio.total, label),
                };
            }
            if !self.replicas.is_empty() {
                let labels = self.replicas.join(",");
                *formula = formula.map(&|query| promql::counted_once(query, &labels));
            }
        }
        // What is recorded counts otherwise.
        plan.given = Givens::default();
        follow(plan);
    }
}

/// Makes a plan what it was.
fn restore(plan: &mut Plan, original: &Plan) {
    if plan.asked != original.asked {
        plan.asked.clone_from(&original.asked);
        follow(plan);
    }
}

/// Has the trend and the queries that are shown be those of the shortest window.
fn follow(plan: &mut Plan) {
    if let Some((&Span::Window(window), shortest)) = plan.asked.first_key_value() {
        plan.trend = Trend::Expression(shortest.expression());
        let queries = shortest.named_queries(window);
        Arc::make_mut(&mut plan.slo).queries = queries;
    }
}

#[cfg(test)]
mod tests;
