//! The real program on a real terminal: it starts whatever the backends do, answers keys, follows
//! every resize, and always gives the terminal back.

#![expect(clippy::expect_used, reason = "a test may panic")]

#[cfg(target_os = "linux")]
#[path = "terminal/deaths.rs"]
mod deaths;
#[path = "terminal/demo.rs"]
mod demo;
#[path = "terminal/lending.rs"]
mod lending;
#[path = "terminal/mouse.rs"]
mod mouse;
#[path = "terminal/pager.rs"]
mod pager;
#[path = "terminal/plain.rs"]
mod plain;
#[cfg(target_os = "linux")]
#[path = "terminal/process.rs"]
mod process;
#[path = "terminal/progress.rs"]
mod progress;
#[path = "terminal/pty.rs"]
mod pty;
#[path = "terminal/terminals.rs"]
mod terminals;
#[path = "terminal/wall.rs"]
mod wall;

use std::time::Duration;

use portable_pty::CommandBuilder;
use rustix::process::Signal;

use pager::Pager;
use pty::Pty;

/// On every screen of the program.
const HEADER: &str = "PAGE";
/// Only on the help screen.
const HELP: &str = "Keys ·";

/// The program with a backend that refuses every connection, once it shows something.
fn watchfire(width: u16, height: u16) -> Pty {
    let pty = started(width, height);
    pty.wait_for(HEADER);
    pty
}

/// The same at its very beginning.
fn started(width: u16, height: u16) -> Pty {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_watchfire"));
    command.args(["--prometheus", "http://127.0.0.1:1"]);
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    command.env("HOME", "/nonexistent");
    // Nothing of one test is remembered in another.
    command.env("WATCHFIRE__JOURNAL__ENABLED", "false");
    command.cwd(std::env::temp_dir());
    Pty::start(command, width, height)
}

/// A part of this file, run by itself on a terminal.
fn stage(name: &str) -> Pty {
    Pty::start(stage_command(name), 120, 40)
}

fn stage_command(name: &str) -> CommandBuilder {
    let mut command = CommandBuilder::new(std::env::current_exe().expect("this program"));
    command.args(["--ignored", "--exact", name, "--nocapture"]);
    command.env("RUST_BACKTRACE", "0");
    command
}

#[test]
fn with_every_backend_dead_the_screen_starts_answers_keys_and_leaves() {
    let mut pty = watchfire(120, 40);
    pty.press("?");
    pty.wait_for(HELP);
    pty.press("\u{1b}");
    pty.wait_gone(HELP);
    pty.press("q");
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_given_back();
    assert_eq!(pty.alarms(), Vec::<String>::new());
}

#[test]
fn ctrl_c_always_leaves() {
    let mut pty = watchfire(120, 40);
    pty.press("?");
    pty.wait_for(HELP);
    pty.press("\u{3}");
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_given_back();
}

#[test]
fn every_size_is_followed_and_the_smallest_survived() {
    let mut pty = watchfire(80, 24);
    for (width, height) in [(120, 40), (40, 12), (1, 1), (200, 50), (80, 24)] {
        pty.take_bytes();
        pty.resize(width, height);
        pty.wait_for_bytes("\u{1b}[2J");
        if width >= 40 {
            pty.wait("the header in the first row", |screen| {
                let first = screen.rows(0, width).next();
                first.is_some_and(|row| row.contains(HEADER))
            });
        }
    }
    pty.press("q");
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_given_back();
}

#[cfg(target_os = "linux")]
#[test]
fn a_size_beyond_all_screens_takes_no_more_memory_than_the_largest() {
    let mut pty = watchfire(80, 24);
    for (width, height) in [(u16::MAX, u16::MAX), (u16::MAX, 10), (10, u16::MAX)] {
        pty.take_bytes();
        pty.resize_unseen(width, height);
        pty.wait_for_bytes("\u{1b}[2J");
        let memory = process::private_memory(pty.pid()) >> 10;
        assert!(memory < 160, "{memory} MiB at {width}x{height}");
    }
    pty.resize_unseen(80, 24);
    pty.press("?");
    pty.wait_for(HELP);
    pty.press("\u{3}");
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_given_back();
}

#[test]
fn a_signal_that_ends_gives_the_terminal_back_and_names_itself() {
    for (signal, status) in [
        (Signal::TERM, 143),
        (Signal::HUP, 129),
        (Signal::INT, 130),
        (Signal::QUIT, 131),
        (Signal::USR1, status_of(Signal::USR1)),
        (Signal::USR2, status_of(Signal::USR2)),
        (Signal::ALARM, status_of(Signal::ALARM)),
        (Signal::VTALARM, status_of(Signal::VTALARM)),
        (Signal::PROF, status_of(Signal::PROF)),
        (Signal::XCPU, status_of(Signal::XCPU)),
    ] {
        let mut pty = watchfire(80, 24);
        pty.signal(signal);
        assert_eq!(pty.wait_exit(), status, "{signal:?}");
        pty.assert_given_back();
    }
}

/// The exit status that names a signal, whose number differs between systems.
fn status_of(signal: Signal) -> u32 {
    128 + u32::try_from(signal.as_raw()).expect("a signal's number")
}

/// The screen is there, and its keys work.
fn assert_answers_keys(pty: &mut Pty) {
    pty.wait_for(HEADER);
    pty.press("?");
    pty.wait_for(HELP);
    pty.press("\u{1b}");
    pty.wait_gone(HELP);
}

#[cfg(target_os = "linux")]
#[test]
fn a_stop_gives_the_terminal_back_and_going_on_takes_it_again() {
    let mut pty = watchfire(80, 24);
    for _ in 0..3 {
        pty.signal(Signal::TSTP);
        pty.wait_stopped();
        pty.assert_given_back();
        pty.signal(Signal::CONT);
        pty.wait("the alternate screen", vt100::Screen::alternate_screen);
        assert_answers_keys(&mut pty);
    }
    pty.press("q");
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_given_back();
}

#[cfg(target_os = "linux")]
#[test]
fn after_a_stop_that_nobody_could_see_coming_keys_arrive_one_by_one_again() {
    let mut pty = watchfire(80, 24);
    let raw = pty.settings();
    pty.signal(Signal::STOP);
    pty.wait_stopped();
    // As a shell does before its prompt.
    pty.edit_settings(|settings| {
        settings.local_modes |= rustix::termios::LocalModes::ICANON;
        settings.local_modes |= rustix::termios::LocalModes::ECHO;
    });
    pty.signal(Signal::CONT);
    pty.press("?");
    pty.wait_for(HELP);
    assert_eq!(pty.settings(), raw);
    pty.press("\u{3}");
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_given_back();
}

#[test]
fn without_its_terminal_the_program_ends_at_once() {
    let lived_on = watchfire(80, 24).hang_up();
    assert!(lived_on < Duration::from_secs(2), "{lived_on:?}");
}

#[test]
fn without_its_terminal_it_ends_even_when_hang_ups_are_ignored() {
    let mut command = CommandBuilder::new("sh");
    command.args([
        "-c",
        "trap '' HUP; exec \"$0\" --prometheus http://127.0.0.1:1",
    ]);
    command.arg(env!("CARGO_BIN_EXE_watchfire"));
    let pty = Pty::start(command, 80, 24);
    pty.wait_for(HEADER);
    let lived_on = pty.hang_up();
    assert!(lived_on < Duration::from_secs(2), "{lived_on:?}");
}

#[test]
fn a_terminal_that_takes_no_bytes_does_not_keep_the_program() {
    let mut pty = watchfire(200, 50);
    pty.pause();
    for _ in 0..40 {
        pty.press(&"\u{c}".repeat(64));
    }
    pty.signal(Signal::TERM);
    assert_eq!(pty.wait_exit(), 143);
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_that_takes_no_bytes_does_not_keep_who_quits() {
    for keys in ["q", "\u{3}"] {
        let mut pty = watchfire(80, 24);
        pty.block();
        pty.press(keys);
        assert_eq!(pty.wait_exit(), 0, "{keys:?}");
    }
}

#[test]
fn a_frame_that_never_arrives_does_not_keep_who_presses_ctrl_c() {
    let pager = Pager::start();
    let long = "x".repeat(800);
    let ids: Vec<String> = (0..400).map(|number| format!("{number} {long}")).collect();
    let incidents: Vec<_> = ids.iter().map(|id| (id.as_str(), "search")).collect();
    pager.tell(&incidents);
    let mut pty = pager.watched();
    pty.resize(1000, 500);
    // A frame of this size is more than a terminal holds back.
    pty.wait("a large frame", |screen| screen.contents().len() > 100_000);
    pty.pause();
    pty.press("\u{c}");
    pty.press("\u{3}");
    assert_eq!(pty.wait_exit(), 0);
}

#[test]
fn the_bell_rings_once_for_a_new_page_and_not_for_one_that_folds() {
    let pager = Pager::start();
    pager.tell(&[("1", "search")]);
    let mut pty = pager.watched();
    pty.wait_for("is broken 1");
    assert_eq!(pty.alarms(), Vec::<String>::new(), "somebody looks at it");
    pager.tell(&[("1", "search"), ("2", "checkout")]);
    pty.wait_for("is broken 2");
    assert_eq!(pty.alarms(), ["bell"]);
    pty.press("w");
    pty.wait_for("muted 30m");
    pager.tell(&[("1", "search"), ("2", "checkout"), ("3", "checkout")]);
    pty.wait_for("+1 folded");
    assert_eq!(pty.alarms(), ["bell"]);
    pager.tell(&[("1", "search"), ("3", "checkout"), ("4", "cart")]);
    pty.wait_for("is broken 4");
    assert_eq!(pty.alarms(), ["bell", "bell"]);
    pty.press("q");
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_given_back();
}

#[test]
fn idle_costs_next_to_nothing() {
    let pty = watchfire(120, 40);
    let mut shown = String::new();
    for second in 0..6 {
        pty.wait("another second on the clock", |screen| {
            pty::first_row(screen) != shown
        });
        shown = pty.first_row();
        if second == 2 {
            pty.take_bytes();
        }
    }
    let bytes = pty.take_bytes().len();
    // Two kilobytes in half a minute.
    assert!(bytes < 3 * 2048 / 30, "{bytes} bytes in three seconds");
}

#[test]
fn pastes_and_late_replies_do_not_act() {
    let mut pty = watchfire(80, 24);
    pty.press("\u{1b}[200~q?\u{3}\u{1b}[201~");
    pty.press("\u{1b}]11;rgb:0000/0000/0000\u{7}\u{1b}[?62;22c\u{1b}P>|term(1)\u{1b}\\");
    pty.press("?");
    pty.wait_for(HELP);
    pty.press("q");
    pty.wait_gone(HELP);
}

#[test]
fn ctrl_c_leaves_also_within_a_paste_whose_end_was_lost() {
    let mut pty = watchfire(80, 24);
    pty.press("\u{1b}[200~abc");
    pty.press("\u{3}");
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_given_back();
}

#[test]
fn nothing_is_asked_of_the_terminal_from_start_to_end() {
    let mut pty = watchfire(80, 24);
    pty.press("q");
    pty.wait_exit();
    pty.assert_given_back();
    let bytes = String::from_utf8(pty.take_bytes()).expect("UTF-8");
    for sequence in bytes.split('\u{1b}').skip(1) {
        let last = sequence
            .strip_prefix('[')
            .and_then(|rest| rest.chars().find(|c| !matches!(c, '0'..='9' | ';' | '?')));
        assert!(
            last.is_some_and(|last| "HABCDGJKmhl".contains(last)),
            "{sequence:?} moves no cursor, sets no pen, erases nothing and is no mode"
        );
    }
}

#[test]
fn a_panic_of_the_drawing_thread_is_told_on_a_terminal_that_was_given_back() {
    let mut pty = stage("stage::the_drawing_thread_panics");
    assert_ne!(pty.wait_exit(), 0);
    pty.assert_given_back();
    pty.wait_for("watchfire failed: drew ⟦esc⟧badly");
}

#[test]
fn a_panic_of_a_source_is_a_fault_on_a_screen_that_lives_on() {
    let mut pty = stage("stage::a_source_panics");
    pty.wait_for("parsed");
    let shown = pty.contents();
    assert!(!shown.contains("panicked"), "{shown}");
    pty.press("?");
    pty.wait_for(HELP);
    pty.press("\u{3}");
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_given_back();
    assert!(!pty.contents().contains("panicked"), "{}", pty.contents());
}

#[test]
fn without_a_terminal_the_program_names_the_command_that_needs_none() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_watchfire"))
        .args(["--prometheus", "http://127.0.0.1:1"])
        .output()
        .expect("ran");
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(message.contains("watchfire status"), "{message}");
}

/// What [`stage`] runs; never run by itself.
mod stage {
    use std::collections::BTreeMap;

    use jiff::SignedDuration;
    use watchfire::app::keymap::Keymap;
    use watchfire::config::{HttpSettings, Settings, SourceSettings};
    use watchfire::domain::SourceName;
    use watchfire::run::{Scene, run};
    use watchfire::source::{Ask, Fetching, Source};
    use watchfire::store::{Feed, Offers, Store};
    use watchfire::term::Tty;
    use watchfire::watch::Watch;

    #[test]
    #[ignore = "runs on a terminal of its own"]
    fn the_drawing_thread_panics() {
        let _tty = Tty::enter().expect("terminal");
        panic!("drew \u{1b}[31mbadly");
    }

    struct Broken;

    impl Source for Broken {
        fn fetch<'a>(&'a mut self, _ask: &'a Ask) -> Fetching<'a> {
            Box::pin(async { panic!("parsed nothing") })
        }
    }

    #[test]
    #[ignore = "runs on a terminal of its own"]
    fn a_source_panics() {
        let settings = SourceSettings {
            name: SourceName::new("prod"),
            kind: "prometheus".to_owned(),
            index: 0,
            interval: SignedDuration::from_secs(1),
            stale_after: SignedDuration::from_secs(60),
            http: HttpSettings::default(),
            folder: None,
            table: toml::Table::new(),
        };
        let offers = Offers {
            slos: true,
            releases: false,
            incidents: false,
            ..Offers::default()
        };
        let (every, down) = (settings.interval, settings.stale_after);
        let feed = Feed::new(settings.name.clone(), "prometheus", offers, every, down);
        let watch = Watch {
            sources: vec![(settings, Box::new(Broken))],
            store: Store::new(vec![feed]),
        };
        let keymap = Keymap::new(&BTreeMap::new()).expect("keys");
        let mut settings = Settings::empty();
        settings.journal.enabled = false;
        let status = run(&settings, keymap, Scene::Watch(watch));
        // Not the verdict of this test, but the program's.
        std::process::exit(i32::from(status != std::process::ExitCode::SUCCESS));
    }
}
