//! Sloth: everything is in the series, named by `sloth_id`, `sloth_service` and `sloth_slo`.
//!
//! Names and shapes: slok/sloth, `pkg/common/conventions` and `examples/_gen`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{Context, Found, Recorded, agree, fill_gaps, objective, qualified, rates, within};
use crate::domain::{Origin, Period, Slo, Window};
use crate::source::prometheus::api::{Labels, Series, WireRule};
use crate::source::prometheus::plan::{Plan, Span};

const RATIO: &str = "slo:sli_error:ratio_rate";

pub(super) fn discover(series: &[Series], context: &Context<'_>, found: &mut Found) {
    let recorded: BTreeSet<&str> = series.iter().filter_map(id_of).collect();
    // An SLO that is older in the rules than in the series has its constants in the rules alone.
    let constants = context.rules.sloth_constants.iter();
    let constants =
        constants.filter(|series| id_of(series).is_some_and(|id| !recorded.contains(id)));
    // Besides Sloth's own labels, users' labels and a cluster's external ones tell SLOs apart.
    let mut groups: BTreeMap<(&str, Labels), Vec<&Series>> = BTreeMap::new();
    for series in series.iter().chain(constants) {
        if let Some(id) = id_of(series) {
            let labels = series.labels.iter().filter(|(name, _)| !is_own(name));
            let labels = labels
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            groups.entry((id, labels)).or_default().push(series);
        }
    }
    let slos = with_constants(&groups);
    for ((id, labels), members) in &slos {
        let twins: Vec<_> = slos
            .keys()
            .filter(|(other, _)| other == id)
            .map(|(_, labels)| *labels)
            .collect();
        match plan(id, labels, &twins, members, context) {
            Ok(plan) => found.plans.push(plan),
            Err(lack) => found
                .warnings
                .push(format!("Sloth's `{id}` is left out: {lack}")),
        }
    }
}

/// A group of series for each SLO. An SLI that does not aggregate leaves its own labels on the
/// ratios, which the constants (`vector(0.999)`) cannot have: these belong to each such group.
fn with_constants<'a>(
    groups: &'a BTreeMap<(&'a str, Labels), Vec<&'a Series>>,
) -> BTreeMap<(&'a str, &'a Labels), Vec<&'a Series>> {
    let has_ratios = |members: &[&Series]| members.iter().any(|one| one.name.starts_with(RATIO));
    let belongs = |(id, labels): &(&str, Labels), (other, more): &(&str, Labels)| {
        id == other && labels.len() < more.len() && within(labels, more)
    };
    let (measured, constant): (Vec<_>, Vec<_>) = groups
        .iter()
        .partition(|(_, members)| has_ratios(members.as_slice()));
    let lonely = constant
        .iter()
        .filter(|(key, _)| !measured.iter().any(|(other, _)| belongs(key, other)));
    let lonely = lonely.map(|((id, labels), members)| ((*id, labels), (*members).clone()));
    measured
        .iter()
        .map(|(key, members)| {
            let shared = constant.iter().filter(|(other, _)| belongs(other, key));
            let shared = shared.flat_map(|(_, members)| members.iter().copied());
            (
                (key.0, &key.1),
                members.iter().copied().chain(shared).collect(),
            )
        })
        .chain(lonely)
        .collect()
}

/// True for the labels that Sloth itself sets.
fn is_own(label: &str) -> bool {
    label.starts_with("sloth_")
}

fn id_of(series: &Series) -> Option<&str> {
    series.labels.get("sloth_id").map(String::as_str)
}

fn plan(
    id: &str,
    labels: &Labels,
    twins: &[&Labels],
    members: &[&Series],
    context: &Context<'_>,
) -> Result<Plan, &'static str> {
    let objective = promised(members).ok_or("its objective is not recorded")?;
    let period = period(members).ok_or("its period is not recorded")?;
    let label = |name: &str| members.iter().find_map(|series| series.labels.get(name));
    let slo_name = label("sloth_slo").map_or(id, String::as_str);
    let days = Period::Rolling(period);
    let mut slo = Slo {
        queries: vec![(
            "5m".into(),
            format!("{RATIO}5m{{sloth_id=\"{id}\"}}").into(),
        )],
        ..Slo::new(
            label("sloth_service").map_or(id, String::as_str),
            qualified(slo_name, labels, twins),
            context.source.clone(),
            objective,
            days,
            Origin::Sloth,
        )
    };
    let recorded = Recorded::of(members.iter().copied(), RATIO, false);
    let mut given = recorded.readings(&slo.windows());
    slo.notes.push(match recorded.reading(period) {
        Some(reading) => {
            given.insert(Span::Period, reading);
            format!("{period} is the mean of the 5m ratios, as Sloth records it: it does not weigh by traffic")
        }
        None => format!("{period} is not recorded: it is counted from the series behind the rule"),
    });
    let rule = |record: String| {
        let rules = context.rules.sloth.get(&(record, id.to_owned()))?;
        let users = |rule: &WireRule| agree(rule.labels.iter().filter(|(l, _)| !is_own(l)), labels);
        Some(&rules.iter().find(|rule| users(rule))?.query)
    };
    let spans = slo
        .windows()
        .into_iter()
        .map(Span::Window)
        .chain([Span::Period]);
    let asked = fill_gaps(&given, spans, |span| match span {
        Span::Window(window) => rates(rule(format!("{RATIO}{window}"))?, None),
        // The period's own rule averages the 5m records; where there are none, ask the counters.
        Span::Period => rates(rule(format!("{RATIO}5m"))?, Some(period)),
    });
    Ok(Plan {
        slo: Arc::new(slo),
        zone: TimeZone::UTC,
        labels: labels.clone(),
        given,
        asked,
        trend: recorded.trend(),
    })
}

/// The label of `sloth_slo_info` is exact; the series is a sum of binary fractions.
fn promised(members: &[&Series]) -> Option<f64> {
    let label = members
        .iter()
        .find_map(|series| series.labels.get("sloth_objective"));
    let percent = label.and_then(|label| label.parse::<f64>().ok());
    let recorded = || value(members, "slo:objective:ratio");
    objective(percent.map(|percent| percent / 100.0).or_else(recorded)?)
}

/// `slo:time_period:days`, else the longest window recorded, when that is no window of a rule.
fn period(members: &[&Series]) -> Option<Window> {
    let days = value(members, "slo:time_period:days");
    let told = days.and_then(|days| Window::from_seconds_f64(days * 86_400.0));
    told.or_else(|| {
        let recorded = Recorded::of(members.iter().copied(), RATIO, false);
        let (&longest, _) = recorded.by_window.last_key_value()?;
        (longest > Window::days(3)).then_some(longest)
    })
}

fn value(members: &[&Series], name: &str) -> Option<f64> {
    let series = members.iter().find(|series| series.name == name)?;
    Some(series.value)
}
