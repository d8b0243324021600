//! Policies as they are written, before anything is checked but their types and names.

use std::num::NonZeroU8;

use serde::Deserialize;

use crate::config::wire::{Number, Span};

/// `[gate]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Gate {
    pub(super) max_age: Option<Span>,
}

/// `[[policy]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    pub(super) name: String,
    #[serde(default)]
    pub(super) services: Vec<String>,
    #[serde(default)]
    pub(super) teams: Vec<String>,
    #[serde(default)]
    pub(super) tiers: Vec<NonZeroU8>,
    #[serde(default)]
    pub(super) environments: Vec<String>,
    pub(super) when: Condition,
    pub(super) until: Option<Condition>,
    pub(super) effect: String,
    #[serde(default)]
    pub(super) except: Vec<String>,
    pub(super) say: Option<String>,
}

/// A condition: its keys hold together.
#[derive(Debug, Default, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a condition such as { budget_remaining = { below = 0.1 } }"
)]
pub(super) struct Condition {
    pub(super) all: Option<Vec<Condition>>,
    pub(super) any: Option<Vec<Condition>>,
    pub(super) not: Option<Box<Condition>>,
    pub(super) budget_remaining: Option<BudgetRemaining>,
    pub(super) budget_spent: Option<BudgetSpent>,
    pub(super) burn_rate: Option<BurnRate>,
    pub(super) state: Option<Vec<String>>,
    pub(super) incident: Option<Incident>,
    pub(super) release: Option<Release>,
    pub(super) dependency: Option<Dependency>,
    pub(super) calendar: Option<Calendar>,
}

/// `budget_remaining`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "{ below = 0.1 } or { above = 0.25 }")]
pub(super) struct BudgetRemaining {
    pub(super) below: Option<Number>,
    pub(super) above: Option<Number>,
    pub(super) slo: Option<String>,
    pub(super) over: Option<Span>,
}

/// `budget_spent`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "{ above = 0.2, by = \"incident\" }")]
pub(super) struct BudgetSpent {
    pub(super) above: Number,
    pub(super) by: Option<String>,
    pub(super) over: Option<Span>,
}

/// `burn_rate`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "{ window = \"1h\", above = 6 }")]
pub(super) struct BurnRate {
    pub(super) window: Span,
    pub(super) above: Number,
}

/// `incident`.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "{ severity = \"page\", older_than = \"30m\" }"
)]
pub(super) struct Incident {
    pub(super) severity: Option<String>,
    pub(super) older_than: Option<Span>,
}

/// `release`.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "{ failed_within = \"24h\" } or { running = true }"
)]
pub(super) struct Release {
    pub(super) failed_within: Option<Span>,
    pub(super) running: Option<bool>,
}

/// `dependency`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "{ frozen = true }")]
pub(super) struct Dependency {
    pub(super) frozen: bool,
}

/// `calendar`.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "{ weekly = \"fri 16:00..mon 08:00\", timezone = \"Europe/Berlin\" }"
)]
pub(super) struct Calendar {
    pub(super) weekly: Option<String>,
    pub(super) dates: Option<Vec<String>>,
    pub(super) timezone: Option<String>,
}

/// `[[exception]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exception {
    pub(super) kind: String,
    pub(super) service: String,
    pub(super) version: Option<String>,
    pub(super) by: String,
    pub(super) reason: String,
    pub(super) expires: toml::Value,
}

/// `[[budget_adjustment]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BudgetAdjustment {
    pub(super) slo: String,
    pub(super) from: toml::Value,
    pub(super) to: toml::Value,
    pub(super) reason: String,
    pub(super) by: String,
}
