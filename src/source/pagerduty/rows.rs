//! Incidents as ours, now and as they stood at a past moment.

use jiff::Timestamp;

use super::options::Severities;
use super::wire::{self, LogEntry, Named};
use crate::domain::{Incident, IncidentStatus};
use crate::source::kit::names;
use crate::source::severity::UnknownSeverities;
use crate::source::web_link;
use crate::text::Untrusted;

/// Reads one incident as it stands.
pub(super) fn incident(
    row: &wire::Incident,
    severities: &Severities,
    unknown: &mut UnknownSeverities,
) -> Incident {
    let status = status(row.status.as_deref());
    let taken = row.acknowledgements();
    let title = [&row.title, &row.summary];
    let title = title.into_iter().flatten().find(|title| !title.is_empty());
    let mut incident = Incident::new(
        row.id.as_str(),
        title.map_or(row.id.as_str(), String::as_str),
        severities.of(row, unknown),
        status,
    );
    incident.service = name(row.service.as_ref()).unwrap_or_default();
    incident.opened_at = row.created();
    incident.acknowledged_at = taken.iter().find_map(|(at, _)| *at);
    incident.acknowledged_by = distinct(taken.iter().filter_map(|(_, who)| *who));
    incident.resolved_at = row
        .resolved()
        .filter(|_| status == IncidentStatus::Resolved);
    incident.assignees = distinct(row.assignees());
    incident.teams = distinct(row.teams());
    incident.silenced_until = row
        .pending("unacknowledge")
        .filter(|_| status == IncidentStatus::Acknowledged);
    incident.url = row.html_url.as_deref().and_then(web_link);
    let alerts = row.alert_counts.as_ref().and_then(|counts| counts.all);
    incident.alerts = alerts.unwrap_or(1).max(1);
    incident.details = details(row);
    incident
}

/// What else is worth reading, in the order in which it is asked for at night.
fn details(row: &wire::Incident) -> Vec<(Untrusted, Untrusted)> {
    let number = row.number.as_ref().map(ToString::to_string);
    let known = ["triggered", "acknowledged", "resolved"];
    let status = row.status.as_deref().filter(|word| !known.contains(word));
    let at = |kind| row.pending(kind).map(|at| at.to_string());
    let bridge = row.conference_bridge.as_ref();
    let rows = [
        ("number", number),
        ("status", status.map(str::to_owned)),
        ("urgency", row.urgency.clone()),
        ("priority", called(row.priority.as_ref())),
        ("escalation policy", called(row.escalation_policy.as_ref())),
        ("escalates at", at("escalate")),
        ("unacknowledged at", at("unacknowledge")),
        ("resolves itself at", at("resolve")),
        (
            "last changed by",
            called(row.last_status_change_by.as_ref()),
        ),
        (
            "conference",
            bridge.and_then(|bridge| bridge.conference_url.clone()),
        ),
        (
            "conference number",
            bridge.and_then(|bridge| bridge.conference_number.clone()),
        ),
        ("incident key", row.key.clone()),
    ];
    names::details(rows).collect()
}

/// Where an incident stands; a word that nobody has told us of is open, so that it is seen.
pub(super) fn status(word: Option<&str>) -> IncidentStatus {
    match word {
        Some("acknowledged") => IncidentStatus::Acknowledged,
        Some("resolved") => IncidentStatus::Resolved,
        _ => IncidentStatus::Triggered,
    }
}

/// The incident as it stood at `at`, as far as its row tells; `None` when there was none.
///
/// False when only its log can tell where it stood then.
pub(super) fn rewound(mut row: Incident, at: Timestamp) -> Option<(Incident, bool)> {
    if row.opened_at? > at {
        return None;
    }
    match row.status {
        IncidentStatus::Resolved if row.resolved_at? <= at => Some((row, true)),
        // Nobody unacknowledged it since, or it would not be acknowledged by that name now.
        IncidentStatus::Acknowledged if row.acknowledged_at.is_some_and(|taken| taken <= at) => {
            Some((row, true))
        }
        _ => {
            row.status = IncidentStatus::Triggered;
            row.resolved_at = None;
            row.acknowledged_at = None;
            row.acknowledged_by.clear();
            row.silenced_until = None;
            Some((row, false))
        }
    }
}

/// Corrects a rewound incident by what its log says up to that moment.
pub(super) fn correct(row: &mut Incident, mut log: Vec<LogEntry>, at: Timestamp) {
    log.retain(|entry| entry.created().is_some_and(|created| created <= at));
    log.sort_by_key(LogEntry::created);
    for entry in log {
        match entry.kind.as_deref().unwrap_or_default() {
            "acknowledge_log_entry" | "acknowledgement_log_entry" => {
                row.status = IncidentStatus::Acknowledged;
                row.acknowledged_at = row.acknowledged_at.or(entry.created());
                if let Some(who) = name(entry.agent.as_ref())
                    && !row.acknowledged_by.contains(&who)
                {
                    row.acknowledged_by.push(who);
                }
            }
            "unacknowledge_log_entry" | "trigger_log_entry" => {
                row.status = IncidentStatus::Triggered;
                row.acknowledged_at = None;
                row.acknowledged_by.clear();
                row.resolved_at = None;
            }
            "resolve_log_entry" => {
                row.status = IncidentStatus::Resolved;
                row.resolved_at = entry.created();
            }
            "assign_log_entry" | "escalate_log_entry" => {
                row.assignees = distinct(entry.assignees());
            }
            _ => {}
        }
    }
}

/// What each is called, once.
fn distinct<'a>(named: impl Iterator<Item = &'a Named>) -> Vec<Untrusted> {
    names::distinct(named.filter_map(|named| name(Some(named))))
}

fn name(named: Option<&Named>) -> Option<Untrusted> {
    named.and_then(Named::called).map(Untrusted::from)
}

fn called(named: Option<&Named>) -> Option<String> {
    named.and_then(Named::called).map(str::to_owned)
}
