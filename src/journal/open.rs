//! Opens a journal, and learns which of its sources are watched.

use std::path::Path;

use jiff::SignedDuration;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Journal, Limits, Place, Track, millis};
use crate::domain::SourceName;
use crate::state::beside;
use crate::state::database::{Form, Trouble};
use crate::store::{Feed, Offers};

/// What the file is.
pub const FORM: Form = Form {
    noun: "journal",
    setting: Some("`path` of [journal]"),
    // `wfjn`
    application: 0x7766_6a6e,
    version: 2,
    tables: "
    CREATE TABLE source (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, identity TEXT NOT NULL, kind TEXT NOT NULL,
        interval INTEGER NOT NULL, stale_after INTEGER NOT NULL,
        slos INTEGER NOT NULL, releases INTEGER NOT NULL, incidents INTEGER NOT NULL,
        UNIQUE (name, identity)) STRICT;
    CREATE TABLE answer (
        source INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
        next INTEGER NOT NULL, polls INTEGER NOT NULL, latency INTEGER NOT NULL, writer INTEGER NOT NULL, fault TEXT,
        PRIMARY KEY (source, since)) STRICT, WITHOUT ROWID;
    CREATE TABLE frame (
        id INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER NOT NULL, at INTEGER NOT NULL,
        whole INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
    CREATE INDEX frame_at ON frame (source, whole, at);
    CREATE INDEX frame_last ON frame (source);
    CREATE TABLE slo (
        id INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER NOT NULL, name TEXT NOT NULL,
        UNIQUE (source, name)) STRICT;
    CREATE TABLE burn (
        slo INTEGER NOT NULL, at INTEGER NOT NULL, short REAL, long REAL, budget REAL,
        budget_at INTEGER,
        PRIMARY KEY (slo, at)) STRICT, WITHOUT ROWID;
    CREATE TABLE event (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, source INTEGER,
        body TEXT NOT NULL) STRICT;
    CREATE INDEX event_at ON event (at);
    CREATE TABLE handoff (at INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;",
    // Frames of the second form have pieces of burn histories beside whole ones.
    upgrades: &["ALTER TABLE burn ADD COLUMN budget_at INTEGER;"],
};

/// The same as a recording: a file that is passed on, named on the command line.
pub const RECORDING: Form = Form {
    noun: "recording",
    setting: None,
    ..FORM
};

impl Journal {
    /// Opens the journal at a place to write, and makes it when it is not there.
    ///
    /// A damaged one is set aside, as is one that is known to be `damaged`: what can be read of it is in
    /// the new one, and the second value says so. One that cannot be written is read, and what is kept
    /// after that fails with the reason.
    ///
    /// # Errors
    /// When there can be none.
    pub fn open(
        place: &Place,
        limits: Limits,
        damaged: bool,
    ) -> Result<(Self, Option<String>), Trouble> {
        let (db, warning) = match place {
            Place::File(path) => match FORM.share(path, damaged) {
                Err(Trouble::ReadOnly(why)) => return Ok((Self::locked(path, why)?, None)),
                shared => shared?,
            },
            Place::Recording(path) => return Ok((Self::recording(path)?, None)),
            Place::Memory => (FORM.in_memory()?, None),
        };
        let journal = Self::over(db, limits);
        journal.bound()?;
        let Place::File(path) = place else {
            return Ok((journal, warning));
        };
        let warning = match warning {
            Some(words) => Some(format!(
                "{words}; {}",
                journal.take_over(&beside(path, ".damaged"))?
            )),
            None if damaged => {
                journal.repair()?;
                Some("parts of the journal were damaged: the rest of it stays".to_owned())
            }
            None => None,
        };
        Ok((journal, warning))
    }

    /// Opens one that cannot be written, as it stands.
    fn locked(path: &Path, why: String) -> Result<Self, Trouble> {
        match FORM.read(path) {
            Ok(Some(db)) => Ok(Self {
                locked: Some(why),
                ..Self::over(db, Limits::default())
            }),
            Ok(None) => Err(Trouble::ReadOnly(why)),
            Err(trouble) => Err(trouble),
        }
    }

    /// Fails where it can only be read.
    pub(super) fn unlocked(&self) -> Result<(), Trouble> {
        match &self.locked {
            Some(why) => Err(Trouble::ReadOnly(why.clone())),
            None => Ok(()),
        }
    }

    /// Opens a journal only to read it; `None` when there is none yet.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path) -> Result<Option<Self>, Trouble> {
        let db = FORM.read(path)?;
        Ok(db.map(|db| Self::over(db, Limits::default())))
    }

    /// Opens a recording, which is never written.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub fn recording(path: &Path) -> Result<Self, Trouble> {
        let db = RECORDING.look_at(path)?;
        let db = db.ok_or_else(|| Trouble::Other("there is nothing in it".to_owned()))?;
        // A file from somebody else is data and nothing more.
        db.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;")?;
        Ok(Self::over(db, Limits::default()))
    }

    /// Sets how much is kept, of one that was opened to be read and is written now and then.
    pub fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    pub(super) fn over(db: Connection, limits: Limits) -> Self {
        Self {
            db,
            limits,
            writer: number_of_this_process(),
            tracks: Vec::new(),
            places: std::collections::HashMap::default(),
            pruned_at: None,
            locked: None,
        }
    }

    /// Says which sources are watched: of these alone it is kept and told what they said. A source
    /// is the same as long as its name and its identity are.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn watch(&mut self, feeds: &[Feed]) -> Result<(), Trouble> {
        if self.locked.is_some() {
            return self.look_for(feeds);
        }
        let writing = self.db.transaction()?;
        let mut tracks = Vec::with_capacity(feeds.len());
        for feed in feeds {
            writing
                .prepare_cached(
                    "INSERT INTO source (name, identity, kind, interval, stale_after, slos, releases, incidents)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                     ON CONFLICT (name, identity) DO UPDATE SET kind = ?3, interval = ?4,
                        stale_after = ?5, slos = ?6, releases = ?7, incidents = ?8",
                )?
                .execute(params![
                    feed.name.as_str(),
                    feed.identity,
                    feed.kind,
                    millis(feed.interval),
                    millis(feed.stale_after),
                    feed.offers.slos,
                    feed.offers.releases,
                    feed.offers.incidents,
                ])?;
            let id = id_of(&writing, &feed.name, &feed.identity)?;
            tracks.extend(id.map(|id| Track::new(id, &feed.name, feed.interval)));
        }
        writing.commit()?;
        self.follow(tracks);
        Ok(())
    }

    /// The same for a journal that is only read: sources that it does not know are left out.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn look_for(&mut self, feeds: &[Feed]) -> Result<(), Trouble> {
        let mut tracks = Vec::with_capacity(feeds.len());
        for feed in feeds {
            let id = id_of(&self.db, &feed.name, &feed.identity)?;
            tracks.extend(id.map(|id| Track::new(id, &feed.name, feed.interval)));
        }
        self.follow(tracks);
        Ok(())
    }

    /// Follows every source that the journal knows, and gives them as feeds that have not answered.
    /// `kind` knows the kinds there are by name.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn all(&mut self, kind: impl Fn(&str) -> &'static str) -> Result<Vec<Feed>, Trouble> {
        let mut tracks = Vec::new();
        let mut feeds = Vec::new();
        {
            let mut statement = self.db.prepare(
                "SELECT id, name, kind, interval, stale_after, slos, releases, incidents, identity
                 FROM source WHERE EXISTS (SELECT 1 FROM answer WHERE answer.source = source.id)
                 ORDER BY id",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let name = SourceName::new(&row.get::<_, String>(1)?);
                let interval = SignedDuration::from_millis(row.get(3)?);
                let offers = Offers {
                    slos: row.get(5)?,
                    releases: row.get(6)?,
                    incidents: row.get(7)?,
                    ..Offers::default()
                };
                let stale_after = SignedDuration::from_millis(row.get(4)?);
                let kind = kind(&row.get::<_, String>(2)?);
                tracks.push(Track::new(row.get(0)?, &name, interval));
                let feed = Feed::new(name, kind, offers, interval, stale_after);
                feeds.push(feed.identified_by(row.get::<_, String>(8)?));
            }
        }
        self.follow(tracks);
        Ok(feeds)
    }

    fn follow(&mut self, tracks: Vec<Track>) {
        let places = tracks.iter().enumerate();
        self.places = places
            .map(|(place, track)| (track.name.clone(), place))
            .collect();
        self.tracks = tracks;
    }
}

impl Track {
    fn new(id: i64, name: &SourceName, interval: SignedDuration) -> Self {
        Self {
            id,
            name: name.clone(),
            interval,
            tip: None,
            starts_anew: false,
            is_kept: false,
        }
    }
}

fn id_of(db: &Connection, name: &SourceName, identity: &str) -> Result<Option<i64>, Trouble> {
    let mut statement =
        db.prepare_cached("SELECT id FROM source WHERE name = ?1 AND identity = ?2")?;
    let id = statement.query_row(params![name.as_str(), identity], |row| row.get(0));
    Ok(id.optional()?)
}

/// What tells one process from another at the same file: its start and its number.
fn number_of_this_process() -> i64 {
    let started = jiff::Timestamp::now().as_microsecond();
    started.wrapping_mul(1 << 16) ^ i64::from(std::process::id())
}
