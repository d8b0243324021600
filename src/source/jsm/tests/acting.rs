//! What is done to an alert.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::stand_in::{ID, StandIn, State, alert};
use crate::domain::{Deed, Fault, FaultKind, IncidentStatus, Order};
use crate::source::Source;
use crate::source::tests::stand_in;
use crate::text::Untrusted;

fn order(deed: Deed, seen: Option<IncidentStatus>) -> Order {
    stand_in::order(ID, "CPU above 80%", seen, deed)
}

fn triggered(deed: Deed) -> Order {
    order(deed, Some(IncidentStatus::Triggered))
}

fn one(change: &Value) -> State {
    let mut row = alert(ID, "2026-11-22T13:00:00Z");
    let fields = change.as_object().unwrap().clone();
    row.as_object_mut().unwrap().extend(fields);
    State {
        alerts: vec![row],
        ..State::default()
    }
}

async fn refused(state: State, order: &Order) -> (Fault, StandIn) {
    let stand_in = StandIn::start(state).await;
    let mut source = stand_in.source();
    let foreseen = source.preview(order).await.unwrap_err();
    let fault = source.act(order).await.unwrap_err();
    assert_eq!(foreseen, fault, "a preview refuses what the act would");
    assert_eq!(stand_in.world().actions, [], "nothing was sent");
    (fault, stand_in)
}

#[tokio::test]
async fn every_deed_is_one_request_in_the_apis_words() {
    let until: Timestamp = Timestamp::now() + SignedDuration::from_hours(4);
    let until: Timestamp = until
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
        .parse()
        .unwrap();
    let note = "rolled back".to_owned();
    for (deed, word, body) in [
        (Deed::Acknowledge, "acknowledge", Value::Null),
        (Deed::Unacknowledge, "unacknowledge", Value::Null),
        (Deed::Resolve, "close", Value::Null),
        (
            Deed::Snooze { until },
            "snooze",
            json!({"endTime": until.to_string()}),
        ),
        (
            Deed::Note { text: note },
            "notes",
            json!({"note": "rolled back"}),
        ),
    ] {
        let stand_in = StandIn::start(State {
            queued: 1,
            ..one(&json!({}))
        })
        .await;
        let order = order(deed, None);
        let mut source = stand_in.source();
        assert_eq!(source.preview(&order).await.unwrap().lines.len(), 3);
        assert_eq!(stand_in.world().actions, [], "a preview only asks");
        let done = source.act(&order).await.unwrap();
        assert!(done.said.raw().contains(ID), "{done:?}");
        assert_eq!(stand_in.world().actions, [(word.to_owned(), body)]);
    }
}

#[tokio::test]
async fn a_preview_says_what_it_is_about() {
    let stand_in = StandIn::start(one(&json!({"owner": "Mara Lind"}))).await;
    let order = triggered(Deed::Acknowledge);
    let preview = stand_in.source().preview(&order).await.unwrap();
    let lines: Vec<_> = preview.lines.iter().map(Untrusted::raw).collect();
    assert_eq!(
        lines,
        [
            "#1234 CPU above 80%",
            "P1, triggered since 2026-11-22 13:00 UTC, with Mara Lind",
            "stops its escalation: somebody has it",
        ]
    );
}

#[tokio::test]
async fn an_acknowledgement_can_be_taken_back() {
    let stand_in = StandIn::start(one(&json!({}))).await;
    let done = stand_in
        .source()
        .act(&triggered(Deed::Acknowledge))
        .await
        .unwrap();
    let undo = done.undo.unwrap();
    assert_eq!(undo.deed, Deed::Unacknowledge);
    assert_eq!(undo.target.seen, Some(IncidentStatus::Acknowledged));
    let done = stand_in
        .source()
        .act(&order(Deed::Resolve, None))
        .await
        .unwrap();
    assert_eq!(done.undo, None, "a closed alert stays closed");
}

#[tokio::test]
async fn an_alert_that_has_moved_is_left_alone() {
    let closed = json!({"status": "closed", "closeTime": "2026-11-22T14:02:31Z"});
    let (fault, _) = refused(one(&closed), &triggered(Deed::Acknowledge)).await;
    assert_eq!(fault.kind, FaultKind::Moved);
    let words = "it is resolved since 2026-11-22 14:02 UTC, was triggered";
    assert_eq!(fault.message.raw(), words);
    let (fault, _) = refused(one(&closed), &order(Deed::Resolve, None)).await;
    assert_eq!(fault.kind, FaultKind::Moved);
    let (fault, _) = refused(State::default(), &triggered(Deed::Resolve)).await;
    assert_eq!(fault.kind, FaultKind::Moved);
    assert!(fault.message.raw().contains("no alert"), "{fault:?}");
    let acked = json!({"acknowledged": true, "ackTime": null});
    let (fault, _) = refused(one(&acked), &triggered(Deed::Acknowledge)).await;
    assert_eq!(fault.message.raw(), "it is acknowledged, was triggered");
}

#[tokio::test]
async fn what_the_api_has_no_word_for_is_refused() {
    let past = Timestamp::now() - SignedDuration::from_secs(5);
    for deed in [
        Deed::Unsnooze,
        Deed::Expire,
        Deed::Note {
            text: " ".to_owned(),
        },
        Deed::Snooze { until: past },
    ] {
        let (fault, stand_in) = refused(one(&json!({})), &triggered(deed)).await;
        assert_eq!(fault.kind, FaultKind::NotOffered, "{fault:?}");
        assert_eq!(stand_in.paths().len(), 0);
    }
    let mut elsewhere = triggered(Deed::Resolve);
    elsewhere.target.id = "../schedules".into();
    let (fault, _) = refused(one(&json!({})), &elsewhere).await;
    assert_eq!(fault.kind, FaultKind::NotOffered);
}

#[tokio::test]
async fn what_became_of_it_is_asked_until_it_is_known() {
    let stand_in = StandIn::start(State {
        queued: 2,
        ..one(&json!({}))
    })
    .await;
    stand_in
        .source()
        .act(&triggered(Deed::Acknowledge))
        .await
        .unwrap();
    let asked = stand_in.paths();
    assert_eq!(
        asked
            .iter()
            .filter(|path| path.ends_with("/requests/r-1"))
            .count(),
        3
    );

    let refuses = Some("Alert is already closed".to_owned());
    let stand_in = StandIn::start(State {
        refuses,
        ..one(&json!({}))
    })
    .await;
    let fault = stand_in
        .source()
        .act(&triggered(Deed::Acknowledge))
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Query, "{fault:?}");
    assert!(fault.message.raw().contains("already closed"), "{fault:?}");

    let stand_in = StandIn::start(State {
        queued: usize::MAX,
        ..one(&json!({}))
    })
    .await;
    let fault = stand_in
        .source()
        .act(&triggered(Deed::Acknowledge))
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unsure, "{fault:?}");
    assert!(
        fault.message.raw().contains("accepted as request r-1"),
        "{fault:?}"
    );
    assert_eq!(stand_in.world().actions.len(), 1, "never a second time");
}

#[tokio::test]
async fn a_note_that_is_taken_at_once_needs_no_more() {
    let note = json!({"id": "1704869443312000050", "note": "rolled back", "owner": "mara"});
    let taken = ResponseTemplate::new(200).set_body_json(note);
    let stand_in = StandIn::start(State {
        to_action: Some(taken),
        ..one(&json!({}))
    })
    .await;
    let order = triggered(Deed::Note {
        text: "rolled back".to_owned(),
    });
    stand_in.source().act(&order).await.unwrap();
    assert_eq!(stand_in.paths().len(), 2, "a look and the note");
}

#[tokio::test]
async fn a_request_without_an_answer_may_have_been_carried_out() {
    let slow = ResponseTemplate::new(202).set_delay(Duration::from_mins(1));
    let empty = ResponseTemplate::new(202);
    let gateway = ResponseTemplate::new(502);
    for answer in [slow, empty, gateway] {
        let stand_in = StandIn::start(State {
            to_action: Some(answer),
            ..one(&json!({}))
        })
        .await;
        let fault = stand_in
            .source()
            .act(&triggered(Deed::Resolve))
            .await
            .unwrap_err();
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
    for (status, kind) in [
        (401, FaultKind::Auth),
        (403, FaultKind::Forbidden),
        (422, FaultKind::Query),
        (429, FaultKind::RateLimited),
    ] {
        let to_action = Some(ResponseTemplate::new(status));
        let stand_in = StandIn::start(State {
            to_action,
            ..one(&json!({}))
        })
        .await;
        let fault = stand_in
            .source()
            .act(&triggered(Deed::Resolve))
            .await
            .unwrap_err();
        assert_eq!(fault.kind, kind, "{fault:?}");
    }
}

#[tokio::test]
async fn an_escalation_goes_where_only_one_is_meant() {
    let escalation =
        |id: &str, name: &str, enabled: bool| json!({"id": id, "name": name, "enabled": enabled});
    let order = triggered(Deed::Escalate);
    let state = State {
        escalations: vec![
            escalation("e-1", "Shop", true),
            escalation("e-2", "Old", false),
        ],
        ..one(&json!({}))
    };
    let stand_in = StandIn::start(state).await;
    let mut source = stand_in.source();
    let preview = source.preview(&order).await.unwrap();
    assert!(preview.lines[2].raw().contains("Shop"), "{preview:?}");
    source.act(&order).await.unwrap();
    let sent = ("escalate".to_owned(), json!({"escalationId": "e-1"}));
    assert_eq!(stand_in.world().actions, [sent]);

    let own =
        json!({"responders": [{"id": "e-9", "type": "escalation"}, {"id": "t", "type": "team"}]});
    let stand_in = StandIn::start(one(&own)).await;
    stand_in.source().act(&order).await.unwrap();
    let sent = ("escalate".to_owned(), json!({"escalationId": "e-9"}));
    assert_eq!(stand_in.world().actions, [sent]);

    let state = State {
        escalations: vec![
            escalation("e-1", "Shop", true),
            escalation("e-2", "Night", true),
        ],
        ..one(&json!({}))
    };
    let (fault, _) = refused(state, &order).await;
    assert_eq!(fault.kind, FaultKind::NotOffered);
    assert!(fault.message.raw().contains("Shop, Night"), "{fault:?}");
    let (fault, _) = refused(one(&json!({"responders": null})), &order).await;
    assert_eq!(fault.kind, FaultKind::NotOffered);
}
