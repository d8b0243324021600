//! Where an open incident stands with me, and who has it, in a few words.

use jiff::SignedDuration;

use crate::domain::{Incident, IncidentStatus, Me, Severity, window};
use crate::pane::cell::{Line, Role};
use crate::pane::{Sight, figures};

/// A silence that ends within this time is soon everybody's again.
const SOON: SignedDuration = SignedDuration::from_hours(2);

/// A day of the week is no name for one that is as far as this.
const A_WEEK: SignedDuration = SignedDuration::from_hours(6 * 24);

/// What must not be forgotten while it makes no noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// I have said that I have it, and it is still open.
    Held,
    /// Its silence ends soon.
    Ending,
}

impl Lane {
    /// The word that a filter finds it by.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Held => "mine",
            Self::Ending => "ending",
        }
    }

    /// What a detail says.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::Held => "acked by you, still open",
            Self::Ending => "its silence ends within 2h",
        }
    }
}

/// The lane of an incident, if it is in one.
pub(super) fn of(sight: Sight<'_>, row: &Incident) -> Option<Lane> {
    match row.status {
        IncidentStatus::Acknowledged if is_held_by(row, sight.store.me()) => Some(Lane::Held),
        IncidentStatus::Silenced => {
            let left = sight.now.duration_until(row.silenced_until?);
            (left <= SOON).then_some(Lane::Ending)
        }
        _ => None,
    }
}

/// Whether I am who took it; where the source does not say who did, who has it.
pub(super) fn is_held_by(row: &Incident, me: &Me) -> bool {
    let who = if row.acknowledged_by.is_empty() {
        &row.assignees
    } else {
        &row.acknowledged_by
    };
    who.iter().any(|who| me.is(who))
}

/// Who has it and since when, in a few words.
pub(in crate::pane) fn status(sight: Sight<'_>, row: &Incident) -> Line {
    match row.status {
        IncidentStatus::Triggered => match row.assignees.first() {
            Some(who) => Line::new()
                .foreign(who, Role::Plain)
                .text(" not acked", Role::Strong),
            None => Line::of("nobody", untaken(row.severity)),
        },
        IncidentStatus::Acknowledged => {
            let line = holder(row, sight.store.me());
            match row.acknowledged_at {
                Some(at) => line.text(format!(", {}", sight.ago(Some(at))), Role::Dim),
                None => line,
            }
        }
        IncidentStatus::Silenced => silenced(sight, row),
        IncidentStatus::Gone => {
            let last_seen = row.gone.map(|gone| gone.last_seen);
            Line::of(format!("gone {}", sight.ago(last_seen)), Role::Plain)
        }
        IncidentStatus::Resolved => Line::of("resolved", Role::Plain),
    }
}

/// The same of a source that is silent: a time that goes on would say more than is known.
pub(super) fn was(sight: Sight<'_>, row: &Incident) -> Line {
    match row.status {
        IncidentStatus::Acknowledged => holder(row, sight.store.me()),
        IncidentStatus::Silenced => Line::of(word(row), Role::Plain),
        IncidentStatus::Triggered | IncidentStatus::Gone | IncidentStatus::Resolved => {
            status(sight, row)
        }
    }
}

/// The weight of an incident that nobody has.
fn untaken(severity: Severity) -> Role {
    match severity {
        Severity::Page => Role::Page,
        Severity::Ticket => Role::Ticket,
        Severity::Info => Role::Plain,
    }
}

fn word(row: &Incident) -> &'static str {
    row.suppression.map_or("silenced", |by| by.word())
}

fn holder(row: &Incident, me: &Me) -> Line {
    if is_held_by(row, me) {
        return Line::of("yours", Role::Accent);
    }
    match row.acknowledged_by.first().or(row.assignees.first()) {
        Some(who) => Line::new().foreign(who, Role::Plain),
        None => Line::of("acknowledged", Role::Plain),
    }
}

/// `ends in 72m` when that is soon, else `silenced till 16:30`, `till Fri` or `for 21d`.
fn silenced(sight: Sight<'_>, row: &Incident) -> Line {
    let Some(until) = row.silenced_until else {
        return Line::of(word(row), Role::Plain);
    };
    let left = window::age(sight.now, until);
    if of(sight, row) == Some(Lane::Ending) {
        return Line::of(format!("ends in {}", to_the_minute(left)), Role::Strong);
    }
    let then = until.to_zoned(sight.zone.clone());
    let today = sight.now.to_zoned(sight.zone.clone()).date();
    let text = if then.date() == today {
        then.strftime("silenced till %H:%M").to_string()
    } else if left < A_WEEK {
        then.strftime("silenced till %a").to_string()
    } else {
        format!("silenced for {}", figures::age(left))
    };
    Line::of(text, Role::Plain)
}

/// A time left of no more than two hours: the minutes decide whether to act now.
fn to_the_minute(left: SignedDuration) -> String {
    match left.as_mins() {
        0 => figures::age(left),
        minutes => format!("{minutes}m"),
    }
}

/// The columns of the longest that a status can become while time goes by.
pub(super) fn widest(row: &Incident, me: &Me) -> usize {
    const SINCE: usize = ", 59m".len();
    match row.status {
        IncidentStatus::Triggered => {
            let who = row.assignees.first();
            who.map_or("nobody?".len(), |who| {
                who.shown().width() + " not acked?".len()
            })
        }
        IncidentStatus::Acknowledged => {
            let since = row.acknowledged_at.map_or(0, |_| SINCE);
            holder(row, me).width() + since
        }
        IncidentStatus::Silenced => "silenced till Wed".len(),
        IncidentStatus::Gone => "gone 59m?".len(),
        IncidentStatus::Resolved => "resolved?".len(),
    }
}
