//! Entries with a path: which deployments of one repository are releases of which service.

use super::*;

const ENTRIES: &str = "repos = [\
    { repo = \"acme/mono\", service = \"web\", path = \"services/web/\" },\
    { repo = \"acme/mono\", service = \"api\", path = \"services/api\" }]";

/// Deployments, the oldest first: the deployed commit, how it went, and the newest commits below
/// `services/web` and `services/api` seen from it.
type Story = [(u64, &'static str, Option<u64>, Option<u64>)];

const STORY: &Story = &[
    (1, "success", Some(1), None),
    // Only api changed.
    (2, "success", Some(1), Some(2)),
    // Both.
    (3, "success", Some(3), Some(3)),
    // Back to the second, and that once more.
    (2, "success", Some(1), Some(2)),
    (2, "success", Some(1), Some(2)),
    // A change of api that did not arrive with this one, but with the next.
    (6, "failure", Some(1), Some(6)),
    (7, "success", Some(1), Some(6)),
    // Nothing below either path.
    (8, "success", Some(1), Some(6)),
];

fn sha(commit: u64) -> String {
    format!("{commit:040x}")
}

fn rows(story: &Story) -> Vec<Value> {
    let rows = (1..).zip(story).map(|(id, (commit, ..))| {
        let mut row = deployment(id, &format!("2026-11-22T13:{id:02}:00Z"));
        row["sha"] = json!(sha(*commit));
        row
    });
    let mut rows: Vec<_> = rows.collect();
    rows.reverse();
    rows
}

async fn mount_statuses(server: &MockServer) {
    Mock::given(wiremock::matchers::path_regex("/statuses$"))
        .respond_with(ok(&status("success")))
        .mount(server)
        .await;
}

async fn telling(story: &'static Story, commits: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    mount(
        &server,
        "/repos/acme/mono/deployments",
        ok(&json!(rows(story))),
    )
    .await;
    for (id, (_, state, ..)) in (1..).zip(story) {
        let route = format!("/repos/acme/mono/deployments/{id}/statuses");
        mount(&server, &route, ok(&status(state))).await;
    }
    Mock::given(path("/repos/acme/mono/commits"))
        .respond_with(move |request: &wiremock::Request| {
            let query = |wanted: &str| {
                let mut pairs = request.url.query_pairs();
                pairs
                    .find(|(name, _)| name == wanted)
                    .unwrap()
                    .1
                    .into_owned()
            };
            assert_eq!(query("per_page"), "1");
            let Some((.., web, api)) = story.iter().find(|row| sha(row.0) == query("sha")) else {
                return commits.clone();
            };
            let newest = match query("path").as_str() {
                "services/web" => web,
                "services/api" => api,
                _ => &None,
            };
            let commits = newest.iter().map(|commit| json!({"sha": sha(*commit)}));
            ok(&json!(commits.collect::<Vec<_>>()))
        })
        .mount(&server)
        .await;
    server
}

/// Service and number of each release.
fn told(facts: &Facts) -> Vec<(String, String)> {
    let releases = facts.releases.as_ref().unwrap().iter();
    let told = releases.map(|release| {
        let number = release.id.raw().split(':').nth(2).unwrap().to_owned();
        (release.service.raw().to_owned(), number)
    });
    let mut told: Vec<_> = told.collect();
    told.sort();
    told
}

fn pairs(service: &str, numbers: &[u64]) -> Vec<(String, String)> {
    let pairs = numbers
        .iter()
        .map(|number| (service.to_owned(), number.to_string()));
    pairs.collect()
}

async fn commits_asked(server: &MockServer) -> usize {
    let asked = asked(server).await;
    asked
        .iter()
        .filter(|path| path.ends_with("/commits"))
        .count()
}

#[tokio::test]
async fn a_deployment_counts_for_the_paths_that_it_changed() {
    let server = telling(STORY, ResponseTemplate::new(404)).await;
    let mut source = source(&server, ENTRIES);
    let facts = source.fetch(&ask()).await.unwrap();
    // With nothing before it the first counts for both.
    let want = [pairs("api", &[1, 2, 3, 4, 6, 7]), pairs("web", &[1, 3, 4])].concat();
    assert_eq!(told(&facts), want);
    assert_eq!((facts.fault, facts.warnings.len()), (None, 0));
    let ids: std::collections::HashSet<_> = facts
        .releases
        .unwrap()
        .into_iter()
        .map(|release| release.id)
        .collect();
    assert_eq!(
        ids.len(),
        want.len(),
        "a release of two services is two rows"
    );

    // Each commit is asked about once for each path, and each list once for both entries.
    assert_eq!(commits_asked(&server).await, 2 * 6);
    let lists = |asked: Vec<String>| {
        asked
            .iter()
            .filter(|path| path.ends_with("deployments"))
            .count()
    };
    assert_eq!(lists(asked(&server).await), 1);
    let again = source.fetch(&ask()).await.unwrap();
    assert_eq!(told(&again), want);
    assert_eq!(commits_asked(&server).await, 2 * 6);
}

/// A server that answers questions about commits with this status alone.
async fn without_commits(status: u16) -> MockServer {
    let server = MockServer::start().await;
    mount(
        &server,
        "/repos/acme/mono/deployments",
        ok(&json!(rows(STORY))),
    )
    .await;
    mount(
        &server,
        "/repos/acme/mono/commits",
        ResponseTemplate::new(status),
    )
    .await;
    mount_statuses(&server).await;
    server
}

#[tokio::test]
async fn what_is_not_told_apart_is_kept_and_said() {
    // The commits are gone.
    let server = without_commits(404).await;
    let mut source = source(&server, ENTRIES);
    let facts = source.fetch(&ask()).await.unwrap();
    assert_eq!(told(&facts).len(), 2 * STORY.len());
    let words = "acme/mono: 6 deployed commits are not there any more, so `services/web` does not";
    let is_said = |words: &str, facts: &Facts| {
        let mut warnings = facts.warnings.iter();
        warnings.any(|warning| warning.raw().starts_with(words))
    };
    assert!(is_said(words, &facts), "{:?}", facts.warnings);
    // That does not change, so it is not asked for again.
    let before = commits_asked(&server).await;
    source.fetch(&ask()).await.unwrap();
    assert_eq!(commits_asked(&server).await, before);

    // The token may not read commits: one refusal a poll is enough.
    let server = without_commits(403).await;
    let facts = super::source(&server, ENTRIES).fetch(&ask()).await.unwrap();
    assert_eq!(told(&facts).len(), 2 * STORY.len());
    assert_eq!(commits_asked(&server).await, 1);
    let fault = facts.fault.unwrap();
    assert!(fault.message.raw().contains("contents"), "{fault:?}");
    let words = "acme/mono: 6 deployed commits were not asked about `services/web` yet";
    assert!(
        facts
            .warnings
            .iter()
            .any(|warning| warning.raw().starts_with(words)),
        "{:?}",
        facts.warnings
    );
}

#[tokio::test]
async fn a_path_that_no_commit_knows_is_named() {
    let server = telling(STORY, ResponseTemplate::new(404)).await;
    let options = "repos = [{ repo = \"acme/mono\", path = \"servces/web\" }]";
    let facts = source(&server, options).fetch(&ask()).await.unwrap();
    assert_eq!(
        facts.warnings[0].raw(),
        "acme/mono: no commit changes anything below `servces/web`; write the path as in the repository"
    );
}

#[test]
fn a_path_is_one_of_the_repository() {
    for (path, is_one) in [
        ("services/web", true),
        ("/services/web/", true),
        ("a.b/c d", true),
        ("", false),
        ("/", false),
        ("../web", false),
        ("services//web", false),
        ("services/*", false),
        ("services\\\\web", false),
    ] {
        let options = format!("repos = [{{ repo = \"acme/mono\", path = \"{path}\" }}]");
        let built = build(&KIND, None, &options);
        assert_eq!(built.is_ok(), is_one, "{path}");
    }
    let twice = "repos = [{ repo = \"acme/mono\", path = \"web\" }, { repo = \"acme/mono\", path = \"/web\" }]";
    assert!(build(&KIND, None, twice).is_err());
}
