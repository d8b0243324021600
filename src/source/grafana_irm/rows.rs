//! Alert groups, read as incidents.

use jiff::Timestamp;
use serde_json::Value;

use super::names::Names;
use super::wire::{Group, user_id};
use crate::domain::{Incident, IncidentStatus, Suppression};
use crate::source::kit::incident_state::IncidentState;
use crate::source::kit::lenient_wire::time;
use crate::source::severity::{Severities, UnknownSeverities};
use crate::source::web_link;
use crate::text::Untrusted;

/// Where monitoring systems put their labels in what they send: Alertmanager and Grafana Alerting
/// common to all alerts and by group, others one by one.
const PAYLOAD_LABELS: [&str; 3] = ["commonLabels", "groupLabels", "labels"];
const PAYLOAD_ANNOTATIONS: [&str; 2] = ["commonAnnotations", "annotations"];

/// What gives names and labels their meaning.
pub(super) struct Reading<'a> {
    pub(super) users: &'a Names,
    pub(super) teams: &'a Names,
    pub(super) integrations: &'a Names,
    pub(super) service_labels: &'a [String],
    pub(super) severity_labels: &'a [String],
    pub(super) severities: &'a Severities,
}

/// Where a group stood at `moment`, as far as it tells now.
pub(super) fn standing(group: &Group, moment: Timestamp) -> IncidentState {
    let word = group.state.as_deref().unwrap_or("");
    let now = match word.to_ascii_lowercase().as_str() {
        "new" | "firing" => IncidentStatus::Triggered,
        word => IncidentStatus::from_word(word),
    };
    let was = |at: &Option<String>| {
        let at = time(at.as_deref());
        at.filter(|at| *at <= moment)
    };
    let is_young = |at: &Option<String>| time(at.as_deref()).is_some_and(|at| at > moment);
    let stood = |status, since| IncidentState { status, since };
    if now == IncidentStatus::Resolved && !is_young(&group.resolved_at) {
        return stood(now, was(&group.resolved_at));
    }
    // Of a state that has ended since, what came before it counts.
    let is_acknowledged = match now {
        IncidentStatus::Acknowledged => !is_young(&group.acknowledged_at),
        IncidentStatus::Resolved => was(&group.acknowledged_at).is_some(),
        _ => false,
    };
    if is_acknowledged {
        return stood(IncidentStatus::Acknowledged, was(&group.acknowledged_at));
    }
    if now == IncidentStatus::Silenced && !is_young(&group.silenced_at) {
        return stood(now, was(&group.silenced_at));
    }
    stood(IncidentStatus::Triggered, time(group.created_at.as_deref()))
}

/// Makes a group an incident, as it stood at `moment`.
pub(super) fn incident(
    group: &Group,
    reading: &Reading<'_>,
    moment: Timestamp,
    unknown: &mut UnknownSeverities,
) -> Incident {
    let standing = standing(group, moment);
    let is = |status| standing.status == status;
    let word = label(group, reading.severity_labels).unwrap_or_default();
    let severity = reading.severities.read(&word, unknown);
    let title = group.title.as_deref().map(str::trim);
    let title = title.filter(|title| !title.is_empty());
    let title = title.map_or_else(|| format!("alert group {}", group.id), str::to_owned);
    let acknowledged_at = time(group.acknowledged_at.as_deref()).filter(|at| *at <= moment);
    let who = group.acknowledged_by.as_ref().and_then(user_id);
    let who: Vec<Untrusted> = who
        .filter(|_| is(IncidentStatus::Acknowledged))
        .map(|id| reading.users.called(id))
        .into_iter()
        .collect();
    let team = group.team_id.as_deref();
    Incident {
        service: service(group, reading),
        suppression: is(IncidentStatus::Silenced).then_some(Suppression::Silence),
        opened_at: time(group.created_at.as_deref()),
        acknowledged_at,
        resolved_at: standing.since.filter(|_| is(IncidentStatus::Resolved)),
        assignees: who.clone(),
        acknowledged_by: who,
        teams: team
            .map(|id| reading.teams.called(id))
            .into_iter()
            .collect(),
        url: link(group),
        runbook: link_of(group, &["runbook_url", "runbook"]),
        alerts: group
            .alerts_count
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or(1)
            .max(1),
        details: details(group, reading),
        ..Incident::new(group.id.as_str(), title, severity, standing.status)
    }
}

/// What a label says, by whichever of these names: of the group, else of what was sent to it.
fn label(group: &Group, names: &[String]) -> Option<String> {
    let own = |name: &String| {
        let mut labels = group.labels.iter();
        let label = labels.find(|label| label.key.name.as_ref() == Some(name))?;
        label.value.name.clone()
    };
    let sent = |name: &String| {
        let payload = &group.last_alert.payload;
        PAYLOAD_LABELS
            .into_iter()
            .find_map(|key| payload.get(key)?.get(name)?.as_str())
            .map(str::to_owned)
    };
    let found = names
        .iter()
        .find_map(|name| own(name).or_else(|| sent(name)));
    found.filter(|value| !value.is_empty())
}

/// The first of these annotations that is a link.
fn link_of(group: &Group, names: &[&str]) -> Option<Untrusted> {
    let payload = &group.last_alert.payload;
    names.iter().find_map(|name| {
        let mut places = PAYLOAD_ANNOTATIONS.into_iter();
        let text = places.find_map(|key| payload.get(key)?.get(name)?.as_str())?;
        web_link(text)
    })
}

/// What the labels call it, else the integration that it came through.
fn service(group: &Group, reading: &Reading<'_>) -> Untrusted {
    if let Some(service) = label(group, reading.service_labels) {
        return service.into();
    }
    let integration = group.integration_id.as_deref();
    integration
        .and_then(|id| reading.integrations.name(id))
        .unwrap_or_default()
        .into()
}

/// The page for people: Grafana's own where it is told.
fn link(group: &Group) -> Option<Untrusted> {
    let known = ["web", "slack", "telegram"];
    let links = known
        .into_iter()
        .filter_map(|key| group.permalinks.get(key));
    links.filter_map(Value::as_str).find_map(web_link)
}

fn details(group: &Group, reading: &Reading<'_>) -> Vec<(Untrusted, Untrusted)> {
    let mut rows: Vec<(Untrusted, Untrusted)> = Vec::new();
    let named = |id: &Option<String>, names: &Names| id.as_deref().map(|id| names.called(id));
    let known = [
        ("state", group.state.as_deref().map(Into::into)),
        (
            "integration",
            named(&group.integration_id, reading.integrations),
        ),
        ("route", group.route_id.as_deref().map(Into::into)),
        (
            "resolved by",
            group
                .resolved_by
                .as_ref()
                .and_then(user_id)
                .map(|id| reading.users.called(id)),
        ),
    ];
    rows.extend(
        known
            .into_iter()
            .filter_map(|(name, value)| Some((name.into(), value?))),
    );
    for label in &group.labels {
        if let (Some(name), Some(value)) = (&label.key.name, &label.value.name) {
            rows.push((name.as_str().into(), value.as_str().into()));
        }
    }
    let payload = &group.last_alert.payload;
    for key in PAYLOAD_LABELS.into_iter().chain(PAYLOAD_ANNOTATIONS) {
        let fields = payload.get(key).and_then(Value::as_object);
        for (name, value) in fields.into_iter().flatten() {
            let is_known = rows.iter().any(|(known, _)| known.raw() == name);
            if let Some(value) = value.as_str().filter(|_| !is_known) {
                rows.push((name.as_str().into(), value.into()));
            }
        }
    }
    rows
}
