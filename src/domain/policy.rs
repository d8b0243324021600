//! Error budget policies: when releases stop, when they go on, and who may release all the same.
//!
//! A condition is answered with yes, no or not known; `and`, `or` and `not` are those of Kleene's
//! three-valued logic, so that what is not known is never taken for a no.

mod calendar;
mod words;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{NamePattern, Production, Severity, State, Window};

pub use calendar::{Calendar, Dates, Weekly};
pub use words::percent;

/// The answer to a condition. A conjunction is the least of its parts, a disjunction the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Truth {
    /// Known not to hold.
    No,
    /// Something that it depends on is not known.
    Unknown,
    /// Known to hold.
    Yes,
}

impl Truth {
    /// Of what is known.
    pub fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    /// The negation: what is not known stays so.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }

    /// True where all hold; yes of none.
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().min().unwrap_or(Self::Yes)
    }

    /// True where any holds; no of none.
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().max().unwrap_or(Self::No)
    }

    /// The word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Unknown => "unknown",
            Self::Yes => "yes",
        }
    }
}

/// Effect of a policy while it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Nothing is released.
    Freeze,
    /// Releases pass with a warning.
    Warn,
}

impl Effect {
    /// Every effect, by the word that the configuration says.
    pub const ALL: [(&str, Self); 2] = [("freeze", Self::Freeze), ("warn", Self::Warn)];
}

/// A policy: `[[policy]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Its name in verdicts; unique.
    pub name: String,
    /// The services it covers.
    pub scope: PolicyScope,
    /// When it applies.
    pub when: Condition,
    /// When it ends to apply, where that is later than `when` ends.
    pub until: Option<Condition>,
    /// Its effect.
    pub effect: Effect,
    /// Kinds of change that an [`Exception`] lets pass.
    pub except: Vec<String>,
    /// Advice for people meanwhile.
    pub say: Option<String>,
}

/// Services that a policy covers: all where none is named.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyScope {
    /// Names of services.
    pub services: Vec<NamePattern>,
    /// Teams that own services.
    pub teams: Vec<NamePattern>,
    /// Tiers of services.
    pub tiers: Vec<u8>,
    /// Environments that are released to.
    pub environments: Vec<NamePattern>,
}

/// Who asks whether a policy is about them.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The service.
    pub service: &'a str,
    /// The team that owns it.
    pub team: Option<&'a str>,
    /// Its tier.
    pub tier: Option<u8>,
    /// Where it is released to; production where nothing is said.
    pub environment: Option<&'a str>,
    /// Which environments are production.
    pub production: &'a Production,
}

impl PolicyScope {
    /// True where it is about this.
    pub fn covers(&self, subject: Subject<'_>) -> bool {
        let named = |patterns: &[NamePattern], name: Option<&str>| {
            let matches = |name| patterns.iter().any(|one| one.matches(name));
            patterns.is_empty() || name.is_some_and(matches)
        };
        named(&self.services, Some(subject.service))
            && named(&self.teams, subject.team)
            && (self.tiers.is_empty()
                || subject.tier.is_some_and(|tier| self.tiers.contains(&tier)))
            && self.covers_environment(subject)
    }

    fn covers_environment(&self, subject: Subject<'_>) -> bool {
        let mut patterns = self.environments.iter();
        let production = subject.production;
        match subject.environment {
            _ if self.environments.is_empty() => true,
            None => patterns.any(|one| {
                production.contains(one.text()) || production.names().any(|name| one.matches(name))
            }),
            // The names of production that are configured mean the same.
            Some(said)
                if production
                    .names()
                    .any(|name| name.eq_ignore_ascii_case(said)) =>
            {
                patterns.any(|one| {
                    one.matches(said) || production.names().any(|name| one.matches(name))
                })
            }
            Some(said) => patterns.any(|one| one.matches(said)),
        }
    }
}

/// Something that holds, does not hold, or is not known to.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// All of these.
    All(Vec<Condition>),
    /// Any of these.
    Any(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// The error budget that is left.
    BudgetRemaining {
        /// How much: below is about any SLO of the service, above about every one.
        bound: Bound,
        /// The SLO's name; `None` for all of the service.
        slo: Option<String>,
        /// Over which time; `None` for the SLO's period.
        over: Option<Window>,
    },
    /// The share of the error budget that one cause has spent.
    BudgetSpent {
        /// More than so much of it.
        above: f64,
        /// By what; `None` for all together.
        by: Option<Cause>,
        /// The budget of which time; `None` for the SLO's period.
        over: Option<Window>,
    },
    /// The burn rate of any SLO.
    BurnRate {
        /// Over which time.
        window: Window,
        /// Above so much.
        above: f64,
    },
    /// The states of SLOs: every SLO has one of these where `ok` is among them, else any has.
    State(Vec<State>),
    /// An open incident.
    Incident {
        /// At least as severe.
        severity: Option<Severity>,
        /// Open for so long.
        older_than: Option<SignedDuration>,
    },
    /// A release to production that ended badly within this time.
    FailedRelease(SignedDuration),
    /// A release to production that is on its way.
    RunningRelease,
    /// A service that it depends on is frozen.
    FrozenDependency,
    /// Times of the calendar.
    Calendar(Calendar),
}

/// A limit of a number. Equal is neither above nor below.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// Less than this.
    Below(f64),
    /// More than this.
    Above(f64),
    /// This or less.
    AtMost(f64),
}

impl Bound {
    /// The limit itself.
    pub fn limit(self) -> f64 {
        match self {
            Self::Below(limit) | Self::Above(limit) | Self::AtMost(limit) => limit,
        }
    }

    /// Whether a number that lies between these two keeps the limit.
    pub fn holds(self, least: f64, most: f64) -> Truth {
        /// Sums of many events differ by as much.
        const NOISE: f64 = 1e-9;
        let (least_holds, most_holds) = match self {
            Self::Below(limit) => (least < limit - NOISE, most < limit - NOISE),
            Self::Above(limit) => (least > limit + NOISE, most > limit + NOISE),
            Self::AtMost(limit) => (least <= limit + NOISE, most <= limit + NOISE),
        };
        match (least_holds, most_holds) {
            (true, true) => Truth::Yes,
            (false, false) => Truth::No,
            _ => Truth::Unknown,
        }
    }
}

/// Cause of spent error budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// One incident, between its beginning and its end or now.
    Incident,
    /// One release, up to the next.
    Release,
}

impl Cause {
    /// Every cause, by the word that the configuration says.
    pub const ALL: [(&str, Self); 2] = [("incident", Self::Incident), ("release", Self::Release)];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Release => "release",
        }
    }
}

/// A kind of change that may pass a policy for a time: `[[exception]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The kind of change.
    pub kind: String,
    /// Of which service.
    pub service: String,
    /// In which version; any where none is named.
    pub version: Option<String>,
    /// Who has allowed it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Until when.
    pub expires: Timestamp,
}

impl Exception {
    /// True for a change that it is about, expired or not.
    pub fn is_about(&self, service: &str, version: Option<&str>) -> bool {
        let is_version = self.version.is_none() || self.version.as_deref() == version;
        self.service == service && is_version
    }

    /// True while it lets pass.
    pub fn holds(&self, at: Timestamp) -> bool {
        at < self.expires
    }
}

/// A time that counts neither good nor bad in the budget of an SLO: `[[budget_adjustment]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetAdjustment {
    /// `service/name`.
    pub slo: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// Why.
    pub reason: String,
    /// Who has decided it.
    pub by: String,
}

/// The policies that hold where none of the configuration covers a service: nothing is released while
/// a page rule fires or the budget is spent; a warning at a quarter of the budget, and for a day after
/// a failed release where releases are known at all.
pub fn defaults(has_releases: bool) -> Vec<Policy> {
    let policy = |name: &str, effect, when| Policy {
        name: name.to_owned(),
        scope: PolicyScope::default(),
        when,
        until: None,
        effect,
        except: Vec::new(),
        say: None,
    };
    let left = |limit| Condition::BudgetRemaining {
        bound: Bound::AtMost(limit),
        slo: None,
        over: None,
    };
    let mut warned = vec![left(0.25)];
    warned.extend(has_releases.then(|| Condition::FailedRelease(SignedDuration::from_hours(24))));
    vec![
        policy(
            "default freeze",
            Effect::Freeze,
            Condition::Any(vec![Condition::State(vec![State::Page]), left(0.0)]),
        ),
        policy("default warning", Effect::Warn, Condition::Any(warned)),
    ]
}

impl Condition {
    /// Each condition inside that has no parts.
    pub fn leaves(&self) -> Vec<&Condition> {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().flat_map(Condition::leaves).collect()
            }
            Self::Not(part) => part.leaves(),
            leaf => vec![leaf],
        }
    }
}

#[cfg(test)]
mod tests;
