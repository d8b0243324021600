//! The time strip, laid out: names above their marks, the marks on a line, times below it.

use jiff::Timestamp;

use super::layout::{Arrangement, Border};
use super::model::Model;
use super::screen::{Sheet, SheetLine, Slot};
use crate::pane::strip::{Strip, strip};
use crate::pane::{Align, Cell, Line, Mark, Role};

/// Columns between two names.
const GAP: u16 = 2;

/// The strip; `None` where it has no place.
pub(super) fn sheet(model: &Model, arrangement: &Arrangement, now: Timestamp) -> Option<Sheet> {
    let area = arrangement.strip?;
    let strip = strip(model.sight(now));
    let width = area.width.saturating_sub(2);
    let legend = Line::of("releases ◀  pages ", Role::Dim)
        .mark(Mark::Page, Role::Dim)
        .text(" sources lost ", Role::Dim)
        .mark(Mark::Unknown, Role::Dim);
    Some(Sheet {
        area,
        border: Border::Rule,
        title: Line::of("t", Role::Accent).text(" Last 3 hours", Role::Title),
        info: legend,
        lines: vec![
            names(&strip, width),
            marks(&strip, width),
            ticks(&strip, width),
        ],
        more: Line::new(),
    })
}

/// The column of a moment.
fn column((from, to): (i64, i64), at: i64, width: u16) -> u16 {
    let span = (to - from).max(1);
    let offset = (at - from).clamp(0, span) * i64::from(width.saturating_sub(1)) / span;
    u16::try_from(offset).unwrap_or(0)
}

/// Names above their marks, those that weigh most first; one without room is left out.
fn names(strip: &Strip, width: u16) -> SheetLine {
    let mut taken: Vec<(u16, u16)> = Vec::new();
    let mut cells = Vec::new();
    for mark in strip
        .marks
        .iter()
        .rev()
        .filter(|mark| !mark.name.is_empty())
    {
        let wide = u16::try_from(mark.name.width()).unwrap_or(width).min(width);
        let middle = column(strip.span, mark.at, width);
        let x = middle.saturating_sub(wide / 2).min(width - wide);
        let is_free = taken
            .iter()
            .all(|(from, to)| x + wide + GAP <= *from || x >= to + GAP);
        if is_free {
            taken.push((x, x + wide));
            cells.push((slot(x + 1, wide), Cell::Line(mark.name.clone())));
        }
    }
    SheetLine::Cells(cells)
}

fn marks(strip: &Strip, width: u16) -> SheetLine {
    let line = "─".repeat(usize::from(width));
    let axis = (slot(1, width), Cell::text(line, Role::Dim));
    let marks = strip.marks.iter().map(|mark| {
        let x = column(strip.span, mark.at, width);
        (slot(x + 1, 1), mark.shape.clone())
    });
    SheetLine::Cells(std::iter::once(axis).chain(marks).collect())
}

fn ticks(strip: &Strip, width: u16) -> SheetLine {
    let ticks = strip.ticks.iter().map(|(at, name)| {
        let wide = u16::try_from(name.width()).unwrap_or(width).min(width);
        let middle = column(strip.span, *at, width);
        let x = middle.saturating_sub(wide / 2).min(width - wide);
        (slot(x + 1, wide), Cell::text(name.as_str(), Role::Dim))
    });
    SheetLine::Cells(ticks.collect())
}

fn slot(x: u16, width: u16) -> Slot {
    Slot {
        x,
        width,
        align: Align::Left,
    }
}
