//! What the argocd source promises, against a server that answers as Argo CD does.

use serde_json::{Value, json};
use wiremock::matchers::{header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::config::{Auth, SecretRef};
use crate::domain::ReleaseStatus::{self, Failed, RolledBack, Running, Succeeded};
use crate::source::fixture::{ask, ask_at, build, settings};

const LIST: &str = "/api/v1/applications";
const ONE: &str = "9f3c1d2aa0b1c2d3e4f5061728394a5b6c7d8e9f";
const TWO: &str = "1111111111111111111111111111111111111111";

fn deploy(id: i64, revision: &str, minute: u32) -> Value {
    json!({
        "id": id, "revision": revision,
        "deployStartedAt": format!("2026-11-22T13:{minute:02}:00Z"),
        "deployedAt": format!("2026-11-22T13:{minute:02}:30Z"),
        "source": {"repoURL": "https://git.example/acme/deploys", "path": "checkout", "targetRevision": "main"},
        "initiatedBy": {"username": "mara"},
    })
}

fn app(name: &str, history: &[Value], status: &Value) -> Value {
    let mut app = json!({
        "metadata": {"name": name, "namespace": "argocd", "uid": format!("uid-{name}"),
            "labels": {"team/service": format!("{name}-svc"), "env": "production"}},
        "spec": {"project": "shop",
            "source": {"repoURL": "https://git.example/acme/deploys", "path": name},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"}},
        "status": {"sync": {"status": "Synced", "revision": TWO}, "health": {"status": "Healthy"},
            "history": history, "summary": {}},
    });
    for (key, value) in status.as_object().unwrap() {
        app["status"][key] = value.clone();
    }
    app
}

fn list(items: &[Value]) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"metadata": {}, "items": items}))
}

async fn serve(items: &[Value]) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path(LIST))
        .respond_with(list(items))
        .mount(&server)
        .await;
    server
}

async fn facts(items: &[Value], options: &str) -> Facts {
    let server = serve(items).await;
    let mut source = source(&server, options);
    source.fetch(&ask()).await.unwrap()
}

async fn releases(items: &[Value]) -> Vec<Release> {
    facts(items, "").await.releases.unwrap()
}

fn source(server: &MockServer, options: &str) -> Box<dyn Source> {
    build(&KIND, Some(&server.uri()), options).unwrap().source
}

fn said<'a>(release: &'a Release, name: &str) -> Option<&'a str> {
    let mut details = release.details.iter();
    let found = details.find(|(known, _)| known.raw() == name)?;
    Some(found.1.raw())
}

fn went(releases: &[Release]) -> Vec<(&str, ReleaseStatus)> {
    let rows = releases.iter();
    rows.map(|row| (row.version.raw(), row.status)).collect()
}

#[test]
fn a_mistake_in_the_settings_names_its_place() {
    for (options, words) in [
        ("projects = [\"\"]", "is empty"),
        ("service_label = \" \"", "name a label"),
        ("environment_label = \"\"", "name a label"),
        ("project = \"shop\"", "unknown key"),
    ] {
        let problem = build(&KIND, Some("http://argo.example"), options).err();
        let message = problem.map(|problem| problem.message).unwrap_or_default();
        assert!(message.contains(words), "{options}: {message}");
    }
    assert!(
        build(&KIND, None, "").is_err(),
        "there is no public Argo CD"
    );
}

#[tokio::test]
async fn applications_are_listed_by_one_request_that_never_refreshes() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path(LIST))
        .and(query_param("projects", "shop"))
        .and(query_param("selector", "team=shop"))
        .and(query_param_is_missing("refresh"))
        .and(query_param_is_missing("fields"))
        .and(header("authorization", "Bearer s3cret-token"))
        .respond_with(list(&[app("checkout", &[], &json!({}))]))
        .expect(1)
        .mount(&server)
        .await;
    let options = "projects = [\"shop\"]\nselector = \"team=shop\"";
    let mut settings = settings(&KIND, Some(&server.uri()), options);
    let print = ["echo", "s3cret-token"].map(str::to_owned).to_vec();
    settings.http.auth = Auth::Token(SecretRef::Command(print));
    let mut source = (KIND.build)(&settings, &Settings::empty()).unwrap().source;
    let facts = source.fetch(&ask()).await.unwrap();
    assert_eq!(facts.releases, Some(vec![]));
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_deploy_says_what_who_when_where_and_why() {
    let status = json!({
        "sync": {"status": "OutOfSync", "revision": TWO},
        "health": {"status": "Degraded", "message": "2 of 3 replicas"},
        "conditions": [{"type": "SyncError", "message": "hook failed"}],
        "summary": {"images": ["ghcr.io/acme/checkout:v2.31.0"]},
    });
    let server = serve(&[app("checkout", &[deploy(7, ONE, 41)], &status)]).await;
    Mock::given(path(format!("{LIST}/checkout/revisions/{ONE}/metadata")))
        .and(query_param("appNamespace", "argocd"))
        .and(query_param("project", "shop"))
        .respond_with(ResponseTemplate::new(200).set_body_json(
            json!({"author": "Mara <mara@acme.example>", "message": "Ship v2.31.0\n\nbecause"}),
        ))
        .expect(1)
        .mount(&server)
        .await;
    let mut source = source(&server, "");
    source.fetch(&ask()).await.unwrap();
    // What a commit says is asked once.
    let releases = source.fetch(&ask()).await.unwrap().releases.unwrap();
    let [release] = releases.as_slice() else {
        panic!("{releases:?}")
    };
    assert_eq!(release.id.raw(), "argocd:checkout/uid-checkout:7");
    assert_eq!(release.service.raw(), "checkout");
    assert_eq!(release.version.raw(), "9f3c1d2");
    assert_eq!(
        (release.environment.raw(), release.place().raw()),
        ("", "shop")
    );
    assert_eq!(release.status, ReleaseStatus::Succeeded);
    assert_eq!(release.started_at, "2026-11-22T13:41:00Z".parse().ok());
    assert_eq!(release.finished_at, "2026-11-22T13:41:30Z".parse().ok());
    assert_eq!(release.actor, Some("mara".into()));
    assert_eq!(release.commit, Some(ONE.into()));
    let page = format!("{}/applications/checkout", server.uri());
    assert_eq!(release.url, Some(page.as_str().into()));
    for (name, words) in [
        ("sync", "OutOfSync"),
        ("health", "Degraded: 2 of 3 replicas"),
        ("SyncError", "hook failed"),
        ("images", "ghcr.io/acme/checkout:v2.31.0"),
        ("project", "shop"),
        ("why", "Ship v2.31.0"),
        ("author", "Mara <mara@acme.example>"),
    ] {
        assert_eq!(said(release, name), Some(words), "{:?}", release.details);
    }
}

#[tokio::test]
async fn labels_name_service_and_environment_and_else_the_application_and_its_destination() {
    let mut far = app("search", &[deploy(1, ONE, 1)], &json!({}));
    far["spec"]["destination"] = json!({"name": "eu-1", "namespace": "shop"});
    let mut address = app("cart", &[deploy(1, ONE, 1)], &json!({}));
    address["spec"]["destination"] = json!({"server": "https://10.0.0.1:6443"});
    address["metadata"]["labels"] = Value::Null;
    let mut staged = app("pay", &[deploy(1, ONE, 1)], &json!({}));
    staged["spec"]["destination"] = json!({"name": "staging", "namespace": "pay"});
    let items = [far, address, staged];
    let named = "service_label = \"team/service\"\nenvironment_label = \"env\"";
    for (options, want) in [
        (
            "",
            [
                ("search", "", "eu-1/shop"),
                ("cart", "", "10.0.0.1:6443"),
                ("pay", "staging/pay", "staging/pay"),
            ],
        ),
        (
            named,
            [
                ("search-svc", "production", "production"),
                ("cart", "", "10.0.0.1:6443"),
                ("pay-svc", "production", "production"),
            ],
        ),
    ] {
        let releases = facts(&items, options).await.releases.unwrap();
        let got: Vec<_> = releases
            .iter()
            .map(|row| (row.service.raw(), row.environment.raw(), row.place().raw()))
            .collect();
        assert_eq!(got, want, "{options}");
    }
}

#[tokio::test]
async fn an_image_names_the_deploy_it_was_live_with_and_keeps_naming_it() {
    let live = json!({"summary": {"images": ["ghcr.io/acme/checkout:v2"]}, "sync": {"status": "Synced", "revision": TWO}});
    let later = json!({"summary": {"images": ["ghcr.io/acme/checkout:v3"]}, "sync": {"status": "Synced", "revision": "3333333333333333333333333333333333333333"}});
    let server = MockServer::start().await;
    Mock::given(path(LIST))
        .respond_with(list(&[app(
            "checkout",
            &[deploy(1, ONE, 1), deploy(2, TWO, 2)],
            &live,
        )]))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let history = [
        deploy(1, ONE, 1),
        deploy(2, TWO, 2),
        deploy(3, "3333333333333333333333333333333333333333", 3),
    ];
    Mock::given(path(LIST))
        .respond_with(list(&[app("checkout", &history, &later)]))
        .mount(&server)
        .await;
    let mut source = source(&server, "");
    let names = |facts: Facts| -> Vec<String> {
        let rows = facts.releases.unwrap().into_iter();
        rows.map(|row| row.version.raw().to_owned()).collect()
    };
    assert_eq!(
        names(source.fetch(&ask()).await.unwrap()),
        ["9f3c1d2", "v2"]
    );
    assert_eq!(
        names(source.fetch(&ask()).await.unwrap()),
        ["9f3c1d2", "v2", "v3"]
    );
}

#[tokio::test]
async fn an_operation_is_running_then_part_of_the_history_under_the_same_id() {
    for phase in ["Running", "Terminating"] {
        let state = json!({"operationState": {
            "phase": phase, "startedAt": "2026-11-22T14:00:00Z", "finishedAt": null, "message": "waiting for hooks",
            "operation": {"sync": {"revision": TWO}, "initiatedBy": {"automated": true}},
        }});
        let releases = releases(&[app("checkout", &[deploy(1, ONE, 1)], &state)]).await;
        let running = &releases[1];
        assert_eq!(running.id.raw(), "argocd:checkout/uid-checkout:2");
        assert_eq!(running.status, ReleaseStatus::Running);
        assert_eq!(running.version.raw(), "1111111");
        assert_eq!(running.actor, Some("auto-sync".into()));
        assert_eq!(running.finished_at, None);
        let words = format!("{phase}: waiting for hooks");
        assert_eq!(said(running, "operation"), Some(words.as_str()));
    }
    let done = json!({"operationState": {
        "phase": "Succeeded", "startedAt": "2026-11-22T13:02:00Z", "operation": {},
    }});
    let releases = releases(&[app(
        "checkout",
        &[deploy(1, ONE, 1), deploy(2, TWO, 2)],
        &done,
    )])
    .await;
    assert_eq!(releases.len(), 2);
    assert_eq!(releases[1].id.raw(), "argocd:checkout/uid-checkout:2");
}

#[tokio::test]
async fn a_failed_operation_is_a_failed_release_and_is_remembered_when_the_next_one_begins() {
    let failed = |phase: &str| {
        json!({"operationState": {
            "phase": phase, "startedAt": "2026-11-22T13:50:00Z", "finishedAt": "2026-11-22T13:51:00Z",
            "message": "one or more objects failed to apply", "retryCount": 2,
            "operation": {"initiatedBy": {"username": "lee"}},
            "syncResult": {"revision": TWO, "source": {"repoURL": "https://git.example/acme/deploys"}},
        }})
    };
    let next = json!({"operationState": {
        "phase": "Running", "startedAt": "2026-11-22T13:55:00Z", "operation": {"sync": {"revision": TWO}},
    }});
    for phase in ["Failed", "Error"] {
        let server = MockServer::start().await;
        Mock::given(path(LIST))
            .respond_with(list(&[app(
                "checkout",
                &[deploy(1, ONE, 1)],
                &failed(phase),
            )]))
            .up_to_n_times(2)
            .mount(&server)
            .await;
        Mock::given(path(LIST))
            .respond_with(list(&[app("checkout", &[deploy(1, ONE, 1)], &next)]))
            .mount(&server)
            .await;
        let mut source = source(&server, "");
        for _ in 0..2 {
            let releases = source.fetch(&ask()).await.unwrap().releases.unwrap();
            assert_eq!(releases.len(), 2, "{releases:?}");
            let row = &releases[1];
            assert_eq!(row.status, ReleaseStatus::Failed);
            assert_eq!(row.actor, Some("lee".into()));
            assert_eq!(row.finished_at, "2026-11-22T13:51:00Z".parse().ok());
            let words = format!("{phase}: one or more objects failed to apply");
            assert_eq!(said(row, "operation"), Some(words.as_str()));
            assert_eq!(said(row, "retries"), Some("2"));
        }
        let releases = source.fetch(&ask()).await.unwrap().releases.unwrap();
        let states: Vec<_> = releases.iter().map(|row| row.status).collect();
        assert_eq!(states, [Succeeded, Failed, Running]);
    }
}

#[tokio::test]
async fn a_phase_that_is_not_known_is_kept_and_a_dry_run_is_no_release() {
    let odd = json!({"operationState": {"phase": "Pondering", "startedAt": "2026-11-22T14:00:00Z"},
        "health": {"status": "Bewildered"}, "sync": {"status": "Maybe"}});
    let rows = releases(&[app("checkout", &[deploy(1, ONE, 1)], &odd)]).await;
    assert_eq!(rows[1].status, ReleaseStatus::Unknown);
    assert_eq!(said(&rows[1], "operation"), Some("Pondering"));
    assert_eq!(said(&rows[1], "health"), Some("Bewildered"));
    let dry =
        json!({"operationState": {"phase": "Failed", "operation": {"sync": {"dryRun": true}}}});
    assert_eq!(releases(&[app("checkout", &[], &dry)]).await, []);
}

#[tokio::test]
async fn health_that_changed_with_a_deploy_says_how_it_went() {
    for (status, since, want) in [
        ("Healthy", "2026-11-22T13:42:00Z", Succeeded),
        ("Progressing", "2026-11-22T13:41:10Z", Running),
        ("Suspended", "2026-11-22T13:42:00Z", Running),
        ("Degraded", "2026-11-22T13:52:00Z", Failed),
        ("Missing", "2026-11-22T13:42:00Z", Failed),
        // Long after, or before: something else made it so.
        ("Degraded", "2026-11-22T14:12:31Z", Succeeded),
        ("Progressing", "2026-11-22T13:40:59Z", Succeeded),
        ("Bewildered", "2026-11-22T13:42:00Z", Succeeded),
    ] {
        let health = json!({"health": {"status": status, "lastTransitionTime": since}});
        let rows = releases(&[app(
            "checkout",
            &[deploy(1, ONE, 1), deploy(2, TWO, 41)],
            &health,
        )])
        .await;
        assert_eq!(
            went(&rows),
            [("9f3c1d2", Succeeded), ("1111111", want)],
            "{status} {since}"
        );
        assert!(said(&rows[1], "health").unwrap().starts_with(status));
    }
}

#[tokio::test]
async fn going_back_to_an_older_revision_takes_the_newer_one_back() {
    let history = [deploy(1, ONE, 1), deploy(2, TWO, 2), deploy(3, ONE, 3)];
    let rows = releases(&[app("checkout", &history, &json!({}))]).await;
    assert_eq!(
        went(&rows),
        [
            ("9f3c1d2", Succeeded),
            ("1111111", RolledBack),
            ("9f3c1d2", Succeeded)
        ]
    );
    assert_eq!(said(&rows[2], "rollback"), Some("took 1111111 back"));
}

#[tokio::test]
async fn applications_of_several_sources_and_answers_of_old_servers_are_read() {
    let several = json!({
        "id": 4, "revisions": [ONE, "1.4.2"], "deployedAt": "2026-11-22T13:00:00Z",
        "source": {"repoURL": ""}, "sources": [
            {"repoURL": "https://git.example/values", "ref": "values"},
            {"repoURL": "https://charts.example", "chart": "checkout", "targetRevision": "1.*"}],
    });
    let old = json!({"id": 0, "revision": ONE, "deployedAt": "2026-11-22T12:00:00Z", "initiatedBy": null});
    let rows = releases(&[
        app("checkout", &[several], &json!({})),
        app("search", &[old], &json!({})),
    ])
    .await;
    assert_eq!(rows[0].version.raw(), "9f3c1d2 + 1.4.2");
    assert_eq!(rows[0].started_at, None);
    assert_eq!(
        said(&rows[0], "source"),
        Some("https://git.example/values 9f3c1d2aa0b1c2d3e4f5061728394a5b6c7d8e9f")
    );
    assert_eq!(
        (rows[1].actor.as_ref(), rows[1].version.raw()),
        (None, "9f3c1d2")
    );
}

#[tokio::test]
async fn nulls_and_nothing_are_read_as_nothing() {
    let bare = json!({"metadata": {"name": "bare"}, "spec": null, "status": null});
    let nulls = json!({"metadata": {"name": "nulls", "labels": null, "uid": null}, "spec": {"source": null, "sources": null},
        "status": {"history": null, "operationState": null, "health": null, "sync": {"revision": null, "revisions": null}, "summary": {"images": null}, "conditions": null}});
    assert_eq!(releases(&[bare, nulls]).await, []);
    let server = MockServer::start().await;
    Mock::given(path(LIST))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"items": null})))
        .mount(&server)
        .await;
    let facts = source(&server, "projects = [\"shop\"]")
        .fetch(&ask())
        .await
        .unwrap();
    assert_eq!(facts.releases, Some(vec![]));
    assert_eq!(
        facts.warnings[0].raw(),
        "no application in project \"shop\": is the name right, and may the token see it?"
    );
}

#[tokio::test]
async fn a_past_moment_shows_the_history_until_then_and_nothing_of_the_present() {
    let status = json!({"operationState": {
        "phase": "Failed", "startedAt": "2026-11-22T13:50:00Z", "finishedAt": "2026-11-22T13:51:00Z", "message": "no",
    }});
    let server = serve(&[app(
        "checkout",
        &[deploy(1, ONE, 1), deploy(2, TWO, 41)],
        &status,
    )])
    .await;
    let mut source = source(&server, "");
    for (at, want) in [
        ("2026-11-22T13:00:59Z", vec![]),
        ("2026-11-22T13:01:10Z", vec![Running]),
        ("2026-11-22T13:40:00Z", vec![Succeeded]),
        ("2026-11-22T13:50:30Z", vec![Succeeded, Succeeded, Running]),
        ("2026-11-22T13:52:00Z", vec![Succeeded, Succeeded, Failed]),
    ] {
        let rows = source.fetch(&ask_at(at)).await.unwrap().releases.unwrap();
        let got: Vec<_> = rows.iter().map(|row| row.status).collect();
        assert_eq!(got, want, "{at}");
        assert!(rows.iter().all(|row| said(row, "health").is_none()));
    }
}

#[tokio::test]
async fn a_list_that_is_too_large_is_asked_for_by_fields_and_histories_by_application() {
    let server = MockServer::start().await;
    let vast = format!(
        "{{\"items\":[],\"metadata\":{{\"continue\":\"{}\"}}}}",
        "x".repeat(17 << 20)
    );
    Mock::given(path(LIST))
        .and(query_param_is_missing("fields"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(vast, "application/json"))
        .expect(1)
        .mount(&server)
        .await;
    let names: Vec<String> = (0..=WHOLE_A_POLL)
        .map(|number| format!("app-{number}"))
        .collect();
    let light: Vec<Value> = names
        .iter()
        .map(|name| {
            let mut app = app(
                name,
                &[],
                &json!({"operationState": {"phase": "Succeeded",
                "startedAt": "2026-11-22T13:01:00Z", "finishedAt": "2026-11-22T13:01:30Z"}}),
            );
            app["metadata"].as_object_mut().unwrap().remove("uid");
            app["status"].as_object_mut().unwrap().remove("history");
            app
        })
        .collect();
    Mock::given(path(LIST))
        .and(query_param("fields", FIELDS))
        .respond_with(list(&light))
        .mount(&server)
        .await;
    for name in &names {
        Mock::given(path(format!("{LIST}/{name}")))
            .and(query_param("project", "shop"))
            .respond_with(ResponseTemplate::new(200).set_body_json(app(
                name,
                &[deploy(3, ONE, 1)],
                &json!({}),
            )))
            .expect(1)
            .mount(&server)
            .await;
    }
    let mut source = source(&server, "");
    let first = source.fetch(&ask()).await.unwrap();
    assert_eq!(first.releases.unwrap().len(), WHOLE_A_POLL);
    assert!(
        first.warnings[0]
            .raw()
            .starts_with("60 of 61 applications loaded"),
        "{:?}",
        first.warnings
    );
    // The rest follows, and what is known is not asked for again.
    for _ in 0..2 {
        let next = source.fetch(&ask()).await.unwrap();
        let rows = next.releases.unwrap();
        assert_eq!((rows.len(), next.warnings.len()), (WHOLE_A_POLL + 1, 0));
        assert_eq!(rows[0].id.raw(), "argocd:app-0/uid-app-0:3");
    }
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    for (status, kind, words) in [
        (401, FaultKind::Auth, "argocd account generate-token"),
        (
            403,
            FaultKind::Forbidden,
            "its role needs `applications, get`",
        ),
        (404, FaultKind::NotFound, "without `/api`"),
        (429, FaultKind::RateLimited, "rate limit reached"),
        (502, FaultKind::Server, "answered 502"),
    ] {
        let server = MockServer::start().await;
        let body = json!({"error": "permission denied", "code": 7, "message": "permission denied"});
        Mock::given(path(LIST))
            .respond_with(match status {
                429 => ResponseTemplate::new(status).insert_header("retry-after", "7"),
                _ => ResponseTemplate::new(status).set_body_json(body),
            })
            .mount(&server)
            .await;
        let fault = source(&server, "").fetch(&ask()).await.unwrap_err();
        assert_eq!(fault.kind, kind, "{fault:?}");
        assert!(fault.message.raw().contains(words), "{fault:?}");
        if status == 429 {
            assert_eq!(fault.retry_after, Some(SignedDuration::from_secs(7)));
        }
    }
}

#[tokio::test]
async fn an_answer_for_people_is_not_taken_for_an_empty_list() {
    let server = MockServer::start().await;
    Mock::given(path(LIST))
        .respond_with(ResponseTemplate::new(200).set_body_raw("<!doctype html>", "text/html"))
        .mount(&server)
        .await;
    let fault = source(&server, "").fetch(&ask()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Decode);
}
