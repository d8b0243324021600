//! A stack that behaves as the API's reference says: lists by state in pages, and actions.

use serde_json::{Value, json};
use std::collections::HashMap;
use wiremock::{Request, ResponseTemplate};

use crate::config::Settings;
use crate::source::Source;
use crate::source::grafana_irm::KIND;
use crate::source::tests::stand_in::{self, Instead, token};

/// What the stack knows, and how it behaves.
#[derive(Default)]
pub(super) struct State {
    pub(super) groups: Vec<Value>,
    pub(super) schedules: Vec<Value>,
    pub(super) shifts: Vec<Value>,
    pub(super) users: Vec<Value>,
    pub(super) teams: Vec<Value>,
    pub(super) integrations: Vec<Value>,
    /// How many rows a page has; 50 for 0.
    pub(super) page: usize,
    /// The next page is always the one that is given.
    pub(super) repeats: bool,
    /// Where links to next pages lead, when not here.
    pub(super) elsewhere: Option<String>,
    /// Answers instead, by what a path or its query holds and how many requests go well before.
    pub(super) instead: Vec<Instead>,
    /// How an action is answered, instead of by 200.
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

    /// The source with these settings, and a key.
    pub(super) fn source(&self, options: &str) -> Box<dyn Source> {
        let settings = self.settings(&KIND, options, token("s3cret-key"), 2_000);
        (KIND.build)(&settings, &Settings::empty()).unwrap().source
    }

    /// The lists of groups that were asked for, by their queries.
    pub(super) fn lists(&self) -> Vec<String> {
        let asked = self.world().asked.clone();
        let lists = asked.into_iter().filter_map(|asked| {
            let query = asked.strip_prefix("/api/v1/alert_groups/?")?;
            Some(query.to_owned())
        });
        lists.collect()
    }
}

/// A group in this state, as the reference shows one.
pub(super) fn group(id: &str, state: &str) -> Value {
    let is = |word: &str, at: &str| (state == word).then(|| at.to_owned());
    json!({
        "id": id, "integration_id": "CINT1", "route_id": "RROUTE1", "team_id": "TTEAM1",
        "alerts_count": 3, "state": state, "created_at": "2026-11-22T13:00:00.430444Z",
        "resolved_at": is("resolved", "2026-11-22T13:30:00Z"), "resolved_by": null,
        "acknowledged_at": is("acknowledged", "2026-11-22T13:05:00Z"),
        "acknowledged_by": is("acknowledged", "UMARA"),
        "silenced_at": is("silenced", "2026-11-22T13:10:00Z"),
        "title": "Memory above 90% threshold", "labels": [],
        "permalinks": {"slack": "https://acme.slack.com/archives/C1/p1", "web": null},
        "last_alert": {"id": "A1", "alert_group_id": id, "created_at": "2026-11-22T13:00:00Z",
                       "payload": {"state": "alerting", "title": "[Alerting] Memory",
                                   "labels": {"severity": "critical"}}},
    })
}

pub(super) fn named(id: &str, key: &str, name: &str) -> Value {
    json!({"id": id, key: name})
}

impl stand_in::World for State {
    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        let state = self;
        let path = request.url.path().to_owned();
        let asked = match request.url.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.clone(),
        };
        state.asked.push(asked.clone());
        if let Some(answer) = stand_in::instead(&mut state.instead, |part| asked.contains(part)) {
            return answer;
        }
        let query: HashMap<String, String> = request.url.query_pairs().into_owned().collect();
        let steps: Vec<&str> = path.trim_matches('/').split('/').skip(2).collect();
        let list = |state: &State, rows: &[Value]| state.list(rows, request, &query);
        match (request.method.as_str(), steps.as_slice()) {
            ("GET", ["alert_groups"]) => {
                let rows = state.sifted(&query);
                list(state, &rows)
            }
            ("GET", ["alert_groups", id]) => {
                let found = state.groups.iter().find(|group| group["id"] == *id);
                let missing = json!({"detail": "Not found."});
                let missing = ResponseTemplate::new(404).set_body_json(missing);
                found.map_or(missing, |group| {
                    ResponseTemplate::new(200).set_body_json(group)
                })
            }
            ("POST", steps) => {
                let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
                state.actions.push((steps.join("/"), body));
                let done = ResponseTemplate::new(200);
                state.to_action.clone().unwrap_or(done)
            }
            ("GET", ["schedules"]) => list(state, &state.schedules.clone()),
            ("GET", ["schedules", _, "final_shifts"]) => list(state, &state.shifts.clone()),
            ("GET", ["users"]) => list(state, &state.users.clone()),
            ("GET", ["teams"]) => list(state, &state.teams.clone()),
            ("GET", ["integrations"]) => list(state, &state.integrations.clone()),
            _ => ResponseTemplate::new(404),
        }
    }
}

impl State {
    /// The groups that a query asks for; `new` finds what calls itself `firing` as well.
    fn sifted(&self, query: &HashMap<String, String>) -> Vec<Value> {
        let is = |group: &Value, key: &str| {
            let wanted = query.get(key);
            wanted.is_none_or(|wanted| group[key] == *wanted)
        };
        let known = ["acknowledged", "resolved", "silenced"];
        let wanted = query.get("state").map(String::as_str);
        let groups = self.groups.iter().filter(|group| {
            let state = group["state"].as_str().unwrap_or("");
            let is_state = match wanted {
                None => true,
                Some("new") => !known.contains(&state),
                Some(wanted) => state == wanted,
            };
            is_state && is(group, "team_id") && is(group, "integration_id")
        });
        groups.cloned().collect()
    }

    fn list(
        &self,
        all: &[Value],
        request: &Request,
        query: &HashMap<String, String>,
    ) -> ResponseTemplate {
        let page: usize = query
            .get("page")
            .and_then(|page| page.parse().ok())
            .unwrap_or(1);
        let size = if self.page == 0 { 50 } else { self.page };
        let rows: Vec<&Value> = all.iter().skip((page - 1) * size).take(size).collect();
        let next = (page * size < all.len()).then(|| {
            let mut link = request.url.clone();
            let number = if self.repeats { page } else { page + 1 };
            let others = query.iter().filter(|(name, _)| *name != "page");
            let others: Vec<_> = others.collect();
            link.query_pairs_mut()
                .clear()
                .extend_pairs(others)
                .append_pair("page", &number.to_string());
            let host = request.headers.get("host").unwrap().to_str().unwrap();
            let own = format!("http://{host}");
            let origin = self.elsewhere.as_deref().unwrap_or(&own);
            format!("{origin}{}?{}", link.path(), link.query().unwrap_or(""))
        });
        ResponseTemplate::new(200).set_body_json(json!({
            "count": all.len(), "next": next, "previous": null, "results": rows,
            "current_page_number": page, "page_size": size,
            "total_pages": all.len().div_ceil(size),
        }))
    }
}
