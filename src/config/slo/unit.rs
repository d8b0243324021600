//! In what an expression counts: two that are divided by one another must count alike.

use promql_parser::parser::token::{
    T_ADD, T_COUNT, T_COUNT_VALUES, T_DIV, T_GROUP, T_LAND, T_LOR, T_LUNLESS, T_MUL, T_SUB,
};
use promql_parser::parser::{self, Call, Expr};

use super::query::WINDOW;

/// What a number of events is per.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// The window: twice as much in twice the time.
    Window,
    /// A second, or another fixed time.
    Time,
}

/// Refuses a part that counts by another unit than the total: their ratio is wrong by the length of
/// the window.
pub(super) fn alike(part: &str, total: &str) -> Result<(), String> {
    let (Some(part_unit), Some(total_unit)) = (unit(part), unit(total)) else {
        return Ok(());
    };
    if part_unit == total_unit {
        return Ok(());
    }
    let words = |unit, query: &str| match unit {
        Unit::Time => "is a rate, which is alike for any window",
        Unit::Window if query.contains(WINDOW) => "counts events in the window",
        Unit::Window => "is a selector, whose increase in the window is taken",
    };
    Err(format!(
        "this {}, and `total` {}, so their ratio would be wrong by the length of the window: write both as selectors, or both with the same function, as in `sum(rate(http_requests_total[{WINDOW}]))`",
        words(part_unit, part),
        words(total_unit, total)
    ))
}

/// The unit of a selector or an expression, where it can be told.
fn unit(query: &str) -> Option<Unit> {
    if !query.contains(WINDOW) {
        return Some(Unit::Window);
    }
    unit_of(&parser::parse(&query.replace(WINDOW, "5m")).ok()?)
}

fn unit_of(expression: &Expr) -> Option<Unit> {
    match expression {
        Expr::Paren(inner) => unit_of(&inner.expr),
        Expr::Unary(inner) => unit_of(&inner.expr),
        Expr::Aggregate(aggregate) => match aggregate.op.id() {
            T_COUNT | T_COUNT_VALUES | T_GROUP => None,
            _ => unit_of(&aggregate.expr),
        },
        Expr::Call(call) => unit_of_call(call),
        Expr::Binary(binary) => {
            let (left, right) = (unit_of(&binary.lhs), unit_of(&binary.rhs));
            match binary.op.id() {
                T_ADD | T_SUB | T_LOR => left.xor(right).or_else(|| left.filter(|_| left == right)),
                T_MUL => left.xor(right),
                T_DIV => left.filter(|_| right.is_none()),
                T_LAND | T_LUNLESS => left,
                _ => None,
            }
        }
        _ => None,
    }
}

fn unit_of_call(call: &Call) -> Option<Unit> {
    let first = || call.args.args.first().and_then(|inside| unit_of(inside));
    match call.func.name {
        "increase" | "delta" | "sum_over_time" | "count_over_time" | "changes" => {
            Some(Unit::Window)
        }
        "rate" | "irate" | "deriv" | "avg_over_time" => Some(Unit::Time),
        "abs" | "ceil" | "floor" | "round" | "clamp_max" | "clamp_min" | "clamp" | "scalar"
        | "vector" | "label_replace" | "label_join" | "sort" | "sort_desc" | "histogram_count" => {
            first()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::alike;

    const RATE: &str = "sum(rate(x_total[$window]))";
    const INCREASE: &str = "sum(increase(x_total[$window]))";

    #[test]
    fn what_counts_alike_is_divided() {
        for (part, total) in [
            ("x_total", "x_total"),
            ("x_total", INCREASE),
            (
                "sum(rate(x_total{code=~'5..'}[$window])) or vector(0)",
                RATE,
            ),
            (
                "clamp_min(sum(rate(x_total[$window])) - sum(rate(y_total[$window])), 0)",
                RATE,
            ),
            (
                "sum(sum_over_time(x[$window]))",
                "sum(count_over_time(x[$window]))",
            ),
            (
                "sum(increase(x_total[$window]))",
                "count_over_time(up[$window:1m])",
            ),
            // Whatever this is, it is not for us to say that it is wrong.
            (
                "sum(rate(x_total[$window])) * sum(increase(x_total[$window]))",
                RATE,
            ),
            (
                "sum(rate(x_total[$window])) / sum(rate(y_total[$window]))",
                INCREASE,
            ),
            ("count(rate(x_total[$window]) > 0)", INCREASE),
        ] {
            assert_eq!(alike(part, total), Ok(()), "{part} of {total}");
        }
    }

    #[test]
    fn a_rate_is_not_divided_by_an_increase() {
        for (part, total, want) in [
            (
                RATE,
                "x_total",
                "this is a rate, which is alike for any window, and `total` is a selector, whose increase in the window is taken, so",
            ),
            (
                "x_total",
                RATE,
                "this is a selector, whose increase in the window is taken, and `total` is a rate, which",
            ),
            (
                INCREASE,
                RATE,
                "this counts events in the window, and `total` is a rate",
            ),
            (
                "sum(rate(x_total[$window])) * 60 or vector(0)",
                "(sum by () (increase(x_total[$window])))",
                "this is a rate",
            ),
            (
                "sum(increase(x_total[$window])) / 2",
                "sum(avg_over_time(x:rate5m[$window]))",
                "this counts events in the window",
            ),
        ] {
            let wrong = alike(part, total).unwrap_err();
            assert!(wrong.starts_with(want), "{part} of {total}: {wrong}");
        }
    }
}
