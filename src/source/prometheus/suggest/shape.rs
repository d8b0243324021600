//! How the series of a metric are labelled: which label names the service, and which events are bad.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use super::name;
use super::recipe::{Absent, Recipe, labels_of};
use super::subject::{Kind, Subject};
use crate::source::prometheus::api::Series;
use crate::source::prometheus::promql;

/// The share of series that must have a label.
const PRESENT: f64 = 0.95;
/// How many values a label of services may have.
const MAX_SERVICES: usize = 500;

static STATUS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("^([1-5]([0-9][0-9]|[xX][xX])|0)$").ok());

/// What is bad among the events of a metric.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Bad {
    /// Those that match.
    Matching(String),
    /// Those that do not match.
    NotMatching(String),
    /// Those of another metric.
    Metric(String),
    /// Samples of 0.
    Zero,
    /// Those that took longer than some bucket.
    Slow,
}

/// The series of one job, with the label that names their services.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) job: String,
    pub(super) label: String,
    pub(super) namespace: Option<String>,
    /// The values of both.
    pub(super) values: BTreeSet<(String, String)>,
    pub(super) bad: Bad,
}

/// Groups the series of a subject by job; `Err` for a job says why nothing can be suggested of it.
pub(super) fn groups(subject: &Subject<'_>, rows: &[Series]) -> Vec<Result<Group, String>> {
    let mut jobs: BTreeMap<&str, Vec<&Series>> = BTreeMap::new();
    for row in rows {
        jobs.entry(value(row, "job")).or_default().push(row);
    }
    let counted = values_by_label(subject.recipe, &jobs);
    let group = |(job, rows): (&&str, &Vec<&Series>)| {
        let label =
            service_label(subject.recipe, rows, &counted).map_err(|reason| of_job(job, &reason))?;
        let bad = bad(subject, rows).map_err(|reason| of_job(job, &reason))?;
        let mut namespaces = subject.recipe.namespace.iter();
        let namespace = namespaces.find(|label| is_present(rows, label)).cloned();
        let of = |row: &&Series| {
            let namespace = namespace.as_deref().map_or("", |label| value(row, label));
            (value(row, &label).to_owned(), namespace.to_owned())
        };
        let values = rows.iter().map(of).filter(|(value, _)| !value.is_empty());
        Ok(Group {
            job: (*job).to_owned(),
            values: values.collect(),
            label,
            namespace,
            bad,
        })
    };
    jobs.iter().map(group).collect()
}

fn of_job(job: &str, reason: &str) -> String {
    if job.is_empty() {
        return reason.to_owned();
    }
    format!("job {job}: {reason}")
}

pub(super) fn value<'a>(row: &'a Series, label: &str) -> &'a str {
    row.labels.get(label).unwrap_or_default()
}

/// The share of series of which something is true.
fn share(rows: &[&Series], is_true: impl Fn(&Series) -> bool) -> f64 {
    let all: f64 = rows.iter().map(|row| row.value).sum();
    let those = rows.iter().filter(|row| is_true(row));
    let those: f64 = those.map(|row| row.value).sum();
    if all > 0.0 { those / all } else { 0.0 }
}

fn is_present(rows: &[&Series], label: &str) -> bool {
    share(rows, |row| !value(row, label).is_empty()) >= PRESENT
}

/// How many values each label of services has, over all jobs that have it.
fn values_by_label<'a>(
    recipe: &'a Recipe,
    jobs: &BTreeMap<&str, Vec<&Series>>,
) -> BTreeMap<&'a str, usize> {
    let count = |label: &'a String| {
        let having = jobs.values().filter(|rows| is_present(rows, label));
        let values = having.flatten().map(|row| value(row, label));
        let values: BTreeSet<_> = values.filter(|value| !value.is_empty()).collect();
        (label.as_str(), values.len())
    };
    recipe.service.iter().map(count).collect()
}

fn service_label(
    recipe: &Recipe,
    rows: &[&Series],
    counted: &BTreeMap<&str, usize>,
) -> Result<String, String> {
    let mut reasons = Vec::new();
    for label in &recipe.service {
        let is_last = Some(label) == recipe.service.last();
        let values: BTreeSet<_> = rows.iter().map(|row| value(row, label)).collect();
        let count = counted.get(label.as_str()).copied().unwrap_or_default();
        let reason = if !is_present(rows, label) {
            let share = share(rows, |row| !value(row, label).is_empty());
            if share > 0.0 {
                format!("`{label}` is on fewer than 95 % of the series")
            } else {
                format!("no label `{label}`")
            }
        } else if count > MAX_SERVICES {
            format!("`{label}` has more than {MAX_SERVICES} values")
        } else if count < 2 && !is_last {
            format!("`{label}` has one value")
        } else if let Some(why) = name::unfit(values.into_iter().filter(|one| !one.is_empty())) {
            format!("a value of `{label}` {why}")
        } else {
            return Ok(label.clone());
        };
        reasons.push(reason);
    }
    Err(format!(
        "no label names its services: {}",
        reasons.join(", ")
    ))
}

/// Which events are bad, by the labels that these series have.
fn bad(subject: &Subject<'_>, rows: &[&Series]) -> Result<Bad, String> {
    let recipe = subject.recipe;
    if subject.kind == Kind::Latency {
        return Ok(Bad::Slow);
    }
    if recipe.gauge {
        return Ok(Bad::Zero);
    }
    if let Some(metric) = &recipe.failed_metric {
        return Ok(Bad::Metric(metric.clone()));
    }
    if let Some(bad) = by_status(recipe, rows) {
        return Ok(bad);
    }
    let is_free = recipe.absent == Some(Absent::Zero);
    let fits =
        |bad: &&String| is_free || labels_of(bad).iter().all(|label| is_present(rows, label));
    if let Some(bad) = recipe.bad.iter().find(fits) {
        return Ok(Bad::Matching(bad.clone()));
    }
    let named = recipe.bad.iter().flat_map(|bad| labels_of(bad));
    let labels: Vec<_> = recipe.status.iter().cloned().chain(named).collect();
    Err(format!(
        "no label says which events are bad: `{}` would",
        labels.join("`, `")
    ))
}

/// By the first label that holds HTTP statuses.
fn by_status(recipe: &Recipe, rows: &[&Series]) -> Option<Bad> {
    let is_status = |text: &str| STATUS.as_ref().is_some_and(|status| status.is_match(text));
    let unanswered = recipe.unanswered.as_deref();
    let fails_without = |row: &Series, label: &str| {
        let error = unanswered.map_or("", |error| value(row, error));
        value(row, label).is_empty() && !error.is_empty()
    };
    let holds = |label: &&String| {
        let any = rows.iter().any(|row| is_status(value(row, label)));
        let is_fit = |row: &Series| is_status(value(row, label)) || fails_without(row, label);
        any && share(rows, is_fit) >= PRESENT
    };
    let label = recipe.status.iter().find(holds)?;
    let failed = promql::string("5..");
    let Some(error) = unanswered else {
        return Some(Bad::Matching(format!("{label}=~{failed}")));
    };
    let has_error = |row: &Series| !value(row, error).is_empty();
    let is_failed = |row: &Series| value(row, label).starts_with('5');
    let any_error = rows.iter().any(|row| has_error(row));
    let all_named = rows.iter().all(|row| !is_failed(row) || has_error(row));
    let any_without = rows.iter().any(|row| value(row, label).is_empty());
    Some(if any_error && all_named {
        let failed = promql::string("5..|");
        Bad::Matching(format!("{label}=~{failed},{error}!=\"\""))
    } else if any_without {
        let answered = promql::string("[1-4]..");
        Bad::NotMatching(format!("{label}=~{answered}"))
    } else {
        Bad::Matching(format!("{label}=~{failed}"))
    })
}
