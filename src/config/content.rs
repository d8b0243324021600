//! What is in a file, as far as it can be a text of ours.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// The largest file that is read: some thousand sources, and no disk image.
const MAX_FILE: u64 = 1024 * 1024;

/// What is in a file.
pub(super) enum Content {
    /// There is no such file.
    Missing,
    /// It cannot be read, or is no text of ours: why, and what to do.
    Wrong(String),
    /// This.
    Bytes(Vec<u8>),
}

/// Reads a file, up to a size that no text of ours has.
pub(super) fn content(path: &Path) -> Content {
    read(|| File::open(path))
}

/// Reads standard input, up to the same size.
pub(super) fn standard_input() -> Content {
    read(|| Ok(io::stdin().lock()))
}

fn read<R: Read>(open: impl FnOnce() -> io::Result<R>) -> Content {
    let mut bytes = Vec::new();
    let reading = open().and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
    match reading {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Content::Missing
        }
        Err(error) if error.kind() == ErrorKind::IsADirectory => {
            Content::Wrong("this is a directory: name the file in it".to_owned())
        }
        Err(error) => Content::Wrong(format!("cannot be read: {error}")),
        Ok(_) if bytes.len() as u64 > MAX_FILE => Content::Wrong(
            "is larger than 1 MiB, which no configuration is: name the right file".to_owned(),
        ),
        Ok(_) => Content::Bytes(bytes),
    }
}
