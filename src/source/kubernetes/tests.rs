//! What the kubernetes source promises, against a server that answers as Kubernetes does.
//!
//! The objects of the stand-in are held to the types that are generated from Kubernetes' published
//! description: what those do not know, or lack, fails the test.

use serde_json::{Value, json};
use wiremock::matchers::{header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::*;
use crate::config::{Auth, SecretRef};
use crate::domain::ReleaseStatus::{Failed, RolledBack, Running, Succeeded, Unknown};
use crate::domain::{Production, ReleaseStatus};
use crate::source::fixture::{ask, ask_at, build, settings};

const ROLLOUTS: &str = "/apis/argoproj.io/v1alpha1/rollouts";
const KUSTOMIZATIONS: &str = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations";
const HELM_RELEASES: &str = "/apis/helm.toolkit.fluxcd.io/v2/helmreleases";

fn moment(minute: u32) -> String {
    format!("2026-11-22T13:{minute:02}:00Z")
}

fn at(minute: u32) -> Option<Timestamp> {
    moment(minute).parse().ok()
}

fn metadata(name: &str, minute: u32) -> Value {
    json!({"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "generation": 4,
        "creationTimestamp": moment(minute)})
}

fn template(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "checkout"}},
        "spec": {"containers": [{"name": "main", "image": image}]}})
}

/// A Deployment of two replicas, all of the newest template.
fn deployment(name: &str, condition: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(name, 0),
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "checkout"}}, "template": template("x:1")},
        "status": {"observedGeneration": 4, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2,
            "availableReplicas": 2, "conditions": [condition]},
    })
}

fn progressing(status: &str, reason: &str, minute: u32) -> Value {
    json!({"type": "Progressing", "status": status, "reason": reason, "message": "said so",
        "lastUpdateTime": moment(minute), "lastTransitionTime": moment(0)})
}

/// A ReplicaSet of the workload `owner`: the turns it had are `history` and `revision`.
fn replica_set(owner: &str, image: &str, minute: u32, revision: &str, history: &str) -> Value {
    let hash = format!("hash{minute}");
    let mut metadata = metadata(&format!("{owner}-{hash}"), minute);
    metadata["labels"] = json!({"pod-template-hash": hash});
    metadata["annotations"] = json!({
        "deployment.kubernetes.io/revision": revision,
        "deployment.kubernetes.io/revision-history": history,
        "kubernetes.io/change-cause": format!("ship {image}"),
    });
    metadata["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "Deployment",
        "name": owner, "uid": format!("uid-{owner}"), "controller": true}]);
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata,
        "spec": {"selector": {"matchLabels": {"app": "checkout"}}, "template": template(image)},
        "status": {"replicas": 0},
    })
}

fn revision(owner: &str, image: &str, minute: u32, number: i64) -> Value {
    let mut metadata = metadata(&format!("{owner}-rev{minute}"), minute);
    metadata["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "StatefulSet",
        "name": owner, "uid": format!("uid-{owner}"), "controller": true}]);
    json!({"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": metadata,
        "revision": number, "data": {"spec": {"template": template(image)}}})
}

fn list(items: &[Value]) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}, "items": items,
    }))
}

fn refusal(status: u16, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": status,
    }))
}

/// A server with these lists, by resource; Kubernetes' own kinds are there and empty, others are not.
async fn serve(lists: &[(&str, &[Value])]) -> MockServer {
    let server = MockServer::start().await;
    let core = [
        "deployments",
        "replicasets",
        "statefulsets",
        "daemonsets",
        "controllerrevisions",
    ];
    for name in core {
        let found = lists.iter().find(|(known, _)| *known == name);
        let items = found.map_or(&[][..], |(_, items)| items);
        for item in items {
            hold(name, item);
        }
        mount(&server, &format!("{APPS}/{name}"), list(items)).await;
    }
    for (name, items) in lists {
        if name.starts_with('/') {
            mount(&server, name, list(items)).await;
        }
    }
    server
}

async fn mount(server: &MockServer, at: &str, answer: ResponseTemplate) {
    let mock = Mock::given(method("GET"))
        .and(path(at))
        .respond_with(answer);
    mock.mount(server).await;
}

/// Fails when an object is not what Kubernetes describes: every field has to survive.
#[cfg(feature = "kubernetes")]
fn hold(resource: &str, object: &Value) {
    use k8s_openapi::api::apps::v1 as apps;

    fn whole<T: serde::Serialize + DeserializeOwned>(object: &Value) {
        let read: T = serde_json::from_value(object.clone()).unwrap();
        assert_eq!(&serde_json::to_value(read).unwrap(), object);
    }
    match resource {
        "deployments" => whole::<apps::Deployment>(object),
        "replicasets" => whole::<apps::ReplicaSet>(object),
        "statefulsets" => whole::<apps::StatefulSet>(object),
        "daemonsets" => whole::<apps::DaemonSet>(object),
        "controllerrevisions" => whole::<apps::ControllerRevision>(object),
        other => panic!("{other} has no description"),
    }
}

#[cfg(not(feature = "kubernetes"))]
fn hold(_resource: &str, _object: &Value) {}

fn source(server: &MockServer, options: &str) -> Box<dyn Source> {
    build(&KIND, Some(&server.uri()), options).unwrap().source
}

async fn releases(lists: &[(&str, &[Value])]) -> Vec<Release> {
    let server = serve(lists).await;
    let facts = source(&server, "").fetch(&ask()).await.unwrap();
    assert_eq!(facts.fault, None);
    facts.releases.unwrap()
}

fn went(releases: &[Release]) -> Vec<(&str, ReleaseStatus)> {
    let rows = releases.iter();
    rows.map(|row| (row.version.raw(), row.status)).collect()
}

fn said<'a>(release: &'a Release, name: &str) -> Option<&'a str> {
    let mut details = release.details.iter();
    let found = details.find(|(known, _)| known.raw() == name)?;
    Some(found.1.raw())
}

async fn asked(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    let paths = requests.iter().map(|request| request.url.path().to_owned());
    paths.collect()
}

#[test]
fn a_mistake_in_the_settings_names_its_place() {
    for (options, words) in [
        ("namespaces = [\"Shop\"]", "no name of a namespace"),
        ("namespaces = [\"a/../b\"]", "no name of a namespace"),
        ("namespaces = [\"\"]", "no name of a namespace"),
        ("resources = []", "is empty"),
        ("resources = [\"pods\"]", "pods"),
        ("context = \"prod\"", "keep one of the two"),
        ("kubeconfig = \"x\"", "keep one of the two"),
        ("namespace = \"shop\"", "unknown key"),
    ] {
        let problem = build(&KIND, Some("http://127.0.0.1:8001"), options).err();
        let message = problem.map(|problem| problem.message).unwrap_or_default();
        assert!(message.contains(words), "{options}: {message}");
    }
    let mut settings = settings(&KIND, None, "context = \"prod\"");
    settings.http.auth = Auth::Bearer(SecretRef::Command(vec!["echo".to_owned()]));
    let problem = (KIND.build)(&settings, &Settings::empty()).err().unwrap();
    assert!(
        problem.message.contains("is for an API server at `url`"),
        "{problem:?}"
    );
}

#[cfg(not(feature = "kubernetes"))]
#[test]
fn a_build_without_kubeconfigs_says_how_to_get_one_that_has_them() {
    let problem = build(&KIND, None, "").err().unwrap();
    assert!(
        problem.message.contains("--features kubernetes"),
        "{problem:?}"
    );
}

#[tokio::test]
async fn only_lists_are_asked_for_with_the_credential_in_the_namespaces_that_are_named() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(header("authorization", "Bearer s3cret-token"))
        .and(query_param("limit", "250"))
        .and(query_param_is_missing("watch"))
        .respond_with(list(&[]))
        .mount(&server)
        .await;
    let options =
        "namespaces = [\"shop\", \"pay\"]\nresources = [\"statefulsets\", \"deployments\"]";
    let mut settings = settings(&KIND, Some(&server.uri()), options);
    let print = ["echo", "s3cret-token"].map(str::to_owned).to_vec();
    settings.http.auth = Auth::Bearer(SecretRef::Command(print));
    let mut source = (KIND.build)(&settings, &Settings::empty()).unwrap().source;
    assert_eq!(source.fetch(&ask()).await.unwrap().releases, Some(vec![]));
    assert_eq!(
        asked(&server).await,
        [
            "/apis/apps/v1/namespaces/shop/deployments",
            "/apis/apps/v1/namespaces/pay/deployments",
            "/apis/apps/v1/namespaces/shop/statefulsets",
            "/apis/apps/v1/namespaces/pay/statefulsets",
        ]
    );
}

/// Answers with pages of Deployments: `answers` by the token that asks for each, `""` for the first.
async fn serve_pages(answers: Vec<(&'static str, ResponseTemplate)>) -> MockServer {
    let server = MockServer::start().await;
    for (token, answer) in answers {
        let mock = Mock::given(path(format!("{APPS}/deployments")));
        let mock = match token {
            "" => mock.and(query_param_is_missing("continue")),
            token => mock.and(query_param("continue", token)),
        };
        mock.respond_with(answer).mount(&server).await;
    }
    let names: Vec<String> = (0..3).map(|page| format!("page{page}")).collect();
    let sets = names
        .iter()
        .map(|name| replica_set(name, "x:1", 1, "1", ""));
    mount(
        &server,
        &format!("{APPS}/replicasets"),
        list(&sets.collect::<Vec<_>>()),
    )
    .await;
    server
}

fn page(number: u32, next: &str, remaining: u64) -> ResponseTemplate {
    let done = progressing("True", "NewReplicaSetAvailable", 2);
    let items = [deployment(&format!("page{number}"), &done)];
    ResponseTemplate::new(200).set_body_json(json!({
        "metadata": {"continue": next, "remainingItemCount": remaining}, "items": items,
    }))
}

const DEPLOYMENTS: &str = "resources = [\"deployments\"]";

#[tokio::test]
async fn a_list_is_read_to_its_last_page() {
    // A token is opaque: it may hold what means something in a query.
    let server = serve_pages(vec![
        ("", page(0, "a+b/c&d=", 2)),
        ("a+b/c&d=", page(1, "third", 1)),
        ("third", page(2, "", 0)),
    ])
    .await;
    let facts = source(&server, DEPLOYMENTS).fetch(&ask()).await.unwrap();
    assert_eq!((facts.releases.unwrap().len(), facts.warnings), (3, vec![]));
}

#[tokio::test]
async fn a_token_that_repeats_ends_the_list_and_is_told() {
    let server = serve_pages(vec![
        ("", page(0, "again", 8)),
        ("again", page(1, "again", 7)),
    ])
    .await;
    let facts = source(&server, DEPLOYMENTS).fetch(&ask()).await.unwrap();
    assert_eq!(facts.releases.unwrap().len(), 2);
    assert_eq!(
        facts.warnings,
        ["2 of 9 deployments loaded; narrow it by `namespaces`".into()]
    );
}

#[tokio::test]
async fn a_list_whose_pages_expire_is_begun_anew_but_not_for_ever() {
    let server = MockServer::start().await;
    let gone = refusal(410, "The provided continue parameter is too old");
    Mock::given(path(format!("{APPS}/deployments")))
        .and(query_param("continue", "second"))
        .respond_with(gone.clone())
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(path(format!("{APPS}/deployments")))
        .and(query_param("continue", "second"))
        .respond_with(page(1, "", 0))
        .mount(&server)
        .await;
    mount(
        &server,
        &format!("{APPS}/deployments"),
        page(0, "second", 1),
    )
    .await;
    let sets = [
        replica_set("page0", "x:1", 1, "1", ""),
        replica_set("page1", "x:1", 1, "1", ""),
    ];
    mount(&server, &format!("{APPS}/replicasets"), list(&sets)).await;
    let facts = source(&server, DEPLOYMENTS).fetch(&ask()).await.unwrap();
    assert_eq!(facts.releases.unwrap().len(), 2);

    let server = serve_pages(vec![("", page(0, "second", 1)), ("second", gone)]).await;
    let fault = source(&server, DEPLOYMENTS)
        .fetch(&ask())
        .await
        .unwrap_err();
    assert!(fault.message.raw().contains("expired 3 times"), "{fault:?}");
    assert_eq!(asked(&server).await.len(), 6);
}

#[tokio::test]
async fn a_rollout_says_how_it_goes() {
    let with = |change: fn(&mut Value)| {
        let mut row = deployment("checkout", &progressing("True", "ReplicaSetUpdated", 6));
        change(&mut row);
        row
    };
    let state = |status, reason| deployment("checkout", &progressing(status, reason, 6));
    for (row, status, ended) in [
        (state("True", "NewReplicaSetAvailable"), Succeeded, at(6)),
        (state("True", "ReplicaSetUpdated"), Running, None),
        (state("True", "NewReplicaSetCreated"), Running, None),
        (state("False", "ProgressDeadlineExceeded"), Failed, at(6)),
        (state("False", "ReplicaSetCreateError"), Failed, at(6)),
        // Told by the counts alone: paused, or a reason that is not known.
        (state("Unknown", "DeploymentPaused"), Succeeded, None),
        (state("True", "SomethingNew"), Succeeded, None),
        (
            with(|row| {
                row["status"]["conditions"] = json!([]);
                row["status"]["updatedReplicas"] = json!(1);
            }),
            Running,
            None,
        ),
        // The controller has not seen the newest template yet.
        (
            with(|row| {
                row["status"]["conditions"] =
                    json!([progressing("True", "NewReplicaSetAvailable", 6)]);
                row["status"]["observedGeneration"] = json!(3);
            }),
            Running,
            None,
        ),
    ] {
        let sets = [replica_set("checkout", "acme/checkout:v2", 5, "1", "")];
        let rows = releases(&[
            ("deployments", std::slice::from_ref(&row)),
            ("replicasets", &sets),
        ])
        .await;
        assert_eq!(rows.len(), 1, "{row}");
        assert_eq!(
            (rows[0].status, rows[0].finished_at),
            (status, ended),
            "{row}"
        );
        assert_eq!(rows[0].started_at, at(5));
    }
}

#[tokio::test]
async fn a_release_says_what_where_who_and_why() {
    let mut owner = deployment(
        "checkout",
        &progressing("False", "ProgressDeadlineExceeded", 6),
    );
    owner["metadata"]["labels"] =
        json!({"app": "shop", "app.kubernetes.io/name": "checkout-api", "env": "live"});
    owner["metadata"]["managedFields"] = json!([
        {"manager": "kubectl-set", "operation": "Update", "time": moment(5)},
        {"manager": "kube-controller-manager", "operation": "Update", "time": moment(9), "subresource": "status"},
    ]);
    let sets = [replica_set("checkout", "acme/checkout:v2", 5, "1", "")];
    let server = serve(&[("deployments", &[owner]), ("replicasets", &sets)]).await;
    let facts = source(&server, "").fetch(&ask()).await.unwrap();
    let row = &facts.releases.unwrap()[0];
    assert_eq!(row.id.raw(), "kubernetes:checkout/uid-checkout:1");
    assert_eq!(row.service.raw(), "checkout-api");
    // A namespace is no environment.
    assert_eq!((row.environment.raw(), row.place().raw()), ("", "shop"));
    assert_eq!(row.version.raw(), "v2");
    assert_eq!(row.actor, Some("kubectl-set".into()));
    for (name, words) in [
        ("Deployment", "checkout"),
        ("why", "ship acme/checkout:v2"),
        ("images", "acme/checkout:v2"),
        ("progressing", "ProgressDeadlineExceeded: said so"),
        ("replicas", "2 of 2 updated, 2 available"),
    ] {
        assert_eq!(said(row, name), Some(words), "{:?}", row.details);
    }
    let mut all = Settings::empty();
    all.delivery.production = Production::new(["shop"]);
    let own = settings(&KIND, Some(&server.uri()), "");
    let mut listed = (KIND.build)(&own, &all).unwrap().source;
    let facts = listed.fetch(&ask()).await.unwrap();
    assert_eq!(facts.releases.unwrap()[0].environment.raw(), "shop");
    let options = "service_label = \"app\"\nenvironment_label = \"env\"";
    let facts = source(&server, options).fetch(&ask()).await.unwrap();
    let row = &facts.releases.unwrap()[0];
    assert_eq!((row.service.raw(), row.environment.raw()), ("shop", "live"));
}

#[tokio::test]
async fn the_same_template_again_takes_back_what_came_between() {
    let owner = deployment(
        "checkout",
        &progressing("True", "NewReplicaSetAvailable", 9),
    );
    let sets = [
        replica_set("checkout", "acme/checkout:v1", 1, "3", "1"),
        replica_set("checkout", "acme/checkout:v2", 5, "2", ""),
    ];
    let lists: [(&str, &[Value]); 2] = [("deployments", &[owner]), ("replicasets", &sets)];
    let rows = releases(&lists).await;
    assert_eq!(
        went(&rows),
        [("v1", Succeeded), ("v2", RolledBack), ("v1", Succeeded)]
    );
    let ids: Vec<_> = rows.iter().map(|row| row.id.raw()).collect();
    assert_eq!(
        ids,
        [
            "kubernetes:checkout/uid-checkout:1",
            "kubernetes:checkout/uid-checkout:2",
            "kubernetes:checkout/uid-checkout:3"
        ]
    );
    let dates: Vec<_> = rows.iter().map(Release::dated).collect();
    assert_eq!(dates, [at(1), at(5), at(9)]);

    // Of one image, and told apart by their templates alone.
    let owner = deployment(
        "checkout",
        &progressing("True", "NewReplicaSetAvailable", 9),
    );
    let sets = [
        replica_set("checkout", "acme/checkout:v1", 1, "3", "1"),
        replica_set("checkout", "acme/checkout:v1", 5, "2", ""),
    ];
    let rows = releases(&[("deployments", &[owner]), ("replicasets", &sets)]).await;
    let states: Vec<_> = rows.iter().map(|row| row.status).collect();
    assert_eq!(states, [Succeeded, RolledBack, Succeeded]);
}

#[tokio::test]
async fn a_past_moment_knows_nothing_of_a_later_roll_back() {
    let owner = deployment(
        "checkout",
        &progressing("True", "NewReplicaSetAvailable", 9),
    );
    let sets = [
        replica_set("checkout", "acme/checkout:v1", 1, "3", "1"),
        replica_set("checkout", "acme/checkout:v2", 5, "2", ""),
    ];
    let server = serve(&[("deployments", &[owner]), ("replicasets", &sets)]).await;
    let mut source = source(&server, "");
    for (moment, want) in [
        ("2026-11-22T13:00:30Z", vec![]),
        ("2026-11-22T13:03:00Z", vec![("v1", Succeeded)]),
        (
            "2026-11-22T13:06:00Z",
            vec![("v1", Succeeded), ("v2", Succeeded)],
        ),
    ] {
        let facts = source.fetch(&ask_at(moment)).await.unwrap();
        assert_eq!(went(&facts.releases.unwrap()), want, "{moment}");
    }
}

#[tokio::test]
async fn what_failed_while_it_was_the_newest_stays_failed() {
    let server = MockServer::start().await;
    let failed = deployment(
        "checkout",
        &progressing("False", "ProgressDeadlineExceeded", 7),
    );
    Mock::given(path(format!("{APPS}/deployments")))
        .respond_with(list(&[failed]))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let done = deployment(
        "checkout",
        &progressing("True", "NewReplicaSetAvailable", 12),
    );
    mount(&server, &format!("{APPS}/deployments"), list(&[done])).await;
    let first = replica_set("checkout", "acme/checkout:v2", 5, "2", "");
    let second = replica_set("checkout", "acme/checkout:v3", 10, "3", "");
    Mock::given(path(format!("{APPS}/replicasets")))
        .respond_with(list(std::slice::from_ref(&first)))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    mount(
        &server,
        &format!("{APPS}/replicasets"),
        list(&[first, second]),
    )
    .await;
    let mut source = source(&server, DEPLOYMENTS);
    source.fetch(&ask()).await.unwrap();
    let rows = source.fetch(&ask()).await.unwrap().releases.unwrap();
    assert_eq!(went(&rows), [("v2", Failed), ("v3", Succeeded)]);
    assert_eq!(rows[0].finished_at, at(7));
}

#[tokio::test]
async fn stateful_and_daemon_sets_are_told_by_their_revisions() {
    let selector = json!({"matchLabels": {"app": "checkout"}});
    let stateful = |updated: i64, current: &str| {
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata("db", 0),
            "spec": {"replicas": 3, "serviceName": "db", "selector": selector, "template": template("x")},
            "status": {"observedGeneration": 4, "replicas": 3, "readyReplicas": 3, "updatedReplicas": updated,
                "currentRevision": current, "updateRevision": "db-rev5"}})
    };
    let daemon = |updated: i64| {
        json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata("agent", 0),
            "spec": {"selector": selector, "template": template("x")},
            "status": {"observedGeneration": 4, "currentNumberScheduled": 3, "desiredNumberScheduled": 3,
                "numberAvailable": 3, "numberMisscheduled": 0, "numberReady": 3, "updatedNumberScheduled": updated}})
    };
    let revisions = [
        revision("db", "acme/db:v1", 1, 1),
        revision("db", "acme/db:v2", 5, 2),
        revision("agent", "acme/agent:v1", 1, 1),
        revision("agent", "acme/agent:v2", 5, 2),
    ];
    for (updated, current, want) in [(3, "db-rev5", Succeeded), (2, "db-rev1", Running)] {
        let rows = releases(&[
            ("statefulsets", &[stateful(updated, current)]),
            ("daemonsets", &[daemon(updated)]),
            ("controllerrevisions", &revisions),
        ])
        .await;
        assert_eq!(
            went(&rows),
            [
                ("v1", Succeeded),
                ("v2", want),
                ("v1", Succeeded),
                ("v2", want)
            ]
        );
        assert_eq!(rows[1].id.raw(), "kubernetes:db/uid-db:db-rev5");
        assert_eq!(said(&rows[3], "DaemonSet"), Some("agent"));
    }
}

#[tokio::test]
async fn an_old_revision_with_the_newest_number_is_a_roll_back() {
    let mut owner = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata("db", 0),
        "spec": {"replicas": 1, "serviceName": "db", "selector": {"matchLabels": {"app": "checkout"}}, "template": template("x")},
        "status": {"observedGeneration": 4, "replicas": 1, "readyReplicas": 1, "updatedReplicas": 1,
            "currentRevision": "db-rev1", "updateRevision": "db-rev1"}});
    owner["metadata"]["managedFields"] =
        json!([{"manager": "kubectl-rollout", "operation": "Update", "time": moment(9)}]);
    let revisions = [
        revision("db", "acme/db:v1", 1, 3),
        revision("db", "acme/db:v2", 5, 2),
    ];
    let rows = releases(&[
        ("statefulsets", &[owner]),
        ("controllerrevisions", &revisions),
    ])
    .await;
    assert_eq!(
        went(&rows),
        [("v1", Succeeded), ("v2", RolledBack), ("v1", Succeeded)]
    );
    assert_eq!(
        (rows[2].dated(), rows[2].actor.as_ref()),
        (at(9), Some(&"kubectl-rollout".into()))
    );
}

fn argo_rollout(status: &Value) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": metadata("cart", 0),
        "spec": {"replicas": 5, "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 50}]}}},
        "status": status})
}

fn argo_sets() -> [Value; 2] {
    [("v1", 1, "1"), ("v2", 5, "2")].map(|(tag, minute, number)| {
        let mut set = replica_set("cart", &format!("acme/cart:{tag}"), minute, number, "");
        set["metadata"]["annotations"] = json!({"rollout.argoproj.io/revision": number});
        set["metadata"]["labels"] = json!({"rollouts-pod-template-hash": tag});
        set
    })
}

#[tokio::test]
async fn an_argo_rollout_says_its_phase_and_how_far_its_canary_is() {
    for (status, want) in [
        (json!({"phase": "Healthy", "stableRS": "v2"}), Succeeded),
        (json!({"phase": "Progressing", "stableRS": "v1"}), Running),
        (
            json!({"phase": "Paused", "message": "CanaryPauseStep", "stableRS": "v1"}),
            Running,
        ),
        (json!({"phase": "Degraded", "stableRS": "v1"}), Failed),
        (
            json!({"phase": "Degraded", "abort": true, "abortedAt": moment(8), "stableRS": "v1"}),
            Failed,
        ),
        // It was rolled out whole; what broke later is another matter.
        (json!({"phase": "Degraded", "stableRS": "v2"}), Succeeded),
        (json!({"phase": "Transcending", "stableRS": "v1"}), Unknown),
        (
            json!({"phase": "Healthy", "stableRS": "v2", "observedGeneration": "3"}),
            Running,
        ),
        (
            json!({"phase": "Progressing", "stableRS": "v1", "observedGeneration": null}),
            Running,
        ),
    ] {
        let mut whole = json!({"observedGeneration": "4", "currentPodHash": "v2", "currentStepIndex": 1,
            "canary": {"weights": {"canary": {"weight": 20, "podTemplateHash": "v2"}, "stable": {"weight": 80}}},
            "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": moment(6)}]});
        for (key, value) in status.as_object().unwrap() {
            whole[key] = value.clone();
        }
        let sets = argo_sets();
        let rows = releases(&[(ROLLOUTS, &[argo_rollout(&whole)]), ("replicasets", &sets)]).await;
        assert_eq!(went(&rows), [("v1", Succeeded), ("v2", want)], "{status}");
        let newest = &rows[1];
        assert_eq!(said(newest, "canary"), Some("20 %, step 1 of 3"));
        assert!(
            said(newest, "phase")
                .unwrap()
                .starts_with(status["phase"].as_str().unwrap())
        );
        let aborted = status.get("abortedAt").map(|_| "2026-11-22T13:08:00Z");
        assert_eq!(said(newest, "aborted"), aborted);
    }
}

#[tokio::test]
async fn what_flux_applied_is_a_release() {
    let kustomization = json!({"metadata": metadata("apps", 0), "spec": {"targetNamespace": "live"},
    "status": {"lastAttemptedRevision": "main@sha1:cccccccccccccccccccccccccccccccccccccccc",
        "lastAppliedRevision": "v1.0.1@sha1:bbbb",
        "conditions": [{"type": "Ready", "status": "Unknown", "reason": "Progressing", "message": "building", "lastTransitionTime": moment(20)}],
        "history": [
            {"digest": "sha256:b", "firstReconciled": moment(10), "lastReconciled": moment(15),
                "lastReconciledStatus": "ReconciliationSucceeded", "totalReconciliations": 3,
                "metadata": {"revision": "v1.0.1@sha1:bbbb"}},
            {"digest": "sha256:a", "firstReconciled": moment(2), "lastReconciled": moment(9),
                "lastReconciledStatus": "HealthCheckFailed", "metadata": {"revision": "v1.0.0@sha1:aaaa"}},
        ]}});
    let helm = json!({"metadata": metadata("redis", 0), "spec": {"suspend": true},
    "status": {"history": [
        {"version": 2, "status": "deployed", "chartName": "redis", "chartVersion": "19.1.0", "appVersion": "7.4.1",
            "firstDeployed": moment(1), "lastDeployed": moment(12), "digest": "x", "deleted": null},
        {"version": 1, "status": "superseded", "chartName": "redis", "chartVersion": "19.0.0", "appVersion": null,
            "firstDeployed": moment(1), "lastDeployed": moment(1)},
    ]}});
    let rows = releases(&[(KUSTOMIZATIONS, &[kustomization]), (HELM_RELEASES, &[helm])]).await;
    assert_eq!(
        went(&rows),
        [
            ("v1.0.0", Failed),
            ("v1.0.1", Succeeded),
            ("ccccccc", Running),
            ("19.0.0", Succeeded),
            ("7.4.1", Succeeded)
        ]
    );
    let dates: Vec<_> = rows.iter().map(Release::dated).collect();
    assert_eq!(dates, [at(2), at(10), at(20), at(1), at(12)]);
    assert_eq!(rows[0].commit, Some("aaaa".into()));
    assert_eq!(rows[0].environment.raw(), "live");
    assert_eq!(
        said(&rows[2], "ready"),
        Some("Unknown: Progressing: building")
    );
    assert_eq!(said(&rows[4], "chart"), Some("redis 19.1.0"));
    assert_eq!(said(&rows[4], "suspended"), Some("yes"));
}

#[tokio::test]
async fn manifests_that_flux_applied_before_and_again_take_back_what_came_between() {
    let entry = |digest: &str, revision: &str, first: u32, last: u32| {
        json!({"digest": digest, "firstReconciled": moment(first), "lastReconciled": moment(last),
            "lastReconciledStatus": "ReconciliationSucceeded", "metadata": {"revision": revision}})
    };
    let history = [
        entry("sha256:a", "v1@sha1:aa", 1, 12),
        entry("sha256:b", "v2@sha1:bb", 5, 9),
    ];
    let object = json!({"metadata": metadata("apps", 0),
        "status": {"history": history, "lastAttemptedRevision": "v1@sha1:aa"}});
    let rows = releases(&[(KUSTOMIZATIONS, &[object])]).await;
    assert_eq!(
        went(&rows),
        [("v1", Succeeded), ("v2", RolledBack), ("v1", Succeeded)]
    );
    assert_eq!(rows[2].dated(), at(9));
}

#[tokio::test]
async fn older_versions_of_flux_are_asked_for_when_newer_ones_are_not_there() {
    let object = json!({"metadata": metadata("redis", 0), "status": {"lastAttemptedRevision": "18.0.0",
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": moment(3)}]}});
    let old = "/apis/helm.toolkit.fluxcd.io/v2beta1/helmreleases";
    let rows = releases(&[(old, &[object])]).await;
    assert_eq!(went(&rows), [("18.0.0", Succeeded)]);
}

#[tokio::test]
async fn what_is_not_installed_is_not_asked_for_each_time() {
    let server = serve(&[]).await;
    let mut source = source(&server, "");
    for _ in 0..2 {
        let facts = source.fetch(&ask()).await.unwrap();
        assert_eq!((facts.fault, facts.warnings), (None, vec![]));
    }
    let asked = asked(&server).await;
    assert_eq!(asked.iter().filter(|path| *path == ROLLOUTS).count(), 1);
    let later = Ask {
        now: ask().now + ABSENT,
        ..ask()
    };
    source.fetch(&later).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let of_rollouts = |request: &&Request| request.url.path() == ROLLOUTS;
    assert_eq!(requests.iter().filter(of_rollouts).count(), 2);
}

#[tokio::test]
async fn what_may_not_be_listed_is_left_out_and_named() {
    let server = serve(&[]).await;
    mount(&server, ROLLOUTS, refusal(403, "no")).await;
    mount(&server, HELM_RELEASES, refusal(403, "no")).await;
    let facts = source(&server, "").fetch(&ask()).await.unwrap();
    assert_eq!(facts.fault, None);
    assert_eq!(
        facts.warnings,
        ["the account may not list rollouts, helmreleases (403): left out".into()]
    );
}

#[tokio::test]
async fn a_kind_that_fails_by_itself_keeps_its_rows() {
    let server = MockServer::start().await;
    let rows = [deployment(
        "checkout",
        &progressing("True", "NewReplicaSetAvailable", 6),
    )];
    let sets = [replica_set("checkout", "acme/checkout:v2", 5, "1", "")];
    Mock::given(path(format!("{APPS}/deployments")))
        .respond_with(list(&rows))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let words = "deployments.apps is forbidden: User \"viewer\" cannot list resource";
    mount(&server, &format!("{APPS}/deployments"), refusal(403, words)).await;
    mount(&server, &format!("{APPS}/replicasets"), list(&sets)).await;
    mount(&server, &format!("{APPS}/daemonsets"), list(&[])).await;
    let mut source = source(&server, "resources = [\"deployments\", \"daemonsets\"]");
    source.fetch(&ask()).await.unwrap();
    let facts = source.fetch(&ask()).await.unwrap();
    assert_eq!(went(&facts.releases.unwrap()), [("v2", Succeeded)]);
    let fault = facts.fault.unwrap();
    assert_eq!(fault.kind, FaultKind::Forbidden);
    for part in [
        "deployments: ",
        "User \"viewer\" cannot list",
        "set `namespaces`, or leave it out of `resources`",
    ] {
        assert!(fault.message.raw().contains(part), "{fault:?}");
    }
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    for (status, kind, words) in [
        (401, FaultKind::Auth, "bearer_token"),
        (403, FaultKind::Forbidden, "bind a cluster role"),
        (
            404,
            FaultKind::NotFound,
            "is `url` the API server's address?",
        ),
        (429, FaultKind::RateLimited, "rate limit reached"),
        (500, FaultKind::Server, "answered 500"),
        (503, FaultKind::Server, "answered 503"),
    ] {
        let server = MockServer::start().await;
        let answer = refusal(status, "Unauthorized");
        let answer = match status {
            429 | 503 => answer.insert_header("retry-after", "7"),
            _ => answer,
        };
        mount(&server, &format!("{APPS}/deployments"), answer).await;
        let fault = source(&server, DEPLOYMENTS)
            .fetch(&ask())
            .await
            .unwrap_err();
        assert_eq!(fault.kind, kind, "{fault:?}");
        assert!(fault.message.raw().contains(words), "{fault:?}");
        let wait = matches!(status, 429 | 503).then(|| SignedDuration::from_secs(7));
        assert_eq!(fault.retry_after, wait, "{fault:?}");
    }
}

#[tokio::test]
async fn nulls_and_nothing_are_read_as_nothing() {
    let server = MockServer::start().await;
    let bare = json!({"metadata": {"name": "bare", "labels": null, "ownerReferences": null, "managedFields": null},
        "spec": {"template": null, "replicas": null}, "status": null});
    mount(
        &server,
        &format!("{APPS}/deployments"),
        list(&[bare.clone(), json!({})]),
    )
    .await;
    mount(
        &server,
        &format!("{APPS}/replicasets"),
        list(std::slice::from_ref(&bare)),
    )
    .await;
    mount(
        &server,
        &format!("{APPS}/statefulsets"),
        ResponseTemplate::new(200).set_body_json(json!({"items": null, "metadata": null})),
    )
    .await;
    mount(&server, &format!("{APPS}/daemonsets"), list(&[])).await;
    mount(&server, ROLLOUTS, list(std::slice::from_ref(&bare))).await;
    mount(&server, KUSTOMIZATIONS, list(std::slice::from_ref(&bare))).await;
    mount(&server, HELM_RELEASES, list(&[bare])).await;
    let facts = source(&server, "").fetch(&ask()).await.unwrap();
    assert_eq!((facts.releases, facts.fault), (Some(vec![]), None));
}
