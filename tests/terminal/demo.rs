//! The story of the demo: the suspect of its page is the bad release, from the first frame with the page on.

use std::cell::RefCell;
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;

use crate::pty::Pty;

/// The bad release.
const BAD: &str = "v2.38.0";
/// How long after the first page frames are still looked at.
const AFTER: Duration = Duration::from_secs(4);

/// Every frame with a page, whether it names the bad release in its fire line.
fn frames_that_page(speed: &str) -> Vec<(bool, String)> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_watchfire"));
    command.args(["demo", "--speed", speed]);
    command.env("HOME", folder.path());
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    command.env("WATCHFIRE__JOURNAL__ENABLED", "false");
    command.cwd(folder.path());
    let mut pty = Pty::start(command, 120, 40);
    let (frames, first) = (RefCell::new(Vec::new()), RefCell::new(None::<Instant>));
    pty.wait("some frames with the page", |screen| {
        let shown = screen.contents();
        let pages = shown
            .lines()
            .next()
            .is_some_and(|header| header.contains("1 PAGE"));
        if pages {
            first.borrow_mut().get_or_insert_with(Instant::now);
            let fire: Vec<_> = shown.lines().skip(1).take(9).collect();
            let is_named = fire.iter().any(|line| line.contains(BAD));
            frames.borrow_mut().push((is_named, shown));
        }
        first.borrow().is_some_and(|first| first.elapsed() >= AFTER)
    });
    pty.press("q");
    pty.wait_exit();
    frames.into_inner()
}

#[test]
fn the_bad_release_is_the_suspect_from_the_first_page_on() {
    thread::scope(|scope| {
        let runs =
            ["12", "5", "3"].map(|speed| (speed, scope.spawn(move || frames_that_page(speed))));
        for (speed, run) in runs {
            let frames = run.join().expect("a run");
            assert!(!frames.is_empty(), "no page at speed {speed}");
            let first_wrong = frames.iter().find(|(is_named, _)| !is_named);
            assert!(
                first_wrong.is_none(),
                "speed {speed}: {}",
                first_wrong.map_or("", |(_, shown)| shown)
            );
        }
    });
}
