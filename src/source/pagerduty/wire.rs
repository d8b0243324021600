//! What `PagerDuty`'s REST API v2 sends: the fields that are read.
//!
//! Shapes: `reference/REST/openapiv3.json` of PagerDuty/api-schema. Whatever the examples there show,
//! any field may be `null` or absent here, since a plan without a feature leaves it out.

use crate::source::kit::lenient_wire::time;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Number;

/// One row of `GET /incidents`, and what `GET` and `PUT /incidents/{id}` answer.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Incident {
    pub(super) id: String,
    #[serde(rename = "incident_number")]
    pub(super) number: Option<Number>,
    pub(super) title: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) status: Option<String>,
    pub(super) urgency: Option<String>,
    pub(super) priority: Option<Named>,
    pub(super) service: Option<Named>,
    assignments: Option<Vec<Option<Assignment>>>,
    pub(super) assigned_via: Option<String>,
    acknowledgements: Option<Vec<Option<Acknowledgement>>>,
    teams: Option<Vec<Option<Named>>>,
    created_at: Option<String>,
    last_status_change_at: Option<String>,
    resolved_at: Option<String>,
    pub(super) last_status_change_by: Option<Named>,
    pub(super) alert_counts: Option<AlertCounts>,
    pub(super) escalation_policy: Option<Named>,
    pub(super) html_url: Option<String>,
    #[serde(rename = "incident_key")]
    pub(super) key: Option<String>,
    pending_actions: Option<Vec<Option<PendingAction>>>,
    pub(super) conference_bridge: Option<ConferenceBridge>,
}

/// A reference, or the object itself: every one of them has a `summary`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Named {
    pub(super) id: Option<String>,
    pub(super) summary: Option<String>,
    name: Option<String>,
    email: Option<String>,
    /// Of an escalation policy that was asked for whole.
    services: Option<Vec<Option<Named>>>,
}

/// Who has an incident.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Assignment {
    assignee: Option<Named>,
}

/// Who took an incident, and when.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Acknowledgement {
    at: Option<String>,
    acknowledger: Option<Named>,
}

/// How many alerts an incident stands for.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct AlertCounts {
    pub(super) all: Option<usize>,
}

/// What happens to an incident by itself.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct PendingAction {
    #[serde(rename = "type")]
    kind: Option<String>,
    at: Option<String>,
}

/// Where people meet.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ConferenceBridge {
    pub(super) conference_number: Option<String>,
    pub(super) conference_url: Option<String>,
}

/// One row of `GET /oncalls`: one person at one step of one escalation policy.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Shift {
    pub(super) escalation_policy: Option<Named>,
    pub(super) user: Option<Named>,
    /// `null`: the policy names the person itself.
    pub(super) schedule: Option<Named>,
    pub(super) escalation_level: Option<u32>,
    start: Option<String>,
    end: Option<String>,
}

/// One row of `GET /services`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Service {
    pub(super) id: String,
    name: Option<String>,
    summary: Option<String>,
    pub(super) escalation_policy: Option<Named>,
}

/// One row of `GET /incidents/{id}/log_entries`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct LogEntry {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    created_at: Option<String>,
    pub(super) agent: Option<Named>,
    assignees: Option<Vec<Option<Named>>>,
}

/// `GET /users/me`.
#[derive(Debug, Deserialize)]
pub(super) struct Myself {
    user: Option<Named>,
}

/// An incident by itself.
#[derive(Debug, Deserialize)]
pub(super) struct One {
    pub(super) incident: Incident,
}

impl Incident {
    pub(super) fn created(&self) -> Option<Timestamp> {
        time(self.created_at.as_deref())
    }

    /// When it was resolved; older answers tell no more than when its status changed last.
    pub(super) fn resolved(&self) -> Option<Timestamp> {
        let is_over = self.status.as_deref() == Some("resolved");
        time(self.resolved_at.as_deref()).or_else(|| self.status_changed().filter(|_| is_over))
    }

    pub(super) fn status_changed(&self) -> Option<Timestamp> {
        time(self.last_status_change_at.as_deref())
    }

    pub(super) fn assignees(&self) -> impl Iterator<Item = &Named> {
        let rows = self.assignments.iter().flatten().flatten();
        rows.filter_map(|row| row.assignee.as_ref())
    }

    /// Who took it and when, the first first.
    pub(super) fn acknowledgements(&self) -> Vec<(Option<Timestamp>, Option<&Named>)> {
        let rows = self.acknowledgements.iter().flatten().flatten();
        let mut rows: Vec<_> = rows
            .map(|row| (time(row.at.as_deref()), row.acknowledger.as_ref()))
            .collect();
        rows.sort_by_key(|(at, _)| *at);
        rows
    }

    pub(super) fn teams(&self) -> impl Iterator<Item = &Named> {
        self.teams.iter().flatten().flatten()
    }

    /// When something of a kind happens to it by itself: `unacknowledge`, `escalate`, `resolve`.
    pub(super) fn pending(&self, kind: &str) -> Option<Timestamp> {
        let mut actions = self.pending_actions.iter().flatten().flatten();
        let action = actions.find(|action| action.kind.as_deref() == Some(kind))?;
        time(action.at.as_deref())
    }
}

impl Named {
    /// What people call it.
    pub(super) fn called(&self) -> Option<&str> {
        [&self.summary, &self.name, &self.email, &self.id]
            .into_iter()
            .filter_map(Option::as_deref)
            .find(|text| !text.is_empty())
    }

    /// The name by itself, of a priority: the summary is the same unless somebody changes that.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let names = [&self.name, &self.summary];
        names.into_iter().filter_map(|name| name.as_deref())
    }

    /// The services of an escalation policy that was asked for whole.
    pub(super) fn services(&self) -> impl Iterator<Item = &Named> {
        self.services.iter().flatten().flatten()
    }
}

impl Shift {
    pub(super) fn start(&self) -> Option<Timestamp> {
        time(self.start.as_deref())
    }

    pub(super) fn end(&self) -> Option<Timestamp> {
        time(self.end.as_deref())
    }
}

impl Service {
    /// What people call it.
    pub(super) fn called(&self) -> &str {
        let name = self.name.as_deref().or(self.summary.as_deref());
        name.unwrap_or(&self.id)
    }
}

impl LogEntry {
    pub(super) fn created(&self) -> Option<Timestamp> {
        time(self.created_at.as_deref())
    }

    pub(super) fn assignees(&self) -> impl Iterator<Item = &Named> {
        self.assignees.iter().flatten().flatten()
    }
}

impl Myself {
    /// The address of whose key it is.
    pub(super) fn email(self) -> Option<String> {
        self.user?.email
    }
}
