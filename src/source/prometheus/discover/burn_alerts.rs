//! Hand-written multi-window burn-rate alerts, read as SLOs: objective, windows and factors are those
//! of the alerts, and what they compare is measured.
//!
//! Shapes: kubernetes-mixin (`alerts/kube_apiserver.libsonnet`), slo-libsonnet, slom, the
//! `route-monitor-operator` of `OpenShift`, and the workbook's chapter 5.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{self, Expr};
use promql_parser::util::visitor::{ExprVisitorMut, walk_expr_mut};

use self::condition::{Comparison, Part};
use self::ratio::Ratio;
use self::records::RecordingRules;
use self::threshold::{Number, Split};
use super::{grafana, most_urgent_first};
use crate::config::SloSettings;
use crate::domain::{Rule, Severity, SourceName, Window};
use crate::source::alert::LabelNames;
use crate::source::prometheus::api::{Labels, RuleGroups, WireRule};
use crate::source::prometheus::promql;
use crate::source::severity::UnknownSeverities;

mod condition;
mod ratio;
mod records;
mod settings;
#[cfg(test)]
mod tests;
mod threshold;

/// How many SLOs one alert stands for at most, by the labels of the rules that record its ratio.
const MAX_VARIANTS: usize = 500;

/// What hand-written alerts say.
#[derive(Debug, Default, PartialEq)]
pub(in crate::source::prometheus) struct BurnAlerts {
    /// The SLOs that they are alerts of.
    pub(in crate::source::prometheus) slos: Vec<AlertSlo>,
    /// Alerts on burn rates that could not be read.
    pub(in crate::source::prometheus) unread: Vec<Unread>,
}

/// An SLO that alerts tell of.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::source::prometheus) struct AlertSlo {
    pub(in crate::source::prometheus) settings: SloSettings,
    /// The label, one of those it is split by, whose value names the service.
    pub(in crate::source::prometheus) service_label: Option<String>,
    /// Recorded ratios by window, to be asked in place of what they record; true for good over all.
    pub(in crate::source::prometheus) recorded: BTreeMap<Window, (String, bool)>,
    pub(in crate::source::prometheus) notes: Vec<String>,
}

/// An alert on a burn rate that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::source::prometheus) struct Unread {
    pub(in crate::source::prometheus) lack: Lack,
    /// The alert's name.
    pub(in crate::source::prometheus) alert: String,
}

/// Why an alert could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::source::prometheus) enum Lack {
    /// Its expression is no PromQL, or of a newer kind.
    Syntax,
    /// It has too many alternatives.
    TooLong,
    /// It compares with no number.
    NoNumber,
    /// What it compares is no ratio.
    NoRatio,
    /// The window of a recorded ratio is not known.
    NoWindow,
    /// One comparison looks back over several windows.
    Windows,
    /// Its windows are compared with different numbers.
    Numbers,
    /// Its comparisons are about different ratios.
    Ratios,
    /// Its number is no factor times an error budget.
    Factor,
}

impl Lack {
    /// The reason in a sentence.
    pub(in crate::source::prometheus) fn words(self) -> &'static str {
        match self {
            Self::Syntax => "its expression cannot be parsed",
            Self::TooLong => "it has too many alternatives",
            Self::NoNumber => "it compares with no constant number",
            Self::NoRatio => "what it compares is no ratio of bad (or good) to all events",
            Self::NoWindow => "neither the name nor the rule of what it compares tells a window",
            Self::Windows => "one of its comparisons looks back over several windows",
            Self::Numbers => "its windows are compared with different numbers",
            Self::Ratios => "its comparisons are about different ratios",
            Self::Factor => "its threshold is no factor times (1 - objective)",
        }
    }
}

/// One alternative of an alert, read.
struct Burn<'a> {
    rule: &'a WireRule,
    severity: Severity,
    key: String,
    /// What it compares, by window.
    ratios: BTreeMap<Window, Ratio>,
    /// True where the ratio has to be above the threshold, false where below its complement.
    is_above: bool,
    /// The numbers whose product is the threshold.
    numbers: Vec<Number>,
    /// Labels of the rules behind its ratio.
    labels: Labels,
    /// True where it fires under a further condition alone.
    has_more: bool,
}

impl Burn<'_> {
    fn window(&self, is_long: bool) -> Option<Window> {
        let mut windows = self.ratios.keys().copied();
        if is_long {
            windows.next_back()
        } else {
            windows.next()
        }
    }

    /// The ways to read its threshold; those of a bare number by the workbook's factors.
    fn splits(&self) -> Vec<Split> {
        let explicit = threshold::splits(&self.numbers);
        if self.is_explicit() {
            return explicit;
        }
        let Some(long) = self.window(true) else {
            return Vec::new();
        };
        let total = threshold::product(&self.numbers);
        let factors = settings::PERIODS
            .iter()
            .flat_map(|&period| settings::factors(period, long));
        factors
            .filter_map(|factor| threshold::split(factor, total))
            .collect()
    }

    /// True where the threshold itself says what the factor is.
    fn is_explicit(&self) -> bool {
        let has_budget = self.numbers.iter().any(|one| one.budget.is_some());
        has_budget || self.numbers.len() > 1 && (self.ratios.len() > 1)
    }
}

/// Reads all hand-written alerts on burn rates.
pub(super) fn read(
    groups: &RuleGroups,
    names: &LabelNames,
    source: &SourceName,
    unknown: &mut UnknownSeverities,
) -> BurnAlerts {
    let rules = groups.groups.iter().flat_map(|group| &group.rules);
    let by_hand: Vec<_> = rules.filter(|rule| is_by_hand(rule)).collect();
    let mut found = BurnAlerts::default();
    if by_hand.is_empty() {
        return found;
    }
    let records = RecordingRules::new(groups);
    let mut burns: BTreeMap<String, Vec<Burn<'_>>> = BTreeMap::new();
    for rule in by_hand {
        let mut lacks = BTreeSet::new();
        for burn in alert(rule, &records, &mut lacks) {
            let severity = names.severity(|name| rule.labels.get(name), unknown);
            let burn = Burn {
                severity: severity.max(Severity::Ticket),
                ..burn
            };
            burns.entry(burn.key.clone()).or_default().push(burn);
        }
        found.unread.extend(lacks.into_iter().map(|lack| Unread {
            lack,
            alert: rule.name.clone(),
        }));
    }
    for (_, burns) in burns {
        for (budget, burns) in by_budget(burns, &mut found.unread) {
            found
                .slos
                .extend(settings::slo(budget, &burns, names, source));
        }
    }
    found.unread.sort();
    found.unread.dedup();
    found
}

/// True for an alert that no tool wrote for an SLO of its own.
fn is_by_hand(rule: &WireRule) -> bool {
    let of_tools = ["sloth_severity", "sloth_id", grafana::UUID];
    rule.kind == "alerting" && !of_tools.iter().any(|label| rule.labels.contains(label))
}

/// True for an alert that calls itself one on a burn rate: one that cannot be read is reported.
fn is_named_burn(rule: &WireRule) -> bool {
    rule.name.to_ascii_lowercase().contains("burn")
}

/// Reads one alert; what cannot be read of one on a burn rate is in `lacks`.
fn alert<'a>(
    rule: &'a WireRule,
    records: &RecordingRules<'_>,
    lacks: &mut BTreeSet<Lack>,
) -> Vec<Burn<'a>> {
    let mut refused = BTreeSet::new();
    let mut found = Vec::new();
    match parser::parse(&rule.query) {
        Err(_) => {
            refused.insert(Lack::Syntax);
        }
        Ok(expr) if is_known(&expr, records) => return found,
        Ok(expr) => match condition::alternatives(&expr, records) {
            None => {
                refused.insert(Lack::TooLong);
            }
            Some(alternatives) => {
                for parts in &alternatives {
                    for labels in variants(parts, records) {
                        match burn(rule, parts, &labels, records) {
                            Ok(burn) => found.push(burn),
                            Err(lack) => {
                                refused.insert(lack);
                            }
                        }
                    }
                }
            }
        },
    }
    let is_about_burns = is_named_burn(rule)
        || !found.is_empty()
        || refused
            .iter()
            .any(|lack| [Lack::Numbers, Lack::Ratios].contains(lack));
    if is_about_burns {
        lacks.extend(refused);
    }
    found
}

/// True for an alert on what a tool records of an SLO that is known by it.
fn is_known(expr: &Expr, records: &RecordingRules<'_>) -> bool {
    let mut selectors = ratio::instant_selectors(expr).into_iter();
    selectors.any(|selector| records.is_known_slo(selector))
}

/// The sets of labels that tell apart the rules behind a recorded ratio: each is an SLO of its own.
fn variants(parts: &[Part<'_>], records: &RecordingRules<'_>) -> Vec<Labels> {
    let mut found = BTreeSet::new();
    for part in parts {
        let Part::Compared(comparison) = part else {
            continue;
        };
        let Some(selector) = plain_selector(comparison.vector) else {
            continue;
        };
        let rules = records.behind(selector);
        if rules.len() > 1 {
            found.extend(rules.into_iter().map(|rule| rule.labels.clone()));
        }
    }
    if found.len() < 2 {
        return vec![Labels::new()];
    }
    found.into_iter().take(MAX_VARIANTS).collect()
}

/// The recorded series that a vector is, whatever numbers it is reckoned with.
fn plain_selector(expr: &Expr) -> Option<&parser::VectorSelector> {
    match expr {
        Expr::Paren(inner) => plain_selector(&inner.expr),
        Expr::VectorSelector(selector) => Some(selector),
        Expr::Binary(binary) => match (promql::number(&binary.lhs), promql::number(&binary.rhs)) {
            (Some(_), None) => plain_selector(&binary.rhs),
            (None, Some(_)) => plain_selector(&binary.lhs),
            _ => None,
        },
        _ => None,
    }
}

/// Reads one alternative, for the series with these labels.
fn burn<'a>(
    rule: &'a WireRule,
    parts: &[Part<'_>],
    labels: &Labels,
    records: &RecordingRules<'_>,
) -> Result<Burn<'a>, Lack> {
    let mut read: Vec<(Ratio, Vec<Number>, bool)> = Vec::new();
    let mut lacks = Vec::new();
    for part in parts {
        match part {
            Part::Compared(one) => match compared(one, labels, records) {
                Ok(one) => read.push(one),
                Err(lack) => lacks.push(lack),
            },
            Part::Other => lacks.push(Lack::NoNumber),
        }
    }
    let Some(chosen) = most_windows(&read) else {
        return Err(lacks.into_iter().min().unwrap_or(Lack::NoRatio));
    };
    let (key, is_above) = (read[chosen].0.key.clone(), read[chosen].2);
    let is_same = |one: &(Ratio, Vec<Number>, bool)| one.0.key == key && one.2 == is_above;
    let numbers = read[chosen].1.clone();
    let total = threshold::product(&numbers);
    let others = read.iter().filter(|one| !is_same(one));
    let windows: BTreeSet<_> = read
        .iter()
        .filter(|one| is_same(one))
        .map(|one| one.0.window)
        .collect();
    // Another ratio with the same threshold is the other window of what is one SLO to its author.
    let is_torn = |one: &(Ratio, Vec<Number>, bool)| {
        threshold::is_same(threshold::product(&one.1), total) && !windows.contains(&one.0.window)
    };
    if windows.len() == 1 && others.clone().any(is_torn) {
        return Err(Lack::Ratios);
    }
    let mut own = read.iter().filter(|one| is_same(one));
    if own.any(|one| !threshold::is_same(threshold::product(&one.1), total)) {
        return Err(Lack::Numbers);
    }
    let has_more = !lacks.is_empty() || others.count() > 0;
    let own = read.into_iter().filter(is_same);
    Ok(Burn {
        rule,
        severity: Severity::Ticket,
        key: format!("{key}\n{is_above} {labels:?}"),
        ratios: own.map(|(ratio, ..)| (ratio.window, ratio)).collect(),
        is_above,
        numbers,
        labels: labels.clone(),
        has_more,
    })
}

/// The first of those about the ratio that is compared over the most windows.
fn most_windows(read: &[(Ratio, Vec<Number>, bool)]) -> Option<usize> {
    let windows = |key: &str| {
        let own = read.iter().filter(|one| one.0.key == key);
        own.map(|one| one.0.window).collect::<BTreeSet<_>>().len()
    };
    let all = read.iter().enumerate().rev();
    all.max_by_key(|(_, one)| windows(&one.0.key))
        .map(|(index, _)| index)
}

/// Reads one comparison: the ratio, and the numbers whose product its error ratio is compared with.
fn compared(
    comparison: &Comparison<'_>,
    labels: &Labels,
    records: &RecordingRules<'_>,
) -> Result<(Ratio, Vec<Number>, bool), Lack> {
    let vector = restricted(comparison.vector, labels);
    let ratio = ratio::read(&vector, comparison.is_above, records)?;
    let mut numbers = if comparison.is_above {
        threshold::numbers(comparison.number, records).ok_or(Lack::NoNumber)?
    } else if ratio.is_success {
        // Few bad events are no reason to alert.
        return Err(Lack::NoRatio);
    } else {
        let scale = threshold::product(&ratio.scale);
        threshold::complement(comparison.number, scale, records).ok_or(Lack::NoNumber)?
    };
    numbers.extend(&ratio.scale);
    Ok((ratio, numbers, comparison.is_above))
}

/// An expression of recorded series with these labels alone.
fn restricted(expr: &Expr, labels: &Labels) -> Expr {
    struct Restrict<'a>(&'a Labels);
    impl ExprVisitorMut for Restrict<'_> {
        type Error = std::convert::Infallible;

        fn pre_visit(&mut self, expr: &mut Expr) -> Result<bool, Self::Error> {
            if let Expr::VectorSelector(selector) = expr {
                for (name, value) in self
                    .0
                    .iter()
                    .filter(|(_, value)| value.parse::<Window>().is_err())
                {
                    let matcher = Matcher::new(MatchOp::Equal, name, value);
                    if !selector.matchers.matchers.contains(&matcher) {
                        selector.matchers.matchers.push(matcher);
                    }
                }
            }
            Ok(true)
        }
    }
    let mut expr = expr.clone();
    if !labels.is_empty() {
        let Ok(_) = walk_expr_mut(&mut Restrict(labels), &mut expr);
    }
    expr
}

/// The alternatives that are about one objective each, with its error budget.
fn by_budget<'a>(
    burns: Vec<Burn<'a>>,
    unread: &mut Vec<Unread>,
) -> Vec<(f64, Vec<(Burn<'a>, f64)>)> {
    let with = |burn: &Burn<'_>, budget: f64| {
        let mut splits = burn.splits().into_iter();
        splits
            .find(|one| threshold::is_same(one.budget, budget))
            .map(|one| one.factor)
    };
    let is_certain = burns.iter().any(Burn::is_explicit) || burns.len() > 1;
    let first = burns
        .iter()
        .find(|burn| burn.is_explicit())
        .or(burns.first());
    let budgets = first
        .filter(|_| is_certain)
        .map(Burn::splits)
        .unwrap_or_default();
    let shared = budgets
        .iter()
        .map(|split| split.budget)
        .find(|&budget| burns.iter().all(|burn| with(burn, budget).is_some()));
    let mut found: Vec<(f64, Vec<(Burn<'a>, f64)>)> = Vec::new();
    for burn in burns {
        let own = burn
            .splits()
            .into_iter()
            .next()
            .filter(|_| burn.is_explicit());
        let split = match shared {
            Some(budget) => with(&burn, budget).map(|factor| (budget, factor)),
            None => own.map(|split| (split.budget, split.factor)),
        };
        let Some((budget, factor)) = split else {
            if burn.ratios.len() > 1 || is_named_burn(burn.rule) {
                unread.push(Unread {
                    lack: Lack::Factor,
                    alert: burn.rule.name.clone(),
                });
            }
            continue;
        };
        match found
            .iter_mut()
            .find(|(known, _)| threshold::is_same(*known, budget))
        {
            Some((_, members)) => members.push((burn, factor)),
            None => found.push((budget, vec![(burn, factor)])),
        }
    }
    found
}

/// The rules of an SLO, most urgent first.
fn rules(burns: &[(Burn<'_>, f64)]) -> Vec<Rule> {
    let rule = |(burn, factor): &(Burn<'_>, f64)| {
        Some(Rule {
            severity: burn.severity,
            long: burn.window(true)?,
            short: burn.window(false)?,
            factor: *factor,
        })
    };
    let mut rules: Vec<_> = burns.iter().filter_map(rule).collect();
    most_urgent_first(&mut rules);
    rules.dedup();
    rules
}
