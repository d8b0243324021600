//! What Jira Service Management's operations API sends: the fields that are read.
//!
//! Shapes: the vendor's description "JSM Operations API", version 1
//! (<https://developer.atlassian.com/cloud/jira/service-desk-ops/swagger.v3.json>), schemas
//! `AlertResponse`, `ListSchedulesResponse`, `OnCallParticipants`, `ScheduleTimelineResponse`,
//! `SuccessResponse` and `GetRequestStatusResponse`. It requires nothing of an answer, so nothing is
//! required here but the id of a row; what is absent may be null as well.

use std::collections::BTreeMap;

use crate::source::kit::lenient_wire::or_default;
use serde::Deserialize;
use serde_json::Value;

/// An alert.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Alert {
    pub(super) id: String,
    /// What people call it; a text, and numbers are taken as well.
    pub(super) tiny_id: Option<Value>,
    pub(super) message: Option<String>,
    /// `open`, `acked`, `resolved`, `snoozed`, `closed`, or whatever comes later.
    pub(super) status: Option<String>,
    pub(super) acknowledged: Option<bool>,
    pub(super) snoozed: Option<bool>,
    pub(super) snoozed_until: Option<String>,
    pub(super) created_at: Option<String>,
    pub(super) updated_at: Option<String>,
    pub(super) ack_time: Option<String>,
    pub(super) close_time: Option<String>,
    /// The vendor's own spelling, and the right one.
    #[serde(alias = "lastOccuredAt")]
    pub(super) last_occurred_at: Option<String>,
    /// A display name; accounts have been seen to send an address.
    pub(super) owner: Option<String>,
    pub(super) priority: Option<String>,
    pub(super) entity: Option<String>,
    pub(super) source: Option<String>,
    pub(super) alias: Option<String>,
    pub(super) description: Option<String>,
    pub(super) integration_name: Option<String>,
    pub(super) count: Option<u64>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) tags: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) extra_properties: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) responders: Vec<Responder>,
}

/// Somebody, or something that leads to somebody: `user`, `team`, `escalation`, `schedule`, `noone`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Responder {
    pub(super) id: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
}

/// A schedule.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Schedule {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) enabled: Option<bool>,
}

/// Who is on call: `onCallParticipants`, or `onCallUsers` where a flat answer was asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OnCalls {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) on_call_participants: Vec<Participant>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) on_call_users: Vec<String>,
}

/// One on call, or a team or an escalation with those behind it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Participant {
    #[serde(flatten)]
    pub(super) responder: Responder,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) on_call_participants: Vec<Participant>,
}

/// Who has which time of a schedule.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Timeline {
    pub(super) end_date: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) final_timeline: Rotations,
}

/// The rotations of one layer.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Rotations {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) rotations: Vec<Rotation>,
}

/// One rotation.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Rotation {
    pub(super) deleted: Option<bool>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) periods: Vec<Period>,
}

/// A time that somebody has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Period {
    pub(super) start_date: Option<String>,
    pub(super) end_date: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) responder: Responder,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) flattened_responders: Vec<Responder>,
}

/// The teams: `GET /v1/teams`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Teams {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) platform_teams: Vec<Team>,
}

/// A team.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Team {
    pub(super) team_id: Option<String>,
    pub(super) team_name: Option<String>,
}

/// An escalation of a team.
#[derive(Debug, Deserialize)]
pub(super) struct Escalation {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) enabled: Option<bool>,
}

/// The accounts that were asked for: `GET /rest/api/3/user/bulk` of Jira's platform API.
#[derive(Debug, Deserialize)]
pub(super) struct Accounts {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) values: Vec<Value>,
}

/// An account.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Account {
    pub(super) account_id: Option<String>,
    pub(super) display_name: Option<String>,
}

/// The answer to an action: it is queued under this id.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Queued {
    pub(super) request_id: Option<String>,
}

/// What became of an action.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestStatus {
    pub(super) is_success: Option<bool>,
    pub(super) status: Option<String>,
}
