//! How the first values of new series are asked for: what an SLO counts, taken apart into sums of
//! counters, and the queries for each.

use std::collections::BTreeSet;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::token::{T_ADD, T_DIV, T_LOR, T_MAX, T_MUL, T_SUB, T_SUM};
use promql_parser::parser::{self, AggregateExpr, BinaryExpr, Expr, LabelModifier, VectorSelector};

use crate::config::Part;
use crate::domain::Window;
use crate::source::prometheus::plan::Ratio;
use crate::source::prometheus::promql;
use crate::source::target;

/// How far before a window an earlier sample of the same series is looked for.
const BEFORE: &str = "1d";

/// One sum of counters within a query.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Term {
    /// What the query multiplies it by.
    factor: f64,
    /// True for `rate`, which is an increase divided by the seconds of its window.
    per_second: bool,
    selector: VectorSelector,
    modifier: Option<LabelModifier>,
    /// The labels of replicas, of which the largest increase counts.
    replicas: Option<String>,
    /// The selector without whose series a target does not count.
    required: Option<VectorSelector>,
}

/// What an SLO counts, as sums of counters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Recipe {
    /// The sums for bad events, or for good ones.
    pub(super) part: Vec<Term>,
    /// True when the part counts good events.
    pub(super) is_good: bool,
    /// The sums for all events.
    pub(super) total: Vec<Term>,
    /// The labels that the part names and the total does not: `code`, or `le`.
    apart: String,
}

impl Recipe {
    /// That of a ratio; `None` where its queries are no sums of increases.
    pub(super) fn of(ratio: &Ratio) -> Option<Self> {
        let total = terms(&ratio.total)?;
        let part = terms(ratio.part_query())?;
        let named = |terms: &[Term]| -> BTreeSet<String> {
            let selectors = terms.iter().map(|term| &term.selector.matchers.matchers);
            let names = selectors.flatten().map(|matcher| matcher.name.clone());
            names.filter(|name| name != "__name__").collect()
        };
        let of_total = named(&total);
        let apart: Vec<_> = named(&part).difference(&of_total).cloned().collect();
        Some(Self {
            is_good: matches!(ratio.part, Part::Good(_)),
            apart: apart.join(","),
            part,
            total,
        })
    }

    /// The sums whose new series may be bad events: those of bad ones, or those of all where only
    /// good ones are counted.
    pub(super) fn suspects(&self) -> impl Iterator<Item = &Term> {
        let terms = if self.is_good {
            &self.total
        } else {
            &self.part
        };
        terms.iter().filter(|term| term.factor > 0.0)
    }

    /// The most that the series of a sum which began within a window had counted before: nothing is
    /// said of whether that happened within the window.
    pub(super) fn most(term: &Term, window: Window) -> String {
        let x = &term.selector;
        let born = format!("(min_over_time({x}[{window}]) > 0) unless ({x} offset {window})");
        term.sum(&born, window)
    }

    /// The same from two moments alone, which costs next to nothing: what series have counted that
    /// are there now and were not then.
    pub(super) fn most_of_living(term: &Term, window: Window) -> String {
        let x = &term.selector;
        let born = format!("({x} > 0) unless ({x} offset {window})");
        term.sum(&born, window)
    }

    /// The sum of the first values of series that began within a window while their target was
    /// scraped before.
    ///
    /// A series began when it has no sample in the five minutes before the window. Where it has an
    /// earlier one, of a day at most, that is not above its first value, it may have been away and
    /// gone on counting: that is left out, as is what the server's own `increase` counts already
    /// (`VictoriaMetrics`'s does at times). Its target was scraped before when another series of it
    /// had a sample just before the window, or has clearly more samples in it.
    pub(super) fn certain(&self, term: &Term, window: Window) -> Option<String> {
        let target = target::labels();
        let on_target = [format!("on({target})"), format!("by({target})")];
        let on_rest = [
            format!("ignoring({})", self.apart),
            format!("without({})", self.apart),
        ];
        let with_target = self.of_target(term, &MatchOp::NotEqual, on_target, window)?;
        let without = self.of_target(term, &MatchOp::Equal, on_rest, window)?;
        Some(term.sum(&format!("({with_target}) or ({without})"), window))
    }

    fn of_target(
        &self,
        term: &Term,
        has_instance: &MatchOp,
        [on, by]: [String; 2],
        window: Window,
    ) -> Option<String> {
        let of = |selector: &VectorSelector| {
            let matcher = Matcher::new(has_instance.clone(), "instance", "");
            let mut selector = selector.clone();
            selector.matchers.matchers.push(matcher);
            selector.to_string()
        };
        let x = of(&term.selector);
        let mut others: Vec<String> = Vec::new();
        for term in &self.total {
            let other = of(&term.selector);
            if !others.contains(&other) {
                others.push(other);
            }
        }
        if others.is_empty() {
            return None;
        }
        let each = |write: &dyn Fn(&String) -> String| {
            let all: Vec<_> = others.iter().map(write).collect();
            all.join(" or ")
        };
        let before = each(&|y| format!("{y} offset {window}"));
        let counts = each(&|y| format!("count_over_time({y}[{window}])"));
        Some(format!(
            "((min_over_time({x}[{window}]) > 0) unless ({x} offset {window}) \
             unless (last_over_time({x}[{BEFORE}] offset {window}) <= min_over_time({x}[{window}])) \
             unless (increase({x}[{window}]) >= last_over_time({x}[{window}]))) \
             and ((count_over_time({x}[{window}]) and {on} ({before})) \
             or (count_over_time({x}[{window}]) < {on} group_left() \
             (max {by} ({counts}) * 0.98 - 1.5)))"
        ))
    }
}

impl Term {
    /// What so many events are in the unit of its query.
    pub(super) fn in_unit(&self, events: f64, window: Window) -> f64 {
        let value = self.factor * events;
        if self.per_second {
            value / f64::from(window.seconds())
        } else {
            value
        }
    }

    /// The sum of what is known of each of its series within a window.
    fn sum(&self, of_series: &str, window: Window) -> String {
        let modifier = self.modifier();
        let of_series = match &self.required {
            None => of_series.to_owned(),
            Some(required) => promql::on_targets_of(&format!("({of_series})"), required, window),
        };
        match &self.replicas {
            None => format!("sum{modifier}({of_series})"),
            Some(labels) => format!("sum{modifier}(max without ({labels}) ({of_series}))"),
        }
    }

    fn modifier(&self) -> String {
        match &self.modifier {
            None => String::new(),
            Some(LabelModifier::Include(labels)) => format!(" by ({}) ", labels.labels.join(",")),
            Some(LabelModifier::Exclude(labels)) => {
                format!(" without ({}) ", labels.labels.join(","))
            }
        }
    }
}

/// The sums of increases that a query adds up; `None` for one that does anything else.
fn terms(query: &str) -> Option<Vec<Term>> {
    let expr = parser::parse(query).ok()?;
    let mut found = Vec::new();
    collect(&expr, 1.0, &mut found)?;
    (!found.is_empty()).then_some(found)
}

fn collect(expr: &Expr, factor: f64, found: &mut Vec<Term>) -> Option<()> {
    match expr {
        Expr::Paren(inner) => collect(&inner.expr, factor, found),
        Expr::Aggregate(sum) => {
            found.push(term(sum, factor)?);
            Some(())
        }
        Expr::Binary(binary) => collect_binary(binary, factor, found),
        _ => None,
    }
}

fn collect_binary(binary: &BinaryExpr, factor: f64, found: &mut Vec<Term>) -> Option<()> {
    let (left, right) = (&*binary.lhs, &*binary.rhs);
    let op = binary.op.id();
    match (op, promql::number(left), promql::number(right)) {
        (T_MUL, None, Some(times)) => collect(left, factor * times, found),
        (T_MUL, Some(times), None) => collect(right, factor * times, found),
        (T_DIV, None, Some(by)) if by != 0.0 => collect(left, factor / by, found),
        (T_ADD | T_SUB, None, None) => {
            let sign = if op == T_SUB { -1.0 } else { 1.0 };
            collect(left, factor, found)?;
            collect(right, factor * sign, found)
        }
        // `… or vector(0)`, `… or total * 0`: nothing where there is nothing.
        (T_LOR, ..) if is_zero(right) => collect(left, factor, found),
        _ => None,
    }
}

/// True for an expression that is 0 wherever it is anything.
fn is_zero(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(inner) => is_zero(&inner.expr),
        Expr::Call(call) if call.func.name == "vector" => {
            let number = call.args.args.first().and_then(|one| promql::number(one));
            number == Some(0.0)
        }
        Expr::Binary(binary) if binary.op.id() == T_MUL => [&binary.lhs, &binary.rhs]
            .into_iter()
            .any(|side| promql::number(side) == Some(0.0)),
        _ => false,
    }
}

/// `sum(increase(selector[window]))`, or of `rate`.
fn term(sum: &AggregateExpr, factor: f64) -> Option<Term> {
    if sum.op.id() != T_SUM || sum.param.is_some() {
        return None;
    }
    let mut inner = promql::unwrapped(&sum.expr);
    let mut replicas = None;
    if let Expr::Aggregate(once) = inner
        && once.op.id() == T_MAX
        && let Some(LabelModifier::Exclude(labels)) = &once.modifier
    {
        replicas = Some(labels.labels.join(","));
        inner = promql::unwrapped(&once.expr);
    }
    let mut required = None;
    if let Expr::Binary(both) = inner {
        required = Some(promql::required(both)?);
        inner = promql::unwrapped(&both.lhs);
    }
    let Expr::Call(call) = inner else {
        return None;
    };
    let per_second = match call.func.name {
        "increase" => false,
        "rate" => true,
        _ => return None,
    };
    let Some(Expr::MatrixSelector(matrix)) = call.args.args.first().map(AsRef::as_ref) else {
        return None;
    };
    let selector = &matrix.vs;
    let is_plain = selector.offset.is_none()
        && selector.at.is_none()
        && selector.matchers.or_matchers.is_empty();
    is_plain.then(|| Term {
        factor,
        per_second,
        selector: selector.clone(),
        modifier: sum.modifier.clone(),
        replicas,
        required,
    })
}
