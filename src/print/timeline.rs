//! `timeline`: what happened, as Markdown, as CSV, or as `watchfire/timeline/v1`. Times are UTC, to the
//! second.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::handoff::words;
use crate::domain::SourceName;
use crate::domain::clock::whole;
use crate::insight::report::Gap;
use crate::text::{Shown, Untrusted};

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// When it was learned of; `None` where a list of its source alone tells of it.
    pub seen: Option<Timestamp>,
    /// Kind of its row: `release`, `incident`.
    pub kind: &'static str,
    /// Its word on the screen.
    pub state: &'static str,
    /// Whom it concerns.
    pub service: Option<Untrusted>,
    /// Who told of it; `None` for what was done here.
    pub source: Option<SourceName>,
    /// The row that it happened to.
    pub id: Option<Untrusted>,
    /// The event in a sentence.
    pub what: Shown,
}

/// A timeline as JSON; fields are added, never changed.
#[derive(Serialize)]
pub struct TimelineJson<'a> {
    schema: &'static str,
    #[serde(serialize_with = "crate::print::seconds")]
    generated_at: Timestamp,
    #[serde(serialize_with = "crate::print::seconds")]
    from: Timestamp,
    #[serde(serialize_with = "crate::print::seconds")]
    until: Timestamp,
    events: Vec<EventJson<'a>>,
    blind: Vec<GapJson<'a>>,
}

#[derive(Serialize)]
struct EventJson<'a> {
    #[serde(serialize_with = "crate::print::seconds")]
    at: Timestamp,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    seen: Option<Timestamp>,
    kind: &'static str,
    state: &'static str,
    service: Option<&'a Untrusted>,
    source: Option<&'a str>,
    id: Option<&'a Untrusted>,
    what: &'a str,
}

/// A time in which a source told nothing.
#[derive(Serialize)]
pub(super) struct GapJson<'a> {
    source: &'a str,
    #[serde(serialize_with = "crate::print::seconds")]
    from: Timestamp,
    #[serde(serialize_with = "crate::print::seconds")]
    until: Timestamp,
}

impl<'a> From<&'a Gap> for GapJson<'a> {
    fn from(gap: &'a Gap) -> Self {
        Self {
            source: gap.source.as_str(),
            from: gap.from,
            until: gap.until,
        }
    }
}

impl<'a> TimelineJson<'a> {
    /// Events between two moments.
    pub fn new(
        lines: &'a [Line],
        blind: &'a [Gap],
        (from, until): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Self {
        let event = |line: &'a Line| EventJson {
            at: line.at,
            seen: line.seen,
            kind: line.kind,
            state: line.state,
            service: line.service.as_ref(),
            source: line.source.as_ref().map(SourceName::as_str),
            id: line.id.as_ref(),
            what: line.what.as_str(),
        };
        Self {
            schema: "watchfire/timeline/v1",
            generated_at: now,
            from,
            until,
            events: lines.iter().map(event).collect(),
            blind: blind.iter().map(GapJson::from).collect(),
        }
    }
}

fn second(at: Timestamp) -> String {
    whole(at).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Writes what happened for people, as Markdown.
///
/// # Errors
/// When it cannot be written.
pub fn markdown(
    out: &mut impl Write,
    lines: &[Line],
    (from, until): (Timestamp, Timestamp),
) -> io::Result<()> {
    writeln!(out, "# Timeline: {} to {}\n", second(from), second(until))?;
    if lines.is_empty() {
        return writeln!(out, "Nothing is known to have happened.");
    }
    writeln!(
        out,
        "| at | seen | | service | what | source |\n|---|---|---|---|---|---|"
    )?;
    for line in lines {
        let text =
            |text: Option<&str>| text.map_or_else(String::new, |text| words::text(&text.into()));
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            second(line.at),
            line.seen.map(second).unwrap_or_default(),
            line.state,
            line.service.as_ref().map(words::text).unwrap_or_default(),
            text(Some(line.what.as_str())),
            text(line.source.as_ref().map(SourceName::as_str))
        )?;
    }
    Ok(())
}

/// Writes what happened for spreadsheets: comma-separated, every cell quoted, none a formula.
///
/// # Errors
/// When it cannot be written.
pub fn csv(out: &mut impl Write, lines: &[Line]) -> io::Result<()> {
    writeln!(out, "at,seen,kind,state,service,source,id,what")?;
    for line in lines {
        let foreign = |text: Option<&Untrusted>| {
            text.map_or_else(String::new, |text| text.shown().as_str().to_owned())
        };
        let cells = [
            second(line.at),
            line.seen.map(second).unwrap_or_default(),
            line.kind.to_owned(),
            line.state.to_owned(),
            foreign(line.service.as_ref()),
            line.source
                .as_ref()
                .map_or_else(String::new, |one| Shown::new(one.as_str()).to_string()),
            foreign(line.id.as_ref()),
            line.what.as_str().to_owned(),
        ];
        writeln!(out, "{}", cells.map(|cell| quoted(&cell)).join(","))?;
    }
    Ok(())
}

/// A cell in quotes. One that a spreadsheet would compute begins with an apostrophe, which has it taken
/// as text: <https://owasp.org/www-community/attacks/CSV_Injection>.
fn quoted(cell: &str) -> String {
    let first = cell.trim_start().chars().next();
    let is_formula = matches!(
        first,
        Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠')
    );
    let mark = if is_formula { "'" } else { "" };
    format!("\"{mark}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_every_quote_is_doubled() {
        for (cell, want) in [
            ("checkout", "\"checkout\""),
            ("a, \"b\"", "\"a, \"\"b\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("  @SUM(A1)", "\"'  @SUM(A1)\""),
            ("+49", "\"'+49\""),
            ("-2", "\"'-2\""),
            ("", "\"\""),
        ] {
            assert_eq!(quoted(cell), want);
        }
    }

    #[test]
    fn control_characters_and_line_ends_of_others_do_not_reach_a_row() {
        let line = Line {
            at: Timestamp::UNIX_EPOCH,
            seen: None,
            kind: "incident",
            state: "PAGE",
            service: Some("=cmd|'/C calc'!A0".into()),
            source: Some(SourceName::new("am")),
            id: Some("a\r\nb\u{1b}[31m".into()),
            what: Shown::new("it burns\n=2"),
        };
        let mut out = Vec::new();
        csv(&mut out, &[line]).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(!text.contains(['\r', '\u{1b}']), "{text}");
        assert!(text.contains("\"'=cmd|'/C calc'!A0\""), "{text}");
    }
}
