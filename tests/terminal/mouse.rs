//! The mouse where it is asked for, and a window that does not have the keyboard.

use std::thread;
use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;

use crate::pty::Pty;

/// The view of three sources that refuse every connection.
fn sources(has_mouse: bool) -> Pty {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_watchfire"));
    for port in 1..4 {
        command.args(["--prometheus", &format!("http://127.0.0.1:{port}")]);
    }
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    command.env("HOME", "/nonexistent");
    command.env("WATCHFIRE__JOURNAL__ENABLED", "false");
    if has_mouse {
        command.env("WATCHFIRE__UI__MOUSE", "true");
    }
    command.cwd(std::env::temp_dir());
    let mut pty = Pty::start(command, 120, 40);
    pty.wait_for("PAGE");
    pty.press("4");
    pty.wait("three sources", |screen| rows(screen).len() == 3);
    pty
}

/// Where the rows of sources are, and whether each is selected.
fn rows(screen: &vt100::Screen) -> Vec<(usize, bool)> {
    let lines = screen.rows(0, 120).enumerate();
    let rows = lines.filter(|(_, line)| line.contains("◌ DOWN"));
    rows.map(|(row, line)| (row, line.contains('▌'))).collect()
}

fn report(button: u8, row: usize) -> String {
    format!("\u{1b}[<{button};20;{}M", row + 1)
}

fn is_selected(screen: &vt100::Screen, number: usize) -> bool {
    rows(screen)
        .iter()
        .enumerate()
        .all(|(at, (_, selected))| *selected == (at == number))
}

#[test]
fn a_click_selects_a_row_a_second_one_opens_it_and_the_wheel_moves() {
    let mut pty = sources(true);
    pty.wait_for_bytes("\u{1b}[?1000h\u{1b}[?1006h");
    let places = std::cell::RefCell::new(Vec::new());
    pty.wait("the first row selected", |screen| {
        *places.borrow_mut() = rows(screen);
        is_selected(screen, 0)
    });
    let place = |number: usize| places.borrow()[number].0;
    pty.press(&report(0, place(1)));
    pty.wait("the second row selected", |screen| is_selected(screen, 1));
    // One step of the wheel is three rows.
    pty.press(&report(64, place(1)));
    pty.wait("the first row selected", |screen| is_selected(screen, 0));
    pty.press(&report(65, place(1)));
    pty.wait("the last row selected", |screen| is_selected(screen, 2));
    pty.press(&report(0, place(2)));
    pty.wait_for("prometheus-3");
    pty.wait_for("esc back");
    pty.press("\u{1b}");
    pty.press("q");
    pty.press("q");
    assert_eq!(pty.wait_exit(), 0);
    let bytes = pty.take_bytes();
    let text = String::from_utf8_lossy(&bytes);
    assert!(
        text.contains("\u{1b}[?1006l\u{1b}[?1000l"),
        "the mouse is given back"
    );
}

#[test]
fn the_mouse_stays_the_terminals_unless_it_is_asked_for() {
    let mut pty = sources(false);
    let row = std::cell::Cell::new(0);
    pty.wait("rows", |screen| {
        row.set(rows(screen)[1].0);
        is_selected(screen, 0)
    });
    // A report that comes all the same is no key and no click.
    pty.press(&report(0, row.get()));
    pty.press("j");
    pty.wait("one row further", |screen| is_selected(screen, 1));
    let bytes = pty.take_bytes();
    assert!(!String::from_utf8_lossy(&bytes).contains("?1000"));
}

/// In how many tenths of a second of this time something was drawn.
fn frames(pty: &Pty, time: Duration) -> usize {
    let began = Instant::now();
    let mut frames = 0;
    pty.take_bytes();
    while began.elapsed() < time {
        thread::sleep(Duration::from_millis(100));
        frames += usize::from(!pty.take_bytes().is_empty());
    }
    frames
}

#[test]
fn a_window_without_the_keyboard_is_drawn_rarely_and_a_key_at_once() {
    let mut pty = sources(false);
    // Ages and next tries move every second.
    let time = Duration::from_secs(9);
    pty.press("\u{1b}[O");
    thread::sleep(Duration::from_millis(500));
    let away = frames(&pty, time);
    assert!((1..=3).contains(&away), "{away} frames in 9 s");
    pty.press("j");
    pty.wait("the key at once", |screen| is_selected(screen, 1));
    pty.press("\u{1b}[I");
    thread::sleep(Duration::from_millis(500));
    let back = frames(&pty, time);
    assert!(back > 2 * away, "{back} frames in 9 s, {away} before");
}
