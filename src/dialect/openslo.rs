//! `OpenSLO` v1: SLOs with the objects that they refer to.

mod indicator;
mod objective;
mod policy;
mod span;

use std::collections::BTreeMap;

use toml::{Table, Value};

use self::objective::{distinct, indicator_of, target, weight};
use self::span::TimeWindow;
use super::Conversion;
use super::alerting::{Alert, WORKBOOK};
use super::draft::{Draft, label, named, percent};
use super::kind::Kind;
use super::node::{Node, Value as Part, Wrong};
use crate::domain::Window;
use crate::domain::slo::rounded;

/// The most objectives of one SLO.
const MOST_OBJECTIVES: usize = 100;

/// The objects that others may refer to, by kind and name.
pub(super) struct Objects<'a>(BTreeMap<(&'static str, String), Vec<&'a Node>>);

impl<'a> Objects<'a> {
    /// Those of all documents.
    pub(super) fn of(documents: &[(Kind, &'a Node)]) -> Self {
        let mut objects: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (kind, document) in documents {
            let name = document.find(&["metadata", "name"]);
            if let (Kind::OpenSlo(kind), Some(Ok(name))) = (kind, name.map(Node::text)) {
                objects.entry((*kind, name)).or_default().push(*document);
            }
        }
        Self(objects)
    }

    /// The object that a reference names.
    fn find(&self, kind: &'static str, reference: &Node) -> Result<&'a Node, Wrong> {
        let name = reference.text()?;
        match self.0.get(&(kind, name.clone())).map(Vec::as_slice) {
            Some([one]) => Ok(one),
            Some(_) => Err(Wrong::at(
                &reference.place,
                format!(
                    "there are several of kind {kind} with the name `{name}`: give each its own"
                ),
            )),
            None => Err(Wrong::at(
                &reference.place,
                format!(
                    "no document of kind {kind} has the name `{name}`: give its file as well, or write it here"
                ),
            )),
        }
    }
}

/// How the budget is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Occurrences,
    Timeslices,
    RatioTimeslices,
}

/// What the objectives of an SLO have in common.
struct Common<'a> {
    document: &'a Node,
    spec: &'a Node,
    name: String,
    method: Method,
    period: Window,
    alerts: Option<Vec<Alert>>,
}

/// One SLO: as many `[[slo]]` as it has objectives, and one more when they are mixed.
pub(super) fn slo(document: &Node, objects: &Objects<'_>, conversion: &mut Conversion) {
    let name = document.find(&["metadata", "name"]);
    let name = name.and_then(|name| name.text().ok()).unwrap_or_default();
    let mut draft = Draft::new(format!("OpenSLO SLO `{name}`"), &document.place);
    let read = common(&mut draft, document, objects)
        .and_then(|common| Ok((objectives(common.spec)?, common)));
    let (objectives, common) = match read {
        Ok(read) => read,
        Err(wrong) => {
            draft.wrong(wrong);
            draft.finish(conversion);
            return;
        }
    };
    let has_own = |objective: &&Node| indicator_of(objective).is_some();
    if objectives.len() > 1 && objectives.iter().any(has_own) {
        mixed(&draft, &common, &objectives, objects, conversion);
        return;
    }
    draft.report(conversion);
    for objective in &objectives {
        let mut one = draft.fork();
        let suffix = match objectives.len() {
            1 => Ok(None),
            _ => distinct(objective, &objectives).map(Some),
        };
        let read = suffix.and_then(|suffix| single(&mut one, &common, objective, suffix, objects));
        one.or_refuse(read);
        one.finish(conversion);
    }
}

fn objectives(spec: &Node) -> Result<Vec<&Node>, Wrong> {
    let node = spec.need("objectives")?;
    let objectives: Vec<_> = node.list()?.iter().collect();
    if objectives.is_empty() {
        return Err(Wrong::at(&node.place, "there is no objective: add one"));
    }
    if objectives.len() > MOST_OBJECTIVES {
        let message = format!("more than {MOST_OBJECTIVES} objectives: an SLO has a few");
        return Err(Wrong::at(&node.place, message));
    }
    Ok(objectives)
}

/// Sets what all objectives share.
fn common<'a>(
    draft: &mut Draft,
    document: &'a Node,
    objects: &Objects<'_>,
) -> Result<Common<'a>, Wrong> {
    let metadata = document.need("metadata")?;
    let name = metadata.need("name")?;
    draft.set("name", named(&name.text()?), &name.place);
    let spec = document.need("spec")?;
    draft.expect_keys(
        spec,
        &[
            "description",
            "service",
            "indicator",
            "indicatorRef",
            "timeWindow",
            "budgetingMethod",
            "objectives",
            "alertPolicies",
        ],
    )?;
    let service = spec.need("service")?;
    draft.set("service", named(&service.text()?), &service.place);
    draft.describe(spec.get("description").or(metadata.get("displayName")));
    labels(draft, metadata)?;
    let method = draft_method(draft, spec)?;
    let period = if let Some(node) = spec.get("timeWindow") {
        let window = TimeWindow::of(node);
        let window = draft.or_refuse(window);
        window.map(|window| window.set(draft, node))
    } else {
        draft.warn(&spec.place, "no `timeWindow`: 30 rolling days are taken");
        None
    };
    let policies = policy::alerts(draft, spec, objects);
    let alerts = draft.or_refuse(policies).flatten();
    Ok(Common {
        document,
        spec,
        name: named(&name.text()?),
        method,
        period: period.unwrap_or(Window::days(30)),
        alerts,
    })
}

/// A label may have several values there; here they are joined by commas.
fn labels(draft: &mut Draft, metadata: &Node) -> Result<(), Wrong> {
    let Some(given) = metadata.get("labels") else {
        return Ok(());
    };
    let mut labels = BTreeMap::new();
    for (key, _, value) in given.entries()? {
        let value = match &value.value {
            Part::List(values) => {
                let values: Result<Vec<_>, _> = values.iter().map(Node::text).collect();
                values?.join(",")
            }
            _ => value.text()?,
        };
        labels.insert(label(key), value);
    }
    draft.set_labels(labels, &given.place);
    Ok(())
}

fn draft_method(draft: &mut Draft, spec: &Node) -> Result<Method, Wrong> {
    let Some(node) = spec.get("budgetingMethod") else {
        draft.warn(&spec.place, "no `budgetingMethod`: Occurrences is taken");
        return Ok(Method::Occurrences);
    };
    match node.text()?.as_str() {
        "Occurrences" => Ok(Method::Occurrences),
        "Timeslices" => Ok(Method::Timeslices),
        "RatioTimeslices" => Ok(Method::RatioTimeslices),
        other => Err(Wrong::at(
            &node.place,
            format!(
                "no budgeting method is called `{other}`: write `Occurrences`, `Timeslices` or `RatioTimeslices`"
            ),
        )),
    }
}

/// One objective as a `[[slo]]`.
fn single(
    draft: &mut Draft,
    common: &Common<'_>,
    objective: &Node,
    suffix: Option<String>,
    objects: &Objects<'_>,
) -> Result<(), Wrong> {
    let target = measured(draft, common, objective, suffix, objects)?;
    let place = common.spec.get("alertPolicies").unwrap_or(objective);
    match &common.alerts {
        Some(alerts) => draft.set_rules(alerts, target, common.period, &place.place),
        None => rules_of_slices(draft, common, objective, target),
    }
    Ok(())
}

/// Sets name, objective and what is measured; gives the objective.
fn measured(
    draft: &mut Draft,
    common: &Common<'_>,
    objective: &Node,
    suffix: Option<String>,
    objects: &Objects<'_>,
) -> Result<f64, Wrong> {
    draft.expect_keys(
        objective,
        &[
            "displayName",
            "op",
            "value",
            "target",
            "targetPercent",
            "timeSliceTarget",
            "timeSliceWindow",
            "indicator",
            "indicatorRef",
            "compositeWeight",
        ],
    )?;
    if let Some(suffix) = suffix {
        let name = format!("{}-{suffix}", common.name);
        draft.set("name", named(&name), &objective.place);
    }
    let (target, node) = target(objective)?;
    draft.set("objective", percent(target), &node.place);
    let sli = indicator::of(common.spec, objective, objects);
    if let Some(sli) = draft.or_refuse(sli) {
        indicator::set(draft, sli, objective, objects);
    }
    let sliced = span::slices(draft, common.method, objective);
    draft.or_refuse(sliced);
    Ok(target)
}

/// A slice has to fit into the shortest window: wider ones than 5m lengthen the short windows.
fn rules_of_slices(draft: &mut Draft, common: &Common<'_>, objective: &Node, target: f64) {
    let Some(width) = span::width(objective).ok().flatten() else {
        return;
    };
    if common.method == Method::Occurrences || width <= WORKBOOK[0].short {
        return;
    }
    let rules: Vec<_> = WORKBOOK
        .iter()
        .filter(|rule| rule.long >= width)
        .map(|rule| Alert {
            short: rule.short.max(width),
            ..*rule
        })
        .collect();
    let message = format!(
        "a slice of {width} does not fit into short windows of less: they are {width} as well"
    );
    draft.warn(&objective.place, message);
    draft.set_rules(&rules, target, common.period, &objective.place);
}

/// Objectives with indicators of their own: each one as a `[[slo]]` that alerts nobody, and their
/// mix by weight, which does.
fn mixed(
    draft: &Draft,
    common: &Common<'_>,
    objectives: &[&Node],
    objects: &Objects<'_>,
    conversion: &mut Conversion,
) {
    let mut mix = draft.fork();
    draft.report(conversion);
    let mut parts = Vec::new();
    let (mut targets, mut weights) = (Vec::new(), 0.0);
    for objective in objectives {
        let mut one = draft.fork();
        let suffix = distinct(objective, objectives);
        let read = suffix.and_then(|suffix| {
            let slo = format!("{}-{suffix}", common.name);
            let target = measured(&mut one, common, objective, Some(suffix), objects)?;
            Ok((slo, target))
        });
        one.set_rules(&[], 0.5, common.period, &objective.place);
        let read = one.or_refuse(read).zip(mix.or_refuse(weight(objective)));
        if let Some(((slo, target), weight)) = read {
            targets.push((target, weight));
            weights += weight;
            let mut part = Table::new();
            let id = format!("{}/{}", one.text("service"), named(&slo));
            part.insert("slo".into(), id.into());
            part.insert("weight".into(), weight.into());
            parts.push(Value::Table(part));
        }
        one.finish(conversion);
    }
    if common.method == Method::Timeslices {
        let message = "a mix of Timeslices counts a slice as bad that is bad for any objective, which is no mean of ratios: use Occurrences or RatioTimeslices, or watch the objectives one by one";
        mix.refuse(&common.document.place, message);
    }
    if parts.len() < objectives.len() {
        let message = "the mix lacks objectives that could not be converted";
        mix.refuse(&common.document.place, message);
    }
    let sum: f64 = targets.iter().map(|(target, weight)| target * weight).sum();
    let target = rounded(sum / weights);
    mix.set("objective", percent(target), &common.document.place);
    mix.set("parts", parts, &common.document.place);
    if mix.is_refused() {
        mix.finish(conversion);
        return;
    }
    let message = format!(
        "OpenSLO leaves open what a mix promises: it is {} %, the mean of the objectives by weight, over the mean of their error ratios by weight",
        percent(target)
    );
    mix.warn(&common.document.place, message);
    if let Some(alerts) = &common.alerts {
        mix.set_rules(alerts, target, common.period, &common.document.place);
    }
    mix.finish(conversion);
}
