//! Text in columns: as wide as their widest cell, or fitted to the width of a terminal.

use std::io::{self, Write};

use crate::text::{Shown, Untrusted};

/// The widest a name or a title becomes.
const MAX_NAME: usize = 48;
/// The least width that is fitted to.
const MIN_WIDTH: usize = 20;
/// The columns between two cells.
const GAP: usize = 2;

/// How a table looks on what it is written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The columns there are; `None` for as many as it takes.
    pub width: Option<usize>,
    /// Whether states are coloured.
    pub has_colours: bool,
}

/// What a cell says of a row, as a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Nothing.
    Plain,
    /// It pages.
    Page,
    /// It is a ticket.
    Ticket,
    /// It is well.
    Ok,
    /// It is not known.
    Unknown,
}

impl Tone {
    /// The text in its colour, of the terminal's own sixteen.
    pub(super) fn paint(self, text: &str, look: Look) -> String {
        let code = match self {
            Self::Plain => return text.to_owned(),
            _ if !look.has_colours => return text.to_owned(),
            Self::Page => "1;31",
            Self::Ticket => "33",
            Self::Ok => "32",
            Self::Unknown => "35",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// How a column gives way where there is too little room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Give {
    /// It keeps its width.
    Never,
    /// A name: cut in its middle, to that many columns at least.
    Middle(usize),
    /// A text: cut at its end, to that many columns at least; then left out, before any other.
    End(usize),
    /// It is left out; the highest number first.
    Out(u8),
}

/// A column: its heading, and how it gives way.
pub(super) type Column = (&'static str, Give);

/// A name as a cell: a long one is cut in its middle, so that it does not push all other columns off
/// the screen.
pub(super) fn name(text: &Untrusted) -> Shown {
    text.shown().fit_middle(MAX_NAME)
}

/// Writes a heading line and rows, each column as wide as its widest cell.
pub(super) fn whole(out: &mut impl Write, heading: &[&str], rows: &[Vec<Shown>]) -> io::Result<()> {
    let columns: Vec<_> = heading.iter().map(|word| (*word, Give::Never)).collect();
    write(out, &columns, rows, (Look::default(), &|_| Tone::Plain))
}

/// Writes a heading line and rows; every row has as many cells as there are columns. `tone` gives the
/// colour of a row's first cell.
pub(super) fn write(
    out: &mut impl Write,
    columns: &[(&str, Give)],
    rows: &[Vec<Shown>],
    (look, tone): (Look, &dyn Fn(usize) -> Tone),
) -> io::Result<()> {
    let widths = widths(columns, rows, look.width);
    let heading: Vec<Shown> = columns.iter().map(|(word, _)| Shown::new(word)).collect();
    let lines = std::iter::once((None, &heading));
    let lines = lines.chain(
        rows.iter()
            .enumerate()
            .map(|(row, cells)| (Some(row), cells)),
    );
    for (row, cells) in lines {
        let mut line = String::new();
        for (place, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            let Some(width) = *width else { continue };
            let cell = match columns.get(place) {
                Some((_, Give::Middle(_))) => cell.fit_middle(width),
                _ => cell.fit(width),
            };
            let tone = row.filter(|_| place == 0).map_or(Tone::Plain, tone);
            line.push_str(&tone.paint(cell.as_str(), look));
            line.push_str(&" ".repeat(width - cell.width() + GAP));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The width of each column; `None` for one that is left out.
fn widths(
    columns: &[(&str, Give)],
    rows: &[Vec<Shown>],
    room: Option<usize>,
) -> Vec<Option<usize>> {
    let natural = columns.iter().enumerate().map(|(place, (word, _))| {
        let cells = rows.iter().filter_map(|row| row.get(place));
        let widest = cells.map(Shown::width).max().unwrap_or(0);
        Some(widest.max(word.len()))
    });
    let mut widths: Vec<Option<usize>> = natural.collect();
    let Some(room) = room.map(|room| room.max(MIN_WIDTH)) else {
        return widths;
    };
    let least = |place: usize, width: usize| match columns[place].1 {
        Give::Middle(least) | Give::End(least) => width.min(least.max(columns[place].0.len())),
        Give::Never | Give::Out(_) => width,
    };
    let total = |widths: &[Option<usize>], of: &dyn Fn(usize, usize) -> usize| {
        let kept = widths.iter().enumerate();
        let kept = kept.filter_map(|(place, width)| Some(of(place, (*width)?) + GAP));
        kept.sum::<usize>().saturating_sub(GAP)
    };
    while total(&widths, &least) > room {
        let kept = columns
            .iter()
            .enumerate()
            .filter_map(|(place, (_, give))| match give {
                Give::Out(order) => widths[place].map(|_| (*order, place)),
                Give::End(_) => widths[place].map(|_| (u8::MAX, place)),
                _ => None,
            });
        let Some((_, place)) = kept.max() else { break };
        widths[place] = None;
    }
    loop {
        let surplus = total(&widths, &|_, width| width).saturating_sub(room);
        let wide = widths.iter().enumerate().filter_map(|(place, width)| {
            let width = (*width)?;
            (least(place, width) < width).then_some((width, place))
        });
        // Texts give way before names, then the widest.
        let is_text = |place: usize| matches!(columns[place].1, Give::End(_));
        let next = wide.max_by_key(|(width, place)| (is_text(*place), *width));
        let Some((width, place)) = next.filter(|_| surplus > 0) else {
            break;
        };
        widths[place] = Some(width - 1);
    }
    widths
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COLUMNS: &[Column] = &[
        ("STATE", Give::Never),
        ("SLO", Give::Middle(8)),
        ("BY", Give::Out(2)),
        ("AGE", Give::Out(1)),
        ("NOTE", Give::End(6)),
    ];

    fn written(rows: &[Vec<Shown>], look: Look) -> String {
        let mut out = Vec::new();
        write(&mut out, COLUMNS, rows, (look, &|_| Tone::Page)).expect("written");
        String::from_utf8(out).expect("UTF-8")
    }

    fn row(cells: [&str; 5]) -> Vec<Shown> {
        cells.iter().map(Shown::new).collect()
    }

    #[test]
    fn what_is_widest_gives_way_first_and_what_matters_least_is_left_out() {
        let rows = [row([
            "PAGE",
            "checkout/availability",
            "mara",
            "3h",
            "burning, rising, gone in 9h",
        ])];
        let at = |width: usize| {
            written(
                &rows,
                Look {
                    width: Some(width),
                    ..Look::default()
                },
            )
        };
        let line = |width: usize| at(width).lines().nth(1).unwrap_or_default().to_owned();
        assert_eq!(
            line(100),
            "PAGE   checkout/availability  mara  3h   burning, rising, gone in 9h"
        );
        assert_eq!(
            line(60),
            "PAGE   checkout/availability  mara  3h   burning, rising, g…"
        );
        assert_eq!(line(40), "PAGE   checkou…bility  mara  3h   burni…");
        assert_eq!(line(28), "PAGE   check…lity  mara  3h");
        assert_eq!(line(22), "PAGE   check…lity  3h");
        let coloured = written(
            &rows,
            Look {
                width: None,
                has_colours: true,
            },
        );
        assert!(
            coloured.contains("\n\x1b[1;31mPAGE\x1b[0m   checkout"),
            "{coloured:?}"
        );
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(
            cells in proptest::collection::vec("[a-zé漢 ]{0,60}", 5 * 3),
            width in 30_usize..200,
        ) {
            let rows: Vec<Vec<Shown>> = cells
                .chunks(5)
                .map(|cells| {
                    let mut row: Vec<_> = cells.iter().map(Shown::new).collect();
                    row[0] = Shown::new("UNKNOWN");
                    row
                })
                .collect();
            let text = written(&rows, Look { width: Some(width), ..Look::default() });
            for line in text.lines() {
                let shown = Shown::new(line);
                prop_assert!(shown.width() <= width, "{line}");
            }
        }
    }
}
