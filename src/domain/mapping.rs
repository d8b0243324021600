//! How a source's answer became rows, for whoever writes the mapping.

use crate::text::Untrusted;

/// What the programs of a source made of its last answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    /// One for each program, in the order of the settings.
    pub programs: Vec<Mapping>,
    /// What else is worth knowing, such as how many pages were read and why no more.
    pub notes: Vec<Untrusted>,
}

/// What one program made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The setting that holds it: `releases`.
    pub program: &'static str,
    /// How many rows it emitted.
    pub emitted: usize,
    /// How many of them were kept.
    pub kept: usize,
    /// How many rows were seen on an earlier page, and left out for that.
    pub repeated: usize,
    /// How many were dropped.
    pub dropped: usize,
    /// The first of those dropped.
    pub drops: Vec<Dropped>,
    /// How many values were left out of rows that were kept.
    pub misread: usize,
    /// The first of those, in words.
    pub misreads: Vec<Untrusted>,
    /// True when it had more rows than are taken.
    pub is_cut: bool,
    /// The first object of its input, where something went wrong or nothing was emitted.
    pub example: Option<Untrusted>,
}

/// A row that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Which one, from 1, among those that the program emitted.
    pub row: usize,
    /// What is wrong with it.
    pub reason: Untrusted,
    /// The row as it was emitted, cut when it is long.
    pub raw: Untrusted,
}
