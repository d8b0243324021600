//! What was scraped, kept in a file of `SQLite`: samples, and what minutes and hours made of them.
//!
//! Every table is ordered by time first, so that one scrape touches a few pages whatever the number
//! of series, one window is one stretch of them, and what is too old goes from the front. One round
//! of scrapes is one transaction: a process that is killed loses the round it was in.
//!
//! | table | a row | kept |
//! |---|---|---|
//! | `samples` | one sample | [`RAW`] |
//! | `minutes`, `hours` | a [`Segment`] of one series, from its first sample in there to its last | [`MINUTES`], `keep` |
//! | `series` | the labels of one, as JSON | as long as its samples |
//! | `targets` | when a target was last asked, and what was wrong with it | while it is a target |

mod open;
mod prune;
mod room;
mod write;

use std::path::PathBuf;

use rusqlite::{Connection, Row};

use super::segment::Segment;
use crate::domain::Fault;
use crate::state;
use crate::state::database::Trouble;

pub(super) use open::FORM;
use write::Known;

/// How long single samples are kept, in milliseconds: the windows that page end exactly.
pub(super) const RAW: i64 = 6 * HOUR + 10 * MINUTE;
/// How long minutes are kept, in milliseconds: windows of up to three days end at a minute.
pub(super) const MINUTES: i64 = 74 * HOUR;

/// A minute in milliseconds.
pub(super) const MINUTE: i64 = 60_000;
/// An hour in milliseconds.
pub(super) const HOUR: i64 = 60 * MINUTE;

/// How finely a stretch of time is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tier {
    /// Sample by sample.
    Samples,
    /// By the minute.
    Minutes,
    /// By the hour.
    Hours,
}

/// One sample to keep.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kept {
    /// The labels of its series with its name, as JSON with sorted keys: the series' identity.
    pub(super) series: String,
    /// When it was taken, in Unix milliseconds.
    pub(super) at: i64,
    /// Its value. One that is no number is kept as infinite, as the file knows no NaN.
    pub(super) value: f64,
}

/// What came of asking one target.
#[derive(Debug)]
pub(super) struct Scraped {
    /// What it is called: host and port.
    pub(super) instance: String,
    /// The series that says whether it answered, as in [`Kept::series`].
    pub(super) up: String,
    /// When it was asked, in Unix milliseconds.
    pub(super) at: i64,
    /// What it exposes, or why nothing is known of it.
    pub(super) outcome: Result<Vec<Kept>, Fault>,
}

/// A target, as the process that asks it left it.
#[derive(Debug, PartialEq)]
pub(super) struct TargetState {
    /// What it is called.
    pub(super) instance: String,
    /// When it was last asked, in Unix milliseconds.
    pub(super) at: i64,
    /// What was wrong with it then.
    pub(super) fault: Option<String>,
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How long, in milliseconds.
    pub(super) keep: i64,
    /// How many bytes on the disk.
    pub(super) max_size: u64,
    /// How long the longest period is, in milliseconds.
    pub(super) wanted: i64,
}

/// The open file.
pub(super) struct History {
    db: Connection,
    limits: Limits,
    known: Known,
    pruned_at: Option<i64>,
    /// True after hours were taken away for want of room.
    lost: bool,
}

impl History {
    /// Visits the segments of `from..to` that end before `before`, from new to old. Times are Unix
    /// milliseconds; `from` and `to` are whole minutes or hours for those tiers.
    pub(super) fn scan(
        &self,
        tier: Tier,
        (from, to): (i64, i64),
        before: i64,
        mut visit: impl FnMut(i64, Segment),
    ) -> Result<(), Trouble> {
        let query = match tier {
            Tier::Samples => {
                "SELECT series, at, value FROM samples
                 WHERE at >= ?1 AND at < ?2 AND at < ?3 ORDER BY at DESC"
            }
            Tier::Minutes => {
                "SELECT series, count, first_at, first, last_at, last, increase, sum FROM minutes
                 WHERE start >= ?1 AND start < ?2 AND last_at < ?3 ORDER BY start DESC"
            }
            Tier::Hours => {
                "SELECT series, count, first_at, first, last_at, last, increase, sum FROM hours
                 WHERE start >= ?1 AND start < ?2 AND last_at < ?3 ORDER BY start DESC"
            }
        };
        let mut statement = self.db.prepare_cached(query)?;
        let mut rows = statement.query([from, to, before])?;
        while let Some(row) = rows.next()? {
            let segment = match tier {
                Tier::Samples => Segment::of(row.get(1)?, row.get(2)?),
                Tier::Minutes | Tier::Hours => segment(row)?,
            };
            visit(row.get(0)?, segment);
        }
        Ok(())
    }

    /// The series that were added after the one with this number: number and labels.
    pub(super) fn series_after(&self, id: i64) -> Result<Vec<(i64, String)>, Trouble> {
        let mut statement = self
            .db
            .prepare_cached("SELECT id, labels FROM series WHERE id > ?1 ORDER BY id")?;
        let rows = statement.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Since when a tier has everything, in Unix milliseconds; `None` when it has nothing.
    pub(super) fn begins(&self, tier: Tier) -> Result<Option<i64>, Trouble> {
        let query = match tier {
            Tier::Samples => "SELECT min(at) FROM samples",
            Tier::Minutes => "SELECT min(start) FROM minutes",
            Tier::Hours => "SELECT min(start) FROM hours",
        };
        let mut statement = self.db.prepare_cached(query)?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// When the first sample of a minute or an hour was taken that begins at `start`, of any series.
    pub(super) fn first_in(&self, tier: Tier, start: i64) -> Result<Option<i64>, Trouble> {
        let query = match tier {
            Tier::Samples => "SELECT min(at) FROM samples WHERE at = ?1",
            Tier::Minutes => "SELECT min(first_at) FROM minutes WHERE start = ?1",
            Tier::Hours => "SELECT min(first_at) FROM hours WHERE start = ?1",
        };
        let mut statement = self.db.prepare_cached(query)?;
        Ok(statement.query_row([start], |row| row.get(0))?)
    }

    /// The targets of the process that writes.
    pub(super) fn targets(&self) -> Result<Vec<TargetState>, Trouble> {
        let mut statement = self
            .db
            .prepare_cached("SELECT instance, at, fault FROM targets ORDER BY instance")?;
        let rows = statement.query_map([], |row| {
            Ok(TargetState {
                instance: row.get(0)?,
                at: row.get(1)?,
                fault: row.get(2)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Does something of which every part reads the same state of the file.
    pub(super) fn snapshot<T>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let transaction = self.db.unchecked_transaction()?;
        let outcome = read(self);
        transaction.finish()?;
        outcome
    }
}

fn segment(row: &Row<'_>) -> rusqlite::Result<Segment> {
    Ok(Segment {
        count: row.get(1)?,
        first_at: row.get(2)?,
        first: row.get(3)?,
        last_at: row.get(4)?,
        last: row.get(5)?,
        increase: row.get(6)?,
        sum: row.get(7)?,
    })
}

/// The last multiple of `width` that is not after `at`.
pub(super) fn floor(at: i64, width: i64) -> i64 {
    at.div_euclid(width) * width
}

/// The first multiple of `width` that is not before `at`.
pub(super) fn ceil(at: i64, width: i64) -> i64 {
    floor(at + width - 1, width)
}

/// Where the history of a source is when its settings do not say; `None` without a home.
pub(super) fn default_path(
    source: &str,
    variable: impl Fn(&str) -> Option<PathBuf>,
) -> Option<PathBuf> {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let name = source.replace(|c| !is_plain(c), "_");
    Some(state::folder(variable)?.join(format!("{name}.db")))
}

#[cfg(test)]
mod tests;
