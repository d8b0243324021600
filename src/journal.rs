//! The journal: what was seen and what was done, in a file of `SQLite`.
//!
//! ```text
//!   Heard ─► compare with what is known ─► frame (rows that changed), events, burns, answers
//!   a moment ─► the whole frame before it, and the changes since ─► World
//! ```
//!
//! What a source says is kept as a film is: now and then a whole frame, in between only the rows
//! that are not as they were. So any moment is read in a few pages, however much lies before it, and
//! what stands still costs nothing. Numbers of SLOs are sampled: every minute while they burn, when the
//! verdict changes or the budget moved noticeably, else every ten minutes, so a past number may be that
//! old and says how old it is. The burn history of what burns is kept in pieces: what lies behind does
//! not change.
//!
//! | table | a row |
//! |---|---|
//! | `source` | a source that was watched, by name and by what it was |
//! | `answer` | a time in which it answered, or in which it failed, and why |
//! | `frame` | rows of one answer that were not as before, or all of them; JSON, deflated |
//! | `slo`, `burn` | burn rates and budget of an SLO over time |
//! | `event` | one thing that happened, as a timeline tells it |
//! | `handoff` | a hand-over that was made, for the next one to compare itself with |
//!
//! Several processes may write one journal. Whoever writes looks first whether somebody else has
//! written since, and compares with what that was: so two that see the same write it once. A fault
//! counts only when nobody hears the source.
//!
//! Nothing secret is in it: facts and faults hold no credential ([`http`](crate::http)).

mod answers;
mod burns;
mod clerk;
mod compare;
mod frame;
mod freezes;
mod happened;
mod keep;
mod measured;
mod open;
mod pieces;
mod prune;
mod recall;
mod recording;
mod salvage;
mod shift;
mod tip;
mod told;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use crate::config::JournalSettings;
use crate::domain::SourceName;
use crate::state;
use tip::Tip;

pub use crate::domain::blind::{Blind, Silence};
pub use clerk::{Clerk, Entry, Said};
pub use open::{FORM, RECORDING};
pub use shift::Lack;
pub use told::{Suspected, Told, suspects};

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long.
    pub keep: SignedDuration,
    /// How many bytes of file.
    pub max_size: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self::from(&JournalSettings::default())
    }
}

/// An open journal.
pub struct Journal {
    db: Connection,
    limits: Limits,
    /// What tells this process' answers from another's.
    writer: i64,
    /// The sources that are watched, in their order.
    tracks: Vec<Track>,
    places: HashMap<SourceName, usize>,
    pruned_at: Option<Timestamp>,
    /// Why it cannot be written, of one that can only be read.
    locked: Option<String>,
}

/// One watched source.
struct Track {
    /// Its row.
    id: i64,
    name: SourceName,
    interval: SignedDuration,
    /// What the journal holds of it, so far as that is remembered.
    tip: Option<Tip>,
    /// True when its next frame is to take the place of all before it, for want of room.
    starts_anew: bool,
    /// True once this process has kept an answer of it.
    is_kept: bool,
}

/// Where a journal is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this file.
    File(PathBuf),
    /// Nowhere: gone with the process.
    Memory,
    /// In this file, which is only read.
    Recording(PathBuf),
}

impl Place {
    /// Where the settings have it: in their file, else in the state folder, and nowhere when it is off
    /// or there is no home.
    pub fn of(settings: &JournalSettings) -> Self {
        let standard = || Some(state::folder(state::variable)?.join("journal.db"));
        let path = settings.path.clone().or_else(standard);
        path.filter(|_| settings.enabled)
            .map_or(Self::Memory, Self::File)
    }
}

impl From<&JournalSettings> for Limits {
    fn from(settings: &JournalSettings) -> Self {
        Self {
            keep: settings.keep,
            max_size: settings.max_size,
        }
    }
}

/// A moment as the file has it: Unix milliseconds.
fn ms(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// A length of time as the file has it: milliseconds.
fn millis(length: SignedDuration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX / 4)
}

/// A moment of the file; one that no calendar has is the nearest that one has.
fn moment(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(if ms < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}
