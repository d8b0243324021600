//! From two states of one row to what happened in between.

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    Event, Fault, Incident, IncidentStatus, Observation, Release, ReleaseStatus, SourceName,
    Standing, State, Suppression, Turn, What,
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

/// How an incident stood: its status, and by what it was kept from notifying.
pub(super) type Stood = (IncidentStatus, Option<Suppression>);

/// What an incident went through since it was seen last.
pub(super) fn to_incident(
    source: &SourceName,
    incident: &Incident,
    stood: Option<Stood>,
    now: Timestamp,
) -> Vec<Event> {
    use IncidentStatus::{Acknowledged, Gone, Resolved, Silenced, Triggered};
    let is = incident.status;
    if stood == Some((is, incident.suppression)) {
        return Vec::new();
    }
    let was = stood.map(|(was, _)| was);
    let turned = |turn: Turn, at: Option<Timestamp>| {
        let at = at.map_or(now, |at| at.min(now));
        let what = turned(incident, turn);
        event(source, at, &incident.service, &incident.id, what)
    };
    if is == Gone {
        let has_gone = was.is_some_and(|was| was != Gone);
        return has_gone
            .then(|| turned(Turn::Gone, None))
            .into_iter()
            .collect();
    }
    let mut events = Vec::new();
    if was == Some(Gone) {
        let is_back = is != Resolved;
        events.extend(is_back.then(|| turned(Turn::Returned, None)));
    } else if was.is_none_or(|was| was == Resolved && is != Resolved) {
        let opened = incident.opened_at.filter(|_| was.is_none());
        // Of one that is over and nobody says since when, no beginning is made up.
        if is != Resolved || opened.is_some() {
            events.push(turned(Turn::Opened, opened));
        }
    }
    match (was, is) {
        // What was said of it before it was gone.
        (Some(Acknowledged | Gone), Acknowledged) | (Some(Gone), Silenced) => {}
        (_, Acknowledged) => {
            events.push(turned(Turn::Acknowledged, incident.acknowledged_at));
        }
        (_, Resolved) => events.push(turned(Turn::Resolved, incident.resolved_at)),
        (Some(_), Silenced) => events.push(turned(Turn::Silenced, None)),
        (Some(Acknowledged | Silenced), Triggered) => events.push(turned(Turn::Reopened, None)),
        (None, Silenced) | (_, Triggered | Gone) => {}
    }
    events
}

/// An incident that is over by a whole answer that no longer has it, `last_seen` in the one before;
/// nothing for one that was gone for so long that nobody can know.
pub(super) fn to_missing(
    source: &SourceName,
    incident: &Incident,
    last_seen: Option<Timestamp>,
    now: Timestamp,
) -> Option<Event> {
    if incident.gone.is_some_and(|gone| gone.is_forgotten(now)) {
        return None;
    }
    let mut what = turned(incident, Turn::Resolved);
    if let What::Incident { last_seen: at, .. } = &mut what {
        *at = incident.gone.map(|gone| gone.last_seen).or(last_seen);
    }
    Some(event(source, now, &incident.service, &incident.id, what))
}

/// Whether an event says that an incident ended or was gone.
pub(super) fn is_ending(event: &Event) -> bool {
    let ends = |turn| matches!(turn, Turn::Resolved | Turn::Gone);
    matches!(event.what, What::Incident { turn, .. } if ends(turn))
}

/// The time an incident began, of an event that says it did.
pub(super) fn began(event: &Event) -> Option<Timestamp> {
    let is_beginning = matches!(
        event.what,
        What::Incident {
            turn: Turn::Opened,
            ..
        }
    );
    is_beginning.then_some(event.at)
}

/// The same event of one that only returned, when it was seen.
pub(super) fn returned(event: &mut Event, now: Timestamp) {
    if let What::Incident { turn, .. } = &mut event.what {
        *turn = Turn::Returned;
        event.at = now;
    }
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
        by: incident.suppression.filter(|_| turn == Turn::Silenced),
        last_seen: incident.gone.map(|gone| gone.last_seen),
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
