//! From a condition as it is written to one that can be judged.

use jiff::tz::TimeZone;

use super::{Way, at, to, wire};
use crate::config::Step;
use crate::config::check::Context;
use crate::config::read;
use crate::config::wire::Number;
use crate::domain::policy::{Bound, Calendar, Cause, Condition, Dates, Weekly};
use crate::domain::{Severity, State, Window};

/// The states by their words.
const STATES: [State; 5] = [
    State::Page,
    State::Ticket,
    State::Ok,
    State::NoData,
    State::Unknown,
];
/// The severities by their words.
const SEVERITIES: [Severity; 3] = [Severity::Page, Severity::Ticket, Severity::Info];

impl Context<'_> {
    /// Reads a condition: all of its keys hold together.
    pub(super) fn condition(
        &mut self,
        way: &[Step],
        wire: wire::Condition,
        zone: &TimeZone,
    ) -> Condition {
        let mut parts = Vec::new();
        if let Some(all) = wire.all {
            let all = self.conditions(&to(way, "all"), all, zone);
            parts.push(Condition::All(all));
        }
        if let Some(any) = wire.any {
            let any = self.conditions(&to(way, "any"), any, zone);
            parts.push(Condition::Any(any));
        }
        if let Some(not) = wire.not {
            let not = self.condition(&to(way, "not"), *not, zone);
            parts.push(Condition::Not(Box::new(not)));
        }
        if let Some(left) = wire.budget_remaining {
            parts.extend(self.budget_remaining(&to(way, "budget_remaining"), left));
        }
        if let Some(spent) = wire.budget_spent {
            parts.push(self.budget_spent(&to(way, "budget_spent"), &spent));
        }
        if let Some(burn) = wire.burn_rate {
            let way = to(way, "burn_rate");
            parts.push(Condition::BurnRate {
                window: burn.window.0,
                above: self.in_range(to(&way, "above"), burn.above, (0.0, 1e9)),
            });
        }
        if let Some(states) = wire.state {
            parts.push(self.state(&to(way, "state"), &states));
        }
        if let Some(incident) = wire.incident {
            parts.push(self.incident(&to(way, "incident"), &incident));
        }
        if let Some(release) = wire.release {
            parts.extend(self.release(&to(way, "release"), &release));
        }
        if let Some(dependency) = wire.dependency {
            parts.push(flag(Condition::FrozenDependency, dependency.frozen));
        }
        if let Some(calendar) = wire.calendar {
            parts.extend(self.calendar(&to(way, "calendar"), &calendar, zone));
        }
        if parts.is_empty() && !self.has_problem_below(way) {
            let message =
                "is empty: write a condition, such as { budget_remaining = { below = 0.1 } }";
            self.refuse_value(way.to_vec(), message);
        }
        match (parts.pop(), parts.is_empty()) {
            (Some(only), true) => only,
            (last, _) => Condition::All(parts.into_iter().chain(last).collect()),
        }
    }

    /// True where something inside is wrong already.
    fn has_problem_below(&self, way: &[Step]) -> bool {
        let mut problems = self.problems.iter();
        problems.any(|problem| problem.path.starts_with(way))
    }

    fn conditions(
        &mut self,
        way: &[Step],
        parts: Vec<wire::Condition>,
        zone: &TimeZone,
    ) -> Vec<Condition> {
        if parts.is_empty() {
            self.refuse_value(way.to_vec(), "is empty: write one condition at least");
        }
        let parts = parts.into_iter().enumerate();
        parts
            .map(|(index, part)| self.condition(&at(way, index), part, zone))
            .collect()
    }

    /// A number within these limits.
    fn in_range(&mut self, way: Way, number: Number, (least, most): (f64, f64)) -> f64 {
        let Number(value) = number;
        if !value.is_finite() || !(least..=most).contains(&value) {
            let message = if most <= 1.0 {
                "is a ratio: write 0.1 for 10 %, at most 1"
            } else {
                "is out of range: write a number that is 0 or more"
            };
            self.refuse_value(way, message);
        }
        value
    }

    fn budget_remaining(&mut self, way: &[Step], wire: wire::BudgetRemaining) -> Option<Condition> {
        /// Budgets can be overspent many times.
        const RATIO: (f64, f64) = (-1e6, 1.0);
        let bound = match (wire.below, wire.above) {
            (Some(below), None) => Bound::Below(self.in_range(to(way, "below"), below, RATIO)),
            (None, Some(above)) => Bound::Above(self.in_range(to(way, "above"), above, RATIO)),
            (Some(_), Some(_)) => {
                let message =
                    "has both `below` and `above`: keep one, or join two conditions with `all`";
                self.refuse_value(way.to_vec(), message);
                return None;
            }
            (None, None) => {
                let message = "needs a limit: write { below = 0.1 } or { above = 0.25 }";
                self.refuse_value(way.to_vec(), message);
                return None;
            }
        };
        if wire.slo.as_ref().is_some_and(|slo| slo.trim().is_empty()) {
            let message = "is empty: name an SLO of the service, or leave it out for all of them";
            self.refuse_value(to(way, "slo"), message);
        }
        Some(Condition::BudgetRemaining {
            bound,
            slo: wire.slo,
            over: wire.over.map(|over| over.0),
        })
    }

    fn budget_spent(&mut self, way: &[Step], wire: &wire::BudgetSpent) -> Condition {
        let cause = wire.by.as_deref().and_then(|word| {
            let known = Cause::ALL.into_iter().find(|(known, _)| *known == word);
            if known.is_none() {
                let words = Cause::ALL.map(|(word, _)| word);
                let message = read::unknown_word("cause", word, &words);
                self.refuse_value(to(way, "by"), message);
            }
            known.map(|(_, cause)| cause)
        });
        Condition::BudgetSpent {
            above: self.in_range(to(way, "above"), wire.above, (0.0, 1e6)),
            by: cause,
            over: wire.over.map(|over| over.0),
        }
    }

    fn state(&mut self, way: &[Step], words: &[String]) -> Condition {
        if words.is_empty() {
            self.refuse_value(way.to_vec(), "is empty: name a state, such as [\"page\"]");
        }
        let mut states = Vec::new();
        for (index, word) in words.iter().enumerate() {
            if let Some(state) = STATES.into_iter().find(|state| state.word() == word) {
                states.push(state);
            } else {
                let message = read::unknown_word("state", word, &STATES.map(State::word));
                self.refuse_value(at(way, index), message);
            }
        }
        Condition::State(states)
    }

    fn incident(&mut self, way: &[Step], wire: &wire::Incident) -> Condition {
        let severity = wire.severity.as_deref().and_then(|word| {
            let known = SEVERITIES.into_iter().find(|one| one.word() == word);
            if known.is_none() {
                let words = SEVERITIES.map(Severity::word);
                let message = read::unknown_word("severity", word, &words);
                self.refuse_value(to(way, "severity"), message);
            }
            known
        });
        Condition::Incident {
            severity,
            older_than: wire.older_than.map(|span| span.0.duration()),
        }
    }

    fn release(&mut self, way: &[Step], wire: &wire::Release) -> Vec<Condition> {
        let failed = wire.failed_within.map(|span| span.0);
        let failed = failed.map(|within: Window| Condition::FailedRelease(within.duration()));
        let running = wire.running;
        let running = running.map(|running| flag(Condition::RunningRelease, running));
        if failed.is_none() && running.is_none() {
            let message = "is empty: write { failed_within = \"24h\" } or { running = true }";
            self.refuse_value(way.to_vec(), message);
        }
        failed.into_iter().chain(running).collect()
    }

    fn calendar(
        &mut self,
        way: &[Step],
        wire: &wire::Calendar,
        zone: &TimeZone,
    ) -> Option<Condition> {
        let zone = match wire.timezone.as_deref().map(read::time_zone) {
            Some(Err(message)) => {
                self.refuse_value(to(way, "timezone"), message);
                zone.clone()
            }
            Some(Ok(named)) => named,
            None => zone.clone(),
        };
        let weekly = wire.weekly.as_deref().map(Weekly::parse);
        let weekly = weekly.transpose().unwrap_or_else(|message| {
            self.refuse_value(to(way, "weekly"), message);
            None
        });
        let mut dates = Vec::new();
        for (index, text) in wire.dates.iter().flatten().enumerate() {
            match Dates::parse(text) {
                Ok(days) => dates.push(days),
                Err(message) => self.refuse_value(at(&to(way, "dates"), index), message),
            }
        }
        if weekly.is_none() && dates.is_empty() {
            if !self.has_problem_below(way) {
                let message = "names no time: write weekly = \"fri 16:00..mon 08:00\" or dates = [\"2026-12-20..2027-01-03\"]";
                self.refuse_value(way.to_vec(), message);
            }
            return None;
        }
        Some(Condition::Calendar(Calendar {
            weekly,
            dates,
            zone,
        }))
    }
}

/// A condition, or its opposite.
fn flag(condition: Condition, holds: bool) -> Condition {
    if holds {
        condition
    } else {
        Condition::Not(Box::new(condition))
    }
}
