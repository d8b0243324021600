//! Judging an SLO: state, phase, budget left, time to exhaustion, and the verdict on many.

use std::collections::BTreeMap;
use std::fmt;

use jiff::SignedDuration;
use serde::Serialize;

use super::{Observation, Reading, Rule};
use crate::domain::{Period, Severity, Window};

/// The verdict on one SLO, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Known to hold.
    Ok,
    /// The source answered: no events.
    NoData,
    /// No fresh answer.
    Unknown,
    /// A ticket rule fires.
    Ticket,
    /// A page rule fires.
    Page,
}

impl State {
    /// The word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoData => "no_data",
            Self::Unknown => "unknown",
            Self::Ticket => "ticket",
            Self::Page => "page",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The verdict on many SLOs at once: what a pipeline acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All are known to hold.
    Ok,
    /// A ticket rule fires, and nothing worse is possible.
    Ticket,
    /// A page rule fires.
    Page,
    /// Something keeps it from being known.
    Unknown,
}

impl Verdict {
    /// A page that is known outranks what is not known; a ticket does not, since there may be a
    /// page behind it. `blind` says that a source failed. No SLO at all is nothing known.
    pub fn of(states: impl IntoIterator<Item = State>, blind: bool) -> Self {
        let mut any = false;
        let (mut page, mut ticket, mut silent) = (false, false, false);
        let mut unknown = blind;
        for state in states {
            any = true;
            match state {
                State::Page => page = true,
                State::Ticket => ticket = true,
                State::Unknown => unknown = true,
                State::NoData => silent = true,
                State::Ok => {}
            }
        }
        match (page, unknown || !any, ticket, silent) {
            (true, ..) => Self::Page,
            (_, true, ..) => Self::Unknown,
            (_, _, true, _) => Self::Ticket,
            (.., true) => Self::Unknown,
            _ => Self::Ok,
        }
    }

    /// The exit status, after the monitoring-plugin convention.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Ticket => 1,
            Self::Page => 2,
            Self::Unknown => 3,
        }
    }

    /// The word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Ticket => "ticket",
            Self::Page => "page",
            Self::Unknown => "unknown",
        }
    }
}

/// Which way a burn is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// No window of any rule burns above its factor.
    Calm,
    /// Only a short window does: it may become a burn.
    Rising,
    /// Only a long window does: it was a burn.
    Recovering,
    /// Both do.
    Burning,
}

impl Phase {
    /// The word used on the screen and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Rising => "rising",
            Self::Recovering => "recovering",
            Self::Burning => "burning",
        }
    }
}

/// One rule, judged. `None` stands for what cannot be known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RuleVerdict {
    /// The rule.
    pub rule: Rule,
    /// Burn over the long window.
    pub long: Option<f64>,
    /// Burn over the short window.
    pub short: Option<f64>,
    /// Whether it fires.
    pub firing: Option<bool>,
    /// The bad events of the long window, when they are too few for a page that the burn rates
    /// alone would raise: [`Slo::min_bad_events`](super::Slo::min_bad_events).
    pub held_back: Option<f64>,
}

impl RuleVerdict {
    /// Which way this rule's burn goes, as far as its windows are known.
    pub fn phase(&self) -> Phase {
        let above = |burn: Option<f64>| burn.is_some_and(|burn| burn > self.rule.factor);
        match (above(self.long), above(self.short)) {
            (true, true) if self.held_back.is_some() => Phase::Rising,
            (true, true) => Phase::Burning,
            (true, false) => Phase::Recovering,
            (false, true) => Phase::Rising,
            (false, false) => Phase::Calm,
        }
    }
}

/// Every number of one SLO.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// The verdict as of the observation, however old that is.
    pub state: State,
    /// Which way it goes; `None` when nothing is known.
    pub phase: Option<Phase>,
    /// Each rule, judged.
    pub rules: Vec<RuleVerdict>,
    /// Burn rate by window, shortest first.
    pub burn_rates: BTreeMap<Window, Option<f64>>,
    /// Burn rate over the period so far.
    pub period_burn: Option<f64>,
    /// 1 for an untouched budget, 0 for a spent one, negative when overspent.
    pub budget_remaining: Option<f64>,
    /// Time until the budget is gone at the present rate; `None` when it is not being spent or is
    /// gone already.
    pub exhausts_in: Option<SignedDuration>,
    /// The burn rate that must be held from now on to end a calendar period within budget, traffic
    /// staying as it is: negative when the budget is gone. `None` for rolling periods, which do not
    /// end.
    pub hold_burn_rate: Option<f64>,
}

impl Assessment {
    /// True when more than the budget is spent.
    pub fn exhausted(&self) -> Option<bool> {
        self.budget_remaining.map(|left| left < 0.0)
    }
}

impl Observation {
    /// What window `window` says.
    pub fn reading(&self, window: Window) -> Reading {
        self.windows
            .get(&window)
            .map_or(Reading::Unknown, |sample| sample.reading)
    }

    /// Judges the SLO by the definitions of this module.
    pub fn assess(&self) -> Assessment {
        let slo = &self.slo;
        let burn = |window| {
            self.reading(window)
                .ratio()
                .map(|ratio| slo.burn_rate(ratio))
        };
        let burn_rates: BTreeMap<_, _> = slo
            .windows()
            .into_iter()
            .map(|window| (window, burn(window)))
            .collect();
        let rules: Vec<_> = slo
            .rules
            .iter()
            .map(|&rule| {
                let (long, short) = (burn(rule.long), burn(rule.short));
                let above = both_above(long, short, rule.factor);
                let held_back = above
                    .filter(|&above| above)
                    .and_then(|_| self.too_few(rule));
                RuleVerdict {
                    rule,
                    long,
                    short,
                    firing: above.map(|above| above && held_back.is_none()),
                    held_back,
                }
            })
            .collect();
        let period_burn = self
            .period
            .and_then(|sample| sample.reading.ratio())
            .map(|ratio| slo.burn_rate(ratio));
        let budget_remaining = period_burn.map(|burn| 1.0 - burn);
        let pace = slo
            .pace_window()
            .and_then(|window| burn_rates.get(&window).copied().flatten());
        let state = self.state(&rules);
        let phase = rules.iter().map(RuleVerdict::phase).max();
        Assessment {
            state,
            phase: phase.filter(|&phase| {
                phase != Phase::Calm || !matches!(state, State::NoData | State::Unknown)
            }),
            exhausts_in: exhausts_in(budget_remaining, pace, self.period_length),
            hold_burn_rate: self.hold_burn_rate(period_burn),
            rules,
            burn_rates,
            period_burn,
            budget_remaining,
        }
    }

    /// The bad events of a page rule's long window, when they are fewer than it takes to page.
    /// Extrapolation makes 2.9 of 3 events, so whole events count. Where only ratios are recorded,
    /// nothing is held back.
    fn too_few(&self, rule: Rule) -> Option<f64> {
        let events = self.windows.get(&rule.long)?.events?;
        let bad = events.bad.round();
        (rule.severity == Severity::Page && bad < self.slo.min_bad_events).then_some(bad)
    }

    /// (1 - burn so far × share of the period passed) / share of the period left.
    fn hold_burn_rate(&self, period_burn: Option<f64>) -> Option<f64> {
        if matches!(self.slo.period, Period::Rolling(_)) {
            return None;
        }
        let passed = self.period_elapsed.as_secs_f64() / self.period_length.as_secs_f64();
        (passed < 1.0).then(|| Some((1.0 - period_burn? * passed) / (1.0 - passed)))?
    }

    /// A rule known to fire decides. Otherwise all must be known not to fire, by data of now.
    fn state(&self, rules: &[RuleVerdict]) -> State {
        let firing = rules.iter().filter(|verdict| verdict.firing == Some(true));
        match firing.map(|verdict| verdict.rule.severity).max() {
            Some(Severity::Page) => return State::Page,
            Some(Severity::Ticket | Severity::Info) => return State::Ticket,
            None => {}
        }
        let newest = self
            .windows
            .first_key_value()
            .map(|(_, sample)| sample.reading);
        let undecided = || rules.iter().filter(|verdict| verdict.firing.is_none());
        let unasked = |window| matches!(self.reading(window), Reading::Unknown);
        if matches!(newest, None | Some(Reading::Unknown))
            || undecided().any(|verdict| unasked(verdict.rule.long) || unasked(verdict.rule.short))
        {
            return State::Unknown;
        }
        if newest.and_then(Reading::ratio).is_none() || undecided().next().is_some() {
            return State::NoData;
        }
        if self.partial {
            State::Unknown
        } else {
            State::Ok
        }
    }
}

/// Both above, where one known to be below settles it whatever the other is.
fn both_above(long: Option<f64>, short: Option<f64>, factor: f64) -> Option<bool> {
    match (
        long.map(|burn| burn > factor),
        short.map(|burn| burn > factor),
    ) {
        (Some(true), Some(true)) => Some(true),
        (Some(false), _) | (_, Some(false)) => Some(false),
        _ => None,
    }
}

/// budget remaining × period / burn rate.
fn exhausts_in(
    remaining: Option<f64>,
    burn: Option<f64>,
    period: SignedDuration,
) -> Option<SignedDuration> {
    let (remaining, burn) = (remaining?, burn?);
    if burn <= 0.0 || remaining <= 0.0 {
        return None;
    }
    let seconds = remaining * period.as_secs_f64() / burn;
    SignedDuration::try_from_secs_f64(seconds).ok()
}
