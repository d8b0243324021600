//! Where everything goes, decided by the size of the terminal and never by the data, so that
//! nothing moves when a number does.

use super::Size;
use crate::pane::{DELIVERY, INCIDENTS, RELEASES, SERVICES, SLOS, TIMELINE, stands_alone};

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

/// The rows of a pane, for panes that share a screen by need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// All rows.
    pub rows: u16,
    /// The rows that ask for attention, which come first.
    pub loud: u16,
}

/// The panes that share a screen, and the fire line above them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Together {
    /// The SLOs; without a source of SLOs they fold away.
    pub slos: Option<Need>,
    /// The releases; without a source of releases they fold away.
    pub releases: Option<Need>,
    /// The incidents; without a source of incidents they fold away, unless nothing else is left.
    pub incidents: Option<Need>,
    /// The services, which have a view of their own.
    pub services: Need,
    /// How much the fire line has to say.
    pub fire: Fire,
}

/// How much the fire line has to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fire {
    /// Nothing: no source measures SLOs.
    #[default]
    None,
    /// One quiet line: every SLO holds.
    Quiet,
    /// Sentences, and a chart where there is room: an SLO burns, is unknown or has no data.
    Burning,
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
    /// The fire line, above the panes that share the screen.
    pub fire: Option<Area>,
    /// Each pane in view, by its place in `PANES`.
    pub panes: Vec<(usize, Area)>,
    /// The chart above the rows of a timeline.
    pub chart: Option<Area>,
    /// The time strip, below the panes that share the screen.
    pub strip: Option<Area>,
    /// What surrounds the panes.
    pub border: Border,
    /// Where an open detail goes.
    pub detail: Option<Area>,
    /// What surrounds the detail.
    pub detail_border: Border,
    /// What the sources say; none where there is one line for both.
    pub sources: Option<Area>,
    /// The last line: what the keys do.
    pub hints: Area,
}

/// Narrower than this, or lower: one line.
const SMALLEST: (u16, u16) = (30, 6);
/// Narrower than this, or lower: one pane with tabs.
const STACKED: (u16, u16) = (60, 18);
/// From this width, releases and incidents stand side by side.
const WIDE: u16 = 100;
/// Columns between panes side by side.
const GUTTER: u16 = 2;
/// From this size, the fire line has a chart beside it.
const CHARTED_FIRE: (u16, u16) = (120, 30);
/// Lines of the fire line while something burns: with a chart, and without.
const FIRE: (u16, u16) = (10, 3);
/// From this height, a blank line stands between the SLOs and the panes below.
const AIRY: u16 = 22;
/// Lines of a pane that are no rows: its title, and the headings of the SLOs.
const TITLE: u16 = 1;
/// From this height, the services have the detail of the selected one below them.
const HALVED: u16 = 16;
/// The rows that a pane keeps while others ask for more.
const LEAST_ROWS: u16 = 2;
/// From this width, a detail stands beside the panes.
const SPLIT: u16 = 140;
/// From this size, a time strip stands below the panes.
const STRIPPED: (u16, u16) = (180, 45);
/// Lines of the time strip: its title, names, marks and times.
const STRIP: u16 = 4;
/// Lower than this, a timeline has no chart.
const CHARTED: u16 = 6;
/// Two lines of plot, the axis, times and names.
const LOWEST_CHART: u16 = 5;
/// The narrowest detail that stands beside the panes.
const DETAIL: u16 = 72;

impl Layout {
    /// True where a detail stands beside the panes.
    pub fn has_side_detail(size: Size) -> bool {
        size.width >= SPLIT && size.height >= STACKED.1
    }

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
        let is_alone = view == View::Alone || stands_alone(focus);
        let (room, detail) = match is_detailed {
            false if has_lower_half(focus) && body.height >= HALVED => {
                let rows = panes.services.rows + TITLE + 1;
                let (above, below) = body.split_top(rows.min(body.height / 2));
                (above, Some(below))
            }
            false => (body, None),
            true if Self::has_side_detail(size) => {
                let wide = DETAIL.max(size.width * 9 / 20);
                let (left, right) = body.split_left(size.width - wide);
                (left, Some(right))
            }
            true => (Area::default(), Some(body)),
        };
        let border = Border::Rule;
        let detail_border = if size.width < WIDE {
            Border::Rule
        } else {
            Border::Box
        };
        let has_fire = !is_alone && detail.is_none();
        let lines = fire_lines(size, panes.fire).filter(|_| has_fire);
        let (fire, room) = room.split_top(lines.unwrap_or(0));
        let has_strip = !is_alone && size.width >= STRIPPED.0 && size.height >= STRIPPED.1;
        let below = if has_strip { STRIP } else { 0 };
        let (room, strip) = room.split_top(room.height.saturating_sub(below));
        let (chart, rows) = charted(room, focus, border);
        let panes = if room.height == 0 {
            Vec::new()
        } else if is_alone {
            vec![(focus, rows)]
        } else {
            together(room, panes)
        };
        Self::Panes(Arrangement {
            header,
            tabs: None,
            fire: lines.map(|_| fire),
            panes,
            chart,
            strip: has_strip.then_some(strip),
            border,
            detail,
            detail_border,
            sources: Some(sources),
            hints,
        })
    }
}

/// True for a view with the detail of the selected row below its rows.
pub(super) fn has_lower_half(focus: usize) -> bool {
    [SERVICES, DELIVERY].contains(&focus)
}

/// The lines of the fire line; `None` where there is none.
fn fire_lines(size: Size, fire: Fire) -> Option<u16> {
    let is_charted = size.width >= CHARTED_FIRE.0 && size.height >= CHARTED_FIRE.1;
    match fire {
        Fire::None => None,
        Fire::Quiet => Some(1),
        Fire::Burning if is_charted => Some(FIRE.0 + 1),
        Fire::Burning => Some(FIRE.1),
    }
}

impl Arrangement {
    /// True where the fire line has a chart beside it.
    pub fn has_charted_fire(&self) -> bool {
        self.fire.is_some_and(|area| area.height > FIRE.0)
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
        fire: None,
        panes: if is_detailed {
            Vec::new()
        } else {
            vec![(focus, rows)]
        },
        chart,
        strip: None,
        border: Border::Bare,
        detail: is_detailed.then_some(body),
        detail_border: Border::Bare,
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

/// SLOs above, releases and incidents below: side by side where there is room. Panes share the rows by
/// need; what is left over stays below the last.
fn together(room: Area, panes: Together) -> Vec<(usize, Area)> {
    let slos = panes.slos.map(|need| (SLOS, TITLE + 1, need));
    let releases = panes.releases.map(|need| (RELEASES, TITLE, need));
    let incidents = panes.incidents.map(|need| (INCIDENTS, TITLE, need));
    let lower: Vec<_> = [releases, incidents].into_iter().flatten().collect();
    if room.width >= WIDE && lower.len() == 2 {
        let both = Need {
            rows: lower[0].2.rows.max(lower[1].2.rows),
            loud: lower[0].2.loud.max(lower[1].2.loud),
        };
        let blank = u16::from(slos.is_some() && room.height >= AIRY);
        let below = (RELEASES, TITLE + blank, both);
        let mut areas = stacked(room, &slos.into_iter().chain([below]).collect::<Vec<_>>());
        let Some((_, below)) = areas.pop() else {
            return areas;
        };
        let (_, below) = below.split_top(blank);
        let (left, right) = below.split_left(below.width / 2);
        let (left, _) = left.split_left(left.width - GUTTER);
        areas.extend([(RELEASES, left), (INCIDENTS, right)]);
        return areas;
    }
    let panes: Vec<_> = slos.into_iter().chain(lower).collect();
    stacked(room, &panes)
}

/// Panes from top to bottom: each by its place in `PANES`, its lines that are no rows, and its need.
fn stacked(room: Area, panes: &[(usize, u16, Need)]) -> Vec<(usize, Area)> {
    let fixed: u16 = panes.iter().map(|(_, lines, _)| lines).sum();
    let needs: Vec<_> = panes.iter().map(|(.., need)| *need).collect();
    let rows = shared(room.height.saturating_sub(fixed), &needs);
    let mut rest = room;
    let mut areas = Vec::new();
    for ((place, lines, _), rows) in panes.iter().zip(rows) {
        let is_last = areas.len() + 1 == panes.len();
        let height = if is_last { rest.height } else { lines + rows };
        let (area, below) = rest.split_top(height);
        areas.push((*place, area));
        rest = below;
    }
    areas
}

/// Shares rows: a few to each pane, then row by row in turn to those with loud rows out of view, then to
/// those with any.
fn shared(mut room: u16, needs: &[Need]) -> Vec<u16> {
    let mut shares = vec![0; needs.len()];
    // A loud row is seen above the line that counts the others.
    let loud = |need: &Need| need.rows.min(need.loud + 1);
    let steps: [&dyn Fn(&Need) -> u16; 3] = [&|_| LEAST_ROWS, &loud, &|need: &Need| need.rows];
    for wanted in steps {
        loop {
            let before = room;
            for (share, need) in shares.iter_mut().zip(needs) {
                if room > 0 && *share < wanted(need) {
                    *share += 1;
                    room -= 1;
                }
            }
            if room == before {
                break;
            }
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 20 SLOs of which 4 are loud, 8 releases, 4 incidents of which 2 are loud.
    const NEEDS: Together = Together {
        slos: Some(Need { rows: 20, loud: 4 }),
        releases: Some(Need { rows: 8, loud: 1 }),
        incidents: Some(Need { rows: 4, loud: 2 }),
        services: Need { rows: 9, loud: 2 },
        fire: Fire::Burning,
    };

    fn layout(width: u16, height: u16, is_detailed: bool) -> Layout {
        let view = (View::Together, NEEDS);
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
            (200, 50, 3, Border::Rule),
            (120, 40, 3, Border::Rule),
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
    fn the_fire_line_has_a_chart_where_there_is_room_and_one_line_while_nothing_burns() {
        let lines = |width, height, fire| fire_lines(Size { width, height }, fire);
        assert_eq!(lines(80, 24, Fire::Burning), Some(3));
        assert_eq!(lines(120, 29, Fire::Burning), Some(3));
        assert_eq!(lines(120, 30, Fire::Burning), Some(11));
        assert_eq!(lines(120, 40, Fire::Quiet), Some(1));
        assert_eq!(lines(120, 40, Fire::None), None);
    }

    #[test]
    fn loud_rows_are_seen_first_and_every_pane_keeps_a_few() {
        let need = |rows, loud| Need { rows, loud };
        assert_eq!(
            shared(12, &[need(20, 4), need(8, 1), need(4, 2)]),
            [6, 3, 3]
        );
        assert_eq!(
            shared(12, &[need(90, 90), need(8, 1), need(4, 2)]),
            [7, 2, 3]
        );
        assert_eq!(shared(12, &[need(0, 0), need(0, 0), need(4, 0)]), [2, 2, 4]);
        assert_eq!(shared(3, &[need(9, 9), need(9, 9), need(9, 9)]), [1, 1, 1]);
        assert_eq!(shared(0, &[need(9, 9)]), [0]);
    }

    #[test]
    fn areas_lie_within_the_screen_and_none_on_another_at_every_size() {
        for (width, height) in (30..=210).flat_map(|width| (6..=60).map(move |h| (width, h))) {
            let fires = [Fire::None, Fire::Quiet, Fire::Burning];
            let cases = fires.into_iter().flat_map(|fire| {
                [(0, false), (0, true), (4, false), (4, true), (5, false)].map(|case| (case, fire))
            });
            for ((focus, is_detailed), fire) in cases {
                for (slos, releases) in [
                    (None, None),
                    (NEEDS.slos, None),
                    (NEEDS.slos, NEEDS.releases),
                ] {
                    let panes = Together {
                        slos,
                        releases,
                        fire,
                        ..NEEDS
                    };
                    let size = Size { width, height };
                    let view = (View::Together, panes);
                    let Layout::Panes(found) = Layout::new(size, view, focus, is_detailed) else {
                        panic!("{width}x{height} has room for panes");
                    };
                    let parts = [
                        found.tabs,
                        found.chart,
                        found.detail,
                        found.sources,
                        found.fire,
                        found.strip,
                    ];
                    let areas = found.panes.iter().map(|(_, area)| *area);
                    let areas = areas.chain(parts.into_iter().flatten());
                    let mut taken = vec![false; usize::from(width) * usize::from(height)];
                    for area in areas.chain([found.header, found.hints]) {
                        for y in area.y..area.y + area.height {
                            for x in area.x..area.x + area.width {
                                assert!(x < width && y < height, "{found:?}");
                                let cell = usize::from(y) * usize::from(width) + usize::from(x);
                                assert!(!std::mem::replace(&mut taken[cell], true), "{found:?}");
                            }
                        }
                    }
                }
            }
        }
    }
}
