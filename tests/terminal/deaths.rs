//! Deaths after which no code of the screen runs: the guardian gives the terminal back.

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::pager::Pager;
use crate::process;
use crate::pty::Pty;
use crate::{HEADER, HELP, watchfire};

/// The last bytes that the terminal is sent.
const LEAVE: &str = "\u{1b}[?1049l";

fn guardian(pty: &Pty) -> Pid {
    process::child(pty.pid(), "__guardian")
}

fn times_left(pty: &Pty) -> usize {
    String::from_utf8_lossy(&pty.take_bytes())
        .matches(LEAVE)
        .count()
}

#[test]
fn a_kill_and_an_abort_give_the_terminal_back() {
    for signal in [
        Signal::KILL,
        Signal::ABORT,
        Signal::ILL,
        Signal::TRAP,
        Signal::SYS,
    ] {
        let mut pty = watchfire(80, 24);
        let guardian = guardian(&pty);
        pty.signal(signal);
        assert_ne!(pty.wait_exit(), 0, "{signal:?}");
        pty.assert_given_back();
        assert_eq!(times_left(&pty), 1, "{signal:?}");
        process::wait_ended(guardian);
    }
}

#[test]
fn the_kill_of_the_whole_process_group_does_not_reach_the_guardian() {
    let mut pty = watchfire(80, 24);
    process::wait_asleep(guardian(&pty));
    kill_process_group(pty.pid(), Signal::KILL).expect("killed");
    assert_ne!(pty.wait_exit(), 0);
    pty.assert_given_back();
}

#[test]
fn a_kill_while_the_program_starts_gives_the_terminal_back() {
    for _ in 0..10 {
        let mut pty = crate::started(80, 24);
        pty.wait_for_bytes("\u{1b}[?1049h");
        pty.signal(Signal::KILL);
        assert_ne!(pty.wait_exit(), 0);
        pty.assert_given_back();
    }
}

#[test]
fn after_a_quit_the_guardian_writes_nothing_and_is_gone() {
    let mut pty = watchfire(80, 24);
    let guardian = guardian(&pty);
    pty.press("q");
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_given_back();
    assert_eq!(times_left(&pty), 1);
    process::wait_reaped(guardian);
}

#[test]
fn after_a_stop_the_terminal_is_not_the_guardians() {
    let mut pty = watchfire(80, 24);
    let guardian = guardian(&pty);
    pty.signal(Signal::TSTP);
    pty.wait_stopped();
    pty.assert_given_back();
    pty.take_bytes();
    pty.signal(Signal::KILL);
    assert_ne!(pty.wait_exit(), 0);
    assert_eq!(pty.take_bytes(), b"");
    process::wait_ended(guardian);
}

#[test]
fn a_kill_after_a_stop_and_a_return_gives_the_terminal_back() {
    let mut pty = watchfire(80, 24);
    for _ in 0..2 {
        pty.signal(Signal::TSTP);
        pty.wait_stopped();
        pty.wait("the shell's screen", |screen| !screen.alternate_screen());
        pty.signal(Signal::CONT);
        pty.wait("the alternate screen", vt100::Screen::alternate_screen);
        pty.wait_for(HEADER);
    }
    pty.take_bytes();
    pty.signal(Signal::ABORT);
    assert_ne!(pty.wait_exit(), 0);
    pty.assert_given_back();
    assert_eq!(times_left(&pty), 1);
}

#[test]
fn the_screen_goes_on_without_a_guardian_that_was_killed() {
    let mut pty = watchfire(80, 24);
    let guardian = guardian(&pty);
    kill_process(guardian, Signal::KILL).expect("killed");
    process::wait_reaped(guardian);
    pty.press("?");
    pty.wait_for(HELP);
    pty.signal(Signal::TSTP);
    pty.wait_stopped();
    pty.wait("the shell's screen", |screen| !screen.alternate_screen());
    pty.signal(Signal::CONT);
    pty.wait_for(HELP);
    pty.press("\u{3}");
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_given_back();
}

#[test]
fn settings_that_a_shell_has_made_meanwhile_are_left_alone() {
    let mut pty = watchfire(80, 24);
    process::wait_asleep(guardian(&pty));
    // As a line editor has them: characters come one by one and are not echoed.
    pty.edit_settings(|settings| {
        settings.output_modes |= rustix::termios::OutputModes::OPOST;
        settings.local_modes |= rustix::termios::LocalModes::ISIG;
    });
    let edited = pty.settings();
    pty.signal(Signal::KILL);
    assert_ne!(pty.wait_exit(), 0);
    assert_eq!(pty.settings(), edited);
    assert_eq!(times_left(&pty), 1);
}

#[test]
fn a_command_that_lives_on_does_not_keep_the_terminal() {
    let pager = Pager::start();
    pager.tell(&[("1", "search")]);
    let mut pty = pager.watched();
    pty.wait_for("is broken 1");
    pty.press("3B");
    let lives_on = pager.wait_for_command();
    pty.signal(Signal::KILL);
    assert_ne!(pty.wait_exit(), 0);
    pty.assert_given_back();
    kill_process(lives_on, Signal::KILL).expect("it has lived on");
}

#[test]
fn without_its_terminal_no_guardian_is_left() {
    let pty = watchfire(80, 24);
    let guardian = guardian(&pty);
    pty.hang_up();
    process::wait_ended(guardian);
}

#[test]
fn a_terminal_that_takes_no_bytes_does_not_keep_the_guardian() {
    let mut pty = watchfire(80, 24);
    let (guardian, before) = (guardian(&pty), pty.settings_before());
    pty.block();
    pty.signal(Signal::KILL);
    assert_ne!(pty.wait_exit(), 0);
    process::wait_ended(guardian);
    assert_eq!(pty.settings(), before);
}

#[test]
fn a_guardian_costs_next_to_nothing() {
    let pty = watchfire(80, 24);
    let guardian = guardian(&pty);
    process::wait_asleep(guardian);
    let memory = process::private_memory(guardian);
    assert!(memory < 8 << 10, "{memory} KiB");
    let open = fs::read_dir(format!("/proc/{}/fd", guardian.as_raw_nonzero())).expect("files");
    assert_eq!(open.count(), 3, "the terminal twice and the connection");
    let used = process::processor_time(guardian);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(process::processor_time(guardian), used);
}
