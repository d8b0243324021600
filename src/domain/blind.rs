//! A blind spot: a time in which nothing was known of a source.

use jiff::Timestamp;

use super::{Fault, SourceName};

/// A time in which nothing was known of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Blind {
    /// Which source.
    pub source: SourceName,
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None` while it goes on.
    pub until: Option<Timestamp>,
    /// Why.
    pub why: Silence,
}

/// Why nothing was known.
#[derive(Clone, Debug, PartialEq)]
pub enum Silence {
    /// The source did not answer.
    Failed(Fault),
    /// Nobody asked: watchfire did not run.
    Unwatched,
}
