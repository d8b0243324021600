//! The demo's world: what every service counted by any moment, as a pure function of time.
//!
//! Nothing is stored and nothing is random. A counter at a moment is the integral of its rate, which
//! is a constant, a few sine waves and the faults of the [`cast`](super::cast), so it has a closed
//! form: any moment of 35 days can be asked for, in any order, and two questions always agree.

use std::f64::consts::TAU;
use std::sync::{Arc, OnceLock};

use jiff::{SignedDuration, Timestamp};

use super::cast::{self, Part, Service, Written};
use super::deploys::{self, Deploy};
use crate::domain::{Period, Rule, Severity, Window};

/// How far back the counters go.
pub(super) const HISTORY: f64 = 35.0 * DAY;
/// Seconds of a day.
pub(super) const DAY: f64 = 86_400.0;
/// The period of every SLO of the demo.
pub(super) const PERIOD: Window = Window::days(30);
/// How long before the present a sample is still the present one: Prometheus' look-back.
const LOOKBACK: f64 = 300.0;
/// The step at which the period's ratio averages the 5m ratio, in seconds.
const STEP: f64 = 300.0;

/// A moment of the world, in seconds since it was started; the past is negative.
pub(super) type Moment = f64;

/// Everything there is to ask about.
pub(super) struct World {
    /// When the demo was started: second 0.
    start: Timestamp,
    /// The services, each with its one SLO.
    pub(super) services: Vec<Service>,
    /// Every deployment there has been and will be, oldest first.
    pub(super) deploys: Vec<Deploy>,
    /// The rules that every SLO alerts by.
    pub(super) rules: Arc<[Rule]>,
    /// For each service the running sum of its 5m ratios up to second 0.
    sums: Vec<OnceLock<Vec<f64>>>,
}

/// Why an alert fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alarm {
    /// A burn-rate rule of this severity.
    Burn(Severity),
    /// More than one in twenty requests failed within 5 minutes: the symptom behind the burn.
    Symptom,
}

/// Every alarm that an SLO can raise.
pub(super) const ALARMS: [Alarm; 3] = [
    Alarm::Burn(Severity::Page),
    Alarm::Burn(Severity::Ticket),
    Alarm::Symptom,
];

impl World {
    /// A world that begins its story at `start`, with waits shortened by `speed`.
    pub(super) fn new(start: Timestamp, speed: f64) -> Self {
        let services = cast::services(speed);
        Self {
            // Whole seconds: releases and alerts are dated by what is added to it.
            start: Timestamp::from_second(start.as_second()).unwrap_or(start),
            deploys: deploys::history(&services, speed),
            sums: services.iter().map(|_| OnceLock::new()).collect(),
            services,
            rules: Rule::workbook(Period::Rolling(PERIOD)),
        }
    }

    /// The same where nobody has written an SLO: no rules, and no recorded series.
    pub(super) fn without_rules(mut self) -> Self {
        for service in &mut self.services {
            service.written = Written::Nowhere;
        }
        self
    }

    /// A time as a moment of this world.
    pub(super) fn moment(&self, time: Timestamp) -> Moment {
        self.start.duration_until(time).as_secs_f64()
    }

    /// A moment of this world as a time, to the millisecond.
    pub(super) fn time(&self, moment: Moment) -> Timestamp {
        SignedDuration::try_from_secs_f64((moment * 1000.0).round() / 1000.0)
            .ok()
            .and_then(|since| self.start.checked_add(since).ok())
            .unwrap_or(self.start)
    }

    /// The moment whose samples a question about `asked` sees when the present is `now`: nothing
    /// has been measured yet that lies ahead, and nothing is older than the history.
    pub(super) fn visible(asked: Moment, now: Moment) -> Option<Moment> {
        (asked >= -HISTORY && asked <= now + LOOKBACK).then(|| asked.min(now))
    }

    /// What a counter of a service stands at.
    pub(super) fn counter(&self, service: usize, part: Part, at: Moment) -> f64 {
        let it = &self.services[service];
        let usual = |at: Moment| self.usual(service, 0.0, at);
        let of_faults = |weight: fn(&cast::Fault) -> f64| -> f64 {
            let begun = it.faults.iter().filter(|fault| at > fault.from);
            begun
                .map(|fault| weight(fault) * (usual(at.min(fault.until)) - usual(fault.from)))
                .sum()
        };
        let background = || it.errors * self.usual(service, 0.3, at);
        let failed = || of_faults(|fault| fault.share * fault.surge);
        let good = || {
            let all = usual(at) + of_faults(|fault| fault.surge - 1.0);
            (all - background() - failed()).floor()
        };
        match part {
            Part::Background => background().floor(),
            Part::Failed => failed().floor(),
            Part::Bad => background().floor() + failed().floor(),
            Part::Good => good(),
            Part::Total => good() + background().floor() + failed().floor(),
        }
    }

    /// How much a counter grew within a window that ends at `at`.
    pub(super) fn increase(&self, service: usize, part: Part, window: f64, at: Moment) -> f64 {
        let from = (at - window).max(-HISTORY);
        self.counter(service, part, at) - self.counter(service, part, from)
    }

    /// Bad events over all events of a window; NaN for 0 of 0, as Prometheus divides.
    ///
    /// Over the whole period it is what Sloth records by default: the mean of the 5m ratios, each
    /// counting the same whatever its traffic, here taken every 5 minutes.
    pub(super) fn error_ratio(&self, service: usize, window: Window, at: Moment) -> f64 {
        if window == PERIOD {
            return self.mean_ratio(service, at);
        }
        self.weighted_ratio(service, f64::from(window.seconds()), at)
    }

    /// How many times faster than allowed a window spends the budget.
    pub(super) fn burn_rate(&self, service: usize, window: Window, at: Moment) -> f64 {
        self.error_ratio(service, window, at) / self.services[service].budget()
    }

    /// True while the alarm's condition holds.
    pub(super) fn fires(&self, service: usize, alarm: Alarm, at: Moment) -> bool {
        match alarm {
            Alarm::Burn(severity) => self.rules.iter().any(|rule| {
                let above = |window| self.burn_rate(service, window, at) > rule.factor;
                rule.severity == severity && above(rule.short) && above(rule.long)
            }),
            Alarm::Symptom => self.error_ratio(service, Window::minutes(5), at) > 0.05,
        }
    }

    /// Since when an alarm that fires now has done so: to the second, gaps below 10 minutes
    /// overlooked, at most 4 days back.
    pub(super) fn firing_since(&self, service: usize, alarm: Alarm, at: Moment) -> Option<Moment> {
        if !self.fires(service, alarm, at) {
            return None;
        }
        let (mut firing, mut quiet) = (at, at - 600.0);
        while quiet > at - 4.0 * DAY && self.fires(service, alarm, quiet) {
            firing = quiet;
            quiet -= 600.0;
        }
        while firing - quiet > 1.0 {
            let middle = f64::midpoint(firing, quiet);
            if self.fires(service, alarm, middle) {
                firing = middle;
            } else {
                quiet = middle;
            }
        }
        Some(firing)
    }

    fn weighted_ratio(&self, service: usize, window: f64, at: Moment) -> f64 {
        self.increase(service, Part::Bad, window, at)
            / self.increase(service, Part::Total, window, at)
    }

    /// The mean of the 5m ratios on the 5-minute grid within the period before `at`.
    fn mean_ratio(&self, service: usize, at: Moment) -> f64 {
        let sums = self.sums[service].get_or_init(|| {
            let mut sum = 0.0;
            let past = (1..=grid(HISTORY)).map(|step| STEP * f64::from(step) - HISTORY);
            past.map(|at| {
                sum += self.weighted_ratio(service, STEP, at);
                sum
            })
            .collect()
        });
        let ratios_until = |at: Moment| -> (f64, f64) {
            let steps = grid((at + HISTORY).max(0.0));
            let known = steps.min(grid(HISTORY));
            let later: f64 = (known + 1..=steps)
                .map(|step| self.weighted_ratio(service, STEP, STEP * f64::from(step) - HISTORY))
                .sum();
            let sum = known.checked_sub(1).map_or(0.0, |last| sums[last as usize]) + later;
            (sum, f64::from(steps))
        };
        let (sum, count) = ratios_until(at);
        let (before, skipped) = ratios_until(at - f64::from(PERIOD.seconds()));
        (sum - before) / (count - skipped)
    }

    /// Requests since the history began if nothing ever happened: days and nights, weeks, and
    /// livelier waves of minutes; errors have a `ripple` of their own besides.
    fn usual(&self, service: usize, ripple: f64, at: Moment) -> f64 {
        let it = &self.services[service];
        let own = f64::from(it.number);
        // Amplitude, period in seconds, and where in its period the wave stands at the epoch:
        // a day is busiest at 14:00 UTC.
        let waves = [
            (it.daily, DAY, -8.0 / 24.0),
            (it.daily / 4.0, 7.0 * DAY, 0.0),
            (0.05, 2_220.0 + 60.0 * own, 0.1 * own),
            (0.03, 660.0 + 13.0 * own, 0.3 * own),
            (ripple, 1_020.0 + 90.0 * own, 0.7 * own),
        ];
        let epoch = self.start.as_duration().as_secs_f64();
        let swing = |at: Moment, period: f64, phase: f64| {
            -(TAU * ((epoch + at) / period + phase)).cos() * period / TAU
        };
        let since: f64 = waves
            .iter()
            .map(|&(height, period, phase)| {
                height * (swing(at, period, phase) - swing(-HISTORY, period, phase))
            })
            .sum();
        it.rate * (at + HISTORY + since)
    }
}

/// How many whole 5-minute steps fit.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from float saturates, and no demo runs for 40,000 years"
)]
fn grid(seconds: f64) -> u32 {
    (seconds / STEP).floor() as u32
}
