//! The one table, for every pane.

use super::brush::Brush;
use super::cells::cell;
use super::chrome::{Frame, frame};
use crate::app::screen::{Gutter, Table};
use crate::pane::{Align, Role};

/// Draws a pane.
pub(super) fn table(brush: &mut Brush<'_>, table: &Table) {
    frame(
        brush,
        &Frame {
            area: table.area,
            border: table.border,
            is_focused: table.is_focused,
            title: &table.title,
            info: &table.info,
            more: &table.more,
        },
    );
    let inside = table.border.inside(table.area);
    let mut y = inside.y;
    if !table.headings.is_empty() {
        for (slot, heading) in table.columns.iter().zip(&table.headings) {
            let style = brush.theme.frame();
            let wide = u16::try_from(heading.width()).unwrap_or(slot.width);
            let pad = match slot.align {
                Align::Left => 0,
                Align::Right => slot.width.saturating_sub(wide),
            };
            let at = (inside.x + slot.x + pad, y);
            brush.text(at, slot.width - pad, heading.as_str(), style);
        }
        y += 1;
    }
    for line in &table.note {
        brush.line((inside.x + 2, y), inside.width.saturating_sub(2), line);
        y += 1;
    }
    for row in &table.rows {
        brush.is_selected = matches!(row.gutter, Gutter::Selected | Gutter::Marked(true));
        let mark = match row.gutter {
            Gutter::Nothing => "",
            Gutter::Selected => brush.theme.glyph("▌", ">"),
            Gutter::New => brush.theme.glyph("+", "+"),
            Gutter::Marked(_) => brush.theme.glyph("◆", "*"),
        };
        let style = brush.style(Role::Accent);
        brush.text((inside.x, y), 1, mark, style);
        for (slot, content) in table.columns.iter().zip(&row.cells) {
            cell(brush, (inside.x, y), *slot, content);
        }
        brush.is_selected = false;
        y += 1;
    }
    if let Some(tail) = &table.tail {
        let last = inside.y + inside.height.saturating_sub(1);
        brush.line((inside.x + 1, last), inside.width.saturating_sub(1), tail);
    }
}
