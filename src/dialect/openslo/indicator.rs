//! SLIs of `OpenSLO`: ratios of counters and gauges, stored ratios, thresholds.

use super::Objects;
use crate::dialect::draft::Draft;
use crate::dialect::events::Sides;
use crate::dialect::node::{Node, Wrong};
use crate::dialect::promql;
use crate::text::clipped;

/// Types of data sources that are asked in PromQL, in lower case.
const PROMETHEUS: [&str; 11] = [
    "any",
    "prometheus",
    "promql",
    "thanos",
    "mimir",
    "cortex",
    "grafanamimir",
    "victoriametrics",
    "amazonprometheus",
    "googlemanagedprometheus",
    "gcm-prometheus",
];

/// The `spec` of the SLI that an objective is measured by.
pub(super) fn of<'a>(
    spec: &'a Node,
    objective: &'a Node,
    objects: &Objects<'a>,
) -> Result<&'a Node, Wrong> {
    let own = |node: &'a Node| (node.get("indicator"), node.get("indicatorRef"));
    let given = match own(objective) {
        (None, None) => own(spec),
        given => given,
    };
    let indicator = match given {
        (Some(indicator), None) => indicator,
        (None, Some(reference)) => objects.find("SLI", reference)?,
        (Some(_), Some(reference)) => {
            let message = "`indicator` is given as well: keep one";
            return Err(Wrong::at(&reference.place, message));
        }
        (None, None) => {
            let message = "nothing is measured: add `indicator` or `indicatorRef`";
            return Err(Wrong::at(&spec.place, message));
        }
    };
    indicator.need("spec")
}

/// Sets what it measures.
pub(super) fn set(draft: &mut Draft, sli: &Node, objective: &Node, objects: &Objects<'_>) {
    let set = match (sli.get("ratioMetric"), sli.get("thresholdMetric")) {
        (Some(ratio), None) => match ratio.get("raw") {
            Some(raw) => stored(draft, ratio, raw, objects),
            None => counted(draft, ratio, objects),
        },
        (None, Some(metric)) => threshold(draft, metric, objective, objects),
        (Some(_), Some(metric)) => Err(Wrong::at(
            &metric.place,
            "`ratioMetric` is given as well: keep one",
        )),
        (None, None) => Err(Wrong::at(
            &sli.place,
            "nothing is measured: add `ratioMetric` or `thresholdMetric`",
        )),
    };
    draft.or_refuse(set);
}

/// The query of a metric, when it is asked in PromQL.
fn query<'a>(metric: &'a Node, objects: &Objects<'a>) -> Result<(&'a Node, String), Wrong> {
    let source = metric.need("metricSource")?;
    let reference = source.get("metricSourceRef");
    let referred = reference.and_then(|reference| objects.find("DataSource", reference).ok());
    let referred = referred.and_then(|object| object.find(&["spec", "type"]));
    if let Some(kind) = source.get("type").or(referred) {
        let word = kind.text()?;
        if !PROMETHEUS.contains(&word.to_ascii_lowercase().as_str()) {
            let message = format!(
                "a metric of type `{}`: watchfire asks Prometheus and what speaks its language; write `type: Prometheus` and a query in PromQL",
                clipped(&word)
            );
            return Err(Wrong::at(&kind.place, message));
        }
    }
    let query = source.need("spec")?.need("query")?;
    let text = promql::placeheld(&query.text()?);
    let text = text.map_err(|message| Wrong::at(&query.place, message))?;
    if text.is_empty() {
        return Err(Wrong::at(&query.place, "the query is empty"));
    }
    Ok((query, text))
}

/// Good or bad events over all.
fn counted(draft: &mut Draft, ratio: &Node, objects: &Objects<'_>) -> Result<(), Wrong> {
    draft.expect_keys(
        ratio,
        &["counter", "good", "bad", "total", "raw", "rawType"],
    )?;
    let (key, part) = match (ratio.get("good"), ratio.get("bad")) {
        (Some(good), None) => ("good", good),
        (None, Some(bad)) => ("bad", bad),
        (Some(_), Some(bad)) => {
            let message = "`good` is given as well: keep one, the other follows from the total";
            return Err(Wrong::at(&bad.place, message));
        }
        (None, None) => {
            let message = "add `good` or `bad` beside `total`, or `raw`";
            return Err(Wrong::at(&ratio.place, message));
        }
    };
    let (part_node, part) = query(part, objects)?;
    let (total_node, total) = query(ratio.need("total")?, objects)?;
    let mut sides = Sides {
        key,
        part: (&part_node.place, part),
        total: (&total_node.place, total),
        names: (key, "total"),
    };
    if draft.set_selectors(&sides) {
        return Ok(());
    }
    draft.set_groups(&sides)?;
    let flag = ratio.flag_of("counter")?;
    for (place, text) in [&mut sides.part, &mut sides.total] {
        *text = events(text, flag).map_err(|message| Wrong::at(place, message))?;
    }
    draft.set(key, sides.part.1, sides.part.0);
    draft.set("total", sides.total.1, sides.total.0);
    Ok(())
}

/// One side of a ratio as a `[[slo]]` counts it.
fn events(query: &str, counter: Option<bool>) -> Result<String, String> {
    let counter = match counter {
        Some(counter) => counter,
        None if promql::has_window(query) => true,
        None => promql::reads_counter(query).ok_or(
            "say what this reads: `counter: true` when it only ever grows, `counter: false` when it goes up and down",
        )?,
    };
    if counter {
        promql::of_counter(query)
    } else {
        promql::of_gauge(query)
    }
}

/// A ratio that is stored as such.
fn stored(draft: &mut Draft, ratio: &Node, raw: &Node, objects: &Objects<'_>) -> Result<(), Wrong> {
    draft.expect_keys(
        ratio,
        &["counter", "good", "bad", "total", "raw", "rawType"],
    )?;
    for key in ["good", "bad", "total"] {
        if let Some(node) = ratio.get(key) {
            let message = format!("`raw` is given as well: keep it or `{key}`");
            return Err(Wrong::at(&node.place, message));
        }
    }
    let kind = ratio.need("rawType")?;
    let key = match kind.text()?.as_str() {
        "success" => "success_ratio",
        "failure" => "error_ratio",
        other => {
            let message = format!("no raw type is called `{other}`: write `success` or `failure`");
            return Err(Wrong::at(&kind.place, message));
        }
    };
    let (node, mut text) = query(raw, objects)?;
    if !promql::has_window(&text) && promql::ratio_counts(&text).is_none() {
        text = promql::of_ratio(&text).map_err(|message| Wrong::at(&node.place, message))?;
        let message = "the mean of this ratio over time is taken: every sample weighs the same, whatever the traffic";
        draft.warn(&node.place, message);
    }
    draft.set_ratio(key, text, &node.place)
}

/// Samples on the right side of a value.
fn threshold(
    draft: &mut Draft,
    metric: &Node,
    objective: &Node,
    objects: &Objects<'_>,
) -> Result<(), Wrong> {
    let (node, text) = query(metric, objects)?;
    let op = objective.need("op")?;
    let sign = match op.text()?.as_str() {
        "lt" => "<",
        "lte" => "<=",
        "gt" => ">",
        "gte" => ">=",
        other => {
            let message =
                format!("no operator is called `{other}`: write `lt`, `lte`, `gt` or `gte`");
            return Err(Wrong::at(&op.place, message));
        }
    };
    let value = objective.need("value")?.number()?;
    if sign.starts_with('>') && promql::reads_durations(&text) {
        let message = format!(
            "this takes samples {sign} {value} for good: if it measures how long something takes, it is the wrong way round, and `lt` is meant"
        );
        draft.warn(&op.place, message);
    }
    let samples = promql::of_threshold(&text, sign, value);
    let (good, total) = samples.map_err(|message| Wrong::at(&node.place, message))?;
    draft.set("good", good, &node.place);
    draft.set("total", total, &node.place);
    Ok(())
}
