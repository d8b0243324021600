//! The verdict on one SLO: its numbers, and what follows from them.

use std::sync::Arc;

use jiff::Timestamp;

use super::baseline::{Baseline, LeftOut, day_before};
use super::compare::Comparison;
use super::minutes::{Minutes, tally};
use super::{Cause, Evidence, Firing, Outcome, Trial, events_needed, missing, words};
use crate::domain::{Events, Slo};

/// Something that keeps a release from being known to be healthy.
#[derive(Clone, Debug, PartialEq)]
pub struct Missing {
    /// Its kind.
    pub cause: Cause,
    /// In one sentence, without a full stop.
    pub text: String,
}

impl Missing {
    /// One of a kind, in words.
    pub fn new(cause: Cause, text: impl Into<String>) -> Self {
        Self {
            cause,
            text: text.into(),
        }
    }
}

/// The events of a stretch of time, as far as they are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Bad over all.
    pub ratio: Option<f64>,
    /// Bad and all events; `None` where only their share is known.
    pub events: Option<Events>,
}

impl Measured {
    pub(super) fn new(events: Events, counted: bool) -> Self {
        let has_any = events.total > 0.0;
        Self {
            ratio: has_any.then(|| (events.bad / events.total).clamp(0.0, 1.0)),
            events: counted.then_some(events),
        }
    }
}

/// The verdict on one SLO.
#[derive(Clone, Debug, PartialEq)]
pub struct SloVerdict {
    /// Which.
    pub slo: Arc<Slo>,
    /// The verdict.
    pub outcome: Outcome,
    /// Why.
    pub cause: Cause,
    /// In one sentence, without a full stop.
    pub reason: String,
    /// Everything that keeps it from being known; the decisive one first. Empty where it is known.
    pub missing: Vec<Missing>,
    /// Notes for a reader.
    pub notes: Vec<String>,
    /// The time before the release.
    pub before: Option<Measured>,
    /// Why it is not compared with; `None` where it is.
    pub before_left_out: Option<LeftOut>,
    /// The time since the release.
    pub after: Option<Measured>,
    /// Burn rate of the time since the release.
    pub burn_rate: Option<f64>,
    /// The same hour of the day before.
    pub day_before: Option<Measured>,
    /// Why it is not compared with; `None` where it is.
    pub day_before_left_out: Option<LeftOut>,
    /// How they compare; `None` before the end.
    pub comparison: Option<Comparison>,
    /// The page rule that fires by errors since the release.
    pub rule: Option<Firing>,
    /// When the burn began.
    pub onset: Option<Timestamp>,
    /// Events that would show a page-level burn.
    pub events_needed: f64,
    /// The share of the time since the release that is not known; `None` before its first step.
    pub gap: Option<f64>,
    /// The newest sample.
    pub newest: Option<Timestamp>,
}

impl SloVerdict {
    /// One of which nothing is known yet.
    pub(super) fn waiting(trial: &Trial, evidence: &Evidence, now: Timestamp) -> Self {
        let waiting = missing::waiting(trial, now);
        Self {
            slo: Arc::clone(&evidence.slo),
            outcome: Outcome::Unknown,
            cause: waiting.cause,
            reason: waiting.text.clone(),
            missing: vec![waiting],
            notes: Vec::new(),
            before: None,
            before_left_out: None,
            after: None,
            burn_rate: None,
            day_before: None,
            day_before_left_out: None,
            comparison: None,
            rule: None,
            onset: None,
            events_needed: events_needed(&evidence.slo),
            gap: None,
            newest: None,
        }
    }

    pub(super) fn unknown(&mut self, missing: Missing) {
        self.all_missing(vec![missing]);
    }

    fn all_missing(&mut self, missing: Vec<Missing>) {
        if let Some(first) = missing.first() {
            self.outcome = Outcome::Unknown;
            self.cause = first.cause;
            self.reason.clone_from(&first.text);
        }
        self.missing = missing;
    }

    fn known(&mut self, outcome: Outcome, cause: Cause, reason: String) {
        self.outcome = outcome;
        self.cause = cause;
        self.reason = reason;
        self.missing.clear();
    }

    /// Takes the numbers of each stretch of time.
    pub(super) fn measure(
        &mut self,
        trial: &Trial,
        evidence: &Evidence,
        (minutes, baseline): (&Minutes, &Baseline),
    ) {
        let after = minutes.tally(minutes.released..minutes.len());
        self.after = (after.of > 0).then(|| Measured::new(after.events, minutes.counted));
        self.gap = (after.of > 0).then(|| 1.0 - after.coverage());
        self.burn_rate = after.ratio().map(|ratio| self.slo.burn_rate(ratio));
        self.before_left_out = match &evidence.before {
            Some(Ok(_)) => baseline.left_out,
            Some(Err(_)) => Some(LeftOut::Failed),
            None => Some(LeftOut::NotAsked),
        };
        let is_known = matches!(evidence.before, Some(Ok(_)));
        self.before = is_known.then(|| Measured::new(baseline.tally.events, minutes.counted));
        match day_before(trial, evidence) {
            Ok(steps) => {
                let events = tally(steps).events;
                self.day_before = Some(Measured::new(events, minutes.counted));
            }
            Err(why) => self.day_before_left_out = Some(why),
        }
    }

    pub(super) fn burns_by_rule(
        &mut self,
        trial: &Trial,
        minutes: &Minutes,
        (end, firing): (usize, Firing),
    ) {
        let after = trial.released.duration_until(minutes.moment(end));
        let reason = words::page_rule(self, &firing, after);
        self.rule = Some(firing);
        self.onset = onset(minutes, firing.rule.factor * self.slo.error_budget());
        self.notes.extend(words::burned_before(self));
        self.known(Outcome::Burning, Cause::PageRule, reason);
    }

    /// The verdict at the end of the time, where no page rule fired by errors since the release.
    pub(super) fn decide(&mut self, trial: &Trial, evidence: &Evidence, minutes: &Minutes) {
        self.notes = words::notes(self);
        let unusable = missing::unusable(trial, evidence, minutes);
        if unusable.is_empty() && self.has_risen() {
            self.onset = onset(minutes, self.slo.error_budget());
            let reason = words::rise(self);
            self.known(Outcome::Burning, Cause::Rise, reason);
            return;
        }
        let mut all = unusable;
        all.extend(missing::doubtful(self, evidence, minutes));
        if all.is_empty() {
            let reason = words::held(self, trial);
            self.known(Outcome::Healthy, Cause::Held, reason);
            return;
        }
        if all.iter().any(|one| one.cause == Cause::BurnsSinceBefore) {
            self.onset = onset(minutes, self.slo.error_budget());
        }
        self.all_missing(all);
    }

    /// True where errors rose beyond chance, above the budget.
    pub(super) fn has_risen(&self) -> bool {
        let comparison = self.comparison.as_ref();
        self.burns() && comparison.is_some_and(Comparison::is_risen)
    }

    /// True where more is spent than the budget allows over the time since the release.
    pub(super) fn burns(&self) -> bool {
        self.burn_rate.is_some_and(|burn| burn > 1.0)
    }
}

/// When errors rose above a ratio; the first step since the release that is above it, where no rise is
/// found.
fn onset(minutes: &Minutes, ratio: f64) -> Option<Timestamp> {
    let found = crate::insight::onset(&[minutes.course()], ratio);
    found.map(|onset| onset.at).or_else(|| {
        let mut steps = minutes.released..minutes.len();
        let step = steps.find(|&step| {
            let tally = minutes.tally(step..step + 1);
            tally.ratio().is_some_and(|own| own > ratio)
        })?;
        Some(minutes.moment(step))
    })
}
