//! Reading and writing PromQL: what a rule measures, and the queries that measure it again.

use std::fmt::Write as _;
use std::time::Duration;

use promql_parser::label::{MatchOp, Matcher, Matchers};
use promql_parser::parser::token::{T_DIV, T_GTR, T_LAND, T_LOR, T_MUL, T_SUB, T_SUM};
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{self, Expr, LabelModifier, VectorSelector};
use promql_parser::util::visitor::{ExprVisitor, ExprVisitorMut, walk_expr, walk_expr_mut};

use super::api::Labels;
use crate::domain::Window;

mod need;
mod pieces;
mod rewrite;

pub(super) use need::{
    Need, Operand, filters, is_between_vectors, metric, named_labels, names_bound, of_name, or_zero,
};
pub(super) use pieces::{pieces, whichever_spelling};
pub(super) use rewrite::{counted_once, naming, on_targets_of, on_targets_with, required};

/// The label that tells the expressions of a joined query apart.
pub(super) const TAG: &str = "watchfire";

/// The placeholder of a hand-written expression.
pub(super) const PLACEHOLDER: &str = "$window";

/// A hand-written `total`, `bad` or `good`, for one window: an expression with its placeholder
/// filled, or the increase of a bare selector.
pub(super) fn over(text: &str, window: &str) -> String {
    let text = whichever_spelling(text);
    if text.contains(PLACEHOLDER) {
        return text.replace(PLACEHOLDER, window);
    }
    format!("sum(increase({}[{window}]))", text.trim())
}

/// Many expressions in one query, each tagged with its index. Their results must not carry [`TAG`].
///
/// Joining costs the server time that grows with the square of their number, so callers keep to
/// some fifty at a time.
pub(super) fn joined<'a>(expressions: impl Iterator<Item = &'a str>) -> String {
    expressions
        .enumerate()
        .map(|(index, text)| {
            if is_scalar(text) {
                tagged(index, &format!("vector({text})"))
            } else {
                tagged(index, text)
            }
        })
        .collect::<Vec<_>>()
        .join(" or ")
}

/// Vectors in one query, tagged likewise; one alone is asked as it is, since a tag costs a server some
/// microseconds a series.
pub(super) fn together<'a>(vectors: impl ExactSizeIterator<Item = &'a str>) -> String {
    let is_tagged = vectors.len() > 1;
    let each = vectors.enumerate().map(|(index, vector)| {
        if is_tagged {
            tagged(index, vector)
        } else {
            vector.to_owned()
        }
    });
    each.collect::<Vec<_>>().join(" or ")
}

/// Which of so many vectors that were asked [`together`] a series answers.
pub(super) fn answered(labels: &Labels, vectors: usize) -> Option<usize> {
    if vectors == 1 {
        return Some(0);
    }
    labels.get(TAG)?.parse().ok()
}

/// A text as a string of `PromQL`, on one line and without a control character.
pub(super) fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A regular expression that matches a text and nothing else: RE2's metacharacters escaped.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if r"\.+*?()|[]{}^$".contains(char) {
            out.push('\\');
        }
        out.push(char);
    }
    out
}

/// The same as it stands between the quotes of a matcher.
pub(super) fn literally(text: &str) -> String {
    promql_parser::util::escape_string(&quoted(text))
}

/// An expression whose series carry a number in [`TAG`].
fn tagged(index: usize, vector: &str) -> String {
    format!("label_replace({vector}, \"{TAG}\", \"{index}\", \"\", \"\")")
}

/// The longest query worth sending, in bytes: `VictoriaMetrics` refuses more than 16 kB
/// (`-search.maxQueryLen`).
const LONGEST: usize = 12_000;

/// What [`joined`] adds to each expression, in bytes, and then some.
const WRAPPING: usize = 64;

/// Cuts expressions into batches of at most `most`, each short enough to be sent in one query;
/// `length` is that of the query of one, in bytes.
pub(super) fn batches<T>(
    all: impl IntoIterator<Item = T>,
    most: usize,
    length: impl Fn(&T) -> usize,
) -> Vec<Vec<T>> {
    let mut batches: Vec<Vec<T>> = Vec::new();
    let mut room = 0;
    for one in all {
        let needs = length(&one) + WRAPPING;
        match batches.last_mut() {
            Some(batch) if batch.len() < most && needs <= room => {
                room -= needs;
                batch.push(one);
            }
            _ => {
                room = LONGEST.saturating_sub(needs);
                batches.push(vec![one]);
            }
        }
    }
    batches
}

/// True for an expression that is one number by itself.
pub(super) fn is_scalar(text: &str) -> bool {
    parser::parse(text).is_ok_and(|expr| expr.value_type() == ValueType::Scalar)
}

/// What a rule divides by what: `(numerator, denominator)` of `a / b`, in parentheses or not.
pub(super) fn quotient(query: &str) -> Option<(Expr, Expr)> {
    let mut expr = parser::parse(query).ok()?;
    while let Expr::Paren(inner) = expr {
        expr = *inner.expr;
    }
    match expr {
        Expr::Binary(binary) if binary.op.id() == T_DIV => Some((*binary.lhs, *binary.rhs)),
        _ => None,
    }
}

/// True for a sum, and nothing done to it.
pub(super) fn is_sum(query: &str) -> bool {
    let sum = parser::parse(query);
    sum.is_ok_and(|expr| matches!(unwrapped(&expr), Expr::Aggregate(sum) if sum.op.id() == T_SUM))
}

/// True for an aggregation that keeps labels: `sum by (handler) (…)`.
pub(super) fn is_grouped(expr: &Expr) -> bool {
    let Expr::Aggregate(aggregate) = unwrapped(expr) else {
        return false;
    };
    match &aggregate.modifier {
        Some(LabelModifier::Include(labels)) => !labels.labels.is_empty(),
        Some(LabelModifier::Exclude(_)) => true,
        None => false,
    }
}

/// True when a hand-written `total`, `bad` or `good` counts events: a selector, of which watchfire
/// takes the increase, or an expression that counts itself. `rate` is events a second.
pub(super) fn counts_events(text: &str) -> bool {
    struct Calls {
        count: bool,
        rate: bool,
    }
    impl ExprVisitor for Calls {
        type Error = std::convert::Infallible;

        fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
            if let Expr::Call(call) = expr {
                match call.func.name {
                    "increase" | "count_over_time" | "sum_over_time" => self.count = true,
                    "rate" | "irate" | "deriv" => self.rate = true,
                    _ => {}
                }
            }
            Ok(true)
        }
    }
    if !text.contains(PLACEHOLDER) {
        return true;
    }
    let Ok(expr) = parser::parse(&over(text, "5m")) else {
        return false;
    };
    let mut calls = Calls {
        count: false,
        rate: false,
    };
    let Ok(_) = walk_expr(&mut calls, &expr);
    calls.count && !calls.rate
}

/// The same expression looking back over another window.
pub(super) fn with_range(expr: &Expr, window: Window) -> String {
    struct Stretch(Duration);
    impl ExprVisitorMut for Stretch {
        type Error = std::convert::Infallible;

        fn pre_visit(&mut self, expr: &mut Expr) -> Result<bool, Self::Error> {
            if let Expr::MatrixSelector(selector) = expr {
                selector.range = self.0;
            }
            Ok(true)
        }
    }
    let mut stretched = expr.clone();
    let range = Duration::from_secs(u64::from(window.seconds()));
    let Ok(_) = walk_expr_mut(&mut Stretch(range), &mut stretched);
    stretched.to_string()
}

/// The same with every look-back of one window made another's; `None` where it cannot be read.
pub(super) fn with_window(query: &str, from: Window, to: Window) -> Option<String> {
    struct Change(Duration, Duration);
    impl ExprVisitorMut for Change {
        type Error = std::convert::Infallible;

        fn pre_visit(&mut self, expr: &mut Expr) -> Result<bool, Self::Error> {
            if let Expr::MatrixSelector(selector) = expr
                && selector.range == self.0
            {
                selector.range = self.1;
            }
            Ok(true)
        }
    }
    let mut expr = parser::parse(query).ok()?;
    let length = |window: Window| Duration::from_secs(u64::from(window.seconds()));
    let Ok(_) = walk_expr_mut(&mut Change(length(from), length(to)), &mut expr);
    Some(expr.to_string())
}

/// A burn-rate expression over raw counters, asked of the increases that Pyrra recorded for the
/// whole period: `rate(m_total{…}[5m])` becomes `m:increase4w{…,slo="…"}`, and likewise
/// `count_over_time` and `sum_over_time` of a boolean gauge.
///
/// Pyrra records the total and the buckets of a histogram under one name; the total is the series
/// without `le`.
pub(super) fn over_recorded_period(expr: &Expr, period: &str, slo: &str) -> String {
    struct Recorded<'a> {
        period: &'a str,
        slo: &'a str,
    }
    impl ExprVisitorMut for Recorded<'_> {
        type Error = std::convert::Infallible;

        fn pre_visit(&mut self, expr: &mut Expr) -> Result<bool, Self::Error> {
            let Expr::Call(call) = expr else {
                return Ok(true);
            };
            let suffix = match call.func.name {
                "rate" | "increase" => "increase",
                "count_over_time" => "count",
                "sum_over_time" => "sum",
                _ => return Ok(true),
            };
            let Some(Expr::MatrixSelector(matrix)) = call.args.args.first().map(AsRef::as_ref)
            else {
                return Ok(true);
            };
            let mut selector = matrix.vs.clone();
            let metric = selector.name.clone().unwrap_or_default();
            let histogram_total = metric.ends_with("_count");
            let base = ["_total", "_count", "_bucket"]
                .into_iter()
                .fold(metric.as_str(), |name, end| {
                    name.strip_suffix(end).unwrap_or(name)
                });
            selector.name = Some(format!("{base}:{suffix}{}", self.period));
            if histogram_total {
                push(&mut selector, "le", "");
            }
            push(&mut selector, "slo", self.slo);
            *expr = Expr::VectorSelector(selector);
            Ok(true)
        }
    }
    let mut recorded = expr.clone();
    let Ok(_) = walk_expr_mut(&mut Recorded { period, slo }, &mut recorded);
    recorded.to_string()
}

/// The same expression where every selector matches these labels too; `None` for what is no PromQL.
pub(super) fn selecting(query: &str, labels: &[(String, String)]) -> Option<String> {
    struct Select<'a>(&'a [(String, String)]);
    impl ExprVisitorMut for Select<'_> {
        type Error = std::convert::Infallible;

        fn pre_visit(&mut self, expr: &mut Expr) -> Result<bool, Self::Error> {
            let selector = match expr {
                Expr::VectorSelector(selector) => selector,
                Expr::MatrixSelector(matrix) => &mut matrix.vs,
                _ => return Ok(true),
            };
            for (name, value) in self.0 {
                push(selector, name, value);
            }
            Ok(true)
        }
    }
    let mut expr = parser::parse(query).ok()?;
    let Ok(_) = walk_expr_mut(&mut Select(labels), &mut expr);
    Some(expr.to_string())
}

/// The selectors of a query, each once, in the order in which they stand, without range, offset and
/// `@`; none of what is no query.
pub(super) fn selectors(query: &str) -> Vec<VectorSelector> {
    struct Found(Vec<VectorSelector>);
    impl ExprVisitor for Found {
        type Error = std::convert::Infallible;

        fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
            let selector = match expr {
                Expr::VectorSelector(selector) => selector,
                Expr::MatrixSelector(matrix) => &matrix.vs,
                _ => return Ok(true),
            };
            let selector = VectorSelector {
                offset: None,
                at: None,
                ..selector.clone()
            };
            if !self.0.contains(&selector) {
                self.0.push(selector);
            }
            Ok(true)
        }
    }
    let mut found = Found(Vec::new());
    if let Ok(expr) = parser::parse(query) {
        let Ok(_) = walk_expr(&mut found, &expr);
    }
    found.0
}

fn push(selector: &mut VectorSelector, name: &str, value: &str) {
    selector
        .matchers
        .matchers
        .push(Matcher::new(MatchOp::Equal, name, value));
}

/// One `record > (factor * (1 - objective))` of a multi-window burn-rate alert; Sloth writes the
/// budget as a number.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Threshold {
    /// The recorded series that is compared,
    pub(super) record: String,
    /// and what selects it.
    pub(super) matchers: Matchers,
    pub(super) factor: f64,
    /// The objective, between 0 and 1.
    pub(super) objective: f64,
}

/// The comparisons of an alert as Pyrra writes it: short window first, then long.
pub(super) fn thresholds(query: &str) -> Vec<Threshold> {
    let mut found = Vec::new();
    if let Ok(expr) = parser::parse(query) {
        collect_thresholds(&expr, &mut found);
    }
    found
}

/// The comparisons of an alert as Sloth writes it: those of each condition that is enough for it to
/// fire.
pub(super) fn conditions(query: &str) -> Vec<Vec<Threshold>> {
    let mut found = Vec::new();
    if let Ok(expr) = parser::parse(query) {
        collect_conditions(&expr, &mut found);
    }
    found
}

fn collect_conditions(expr: &Expr, found: &mut Vec<Vec<Threshold>>) {
    match unwrapped(expr) {
        Expr::Binary(binary) if binary.op.id() == T_LOR => {
            collect_conditions(&binary.lhs, found);
            collect_conditions(&binary.rhs, found);
        }
        condition => {
            let mut thresholds = Vec::new();
            collect_thresholds(condition, &mut thresholds);
            found.push(thresholds);
        }
    }
}

fn collect_thresholds(expr: &Expr, found: &mut Vec<Threshold>) {
    match expr {
        Expr::Aggregate(aggregate) => collect_thresholds(&aggregate.expr, found),
        Expr::Paren(inner) => collect_thresholds(&inner.expr, found),
        Expr::Binary(binary) if binary.op.id() == T_LAND => {
            collect_thresholds(&binary.lhs, found);
            collect_thresholds(&binary.rhs, found);
        }
        Expr::Binary(binary) if binary.op.id() == T_GTR => {
            if let (Some((record, matchers)), Some((factor, objective))) =
                (selected(&binary.lhs), burn_threshold(&binary.rhs))
            {
                found.push(Threshold {
                    record,
                    matchers,
                    factor,
                    objective,
                });
            }
        }
        _ => {}
    }
}

/// The number that a rule records whatever happens: `vector(0.999)`.
pub(super) fn constant(query: &str) -> Option<f64> {
    match unwrapped(&parser::parse(query).ok()?) {
        Expr::Call(call) if call.func.name == "vector" => number(call.args.args.first()?),
        _ => None,
    }
}

fn selected(expr: &Expr) -> Option<(String, Matchers)> {
    match unwrapped(expr) {
        Expr::VectorSelector(selector) => Some((selector.name.clone()?, selector.matchers.clone())),
        _ => None,
    }
}

/// `factor * (1 - objective)`, or `factor * budget`.
fn burn_threshold(expr: &Expr) -> Option<(f64, f64)> {
    match expr {
        Expr::Paren(inner) => burn_threshold(&inner.expr),
        Expr::Binary(product) if product.op.id() == T_MUL => {
            let factor = number(&product.lhs)?;
            let rest = match unwrapped(&product.rhs) {
                Expr::NumberLiteral(budget) => return Some((factor, 1.0 - budget.val)),
                Expr::Binary(rest) => rest,
                _ => return None,
            };
            let one = number(&rest.lhs)?;
            let is_budget = rest.op.id() == T_SUB && (one - 1.0).abs() < f64::EPSILON;
            is_budget.then_some((factor, number(&rest.rhs)?))
        }
        _ => None,
    }
}

/// An expression without the parentheses around it.
pub(super) fn unwrapped(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => unwrapped(&inner.expr),
        other => other,
    }
}

/// The number that an expression is, in parentheses or not.
pub(super) fn number(expr: &Expr) -> Option<f64> {
    match unwrapped(expr) {
        Expr::NumberLiteral(literal) => Some(literal.val),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
