//! The multi-window, multi-burn-rate alerts of an SLO: one for pages, one for tickets.

use super::file::Rule;
use super::meta::without;
use super::{BAD, Measured, RATIO, Recording, RuleLabels};
use crate::domain::Severity;
use crate::domain::slo::{self, rounded};

/// What every alert is called; labels tell which one it is.
pub(super) const NAME: &str = "ErrorBudgetBurn";

/// One alert for each severity that the SLO's rules have.
pub(super) fn rules(recording: &Recording) -> Vec<Rule> {
    [Severity::Page, Severity::Ticket, Severity::Info]
        .into_iter()
        .filter_map(|severity| rule(recording, severity))
        .collect()
}

fn rule(recording: &Recording, wanted: Severity) -> Option<Rule> {
    let rules = recording.slo.rules.iter();
    let fires = rules
        .filter(|rule| rule.severity == wanted)
        .map(|rule| condition(recording, *rule))
        .collect::<Vec<_>>();
    if fires.is_empty() {
        return None;
    }
    // The series have these labels already: here they tell the rule from those of other SLOs.
    let mut labels = recording.own();
    for value in labels.values_mut() {
        *value = literal(value);
    }
    labels.insert("sloth_severity".to_owned(), wanted.word().to_owned());
    Some(Rule::alert(
        NAME,
        fires.join("\nor\n"),
        labels,
        annotations(recording, wanted),
    ))
}

/// Sloth's annotations, and what the SLO promises.
fn annotations(recording: &Recording, wanted: Severity) -> RuleLabels {
    let word = wanted.word();
    let who = "{{$labels.sloth_service}} {{$labels.sloth_slo}}";
    let mut annotations = vec![
        (
            "summary",
            format!("{who} SLO error budget burn rate is over expected."),
        ),
        (
            "title",
            format!("({word}) {who} SLO error budget burn rate is too fast."),
        ),
    ];
    if !recording.slo.description.is_empty() {
        annotations.push(("description", literal(&recording.slo.description)));
    }
    annotations
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Both windows burn above the factor, by the same arithmetic as on the screen; and a page has
/// enough bad events behind it, where they are counted.
fn condition(recording: &Recording, rule: slo::Rule) -> String {
    let budget = rounded(1.0 - recording.slo.objective);
    let without = without();
    let burns = |window| {
        let ratio = recording.selector(&format!("{RATIO}{window}"));
        format!("max({ratio} / {budget} > {}) {without}", rule.factor)
    };
    let mut all = vec![burns(rule.short), burns(rule.long)];
    let least = recording.slo.min_bad_events;
    let counted = recording
        .measured(rule.long)
        .is_some_and(Measured::is_counted);
    if rule.severity == Severity::Page && least > 0.0 && counted {
        let bad = recording.selector(&format!("{BAD}{}", rule.long));
        all.push(format!("max(round({bad}) >= {least}) {without}"));
    }
    format!("(\n    {}\n)", all.join("\n    and\n    "))
}

/// The labels of the series that tells of an alert, without those it is grouped by.
pub(super) fn raised(recording: &Recording, wanted: Severity) -> RuleLabels {
    let more = [
        ("alertname", NAME),
        ("alertstate", "firing"),
        ("sloth_severity", wanted.word()),
    ];
    let more = more.map(|(name, value)| (name.to_owned(), value.to_owned()));
    recording.labels.clone().into_iter().chain(more).collect()
}

/// A text that Prometheus' templates leave as it is.
fn literal(text: &str) -> String {
    text.replace("{{", "{{\"{{\"}}")
}
