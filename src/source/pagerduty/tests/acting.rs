//! Acting: bound to what was seen, previewed, sent once, honest about what came of it.

use serde_json::json;

use super::stand_in::{StandIn, incident, order, shift, user};
use crate::domain::{Deed, FaultKind, IncidentStatus, Order, Verb};
use crate::source::fixture::{ask, build};
use crate::text::Untrusted;

use super::super::KIND;

const ID: &str = "PT4KHLK";
const TRIGGERED: Option<IncidentStatus> = Some(IncidentStatus::Triggered);
const ACKNOWLEDGED: Option<IncidentStatus> = Some(IncidentStatus::Acknowledged);
const RESOLVED: Option<IncidentStatus> = Some(IncidentStatus::Resolved);

async fn start(status: &str) -> StandIn {
    let stand_in = StandIn::start().await;
    stand_in.world().incidents = vec![incident(ID, status, "2026-11-22T13:00:00Z")];
    stand_in
}

fn note() -> Deed {
    Deed::Note {
        text: "rolling back".to_owned(),
    }
}

fn snooze(until: &str) -> Deed {
    Deed::Snooze {
        until: until.parse().unwrap(),
    }
}

async fn status(stand_in: &StandIn) -> IncidentStatus {
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    facts.incidents.unwrap()[0].status
}

#[test]
fn it_offers_what_the_api_can_do() {
    let offers = build(&KIND, None, "").unwrap().offers;
    assert!(offers.incidents);
    assert!(!offers.acts.contains(&Verb::Silence));
    assert_eq!(offers.acts.len(), 7);
}

#[tokio::test]
async fn an_acknowledgement_is_seen_in_the_next_answer_and_can_be_taken_back() {
    let stand_in = start("triggered").await;
    let mut source = stand_in.source("");
    let order = order(ID, TRIGGERED, Deed::Acknowledge);
    let preview = source.preview(&order).await.unwrap();
    let lines: Vec<_> = preview.lines.iter().map(Untrusted::raw).collect();
    assert_eq!(
        lines,
        [
            "PT4KHLK PT4KHLK burns",
            "of checkout, triggered, with Mara Lind",
            "acknowledge it, as mara@acme.example",
        ]
    );
    assert_eq!(stand_in.changes().await, []);
    let done = source.act(&order).await.unwrap();
    assert_eq!(
        done.said.raw(),
        "PT4KHLK is acknowledged as mara@acme.example"
    );
    assert_eq!(status(&stand_in).await, IncidentStatus::Acknowledged);
    let undo = done.undo.unwrap();
    assert_eq!(
        (&undo.deed, undo.target.seen),
        (&Deed::Unacknowledge, ACKNOWLEDGED)
    );
    source.act(&undo).await.unwrap();
    assert_eq!(status(&stand_in).await, IncidentStatus::Triggered);
    let incident =
        |status: &str| json!({"incident": {"type": "incident_reference", "status": status}});
    let path = format!("PUT /incidents/{ID}?");
    assert_eq!(
        stand_in.changes().await,
        [
            (path.clone(), incident("acknowledged")),
            (path, incident("triggered")),
        ]
    );
}

#[tokio::test]
async fn a_resolution_can_be_taken_back() {
    let stand_in = start("acknowledged").await;
    let mut source = stand_in.source("");
    let done = source
        .act(&order(ID, ACKNOWLEDGED, Deed::Resolve))
        .await
        .unwrap();
    assert_eq!(status(&stand_in).await, IncidentStatus::Resolved);
    let undo = done.undo.unwrap();
    let preview = source.preview(&undo).await.unwrap();
    assert!(
        preview.lines[2].raw().contains("open it again"),
        "{preview:?}"
    );
    source.act(&undo).await.unwrap();
    assert_eq!(status(&stand_in).await, IncidentStatus::Triggered);
}

#[tokio::test]
async fn a_snooze_lasts_by_the_servers_clock() {
    let stand_in = start("triggered").await;
    let mut source = stand_in.source("");
    let until = "2026-11-22T15:02:31Z";
    let order = order(ID, TRIGGERED, snooze(until));
    let preview = source.preview(&order).await.unwrap();
    assert!(
        preview.lines[2]
            .raw()
            .contains("until 2026-11-22 15:02 UTC"),
        "{preview:?}"
    );
    let done = source.act(&order).await.unwrap();
    let changes = stand_in.changes().await;
    assert_eq!(
        changes,
        [(
            format!("POST /incidents/{ID}/snooze?"),
            json!({"duration": 3_600})
        )]
    );
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!(
        facts.incidents.unwrap()[0].silenced_until,
        until.parse().ok()
    );
    assert_eq!(done.undo.unwrap().deed, Deed::Unsnooze);
}

#[tokio::test]
async fn a_snooze_that_cannot_be_is_refused_before_anything_is_sent() {
    let stand_in = start("triggered").await;
    let mut source = stand_in.source("");
    for (until, words) in [
        ("2026-11-22T14:02:31Z", "past already"),
        ("2026-11-29T14:02:32Z", "7 days at most"),
    ] {
        let fault = source
            .act(&order(ID, TRIGGERED, snooze(until)))
            .await
            .unwrap_err();
        assert_eq!(fault.kind, FaultKind::NotOffered);
        assert!(fault.message.raw().contains(words), "{fault:?}");
    }
    source
        .act(&order(ID, TRIGGERED, snooze("2026-11-29T14:02:31Z")))
        .await
        .unwrap();
    assert_eq!(stand_in.changes().await.len(), 1);
}

#[tokio::test]
async fn a_note_is_written_beside_it() {
    let stand_in = start("resolved").await;
    let mut source = stand_in.source("");
    let done = source.act(&order(ID, RESOLVED, note())).await.unwrap();
    assert!(done.said.raw().contains("note is written"), "{done:?}");
    let body = json!({"note": {"content": "rolling back"}});
    assert_eq!(
        stand_in.changes().await,
        [(format!("POST /incidents/{ID}/notes?"), body)]
    );
    let empty = Deed::Note {
        text: " ".to_owned(),
    };
    let fault = source
        .preview(&order(ID, RESOLVED, empty))
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotOffered);
}

/// Two steps: Mara, then Lee and Kim.
fn steps(stand_in: &StandIn) {
    let none = [None, None];
    stand_in.world().oncalls = vec![
        shift("PPOL001", "primary", 1, ("PUSER01", "Mara Lind"), none),
        shift("PPOL001", "backup", 2, ("PUSER02", "Lee Wu"), none),
        shift("PPOL001", "", 2, ("PUSER03", "Kim Sato"), none),
        shift("PPOL002", "other", 3, ("PUSER04", "Ada Stone"), none),
    ];
}

#[tokio::test]
async fn an_escalation_pages_the_next_step_and_says_whom() {
    let stand_in = start("triggered").await;
    steps(&stand_in);
    let mut source = stand_in.source("");
    let order = order(ID, TRIGGERED, Deed::Escalate);
    let preview = source.preview(&order).await.unwrap();
    let words = preview.lines[2].raw();
    assert!(
        words.starts_with("escalate it, now at level 1, to level 2: Kim Sato, Lee Wu"),
        "{words}"
    );
    source.act(&order).await.unwrap();
    let body = json!({"incident": {"type": "incident_reference", "escalation_level": 2}});
    assert_eq!(
        stand_in.changes().await,
        [(format!("PUT /incidents/{ID}?"), body)]
    );
    let fault = source.act(&order).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotOffered);
    assert!(
        fault.message.raw().contains("level 2, the last"),
        "{fault:?}"
    );
}

#[tokio::test]
async fn what_people_gave_each_other_by_name_escalates_to_the_first_step() {
    let stand_in = start("acknowledged").await;
    steps(&stand_in);
    {
        let mut world = stand_in.world();
        world.incidents[0]["assigned_via"] = json!("direct_assignment");
        world.incidents[0]["assignments"] =
            json!([{"at": null, "assignee": user("PUSER02", "Lee Wu")}]);
    }
    let mut source = stand_in.source("");
    let preview = source
        .preview(&order(ID, ACKNOWLEDGED, Deed::Escalate))
        .await
        .unwrap();
    let words = preview.lines[2].raw();
    assert!(
        words.contains("assigned to people by name, to level 1: Mara Lind"),
        "{words}"
    );
}

#[tokio::test]
async fn an_escalation_that_went_on_by_itself_is_not_sent_further() {
    let stand_in = start("triggered").await;
    steps(&stand_in);
    let mut source = stand_in.source("");
    let order = order(ID, TRIGGERED, Deed::Escalate);
    stand_in.world().oncalls.push(shift(
        "PPOL001",
        "boss",
        3,
        ("PUSER05", "Ida Berg"),
        [None, None],
    ));
    source.preview(&order).await.unwrap();
    stand_in.world().incidents[0]["assignments"] = json!([
        {"at": null, "assignee": user("PUSER02", "Lee Wu")},
        {"at": null, "assignee": user("PUSER03", "Kim Sato")},
    ]);
    let fault = source.act(&order).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Moved);
    assert!(
        fault.message.raw().contains("level 3 now, not to level 2"),
        "{fault:?}"
    );
    assert_eq!(stand_in.changes().await, []);
}

#[tokio::test]
async fn a_preview_refuses_with_the_difference() {
    let stand_in = start("triggered").await;
    let mut source = stand_in.source("");
    source
        .act(&order(ID, TRIGGERED, Deed::Resolve))
        .await
        .unwrap();
    for deed in [
        Deed::Acknowledge,
        Deed::Resolve,
        note(),
        snooze("2026-11-22T15:00:00Z"),
    ] {
        let fault = source
            .preview(&order(ID, TRIGGERED, deed))
            .await
            .unwrap_err();
        assert_eq!(fault.kind, FaultKind::Moved);
        assert_eq!(
            fault.message.raw(),
            "it is resolved by Mara Lind since 14:02 UTC, was triggered"
        );
    }
}

#[tokio::test]
async fn a_state_that_moves_between_preview_and_act_is_not_acted_on() {
    let stand_in = start("triggered").await;
    stand_in.world().surprise = Some((1, "acknowledged"));
    let mut source = stand_in.source("");
    let order = order(ID, TRIGGERED, Deed::Resolve);
    source.preview(&order).await.unwrap();
    let fault = source.act(&order).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Moved);
    assert_eq!(
        fault.message.raw(),
        "it is acknowledged by Lee Wu since 14:02 UTC, was triggered"
    );
    assert_eq!(stand_in.changes().await, []);
}

#[tokio::test]
async fn whatever_was_seen_nothing_is_opened_again_by_accident() {
    let stand_in = start("resolved").await;
    let mut source = stand_in.source("");
    for seen in [None, RESOLVED] {
        for deed in [
            Deed::Acknowledge,
            Deed::Resolve,
            Deed::Escalate,
            Deed::Unsnooze,
            snooze("2026-11-22T15:00:00Z"),
        ] {
            let fault = source
                .act(&order(ID, seen, deed.clone()))
                .await
                .unwrap_err();
            assert_eq!(fault.kind, FaultKind::Moved, "{deed:?}");
        }
    }
    let fault = source
        .act(&order(ID, None, Deed::Unacknowledge))
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Moved);
    assert_eq!(stand_in.changes().await, []);
}

#[tokio::test]
async fn a_read_only_key_is_named_and_nothing_is_sent_twice() {
    let stand_in = start("triggered").await;
    stand_in.world().read_only = true;
    let fault = stand_in
        .source("")
        .act(&order(ID, TRIGGERED, Deed::Acknowledge))
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Forbidden);
    assert!(
        fault.message.raw().starts_with("the key is read-only"),
        "{fault:?}"
    );
    assert!(fault.message.raw().contains("Access Denied"), "{fault:?}");
    assert_eq!(stand_in.changes().await.len(), 1);
    assert_eq!(status(&stand_in).await, IncidentStatus::Triggered);
}

#[tokio::test]
async fn an_answer_that_never_comes_leaves_it_unsure_and_is_not_repeated() {
    let stand_in = start("triggered").await;
    stand_in.world().silent = true;
    let fault = stand_in
        .source("")
        .act(&order(ID, TRIGGERED, Deed::Acknowledge))
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unsure);
    assert!(
        fault.message.raw().contains("not known to be done"),
        "{fault:?}"
    );
    assert_eq!(stand_in.changes().await.len(), 1);
    assert_eq!(status(&stand_in).await, IncidentStatus::Acknowledged);
}

#[tokio::test]
async fn refusals_of_a_write_say_what_to_do() {
    let refused = |code: u32, message: &str| json!({"error": {"message": message, "code": code}});
    for (status, body, kind, words) in [
        (
            429,
            refused(2020, "Rate Limit Exceeded"),
            FaultKind::RateLimited,
            "wait 5s",
        ),
        (
            400,
            refused(2001, "Requester User Not Found"),
            FaultKind::Query,
            "is `user_email`",
        ),
        (502, refused(0, ""), FaultKind::Unsure, "answered 502"),
        (404, refused(2100, "Not Found"), FaultKind::Moved, "is gone"),
    ] {
        let stand_in = start("triggered").await;
        let path = "/incidents/PT4KHLK/notes";
        stand_in.world().broken = vec![(path, status, body, vec![("ratelimit-reset", "5")])];
        let fault = stand_in
            .source("")
            .act(&order(ID, TRIGGERED, note()))
            .await
            .unwrap_err();
        assert_eq!(fault.kind, kind, "{fault:?}");
        assert!(fault.message.raw().contains(words), "{fault:?}");
        assert_eq!(stand_in.changes().await.len(), 1);
    }
}

#[tokio::test]
async fn who_acts_is_the_setting_then_me_then_the_keys_own_user() {
    let act =
        |stand_in: &StandIn, options: &str, email: Option<&str>| stand_in.source_of(options, email);
    let ack = order(ID, None, Deed::Acknowledge);
    for (options, email, key_of, want) in [
        (
            "user_email = \"set@acme.example\"",
            Some("me@acme.example"),
            None,
            "set@acme.example",
        ),
        (
            "",
            Some("me@acme.example"),
            Some("key@acme.example"),
            "me@acme.example",
        ),
        ("", None, Some("key@acme.example"), "key@acme.example"),
    ] {
        let stand_in = start("triggered").await;
        stand_in.world().key_of = key_of;
        act(&stand_in, options, email).act(&ack).await.unwrap();
        let requests = stand_in.server.received_requests().await.unwrap();
        let last = requests.last().unwrap();
        assert_eq!(last.headers.get("from").unwrap(), want);
    }
    let stand_in = start("triggered").await;
    let fault = act(&stand_in, "", None).preview(&ack).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotOffered);
    assert!(fault.message.raw().contains("`user_email`"), "{fault:?}");
    assert_eq!(stand_in.changes().await, []);
}

#[tokio::test]
async fn what_is_no_id_or_not_there_is_not_asked_about() {
    let stand_in = start("triggered").await;
    let mut source = stand_in.source("");
    let fault = source
        .act(&order("../users", None, Deed::Resolve))
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert_eq!(stand_in.asked().await, [] as [String; 0]);
    let fault = source
        .act(&order("PGONE01", TRIGGERED, Deed::Resolve))
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Moved);
    let silence: Order = order(ID, TRIGGERED, Deed::Expire);
    let fault = source.preview(&silence).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotOffered);
    assert_eq!(stand_in.changes().await, []);
}
