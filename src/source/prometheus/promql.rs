//! Reading and writing PromQL: what a rule measures, and the queries that measure it again.

use std::time::Duration;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::token::{T_DIV, T_GTR, T_LAND, T_MUL, T_SUB};
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{self, Expr, VectorSelector};
use promql_parser::util::visitor::{ExprVisitorMut, walk_expr_mut};

use crate::domain::Window;

/// The label that tells the expressions of a joined query apart.
pub(super) const TAG: &str = "watchfire";

/// The placeholder of a hand-written expression.
const PLACEHOLDER: &str = "$window";

/// A hand-written `total`, `bad` or `good`, for one window: an expression with its placeholder
/// filled, or the increase of a bare selector.
pub(super) fn over(text: &str, window: Window) -> String {
    if text.contains(PLACEHOLDER) {
        return text.replace(PLACEHOLDER, &window.to_string());
    }
    format!("sum(increase({}[{window}]))", text.trim())
}

/// True for an expression that counts histogram buckets: its absence is a mistake in `le`, not a
/// service that always fails.
pub(super) fn counts_buckets(text: &str) -> bool {
    text.contains("_bucket")
}

/// Many expressions in one query, each tagged with its index. Their results must not carry [`TAG`].
///
/// Joining costs the server time that grows with the square of their number, so callers keep to
/// some fifty at a time.
pub(super) fn joined<'a>(expressions: impl Iterator<Item = &'a str>) -> String {
    expressions
        .enumerate()
        .map(|(index, text)| {
            let vector = if is_scalar(text) {
                format!("vector({text})")
            } else {
                text.to_owned()
            };
            format!("label_replace({vector}, \"{TAG}\", \"{index}\", \"\", \"\")")
        })
        .collect::<Vec<_>>()
        .join(" or ")
}

fn is_scalar(text: &str) -> bool {
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

fn push(selector: &mut VectorSelector, name: &str, value: &str) {
    selector
        .matchers
        .matchers
        .push(Matcher::new(MatchOp::Equal, name, value));
}

/// One `record > (factor * (1 - objective))` of a multi-window burn-rate alert.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Threshold {
    /// The recorded series that is compared.
    pub(super) record: String,
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

fn collect_thresholds(expr: &Expr, found: &mut Vec<Threshold>) {
    match expr {
        Expr::Paren(inner) => collect_thresholds(&inner.expr, found),
        Expr::Binary(binary) if binary.op.id() == T_LAND => {
            collect_thresholds(&binary.lhs, found);
            collect_thresholds(&binary.rhs, found);
        }
        Expr::Binary(binary) if binary.op.id() == T_GTR => {
            if let (Some(record), Some((factor, objective))) =
                (selected_name(&binary.lhs), burn_threshold(&binary.rhs))
            {
                found.push(Threshold {
                    record,
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

fn selected_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Paren(inner) => selected_name(&inner.expr),
        Expr::VectorSelector(selector) => selector.name.clone(),
        _ => None,
    }
}

/// `factor * (1 - objective)`.
fn burn_threshold(expr: &Expr) -> Option<(f64, f64)> {
    match expr {
        Expr::Paren(inner) => burn_threshold(&inner.expr),
        Expr::Binary(product) if product.op.id() == T_MUL => {
            let Expr::Binary(rest) = unwrapped(&product.rhs) else {
                return None;
            };
            let one = number(&rest.lhs)?;
            let is_budget = rest.op.id() == T_SUB && (one - 1.0).abs() < f64::EPSILON;
            is_budget.then_some((number(&product.lhs)?, number(&rest.rhs)?))
        }
        _ => None,
    }
}

fn unwrapped(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => unwrapped(&inner.expr),
        other => other,
    }
}

fn number(expr: &Expr) -> Option<f64> {
    match unwrapped(expr) {
        Expr::NumberLiteral(literal) => Some(literal.val),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_counted_and_an_expression_is_filled() {
        let window = Window::minutes(5);
        assert_eq!(
            over(r#"http{code=~"5.."}"#, window),
            r#"sum(increase(http{code=~"5.."}[5m]))"#
        );
        assert_eq!(over("sum(rate(x[$window]))", window), "sum(rate(x[5m]))");
    }

    #[test]
    fn a_joined_query_parses_and_tags_each_part() {
        let query = joined(["sum(increase(a[5m]))", "1 + 1"].into_iter());
        assert!(parser::parse(&query).is_ok(), "{query}");
        assert!(query.contains(r#""watchfire", "1""#) && query.contains("vector(1 + 1)"));
    }

    #[test]
    fn a_rule_of_sloth_is_taken_apart_and_stretched() {
        let rule = r#"
            (sum(rate(http_requests_total{job="a",code=~"(5..|429)"}[5m])))
            /
            (sum(rate(http_requests_total{job="a"}[5m])))"#;
        let (bad, total) = quotient(rule).unwrap();
        assert_eq!(
            with_range(&bad, Window::days(30)),
            r#"(sum(rate(http_requests_total{code=~"(5..|429)",job="a"}[30d])))"#
        );
        assert_eq!(
            with_range(&total, Window::minutes(64)),
            r#"(sum(rate(http_requests_total{job="a"}[1h4m])))"#
        );
        assert!(quotient("sum_over_time(a[5m])").is_none());
        assert!(quotient("((((").is_none());
    }

    #[test]
    fn a_burn_rate_of_pyrra_is_asked_of_its_recorded_increases() {
        let ratio = r#"sum(rate(http_requests_total{code=~"5..",job="a"}[5m])) / sum(rate(http_requests_total{job="a"}[5m]))"#;
        let (bad, total) = quotient(ratio).unwrap();
        assert_eq!(
            over_recorded_period(&bad, "4w", "errors"),
            r#"sum(http_requests:increase4w{code=~"5..",job="a",slo="errors"})"#
        );
        assert_eq!(
            over_recorded_period(&total, "4w", "errors"),
            r#"sum(http_requests:increase4w{job="a",slo="errors"})"#
        );
        let latency = r#"(sum(rate(h_count{job="a"}[5m])) - sum(rate(h_bucket{job="a",le="1"}[5m]))) / sum(rate(h_count{job="a"}[5m]))"#;
        let (bad, _) = quotient(latency).unwrap();
        assert_eq!(
            over_recorded_period(&bad, "4w", "slow"),
            r#"(sum(h:increase4w{job="a",le="",slo="slow"}) - sum(h:increase4w{job="a",le="1",slo="slow"}))"#
        );
        let gauge = r"(sum(count_over_time(up[5m])) - sum(sum_over_time(up[5m]))) / sum(count_over_time(up[5m]))";
        let (bad, _) = quotient(gauge).unwrap();
        assert_eq!(
            over_recorded_period(&bad, "2w", "up"),
            r#"(sum(up:count2w{slo="up"}) - sum(up:sum2w{slo="up"}))"#
        );
    }

    #[test]
    fn a_constant_is_told_from_a_measurement() {
        assert_eq!(constant("vector(0.999)"), Some(0.999));
        assert_eq!(constant("vector(time())"), None);
        assert_eq!(constant("up"), None);
    }

    #[test]
    fn the_thresholds_of_a_pyrra_alert_name_window_factor_and_objective() {
        let alert = r#"http_requests:burnrate5m{slo="a"} > (14 * (1 - 0.99)) and http_requests:burnrate1h{slo="a"} > (14 * (1 - 0.99))"#;
        let found = thresholds(alert);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].record, "http_requests:burnrate5m");
        assert_eq!((found[1].factor, found[1].objective), (14.0, 0.99));
        assert!(thresholds("up == 0").is_empty());
    }
}
