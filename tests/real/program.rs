//! The built program, run as a pipeline runs it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What a run of `watchfire` came to.
pub(crate) struct Run {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `watchfire` with these arguments and no configuration but `dir`'s.
pub(crate) fn watchfire(dir: &Path, args: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_watchfire"))
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("HOME", dir)
        .output()
        .expect("the built program");
    Run {
        exit: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("UTF-8 on stdout"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8 on stderr"),
    }
}

/// Runs `watchfire status --format json` with more arguments: its exit status and its answer.
pub(crate) fn status(dir: &Path, args: &[&str]) -> (i32, Value) {
    let run = watchfire(dir, &[&["status", "--format", "json"], args].concat());
    let answer = serde_json::from_str(&run.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", run.stdout, run.stderr));
    (run.exit, answer)
}

/// The SLO with this id.
pub(crate) fn slo<'a>(status: &'a Value, id: &str) -> &'a Value {
    let slos = status["slos"].as_array().expect("a list of SLOs");
    slos.iter()
        .find(|slo| slo["id"] == id)
        .unwrap_or_else(|| panic!("no SLO {id} in {slos:#?}"))
}
