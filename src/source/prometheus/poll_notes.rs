//! Warnings and faults collected while one poll goes on.

use std::collections::BTreeSet;

use crate::domain::{Fault, Faults};
use crate::text::Untrusted;

/// The warnings and faults of one poll.
#[derive(Default)]
pub(super) struct PollNotes {
    pub(super) warnings: BTreeSet<Untrusted>,
    pub(super) faults: Faults,
}

impl PollNotes {
    pub(super) fn warn(&mut self, warnings: impl IntoIterator<Item = Untrusted>) {
        self.warnings.extend(warnings);
    }

    /// All faults as one; the others are warnings.
    pub(super) fn fault(&mut self) -> Option<Fault> {
        let (fault, others) = std::mem::take(&mut self.faults).finish();
        self.warn(others);
        fault
    }

    /// The part's answer; its fault is noted, and the rest goes on.
    pub(super) fn note<T>(&mut self, part: &str, answer: Result<T, Fault>) -> Option<T> {
        match answer {
            Ok(answer) => Some(answer),
            Err(fault) => {
                self.faults.push(fault.of_part(part));
                None
            }
        }
    }
}
