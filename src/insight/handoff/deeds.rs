//! What was done from here in a shift, from the audit log and from what the journal noted.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Shift;
use crate::domain::{Event, What};
use crate::text::Untrusted;

/// An order of the audit log and a note of the journal that are this close are one deed.
const CLOSE: SignedDuration = SignedDuration::from_secs(60);

/// Something that was done, or tried.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Act {
    /// When.
    #[serde(serialize_with = "crate::domain::clock::seconds")]
    pub at: Timestamp,
    /// Who did it; empty when nobody said who sits here.
    #[serde(serialize_with = "super::said")]
    pub who: Untrusted,
    /// At which source; empty for a command.
    #[serde(serialize_with = "super::said")]
    pub source: Untrusted,
    /// What: `silence` for example, or `run`.
    pub verb: Untrusted,
    /// To what, by id.
    pub target: Untrusted,
    /// What that is called.
    pub name: Untrusted,
    /// `done`, `moved`, `refused`, `unsure`, `failed`; `unknown` when nobody wrote that down.
    pub result: String,
    /// What was said to it.
    #[serde(serialize_with = "super::said")]
    pub said: Untrusted,
}

/// A note that somebody wrote on a moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Noted {
    /// The moment.
    #[serde(serialize_with = "crate::domain::clock::seconds")]
    pub at: Timestamp,
    /// Who wrote it; empty when nobody said who sits here.
    #[serde(serialize_with = "super::said")]
    pub who: Untrusted,
    /// The note.
    pub text: Untrusted,
}

/// The notes of a shift, oldest first.
pub(super) fn notes(shift: &Shift<'_>) -> Vec<Noted> {
    let noted = |event: &Event| match &event.what {
        What::Note { text, who } => Some(Noted {
            at: event.at,
            who: who.clone(),
            text: text.clone(),
        }),
        _ => None,
    };
    shift.events.iter().filter_map(noted).collect()
}

/// What the audit log says.
#[derive(Clone, Debug, PartialEq)]
pub enum Deeds {
    /// All that was done, whenever.
    Known(Vec<Act>),
    /// Why it cannot be told.
    Unknown(Untrusted),
}

/// What the journal noted, oldest first.
pub(super) fn noted(shift: &Shift<'_>) -> Vec<Act> {
    shift.events.iter().filter_map(act).collect()
}

/// Orders of the audit log, and of what was noted those that are not among them, oldest first.
pub(super) fn merged(mut all: Vec<Act>, noted: Vec<Act>) -> Vec<Act> {
    for act in noted {
        let is_same = |one: &Act| {
            one.verb == act.verb
                && one.at.duration_until(act.at).abs() <= CLOSE
                && (one.name == act.name || one.target == act.target)
        };
        if !all.iter().any(is_same) {
            all.push(act);
        }
    }
    all.sort_by_key(|act| act.at);
    all
}

fn act(event: &Event) -> Option<Act> {
    let What::Done {
        verb,
        target,
        who,
        result,
        said,
    } = &event.what
    else {
        return None;
    };
    let source = event.source.as_ref();
    // A command of the user's own is at no source, and goes by its label.
    let (verb, name) = match source {
        Some(_) => (verb.clone(), target.clone()),
        None => ("run".into(), verb.clone()),
    };
    Some(Act {
        at: event.at,
        who: who.clone(),
        source: source
            .map(|source| source.as_str().into())
            .unwrap_or_default(),
        verb,
        target: event.subject.clone(),
        name,
        result: result.clone(),
        said: said.clone(),
    })
}
