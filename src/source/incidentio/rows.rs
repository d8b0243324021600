//! Incidents and shifts of incident.io as ours, now and at a past moment.

use jiff::Timestamp;

use super::options::Options;
use super::wire::{self, Schedule, Shift, User};
use crate::domain::{Incident, IncidentStatus, OnCall};
use crate::source::kit::names;
use crate::source::severity::UnknownSeverities;
use crate::source::web_link;
use crate::text::Untrusted;

/// What an account calls the end of an incident, in the order of what tells most. These names can be
/// changed; then the time of the last change stands in.
const ENDED: [&str; 6] = [
    "Resolved at",
    "Fixed at",
    "Closed at",
    "Declined at",
    "Merged at",
    "Canceled at",
];
/// What it calls that somebody has taken it.
const TAKEN: [&str; 1] = ["Accepted at"];
/// The categories of statuses that are known.
const CATEGORIES: [&str; 8] = [
    "triage", "live", "paused", "learning", "closed", "declined", "canceled", "merged",
];

/// Reads one incident as it stands.
pub(super) fn incident(
    row: &wire::Incident,
    options: &Options,
    ranks: &[i64],
    teams: &[(String, String)],
    unknown: &mut UnknownSeverities,
) -> Incident {
    let status = status(row);
    let title = row.name.as_deref().filter(|name| !name.is_empty());
    let title = title.or(row.reference.as_deref()).unwrap_or(&row.id);
    let severity = options.severity(row, ranks, unknown);
    let mut incident = Incident::new(row.id.as_str(), title, severity, status);
    incident.service = service(row, options).unwrap_or_default();
    incident.opened_at = row.created();
    incident.acknowledged_at = row.moment(&TAKEN);
    incident.resolved_at = (status == IncidentStatus::Resolved)
        .then(|| row.moment(&ENDED).or(row.updated()))
        .flatten();
    let called = |(user, _): (&User, bool)| user.called().map(Untrusted::from);
    incident.assignees = names::distinct(row.holders().filter_map(called));
    let leads = row.holders().filter(|(_, leads)| *leads);
    incident.acknowledged_by = names::distinct(leads.filter_map(called));
    if status == IncidentStatus::Triggered {
        incident.acknowledged_at = None;
        incident.acknowledged_by.clear();
    }
    let team = |id: &str| {
        let known = teams.iter().find(|(known, _)| known == id);
        Untrusted::from(known.map_or(id, |(_, name)| name.as_str()))
    };
    incident.teams = row.team_ids().map(team).collect();
    incident.url = row.permalink.as_deref().and_then(web_link);
    incident.details = details(row);
    incident
}

/// Where an incident stands: it has no acknowledgements, but roles. In triage it is not accepted yet,
/// whoever leads it; an unknown category is open, so that it is seen.
pub(super) fn status(row: &wire::Incident) -> IncidentStatus {
    match row.category() {
        "learning" | "closed" | "declined" | "merged" | "canceled" => IncidentStatus::Resolved,
        "triage" => IncidentStatus::Triggered,
        _ if row.holders().next().is_some() => IncidentStatus::Acknowledged,
        _ => IncidentStatus::Triggered,
    }
}

/// Whom it concerns: the first value of the first field that is configured to say so.
fn service(row: &wire::Incident, options: &Options) -> Option<Untrusted> {
    options.service_fields.iter().find_map(|wanted| {
        let mut fields = row.fields();
        let (_, values) = fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
        values.first().copied().map(Untrusted::from)
    })
}

fn details(row: &wire::Incident) -> Vec<(Untrusted, Untrusted)> {
    let category = Some(row.category()).filter(|category| !CATEGORIES.contains(category));
    let status = row
        .status
        .as_ref()
        .and_then(|status| status.name.as_deref());
    let severity = row
        .severity
        .as_ref()
        .and_then(|severity| severity.name.as_deref());
    let kind = row.kind.as_ref().and_then(|kind| kind.name.as_deref());
    let mode = row.mode.as_deref().filter(|mode| *mode != "standard");
    let known = [
        ("reference", row.reference.as_deref()),
        ("status", status),
        ("category", category),
        ("severity", severity),
        ("type", kind),
        ("mode", mode),
        ("summary", row.summary.as_deref()),
        ("call", row.call_url.as_deref()),
        ("channel", row.slack_channel_name.as_deref()),
    ];
    let known = names::details(known.map(|(name, value)| (name, value.map(str::to_owned))));
    let own = row.fields().filter(|(_, values)| !values.is_empty());
    known
        .chain(own.map(|(name, values)| (name.into(), values.join(", ").into())))
        .collect()
}

/// The incident as it stood at `at`, as far as is known now; `None` when there was none.
pub(super) fn rewound(mut row: Incident, at: Timestamp) -> Option<Incident> {
    if row.opened_at? > at {
        return None;
    }
    let is_over = row.status == IncidentStatus::Resolved;
    if is_over && row.resolved_at? <= at {
        return Some(row);
    }
    // Roles have no dates: who has one now is taken to have had it, unless it was taken later.
    let is_taken_later = row.acknowledged_at.is_some_and(|taken| taken > at);
    row.resolved_at = None;
    if is_taken_later {
        row.acknowledged_at = None;
    }
    let is_triaged = row.status == IncidentStatus::Triggered;
    row.status = if is_triaged || is_taken_later || row.assignees.is_empty() {
        IncidentStatus::Triggered
    } else {
        IncidentStatus::Acknowledged
    };
    if row.status == IncidentStatus::Triggered {
        row.acknowledged_by.clear();
    }
    Some(row)
}

/// Who has a schedule, and who has it next.
pub(super) fn on_call(schedule: &Schedule) -> Vec<OnCall> {
    let current = schedule
        .current()
        .filter_map(|shift| shift_of(schedule, shift, false));
    let next = schedule
        .next()
        .filter_map(|shift| shift_of(schedule, shift, true));
    current.chain(next).collect()
}

/// One shift of a schedule; `None` when nobody has it.
pub(super) fn shift_of(schedule: &Schedule, shift: &Shift, is_next: bool) -> Option<OnCall> {
    Some(OnCall {
        schedule: schedule.called().into(),
        who: shift.user.as_ref().and_then(User::called)?.into(),
        from: shift.start().filter(|_| is_next),
        until: shift.end(),
        level: None,
        services: Vec::new(),
    })
}
