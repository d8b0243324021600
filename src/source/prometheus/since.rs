//! How old the data behind each SLO is: a period of 30 days over 9 days of data is an estimate.
//!
//! PromQL has no function for a series' first sample, so the time of the newest sample is asked for
//! at some 700 moments of the period, and the least of them is kept: `min_over_time` of `timestamp`
//! in a subquery. That looks at one sample a moment, not at all of them. It finds the first sample
//! to a 720th of the period; what is younger than a day is looked at more closely.
//!
//! What is older than the period does not count. Data that begins late is late whatever the reason:
//! a new service, a short retention, a rule that was added yesterday, a hole where the period begins.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use promql_parser::util::escape_string;

use super::api::{Api, Labels, Series};
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
/// Moments of a period that are looked at.
const MOMENTS: u32 = 720;
/// Younger data is looked at again, at every second minute.
const YOUNG: Window = Window::days(1);
/// Expressions joined in a query: each is read at [`MOMENTS`] moments.
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

/// Where the oldest sample of an SLO is found.
struct Find {
    plan: usize,
    queries: Vec<String>,
    /// The labels of its own series, where a query answers for many.
    labels: Option<Labels>,
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
        ask: &Ask,
    ) -> Result<(), Fault> {
        let at = ask.moment();
        let ids: Vec<_> = plans.iter().map(|plan| plan.slo.id()).collect();
        let known: BTreeSet<_> = ids.iter().collect();
        self.kept.retain(|id, _| known.contains(id));
        let due: Vec<_> = (0..plans.len())
            .filter(|&plan| self.is_due(&ids[plan], at))
            .collect();
        if due.is_empty() {
            return Ok(());
        }
        let whole = |plan: usize| plans[plan].slo.period.elapsed(at, &plans[plan].zone);
        let finds = due
            .iter()
            .map(|&plan| find(plan, &plans[plan], whole(plan)));
        let found = oldest(api, planner, ask, finds.collect()).await?;
        let is_young = |plan: &usize| {
            let since = found.get(plan).copied();
            whole(*plan) > YOUNG
                && since.is_some_and(|since| window::age(since, at) < YOUNG.duration())
        };
        let young = due.iter().copied().filter(is_young);
        let finds = young.map(|plan| find(plan, &plans[plan], YOUNG)).collect();
        let closer = oldest(api, planner, ask, finds).await?;
        for plan in due {
            let since = closer.get(&plan).or(found.get(&plan)).copied();
            let age = Age { asked: at, since };
            self.kept.insert(ids[plan].clone(), age);
        }
        Ok(())
    }

    fn is_due(&self, id: &Untrusted, at: Timestamp) -> bool {
        self.kept.get(id).is_none_or(|known| {
            let cadence = known.since.map_or(CADENCE_OF_NONE, |_| CADENCE);
            known.asked > at || window::age(known.asked, at) >= cadence
        })
    }
}

/// The oldest samples, by plan.
async fn oldest(
    api: &Api,
    planner: &mut Planner,
    ask: &Ask,
    finds: Vec<Find>,
) -> Result<HashMap<usize, Timestamp>, Fault> {
    let questions: Vec<_> = finds
        .iter()
        .flat_map(|find| &find.queries)
        .map(|query| Question { query, class: 0 })
        .collect();
    let answers = planner
        .ask(&questions, EXPRESSIONS, ask.moment(), |query| async move {
            api.query(&query, ask.at).await
        })
        .await?;
    let mut found = HashMap::new();
    let mut next = 0;
    for find in &finds {
        let questions = next..next + find.queries.len();
        next = questions.end;
        let times = questions.filter_map(|question| time(&answers, question, find));
        if let Some(since) = times.min() {
            found.insert(find.plan, since);
        }
    }
    answers.broken.map_or(Ok(found), Err)
}

fn time(answers: &Answers<Series>, question: usize, find: &Find) -> Option<Timestamp> {
    let series = answers.get(question).ok()?;
    let own = series
        .iter()
        .find(|series| find.labels.as_ref().is_none_or(|l| *l == series.labels))?;
    let since_epoch = SignedDuration::try_from_secs_f64(own.value).ok()?;
    Timestamp::from_duration(since_epoch).ok()
}

/// By the recorded series where the ratio is recorded, else by what counts all events.
fn find(plan: usize, of: &Plan, reach: Window) -> Find {
    let minutes = (reach.seconds() / MOMENTS).div_ceil(60).max(1);
    let step = Window::minutes(minutes);
    let times = |selector: &str| format!("min_over_time(timestamp({selector})[{reach}:{step}])");
    if let Trend::Recorded { name, labels, .. } = &of.trend {
        return Find {
            plan,
            queries: vec![times(&format!("{{__name__=\"{}\"}}", escape_string(name)))],
            labels: Some(labels.clone()),
        };
    }
    let totals = of.asked.first_key_value();
    let totals = totals.map_or_else(Vec::new, |(_, formula)| formula.totals());
    let selectors: BTreeSet<_> = totals.into_iter().flat_map(promql::selectors).collect();
    let queries = selectors.iter().map(|one| format!("min({})", times(one)));
    Find {
        plan,
        queries: queries.collect(),
        labels: None,
    }
}
