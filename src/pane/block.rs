//! The detail of one row, as blocks of meaning that any width can lay out.

use super::burn::Point;
use super::cell::{Cell, Line, Role};
use crate::text::Shown;

/// Everything there is to say about one row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detail {
    /// What it is.
    pub title: Line,
    /// Where it comes from and how fresh that is.
    pub origin: Line,
    /// What there is to say, in reading order.
    pub blocks: Vec<Block>,
}

/// One part of a detail.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// An empty line.
    Gap,
    /// A section's name.
    Heading(&'static str),
    /// A line of its own.
    Line(Line),
    /// A label and what it stands for.
    Field(Shown, Line),
    /// Long text, wrapped: queries, annotations.
    Prose(Shown, Role),
    /// A small table, its columns as wide as their widest cell.
    Grid {
        /// The rows; a heading is one of them.
        rows: Vec<Vec<Cell>>,
        /// The columns whose cells stand on the right.
        right: &'static [usize],
    },
    /// A burn chart.
    Chart(Curve),
    /// Two parts beside each other where both fit whole; else one below the other.
    Beside(Vec<Block>, Vec<Block>),
    /// A service between those that use it and those that it needs: drawn where there is room, else in two
    /// lines.
    Dependencies(Dependencies),
    /// A curve in one line as wide as there is room, between 0 (bottom) and 1 (top).
    Strip(Vec<Option<(f64, Role)>>),
}

/// A service and its neighbours.
#[derive(Clone, Debug, PartialEq)]
pub struct Dependencies {
    /// The services that depend on it.
    pub used_by: Vec<Line>,
    /// Itself.
    pub service: Line,
    /// The services that it depends on.
    pub needs: Vec<Line>,
}

/// Burn over time, with what it is measured against. Times are seconds since the epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// From when to when.
    pub span: (i64, i64),
    /// Burn rates, oldest first.
    pub points: Vec<Point>,
    /// Burn rates that mean something: the value, and the role above it.
    pub levels: Vec<(f64, Role)>,
    /// Moments that may explain it, and what happened.
    pub events: Vec<(i64, Shown)>,
    /// Moments named on the axis.
    pub ticks: Vec<(i64, Shown)>,
    /// Moments marked from top to bottom.
    pub uprights: Vec<(i64, Upright)>,
}

/// What a moment is marked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upright {
    /// The selected row happened then.
    Selected,
    /// The moment that everything else shows.
    Shown,
}

impl Block {
    fn faded(self) -> Self {
        match self {
            Self::Gap => Self::Gap,
            Self::Heading(name) => Self::Heading(name),
            Self::Line(line) => Self::Line(line.faded()),
            Self::Field(label, line) => Self::Field(label, line.faded()),
            Self::Prose(text, _) => Self::Prose(text, Role::Old),
            Self::Grid { rows, right } => {
                let fade = |row: Vec<Cell>| row.into_iter().map(Cell::faded).collect();
                let rows = rows.into_iter().map(fade).collect();
                Self::Grid { rows, right }
            }
            Self::Strip(values) => {
                let fade = |(value, _)| (value, Role::Old);
                Self::Strip(values.into_iter().map(|value| value.map(fade)).collect())
            }
            Self::Beside(left, right) => {
                let fade = |blocks: Vec<Self>| blocks.into_iter().map(Self::faded).collect();
                Self::Beside(fade(left), fade(right))
            }
            Self::Dependencies(all) => Self::Dependencies(Dependencies {
                used_by: all.used_by.into_iter().map(Line::faded).collect(),
                service: all.service.faded(),
                needs: all.needs.into_iter().map(Line::faded).collect(),
            }),
            Self::Chart(mut curve) => {
                curve.fade();
                Self::Chart(curve)
            }
        }
    }
}

impl Detail {
    /// Everything said so far as something that was true once.
    pub fn fade(&mut self) {
        for block in &mut self.blocks {
            *block = std::mem::replace(block, Block::Gap).faded();
        }
    }

    /// Adds an empty line and a section's name.
    pub fn section(&mut self, name: &'static str) {
        self.blocks.push(Block::Gap);
        self.blocks.push(Block::Heading(name));
    }

    /// Adds a labelled line.
    pub fn field(&mut self, label: &str, line: Line) {
        self.blocks.push(Block::Field(Shown::new(label), line));
    }

    /// Adds a small table, unless it has no rows.
    pub fn grid(&mut self, rows: Vec<Vec<Cell>>, right: &'static [usize]) {
        if !rows.is_empty() {
            self.blocks.push(Block::Grid { rows, right });
        }
    }

    /// Adds a section that is a small table, unless it has no rows.
    pub fn grid_section(&mut self, name: &'static str, rows: Vec<Vec<Cell>>) {
        if !rows.is_empty() {
            self.section(name);
            self.grid(rows, &[]);
        }
    }

    /// Adds two sections beside each other; one that has no rows leaves the other alone.
    pub fn beside(&mut self, left: Self, right: Self) {
        match (left.blocks.is_empty(), right.blocks.is_empty()) {
            (true, _) => self.blocks.extend(right.blocks),
            (_, true) => self.blocks.extend(left.blocks),
            (false, false) => self.blocks.push(Block::Beside(left.blocks, right.blocks)),
        }
    }

    /// Adds a line.
    pub fn line(&mut self, line: Line) {
        self.blocks.push(Block::Line(line));
    }
}
