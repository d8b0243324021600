//! One group of a grouped SLO: the labels that tell it apart, and what counts its events.

use std::collections::BTreeSet;

use crate::config::Groups;
use crate::source::prometheus::api::Labels;
use crate::source::prometheus::promql;

/// A group of a grouped SLO.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::source::prometheus) struct Group {
    /// The labels that the SLO's rules record with.
    pub(in crate::source::prometheus) recorder: Labels,
    /// These and those that the rules group by.
    pub(in crate::source::prometheus) labels: Labels,
}

/// The labels that a rule names to group by. They tell an SLO's groups apart also while there is one
/// alone.
pub(super) fn labels_of(query: &str) -> BTreeSet<String> {
    // Most rules do not, and thousands are taken apart at a time.
    if !query.contains("by") {
        return BTreeSet::new();
    }
    match Groups::of(query) {
        Some(Groups::By(labels)) => labels,
        _ => BTreeSet::new(),
    }
}

/// What counts all events of one group of a rule.
pub(in crate::source::prometheus) fn of_group(query: &str, labels: &Labels) -> Option<String> {
    let (_, total) = promql::quotient(query)?;
    let by = labels_of(query);
    let own: Vec<_> = labels
        .iter()
        .filter(|(name, _)| by.contains(*name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    promql::selecting(&total.to_string(), &own)
}
