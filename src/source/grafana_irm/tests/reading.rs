//! Alert groups: pages, limits, odd answers and the past.

use jiff::SignedDuration;
use serde_json::json;
use wiremock::ResponseTemplate;

use super::stand_in::{StandIn, State, group, named};
use crate::domain::{Facts, FaultKind, Incident, IncidentStatus, Severity, Suppression};
use crate::source::Ask;
use crate::source::fixture::{ask, ask_at, build};
use crate::source::grafana_irm::KIND;
use crate::text::Untrusted;

fn many(count: usize, state: &str) -> State {
    let groups = (0..count).map(|number| group(&format!("I{number}"), state));
    State {
        groups: groups.collect(),
        ..State::default()
    }
}

fn incidents(facts: &Facts) -> &[Incident] {
    facts.incidents.as_deref().unwrap()
}

fn ids(facts: &Facts) -> Vec<&str> {
    let incidents = incidents(facts).iter();
    incidents.map(|one| one.id.raw()).collect()
}

fn warnings(facts: &Facts) -> Vec<&str> {
    facts.warnings.iter().map(Untrusted::raw).collect()
}

#[test]
fn a_mistake_in_the_settings_names_its_place() {
    let url = Some("https://oncall.example");
    for (url, options, words) in [
        (None, "", "is missing; say where to ask"),
        (url, "teams = [\"\"]", "write a name or an id"),
        (url, "services = [\" \"]", "write a name or an id"),
        (url, "team = \"shop\"", "unknown key"),
    ] {
        let problem = build(&KIND, url, options).err().unwrap();
        assert!(problem.message.contains(words), "{options}: {problem:?}");
    }
    let offers = build(&KIND, url, "").unwrap().offers;
    assert!(offers.incidents && !offers.acts.is_empty());
}

#[tokio::test]
async fn the_key_stands_alone_in_its_header() {
    let stand_in = StandIn::start(many(1, "new")).await;
    stand_in.source("").fetch(&ask()).await.unwrap();
    for request in stand_in.server.received_requests().await.unwrap() {
        assert_eq!(request.headers.get("authorization").unwrap(), "s3cret-key");
    }
}

#[tokio::test]
async fn groups_of_every_state_are_read_whole() {
    use IncidentStatus::{Acknowledged, Resolved, Silenced, Triggered};
    let mut silenced = group("I4", "silenced");
    silenced["labels"] = json!([
        {"key": {"id": "service", "name": "service"}, "value": {"id": "pay", "name": "pay"}},
        {"key": {"id": "severity", "name": "severity"}, "value": {"id": "warning", "name": "warning"}},
    ]);
    let mut sent = group("I5", "firing");
    sent["last_alert"]["payload"] = json!({
        "commonLabels": {"service": "search", "severity": "critical"},
        "commonAnnotations": {"runbook_url": "https://runbooks.example/search"},
    });
    let state = State {
        groups: vec![
            group("I1", "new"),
            group("I2", "acknowledged"),
            group("I3", "resolved"),
            silenced,
            sent,
        ],
        users: vec![named("UMARA", "username", "mara")],
        teams: vec![named("TTEAM1", "name", "Shop")],
        integrations: vec![named("CINT1", "name", "Checkout alerts")],
        ..State::default()
    };
    let stand_in = StandIn::start(state).await;
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    let seen: Vec<_> = incidents(&facts)
        .iter()
        .map(|one| (one.id.raw(), one.status, one.severity, one.service.raw()))
        .collect();
    let through = "Checkout alerts";
    assert_eq!(
        seen,
        [
            ("I1", Triggered, Severity::Page, through),
            ("I5", Triggered, Severity::Page, "search"),
            ("I2", Acknowledged, Severity::Page, through),
            ("I4", Silenced, Severity::Ticket, "pay"),
            ("I3", Resolved, Severity::Page, through),
        ]
    );
    let [new, sent, acked, silenced, resolved] = incidents(&facts) else {
        panic!("{facts:?}")
    };
    assert_eq!((new.alerts, new.teams[0].raw()), (3, "Shop"));
    assert_eq!(
        new.url.as_ref().unwrap().raw(),
        "https://acme.slack.com/archives/C1/p1"
    );
    assert_eq!(acked.acknowledged_by, ["mara".into()]);
    assert_eq!(acked.acknowledged_at, "2026-11-22T13:05:00Z".parse().ok());
    assert_eq!(silenced.suppression, Some(Suppression::Silence));
    assert_eq!(resolved.resolved_at, "2026-11-22T13:30:00Z".parse().ok());
    assert_eq!(
        sent.runbook.as_ref().unwrap().raw(),
        "https://runbooks.example/search"
    );
    assert_eq!((facts.fault, facts.warnings), (None, vec![]));
}

#[tokio::test]
async fn words_and_nulls_that_nobody_knows_yet_are_kept() {
    let bare = json!({
        "id": "I2", "integration_id": null, "route_id": null, "alerts_count": null, "state": null,
        "created_at": null, "title": null, "permalinks": null, "labels": null, "last_alert": null,
        "acknowledged_by": {"id": "UMARA"},
    });
    let mut odd = group("I1", "teleported");
    odd["last_alert"]["payload"] = json!(null);
    let state = State {
        groups: vec![odd, bare, json!({"title": "no id"})],
        ..State::default()
    };
    let stand_in = StandIn::start(state).await;
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!(ids(&facts), ["I1", "I2"]);
    let triggered = |one: &Incident| one.status == IncidentStatus::Triggered;
    assert!(incidents(&facts).iter().all(triggered));
    assert_eq!(incidents(&facts)[1].title.raw(), "alert group I2");
    assert_eq!(
        warnings(&facts),
        [
            "1 of 3 new alert groups could not be read",
            "2 rows have no severity and are tickets; map `\"\"` under `severities`",
        ]
    );
}

#[tokio::test]
async fn pages_are_turned_to_the_end() {
    let stand_in = StandIn::start(State {
        page: 3,
        ..many(10, "acknowledged")
    })
    .await;
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!(incidents(&facts).len(), 10);
    assert_eq!(facts.warnings, vec![]);
    assert_eq!(
        stand_in.lists().len(),
        3 + 4,
        "one page for each of the other states"
    );
}

#[tokio::test]
async fn a_page_that_leads_to_itself_ends_the_list() {
    let stand_in = StandIn::start(State {
        page: 2,
        repeats: true,
        ..many(5, "new")
    })
    .await;
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!(incidents(&facts).len(), 2);
    assert_eq!(warnings(&facts), ["2 of 5 new alert groups loaded"]);
    assert_eq!(stand_in.lists().len(), 3 + 2);
}

#[tokio::test]
async fn no_more_than_five_hundred_of_a_state_are_loaded_and_that_is_said() {
    let stand_in = StandIn::start(many(620, "new")).await;
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!(incidents(&facts).len(), 500);
    assert_eq!(warnings(&facts), ["500 of 620 new alert groups loaded"]);
}

#[tokio::test]
async fn a_link_to_another_server_gets_no_key() {
    let other = StandIn::start(State::default()).await;
    let state = State {
        page: 2,
        elsewhere: Some(other.server.uri()),
        ..many(5, "new")
    };
    let stand_in = StandIn::start(state).await;
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!(incidents(&facts).len(), 2, "what is there stays");
    assert_eq!(facts.fault.unwrap().kind, FaultKind::Redirect);
    assert_eq!(other.world().asked.len(), 0);
}

#[tokio::test]
async fn a_poll_of_many_requests_rests_longer() {
    let stand_in = StandIn::start(State {
        page: 10,
        ..many(200, "new")
    })
    .await;
    let mut source = stand_in.source("");
    let facts = source.fetch(&ask()).await.unwrap();
    let requests = i64::try_from(stand_in.world().asked.len()).unwrap();
    assert!(requests > 20, "{requests}");
    // 300 in five minutes are allowed; two seconds a request are half of that.
    assert_eq!(facts.rest, Some(SignedDuration::from_secs(requests * 2)));
    stand_in.world().groups.truncate(3);
    assert_eq!(source.fetch(&ask()).await.unwrap().rest, None);
}

#[tokio::test]
async fn a_rate_limit_ends_the_poll_and_keeps_what_is_there() {
    let limited = || ResponseTemplate::new(429).insert_header("RateLimit-Reset", "90");
    let wait = Some(SignedDuration::from_secs(90));
    let storm = |part: &str, after| State {
        page: 2,
        instead: vec![(part.to_owned(), after, limited())],
        ..many(6, "new")
    };
    let stand_in = StandIn::start(storm("/api/", 0)).await;
    let fault = stand_in.source("").fetch(&ask()).await.unwrap_err();
    assert_eq!(
        (fault.kind, fault.retry_after),
        (FaultKind::RateLimited, wait)
    );
    assert_eq!(stand_in.world().asked.len(), 1, "one request, and no more");

    let stand_in = StandIn::start(storm("alert_groups", 1)).await;
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!(incidents(&facts).len(), 2);
    assert_eq!(facts.fault.unwrap().retry_after, wait);
    assert_eq!(stand_in.lists().len(), 2, "nothing is asked after that");
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    for (status, kind, words) in [
        (401, FaultKind::Auth, "`token` is an API key"),
        (403, FaultKind::Forbidden, "lacks a role"),
        (404, FaultKind::NotFound, "without /api/v1"),
        (503, FaultKind::Server, "answered 503"),
    ] {
        let answer = ResponseTemplate::new(status).set_body_json(json!({"detail": "no"}));
        let state = State {
            instead: vec![("state=new".to_owned(), 0, answer)],
            ..State::default()
        };
        let stand_in = StandIn::start(state).await;
        let fault = stand_in.source("").fetch(&ask()).await.unwrap_err();
        assert_eq!(fault.kind, kind, "{fault:?}");
        assert!(fault.message.raw().contains(words), "{fault:?}");
    }
}

#[tokio::test]
async fn a_state_that_is_refused_costs_no_other_state() {
    let answer = ResponseTemplate::new(400).set_body_json(json!({"state": "Must be one of"}));
    let state = State {
        instead: vec![("state=silenced".to_owned(), 0, answer)],
        ..many(2, "acknowledged")
    };
    let stand_in = StandIn::start(state).await;
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!(incidents(&facts).len(), 2);
    let fault = facts.fault.unwrap();
    assert!(
        fault.message.raw().starts_with("silenced alert groups: "),
        "{fault:?}"
    );
}

#[tokio::test]
async fn teams_and_services_are_wanted_by_name_or_id() {
    let mut other = group("I2", "new");
    other["team_id"] = json!("TTEAM2");
    other["integration_id"] = json!("CINT2");
    let state = || State {
        groups: vec![group("I1", "new"), other.clone()],
        teams: vec![
            named("TTEAM1", "name", "Shop"),
            named("TTEAM2", "name", "Search"),
        ],
        integrations: vec![
            named("CINT1", "name", "Checkout"),
            named("CINT2", "name", "Find"),
        ],
        ..State::default()
    };
    for (options, want, query) in [
        ("teams = [\"shop\"]", vec!["I1"], "state=new&team_id=TTEAM1"),
        (
            "teams = [\"TTEAM2\"]",
            vec!["I2"],
            "state=new&team_id=TTEAM2",
        ),
        (
            "teams = [\"Shop\", \"Search\"]",
            vec!["I1", "I2"],
            "state=new",
        ),
        (
            "services = [\"Find\"]",
            vec!["I2"],
            "state=new&integration_id=CINT2",
        ),
        ("services = [\"RROUTE1\"]", vec!["I1", "I2"], "state=new"),
    ] {
        let stand_in = StandIn::start(state()).await;
        let facts = stand_in.source(options).fetch(&ask()).await.unwrap();
        assert_eq!(ids(&facts), want, "{options}");
        assert_eq!(stand_in.lists()[0], query, "{options}");
    }
    let stand_in = StandIn::start(state()).await;
    let facts = stand_in
        .source("teams = [\"Nobody\"]")
        .fetch(&ask())
        .await
        .unwrap();
    assert_eq!(ids(&facts), [""; 0]);
    assert_eq!(
        warnings(&facts),
        ["`teams` names \"Nobody\", and there is no such team"]
    );
}

#[tokio::test]
async fn names_are_asked_for_every_half_hour_and_are_no_condition() {
    let stand_in = StandIn::start(many(1, "new")).await;
    let mut source = stand_in.source("");
    let later = |minutes| Ask {
        now: ask().now + SignedDuration::from_mins(minutes),
        ..ask()
    };
    let users = || {
        let asked = stand_in.world().asked.clone();
        asked
            .iter()
            .filter(|path| *path == "/api/v1/users/")
            .count()
    };
    source.fetch(&ask()).await.unwrap();
    source.fetch(&later(20)).await.unwrap();
    assert_eq!(users(), 1);
    source.fetch(&later(31)).await.unwrap();
    assert_eq!(users(), 2);

    let state = State {
        instead: vec![("/users/".to_owned(), 0, ResponseTemplate::new(403))],
        ..many(1, "acknowledged")
    };
    let stand_in = StandIn::start(state).await;
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!(incidents(&facts)[0].acknowledged_by, ["UMARA".into()]);
    assert_eq!(facts.fault, None);
    assert!(warnings(&facts)[0].starts_with("ids instead of names of users"));
}

#[tokio::test]
async fn a_past_moment_has_its_own_states_and_nothing_younger() {
    let mut resolved = group("I1", "resolved");
    resolved["created_at"] = json!("2026-11-20T10:00:00Z");
    resolved["acknowledged_at"] = json!("2026-11-20T12:00:00Z");
    resolved["acknowledged_by"] = json!("UMARA");
    resolved["resolved_at"] = json!("2026-11-20T14:00:00Z");
    let state = State {
        groups: vec![group("I2", "new"), resolved],
        ..State::default()
    };
    let stand_in = StandIn::start(state).await;
    let mut source = stand_in.source("");
    for (at, want) in [
        ("2026-11-20T09:00:00Z", None),
        ("2026-11-20T11:00:00Z", Some(IncidentStatus::Triggered)),
        ("2026-11-20T13:00:00Z", Some(IncidentStatus::Acknowledged)),
        ("2026-11-20T15:00:00Z", Some(IncidentStatus::Resolved)),
    ] {
        let facts = source.fetch(&ask_at(at)).await.unwrap();
        let seen: Vec<_> = incidents(&facts)
            .iter()
            .map(|one| (one.id.raw(), one.status))
            .collect();
        let want: Vec<_> = want.map(|status| ("I1", status)).into_iter().collect();
        assert_eq!(seen, want, "{at}");
    }
    assert_eq!(
        stand_in.lists().last().unwrap(),
        "started_at=2026-11-13T15%3A00%3A00_2026-11-20T15%3A00%3A00"
    );
}
