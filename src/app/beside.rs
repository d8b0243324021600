//! Parts of a detail beside each other, and the services around a service, laid out by the room there is.

use super::screen::{SheetLine, Slot};
use crate::pane::block::Dependencies;
use crate::pane::{Align, Cell, Line, Role};

/// Columns between two parts.
const GAP: u16 = 3;

/// Two parts line by line, where both fit whole into a width; `None` where they do not.
pub(super) fn merged(
    left: &[SheetLine],
    right: &[SheetLine],
    width: u16,
) -> Option<Vec<SheetLine>> {
    let natural = |lines: &[SheetLine]| lines.iter().map(extent).max().unwrap_or(0);
    let (of_left, of_right) = (natural(left), natural(right));
    let least = of_left.checked_add(GAP)?;
    if least.checked_add(of_right)? > width {
        return None;
    }
    let middle = (width / 2).max(least).min(width - of_right);
    let count = left.len().max(right.len());
    let lines = (0..count).map(|row| {
        let mut both = left.get(row).map(cells).unwrap_or_default();
        let right = right.get(row).map(cells).unwrap_or_default();
        both.extend(right.into_iter().map(|(slot, cell)| {
            let x = slot.x + middle;
            (Slot { x, ..slot }, cell)
        }));
        SheetLine::Cells(both)
    });
    Some(lines.collect())
}

fn cells(line: &SheetLine) -> Vec<(Slot, Cell)> {
    match line {
        SheetLine::Text(line) => vec![(slot(0, columns(line)), Cell::Line(line.clone()))],
        SheetLine::Cells(cells) => cells.clone(),
        SheetLine::Chart(..) => Vec::new(),
    }
}

/// The columns that a line takes.
fn extent(line: &SheetLine) -> u16 {
    match line {
        SheetLine::Text(line) => columns(line),
        SheetLine::Cells(cells) => {
            let ends = cells
                .iter()
                .map(|(slot, _)| slot.x.saturating_add(slot.width));
            ends.max().unwrap_or(0)
        }
        // A chart has no part beside it.
        SheetLine::Chart(..) => u16::MAX,
    }
}

/// The services around a service as a drawing; `None` where it does not fit.
pub(super) fn drawn(all: &Dependencies, width: u16) -> Option<Vec<SheetLine>> {
    let widest = |lines: &[Line]| lines.iter().map(columns).max().unwrap_or(0);
    let (left, right) = (widest(&all.used_by), widest(&all.needs));
    let own = columns(&all.service);
    let after_left = if all.used_by.is_empty() {
        1
    } else {
        1 + left + 7
    };
    let whole = after_left
        .checked_add(own)?
        .checked_add(9)?
        .checked_add(right)?;
    if whole > width || (all.used_by.len() < 2 && all.needs.len() < 2) {
        return None;
    }
    let count = all.used_by.len().max(all.needs.len()).max(1);
    let lines = (0..count).map(|row| {
        let mut cells = Vec::new();
        if let Some(line) = all.used_by.get(row) {
            let own = columns(line);
            cells.push((slot(1 + left - own, own), Cell::Line(line.clone())));
            let joint = joint(row, all.used_by.len(), ["───▶", "─┬─▶", "─┤", "─┘"]);
            cells.push((slot(2 + left, 4), Cell::text(joint, Role::Dim)));
        }
        if row == 0 {
            cells.push((slot(after_left, own), Cell::Line(all.service.clone())));
        }
        if let Some(line) = all.needs.get(row) {
            let joint = joint(
                row,
                all.needs.len(),
                ["─────▶", "─┬───▶", " ├───▶", " └───▶"],
            );
            let x = after_left + own + 1;
            cells.push((slot(x, 6), Cell::text(joint, Role::Dim)));
            cells.push((slot(x + 7, columns(line)), Cell::Line(line.clone())));
        }
        SheetLine::Cells(cells)
    });
    Some(lines.collect())
}

/// The line between a service and its neighbour: of a single one, the first, one between, the last.
fn joint(row: usize, count: usize, shapes: [&'static str; 4]) -> &'static str {
    let [single, first, between, last] = shapes;
    match (row, count) {
        (0, 1) => single,
        (0, _) => first,
        (row, count) if row + 1 == count => last,
        _ => between,
    }
}

/// The services around a service in two lines.
pub(super) fn listed(all: &Dependencies) -> Vec<Line> {
    let line = |label: &str, services: &[Line]| {
        let services = services.iter().enumerate();
        services.fold(Line::of(label, Role::Dim), |line, (place, service)| {
            let gap = if place == 0 { "" } else { "  " };
            line.text(gap, Role::Plain).join(service.clone())
        })
    };
    let parts = [("used by  ", &all.used_by), ("needs    ", &all.needs)];
    let parts = parts
        .into_iter()
        .filter(|(_, services)| !services.is_empty());
    parts
        .map(|(label, services)| line(label, services))
        .collect()
}

fn columns(line: &Line) -> u16 {
    u16::try_from(line.width()).unwrap_or(u16::MAX)
}

fn slot(x: u16, width: u16) -> Slot {
    Slot {
        x,
        width,
        align: Align::Left,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &str) -> SheetLine {
        SheetLine::Text(Line::of(words, Role::Plain))
    }

    #[test]
    fn parts_stand_beside_each_other_only_where_both_are_whole() {
        let (left, right) = ([text("one"), text("three")], [text("two")]);
        assert_eq!(merged(&left, &right, 10), None);
        let lines = merged(&left, &right, 11).expect("room");
        assert_eq!(lines.len(), 2);
        let SheetLine::Cells(first) = &lines[0] else {
            panic!("cells");
        };
        let places: Vec<_> = first.iter().map(|(slot, _)| (slot.x, slot.width)).collect();
        assert_eq!(places, [(0, 3), (8, 3)]);
    }

    #[test]
    fn a_service_with_several_neighbours_is_drawn_where_there_is_room() {
        let line = |word: &str| Line::of(word, Role::Plain);
        let all = Dependencies {
            used_by: vec![line("gateway"), line("web")],
            service: line("checkout"),
            needs: vec![line("payments")],
        };
        assert_eq!(drawn(&all, 30), None);
        assert_eq!(drawn(&all, 60).expect("room").len(), 2);
        assert_eq!(listed(&all).len(), 2);
    }
}
