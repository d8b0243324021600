//! Reads a part of the settings into a type, and says in plain words what does not fit.

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_path_to_error::Segment;

use super::wire::COMMON;
use super::{Problem, Step};
use crate::domain::nearest_name::nearest;
use crate::text::clipped;

/// Reads one part. The problem has the whole path; `path` is the way to the part.
pub(super) fn section<'de, T, D>(path: &[Step], deserializer: D) -> Result<T, Problem>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    read(path, deserializer, &[])
}

/// Reads the settings of a kind alone; a suggestion may also be one that every source takes.
pub(super) fn options<T: DeserializeOwned>(
    table: &toml::Table,
    index: usize,
) -> Result<T, Problem> {
    let path = [Step::Key("source".to_owned()), Step::Index(index)];
    read(&path, table.clone(), &COMMON)
}

/// A key that should not be there.
pub(super) fn unknown_key(table: &[Step], key: &str, known: &[&str]) -> Problem {
    let mut path = table.to_vec();
    path.push(Step::Name(key.to_owned()));
    let message = match nearest(key, known.iter().copied()) {
        Some(near) => format!("unknown key: did you mean `{near}`?"),
        None if known.is_empty() => "unknown key: nothing is set here; remove it".to_owned(),
        None => format!("unknown key: expected {}", quoted(known)),
    };
    Problem { path, message }
}

/// A value that is none of a few words.
pub(super) fn unknown_word(what: &str, word: &str, known: &[&str]) -> String {
    /// More words than these are no help to a reader.
    const LISTED: usize = 12;
    let suggestion = match (nearest(word, known.iter().copied()), known) {
        (_, []) => "there is none".to_owned(),
        (Some(near), many) if many.len() > LISTED => format!("did you mean `{near}`?"),
        (None, many) if many.len() > LISTED => {
            format!("there are {} others, and none is like it", many.len())
        }
        (Some(near), [_]) => format!("did you mean `{near}`?"),
        (Some(near), _) => format!("did you mean `{near}`? It is one of {}", quoted(known)),
        (None, _) => format!("write {}", quoted(known)),
    };
    format!("no {what} is called `{}`: {suggestion}", clipped(word))
}

/// A time zone by its name: `utc`, `local`, or one of the system's.
///
/// # Errors
/// A sentence that names the forms.
pub fn time_zone(name: &str) -> Result<TimeZone, String> {
    let zone = match name {
        utc if utc.eq_ignore_ascii_case("utc") => Some(TimeZone::UTC),
        "local" => {
            return TimeZone::try_system().map_err(|_| {
                "`local`: the time zone of this machine is not known (is TZ right?): write `utc`, or a \
                 name such as `Europe/Berlin`"
                    .to_owned()
            });
        }
        name => TimeZone::get(name).ok(),
    };
    zone.ok_or_else(|| {
        format!(
            "`{}` is no time zone known here: write `utc`, `local`, or a name such as `Europe/Berlin` (from the system's tzdata)",
            clipped(name)
        )
    })
}

/// `a`, `b` or `c`.
pub(super) fn quoted(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

fn read<'de, T, D>(path: &[Step], deserializer: D, also_known: &[&str]) -> Result<T, Problem>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let inside = error.path().iter().filter_map(|segment| match segment {
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Enum { variant } => Some(Step::Key(variant.clone())),
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Unknown => None,
        });
        let is_top = error.path().iter().count() == 1;
        let path = path.iter().cloned().chain(inside).collect();
        let message = error.into_inner().to_string();
        reword(path, &message, if is_top { also_known } else { &[] })
    })
}

/// Serde's words in ours, without the value: that stands in the quoted line, unless it is secret.
fn reword(mut path: Vec<Step>, message: &str, also_known: &[&str]) -> Problem {
    if let Some((key, expected)) = message
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once("`, "))
    {
        // A key that was read before it was found to be unknown is not on the path.
        path.pop_if(|step| matches!(step, Step::Key(last) if last == key));
        // Behind its own words `toml` says where that was, in back-ticks as well.
        let expected = expected.lines().next().unwrap_or_default();
        let known = expected.split('`').skip(1).step_by(2);
        let known: Vec<_> = known.chain(also_known.iter().copied()).collect();
        return unknown_key(&path, key, &known);
    }
    // `toml` adds the path on lines of its own, `config` behind the sentence.
    let message = message.lines().next().unwrap_or_default();
    let (message, _) = message.rsplit_once(" for key `").unwrap_or((message, ""));
    let message = if let Some(field) = message.strip_prefix("missing field ") {
        format!("{field} is missing: add it")
    } else if let Some((found, expected)) = mismatch(message) {
        if expected.starts_with("a whole number") && found == "a number" {
            return Problem {
                path,
                message: format!("expected {expected}"),
            };
        }
        let hint = match (expected, found) {
            ("a string", "a number" | "true or false") => ": put it in quotes",
            ("a list", "a string") => ": put it in brackets, as in [\"one\", \"two\"]",
            ("a number" | "a whole number" | "true or false", "a string") => ": remove the quotes",
            _ => "",
        };
        format!("expected {expected}, found {found}{hint}")
    } else {
        message.to_owned()
    };
    Problem { path, message }
}

/// What was found and what was expected, when that is what a message says.
fn mismatch(message: &str) -> Option<(&'static str, &str)> {
    let rest = message.strip_prefix("invalid ")?;
    let rest = rest
        .strip_prefix("type: ")
        .or_else(|| rest.strip_prefix("value: "))?;
    let (found, expected) = rest.rsplit_once(", expected ")?;
    let found = match found.split([' ', '`']).next().unwrap_or_default() {
        "string" | "character" => "a string",
        "boolean" => "true or false",
        "integer" | "floating" | "64-bit" => "a number",
        "map" => "a table",
        "sequence" => "a list",
        _ => "something else",
    };
    let expected = match expected {
        "path string" => "a string",
        "a boolean" => "true or false",
        "f32" | "f64" => "a number",
        "a nonzero u8" => "a whole number from 1 to 255",
        "a map" => "a table",
        "a sequence" => "a list",
        other if other.starts_with("struct ") => "a table",
        other
            if other
                .strip_prefix(['i', 'u'])
                .is_some_and(|size| size.parse::<u8>().is_ok() || size == "size") =>
        {
            "a whole number"
        }
        other => other,
    };
    Some((found, expected))
}

/// A size such as `256MiB`, `1GB` or plain bytes.
pub fn bytes(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 9] = [
        ("", 1),
        ("B", 1),
        ("kB", 1_000),
        ("KiB", 1 << 10),
        ("MB", 1_000_000),
        ("MiB", 1 << 20),
        ("GB", 1_000_000_000),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
    ];
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}
