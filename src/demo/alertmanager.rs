//! The demo's Alertmanager: the alerts that fire, and what silences do to them.
//!
//! Shapes as Alertmanager 0.25 sends them, `api/v2/openapi.yaml` of its repository.

use axum::http::StatusCode;
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::rules::{annotations, condition};
use super::series::{Labels, alarms, alert_labels, labels};
use super::silences::{self, SILENCED, Silences};
use super::world::{Alarm, DAY, Moment, World};
use crate::domain::Severity;

/// `GET /api/v2/alerts`: alerts without resolved ones, oldest first.
pub(super) fn alerts(
    world: &World,
    silences: &Silences,
    now: Moment,
    asked: &[(String, String)],
) -> (StatusCode, Value) {
    let mut filters = Vec::new();
    for (name, value) in asked {
        if name == "filter" {
            let Some(filter) = silences::filter(value) else {
                let refusal = format!("bad matcher format: {value}");
                return (StatusCode::BAD_REQUEST, json!(refusal));
            };
            filters.push(filter);
            continue;
        }
        let known = matches!(
            name.as_str(),
            "active" | "silenced" | "inhibited" | "unprocessed"
        );
        if !known || value.parse::<bool>().is_err() {
            let refusal = format!("demo: the parameter {name}={value} is not supported");
            return (StatusCode::BAD_REQUEST, json!(refusal));
        }
    }
    let wanted = |name: &str| {
        !asked
            .iter()
            .any(|(it, value)| it == name && value == "false")
    };
    let mut all = firing(world, now);
    all.push(certificate(world, now));
    all.retain_mut(|alert| {
        let own = Labels::deserialize(&alert["labels"]).unwrap_or_default();
        let by = silences.hiding(&own, world.time(now));
        suppress(alert, "silencedBy", &by);
        silences::matches(&filters, &own)
    });
    all.retain(|alert| {
        let blocked = |by: &str| {
            alert["status"][by]
                .as_array()
                .is_some_and(|by| !by.is_empty())
        };
        match (blocked("silencedBy"), blocked("inhibitedBy")) {
            (false, false) => wanted("active"),
            (hidden, inhibited) => {
                (!hidden || wanted("silenced")) && (!inhibited || wanted("inhibited"))
            }
        }
    });
    all.sort_by(|a, b| a["startsAt"].as_str().cmp(&b["startsAt"].as_str()));
    (StatusCode::OK, json!(all))
}

/// `GET /api/v2/status`.
pub(super) fn status(world: &World) -> Value {
    json!({
        "cluster": {"peers": [], "status": "disabled"},
        "config": {"original": "route:\n  receiver: on-call\nreceivers:\n- name: on-call\n"},
        "uptime": world.time(-35.0 * DAY).to_string(),
        "versionInfo": {
            "branch": "demo", "buildDate": "", "buildUser": "", "goVersion": "", "revision": "demo",
            "version": "0.25.0",
        },
    })
}

/// Alertmanager's identity of an alert: FNV-1a over its sorted labels (`model.LabelSet` of
/// `prometheus/common`).
pub(super) fn fingerprint(labels: &Labels) -> String {
    let text = labels.iter().flat_map(|(name, value)| [name, value]);
    let bytes = text.flat_map(|text| text.bytes().chain([0xff]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

fn firing(world: &World, now: Moment) -> Vec<Value> {
    let mut all = Vec::new();
    for (number, service) in world.services.iter().enumerate() {
        for alarm in alarms(service) {
            let Some(since) = world.firing_since(number, alarm, now) else {
                continue;
            };
            let page = Alarm::Burn(Severity::Page);
            let inhibited = alarm != page
                && alarms(service).any(|it| it == page)
                && world.fires(number, page, now);
            let by: Vec<_> = inhibited
                .then(|| fingerprint(&alert_labels(service, page)))
                .into_iter()
                .collect();
            let mut alert = alert(
                world,
                now,
                since,
                &alert_labels(service, alarm),
                &annotations(service, alarm),
            );
            alert["generatorURL"] = json!(format!(
                "http://prometheus.example/graph?g0.expr={}",
                encoded(&condition(world, service, alarm))
            ));
            suppress(&mut alert, "inhibitedBy", &by);
            all.push(alert);
        }
    }
    all
}

/// The alert that is silenced from the beginning.
fn certificate(world: &World, now: Moment) -> Value {
    let own = labels([
        ("alertname", "CertificateExpires"),
        ("service", "mail"),
        ("severity", "warning"),
        ("team", "platform"),
    ]);
    let says = labels([("summary", "the certificate of mail expires in 9 days")]);
    alert(world, now, SILENCED - 3_600.0, &own, &says)
}

fn alert(world: &World, now: Moment, since: Moment, own: &Labels, says: &Labels) -> Value {
    json!({
        "labels": own,
        "annotations": says,
        "fingerprint": fingerprint(own),
        "startsAt": world.time(since).to_string(),
        "updatedAt": world.time(now).to_string(),
        // Prometheus sends an alert again and again, and each time promises four more minutes.
        "endsAt": world.time(now + 240.0).to_string(),
        "receivers": [{"name": "on-call"}],
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
    })
}

fn suppress(alert: &mut Value, how: &str, by: &[String]) {
    if !by.is_empty() {
        alert["status"]["state"] = json!("suppressed");
        alert["status"][how] = json!(by);
    }
}

/// Percent-encoding of everything that is not plainly harmless in a URL.
fn encoded(text: &str) -> String {
    let each = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    });
    each.collect()
}
