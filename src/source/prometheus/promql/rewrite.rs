//! Queries changed so that they count each event once, on the targets that can tell.

use std::fmt::Display;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::token::T_LAND;
use promql_parser::parser::{self, BinaryExpr, Expr, VectorSelector};
use promql_parser::util::visitor::{ExprVisitorMut, walk_expr_mut};

use super::unwrapped;
use crate::domain::Window;
use crate::source::target;

/// The same query where of series that differ in these labels alone the largest increase counts.
pub(in crate::source::prometheus) fn counted_once(query: &str, labels: &str) -> String {
    around_increases(query, &|call, _| format!("max without ({labels}) ({call})"))
}

/// The same query with the increases of targets alone that have series of another selector.
pub(in crate::source::prometheus) fn on_targets_with(query: &str, selector: &str) -> String {
    around_increases(query, &|call, window| {
        on_targets_of(&call.to_string(), &selector, window)
    })
}

/// An expression with the series alone of targets that another selector has series of in a window.
pub(in crate::source::prometheus) fn on_targets_of(
    expression: &str,
    required: &dyn Display,
    window: Window,
) -> String {
    let target = target::labels();
    format!("({expression} and on ({target}) count_over_time({required}[{window}]))")
}

/// The selector that [`on_targets_of`] wrote beside an expression.
pub(in crate::source::prometheus) fn required(both: &BinaryExpr) -> Option<VectorSelector> {
    let Expr::Call(call) = unwrapped(&both.rhs) else {
        return None;
    };
    let is_own = both.op.id() == T_LAND && call.func.name == "count_over_time";
    match call.args.args.first().map(AsRef::as_ref) {
        Some(Expr::MatrixSelector(matrix)) if is_own => Some(matrix.vs.clone()),
        _ => None,
    }
}

/// The same query with series alone that have a label.
pub(in crate::source::prometheus) fn naming(query: &str, label: &str) -> String {
    struct Name<'a>(&'a str);
    impl ExprVisitorMut for Name<'_> {
        type Error = std::convert::Infallible;

        fn pre_visit(&mut self, expr: &mut Expr) -> Result<bool, Self::Error> {
            if let Expr::MatrixSelector(matrix) = expr {
                let matcher = Matcher::new(MatchOp::NotEqual, self.0, "");
                matrix.vs.matchers.matchers.push(matcher);
            }
            Ok(true)
        }
    }
    changed(query, &mut Name(label))
}

/// The same query with something written around each increase of counters.
fn around_increases(query: &str, write: &dyn Fn(&Expr, Window) -> String) -> String {
    struct Around<'a>(&'a dyn Fn(&Expr, Window) -> String);
    impl ExprVisitorMut for Around<'_> {
        type Error = std::convert::Infallible;

        fn pre_visit(&mut self, _: &mut Expr) -> Result<bool, Self::Error> {
            Ok(true)
        }

        fn post_visit(&mut self, expr: &mut Expr) -> Result<bool, Self::Error> {
            if let Some(window) = increase_over(expr)
                && let Ok(around) = parser::parse(&(self.0)(expr, window))
            {
                *expr = around;
            }
            Ok(true)
        }
    }
    changed(query, &mut Around(write))
}

/// The window of an increase of counters.
fn increase_over(expr: &Expr) -> Option<Window> {
    let Expr::Call(call) = expr else {
        return None;
    };
    let Some(Expr::MatrixSelector(matrix)) = call.args.args.first().map(AsRef::as_ref) else {
        return None;
    };
    let is_increase = ["increase", "rate"].contains(&call.func.name);
    Window::from_seconds(matrix.range.as_secs()).filter(|_| is_increase)
}

/// A query changed by a visitor; what cannot be read stays as it is.
fn changed<V>(query: &str, visitor: &mut V) -> String
where
    V: ExprVisitorMut<Error = std::convert::Infallible>,
{
    let Ok(mut expr) = parser::parse(query) else {
        return query.to_owned();
    };
    let Ok(_) = walk_expr_mut(visitor, &mut expr);
    expr.to_string()
}
