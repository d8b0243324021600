//! What surrounds the rows: bars, borders, titles.

use ratatui::style::Style;

use super::brush::Brush;
use crate::app::layout::{Area, Border};
use crate::app::screen::Bar;
use crate::pane::Line;

/// Draws a bar: its right end whole, its left end as far as it goes.
pub(super) fn bar(brush: &mut Brush<'_>, bar: &Bar) {
    let Area { x, y, width, .. } = bar.area;
    if bar.area.height == 0 {
        return;
    }
    let right = brush.width(&bar.right).min(width);
    brush.line((x + width - right, y), right, &bar.right);
    let gap = u16::from(right > 0);
    let room = width.saturating_sub(right + gap);
    brush.line((x, y), room, &bar.left);
}

/// What stands on a border.
pub(super) struct Frame<'a> {
    pub(super) area: Area,
    pub(super) border: Border,
    pub(super) is_focused: bool,
    pub(super) title: &'a Line,
    pub(super) info: &'a Line,
    pub(super) more: &'a Line,
}

/// Draws a border with its title, information and scroll position.
pub(super) fn frame(brush: &mut Brush<'_>, frame: &Frame<'_>) {
    let Area {
        x,
        y,
        width,
        height,
    } = frame.area;
    if width < 4 || height == 0 || frame.border == Border::Bare {
        return;
    }
    let style = if frame.is_focused {
        Style::new()
    } else {
        brush.theme.frame()
    };
    let line = brush.theme.glyph("─", "-");
    brush.repeat((x, y), width, line, style);
    let mut info = frame.info.clone();
    let is_box = frame.border == Border::Box && height > 1;
    if is_box {
        sides(brush, frame.area, style);
        on_line(brush, (x, y + height - 1), width, frame.more, Side::Right);
    } else if !frame.more.is_empty() {
        info = info
            .text("  ", crate::pane::Role::Dim)
            .join(frame.more.clone());
    }
    // The title is short and says which pane this is; what it tells of itself comes second.
    let title = brush.width(frame.title).min(width - 4);
    on_line(brush, (x, y), width, frame.title, Side::Left);
    on_line(
        brush,
        (x + title + 3, y),
        width.saturating_sub(title + 3),
        &info,
        Side::Right,
    );
}

fn sides(brush: &mut Brush<'_>, area: Area, style: Style) {
    let side = brush.theme.glyph("│", "|");
    let (left, right) = (area.x, area.x + area.width - 1);
    let bottom = area.y + area.height - 1;
    for y in area.y + 1..bottom {
        brush.repeat((left, y), 1, side, style);
        brush.repeat((right, y), 1, side, style);
    }
    let line = brush.theme.glyph("─", "-");
    brush.repeat((left, bottom), area.width, line, style);
    for (x, y, corner) in [
        (left, area.y, "╭"),
        (right, area.y, "╮"),
        (left, bottom, "╰"),
        (right, bottom, "╯"),
    ] {
        let corner = brush.theme.glyph(corner, "+");
        brush.repeat((x, y), 1, corner, style);
    }
}

/// Which end of a border line words stand at.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Left,
    Right,
}

/// Writes words onto a border line, with a space on either side.
fn on_line(brush: &mut Brush<'_>, (x, y): (u16, u16), width: u16, line: &Line, side: Side) {
    if line.is_empty() || width < 5 {
        return;
    }
    let needed = brush.width(line).min(width - 4);
    let start = match side {
        Side::Left => x + 1,
        Side::Right => x + width - needed - 3,
    };
    let style = brush.theme.frame();
    brush.text((start, y), 1, " ", style);
    let used = brush.line((start + 1, y), needed, line);
    brush.text((start + 1 + used, y), 1, " ", style);
}
