//! A site that behaves as the vendor's description says: pages, queued actions, schedules.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

use crate::config::{Auth, SecretRef};
use crate::source::jsm::{Jsm, KIND, open};
use crate::source::tests::stand_in::{self, Instead, token};

/// What stands before every path.
pub(super) const SITE: &str = "/jsm/ops/api/site-1";
/// The same for OAuth tokens.
const OAUTH_SITE: &str = "/ex/jira/site-1/jsm/ops/api";
pub(super) const ID: &str = "9b251e07-73c9-4907-9996-8cb53a6a20d0-1704440650350";

/// What the site knows, and how it behaves.
#[derive(Default)]
pub(super) struct State {
    pub(super) alerts: Vec<Value>,
    pub(super) schedules: Vec<Value>,
    pub(super) on_calls: Value,
    pub(super) timeline: Value,
    pub(super) teams: Value,
    pub(super) escalations: Vec<Value>,
    pub(super) people: HashMap<String, String>,
    /// True when the way for OAuth tokens is open.
    pub(super) takes_oauth: bool,
    /// The most rows of a page, whatever is asked for.
    pub(super) page: usize,
    /// The next page is always the one that is given.
    pub(super) repeats: bool,
    /// Answers instead, by the beginning of a path and how many requests go well before.
    pub(super) instead: Vec<Instead>,
    /// How often an action is still queued when it is asked for, and what it comes to then.
    pub(super) queued: usize,
    pub(super) refuses: Option<String>,
    /// How an action is answered, instead of by 202.
    pub(super) to_action: Option<ResponseTemplate>,
    pub(super) actions: Vec<(String, Value)>,
    pub(super) asked: Vec<String>,
}

/// A running stand-in.
pub(super) type StandIn = stand_in::StandIn<State>;

impl StandIn {
    pub(super) async fn start(state: State) -> Self {
        Self::of(state).await
    }

    /// The source, with an API token.
    pub(super) fn source(&self) -> Jsm {
        let options = "cloud_id = \"site-1\"\nemail = \"mara@acme.example\"";
        self.source_with(options, token("s3cret-token"))
    }

    /// The source with this login.
    pub(super) fn source_with(&self, options: &str, auth: Auth) -> Jsm {
        let mut jsm = open(&self.settings(&KIND, options, auth, 2_000)).unwrap();
        jsm.patience = Duration::from_millis(500);
        jsm
    }

    /// The paths that were asked for, below the site.
    pub(super) fn paths(&self) -> Vec<String> {
        self.world().asked.clone()
    }
}

/// Where a token is.
pub(super) fn secret() -> SecretRef {
    SecretRef::Command(["echo", "s3cret-token"].map(str::to_owned).to_vec())
}

/// An open alert that nobody has.
pub(super) fn alert(id: &str, created_at: &str) -> Value {
    json!({
        "id": id, "tinyId": "1234", "createdAt": created_at, "updatedAt": created_at,
        "message": "CPU above 80%", "entity": "checkout", "source": "DBMonitoringTool",
        "status": "open", "alias": "cpu", "tags": ["Critical"], "acknowledged": false, "count": 3,
        "owner": "", "snoozed": false, "lastOccuredAt": created_at, "integrationType": "API",
        "integrationName": "Default API", "priority": "P1", "actions": [], "seen": false,
        "responders": [{"id": "team-1", "type": "team"}],
    })
}

impl stand_in::World for State {
    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        let state = self;
        let path = request.url.path().to_owned();
        let site = if path.starts_with(OAUTH_SITE) && state.takes_oauth {
            OAUTH_SITE
        } else {
            SITE
        };
        let below = path.strip_prefix(site).unwrap_or(&path).to_owned();
        state.asked.push(below.clone());
        let is_meant = |beginning: &str| below.starts_with(beginning);
        if let Some(answer) = stand_in::instead(&mut state.instead, is_meant) {
            return answer;
        }
        let steps: Vec<&str> = below.trim_matches('/').split('/').collect();
        let query: HashMap<String, String> = request.url.query_pairs().into_owned().collect();
        match (request.method.as_str(), steps.as_slice()) {
            ("GET", ["v1", "alerts"]) => {
                let is_open = |alert: &&Value| alert["status"] != "closed";
                let all = state.alerts.iter();
                let listed: Vec<Value> = match query.get("query").map(String::as_str) {
                    Some("status:open") => all.filter(is_open).cloned().collect(),
                    None => all.cloned().collect(),
                    Some(other) => return refusal(400, &format!("bad query {other}")),
                };
                state.list(&listed, &query, "/v1/alerts", true)
            }
            ("GET", ["v1", "alerts", "requests", _]) => state.request(),
            ("GET", ["v1", "alerts", id]) => {
                let mut alerts = state.alerts.iter();
                let found = alerts.find(|alert| alert["id"] == *id);
                found.map_or_else(|| refusal(404, "no such alert"), ok)
            }
            ("POST", ["v1", "alerts", _, word]) => {
                let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
                state.actions.push(((*word).to_owned(), body));
                let queued = json!({"result": "Request will be processed", "requestId": "r-1"});
                let accepted = ResponseTemplate::new(202).set_body_json(queued);
                state.to_action.clone().unwrap_or(accepted)
            }
            ("GET", ["v1", "schedules"]) => {
                let listed = state.schedules.clone();
                state.list(&listed, &query, "/v1/schedules", false)
            }
            ("GET", ["v1", "schedules", _, "on-calls"]) => ok(&state.on_calls),
            ("GET", ["v1", "schedules", _, "timeline"]) => ok(&state.timeline),
            ("GET", ["v1", "teams"]) if state.teams.is_null() => ok(&json!({})),
            ("GET", ["v1", "teams"]) => ok(&state.teams),
            ("GET", ["v1", "teams", _, "escalations"]) => {
                let listed = state.escalations.clone();
                state.list(&listed, &query, "/v1/teams/t/escalations", false)
            }
            ("GET", ["ex", "jira", "site-1", "rest", ..]) => {
                let pairs = request.url.query_pairs();
                let ids = pairs.filter(|(name, _)| name == "accountId");
                let named = ids.filter_map(|(_, id)| {
                    let name = state.people.get(&*id)?;
                    Some(json!({"accountId": id, "displayName": name}))
                });
                ok(&json!({ "values": named.collect::<Vec<_>>() }))
            }
            _ => refusal(404, "no such path"),
        }
    }
}

impl State {
    fn list(
        &self,
        all: &[Value],
        query: &HashMap<String, String>,
        path: &str,
        is_counted: bool,
    ) -> ResponseTemplate {
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
        let offset = number("offset").unwrap_or(0);
        let asked = number("size").unwrap_or(20);
        // The vendor's description: 100 for alerts, 50 for schedules.
        if asked > if is_counted { 100 } else { 50 } {
            return refusal(422, "size is too large");
        }
        let most = if self.page == 0 { 100 } else { self.page };
        let size = asked.min(most);
        let rows: Vec<&Value> = all.iter().skip(offset).take(size).collect();
        let end = if self.repeats {
            offset
        } else {
            offset + rows.len()
        };
        let next = (end < all.len()).then(|| format!("{path}?offset={end}&size={size}"));
        let mut page = json!({"values": rows, "links": {"next": next}});
        if is_counted {
            page["count"] = all.len().into();
        }
        ok(&page)
    }

    fn request(&mut self) -> ResponseTemplate {
        if self.queued > 0 {
            self.queued -= 1;
            return refusal(404, "request not found");
        }
        let why = self.refuses.clone();
        ok(&json!({
            "action": "Acknowledge", "isSuccess": why.is_none(), "alertId": ID,
            "status": why.unwrap_or_else(|| "done".to_owned()),
        }))
    }
}

fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn refusal(status: u16, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({ "message": message, "took": 0.1 }))
}
