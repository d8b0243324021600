//! Incidents, their pages, who is on call, and what goes wrong with them.

use serde_json::{Value, json};

use super::stand_in::{StandIn, id, incident, moment, role, status, user};
use crate::domain::{Facts, FaultKind, Incident, IncidentStatus, Severity};
use crate::source::Ask;
use crate::source::fixture::{ask, ask_at, build};
use crate::text::Untrusted;

use super::super::KIND;

const EARLIER: &str = "2026-11-22T13:00:00.123456Z";

fn live() -> Value {
    status("Investigating", "live", 2)
}

fn rows(facts: &Facts) -> Vec<&Incident> {
    facts.incidents.as_ref().unwrap().iter().collect()
}

fn row(facts: &Facts, number: usize) -> &Incident {
    let wanted = id(number);
    let mut rows = rows(facts).into_iter();
    rows.find(|row| row.id.raw() == wanted).unwrap()
}

fn warnings(facts: &Facts) -> String {
    let words: Vec<_> = facts.warnings.iter().map(Untrusted::raw).collect();
    words.join("\n")
}

fn detail<'a>(row: &'a Incident, name: &str) -> Option<&'a str> {
    let found = row.details.iter().find(|(known, _)| known.raw() == name);
    found.map(|(_, value)| value.raw())
}

#[test]
fn a_mistake_in_the_settings_names_its_place() {
    for (options, words) in [
        ("teams = [\"\"]", "is empty"),
        ("severities = { Major = \"loud\" }", "page"),
        ("service = [\"x\"]", "did you mean `services`"),
    ] {
        let message = build(&KIND, None, options).err().unwrap().message;
        assert!(message.contains(words), "{options}: {message}");
    }
}

#[tokio::test]
async fn an_incident_is_read_whole() {
    let stand_in = StandIn::start().await;
    let mut sent = incident(7, &live(), EARLIER);
    sent["incident_role_assignments"] = json!([
        role("lead", &user("Mara Lind")),
        role("custom", &user("Lee Wu")),
        role("reporter", &user("Ada Stone")),
    ]);
    sent["incident_timestamp_values"] = json!([moment("Accepted at", "2026-11-22T13:04:00Z")]);
    stand_in.world().incidents = vec![sent];
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    let row = row(&facts, 7);
    assert_eq!(row.title.raw(), "Database 7 is slow");
    assert_eq!(row.service.raw(), "checkout");
    assert_eq!(
        (row.severity, row.status),
        (Severity::Page, IncidentStatus::Acknowledged)
    );
    assert_eq!(row.opened_at, EARLIER.parse().ok());
    assert_eq!(row.acknowledged_at, "2026-11-22T13:04:00Z".parse().ok());
    assert_eq!(row.assignees, ["Mara Lind".into(), "Lee Wu".into()]);
    assert_eq!(row.acknowledged_by, ["Mara Lind".into()]);
    assert_eq!(row.teams, ["Shop".into()]);
    assert_eq!(
        row.url.as_ref().unwrap().raw(),
        "https://app.incident.io/acme/incidents/7"
    );
    assert_eq!(detail(row, "reference"), Some("INC-7"));
    assert_eq!(detail(row, "Affected services"), Some("checkout, search"));
    assert_eq!((facts.fault, facts.warnings), (None, vec![]));
}

#[tokio::test]
async fn severities_go_by_setting_then_number_then_rank() {
    let stand_in = StandIn::start().await;
    let severity = |name: &str, rank: i64| json!({"id": "01SEV", "name": name, "rank": rank});
    let cases = [
        (severity("Critical", 3), Severity::Page),
        (severity("Major", 2), Severity::Ticket),
        (severity("Minor", 1), Severity::Info),
        (severity("Worse", 2), Severity::Page),
        (severity("Least", 1), Severity::Ticket),
        (severity("SEV3", 3), Severity::Ticket),
        (severity("Hint", 3), Severity::Info),
        (severity("critical", 77), Severity::Page),
        (severity("Odd", 77), Severity::Ticket),
        (Value::Null, Severity::Ticket),
    ];
    let sent = cases.iter().enumerate().map(|(number, (severity, _))| {
        let mut row = incident(number, &live(), EARLIER);
        row["severity"] = severity.clone();
        row
    });
    stand_in.world().incidents = sent.collect();
    let facts = stand_in
        .source("severities = { hint = \"info\" }")
        .fetch(&ask())
        .await
        .unwrap();
    for (number, (severity, want)) in cases.iter().enumerate() {
        assert_eq!(row(&facts, number).severity, *want, "{severity}");
    }
}

#[tokio::test]
async fn nobody_but_a_reporter_and_unknown_categories_are_triggered() {
    let stand_in = StandIn::start().await;
    stand_in.world().incidents = vec![
        incident(1, &status("Triage", "triage", 1), EARLIER),
        incident(2, &status("Pondering", "pondering", 3), EARLIER),
    ];
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!(row(&facts, 1).status, IncidentStatus::Triggered);
    assert_eq!(row(&facts, 2).status, IncidentStatus::Triggered);
    assert_eq!(detail(row(&facts, 2), "category"), Some("pondering"));
}

#[tokio::test]
async fn null_in_place_of_anything_but_the_id_is_read() {
    let stand_in = StandIn::start().await;
    let mut nulls = incident(1, &live(), EARLIER);
    for (_, value) in nulls
        .as_object_mut()
        .unwrap()
        .iter_mut()
        .filter(|(name, _)| *name != "id")
    {
        *value = Value::Null;
    }
    let mut inside = incident(2, &json!({"category": "live", "name": null}), EARLIER);
    inside["incident_role_assignments"] = json!([null, {"role": null, "assignee": null}]);
    inside["incident_timestamp_values"] =
        json!([null, {"incident_timestamp": null, "value": null}]);
    inside["custom_field_entries"] = json!([null, {"custom_field": null, "values": [null]}]);
    inside["team_ids"] = json!([null]);
    stand_in.world().incidents = vec![nulls, inside, json!({"id": 5})];
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!(rows(&facts).len(), 2);
    assert!(
        warnings(&facts).contains("1 of 3 open incidents could not be read"),
        "{facts:?}"
    );
}

#[tokio::test]
async fn every_page_is_turned_and_a_cap_is_stated() {
    let stand_in = StandIn::start().await;
    let many = |count| {
        (0..count)
            .map(|number| incident(number, &live(), EARLIER))
            .collect()
    };
    stand_in.world().incidents = many(740);
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!((rows(&facts).len(), facts.warnings.len()), (740, 0));
    let asked = stand_in.asked().await;
    let pages: Vec<_> = asked
        .iter()
        .filter(|line| line.contains("one_of]=live"))
        .collect();
    assert_eq!(pages.len(), 3);
    assert!(
        pages[2].ends_with(&format!("after={}", id(499))),
        "{pages:?}"
    );
    stand_in.world().incidents = many(1_300);
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert!(
        warnings(&facts).contains("1000 of 1300 open incidents loaded"),
        "{:?}",
        facts.warnings
    );
}

#[tokio::test]
async fn a_cursor_that_comes_again_ends_the_list() {
    let stand_in = StandIn::start().await;
    stand_in.world().repeats = true;
    stand_in.world().incidents = vec![incident(1, &live(), EARLIER)];
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!(rows(&facts).len(), 1);
    assert!(
        warnings(&facts).contains("the same cursor came again"),
        "{facts:?}"
    );
    assert!(stand_in.asked().await.len() < 15);
}

#[tokio::test]
async fn a_429_says_how_long_to_stay_away_in_its_header_or_its_body() {
    let body = |retry: Value| {
        json!({"type": "too_many_requests", "status": 429,
        "rate_limit": {"name": "key", "limit": 1200, "remaining": 0, "retry_after": retry},
        "errors": [{"code": "too_many_requests", "message": "Too many requests"}]})
    };
    for (body, headers, want) in [
        (body(json!("2026-11-22T14:03:11Z")), vec![], Some(40)),
        (
            body(json!("2026-11-22T14:03:11Z")),
            vec![("retry-after", "3")],
            Some(3),
        ),
        (body(Value::Null), vec![], None),
        (json!(null), vec![], None),
    ] {
        let stand_in = StandIn::start().await;
        stand_in.world().broken = vec![("/v2/incidents", 429, body, headers)];
        let fault = stand_in.source("").fetch(&ask()).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::RateLimited);
        assert_eq!(fault.retry_after.map(|wait| wait.as_secs()), want);
    }
}

#[tokio::test]
async fn a_refused_key_names_the_setting() {
    let stand_in = StandIn::start().await;
    let body = json!({"type": "authentication_error", "errors": [{"message": "bad key"}]});
    stand_in.world().broken = vec![("/v2/incidents", 401, body, vec![])];
    let fault = stand_in.source("").fetch(&ask()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Auth);
    assert!(
        fault.message.raw().contains("bad key); check `token`"),
        "{fault:?}"
    );
}

#[tokio::test]
async fn what_ended_stays_a_day_and_the_past_is_told_by_dates() {
    let stand_in = StandIn::start().await;
    let ended = |number: usize, at: &str| {
        let mut row = incident(number, &status("Closed", "closed", 9), EARLIER);
        row["updated_at"] = json!(at);
        row["incident_timestamp_values"] = json!([
            moment("Accepted at", "2026-11-22T13:10:00Z"),
            moment("Resolved at", at)
        ]);
        row["incident_role_assignments"] = json!([role("lead", &user("Mara Lind"))]);
        row
    };
    let mut old = ended(3, "2026-11-21T13:00:00Z");
    old["created_at"] = json!("2026-11-20T13:00:00Z");
    stand_in.world().incidents = vec![
        ended(1, "2026-11-22T13:20:00Z"),
        ended(2, "2026-11-22T13:50:00Z"),
        old,
        incident(4, &live(), "2026-11-22T13:45:00Z"),
    ];
    let mut source = stand_in.source("");
    let facts = source.fetch(&ask()).await.unwrap();
    let day = jiff::SignedDuration::from_hours(24);
    assert_eq!(facts.reach, Some(ask().moment() - day));
    let week = ask().moment() - day * 7;
    let since = Ask {
        since: Some(week),
        ..ask()
    };
    let longer = stand_in.source("").fetch(&since).await.unwrap();
    assert_eq!(
        (rows(&longer).len(), longer.reach),
        (rows(&facts).len() + 1, Some(week))
    );
    let mut now: Vec<_> = rows(&facts)
        .iter()
        .map(|row| (row.id.raw(), row.status))
        .collect();
    now.sort_by_key(|(id, _)| *id);
    let resolved = IncidentStatus::Resolved;
    let (one, two, four) = (id(1), id(2), id(4));
    let want = [
        (one.as_str(), resolved),
        (two.as_str(), resolved),
        (four.as_str(), IncidentStatus::Triggered),
    ];
    assert_eq!(now, want);
    let facts = source.fetch(&ask_at("2026-11-22T13:30:00Z")).await.unwrap();
    assert_eq!(row(&facts, 1).status, resolved);
    assert_eq!(row(&facts, 2).status, IncidentStatus::Acknowledged);
    assert_eq!(row(&facts, 2).resolved_at, None);
    assert!(rows(&facts).iter().all(|row| row.id.raw() != four));
    let facts = source.fetch(&ask_at("2026-11-22T13:05:00Z")).await.unwrap();
    assert_eq!(row(&facts, 2).status, IncidentStatus::Triggered);
}

fn shift(name: &str, from: &str, until: &str) -> Value {
    json!({"entry_id": "01E", "rotation_id": "01R", "layer_id": "01L", "fingerprint": "01F",
        "user": user(name), "start_at": from, "end_at": until})
}

#[tokio::test]
async fn who_has_it_and_who_is_next() {
    let stand_in = StandIn::start().await;
    let (morning, evening, night) = (
        "2026-11-22T08:00:00Z",
        "2026-11-22T18:00:00Z",
        "2026-11-23T08:00:00Z",
    );
    let schedule = |id: &str, current: Value, next: Value| {
        json!({"id": id, "name": format!("{id} primary"),
        "timezone": "UTC", "annotations": {}, "team_ids": ["01TEAMSHOP1"], "permalink": "https://app.incident.io",
        "created_at": EARLIER, "updated_at": EARLIER, "current_shifts": current, "next_shifts": next})
    };
    let mut nobody = shift("x", morning, evening);
    nobody["user"] = Value::Null;
    stand_in.world().schedules = vec![
        schedule(
            "shop",
            json!([shift("Mara Lind", morning, evening)]),
            json!([shift("Lee Wu", evening, night)]),
        ),
        schedule("gap", json!([nobody, null]), Value::Null),
    ];
    stand_in.world().entries = vec![
        shift("Kim Sato", morning, night),
        shift("Lee Wu", night, "2026-11-24T08:00:00Z"),
    ];
    let mut source = stand_in.source("teams = [\"shop\"]");
    let facts = source.fetch(&ask()).await.unwrap();
    let told = |facts: &Facts| -> Vec<(String, bool)> {
        let rows = facts.on_call.as_ref().unwrap().iter();
        rows.map(|row| (row.who.raw().to_owned(), row.from.is_none()))
            .collect()
    };
    assert_eq!(
        told(&facts),
        [("Mara Lind".to_owned(), true), ("Lee Wu".to_owned(), false)]
    );
    assert_eq!(facts.on_call.unwrap()[0].until, evening.parse().ok());
    let facts = source.fetch(&ask_at("2026-11-22T09:00:00Z")).await.unwrap();
    assert_eq!(told(&facts)[0], ("Kim Sato".to_owned(), true));
    assert!(!told(&facts).iter().any(|(who, _)| who == "Lee Wu"));
    let elsewhere = stand_in
        .source("teams = [\"01TEAMOTHER\"]")
        .fetch(&ask())
        .await
        .unwrap();
    assert_eq!(elsewhere.on_call, Some(vec![]));
}

#[tokio::test]
async fn teams_and_services_narrow_what_is_shown() {
    let stand_in = StandIn::start().await;
    let mut other = incident(2, &live(), EARLIER);
    other["team_ids"] = json!(["01TEAMOTHER"]);
    other["custom_field_entries"] = json!([]);
    stand_in.world().incidents = vec![incident(1, &live(), EARLIER), other];
    for (options, want) in [
        ("", 2),
        ("teams = [\"Shop\"]", 1),
        ("services = [\"Checkout\"]", 1),
        ("services = [\"search\"]", 0),
        (
            "service_fields = [\"Region\"]\nservices = [\"checkout\"]",
            0,
        ),
    ] {
        let facts = stand_in.source(options).fetch(&ask()).await.unwrap();
        assert_eq!(rows(&facts).len(), want, "{options}");
    }
    let fault = stand_in
        .source("teams = [\"Shopp\"]")
        .fetch(&ask())
        .await
        .unwrap_err();
    assert!(
        fault.message.raw().contains("knows no `Shopp`"),
        "{fault:?}"
    );
}

#[tokio::test]
async fn a_key_without_other_rights_still_shows_incidents() {
    let stand_in = StandIn::start().await;
    stand_in.world().incidents = vec![incident(1, &live(), EARLIER)];
    let body = || json!({"errors": [{"message": "missing scope"}]});
    stand_in.world().broken = vec![
        ("/v1/severities", 403, body(), vec![]),
        ("/v3/teams", 403, body(), vec![]),
        ("/v2/schedules", 403, body(), vec![]),
    ];
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!(
        (rows(&facts).len(), &facts.on_call, &facts.fault),
        (1, &None, &None)
    );
    let words = warnings(&facts);
    assert!(
        words.contains("severities: not allowed (403: missing scope)"),
        "{words}"
    );
    assert!(words.contains("who is on call: not allowed"), "{words}");
}

#[tokio::test]
async fn a_steady_poll_is_two_requests() {
    let stand_in = StandIn::start().await;
    let mut source = stand_in.source("");
    source.fetch(&ask()).await.unwrap();
    let first = stand_in.asked().await.len();
    source.fetch(&ask()).await.unwrap();
    assert_eq!(stand_in.asked().await.len() - first, 2);
}
