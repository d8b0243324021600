//! Prometheus, Thanos, Mimir and VictoriaMetrics: SLOs, releases by version label, alerts.
//!
//! One poll, start to end:
//!
//! ```text
//! by hand   each [[slo]] of the configuration, or one of each of its groups           ─► plans
//! discover  one selector answers every series that Sloth, Grafana and Pyrra recorded  ─► plans
//! measure   what no series gives is asked, each window at its own cadence            ─► samples
//! trend     the last hours of the shortest window, once a minute                     ─► courses
//! since     how old the data behind each is, once an hour                            ─► ages
//! observe   plan + samples + course + age                                            ─► observations
//! ```
//!
//! All that is asked goes through the `planner`, which makes few queries of many.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use self::api::{Answered, Api};
use self::by_hand::ByHand;
use self::discover::{Context, Found, Records, Rules, Share};
use self::measure::Meter;
use self::plan::{Plan, Span};
use self::planner::Planner;
use self::record::Recording;
use self::releases::BuildInfo;
use self::since::Ages;
use self::trend::Trends;
use super::alert::{self, LabelNames};
use super::{Ask, Built, Examining, Explaining, Fetching, Kind, Planning, Source};
use crate::config::{Problem, Settings, SloSettings, SourceSettings};
use crate::domain::slo;
use crate::domain::{
    Facts, Fault, FaultKind, Observation, Reading, Release, Sample, SourceName, window,
};
use crate::http::Http;
use crate::store::Offers;
use crate::text::Untrusted;

mod alerts;
mod api;
mod by_hand;
mod diagnose;
mod discover;
mod measure;
mod plan;
mod planner;
mod promql;
pub mod record;
mod releases;
mod since;
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

/// How often the rules are read again: they change with a deployment, not with a poll.
const RULES_CADENCE: SignedDuration = SignedDuration::from_mins(5);

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
}

impl Default for Options {
    fn default() -> Self {
        Self {
            discover: true,
            build_info: None,
            alerts: None,
            service_labels: alert::service_labels(),
            severity_labels: alert::severity_labels(),
        }
    }
}

struct Prometheus {
    name: SourceName,
    api: Api,
    options: Options,
    alerts: bool,
    by_hand: Vec<SloSettings>,
    /// Their plans, made by the first poll.
    planned: Option<Vec<ByHand>>,
    planner: Planner,
    /// What the rules of each of these record, where they can be rules.
    recordings: OnceLock<Vec<Option<Recording>>>,
    /// The ids that they record with.
    record_ids: Vec<Option<String>>,
    rules: Option<(Timestamp, Rules)>,
    /// True once the recorded series were more than one answer can hold.
    is_crowded: bool,
    meter: Meter,
    trends: Trends,
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
        ..Offers::default()
    };
    let source = Prometheus {
        name: settings.name.clone(),
        api: Api::new(Http::new(settings, None)?),
        options,
        alerts,
        record_ids: by_hand.iter().map(id).collect(),
        recordings: OnceLock::new(),
        by_hand,
        planned: None,
        planner: Planner::default(),
        rules: None,
        is_crowded: false,
        meter: Meter::default(),
        trends: Trends::default(),
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
    fault: Option<Fault>,
}

impl Margin {
    fn warn(&mut self, warnings: impl IntoIterator<Item = Untrusted>) {
        self.warnings.extend(warnings);
    }

    /// The part's answer; its fault is noted, and the rest goes on.
    fn note<T>(&mut self, part: &str, answer: Result<T, Fault>) -> Option<T> {
        match answer {
            Ok(answer) => Some(answer),
            Err(fault) => {
                let message = Untrusted::from(format!("{part}: {}", fault.message.raw()));
                self.fault.get_or_insert(Fault { message, ..fault });
                None
            }
        }
    }
}

impl Prometheus {
    /// The SLOs written by hand, all unknown: what is known before anything was asked.
    fn expected(&self) -> Vec<Observation> {
        let never = Timestamp::UNIX_EPOCH;
        self.by_hand
            .iter()
            .map(|slo| ByHand::new(slo, never))
            .flat_map(|slo| {
                let each = slo.plans().map(|plan| self.observe(plan, never, false));
                each.collect::<Vec<_>>()
            })
            .collect()
    }

    async fn poll(&mut self, ask: &Ask) -> Result<Facts, Fault> {
        let at = ask.moment();
        let mut margin = Margin::default();
        let mut facts = Facts::default();
        if self.options.discover || !self.by_hand.is_empty() {
            let (slos, more) = self.slos(ask, &mut margin).await?;
            facts.slos = Some(slos);
            facts.more = more;
        }
        if self.options.build_info.is_some() {
            let asked = self.releases(at).await;
            margin.note("releases", asked);
            facts.releases = self.releases.as_ref().map(|(_, releases)| releases.clone());
        }
        if self.alerts {
            let names = LabelNames {
                service: self.options.service_labels.clone(),
                severity: self.options.severity_labels.clone(),
            };
            facts.incidents = Some(alerts::incidents(&self.api, ask, &names).await?);
        }
        facts.warnings = margin.warnings.into_iter().collect();
        facts.fault = margin.fault;
        Ok(facts)
    }

    /// The plans of the SLOs written by hand, with their groups as they are now.
    async fn plans_by_hand(&mut self, ask: &Ask, margin: &mut Margin) -> Result<Vec<Plan>, Fault> {
        let at = ask.moment();
        let settings = &self.by_hand;
        let planned = self
            .planned
            .get_or_insert_with(|| settings.iter().map(|slo| ByHand::new(slo, at)).collect());
        for by_hand in planned.iter_mut() {
            by_hand.grow(at);
        }
        let in_haste = ask.history && self.meter.is_new();
        let asked =
            by_hand::find_groups(planned, &self.api, &mut self.planner, ask, in_haste).await;
        match asked {
            Err(fault) if fault.kind != FaultKind::Query => return Err(fault),
            asked => margin.note("the groups of `by`", asked),
        };
        margin.warn(planned.iter().filter_map(ByHand::warning));
        Ok(planned.iter().flat_map(ByHand::plans).cloned().collect())
    }

    async fn slos(
        &mut self,
        ask: &Ask,
        margin: &mut Margin,
    ) -> Result<(Vec<Observation>, bool), Fault> {
        let at = ask.moment();
        let mut partial = false;
        let (plans, discovered) = self.plans(ask, margin, &mut partial).await?;
        let round = self
            .meter
            .measure(&self.api, &mut self.planner, &plans, ask)
            .await?;
        margin.warn(round.warnings);
        if let Some(fault) = round.fault {
            margin.fault.get_or_insert(fault);
        }
        if ask.history && !round.more {
            let asked = self
                .trends
                .refresh(&self.api, &mut self.planner, &plans, ask)
                .await;
            margin.note("the recent course", asked);
        }
        if !round.more {
            let asked = self
                .ages
                .refresh(&self.api, &mut self.planner, &plans, &self.meter, ask)
                .await;
            // Numbers are no worse for it.
            margin.warn(asked.err().map(|fault| {
                let reason = fault.message.raw();
                Untrusted::from(format!("how old the data is cannot be told: {reason}"))
            }));
        }
        let observe = |(index, plan): (usize, &Plan)| {
            let incomplete =
                round.partial.contains(&index) || (partial && discovered.contains(&index));
            self.observe(plan, at, incomplete)
        };
        Ok((plans.iter().enumerate().map(observe).collect(), round.more))
    }

    /// How each SLO is measured: those written by hand, then those that are found, from which on.
    async fn plans(
        &mut self,
        ask: &Ask,
        margin: &mut Margin,
        partial: &mut bool,
    ) -> Result<(Vec<Plan>, std::ops::RangeFrom<usize>), Fault> {
        let mut plans = self.plans_by_hand(ask, margin).await?;
        let discovered = plans.len()..;
        if self.options.discover {
            let found = self.discover(ask, &mut plans, margin, partial).await?;
            margin.warn(found.warnings.into_iter().map(Untrusted::from));
            plans.extend(found.plans);
        }
        slo::tell_apart(plans.iter_mut().map(|plan| &mut plan.slo));
        Ok((plans, discovered))
    }

    /// Asks for recorded series, and for the rules behind them when those are due. What our own
    /// rules recorded of the SLOs in `known` is given to these.
    async fn discover(
        &mut self,
        ask: &Ask,
        known: &mut [Plan],
        margin: &mut Margin,
        partial: &mut bool,
    ) -> Result<Found, Fault> {
        self.read_rules(ask, margin).await?;
        if !self.is_crowded {
            match self.discover_share(&Share::whole(), ask, known).await {
                Err(fault) if fault.kind == FaultKind::TooLarge => self.is_crowded = true,
                answer => {
                    let answer = answer?;
                    *partial = answer.partial;
                    margin.warn(answer.warnings);
                    return Ok(answer.data);
                }
            }
        }
        let listed = self.api.query(discover::IDS, ask.at).await?;
        *partial = listed.partial;
        margin.warn(listed.warnings);
        let mut found = Found::default();
        for share in Share::parts(listed.data) {
            let answer = self.discover_share(&share, ask, known).await?;
            *partial |= answer.partial;
            margin.warn(answer.warnings);
            found.plans.extend(answer.data.plans);
            found.warnings.extend(answer.data.warnings);
        }
        Ok(found)
    }

    /// Finds the SLOs of a part of what is recorded.
    async fn discover_share(
        &self,
        share: &Share,
        ask: &Ask,
        known: &mut [Plan],
    ) -> Result<Answered<Found>, Fault> {
        let answer = self.api.query(&share.series(), ask.at).await?;
        let series = answer.data;
        let mut records = Records::among(&series);
        if !records.is_empty() {
            let ages = self.api.query(&share.ages(), ask.at).await?;
            records.date(ages.data);
        }
        let recordings: &[_] = if records.is_empty() {
            &[]
        } else {
            // Read when first needed: a thousand queries take apart for a while.
            self.recordings.get_or_init(|| {
                let all = self.by_hand.iter().zip(&self.record_ids);
                let recording = |(slo, id): (&SloSettings, &Option<String>)| {
                    Recording::of(slo, id.as_ref()?).ok()
                };
                all.map(recording).collect()
            })
        };
        let planned = self.planned.iter().flatten().zip(recordings);
        let groups = planned
            .flat_map(|(by_hand, recording)| by_hand.groups().map(move |group| (recording, group)));
        for (plan, (recording, group)) in known.iter_mut().zip(groups) {
            if let Some(recording) = recording {
                records.adopt(recording, &group, plan);
            }
        }
        let by_hand = self.by_hand.iter();
        let by_hand = by_hand.map(|slo| (slo.service.clone(), slo.name.clone()));
        let none = Rules::default();
        let found = discover::discover(
            &series,
            &Context {
                source: &self.name,
                rules: self.rules.as_ref().map_or(&none, |(_, rules)| rules),
                service_labels: &self.options.service_labels,
                share,
                records: &records,
                by_hand: &by_hand.collect(),
                at: ask.moment(),
            },
        );
        Ok(Answered {
            data: found,
            warnings: answer.warnings,
            partial: answer.partial,
        })
    }

    /// Reads the rules behind recorded series when they are due.
    async fn read_rules(&mut self, ask: &Ask, margin: &mut Margin) -> Result<(), Fault> {
        let at = ask.moment();
        let is_due = |(asked, _): &(Timestamp, Rules)| window::age(*asked, at) >= RULES_CADENCE;
        if !self.rules.as_ref().is_none_or(is_due) {
            return Ok(());
        }
        // A server without rules, or one that hides them, still has its series.
        match self.api.rules().await {
            Ok(groups) => {
                let mut rules = Rules::index(groups);
                let asked = rules.find_groups(&self.api, ask.at).await;
                margin.note("the groups of Pyrra's SLOs", asked);
                self.rules = Some((at, rules));
            }
            Err(fault) if fault.kind == FaultKind::Timeout => return Err(fault),
            Err(fault) => {
                margin.warn([Untrusted::from(format!(
                    "its rules cannot be read, so a missing series reads as no data: {}",
                    fault.message.raw()
                ))]);
                // What is too large now is too large a moment later, and dear to find out.
                if fault.kind == FaultKind::TooLarge {
                    self.rules = Some((at, Rules::default()));
                }
            }
        }
        Ok(())
    }

    fn observe(&self, plan: &Plan, at: Timestamp, partial: bool) -> Observation {
        let slo = &plan.slo;
        let id = slo.id();
        let sample = |span| match plan.given.get(&span) {
            Some(given) => Sample {
                reading: given.reading,
                events: given.events,
                at: at.saturating_sub(given.age).unwrap_or(at),
            },
            None if plan.asked.contains_key(&span) => {
                self.meter.sample(&id, span).unwrap_or(Sample {
                    reading: Reading::Unknown,
                    events: None,
                    at,
                })
            }
            None => Sample {
                reading: Reading::NoSeries,
                events: None,
                at,
            },
        };
        let elapsed = slo.period.elapsed(at, &plan.zone).duration();
        Observation {
            windows: slo
                .windows()
                .into_iter()
                .map(|window| (window, sample(Span::Window(window))))
                .collect(),
            period: Some(sample(Span::Period)),
            period_length: slo.period.length(at, &plan.zone),
            period_elapsed: elapsed,
            since: self.ages.since(&id, at, elapsed),
            history: self.trends.course(&id),
            partial,
            ..Observation::unknown(slo.clone(), at)
        }
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
