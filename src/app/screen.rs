//! A finished frame as plain data: everything is decided, nothing is styled.

use super::layout::{Area, Border};
use super::wall::pieces::Wall;
use crate::pane::block::Upright;
use crate::pane::{Align, Cell, Line, Role};
use crate::text::Shown;

/// A finished frame. Two that are equal draw alike.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Screen {
    /// Lines that stand alone: header, tabs, sources, keys.
    pub bars: Vec<Bar>,
    /// The panes in view.
    pub tables: Vec<Table>,
    /// The fire line: its sentences, and the chart beside them.
    pub fire: Vec<Sheet>,
    /// The chart above a timeline.
    pub chart: Option<Sheet>,
    /// The time strip below the panes.
    pub strip: Option<Sheet>,
    /// The detail in view.
    pub sheet: Option<Sheet>,
    /// What lies on everything else.
    pub overlay: Option<Sheet>,
    /// The wall, in place of everything else.
    pub wall: Option<Wall>,
    /// Where the terminal's cursor stands; it is hidden otherwise.
    pub cursor: Option<(u16, u16)>,
}

/// A line with two ends; the left one gives way.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Where it is.
    pub area: Area,
    /// What stands on the left.
    pub left: Line,
    /// What stands on the right.
    pub right: Line,
}

/// A pane in view.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Where it is, with its border.
    pub area: Area,
    /// What surrounds it.
    pub border: Border,
    /// True for the pane that keys go to.
    pub is_focused: bool,
    /// Its name and filter.
    pub title: Line,
    /// Counts and freshness.
    pub info: Line,
    /// How many rows are out of view, above and below.
    pub more: Line,
    /// Where its columns are.
    pub columns: Vec<Slot>,
    /// What stands above the columns; empty where no column has a name.
    pub headings: Vec<Shown>,
    /// The rows in view.
    pub rows: Vec<TableRow>,
    /// Why there are no rows, wrapped.
    pub note: Vec<Line>,
    /// The last line, which stands for the rows out of view.
    pub tail: Option<Line>,
}

/// Where a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its first column of the terminal, from the left of the rows.
    pub x: u16,
    /// How many it takes.
    pub width: u16,
    /// On which side its cells stand.
    pub align: Align,
}

/// A row in view.
#[derive(Clone, Debug, PartialEq)]
pub struct TableRow {
    /// What its left end says.
    pub gutter: Gutter,
    /// Its cells, one for each column in view.
    pub cells: Vec<Cell>,
}

/// What the left end of a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gutter {
    /// Nothing.
    Nothing,
    /// It is the selected row of the focused pane.
    Selected,
    /// It came just now.
    New,
    /// It is among those that are acted on; and whether it is the selected one as well.
    Marked(bool),
}

/// Lines that can be scrolled: a detail, the help.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// Where it is, with its border.
    pub area: Area,
    /// What surrounds it.
    pub border: Border,
    /// What it is.
    pub title: Line,
    /// Where it comes from.
    pub info: Line,
    /// The lines in view.
    pub lines: Vec<SheetLine>,
    /// How many lines are out of view.
    pub more: Line,
}

/// One line of a sheet.
#[derive(Clone, Debug, PartialEq)]
pub enum SheetLine {
    /// Words.
    Text(Line),
    /// Cells of a small table.
    Cells(Vec<(Slot, Cell)>),
    /// One line of a chart, counted from its top.
    Chart(std::sync::Arc<Chart>, u16),
}

/// A burn chart, scaled to its place. Heights are between 0 (bottom) and 1 (top).
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// Columns of the axis' labels.
    pub label_width: u16,
    /// Columns of the plot.
    pub width: u16,
    /// Lines of the plot.
    pub height: u16,
    /// The curve, two values for each column; `None` is a gap.
    pub curve: Vec<Option<f64>>,
    /// What each column's value means.
    pub roles: Vec<Role>,
    /// Lines across: height, label, and what is above it.
    pub levels: Vec<(f64, Shown, Role)>,
    /// Columns with a release, and its version.
    pub events: Vec<(u16, Shown)>,
    /// Columns with a name on the time axis.
    pub ticks: Vec<(u16, Shown)>,
    /// Columns that are marked from top to bottom, and what for.
    pub uprights: Vec<(u16, Upright)>,
}

impl Chart {
    /// Lines it takes: the plot, the axis, the times, and the versions when there are any.
    pub fn lines(&self) -> u16 {
        self.height + 2 + u16::from(!self.events.is_empty())
    }
}
