//! The rows of a list that comes in pages: each once, and words for what is missing.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::domain::{Fault, FaultKind};
use crate::text::Untrusted;

/// The rows of a list, as far as they were loaded.
#[derive(Debug)]
pub(super) struct Listed<T> {
    pub(super) rows: Vec<T>,
    pub(super) warnings: Vec<Untrusted>,
}

/// The rows that have come so far.
pub(super) struct Gathered<T> {
    pub(super) rows: Vec<T>,
    /// What makes each row itself.
    seen: HashSet<String>,
    unread: usize,
    /// How many there are in all, where the server says so.
    total: Option<usize>,
}

/// Why a list ends before its last page.
pub(super) enum Cut {
    /// Enough has come.
    Cap,
    /// Something else, in words.
    For(&'static str),
}

impl<T: DeserializeOwned> Gathered<T> {
    pub(super) fn new() -> Self {
        Self {
            rows: Vec::new(),
            seen: HashSet::new(),
            unread: 0,
            total: None,
        }
    }

    /// Adds the rows of a page that are new; one that cannot be read is counted, and costs no other.
    pub(super) fn add(&mut self, page: Vec<Value>, total: Option<usize>) {
        self.total = total.or(self.total);
        for row in page {
            if !self.seen.insert(identity(&row)) {
                continue;
            }
            match serde_json::from_value(row) {
                Ok(row) => self.rows.push(row),
                Err(_) => self.unread += 1,
            }
        }
    }

    /// How many different rows have come, those that could not be read among them.
    pub(super) fn seen(&self) -> usize {
        self.seen.len()
    }

    /// True when as many came as there are.
    pub(super) fn is_complete(&self) -> bool {
        self.total.is_some_and(|total| self.seen.len() >= total)
    }

    /// The list of `what`; `rest` tells of what is behind a cut whose size nobody said.
    pub(super) fn finish(self, cut: Option<Cut>, what: &str, rest: &str) -> Listed<T> {
        let mut warnings: Vec<Untrusted> = Vec::new();
        if let Some(cut) = cut {
            let count = self.rows.len();
            let words = match self.total.filter(|total| *total > count) {
                Some(total) => format!("{count} of {total} {what} loaded"),
                None => format!("{count} {what} loaded, and {rest}"),
            };
            warnings.push(match cut {
                Cut::Cap => words.into(),
                Cut::For(why) => format!("{words}: {why}").into(),
            });
        }
        if self.unread > 0 {
            let words = format!(
                "{} of {} {what} could not be read",
                self.unread,
                self.seen.len()
            );
            warnings.push(words.into());
        }
        let rows = self.rows;
        Listed { rows, warnings }
    }
}

/// What makes a row itself: its id, or all of it where it has none.
fn identity(row: &Value) -> String {
    match row.get("id").and_then(Value::as_str) {
        Some(id) => id.to_owned(),
        None => row.to_string(),
    }
}

/// Takes the rows out of an answer; `api` is what it should have been an answer of.
pub(super) fn rows(
    answer: &mut Map<String, Value>,
    key: &str,
    api: &str,
) -> Result<Vec<Value>, Fault> {
    match answer.remove(key) {
        Some(Value::Array(rows)) => Ok(rows),
        Some(Value::Null) => Ok(Vec::new()),
        _ => {
            let message = format!("the answer has no `{key}`; is `url` {api}?");
            Err(Fault::new(FaultKind::Decode, message))
        }
    }
}
