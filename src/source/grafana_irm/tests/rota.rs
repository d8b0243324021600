//! Who is on call.

use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::stand_in::{StandIn, State, named};
use crate::domain::Facts;
use crate::source::fixture::{ask, ask_at};

fn shift(user: &str, from: &str, until: &str) -> Value {
    json!({
        "user_pk": format!("U{user}"), "user_email": format!("{user}@acme.example"),
        "user_username": user, "shift_start": from, "shift_end": until,
    })
}

fn state() -> State {
    State {
        schedules: vec![json!({
            "id": "S1", "name": "Shop primary", "type": "web", "team_id": null,
            "on_call_now": ["Umara", "Umara"], "slack": null,
        })],
        shifts: vec![
            shift("lee", "2026-11-22T18:00:00Z", "2026-11-23T06:00:00Z"),
            shift("mara", "2026-11-22T06:00:00Z", "2026-11-22T12:00:00Z"),
            shift("mara", "2026-11-22T12:00:00Z", "2026-11-22T18:00:00Z"),
            shift("mara", "2026-11-23T06:00:00Z", "2026-11-30T00:00:00Z"),
        ],
        users: vec![
            named("Umara", "username", "mara"),
            named("Ueve", "username", "eve"),
        ],
        ..State::default()
    }
}

fn shifts(facts: &Facts) -> Vec<(&str, &str, Option<String>, Option<String>)> {
    let rows = facts.on_call.as_ref().unwrap().iter();
    let text = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string());
    rows.map(|row| {
        let (from, until) = (text(row.from), text(row.until));
        (row.schedule.raw(), row.who.raw(), from, until)
    })
    .collect()
}

#[tokio::test]
async fn who_has_the_pager_until_when_and_who_is_next() {
    let stand_in = StandIn::start(state()).await;
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    let handover = Some("2026-11-22T18:00:00Z".to_owned());
    let morning = Some("2026-11-23T06:00:00Z".to_owned());
    assert_eq!(
        shifts(&facts),
        [
            ("Shop primary", "mara", None, handover.clone()),
            ("Shop primary", "lee", handover, morning),
        ]
    );
    let asked = stand_in.world().asked.clone();
    let days = "/api/v1/schedules/S1/final_shifts?start_date=2026-11-21&end_date=2026-11-30";
    assert!(asked.iter().any(|path| path == days), "{asked:?}");
    assert_eq!((facts.fault, facts.warnings), (None, vec![]));
}

#[tokio::test]
async fn an_end_that_is_only_where_the_question_ends_is_none() {
    let stand_in = StandIn::start(State {
        shifts: vec![shift(
            "mara",
            "2026-11-22T06:00:00Z",
            "2026-11-30T00:00:00Z",
        )],
        ..state()
    })
    .await;
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!(shifts(&facts), [("Shop primary", "mara", None, None)]);
}

#[tokio::test]
async fn a_past_moment_is_what_the_shifts_say() {
    let stand_in = StandIn::start(state()).await;
    let mut source = stand_in.source("");
    let facts = source.fetch(&ask_at("2026-11-22T20:00:00Z")).await.unwrap();
    let who: Vec<_> = shifts(&facts).into_iter().map(|(_, who, ..)| who).collect();
    assert_eq!(who, ["lee", "mara"], "and not who has it now");
}

#[tokio::test]
async fn without_shifts_there_is_still_who_has_it() {
    for answer in [
        ResponseTemplate::new(403),
        ResponseTemplate::new(200).set_body_json(json!({"results": null, "next": null})),
    ] {
        let instead = vec![("final_shifts".to_owned(), 0, answer)];
        let stand_in = StandIn::start(State { instead, ..state() }).await;
        let facts = stand_in.source("").fetch(&ask()).await.unwrap();
        assert_eq!(shifts(&facts), [("Shop primary", "mara", None, None)]);
        assert_eq!(facts.fault, None);
    }
}

#[tokio::test]
async fn a_schedule_that_nobody_has_and_one_of_another_team_say_nothing() {
    let schedules = vec![
        json!({"id": "S1", "name": "Empty", "on_call_now": null, "team_id": "TTEAM1"}),
        json!({"id": "S2", "name": "Theirs", "on_call_now": ["Ueve"], "team_id": "TTEAM2"}),
    ];
    let teams = vec![
        named("TTEAM1", "name", "Shop"),
        named("TTEAM2", "name", "Search"),
    ];
    let stand_in = StandIn::start(State {
        schedules,
        teams,
        shifts: vec![],
        ..state()
    })
    .await;
    let facts = stand_in
        .source("teams = [\"Shop\"]")
        .fetch(&ask())
        .await
        .unwrap();
    assert_eq!(facts.on_call, Some(vec![]));
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!(shifts(&facts), [("Theirs", "eve", None, None)]);
}

#[tokio::test]
async fn schedules_are_asked_about_every_five_minutes() {
    let stand_in = StandIn::start(state()).await;
    let mut source = stand_in.source("");
    let first = source.fetch(&ask()).await.unwrap();
    let second = source.fetch(&ask()).await.unwrap();
    assert_eq!(first.on_call, second.on_call);
    let asked = stand_in.world().asked.clone();
    let lists = asked.iter().filter(|path| *path == "/api/v1/schedules/");
    assert_eq!(lists.count(), 1);
}
