//! What is looked at: a counter or a histogram that a recipe names and the server has.

use std::collections::{BTreeMap, BTreeSet};

use super::recipe::{HEALTH_PATHS, Recipe, labels_of};
use crate::source::prometheus::promql;

/// What an SLO is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Availability,
    Latency,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::Latency => "latency",
        }
    }
}

/// A metric that a recipe names and the server has.
#[derive(Clone, Debug)]
pub(super) struct Subject<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) kind: Kind,
    /// The counter of all events.
    pub(super) metric: String,
    /// The buckets, of latency.
    pub(super) bucket: Option<String>,
    /// The recipe's own counter, which says where the recipe applies.
    pub(super) counter: String,
    /// Matchers of what is left out, since there is such.
    pub(super) left_out: Vec<String>,
}

/// The subjects of all recipes, in their order.
pub(super) fn all<'a>(recipes: &[&'a Recipe], names: &BTreeSet<String>) -> Vec<Subject<'a>> {
    let mut subjects = Vec::new();
    for recipe in recipes.iter().filter(|recipe| recipe.declined.is_none()) {
        for prefix in recipe.prefixes(names) {
            let counter = recipe.metric_of(&prefix);
            let subject = |kind, metric: String, bucket| Subject {
                recipe,
                kind,
                metric,
                bucket,
                counter: counter.clone(),
                left_out: Vec::new(),
            };
            if recipe.counts_bad() {
                subjects.push(subject(Kind::Availability, counter.clone(), None));
            }
            let mut histograms = recipe.histograms(&prefix).into_iter();
            let found = histograms.find_map(|name| {
                let (count, bucket) = (format!("{name}_count"), format!("{name}_bucket"));
                let is_there = names.contains(&count) && names.contains(&bucket);
                is_there.then_some((count, bucket))
            });
            subjects
                .extend(found.map(|(count, bucket)| subject(Kind::Latency, count, Some(bucket))));
        }
    }
    subjects
}

impl Recipe {
    /// True where it says which events are bad.
    pub(super) fn counts_bad(&self) -> bool {
        let labels = !self.status.is_empty() || !self.bad.is_empty();
        labels || self.gauge || self.failed_metric.is_some()
    }
}

impl Subject<'_> {
    /// What may be left out: labels with the values that are, as regular expressions.
    pub(super) fn exclusions(&self) -> BTreeMap<&str, String> {
        let mut all: BTreeMap<&str, String> = BTreeMap::new();
        let paths = self.recipe.paths.iter();
        let paths = paths.map(|label| (label.as_str(), HEALTH_PATHS));
        let values = self.recipe.without.iter();
        let slow = self.recipe.slow.iter();
        let slow = slow.filter(|_| self.kind == Kind::Latency);
        let values = values
            .chain(slow)
            .map(|(label, value)| (label.as_str(), value.as_str()));
        for (label, pattern) in paths.chain(values) {
            all.entry(label)
                .and_modify(|known| *known = format!("{known}|{pattern}"))
                .or_insert_with(|| pattern.to_owned());
        }
        all
    }

    /// The question whether there is anything to leave out by a label.
    pub(super) fn exclusion_query(&self, label: &str, pattern: &str) -> String {
        let pattern = promql::string(pattern);
        let own = [format!("{label}=~{pattern}")];
        let matchers = self.recipe.matchers.iter().chain(&own);
        format!("count({})", selector(&self.metric, matchers))
    }

    /// Matchers that all its series fulfil.
    pub(super) fn matchers(&self) -> impl Iterator<Item = &String> {
        self.recipe.matchers.iter().chain(&self.left_out)
    }

    /// The labels that decide: of its service, and of what is bad.
    pub(super) fn labels(&self) -> Vec<String> {
        let recipe = self.recipe;
        let mut labels = vec!["job".to_owned()];
        labels.extend(recipe.service.iter().chain(&recipe.namespace).cloned());
        if self.kind == Kind::Availability {
            labels.extend(recipe.status.iter().chain(&recipe.unanswered).cloned());
            labels.extend(recipe.bad.iter().flat_map(|bad| labels_of(bad)));
        }
        let mut seen = BTreeSet::new();
        labels.retain(|label| seen.insert(label.clone()));
        labels
    }

    /// The question for its labels.
    pub(super) fn shape_query(&self) -> String {
        let by = self.labels().join(", ");
        format!(
            "count by ({by}) ({})",
            selector(&self.metric, self.matchers())
        )
    }
}

/// A selector of a metric with matchers.
pub(super) fn selector<'a>(metric: &str, matchers: impl Iterator<Item = &'a String>) -> String {
    let matchers: Vec<_> = matchers.map(String::as_str).collect();
    if matchers.is_empty() {
        return metric.to_owned();
    }
    format!("{metric}{{{}}}", matchers.join(","))
}
