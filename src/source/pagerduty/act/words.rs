//! An order in words: how it stands, what would come of it, what came of it.

use jiff::Timestamp;

use super::super::rows;
use super::super::wire::{Incident, Named};
use super::Plan;
use crate::domain::{Deed, IncidentStatus, Order};

/// `acknowledged by Mara since 14:02 UTC`.
pub(super) fn standing(row: &Incident, present: IncidentStatus) -> String {
    let mut words = present.word().to_owned();
    let by = match present {
        IncidentStatus::Acknowledged => row
            .acknowledgements()
            .iter()
            .rev()
            .find_map(|(_, who)| *who),
        _ => row.last_status_change_by.as_ref(),
    };
    if let Some(by) = by.and_then(Named::called) {
        words = format!("{words} by {by}");
    }
    let since = match present {
        IncidentStatus::Resolved => row.resolved(),
        _ => row.status_changed(),
    };
    since.map_or(words.clone(), |since| {
        format!("{words} since {}", clock(since))
    })
}

fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M UTC").to_string()
}

/// What comes of it, in words.
pub(super) fn consequence(order: &Order, plan: &Plan) -> String {
    let is_over = rows::status(plan.row.status.as_deref()) == IncidentStatus::Resolved;
    match &order.deed {
        Deed::Acknowledge => "acknowledge it".to_owned(),
        Deed::Unacknowledge if is_over => {
            "open it again as triggered: whoever is on call is notified".to_owned()
        }
        Deed::Unacknowledge | Deed::Unsnooze => {
            "take it back to triggered: whoever has it is notified".to_owned()
        }
        Deed::Resolve => "resolve it".to_owned(),
        Deed::Snooze { until } => {
            let until = until.strftime("%Y-%m-%d %H:%M UTC");
            format!("snooze it: acknowledged until {until}, then triggered again")
        }
        Deed::Note { text } => format!("write beside it: {text}"),
        Deed::Escalate => {
            let now = plan.level_now.map_or_else(
                || "assigned to people by name".to_owned(),
                |level| format!("at level {level}"),
            );
            let (level, who) = plan.level.clone().unwrap_or_default();
            format!(
                "escalate it, now {now}, to level {level}: {}",
                who.join(", ")
            )
        }
        Deed::Silence { .. } | Deed::Extend { .. } | Deed::Expire => String::new(),
    }
}

/// One sentence of what was done.
pub(super) fn said(order: &Order, plan: &Plan, row: Option<&Incident>, email: &str) -> String {
    let id = &plan.row.id;
    let wanted = match &order.deed {
        Deed::Acknowledge | Deed::Snooze { .. } => Some("acknowledged"),
        Deed::Resolve => Some("resolved"),
        Deed::Unacknowledge | Deed::Unsnooze => Some("triggered"),
        _ => None,
    };
    let status = row.and_then(|row| row.status.as_deref());
    if let (Some(wanted), Some(status)) = (wanted, status)
        && wanted != status
    {
        return format!("PagerDuty took it for {id}, and says that it is {status}");
    }
    match &order.deed {
        Deed::Snooze { until } => format!("{id} is snoozed until {} as {email}", clock(*until)),
        Deed::Note { .. } => format!("the note is written beside {id} as {email}"),
        Deed::Escalate => {
            let (level, who) = plan.level.clone().unwrap_or_default();
            format!(
                "{id} is escalated to level {level} ({}) as {email}",
                who.join(", ")
            )
        }
        _ => format!("{id} is {} as {email}", wanted.unwrap_or_default()),
    }
}
