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

/// What the audit log says.
#[derive(Clone, Debug, PartialEq)]
pub enum Deeds {
    /// All that was done, whenever.
    Known(Vec<Act>),
    /// Why it cannot be told.
    Unknown(Untrusted),
}

/// Everything that was done in the shift, oldest first, each once.
pub(super) fn all(shift: &Shift<'_>) -> Vec<Act> {
    let within = |at: Timestamp| at >= shift.since && at <= shift.until;
    let mut all: Vec<_> = match shift.deeds {
        Deeds::Known(acts) => acts.iter().filter(|act| within(act.at)).cloned().collect(),
        Deeds::Unknown(_) => Vec::new(),
    };
    let noted: Vec<_> = shift.events.iter().filter_map(act).collect();
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
    Some(Act {
        at: event.at,
        who: who.clone(),
        source: source
            .map(|source| source.as_str().into())
            .unwrap_or_default(),
        verb: verb.clone(),
        target: event.subject.clone(),
        name: target.clone(),
        result: result.clone(),
        said: said.clone(),
    })
}
