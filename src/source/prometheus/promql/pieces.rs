//! A query as text: its matchers' values found without taking it apart.

use std::fmt::Write as _;

use promql_parser::util::unquote_string;

/// A piece of a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::source::prometheus) struct Piece<'a> {
    pub(in crate::source::prometheus) text: &'a str,
    /// True for the value of an `=` matcher, in its quotes.
    pub(in crate::source::prometheus) is_value: bool,
    /// The label that is matched; empty where its name is quoted.
    pub(in crate::source::prometheus) label: &'a str,
}

/// Cuts a query at the values of its `=` matchers; the pieces in a row are the query.
///
/// A string is read as such wherever it stands, and a `#` outside of one begins a comment.
pub(in crate::source::prometheus) fn pieces(query: &str) -> Vec<Piece<'_>> {
    let bytes = query.as_bytes();
    let mut pieces = Vec::new();
    // Where the next piece begins, and where the last token ends.
    let (mut start, mut token, mut at) = (0, 0, 0);
    let plain = |text| Piece {
        text,
        is_value: false,
        label: "",
    };
    while at < bytes.len() {
        match bytes[at] {
            b'#' => {
                let line = bytes[at..].iter().position(|&byte| byte == b'\n');
                at = line.map_or(bytes.len(), |length| at + length);
            }
            quote @ (b'"' | b'\'' | b'`') => {
                let end = string_end(bytes, at, quote);
                if let Some(label) = matched_label(&query[..token]) {
                    pieces.push(plain(&query[start..at]));
                    pieces.push(Piece {
                        text: &query[at..end],
                        is_value: true,
                        label,
                    });
                    start = end;
                }
                (at, token) = (end, end);
            }
            byte => {
                at += 1;
                if !byte.is_ascii_whitespace() {
                    token = at;
                }
            }
        }
    }
    pieces.push(plain(&query[start..]));
    pieces
}

/// Behind the closing quote of the string that begins at `at`.
fn string_end(bytes: &[u8], at: usize, quote: u8) -> usize {
    let mut end = at + 1;
    while end < bytes.len() {
        match bytes[end] {
            byte if byte == quote => return end + 1,
            b'\\' if quote != b'`' => end += 2,
            _ => end += 1,
        }
    }
    bytes.len()
}

/// The label of `label=`; `None` for anything else.
fn matched_label(before: &str) -> Option<&str> {
    let name = before.strip_suffix('=')?;
    if name.ends_with(['!', '=', '<', '>', '~']) {
        return None;
    }
    let name = name.trim_end();
    let is_part = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let begin = name.trim_end_matches(is_part).len();
    Some(&name[begin..])
}

/// The same query where `le` and `quantile` match a whole number however it is spelled.
///
/// Prometheus 3 stores `le="1"` as `le="1.0"`, and likewise `quantile`, where 2 kept what the client
/// sent: <https://prometheus.io/docs/prometheus/latest/migration/#le-and-quantile-label-values>.
pub(in crate::source::prometheus) fn whichever_spelling(query: &str) -> String {
    let mut out = String::with_capacity(query.len());
    for piece in pieces(query) {
        match spellings(&piece).filter(|_| out.trim_end().ends_with('=')) {
            Some(any) => {
                out.truncate(out.trim_end().len());
                out.extend(["~\"", &any, "\""]);
            }
            None => out.push_str(piece.text),
        }
    }
    out
}

/// The ways to spell a whole number, as a regular expression in a PromQL string.
fn spellings(piece: &Piece<'_>) -> Option<String> {
    if !piece.is_value || !["le", "quantile"].contains(&piece.label) {
        return None;
    }
    let value = unquote_string(piece.text).ok()?;
    let whole = value.strip_suffix(".0").unwrap_or(&value);
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut any = format!("{whole}|{whole}\\\\.0");
    // From a million on it is written with an exponent: 1e+06.
    let scientific = whole.parse().map(|number: f64| format!("{number:e}"));
    let is_long = digits.trim_start_matches('0').len() > 6;
    if let (true, Some((mantissa, exponent))) = (
        is_long,
        scientific
            .as_ref()
            .ok()
            .and_then(|text| text.split_once('e')),
    ) {
        let mantissa = mantissa.replace('.', "\\\\.");
        let _ = write!(any, "|{mantissa}e\\\\+{exponent:0>2}");
    }
    Some(any)
}
