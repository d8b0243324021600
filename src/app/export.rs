//! A view to share: in which form, asked in the last line of the screen.

use super::Effect;
use super::key::{Code, Key};
use super::model::Model;
use crate::pane::{Line, Role};

/// The form of an exported view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// A picture for a browser, a chat or a document.
    Svg,
    /// Text with the escape sequences of its colours.
    Ansi,
    /// Text alone.
    Text,
}

impl ExportFormat {
    /// Every form, with its key and its word.
    const ALL: [(char, &'static str, Self); 3] = [
        ('s', "SVG", Self::Svg),
        ('a', "ANSI", Self::Ansi),
        ('t', "text", Self::Text),
    ];

    /// How the name of its file ends.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Ansi => "ansi",
            Self::Text => "txt",
        }
    }
}

/// A key while the form is asked for; any other one closes the question.
pub(super) fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    model.modes.pop();
    let (Code::Char(typed), false) = (key.code, key.ctrl) else {
        return Vec::new();
    };
    let chosen = ExportFormat::ALL
        .iter()
        .find(|(letter, ..)| *letter == typed);
    chosen
        .map(|(.., format)| Effect::Export(*format))
        .into_iter()
        .collect()
}

/// The question.
pub(super) fn question() -> Line {
    let start = Line::of(" export this view as", Role::Strong);
    let formats = ExportFormat::ALL
        .iter()
        .fold(start, |line, (letter, word, _)| {
            line.text(format!("  {letter}"), Role::Accent)
                .text(format!(" {word}"), Role::Dim)
        });
    formats.text("  esc", Role::Accent).text(" back", Role::Dim)
}
