//! Text in columns: as wide as their widest cell, the last one free.

use std::io::{self, Write};

use crate::text::{Shown, Untrusted};

/// The widest a name or a title becomes.
const MAX_NAME: usize = 48;

/// A name as a cell: a long one is cut in its middle, so that it does not push all other columns off
/// the screen.
pub(super) fn name(text: &Untrusted) -> Shown {
    text.shown().fit_middle(MAX_NAME)
}

/// Writes a heading line and rows; every row has as many cells as the heading.
pub(super) fn write(out: &mut impl Write, heading: &[&str], rows: &[Vec<Shown>]) -> io::Result<()> {
    let heading: Vec<Shown> = heading.iter().map(Shown::new).collect();
    let widths: Vec<usize> = (0..heading.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells
                .chain(heading.get(column))
                .map(Shown::width)
                .max()
                .unwrap_or(0)
        })
        .collect();
    for row in std::iter::once(&heading).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell.as_str());
            line.push_str(&" ".repeat(width - cell.width() + 2));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
