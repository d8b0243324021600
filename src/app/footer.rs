//! The last lines: what the sources say, and what the keys do now.

use jiff::Timestamp;

use super::action::Action;
use super::layout::{Area, Arrangement};
use super::mode::Mode;
use super::model::Model;
use super::screen::Bar;
use crate::pane::{Line, Role, fresh};

/// Every source: the troubled ones as sentences, the others by name.
pub(super) fn sources(model: &Model, area: Area, now: Timestamp) -> Bar {
    let left = said(model, now, usize::from(area.width));
    let right = Line::new();
    Bar { area, left, right }
}

fn said(model: &Model, now: Timestamp, width: usize) -> Line {
    let sight = model.sight(now);
    let feeds = sight.store.feeds();
    let (troubled, live): (Vec<_>, Vec<_>) = feeds
        .iter()
        .partition(|feed| fresh::is_troubled(feed, sight.now));
    let mut line = Line::of(" ", Role::Plain);
    let separate = |line: Line| {
        if line.0.len() > 1 {
            line.text(" · ", Role::Dim)
        } else {
            line
        }
    };
    for feed in &troubled {
        line = separate(line).join(fresh::sentence(feed, sight.now));
    }
    let names: Vec<_> = live.iter().map(|feed| feed.name.as_str()).collect();
    let live = match names.len() {
        0 => return line,
        1 => format!("{} live", names[0]),
        _ => format!("{} live", names.join(", ")),
    };
    let live = if line.width() + live.len() + 4 > width {
        format!("{} live", names.len())
    } else {
        live
    };
    separate(line).text(live, Role::Dim)
}

/// What the keys do now; the filter prompt while one is typed; a short message when there is one.
pub(super) fn keys(model: &Model, arrangement: &Arrangement, now: Timestamp) -> Bar {
    let area = arrangement.hints;
    let right = hints(model, &[Action::Help, Action::Quit]).text(" ", Role::Plain);
    let left = if *model.modes.top() == Mode::Filter {
        return prompt(model, area);
    } else if let Some(flash) = &model.flash {
        Line::of(format!(" {}", flash.text), Role::Accent)
    } else if arrangement.sources.is_none() && is_any_troubled(model, now) {
        said(model, now, usize::from(area.width))
    } else {
        let left = fitting(
            model,
            usize::from(area.width).saturating_sub(right.width() + 2),
        );
        Line::of(" ", Role::Plain).join(left)
    };
    Bar { area, left, right }
}

fn is_any_troubled(model: &Model, now: Timestamp) -> bool {
    let sight = model.sight(now);
    let mut feeds = sight.store.feeds().iter();
    feeds.any(|feed| fresh::is_troubled(feed, sight.now))
}

/// What has most use for the mode and the pane, first things first.
fn useful(model: &Model) -> Vec<Action> {
    let pane = model.pane();
    let mut actions = match model.modes.top() {
        Mode::Detail { .. } => vec![Action::Back, Action::Down, Action::PageDown],
        Mode::Help { .. } => return vec![Action::Back, Action::Down, Action::PageDown],
        Mode::Browse | Mode::Filter => vec![Action::Open, Action::Filter],
    };
    if pane.has_pages() {
        actions.push(Action::Link);
    }
    if pane.has_runbooks() {
        actions.push(Action::Runbook);
    }
    actions.extend([
        Action::NextPane,
        Action::FullScreen,
        Action::Sources,
        Action::Poll,
        Action::CopyId,
        Action::Pause,
        Action::Zone,
    ]);
    actions
}

fn fitting(model: &Model, width: usize) -> Line {
    let mut shown = Vec::new();
    for action in useful(model) {
        shown.push(action);
        if hints(model, &shown).width() > width {
            shown.pop();
        }
    }
    hints(model, &shown)
}

fn hints(model: &Model, actions: &[Action]) -> Line {
    let mut line = Line::new();
    for action in actions {
        let Some(key) = model.keymap.hint(*action) else {
            continue;
        };
        if !line.is_empty() {
            line = line.text("  ", Role::Plain);
        }
        let word = match action {
            Action::Quit => "quit",
            Action::Back => "back",
            other => other.help(),
        };
        line = line
            .text(key, Role::Accent)
            .text(format!(" {word}"), Role::Dim);
    }
    line
}

fn prompt(model: &Model, area: Area) -> Bar {
    let (text, shown, all) = model.roster().map_or(("", 0, 0), |roster| {
        let (shown, all) = (roster.shown.len(), roster.board.entries.len());
        (roster.filter.text(), shown, all)
    });
    let mut left = Line::of(" /", Role::Accent).text(text, Role::Strong);
    if text.is_empty() {
        left = left.text("  svc: sev: state: src: or any words", Role::Dim);
    }
    let right = Line::of(format!("{shown} of {all}  "), Role::Plain)
        .text("enter", Role::Accent)
        .text(" keep  ", Role::Dim)
        .text("esc", Role::Accent)
        .text(" clear ", Role::Dim);
    Bar { area, left, right }
}

/// Where the cursor of the filter prompt stands.
pub(super) fn cursor(model: &Model, area: Area) -> Option<(u16, u16)> {
    let text = model.roster()?.filter.text();
    let width = crate::text::Shown::new(text).width();
    let x = u16::try_from(width).unwrap_or(u16::MAX).saturating_add(2);
    let last = area.width.saturating_sub(1);
    Some((area.x + x.min(last), area.y))
}
