//! The log of `--log`: each request and each poll as a line of JSON, fit to be sent with a bug report.
//!
//! No credential is in it: an address has no value of its query, and messages are those of the screen. The
//! file is for its owner alone. At 16 MiB it is renamed to `FILE.1`, in place of an earlier one, and
//! begun anew. A line that cannot be written is dropped: the watch goes on.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::domain::{Exchange, Facts, Fault, Report};
use crate::state;
use crate::text::Untrusted;

/// The most bytes of one file.
const MAX_SIZE: u64 = 16 * 1024 * 1024;

/// The log of this process; none without `--log`.
static LOG: OnceLock<Log> = OnceLock::new();

/// An open log.
struct Log {
    path: PathBuf,
    open: Mutex<Open>,
}

/// The file that is written, and its size.
struct Open {
    file: File,
    size: u64,
}

/// Begins to log to a file, to the end of which is written when it is there.
///
/// # Errors
/// When the file cannot be opened.
pub fn begin(path: &Path, version: &str, command: &str) -> io::Result<()> {
    let open = open(path)?;
    let log = Log {
        path: path.to_owned(),
        open: Mutex::new(open),
    };
    // A second one in a process is none of ours.
    if LOG.set(log).is_ok() {
        write(&json!({"event": "start", "version": version, "command": shown(&command.into())}));
    }
    Ok(())
}

/// True when there is a log.
pub fn is_on() -> bool {
    LOG.get().is_some()
}

/// The file of the log.
pub fn path() -> Option<&'static Path> {
    LOG.get().map(|log| log.path.as_path())
}

/// Writes what became of a request.
pub fn request(exchange: &Exchange) {
    if is_on() {
        write(&json!({
            "event": "request",
            "method": exchange.method,
            "url": shown(&exchange.url),
            "sent": exchange.sent,
            "status": exchange.status,
            "bytes": exchange.bytes,
            "took_ms": millis(exchange.took),
            "fault": exchange.fault.as_ref().map(shown),
        }));
    }
}

/// Writes what became of a poll.
pub fn poll(report: &Report) {
    if !is_on() {
        return;
    }
    let none = Facts::default();
    let facts = report.outcome.as_ref().unwrap_or(&none);
    let fault: Option<&Fault> = report
        .outcome
        .as_ref()
        .map_or_else(Some, |facts| facts.fault.as_ref());
    let outcome = match (&report.outcome, fault) {
        (Ok(_), None) => "ok",
        (Ok(_), Some(_)) => "partial",
        (Err(_), _) => "failed",
    };
    write(&json!({
        "event": "poll",
        "source": shown(&report.source.as_str().into()),
        "outcome": outcome,
        "code": fault.map(|fault| fault.kind.word()),
        "fault": fault.map(|fault| shown(&fault.message)),
        "warnings": facts.warnings.iter().map(shown).collect::<Vec<_>>(),
        "took_ms": millis(report.latency),
        "slos": facts.slos.as_ref().map(Vec::len),
        "releases": facts.releases.as_ref().map(Vec::len),
        "incidents": facts.incidents.as_ref().map(Vec::len),
    }));
}

fn shown(text: &Untrusted) -> String {
    text.shown().as_str().to_owned()
}

fn millis(span: jiff::SignedDuration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Writes one line, dated now.
fn write(fields: &Value) {
    let Some(log) = LOG.get() else { return };
    let line = line(Timestamp::now(), fields);
    let mut open = log.open.lock().unwrap_or_else(PoisonError::into_inner);
    // What cannot be written is dropped.
    let _ = open.append(&log.path, &line);
}

/// The time first, then the fields.
fn line(at: Timestamp, fields: &Value) -> String {
    let at = at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
    let fields = fields.to_string();
    format!("{{\"at\":\"{at}\",{}\n", fields.trim_start_matches('{'))
}

fn open(path: &Path) -> io::Result<Open> {
    let file = state::private().append(true).open(path)?;
    let size = file.metadata()?.len();
    Ok(Open { file, size })
}

impl Open {
    fn append(&mut self, path: &Path, line: &str) -> io::Result<()> {
        let bytes = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if self.size > 0 && self.size.saturating_add(bytes) > MAX_SIZE {
            fs::rename(path, state::beside(path, ".1"))?;
            *self = open(path)?;
        }
        self.file.write_all(line.as_bytes())?;
        self.size = self.size.saturating_add(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_line_is_json_with_its_time() {
        let at = Timestamp::from_millisecond(1_795_305_600_123).expect("a time");
        let line = line(at, &json!({"event": "start", "command": "a\nb"}));
        assert!(line.ends_with('\n') && line.lines().count() == 1, "{line}");
        let read: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(read["at"], "2026-11-22T00:00:00.123Z");
        assert_eq!(read["command"], "a\nb");
    }

    #[test]
    fn the_file_is_its_owners_and_bounded() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let mut log = open(&path).expect("opened");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let line = format!("{}\n", "a".repeat(1024 * 1024 - 1));
        for _ in 0..40 {
            log.append(&path, &line).expect("written");
        }
        for file in [&path, &state::beside(&path, ".1")] {
            let size = fs::metadata(file).expect("there").len();
            assert!(size > 0 && size <= MAX_SIZE, "{size}");
        }
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2);
        // Who opens it again goes on at its end.
        let before = fs::metadata(&path).expect("there").len();
        open(&path)
            .expect("opened")
            .append(&path, "b\n")
            .expect("written");
        assert_eq!(fs::metadata(&path).expect("there").len(), before + 2);
    }
}
