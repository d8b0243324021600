//! One incident of one SLO: its onset, detection, acknowledgement, mitigation and recovery, and what it
//! cost.
//!
//! - **Onset** and **mitigation** are the rise and the fall of the error ratio, each with the interval of
//!   moments that are nearly as likely.
//! - **Detection** is the first incident of the service that opened since the onset: one that pages, else
//!   a ticket. Without any it is the moment at which an alert rule of the SLO first fired.
//! - **Recovery** is the resolution of the last of these incidents. Without any it is the moment from which
//!   no alert rule fired.

use jiff::{SignedDuration, Timestamp};

use super::Rows;
use crate::domain::past::{PastEvents, Tally};
use crate::domain::{Incident, Production, Release, Rule, Severity, SourceName};
use crate::insight::Suspect;
use crate::insight::delivery::rollouts;
use crate::text::Untrusted;

mod burn;
#[cfg(test)]
mod tests;

pub use burn::{BurnPoint, BurnTime, Change, Fired, Peak};

/// An incident that opened so long before the earliest onset can be of the burn: clocks differ.
const CLOCKS: SignedDuration = SignedDuration::from_mins(1);
/// The least share of a time that has to be known for exact numbers.
const KNOWN: f64 = 0.99;

/// Facts of an incident.
#[derive(Clone, Debug)]
pub struct IncidentBasis<'a> {
    /// Begin of the time.
    pub from: Timestamp,
    /// End of the time, exclusive.
    pub until: Timestamp,
    /// Events of the SLO, from before the time to its end.
    pub past: &'a PastEvents,
    /// Events of the SLO's period so far, at the end of the time; `None` where they are unknown.
    pub period: Option<Tally>,
    /// Name of the SLO's service in every pane.
    pub service: &'a Untrusted,
    /// Releases and incidents of any time.
    pub rows: &'a Rows,
    /// Environments that are production.
    pub production: &'a Production,
    /// How the SLO burned: [`BurnTime::of`] the same events.
    pub burn: BurnTime,
    /// Releases that may have caused the burn, the likeliest first.
    pub suspects: Vec<Suspect>,
}

/// Evidence for a moment.
#[derive(Clone, Debug, PartialEq)]
pub enum By {
    /// An incident of a source.
    Incident {
        /// The source.
        source: SourceName,
        /// Id of the incident.
        id: Untrusted,
    },
    /// An alert rule, evaluated from the events.
    Rule(Rule),
}

/// A moment of the incident with its evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// The moment.
    pub at: Timestamp,
    /// Its evidence.
    pub by: By,
    /// People it names, for example those who acknowledged.
    pub who: Vec<Untrusted>,
}

/// Events of a part of the time, and their cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Begin of the part.
    pub from: Timestamp,
    /// End of the part.
    pub until: Timestamp,
    /// The events, as far as they are known.
    pub tally: Tally,
    /// Budget of that part that was spent: its burn rate. `None` without any event.
    pub of_time: Option<f64>,
    /// Budget of the SLO's period that was spent in it. `None` where the period is unknown, or events are
    /// not counted.
    pub of_period: Option<f64>,
}

impl Cost {
    /// True where less than 99 % of the part is known.
    pub fn is_estimate(&self) -> bool {
        self.tally.coverage() < KNOWN
    }
}

/// A release that took others back.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollback {
    /// Its id; `None` where a source only reports that a release was taken back.
    pub release: Option<Untrusted>,
    /// Its version.
    pub version: Untrusted,
    /// Its arrival.
    pub at: Option<Timestamp>,
    /// Ids of the releases it took back, the newest first.
    pub takes_back: Vec<Untrusted>,
}

/// The report on one incident.
#[derive(Clone, Debug)]
pub struct IncidentReport<'a> {
    /// How the SLO burned.
    pub burn: BurnTime,
    /// Detection.
    pub detected: Option<Moment>,
    /// First acknowledgement.
    pub acknowledged: Option<Moment>,
    /// Recovery; `None` while an incident is open, or a rule fires.
    pub recovered: Option<Moment>,
    /// All of the time.
    pub whole: Cost,
    /// From the onset to the mitigation; `None` without an onset.
    pub burned: Option<Cost>,
    /// Share of the period that is known, where any of it is.
    pub period_coverage: Option<f64>,
    /// Releases that may have caused the burn, the likeliest first.
    pub suspects: Vec<Suspect>,
    /// The first roll-back since the onset.
    pub rollback: Option<Rollback>,
    /// Incidents of the burn, by opening.
    pub incidents: Vec<(&'a SourceName, &'a Incident)>,
    /// Releases of the service within the time, by date.
    pub releases: Vec<(&'a SourceName, &'a Release)>,
}

impl<'a> IncidentReport<'a> {
    /// Makes the report.
    pub fn of(basis: IncidentBasis<'a>) -> Self {
        let since = basis.since();
        let incidents = incidents(&basis, since);
        let first = incidents.first();
        let detected = first.and_then(|(source, row)| {
            let by = incident(source, row);
            row.opened_at.map(|at| moment(at, by, &row.assignees))
        });
        let fired = basis.burn.fired;
        let detected =
            detected.or_else(|| fired.map(|one| moment(one.at, By::Rule(one.rule), &[])));
        let acknowledged = incidents
            .iter()
            .filter_map(|(source, row)| {
                let at = row.acknowledged_at.filter(|at| *at < basis.until)?;
                Some(moment(at, incident(source, row), &row.acknowledged_by))
            })
            .min_by_key(|one| one.at);
        let burned = basis.burn.onset.map(|onset| {
            let end = basis.burn.mitigated.map_or(basis.until, |one| one.at);
            basis.cost(onset.at.max(basis.from), end.max(onset.at))
        });
        Self {
            detected,
            acknowledged,
            recovered: recovered(&basis, &incidents),
            whole: basis.cost(basis.from, basis.until),
            burned,
            period_coverage: basis.period.map(Tally::coverage),
            rollback: rollback(&basis, since),
            releases: releases(&basis),
            incidents,
            suspects: basis.suspects,
            burn: basis.burn,
        }
    }

    /// Length from the onset to another moment: 0 for one within the interval of the onset.
    pub fn since_onset(&self, at: Option<Timestamp>) -> Option<SignedDuration> {
        let onset = self.burn.onset?;
        let at = at.filter(|at| {
            *at >= onset
                .earliest
                .saturating_sub(CLOCKS)
                .unwrap_or(onset.earliest)
        })?;
        Some(onset.at.duration_until(at).max(SignedDuration::ZERO))
    }

    /// Length from the detection to the acknowledgement.
    pub fn to_acknowledge(&self) -> Option<SignedDuration> {
        let (detected, taken) = (self.detected.as_ref()?, self.acknowledged.as_ref()?);
        let length = detected.at.duration_until(taken.at);
        (!length.is_negative()).then_some(length)
    }
}

impl IncidentBasis<'_> {
    /// The earliest moment of the incident.
    fn since(&self) -> Timestamp {
        let onset = self.burn.onset.map_or(self.from, |onset| onset.earliest);
        onset.saturating_sub(CLOCKS).unwrap_or(onset)
    }

    fn cost(&self, from: Timestamp, until: Timestamp) -> Cost {
        let tally = self.past.between(from, until);
        let budget = self.past.slo.error_budget();
        let allowed = self.period.map(|period| period.events.total * budget);
        let allowed = allowed.filter(|allowed| self.past.counted && *allowed > 0.0);
        Cost {
            from,
            until,
            tally,
            of_time: tally.ratio().map(|ratio| self.past.slo.burn_rate(ratio)),
            of_period: allowed
                .filter(|_| tally.known > 0)
                .map(|allowed| tally.events.bad / allowed),
        }
    }
}

fn incident(source: &SourceName, row: &Incident) -> By {
    By::Incident {
        source: source.clone(),
        id: row.id.clone(),
    }
}

fn moment(at: Timestamp, by: By, who: &[Untrusted]) -> Moment {
    Moment {
        at,
        by,
        who: who.to_vec(),
    }
}

/// Incidents of the service that opened during the burn: those that page, else tickets.
fn incidents<'a>(
    basis: &IncidentBasis<'a>,
    since: Timestamp,
) -> Vec<(&'a SourceName, &'a Incident)> {
    let last = basis.burn.ended().unwrap_or(basis.until);
    let of_burn = |row: &Incident| {
        let is_near = row.opened_at.is_some_and(|at| at >= since && at < last);
        row.service == *basis.service && is_near
    };
    let of = |severity: Severity| {
        let rows = basis.rows.incidents.iter();
        let rows = rows.filter(|(_, row)| row.severity == severity && of_burn(row));
        let mut rows: Vec<_> = rows.map(|(source, row)| (source, row)).collect();
        rows.sort_by(|(_, a), (_, b)| (a.opened_at, &a.id).cmp(&(b.opened_at, &b.id)));
        rows
    };
    let pages = of(Severity::Page);
    if pages.is_empty() {
        of(Severity::Ticket)
    } else {
        pages
    }
}

fn recovered(basis: &IncidentBasis<'_>, incidents: &[(&SourceName, &Incident)]) -> Option<Moment> {
    if incidents.is_empty() {
        let (fired, at) = (basis.burn.fired?, basis.burn.cleared?);
        return Some(moment(at, By::Rule(fired.rule), &[]));
    }
    let ends: Option<Vec<_>> = incidents
        .iter()
        .map(|(source, row)| {
            let at = row.resolved_at.filter(|at| *at <= basis.until)?;
            Some((at, incident(source, row)))
        })
        .collect();
    let last = ends?.into_iter().max_by_key(|(at, _)| *at);
    last.map(|(at, by)| moment(at, by, &[]))
}

/// Releases of the service to production within the time, by date.
fn releases<'a>(basis: &IncidentBasis<'a>) -> Vec<(&'a SourceName, &'a Release)> {
    let rows = basis.rows.releases.iter();
    let mut rows: Vec<_> = rows
        .filter(|(_, row)| {
            let at = row.finished_at.or(row.started_at);
            row.service == *basis.service
                && basis.production.contains(row.environment.raw())
                && at.is_some_and(|at| at >= basis.from && at < basis.until)
        })
        .map(|(source, row)| (source, row))
        .collect();
    rows.sort_by_key(|(_, row)| row.finished_at.or(row.started_at));
    rows
}

/// The first roll-back since a moment, of the service or of that of the first suspect.
fn rollback(basis: &IncidentBasis<'_>, since: Timestamp) -> Option<Rollback> {
    let suspect = basis.suspects.first();
    let other = suspect.map(|one| &one.service);
    let services = std::iter::once(basis.service).chain(other.filter(|one| *one != basis.service));
    let mut found: Vec<Rollback> = Vec::new();
    for service in services {
        let rows = basis.rows.releases.iter();
        let rows: Vec<_> = rows
            .filter(|(_, row)| row.service == *service)
            .map(|(source, row)| (source, row))
            .collect();
        let all = rollouts(&rows, basis.production);
        let back = all.iter().filter(|one| {
            let is_within = one.at >= since && one.at < basis.until;
            is_within && !one.is_attempt && !one.takes_back.is_empty()
        });
        found.extend(back.map(|one| {
            Rollback {
                release: Some(one.id.clone()),
                version: one.version.clone(),
                at: Some(one.at),
                takes_back: one
                    .takes_back
                    .iter()
                    .map(|place| all[*place].id.clone())
                    .collect(),
            }
        }));
        let taken = all.iter().filter(|one| {
            let is_suspect = suspect.is_some_and(|suspect| {
                one.rows
                    .iter()
                    .any(|(source, id)| *source == suspect.source && *id == suspect.release)
            });
            one.is_taken_back && is_suspect
        });
        found.extend(taken.map(|one| Rollback {
            release: None,
            version: one.version.clone(),
            at: None,
            takes_back: vec![one.id.clone()],
        }));
    }
    found
        .into_iter()
        .min_by_key(|one| one.at.unwrap_or(Timestamp::MAX))
}
