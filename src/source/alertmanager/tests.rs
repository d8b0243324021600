//! What the alertmanager source promises where no real server can be made to say it.

use serde_json::json;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::source::fixture::{ask, ask_at, build};

#[test]
fn a_mistake_in_the_settings_names_its_place() {
    for (url, options, key, words) in [
        (
            Some("http://a"),
            "urls = ['http://b']",
            "urls",
            "beside `url`",
        ),
        (None, "urls = []", "urls", "is empty"),
        (None, "urls = ['http://a', 'ftp://b']", "urls", "ftp"),
        (None, "", "url", "missing"),
        (Some("http://a"), "filter = ['']", "filter", "is empty"),
    ] {
        let problem = build(&KIND, url, options).err().unwrap();
        assert_eq!(problem.path[2], Step::Key(key.to_owned()), "{options}");
        assert!(problem.message.contains(words), "{options}: {problem:?}");
    }
    let wrong = build(&KIND, None, "urls = ['http://a', 'ftp://b']");
    assert_eq!(wrong.err().unwrap().path[3], Step::Index(1));
    assert!(build(&KIND, Some("http://a"), "services = []").is_err());
}

#[tokio::test]
async fn it_knows_nothing_of_the_past_and_asks_nobody() {
    let server = MockServer::start().await;
    let mut source = build(&KIND, Some(&server.uri()), "").unwrap().source;
    let fault = source
        .fetch(&ask_at("2026-11-21T00:00:00Z"))
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::NoHistory);
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn silences_that_cannot_be_had_fail_no_poll() {
    let server = MockServer::start().await;
    let rows = json!([{
        "labels": {"alertname": "A"}, "fingerprint": "f1",
        "status": {"state": "suppressed", "silencedBy": ["s1"]},
    }]);
    Mock::given(path("/api/v2/alerts"))
        .respond_with(ResponseTemplate::new(200).set_body_json(rows))
        .mount(&server)
        .await;
    Mock::given(path("/api/v2/silences"))
        .respond_with(ResponseTemplate::new(500))
        .mount(&server)
        .await;
    let mut source = build(&KIND, Some(&server.uri()), "").unwrap().source;
    let facts = source.fetch(&ask()).await.unwrap();
    assert_eq!(facts.incidents.unwrap().len(), 1);
    let fault = facts.fault.unwrap();
    assert_eq!(fault.kind, FaultKind::Server);
    assert!(fault.message.raw().starts_with("silences: "));
}

#[tokio::test]
async fn what_is_no_list_of_alerts_is_a_fault() {
    for body in [
        "<html>",
        "{\"status\": \"success\"}",
        "[{\"labels\": 3}]",
        "[",
    ] {
        let server = MockServer::start().await;
        Mock::given(path("/api/v2/alerts"))
            .respond_with(ResponseTemplate::new(200).set_body_string(body))
            .mount(&server)
            .await;
        let mut source = build(&KIND, Some(&server.uri()), "").unwrap().source;
        let fault = source.fetch(&ask()).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Decode, "{body}");
    }
}
