//! Commands of the user's own, each for one row.

use jiff::Timestamp;

use crate::domain::{Errand, Ran};
use crate::pane::RowKey;

/// One command for one row, and how far it has come.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app) struct Job {
    /// Which of the configured commands.
    pub(in crate::app) command: usize,
    pub(in crate::app) row: RowKey,
    pub(in crate::app) errand: Errand,
    pub(in crate::app) step: Step,
    pub(in crate::app) shown_at: Timestamp,
}

/// How far a command has come.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app) enum Step {
    /// It is shown.
    Offered,
    /// The row changed while it was looked at: how.
    Changed(String),
    /// It runs.
    Running,
    /// It has ended.
    Ended(Ran),
}
