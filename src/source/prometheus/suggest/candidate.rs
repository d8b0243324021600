//! Candidates: one service's availability or latency, with the selectors that count it.

use std::collections::{BTreeMap, BTreeSet};

use super::name;
use super::recipe::{Absent, labels_of};
use super::shape::{Bad, Group};
use super::subject::{Subject, selector};
use crate::domain::suggestion::Counts;
use crate::source::prometheus::api::Series;
use crate::source::prometheus::promql;

/// What one service's events of one subject are.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// Which subject counts it.
    pub(super) subject: usize,
    /// The service without its namespace.
    pub(super) service: String,
    /// The label and value of its namespace; an empty value where it has none.
    pub(super) namespace: (Option<String>, String),
    /// The label that names the service, and its values that do.
    pub(super) label: String,
    pub(super) values: BTreeSet<String>,
    pub(super) jobs: BTreeSet<String>,
    /// True where other jobs have such a value too, and are not meant.
    pub(super) is_of_jobs: bool,
    pub(super) bad: Bad,
    /// What it is called, when all are known.
    pub(super) name: String,
    /// True where two namespaces have a service of the name.
    pub(super) is_qualified: bool,
}

/// The candidates of a subject's groups; values that name no service are given back with the reason.
pub(super) fn of_groups(
    subject: usize,
    groups: &[Group],
    all: &[Series],
) -> (Vec<Candidate>, BTreeSet<&'static str>) {
    let mut found: BTreeMap<(String, String, Bad, String), Candidate> = BTreeMap::new();
    let mut reasons = BTreeSet::new();
    for group in groups {
        for (value, namespace) in &group.values {
            let service = match name::service(value) {
                Ok(service) => service,
                Err(reason) => {
                    reasons.insert(reason);
                    continue;
                }
            };
            let key = (
                service.clone(),
                namespace.clone(),
                group.bad.clone(),
                group.label.clone(),
            );
            let candidate = found.entry(key).or_insert_with(|| Candidate {
                subject,
                name: service.clone(),
                service,
                namespace: (group.namespace.clone(), namespace.clone()),
                label: group.label.clone(),
                values: BTreeSet::new(),
                jobs: BTreeSet::new(),
                is_of_jobs: false,
                bad: group.bad.clone(),
                is_qualified: false,
            });
            candidate.values.insert(value.clone());
            candidate.jobs.insert(group.job.clone());
        }
    }
    let mut candidates: Vec<_> = found.into_values().collect();
    for candidate in &mut candidates {
        let has_value = |row: &&Series| {
            let value = row.labels.get(&candidate.label).unwrap_or_default();
            candidate.values.contains(value)
        };
        let jobs = all.iter().filter(has_value);
        let mut jobs = jobs.map(|row| row.labels.get("job").unwrap_or_default());
        candidate.is_of_jobs =
            candidate.label != "job" && jobs.any(|job| !candidate.jobs.contains(job));
    }
    (candidates, reasons)
}

impl Candidate {
    /// True when a row of an answer, grouped by job and labels, is of this candidate.
    pub(super) fn owns(&self, row: &Series) -> bool {
        let value = |label: &str| row.labels.get(label).unwrap_or_default();
        let in_namespace = || {
            let (label, wanted) = &self.namespace;
            label.as_deref().is_none_or(|label| value(label) == wanted)
        };
        self.values.contains(value(&self.label))
            && self.jobs.contains(value("job"))
            && in_namespace()
    }

    /// The sum of the rows that are its own; `None` for none.
    pub(super) fn sum(&self, rows: &[Series]) -> Option<f64> {
        let own = rows.iter().filter(|row| self.owns(row));
        let mut own = own.map(|row| row.value).peekable();
        own.peek()?;
        Some(own.sum())
    }

    /// Its matchers beside those of its subject.
    fn own(&self) -> Vec<String> {
        let mut matchers = vec![any_of(&self.label, &self.values)];
        if let (Some(label), true) = (&self.namespace.0, self.is_qualified) {
            matchers.push(format!("{label}={}", promql::string(&self.namespace.1)));
        }
        if self.is_of_jobs {
            matchers.push(any_of("job", &self.jobs));
        }
        matchers
    }

    /// A selector of a metric for this candidate, with more matchers.
    pub(super) fn select(&self, subject: &Subject<'_>, metric: &str, more: &[String]) -> String {
        let own = self.own();
        let matchers = own.iter().chain(subject.matchers()).chain(more);
        selector(metric, matchers)
    }

    /// What it counts; `le` is the matcher of the bucket, of latency.
    pub(super) fn counts(&self, subject: &Subject<'_>, le: Option<&str>) -> Counts {
        let total = self.select(subject, &subject.metric, &[]);
        let with = |more: &str| {
            self.select(subject, &subject.metric, &[more.to_owned()])
                .into()
        };
        match &self.bad {
            Bad::Zero => Counts::Gauge(total.into()),
            Bad::Matching(matchers) => Counts::Bad {
                bad: with(matchers),
                total: total.into(),
            },
            Bad::NotMatching(matchers) => Counts::Good {
                good: with(matchers),
                total: total.into(),
            },
            Bad::Metric(metric) => {
                let bad = self.select(subject, metric, &[]);
                let total = if subject.recipe.extra {
                    let [counted, failed] =
                        [&total, &bad].map(|text| format!("sum(increase({text}[$window]))"));
                    format!("{counted} + ({failed} or {counted} * 0)")
                } else {
                    total
                };
                Counts::Bad {
                    bad: bad.into(),
                    total: total.into(),
                }
            }
            Bad::Slow => {
                let bucket = subject.bucket.as_deref().unwrap_or_default();
                let le = format!("le={}", promql::string(le.unwrap_or("+Inf")));
                Counts::Good {
                    good: self.select(subject, bucket, &[le]).into(),
                    total: total.into(),
                }
            }
        }
    }

    /// True where no series of bad events means that none failed: a label of theirs is on failures
    /// only.
    pub(super) fn absent_is_zero(&self, subject: &Subject<'_>) -> bool {
        let recipe = subject.recipe;
        let names_error = |matchers: &str| {
            let error = recipe.unanswered.as_ref();
            error.is_some_and(|error| labels_of(matchers).contains(error))
        };
        match &self.bad {
            Bad::Slow => false,
            Bad::Matching(matchers) if names_error(matchers) => true,
            _ => recipe.absent == Some(Absent::Zero),
        }
    }

    /// The same service, where namespaces are told by both.
    pub(super) fn is_same_service(&self, other: &Self) -> bool {
        let (mine, others) = (&self.namespace.1, &other.namespace.1);
        self.service == other.service && (mine.is_empty() || others.is_empty() || mine == others)
    }
}

/// A matcher of one value, or of any of several.
fn any_of(label: &str, values: &BTreeSet<String>) -> String {
    let mut all = values.iter();
    if let (Some(value), None) = (all.next(), all.next()) {
        return format!("{label}={}", promql::string(value));
    }
    let quoted: Vec<_> = values.iter().map(|value| promql::quoted(value)).collect();
    format!("{label}=~{}", promql::string(&quoted.join("|")))
}

/// Names the namespace in the names of services that several namespaces have.
pub(super) fn qualify(candidates: &mut [Candidate]) {
    let mut namespaces: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for one in candidates.iter().filter(|one| !one.namespace.1.is_empty()) {
        let known = namespaces.entry(one.service.clone()).or_default();
        known.insert(one.namespace.1.clone());
    }
    for one in candidates {
        let several = namespaces
            .get(&one.service)
            .is_some_and(|all| all.len() > 1);
        if several && !one.namespace.1.is_empty() {
            one.is_qualified = true;
            one.name = format!("{}.{}", one.service, one.namespace.1);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::recipe::built_in;
    use super::super::subject::Kind;
    use super::*;
    use crate::text::Untrusted;

    fn subject(kind: Kind) -> Subject<'static> {
        let mut recipes = built_in().iter();
        let recipe = recipes.find(|one| one.metric == "*http_requests_total");
        Subject {
            recipe: recipe.expect("it"),
            kind,
            metric: "http_requests_total".to_owned(),
            bucket: (kind == Kind::Latency).then(|| "h_bucket".to_owned()),
            counter: "http_requests_total".to_owned(),
            left_out: vec!["path!~\"/health\"".to_owned()],
        }
    }

    fn candidate(service: &str, value: &str, namespace: &str, bad: Bad) -> Candidate {
        Candidate {
            subject: 0,
            service: service.to_owned(),
            namespace: (Some("namespace".to_owned()), namespace.to_owned()),
            label: "service".to_owned(),
            values: BTreeSet::from([value.to_owned()]),
            jobs: BTreeSet::from([namespace.to_owned()]),
            is_of_jobs: true,
            bad,
            name: service.to_owned(),
            is_qualified: true,
        }
    }

    /// The matchers of the one selector that a text is.
    fn matchers(text: &str) -> Vec<(String, String)> {
        let selectors = promql::selectors(&format!("sum(increase({text}[5m]))"));
        assert_eq!(selectors.len(), 1, "{text}");
        let all = selectors[0].matchers.matchers.iter();
        all.map(|one| (one.name.clone(), one.value.clone()))
            .collect()
    }

    proptest! {
        /// Whatever a label says, a service's name is one plain line and its selectors ask for that
        /// value and nothing else.
        #[test]
        fn no_label_value_writes_configuration(
            value in any::<String>(),
            namespace in any::<String>(),
            head in "[a-z]{0,3}",
            tail in "[\\x00-\\x7f\u{202e}\u{200b}]{0,12}",
        ) {
            for value in [value.clone(), format!("{head}{tail}"), format!("{head}@{tail}"), format!("http://{head}/{tail}")] {
                let Ok(service) = name::service(&value) else {
                    continue;
                };
                let hostile = |c: char| c.is_control() || "\"'\\\n[]{}=#/@".contains(c);
                prop_assert!(!service.chars().any(hostile), "{service:?}");
                let shown = Untrusted::from(service.as_str()).shown().to_string();
                prop_assert_eq!(&shown, &service);
                let bad = Bad::Matching("code=~\"5..\"".to_owned());
                let one = candidate(&service, &value, &namespace, bad);
                for (_, text) in one.counts(&subject(Kind::Availability), None).settings() {
                    let all = matchers(text.raw());
                    prop_assert!(all.contains(&("service".to_owned(), value.clone())), "{}", text.raw());
                    prop_assert!(all.contains(&("job".to_owned(), namespace.clone())), "{}", text.raw());
                    prop_assert!(all.len() <= 5);
                    prop_assert!(!text.raw().chars().any(char::is_control));
                }
            }
        }
    }

    #[test]
    fn values_that_are_cut_alike_are_one_service() {
        let mut one = candidate("web", "web@docker", "", Bad::Slow);
        one.values.insert("web@file".to_owned());
        (one.is_qualified, one.is_of_jobs) = (false, false);
        let counts = one.counts(&subject(Kind::Latency), Some("0.5"));
        let texts: Vec<_> = counts
            .settings()
            .into_iter()
            .map(|(key, text)| format!("{key} {}", text.raw()))
            .collect();
        assert_eq!(
            texts,
            [
                r#"total http_requests_total{service=~"web@docker|web@file",path!~"/health"}"#,
                r#"good h_bucket{service=~"web@docker|web@file",path!~"/health",le="0.5"}"#,
            ]
        );
    }
}
