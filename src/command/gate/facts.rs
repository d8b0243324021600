//! Asks for what policies are judged by: the newest samples of the SLOs, and as much of their past as
//! conditions need.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};

use crate::config::SourceSettings;
use crate::domain::past::{PastEvents, PastQuestion, Steps};
use crate::domain::{Fault, FaultKind, SourceName, window};
use crate::insight::policy::{Change, Facts, STEP, SloPast, lookback};
use crate::poll;
use crate::source::{Ask, Source};
use crate::store::Store;
use crate::store::policy::{Judging, Place, Skews, Told};
use crate::text::Untrusted;
use crate::watch::Watch;

/// Clocks that differ by less are the same.
const SAME_CLOCK: SignedDuration = SignedDuration::from_secs(30);
/// SLOs that one question names at most.
const MAX_ASKED: usize = 20;
/// The past may take so many times what a poll may.
const PATIENCE: i32 = 3;

/// The services to judge, and of when.
pub(super) struct Wanted<'a> {
    pub(super) names: &'a [String],
    pub(super) at: Option<Timestamp>,
    pub(super) max_age: SignedDuration,
    pub(super) environment: Option<&'a str>,
}

/// The facts that were collected.
pub(super) struct Collected {
    pub(super) facts: Facts,
    /// What is to be said of the judging itself.
    pub(super) warnings: Vec<String>,
}

/// An SLO whose past is asked for.
struct Asked {
    place: Place,
    /// The ids that it may go by at its source.
    ids: Vec<Untrusted>,
}

type BySource = BTreeMap<SourceName, Vec<Asked>>;

impl Collected {
    /// Collects what the sources have said, and asks those of SLOs for the past that is needed.
    pub(super) async fn of(watch: &mut Watch, wanted: &Wanted<'_>) -> Self {
        let (mut collected, asked, mut ask) = Self::now(watch, wanted).await;
        let facts = &mut collected.facts;
        ask.now = facts.at;
        let reach = reach(facts, wanted.environment);
        fill(watch, &ask, facts, &asked, &reach).await;
        // When a freeze began is told by a longer past.
        let frozen = frozen(facts, wanted, &reach);
        fill(watch, &ask, facts, &asked, &frozen).await;
        collected
    }

    /// The same with as much of the past as tells what every policy did since a moment.
    pub(super) async fn with_span(watch: &mut Watch, wanted: &Wanted<'_>, from: Timestamp) -> Self {
        let (mut collected, asked, mut ask) = Self::now(watch, wanted).await;
        let facts = &mut collected.facts;
        ask.now = facts.at;
        let span = from.duration_until(facts.at);
        let services = facts.services.iter().enumerate();
        let reach = services.filter_map(|(number, service)| {
            let reach = lookback(facts, service, wanted.environment, true)?;
            Some((number, reach + span))
        });
        let reach = reach.collect();
        fill(watch, &ask, facts, &asked, &reach).await;
        collected
    }

    /// What is known without any past.
    async fn now(watch: &mut Watch, wanted: &Wanted<'_>) -> (Self, BySource, Ask) {
        let ask = Ask {
            now: Timestamp::now(),
            at: wanted.at,
            history: false,
            since: None,
        };
        let mut facts = watch.store.policy_facts(wanted.names, ask.moment());
        let asked = asked(&watch.store, &facts);
        let look = Steps::new(ask.moment() - STEP, ask.moment(), STEP);
        let told = past(watch, &ask, &asked, |_| look).await;
        let present = told.values().flatten().find_map(|told| told.present);
        let mut warnings = Vec::new();
        if let Some(present) = present {
            let ahead = Timestamp::now().duration_until(present);
            if ahead.abs() >= SAME_CLOCK {
                facts.at = present;
                warnings.push(clock_warning(ahead));
            }
        }
        let judging = Judging {
            at: facts.at,
            now: Timestamp::now(),
            max_age: wanted.max_age,
            is_past: wanted.at.is_some(),
        };
        let skews = skews(watch);
        watch.store.judge_facts(&mut facts, &told, &skews, judging);
        (Self { facts, warnings }, asked, ask)
    }
}

fn clock_warning(ahead: SignedDuration) -> String {
    let way = if ahead.is_negative() {
        "ahead of"
    } else {
        "behind"
    };
    format!(
        "the clock of this machine is {} {way} that of the server: the server's counts",
        window::brief(ahead.abs())
    )
}

fn skews(watch: &Watch) -> Skews {
    let sources = watch.sources.iter();
    let skew = |(settings, source): &(SourceSettings, Box<dyn Source>)| {
        Some((settings.name.clone(), source.skew()?))
    };
    sources.filter_map(skew).collect()
}

fn asked(store: &Store, facts: &Facts) -> BySource {
    let mut asked = BySource::new();
    for (service, known) in facts.services.iter().enumerate() {
        for (slo, known) in known.slos.iter().enumerate() {
            let of_source = asked.entry(known.source.clone()).or_default();
            of_source.push(Asked {
                place: (service, slo),
                ids: store.ids_of(&known.seen.slo),
            });
        }
    }
    asked
}

/// Asks each source for the past of these SLOs; `steps` are those of a service, by its number.
async fn past(
    watch: &mut Watch,
    ask: &Ask,
    asked: &BySource,
    steps: impl Fn(usize) -> Steps,
) -> Told {
    let mut told = Told::new();
    for (settings, source) in &mut watch.sources {
        let mut by_steps: Vec<(Steps, Vec<&Asked>)> = Vec::new();
        for slo in asked.get(&settings.name).into_iter().flatten() {
            let wanted = steps(slo.place.0);
            if wanted.is_empty() {
                continue;
            }
            match by_steps.iter_mut().find(|(known, _)| *known == wanted) {
                Some((_, slos)) => slos.push(slo),
                None => by_steps.push((wanted, vec![slo])),
            }
        }
        for (steps, slos) in by_steps {
            for slos in slos.chunks(MAX_ASKED) {
                told.extend(ask_one(source.as_mut(), settings, ask, (steps, slos)).await);
            }
        }
    }
    told
}

async fn ask_one(
    source: &mut dyn Source,
    settings: &SourceSettings,
    ask: &Ask,
    (steps, slos): (Steps, &[&Asked]),
) -> Vec<(Place, Result<PastEvents, Fault>)> {
    let question = PastQuestion {
        slos: slos.iter().map(|slo| slo.ids.clone()).collect(),
        steps,
    };
    let limit = poll::limit(settings) * PATIENCE;
    let answer = poll::past_events_once(source, ask, &question, limit).await;
    let places = slos.iter().map(|slo| slo.place);
    match answer {
        Ok(answers) => places.zip(answers).collect(),
        Err(fault) => places.map(|place| (place, Err(fault.clone()))).collect(),
    }
}

/// How far back the past of each service is needed, by its number.
fn reach(facts: &Facts, environment: Option<&str>) -> HashMap<usize, SignedDuration> {
    let services = facts.services.iter().enumerate();
    services
        .filter_map(|(number, service)| {
            Some((number, lookback(facts, service, environment, false)?))
        })
        .collect()
}

/// Asks for the past that is needed, and puts it in its places.
async fn fill(
    watch: &mut Watch,
    ask: &Ask,
    facts: &mut Facts,
    asked: &BySource,
    reach: &HashMap<usize, SignedDuration>,
) {
    if reach.is_empty() {
        return;
    }
    let at = facts.at;
    let steps = |service: usize| {
        let reach = reach.get(&service).copied().unwrap_or_default();
        Steps::new(at.checked_sub(reach).unwrap_or(at), at, STEP)
    };
    let told = past(watch, ask, asked, steps).await;
    for ((service, slo), told) in told {
        let place = facts.services.get_mut(service);
        let Some(slo) = place.and_then(|service| service.slos.get_mut(slo)) else {
            continue;
        };
        match told {
            Ok(past) => {
                slo.past = Some(SloPast {
                    sums: past.sums(),
                    counted: past.counted,
                    queries: past.queries,
                });
            }
            Err(fault) if slo.lack.is_none() && fault.kind != FaultKind::NoHistory => {
                slo.lack = Some(fault.message.raw().to_owned());
            }
            Err(_) => {}
        }
    }
}

/// How far back the past of frozen services is needed to tell since when they are, where that is not
/// known.
fn frozen(
    facts: &Facts,
    wanted: &Wanted<'_>,
    known: &HashMap<usize, SignedDuration>,
) -> HashMap<usize, SignedDuration> {
    let change = Change {
        environment: wanted.environment.map(str::to_owned),
        ..Change::default()
    };
    let services = facts.services.iter().enumerate();
    let frozen = services.filter(|(number, service)| {
        let is_asked = wanted.names.contains(&service.name);
        let is_known =
            known.get(number).copied() >= lookback(facts, service, wanted.environment, true);
        is_asked && !is_known && facts.decide(&service.name, &change).frozen_by().is_some()
    });
    frozen
        .filter_map(|(number, service)| {
            let reach = lookback(facts, service, wanted.environment, true)?;
            Some((number, reach))
        })
        .collect()
}
