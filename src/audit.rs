//! The audit log: every order and every command, written down before it is carried out and after.
//!
//! One JSON object a line, appended and never changed. An `intent` is on the disk before anything is
//! sent; the `result` of the same `id` follows. An intent without a result says that nobody knows
//! what became of it ([`Outcome::Unknown`]). A line that was torn by a kill is ended by whoever
//! writes next, and readers skip it. Several processes may write at the same time: each line is one
//! `write` to the end of the file.

mod deeds;
mod file;
mod read;
mod words;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::config::Settings;
use crate::domain::errand::Ending;
use crate::domain::{Done, Errand, Fault, FaultKind, Order};
use crate::state;

pub use read::{Outcome, Record, records};
pub use words::order as order_as_json;

/// The file's place below the state folder.
const PLACE: &str = "audit.jsonl";

/// Where orders are written down, and by whom.
#[derive(Debug)]
pub struct Audit {
    /// `None` without a setting and without a home.
    path: Option<PathBuf>,
    who: String,
    host: String,
}

/// Tells what this process writes at one moment apart.
static WRITTEN: AtomicU32 = AtomicU32::new(0);

/// An intent that is on the disk; its result is still to be written.
#[derive(Debug)]
#[must_use = "an intent without a result reads as unknown"]
pub struct Intent {
    id: String,
}

impl Audit {
    /// The log of these settings: `[actions] audit_log`, or the one in the state folder.
    pub fn of(settings: &Settings) -> Self {
        let path = settings.actions.audit_log.clone();
        Self {
            path: path.or_else(|| Some(state::folder(state::variable)?.join(PLACE))),
            who: settings.me.called(),
            host: rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned(),
        }
    }

    /// Where it is; `None` without a setting and without a home. Then nothing can be ordered.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Writes that an order is about to be sent.
    ///
    /// # Errors
    /// When that is not on the disk: then it must not be sent.
    pub fn order(&self, order: &Order) -> Result<Intent, Fault> {
        self.intent(words::order(order))
    }

    /// Writes that a command is about to be run; likewise.
    ///
    /// # Errors
    /// When that is not on the disk: then it must not be run.
    pub fn errand(&self, errand: &Errand) -> Result<Intent, Fault> {
        self.intent(words::errand(errand))
    }

    /// Writes what became of an order.
    ///
    /// # Errors
    /// When that is not on the disk: it reads as unknown for ever.
    pub fn done(&self, intent: Intent, outcome: &Result<Done, Fault>) -> Result<(), Fault> {
        self.result(intent, words::outcome(outcome))
    }

    /// Writes how a command ended; likewise.
    ///
    /// # Errors
    /// When that is not on the disk: it reads as unknown for ever.
    pub fn ran(&self, intent: Intent, ending: &Ending) -> Result<(), Fault> {
        self.result(intent, words::ending(ending))
    }

    fn intent(&self, mut line: Value) -> Result<Intent, Fault> {
        let at = Timestamp::now();
        let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let id = format!(
            "{:x}-{:x}-{number:x}",
            at.as_microsecond(),
            std::process::id()
        );
        line["event"] = json!("intent");
        line["id"] = json!(id);
        line["at"] = json!(at.to_string());
        line["who"] = json!(self.who);
        line["host"] = json!(self.host);
        let Some(path) = &self.path else {
            let words = "not sent: there is no place for the audit log without HOME or \
                         XDG_STATE_HOME; set `audit_log` in [actions]";
            return Err(Fault::new(FaultKind::NotOffered, words));
        };
        file::append(path, &line.to_string()).map_err(|error| {
            let path = path.display();
            let words = format!(
                "not sent, as it cannot be written to the audit log {path} ({error}); \
                 see to that or set `audit_log` in [actions]"
            );
            Fault::new(FaultKind::NotOffered, words)
        })?;
        Ok(Intent { id })
    }

    fn result(&self, intent: Intent, mut line: Value) -> Result<(), Fault> {
        line["event"] = json!("result");
        line["id"] = Value::String(intent.id);
        line["at"] = json!(Timestamp::now().to_string());
        // An intent is only ever made with a path.
        let Some(path) = &self.path else {
            return Ok(());
        };
        file::append(path, &line.to_string()).map_err(|error| {
            let path = path.display();
            let words = format!("the audit log {path} lacks the result ({error})");
            Fault::new(FaultKind::Crash, words)
        })
    }
}

#[cfg(test)]
mod tests;
