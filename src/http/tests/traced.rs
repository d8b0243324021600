//! What is told of requests to whoever listens, and where requests go that a source puts together.

use std::io::Write as _;

use super::*;
use crate::config::Auth;
use crate::domain::{Exchange, FaultKind};
use crate::http::{Method, trace};

const CANARY: &str = "CANARY-5f3a";

#[tokio::test]
async fn whoever_listens_hears_each_request_and_how_it_ended() {
    let server = Server::start(|request| {
        Reply::Bytes(if request.starts_with("GET /good") {
            answer(200, &[], "[1, 2]")
        } else {
            answer(503, &[], "busy")
        })
    })
    .await;
    let http = client(&server);
    let (outcome, heard) = trace::listen(async {
        http.get("good").query("key", CANARY).send().await.unwrap();
        http.ask(Method::POST, "bad").json(&[1]).send().await
    })
    .await;
    let fault = outcome.unwrap_err();
    assert_eq!(heard.len(), 2);
    let Exchange {
        method,
        url,
        sent,
        status,
        bytes,
        fault: none,
        ..
    } = &heard[0];
    assert_eq!(
        (method.as_str(), *sent, *status, *bytes, none),
        ("GET", 0, Some(200), 6, &None)
    );
    assert_eq!(url.raw(), format!("{}/good?key=…", server.url));
    assert_eq!((heard[1].status, heard[1].sent), (Some(503), 3));
    assert_eq!(heard[1].fault, Some(fault.message));
    assert!(!format!("{heard:?}").contains(CANARY));
}

#[tokio::test]
async fn a_request_that_is_given_up_is_heard_as_well() {
    let server = Server::start(|_| Reply::Hang).await;
    let http = client(&server);
    let ((), heard) = trace::listen(async {
        let given_up = server.asked.notified();
        tokio::select! {
            _ = http.get("").send() => unreachable!("nobody answers"),
            () = given_up => {}
        }
    })
    .await;
    assert_eq!((heard.len(), heard[0].status), (1, None));
    assert!(heard[0].fault.is_some());
}

#[tokio::test]
async fn a_credential_in_an_address_or_an_answer_is_not_told() {
    let server = Server::saying(answer(200, &[], "{}")).await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{CANARY}").unwrap();
    let mut settings = settings(&server.url);
    settings.http.auth = Auth::Token(SecretRef::File(file.path().to_owned()));
    let http = Http::new(&settings, None).unwrap();
    assert_eq!(http.redact(CANARY), CANARY);
    let path = format!("hooks/{CANARY}/x");
    let (_, heard) = trace::listen(http.get(&path).send()).await;
    assert_eq!(
        heard[0].url.raw(),
        format!("{}/hooks/[redacted]/x", server.url)
    );
    assert_eq!(http.redact(&format!("a {CANARY} b")), "a [redacted] b");
}

#[tokio::test]
async fn a_path_and_a_query_go_below_the_url_once() {
    let query = [("limit", "5"), ("tag", "a b")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    for (url, want) in [
        ("", "/v2/list?limit=5&tag=a+b"),
        ("/", "/v2/list?limit=5&tag=a+b"),
        ("/api/?tag=c", "/api/v2/list?tag=c&limit=5"),
        ("/api/v2/list", "/api/v2/list?limit=5&tag=a+b"),
    ] {
        let server = Server::saying(answer(200, &[], "{}")).await;
        let settings = settings(&format!("{}{url}", server.url));
        let http = Http::new(&settings, None).unwrap();
        let http = http.with_path("/v2/list", &query);
        http.get("").send().await.unwrap();
        let request = &server.seen()[0];
        assert!(
            request.starts_with(&format!("GET {want} HTTP")),
            "{url}: {request}"
        );
    }
    let server = Server::saying(answer(404, &[], "")).await;
    let http = client(&server).with_path("/v2/list", &[]);
    let fault = http.get("").send().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert_eq!(
        fault.message.raw(),
        "nothing there (404 for /v2/list); check `url`"
    );
}

#[tokio::test]
async fn a_parameter_is_set_in_place_of_those_of_its_name() {
    let server = Server::saying(answer(200, &[], "{}")).await;
    let settings = settings(&format!("{}/?page=1&n=2&page=3", server.url));
    let http = Http::new(&settings, None).unwrap();
    http.get("").set_query("page", "7&8").send().await.unwrap();
    assert!(server.seen()[0].starts_with("GET /?n=2&page=7%268 HTTP"));
}
