//! What it means that a selector has no series: nothing was counted, the metric exists nowhere, or
//! the selector names what no series has.
//!
//! Of series that no selector selects nothing is kept but a witness: one series a metric and label,
//! which says that the targets expose it.

use std::collections::{BTreeMap, BTreeSet};

use super::selector::{Formula, Role, Selector, Selectors};
use super::walk::Index;
use crate::domain::{Period, Reason};
use crate::source::missing_series;

/// The name of witnesses; no target can expose a metric of this name.
pub(super) const WITNESS: &str = "watchfire exposed";
/// The label of a witness with the metric.
const METRIC: &str = "metric";
/// The label of a witness with the label of that metric; empty for the metric itself.
const LABEL: &str = "label";

/// A metric, and a label on any series of it; empty for the metric itself.
pub(super) type Trait = (String, String);

/// What it means that a selector has no series.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Absence {
    /// Nothing was counted.
    Zero,
    /// The metric exists nowhere.
    Assumed,
    /// No series of the metric has this label.
    Label(String),
    /// It selects buckets by a bound.
    Bound,
}

/// The meanings for all selectors, by their numbers.
#[derive(Debug)]
pub(super) struct Absences(Vec<Absence>);

impl Absences {
    /// What is known of an index.
    pub(super) fn of(index: &Index, selectors: &Selectors) -> Self {
        let mut has_series = vec![false; selectors.len()];
        for series in index.series() {
            for &selector in &series.selectors {
                has_series[selector] = true;
            }
        }
        let meanings = has_series.iter().enumerate().map(|(number, &has_series)| {
            let selector = selectors.get(number);
            selector.map_or(Absence::Zero, |one| meaning(one, has_series, index))
        });
        Self(meanings.collect())
    }

    /// True where the value is unknown when this selector has no series in a window.
    pub(super) fn is_missing(&self, selector: usize, absent_is_zero: bool) -> bool {
        match self.0.get(selector) {
            Some(Absence::Bound) => true,
            Some(Absence::Label(_)) => !absent_is_zero,
            Some(Absence::Zero | Absence::Assumed) | None => false,
        }
    }

    /// Why the parts of a formula are not known, or assumed to be 0.
    pub(super) fn reasons(
        &self,
        formula: &Formula,
        selectors: &Selectors,
        period: Period,
    ) -> Vec<(usize, Reason)> {
        let roles = formula.roles().into_iter();
        let parts = roles.filter(|(role, _)| *role != Role::Total);
        let reason = |(role, number): (Role, usize)| {
            let selector = selectors.get(number)?;
            let metric = selector.name().unwrap_or("any metric");
            let role = role.word();
            let reason = match self.0.get(number)? {
                Absence::Zero => return None,
                Absence::Assumed => missing_series::assumed(role, metric, period, true),
                Absence::Label(label) => missing_series::label(role, label, metric, true),
                Absence::Bound => {
                    let mut matchers = selector.matchers().iter();
                    let le = matchers.find(|one| one.name == "le")?.to_string();
                    missing_series::bound(metric, &le)
                }
            };
            Some((number, reason))
        };
        parts.filter_map(reason).collect()
    }
}

fn meaning(selector: &Selector, has_series: bool, index: &Index) -> Absence {
    let Some(name) = selector.name() else {
        return Absence::Zero;
    };
    let mut labels = selector.named_labels();
    if labels.any(|label| label == "le") {
        return Absence::Bound;
    }
    if has_series {
        return Absence::Zero;
    }
    let exposes = |label: &str| index.exposes(&(name.to_owned(), label.to_owned()));
    if !exposes("") {
        return Absence::Assumed;
    }
    let mut labels = selector.named_labels();
    let lacking = labels.find(|label| !exposes(label));
    lacking.map_or(Absence::Zero, |label| Absence::Label(label.to_owned()))
}

/// What of one scrape has to be witnessed: metrics and labels that selectors name, where no selected
/// series has them.
#[derive(Debug, Default)]
pub(super) struct Witnessed {
    /// True where a selected series has it.
    seen: BTreeMap<Trait, bool>,
}

impl Witnessed {
    /// Notes a series of a metric whose labels matter.
    pub(super) fn add<'a>(
        &mut self,
        wanted: &BTreeSet<String>,
        name: &str,
        labels: impl Iterator<Item = &'a str>,
        is_selected: bool,
    ) {
        let labels = labels.filter(|label| wanted.contains(*label));
        for label in labels.chain([""]) {
            let known = self.seen.entry((name.to_owned(), label.to_owned()));
            *known.or_insert(false) |= is_selected;
        }
    }

    /// The labels of the witnesses, their name aside.
    pub(super) fn witnesses(&self) -> impl Iterator<Item = [(&str, &str); 2]> {
        let open = self.seen.iter().filter(|(_, is_selected)| !**is_selected);
        open.map(|((metric, label), _)| [(METRIC, metric.as_str()), (LABEL, label.as_str())])
    }
}

/// What a witness says, by its labels.
pub(super) fn witnessed<'a>(label: impl Fn(&str) -> Option<&'a str>) -> Trait {
    let part = |name: &str| label(name).unwrap_or_default().to_owned();
    (part(METRIC), part(LABEL))
}
