//! The last rows of every face: the other fires, what is wrong with the program, the sources and the beat.

use super::flow::Row;
use super::{Canvas, side_by_side};
use crate::pane::wall::Counts;
use crate::pane::{Line, Mark, Role};

/// The rows below a face.
pub(super) fn rows(canvas: Canvas<'_>) -> Vec<Row> {
    let width = canvas.room();
    let mut rows = Vec::new();
    for notice in canvas.notices {
        rows.push(Row::words(2, Line::of(notice.as_str(), Role::Fault), width));
    }
    rows.push(sources(canvas));
    rows
}

/// How many SLOs are in which state.
pub(super) fn counts(canvas: Canvas<'_>, rank: u8) -> Row {
    let width = canvas.room();
    let mut parts = counted(&canvas.facts.counts);
    let (untaken, all) = canvas.facts.incidents;
    if all > 0 {
        let role = if untaken > 0 { Role::Page } else { Role::Plain };
        let words = match untaken {
            0 if all == 1 => "1 incident, taken".to_owned(),
            0 => format!("{all} incidents, taken"),
            1 => "1 incident, nobody has it".to_owned(),
            untaken => format!("{untaken} incidents, nobody has them"),
        };
        parts.push(Line::of(words, role));
    }
    Row::words(rank, side_by_side(&parts, "   ", width), width)
}

/// The other fires by name, in at most so many lines.
pub(super) fn fires(canvas: Canvas<'_>, rank: u8, lines: u8) -> Vec<Row> {
    let width = canvas.room();
    let mut rest = canvas.facts.others.as_slice();
    let mut rows = Vec::new();
    for number in 0..lines {
        let is_last = number + 1 == lines;
        let count = fitting(rest, width);
        if count == 0 {
            break;
        }
        let (now, later) = rest.split_at(if is_last { rest.len() } else { count });
        rows.push(Row::words(
            rank + number,
            side_by_side(now, "   ", width),
            width,
        ));
        rest = later;
    }
    rows
}

/// How many lines fit side by side; one at least.
fn fitting(lines: &[Line], width: u16) -> usize {
    let mut used = 0;
    let fits = lines.iter().take_while(|line| {
        used += line.width() + 3;
        used <= usize::from(width) + 3
    });
    fits.count().max(1).min(lines.len())
}

/// `● 1 PAGE`, `▲ 2 TICKET`, `36 ok`: the states that there are.
fn counted(counts: &Counts) -> Vec<Line> {
    let states = [
        (counts.page, Some((Mark::Page, Role::Page)), "PAGE"),
        (counts.ticket, Some((Mark::Ticket, Role::Ticket)), "TICKET"),
        (counts.ok, None, "ok"),
        (
            counts.no_data,
            Some((Mark::NoData, Role::NoData)),
            "no data",
        ),
        (
            counts.unknown,
            Some((Mark::Unknown, Role::Unknown)),
            "unknown",
        ),
        (counts.never_failed, None, "never failed"),
    ];
    let known = states.into_iter().filter(|(count, ..)| *count > 0);
    known
        .map(|(count, mark, word)| {
            let role = mark.map_or(Role::Plain, |(_, role)| role);
            let line = mark.map_or_else(Line::new, |(mark, role)| Line::new().mark(mark, role));
            line.text(format!("{count} {word}"), role)
        })
        .collect()
}

/// How many SLOs were in which state, as a text: those that page or have a ticket also where there are none.
pub(super) fn in_words(counts: &Counts) -> String {
    let always = format!(
        "{} PAGE, {} TICKET, {} ok",
        counts.page, counts.ticket, counts.ok
    );
    let rest = [
        (counts.no_data, "no data"),
        (counts.unknown, "unknown"),
        (counts.never_failed, "never failed"),
    ];
    let rest = rest.into_iter().filter(|(count, _)| *count > 0);
    rest.fold(always, |words, (count, word)| {
        format!("{words}, {count} {word}")
    })
}

/// Every source with its age, and the beat of the drawing loop at the right end.
fn sources(canvas: Canvas<'_>) -> Row {
    let width = canvas.room();
    let beat = Line::of(canvas.beat, Role::Dim);
    let beats = u16::try_from(beat.width()).unwrap_or(width);
    let left = width.saturating_sub(beats + 2);
    let line = side_by_side(&canvas.facts.sources, "    ", left);
    Row::words(0, line, left).right(beat, width)
}
