//! Alerts to incidents: what is one matter for a person becomes one row.
//!
//! Alertmanager's alerts and Prometheus' own come here alike.

mod matching;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

pub(super) use self::matching::{check, listed};
pub(super) use self::wire::{Alert, Silence, WireMatcher};
use crate::domain::{Incident, IncidentStatus, Severity, Suppression};
use crate::source::web_link;
use crate::text::Untrusted;

/// How many values of a label that differs between the alerts of an incident are spelled out.
const NAMED_VALUES: usize = 10;

/// The labels by which Sloth and Pyrra name the SLO that an alert watches over.
const SLO_LABELS: [&str; 2] = ["sloth_slo", "slo"];

/// Which labels name the service and the severity, the best first.
#[derive(Clone, Debug)]
pub(super) struct LabelNames {
    pub(super) service: Vec<String>,
    pub(super) severity: Vec<String>,
}

/// The default of the setting `service_labels`.
pub(super) fn service_labels() -> Vec<String> {
    ["service", "sloth_service", "job"]
        .map(str::to_owned)
        .into()
}

/// The default of the setting `severity_labels`.
pub(super) fn severity_labels() -> Vec<String> {
    ["sloth_severity", "severity"].map(str::to_owned).into()
}

/// What the alerts of one incident have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    alertname: String,
    service: String,
    severity: Severity,
    slo: String,
}

impl Key {
    fn of(alert: &Alert, names: &LabelNames) -> Self {
        Self {
            alertname: alert.label(&["alertname"]).to_owned(),
            service: alert.label(&names.service).to_owned(),
            severity: Severity::from_label(alert.label(&names.severity)),
            slo: alert.label(&SLO_LABELS).to_owned(),
        }
    }

    /// The same for the same matter, whatever the order of the alerts and however many there are.
    fn id(&self) -> String {
        let slo = match self.slo.as_str() {
            "" => String::new(),
            slo => format!(",slo={slo:?}"),
        };
        let severity = self.severity.word();
        format!(
            "{}{{service={:?},severity={severity:?}{slo}}}",
            self.alertname, self.service
        )
    }
}

/// Joins alerts of one name, service, severity and SLO into an incident; sorted by id.
pub(super) fn incidents(
    alerts: &[Alert],
    names: &LabelNames,
    silences: &[Silence],
) -> Vec<Incident> {
    let mut groups: BTreeMap<Key, Vec<&Alert>> = BTreeMap::new();
    for alert in alerts {
        groups.entry(Key::of(alert, names)).or_default().push(alert);
    }
    groups
        .into_iter()
        .map(|(key, mut alerts)| {
            alerts.sort_by_key(|alert| (alert.started(), alert.fingerprint.clone()));
            incident(&key, &alerts, names, silences)
        })
        .collect()
}

/// One incident; `alerts` is not empty, and the oldest comes first and speaks for all.
fn incident(key: &Key, alerts: &[&Alert], names: &LabelNames, silences: &[Silence]) -> Incident {
    let speaker = alerts.first();
    let is_silenced = alerts.iter().all(|alert| alert.is_suppressed());
    let annotation = |names| speaker.and_then(|alert| alert.annotation(names));
    let title = annotation(&["summary", "title", "description"])
        .and_then(|text| text.lines().next())
        .unwrap_or(&key.alertname);
    let status = if is_silenced {
        IncidentStatus::Silenced
    } else {
        IncidentStatus::Triggered
    };
    Incident {
        service: key.service.as_str().into(),
        suppression: if is_silenced {
            suppression(alerts)
        } else {
            None
        },
        opened_at: alerts.iter().filter_map(|alert| alert.started()).min(),
        url: speaker
            .and_then(|alert| alert.generator_url.as_deref())
            .and_then(web_link),
        runbook: annotation(&["runbook_url", "runbook"]).map(Untrusted::from),
        silenced_until: if is_silenced {
            silenced_until(alerts, silences)
        } else {
            None
        },
        silenced_by: if is_silenced {
            silencers(alerts).map(Untrusted::from).collect()
        } else {
            Vec::new()
        },
        matchers: matching::matchers(alerts, names),
        alerts: alerts.len(),
        details: details(alerts, silences),
        ..Incident::new(key.id(), title, key.severity, status)
    }
}

/// By what the alerts are held back. Where they differ, what a person did comes first: a silence
/// ends at a time somebody chose, an inhibition with its cause, a mute interval by the calendar.
fn suppression(alerts: &[&Alert]) -> Option<Suppression> {
    let any = |holders: fn(&Alert) -> &[String]| alerts.iter().any(|a| !holders(a).is_empty());
    if any(|alert| &alert.status.silenced_by) {
        Some(Suppression::Silence)
    } else if any(|alert| &alert.status.inhibited_by) {
        Some(Suppression::Inhibition)
    } else if any(|alert| &alert.status.muted_by) {
        Some(Suppression::Mute)
    } else {
        None
    }
}

/// When the first of the alerts is no longer silenced; `None` when one of them is held back by
/// silences of which the end is not known, or when none is silenced.
fn silenced_until(alerts: &[&Alert], silences: &[Silence]) -> Option<Timestamp> {
    let ends = |id: &String| {
        let silence = silences.iter().find(|silence| silence.id == *id)?;
        silence.ends()
    };
    let mut first = None;
    for alert in alerts {
        let by = &alert.status.silenced_by;
        if by.is_empty() {
            continue;
        }
        let last = by.iter().map(ends).collect::<Option<Vec<_>>>()?;
        let last = last.into_iter().max()?;
        first = Some(first.map_or(last, |first: Timestamp| first.min(last)));
    }
    first
}

/// The silences that hide any of the alerts, each once and in order.
fn silencers<'a>(alerts: &[&'a Alert]) -> impl Iterator<Item = &'a str> {
    let ids: BTreeSet<&str> = alerts
        .iter()
        .flat_map(|alert| &alert.status.silenced_by)
        .map(String::as_str)
        .collect();
    ids.into_iter()
}

/// Labels all share, then those in which they differ, annotations, receivers, silences.
fn details(alerts: &[&Alert], silences: &[Silence]) -> Vec<(Untrusted, Untrusted)> {
    let mut rows = Vec::new();
    let mut differing = Vec::new();
    for (name, values) in values_by_name(alerts) {
        if values.len() == 1 {
            rows.extend(values.iter().map(|&value| (name.into(), value.into())));
        } else {
            differing.push((name.into(), named(&values).into()));
        }
    }
    rows.append(&mut differing);
    let annotations = alerts.first().map(|alert| &alert.annotations);
    rows.extend(
        annotations
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.as_str().into(), value.as_str().into())),
    );
    let receivers: BTreeSet<&str> = alerts
        .iter()
        .flat_map(|alert| &alert.receivers)
        .map(|receiver| receiver.name.as_str())
        .collect();
    if !receivers.is_empty() {
        rows.push(("receivers".into(), named(&receivers).into()));
    }
    rows.extend(silencers(alerts).map(|id| ("silenced by".into(), silenced(id, silences).into())));
    rows
}

/// The values of every label, an empty one for the alerts that lack it.
fn values_by_name<'a>(alerts: &[&'a Alert]) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let names: BTreeSet<&str> = alerts
        .iter()
        .flat_map(|alert| alert.labels.keys())
        .map(String::as_str)
        .collect();
    names
        .into_iter()
        .map(|name| {
            let values = alerts
                .iter()
                .map(|alert| alert.labels.get(name).map_or("", String::as_str))
                .collect();
            (name, values)
        })
        .collect()
}

/// The first values by name, the rest as a number.
fn named(values: &BTreeSet<&str>) -> String {
    let named: Vec<&str> = values.iter().take(NAMED_VALUES).copied().collect();
    let named = named.join(", ");
    match values.len().saturating_sub(NAMED_VALUES) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// Who silenced, until when and why, as far as it is known; the id is always there.
fn silenced(id: &str, silences: &[Silence]) -> String {
    let Some(silence) = silences.iter().find(|silence| silence.id == id) else {
        return format!("silence {id}");
    };
    let until = silence.ends().map_or_else(String::new, |ends| {
        format!(" until {}", ends.strftime("%Y-%m-%dT%H:%M:%SZ"))
    });
    let comment = if silence.comment.is_empty() {
        String::new()
    } else {
        format!(": {}", silence.comment)
    };
    format!("{}{until}{comment} (silence {id})", silence.created_by)
}

#[cfg(test)]
mod tests;
