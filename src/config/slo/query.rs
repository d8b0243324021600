//! The PromQL of an SLO, checked before anything asks for it.

use promql_parser::parser::value::ValueType;
use promql_parser::parser::{self, Expr};

use super::range;

/// What stands for the window in an expression.
pub(super) const WINDOW: &str = "$window";
/// The longest query; deeper nesting than fits in here is no query but an accident.
const MAX_QUERY: usize = 8 * 1024;
/// The function that a selector of counters must be fit for.
const INCREASE: &str = "increase";
/// The function that a selector of gauges must be fit for.
const SUM_OVER_TIME: &str = "sum_over_time";

const EVENTS: &str = "write a selector such as `http_requests_total{service=\"checkout\"}`, or an expression with $window such as `sum(increase(http_requests_total[$window]))`";
const RATIO: &str =
    "write an expression with $window such as `1 - avg(avg_over_time(up[$window]))`";

/// Accepts a bare selector, to which the window is added, or an expression over `$window`.
pub(super) fn events(query: &str) -> Result<(), String> {
    let expression = parsed(query, EVENTS)?;
    if query.contains(WINDOW) {
        counts(&expression, EVENTS)?;
        return range::check(query);
    }
    match &expression {
        Expr::VectorSelector(_) => bare(&expression, query, INCREASE, EVENTS),
        _ => Err(format!(
            "this expression has no $window, so it would count the same for 5m as for 30d: {EVENTS}"
        )),
    }
}

/// Accepts an expression of the ratio itself.
pub(super) fn ratio(query: &str) -> Result<(), String> {
    let expression = parsed(query, RATIO)?;
    if !query.contains(WINDOW) {
        return Err(format!(
            "this expression has no $window, so it would say the same of 5m as of 30d: {RATIO}"
        ));
    }
    counts(&expression, RATIO)?;
    range::check(query)
}

/// Accepts a bare selector of gauges.
pub(super) fn gauge(query: &str) -> Result<(), String> {
    const FIX: &str = "write a selector such as `probe_success{job=\"blackbox\"}`";
    bare(&parsed(query, FIX)?, query, SUM_OVER_TIME, FIX)
}

/// Accepts a bare selector of native histograms.
pub(super) fn histogram(query: &str) -> Result<(), String> {
    const FIX: &str =
        "write a selector such as `http_request_duration_seconds{service=\"checkout\"}`";
    let expression = parsed(query, FIX)?;
    bare(&expression, query, INCREASE, FIX)?;
    let name = match &expression {
        Expr::VectorSelector(selector) => selector.name.as_deref().unwrap_or_default(),
        _ => "",
    };
    match name.strip_suffix("_bucket") {
        Some(base) => Err(format!(
            "these are the buckets of a classic histogram: write `total = '{base}_count{{…}}'` and `good = '{name}{{…,le=\"0.25\"}}'` in place of `histogram` and `within`"
        )),
        None => Ok(()),
    }
}

fn parsed(query: &str, fix: &str) -> Result<Expr, String> {
    if query.len() > MAX_QUERY {
        return Err(format!(
            "longer than {MAX_QUERY} bytes: record it as a rule and name that"
        ));
    }
    parser::parse(&query.replace(WINDOW, "5m"))
        .map_err(|error| format!("this is not PromQL ({error}): {fix}"))
}

/// Accepts a selector and nothing around it.
fn bare(expression: &Expr, query: &str, function: &str, fix: &str) -> Result<(), String> {
    match expression {
        Expr::VectorSelector(selector) if selector.offset.is_none() && selector.at.is_none() => {
            // A comment would swallow what is added behind it.
            parser::parse(&format!("sum({function}({}[5m]))", query.trim()))
                .map_err(|_| "write the selector without a comment".to_owned())?;
            Ok(())
        }
        Expr::VectorSelector(_) => Err(format!("a selector has no offset and no @: {fix}")),
        _ => Err(format!("this is an expression, not a selector: {fix}")),
    }
}

/// Accepts what gives numbers.
fn counts(expression: &Expr, fix: &str) -> Result<(), String> {
    match expression.value_type() {
        ValueType::Vector | ValueType::Scalar => Ok(()),
        ValueType::Matrix => Err(format!(
            "this is a range of samples, not a number: wrap it, as in `sum(increase(…[$window]))`; {fix}"
        )),
        ValueType::String => Err(format!("this is a text, not a number: {fix}")),
    }
}
