//! The labels that a query keeps on its results: whether it answers with one series or with several.

use std::collections::BTreeSet;

use promql_parser::parser::token::{T_BOTTOMK, T_COUNT_VALUES, T_LIMIT_RATIO, T_LIMITK, T_TOPK};
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality,
};

use super::parse;

/// The labels of the series that a query answers with.
#[derive(Clone, Debug, PartialEq)]
pub enum Groups {
    /// One series, without any.
    One,
    /// One series for each value of these.
    By(BTreeSet<String>),
    /// Whatever labels its series have.
    Any,
}

impl Groups {
    /// What a query answers with; `None` for what cannot be read here, such as functions of
    /// `VictoriaMetrics`.
    pub fn of(query: &str) -> Option<Self> {
        Some(kept(&parse(query)?))
    }

    fn joined(self, other: Self) -> Self {
        match (self, other) {
            (Self::One, one) | (one, Self::One) => one,
            (one, other) if one == other => one,
            _ => Self::Any,
        }
    }

    fn without(self, label: &str) -> Self {
        match self {
            Self::By(mut labels) => {
                labels.remove(label);
                if labels.is_empty() {
                    Self::One
                } else {
                    Self::By(labels)
                }
            }
            other => other,
        }
    }

    /// What it groups by, in words.
    pub(in crate::dialect) fn words(&self) -> String {
        match self {
            Self::One => "nothing".to_owned(),
            Self::By(labels) => {
                let labels: Vec<_> = labels.iter().map(String::as_str).collect();
                format!("`{}`", labels.join("`, `"))
            }
            Self::Any => "every label".to_owned(),
        }
    }
}

/// The labels that both sides of a ratio group by; refused where they differ, since then no series of
/// one side has a partner on the other. `of` names the sides.
pub(in crate::dialect) fn common(
    (part, total): (&str, &str),
    of: (&str, &str),
) -> Result<Vec<String>, String> {
    let (Some(part), Some(total)) = (Groups::of(part), Groups::of(total)) else {
        return Ok(Vec::new());
    };
    match (part, total) {
        (Groups::By(labels), Groups::By(others)) if labels == others => {
            Ok(labels.into_iter().collect())
        }
        (part @ Groups::By(_), total @ (Groups::One | Groups::By(_)))
        | (part @ Groups::One, total @ Groups::By(_)) => Err(format!(
            "{} groups by {} and {} by {}: group both alike, which becomes `by = [\"…\"]`, or neither",
            of.0,
            part.words(),
            of.1,
            total.words(),
        )),
        _ => Ok(Vec::new()),
    }
}

/// True for an aggregation of everything, or one that names the labels that it keeps.
pub(super) fn is_by(aggregate: &AggregateExpr) -> bool {
    !matches!(aggregate.modifier, Some(LabelModifier::Exclude(_)))
}

fn kept(expression: &Expr) -> Groups {
    match expression {
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) => Groups::One,
        Expr::Paren(inner) => kept(&inner.expr),
        Expr::Unary(inner) => kept(&inner.expr),
        Expr::Subquery(inner) => kept(&inner.expr),
        Expr::VectorSelector(_) | Expr::MatrixSelector(_) | Expr::Extension(_) => Groups::Any,
        Expr::Aggregate(aggregate) => of_aggregate(aggregate),
        Expr::Binary(binary) => of_binary(binary),
        Expr::Call(call) => of_call(call),
    }
}

fn of_aggregate(aggregate: &AggregateExpr) -> Groups {
    if [T_TOPK, T_BOTTOMK, T_COUNT_VALUES, T_LIMITK, T_LIMIT_RATIO].contains(&aggregate.op.id()) {
        return Groups::Any;
    }
    match &aggregate.modifier {
        None => Groups::One,
        Some(LabelModifier::Include(by)) if by.labels.is_empty() => Groups::One,
        Some(LabelModifier::Include(by)) => Groups::By(by.labels.iter().cloned().collect()),
        Some(LabelModifier::Exclude(_)) => Groups::Any,
    }
}

fn of_binary(binary: &BinaryExpr) -> Groups {
    let (left, right) = (kept(&binary.lhs), kept(&binary.rhs));
    match binary.modifier.as_ref().map(|modifier| &modifier.card) {
        Some(VectorMatchCardinality::ManyToOne(_)) => left,
        Some(VectorMatchCardinality::OneToMany(_)) => right,
        _ => left.joined(right),
    }
}

fn of_call(call: &Call) -> Groups {
    let name = call.func.name;
    if [
        "scalar",
        "vector",
        "time",
        "pi",
        "absent",
        "absent_over_time",
    ]
    .contains(&name)
    {
        return Groups::One;
    }
    let of_arguments = call.args.args.iter().map(|one| kept(one));
    let all = of_arguments.fold(Groups::One, Groups::joined);
    if name.starts_with("histogram_") {
        all.without("le")
    } else {
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_answers_with_one_series_or_with_one_a_group() {
        for (query, want) in [
            ("sum(rate(a[5m]))", "nothing"),
            ("1 - sum(rate(a[5m])) / sum(rate(b[5m]))", "nothing"),
            ("sum by (host) (rate(a[5m])) * 2", "`host`"),
            ("sum(rate(a[5m])) by (path, host)", "`host`, `path`"),
            ("sum by (host) (rate(a[5m])) or on() vector(0)", "`host`"),
            (
                "histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m])))",
                "nothing",
            ),
            (
                "histogram_quantile(0.9, sum by (le, job) (rate(a_bucket[5m])))",
                "`job`",
            ),
            (
                "sum by (host) (rate(a[5m])) / on(host) group_left(team) b",
                "`host`",
            ),
            ("sum without (pod) (rate(a[5m]))", "every label"),
            ("topk(3, rate(a[5m]))", "every label"),
            ("rate(a[5m])", "every label"),
            ("vector(1)", "nothing"),
        ] {
            let groups = Groups::of(query).map(|groups| groups.words());
            assert_eq!(groups.as_deref(), Some(want), "{query}");
        }
        assert_eq!(Groups::of("histogram_share(0.2, a)"), None);
    }

    #[test]
    fn both_sides_have_to_group_alike() {
        let sides = ("the error query", "the total query");
        let of = |by: &str| format!("sum{by}(rate(a[$window])) + 1");
        let host = of(" by (host) ");
        assert_eq!(common((&host, &host), sides), Ok(vec!["host".to_owned()]));
        assert_eq!(common((&of(""), &of("")), sides), Ok(Vec::new()));
        for (part, total) in [
            (&host, &of("")),
            (&of(""), &host),
            (&host, &of(" by (path) ")),
        ] {
            let refused = common((part, total), sides);
            assert!(
                refused.is_err_and(|why| why.contains("`host`")),
                "{part} {total}"
            );
        }
    }
}
