//! Where everything goes, decided by the size of the terminal and never by the data, so that
//! nothing moves when a number does.

use super::Size;
use crate::pane::{TIMELINE, stands_alone};

/// A rectangle of the screen, in cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Area {
    /// The first column.
    pub x: u16,
    /// The first row.
    pub y: u16,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl Area {
    /// The upper `rows`, and the rest.
    fn split_top(self, rows: u16) -> (Self, Self) {
        let rows = rows.min(self.height);
        let top = Self {
            height: rows,
            ..self
        };
        let rest = Self {
            y: self.y + rows,
            height: self.height - rows,
            ..self
        };
        (top, rest)
    }

    /// The left `columns`, and the rest.
    fn split_left(self, columns: u16) -> (Self, Self) {
        let columns = columns.min(self.width);
        let left = Self {
            width: columns,
            ..self
        };
        let rest = Self {
            x: self.x + columns,
            width: self.width - columns,
            ..self
        };
        (left, rest)
    }
}

/// What surrounds a pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// Lines on all sides.
    Box,
    /// A line above, with the title.
    Rule,
    /// Nothing: the tabs tell its title.
    Bare,
}

impl Border {
    /// What is left of an area within this border.
    pub fn inside(self, area: Area) -> Area {
        match self {
            Self::Box => Area {
                x: area.x + 1.min(area.width),
                y: area.y + 1.min(area.height),
                width: area.width.saturating_sub(2),
                height: area.height.saturating_sub(2),
            },
            Self::Rule => area.split_top(1).1,
            Self::Bare => area,
        }
    }
}

/// Whether panes stand together or the focused one has all the room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// All that belong together.
    #[default]
    Together,
    /// The focused one.
    Alone,
}

/// Which panes stand together beside that of the incidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Together {
    /// The SLOs; where no source measures any, they fold away.
    pub slos: bool,
    /// The releases; they fold away with the SLOs only.
    pub releases: bool,
}

impl Together {
    /// All of them.
    pub const ALL: Self = Self {
        slos: true,
        releases: true,
    };
}

/// Where everything goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// No room for anything but one line.
    Line,
    /// Room for panes.
    Panes(Arrangement),
}

/// Where everything goes when there is room for panes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrangement {
    /// The first line of the screen.
    pub header: Area,
    /// The tabs of a small terminal.
    pub tabs: Option<Area>,
    /// Each pane in view, by its place in `PANES`.
    pub panes: Vec<(usize, Area)>,
    /// The chart above the rows of a timeline.
    pub chart: Option<Area>,
    /// What surrounds the panes and the detail.
    pub border: Border,
    /// Where an open detail goes.
    pub detail: Option<Area>,
    /// What the sources say; none where there is one line for both.
    pub sources: Option<Area>,
    /// The last line: what the keys do.
    pub hints: Area,
}

/// Narrower than this, or lower: one line.
const SMALLEST: (u16, u16) = (30, 6);
/// Narrower than this, or lower: one pane with tabs.
const STACKED: (u16, u16) = (60, 18);
/// From this width, panes have boxes and stand side by side.
const WIDE: u16 = 100;
/// From this width, a detail stands beside the panes.
const SPLIT: u16 = 140;
/// Lower than this, a timeline has no chart.
const CHARTED: u16 = 6;
/// Two lines of plot, the axis, times and names.
const LOWEST_CHART: u16 = 5;
/// The narrowest detail that stands beside the panes.
const DETAIL: u16 = 72;

impl Layout {
    /// Decides where everything goes. `is_detailed` says that a detail is open.
    pub fn new(
        size: Size,
        (view, panes): (View, Together),
        focus: usize,
        is_detailed: bool,
    ) -> Self {
        if size.width < SMALLEST.0 || size.height < SMALLEST.1 {
            return Self::Line;
        }
        let screen = Area {
            x: 0,
            y: 0,
            width: size.width,
            height: size.height,
        };
        let (header, rest) = screen.split_top(1);
        if size.width < STACKED.0 || size.height < STACKED.1 {
            return Self::Panes(tabbed(header, rest, focus, is_detailed));
        }
        let (body, footer) = rest.split_top(rest.height - 2);
        let (sources, hints) = footer.split_top(1);
        let border = if size.width < WIDE {
            Border::Rule
        } else {
            Border::Box
        };
        let (room, detail) = match is_detailed {
            false => (body, None),
            true if size.width >= SPLIT => {
                let wide = DETAIL.max(size.width * 9 / 20);
                let (left, right) = body.split_left(size.width - wide);
                (left, Some(right))
            }
            true => (Area::default(), Some(body)),
        };
        let (chart, rows) = charted(room, focus, border);
        let panes = if room.height == 0 {
            Vec::new()
        } else if view == View::Alone || stands_alone(focus) {
            vec![(focus, rows)]
        } else {
            together(room, panes)
        };
        Self::Panes(Arrangement {
            header,
            tabs: None,
            panes,
            chart,
            border,
            detail,
            sources: Some(sources),
            hints,
        })
    }
}

/// One pane, the others in tabs above it.
fn tabbed(header: Area, rest: Area, focus: usize, is_detailed: bool) -> Arrangement {
    let (tabs, rest) = rest.split_top(1);
    let (body, hints) = rest.split_top(rest.height - 1);
    let room = if is_detailed { Area::default() } else { body };
    let (chart, rows) = charted(room, focus, Border::Bare);
    Arrangement {
        header,
        tabs: Some(tabs),
        panes: if is_detailed {
            Vec::new()
        } else {
            vec![(focus, rows)]
        },
        chart,
        border: Border::Bare,
        detail: is_detailed.then_some(body),
        sources: None,
        hints,
    }
}

/// Of the room of a timeline, what its chart takes, and the rest for its rows: rows stay, whatever
/// room there is.
fn charted(room: Area, focus: usize, border: Border) -> (Option<Area>, Area) {
    if focus != TIMELINE || room.height < CHARTED {
        return (None, room);
    }
    let lines = match border {
        // One line tells the course of it.
        Border::Bare => 1,
        Border::Rule => (room.height * 2 / 5).max(LOWEST_CHART + 1),
        Border::Box => (room.height * 2 / 5).max(LOWEST_CHART + 2),
    };
    let (chart, rows) = room.split_top(lines);
    (Some(chart), rows)
}

/// SLOs above, releases and incidents below: beside each other where there is room.
fn together(room: Area, panes: Together) -> Vec<(usize, Area)> {
    if !panes.slos {
        return without_slos(room, panes.releases);
    }
    if room.width >= WIDE {
        let (top, below) = room.split_top(room.height * 11 / 20);
        let (left, right) = below.split_left(below.width / 2);
        return vec![(0, top), (1, left), (2, right)];
    }
    let (top, below) = room.split_top(room.height * 9 / 20 + 1);
    let (middle, bottom) = below.split_top(below.height / 2);
    vec![(0, top), (1, middle), (2, bottom)]
}

/// Incidents first, where no source measures SLOs.
fn without_slos(room: Area, releases: bool) -> Vec<(usize, Area)> {
    if !releases {
        return vec![(2, room)];
    }
    if room.width >= WIDE {
        let (left, right) = room.split_left(room.width / 2);
        return vec![(1, left), (2, right)];
    }
    let (top, below) = room.split_top(room.height * 13 / 20);
    vec![(2, top), (1, below)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(width: u16, height: u16, is_detailed: bool) -> Layout {
        let view = (View::Together, Together::ALL);
        Layout::new(Size { width, height }, view, 0, is_detailed)
    }

    fn arrangement(width: u16, height: u16, is_detailed: bool) -> Arrangement {
        match layout(width, height, is_detailed) {
            Layout::Panes(arrangement) => arrangement,
            Layout::Line => panic!("{width}x{height} has room for panes"),
        }
    }

    #[test]
    fn every_size_has_the_panes_it_has_room_for() {
        for (width, height, panes, border) in [
            (200, 50, 3, Border::Box),
            (120, 40, 3, Border::Box),
            (100, 24, 3, Border::Box),
            (99, 24, 3, Border::Rule),
            (80, 24, 3, Border::Rule),
            (60, 18, 3, Border::Rule),
            (59, 18, 1, Border::Bare),
            (80, 17, 1, Border::Bare),
            (40, 12, 1, Border::Bare),
            (30, 6, 1, Border::Bare),
        ] {
            let found = arrangement(width, height, false);
            assert_eq!((found.panes.len(), found.border), (panes, border));
        }
        for (width, height) in [(29, 24), (80, 5), (1, 1), (0, 0)] {
            assert_eq!(layout(width, height, false), Layout::Line);
        }
    }

    #[test]
    fn a_detail_stands_beside_the_panes_where_there_is_room() {
        assert_eq!(arrangement(140, 40, true).panes.len(), 3);
        assert_eq!(arrangement(139, 40, true).panes.len(), 0);
        let beside = arrangement(200, 50, true).detail.expect("a detail");
        assert_eq!((beside.x, beside.width), (110, 90));
    }

    #[test]
    fn areas_tile_the_screen_without_overlap_at_every_size() {
        for width in 30..=210 {
            for height in 6..=60 {
                let bools = [(false, false), (false, true), (true, false), (true, true)];
                let cases = [(0, false), (0, true), (4, false), (4, true)];
                let cases = cases
                    .into_iter()
                    .flat_map(|case| bools.map(|panes| (case, panes)));
                for ((focus, is_detailed), (slos, releases)) in cases {
                    let panes = Together { slos, releases };
                    let size = Size { width, height };
                    let view = (View::Together, panes);
                    let layout = Layout::new(size, view, focus, is_detailed);
                    let Layout::Panes(found) = layout else {
                        panic!("{width}x{height} has room for panes");
                    };
                    let parts = [found.tabs, found.chart, found.detail, found.sources];
                    let areas = found.panes.iter().map(|(_, area)| *area);
                    let areas = areas.chain(parts.into_iter().flatten());
                    let covered: u32 = areas
                        .chain([found.header, found.hints])
                        .map(|area| u32::from(area.width) * u32::from(area.height))
                        .sum();
                    assert_eq!(covered, u32::from(width) * u32::from(height));
                }
            }
        }
    }
}
