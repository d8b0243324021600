//! Processes of the program, as the kernel lists them.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Pid;

const PATIENCE: Duration = Duration::from_secs(30);

/// The state and the parent of a process; `None` when there is no such process.
fn state(pid: Pid) -> Option<(char, i32)> {
    let line = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    let mut fields = line.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

fn all() -> Vec<Pid> {
    let entries = fs::read_dir("/proc").expect("processes").flatten();
    entries
        .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

fn has_argument(pid: Pid, wanted: &str) -> bool {
    let line = fs::read_to_string(format!("/proc/{}/cmdline", pid.as_raw_nonzero()));
    line.is_ok_and(|line| line.split('\0').any(|argument| argument == wanted))
}

/// Waits for the child of `parent` that was started with this argument.
pub(crate) fn child(parent: Pid, argument: &str) -> Pid {
    let mut found = None;
    wait(argument, || {
        found = all().into_iter().find(|pid| {
            let is_child = state(*pid).is_some_and(|(_, of)| of == parent.as_raw_nonzero().get());
            is_child && has_argument(*pid, argument)
        });
        found.is_some()
    });
    found.expect("a child")
}

/// Waits until a process has ended; whether its parent has taken notice is the parent's matter.
pub(crate) fn wait_ended(pid: Pid) {
    wait("the end", || {
        state(pid).is_none_or(|(state, _)| state == 'Z')
    });
}

/// Waits until a process has ended and its parent has taken notice.
pub(crate) fn wait_reaped(pid: Pid) {
    wait("no zombie", || state(pid).is_none());
}

/// Waits until a process waits for something.
pub(crate) fn wait_asleep(pid: Pid) {
    wait("sleep", || {
        state(pid).is_some_and(|(state, _)| state == 'S')
    });
}

/// The memory that a process shares with no other, in kilobytes.
pub(crate) fn private_memory(pid: Pid) -> u64 {
    let path = format!("/proc/{}/smaps_rollup", pid.as_raw_nonzero());
    let sums = fs::read_to_string(path).expect("memory");
    let sizes = sums.lines().filter(|line| line.starts_with("Private_"));
    let sizes = sizes.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    sizes.sum()
}

/// The processor time that a process has used, in ticks of the kernel.
pub(crate) fn processor_time(pid: Pid) -> u64 {
    let path = format!("/proc/{}/stat", pid.as_raw_nonzero());
    let line = fs::read_to_string(path).expect("a process");
    let fields = line.rsplit(") ").next().expect("fields").split(' ');
    // User and system time, the 14th and 15th field of all.
    let times = fields.skip(11).take(2).map(str::parse::<u64>);
    times.map(|time| time.expect("a number")).sum()
}

/// Waits until something is so.
pub(crate) fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "never came: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
