//! The last lines: what the sources say, and what the keys do now.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::action::Action;
use super::layout::{Area, Arrangement};
use super::model::Model;
use super::model::mode::{FilterPrompt, Mode};
use super::screen::Bar;
use super::{awake, export, filter, overlay, possible};
use crate::config::CommandScope;
use crate::pane::{Line, RELEASES, Role, TIMELINE, fresh};
use crate::store::Feed;

/// Every source: the troubled ones as sentences, the others by name.
pub(super) fn sources(model: &Model, area: Area, now: Timestamp) -> Bar {
    let feeds = model.sight(now).store.feeds();
    let is_well = feeds.iter().all(|feed| !fresh::is_troubled(feed, now));
    let story = model.story.as_ref().filter(|_| is_well);
    let left = match story {
        Some(story) => story.line(now).fit(usize::from(area.width)),
        None => said(model, now, usize::from(area.width)),
    };
    let right = Line::new();
    Bar { area, left, right }
}

fn said(model: &Model, now: Timestamp, width: usize) -> Line {
    let sight = model.sight(now);
    let feeds = sight.store.feeds().iter();
    let (mut troubled, live): (Vec<&Feed>, Vec<&Feed>) =
        feeds.partition(|feed| fresh::is_troubled(feed, sight.now));
    // The worst is said in full, whatever else has to be left out.
    troubled.sort_by_key(|feed| (!feed.offers.slos, Reverse(feed.freshness(sight.now))));
    let sentences = |count: usize| {
        troubled.iter().enumerate().map(move |(place, feed)| {
            if place < count {
                fresh::sentence(feed, sight.now)
            } else {
                fresh::name_and_word(feed, sight.now)
            }
        })
    };
    let forgetful = model.forgetful.as_ref().map(|fault| {
        let words = fault.message.shown();
        Line::of(format!(" · {words}"), Role::Fault)
    });
    let forgetful = forgetful.unwrap_or_default();
    let width = width.saturating_sub(forgetful.width().min(width / 2));
    let forgetful = forgetful.fit(width);
    let names: Vec<_> = live.iter().map(|feed| feed.name.as_str()).collect();
    let by_name = format!("{} live", names.join(", "));
    let by_count = format!("{} live", names.len());
    let said = |count: usize, live: &str| {
        let live = (!names.is_empty()).then(|| Line::of(live, Role::Dim));
        let mut parts = sentences(count).chain(live);
        let first = parts.next().unwrap_or_default();
        let start = Line::of(" ", Role::Plain).join(first);
        parts.fold(start, |line, part| line.text(" · ", Role::Dim).join(part))
    };
    let tries = std::iter::once((troubled.len(), by_name.as_str())).chain(
        (1..=troubled.len())
            .rev()
            .map(|count| (count, by_count.as_str())),
    );
    let mut lines = tries.map(|(count, live)| said(count, live));
    let fitting = lines.find(|line| line.width() <= width);
    let said = fitting.unwrap_or_else(|| {
        let others = troubled.len().saturating_sub(1);
        let rest = match others {
            _ if width >= ROOMY => feeds_count(others, names.len()),
            0 => Line::new(),
            others => Line::of(format!(" +{others}"), Role::Fault),
        };
        let room = width.saturating_sub(rest.width() + 1);
        let first = troubled.first().map_or_else(Line::new, |feed| {
            fresh::sentence_within(feed, sight.now, room)
        });
        Line::of(" ", Role::Plain).join(first.fit(room)).join(rest)
    });
    said.join(forgetful)
}

/// What is left to say of the sources that are not named.
fn feeds_count(troubled: usize, live: usize) -> Line {
    let more = format!(" · {troubled} more not live");
    let rest = format!(" · {live} live");
    let parts = [(troubled, more, Role::Fault), (live, rest, Role::Dim)];
    let parts = parts.into_iter().filter(|(count, ..)| *count > 0);
    parts.fold(Line::new(), |line, (_, text, role)| line.text(text, role))
}

/// What the keys do now; the filter prompt while one is typed; a short message when there is one.
pub(super) fn keys(model: &Model, arrangement: &Arrangement, now: Timestamp) -> Bar {
    let area = arrangement.hints;
    let right = right(model, area, now);
    let is_asked = matches!(
        model.modes.top(),
        Mode::Ask(_)
            | Mode::Palette(_)
            | Mode::Orders { .. }
            | Mode::Errands { .. }
            | Mode::Handoff { .. }
            | Mode::Keep { .. }
            | Mode::Export
    );
    let right = if is_asked { Line::new() } else { right };
    let left = if let Mode::Filter(typed) = model.modes.top() {
        return prompt(model, typed, area);
    } else if *model.modes.top() == Mode::Export {
        export::question()
    } else if let Some(flash) = &model.flash {
        Line::of(format!(" {}", flash.text), Role::Accent)
    } else if let Some(hint) = overlay::hint(model, now) {
        hint
    } else if arrangement.sources.is_none() && is_any_troubled(model, now) {
        said(
            model,
            now,
            usize::from(area.width).saturating_sub(right.width() + 1),
        )
    } else {
        let left = fitting(
            model,
            now,
            usize::from(area.width).saturating_sub(right.width() + 2),
        );
        Line::of(" ", Role::Plain).join(left)
    };
    Bar { area, left, right }
}

/// The time left of a mute, and the keys for help and quit; in little room the former alone.
fn right(model: &Model, area: Area, now: Timestamp) -> Line {
    let ways = hints(model, &[Action::Help, Action::Quit]).text(" ", Role::Plain);
    match awake::words(model, now) {
        None => ways,
        Some(words) if usize::from(area.width) < ROOMY => words.text(" ", Role::Plain),
        Some(words) => words.text("  ", Role::Plain).join(ways),
    }
}

fn is_any_troubled(model: &Model, now: Timestamp) -> bool {
    let sight = model.sight(now);
    let mut feeds = sight.store.feeds().iter();
    feeds.any(|feed| fresh::is_troubled(feed, sight.now))
}

/// What has most use for the mode and the pane, first things first.
fn useful(model: &Model, now: Timestamp) -> Vec<Action> {
    let mut actions = Vec::new();
    if model.is_past() {
        // What leads out of it comes first: nobody should take the past for the present.
        actions.extend(TIME);
    }
    actions.extend(useful_here(model));
    actions.retain(|action| possible::is_possible(model, *action, now));
    actions
}

/// The keys that move in time.
const TIME: [Action; 5] = [
    Action::Live,
    Action::Earlier,
    Action::Later,
    Action::EventBefore,
    Action::EventAfter,
];

fn useful_here(model: &Model) -> Vec<Action> {
    let mut actions = match model.modes.top() {
        Mode::Detail { .. } => vec![Action::Back, Action::PageDown],
        Mode::Alert { .. } => {
            return vec![
                Action::Back,
                Action::NextRow,
                Action::PreviousRow,
                Action::Link,
                Action::CopyId,
                Action::CopyUrl,
                Action::PageDown,
            ];
        }
        Mode::Explain { .. } => {
            return vec![
                Action::Back,
                Action::PageDown,
                Action::CopyId,
                Action::CopyUrl,
            ];
        }
        Mode::Help { .. } => return vec![Action::Back, Action::PageDown],
        _ if model.target().is_none() => vec![Action::Filter],
        _ => vec![Action::Open, Action::Filter],
    };
    if model.pane().scope() == Some(CommandScope::Incident) {
        actions.extend([Action::Acknowledge, Action::Silence, Action::Mark]);
    }
    if model.focus != RELEASES {
        actions.push(Action::Suspect);
    }
    actions.extend([
        Action::Timeline,
        Action::Explain,
        Action::Link,
        Action::Runbook,
        Action::CopyId,
    ]);
    if model.modes.detail().is_some() {
        actions.extend([Action::NextRow, Action::ZoomIn, Action::ZoomOut]);
    }
    actions.extend([
        Action::NextPane,
        Action::FullScreen,
        Action::Services,
        Action::Sources,
        Action::Poll,
        Action::Delivery,
        Action::Palette,
        Action::Pause,
        Action::Zone,
    ]);
    actions
}

fn fitting(model: &Model, now: Timestamp, width: usize) -> Line {
    let mut shown = Vec::new();
    for action in useful(model, now) {
        shown.push(action);
        if hints(model, &shown).width() > width {
            shown.pop();
        }
    }
    hints(model, &shown)
}

/// The keys of those actions that can be done to the selected row.
pub(super) fn possible_hints(model: &Model, actions: &[Action], now: Timestamp) -> Line {
    let actions = actions.iter().copied();
    let possible: Vec<_> = actions
        .filter(|action| possible::is_possible(model, *action, now))
        .collect();
    hints(model, &possible)
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
            Action::Explain => "explain",
            Action::Suspect => "suspect",
            Action::Timeline if model.focus == TIMELINE => "back",
            Action::CopyId if model.is_past() => "copy link",
            Action::CopyUrl if model.modes.explained().is_some() => "copy queries",
            other => other.help(),
        };
        line = line
            .text(key, Role::Accent)
            .text(format!(" {word}"), Role::Dim);
    }
    line
}

/// The prompt: what is typed, of a long filter the part around the cursor; then how many rows of the pane
/// pass, and which name is no field.
fn prompt(model: &Model, typed: &FilterPrompt, area: Area) -> Bar {
    let (shown, all) = model.roster().map_or((0, 0), |roster| {
        (roster.shown.len(), roster.board.entries.len())
    });
    let (text, _) = typed.input.shown(prompt_room(area.width));
    let mut left = Line::of(" /", Role::Accent).text(text.as_str(), Role::Strong);
    if typed.input.is_empty() {
        left = left.text(format!("  {} or any words", filter::fields()), Role::Dim);
    } else if let Some(name) = model.query.filter.unknown_field() {
        let words = format!("  no field {name}: {}", filter::fields());
        left = left.foreign(&words.as_str().into(), Role::Unknown);
    }
    let mut right = Line::of(format!("{shown} of {all} "), Role::Plain);
    if usize::from(area.width) >= ROOMY {
        right = right
            .text(" enter", Role::Accent)
            .text(" keep  ", Role::Dim)
            .text("esc", Role::Accent)
            .text(" clear ", Role::Dim);
    }
    Bar { area, left, right }
}

/// From this width on, the prompt says how it is left, and sources are counted in words.
const ROOMY: usize = 60;

/// Columns for what is typed.
fn prompt_room(width: u16) -> usize {
    let taken = if usize::from(width) >= ROOMY { 50 } else { 16 };
    usize::from(width.saturating_sub(taken)).max(4)
}

/// Where the cursor of the filter prompt stands.
pub(super) fn cursor(model: &Model, area: Area) -> Option<(u16, u16)> {
    let Mode::Filter(typed) = model.modes.top() else {
        return None;
    };
    let (_, x) = typed.input.shown(prompt_room(area.width));
    let last = area.width.saturating_sub(1);
    Some((area.x + x.saturating_add(2).min(last), area.y))
}
