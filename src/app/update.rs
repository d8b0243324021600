//! What every message does to the model, and what the outside has to do about it.

use jiff::Timestamp;

use super::action::{Action, PANE_ACTIONS};
use super::filter::Filter;
use super::key::{Code, Key};
use super::layout::{Layout, View};
use super::model::Model;
use super::model::ask::Wish;
use super::model::mode::Mode;
use super::model::mode::Palette;
use super::scroll::scroll;
use super::{
    Effect, Msg, Notice, alert, awake, choose, clip, desk, explain, export, follow, growth,
    handoff, jump, keep, mouse, opening, past, possible, prompt, ring, suspect, table, timeline,
    tour, wall, zoom,
};
use crate::domain::{Report, SourceName, Whose};
use crate::pane::{DELIVERY, PANES, SERVICES, SLOS, SOURCES, fresh, stands_alone};
use crate::text::Shown;

/// Takes in one message; total, and quick enough to answer a key at once.
pub fn update(model: &mut Model, msg: Msg, now: Timestamp) -> Vec<Effect> {
    model.bell.begin(now);
    let mut effects = match msg {
        Msg::Key(key) => press(model, key, now),
        Msg::Paste(text) => paste(model, &text, now),
        Msg::Mouse(button, place) => mouse::pressed(model, button, place, now),
        Msg::Resize(size) => {
            model.size = size;
            Vec::new()
        }
        Msg::Report(report) => reported(model, *report, now),
        Msg::Told(told) => {
            explain::hear(model, *told);
            Vec::new()
        }
        Msg::Previewed(told) => {
            desk::batch::previewed(model, *told, now);
            Vec::new()
        }
        Msg::Acted(told) => {
            let mut effects = past::acted(model, &told);
            effects.extend(desk::batch::acted(model, *told, now));
            effects
        }
        Msg::Ran(ran) => {
            let effects = past::ran(model, &ran, now);
            desk::errand::ran(model, *ran, now);
            effects
        }
        Msg::Known(world) => {
            model.remember(&world, now);
            Vec::new()
        }
        Msg::Recalled(at, told) => {
            past::recalled(model, at, *told, now);
            Vec::new()
        }
        Msg::Happened(events) => {
            model.chronicle(events, now);
            Vec::new()
        }
        Msg::Burned(_, told) => {
            timeline::hear(model, told);
            Vec::new()
        }
        Msg::Copied(copied) => {
            clip::copied(model, copied, now);
            Vec::new()
        }
        Msg::Opened(url, is_opened) => {
            follow::opened(model, &url, is_opened, now);
            Vec::new()
        }
        Msg::HandedOver(made) => {
            handoff::open(model, made, now);
            Vec::new()
        }
        Msg::Forgetful(fault) => {
            model.forgetful = fault;
            Vec::new()
        }
        Msg::Remark(words) => {
            model.tell(words, now);
            Vec::new()
        }
        Msg::ClockStepped(step) => {
            model.clock_stepped(step);
            Vec::new()
        }
        Msg::Notice(about, words) => {
            notice(model, about, words.as_deref());
            Vec::new()
        }
        Msg::Past(recalled) => {
            model.store.take_past(&recalled, now);
            zoom::hear(model, *recalled);
            past::turned_freezes(model).into_iter().collect()
        }
        Msg::Tick => tick(model, now),
    };
    model.settle(now);
    wall::settle(model, now);
    effects.extend(timeline::ask(model, now));
    effects
}

/// Takes in what a source said.
fn reported(model: &mut Model, report: Report, now: Timestamp) -> Vec<Effect> {
    let heard = past::heard(model, &report);
    let answered = report.outcome.is_ok().then(|| report.source.clone());
    model.absorb(report, now);
    desk::lock::compare(model, now);
    desk::errand::compare(model, now);
    let mut effects = past::keep(model, heard);
    effects.extend(past::turned_freezes(model));
    let wanted = model.store.wanted_past(now);
    effects.extend(wanted.map(|(source, question)| Effect::Past(source, question)));
    if let Some(source) = answered {
        let grew = growth::hear(model, &source, now);
        effects.extend(ring::hear(model, &source, &grew, now));
    }
    effects
}

/// The changes that come with each second.
fn tick(model: &mut Model, now: Timestamp) -> Vec<Effect> {
    let mut effects = past::play(model);
    effects.extend(opening::proceed(model, now));
    effects.extend(zoom::ask(model, now));
    effects
}

/// Notes what is wrong with the program itself.
fn notice(model: &mut Model, about: Notice, words: Option<&str>) {
    if let Some(view) = &mut model.wall {
        let place = match about {
            Notice::Configuration => 0,
            Notice::Heartbeat => 1,
        };
        view.notices[place] = words.map(Shown::new);
    }
}

fn press(model: &mut Model, key: Key, now: Timestamp) -> Vec<Effect> {
    if model.wall.is_some() {
        return wall::press(model, key);
    }
    model.flash = None;
    // Who goes on by hand is where they want to be.
    model.opening = None;
    // From the first key on, the selection is a row and no more a place.
    if let Some(roster) = model.roster_mut() {
        roster.choose(roster.cursor.index());
    }
    let action = model.keymap.resolve(key);
    let is_always = match action {
        Some(Action::Exit) => true,
        // Never a letter that is typed.
        Some(Action::Repaint | Action::Suspend) => key.ctrl,
        _ => false,
    };
    if is_always {
        return action.map_or_else(Vec::new, |action| act(model, action, now));
    }
    match model.modes.top().clone() {
        Mode::Filter(typed) => {
            model.modes.pop();
            prompt::press(model, typed, key);
            Vec::new()
        }
        Mode::Ask(ask) => {
            model.modes.pop();
            desk::press_ask(model, *ask, key, now)
        }
        Mode::Palette(palette) => {
            model.modes.pop();
            choose::press(model, palette, key, now)
        }
        Mode::Orders { .. } => desk::batch::press(model, key, now),
        Mode::Errands { .. } => desk::errand::press(model, key, now),
        Mode::Handoff { .. } => handoff::press(model, key),
        Mode::Keep { .. } => keep::press(model, key),
        Mode::Tour(step) => tour::press(model, step, key),
        Mode::Export => export::press(model, key),
        _ => match action {
            Some(action) => act(model, action, now),
            None => run_command(model, key, now),
        },
    }
}

/// Text that was pasted is typed where text is asked for, and ignored elsewhere: it never acts.
fn paste(model: &mut Model, text: &str, now: Timestamp) -> Vec<Effect> {
    if model.wall.is_some() {
        return Vec::new();
    }
    let letters = text
        .chars()
        .map(|letter| if letter.is_whitespace() { ' ' } else { letter })
        .filter(|letter| !letter.is_control());
    let mut effects = Vec::new();
    for letter in letters {
        let code = Code::Char(letter);
        let key = Key { code, ctrl: false };
        match model.modes.top().clone() {
            Mode::Filter(typed) => {
                model.modes.pop();
                prompt::press(model, typed, key);
            }
            Mode::Ask(mut ask) => {
                ask.type_in(key);
                model.modes.pop();
                model.modes.push(Mode::Ask(ask));
            }
            Mode::Palette(palette) => {
                model.modes.pop();
                effects.extend(choose::press(model, palette, key, now));
            }
            _ => break,
        }
    }
    effects
}

/// A key of one of the user's own commands.
fn run_command(model: &mut Model, key: Key, now: Timestamp) -> Vec<Effect> {
    if matches!(model.modes.top(), Mode::Help { .. }) {
        return Vec::new();
    }
    let scope = model.pane().scope();
    match model.keymap.command(key, scope) {
        Some(command) => desk::errand::begin(model, command, now),
        None => Vec::new(),
    }
}

pub(super) fn act(model: &mut Model, action: Action, now: Timestamp) -> Vec<Effect> {
    match action {
        Action::Exit => return vec![Effect::Quit],
        Action::Repaint => return vec![Effect::Repaint],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Pause if past::toggle(model) => {}
        Action::Pause => model.pause(now),
        Action::Earlier
        | Action::Later
        | Action::EventBefore
        | Action::EventAfter
        | Action::Live => return past::step(model, action, now),
        _ if past::refuses(model, action, now) => {}
        Action::Back => {
            back(model);
        }
        Action::Quit => {
            if !back(model) {
                return vec![Effect::Quit];
            }
        }
        Action::Help => match model.modes.top() {
            Mode::Help { .. } => {
                model.modes.pop();
            }
            _ => model.modes.push(Mode::Help { scroll: 0 }),
        },
        _ if is_scrolling(model, action) => scroll(model, action),
        Action::CopyUrl if model.modes.explained().is_some() => {
            return explain::copy_queries(model, now);
        }
        _ => return browse(model, action, now),
    }
    Vec::new()
}

/// True where moving scrolls: in the help, where nothing else is done, and in an explanation.
fn is_scrolling(model: &Model, action: Action) -> bool {
    match model.modes.top() {
        Mode::Help { .. } => true,
        Mode::Explain { .. } => matches!(
            action,
            Action::Down
                | Action::Up
                | Action::Top
                | Action::Bottom
                | Action::PageDown
                | Action::PageUp
                | Action::Open
                | Action::FullScreen
        ),
        _ => false,
    }
}

fn browse(model: &mut Model, action: Action, now: Timestamp) -> Vec<Effect> {
    if let Some(effects) = alert::act(model, action, now) {
        return effects;
    }
    match action {
        Action::Down
        | Action::Up
        | Action::Top
        | Action::Bottom
        | Action::PageDown
        | Action::PageUp => go(model, action),
        Action::NextPane => turn(model, 1),
        Action::PreviousPane => turn(model, SOURCES - 1),
        Action::Slos
        | Action::Releases
        | Action::Incidents
        | Action::Sources
        | Action::Services
        | Action::Delivery => {
            let place = PANE_ACTIONS.iter().position(|known| *known == action);
            focus(model, place.unwrap_or(0));
        }
        Action::Timeline => timeline::turn(model, now),
        Action::FullScreen => {
            model.view = match model.view {
                View::Together => View::Alone,
                View::Alone => View::Together,
            };
        }
        Action::Filter => {
            model.close_detail();
            prompt::open(model);
        }
        Action::Wall => wall::toggle(model, now),
        Action::Tour => tour::open(model),
        Action::Zone => {
            let zone = model.turn_zone(now);
            model.tell(format!("times are {zone}"), now);
        }
        Action::Whose => look_at_next(model, now),
        Action::Sort => {
            model.query.sort = model.query.sort.next();
            model.tell(model.query.sort.first(), now);
        }
        Action::Open if alert::open(model, now) => {}
        Action::Open => open(model),
        Action::ZoomIn => zoom::change(model, true, now),
        Action::ZoomOut => zoom::change(model, false, now),
        Action::Keep => keep::open(model, now),
        Action::NextRow => turn_page(model, |index| index + 1),
        Action::PreviousRow => turn_page(model, |index| index.saturating_sub(1)),
        Action::Suspect => suspect::jump(model, now),
        Action::Explain => return explain::open(model, now),
        Action::Mark => desk::mark(model, now),
        Action::ClearMarks => desk::clear_marks(model, now),
        Action::Undo => return desk::undo(model, now),
        Action::Results => desk::batch::reopen(model, now),
        Action::Output => desk::errand::reopen(model, now),
        Action::Palette => model.modes.push(Mode::Palette(Palette::default())),
        Action::Acknowledge
        | Action::Silence
        | Action::Note
        | Action::Resolve
        | Action::Escalate
        | Action::Unacknowledge
        | Action::Extend
        | Action::Unsilence => {
            if let Some(wish) = Wish::of(action) {
                return desk::begin(model, wish, now);
            }
        }
        Action::Link | Action::Runbook | Action::CopyId | Action::CopyUrl => {
            return follow::follow(model, action, now);
        }
        Action::Poll | Action::PollAll => return poll(model, action, now),
        Action::Export => model.modes.push(Mode::Export),
        Action::Awake => awake::toggle(model, now),
        Action::Handoff => return handoff::ask(model, now),
        Action::Pause
        | Action::Earlier
        | Action::Later
        | Action::EventBefore
        | Action::EventAfter
        | Action::Live
        | Action::Back
        | Action::Quit
        | Action::Exit
        | Action::Help
        | Action::Repaint
        | Action::Suspend => {}
    }
    Vec::new()
}

/// Shows my rows, my team's, or all of them.
fn look_at_next(model: &mut Model, now: Timestamp) {
    if !model.sight(now).store.me().is_known() {
        model.tell(
            "whose rows are yours is not known: set name and teams under [me]",
            now,
        );
        return;
    }
    model.close_detail();
    model.query.whose = model.query.whose.next();
    let word = match model.query.whose {
        Whose::Mine => "your own rows",
        Whose::Team => "your team's rows",
        Whose::All => "all rows",
    };
    model.tell(format!("showing {word}"), now);
}

/// Moves the selection; beside it, an open detail follows, and pages scroll the detail.
fn go(model: &mut Model, action: Action) {
    let is_detailed = matches!(model.modes.top(), Mode::Detail { .. });
    let Layout::Panes(arrangement) = model.layout() else {
        return;
    };
    let is_beside = !arrangement.panes.is_empty();
    let is_paging = matches!(action, Action::PageDown | Action::PageUp);
    if is_detailed && (!is_beside || is_paging) {
        scroll(model, action);
        return;
    }
    let area = arrangement
        .panes
        .iter()
        .find(|(place, _)| *place == model.focus)
        .map(|(_, area)| *area);
    let rows = model.roster().map_or(0, |roster| roster.shown.len());
    let room = area.map(|area| table::room(model.pane(), arrangement.border, area, rows));
    let page = room.map_or(1, |room| usize::from(room.height.saturating_sub(1)).max(1));
    turn_page(model, |index| match action {
        Action::Down => index + 1,
        Action::Up => index.saturating_sub(1),
        Action::PageDown => index + page,
        Action::PageUp => index.saturating_sub(page),
        Action::Bottom => usize::MAX,
        _ => 0,
    });
}

/// Selects another row; an open detail becomes that of the row.
fn turn_page(model: &mut Model, place: impl Fn(usize) -> usize) {
    let is_detailed = matches!(model.modes.top(), Mode::Detail { .. });
    step(model, place);
    if is_detailed {
        model.modes.pop();
        open(model);
    }
}

fn step(model: &mut Model, place: impl Fn(usize) -> usize) {
    if let Some(roster) = model.roster_mut() {
        roster.choose(place(roster.cursor.index()));
    }
}

/// One level back: what lies on top, the filter, the pane that has the screen for itself.
fn back(model: &mut Model) -> bool {
    if model.modes.pop() {
        jump::closed(model);
        return true;
    }
    if jump::is_filtered_since(model) {
        model.query.filter = Filter::default();
        return true;
    }
    if jump::back(model) {
        return true;
    }
    if stands_alone(model.focus) {
        model.focus = model.home();
        return true;
    }
    std::mem::take(&mut model.view) == View::Alone
}

/// Focuses the pane that stands `steps` further among those that stand together.
fn turn(model: &mut Model, steps: usize) {
    let next = if stands_alone(model.focus) {
        0
    } else {
        (model.focus + steps) % SOURCES
    };
    // A pane that is folded away is left out.
    let next = if next == SLOS && !model.has_slos() {
        (next + steps) % SOURCES
    } else {
        next
    };
    focus(model, next);
}

/// Focuses a pane by its own key: only a view of its own leads back to where one came from.
fn focus(model: &mut Model, place: usize) {
    if [SOURCES, SERVICES, DELIVERY].contains(&place) && model.focus != place {
        jump::begin(model, place);
        return;
    }
    model.close_detail();
    jump::forget(model);
    model.focus = place.min(PANES.len() - 1);
}

fn open(model: &mut Model) {
    if matches!(model.modes.top(), Mode::Detail { .. }) {
        return;
    }
    if let Some(key) = model.target().map(|entry| entry.key.clone()) {
        model.modes.push(Mode::Detail { key, scroll: 0 });
    }
}

fn poll(model: &mut Model, action: Action, now: Timestamp) -> Vec<Effect> {
    if let Some(reason) = possible::obstacle(model, action, now) {
        model.tell(reason, now);
        return Vec::new();
    }
    if action == Action::PollAll {
        model.tell("polling all sources", now);
        return vec![Effect::Poll(None)];
    }
    let sight = model.sight(now);
    let names: Vec<_> = if model.focus == SOURCES {
        let feed = model.target().and_then(|entry| sight.feed(entry));
        feed.map(|feed| feed.name.clone()).into_iter().collect()
    } else {
        let feeds = fresh::feeding(model.pane(), sight.store);
        feeds.iter().map(|feed| feed.name.clone()).collect()
    };
    let list: Vec<_> = names.iter().map(SourceName::as_str).collect();
    model.tell(format!("polling {}", list.join(", ")), now);
    let effects = names.into_iter().map(|name| Effect::Poll(Some(name)));
    effects.collect()
}
