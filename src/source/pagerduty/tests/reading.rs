//! Incidents, their pages, and what goes wrong with them.

use serde_json::{Value, json};

use super::stand_in::{StandIn, incident, problem, resolved, user};
use crate::domain::{Facts, FaultKind, Incident, IncidentStatus, Severity};
use crate::source::Ask;
use crate::source::fixture::{ask, ask_at};
use crate::text::Untrusted;

const EARLIER: &str = "2026-11-22T13:00:00Z";

fn rows(facts: &Facts) -> Vec<&Incident> {
    facts.incidents.as_ref().unwrap().iter().collect()
}

fn row<'a>(facts: &'a Facts, id: &str) -> &'a Incident {
    rows(facts)
        .into_iter()
        .find(|row| row.id.raw() == id)
        .unwrap()
}

fn warnings(facts: &Facts) -> String {
    let words = facts.warnings.iter().map(|words| words.raw().to_owned());
    words.collect::<Vec<_>>().join("\n")
}

fn detail<'a>(row: &'a Incident, name: &str) -> Option<&'a str> {
    let found = row.details.iter().find(|(known, _)| known.raw() == name);
    found.map(|(_, value)| value.raw())
}

/// `P1`, `P2`, … in the form of an id.
fn id(number: usize) -> String {
    format!("PINC{number:05}")
}

#[test]
fn a_mistake_in_the_settings_names_its_place() {
    for (options, words) in [
        ("teams = [\"\"]", "write a name or an id"),
        ("services = [\"x\", \" \"]", "write a name or an id"),
        ("user_email = \"mara\"", "is no address"),
        ("user_email = \"ma ra@x\"", "is no address"),
        ("priorities = { P1 = \"loud\" }", "page"),
        ("team = [\"x\"]", "did you mean `teams`"),
    ] {
        let message = problem(options);
        assert!(message.contains(words), "{options}: {message}");
    }
}

#[tokio::test]
async fn an_incident_is_read_whole() {
    let stand_in = StandIn::start().await;
    let mut row_sent = incident("PT4KHLK", "acknowledged", EARLIER);
    row_sent["priority"] = json!({"id": "P53ZZH5", "type": "priority_reference", "summary": "P2"});
    row_sent["acknowledgements"] = json!([
        {"at": "2026-11-22T13:20:00Z", "acknowledger": user("PUSER02", "Lee Wu")},
        {"at": "2026-11-22T13:10:00Z", "acknowledger": user("PUSER01", "Mara Lind")},
    ]);
    row_sent["pending_actions"] = json!([{"type": "unacknowledge", "at": "2026-11-22T16:00:00Z"},
        {"type": "resolve", "at": "2026-11-22T17:00:00Z"}]);
    stand_in.world().incidents = vec![row_sent];
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    let row = row(&facts, "PT4KHLK");
    assert_eq!(row.title.raw(), "PT4KHLK burns");
    assert_eq!(row.service.raw(), "checkout");
    assert_eq!(
        (row.severity, row.status),
        (Severity::Ticket, IncidentStatus::Acknowledged)
    );
    assert_eq!(row.opened_at, EARLIER.parse().ok());
    assert_eq!(row.acknowledged_at, "2026-11-22T13:10:00Z".parse().ok());
    let by: Vec<_> = row.acknowledged_by.iter().map(Untrusted::raw).collect();
    assert_eq!(by, ["Mara Lind", "Lee Wu"]);
    assert_eq!(row.assignees, ["Mara Lind".into()]);
    assert_eq!(row.teams, ["Shop".into()]);
    assert_eq!(row.silenced_until, "2026-11-22T16:00:00Z".parse().ok());
    assert_eq!(
        row.url.as_ref().unwrap().raw(),
        "https://acme.pagerduty.com/incidents/PT4KHLK"
    );
    assert_eq!(row.alerts, 2);
    assert_eq!(detail(row, "number"), Some("1234"));
    assert_eq!(detail(row, "priority"), Some("P2"));
    assert_eq!(
        detail(row, "resolves itself at"),
        Some("2026-11-22T17:00:00Z")
    );
    assert_eq!((facts.fault, facts.warnings), (None, vec![]));
}

#[tokio::test]
async fn priorities_tell_the_severity_and_else_urgencies() {
    let stand_in = StandIn::start().await;
    let priority =
        |id: &str, name: &str| json!({"id": id, "type": "priority", "summary": name, "name": name});
    let names = ["Critical", "Major", "Minor", "Cosmetic", "Chore"];
    let ids = ["PPRIO01", "PPRIO02", "PPRIO03", "PPRIO04", "PPRIO05"];
    let all = ids.iter().zip(names).map(|(id, name)| priority(id, name));
    stand_in.world().priorities = all.collect();
    let cases = [
        (priority("PPRIO09", "P1"), "low", Severity::Page),
        (priority("PPRIO09", "P3"), "high", Severity::Ticket),
        (priority("PPRIO09", "SEV-5"), "high", Severity::Info),
        (priority("PPRIO02", "Second"), "low", Severity::Page),
        (priority("PPRIO02", "Major"), "low", Severity::Ticket),
        (priority("PPRIO03", "Third"), "high", Severity::Ticket),
        (priority("PPRIO05", "Chore"), "high", Severity::Ticket),
        (priority("PPRIO88", "Special"), "low", Severity::Ticket),
        (priority("PPRIO88", "Nobody"), "high", Severity::Page),
        (priority("PPRIO88", "VIP"), "low", Severity::Page),
        (Value::Null, "high", Severity::Page),
        (Value::Null, "low", Severity::Ticket),
        (Value::Null, "quiet", Severity::Info),
        (Value::Null, "severe", Severity::Page),
    ];
    let sent = cases
        .iter()
        .enumerate()
        .map(|(number, (priority, urgency, _))| {
            let mut row = incident(&id(number), "triggered", EARLIER);
            row["priority"] = priority.clone();
            row["urgency"] = json!(urgency);
            row
        });
    stand_in.world().incidents = sent.collect();
    let options = "priorities = { vip = \"page\" }\nurgencies = { quiet = \"info\" }";
    let facts = stand_in.source(options).fetch(&ask()).await.unwrap();
    for (number, (priority, urgency, want)) in cases.iter().enumerate() {
        let row = row(&facts, &id(number));
        assert_eq!(row.severity, *want, "{priority} {urgency}");
        assert_eq!(detail(row, "urgency"), Some(*urgency));
    }
}

#[tokio::test]
async fn a_status_nobody_told_us_of_is_open_and_kept() {
    let stand_in = StandIn::start().await;
    stand_in.world().incidents = vec![incident("PT4KHLK", "pondered", EARLIER)];
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    let row = row(&facts, "PT4KHLK");
    assert_eq!(row.status, IncidentStatus::Triggered);
    assert_eq!(detail(row, "status"), Some("pondered"));
}

#[tokio::test]
async fn null_or_nothing_in_place_of_anything_but_the_id_is_read() {
    let stand_in = StandIn::start().await;
    let mut nulls = incident("PNULLS1", "acknowledged", EARLIER);
    for (_, value) in nulls
        .as_object_mut()
        .unwrap()
        .iter_mut()
        .filter(|(name, _)| *name != "id")
    {
        *value = Value::Null;
    }
    let mut inside = incident("PNULLS2", "acknowledged", EARLIER);
    inside["assignments"] = json!([null, {"at": null, "assignee": null}]);
    inside["acknowledgements"] = json!([null, {"at": null, "acknowledger": null}]);
    inside["teams"] = json!([null, {"id": null, "summary": null}]);
    inside["pending_actions"] = json!([null, {"type": null, "at": null}]);
    inside["service"] = json!({"id": "PSVC001", "summary": null});
    inside["alert_counts"] = json!({"all": null});
    let bare = json!({"id": "PNULLS3"});
    stand_in.world().incidents = vec![nulls, inside, bare, json!({"id": null}), Value::Null];
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    let mut ids: Vec<_> = rows(&facts).iter().map(|row| row.id.raw()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["PNULLS1", "PNULLS2", "PNULLS3"]);
    assert!(
        warnings(&facts).contains("2 of 5 open incidents could not be read"),
        "{facts:?}"
    );
    assert_eq!(row(&facts, "PNULLS2").service.raw(), "PSVC001");
    assert_eq!(row(&facts, "PNULLS2").assignees, []);
}

#[tokio::test]
async fn every_page_is_turned_and_old_open_incidents_are_found() {
    let stand_in = StandIn::start().await;
    let mut all: Vec<_> = (0..349)
        .map(|number| incident(&id(number), "triggered", EARLIER))
        .collect();
    all.push(incident("PANCIENT", "triggered", "2024-01-01T00:00:00Z"));
    stand_in.world().incidents = all;
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!(rows(&facts).len(), 350);
    assert_eq!(facts.warnings, []);
    let asked = stand_in.asked().await;
    let open: Vec<_> = asked
        .iter()
        .filter(|line| line.contains("=triggered"))
        .collect();
    assert_eq!(open.len(), 4);
    assert!(open[3].contains("limit=100&offset=300"), "{open:?}");
}

#[tokio::test]
async fn a_cap_is_stated_with_what_there_is() {
    let stand_in = StandIn::start().await;
    let all = (0..1_250).map(|number| incident(&id(number), "triggered", EARLIER));
    stand_in.world().incidents = all.collect();
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!(rows(&facts).len(), 1_000);
    assert!(
        warnings(&facts).contains("1000 of 1250 open incidents loaded"),
        "{facts:?}"
    );
}

#[tokio::test]
async fn a_page_that_comes_again_ends_the_list() {
    let stand_in = StandIn::start().await;
    stand_in.world().repeats = true;
    stand_in.world().incidents = vec![incident("PT4KHLK", "triggered", EARLIER)];
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!(rows(&facts).len(), 1);
    let words = warnings(&facts);
    assert!(
        words.contains("1 open incidents loaded, and there are more: the same page came again"),
        "{words}"
    );
    assert!(stand_in.asked().await.len() < 15);
}

#[tokio::test]
async fn resolved_incidents_stay_a_day_however_long_ago_they_began() {
    let stand_in = StandIn::start().await;
    stand_in.world().incidents = vec![
        resolved("PLONGRUN", "2026-11-02T09:00:00Z", "2026-11-22T13:59:00Z"),
        resolved("PYESTER", "2026-11-21T09:00:00Z", "2026-11-21T14:02:30Z"),
    ];
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    let found = rows(&facts);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].status, IncidentStatus::Resolved);
    assert_eq!(found[0].resolved_at, "2026-11-22T13:59:00Z".parse().ok());
    // A report does not take older days for days without an incident.
    let day = jiff::SignedDuration::from_hours(24);
    assert_eq!(facts.reach, Some(ask().moment() - day));
    // A report, and a gate with a condition about a longer time, ask for those before as well.
    let week = ask().moment() - day * 7;
    let since = Ask {
        since: Some(week),
        ..ask()
    };
    let facts = stand_in.source("").fetch(&since).await.unwrap();
    assert_eq!((rows(&facts).len(), facts.reach), (2, Some(week)));
}

#[tokio::test]
async fn old_pages_of_resolved_incidents_are_not_turned() {
    let stand_in = StandIn::start().await;
    let old = |number| resolved(&id(number), "2026-11-10T09:00:00Z", "2026-11-10T10:00:00Z");
    stand_in.world().incidents = (0..400).map(old).collect();
    stand_in.source("").fetch(&ask()).await.unwrap();
    let asked = stand_in.asked().await;
    let pages = asked
        .iter()
        .filter(|line| line.contains("statuses[]=resolved"))
        .count();
    assert_eq!(pages, 1);
}

#[tokio::test]
async fn a_429_says_how_long_to_stay_away() {
    let stand_in = StandIn::start().await;
    let body = json!({"error": {"message": "Rate Limit Exceeded", "code": 2020}});
    let limits = vec![
        ("ratelimit-limit", "960"),
        ("ratelimit-remaining", "0"),
        ("ratelimit-reset", "37"),
    ];
    stand_in.world().broken = vec![("/incidents", 429, body, limits)];
    let fault = stand_in.source("").fetch(&ask()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::RateLimited);
    assert_eq!(fault.retry_after.map(|wait| wait.as_secs()), Some(37));
    assert_eq!(stand_in.asked().await.len(), 1);
}

#[tokio::test]
async fn a_budget_that_is_nearly_spent_asks_for_rest() {
    let stand_in = StandIn::start().await;
    let mut source = stand_in.source("");
    let plenty = vec![
        ("ratelimit-limit", "960"),
        ("ratelimit-remaining", "950"),
        ("ratelimit-reset", "50"),
    ];
    stand_in.world().limits = plenty;
    assert_eq!(source.fetch(&ask()).await.unwrap().rest, None);
    let few = vec![
        ("ratelimit-limit", "960"),
        ("ratelimit-remaining", "2"),
        ("ratelimit-reset", "50"),
    ];
    stand_in.world().limits = few;
    let rest = source.fetch(&ask()).await.unwrap().rest.unwrap();
    assert!((20..=60).contains(&rest.as_secs()), "{rest:?}");
}

#[tokio::test]
async fn what_fails_beside_the_open_incidents_is_named_and_ends_the_poll() {
    let stand_in = StandIn::start().await;
    stand_in.world().incidents = vec![incident("PT4KHLK", "triggered", EARLIER)];
    let body = json!({"error": {"message": "Rate Limit Exceeded", "code": 2020}});
    stand_in.world().broken = vec![("/services", 429, body, vec![("ratelimit-reset", "9")])];
    let mut source = stand_in.source("");
    let facts = source.fetch(&ask()).await.unwrap();
    assert_eq!(rows(&facts).len(), 1);
    let fault = facts.fault.unwrap();
    assert_eq!(fault.kind, FaultKind::RateLimited);
    assert_eq!(fault.retry_after.map(|wait| wait.as_secs()), Some(9));
    assert!(fault.message.raw().starts_with("services: "), "{fault:?}");
    assert!(!stand_in.asked().await.last().unwrap().contains("oncalls"));
    assert_eq!(source.fetch(&ask()).await.unwrap().fault, None);
}

#[tokio::test]
async fn a_refused_key_names_the_setting() {
    let stand_in = StandIn::start().await;
    let body = json!({"error": {"message": "Unauthorized", "code": 2006}});
    stand_in.world().broken = vec![("/incidents", 401, body, vec![])];
    let fault = stand_in.source("").fetch(&ask()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Auth);
    assert!(fault.message.raw().contains("check `token`"), "{fault:?}");
}

#[tokio::test]
async fn another_api_is_recognised() {
    let stand_in = StandIn::start().await;
    stand_in.world().broken = vec![("/incidents", 200, json!({"data": []}), vec![])];
    let fault = stand_in.source("").fetch(&ask()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Decode);
    assert!(
        fault.message.raw().contains("is `url` PagerDuty's"),
        "{fault:?}"
    );
}

#[tokio::test]
async fn teams_and_services_go_by_name_or_id() {
    let stand_in = StandIn::start().await;
    let mut other = incident("POTHERS", "triggered", EARLIER);
    other["service"]["id"] = json!("PSVC002");
    stand_in.world().incidents = vec![incident("PT4KHLK", "triggered", EARLIER), other];
    for options in [
        "services = [\"Checkout\"]",
        "services = [\"PSVC001\"]",
        "teams = [\"shop\"]\nservices = [\"checkout\"]",
    ] {
        let facts = stand_in.source(options).fetch(&ask()).await.unwrap();
        let ids: Vec<_> = rows(&facts).iter().map(|row| row.id.raw()).collect();
        assert_eq!(ids, ["PT4KHLK"], "{options}");
    }
    let asked = stand_in.asked().await;
    assert!(
        asked
            .iter()
            .any(|line| line.contains("team_ids[]=PTEAM01&service_ids[]=PSVC001"))
    );
}

#[tokio::test]
async fn a_name_that_is_not_there_is_no_quiet_emptiness() {
    let stand_in = StandIn::start().await;
    let fault = stand_in
        .source("teams = [\"Shopp\"]")
        .fetch(&ask())
        .await
        .unwrap_err();
    assert!(
        fault.message.raw().contains("knows no `Shopp`"),
        "{fault:?}"
    );
    let facts = stand_in
        .source("teams = [\"PTEAM99\"]")
        .fetch(&ask())
        .await
        .unwrap();
    assert!(warnings(&facts).contains("knows no `PTEAM99`"), "{facts:?}");
    assert_eq!(rows(&facts).len(), 0);
}

#[tokio::test]
async fn ids_do_for_a_key_that_may_not_list_names() {
    let stand_in = StandIn::start().await;
    stand_in.world().incidents = vec![incident("PT4KHLK", "triggered", EARLIER)];
    let body = || json!({"error": {"message": "Access Denied", "code": 2010}});
    stand_in.world().broken = vec![
        ("/teams", 403, body(), vec![]),
        ("/services", 403, body(), vec![]),
    ];
    let options = "teams = [\"PTEAM01\"]\nservices = [\"PSVC001\"]";
    let facts = stand_in.source(options).fetch(&ask()).await.unwrap();
    assert_eq!(rows(&facts).len(), 1);
    assert!(
        warnings(&facts).contains("services: not allowed"),
        "{facts:?}"
    );
    assert!(warnings(&facts).contains("teams: not allowed"), "{facts:?}");
}

#[tokio::test]
async fn a_past_moment_is_told_by_rows_and_their_logs() {
    use IncidentStatus::{Acknowledged, Resolved, Triggered};
    let stand_in = StandIn::start().await;
    let mut taken = incident("PTAKEN1", "acknowledged", EARLIER);
    taken["acknowledgements"] =
        json!([{"at": "2026-11-22T13:05:00Z", "acknowledger": user("PUSER01", "Mara Lind")}]);
    let mut later = incident("PLATER1", "acknowledged", EARLIER);
    later["acknowledgements"] =
        json!([{"at": "2026-11-22T13:45:00Z", "acknowledger": user("PUSER01", "Mara Lind")}]);
    let entry = |kind: &str, at: &str| {
        json!({"id": format!("Q{kind}{at}"), "type": kind, "created_at": at,
            "agent": user("PUSER02", "Lee Wu")})
    };
    {
        let mut world = stand_in.world();
        world.incidents = vec![
            taken,
            later,
            incident("PYOUNG1", "triggered", "2026-11-22T13:31:00Z"),
            resolved("PSINCE1", EARLIER, "2026-11-22T13:50:00Z"),
            resolved("PBEFORE", EARLIER, "2026-11-22T13:20:00Z"),
            resolved("PLONG01", "2026-11-15T13:00:00Z", "2026-11-20T13:20:00Z"),
        ];
        world.logs = vec![
            ("PSINCE1", entry("trigger_log_entry", EARLIER)),
            (
                "PSINCE1",
                entry("acknowledge_log_entry", "2026-11-22T13:10:00Z"),
            ),
            (
                "PSINCE1",
                entry("resolve_log_entry", "2026-11-22T13:50:00Z"),
            ),
            ("PLATER1", entry("trigger_log_entry", EARLIER)),
        ];
    }
    let facts = stand_in
        .source("")
        .fetch(&ask_at("2026-11-22T13:30:00Z"))
        .await
        .unwrap();
    let mut found: Vec<_> = rows(&facts)
        .into_iter()
        .map(|row| (row.id.raw(), row.status, row.acknowledged_by.len()))
        .collect();
    found.sort_by_key(|(id, ..)| *id);
    assert_eq!(
        found,
        [
            ("PBEFORE", Resolved, 0),
            ("PLATER1", Triggered, 0),
            ("PSINCE1", Acknowledged, 1),
            ("PTAKEN1", Acknowledged, 1),
        ]
    );
    assert_eq!(row(&facts, "PSINCE1").resolved_at, None);
}

#[tokio::test]
async fn a_log_that_cannot_be_read_costs_a_warning_and_no_incident() {
    let stand_in = StandIn::start().await;
    stand_in.world().incidents = vec![resolved("PSINCE1", EARLIER, "2026-11-22T13:50:00Z")];
    let body = json!({"error": {"message": "Access Denied", "code": 2010}});
    stand_in.world().broken = vec![("/incidents/PSINCE1/log_entries", 403, body, vec![])];
    let at = ask_at("2026-11-22T13:30:00Z");
    let facts = stand_in.source("").fetch(&at).await.unwrap();
    assert_eq!(row(&facts, "PSINCE1").status, IncidentStatus::Triggered);
    assert!(
        warnings(&facts).contains("1 incidents are shown as triggered"),
        "{facts:?}"
    );
}

#[tokio::test]
async fn times_are_asked_for_in_whole_seconds() {
    let stand_in = StandIn::start().await;
    let now = "2026-11-22T14:02:31.987654321Z".parse().unwrap();
    let fraction = Ask { now, ..ask() };
    stand_in.source("").fetch(&fraction).await.unwrap();
    let asked = stand_in.asked().await.join("\n");
    assert!(
        asked.contains("since=2026-10-23T14:02:31Z&until=2026-11-22T14:02:31Z"),
        "{asked}"
    );
    assert!(!asked.contains(".987"), "{asked}");
}

#[tokio::test]
async fn a_steady_poll_is_two_requests() {
    let stand_in = StandIn::start().await;
    let mut source = stand_in.source("teams = [\"Shop\"]");
    source.fetch(&ask()).await.unwrap();
    let first = stand_in.asked().await.len();
    source.fetch(&ask()).await.unwrap();
    assert_eq!(stand_in.asked().await.len() - first, 2);
    assert!(source.skew().is_some());
}
