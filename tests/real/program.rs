//! The built program, run as a pipeline runs it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use portable_pty::CommandBuilder;
use rustix::process::Pid;
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use crate::pty::Pty;
use crate::schema;

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
    assert_eq!(schema::faults("status", &answer), [""; 0]);
    (run.exit, answer)
}

/// Starts the screen of `watchfire` with these arguments at 120x40, with no configuration but `dir`'s.
pub(crate) fn screen(dir: &Path, args: &[&str]) -> Pty {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_watchfire"));
    command.args(args);
    command.cwd(dir);
    command.env("HOME", dir);
    command.env_remove("XDG_CONFIG_HOME");
    // Nobody sits before this machine, so no browser opens on it.
    command.env("SSH_TTY", "/dev/null");
    Pty::start(command, 120, 40)
}

/// Where this text stands on a screen: its row and first column.
pub(crate) fn row_with(screen: &vt100::Screen, text: &str) -> Option<(u16, u16)> {
    let width = screen.size().1.get();
    (0..).zip(screen.rows(0, width)).find_map(|(row, line)| {
        let (before, _) = line.split_once(text)?;
        Some((row, u16::try_from(before.width()).ok()?))
    })
}

/// The most memory that a process has had until now, in bytes.
pub(crate) fn peak_memory(pid: Pid) -> u64 {
    let status = format!("/proc/{}/status", pid.as_raw_nonzero());
    let status = std::fs::read_to_string(status).expect("its status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|line| line.trim().strip_suffix(" kB"));
    peak.expect("its peak").parse::<u64>().expect("kilobytes") * 1024
}

/// The processor time that a process has taken until now.
pub(crate) fn processor_time(pid: Pid) -> Duration {
    let stat = format!("/proc/{}/stat", pid.as_raw_nonzero());
    let stat = std::fs::read_to_string(stat).expect("its state");
    let (_, fields) = stat.rsplit_once(") ").expect("a name");
    // utime and stime of proc(5), in the hundredths of a second that Linux counts in.
    let ticks = fields.split(' ').skip(11).take(2);
    let ticks = ticks
        .map(|field| field.parse::<u64>().expect("ticks"))
        .sum::<u64>();
    Duration::from_millis(ticks * 10)
}

/// The SLO with this id.
pub(crate) fn slo<'a>(status: &'a Value, id: &str) -> &'a Value {
    let slos = status["slos"].as_array().expect("a list of SLOs");
    slos.iter()
        .find(|slo| slo["id"] == id)
        .unwrap_or_else(|| panic!("no SLO {id} in {slos:#?}"))
}
