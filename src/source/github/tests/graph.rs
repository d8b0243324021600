//! Many repositories in one request, and what becomes of it when that is refused.

use super::*;
use crate::domain::ReleaseStatus::{Failed, Pending, Running, Succeeded, Unknown};

const FIELDS: &str = "/graphql";

/// A source of repositories `acme/r0` … with a token.
fn with_token(server: &MockServer, repos: usize, options: &str) -> Box<dyn Source> {
    let repos: Vec<_> = (0..repos)
        .map(|number| format!("{{ repo = \"acme/r{number}\" }}"))
        .collect();
    let options = format!("repos = [{}]\n{options}", repos.join(", "));
    built(&server.uri(), &options)
}

fn built(url: &str, options: &str) -> Box<dyn Source> {
    let mut settings = settings(&KIND, Some(url), options);
    let print = ["echo", "s3cret-token"].map(str::to_owned).to_vec();
    settings.http.auth = Auth::Token(SecretRef::Command(print));
    (KIND.build)(&settings, &Settings::empty()).unwrap().source
}

/// A deployment as GraphQL tells it, with the states of its statuses, the newest first.
fn node(id: u64, created_at: &str, state: &str, statuses: &[&str]) -> Value {
    let statuses: Vec<_> = statuses
        .iter()
        .enumerate()
        .map(|(age, state)| {
            let at = format!("2026-11-22T13:5{}:00Z", 9 - age);
            json!({"state": state, "createdAt": at, "environmentUrl": null, "logUrl": null})
        })
        .collect();
    json!({
        "id": format!("DE_{id}"), "databaseId": id, "createdAt": created_at,
        "updatedAt": created_at, "environment": "production", "state": state,
        "commitOid": format!("{id:040x}"), "ref": {"name": format!("v{id}")},
        "creator": {"login": "mara"}, "latestStatus": statuses.first(),
        "statuses": {"nodes": statuses},
    })
}

fn list(nodes: &[Value], next: Option<&str>) -> Value {
    json!({
        "totalCount": 950, "nodes": nodes,
        "pageInfo": {"hasNextPage": next.is_some(), "endCursor": next},
    })
}

fn one(id: u64) -> Value {
    let node = node(id, "2026-11-22T13:40:00Z", "SUCCESS", &["SUCCESS"]);
    json!({"deployments": list(&[node], None)})
}

async fn graph_requests(server: &MockServer) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    let graph = requests
        .iter()
        .filter(|request| request.url.path() == FIELDS);
    graph.map(|request| request.body_json().unwrap()).collect()
}

#[tokio::test]
async fn many_repositories_cost_one_request() {
    let server = MockServer::start().await;
    let repos = (0..30).map(|number| (format!("r{number}"), one(number + 1)));
    let data: serde_json::Map<_, _> = repos.collect();
    Mock::given(method("POST"))
        .and(path(FIELDS))
        .and(header("authorization", "Bearer s3cret-token"))
        .and(header_exists("user-agent"))
        .respond_with(ok(&json!({"data": data})))
        .mount(&server)
        .await;
    let facts = with_token(&server, 30, "").fetch(&ask()).await.unwrap();
    assert_eq!(versions(&facts).len(), 30);
    assert_eq!((facts.warnings.len(), facts.fault.clone()), (0, None));
    assert_eq!(asked(&server).await, [FIELDS]);
    let release = &facts.releases.as_ref().unwrap()[0];
    assert_eq!(release.id.raw(), "github:acme/r0:1");
    assert_eq!(release.service.raw(), "r0");
    assert_eq!(release.status, ReleaseStatus::Succeeded);
    assert_eq!(release.finished_at, "2026-11-22T13:59:00Z".parse().ok());
    let body = &graph_requests(&server).await[0];
    assert_eq!(body["variables"], json!({"n": 30, "e0": ["production"]}));
    let query = body["query"].as_str().unwrap();
    assert!(query.contains("r29:repository(owner:\"acme\",name:\"r29\")"));
    assert_eq!(query.matches('{').count(), query.matches('}').count());
}

#[tokio::test]
async fn without_a_token_or_with_one_repository_rest_is_asked() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ok(&json!([])))
        .mount(&server)
        .await;
    for (mut source, count) in [
        (source(&server, TWO), 2),
        (with_token(&server, 1, ""), 1),
        (with_token(&server, 3, "graphql = false"), 3),
    ] {
        let before = asked(&server).await.len();
        assert_eq!(source.fetch(&ask()).await.unwrap().warnings.len(), 0);
        let asked = asked(&server).await.split_off(before);
        assert_eq!(asked.len(), count);
        assert!(asked.iter().all(|path| path.starts_with("/repos/acme/")));
    }
    let problem = build(&KIND, None, &format!("{TWO}\ngraphql = true"));
    assert!(problem.err().unwrap().message.contains("token"));
}

#[tokio::test]
async fn entries_of_one_repository_ask_for_environments_of_their_own() {
    let server = MockServer::start().await;
    let to = |id: u64, place: &str| {
        let mut node = node(id, "2026-11-22T13:00:00Z", "SUCCESS", &["SUCCESS"]);
        node["environment"] = json!(place);
        json!({"nodes": [node]})
    };
    let data = json!({
        "r0": {"deployments": to(1, "Production – web")},
        "r1": {"deployments": {"nodes": [
            to(2, "eu-prod")["nodes"][0].clone(), to(3, "eu-test")["nodes"][0].clone(),
        ]}},
    });
    mount(&server, FIELDS, ok(&json!({"data": data}))).await;
    let options = "repos = [\
        { repo = \"acme/mono\", service = \"web\", environments = [\"Production – web\"] },\
        { repo = \"acme/mono\", service = \"api\", environments = [\"*-prod\"] }]";
    let facts = built(&server.uri(), options).fetch(&ask()).await.unwrap();
    let rows = facts.releases.unwrap();
    let rows: Vec<_> = rows
        .iter()
        .map(|row| (row.service.raw(), row.environment.raw()))
        .collect();
    assert_eq!(rows, [("web", "Production – web"), ("api", "eu-prod")]);
    let body = &graph_requests(&server).await[0];
    assert_eq!(
        body["variables"],
        json!({"n": 30, "e0": ["Production – web"]})
    );
    let query = body["query"].as_str().unwrap();
    assert!(
        query.contains("deployments(first:$n,environments:$e0,"),
        "{query}"
    );
    assert!(query.contains("deployments(first:$n,orderBy"), "{query}");
}

#[tokio::test]
async fn entries_that_differ_by_path_alone_are_asked_for_once() {
    let server = MockServer::start().await;
    mount(&server, FIELDS, ok(&json!({"data": {"r0": one(7)}}))).await;
    mount(&server, "/repos/acme/mono/commits", ok(&json!([]))).await;
    let entries = "repos = [\
        { repo = \"acme/mono\", service = \"web\", path = \"web\" },\
        { repo = \"acme/mono\", service = \"api\", path = \"api\" }]";
    let facts = built(&server.uri(), entries).fetch(&ask()).await.unwrap();
    let releases = facts.releases.unwrap();
    let ids: Vec<_> = releases.iter().map(|release| release.id.raw()).collect();
    assert_eq!(ids, ["github:acme/mono:7:web", "github:acme/mono:7:api"]);
    let question = &graph_requests(&server).await[0];
    let query = question["query"].as_str().unwrap();
    assert!(query.contains("r0:") && !query.contains("r1:"), "{query}");
}

#[tokio::test]
async fn a_repository_that_is_null_is_a_warning_and_the_others_count() {
    let server = MockServer::start().await;
    let answer = json!({
        "data": {"r0": null, "r1": one(7), "r2": {"deployments": null}, "r3": null},
        "errors": [
            {"type": "NOT_FOUND", "path": ["r0"], "locations": [{"line": 1, "column": 1}],
             "message": "Could not resolve to a Repository with the name 'acme/r0'."},
            {"type": "FORBIDDEN", "path": ["r2", "deployments"],
             "message": "Resource not accessible by personal access token"},
            {"message": "Something went wrong", "path": ["r3"]},
        ],
    });
    mount(&server, FIELDS, ok(&answer)).await;
    let facts = with_token(&server, 4, "").fetch(&ask()).await.unwrap();
    assert_eq!(versions(&facts), ["v7"]);
    assert_eq!(facts.fault, None);
    let warnings: Vec<_> = facts
        .warnings
        .iter()
        .map(crate::text::Untrusted::raw)
        .collect();
    assert_eq!(
        warnings,
        [
            "acme/r0: no such repository, or the token may not see it",
            "acme/r2: the token may not read this: give it the permissions to read deployments and \
             contents, and authorize it for the organization (FORBIDDEN: Resource not accessible by \
             personal access token)",
            "acme/r3: Something went wrong",
        ]
    );
    assert_eq!(asked(&server).await, [FIELDS]);
}

#[tokio::test]
async fn states_are_read_whatever_github_calls_them() {
    let server = MockServer::start().await;
    let at = |minute: u64| format!("2026-11-22T13:{minute:02}:00Z");
    let mut nodes = vec![
        node(9, &at(9), "TELEPORTED", &["TELEPORTED"]),
        node(8, &at(8), "PENDING", &[]),
        node(7, &at(7), "IN_PROGRESS", &["IN_PROGRESS", "QUEUED"]),
        node(6, &at(6), "FAILURE", &["FAILURE"]),
        node(
            5,
            &at(5),
            "INACTIVE",
            &["INACTIVE", "SUCCESS", "IN_PROGRESS"],
        ),
        node(4, &at(4), "ERROR", &["INACTIVE", "ERROR"]),
        node(3, &at(3), "ABANDONED", &[]),
        node(2, &at(2), "DESTROYED", &[]),
        node(1, &at(1), "ACTIVE", &[]),
        Value::Null,
    ];
    let bare = json!({"databaseId": null, "id": "DE_x", "createdAt": at(0), "ref": null,
        "commitOid": "9f3c1d2aa0b1c2d3e4f5061728394a5b6c7d8e9f", "creator": null,
        "environment": null, "state": null, "latestStatus": null, "statuses": null});
    nodes.push(bare);
    let answer = json!({"data": {
        "r0": {"deployments": {"nodes": nodes, "pageInfo": null}}, "r1": {"deployments": {"nodes": null}},
        "rateLimit": {"cost": 1, "remaining": 4999, "resetAt": at(59)},
    }});
    mount(&server, FIELDS, ok(&answer)).await;
    let facts = with_token(&server, 2, "").fetch(&ask()).await.unwrap();
    let want = [
        ("v9", Unknown),
        ("v8", Pending),
        ("v7", Running),
        ("v6", Failed),
        ("v5", Succeeded),
        ("v4", Failed),
        ("v3", Pending),
        ("v2", Succeeded),
        ("v1", Succeeded),
        ("9f3c1d2", Pending),
    ];
    assert_eq!(
        statuses(&facts),
        want.map(|(version, status)| (version.to_owned(), status))
    );
    assert_eq!(asked(&server).await, [FIELDS]);
}

#[tokio::test]
async fn rest_takes_over_while_graphql_is_refused() {
    let spent = json!({"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]});
    let nothing = json!({"data": {"r0": null, "r1": null}, "errors": [
        {"type": "FORBIDDEN", "path": ["r0"], "message": "SAML enforcement"}]});
    let scopes = json!({"data": null, "errors": [
        {"type": "INSUFFICIENT_SCOPES", "message": "requires ['repo']"}]});
    for (refusal, words) in [
        (
            ResponseTemplate::new(404),
            "this server offers none here (404)",
        ),
        (ResponseTemplate::new(403), "not allowed (403"),
        (ResponseTemplate::new(502), "answered 502"),
        (ok(&spent), "its allowance is spent"),
        (ok(&nothing), "the token may not read this"),
        (ok(&nothing), "(FORBIDDEN: SAML enforcement)"),
        (ok(&scopes), "the token lacks a scope: it needs `repo`"),
        (ok(&scopes), "(INSUFFICIENT_SCOPES: requires ['repo'])"),
        (ok(&json!({"data": null})), "it answered nothing"),
    ] {
        let server = MockServer::start().await;
        let refusal = refusal
            .insert_header("x-ratelimit-remaining", "1")
            .insert_header("x-ratelimit-reset", "3000");
        mount(&server, FIELDS, refusal).await;
        for repo in ["r0", "r1"] {
            let route = format!("/repos/acme/{repo}/deployments");
            let list = json!([deployment(1, "2026-11-22T13:40:00Z")]);
            mount(&server, &route, ok(&list)).await;
            mount(
                &server,
                &format!("{route}/1/statuses"),
                ok(&status("success")),
            )
            .await;
        }
        let mut source = with_token(&server, 2, "");
        for _ in 0..2 {
            let facts = source.fetch(&ask()).await.unwrap();
            assert_eq!(versions(&facts), ["v1", "v1"]);
            assert_eq!((facts.fault, facts.rest), (None, None), "{words}");
            let warning = facts.warnings[0].raw();
            assert!(warning.starts_with("GraphQL is refused ("), "{warning}");
            assert!(warning.contains(words), "{warning}");
            let until = ask().now + SignedDuration::from_mins(10);
            let again = format!("GraphQL again at {} UTC", until.strftime("%H:%M"));
            assert!(warning.ends_with(&again), "{warning}");
        }
        assert_eq!(graph_requests(&server).await.len(), 1, "{words}");
        let later = Ask {
            now: ask().now + SignedDuration::from_mins(10),
            ..ask()
        };
        source.fetch(&later).await.unwrap();
        assert_eq!(graph_requests(&server).await.len(), 2, "{words}");
    }
}

#[tokio::test]
async fn a_spent_allowance_is_asked_for_again_when_it_is_renewed() {
    let server = MockServer::start().await;
    let spent = json!({"errors": [{"type": "RATE_LIMITED", "message": ""}]});
    let renewed = ask().now + SignedDuration::from_mins(25);
    let refusal = ok(&spent).insert_header(
        "x-ratelimit-reset",
        renewed.as_second().to_string().as_str(),
    );
    mount(&server, FIELDS, refusal).await;
    for repo in ["r0", "r1"] {
        mount(
            &server,
            &format!("/repos/acme/{repo}/deployments"),
            ok(&json!([])),
        )
        .await;
    }
    let mut source = with_token(&server, 2, "");
    for (minutes, requests) in [(0, 1), (24, 1), (26, 2)] {
        let then = Ask {
            now: ask().now + SignedDuration::from_mins(minutes),
            ..ask()
        };
        let facts = source.fetch(&then).await.unwrap();
        let warning = facts.warnings[0].raw();
        assert!(warning.contains("its allowance is spent"), "{warning}");
        assert_eq!(graph_requests(&server).await.len(), requests, "{minutes}");
    }
}

#[tokio::test]
async fn a_limit_on_everything_ends_the_poll() {
    for (status, wait) in [
        (429, Some("31")),
        (403, Some("31")),
        (403, None),
        (401, None),
    ] {
        let server = MockServer::start().await;
        let words = json!({"message": "You have exceeded a secondary rate limit."});
        let mut answer = ResponseTemplate::new(status).set_body_json(words);
        if let Some(wait) = wait {
            answer = answer.insert_header("retry-after", wait);
        }
        mount(&server, FIELDS, answer).await;
        let fault = with_token(&server, 2, "").fetch(&ask()).await.unwrap_err();
        let (kind, seconds) = match (status, wait) {
            (401, _) => (FaultKind::Auth, None),
            (_, Some(_)) => (FaultKind::RateLimited, Some(31)),
            _ => (FaultKind::RateLimited, Some(60)),
        };
        assert_eq!(fault.kind, kind);
        assert_eq!(fault.retry_after, seconds.map(SignedDuration::from_secs));
        assert_eq!(asked(&server).await, [FIELDS], "REST would meet the same");
    }
}

/// A server of `total` deployments, one an hour, that pages by cursor; `stuck` repeats the first
/// cursor for ever.
async fn paged(total: u64, stuck: bool) -> MockServer {
    let server = MockServer::start().await;
    let newest: Timestamp = "2026-11-22T14:00:00Z".parse().unwrap();
    Mock::given(path(FIELDS))
        .respond_with(move |request: &wiremock::Request| {
            let body: Value = request.body_json().unwrap();
            let query = body["query"].as_str().unwrap();
            let first: u64 = query.split_once("after:\"c").map_or(0, |(_, rest)| {
                rest.split_once('"').unwrap().0.parse().unwrap()
            });
            let last = (first + body["variables"]["n"].as_u64().unwrap()).min(total);
            let row = |index: u64| {
                let at = newest - SignedDuration::from_hours(i64::try_from(index).unwrap());
                node(1000 - index, &at.to_string(), "SUCCESS", &["SUCCESS"])
            };
            let rows: Vec<_> = (first..last).map(row).collect();
            let next = if stuck {
                "c30".to_owned()
            } else {
                format!("c{last}")
            };
            let next = (stuck || last < total).then_some(next.as_str());
            let mut data = json!({"r0": {"deployments": list(&rows, next)}});
            if query.contains("r1:") {
                data["r1"] = one(1);
            }
            ok(&json!({"data": data}))
        })
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn pages_are_turned_for_those_who_have_more_until_a_week_is_read() {
    let server = paged(100, false).await;
    let facts = with_token(&server, 2, "").fetch(&ask()).await.unwrap();
    assert_eq!((versions(&facts).len(), facts.warnings.len()), (101, 0));
    let requests = graph_requests(&server).await;
    let query = |index: usize| requests[index]["query"].as_str().unwrap();
    assert_eq!(requests.len(), 4);
    assert!(query(0).contains("r1:repository") && !query(1).contains("r1:repository"));
    assert!(query(3).contains("environments:$e0,after:\"c90\",orderBy"));

    let server = paged(950, false).await;
    let facts = with_token(&server, 2, "").fetch(&ask()).await.unwrap();
    assert_eq!((versions(&facts).len(), facts.warnings.len()), (181, 0));
    assert_eq!(
        graph_requests(&server).await.len(),
        6,
        "168 hours are a week"
    );
}

#[tokio::test]
async fn a_cursor_that_comes_back_ends_the_list() {
    let server = paged(950, true).await;
    let facts = with_token(&server, 2, "").fetch(&ask()).await.unwrap();
    assert_eq!(versions(&facts).len(), 61);
    assert_eq!(graph_requests(&server).await.len(), 2);
}

#[tokio::test]
async fn what_is_cut_is_said() {
    let server = MockServer::start().await;
    Mock::given(path(FIELDS))
        .respond_with(|request: &wiremock::Request| {
            let query = request.body_json::<Value>().unwrap()["query"].to_string();
            let first: u64 = query.split_once("after:\\\"c").map_or(0, |(_, rest)| {
                rest.split_once('\\').unwrap().0.parse().unwrap()
            });
            let row = |id| node(id, "2026-11-22T13:00:00Z", "SUCCESS", &["SUCCESS"]);
            let rows: Vec<_> = (first..first + 30).map(row).collect();
            let next = format!("c{}", first + 30);
            ok(&json!({"data": {"r0": {"deployments": list(&rows, Some(&next))}}}))
        })
        .mount(&server)
        .await;
    let mut source = with_token(&server, 1, "graphql = true");
    let facts = source.fetch(&ask()).await.unwrap();
    assert_eq!(versions(&facts).len(), 210);
    let warning = facts.warnings[0].raw();
    assert_eq!(
        warning,
        "acme/r0: 210 of 950 deployments to production loaded"
    );
}

#[tokio::test]
async fn an_enterprise_server_has_both_below_api() {
    let server = MockServer::start().await;
    mount(
        &server,
        "/api/graphql",
        ok(&json!({"data": {"r0": one(1), "r1": one(2)}})),
    )
    .await;
    let repos = "repos = [{ repo = \"acme/r0\" }, { repo = \"acme/r1\" }]";
    let url = format!("{}/api/v3/", server.uri());
    let facts = built(&url, repos).fetch(&ask()).await.unwrap();
    assert_eq!(versions(&facts), ["v1", "v2"]);
    let release = &facts.releases.unwrap()[0];
    let want = format!("{}/acme/r0/deployments", server.uri());
    assert_eq!(release.url.as_ref().unwrap().raw(), want);
    mount(&server, "/api/v3/repos/acme/r0/deployments", ok(&json!([]))).await;
    mount(&server, "/api/v3/repos/acme/r1/deployments", ok(&json!([]))).await;
    let mut without = built(&url, &format!("{repos}\ngraphql = false"));
    assert_eq!(without.fetch(&ask()).await.unwrap().releases, Some(vec![]));
}

#[tokio::test]
async fn several_environments_and_tags_come_with_the_same_request() {
    let server = MockServer::start().await;
    let staged = json!({"nodes": [node(2, "2026-11-22T13:00:00Z", "SUCCESS", &["SUCCESS"])]});
    let tags = json!({"nodes": [
        {"id": "RE_1", "databaseId": 7, "tagName": "v2.31.0", "publishedAt": "2026-11-22T13:00:00Z",
         "isDraft": false, "url": "https://github.com/acme/r0/releases/tag/v2.31.0",
         "author": null, "tagCommit": {"oid": "9f3c1d2aa0b1c2d3e4f5061728394a5b6c7d8e9f"}},
        {"id": "RE_2", "databaseId": 8, "tagName": "v3", "publishedAt": null, "isDraft": true},
    ]});
    let mut whole = one(1);
    whole["deployments1"] = staged;
    whole["releases"] = tags;
    mount(
        &server,
        FIELDS,
        ok(&json!({"data": {"r0": whole, "r1": one(3)}})),
    )
    .await;
    let options = "environments = [\"production\", \"staging\"]\nreleases = true";
    let facts = with_token(&server, 2, options).fetch(&ask()).await.unwrap();
    assert_eq!(versions(&facts), ["v1", "v2", "v2.31.0", "v3"]);
    let tag = &facts.releases.unwrap()[2];
    assert_eq!(tag.id.raw(), "github:acme/r0:release:7");
    assert_eq!(tag.commit.as_ref().unwrap().raw().len(), 40);
    let body = &graph_requests(&server).await[0];
    let want = json!({"n": 30, "e0": ["production"], "e1": ["staging"]});
    assert_eq!(body["variables"], want);
    let missing: Vec<_> = facts
        .warnings
        .iter()
        .map(crate::text::Untrusted::raw)
        .collect();
    assert_eq!(
        missing,
        [
            "acme/r1: its deployments to staging were not answered",
            "acme/r1: its releases were not answered",
        ]
    );
}
