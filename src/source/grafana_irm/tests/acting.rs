//! What is done to an alert group.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::stand_in::{StandIn, State, group};
use crate::domain::{Deed, Fault, FaultKind, IncidentStatus, Order};
use crate::source::tests::stand_in;
use crate::text::Untrusted;

const ID: &str = "I68T24C13IFW1";

fn order(deed: Deed, seen: Option<IncidentStatus>) -> Order {
    stand_in::order(ID, "Memory above 90% threshold", seen, deed)
}

fn one(state: &str) -> State {
    State {
        groups: vec![group(ID, state)],
        ..State::default()
    }
}

async fn refused(state: State, order: &Order) -> Fault {
    let stand_in = StandIn::start(state).await;
    let mut source = stand_in.source("");
    let foreseen = source.preview(order).await.unwrap_err();
    let fault = source.act(order).await.unwrap_err();
    assert_eq!(foreseen, fault, "a preview refuses what the act would");
    assert_eq!(stand_in.world().actions, [], "nothing was sent");
    fault
}

#[tokio::test]
async fn every_deed_is_one_request_in_the_apis_words() {
    use IncidentStatus::{Acknowledged, Silenced, Triggered};
    let below = |word: &str| format!("alert_groups/{ID}/{word}");
    let note = json!({"alert_group_id": ID, "text": "rolled back"});
    let text = "rolled back".to_owned();
    let notes = || "resolution_notes".to_owned();
    for (state, seen, deed, path, body, undo) in [
        (
            "new",
            Triggered,
            Deed::Acknowledge,
            below("acknowledge"),
            Value::Null,
            Some(Acknowledged),
        ),
        (
            "acknowledged",
            Acknowledged,
            Deed::Unacknowledge,
            below("unacknowledge"),
            Value::Null,
            Some(Triggered),
        ),
        (
            "firing",
            Triggered,
            Deed::Resolve,
            below("resolve"),
            Value::Null,
            None,
        ),
        (
            "silenced",
            Silenced,
            Deed::Unsnooze,
            below("unsilence"),
            Value::Null,
            None,
        ),
        (
            "resolved",
            IncidentStatus::Resolved,
            Deed::Note { text },
            notes(),
            note,
            None,
        ),
    ] {
        let stand_in = StandIn::start(one(state)).await;
        let order = order(deed, Some(seen));
        let mut source = stand_in.source("");
        assert_eq!(source.preview(&order).await.unwrap().lines.len(), 3);
        assert_eq!(stand_in.world().actions, [], "a preview only asks");
        let done = source.act(&order).await.unwrap();
        assert!(done.said.raw().contains(ID), "{done:?}");
        assert_eq!(done.undo.and_then(|undo| undo.target.seen), undo);
        assert_eq!(stand_in.world().actions, [(path, body)]);
    }
}

#[tokio::test]
async fn a_silence_is_counted_in_seconds_from_now() {
    let stand_in = StandIn::start(one("new")).await;
    let until = Timestamp::now() + SignedDuration::from_hours(3);
    let order = order(Deed::Snooze { until }, Some(IncidentStatus::Triggered));
    let done = stand_in.source("").act(&order).await.unwrap();
    assert_eq!(done.undo.unwrap().deed, Deed::Unsnooze);
    let actions = stand_in.world().actions.clone();
    let [(path, body)] = actions.as_slice() else {
        panic!("{actions:?}")
    };
    assert_eq!(*path, format!("alert_groups/{ID}/silence"));
    let delay = body["delay"].as_i64().unwrap();
    assert!((10_700..=10_802).contains(&delay), "{delay}");
}

#[tokio::test]
async fn a_preview_says_what_it_is_about() {
    let stand_in = StandIn::start(one("new")).await;
    let order = order(Deed::Acknowledge, Some(IncidentStatus::Triggered));
    let preview = stand_in.source("").preview(&order).await.unwrap();
    let lines: Vec<_> = preview.lines.iter().map(Untrusted::raw).collect();
    assert_eq!(
        lines,
        [
            "I68T24C13IFW1 Memory above 90% threshold",
            "3 alerts, triggered since 2026-11-22 13:00 UTC, with nobody",
            "stops its escalation: somebody has it",
        ]
    );
}

#[tokio::test]
async fn a_group_that_has_moved_is_left_alone() {
    let seen = Some(IncidentStatus::Triggered);
    let fault = refused(one("resolved"), &order(Deed::Acknowledge, seen)).await;
    assert_eq!(fault.kind, FaultKind::Moved);
    let words = "it is resolved since 2026-11-22 13:30 UTC, was triggered";
    assert_eq!(fault.message.raw(), words);
    let fault = refused(State::default(), &order(Deed::Resolve, seen)).await;
    assert_eq!(fault.kind, FaultKind::Moved);
    for (state, deed) in [
        ("acknowledged", Deed::Acknowledge),
        ("new", Deed::Unacknowledge),
        ("resolved", Deed::Resolve),
        ("new", Deed::Unsnooze),
    ] {
        let fault = refused(one(state), &order(deed, None)).await;
        assert_eq!(fault.kind, FaultKind::Moved, "{fault:?}");
    }
}

#[tokio::test]
async fn what_the_api_has_no_word_for_is_refused() {
    let past = Timestamp::now() - SignedDuration::from_mins(1);
    let later = Timestamp::now() + SignedDuration::from_hours(1);
    for (state, deed) in [
        ("new", Deed::Escalate),
        ("new", Deed::Expire),
        (
            "new",
            Deed::Note {
                text: String::new(),
            },
        ),
        ("new", Deed::Snooze { until: past }),
        ("acknowledged", Deed::Snooze { until: later }),
    ] {
        let fault = refused(one(state), &order(deed, None)).await;
        assert_eq!(fault.kind, FaultKind::NotOffered, "{fault:?}");
    }
    let mut elsewhere = order(Deed::Resolve, None);
    elsewhere.target.id = "../schedules".into();
    let fault = refused(one("new"), &elsewhere).await;
    assert_eq!(fault.kind, FaultKind::NotOffered);
}

#[tokio::test]
async fn a_request_without_an_answer_may_have_been_carried_out() {
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_mins(1));
    let gateway = ResponseTemplate::new(502);
    for answer in [slow, gateway] {
        let stand_in = StandIn::start(State {
            to_action: Some(answer),
            ..one("new")
        })
        .await;
        let order = order(Deed::Resolve, Some(IncidentStatus::Triggered));
        let fault = stand_in.source("").act(&order).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unsure, "{fault:?}");
        assert!(
            fault.message.raw().contains("look before you repeat it"),
            "{fault:?}"
        );
        assert_eq!(stand_in.world().actions.len(), 1, "never a second time");
    }
}

#[tokio::test]
async fn a_refused_request_was_not_carried_out() {
    let machine = "Service accounts are not allowed to resolve alert groups";
    for (status, said, kind, words) in [
        (
            400,
            "Can't resolve a resolved alert group",
            FaultKind::Query,
            "Can't resolve",
        ),
        (403, machine, FaultKind::Forbidden, "the API key of a user"),
        (429, "", FaultKind::RateLimited, "rate limit"),
    ] {
        let answer = ResponseTemplate::new(status).set_body_json(json!({ "detail": said }));
        let stand_in = StandIn::start(State {
            to_action: Some(answer),
            ..one("new")
        })
        .await;
        let order = order(Deed::Resolve, Some(IncidentStatus::Triggered));
        let fault = stand_in.source("").act(&order).await.unwrap_err();
        assert_eq!(fault.kind, kind, "{fault:?}");
        assert!(fault.message.raw().contains(words), "{fault:?}");
    }
}
