//! Rows of a time: what sources list now, and what the journal holds of what they no longer list.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::domain::{Event, Incident, IncidentStatus, Release, SourceName, Turn, What};
use crate::text::Untrusted;

/// Releases and incidents with who tells of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// Releases.
    pub releases: Vec<(SourceName, Release)>,
    /// Incidents; one that came again after it was over is there for each time.
    pub incidents: Vec<(SourceName, Incident)>,
}

impl Rows {
    /// What was told, with what happened to it; both oldest first.
    pub fn of_the_past<'a>(told: Self, events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut rows = told;
        for event in events {
            if let (Some(source), What::Incident { .. }) = (&event.source, &event.what) {
                happens(&mut rows.incidents, source, event);
            }
        }
        rows
    }

    /// The same with what sources list now, which counts before what was told.
    #[must_use]
    pub fn with_present(mut self, now: Self) -> Self {
        let listed: HashSet<(&SourceName, &Untrusted)> = now
            .releases
            .iter()
            .map(|(source, row)| (source, &row.id))
            .collect();
        self.releases
            .retain(|(source, row)| !listed.contains(&(source, &row.id)));
        let listed: HashSet<(&SourceName, &Untrusted, Option<Timestamp>)> = now
            .incidents
            .iter()
            .map(|(source, row)| (source, &row.id, row.opened_at))
            .collect();
        self.incidents
            .retain(|(source, row)| !listed.contains(&(source, &row.id, row.opened_at)));
        self.releases.extend(now.releases);
        self.incidents.extend(now.incidents);
        self
    }
}

/// Applies a turn of an incident.
fn happens(incidents: &mut Vec<(SourceName, Incident)>, source: &SourceName, event: &Event) {
    let What::Incident {
        turn,
        severity,
        title,
        who,
        ..
    } = &event.what
    else {
        return;
    };
    let is_it = |(by, row): &&mut (SourceName, Incident)| by == source && row.id == event.subject;
    if *turn == Turn::Opened {
        let mut own = incidents.iter_mut().filter(is_it);
        if own.any(|(_, row)| row.opened_at == Some(event.at)) {
            return;
        }
        let status = IncidentStatus::Triggered;
        let mut row = Incident::new(event.subject.clone(), title.clone(), *severity, status);
        row.service.clone_from(&event.service);
        row.opened_at = Some(event.at);
        // What it says of itself does not change from one time to the next.
        let known = incidents.iter_mut().find(is_it);
        row.details = known
            .map(|(_, known)| known.details.clone())
            .unwrap_or_default();
        incidents.push((source.clone(), row));
        return;
    }
    let is_before = |row: &Incident| {
        row.opened_at.is_none_or(|opened| opened <= event.at) && row.resolved_at.is_none()
    };
    let own = incidents.iter_mut().filter(is_it);
    let newest = own
        .filter(|(_, row)| is_before(row))
        .max_by_key(|(_, row)| row.opened_at);
    let Some((_, row)) = newest else {
        return;
    };
    match turn {
        Turn::Resolved => {
            row.status = IncidentStatus::Resolved;
            row.resolved_at = Some(event.at);
        }
        Turn::Acknowledged => {
            row.acknowledged_at = row.acknowledged_at.or(Some(event.at));
            row.acknowledged_by.clone_from(who);
        }
        Turn::Gone => row.status = IncidentStatus::Gone,
        Turn::Returned => row.status = IncidentStatus::Triggered,
        Turn::Opened | Turn::Silenced | Turn::Reopened => {}
    }
}

/// Events of dated rows that the journal did not see.
pub fn happened(rows: &Rows) -> Vec<Event> {
    let mut events = Vec::new();
    let event = |source: &SourceName, at, service: &Untrusted, subject: &Untrusted, what| Event {
        at,
        seen: at,
        source: Some(source.clone()),
        service: service.clone(),
        subject: subject.clone(),
        what,
    };
    for (source, row) in &rows.releases {
        let what = What::Release {
            status: row.status,
            version: row.version.clone(),
            environment: row.place().clone(),
            actor: row.actor.clone(),
        };
        let at = row.finished_at.or(row.started_at);
        events.extend(at.map(|at| event(source, at, &row.service, &row.id, what)));
    }
    for (source, row) in &rows.incidents {
        let turns = [
            (Turn::Opened, row.opened_at, &row.assignees),
            (
                Turn::Acknowledged,
                row.acknowledged_at,
                &row.acknowledged_by,
            ),
            (Turn::Resolved, row.resolved_at, &row.assignees),
        ];
        for (turn, at, who) in turns {
            let what = What::Incident {
                turn,
                severity: row.severity,
                title: row.title.clone(),
                who: who.clone(),
                by: None,
                last_seen: None,
            };
            events.extend(at.map(|at| event(source, at, &row.service, &row.id, what)));
        }
    }
    events
}
