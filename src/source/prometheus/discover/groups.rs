//! The groups of SLOs whose rules group: one without bad events has no recorded ratio, but traffic.

use std::collections::BTreeMap;

use super::{Rules, grafana, pyrra, sloth};
use crate::config::Groups;
use crate::domain::Window;
use crate::source::prometheus::api::{Labels, WireRule};
use crate::source::prometheus::promql;

/// For each SLO whose rules group: the labels its rules record with, and the query whose answer has
/// the groups, looking back over the longest window that a rule counts.
pub(super) fn questions(rules: &Rules) -> Vec<(Labels, String)> {
    let mut longest: BTreeMap<Labels, (Window, &str)> = BTreeMap::new();
    for (rule, window) in recorders(rules) {
        // A label tells windows apart beside the name.
        let labels = rule.labels.filtered(|name| name != sloth::WINDOW);
        let known = longest.entry(labels).or_insert((window, &rule.query));
        if window > known.0 {
            *known = (window, &rule.query);
        }
    }
    let question = |(labels, (_, query))| Some((labels, traffic(query)?));
    longest.into_iter().filter_map(question).collect()
}

/// The rules that record an error ratio of events, with their windows.
fn recorders(rules: &Rules) -> impl Iterator<Item = (&WireRule, Window)> {
    let named = |rule: &WireRule| {
        let window = [
            sloth::window(&rule.name),
            pyrra::window(&rule.name),
            grafana::window(&rule.name),
        ];
        window.into_iter().flatten().next()
    };
    let all = rules.sloth.values().flatten();
    let all = all.chain(rules.pyrra.values().flatten());
    let all = all.chain(rules.grafana.values().flatten());
    all.filter(|rule| rule.kind == "recording" && !is_one_sum(&rule.query))
        .filter_map(move |rule| Some((rule, named(rule)?)))
}

/// True for a rule that divides by `sum(…)` of everything, as most do: there may be ten thousand of
/// them, and they need not be taken apart. False for what has to be looked at more closely.
fn is_one_sum(query: &str) -> bool {
    let groups = query.contains("by") || query.contains("without");
    let (_, total) = query.rsplit_once('/').unwrap_or(("", ""));
    !groups
        && total
            .trim_start_matches(['(', ' ', '\n'])
            .starts_with("sum(")
}

/// The query for all events of a rule, where it answers with several series.
fn traffic(query: &str) -> Option<String> {
    let (_, total) = promql::quotient(query)?;
    // The mean of records has as many series as there are records.
    let mut selectors = promql::selectors(query).into_iter();
    if selectors.any(|one| one.name.is_some_and(|name| is_record(&name))) {
        return None;
    }
    let total = total.to_string();
    let is_grouped = Groups::of(&total).is_some_and(|groups| groups != Groups::One);
    is_grouped.then_some(total)
}

/// True for a series that a rule records for an SLO.
pub(in crate::source::prometheus) fn is_record(name: &str) -> bool {
    let windows = [
        sloth::window(name),
        pyrra::window(name),
        grafana::window(name),
    ];
    windows.iter().any(Option::is_some) || name.starts_with("grafana_slo_")
}
