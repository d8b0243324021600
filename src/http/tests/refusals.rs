//! What each status means, and how long to stay away.

use jiff::Timestamp;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::config::Auth;
use crate::domain::{Fault, FaultKind};
use crate::http::retry_after;

async fn fault(status: u16, headers: &[&str], body: &str) -> Fault {
    let server = Server::saying(answer(status, headers, body)).await;
    client(&server).get("/api/x").send().await.unwrap_err()
}

#[tokio::test]
async fn each_refusal_has_its_kind_and_a_next_step() {
    let json = "Content-Type: application/json";
    for (status, header, body, kind, words) in [
        (
            401,
            json,
            "{}",
            FaultKind::Auth,
            "a credential is needed (401); set `bearer_token`, `token`, `basic` or `headers`",
        ),
        (
            401,
            "Content-Type: text/plain; charset=utf-8",
            "no org id\nmore",
            FaultKind::Auth,
            "a credential is needed (401: no org id more); set `bearer_token`, `token`, `basic` or \
             `headers`",
        ),
        (
            400,
            "X-Untyped: 1",
            "Client sent an HTTP request to an HTTPS server.\n",
            FaultKind::Query,
            "question refused (400: Client sent an HTTP request to an HTTPS server.)",
        ),
        (
            404,
            "X-Untyped: 1",
            "the Alertmanager is not configured\n",
            FaultKind::NotFound,
            "nothing there (404 for /api/x: the Alertmanager is not configured); check `url`",
        ),
        (
            403,
            json,
            "{\"message\":\"no scope\"}",
            FaultKind::Forbidden,
            "not allowed (403: no scope); check the credential's rights",
        ),
        (
            404,
            "Content-Type: text/html",
            "<h1>gone</h1>",
            FaultKind::NotFound,
            "nothing there (404 for /api/x); check `url`",
        ),
        (
            500,
            "Content-Type: text/plain",
            "out of\n  memory",
            FaultKind::Server,
            "answered 500: out of memory",
        ),
        (
            502,
            "Content-Type: text/html",
            "<h1>bad gateway</h1>",
            FaultKind::Server,
            "answered 502",
        ),
        (
            422,
            json,
            "{\"error\":{\"errors\":[\"parse error\"]}}",
            FaultKind::Query,
            "question refused (422: parse error)",
        ),
    ] {
        let fault = fault(status, &[header], body).await;
        assert_eq!((fault.kind, fault.message.raw()), (kind, words));
        assert_eq!(fault.retry_after, None);
    }
}

#[tokio::test]
async fn a_long_reason_is_cut() {
    let fault = fault(500, &["Content-Type: text/plain"], &"a".repeat(100_000)).await;
    assert!(fault.message.raw().len() < 200);
}

#[tokio::test]
async fn an_accepted_status_is_an_answer() {
    let server = Server::saying(answer(304, &[], "")).await;
    let http = client(&server);
    let answer = http.get("").accept(&[304]).send().await.unwrap();
    assert_eq!(answer.status, 304);
    let fault = http.get("").send().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Redirect);
}

#[tokio::test]
async fn a_rate_limit_says_how_long_to_stay_away() {
    let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT";
    for (status, headers, seconds) in [
        (429, &["Retry-After: 42"][..], Some(42)),
        (
            429,
            &[date, "Retry-After: Sun, 06 Nov 1994 08:50:37 GMT"],
            Some(60),
        ),
        (429, &["ratelimit-reset: 7"], Some(7)),
        (429, &[date, "x-ratelimit-reset: 1784111785"], Some(3600)),
        (
            403,
            &["x-ratelimit-remaining: 0", "x-ratelimit-reset: 1"],
            Some(1),
        ),
        (403, &["Retry-After: 60"], Some(60)),
        (429, &[], None),
    ] {
        let fault = fault(status, headers, "").await;
        assert_eq!(fault.kind, FaultKind::RateLimited, "{headers:?}");
        assert_eq!(
            fault.retry_after,
            seconds.map(SignedDuration::from_secs),
            "{headers:?}"
        );
    }
    let busy = fault(503, &["Retry-After: 5"], "").await;
    assert_eq!(busy.kind, FaultKind::Server);
    assert_eq!(busy.retry_after, Some(SignedDuration::from_secs(5)));
    let slow = fault(429, &["Retry-After: 42"], "").await;
    assert_eq!(
        slow.message.raw(),
        "rate limit reached (429), wait 42s; raise `interval` if this repeats"
    );
    let denied = fault(403, &["x-ratelimit-remaining: 12"], "").await;
    assert_eq!(denied.kind, FaultKind::Forbidden);
}

#[tokio::test]
async fn what_a_server_has_left_is_told_once_a_poll() {
    let low = ["ratelimit-remaining: 3", "ratelimit-reset: 600"];
    let server = Server::saying(answer(200, &low, "{}")).await;
    let http = client(&server);
    assert_eq!((http.left(), http.rest()), (None, None));
    http.get("").send().await.unwrap();
    assert_eq!(http.left(), Some(3));
    let rest = http.rest().unwrap().as_secs();
    assert!((299..=300).contains(&rest), "{rest} s for 2 more polls");
    assert_eq!((http.left(), http.rest()), (None, None));
    let spent = ["ratelimit-remaining: 0", "ratelimit-reset: 30"];
    let server = Server::saying(answer(429, &spent, "")).await;
    let http = client(&server);
    http.get("").send().await.unwrap_err();
    assert_eq!(http.left(), Some(0));
}

#[test]
fn retry_after_reads_seconds_and_all_three_dates_within_bounds() {
    let now: Timestamp = "1994-11-06T08:49:00Z".parse().unwrap();
    let read = |value| retry_after(value, now).map(|wait| wait.as_secs());
    assert_eq!(read("37"), Some(37));
    assert_eq!(read(" 0 "), Some(1));
    assert_eq!(read("315360000"), Some(3600));
    assert_eq!(read("99999999999999999999999"), Some(3600));
    assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(37));
    assert_eq!(read("Sunday, 06-Nov-94 08:49:37 GMT"), Some(37));
    assert_eq!(read("Sun Nov  6 08:49:37 1994"), Some(37));
    assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT"), Some(1));
    assert_eq!(read("Thu, 31 Dec 9998 23:59:59 GMT"), Some(3600));
    for nonsense in [
        "",
        "-1",
        "1.5",
        "soon",
        "1e9",
        "Sun, 99 Nov 1994",
        ", ",
        "é, ü",
    ] {
        assert_eq!(read(nonsense), None, "{nonsense}");
    }
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    let other = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200))
        .mount(&other)
        .await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("Location: {}/new?token=CANARY#CANARY", other.uri());
        let fault = fault(status, &[&location], "").await;
        assert_eq!(fault.kind, FaultKind::Redirect);
        assert_eq!(
            fault.message.raw(),
            format!("moved to {}/new ({status}); set `url` to that", other.uri())
        );
    }
    assert!(other.received_requests().await.unwrap().is_empty());

    let login = fault(302, &["Location: /login?next=%2F"], "").await;
    assert!(login.message.raw().contains("to the login page"));
    let lost = fault(302, &[], "").await;
    assert!(lost.message.raw().contains("without saying where"));
}

#[tokio::test]
async fn only_links_of_the_same_origin_are_asked() {
    let http = Http::new(&settings("https://api.example/v1/items"), None).unwrap();
    for link in [
        "https://api.example/v1/items?page=2",
        "https://API.example:443/other",
        "/v1/items?page=2",
        "?page=2",
    ] {
        assert!(http.get_url(link).is_ok(), "{link}");
    }
    for link in [
        "http://api.example/v1/items",
        "https://api.example:8443/",
        "https://sub.api.example/",
        "https://api.example.evil.example/",
        "https://user:CANARY@api.example/",
        "https://api.example@evil.example/?q=CANARY",
        "//evil.example/",
        "\\\\evil.example/",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "data:text/plain,a",
    ] {
        let fault = http.get_url(link).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Redirect, "{link}");
        assert!(!fault.message.raw().contains("CANARY"), "{link}");
    }
    assert_eq!(
        http.get_url("https://[").unwrap_err().kind,
        FaultKind::Decode
    );
}

#[tokio::test]
async fn a_short_secret_that_a_server_repeats_is_in_no_message_and_changes_no_row() {
    let folder = tempfile::tempdir().unwrap();
    for secret in ["abc", "x9", "hunter", "admin", "error"] {
        for (status, body) in [
            (401, format!("{{\"message\":\"bad token {secret}\"}}")),
            (403, format!("{{\"detail\":\"Bearer {secret} may not\"}}")),
            (500, format!("upstream: {secret}")),
        ] {
            let server = Server::saying(answer(status, &[], &body)).await;
            let mut settings = settings(&server.url);
            settings.http.auth = Auth::Bearer(secret_file(folder.path(), secret));
            let http = Http::new(&settings, None).unwrap();
            let fault = http.get("").send().await.unwrap_err();
            let said = fault.message.raw();
            assert!(said.contains("[redacted]"), "{said}");
            let words = said.split(|c: char| !c.is_alphanumeric());
            assert!(!words.into_iter().any(|word| word == secret), "{said}");
        }
        for (status, error) in [(200, "warnings"), (200, "errors"), (422, "error")] {
            let body = serde_json::json!({
                "status": "error", "data": [secret], error: [format!("not for {secret}")],
            });
            let server = Server::saying(answer(status, &[], body.to_string())).await;
            let mut settings = settings(&server.url);
            settings.http.auth = Auth::Bearer(secret_file(folder.path(), secret));
            let http = Http::new(&settings, None).unwrap();
            let answer = http.get("").accept(&[422]).send().await.unwrap();
            let read: serde_json::Value = answer.json().unwrap();
            let want = serde_json::json!({
                "status": "error", "data": [secret], error: ["not for [redacted]"],
            });
            assert_eq!(read, want, "{secret}");
        }
    }
}
