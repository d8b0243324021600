//! What policies are judged by, out of everything known: numbers and rows, each with why it may not
//! count.

mod doubts;
mod freeze;
mod held;
mod rows;
mod turns;

pub use freeze::{Freeze, Freezes};
pub use held::Held;
pub use turns::Turns;

use std::collections::HashMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Feed, Store};
use crate::domain::past::PastEvents;
use crate::domain::policy::{Exception, Policy};
use crate::domain::{Fault, FaultKind, Observation, Origin, SourceName};
use crate::insight::policy::{Facts, ServiceFacts, SloFacts};
use crate::text::Untrusted;

/// The policies of the configuration, and what else of it they are judged by.
#[derive(Clone, Debug, PartialEq)]
pub struct Policies {
    /// When releases stop.
    pub policies: Vec<Policy>,
    /// Kinds of change that may pass for a time.
    pub exceptions: Vec<Exception>,
    /// The zone of calendar periods, by service and SLO.
    pub zones: HashMap<(String, String), TimeZone>,
    /// The zone of those that are not configured.
    pub zone: TimeZone,
    /// Older answers are not known.
    pub max_age: SignedDuration,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            policies: Vec::new(),
            exceptions: Vec::new(),
            zones: HashMap::new(),
            zone: TimeZone::UTC,
            max_age: SignedDuration::from_mins(3),
        }
    }
}

/// By which clock what is judged, and how old it may be.
#[derive(Clone, Copy, Debug)]
pub struct Judging {
    /// The moment that is judged, by the clock of the servers.
    pub at: Timestamp,
    /// The present by the clock of this machine, which answers are dated by.
    pub now: Timestamp,
    /// Older answers are not known.
    pub max_age: SignedDuration,
    /// True for a moment of the past, in which nothing grows old.
    pub is_past: bool,
}

/// An SLO by its place: that of its service among the facts, and its own in there.
pub type Place = (usize, usize);

/// The sources' answers about the past of SLOs.
pub type Told = HashMap<Place, Result<PastEvents, Fault>>;

/// How far the clock of each source's server is ahead of ours, by its last answer.
pub type Skews = HashMap<SourceName, SignedDuration>;

impl Store {
    /// The same, knowing these policies.
    #[must_use]
    pub fn with_policies(mut self, policies: Policies) -> Self {
        self.policies = policies.into();
        self
    }

    /// The policies of the configuration.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// What is known of these services and of all that they depend on, before anything is doubted.
    pub fn policy_facts(&self, names: &[String], at: Timestamp) -> Facts {
        let mut names = names.to_vec();
        let mut next = 0;
        while let Some(name) = names.get(next).cloned() {
            let service = self.service(&name.as_str().into());
            let needed = service.into_iter().flat_map(|service| &service.depends_on);
            for name in needed {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
            next += 1;
        }
        let mut slos: HashMap<&str, Vec<(&Feed, &Observation)>> = HashMap::new();
        for (feed, seen) in self.slos() {
            let mine = slos.entry(seen.slo.service.raw()).or_default();
            mine.push((feed, seen));
        }
        let services = names.iter().map(|name| {
            let mine = slos.get(name.as_str()).map_or(&[][..], Vec::as_slice);
            self.service_facts(name, mine)
        });
        Facts {
            at,
            services: services.collect(),
            policies: self.policies.policies.clone(),
            exceptions: self.policies.exceptions.clone(),
            production: self.production().clone(),
            has_releases: self.feeds().iter().any(|feed| feed.offers.releases),
            is_brief: false,
        }
    }

    fn service_facts(&self, name: &str, mine: &[(&Feed, &Observation)]) -> ServiceFacts {
        let configured = self.service(&Untrusted::from(name));
        let is_suggested = |seen: &Observation| seen.slo.origin == Origin::Suggested;
        let slos = mine.iter().filter(|(_, seen)| !is_suggested(seen));
        let slos = slos.map(|(feed, seen)| SloFacts {
            seen: (*seen).clone(),
            source: feed.name.clone(),
            zone: self.policies.zone_of(seen),
            lack: None,
            observed_at: feed.last_success.map(|_| seen.at),
            newest: None,
            past: None,
        });
        let mut measuring = self.feeds().iter().filter(|feed| feed.offers.slos);
        ServiceFacts {
            slos: slos.collect(),
            has_suggested: mine.iter().any(|(_, seen)| is_suggested(seen)),
            slos_lack: measuring.find_map(why_incomplete),
            team: configured.and_then(|service| service.team.clone()),
            tier: configured.and_then(|service| service.tier),
            depends_on: configured.map_or_else(Vec::new, |service| service.depends_on.clone()),
            name: name.to_owned(),
            ..ServiceFacts::default()
        }
    }

    /// Notes why numbers do not count, and puts the rows of each service in their places.
    pub fn judge_facts(&self, facts: &mut Facts, told: &Told, skews: &Skews, judging: Judging) {
        doubts::note(self, facts, told, judging);
        rows::fill(self, facts, skews, judging);
    }

    /// True for a service that is configured, or that any row is about.
    pub fn knows_service(&self, name: &str) -> bool {
        let raw = Untrusted::from(name);
        self.service(&raw).is_some()
            || self.slos().any(|(_, seen)| seen.slo.service == raw)
            || self.releases().any(|(_, release)| release.service == raw)
            || self
                .incidents()
                .any(|(_, incident)| incident.service == raw)
    }
}

impl Policies {
    fn zone_of(&self, seen: &Observation) -> TimeZone {
        let (service, name) = (seen.slo.service.raw(), seen.slo.name.raw());
        // What is one of several groups has its labels in braces.
        let name = name.split('{').next().unwrap_or(name);
        let zone = self.zones.get(&(service.to_owned(), name.to_owned()));
        zone.unwrap_or(&self.zone).clone()
    }
}

/// Why a source may have SLOs that are not known: it did not answer, or not for all of them. A query
/// that fails is the fault of one SLO, whose numbers are not known then.
fn why_incomplete(feed: &Feed) -> Option<String> {
    let fault = feed.fault.as_ref();
    let fault = fault.filter(|fault| fault.kind != FaultKind::Query || feed.last_success.is_none());
    match fault {
        Some(fault) => Some(format!("{}: {}", feed.name, fault.message.raw())),
        None if feed.last_success.is_none() => Some(format!("{} has not answered", feed.name)),
        None => None,
    }
}
