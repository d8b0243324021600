//! A burn chart as a filled area of Braille dots, two across and four down in every cell; stars in 7 bits.

use super::brush::Brush;
use super::cells::steps;
use crate::app::screen::Chart;
use crate::pane::Role;
use crate::pane::block::Upright;

/// The dot of a Braille cell by row (from the top) and column.
const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// Draws one line of a chart.
pub(super) fn line(brush: &mut Brush<'_>, (x, y): (u16, u16), chart: &Chart, line: u16) {
    let left = x + chart.label_width;
    if line < chart.height {
        plot(brush, (x, y), chart, line);
    } else if line == chart.height {
        axis(brush, (left, y), chart);
    } else if line == chart.height + 1 {
        names(brush, (left + 1, y), chart, &chart.ticks, Role::Dim);
    } else {
        names(brush, (left + 1, y), chart, &chart.events, Role::Accent);
    }
}

/// Which line of the plot a height is on, counted from its top.
fn row_of(height: f64, chart: &Chart) -> u16 {
    let dots = chart.height * 4 - 1;
    (dots - steps(height, dots)) / 4
}

fn plot(brush: &mut Brush<'_>, (x, y): (u16, u16), chart: &Chart, line: u16) {
    let frame = brush.theme.frame();
    let side = brush.theme.glyph("│", "|");
    let left = x + chart.label_width;
    brush.text((left, y), 1, side, frame);
    // The highest level on this line names it; lines are few, and levels may fall together.
    let level = chart
        .levels
        .iter()
        .rev()
        .find(|(height, ..)| row_of(*height, chart) == line);
    if let Some((_, label, role)) = level {
        let style = brush.theme.style(*role);
        let width = chart.label_width - 1;
        let pad = width.saturating_sub(u16::try_from(label.width()).unwrap_or(width));
        brush.text((x + pad, y), width - pad, label.as_str(), style);
        let dash = brush.theme.glyph("╌", "-");
        brush.repeat((left + 1, y), chart.width, dash, frame);
    }
    let dashed = brush.theme.glyph("┊", ":");
    for (column, _) in &chart.events {
        let style = brush.theme.style(Role::Accent);
        brush.text((left + 1 + column, y), 1, dashed, style);
    }
    for (column, what) in &chart.uprights {
        upright(brush, (left + 1 + column, y), *what);
    }
    for column in 0..chart.width {
        let bits = dots(chart, column, line);
        if bits == 0 {
            continue;
        }
        let height = 1.0 - f64::from(line) / f64::from(chart.height.max(1));
        let style = brush.theme.ramp(role_at(chart, column, line), height);
        let glyph = char::from_u32(0x2800 + bits).unwrap_or('*');
        let glyph = if brush.theme.is_ascii() { '*' } else { glyph };
        let mut bytes = [0; 4];
        let at = (left + 1 + column, y);
        brush.text(at, 1, glyph.encode_utf8(&mut bytes), style);
    }
}

/// What a cell of the area means: the level at its own height, of a column that reaches it.
fn role_at(chart: &Chart, column: u16, line: u16) -> Role {
    let whole = chart.roles.get(usize::from(column)).copied();
    if whole == Some(Role::Old) {
        return Role::Old;
    }
    let below = chart.levels.iter().rev();
    let mut below = below.filter(|(height, ..)| row_of(*height, chart) > line);
    match below.next() {
        None => Role::Dim,
        Some((.., Role::Dim)) => Role::Plain,
        Some((.., role)) => *role,
    }
}

/// One line of a moment that is marked from top to bottom; where the curve is, that is drawn.
fn upright(brush: &mut Brush<'_>, at: (u16, u16), what: Upright) {
    let (shape, role) = match what {
        Upright::Selected => (brush.theme.glyph("│", "|"), Role::Accent),
        Upright::Shown => (brush.theme.glyph("┋", ":"), Role::Strong),
    };
    let style = brush.theme.style(role);
    brush.text(at, 1, shape, style);
}

/// The dots of one cell: each half column is filled from its height down.
fn dots(chart: &Chart, column: u16, line: u16) -> u32 {
    let all = chart.height * 4 - 1;
    let mut bits = 0;
    for half in 0..2_u16 {
        let place = usize::from(column * 2 + half);
        let Some(height) = chart.curve.get(place).copied().flatten() else {
            continue;
        };
        let top = all - steps(height, all);
        for dot in (0..4_u16).filter(|dot| line * 4 + dot >= top) {
            bits |= DOTS[usize::from(dot)][usize::from(half)];
        }
    }
    bits
}

fn axis(brush: &mut Brush<'_>, (x, y): (u16, u16), chart: &Chart) {
    let frame = brush.theme.frame();
    let corner = brush.theme.glyph("└", "+");
    let line = brush.theme.glyph("─", "-");
    brush.text((x, y), 1, corner, frame);
    brush.repeat((x + 1, y), chart.width, line, frame);
    let tick = brush.theme.glyph("┬", "+");
    for (column, _) in &chart.ticks {
        brush.text((x + 1 + column, y), 1, tick, frame);
    }
    for (column, what) in &chart.uprights {
        upright(brush, (x + 1 + column, y), *what);
    }
    let event = brush.theme.glyph("▲", "^");
    let style = brush.theme.style(Role::Accent);
    for (column, _) in &chart.events {
        brush.text((x + 1 + column, y), 1, event, style);
    }
}

/// Names under their columns; one that would touch the one before is left out.
fn names(
    brush: &mut Brush<'_>,
    (x, y): (u16, u16),
    chart: &Chart,
    names: &[(u16, crate::text::Shown)],
    role: Role,
) {
    let style = brush.theme.style(role);
    let mut free = 0;
    for (column, name) in names {
        let width = u16::try_from(name.width()).unwrap_or(chart.width).min(16);
        let start = column.saturating_sub(width / 2);
        let start = start.min(chart.width.saturating_sub(width));
        if start < free {
            continue;
        }
        brush.text((x + start, y), width, name.as_str(), style);
        free = start + width + 1;
    }
}
