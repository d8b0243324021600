//! Sloth: everything is in the series, named by `sloth_id`, `sloth_service` and `sloth_slo`. Our own
//! rules use the same names; their SLOs are told by [`super::own`].
//!
//! Names and shapes: slok/sloth, `pkg/common/conventions` and `examples/_gen`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::grouped::labels_of;
use super::promise::{Promise, clash, is_same, settle_objective, settle_period};
use super::{
    Context, Found, Recorded, agree, fill_gaps, most_urgent_first, own, qualified, rates, within,
};
use crate::domain::slo::rounded;
use crate::domain::{Origin, Period, Rule, Slo, Window};
use crate::source::alert::LabelNames;
use crate::source::prometheus::api::{Labels, Series, WireRule};
use crate::source::prometheus::plan::{Doubt, Plan, Recorder, Span, of_records};
use crate::source::prometheus::promql;
use crate::source::prometheus::record::{BAD, DEFINITION, RATIO, TOTAL, is_ours};
use crate::source::severity::UnknownSeverities;

/// The label that tells the windows of records apart.
pub(in crate::source::prometheus) const WINDOW: &str = "sloth_window";

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
            let labels = series.labels.filtered(tells_apart);
            groups.entry((id, labels)).or_default().push(series);
        }
    }
    let mut constant_sets: HashMap<&str, usize> = HashMap::new();
    for (id, _) in groups
        .iter()
        .filter(|(_, all)| all.iter().any(|one| is_constant(one)))
        .map(|(key, _)| key)
    {
        *constant_sets.entry(id).or_default() += 1;
    }
    let silent = silent_groups(&groups, context);
    let slos = with_constants(&groups, &silent);
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
            constant_sets: constant_sets.get(id).copied().unwrap_or_default(),
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

/// True for labels by which SLOs of one id differ: those of users and clusters, and the service and
/// name, of which two may make one id (`a` and `b-c`, `a-b` and `c`).
fn tells_apart(label: &str) -> bool {
    !is_ours(label) || ["sloth_service", "sloth_slo"].contains(&label)
}

/// Labels with the `sloth_id` that they belong to.
type Key<'a> = (&'a str, Labels);

/// True for labels that have all of the others', of one id.
fn belongs((id, labels): &Key<'_>, (other, more): &Key<'_>) -> bool {
    id == other && labels.len() < more.len() && within(labels, more)
}

/// True for what an SLO is told by besides its measurement.
fn is_constant(series: &Series) -> bool {
    let is_measured = |name: &str| [RATIO, BAD, TOTAL].iter().any(|it| name.starts_with(it));
    !is_measured(&series.name)
}

fn has_ratios(members: &[&Series]) -> bool {
    members.iter().any(|one| !is_constant(one))
}

/// Groups that have traffic and no recorded ratio: they never failed.
fn silent_groups<'a>(
    recorded: &HashMap<Key<'a>, Vec<&'a Series>>,
    context: &Context<'a>,
) -> BTreeSet<Key<'a>> {
    let mut measured: HashMap<&str, Vec<&Labels>> = HashMap::new();
    for ((id, labels), members) in recorded {
        if has_ratios(members) && !context.rules.groups.is_empty() {
            measured.entry(id).or_default().push(labels);
        }
    }
    let groups = context.rules.groups.iter().filter_map(|group| {
        let id = group.labels.get("sloth_id")?;
        let labels = group.labels.filtered(tells_apart);
        // A store of many clusters adds labels that the rule's own question does not see.
        let mut known = measured.get(id).into_iter().flatten();
        let is_recorded = known.any(|known| within(&labels, known));
        (context.share.holds(id) && !is_recorded).then_some((id, labels))
    });
    groups.collect()
}

/// A group of series for each SLO. An SLI that does not aggregate, or groups, leaves its own labels on
/// the ratios, which the constants (`vector(0.999)`) cannot have: these belong to each such group.
fn with_constants<'a>(
    groups: &'a HashMap<Key<'a>, Vec<&'a Series>>,
    silent: &'a BTreeSet<Key<'a>>,
) -> BTreeMap<(&'a str, &'a Labels), Vec<&'a Series>> {
    let (measured, mut constant): (Vec<_>, Vec<_>) = groups
        .iter()
        .partition(|(_, members)| has_ratios(members.as_slice()));
    constant.sort_unstable_by_key(|(key, _)| *key);
    let none = Vec::new();
    let measured: Vec<_> = measured
        .into_iter()
        .chain(silent.iter().map(|key| (key, &none)))
        .collect();
    let lonely = constant
        .iter()
        .filter(|(key, _)| !measured.iter().any(|(other, _)| belongs(key, other)));
    let lonely = lonely.map(|((id, labels), members)| ((*id, labels), (*members).clone()));
    let mut slos = BTreeMap::new();
    for (key, members) in &measured {
        // Its own first, then those with the most labels: what is said of one cluster is said of it
        // rather than what is said of all.
        let mut shared: Vec<_> = constant
            .iter()
            .filter(|(other, _)| other == key || belongs(other, key))
            .collect();
        shared.sort_by_key(|((_, labels), _)| std::cmp::Reverse(labels.len()));
        let shared = shared
            .into_iter()
            .flat_map(|(_, members)| members.iter().copied());
        let all: Vec<&Series> = members.iter().copied().chain(shared).collect();
        slos.insert((key.0, &key.1), all);
    }
    slos.extend(lonely);
    slos
}

fn id_of(series: &Series) -> Option<&str> {
    series.labels.get("sloth_id")
}

/// What belongs to one SLO.
pub(super) struct Members<'a> {
    pub(super) id: &'a str,
    /// Its service and name, and its labels besides those that the rules set.
    pub(super) labels: &'a Labels,
    /// Those of all SLOs with this id.
    pub(super) twins: &'a [&'a Labels],
    pub(super) series: &'a [&'a Series],
    /// How many sets of labels this id has constants with: clusters that share it have one each.
    pub(super) constant_sets: usize,
}

impl<'a> Members<'a> {
    /// The value of a label that any of its series has.
    pub(super) fn label(&self, name: &str) -> Option<&'a str> {
        let mut values = self.series.iter().filter_map(|one| one.labels.get(name));
        values.next()
    }

    /// The rule that records something of it.
    pub(super) fn rule<'b>(
        &self,
        record: String,
        context: &'b Context<'_>,
    ) -> Option<&'b WireRule> {
        self.rules(record, context).next()
    }

    /// The rules that do.
    fn rules<'b>(
        &self,
        record: String,
        context: &'b Context<'_>,
    ) -> impl Iterator<Item = &'b WireRule> {
        let all = context.rules.sloth.get(&(record, self.id.to_owned()));
        all.into_iter().flatten().filter(|rule| {
            let labels = rule.labels.iter().filter(|(label, _)| tells_apart(label));
            agree(labels, self.labels)
        })
    }

    /// Why its ratio is that of no one definition: two rules that record the same series take turns.
    pub(super) fn clash(&self, record: &str, context: &Context<'_>) -> Option<Doubt> {
        let rules: Vec<_> = self.rules(record.to_owned(), context).collect();
        let (first, others) = rules.split_first()?;
        let differs =
            |other: &&&WireRule| other.labels == first.labels && other.query != first.query;
        let count = 1 + others.iter().filter(differs).count();
        (count > 1).then(|| clash(count, record))
    }

    /// Its constants of a name. What is said of its own cluster holds before what is said of all.
    fn constants(&self, name: &str) -> impl Iterator<Item = &'a Series> {
        let specific = |one: &Series| one.labels.filtered(tells_apart).len();
        let all = self.series.iter().copied();
        let named: Vec<_> = all.filter(|one| one.name == name).collect();
        let most = named.iter().map(|one| specific(one)).max();
        named
            .into_iter()
            .filter(move |one| Some(specific(one)) == most)
    }

    /// The objective: the label of `sloth_slo_info` is exact, the series is a sum of binary fractions.
    pub(super) fn objective(&self, context: &Context<'_>) -> Result<Promise<f64>, &'static str> {
        let labels = self.constants("sloth_slo_info");
        let labels =
            labels.filter_map(|one| one.labels.get("sloth_objective")?.parse::<f64>().ok());
        let values = self.constants("slo:objective:ratio").map(|one| one.value);
        let recorded: Vec<f64> = labels
            .map(|percent| percent / 100.0)
            .chain(values)
            .collect();
        let alerts = context.rules.sloth_alerts.get(self.id);
        let mut alerted = alerts.map_or_else(Vec::new, |alerts| alerts.objectives(self.labels));
        // The alerts of one cluster say nothing of what another one promises.
        if self.constant_sets > 1 {
            alerted.retain(|used| recorded.iter().any(|one| is_same(*one, *used)));
        }
        settle_objective(recorded, alerted)
            .ok_or("its objective is not recorded, or is 0 % or 100 %")
    }

    /// `slo:time_period:days`, else the longest window recorded, when that is no window of a rule.
    fn period(&self) -> Option<Promise<Window>> {
        let days = self.constants("slo:time_period:days");
        let days = days.filter_map(|one| Window::from_seconds_f64(one.value * 86_400.0));
        settle_period(days).or_else(|| {
            let recorded = Recorded::of(self.series.iter().copied(), RATIO, false);
            let (&longest, _) = recorded.by_window.last_key_value()?;
            let told = longest > Window::days(3);
            told.then(|| settle_period([longest])).flatten()
        })
    }
}

fn plan(of: &Members<'_>, context: &Context<'_>) -> Result<Plan, &'static str> {
    let members = of.series;
    let (id, labels) = (of.id, of.labels);
    let objective = of.objective(context)?;
    let period = of.period().ok_or("its period is not recorded")?;
    let doubt = objective.doubt.or(period.doubt);
    let period = period.value;
    let alerts = context.rules.sloth_alerts.get(id);
    let mut rules = Rule::workbook(Period::Rolling(period));
    if let Some(alerts) = alerts {
        rules = alerts.rules.as_slice().into();
    }
    let mut slo = Slo::new(
        of.label("sloth_service").unwrap_or(id),
        "",
        context.source.clone(),
        objective.value,
        Period::Rolling(period),
        Origin::Sloth,
    );
    slo.rules = rules;
    let shortest = slo.windows().first().copied();
    let shortest = shortest.unwrap_or(Window::minutes(5));
    let record = format!("{RATIO}{shortest}");
    let shortest_rule = of
        .rule(record.clone(), context)
        .map(|rule| rule.query.as_str());
    let by = shortest_rule.map(labels_of).unwrap_or_default();
    let slo_name = of.label("sloth_slo").unwrap_or(id);
    slo.name = qualified(slo_name, labels, of.twins, &by).into();
    slo.queries = vec![(
        shortest.to_string(),
        format!("{record}{{sloth_id=\"{id}\"}}").into(),
    )];
    let recorded = Recorded::of(members.iter().copied(), RATIO, false);
    let mut given = recorded.readings(&slo.windows());
    slo.note(match recorded.given(period) {
        Some(recorded) => {
            given.insert(Span::Period, recorded);
            of_records(period)
        }
        None => format!("{period} is not recorded: it is counted from the series behind the rule"),
    });
    if alerts.is_none() && shortest_rule.is_some() {
        slo.note("the server lists no alert of it: these are the workbook's rules");
    }
    let spans = slo
        .windows()
        .into_iter()
        .map(Span::Window)
        .chain([Span::Period]);
    let asked = fill_gaps(&given, spans, |span| match span {
        Span::Window(window) => {
            let rule = of.rule(format!("{RATIO}{window}"), context)?;
            rates(&rule.query, None)
        }
        // The period's own rule averages the shortest records; where there are none, ask the counters.
        Span::Period => rates(shortest_rule?, Some(period)),
    });
    Ok(Plan {
        slo: Arc::new(slo),
        zone: TimeZone::UTC,
        labels: labels.filtered(|label| !is_ours(label)),
        given,
        asked,
        trend: recorded.trend(),
        rule: shortest_rule.map(|query| Recorder {
            query: query.to_owned(),
            success: false,
        }),
        counted: None,
        doubt: doubt.or_else(|| of.clash(&record, context)),
        recounted: false,
        absent_is_zero: false,
        silent: Vec::new(),
    })
}

/// What Sloth's alerts of one id alert by.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Alerts {
    /// Most urgent first.
    pub(super) rules: Vec<Rule>,
    /// The objectives that they compare with, with the labels of each alert.
    objectives: Vec<(Labels, f64)>,
}

impl Alerts {
    pub(super) fn add(&mut self, alert: Alert) {
        self.rules.extend(alert.rules);
        self.objectives.extend(alert.objectives);
    }

    /// Brings the rules in order, each once.
    pub(super) fn sort(&mut self) {
        most_urgent_first(&mut self.rules);
        self.rules.dedup();
    }

    /// The objectives of those alerts that may be of an SLO with these labels.
    fn objectives(&self, labels: &Labels) -> Vec<f64> {
        let own = self.objectives.iter().filter(|(of, _)| {
            let of = of.iter().filter(|(label, _)| tells_apart(label));
            agree(of, labels)
        });
        own.map(|(_, objective)| *objective).collect()
    }
}

/// One of Sloth's alerts.
pub(super) struct Alert {
    rules: Vec<Rule>,
    objectives: Vec<(Labels, f64)>,
}

/// The rules that one of Sloth's alerts alerts by, with the `sloth_id` of its SLO. Factors and windows
/// are its user's to choose, and an alert that is disabled is not there.
pub(super) fn alert(
    rule: &WireRule,
    names: &LabelNames,
    unknown: &mut UnknownSeverities,
) -> Option<(String, Alert)> {
    if rule.kind != "alerting" {
        return None;
    }
    rule.labels.get("sloth_severity")?;
    let severity = names.severity(|name| rule.labels.get(name), unknown);
    let mut of = None;
    let (mut rules, mut objectives) = (Vec::new(), Vec::new());
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
        let promised = thresholds
            .iter()
            .map(|one| (rule.labels.clone(), one.objective));
        objectives.extend(promised);
    }
    Some((of?, Alert { rules, objectives }))
}

/// The window of a record; `None` for what is no error ratio of Sloth's.
pub(super) fn window(record: &str) -> Option<Window> {
    record.strip_prefix(RATIO)?.parse().ok()
}
