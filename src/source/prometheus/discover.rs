//! SLOs that other tools have left in a Prometheus: Sloth's, Pyrra's and Grafana's series.
//!
//! The series hold the numbers; the rules behind them, where the server lists them, tell what a
//! missing series means. A ratio `bad / total` is not recorded at all while no bad series exists,
//! so "missing" may be a service that never failed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::api::{Api, Labels, RuleGroups, Series, WireRule};
use super::plan::{Formula, Given, Givens, Plan, Ratio, Span, Trend};
use super::promql;
use super::record::is_ours;
use crate::domain::slo::rounded;
use crate::domain::{Fault, Rule, SourceName, Window};
use crate::source::alert::LabelNames;
use crate::source::severity::UnknownSeverities;
use crate::text::Untrusted;

mod burn_alerts;
mod crowd;
mod grafana;
mod grouped;
mod groups;
mod own;
mod promise;
mod pyrra;
mod sloth;
#[cfg(test)]
mod tests;

/// Questions for groups in one query.
const BATCH: usize = 24;

pub(super) use self::burn_alerts::{AlertSlo, BurnAlerts, Lack};
pub(super) use self::crowd::{IDS, Share};
pub(super) use self::grouped::of_group;
pub(super) use self::groups::is_record;
pub(super) use self::own::Records;
pub(super) use self::sloth::WINDOW;

/// The names of what our own rules, Sloth, Grafana SLO and Pyrra's generic rules record, and of what
/// Pyrra records for each SLO under the name of its metric: in two halves, of one size where the
/// windows are Sloth's (30m, 1h, 1d, 3d and 30d in the first).
const NAMES: [&str; 2] = [
    "slo:sli_error:ratio_rate[13].+",
    "slo:sli_error:ratio_rate[^13].+|slo:sli_(bad|total):increase.+|slo:objective:ratio|slo:time_period:days|sloth_slo_info|grafana_slo_(info|objective|objective_window_seconds|sli_.+)|pyrra_(objective|window|availability)|.+:burnrate[0-9].*",
];

/// True for a series whose value is a ratio, and no more than that: what it says about its SLO
/// besides its existence.
pub(super) fn is_ratio(name: &str) -> bool {
    [
        "slo:sli_error:ratio_rate",
        "grafana_slo_sli_",
        "pyrra_availability",
    ]
    .iter()
    .any(|ratio| name.starts_with(ratio))
        || name.contains(":burnrate")
}

/// The rules behind discovered SLOs.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Rules {
    /// Sloth's recording rules by record and `sloth_id`; several where clusters share an id.
    sloth: HashMap<(String, String), Vec<WireRule>>,
    /// What Sloth's alerts alert by, by `sloth_id`.
    sloth_alerts: HashMap<String, sloth::Alerts>,
    /// What Sloth's rules say by themselves: objectives, periods and other constants.
    sloth_constants: Vec<Series>,
    /// Pyrra's rules by the label `slo`, sorted by name for a stable order.
    pyrra: BTreeMap<String, Vec<WireRule>>,
    /// Grafana's rules by the label `grafana_slo_uuid`.
    grafana: BTreeMap<String, Vec<WireRule>>,
    /// What hand-written alerts say.
    pub(super) alerts: BurnAlerts,
    /// Each group of grouped SLOs that has traffic.
    groups: Vec<grouped::Group>,
    /// Severity words on alerts of SLOs that nobody has mapped, as warnings.
    unknown_severities: Vec<Untrusted>,
}

impl Rules {
    /// Keeps what belongs to an SLO.
    pub(super) fn index(groups: RuleGroups, names: &LabelNames, source: &SourceName) -> Self {
        let mut unknown = UnknownSeverities::default();
        let mut rules = Self {
            alerts: burn_alerts::read(&groups, names, source, &mut unknown),
            ..Self::default()
        };
        for mut rule in groups.groups.into_iter().flat_map(|group| group.rules) {
            if let Some((id, alert)) = sloth::alert(&rule, names, &mut unknown) {
                rules.sloth_alerts.entry(id).or_default().add(alert);
            } else if let Some(id) = rule.labels.get("sloth_id") {
                if rule.kind != "recording" {
                    continue;
                }
                if let Some(value) = promql::constant(&rule.query) {
                    let labels = rule.labels.clone();
                    let constant = Series::new(rule.name.as_str(), labels, value);
                    rules.sloth_constants.push(constant);
                }
                let key = (rule.name.clone(), id.to_owned());
                rules.sloth.entry(key).or_default().push(rule);
            } else if let Some(uuid) = rule.labels.get(grafana::UUID) {
                let uuid = uuid.to_owned();
                rules.grafana.entry(uuid).or_default().push(rule);
            } else if let Some(slo) = rule.labels.get("slo") {
                let slo = slo.to_owned();
                pyrra::read_severity(&mut rule, names, &mut unknown);
                rules.pyrra.entry(slo).or_default().push(rule);
            }
        }
        rules.unknown_severities = unknown.warnings();
        for alerts in rules.sloth_alerts.values_mut() {
            alerts.sort();
        }
        rules
    }

    /// The severity words on alerts of SLOs that nobody has mapped, as warnings.
    pub(super) fn unknown_severities(&self) -> impl Iterator<Item = Untrusted> {
        self.unknown_severities.iter().cloned()
    }

    /// Asks for the groups of grouped SLOs, which no recorded series has to name.
    pub(super) async fn find_groups(
        &mut self,
        api: &Api,
        at: Option<Timestamp>,
    ) -> Result<(), Fault> {
        let questions = groups::questions(self);
        for batch in promql::batches(questions, BATCH, |(_, query)| query.len()) {
            let query = promql::joined(batch.iter().map(|(_, query)| query.as_str()));
            for mut series in api.query(&query, at).await?.data {
                let tag = series.labels.remove(promql::TAG);
                let tag = tag.and_then(|tag| tag.parse::<usize>().ok());
                if let Some((recorder, _)) = tag.and_then(|tag| batch.get(tag)) {
                    series.labels = series.labels.with(recorder.iter());
                    self.groups.push(grouped::Group {
                        recorder: recorder.clone(),
                        labels: series.labels.clone(),
                    });
                }
            }
        }
        Ok(())
    }
}

/// What an SLO needs to know of its surroundings to be discovered.
pub(super) struct Context<'a> {
    pub(super) source: &'a SourceName,
    pub(super) rules: &'a Rules,
    /// Labels that may name the service, best first.
    pub(super) service_labels: &'a [String],
    /// Which part of all SLOs the series at hand can speak of.
    pub(super) share: &'a Share,
    /// What our own rules recorded.
    pub(super) records: &'a Records<'a>,
    /// SLOs of the configuration, by service and name: our rules of these add no SLO.
    pub(super) by_hand: &'a HashSet<(String, String)>,
    /// The moment that is spoken of.
    pub(super) at: Timestamp,
}

/// SLOs found, and why others, that are recorded too, are left out.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) plans: Vec<Plan>,
    pub(super) left_out: Vec<String>,
}

/// Finds every SLO in what the selector answered.
pub(super) fn discover(series: &[Series], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    sloth::discover(series, context, &mut found);
    if context.share.has_others() {
        pyrra::discover(series, context, &mut found);
        grafana::discover(series, context, &mut found);
    }
    found.plans.iter_mut().for_each(note_doubt);
    found.plans.iter_mut().for_each(note_silence);
    share(&mut found.plans);
    found
}

/// Says of an SLO why nothing can be judged by what is recorded of it.
fn note_doubt(plan: &mut Plan) {
    if let Some(doubt) = &plan.doubt {
        Arc::make_mut(&mut plan.slo).note(doubt.words.clone());
        plan.trend = Trend::None;
    }
}

/// Says of an SLO without a ratio now that nothing tells why: its rules may live where this server
/// cannot list them, as those of vmalert and of Mimir's ruler do.
fn note_silence(plan: &mut Plan) {
    let newest = plan.slo.windows().first().copied().map(Span::Window);
    if newest.is_some_and(|span| !plan.given.has(span) && !plan.asked.contains_key(&span)) {
        Arc::make_mut(&mut plan.slo).note(
            "no ratio is recorded now and the server lists no rule that tells why: \
             it may never have failed, or have no traffic",
        );
    }
}

/// Keeps what SLOs behind one another have in common once: mostly all of one tool have the same
/// rules, and the same to be said of them.
fn share(plans: &mut [Plan]) {
    for index in 1..plans.len() {
        let (before, rest) = plans.split_at_mut(index);
        if let (Some(before), Some(plan)) = (before.last(), rest.first_mut()) {
            plan.share(before);
        }
    }
}

/// Series that one SLO has recorded, by the window that their names end with.
struct Recorded<'a> {
    by_window: BTreeMap<Window, &'a Series>,
    /// True when they hold good over all, as Grafana's do.
    success: bool,
}

impl<'a> Recorded<'a> {
    /// Those whose names hold `mark`, with the window behind it.
    fn of(series: impl IntoIterator<Item = &'a Series>, mark: &str, success: bool) -> Self {
        let windows = series.into_iter().filter_map(|series| {
            let name = series.name.as_str();
            let behind = || name.split_once(mark).map(|(_, window)| window);
            let window = name.strip_prefix(mark).or_else(behind)?;
            Some((window.parse().ok()?, series))
        });
        Self {
            by_window: windows.collect(),
            success,
        }
    }

    fn given(&self, window: Window) -> Option<Given> {
        let series = self.by_window.get(&window)?;
        Some(Given::recorded(series, self.success))
    }

    /// What is recorded of these windows.
    fn readings(&self, windows: &[Window]) -> Givens {
        windows
            .iter()
            .filter_map(|&window| Some((Span::Window(window), self.given(window)?)))
            .collect()
    }

    /// The course of the shortest one.
    fn trend(&self) -> Trend {
        self.by_window
            .first_key_value()
            .map_or(Trend::None, |(_, series)| Trend::Recorded {
                name: series.name.as_str().into(),
                labels: series.labels.clone(),
                success: self.success,
            })
    }
}

/// An objective as a server recorded it; `None` for what cannot be promised.
fn objective(recorded: f64) -> Option<f64> {
    Some(rounded(recorded)).filter(|objective| *objective > 0.0 && *objective < 1.0)
}

fn most_urgent_first(rules: &mut [Rule]) {
    rules.sort_by(|one, other| {
        let by_severity = other.severity.cmp(&one.severity);
        by_severity.then(other.factor.total_cmp(&one.factor))
    });
}

/// The queries that tell what a missing `bad / total` means.
fn rates(query: &str, window: Option<Window>) -> Option<Formula> {
    Some(Formula::Events(Ratio::recorded(query, window, false)?))
}

/// The spans that have no reading yet but have a rule to ask.
fn fill_gaps(
    given: &Givens,
    spans: impl Iterator<Item = Span>,
    ask: impl Fn(Span) -> Option<Formula>,
) -> BTreeMap<Span, Formula> {
    spans
        .filter(|span| !given.has(*span))
        .filter_map(|span| Some((span, ask(span)?)))
        .collect()
}

/// True when no label has one value here and another there.
fn agree<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>, others: &Labels) -> bool {
    labels
        .into_iter()
        .all(|(name, value)| others.get(name).is_none_or(|other| other == value))
}

/// True when every one of these labels is there with the same value.
fn within(labels: &Labels, others: &Labels) -> bool {
    labels
        .iter()
        .all(|(name, value)| others.get(name) == Some(value))
}

/// Labels that differ between the members of a group, told as `name{label=value}`. Those that are
/// grouped `by` are told also of a group that is alone.
fn qualified(name: &str, labels: &Labels, all: &[&Labels], by: &BTreeSet<String>) -> String {
    let differs = |key: &str, value: &str| all.iter().any(|other| other.get(key) != Some(value));
    let told: Vec<_> = labels
        .iter()
        // What the rules set makes the id, and is no label of a user's.
        .filter(|(key, value)| !is_ours(key) && (by.contains(*key) || differs(key, value)))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    if told.is_empty() {
        return name.to_owned();
    }
    format!("{name}{{{}}}", told.join(","))
}
