//! Acting: bound to what was seen, previewed, sent once, honest about what came of it.

use serde_json::json;

use super::stand_in::{StandIn, id, incident, order, status};
use crate::domain::{Deed, FaultKind, IncidentStatus, Verb};
use crate::source::fixture::{ask, build};
use crate::text::Untrusted;

use super::super::KIND;

const TRIGGERED: Option<IncidentStatus> = Some(IncidentStatus::Triggered);

async fn start() -> StandIn {
    let stand_in = StandIn::start().await;
    let live = status("Investigating", "live", 2);
    stand_in.world().incidents = vec![incident(1, &live, "2026-11-22T13:00:00Z")];
    stand_in
}

fn note() -> Deed {
    Deed::Note {
        text: "rolling back".to_owned(),
    }
}

#[test]
fn it_offers_what_the_api_can_do() {
    let offers = build(&KIND, None, "").unwrap().offers;
    assert_eq!(offers.acts, [Verb::Resolve, Verb::Note]);
}

#[tokio::test]
async fn a_resolution_goes_to_what_comes_after_and_is_seen_in_the_next_answer() {
    let stand_in = start().await;
    let mut source = stand_in.source("");
    let order = order(1, TRIGGERED, Deed::Resolve);
    let preview = source.preview(&order).await.unwrap();
    let lines: Vec<_> = preview.lines.iter().map(Untrusted::raw).collect();
    assert_eq!(
        lines,
        [
            "INC-1 Database 1 is slow",
            "now `Investigating`",
            "resolve it: move it to `Documenting` (learning) and tell its channel",
        ]
    );
    assert_eq!(stand_in.changes().await, []);
    let done = source.act(&order).await.unwrap();
    assert!(
        done.said.raw().ends_with("is moved to `Documenting`"),
        "{done:?}"
    );
    let path = format!("POST /v2/incidents/{}/actions/edit?", id(1));
    let body =
        json!({"incident": {"incident_status_id": "01STATUS5"}, "notify_incident_channel": true});
    assert_eq!(stand_in.changes().await, [(path, body)]);
    let facts = source.fetch(&ask()).await.unwrap();
    assert_eq!(facts.incidents.unwrap()[0].status, IncidentStatus::Resolved);
}

#[tokio::test]
async fn the_settings_may_say_where_a_resolution_goes() {
    let stand_in = start().await;
    let resolve = order(1, TRIGGERED, Deed::Resolve);
    let mut source = stand_in.source("resolved_status = \"closed\"");
    let preview = source.preview(&resolve).await.unwrap();
    assert!(
        preview.lines[2].raw().contains("`Closed` (closed)"),
        "{preview:?}"
    );
    let mut source = stand_in.source("resolved_status = \"Done\"");
    let fault = source.act(&resolve).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotOffered);
    assert!(
        fault.message.raw().contains("no status `Done`"),
        "{fault:?}"
    );
    assert_eq!(stand_in.changes().await, []);
}

#[tokio::test]
async fn a_note_is_an_update() {
    let stand_in = start().await;
    stand_in
        .source("")
        .act(&order(1, TRIGGERED, note()))
        .await
        .unwrap();
    let changes = stand_in.changes().await;
    let [(line, body)] = changes.as_slice() else {
        panic!("{changes:?}");
    };
    assert_eq!(line, "POST /v2/incident_updates?");
    assert_eq!(
        (&body["incident_id"], &body["message"]),
        (&json!(id(1)), &json!("rolling back"))
    );
}

#[tokio::test]
async fn a_state_that_moved_is_not_acted_on() {
    let stand_in = start().await;
    stand_in.world().surprise = Some(1);
    let mut source = stand_in.source("");
    let order = order(1, TRIGGERED, Deed::Resolve);
    source.preview(&order).await.unwrap();
    let fault = source.act(&order).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Moved);
    assert_eq!(
        fault.message.raw(),
        "it is resolved (`Closed`), last changed 14:01 UTC, was triggered"
    );
    assert_eq!(stand_in.changes().await, []);
}

#[tokio::test]
async fn what_the_api_has_no_word_for_is_refused() {
    let stand_in = start().await;
    let mut source = stand_in.source("");
    let empty = Deed::Note {
        text: String::new(),
    };
    for deed in [
        Deed::Acknowledge,
        Deed::Unsnooze,
        Deed::Escalate,
        Deed::Expire,
        empty,
    ] {
        let fault = source.act(&order(1, TRIGGERED, deed)).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::NotOffered);
    }
    let mut elsewhere = order(1, None, Deed::Resolve);
    elsewhere.target.id = "../../v1/severities".into();
    let fault = source.act(&elsewhere).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert_eq!(stand_in.asked().await, [] as [String; 0]);
    let fault = source
        .act(&order(2, None, Deed::Resolve))
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Moved);
}

#[tokio::test]
async fn refusals_of_a_write_say_what_to_do() {
    let path = "/v2/incident_updates";
    let said =
        |message: &str| json!({"type": "error", "errors": [{"code": "x", "message": message}]});
    for (status, message, kind, words) in [
        (
            403,
            "missing scope",
            FaultKind::Forbidden,
            "the key may not change incidents",
        ),
        (
            422,
            "not in this flow",
            FaultKind::Query,
            "not in this flow",
        ),
        (404, "gone", FaultKind::Moved, "is gone"),
        (429, "too many", FaultKind::RateLimited, "rate limit"),
        (504, "", FaultKind::Unsure, "answered 504"),
    ] {
        let stand_in = start().await;
        stand_in.world().broken = vec![(path, status, said(message), vec![])];
        let fault = stand_in
            .source("")
            .act(&order(1, TRIGGERED, note()))
            .await
            .unwrap_err();
        assert_eq!(fault.kind, kind, "{fault:?}");
        assert!(fault.message.raw().contains(words), "{fault:?}");
        assert_eq!(stand_in.changes().await.len(), 1);
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_leaves_it_unsure_and_is_not_repeated() {
    let stand_in = start().await;
    stand_in.world().silent = true;
    let fault = stand_in
        .source("")
        .act(&order(1, TRIGGERED, Deed::Resolve))
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unsure);
    assert_eq!(stand_in.changes().await.len(), 1);
}
