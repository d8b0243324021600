//! A report: what SLOs attained and spent their budgets on, and how services deliver, over a time.
//!
//! It is a function of what sources and the journal say. What a source that is blind would have said is
//! `None`, and never nothing.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::delivery::{Burned, Delivery, Evidence, Terms, Unlinked};
use crate::domain::past::PastEvents;
use crate::domain::{Incident, Release, Service, SourceName};
use crate::text::Untrusted;

mod gaps;
mod history;
pub mod incident;
mod spent;
#[cfg(test)]
mod tests;

pub use gaps::{Gap, all as whole_gaps, merged};
pub use history::{Rows, happened};
pub use spent::{Attained, Cause, Point, Spent};

/// The rows a source can give to a report, and the times it was blind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Witness {
    /// When nothing is known of its releases; `None` of a source that has none.
    pub releases: Option<Vec<(Timestamp, Timestamp)>>,
    /// When nothing is known of its incidents; likewise.
    pub incidents: Option<Vec<(Timestamp, Timestamp)>>,
    /// When nothing is known of its SLOs; likewise.
    pub slos: Option<Vec<(Timestamp, Timestamp)>>,
    /// Why, in a few words; empty where it was never blind.
    pub why: Untrusted,
}

/// The past of one SLO, or why it cannot be had.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Who measures it.
    pub source: SourceName,
    /// Its id.
    pub id: Untrusted,
    /// Its service, under the name that every pane uses.
    pub service: Untrusted,
    /// Its objective, a share.
    pub objective: f64,
    /// Its events in steps of the time, or why they cannot be had.
    pub past: Result<PastEvents, Untrusted>,
}

/// Everything that a report is made of.
#[derive(Clone, Debug)]
pub struct Basis<'a> {
    /// The time, and how deployments are told.
    pub terms: Terms<'a>,
    /// The services of the configuration.
    pub services: &'a [Service],
    /// These services alone; all without any.
    pub only: &'a [String],
    /// Releases and incidents of any time.
    pub rows: Rows,
    /// Burns with a suspect, by service.
    pub burns: Vec<(Untrusted, Burned)>,
    /// Pairs that somebody took apart.
    pub unlinked: Vec<Unlinked>,
    /// The SLOs.
    pub slos: Vec<Measured>,
    /// The sources.
    pub witnesses: Vec<(SourceName, Witness)>,
}

/// A report over a time.
#[derive(Clone, Debug)]
pub struct Report {
    /// Each service, by name.
    pub services: Vec<OfService>,
    /// Each team that owns a service, by name.
    pub teams: Vec<OfTeam>,
    /// When which source was blind.
    pub blind: Vec<Gap>,
}

/// The part of a report about a team.
#[derive(Clone, Debug)]
pub struct OfTeam {
    /// Its name.
    pub team: String,
    /// Its services whose deployments are known.
    pub services: Vec<Untrusted>,
    /// Those whose deployments are not.
    pub unknown: Vec<Untrusted>,
    /// How they deliver together.
    pub delivery: Delivery,
}

/// The part of a report about a service.
#[derive(Clone, Debug)]
pub struct OfService {
    /// Its name.
    pub service: Untrusted,
    /// Who owns it.
    pub team: Option<String>,
    /// Its SLOs.
    pub slos: Vec<Attained>,
    /// How it delivers.
    pub delivery: Delivery,
    /// For how long its releases were frozen by a policy; `None` where that is not known.
    pub frozen: Option<SignedDuration>,
    /// The exceptions that were in force; `None` where they are not known.
    pub exceptions: Option<Vec<Untrusted>>,
    /// Why some of it is not known.
    pub unknown: Vec<String>,
}

impl Report {
    /// Makes the report.
    pub fn of(basis: &Basis<'_>) -> Self {
        let services = names(basis);
        let services = services.into_iter();
        let services: Vec<_> = services.map(|name| of_service(basis, name)).collect();
        Self {
            teams: teams(&basis.terms, &services),
            services,
            blind: gaps::all(&basis.witnesses),
        }
    }

    /// True when anything is known of any service.
    pub fn knows_anything(&self) -> bool {
        self.services.iter().any(|one| {
            one.delivery.deployments.is_some() || one.slos.iter().any(|slo| slo.ratio.is_some())
        })
    }
}

/// The teams of some services.
fn teams(terms: &Terms<'_>, services: &[OfService]) -> Vec<OfTeam> {
    let names: BTreeSet<&String> = services
        .iter()
        .filter_map(|one| one.team.as_ref())
        .collect();
    let names = names.into_iter();
    names
        .map(|team| {
            let own = services
                .iter()
                .filter(|one| one.team.as_ref() == Some(team));
            let is_known = |one: &&OfService| one.delivery.deployments.is_some();
            let (known, unknown): (Vec<_>, Vec<_>) = own.partition(is_known);
            let measures: Vec<_> = known.iter().map(|one| &one.delivery).collect();
            let ids = |all: Vec<&OfService>| all.iter().map(|one| one.service.clone()).collect();
            OfTeam {
                team: team.clone(),
                delivery: Delivery::together(terms, &measures),
                services: ids(known),
                unknown: ids(unknown),
            }
        })
        .collect()
}

/// The services of the report: those of the configuration, and those that anything in its time is of.
fn names(basis: &Basis<'_>) -> BTreeSet<Untrusted> {
    let configured = basis.services.iter();
    let mut names: BTreeSet<_> = configured
        .map(|service| Untrusted::from(service.name.as_str()))
        .collect();
    names.extend(basis.slos.iter().map(|slo| slo.service.clone()));
    let terms = &basis.terms;
    let within = |at: Option<Timestamp>| at.is_some_and(|at| at >= terms.from && at < terms.until);
    let releases = basis.rows.releases.iter().map(|(_, row)| row);
    let releases = releases.filter(|row| within(row.finished_at.or(row.started_at)));
    names.extend(releases.map(|row| row.service.clone()));
    let incidents = basis.rows.incidents.iter().map(|(_, row)| row);
    let incidents = incidents.filter(|row| within(row.opened_at));
    names.extend(incidents.map(|row| row.service.clone()));
    let is_wanted = |name: &Untrusted| {
        let mut only = basis.only.iter();
        basis.only.is_empty() || only.any(|one| one == name.raw())
    };
    names.retain(|name| !name.is_empty() && is_wanted(name));
    names
}

fn of_service(basis: &Basis<'_>, service: Untrusted) -> OfService {
    let mut unknown = Vec::new();
    let releases = basis.rows.releases.iter();
    let releases: Vec<_> = releases
        .filter(|(_, row)| row.service == service)
        .map(|(source, row)| (source, row))
        .collect();
    let incidents = basis.rows.incidents.iter();
    let incidents: Vec<_> = incidents
        .filter(|(_, row)| row.service == service)
        .map(|(source, row)| (source, row))
        .collect();
    let sight = Sight { basis };
    let sees_releases = sight.releases(&releases, &mut unknown);
    let gaps = sight.incidents(&incidents, &mut unknown);
    let burns = basis.burns.iter().filter(|(of, _)| *of == service);
    let delivery = Delivery::of(
        &basis.terms,
        &Evidence {
            releases: sees_releases.then(|| releases.clone()),
            incidents: gaps.is_some().then(|| incidents.clone()),
            gaps: gaps.clone().unwrap_or_default(),
            burns: burns.map(|(_, burn)| burn.clone()).collect(),
            unlinked: &basis.unlinked,
        },
    );
    let slos = basis.slos.iter().filter(|slo| slo.service == service);
    let slos: Vec<_> = slos
        .map(|slo| Attained::of(&basis.terms, slo, &incidents, &releases))
        .collect();
    unknown.extend(slos.iter().filter_map(|slo: &Attained| {
        let why = slo.why.as_ref()?;
        Some(format!("{}: {}", slo.id.shown(), why.shown()))
    }));
    let configured = basis.services.iter();
    let mut configured = configured.filter(|one| one.name == service.raw());
    OfService {
        frozen: None,
        exceptions: None,
        team: configured.next().and_then(|one| one.team.clone()),
        slos,
        delivery,
        unknown,
        service,
    }
}

/// The kinds of rows that are known of a service.
struct Sight<'a> {
    basis: &'a Basis<'a>,
}

impl Sight<'_> {
    /// Whether its releases are known all the time. A blind source counts where it told of the service,
    /// or where nothing at all is known of what it tells of.
    fn releases(&self, rows: &[(&SourceName, &Release)], unknown: &mut Vec<String>) -> bool {
        let mut witnesses = self.basis.witnesses.iter();
        if !witnesses.any(|(_, one)| one.releases.is_some()) {
            unknown.push("deployments: no source of releases".to_owned());
            return false;
        }
        let told = |name: &SourceName| {
            let mut all = self.basis.rows.releases.iter();
            rows.iter().any(|(source, _)| *source == name) || !all.any(|(source, _)| source == name)
        };
        let blind: Vec<_> = self
            .basis
            .witnesses
            .iter()
            .filter(|(name, one)| {
                one.releases.as_ref().is_some_and(|gaps| !gaps.is_empty()) && told(name)
            })
            .map(|(name, one)| format!("deployments: {name} is blind: {}", one.why.shown()))
            .collect();
        let is_seen = blind.is_empty();
        unknown.extend(blind);
        is_seen
    }

    /// When its incidents are not known; `None` where that is all the time.
    fn incidents(
        &self,
        rows: &[(&SourceName, &Incident)],
        unknown: &mut Vec<String>,
    ) -> Option<Vec<(Timestamp, Timestamp)>> {
        let terms = &self.basis.terms;
        let sources = self.basis.witnesses.iter();
        let sources: Vec<_> = sources
            .filter_map(|(name, one)| Some((name, one.incidents.as_ref()?, &one.why)))
            .collect();
        if sources.is_empty() {
            unknown.push("failures: no source of incidents".to_owned());
            return None;
        }
        let told = |name: &SourceName| {
            let mut all = self.basis.rows.incidents.iter();
            rows.iter().any(|(source, _)| *source == name) || !all.any(|(source, _)| source == name)
        };
        let mut gaps = Vec::new();
        let mut is_blind = false;
        for (name, own, why) in sources {
            if own.is_empty() || !told(name) {
                continue;
            }
            let is_whole = own
                .iter()
                .any(|(from, until)| *from <= terms.from && *until >= terms.until);
            let when = if is_whole { "" } else { " for a time" };
            unknown.push(format!("failures: {name} is blind{when}: {}", why.shown()));
            is_blind |= is_whole;
            gaps.extend(own.iter().copied());
        }
        (!is_blind).then(|| merged(gaps))
    }
}
