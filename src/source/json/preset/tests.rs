//! Each preset against an answer of the shape that its vendor documents.

use serde_json::{Value, json};
use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::config::Settings;
use crate::domain::{Facts, Incident, IncidentStatus, Release, ReleaseStatus, Severity};
use crate::source::Source;
use crate::source::fixture::{ask, settings};
use crate::source::json::{Json, KIND};

/// What a preset makes of one answer to `place`, asked with these parameters.
async fn facts(name: &str, place: &str, query: &[(&str, &str)], body: &Value) -> Facts {
    let server = MockServer::start().await;
    let mut mock = Mock::given(method("GET")).and(path(place));
    for (name, value) in query {
        mock = mock.and(query_param(*name, *value));
    }
    let answer = ResponseTemplate::new(200).set_body_json(body);
    mock.respond_with(answer).mount(&server).await;
    let options = format!("preset = \"{name}\"");
    let settings = settings(&KIND, Some(&server.uri()), &options);
    let mut source = Json::new(&settings, &Settings::empty()).unwrap();
    let facts = source.fetch(&ask()).await.unwrap();
    // Rows without a severity are reported, everything else is understood.
    let mut warnings = facts.warnings.iter();
    let is_understood = warnings.all(|one| one.raw().contains("no severity and is a ticket"));
    assert!(is_understood, "{name}: {:?}", facts.warnings);
    facts
}

fn shape(rows: &[Incident]) -> Vec<(&str, &str, Severity, IncidentStatus)> {
    let shape = |row: &'_ Incident| (row.severity, row.status);
    rows.iter()
        .map(|row| {
            let (severity, status) = shape(row);
            (row.title.raw(), row.service.raw(), severity, status)
        })
        .collect()
}

fn deploys(rows: &[Release]) -> Vec<(&str, &str, ReleaseStatus)> {
    rows.iter()
        .map(|row| (row.service.raw(), row.version.raw(), row.status))
        .collect()
}

#[test]
fn every_preset_is_a_source_that_the_settings_may_have_as_it_is() {
    for preset in PRESETS {
        assert!(
            preset.settings.parse::<toml::Table>().is_ok(),
            "{}",
            preset.name
        );
        let options = format!("preset = \"{}\"", preset.name);
        let settings = settings(&KIND, Some("https://h.example"), &options);
        let built = Json::new(&settings, &Settings::empty());
        assert!(built.is_ok(), "{}: {:?}", preset.name, built.err());
    }
    let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
    assert!(names.is_sorted());
}

#[test]
fn one_without_a_public_address_wants_a_url() {
    for preset in PRESETS {
        let options = format!("preset = \"{}\"", preset.name);
        let built = Json::new(&settings(&KIND, None, &options), &Settings::empty());
        assert_eq!(built.is_ok(), preset.url.is_some(), "{}", preset.name);
    }
}

#[tokio::test]
async fn what_the_user_sets_counts_instead() {
    let server = MockServer::start().await;
    Mock::given(path("/other"))
        .and(query_param("limit", "5"))
        .and(query_param("tags", "release"))
        .and(query_param("type", "annotation"))
        .and(header("accept", "application/json"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([{"id": 1}])))
        .mount(&server)
        .await;
    let options = "preset = \"grafana-annotations\"\npath = \"/other\"\n\
                   query = { limit = 5, tags = \"release\" }\n\
                   releases = '.[] | {id, service: \"own\", version: \"1\"}'";
    let settings = settings(&KIND, Some(&server.uri()), options);
    let mut source = Json::new(&settings, &Settings::empty()).unwrap();
    let facts = source.fetch(&ask()).await.unwrap();
    assert_eq!(facts.releases.unwrap()[0].service.raw(), "own");
}

#[tokio::test]
async fn statuspage() {
    let body = json!({
        "page": {"id": "kctbh9vrtdwd", "name": "GitHub", "url": "https://www.githubstatus.com",
                 "time_zone": "Etc/UTC", "updated_at": "2026-11-22T13:50:00.000Z"},
        "incidents": [{
            "id": "x0ljvc9m1wxj", "name": "Incident with Actions", "status": "investigating",
            "created_at": "2026-11-22T13:40:58.586Z", "updated_at": "2026-11-22T13:40:58.586Z",
            "monitoring_at": null, "resolved_at": null, "impact": "major",
            "shortlink": "https://stspg.io/7a0d3a4d2", "started_at": "2026-11-22T13:40:00.000Z",
            "page_id": "kctbh9vrtdwd", "incident_updates": [],
            "components": [{"id": "br0l2tvcx85d", "name": "Actions", "status": "major_outage"}],
        }, {
            "id": "y", "name": "Late mails", "status": "monitoring", "impact": "none",
            "created_at": "2026-11-22T13:40:58.586Z", "started_at": null, "resolved_at": null,
            "shortlink": null, "incident_updates": [], "components": null,
        }],
    });
    let place = "/api/v2/incidents/unresolved.json";
    let rows = facts("statuspage", place, &[], &body)
        .await
        .incidents
        .unwrap();
    assert_eq!(
        shape(&rows),
        [
            (
                "Incident with Actions",
                "GitHub",
                Severity::Ticket,
                IncidentStatus::Acknowledged
            ),
            (
                "Late mails",
                "GitHub",
                Severity::Info,
                IncidentStatus::Acknowledged
            ),
        ]
    );
    assert!(
        rows[0]
            .details
            .contains(&("components".into(), "Actions".into()))
    );
    assert!(rows.iter().all(|row| row.opened_at.is_some()));
}

#[tokio::test]
async fn opsgenie() {
    let alert = |id: &str, more: Value| {
        let mut alert = json!({
            "id": id, "tinyId": "1791", "alias": id, "message": format!("alert {id}"),
            "status": "open", "acknowledged": false, "isSeen": true,
            "tags": ["service:checkout", "prod"], "snoozed": false, "count": 79,
            "lastOccurredAt": "2026-11-22T13:50:00.284Z", "createdAt": "2026-11-22T13:20:58.011Z",
            "updatedAt": "2026-11-22T13:21:18.42Z", "source": "Isengard", "owner": "",
            "priority": "P1", "responders": [{"id": "4513b7ea", "type": "team"}],
            "integration": {"id": "4513b7ea", "name": "Nebula", "type": "API"},
        });
        alert
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        alert
    };
    let body = json!({
        "data": [
            alert("a", json!({})),
            alert("b", json!({"acknowledged": true, "owner": "mara@acme.example", "priority": "P3",
                "report": {"ackTime": 15702, "closeTime": 60503, "acknowledgedBy": "mara@acme.example"}})),
            alert("c", json!({"snoozed": true, "snoozedUntil": "2026-11-22T16:00:00Z", "tags": []})),
            alert("d", json!({"status": "closed", "priority": "P5"})),
        ],
        "paging": {"first": "https://api.opsgenie.com/v2/alerts?offset=0"},
        "took": 0.605, "requestId": "9ae63dd7-ed00-4c81-86f0-c4ffd33142c9",
    });
    let query = [("query", "status:open"), ("limit", "100")];
    let rows = facts("opsgenie", "/v2/alerts", &query, &body)
        .await
        .incidents
        .unwrap();
    assert_eq!(
        shape(&rows),
        [
            (
                "alert a",
                "checkout",
                Severity::Page,
                IncidentStatus::Triggered
            ),
            (
                "alert b",
                "checkout",
                Severity::Ticket,
                IncidentStatus::Acknowledged
            ),
            (
                "alert c",
                "Isengard",
                Severity::Page,
                IncidentStatus::Silenced
            ),
            (
                "alert d",
                "checkout",
                Severity::Info,
                IncidentStatus::Resolved
            ),
        ]
    );
    assert!(rows[0].assignees.is_empty() && rows[0].alerts == 79);
    assert_eq!(rows[1].acknowledged_by, ["mara@acme.example".into()]);
    assert_eq!(rows[2].silenced_until, "2026-11-22T16:00:00Z".parse().ok());
}

#[tokio::test]
async fn rootly() {
    let named =
        |name: &str| json!({"data": {"id": "1", "type": "x", "attributes": {"name": name}}});
    let body = json!({
        "data": [{
            "id": "70465736-a63f-4f55-a108-06fd19e7b78a", "type": "incidents",
            "attributes": {
                "sequential_id": 1, "title": "Checkout fails", "kind": "normal",
                "status": "mitigated", "url": "https://rootly.com/account/incidents/1",
                "severity": {"data": {"id": "2", "type": "severities",
                    "attributes": {"name": "SEV0", "severity": "critical"}}},
                "services": [named("checkout")], "groups": [named("shop")], "environments": [],
                "started_at": "2026-11-22T05:20:55.008-08:00",
                "acknowledged_at": "2026-11-22T05:21:55.008-08:00", "resolved_at": null,
                "created_at": "2026-11-22T05:20:55.008-08:00",
            },
        }, {
            "id": "b", "type": "incidents",
            "attributes": {"title": "Slow", "kind": null, "status": "levitating", "severity": null,
                "services": [], "groups": null, "started_at": null, "created_at": "2026-11-22T05:20:55Z",
                "url": null, "short_url": null},
        }, {
            "id": "c", "type": "incidents", "attributes": {"title": "Fire drill", "kind": "test"},
        }],
        "links": {"self": "x", "next": null},
        "meta": {"current_page": 1, "next_page": null, "total_count": 3, "total_pages": 1},
    });
    let query = [("page[number]", "1"), ("page[size]", "100")];
    let rows = facts("rootly", "/v1/incidents", &query, &body);
    // The second page is not there: no mock answers it.
    let rows = rows.await.incidents.unwrap();
    assert_eq!(
        shape(&rows),
        [
            (
                "Checkout fails",
                "checkout",
                Severity::Page,
                IncidentStatus::Acknowledged
            ),
            ("Slow", "", Severity::Ticket, IncidentStatus::Triggered),
        ]
    );
    assert_eq!(rows[0].teams, ["shop".into()]);
    assert!(rows[0].acknowledged_at.is_some());
}

#[tokio::test]
async fn firehydrant() {
    let body = json!({
        "data": [{
            "id": "5ac4", "name": "Payments are down", "number": 12, "severity": "SEV1",
            "priority": "P1", "current_milestone": "acknowledged",
            "created_at": "2026-11-22T13:22:43.811Z", "started_at": "2026-11-22T13:20:00.000Z",
            "milestones": [
                {"id": "1", "type": "started", "occurred_at": "2026-11-22T13:20:00.000Z"},
                {"id": "2", "type": "acknowledged", "occurred_at": "2026-11-22T13:25:00.000Z"}],
            "services": [{"id": "9", "name": "payments"}],
            "incident_url": "https://app.firehydrant.io/incidents/5ac4",
        }, {
            "id": "6", "name": "Odd", "severity": null, "priority": null,
            "current_milestone": "started", "created_at": "2026-11-22T13:22:43.811Z",
            "started_at": null, "milestones": [], "services": null, "incident_url": null,
        }],
        "pagination": {"count": 2, "page": 1, "items": 2, "pages": 1, "last": 1, "prev": null, "next": null},
    });
    let rows = facts("firehydrant", "/incidents", &[("per_page", "100")], &body).await;
    let rows = rows.incidents.unwrap();
    assert_eq!(
        shape(&rows),
        [
            (
                "Payments are down",
                "payments",
                Severity::Page,
                IncidentStatus::Acknowledged
            ),
            ("Odd", "", Severity::Ticket, IncidentStatus::Triggered),
        ]
    );
    assert_eq!(rows[0].acknowledged_at, "2026-11-22T13:25:00Z".parse().ok());
}

#[tokio::test]
async fn servicenow() {
    let both = |value: &str, shown: &str| json!({"display_value": shown, "value": value});
    let body = json!({"result": [{
        "sys_id": both("9d385017c611228701d22104cc95c371", "9d385017c611228701d22104cc95c371"),
        "number": both("INC0000002", "INC0000002"),
        "short_description": both("Network file shares access issue", "Network file shares access issue"),
        "state": both("2", "In Progress"), "priority": both("1", "1 - Critical"),
        "business_service": both("", ""), "cmdb_ci": both("b0c2", "FileServerFloor2"),
        "opened_at": both("2026-11-22 13:07:12", "2026-11-22 05:07:12"),
        "resolved_at": both("", ""), "assigned_to": both("46c6", "Howard Johnson"),
        "assignment_group": both("8a5", "Network"),
    }, {
        "sys_id": "a", "number": "INC2", "short_description": "Plain values", "state": "6",
        "priority": "4", "opened_at": "2026-11-22 13:07:12", "resolved_at": "2026-11-22 13:30:00",
    }]});
    let query = [("sysparm_limit", "100"), ("sysparm_display_value", "all")];
    let rows = facts("servicenow", "/api/now/table/incident", &query, &body).await;
    let rows = rows.incidents.unwrap();
    assert_eq!(
        shape(&rows),
        [
            (
                "Network file shares access issue",
                "FileServerFloor2",
                Severity::Page,
                IncidentStatus::Acknowledged
            ),
            ("Plain values", "", Severity::Info, IncidentStatus::Resolved),
        ]
    );
    assert_eq!(rows[0].opened_at, "2026-11-22T13:07:12Z".parse().ok());
    assert_eq!(rows[0].assignees, ["Howard Johnson".into()]);
    assert_eq!(rows[1].resolved_at, "2026-11-22T13:30:00Z".parse().ok());
}

#[tokio::test]
async fn jenkins() {
    let body = json!({
        "_class": "org.jenkinsci.plugins.workflow.job.WorkflowJob", "name": "deploy-checkout",
        "builds": [
            {"_class": "org.jenkinsci.plugins.workflow.job.WorkflowRun", "building": true,
             "displayName": "#774", "duration": 0, "number": 774, "result": null,
             "timestamp": 1_795_355_909_983_i64, "url": "https://ci.example/job/deploy-checkout/774/"},
            {"building": false, "displayName": "v2.31.0", "duration": 28750, "number": 773,
             "result": "SUCCESS", "timestamp": 1_795_355_809_000_i64,
             "url": "https://ci.example/job/deploy-checkout/773/"},
            {"building": false, "displayName": "#772", "duration": 1, "number": 772,
             "result": "FAILURE", "timestamp": 1_795_355_709_000_i64, "url": null},
            {"building": false, "displayName": "#771", "duration": 1, "number": 771,
             "result": "NOT_BUILT", "timestamp": 1_795_355_609_000_i64, "url": null},
        ],
    });
    let rows = facts("jenkins", "/api/json", &[], &body)
        .await
        .releases
        .unwrap();
    assert_eq!(
        deploys(&rows),
        [
            ("deploy-checkout", "#774", ReleaseStatus::Running),
            ("deploy-checkout", "v2.31.0", ReleaseStatus::Succeeded),
            ("deploy-checkout", "#772", ReleaseStatus::Failed),
            ("deploy-checkout", "#771", ReleaseStatus::Pending),
        ]
    );
    assert_eq!(rows[0].finished_at, None);
    assert_eq!(
        rows[1].finished_at.map(jiff::Timestamp::as_millisecond),
        Some(1_795_355_837_750)
    );
}

#[tokio::test]
async fn jenkins_with_jobs_below() {
    let build = |number: u64| {
        json!({"_class": "WorkflowRun", "building": false, "displayName": format!("#{number}"),
            "duration": 1000, "number": number, "result": "SUCCESS",
            "timestamp": 1_795_355_809_000_i64, "url": format!("https://ci.example/{number}/")})
    };
    let job = |name: &str, number: u64| {
        json!({"_class": "org.jenkinsci.plugins.workflow.job.WorkflowJob", "name": name,
            "builds": [build(number)]})
    };
    let branches = json!({
        "_class": "org.jenkinsci.plugins.workflow.multibranch.WorkflowMultiBranchProject",
        "name": "checkout",
        "jobs": [job("main", 1), job("feature%2Ffaster", 2), job("PR-12", 3), job("v1.2.0", 4)],
    });
    let folder = json!({"_class": "com.cloudbees.hudson.plugins.folder.Folder", "name": "shop",
        "jobs": [branches, job("deploy-cart", 5)]});
    let rows = facts("jenkins", "/api/json", &[], &folder).await;
    let rows = rows.releases.unwrap();
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.service.raw(), row.version.raw(), row.environment.raw()))
        .collect();
    assert_eq!(
        told,
        [
            ("checkout", "main #1", ""),
            ("checkout", "feature/faster #2", "feature/faster"),
            ("checkout", "v1.2.0 #4", ""),
            ("deploy-cart", "#5", ""),
        ]
    );
}

#[tokio::test]
async fn what_has_no_title_is_called_by_its_number() {
    let row = |title: Value| {
        json!({"sys_id": "s1", "number": "INC0012345", "short_description": title, "state": "1",
            "priority": "1", "opened_at": "2026-11-22 13:07:12"})
    };
    for title in [
        json!(""),
        Value::Null,
        json!({"value": "", "display_value": ""}),
    ] {
        let body = json!({"result": [row(title)]});
        let rows = facts("servicenow", "/api/now/table/incident", &[], &body).await;
        let rows = rows.incidents.unwrap();
        assert_eq!(
            shape(&rows),
            [("INC0012345", "", Severity::Page, IncidentStatus::Triggered)]
        );
    }
    let body = json!({"data": [{"id": "a1", "tinyId": "17", "message": "", "status": "open",
        "priority": "P1", "createdAt": "2026-11-22T13:07:12Z", "tags": [], "count": 1}]});
    let rows = facts("opsgenie", "/v2/alerts", &[], &body).await;
    assert_eq!(rows.incidents.unwrap()[0].title.raw(), "17");
}

#[tokio::test]
async fn buildkite() {
    let build = |id: &str, state: &str, commit: Value| {
        json!({
            "id": id, "graphql_id": "QnVpbGQ=", "number": 27, "state": state, "blocked": false,
            "url": "https://api.buildkite.com/v2/organizations/acme/pipelines/deploy/builds/27",
            "web_url": "https://buildkite.com/acme/deploy/builds/27", "message": "Bump",
            "commit": commit, "branch": "main", "tag": null, "env": {}, "source": "webhook",
            "creator": {"id": "3d3c3bf0", "name": "Mara Voss", "email": "mara@acme.example"},
            "created_at": "2026-11-22T13:05:05.003Z", "scheduled_at": "2026-11-22T13:05:05.003Z",
            "started_at": "2026-11-22T13:05:06.003Z", "finished_at": null,
            "pipeline": {"id": "849411f9", "name": "Deploy", "slug": "deploy"},
        })
    };
    let sha = json!("abcd0b72a1e580e90712cdd9eb26d3fb41cd09c8");
    let body = json!([
        build("a", "passed", sha.clone()),
        build("b", "failing", sha.clone()),
        build("c", "blocked", json!("HEAD")),
        build("d", "skipped", sha),
    ]);
    let rows = facts("buildkite", "/builds", &[("per_page", "100")], &body).await;
    let rows = rows.releases.unwrap();
    assert_eq!(
        deploys(&rows),
        [
            ("deploy", "abcd0b72a1e5", ReleaseStatus::Succeeded),
            ("deploy", "abcd0b72a1e5", ReleaseStatus::Running),
            ("deploy", "#27", ReleaseStatus::Pending),
        ]
    );
    assert_eq!(rows[0].actor, Some("Mara Voss".into()));
    assert_eq!(rows[2].commit, None);
}

#[tokio::test]
async fn grafana_annotations() {
    let body = json!([
        {"id": 1124, "alertId": 0, "dashboardId": 468, "dashboardUID": "uGlb_lG7z", "panelId": 2,
         "userId": 1, "userName": "", "newState": "", "prevState": "", "time": 1_795_355_009_983_i64,
         "timeEnd": 1_795_355_109_983_i64, "text": "rolled out\nby pipeline 7",
         "tags": ["deploy", "service:checkout", "version:v2.31.0", "env:production"],
         "login": "mara", "email": "", "metric": "", "type": "event", "data": {}},
        {"id": 1123, "time": 1_795_354_009_983_i64, "timeEnd": 0, "text": "search 9f3c1d2\nmore",
         "tags": ["deploy", "search"], "login": "", "email": ""},
    ]);
    let query = [("type", "annotation"), ("tags", "deploy"), ("limit", "100")];
    let rows = facts("grafana-annotations", "/api/annotations", &query, &body).await;
    let rows = rows.releases.unwrap();
    assert_eq!(
        deploys(&rows),
        [
            ("checkout", "v2.31.0", ReleaseStatus::Succeeded),
            ("search", "search 9f3c1d2", ReleaseStatus::Succeeded),
        ]
    );
    assert_eq!(rows[0].environment.raw(), "production");
    assert_eq!(
        (rows[0].actor.clone(), rows[1].actor.clone()),
        (Some("mara".into()), None)
    );
    assert_eq!(rows[1].finished_at, rows[1].started_at);
}

#[tokio::test]
async fn a_token_goes_where_the_vendor_wants_it() {
    for (name, want) in [("opsgenie", "GenieKey s3cret"), ("rootly", "Bearer s3cret")] {
        let server = MockServer::start().await;
        Mock::given(header("authorization", want))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({"data": []})))
            .expect(1..)
            .mount(&server)
            .await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "s3cret\n").unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&file, private).unwrap();
        let options = format!("preset = \"{name}\"");
        let mut settings = settings(&KIND, Some(&server.uri()), &options);
        settings.http.auth = crate::config::Auth::Token(crate::config::SecretRef::File(file));
        let mut source = Json::new(&settings, &Settings::empty()).unwrap();
        let facts = source.fetch(&ask()).await.unwrap();
        assert_eq!(facts.incidents, Some(vec![]), "{name}");
    }
}
