//! The encoder against a terminal emulator: what it sends must show exactly the frame.

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use super::*;

/// An encoder, the frame it showed last, and a terminal that takes its bytes.
struct Bench {
    encoder: Encoder,
    last: Buffer,
    terminal: vt100::Parser,
}

impl Bench {
    fn new(width: u16, height: u16, charset: Charset) -> Self {
        Self {
            encoder: Encoder::new(width, height, charset),
            last: Buffer::empty(Rect::new(0, 0, width, height)),
            terminal: emulator(width, height),
        }
    }

    /// Shows a frame and gives the bytes that took.
    fn show(&mut self, frame: Buffer) -> Vec<u8> {
        let changes = self.last.diff(&frame).into_iter();
        self.encoder.draw(changes).expect("drawn");
        self.last = frame;
        let bytes = self.encoder.take_frame().expect("bytes");
        self.terminal.process(&bytes);
        bytes
    }

    /// Shows these lines in one style and gives the bytes as text.
    fn lines(&mut self, lines: &[&str], style: Style) -> String {
        let mut frame = Buffer::empty(self.last.area);
        for (y, line) in (0..).zip(lines) {
            frame.set_string(0, y, line, style);
        }
        String::from_utf8(self.show(frame)).expect("UTF-8")
    }
}

fn emulator(width: u16, height: u16) -> vt100::Parser {
    let size = |n| std::num::NonZeroU16::new(n).expect("size");
    vt100::Parser::new(size(height), size(width), 0)
}

fn colour(colour: Color) -> vt100::Color {
    match colour {
        Color::Red => vt100::Color::Idx(1),
        Color::LightCyan => vt100::Color::Idx(14),
        Color::Indexed(index) => vt100::Color::Idx(index),
        _ => vt100::Color::Default,
    }
}

/// Compares the emulator's screen with the frame, cell by cell.
fn assert_shows(bench: &Bench) {
    let screen = bench.terminal.screen();
    for y in 0..bench.last.area.height {
        let mut x = 0;
        while x < bench.last.area.width {
            let want = &bench.last[(x, y)];
            let is = screen.cell(y, x).expect("cell");
            let text = if is.contents().is_empty() {
                " "
            } else {
                is.contents()
            };
            assert_eq!(text, want.symbol(), "at {x},{y}");
            let pen = Pen::of(want);
            assert_eq!(is.bgcolor(), colour(want.bg), "background at {x},{y}");
            if !(text == " " && pen.blank_is_empty()) {
                if text != " " {
                    assert_eq!(is.fgcolor(), colour(want.fg), "colour at {x},{y}");
                    assert_eq!(
                        is.bold(),
                        want.modifier.contains(ratatui::style::Modifier::BOLD),
                        "weight at {x},{y}"
                    );
                }
                assert_eq!(
                    is.inverse(),
                    want.modifier.contains(ratatui::style::Modifier::REVERSED),
                    "inversion at {x},{y}"
                );
            }
            x += u16::try_from(want.symbol().width().max(1)).expect("width");
        }
    }
}

#[test]
fn an_unchanged_frame_costs_nothing() {
    let mut bench = Bench::new(80, 24, Charset::default());
    bench.lines(&["watchfire", "● checkout"], Style::new().red());
    assert_eq!(
        bench.lines(&["watchfire", "● checkout"], Style::new().red()),
        ""
    );
}

#[test]
fn the_clock_costs_five_bytes_while_nothing_else_moves() {
    let mut bench = Bench::new(120, 40, Charset::default());
    let clock = |second: u32| format!("{:>110}", format!("14:02:{second:02} UTC"));
    bench.lines(&[&clock(31), "body"], Style::new().bold());
    let first = bench.lines(&[&clock(32), "body"], Style::new().bold());
    assert!(first.len() <= 12, "{first:?}");
    assert_eq!(
        bench.lines(&[&clock(33), "body"], Style::new().bold()),
        "\u{1b}[1D3"
    );
    assert_shows(&bench);
}

#[test]
fn the_pen_is_kept_from_frame_to_frame() {
    let mut bench = Bench::new(20, 3, Charset::default());
    assert_eq!(
        bench.lines(&["ab"], Style::new().red()),
        "\u{1b}[1;1H\u{1b}[31mab"
    );
    assert_eq!(bench.lines(&["abc"], Style::new().red()), "c");
    assert_eq!(
        bench.lines(&["abcd", "x"], Style::new().red()),
        "d\u{1b}[2;1Hx"
    );
}

#[test]
fn a_line_that_becomes_empty_is_erased_and_small_gaps_are_written_over() {
    let mut bench = Bench::new(60, 3, Charset::default());
    bench.lines(
        &["a long line of text, and more of it", "below"],
        Style::new(),
    );
    let bytes = bench.lines(&["a", "below"], Style::new());
    assert_eq!(bytes, "\u{1b}[1;3H\u{1b}[K");
    assert_shows(&bench);
    bench.lines(&["1 2 1", "below"], Style::new());
    let bytes = bench.lines(&["2 2 2", "below"], Style::new());
    assert_eq!(bytes, "\u{1b}[5D2 2 2");
    assert_shows(&bench);
}

#[test]
fn after_a_character_of_doubtful_width_the_cursor_is_placed_anew() {
    let mut bench = Bench::new(20, 2, Charset::default());
    assert_eq!(
        bench.lines(&["支x"], Style::new()),
        "\u{1b}[1;1H支\u{1b}[3Gx"
    );
    let mut bench = Bench::new(20, 2, Charset::default());
    assert_eq!(bench.lines(&["──x"], Style::new()), "\u{1b}[1;1H──x");
    let eastern = Charset {
        wide_ambiguous: true,
        ..Charset::default()
    };
    let mut bench = Bench::new(20, 2, eastern);
    assert_eq!(
        bench.lines(&["──x"], Style::new()),
        "\u{1b}[1;1H─\u{1b}[2G─\u{1b}[3Gx"
    );
}

#[test]
fn no_control_character_and_no_oversized_cell_gets_through() {
    let bomb = format!("a{}", "\u{301}".repeat(1_000));
    for hostile in [
        "\u{1b}[2J",
        "\u{9b}2J",
        "\u{7}",
        "\u{7f}",
        "a\u{1b}",
        &bomb,
        "\u{200b}",
        "",
    ] {
        let mut bench = Bench::new(5, 1, Charset::default());
        let mut frame = Buffer::empty(Rect::new(0, 0, 5, 1));
        frame.content[1] = Cell::default();
        frame.content[1].set_symbol(hostile);
        let changes = [(1, 0, &frame.content[1])];
        bench.encoder.draw(changes.into_iter()).expect("drawn");
        let bytes = bench.encoder.take_frame().expect("bytes");
        assert_eq!(
            String::from_utf8_lossy(&bytes),
            "\u{1b}[1;2H?",
            "{hostile:?}"
        );
    }
}

#[test]
fn a_seven_bit_terminal_gets_seven_bits() {
    let ascii = Charset {
        ascii: true,
        ..Charset::default()
    };
    let mut bench = Bench::new(20, 1, ascii);
    let bytes = bench.lines(&["● 支払 ok"], Style::new());
    assert!(bytes.is_ascii());
    assert_eq!(bench.terminal.screen().contents(), "? ? ?  ok");
}

#[test]
fn a_large_frame_appears_at_once_and_a_small_one_pays_nothing_for_it() {
    let mut bench = Bench::new(80, 24, Charset::default());
    let full = "x".repeat(80);
    let bytes = bench.lines(&vec![full.as_str(); 24], Style::new());
    assert!(bytes.starts_with("\u{1b}[?2026h") && bytes.ends_with("\u{1b}[?2026l"));
    assert!(bytes.len() < 80 * 24 + 24 * 7 + 24, "{} bytes", bytes.len());
    let bytes = bench.lines(&["y"], Style::new());
    assert!(!bytes.contains("2026"));
}

#[test]
fn the_cursor_is_shown_and_hidden_only_when_that_changes() {
    let mut encoder = Encoder::new(10, 2, Charset::default());
    let mut after = |act: &dyn Fn(&mut Encoder) -> io::Result<()>| {
        act(&mut encoder).expect("done");
        String::from_utf8(encoder.take_frame().expect("bytes")).expect("ASCII")
    };
    assert_eq!(after(&|encoder| encoder.hide_cursor()), "");
    assert_eq!(after(&|encoder| encoder.show_cursor()), "\u{1b}[?25h");
    assert_eq!(after(&|encoder| encoder.show_cursor()), "");
    assert_eq!(after(&|encoder| encoder.go_to(3, 1)), "\u{1b}[2;4H");
    assert_eq!(after(&|encoder| encoder.go_to(3, 1)), "");
    assert_eq!(after(&|encoder| encoder.hide_cursor()), "\u{1b}[?25l");
}

/// Makes a frame well formed, as ratatui's diff expects it: nothing is written over the second
/// half of a wide character.
fn part_overlaps(frame: &mut Buffer) {
    for y in 0..frame.area.height {
        for x in 1..frame.area.width {
            if frame[(x - 1, y)].symbol().width() == 2 && frame[(x, y)] != Cell::EMPTY {
                frame[(x - 1, y)].set_symbol(" ");
            }
        }
    }
}

fn style() -> impl Strategy<Value = Style> {
    prop_oneof![
        4 => Just(Style::new()),
        1 => Just(Style::new().red()),
        1 => Just(Style::new().light_cyan().bold()),
        1 => Just(Style::new().on_red()),
        1 => Just(Style::new().reversed()),
        1 => Just(Style::new().fg(Color::Indexed(208)).bold()),
    ]
}

type Text = (u16, u16, String, Style);

fn texts() -> impl Strategy<Value = Vec<Text>> {
    prop::collection::vec((0_u16..24, 0_u16..6, "[a-c ●─支é]{0,20}", style()), 0..12)
}

proptest! {
    #[test]
    fn any_sequence_of_frames_shows_as_it_was_drawn(
        frames in prop::collection::vec(texts(), 1..6),
        wide_ambiguous: bool,
    ) {
        let charset = Charset { wide_ambiguous, ..Charset::default() };
        let mut bench = Bench::new(24, 6, charset);
        for texts in frames {
            let mut frame = Buffer::empty(Rect::new(0, 0, 24, 6));
            for (x, y, text, style) in texts {
                frame.set_string(x, y, text, style);
            }
            part_overlaps(&mut frame);
            bench.show(frame);
            assert_shows(&bench);
        }
    }
}
