//! What is kept on this machine: the state folder, files for their owner alone, our `SQLite` files.

pub mod database;

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Where programs keep what they did: `$XDG_STATE_HOME`, or `~/.local/state`; `None` without a home.
///
/// The XDG Base Directory Specification 0.8: a relative path counts as none. `variable` reads the
/// environment.
pub fn folder(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
    let home = || Some(absolute("HOME")?.join(".local/state"));
    Some(absolute("XDG_STATE_HOME").or_else(home)?.join("watchfire"))
}

/// A variable of this process' environment, as [`folder`] asks for it.
pub fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).map(PathBuf::from)
}

/// Whether a file lies in the state folder, where nobody but watchfire makes any.
pub(crate) fn is_in_state_folder(path: &Path) -> bool {
    folder(variable).is_some_and(|folder| path.parent() == Some(folder.as_path()))
}

/// Makes the folder that a file is to lie in, for its owner alone, unless it is there.
///
/// # Errors
/// When it cannot be made.
pub fn make_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent();
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty() && !folder.exists());
    folder.map_or(Ok(()), |folder| {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)
    })
}

/// Opens what it makes for its owner alone; what is there keeps its mode.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options
}

/// The same path with something at the end of its name.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// A right that one process has, for as long as this lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the right to a file, when nobody has it. The system gives it back when a process ends,
    /// however it ends.
    ///
    /// # Errors
    /// When the file of the lock, beside the one that it is for, cannot be made or locked.
    pub fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = Self::file(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The same, waiting for whoever has it.
    ///
    /// # Errors
    /// As [`Lock::take`].
    pub fn wait(path: &Path) -> io::Result<Self> {
        let file = Self::file(path)?;
        file.lock()?;
        Ok(Self { _file: file })
    }

    fn file(path: &Path) -> io::Result<File> {
        make_folder_of(path)?;
        private().open(beside(path, ".lock"))
    }
}

/// Moves a file that is of no more use out of the way, in place of an earlier one.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = beside(path, ".damaged");
    fs::rename(path, &aside)?;
    let there = |done: io::Result<()>| match done {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    // What was written last is in the log.
    there(fs::remove_file(beside(&aside, "-wal")))?;
    there(fs::rename(beside(path, "-wal"), beside(&aside, "-wal")))?;
    there(fs::remove_file(beside(path, "-shm")))?;
    Ok(aside)
}
