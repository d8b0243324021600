//! What was scraped, kept in a file of SQLite: samples, and what minutes and hours made of them.
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

mod file;
mod prune;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{CachedStatement, Connection, OpenFlags, OptionalExtension, Row, params};

use super::segment::Segment;
use crate::domain::{Fault, FaultKind};

pub(super) use file::Lock;

/// How long single samples are kept, in milliseconds: the windows that page end exactly.
pub(super) const RAW: i64 = 6 * HOUR + 10 * MINUTE;
/// How long minutes are kept, in milliseconds: windows of up to three days end at a minute.
pub(super) const MINUTES: i64 = 74 * HOUR;

/// A minute in milliseconds.
pub(super) const MINUTE: i64 = 60_000;
/// An hour in milliseconds.
pub(super) const HOUR: i64 = 60 * MINUTE;

/// The version of the tables, in `user_version`.
const VERSION: i64 = 1;
/// What marks a file as ours, in `application_id`: `wfom`.
const APPLICATION: i64 = 0x7766_6f6d;
/// How long another process may hold the file before we give up.
const BUSY: Duration = Duration::from_secs(5);
/// Samples that are dated later than this after their scrape are left out, in milliseconds; as in
/// Prometheus.
const AHEAD: i64 = 10 * MINUTE;

const TABLES: &str = "
    CREATE TABLE series (id INTEGER PRIMARY KEY AUTOINCREMENT, labels TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE samples (
        at INTEGER NOT NULL, series INTEGER NOT NULL, value REAL NOT NULL,
        PRIMARY KEY (at, series)) STRICT, WITHOUT ROWID;
    CREATE TABLE minutes (
        start INTEGER NOT NULL, series INTEGER NOT NULL, count INTEGER NOT NULL,
        first_at INTEGER NOT NULL, first REAL NOT NULL, last_at INTEGER NOT NULL, last REAL NOT NULL,
        increase REAL NOT NULL, sum REAL NOT NULL,
        PRIMARY KEY (start, series)) STRICT, WITHOUT ROWID;
    CREATE TABLE hours (
        start INTEGER NOT NULL, series INTEGER NOT NULL, count INTEGER NOT NULL,
        first_at INTEGER NOT NULL, first REAL NOT NULL, last_at INTEGER NOT NULL, last REAL NOT NULL,
        increase REAL NOT NULL, sum REAL NOT NULL,
        PRIMARY KEY (start, series)) STRICT, WITHOUT ROWID;
    CREATE TABLE targets (instance TEXT PRIMARY KEY, at INTEGER NOT NULL, fault TEXT) STRICT;";

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
    /// A finite value.
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
    /// How many bytes of file.
    pub(super) max_size: u64,
}

/// The open file.
pub(super) struct History {
    db: Connection,
    limits: Limits,
    known: Known,
    pruned_at: Option<i64>,
}

/// The series of the file, remembered.
#[derive(Default)]
struct Known {
    /// Their numbers, by labels.
    ids: HashMap<String, i64>,
    /// When the last sample of each was taken.
    newest: HashMap<i64, i64>,
}

/// Why the file cannot be used.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It is damaged: it is of no use to anybody.
    Damaged,
    /// Anything else, in words.
    Other(String),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => Self::Damaged,
            _ => Self::Other(error.to_string()),
        }
    }
}

impl Trouble {
    /// The same as a fault that names the file.
    pub(super) fn fault(&self, path: &Path) -> Fault {
        let path = path.display();
        let message = match self {
            Self::Damaged => {
                format!("the history {path} is damaged; its next writer begins a new one")
            }
            Self::Other(words) => format!("the history {path} cannot be used: {words}"),
        };
        Fault::new(FaultKind::Crash, message)
    }
}

impl History {
    /// Opens the file to write, and makes it when it is not there. Only who holds the [`Lock`] may.
    ///
    /// A damaged one is set aside, as is one that is known to be `damaged`; the second value says
    /// so.
    pub(super) fn create(
        path: &Path,
        limits: Limits,
        damaged: bool,
    ) -> Result<(Self, Option<String>), Trouble> {
        file::make(path)?;
        let opened = if damaged {
            Err(Trouble::Damaged)
        } else {
            Self::writable(path, limits)
        };
        match opened {
            Err(Trouble::Damaged) => {
                let aside = file::set_aside(path)?;
                file::make(path)?;
                let warning = format!(
                    "the history was damaged: it is set aside as {}, and a new one is begun",
                    aside.display()
                );
                Self::writable(path, limits).map(|history| (history, Some(warning)))
            }
            opened => opened.map(|history| (history, None)),
        }
    }

    /// Opens the file only to read it; `None` when there is none yet.
    pub(super) fn read(path: &Path, limits: Limits) -> Result<Option<Self>, Trouble> {
        if !path.exists() {
            return Ok(None);
        }
        let history = Self::open(path, limits)?;
        let version = history.pragma("user_version")?;
        // Zero: somebody is just making it.
        (version > 0)
            .then(|| history.check(path, version))
            .transpose()?;
        Ok((version > 0).then_some(history))
    }

    fn open(path: &Path, limits: Limits) -> Result<Self, Trouble> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags)?;
        db.busy_timeout(BUSY)?;
        db.set_prepared_statement_cache_capacity(32);
        Ok(Self {
            db,
            limits,
            known: Known::default(),
            pruned_at: None,
        })
    }

    fn writable(path: &Path, limits: Limits) -> Result<Self, Trouble> {
        let mut history = Self::open(path, limits)?;
        let version = history.pragma("user_version")?;
        let tables: i64 =
            history
                .db
                .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if version == 0 && tables == 0 {
            // Takes effect only before the first table is made.
            history
                .db
                .execute_batch("PRAGMA auto_vacuum = INCREMENTAL")?;
        } else {
            history.check(path, version)?;
        }
        history.db.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
             PRAGMA journal_size_limit = 4194304;",
        )?;
        if version == 0 {
            history.db.execute_batch(&format!(
                "BEGIN IMMEDIATE; {TABLES} PRAGMA application_id = {APPLICATION};
                 PRAGMA user_version = {VERSION}; COMMIT;"
            ))?;
        }
        history.remember()?;
        Ok(history)
    }

    /// Refuses a file that is not ours, or that a later watchfire has changed.
    fn check(&self, path: &Path, version: i64) -> Result<(), Trouble> {
        if self.pragma("application_id")? != APPLICATION {
            return Err(Trouble::Other(format!(
                "it belongs to another program; name a file other than {} in `history`",
                path.display()
            )));
        }
        if version > VERSION {
            return Err(Trouble::Other(
                "a newer watchfire wrote it; use that one, or name another file in `history`"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    fn pragma(&self, name: &str) -> Result<i64, Trouble> {
        Ok(self.db.pragma_query_value(None, name, |row| row.get(0))?)
    }

    /// Learns which series there are and how far they are known.
    fn remember(&mut self) -> Result<(), Trouble> {
        let mut all = self.db.prepare("SELECT labels, id FROM series")?;
        let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let ids = rows.collect::<Result<_, _>>()?;
        let mut newest = self
            .db
            .prepare("SELECT series, max(last_at) FROM hours GROUP BY series")?;
        let rows = newest.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let newest = rows.collect::<Result<_, _>>()?;
        self.known = Known { ids, newest };
        Ok(())
    }

    /// Keeps what a round of scrapes brought: all of it or nothing.
    ///
    /// A sample that is not newer than the last of its series is left out, as is one that is dated
    /// far ahead of its scrape. Says by how many milliseconds the clock is behind the last round,
    /// when it went back.
    pub(super) fn record(&mut self, round: &[Scraped]) -> Result<Option<i64>, Trouble> {
        let done = self.record_all(round);
        if done.is_err() {
            // What was remembered on the way was not written.
            self.remember()?;
        }
        done
    }

    fn record_all(&mut self, round: &[Scraped]) -> Result<Option<i64>, Trouble> {
        let mut behind = None;
        let db = self.db.transaction()?;
        let mut writer = Writer::new(&db)?;
        let mut seen = db.prepare_cached("INSERT OR REPLACE INTO targets VALUES (?1, ?2, ?3)")?;
        db.execute("DELETE FROM targets", [])?;
        for scraped in round {
            let fault = scraped.outcome.as_ref().err();
            let fault = fault.map(|fault| fault.message.raw());
            seen.execute(params![scraped.instance, scraped.at, fault])?;
            let up = Kept {
                series: scraped.up.clone(),
                at: scraped.at,
                value: f64::from(u8::from(fault.is_none())),
            };
            behind = behind.max(self.known.keep(&mut writer, &up)?);
            let oldest = scraped.at - self.limits.keep;
            for kept in scraped.outcome.as_deref().unwrap_or_default() {
                if kept.at > oldest && kept.at <= scraped.at + AHEAD {
                    self.known.keep(&mut writer, kept)?;
                }
            }
        }
        drop((writer, seen));
        db.commit()?;
        Ok(behind)
    }

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

impl Known {
    /// Writes a sample, unless it is not newer than the last of its series: then by how many
    /// milliseconds it is older.
    fn keep(&mut self, writer: &mut Writer<'_>, kept: &Kept) -> rusqlite::Result<Option<i64>> {
        let id = match self.ids.get(&kept.series) {
            Some(&id) => id,
            None => {
                let id = writer.series(&kept.series)?;
                self.ids.insert(kept.series.clone(), id);
                id
            }
        };
        match self.newest.get(&id) {
            Some(&newest) if newest >= kept.at => Ok(Some(newest - kept.at)),
            _ => {
                writer.sample(id, kept.at, kept.value)?;
                self.newest.insert(id, kept.at);
                Ok(None)
            }
        }
    }
}

/// The statements that one round of scrapes needs.
struct Writer<'a> {
    find: CachedStatement<'a>,
    add: CachedStatement<'a>,
    sample: CachedStatement<'a>,
    minute: CachedStatement<'a>,
    hour: CachedStatement<'a>,
    db: &'a Connection,
}

impl<'a> Writer<'a> {
    fn new(db: &'a Connection) -> rusqlite::Result<Self> {
        // `first` of an upsert is the new sample; the rest is `Segment::then`.
        let joined = |table: &str| {
            db.prepare_cached(&format!(
                "INSERT INTO {table} (start, series, count, first_at, first, last_at, last, increase, sum)
                 VALUES (?1, ?2, 1, ?3, ?4, ?3, ?4, 0.0, ?4)
                 ON CONFLICT (start, series) DO UPDATE SET
                    count = count + 1, last_at = excluded.last_at, last = excluded.last,
                    increase = increase + CASE WHEN excluded.last < last
                        THEN excluded.last ELSE excluded.last - last END,
                    sum = sum + excluded.sum"
            ))
        };
        Ok(Self {
            find: db.prepare_cached("SELECT id FROM series WHERE labels = ?1")?,
            add: db.prepare_cached("INSERT INTO series (labels) VALUES (?1)")?,
            sample: db.prepare_cached("INSERT OR IGNORE INTO samples VALUES (?1, ?2, ?3)")?,
            minute: joined("minutes")?,
            hour: joined("hours")?,
            db,
        })
    }

    fn series(&mut self, labels: &str) -> rusqlite::Result<i64> {
        let known = self.find.query_row([labels], |row| row.get(0));
        if let Some(id) = known.optional()? {
            return Ok(id);
        }
        self.add.execute([labels])?;
        Ok(self.db.last_insert_rowid())
    }

    fn sample(&mut self, series: i64, at: i64, value: f64) -> rusqlite::Result<()> {
        self.sample.execute(params![at, series, value])?;
        for (statement, width) in [(&mut self.minute, MINUTE), (&mut self.hour, HOUR)] {
            statement.execute(params![floor(at, width), series, at, value])?;
        }
        Ok(())
    }
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
    file::default_path(source, variable)
}

#[cfg(test)]
mod tests;
