//! Rows that become releases, incidents and shifts.

use super::{Fields, Row};
use crate::domain::{Carried, Incident, IncidentStatus, OnCall, Release, Suppression};
use crate::source::severity::Severities;

/// The fields that incidents have; what else a row holds becomes a detail.
const INCIDENT_FIELDS: [&str; 15] = [
    "id",
    "title",
    "service",
    "severity",
    "status",
    "opened_at",
    "acknowledged_at",
    "acknowledged_by",
    "resolved_at",
    "silenced_until",
    "assignees",
    "teams",
    "url",
    "runbook",
    "alerts",
];

impl Row for Release {
    type Context = ();

    fn read(fields: &mut Fields<'_>, (): &()) -> Result<Self, String> {
        Ok(Self {
            id: fields.required("id")?,
            service: fields.required("service")?,
            version: fields.required("version")?,
            environment: fields.untrusted("environment").unwrap_or_default(),
            status: fields.release_status(),
            started_at: fields.time("started_at"),
            finished_at: fields.time("finished_at"),
            actor: fields.untrusted("actor"),
            commit: fields.untrusted("commit"),
            url: fields.link("url"),
            details: fields
                .untrusted("title")
                .map(|title| ("title".into(), title))
                .into_iter()
                .collect(),
            carried: Carried {
                git_ref: fields.untrusted("ref"),
                labels: fields.texts("labels"),
                commits: fields.commits("commits"),
                run: fields.untrusted("run_id"),
                is_tag: false,
                is_head_only: fields.is_true("head_only"),
            },
        })
    }

    fn id(&self) -> String {
        self.id.raw().to_owned()
    }
}

impl Row for Incident {
    type Context = Severities;

    fn read(fields: &mut Fields<'_>, severities: &Severities) -> Result<Self, String> {
        let resolved_at = fields.time("resolved_at");
        let acknowledged_at = fields.time("acknowledged_at");
        let silenced_until = fields.time("silenced_until");
        let status = match fields.text("status") {
            Some(word) => IncidentStatus::from_word(&word),
            None if resolved_at.is_some() => IncidentStatus::Resolved,
            None if silenced_until.is_some() => IncidentStatus::Silenced,
            None if acknowledged_at.is_some() => IncidentStatus::Acknowledged,
            None => IncidentStatus::Triggered,
        };
        let (id, title) = (fields.required("id")?, fields.required("title")?);
        let severity = fields.severity(severities);
        Ok(Self {
            service: fields.untrusted("service").unwrap_or_default(),
            suppression: (status == IncidentStatus::Silenced).then_some(Suppression::Silence),
            opened_at: fields.time("opened_at"),
            acknowledged_at,
            resolved_at,
            assignees: fields.texts("assignees"),
            acknowledged_by: fields.texts("acknowledged_by"),
            teams: fields.texts("teams"),
            silenced_until,
            url: fields.link("url"),
            runbook: fields.link("runbook"),
            alerts: fields
                .text("alerts")
                .and_then(|count| count.parse().ok())
                .unwrap_or(1),
            details: fields.others(&INCIDENT_FIELDS),
            ..Self::new(id, title, severity, status)
        })
    }

    fn id(&self) -> String {
        self.id.raw().to_owned()
    }
}

impl Row for OnCall {
    type Context = ();

    fn read(fields: &mut Fields<'_>, (): &()) -> Result<Self, String> {
        Ok(Self {
            who: fields.required("who")?,
            schedule: fields.untrusted("schedule").unwrap_or_default(),
            from: fields.time("from"),
            until: fields.time("until"),
            level: fields.text("level").and_then(|level| level.parse().ok()),
            services: fields.texts("services"),
        })
    }

    fn id(&self) -> String {
        let (schedule, who) = (self.schedule.raw(), self.who.raw());
        format!("{schedule:?} {who:?} {:?} {:?}", self.from, self.level)
    }
}
