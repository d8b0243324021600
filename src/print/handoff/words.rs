//! Words of a hand-over: foreign text, times and counts as Markdown shows them.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use crate::domain::{Clock, window};
use crate::insight::handoff::DATED;
use crate::text::Untrusted;

/// What means something within a line of Markdown, or begins a tag, an entity, a formula or a
/// reference in what shows it.
const SPECIAL: &[char] = &['\\', '`', '*', '_', '[', ']', '<', '|', '~', '#', '&', '$'];

/// Foreign text within a line: safe on a terminal, and nothing but text in Markdown. What a viewer
/// would turn into a link, a mention or a reference by itself stands as code, since a backslash does
/// not keep it from that.
pub(in crate::print) fn text(foreign: &Untrusted) -> String {
    let shown = foreign.shown();
    let mut plain = String::with_capacity(shown.as_str().len());
    for (place, word) in shown.as_str().split(' ').enumerate() {
        if place > 0 {
            plain.push(' ');
        }
        if !is_live(word) {
            escape(&mut plain, word);
            continue;
        }
        // No backtick of its own may end the code.
        let word = word.replace('`', "'");
        for piece in word.split_inclusive(AROUND) {
            let inner = piece.trim_end_matches(AROUND);
            if is_live(inner) {
                let _ = write!(plain, "`{inner}`");
            } else {
                escape(&mut plain, inner);
            }
            escape(&mut plain, &piece[inner.len()..]);
        }
    }
    plain
}

/// What may stand around an address.
const AROUND: &[char] = &['(', ')', '[', ']', '<', '>', '{', '}', '"', '|', ',', ';'];

/// Adds text in which nothing means anything in Markdown.
fn escape(plain: &mut String, text: &str) {
    for c in text.chars() {
        if SPECIAL.contains(&c) {
            plain.push('\\');
        }
        plain.push(c);
    }
}

/// True for a word that viewers of Markdown make a link, a mention or a reference of: `https://…`,
/// `www.…`, `mailto:…`, `@name`, `name@host`, `#1`, `!1`.
fn is_live(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let is_link = ["://", "www.", "mailto:", "javascript:", "data:"];
    let mut pairs = word.chars().zip(word.chars().skip(1));
    word.contains('@')
        || is_link.iter().any(|part| lower.contains(part))
        || pairs.any(|(mark, next)| matches!(mark, '#' | '!') && next.is_ascii_digit())
}

/// A longer address is a query that a rule was made of, and would crowd out the rest on a clipboard.
const LONGEST: usize = 300;

/// A link under words of ours; none where the address is no plain one of the web, or a long one.
pub(super) fn link(words: &str, url: Option<&Untrusted>) -> Option<String> {
    let url = url?.raw();
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let is_plain = |c: char| c.is_ascii_graphic() && !"<>()[]\\`|\"'".contains(c);
    (is_web && url.len() <= LONGEST && url.chars().all(is_plain))
        .then(|| format!("[{words}](<{url}>)"))
}

impl Clock<'_> {
    /// The moment itself, or the time of day with its zone.
    pub(super) fn zoned(&self, at: Timestamp) -> String {
        let zone = at.to_zoned(self.zone.clone()).strftime("%Z").to_string();
        format!("{} {zone}", self.short(at))
    }

    /// From when to when, and how long that is.
    pub(in crate::print) fn period(&self, since: Timestamp, until: Timestamp) -> String {
        let [from, to] = [since, until].map(|at| at.to_zoned(self.zone.clone()));
        let begin = from.strftime("%Y-%m-%d %H:%M");
        let zone = |at: &jiff::Zoned| at.strftime("%Z").to_string();
        // Where the clocks were set in between, each has its own.
        let begin = if zone(&from) == zone(&to) {
            begin.to_string()
        } else {
            format!("{begin} {}", zone(&from))
        };
        let form = if from.date() == to.date() {
            "%H:%M %Z"
        } else {
            "%Y-%m-%d %H:%M %Z"
        };
        let length = length(since.duration_until(until));
        format!("{begin} to {} ({length})", to.strftime(form))
    }

    /// ` (as of 13:39)` of what is not of the end itself; empty of what is.
    pub(super) fn dated(&self, at: Timestamp) -> String {
        if at.duration_until(self.now) > DATED {
            format!(" (as of {})", self.short(at))
        } else {
            String::new()
        }
    }

    /// How long something was before the end.
    pub(super) fn before(&self, at: Timestamp) -> String {
        length(window::age(at, self.now))
    }
}

/// A length in at most two units: `45s`, `12m`, `1h 20m`, `8h`, `3d`.
pub(super) fn length(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    let (hours, minutes) = (seconds / 3_600, seconds % 3_600 / 60);
    match (hours, minutes) {
        (1..48, 1..) => format!("{hours}h {minutes}m"),
        _ => window::brief(length),
    }
}

/// `1 incident`, `2 incidents`.
pub(super) fn count(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

/// A share in percent with one decimal.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// The first of many, and how many more there are.
pub(super) fn some(mut words: Vec<String>, most: usize) -> String {
    let more = words.len().saturating_sub(most);
    words.truncate(most);
    let mut all = words.join(", ");
    if more > 0 {
        let _ = write!(all, " and {more} more");
    }
    all
}

/// The same with a capital at its beginning.
pub(super) fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// Names in a row.
pub(super) fn names(who: &[Untrusted]) -> String {
    let names: Vec<_> = who.iter().map(text).collect();
    names.join(", ")
}
