//! What the keys do, for what has focus: derived from the table that the program obeys.

use jiff::Timestamp;

use super::action::{Action, Group};
use super::layout::{Area, Border};
use super::model::Model;
use super::possible;
use super::screen::{Sheet, SheetLine, Slot};
use super::sheet::more;
use crate::pane::{Align, Cell, Line, Mark, Role};

/// Columns of one action: its keys, and what it does.
const KEYS: u16 = 12;
const WORDS: u16 = 24;
/// From this inner width on, two columns of actions stand side by side.
const DOUBLE: u16 = 2 * (KEYS + WORDS) + 3;

/// The help over everything else.
pub(super) fn overlay(model: &Model, scroll: usize, now: Timestamp) -> Sheet {
    let area = area(model, now);
    let inside = Border::Box.inside(area);
    let lines = lines(model, inside.width, now);
    let height = usize::from(inside.height);
    let scroll = scroll.min(lines.len().saturating_sub(height));
    let below = lines.len().saturating_sub(scroll + height);
    Sheet {
        area,
        border: Border::Box,
        title: Line::of(format!("Keys · {}", model.pane().name()), Role::Title),
        info: Line::new(),
        lines: lines.into_iter().skip(scroll).take(height).collect(),
        more: more(scroll, below),
    }
}

/// The furthest the help can be scrolled.
pub(super) fn last_scroll(model: &Model, now: Timestamp) -> usize {
    let inside = Border::Box.inside(area(model, now));
    let count = lines(model, inside.width, now).len();
    count.saturating_sub(usize::from(inside.height))
}

fn area(model: &Model, now: Timestamp) -> Area {
    let (width, height) = (model.size.width, model.size.height);
    let wide = width.min(DOUBLE + 2);
    let wide = if wide < DOUBLE + 2 {
        width.min(KEYS + WORDS + 5)
    } else {
        wide
    };
    let count = u16::try_from(lines(model, wide.saturating_sub(2), now).len()).unwrap_or(u16::MAX);
    let high = count.saturating_add(2).min(height);
    Area {
        x: (width - wide) / 2,
        y: (height - high) / 2,
        width: wide,
        height: high,
    }
}

fn lines(model: &Model, width: u16, now: Timestamp) -> Vec<SheetLine> {
    let mut lines: Vec<SheetLine> = Vec::new();
    if width >= DOUBLE {
        let left = column(model, &[Group::Move, Group::Look], 1, now);
        let right = column(
            model,
            &[Group::Row, Group::Act, Group::Watch, Group::Program],
            KEYS + WORDS + 3,
            now,
        );
        for row in 0..left.len().max(right.len()) {
            let mut cells = left.get(row).cloned().unwrap_or_default();
            cells.extend(right.get(row).cloned().unwrap_or_default());
            lines.push(SheetLine::Cells(cells));
        }
    } else {
        let all = column(model, &Group::ALL, 1, now);
        lines.extend(all.into_iter().map(SheetLine::Cells));
    }
    lines.push(SheetLine::Text(Line::new()));
    lines.extend(legend(width).into_iter().map(SheetLine::Text));
    lines
}

/// One column of groups, each with the actions that are possible here and now.
fn column(model: &Model, groups: &[Group], x: u16, now: Timestamp) -> Vec<Vec<(Slot, Cell)>> {
    let mut rows = Vec::new();
    for group in groups {
        let entries = entries(model, *group, now);
        if entries.is_empty() {
            continue;
        }
        if !rows.is_empty() {
            rows.push(Vec::new());
        }
        let title = Cell::text(group.title(), Role::Title);
        rows.push(vec![(slot(x, KEYS + WORDS), title)]);
        rows.extend(entries.into_iter().map(|entry| match entry {
            Entry::Keys(keys, words) => vec![
                (slot(x, KEYS), Cell::text(keys, Role::Accent)),
                (slot(x + KEYS, WORDS), Cell::text(words, Role::Plain)),
            ],
            Entry::Remark(words) => vec![(slot(x, KEYS + WORDS), Cell::text(words, Role::Dim))],
        }));
    }
    rows
}

/// One line of a group.
enum Entry<'a> {
    /// Keys, and what they do.
    Keys(String, &'a str),
    /// Why there are no keys.
    Remark(&'static str),
}

fn entries(model: &Model, group: Group, now: Timestamp) -> Vec<Entry<'_>> {
    let actions = Action::ALL.iter().filter(|action| action.group() == group);
    let possible = actions.filter(|action| possible::is_possible(model, **action, now));
    let mut entries: Vec<_> = possible
        .filter_map(|action| {
            let keys = model.keymap.keys(*action).iter().map(ToString::to_string);
            let keys: Vec<_> = keys.collect();
            (!keys.is_empty()).then(|| Entry::Keys(keys.join(" "), action.help()))
        })
        .collect();
    if group != Group::Act {
        return entries;
    }
    if model.desk.obstacle().is_some() {
        return vec![Entry::Remark("read-only: [actions] enabled = false")];
    }
    let scope = model.target().and(model.pane().scope());
    let commands = model.desk.commands.iter();
    let here = commands.filter(|command| scope == Some(command.scope));
    let keyed = here.filter_map(|command| Some((command.key.clone()?, command.label.as_str())));
    entries.extend(keyed.map(|(key, label)| Entry::Keys(key, label)));
    entries
}

fn slot(x: u16, width: u16) -> Slot {
    Slot {
        x,
        width,
        align: Align::Left,
    }
}

/// What filters and shapes mean, in lines that fit the narrow help, or half as many for the wide.
fn legend(width: u16) -> Vec<Line> {
    let filter = [
        Line::of(" filter ", Role::Title).text("svc:checkout sev:page ", Role::Plain),
        Line::of("state:ok src:prod any words", Role::Plain),
    ];
    let marks = [
        Line::of(" marks  ", Role::Title)
            .mark(Mark::Page, Role::Page)
            .text("page  ", Role::Plain)
            .mark(Mark::Ticket, Role::Ticket)
            .text("ticket  ", Role::Plain)
            .mark(Mark::Ok, Role::Plain)
            .text("ok  ", Role::Plain),
        Line::new()
            .mark(Mark::NoData, Role::NoData)
            .text("no events  ", Role::Plain)
            .mark(Mark::Unknown, Role::Unknown)
            .text("not known", Role::Plain),
    ];
    let mut lines = Vec::new();
    for [first, second] in [filter, marks] {
        if width >= DOUBLE {
            lines.push(first.join(second));
        } else {
            lines.push(first);
            lines.push(Line::of("        ", Role::Plain).join(second));
        }
    }
    lines
}
