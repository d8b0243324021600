//! The hand-over of the shift that ends now, onto the clipboard.

use jiff::{SignedDuration, Timestamp};

use super::Effect;
use super::model::Model;
use super::past::Memory;
use crate::domain::Fault;

/// How long a shift is, as for `watchfire handoff`.
const SHIFT: SignedDuration = SignedDuration::from_hours(8);

/// A hand-over as it is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notes {
    /// Markdown, harmless to paste.
    pub text: String,
    /// False when it was cut to what a terminal takes.
    pub is_whole: bool,
}

/// Has the hand-over made of the eight hours before the moment that is shown.
pub(super) fn ask(model: &mut Model, now: Timestamp) -> Vec<Effect> {
    if model.memory == Memory::None {
        model.tell("nothing is remembered here: there is no journal", now);
        return Vec::new();
    }
    let until = model.sight(now).now;
    let since = until.saturating_sub(SHIFT).unwrap_or(Timestamp::MIN);
    model.tell("making the hand-over of 8h", now);
    let store = Box::new(model.newest().clone());
    vec![Effect::HandOver(store, (since, until))]
}

/// Copies it, or says why there is none.
pub(super) fn copy(model: &mut Model, told: Result<Notes, Fault>, now: Timestamp) -> Vec<Effect> {
    match told {
        Ok(notes) => {
            model.tell(
                if notes.is_whole {
                    "copied the hand-over of 8h"
                } else {
                    "copied the hand-over, cut to what a terminal takes: `watchfire handoff` prints all"
                },
                now,
            );
            vec![Effect::Copy(notes.text)]
        }
        Err(fault) => {
            model.tell(format!("no hand-over: {}", fault.message.shown()), now);
            Vec::new()
        }
    }
}
