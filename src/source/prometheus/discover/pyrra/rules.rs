//! What Pyrra's rules say: objective, alerts, queries; and which of them belong together when SLOs
//! share a name.

use std::collections::{BTreeMap, BTreeSet};

use super::super::grouped::Group;
use super::super::promise::clash;
use super::super::{agree, most_urgent_first, within};
use super::RECORD;
use crate::domain::slo::rounded;
use crate::domain::{Rule, Severity, Window};
use crate::source::alert::LabelNames;
use crate::source::prometheus::api::{Labels, Series, WireRule};
use crate::source::prometheus::plan::Doubt;
use crate::source::prometheus::promql;
use crate::source::severity::UnknownSeverities;

/// What the rules say of one SLO.
#[derive(Default)]
pub(super) struct Definition<'a> {
    /// Those that its alerts compare with.
    pub(super) objectives: Vec<f64>,
    /// As Pyrra spells it, for the names of its records: `4w`.
    pub(super) period: Option<(&'a str, Window)>,
    pub(super) rules: Vec<Rule>,
    /// The query behind each recorded window.
    pub(super) burn_rates: BTreeMap<Window, &'a str>,
    /// True when the period's increases are sums of recorded ones, and not of what is counted.
    pub(super) is_summed: bool,
    /// Why its ratio is that of no one definition.
    pub(super) clash: Option<Doubt>,
}

/// One SLO, or one of several that share a name: namespaces and clusters have names of their own.
pub(super) struct Namesake<'a> {
    pub(super) definition: Definition<'a>,
    /// Its generic series.
    pub(super) generic: Vec<&'a Series>,
    /// Its recorded ratios by their labels: Pyrra's grouping makes an SLO of each.
    pub(super) groups: BTreeMap<Labels, Vec<&'a Series>>,
}

pub(super) fn records_ratio(rule: &WireRule) -> bool {
    rule.kind == "recording" && rule.name.contains(RECORD)
}

/// Tells SLOs of one name apart by the labels that their rules record with, and gives each what is
/// its own. Series without a rule to be seen are one more.
pub(super) fn namesakes<'a>(
    members: &[&'a Series],
    rules: &'a [WireRule],
    known_groups: &[Group],
) -> Vec<Namesake<'a>> {
    let (ratios, generic): (Vec<&Series>, Vec<&Series>) = members
        .iter()
        .partition(|series| series.name.contains(RECORD));
    let sets: BTreeSet<&Labels> = rules
        .iter()
        .filter(|rule| records_ratio(rule))
        .map(|rule| &rule.labels)
        .collect();
    // The rule with the most labels of those a series carries is the one that recorded it.
    let mut own: BTreeMap<Option<&Labels>, Vec<&Series>> = BTreeMap::new();
    for series in ratios {
        let carried = sets.iter().filter(|labels| within(labels, &series.labels));
        let recorder = carried.max_by_key(|labels| labels.len()).copied();
        own.entry(recorder).or_default().push(series);
    }
    let strangers = own.remove(&None);
    let mut found: Vec<_> = sets
        .iter()
        .map(|&labels| {
            let mut groups = by_labels(own.remove(&Some(labels)).unwrap_or_default());
            for group in known_groups
                .iter()
                .filter(|group| group.recorder == *labels)
            {
                // A store of many clusters adds labels that the rule's own question does not see.
                if !groups
                    .keys()
                    .any(|recorded| within(&group.labels, recorded))
                {
                    groups.insert(group.labels.clone(), Vec::new());
                }
            }
            if groups.is_empty() {
                groups.insert(labels.clone(), Vec::new());
            }
            let own_generic = generic.iter().copied();
            Namesake {
                definition: define(rules, labels, &sets),
                generic: own_generic
                    .filter(|series| agree(series.labels.iter(), labels))
                    .collect(),
                groups,
            }
        })
        .collect();
    if strangers.is_some() || found.is_empty() {
        let mut groups = by_labels(strangers.unwrap_or_default());
        if let (true, Some(series)) = (groups.is_empty(), generic.first()) {
            groups.insert(series.labels.clone(), Vec::new());
        }
        found.push(Namesake {
            definition: Definition::default(),
            generic,
            groups,
        });
    }
    found
}

fn by_labels(series: Vec<&Series>) -> BTreeMap<Labels, Vec<&Series>> {
    let mut groups: BTreeMap<Labels, Vec<&Series>> = BTreeMap::new();
    for series in series {
        groups
            .entry(series.labels.clone())
            .or_default()
            .push(series);
    }
    groups
}

/// Labels that Pyrra gives to alerts and increases alone.
const OF_ALERTS: [&str; 5] = ["short", "long", "severity", "exhaustion", "le"];

/// What these rules say of the SLO that records with these labels, one of such sets.
fn define<'a>(rules: &'a [WireRule], labels: &Labels, sets: &BTreeSet<&Labels>) -> Definition<'a> {
    let mut definition = Definition::default();
    for rule in rules {
        let is_shared = |name: &str| !OF_ALERTS.contains(&name) || labels.contains(name);
        let shared = rule.labels.filtered(is_shared);
        let is_own = if sets.contains(&shared) {
            shared == *labels
        } else {
            agree(shared.iter(), labels)
        };
        if !is_own {
            continue;
        }
        if rule.kind == "alerting" {
            let Some((alert, objective)) = alert(rule) else {
                continue;
            };
            definition.objectives.push(objective);
            definition.rules.push(alert);
        } else if let Some((_, window)) = rule.name.split_once(RECORD) {
            if let Ok(window) = window.parse() {
                let known = definition.burn_rates.insert(window, rule.query.as_str());
                if known.is_some_and(|known| known != rule.query) {
                    definition.clash = Some(clash(2, &rule.name));
                }
            }
        } else if let Some((spelled, window)) = recorded_period(&rule.name)
            && definition.period.is_none_or(|(_, known)| window > known)
        {
            definition.period = Some((spelled, window));
            let mut read = promql::selectors(&rule.query).into_iter();
            definition.is_summed = read.any(|one| one.name.is_some_and(|name| name.contains(':')));
        }
    }
    most_urgent_first(&mut definition.rules);
    definition
}

/// The label of an alert that its severity is read from.
const SEVERITY: &str = "severity";

/// Replaces the severity word of an alert by the severity that its incidents have.
pub(in crate::source::prometheus::discover) fn read_severity(
    rule: &mut WireRule,
    names: &LabelNames,
    unknown: &mut UnknownSeverities,
) {
    if rule.kind != "alerting" || alert(rule).is_none() {
        return;
    }
    let has_word = names
        .severity
        .iter()
        .any(|name| rule.labels.get(name).is_some());
    if has_word {
        let severity = names.severity(|name| rule.labels.get(name), unknown);
        let others = rule.labels.filtered(|name| name != SEVERITY);
        rule.labels = others.with([(SEVERITY, severity.word())]);
    }
}

/// A multi-window alert and the objective it holds.
fn alert(rule: &WireRule) -> Option<(Rule, f64)> {
    let [short, long] = promql::thresholds(&rule.query).try_into().ok()?;
    let window = |threshold: &promql::Threshold| {
        threshold
            .record
            .split_once(RECORD)
            .and_then(|(_, window)| window.parse().ok())
    };
    let severity = rule
        .labels
        .get(SEVERITY)
        .and_then(Severity::from_word)
        .map_or(Severity::Ticket, |known| known.max(Severity::Ticket));
    let rule = Rule {
        severity,
        long: window(&long)?,
        short: window(&short)?,
        factor: long.factor,
    };
    Some((rule, rounded(long.objective)))
}

/// `http_requests:increase4w` or `up:count2w`: how the period is spelled, and how long it is.
fn recorded_period(record: &str) -> Option<(&str, Window)> {
    let (_, suffix) = record.rsplit_once(':')?;
    let spelled = suffix
        .strip_prefix("increase")
        .or_else(|| suffix.strip_prefix("count"))?;
    Some((spelled, spelled.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_period_is_read_from_the_name_of_a_record() {
        assert_eq!(
            recorded_period("http_requests:increase4w"),
            Some(("4w", Window::days(28)))
        );
        assert_eq!(
            recorded_period("up:count2w"),
            Some(("2w", Window::days(14)))
        );
        assert_eq!(recorded_period("http_requests:burnrate5m"), None);
    }
}
