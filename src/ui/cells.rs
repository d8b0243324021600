//! How each kind of cell is drawn.

use ratatui::style::Modifier;
use unicode_width::UnicodeWidthStr;

use super::brush::Brush;
use crate::app::screen::Slot;
use crate::pane::Align;
use crate::pane::cell::{Cell, Line, Role};

/// Eighths of a column.
const COLUMNS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// What is lower than this share of the scale is drawn as nothing, so that calm curves stand still.
const CALM: f64 = 0.07;
const ASCII_COLUMNS: [&str; 5] = ["_", ".", "-", "=", "#"];

/// Draws a cell into its slot of a row that begins at `x`, `y`.
pub(super) fn cell(brush: &mut Brush<'_>, (x, y): (u16, u16), slot: Slot, cell: &Cell) {
    let at = (x + slot.x, y);
    match cell {
        Cell::Empty => {}
        Cell::Fitting(lines) => {
            let fits = |line: &&Line| brush.width(line) <= slot.width;
            let line = lines.iter().find(fits).or(lines.last());
            if let Some(line) = line {
                brush.line(at, slot.width, line);
            }
        }
        Cell::Line(line) => {
            let needed = brush.width(line);
            let pad = match slot.align {
                Align::Left => 0,
                Align::Right => slot.width.saturating_sub(needed),
            };
            brush.line((at.0 + pad, y), slot.width - pad, line);
        }
        Cell::Name(name, role) => {
            let style = brush.style(*role);
            let name = name.fit_middle(usize::from(slot.width));
            brush.text(at, slot.width, name.as_str(), style);
        }
        Cell::Badge(mark, word, role) => {
            let style = brush.style(*role);
            let shape = brush.theme.mark(*mark);
            let used = brush.text(at, slot.width, shape, style);
            let left = slot.width - used;
            if usize::from(left) > word.width().min(2) {
                brush.text((at.0 + used, y), 1, " ", style);
                brush.text((at.0 + used + 1, y), left - 1, word, style);
            }
        }
        Cell::Gauge(share, role) => gauge(brush, at, slot.width, *share, *role),
        Cell::Spark(values) => spark(brush, at, slot.width, values),
    }
}

fn gauge(brush: &mut Brush<'_>, (x, y): (u16, u16), width: u16, share: Option<f64>, role: Role) {
    // A budget that is not known is no empty one.
    let Some(share) = share else {
        return;
    };
    let track = brush.theme.glyph("─", "-");
    brush.repeat((x, y), width, track, brush.theme.frame());
    let full = brush.theme.glyph("━", "=");
    let style = brush.theme.style(role).remove_modifier(Modifier::BOLD);
    brush.repeat((x, y), steps(share, width), full, style);
}

/// The newest values that fit, at the right end.
fn spark(brush: &mut Brush<'_>, (x, y): (u16, u16), width: u16, values: &[Option<(f64, Role)>]) {
    let skip = values.len().saturating_sub(usize::from(width));
    for (x, value) in (x..x.saturating_add(width)).zip(&values[skip..]) {
        let Some((value, role)) = value else {
            continue;
        };
        let style = brush.theme.ramp(*role, *value);
        let glyph = if brush.theme.is_ascii() {
            ASCII_COLUMNS[usize::from(steps(*value - CALM, 4))]
        } else {
            COLUMNS[usize::from(steps(*value - CALM, 7))]
        };
        brush.text((x, y), 1, glyph, style);
    }
}

/// A share between 0 and 1 in so many steps, to the nearest.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and `count`"
)]
pub(super) fn steps(share: f64, count: u16) -> u16 {
    (share.clamp(0.0, 1.0) * f64::from(count)).round() as u16
}
