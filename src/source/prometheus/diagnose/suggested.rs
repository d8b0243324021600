//! Suggested SLOs: which there are, and why nothing is suggested from other metrics.

use std::collections::BTreeMap;

use crate::domain::{Finding, Grade, Suggestion, SuggestionStanding, Suggestions};

/// How many of one kind are named.
const NAMED: usize = 10;

/// One finding for those that are shown, one for each reason why others are not.
pub(super) fn examine(of: &Suggestions) -> Vec<Finding> {
    let mut found = Vec::new();
    let id = |one: &Suggestion| one.id().raw().to_owned();
    let shown: Vec<_> = of.shown().map(id).collect();
    if !shown.is_empty() {
        let what = format!(
            "{} suggested: {}",
            counted(shown.len(), "SLO"),
            list(&shown)
        );
        found.push(
            Finding::new(Grade::Note, "suggest", what)
                .because("nobody has promised them: their objectives are those that history held")
                .advise("`watchfire init` writes them into a configuration, to be changed there"),
        );
    }
    for standing in [SuggestionStanding::Thin, SuggestionStanding::NoObjective] {
        let those = of.all.iter().filter(|one| one.standing == standing);
        let those: Vec<_> = those.map(id).collect();
        if those.is_empty() {
            continue;
        }
        let why = match standing {
            SuggestionStanding::Thin => "fewer than 1,000 events in the last day",
            _ => "the kept history held not even 99%",
        };
        let what = format!(
            "{} not shown: {why}: {}",
            counted(those.len(), "SLO"),
            list(&those)
        );
        found.push(Finding::new(Grade::Note, "suggest", what));
    }
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for declined in &of.declined {
        let metrics = reasons.entry(declined.reason.raw()).or_default();
        metrics.push(declined.metric.raw().to_owned());
    }
    for (reason, metrics) in reasons {
        let what = format!("nothing suggested from {}: {reason}", list(&metrics));
        found.push(Finding::new(Grade::Note, "suggest", what));
    }
    found
}

fn counted(count: usize, word: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {word}{plural}")
}

fn list(all: &[String]) -> String {
    let mut named: Vec<_> = all.iter().take(NAMED).cloned().collect();
    if all.len() > NAMED {
        named.push(format!("{} more", all.len() - NAMED));
    }
    named.join(", ")
}
