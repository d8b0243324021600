//! How old the data behind each SLO is: a period of 30 days over 9 days of data is an estimate.
//!
//! `PromQL` has no function for a series' first sample, so the time of the newest sample is asked for
//! at some moments of the past, and the least is kept: `min_over_time` of `timestamp` in a subquery.
//! First where the period begins: most data is there already. For the rest the period is searched,
//! a sixteenth of it at a time, until the first sample is known to a fiftieth of its age. That reads
//! some dozen samples of a series; each moment of a subquery costs as much as an instant query.
//!
//! What is older than the period does not count. Data that begins late is late whatever the reason:
//! a new service, a short retention, a rule that was added yesterday, a hole where the period begins.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::api::{Api, Labels, Series};
use super::measure::Meter;
use super::plan::{Plan, Trend};
use super::planner::{Answers, Planner, Question};
use super::promql;
use crate::domain::{Fault, Window, window};
use crate::source::Ask;
use crate::text::Untrusted;

/// How often the age of data is asked for: it grows by itself.
const CADENCE: SignedDuration = SignedDuration::from_hours(1);
/// How often it is where none was found.
const CADENCE_OF_NONE: SignedDuration = SignedDuration::from_mins(5);
/// How often it is where there are numbers all the same: data too new to be found, which must not be
/// taken for a whole period of it.
const CADENCE_OF_NEW: SignedDuration = SignedDuration::from_mins(1);
/// The part of a period that may be empty at its beginning: what [`Coverage::is_short`] tolerates.
///
/// [`Coverage::is_short`]: crate::domain::slo::Coverage::is_short
const BEGINNING: u32 = 100;
/// Moments of that part that are looked at.
const PROBES: u32 = 4;
/// Parts that a stretch of time is searched in.
const PARTS: u32 = 16;
/// Finer than this, in seconds, nothing is searched.
const FINEST: u32 = 60;
/// The part of its age to which the first sample is searched.
const PRECISION: i64 = 50;
/// How often the search goes on: a 16th each time is enough for a year.
const ROUNDS: usize = 6;
/// Expressions joined in a query: each is read at several moments.
const EXPRESSIONS: usize = 16;

/// The age of data by SLO, kept between polls.
#[derive(Default)]
pub(super) struct Ages {
    kept: HashMap<Untrusted, Age>,
}

struct Age {
    asked: Timestamp,
    since: Option<Timestamp>,
}

/// A stretch of time in which the oldest sample is looked for.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    /// In seconds.
    length: u32,
    step: u32,
    /// How long ago it ended, in seconds.
    ended: i64,
}

/// The search for the oldest sample of an SLO.
struct Search {
    plan: usize,
    /// The selectors of its series.
    selectors: Vec<String>,
    /// The labels of its own series, where a selector has many.
    labels: Option<Labels>,
    stretch: Stretch,
    oldest: Option<Timestamp>,
}

impl Ages {
    /// The oldest sample behind an SLO that lies in its period, `elapsed` long up to `at`.
    pub(super) fn since(
        &self,
        id: &Untrusted,
        at: Timestamp,
        elapsed: SignedDuration,
    ) -> Option<Timestamp> {
        let since = self.kept.get(id)?.since?;
        let begin = at.saturating_sub(elapsed).unwrap_or(Timestamp::MIN);
        Some(since.clamp(begin, at.max(begin)))
    }

    /// Asks for all that are due. What was known stays when the server refuses.
    pub(super) async fn refresh(
        &mut self,
        api: &Api,
        planner: &mut Planner,
        plans: &[Plan],
        meter: &Meter,
        ask: &Ask,
    ) -> Result<(), Fault> {
        let at = ask.moment();
        let ids: Vec<_> = plans.iter().map(|plan| plan.slo.id()).collect();
        let known: BTreeSet<_> = ids.iter().collect();
        self.kept.retain(|id, _| known.contains(id));
        let due: Vec<_> = (0..plans.len())
            .filter(|&plan| {
                let known = self.kept.get(&ids[plan]);
                known.is_none_or(|known| {
                    known.is_due(at, || has_numbers(&plans[plan], &ids[plan], meter))
                })
            })
            .collect();
        if due.is_empty() {
            return Ok(());
        }
        let search = |&plan: &usize| search(plan, &plans[plan], at);
        let mut all: Vec<_> = due.iter().map(search).collect();
        let outcome = find(api, planner, ask, &mut all, |plan| {
            plans[plan].slo.period.elapsed(at, &plans[plan].zone)
        })
        .await;
        for search in all {
            let id = &ids[search.plan];
            let known = self.kept.get(id).and_then(|known| known.since);
            let age = Age {
                asked: at,
                since: search.oldest.or(known.filter(|_| outcome.is_err())),
            };
            self.kept.insert(id.clone(), age);
        }
        outcome
    }
}

impl Age {
    fn is_due(&self, at: Timestamp, has_numbers: impl FnOnce() -> bool) -> bool {
        let cadence = match self.since {
            Some(_) => CADENCE,
            None if has_numbers() => CADENCE_OF_NEW,
            None => CADENCE_OF_NONE,
        };
        self.asked > at || window::age(self.asked, at) >= cadence
    }
}

/// True when an error ratio is known of any span.
fn has_numbers(plan: &Plan, id: &Untrusted, meter: &Meter) -> bool {
    let given = plan.given.values().map(|given| given.reading);
    let asked = plan.asked.keys().filter_map(|&span| meter.sample(id, span));
    let mut readings = given.chain(asked.map(|sample| sample.reading));
    readings.any(|reading| reading.ratio().is_some())
}

/// Searches for the oldest sample of each.
async fn find(
    api: &Api,
    planner: &mut Planner,
    ask: &Ask,
    all: &mut [Search],
    period: impl Fn(usize) -> Window,
) -> Result<(), Fault> {
    look(api, planner, ask, all.iter_mut()).await?;
    for search in all.iter_mut().filter(|search| search.oldest.is_none()) {
        let length = period(search.plan).seconds();
        search.stretch = Stretch {
            length,
            step: length.div_ceil(PARTS).max(FINEST),
            ended: 0,
        };
    }
    let mut open: Vec<_> = all.iter_mut().filter(|one| one.oldest.is_none()).collect();
    for _ in 0..ROUNDS {
        look(
            api,
            planner,
            ask,
            open.iter_mut().map(|search| &mut **search),
        )
        .await?;
        let present = ask.at.or_else(|| api.present()).unwrap_or(ask.now);
        open.retain_mut(|search| search.narrow(present));
        if open.is_empty() {
            break;
        }
    }
    Ok(())
}

impl Search {
    /// Goes on before the oldest sample that was found, or after the last moment that was looked at;
    /// false when it is known closely enough.
    fn narrow(&mut self, present: Timestamp) -> bool {
        let age = self
            .oldest
            .map_or(0, |oldest| window::age(oldest, present).as_secs());
        let step = self.stretch.step;
        if step <= FINEST || i64::from(step) <= age / PRECISION {
            return false;
        }
        // Those whose data begins at about the same time are asked for as one.
        let finer = step.div_ceil(PARTS).max(FINEST);
        self.stretch = Stretch {
            length: step + finer,
            step: finer,
            ended: age / i64::from(finer) * i64::from(finer),
        };
        true
    }

    fn query(&self, selector: &str) -> String {
        let Stretch {
            length,
            step,
            ended,
        } = self.stretch;
        let offset = if ended > 0 {
            format!(" offset {ended}s")
        } else {
            String::new()
        };
        let oldest = format!("min_over_time(timestamp({selector})[{length}s:{step}s]{offset})");
        if self.labels.is_some() {
            oldest
        } else {
            format!("min({oldest})")
        }
    }
}

/// Looks for older samples in the stretches of these.
async fn look<'a>(
    api: &Api,
    planner: &mut Planner,
    ask: &Ask,
    searches: impl Iterator<Item = &'a mut Search>,
) -> Result<(), Fault> {
    let mut searches: Vec<_> = searches.collect();
    let queries: Vec<Vec<String>> = searches
        .iter()
        .map(|search| {
            let selectors = search.selectors.iter();
            selectors.map(|selector| search.query(selector)).collect()
        })
        .collect();
    let questions: Vec<_> = queries
        .iter()
        .flatten()
        .map(|query| Question { query, class: 0 })
        .collect();
    let answers = planner
        .ask(&questions, EXPRESSIONS, ask.moment(), |query| async move {
            api.query(&query, ask.at).await
        })
        .await?;
    let mut next = 0;
    let mut index = Index::default();
    for (search, queries) in searches.iter_mut().zip(&queries) {
        let questions = next..next + queries.len();
        next = questions.end;
        let times =
            questions.filter_map(|one| time(&mut index, &answers, one, search.labels.as_ref()));
        search.oldest = times.chain(search.oldest).min();
    }
    answers.broken.map_or(Ok(()), Err)
}

/// Values by labels of answers that thousands of searches share, by where each answer lies.
type Index<'a> = HashMap<*const Series, HashMap<&'a Labels, f64>>;

fn time<'a>(
    index: &mut Index<'a>,
    answers: &'a Answers<Series>,
    question: usize,
    own: Option<&Labels>,
) -> Option<Timestamp> {
    let series = answers.get(question).ok()?;
    let value = match own {
        None => series.first()?.value,
        Some(labels) => {
            let values = series.iter().rev();
            let values = values.map(|series| (&series.labels, series.value));
            let known = index.entry(series.as_ptr());
            *known.or_insert_with(|| values.collect()).get(labels)?
        }
    };
    let since_epoch = SignedDuration::try_from_secs_f64(value).ok()?;
    Timestamp::from_duration(since_epoch).ok()
}

/// By the recorded series where the ratio is recorded, else by what counts all events; at first
/// where the period begins.
fn search(plan: usize, of: &Plan, at: Timestamp) -> Search {
    let period = of.slo.period.elapsed(at, &of.zone).seconds();
    let length = (period / BEGINNING).max(FINEST);
    let (selectors, labels) = if let Trend::Recorded { name, labels, .. } = &of.trend {
        let selector = format!("{{__name__={}}}", promql::string(name));
        (vec![selector], Some(labels.clone()))
    } else {
        let totals = of.asked.first_key_value();
        let totals = totals.map_or_else(Vec::new, |(_, formula)| formula.totals());
        let selectors = totals.into_iter().flat_map(promql::selectors);
        let selectors: BTreeSet<_> = selectors.map(|one| one.to_string()).collect();
        (selectors.into_iter().collect(), None)
    };
    Search {
        plan,
        selectors,
        labels,
        stretch: Stretch {
            length,
            step: (length / PROBES).max(1),
            ended: i64::from(period.saturating_sub(length)),
        },
        oldest: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_without_a_known_age_are_asked_for_it_again_within_a_minute() {
        let asked = Timestamp::from_second(1_000_000).unwrap();
        let is_due = |since, has_numbers, minutes| {
            let age = Age { asked, since };
            age.is_due(asked + SignedDuration::from_mins(minutes), || has_numbers)
        };
        assert!(is_due(None, true, 1) && !is_due(None, true, 0));
        assert!(is_due(None, false, 5) && !is_due(None, false, 4));
        assert!(is_due(Some(asked), true, 60) && !is_due(Some(asked), true, 59));
        assert!(is_due(Some(asked), true, -1), "a clock that stepped back");
    }
}
