//! What the json source promises, against a server that answers as told.

use std::time::Duration;

use serde_json::json;
use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

mod pages;

use super::*;
use crate::source::fixture::{ask, ask_at, build, settings};

fn refusal(options: &str) -> Problem {
    let built = build(&KIND, Some("http://127.0.0.1:1/x"), options);
    built.err().unwrap()
}

/// A source whose programs get `limit`, whatever the constant says.
fn source(server: &MockServer, options: &str, limit: Duration) -> Json {
    let settings = settings(&KIND, Some(&format!("{}/recent", server.uri())), options);
    let mut source = Json::new(&settings, &Settings::empty()).unwrap();
    source.time_limit = limit;
    source
}

#[test]
fn a_mistake_in_the_settings_is_refused_before_anything_runs() {
    let none = refusal("");
    assert!(none.message.contains("jq program"), "{none:?}");
    let broken = refusal("releases = '.deploys[] | {id'");
    let place = |key: &str| {
        use crate::config::Step::{Index, Key};
        vec![Key("source".to_owned()), Index(0), Key(key.to_owned())]
    };
    assert_eq!(broken.path, place("releases"));
    assert!(broken.message.contains("line 1 column 17"), "{broken:?}");
    let hostile = refusal("incidents = 'env'");
    assert_eq!(hostile.path, place("incidents"));
    refusal("releases = '.'\nreleses = '.'");
    refusal("releases = 3");
}

#[test]
fn it_offers_what_it_has_a_program_for() {
    let url = Some("http://127.0.0.1:1/x");
    let offers = |options: &str| build(&KIND, url, options).unwrap().offers;
    let Offers {
        slos,
        releases,
        incidents,
        acts,
        ..
    } = offers("releases = '.'");
    assert_eq!((slos, releases, incidents), (false, true, false));
    assert!(acts.is_empty());
    assert!(offers("releases = '.'\nincidents = '.'").incidents);
}

#[tokio::test]
async fn an_answer_becomes_rows_and_the_query_of_the_url_is_kept() {
    let server = MockServer::start().await;
    let body = json!({"deploys": [
        {"id": 991, "service": "checkout", "version": "v2.31.0", "status": "success",
         "started_at": 1_763_820_091, "author": "mara"},
        {"id": 992},
    ]});
    Mock::given(method("GET"))
        .and(path("/recent"))
        .and(query_param("limit", "50"))
        .and(header("accept", "application/json"))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .mount(&server)
        .await;
    let url = format!("{}/recent?limit=50", server.uri());
    let options = "releases = '.deploys[] | {id, service, version, status, actor: .author}'";
    let mut built = build(&KIND, Some(&url), options).unwrap();
    let facts = built.source.fetch(&ask()).await.unwrap();
    let releases = facts.releases.unwrap();
    assert_eq!(releases.len(), 1);
    assert_eq!(releases[0].actor.as_ref().unwrap().raw(), "mara");
    assert_eq!(facts.incidents, None);
    assert_eq!(facts.warnings.len(), 1, "{:?}", facts.warnings);
}

#[tokio::test]
async fn an_answer_that_has_not_changed_is_not_sent_again_but_read_again() {
    let server = MockServer::start().await;
    let body = json!([{"id": 1, "title": "t", "opened_at": 1_763_820_091}]);
    Mock::given(header("if-none-match", "\"v1\""))
        .respond_with(ResponseTemplate::new(304))
        .expect(2)
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .respond_with(
            ResponseTemplate::new(200)
                .insert_header("ETag", "\"v1\"")
                .set_body_json(body),
        )
        .expect(1)
        .mount(&server)
        .await;
    let mut source = source(&server, "incidents = '.[]'", TIME_LIMIT);
    let first = source.fetch(&ask()).await.unwrap();
    let second = source.fetch(&ask()).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(first.incidents.unwrap().len(), 1);
    let then = source.fetch(&ask_at("2025-01-01T00:00:00Z")).await.unwrap();
    assert_eq!(then.incidents.unwrap().len(), 0);
}

#[tokio::test]
async fn what_is_no_json_or_does_not_fit_is_a_fault_that_says_so() {
    for (body, kind, words) in [
        ("<html>login</html>", FaultKind::Decode, "HTML"),
        ("{\"deploys\": [", FaultKind::Decode, ""),
        ("", FaultKind::Decode, "nothing"),
        (
            "{}",
            FaultKind::Decode,
            "`releases` does not fit the answer",
        ),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .respond_with(ResponseTemplate::new(200).set_body_string(body))
            .mount(&server)
            .await;
        let mut source = source(&server, "releases = '.deploys[]'", TIME_LIMIT);
        let fault = source.fetch(&ask()).await.unwrap_err();
        assert_eq!(fault.kind, kind, "{body}");
        assert!(fault.message.raw().contains(words), "{fault:?}");
    }
}

#[tokio::test]
async fn an_answer_nested_without_end_is_a_fault() {
    let server = MockServer::start().await;
    let deep = "[".repeat(5_000_000);
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_string(deep))
        .mount(&server)
        .await;
    let mut source = source(&server, "releases = '.'", TIME_LIMIT);
    let fault = source.fetch(&ask()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Decode);
}

#[tokio::test]
async fn a_runaway_program_is_stopped_and_the_source_lives_on() {
    let server = MockServer::start().await;
    for (body, priority) in [("1", 1), ("0", 2)] {
        Mock::given(method("GET"))
            .respond_with(ResponseTemplate::new(200).set_body_string(body))
            .up_to_n_times(1)
            .with_priority(priority)
            .mount(&server)
            .await;
    }
    let options = "releases = 'if . == 1 then repeat(1) | empty else empty end'";
    let mut source = source(&server, options, Duration::from_millis(100));
    let fault = source.fetch(&ask()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Timeout);
    assert_eq!(fault.retry_after, Some(REST));
    let facts = source.fetch(&ask()).await.unwrap();
    assert_eq!(facts.releases, Some(vec![]));
}

#[tokio::test]
async fn while_a_program_is_at_work_no_second_one_is_started() {
    let server = MockServer::start().await;
    let mut source = source(&server, "releases = '.'", TIME_LIMIT);
    let busy = Busy::new(&source.is_busy);
    let fault = source.fetch(&ask()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Timeout);
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
    drop(busy);
    let fault = source.fetch(&ask()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
}

#[tokio::test]
async fn a_hundred_thousand_rows_are_cut_with_a_warning() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_string("0"))
        .mount(&server)
        .await;
    let options = "releases = 'range(1e12) | {id: ., service: \"x\", version: \"1\"}'";
    let mut source = source(&server, options, TIME_LIMIT);
    let facts = source.fetch(&ask()).await.unwrap();
    assert_eq!(facts.releases.unwrap().len(), rows::MAX_ROWS);
    assert!(facts.warnings[0].raw().contains("first 5000 of more"));
}

#[tokio::test]
async fn a_hundred_megabytes_are_a_fault_and_not_read() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(vec![b' '; 100 << 20]))
        .mount(&server)
        .await;
    let mut source = source(&server, "releases = '.'", TIME_LIMIT);
    let fault = source.fetch(&ask()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::TooLarge);
}

#[tokio::test]
async fn slos_and_shifts_come_from_one_answer() {
    let server = MockServer::start().await;
    let body = json!({"slo": {"service": "a", "name": "b", "objective": 99,
                              "error_ratio": {"5m": 0.5, "1h": 0.5}},
                      "oncall": ["mara", "lee"]});
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .mount(&server)
        .await;
    let options = "slos = '.slo'\non_call = '.oncall[] | {who: .}'";
    let url = format!("{}/recent", server.uri());
    let mut built = build(&KIND, Some(&url), options).unwrap();
    assert!(built.offers.slos && !built.offers.incidents);
    let facts = built.source.fetch(&ask()).await.unwrap();
    let slos = facts.slos.unwrap();
    assert_eq!(slos[0].assess().state, crate::domain::State::Page);
    assert_eq!(slos[0].slo.source.as_str(), "trial");
    assert_eq!(facts.on_call.unwrap().len(), 2);
    assert_eq!((facts.releases, facts.incidents), (None, None));

    let then = built
        .source
        .fetch(&ask_at("2025-01-01T00:00:00Z"))
        .await
        .unwrap();
    assert_eq!(then.slos, None);
    assert_eq!(then.fault.unwrap().kind, FaultKind::NoHistory);
    assert_eq!(then.on_call, Some(vec![]));
}

#[tokio::test]
async fn what_became_of_an_answer_is_told_also_when_a_program_fails() {
    let server = MockServer::start().await;
    let body = json!({"meta": [], "deploys": [{"id": 1, "token": "t0ps3cret"}]});
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .mount(&server)
        .await;
    let mut good = source(&server, "releases = '.deploys[]'", TIME_LIMIT);
    good.fetch(&ask()).await.unwrap();
    let mapped = good.mapped().unwrap();
    let mapping = &mapped.programs[0];
    assert_eq!(
        (mapping.program, mapping.emitted, mapping.kept),
        ("releases", 1, 0)
    );
    assert_eq!(mapping.drops[0].reason.raw(), "lacks `service`");
    let example = mapping.example.as_ref().unwrap().raw();
    assert_eq!(example, "{\"id\":1,\"token\":\"t0ps3cret\"}");
    assert!(mapped.notes[0].raw() == "1 page read: `paginate` is not set");

    let mut bad = source(&server, "releases = '.deploys[] | .id | keys'", TIME_LIMIT);
    bad.fetch(&ask()).await.unwrap_err();
    assert!(bad.mapped().unwrap().programs[0].example.is_some());
}

#[test]
fn a_mistake_in_how_to_ask_is_refused() {
    let with = |options: &str| refusal(&format!("releases = '.'\n{options}")).message;
    for (options, want) in [
        ("method = \"DELETE\"", "a poll only asks"),
        ("method = \"GET\"\nbody = \"x\"", "carries no `body`"),
        (
            "paginate = { link = true, page = \"p\" }",
            "`link` and `page`",
        ),
        (
            "paginate = { cursor = \".[\" }",
            "`cursor` is no jq program",
        ),
        ("paginate = { param = \"p\" }", "belongs to `cursor`"),
        ("paginate = { pages = 3 }", "needs `link`"),
        ("paginate = { link = true, pages = 0 }", "1 to 200"),
        ("paginate = { link = true, pages = 201 }", "1 to 200"),
        ("paginate = { offset = \"o\" }", "needs `limit`"),
        (
            "paginate = { page = \"p\", in = \"header\" }",
            "\"query\" or \"body\"",
        ),
        (
            "body = \"x\"\npaginate = { page = \"p\", in = \"body\" }",
            "as a table",
        ),
        ("query = { a = { b = 1 } }", "`a` is no text"),
        ("objective = 100.0", "between 0 and 100"),
        ("period = \"soon\"", "nor \"week\""),
        ("preset = \"jira\"", "buildkite, firehydrant"),
        ("preset = 3", "buildkite, firehydrant"),
        ("paginate = { next = \".x\" }", "unknown key"),
    ] {
        let said = with(options);
        assert!(said.contains(want), "{options}: {said}");
    }
}
