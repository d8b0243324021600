//! Sloth: everything is in the series, named by `sloth_id`, `sloth_service` and `sloth_slo`. Our own
//! rules use the same names; their SLOs are told by [`super::own`].
//!
//! Names and shapes: slok/sloth, `pkg/common/conventions` and `examples/_gen`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{Context, Found, Recorded, agree, fill_gaps, objective, own, qualified, rates, within};
use crate::domain::slo::rounded;
use crate::domain::{Origin, Period, Rule, Slo, Window};
use crate::source::alert::LabelNames;
use crate::source::prometheus::api::{Labels, Series, WireRule};
use crate::source::prometheus::plan::{Plan, Span};
use crate::source::prometheus::promql;
use crate::source::prometheus::record::{BAD, DEFINITION, RATIO, TOTAL, is_ours};
use crate::source::severity::UnknownSeverities;

pub(super) fn discover(series: &[Series], context: &Context<'_>, found: &mut Found) {
    let constants = &context.rules.sloth_constants;
    let known = series.iter().filter(|_| !constants.is_empty());
    let recorded: HashSet<&str> = known.filter_map(id_of).collect();
    // An SLO that is older in the rules than in the series has its constants in the rules alone.
    let constants = constants.iter().filter(|series| {
        id_of(series).is_some_and(|id| context.share.holds(id) && !recorded.contains(id))
    });
    // Besides Sloth's own labels, users' labels and a cluster's external ones tell SLOs apart.
    let mut groups: HashMap<(&str, Labels), Vec<&Series>> = HashMap::new();
    for series in series.iter().chain(constants) {
        if let Some(id) = id_of(series) {
            let labels = series.labels.filtered(|name| !is_ours(name));
            groups.entry((id, labels)).or_default().push(series);
        }
    }
    let slos = with_constants(&groups);
    let none = Labels::new();
    for ((id, labels), members) in &slos {
        // Of one id, so side by side; no set of labels is less than none.
        let twins = slos.range((*id, &none)..).map(|(key, _)| key);
        let twins = twins.take_while(|(other, _)| other == id);
        let twins: Vec<_> = twins.map(|(_, labels)| *labels).collect();
        let slo = Members {
            id,
            labels,
            twins: &twins,
            series: members,
        };
        let is_own = slo.label(DEFINITION).is_some();
        let (owner, planned) = if is_own {
            ("watchfire", own::plan(&slo, context))
        } else {
            ("Sloth", plan(&slo, context).map(Some))
        };
        match planned {
            Ok(plan) => found.plans.extend(plan),
            Err(lack) => found
                .left_out
                .push(format!("{owner}'s `{id}` is left out: {lack}")),
        }
    }
}

/// A group of series for each SLO. An SLI that does not aggregate leaves its own labels on the
/// ratios, which the constants (`vector(0.999)`) cannot have: these belong to each such group.
fn with_constants<'a>(
    groups: &'a HashMap<(&'a str, Labels), Vec<&'a Series>>,
) -> BTreeMap<(&'a str, &'a Labels), Vec<&'a Series>> {
    let is_measured = |name: &str| [RATIO, BAD, TOTAL].iter().any(|it| name.starts_with(it));
    let has_ratios = |members: &[&Series]| members.iter().any(|one| is_measured(&one.name));
    let belongs = |(id, labels): &(&str, Labels), (other, more): &(&str, Labels)| {
        id == other && labels.len() < more.len() && within(labels, more)
    };
    let (measured, mut constant): (Vec<_>, Vec<_>) = groups
        .iter()
        .partition(|(_, members)| has_ratios(members.as_slice()));
    constant.sort_unstable_by_key(|(key, _)| *key);
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

fn id_of(series: &Series) -> Option<&str> {
    series.labels.get("sloth_id")
}

/// What belongs to one SLO.
pub(super) struct Members<'a> {
    pub(super) id: &'a str,
    /// Its labels besides those that the rules set.
    pub(super) labels: &'a Labels,
    /// Those of all SLOs with this id.
    pub(super) twins: &'a [&'a Labels],
    pub(super) series: &'a [&'a Series],
}

impl Members<'_> {
    /// The value of a label that any of its series has.
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        let mut values = self.series.iter().filter_map(|one| one.labels.get(name));
        values.next()
    }

    /// The rule that records something of it.
    pub(super) fn rule<'a>(&self, record: String, context: &'a Context<'_>) -> Option<&'a str> {
        let rules = context.rules.sloth.get(&(record, self.id.to_owned()))?;
        let users = |rule: &WireRule| {
            let labels = rule.labels.iter().filter(|(label, _)| !is_ours(label));
            agree(labels, self.labels)
        };
        Some(&rules.iter().find(|rule| users(rule))?.query)
    }
}

fn plan(slo: &Members<'_>, context: &Context<'_>) -> Result<Plan, &'static str> {
    let members = slo.series;
    let (id, labels) = (slo.id, slo.labels);
    let objective = promised(members).ok_or("its objective is not recorded, or is 0 % or 100 %")?;
    let period = period(members).ok_or("its period is not recorded")?;
    let of = slo;
    let slo_name = of.label("sloth_slo").unwrap_or(id);
    let days = Period::Rolling(period);
    let mut slo = Slo::new(
        of.label("sloth_service").unwrap_or(id),
        qualified(slo_name, labels, of.twins),
        context.source.clone(),
        objective,
        days,
        Origin::Sloth,
    );
    if let Some(alerts) = context.rules.sloth_alerts.get(id) {
        slo.rules = alerts.as_slice().into();
    }
    let shortest = slo.windows().first().copied();
    let shortest = shortest.unwrap_or(Window::minutes(5));
    slo.queries = vec![(
        shortest.to_string(),
        format!("{RATIO}{shortest}{{sloth_id=\"{id}\"}}").into(),
    )];
    let recorded = Recorded::of(members.iter().copied(), RATIO, false);
    let mut given = recorded.readings(&slo.windows());
    slo.note(match recorded.given(period) {
        Some(recorded) => {
            given.insert(Span::Period, recorded);
            format!(
                "{period} is the mean of the 5m ratios, as Sloth records it: it does not weigh by traffic"
            )
        }
        None => format!("{period} is not recorded: it is counted from the series behind the rule"),
    });
    let rule = |window: Window| of.rule(format!("{RATIO}{window}"), context);
    let shortest_rule = rule(shortest);
    if !context.rules.sloth_alerts.contains_key(id) && shortest_rule.is_some() {
        slo.note("the server lists no alert of it: these are the workbook's rules");
    }
    let spans = slo
        .windows()
        .into_iter()
        .map(Span::Window)
        .chain([Span::Period]);
    let asked = fill_gaps(&given, spans, |span| match span {
        Span::Window(window) => rates(rule(window)?, None),
        // The period's own rule averages the shortest records; where there are none, ask the counters.
        Span::Period => rates(shortest_rule?, Some(period)),
    });
    Ok(Plan {
        slo: Arc::new(slo),
        zone: TimeZone::UTC,
        labels: labels.clone(),
        given,
        asked,
        trend: recorded.trend(),
        rule: shortest_rule.map(str::to_owned),
        counted: None,
    })
}

/// The rules that one of Sloth's alerts alerts by, with the `sloth_id` of its SLO. Factors and windows
/// are its user's to choose, and an alert that is disabled is not there.
pub(super) fn alert(
    rule: &WireRule,
    names: &LabelNames,
    unknown: &mut UnknownSeverities,
) -> Option<(String, Vec<Rule>)> {
    if rule.kind != "alerting" {
        return None;
    }
    rule.labels.get("sloth_severity")?;
    let severity = names.severity(|name| rule.labels.get(name), unknown);
    let mut of = None;
    let mut rules = Vec::new();
    for thresholds in promql::conditions(&rule.query) {
        let windows = thresholds
            .iter()
            .map(|one| one.record.strip_prefix(RATIO)?.parse().ok());
        let windows: Vec<Window> = windows.collect::<Option<_>>()?;
        let first = thresholds.first()?;
        let mut ids = first.matchers.find_matchers("sloth_id").into_iter();
        of = of.or_else(|| ids.next().map(|matcher| matcher.value));
        rules.push(Rule {
            severity,
            long: *windows.iter().max()?,
            short: *windows.iter().min()?,
            factor: rounded(first.factor),
        });
    }
    Some((of?, rules))
}

/// The label of `sloth_slo_info` is exact; the series is a sum of binary fractions.
pub(super) fn promised(members: &[&Series]) -> Option<f64> {
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
