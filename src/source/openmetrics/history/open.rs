//! Opens the file, and learns what is in it.

use std::path::Path;

use rusqlite::Connection;

use super::write::Known;
use super::{History, Limits};
use crate::state::database::{Form, Trouble};

/// What the file is.
pub(in crate::source::openmetrics) const FORM: Form = Form {
    noun: "history",
    setting: Some("`history`"),
    // `wfom`
    application: 0x7766_6f6d,
    version: 1,
    tables: "
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
    CREATE TABLE targets (instance TEXT PRIMARY KEY, at INTEGER NOT NULL, fault TEXT) STRICT;",
    upgrades: &[],
};

impl History {
    /// Opens the file to write, and makes it when it is not there. Only who holds the
    /// [`Lock`](crate::state::Lock) may.
    ///
    /// A damaged one is set aside, as is one that is known to be `damaged`; the second value says
    /// so.
    pub(in crate::source::openmetrics) fn create(
        path: &Path,
        limits: Limits,
        damaged: bool,
    ) -> Result<(Self, Option<String>), Trouble> {
        let (db, warning) = FORM.create(path, damaged)?;
        let mut history = Self::over(db, limits);
        history.bound()?;
        history.remember()?;
        Ok((history, warning))
    }

    /// Opens the file only to read it; `None` when there is none yet.
    pub(in crate::source::openmetrics) fn read(
        path: &Path,
        limits: Limits,
    ) -> Result<Option<Self>, Trouble> {
        let db = FORM.read(path)?;
        Ok(db.map(|db| Self::over(db, limits)))
    }

    fn over(db: Connection, limits: Limits) -> Self {
        Self {
            db,
            limits,
            known: Known::default(),
            pruned_at: None,
            lost: false,
        }
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
