//! An incident.io that remembers: a resolved incident is resolved in its next answer.

use std::time::Duration;

use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

use crate::config::Settings;
use crate::domain::{Deed, IncidentStatus, Order};
use crate::source::Source;
use crate::source::tests::stand_in::{self, Broken, token, values};

use super::super::KIND;

/// What the account holds, and how it behaves.
pub(super) struct World {
    pub(super) incidents: Vec<Value>,
    pub(super) schedules: Vec<Value>,
    pub(super) entries: Vec<Value>,
    pub(super) severities: Vec<Value>,
    pub(super) statuses: Vec<Value>,
    pub(super) broken: Vec<Broken>,
    /// A cursor that never ends.
    pub(super) repeats: bool,
    /// Writes are carried out, and the answer comes too late.
    pub(super) silent: bool,
    /// After so many looks at one incident somebody else closes it.
    pub(super) surprise: Option<usize>,
    looks: usize,
}

/// The server and its world.
pub(super) type StandIn = stand_in::StandIn<World>;

impl StandIn {
    pub(super) async fn start() -> Self {
        let severity = |rank: i64, name: &str| json!({"id": format!("01SEV{rank}"), "name": name, "rank": rank});
        let world = World {
            incidents: Vec::new(),
            schedules: Vec::new(),
            entries: Vec::new(),
            severities: vec![
                severity(1, "Minor"),
                severity(2, "Major"),
                severity(3, "Critical"),
            ],
            statuses: vec![
                status("Closed", "closed", 9),
                status("Reviewing", "learning", 6),
                status("Documenting", "learning", 5),
                status("Investigating", "live", 2),
                status("Triage", "triage", 1),
            ],
            broken: Vec::new(),
            repeats: false,
            silent: false,
            surprise: None,
            looks: 0,
        };
        Self::of(world).await
    }

    pub(super) fn source(&self, options: &str) -> Box<dyn Source> {
        let settings = self.settings(&KIND, options, token("s3cret-key"), 700);
        (KIND.build)(&settings, &Settings::empty()).unwrap().source
    }
}

pub(super) fn status(name: &str, category: &str, rank: i64) -> Value {
    json!({"id": format!("01STATUS{rank}"), "name": name, "category": category, "rank": rank,
        "description": "", "created_at": "2021-08-17T13:28:57.801578Z",
        "updated_at": "2021-08-17T13:28:57.801578Z"})
}

pub(super) fn user(name: &str) -> Value {
    json!({"id": "01FCNDV6P870EA6S7TK1DSYDG0", "name": name, "email": "lisa@acme.example",
        "role": "viewer", "slack_user_id": "U02AYNF2XJM"})
}

/// A role that somebody has, or nobody.
pub(super) fn role(kind: &str, assignee: &Value) -> Value {
    json!({"assignee": assignee, "role": {"id": "01FH5TZRWMNAFB0DZ23FD1TV96", "name": kind,
        "role_type": kind, "shortform": kind, "description": "", "instructions": ""}})
}

/// Something that happened.
pub(super) fn moment(name: &str, at: &str) -> Value {
    json!({"incident_timestamp": {"id": "01FCNDV6P870EA6S7TK1DSYD5H", "name": name, "rank": 1},
        "value": {"value": at}})
}

/// An incident as the API tells of one.
pub(super) fn incident(number: usize, status: &Value, created: &str) -> Value {
    json!({
        "id": id(number), "name": format!("Database {number} is slow"),
        "reference": format!("INC-{number}"), "summary": "Queries wait",
        "incident_status": status, "severity": {"id": "01SEV3", "name": "Critical", "rank": 3},
        "incident_role_assignments": [role("lead", &Value::Null), role("reporter", &user("Ada Stone"))],
        "incident_timestamp_values": [],
        "custom_field_entries": [{
            "custom_field": {"id": "01FCNDV6P870EA6S7TK1DSYDG0", "name": "Affected services",
                "description": "", "field_type": "multi_select", "options": []},
            "values": [{"value_catalog_entry": {"id": "01FC", "name": "checkout"}},
                {"value_option": {"id": "01FD", "custom_field_id": "x", "sort_key": 1, "value": "search"}}],
        }],
        "incident_type": {"id": "01TYPE", "name": "Production"}, "team_ids": ["01TEAMSHOP1"],
        "mode": "standard", "visibility": "public",
        "permalink": format!("https://app.incident.io/acme/incidents/{number}"),
        "created_at": created, "updated_at": created, "last_activity_at": created,
        "slack_channel_id": "C02AW36C1M5", "slack_channel_name": "inc-1", "slack_team_id": "T02A1FSLE8J",
        "creator": {"user": user("Ada Stone")},
    })
}

pub(super) fn id(number: usize) -> String {
    format!("01FDAG4SAP5TYPT98{number:09}")
}

/// An order to an incident, seen so.
pub(super) fn order(number: usize, seen: Option<IncidentStatus>, deed: Deed) -> Order {
    stand_in::order(&id(number), "Database is slow", seen, deed)
}

impl stand_in::World for World {
    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        let answer = self.answer_to(request);
        let answer = answer.insert_header("date", "Sun, 22 Nov 2026 14:02:31 GMT");
        if self.silent && request.method.as_str() != "GET" {
            return answer.set_delay(Duration::from_secs(20));
        }
        answer
    }
}

fn refusal(status: u16, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({
        "type": "error", "status": status, "request_id": "8e3cc412",
        "errors": [{"code": "error", "message": message}],
    }))
}

impl World {
    fn answer_to(&mut self, request: &Request) -> ResponseTemplate {
        let path = request.url.path().to_owned();
        let authorization = request.headers.get("authorization");
        if authorization.is_none_or(|value| value != "Bearer s3cret-key") {
            return refusal(401, "No authorization material provided in request");
        }
        if let Some(answer) = stand_in::broken(&mut self.broken, &path) {
            return answer;
        }
        let ok = |body: Value| ResponseTemplate::new(200).set_body_json(body);
        let parts: Vec<_> = path.split('/').skip(1).collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["v2", "incidents"]) => self.list(request),
            ("GET", ["v2", "schedules"]) => {
                self.page(request, "schedules", self.schedules.clone(), 25)
            }
            ("GET", ["v2", "schedule_entries"]) => ok(json!({
                "schedule_entries": {"final": self.entries, "overrides": [], "scheduled": []}})),
            ("GET", ["v3", "teams"]) => {
                let teams = vec![json!({"id": "01TEAMSHOP1", "name": "Shop", "members": []})];
                self.page(request, "teams", teams, 100)
            }
            ("GET", ["v1", "severities"]) => ok(json!({"severities": self.severities})),
            ("GET", ["v1", "incident_statuses"]) => ok(json!({"incident_statuses": self.statuses})),
            ("GET", ["v2", "incidents", id]) => {
                self.looks += 1;
                if self.surprise.is_some_and(|looks| looks < self.looks) {
                    self.change(id, "01STATUS9");
                }
                self.one(id)
            }
            ("POST", ["v2", "incidents", id, "actions", "edit"]) => {
                let body: Value = request.body_json().unwrap();
                if !body["notify_incident_channel"].is_boolean() {
                    return refusal(422, "notify_incident_channel is required");
                }
                let to = body["incident"]["incident_status_id"]
                    .as_str()
                    .unwrap_or_default();
                self.change(id, to);
                self.one(id)
            }
            ("POST", ["v2", "incident_updates"]) => {
                let body: Value = request.body_json().unwrap();
                if body["idempotency_key"].as_str().is_none_or(str::is_empty) {
                    return refusal(422, "idempotency_key is required");
                }
                ResponseTemplate::new(201).set_body_json(json!({"incident_update": body}))
            }
            _ => refusal(404, "Not Found"),
        }
    }

    fn list(&mut self, request: &Request) -> ResponseTemplate {
        let categories = values(request, "status_category[one_of]");
        let since = values(request, "updated_at[gte]").into_iter().next();
        let mut rows = self.incidents.clone();
        rows.retain(|row| match row["incident_status"]["category"].as_str() {
            // One that we do not know of is listed with the open ones.
            None | Some("pondering") => categories.iter().any(|one| one == "live"),
            Some(category) => categories.iter().any(|one| one == category),
        });
        rows.retain(|row| {
            let updated = row["updated_at"].as_str().unwrap_or("9999");
            since.as_deref().is_none_or(|since| updated >= since)
        });
        self.page(request, "incidents", rows, 250)
    }

    fn page(
        &self,
        request: &Request,
        key: &str,
        rows: Vec<Value>,
        most: usize,
    ) -> ResponseTemplate {
        let size = values(request, "page_size")
            .first()
            .and_then(|size| size.parse().ok());
        let size = size.unwrap_or(25_usize);
        if size > most {
            return refusal(422, "page_size is too large");
        }
        let after = values(request, "after").into_iter().next();
        let first = after.filter(|_| !self.repeats).map_or(0, |after| {
            rows.iter()
                .position(|row| row["id"] == after.as_str())
                .map_or(0, |at| at + 1)
        });
        let total = rows.len();
        let page: Vec<_> = rows.into_iter().skip(first).take(size).collect();
        let last = page.last().map(|row| row["id"].clone());
        let has_more = first + page.len() < total || self.repeats;
        let mut meta = json!({"page_size": size});
        if !self.repeats {
            meta["total_record_count"] = json!(total);
        }
        if let Some(last) = last.filter(|_| has_more) {
            meta["after"] = last;
        }
        ResponseTemplate::new(200).set_body_json(json!({key: page, "pagination_meta": meta}))
    }

    fn one(&self, id: &str) -> ResponseTemplate {
        match self.incidents.iter().find(|row| row["id"] == id) {
            Some(row) => ResponseTemplate::new(200).set_body_json(json!({"incident": row})),
            None => refusal(404, "Not Found"),
        }
    }

    fn change(&mut self, id: &str, to: &str) {
        let to = self
            .statuses
            .iter()
            .find(|status| status["id"] == to)
            .cloned();
        if let Some(row) = self.incidents.iter_mut().find(|row| row["id"] == id) {
            row["incident_status"] = to.unwrap_or_default();
            row["updated_at"] = json!("2026-11-22T14:01:00Z");
            row["incident_timestamp_values"] =
                json!([moment("Resolved at", "2026-11-22T14:01:00Z")]);
        }
    }
}
