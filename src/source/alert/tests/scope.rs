//! Which alerts are one incident, and what a silence of it hides.

use super::super::identity::Key;
use super::*;

fn regex(name: &str, value: &str) -> Matcher {
    Matcher {
        is_regex: true,
        ..Matcher::equal(name, value)
    }
}

/// Whether a matcher matches a value, as Alertmanager says.
fn matches(matcher: &Matcher, value: &str) -> bool {
    if !matcher.is_regex {
        return matcher.value == value;
    }
    regex::Regex::new(&format!("^(?:{})$", matcher.value))
        .unwrap()
        .is_match(value)
}

fn hides(matchers: &[Matcher], alert: &Alert) -> bool {
    matchers.iter().all(|matcher| {
        let value = alert.labels.get(&matcher.name);
        matches(matcher, value.map_or("", String::as_str))
    })
}

#[test]
fn a_regular_expression_makes_a_silence_when_it_names_something() {
    for (value, is_enough) in [
        ("Burn|Slow", true),
        ("Kube.*", true),
        ("KubePod.*|Burn", true),
        (r"a\.b", true),
        ("a", true),
        ("", false),
        (".*", false),
        (".+", false),
        ("Burn|", false),
        ("Burn|.*", false),
        ("a.*", false),
        ("(Burn|.*)", false),
        ("[A-Z].*", false),
        (r"\w+", false),
        ("Bu?r", false),
        ("^.*$", false),
    ] {
        let verdict = check(&[regex("alertname", value)], &names());
        assert_eq!(verdict.is_ok(), is_enough, "{value}");
    }
    let words = check(&[regex("severity", "critical|warning")], &names());
    assert!(words.unwrap_err().message.raw().contains("too broad"));
}

#[test]
fn places_tell_incidents_apart_and_instances_do_not() {
    let with = |more: &Value| {
        let mut labels = json!({"alertname": "HostDown", "severity": "critical"});
        let fields = more.as_object().unwrap().clone();
        labels.as_object_mut().unwrap().extend(fields);
        alert(&labels, &json!({}))
    };
    for (label, shown) in [
        ("cluster", "cluster"),
        ("environment", "environment"),
        ("env", "environment"),
        ("region", "region"),
        ("namespace", "namespace"),
        ("exported_namespace", "namespace"),
        ("tenant", "tenant"),
        ("rulename", "rulename"),
    ] {
        let (dev, prod) = (with(&json!({label: "dev"})), with(&json!({label: "prod"})));
        let without = with(&json!({}));
        let all = [dev.clone(), prod.clone(), without.clone()];
        let found = incidents(&all, &names(), &[]);
        assert_eq!(found.len(), 3, "{label}");
        let id = format!("HostDown{{service=\"\",severity=\"page\",{shown}=\"dev\"}}");
        let of_dev = found.iter().find(|one| one.id.raw() == id).unwrap();
        assert!(hides(&of_dev.matchers, &dev) && !hides(&of_dev.matchers, &prod));
        let plain = r#"HostDown{service="",severity="page"}"#;
        let bare = found.iter().find(|one| one.id.raw() == plain).unwrap();
        assert!(hides(&bare.matchers, &without) && !hides(&bare.matchers, &prod));
    }
    for label in ["instance", "pod"] {
        let all = [with(&json!({label: "a"})), with(&json!({label: "b"}))];
        assert_eq!(incidents(&all, &names(), &[]).len(), 1, "{label}");
    }
    // The exporter's namespace is not the workload's.
    let all = [
        with(&json!({"exported_namespace": "shop", "namespace": "monitoring"})),
        with(&json!({"exported_namespace": "pay", "namespace": "monitoring"})),
        with(&json!({"exported_namespace": "pay", "namespace": "observe"})),
    ];
    assert_eq!(incidents(&all, &names(), &[]).len(), 2);
}

#[test]
fn alerts_on_one_slo_are_one_incident_as_severe_as_the_worst() {
    let burn = |severity: &str, long: &str, started: &str| {
        alert(
            &json!({
                "alertname": "ErrorBudgetBurn", "service": "pay", "slo": "pay-high",
                "severity": severity, "short": "5m", "long": long,
            }),
            &json!({"startsAt": started, "annotations": {"summary": format!("burns over {long}")}}),
        )
    };
    let slow = burn("medium", "1d", "2026-11-22T13:40:00Z");
    let fast = burn("high", "1h", "2026-11-22T13:45:00Z");
    let alone = incidents(std::slice::from_ref(&slow), &names(), &[]).remove(0);
    assert_eq!(alone.severity, Severity::Ticket);
    let found = incidents(&[slow.clone(), fast.clone()], &names(), &[]);
    assert_eq!(found.len(), 1);
    let both = &found[0];
    assert_eq!((both.severity, both.alerts), (Severity::Page, 2));
    assert_eq!(both.title.raw(), "burns over 1h");
    assert_eq!(
        both.id.raw(),
        r#"ErrorBudgetBurn{service="pay",severity="page",slo="pay-high"}"#
    );
    assert_eq!(both.opened_at, "2026-11-22T13:40:00Z".parse().ok());
    // A silence of the ticket does not hide the page to come.
    assert!(hides(&both.matchers, &slow) && hides(&both.matchers, &fast));
    assert!(hides(&alone.matchers, &slow) && !hides(&alone.matchers, &fast));
}

#[test]
fn equal_titles_say_where_each_is() {
    let titles = |rows: &[Value]| -> Vec<String> {
        let alerts: Vec<Alert> = rows
            .iter()
            .map(|row| alert(row, &json!({"annotations": {"summary": "host is down"}})))
            .collect();
        let found = incidents(&alerts, &names(), &[]);
        found.iter().map(|one| one.title.raw().to_owned()).collect()
    };
    let down = |cluster: &str, region: &str| json!({"alertname": "HostDown", "cluster": cluster, "region": region});
    assert_eq!(titles(&[down("prod", "eu")]), ["host is down"]);
    assert_eq!(
        titles(&[down("prod", "eu"), down("dev", "eu")]),
        ["host is down (cluster dev)", "host is down (cluster prod)"]
    );
    assert_eq!(
        titles(&[down("prod", "eu"), json!({"alertname": "HostDown"})]),
        ["host is down", "host is down (cluster prod, region eu)"]
    );
}

#[test]
fn an_alert_without_a_name_is_known_by_its_labels() {
    let nameless = alert(&json!({"foo": "bar", "severity": "critical"}), &json!({}));
    let other = alert(&json!({"baz": "1", "severity": "critical"}), &json!({}));
    let late = alert(
        &json!({"alertname": "DatabaseDown", "severity": "critical", "foo": "bar"}),
        &json!({}),
    );
    let found = incidents(&[nameless.clone(), other.clone()], &names(), &[]);
    assert_eq!(found.len(), 2);
    let id = r#"{service="",severity="page",foo="bar"}"#;
    let one = found.iter().find(|one| one.id.raw() == id).unwrap();
    assert_eq!(one.title.raw(), r#"foo="bar", severity="critical""#);
    assert!(hides(&one.matchers, &nameless));
    assert!(!hides(&one.matchers, &other) && !hides(&one.matchers, &late));
    assert!(check(&one.matchers, &names()).is_ok());
    // One that has nothing but its severity cannot be silenced by itself.
    let bare = alert(&json!({"severity": "critical"}), &json!({}));
    let bare = incidents(&[bare], &names(), &[]).remove(0);
    assert_eq!(bare.title.raw(), r#"severity="critical""#);
    assert!(check(&bare.matchers, &names()).is_err());
}

#[test]
fn each_alert_of_an_incident_can_be_silenced_by_itself() {
    let alerts = [
        sloth("a", &json!({"startsAt": "2026-11-22T13:44:00Z"})),
        sloth("b", &state("suppressed", &["s1"], &[], &[])),
        sloth("c", &json!({"startsAt": "2026-11-22T13:50:00Z"})),
    ];
    let incident = incidents(&alerts, &names(), &[]).remove(0);
    let labels: Vec<_> = incident
        .members
        .iter()
        .map(|one| one.labels.raw())
        .collect();
    assert_eq!(
        labels,
        [r#"instance="a""#, r#"instance="b""#, r#"instance="c""#]
    );
    assert_eq!(incident.members[1].status, IncidentStatus::Silenced);
    for (at, member) in incident.members.iter().enumerate() {
        assert!(check(&member.matchers, &names()).is_ok());
        for (other, alert) in alerts.iter().enumerate() {
            assert_eq!(hides(&member.matchers, alert), at == other);
        }
    }
    let single = incidents(&alerts[..1], &names(), &[]).remove(0);
    assert!(single.members.is_empty());
}

mod properties {
    use proptest::collection::{btree_map, btree_set, vec};
    use proptest::prelude::*;

    use super::*;

    const LABELS: [&str; 20] = [
        "service",
        "sloth_service",
        "job",
        "sloth_severity",
        "severity",
        "priority",
        "slo",
        "long",
        "short",
        "cluster",
        "environment",
        "env",
        "region",
        "namespace",
        "exported_namespace",
        "tenant",
        "rulename",
        "instance",
        "pod",
        "foo",
    ];

    fn labels() -> impl Strategy<Value = BTreeMap<String, String>> {
        let name = prop::sample::select(&LABELS[..]).prop_map(str::to_owned);
        let value = prop::sample::select(vec!["a", "b.c|d", "", "high", "P1", "critical", "1h"]);
        let alertname = prop::option::of(prop::sample::select(vec!["A", "B"]));
        let others = btree_map(name, value.prop_map(str::to_owned), 0..6);
        (alertname, others).prop_map(|(alertname, mut labels)| {
            labels.extend(alertname.map(|name| ("alertname".to_owned(), name.to_owned())));
            labels
        })
    }

    /// Alerts as a server lists them: labels without a value are not there, and no two are the same.
    fn world() -> impl Strategy<Value = Vec<Alert>> {
        btree_set(labels(), 1..14).prop_map(|all| {
            let kept = all.into_iter().map(|mut labels| {
                labels.retain(|_, value| !value.is_empty());
                labels
            });
            let kept: BTreeSet<_> = kept.collect();
            kept.into_iter()
                .map(|labels| Alert::firing(labels, BTreeMap::new(), None))
                .collect()
        })
    }

    proptest! {
        /// A silence of an incident hides each of its alerts and none of another one; a silence of one
        /// of its alerts hides that one.
        #[test]
        fn a_silence_hides_what_was_chosen_and_nothing_else(alerts in world()) {
            let found = incidents(&alerts, &names(), &[]);
            let ids: BTreeSet<_> = found.iter().map(|one| one.id.raw()).collect();
            prop_assert_eq!(ids.len(), found.len());
            // Incidents come in the order of their keys.
            let keys: BTreeSet<Key> = alerts.iter().map(|alert| Key::new(alert, &names())).collect();
            prop_assert_eq!(keys.len(), found.len());
            for (key, incident) in keys.iter().zip(&found) {
                let own = |alert: &Alert| Key::new(alert, &names()) == *key;
                let worst = alerts.iter().filter(|alert| own(alert));
                let worst = worst.map(|alert| names().severity_of(alert)).max();
                prop_assert_eq!(worst, Some(incident.severity));
                // Where no silence can tell it from the others there is none.
                let shown = alerts.iter().filter(|_| !incident.matchers.is_empty());
                for alert in shown {
                    let is_hidden = hides(&incident.matchers, alert);
                    prop_assert_eq!(is_hidden, own(alert), "{:?}", incident);
                }
                for member in &incident.members {
                    let hidden = alerts.iter().filter(|alert| hides(&member.matchers, alert));
                    let hidden: Vec<_> = hidden.collect();
                    prop_assert_eq!(hidden.len(), 1, "{:?} {:?}", incident, member);
                    prop_assert!(own(hidden[0]));
                }
            }
        }

        #[test]
        fn labels_that_unrelated_alerts_share_never_make_a_silence(
            shared in vec(
                prop::sample::select(vec![
                    "severity", "sloth_severity", "priority", "team", "environment", "env", "Severity",
                ]),
                1..4,
            ),
            value in "[a-z0-9]{1,8}",
            is_regex in any::<bool>(),
        ) {
            let one = |name: &str| Matcher {
                is_regex,
                ..Matcher::equal(name, value.as_str())
            };
            let matchers: Vec<Matcher> = shared.into_iter().map(one).collect();
            prop_assert!(check(&matchers, &names()).is_err());
        }
    }
}
