//! Alerts to incidents: what is one matter for a person becomes one row.
//!
//! Alertmanager's alerts and Prometheus' own come here alike.

mod identity;
mod labels;
mod matching;
mod wire;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use self::identity::Key;
pub(super) use self::labels::{LabelNames, service_labels, severity_labels, severity_warnings};
use self::matching::Namesakes;
pub(super) use self::matching::{check, listed};
pub(super) use self::wire::{Alert, Silence, WireMatcher};
use crate::domain::{Expiry, Incident, IncidentStatus, Matcher, Member, Severity, Suppression};
use crate::http::RowLimit;
use crate::source::web_link;
use crate::text::Untrusted;

/// How many alerts of one answer are made to incidents.
pub(super) const MAX_ALERTS: RowLimit = RowLimit {
    most: 20_000,
    what: "alerts",
    fix: "narrow them by `filter` or `receiver`",
};
/// How many values of a label that differs between the alerts of an incident are spelled out.
const NAMED_VALUES: usize = 10;

/// How many alerts of an incident can be looked at and silenced one by one.
const MAX_MEMBERS: usize = 100;

/// Joins alerts of one name, service, severity and place into an incident, and all alerts on one SLO of
/// one name; in the order of these.
pub(super) fn incidents(
    alerts: &[Alert],
    names: &LabelNames,
    silences: &[Silence],
) -> Vec<Incident> {
    let mut groups: BTreeMap<Key, Vec<&Alert>> = BTreeMap::new();
    let mut namesakes: BTreeMap<&str, Vec<&Alert>> = BTreeMap::new();
    for alert in alerts {
        groups
            .entry(Key::new(alert, names))
            .or_default()
            .push(alert);
        let name = alert.label(&["alertname"]);
        namesakes.entry(name).or_default().push(alert);
    }
    let namesakes: BTreeMap<&str, Namesakes<'_>> = namesakes
        .into_iter()
        .map(|(name, alerts)| (name, Namesakes::new(alerts, names)))
        .collect();
    let joined = groups.into_iter().filter_map(|(key, mut alerts)| {
        alerts.sort_by_key(|alert| {
            let severity = Reverse(names.severity_of(alert));
            (severity, alert.started(), alert.fingerprint.clone())
        });
        let severity = names.severity_of(alerts.first()?);
        let namesakes = namesakes.get(key.alertname.as_str())?;
        let incident = incident((&key, severity), &alerts, namesakes, silences);
        Some((key, incident))
    });
    let mut joined: Vec<(Key, Incident)> = joined.collect();
    name_places(&mut joined);
    joined.into_iter().map(|(_, incident)| incident).collect()
}

/// Adds to equal titles where each is: `host is down (cluster prod)`.
fn name_places(joined: &mut [(Key, Incident)]) {
    let mut twins: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for (at, (key, incident)) in joined.iter().enumerate() {
        let title = incident.title.raw().to_owned();
        twins
            .entry((key.service.clone(), title))
            .or_default()
            .push(at);
    }
    for twins in twins.values().filter(|twins| twins.len() > 1) {
        let keys: Vec<&Key> = twins.iter().map(|at| &joined[*at].0).collect();
        let titles = keys.iter().map(|key| key.places_beside(&keys));
        let places: Vec<String> = titles.collect();
        for (at, place) in twins.iter().zip(places) {
            let incident = &mut joined[*at].1;
            if !place.is_empty() {
                incident.title = format!("{} ({place})", incident.title.raw()).into();
            }
        }
    }
}

/// One incident; `alerts` is not empty, and the oldest of the worst comes first and speaks for all.
fn incident(
    (key, severity): (&Key, Severity),
    alerts: &[&Alert],
    namesakes: &Namesakes<'_>,
    silences: &[Silence],
) -> Incident {
    let speaker = alerts.first();
    let is_silenced = alerts.iter().all(|alert| alert.is_suppressed());
    let annotation = |names| speaker.and_then(|alert| alert.annotation(names));
    let title = annotation(&["summary", "title", "description"])
        .and_then(|text| text.lines().next())
        .map_or_else(|| name_of(key, alerts), str::to_owned);
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
        runbook: annotation(&["runbook_url", "runbook"]).and_then(web_link),
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
        matchers: namesakes.matchers(alerts),
        alerts: alerts.len(),
        members: members(alerts, namesakes),
        details: details(alerts, silences),
        expiry: expiry(alerts),
        ..Incident::new(key.id(severity), title, severity, status(is_silenced))
    }
}

fn status(is_silenced: bool) -> IncidentStatus {
    if is_silenced {
        IncidentStatus::Silenced
    } else {
        IncidentStatus::Triggered
    }
}

/// The name of an incident without a title: that of its alerts, else the labels that all of them have.
fn name_of(key: &Key, alerts: &[&Alert]) -> String {
    if !key.alertname.is_empty() {
        return key.alertname.clone();
    }
    let shared = values_by_name(alerts).into_iter();
    let shared = shared.filter(|(_, values)| values.len() == 1);
    let labels = shared.flat_map(|(name, values)| {
        let values = values.into_iter();
        values.map(move |value| Matcher::equal(name, value).to_string())
    });
    let labels: Vec<String> = labels.collect();
    if labels.is_empty() {
        return "alerts without a name".to_owned();
    }
    labels.join(", ")
}

/// The alerts of an incident one by one, by the labels in which they differ; none of a single alert.
fn members(alerts: &[&Alert], namesakes: &Namesakes<'_>) -> Vec<Member> {
    if alerts.len() < 2 {
        return Vec::new();
    }
    let by_name = values_by_name(alerts).into_iter();
    let differing: Vec<&str> = by_name
        .filter(|(_, values)| values.len() > 1)
        .map(|(name, _)| name)
        .collect();
    let speaker = alerts.first().map(|alert| &alert.annotations);
    let member = |alert: &&Alert| {
        let annotations = alert.annotations.iter().filter(|(name, value)| {
            let shared = speaker.and_then(|speaker| speaker.get(*name));
            alerts
                .first()
                .is_some_and(|first| first.labels == alert.labels)
                || shared != Some(*value)
        });
        let of_labels = alert.labels.iter();
        let of_labels = of_labels.filter(|(name, _)| differing.contains(&name.as_str()));
        let own = of_labels.chain(annotations);
        let own = own.map(|(name, value)| (name.as_str().into(), value.as_str().into()));
        let own = own.collect();
        let labels = differing.iter().filter_map(|name| {
            let value = alert.labels.get(*name)?;
            Some(Matcher::equal(*name, value.as_str()).to_string())
        });
        let labels: Vec<String> = labels.collect();
        Member {
            labels: labels.join(", ").into(),
            status: status(alert.is_suppressed()),
            opened_at: alert.started(),
            matchers: namesakes.matchers_of_one(alert, alerts, &differing),
            own,
            url: alert.generator_url.as_deref().and_then(web_link),
        }
    };
    alerts.iter().take(MAX_MEMBERS).map(member).collect()
}

/// When the last of the alerts ends by itself; `None` when that is not known of one of them.
fn expiry(alerts: &[&Alert]) -> Option<Expiry> {
    let each = alerts.iter().map(|alert| alert.expiry());
    let each = each.collect::<Option<Vec<_>>>()?;
    each.into_iter().max_by_key(|expiry| expiry.at)
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
