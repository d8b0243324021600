//! Grafana SLO: success ratios by window, named by `grafana_slo_uuid`.
//!
//! Names and meanings: Grafana SLO's recorded metrics, as its `gcx` client reads them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{Context, Found, Recorded, objective};
use crate::domain::{Origin, Period, Slo, Window};
use crate::source::prometheus::api::{Labels, Series};
use crate::source::prometheus::plan::{Given, Plan, Span};

const RATIO: &str = "grafana_slo_sli_";

pub(super) fn discover(series: &[Series], context: &Context<'_>, found: &mut Found) {
    let mut slos: BTreeMap<&str, Vec<&Series>> = BTreeMap::new();
    for series in series {
        if let Some(uuid) = series.labels.get("grafana_slo_uuid") {
            slos.entry(uuid).or_default().push(series);
        }
    }
    for (uuid, members) in &slos {
        match plan(uuid, members, context) {
            Ok(plan) => found.plans.push(plan),
            Err(lack) => found
                .left_out
                .push(format!("Grafana's SLO `{uuid}` is left out: {lack}")),
        }
    }
}

fn plan(uuid: &str, members: &[&Series], context: &Context<'_>) -> Result<Plan, &'static str> {
    let value = |name: &str| {
        members
            .iter()
            .find(|series| series.name == name)
            .map(|s| s.value)
    };
    let label = |name: &str| members.iter().find_map(|series| series.labels.get(name));
    let recorded = value("grafana_slo_objective").ok_or("its objective is not recorded")?;
    let objective = objective(recorded)
        .ok_or("an objective of 0 % or 100 % leaves nothing to measure a burn by")?;
    let period = value("grafana_slo_objective_window_seconds").and_then(Window::from_seconds_f64);
    let period = Period::Rolling(period.ok_or("its period is not recorded")?);
    let name = label("grafana_slo_name").unwrap_or(uuid);
    let service = label("grafana_slo_service").unwrap_or(name);
    let source = context.source.clone();
    let mut slo = Slo {
        queries: vec![(
            "5m".into(),
            format!("1 - {RATIO}5m{{grafana_slo_uuid=\"{uuid}\"}}").into(),
        )],
        ..Slo::new(service, name, source, objective, period, Origin::Grafana)
    };
    slo.note("recorded as good over all; shown as bad over all");
    let recorded = Recorded::of(members.iter().copied(), RATIO, true);
    let mut given = recorded.readings(&slo.windows());
    let whole = members
        .iter()
        .find(|series| series.name == "grafana_slo_sli_window");
    if let Some(success) = whole {
        given.insert(Span::Period, Given::recorded(success, true));
    }
    Ok(Plan {
        slo: Arc::new(slo),
        zone: TimeZone::UTC,
        labels: Labels::new(),
        given,
        asked: BTreeMap::new(),
        trend: recorded.trend(),
        rule: None,
        counted: None,
    })
}
