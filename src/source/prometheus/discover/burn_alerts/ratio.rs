//! The vector that an alert compares: which ratio it is, over which window.

use std::collections::BTreeSet;
use std::time::Duration;

use promql_parser::parser::token::{T_AVG, T_DIV, T_MAX, T_MIN, T_MUL, T_SUB, T_SUM};
use promql_parser::parser::{AggregateExpr, BinaryExpr, Expr, LabelModifier, VectorSelector};
use promql_parser::util::visitor::{ExprVisitor, ExprVisitorMut, walk_expr, walk_expr_mut};

use super::Lack;
use super::records::RecordingRules;
use super::threshold::{self, Number};
use crate::domain::Window;
use crate::source::prometheus::promql;

/// Stands for the window in texts that are compared.
const ANY_WINDOW: &str = "*";
/// The range that every selector has in expressions that are compared and kept.
const RANGE: Duration = Duration::from_secs(7_919);

/// A compared vector.
#[derive(Clone, Debug)]
pub(super) struct Ratio {
    /// The same for the same ratio over another window.
    pub(super) key: String,
    pub(super) window: Window,
    /// The ratio itself, over [`RANGE`] in place of its window.
    pub(super) core: Core,
    /// True where the core is good over all.
    pub(super) is_success: bool,
    /// What the vector is to be multiplied by to be a ratio.
    pub(super) scale: Vec<Number>,
    /// What the alert compares, where it is made of recorded series.
    pub(super) recorded: Option<Expr>,
}

/// What a ratio is made of.
#[derive(Clone, Debug)]
pub(super) enum Core {
    /// One count over another.
    Quotient(Expr, Expr),
    /// Anything else.
    Other(Expr),
}

/// Reads a compared vector.
pub(super) fn read(
    vector: &Expr,
    is_above: bool,
    records: &RecordingRules<'_>,
) -> Result<Ratio, Lack> {
    let is_recorded = ranges(vector).is_empty();
    let inlined = records.inlined(vector);
    let window = if is_recorded {
        named_window(vector).or_else(|lack| one_range(&inlined).ok_or(lack))
    } else {
        one_range(&inlined).ok_or(Lack::Windows)
    }?;
    let (core, scale, is_success) = stripped(&inlined, records).ok_or(Lack::NoRatio)?;
    let core = with_range(&core);
    let core = match core {
        Expr::Binary(binary) if binary.op.id() == T_DIV && !ranges(&binary.rhs).is_empty() => {
            Core::Quotient(*binary.lhs, *binary.rhs)
        }
        core => Core::Other(core),
    };
    // A number above a limit may be anything, a share of it left over is a ratio.
    let may_be_any = is_above && !is_success;
    if !is_recorded && may_be_any && matches!(core, Core::Other(_)) {
        return Err(Lack::NoRatio);
    }
    let key = if is_recorded {
        without_window(vector)
    } else {
        match &core {
            Core::Quotient(part, total) => format!("{is_success} {part} / {total}"),
            Core::Other(core) => format!("{is_success} {core}"),
        }
    };
    Ok(Ratio {
        key,
        window,
        core,
        is_success,
        scale,
        recorded: is_recorded.then(|| vector.clone()),
    })
}

/// An expression without what is done to a ratio alone: parentheses, constant factors, `1 - …`, and
/// aggregations of a single series. With what it is to be multiplied by, and whether it is good over
/// all where the whole is bad over all.
fn stripped(expr: &Expr, records: &RecordingRules<'_>) -> Option<(Expr, Vec<Number>, bool)> {
    match expr {
        Expr::Paren(inner) => stripped(&inner.expr, records),
        Expr::Aggregate(aggregate) if is_of_one(aggregate) => stripped(&aggregate.expr, records),
        Expr::Binary(binary) => {
            let is_number = |side| threshold::value(side, records).is_some();
            match (
                binary.op.id(),
                is_number(&binary.lhs),
                is_number(&binary.rhs),
            ) {
                (T_MUL, true, false) => scaled(&binary.rhs, &binary.lhs, false, records),
                (T_MUL, false, true) => scaled(&binary.lhs, &binary.rhs, false, records),
                (T_DIV, false, true) => scaled(&binary.lhs, &binary.rhs, true, records),
                (T_SUB, true, false) => complement(binary, records),
                (T_DIV, false, false) => quotient(binary, records),
                _ => Some((expr.clone(), Vec::new(), false)),
            }
        }
        _ => Some((expr.clone(), Vec::new(), false)),
    }
}

/// `100 * bad / total`, whose factor is its numerator's.
fn quotient(
    binary: &BinaryExpr,
    records: &RecordingRules<'_>,
) -> Option<(Expr, Vec<Number>, bool)> {
    let is_number = |side| threshold::value(side, records).is_some();
    let (part, by) = match promql::unwrapped(&binary.lhs) {
        Expr::Binary(part) if part.op.id() == T_MUL && is_number(&part.lhs) => {
            (&part.rhs, Some(&part.lhs))
        }
        Expr::Binary(part) if part.op.id() == T_MUL && is_number(&part.rhs) => {
            (&part.lhs, Some(&part.rhs))
        }
        _ => (&binary.lhs, None),
    };
    let scale = match by {
        Some(by) => threshold::inverses(by, records)?,
        None => Vec::new(),
    };
    let core = Expr::Binary(BinaryExpr {
        lhs: part.clone(),
        ..binary.clone()
    });
    Some((core, scale, false))
}

fn scaled(
    vector: &Expr,
    by: &Expr,
    is_divided: bool,
    records: &RecordingRules<'_>,
) -> Option<(Expr, Vec<Number>, bool)> {
    let (core, mut scale, is_success) = stripped(vector, records)?;
    scale.extend(if is_divided {
        threshold::numbers(by, records)?
    } else {
        threshold::inverses(by, records)?
    });
    Some((core, scale, is_success))
}

/// `1 - ratio`, or `100 - 100 * ratio`.
fn complement(
    binary: &BinaryExpr,
    records: &RecordingRules<'_>,
) -> Option<(Expr, Vec<Number>, bool)> {
    let whole = threshold::value(&binary.lhs, records)?;
    let (core, scale, is_success) = stripped(&binary.rhs, records)?;
    let is_whole = threshold::is_same(whole * threshold::product(&scale), 1.0);
    is_whole.then_some((core, scale, !is_success))
}

/// True for an aggregation of a quotient of sums of everything: it has one series.
fn is_of_one(aggregate: &AggregateExpr) -> bool {
    let is_neutral = [T_SUM, T_MAX, T_MIN, T_AVG].contains(&aggregate.op.id());
    is_neutral && is_one(&aggregate.expr)
}

fn is_one(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(inner) => is_one(&inner.expr),
        Expr::Aggregate(aggregate) => aggregate.modifier.as_ref().is_none_or(
            |modifier| matches!(modifier, LabelModifier::Include(labels) if labels.labels.is_empty()),
        ),
        Expr::Binary(binary) => !binary.op.is_set_operator() && is_one(&binary.lhs) && is_one(&binary.rhs),
        Expr::NumberLiteral(_) => true,
        _ => false,
    }
}

/// The selectors of an expression that have no range.
pub(super) fn instant_selectors(expr: &Expr) -> Vec<&VectorSelector> {
    struct Found<'a>(Vec<&'a VectorSelector>);
    fn collect<'a>(expr: &'a Expr, found: &mut Found<'a>) {
        match expr {
            Expr::VectorSelector(selector) => found.0.push(selector),
            Expr::Paren(inner) => collect(&inner.expr, found),
            Expr::Unary(inner) => collect(&inner.expr, found),
            Expr::Subquery(inner) => collect(&inner.expr, found),
            Expr::Aggregate(aggregate) => collect(&aggregate.expr, found),
            Expr::Binary(binary) => {
                collect(&binary.lhs, found);
                collect(&binary.rhs, found);
            }
            Expr::Call(call) => call.args.args.iter().for_each(|arg| collect(arg, found)),
            Expr::MatrixSelector(_)
            | Expr::NumberLiteral(_)
            | Expr::StringLiteral(_)
            | Expr::Extension(_) => {}
        }
    }
    let mut found = Found(Vec::new());
    collect(expr, &mut found);
    found.0
}

/// The ranges of an expression, each once; those of slices of time as well.
fn ranges(expr: &Expr) -> BTreeSet<Duration> {
    struct Ranges(BTreeSet<Duration>);
    impl ExprVisitor for Ranges {
        type Error = std::convert::Infallible;

        fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
            match expr {
                Expr::MatrixSelector(matrix) => self.0.insert(matrix.range),
                Expr::Subquery(subquery) => self.0.insert(subquery.range),
                _ => false,
            };
            Ok(true)
        }
    }
    let mut found = Ranges(BTreeSet::new());
    let Ok(_) = walk_expr(&mut found, expr);
    found.0
}

fn one_range(expr: &Expr) -> Option<Window> {
    let mut ranges = ranges(expr).into_iter();
    match (ranges.next(), ranges.next()) {
        (Some(range), None) => Window::from_seconds(range.as_secs()),
        _ => None,
    }
}

/// The same over [`RANGE`], with the matchers of each selector in order.
fn with_range(expr: &Expr) -> Expr {
    struct Normal;
    impl ExprVisitorMut for Normal {
        type Error = std::convert::Infallible;

        fn pre_visit(&mut self, expr: &mut Expr) -> Result<bool, Self::Error> {
            let selector = match expr {
                Expr::MatrixSelector(matrix) => {
                    matrix.range = RANGE;
                    &mut matrix.vs
                }
                Expr::VectorSelector(selector) => selector,
                Expr::Subquery(subquery) => {
                    subquery.range = RANGE;
                    return Ok(true);
                }
                _ => return Ok(true),
            };
            let matchers = &mut selector.matchers.matchers;
            matchers.sort_by_cached_key(ToString::to_string);
            matchers.dedup();
            Ok(true)
        }
    }
    let mut expr = promql::unwrapped(expr).clone();
    let Ok(_) = walk_expr_mut(&mut Normal, &mut expr);
    expr
}

/// The text of an expression that [`RANGE`] is put into, with `$window` in its place.
pub(super) fn template(expr: &Expr) -> String {
    let range = promql_parser::util::display_duration(&RANGE);
    let text = expr.to_string();
    text.replace(&format!("[{range}"), &format!("[{}", promql::PLACEHOLDER))
}

/// The window that recorded series are named by: in a label, or in the name.
fn named_window(expr: &Expr) -> Result<Window, Lack> {
    let selectors = instant_selectors(expr);
    let windows: BTreeSet<_> = selectors.iter().map(|one| window_of(one)).collect();
    let mut windows = windows.into_iter();
    match (windows.next(), windows.next()) {
        (Some(Some(window)), None) => Ok(window),
        (Some(None) | None, None) => Err(Lack::NoWindow),
        _ => Err(Lack::Windows),
    }
}

fn window_of(selector: &VectorSelector) -> Option<Window> {
    let matchers = selector.matchers.matchers.iter();
    let mut labels = matchers.filter(|one| one.name != "__name__");
    let label = labels.find_map(|one| one.value.parse().ok());
    label.or_else(|| window_in(promql::metric(selector)?).map(|(window, _)| window))
}

/// The last window in a name, `ratio_rate1h` or `http:errors5m:ratio`, with the place where it stands.
pub(super) fn window_in(name: &str) -> Option<(Window, std::ops::Range<usize>)> {
    let bytes = name.as_bytes();
    let begins =
        |at: usize| bytes[at].is_ascii_digit() && (at == 0 || !bytes[at - 1].is_ascii_digit());
    let found = (0..bytes.len())
        .rev()
        .filter(|at| begins(*at))
        .filter_map(|begin| {
            let length = name[begin..].find([':', '_']).unwrap_or(name.len() - begin);
            let end = begin + length;
            Some((name[begin..end].parse().ok()?, begin..end))
        });
    // `1d12h` is one window: the first place of those that end where the last one does.
    let mut found = found.peekable();
    let end = found.peek().map(|(_, place)| place.end)?;
    found.take_while(|(_, place)| place.end == end).last()
}

/// The text of recorded series without their window.
fn without_window(expr: &Expr) -> String {
    struct Blank;
    impl ExprVisitorMut for Blank {
        type Error = std::convert::Infallible;

        fn pre_visit(&mut self, expr: &mut Expr) -> Result<bool, Self::Error> {
            if let Expr::VectorSelector(selector) = expr {
                let matchers = &mut selector.matchers.matchers;
                matchers.sort_by_cached_key(ToString::to_string);
                let windows = matchers.len();
                matchers.retain(|one| one.value.parse::<Window>().is_err());
                if windows == matchers.len()
                    && let Some(name) = &mut selector.name
                    && let Some((_, place)) = window_in(name)
                {
                    name.replace_range(place, ANY_WINDOW);
                }
            }
            Ok(true)
        }
    }
    let mut expr = promql::unwrapped(expr).clone();
    let Ok(_) = walk_expr_mut(&mut Blank, &mut expr);
    expr.to_string()
}
