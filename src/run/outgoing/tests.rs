//! Messages against a receiver on loopback: their form, their rate, their repetitions.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::changes::{Change, SloChange};
use super::deliver::{Pace, at_pace};
use super::message;
use crate::app::Msg;
use crate::config::{HeaderSetting, NotifyKind, NotifyOn, NotifyTarget, SecretRef};
use crate::domain::{SourceName, State};

const QUICK: Pace = Pace {
    gather: Duration::from_millis(20),
    retries: [Duration::from_millis(5); 3],
};
const TEMPLATE: &str = "{state} {slo} was {was} burn {burn} left {budget} by {suspect}";

fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_356_000 + seconds).unwrap()
}

fn slo(name: &str, was: Option<State>, state: State) -> Change {
    Change::Slo(SloChange {
        source: SourceName::new("prod"),
        id: format!("checkout/{name}").as_str().into(),
        service: "checkout".into(),
        was,
        state,
        burn: Some(22.14),
        budget: Some(0.312),
        since: Some(moment(-600)),
        suspect: Some("v2 <!channel>".into()),
        at: moment(0),
    })
}

fn release() -> Change {
    Change::Release {
        source: SourceName::new("deploys"),
        id: "991".into(),
        service: "checkout".into(),
        version: "v2.31.0".into(),
        environment: "production".into(),
        actor: Some("mara".into()),
        at: moment(0),
    }
}

fn target(kind: NotifyKind, url: String) -> NotifyTarget {
    NotifyTarget {
        kind,
        url: HeaderSetting::Plain(url),
        token: None,
        on: vec![NotifyOn::Release],
        template: TEMPLATE.to_owned(),
    }
}

/// Delivers all of these; returns what was said.
async fn delivered(target: NotifyTarget, changes: Vec<Change>) -> Vec<String> {
    let (queue, inbox) = mpsc::channel(changes.len().max(1));
    let (say, mut said) = mpsc::channel(16);
    for change in changes {
        queue.try_send(change).unwrap();
    }
    drop(queue);
    at_pace(QUICK, (0, target), inbox, say).await;
    let mut words = Vec::new();
    while let Some(message) = said.recv().await {
        let Msg::Remark(text) = message else {
            panic!("{message:?}")
        };
        words.push(text);
    }
    words
}

async fn bodies(server: &MockServer) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    let bodies = requests.iter();
    bodies.map(|request| request.body_json().unwrap()).collect()
}

#[tokio::test]
async fn a_webhook_gets_the_template_with_foreign_text_as_text() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/hook"))
        .and(header("content-type", "application/json"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let url = format!("{}/hook", server.uri());
    let changes = vec![slo("a", Some(State::Ok), State::Page)];
    assert_eq!(
        delivered(target(NotifyKind::Webhook, url), changes).await,
        [""; 0]
    );
    assert_eq!(
        bodies(&server).await,
        [json!({"text": "PAGE checkout/a was ok burn 22.1x left 31 % by v2 &lt;!channel&gt;"})]
    );
}

#[tokio::test]
async fn many_changes_are_one_message() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    let changes = (0..150).map(|number| slo(&number.to_string(), None, State::Page));
    delivered(target(NotifyKind::Webhook, server.uri()), changes.collect()).await;
    let sent = bodies(&server).await;
    assert_eq!(sent.len(), 1);
    let text = sent[0]["text"].as_str().unwrap();
    assert_eq!(text.lines().count(), 11, "{text}");
    assert!(text.ends_with("and 140 more changes"), "{text}");
}

#[tokio::test]
async fn what_may_pass_is_repeated_and_no_more_than_three_times() {
    let server = MockServer::start().await;
    let failing = Mock::given(method("POST")).respond_with(ResponseTemplate::new(503));
    failing.up_to_n_times(2).mount(&server).await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let change = vec![slo("a", None, State::Page)];
    assert_eq!(
        delivered(target(NotifyKind::Webhook, server.uri()), change.clone()).await,
        [""; 0]
    );
    assert_eq!(bodies(&server).await.len(), 3);

    let down = MockServer::start().await;
    let body = ResponseTemplate::new(500).set_body_string("no route /services/T0/s3cret");
    Mock::given(method("POST"))
        .respond_with(body)
        .mount(&down)
        .await;
    let url = format!("{}/services/T0/s3cret", down.uri());
    let said = delivered(target(NotifyKind::Webhook, url), change.clone()).await;
    assert_eq!(bodies(&down).await.len(), 4);
    assert_eq!(said.len(), 1);
    assert!(
        said[0].starts_with("notify[0] not sent: ") && !said[0].contains("s3cret"),
        "{said:?}"
    );

    // What will not pass is sent once.
    let refusing = MockServer::start().await;
    let refusal = ResponseTemplate::new(404).set_body_string("no_team /services/T0/s3cret");
    Mock::given(method("POST"))
        .respond_with(refusal)
        .mount(&refusing)
        .await;
    let said = delivered(target(NotifyKind::Webhook, refusing.uri()), change).await;
    assert_eq!(bodies(&refusing).await.len(), 1);
    assert!(said.len() == 1 && !said[0].contains("s3cret"), "{said:?}");
}

#[tokio::test]
async fn no_redirect_is_followed_and_no_address_of_the_link_is_asked() {
    let elsewhere = MockServer::start().await;
    let server = MockServer::start().await;
    let away = ResponseTemplate::new(307).insert_header("location", elsewhere.uri().as_str());
    Mock::given(method("POST"))
        .respond_with(away)
        .mount(&server)
        .await;
    let change = vec![slo("a", None, State::Page)];
    let said = delivered(target(NotifyKind::Webhook, server.uri()), change.clone()).await;
    assert_eq!(said.len(), 1);
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 0);

    let metadata = "http://169.254.169.254/latest/meta-data".to_owned();
    let said = delivered(target(NotifyKind::Webhook, metadata), change.clone()).await;
    assert_eq!(said, ["notify[0] not sent: its url cannot be used"]);

    let mut missing = target(NotifyKind::Webhook, String::new());
    missing.url = HeaderSetting::Secret(SecretRef::Env("WATCHFIRE_NO_SUCH_HOOK".to_owned()));
    let said = delivered(missing, change).await;
    assert!(said[0].contains("WATCHFIRE_NO_SUCH_HOOK"), "{said:?}");
}

#[tokio::test]
async fn grafana_gets_marks_of_releases_and_a_region_for_a_burn() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/grafana/api/annotations"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"id": 7, "message": "added"})),
        )
        .mount(&server)
        .await;
    let ended = json!({"timeEnd": moment(0).as_millisecond()});
    Mock::given(method("PATCH"))
        .and(path("/grafana/api/annotations/7"))
        .and(body_json(&ended))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let url = format!("{}/grafana", server.uri());
    let changes = vec![
        release(),
        slo("a", Some(State::Ok), State::Page),
        slo("a", Some(State::Page), State::Ok),
        // Its burn began before the program did: a mark alone.
        slo("b", Some(State::Page), State::Ok),
    ];
    assert_eq!(
        delivered(target(NotifyKind::Grafana, url), changes).await,
        [""; 0]
    );
    let sent = bodies(&server).await;
    assert_eq!(sent.len(), 4);
    assert_eq!(
        sent[0]["tags"],
        json!(["watchfire", "release", "checkout", "production"])
    );
    assert_eq!(sent[0]["text"], "checkout v2.31.0 to production by mara");
    assert_eq!(sent[1]["time"], moment(-600).as_millisecond());
    assert_eq!(sent[2], ended);
    assert_eq!(
        sent[3]["tags"],
        json!(["watchfire", "slo", "ok", "checkout"])
    );
}

#[test]
fn a_value_is_never_read_as_a_template() {
    let Change::Slo(mut change) = slo("a", None, State::Page) else {
        unreachable!()
    };
    change.suspect = Some("{slo} {state}".into());
    change.burn = None;
    let sent = message::webhook(TEMPLATE, &[Change::Slo(change)]);
    assert_eq!(
        sent["text"],
        "PAGE checkout/a was – burn – left 31 % by {slo} {state}"
    );
}
