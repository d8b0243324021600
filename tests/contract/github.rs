//! The github source's REST requests against GitHub's own description.

mod pages;

use serde_json::{Value, json};
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::description::Description;
use crate::proxy::Checked;
use crate::settings::{ask, source};

const REPO: &str = "/repos/acme/checkout";
const OPTIONS: &str =
    "repos = [{ repo = \"acme/checkout\", service = \"checkout\" }]\nreleases = true";

fn api(rest: &str) -> String {
    format!("https://api.github.com{rest}")
}

/// An account as GitHub shows it inside of other things.
pub(crate) fn account(login: &str) -> Value {
    let url = api(&format!("/users/{login}"));
    json!({
        "login": login, "id": 1, "node_id": "MDQ6VXNlcjE=", "avatar_url": "https://github.com/a.gif",
        "gravatar_id": "", "url": url, "html_url": format!("https://github.com/{login}"),
        "followers_url": format!("{url}/followers"), "following_url": format!("{url}/following"),
        "gists_url": format!("{url}/gists"), "starred_url": format!("{url}/starred"),
        "subscriptions_url": format!("{url}/subscriptions"),
        "organizations_url": format!("{url}/orgs"), "repos_url": format!("{url}/repos"),
        "events_url": format!("{url}/events"),
        "received_events_url": format!("{url}/received_events"),
        "type": "User", "site_admin": false,
    })
}

/// A deployment, whole.
pub(crate) fn deployment(id: u64, created_at: &str) -> Value {
    let url = api(&format!("{REPO}/deployments/{id}"));
    json!({
        "url": url, "id": id, "node_id": "MDEwOkRlcGxveW1lbnQx", "sha": format!("{id:040x}"),
        "ref": format!("v{id}"), "task": "deploy", "payload": {}, "environment": "production",
        "original_environment": "production", "description": null, "creator": account("mara"),
        "created_at": created_at, "updated_at": created_at,
        "statuses_url": format!("{url}/statuses"), "repository_url": api(REPO),
        "transient_environment": false, "production_environment": true,
    })
}

/// What a deployment has come to, whole.
pub(crate) fn status(deployment: u64, state: &str) -> Value {
    let url = api(&format!("{REPO}/deployments/{deployment}"));
    json!({
        "url": format!("{url}/statuses/1"), "id": 1, "node_id": "MDE2OkRlcGxveW1lbnRTdGF0dXMx",
        "state": state, "creator": account("mara"), "description": "", "environment": "production",
        "target_url": "https://ci.example/1", "created_at": "2026-11-22T13:50:00Z",
        "updated_at": "2026-11-22T13:50:00Z", "deployment_url": url, "repository_url": api(REPO),
        "environment_url": "https://checkout.example", "log_url": "https://ci.example/1",
    })
}

fn release() -> Value {
    let url = api(&format!("{REPO}/releases/7"));
    json!({
        "url": url, "html_url": "https://github.com/acme/checkout/releases/tag/v2.31.0",
        "assets_url": format!("{url}/assets"), "upload_url": format!("{url}/assets{{?name}}"),
        "tarball_url": null, "zipball_url": null, "id": 7, "node_id": "MDc6UmVsZWFzZTE=",
        "tag_name": "v2.31.0", "target_commitish": "main", "name": null, "body": null,
        "draft": false, "prerelease": false, "created_at": "2026-11-22T13:00:00Z",
        "published_at": "2026-11-22T13:00:00Z", "author": account("mara"), "assets": [],
    })
}

/// Answers a route with this as JSON.
async fn mount(server: &MockServer, route: &str, body: Value) {
    Mock::given(method("GET"))
        .and(path(route))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .mount(server)
        .await;
}

/// A commit, whole.
fn commit(sha: &str) -> Value {
    let url = api(&format!("{REPO}/commits/{sha}"));
    let person =
        json!({"name": "Mara", "email": "mara@acme.example", "date": "2026-11-22T13:00:00Z"});
    json!({
        "url": url, "sha": sha, "node_id": "C_1",
        "html_url": format!("https://github.com/acme/checkout/commit/{sha}"),
        "comments_url": format!("{url}/comments"),
        "commit": {
            "url": url, "author": person, "committer": person, "message": "faster",
            "comment_count": 0, "tree": {"sha": sha, "url": url},
        },
        "author": account("mara"), "committer": account("mara"), "parents": [],
    })
}

#[tokio::test]
async fn the_newest_commits_below_a_path_are_asked_for_as_described() {
    let server = MockServer::start().await;
    let rows = json!([
        deployment(2, "2026-11-22T13:40:00Z"),
        deployment(1, "2026-11-22T12:00:00Z"),
    ]);
    mount(&server, &format!("{REPO}/deployments"), rows).await;
    for id in [1, 2] {
        let route = format!("{REPO}/deployments/{id}/statuses");
        mount(&server, &route, json!([status(id, "success")])).await;
    }
    mount(
        &server,
        &format!("{REPO}/commits"),
        json!([commit(&"a".repeat(40))]),
    )
    .await;
    let checked = Checked::start(Description::named("github"), &server.uri()).await;
    let options = "repos = [{ repo = \"acme/checkout\", path = \"services/web\" }]";
    let facts = source("github", &checked.url, options)
        .fetch(&ask())
        .await
        .unwrap();
    assert_eq!(facts.fault, None);
    assert!(!facts.releases.unwrap().is_empty());
    let kept = checked.kept();
    assert!(
        kept.iter()
            .any(|kept| kept == "GET /repos/{owner}/{repo}/commits"),
        "{kept:?}"
    );
}

#[tokio::test]
async fn deployments_statuses_and_releases_are_asked_for_and_answered_as_described() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path(format!("{REPO}/deployments")))
        .and(query_param("environment", "production"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([
            deployment(2, "2026-11-22T13:40:00Z"),
            deployment(1, "2026-11-22T12:00:00Z"),
        ])))
        .mount(&server)
        .await;
    for (id, state) in [(1, "inactive"), (2, "success")] {
        let route = format!("{REPO}/deployments/{id}/statuses");
        mount(&server, &route, json!([status(id, state)])).await;
    }
    mount(&server, &format!("{REPO}/releases"), json!([release()])).await;
    let checked = Checked::start(Description::named("github"), &server.uri()).await;
    let mut source = source("github", &checked.url, OPTIONS);
    let facts = source.fetch(&ask()).await.unwrap();
    assert_eq!(facts.releases.unwrap().len(), 3);
    assert_eq!(facts.fault, None);
    let mut kept = checked.kept();
    kept.sort();
    assert_eq!(
        kept,
        [
            "GET /repos/{owner}/{repo}/deployments",
            "GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses",
            "GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses",
            "GET /repos/{owner}/{repo}/releases",
        ]
    );
}
