//! What comes back, whole or not at all.

use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use serde::Deserialize;

use super::*;
use crate::domain::FaultKind;
use crate::http::{Held, MAX_BODY};

/// A mebibyte of zeros as gzip: 10 bytes of header, blocks that can be repeated, 10 bytes of end.
const ZEROS: &[u8] = include_bytes!("../fixtures/zeros-1MiB.gz");

#[tokio::test]
async fn a_question_reaches_the_path_below_the_base_url_with_its_query() {
    let server = Server::saying(answer(200, &["ETag: \"7\""], "[1]")).await;
    let mut settings = settings(&format!("{}/prom/?team=a", server.url));
    settings.http.timeout = None;
    let http = Http::new(&settings, None).unwrap();
    let answer = http
        .get("/api/v1/query")
        .query("query", "a & b")
        .header("If-None-Match", "\"6\"")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("etag"), Some("\"7\""));
    assert_eq!(answer.header("ETAG"), Some("\"7\""));
    assert_eq!(answer.json::<Vec<u8>>().unwrap(), [1]);
    let request = &server.seen()[0];
    assert!(
        request.starts_with("GET /prom/api/v1/query?team=a&query=a+%26+b HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains(concat!("user-agent: watchfire/", env!("CARGO_PKG_VERSION"))));
    assert!(request.contains("if-none-match: \"6\""));
    assert!(request.contains("accept-encoding: identity"));
}

#[tokio::test]
async fn an_empty_path_asks_the_base_url_as_it_is_written() {
    let server = Server::saying(answer(200, &[], "{}")).await;
    let http = Http::new(&settings(&format!("{}/recent?n=5", server.url)), None).unwrap();
    http.get("").send().await.unwrap();
    assert!(server.seen()[0].starts_with("GET /recent?n=5 HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_long_question_goes_in_a_form() {
    let server = Server::saying(answer(200, &[], "{}")).await;
    let http = client(&server);
    let form = [("query", "up == 0"), ("time", "1")];
    http.post_form("api/v1/query", &form).send().await.unwrap();
    let request = &server.seen()[0];
    assert!(request.starts_with("POST /api/v1/query HTTP/1.1\r\n"));
    assert!(
        request.ends_with("\r\n\r\nquery=up+%3D%3D+0&time=1"),
        "{request}"
    );
}

#[tokio::test]
async fn a_server_that_hangs_is_left_at_the_time_out() {
    let server = Server::start(|_| Reply::Hang).await;
    let fault = hasty(&server, 100).get("").send().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Timeout);
    assert_eq!(
        fault.message.raw(),
        "no answer within 100ms; raise `timeout` if it is just slow"
    );
    server.left.notified().await;
}

#[tokio::test]
async fn a_trickle_does_not_outlive_the_time_out() {
    for head in ["HTTP/1.1 200 OK\r\nX:", "HTTP/1.1 200 OK\r\n\r\n"] {
        let server = Server::start(|_| Reply::Trickle(head.into())).await;
        let begun = Instant::now();
        let fault = hasty(&server, 200).get("").send().await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Timeout);
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn dropping_a_request_closes_its_connection() {
    let server = Server::start(|_| Reply::Hang).await;
    let http = client(&server);
    let sending = tokio::spawn(async move { http.get("").send().await });
    server.asked.notified().await;
    sending.abort();
    server.left.notified().await;
}

#[tokio::test]
async fn no_server_and_a_lost_one_are_told_apart() {
    let gone = Server::saying("").await;
    let url = gone.url.clone();
    gone.task.abort();
    while !gone.task.is_finished() {
        tokio::task::yield_now().await;
    }
    let http = Http::new(&settings(&url), None).unwrap();
    let fault = http.get("").send().await.unwrap_err();
    let host = url.trim_start_matches("http://");
    assert_eq!(fault.kind, FaultKind::Connect);
    assert_eq!(
        fault.message.raw(),
        format!("connection refused at {host}; is it running?")
    );

    let short = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_vec();
    for (reply, want) in [
        (Reply::Reset, "closed the connection without an answer"),
        (Reply::Bytes(short), "broke off before its answer was whole"),
        (
            Reply::Bytes(b"".into()),
            "closed the connection without an answer",
        ),
    ] {
        let server = Server::start(move |_| reply.clone()).await;
        let fault = client(&server).get("").send().await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Connect);
        let words = fault.message.raw();
        assert!(words.contains(want), "{words}");
    }
}

#[tokio::test]
async fn an_unknown_host_is_named_without_the_query() {
    let mut settings = settings("http://nosuch.invalid/a?key=CANARY");
    settings.http.proxy = Some("none".to_owned());
    let http = Http::new(&settings, None).unwrap();
    let fault = http.get("").send().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Connect);
    assert!(fault.message.raw().contains("nosuch.invalid:80"));
    assert!(!format!("{fault:?}").contains("CANARY"));
}

#[tokio::test]
async fn an_announced_flood_is_refused_at_once() {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
        MAX_BODY + 1
    );
    let server = Server::saying(head).await;
    let fault = client(&server).get("").send().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::TooLarge);
    assert_eq!(fault.message.raw(), "answer exceeds 16 MiB; ask for less");
}

#[tokio::test]
async fn an_endless_body_is_read_no_further_than_the_cap() {
    let head = b"HTTP/1.1 200 OK\r\n\r\n";
    let server = Server::start(|_| Reply::Flood(head.to_vec(), vec![b' '; 1 << 16])).await;
    let fault = client(&server).get("").send().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::TooLarge);
    server.left.notified().await;
    // The kernel's own buffers hold the rest.
    assert!(server.sent() < 3 * MAX_BODY, "{} bytes", server.sent());
}

#[tokio::test]
async fn endless_headers_end() {
    let line = b"X-More: and more and more\r\n".repeat(1_000);
    let server =
        Server::start(move |_| Reply::Flood(b"HTTP/1.1 200 OK\r\n".to_vec(), line.clone())).await;
    let fault = client(&server).get("").send().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Decode);
    assert!(fault.message.raw().contains("larger headers"), "{fault:?}");
    server.left.notified().await;
    assert!(server.sent() < MAX_BODY, "{} bytes", server.sent());
}

#[tokio::test]
async fn the_cap_counts_decompressed_bytes() {
    let gzip = ["Content-Encoding: gzip"];
    let (header, blocks) = (&ZEROS[..10], &ZEROS[10..ZEROS.len() - 10]);
    let bomb = [header, &blocks.repeat(64)].concat();
    assert!(bomb.len() < 100_000);
    let server = Server::saying(answer(200, &gzip, bomb)).await;
    let fault = client(&server).get("").send().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::TooLarge);

    let server = Server::saying(answer(200, &gzip, ZEROS)).await;
    let whole = client(&server).get("").send().await.unwrap();
    assert_eq!(whole.body.len(), 1 << 20);

    let mut damaged = ZEROS.to_vec();
    damaged[20..].fill(0xff);
    let server = Server::saying(answer(200, &gzip, damaged)).await;
    let fault = client(&server).get("").send().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Decode, "{fault:?}");
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only whether it can be read matters")]
struct Wanted {
    data: Vec<Row>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only whether it can be read matters")]
struct Row {
    value: u64,
}

#[tokio::test]
async fn a_body_that_is_not_the_expected_json_says_where() {
    let html = "answered HTML where JSON was expected; a login page or proxy?";
    for (kind, body, words) in [
        ("text/html", "Sign in", html),
        ("application/json", "\n<!doctype html>", html),
        (
            "application/json",
            " ",
            "answered nothing where JSON was expected; check `url`",
        ),
        (
            "application/json",
            "{\"data\":[{\"value\":1},{\"va",
            "answer is cut off or not JSON at line 1 column 25; is `url` the right API?",
        ),
        (
            "application/json",
            "{\"data\":[{\"value\":1},{\"value\":\"CANARY\"}]}",
            "answer is JSON of another shape: `data[1].value` at line 1 column 38; is `url` the right API?",
        ),
        (
            "application/json",
            "{\"data\":[{}]}",
            "answer is JSON of another shape: `data[0]` lacks `value` at line 1 column 11; is `url` the right API?",
        ),
    ] {
        let kind = format!("Content-Type: {kind}");
        let server = Server::saying(answer(200, &[&kind], body)).await;
        let fault = client(&server)
            .get("")
            .send()
            .await
            .unwrap()
            .json::<Wanted>()
            .unwrap_err();
        assert_eq!(fault.kind, FaultKind::Decode);
        assert_eq!(fault.message.raw(), words);
    }
}

#[test]
fn answers_that_are_read_at_the_same_time_share_the_cap() {
    let total = AtomicUsize::new(0);
    let held = || Held {
        total: &total,
        mine: 0,
    };
    let (mut one, mut two) = (held(), held());
    assert!(one.take(MAX_BODY / 2).is_ok() && two.take(MAX_BODY / 2).is_ok());
    assert_eq!(two.take(1).unwrap_err().kind, FaultKind::TooLarge);
    drop((one, two));
    assert!(held().take(MAX_BODY).is_ok(), "what was given up is free");
}

#[tokio::test]
async fn a_compression_that_was_not_asked_for_is_named() {
    for (encoding, words) in [
        ("br", "compressed as `br`, which was not asked for"),
        ("zstd", "compressed as `zstd`, which was not asked for"),
        (
            "Deflate",
            "compressed as `deflate`, which was not asked for",
        ),
        (
            "compress, br",
            "compressed as `compress, br`, which was not asked for",
        ),
        ("x`y`", "compressed in an unknown way"),
    ] {
        let header = format!("Content-Encoding: {encoding}");
        let server = Server::saying(answer(200, &[&header], b"\x0b\x02\x80{}\x03")).await;
        let fault = client(&server).get("").send().await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Decode, "{encoding}");
        assert!(
            fault.message.raw().contains(words),
            "{}",
            fault.message.raw()
        );
        // A refusal is one all the same, without a reason that cannot be read.
        let server = Server::saying(answer(500, &[&header], "text")).await;
        let fault = client(&server).get("").send().await.unwrap_err();
        assert_eq!(fault.message.raw(), "answered 500", "{encoding}");
    }
    for (encoding, body) in [("identity", "{}"), ("br", "")] {
        let header = format!("Content-Encoding: {encoding}");
        let server = Server::saying(answer(200, &[&header], body)).await;
        let answer = client(&server).get("").send().await.unwrap();
        assert_eq!(answer.body, body.as_bytes(), "{encoding}");
    }
}
