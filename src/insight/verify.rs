//! Whether a release held: errors after it, against its rules and against the time before it.
//!
//! A verdict needs less than a test of significance suggests, and more:
//!
//! - *Burning* at once, when a page rule fires with the bad events before the release taken as good.
//!   Windows keep their length, so one bad minute does not page by itself.
//! - *Burning* at the end, when the time after the release burns above 1x and its errors rose beyond
//!   chance, also without its worst minute, and also above the same hour of the day before.
//! - *Healthy* only after the whole time, with samples to its end, few gaps, enough events that a
//!   page-level burn would have shown, and no page rule that fires at the end.
//! - *Unknown* otherwise, with everything that is missing.
//!
//! The test is made once, at the end: repeated every minute it would find a rise in most releases.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::past::PastEvents;
use crate::domain::{Fault, Observation, Rule, Severity, Slo};

mod baseline;
mod combine;
mod compare;
mod minutes;
mod missing;
mod rise;
mod rules;
mod target;
#[cfg(test)]
mod tests;
mod verdict;
mod words;

use baseline::Baseline;
pub use baseline::LeftOut;
pub use combine::{Verdict, combine};
use compare::compare;
pub use compare::{Comparison, Contrast};
use minutes::Minutes;
pub use minutes::steps_since;
pub use rise::{Noise, Rise};
pub use rules::Firing;
pub use target::{Chosen, NotFound, Superseding, Wanted, choose, superseded};
pub use verdict::{Measured, Missing, SloVerdict};
pub use words::count;

/// How long a step is.
pub const STEP: SignedDuration = SignedDuration::from_mins(1);
/// The share of steps that has to be known.
const LEAST_COVERAGE: f64 = 0.8;
/// Bad events that a page-level burn has to cause, so that none is missed by chance: of 10 expected
/// ones at least 3 come with a probability of 99.7 %.
const EXPECTED_BAD: f64 = 10.0;
/// The longest time before a release that is asked for.
const LONGEST_LOOKBACK: SignedDuration = SignedDuration::from_hours(30);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The time in which a release is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// When the release was done.
    pub released: Timestamp,
    /// When it began; the time between the two is no part of the baseline.
    pub began: Timestamp,
    /// When the verdict is due.
    pub until: Timestamp,
}

impl Trial {
    /// Whole steps between the release and the end.
    fn steps(&self, step: SignedDuration) -> usize {
        steps_since(self.released, self.until, step).len()
    }

    /// How long it takes.
    pub fn length(&self) -> SignedDuration {
        self.released.duration_until(self.until)
    }

    fn is_longer_than_a_day(&self) -> bool {
        self.length() > DAY
    }

    /// How far back events have to be known: the long windows of page rules, and a baseline as long as
    /// the trial.
    pub fn lookback<'a>(&self, slos: impl IntoIterator<Item = &'a Slo>) -> SignedDuration {
        let rules = slos.into_iter().flat_map(|slo| slo.rules.iter());
        let pages = rules.filter(|rule| rule.severity == Severity::Page);
        let windows = pages.map(|rule| rule.long.duration());
        let longest = windows.max().unwrap_or_default();
        let rollout = self
            .began
            .duration_until(self.released)
            .max(SignedDuration::ZERO);
        let own = self.length().saturating_add(rollout);
        // Noise is told by more than one baseline.
        let own = own.saturating_mul(2).max(SignedDuration::from_hours(3));
        longest.max(own).min(LONGEST_LOOKBACK)
    }
}

/// One SLO of the service, with its past.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Which.
    pub slo: Arc<Slo>,
    /// The steps up to the release.
    pub before: Option<Result<PastEvents, Fault>>,
    /// Those since, up to the end of the trial at the latest.
    pub since: Option<Result<PastEvents, Fault>>,
    /// The same time one day before.
    pub day_before: Option<Result<PastEvents, Fault>>,
    /// The newest observation; of the end of the trial where that is past.
    pub seen: Option<Observation>,
}

/// The verdict on a release, with its evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Errors did not rise.
    Healthy,
    /// They did.
    Burning,
    /// It cannot be told.
    Unknown,
}

impl Outcome {
    /// The word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Burning => "burning",
            Self::Unknown => "unknown",
        }
    }

    /// The exit status.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Healthy => 0,
            Self::Burning => 1,
            Self::Unknown => 3,
        }
    }
}

/// Why a release has its outcome; the one part that anything is decided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The whole time passed without a rise.
    Held,
    /// A page rule fires by errors since the release.
    PageRule,
    /// Errors rose beyond chance.
    Rise,
    /// The time is not over.
    Waiting,
    /// The service has no SLO.
    NoSlo,
    /// The service has suggested SLOs only.
    Suggested,
    /// The release is not found.
    NotFound,
    /// The release has not finished.
    NotFinished,
    /// Another release of the service came within the time.
    Superseded,
    /// A source of releases fails, so whether another one came is not known.
    ReleasesUnknown,
    /// A page rule fires that fired before the release as well.
    BurnsSinceBefore,
    /// It burns above 1x, and it burned before the release.
    BaselineBurned,
    /// Most minutes burn as a page rule wants it, and that may be chance.
    NotClear,
    /// The newest sample does not reach the end.
    Stale,
    /// Too much of the time is not known.
    Gap,
    /// Too few events to show a page-level burn.
    TooFewEvents,
    /// Only ratios are recorded, so how many events there were is not known.
    NotCounted,
    /// Parts of the data did not answer.
    Partial,
    /// No bad event was ever counted, and 0 are assumed.
    Assumed,
    /// Some targets cannot be scraped.
    TargetsDown,
    /// The numbers are not known.
    NotKnown,
    /// The source failed.
    Failed,
}

impl Cause {
    /// The word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::PageRule => "page_rule",
            Self::Rise => "rise",
            Self::Waiting => "waiting",
            Self::NoSlo => "no_slo",
            Self::Suggested => "suggested",
            Self::NotFound => "not_found",
            Self::NotFinished => "not_finished",
            Self::Superseded => "superseded",
            Self::ReleasesUnknown => "releases_unknown",
            Self::BurnsSinceBefore => "burns_since_before",
            Self::BaselineBurned => "baseline_burned",
            Self::NotClear => "not_clear",
            Self::Stale => "stale",
            Self::Gap => "gap",
            Self::TooFewEvents => "too_few_events",
            Self::NotCounted => "not_counted",
            Self::Partial => "partial",
            Self::Assumed => "assumed_zero",
            Self::TargetsDown => "targets_down",
            Self::NotKnown => "not_known",
            Self::Failed => "failed",
        }
    }
}

/// Events in which a burn at the highest factor of a page rule causes [`EXPECTED_BAD`] bad ones. Without
/// page rules the highest factor of any rule counts; without rules, that of the workbook.
pub(crate) fn events_needed(slo: &Slo) -> f64 {
    let highest = |rules: &mut dyn Iterator<Item = &Rule>| {
        rules.map(|rule| rule.factor).max_by(f64::total_cmp)
    };
    let is_page = |rule: &&Rule| rule.severity == Severity::Page;
    let factor = highest(&mut slo.rules.iter().filter(is_page))
        .or_else(|| highest(&mut slo.rules.iter()))
        .or_else(|| highest(&mut Rule::workbook(slo.period).iter()));
    let share = factor.unwrap_or(1.0) * slo.error_budget();
    // A hair less for the rounding of binary fractions.
    (EXPECTED_BAD / share - 1e-9).ceil().max(1.0)
}

/// Judges one SLO at a moment.
pub fn judge(trial: &Trial, evidence: &Evidence, now: Timestamp) -> SloVerdict {
    let mut verdict = SloVerdict::waiting(trial, evidence, now);
    let Some(Ok(since)) = &evidence.since else {
        if let Some(Err(fault)) = &evidence.since {
            verdict.unknown(missing::failed(fault));
        }
        return verdict;
    };
    let before = evidence
        .before
        .as_ref()
        .and_then(|before| before.as_ref().ok());
    let minutes = Minutes::new(trial.released, before, since);
    let weighted = minutes.weighted();
    let baseline = Baseline::new(&evidence.slo, trial, &weighted);
    verdict.measure(trial, evidence, (&minutes, &baseline));
    verdict.newest = since.newest;
    // Without the past a window would be shorter than the rule says.
    let first = before.and_then(|_| first_firing(&evidence.slo, &minutes));
    if let Some((end, firing)) = first {
        verdict.burns_by_rule(trial, &minutes, (end, firing));
        return verdict;
    }
    if now < trial.until {
        return verdict;
    }
    verdict.comparison = Some(compare(trial, evidence, &weighted, &baseline));
    verdict.decide(trial, evidence, &minutes);
    verdict
}

/// The first step since the release at the end of which a page rule fires.
fn first_firing(slo: &Slo, minutes: &Minutes) -> Option<(usize, Firing)> {
    let mut ends = minutes.released + 1..=minutes.len();
    ends.find_map(|end| Some((end, rules::firing(slo, minutes, end, minutes.released)?)))
}
