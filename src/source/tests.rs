//! What holds for sources of every kind: more rows than are read are refused in words.

pub(super) mod stand_in;

use std::fmt::Write as _;
use std::sync::Arc;

use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::fixture::{ask, build};
use super::*;

/// More than any limit.
const MANY: usize = 60_000;
const ROW: &str = r##"{"id":"#"}"##;

/// What a server answers to requests whose path ends so.
type Answer = (&'static str, String);

/// A kind of source, its settings, what its server answers (and what to all other paths), and what
/// is said of it.
type Case = (
    &'static Kind,
    &'static str,
    Vec<Answer>,
    &'static str,
    &'static str,
);

fn list(row: &str) -> String {
    let mut text = String::from("[");
    for number in 0..MANY {
        let comma = if number == 0 { "" } else { "," };
        let row = row.replace('#', &number.to_string());
        let _ = write!(text, "{comma}{row}");
    }
    text.push(']');
    text
}

fn object(key: &str, row: &str) -> String {
    format!("{{\"{key}\":{}}}", list(row))
}

/// Prometheus' envelope.
fn success(data: &str) -> String {
    format!("{{\"status\":\"success\",\"data\":{data}}}")
}

/// A server that answers any other path with `other`.
async fn serve(answers: Vec<Answer>, other: &'static str) -> MockServer {
    let server = MockServer::start().await;
    let answers = Arc::new(answers);
    Mock::given(wiremock::matchers::any())
        .respond_with(move |request: &Request| {
            let path = request.url.path();
            let mut found = answers.iter().filter(|(end, _)| path.ends_with(end));
            let body = found.next().map_or(other, |(_, body)| body.as_str());
            ResponseTemplate::new(200).set_body_raw(body, "application/json")
        })
        .mount(&server)
        .await;
    server
}

/// Everything that a poll says of what it could not read.
async fn complaints(kind: &Kind, options: &str, server: &MockServer) -> (bool, String) {
    let mut source = build(kind, Some(&server.uri()), options).unwrap().source;
    match source.fetch(&ask()).await {
        Err(fault) => (true, fault.message.raw().to_owned()),
        Ok(facts) => {
            let of_fault = facts.fault.iter().map(|fault| fault.message.raw());
            let all: Vec<_> = of_fault
                .chain(facts.warnings.iter().map(Untrusted::raw))
                .collect();
            (facts.fault.is_some(), all.join("\n"))
        }
    }
}

/// Lists of Prometheus.
fn of_prometheus() -> Vec<Case> {
    let vector = |series: &str| {
        success(&format!(
            "{{\"resultType\":\"vector\",\"result\":{series}}}"
        ))
    };
    let no_rules = || ("/rules", success("{\"groups\":[]}"));
    let series = list(r##"{"metric":{"sloth_id":"#"},"value":[1,"1"]}"##);
    let rules = object("rules", r##"{"type":"recording","name":"#","query":"x"}"##);
    let rules = success(&format!("{{\"groups\":[{rules}]}}"));
    let alert = r##"{"labels":{"alertname":"#"},"state":"firing"}"##;
    let alerts = success(&object("alerts", alert));
    vec![
        (
            &prometheus::KIND,
            "alerts = false",
            vec![("/query", vector(&series)), no_rules()],
            "{}",
            "60000 series; 20000 are the most that are read: aggregate them",
        ),
        (
            &prometheus::KIND,
            "alerts = false",
            vec![("/query", vector("[]")), ("/rules", rules)],
            "{}",
            "60000 rules; 50000 are the most",
        ),
        (
            &prometheus::KIND,
            "",
            vec![("/query", vector("[]")), no_rules(), ("/alerts", alerts)],
            "{}",
            "60000 alerts; 20000 are the most that are read: set `alerts = false`",
        ),
    ]
}

/// Lists that are not in pages.
fn of_whole_lists() -> Vec<Case> {
    vec![
        (
            &alertmanager::KIND,
            "",
            vec![("/alerts", list(r##"{"labels":{"alertname":"#"}}"##))],
            "[]",
            "60000 alerts; 20000 are the most that are read: narrow them by `filter` or `receiver`",
        ),
        (
            &alertmanager::KIND,
            "",
            vec![("/silences", list(ROW))],
            "[]",
            "60000 silences; 20000 are the most",
        ),
        (
            &kubernetes::KIND,
            "",
            vec![("/deployments", object("items", "{}"))],
            "{\"items\":[]}",
            "60000 objects; 20000 are the most that are read: narrow them by `namespaces`",
        ),
        (
            &argocd::KIND,
            "",
            vec![("/applications", object("items", "{}"))],
            "{}",
            "60000 applications; 20000 are the most that are read: narrow them by `projects` or",
        ),
    ]
}

/// Lists in pages, of a server that sends them whole.
fn of_pages() -> Vec<Case> {
    let case = |kind, options, answer, other| {
        let words = "60000 rows; 20000 are the most";
        (kind, options, vec![answer], other, words)
    };
    vec![
        case(
            &github::KIND,
            "repos = [{ repo = \"acme/shop\" }]",
            ("/deployments", list(ROW)),
            "[]",
        ),
        case(
            &gitlab::KIND,
            "projects = [{ project = \"acme/shop\" }]",
            ("/deployments", list(ROW)),
            "[]",
        ),
        case(
            &pagerduty::KIND,
            "",
            ("/incidents", object("incidents", ROW)),
            "{}",
        ),
        case(
            &incidentio::KIND,
            "",
            ("/incidents", object("incidents", ROW)),
            "{\"teams\":[]}",
        ),
        case(
            &jsm::KIND,
            "cloud_id = \"a\"",
            ("/alerts", object("values", ROW)),
            "{}",
        ),
        case(
            &grafana_irm::KIND,
            "",
            ("/alert_groups/", object("results", ROW)),
            "{}",
        ),
    ]
}

#[tokio::test]
async fn more_rows_than_are_read_are_refused_with_count_limit_and_advice() {
    let mut wrong = Vec::new();
    let table = [of_prometheus(), of_whole_lists(), of_pages()];
    for (kind, options, answers, other, words) in table.into_iter().flatten() {
        let server = serve(answers, other).await;
        let (is_fault, said) = complaints(kind, options, &server).await;
        // A server that hides its rules still has its series.
        let is_refused = is_fault || words.contains("rules");
        if !said.contains(words) || !is_refused {
            wrong.push(format!("{}: {words}: {said}", kind.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
