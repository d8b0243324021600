//! How the time after a release compares with the times before it.
//!
//! Three looks at the time after the release: the whole of it, without its worst minute, and without the
//! worst fifth of its minutes. The last one is what goes on: services have bursts of errors of a few
//! minutes, which make the whole vary so much that a steady rise would not stand out. For it the
//! stretches before the release lose their worst fifth as well.

use super::baseline::{Baseline, day_before};
use super::minutes::{Minutes, tally};
use super::rise::{DAILY, Noise, RECENT, Rise, STRICT, noise};
use super::{Evidence, Trial};
use crate::domain::{Events, Slo};

/// How many times as many errors as on the day before are far more.
const FAR: f64 = 8.0;
/// The fewest stretches that the highest of is a comparison.
const LEAST_STRETCHES: usize = 4;

/// One look at the time after a release.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contrast {
    /// Its burn rate; `None` without any event.
    pub burn_rate: Option<f64>,
    /// Against the time just before the release; `None` where that is not used.
    pub before: Option<Rise>,
    /// Against the hours before it, since a page rule fired last.
    pub hours_before: Option<Rise>,
    /// Against the same hour of the day before; `None` where that is left out.
    pub day_before: Option<Rise>,
    /// True where no stretch as long in the hours before had as many errors.
    pub is_highest: bool,
}

impl Contrast {
    /// True where errors are above the budget and rose beyond chance.
    pub fn is_risen(&self) -> bool {
        self.burn_rate.is_some_and(|burn| burn > 1.0) && self.is_beyond_chance()
    }

    /// The same without regard to the budget.
    pub(super) fn is_beyond_chance(&self) -> bool {
        let is_risen = |rise: Option<Rise>| rise.is_some_and(Rise::is_beyond_chance);
        self.is_highest
            && is_risen(self.before)
            && is_risen(self.hours_before)
            && self.day_before.is_none_or(Rise::is_beyond_chance)
    }
}

/// How the time after a release compares with the times before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// How much shares vary by themselves.
    pub noise: Noise,
    /// The whole time.
    pub whole: Contrast,
    /// Without the minute that has the most bad events.
    pub without_worst: Contrast,
    /// Without the fifth of the minutes that has the highest shares of bad events.
    pub sustained: Contrast,
}

impl Comparison {
    /// True where errors rose beyond chance, above the budget.
    pub fn is_risen(&self) -> bool {
        self.sustained.is_risen() || self.whole.is_risen() && self.without_worst.is_risen()
    }

    /// The same without regard to the budget.
    pub(super) fn is_beyond_chance(&self) -> bool {
        let (whole, rest) = (&self.whole, &self.without_worst);
        self.sustained.is_beyond_chance() || whole.is_beyond_chance() && rest.is_beyond_chance()
    }
}

/// The times that one look compares with.
struct Times {
    before: Option<Events>,
    hours: Events,
    day: Option<Events>,
    /// The highest share of bad events of a stretch in the hours before; 0 where none counts.
    highest: f64,
    /// The quantiles for the time just before the release and for the hours before it. The whole is
    /// compared with what was just before, whose bursts it shares; what goes on with all that is known.
    quantiles: (f64, f64),
}

/// Compares the time after a release with its baseline, the hours before it and the day before; `minutes`
/// count events, or weigh shares as events.
pub(super) fn compare(
    trial: &Trial,
    evidence: &Evidence,
    minutes: &Minutes,
    baseline: &Baseline,
) -> Comparison {
    let slo = &evidence.slo;
    let after = &minutes.events()[minutes.released..];
    let calm = &minutes.events()[baseline.calm.clone()];
    let length = trial.steps(minutes.step()).max(1);
    let day = day_steps(trial, evidence, minutes);
    let is_used = baseline.left_out.is_none();
    let times = Times {
        before: is_used.then_some(baseline.tally.events),
        hours: tally(calm).events,
        day: day.as_deref().map(|day| tally(day).events),
        highest: 0.0,
        quantiles: (STRICT, RECENT),
    };
    let rest = without_worst(after);
    // One bad minute is left out in one of two looks, and would hide what goes on in the other.
    let level = baseline.noise.or(noise(&rest, 1));
    let kept = trimmed(after);
    let stretches: Vec<_> = calm.rchunks(length).map(trimmed).collect();
    let steady: Vec<_> = stretches.iter().rev().flatten().copied().collect();
    let steady_noise = Noise::NONE
        .or(noise(&steady, 1))
        .or(noise(&steady, length - worst_fifth(length)))
        .or(noise(&kept, 1));
    let own = &minutes.events()[baseline.own.clone()];
    let steady_times = Times {
        before: is_used.then(|| tally(&trimmed(own)).events),
        hours: tally(&steady).events,
        day: day.as_deref().map(|day| tally(&trimmed(day)).events),
        highest: highest(&stretches),
        quantiles: (RECENT, STRICT),
    };
    Comparison {
        noise: level,
        whole: contrast(slo, tally(after).events, &times, level),
        without_worst: contrast(slo, tally(&rest).events, &times, level),
        sustained: contrast(slo, tally(&kept).events, &steady_times, steady_noise),
    }
}

fn contrast(slo: &Slo, after: Events, times: &Times, noise: Noise) -> Contrast {
    let ratio = (after.total > 0.0).then(|| after.bad / after.total);
    let against = |before: Events, quantile| Rise::between(before, after, noise, quantile);
    Contrast {
        burn_rate: ratio.map(|ratio| slo.burn_rate(ratio)),
        before: times
            .before
            .and_then(|before| against(before, times.quantiles.0)),
        hours_before: against(times.hours, times.quantiles.1),
        day_before: times.day.and_then(|day| {
            // A daily peak is no higher by so much, and few events show no more than that.
            let is_far = after.bad * day.total >= FAR * day.bad * after.total;
            against(day, if is_far { RECENT } else { DAILY })
        }),
        is_highest: ratio.is_some_and(|ratio| ratio > times.highest),
    }
}

/// The steps of the day before, weighed as the rest is; `None` where they are left out.
fn day_steps(trial: &Trial, evidence: &Evidence, minutes: &Minutes) -> Option<Vec<Option<Events>>> {
    let steps = day_before(trial, evidence).ok()?;
    let weight = minutes.weight();
    let weigh = |events: Events| Events {
        bad: events.bad * weight,
        total: events.total * weight,
    };
    Some(steps.iter().map(|step| step.map(weigh)).collect())
}

/// The highest share of bad events of the stretches, where there are enough.
fn highest(stretches: &[Vec<Option<Events>>]) -> f64 {
    let ratios = stretches
        .iter()
        .filter_map(|stretch| tally(stretch).ratio());
    let ratios: Vec<_> = ratios.collect();
    if ratios.len() < LEAST_STRETCHES {
        return 0.0;
    }
    ratios.into_iter().fold(0.0, f64::max)
}

/// How many steps the worst fifth of them is, at least one.
fn worst_fifth(steps: usize) -> usize {
    (steps / 5).max(1).min(steps)
}

/// Steps without the one that has the most bad events.
fn without_worst(steps: &[Option<Events>]) -> Vec<Option<Events>> {
    without(steps, 1, |events| events.bad)
}

/// Steps without the fifth that has the highest shares of bad events.
fn trimmed(steps: &[Option<Events>]) -> Vec<Option<Events>> {
    let known = steps.iter().flatten().count();
    without(steps, worst_fifth(known), |events| {
        events.bad / events.total.max(f64::MIN_POSITIVE)
    })
}

/// Steps without those that have the most of something.
fn without(
    steps: &[Option<Events>],
    count: usize,
    most: impl Fn(&Events) -> f64,
) -> Vec<Option<Events>> {
    let each = steps.iter().enumerate();
    let mut ranked: Vec<_> = each
        .filter_map(|(number, step)| Some((number, most(step.as_ref()?))))
        .collect();
    ranked.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let worst: Vec<_> = ranked
        .iter()
        .take(count)
        .map(|(number, _)| *number)
        .collect();
    let kept = steps.iter().enumerate();
    kept.filter(|(number, _)| !worst.contains(number))
        .map(|(_, step)| *step)
        .collect()
}
