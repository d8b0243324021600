//! Our files of `SQLite`: made, opened and refused in one way, whatever is kept in them.
//!
//! One write is one transaction, so a process that is killed between any two bytes loses the write
//! it was in and nothing else. A file that is damaged all the same is set aside.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use rusqlite::ErrorCode::{
    CannotOpen, DatabaseCorrupt, DiskFull, NotADatabase, PermissionDenied, ReadOnly,
};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{Lock, beside, is_in_state_folder, make_folder_of, private, set_aside};
use crate::domain::{Fault, FaultKind};

/// How long another process may hold a file before we give up.
const BUSY: Duration = Duration::from_secs(5);
/// The largest file of writes that have not been folded into the main one, in bytes.
const PENDING: u32 = 4 << 20;
/// How much of a file is held in memory, in KiB: the system holds what is read often, and the rest is
/// written once and seldom read.
const HELD: u32 = 256;

/// How many pages are moved at a time while others are given back.
const MOVED: u32 = 64;

/// What is kept in a file.
#[derive(Debug)]
pub struct Form {
    /// What a reader calls it: `history`.
    pub noun: &'static str,
    /// Where the configuration names the file: "`history`"; `None` of a file that is only read.
    pub setting: Option<&'static str>,
    /// What marks a file as such a one, in `application_id`.
    pub application: i64,
    /// The version of the tables, in `user_version`.
    pub version: i64,
    /// What makes them.
    pub tables: &'static str,
    /// What makes the tables of each version, beginning with the second, of those of the one before.
    pub upgrades: &'static [&'static str],
}

/// Why a file cannot be used.
#[derive(Debug)]
pub enum Trouble {
    /// It is damaged: parts of it may still be read.
    Damaged,
    /// It is no file of this form, in words: another program's, or no database at all.
    Foreign(String),
    /// It cannot be written, as this user or on this disk, in words; it may still be read.
    ReadOnly(String),
    /// There is no room for what was to be written, in words.
    Full(String),
    /// Anything else, in words.
    Other(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged => f.write_str("it is damaged"),
            Self::Foreign(words)
            | Self::ReadOnly(words)
            | Self::Full(words)
            | Self::Other(words) => f.write_str(words),
        }
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => Self::Damaged,
            Some(DiskFull) => Self::Full(error.to_string()),
            Some(ReadOnly | CannotOpen | PermissionDenied) => Self::ReadOnly(error.to_string()),
            _ => Self::Other(error.to_string()),
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly(error.to_string())
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full(error.to_string())
            }
            _ => Self::Other(error.to_string()),
        }
    }
}

impl Form {
    /// A trouble as a fault that names the file.
    pub fn fault(&self, trouble: &Trouble, path: &Path) -> Fault {
        let (noun, path) = (self.noun, path.display());
        let Some(setting) = self.setting else {
            let message = match trouble {
                Trouble::Damaged => {
                    format!("the {noun} {path} is damaged; record it again, or fetch another copy")
                }
                Trouble::Foreign(words) => format!("{path} is no {noun} of watchfire ({words})"),
                Trouble::ReadOnly(words) | Trouble::Full(words) | Trouble::Other(words) => {
                    format!("the {noun} {path} cannot be used: {words}")
                }
            };
            return Fault::new(FaultKind::Crash, message);
        };
        let message = match trouble {
            Trouble::Damaged => {
                format!(
                    "the {noun} {path} is damaged; its next writer begins a new one with what can be \
                     read of it"
                )
            }
            Trouble::Foreign(words) => format!(
                "{path} is no {noun} of watchfire ({words}): it is left as it is; name another file in {setting}"
            ),
            Trouble::ReadOnly(words) => format!(
                "the {noun} {path} cannot be written, so nothing is kept: {words}; make it and its \
                 folder writable, or name another file in {setting}"
            ),
            Trouble::Full(words) | Trouble::Other(words) => {
                format!("the {noun} {path} cannot be used: {words}")
            }
        };
        Fault::new(FaultKind::Crash, message)
    }

    /// Opens a file to write, and makes it when it is not there.
    ///
    /// A damaged one is set aside, as is one that is known to be `damaged`; the second value says
    /// so.
    ///
    /// # Errors
    /// When it cannot be made or opened, is another program's, or a newer version's.
    pub fn create(
        &self,
        path: &Path,
        damaged: bool,
    ) -> Result<(Connection, Option<String>), Trouble> {
        make(path)?;
        refuse_foreign(path)?;
        let opened = if damaged {
            Err(Trouble::Damaged)
        } else {
            self.writable(path)
        };
        match opened {
            Err(Trouble::Damaged) => {
                let aside = set_aside(path)?;
                make(path)?;
                let warning = format!(
                    "the {} was damaged: it is set aside as {}, and a new one is begun",
                    self.noun,
                    aside.display()
                );
                self.writable(path).map(|db| (db, Some(warning)))
            }
            opened => opened.map(|db| (db, None)),
        }
    }

    /// The same, where several processes may do so at once: only one of them sets a damaged one
    /// aside.
    ///
    /// # Errors
    /// As [`Form::create`].
    pub fn share(
        &self,
        path: &Path,
        damaged: bool,
    ) -> Result<(Connection, Option<String>), Trouble> {
        let _turn = Lock::wait(path)?;
        // Another may have begun a new one since we found it damaged.
        let damaged = damaged && !matches!(self.writable(path).map(|db| is_whole(&db)), Ok(true));
        self.create(path, damaged)
    }

    /// Opens a file only to read it; `None` when there is none yet.
    ///
    /// # Errors
    /// As [`Form::create`], and when it is damaged.
    pub fn read(&self, path: &Path) -> Result<Option<Connection>, Trouble> {
        if !path.exists() {
            return Ok(None);
        }
        refuse_foreign(path)?;
        // Not read-only: after a kill, whoever opens it first folds what was pending into it.
        let db = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE);
        match db.and_then(|db| self.checked(db)) {
            Err(Trouble::ReadOnly(_)) => self.look_at(path),
            opened => opened,
        }
    }

    /// The same of a file that must not be touched: somebody else's, or on a medium that cannot be
    /// written.
    ///
    /// # Errors
    /// As [`Form::read`].
    pub fn look_at(&self, path: &Path) -> Result<Option<Connection>, Trouble> {
        refuse_foreign(path)?;
        let db = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
        match db.and_then(|db| self.checked(db)) {
            // No file can be made beside it, as `SQLite` wants of one with a log.
            Err(Trouble::ReadOnly(_)) => self.checked(with_log(path).or_else(|_| unlogged(path))?),
            opened => opened,
        }
    }

    /// A file that is nowhere, gone with the process.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn in_memory(&self) -> Result<Connection, Trouble> {
        let mut db = Connection::open_in_memory()?;
        self.make_tables(&mut db)?;
        Ok(db)
    }

    /// A file of its own that goes with the process, for what may be too large for memory.
    ///
    /// # Errors
    /// When the system has no room for it.
    pub fn aside(&self) -> Result<Connection, Trouble> {
        let mut db = Connection::open("")?;
        self.make_tables(&mut db)?;
        Ok(db)
    }

    fn checked(&self, db: Connection) -> Result<Option<Connection>, Trouble> {
        let version = pragma(&db, "user_version")?;
        // Zero: somebody is just making it.
        if version == 0 {
            return Ok(None);
        }
        self.check(&db, version)?;
        Ok(Some(db))
    }

    fn writable(&self, path: &Path) -> Result<Connection, Trouble> {
        let mut db = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let version = pragma(&db, "user_version")?;
        let tables: i64 =
            db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if version == 0 && tables == 0 {
            // Takes effect only before the first table is made.
            db.execute_batch("PRAGMA auto_vacuum = INCREMENTAL")?;
        } else {
            self.check(&db, version)?;
        }
        db.execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
             PRAGMA journal_size_limit = {PENDING};"
        ))?;
        self.make_tables(&mut db)?;
        Ok(db)
    }

    /// Makes the tables, or those of this version of older ones, unless somebody has.
    fn make_tables(&self, db: &mut Connection) -> Result<(), Trouble> {
        let making = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version = pragma(&making, "user_version")?;
        if version == 0 {
            making.execute_batch(&format!(
                "{} PRAGMA application_id = {}; PRAGMA user_version = {};",
                self.tables, self.application, self.version
            ))?;
        } else if version < self.version {
            let done = usize::try_from(version - 1).unwrap_or(0);
            for upgrade in self.upgrades.iter().skip(done) {
                making.execute_batch(upgrade)?;
            }
            making.pragma_update(None, "user_version", self.version)?;
        }
        Ok(making.commit()?)
    }

    /// Refuses a file that is not ours, or that a later watchfire has changed.
    fn check(&self, db: &Connection, version: i64) -> Result<(), Trouble> {
        if pragma(db, "application_id")? != self.application {
            let words = "it belongs to another program";
            return Err(Trouble::Foreign(words.to_owned()));
        }
        if version > self.version {
            let other = self.setting.map_or_else(String::new, |setting| {
                format!(", or name another file in {setting}")
            });
            let words = format!("a newer watchfire wrote it; use that one{other}");
            return Err(Trouble::Other(words));
        }
        Ok(())
    }
}

/// What every file of `SQLite` begins with.
const HEADER: [u8; 16] = *b"SQLite format 3\0";

/// Refuses a file that never was one of `SQLite`. What lies in the state folder was made there by
/// watchfire, and one of zeros may be what a crash of the machine left: these are damaged.
fn refuse_foreign(path: &Path) -> Result<(), Trouble> {
    let mut start = Vec::new();
    File::open(path)?
        .take(HEADER.len() as u64)
        .read_to_end(&mut start)?;
    let is_possible = HEADER.starts_with(&start) || start.iter().all(|byte| *byte == 0);
    if is_possible || is_in_state_folder(path) {
        return Ok(());
    }
    Err(Trouble::Foreign("it is no database".to_owned()))
}

/// Opens a file that is only read together with the log beside it, of which the index is made in
/// memory. Nobody else may write it, which a lock would have to say.
fn with_log(path: &Path) -> Result<Connection, Trouble> {
    if !beside(path, "-wal").exists() {
        return Err(Trouble::Other("it has no log".to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags_and_vfs(path, flags, c"unix-none")?;
    db.query_row("PRAGMA locking_mode = EXCLUSIVE", [], |_| Ok(()))?;
    pragma(&db, "user_version")?;
    Ok(db)
}

/// Opens a file as it stands, without the log beside it.
fn unlogged(path: &Path) -> Result<Connection, Trouble> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let name = path.to_string_lossy();
    let name = name
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    let uri = format!("file:{name}?immutable=1");
    Ok(Connection::open_with_flags(
        uri,
        flags | OpenFlags::SQLITE_OPEN_URI,
    )?)
}

/// Makes the file, for its owner alone, unless it is there.
fn make(path: &Path) -> Result<(), Trouble> {
    make_folder_of(path)?;
    private().open(path)?;
    Ok(())
}

fn open(path: &Path, access: OpenFlags) -> Result<Connection, Trouble> {
    let db = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(BUSY)?;
    db.set_prepared_statement_cache_capacity(32);
    db.execute_batch(&format!("PRAGMA cache_size = -{HELD}"))?;
    Ok(db)
}

fn is_whole(db: &Connection) -> bool {
    let said: Result<String, _> = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    said.is_ok_and(|said| said == "ok")
}

/// The number that a pragma says.
///
/// # Errors
/// When it says none, or the file cannot be read.
pub fn pragma(db: &Connection, name: &str) -> Result<i64, Trouble> {
    Ok(db.pragma_query_value(None, name, |row| row.get(0))?)
}

/// The bytes that are in use.
///
/// # Errors
/// When the file cannot be read.
pub fn size(db: &Connection) -> Result<u64, Trouble> {
    let pages = pragma(db, "page_count")? - pragma(db, "freelist_count")?;
    Ok(u64::try_from(pages * pragma(db, "page_size")?).unwrap_or(0))
}

/// The bytes of the file, those that are in use no more included.
///
/// # Errors
/// When the file cannot be read.
pub fn file_size(db: &Connection) -> Result<u64, Trouble> {
    let bytes = pragma(db, "page_count")? * pragma(db, "page_size")?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

/// Gives the pages back that are in use no more.
///
/// # Errors
/// When the file cannot be written.
pub fn give_back(db: &Connection) -> Result<(), Trouble> {
    // Some at a time: what moves is written to the log first, and folded in between.
    let mut free = pragma(db, "freelist_count")?;
    while free > 0 {
        // Each step gives back one page.
        let mut vacuum = db.prepare_cached(&format!("PRAGMA incremental_vacuum({MOVED})"))?;
        let mut pages = vacuum.query([])?;
        while pages.next()?.is_some() {}
        drop(pages);
        let left = pragma(db, "freelist_count")?;
        if left >= free {
            break;
        }
        free = left;
    }
    Ok(())
}

/// Keeps the file from growing above so many bytes, or above what it has: what does not fit is
/// [`Trouble::Full`]. The log of what was written last, beside it, is folded into it by half a
/// `log`; [`fold`] takes the rest.
///
/// # Errors
/// When the file cannot be read.
pub fn bound(db: &Connection, bytes: u64, log: u64) -> Result<(), Trouble> {
    let page = u64::try_from(pragma(db, "page_size")?).unwrap_or(1).max(1);
    let pages = bytes / page;
    db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    bound_log(db, log)
}

/// Has the log beside the file folded into it by half of so many bytes; [`fold`] takes the rest.
///
/// # Errors
/// When the file cannot be read.
pub fn bound_log(db: &Connection, log: u64) -> Result<(), Trouble> {
    let page = u64::try_from(pragma(db, "page_size")?).unwrap_or(1).max(1);
    let fold_at = (log / page / 2).max(1);
    // Each of them answers with what it is now.
    for setting in [
        format!("PRAGMA wal_autocheckpoint = {fold_at}"),
        format!("PRAGMA journal_size_limit = {log}"),
    ] {
        db.query_row(&setting, [], |_| Ok(()))?;
    }
    Ok(())
}

/// Folds the log of what was written last into the file when it is larger than so many bytes. One
/// who reads just now keeps it as it is until the next time.
///
/// # Errors
/// When the file cannot be written.
pub fn fold(db: &Connection, larger: u64) -> Result<(), Trouble> {
    if log_size(db) > larger {
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    }
    Ok(())
}

/// The bytes of the log beside the file.
fn log_size(db: &Connection) -> u64 {
    let log = db.path().map(|path| format!("{path}-wal"));
    let log = log.and_then(|path| std::fs::metadata(path).ok());
    log.map_or(0, |log| log.len())
}
