//! The README's picture: the screen of the burning world, drawn as SVG.
//!
//! `INSTA_UPDATE=always cargo test --test screens` (or `UPDATE=1`) draws it again.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::facts::{answer, facts_of_releases};
use super::stage::Stage;
use super::suspects::world;

/// The size of the terminal, in cells.
const TERMINAL: (u16, u16) = (120, 27);
/// The size of a cell, in units of the picture.
const CELL: (f64, f64) = (8.4, 18.0);
/// The room around the terminal.
const MARGIN: f64 = 10.0;
/// Where letters stand within a cell, from its top.
const BASELINE: f64 = 13.5;

const BACKGROUND: &str = "#14161b";
const TEXT: &str = "#d4d7dd";

/// What the picture shows, for those who cannot see it; the README says the same.
const LABEL: &str = "watchfire in a terminal: checkout pages, 31 % of its budget is left; its release \
                     v2.31.0 is the suspect, and an incident of the same service is open";

/// A part of a row in one style, without blanks at its ends.
struct Run {
    x: u16,
    text: String,
}

#[test]
fn the_picture_of_the_readme_is_the_screen_of_today() {
    let mut store = world(17);
    store.absorb(answer("argocd", 6, facts_of_releases(Vec::new())));
    let stage = Stage::new(store, TERMINAL.0, TERMINAL.1);
    let picture = svg(&stage.draw_at(TERMINAL.0, TERMINAL.1));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/screen.svg");
    let is_update = env::var("INSTA_UPDATE").is_ok_and(|how| how == "always");
    if is_update || env::var_os("UPDATE").is_some() {
        fs::write(path, picture).expect("the picture is written");
        return;
    }
    let drawn = fs::read_to_string(path).expect("the picture is there");
    assert!(
        drawn == picture,
        "INSTA_UPDATE=always draws the picture again"
    );
    let readme = include_str!("../../README.md");
    assert!(readme.contains(LABEL.split_once(": ").expect("a label").1));
}

/// A frame as SVG.
fn svg(buffer: &Buffer) -> String {
    let (width, height) = (buffer.area.width, buffer.area.height);
    let (right, bottom) = (left(width) + MARGIN, top(height) + MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {right} {bottom}\" role=\"img\" \
         aria-label=\"{LABEL}\">\n<style>text{{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,\
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
            letters(&mut out, &run, &buffer[(run.x, y)], y);
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
        fill((0.0, 0.0), (1.0, 1.0), colour(cell.fg), "");
    }
    let ink = if is_reversed {
        BACKGROUND
    } else {
        colour(cell.fg)
    };
    let class = class(cell);
    match block(cell.symbol()) {
        Some(Block::Lower(part)) => fill((0.0, 1.0 - part), (1.0, part), ink, &class),
        Some(Block::Left(part)) => fill((0.0, 0.0), (part, 1.0), ink, &class),
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
    let mut end = 0;
    for x in 0..buffer.area.width {
        let cell = &buffer[(x, y)];
        let symbol = cell.symbol();
        if symbol.trim().is_empty() || block(symbol).is_some() || "─│╭╮╰╯".contains(symbol)
        {
            continue;
        }
        let is_same = |run: &Run| {
            let first = &buffer[(run.x, y)];
            first.fg == cell.fg && first.modifier == cell.modifier
        };
        match runs.last_mut() {
            // One blank between two words is a part of the run.
            Some(run) if is_same(run) && x <= end + 1 => {
                if x > end {
                    run.text.push(' ');
                }
                run.text.push_str(symbol);
            }
            _ => runs.push(Run {
                x,
                text: symbol.to_owned(),
            }),
        }
        end = x + 1;
    }
    runs
}

fn letters(out: &mut String, run: &Run, cell: &Cell, y: u16) {
    let count = u16::try_from(run.text.chars().count()).expect("a row");
    let length = round(f64::from(count) * CELL.0);
    let (x, y) = (left(run.x), round(top(y) + BASELINE));
    let is_reversed = cell.modifier.contains(Modifier::REVERSED);
    let ink = if is_reversed {
        BACKGROUND
    } else {
        colour(cell.fg)
    };
    let text = run.text.replace('&', "&amp;").replace('<', "&lt;");
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

/// The colours of a dark terminal.
fn colour(colour: Color) -> &'static str {
    match colour {
        Color::Red => "#ff6b6b",
        Color::Yellow => "#e5c07b",
        Color::Green => "#8fc97a",
        Color::Magenta => "#d38aea",
        Color::Cyan => "#56c8d8",
        Color::Blue => "#6cb0ff",
        _ => TEXT,
    }
}
