//! A pane's rows as they are seen: only those in view get cells.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::action::{Action, PANE_ACTIONS};
use super::columns::{self, Placed};
use super::layout::{Area, Border};
use super::model::Model;
use super::roster::{Others, Roster};
use super::screen::{Gutter, Slot, Table, TableRow};
use super::sheet::wrap;
use super::timeline;
use crate::domain::Sort;
use crate::pane::{
    Board, Cell, Count, Line, Mark, PANES, Pane, Role, Sight, TIMELINE, fresh, incident, why_empty,
};
use crate::text::Shown;

/// From this width on, a cell says in a word what it counts.
const ROOMY_WORDS: usize = 22;
/// From this height on there is room for a line of headings.
const HEADED: u16 = 4;
/// From this height on there is room for a line that counts the rows out of view.
const TAILED: u16 = 2;

/// Where the rows of a pane go: its area without border, headings, and the line that counts what is out
/// of view.
pub(super) fn room(pane: &dyn Pane, border: Border, area: Area, rows: usize) -> Area {
    let below_headings = without_headings(pane, border, area);
    let height = below_headings.height - u16::from(has_tail(pane, below_headings, rows));
    Area {
        height,
        ..below_headings
    }
}

fn without_headings(pane: &dyn Pane, border: Border, area: Area) -> Area {
    let inside = border.inside(area);
    if inside.height < HEADED || !has_headings(pane) {
        return inside;
    }
    Area {
        y: inside.y + 1,
        height: inside.height - 1,
        ..inside
    }
}

/// True where a last line stands for the rows out of view.
fn has_tail(pane: &dyn Pane, room: Area, rows: usize) -> bool {
    pane.has_tail() && room.height >= TAILED && rows > usize::from(room.height)
}

fn has_headings(pane: &dyn Pane) -> bool {
    pane.columns()
        .iter()
        .any(|column| !column.heading.is_empty())
}

/// One pane as it is seen.
pub(super) fn table(
    model: &Model,
    place: usize,
    border: Border,
    area: Area,
    now: Timestamp,
) -> Table {
    let pane = PANES[place];
    let roster = &model.rosters[place];
    let sight = model.sight(now);
    let (within, room) = (
        without_headings(pane, border, area),
        room(pane, border, area, roster.shown.len()),
    );
    let is_focused = place == model.focus;
    // The last column does not touch what stands beside the pane.
    let placed = columns::place(pane, &roster.board, room.width.saturating_sub(1));
    let mut table = Table {
        area,
        border,
        is_focused,
        title: title(model, place),
        info: Line::new(),
        more: more(pane, roster, sight, room.height),
        columns: placed.iter().map(|at| slot(pane, *at)).collect(),
        headings: Vec::new(),
        rows: Vec::new(),
        note: Vec::new(),
        tail: None,
    };
    let taken = table.title.width() + table.more.width() + 8;
    let room_for_info = usize::from(area.width).saturating_sub(taken);
    table.info = info(pane, roster, sight, room_for_info);
    if roster.shown.is_empty() {
        let width = usize::from(room.width.saturating_sub(2));
        let why = empty(model, pane, roster, sight);
        table.note = wrap(&why, width)
            .into_iter()
            .take(usize::from(room.height))
            .collect();
        return table;
    }
    if within != border.inside(area) {
        table.headings = headings(&roster.board, &placed);
    }
    let top = roster.cursor.top();
    let in_view = top..roster.shown.len().min(top + usize::from(room.height));
    for place in in_view {
        let gutter = gutter(model, roster, place, is_focused);
        let cells = cells(pane, roster, sight, place, &placed);
        table.rows.push(TableRow { gutter, cells });
    }
    if within != room {
        table.tail = tail(pane, roster, sight, top + usize::from(room.height));
        table.more = Line::new();
    }
    table
}

/// The line for the rows out of view: those below, or those above where none is below.
fn tail(pane: &dyn Pane, roster: &Roster, sight: Sight<'_>, end: usize) -> Option<Line> {
    let top = roster.cursor.top();
    let below = end..roster.shown.len();
    let (places, arrow) = if below.is_empty() {
        (0..top, "↑ ")
    } else {
        (below, "")
    };
    let mut rows = places.filter_map(|place| roster.entry(place));
    Some(Line::of(arrow, Role::Dim).join(pane.tail(sight, &mut rows)?))
}

fn slot(pane: &dyn Pane, placed: Placed) -> Slot {
    Slot {
        x: placed.x,
        width: placed.width,
        align: pane.columns()[placed.column].align,
    }
}

fn headings(board: &Board, placed: &[Placed]) -> Vec<Shown> {
    let text = |at: &Placed| board.headings.get(at.column).map_or("", String::as_str);
    placed.iter().map(|at| Shown::new(text(at))).collect()
}

fn cells(
    pane: &dyn Pane,
    roster: &Roster,
    sight: Sight<'_>,
    place: usize,
    placed: &[Placed],
) -> Vec<Cell> {
    let Some(entry) = roster.entry(place) else {
        return Vec::new();
    };
    let is_old = pane.fades() && sight.is_old(entry);
    let mut cells = pane.cells(sight, &roster.board, entry);
    let folded = sight.folds.under(&entry.key).count();
    let new = sight.growth.of(&entry.key);
    let grown = (new > 0).then(|| incident(sight, entry)).flatten();
    let grown = grown.map(|row| (row.alerts, new));
    let take = |at: &Placed| cells.get_mut(at.column).map(std::mem::take);
    placed
        .iter()
        .map(take)
        .zip(placed)
        .map(|(cell, at)| {
            let width = usize::from(at.width);
            let cell = resampled(cell.unwrap_or_default(), width);
            if pane.fold_column() != Some(at.column) {
                return cell;
            }
            let tail = counts(grown, folded, width);
            if tail.is_empty() {
                cell
            } else {
                counting(cell, &tail, width)
            }
        })
        .map(|cell| if is_old { cell.faded() } else { cell })
        .collect()
}

/// How many alerts an incident has and how many of them are new, and how many rows are folded under it.
fn counts(grown: Option<(usize, usize)>, folded: usize, width: usize) -> String {
    let is_roomy = width >= ROOMY_WORDS;
    let mut tail = match grown {
        Some((alerts, new)) if is_roomy => format!(" {alerts} alerts, {new} new"),
        Some((_, new)) => format!(" {new} new"),
        None => String::new(),
    };
    if folded > 0 {
        let _ = write!(tail, " +{folded}");
        if is_roomy && grown.is_none() {
            tail += " folded";
        }
    }
    tail
}

/// Words with what is counted of them, which is never what is cut.
fn counting(cell: Cell, tail: &str, width: usize) -> Cell {
    let Cell::Line(line) = cell else {
        return cell;
    };
    let line = line.fit(width.saturating_sub(tail.len()));
    Cell::Line(line.text(tail, Role::Accent))
}

/// A curve in as many values as there are columns, each the highest of those it stands for.
fn resampled(cell: Cell, width: usize) -> Cell {
    let Cell::Spark(values) = cell else {
        return cell;
    };
    let each = values.len().div_ceil(width.max(1)).max(1);
    let highest = |group: &[Option<(f64, Role)>]| {
        let known = group.iter().copied().flatten();
        known.max_by(|(one, _), (other, _)| one.total_cmp(other))
    };
    let mut groups: Vec<_> = values.rchunks(each).map(highest).collect();
    // The newest stands at the right end.
    groups.resize(width.max(groups.len()), None);
    groups.reverse();
    Cell::Spark(groups)
}

fn gutter(model: &Model, roster: &Roster, place: usize, is_focused: bool) -> Gutter {
    let is_selected = is_focused && place == roster.cursor.index();
    let key = roster.entry(place).map(|entry| &entry.key);
    if key.is_some_and(|key| model.desk.marks.contains(key)) {
        return Gutter::Marked(is_selected);
    }
    if is_selected {
        return Gutter::Selected;
    }
    if key.is_some_and(|key| roster.newcomers.contains_key(key)) {
        Gutter::New
    } else {
        Gutter::Nothing
    }
}

/// The pane's key, name, filter and order.
pub(super) fn title(model: &Model, place: usize) -> Line {
    let mut line = Line::new();
    if let Some(key) = model.keymap.hint(PANE_ACTIONS[place]) {
        line = line.text(format!("{key} "), Role::Accent);
    }
    line = line.text(PANES[place].name(), Role::Title);
    let marked = model.desk.marked(PANES[place].name()).count();
    if marked > 0 {
        line = line.text(format!(" {marked} marked"), Role::Accent);
    }
    let roster = &model.rosters[place];
    let filter = model.query.filter.text();
    if !filter.is_empty() {
        line = line.text(format!(" /{filter}"), Role::Accent).text(
            format!(" {} of {}", roster.shown.len(), roster.board.entries.len()),
            Role::Plain,
        );
    }
    let sort = model.query.sort;
    if sort != Sort::Urgency && PANES[place].sorts_by(sort) {
        line = line.text(format!(" {}", sort.first()), Role::Accent);
    }
    line
}

/// How many rows there are; `?` for those that a silent source might add.
pub(super) fn count_word(pane: &dyn Pane, roster: &Roster, sight: Sight<'_>) -> String {
    let Count { known, unsure } = pane.count(sight, &roster.board);
    let known = known.saturating_sub(roster.others.count);
    match (known, unsure) {
        (0, true) => "?".to_owned(),
        (known, true) => format!("{known}+?"),
        (known, false) => known.to_string(),
    }
}

fn count(pane: &dyn Pane, roster: &Roster, sight: Sight<'_>) -> Line {
    let word = count_word(pane, roster, sight);
    let known = word.trim_end_matches("+?").trim_end_matches('?');
    let line = Line::of(known, Role::Plain).text(&word[known.len()..], Role::Unknown);
    let Others { count, pressing } = roster.others;
    if count == 0 {
        return line;
    }
    let line = line.text(format!(" · {count} others"), Role::Plain);
    if pressing == 0 {
        return line;
    }
    // What burns is never left out without a word.
    line.text(" ", Role::Plain)
        .mark(Mark::Page, Role::Page)
        .text(format!("{pressing} PAGE"), Role::Page)
}

/// Count, order and freshness; in little room the order goes first, then all but the worst source.
fn info(pane: &dyn Pane, roster: &Roster, sight: Sight<'_>, room: usize) -> Line {
    let feeds = fresh::feeding(pane, sight.store);
    if feeds.is_empty() {
        return Line::of("no source", Role::Dim);
    }
    let count = count(pane, roster, sight);
    let order = Line::of(format!(" · {}", pane.order()), Role::Dim);
    if !pane.fades() {
        return count.join(order);
    }
    let dot = Line::of(" · ", Role::Dim);
    let all = dot.clone().join(fresh::summary(&feeds, sight.now));
    let worst = dot.join(fresh::worst(&feeds, sight.now));
    let full = count.clone().join(order).join(all.clone());
    let without_order = count.clone().join(all);
    let fits = |line: &Line| line.width() <= room;
    [full, without_order]
        .into_iter()
        .find(fits)
        .unwrap_or_else(|| count.join(worst))
}

/// How many rows are out of view; above in the weight of the worst of them.
fn more(pane: &dyn Pane, roster: &Roster, sight: Sight<'_>, height: u16) -> Line {
    let above = roster.cursor.top();
    let end = above + usize::from(height);
    let below = roster.shown.len().saturating_sub(end);
    let mut line = Line::new();
    if above > 0 {
        let first = roster.entry(0).filter(|entry| !sight.is_old(entry));
        let cell = first.and_then(|entry| {
            let cells = pane.cells(sight, &roster.board, entry);
            cells.into_iter().next()
        });
        let role = match cell {
            Some(Cell::Badge(_, _, role)) => role,
            _ => Role::Plain,
        };
        line = line.text(format!("↑{above}"), role);
    }
    if below > 0 {
        let gap = if above > 0 { " " } else { "" };
        line = line.text(format!("{gap}↓{below}"), Role::Plain);
    }
    line
}

fn empty(model: &Model, pane: &dyn Pane, roster: &Roster, sight: Sight<'_>) -> Line {
    let all = roster.board.entries.len();
    if all == 0 && pane.name() == PANES[TIMELINE].name() {
        return why_empty(pane, sight).join(timeline::memory(model));
    }
    if all == 0 {
        return why_empty(pane, sight);
    }
    let hint = |line: Line, action, what: &str| match model.keymap.hint(action) {
        Some(key) => line.text(format!(", {key} {what}"), Role::Dim),
        None => line,
    };
    if model.query.filter.text().is_empty() {
        let text = format!("nothing here is {}", model.query.whose.owner());
        let line = Line::of(format!("{text}: {all} rows of others"), Role::Plain);
        return hint(line, Action::Whose, "shows more");
    }
    let text = format!(
        "nothing matches /{}: {all} hidden",
        model.query.filter.text()
    );
    let line = Line::of(text, Role::Plain);
    hint(line, Action::Back, "clears the filter")
}
