//! The wall: grounds, letters made of blocks, and the words beside them.

use ratatui::style::{Modifier, Style};

use super::brush::Brush;
use super::cells::steps;
use crate::app::layout::Area;
use crate::app::wall::font;
use crate::app::wall::pieces::{Content, Piece, Scale, Wall};
use crate::pane::Role;

/// Draws a wall.
pub(super) fn wall(brush: &mut Brush<'_>, wall: &Wall) {
    brush.is_dim = wall.is_dim;
    for (area, ground) in &wall.grounds {
        let style = brush.theme.ground(*ground);
        for y in area.y..area.y.saturating_add(area.height) {
            brush.repeat((area.x, y), area.width, " ", style);
        }
    }
    for piece in &wall.pieces {
        brush.ground = piece.ground;
        draw(brush, piece);
    }
    brush.ground = None;
    brush.is_dim = false;
}

fn draw(brush: &mut Brush<'_>, piece: &Piece) {
    let Area { x, y, width, .. } = piece.area;
    match &piece.content {
        Content::Letters(text, scale, role) => {
            let style = brush.style(*role);
            letters(brush, piece.area, text.as_str(), *scale, style);
        }
        Content::Words(line) => {
            brush.line((x, y), width, line);
        }
        Content::Right(line) => {
            let used = brush.width(line).min(width);
            brush.line((x + width - used, y), used, line);
        }
        Content::Rule => {
            let line = brush.theme.glyph("─", "-");
            let style = brush.style(Role::Dim);
            brush.repeat((x, y), width, line, style);
        }
        Content::Gauge(share, role) => {
            let style = brush.style(Role::Dim);
            let track = brush.theme.glyph("─", "-");
            brush.repeat((x, y), width, track, style);
            let full = brush.theme.glyph("━", "=");
            let style = brush.style(*role).remove_modifier(Modifier::BOLD);
            brush.repeat((x, y), steps(*share, width), full, style);
        }
        Content::Stripes => {
            let stripe = brush.theme.glyph("▚", "/");
            let style = brush.style(Role::Strong);
            brush.repeat((x, y), width, stripe, style);
        }
    }
}

/// Draws a text in large letters, from the upper left corner of an area.
fn letters(brush: &mut Brush<'_>, area: Area, text: &str, scale: Scale, style: Style) {
    let mut x = area.x;
    for letter in text.chars() {
        let Some(rows) = font::rows(letter) else {
            continue;
        };
        let rows: Vec<_> = rows.map(str::as_bytes).collect();
        let width = rows.first().map_or(0, |row| row.len());
        for column in 0..width {
            let pixels: Vec<_> = rows
                .iter()
                .map(|row| row.get(column) == Some(&b'#'))
                .collect();
            x = match scale {
                Scale::Half => half(brush, (x, area), &pixels, style),
                Scale::Rows(rows) => whole(brush, (x, area), &pixels, rows, style),
            };
        }
        x += match scale {
            Scale::Half => 1,
            Scale::Rows(rows) => 2 * rows,
        };
    }
}

/// A column of pixels, two in each cell; returns the next column.
fn half(brush: &mut Brush<'_>, (x, area): (u16, Area), pixels: &[bool], style: Style) -> u16 {
    for (y, pair) in (area.y..area.y + area.height).zip(pixels.chunks(2)) {
        let glyph = match (pair[0], pair.get(1).copied().unwrap_or(false)) {
            (true, true) => brush.theme.glyph("█", "#"),
            (true, false) => brush.theme.glyph("▀", "\""),
            (false, true) => brush.theme.glyph("▄", "."),
            (false, false) => continue,
        };
        brush.repeat((x, y), 1, glyph, style);
    }
    x + 1
}

/// A column of pixels, each several cells; returns the next column.
fn whole(
    brush: &mut Brush<'_>,
    (x, area): (u16, Area),
    pixels: &[bool],
    rows: u16,
    style: Style,
) -> u16 {
    let block = brush.theme.glyph("█", "#");
    let tall = pixels
        .iter()
        .flat_map(|pixel| (0..rows).map(move |_| *pixel));
    for (y, is_set) in (area.y..area.y + area.height).zip(tall) {
        if is_set {
            brush.repeat((x, y), 2 * rows, block, style);
        }
    }
    x + 2 * rows
}
