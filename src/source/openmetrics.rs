//! `/metrics` endpoints scraped directly, their history kept in a file: SLOs without a server.
//!
//! One poll, start to end:
//!
//! ```text
//! targets   those of the settings, of a file, and every address of a name   ─► addresses
//! scrape    each is asked; what no SLO selects is left out                  ─► samples
//! history   one process writes: samples, minutes, hours                     ─► a file of SQLite
//! evaluate  one way back in time, past the beginning of every window        ─► observations
//! ```
//!
//! Numbers are what Prometheus would say, had it scraped the same targets: the same labels
//! (`instance`, `job`, `up`), the same resets, the same extrapolation. So an SLO moves to a
//! Prometheus as it is. The first sample of a series is no increase, as there; what a
//! series had counted by then, beside others of its target that were exposed already, is added as a
//! lower bound, as it is for a Prometheus. What grew between
//! two scrapes counts, however long nobody scraped. A window with a sample that is NaN or infinite is
//! unknown where that is needed.
//!
//! One process writes a history, whoever comes first; others read what it wrote and scrape nothing,
//! and one of them goes on when it ends. A target that does not answer makes those SLOs partial
//! whose selectors its series could match. When nobody was scraped for a while, every window is
//! unknown.

mod absence;
mod adjust;
mod course;
mod evaluate;
mod evidence;
mod firsts;
mod history;
mod keeper;
mod lack;
mod options;
mod parse;
mod past;
mod scrape;
mod segment;
mod selector;
mod sums;
mod targets;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use self::evaluate::{Measure, Plan, millis};
use self::history::{Scraped, TargetState};
use self::keeper::{Keeper, Role, Told};
use self::options::Options;
use self::scrape::Clients;
use self::selector::Formula;
use self::targets::{Discovery, Target};
use super::adjustments::Adjustments;
use super::{Ask, Built, Examining, Explaining, Fetching, Kind, Recalling, Source, no_such_slo};
use crate::config::{Part, Problem, Settings, Sli, SloSettings, SourceSettings};
use crate::domain::explanation::{Basis, findings};
use crate::domain::past::{PastEvents, PastQuestion};
use crate::domain::{
    Explanation, Facts, Fault, FaultKind, Faults, Finding, Grade, Observation, Window, window,
};
use crate::http::Http;
use crate::store::Offers;
use crate::text::Untrusted;

/// `kind = "openmetrics"`.
pub const KIND: Kind = Kind {
    name: "openmetrics",
    interval: SignedDuration::from_secs(15),
    measures: true,
    build,
};

/// After how many intervals without a scrape nothing is known of the present.
const FRESH_INTERVALS: i32 = 4;
/// The least of that time: a process started once a minute may have missed one.
const LEAST_FRESH: SignedDuration = SignedDuration::from_mins(1);
/// What one scrape may take when the settings do not say.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(10);
/// The most failing targets that are named.
const MAX_NAMED: usize = 10;

struct OpenMetrics {
    plan: Arc<Plan>,
    discovery: Discovery,
    clients: Clients,
    keeper: Arc<Mutex<Keeper>>,
    adjustments: Adjustments,
    /// How long all scrapes of one poll may take.
    round: Duration,
}

fn build(settings: &SourceSettings, all: &Settings) -> Result<Built, Problem> {
    let options: Options = settings.options()?;
    let by_hand: Vec<_> = all.slos_of(&settings.name).cloned().collect();
    let (selectors, formulas) =
        selector::formulas(&by_hand).map_err(|message| settings.problem("kind", message))?;
    let origins = options.origins(settings)?;
    let limits = options.limits(settings, &by_hand)?;
    let path = options.path(settings, all)?;
    let slos: Vec<_> = by_hand
        .iter()
        .zip(formulas)
        .map(|(settings, formula)| measure(settings, formula))
        .collect();
    let expected = slos
        .iter()
        .map(|one| Observation::unknown(Arc::clone(&one.slo), Timestamp::UNIX_EPOCH))
        .collect();
    let plan = Arc::new(Plan {
        slos,
        selectors: Arc::new(selectors),
        fresh: LEAST_FRESH.max(settings.interval * FRESH_INTERVALS),
    });
    // Of no target: it checks what all of them share. They may be known only later.
    let mut shared = settings.clone();
    let first = origins.fixed.first();
    shared.http.url = Some(
        first
            .map_or("http://localhost", |target| &target.url)
            .to_owned(),
    );
    let timeout = settings.http.timeout.unwrap_or(TIMEOUT);
    let source = OpenMetrics {
        clients: Clients::new(Http::new(&shared, None)?, settings.clone()),
        adjustments: Adjustments::of(all),
        discovery: Discovery::new(settings.name.as_str(), origins),
        keeper: Arc::new(Mutex::new(Keeper::new(path, limits, Arc::clone(&plan)))),
        plan,
        round: timeout.saturating_mul(2).unsigned_abs(),
    };
    Ok(Built {
        offers: Offers {
            slos: !source.plan.slos.is_empty(),
            ..Offers::default()
        },
        source: Box::new(source),
        expected,
    })
}

/// What is measured of an SLO of the settings.
fn measure(settings: &SloSettings, formula: Formula) -> Measure {
    let mut slo = settings.promise();
    if let Some(&shortest) = slo.windows().first() {
        slo.queries = queries(&settings.sli, shortest);
    }
    slo.note("scraped by watchfire itself; the queries say the same in Prometheus");
    Measure {
        slo: Arc::new(slo),
        zone: settings.timezone.clone(),
        sli: settings.sli.clone(),
        formula,
        absent_is_zero: settings.absent_is_zero,
    }
}

/// What Prometheus would be asked for the same.
fn queries(sli: &Sli, window: Window) -> Vec<(String, Untrusted)> {
    let grown = |name: &str, selector: &str| {
        let query = format!("sum(increase({selector}[{window}]))");
        (format!("{name} {window}"), Untrusted::from(query))
    };
    match sli {
        Sli::Events { part, total } => {
            let part = match part {
                Part::Bad(query) => grown("bad", query),
                Part::Good(query) => grown("good", query),
            };
            vec![part, grown("total", total)]
        }
        Sli::Gauge(gauge) => {
            let query = format!("avg_over_time({gauge}[{window}])");
            vec![(format!("good {window}"), Untrusted::from(query))]
        }
        Sli::Weighted(parts) => {
            let parts = parts.iter();
            parts.flat_map(|(_, part)| queries(part, window)).collect()
        }
        Sli::Latency { .. } | Sli::Ratio { .. } | Sli::Slices { .. } => Vec::new(),
    }
}

impl Source for OpenMetrics {
    fn fetch<'a>(&'a mut self, ask: &'a Ask) -> Fetching<'a> {
        Box::pin(async move {
            let mut facts = match ask.at {
                Some(at) => self.past(at).await,
                None => self.live(ask).await,
            }?;
            self.adjust(&mut facts, ask.moment()).await;
            Ok(facts)
        })
    }

    /// What its observation says, with the query that would say the same of each window, and the
    /// samples behind it.
    fn explain<'a>(&'a mut self, ask: &'a Ask, ids: &'a [Untrusted]) -> Explaining<'a> {
        Box::pin(async move {
            let slos = self.fetch(ask).await?.slos.unwrap_or_default();
            let number = slos.iter().position(|seen| ids.contains(&seen.slo.id()));
            let both = number.and_then(|number| {
                let seen = slos.into_iter().nth(number)?;
                Some((number, seen, self.plan.slos.get(number)?))
            });
            let (number, seen, measure) = both.ok_or_else(|| no_such_slo(ids))?;
            let mut explanation = Explanation::of(seen);
            explanation.zone = Some(measure.zone.clone());
            for span in &mut explanation.spans {
                span.basis = Basis::Computed;
                span.queries = queries(&measure.sli, span.window);
            }
            self.add_evidence(number, &mut explanation).await;
            Ok(explanation)
        })
    }

    fn past_events<'a>(&'a mut self, _ask: &'a Ask, question: &'a PastQuestion) -> Recalling<'a> {
        Box::pin(self.find_past(question))
    }

    fn examine<'a>(&'a mut self, ask: &'a Ask) -> Examining<'a> {
        Box::pin(self.examination(ask))
    }
}

impl OpenMetrics {
    /// What keeps each SLO from being known, the selectors that select nothing among it.
    async fn examination(&mut self, ask: &Ask) -> Vec<Finding> {
        let at = ask.moment();
        let Ok(told) = self.with_keeper(move |keeper| keeper.past(at)).await else {
            // It is told of by who polls.
            return Vec::new();
        };
        let found = self.discovery.targets(ask.now).await;
        let selectors = &self.plan.selectors;
        let exposed = self.clients.look(found.targets, selectors, self.round);
        let exposed = exposed.await;
        let mut found = Vec::new();
        for (seen, measure) in told.evaluation.slos.iter().zip(&self.plan.slos) {
            let lacks = lack::lacks(&measure.formula, selectors, &exposed);
            let is_told = lacks.iter().any(|one| one.grade == Grade::Error);
            let general = findings(seen).into_iter();
            found.extend(general.filter(|one| !(is_told && one.check == "series")));
            found.extend(lacks.into_iter().map(|one| one.of_slo(&seen.slo.id())));
        }
        found
    }

    /// Adds what the samples behind an SLO say.
    async fn add_evidence(&self, number: usize, to: &mut Explanation) {
        let (at, windows) = (
            to.seen.at,
            to.spans.iter().map(|span| span.window).collect::<Vec<_>>(),
        );
        let look = move |keeper: &mut Keeper| keeper.evidence(number, at, &windows);
        match self.with_keeper(look).await {
            Ok(Some(found)) => {
                for span in &mut to.spans {
                    let mut samples = found.samples.iter();
                    let of = samples.find(|(window, _)| *window == span.window);
                    span.samples = of.map(|(_, samples)| *samples);
                }
                to.data = Some(found.data);
            }
            Ok(None) => {}
            Err(fault) => to.lacks.push(fault.message),
        }
    }

    async fn live(&mut self, ask: &Ask) -> Result<Facts, Fault> {
        let role = self.with_keeper(Keeper::begin).await?;
        let found = self.discovery.targets(ask.now).await;
        if found.targets.is_empty() {
            let troubles = found.troubles.into_iter().next();
            let words =
                troubles.unwrap_or_else(|| "no targets are listed; see `targets_file`".to_owned());
            return Err(Fault::new(FaultKind::Connect, words));
        }
        let targets = found.targets.clone();
        let round: Vec<Scraped> = match role {
            Role::Writer => {
                let selectors = &self.plan.selectors;
                self.clients
                    .scrape(found.targets, selectors, self.round)
                    .await
            }
            Role::Reader => Vec::new(),
        };
        let faults = round.iter().filter_map(|scraped| {
            let fault = scraped.outcome.as_ref().err()?;
            Some((scraped.instance.clone(), fault.clone()))
        });
        let faults: BTreeMap<_, _> = faults.collect();
        let (now, course) = (Timestamp::now().max(ask.now), ask.history);
        let mut told = self
            .with_keeper(move |keeper| keeper.live(&round, now, course))
            .await?;
        if role == Role::Reader {
            missing(&targets, &mut told.targets, now, self.plan.fresh);
        }
        let mut facts = facts(told, now, &faults)?;
        // Targets that are not known are events that are missing.
        if let Some(trouble) = found.troubles.first() {
            let slos = facts.slos.iter_mut().flatten();
            slos.for_each(|slo| slo.partial = true);
            let mut faults = Faults::default();
            faults.extend(facts.fault.take());
            faults.push(Fault::new(FaultKind::Connect, trouble));
            facts.fault = faults.finish().0;
        }
        let troubles = found.troubles.into_iter().map(Untrusted::from);
        facts.warnings.extend(troubles);
        Ok(facts)
    }

    /// The past of each of the SLOs that are asked for.
    async fn find_past(
        &mut self,
        question: &PastQuestion,
    ) -> Result<Vec<Result<PastEvents, Fault>>, Fault> {
        let place = |ids: &Vec<Untrusted>| {
            let mut slos = self.plan.slos.iter();
            let place = slos.position(|one| ids.contains(&one.slo.id()));
            place.ok_or_else(|| no_such_slo(ids))
        };
        let places: Vec<_> = question.slos.iter().map(place).collect();
        let numbers: Vec<_> = places.iter().flatten().copied().collect();
        let steps = question.steps;
        let found = self.with_keeper(move |keeper| keeper.recall(&numbers, steps));
        let mut found = found.await?.into_iter();
        let lost = || Fault::new(FaultKind::Crash, "the history was not read");
        let answers = places.into_iter().map(|place| {
            let mut past = place.and_then(|_| found.next().ok_or_else(lost))?;
            self.adjustments.leave_out(&mut past);
            Ok(past)
        });
        Ok(answers.collect())
    }

    async fn past(&mut self, at: Timestamp) -> Result<Facts, Fault> {
        let told = self.with_keeper(move |keeper| keeper.past(at)).await;
        let mut told = told.map_err(|fault| Fault {
            kind: FaultKind::NoHistory,
            ..fault
        })?;
        told.targets.clear();
        facts(told, at, &BTreeMap::new())
    }

    /// Does something with the history where waiting for the disk harms nobody.
    async fn with_keeper<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Keeper) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let keeper = Arc::clone(&self.keeper);
        let acting = tokio::task::spawn_blocking(move || {
            act(&mut keeper.lock().unwrap_or_else(PoisonError::into_inner))
        });
        acting
            .await
            .unwrap_or_else(|_| Err(Fault::new(FaultKind::Crash, "the history was not read")))
    }
}

/// Marks the targets of ours that the process which writes does not ask.
fn missing(ours: &[Target], theirs: &mut Vec<TargetState>, now: Timestamp, fresh: SignedDuration) {
    let oldest = now.as_millisecond() - millis(fresh);
    for state in theirs.iter_mut().filter(|state| state.at < oldest) {
        state.fault = Some("the watchfire that scrapes it has not done so for a while".to_owned());
    }
    let known: BTreeSet<_> = theirs.iter().map(|state| state.instance.clone()).collect();
    let unknown = ours.iter().filter(|ours| !known.contains(&ours.instance));
    let unknown: Vec<_> = unknown
        .map(|target| TargetState {
            instance: target.instance.clone(),
            at: 0,
            fault: Some(
                "the watchfire that writes this history does not scrape it; give this source its own `history`"
                    .to_owned(),
            ),
        })
        .collect();
    theirs.extend(unknown);
}

/// What is told, and what is wrong with it: a fault as a whole when no target answered. `faults` are those
/// of the targets that this process asked.
fn facts(told: Told, at: Timestamp, faults: &BTreeMap<String, Fault>) -> Result<Facts, Fault> {
    let Told {
        evaluation,
        targets,
        warnings,
    } = told;
    let failing: Vec<_> = targets
        .iter()
        .filter_map(|target| {
            let (name, fault) = (&target.instance, target.fault.as_ref()?);
            let is_named = fault.contains(name);
            Some(if is_named {
                fault.clone()
            } else {
                format!("{name}: {fault}")
            })
        })
        .collect();
    let answered = targets.len() - failing.len();
    let fault = failing.first().map(|first| {
        let words = format!("{answered} of {} targets answered; {first}", targets.len());
        let known = targets.iter().find(|target| target.fault.is_some());
        let known = known.and_then(|target| faults.get(&target.instance));
        let kind = known.map_or(FaultKind::Connect, |fault| fault.kind);
        let waits = faults.values().map(|fault| fault.retry_after);
        // One target that may be asked is asked, and the others with it.
        let wait = waits.min().flatten().filter(|_| answered == 0);
        Fault {
            retry_after: wait,
            ..Fault::new(kind, words)
        }
    });
    if answered == 0
        && let Some(fault) = fault
    {
        return Err(fault);
    }
    let warnings = warnings.into_iter().chain(evaluation.warnings);
    let mut all: Vec<Untrusted> = warnings.map(Untrusted::from).collect();
    let more = failing.len().saturating_sub(MAX_NAMED);
    all.extend(failing.into_iter().take(MAX_NAMED).map(Untrusted::from));
    if more > 0 {
        all.push(format!("{more} more of its targets did not answer").into());
    }
    all.extend(shortfall(&evaluation.slos, at).map(Untrusted::from));
    Ok(Facts {
        slos: Some(evaluation.slos),
        warnings: all,
        fault,
        ..Facts::default()
    })
}

/// How much history there is, when it is less than the longest period.
fn shortfall(slos: &[Observation], at: Timestamp) -> Option<String> {
    let short = slos.iter().filter(|slo| slo.shortfall().is_some());
    let longest = short.max_by_key(|slo| slo.period_elapsed)?;
    let data = window::age(longest.since?, at);
    let (data, wanted) = (window::brief(data), window::brief(longest.period_elapsed));
    Some(format!("history {data} of {wanted}"))
}
