//! Which series a query needs: an empty answer of one selector can be a count of 0, an empty answer
//! of arithmetic between vectors lacks an operand.

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::token::{T_DIV, T_LAND, T_LOR, T_LUNLESS, T_MUL, T_SUB};
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{self, BinaryExpr, Expr, VectorSelector};

/// The label that holds a metric's name.
const NAME: &str = "__name__";

/// The series without which a query has no result.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::source::prometheus) enum Need {
    /// None: it has a result whatever series exist.
    Nothing,
    /// Those of one selector, without range, offset and `@`.
    Series(VectorSelector),
    /// Those of every operand.
    All(Vec<Operand>),
    /// Those of any of these.
    Any(Vec<Need>),
}

/// An operand of arithmetic between vectors.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::source::prometheus) struct Operand {
    /// The query whose answer is empty where the operand is.
    pub(in crate::source::prometheus) query: String,
    /// Its text for a reader: the selector, where it has one alone.
    pub(in crate::source::prometheus) text: String,
}

impl Need {
    /// What a query needs; `None` for text that is not PromQL.
    pub(in crate::source::prometheus) fn of(query: &str) -> Option<Self> {
        Some(need(&parser::parse(query).ok()?))
    }

    /// True where an empty answer cannot be a count of 0.
    pub(in crate::source::prometheus) fn is_between_vectors(&self) -> bool {
        match self {
            Self::All(_) => true,
            Self::Any(alternatives) => alternatives.iter().any(Self::is_between_vectors),
            Self::Nothing | Self::Series(_) => false,
        }
    }

    /// The selectors whose series alone decide, without those of operands.
    pub(in crate::source::prometheus) fn selectors(&self) -> Vec<&VectorSelector> {
        match self {
            Self::Series(selector) => vec![selector],
            Self::Any(alternatives) => alternatives.iter().flat_map(Self::selectors).collect(),
            Self::Nothing | Self::All(_) => Vec::new(),
        }
    }
}

/// True for a query that drops series by comparing them: its answer may be empty though every operand
/// has series.
pub(in crate::source::prometheus) fn filters(query: &str) -> bool {
    parser::parse(query).is_ok_and(|expr| has_filter(&expr))
}

fn has_filter(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(inner) => has_filter(&inner.expr),
        Expr::Unary(inner) => has_filter(&inner.expr),
        Expr::Subquery(inner) => has_filter(&inner.expr),
        Expr::Aggregate(aggregate) => has_filter(&aggregate.expr),
        Expr::Call(call) => call.args.args.iter().any(|arg| has_filter(arg)),
        Expr::Binary(binary) => {
            let gives_bool = binary.modifier.as_ref().is_some_and(|one| one.return_bool);
            binary.op.is_comparison_operator() && !gives_bool
                || has_filter(&binary.lhs)
                || has_filter(&binary.rhs)
        }
        Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::Extension(_) => false,
    }
}

/// True for a query whose empty answer lacks an operand.
pub(in crate::source::prometheus) fn is_between_vectors(query: &str) -> bool {
    Need::of(query).is_none_or(|need| need.is_between_vectors())
}

/// True for a query that selects by histogram buckets' bounds: without series the bound is wrong.
pub(in crate::source::prometheus) fn names_bound(query: &str) -> bool {
    let Some(need) = Need::of(query) else {
        return false;
    };
    let selectors = need.selectors();
    let mut named = selectors.iter().flat_map(|one| named_labels(one));
    named.any(|matcher| matcher.name == "le")
}

/// The matchers of a selector that need a label to exist: one that accepts the empty value needs
/// none.
pub(in crate::source::prometheus) fn named_labels(
    selector: &VectorSelector,
) -> impl Iterator<Item = &Matcher> {
    let matchers = selector.matchers.matchers.iter();
    matchers.filter(|matcher| matcher.name != NAME && !matcher.is_match(""))
}

/// The name of the metric that a selector selects, where it is one.
pub(in crate::source::prometheus) fn metric(selector: &VectorSelector) -> Option<&str> {
    let named = || {
        let mut matchers = selector.matchers.matchers.iter();
        let exact = |one: &&Matcher| one.name == NAME && one.op == MatchOp::Equal;
        matchers.find(exact).map(|one| one.value.as_str())
    };
    selector.name.as_deref().or_else(named)
}

/// What a selector asks of the name, as matchers joined by commas; empty where it asks nothing.
pub(in crate::source::prometheus) fn of_name(selector: &VectorSelector) -> String {
    if let Some(name) = metric(selector) {
        return Matcher::new(MatchOp::Equal, NAME, name).to_string();
    }
    let matchers = selector.matchers.matchers.iter();
    let of_name = matchers.filter(|matcher| matcher.name == NAME);
    let texts: Vec<_> = of_name.map(ToString::to_string).collect();
    texts.join(",")
}

/// The expression that has 0 in its place where it has no series, `x` of `(x) or (total) * 0`, and
/// true where that is taken from a total: good events. `None` where there is no such place.
pub(in crate::source::prometheus) fn or_zero(query: &str) -> Option<(String, bool)> {
    let mut expr = parser::parse(query).ok()?;
    let mut is_good = false;
    loop {
        let binary = match expr {
            Expr::Paren(inner) => {
                expr = *inner.expr;
                continue;
            }
            Expr::Binary(binary) => binary,
            _ => return None,
        };
        match binary.op.id() {
            T_LUNLESS | T_DIV => expr = *binary.lhs,
            T_SUB => {
                is_good = true;
                expr = *binary.rhs;
            }
            T_LOR if is_times_zero(&binary.rhs) => {
                return Some((unwrapped(&binary.lhs).to_string(), is_good));
            }
            _ => return None,
        }
    }
}

fn is_times_zero(expr: &Expr) -> bool {
    let Expr::Binary(product) = unwrapped(expr) else {
        return false;
    };
    let is_zero =
        |expr: &Expr| matches!(unwrapped(expr), Expr::NumberLiteral(zero) if zero.val == 0.0);
    product.op.id() == T_MUL && (is_zero(&product.lhs) || is_zero(&product.rhs))
}

fn unwrapped(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => unwrapped(&inner.expr),
        other => other,
    }
}

fn need(expr: &Expr) -> Need {
    match expr {
        Expr::Paren(inner) => need(&inner.expr),
        Expr::Unary(inner) => need(&inner.expr),
        Expr::Subquery(inner) => need(&inner.expr),
        Expr::Aggregate(aggregate) => need(&aggregate.expr),
        Expr::VectorSelector(selector) => Need::Series(plain(selector)),
        Expr::MatrixSelector(matrix) => Need::Series(plain(&matrix.vs)),
        Expr::Call(call) => {
            let name = call.func.name;
            if name.starts_with("absent") || name == "vector" {
                return Need::Nothing;
            }
            let args = call.args.args.iter().map(|arg| need(arg));
            args.fold(Need::Nothing, |known, arg| match known {
                Need::Nothing => arg,
                known => known,
            })
        }
        Expr::Binary(binary) => of_binary(binary),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => Need::Nothing,
    }
}

fn of_binary(binary: &BinaryExpr) -> Need {
    let (left, right) = (&*binary.lhs, &*binary.rhs);
    match (is_vector(left), is_vector(right)) {
        (true, false) => return need(left),
        (false, true) => return need(right),
        (false, false) => return Need::Nothing,
        (true, true) => {}
    }
    let is_filter = binary.op.is_comparison_operator() || binary.op.id() == T_LAND;
    match binary.op.id() {
        T_LUNLESS => need(left),
        T_LOR => match (need(left), need(right)) {
            (Need::Nothing, _) | (_, Need::Nothing) => Need::Nothing,
            (left, right) => Need::Any(vec![left, right]),
        },
        _ if is_filter && need(right) == Need::Nothing => need(left),
        _ if is_filter && need(left) == Need::Nothing => need(right),
        _ => {
            let mut all = Vec::new();
            operands(left, &mut all);
            operands(right, &mut all);
            Need::All(all)
        }
    }
}

/// The operands of arithmetic that stand deepest, each once.
fn operands(expr: &Expr, all: &mut Vec<Operand>) {
    match expr {
        Expr::Paren(inner) => return operands(&inner.expr, all),
        Expr::Unary(inner) => return operands(&inner.expr, all),
        // Comparing with a number only filters.
        Expr::Binary(binary) if !is_vector(&binary.rhs) => return operands(&binary.lhs, all),
        Expr::Binary(binary) if !is_vector(&binary.lhs) => return operands(&binary.rhs, all),
        _ => {}
    }
    let needed = need(expr);
    let own = match &needed {
        Need::Nothing => return,
        Need::All(inner) => {
            for one in inner {
                push(one.clone(), all);
            }
            return;
        }
        Need::Series(selector) => selector.to_string(),
        Need::Any(_) => expr.to_string(),
    };
    let query = match expr {
        Expr::Aggregate(_) => expr.to_string(),
        // It may have thousands of series.
        _ => format!("count({expr})"),
    };
    push(Operand { query, text: own }, all);
}

fn push(operand: Operand, all: &mut Vec<Operand>) {
    if !all.contains(&operand) {
        all.push(operand);
    }
}

fn is_vector(expr: &Expr) -> bool {
    matches!(expr.value_type(), ValueType::Vector | ValueType::Matrix)
}

fn plain(selector: &VectorSelector) -> VectorSelector {
    VectorSelector {
        offset: None,
        at: None,
        ..selector.clone()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An expression over metrics of which some have no series.
    #[derive(Clone, Debug)]
    enum Random {
        Metric(usize),
        Arithmetic(Box<Random>, &'static str, Box<Random>),
        Or(Box<Random>, Box<Random>),
        OrZero(Box<Random>),
        Scaled(Box<Random>),
        Summed(Box<Random>),
    }

    /// What it comes to: a number, a count of 0, or something is missing.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Truth {
        Some,
        Zero,
        Missing,
    }

    impl Random {
        fn text(&self) -> String {
            match self {
                Self::Metric(number) => format!("sum(rate(m{number}[5m]))"),
                Self::Arithmetic(left, op, right) => {
                    format!("({} {op} {})", left.text(), right.text())
                }
                Self::Or(left, right) => format!("({} or {})", left.text(), right.text()),
                Self::OrZero(inner) => format!("({} or vector(0))", inner.text()),
                Self::Scaled(inner) => format!("{} * 100", inner.text()),
                Self::Summed(inner) => format!("sum({})", inner.text()),
            }
        }

        fn truth(&self, exists: &[bool]) -> Truth {
            match self {
                Self::Metric(number) if exists[*number] => Truth::Some,
                Self::Metric(_) => Truth::Zero,
                Self::Arithmetic(left, _, right) => {
                    match (left.truth(exists), right.truth(exists)) {
                        (Truth::Some, Truth::Some) => Truth::Some,
                        _ => Truth::Missing,
                    }
                }
                Self::Or(left, right) => match (left.truth(exists), right.truth(exists)) {
                    (Truth::Some, _) | (_, Truth::Some) => Truth::Some,
                    (Truth::Zero, Truth::Zero) => Truth::Zero,
                    _ => Truth::Missing,
                },
                Self::OrZero(_) => Truth::Some,
                Self::Scaled(inner) | Self::Summed(inner) => inner.truth(exists),
            }
        }
    }

    fn random() -> impl Strategy<Value = Random> {
        let metric = (0_usize..6).prop_map(Random::Metric);
        metric.prop_recursive(5, 24, 2, |inner| {
            let pair = (inner.clone(), inner.clone());
            let ops = prop::sample::select(vec!["+", "-", "*", "/"]);
            prop_oneof![
                3 => (pair.clone(), ops).prop_map(|((left, right), op)| {
                    Random::Arithmetic(Box::new(left), op, Box::new(right))
                }),
                1 => pair.prop_map(|(left, right)| Random::Or(Box::new(left), Box::new(right))),
                1 => inner.clone().prop_map(|one| Random::OrZero(Box::new(one))),
                1 => inner.clone().prop_map(|one| Random::Scaled(Box::new(one))),
                1 => inner.prop_map(|one| Random::Summed(Box::new(one))),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

        /// An empty answer counts as 0 only where no operand of arithmetic is missing.
        #[test]
        fn an_empty_answer_is_0_only_where_no_operand_is_missing(
            expression in random(),
            exists in prop::collection::vec(any::<bool>(), 6),
        ) {
            let text = expression.text();
            let need = Need::of(&text).expect("PromQL");
            match expression.truth(&exists) {
                Truth::Some => {}
                Truth::Zero => {
                    prop_assert!(!need.is_between_vectors(), "{}", text);
                    prop_assert!(!need.selectors().is_empty(), "{}", text);
                }
                Truth::Missing => prop_assert!(need.is_between_vectors(), "{}", text),
            }
        }
    }

    /// `selector`, `all(…)`, `any(…)` or `-`.
    fn told(need: &Need) -> String {
        match need {
            Need::Nothing => "-".to_owned(),
            Need::Series(selector) => selector.to_string(),
            Need::All(operands) => {
                let texts: Vec<_> = operands.iter().map(|one| one.text.as_str()).collect();
                format!("all({})", texts.join("; "))
            }
            Need::Any(needs) => {
                let texts: Vec<_> = needs.iter().map(told).collect();
                format!("any({})", texts.join("; "))
            }
        }
    }

    #[test]
    fn one_selector_may_count_nothing_and_between_vectors_every_operand_is_needed() {
        for (query, wanted) in [
            (r#"sum(increase(a{x="1"}[5m]))"#, r#"a{x="1"}"#),
            ("sum(increase(a[5m] offset 1h)) * 2 > 0", "a"),
            ("-(sum by (s) (rate(a[5m])))", "a"),
            ("clamp_min(sum(rate(a[5m])), 0)", "a"),
            ("histogram_quantile(0.9, sum by (le) (rate(a[5m])))", "a"),
            ("vector(1)", "-"),
            ("absent(a)", "-"),
            ("sum(a) or vector(0)", "-"),
            ("sum(a) or sum(b)", "any(a; b)"),
            ("sum(a unless b)", "a"),
            ("sum(a) and on() hour() > 8", "a"),
            ("sum(a) and on() b == 1", "all(a; b)"),
            ("sum(a) + sum(b)", "all(a; b)"),
            ("(sum(a) - sum(b)) / sum(c)", "all(a; b; c)"),
            ("sum(a) / sum(a)", "all(a)"),
            ("sum(rate(a[5m]) - rate(b[5m]))", "all(a; b)"),
            ("sum(a) * vector(2)", "all(a)"),
            ("sum(a) + (sum(b) or vector(0))", "all(a)"),
            ("sum(a > 0) + sum(b) * 3", "all(a; b)"),
            ("(sum(a) or sum(b)) + sum(c)", "all(sum(a) or sum(b); c)"),
            (
                "avg(avg_over_time(((sum(rate(a[1m])) / sum(rate(b[1m]))) >= 0)[1h:1m]))",
                "all(a; b)",
            ),
        ] {
            let need = Need::of(query).expect("PromQL");
            assert_eq!(told(&need), wanted, "{query}");
        }
        assert_eq!(Need::of("sum("), None);
    }

    #[test]
    fn a_comparison_drops_series_unless_it_returns_a_bool() {
        for (query, want) in [
            ("sum(count_over_time(((a / b) >= 0)[1d:1m]))", true),
            ("sum(rate(a[5m]) > 0) / sum(rate(b[5m]))", true),
            ("sum(a / b > bool 0)", false),
            ("sum(rate(a[5m])) - sum(rate(b[5m]))", false),
            ("a and b", false),
        ] {
            assert_eq!(filters(query), want, "{query}");
        }
    }

    #[test]
    fn an_operand_is_asked_for_by_a_query_with_few_series() {
        let Some(Need::All(all)) = Need::of("sum(rate(a[5m])) - rate(b[5m])") else {
            panic!("operands");
        };
        let queries: Vec<_> = all.iter().map(|one| one.query.as_str()).collect();
        assert_eq!(queries, ["sum(rate(a[5m]))", "count(rate(b[5m]))"]);
    }

    #[test]
    fn a_matcher_that_accepts_the_empty_value_names_no_label() {
        let query = r#"a{b="1",c!="2",d=~".*",e=~".+",f="",g!~"x",h!=""}"#;
        let Some(Need::Series(selector)) = Need::of(query) else {
            panic!("a selector");
        };
        let named: Vec<_> = named_labels(&selector)
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(named, ["b", "e", "h"]);
        assert_eq!(metric(&selector), Some("a"));
        assert_eq!(of_name(&selector), r#"__name__="a""#);
    }

    #[test]
    fn what_a_record_has_0_for_is_found_in_its_expression() {
        for (query, wanted) in [
            ("(sum(a)) or (sum(t)) * 0", Some(("sum(a)", false))),
            (
                "(sum(t)) - ((sum(g)) or (sum(t)) * 0)",
                Some(("sum(g)", true)),
            ),
            (
                "((sum(a)) or (sum(t)) * 0) unless (count(a) > 1)",
                Some(("sum(a)", false)),
            ),
            (
                "((sum(a)) or (sum(t)) * 0) / (sum(t))",
                Some(("sum(a)", false)),
            ),
            ("sum(a)", None),
            ("(sum(a)) or vector(0)", None),
            ("(sum(a)) or (sum(t) == 0)", None),
        ] {
            let found = or_zero(query);
            let found = found.as_ref().map(|(query, good)| (query.as_str(), *good));
            assert_eq!(found, wanted, "{query}");
        }
    }

    #[test]
    fn the_bound_of_a_bucket_is_named_by_le_and_not_by_the_metric() {
        assert!(names_bound(r#"sum(increase(h{le="0.5"}[5m]))"#));
        assert!(!names_bound("sum(increase(a_bucket_full[5m]))"));
        assert!(!names_bound(r#"sum(increase(h_bucket{le=~".*"}[5m]))"#));
    }
}
