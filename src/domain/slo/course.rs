//! How bad events came over time, closely: what a burn's beginning is found in.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The events of the time before a moment, as long as [`Course::width`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// Its end.
    pub at: Timestamp,
    /// Those that broke the objective; their share where nothing is counted.
    pub bad: f64,
    /// All of them, above 0; 1 where nothing is counted.
    pub total: f64,
}

/// A stretch of time in slices, which may overlap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// Oldest first. A moment without events, or without data, has none.
    pub slices: Vec<Slice>,
    /// From where it was asked for: what lies before is not known.
    pub from: Timestamp,
    /// How far their ends are apart.
    pub step: SignedDuration,
    /// How far each looks back.
    pub width: SignedDuration,
    /// False where only the share of bad events is known.
    pub counted: bool,
}
