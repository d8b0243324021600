//! `rules` of a `[[slo]]`: when it pages and when it opens a ticket.

use std::cmp::Reverse;
use std::sync::Arc;

use super::Entry;
use crate::config::check::Context;
use crate::config::{read, wire};
use crate::domain::slo::rounded;
use crate::domain::{Period, Rule, Severity, Window};

/// What a rule may do to people.
const SEVERITIES: [&str; 2] = ["page", "ticket"];

impl Context<'_> {
    /// The rules of an SLO, most urgent first: those that are written, or the workbook's.
    pub(super) fn rules(
        &mut self,
        entry: Entry,
        written: Option<Vec<wire::Rule>>,
        objective: f64,
        period: Period,
    ) -> Arc<[Rule]> {
        let Some(written) = written else {
            return Rule::workbook(period);
        };
        let mut rules = Vec::new();
        for (number, rule) in written.into_iter().enumerate() {
            match judged(&rule, objective, period) {
                Ok(rule) => rules.push(rule),
                Err((key, message)) => {
                    let path = entry.at(&["rules"]).index(number).key(key);
                    self.refuse_at(path, message);
                }
            }
        }
        rules.sort_by_key(|rule| (Reverse(rule.severity), rule.long));
        rules.into()
    }
}

/// The rule, or the key that is wrong and why.
fn judged(
    wire: &wire::Rule,
    objective: f64,
    period: Period,
) -> Result<Rule, (&'static str, String)> {
    let severity = match wire.severity.as_str() {
        "page" => Severity::Page,
        "ticket" => Severity::Ticket,
        other => {
            return Err((
                "severity",
                read::unknown_word("severity", other, &SEVERITIES),
            ));
        }
    };
    let (long, short) = (wire.long.0, wire.short.0);
    if short > long {
        let message = format!(
            "longer than the long window, {long}: the short window only tells that the burn goes on; write `{}`, a twelfth of it",
            twelfth(long)
        );
        return Err(("short", message));
    }
    if long > period.nominal() {
        let message = format!("longer than the period, {period}: a rule looks at a part of it");
        return Err(("long", message));
    }
    let factor = factor(wire, period)?;
    let budget = rounded(1.0 - objective);
    if factor * budget >= 1.0 {
        let key = if wire.factor.is_some() {
            "factor"
        } else {
            "budget"
        };
        let most = (1.0 / budget * 1000.0).floor() / 1000.0;
        let message = format!(
            "this rule can never fire: even if every event were bad, the burn rate would be no more than {most}, and it has to rise above {factor}; lower it, lengthen the long window or leave the rule out"
        );
        return Err((key, message));
    }
    Ok(Rule {
        severity,
        long,
        short,
        factor,
    })
}

/// The factor as written, or that of a share of the budget: share × period / long window.
fn factor(wire: &wire::Rule, period: Period) -> Result<f64, (&'static str, String)> {
    match (wire.factor, wire.budget) {
        (Some(wire::Number(factor)), None) if factor > 0.0 && factor.is_finite() => Ok(factor),
        (Some(_), None) => Err((
            "factor",
            "a burn rate above 0: 1 spends the budget in just the period".to_owned(),
        )),
        (None, Some(wire::Number(percent))) if percent > 0.0 && percent <= 100.0 => {
            let period = f64::from(period.nominal().seconds());
            let long = f64::from(wire.long.0.seconds());
            Ok(rounded(percent / 100.0 * period / long))
        }
        (None, Some(_)) => Err((
            "budget",
            "a percentage above 0 and up to 100: how much of the budget the long window may spend"
                .to_owned(),
        )),
        (Some(_), Some(_)) => Err((
            "budget",
            "`factor` is given as well: keep one, the other follows from it".to_owned(),
        )),
        (None, None) => Err((
            "factor",
            "add `factor` (the burn rate above which it fires, such as 14.4) or `budget` (the percentage of the budget that the long window may spend, such as 2)"
                .to_owned(),
        )),
    }
}

fn twelfth(long: Window) -> Window {
    Window::from_seconds(u64::from(long.seconds()) / 12).unwrap_or(long)
}
