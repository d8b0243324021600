//! Lines that scroll: the detail of a row, and the help on top of everything.

use super::brush::Brush;
use super::cells::cell;
use super::chart;
use super::chrome::{Frame, frame};
use crate::app::layout::Border;
use crate::app::screen::{Sheet, SheetLine};

/// Draws a sheet; a bright border says that keys go to it.
pub(super) fn sheet(brush: &mut Brush<'_>, sheet: &Sheet, is_focused: bool) {
    brush.clear(sheet.area);
    frame(
        brush,
        &Frame {
            area: sheet.area,
            border: sheet.border,
            is_focused,
            title: &sheet.title,
            info: &sheet.info,
            more: &sheet.more,
        },
    );
    let inside = sheet.border.inside(sheet.area);
    for (y, line) in (inside.y..).zip(&sheet.lines) {
        match line {
            SheetLine::Text(line) => {
                brush.line((inside.x, y), inside.width, line);
            }
            SheetLine::Cells(cells) => {
                for (slot, content) in cells {
                    cell(brush, (inside.x, y), *slot, content);
                }
            }
            SheetLine::Chart(chart, number) => {
                chart::line(brush, (inside.x, y), chart, *number);
            }
        }
    }
    if sheet.border == Border::Bare && !sheet.more.is_empty() {
        let width = brush.width(&sheet.more).min(inside.width);
        let y = (inside.y + inside.height).saturating_sub(1);
        brush.line((inside.x + inside.width - width, y), width, &sheet.more);
    }
}
