//! Grafana SLO: success ratios by window, named by `grafana_slo_uuid`.
//!
//! Names and meanings: Grafana SLO's recorded metrics, as its `gcx` client reads them. An SLO that is
//! grouped by labels has a series for each of their values, and is an SLO for each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::promise::{Promise, clash, settle_objective, settle_period};
use super::{Context, Found, Recorded, agree, fill_gaps, qualified, within};
use crate::domain::{Origin, Period, Slo, Window};
use crate::source::prometheus::api::{Labels, Series, WireRule};
use crate::source::prometheus::plan::{Doubt, Formula, Given, Plan, Ratio, Recorder, Span};
use crate::source::prometheus::promql;

const RATIO: &str = "grafana_slo_sli_";

/// The label that names an SLO.
pub(super) const UUID: &str = "grafana_slo_uuid";

/// The success ratio of the whole period.
const WHOLE: &str = "grafana_slo_sli_window";

pub(super) fn discover(series: &[Series], context: &Context<'_>, found: &mut Found) {
    let mut slos: BTreeMap<&str, Vec<&Series>> = BTreeMap::new();
    for series in series {
        if let Some(uuid) = series.labels.get(UUID) {
            slos.entry(uuid).or_default().push(series);
        }
    }
    for (uuid, members) in &slos {
        let slo = Members::of(uuid, members, context);
        for labels in slo.groups.keys() {
            match slo.plan(labels, context) {
                Ok(plan) => found.plans.push(plan),
                Err(lack) => found
                    .left_out
                    .push(format!("Grafana's SLO `{uuid}` is left out: {lack}")),
            }
        }
    }
}

/// The series and rules of one uuid.
struct Members<'a> {
    uuid: &'a str,
    /// What is recorded once for all groups.
    constants: Vec<&'a Series>,
    /// Success ratios by the labels that tell groups apart.
    groups: BTreeMap<Labels, Vec<&'a Series>>,
    /// The labels that tell groups apart.
    by: BTreeSet<String>,
    rules: &'a [WireRule],
}

impl<'a> Members<'a> {
    fn of(uuid: &'a str, members: &[&'a Series], context: &'a Context<'_>) -> Self {
        let is_ratio = |one: &&&Series| one.name.starts_with(RATIO);
        let (ratios, constants): (Vec<&Series>, Vec<&Series>) =
            members.iter().partition(|one| is_ratio(one));
        let rules = context.rules.grafana.get(uuid);
        let mut slo = Self {
            uuid,
            constants,
            groups: BTreeMap::new(),
            by: BTreeSet::new(),
            rules: rules.map_or(&[], Vec::as_slice),
        };
        for one in ratios {
            let labels = slo.own_labels(&one.labels);
            slo.groups.entry(labels).or_default().push(one);
        }
        for group in &context.rules.groups {
            if group.labels.get(UUID) == Some(uuid) {
                let labels = slo.own_labels(&group.labels);
                // A store of many clusters adds labels that the rule's own question does not see.
                if !slo.groups.keys().any(|known| within(&labels, known)) {
                    slo.groups.insert(labels, Vec::new());
                }
            }
        }
        if slo.groups.is_empty() {
            slo.groups.insert(Labels::new(), Vec::new());
        }
        let labels = slo.groups.keys().flat_map(Labels::iter);
        slo.by = labels.map(|(name, _)| name.to_owned()).collect();
        slo
    }

    /// The labels that the constants of the SLO lack, or have with another value.
    fn own_labels(&self, labels: &Labels) -> Labels {
        let is_common = |name: &str, value: &str| {
            let mut constants = self.constants.iter();
            constants.any(|one| one.labels.get(name) == Some(value))
        };
        let own = labels.iter();
        own.filter(|(name, value)| !name.starts_with("grafana_slo_") && !is_common(name, value))
            .collect()
    }

    fn values(&self, name: &str, labels: &Labels) -> Vec<f64> {
        let all = self.constants.iter().filter(|one| one.name == name);
        let own = all.filter(|one| agree(one.labels.iter(), labels));
        own.map(|one| one.value).collect()
    }

    fn label(&self, name: &str) -> Option<&'a str> {
        let mut all = self
            .constants
            .iter()
            .copied()
            .chain(self.groups.values().flatten().copied());
        all.find_map(|series| series.labels.get(name))
    }

    fn promised(&self, labels: &Labels) -> Result<(Promise<f64>, Promise<Window>), &'static str> {
        let recorded = self.values("grafana_slo_objective", labels);
        if recorded.is_empty() {
            return Err("its objective is not recorded");
        }
        let objective = settle_objective(recorded, [])
            .ok_or("an objective of 0 % or 100 % leaves nothing to measure a burn by")?;
        let seconds = self.values("grafana_slo_objective_window_seconds", labels);
        let period = settle_period(seconds.into_iter().filter_map(Window::from_seconds_f64));
        Ok((objective, period.ok_or("its period is not recorded")?))
    }

    fn plan(&self, labels: &Labels, context: &Context<'_>) -> Result<Plan, &'static str> {
        let (objective, period) = self.promised(labels)?;
        let name = self.label("grafana_slo_name").unwrap_or(self.uuid);
        let service = self.label("grafana_slo_service").unwrap_or(name);
        let twins: Vec<_> = self.groups.keys().collect();
        let matchers: Vec<_> = [(UUID, self.uuid)]
            .into_iter()
            .chain(labels.iter())
            .collect();
        let matchers = matchers
            .iter()
            .map(|(name, value)| format!("{name}={}", promql::string(value)));
        let matchers = matchers.collect::<Vec<_>>().join(",");
        let mut slo = Slo {
            queries: vec![("5m".into(), format!("1 - {RATIO}5m{{{matchers}}}").into())],
            ..Slo::new(
                service,
                qualified(name, labels, &twins, &self.by),
                context.source.clone(),
                objective.value,
                Period::Rolling(period.value),
                Origin::Grafana,
            )
        };
        slo.note("recorded as good over all; shown as bad over all");
        let members = self.groups.get(labels).map_or(&[][..], Vec::as_slice);
        let recorded = Recorded::of(members.iter().copied(), RATIO, true);
        let mut given = recorded.readings(&slo.windows());
        if let Some(success) = members.iter().find(|one| one.name == WHOLE) {
            given.insert(Span::Period, Given::recorded(success, true));
        }
        let spans = slo.windows().into_iter().map(Span::Window);
        let asked = fill_gaps(&given, spans, |span| match span {
            Span::Window(window) => {
                let ratio = Ratio::recorded(self.rule(window)?, None, true)?;
                Some(Formula::Events(ratio))
            }
            Span::Period => None,
        });
        let shortest = slo.windows().first().copied();
        Ok(Plan {
            slo: Arc::new(slo),
            zone: TimeZone::UTC,
            labels: labels.clone(),
            given,
            asked,
            trend: recorded.trend(),
            rule: shortest
                .and_then(|window| self.rule(window))
                .map(|query| Recorder {
                    query: query.to_owned(),
                    success: true,
                }),
            counted: None,
            doubt: objective
                .doubt
                .or(period.doubt)
                .or_else(|| self.clash(shortest?)),
            recounted: false,
            absent_is_zero: false,
            silent: Vec::new(),
        })
    }

    fn recorders(&self, window: Window) -> impl Iterator<Item = &'a WireRule> {
        let name = format!("{RATIO}{window}");
        self.rules.iter().filter(move |rule| rule.name == name)
    }

    /// The query of the rule that records a window.
    fn rule(&self, window: Window) -> Option<&'a str> {
        Some(&self.recorders(window).next()?.query)
    }

    /// Why its ratio is that of no one definition.
    fn clash(&self, window: Window) -> Option<Doubt> {
        let mut rules = self.recorders(window);
        let first = rules.next()?;
        let others = rules.filter(|rule| rule.labels == first.labels && rule.query != first.query);
        let count = 1 + others.count();
        (count > 1).then(|| clash(count, &first.name))
    }
}

/// The window of a record; `None` for what is no ratio of a window of Grafana's.
pub(super) fn window(record: &str) -> Option<Window> {
    record.strip_prefix(RATIO)?.parse().ok()
}
