//! How many rows an answer may list: what is made of a row takes far more memory than its text.
//!
//! The rows are counted in the text, before any of them is read.

use memchr::memchr2;

use crate::domain::{Fault, FaultKind};

/// The most rows of one list, where its source sets no lower limit.
const MAX_ROWS: usize = 20_000;
/// The most values of one answer, in all of its lists and objects together.
const MAX_VALUES: usize = 1_000_000;
/// Lists and objects nested deeper than this are refused when they are read.
const MAX_DEPTH: usize = 128;

/// The most rows that are read of one answer, and what to do about more.
#[derive(Clone, Copy, Debug)]
pub struct RowLimit {
    /// The most elements of one list.
    pub most: usize,
    /// The word for its elements, in the plural.
    pub what: &'static str,
    /// How the owner of the source gets fewer of them.
    pub fix: &'static str,
}

impl Default for RowLimit {
    fn default() -> Self {
        Self {
            most: MAX_ROWS,
            what: "rows",
            fix: "ask for less",
        }
    }
}

impl RowLimit {
    /// The usual limit in words of its own.
    pub const fn new(what: &'static str, fix: &'static str) -> Self {
        Self {
            most: MAX_ROWS,
            what,
            fix,
        }
    }

    /// Refuses a count above the limit.
    ///
    /// # Errors
    /// [`FaultKind::TooLarge`], with the count, the limit and what to do.
    pub fn check(&self, count: usize) -> Result<(), Fault> {
        if count <= self.most {
            return Ok(());
        }
        let Self { most, what, fix } = self;
        let words =
            format!("the answer lists {count} {what}; {most} are the most that are read: {fix}");
        Err(Fault::new(FaultKind::TooLarge, words))
    }

    /// Refuses a JSON text with too many rows or values. One that is no JSON passes: whoever reads it
    /// has better words.
    pub(super) fn check_text(&self, body: &[u8]) -> Result<(), Fault> {
        // Each element takes two bytes.
        if body.len() / 2 < self.most.min(MAX_VALUES) {
            return Ok(());
        }
        let counts = Counts::of(body);
        self.check(counts.longest)?;
        if counts.values > MAX_VALUES {
            let words = format!(
                "the answer holds {} values; {MAX_VALUES} are the most that are read: {}",
                counts.values, self.fix
            );
            return Err(Fault::new(FaultKind::TooLarge, words));
        }
        Ok(())
    }
}

/// What a JSON text consists of.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    /// The elements of its longest list; an empty one counts as one.
    longest: usize,
    /// Values of all kinds.
    values: usize,
}

impl Counts {
    fn of(body: &[u8]) -> Self {
        let body = body.trim_ascii();
        let mut counts = Self::default();
        if !body.starts_with(b"[") && !body.starts_with(b"{") {
            return counts;
        }
        // Each list and object has as many values as commas, and one more.
        counts.values = 1;
        // The commas of each list that is open; `None` for an object.
        let mut open: Vec<Option<usize>> = Vec::new();
        let mut rest = body;
        while let Some((byte, behind)) = rest.split_first() {
            rest = behind;
            match byte {
                b'"' => rest = behind_text(behind),
                b'[' | b'{' => {
                    if open.len() == MAX_DEPTH {
                        return counts;
                    }
                    counts.values += 1;
                    open.push((*byte == b'[').then_some(0));
                }
                b']' | b'}' => {
                    if let Some(Some(commas)) = open.pop() {
                        counts.longest = counts.longest.max(commas + 1);
                    }
                }
                b',' => {
                    counts.values += 1;
                    if let Some(Some(commas)) = open.last_mut() {
                        *commas += 1;
                    }
                }
                _ => {}
            }
        }
        counts
    }
}

/// What follows a text, whose opening quote is before `inside`. Most of an answer is in texts.
fn behind_text(mut inside: &[u8]) -> &[u8] {
    while let Some(at) = memchr2(b'"', b'\\', inside) {
        if inside[at] == b'"' {
            return &inside[at + 1..];
        }
        inside = inside.get(at + 2..).unwrap_or_default();
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_as_they_would_be_read() {
        for (text, longest, values) in [
            ("[1,2,3]", 3, 4),
            (" {\"a\":[1,2],\"b\":[[1],[2],[3,4]]} ", 3, 12),
            ("[\"a,b\",\"c\\\",[\",\"\\\\\"]", 3, 4),
            ("{\"a\":1,\"b\":{\"c\":2,\"d\":3}}", 0, 5),
            ("\"a,b,c\"", 0, 0),
            ("<p>a,b,[c]</p>", 0, 0),
            ("", 0, 0),
        ] {
            assert_eq!(
                Counts::of(text.as_bytes()),
                Counts { longest, values },
                "{text}"
            );
        }
        let deep = "[".repeat(1_000);
        assert_eq!(Counts::of(deep.as_bytes()).values, MAX_DEPTH + 1);
    }

    #[test]
    fn a_list_that_is_too_long_is_refused_with_count_limit_and_advice() {
        let limit = RowLimit::new("series", "aggregate them");
        let list = |count: usize| format!("{{\"a\":[{}0]}}", "0,".repeat(count - 1));
        assert!(limit.check_text(list(MAX_ROWS).as_bytes()).is_ok());
        let fault = limit.check_text(list(300_000).as_bytes()).unwrap_err();
        assert_eq!(fault.kind, FaultKind::TooLarge);
        assert_eq!(
            fault.message.raw(),
            "the answer lists 300000 series; 20000 are the most that are read: aggregate them"
        );
        // Many lists, each of them short.
        let rows = "[1,2,3,4,5,6,7,8,9,0],".repeat(120_000);
        let many = format!("[[{rows}0],[0]]");
        let spread = many.replace(",[1", "],[[1");
        for text in [many, spread] {
            assert!(limit.check_text(text.as_bytes()).is_err());
        }
    }
}
