//! Recipes: how SLOs follow from the metrics of one exporter or library.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::source::prometheus::promql;

/// The built-in recipes; the file says what each key means.
const BUILT_IN: &str = include_str!("recipes.toml");

/// Paths of health checks and of metrics, as a regular expression.
pub(super) const HEALTH_PATHS: &str = "/?(api/)?(healthz?|health[-_]?checks?|health/.*|livez?|liveness|readyz?|readiness|ping|metrics|-/healthy|-/ready|actuator(/.*)?)/?";

/// Which layer of a system counts the events: the outermost one counts what users see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Layer {
    /// What lets requests in.
    Ingress,
    /// Proxies beside the services.
    Mesh,
    /// The services themselves.
    #[default]
    App,
    /// Probes from outside, which are not the users' traffic.
    Probe,
    /// Scrapes.
    Scrape,
}

/// One recipe.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::source::prometheus) struct Recipe {
    pub(super) name: String,
    pub(super) metric: String,
    #[serde(default)]
    pub(super) layer: Layer,
    #[serde(default, rename = "where")]
    pub(super) matchers: Vec<String>,
    #[serde(default)]
    pub(super) status: Vec<String>,
    pub(super) unanswered: Option<String>,
    #[serde(default)]
    pub(super) bad: Vec<String>,
    pub(super) failed_metric: Option<String>,
    #[serde(default)]
    pub(super) extra: bool,
    pub(super) absent: Option<Absent>,
    #[serde(default)]
    pub(super) gauge: bool,
    pub(super) service: Vec<String>,
    #[serde(default = "namespace")]
    pub(super) namespace: Vec<String>,
    #[serde(default)]
    pub(super) paths: Vec<String>,
    #[serde(default)]
    pub(super) without: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) latency: Vec<String>,
    #[serde(default)]
    pub(super) slow: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) not: Vec<String>,
    pub(super) declined: Option<String>,
    pub(super) why: String,
}

/// Where targets are discovered in Kubernetes, this says in which namespace.
fn namespace() -> Vec<String> {
    vec!["namespace".to_owned()]
}

/// What no series of bad events means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Absent {
    /// None failed.
    Zero,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    recipe: Vec<Recipe>,
}

/// The built-in recipes.
pub(super) fn built_in() -> &'static [Recipe] {
    static RECIPES: LazyLock<Vec<Recipe>> = LazyLock::new(|| {
        let file = toml::from_str::<File>(BUILT_IN);
        file.map(|file| file.recipe).unwrap_or_default()
    });
    &RECIPES
}

impl Recipe {
    /// What is wrong with a recipe of the configuration: the key, and what to write.
    pub(in crate::source::prometheus) fn problem(&self) -> Option<(&'static str, String)> {
        let labels = self.service.iter().chain(&self.namespace);
        let labels = labels.chain(&self.status).chain(&self.paths);
        let labels = labels.chain(self.without.keys()).chain(self.slow.keys());
        if let Some(label) = labels
            .into_iter()
            .find(|label| !crate::config::is_label(label))
        {
            return Some(("recipes", format!("`{label}` is no name of a label")));
        }
        if self.service.is_empty() {
            let words =
                "a recipe needs `service`: the labels that may name the service, best first";
            return Some(("recipes", words.to_owned()));
        }
        if !is_pattern(&self.metric) || !self.latency.iter().all(|name| is_pattern(name)) {
            let words = format!(
                "`{}` is no name of a metric; one `*` may stand in front",
                self.metric
            );
            return Some(("recipes", words));
        }
        let matchers = self.matchers.iter().chain(&self.bad);
        for text in matchers {
            if promql::selectors(&format!("sum(m{{{text}}})")).is_empty() {
                return Some(("recipes", format!("`{text}` is no list of matchers")));
            }
        }
        let patterns = self.without.values().chain(self.slow.values());
        for pattern in patterns {
            if regex::Regex::new(pattern).is_err() {
                return Some(("recipes", format!("`{pattern}` is no regular expression")));
            }
        }
        let counts_bad =
            !self.status.is_empty() || !self.bad.is_empty() || self.failed_metric.is_some();
        let is_never = self.declined.is_some();
        (!counts_bad && !self.gauge && !is_never && self.latency.is_empty()).then(|| {
            let words =
                "a recipe needs `status`, `bad`, `failed_metric`, `gauge = true` or `latency`";
            ("recipes", words.to_owned())
        })
    }

    /// Every name that it looks for, as regular expressions.
    pub(super) fn patterns(&self) -> Vec<String> {
        let latency = self.latency.iter();
        let latency = latency.flat_map(|name| [format!("{name}_count"), format!("{name}_bucket")]);
        let names = [self.metric.clone()].into_iter().chain(latency);
        let names = names.chain(self.failed_metric.clone());
        names
            .map(|name| match name.strip_prefix('*') {
                Some(end) => format!("([a-zA-Z0-9_:]*_)?{end}"),
                None => name,
            })
            .collect()
    }

    /// The prefixes under which its metric is among these names.
    pub(super) fn prefixes(&self, names: &BTreeSet<String>) -> Vec<String> {
        self.prefixes_of(&self.metric, names)
    }

    /// The prefixes of a name that may begin with `*`.
    fn prefixes_of(&self, pattern: &str, names: &BTreeSet<String>) -> Vec<String> {
        let Some(end) = pattern.strip_prefix('*') else {
            let is_there = names.contains(pattern);
            return is_there.then(String::new).into_iter().collect();
        };
        let prefixes = names.iter().filter_map(|name| name.strip_suffix(end));
        let fits = |prefix: &&str| {
            (prefix.is_empty() || prefix.ends_with('_')) && !self.is_excluded(prefix)
        };
        prefixes.filter(fits).map(str::to_owned).collect()
    }

    fn is_excluded(&self, prefix: &str) -> bool {
        let words = prefix.trim_end_matches('_');
        let mut not = self.not.iter();
        not.any(|one| {
            words == one
                || words.starts_with(&format!("{one}_"))
                || words.ends_with(&format!("_{one}"))
        })
    }

    /// The histograms that it may have under a prefix.
    pub(super) fn histograms(&self, prefix: &str) -> Vec<String> {
        let names = self.latency.iter();
        names.map(|name| with_prefix(name, prefix)).collect()
    }

    /// Its metric under a prefix.
    pub(super) fn metric_of(&self, prefix: &str) -> String {
        with_prefix(&self.metric, prefix)
    }
}

fn with_prefix(pattern: &str, prefix: &str) -> String {
    match pattern.strip_prefix('*') {
        Some(end) => format!("{prefix}{end}"),
        None => pattern.to_owned(),
    }
}

fn is_pattern(name: &str) -> bool {
    let name = name.strip_prefix('*').unwrap_or(name);
    crate::config::is_label(&name.replace(':', "_"))
}

/// The names of the labels that matchers speak of.
pub(super) fn labels_of(matchers: &str) -> Vec<String> {
    let selectors = promql::selectors(&format!("sum(m{{{matchers}}})"));
    let matchers = selectors.iter().flat_map(|one| &one.matchers.matchers);
    matchers.map(|matcher| matcher.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_recipes_are_read_and_right() {
        let file: File = toml::from_str(BUILT_IN).unwrap();
        assert!(file.recipe.len() >= 25, "{}", file.recipe.len());
        let mut names = BTreeSet::new();
        for recipe in &file.recipe {
            assert_eq!(recipe.problem(), None, "{}", recipe.name);
            assert!(names.insert(&recipe.name), "{} twice", recipe.name);
            assert!(!recipe.why.is_empty());
        }
        assert_eq!(built_in().len(), file.recipe.len());
    }

    #[test]
    fn a_prefix_is_a_word_and_none_of_those_left_out() {
        let recipe = built_in()
            .iter()
            .find(|one| one.metric == "*http_requests_total");
        let names = [
            "http_requests_total",
            "shop_http_requests_total",
            "xhttp_requests_total",
            "caddy_http_requests_total",
            "shop_client_http_requests_total",
        ];
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(recipe.unwrap().prefixes(&names), ["", "shop_"]);
    }

    #[test]
    fn paths_of_health_checks_are_known() {
        let paths = regex::Regex::new(&format!("^(?:{HEALTH_PATHS})$")).unwrap();
        for path in [
            "/health",
            "/healthz",
            "metrics",
            "/-/ready",
            "/actuator/health",
            "/readyz/",
            "/health/live",
        ] {
            assert!(paths.is_match(path), "{path}");
        }
        for path in [
            "/",
            "/healthy-food",
            "/checkout",
            "/metricsx",
            "/api/pingpong",
            "/live/stream",
        ] {
            assert!(!paths.is_match(path), "{path}");
        }
    }
}
