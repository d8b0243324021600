//! What the gitlab source promises, against a server that answers as told.

use serde_json::{Value, json};
use wiremock::matchers::{header, header_exists, method, path, path_regex, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::config::{Auth, SecretRef};
use crate::domain::{FaultKind, ReleaseStatus};
use crate::source::fixture::{ask, ask_at, build, settings};

const ONE: &str = "projects = [{ project = \"acme/shop/checkout\", service = \"checkout\" }]";
const TWO: &str = "projects = [{ project = \"acme/checkout\" }, { project = \"acme/search\" }]";
const LIST: &str = "/api/v4/projects/acme%2Fshop%2Fcheckout/deployments";

/// A deployment by a job of a pipeline, as GitLab tells it.
fn deployment(id: u64, status: &str, created_at: &str) -> Value {
    let created: Timestamp = created_at.parse().unwrap();
    let after = |seconds: i64| (created + SignedDuration::from_secs(seconds)).to_string();
    let is_over = matches!(status, "success" | "failed" | "canceled");
    json!({
        "id": id, "iid": id, "ref": "main", "sha": format!("{id:040x}"), "status": status,
        "created_at": created_at, "updated_at": after(300),
        "user": {"id": 1, "name": "Mara", "username": "mara", "web_url": "https://gitlab.example/mara"},
        "environment": {"id": 9, "name": "production", "external_url": "https://shop.example"},
        "deployable": {
            "id": 7, "name": "deploy", "stage": "deploy", "status": status, "tag": false,
            "started_at": after(60), "finished_at": is_over.then(|| after(240)),
            "pipeline": {"id": 5, "status": status, "web_url": "https://gitlab.example/-/pipelines/5"},
        },
    })
}

fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

async fn mount(server: &MockServer, route: &str, answer: ResponseTemplate) {
    Mock::given(path(route))
        .respond_with(answer)
        .mount(server)
        .await;
}

fn source(server: &MockServer, options: &str) -> Box<dyn Source> {
    build(&KIND, Some(&server.uri()), options).unwrap().source
}

async fn asked(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

fn rows(facts: &Facts) -> Vec<(&str, ReleaseStatus)> {
    let releases = facts.releases.as_ref().unwrap().iter();
    releases
        .map(|row| (row.version.raw(), row.status))
        .collect()
}

#[test]
fn a_mistake_in_the_settings_names_its_place() {
    for (options, words) in [
        ("", "name a project"),
        ("projects = [{ project = \"checkout\" }]", "group/name"),
        ("projects = [{ project = \"acme/../x\" }]", "group/name"),
        ("projects = [{ project = \"/acme/x\" }]", "group/name"),
        ("projects = [{ project = \"a/b?c\" }]", "group/name"),
        (
            "projects = [{ project = \"42\" }]",
            "does not name a service",
        ),
        (
            "projects = [{ project = \"a/b\" }, { project = \"a/b\" }]",
            "second time",
        ),
        (
            "projects = [{ project = \"a/b\" }]\nenvironments = []",
            "name an environment",
        ),
        (
            "projects = [{ project = \"a/b\", ref = \"x\" }]",
            "unknown key",
        ),
    ] {
        let problem = build(&KIND, None, options).err().unwrap();
        assert!(problem.message.contains(words), "{options}: {problem:?}");
    }
    assert!(build(&KIND, None, ONE).unwrap().offers.releases);
}

#[tokio::test]
async fn deployments_are_asked_for_as_gitlab_wants_it() {
    let print = ["echo", "s3cret-token"].map(str::to_owned).to_vec();
    let secret = SecretRef::Command(print);
    for (auth, name, value) in [
        (Auth::Token(secret.clone()), "private-token", "s3cret-token"),
        (Auth::Bearer(secret), "authorization", "Bearer s3cret-token"),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .and(path(LIST))
            .and(query_param("environment", "production"))
            .and(query_param("order_by", "updated_at"))
            .and(query_param("sort", "desc"))
            .and(query_param("updated_after", "2026-08-24T00:00:00Z"))
            .and(query_param("per_page", "100"))
            .and(header(name, value))
            .and(header_exists("user-agent"))
            .respond_with(ok(&json!([])))
            .expect(2)
            .mount(&server)
            .await;
        for url in [server.uri(), format!("{}/api/v4/", server.uri())] {
            let mut settings = settings(&KIND, Some(&url), ONE);
            settings.http.auth = auth.clone();
            let mut source = (KIND.build)(&settings, &Settings::empty()).unwrap().source;
            assert_eq!(source.fetch(&ask()).await.unwrap().releases, Some(vec![]));
        }
    }
}

#[tokio::test]
async fn every_status_is_read_and_one_that_is_new_is_kept() {
    use ReleaseStatus::{Failed, Pending, Running, Succeeded, Unknown};
    let server = MockServer::start().await;
    let statuses = [
        ("created", Pending),
        ("blocked", Pending),
        ("running", Running),
        ("success", Succeeded),
        ("failed", Failed),
        ("canceled", Failed),
        ("skipped", Pending),
        ("teleported", Unknown),
    ];
    let list: Vec<_> = (0..)
        .zip(statuses)
        .map(|(id, (status, _))| deployment(id, status, "2026-11-22T13:00:00Z"))
        .collect();
    mount(&server, LIST, ok(&json!(list))).await;
    let facts = source(&server, ONE).fetch(&ask()).await.unwrap();
    let got: Vec<_> = rows(&facts).into_iter().map(|(_, status)| status).collect();
    assert_eq!(got, statuses.map(|(_, status)| status));
    // The last is not known, and named.
    assert_eq!((facts.fault.clone(), facts.warnings.len()), (None, 1));
    let release = &facts.releases.as_ref().unwrap()[3];
    assert_eq!(release.id.raw(), "gitlab:acme/shop/checkout:3");
    assert_eq!(release.service.raw(), "checkout");
    assert_eq!(release.version.raw(), "0000000");
    assert_eq!(release.environment.raw(), "production");
    assert_eq!(release.started_at, "2026-11-22T13:01:00Z".parse().ok());
    assert_eq!(release.finished_at, "2026-11-22T13:04:00Z".parse().ok());
    assert_eq!(release.actor.as_ref().unwrap().raw(), "mara");
    let url = release.url.as_ref().unwrap().raw();
    assert_eq!(url, "https://gitlab.example/-/pipelines/5");
}

#[tokio::test]
async fn a_deployment_without_a_job_and_one_without_anything_are_read() {
    let server = MockServer::start().await;
    let mut told = deployment(2, "success", "2026-11-22T13:00:00Z");
    told["deployable"] = Value::Null;
    told["ref"] = json!("v2.31.0");
    let mut tagged = deployment(3, "success", "2026-11-22T13:30:00Z");
    tagged["deployable"]["tag"] = json!(true);
    tagged["ref"] = json!("main-7");
    let bare = json!({"id": 1, "user": null, "environment": null, "deployable": null,
        "ref": null, "sha": null, "status": null, "created_at": null, "updated_at": null});
    mount(&server, LIST, ok(&json!([tagged, told, bare, {"id": 0}]))).await;
    let facts = source(&server, ONE).fetch(&ask()).await.unwrap();
    let want = [
        ("main-7", ReleaseStatus::Succeeded),
        ("v2.31.0", ReleaseStatus::Succeeded),
        ("", ReleaseStatus::Unknown),
        ("", ReleaseStatus::Unknown),
    ];
    assert_eq!(rows(&facts), want);
    let told = &facts.releases.as_ref().unwrap()[1];
    assert_eq!(told.started_at, "2026-11-22T13:00:00Z".parse().ok());
    assert_eq!(told.finished_at, "2026-11-22T13:05:00Z".parse().ok());
    let url = format!("{}/acme/shop/checkout/-/environments", server.uri());
    assert_eq!(told.url.as_ref().unwrap().raw(), url);
}

/// How a server names the next page.
#[derive(Clone, Copy)]
enum Names {
    /// By a link, as keyset paging does too.
    Link,
    /// By its number alone.
    Number,
}

/// A server of `total` deployments, a minute apart, in pages of `size`; the last page names page
/// `after` where that is given.
async fn pages(names: Names, total: u64, size: u64, after: Option<u64>) -> MockServer {
    let server = MockServer::start().await;
    let uri = format!("{}{LIST}", server.uri());
    let newest: Timestamp = "2026-11-22T13:50:00Z".parse().unwrap();
    Mock::given(path(LIST))
        .respond_with(move |request: &wiremock::Request| {
            let pairs = request.url.query_pairs();
            let page = pairs.filter(|(name, _)| name == "page").last();
            let page = page.map_or(1, |(_, value)| value.parse::<u64>().unwrap());
            let begin = (page - 1) * size;
            let row = |index: u64| {
                let at = newest - SignedDuration::from_mins(i64::try_from(index).unwrap());
                deployment(10_000 - index, "success", &at.to_string())
            };
            let rows: Vec<_> = (begin..(begin + size).min(total)).map(row).collect();
            let mut answer = ok(&json!(rows)).insert_header("x-total", total.to_string());
            let next = if begin + size < total {
                Some(page + 1)
            } else {
                after
            };
            match (names, next) {
                (Names::Link, Some(next)) => {
                    let link = format!("<{uri}?page={next}&per_page=100>; rel=\"next\"");
                    answer = answer.insert_header("link", link);
                }
                (Names::Number, Some(next)) => {
                    answer = answer.insert_header("x-next-page", next.to_string());
                }
                (Names::Number, None) => answer = answer.insert_header("x-next-page", ""),
                (Names::Link, None) => {}
            }
            answer
        })
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn all_pages_are_read_however_the_next_one_is_named() {
    for names in [Names::Link, Names::Number] {
        let server = pages(names, 25, 10, None).await;
        let facts = source(&server, ONE).fetch(&ask()).await.unwrap();
        assert_eq!((rows(&facts).len(), facts.warnings.len()), (25, 0));
        assert_eq!(asked(&server).await, 3);
    }
}

#[tokio::test]
async fn a_next_page_that_was_read_already_ends_the_list() {
    for names in [Names::Link, Names::Number] {
        for after in [1, 2, 3] {
            let server = pages(names, 25, 10, Some(after)).await;
            let facts = source(&server, ONE).fetch(&ask()).await.unwrap();
            assert_eq!(rows(&facts).len(), 25, "back to page {after}");
            assert!(asked(&server).await <= 4, "back to page {after}");
        }
    }
}

#[tokio::test]
async fn a_list_that_is_too_long_is_cut_and_says_so() {
    let server = pages(Names::Link, 950, 100, None).await;
    let facts = source(&server, ONE).fetch(&ask()).await.unwrap();
    assert_eq!((rows(&facts).len(), asked(&server).await), (200, 2));
    let words = "acme/shop/checkout: 200 of 950 deployments to production loaded";
    assert_eq!(facts.warnings[0].raw(), words);
}

#[tokio::test]
async fn a_next_page_elsewhere_is_not_asked_for_and_what_was_read_stays() {
    let server = MockServer::start().await;
    let link = "<https://evil.example/x>; rel=\"next\"";
    let row = deployment(1, "success", "2026-11-22T13:00:00Z");
    mount(&server, LIST, ok(&json!([row])).insert_header("Link", link)).await;
    let facts = source(&server, ONE).fetch(&ask()).await.unwrap();
    assert_eq!((rows(&facts).len(), facts.warnings.len()), (1, 1));
    let said = facts.warnings[0].raw();
    assert!(
        said.contains("the next page is at https://evil.example"),
        "{said}"
    );
}

#[tokio::test]
async fn one_project_that_fails_is_named_and_loses_no_other() {
    let server = MockServer::start().await;
    let row = deployment(1, "success", "2026-11-22T13:00:00Z");
    let good = "/api/v4/projects/acme%2Fsearch/deployments";
    mount(&server, good, ok(&json!([row]))).await;
    let scope = json!({"error": "insufficient_scope", "scope": "api read_api"});
    for (answer, words) in [
        (
            ResponseTemplate::new(404),
            "acme/checkout: no such project, or the token may not see it (404)",
        ),
        (
            ResponseTemplate::new(403).set_body_json(scope),
            "acme/checkout: not allowed (403: insufficient_scope); check the credential's rights: \
             it needs the scope `read_api` and the role Reporter",
        ),
        (ResponseTemplate::new(502), "acme/checkout: answered 502"),
    ] {
        let refusal = Mock::given(path("/api/v4/projects/acme%2Fcheckout/deployments"))
            .respond_with(answer)
            .mount_as_scoped(&server)
            .await;
        let facts = source(&server, TWO).fetch(&ask()).await.unwrap();
        assert_eq!(rows(&facts).len(), 1);
        assert_eq!(facts.fault.unwrap().message.raw(), words);
        drop(refusal);
    }
    let nothing = MockServer::start().await;
    let fault = source(&nothing, TWO).fetch(&ask()).await.unwrap_err();
    assert!(fault.message.raw().ends_with("(+1 more)"), "{fault:?}");
}

#[tokio::test]
async fn a_storm_of_refusals_is_one_request_a_poll_and_the_servers_word_counts() {
    let server = MockServer::start().await;
    let reset = (Timestamp::now().as_second() + 40).to_string();
    let named = ResponseTemplate::new(429)
        .insert_header("RateLimit-Remaining", "0")
        .insert_header("RateLimit-Reset", reset.as_str());
    let plain = ResponseTemplate::new(429).insert_header("Retry-After", "17");
    let dumb = ResponseTemplate::new(429).set_body_string("Retry later\n");
    let mut source = source(&server, TWO);
    for (answer, seconds) in [
        (named, 38..=40),
        (plain, 17..=17),
        (dumb.clone(), 60..=60),
        (dumb, 120..=120),
    ] {
        let refusal = Mock::given(path_regex("/deployments$"))
            .respond_with(answer)
            .expect(1)
            .mount_as_scoped(&server)
            .await;
        let fault = source.fetch(&ask()).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::RateLimited);
        let wait = fault.retry_after.unwrap().as_secs();
        assert!(seconds.contains(&wait), "{wait} s, not {seconds:?}");
        drop(refusal);
    }
}

#[tokio::test]
async fn what_is_left_of_a_limit_is_made_to_last() {
    let server = MockServer::start().await;
    let reset = (Timestamp::now().as_second() + 600).to_string();
    let low = ok(&json!([]))
        .insert_header("RateLimit-Limit", "600")
        .insert_header("RateLimit-Name", "throttle_authenticated_api")
        .insert_header("RateLimit-Remaining", "4")
        .insert_header("RateLimit-Reset", reset.as_str());
    mount(&server, LIST, low).await;
    let facts = source(&server, ONE).fetch(&ask()).await.unwrap();
    let seconds = facts.rest.unwrap().as_secs();
    assert!(
        (195..=200).contains(&seconds),
        "{seconds} s: 600 s for three more polls"
    );
}

#[tokio::test]
async fn a_roll_back_is_told_and_a_past_moment_knows_nothing_of_it() {
    use ReleaseStatus::{Pending, RolledBack, Running, Succeeded};
    let server = MockServer::start().await;
    let row = |id: u64, commit: char, at: &str| {
        let mut row = deployment(id, "success", at);
        row["sha"] = json!(commit.to_string().repeat(40));
        row
    };
    let list = json!([
        row(3, 'a', "2026-11-22T13:40:00Z"),
        row(2, 'b', "2026-11-22T13:20:00Z"),
        row(1, 'a', "2026-11-22T13:00:00Z"),
    ]);
    Mock::given(path(LIST))
        .and(query_param("order_by", "created_at"))
        .respond_with(ok(&list))
        .with_priority(1)
        .expect(3)
        .mount(&server)
        .await;
    mount(&server, LIST, ok(&list)).await;
    let mut source = source(&server, ONE);
    let now = source.fetch(&ask()).await.unwrap();
    let (a, b) = ("aaaaaaa", "bbbbbbb");
    assert_eq!(
        rows(&now),
        [(a, Succeeded), (b, RolledBack), (a, Succeeded)]
    );
    for (at, status) in [
        ("2026-11-22T13:30:00Z", Succeeded),
        ("2026-11-22T13:22:00Z", Running),
        ("2026-11-22T13:20:30Z", Pending),
    ] {
        let then = source.fetch(&ask_at(at)).await.unwrap();
        assert_eq!(rows(&then), [(b, status), (a, Succeeded)], "{at}");
    }
}

#[tokio::test]
async fn releases_are_listed_when_asked_for_and_those_to_come_are_not() {
    let server = MockServer::start().await;
    mount(&server, LIST, ok(&json!([]))).await;
    let releases = json!([
        {"tag_name": "v3", "released_at": "2026-12-01T00:00:00Z", "upcoming_release": true},
        {"tag_name": "v2.31.0", "released_at": "2026-11-22T13:00:00.000Z", "upcoming_release": false,
         "author": {"username": "mara"}, "commit": {"id": "9f3c1d2aa0b1"},
         "_links": {"self": "https://gitlab.example/acme/checkout/-/releases/v2.31.0"}},
        {"tag_name": "v1", "released_at": null, "author": null, "commit": null, "_links": null},
    ]);
    let route = "/api/v4/projects/acme%2Fshop%2Fcheckout/releases";
    mount(&server, route, ok(&releases)).await;
    let options = format!("{ONE}\nreleases = true");
    let facts = source(&server, &options).fetch(&ask()).await.unwrap();
    assert_eq!(rows(&facts), [("v2.31.0", ReleaseStatus::Succeeded)]);
    let tag = &facts.releases.as_ref().unwrap()[0];
    assert_eq!(tag.id.raw(), "gitlab:acme/shop/checkout:release:v2.31.0");
    assert!(tag.url.is_some());
}

#[tokio::test]
async fn a_status_that_is_not_known_is_named_once() {
    let server = MockServer::start().await;
    let list: Vec<_> = (0..3)
        .map(|id| deployment(id, "teleported", "2026-11-22T13:00:00Z"))
        .collect();
    mount(&server, LIST, ok(&json!(list))).await;
    let facts = source(&server, ONE).fetch(&ask()).await.unwrap();
    let said: Vec<_> = facts
        .warnings
        .iter()
        .map(crate::text::Untrusted::raw)
        .collect();
    assert_eq!(
        said,
        ["release status `teleported` is not known: 3 releases shown as unknown"]
    );
}

#[tokio::test]
async fn a_pattern_of_environments_is_asked_for_all_and_read_here() {
    let server = MockServer::start().await;
    let to = |id: u64, place: &str| {
        let mut row = deployment(id, "success", "2026-11-22T13:00:00Z");
        row["environment"]["name"] = json!(place);
        row
    };
    let list = json!([to(1, "prod-eu"), to(2, "prod-us"), to(3, "staging")]);
    mount(&server, LIST, ok(&list)).await;
    let options = format!("{ONE}\nenvironments = [\"Prod-*\"]");
    let facts = source(&server, &options).fetch(&ask()).await.unwrap();
    let places = facts.releases.as_ref().unwrap().iter();
    let places: Vec<_> = places.map(|row| row.environment.raw()).collect();
    assert_eq!(places, ["prod-eu", "prod-us"]);
    let requests = server.received_requests().await.unwrap();
    assert!(
        requests
            .iter()
            .all(|one| !one.url.query().unwrap().contains("environment="))
    );
}

/// A server that links to its next page by another name than it is reached by.
async fn named_otherwise(links: fn(u64) -> String) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path(LIST))
        .respond_with(move |request: &wiremock::Request| {
            let pairs = request.url.query_pairs();
            let mut page = pairs.filter(|(name, _)| name == "page");
            let page: u64 = page.next().map_or(1, |(_, value)| value.parse().unwrap());
            let row = |id| deployment(page * 100 + id, "success", "2026-11-22T13:00:00Z");
            let rows: Vec<_> = (0..60).map(row).collect();
            let answer = ok(&json!(rows));
            if page < 3 {
                answer.insert_header("Link", links(page + 1).as_str())
            } else {
                answer
            }
        })
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn a_next_page_on_another_host_is_asked_for_by_its_number_where_the_server_is() {
    let server = named_otherwise(|page| {
        format!("<https://gitlab.example/api/v4/projects/1/deployments?page={page}&per_page=100>; rel=\"next\"")
    })
    .await;
    let mut settings = settings(&KIND, Some(&server.uri()), ONE);
    settings.http.auth = Auth::Token(SecretRef::Command(vec!["echo".into(), "secret".into()]));
    let mut source = (KIND.build)(&settings, &Settings::empty()).unwrap().source;
    let facts = source.fetch(&ask()).await.unwrap();
    assert_eq!((rows(&facts).len(), facts.fault), (180, None));
    assert_eq!(facts.warnings, []);
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 3);
    for request in requests {
        let query = request.url.query().unwrap();
        assert!(query.contains("environment=production"), "{query}");
        assert!(request.headers.contains_key("private-token"));
    }
}

#[tokio::test]
async fn a_next_page_that_cannot_be_asked_for_loses_no_row_that_was_read() {
    let server =
        named_otherwise(|_| "<https://gitlab.example/next?cursor=abc>; rel=\"next\"".to_owned())
            .await;
    let facts = source(&server, ONE).fetch(&ask()).await.unwrap();
    assert_eq!((rows(&facts).len(), facts.fault), (60, None));
    let said = facts.warnings[0].raw();
    assert!(
        said.contains("the newest 60 deployments to production loaded"),
        "{said}"
    );
    assert!(
        said.contains("https://gitlab.example") && !said.contains("moved"),
        "{said}"
    );
}
