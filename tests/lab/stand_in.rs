//! Vendors as their APIs answer when all is well: one row of each kind that they have.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// A healthy answer: its content type and body.
pub(crate) struct Healthy {
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

/// So many minutes ago, as APIs write times.
fn ago(minutes: i64) -> String {
    let now = Timestamp::from_second(Timestamp::now().as_second()).expect("the present");
    (now - SignedDuration::from_mins(minutes)).to_string()
}

/// The answer of a vendor to a GET of `path`; `None` where it has nothing.
pub(crate) fn answer(kind: &str, path: &str) -> Option<Healthy> {
    if kind == "openmetrics" {
        return Some(Healthy {
            content_type: "text/plain; version=0.0.4",
            body: "# TYPE t_total counter\nt_total{code=\"200\"} 1000\nt_total{code=\"500\"} 1\n"
                .to_owned(),
        });
    }
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let body = match kind {
        "github" => github(path),
        "gitlab" => path.ends_with("/deployments").then(gitlab),
        "pagerduty" => pagerduty(path, query),
        "incidentio" => incidentio(path, query),
        "jsm" => jsm(path),
        "grafana_irm" => Some(grafana_irm(path, query)),
        "argocd" => (path == "/api/v1/applications").then(argocd),
        "kubernetes" => kubernetes(path),
        _ => Some(own()),
    }?;
    Some(Healthy {
        content_type: "application/json",
        body: body.to_string(),
    })
}

fn github(path: &str) -> Option<Value> {
    if path.ends_with("/statuses") {
        return Some(json!([{"id": 1, "state": "success", "created_at": ago(9), "log_url": ""}]));
    }
    path.ends_with("/deployments").then(|| {
        json!([{
            "id": 7, "sha": "9f3c1d2aa0b1c2d3e4f5061728394a5b6c7d8e9f", "ref": "v7",
            "task": "deploy", "environment": "production", "creator": {"login": "mara"},
            "created_at": ago(10), "updated_at": ago(9),
        }])
    })
}

fn gitlab() -> Value {
    json!([{
        "id": 7, "iid": 7, "ref": "main", "sha": "9f3c1d2aa0b1c2d3e4f5061728394a5b6c7d8e9f",
        "status": "success", "created_at": ago(10), "updated_at": ago(5),
        "user": {"id": 1, "name": "Mara", "username": "mara"},
        "environment": {"id": 9, "name": "production"},
        "deployable": {"id": 7, "status": "success", "started_at": ago(9), "finished_at": ago(6),
            "pipeline": {"id": 5, "status": "success"}},
    }])
}

fn pagerduty(path: &str, query: &str) -> Option<Value> {
    let key = path.trim_matches('/').rsplit('/').next()?;
    let rows = match key {
        "incidents" if query.contains("resolved_at") => json!([]),
        "incidents" => json!([{
            "id": "PINC1", "type": "incident", "title": "disk fills", "status": "triggered",
            "created_at": ago(10), "urgency": "low", "incident_number": 1,
            "service": {"id": "PSVC1", "summary": "checkout"}, "assignments": [], "teams": [],
            "acknowledgements": [], "pending_actions": [],
            "escalation_policy": {"id": "PPOL1", "summary": "Shop"},
        }]),
        "me" => return None,
        _ => json!([]),
    };
    Some(json!({key: rows, "limit": 100, "offset": 0, "more": false, "total": null}))
}

fn incidentio(path: &str, query: &str) -> Option<Value> {
    let key = path.trim_matches('/').rsplit('/').next()?;
    let status = json!({"id": "01ST2", "name": "Investigating", "category": "live", "rank": 2});
    let row = json!({
        "id": "01INC1", "name": "disk fills", "reference": "INC-1", "summary": "",
        "incident_status": status, "severity": {"id": "01SEV1", "name": "Minor", "rank": 1},
        "incident_role_assignments": [], "incident_timestamp_values": [],
        "custom_field_entries": [], "team_ids": [], "mode": "standard", "visibility": "public",
        "created_at": ago(10), "updated_at": ago(9),
    });
    Some(match key {
        "incidents" if query.contains("live") => {
            json!({"incidents": [row], "pagination_meta": {"page_size": 25}})
        }
        "severities" => {
            json!({"severities": [{"id": "01SEV1", "name": "Minor", "rank": 1}]})
        }
        "incident_statuses" => json!({"incident_statuses": [status]}),
        "schedule_entries" => {
            json!({"schedule_entries": {"final": [], "overrides": [], "scheduled": []}})
        }
        key => json!({key: [], "pagination_meta": {"page_size": 25}}),
    })
}

fn jsm(path: &str) -> Option<Value> {
    let alert = json!({"id": "al-1", "tinyId": "1", "message": "disk fills", "status": "open",
        "acknowledged": false, "snoozed": false, "createdAt": ago(10), "updatedAt": ago(9),
        "priority": "P3", "entity": "checkout", "count": 1, "tags": [], "responders": []});
    if path.ends_with("/v1/alerts") {
        return Some(json!({"values": [alert], "links": {"next": null}, "count": 1}));
    }
    if path.ends_with("/v1/teams") {
        return Some(json!({"platformTeams": []}));
    }
    path.contains("/v1/")
        .then(|| json!({"values": [], "links": {"next": null}}))
}

fn grafana_irm(path: &str, query: &str) -> Value {
    let group = json!({
        "id": "IGRP1", "integration_id": "CINT1", "route_id": "R1", "team_id": null,
        "alerts_count": 1, "state": "new", "created_at": ago(10), "resolved_at": null,
        "acknowledged_at": null, "silenced_at": null, "title": "disk fills", "labels": [],
        "permalinks": {"web": null}, "last_alert": null,
    });
    let is_open = path.contains("alert_groups") && query.contains("state=new");
    let rows = if is_open { json!([group]) } else { json!([]) };
    let count = rows.as_array().map_or(0, Vec::len);
    json!({"count": count, "next": null, "previous": null, "results": rows})
}

fn argocd() -> Value {
    json!({"metadata": {}, "items": [{
        "metadata": {"name": "checkout", "namespace": "argocd", "uid": "u1"},
        "spec": {"project": "shop", "source": {"repoURL": "https://git.example/d", "path": "c"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"}},
        "status": {"sync": {"status": "Synced", "revision": "9f3c1d2aa0b1c2d3e4f5061728394a5b6c7d8e9f"},
            "health": {"status": "Healthy"}, "summary": {},
            "history": [{"id": 1, "revision": "9f3c1d2aa0b1c2d3e4f5061728394a5b6c7d8e9f",
                "deployStartedAt": ago(10), "deployedAt": ago(9)}]},
    }]})
}

fn kubernetes(path: &str) -> Option<Value> {
    let kind = path.strip_prefix("/apis/apps/v1/")?;
    let template = json!({"metadata": {"labels": {"app": "checkout"}},
        "spec": {"containers": [{"name": "main", "image": "checkout:v7"}]}});
    let metadata = |name: &str| {
        json!({"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "generation": 4,
            "creationTimestamp": ago(10)})
    };
    let mut set = metadata("checkout-1");
    set["labels"] = json!({"pod-template-hash": "1"});
    set["annotations"] = json!({"deployment.kubernetes.io/revision": "1"});
    set["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "Deployment",
        "name": "checkout", "uid": "uid-checkout", "controller": true}]);
    let items = match kind {
        "deployments" => json!([{
            "metadata": metadata("checkout"),
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "checkout"}}, "template": template},
            "status": {"observedGeneration": 4, "replicas": 1, "updatedReplicas": 1,
                "readyReplicas": 1, "availableReplicas": 1, "conditions": []},
        }]),
        "replicasets" => json!([{"metadata": set,
            "spec": {"selector": {"matchLabels": {"app": "checkout"}}, "template": template},
            "status": {"replicas": 1}}]),
        _ => json!([]),
    };
    Some(json!({"kind": "List", "apiVersion": "v1", "metadata": {}, "items": items}))
}

/// What the `json` source reads: a row of each of the three kinds.
fn own() -> Value {
    json!({
        "deploys": [{"id": "d7", "service": "checkout", "version": "v7", "finished_at": ago(9)}],
        "incidents": [{"id": "i7", "title": "disk fills", "service": "checkout", "severity": "info"}],
        "slos": [{"service": "billing", "name": "availability", "objective": 0.99, "period": "30d",
            "error_ratio": {"5m": 0.0, "30m": 0.0, "1h": 0.0, "2h": 0.0, "6h": 0.0, "1d": 0.0,
                "3d": 0.0, "30d": 0.0}}],
    })
}
