//! Expressions made to answer for each value of a label, where that changes no answer.

use std::collections::BTreeSet;

use promql_parser::parser::token::{
    T_AVG, T_COUNT, T_GROUP, T_MAX, T_MIN, T_STDDEV, T_STDVAR, T_SUM,
};
use promql_parser::parser::{
    AggregateExpr, BinModifier, BinaryExpr, Call, Expr, LabelModifier, ParenExpr, SubqueryExpr,
    UnaryExpr, VectorMatchCardinality,
};

/// Aggregations whose result for one group depends on that group alone, in the order of its series.
const AGGREGATIONS: [u16; 8] = [
    T_SUM, T_COUNT, T_MIN, T_MAX, T_AVG, T_GROUP, T_STDDEV, T_STDVAR,
];

/// Functions of a range of each series.
const OF_RANGES: [&str; 18] = [
    "rate",
    "increase",
    "delta",
    "irate",
    "idelta",
    "deriv",
    "changes",
    "resets",
    "predict_linear",
    "avg_over_time",
    "count_over_time",
    "last_over_time",
    "max_over_time",
    "min_over_time",
    "present_over_time",
    "quantile_over_time",
    "stddev_over_time",
    "sum_over_time",
];

/// Functions of each value.
const OF_VALUES: [&str; 17] = [
    "abs",
    "ceil",
    "clamp",
    "clamp_max",
    "clamp_min",
    "exp",
    "floor",
    "histogram_avg",
    "histogram_count",
    "histogram_fraction",
    "histogram_sum",
    "ln",
    "log10",
    "log2",
    "round",
    "sqrt",
    "timestamp",
];

/// What an expression gives.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A number.
    Scalar,
    /// Selected series, each treated by itself, with all their labels.
    Series,
    /// One series for each group, with these labels and those that were added.
    Groups(BTreeSet<String>),
}

/// Makes an expression keep the labels `by`, so that its answer for each of their values is what it
/// would be were that value selected alone. `None` where that cannot be promised.
///
/// Every selector in it must match each of these labels.
pub(super) fn regrouped(expr: &mut Expr, by: &[String]) -> Option<Kind> {
    match expr {
        Expr::NumberLiteral(_) => Some(Kind::Scalar),
        Expr::VectorSelector(_) | Expr::MatrixSelector(_) => Some(Kind::Series),
        Expr::Paren(ParenExpr { expr })
        | Expr::Unary(UnaryExpr { expr })
        | Expr::Subquery(SubqueryExpr { expr, .. }) => regrouped(expr, by),
        Expr::Aggregate(aggregate) => regrouped_aggregate(aggregate, by),
        Expr::Binary(binary) => regrouped_binary(binary, by),
        Expr::Call(call) => regrouped_call(call, by),
        Expr::StringLiteral(_) | Expr::Extension(_) => None,
    }
}

fn regrouped_aggregate(aggregate: &mut AggregateExpr, by: &[String]) -> Option<Kind> {
    if !AGGREGATIONS.contains(&aggregate.op.id()) || aggregate.param.is_some() {
        return None;
    }
    let mut labels = match &aggregate.modifier {
        None => BTreeSet::new(),
        Some(LabelModifier::Include(labels)) => labels.labels.iter().cloned().collect(),
        // Its result is one series for all that differ in these labels alone.
        Some(LabelModifier::Exclude(without)) => {
            let is_kept = !by.iter().any(|label| without.labels.contains(label));
            let kind = regrouped(&mut aggregate.expr, by)?;
            return (is_kept && kind == Kind::Series).then_some(kind);
        }
    };
    if regrouped(&mut aggregate.expr, by)? == Kind::Scalar {
        return None;
    }
    let schema = labels.clone();
    labels.extend(by.iter().cloned());
    let labels = labels.iter().map(String::as_str).collect();
    aggregate.modifier = Some(LabelModifier::include(labels));
    Some(Kind::Groups(schema))
}

/// Series are matched by all their labels, so those of two values never meet.
fn regrouped_binary(binary: &mut BinaryExpr, by: &[String]) -> Option<Kind> {
    if !binary.modifier.as_ref().is_none_or(matches_all_labels) {
        return None;
    }
    match (
        regrouped(&mut binary.lhs, by)?,
        regrouped(&mut binary.rhs, by)?,
    ) {
        (Kind::Scalar, kind) | (kind, Kind::Scalar) => Some(kind),
        (left, right) => (left == right).then_some(left),
    }
}

fn matches_all_labels(modifier: &BinModifier) -> bool {
    modifier.matching.is_none()
        && matches!(
            modifier.card,
            VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany
        )
        && modifier.fill_values.lhs.is_none()
        && modifier.fill_values.rhs.is_none()
}

fn regrouped_call(call: &mut Call, by: &[String]) -> Option<Kind> {
    let name = call.func.name;
    if call.args.args.is_empty() {
        return ["time", "pi"].contains(&name).then_some(Kind::Scalar);
    }
    let mut kinds = Vec::new();
    for argument in &mut call.args.args {
        kinds.push(regrouped(argument, by)?);
    }
    let mut vectors = kinds.into_iter().filter(|kind| *kind != Kind::Scalar);
    let (vector, None) = (vectors.next()?, vectors.next()) else {
        return None;
    };
    match (name, vector) {
        ("histogram_quantile", Kind::Groups(mut labels)) => {
            labels.remove("le");
            Some(Kind::Groups(labels))
        }
        (name, vector) if OF_RANGES.contains(&name) || OF_VALUES.contains(&name) => Some(vector),
        _ => None,
    }
}
