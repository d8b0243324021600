//! Where `$window` stands in an expression: as every range, or at the end of a recorded series' name,
//! and nowhere else.

use std::convert::Infallible;
use std::time::Duration;

use promql_parser::parser::{self, Expr};
use promql_parser::util::visitor::{ExprVisitor, walk_expr};

use super::query::WINDOW;
use crate::domain::Window;

/// The window while a query is looked through: no query says this by itself.
const STAND_IN: &str = "1234567s";
const STAND_IN_LENGTH: Duration = Duration::from_secs(1_234_567);

/// The ranges of an expression.
#[derive(Default)]
struct Ranges {
    /// How many are the window.
    windows: usize,
    /// The first that is of a length of its own.
    fixed: Option<Duration>,
    /// How many subqueries over the window are around what is looked at.
    around: usize,
}

/// Refuses an expression that looks back over another time than the window: it would say the same
/// of 5m as of 30d. What is sampled over the window by a subquery may look back as it likes.
pub(super) fn check(query: &str) -> Result<(), String> {
    let placeholders = query.matches(WINDOW).count();
    let mut ranges = Ranges::default();
    if let Ok(expression) = parser::parse(&query.replace(WINDOW, STAND_IN)) {
        let Ok(_) = walk_expr(&mut ranges, &expression);
    }
    if ranges.windows != placeholders {
        return Err(format!(
            "{WINDOW} stands here where it is neither a range nor the end of a recorded series' name: write it as the whole range of a selector and nowhere else, as in `sum(increase(http_requests_total[{WINDOW}]))`"
        ));
    }
    match ranges.fixed {
        Some(fixed) => {
            let window = Window::from_seconds(fixed.as_secs());
            let fixed = window.map_or_else(|| format!("{fixed:?}"), |window| window.to_string());
            Err(format!(
                "this looks back over {fixed} whatever the window: write [{WINDOW}] in place of [{fixed}]"
            ))
        }
        None => Ok(()),
    }
}

impl Ranges {
    fn note(&mut self, range: Duration) {
        if range == STAND_IN_LENGTH {
            self.windows += 1;
        } else if self.around == 0 {
            self.fixed.get_or_insert(range);
        }
    }
}

impl ExprVisitor for Ranges {
    type Error = Infallible;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Infallible> {
        match expression {
            Expr::MatrixSelector(matrix) => self.note(matrix.range),
            // Somebody's rules have recorded each window by its name.
            Expr::VectorSelector(selector) => {
                let name = selector.name.as_deref().unwrap_or_default();
                self.windows += usize::from(name.ends_with(STAND_IN));
            }
            Expr::Subquery(subquery) => {
                self.note(subquery.range);
                self.around += usize::from(subquery.range == STAND_IN_LENGTH);
            }
            _ => {}
        }
        Ok(true)
    }

    fn post_visit(&mut self, expression: &Expr) -> Result<bool, Infallible> {
        if let Expr::Subquery(subquery) = expression {
            self.around -= usize::from(subquery.range == STAND_IN_LENGTH);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn the_window_is_the_range_of_every_selector_or_of_the_subquery_around_it() {
        for query in [
            "sum(rate(x[$window]))",
            "sum(rate(x[ $window ] offset 1m)) / on() group_left() y",
            "sum(rate(x[$window])) - sum(rate(y{a='[6h]'}[$window]))",
            "sum_over_time((count(x < 0.5))[$window:]) or on() vector(0)",
            "avg_over_time((rate(x[5m]) > 0)[$window:1m])",
            "max_over_time(avg_over_time(rate(x[5m])[10m:])[$window:1m])",
            "errors:ratio_rate$window{service='pay'}",
        ] {
            assert_eq!(check(query), Ok(()), "{query}");
        }
    }

    #[test]
    fn the_window_stands_nowhere_else() {
        for query in [
            "$window",
            "sum(x) / $window",
            "sum(rate(x[1$window]))",
            "sum(rate(x[$window30s]))",
            "sum(rate(x{a='$window'}[$window]))",
            "sum(rate(x{a!='$window'}[6h]))",
            "sum(rate(x[$window] offset $window))",
            "avg_over_time(x[$window:$window])",
            "errors:ratio_rate$window{a='$window'}",
            "errors:ratio_rate$window:sum",
        ] {
            let wrong = check(query).unwrap_err();
            assert!(
                wrong.starts_with("$window stands here where it is neither a range nor"),
                "{query}: {wrong}"
            );
        }
    }

    #[test]
    fn no_range_is_fixed_unless_it_is_sampled_over_the_window() {
        for (query, fixed) in [
            ("sum(rate(x[$window])) - sum(rate(y[6h]))", "6h"),
            ("sum_over_time(x[$window:1m]) / sum(rate(y[90s]))", "1m30s"),
            ("max_over_time(rate(x[$window])[1h:1m])", "1h"),
            ("sum(rate(x[$window])) + sum(rate(y[200ms]))", "200ms"),
        ] {
            let wrong = check(query).unwrap_err();
            let want = format!(
                "this looks back over {fixed} whatever the window: write [$window] in place of [{fixed}]"
            );
            assert_eq!(wrong, want, "{query}");
        }
    }
}
