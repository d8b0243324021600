//! Judging an SLO: its rules, state, phase, budget left and time to exhaustion.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{Observation, Phase, ROUNDING, Reading, Rule, Slo, State};
use crate::domain::{Period, Severity, Window};

/// Data of less time shows no budget of a period to be spent: an outage at its beginning would be all
/// there is.
const LEAST_OF_PERIOD: SignedDuration = SignedDuration::from_hours(1);

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
        let above = |burn: Option<f64>| burn.is_some_and(|burn| self.rule.is_exceeded_by(burn));
        match (above(self.long), above(self.short)) {
            (true, true) if self.held_back.is_some() => Phase::Rising,
            (true, true) => Phase::Burning,
            (true, false) => Phase::Recovering,
            (false, true) => Phase::Rising,
            (false, false) => Phase::Calm,
        }
    }
}

/// What an SLO comes to, without the numbers behind it: enough to rank, count and filter it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// The verdict as of the observation, however old that is.
    pub state: State,
    /// Which way it goes; `None` when nothing is known.
    pub phase: Option<Phase>,
    /// 1 for an untouched budget, 0 for a spent one, negative when overspent.
    pub budget_remaining: Option<f64>,
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

    /// The rule that would page if there had been enough bad events, with those there were.
    pub fn held_back(&self) -> Option<(Rule, f64)> {
        let mut rules = self.rules.iter();
        rules.find_map(|verdict| Some((verdict.rule, verdict.held_back?)))
    }

    /// The burn rate that "at this rate" speaks of: that of [`Slo::pace_window`].
    pub fn pace(&self, slo: &Slo) -> Option<f64> {
        self.burn_rates.get(&slo.pace_window()?).copied().flatten()
    }

    /// True when at the present rate a calendar period ends before its budget does: then the time
    /// to exhaustion, which knows no end of the period, is of no concern.
    pub fn ends_within_budget(&self, slo: &Slo) -> bool {
        let (hold, pace) = (self.hold_burn_rate, self.pace(slo));
        matches!((hold, pace), (Some(hold), Some(pace)) if pace <= hold)
    }

    /// What it takes to end a calendar period within budget, in words; rounded down, so that who
    /// holds it does so. `None` where [`Assessment::hold_burn_rate`] is.
    pub fn hold_words(&self, slo: &Slo) -> Option<String> {
        let (rate, period) = (self.hold_burn_rate?, slo.period);
        if rate >= slo.burn_rate(1.0) {
            return Some(format!("whatever happens, the {period} ends within budget"));
        }
        let places = if rate < 1.0 { 100.0 } else { 10.0 };
        let rate = (rate * places + 1e-9).floor() / places;
        Some(if rate < 0.0 {
            format!("over budget: even 0x will not end the {period} within it")
        } else {
            format!("hold <= {rate}x to end the {period} within budget")
        })
    }
}

impl Observation {
    /// What window `window` says.
    pub fn reading(&self, window: Window) -> Reading {
        self.windows.reading(window).unwrap_or(Reading::Unknown)
    }

    /// Judges the SLO by the definitions of this module.
    pub fn assess(&self) -> Assessment {
        let slo = &self.slo;
        let budget = slo.error_budget();
        let judge = |&rule: &Rule| self.judge(rule, budget);
        let rules: Vec<_> = slo.rules.iter().map(judge).collect();
        let burn_rates: BTreeMap<_, _> = slo
            .windows()
            .into_iter()
            .map(|window| (window, self.burn_rate(window, budget)))
            .collect();
        let period_burn = self.period_burn();
        let budget_remaining = self.budget_remaining(period_burn);
        let pace = slo
            .pace_window()
            .and_then(|window| burn_rates.get(&window).copied().flatten());
        let (state, phase) = self.verdict(&rules);
        Assessment {
            state,
            phase,
            exhausts_in: exhausts_in(budget_remaining, pace, self.period_length),
            hold_burn_rate: self.hold_burn_rate(period_burn),
            rules,
            burn_rates,
            period_burn,
            budget_remaining,
        }
    }

    /// The part of [`Observation::assess`] that thousands of rows are ranked by; it allocates
    /// nothing.
    pub fn standing(&self) -> Standing {
        let budget = self.slo.error_budget();
        let judge = |&rule: &Rule| self.judge(rule, budget);
        let (state, phase) = self.verdict(self.slo.rules.iter().map(judge));
        Standing {
            state,
            phase,
            budget_remaining: self.budget_remaining(self.period_burn()),
        }
    }

    /// [`Slo::burn_rate`] of a window, with the error budget at hand.
    fn burn_rate(&self, window: Window, budget: f64) -> Option<f64> {
        Some(self.reading(window).ratio()? / budget)
    }

    fn period_burn(&self) -> Option<f64> {
        let ratio = self.period?.reading.ratio()?;
        Some(self.slo.burn_rate(ratio))
    }

    /// What a burn over the period leaves. Too little data shows no budget to be spent.
    fn budget_remaining(&self, period_burn: Option<f64>) -> Option<f64> {
        let left = left_after(period_burn?);
        let data = self.shortfall().map(|coverage| coverage.data);
        let shows_it = data.is_none_or(|data| data >= LEAST_OF_PERIOD);
        (left >= 0.0 || shows_it).then_some(left)
    }

    fn judge(&self, rule: Rule, budget: f64) -> RuleVerdict {
        let burn = |window| self.burn_rate(window, budget);
        let (long, short) = (burn(rule.long), burn(rule.short));
        let above = both_above(rule, long, short);
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
    }

    /// The bad events of a page rule's long window, when they are fewer than it takes to page.
    /// Extrapolation makes 2.9 of 3 events, so whole events count. Where only ratios are recorded,
    /// nothing is held back.
    fn too_few(&self, rule: Rule) -> Option<f64> {
        let events = self.windows.get(rule.long)?.events?;
        let bad = events.bad.round();
        (rule.severity == Severity::Page && bad < self.slo.min_bad_events).then_some(bad)
    }

    /// (1 - burn so far × share of the period passed) / share of the period left.
    fn hold_burn_rate(&self, period_burn: Option<f64>) -> Option<f64> {
        if matches!(self.slo.period, Period::Rolling(_)) {
            return None;
        }
        let to_come = self.period_length - self.period_elapsed;
        if !to_come.is_positive() {
            return None;
        }
        let length = self.period_length.as_secs_f64();
        let unspent = length - period_burn? * self.period_elapsed.as_secs_f64();
        Some(without_noise(unspent, length) / to_come.as_secs_f64())
    }

    /// A rule known to fire decides. Otherwise all must be known not to fire, by data of now.
    fn verdict(
        &self,
        rules: impl IntoIterator<Item = impl Borrow<RuleVerdict>>,
    ) -> (State, Option<Phase>) {
        let unasked = |window| matches!(self.reading(window), Reading::Unknown);
        let (mut firing, mut phase) = (None, None);
        let (mut is_undecided, mut is_unasked) = (false, self.partial);
        for verdict in rules {
            let verdict: &RuleVerdict = verdict.borrow();
            phase = phase.max(Some(verdict.phase()));
            match verdict.firing {
                Some(true) => firing = firing.max(Some(verdict.rule.severity)),
                Some(false) => {}
                None => {
                    is_undecided = true;
                    is_unasked |= unasked(verdict.rule.long) || unasked(verdict.rule.short);
                }
            }
        }
        let newest = self.windows.values().next().map(|sample| sample.reading);
        let state = match (firing, newest) {
            (Some(Severity::Page), _) => State::Page,
            (Some(Severity::Ticket | Severity::Info), _) => State::Ticket,
            (None, None | Some(Reading::Unknown)) => State::Unknown,
            (None, _) if is_unasked => State::Unknown,
            (None, Some(Reading::Ratio(_))) if !is_undecided => State::Ok,
            (None, Some(_)) => State::NoData,
        };
        let is_known = !matches!(state, State::NoData | State::Unknown);
        (
            state,
            phase.filter(|&phase| phase != Phase::Calm || is_known),
        )
    }
}

/// Both above, where one known to be below settles it whatever the other is.
fn both_above(rule: Rule, long: Option<f64>, short: Option<f64>) -> Option<bool> {
    let above = |burn: f64| rule.is_exceeded_by(burn);
    match (long.map(above), short.map(above)) {
        (Some(true), Some(true)) => Some(true),
        (Some(false), _) | (_, Some(false)) => Some(false),
        _ => None,
    }
}

/// The budget that a burn over the period leaves.
fn left_after(burn: f64) -> f64 {
    without_noise(1.0 - burn, 1.0)
}

/// A difference of two numbers as large as `scale`; what rounding alone may have left is nothing,
/// so that a budget spent to the last event is spent and not overspent.
fn without_noise(difference: f64, scale: f64) -> f64 {
    if difference.abs() <= ROUNDING * scale {
        0.0
    } else {
        difference
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
