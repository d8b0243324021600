//! How old the data behind each SLO is: a period of 30 days over 9 days of data is an estimate.
//!
//! `PromQL` has no function for a series' first sample, so the time of the newest sample is asked for
//! at some moments of the past, and the least is kept: `min_over_time` of `timestamp` in a subquery.
//! First where the period begins: most data is there already. For the rest the period is searched,
//! a sixteenth of it at a time, until the first sample is known to a fiftieth of its age. That reads
//! some dozen samples of a series; each moment of a subquery costs as much as an instant query. So of
//! those that count the same metric one goes ahead, a pilot: mostly all began when it did, and one
//! look, at data after and none before, tells that of all of them.
//!
//! What is older than the period does not count. Data that begins late is late whatever the reason:
//! a new service, a short retention, a rule that was added yesterday, a hole where the period begins.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use self::search::{Look, Search};
use super::api::{Api, Labels, Metric};
use super::measure::Meter;
use super::plan::{Given, Plan};
use super::planner::{Planner, Question};
use super::plans::Plans;
use super::promql;
use crate::domain::slo::Coverage;
use crate::domain::{Fault, FaultKind, window};
use crate::source::Ask;
use crate::text::Untrusted;

mod search;

/// How often the age of data is asked for: it grows by itself.
const CADENCE: SignedDuration = SignedDuration::from_hours(1);
/// How often it is where none was found.
const CADENCE_OF_NONE: SignedDuration = SignedDuration::from_mins(5);
/// How often it is where there are numbers all the same: data too new to be found, which must not be
/// taken for a whole period of it.
const CADENCE_OF_NEW: SignedDuration = SignedDuration::from_mins(1);
/// The part of its age to which the first sample is searched.
const PRECISION: i64 = 50;
/// How often a search goes on: a 16th each time is enough for a year.
const ROUNDS: usize = 6;
/// Expressions joined in a query: each is read at several moments.
const EXPRESSIONS: usize = 16;

/// Queries in flight, beside those for the ratios.
pub(super) const IN_FLIGHT: usize = 4;

/// The age of data by SLO, kept between polls.
pub(super) struct Ages {
    kept: HashMap<Untrusted, Age>,
    rest: Option<Rest>,
    /// One of its own, so that it may ask while ratios are asked for.
    planner: Planner,
}

impl Default for Ages {
    fn default() -> Self {
        Self {
            kept: HashMap::new(),
            rest: None,
            planner: Planner::of(IN_FLIGHT),
        }
    }
}

/// When it was last looked at which ages are due.
#[derive(Clone, Copy)]
struct Rest {
    edition: u64,
    since: Timestamp,
}

impl Rest {
    /// True while none can be due: the shortest cadence lasts.
    fn holds(self, edition: u64, at: Timestamp) -> bool {
        let is_recent = self.since <= at && window::age(self.since, at) < CADENCE_OF_NEW;
        self.edition == edition && is_recent
    }
}

#[derive(Clone, Copy)]
struct Age {
    asked: Timestamp,
    /// The oldest sample of what the period rests on: of its record, or of what is counted.
    since: Option<Timestamp>,
    /// True when that is a record of records.
    is_of_records: bool,
    /// The oldest sample of what the rule behind a record reads, where the record covers less than the
    /// period.
    behind: Option<Timestamp>,
    /// False where the search was cut short, refused or answered in part.
    is_sure: bool,
}

impl Ages {
    /// The oldest sample behind an SLO that lies in its period, `elapsed` long up to `at`.
    pub(super) fn since(
        &self,
        id: &Untrusted,
        at: Timestamp,
        elapsed: SignedDuration,
    ) -> Option<Timestamp> {
        let age = self.kept.get(id)?;
        let since = if age.is_outlived() {
            age.behind?
        } else {
            age.since?
        };
        let begin = at.saturating_sub(elapsed).unwrap_or(Timestamp::MIN);
        Some(since.clamp(begin, at.max(begin)))
    }

    /// True where all was searched, and nothing found: what there is has only just begun.
    pub(super) fn is_new(&self, id: &Untrusted) -> bool {
        let age = self.kept.get(id);
        age.is_some_and(|age| age.is_sure && age.since.is_none() && age.behind.is_none())
    }

    /// True where the series that a rule reads reach back further than the record of the period does.
    pub(super) fn outlive(&self, id: &Untrusted) -> bool {
        self.kept.get(id).is_some_and(Age::is_outlived)
    }

    /// True where a search was made, whatever it found.
    pub(super) fn has_searched(&self, id: &Untrusted) -> bool {
        self.kept.contains_key(id)
    }

    /// Those of which the age is to be asked for, by index.
    pub(super) fn due(&mut self, known: &Plans, meter: &Meter, at: Timestamp) -> Vec<usize> {
        let plans = known.all.as_slice();
        if self.rest.is_some_and(|rest| rest.holds(known.edition, at)) {
            return Vec::new();
        }
        let ids = known.ids.as_slice();
        // Ids are unique, so there is nothing to forget while there are no more of them.
        if self.kept.len() > ids.len() {
            let names: HashSet<_> = ids.iter().collect();
            self.kept.retain(|id, _| names.contains(id));
        }
        let due = (0..plans.len())
            .filter(|&plan| {
                let known = self.kept.get(&ids[plan]);
                known.is_none_or(|known| {
                    known.is_of_records != plans[plan].is_dated_by_records()
                        || known.is_due(at, || has_numbers(&plans[plan], &ids[plan], meter))
                })
            })
            .collect();
        self.rest = Some(Rest {
            edition: known.edition,
            since: at,
        });
        due
    }

    /// Asks for the ages of these. What was known stays when the server refuses.
    pub(super) async fn find(
        &mut self,
        api: &Api,
        known: &Plans,
        due: &[usize],
        ask: &Ask,
    ) -> Result<(), Fault> {
        if due.is_empty() {
            return Ok(());
        }
        let at = ask.moment();
        let searches = |&plan: &usize| Search::all(plan, &known.all[plan], at);
        let mut all: Vec<_> = due.iter().flat_map(searches).collect();
        let mut server = Server {
            api,
            planner: &mut self.planner,
            ask,
            is_unsure: false,
        };
        let mut outcome = find(&mut server, &mut all).await;
        let mut found = oldest(due, &all);
        // What a record of records covers is the time since its rule is loaded.
        let short = |&(plan, since): &(usize, Option<Timestamp>)| {
            let plan = &known.all[plan];
            let elapsed = plan.slo.period.elapsed(at, &plan.zone).duration();
            plan.is_dated_by_records() && is_short(since, at, elapsed)
        };
        let young: Vec<_> = found
            .iter()
            .filter(|one| short(one))
            .map(|(plan, _)| *plan)
            .collect();
        let mut behind = Vec::new();
        if outcome.is_ok() && !young.is_empty() {
            let searches = young
                .iter()
                .filter_map(|&plan| Search::behind(plan, &known.all[plan], at));
            let mut all: Vec<_> = searches.collect();
            outcome = find(&mut server, &mut all).await;
            behind = oldest(&young, &all);
        }
        let is_sure = outcome.is_ok() && !server.is_unsure;
        let behind: HashMap<_, _> = behind.drain(..).collect();
        let has_search: HashSet<_> = all.iter().map(|search| search.plan).collect();
        for (plan, oldest) in found.drain(..) {
            let id = &known.ids[plan];
            let before = self.kept.get(id).copied();
            let kept =
                |of: fn(Age) -> Option<Timestamp>| before.and_then(of).filter(|_| outcome.is_err());
            let age = Age {
                asked: at,
                since: oldest.or_else(|| kept(|age| age.since)),
                is_of_records: known.all[plan].is_dated_by_records(),
                behind: behind
                    .get(&plan)
                    .copied()
                    .flatten()
                    .or_else(|| kept(|age| age.behind)),
                is_sure: is_sure && has_search.contains(&plan),
            };
            self.kept.insert(id.clone(), age);
        }
        outcome
    }
}

/// What the searches of each of these plans found: of a mean, the part that began last decides.
fn oldest(plans: &[usize], all: &[Search<'_>]) -> Vec<(usize, Option<Timestamp>)> {
    let mut rest = all;
    let of = |&plan: &usize| {
        let count = rest.iter().take_while(|search| search.plan == plan);
        let (parts, others) = rest.split_at(count.count());
        rest = others;
        let oldest = parts.iter().map(|search| search.oldest);
        let oldest: Option<Vec<_>> = oldest.collect();
        (plan, oldest.and_then(|oldest| oldest.into_iter().max()))
    };
    plans.iter().map(of).collect()
}

/// True where data since then covers less than the period, as [`Coverage::is_short`] has it.
///
/// [`Coverage::is_short`]: crate::domain::slo::Coverage::is_short
fn is_short(since: Option<Timestamp>, at: Timestamp, wanted: SignedDuration) -> bool {
    since.is_none_or(|since| {
        let data = window::age(since, at);
        Coverage { data, wanted }.is_short()
    })
}

impl Age {
    /// True where what the rule reads is older than its record, by more than a search may be off.
    fn is_outlived(&self) -> bool {
        let Some(behind) = self.behind else {
            return false;
        };
        self.since.is_none_or(|record| {
            let age = window::age(record, self.asked).as_secs();
            let slack = (age / PRECISION * 2).max(2 * i64::from(search::FINEST));
            window::age(behind, record).as_secs() > slack
        })
    }

    fn is_due(&self, at: Timestamp, has_numbers: impl FnOnce() -> bool) -> bool {
        let cadence = match self.since {
            Some(_) => CADENCE,
            None if self.behind.is_some() => CADENCE_OF_NONE,
            None if has_numbers() => CADENCE_OF_NEW,
            None => CADENCE_OF_NONE,
        };
        self.asked > at || window::age(self.asked, at) >= cadence
    }
}

/// True when an error ratio is known of any span.
fn has_numbers(plan: &Plan, id: &Untrusted, meter: &Meter) -> bool {
    let given = plan.given.values().map(Given::reading);
    let measured = meter.of(id).into_iter().flatten();
    let asked = measured.filter(|(span, _)| plan.asked.contains_key(span));
    let mut readings = given.chain(asked.map(|(_, kept)| kept.sample.reading));
    readings.any(|reading| reading.ratio().is_some())
}

/// Whom to ask, and for when.
struct Server<'a> {
    api: &'a Api,
    planner: &'a mut Planner,
    ask: &'a Ask,
    /// True once a look was refused, or parts of the data did not answer it: then nothing found says
    /// nothing.
    is_unsure: bool,
}

/// Searches for the oldest sample of each.
async fn find(server: &mut Server<'_>, all: &mut [Search<'_>]) -> Result<(), Fault> {
    let mut pilots = pilots(all);
    let begin = all.iter().map(|search| (search, Look::In(search.begin())));
    let whole = |pilot| (pilot, Look::In(Search::whole(pilot)));
    let whole = pilots.values().map(whole);
    let looks: Vec<_> = begin.chain(whole).collect();
    let found = server.look(&looks).await?;
    let (of_all, of_pilots) = found.split_at(all.len());
    for (search, found) in all.iter_mut().zip(of_all) {
        search.oldest = *found;
    }
    let mut open: Vec<_> = all.iter_mut().filter(|one| one.oldest.is_none()).collect();
    if open.is_empty() {
        return Ok(());
    }
    for (pilot, found) in pilots.values_mut().zip(of_pilots) {
        pilot.oldest = *found;
    }
    let mut led: Vec<_> = pilots.values_mut().collect();
    server.narrow(&mut led, PRECISION * 2).await?;
    server.follow(&mut open, &pilots).await?;
    open.retain(|search| search.oldest.is_none());
    if open.is_empty() {
        return Ok(());
    }
    let whole = open.iter().map(|one| (&**one, Look::In(one.whole())));
    let found = server.look(&whole.collect::<Vec<_>>()).await?;
    for (search, found) in open.iter_mut().zip(found) {
        search.oldest = found;
    }
    server.narrow(&mut open, PRECISION).await
}

/// One of each kin, which goes ahead: what it finds is probably true of all of them.
fn pilots<'a>(all: &[Search<'a>]) -> BTreeMap<String, Search<'a>> {
    let mut pilots = BTreeMap::new();
    for search in all {
        let pilot = || search.alone();
        pilots.entry(search.kin.clone()).or_insert_with(pilot);
    }
    pilots
}

impl Server<'_> {
    /// Searches around what was found of each until it is known closely enough: to one part in
    /// `precision` of its age.
    async fn narrow(
        &mut self,
        searches: &mut [&mut Search<'_>],
        precision: i64,
    ) -> Result<(), Fault> {
        let whole = |search: &Search<'_>| search.whole().step;
        let mut open: Vec<_> = searches
            .iter_mut()
            .map(|search| (whole(search), &mut **search))
            .collect();
        for _ in 0..ROUNDS {
            let present = self.present();
            let finer =
                |(step, search): &(u32, &mut Search<'_>)| search.around(*step, present, precision);
            open.retain(|one| finer(one).is_some());
            if open.is_empty() {
                break;
            }
            let looks: Vec<_> = open
                .iter()
                .filter_map(|one| Some((&*one.1, finer(one)?)))
                .collect();
            let steps: Vec<_> = looks.iter().map(|(_, stretch)| stretch.step).collect();
            let looks = looks
                .into_iter()
                .map(|(one, stretch)| (one, Look::In(stretch)));
            let found = self.look(&looks.collect::<Vec<_>>()).await?;
            for ((open, finer), found) in open.iter_mut().zip(steps).zip(found) {
                open.0 = finer;
                open.1.oldest = found.into_iter().chain(open.1.oldest).min();
            }
        }
        Ok(())
    }

    /// Gives what a pilot found to those of its kin that have data soon after it and none before:
    /// one look for all of them, instead of a search.
    async fn follow(
        &mut self,
        searches: &mut [&mut Search<'_>],
        pilots: &BTreeMap<String, Search<'_>>,
    ) -> Result<(), Fault> {
        let present = self.present();
        let led: Vec<_> = searches
            .iter()
            .enumerate()
            .filter_map(|(index, search)| {
                let oldest = pilots.get(&search.kin)?.oldest?;
                Some((index, oldest, search.beside(oldest, present)?))
            })
            .collect();
        let looks = led
            .iter()
            .map(|&(index, _, look)| (&*searches[index], look));
        let found = self.look(&looks.collect::<Vec<_>>()).await?;
        for ((index, oldest, _), found) in led.into_iter().zip(found) {
            searches[index].oldest = found.map(|_| oldest);
        }
        Ok(())
    }

    /// Looks for a sample of each: the oldest in a stretch.
    async fn look(
        &mut self,
        looks: &[(&Search<'_>, Look)],
    ) -> Result<Vec<Option<Timestamp>>, Fault> {
        let mut found = vec![None; looks.len()];
        self.look_in_records(looks, &mut found).await?;
        self.look_in_counters(looks, &mut found).await?;
        Ok(found)
    }

    /// Those that are one series of many that a selector has: thousands of them are one question,
    /// whose answer is read series by series.
    async fn look_in_records(
        &mut self,
        looks: &[(&Search<'_>, Look)],
        found: &mut [Option<Timestamp>],
    ) -> Result<(), Fault> {
        let mut alike: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (place, (search, look)) in looks.iter().enumerate() {
            if search.labels.is_some() {
                let places = alike.entry((&search.selectors, *look)).or_default();
                places.push(place);
            }
        }
        let whose = alike.into_values().filter_map(|places| {
            let (search, look) = looks[*places.first()?];
            let query = search.queries(look).pop()?;
            let mut own: HashMap<&Labels, Vec<usize>> = HashMap::with_capacity(places.len());
            for place in places {
                own.entry(looks[place].0.labels?).or_default().push(place);
            }
            Some((query, own))
        });
        for batch in promql::batches(whose, EXPRESSIONS, |(query, _)| query.len()) {
            let query = promql::together(batch.iter().map(|(query, _)| query.as_str()));
            let each = |mut metric: Metric, value: f64| {
                let number = promql::answered(&metric.labels, batch.len());
                metric.labels.remove(promql::TAG);
                let whose = number.and_then(|number| batch.get(number));
                let whose = whose.and_then(|(_, own)| own.get(&metric.labels));
                for &place in whose.into_iter().flatten() {
                    found[place] = found[place].or(moment(value));
                }
            };
            match self.api.each(&query, self.ask.at, each).await {
                // What is refused is not known, and is told of where numbers are asked for.
                Err(fault) if fault.kind != FaultKind::Query => return Err(fault),
                answer => self.is_unsure |= answer.map_or(true, |answer| answer.partial),
            }
        }
        Ok(())
    }

    /// Those that have selectors of their own.
    async fn look_in_counters(
        &mut self,
        looks: &[(&Search<'_>, Look)],
        found: &mut [Option<Timestamp>],
    ) -> Result<(), Fault> {
        let looks = looks.iter().zip(found);
        let looks: Vec<_> = looks
            .filter(|((search, _), _)| search.labels.is_none())
            .map(|((search, look), found)| (search.queries(*look), found))
            .collect();
        let questions: Vec<_> = looks
            .iter()
            .flat_map(|(queries, _)| queries)
            .map(|query| Question { query, class: 0 })
            .collect();
        let (api, ask) = (self.api, self.ask);
        let answers = self
            .planner
            .ask(&questions, EXPRESSIONS, ask.moment(), |query| async move {
                api.query(&query, ask.at).await
            })
            .await?;
        if let Some(fault) = answers.broken {
            return Err(fault);
        }
        let mut next = 0;
        for (queries, found) in looks {
            let questions = next..next + queries.len();
            next = questions.end;
            let is_unsure = |one| answers.get(one).is_err() || answers.is_partial(one);
            self.is_unsure |= questions.clone().any(is_unsure);
            let times = questions.filter_map(|one| {
                let series = answers.get(one).ok()?;
                moment(series.first()?.value)
            });
            *found = times.min();
        }
        Ok(())
    }

    /// The present by the server's own clock.
    fn present(&self) -> Timestamp {
        let present = self.ask.at.or_else(|| self.api.present());
        present.unwrap_or(self.ask.now)
    }
}

/// Seconds of a server as a moment.
fn moment(seconds: f64) -> Option<Timestamp> {
    let since_epoch = SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::from_duration(since_epoch).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rule_reads_outlives_its_record_by_more_than_a_search_may_be_off() {
        let asked = Timestamp::from_second(100_000_000).unwrap();
        let ago = |minutes: Option<i64>| minutes.map(|it| asked - SignedDuration::from_mins(it));
        for (record, behind, is_outlived) in [
            (None, Some(10), true),
            (Some(1), Some(14_400), true),
            (Some(1), Some(2), false),
            (Some(10), Some(14), true),
            (Some(10_000), Some(10_200), false),
            (Some(10_000), Some(11_000), true),
            (Some(10), None, false),
            (None, None, false),
            (Some(20), Some(10), false),
        ] {
            let age = Age {
                asked,
                since: ago(record),
                is_of_records: true,
                behind: ago(behind),
                is_sure: true,
            };
            assert_eq!(age.is_outlived(), is_outlived, "{record:?} {behind:?}");
        }
    }

    #[test]
    fn numbers_without_a_known_age_are_asked_for_it_again_within_a_minute() {
        let asked = Timestamp::from_second(1_000_000).unwrap();
        let is_due = |since, has_numbers, minutes| {
            let age = Age {
                asked,
                since,
                is_of_records: false,
                behind: None,
                is_sure: true,
            };
            age.is_due(asked + SignedDuration::from_mins(minutes), || has_numbers)
        };
        assert!(is_due(None, true, 1) && !is_due(None, true, 0));
        assert!(is_due(None, false, 5) && !is_due(None, false, 4));
        assert!(is_due(Some(asked), true, 60) && !is_due(Some(asked), true, 59));
        assert!(is_due(Some(asked), true, -1), "a clock that stepped back");
    }
}
