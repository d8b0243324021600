//! Pages, unchanged answers and runs of workflows, as GitHub describes them.

use serde_json::{Map, Value, json};
use watchfire::domain::ReleaseStatus::{Failed, Running, Succeeded};
use wiremock::matchers::{header, header_exists};

use super::*;

/// A repository as GitHub shows it inside of other things.
fn repository() -> Value {
    let names = "archive assignees blobs branches collaborators comments commits compare contents \
        contributors deployments downloads events forks git_commits git_refs git_tags hooks \
        issue_comment issue_events issues keys labels languages merges milestones notifications \
        pulls releases stargazers statuses subscribers subscription tags teams trees";
    let urls = names.split_whitespace();
    let urls = urls.map(|name| (format!("{name}_url"), json!(api(&format!("{REPO}/{name}")))));
    let mut whole: Map<String, Value> = urls.collect();
    let rest = json!({
        "id": 1, "node_id": "MDEwOlJlcG9zaXRvcnkx", "name": "checkout", "full_name": "acme/checkout",
        "owner": account("acme"), "private": true, "fork": false, "description": null,
        "url": api(REPO), "html_url": "https://github.com/acme/checkout",
    });
    whole.extend(rest.as_object().unwrap().clone());
    Value::Object(whole)
}

/// A run of a workflow, whole.
fn run(id: u64, status: &str, conclusion: Option<&str>) -> Value {
    let url = api(&format!("{REPO}/actions/runs/{id}"));
    let mut whole = json!({
        "id": id, "name": "Deploy", "node_id": "WFR_1", "head_branch": "main",
        "head_sha": format!("{id:040x}"), "path": ".github/workflows/deploy.yml",
        "display_title": "Deploy", "run_number": 7, "run_attempt": 1, "event": "push",
        "status": status, "conclusion": conclusion, "workflow_id": 3, "check_suite_id": 4,
        "check_suite_node_id": "CS_1", "url": url, "pull_requests": [],
        "html_url": format!("https://github.com/acme/checkout/actions/runs/{id}"),
        "created_at": "2026-11-22T13:40:00Z", "updated_at": "2026-11-22T13:45:00Z",
        "run_started_at": "2026-11-22T13:40:30Z", "actor": account("mara"),
        "triggering_actor": account("lee"), "jobs_url": format!("{url}/jobs"),
        "logs_url": format!("{url}/logs"), "check_suite_url": api(&format!("{REPO}/check-suites/4")),
        "artifacts_url": format!("{url}/artifacts"), "cancel_url": format!("{url}/cancel"),
        "rerun_url": format!("{url}/rerun"),
    });
    whole["previous_attempt_url"] = Value::Null;
    whole["workflow_url"] = json!(api(&format!("{REPO}/actions/workflows/3")));
    whole["repository"] = repository();
    whole["head_repository"] = repository();
    let mara = json!({"name": "Mara", "email": "mara@acme.example"});
    whole["head_commit"] = json!({
        "id": format!("{id:040x}"), "tree_id": format!("{id:040x}"), "message": "Ship it",
        "timestamp": "2026-11-22T13:39:00Z", "author": mara, "committer": mara,
    });
    whole
}

#[tokio::test]
async fn pages_and_answers_that_have_not_changed_are_asked_for_as_described() {
    let server = MockServer::start().await;
    let list = format!("{REPO}/deployments");
    Mock::given(path(list.as_str()))
        .and(header_exists("if-none-match"))
        .respond_with(ResponseTemplate::new(304))
        .with_priority(1)
        .mount(&server)
        .await;
    for (page, next) in [(3, None), (2, Some(3)), (1, Some(2))] {
        let rows = json!([deployment(10 - page, "2026-11-22T13:40:00Z")]);
        let mut answer = ResponseTemplate::new(200)
            .set_body_json(rows)
            .insert_header("ETag", format!("W/\"{page}\""));
        if let Some(next) = next {
            let link = format!(
                "<{}{list}?per_page=100&page={next}>; rel=\"next\"",
                server.uri()
            );
            answer = answer.insert_header("Link", link);
        }
        let asked =
            Mock::given(path(list.as_str())).and(header("accept", "application/vnd.github+json"));
        let asked = if page == 1 {
            asked
        } else {
            asked.and(query_param("page", page.to_string()))
        };
        let priority = if page == 1 { 3 } else { 2 };
        asked
            .respond_with(answer)
            .with_priority(priority)
            .mount(&server)
            .await;
    }
    for id in 7..10 {
        let route = format!("{list}/{id}/statuses");
        mount(&server, &route, json!([status(id, "success")])).await;
    }
    // That any GET may be answered so is in GitHub's best practices, not in each description.
    let unchanged = "status 304 is not described";
    let description = Description::named("github").allowing(unchanged);
    let checked = Checked::start(description, &server.uri()).await;
    let options = "repos = [{ repo = \"acme/checkout\" }]";
    let mut source = source("github", &checked.url, options);
    let first = source.fetch(&ask()).await.unwrap();
    assert_eq!(first.releases.as_ref().unwrap().len(), 3);
    assert_eq!(checked.kept().len(), 6, "three pages, three statuses");
    assert_eq!(source.fetch(&ask()).await.unwrap(), first);
    assert_eq!(checked.kept().len(), 9, "three pages that are as they were");
}

#[tokio::test]
async fn runs_of_a_workflow_are_asked_for_and_answered_as_described() {
    let server = MockServer::start().await;
    mount(&server, &format!("{REPO}/deployments"), json!([])).await;
    let runs = json!({"total_count": 3, "workflow_runs": [
        run(3, "in_progress", None),
        run(2, "completed", Some("failure")),
        run(1, "completed", Some("success")),
    ]});
    let route = format!("{REPO}/actions/workflows/deploy.yml/runs");
    mount(&server, &route, runs).await;
    let checked = Checked::start(Description::named("github"), &server.uri()).await;
    let options = "repos = [{ repo = \"acme/checkout\", workflows = [\"deploy.yml\"] }]";
    let facts = source("github", &checked.url, options)
        .fetch(&ask())
        .await
        .unwrap();
    let got: Vec<_> = facts
        .releases
        .unwrap()
        .iter()
        .map(|row| row.status)
        .collect();
    assert_eq!(got, [Running, Failed, Succeeded]);
    assert_eq!(
        checked.kept(),
        [
            "GET /repos/{owner}/{repo}/deployments",
            "GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs",
        ]
    );
}
