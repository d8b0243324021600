//! Why, and since when: the beginning of each burn, and the releases that may be behind it.
//!
//! A burn's [`onset`] is found in how its bad events came over time. The releases near it are then
//! ranked (`suspects`) by how well the burn could have begun with them, whose they are, where they
//! went, and what else happened at that moment. What comes out is a hint with its reasons and never
//! a verdict: 0.5 and more is called a suspicion, and "no release explains this" is an answer.
//!
//! # How often it is right
//!
//! On 100 seeds of each kind that nothing was set on (`tests/suspects/`; those that do not burn are
//! left out; 8 % of the SLOs have recorded ratios only, in which load cannot be seen):
//!
//! | explained by a release | burns | named it | | not explained | burns | accused one |
//! |---|---|---|---|---|---|---|
//! | bad release | 84 | 100 % | | traffic spike, release near | 99 | 7.1 % |
//! | release of a dependency | 82 | 100 % | | traffic drop, release near | 59 | 5.1 % |
//! | two releases at once | 87 | 100 % | | infrastructure, releases near | 80 | 0 % |
//! | two incidents at once | 165 | 100 % | | slow leak | 96 | 0 % |
//! | slow leak after a release | 96 | 100 % | | release to staging only | 93 | 0 % |
//! | flapping | 87 | 100 % | | release of a stranger | 83 | 0 % |
//! | scrape gaps | 75 | 100 % | | noise | 100 | 1.0 % |
//! | low traffic | 91 | 97.8 % | | | | |
//! | healed by a rollback | 59 | 100 % | | | | |
//! | change of configuration | 87 | 100 % | | | | |
//! | canary, failed release | 83 | 100 % | | | | |
//! | **all** | 996 | **99.8 %** | | **all** | 610 | **1.8 %** |
//!
//! Attempts of one version are one suspect, and a deployment that never ran is none. The interval of an
//! onset holds the true beginning in at least 95 % of the burns, slow rises included, and of nine burns
//! in ten the onset moves by at most 30 s when they are looked at again within two minutes
//! (`tests/suspects.rs`).
//!
//! What a shift leaves to the next is put together by [`handoff`], how a service delivers by [`delivery`],
//! and whether a release held by [`verify`].
//!
//! Nothing here asks anybody or reads a clock: it is a function of what the sources said.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of minutes and slices, far below 2^52"
)]

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::slo::Course;
use crate::domain::{Observation, Production, Release, Service, SourceName, State};
use crate::text::Untrusted;

pub mod delivery;
mod fit;
pub mod handoff;
mod kin;
mod left_out;
mod load;
mod onset;
pub mod policy;
mod reason;
mod record;
pub mod report;
mod segments;
mod strand;
mod suspects;
#[cfg(test)]
mod tests;
pub mod verify;

use load::Load;
pub use onset::{Onset, onset};
pub use reason::percent;

/// From this score on, a release is called a suspect.
pub const SUSPICION: f64 = 0.5;

/// Everything that is known of a moment.
#[derive(Clone, Debug)]
pub struct Known<'a> {
    /// The SLOs, with who measures them.
    pub slos: Vec<(&'a SourceName, &'a Observation)>,
    /// The releases, with who tells of them.
    pub releases: Vec<(&'a SourceName, &'a Release)>,
    /// What is configured of services.
    pub services: &'a [Service],
    /// Which environments are production.
    pub production: &'a Production,
}

/// What is thought about one burning SLO.
#[derive(Clone, Debug, PartialEq)]
pub struct Insight {
    /// When the burn began; `None` where no beginning can be seen.
    pub onset: Option<Onset>,
    /// The releases that may be behind it, the likeliest first.
    pub suspects: Vec<Suspect>,
    /// Why none of them is a suspicion; `None` when one is.
    pub unexplained: Option<String>,
    /// What became of the traffic at the onset.
    load: Load,
    /// What both were found in.
    courses: Arc<[Course]>,
}

impl Insight {
    /// The likeliest release, when it is a suspicion.
    pub fn suspect(&self) -> Option<&Suspect> {
        self.suspects.first().filter(|one| one.score >= SUSPICION)
    }
}

/// A release that may be behind a burn.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    /// Who tells of it.
    pub source: SourceName,
    /// What that source calls it.
    pub release: Untrusted,
    /// Whose release it is.
    pub service: Untrusted,
    /// Which version.
    pub version: Untrusted,
    /// From 0 to 1.
    pub score: f64,
    /// From its arrival to the onset; zero for one within the onset's interval.
    pub lead: SignedDuration,
    /// Why, in a sentence; the errors before and after are its end.
    pub reason: Untrusted,
}

/// What is thought about every SLO that burns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Insights(HashMap<(SourceName, Untrusted), Arc<Insight>>);

impl Insights {
    /// Thinks about all that burn. `before` is what was thought the last time: a beginning that was
    /// found in the same slices is not looked for again, and a burn that goes on keeps its own.
    pub fn of(known: &Known<'_>, before: &Self) -> Self {
        let burning: Vec<_> = known.slos.iter().filter_map(burn).collect();
        if burning.is_empty() {
            return Self::default();
        }
        let found: Vec<_> = burning
            .iter()
            .map(|burn| {
                let key = (burn.source.clone(), burn.seen.slo.id());
                let known = before.0.get(&key);
                let same = known.filter(|one| Arc::ptr_eq(&one.courses, &burn.seen.courses));
                let found = same.map_or_else(
                    || burn.begin(known.and_then(|one| one.onset)),
                    |one| (one.onset, one.load),
                );
                (key, found)
            })
            .collect();
        let burns: Vec<_> = burning
            .iter()
            .zip(&found)
            .map(|(burn, (_, (onset, load)))| suspects::Burn {
                seen: burn.seen,
                onset: *onset,
                load: *load,
            })
            .collect();
        let judged = suspects::all(known, &burns);
        let all = found.into_iter().zip(judged).zip(&burning);
        Self(
            all.map(|(((key, (onset, load)), (suspects, unexplained)), burn)| {
                let insight = Insight {
                    onset,
                    suspects,
                    unexplained,
                    load,
                    courses: Arc::clone(&burn.seen.courses),
                };
                (key, Arc::new(insight))
            })
            .collect(),
        )
    }

    /// What is thought about an SLO; `None` of one that does not burn.
    pub fn slo(&self, source: &SourceName, id: &Untrusted) -> Option<&Insight> {
        self.0.get(&(source.clone(), id.clone())).map(|one| &**one)
    }

    /// The SLOs that a release is the suspect of, with their sources.
    pub fn accused<'a>(
        &'a self,
        source: &'a SourceName,
        release: &'a Untrusted,
    ) -> impl Iterator<Item = (&'a SourceName, &'a Untrusted, &'a Insight)> {
        self.0.iter().filter_map(move |((by, id), insight)| {
            let suspect = insight.suspect()?;
            let is_it = suspect.source == *source && suspect.release == *release;
            is_it.then_some((by, id, &**insight))
        })
    }

    /// True when no release is a suspect of anything.
    pub fn is_quiet(&self) -> bool {
        self.0.values().all(|one| one.suspect().is_none())
    }
}

/// An SLO that burns, and the error ratio that its rule calls burning.
struct Burning<'a> {
    source: &'a SourceName,
    seen: &'a Observation,
    level: f64,
}

impl Burning<'_> {
    /// When it began, and what became of the traffic then. `known` is when it was thought to have
    /// begun the last time.
    fn begin(&self, known: Option<Onset>) -> (Option<Onset>, Load) {
        let courses = &self.seen.courses;
        let onset = onset(courses, self.level).map(|found| match &known {
            Some(known) => found.kept_from(known),
            None => found,
        });
        let load = onset.map_or(Load::Usual, |onset| load::load(courses, &onset));
        (onset, load)
    }
}

/// One whose rules fire, so far as its past is known.
fn burn<'a>(&(source, seen): &(&'a SourceName, &'a Observation)) -> Option<Burning<'a>> {
    if seen.courses.is_empty() {
        return None;
    }
    let verdict = seen.assess();
    if !matches!(verdict.state, State::Page | State::Ticket) {
        return None;
    }
    let firing = verdict.rules.iter().filter(|one| one.firing == Some(true));
    let factor = firing.map(|one| one.rule.factor).max_by(f64::total_cmp)?;
    Some(Burning {
        source,
        seen,
        level: factor * seen.slo.error_budget(),
    })
}

/// Minutes from one moment to a later one.
fn minutes(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64() / 60.0
}
