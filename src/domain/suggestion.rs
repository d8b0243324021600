//! SLOs that a source suggests from the metrics it recognised, and what it found and did not suggest.

use serde::{Deserialize, Serialize};

use super::Period;
use crate::text::Untrusted;

/// How many reasons are named in one sentence.
const NAMED: usize = 3;

/// What a source found when it looked for SLOs to suggest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suggestions {
    /// All of them, whether shown or not, by service and name.
    pub all: Vec<Suggestion>,
    /// Metrics that were recognised and from which nothing is suggested.
    pub declined: Vec<Declined>,
    /// The families of metrics that were looked for.
    pub families: Vec<String>,
}

impl Suggestions {
    /// What was looked for and found where nothing is shown, in words; `None` where nothing was looked
    /// for.
    pub fn nothing<'a>(all: impl Iterator<Item = &'a Self>) -> Option<String> {
        let (mut families, mut reasons, mut asked) = (0, Vec::new(), false);
        for one in all {
            asked = true;
            families = families.max(one.families.len());
            reasons.extend(
                one.declined.iter().map(|declined| {
                    format!("{} ({})", declined.metric.raw(), declined.reason.raw())
                }),
            );
            let hidden = one.all.iter().filter(|one| !one.standing.is_shown());
            reasons.extend(hidden.map(|one| {
                let why = match one.standing {
                    SuggestionStanding::Thin => "fewer than 1,000 events in the last day",
                    _ => "its history held not even 99%",
                };
                format!("{}/{} ({why})", one.service.raw(), one.name)
            }));
        }
        if !asked {
            return None;
        }
        if reasons.is_empty() {
            return Some(format!("none of {families} families of request metrics"));
        }
        let more = match reasons.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        reasons.truncate(NAMED);
        Some(format!(
            "nothing to suggest from {}{more}",
            reasons.join(", ")
        ))
    }

    /// Those that are shown as SLOs.
    pub fn shown(&self) -> impl Iterator<Item = &Suggestion> {
        self.all.iter().filter(|one| one.standing.is_shown())
    }
}

/// An SLO that could be written into the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// The service, by the value of a label.
    pub service: Untrusted,
    /// `availability` or `latency`.
    pub name: &'static str,
    /// What counts events.
    pub counts: Counts,
    /// Share of good events, between 0 and 1; that of a suggestion without an objective is assumed.
    pub objective: f64,
    /// Over which time.
    pub period: Period,
    /// True where the label of bad events exists on failures only, so that no series means 0.
    pub absent_is_zero: bool,
    /// How well it is founded.
    pub standing: SuggestionStanding,
    /// Bad over all events in the kept history, where there were any.
    pub ratio: Option<f64>,
    /// Why it is suggested, and why with this objective, without figures that change.
    pub because: Untrusted,
    /// The family of metrics that it was recognised by.
    pub recipe: String,
}

impl Suggestion {
    /// `service/name`.
    pub fn id(&self) -> Untrusted {
        Untrusted::from(format!("{}/{}", self.service.raw(), self.name))
    }
}

/// The selectors of a suggestion, as a `[[slo]]` has them.
#[derive(Clone, Debug, PartialEq)]
pub enum Counts {
    /// `total` and `bad`.
    Bad {
        /// All events.
        total: Untrusted,
        /// Bad events.
        bad: Untrusted,
    },
    /// `total` and `good`.
    Good {
        /// All events.
        total: Untrusted,
        /// Good events.
        good: Untrusted,
    },
    /// `gauge`: 1 while good, 0 while bad.
    Gauge(Untrusted),
}

impl Counts {
    /// The keys and values of a `[[slo]]`.
    pub fn settings(&self) -> Vec<(&'static str, &Untrusted)> {
        match self {
            Self::Bad { total, bad } => vec![("total", total), ("bad", bad)],
            Self::Good { total, good } => vec![("total", total), ("good", good)],
            Self::Gauge(gauge) => vec![("gauge", gauge)],
        }
    }
}

/// How well a suggestion is founded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuggestionStanding {
    /// Shown, and part of the verdict.
    Shown,
    /// Shown outside of the verdict: no bad event in the kept history, so the objective is assumed.
    NeverFailed,
    /// Not shown: fewer than 1,000 events in the last day.
    Thin,
    /// Not shown: the kept history holds none of the objectives.
    NoObjective,
}

impl SuggestionStanding {
    /// The word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::NeverFailed => "never_failed",
            Self::Thin => "thin",
            Self::NoObjective => "no_objective",
        }
    }

    /// True for one that is shown as an SLO.
    pub fn is_shown(self) -> bool {
        matches!(self, Self::Shown | Self::NeverFailed)
    }
}

/// A metric that was recognised and from which nothing is suggested.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Declined {
    /// The metric.
    pub metric: Untrusted,
    /// Why not.
    pub reason: Untrusted,
}

/// Why an SLO that nobody wrote is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grounds {
    /// Why it is suggested.
    pub because: Untrusted,
    /// True where it never failed: then it is outside of the verdict.
    pub never_failed: bool,
}
