//! Alerts: pages, limits, odd answers and the past.

use jiff::SignedDuration;
use serde_json::json;
use wiremock::ResponseTemplate;

use super::stand_in::{SITE, StandIn, State, alert, secret};
use crate::config::{Auth, SecretRef, Settings};
use crate::domain::{Facts, FaultKind, Incident, IncidentStatus, Severity};
use crate::source::Source;
use crate::source::fixture::{ask, ask_at, build, settings};
use crate::source::jsm::KIND;
use crate::text::Untrusted;

fn many(count: usize) -> State {
    let alerts = (0..count).map(|number| alert(&format!("a-{number}"), "2026-11-22T13:00:00Z"));
    State {
        alerts: alerts.collect(),
        ..State::default()
    }
}

fn incidents(facts: &Facts) -> &[Incident] {
    facts.incidents.as_deref().unwrap()
}

fn warnings(facts: &Facts) -> Vec<&str> {
    facts.warnings.iter().map(Untrusted::raw).collect()
}

#[test]
fn a_mistake_in_the_settings_names_its_place() {
    let token = |settings: &mut crate::config::SourceSettings| {
        settings.http.auth = Auth::Token(SecretRef::Command(vec!["true".to_owned()]));
    };
    for (options, with_token, words) in [
        ("", false, "tenant_info"),
        ("cloud_id = \"a/b\"", false, "letters, digits and dashes"),
        (
            "cloud_id = \"a\"",
            true,
            "an API token belongs to an account",
        ),
        (
            "cloud_id = \"a\"\nemail = \"mara@acme.example\"",
            false,
            "beside it",
        ),
        ("cloud_id = \"a\"\nemail = \"mara\"", true, "is no address"),
        ("cloud_id = \"a\"\nteam = \"shop\"", false, "unknown key"),
    ] {
        let mut settings = settings(&KIND, None, options);
        if with_token {
            token(&mut settings);
        }
        let problem = (KIND.build)(&settings, &Settings::empty()).err().unwrap();
        assert!(problem.message.contains(words), "{options}: {problem:?}");
    }
    let offers = build(&KIND, None, "cloud_id = \"a\"").unwrap().offers;
    assert!(offers.incidents && !offers.acts.is_empty());
}

#[tokio::test]
async fn an_api_token_goes_with_its_owners_address() {
    let stand_in = StandIn::start(many(1)).await;
    stand_in.source().fetch(&ask()).await.unwrap();
    for request in stand_in.server.received_requests().await.unwrap() {
        // mara@acme.example:s3cret-token
        assert_eq!(
            request.headers.get("authorization").unwrap(),
            "Basic bWFyYUBhY21lLmV4YW1wbGU6czNjcmV0LXRva2Vu"
        );
    }
}

#[tokio::test]
async fn an_oauth_token_goes_the_way_that_is_open_to_it() {
    for (takes_oauth, want) in [(true, 0), (false, 1)] {
        let stand_in = StandIn::start(State {
            takes_oauth,
            ..many(1)
        })
        .await;
        let auth = Auth::Bearer(secret());
        let mut source = stand_in.source_with("cloud_id = \"site-1\"", auth);
        for _ in 0..2 {
            let facts = source.fetch(&ask()).await.unwrap();
            assert_eq!((incidents(&facts).len(), facts.fault), (1, None));
        }
        let requests = stand_in.server.received_requests().await.unwrap();
        let token = |request: &&wiremock::Request| {
            let sent = request.headers.get("authorization");
            sent.is_some_and(|sent| sent == "Bearer s3cret-token")
        };
        assert_eq!(requests.iter().filter(token).count(), requests.len());
        let plain = format!("{SITE}/v1/alerts");
        let is_lost = |request: &&wiremock::Request| {
            let path = request.url.path();
            path.ends_with("/v1/alerts") && (path != plain) != takes_oauth
        };
        assert_eq!(
            requests.iter().filter(is_lost).count(),
            want,
            "looked for once"
        );
    }
}

#[tokio::test]
async fn an_alert_is_read_whole() {
    let mut row = alert("a-1", "2026-11-22T13:00:00Z");
    row["acknowledged"] = json!(true);
    row["ackTime"] = json!("2026-11-22T13:05:00Z");
    row["owner"] = json!("Mara Lind");
    let state = State {
        alerts: vec![row],
        teams: json!({"platformTeams": [{"teamId": "team-1", "teamName": "Shop"}]}),
        ..State::default()
    };
    let stand_in = StandIn::start(state).await;
    let facts = stand_in.source().fetch(&ask()).await.unwrap();
    assert_eq!(
        facts.reach,
        Some(ask().moment()),
        "closed alerts are not listed"
    );
    let one = &incidents(&facts)[0];
    assert_eq!((one.id.raw(), one.title.raw()), ("a-1", "CPU above 80%"));
    assert_eq!(
        (one.service.raw(), one.severity),
        ("checkout", Severity::Page)
    );
    assert_eq!(one.status, IncidentStatus::Acknowledged);
    assert_eq!(one.opened_at, "2026-11-22T13:00:00Z".parse().ok());
    assert_eq!(one.acknowledged_at, "2026-11-22T13:05:00Z".parse().ok());
    assert_eq!(one.assignees, ["Mara Lind".into()]);
    assert_eq!(one.acknowledged_by, ["Mara Lind".into()]);
    assert_eq!(one.teams, ["Shop".into()]);
    assert!(one.details.contains(&("alert".into(), "#1234".into())));
    assert_eq!((facts.fault, facts.warnings), (None, vec![]));
}

#[tokio::test]
async fn states_priorities_and_words_that_nobody_knows_yet_are_kept() {
    use IncidentStatus::{Acknowledged, Silenced, Triggered};
    let odd = |id: &str, change: serde_json::Value| {
        let mut row = alert(id, "2026-11-22T13:00:00Z");
        let (row_fields, fields) = (row.as_object_mut().unwrap(), change.as_object().unwrap());
        row_fields.extend(fields.clone());
        row
    };
    let until = "2026-11-22T18:00:00Z";
    let rows = vec![
        odd("new", json!({"status": "teleported", "priority": "P0"})),
        odd("acked", json!({"status": "acked", "priority": "P3"})),
        odd(
            "snoozed",
            json!({"snoozed": true, "snoozedUntil": until, "priority": "P5"}),
        ),
        odd(
            "awake",
            json!({"snoozed": true, "snoozedUntil": "2026-11-22T14:00:00Z"}),
        ),
        odd(
            "bare",
            json!({
                "message": null, "entity": null, "status": null, "tags": null, "owner": null,
                "responders": null, "extraProperties": null, "priority": null, "tinyId": 7,
                "createdAt": null, "acknowledged": null, "snoozed": null, "count": null,
            }),
        ),
        odd(
            "named",
            json!({"extraProperties": {"service": "search"}, "newField": {"a": [1]}}),
        ),
        odd("tagged", json!({"tags": ["x", "service:pay"]})),
        json!({"message": "no id"}),
    ];
    let stand_in = StandIn::start(State {
        alerts: rows,
        ..State::default()
    })
    .await;
    let facts = stand_in.source().fetch(&ask()).await.unwrap();
    let seen: Vec<_> = incidents(&facts)
        .iter()
        .map(|one| (one.id.raw(), one.status, one.severity, one.service.raw()))
        .collect();
    assert_eq!(
        seen,
        [
            ("new", Triggered, Severity::Page, "checkout"),
            ("acked", Acknowledged, Severity::Ticket, "checkout"),
            ("snoozed", Silenced, Severity::Info, "checkout"),
            ("awake", Triggered, Severity::Page, "checkout"),
            ("bare", Triggered, Severity::Ticket, ""),
            ("named", Triggered, Severity::Page, "search"),
            ("tagged", Triggered, Severity::Page, "pay"),
        ]
    );
    assert_eq!(incidents(&facts)[2].silenced_until, until.parse().ok());
    assert_eq!(incidents(&facts)[4].title.raw(), "alert bare");
    assert_eq!(
        warnings(&facts),
        [
            "1 of 8 alerts could not be read",
            "1 row has no severity and is a ticket; map `\"\"` under `severities`",
        ]
    );
}

#[tokio::test]
async fn pages_are_turned_to_the_end() {
    let stand_in = StandIn::start(State {
        page: 3,
        ..many(10)
    })
    .await;
    let facts = stand_in.source().fetch(&ask()).await.unwrap();
    assert_eq!(incidents(&facts).len(), 10);
    assert_eq!(facts.warnings, vec![]);
    let pages = stand_in
        .paths()
        .iter()
        .filter(|path| *path == "/v1/alerts")
        .count();
    assert_eq!(pages, 4);
    // The link to the next page does not repeat what was asked for; we do.
    for request in stand_in.server.received_requests().await.unwrap() {
        if request.url.path() == format!("{SITE}/v1/alerts") {
            let query = request.url.query().unwrap();
            assert!(query.contains("query=status%3Aopen"), "{query}");
            assert_eq!(query.matches("size=").count(), 1, "{query}");
        }
    }
}

#[tokio::test]
async fn a_page_that_leads_to_itself_ends_the_list() {
    let stand_in = StandIn::start(State {
        page: 2,
        repeats: true,
        ..many(5)
    })
    .await;
    let facts = stand_in.source().fetch(&ask()).await.unwrap();
    assert_eq!(incidents(&facts).len(), 2);
    assert_eq!(warnings(&facts), ["2 of 5 alerts loaded"]);
    let pages = stand_in
        .paths()
        .iter()
        .filter(|path| *path == "/v1/alerts")
        .count();
    assert_eq!(pages, 2);
}

#[tokio::test]
async fn no_more_than_a_thousand_alerts_are_loaded_and_that_is_said() {
    let stand_in = StandIn::start(many(1_150)).await;
    let facts = stand_in.source().fetch(&ask()).await.unwrap();
    assert_eq!(incidents(&facts).len(), 1_000);
    assert_eq!(warnings(&facts), ["1000 of 1150 alerts loaded"]);
}

#[tokio::test]
async fn a_rate_limit_ends_the_poll_and_keeps_what_is_there() {
    let limited = ResponseTemplate::new(429).insert_header("Retry-After", "30");
    let storm = |wait| State {
        page: 2,
        instead: vec![("/v1/alerts".to_owned(), wait, limited.clone())],
        ..many(6)
    };
    let stand_in = StandIn::start(storm(0)).await;
    let fault = stand_in.source().fetch(&ask()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::RateLimited);
    assert_eq!(fault.retry_after, Some(SignedDuration::from_secs(30)));
    assert_eq!(stand_in.paths().len(), 1, "one request, and no more");

    let stand_in = StandIn::start(storm(1)).await;
    let facts = stand_in.source().fetch(&ask()).await.unwrap();
    assert_eq!(incidents(&facts).len(), 2);
    let fault = facts.fault.unwrap();
    assert_eq!(fault.retry_after, Some(SignedDuration::from_secs(30)));
    assert_eq!(stand_in.paths().len(), 2, "nothing is asked after that");
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    for (status, body, kind, words) in [
        (
            401,
            "Unauthorized",
            FaultKind::Auth,
            "goes with its owner's `email`",
        ),
        (
            401,
            "scope does not match",
            FaultKind::Auth,
            "read:ops-alert",
        ),
        (403, "no", FaultKind::Forbidden, "access to operations"),
        (404, "no", FaultKind::NotFound, "`cloud_id`"),
        (503, "down", FaultKind::Server, "answered 503"),
    ] {
        let answer = ResponseTemplate::new(status).set_body_json(json!({ "message": body }));
        let state = State {
            instead: vec![("/v1/alerts".to_owned(), 0, answer)],
            ..State::default()
        };
        let stand_in = StandIn::start(state).await;
        let fault = stand_in.source().fetch(&ask()).await.unwrap_err();
        assert_eq!(fault.kind, kind, "{fault:?}");
        assert!(fault.message.raw().contains(words), "{fault:?}");
    }
}

#[tokio::test]
async fn a_past_moment_has_its_own_states_and_nothing_younger() {
    let mut closed = alert("closed", "2026-11-20T10:00:00Z");
    closed["status"] = json!("closed");
    closed["closeTime"] = json!("2026-11-21T10:00:00Z");
    closed["acknowledged"] = json!(true);
    closed["ackTime"] = json!("2026-11-20T12:00:00Z");
    let mut older = alert("older", "2026-11-10T10:00:00Z");
    older["status"] = json!("closed");
    older["closeTime"] = json!("2026-11-10T11:00:00Z");
    let state = State {
        alerts: vec![alert("young", "2026-11-22T13:00:00Z"), closed, older],
        ..State::default()
    };
    let stand_in = StandIn::start(state).await;
    let mut source = stand_in.source();
    for (at, want) in [
        ("2026-11-20T11:00:00Z", Some(IncidentStatus::Triggered)),
        ("2026-11-20T13:00:00Z", Some(IncidentStatus::Acknowledged)),
        ("2026-11-21T11:00:00Z", Some(IncidentStatus::Resolved)),
        ("2026-11-19T11:00:00Z", None),
    ] {
        let facts = source.fetch(&ask_at(at)).await.unwrap();
        let seen: Vec<_> = incidents(&facts)
            .iter()
            .map(|one| (one.id.raw(), one.status))
            .collect();
        let want: Vec<_> = want.map(|status| ("closed", status)).into_iter().collect();
        assert_eq!(seen, want, "{at}");
    }
    let now = source.fetch(&ask()).await.unwrap();
    let ids: Vec<_> = incidents(&now).iter().map(|one| one.id.raw()).collect();
    assert_eq!(ids, ["young"]);
}
