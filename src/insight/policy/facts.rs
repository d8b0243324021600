//! Everything that policies are judged by.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::domain::past::PastSums;
use crate::domain::policy::{Exception, Policy, Subject, Truth, defaults};
use crate::domain::{Incident, Observation, Production, Release, SourceName};
use crate::text::Untrusted;

/// How long the steps of a walk are.
pub const STEP: SignedDuration = SignedDuration::from_mins(5);

/// Everything that policies are judged by.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The moment that is judged.
    pub at: Timestamp,
    /// The services that are asked about, and those that they depend on.
    pub services: Vec<ServiceFacts>,
    /// The policies of the configuration.
    pub policies: Vec<Policy>,
    /// The exceptions of the configuration.
    pub exceptions: Vec<Exception>,
    /// Which environments are production.
    pub production: Production,
    /// True where any source knows of releases.
    pub has_releases: bool,
    /// True where the numbers of now have to be enough: then nothing is foretold, and a policy with an
    /// `until` is not known in between.
    pub is_brief: bool,
}

/// Facts of one service.
#[derive(Clone, Debug, Default)]
pub struct ServiceFacts {
    /// Its name.
    pub name: String,
    /// Who owns it.
    pub team: Option<String>,
    /// How much it matters.
    pub tier: Option<u8>,
    /// Services that it needs.
    pub depends_on: Vec<String>,
    /// Its SLOs, without suggested ones.
    pub slos: Vec<SloFacts>,
    /// True where SLOs are suggested for it.
    pub has_suggested: bool,
    /// Why these may not be all of its SLOs.
    pub slos_lack: Option<String>,
    /// Its releases to production.
    pub releases: Rows<Release>,
    /// Its incidents.
    pub incidents: Rows<Incident>,
}

/// Rows of one kind, and how far they are all there are.
#[derive(Clone, Debug)]
pub struct Rows<T> {
    /// The rows, each with its source.
    pub all: Vec<(SourceName, T)>,
    /// Why rows of the present may be missing.
    pub lack: Option<String>,
    /// Since when rows that ended are known as well; `None` where only what is open is known.
    pub since: Option<Timestamp>,
    /// The moment before which a source lists nothing, though there may be rows; `None` where every
    /// source lists all that it keeps.
    pub cut: Option<Timestamp>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            lack: None,
            since: None,
            cut: None,
        }
    }
}

/// Facts of one SLO.
#[derive(Clone, Debug)]
pub struct SloFacts {
    /// Its numbers now.
    pub seen: Observation,
    /// The source that measures it.
    pub source: SourceName,
    /// The zone that its calendar period begins in.
    pub zone: TimeZone,
    /// Why none of its numbers counts now: stale, partial, assumed.
    pub lack: Option<String>,
    /// When its numbers were measured; `None` before its source has answered.
    pub observed_at: Option<Timestamp>,
    /// When its newest sample was taken.
    pub newest: Option<Timestamp>,
    /// Its past, where it was asked for.
    pub past: Option<SloPast>,
}

/// The past of one SLO.
#[derive(Clone, Debug, PartialEq)]
pub struct SloPast {
    /// Its events, step by step.
    pub sums: PastSums,
    /// True where events are counted.
    pub counted: bool,
    /// The queries of each step.
    pub queries: Vec<(String, Untrusted)>,
}

/// One number or fact that a condition was judged by.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The condition, as its key in the configuration.
    pub what: &'static str,
    /// Whether the condition holds by it.
    pub outcome: Truth,
    /// The SLO's name, of a number of one.
    pub slo: Option<Untrusted>,
    /// The number; for an estimate, what is known.
    pub value: Option<f64>,
    /// The least and the most that it can be, of an estimate.
    pub bounds: Option<(f64, f64)>,
    /// The threshold.
    pub threshold: Option<f64>,
    /// How new it is.
    pub observed_at: Option<Timestamp>,
    /// Who said so.
    pub source: Option<SourceName>,
    /// Its query.
    pub query: Option<Untrusted>,
    /// The same in words: `budget 4 %`.
    pub text: String,
    /// Why it is not known.
    pub lack: Option<String>,
}

/// Who asks to release what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The environment; production where none is said.
    pub environment: Option<String>,
    /// The version.
    pub version: Option<String>,
    /// The kind of change, such as `security`.
    pub kind: Option<String>,
}

impl Facts {
    /// The facts of a service.
    pub fn service(&self, name: &str) -> Option<&ServiceFacts> {
        self.services.iter().find(|one| one.name == name)
    }

    /// The policies that cover a service, the default ones where none does.
    pub fn policies_of(&self, service: &ServiceFacts, environment: Option<&str>) -> Vec<Policy> {
        let subject = Subject {
            service: &service.name,
            team: service.team.as_deref(),
            tier: service.tier,
            environment,
            production: &self.production,
        };
        let covering = self.policies.iter();
        let covering: Vec<_> = covering
            .filter(|policy| policy.scope.covers(subject))
            .cloned()
            .collect();
        if covering.is_empty() {
            defaults(self.has_releases)
        } else {
            covering
        }
    }
}
