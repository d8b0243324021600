//! Lists of many pages, runs of workflows, and waits without end.

use super::*;
use crate::domain::ReleaseStatus::{Failed, Pending, RolledBack, Running, Succeeded, Unknown};

/// A server of `total` rows in pages of `page`, whose links name the next page; the last page links
/// to `after` where that is given.
async fn pages(route: &str, total: u64, page: u64, after: Option<u64>) -> MockServer {
    let server = MockServer::start().await;
    let uri = format!("{}{route}", server.uri());
    let newest: Timestamp = "2026-11-22T14:00:00Z".parse().unwrap();
    Mock::given(path(route))
        .respond_with(move |request: &wiremock::Request| {
            let pairs = request.url.query_pairs();
            let number = pairs
                .filter(|(name, _)| name == "page")
                .map(|(_, value)| value.parse::<u64>().unwrap())
                .last()
                .unwrap_or(1);
            let tag = format!("\"page{number}\"");
            if request
                .headers
                .get("if-none-match")
                .is_some_and(|sent| *sent == *tag)
            {
                return ResponseTemplate::new(304).insert_header("ETag", tag);
            }
            let row = |index: u64| {
                let at = newest - SignedDuration::from_mins(i64::try_from(index).unwrap());
                deployment(1000 - index, &at.to_string())
            };
            let begin = (number - 1) * page;
            let rows: Vec<_> = (begin..(begin + page).min(total)).map(row).collect();
            let next = if begin + page < total {
                Some(number + 1)
            } else {
                after
            };
            let mut answer = ok(&json!(rows)).insert_header("ETag", tag);
            if let Some(next) = next {
                let last = total.div_ceil(page);
                let link =
                    format!("<{uri}?page={next}>; rel=\"next\", <{uri}?page={last}>; rel=\"last\"");
                answer = answer.insert_header("Link", link);
            }
            answer
        })
        .mount(&server)
        .await;
    Mock::given(wiremock::matchers::path_regex("/statuses$"))
        .respond_with(ok(&status("success")))
        .mount(&server)
        .await;
    server
}

async fn lists(server: &MockServer) -> usize {
    let asked = asked(server).await;
    asked.iter().filter(|path| *path == LIST).count()
}

#[tokio::test]
async fn all_pages_are_read_and_unchanged_ones_cost_nothing() {
    let server = pages(LIST, 25, 10, None).await;
    let mut source = source(&server, ONE);
    let first = source.fetch(&ask()).await.unwrap();
    assert_eq!(versions(&first).len(), 25);
    assert_eq!((first.warnings.len(), lists(&server).await), (0, 3));
    let again = source.fetch(&ask()).await.unwrap();
    assert_eq!(
        again, first,
        "the links are known of pages that did not change"
    );
    let requests = server.received_requests().await.unwrap();
    let again = requests.iter().rev().take(3);
    let tags = again.filter(|request| request.headers.contains_key("if-none-match"));
    assert_eq!((tags.count(), lists(&server).await), (3, 6));
}

#[tokio::test]
async fn links_that_go_round_in_a_circle_end_the_list() {
    for after in [1, 2, 3] {
        let server = pages(LIST, 25, 10, Some(after)).await;
        let facts = source(&server, ONE).fetch(&ask()).await.unwrap();
        assert_eq!(versions(&facts).len(), 25, "back to page {after}");
        assert!(lists(&server).await <= 4, "back to page {after}");
    }
    // Without any end, and without any row that is new.
    let server = MockServer::start().await;
    let uri = server.uri();
    Mock::given(path(LIST))
        .respond_with(move |request: &wiremock::Request| {
            let query = request.url.query().unwrap_or_default().len();
            let link = format!("<{uri}{LIST}?{}>; rel=\"next\"", "x".repeat(query + 1));
            ok(&json!([])).insert_header("Link", link)
        })
        .mount(&server)
        .await;
    let facts = source(&server, ONE).fetch(&ask()).await.unwrap();
    assert_eq!((facts.releases, lists(&server).await), (Some(vec![]), 1));
}

#[tokio::test]
async fn a_list_that_is_too_long_is_cut_and_says_so() {
    let server = pages(LIST, 950, 100, None).await;
    let facts = source(&server, ONE).fetch(&ask()).await.unwrap();
    assert_eq!(versions(&facts).len(), 200);
    assert_eq!(lists(&server).await, 2);
    let warning = facts.warnings[0].raw();
    let want = "acme/checkout: 200 of about 1000 deployments to production loaded";
    assert_eq!(warning, want);
}

#[tokio::test]
async fn pages_that_are_older_than_a_week_are_not_turned_to() {
    let server = MockServer::start().await;
    let list = json!([
        deployment(2, "2026-11-22T13:40:00Z"),
        deployment(1, "2026-11-01T12:00:00Z"),
    ]);
    let link = format!("<{}{LIST}?page=2>; rel=\"next\"", server.uri());
    mount(&server, LIST, ok(&list).insert_header("Link", link)).await;
    Mock::given(wiremock::matchers::path_regex("/statuses$"))
        .respond_with(ok(&status("success")))
        .mount(&server)
        .await;
    let facts = source(&server, ONE).fetch(&ask()).await.unwrap();
    assert_eq!(versions(&facts), ["v2", "v1"]);
    assert_eq!((facts.warnings.len(), lists(&server).await), (0, 1));
}

#[tokio::test]
async fn a_storm_of_refusals_is_met_with_ever_longer_waits() {
    let server = MockServer::start().await;
    let left = [
        ("x-ratelimit-remaining", "4000"),
        ("x-ratelimit-reset", "3000"),
    ];
    let refusal = left
        .iter()
        .fold(ResponseTemplate::new(429), |answer, (name, value)| {
            answer.insert_header(*name, *value)
        });
    Mock::given(path(LIST))
        .respond_with(refusal)
        .up_to_n_times(8)
        .with_priority(1)
        .mount(&server)
        .await;
    mount(&server, LIST, ok(&json!([]))).await;
    let mut source = source(&server, ONE);
    let mut waits = Vec::new();
    for _ in 0..8 {
        let fault = source.fetch(&ask()).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::RateLimited);
        waits.push(fault.retry_after.unwrap().as_secs());
    }
    assert_eq!(waits, [60, 120, 240, 480, 960, 1920, 3600, 3600]);
    source.fetch(&ask()).await.unwrap();
    assert_eq!(asked(&server).await.len(), 9, "one request a poll");
}

#[tokio::test]
async fn an_allowance_that_is_nearly_spent_is_made_to_last() {
    let server = MockServer::start().await;
    let list = json!([deployment(1, "2026-11-22T13:40:00Z")]);
    let low = ok(&list)
        .insert_header("ratelimit-remaining", "1")
        .insert_header("ratelimit-reset", "1200");
    mount(&server, LIST, low).await;
    let facts = source(&server, ONE).fetch(&ask()).await.unwrap();
    assert!(
        facts.rest.unwrap() > SignedDuration::from_secs(1190),
        "{facts:?}"
    );
    assert_eq!(
        asked(&server).await,
        [LIST],
        "the last one is not spent on a status"
    );
    assert!(facts.warnings[0].raw().starts_with("1 older deployments"));
}

fn run(id: u64, status: &str, conclusion: Option<&str>, minute: u32) -> Value {
    json!({
        "id": id, "name": "Deploy", "path": ".github/workflows/deploy.yml", "event": "push",
        "head_branch": "main", "head_sha": format!("{id:040x}"), "status": status,
        "conclusion": conclusion, "created_at": format!("2026-11-22T13:{minute:02}:00Z"),
        "run_started_at": format!("2026-11-22T13:{minute:02}:00Z"),
        "updated_at": format!("2026-11-22T13:{:02}:00Z", minute + 4),
        "actor": {"login": "mara"}, "triggering_actor": {"login": "lee"},
        "html_url": format!("https://github.com/acme/checkout/actions/runs/{id}"),
    })
}

const RUNS: &str = "/repos/acme/checkout/actions/workflows/deploy.yml/runs";

async fn with_runs(rows: &[Value], deployments: &Value) -> MockServer {
    let server = MockServer::start().await;
    let page = json!({"total_count": rows.len(), "workflow_runs": rows});
    Mock::given(path(RUNS))
        .and(query_param("exclude_pull_requests", "true"))
        .respond_with(ok(&page))
        .mount(&server)
        .await;
    mount(&server, LIST, ok(deployments)).await;
    Mock::given(wiremock::matchers::path_regex("/statuses$"))
        .respond_with(ok(&status("success")))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn runs_of_a_workflow_that_deploys_are_releases() {
    let mut skipped = run(1, "completed", Some("skipped"), 1);
    skipped["event"] = json!("push");
    let mut proposed = run(2, "completed", Some("success"), 2);
    proposed["event"] = json!("pull_request");
    let rows = [
        run(11, "waiting", None, 50),
        run(10, "queued", None, 45),
        run(9, "in_progress", None, 40),
        run(8, "completed", Some("failure"), 35),
        run(7, "completed", Some("timed_out"), 30),
        run(6, "completed", Some("cancelled"), 25),
        run(5, "completed", Some("success"), 20),
        run(4, "completed", Some("teleported"), 15),
        run(3, "teleporting", None, 10),
        proposed,
        skipped,
    ];
    let server = with_runs(&rows, &json!([])).await;
    let options = format!("{ONE}\nworkflows = [\"deploy.yml\"]");
    let facts = source(&server, &options).fetch(&ask()).await.unwrap();
    let want = [
        Pending, Pending, Running, Failed, Failed, Failed, Succeeded, Unknown, Unknown,
    ];
    let got: Vec<_> = statuses(&facts)
        .into_iter()
        .map(|(_, status)| status)
        .collect();
    assert_eq!(got, want);
    let failed = &facts.releases.as_ref().unwrap()[3];
    assert_eq!(failed.id.raw(), "github:acme/checkout:run:8");
    assert_eq!(
        failed.version.raw(),
        "0000000",
        "the commit, since everything is on main"
    );
    assert_eq!(failed.environment.raw(), "production", "there is but one");
    assert_eq!(failed.actor.as_ref().unwrap().raw(), "lee");
    assert_eq!(failed.finished_at, "2026-11-22T13:39:00Z".parse().ok());

    let then = source(&server, &options)
        .fetch(&ask_at("2026-11-22T13:22:00Z"))
        .await
        .unwrap();
    let then: Vec<_> = statuses(&then)
        .into_iter()
        .map(|(_, status)| status)
        .collect();
    assert_eq!(
        then,
        [Running, Unknown, Unknown],
        "of 13:20, 13:15 and 13:10"
    );
}

#[tokio::test]
async fn a_run_that_made_a_deployment_is_not_told_twice() {
    let mut made = deployment(7, "2026-11-22T13:31:00Z");
    made["sha"] = json!(format!("{:040x}", 7));
    let rows = [
        run(8, "completed", Some("failure"), 35),
        run(7, "completed", Some("success"), 30),
    ];
    let server = with_runs(&rows, &json!([made])).await;
    let options = format!("{ONE}\nworkflows = [\"deploy.yml\"]");
    let facts = source(&server, &options).fetch(&ask()).await.unwrap();
    let ids: Vec<_> = facts
        .releases
        .as_ref()
        .unwrap()
        .iter()
        .map(|row| row.id.raw())
        .collect();
    assert_eq!(
        ids,
        ["github:acme/checkout:7", "github:acme/checkout:run:8"]
    );
}

#[tokio::test]
async fn a_workflow_that_is_not_there_is_named() {
    let server = MockServer::start().await;
    mount(&server, LIST, ok(&json!([]))).await;
    let repos = "repos = [{ repo = \"acme/checkout\", workflows = [\"ship.yaml\"] }]";
    let facts = source(&server, repos).fetch(&ask()).await.unwrap();
    let fault = facts.fault.unwrap();
    let words = "acme/checkout: no workflow ship.yaml, or the token may not see it (404)";
    assert_eq!(fault.message.raw(), words);
    let wrong = build(&KIND, None, &format!("{ONE}\nworkflows = [\"Deploy\"]"));
    assert!(wrong.err().unwrap().message.contains("deploy.yml"));
}

#[tokio::test]
async fn a_version_that_comes_back_takes_back_what_came_between() {
    let server = MockServer::start().await;
    let row = |id: u64, commit: char, minute: u32| {
        let mut row = deployment(id, &format!("2026-11-22T13:{minute:02}:00Z"));
        row["sha"] = json!(commit.to_string().repeat(40));
        row["ref"] = json!("main");
        row
    };
    let list = json!([row(3, 'a', 40), row(2, 'b', 20), row(1, 'a', 0)]);
    mount(&server, LIST, ok(&list)).await;
    for (id, minute) in [(1, 5), (2, 25), (3, 45)] {
        let went = json!([
            {"id": 2, "state": "inactive", "created_at": "2026-11-22T13:59:00Z"},
            {"id": 1, "state": "success", "created_at": format!("2026-11-22T13:{minute:02}:00Z")},
        ]);
        mount(&server, &format!("{LIST}/{id}/statuses"), ok(&went)).await;
    }
    let mut source = source(&server, ONE);
    let facts = source.fetch(&ask()).await.unwrap();
    let want = [
        ("aaaaaaa", Succeeded),
        ("bbbbbbb", RolledBack),
        ("aaaaaaa", Succeeded),
    ];
    assert_eq!(
        statuses(&facts),
        want.map(|(version, status)| (version.to_owned(), status))
    );
    let before = source.fetch(&ask_at("2026-11-22T13:30:00Z")).await.unwrap();
    let want = [("bbbbbbb", Succeeded), ("aaaaaaa", Succeeded)];
    assert_eq!(
        statuses(&before),
        want.map(|(version, status)| (version.to_owned(), status))
    );
}
