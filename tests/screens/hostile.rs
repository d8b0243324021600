//! Hostile text in every field, in every view, at five sizes, through the encoder and an emulator: nothing
//! of it steers a terminal. The same text through every printed form.
//!
//! `HOSTILE` says how many texts there are; `./test --long` says ten thousand.

use std::cell::RefCell;
use std::io::{self, Write};
use std::num::NonZero;
use std::rc::Rc;

use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use watchfire::app::Size;
use watchfire::config::ThemeChoice;
use watchfire::print::status::{Look, Rows, Scope, Status};
use watchfire::term::{Charset, Output, Paint};
use watchfire::text::{Untrusted, is_visible};
use watchfire::ui::{draw, theme::Theme};

use super::stage::{Stage, now};
use super::worlds;

/// The sizes that every view is drawn at.
const SIZES: [(u16, u16); 5] = [(20, 6), (40, 12), (80, 24), (120, 40), (200, 50)];

/// The keys to every view, detail and overlay.
const VIEWS: [&str; 25] = [
    "",
    "enter",
    "2",
    "2 enter",
    "3",
    "3 enter",
    "4",
    "4 G enter",
    "5",
    "t",
    "t enter",
    "t G j j enter",
    "6",
    "6 enter",
    "7",
    "7 enter",
    "x",
    "?",
    "/ x",
    ": a",
    "f",
    "2 f",
    "3 o",
    "u",
    "S",
];

/// The most bytes of a cell.
const MAX_CELL: usize = 32;

/// What may begin something, hide something, or have no width.
const PIECES: [&str; 64] = [
    "\u{1b}[",
    "\u{1b}]",
    "\u{1b}P",
    "\u{1b}X",
    "\u{1b}^",
    "\u{1b}_",
    "\u{1b}c",
    "\u{1b}(0",
    "\u{1b}#8",
    "\u{1b}",
    "\u{9b}",
    "\u{9d}",
    "\u{90}",
    "\u{98}",
    "\u{9e}",
    "\u{9f}",
    "\u{9c}",
    "\u{85}",
    "\u{84}",
    "\u{8d}",
    "\u{7}",
    "\u{8}",
    "\u{9}",
    "\u{a}",
    "\u{b}",
    "\u{c}",
    "\u{d}",
    "\u{e}",
    "\u{f}",
    "\u{0}",
    "\u{5}",
    "\u{11}",
    "\u{13}",
    "\u{18}",
    "\u{1a}",
    "\u{7f}",
    "\u{80}",
    "\u{1b}\\",
    "31m",
    "2J",
    "?1049l",
    "?1000h",
    "52;c;aGk=",
    "0;title",
    "8;;http://evil.example",
    "777;notify;a;b",
    "9;x",
    "4;1;?",
    "6n",
    "5n",
    "c",
    "$q\"p",
    "+q544e",
    "\u{202e}",
    "\u{2066}",
    "\u{200b}",
    "\u{feff}",
    "\u{e0041}",
    "\u{3164}",
    "\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "👩‍👩‍👧‍👦",
    "支払い",
    "checkout",
    " ",
];

/// A text of some pieces, of all control characters in turn among them.
fn text(seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5EED;
    let mut random = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % limit as u64).expect("a small number")
    };
    let mut text = String::new();
    for _ in 0..=random(7) {
        text.push_str(PIECES[random(PIECES.len())]);
        if random(9) == 0 {
            text = text.repeat(1 + random(40));
        }
    }
    // The 65 control characters, one after the other.
    let control = u32::try_from(seed % 65).expect("a small number");
    let control = if control < 32 {
        control
    } else {
        control + 0x7f - 32
    };
    text.extend(char::from_u32(control));
    text
}

/// Takes in what a terminal would be sent.
#[derive(Clone, Default)]
struct Sent(Rc<RefCell<Vec<u8>>>);

impl Write for Sent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output for Sent {
    fn send(&mut self, frame: &[u8]) -> io::Result<usize> {
        self.write(frame)
    }
}

/// What an emulator was made to do besides drawing.
#[derive(Default)]
struct Alarms(Vec<String>);

impl vt100::Callbacks for Alarms {
    fn audible_bell(&mut self, _: &mut vt100::Screen) {
        self.0.push("bell".to_owned());
    }

    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        self.0.push(format!("title {}", title.escape_ascii()));
    }

    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], _: &[u8]) {
        self.0.push("copy".to_owned());
    }

    fn paste_from_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8]) {
        self.0.push("clipboard read".to_owned());
    }

    fn unhandled_control(&mut self, _: &mut vt100::Screen, byte: u8) {
        self.0.push(format!("control {byte:#x}"));
    }

    fn unhandled_escape(
        &mut self,
        _: &mut vt100::Screen,
        first: Option<u8>,
        _: Option<u8>,
        byte: u8,
    ) {
        self.0.push(format!("escape {first:?} {byte:#x}"));
    }
}

/// What is not allowed in the bytes of a frame: anything but text, cursor moves, erasing, pens, and the modes
/// of a frame.
fn breach(bytes: &str) -> Option<String> {
    let mut rest = bytes;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("\u{1b}[") {
            let end = after.find(|c: char| !matches!(c, '0'..='9' | ';' | ':' | '?'))?;
            let (parameters, end) = after.split_at(end);
            let command = end.chars().next()?;
            let is_allowed = match command {
                'A'..='D' | 'G' | 'H' | 'J' | 'K' | 'm' => !parameters.contains('?'),
                'h' | 'l' => ["?25", "?2026"].contains(&parameters),
                _ => false,
            };
            if !is_allowed {
                return Some(format!("CSI {parameters} {command:?}"));
            }
            rest = &end[1..];
        } else if is_visible(c) || matches!(c, '\r' | '\n' | '\u{8}') {
            rest = &rest[c.len_utf8()..];
        } else {
            return Some(format!("{c:?}"));
        }
    }
    None
}

fn side(cells: u16) -> NonZero<u16> {
    NonZero::new(cells).expect("a size")
}

fn count() -> u64 {
    let told = std::env::var("HOSTILE").ok();
    told.and_then(|text| text.parse().ok()).unwrap_or(6)
}

/// Draws every view of a world at one size through the encoder and an emulator.
fn leaks(text: &str, (width, height): (u16, u16), renders: &mut u64) -> Vec<String> {
    let mut leaks = Vec::new();
    let store = worlds::saying(text);
    for keys in VIEWS {
        let stage = Stage::new(store.clone(), width, height).keys(keys);
        let screen = stage.screen();
        let sent = Sent::default();
        let size = Size { width, height };
        let paint = Paint::new(size, Charset::default(), sent.clone());
        let viewport = Viewport::Fixed(Rect::new(0, 0, width, height));
        let mut terminal =
            Terminal::with_options(paint, TerminalOptions { viewport }).expect("a terminal");
        let theme = Theme::new(ThemeChoice::Auto, false, false);
        let drawn = terminal
            .draw(|frame| draw(frame, &screen, &theme))
            .expect("a frame");
        let cell = drawn
            .buffer
            .content()
            .iter()
            .find(|cell| cell.symbol().len() > MAX_CELL);
        leaks.extend(cell.map(|cell| format!("a cell of {} bytes", cell.symbol().len())));
        let bytes = sent.0.borrow();
        match std::str::from_utf8(&bytes) {
            Ok(all) => leaks.extend(breach(all)),
            Err(error) => leaks.push(error.to_string()),
        }
        let mut parser =
            vt100::Parser::new_with_callbacks(side(height), side(width), 0, Alarms::default());
        parser.process(&bytes);
        leaks.extend(parser.callbacks().0.iter().cloned());
        *renders += 1;
        if let Some(first) = leaks.first() {
            return vec![format!(
                "{text:?}, keys {keys:?}, {width}x{height}: {first}"
            )];
        }
    }
    leaks
}

#[test]
fn no_text_in_any_view_at_any_size_steers_the_terminal() {
    let mut renders = 0;
    for seed in 0..count() {
        let text = text(seed);
        for size in SIZES {
            let leaks = leaks(&text, size, &mut renders);
            assert!(leaks.is_empty(), "{leaks:?}");
        }
    }
    println!("{renders} renders, 0 leaks");
}

#[test]
fn no_text_steers_what_reads_a_printed_form() {
    let look = Look {
        width: Some(100),
        has_colours: false,
    };
    for seed in 0..count() * 20 {
        let store = worlds::saying(&text(seed));
        let scope = Scope {
            services: &[],
            slos: &[],
        };
        let status = Status::of(&store, scope, None, now());
        let mut forms: Vec<(&str, Vec<u8>)> = Vec::new();
        let mut form = |name, print: &dyn Fn(&mut Vec<u8>) -> io::Result<()>| {
            let mut out = Vec::new();
            print(&mut out).expect("written to memory");
            forms.push((name, out));
        };
        form("text", &|out| status.table(out, look));
        form("json", &|out| watchfire::print::json(out, &status));
        form("json line", &|out| {
            watchfire::print::json_line(out, &status)
        });
        form("nagios", &|out| status.nagios(out));
        form("prometheus", &|out| status.metrics(out));
        for rows in [Rows::Slos, Rows::Incidents, Rows::Releases] {
            form("tsv", &|out| status.tsv(rows, out));
            form("list", &|out| status.list(rows, look, out));
        }
        for (name, bytes) in forms {
            let out = String::from_utf8(bytes).expect("UTF-8");
            let is_allowed = |c: char| is_visible(c) || c == '\n' || (c == '\t' && name == "tsv");
            let bad = out.chars().find(|c| !is_allowed(*c));
            assert_eq!(bad, None, "{name} of text {seed}: {out}");
        }
    }
}

#[test]
fn text_with_something_hidden_in_it_never_looks_like_text_without() {
    let hidden = [
        "\u{202e}",
        "\u{2066}",
        "\u{200b}",
        "\u{200c}",
        "\u{feff}",
        "\u{e0041}",
        "\u{ad}",
        "\u{3164}",
        "\u{1b}[0m",
    ];
    for seed in 0..count() * 200 {
        let plain: String = text(seed).chars().filter(|c| is_visible(*c)).collect();
        let clusters = plain.chars().count();
        for (number, piece) in hidden.iter().enumerate() {
            let at = (usize::try_from(seed).expect("a number") + number) % (clusters + 1);
            let at = plain
                .char_indices()
                .nth(at)
                .map_or(plain.len(), |(at, _)| at);
            let with = format!("{}{piece}{}", &plain[..at], &plain[at..]);
            let (plain, with) = (Untrusted::from(plain.as_str()), Untrusted::from(with));
            // What is cut off anyway is not compared.
            if plain.shown().width() < 400 {
                assert_ne!(plain.shown(), with.shown(), "{piece:?} in {plain:?}");
            }
        }
    }
}
