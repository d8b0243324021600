//! Who is on call.

use jiff::SignedDuration;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::stand_in::{StandIn, State};
use crate::domain::Facts;
use crate::source::fixture::{ask, ask_at};
use crate::source::{Ask, Source};

fn state() -> State {
    let user = |id: &str| json!({"id": id, "type": "user"});
    let period = |from: &str, until: &str, responder: Value| json!({"startDate": from, "endDate": until, "type": "base", "responder": responder});
    State {
        schedules: vec![
            json!({"id": "s-1", "name": "Shop primary", "enabled": true, "teamId": "team-1"}),
            json!({"id": "s-2", "name": "Retired", "enabled": false}),
        ],
        on_calls: json!({"onCallParticipants": [
            {"id": "e-1", "type": "escalation", "onCallParticipants": [
                {"id": "u-mara", "type": "user", "forwardedFrom": {"id": "u-lee", "type": "user"}},
            ]},
            {"id": "u-mara", "type": "user"},
            {"type": "noone"},
        ]}),
        timeline: json!({
            "startDate": "2026-11-16T00:00:00Z", "endDate": "2026-11-30T00:00:00Z",
            "finalTimeline": {"rotations": [
                {"id": "r-1", "deleted": false, "periods": [
                    period("2026-11-21T18:00:00Z", "2026-11-22T14:00:00Z", user("u-mara")),
                    period("2026-11-22T14:00:00Z", "2026-11-22T18:00:00Z", user("u-mara")),
                    period("2026-11-22T18:00:00Z", "2026-11-23T06:00:00Z", user("u-lee")),
                    period("2026-11-23T06:00:00Z", "2026-11-30T00:00:00Z", user("u-mara")),
                ]},
                {"id": "r-2", "deleted": true, "periods": [
                    period("2026-11-23T06:00:00Z", "2026-11-30T00:00:00Z", user("u-old")),
                ]},
                {"id": "r-3", "deleted": null, "periods": null},
            ]},
        }),
        people: [("u-mara", "Mara Lind"), ("u-lee", "Lee Ott")]
            .map(|(id, name)| (id.to_owned(), name.to_owned()))
            .into(),
        ..State::default()
    }
}

fn shifts(facts: &Facts) -> Vec<(String, String, Option<String>, Option<String>)> {
    let rows = facts.on_call.as_ref().unwrap().iter();
    let text = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string());
    rows.map(|row| {
        let (schedule, who) = (row.schedule.raw().to_owned(), row.who.raw().to_owned());
        (schedule, who, text(row.from), text(row.until))
    })
    .collect()
}

#[tokio::test]
async fn who_has_the_pager_until_when_and_who_is_next() {
    let stand_in = StandIn::start(state()).await;
    let facts = stand_in.source().fetch(&ask()).await.unwrap();
    let at = |text: &str| Some(text.to_owned());
    let primary = || "Shop primary".to_owned();
    assert_eq!(
        shifts(&facts),
        [
            (
                primary(),
                "Mara Lind".to_owned(),
                None,
                at("2026-11-22T18:00:00Z")
            ),
            (
                primary(),
                "Lee Ott".to_owned(),
                at("2026-11-22T18:00:00Z"),
                at("2026-11-23T06:00:00Z"),
            ),
        ]
    );
    assert_eq!((facts.fault, facts.warnings), (None, vec![]));
}

#[tokio::test]
async fn schedules_are_asked_about_every_five_minutes() {
    let stand_in = StandIn::start(state()).await;
    let mut source = stand_in.source();
    let later = |seconds| Ask {
        now: ask().now + SignedDuration::from_secs(seconds),
        ..ask()
    };
    let first = source.fetch(&ask()).await.unwrap();
    let before = stand_in.paths().len();
    let second = source.fetch(&later(60)).await.unwrap();
    assert_eq!(first.on_call, second.on_call);
    assert_eq!(stand_in.paths()[before..], ["/v1/alerts"]);
    source.fetch(&later(301)).await.unwrap();
    let asked = stand_in.paths();
    assert_eq!(
        asked.iter().filter(|path| *path == "/v1/schedules").count(),
        2
    );
}

#[tokio::test]
async fn a_past_moment_is_asked_for_by_its_date() {
    let stand_in = StandIn::start(state()).await;
    stand_in
        .source()
        .fetch(&ask_at("2026-11-20T14:00:00Z"))
        .await
        .unwrap();
    let requests = stand_in.server.received_requests().await.unwrap();
    let dated = requests.iter().filter(|request| {
        let mut pairs = request.url.query_pairs();
        pairs.any(|(name, value)| name == "date" && value == "2026-11-20T14:00:00Z")
    });
    assert_eq!(dated.count(), 2, "on-calls and timeline");
}

#[tokio::test]
async fn what_is_not_for_us_costs_no_more_than_itself() {
    let refused = || ResponseTemplate::new(403).set_body_json(json!({"message": "no"}));
    let without = |beginning: &str| State {
        instead: vec![(beginning.to_owned(), 0, refused())],
        ..state()
    };
    let stand_in = StandIn::start(without("/v1/schedules")).await;
    let facts = stand_in.source().fetch(&ask()).await.unwrap();
    assert_eq!(
        (facts.fault.clone(), facts.on_call.clone()),
        (None, Some(vec![]))
    );
    assert!(
        facts.warnings[0]
            .raw()
            .starts_with("on call: not allowed (403"),
        "{facts:?}"
    );

    let stand_in = StandIn::start(without("/ex/jira")).await;
    let facts = stand_in.source().fetch(&ask()).await.unwrap();
    let who: Vec<_> = shifts(&facts).into_iter().map(|(_, who, ..)| who).collect();
    assert_eq!(who, ["u-mara", "u-lee"], "an id is better than nobody");
    assert!(
        facts.warnings[0].raw().contains("read:jira-user"),
        "{facts:?}"
    );
    assert_eq!(facts.fault, None);

    let stand_in = StandIn::start(without("/v1/schedules/s-1/timeline")).await;
    let facts = stand_in.source().fetch(&ask()).await.unwrap();
    assert_eq!(
        shifts(&facts).len(),
        1,
        "without times, and without the next one"
    );
}

#[tokio::test]
async fn a_flat_answer_and_nulls_are_read_as_well() {
    for on_calls in [
        json!({"onCallUsers": ["u-mara"], "onCallParticipants": null}),
        json!({"onCallParticipants": [{"id": "u-mara", "type": "user", "onCallParticipants": null}]}),
    ] {
        let stand_in = StandIn::start(State {
            on_calls,
            timeline: json!({"finalTimeline": null}),
            ..state()
        })
        .await;
        let facts = stand_in.source().fetch(&ask()).await.unwrap();
        assert_eq!(shifts(&facts).len(), 1);
        assert_eq!(shifts(&facts)[0].1, "Mara Lind");
    }
}
