//! Appends a table to the configuration file; everything that is there stays as it is.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use crate::config::{Environment, load_text};
use crate::source::known_kinds;
use crate::state::{beside, private};

/// Appends one entry, unless the file would be wrong with it. The file is replaced in one step, so that a
/// reader sees the old one or the new one.
///
/// # Errors
/// Why the file was not changed.
pub(super) fn append(path: &Path, entry: &str) -> Result<(), String> {
    // A link to the file stays one.
    let path = path.canonicalize().map_err(|error| error.to_string())?;
    let known = fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let gap = if known.ends_with('\n') || known.is_empty() {
        "\n"
    } else {
        "\n\n"
    };
    let text = format!("{known}{gap}{entry}");
    let name = path.display().to_string();
    load_text(
        &name,
        text.clone(),
        &Environment::of_this_process(),
        &known_kinds(),
    )
    .map_err(|error| error.to_string())?;
    replace(&path, &text).map_err(|error| error.to_string())
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let new = beside(path, ".new~");
    let mut file: File = private().truncate(true).open(&new)?;
    file.set_permissions(fs::metadata(path)?.permissions())?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# mine\n[[source]]\nname = \"prod\" # stays\nkind = \"prometheus\"\nurl = \"http://127.0.0.1:9\"";
    const SLO: &str = "# Suggested: traffic.\n[[slo]]\nservice = \"a\"\nname = \"availability\"\nobjective = 99.9\nsource = \"prod\"\ntotal = 'x'\nbad = 'y'\n";

    #[test]
    fn what_is_there_stays_and_a_wrong_entry_changes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.toml");
        fs::write(&path, FILE).expect("a file");
        append(&path, SLO).expect("a right entry");
        let text = fs::read_to_string(&path).expect("the file");
        assert_eq!(text, format!("{FILE}\n\n{SLO}"));
        // The same SLO twice, and what is no TOML.
        for wrong in [SLO, "[[slo"] {
            assert!(append(&path, wrong).is_err());
            assert_eq!(fs::read_to_string(&path).expect("the file"), text);
        }
        let left = fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 1, "nothing is left beside it");
    }
}
