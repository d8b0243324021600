//! Baselines of the time after a release: the time just before it, and the same hour of the day
//! before.

use std::ops::Range;

use super::minutes::{Minutes, tally};
use super::rise::{Noise, is_above, noise};
use super::rules;
use super::{Evidence, LEAST_COVERAGE, Trial};
use crate::domain::past::Tally;
use crate::domain::{Events, Slo};

/// Why a baseline is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// It burned itself.
    Burned,
    /// It holds no event, or the source has no history of it.
    NoData,
    /// Most of it is not known.
    Gap,
    /// The time after the release is longer than a day, so it would be compared with itself.
    Overlaps,
    /// It was not asked for yet.
    NotAsked,
    /// The source failed.
    Failed,
}

impl LeftOut {
    /// The word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Burned => "burned",
            Self::NoData => "no_data",
            Self::Gap => "gap",
            Self::Overlaps => "overlaps",
            Self::NotAsked => "not_asked",
            Self::Failed => "failed",
        }
    }
}

/// The time just before a release, as long as the time after it.
#[derive(Clone, Debug)]
pub(super) struct Baseline {
    /// Its steps.
    pub(super) own: Range<usize>,
    /// The steps up to the release since a page rule fired last.
    pub(super) calm: Range<usize>,
    pub(super) tally: Tally,
    pub(super) left_out: Option<LeftOut>,
    /// How much shares vary without any release.
    pub(super) noise: Noise,
}

impl Baseline {
    /// That of a trial; `minutes` counts events, or weighs shares as events.
    pub(super) fn new(slo: &Slo, trial: &Trial, minutes: &Minutes) -> Self {
        let length = trial.steps(minutes.step());
        let end = minutes.number(trial.began).min(minutes.released);
        let own = end.saturating_sub(length)..end;
        let tally = minutes.tally(own.clone());
        // An outage is no noise.
        let fired = (1..=end).rfind(|&step| rules::firing(slo, minutes, step, 0).is_some());
        let calm = fired.unwrap_or(0)..end;
        let steps = &minutes.events()[calm.clone()];
        let noise = Noise::NONE.or(noise(steps, 1)).or(noise(steps, length));
        let left_out = if tally.events.total <= 0.0 {
            Some(LeftOut::NoData)
        } else if has_burned(slo, minutes, own.clone(), tally.events, noise) {
            Some(LeftOut::Burned)
        } else {
            None
        };
        Self {
            own,
            calm,
            tally,
            left_out,
            noise,
        }
    }
}

/// True where a page rule fired in some steps, or all of them together burn above 1x by more than chance.
fn has_burned(
    slo: &Slo,
    minutes: &Minutes,
    mut steps: Range<usize>,
    events: Events,
    noise: Noise,
) -> bool {
    let is_enough = !minutes.counted || events.bad.round() >= slo.min_bad_events;
    is_enough && is_above(events, slo.error_budget(), noise)
        || steps.any(|step| rules::firing(slo, minutes, step + 1, 0).is_some())
}

/// The steps of the same time one day before, or why they are left out.
pub(super) fn day_before<'a>(
    trial: &Trial,
    evidence: &'a Evidence,
) -> Result<&'a [Option<Events>], LeftOut> {
    if trial.is_longer_than_a_day() {
        return Err(LeftOut::Overlaps);
    }
    let past = match &evidence.day_before {
        Some(Ok(past)) => past,
        Some(Err(_)) => return Err(LeftOut::Failed),
        None => return Err(LeftOut::NotAsked),
    };
    let tally = tally(&past.events);
    if tally.events.total <= 0.0 {
        Err(LeftOut::NoData)
    } else if tally.coverage() < LEAST_COVERAGE {
        Err(LeftOut::Gap)
    } else {
        Ok(&past.events)
    }
}
