//! Pyrra: `ServiceLevelObjective` of pyrra.dev/v1alpha1.

use std::collections::BTreeMap;

use toml::Value;

use super::Conversion;
use super::alerting::{self, Alert, Limit};
use super::draft::{Draft, named};
use super::kind::PYRRA;
use super::node::{Node, Wrong};
use super::promql;
use crate::domain::slo::rounded;
use crate::domain::{Severity, Window};

/// What the labels begin with that Pyrra passes on to its rules.
const PASSED_ON: &str = "pyrra.dev/";

/// Labels that name the service, best first: those that discovery goes by, and customary ones.
const SERVICE_LABELS: [&str; 5] = [
    "service",
    "sloth_service",
    "job",
    "app.kubernetes.io/name",
    "app",
];

/// Severity, key of `severities`, long and short window in minutes for 28 days, factor:
/// `slo/rules.go`, `Windows`.
const TIERS: [(Severity, &str, u64, u64, f64); 4] = [
    (Severity::Page, "fastBurn", 60, 5, 14.0),
    (Severity::Page, "mediumBurn", 360, 30, 7.0),
    (Severity::Ticket, "slowBurn", 1_440, 120, 2.0),
    (Severity::Ticket, "longTermBurn", 5_760, 360, 1.0),
];

/// One SLO.
pub(super) fn slo(document: &Node, conversion: &mut Conversion) {
    let name = document.find(&["metadata", "name"]);
    let name = name.and_then(|name| name.text().ok()).unwrap_or_default();
    let mut draft = Draft::new(format!("Pyrra SLO `{name}`"), &document.place);
    if let Err(wrong) = read(&mut draft, document) {
        draft.wrong(wrong);
    }
    draft.finish(conversion);
}

fn read(draft: &mut Draft, document: &Node) -> Result<(), Wrong> {
    let metadata = document.need("metadata")?;
    let spec = document.need("spec")?;
    let version = document.get("apiVersion").unwrap_or(document);
    if version.text().ok().as_deref() != Some(PYRRA) {
        let message = format!("`apiVersion` names no group: it is read as `{PYRRA}`");
        draft.warn(&version.place, message);
    }
    draft.expect_keys(
        spec,
        &[
            "target",
            "window",
            "description",
            "indicator",
            "alerting",
            "partial_response_strategy",
            "performanceOverAccuracy",
            "ruleOutput",
        ],
    )?;
    let name = metadata.need("name")?;
    draft.set("name", named(&name.text()?), &name.place);
    draft.describe(spec.get("description"));
    let target = spec.need("target")?;
    let percent = target.number()?;
    draft.set("objective", percent, &target.place);
    let window = spec.need("window")?;
    let period: Window =
        window
            .text()?
            .parse()
            .map_err(|error: crate::domain::window::NotADuration| {
                Wrong::at(&window.place, error.to_string())
            })?;
    draft.set("period", period.to_string(), &window.place);
    let (indicator, total) = indicator(draft, spec.need("indicator")?)?;
    let by = grouping(indicator)?;
    if !by.is_empty() {
        let place = indicator
            .get("grouping")
            .map_or(&indicator.place, |by| &by.place);
        let by: Vec<_> = by.iter().cloned().map(Value::String).collect();
        draft.set("by", by, place);
    }
    labels(draft, metadata, &total, &by, &named(&name.text()?))?;
    rules(draft, spec, target, rounded(percent / 100.0), period)?;
    let mut routed = match spec.get("alerting") {
        Some(alerting) => alerting::routing(alerting, "alerting", &["name", "absentName"])?,
        None => Vec::new(),
    };
    if let Some(annotations) = metadata.get("annotations") {
        let passed_on = annotations.entries()?.iter();
        let passed_on = passed_on.filter(|(key, ..)| key.starts_with(PASSED_ON));
        routed.extend(passed_on.map(|(key, place, _)| (format!("`{key}`"), place)));
    }
    draft.warn_of_routing(&routed);
    Ok(())
}

fn grouping(indicator: &Node) -> Result<Vec<String>, Wrong> {
    let grouping = indicator.get("grouping").map(Node::list).transpose()?;
    grouping
        .unwrap_or_default()
        .iter()
        .map(Node::text)
        .collect()
}

/// Sets what is measured; gives the indicator and the selector of all events.
fn indicator<'a>(draft: &mut Draft, indicator: &'a Node) -> Result<(&'a Node, String), Wrong> {
    const KNOWN: [&str; 4] = ["ratio", "latency", "latencyNative", "bool_gauge"];
    draft.expect_keys(indicator, &KNOWN)?;
    let mut given = KNOWN
        .iter()
        .filter_map(|key| Some((*key, indicator.get(key)?)));
    let (Some((kind, one)), None) = (given.next(), given.next()) else {
        let message =
            "an SLO has one indicator: `ratio`, `latency`, `latencyNative` or `bool_gauge`";
        return Err(Wrong::at(&indicator.place, message));
    };
    let metric = |key: &str| -> Result<(&Node, String), Wrong> {
        let metric = one.need(key)?.need("metric")?;
        Ok((metric, selector(metric)?))
    };
    let total = match kind {
        "ratio" => {
            draft.expect_keys(one, &["errors", "total", "grouping"])?;
            let (errors, bad) = metric("errors")?;
            draft.remark_on_bucket(&bad, &errors.place);
            draft.set("bad", bad, &errors.place);
            let (node, total) = metric("total")?;
            draft.set("total", total.clone(), &node.place);
            total
        }
        "latency" => {
            draft.expect_keys(one, &["success", "total", "grouping"])?;
            let (success, good) = metric("success")?;
            draft.set("good", good, &success.place);
            let (node, total) = metric("total")?;
            draft.set("total", total.clone(), &node.place);
            total
        }
        "latencyNative" => {
            draft.expect_keys(one, &["total", "latency", "grouping"])?;
            let (node, total) = metric("total")?;
            draft.set("histogram", total.clone(), &node.place);
            let latency = one.need("latency")?;
            draft.set("within", seconds(latency)?, &latency.place);
            total
        }
        _ => {
            draft.expect_keys(one, &["metric", "grouping"])?;
            let node = one.need("metric")?;
            let gauge = selector(node)?;
            draft.set("gauge", gauge.clone(), &node.place);
            gauge
        }
    };
    Ok((one, total))
}

/// A metric, which is a selector in Pyrra.
fn selector(metric: &Node) -> Result<String, Wrong> {
    let selector = promql::selector(&metric.text()?);
    selector.map_err(|message| Wrong::at(&metric.place, message))
}

/// A duration of Prometheus, which knows milliseconds as well.
fn seconds(node: &Node) -> Result<f64, Wrong> {
    let text = node.text()?;
    let text = text.trim();
    let (whole, milliseconds) = match text.strip_suffix("ms") {
        Some(rest) => {
            let digits = rest.trim_end_matches(|c: char| c.is_ascii_digit()).len();
            (&rest[..digits], rest[digits..].parse::<u32>().ok())
        }
        None => (text, Some(0)),
    };
    let whole = if whole.is_empty() {
        Some(0.0)
    } else {
        let window: Option<Window> = whole.parse().ok();
        window.map(|window| f64::from(window.seconds()))
    };
    let total = whole
        .zip(milliseconds)
        .map(|(whole, thousandths)| rounded(whole + f64::from(thousandths) / 1000.0));
    let wrong = || Wrong::at(&node.place, "write a duration such as `200ms` or `1s`");
    total.filter(|total| *total > 0.0).ok_or_else(wrong)
}

/// Sets the service and the labels: those that Pyrra passes on, then what all events have in
/// common, then the labels of the object; the name where none of them names a service.
fn labels(
    draft: &mut Draft,
    metadata: &Node,
    total: &str,
    by: &[String],
    name: &str,
) -> Result<(), Wrong> {
    let mut own = BTreeMap::new();
    let mut passed_on = BTreeMap::new();
    let given = metadata.get("labels");
    for (key, _, value) in given.map_or(Ok(&[][..]), Node::entries)? {
        let value = value.text()?;
        if let Some(key) = key.strip_prefix(PASSED_ON) {
            passed_on.insert(super::draft::label(key), value.clone());
        }
        own.insert(key.clone(), value);
    }
    let common = |label: &&str| {
        let is_split = by.iter().any(|split| split == label);
        (!is_split)
            .then(|| promql::demanded(total, label))
            .flatten()
    };
    let service = SERVICE_LABELS
        .iter()
        .find_map(|label| passed_on.get(*label).cloned().or_else(|| common(label)))
        .or_else(|| {
            SERVICE_LABELS
                .iter()
                .find_map(|label| own.get(*label).cloned())
        })
        .filter(|service| !service.trim().is_empty());
    let service = service.as_deref().map_or(name.to_owned(), named);
    let place = given.map_or(&metadata.place, |given| &given.place);
    draft.set("service", service, place);
    draft.set_labels(passed_on, place);
    Ok(())
}

/// Pyrra's own windows and factors, scaled to the period.
fn rules(
    draft: &mut Draft,
    spec: &Node,
    target: &Node,
    objective: f64,
    period: Window,
) -> Result<(), Wrong> {
    let alerting = spec.get("alerting");
    let flag = |key: &str| alerting.map_or(Ok(None), |alerting| alerting.flag_of(key));
    let is_silent = flag("disabled")? == Some(true) || flag("burnrates")? == Some(false);
    let place = &target.place;
    if let Some(alerting) = alerting {
        let known = [
            "disabled",
            "burnrates",
            "absent",
            "name",
            "absentName",
            "severities",
        ];
        draft.expect_keys(alerting, &known)?;
    }
    if is_silent {
        draft.set_rules(&[], objective, period, place);
        return Ok(());
    }
    let severities = alerting.and_then(|alerting| alerting.get("severities"));
    if let Some(severities) = severities {
        draft.expect_keys(severities, &TIERS.map(|(_, key, ..)| key))?;
    }
    let mut alerts = Vec::new();
    for (severity, key, long, short, factor) in TIERS {
        let own = severities.and_then(|severities| severities.get(key));
        let severity = match own {
            None => severity,
            Some(node) => {
                let word = node.text()?;
                alerting::severity(&word, severity == Severity::Page).unwrap_or_else(|| {
                    let message = format!(
                        "the severity `{word}` says nothing here: it is taken for a {severity}"
                    );
                    draft.warn(&node.place, message);
                    severity
                })
            }
        };
        alerts.push(Alert {
            severity,
            long: scaled(long, period),
            short: scaled(short, period),
            limit: Limit::Factor(factor),
        });
    }
    draft.set_rules(&alerts, objective, period, place);
    Ok(())
}

/// Minutes of 28 days as minutes of the period, rounded as Pyrra does; one at least.
fn scaled(minutes: u64, period: Window) -> Window {
    let seconds =
        minutes * 60 * u64::from(period.seconds()) / u64::from(Window::days(28).seconds());
    Window::from_seconds((seconds + 30) / 60 * 60).unwrap_or(Window::minutes(1))
}
