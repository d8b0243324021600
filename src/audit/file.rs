//! The file itself: for its owner alone, and every line whole or ended.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Where programs keep what they did: `$XDG_STATE_HOME`, or `~/.local/state` (XDG Base Directory
/// Specification 0.8; a relative path counts as none).
pub(super) fn state_folder() -> PathBuf {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_STATE_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".local/state")))
        .unwrap_or_else(|| PathBuf::from("."))
}

/// Appends one line by one `write`, and comes back when it is on the disk.
///
/// A line that its writer did not finish is ended first. A write that is cut short (a full disk) is
/// an error; what is there of it is ended by the next one.
pub(super) fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut file = open(path)?;
    let torn = is_torn(&mut file)?;
    let line = format!("{}{line}\n", if torn { "\n" } else { "" });
    let count = loop {
        match file.write(line.as_bytes()) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            written => break written?,
        }
    };
    if count < line.len() {
        return Err(io::Error::new(
            ErrorKind::WriteZero,
            "only a part was written",
        ));
    }
    file.sync_data()
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        && !folder.exists()
    {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    match fs::metadata(path) {
        Ok(known) if !known.is_file() => {
            return Err(io::Error::new(ErrorKind::InvalidInput, "it is no file"));
        }
        _ => {}
    }
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

/// True when the last line has no end.
fn is_torn(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}
