//! Opens the file, makes its tables, and refuses what is not ours.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::write::Known;
use super::{History, Limits, Trouble, file};

/// The version of the tables, in `user_version`.
const VERSION: i64 = 1;
/// What marks a file as ours, in `application_id`: `wfom`.
const APPLICATION: i64 = 0x7766_6f6d;
/// How long another process may hold the file before we give up.
const BUSY: Duration = Duration::from_secs(5);
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

impl History {
    /// Opens the file to write, and makes it when it is not there. Only who holds the [`Lock`] may.
    ///
    /// A damaged one is set aside, as is one that is known to be `damaged`; the second value says
    /// so.
    pub(in crate::source::openmetrics) fn create(
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
    pub(in crate::source::openmetrics) fn read(
        path: &Path,
        limits: Limits,
    ) -> Result<Option<Self>, Trouble> {
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

    pub(super) fn pragma(&self, name: &str) -> Result<i64, Trouble> {
        Ok(self.db.pragma_query_value(None, name, |row| row.get(0))?)
    }

    /// Learns which series there are and how far they are known.
    pub(super) fn remember(&mut self) -> Result<(), Trouble> {
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
}
