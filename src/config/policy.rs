//! `[gate]`, `[[policy]]`, `[[exception]]` and `[[budget_adjustment]]`: when releases stop, and who may
//! release all the same.

use std::collections::BTreeSet;
use std::num::NonZeroU8;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::check::Context;
use super::read;
use super::{GateSettings, Problem, Step};
use crate::domain::NamePattern;
use crate::domain::policy::{BudgetAdjustment, Effect, Exception, Policy, PolicyScope};

mod condition;
pub(super) mod wire;

/// The way to a value, from the top.
type Way = Vec<Step>;

/// The way to a key of a value.
fn to(way: &[Step], key: &str) -> Way {
    let key = Step::Key(key.to_owned());
    way.iter().cloned().chain([key]).collect()
}

/// The way to an entry of a value.
fn at(way: &[Step], index: usize) -> Way {
    let index = Step::Index(index);
    way.iter().cloned().chain([index]).collect()
}

impl Default for GateSettings {
    /// Answers of the last three minutes are known.
    fn default() -> Self {
        Self {
            max_age: SignedDuration::from_mins(3),
        }
    }
}

impl GateSettings {
    /// `[gate]`.
    pub(super) fn of(wire: &wire::Gate) -> Self {
        let max_age = wire.max_age.map(|span| span.0.duration());
        Self {
            max_age: max_age.unwrap_or(Self::default().max_age),
        }
    }
}

impl Context<'_> {
    fn refuse_value(&mut self, path: Way, message: impl Into<String>) {
        self.problems.push(Problem {
            path,
            message: message.into(),
        });
    }

    /// Reads every entry of a `[[list]]`.
    fn entries<T: for<'de> serde::Deserialize<'de>>(
        &mut self,
        name: &'static str,
        list: Option<toml::Value>,
    ) -> Vec<(Way, T)> {
        let mut entries = Vec::new();
        for (index, table) in self.tables(name, list) {
            let way = at(&to(&[], name), index);
            match read::section::<T, _>(&way, table) {
                Ok(entry) => entries.push((way, entry)),
                Err(problem) => self.problems.push(problem),
            }
        }
        entries
    }

    /// `[[policy]]`; `zone` is that of a calendar which names none.
    pub(super) fn policies(&mut self, list: Option<toml::Value>, zone: &TimeZone) -> Vec<Policy> {
        let mut names = BTreeSet::new();
        let mut policies = Vec::new();
        for (way, entry) in self.entries::<wire::Policy>("policy", list) {
            self.filled(&way, "name", &entry.name);
            if !names.insert(entry.name.clone()) {
                let message = "another policy has this name: a verdict names policies by it";
                self.refuse_value(to(&way, "name"), message);
            }
            for (key, list) in [
                ("services", &entry.services),
                ("teams", &entry.teams),
                ("environments", &entry.environments),
                ("except", &entry.except),
            ] {
                for (index, text) in list.iter().enumerate() {
                    if text.trim().is_empty() {
                        let message = "names nothing: remove it";
                        self.refuse_value(at(&to(&way, key), index), message);
                    }
                }
            }
            let effect = Effect::ALL
                .into_iter()
                .find(|(word, _)| *word == entry.effect);
            if effect.is_none() {
                let words = Effect::ALL.map(|(word, _)| word);
                let message = read::unknown_word("effect", &entry.effect, &words);
                self.refuse_value(to(&way, "effect"), message);
            }
            let when = self.condition(&to(&way, "when"), entry.when, zone);
            let until = entry
                .until
                .map(|until| self.condition(&to(&way, "until"), until, zone));
            policies.push(Policy {
                name: entry.name,
                scope: PolicyScope {
                    services: patterns(&entry.services),
                    teams: patterns(&entry.teams),
                    tiers: entry.tiers.into_iter().map(NonZeroU8::get).collect(),
                    environments: patterns(&entry.environments),
                },
                when,
                until,
                effect: effect.map_or(Effect::Freeze, |(_, effect)| effect),
                except: entry.except,
                say: entry.say,
            });
        }
        policies
    }

    /// `[[exception]]`.
    pub(super) fn exceptions(&mut self, list: Option<toml::Value>) -> Vec<Exception> {
        let mut exceptions = Vec::new();
        for (way, entry) in self.entries::<wire::Exception>("exception", list) {
            for (key, text) in [
                ("kind", &entry.kind),
                ("service", &entry.service),
                ("by", &entry.by),
                ("reason", &entry.reason),
            ] {
                self.filled(&way, key, text);
            }
            if let Some(expires) = self.moment(&way, "expires", &entry.expires) {
                exceptions.push(Exception {
                    kind: entry.kind,
                    service: entry.service,
                    version: entry.version,
                    by: entry.by,
                    reason: entry.reason,
                    expires,
                });
            }
        }
        exceptions
    }

    /// `[[budget_adjustment]]`.
    pub(super) fn budget_adjustments(
        &mut self,
        list: Option<toml::Value>,
    ) -> Vec<BudgetAdjustment> {
        let mut adjustments = Vec::new();
        for (way, entry) in self.entries::<wire::BudgetAdjustment>("budget_adjustment", list) {
            for (key, text) in [("reason", &entry.reason), ("by", &entry.by)] {
                self.filled(&way, key, text);
            }
            let parts = entry.slo.split_once('/');
            if parts.is_none_or(|(service, name)| service.is_empty() || name.is_empty()) {
                let message = "names no SLO: write `service/name`, such as `checkout/availability`";
                self.refuse_value(to(&way, "slo"), message);
            }
            let from = self.moment(&way, "from", &entry.from);
            let until = self.moment(&way, "to", &entry.to);
            let (Some(from), Some(until)) = (from, until) else {
                continue;
            };
            if until <= from {
                self.refuse_value(
                    to(&way, "to"),
                    "is not after `from`: write the end of the time",
                );
            }
            adjustments.push(BudgetAdjustment {
                slo: entry.slo,
                from,
                to: until,
                reason: entry.reason,
                by: entry.by,
            });
        }
        adjustments
    }

    fn filled(&mut self, way: &[Step], key: &str, text: &str) {
        if text.trim().is_empty() {
            self.refuse_value(to(way, key), "is empty: it has to say something");
        }
    }

    /// A moment, written as a date with time and offset.
    fn moment(&mut self, way: &[Step], key: &str, value: &toml::Value) -> Option<Timestamp> {
        let text = match value {
            toml::Value::Datetime(moment) => Some(moment.to_string()),
            toml::Value::String(text) => Some(text.clone()),
            _ => None,
        };
        let moment = text.and_then(|text| text.parse().ok());
        if moment.is_none() {
            let message =
                "expected a moment with its offset from UTC, such as 2026-12-01T12:00:00Z";
            self.refuse_value(to(way, key), message);
        }
        moment
    }
}

fn patterns(names: &[String]) -> Vec<NamePattern> {
    let names = names.iter();
    names.map(|name| NamePattern::new(name.trim())).collect()
}
