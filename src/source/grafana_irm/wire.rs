//! What Grafana's `OnCall` and IRM public API sends: the fields that are read.
//!
//! Shapes: grafana/oncall, `docs/sources/oncall-api-reference/` (`alertgroups.md`, `schedules.md`,
//! `users.md`, `teams.md`, `integrations.md`). `team_id` and `labels` of an alert group are sent by
//! the newest open version (1.16) without being in those pages. What is absent may be null as well.

use crate::source::kit::lenient_wire::or_default;
use serde::Deserialize;
use serde_json::Value;

/// An alert group.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) integration_id: Option<String>,
    pub(super) route_id: Option<String>,
    pub(super) team_id: Option<String>,
    pub(super) alerts_count: Option<u64>,
    /// `new` or `firing`, `acknowledged`, `silenced`, `resolved`, or whatever comes later.
    pub(super) state: Option<String>,
    pub(super) created_at: Option<String>,
    pub(super) acknowledged_at: Option<String>,
    /// The id of a user; an object with it is taken as well.
    pub(super) acknowledged_by: Option<Value>,
    pub(super) resolved_at: Option<String>,
    pub(super) resolved_by: Option<Value>,
    pub(super) silenced_at: Option<String>,
    pub(super) title: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) permalinks: serde_json::Map<String, Value>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) labels: Vec<Label>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) last_alert: LastAlert,
}

/// A label of an alert group.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Label {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) key: Word,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) value: Word,
}

/// Half of a label.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Word {
    pub(super) name: Option<String>,
}

/// The newest alert of a group: `payload` is what the monitoring system sent.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct LastAlert {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) payload: Value,
}

/// A schedule.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Schedule {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) team_id: Option<String>,
    /// Ids of users.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) on_call_now: Vec<Value>,
}

/// A shift: `GET /api/v1/schedules/{id}/final_shifts`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Shift {
    pub(super) user_pk: Option<String>,
    pub(super) user_email: Option<String>,
    pub(super) user_username: Option<String>,
    #[serde(rename = "shift_start")]
    pub(super) start: Option<String>,
    #[serde(rename = "shift_end")]
    pub(super) end: Option<String>,
}

/// A user, a team or an integration: an id and what it is called.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Named {
    pub(super) id: String,
    pub(super) username: Option<String>,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
}

/// The id of a user, as a text or inside of an object.
pub(super) fn user_id(value: &Value) -> Option<&str> {
    match value {
        Value::String(id) => Some(id.as_str()).filter(|id| !id.is_empty()),
        Value::Object(fields) => ["id", "pk"]
            .into_iter()
            .find_map(|key| fields.get(key)?.as_str()),
        _ => None,
    }
}
