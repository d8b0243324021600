//! What has to hold for an alert to fire: alternatives, each of comparisons that must all hold.

use promql_parser::parser::token::{
    T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE, T_LUNLESS, TokenType,
};
use promql_parser::parser::{BinaryExpr, Expr};

use super::records::RecordingRules;
use super::threshold;

/// How many alternatives an alert has at most.
const MAX_ALTERNATIVES: usize = 64;

/// A part of a condition.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'a> {
    /// A vector compared with a number.
    Compared(Comparison<'a>),
    /// Anything else that has to hold.
    Other,
}

/// A vector compared with a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comparison<'a> {
    pub(super) vector: &'a Expr,
    pub(super) number: &'a Expr,
    /// True where the vector has to be above the number, false where below.
    pub(super) is_above: bool,
}

/// The alternatives of an alert's condition; `None` where there are too many.
pub(super) fn alternatives<'a>(
    expr: &'a Expr,
    records: &RecordingRules<'_>,
) -> Option<Vec<Vec<Part<'a>>>> {
    let found = match expr {
        Expr::Paren(inner) => return alternatives(&inner.expr, records),
        // What is done to the value of a condition does not change when it holds.
        Expr::Aggregate(aggregate) if is_condition(&aggregate.expr) => {
            return alternatives(&aggregate.expr, records);
        }
        Expr::Binary(binary) if binary.op.id() == T_LOR => {
            let mut all = alternatives(&binary.lhs, records)?;
            all.extend(alternatives(&binary.rhs, records)?);
            all
        }
        Expr::Binary(binary) if binary.op.id() == T_LAND => {
            let (left, right) = (
                alternatives(&binary.lhs, records)?,
                alternatives(&binary.rhs, records)?,
            );
            let pairs = left
                .iter()
                .flat_map(|one| right.iter().map(move |other| (one, other)));
            pairs
                .take(MAX_ALTERNATIVES + 1)
                .map(|(one, other)| one.iter().chain(other).copied().collect())
                .collect()
        }
        Expr::Binary(binary) if binary.op.id() == T_LUNLESS => {
            let mut all = alternatives(&binary.lhs, records)?;
            for one in &mut all {
                one.push(Part::Other);
            }
            all
        }
        Expr::Binary(binary) => vec![vec![comparison(binary, records)]],
        _ => vec![vec![Part::Other]],
    };
    (found.len() <= MAX_ALTERNATIVES).then_some(found)
}

/// True for an expression that drops series by a comparison.
fn is_condition(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(inner) => is_condition(&inner.expr),
        Expr::Binary(binary) => binary.op.is_comparison_operator() || binary.op.is_set_operator(),
        _ => false,
    }
}

fn comparison<'a>(binary: &'a BinaryExpr, records: &RecordingRules<'_>) -> Part<'a> {
    let is_bool = binary.modifier.as_ref().is_some_and(|one| one.return_bool);
    let Some(is_above) = is_above(binary.op).filter(|_| !is_bool) else {
        return Part::Other;
    };
    let is_number = |side| threshold::value(side, records).is_some();
    match (is_number(&binary.lhs), is_number(&binary.rhs)) {
        (false, true) => Part::Compared(Comparison {
            vector: &binary.lhs,
            number: &binary.rhs,
            is_above,
        }),
        (true, false) => Part::Compared(Comparison {
            vector: &binary.rhs,
            number: &binary.lhs,
            is_above: !is_above,
        }),
        _ => Part::Other,
    }
}

/// Whether the left side has to be above the right one; `None` for what compares otherwise.
fn is_above(op: TokenType) -> Option<bool> {
    match op.id() {
        T_GTR | T_GTE => Some(true),
        T_LSS | T_LTE => Some(false),
        _ => None,
    }
}
