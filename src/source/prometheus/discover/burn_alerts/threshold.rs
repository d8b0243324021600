//! The number that an alert compares with, taken apart into factor and error budget.

use promql_parser::parser::token::{T_ADD, T_DIV, T_MOD, T_MUL, T_POW, T_SUB};
use promql_parser::parser::{BinaryExpr, Expr};

use super::records::RecordingRules;

/// How many numbers a threshold is made of at most.
const MAX_NUMBERS: usize = 6;
/// Factors of published rules: the workbook's for 30 and for 28 days, and Pyrra's.
const FACTORS: [f64; 10] = [14.4, 14.0, 13.44, 7.0, 6.0, 5.6, 3.0, 2.8, 2.0, 1.0];

/// One number of a product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number {
    pub(super) value: f64,
    /// The share of bad events that it allows, where it is written as `1 - objective` or as
    /// `100 - objective`.
    pub(super) budget: Option<f64>,
}

impl Number {
    fn plain(value: f64) -> Self {
        Self {
            value,
            budget: None,
        }
    }

    fn inverse(self) -> Self {
        Self::plain(1.0 / self.value)
    }
}

/// A factor and an error budget whose product is a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Split {
    pub(super) factor: f64,
    pub(super) budget: f64,
}

/// The value of a constant expression; `None` for one that depends on series.
pub(super) fn value(expr: &Expr, records: &RecordingRules<'_>) -> Option<f64> {
    match expr {
        Expr::NumberLiteral(number) => Some(number.val),
        Expr::Paren(inner) => value(&inner.expr, records),
        Expr::Unary(inner) => value(&inner.expr, records).map(|value| -value),
        Expr::Call(call) if ["vector", "scalar"].contains(&call.func.name) => {
            value(call.args.args.first()?, records)
        }
        Expr::VectorSelector(selector) => records.constant(selector),
        Expr::Binary(binary) => {
            let (lhs, rhs) = (value(&binary.lhs, records)?, value(&binary.rhs, records)?);
            match binary.op.id() {
                T_ADD => Some(lhs + rhs),
                T_SUB => Some(lhs - rhs),
                T_MUL => Some(lhs * rhs),
                T_DIV => Some(lhs / rhs),
                T_MOD => Some(lhs % rhs),
                T_POW => Some(lhs.powf(rhs)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The numbers whose product a constant expression is; `None` where one is not above 0.
pub(super) fn numbers(expr: &Expr, records: &RecordingRules<'_>) -> Option<Vec<Number>> {
    let mut found = Vec::new();
    collect(expr, records, &mut found)?;
    let is_product = found
        .iter()
        .all(|one| one.value > 0.0 && one.value.is_finite());
    (is_product && found.len() <= MAX_NUMBERS).then_some(found)
}

/// The same of what divides: each number's inverse.
pub(super) fn inverses(expr: &Expr, records: &RecordingRules<'_>) -> Option<Vec<Number>> {
    let all = numbers(expr, records)?.into_iter();
    Some(all.map(Number::inverse).collect())
}

fn collect(expr: &Expr, records: &RecordingRules<'_>, found: &mut Vec<Number>) -> Option<()> {
    match expr {
        Expr::Paren(inner) => collect(&inner.expr, records, found),
        Expr::Call(call) if ["vector", "scalar"].contains(&call.func.name) => {
            collect(call.args.args.first()?, records, found)
        }
        Expr::Binary(binary) if binary.op.id() == T_MUL => {
            collect(&binary.lhs, records, found)?;
            collect(&binary.rhs, records, found)
        }
        Expr::Binary(binary) if binary.op.id() == T_DIV => {
            collect(&binary.lhs, records, found)?;
            found.extend(inverses(&binary.rhs, records)?);
            Some(())
        }
        Expr::Binary(binary) if binary.op.id() == T_SUB => {
            found.push(difference(binary, records)?);
            Some(())
        }
        other => {
            found.push(Number::plain(value(other, records)?));
            Some(())
        }
    }
}

/// The numbers of `1 - product`, where what is compared is to be multiplied by `scale` to be a ratio; of
/// any other number what is missing to 1.
pub(super) fn complement(
    expr: &Expr,
    scale: f64,
    records: &RecordingRules<'_>,
) -> Option<Vec<Number>> {
    match expr {
        Expr::Paren(inner) => complement(&inner.expr, scale, records),
        Expr::Binary(binary)
            if binary.op.id() == T_SUB && is_same(value(&binary.lhs, records)? * scale, 1.0) =>
        {
            numbers(&binary.rhs, records)
        }
        other => {
            // The scale is multiplied with all numbers later on.
            let left = (1.0 - value(other, records)? * scale) / scale;
            (left > 0.0 && left.is_finite()).then(|| vec![Number::plain(left)])
        }
    }
}

/// `1 - 0.999`, `100 - 99.9`, or another difference.
fn difference(binary: &BinaryExpr, records: &RecordingRules<'_>) -> Option<Number> {
    let whole = value(&binary.lhs, records)?;
    let left = whole - value(&binary.rhs, records)?;
    let is_whole = [1.0, 100.0].iter().any(|one| is_same(*one, whole));
    let budget = decimal(left / whole);
    let is_budget = is_whole && budget > 0.0 && budget < 1.0;
    Some(Number {
        value: left,
        budget: is_budget.then_some(budget),
    })
}

/// The decimal number that arithmetic in binary fractions was about: a difference of two has but some
/// of their digits.
fn decimal(value: f64) -> f64 {
    format!("{value:.9e}").parse().unwrap_or(value)
}

pub(super) fn product(numbers: &[Number]) -> f64 {
    numbers.iter().map(|one| one.value).product()
}

/// The same up to what arithmetic in binary fractions leaves.
pub(super) fn is_same(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs())
}

/// The ways to read a product as factor times error budget, the most likely first. One written as
/// `1 - objective` is the budget; else a known factor is the factor, and then the largest number.
pub(super) fn splits(numbers: &[Number]) -> Vec<Split> {
    let total = product(numbers);
    let mut budgets = numbers.iter().filter_map(|one| one.budget);
    if let (Some(budget), None) = (budgets.next(), budgets.next()) {
        return split(total / budget, total).into_iter().collect();
    }
    let subsets = 1..(1_u32 << numbers.len()).saturating_sub(1);
    let mut found: Vec<(bool, usize, Split)> = Vec::new();
    for subset in subsets {
        let chosen = numbers.iter().enumerate();
        let chosen: Vec<_> = chosen
            .filter(|(index, _)| subset & (1 << index) != 0)
            .map(|(_, number)| *number)
            .collect();
        if let Some(split) = split(product(&chosen), total) {
            let is_unknown = !FACTORS.iter().any(|&known| is_same(known, split.factor));
            found.push((is_unknown, chosen.len(), split));
        }
    }
    found.sort_by(|one, other| {
        let (a, b) = (
            (one.0, if one.0 { one.1 } else { 0 }),
            (other.0, if other.0 { other.1 } else { 0 }),
        );
        a.cmp(&b).then(other.2.factor.total_cmp(&one.2.factor))
    });
    found.into_iter().map(|(_, _, split)| split).collect()
}

/// A factor of a threshold, where what remains can be an error budget.
pub(super) fn split(factor: f64, total: f64) -> Option<Split> {
    let (factor, budget) = (decimal(factor), decimal(total / factor));
    let is_budget = budget > 0.0 && budget < 1.0;
    (is_budget && factor > 0.0).then_some(Split { factor, budget })
}
