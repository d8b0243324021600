//! Burn rates, budgets and states of an SLO at any moment: now, in the past, and in a future in which
//! nothing fails and the traffic stays.

use jiff::{SignedDuration, Timestamp};

use super::facts::{STEP, SloFacts};
use crate::domain::policy::Truth;
use crate::domain::slo::Rule;
use crate::domain::{Period, Reading, Severity, State, Window};

/// So much of a time is enough for a number to be known.
const COVERED: f64 = 0.99;

/// The moment that a condition is judged at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// The moment that is judged, by the numbers of that moment.
    Now,
    /// A moment before it, by the past.
    Past(Timestamp),
    /// A moment after it, as far as it follows from the past.
    Ahead(Timestamp),
}

/// A number between two others, which are equal where it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) value: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Span {
    fn exact(value: f64) -> Self {
        Self {
            value,
            least: value,
            most: value,
        }
    }

    /// The ratio of a time of which so much is covered.
    fn of_ratio(ratio: f64, covered: f64) -> Self {
        if covered >= COVERED {
            return Self::exact(ratio);
        }
        let least = ratio * covered.max(0.0);
        Self {
            value: ratio,
            least,
            most: least + (1.0 - covered.max(0.0)),
        }
    }

    fn map(self, change: impl Fn(f64) -> f64) -> Self {
        let (one, other) = (change(self.least), change(self.most));
        Self {
            value: change(self.value),
            least: one.min(other),
            most: one.max(other),
        }
    }

    /// The bounds, of one that is not known exactly.
    pub(super) fn bounds(self) -> Option<(f64, f64)> {
        (self.least < self.most).then_some((self.least, self.most))
    }
}

impl SloFacts {
    /// The name of the SLO within its service.
    pub(super) fn name(&self) -> &crate::text::Untrusted {
        &self.seen.slo.name
    }

    /// The burn rate of a window; `None` where nothing is known of it, or nothing happened.
    pub(super) fn burn(&self, window: Window, moment: Moment, now: Timestamp) -> Option<Span> {
        let ratio = match (moment, self.seen.windows.reading(window)) {
            (Moment::Now, Some(reading)) => {
                let covered = self.seen.shortfall_of(window).map_or(1.0, |short| {
                    short.data.as_secs_f64() / short.wanted.as_secs_f64()
                });
                Span::of_ratio(reading.ratio()?, covered)
            }
            _ => self.ratio(window.duration(), moment, now)?,
        };
        Some(ratio.map(|ratio| self.seen.slo.burn_rate(ratio)))
    }

    /// The error budget that is left, of a window or of its period.
    pub(super) fn budget(
        &self,
        over: Option<Window>,
        moment: Moment,
        now: Timestamp,
    ) -> Option<Span> {
        let period = self.seen.slo.period;
        let over = over.filter(|over| Period::Rolling(*over) != period);
        let ratio = match (moment, over) {
            (Moment::Now, None) => {
                let ratio = self.seen.period?.reading.ratio()?;
                let wanted = self.seen.period_elapsed;
                let covered = match self.seen.coverage(wanted) {
                    Some(coverage) if coverage.is_short() => {
                        coverage.data.as_secs_f64() / wanted.as_secs_f64()
                    }
                    Some(_) => 1.0,
                    // What is computed elsewhere says nothing of its data.
                    None if self.seen.slo.origin == crate::domain::Origin::Mapped => 1.0,
                    None => return None,
                };
                Span::of_ratio(ratio, covered.min(self.covered(wanted, now)))
            }
            (moment, over) => self.ratio(self.reach(over, moment, now), moment, now)?,
        };
        Some(ratio.map(|ratio| 1.0 - self.seen.slo.burn_rate(ratio)))
    }

    /// The share of a time up to now that has samples, by the past where that is known.
    fn covered(&self, wanted: SignedDuration, now: Timestamp) -> f64 {
        let Some(past) = &self.past else {
            return 1.0;
        };
        let from = now.checked_sub(wanted).unwrap_or(Timestamp::MIN);
        if from < past.sums.steps().from() - STEP {
            return 1.0;
        }
        past.sums.between(from, now).coverage()
    }

    /// How far back the budget of a moment reaches.
    pub(super) fn reach(
        &self,
        over: Option<Window>,
        moment: Moment,
        now: Timestamp,
    ) -> SignedDuration {
        match (over, self.seen.slo.period) {
            (Some(window), _) | (None, Period::Rolling(window)) => window.duration(),
            (None, period) => period.elapsed(moment.at(now), &self.zone).duration(),
        }
    }

    /// The error ratio of a time before a moment, by the past.
    fn ratio(&self, length: SignedDuration, moment: Moment, now: Timestamp) -> Option<Span> {
        let until = moment.at(now);
        let from = until.checked_sub(length).ok()?;
        let sums = &self.past.as_ref()?.sums;
        if until <= now {
            let tally = sums.between(from, until);
            return Some(Span::of_ratio(tally.ratio()?, tally.coverage()));
        }
        if from >= now {
            return Some(Span::exact(0.0));
        }
        let tally = sums.between(from, now);
        let ratio = tally.ratio()?;
        // What is to come has no error, at the traffic of what is known.
        let share = now.duration_since(from).as_secs_f64() / length.as_secs_f64();
        Some(Span::of_ratio(ratio, tally.coverage()).map(|ratio| ratio * share))
    }

    /// The share of the budget of `length` before a moment that the events between two moments spent.
    pub(super) fn spent(
        &self,
        length: SignedDuration,
        until: Timestamp,
        (from, to): (Timestamp, Timestamp),
    ) -> Option<Span> {
        let sums = &self.past.as_ref()?.sums;
        let whole = sums.between(until.checked_sub(length).ok()?, until);
        let total = whole.events.total;
        if total <= 0.0 {
            return None;
        }
        let part = sums.between(from, to);
        let budget = self.seen.slo.error_budget() * total;
        let value = part.events.bad / budget;
        if whole.coverage() >= COVERED && part.of.max(part.known) == part.known {
            return Some(Span::exact(value));
        }
        // Without any error, and with nothing but errors, in the steps that are not known.
        let each = total / count(whole.known.max(1));
        let all = self.seen.slo.error_budget() * each * count(whole.of.max(1));
        let missing = count(part.of.saturating_sub(part.known)) * each;
        Some(Span {
            value,
            least: part.events.bad / all,
            most: (part.events.bad + missing) / all,
        })
    }

    /// Whether any rule of a severity fires.
    fn fires(&self, severity: Severity, moment: Moment, now: Timestamp) -> Truth {
        let is_it = |rule: Rule| match severity {
            Severity::Page => rule.severity == Severity::Page,
            Severity::Ticket | Severity::Info => rule.severity != Severity::Page,
        };
        if moment == Moment::Now {
            let rules = self.seen.assess().rules.into_iter();
            let rules = rules.filter(|verdict| is_it(verdict.rule));
            return Truth::any(rules.map(|verdict| match verdict.firing {
                Some(fires) => Truth::of(fires),
                None => Truth::Unknown,
            }));
        }
        let rules = self.seen.slo.rules.iter().copied();
        Truth::any(
            rules
                .filter(|rule| is_it(*rule))
                .map(|rule| self.rule_fires(rule, moment, now)),
        )
    }

    fn rule_fires(&self, rule: Rule, moment: Moment, now: Timestamp) -> Truth {
        let above = |window| match self.burn(window, moment, now) {
            Some(burn) if rule.is_exceeded_by(burn.least) => Truth::Yes,
            Some(burn) if !rule.is_exceeded_by(burn.most) => Truth::No,
            _ => Truth::Unknown,
        };
        let fires = Truth::all([above(rule.long), above(rule.short)]);
        if fires == Truth::No || rule.severity != Severity::Page {
            return fires;
        }
        // Too few bad events do not page.
        let until = moment.at(now);
        let bad = self.past.as_ref().filter(|past| past.counted);
        let bad = bad.and_then(|past| {
            let from = until.checked_sub(rule.long.duration()).ok()?;
            let tally = past.sums.between(from, until);
            (tally.known == tally.of).then_some(tally.events.bad.round())
        });
        match bad {
            Some(bad) if bad < self.seen.slo.min_bad_events => Truth::No,
            _ => fires,
        }
    }

    /// Whether its state is one of these.
    pub(super) fn is_in(&self, wanted: &[State], moment: Moment, now: Timestamp) -> Truth {
        if let Some(state) = self.blank_state(moment, now) {
            return if wanted.contains(&state) {
                Truth::Yes
            } else {
                Truth::Unknown
            };
        }
        let page = self.fires(Severity::Page, moment, now);
        let ticket = self.fires(Severity::Ticket, moment, now);
        let mut possible = Vec::with_capacity(3);
        if page != Truth::No {
            possible.push(State::Page);
        }
        if page != Truth::Yes && ticket != Truth::No {
            possible.push(State::Ticket);
        }
        if page != Truth::Yes && ticket != Truth::Yes {
            possible.push(State::Ok);
        }
        let among = possible
            .iter()
            .filter(|state| wanted.contains(state))
            .count();
        match among {
            0 => Truth::No,
            some if some == possible.len() => Truth::Yes,
            _ => Truth::Unknown,
        }
    }

    /// The state of one that has no events, or of which nothing is known.
    fn blank_state(&self, moment: Moment, now: Timestamp) -> Option<State> {
        if moment == Moment::Now {
            if self.lack.is_some() {
                return Some(State::Unknown);
            }
            let state = self.seen.standing().state;
            return matches!(state, State::NoData | State::Unknown).then_some(state);
        }
        let until = moment.at(now).min(now);
        let shortest = self.seen.slo.windows().first().copied()?;
        let Some(past) = &self.past else {
            return Some(State::Unknown);
        };
        let from = until.checked_sub(shortest.duration()).ok()?;
        let tally = past.sums.between(from, until);
        if tally.known == 0 {
            Some(State::Unknown)
        } else if tally.events.total <= 0.0 {
            Some(State::NoData)
        } else {
            None
        }
    }

    /// Its state now, in a word.
    pub(super) fn state_word(&self) -> &'static str {
        if self.lack.is_some() {
            return State::Unknown.word();
        }
        self.seen.standing().state.word()
    }

    /// The number of a window now is none: why.
    pub(super) fn why_none(&self, reading: Option<Reading>) -> String {
        if let Some(lack) = &self.lack {
            return lack.clone();
        }
        let reasons = self.seen.why_unknown();
        if let Some(reason) = reasons.first() {
            return reason.text.raw().to_owned();
        }
        match reading {
            Some(Reading::NoTraffic) => "no events in that time".to_owned(),
            Some(Reading::NoSeries) => "no series in that time".to_owned(),
            Some(Reading::Ratio(_)) if self.seen.since.is_none() => {
                "how far back its data reaches is not known".to_owned()
            }
            _ => "its source has not said".to_owned(),
        }
    }
}

impl Moment {
    /// The moment itself.
    pub(super) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Now => now,
            Self::Past(at) | Self::Ahead(at) => at,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "steps are thousands")]
fn count(steps: usize) -> f64 {
    steps as f64
}
