//! What a silence of an incident has to match, and which silences are too wide to be made.

use std::collections::BTreeSet;

use super::wire::Alert;
use super::{LabelNames, SLO_LABELS};
use crate::domain::{Fault, FaultKind, Matcher};
use crate::text::Untrusted;

/// The most values of one label that a silence of an incident names.
const MOST_VALUES: usize = 20;

/// What tells an incident from all others: name, service, severity and SLO of its alerts, so that an
/// alert of the same matter from one more instance is hidden as well. Where they have none of these
/// in common, all that they have in common; empty when that is nothing.
pub(super) fn matchers(alerts: &[&Alert], names: &LabelNames) -> Vec<Matcher> {
    let alertname = ["alertname".to_owned()];
    let slo = SLO_LABELS.map(str::to_owned);
    let identity: [&[String]; 4] = [&alertname, &names.service, &names.severity, &slo];
    let mut found = Vec::new();
    for names in identity {
        found.extend(names.iter().find_map(|name| one_of(alerts, name)));
    }
    if found.iter().any(is_anchor) {
        return found;
    }
    let labels = alerts.first().into_iter().flat_map(|alert| &alert.labels);
    labels
        .filter(|(name, value)| {
            let is_shared = |alert: &&Alert| alert.labels.get(*name) == Some(*value);
            !value.is_empty() && alerts.iter().all(is_shared)
        })
        .map(|(name, value)| Matcher::equal(name.as_str(), value.as_str()))
        .collect()
}

/// A matcher for the values that a label has in all of the alerts, when each has it.
fn one_of(alerts: &[&Alert], name: &str) -> Option<Matcher> {
    let values: BTreeSet<&str> = alerts
        .iter()
        .map(|alert| alert.labels.get(name).map_or("", String::as_str))
        .collect();
    let mut each = values.iter();
    let (first, second) = (each.next()?, each.next());
    if first.is_empty() || values.len() > MOST_VALUES {
        return None;
    }
    if second.is_none() {
        return Some(Matcher::equal(name, *first));
    }
    let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
    Some(Matcher {
        is_regex: true,
        ..Matcher::equal(name, values.join("|"))
    })
}

/// A value as a regular expression (RE2) of just that.
fn quoted(value: &str) -> String {
    let mut out = String::new();
    for c in value.chars() {
        if c.is_ascii_punctuation() && !matches!(c, '-' | '_' | '/' | ':' | ',' | '"' | '\'') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// True for a matcher that an alert has to have a certain label value for.
fn is_anchor(matcher: &Matcher) -> bool {
    matcher.is_equal && !matcher.is_regex && !matcher.value.is_empty()
}

/// Refuses a silence that could hide everything: one without a label that has one certain value.
pub(in crate::source) fn check(matchers: &[Matcher]) -> Result<(), Fault> {
    let refuse = |words: &str| Err(Fault::new(FaultKind::Query, words));
    if matchers.is_empty() {
        return refuse(
            "a silence needs a matcher, or it hides everything: service=\"…\" for example",
        );
    }
    if let Some(matcher) = matchers.iter().find(|matcher| matcher.name.is_empty()) {
        return refuse(&format!("the matcher {matcher} names no label"));
    }
    if !matchers.iter().any(is_anchor) {
        return refuse(
            "no matcher asks for one certain value, so that the silence could hide everything; \
             add one such as service=\"…\" or severity=\"…\"",
        );
    }
    Ok(())
}

/// One alert in a line, as Prometheus writes it: `Name{label="value"}`.
pub(in crate::source) fn listed(alert: &Alert) -> Untrusted {
    let others = alert.labels.iter().filter(|(name, _)| *name != "alertname");
    let labels: Vec<String> = others
        .map(|(name, value)| Matcher::equal(name.as_str(), value.as_str()).to_string())
        .collect();
    let name = alert.label(&["alertname"]);
    format!("{name}{{{}}}", labels.join(",")).into()
}
