//! Releases of a shift, and which of them were suspected.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Serialize;

use super::Shift;
use crate::domain::{ReleaseStatus, SourceName, What};
use crate::text::Untrusted;

/// A release that began or ended in the shift.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Released {
    /// Its id at its source.
    pub id: Untrusted,
    /// Who tells of it.
    pub source: SourceName,
    /// What was released; empty when nobody says.
    #[serde(serialize_with = "super::said")]
    pub service: Untrusted,
    /// Which version.
    pub version: Untrusted,
    /// Where to; empty when nobody says.
    #[serde(serialize_with = "super::said")]
    pub environment: Untrusted,
    /// How it went.
    pub status: ReleaseStatus,
    /// The moment it is dated by.
    #[serde(serialize_with = "crate::domain::clock::seconds")]
    pub at: Timestamp,
    /// Who released it.
    pub actor: Option<Untrusted>,
    /// Where to read more.
    pub url: Option<Untrusted>,
    /// What it may have done.
    pub suspected_of: Vec<Suspected>,
}

/// What a release may have done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suspected {
    /// Which SLO burned.
    pub slo: Untrusted,
    /// Why the release is suspected.
    pub reason: Untrusted,
}

/// Every release of the shift, oldest first: as it stands at the end, and what is not listed any
/// more as it was last told of.
pub(super) fn all(shift: &Shift<'_>) -> Vec<Released> {
    let within = |at: Timestamp| at >= shift.since && at <= shift.until;
    let mut listed = HashSet::new();
    let mut all = Vec::new();
    for witness in &shift.witnesses {
        for row in witness.facts.releases.iter().flatten() {
            listed.insert((witness.name, row.id.raw()));
            let dates = [row.started_at, row.finished_at];
            let Some(at) = dates.into_iter().flatten().find(|at| within(*at)) else {
                continue;
            };
            all.push(Released {
                id: row.id.clone(),
                source: witness.name.clone(),
                service: row.service.clone(),
                version: row.version.clone(),
                environment: row.place().clone(),
                status: row.status,
                at,
                actor: row.actor.clone(),
                url: row.url.clone(),
                suspected_of: suspected(shift, witness.name, &row.id),
            });
        }
    }
    // What was taken back or turned without a date of its own is dated by when that was seen.
    let told: HashSet<_> = all
        .iter()
        .map(|one: &Released| (one.source.clone(), one.id.clone()))
        .collect();
    let mut later = HashSet::new();
    for event in shift.events.iter().rev() {
        let (Some(source), What::Release { status, .. }) = (&event.source, &event.what) else {
            continue;
        };
        let key = (source.clone(), event.subject.clone());
        let is_old_news = listed.contains(&(source, event.subject.raw()))
            && !matches!(status, ReleaseStatus::RolledBack | ReleaseStatus::Failed);
        if told.contains(&key) || is_old_news || !later.insert(key) {
            continue;
        }
        all.extend(from_event(shift, source, event));
    }
    all.sort_by_key(|one| one.at);
    all
}

fn from_event(
    shift: &Shift<'_>,
    source: &SourceName,
    event: &crate::domain::Event,
) -> Option<Released> {
    let What::Release {
        status,
        version,
        environment,
        actor,
    } = &event.what
    else {
        return None;
    };
    Some(Released {
        id: event.subject.clone(),
        source: source.clone(),
        service: event.service.clone(),
        version: version.clone(),
        environment: environment.clone(),
        status: *status,
        at: event.at,
        actor: actor.clone(),
        url: None,
        suspected_of: suspected(shift, source, &event.subject),
    })
}

fn suspected(shift: &Shift<'_>, source: &SourceName, release: &Untrusted) -> Vec<Suspected> {
    let mut all: Vec<Suspected> = Vec::new();
    let suspicions = shift.suspicions.iter();
    for one in suspicions.filter(|one| one.source == *source && one.release == *release) {
        // What was thought last stands.
        match all.iter_mut().find(|known| known.slo == one.slo) {
            Some(known) => known.reason.clone_from(&one.reason),
            None => all.push(Suspected {
                slo: one.slo.clone(),
                reason: one.reason.clone(),
            }),
        }
    }
    all
}
