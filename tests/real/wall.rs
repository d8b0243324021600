//! The wall over a real Prometheus that stops answering: how soon it says so.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::history::{prometheus, service, this_minute};
use crate::program::screen;
use crate::rules;

/// Interval and time-out of the source.
const INTERVAL: u64 = 2;
const TIMEOUT: u64 = 3;
/// What the contract adds to both, and what a busy machine may take to draw a frame.
const TOLERANCE: Duration = Duration::from_secs(2 + 2);

#[test]
fn a_server_that_hangs_is_blind_within_interval_time_out_and_two_seconds() {
    let dir = tempfile::tempdir().expect("a folder");
    let steady = service("steady");
    let rules = rules::sloth(steady.name);
    let groups = format!("groups:\n{rules}");
    let server = prometheus(dir.path(), &[steady], &groups, this_minute());
    let text = format!(
        "[[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"{}\"\ninterval = \"{INTERVAL}s\"\n\
         timeout = \"{TIMEOUT}s\"\n[[slo]]\nservice = \"steady\"\nname = \"availability\"\nobjective = 99.0\n\
         period = \"30d\"\nsource = \"prod\"\ntotal = 'http_requests_total{{service=\"steady\"}}'\n\
         bad = 'http_requests_total{{service=\"steady\",code=~\"5..\"}}'\n",
        server.url
    );
    std::fs::write(dir.path().join("watchfire.toml"), text).expect("the configuration");
    let mut pty = screen(dir.path(), &["wall", "--config", "watchfire.toml"]);
    pty.wait_for("2 of 2 SLOs hold · known");
    let pid = Pid::from_raw(server.pid().try_into().expect("a process")).expect("a process");
    for _ in 0..2 {
        kill_process(pid, Signal::STOP).expect("stopped");
        // Its last answer came before this.
        let began = Instant::now();
        pty.wait("BLIND alone", |screen| {
            let shown = screen.contents();
            shown.contains("BLIND prod") && !shown.contains("SLOs hold")
        });
        let took = began.elapsed();
        pty.wait_for("0 TICKET, 2 ok");
        kill_process(pid, Signal::CONT).expect("continued");
        let most = Duration::from_secs(INTERVAL + TIMEOUT) + TOLERANCE;
        assert!(took <= most, "{took:?}");
        pty.wait_for("2 of 2 SLOs hold · known");
    }
    pty.press("q");
    assert_eq!(pty.wait_exit(), 0);
}
