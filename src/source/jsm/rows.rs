//! Alerts, read as incidents.

use jiff::Timestamp;
use serde_json::Value;

use super::names::Names;
use super::wire::Alert;
use crate::domain::{Incident, IncidentStatus, Suppression};
use crate::source::kit::incident_state::IncidentState;
use crate::source::kit::lenient_wire::time;
use crate::source::kit::names;
use crate::source::severity::{Severities, UnknownSeverities};
use crate::text::Untrusted;

/// Where an alert stood at `moment`, as far as it tells now.
///
/// `status` says `open` for what is acknowledged or snoozed as well, and flags say the rest; newer
/// words (`acked`, `snoozed`) are taken for the same. A closed one that does not say when was closed
/// when it last changed.
pub(super) fn standing(alert: &Alert, moment: Timestamp) -> IncidentState {
    let word = alert.status.as_deref().unwrap_or("").to_ascii_lowercase();
    let by = |at: Option<Timestamp>| at.is_none_or(|at| at <= moment);
    let closed = time(alert.close_time.as_deref()).or_else(|| time(alert.updated_at.as_deref()));
    if matches!(word.as_str(), "closed" | "resolved") && by(closed) {
        return IncidentState {
            status: IncidentStatus::Resolved,
            since: closed,
        };
    }
    let until = time(alert.snoozed_until.as_deref());
    let is_snoozed = alert.snoozed == Some(true) || word == "snoozed";
    if is_snoozed && until.is_none_or(|until| until > moment) {
        return IncidentState {
            status: IncidentStatus::Silenced,
            since: None,
        };
    }
    let acked = time(alert.ack_time.as_deref());
    let is_acked =
        alert.acknowledged == Some(true) || matches!(word.as_str(), "acked" | "acknowledged");
    if is_acked && by(acked) {
        return IncidentState {
            status: IncidentStatus::Acknowledged,
            since: acked,
        };
    }
    IncidentState {
        status: IncidentStatus::Triggered,
        since: time(alert.created_at.as_deref()),
    }
}

/// What gives ids, labels and priorities their meaning.
pub(super) struct Reading<'a> {
    pub(super) names: &'a Names,
    pub(super) labels: &'a [String],
    pub(super) severities: &'a Severities,
    /// Priorities that nobody has mapped.
    pub(super) unknown: UnknownSeverities,
}

/// Makes an alert an incident, as it stood at `moment`.
pub(super) fn incident(alert: &Alert, reading: &mut Reading<'_>, moment: Timestamp) -> Incident {
    let names = reading.names;
    let standing = standing(alert, moment);
    let is = |status| standing.status == status;
    let owner = some(alert.owner.as_deref());
    let responders = |kind: &'static str| {
        let of = move |given: &str| given.eq_ignore_ascii_case(kind);
        let all = alert.responders.iter();
        all.filter(move |one| one.kind.as_deref().is_some_and(of))
            .filter_map(|one| Some(names.called(one.id.as_deref()?)))
    };
    let title = some(alert.message.as_deref());
    let title = title.unwrap_or_else(|| format!("alert {}", alert.id).into());
    let priority = alert.priority.as_deref().unwrap_or_default();
    let severity = reading.severities.read(priority, &mut reading.unknown);
    Incident {
        service: service(alert, reading.labels).unwrap_or_default().into(),
        suppression: is(IncidentStatus::Silenced).then_some(Suppression::Silence),
        opened_at: time(alert.created_at.as_deref()),
        acknowledged_at: time(alert.ack_time.as_deref()).filter(|at| *at <= moment),
        resolved_at: standing.since.filter(|_| is(IncidentStatus::Resolved)),
        assignees: match &owner {
            Some(owner) => vec![owner.clone()],
            None => responders("user").collect(),
        },
        // Whoever acknowledges an alert that nobody has becomes its owner.
        acknowledged_by: owner
            .filter(|_| is(IncidentStatus::Acknowledged))
            .into_iter()
            .collect(),
        teams: responders("team").collect(),
        silenced_until: time(alert.snoozed_until.as_deref())
            .filter(|_| is(IncidentStatus::Silenced)),
        details: details(alert),
        ..Incident::new(alert.id.as_str(), title, severity, standing.status)
    }
}

/// The first of `labels` among the extra properties, or among the tags (`service:checkout`), else the
/// entity: "a server, service, application or another source" (the vendor's description).
fn service(alert: &Alert, labels: &[String]) -> Option<String> {
    let property = |label: &String| {
        let value = alert.extra_properties.get(label)?;
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        (!text.is_empty() && !value.is_null()).then_some(text)
    };
    let tag = |label: &String| {
        alert.tags.iter().find_map(|tag| {
            let rest = tag.strip_prefix(label.as_str())?;
            let value = rest.strip_prefix([':', '='])?.trim();
            (!value.is_empty()).then(|| value.to_owned())
        })
    };
    let named = labels
        .iter()
        .find_map(|label| property(label).or_else(|| tag(label)));
    named.or_else(|| alert.entity.clone().filter(|entity| !entity.is_empty()))
}

fn details(alert: &Alert) -> Vec<(Untrusted, Untrusted)> {
    let number = alert.tiny_id.as_ref().and_then(plain);
    let tags = (!alert.tags.is_empty()).then(|| alert.tags.join(", "));
    let count = alert.count.filter(|count| *count > 1);
    let known = [
        ("alert", number.map(|number| format!("#{number}"))),
        ("priority", alert.priority.clone()),
        ("status", alert.status.clone()),
        ("entity", alert.entity.clone()),
        ("source", alert.source.clone()),
        ("integration", alert.integration_name.clone()),
        ("tags", tags),
        ("alias", alert.alias.clone()),
        ("occurred", count.map(|count| format!("{count} times"))),
        ("last occurred", alert.last_occurred_at.clone()),
        ("description", alert.description.clone()),
    ];
    let extra = alert.extra_properties.iter();
    let extra =
        extra.filter_map(|(name, value)| Some((name.as_str().into(), plain(value)?.into())));
    names::details(known).chain(extra).collect()
}

/// A plain value as text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn some(text: Option<&str>) -> Option<Untrusted> {
    text.map(str::trim)
        .filter(|text| !text.is_empty())
        .map(Into::into)
}
