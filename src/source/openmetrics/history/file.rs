//! The file itself: where it is, who may write it, and what becomes of a damaged one.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::Trouble;

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Other(error.to_string())
    }
}

/// The right to write a history: one process has it, for as long as this lives.
#[derive(Debug)]
pub(in crate::source::openmetrics) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the right, when nobody has it. The system gives it back when a process ends, however
    /// it ends.
    pub(in crate::source::openmetrics) fn take(path: &Path) -> Result<Option<Self>, Trouble> {
        make_folder(path)?;
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let file = private().open(PathBuf::from(name))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

/// Makes the file, for its owner alone, unless it is there.
pub(super) fn make(path: &Path) -> Result<(), Trouble> {
    make_folder(path)?;
    private().open(path)?;
    Ok(())
}

fn make_folder(path: &Path) -> Result<(), Trouble> {
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    Ok(())
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options
}

/// Moves a damaged file out of the way, in place of an earlier one.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf, Trouble> {
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let aside = beside(".damaged");
    fs::rename(path, &aside)?;
    for ending in ["-wal", "-shm"] {
        match fs::remove_file(beside(ending)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(aside)
}

/// Below `$XDG_STATE_HOME` or `~/.local/state`, as the XDG base directory specification has it.
pub(super) fn default_path(
    source: &str,
    variable: impl Fn(&str) -> Option<PathBuf>,
) -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let state = variable("XDG_STATE_HOME").filter(absolute);
    let home = || Some(variable("HOME").filter(absolute)?.join(".local/state"));
    let name: String = source
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || matches!(c, '-' | '_') {
                c
            } else {
                '_'
            }
        })
        .collect();
    Some(
        state
            .or_else(home)?
            .join("watchfire")
            .join(format!("{name}.db")),
    )
}
