//! The query planner: from all questions that are due to few queries, and back.
//!
//! A request costs a server about as much as ten small expressions, and reading many series at once
//! far less than reading each by itself. So questions that differ only in the values of `=` matchers
//! are asked as one ([`shape`]), others are joined by `or`, some fifty a query ([`batch`]), and a
//! question that several SLOs share is asked once. What selects a part of the series that another
//! selects is found among these ([`nested`]).
//!
//! A query that is refused is halved until the question that spoils it stands alone.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use promql_parser::parser;

use self::batch::{Batch, Expression, Leaf, Limits, Waste, pack};
use self::found::Found;
use self::regroup::{Kind, regrouped};
use self::shape::{Shape, cut};
use super::api::{self, Answered, Labels, Metric, RangeSeries, Series};
use super::promql;
use crate::domain::{Fault, FaultKind, window};
use crate::text::Untrusted;

mod batch;
mod found;
mod nested;
mod regroup;
mod shape;
#[cfg(test)]
mod tests;

/// Queries in flight: Prometheus evaluates 20 at once by default and queues the rest.
pub(super) const IN_FLIGHT: usize = 16;
/// The longest query that is tried, in bytes. Prometheus takes megabytes by POST, `VictoriaMetrics`
/// 16 KiB (`-search.maxQueryLen`); what a server refuses is remembered.
const LONGEST: usize = 60_000;
/// No limit is believed to be shorter than this, in bytes.
const SHORTEST: usize = 1_000;
/// Halves of a query may differ by this, in bytes.
const UNEVEN: usize = 256;
/// How long a refused question is left alone.
const PENANCE: SignedDuration = SignedDuration::from_mins(1);
/// Packed questions that are remembered.
const MOST_PACKED: usize = 8;
/// Skeletons that are remembered; calendar periods make new ones all the time.
const MOST_SHAPES: usize = 10_000;
/// Series that an answer may have for each that was asked for, before its shape is narrowed.
const WASTE: usize = 4;
/// Rows that an answer with nested parts may have for each question, before they are asked apart:
/// where few samples are read for each, and where many are.
const ROWS: [usize; 2] = [1, 8];
/// Answers with fewer series too many than this are not worth narrowing.
const LITTLE: usize = 100;
/// Series of an answer to one question that are remembered for the next answer.
const MAX_REMEMBERED: usize = 1_000;

/// A query that has to be asked, and with what it may share a request.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct Question<'a> {
    pub(super) query: &'a str,
    /// Only questions of one class share a request; lower ones go first, and 0 are those for which
    /// few samples are read.
    pub(super) class: u64,
}

/// A series of an answer.
pub(super) trait Labelled: Clone {
    fn labels(&self) -> &Labels;

    /// The same with other labels and without a name.
    fn relabelled(&self, labels: Labels) -> Self;

    /// Adds the values of another.
    fn add(&mut self, other: &Self);

    /// What it is called, where that is kept once for all answers.
    fn metric(&self) -> Option<&Arc<Metric>> {
        None
    }

    /// The same under another name that is kept so.
    fn called(&self, metric: &Arc<Metric>) -> Self {
        self.relabelled(metric.labels.clone())
    }
}

impl Labelled for Series {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn relabelled(&self, labels: Labels) -> Self {
        Self::new("", labels, self.value)
    }

    fn add(&mut self, other: &Self) {
        self.value += other.value;
    }

    fn metric(&self) -> Option<&Arc<Metric>> {
        Some(Self::metric(self))
    }

    fn called(&self, metric: &Arc<Metric>) -> Self {
        Self::called(self, Arc::clone(metric))
    }
}

impl Labelled for RangeSeries {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn relabelled(&self, labels: Labels) -> Self {
        Self {
            name: String::new(),
            labels,
            points: self.points.clone(),
        }
    }

    fn add(&mut self, other: &Self) {
        let mut sums: BTreeMap<_, f64> = self.points.drain(..).collect();
        for &(at, value) in &other.points {
            *sums.entry(at).or_insert(-0.0) += value;
        }
        self.points = sums.into_iter().collect();
    }
}

/// What was answered.
pub(super) struct Answers<S> {
    packed: Arc<Packed>,
    each: Vec<Result<Found<S>, Fault>>,
    partial: HashSet<usize>,
    pub(super) warnings: BTreeSet<Untrusted>,
    /// Why some questions were not answered at all, while others were.
    pub(super) broken: Option<Fault>,
}

impl<S> Answers<S> {
    /// The series that answer a question, by its index; the fault is the server's refusal.
    pub(super) fn get(&self, question: usize) -> Result<&[S], &Fault> {
        let found = self.each[self.packed.of[question]].as_ref();
        found.map(Found::as_slice)
    }

    /// True when parts of the data did not answer it.
    pub(super) fn is_partial(&self, question: usize) -> bool {
        self.partial.contains(&self.packed.of[question])
    }
}

/// A query that would be sent, and what it answers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) query: String,
    /// Questions by index.
    pub(super) serves: Vec<usize>,
}

/// What is known of a skeleton.
#[derive(Clone)]
struct Known {
    shape: Option<Arc<Shape>>,
    is_scalar: bool,
}

/// Questions, packed.
struct Packed {
    /// Where the answer to each question stands.
    of: Vec<usize>,
    /// The first question of each.
    first: Vec<usize>,
    batches: Vec<Arc<Batch>>,
}

/// Plans queries, and remembers what a server takes.
pub(super) struct Planner {
    /// The most queries in flight.
    in_flight: usize,
    /// The last questions by their hash: most polls ask what the last one did.
    packed: VecDeque<(u64, Arc<Packed>)>,
    shapes: HashMap<String, Known>,
    /// The longest query the server is believed to take, once it refused one for its length.
    longest: Option<usize>,
    waste: Waste,
    refused: HashMap<String, (Timestamp, Fault)>,
}

/// An expression that answers with a series for each value of these labels; `None` where that
/// cannot be had from it.
pub(super) fn grouped(query: &str, by: &[String]) -> Option<String> {
    let mut expr = parser::parse(query).ok()?;
    match regrouped(&mut expr, by)? {
        Kind::Groups(_) => Some(expr.to_string()),
        Kind::Scalar | Kind::Series => None,
    }
}

/// One round of asking.
struct Round<'a, S> {
    questions: &'a [Question<'a>],
    packed: Arc<Packed>,
    /// Read when a query has to be halved.
    leaves: Option<Vec<Leaf<'a>>>,
    answers: Vec<Option<Result<Found<S>, Fault>>>,
    partial: HashSet<usize>,
    warnings: BTreeSet<Untrusted>,
    broken: Option<Fault>,
    queue: Vec<Arc<Batch>>,
    any: bool,
}

impl Default for Planner {
    fn default() -> Self {
        Self::of(IN_FLIGHT)
    }
}

impl Planner {
    /// One that has so many queries in flight at most.
    pub(super) fn of(in_flight: usize) -> Self {
        Self {
            in_flight,
            packed: VecDeque::new(),
            shapes: HashMap::new(),
            longest: None,
            waste: Waste::default(),
            refused: HashMap::new(),
        }
    }

    /// The queries that would be sent for these questions.
    pub(super) fn plan(&mut self, questions: &[Question<'_>], expressions: usize) -> Vec<Sent> {
        let packed = self.packed(questions, expressions);
        let serves = |batch: &Arc<Batch>| {
            let asked: HashSet<_> = batch.leaves().collect();
            let all = packed.of.iter().enumerate();
            let serves = all.filter(|(_, leaf)| asked.contains(leaf));
            serves.map(|(index, _)| index).collect()
        };
        packed
            .batches
            .iter()
            .map(|batch| Sent {
                query: batch.text(),
                serves: serves(batch),
            })
            .collect()
    }

    /// Asks all of them; `expressions` is how many are joined in a query at most.
    ///
    /// Fails as a whole only when the server answers nothing.
    pub(super) async fn ask<S, F>(
        &mut self,
        questions: &[Question<'_>],
        expressions: usize,
        at: Timestamp,
        send: impl Fn(String) -> F,
    ) -> Result<Answers<S>, Fault>
    where
        S: Labelled,
        F: Future<Output = Result<Answered<Vec<S>>, Fault>>,
    {
        self.forgive(at);
        let packed = self.packed(questions, expressions);
        let first = packed.first.iter();
        let mut round = Round {
            answers: first
                .map(|&first| self.penance(questions[first].query, at).map(Err))
                .collect(),
            queue: Vec::new(),
            questions,
            packed,
            leaves: None,
            partial: HashSet::new(),
            warnings: BTreeSet::new(),
            broken: None,
            any: false,
        };
        let is_due = |batch: &&Arc<Batch>| batch.leaves().any(|leaf| round.answers[leaf].is_none());
        let due = round.packed.batches.iter().filter(is_due);
        round.queue = due.rev().cloned().collect();
        let mut flying = FuturesUnordered::new();
        loop {
            while round.broken.is_none()
                && flying.len() < self.in_flight
                && let Some(batch) = round.queue.pop()
            {
                let is_too_long = self.longest.is_some_and(|most| batch.length() > most);
                if is_too_long && self.halve(&mut round, &batch) {
                    continue;
                }
                let answer = send(batch.text());
                flying.push(async move { (batch, answer.await) });
            }
            let Some((batch, answer)) = flying.next().await else {
                break;
            };
            self.take(&mut round, &batch, answer, at);
        }
        round.finish()
    }

    /// What came back for a batch.
    fn take<S: Labelled>(
        &mut self,
        round: &mut Round<'_, S>,
        batch: &Batch,
        answer: Result<Answered<Vec<S>>, Fault>,
        at: Timestamp,
    ) {
        let fault = match answer {
            Ok(answer) => {
                round.any = true;
                return self.read(round, batch, answer);
            }
            Err(fault) => fault,
        };
        let is_nested = batch.expressions.iter().any(|one| one.nest.is_some());
        if fault.kind == FaultKind::TooLarge && is_nested {
            // More rows than were asked for may be why.
            for expression in &batch.expressions {
                self.part(expression);
            }
            if self.halve(round, batch) {
                return;
            }
        }
        // Of a server that answers, a part of the batch is refused, or is too large to be read.
        if !matches!(fault.kind, FaultKind::Query | FaultKind::TooLarge) {
            round.broken.get_or_insert(fault);
            return;
        }
        round.any = true;
        if api::is_too_long(&fault) {
            let shorter = (batch.length() / 2 + UNEVEN).max(SHORTEST);
            let known = self.longest.unwrap_or(usize::MAX);
            self.longest = Some(known.min(shorter));
            self.packed.clear();
        }
        if !self.halve(round, batch) {
            for leaf in batch.leaves() {
                let query = round.query(leaf).to_owned();
                if self.refused.insert(query, (at, fault.clone())).is_none() {
                    self.packed.clear();
                }
                round.answers[leaf] = Some(Err(fault.clone()));
            }
        }
    }

    /// Asks a batch as two; false for one that cannot be halved.
    fn halve<S>(&mut self, round: &mut Round<'_, S>, batch: &Batch) -> bool {
        let questions = round.questions;
        let leaves = round.leaves.get_or_insert_with(|| self.leaves(questions).0);
        let halves = batch.halves(leaves);
        let is_halved = halves.is_some();
        round.queue.extend(
            halves
                .into_iter()
                .flat_map(|halves| halves.map(Arc::new).into_iter().rev()),
        );
        is_halved
    }

    fn read<S: Labelled>(
        &mut self,
        round: &mut Round<'_, S>,
        batch: &Batch,
        answer: Answered<Vec<S>>,
    ) {
        round.warnings.extend(answer.warnings);
        let mut counts = vec![0; batch.expressions.len()];
        for leaf in batch.leaves() {
            if !self.refused.is_empty() && self.refused.remove(round.query(leaf)).is_some() {
                self.packed.clear();
            }
            round.answers[leaf] = Some(Ok(Found::Nothing));
            if answer.partial {
                round.partial.insert(leaf);
            }
        }
        let mut heirs = batch.heirs();
        for (place, series) in answer.data.iter().enumerate() {
            let Some(heir) = heirs.of(place, series, &batch.expressions) else {
                continue;
            };
            counts[heir.expression] += 1;
            for &owner in &heir.owners {
                if let Some(Ok(answers)) = &mut round.answers[owner] {
                    let series = series.called(&heir.own);
                    match &batch.expressions[heir.expression].nest {
                        Some(_) => answers.sum(series),
                        None => answers.push(series),
                    }
                }
            }
        }
        let leaves = batch.leaves().count();
        if answer.data.len() > MAX_REMEMBERED * leaves.max(1) {
            heirs.forget();
        }
        for (expression, count) in batch.expressions.iter().zip(counts) {
            let rows = match (&expression.nest, expression.class) {
                (None, _) => WASTE,
                (Some(_), 0) => ROWS[0],
                (Some(_), _) => ROWS[1],
            };
            if count <= rows * expression.leaves.len() + LITTLE {
                continue;
            }
            if expression.nest.is_some() {
                self.part(expression);
            } else if let Some(skeleton) = &expression.skeleton {
                self.waste.skeletons.insert(skeleton.clone());
                self.packed.clear();
            }
        }
    }

    /// Has the parts of an expression asked apart from now on.
    fn part(&mut self, expression: &Expression) {
        if let Some(nest) = &expression.nest {
            self.waste.nests.insert((expression.class, nest.by.clone()));
            self.packed.clear();
        }
    }

    /// Why a question is not worth asking yet.
    fn penance(&self, query: &str, at: Timestamp) -> Option<Fault> {
        let (asked, fault) = self.refused.get(query)?;
        (window::age(*asked, at) < PENANCE).then(|| fault.clone())
    }

    /// Forgets refusals that are long ago.
    fn forgive(&mut self, at: Timestamp) {
        let known = self.refused.len();
        self.refused
            .retain(|_, (asked, _)| *asked <= at && window::age(*asked, at) < PENANCE * 10);
        if self.refused.len() < known {
            self.packed.clear();
        }
    }

    fn packed(&mut self, questions: &[Question<'_>], expressions: usize) -> Arc<Packed> {
        let mut hasher = DefaultHasher::new();
        (questions, expressions).hash(&mut hasher);
        let hash = hasher.finish();
        let known = self.packed.iter().position(|(known, _)| *known == hash);
        if let Some((_, packed)) = known.and_then(|place| self.packed.remove(place)) {
            self.packed.push_front((hash, Arc::clone(&packed)));
            return packed;
        }
        let (leaves, of) = self.leaves(questions);
        let limits = Limits {
            length: self.longest.unwrap_or(LONGEST).min(LONGEST),
            expressions,
        };
        let mut first = vec![0; leaves.len()];
        for (question, &leaf) in of.iter().enumerate().rev() {
            first[leaf] = question;
        }
        let batches = pack(&leaves, limits, &self.waste);
        let batches = batches.into_iter().map(Arc::new).collect();
        let packed = Arc::new(Packed { of, first, batches });
        self.packed.truncate(MOST_PACKED - 1);
        self.packed.push_front((hash, Arc::clone(&packed)));
        packed
    }

    /// Each question once, and for every question which it is.
    fn leaves<'a>(&mut self, questions: &[Question<'a>]) -> (Vec<Leaf<'a>>, Vec<usize>) {
        let mut known: HashMap<&str, usize> = HashMap::with_capacity(questions.len());
        let mut leaves: Vec<Leaf<'a>> = Vec::new();
        let mut of = Vec::with_capacity(questions.len());
        for question in questions {
            let index = *known.entry(question.query).or_insert(leaves.len());
            if index == leaves.len() {
                leaves.push(self.leaf(question));
            }
            of.push(index);
        }
        (leaves, of)
    }

    fn leaf<'a>(&mut self, question: &Question<'a>) -> Leaf<'a> {
        let query = question.query;
        let cut = cut(query);
        let known = match &cut {
            Some(cut) => self.known(&cut.skeleton),
            None => Known {
                shape: None,
                is_scalar: promql::is_scalar(query),
            },
        };
        Leaf {
            query,
            class: question.class,
            shape: known.shape,
            is_scalar: known.is_scalar,
            alone: self.refused.contains_key(query),
            cut,
        }
    }

    fn known(&mut self, skeleton: &str) -> Known {
        if let Some(known) = self.shapes.get(skeleton) {
            return known.clone();
        }
        if self.shapes.len() >= MOST_SHAPES {
            self.shapes.clear();
        }
        let known = Known {
            shape: Shape::of(skeleton).map(Arc::new),
            is_scalar: promql::is_scalar(skeleton),
        };
        self.shapes.insert(skeleton.to_owned(), known.clone());
        known
    }
}

impl<S> Round<'_, S> {
    /// The question that a leaf is.
    fn query(&self, leaf: usize) -> &str {
        self.questions[self.packed.first[leaf]].query
    }

    fn finish(self) -> Result<Answers<S>, Fault> {
        let unasked = match (self.broken, self.any) {
            (Some(fault), false) => return Err(fault),
            (broken, _) => broken,
        };
        let answers = self.answers.into_iter().map(|answer| {
            answer.unwrap_or_else(|| {
                Err(unasked
                    .clone()
                    .unwrap_or_else(|| Fault::new(FaultKind::Crash, "was not asked")))
            })
        });
        Ok(Answers {
            packed: self.packed,
            each: answers.collect(),
            partial: self.partial,
            warnings: self.warnings,
            broken: unasked,
        })
    }
}
