//! Writes the proposed file for its owner alone; never over another one.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use similar::TextDiff;

use crate::command::{print, say};
use crate::config::has_same_tables;
use crate::state::{beside, make_folder_of, private};
use crate::text::Untrusted;

/// What was done.
pub(super) enum Saved {
    /// The file is new.
    Written,
    /// A file with the same tables is there.
    Same,
    /// Another one is there: the proposal is beside it, with the difference.
    Beside(PathBuf, String),
}

/// Writes a file, or one beside it where there is another.
///
/// # Errors
/// When a file cannot be read or written.
pub(super) fn save(path: &Path, text: &str) -> io::Result<Saved> {
    let known = match fs::read(path) {
        Ok(known) => String::from_utf8_lossy(&known).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_folder_of(path)?;
            write_whole(path, text)?;
            return Ok(Saved::Written);
        }
        Err(error) => return Err(error),
    };
    if has_same_tables(&known, text) {
        return Ok(Saved::Same);
    }
    let new = beside(path, ".new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    write_whole(&new, text)?;
    let difference = difference((path, &known), (&new, text));
    Ok(Saved::Beside(new, difference))
}

/// Makes a file that has all of the text as soon as it is there; never in place of another one.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let part = beside(path, ".part");
    let mut file = private().truncate(true).open(&part)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| match fs::hard_link(&part, path) {
            // Some file systems have no links.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists && !path.exists() => {
                fs::rename(&part, path)
            }
            linked => linked,
        });
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => written.and(Err(error)),
        _ => written,
    }
}

/// A unified diff, each line safe for a terminal.
fn difference((old, known): (&Path, &str), (new, text): (&Path, &str)) -> String {
    let diff = TextDiff::from_lines(known, text);
    let (old, new) = (old.display().to_string(), new.display().to_string());
    let unified = diff.unified_diff().header(&old, &new).to_string();
    let lines = unified.lines().map(|line| {
        let line = Untrusted::from(line);
        format!("{}\n", line.shown_whole())
    });
    lines.collect()
}

impl Saved {
    /// Says what was done and what comes next.
    pub(super) fn report(self, path: &Path, is_default: bool) -> ExitCode {
        let next = if is_default {
            "watchfire".to_owned()
        } else {
            format!("watchfire --config {}", path.display())
        };
        match self {
            Self::Written => {
                say(format!(
                    "{} is written; start the screen with `{next}`",
                    path.display()
                ));
                ExitCode::SUCCESS
            }
            Self::Same => {
                say(format!(
                    "{} has these settings already: nothing was changed",
                    path.display()
                ));
                ExitCode::SUCCESS
            }
            Self::Beside(new, difference) => {
                let printed = print(difference.as_bytes());
                say(format!(
                    "{} is there and was not changed; the proposal is in {}",
                    path.display(),
                    new.display()
                ));
                printed
            }
        }
    }
}
