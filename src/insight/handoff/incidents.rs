//! Incidents of a shift: what is still open and who has it, and what is over.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::Serialize;

use super::{Shift, Witness};
use crate::domain::{
    Event, Incident, IncidentStatus, Me, Severity, SourceName, Suppression, Turn, What,
};
use crate::text::Untrusted;

/// An incident that is open, or that is gone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Open {
    /// Its id at its source.
    pub id: Untrusted,
    /// Who tells of it.
    pub source: SourceName,
    /// What it is called.
    pub title: Untrusted,
    /// Whom it concerns; empty when nobody says.
    #[serde(serialize_with = "super::said")]
    pub service: Untrusted,
    /// How urgent it is.
    pub severity: Severity,
    /// Where it stands.
    pub status: IncidentStatus,
    /// By what it is kept from notifying, of one that is silenced.
    pub suppressed_by: Option<Suppression>,
    /// Since when it is open, where that is known.
    #[serde(serialize_with = "crate::domain::clock::maybe_seconds")]
    pub opened_at: Option<Timestamp>,
    /// Whether it began in the shift.
    pub is_new: bool,
    /// How often it began in the shift.
    pub times: usize,
    /// When it was taken.
    #[serde(serialize_with = "crate::domain::clock::maybe_seconds")]
    pub acknowledged_at: Option<Timestamp>,
    /// Who has it, or is to take it.
    pub who: Vec<Untrusted>,
    /// Whether that is who hands over, who has said so.
    pub acked_by_me: bool,
    /// When it notifies again, of one that is silenced.
    #[serde(serialize_with = "crate::domain::clock::maybe_seconds")]
    pub silenced_until: Option<Timestamp>,
    /// Where to read more.
    pub url: Option<Untrusted>,
    /// Where what to do is written.
    pub runbook: Option<Untrusted>,
    /// When its source said so last; told when that is too long ago to be the present.
    #[serde(serialize_with = "crate::domain::clock::maybe_seconds")]
    pub stale_since: Option<Timestamp>,
    /// Of one that is gone, when its source listed it last.
    #[serde(serialize_with = "crate::domain::clock::maybe_seconds")]
    pub last_seen: Option<Timestamp>,
}

/// An incident that is over.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Over {
    /// Its id at its source.
    pub id: Untrusted,
    /// Who tells of it.
    pub source: SourceName,
    /// What it is called.
    pub title: Untrusted,
    /// Whom it concerned.
    #[serde(serialize_with = "super::said")]
    pub service: Untrusted,
    /// How urgent it was.
    pub severity: Severity,
    /// When it began, where that is known.
    #[serde(serialize_with = "crate::domain::clock::maybe_seconds")]
    pub opened_at: Option<Timestamp>,
    /// When it ended; when that was seen, where nobody says.
    #[serde(serialize_with = "crate::domain::clock::seconds")]
    pub ended_at: Timestamp,
    /// When its source listed it last, of one that ended between then and `ended_at`.
    #[serde(serialize_with = "crate::domain::clock::maybe_seconds")]
    pub last_seen: Option<Timestamp>,
    /// When its end was seen.
    #[serde(serialize_with = "crate::domain::clock::seconds")]
    pub seen_at: Timestamp,
    /// Always true: what is not known to be over is among those that are gone.
    pub is_certain: bool,
    /// How often it began in the shift.
    pub times: usize,
    /// Who had it.
    pub who: Vec<Untrusted>,
}

type Key<'a> = (&'a SourceName, &'a str);

/// Every open incident, worst first, longest open first.
pub(super) fn open(shift: &Shift<'_>) -> Vec<Open> {
    let begun = begun(shift);
    let mut open: Vec<_> = rows(shift)
        .filter(|(_, row)| row.is_open())
        .map(|(witness, row)| one(shift, witness, row, &begun))
        .collect();
    open.sort_by_key(|one| {
        (
            Reverse(one.severity),
            rank(one.status),
            one.opened_at.unwrap_or(Timestamp::MAX),
        )
    });
    open
}

/// Every incident that is gone at the end: no longer listed, and not known to be over.
pub(super) fn gone(shift: &Shift<'_>) -> Vec<Open> {
    let begun = begun(shift);
    let mut gone: Vec<_> = rows(shift)
        .filter(|(_, row)| row.is_gone())
        .map(|(witness, row)| one(shift, witness, row, &begun))
        .collect();
    let known: HashSet<Key<'_>> = rows(shift)
        .map(|(witness, row)| (witness.name, row.id.raw()))
        .collect();
    // Of what was forgotten since, and in journals that did not keep it, there is the event alone.
    for (source, event) in last_turns(shift) {
        let key = (source, event.subject.raw());
        if let What::Incident {
            turn: Turn::Gone,
            severity,
            title,
            who,
            last_seen,
            ..
        } = &event.what
            && !known.contains(&key)
        {
            let times = begun.get(&key);
            gone.push(Open {
                id: event.subject.clone(),
                source: source.clone(),
                title: title.clone(),
                service: event.service.clone(),
                severity: *severity,
                status: IncidentStatus::Gone,
                suppressed_by: None,
                opened_at: times.and_then(|times| times.last().copied()),
                is_new: times.is_some(),
                times: times.map_or(0, Vec::len),
                acknowledged_at: None,
                who: who.clone(),
                acked_by_me: false,
                silenced_until: None,
                url: None,
                runbook: None,
                stale_since: None,
                last_seen: Some(last_seen.unwrap_or(event.at)),
            });
        }
    }
    gone.sort_by_key(|one| (Reverse(one.severity), one.last_seen));
    gone
}

/// The newest event of each incident that says it ended or was gone, newest first.
fn last_turns<'a>(shift: &'a Shift<'_>) -> Vec<(&'a SourceName, &'a Event)> {
    let mut told = HashSet::new();
    let mut turns = Vec::new();
    for event in shift.events.iter().rev() {
        if let (Some(source), What::Incident { .. }) = (&event.source, &event.what)
            && told.insert((source, event.subject.raw()))
        {
            turns.push((source, event));
        }
    }
    turns
}

/// Every incident that ended in the shift and is not open again.
pub(super) fn over(shift: &Shift<'_>) -> Vec<Over> {
    let begun = begun(shift);
    let known: HashMap<Key<'_>, &Incident> = rows(shift)
        .map(|(witness, row)| ((witness.name, row.id.raw()), row))
        .collect();
    let mut over = Vec::new();
    for (source, event) in last_turns(shift) {
        let key = (source, event.subject.raw());
        let row = known.get(&key).copied();
        let What::Incident {
            turn: Turn::Resolved,
            severity,
            title,
            who,
            last_seen,
            ..
        } = &event.what
        else {
            continue;
        };
        if row.is_some_and(|row| row.is_open() || row.is_gone()) {
            continue;
        }
        let begun = begun.get(&key);
        over.push(Over {
            id: event.subject.clone(),
            source: source.clone(),
            title: title.clone(),
            service: event.service.clone(),
            severity: *severity,
            opened_at: row
                .and_then(|row| row.opened_at)
                .or_else(|| begun.and_then(|times| times.last().copied())),
            ended_at: event.at,
            last_seen: *last_seen,
            seen_at: event.seen,
            is_certain: true,
            times: begun.map_or(0, Vec::len),
            who: row.map_or_else(|| who.clone(), |row| holders(row).to_vec()),
        });
    }
    over.reverse();
    over
}

fn rows<'a>(shift: &'a Shift<'_>) -> impl Iterator<Item = (&'a Witness<'a>, &'a Incident)> {
    shift.witnesses.iter().flat_map(|witness| {
        let rows = witness.facts.incidents.iter().flatten();
        rows.map(move |row| (witness, row))
    })
}

/// When each began within the shift.
fn begun<'a>(shift: &'a Shift<'_>) -> HashMap<Key<'a>, Vec<Timestamp>> {
    let mut begun: HashMap<_, Vec<_>> = HashMap::new();
    for event in shift.events {
        if let (Some(source), What::Incident { turn, .. }) = (&event.source, &event.what)
            && *turn == Turn::Opened
        {
            let key = (source, event.subject.raw());
            let times = begun.entry(key).or_default();
            // Told twice of one beginning, it began once.
            if !times.contains(&event.at) {
                times.push(event.at);
            }
        }
    }
    begun
}

fn one(
    shift: &Shift<'_>,
    witness: &Witness<'_>,
    row: &Incident,
    begun: &HashMap<Key<'_>, Vec<Timestamp>>,
) -> Open {
    let begun = begun.get(&(witness.name, row.id.raw()));
    let opened_at = row
        .opened_at
        .or_else(|| begun.and_then(|times| times.last().copied()));
    Open {
        id: row.id.clone(),
        source: witness.name.clone(),
        title: row.title.clone(),
        service: row.service.clone(),
        severity: row.severity,
        status: row.status,
        suppressed_by: row.suppression,
        opened_at,
        is_new: opened_at.is_some_and(|at| at >= shift.since),
        times: begun.map_or(0, Vec::len),
        acknowledged_at: row.acknowledged_at,
        who: holders(row).to_vec(),
        acked_by_me: is_mine(row, shift.me),
        silenced_until: row.silenced_until,
        url: row.url.clone(),
        runbook: row.runbook.clone(),
        stale_since: witness.last_success.filter(|_| !witness.is_current()),
        last_seen: row.gone.map(|gone| gone.last_seen),
    }
}

/// Who took it; where nobody says, who is to.
fn holders(row: &Incident) -> &[Untrusted] {
    if row.acknowledged_by.is_empty() {
        &row.assignees
    } else {
        &row.acknowledged_by
    }
}

fn is_mine(row: &Incident, me: &Me) -> bool {
    row.status == IncidentStatus::Acknowledged && holders(row).iter().any(|who| me.is(who))
}

/// What nobody has comes first, what makes no noise last.
fn rank(status: IncidentStatus) -> u8 {
    match status {
        IncidentStatus::Triggered => 0,
        IncidentStatus::Acknowledged => 1,
        IncidentStatus::Silenced => 2,
        IncidentStatus::Gone => 3,
        IncidentStatus::Resolved => 4,
    }
}
