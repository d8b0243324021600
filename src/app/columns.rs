//! Which columns of a pane fit, and how wide each is.

use crate::pane::{Board, Column, Drop, Pane, Width};

/// A column that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Which of the pane's columns.
    pub column: usize,
    /// Its first column of the terminal, from the left of the rows.
    pub x: u16,
    /// How many it takes.
    pub width: u16,
}

/// The column at the left of every row that tells the selected and the new ones.
pub const GUTTER: u16 = 1;

/// How far apart columns stand.
#[derive(Clone, Copy, PartialEq)]
enum Gaps {
    /// As each asks for.
    Loose,
    /// As near as they can be told apart.
    Tight,
}

impl Gaps {
    fn before(self, column: &Column) -> u16 {
        match self {
            Self::Loose => column.gap,
            Self::Tight => column.gap.min(1),
        }
    }
}

/// No column with content is narrower than this.
const NARROWEST: u16 = 4;

/// Places a pane's columns into `width` columns of the terminal.
///
/// Columns are dropped in the pane's order until the rest fits; what is left over goes to those
/// that have more to show.
pub fn place(pane: &dyn Pane, board: &Board, width: u16) -> Vec<Placed> {
    let columns = pane.columns();
    let room = width.saturating_sub(GUTTER);
    let mut widths: Vec<Option<u16>> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| wanted(column, measured(board, index)))
        .collect();
    if total(&widths, columns, Gaps::Loose) > room {
        drop_until_it_fits(pane, &mut widths, room);
    }
    let gaps = if total(&widths, columns, Gaps::Loose) <= room {
        Gaps::Loose
    } else {
        Gaps::Tight
    };
    shrink(&mut widths, columns, room);
    let left = room.saturating_sub(total(&widths, columns, gaps));
    grow(&mut widths, columns, board, left);
    let mut end = GUTTER;
    let mut placed: Vec<Placed> = Vec::new();
    for (column, width) in widths.into_iter().enumerate() {
        let Some(width) = width else {
            continue;
        };
        let is_first = placed.is_empty();
        let x = end
            + if is_first {
                0
            } else {
                gaps.before(&columns[column])
            };
        placed.push(Placed { column, x, width });
        end = x + width;
    }
    placed
}

fn measured(board: &Board, index: usize) -> u16 {
    board.widths.get(index).copied().unwrap_or(0)
}

/// The width a column asks for; a column without any content asks for none.
fn wanted(column: &Column, measured: u16) -> Option<u16> {
    let heading = u16::try_from(column.heading.len()).unwrap_or(0);
    match column.width {
        Width::Fixed(width) => Some(width.max(measured)),
        Width::Content(cap) => (measured > 0).then(|| measured.min(cap).max(heading)),
        Width::Rest(least, _) => Some(least.max(measured)),
    }
}

fn total(widths: &[Option<u16>], columns: &[Column], gaps: Gaps) -> u16 {
    let shown = widths.iter().zip(columns);
    let shown = shown.filter_map(|(width, column)| Some(((*width)?, gaps.before(column))));
    let mut sum: u16 = 0;
    for (place, (width, gap)) in shown.enumerate() {
        let gap = if place == 0 { 0 } else { gap };
        sum = sum.saturating_add(width).saturating_add(gap);
    }
    sum
}

fn drop_until_it_fits(pane: &dyn Pane, widths: &mut [Option<u16>], room: u16) {
    for drop in pane.drops() {
        if total(widths, pane.columns(), Gaps::Tight) <= room {
            return;
        }
        match *drop {
            Drop::Hide(column) => widths[column] = None,
            Drop::Narrow(column, width) => {
                widths[column] = widths[column].map(|old| old.min(width));
            }
        }
    }
}

/// Takes from the widest column with words until it fits; then from the right.
fn shrink(widths: &mut [Option<u16>], columns: &[Column], room: u16) {
    while total(widths, columns, Gaps::Tight) > room {
        let widest = widths
            .iter_mut()
            .zip(columns)
            .filter(|(_, column)| !matches!(column.width, Width::Fixed(_)))
            .filter_map(|(width, _)| width.as_mut())
            .filter(|width| **width > NARROWEST)
            .max();
        if let Some(width) = widest {
            *width -= 1;
        } else if let Some(last) = widths.iter_mut().rev().find(|width| width.is_some()) {
            *last = None;
        } else {
            return;
        }
    }
}

/// Gives what is left to columns whose content was cut, then to those that take the rest.
fn grow(widths: &mut [Option<u16>], columns: &[Column], board: &Board, mut left: u16) {
    for (index, column) in columns.iter().enumerate() {
        let Some(width) = widths[index].as_mut() else {
            continue;
        };
        if let Width::Content(cap) = column.width
            && *width >= cap
        {
            let more = measured(board, index).saturating_sub(*width).min(left);
            *width += more;
            left -= more;
        }
    }
    for (index, column) in columns.iter().enumerate() {
        if let (Some(width), Width::Rest(_, most)) = (widths[index].as_mut(), column.width) {
            let more = most.saturating_sub(*width).min(left);
            *width += more;
            left -= more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pane::PANES;

    /// A board whose SLO columns have these measures.
    fn board() -> Board {
        Board {
            widths: vec![2, 12, 14, 5, 5, 1, 5, 5, 5, 0, 4, 14, 0],
            ..Board::default()
        }
    }

    fn shown(width: u16) -> Vec<usize> {
        let placed = place(PANES[0], &board(), width);
        placed.iter().map(|placed| placed.column).collect()
    }

    #[test]
    fn columns_drop_in_the_promised_order_and_the_vital_ones_stay() {
        let mut last = shown(200);
        assert_eq!(last.len(), 13);
        let mut dropped = Vec::new();
        for width in (30..200).rev() {
            let now = shown(width);
            dropped.extend(last.iter().copied().filter(|column| !now.contains(column)));
            last = now;
        }
        // objective, 6h, trend, 5m, since, gauge, name, note
        assert_eq!(dropped, [3, 8, 12, 6, 4, 9, 2, 11]);
        // state, service, direction, 1h, budget
        assert_eq!(last, [0, 1, 5, 7, 10]);
    }

    #[test]
    fn no_row_is_wider_than_its_room() {
        for pane in PANES {
            let board = Board {
                widths: vec![30; pane.columns().len()],
                ..Board::default()
            };
            for width in 0..300 {
                let placed = place(pane, &board, width);
                let end = placed.last().map_or(0, |last| last.x + last.width);
                assert!(end <= width.max(GUTTER), "{} in {width}", pane.name());
                for pair in placed.windows(2) {
                    assert!(pair[0].x + pair[0].width <= pair[1].x);
                }
            }
        }
    }
}
