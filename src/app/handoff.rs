//! The hand-over of the shift that ends now: made elsewhere, shown, and copied from there.

use jiff::{SignedDuration, Timestamp};

use super::action::Action;
use super::key::{Code, Key};
use super::model::Model;
use super::model::memory::{Memory, Notes};
use super::model::mode::Mode;
use super::scroll::scroll;
use super::{Effect, clip};
use crate::domain::Fault;
use crate::pane::block::{Block, Detail};
use crate::pane::{Line, Role};
use crate::text::Untrusted;

/// How long a shift is, as for `watchfire handoff`.
const SHIFT: SignedDuration = SignedDuration::from_hours(8);

/// Has the hand-over made of the eight hours before the moment that is shown.
pub(super) fn ask(model: &mut Model, now: Timestamp) -> Vec<Effect> {
    if model.memory == Memory::None {
        model.tell("no hand-over: there is no journal", now);
        return Vec::new();
    }
    let until = model.sight(now).now;
    let since = until.saturating_sub(SHIFT).unwrap_or(Timestamp::MIN);
    model.tell("making the hand-over of 8h", now);
    let store = Box::new(model.newest().clone());
    vec![Effect::HandOver(store, (since, until))]
}

/// Opens it, or says why there is none.
pub(super) fn open(model: &mut Model, made: Result<Notes, Fault>, now: Timestamp) {
    match made {
        Ok(notes) => {
            model.flash = None;
            model.notes = Some(notes);
            if !matches!(model.modes.top(), Mode::Handoff { .. }) {
                model.modes.push(Mode::Handoff { scroll: 0 });
            }
        }
        Err(fault) => model.tell(format!("no hand-over: {}", fault.message.shown()), now),
    }
}

/// A key while it is shown: it scrolls, is copied, or is closed.
pub(super) fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    match (key.code, model.keymap.resolve(key)) {
        (Code::Esc | Code::Enter, _) | (_, Some(Action::Back | Action::Quit)) => {
            model.modes.pop();
        }
        (_, Some(Action::CopyId)) => return copy(model),
        (_, Some(action)) => scroll(model, action),
        _ => {}
    }
    Vec::new()
}

fn copy(model: &mut Model) -> Vec<Effect> {
    let Some(notes) = model.notes.clone() else {
        return Vec::new();
    };
    let what = if notes.is_whole {
        "the hand-over of 8h"
    } else {
        "the hand-over, cut to what a terminal takes: `watchfire handoff` prints all"
    };
    clip::copy(model, what, notes.text)
}

/// What the keys do, and its text.
pub(super) fn detail(model: &Model) -> Detail {
    let mut detail = Detail {
        title: Line::of("hand-over", Role::Title),
        ..Detail::default()
    };
    let key = model.keymap.hint(Action::CopyId).unwrap_or_default();
    detail.line(
        Line::of(key, Role::Accent)
            .text(" copy  ", Role::Dim)
            .text("esc", Role::Accent)
            .text(" close", Role::Dim),
    );
    detail.blocks.push(Block::Gap);
    let text = model.notes.as_ref().map_or("", |notes| &notes.text);
    for line in text.lines() {
        let role = if line.starts_with('#') {
            Role::Title
        } else {
            Role::Plain
        };
        detail.line(Line::new().foreign(&Untrusted::from(line), role));
    }
    detail
}
