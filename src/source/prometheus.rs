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

use std::sync::OnceLock;

use futures_util::future::join;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use self::api::Api;
use self::births::Births;
use self::by_hand::ByHand;
use self::course::Closely;
use self::discover::Rules;
use self::measure::Meter;
use self::observe::RECORDED_NO_RATIO;
use self::past::Past;
use self::plan::Plan;
use self::planner::Planner;
use self::plans::Plans;
use self::poll_notes::PollNotes;
use self::record::Recording;
use self::releases::BuildInfo;
use self::since::Ages;
use self::soundness::Soundness;
use self::suggest::{Recipe, Suggest, Suggester};
use self::trend::Trends;
use super::adjustments::{Adjustments, LeftOut};
use super::alert::{self, LabelNames};
use super::kit::members;
use super::severity::Severities;
use super::{Ask, Built, Examining, Explaining, Fetching, Kind, Planning, Recalling, Source};
use crate::config::{Problem, Settings, SloSettings, SourceSettings};
use crate::domain::past::PastQuestion;
use crate::domain::{Facts, Fault, FaultKind, Faults, Observation, Release, SourceName, window};
use crate::store::Offers;
use crate::text::Untrusted;

mod absence;
mod adjust;
pub mod alertmanagers;
mod alerts;
mod api;
mod births;
mod burning;
mod by_hand;
mod course;
mod diagnose;
mod discover;
mod measure;
mod observe;
mod outage;
mod past;
mod plan;
mod planner;
mod planning;
mod plans;
mod poll_notes;
mod promql;
pub mod record;
mod releases;
mod since;
mod soundness;
mod suggest;
mod suggesting;
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

/// What `urls` names.
const PAIR: &str = "the servers of one highly available pair";

/// Before anything was asked.
const NEVER: Timestamp = Timestamp::UNIX_EPOCH;

/// How old the answers of a server may be by its own clock: it evaluates the present.
const LAG: SignedDuration = SignedDuration::from_mins(5);
/// How often `build_info` is asked for.
const RELEASES_CADENCE: SignedDuration = SignedDuration::from_secs(30);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    /// The servers of one highly available pair, in place of `url`.
    urls: Option<Vec<String>>,
    /// Whether to look for the SLOs of Sloth, Pyrra and Grafana.
    discover: bool,
    build_info: Option<BuildInfo>,
    /// Whether firing alerts are incidents; by default only when no Alertmanager is configured.
    alerts: Option<bool>,
    service_labels: Vec<String>,
    severity_labels: Vec<String>,
    severities: Severities,
    /// Whether to suggest SLOs from metrics that are recognised.
    suggest: Suggest,
    /// More families of metrics that SLOs are suggested from.
    recipes: Vec<Recipe>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            urls: None,
            discover: true,
            build_info: None,
            alerts: None,
            service_labels: alert::service_labels(),
            severity_labels: alert::severity_labels(),
            severities: Severities::default(),
            suggest: Suggest::default(),
            recipes: Vec::new(),
        }
    }
}

impl Options {
    /// True where there may be SLOs, with some written by hand or without.
    fn measures(&self, by_hand: bool) -> bool {
        self.discover || by_hand || self.suggest != Suggest::Never
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
    suggester: Suggester,
    trends: Trends,
    closely: Closely,
    past: Past,
    adjustments: Adjustments,
    left_out: LeftOut,
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
    let problem = options.recipes.iter().find_map(Recipe::problem);
    if let Some((key, message)) = problem {
        return Err(settings.problem(key, message));
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
        slos: options.measures(!by_hand.is_empty()),
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
        api: Api::new(members::clients(settings, options.urls.as_deref(), PAIR)?),
        options,
        alerts,
        record_ids: by_hand.iter().map(id).collect(),
        recordings: OnceLock::new(),
        planned: by_hand.iter().map(|slo| ByHand::new(slo, NEVER)).collect(),
        by_hand,
        plans: Plans::default(),
        planner: Planner::of(planner::IN_FLIGHT - since::IN_FLIGHT),
        rules: None,
        meter: Meter::default(),
        births: Births::default(),
        soundness: Soundness::default(),
        suggester: Suggester::default(),
        trends: Trends::default(),
        closely: Closely::default(),
        past: Past::default(),
        adjustments: Adjustments::of(all),
        left_out: LeftOut::default(),
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

/// True where a server could not be asked, whatever the question.
fn is_out_of_reach(fault: &Fault) -> bool {
    matches!(
        fault.kind,
        FaultKind::Timeout | FaultKind::Connect | FaultKind::Tls | FaultKind::Server
    )
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
        Box::pin(async move {
            match self.poll(ask).await {
                // The server that was chosen ended meanwhile: the other one is asked.
                Err(fault) if self.api.is_pair() && is_out_of_reach(&fault) => self.poll(ask).await,
                done => done,
            }
        })
    }

    fn explain<'a>(&'a mut self, ask: &'a Ask, ids: &'a [Untrusted]) -> Explaining<'a> {
        Box::pin(async move {
            self.api.choose(ask.at).await?;
            self.explanation(ask, ids).await
        })
    }

    fn requests<'a>(&'a mut self, ask: &'a Ask) -> Planning<'a> {
        Box::pin(async {
            self.api.choose(ask.at).await?;
            self.outline(ask).await.map(Some)
        })
    }

    fn examine<'a>(&'a mut self, ask: &'a Ask) -> Examining<'a> {
        Box::pin(self.examination(ask))
    }

    fn past_events<'a>(&'a mut self, ask: &'a Ask, question: &'a PastQuestion) -> Recalling<'a> {
        Box::pin(self.adjusted_past(ask, question))
    }

    fn skew(&self) -> Option<SignedDuration> {
        self.api.http().skew()
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
        let mut notes = PollNotes::default();
        notes.warn(self.api.choose(ask.at).await?);
        let mut facts = Facts::default();
        if self.options.measures(!self.by_hand.is_empty()) {
            let (slos, more) = self.slos(ask, &mut notes).await?;
            facts.slos = Some(slos);
            let rules = self.rules.iter();
            notes.warn(rules.flat_map(|(_, rules)| rules.unknown_severities()));
            facts.more = more;
            facts.suggestions = self.suggester.found();
        }
        if self.options.build_info.is_some() {
            let asked = self.releases(ask).await;
            notes.note("releases", asked);
            facts.releases = self.releases.as_ref().map(|(_, releases)| releases.clone());
        }
        if self.alerts {
            let (incidents, warnings) = alerts::incidents(&self.api, ask, &self.names).await?;
            facts.incidents = Some(incidents);
            notes.warn(warnings);
        }
        facts.reach = ask.since;
        // An old answer is no news, however newly it came.
        if let Some(lag) = self.api.lag(ask.now).filter(|lag| *lag > LAG) {
            let ago = window::brief(lag);
            notes.faults.push(Fault::new(
                FaultKind::Decode,
                format!(
                    "its answers are of {ago} ago: a cache before it may have kept them; ask the server itself"
                ),
            ));
        }
        facts.fault = notes.fault();
        facts.warnings = notes.warnings.into_iter().collect();
        Ok(facts)
    }

    async fn slos(
        &mut self,
        ask: &Ask,
        notes: &mut PollNotes,
    ) -> Result<(Vec<Observation>, bool), Fault> {
        let at = ask.moment();
        let partial = self.plan(ask, notes).await?;
        if let Some(outage) = self.outage(ask).await? {
            let words = outage.1.text.raw();
            notes.faults.push(Fault::new(FaultKind::NoHistory, words));
            let plans = self.plans.all.iter();
            let unknown = plans.map(|plan| Self::unknown_then(plan, &outage));
            return Ok((unknown.collect(), false));
        }
        self.recount();
        self.check_series(ask, notes).await;
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
        notes.warn(round.warnings);
        // Numbers are no worse for it.
        notes.warn(dated.err().map(|fault| {
            let reason = fault.message.raw();
            Untrusted::from(format!("how old the data is cannot be told: {reason}"))
        }));
        notes.faults.extend(round.faults);
        self.look_closer(ask, round.more, notes).await;
        let plans = &self.plans.all;
        if ask.history && !round.more {
            let asked = self
                .trends
                .refresh(&self.api, &mut self.planner, &self.plans, ask)
                .await;
            notes.note("the recent course", asked);
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
        notes.warn(
            doubted.map(|(id, doubt)| Untrusted::from(format!("{}: {}", id.raw(), doubt.words))),
        );
        let broken = planned.clone().filter(|(plan, _)| plan.given.is_broken());
        notes.warn(broken.take(Faults::MAX_LISTED).map(|(_, id)| {
            let words = format!("{}: {RECORDED_NO_RATIO}", id.raw());
            Untrusted::from(words)
        }));
        let mut slos: Vec<_> = planned.enumerate().map(observe).collect();
        // What burns is shown first, and how with the next answer.
        if round.more {
            return Ok((slos, true));
        }
        self.look_closely(&mut slos, ask, notes).await;
        self.adjust(&mut slos, ask, notes).await;
        Ok((slos, false))
    }

    async fn releases(&mut self, ask: &Ask) -> Result<(), Fault> {
        let at = ask.moment();
        let is_due =
            |(asked, _): &(Timestamp, Vec<Release>)| window::age(*asked, at) >= RELEASES_CADENCE;
        if let Some(info) = &self.options.build_info
            && (ask.since.is_some() || self.releases.as_ref().is_none_or(is_due))
        {
            let found = info.releases(&self.api, (at, ask.since)).await?;
            self.releases = Some((at, found));
        }
        Ok(())
    }
}
