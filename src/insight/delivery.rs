//! Delivery: DORA's five measures of one service over a time, each with the rows behind it.
//!
//! Definitions: <https://dora.dev/guides/dora-metrics/> (2026-01): deployment frequency, change lead time,
//! change fail rate, failed deployment recovery time, deployment rework rate. What DORA leaves open is
//! decided here:
//!
//! - A deployment is a release to production that arrived, or failed in front of users. Reports of one
//!   rollout are one deployment (`deployments`).
//! - A deployment failed when a row says so, when a burn has it as its suspect, when an incident that pages
//!   opened after it and before the next one, or when a later roll-back names it (`failures`). A young
//!   one that has not failed is pending and in no rate.
//! - A commit counts with the first deployment that carried it.
//!
//! What nobody could know is `None`, and so is a rate of nothing. A count is 0 only where it is known that
//! there was none.

use std::collections::HashSet;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::domain::{Incident, Production, Release, SourceName};
use crate::text::Untrusted;

mod days;
mod deployments;
mod failures;
mod figures;
mod lead;
mod rework;
mod team;
#[cfg(test)]
mod tests;

pub use days::{Week, length_in_days};
pub use deployments::{Deployment, all as rollouts};
pub use failures::{Burned, End, Failure, Rule, Unlinked};
pub use figures::{median, quantile};

/// Time and rules of a delivery report.
#[derive(Clone, Debug)]
pub struct Terms<'a> {
    /// When the time begins.
    pub from: Timestamp,
    /// When it ends; that moment is not in it.
    pub until: Timestamp,
    /// Whose days and weeks count.
    pub zone: &'a TimeZone,
    /// Which environments are production.
    pub production: &'a Production,
    /// How long after a deployment an incident can be of it.
    pub link_within: SignedDuration,
    /// How long a deployment is observed before it counts as one that did not fail.
    pub observe: SignedDuration,
}

/// Releases, incidents and burns of one service, of any time.
#[derive(Clone, Debug, Default)]
pub struct Evidence<'a> {
    /// Its releases, with who tells of them; `None` where who would is blind.
    pub releases: Option<Vec<(&'a SourceName, &'a Release)>>,
    /// Its incidents, likewise.
    pub incidents: Option<Vec<(&'a SourceName, &'a Incident)>>,
    /// When nothing was known of incidents: what was deployed then cannot be judged.
    pub gaps: Vec<(Timestamp, Timestamp)>,
    /// Burns that had a suspect.
    pub burns: Vec<Burned>,
    /// Pairs of a release and an incident that somebody took apart.
    pub unlinked: &'a [Unlinked],
}

/// The five measures.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// How often.
    pub deployments: Option<Frequency>,
    /// From the commit to production.
    pub lead_time: Option<LeadTime>,
    /// How many of them failed.
    pub failures: Option<FailRate>,
    /// How long failed ones took to recover from.
    pub recovery: Option<Recovery>,
    /// How many repair what another broke.
    pub rework: Option<Rework>,
    /// Releases that failed without anybody outside seeing it.
    pub attempts: Vec<Untrusted>,
}

/// Deployment frequency.
#[derive(Clone, Debug, PartialEq)]
pub struct Frequency {
    /// Each of them, oldest first.
    pub ids: Vec<Untrusted>,
    /// When each was.
    pub times: Vec<Timestamp>,
    /// Deployments a day of the zone; the first and the last may be a part of one.
    pub per_day: f64,
    /// Days with a deployment.
    pub days: usize,
    /// The ISO weeks of the time, whole ones and parts.
    pub weeks: Vec<Week>,
    /// The median of the days with a deployment over the whole weeks.
    pub median_days_per_week: Option<f64>,
}

/// Lead time for changes.
#[derive(Clone, Debug, PartialEq)]
pub struct LeadTime {
    /// Each commit that counts: its hash, the deployment that carried it first, and how long it took, in
    /// seconds.
    pub commits: Vec<(Untrusted, Untrusted, f64)>,
    /// Commits that are dated after their deployment.
    pub excluded: usize,
    /// Deployments of which the newest commit alone is known.
    pub head_only: usize,
    /// Deployments that do not say what they carried.
    pub unknown: usize,
}

impl LeadTime {
    /// The seconds of all commits that count, shortest first.
    pub fn seconds(&self) -> Vec<f64> {
        let mut all: Vec<_> = self.commits.iter().map(|(.., seconds)| *seconds).collect();
        all.sort_by(f64::total_cmp);
        all
    }
}

/// Change fail rate.
#[derive(Clone, Debug, PartialEq)]
pub struct FailRate {
    /// Those that failed, oldest first, with what says so.
    pub failed: Vec<(Untrusted, Vec<Failure>)>,
    /// How many can be judged.
    pub of: usize,
    /// Those that are too young to be judged.
    pub pending: Vec<Untrusted>,
    /// Those that cannot be judged, as incidents were not known while they were observed.
    pub unseen: Vec<Untrusted>,
}

/// Failed deployment recovery time.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovery {
    /// Those that are over: the deployment, and how long it took from its finish, in seconds.
    pub recovered: Vec<(Untrusted, f64)>,
    /// Those that are not, with the seconds from their finish to the end of the time.
    pub open: Vec<(Untrusted, f64)>,
    /// Those that are over, and nobody says since when.
    pub undated: Vec<Untrusted>,
}

impl Recovery {
    /// The seconds of those that are over, shortest first.
    pub fn seconds(&self) -> Vec<f64> {
        let mut all: Vec<_> = self.recovered.iter().map(|(_, seconds)| *seconds).collect();
        all.sort_by(f64::total_cmp);
        all
    }
}

/// Deployment rework rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Rework {
    /// Those that repair, oldest first.
    pub ids: Vec<Untrusted>,
    /// Of so many.
    pub of: usize,
}

/// A rate; `None` of nothing.
#[expect(clippy::cast_precision_loss, reason = "counts of deployments")]
pub fn rate(part: usize, of: usize) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

impl Delivery {
    /// Computes the measures of one service.
    pub fn of(terms: &Terms<'_>, evidence: &Evidence<'_>) -> Self {
        let nothing = Self {
            deployments: None,
            lead_time: None,
            failures: None,
            recovery: None,
            rework: None,
            attempts: Vec::new(),
        };
        // Of a service that never released anything nobody can say how it delivers.
        let Some(rows) = evidence.releases.as_ref().filter(|rows| !rows.is_empty()) else {
            return nothing;
        };
        let all = deployments::all(rows, terms.production);
        let links = failures::Links::of(terms, evidence, &all);
        let repairs = rework::all(&all, evidence.incidents.as_deref().unwrap_or_default());
        let within = |one: &Deployment| one.at >= terms.from && one.at < terms.until;
        let places: Vec<_> = (0..all.len())
            .filter(|place| within(&all[*place]))
            .collect();
        let arrived = |place: &usize| !all[*place].is_attempt || links.is_failed(*place);
        let (counted, attempts): (Vec<usize>, Vec<usize>) = places.into_iter().partition(arrived);
        let id = |place: &usize| all[*place].id.clone();
        let knows_failures = evidence.incidents.is_some();
        let rework: Vec<_> = counted.iter().filter(|place| repairs[**place]).collect();
        Self {
            deployments: Some(days::frequency(
                terms,
                counted
                    .iter()
                    .map(|one| (all[*one].id.clone(), all[*one].at)),
            )),
            lead_time: Some(lead::of(&all, &counted, |place| {
                !all[place].is_attempt || links.is_failed(place)
            })),
            failures: knows_failures.then(|| links.rate(terms, &evidence.gaps, &all, &counted)),
            recovery: knows_failures.then(|| links.recovery(terms, &all, &counted, &repairs)),
            rework: Some(Rework {
                ids: rework.into_iter().map(id).collect(),
                of: counted.len(),
            }),
            attempts: attempts.iter().map(id).collect(),
        }
    }

    /// The releases behind the numbers, by id.
    pub fn ids(&self) -> HashSet<&Untrusted> {
        let all = self.deployments.iter().flat_map(|one| &one.ids);
        all.chain(&self.attempts).collect()
    }
}

/// The seconds from one moment to a later one; negative where it is earlier.
fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}
