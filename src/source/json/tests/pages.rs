//! Lists of several pages, against a server that keeps a list.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::*;

const INCIDENTS: &str = "incidents = '.rows[] | {id, title: \"t\", severity: \"page\"}'\n";

/// A server that answers `/recent` by what is asked of it.
async fn serve(
    answer: impl Fn(&Asked<'_>) -> ResponseTemplate + Send + Sync + 'static,
) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/recent"))
        .respond_with(move |request: &Request| answer(&Asked(request)))
        .mount(&server)
        .await;
    server
}

/// A request, as a server sees it.
struct Asked<'a>(&'a Request);

impl Asked<'_> {
    fn query(&self, name: &str) -> Option<String> {
        let mut pairs = self.0.url.query_pairs();
        let found = pairs.find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned())
    }

    fn number(&self, name: &str) -> usize {
        self.query(name).map_or(0, |text| text.parse().unwrap())
    }
}

/// Rows with these ids.
fn rows(ids: impl IntoIterator<Item = usize>) -> Value {
    let rows: Vec<_> = ids.into_iter().map(|id| json!({"id": id})).collect();
    json!(rows)
}

fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

/// How many incidents a poll finds, what it warns of, and how many requests it took.
async fn poll(server: &MockServer, options: &str) -> (usize, Vec<String>, usize) {
    let mut source = source(server, &format!("{INCIDENTS}{options}"), TIME_LIMIT);
    let facts = source.fetch(&ask()).await.unwrap();
    let warnings = facts.warnings.iter();
    let warnings = warnings.map(|words| words.raw().to_owned()).collect();
    let requests = server.received_requests().await.unwrap().len();
    (facts.incidents.unwrap().len(), warnings, requests)
}

const NONE: [&str; 0] = [];

#[tokio::test]
async fn a_link_header_is_followed_to_the_last_page() {
    let server = serve(|asked| {
        let page = asked.number("page");
        let answer = ok(&json!({"rows": rows(page * 2..page * 2 + 2)}));
        let next = format!(
            "</recent?page={}&s=1,2>; rel=\"next\", </first>; rel=first",
            page + 1
        );
        if page < 3 {
            answer.insert_header("Link", next.as_str())
        } else {
            answer
        }
    })
    .await;
    let (found, warnings, requests) = poll(&server, "paginate = { link = true }").await;
    assert_eq!((found, requests), (8, 4));
    assert_eq!(warnings, NONE);
}

#[tokio::test]
async fn a_link_to_another_host_is_not_followed_and_what_was_read_stays() {
    let stranger = MockServer::start().await;
    let link = format!("<{}/recent?after=2>; rel=\"next\"", stranger.uri());
    let server =
        serve(move |_| ok(&json!({"rows": rows(0..2)})).insert_header("Link", link.as_str())).await;
    let options = format!("{INCIDENTS}paginate = {{ link = true }}");
    let mut source = source(&server, &options, TIME_LIMIT);
    let facts = source.fetch(&ask()).await.unwrap();
    assert_eq!(facts.incidents.unwrap().len(), 2);
    assert_eq!(facts.fault.unwrap().kind, FaultKind::Redirect);
    assert!(stranger.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_numbered_page_on_another_host_is_asked_for_where_the_server_is() {
    let stranger = MockServer::start().await;
    let elsewhere = stranger.uri();
    let server = serve(move |asked| {
        let page = asked.query("page").map_or(0, |page| page.parse().unwrap());
        let answer = ok(&json!({"rows": rows(page * 2..page * 2 + 2)}));
        let link = format!("<{elsewhere}/recent?page={}>; rel=\"next\"", page + 1);
        if page < 2 {
            answer.insert_header("Link", link.as_str())
        } else {
            answer
        }
    })
    .await;
    let (found, warnings, requests) = poll(&server, "paginate = { link = true }").await;
    assert_eq!((found, requests), (6, 3));
    assert_eq!(warnings, NONE);
    assert!(stranger.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_cursor_is_sent_until_there_is_none() {
    for last in [json!(null), json!(false), json!("")] {
        let server = serve(move |asked| {
            let page = asked
                .query("after")
                .map_or(0, |after| after[1..].parse().unwrap());
            let next = if page == 3 {
                last.clone()
            } else {
                json!(format!("c{}", page + 1))
            };
            ok(&json!({"rows": rows([page]), "next": next}))
        })
        .await;
        let paginate = "paginate = { cursor = \".next\", param = \"after\" }";
        let (found, warnings, requests) = poll(&server, paginate).await;
        assert_eq!((found, requests), (4, 4));
        assert_eq!(warnings, NONE);
    }
}

#[tokio::test]
async fn a_cursor_may_be_a_whole_address() {
    let server = MockServer::start().await;
    let own = server.uri();
    Mock::given(path("/recent"))
        .respond_with(move |request: &Request| {
            let page = Asked(request).number("page");
            let next = match page {
                0 => json!(format!("{own}/recent?page=1")),
                1 => json!("/recent?page=2"),
                2 => json!("?page=3"),
                _ => json!(null),
            };
            ok(&json!({"rows": rows([page]), "paging": {"next": next}}))
        })
        .mount(&server)
        .await;
    let (found, warnings, requests) =
        poll(&server, "paginate = { cursor = \".paging.next\" }").await;
    assert_eq!((found, requests), (4, 4));
    assert_eq!(warnings, NONE);
}

#[tokio::test]
async fn a_cursor_that_comes_again_ends_the_list_with_a_warning() {
    let server = serve(|asked| {
        let next = if asked.query("cursor").as_deref() == Some("a") {
            "b"
        } else {
            "a"
        };
        ok(&json!({"rows": rows([1]), "next": next}))
    })
    .await;
    let paginate = "paginate = { cursor = \".next\", param = \"cursor\" }";
    let (found, warnings, requests) = poll(&server, paginate).await;
    assert_eq!((found, requests), (1, 3));
    assert_eq!(warnings, ["the list goes in a circle: 3 pages read"]);
}

#[tokio::test]
async fn pages_are_counted_until_one_is_empty_or_brings_nothing_new_or_is_not_there() {
    let empty = |asked: &Asked<'_>| {
        let page = asked.number("page");
        let ids = if page <= 3 {
            page * 10..page * 10 + 2
        } else {
            0..0
        };
        ok(&json!({"rows": rows(ids), "of": []}))
    };
    let repeated = |asked: &Asked<'_>| ok(&json!({"rows": rows([asked.number("page").min(3)])}));
    let missing = |asked: &Asked<'_>| match asked.number("page") {
        page @ 1..=3 => ok(&json!({"rows": rows([page])})),
        _ => ResponseTemplate::new(404),
    };
    let paginate = "paginate = { page = \"page\" }";
    let (found, warnings, requests) = poll(&serve(empty).await, paginate).await;
    assert_eq!((found, requests, warnings.len()), (6, 4, 0));
    let (found, warnings, requests) = poll(&serve(repeated).await, paginate).await;
    assert_eq!((found, requests, warnings.len()), (3, 4, 0));
    let (found, warnings, requests) = poll(&serve(missing).await, paginate).await;
    assert_eq!((found, requests, warnings.len()), (3, 4, 0));

    let from_zero = |asked: &Asked<'_>| ok(&json!({"rows": rows(asked.number("p")..2)}));
    let paginate = "paginate = { page = \"p\", first = 0 }";
    let (found, _, requests) = poll(&serve(from_zero).await, paginate).await;
    assert_eq!((found, requests), (2, 2));
}

#[tokio::test]
async fn a_first_page_that_is_not_there_is_a_fault() {
    let server = serve(|_| ResponseTemplate::new(404)).await;
    let options = format!("{INCIDENTS}paginate = {{ page = \"page\" }}");
    let fault = source(&server, &options, TIME_LIMIT)
        .fetch(&ask())
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
}

#[tokio::test]
async fn offsets_go_up_by_the_limit() {
    let server = serve(|asked| {
        let (from, count) = (asked.number("offset"), asked.number("limit"));
        ok(&json!({"rows": rows(from..(from + count).min(25))}))
    })
    .await;
    let paginate = "paginate = { offset = \"offset\", limit = 10 }";
    let (found, warnings, requests) = poll(&server, paginate).await;
    assert_eq!((found, requests), (25, 4));
    assert_eq!(warnings, NONE);
}

#[tokio::test]
async fn the_cap_on_pages_is_told_with_how_much_there_is() {
    let endless = |asked: &Asked<'_>| {
        let page = asked.number("page");
        ok(&json!({"rows": rows(page * 100..page * 100 + 100), "total": 2300}))
    };
    let warned = |paginate: &'static str| async move {
        let (found, warnings, requests) = poll(&serve(endless).await, paginate).await;
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        (found, requests, warnings[0].clone())
    };
    let (found, requests, warning) = warned("paginate = { page = \"page\" }").await;
    assert_eq!((found, requests), (2_000, 20));
    assert!(
        warning.starts_with("incidents: 2,000 rows loaded, more there: "),
        "{warning}"
    );
    assert!(
        warning.contains("a poll reads 20 pages; raise `paginate.pages`"),
        "{warning}"
    );
    let (found, requests, warning) =
        warned("paginate = { page = \"page\", pages = 3, total = \".total\" }").await;
    assert_eq!((found, requests), (300, 3));
    assert!(
        warning.starts_with("incidents: 300 of 2,300 loaded: "),
        "{warning}"
    );

    let counted = |_: &Asked<'_>| {
        let answer = ok(&json!({"rows": rows(0..200)}));
        let answer = answer.insert_header("X-Total-Count", "950");
        answer.insert_header("Link", "</recent?page=2>; rel=\"next\"")
    };
    let (_, warnings, _) = poll(
        &serve(counted).await,
        "paginate = { link = true, pages = 1 }",
    )
    .await;
    assert!(
        warnings[0].starts_with("incidents: 200 of 950 loaded: "),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn a_list_of_more_rows_than_are_taken_is_not_walked_to_its_end() {
    let server = serve(|asked| {
        let page = asked.number("page");
        ok(&json!({"rows": rows(page * 3_000..page * 3_000 + 3_000)}))
    })
    .await;
    let (found, warnings, requests) = poll(&server, "paginate = { page = \"page\" }").await;
    assert_eq!((found, requests), (rows::MAX_ROWS, 2));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("first 5000 of more rows"));
}

#[tokio::test]
async fn a_page_that_fills_the_last_place_is_the_last_one() {
    let server = serve(|asked| {
        let page = asked.number("page");
        ok(&json!({"rows": rows(page * 2_500..page * 2_500 + 2_500)}))
    })
    .await;
    let (found, warnings, requests) = poll(&server, "paginate = { page = \"page\" }").await;
    assert_eq!((found, requests), (rows::MAX_ROWS, 2));
    let want =
        "incidents: 5,000 rows loaded, more there: no more are taken; let the program select fewer";
    assert_eq!(warnings, [want]);
}

#[tokio::test]
async fn after_a_polls_time_no_further_page_is_asked_for() {
    let server = serve(|asked| ok(&json!({"rows": rows([asked.number("page")])}))).await;
    let options = format!("{INCIDENTS}paginate = {{ page = \"page\" }}");
    let mut source = source(&server, &options, TIME_LIMIT);
    source.patience = Duration::ZERO;
    let facts = source.fetch(&ask()).await.unwrap();
    assert_eq!(facts.incidents.unwrap().len(), 1);
    let warning = facts.warnings[0].raw();
    assert!(
        warning.contains("1 rows loaded, more there: a poll reads on for 0 s"),
        "{warning}"
    );
}

#[tokio::test]
async fn a_page_that_fails_fails_the_poll_with_the_time_to_wait() {
    let server = serve(|asked| match asked.number("page") {
        3 => ResponseTemplate::new(429).insert_header("Retry-After", "90"),
        page => ok(&json!({"rows": rows([page])})),
    })
    .await;
    let options = format!("{INCIDENTS}paginate = {{ page = \"page\" }}");
    let fault = source(&server, &options, TIME_LIMIT)
        .fetch(&ask())
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::RateLimited);
    assert_eq!(fault.retry_after, Some(SignedDuration::from_secs(90)));
    assert_eq!(server.received_requests().await.unwrap().len(), 3);
}

#[tokio::test]
async fn every_page_is_asked_for_conditionally_and_a_304_keeps_its_link() {
    let sent = std::sync::Arc::new(AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&sent);
    let server = serve(move |asked| {
        let page = asked.number("page");
        let date = "Sun, 22 Nov 2026 14:00:00 GMT";
        let known = asked.0.headers.get("if-modified-since");
        if known.is_some_and(|known| known == date) {
            return ResponseTemplate::new(304);
        }
        count.fetch_add(1, Ordering::Relaxed);
        let answer = ok(&json!({"rows": rows([page])})).insert_header("Last-Modified", date);
        let next = format!("</recent?page={}>; rel=\"next\"", page + 1);
        if page < 2 {
            answer.insert_header("Link", next.as_str())
        } else {
            answer
        }
    })
    .await;
    let options = format!("{INCIDENTS}paginate = {{ link = true }}");
    let mut source = source(&server, &options, TIME_LIMIT);
    let first = source.fetch(&ask()).await.unwrap();
    let second = source.fetch(&ask()).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(second.incidents.unwrap().len(), 3);
    assert_eq!(sent.load(Ordering::Relaxed), 3);
    assert_eq!(server.received_requests().await.unwrap().len(), 6);
}

#[tokio::test]
async fn a_body_is_posted_and_a_cursor_goes_into_it() {
    let server = MockServer::start().await;
    let question =
        |after: Value| json!({"query": "{ rows }", "variables": {"n": 2, "after": after}});
    for (asked, next) in [
        (
            json!({"query": "{ rows }", "variables": {"n": 2}}),
            json!("c1"),
        ),
        (question(json!("c1")), json!("c2")),
        (question(json!("c2")), json!(null)),
    ] {
        let id = next.clone();
        Mock::given(method("POST"))
            .and(header("content-type", "application/json"))
            .and(body_json(asked))
            .respond_with(ok(&json!({"rows": [{"id": id.to_string()}], "next": next})))
            .expect(1)
            .mount(&server)
            .await;
    }
    let options = "body = { query = \"{ rows }\", variables = { n = 2 } }\n\
                   paginate = { cursor = \".next\", param = \"variables.after\", in = \"body\" }";
    let (found, warnings, requests) = poll(&server, options).await;
    assert_eq!((found, requests), (3, 3));
    assert_eq!(warnings, NONE);
}

#[tokio::test]
async fn a_text_is_posted_as_what_it_is() {
    for (body, kind) in [
        ("{\"a\": 1}", "application/json"),
        ("select * from incident", "text/plain; charset=utf-8"),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .and(header("content-type", kind))
            .and(wiremock::matchers::body_string(body))
            .respond_with(ok(&json!({"rows": rows([1])})).insert_header("ETag", "\"1\""))
            .expect(2)
            .mount(&server)
            .await;
        let options = format!("{INCIDENTS}body = '{body}'");
        let mut source = source(&server, &options, TIME_LIMIT);
        for _ in 0..2 {
            // A POST is never asked for conditionally.
            let facts = source.fetch(&ask()).await.unwrap();
            assert_eq!(facts.incidents.unwrap().len(), 1);
        }
    }
}

#[tokio::test]
async fn programs_share_their_time_among_pages() {
    let server = serve(|asked| ok(&json!({"rows": rows([asked.number("page")])}))).await;
    let options = "incidents = '[limit(20000; repeat(1))] | empty'\npaginate = { page = \"page\", pages = 200 }";
    let mut source = source(&server, options, Duration::from_millis(60));
    let fault = source.fetch(&ask()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Timeout);
    assert_eq!(fault.retry_after, Some(REST));
}
