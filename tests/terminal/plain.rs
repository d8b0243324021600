//! What crossterm's own reader does with the same bytes, and why the reader of keys is ours.
//!
//! Each test holds both to one terminal: ours does what a person means, and crossterm 0.29 does not. One
//! that fails for crossterm's part says that a part of ours may go.

use std::thread;
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use portable_pty::CommandBuilder;
#[cfg(target_os = "linux")]
use rustix::process::{Signal, kill_process};

use crate::pty::Pty;
use crate::stage_command;

/// A reader at the other end of ssh, which has printed everything so far.
fn reader(name: &str) -> Pty {
    let mut command = stage_command(&format!("plain::{name}"));
    command.env("SSH_TTY", "/dev/pts/0");
    let mut pty = Pty::start(command, 120, 40);
    pty.press("0");
    pty.wait_for_bytes("<Char('0')>");
    pty.take_bytes();
    pty
}

const OURS: &str = "ours_reads";
const CROSSTERMS: &str = "crossterm_reads";

/// The events that a reader makes of these bytes, up to the `.` after them.
fn events(reader: &mut Pty, bytes: &str) -> String {
    reader.press(bytes);
    rest(reader)
}

/// The events up to a `.` from now.
fn rest(reader: &mut Pty) -> String {
    reader.press(".");
    reader.wait_for_bytes("<Char('.')>");
    let text = String::from_utf8(reader.take_bytes()).expect("UTF-8");
    text.replace("<Char('.')>", "")
}

#[test]
fn a_key_that_comes_whole_is_the_same_key_for_both() {
    let (mut ours, mut crossterms) = (reader(OURS), reader(CROSSTERMS));
    for bytes in [
        "\r",
        "\t",
        "\u{1b}[Z",
        "\u{7f}",
        "\u{1b}[3~",
        "\u{1b}[A",
        "\u{1b}OB",
        "\u{1b}[1;5C",
        "\u{1b}[D",
        "\u{1b}[5~",
        "\u{1b}[6~",
        "\u{1b}[H",
        "\u{1b}[1~",
        "\u{1b}OF",
        "\u{1b}[4~",
        "G",
        "ü",
        "支",
        "🔥",
        "\u{3}",
        "\u{c}",
        "\0",
        "\u{1b}[200~q\u{1b}[201~",
    ] {
        let ours = events(&mut ours, bytes);
        assert!(!ours.is_empty(), "{bytes:?}");
        assert_eq!(ours, events(&mut crossterms, bytes), "{bytes:?}");
    }
}

/// Over ssh the bytes of a key come apart. For crossterm an ESC at the end of a read is the key, so that a
/// down arrow leaves what is open and presses two letters; ours waits 110 ms for the rest, 160 ms over ssh.
#[test]
fn an_arrow_that_a_network_parts_is_one_key_for_ours_and_three_for_crossterm() {
    let mut ours = reader(OURS);
    loop {
        let began = Instant::now();
        ours.press("\u{1b}");
        thread::sleep(Duration::from_millis(10));
        ours.press("[B");
        let gap = began.elapsed();
        let read = rest(&mut ours);
        // A busy machine may stretch the gap beyond what any reader waits for.
        if gap < Duration::from_millis(90) {
            assert_eq!(read, "<Down>", "{gap:?}");
            break;
        }
    }

    let mut crossterms = reader(CROSSTERMS);
    crossterms.press("\u{1b}");
    crossterms.wait_for_bytes("<Esc>");
    crossterms.press("[B");
    assert_eq!(rest(&mut crossterms), "<Esc><Char('[')><Char('B')>");
}

/// A terminal's late answer to a program that ran before is keys for crossterm: 23 for the colour of its
/// background, 11 for its version, 8 for its attributes.
#[test]
fn a_late_reply_is_nothing_for_ours_and_keys_for_crossterm() {
    let (mut ours, mut crossterms) = (reader(OURS), reader(CROSSTERMS));
    for (reply, keys) in [
        ("\u{1b}]11;rgb:0000/0000/0000\u{7}", 23),
        ("\u{1b}P>|term(1)\u{1b}\\", 11),
        ("\u{1b}[>0;276;0c", 8),
    ] {
        assert_eq!(events(&mut ours, reply), "", "{reply:?}");
        let typed = events(&mut crossterms, reply);
        assert_eq!(typed.matches('<').count(), keys, "{reply:?}: {typed}");
    }
}

/// A late report of a mode leaves crossterm without a keyboard until somebody happens to type a `c` or `u`.
#[test]
fn a_late_report_of_a_mode_leaves_the_keyboard_alive_for_ours_and_dead_for_crossterm() {
    let report = "\u{1b}[?2026;2$y";
    assert_eq!(events(&mut reader(OURS), report), "");
    let mut crossterms = reader(CROSSTERMS);
    crossterms.press(report);
    crossterms.press("jjjjjc");
    assert_eq!(rest(&mut crossterms), "");
}

/// After a paste whose end was lost, ours takes a ctrl-c for a key after two seconds. For crossterm
/// everything is pasted from then on.
#[test]
fn ctrl_c_ends_a_lost_paste_for_ours_and_is_pasted_for_crossterm() {
    let mut ours = reader(OURS);
    ours.press("\u{1b}[200~abc\u{3}");
    ours.wait_for_bytes("<ctrl-Char('c')>");
    assert_eq!(rest(&mut ours), "<ctrl-Char('c')>");

    let mut crossterms = reader(CROSSTERMS);
    crossterms.press("\u{1b}[200~abc\u{3}");
    thread::sleep(Duration::from_secs(3));
    let pasted = events(&mut crossterms, "d\u{1b}[201~");
    assert_eq!(pasted, "<abc\\u{3}d>");
}

/// When the terminal is gone, crossterm's reader neither returns nor fails: it takes a whole core for as
/// long as the process lives (crossterm-rs/crossterm#793).
#[cfg(target_os = "linux")]
#[test]
fn a_hang_up_ends_ours_and_has_crossterm_spin() {
    without_hang_ups(OURS).hang_up();

    let mut crossterms = without_hang_ups(CROSSTERMS).cut();
    let pid = crate::pty::pid(crossterms.as_ref());
    let used = crate::process::processor_time(pid);
    crate::process::wait("half a second of processor time", || {
        crate::process::processor_time(pid) > used + 50
    });
    assert!(crossterms.try_wait().expect("status").is_none());
    kill_process(pid, Signal::KILL).expect("killed");
    crossterms.wait().expect("ended");
}

/// A reader that SIGHUP does not end.
#[cfg(target_os = "linux")]
fn without_hang_ups(name: &str) -> Pty {
    let mut command = CommandBuilder::new("sh");
    command.args([
        "-c",
        "trap '' HUP; exec \"$0\" --ignored --exact \"$1\" --nocapture",
    ]);
    command.arg(std::env::current_exe().expect("this program"));
    command.arg(format!("plain::{name}"));
    let mut pty = Pty::start(command, 120, 40);
    pty.press("0");
    pty.wait_for_bytes("<Char('0')>");
    pty
}

/// Prints one event, at once; a terminal that is gone is for the reader to notice.
fn print(event: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    let _ = write!(out, "<{event}>").and_then(|()| out.flush());
}

#[test]
#[ignore = "runs on a terminal of its own"]
fn ours_reads() {
    use std::sync::mpsc;
    use watchfire::term::{Input, Keyboard, Tty};

    let tty = Tty::enter().expect("terminal");
    let (sender, inputs) = mpsc::channel();
    let _keyboard = Keyboard::start(&tty, move |input| sender.send(input).is_ok());
    for input in inputs {
        match input {
            Input::Key(key) if key.ctrl => print(&format!("ctrl-{:?}", key.code)),
            Input::Key(key) => print(&format!("{:?}", key.code)),
            Input::Paste(text) => print(&text.escape_debug().to_string()),
            Input::Mouse(..) | Input::Focus(_) => {}
            Input::Gone => return,
        }
    }
}

#[test]
#[ignore = "runs on a terminal of its own"]
fn crossterm_reads() {
    use crossterm::event::{Event, KeyModifiers, read};
    use crossterm::terminal::enable_raw_mode;

    enable_raw_mode().expect("raw mode");
    loop {
        match read().expect("an event") {
            Event::Key(key) if key.modifiers.contains(KeyModifiers::CONTROL) => {
                print(&format!("ctrl-{:?}", key.code));
            }
            Event::Key(key) => print(&format!("{:?}", key.code)),
            Event::Paste(text) => print(&text.escape_debug().to_string()),
            other => print(&format!("{other:?}")),
        }
    }
}
