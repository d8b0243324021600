//! Plain text and JSON for pipes and pipelines, as safe to look at as the screen.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, PrettyFormatter};

use crate::domain::clock::{maybe_seconds, seconds, whole};
use crate::text;

pub mod doctor;
pub mod explain;
pub mod gate;
pub mod github;
pub mod handoff;
pub mod orders;
pub mod rehearsal;
pub mod report;
pub mod status;
pub mod table;
pub mod timeline;
pub mod verify;

/// Writes a value as JSON in which every character that a terminal could act on, or that cannot be
/// seen, is escaped: the same value for a parser, harmless for a reader.
pub fn json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, Visible::default());
    value.serialize(&mut serializer)?;
    writeln!(out)
}

/// Writes a value as JSON on one line, as safe as [`json`].
pub fn json_line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut pretty = Vec::new();
    json(&mut pretty, value)?;
    // Strings hold no line break: it is escaped.
    let lines = pretty
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_start);
    for line in lines {
        out.write_all(line)?;
    }
    writeln!(out)
}

#[derive(Default)]
struct Visible {
    pretty: PrettyFormatter<'static>,
}

impl Formatter for Visible {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.pretty.begin_array_value(w, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.pretty.begin_object_key(w, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_object_value(writer)
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut plain = 0;
        for (at, c) in fragment
            .char_indices()
            .filter(|&(_, c)| !text::is_visible(c))
        {
            writer.write_all(&fragment.as_bytes()[plain..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            plain = at + c.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[plain..])
    }

    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        self.pretty.write_char_escape(writer, escape)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn json_says_the_same_and_holds_nothing_a_terminal_could_act_on(value in any::<String>()) {
            let mut out = Vec::new();
            json(&mut out, &value).unwrap();
            let out = String::from_utf8(out).unwrap();
            let line = out.strip_suffix('\n').unwrap();
            prop_assert!(line.chars().all(text::is_visible), "{:?}", line);
            prop_assert_eq!(serde_json::from_str::<String>(line).unwrap(), value);
        }
    }

    #[test]
    fn controls_that_json_itself_lets_through_are_escaped() {
        let mut out = Vec::new();
        json(&mut out, &"\u{9b}2J\u{7f}\u{202e}\u{e0041}").unwrap();
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out, "\"\\u009b2J\\u007f\\u202e\\udb40\\udc41\"\n");
    }
}
