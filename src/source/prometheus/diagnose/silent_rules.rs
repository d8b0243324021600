//! Rules of discovered SLOs that record nothing for a reason that will not pass: a bucket, a label or
//! a metric that is not there. Watchfire may know the ratio all the same; the alerts over what these
//! rules record do not, and can never fire.

use std::collections::BTreeSet;

use promql_parser::label::MatchOp;
use promql_parser::parser::VectorSelector;

use super::super::api::{Labels, RuleGroups, WireRule};
use super::super::discover::{self, WINDOW};
use super::super::plan::{Plan, Span};
use super::super::{Prometheus, promql};
use super::nearest::{Lack, Names};
use super::objectives::{ask_all, counted, is_empty};
use super::selector::Selector;
use crate::domain::{Finding, Grade};
use crate::source::Ask;
use crate::source::kit::nearest_name::listed;

/// SLOs whose rules are looked into one by one.
const MOST: usize = 50;

/// Looks at the rules of every SLO that nothing is recorded of now.
pub(super) async fn examine(of: &Prometheus, plans: &[Plan], ask: &Ask) -> Vec<Finding> {
    let is_silent = |plan: &&Plan| {
        let shortest = plan.slo.windows().first().copied();
        let is_recorded = shortest.is_none_or(|window| plan.given.has(Span::Window(window)));
        !plan.slo.origin.is_queried() && !is_recorded && plan.rule.is_some()
    };
    let silent: Vec<_> = plans.iter().filter(is_silent).take(MOST).collect();
    if silent.is_empty() {
        return Vec::new();
    }
    let Ok(rules) = of.api.rules().await else {
        return Vec::new();
    };
    let selectors = |plan: &&Plan| {
        let query = plan.rule.as_ref().map(|rule| rule.query.as_str());
        Selector::all_of(query.unwrap_or_default())
    };
    let present = silent
        .iter()
        .flat_map(selectors)
        .map(|one| counted(&one))
        .collect();
    let values = ask_all(&of.api, present, ask.at).await;
    let mut names = Names::new(&of.api, ask.moment());
    let mut found = Vec::new();
    for plan in &silent {
        let all = selectors(plan);
        let (empty, known): (Vec<_>, Vec<_>) = all.iter().partition(|one| is_empty(one, &values));
        for selector in empty {
            let Ok(lack) = names.lack(selector, &known).await else {
                continue;
            };
            let reads = Reads::of(&rules, plan, selector);
            if let Some(finding) = reads.finding(&lack) {
                found.push(finding.of_slo(&plan.slo.id()));
                break;
            }
        }
    }
    found
}

/// The rules that read a selector to record an SLO, and the alerts over what they record.
struct Reads {
    selector: String,
    records: BTreeSet<String>,
    alerts: BTreeSet<String>,
}

impl Reads {
    fn of(rules: &RuleGroups, plan: &Plan, selector: &Selector) -> Self {
        let mut reads = Self {
            selector: selector.text(),
            records: BTreeSet::new(),
            alerts: BTreeSet::new(),
        };
        let all = || rules.groups.iter().flat_map(|group| &group.rules);
        let identity = |rule: &WireRule| rule.labels.filtered(|name| name != WINDOW);
        let own = |rule: &&WireRule| {
            let known = plan.rule.as_ref().map(|known| &known.query);
            rule.kind == "recording" && known == Some(&rule.query)
        };
        let Some(labels) = all().find(own).map(identity) else {
            return reads;
        };
        for rule in all().filter(|rule| rule.kind == "recording" && identity(rule) == labels) {
            let is_read = Selector::all_of(&rule.query).contains(selector);
            if is_read && discover::is_record(&rule.name) {
                reads.records.insert(rule.name.clone());
            }
        }
        for rule in all().filter(|rule| rule.kind == "alerting") {
            let mut read = promql::selectors(&rule.query).into_iter();
            if read.any(|one| reads.selects(&one, &labels)) {
                reads.alerts.insert(rule.name.clone());
            }
        }
        reads
    }

    /// True for a selector of one of the records with these labels.
    fn selects(&self, selector: &VectorSelector, labels: &Labels) -> bool {
        let is_named = selector
            .name
            .as_ref()
            .is_some_and(|name| self.records.contains(name));
        let mut matchers = selector.matchers.matchers.iter();
        is_named
            && matchers.all(|matcher| {
                let value = labels.get(&matcher.name);
                matcher.op != MatchOp::Equal || value.is_none_or(|value| value == matcher.value)
            })
    }

    /// `None` for what may be there yet: the values of a pattern, such as codes of failures.
    fn finding(&self, lack: &Lack) -> Option<Finding> {
        let is_pattern = matches!(
            lack,
            Lack::Value {
                is_exact: false,
                ..
            } | Lack::Together
        );
        if is_pattern || self.records.is_empty() {
            return None;
        }
        let (reason, advice) = lack.words();
        let count = self.records.len();
        let what = format!(
            "its rules record nothing, {count} of them: {reason} (`{}`)",
            self.selector
        );
        let alerts: Vec<_> = self.alerts.iter().cloned().collect();
        let why = if alerts.is_empty() {
            "no alert over these records can ever fire".to_owned()
        } else {
            format!(
                "the alerts over these records are dead, and can never fire: {}",
                listed(&alerts)
            )
        };
        Some(
            Finding::new(Grade::Warning, "records", what)
                .because(why)
                .advise(advice),
        )
    }
}
