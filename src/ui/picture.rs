//! A frame as a picture (SVG) and as plain text, to share.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

/// The size of a cell, in units of the picture.
const CELL: (f64, f64) = (8.4, 18.0);
/// The room around the terminal.
const MARGIN: f64 = 10.0;
/// Where letters stand within a cell, from its top.
const BASELINE: f64 = 13.5;

const BACKGROUND: &str = "#14161b";
const TEXT: &str = "#d4d7dd";

/// A part of a row in one style, without blanks at its ends.
struct Run {
    /// Its first column, and the one behind its last.
    columns: (u16, u16),
    text: String,
}

/// A frame as SVG; `label` says what it shows to those who cannot see it.
pub fn svg(buffer: &Buffer, label: &str) -> String {
    let label = escaped(label);
    let (width, height) = (buffer.area.width, buffer.area.height);
    let (right, bottom) = (left(width) + MARGIN, top(height) + MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {right} {bottom}\" role=\"img\" \
         aria-label=\"{label}\">\n<style>text{{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,\
         \"DejaVu Sans Mono\",\"Liberation Mono\",monospace;white-space:pre}}.b{{font-weight:bold}}\
         .d{{opacity:.6}}rect{{shape-rendering:crispEdges}}</style>\n<rect width=\"{right}\" height=\"{bottom}\" rx=\"8\" \
         fill=\"{BACKGROUND}\"/>\n"
    );
    let mut lines = String::new();
    for y in 0..height {
        for x in 0..width {
            let cell = &buffer[(x, y)];
            shapes(&mut out, cell, x, y);
            border(&mut lines, cell.symbol(), x, y);
        }
    }
    let _ = writeln!(
        out,
        "<path d=\"{lines}\" fill=\"none\" stroke=\"{TEXT}\" stroke-opacity=\".55\"/>"
    );
    for y in 0..height {
        for run in runs(buffer, y) {
            letters(&mut out, &run, &buffer[(run.columns.0, y)], y);
        }
    }
    out.push_str("</svg>\n");
    out
}

fn left(x: u16) -> f64 {
    round(f64::from(x).mul_add(CELL.0, MARGIN))
}

fn top(y: u16) -> f64 {
    round(f64::from(y).mul_add(CELL.1, MARGIN))
}

/// To a hundredth: what is shorter reads as well.
fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// The background of a reversed cell, and block characters, which fonts draw with gaps.
fn shapes(out: &mut String, cell: &Cell, x: u16, y: u16) {
    let mut fill = |(dx, dy): (f64, f64),
                    (width, height): (f64, f64),
                    colour: &str,
                    class: &str| {
        let (x, y) = (round(left(x) + dx * CELL.0), round(top(y) + dy * CELL.1));
        let (width, height) = (round(width * CELL.0), round(height * CELL.1));
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{colour}\"{class}/>"
        );
    };
    let is_reversed = cell.modifier.contains(Modifier::REVERSED);
    if is_reversed {
        fill((0.0, 0.0), (1.0, 1.0), &colour(cell.fg), "");
    }
    let ink = if is_reversed {
        BACKGROUND.to_owned()
    } else {
        colour(cell.fg)
    };
    let class = class(cell);
    match block(cell.symbol()) {
        Some(Block::Lower(part)) => fill((0.0, 1.0 - part), (1.0, part), &ink, &class),
        Some(Block::Left(part)) => fill((0.0, 0.0), (part, 1.0), &ink, &class),
        None => {}
    }
}

/// A block character: how much of the cell it fills, from below or from the left.
enum Block {
    Lower(f64),
    Left(f64),
}

fn block(symbol: &str) -> Option<Block> {
    let code = u32::from(symbol.chars().next()?);
    match code {
        0x2581..=0x2588 => Some(Block::Lower(f64::from(code - 0x2580) / 8.0)),
        0x2589..=0x258f => Some(Block::Left(f64::from(0x2590 - code) / 8.0)),
        _ => None,
    }
}

/// The lines of a border: from the middle of the cell to each side that the character reaches.
fn border(lines: &mut String, symbol: &str, x: u16, y: u16) {
    let [is_left, is_right, is_up, is_down] = match symbol {
        "─" => [true, true, false, false],
        "│" => [false, false, true, true],
        "╭" => [false, true, false, true],
        "╮" => [true, false, false, true],
        "╰" => [false, true, true, false],
        "╯" => [true, false, true, false],
        _ => return,
    };
    let (middle, centre) = (round(left(x) + CELL.0 / 2.0), top(y) + CELL.1 / 2.0);
    if is_left || is_right {
        let from = if is_left { left(x) } else { middle };
        let to = if is_right { left(x + 1) } else { middle };
        let _ = write!(lines, "M{from} {centre}H{to}");
    }
    if is_up || is_down {
        let from = if is_up { top(y) } else { centre };
        let to = if is_down { top(y + 1) } else { centre };
        let _ = write!(lines, "M{middle} {from}V{to}");
    }
}

/// The letters of a row, by style; borders and blocks are drawn as shapes.
fn runs(buffer: &Buffer, y: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for x in 0..buffer.area.width {
        let cell = &buffer[(x, y)];
        let symbol = cell.symbol();
        let is_shape = block(symbol).is_some() || "─│╭╮╰╯".contains(symbol);
        if symbol.trim().is_empty() || is_shape {
            continue;
        }
        let end = x + u16::try_from(symbol.width()).unwrap_or(1);
        let is_same = |run: &Run| {
            let first = &buffer[(run.columns.0, y)];
            first.fg == cell.fg && first.modifier == cell.modifier
        };
        match runs.last_mut() {
            // One blank between two words is a part of the run.
            Some(run) if is_same(run) && x <= run.columns.1 + 1 => {
                if x > run.columns.1 {
                    run.text.push(' ');
                }
                run.text.push_str(symbol);
                run.columns.1 = end;
            }
            _ => runs.push(Run {
                columns: (x, end),
                text: symbol.to_owned(),
            }),
        }
    }
    runs
}

fn letters(out: &mut String, run: &Run, cell: &Cell, y: u16) {
    let length = round(f64::from(run.columns.1 - run.columns.0) * CELL.0);
    let (x, y) = (left(run.columns.0), round(top(y) + BASELINE));
    let is_reversed = cell.modifier.contains(Modifier::REVERSED);
    let ink = if is_reversed {
        BACKGROUND.to_owned()
    } else {
        colour(cell.fg)
    };
    let text = escaped(&run.text);
    let _ = writeln!(
        out,
        "<text x=\"{x}\" y=\"{y}\" textLength=\"{length}\" lengthAdjust=\"spacingAndGlyphs\" \
         fill=\"{ink}\"{}>{text}</text>",
        class(cell)
    );
}

fn class(cell: &Cell) -> String {
    let mut names = Vec::new();
    if cell.modifier.contains(Modifier::BOLD) {
        names.push("b");
    }
    if cell.modifier.contains(Modifier::DIM) {
        names.push("d");
    }
    if names.is_empty() {
        return String::new();
    }
    format!(" class=\"{}\"", names.join(" "))
}

/// Text within an element or an attribute.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('"', "&quot;")
}

/// The colours of a dark terminal.
fn colour(colour: Color) -> String {
    let named = match colour {
        Color::Red | Color::LightRed => "#ff6b6b",
        Color::Yellow | Color::LightYellow => "#e5c07b",
        Color::Green | Color::LightGreen => "#8fc97a",
        Color::Magenta | Color::LightMagenta => "#d38aea",
        Color::Cyan | Color::LightCyan => "#56c8d8",
        Color::Blue | Color::LightBlue => "#6cb0ff",
        Color::Black | Color::DarkGray => "#5c6370",
        Color::Rgb(red, green, blue) => return hex(red, green, blue),
        Color::Indexed(index @ 16..) => return indexed(index),
        _ => TEXT,
    };
    named.to_owned()
}

fn hex(red: u8, green: u8, blue: u8) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// One of the 240 colours of xterm behind the first 16: a cube of six steps a side, then greys.
fn indexed(index: u8) -> String {
    if index >= 232 {
        let grey = 8 + 10 * (index - 232);
        return hex(grey, grey, grey);
    }
    let place = index.saturating_sub(16);
    let step = |part: u8| if part == 0 { 0 } else { 55 + 40 * part };
    hex(step(place / 36), step(place / 6 % 6), step(place % 6))
}

/// A frame as lines of text, without blanks at their ends.
pub fn text(buffer: &Buffer) -> String {
    let mut lines = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(symbol.width()).unwrap_or(1).max(1);
        }
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    fn frame() -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 2));
        buffer.set_string(
            0,
            0,
            "a<b & \"支払\" c",
            Style::new().fg(Color::Indexed(196)),
        );
        buffer.set_string(0, 1, "▇─ok", Style::new().fg(Color::Rgb(1, 2, 255)));
        buffer
    }

    #[test]
    fn a_picture_holds_foreign_text_as_text_and_every_colour() {
        let picture = svg(&frame(), "two \"lines\" & more");
        assert!(
            picture.contains("a&lt;b &amp; &quot;支払&quot; c"),
            "{picture}"
        );
        assert!(picture.contains("aria-label=\"two &quot;lines&quot; &amp; more\""));
        assert!(
            picture.contains("#ff0000") && picture.contains("#0102ff"),
            "{picture}"
        );
        // Columns, not characters: 14 of them.
        assert!(picture.contains("textLength=\"117.6\""), "{picture}");
    }

    #[test]
    fn text_has_each_character_once() {
        assert_eq!(text(&frame()), "a<b & \"支払\" c\n▇─ok\n");
    }
}
