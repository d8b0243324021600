//! The detail of one row, laid out into lines of a given width.

use std::sync::Arc;

use jiff::Timestamp;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::layout::{Area, Arrangement, Border, Layout};
use super::model::Model;
use super::screen::{Sheet, SheetLine, Slot};
use super::{alert, beside, chart};
use crate::pane::Align;
use crate::pane::block::{Block, Curve, Detail};
use crate::pane::cell::{Cell, Line, Role, Span};
use crate::text::Shown;

/// Columns between the columns of a small table.
const GAP: u16 = 2;
/// The widest column of labels.
const LABELS: usize = 16;
/// From this height, the services around a service are drawn.
const DRAWN: u16 = 16;
/// Lines of a chart's plot, where there is room and where there is not.
const PLOT: (u16, u16) = (10, 5);

/// The detail that is open, as much of it as is in view.
pub(super) fn sheet(model: &Model, arrangement: &Arrangement, now: Timestamp) -> Option<Sheet> {
    let area = arrangement.detail?;
    let scroll = match (model.modes.alert(), model.modes.detail()) {
        (Some((_, scroll)), _) | (None, Some((_, scroll))) => scroll,
        (None, None) => 0,
    };
    let detail = detail(model, now);
    Some(in_view(detail, area, arrangement.detail_border, scroll))
}

/// As much of a detail as an area shows.
pub(super) fn in_view(detail: Detail, area: Area, border: Border, scroll: usize) -> Sheet {
    let inside = border.inside(area);
    let lines = lines(&detail, inside.width, inside.height);
    let height = usize::from(inside.height);
    let scroll = scroll.min(lines.len().saturating_sub(height));
    let below = lines.len().saturating_sub(scroll + height);
    Sheet {
        area,
        border,
        title: detail.title,
        info: detail.origin,
        lines: lines.into_iter().skip(scroll).take(height).collect(),
        more: more(scroll, below),
    }
}

/// The furthest the open detail can be scrolled.
pub(super) fn last_scroll(model: &Model, layout: &Layout, now: Timestamp) -> usize {
    let Layout::Panes(arrangement) = layout else {
        return 0;
    };
    let Some(area) = arrangement.detail else {
        return 0;
    };
    out_of_view(&detail(model, now), area, arrangement.detail_border)
}

/// How many lines are out of view.
pub(super) fn more(above: usize, below: usize) -> Line {
    let mut line = Line::new();
    if above > 0 {
        line = line.text(format!("↑{above}"), Role::Plain);
    }
    if below > 0 {
        let gap = if above > 0 { " " } else { "" };
        line = line.text(format!("{gap}↓{below}"), Role::Plain);
    }
    line
}

/// How many lines a detail takes in a width.
pub(super) fn line_count(detail: &Detail, width: u16) -> usize {
    lines(detail, width, 0).len()
}

/// How many lines of a detail an area does not show.
pub(super) fn out_of_view(detail: &Detail, area: Area, border: Border) -> usize {
    let inside = border.inside(area);
    let count = lines(detail, inside.width, inside.height).len();
    count.saturating_sub(usize::from(inside.height))
}

/// What there is to say about the row in detail; it may be gone, and then that is said.
fn detail(model: &Model, now: Timestamp) -> Detail {
    if let Some(alert) = alert::detail(model, now) {
        return alert;
    }
    if let Some(entry) = model.target() {
        return model.pane().detail(model.sight(now), entry);
    }
    let mut gone = Detail::default();
    if let Some((key, _)) = model.modes.detail() {
        gone.title = Line::new().foreign(&key.id, Role::Title);
        let text = format!("{} reports this no more.", key.source);
        gone.line(Line::of(text, Role::Plain));
    }
    gone
}

/// All lines of a detail.
fn lines(detail: &Detail, width: u16, height: u16) -> Vec<SheetLine> {
    let labels = detail.blocks.iter().filter_map(|block| match block {
        Block::Field(label, _) => Some(label.width()),
        _ => None,
    });
    let labels = labels.max().unwrap_or(0).min(LABELS);
    of_blocks(&detail.blocks, labels, (width, height))
}

/// All lines of blocks, with labels of this width.
fn of_blocks(blocks: &[Block], labels: usize, (width, height): (u16, u16)) -> Vec<SheetLine> {
    let room = usize::from(width.saturating_sub(2));
    let mut lines = Vec::new();
    for block in blocks {
        match block {
            Block::Beside(left, right) => {
                let of = |blocks| of_blocks(blocks, labels, (width, height));
                let (left, right) = (of(left), of(right));
                match beside::merged(&left, &right, width) {
                    Some(both) => lines.extend(both),
                    None => lines.extend(left.into_iter().chain(right)),
                }
            }
            Block::Dependencies(all) => {
                let drawing = beside::drawn(all, width).filter(|_| height >= DRAWN);
                lines.extend(drawing.unwrap_or_else(|| {
                    let each = beside::listed(all);
                    let each = each.iter().flat_map(|line| indented(line, room, 1));
                    each.collect()
                }));
            }
            Block::Gap => lines.push(SheetLine::Text(Line::new())),
            Block::Heading(name) => {
                lines.extend(indented(&Line::of(name, Role::Title), room, 1));
            }
            Block::Line(line) => lines.extend(indented(line, room, 1)),
            Block::Field(label, value) => lines.extend(field(label, value, labels, room)),
            Block::Prose(text, role) => {
                let line = Line(vec![Span::Text(text.clone(), *role)]);
                lines.extend(indented(&line, room, 1));
            }
            Block::Grid { rows, right } => lines.extend(grid(rows, right, width)),
            Block::Chart(curve) => lines.extend(chart(curve, width, height)),
            Block::Strip(values) => lines.push(strip(values, width)),
        }
    }
    lines
}

fn indented(line: &Line, room: usize, indent: usize) -> Vec<SheetLine> {
    let pad = " ".repeat(indent);
    wrap(line, room)
        .into_iter()
        .map(|line| SheetLine::Text(Line::of(&pad, Role::Plain).join(line)))
        .collect()
}

fn field(label: &Shown, value: &Line, labels: usize, room: usize) -> Vec<SheetLine> {
    let label = label.fit(labels);
    let lines = wrap(value, room.saturating_sub(labels + 2).max(8));
    let mut pad = format!(
        " {label}{}",
        " ".repeat(labels - label.width().min(labels) + 2)
    );
    let mut out = Vec::new();
    for line in lines {
        out.push(SheetLine::Text(Line::of(&pad, Role::Dim).join(line)));
        pad = " ".repeat(labels + 3);
    }
    out
}

/// Breaks a line between words so that nothing of it is cut; within a word only where it is wider
/// than the room.
pub(super) fn wrap(line: &Line, room: usize) -> Vec<Line> {
    let room = room.max(1);
    let mut lines = vec![Line::new()];
    let mut used = 0;
    for span in &line.0 {
        let (text, role) = match span {
            Span::Mark(..) => {
                push(&mut lines, span.clone());
                used += span.width();
                continue;
            }
            Span::Text(text, role) => (text, *role),
        };
        for word in text.as_str().split_inclusive(' ') {
            let wide = word.trim_end().width();
            if used + wide > room && used > 0 {
                lines.push(Line::new());
                used = 0;
            }
            for piece in pieces(word, room) {
                if used + piece.trim_end().width() > room {
                    lines.push(Line::new());
                    used = 0;
                }
                used += piece.width();
                push(&mut lines, Span::Text(Shown::new(piece), role));
            }
        }
    }
    lines
}

fn push(lines: &mut [Line], span: Span) {
    if let Some(last) = lines.last_mut() {
        last.0.push(span);
    }
}

/// A word in pieces that fit.
fn pieces(word: &str, room: usize) -> Vec<&str> {
    if word.trim_end().width() <= room {
        return vec![word];
    }
    let mut pieces = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (at, cluster) in word.grapheme_indices(true) {
        let wide = cluster.width();
        if used + wide > room && at > start {
            pieces.push(&word[start..at]);
            (start, used) = (at, 0);
        }
        used += wide;
    }
    pieces.push(&word[start..]);
    pieces
}

fn grid(rows: &[Vec<Cell>], right: &[usize], width: u16) -> Vec<SheetLine> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut slots = Vec::new();
    let mut x = 1;
    for column in 0..count {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let wanted = cells.map(cell_width).max().unwrap_or(0);
        let left = width.saturating_sub(x + 1);
        let align = if right.contains(&column) {
            Align::Right
        } else {
            Align::Left
        };
        let width = wanted.min(left);
        slots.push(Slot { x, width, align });
        x += width + GAP;
    }
    rows.iter()
        .map(|row| SheetLine::Cells(slots.iter().copied().zip(row.iter().cloned()).collect()))
        .collect()
}

fn cell_width(cell: &Cell) -> u16 {
    let width = match cell {
        Cell::Empty => 0,
        Cell::Line(line) => line.width(),
        Cell::Fitting(lines) => lines.iter().map(Line::width).max().unwrap_or(0),
        Cell::Name(name, _) => name.width(),
        Cell::Badge(_, word, _) => word.len() + 3,
        Cell::Gauge(..) | Cell::Spark(_) => 10,
    };
    u16::try_from(width).unwrap_or(u16::MAX)
}

/// A curve in one line, each column the last value that it stands for.
fn strip(values: &[Option<(f64, Role)>], width: u16) -> SheetLine {
    let width = width.saturating_sub(3);
    let columns = usize::from(width);
    let value = |column: usize| {
        let end = (column + 1) * values.len() / columns;
        let start = (column * values.len() / columns).min(end.saturating_sub(1));
        values[start..end].iter().rev().copied().flatten().next()
    };
    let slot = Slot {
        x: 1,
        width,
        align: Align::Left,
    };
    let spark = Cell::Spark((0..columns).map(value).collect());
    SheetLine::Cells(vec![(slot, spark)])
}

fn chart(curve: &Curve, width: u16, height: u16) -> Vec<SheetLine> {
    let plot = if height >= 24 { PLOT.0 } else { PLOT.1 };
    let chart = chart::scaled(curve, width.saturating_sub(3), plot);
    let Some(chart) = chart.filter(|_| !curve.points.is_empty()).map(Arc::new) else {
        return Vec::new();
    };
    (0..chart.lines())
        .map(|line| SheetLine::Chart(Arc::clone(&chart), line))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &Line) -> String {
        let texts = line.0.iter().map(|span| match span {
            Span::Text(text, _) => text.as_str(),
            Span::Mark(..) => "# ",
        });
        texts.collect()
    }

    #[test]
    fn wrapping_loses_nothing() {
        let line = Line::of("sum(increase(http_requests_total[5m])) by ", Role::Plain)
            .text("支払い・支払い", Role::Dim);
        for room in 1..50 {
            let lines = wrap(&line, room);
            let joined: String = lines.iter().map(text).collect();
            assert_eq!(joined, text(&line), "{room}");
            let widest = lines.iter().map(|line| text(line).trim_end().width()).max();
            assert!(widest <= Some(room.max(2)), "{room}: {widest:?}");
        }
    }
}
