//! What the audit log says: each order once, with its result where there is one.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;

use crate::text::Untrusted;

/// One order or command of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its id in the log.
    pub id: String,
    /// When it was about to be sent.
    pub at: Timestamp,
    /// Who gave it.
    pub who: Untrusted,
    /// At which source; empty for a command.
    pub source: Untrusted,
    /// What was to be done: a [`Verb`](crate::domain::Verb)'s word, or `run`.
    pub verb: Untrusted,
    /// To what, by id.
    pub target: Untrusted,
    /// What that is called.
    pub name: Untrusted,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nobody wrote that down: it may have been carried out.
    Unknown,
    /// The word of the result, and what was said.
    Known {
        /// `done`, `moved`, `refused`, `unsure` or `failed`.
        result: String,
        /// One sentence.
        said: Untrusted,
    },
}

#[derive(Deserialize)]
struct Line {
    event: String,
    id: String,
    at: Timestamp,
    #[serde(default)]
    who: Untrusted,
    #[serde(default)]
    source: Untrusted,
    #[serde(default)]
    verb: Untrusted,
    #[serde(default)]
    target: Untrusted,
    #[serde(default)]
    name: Untrusted,
    #[serde(default)]
    result: String,
    #[serde(default)]
    said: Untrusted,
}

/// Every order of a log, oldest first; none when there is no log. Lines that are torn or that this
/// version does not know are skipped.
///
/// # Errors
/// When the file cannot be read.
pub fn records(path: &Path) -> io::Result<Vec<Record>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut records: Vec<Record> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let lines = bytes.split(|byte| *byte == b'\n');
    for line in lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok()) {
        match line.event.as_str() {
            "intent" => {
                places.insert(line.id.clone(), records.len());
                records.push(Record {
                    id: line.id,
                    at: line.at,
                    who: line.who,
                    source: line.source,
                    verb: line.verb,
                    target: line.target,
                    name: line.name,
                    outcome: Outcome::Unknown,
                });
            }
            "result" => {
                let record = places.get(&line.id).and_then(|at| records.get_mut(*at));
                if let Some(record) = record {
                    record.outcome = Outcome::Known {
                        result: line.result,
                        said: line.said,
                    };
                }
            }
            _ => {}
        }
    }
    Ok(records)
}
