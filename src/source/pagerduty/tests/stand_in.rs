//! A `PagerDuty` that remembers: an acknowledged incident is acknowledged in its next answer.

use std::time::Duration;

use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

use crate::config::{Me, Settings};
use crate::domain::{Deed, IncidentStatus, Order};
use crate::source::Source;
use crate::source::fixture::build;
use crate::source::tests::stand_in::{self, Broken, token, values};

use super::super::KIND;

/// What the account holds, and how it behaves.
pub(super) struct World {
    pub(super) incidents: Vec<Value>,
    pub(super) services: Vec<Value>,
    pub(super) teams: Vec<Value>,
    pub(super) priorities: Vec<Value>,
    /// Shifts of all times; those are listed that touch the span asked for.
    pub(super) oncalls: Vec<Value>,
    /// By the id of the incident.
    pub(super) logs: Vec<(&'static str, Value)>,
    /// The present, by the server's clock.
    pub(super) now: &'static str,
    /// What the key must be.
    pub(super) read_only: bool,
    /// Whose key it is: `None` for a key of the account.
    pub(super) key_of: Option<&'static str>,
    /// What goes wrong, each once.
    pub(super) broken: Vec<Broken>,
    /// What every answer says of the limits.
    pub(super) limits: Vec<(&'static str, &'static str)>,
    /// Whatever is asked, the same page.
    pub(super) repeats: bool,
    /// Writes are carried out, and the answer comes too late.
    pub(super) silent: bool,
    /// What happens to the world after so many looks at one incident.
    pub(super) surprise: Option<(usize, &'static str)>,
    looks: usize,
}

/// The server and its world.
pub(super) type StandIn = stand_in::StandIn<World>;

impl StandIn {
    pub(super) async fn start() -> Self {
        let world = World {
            incidents: Vec::new(),
            services: vec![
                service("PSVC001", "checkout", "PPOL001"),
                service("PSVC002", "search", "PPOL002"),
            ],
            teams: vec![
                json!({"id": "PTEAM01", "type": "team", "summary": "Shop", "name": "Shop"}),
            ],
            priorities: Vec::new(),
            oncalls: Vec::new(),
            logs: Vec::new(),
            now: "2026-11-22T14:02:31Z",
            read_only: false,
            key_of: None,
            broken: Vec::new(),
            limits: Vec::new(),
            repeats: false,
            silent: false,
            surprise: None,
            looks: 0,
        };
        Self::of(world).await
    }

    /// A source of it, with a key and `[me].email`.
    pub(super) fn source(&self, options: &str) -> Box<dyn Source> {
        self.source_of(options, Some("mara@acme.example"))
    }

    pub(super) fn source_of(&self, options: &str, email: Option<&str>) -> Box<dyn Source> {
        let settings = self.settings(&KIND, options, token("s3cret-key"), 700);
        let all = Settings {
            me: Me {
                email: email.map(str::to_owned),
                ..Me::default()
            },
            ..Settings::empty()
        };
        (KIND.build)(&settings, &all).unwrap().source
    }
}

/// A source without a server.
pub(super) fn problem(options: &str) -> String {
    build(&KIND, None, options).err().unwrap().message
}

pub(super) fn service(id: &str, name: &str, policy: &str) -> Value {
    json!({
        "id": id, "type": "service", "summary": name, "name": name, "status": "active",
        "created_at": "2015-11-06T11:12:51-05:00",
        "escalation_policy": {"id": policy, "type": "escalation_policy_reference", "summary": policy},
        "teams": [{"id": "PTEAM01", "type": "team_reference", "summary": "Shop"}],
    })
}

pub(super) fn user(id: &str, name: &str) -> Value {
    json!({
        "id": id, "type": "user_reference", "summary": name,
        "self": format!("https://api.pagerduty.com/users/{id}"),
        "html_url": format!("https://acme.pagerduty.com/users/{id}"),
    })
}

/// An incident as the API tells of one.
pub(super) fn incident(id: &str, status: &str, created: &str) -> Value {
    json!({
        "id": id, "type": "incident", "summary": format!("[#1] {id} burns"),
        "self": format!("https://api.pagerduty.com/incidents/{id}"),
        "html_url": format!("https://acme.pagerduty.com/incidents/{id}"),
        "incident_number": 1234, "title": format!("{id} burns"),
        "created_at": created, "updated_at": created, "status": status,
        "incident_key": "baf7cf21b1da41b4b0221008339ff357",
        "service": {"id": "PSVC001", "type": "service_reference", "summary": "checkout",
            "self": null, "html_url": null},
        "assignments": [{"at": created, "assignee": user("PUSER01", "Mara Lind")}],
        "assigned_via": "escalation_policy", "last_status_change_at": created, "resolved_at": null,
        "alert_counts": {"all": 2, "triggered": 2, "resolved": 0}, "is_mergeable": true,
        "escalation_policy": {"id": "PPOL001", "type": "escalation_policy_reference",
            "summary": "Shop escalation", "self": null, "html_url": null},
        "teams": [{"id": "PTEAM01", "type": "team_reference", "summary": "Shop", "self": null,
            "html_url": null}],
        "pending_actions": [], "acknowledgements": [], "priority": null, "resolve_reason": null,
        "incidents_responders": [], "responder_requests": [], "urgency": "high",
        "last_status_change_by": {"id": "PSVC001", "type": "service_reference",
            "summary": "checkout"},
    })
}

/// The same, resolved.
pub(super) fn resolved(id: &str, created: &str, at: &str) -> Value {
    let mut row = incident(id, "resolved", created);
    row["assignments"] = json!([]);
    row["resolved_at"] = json!(at);
    row["last_status_change_at"] = json!(at);
    row
}

/// A shift at a step of a policy; without a schedule when its name is empty.
pub(super) fn shift(
    policy: &str,
    schedule: &str,
    level: u32,
    who: (&str, &str),
    span: [Option<&str>; 2],
) -> Value {
    let reference = json!({"id": format!("PSCH{}", schedule.to_uppercase()),
        "type": "schedule_reference", "summary": schedule});
    json!({
        "escalation_policy": {"id": policy, "type": "escalation_policy_reference",
            "summary": format!("{policy} policy")},
        "user": user(who.0, who.1),
        "schedule": if schedule.is_empty() { Value::Null } else { reference },
        "escalation_level": level, "start": span[0], "end": span[1],
    })
}

/// An order to the incident `id`, seen so.
pub(super) fn order(id: &str, seen: Option<IncidentStatus>, deed: Deed) -> Order {
    stand_in::order(id, &format!("{id} burns"), seen, deed)
}

impl stand_in::World for World {
    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        let answer = self.answer_to(request);
        let dated = self.now.parse::<jiff::Timestamp>().unwrap();
        let dated = dated.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let answer = answer.insert_header("date", dated.as_str());
        let answer = self.limits.iter().fold(answer, |answer, (name, value)| {
            answer.insert_header(*name, *value)
        });
        if self.silent && request.method.as_str() != "GET" {
            return answer.set_delay(Duration::from_secs(20));
        }
        answer
    }
}

fn refusal(status: u16, code: u32, message: &str) -> ResponseTemplate {
    let error = json!({"error": {"message": message, "code": code, "errors": [message]}});
    ResponseTemplate::new(status).set_body_json(error)
}

impl World {
    fn answer_to(&mut self, request: &Request) -> ResponseTemplate {
        let header = |name: &str| {
            let value = request.headers.get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let path = request.url.path().to_owned();
        if header("authorization").as_deref() != Some("Token token=s3cret-key") {
            return refusal(401, 2006, "Unauthorized");
        }
        if header("accept").as_deref() != Some("application/vnd.pagerduty+json;version=2")
            || header("content-type").as_deref() != Some("application/json")
        {
            return refusal(406, 2100, "Not Acceptable");
        }
        if let Some(answer) = stand_in::broken(&mut self.broken, &path) {
            return answer;
        }
        let parts: Vec<_> = path.split('/').skip(1).collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["incidents"]) => self.list(request),
            ("GET", ["services"]) => self.page(request, "services", self.services.clone()),
            ("GET", ["teams"]) => self.page(request, "teams", self.teams.clone()),
            ("GET", ["priorities"]) => self.page(request, "priorities", self.priorities.clone()),
            ("GET", ["oncalls"]) => self.on_calls(request),
            ("GET", ["users", "me"]) => match self.key_of {
                Some(email) => ResponseTemplate::new(200)
                    .set_body_json(json!({"user": {"id": "PUSER01", "email": email}})),
                None => refusal(400, 2001, "Not a user token"),
            },
            ("GET", ["incidents", id, "log_entries"]) => {
                let logs = self.logs.iter().filter(|(of, _)| of == id);
                let logs = logs.map(|(_, entry)| entry.clone()).collect();
                self.page(request, "log_entries", logs)
            }
            (method, ["incidents", id, rest @ ..]) => {
                let from = header("from").filter(|from| from.contains('@'));
                self.one(method, id, rest, from.is_some(), request)
            }
            _ => refusal(404, 2100, "Not Found"),
        }
    }

    fn list(&mut self, request: &Request) -> ResponseTemplate {
        let word = |name: &str| values(request, name).into_iter().next();
        let statuses = values(request, "statuses[]");
        let services = values(request, "service_ids[]");
        let teams = values(request, "team_ids[]");
        let all = word("date_range").as_deref() == Some("all");
        let has = |list: &[String], value: &Value| {
            list.is_empty() || list.iter().any(|one| Some(one.as_str()) == value.as_str())
        };
        let created = |row: &Value| row["created_at"].as_str().unwrap_or_default().to_owned();
        let since = word("since").filter(|_| !all);
        let until = word("until").filter(|_| !all);
        let mut rows: Vec<_> = self.incidents.clone();
        // A status that we do not know of is listed with the open ones.
        rows.retain(|row| match row["status"].as_str() {
            Some("resolved") => statuses.iter().any(|word| word == "resolved"),
            _ => statuses.iter().any(|word| word == "triggered"),
        });
        rows.retain(|row| has(&services, &row["service"]["id"]));
        rows.retain(|row| has(&teams, &row["teams"][0]["id"]));
        rows.retain(|row| since.as_ref().is_none_or(|since| created(row) >= *since));
        rows.retain(|row| until.as_ref().is_none_or(|until| created(row) <= *until));
        let key = match word("sort_by").as_deref() {
            Some("resolved_at:desc") => "resolved_at",
            _ => "created_at",
        };
        rows.sort_by_key(|row| std::cmp::Reverse(row[key].as_str().unwrap_or_default().to_owned()));
        self.page(request, "incidents", rows)
    }

    fn on_calls(&mut self, request: &Request) -> ResponseTemplate {
        let word = |name: &str| values(request, name).into_iter().next();
        let policies = values(request, "escalation_policy_ids[]");
        let since = word("since").unwrap_or_else(|| self.now.to_owned());
        let until = word("until").unwrap_or_else(|| self.now.to_owned());
        let mut rows = self.oncalls.clone();
        rows.retain(|row| {
            policies.is_empty()
                || policies
                    .iter()
                    .any(|id| Some(id.as_str()) == row["escalation_policy"]["id"].as_str())
        });
        rows.retain(|row| {
            row["start"]
                .as_str()
                .is_none_or(|start| start <= until.as_str())
                && row["end"].as_str().is_none_or(|end| end > since.as_str())
        });
        self.page(request, "oncalls", rows)
    }

    fn page(&self, request: &Request, key: &str, rows: Vec<Value>) -> ResponseTemplate {
        let number = |name: &str| -> Option<usize> { values(request, name).first()?.parse().ok() };
        let limit = number("limit").unwrap_or(25).min(100);
        let offset = if self.repeats {
            0
        } else {
            number("offset").unwrap_or(0)
        };
        if offset + limit > 10_000 {
            return refusal(400, 2001, "Offset is too large");
        }
        let total = values(request, "total").contains(&"true".to_owned());
        let total = total.then_some(rows.len());
        let more = self.repeats || rows.len() > offset + limit;
        let rows: Vec<_> = rows.into_iter().skip(offset).take(limit).collect();
        let body =
            json!({key: rows, "limit": limit, "offset": offset, "more": more, "total": total});
        ResponseTemplate::new(200).set_body_json(body)
    }

    fn one(
        &mut self,
        method: &str,
        id: &str,
        rest: &[&str],
        is_signed: bool,
        request: &Request,
    ) -> ResponseTemplate {
        if method == "GET" {
            self.looks += 1;
            if let Some((_, status)) = self.surprise.filter(|(looks, _)| *looks < self.looks) {
                self.change(id, status, "Lee Wu");
            }
        }
        if !self.incidents.iter().any(|row| row["id"] == id) {
            return refusal(404, 2100, "Not Found");
        }
        if method != "GET" {
            if self.read_only {
                return refusal(403, 2010, "Access Denied");
            }
            if !is_signed {
                return refusal(400, 2100, "Requester User Not Found");
            }
            let body: Value = request.body_json().unwrap_or_default();
            match (method, rest) {
                ("PUT", []) => {
                    if let Some(status) = body["incident"]["status"].as_str() {
                        self.change(id, status, "Mara Lind");
                    }
                    if let Some(level) = body["incident"]["escalation_level"].as_u64() {
                        self.escalate(id, level);
                    }
                }
                ("POST", ["snooze"]) => {
                    let seconds = body["duration"]
                        .as_i64()
                        .filter(|s| (1..=604_800).contains(s));
                    let Some(seconds) = seconds else {
                        return refusal(400, 2001, "Invalid Input Provided");
                    };
                    self.change(id, "acknowledged", "Mara Lind");
                    let now: jiff::Timestamp = self.now.parse().unwrap();
                    let at = now + jiff::SignedDuration::from_secs(seconds);
                    let row = self.row(id);
                    row["pending_actions"] =
                        json!([{"type": "unacknowledge", "at": at.to_string()}]);
                    let row = row.clone();
                    return ResponseTemplate::new(201).set_body_json(json!({"incident": row}));
                }
                ("POST", ["notes"]) => {
                    let note = json!({"note": {"id": "PNOTE01", "content": body["note"]["content"],
                        "user": user("PUSER01", "Mara Lind"), "created_at": self.now}});
                    return ResponseTemplate::new(200).set_body_json(note);
                }
                _ => return refusal(404, 2100, "Not Found"),
            }
        }
        ResponseTemplate::new(200).set_body_json(json!({"incident": self.row(id)}))
    }

    fn row(&mut self, id: &str) -> &mut Value {
        self.incidents
            .iter_mut()
            .find(|row| row["id"] == id)
            .unwrap()
    }

    fn change(&mut self, id: &str, status: &str, by: &str) {
        let now = self.now;
        let row = self.row(id);
        row["status"] = json!(status);
        row["last_status_change_at"] = json!(now);
        row["last_status_change_by"] = user("PUSER09", by);
        row["acknowledgements"] = json!([]);
        row["pending_actions"] = json!([]);
        row["resolved_at"] = Value::Null;
        match status {
            "acknowledged" => {
                row["acknowledgements"] = json!([{"at": now, "acknowledger": user("PUSER09", by)}]);
            }
            "resolved" => {
                row["resolved_at"] = json!(now);
                row["assignments"] = json!([]);
            }
            _ => {}
        }
    }

    fn escalate(&mut self, id: &str, level: u64) {
        let policy = self.row(id)["escalation_policy"]["id"].clone();
        let there = self.oncalls.iter().filter(|shift| {
            shift["escalation_policy"]["id"] == policy && shift["escalation_level"] == level
        });
        let now = self.now;
        let assigned: Vec<_> = there
            .map(|shift| json!({"at": now, "assignee": shift["user"]}))
            .collect();
        let row = self.row(id);
        row["assignments"] = json!(assigned);
        row["status"] = json!("triggered");
    }
}
