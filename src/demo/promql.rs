//! Answers the PromQL that watchfire's `prometheus` source asks, over the demo's world.
//!
//! The `promql-parser` crate reads the expression; what is evaluated here is a small part of the
//! language, and everything else is refused by name. Counters are known at every instant, so
//! `increase` and `rate` are exact where Prometheus has to extrapolate between scrapes.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use promql_parser::label::Matchers;
use promql_parser::parser::token::{
    T_ADD, T_COUNT, T_DIV, T_LOR, T_LUNLESS, T_MAX, T_MIN, T_MUL, T_SUB, T_SUM,
};
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, MatrixSelector, Offset, SubqueryExpr,
    VectorSelector,
};

use super::series::{Labels, Meaning, Series};
use super::world::{Moment, World};

/// The longest query that is read, in bytes.
const MAX_QUERY: usize = 64 * 1024;
/// The most brackets and operators in one query: the parser and the evaluator recurse, at most
/// once for each of them.
const MAX_NESTING: usize = 4_000;
/// The stack on which a query with that many is parsed, evaluated and dropped.
pub(super) const STACK: usize = 64 * 1024 * 1024;
/// The most series and samples that one question may look at, over all its steps.
const MAX_WORK: usize = 3_000_000;
/// How often the counters are scraped, in seconds: for `count_over_time`.
const SCRAPE: f64 = 15.0;

/// Why a question is not answered, in Prometheus' terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The question cannot be understood: 400, `bad_data`.
    BadData(String),
    /// It can, and yet not be answered: 422, `execution`.
    Execution(String),
}

/// What an expression comes to at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    /// A number.
    Scalar(f64),
    /// A number for each label set.
    Vector(Vec<(Labels, f64)>),
}

/// A question about a world, evaluated moment by moment.
pub(super) struct Question<'a> {
    /// The world.
    pub(super) world: &'a World,
    /// Its series.
    pub(super) catalogue: &'a [Series],
    expr: Expr,
    work: Cell<usize>,
}

type Answer<T> = Result<T, Refusal>;

fn unsupported<T>(what: impl std::fmt::Display) -> Answer<T> {
    Err(Refusal::Execution(format!("demo: {what} is not supported")))
}

impl<'a> Question<'a> {
    /// Reads a query. Parser and evaluator recurse: call it, and drop it, on a [`STACK`].
    pub(super) fn parse(world: &'a World, catalogue: &'a [Series], query: &str) -> Answer<Self> {
        if query.len() > MAX_QUERY {
            return unsupported(format!("a query longer than {MAX_QUERY} bytes"));
        }
        if nesting(query) > MAX_NESTING {
            return unsupported(format!("a query of more than {MAX_NESTING} operators"));
        }
        let expr = promql_parser::parser::parse(query).map_err(|error| {
            Refusal::BadData(format!("invalid parameter \"query\": parse error: {error}"))
        })?;
        Ok(Self {
            world,
            catalogue,
            expr,
            work: Cell::new(0),
        })
    }

    /// What it comes to at a moment, when the present is `now`.
    pub(super) fn at(&self, asked: Moment, now: Moment) -> Answer<Outcome> {
        self.eval(&self.expr, World::visible(asked, now))
    }

    /// `at` is `None` where nothing was measured: every selector is empty then.
    fn eval(&self, expr: &Expr, at: Option<Moment>) -> Answer<Outcome> {
        let outcome = self.eval_node(expr, at)?;
        self.spend(match &outcome {
            Outcome::Scalar(_) => 1,
            Outcome::Vector(vector) => 1 + vector.len(),
        })?;
        Ok(outcome)
    }

    /// Keeps any question from running for long.
    fn spend(&self, work: usize) -> Answer<()> {
        self.work.set(self.work.get() + work);
        if self.work.get() > MAX_WORK {
            return Err(Refusal::Execution(
                "query processing would load too many samples into memory in query execution"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    fn eval_node(&self, expr: &Expr, at: Option<Moment>) -> Answer<Outcome> {
        match expr {
            Expr::Paren(paren) => self.eval(&paren.expr, at),
            Expr::NumberLiteral(number) => Ok(Outcome::Scalar(number.val)),
            Expr::VectorSelector(selector) => {
                let selected = self.select(selector, at)?;
                let value = |(series, at): (&Series, Moment)| {
                    let value = series.meaning.value(self.world, at)?;
                    Some((series.labels.clone(), value))
                };
                Ok(Outcome::Vector(
                    selected.into_iter().filter_map(value).collect(),
                ))
            }
            Expr::Aggregate(aggregate) => self.aggregate(aggregate, at),
            Expr::Binary(binary) => self.binary(binary, at),
            Expr::Call(call) => self.call(call, at),
            Expr::MatrixSelector(_) => unsupported("a range vector outside a function"),
            Expr::StringLiteral(_) => unsupported("a string"),
            Expr::Unary(_) => unsupported("a sign before an expression"),
            Expr::Subquery(_) => unsupported("a subquery"),
            Expr::Extension(_) => unsupported("an extension"),
        }
    }

    fn vector(&self, expr: &Expr, at: Option<Moment>) -> Answer<Vec<(Labels, f64)>> {
        match self.eval(expr, at)? {
            Outcome::Vector(vector) => Ok(vector),
            Outcome::Scalar(_) => unsupported("a scalar where a vector belongs"),
        }
    }

    fn select(
        &self,
        selector: &VectorSelector,
        at: Option<Moment>,
    ) -> Answer<Vec<(&'a Series, Moment)>> {
        if selector.at.is_some() {
            return unsupported("@");
        }
        let offset = seconds(selector.offset.as_ref())?;
        self.spend(self.catalogue.len())?;
        let Some(at) = at.map(|at| at - offset) else {
            return Ok(Vec::new());
        };
        let named = |series: &Series| {
            selector
                .name
                .as_ref()
                .is_none_or(|name| series.labels.get("__name__") == Some(name))
        };
        let chosen = self
            .catalogue
            .iter()
            .filter(|it| named(it) && matches(&selector.matchers, it));
        Ok(chosen.map(|series| (series, at)).collect())
    }

    fn aggregate(&self, aggregate: &AggregateExpr, at: Option<Moment>) -> Answer<Outcome> {
        let op = aggregate.op.id();
        if ![T_SUM, T_COUNT, T_MAX, T_MIN].contains(&op) {
            return unsupported(aggregate.op);
        }
        let by = match &aggregate.modifier {
            None => &Vec::new(),
            Some(LabelModifier::Include(by)) => &by.labels,
            Some(LabelModifier::Exclude(_)) => return unsupported("without"),
        };
        let mut groups: BTreeMap<Labels, f64> = BTreeMap::new();
        for (mut labels, value) in self.vector(&aggregate.expr, at)? {
            labels.retain(|name, _| by.contains(name));
            let group = groups.entry(labels);
            let choose: fn(f64, f64) -> f64 = match op {
                T_MAX => f64::max,
                T_MIN => f64::min,
                _ => |sum, more| sum + more,
            };
            let value = if op == T_COUNT { 1.0 } else { value };
            group
                .and_modify(|known| *known = choose(*known, value))
                .or_insert(value);
        }
        Ok(Outcome::Vector(groups.into_iter().collect()))
    }

    fn binary(&self, binary: &BinaryExpr, at: Option<Moment>) -> Answer<Outcome> {
        let op = binary.op.id();
        let how = binary.modifier.as_ref();
        if how.is_some_and(|how| how.matching.is_some() || how.card.labels().is_some()) {
            return unsupported("on, ignoring, group_left or group_right");
        }
        let apply: fn(f64, f64) -> f64 = match op {
            T_ADD => |a, b| a + b,
            T_SUB => |a, b| a - b,
            T_MUL => |a, b| a * b,
            T_DIV => |a, b| a / b,
            T_LOR => return self.or(binary, at),
            T_LUNLESS => return self.unless(binary, at),
            _ => return unsupported(format!("the operator {}", binary.op)),
        };
        let (left, right) = (self.eval(&binary.lhs, at)?, self.eval(&binary.rhs, at)?);
        Ok(match (left, right) {
            (Outcome::Scalar(a), Outcome::Scalar(b)) => Outcome::Scalar(apply(a, b)),
            (Outcome::Vector(vector), Outcome::Scalar(b)) => map(vector, |a| apply(a, b)),
            (Outcome::Scalar(a), Outcome::Vector(vector)) => map(vector, |b| apply(a, b)),
            (Outcome::Vector(left), Outcome::Vector(right)) => {
                let (left, mut right) = (by_labels(left)?, by_labels(right)?);
                let both = left.into_iter().filter_map(|(labels, a)| {
                    let b = right.remove(&labels)?;
                    Some((labels, apply(a, b)))
                });
                Outcome::Vector(both.collect())
            }
        })
    }

    /// All of the left, and of the right what has other labels.
    fn or(&self, binary: &BinaryExpr, at: Option<Moment>) -> Answer<Outcome> {
        let mut all = self.vector(&binary.lhs, at)?;
        let seen: BTreeSet<Labels> = all.iter().map(|(labels, _)| nameless(labels)).collect();
        let right = self.vector(&binary.rhs, at)?;
        all.extend(
            right
                .into_iter()
                .filter(|(labels, _)| !seen.contains(&nameless(labels))),
        );
        Ok(Outcome::Vector(all))
    }

    /// The series of the left with labels that no series of the right has.
    fn unless(&self, binary: &BinaryExpr, at: Option<Moment>) -> Answer<Outcome> {
        let right = self.vector(&binary.rhs, at)?;
        let without: BTreeSet<Labels> = right.iter().map(|(labels, _)| nameless(labels)).collect();
        let mut left = self.vector(&binary.lhs, at)?;
        left.retain(|(labels, _)| !without.contains(&nameless(labels)));
        Ok(Outcome::Vector(left))
    }

    fn call(&self, call: &Call, at: Option<Moment>) -> Answer<Outcome> {
        let args: Vec<&Expr> = call.args.args.iter().map(AsRef::as_ref).collect();
        match (call.func.name, args.as_slice()) {
            ("time", []) => {
                let time = |at| self.world.time(at).as_duration().as_secs_f64();
                Ok(at.map_or_else(
                    || Outcome::Vector(Vec::new()),
                    |at| Outcome::Scalar(time(at)),
                ))
            }
            ("vector", [number]) => match self.eval(number, at)? {
                Outcome::Scalar(value) => Ok(Outcome::Vector(vec![(Labels::new(), value)])),
                Outcome::Vector(_) => unsupported("vector() of a vector"),
            },
            ("label_replace", [vector, rest @ ..]) => {
                let mut strings = rest.iter().map(|arg| match arg {
                    Expr::StringLiteral(text) => Some(text.val.as_str()),
                    _ => None,
                });
                let mut next = || strings.next().flatten().unwrap_or_default();
                let (label, value, source, regex) = (next(), next(), next(), next());
                if !source.is_empty() || !regex.is_empty() || value.contains('$') {
                    return unsupported("label_replace that reads a label");
                }
                let mut vector = self.vector(vector, at)?;
                for (labels, _) in &mut vector {
                    labels.insert(label.to_owned(), value.to_owned());
                }
                Ok(Outcome::Vector(vector))
            }
            ("timestamp", [Expr::VectorSelector(selector)]) => {
                let there = |(series, at): (&Series, Moment)| {
                    series.meaning.value(self.world, at)?;
                    Some((
                        nameless(&series.labels),
                        self.world.time(at).as_duration().as_secs_f64(),
                    ))
                };
                let selected = self.select(selector, at)?;
                Ok(Outcome::Vector(
                    selected.into_iter().filter_map(there).collect(),
                ))
            }
            ("min_over_time", [Expr::Subquery(subquery)]) => self.least(subquery, at),
            (name, [Expr::MatrixSelector(range)]) => self.over_range(name, range, at),
            (name, _) => unsupported(format!("the function {name}")),
        }
    }

    /// The least that each series of a subquery came to: at the multiples of its step, as Prometheus
    /// has it.
    fn least(&self, subquery: &SubqueryExpr, at: Option<Moment>) -> Answer<Outcome> {
        let Some(step) = subquery.step.map(|step| step.as_secs_f64()) else {
            return unsupported("a subquery without a step");
        };
        if subquery.at.is_some() || step < 1.0 {
            return unsupported("a subquery with @, or steps below a second");
        }
        let Some(end) = at else {
            return Ok(Outcome::Vector(Vec::new()));
        };
        let end = end - seconds(subquery.offset.as_ref())?;
        let after_step = self.world.time(end).as_duration().as_secs_f64() % step;
        let begin = end - subquery.range.as_secs_f64();
        let mut least: BTreeMap<Labels, f64> = BTreeMap::new();
        let mut moment = end - after_step;
        while moment > begin {
            let seen = World::visible(moment, end);
            for (labels, value) in self.vector(&subquery.expr, seen)? {
                let known = least.entry(nameless(&labels)).or_insert(value);
                *known = known.min(value);
            }
            self.spend(1)?;
            moment -= step;
        }
        Ok(Outcome::Vector(least.into_iter().collect()))
    }

    /// A function of a range vector, for each series that has a sample in the range.
    fn over_range(
        &self,
        name: &str,
        range: &MatrixSelector,
        at: Option<Moment>,
    ) -> Answer<Outcome> {
        let window = range.range.as_secs_f64();
        let mut vector = Vec::new();
        for (series, at) in self.select(&range.vs, at)? {
            if matches!(series.meaning, Meaning::Alert(..)) {
                return unsupported("a range of ALERTS");
            }
            let Some(seen) = series.meaning.last_seen(window, at) else {
                continue;
            };
            let labels = nameless(&series.labels);
            let grown = |world: &World| match series.meaning {
                Meaning::Counter(service, part) => Ok(world.increase(service, part, window, at)),
                _ => unsupported(format!("{name}() of a series that is no counter")),
            };
            vector.push(match name {
                "increase" => (labels, grown(self.world)?),
                "rate" => (labels, grown(self.world)? / window),
                "last_over_time" => {
                    let value = series.meaning.value(self.world, seen);
                    (series.labels.clone(), value.unwrap_or(f64::NAN))
                }
                "count_over_time" if !matches!(series.meaning, Meaning::Version(..)) => {
                    let covered = window.min(at + super::world::HISTORY);
                    (labels, (covered / SCRAPE).floor())
                }
                _ => return unsupported(format!("{name}() of this series")),
            });
        }
        Ok(Outcome::Vector(vector))
    }
}

fn seconds(offset: Option<&Offset>) -> Answer<f64> {
    match offset {
        None => Ok(0.0),
        Some(Offset::Pos(offset)) => Ok(offset.as_secs_f64()),
        Some(Offset::Neg(_)) => unsupported("a negative offset"),
    }
}

fn map(vector: Vec<(Labels, f64)>, apply: impl Fn(f64) -> f64) -> Outcome {
    let each = vector
        .into_iter()
        .map(|(labels, value)| (nameless(&labels), apply(value)));
    Outcome::Vector(each.collect())
}

fn by_labels(vector: Vec<(Labels, f64)>) -> Answer<BTreeMap<Labels, f64>> {
    let mut all = BTreeMap::new();
    for (labels, value) in vector {
        if all.insert(nameless(&labels), value).is_some() {
            return Err(Refusal::Execution(
                "found duplicate series for the match group: many-to-many matching not allowed: \
                 matching labels must be unique on one side"
                    .to_owned(),
            ));
        }
    }
    Ok(all)
}

fn nameless(labels: &Labels) -> Labels {
    let mut labels = labels.clone();
    labels.remove("__name__");
    labels
}

/// The names of the series that a selector selects.
pub(super) fn names(catalogue: &[Series], selector: &str) -> Answer<BTreeSet<String>> {
    let parsed = promql_parser::parser::parse(selector);
    let Ok(Expr::VectorSelector(selector)) = parsed else {
        let problem = "invalid parameter \"match[]\": this is no selector";
        return Err(Refusal::BadData(problem.to_owned()));
    };
    let chosen = catalogue
        .iter()
        .filter(|it| matches(&selector.matchers, it));
    let names = chosen.filter_map(|series| series.labels.get("__name__"));
    Ok(names.cloned().collect())
}

/// True when a series has what the matchers ask; a label that is not there is an empty one.
fn matches(matchers: &Matchers, series: &Series) -> bool {
    let all = |group: &[promql_parser::label::Matcher]| {
        group.iter().all(|matcher| {
            matcher.is_match(series.labels.get(&matcher.name).map_or("", String::as_str))
        })
    };
    let or = &matchers.or_matchers;
    all(&matchers.matchers) && (or.is_empty() || or.iter().any(|group| all(group)))
}

/// How deep a query may nest at most: its brackets, operators and `or`s, inside strings as well,
/// where they do no harm but to the count.
fn nesting(query: &str) -> usize {
    let signs = query
        .bytes()
        .filter(|byte| b"([{+-*/%^<>=!".contains(byte))
        .count();
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let operator = |word: &&str| {
        let word = word.to_ascii_lowercase();
        matches!(word.as_str(), "or" | "and" | "unless" | "atan2" | "offset")
    };
    signs + words.filter(operator).count()
}
