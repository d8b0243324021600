//! Tables of `[[slo]]` as text, in the order that a person would write them.

use std::fmt::Write as _;

use toml::{Table, Value};

use crate::text::Shown;

/// The order of keys in a `[[slo]]`; others follow by name.
const KEYS: [&str; 22] = [
    "service",
    "name",
    "description",
    "objective",
    "period",
    "timezone",
    "source",
    "total",
    "bad",
    "good",
    "gauge",
    "histogram",
    "within",
    "error_ratio",
    "success_ratio",
    "parts",
    "slice",
    "slice_target",
    "by",
    "rules",
    "min_bad_events",
    "labels",
];

/// The order of keys in the tables of a list.
const INNER_KEYS: [&str; 7] = [
    "slo", "weight", "severity", "long", "short", "factor", "budget",
];

/// One `[[slo]]`, with lines of comment above it.
pub fn slo(table: &Table, comments: &[String]) -> String {
    entry("slo", table, &KEYS, comments)
}

/// One table of a list, its keys in this order, with lines of comment above it.
pub fn entry(list: &str, table: &Table, order: &[&str], comments: &[String]) -> String {
    let mut text = String::new();
    for comment in comments {
        let _ = writeln!(text, "# {}", Shown::new(comment));
    }
    let _ = writeln!(text, "[[{list}]]");
    for (key, value) in ordered(table, order) {
        let _ = match value {
            Value::Array(list) if list.iter().any(Value::is_table) => {
                let lines = list.iter().map(|entry| format!("  {},\n", inline(entry)));
                writeln!(
                    text,
                    "{} = [\n{}]",
                    quoted_key(key),
                    lines.collect::<String>()
                )
            }
            value => writeln!(text, "{} = {}", quoted_key(key), inline(value)),
        };
    }
    text
}

fn ordered<'a>(table: &'a Table, order: &[&str]) -> Vec<(&'a String, &'a Value)> {
    let place = |key: &str| order.iter().position(|known| *known == key);
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| place(key).unwrap_or(order.len()));
    entries
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(list) => {
            let list: Vec<_> = list.iter().map(inline).collect();
            format!("[{}]", list.join(", "))
        }
        Value::Table(table) => {
            let entries = ordered(table, &INNER_KEYS).into_iter();
            let entries: Vec<_> = entries
                .map(|(key, value)| format!("{} = {}", quoted_key(key), inline(value)))
                .collect();
            if entries.is_empty() {
                "{}".to_owned()
            } else {
                format!("{{ {} }}", entries.join(", "))
            }
        }
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            format!("{number:.0}")
        }
        other => other.to_string(),
    }
}

fn quoted_key(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !key.is_empty() && key.bytes().all(plain) {
        key.to_owned()
    } else {
        escaped(key)
    }
}

/// A text as TOML. What could steer a terminal is written as its number.
fn quoted(text: &str) -> String {
    let is_plain = |line: &str| Shown::new(line).as_str() == line;
    if !text.lines().all(is_plain) || text.contains('\r') {
        escaped(text)
    } else if text.contains('\n') && !text.contains("'''") {
        format!("'''\n{text}'''")
    } else if text.contains(['"', '\\']) && !text.contains('\'') {
        format!("'{text}'")
    } else {
        escaped(text)
    }
}

/// A text in double quotes.
fn escaped(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if Shown::new(c.to_string()).as_str() == c.to_string() => quoted.push(c),
            c => {
                let _ = match u32::from(c) {
                    number @ 0..=0xffff => write!(quoted, "\\u{number:04X}"),
                    number => write!(quoted, "\\U{number:08X}"),
                };
            }
        }
    }
    quoted.push('"');
    quoted
}
