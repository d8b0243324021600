//! Commands of the user's own that get the terminal, and the screen that is back after each.

use portable_pty::CommandBuilder;
use rustix::process::Signal;

use super::pty::Pty;
use super::{HEADER, assert_answers_keys};

/// The program with one SLO and one command on `X` that takes the terminal.
fn with_command(script: &str) -> (Pty, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("config.toml");
    let config = format!(
        r#"
[actions]
enabled = true
audit_log = "{log}"

[[source]]
name = "prod"
kind = "prometheus"
url = "http://127.0.0.1:1"

[[slo]]
service = "checkout"
name = "availability"
objective = 99.9
period = "30d"
source = "prod"
total = 'http_requests_total{{service="checkout"}}'
bad = 'http_requests_total{{service="checkout",code="500"}}'

[[action]]
key = "X"
label = "a shell"
scope = "slo"
command = ["sh", "-c", {script:?}]
terminal = true
confirm = false
"#,
        log = dir.path().join("audit.jsonl").display(),
    );
    std::fs::write(&file, config).expect("written");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_watchfire"));
    command.arg("--config");
    command.arg(&file);
    command.env("HOME", "/nonexistent");
    command.env("WATCHFIRE__JOURNAL__ENABLED", "false");
    command.cwd(std::env::temp_dir());
    let pty = Pty::start(command, 120, 40);
    pty.wait_for("checkout");
    (pty, dir)
}

/// The screen is there, its keys work, and leaving gives the terminal back as it was.
fn assert_goes_on(mut pty: Pty) {
    assert_answers_keys(&mut pty);
    pty.press("q");
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_given_back();
}

#[test]
fn a_command_gets_the_terminal_with_its_lines_and_echo_and_the_screen_is_back_after_it() {
    let script = "printf 'your name? '; read name; printf 'hello %s\\n' \"$name\"; read rest";
    let (mut pty, _dir) = with_command(script);
    pty.press("X");
    pty.wait_for("your name?");
    pty.wait_gone(HEADER);
    // `q` is a letter for the command, and the terminal echoes it.
    pty.press("qmara\r");
    pty.wait_for("hello qmara");
    pty.press("\r");
    assert_goes_on(pty);
}

#[test]
fn ctrl_c_ends_the_command_and_not_the_program() {
    let (mut pty, dir) = with_command("echo it sleeps; exec sleep 1000");
    pty.press("X");
    pty.wait_for("it sleeps");
    pty.press("\u{3}");
    pty.wait_for("ended by signal 2");
    // How it ended is in the audit log, beside its intent.
    let log = std::fs::read_to_string(dir.path().join("audit.jsonl")).expect("a log");
    assert_eq!(log.lines().count(), 2, "{log}");
    pty.press("\u{1b}");
    assert_goes_on(pty);
}

#[test]
fn a_command_that_is_killed_in_a_raw_terminal_leaves_nothing_behind() {
    let script =
        "printf '\\033[?1049h\\033[?1h\\033[2;3rin full screen'; stty raw -echo; kill -9 $$";
    let (mut pty, _dir) = with_command(script);
    pty.press("X");
    pty.wait_for("ended by signal 9");
    pty.press("\u{1b}");
    assert_goes_on(pty);
}

#[test]
fn a_command_that_cannot_be_started_gives_the_terminal_back_at_once() {
    let (mut pty, dir) = with_command("exit 3");
    pty.press("X");
    pty.wait_for("exit status 3");
    pty.press("\u{1b}");
    pty.wait_gone("exit status 3");
    // Without a place for its intent nothing is begun.
    let log = dir.path().join("audit.jsonl");
    std::fs::remove_file(&log).expect("removed");
    std::fs::create_dir(&log).expect("in its place");
    pty.press("X");
    pty.wait_for("could not be started");
    pty.press("\u{1b}");
    assert_goes_on(pty);
}

#[test]
fn a_signal_that_ends_the_program_ends_it_also_while_a_command_has_the_terminal() {
    let (mut pty, _dir) = with_command("echo it sleeps; exec sleep 1000");
    pty.press("X");
    pty.wait_for("it sleeps");
    pty.signal(Signal::TERM);
    assert_eq!(pty.wait_exit(), 128 + 15);
    pty.assert_given_back();
}
