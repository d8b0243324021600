//! What deployments carried, for a report.

use super::*;
use crate::domain::Commit;

fn compared(commits: &Value) -> ResponseTemplate {
    let count = commits.as_array().unwrap().len();
    ok(&json!({"status": "ahead", "total_commits": count, "commits": commits}))
}

fn commit(sha: &str, date: &str, parents: usize) -> Value {
    json!({"sha": sha, "commit": {"committer": {"date": date}, "author": {"date": "2026-01-01T00:00:00Z"}},
           "parents": vec![json!({"sha": "p"}); parents]})
}

#[tokio::test]
async fn a_report_has_the_commits_between_two_deployments_and_a_poll_asks_for_none() {
    let server = MockServer::start().await;
    let rows = json!([
        deployment(3, "2026-11-22T13:40:00Z"),
        deployment(2, "2026-11-22T12:40:00Z"),
        deployment(1, "2026-11-22T11:40:00Z"),
    ]);
    mount(&server, LIST, ok(&rows)).await;
    Mock::given(wiremock::matchers::path_regex("/statuses$"))
        .respond_with(ok(&status("success")))
        .mount(&server)
        .await;
    let route =
        |base: u64, head: u64| format!("/repos/acme/checkout/compare/{base:040x}...{head:040x}");
    let commits = json!([
        commit("c1", "2026-11-22T09:00:00Z", 1),
        commit("m1", "2026-11-22T10:00:00Z", 2),
    ]);
    mount(&server, &route(1, 2), compared(&commits)).await;
    mount(&server, &route(2, 3), ResponseTemplate::new(404)).await;
    let mut source = source(&server, ONE);
    let polled = source.fetch(&ask()).await.unwrap();
    let carried = |facts: &Facts| -> Vec<Option<Vec<Commit>>> {
        let releases = facts.releases.as_ref().unwrap().iter();
        releases.map(|row| row.carried.commits.clone()).collect()
    };
    assert_eq!(carried(&polled), [None, None, None]);
    assert!(
        !asked(&server)
            .await
            .iter()
            .any(|path| path.contains("/compare/"))
    );

    let report = Ask {
        since: "2026-10-22T00:00:00Z".parse().ok(),
        ..ask()
    };
    let reported = source.fetch(&report).await.unwrap();
    assert_eq!(reported.fault, None);
    let found = carried(&reported);
    // The first has none before it, and of the last GitHub does not have the commit any more.
    assert_eq!((&found[0], &found[2]), (&None, &None));
    let second = found[1].as_ref().unwrap();
    let read: Vec<_> = second
        .iter()
        .map(|one| (one.sha.raw(), one.committed_at, one.is_merge))
        .collect();
    assert_eq!(
        read,
        [
            ("c1", "2026-11-22T09:00:00Z".parse().ok(), false),
            ("m1", "2026-11-22T10:00:00Z".parse().ok(), true),
        ]
    );
    assert_eq!(reported.reach, report.since);
    // What was compared is not compared again.
    let before = asked(&server).await.len();
    source.fetch(&report).await.unwrap();
    let again = asked(&server).await.split_off(before);
    assert!(
        !again.iter().any(|path| path.contains("/compare/")),
        "{again:?}"
    );
}
