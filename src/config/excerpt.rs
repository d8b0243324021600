//! The line that a mistake is on, with carets below it, and without any secret that stands there.

use std::fmt;
use std::ops::Range;

use crate::text::{Shown, Untrusted};

/// The most characters that are quoted before the mistake.
const BEFORE: usize = 60;
/// The most characters that are quoted from the mistake on.
const AFTER: usize = 80;

/// How much of a line may be quoted at most; a line that looks secret is cut anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quote {
    /// All of it.
    Whole,
    /// The key that it begins with.
    Key,
    /// Nothing: it may be in the middle of a secret.
    Nothing,
}

/// The offending line.
#[derive(Debug)]
pub(super) struct Excerpt {
    number: usize,
    line: String,
    indent: usize,
    carets: usize,
}

impl Excerpt {
    /// Quotes line `number`; `marked` are the bytes in it that are wrong.
    pub(super) fn new(number: usize, line: &str, marked: Range<usize>, quote: Quote) -> Self {
        let start = line.floor_char_boundary(marked.start);
        let end = line.floor_char_boundary(marked.end).max(start);
        let quote = match quote {
            _ if is_header(line) => Quote::Whole,
            Quote::Whole if is_secretive(line) => Quote::Key,
            quote => quote,
        };
        let (line, indent, carets) = match quote {
            Quote::Whole => whole(line, start..end),
            Quote::Key => key(line, start..end),
            Quote::Nothing => ("…".to_owned(), 0, 1),
        };
        Self {
            number,
            line,
            indent,
            carets: carets.max(1),
        }
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number.to_string();
        let margin = " ".repeat(number.len());
        let indent = " ".repeat(self.indent);
        let carets = "^".repeat(self.carets);
        let line = &self.line;
        write!(
            f,
            "{margin} |\n{number} | {line}\n{margin} | {indent}{carets}"
        )
    }
}

/// True for a line or key whose value may be a credential.
pub(super) fn is_secretive(text: &str) -> bool {
    const WORDS: [&str; 12] = [
        "token",
        "password",
        "passwd",
        "secret",
        "authorization",
        "cookie",
        "credential",
        "basic",
        "header",
        "apikey",
        "api_key",
        "api-key",
    ];
    let text = text.to_ascii_lowercase();
    let is_url = text.contains("://") && text.contains(['@', '?']);
    is_url || WORDS.iter().any(|word| text.contains(word))
}

/// True for `[table]` and `[[list]]`, which hold no value.
fn is_header(line: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || " .-_[]".contains(c);
    line.starts_with('[') && line.chars().all(part)
}

/// The line, cut around the mistake, the width before the mistake, and that of the mistake.
fn whole(line: &str, marked: Range<usize>) -> (String, usize, usize) {
    let (before, rest) = line.split_at(marked.start);
    let skipped = before.chars().count().saturating_sub(BEFORE);
    let cut = if skipped > 0 { "…" } else { "" };
    let before: String = before.chars().skip(skipped).collect();
    let before = shown(&format!("{cut}{before}"));
    let marked: String = rest[..marked.len()].chars().take(AFTER).collect();
    let after: String = rest.chars().take(AFTER).collect();
    let cut = if after.len() < rest.len() { "…" } else { "" };
    let line = format!("{before}{}{cut}", shown(&after));
    (line, before.width(), shown(&marked).width())
}

/// No more of the line than the key that it begins with; likewise.
fn key(line: &str, marked: Range<usize>) -> (String, usize, usize) {
    let (key, _) = line.split_once('=').unwrap_or_default();
    let key = &key[..key.floor_char_boundary(AFTER)];
    let quoted = format!("{}= …", shown(key));
    if marked.start < key.len() {
        let indent = shown(&key[..marked.start]).width();
        let end = key.floor_char_boundary(marked.end);
        let carets = shown(&key[marked.start..end]).width();
        return (quoted, indent, carets);
    }
    let indent = shown(&quoted).width() - 1;
    (quoted, indent, 1)
}

fn shown(text: &str) -> Shown {
    Untrusted::from(text).shown()
}
