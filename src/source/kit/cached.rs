//! Answers that are requested once in a while and stay while requests fail.

use jiff::{SignedDuration, Timestamp};

use super::partial_fault::is_withheld;
use crate::domain::{Fault, OnCall};
use crate::text::Untrusted;

/// How long a list of who is on call is good, unless a shift begins or ends before.
const ON_CALL_GOOD_FOR: SignedDuration = SignedDuration::from_mins(5);

/// A value, when it is due to be requested again, and what the reader should know of it.
#[derive(Debug)]
pub(in crate::source) struct Cached<T> {
    pub(in crate::source) value: Option<T>,
    pub(in crate::source) warnings: Vec<Untrusted>,
    due: Option<Timestamp>,
}

/// Who is on call; `None` inside where the credential may not read that.
pub(in crate::source) type CachedOnCall = Cached<Option<Vec<OnCall>>>;

/// A new value with its warnings.
pub(in crate::source) type Answered<T> = Result<(T, Vec<Untrusted>), Fault>;

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self {
            value: None,
            warnings: Vec::new(),
            due: None,
        }
    }
}

impl<T> Cached<T> {
    /// True when it is time to request the value.
    pub(in crate::source) fn is_due(&self, now: Timestamp) -> bool {
        self.due.is_none_or(|due| now >= due)
    }

    /// Replaces the value; it is good until `due`.
    pub(in crate::source) fn keep(&mut self, value: T, due: Option<Timestamp>) {
        self.value = Some(value);
        self.due = due;
    }

    /// Takes an answer that is good for a time. A fault leaves the last value with a warning, and is
    /// returned where there is none.
    pub(in crate::source) fn take(
        &mut self,
        answered: Answered<T>,
        now: Timestamp,
        good_for: SignedDuration,
    ) -> Result<(), Fault> {
        match answered {
            Ok((value, warnings)) => {
                self.keep(value, now.checked_add(good_for).ok());
                self.warnings = warnings;
            }
            Err(fault) if self.value.is_none() => return Err(fault),
            Err(fault) => self.warnings = vec![fault.message],
        }
        Ok(())
    }
}

impl CachedOnCall {
    /// Takes an answer that is good until the next shift begins or ends. A fault leaves the last one.
    pub(in crate::source) fn take_on_call(
        &mut self,
        answered: Answered<Vec<OnCall>>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let answered = answered.map_err(|fault| fault.of_part("who is on call"));
        let (rows, warnings) = match answered {
            Ok((rows, warnings)) => (Some(rows), warnings),
            Err(fault) if is_withheld(fault.kind) => (None, vec![fault.message]),
            Err(fault) => return Err(fault),
        };
        let changes = rows.iter().flatten().flat_map(|row| [row.from, row.until]);
        let end = now.checked_add(ON_CALL_GOOD_FOR);
        let due = changes.flatten().chain(end).min();
        self.keep(rows, due);
        self.warnings = warnings;
        Ok(())
    }
}
