//! What an answer without series means, looked up where one came: nothing was counted, the metric
//! exists nowhere, or something that is needed is missing.
//!
//! One selector without series counted nothing where its metric exists within the SLO's period and
//! each label that it names is on some series of it. A label on no series of an existing metric is a
//! mistake, and so is the bound of a bucket that is not there. A metric that exists nowhere may come
//! with the first failure: then 0 is assumed. Between vectors nothing of this holds: an operand
//! without series leaves the value unknown.
//!
//! Meanings are kept for minutes, and asked for many at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::VectorSelector;

use self::names::{Key, Name, Names};
use super::api::{Api, Series};
use super::plan::{Plan, Role, Value};
use super::planner::{Answers, Planner};
use super::promql::{self, Need, Operand};
use crate::domain::{Fault, Reason, window};
use crate::source::Ask;
use crate::text::Untrusted;

mod names;
mod words;

/// How long it counts that nothing was counted.
const CADENCE: SignedDuration = SignedDuration::from_mins(5);
/// How long any other meaning counts.
const CADENCE_OF_MISSING: SignedDuration = SignedDuration::from_mins(1);
/// Expressions in one query.
const EXPRESSIONS: usize = 50;

/// What an answer without series means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Meaning {
    /// Nothing was counted.
    Zero,
    /// The metric exists nowhere: 0 is assumed.
    Assumed(Reason),
    /// There is nothing of what the query is made of.
    Nothing,
    /// Something that is needed is missing.
    Missing(Reason),
}

impl Meaning {
    /// The same for a formula.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Zero | Self::Assumed(_) => Value::Zero,
            Self::Nothing => Value::Nothing,
            Self::Missing(_) => Value::Missing,
        }
    }

    /// Why the value is not known, or not exact.
    pub(super) fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Assumed(reason) | Self::Missing(reason) => Some(reason),
            Self::Zero | Self::Nothing => None,
        }
    }

    /// The worse of two.
    fn and(self, other: Self) -> Self {
        let rank = |one: &Self| match one {
            Self::Zero => 0,
            Self::Assumed(_) => 1,
            Self::Nothing => 2,
            Self::Missing(_) => 3,
        };
        if rank(&other) > rank(&self) {
            other
        } else {
            self
        }
    }
}

/// Which of an SLO's queries returned no series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Place {
    /// One of a formula, by its number; the period's may count other series than the windows' do.
    Asked {
        /// True for the period's.
        is_period: bool,
        /// Which of the formula's queries.
        number: usize,
    },
    /// One whose missing series count as 0 without a question: see [`Plan::silent`].
    Silent(usize),
}

/// A query that returned no series.
#[derive(Clone, Debug)]
pub(super) struct Empty<'a> {
    /// The plan, by index.
    pub(super) plan: usize,
    pub(super) place: Place,
    pub(super) query: &'a str,
    pub(super) role: Role,
    /// The query for all events, which returned some.
    pub(super) total: Option<&'a str>,
}

/// Where to ask, and for when.
pub(super) struct Server<'a> {
    pub(super) api: &'a Api,
    pub(super) planner: &'a mut Planner,
    pub(super) ask: &'a Ask,
}

impl Server<'_> {
    /// Evaluates queries of few samples.
    async fn instant(
        &mut self,
        queries: &[String],
        expressions: usize,
    ) -> Result<Answers<Series>, Fault> {
        let (api, ask) = (self.api, self.ask);
        let questions = names::questions(queries);
        self.planner
            .ask(&questions, expressions, ask.moment(), |query| async move {
                api.query(&query, ask.at).await
            })
            .await
    }
}

/// The meanings of empty answers, kept between polls.
#[derive(Default)]
pub(super) struct Absences {
    known: HashMap<Untrusted, BTreeMap<Place, Known>>,
    names: Names,
}

#[derive(Clone, Debug)]
struct Known {
    asked: Timestamp,
    meaning: Meaning,
}

impl Known {
    fn holds(&self, at: Timestamp) -> bool {
        let cadence = if self.meaning == Meaning::Zero {
            CADENCE
        } else {
            CADENCE_OF_MISSING
        };
        self.asked <= at && window::age(self.asked, at) < cadence
    }
}

/// What one selector needs, and how that is looked up.
struct Wanted {
    /// Each label that it names, and the metric itself.
    labels: Vec<Key>,
    metric: Key,
    /// Whether series of all events name the metric and its labels.
    is_of_total: bool,
    /// A query for the buckets with its bound.
    bound: Option<(String, Matcher)>,
}

/// What was found out in one look.
struct Findings<'a> {
    names: &'a Names,
    /// Queries that were asked, and what was returned.
    asked: HashMap<&'a str, usize>,
    answers: Option<Result<Answers<Series>, Fault>>,
}

impl Findings<'_> {
    /// The series that a query returned.
    fn series(&self, query: &str) -> Result<&[Series], Fault> {
        match (&self.answers, self.asked.get(query)) {
            (Some(Ok(answers)), Some(&number)) => answers.get(number).map_err(Clone::clone),
            (Some(Err(fault)), _) => Err(fault.clone()),
            _ => Ok(&[]),
        }
    }
}

impl Absences {
    /// What an empty answer of an SLO means, where that is known.
    pub(super) fn meaning(&self, id: &Untrusted, place: Place) -> Option<&Meaning> {
        Some(&self.known.get(id)?.get(&place)?.meaning)
    }

    /// The meanings of what counts as 0 without a question, the worst of an SLO.
    pub(super) fn silent(&self, id: &Untrusted) -> Meaning {
        let known = self.known.get(id).into_iter().flatten();
        let silent = known.filter(|(place, _)| matches!(place, Place::Silent(_)));
        silent.fold(Meaning::Zero, |worst, (_, known)| {
            worst.and(known.meaning.clone())
        })
    }

    /// Forgets SLOs that are no more.
    pub(super) fn retain(&mut self, ids: &HashSet<&Untrusted>) {
        self.known.retain(|id, _| ids.contains(id));
    }

    /// What of all that counts as 0 without a question is to be looked up.
    pub(super) fn silent_due<'a>(
        &self,
        plans: &'a [Plan],
        ids: &[Untrusted],
        at: Timestamp,
    ) -> Vec<Empty<'a>> {
        let mut due = Vec::new();
        for (plan, id) in ids.iter().enumerate() {
            for (number, silent) in plans[plan].silent.iter().enumerate() {
                let place = Place::Silent(number);
                if !self.is_known(id, place, at) {
                    due.push(Empty {
                        plan,
                        place,
                        query: &silent.query,
                        role: silent.role,
                        total: Some(&silent.total),
                    });
                }
            }
        }
        due
    }

    fn is_known(&self, id: &Untrusted, place: Place, at: Timestamp) -> bool {
        let known = self.known.get(id).and_then(|known| known.get(&place));
        known.is_some_and(|known| known.holds(at))
    }

    /// Looks up what these mean, as far as it is not known. What cannot be looked up is missing.
    pub(super) async fn look(
        &mut self,
        mut server: Server<'_>,
        (plans, ids): (&[Plan], &[Untrusted]),
        empties: Vec<Empty<'_>>,
    ) {
        let at = server.ask.moment();
        let mut open: BTreeMap<(usize, Place), (Empty<'_>, Option<Need>)> = BTreeMap::new();
        for empty in empties {
            if !self.is_known(&ids[empty.plan], empty.place, at) {
                let need = || Need::of(empty.query);
                open.entry((empty.plan, empty.place))
                    .or_insert_with(|| (empty.clone(), need()));
            }
        }
        if open.is_empty() {
            return;
        }
        let open: Vec<_> = open.into_values().collect();
        let wanted: Vec<_> = open
            .iter()
            .map(|(empty, need)| wants(empty, need.as_ref(), &plans[empty.plan], at))
            .collect();
        self.look_up_names(&mut server, &wanted).await;
        let mut queries: Vec<String> = Vec::new();
        for ((_, need), wanted) in open.iter().zip(&wanted) {
            queries.extend(operands(need.as_ref()).map(|one| one.query.clone()));
            let bounds = wanted.iter().filter_map(|one| one.bound.as_ref());
            queries.extend(bounds.map(|(query, _)| query.clone()));
        }
        queries.sort_unstable();
        queries.dedup();
        let answers = if queries.is_empty() {
            None
        } else {
            Some(server.instant(&queries, EXPRESSIONS).await)
        };
        let numbers = queries.iter().enumerate();
        let findings = Findings {
            names: &self.names,
            asked: numbers.map(|(n, query)| (query.as_str(), n)).collect(),
            answers,
        };
        let meanings: Vec<_> = open
            .iter()
            .zip(&wanted)
            .map(|((empty, need), wanted)| {
                let plan = &plans[empty.plan];
                let meaning = meaning(empty, need.as_ref(), wanted, plan, &findings);
                (empty.plan, empty.place, meaning)
            })
            .collect();
        for (plan, place, meaning) in meanings {
            let known = self.known.entry(ids[plan].clone()).or_default();
            known.insert(place, Known { asked: at, meaning });
        }
    }

    /// Labels first: where one is there, so is its metric.
    async fn look_up_names(&mut self, server: &mut Server<'_>, wanted: &[Vec<Wanted>]) {
        let all = || wanted.iter().flatten();
        let labels: BTreeSet<_> = all().flat_map(|one| one.labels.iter().cloned()).collect();
        self.names.look(server, labels).await;
        let names = &self.names;
        let is_there = |one: &Wanted| {
            let mut labels = one.labels.iter();
            let any = labels.any(|key| matches!(names.exists(key), Ok(true)));
            any || one.is_of_total
        };
        let metrics: BTreeSet<_> = all()
            .filter(|one| !is_there(one))
            .map(|one| one.metric.clone())
            .collect();
        self.names.look(server, metrics).await;
    }
}

fn operands(need: Option<&Need>) -> impl Iterator<Item = &Operand> {
    let mut all = Vec::new();
    let mut open: Vec<_> = need.into_iter().collect();
    while let Some(need) = open.pop() {
        match need {
            Need::All(operands) => all.extend(operands),
            Need::Any(needs) => open.extend(needs),
            Need::Nothing | Need::Series(_) => {}
        }
    }
    all.into_iter()
}

/// How each selector of a query is looked up, in their order. The series of what is asked for all
/// events, or for a ratio, are there or not: nothing of them is looked up.
fn wants(empty: &Empty<'_>, need: Option<&Need>, plan: &Plan, at: Timestamp) -> Vec<Wanted> {
    if matches!(empty.role, Role::Total | Role::Ratio) {
        return Vec::new();
    }
    let elapsed = plan.slo.period.elapsed(at, &plan.zone);
    let period = elapsed.max(plan.slo.period.nominal());
    let totals = empty.total.map_or_else(Vec::new, promql::selectors);
    let selectors = need.map(Need::selectors).unwrap_or_default();
    let want = |selector: &&VectorSelector| {
        let of_name = promql::of_name(selector);
        let name = || match promql::metric(selector) {
            Some(metric) => Name::Exact(metric.to_owned()),
            None => Name::Matching(of_name.clone()),
        };
        let key = |label: &str| Key {
            period,
            label: label.to_owned(),
            name: name(),
        };
        let same = |total: &&VectorSelector| promql::of_name(total) == of_name;
        let of_total: Vec<_> = totals.iter().filter(same).collect();
        let is_shared = |label: &str| {
            let mut named = of_total.iter().flat_map(|one| promql::named_labels(one));
            named.any(|matcher| matcher.name == label)
        };
        let labels = promql::named_labels(selector).map(|matcher| matcher.name.as_str());
        let labels = labels.filter(|label| *label != "le" && !is_shared(label));
        Wanted {
            labels: labels.map(key).collect(),
            metric: key(""),
            is_of_total: !of_total.is_empty(),
            bound: bound(selector, &totals),
        }
    };
    selectors.iter().map(want).collect()
}

/// A query for the buckets that a selector's bound names, among those of the same service: what it
/// shares with the selectors of all events tells which these are.
fn bound(selector: &VectorSelector, totals: &[VectorSelector]) -> Option<(String, Matcher)> {
    let mut named = promql::named_labels(selector);
    let le = named.find(|matcher| matcher.name == "le")?.clone();
    let others: Vec<_> = promql::named_labels(selector)
        .filter(|matcher| matcher.name != "le")
        .collect();
    let is_shared = |matcher: &Matcher| {
        let mut theirs = totals.iter().flat_map(|one| &one.matchers.matchers);
        theirs.any(|other| other == matcher)
    };
    let mut scope: Vec<_> = others.iter().filter(|one| is_shared(one)).collect();
    if scope.is_empty() {
        scope = others
            .iter()
            .filter(|one| one.op == MatchOp::Equal)
            .collect();
    }
    let of_name = Some(promql::of_name(selector)).filter(|name| !name.is_empty());
    let texts: Vec<_> = of_name
        .into_iter()
        .chain([le.to_string()])
        .chain(scope.into_iter().map(ToString::to_string))
        .collect();
    Some((format!("count({{{}}})", texts.join(",")), le))
}

fn meaning(
    empty: &Empty<'_>,
    need: Option<&Need>,
    wanted: &[Wanted],
    plan: &Plan,
    findings: &Findings<'_>,
) -> Meaning {
    let Some(need) = need else {
        return Meaning::Missing(words::unreadable(empty.role));
    };
    if let Role::Total | Role::Ratio = empty.role {
        return of_whole(empty, need, plan, findings);
    }
    if need.is_between_vectors() {
        return of_operands(empty, need, plan, findings);
    }
    let selectors = need.selectors();
    let each = selectors.iter().zip(wanted);
    each.map(|(selector, wanted)| of_selector(empty.role, selector, wanted, plan, findings))
        .fold(Meaning::Zero, Meaning::and)
}

/// All events, or a ratio: nothing is there, or an operand is missing beside others.
fn of_whole(empty: &Empty<'_>, need: &Need, plan: &Plan, findings: &Findings<'_>) -> Meaning {
    let is_there = |operand: &Operand| {
        let series = findings.series(&operand.query);
        series.is_ok_and(|series| own(plan, series).next().is_some())
    };
    if operands(Some(need)).any(is_there) {
        of_operands(empty, need, plan, findings)
    } else {
        Meaning::Nothing
    }
}

fn of_operands(empty: &Empty<'_>, need: &Need, plan: &Plan, findings: &Findings<'_>) -> Meaning {
    let mut lost = Vec::new();
    for operand in operands(Some(need)) {
        match findings.series(&operand.query) {
            Ok(series) if own(plan, series).next().is_none() => lost.push(operand.text.as_str()),
            Ok(_) => {}
            Err(fault) => return Meaning::Missing(words::not_looked_up(&operand.text, &fault)),
        }
    }
    if lost.is_empty() && promql::filters(empty.query) {
        // Nothing passed the comparison: no slice of time that failed, or none with traffic.
        return match empty.role {
            Role::Total | Role::Ratio => Meaning::Nothing,
            _ => Meaning::Zero,
        };
    }
    Meaning::Missing(words::operands(empty.role, &lost))
}

/// The series that may belong to an SLO.
fn own<'a>(plan: &'a Plan, series: &'a [Series]) -> impl Iterator<Item = &'a Series> {
    let by_hand = plan.labels.is_empty();
    let series = series.iter();
    series.filter(move |one| by_hand || plan.owns(&one.labels))
}

fn of_selector(
    role: Role,
    selector: &VectorSelector,
    wanted: &Wanted,
    plan: &Plan,
    findings: &Findings<'_>,
) -> Meaning {
    if let Some((query, le)) = &wanted.bound {
        match findings.series(query) {
            Ok([]) => return Meaning::Missing(words::bound(selector, le)),
            Ok(_) => {}
            Err(fault) => return Meaning::Missing(words::not_looked_up(query, &fault)),
        }
    }
    if plan.absent_is_zero {
        return Meaning::Zero;
    }
    let metric = promql::metric(selector).map_or_else(|| selector.to_string(), str::to_owned);
    let exists = |key: &Key| {
        let exists = findings.names.exists(key);
        exists.map_err(|fault| Meaning::Missing(words::not_looked_up(&metric, &fault)))
    };
    let looked_up = || {
        let mut lacking = None;
        let mut any = wanted.is_of_total;
        for key in &wanted.labels {
            if exists(key)? {
                any = true;
            } else {
                lacking.get_or_insert(key.label.as_str());
            }
        }
        if !any && !exists(&wanted.metric)? {
            return Ok(Meaning::Assumed(words::assumed(role, &metric, plan)));
        }
        Ok(match lacking {
            Some(label) => Meaning::Missing(words::label(role, label, &metric, plan)),
            None => Meaning::Zero,
        })
    };
    looked_up().unwrap_or_else(|meaning| meaning)
}
