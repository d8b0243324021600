//! Prometheus, Thanos, Mimir and VictoriaMetrics: SLOs, releases by version label, alerts.
//!
//! One poll, start to end:
//!
//! ```text
//! by hand   each [[slo]] of the configuration, or one of each of its groups           ─► plans
//! discover  one selector answers every series that Sloth, Grafana and Pyrra recorded  ─► plans
//! soundness each event counted once, on every target, often enough; every ten minutes   ─► plans
//! measure   what no series gives is asked, each window at its own cadence            ─► samples
//! absence   what answers without series mean: 0, an assumed 0, or something missing  ─► reasons
//! births    what series had counted that began within a window                      ─► lower bounds
//! trend     the last hours of the shortest window, every three minutes               ─► trends
//! since     how old the data behind each is, once an hour, meanwhile                 ─► ages
//! observe   plan + samples + trend + age                                             ─► observations
//! course    the past of what burns, by the minute                                    ─► their courses
//! ```
//!
//! All that is asked goes through the `planner`, which makes few queries of many.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use futures_util::future::join;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use self::absence::Meaning;
use self::api::Api;
use self::births::Births;
use self::by_hand::ByHand;
use self::course::Closely;
use self::discover::Rules;
use self::measure::{Meter, Round};
use self::plan::{Plan, Span};
use self::planner::Planner;
use self::plans::Plans;
use self::record::Recording;
use self::releases::BuildInfo;
use self::since::Ages;
use self::soundness::Soundness;
use self::trend::Trends;
use super::alert::{self, LabelNames};
use super::severity::Severities;
use super::{Ask, Built, Examining, Explaining, Fetching, Kind, Planning, Source};
use crate::config::{Problem, Settings, SloSettings, SourceSettings};
use crate::domain::slo::History;
use crate::domain::{
    Facts, Fault, FaultKind, Faults, Observation, Reading, Reason, ReasonCode, Release, Sample,
    SourceName, window,
};
use crate::http::Http;
use crate::store::Offers;
use crate::text::Untrusted;

mod absence;
mod alerts;
mod api;
mod births;
mod burning;
mod by_hand;
mod course;
mod diagnose;
mod discover;
mod measure;
mod outage;
mod plan;
mod planner;
mod plans;
mod promql;
pub mod record;
mod releases;
mod since;
mod soundness;
#[cfg(test)]
mod tests;
mod trend;

/// `kind = "prometheus"`.
pub const KIND: Kind = Kind {
    name: "prometheus",
    interval: SignedDuration::from_secs(15),
    measures: true,
    build,
};

/// Queries in flight: Prometheus evaluates 20 at once by default and queues the rest.
const IN_FLIGHT: usize = 16;

/// Why what a rule recorded is not used.
const RECORDED_NO_RATIO: &str = "what is recorded of it is no error ratio";

/// Before anything was asked.
const NEVER: Timestamp = Timestamp::UNIX_EPOCH;

/// How old the answers of a server may be by its own clock: it evaluates the present.
const LAG: SignedDuration = SignedDuration::from_mins(5);
/// How often `build_info` is asked for.
const RELEASES_CADENCE: SignedDuration = SignedDuration::from_secs(30);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    /// Whether to look for the SLOs of Sloth, Pyrra and Grafana.
    discover: bool,
    build_info: Option<BuildInfo>,
    /// Whether firing alerts are incidents; by default only when no Alertmanager is configured.
    alerts: Option<bool>,
    service_labels: Vec<String>,
    severity_labels: Vec<String>,
    severities: Severities,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            discover: true,
            build_info: None,
            alerts: None,
            service_labels: alert::service_labels(),
            severity_labels: alert::severity_labels(),
            severities: Severities::default(),
        }
    }
}

struct Prometheus {
    name: SourceName,
    /// How often it is asked.
    interval: SignedDuration,
    api: Api,
    options: Options,
    names: LabelNames,
    alerts: bool,
    by_hand: Vec<SloSettings>,
    /// Their plans.
    planned: Vec<ByHand>,
    /// The plans of the last poll.
    plans: Plans,
    planner: Planner,
    /// What the rules of each of these record, where they can be rules.
    recordings: OnceLock<Vec<Option<Recording>>>,
    /// The ids that they record with.
    record_ids: Vec<Option<String>>,
    rules: Option<(Timestamp, Rules)>,
    meter: Meter,
    births: Births,
    soundness: Soundness,
    trends: Trends,
    closely: Closely,
    ages: Ages,
    releases: Option<(Timestamp, Vec<Release>)>,
}

fn build(settings: &SourceSettings, all: &Settings) -> Result<Built, Problem> {
    let options: Options = settings.options()?;
    if let Some(info) = &options.build_info {
        for (key, name) in [
            ("series", &info.series),
            ("service", &info.service),
            ("version", &info.version),
        ] {
            if !is_name(name, key == "series") {
                let reason = format!("`{key} = \"{name}\"` is not a name Prometheus allows");
                return Err(settings.problem("build_info", reason));
            }
        }
    }
    let by_hand: Vec<_> = all.slos_of(&settings.name).cloned().collect();
    let ids = record::ids(&all.slos);
    let id = |slo: &SloSettings| ids.get(&(slo.service.as_str(), slo.name.as_str())).cloned();
    let has_alertmanager = all
        .sources
        .iter()
        .any(|source| source.kind == "alertmanager");
    let alerts = options.alerts.unwrap_or(!has_alertmanager);
    let offers = Offers {
        slos: options.discover || !by_hand.is_empty(),
        releases: options.build_info.is_some(),
        incidents: alerts,
        rules: true,
        ..Offers::default()
    };
    let source = Prometheus {
        name: settings.name.clone(),
        names: LabelNames {
            service: options.service_labels.clone(),
            severity: options.severity_labels.clone(),
            severities: options.severities.clone(),
        },
        interval: settings.interval,
        api: Api::new(Http::new(settings, None)?),
        options,
        alerts,
        record_ids: by_hand.iter().map(id).collect(),
        recordings: OnceLock::new(),
        planned: by_hand.iter().map(|slo| ByHand::new(slo, NEVER)).collect(),
        by_hand,
        plans: Plans::default(),
        planner: Planner::of(IN_FLIGHT - since::IN_FLIGHT),
        rules: None,
        meter: Meter::default(),
        births: Births::default(),
        soundness: Soundness::default(),
        trends: Trends::default(),
        closely: Closely::default(),
        ages: Ages::default(),
        releases: None,
    };
    let expected = source.expected();
    Ok(Built {
        source: Box::new(source),
        offers,
        expected,
    })
}

/// A label name, or with `colons` a metric name.
fn is_name(text: &str, colons: bool) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || (colons && c == ':'))
}

impl Source for Prometheus {
    fn fetch<'a>(&'a mut self, ask: &'a Ask) -> Fetching<'a> {
        Box::pin(self.poll(ask))
    }

    fn explain<'a>(&'a mut self, ask: &'a Ask, ids: &'a [Untrusted]) -> Explaining<'a> {
        Box::pin(self.explanation(ask, ids))
    }

    fn requests<'a>(&'a mut self, ask: &'a Ask) -> Planning<'a> {
        Box::pin(async { self.outline(ask).await.map(Some) })
    }

    fn examine<'a>(&'a mut self, ask: &'a Ask) -> Examining<'a> {
        Box::pin(self.examination(ask))
    }

    fn skew(&self) -> Option<SignedDuration> {
        self.api.http.skew()
    }
}

/// What goes beside the facts of one poll.
#[derive(Default)]
struct Margin {
    warnings: BTreeSet<Untrusted>,
    faults: Faults,
}

impl Margin {
    fn warn(&mut self, warnings: impl IntoIterator<Item = Untrusted>) {
        self.warnings.extend(warnings);
    }

    /// All faults as one; the others are warnings.
    fn fault(&mut self) -> Option<Fault> {
        let (fault, others) = std::mem::take(&mut self.faults).finish();
        self.warn(others);
        fault
    }

    /// The part's answer; its fault is noted, and the rest goes on.
    fn note<T>(&mut self, part: &str, answer: Result<T, Fault>) -> Option<T> {
        match answer {
            Ok(answer) => Some(answer),
            Err(fault) => {
                self.faults.push(fault.of_part(part));
                None
            }
        }
    }
}

impl Prometheus {
    /// The SLOs written by hand, all unknown: what is known before anything was asked.
    fn expected(&self) -> Vec<Observation> {
        let plans = self.planned.iter().flat_map(ByHand::plans);
        plans
            .map(|plan| self.observe((plan, &plan.slo.id()), NEVER, false))
            .collect()
    }

    async fn poll(&mut self, ask: &Ask) -> Result<Facts, Fault> {
        let at = ask.moment();
        let mut margin = Margin::default();
        let mut facts = Facts::default();
        if self.options.discover || !self.by_hand.is_empty() {
            let (slos, more) = self.slos(ask, &mut margin).await?;
            facts.slos = Some(slos);
            let rules = self.rules.iter();
            margin.warn(rules.flat_map(|(_, rules)| rules.unknown_severities()));
            facts.more = more;
        }
        if self.options.build_info.is_some() {
            let asked = self.releases(at).await;
            margin.note("releases", asked);
            facts.releases = self.releases.as_ref().map(|(_, releases)| releases.clone());
        }
        if self.alerts {
            let (incidents, warnings) = alerts::incidents(&self.api, ask, &self.names).await?;
            facts.incidents = Some(incidents);
            margin.warn(warnings);
        }
        // An old answer is no news, however newly it came.
        if let Some(lag) = self.api.lag(ask.now).filter(|lag| *lag > LAG) {
            let ago = window::brief(lag);
            margin.faults.push(Fault::new(
                FaultKind::Decode,
                format!(
                    "its answers are of {ago} ago: a cache before it may have kept them; ask the server itself"
                ),
            ));
        }
        facts.fault = margin.fault();
        facts.warnings = margin.warnings.into_iter().collect();
        Ok(facts)
    }

    async fn slos(
        &mut self,
        ask: &Ask,
        margin: &mut Margin,
    ) -> Result<(Vec<Observation>, bool), Fault> {
        let at = ask.moment();
        let partial = self.plan(ask, margin).await?;
        if let Some(outage) = self.outage(ask).await? {
            let words = outage.1.text.raw();
            margin.faults.push(Fault::new(FaultKind::NoHistory, words));
            let plans = self.plans.all.iter();
            let unknown = plans.map(|plan| Self::unknown_then(plan, &outage));
            return Ok((unknown.collect(), false));
        }
        self.recount();
        self.check_series(ask, margin).await;
        let plans = &self.plans.all;
        // How old the data is takes several questions, one after the other, while the server reads
        // the long windows.
        let in_haste = self.meter.is_hasty(plans, ask);
        let due = if in_haste {
            Vec::new()
        } else {
            self.ages.due(&self.plans, &self.meter, at)
        };
        let measuring =
            self.meter
                .measure(&self.api, &mut self.planner, (plans, &self.plans.ids), ask);
        let dating = self.ages.find(&self.api, &self.plans, &due, ask);
        let (round, dated) = join(measuring, dating).await;
        let mut round = round?;
        let outlived = self.recount();
        round.join(self.measure_periods(&outlived, ask).await?);
        margin.warn(round.warnings);
        // Numbers are no worse for it.
        margin.warn(dated.err().map(|fault| {
            let reason = fault.message.raw();
            Untrusted::from(format!("how old the data is cannot be told: {reason}"))
        }));
        margin.faults.extend(round.faults);
        self.look_closer(ask, round.more, margin).await;
        let plans = &self.plans.all;
        if ask.history && !round.more {
            let asked = self
                .trends
                .refresh(&self.api, &mut self.planner, &self.plans, ask)
                .await;
            margin.note("the recent course", asked);
        }
        // Of an SLO written by hand, our rules may have recorded something.
        let is_recorded = |index: usize, plan: &Plan| {
            self.plans.discovered().contains(&index) || !plan.given.is_empty()
        };
        let observe = |(index, (plan, id)): (usize, (&Plan, &Untrusted))| {
            let incomplete =
                round.partial.contains(&index) || (partial && is_recorded(index, plan));
            self.observe((plan, id), at, incomplete)
        };
        let planned = plans.iter().zip(&self.plans.ids);
        let doubted = planned
            .clone()
            .filter_map(|(plan, id)| Some((id, plan.doubt.as_ref()?)));
        let doubted = doubted.take(Faults::MAX_LISTED);
        margin.warn(
            doubted.map(|(id, doubt)| Untrusted::from(format!("{}: {}", id.raw(), doubt.words))),
        );
        let broken = planned.clone().filter(|(plan, _)| plan.given.is_broken());
        margin.warn(broken.take(Faults::MAX_LISTED).map(|(_, id)| {
            let words = format!("{}: {RECORDED_NO_RATIO}", id.raw());
            Untrusted::from(words)
        }));
        let mut slos: Vec<_> = planned.enumerate().map(observe).collect();
        // What burns is shown first, and how with the next answer.
        if round.more {
            return Ok((slos, true));
        }
        self.look_closely(&mut slos, ask, margin).await;
        Ok((slos, false))
    }

    /// Has periods counted by the rules behind them where their records are younger than what these
    /// rules read; gives those that were not counted so before, by index.
    fn recount(&mut self) -> Vec<usize> {
        let Plans { all, ids, .. } = &mut self.plans;
        let mut begun = Vec::new();
        for (index, (plan, id)) in all.iter_mut().zip(ids.iter()).enumerate() {
            let was_counted = plan.recounted;
            plan.recount(self.ages.outlive(id));
            if plan.recounted && !was_counted {
                begun.push(index);
            }
        }
        begun
    }

    /// Asks for the periods of these plans alone.
    async fn measure_periods(&mut self, which: &[usize], ask: &Ask) -> Result<Round, Fault> {
        if which.is_empty() {
            return Ok(Round::default());
        }
        let period_of = |&index: &usize| {
            let mut plan = self.plans.all[index].clone();
            plan.asked.retain(|span, _| *span == Span::Period);
            (plan, self.plans.ids[index].clone())
        };
        let (plans, ids): (Vec<_>, Vec<_>) = which.iter().map(period_of).unzip();
        let mut apart = Meter::default();
        let asked = apart.measure(&self.api, &mut self.planner, (&plans, &ids), ask);
        let mut round = asked.await?;
        self.meter.take(apart);
        round.partial = round
            .partial
            .into_iter()
            .map(|index| which[index])
            .collect();
        Ok(round)
    }

    fn observe(
        &self,
        (plan, id): (&Plan, &Untrusted),
        at: Timestamp,
        partial: bool,
    ) -> Observation {
        let slo = &plan.slo;
        let mut lower_bounds = Vec::new();
        let mut sample = |span| {
            let sample = self.sample(plan, id, span, at);
            let Some((raised, bound)) = self.births.raise(id, span, sample) else {
                return sample;
            };
            lower_bounds.push(bound);
            raised
        };
        let windows = slo.windows().into_iter();
        let windows = windows
            .map(|window| (window, sample(Span::Window(window))))
            .collect();
        let elapsed = slo.period.elapsed(at, &plan.zone).duration();
        let period = sample(Span::Period);
        // Numbers without a sample that is old enough to be found.
        let is_new = period.reading.ratio().is_some() && self.ages.is_new(id);
        let since = self.ages.since(id, at, elapsed);
        let mut seen = Observation {
            windows,
            period: Some(period),
            period_length: slo.period.length(at, &plan.zone),
            period_elapsed: elapsed,
            since: since.or(is_new.then_some(at)),
            history: self.trends.course(id),
            courses: Arc::default(),
            partial,
            reasons: Arc::default(),
            lower_bounds: lower_bounds.into(),
            at,
            slo: Arc::clone(slo),
        };
        seen.reasons = self.reasons(plan, id, &seen);
        // A chart of what cannot be counted would be a line at 0.
        if seen.reasons.iter().any(|reason| reason.code.is_missing()) {
            seen.history = History::default();
        }
        seen
    }

    /// Looks for what the numbers do not show: series that began in a window, and windows that can hold
    /// no increase. What cannot be found out leaves the numbers as they are.
    async fn look_closer(&mut self, ask: &Ask, in_haste: bool, margin: &mut Margin) {
        let alone = (self.plans.all.as_slice(), self.plans.ids.as_slice());
        let subject = births::Subject {
            api: &self.api,
            plans: alone.0,
            ids: alone.1,
            edition: Some(self.plans.edition),
            meter: &self.meter,
            ages: &self.ages,
            ask,
            in_haste,
        };
        let looked = self.births.refresh(&subject).await;
        margin.warn(looked.err().map(|fault| {
            let reason = fault.message.raw();
            Untrusted::from(format!(
                "series that began in a window were not looked for: {reason}"
            ))
        }));
        if in_haste {
            return;
        }
        let counted = self
            .soundness
            .look_for_sparse(&self.api, alone, &self.meter, ask, false)
            .await;
        margin.warn(counted.err().map(|fault| {
            let reason = fault.message.raw();
            Untrusted::from(format!("samples were not counted: {reason}"))
        }));
    }

    /// Looks at the series behind SLOs of the configuration, and has their plans count accordingly.
    async fn check_series(&mut self, ask: &Ask, margin: &mut Margin) {
        // A screen's first round is for what burns.
        if self.meter.is_hasty(&self.plans.all, ask) {
            return;
        }
        let originals: Vec<_> = self.planned.iter().flat_map(ByHand::plans).collect();
        let Plans {
            all, ids, edition, ..
        } = &mut self.plans;
        let looked = self
            .soundness
            .refresh(&self.api, (all, ids, *edition), &originals, ask);
        margin.warn(looked.await.err().map(|fault| {
            let reason = fault.message.raw();
            Untrusted::from(format!(
                "replicas and uneven targets were not looked for: {reason}"
            ))
        }));
    }

    /// What is recorded of a span, or was measured.
    fn sample(&self, plan: &Plan, id: &Untrusted, span: Span, at: Timestamp) -> Sample {
        let no = |reading| Sample {
            reading,
            events: None,
            at,
        };
        // How far a record of records reaches back is looked for before it is taken for the period.
        let is_undated = plan.has_period_of_records() && !self.ages.has_searched(id);
        if plan.doubt.is_some() || (span == Span::Period && is_undated) {
            return no(Reading::Unknown);
        }
        if matches!(self.meter.silent(plan, id), Meaning::Missing(_)) {
            return no(Reading::Unknown);
        }
        if let Some(given) = plan.given(span) {
            return Sample {
                reading: given.reading(),
                events: given.events(),
                at: at.saturating_sub(given.age()).unwrap_or(at),
            };
        }
        if !plan.asked.contains_key(&span) {
            return no(Reading::NoSeries);
        }
        let known = self.meter.of(id).and_then(|known| known.get(&span));
        known.map_or(no(Reading::Unknown), |kept| kept.sample)
    }

    fn reasons(&self, plan: &Plan, id: &Untrusted, seen: &Observation) -> Arc<[Reason]> {
        let mut reasons = self.meter.reasons(plan, id);
        let silent = self.meter.silent(plan, id);
        let silent = silent.reason().filter(|reason| !reasons.contains(reason));
        reasons.extend(silent.cloned());
        reasons.extend(self.soundness.reasons(id).cloned());
        reasons.extend(seen.why_lower_bounds());
        if let Some(doubt) = &plan.doubt {
            let subject = doubt.several.as_str();
            reasons.insert(
                0,
                Reason::new(ReasonCode::Conflict, subject, doubt.words.as_str()),
            );
        }
        if plan.given.is_broken() {
            reasons.push(Reason::new(ReasonCode::NotARatio, "", RECORDED_NO_RATIO));
        }
        reasons.into()
    }

    async fn releases(&mut self, at: Timestamp) -> Result<(), Fault> {
        let is_due =
            |(asked, _): &(Timestamp, Vec<Release>)| window::age(*asked, at) >= RELEASES_CADENCE;
        if let Some(info) = &self.options.build_info
            && self.releases.as_ref().is_none_or(is_due)
        {
            self.releases = Some((at, info.releases(&self.api, at).await?));
        }
        Ok(())
    }
}
