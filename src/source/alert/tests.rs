//! Which alerts become one incident, and what it says.

use serde_json::{Value, json};

mod scope;

use super::*;
use crate::source::severity::Severities;

fn names() -> LabelNames {
    LabelNames {
        service: service_labels(),
        severity: severity_labels(),
        severities: Severities::default(),
    }
}

fn alert(labels: &Value, more: &Value) -> Alert {
    let mut row = json!({
        "labels": labels,
        "annotations": {},
        "startsAt": "2026-11-22T13:45:00.000Z",
        "endsAt": "2026-11-22T14:50:00.000Z",
        "updatedAt": "2026-11-22T13:46:00.000Z",
        "fingerprint": labels.to_string(),
        "receivers": [{"name": "team-shop"}],
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
    });
    let more = more.as_object().unwrap().clone();
    row.as_object_mut().unwrap().extend(more);
    serde_json::from_value(row).unwrap()
}

fn sloth(instance: &str, more: &Value) -> Alert {
    let labels = json!({
        "alertname": "CheckoutErrors", "sloth_service": "checkout", "sloth_slo": "availability",
        "sloth_severity": "page", "severity": "critical", "instance": instance,
    });
    alert(&labels, more)
}

fn state(state: &str, silenced: &[&str], inhibited: &[&str], muted: &[&str]) -> Value {
    json!({"status": {
        "state": state, "silencedBy": silenced, "inhibitedBy": inhibited, "mutedBy": muted,
    }})
}

fn detail<'a>(incident: &'a Incident, name: &str) -> Option<&'a str> {
    let found = incident.details.iter().find(|(key, _)| key.raw() == name);
    found.map(|(_, value)| value.raw())
}

#[test]
fn each_alert_of_an_incident_has_its_own_labels_annotations_and_link() {
    let more = |url: &str, summary: &str| {
        let began = if summary.starts_with('a') { 40 } else { 44 };
        json!({
            "startsAt": format!("2026-11-22T13:{began}:00Z"),
            "generatorURL": url,
            "annotations": {"summary": summary, "runbook": "https://runbooks.example/disk"},
        })
    };
    let first = sloth("a:1", &more("https://prom.example/a", "a is full"));
    let second = sloth("b:1", &more("javascript:alert(1)", "b is full"));
    let found = incidents(&[first, second], &names(), &[]);
    let members = &found[0].members;
    let own = |at: usize| {
        let pairs = members[at].own.iter();
        let pairs = pairs.map(|(name, value)| format!("{}={}", name.raw(), value.raw()));
        pairs.collect::<Vec<_>>()
    };
    let a = "a:1".to_owned();
    assert!(own(0).contains(&format!("instance={a}")), "{:?}", own(0));
    // What all share is not said again; the first has the annotations that speak for all.
    assert_eq!(own(1), ["instance=b:1", "summary=b is full"]);
    assert!(!own(0).iter().any(|pair| pair.starts_with("alertname")));
    let urls: Vec<_> = members.iter().map(|one| one.url.as_ref()).collect();
    assert_eq!(urls[0].map(Untrusted::raw), Some("https://prom.example/a"));
    assert_eq!(urls[1], None, "only web addresses are links");
}

#[test]
fn alerts_of_one_matter_become_one_incident_that_keeps_its_id() {
    let first = sloth("a:1", &json!({"startsAt": "2026-11-22T13:44:00Z"}));
    let second = sloth("b:1", &json!({}));
    let one = incidents(std::slice::from_ref(&first), &names(), &[]);
    let two = incidents(&[second, first], &names(), &[]);
    assert_eq!((one.len(), two.len()), (1, 1));
    assert_eq!(one[0].id, two[0].id);
    assert_eq!(
        two[0].id.raw(),
        r#"CheckoutErrors{service="checkout",severity="page",slo="availability"}"#
    );
    assert_eq!((one[0].alerts, two[0].alerts), (1, 2));
    assert_eq!(
        two[0].opened_at,
        Some("2026-11-22T13:44:00Z".parse().unwrap())
    );
    assert_eq!(two[0].service.raw(), "checkout");
    assert_eq!(two[0].severity, Severity::Page);
    assert_eq!(detail(&two[0], "instance"), Some("a:1, b:1"));
    assert_eq!(detail(&two[0], "severity"), Some("critical"));
    assert_eq!(detail(&two[0], "receivers"), Some("team-shop"));
}

#[test]
fn another_severity_service_or_slo_is_another_incident() {
    let rows = [
        json!({"alertname": "A", "service": "x", "severity": "page"}),
        json!({"alertname": "A", "service": "x", "severity": "critical"}),
        json!({"alertname": "A", "service": "x", "severity": "warning"}),
        json!({"alertname": "A", "service": "y", "severity": "page"}),
        json!({"alertname": "A", "service": "x", "severity": "page", "slo": "latency"}),
        json!({"alertname": "A", "job": "z"}),
    ];
    let alerts: Vec<Alert> = rows.iter().map(|row| alert(row, &json!({}))).collect();
    let found = incidents(&alerts, &names(), &[]);
    let ids: BTreeSet<&str> = found.iter().map(|incident| incident.id.raw()).collect();
    assert_eq!(ids.len(), 5);
    assert!(ids.contains(r#"A{service="z",severity="ticket"}"#));
}

#[test]
fn an_incident_is_silenced_only_when_all_its_alerts_are() {
    let active = sloth("a", &state("active", &[], &[], &[]));
    let silenced = sloth("b", &state("suppressed", &["s1"], &[], &[]));
    let inhibited = sloth("c", &state("suppressed", &[], &["f1"], &[]));
    let muted = sloth("d", &state("suppressed", &[], &[], &["night"]));
    let strange = sloth("e", &state("levitating", &["s1"], &[], &[]));
    let judge = |alerts: &[&Alert]| {
        let alerts: Vec<Alert> = alerts.iter().map(|&alert| alert.clone()).collect();
        let incident = incidents(&alerts, &names(), &[]).remove(0);
        (incident.status, incident.suppression)
    };
    let triggered = (IncidentStatus::Triggered, None);
    let held = |by| (IncidentStatus::Silenced, Some(by));
    assert_eq!(judge(&[&silenced, &active]), triggered);
    assert_eq!(judge(&[&strange]), triggered);
    assert_eq!(judge(&[&silenced]), held(Suppression::Silence));
    assert_eq!(judge(&[&inhibited]), held(Suppression::Inhibition));
    assert_eq!(judge(&[&muted]), held(Suppression::Mute));
    assert_eq!(judge(&[&muted, &inhibited]), held(Suppression::Inhibition));
    assert_eq!(judge(&[&inhibited, &silenced]), held(Suppression::Silence));
}

#[test]
fn the_title_is_the_best_annotation_and_links_are_web_links() {
    let titled = |annotations: Value| {
        let row = sloth("a", &json!({"annotations": annotations}));
        incidents(&[row], &names(), &[]).remove(0)
    };
    assert_eq!(titled(json!({})).title.raw(), "CheckoutErrors");
    assert_eq!(
        titled(json!({"description": "first\nsecond", "summary": " "}))
            .title
            .raw(),
        "first"
    );
    let full = titled(json!({"summary": "burns", "title": "t", "runbook_url": "https://r"}));
    assert_eq!(full.title.raw(), "burns");
    assert_eq!(full.runbook.unwrap().raw(), "https://r");
    for (url, want) in [
        ("http://prom/graph?x=1", true),
        ("javascript:alert(1)", false),
        ("file:///etc/passwd", false),
        ("", false),
    ] {
        let row = sloth("a", &json!({"generatorURL": url}));
        let incident = incidents(&[row], &names(), &[]).remove(0);
        assert_eq!(incident.url.is_some(), want, "{url}");
    }
}

#[test]
fn a_silence_is_shown_with_its_author_and_end_or_else_by_its_id() {
    let row = sloth("a", &state("suppressed", &["s1"], &[], &[]));
    let known: Silence = serde_json::from_value(json!({
        "id": "s1", "createdBy": "mara", "comment": "rollback under way",
        "endsAt": "2026-11-22T18:00:00.123Z", "status": {"state": "active"},
    }))
    .unwrap();
    let shown = incidents(std::slice::from_ref(&row), &names(), &[known]).remove(0);
    assert_eq!(
        detail(&shown, "silenced by"),
        Some("mara until 2026-11-22T18:00:00Z: rollback under way (silence s1)")
    );
    let unknown = incidents(&[row], &names(), &[]).remove(0);
    assert_eq!(detail(&unknown, "silenced by"), Some("silence s1"));
}

#[test]
fn nulls_missing_fields_and_bad_times_lose_no_alert() {
    let rows = json!([
        {"labels": {"alertname": "A"}, "annotations": null, "receivers": null,
         "startsAt": "soon", "status": {"state": "active", "silencedBy": null}},
        {"labels": {"alertname": "B"}},
    ]);
    let alerts: Vec<Alert> = serde_json::from_value(rows).unwrap();
    let found = incidents(&alerts, &names(), &[]);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|incident| incident.opened_at.is_none()));
    assert!(found.iter().all(|i| i.status == IncidentStatus::Triggered));
}

#[test]
fn two_thousand_instances_are_one_row_with_a_short_list() {
    let alerts: Vec<Alert> = (0..2_000)
        .map(|number| sloth(&format!("host{number:04}"), &json!({})))
        .collect();
    let incident = incidents(&alerts, &names(), &[]).remove(0);
    assert_eq!(incident.alerts, 2_000);
    let instances = detail(&incident, "instance").unwrap();
    assert!(instances.starts_with("host0000, host0001"));
    assert!(instances.ends_with("host0009 and 1990 more"));
}

fn matchers(rows: &[Value]) -> Vec<String> {
    let alerts: Vec<Alert> = rows.iter().map(|row| alert(row, &json!({}))).collect();
    let incident = incidents(&alerts, &names(), &[]).remove(0);
    incident.matchers.iter().map(ToString::to_string).collect()
}

#[test]
fn a_silence_of_an_incident_matches_what_tells_it_from_others_and_not_its_instances() {
    let row = |instance: &str, severity: &str| {
        json!({
            "alertname": "Burn", "service": "checkout", "severity": severity, "slo": "latency",
            "instance": instance,
        })
    };
    let common = [
        r#"alertname="Burn""#,
        r#"service="checkout""#,
        r#"severity="page""#,
        r#"slo="latency""#,
    ];
    assert_eq!(matchers(&[row("a", "page")]), common);
    assert_eq!(matchers(&[row("a", "page"), row("b", "page")]), common);
    let mixed = matchers(&[row("a", "page"), row("b", "critical")]);
    assert_eq!(mixed[2], r#"severity=~"critical|page""#);
    assert_eq!(mixed[..2], common[..2]);
}

#[test]
fn a_silence_of_an_incident_never_matches_everything() {
    let odd = r#"a"b\c.d|e"#;
    assert_eq!(
        matchers(&[json!({"alertname": odd})]),
        [r#"alertname="a\"b\\c.d|e""#]
    );
    // Without a name they are known by all that they carry.
    assert_eq!(
        matchers(&[
            json!({"team": "shop", "pod": "a"}),
            json!({"team": "shop", "pod": "b"})
        ]),
        ["alertname=\"\"", r#"pod=~"a|b""#, r#"team="shop""#]
    );
    assert_eq!(
        matchers(&[json!({"pod": "a"}), json!({"pod": "b"})]),
        ["alertname=\"\"", r#"pod=~"a|b""#]
    );
    let check = |matchers: &[Matcher]| check(matchers, &names());
    let refused = |matchers: &[Matcher]| check(matchers).unwrap_err().message.raw().to_owned();
    let regex = Matcher {
        is_regex: true,
        ..Matcher::equal("service", ".+")
    };
    let other = Matcher {
        is_equal: false,
        ..Matcher::equal("service", "x")
    };
    assert!(refused(&[]).contains("needs a matcher"));
    for wide in [regex.clone(), other, Matcher::equal("service", "")] {
        assert!(
            refused(std::slice::from_ref(&wide)).contains("could hide everything"),
            "{wide}"
        );
    }
    assert!(refused(&[Matcher::equal("", "x")]).contains("names no label"));
    for shared in [
        "severity",
        "priority",
        "team",
        "environment",
        "env",
        "sloth_severity",
    ] {
        let one = Matcher::equal(shared, "x");
        let words = refused(&[one.clone(), regex.clone()]);
        assert!(words.contains("alone is too broad"), "{words}");
        assert!(check(&[one, Matcher::equal("service", "x")]).is_ok());
    }
}

#[test]
fn an_incident_notifies_again_when_the_first_of_its_alerts_does() {
    let silence = |id: &str, hour: &str| -> Silence {
        let ends = format!("2026-11-22T{hour}:00:00Z");
        serde_json::from_value(json!({"id": id, "endsAt": ends})).unwrap()
    };
    let known = [
        silence("short", "15"),
        silence("long", "18"),
        silence("longer", "20"),
    ];
    let held = |instance: &str, by: &[&str]| sloth(instance, &state("suppressed", by, &[], &[]));
    let until = |alerts: &[Alert]| {
        let incident = incidents(alerts, &names(), &known).remove(0);
        (
            incident.silenced_until.map(|until| until.to_string()),
            incident.silenced_by.len(),
        )
    };
    let at = |hour: &str| Some(format!("2026-11-22T{hour}:00:00Z"));
    assert_eq!(until(&[held("a", &["short", "long"])]), (at("18"), 2));
    assert_eq!(
        until(&[held("a", &["longer"]), held("b", &["long"])]),
        (at("18"), 2)
    );
    assert_eq!(until(&[held("a", &["longer", "lost"])]), (None, 2));
    let inhibited = sloth("c", &state("suppressed", &[], &["f"], &[]));
    assert_eq!(
        until(&[held("a", &["long"]), inhibited.clone()]),
        (at("18"), 1)
    );
    assert_eq!(until(&[inhibited]), (None, 0));
    let active = sloth("d", &state("active", &[], &[], &[]));
    assert_eq!(until(&[held("a", &["long"]), active]), (None, 0));
}
