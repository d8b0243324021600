//! `Untrusted` to `Shown`: the only way foreign text reaches a terminal, a log or a child process.
//!
//! Everything a server, a file or a user's label says is [`Untrusted`]: it can be compared and
//! stored, but it has no `Display`. [`Untrusted::shown`] is the one door out. What it lets through
//! cannot steer a terminal, cannot reorder a line, cannot hide, and cannot flood a slow link:
//!
//! | input | shown as | why |
//! |---|---|---|
//! | a whole escape sequence (CSI, OSC, DCS, APC, PM, SOS, two-byte) | `⟦esc⟧` | no debris, no silent loss |
//! | other C0, DEL, C1 | `^G`, `\x9b` | caret notation, as `kubectl`, `git` and `gh` print it |
//! | tab, line end | one space, `⏎` | words must not join |
//! | bidi controls, zero-width, tags, fillers, private use, noncharacters | `‹U+202E›` | look-alikes must look different |
//! | more than [`MAX_CLUSTER_CHARS`] code points or [`MAX_CLUSTER_BYTES`] bytes in one cluster | cut, then `⟦+⟧` | one cell must stay cheap |
//! | more than [`MAX_INPUT_BYTES`] | cut, then `…` | one field must stay cheap |

use std::fmt::{self, Write as _};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The most code points one grapheme cluster may carry to the screen.
pub const MAX_CLUSTER_CHARS: usize = 8;
/// The most bytes one grapheme cluster may carry to the screen.
pub const MAX_CLUSTER_BYTES: usize = 24;
/// The most bytes of one field that are looked at.
pub const MAX_INPUT_BYTES: usize = 16 * 1024;
/// The widest one field may become, in columns.
pub const MAX_COLUMNS: usize = 512;

/// Text that somebody else wrote. It can be kept and compared, never displayed as it is. Its clones
/// share it: the id of an SLO is kept in half a dozen places.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(Arc<str>);

impl Untrusted {
    /// The raw text, for comparing, matching, and for encoders that escape it themselves.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// True when there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text made safe to draw or print.
    pub fn shown(&self) -> Shown {
        Shown(sanitise(&self.0))
    }

    /// The same without the limit of [`MAX_COLUMNS`], for what is there to be copied: a query cut
    /// short is none.
    pub fn shown_whole(&self) -> Shown {
        Shown(harmless(&self.0))
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", sanitise(&self.0))
    }
}

/// Text that is safe on a terminal: our own words, or foreign ones after [`Untrusted::shown`].
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shown(String);

impl Shown {
    /// Our own words. Anything foreign among them is made safe all the same.
    pub fn new(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && text.len() <= MAX_COLUMNS {
            return Self(text.to_owned());
        }
        Self(sanitise(text))
    }

    /// The safe text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How many terminal columns it takes.
    pub fn width(&self) -> usize {
        self.0.width()
    }

    /// True when there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text cut to `columns`, with `…` in place of what is gone.
    #[must_use]
    pub fn fit(&self, columns: usize) -> Self {
        if self.width() <= columns {
            return self.clone();
        }
        Self(cut(&self.0, columns))
    }
}

impl Shown {
    /// The text cut to `columns` in its middle: of two long names with one beginning, the ends tell
    /// which is which.
    #[must_use]
    pub fn fit_middle(&self, columns: usize) -> Self {
        if self.width() <= columns {
            return self.clone();
        }
        let Some(room) = columns.checked_sub(1) else {
            return Self::default();
        };
        let clusters: Vec<_> = self.0.graphemes(true).collect();
        let head = fitting(clusters.iter().copied(), room.div_ceil(2));
        let left = room - head.width();
        let tail = fitting(clusters.iter().rev().copied(), left);
        Self(format!("{head}…{}", &self.0[self.0.len() - tail.len()..]))
    }
}

/// As many clusters as fit, joined.
fn fitting<'a>(clusters: impl Iterator<Item = &'a str>, columns: usize) -> String {
    let mut used = 0;
    clusters
        .take_while(|cluster| {
            used += cluster.width();
            used <= columns
        })
        .collect()
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// `text` cut to `columns` on a grapheme border, the last column an ellipsis.
fn cut(text: &str, columns: usize) -> String {
    if columns == 0 {
        return String::new();
    }
    let mut kept = String::new();
    let mut width = 0;
    for cluster in text.graphemes(true) {
        let next = cluster.width();
        if width + next > columns - 1 {
            break;
        }
        kept.push_str(cluster);
        width += next;
    }
    kept.push('…');
    kept
}

fn sanitise(text: &str) -> String {
    let safe = harmless(text);
    if safe.width() > MAX_COLUMNS {
        return cut(&safe, MAX_COLUMNS);
    }
    safe
}

/// The text safe to show, however wide.
fn harmless(text: &str) -> String {
    let (text, was_cut) = bounded(text);
    let plain = unescape(text);
    let mut safe = String::with_capacity(plain.len());
    for cluster in plain.graphemes(true) {
        push_cluster(&mut safe, cluster);
    }
    if was_cut {
        safe.push('…');
    }
    safe
}

/// The first [`MAX_INPUT_BYTES`] of `text`, on a character border, and whether anything was left.
fn bounded(text: &str) -> (&str, bool) {
    if text.len() <= MAX_INPUT_BYTES {
        return (text, false);
    }
    (&text[..text.floor_char_boundary(MAX_INPUT_BYTES)], true)
}

/// Every control character, escape sequence and invisible character made visible.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => {
                skip_sequence(&mut rest);
                out.push_str("⟦esc⟧");
            }
            '\u{9b}' => {
                skip_csi(&mut rest);
                out.push_str("⟦esc⟧");
            }
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => {
                skip_string(&mut rest);
                out.push_str("⟦esc⟧");
            }
            '\t' => out.push(' '),
            '\n' => out.push('⏎'),
            '\r' => {
                if rest.peek() != Some(&'\n') {
                    out.push('⏎');
                }
            }
            '\u{0}'..='\u{1f}' => {
                out.push('^');
                out.push(char::from(c as u8 + 0x40));
            }
            '\u{7f}' => out.push_str("^?"),
            '\u{80}'..='\u{9f}' => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            _ if is_invisible(c) => name(&mut out, c),
            _ => out.push(c),
        }
    }
    out
}

/// Adds an invisible character's number, so that it can be seen.
fn name(out: &mut String, c: char) {
    let _ = write!(out, "‹U+{:04X}›", u32::from(c));
}

type Rest<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Consumes what follows an ESC: a CSI or string sequence whole, else its intermediates and final.
fn skip_sequence(rest: &mut Rest<'_>) {
    match rest.peek() {
        Some('[') => {
            rest.next();
            skip_csi(rest);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            rest.next();
            skip_string(rest);
        }
        _ => {
            while rest.next_if(|c| matches!(c, ' '..='/')).is_some() {}
            rest.next_if(|c| matches!(c, '0'..='~'));
        }
    }
}

/// Consumes the parameters, intermediates and final byte of a control sequence.
fn skip_csi(rest: &mut Rest<'_>) {
    while rest.next_if(|c| matches!(c, '0'..='?')).is_some() {}
    while rest.next_if(|c| matches!(c, ' '..='/')).is_some() {}
    rest.next_if(|c| matches!(c, '@'..='~'));
}

/// Consumes a control string up to its terminator (BEL, ST) or, when none comes, a line end.
///
/// An unterminated string would swallow the rest of the field on a terminal; here it must not hide
/// what follows on the next line.
fn skip_string(rest: &mut Rest<'_>) {
    while let Some(&c) = rest.peek() {
        match c {
            '\n' => return,
            '\u{7}' | '\u{9c}' => {
                rest.next();
                return;
            }
            '\u{1b}' => {
                rest.next();
                rest.next_if_eq(&'\\');
                return;
            }
            _ => {
                rest.next();
            }
        }
    }
}

/// A word of theirs within a message, short enough to leave room for ours.
pub(crate) fn clipped(word: &str) -> String {
    const MOST: usize = 60;
    match word.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &word[..end]),
        None => word.to_owned(),
    }
}

/// True for a character that a terminal draws as itself: no control, nothing invisible.
pub fn is_visible(c: char) -> bool {
    // What nearly every character is, and told at once.
    matches!(c, ' '..='~') || (!c.is_control() && !is_invisible(c))
}

/// Characters that draw nothing, reorder their neighbours, or stand for nothing anyone can name.
///
/// The joiner (U+200D) and the variation selectors 15 and 16 stay: they build real emoji, and a
/// cluster's size is bounded anyway.
fn is_invisible(c: char) -> bool {
    matches!(
        u32::from(c),
        0x00ad                      // soft hyphen
            | 0x034f                // combining grapheme joiner
            | 0x061c                // Arabic letter mark
            | 0x115f..=0x1160       // Hangul fillers
            | 0x17b4..=0x17b5       // Khmer inherent vowels
            | 0x180b..=0x180f       // Mongolian selectors
            | 0x200b..=0x200c       // zero-width space, non-joiner
            | 0x200e..=0x200f       // direction marks
            | 0x2028..=0x202e       // separators, embeddings, overrides
            | 0x2060..=0x206f       // word joiner, isolates, deprecated
            | 0x2800                // blank Braille
            | 0x3164                // Hangul filler
            | 0xe000..=0xf8ff       // private use
            | 0xfdd0..=0xfdef       // noncharacters
            | 0xfe00..=0xfe0d       // variation selectors 1 to 14
            | 0xfeff                // byte order mark
            | 0xffa0                // half-width Hangul filler
            | 0xfff0..=0xfffb       // specials, annotations
            | 0x1_bca0..=0x1_bca3   // shorthand format controls
            | 0x1_d173..=0x1_d17a   // musical format controls
            | 0xe_0000..=0xe_0fff   // tags, further variation selectors
            | 0xf_0000..=0x10_ffff // private use planes
    ) || u32::from(c) & 0xfffe == 0xfffe
}

/// Adds one cluster, cut to its bounds; a cluster with no width of its own becomes visible.
fn push_cluster(safe: &mut String, cluster: &str) {
    if cluster.is_ascii() {
        safe.push_str(cluster);
        return;
    }
    if cluster.width() == 0 {
        for c in cluster.chars().take(MAX_CLUSTER_CHARS) {
            name(safe, c);
        }
        if cluster.chars().nth(MAX_CLUSTER_CHARS).is_some() {
            safe.push_str("⟦+⟧");
        }
        return;
    }
    let mut bytes = 0;
    for (count, c) in cluster.chars().enumerate() {
        bytes += c.len_utf8();
        if count == MAX_CLUSTER_CHARS || bytes > MAX_CLUSTER_BYTES {
            safe.push_str("⟦+⟧");
            return;
        }
        safe.push(c);
    }
}

#[cfg(test)]
mod tests;
