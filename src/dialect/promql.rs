//! Queries of others as a `[[slo]]` says them, where both mean the same.

use std::time::Duration;

use crate::text::clipped;
use promql_parser::parser::token::T_SUM;
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{self, Expr, VectorSelector};
use promql_parser::util::visitor::{ExprVisitor, walk_expr};

mod count;
mod groups;

pub(super) use count::{Counts, bucket_limit, counts, ratio_counts};
pub use groups::Groups;
pub(super) use groups::common;

/// What stands for the window in a `[[slo]]`.
const WINDOW: &str = "$window";
/// The window while a query is taken apart: no query says this by itself.
const STAND_IN: &str = "1234567s";
const STAND_IN_LENGTH: Duration = Duration::from_secs(1_234_567);
/// How often a query is sampled that is no series itself.
const STEP: &str = "1m";
/// The longest query that is looked into.
const MAX_QUERY: usize = 8 * 1024;

/// A query with `{{.window}}`, with or without spaces, as `$window`; or why it cannot be asked: a
/// placeholder that nobody fills in selects nothing, and an SLO without bad events reads as kept.
pub(super) fn placeheld(query: &str) -> Result<String, String> {
    let query = query.trim();
    if query.contains(WINDOW) {
        return Err(format!(
            "`{WINDOW}` stands for nothing in this format: write `{{{{.window}}}}` as the range"
        ));
    }
    let mut text = String::new();
    let mut rest = query;
    while let Some((before, template, after)) = template(rest) {
        if template.trim_matches(['{', '}', ' ']) != ".window" {
            break;
        }
        text.push_str(before);
        text.push_str(WINDOW);
        rest = after;
    }
    text.push_str(rest);
    filled(&text)?;
    Ok(text)
}

/// The first `{{…}}` of a text, with what is before and behind it.
fn template(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find("{{")?;
    let length = text[start..]
        .find("}}")
        .map_or(text.len() - start, |at| at + 2);
    let (before, rest) = text.split_at(start);
    let (template, after) = rest.split_at(length);
    Some((before, template, after))
}

/// Refuses what a template or a shell would have filled in: `{{.service}}`, `${JOB}`, `$__interval`.
fn filled(query: &str) -> Result<(), String> {
    let template = template(query).map(|(_, template, _)| template);
    let Some(placeholder) = template.or_else(|| variable(query)) else {
        return Ok(());
    };
    Err(format!(
        "nobody fills in `{}` here, and as it stands it selects nothing: write what it stands for",
        clipped(placeholder)
    ))
}

/// The first variable of a shell or of Grafana in a text.
fn variable(text: &str) -> Option<&str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices('$').find_map(|(start, _)| {
        let rest = &text[start..];
        let inside = rest[1..].strip_prefix('{').unwrap_or_default();
        let length = if inside.starts_with(|c: char| is_name(c) && !c.is_ascii_digit()) {
            inside.find('}').map_or(rest.len(), |at| at + 3)
        } else if rest.starts_with("$__") {
            rest[1..]
                .find(|c| !is_name(c))
                .map_or(rest.len(), |at| at + 1)
        } else {
            return None;
        };
        Some(&rest[..length])
    })
}

/// A selector and nothing around it.
pub(super) fn selector(query: &str) -> Result<String, String> {
    let query = query.trim();
    filled(query)?;
    match checked(query)? {
        Expr::VectorSelector(selector) if is_plain(&selector) && !has_window(query) => {
            Ok(query.to_owned())
        }
        _ => Err(format!(
            "`{}` is no selector: write one such as `http_requests_total{{job=\"api\"}}`",
            clipped(query)
        )),
    }
}

/// True when a query has a place for the window.
pub(super) fn has_window(query: &str) -> bool {
    query.contains(WINDOW)
}

/// Events of a counter: as a selector, or as an expression with `$window`.
pub(super) fn of_counter(query: &str) -> Result<String, String> {
    if has_window(query) {
        return Ok(query.to_owned());
    }
    match checked(query)? {
        Expr::VectorSelector(selector) if is_plain(&selector) => return Ok(query.to_owned()),
        // The labels that it groups by are `by` of the `[[slo]]`.
        Expr::Aggregate(sum) if sum.op.id() == T_SUM && groups::is_by(&sum) => {
            if let Some(selector) = summed(query, unwrapped(&sum.expr)) {
                return Ok(selector);
            }
        }
        _ => {}
    }
    Err(lacks_window(query))
}

/// The selector of `sum(selector)`, whose increase is that of the sum.
fn summed(query: &str, inside: &Expr) -> Option<String> {
    let Expr::VectorSelector(selector) = inside else {
        return None;
    };
    let is_same = |text: &str| matches!(parser::parse(text), Ok(Expr::VectorSelector(same)) if same == *selector);
    // `sum(…)`, `sum by (…) (…)` and `sum(…) by (…)`.
    let opens = query.match_indices('(').map(|(at, _)| at + 1);
    let texts = opens.flat_map(|open| {
        let closes = query[open..]
            .match_indices(')')
            .map(move |(at, _)| open + at);
        closes.map(move |close| query[open..close].trim())
    });
    let mut texts = texts.filter(|text| is_same(text));
    texts
        .next()
        .filter(|_| is_plain(selector))
        .map(str::to_owned)
}

/// Events that a gauge tells, all its samples summed up.
pub(super) fn of_gauge(query: &str) -> Result<String, String> {
    if has_window(query) {
        return Ok(query.to_owned());
    }
    over_time("sum", "sum_over_time", query, &unfixed(query)?)
}

/// A ratio that is a series, as its mean over time.
pub(super) fn of_ratio(query: &str) -> Result<String, String> {
    over_time("avg", "avg_over_time", query, &unfixed(query)?)
}

/// A query that looks back over no time of its own: sampled over a window, it would reach that much
/// further back than the window does.
fn unfixed(query: &str) -> Result<Expr, String> {
    let expression = checked(query)?;
    if !reads(&expression).ranges.is_empty() {
        return Err(lacks_window(query));
    }
    Ok(expression)
}

fn over_time(
    aggregation: &str,
    function: &str,
    query: &str,
    expression: &Expr,
) -> Result<String, String> {
    match expression {
        Expr::VectorSelector(selector) if is_plain(selector) => {
            Ok(format!("{aggregation}({function}({query}[{WINDOW}]))"))
        }
        other if other.value_type() == ValueType::Vector => Ok(format!(
            "{aggregation}({function}(({query})[{WINDOW}:{STEP}]))"
        )),
        _ => Err("this is no series of numbers over time".to_owned()),
    }
}

/// The samples that keep a threshold, and all samples that are numbers.
pub(super) fn of_threshold(query: &str, op: &str, value: f64) -> Result<(String, String), String> {
    if has_window(query) {
        return Err("a threshold is judged sample by sample, so its query knows no window: write a fixed range in its place, such as [5m]".to_owned());
    }
    if checked(query)?.value_type() != ValueType::Vector {
        return Err("this is no series of numbers over time".to_owned());
    }
    let samples = |condition: String| {
        format!("sum(count_over_time((({query}) {condition})[{WINDOW}:{STEP}]))")
    };
    // NaN, of a quantile without traffic say, keeps no comparison: it is no sample.
    Ok((
        samples(format!("{op} {value}")),
        samples(">= -Inf".to_owned()),
    ))
}

/// What a query reads: the names of its instant selectors, and those of its ranges.
#[derive(Default)]
struct Reads {
    bare: Vec<String>,
    ranges: Vec<String>,
}

impl ExprVisitor for Reads {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Self::Error> {
        let name = |selector: &VectorSelector| selector.name.clone().unwrap_or_default();
        match expression {
            Expr::VectorSelector(selector) => self.bare.push(name(selector)),
            Expr::MatrixSelector(matrix) => self.ranges.push(name(&matrix.vs)),
            _ => {}
        }
        Ok(true)
    }
}

fn reads(expression: &Expr) -> Reads {
    let mut found = Reads::default();
    let Ok(_) = walk_expr(&mut found, expression);
    found
}

/// Whether a query reads counters, by the names and functions in it; `None` where neither tells.
pub(super) fn reads_counter(query: &str) -> Option<bool> {
    let found = reads(&parse(query)?);
    let is_counter = |name: &String| {
        let ends = ["_total", "_count", "_bucket", "_sum"];
        ends.iter().any(|end| name.ends_with(end))
    };
    match (found.bare.is_empty(), found.ranges.is_empty()) {
        (true, false) => Some(false),
        (false, _) if found.bare.iter().all(is_counter) => Some(true),
        _ => None,
    }
}

/// True when every series that a query reads is called like a duration.
pub(super) fn reads_durations(query: &str) -> bool {
    const WORDS: [&str; 6] = [
        "duration",
        "latency",
        "latencies",
        "seconds",
        "response_time",
        "elapsed",
    ];
    let Some(expression) = parse(query) else {
        return false;
    };
    let Reads { bare, ranges } = reads(&expression);
    let names = [bare, ranges].concat();
    let is_duration = |name: &String| WORDS.iter().any(|word| name.contains(word));
    // A timestamp is a point in time, and so is what counts seconds since one.
    !names.is_empty() && names.iter().all(is_duration) && !query.contains("timestamp")
}

/// The values that a selector demands of labels: `job="api"`.
pub(super) fn demanded(query: &str, label: &str) -> Option<String> {
    let Expr::VectorSelector(selector) = parse(query)? else {
        return None;
    };
    let matchers = &selector.matchers.matchers;
    let equal = promql_parser::label::MatchOp::Equal;
    let matcher = matchers
        .iter()
        .find(|matcher| matcher.name == label && matcher.op == equal)?;
    (!matcher.value.is_empty()).then(|| matcher.value.clone())
}

/// What to write in place of a query that looks back over a time of its own.
fn lacks_window(query: &str) -> String {
    let Some((before, rest)) = query.split_once('[') else {
        return format!(
            "`{}` has no place for the window: write the selector of the counters alone, or put their ranges as in `sum(increase(http_requests_total[{{{{.window}}}}]))`",
            clipped(query)
        );
    };
    let (range, after) = rest.split_once(']').unwrap_or((rest, ""));
    format!(
        "this looks back over {} whatever the window: write `{before}[{{{{.window}}}}]{}`",
        clipped(range),
        after.replace(&format!("[{range}]"), "[{{.window}}]")
    )
}

fn checked(query: &str) -> Result<Expr, String> {
    if query.len() > MAX_QUERY {
        return Err(format!(
            "longer than {MAX_QUERY} bytes: record it as a rule and name that"
        ));
    }
    parser::parse(query).map_err(|error| format!("this is not PromQL: {error}"))
}

fn parse(query: &str) -> Option<Expr> {
    (query.len() <= MAX_QUERY)
        .then(|| parser::parse(&query.replace(WINDOW, STAND_IN)).ok())
        .flatten()
}

fn is_plain(selector: &VectorSelector) -> bool {
    selector.offset.is_none() && selector.at.is_none()
}

fn unwrapped(expression: &Expr) -> &Expr {
    match expression {
        Expr::Paren(inner) => unwrapped(&inner.expr),
        other => other,
    }
}
