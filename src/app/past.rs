//! The past: what the journal is given to keep, and the moments of it that are looked at.

use jiff::{SignedDuration, Timestamp};

use super::Effect;
use super::action::Action;
use super::model::ask::Wish;
use super::model::memory::Memory;
use super::model::{Model, Why};
use crate::domain::{Acted, Event, Fault, Ran, Report, What};
use crate::pane::{Line, Role, figures};
use crate::store::{Heard, World};

/// How far one step goes.
const STEP: SignedDuration = SignedDuration::from_mins(1);

/// A report before it is taken in, as far as it is kept.
pub(super) fn heard(model: &Model, report: &Report) -> Option<Heard> {
    (model.memory == Memory::Journal).then(|| Heard::of(report))
}

/// What is to be kept of it after it was.
pub(super) fn keep(model: &Model, heard: Option<Heard>) -> Vec<Effect> {
    let heard = heard.map(|heard| Box::new(heard.as_taken_in(model.newest())));
    heard.map(Effect::Keep).into_iter().collect()
}

/// What is to be kept of an order that has ended.
pub(super) fn acted(model: &Model, acted: &Acted) -> Vec<Effect> {
    note(model, Event::acted(acted, &model.newest().me().name))
}

/// What is to be kept of a command of the user's own that has ended.
pub(super) fn ran(model: &Model, ran: &Ran, now: Timestamp) -> Vec<Effect> {
    note(model, Event::ran(ran, &model.newest().me().name, now))
}

/// Keeps a note on the moment that is shown.
pub(super) fn note_on(model: &mut Model, text: &str, now: Timestamp) -> Vec<Effect> {
    let at = moment(model).unwrap_or(now);
    let event = Event::note(text, &model.newest().me().name, (at, now));
    model.tell("noted", now);
    note(model, event)
}

/// Keeps that a release and an incident are, or are not, anything to each other.
pub(super) fn link(
    model: &mut Model,
    (release, incident): (&str, &str),
    is_apart: bool,
    now: Timestamp,
) -> Vec<Effect> {
    let row = model
        .newest()
        .releases()
        .find(|(_, row)| row.id.raw() == release);
    let service = row.map(|(_, row)| row.service.clone()).unwrap_or_default();
    let event = Event {
        service,
        what: What::Linked {
            release: release.into(),
            incident: incident.into(),
            is_apart,
            who: model.newest().me().name.as_str().into(),
        },
        ..Event::note("", "", (now, now))
    };
    model.tell(if is_apart { "unlinked" } else { "linked" }, now);
    note(model, event)
}

/// The freezes that began or ended, for the journal.
pub(super) fn turned_freezes(model: &mut Model) -> Option<Effect> {
    let turned = model.store.take_freeze_turns();
    let is_kept = model.memory == Memory::Journal && !turned.is_empty();
    is_kept.then_some(Effect::KeepFreezes(turned))
}

fn note(model: &Model, event: Event) -> Vec<Effect> {
    match model.memory {
        Memory::Journal => vec![Effect::Note(Box::new(event))],
        Memory::None | Memory::Recording(_) => Vec::new(),
    }
}

/// A key that moves in time.
pub(super) fn step(model: &mut Model, action: Action, now: Timestamp) -> Vec<Effect> {
    if model.memory == Memory::None {
        model.tell("nothing is remembered here: there is no journal", now);
        return Vec::new();
    }
    let is_live = moment(model).is_none();
    let Some(wanted) = wanted(model, action, now) else {
        if matches!(action, Action::EventAfter | Action::Live) {
            return live(model, now);
        }
        model.tell("nothing that is remembered happened before that", now);
        return Vec::new();
    };
    if wanted >= end(model, now) {
        if is_live {
            model.tell("this is the present", now);
        }
        return live(model, now);
    }
    recall(model, wanted)
}

/// The moment of the past that is shown or was asked for; `None` for the present.
fn moment(model: &Model) -> Option<Timestamp> {
    let shown = model.frozen.as_ref().map(|view| view.at);
    model.asked.or(shown)
}

/// True where the present is shown, and no other moment was asked for.
pub(super) fn is_present(model: &Model) -> bool {
    let is_played = matches!(model.memory, Memory::Recording(_));
    moment(model).is_none() && !is_played
}

/// The moment that a key leads to; `None` where it leads to the present or nowhere.
pub(super) fn wanted(model: &Model, action: Action, now: Timestamp) -> Option<Timestamp> {
    let at = moment(model).unwrap_or(now);
    let events = model.sight(now).store.events().iter();
    let seen = events.map(|event| event.seen);
    match action {
        Action::Earlier => at.saturating_sub(STEP).ok(),
        Action::Later => at.saturating_add(STEP).ok(),
        Action::EventBefore => seen.filter(|seen| *seen < at).max(),
        Action::EventAfter => seen.filter(|seen| *seen > at).min(),
        _ => None,
    }
}

/// Shows the present again; of a recording, its end.
fn live(model: &mut Model, now: Timestamp) -> Vec<Effect> {
    match model.memory {
        Memory::Recording(playback) => recall(model, playback.to),
        Memory::None | Memory::Journal => {
            model.thaw(now);
            Vec::new()
        }
    }
}

/// Where the past ends.
fn end(model: &Model, now: Timestamp) -> Timestamp {
    match model.memory {
        // The end itself is a moment to look at.
        Memory::Recording(playback) => playback
            .to
            .saturating_add(SignedDuration::from_nanos(1))
            .unwrap_or(playback.to),
        Memory::None | Memory::Journal => now,
    }
}

/// Has a moment told.
pub(super) fn recall(model: &mut Model, at: Timestamp) -> Vec<Effect> {
    model.asked = Some(at);
    vec![Effect::Recall(at)]
}

/// Takes in the world at a moment; one that nobody asks for any more is let go.
pub(super) fn recalled(
    model: &mut Model,
    at: Timestamp,
    told: Result<World, Fault>,
    now: Timestamp,
) {
    if model.asked != Some(at) {
        return;
    }
    model.asked = None;
    match told {
        Ok(world) if world.since.is_none_or(|since| world.at < since) => {
            let since = world.since.map(|since| model.sight(now).clock(since));
            let words = since.map_or_else(
                || "nothing is remembered yet".to_owned(),
                |since| format!("nothing is remembered before {since}"),
            );
            model.tell(words, now);
        }
        Ok(world) => model.show_past(&world, now),
        Err(fault) => model.tell(
            format!("the past cannot be told: {}", fault.message.shown()),
            now,
        ),
    }
}

/// A recording goes on by what a second is worth.
pub(super) fn play(model: &mut Model) -> Vec<Effect> {
    let Memory::Recording(playback) = model.memory else {
        return Vec::new();
    };
    let at = match &model.frozen {
        // The last moment that was asked for is still on its way.
        _ if model.asked.is_some() => return Vec::new(),
        Some(_) if playback.speed == 0 => return Vec::new(),
        Some(view) if view.at >= playback.to => return Vec::new(),
        Some(view) => view.at,
        None => return recall(model, playback.from),
    };
    let next = at.saturating_add(SignedDuration::from_secs(playback.speed.into()));
    let next = next.unwrap_or(playback.to).min(playback.to);
    recall(model, next)
}

/// Stops a recording, or lets it go on. False where none is played.
pub(super) fn toggle(model: &mut Model) -> bool {
    let Memory::Recording(playback) = &mut model.memory else {
        return false;
    };
    if playback.speed == 0 {
        playback.speed = playback.was;
    } else {
        playback.speed = 0;
    }
    true
}

/// Says that a key needs the present, where that is not what is shown.
pub(super) fn refuses(model: &mut Model, action: Action, now: Timestamp) -> bool {
    if !model.is_past() {
        return false;
    }
    let words = match action {
        Action::Explain => {
            "numbers of the past are explained by `watchfire explain SLO --at TIME`; 0 shows the present"
        }
        _ if Wish::of(action).is_some() => {
            "this is the past: 0 shows the present, where things can be done"
        }
        _ => return false,
    };
    model.tell(words, now);
    true
}

/// What the header says of a view that does not show the present.
pub(super) fn badge(model: &Model, now: Timestamp, is_short: bool) -> Option<Line> {
    let frozen = model.frozen.as_ref()?;
    let age = figures::age(crate::domain::window::age(frozen.at, now));
    let then = frozen.at.to_zoned(model.zone.clone());
    let is_today = then.date() == now.to_zoned(model.zone.clone()).date();
    let form = match (is_today, is_short) {
        (true, true) => "%H:%M",
        (true, false) => "%H:%M:%S",
        (false, _) => "%b %d %H:%M",
    };
    let then = then.strftime(form);
    let text = match (frozen.why, model.memory) {
        (_, Memory::Recording(playback)) => {
            let state = match playback.speed {
                _ if frozen.at >= playback.to => "end".to_owned(),
                0 => "stopped".to_owned(),
                speed => format!("{speed}x"),
            };
            format!(" REPLAY {then} {state} ")
        }
        (Why::Paused, _) => format!(" PAUSED {age} "),
        (Why::Past, _) => format!(" PAST {then}, {age} ago "),
    };
    Some(Line::of(text, Role::Alarm))
}
