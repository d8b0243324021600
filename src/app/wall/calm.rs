//! The calm face: one word, and pages with the least budgets, the newest releases and what has a ticket.
//!
//! No cell of a wall may glow for weeks. So each turned page stands elsewhere: the rows in the other order or
//! from the right end, and all of it moved by some cells.

use super::flow::{Row, place};
use super::pieces::{Content, Scale, Wall};
use super::{Canvas, side_by_side, tail};
use crate::app::layout::Area;
use crate::pane::wall::{Arrival, Budget};
use crate::pane::{Line, Role};
use crate::text::Shown;

/// The most rows of large letters on a page.
const MAX_LARGE: usize = 3;
/// Rows of one entry in large letters.
const LARGE: u16 = 5;
/// From this size, pages have large letters.
const ROOMY: (u16, u16) = (76, 22);

/// Lower than this, a wall uses one half of itself at a time.
const TWO_HALVES: u16 = 30;

/// One page.
enum Page<'a> {
    Budgets(&'a [Budget]),
    Arrivals(&'a [Arrival]),
    Fires,
    Nothing,
}

/// The calm face of a wall.
pub(super) fn wall(canvas: Canvas<'_>) -> Wall {
    let turn = canvas.view.turn.0;
    if canvas.height < TWO_HALVES {
        return half(canvas, turn);
    }
    let slack = (canvas.width / 10, (canvas.height / 6).max(2));
    let area = Area {
        x: cycle(turn, 5, slack.0),
        y: cycle(turn, 3, slack.1),
        width: canvas.width - slack.0,
        height: canvas.height - slack.1,
    };
    let canvas = Canvas {
        width: area.width,
        height: area.height,
        ..canvas
    };
    let pages = pages(canvas);
    let page = pages
        .get(turn % pages.len().max(1))
        .unwrap_or(&Page::Nothing);
    let mut rows = head(canvas);
    rows.extend(body(canvas, page));
    rows.extend(foot(canvas));
    let round = turn / pages.len().max(1);
    if round % 2 == 1 {
        rows.reverse();
    }
    let rows = turned(rows, canvas, round / 2 % 2 == 1);
    Wall {
        grounds: Vec::new(),
        pieces: place(rows, area, canvas.margin, None),
        is_dim: false,
    }
}

/// A low wall: the word, or one of the pages, in one half of it, and with the next turn in the other.
fn half(canvas: Canvas<'_>, turn: usize) -> Wall {
    let (upper, lower) = super::halves(canvas, false);
    let area = if turn.is_multiple_of(2) { upper } else { lower };
    let slack = area.width / 10;
    let area = Area {
        x: cycle(turn / 2, 3, slack),
        width: area.width - slack,
        ..area
    };
    let canvas = Canvas {
        width: area.width,
        height: area.height,
        ..canvas
    };
    let pages = pages(canvas);
    // The word in both halves, then a page in both.
    let step = turn / 2;
    let page = pages.get(step / 2 % pages.len().max(1));
    let mut rows = match page.filter(|_| !step.is_multiple_of(2)) {
        Some(page) => {
            let mut rows = body(canvas, page);
            rows.retain(|row| !row.is_rule());
            let (word, role) = word(canvas);
            let line = Line::of(word, role).text(format!(" · {}", statement(canvas)), Role::Plain);
            rows.push(Row::words(0, line, canvas.room()));
            rows
        }
        None => head(canvas),
    };
    rows.extend(tail::rows(canvas));
    let rows = turned(rows, canvas, turn / 4 % 2 == 1);
    Wall {
        pieces: place(rows, area, canvas.margin, None),
        ..Wall::default()
    }
}

/// Rows as they are, or with their left ends at the right.
fn turned(rows: Vec<Row>, canvas: Canvas<'_>, is_mirrored: bool) -> Vec<Row> {
    if !is_mirrored {
        return rows;
    }
    let width = canvas.room();
    rows.into_iter().map(|row| row.mirrored(width)).collect()
}

/// A place between 0 and `most` that differs from turn to turn and takes every value.
fn cycle(turn: usize, step: usize, most: u16) -> u16 {
    let count = usize::from(most) + 1;
    let step = if count.is_multiple_of(step) {
        step + 1
    } else {
        step
    };
    u16::try_from(turn * step % count).unwrap_or(0)
}

/// The word, and how many SLOs hold.
fn head(canvas: Canvas<'_>) -> Vec<Row> {
    let (word, role) = word(canvas);
    let room = (canvas.room(), (canvas.height / 4).max(4));
    let row = Row::headline((&word, role), (canvas.clock.0, Role::Dim), room);
    let row = row.map(|row| row.spaced(1));
    let statement = Line::of(statement(canvas), Role::Plain);
    let time = Line::of(format!("{} {}", canvas.clock.0, canvas.clock.1), Role::Dim);
    let width = canvas.room();
    let line = Row::words(0, statement, width).spaced(1);
    let line = if width >= 60 {
        line.right(time, width)
    } else {
        line
    };
    row.into_iter().chain([line]).collect()
}

/// The one word of a calm wall. It is green only where everything is known and holds.
fn word(canvas: Canvas<'_>) -> (String, Role) {
    let facts = canvas.facts;
    let counts = facts.counts;
    let several = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    };
    if counts.ticket > 0 {
        return (several(counts.ticket, "ticket"), Role::Ticket);
    }
    if counts.unknown > 0 {
        return (format!("{} unknown", counts.unknown), Role::Unknown);
    }
    if facts.is_waiting {
        return ("asking".to_owned(), Role::Unknown);
    }
    if facts.incidents.1 > 0 {
        return (several(facts.incidents.1, "incident"), Role::Ticket);
    }
    if counts.no_data > 0 {
        return (format!("{} no data", counts.no_data), Role::NoData);
    }
    if counts.total() == 0 {
        return ("no SLOs".to_owned(), Role::Unknown);
    }
    let role = if facts.is_sure { Role::Ok } else { Role::Plain };
    ("all ok".to_owned(), role)
}

fn statement(canvas: Canvas<'_>) -> String {
    let counts = canvas.facts.counts;
    if counts.total() + counts.never_failed == 0 {
        let words = if canvas.facts.is_waiting {
            "waiting for the first answer of a source of SLOs"
        } else {
            "no SLO is measured"
        };
        return words.to_owned();
    }
    let known = canvas.facts.known.map(|age| match age.as_secs().max(0) {
        seconds @ 0..60 => format!(" · known {seconds} s ago"),
        seconds => format!(" · known {} min ago", seconds / 60),
    });
    let never_failed = match counts.never_failed {
        0 => String::new(),
        count => format!(" · {count} never failed"),
    };
    format!(
        "{} of {} SLOs hold{never_failed}{}",
        counts.ok,
        counts.total(),
        known.unwrap_or_default()
    )
}

/// The pages there are, each with what has room on it.
fn pages(canvas: Canvas<'_>) -> Vec<Page<'_>> {
    let is_half = canvas.height < TWO_HALVES / 2;
    let room = if is_half {
        usize::from(canvas.height.saturating_sub(3)).max(1)
    } else {
        entries(canvas)
    };
    let facts = canvas.facts;
    let mut pages: Vec<_> = facts
        .budgets
        .chunks(room)
        .take(3)
        .map(Page::Budgets)
        .collect();
    pages.extend(facts.arrivals.chunks(room).take(2).map(Page::Arrivals));
    if !facts.others.is_empty() {
        pages.push(Page::Fires);
    }
    pages
}

/// How many entries a page has.
fn entries(canvas: Canvas<'_>) -> usize {
    // The word, its line, two rules, a label, the foot.
    let taken = canvas.height / 4 + 7;
    let left = canvas.height.saturating_sub(taken);
    if is_roomy(canvas) {
        usize::from(left / LARGE).clamp(1, MAX_LARGE)
    } else {
        usize::from(left).clamp(1, 6)
    }
}

fn is_roomy(canvas: Canvas<'_>) -> bool {
    canvas.width >= ROOMY.0 && canvas.height >= ROOMY.1
}

fn body(canvas: Canvas<'_>, page: &Page<'_>) -> Vec<Row> {
    let width = canvas.room();
    let (label, mut rows) = match page {
        Page::Budgets(budgets) => (
            "least budget left",
            budgets.iter().map(|one| budget(canvas, one)).collect(),
        ),
        Page::Arrivals(arrivals) => (
            "last releases",
            arrivals.iter().map(|one| arrival(canvas, one)).collect(),
        ),
        Page::Fires => ("tickets", fires(canvas)),
        Page::Nothing => return Vec::new(),
    };
    rows.insert(0, Row::words(4, Line::of(label, Role::Dim), width));
    rows.insert(0, Row::rule(5, width).spaced(1));
    rows.push(Row::rule(5, width).spaced(1));
    rows
}

/// A service, its budget as a bar and in percent.
fn budget(canvas: Canvas<'_>, budget: &Budget) -> Row {
    let width = canvas.room();
    let role = if budget.left <= 0.0 {
        Role::Ticket
    } else {
        Role::Plain
    };
    let text = &budget.text;
    let columns = Scale::Half.width(text).filter(|_| is_roomy(canvas));
    let name = width / 2;
    let service = super::pieces::cut(budget.service.as_str(), Scale::Half, name);
    let (Some(columns), Some(service)) = (columns, service) else {
        let line = Line::of(budget.service.as_str(), Role::Plain)
            .text(" ", Role::Dim)
            .text(budget.name.as_str(), Role::Dim);
        let row = Row::words(3, line, width);
        return row.right(Line::of(text, role), width);
    };
    let area = |x: u16, y: u16, width: u16, height: u16| Area {
        x,
        y,
        width,
        height,
    };
    let letters = |text: &str, role| Content::Letters(Shown::new(text), Scale::Half, role);
    let bar = width.saturating_sub(name + columns + 8);
    let share = budget.left.clamp(0.0, 1.0);
    Row::words(3, Line::new(), 1)
        .spaced(1)
        .with(area(0, 0, name, 4), letters(&service, Role::Plain))
        .with(area(name + 4, 3, bar, 1), Content::Gauge(share, role))
        .with(
            area(width.saturating_sub(columns), 0, columns, 4),
            letters(text, role),
        )
}

/// A release: service, version and age.
fn arrival(canvas: Canvas<'_>, arrival: &Arrival) -> Row {
    let width = canvas.room();
    let words = Line::of(arrival.service.as_str(), Role::Plain)
        .text(" ", Role::Plain)
        .text(arrival.version.as_str(), Role::Strong)
        .text("  ", Role::Plain)
        .join(arrival.words.clone());
    let texts = [
        (arrival.service.as_str().to_owned(), Role::Plain),
        (arrival.version.as_str().to_owned(), Role::Accent),
    ];
    if is_roomy(canvas)
        && let Some(row) = Row::letters(3, &texts, (width, 4))
    {
        return row
            .spaced(1)
            .right(Line::of(format!("{} ago", arrival.age), Role::Dim), width);
    }
    Row::words(3, words, width)
}

/// The SLOs with a ticket, a line each.
fn fires(canvas: Canvas<'_>) -> Vec<Row> {
    let room = usize::from(canvas.height / 3).max(1);
    let lines = canvas.facts.others.iter().take(room);
    lines
        .map(|line| Row::words(3, line.clone(), canvas.room()))
        .collect()
}

/// The last release, who is on call, the sources.
fn foot(canvas: Canvas<'_>) -> Vec<Row> {
    let width = canvas.room();
    let last = canvas.facts.arrivals.first().map(|last| {
        Line::of(last.service.as_str(), Role::Plain)
            .text(" ", Role::Plain)
            .text(last.version.as_str(), Role::Strong)
            .text(" ", Role::Plain)
            .join(last.words.clone())
    });
    let on_call = canvas.facts.on_call.clone();
    let parts: Vec<_> = last.into_iter().chain(on_call).collect();
    let counted = tail::counts(canvas, 4);
    let mut rows = Vec::new();
    if !canvas.facts.others.is_empty() || canvas.facts.counts.ok != canvas.facts.counts.total() {
        rows.push(counted);
    }
    if !parts.is_empty() {
        rows.push(Row::words(4, side_by_side(&parts, "      ", width), width));
    }
    rows.extend(tail::rows(canvas));
    rows
}
