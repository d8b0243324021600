//! From two states of one row to what happened in between.

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    Event, Fault, Incident, IncidentStatus, Observation, Release, ReleaseStatus, SourceName,
    Standing, State, Turn, What,
};
use crate::text::Untrusted;

fn event(
    source: &SourceName,
    at: Timestamp,
    service: &Untrusted,
    subject: &Untrusted,
    what: What,
) -> Event {
    Event {
        at,
        seen: at,
        source: Some(source.clone()),
        service: service.clone(),
        subject: subject.clone(),
        what,
    }
}

/// A verdict that became another. One seen for the first time is told when it is bad.
pub(super) fn to_slo(
    source: &SourceName,
    seen: &Observation,
    standing: &Standing,
    was: Option<State>,
) -> Option<Event> {
    let to = standing.state;
    let is_told = was.map_or(matches!(to, State::Page | State::Ticket), |was| was != to);
    let what = What::Slo {
        from: was,
        to,
        name: seen.slo.name.clone(),
        budget: standing.budget_remaining,
    };
    let id = seen.slo.id();
    is_told.then(|| event(source, seen.at, &seen.slo.service, &id, what))
}

/// A release that is new, or that goes on.
pub(super) fn to_release(
    source: &SourceName,
    release: &Release,
    was: Option<ReleaseStatus>,
    now: Timestamp,
) -> Option<Event> {
    use ReleaseStatus::{Failed, Pending, RolledBack, Running, Succeeded, Unknown};
    if was == Some(release.status) {
        return None;
    }
    let dated = match release.status {
        Succeeded | Failed => release.finished_at.or(release.started_at),
        // When it turned so nobody says: of one that is new here, when it came is known.
        RolledBack | Pending | Running | Unknown => release.dated().filter(|_| was.is_none()),
    };
    let what = What::Release {
        status: release.status,
        version: release.version.clone(),
        environment: release.place().clone(),
        actor: release.actor.clone(),
    };
    let at = dated.map_or(now, |dated| dated.min(now));
    Some(event(source, at, &release.service, &release.id, what))
}

/// What an incident went through since it was seen last.
pub(super) fn to_incident(
    source: &SourceName,
    incident: &Incident,
    was: Option<IncidentStatus>,
    now: Timestamp,
) -> Vec<Event> {
    use IncidentStatus::{Acknowledged, Resolved, Silenced, Triggered};
    let is = incident.status;
    if was == Some(is) {
        return Vec::new();
    }
    let turned = |turn: Turn, at: Option<Timestamp>| {
        let at = at.map_or(now, |at| at.min(now));
        let what = turned(incident, turn);
        event(source, at, &incident.service, &incident.id, what)
    };
    let mut events = Vec::new();
    if was.is_none_or(|was| was == Resolved && is != Resolved) {
        let opened = incident.opened_at.filter(|_| was.is_none());
        // Of one that is over and nobody says since when, no beginning is made up.
        if is != Resolved || opened.is_some() {
            events.push(turned(Turn::Opened, opened));
        }
    }
    match (was, is) {
        (_, Acknowledged) => {
            events.push(turned(Turn::Acknowledged, incident.acknowledged_at));
        }
        (_, Resolved) => events.push(turned(Turn::Resolved, incident.resolved_at)),
        (Some(_), Silenced) => events.push(turned(Turn::Silenced, None)),
        (Some(Acknowledged | Silenced), Triggered) => events.push(turned(Turn::Reopened, None)),
        (None, Silenced) | (_, Triggered) => {}
    }
    events
}

/// An open incident that its source does not list any more.
pub(super) fn to_gone(source: &SourceName, incident: &Incident, now: Timestamp) -> Event {
    let what = turned(incident, Turn::Gone);
    event(source, now, &incident.service, &incident.id, what)
}

fn turned(incident: &Incident, turn: Turn) -> What {
    let who = if turn == Turn::Acknowledged {
        &incident.acknowledged_by
    } else {
        &incident.assignees
    };
    What::Incident {
        turn,
        severity: incident.severity,
        title: incident.title.clone(),
        who: who.clone(),
    }
}

/// A source that stopped answering.
pub(super) fn to_lost(source: &SourceName, fault: &Fault, at: Timestamp) -> Event {
    let what = What::Lost {
        fault: fault.clone(),
    };
    let nobody = Untrusted::default();
    event(source, at, &nobody, &nobody, what)
}

/// A source that answers again.
pub(super) fn to_back(source: &SourceName, after: SignedDuration, at: Timestamp) -> Event {
    let nobody = Untrusted::default();
    event(source, at, &nobody, &nobody, What::Back { after })
}
