//! What the keys do, for what has focus: derived from the table that the program obeys.

use super::action::{Action, Group};
use super::layout::{Area, Border};
use super::model::Model;
use super::screen::{Sheet, SheetLine, Slot};
use crate::config::CommandScope;
use crate::pane::{Align, Cell, Line, Mark, Role};

/// Columns of one action: its keys, and what it does.
const KEYS: u16 = 12;
const WORDS: u16 = 24;
/// From this inner width on, two columns of actions stand side by side.
const DOUBLE: u16 = 2 * (KEYS + WORDS) + 3;

/// The help over everything else.
pub(super) fn overlay(model: &Model, scroll: usize) -> Sheet {
    let area = area(model);
    let inside = Border::Box.inside(area);
    let lines = lines(model, inside.width);
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
pub(super) fn last_scroll(model: &Model) -> usize {
    let inside = Border::Box.inside(area(model));
    let count = lines(model, inside.width).len();
    count.saturating_sub(usize::from(inside.height))
}

/// How many lines are out of view.
pub(super) fn more(above: usize, below: usize) -> Line {
    let mut line = Line::new();
    if above > 0 {
        line = line.text(format!("↑{above}"), Role::Plain);
    }
    if below > 0 {
        let gap = if above > 0 { " " } else { "" };
        line = line.text(format!("{gap}↓{below}"), Role::Plain);
    }
    line
}

fn area(model: &Model) -> Area {
    let (width, height) = (model.size.width, model.size.height);
    let wide = width.min(DOUBLE + 2);
    let wide = if wide < DOUBLE + 2 {
        width.min(KEYS + WORDS + 5)
    } else {
        wide
    };
    let count = u16::try_from(lines(model, wide.saturating_sub(2)).len()).unwrap_or(u16::MAX);
    let high = count.saturating_add(2).min(height);
    Area {
        x: (width - wide) / 2,
        y: (height - high) / 2,
        width: wide,
        height: high,
    }
}

fn lines(model: &Model, width: u16) -> Vec<SheetLine> {
    let mut lines: Vec<SheetLine> = Vec::new();
    if width >= DOUBLE {
        let left = column(model, &[Group::Move, Group::Look], 1);
        let right = column(
            model,
            &[Group::Row, Group::Act, Group::Watch, Group::Program],
            KEYS + WORDS + 3,
        );
        for row in 0..left.len().max(right.len()) {
            let mut cells = left.get(row).cloned().unwrap_or_default();
            cells.extend(right.get(row).cloned().unwrap_or_default());
            lines.push(SheetLine::Cells(cells));
        }
    } else {
        let all = column(model, &Group::ALL, 1);
        lines.extend(all.into_iter().map(SheetLine::Cells));
    }
    lines.push(SheetLine::Text(Line::new()));
    lines.extend(legend(width).into_iter().map(SheetLine::Text));
    lines
}

/// One column of groups, each with its actions.
fn column(model: &Model, groups: &[Group], x: u16) -> Vec<Vec<(Slot, Cell)>> {
    let slot = |x, width| Slot {
        x,
        width,
        align: Align::Left,
    };
    let mut rows = Vec::new();
    for group in groups {
        if !rows.is_empty() {
            rows.push(Vec::new());
        }
        let title = Cell::text(group.title(), Role::Title);
        let of_one = |(keys, words): (String, &str)| {
            vec![
                (slot(x, KEYS), Cell::text(keys, Role::Accent)),
                (slot(x + KEYS, WORDS), Cell::text(words, Role::Plain)),
            ]
        };
        rows.push(vec![(slot(x, KEYS + WORDS), title)]);
        for action in Action::ALL.iter().filter(|action| action.group() == *group) {
            if !applies(model, *action) {
                continue;
            }
            let keys: Vec<_> = model
                .keymap
                .keys(*action)
                .iter()
                .map(ToString::to_string)
                .collect();
            if keys.is_empty() {
                continue;
            }
            rows.push(of_one((keys.join(" "), action.help())));
        }
        if *group == Group::Act {
            let commands = model.desk.commands.iter();
            let here = commands.filter(|command| model.pane().scope() == Some(command.scope));
            let keyed =
                here.filter_map(|command| Some((command.key.clone()?, command.label.as_str())));
            rows.extend(keyed.map(of_one));
        }
    }
    rows
}

/// Whether an action has anything to do in the pane that has focus.
fn applies(model: &Model, action: Action) -> bool {
    match action {
        Action::Link | Action::CopyUrl => model.pane().has_pages(),
        Action::Runbook => model.pane().has_runbooks(),
        Action::Explain => model.pane().explains(),
        Action::Suspect => !model.is_quiet(),
        Action::Acknowledge | Action::Silence | Action::Note => {
            model.pane().scope() == Some(CommandScope::Incident)
        }
        _ => true,
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
