//! What the github source promises, against a server that answers as told.

mod commits;
mod graph;
mod pages;
mod paths;

use serde_json::{Value, json};
use wiremock::matchers::{header, header_exists, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::config::{Auth, SecretRef};
use crate::domain::ReleaseStatus;
use crate::source::fixture::{ask, ask_at, build, settings};

const ONE: &str = "repos = [{ repo = \"acme/checkout\", service = \"checkout\" }]";
const TWO: &str = "repos = [{ repo = \"acme/checkout\" }, { repo = \"acme/search\" }]";
const LIST: &str = "/repos/acme/checkout/deployments";

fn deployment(id: u64, created_at: &str) -> Value {
    json!({
        "id": id, "sha": format!("{id:040x}"), "ref": format!("v{id}"), "task": "deploy",
        "environment": "production", "creator": {"login": "mara"},
        "created_at": created_at, "updated_at": created_at,
    })
}

fn status(state: &str) -> Value {
    json!([{"id": 1, "state": state, "created_at": "2026-11-22T13:50:00Z", "log_url": ""}])
}

fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

/// Answers `route` with `body` under an entity tag, and 304 to whoever has that.
async fn mount_tagged(server: &MockServer, route: &str, tag: &str, body: &Value) {
    Mock::given(path(route))
        .and(header("if-none-match", tag))
        .respond_with(ResponseTemplate::new(304).insert_header("ETag", tag))
        .with_priority(1)
        .mount(server)
        .await;
    Mock::given(path(route))
        .respond_with(ok(body).insert_header("ETag", tag))
        .with_priority(2)
        .mount(server)
        .await;
}

async fn mount(server: &MockServer, route: &str, answer: ResponseTemplate) {
    Mock::given(path(route))
        .respond_with(answer)
        .mount(server)
        .await;
}

async fn asked(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    let paths = requests.iter().map(|request| request.url.path().to_owned());
    paths.collect()
}

fn source(server: &MockServer, options: &str) -> Box<dyn Source> {
    build(&KIND, Some(&server.uri()), options).unwrap().source
}

fn statuses(facts: &Facts) -> Vec<(String, ReleaseStatus)> {
    let releases = facts.releases.as_ref().unwrap().iter();
    releases
        .map(|release| (release.version.raw().to_owned(), release.status))
        .collect()
}

fn versions(facts: &Facts) -> Vec<String> {
    statuses(facts)
        .into_iter()
        .map(|(version, _)| version)
        .collect()
}

#[test]
fn a_mistake_in_the_settings_names_its_place() {
    for (options, words) in [
        ("", "name a repository"),
        ("repos = [{ repo = \"checkout\" }]", "owner/name"),
        ("repos = [{ repo = \"acme/../x\" }]", "owner/name"),
        ("repos = [{ repo = \"acme/..\" }]", "owner/name"),
        (
            "repos = [{ repo = \"a/b\" }, { repo = \"a/b\" }]",
            "second time",
        ),
        (
            "repos = [{ repo = \"a/b\", service = \"x\" }, { repo = \"a/b\", service = \"y\" }]",
            "of its own",
        ),
        (
            "repos = [{ repo = \"a/b\", environments = [\"\"] }]",
            "names nothing",
        ),
        (
            "repos = [{ repo = \"a/b\", task = \" \" }]",
            "names nothing",
        ),
        (
            "repos = [{ repo = \"a/b\" }]\nenvironments = []",
            "name an environment",
        ),
        (
            "repos = [{ repo = \"a/b\", branch = \"x\" }]",
            "unknown key",
        ),
    ] {
        let problem = build(&KIND, None, options).err().unwrap();
        assert!(problem.message.contains(words), "{options}: {problem:?}");
    }
    let offers = build(&KIND, None, ONE).unwrap().offers;
    assert_eq!(
        (offers.slos, offers.releases, offers.incidents),
        (false, true, false)
    );
}

#[test]
fn the_site_for_people_follows_from_the_api() {
    assert_eq!(options::site(None), "https://github.com");
    assert_eq!(
        options::site(Some("https://api.github.com/")),
        "https://github.com"
    );
    assert_eq!(
        options::site(Some("https://ghe.example/api/v3")),
        "https://ghe.example"
    );
}

#[tokio::test]
async fn deployments_are_asked_for_as_github_wants_it() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path(LIST))
        .and(query_param("environment", "production"))
        .and(query_param("per_page", "100"))
        .and(header("accept", "application/vnd.github+json"))
        .and(header("x-github-api-version", "2022-11-28"))
        .and(header("authorization", "Bearer s3cret-token"))
        .and(header_exists("user-agent"))
        .respond_with(ok(&json!([])))
        .expect(1)
        .mount(&server)
        .await;
    let print = ["echo", "s3cret-token"].map(str::to_owned).to_vec();
    let mut settings = settings(&KIND, Some(&server.uri()), ONE);
    settings.http.auth = Auth::Token(SecretRef::Command(print));
    let mut source = (KIND.build)(&settings, &Settings::empty()).unwrap().source;
    assert_eq!(source.fetch(&ask()).await.unwrap().releases, Some(vec![]));
}

#[tokio::test]
async fn a_steady_state_costs_one_unchanged_answer_a_repository() {
    let server = MockServer::start().await;
    let list = json!([
        deployment(2, "2026-11-22T13:40:00Z"),
        deployment(1, "2026-11-22T12:00:00Z"),
    ]);
    mount_tagged(&server, LIST, "\"list\"", &list).await;
    mount(
        &server,
        &format!("{LIST}/2/statuses"),
        ok(&status("success")),
    )
    .await;
    mount(
        &server,
        &format!("{LIST}/1/statuses"),
        ok(&status("inactive")),
    )
    .await;
    let mut source = source(&server, ONE);
    let first = source.fetch(&ask()).await.unwrap();
    assert_eq!(
        statuses(&first),
        [
            ("v2".to_owned(), ReleaseStatus::Succeeded),
            ("v1".to_owned(), ReleaseStatus::Succeeded),
        ]
    );
    let before = asked(&server).await.len();
    assert_eq!(before, 3);
    assert_eq!(source.fetch(&ask()).await.unwrap(), first);
    assert_eq!(source.fetch(&ask()).await.unwrap(), first);
    assert_eq!(asked(&server).await[before..], [LIST, LIST]);
    let requests = server.received_requests().await.unwrap();
    let newest = requests.last().unwrap();
    assert_eq!(newest.headers.get("if-none-match").unwrap(), "\"list\"");
}

#[tokio::test]
async fn a_deployment_under_way_is_asked_about_until_its_end() {
    let server = MockServer::start().await;
    let list = json!([deployment(1, "2026-11-22T13:40:00Z")]);
    mount_tagged(&server, LIST, "\"list\"", &list).await;
    let route = format!("{LIST}/1/statuses");
    for (state, priority) in [("in_progress", 1), ("failure", 2)] {
        Mock::given(path(&*route))
            .respond_with(ok(&status(state)))
            .up_to_n_times(1)
            .with_priority(priority)
            .mount(&server)
            .await;
    }
    let mut source = source(&server, ONE);
    for want in [
        ReleaseStatus::Running,
        ReleaseStatus::Failed,
        ReleaseStatus::Failed,
    ] {
        let facts = source.fetch(&ask()).await.unwrap();
        assert_eq!(statuses(&facts), [("v1".to_owned(), want)]);
        assert_eq!(facts.fault, None);
    }
    let asked = asked(&server).await;
    assert_eq!(asked.iter().filter(|path| **path == route).count(), 2);
}

#[tokio::test]
async fn one_repository_that_fails_is_named_and_loses_no_other() {
    let server = MockServer::start().await;
    mount(&server, LIST, ResponseTemplate::new(404)).await;
    let list = json!([deployment(1, "2026-11-22T13:40:00Z")]);
    let other = "/repos/acme/search/deployments";
    mount(&server, other, ok(&list)).await;
    mount(
        &server,
        &format!("{other}/1/statuses"),
        ok(&status("success")),
    )
    .await;
    let facts = source(&server, TWO).fetch(&ask()).await.unwrap();
    assert_eq!(statuses(&facts).len(), 1);
    let fault = facts.fault.unwrap();
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert!(
        fault.message.raw().starts_with("acme/checkout: no such"),
        "{fault:?}"
    );
    assert!(fault.message.raw().contains("/api/v3"), "{fault:?}");
}

#[tokio::test]
async fn a_repository_that_fails_for_once_keeps_its_rows() {
    let server = MockServer::start().await;
    let list = json!([deployment(1, "2026-11-22T13:40:00Z")]);
    for repo in ["checkout", "search"] {
        let route = format!("/repos/acme/{repo}/deployments");
        mount(
            &server,
            &format!("{route}/1/statuses"),
            ok(&status("success")),
        )
        .await;
        Mock::given(path(&*route))
            .respond_with(ok(&list))
            .up_to_n_times(1)
            .with_priority(1)
            .mount(&server)
            .await;
        let later = if repo == "search" {
            ok(&list)
        } else {
            ResponseTemplate::new(502)
        };
        Mock::given(path(route))
            .respond_with(later)
            .mount(&server)
            .await;
    }
    let mut source = source(&server, TWO);
    let first = source.fetch(&ask()).await.unwrap();
    let second = source.fetch(&ask()).await.unwrap();
    assert_eq!(second.releases, first.releases);
    assert_eq!(first.fault, None);
    assert_eq!(second.fault.unwrap().kind, FaultKind::Server);
}

#[tokio::test]
async fn when_every_repository_fails_the_poll_has_failed() {
    let server = MockServer::start().await;
    let fault = source(&server, TWO).fetch(&ask()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert!(fault.message.raw().contains("(+1 more)"), "{fault:?}");
}

#[tokio::test]
async fn a_rate_limit_ends_the_poll_and_says_how_long_to_wait() {
    let exhausted = ResponseTemplate::new(403)
        .insert_header("x-ratelimit-remaining", "0")
        .insert_header("retry-after", "120")
        .set_body_json(json!({"message": "API rate limit exceeded"}));
    let secondary = ResponseTemplate::new(403)
        .set_body_json(json!({"message": "You have exceeded a secondary rate limit."}));
    let plain = ResponseTemplate::new(429).insert_header("retry-after", "7");
    for (answer, wait) in [(exhausted, 120), (secondary, 60), (plain, 7)] {
        let server = MockServer::start().await;
        mount(&server, LIST, answer).await;
        let fault = source(&server, TWO).fetch(&ask()).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::RateLimited, "{fault:?}");
        assert_eq!(fault.retry_after, Some(SignedDuration::from_secs(wait)));
        assert_eq!(
            asked(&server).await.len(),
            1,
            "the other repository is not asked"
        );
    }
}

#[tokio::test]
async fn a_missing_right_is_no_rate_limit() {
    let server = MockServer::start().await;
    let refused = ResponseTemplate::new(403)
        .set_body_json(json!({"message": "Resource not accessible by personal access token"}));
    mount(&server, LIST, refused).await;
    let fault = source(&server, ONE).fetch(&ask()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Forbidden);
    assert!(
        fault.message.raw().starts_with("acme/checkout: "),
        "{fault:?}"
    );
}

#[tokio::test]
async fn a_rate_limit_among_the_statuses_keeps_the_rows_that_are_known() {
    let server = MockServer::start().await;
    let list = json!([
        deployment(2, "2026-11-22T13:40:00Z"),
        deployment(1, "2026-11-22T12:00:00Z"),
    ]);
    mount(&server, LIST, ok(&list)).await;
    mount(
        &server,
        &format!("{LIST}/2/statuses"),
        ok(&status("success")),
    )
    .await;
    let limited = ResponseTemplate::new(429).insert_header("retry-after", "30");
    mount(&server, &format!("{LIST}/1/statuses"), limited).await;
    let facts = source(&server, ONE).fetch(&ask()).await.unwrap();
    assert_eq!(
        statuses(&facts),
        [
            ("v2".to_owned(), ReleaseStatus::Succeeded),
            ("v1".to_owned(), ReleaseStatus::Unknown),
        ]
    );
    let fault = facts.fault.unwrap();
    assert_eq!(fault.retry_after, Some(SignedDuration::from_secs(30)));
}

#[tokio::test]
async fn no_poll_asks_about_more_than_so_many_deployments() {
    let server = MockServer::start().await;
    let list = |offset: u64| -> Value {
        let row = |id| deployment(offset + id, "2026-11-22T13:40:00Z");
        (0..20).map(row).collect()
    };
    mount(&server, LIST, ok(&list(0))).await;
    mount(&server, "/repos/acme/search/deployments", ok(&list(100))).await;
    Mock::given(wiremock::matchers::path_regex("/statuses$"))
        .respond_with(ok(&status("success")))
        .mount(&server)
        .await;
    let mut source = source(&server, TWO);
    let ask = || Ask {
        history: true,
        ..ask()
    };
    let first = source.fetch(&ask()).await.unwrap();
    let unknown = |facts: &Facts| {
        let known = statuses(facts);
        known
            .iter()
            .filter(|(_, status)| *status == ReleaseStatus::Unknown)
            .count()
    };
    assert_eq!(unknown(&first), 10);
    assert!(
        first.warnings[0].raw().starts_with("10 older deployments"),
        "{first:?}"
    );
    let second = source.fetch(&ask()).await.unwrap();
    assert_eq!((unknown(&second), second.warnings.len()), (0, 0));
    // What is printed once is asked about as a whole.
    let mut source = build(&KIND, Some(&server.uri()), TWO).unwrap().source;
    let once = Ask {
        history: false,
        ..ask()
    };
    let only = source.fetch(&once).await.unwrap();
    assert_eq!((unknown(&only), only.warnings.len()), (0, 0));
}

/// Deployments of one repository to several environments, filtered as GitHub does.
async fn monorepo() -> MockServer {
    let server = MockServer::start().await;
    let places = [
        ("Production – web", "deploy"),
        ("Production – api", "deploy"),
        ("Preview – web", "deploy"),
        ("live", "deploy:web"),
        ("live", "deploy:api"),
    ];
    let row = move |(id, (place, task)): (u64, (&str, &str))| {
        let mut row = deployment(id, "2026-11-22T13:40:00Z");
        row["environment"] = json!(place);
        row["task"] = json!(task);
        row
    };
    Mock::given(path("/repos/acme/mono/deployments"))
        .respond_with(move |request: &wiremock::Request| {
            let mut pairs = request.url.query_pairs();
            let wanted = pairs.find(|(name, _)| name == "environment");
            let is_wanted = |place: &str| wanted.as_ref().is_none_or(|(_, value)| *value == place);
            let rows: Vec<_> = (1..)
                .zip(places)
                .filter(|(_, (place, _))| is_wanted(place))
                .map(row)
                .collect();
            ok(&json!(rows))
        })
        .mount(&server)
        .await;
    Mock::given(wiremock::matchers::path_regex("/statuses$"))
        .respond_with(ok(&status("success")))
        .mount(&server)
        .await;
    server
}

/// Service and environment of each release.
async fn of_monorepo(options: &str) -> (Vec<(String, String)>, Vec<String>) {
    let server = monorepo().await;
    let facts = source(&server, options).fetch(&ask()).await.unwrap();
    let rows = facts.releases.unwrap();
    let text = |text: &crate::text::Untrusted| text.raw().to_owned();
    (
        rows.iter()
            .map(|row| (text(&row.service), text(&row.environment)))
            .collect(),
        facts.warnings.iter().map(text).collect(),
    )
}

#[tokio::test]
async fn the_services_of_one_repository_are_told_apart_by_environment_or_task() {
    let pairs = |rows: &[(&str, &str)]| -> Vec<(String, String)> {
        let own = rows.iter();
        own.map(|(service, place)| ((*service).to_owned(), (*place).to_owned()))
            .collect()
    };
    let by_name = "repos = [\
        { repo = \"acme/mono\", service = \"web\", environments = [\"Production – web\"] },\
        { repo = \"acme/mono\", service = \"api\", environments = [\"Production – api\"] }]";
    let (rows, warnings) = of_monorepo(by_name).await;
    let want = pairs(&[("web", "Production – web"), ("api", "Production – api")]);
    assert_eq!((rows, warnings.len()), (want, 0));
    let by_task = "environments = [\"live\"]\nrepos = [\
        { repo = \"acme/mono\", service = \"web\", task = \"deploy:web\" },\
        { repo = \"acme/mono\", service = \"rest\", task = \"*\" }]";
    let (rows, _) = of_monorepo(by_task).await;
    assert_eq!(rows, pairs(&[("web", "live"), ("rest", "live")]));
    let pattern = "repos = [{ repo = \"acme/mono\" }]\nenvironments = [\"production*\"]";
    let (rows, warnings) = of_monorepo(pattern).await;
    let want = pairs(&[("mono", "Production – web"), ("mono", "Production – api")]);
    assert_eq!((rows, warnings.len()), (want, 0));
    let (rows, _) = of_monorepo("repos = [{ repo = \"acme/mono\" }]\nenvironments = [\"*\"]").await;
    assert_eq!(rows.len(), 5);
}

#[tokio::test]
async fn where_no_deployment_went_to_production_the_other_environments_are_named() {
    let server = monorepo().await;
    let found = |options: &'static str| {
        let mut source = source(&server, options);
        async move {
            source.fetch(&ask()).await.unwrap();
            source.examine(&ask()).await
        }
    };
    let findings = found("repos = [{ repo = \"acme/mono\" }]").await;
    let [finding] = findings.as_slice() else {
        panic!("{findings:?}")
    };
    assert_eq!(
        finding.what.raw(),
        "acme/mono: no deployment to production; there are: Preview – web, Production – api, \
         Production – web, live (task deploy:api), live (task deploy:web)"
    );
    let findings =
        found("repos = [{ repo = \"acme/mono\", environments = [\"live\"], task = \"x\" }]");
    let words = findings.await[0].what.raw().to_owned();
    assert!(
        words.contains("no deployment of the task x to live"),
        "{words}"
    );
    let well = "repos = [{ repo = \"acme/mono\", environments = [\"production*\"] }]";
    assert_eq!(found(well).await, []);
}

#[tokio::test]
async fn tagged_releases_are_listed_when_asked_for() {
    let server = MockServer::start().await;
    mount(&server, LIST, ok(&json!([]))).await;
    let tags = json!([{
        "id": 7, "tag_name": "v2.31.0", "draft": false, "prerelease": false,
        "target_commitish": "main", "author": {"login": "mara"},
        "published_at": "2026-11-22T13:00:00Z",
        "html_url": "https://github.com/acme/checkout/releases/tag/v2.31.0",
    }]);
    mount(&server, "/repos/acme/checkout/releases", ok(&tags)).await;
    let without = source(&server, ONE).fetch(&ask()).await.unwrap();
    assert_eq!(without.releases.unwrap().len(), 0);
    let options = format!("{ONE}\nreleases = true");
    let with = source(&server, &options).fetch(&ask()).await.unwrap();
    assert_eq!(
        statuses(&with),
        [("v2.31.0".to_owned(), ReleaseStatus::Succeeded)]
    );
}

#[tokio::test]
async fn a_past_moment_is_found_by_turning_pages_back() {
    let server = MockServer::start().await;
    let next = format!(
        "<{}{LIST}?page=2>; rel=\"next\", <x>; rel=\"last\"",
        server.uri()
    );
    let young = json!([deployment(3, "2026-11-22T13:40:00Z")]);
    let old = json!([
        deployment(2, "2026-11-20T13:40:00Z"),
        deployment(1, "2026-11-19T13:40:00Z"),
    ]);
    Mock::given(path(LIST))
        .and(query_param("page", "2"))
        .respond_with(ok(&old))
        .with_priority(1)
        .mount(&server)
        .await;
    mount(&server, LIST, ok(&young).insert_header("Link", next)).await;
    Mock::given(wiremock::matchers::path_regex("/statuses$"))
        .respond_with(ok(&status("success")))
        .mount(&server)
        .await;
    let mut source = source(&server, ONE);
    let then = source.fetch(&ask_at("2026-11-20T14:00:00Z")).await.unwrap();
    assert_eq!(
        statuses(&then),
        [
            ("v2".to_owned(), ReleaseStatus::Running),
            ("v1".to_owned(), ReleaseStatus::Running),
        ],
        "they ended on the 22nd"
    );
    let now = source.fetch(&ask()).await.unwrap();
    assert_eq!(versions(&now), ["v3", "v2", "v1"], "all of this week");
}
