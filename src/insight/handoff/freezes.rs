//! The freezes of releases that hold at the end of a shift, and those that ended in it.

use jiff::Timestamp;
use serde::Serialize;

use super::Shift;
use crate::domain::{Event, What};
use crate::text::Untrusted;

/// A time in which releases of a service were frozen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Frozen {
    /// The service.
    pub service: Untrusted,
    /// The policy.
    pub policy: Untrusted,
    /// The cause when it began, and what ends it.
    #[serde(serialize_with = "super::said")]
    pub reason: Untrusted,
    /// When it was seen to begin, which may be before the shift.
    #[serde(serialize_with = "crate::domain::clock::seconds")]
    pub from: Timestamp,
    /// When it ended; `None` while it holds.
    #[serde(serialize_with = "crate::domain::clock::maybe_seconds")]
    pub until: Option<Timestamp>,
}

/// The freezes of a shift: those that hold at its end first, then oldest first.
pub(super) fn all(shift: &Shift<'_>) -> Vec<Frozen> {
    let mut all: Vec<Frozen> = Vec::new();
    for event in shift.frozen.iter().chain(shift.events) {
        let What::Freeze {
            is_frozen,
            policy,
            reason,
        } = &event.what
        else {
            continue;
        };
        let mut open = all.iter_mut().rev();
        let open = open.find(|one| one.service == event.service && one.until.is_none());
        // Where another policy took over, the time of the one before ends.
        if let Some(open) = open {
            open.until = Some(event.at);
        }
        if *is_frozen {
            all.push(begun(event, policy, reason));
        }
    }
    all.sort_by_key(|one| (one.until.is_some(), one.from));
    all
}

fn begun(event: &Event, policy: &Untrusted, reason: &Untrusted) -> Frozen {
    Frozen {
        service: event.service.clone(),
        policy: policy.clone(),
        reason: reason.clone(),
        from: event.at,
        until: None,
    }
}
