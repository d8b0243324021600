//! Ratios of summed rates or increases as selectors, whose events can be counted.

use promql_parser::parser::token::{T_DIV, T_SUB, T_SUM};
use promql_parser::parser::{self, AggregateExpr, Expr, LabelModifier};

use super::{STAND_IN, STAND_IN_LENGTH, WINDOW, demanded, is_plain, parse, unwrapped};

/// A part of all events and all of them, as plain selectors.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::dialect) struct Counts {
    /// The selector of the part,
    pub(in crate::dialect) part: String,
    /// or of the rest: all less good is bad.
    pub(in crate::dialect) is_rest: bool,
    /// The selector of all events.
    pub(in crate::dialect) total: String,
    /// The labels that both sides group by.
    pub(in crate::dialect) by: Vec<String>,
    /// The range that both sides looked back over instead of the window, such as `5m`.
    pub(in crate::dialect) fixed: Option<String>,
}

/// The limit of the bucket that a selector counts: `0.3` of `x_bucket{le="0.3"}`.
pub(in crate::dialect) fn bucket_limit(selector: &str) -> Option<String> {
    let Expr::VectorSelector(parsed) = parse(selector)? else {
        return None;
    };
    let is_bucket = parsed.name.is_some_and(|name| name.ends_with("_bucket"));
    let limit = demanded(selector, "le").filter(|_| is_bucket)?;
    let is_finite = limit.parse::<f64>().is_ok_and(f64::is_finite);
    is_finite.then_some(limit)
}

/// How a query counts events.
#[derive(Clone, Debug, PartialEq)]
enum Count {
    /// `sum by (…) (rate(selector[$window]))`, or `increase`.
    Of(Sum),
    /// One such less another.
    Less(Sum, Sum),
}

/// A sum of the rates or increases of a selector.
#[derive(Clone, Debug, PartialEq)]
struct Sum {
    function: &'static str,
    selector: String,
    by: Vec<String>,
}

impl Sum {
    /// True when the ratio of both is the ratio of what they select.
    fn is_like(&self, other: &Self) -> bool {
        self.function == other.function && self.by == other.by
    }
}

/// Both sides as selectors, where the queries do nothing but sum their rates or increases over the
/// window: then watchfire's own `sum(increase(…[window]))` is the same ratio. So it is where both look
/// back over one fixed range.
pub(in crate::dialect) fn counts(part: &str, total: &str) -> Option<Counts> {
    let ((part, fixed_part), (total, fixed)) = (over_window(part)?, over_window(total)?);
    if fixed_part != fixed {
        return None;
    }
    let (part, total) = (count(&part)?, count(&total)?);
    let Count::Of(total) = total else {
        return None;
    };
    let (part, is_rest) = match part {
        Count::Of(part) => (part, false),
        Count::Less(all, rest) if all == total => (rest, true),
        Count::Less(..) => return None,
    };
    part.is_like(&total).then_some(Counts {
        part: part.selector,
        is_rest,
        total: total.selector,
        by: total.by,
        fixed,
    })
}

/// The same of `bad / total`, written as one query.
pub(in crate::dialect) fn ratio_counts(ratio: &str) -> Option<Counts> {
    let (ratio, fixed) = over_window(ratio)?;
    let expression = parse(&ratio)?;
    let Expr::Binary(quotient) = unwrapped(&expression) else {
        return None;
    };
    if quotient.op.id() != T_DIV || quotient.modifier.is_some() {
        return None;
    }
    let stands_in = parser::parse(&format!("x[{STAND_IN}]")).ok()?.to_string();
    let stands_in = stands_in.strip_prefix('x')?;
    let side = |side: &Expr| side.to_string().replace(stands_in, &format!("[{WINDOW}]"));
    let counts = counts(&side(&quotient.lhs), &side(&quotient.rhs))?;
    Some(Counts { fixed, ..counts })
}

/// A query with the window as its range, and the fixed range that stood there; `None` where ranges
/// differ.
fn over_window(query: &str) -> Option<(String, Option<String>)> {
    if query.contains(WINDOW) {
        return Some((query.to_owned(), None));
    }
    let mut text = String::with_capacity(query.len());
    let mut fixed: Option<&str> = None;
    let mut rest = query;
    while let Some(at) = rest.find(['"', '\'', '`', '[']) {
        let (before, found) = rest.split_at(at);
        text.push_str(before);
        let end = match found.chars().next()? {
            '[' => {
                let end = found.find(']')?;
                let range = found[1..end].trim();
                if fixed.is_some_and(|known| known != range) || range.contains([':', '[']) {
                    return None;
                }
                fixed = Some(range);
                text.extend(["[", WINDOW, "]"]);
                end + 1
            }
            quote => {
                let end = string_end(found, quote)?;
                text.push_str(&found[..end]);
                end
            }
        };
        rest = &found[end..];
    }
    text.push_str(rest);
    Some((text, fixed.map(str::to_owned)))
}

/// Behind the string that a text begins with.
fn string_end(text: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if quote != '`' => is_escaped = true,
            c if c == quote => return Some(at + c.len_utf8()),
            _ => {}
        }
    }
    None
}

fn count(query: &str) -> Option<Count> {
    let expression = parse(query)?;
    let mut selectors = written_selectors(query).into_iter();
    let count = match unwrapped(&expression) {
        Expr::Binary(difference)
            if difference.op.id() == T_SUB && difference.modifier.is_none() =>
        {
            let all = summed(&difference.lhs, &mut selectors)?;
            Count::Less(all, summed(&difference.rhs, &mut selectors)?)
        }
        sum => Count::Of(summed(sum, &mut selectors)?),
    };
    selectors.next().is_none().then_some(count)
}

/// The selectors as they stand in a query, in order; nothing of it is reworded.
fn written_selectors(query: &str) -> Vec<&str> {
    let before = query.split("[$window]").collect::<Vec<_>>();
    let before = before.split_last().map_or(&[][..], |(_, before)| before);
    before.iter().map(|text| selector_at_end(text)).collect()
}

/// What stands behind the last `rate(` or `increase(` of a text.
fn selector_at_end(text: &str) -> &str {
    let mut opens = text.rmatch_indices('(').map(|(at, _)| text.split_at(at));
    let call = opens.find(|(before, _)| {
        let before = before.trim_end();
        before.ends_with("rate") || before.ends_with("increase")
    });
    call.map_or(text, |(_, inside)| &inside[1..]).trim()
}

fn summed<'a>(expression: &Expr, written: &mut impl Iterator<Item = &'a str>) -> Option<Sum> {
    let Expr::Aggregate(sum) = unwrapped(expression) else {
        return None;
    };
    let by = by(sum)?;
    if sum.op.id() != T_SUM {
        return None;
    }
    let Expr::Call(call) = unwrapped(&sum.expr) else {
        return None;
    };
    let function = ["rate", "increase"]
        .into_iter()
        .find(|name| *name == call.func.name)?;
    let Expr::MatrixSelector(matrix) = call.args.args.first()?.as_ref() else {
        return None;
    };
    let text = written.next()?;
    let is_same = matches!(parser::parse(text).ok()?, Expr::VectorSelector(selector) if selector == matrix.vs);
    let is_whole = matrix.range == STAND_IN_LENGTH && is_plain(&matrix.vs);
    (is_same && is_whole).then(|| Sum {
        function,
        selector: text.to_owned(),
        by,
    })
}

/// The labels that an aggregation groups by, sorted; `None` where it names those that it drops.
fn by(aggregate: &AggregateExpr) -> Option<Vec<String>> {
    match &aggregate.modifier {
        None => Some(Vec::new()),
        Some(LabelModifier::Include(labels)) => {
            let mut labels = labels.labels.clone();
            labels.sort_unstable();
            Some(labels)
        }
        Some(LabelModifier::Exclude(_)) => None,
    }
}
