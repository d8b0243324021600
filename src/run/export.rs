//! Writes the view into a file that can be shared.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;

use crate::app::ExportFormat;
use crate::state;
use crate::term;
use crate::ui::picture;

/// The most files of one second.
const MAX_FILES: u32 = 100;

/// Writes a frame into a new file of the working folder, or of the state folder where nothing can be
/// written there; gives its path. The file is its owner's alone.
///
/// # Errors
/// When it can be written in neither folder.
pub(super) fn write(buffer: &Buffer, format: ExportFormat, now: Timestamp) -> io::Result<PathBuf> {
    let content = content(buffer, format, now);
    let here = PathBuf::from(".");
    let written = write_into(&here, &content, format, now);
    let path = match (written, state::folder(state::variable)) {
        (Err(_), Some(folder)) => write_into(&folder, &content, format, now)?,
        (written, _) => written?,
    };
    Ok(path.canonicalize().unwrap_or(path))
}

fn content(buffer: &Buffer, format: ExportFormat, now: Timestamp) -> Vec<u8> {
    match format {
        ExportFormat::Svg => picture::svg(buffer, &format!("watchfire at {now:.0}")).into_bytes(),
        ExportFormat::Ansi => term::ansi(buffer),
        ExportFormat::Text => picture::text(buffer).into_bytes(),
    }
}

fn write_into(
    folder: &Path,
    content: &[u8],
    format: ExportFormat,
    now: Timestamp,
) -> io::Result<PathBuf> {
    let moment = now.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H%M%SZ");
    let (path, mut file) = new_file(folder, &moment.to_string(), format.extension())?;
    file.write_all(content)?;
    Ok(path)
}

/// A file that was not there before.
fn new_file(folder: &Path, moment: &str, extension: &str) -> io::Result<(PathBuf, File)> {
    let mut taken = io::Error::from(io::ErrorKind::AlreadyExists);
    for number in 1..=MAX_FILES {
        let number = if number == 1 {
            String::new()
        } else {
            format!("-{number}")
        };
        let path = folder.join(format!("watchfire-{moment}{number}.{extension}"));
        state::make_folder_of(&path)?;
        match state::private().create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = error,
            Err(error) => return Err(error),
        }
    }
    Err(taken)
}
