//! The file itself: for its owner alone, and every line whole or ended.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use crate::state::{make_folder_of, private};

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
    make_folder_of(path)?;
    match fs::metadata(path) {
        Ok(known) if !known.is_file() => {
            return Err(io::Error::new(ErrorKind::InvalidInput, "it is no file"));
        }
        _ => {}
    }
    private().read(true).append(true).open(path)
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
