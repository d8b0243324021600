//! Alert rules of others as `rules` of a `[[slo]]`.

use toml::{Table, Value};

use super::Place;
use super::draft::Draft;
use super::node::{Node, Wrong};
use crate::domain::slo::rounded;
use crate::domain::{Severity, Window};

/// A rule in the making.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Alert {
    pub(super) severity: Severity,
    pub(super) long: Window,
    pub(super) short: Window,
    pub(super) limit: Limit,
}

/// Above what it fires.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Limit {
    /// This burn rate.
    Factor(f64),
    /// What spends this percentage of the budget in the long window.
    Budget(f64),
}

/// The workbook's rules, which are those of Sloth.
pub(super) const WORKBOOK: [Alert; 4] = [
    workbook(Severity::Page, Window::hours(1), Window::minutes(5), 2.0),
    workbook(Severity::Page, Window::hours(6), Window::minutes(30), 5.0),
    workbook(Severity::Ticket, Window::days(1), Window::hours(2), 10.0),
    workbook(Severity::Ticket, Window::days(3), Window::hours(6), 10.0),
];

const fn workbook(severity: Severity, long: Window, short: Window, percent: f64) -> Alert {
    Alert {
        severity,
        long,
        short,
        limit: Limit::Budget(percent),
    }
}

impl Alert {
    fn factor(&self, period: Window) -> f64 {
        match self.limit {
            Limit::Factor(factor) => factor,
            Limit::Budget(percent) => {
                let long = f64::from(self.long.seconds());
                percent / 100.0 * f64::from(period.seconds()) / long
            }
        }
    }

    fn value(&self) -> Value {
        let mut table = Table::new();
        table.insert("severity".into(), self.severity.word().into());
        table.insert("long".into(), self.long.to_string().into());
        table.insert("short".into(), self.short.to_string().into());
        match self.limit {
            Limit::Factor(factor) => table.insert("factor".into(), factor.into()),
            Limit::Budget(percent) => table.insert("budget".into(), percent.into()),
        };
        Value::Table(table)
    }
}

impl Draft {
    /// Sets the rules. One that can never fire, since even all events being bad burns less, is left
    /// out and told of: it alerted nobody there either.
    pub(super) fn set_rules(
        &mut self,
        rules: &[Alert],
        objective: f64,
        period: Window,
        place: &Place,
    ) {
        let mut kept = Vec::new();
        for rule in rules {
            let factor = rounded(rule.factor(period));
            if factor * rounded(1.0 - objective) >= 1.0 {
                let message = format!(
                    "the {} rule of {} and {} fires above a burn rate of {factor}, which {} % can never reach: it is left out",
                    rule.severity,
                    rule.long,
                    rule.short,
                    super::draft::percent(objective)
                );
                self.warn(place, message);
            } else {
                kept.push(rule.value());
            }
        }
        self.set("rules", kept, place);
    }
}

/// What says who hears of an alert and how, by what it is called: it has no place in a `[[slo]]`.
pub(super) type Routing<'a> = Vec<(String, &'a Place)>;

/// Those of its keys that are a text; the others are keys and values.
const NAMES: [&str; 2] = ["name", "absentName"];

/// What of these keys is given; `of` is what they are under.
pub(super) fn routing<'a>(node: &'a Node, of: &str, keys: &[&str]) -> Result<Routing<'a>, Wrong> {
    let mut given = Vec::new();
    for key in keys {
        let Some(value) = node.get(key) else {
            continue;
        };
        let is_empty = if NAMES.contains(key) {
            value.text()?.trim().is_empty()
        } else {
            value.entries()?.is_empty()
        };
        if !is_empty {
            given.push((format!("`{of}.{key}`"), &value.place));
        }
    }
    Ok(given)
}

impl Draft {
    /// Names what stays behind, in one sentence.
    pub(super) fn warn_of_routing(&mut self, routing: &Routing<'_>) {
        let Some((_, place)) = routing.first() else {
            return;
        };
        let names: Vec<_> = routing.iter().map(|(name, _)| name.as_str()).collect();
        let stay = if names.len() == 1 { "stays" } else { "stay" };
        let message = format!(
            "{} {stay} behind: the alerts that `watchfire rules` writes are called ErrorBudgetBurn and labelled `sloth_service`, `sloth_slo`, `sloth_severity` and with the `labels` of the SLO; route them by these",
            names.join(", ")
        );
        self.warn(place, message);
    }
}

/// The severity of a rule by their word for it: at least a ticket. `None` for a word without a
/// meaning here.
pub(super) fn severity(word: &str, is_fast: bool) -> Option<Severity> {
    let known = Severity::from_burn_word(word, is_fast)?;
    let is_graded = known > Severity::Info || GRADED.contains(&Severity::normal(word).as_str());
    is_graded.then_some(known.max(Severity::Ticket))
}

/// Words for the least of several severities; the others of that rank are for what is no alert.
const GRADED: [&str; 6] = ["low", "minor", "p4", "p5", "sev4", "sev5"];
