//! How new and how frequent the samples behind SLOs are, and whether they still have their labels.

use std::ops::Range as Places;

use jiff::{SignedDuration, Timestamp};
use promql_parser::label::{MatchOp, Matcher};

use crate::domain::past::Steps;
use crate::domain::{Fault, Reason, ReasonCode, Window};
use crate::source::Ask;
use crate::source::prometheus::api::{Api, Series, moment};
use crate::source::prometheus::plan::{Formula, Plan, Trend};
use crate::source::prometheus::planner::{Answers, Planner, Question};
use crate::source::prometheus::{course, promql};
use crate::text::Untrusted;

/// Expressions joined in a query.
const EXPRESSIONS: usize = 24;
/// Over so long the samples of a selector are counted: the next where one holds too few.
const SAMPLED: [(&str, f64); 3] = [("15m", 900.0), ("3h", 10_800.0), ("1d", 86_400.0)];
/// So few samples are too few to tell how far two of them are apart.
const FEW_SAMPLES: f64 = 4.0;

/// The newest of an SLO's samples, their distance, and labels without a series.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    pub(super) newest: Option<Timestamp>,
    /// How far two of them are apart.
    pub(super) interval: Option<SignedDuration>,
    /// Labels that bad or good events are selected by, and no series of all events has now.
    pub(super) dropped: Vec<String>,
    pub(super) partial: bool,
}

/// Whom to ask about which plans.
pub(super) struct Server<'a> {
    pub(super) api: &'a Api,
    pub(super) planner: &'a mut Planner,
    /// All plans, and the ids of their SLOs.
    pub(super) plans: (&'a [Plan], &'a [Untrusted]),
}

impl Server<'_> {
    /// Asks how new and how frequent the samples of these plans are, by index.
    pub(super) async fn look(
        &mut self,
        asked: &[usize],
        steps: Steps,
        ask: &Ask,
    ) -> Result<Vec<Samples>, Fault> {
        let mut queries = Vec::new();
        let mut parts: Vec<(Places<usize>, Vec<String>, Places<usize>)> = Vec::new();
        for &place in asked {
            let plan = &self.plans.0[place];
            let first = queries.len();
            for text in selectors(plan, &self.plans.1[place]) {
                queries.push(format!("max(timestamp({text}))"));
                queries.push(format!("max(max_over_time(timestamp({text})[1h:1m]))"));
                let counts = SAMPLED.iter();
                queries.extend(
                    counts.map(|(window, _)| format!("max(count_over_time({text}[{window}]))")),
                );
            }
            let of_samples = first..queries.len();
            let labels = dropping(plan);
            queries.extend(labels.iter().flat_map(|(_, queries)| queries.clone()));
            let of_labels = of_samples.end..queries.len();
            let names = labels.into_iter().map(|(name, _)| name).collect();
            parts.push((of_samples, names, of_labels));
        }
        // The present is that of the server, whose clock its samples are dated by.
        let is_past = ask.at.is_some() || steps.until().as_second() < ask.now.as_second();
        let at = is_past.then(|| steps.until());
        let questions: Vec<_> = queries
            .iter()
            .map(|query| Question { query, class: 1 })
            .collect();
        let api = self.api;
        let answers: Answers<Series> = self
            .planner
            .ask(&questions, EXPRESSIONS, ask.moment(), |query| async move {
                api.query(&query, at).await
            })
            .await?;
        if let Some(fault) = answers.broken {
            return Err(fault);
        }
        let read = parts
            .into_iter()
            .map(|(of_samples, names, of_labels)| samples(&answers, of_samples, names, of_labels));
        Ok(read.collect())
    }
}

/// Selectors of one SLO of which the newest sample is looked for: a mean of many parts has many.
const MAX_SELECTORS: usize = 8;

/// The selectors of what is counted, and of what is recorded of it.
pub(super) fn selectors(plan: &Plan, id: &Untrusted) -> Vec<String> {
    let want = course::want(id, 0, plan, Window::minutes(5));
    let totals = want.iter().flat_map(|want| want.formula.totals());
    let counted = totals.flat_map(promql::selectors);
    let mut texts: Vec<_> = counted.map(|selector| selector.to_string()).collect();
    if matches!(plan.trend, Trend::Recorded { .. }) {
        let recorded = plan.trend.expression();
        let recorded = recorded.iter().flat_map(|text| promql::selectors(text));
        texts.extend(recorded.map(|selector| selector.to_string()));
    }
    texts.sort_unstable();
    texts.dedup();
    texts.truncate(MAX_SELECTORS);
    texts
}

/// Why the events of a label that is gone are not known.
pub(super) fn no_longer(label: &str) -> Reason {
    let text = format!(
        "the series of all events no longer have the label `{label}`, by which bad or good ones are \
         selected: none of these can be counted. Correct the query, or set `absent = \"zero\"` where \
         the label exists on failures only"
    );
    Reason::new(ReasonCode::MissingLabel, label, text)
}

/// For each label that bad or good events are selected by and all events are not, where both are of
/// one metric: how many series of all events there are now, and how many of these have it.
fn dropping(plan: &Plan) -> Vec<(String, [String; 2])> {
    let formula = plan.asked.values().next();
    let Some(Formula::Events(ratio)) = formula.filter(|_| !plan.absent_is_zero) else {
        return Vec::new();
    };
    let totals = promql::selectors(&ratio.total);
    let mut found = Vec::new();
    for part in promql::selectors(ratio.part_query()) {
        let name = promql::of_name(&part);
        let Some(total) = totals.iter().find(|one| promql::of_name(one) == name) else {
            continue;
        };
        for matcher in promql::named_labels(&part).filter(|one| one.name != "le") {
            let label = &matcher.name;
            let mut shared = promql::named_labels(total);
            if shared.any(|one| one.name == *label) {
                continue;
            }
            let mut with = total.clone();
            let named = Matcher::new(MatchOp::NotEqual, label, "");
            with.matchers.matchers.push(named);
            let queries = [format!("count({total})"), format!("count({with})")];
            found.push((label.clone(), queries));
        }
    }
    found.dedup();
    found
}

fn value(answers: &Answers<Series>, question: usize) -> Option<f64> {
    answers.get(question).ok()?.first().map(|one| one.value)
}

/// The answers about the samples of one SLO.
fn samples(
    answers: &Answers<Series>,
    of_samples: Places<usize>,
    names: Vec<String>,
    of_labels: Places<usize>,
) -> Samples {
    let mut read = Samples::default();
    let is_partial = |question| answers.is_partial(question);
    read.partial = of_samples.clone().chain(of_labels.clone()).any(is_partial);
    let each = 2 + SAMPLED.len();
    for (number, first) in of_samples.step_by(each).enumerate() {
        let newest = value(answers, first).or_else(|| value(answers, first + 1));
        let newest = newest.and_then(moment);
        // As old as the selector that has been silent for longest.
        read.newest = match number {
            0 => newest,
            _ => newest.zip(read.newest).map(|(one, other)| one.min(other)),
        };
        let mut counts = SAMPLED.iter().enumerate();
        let interval = counts.find_map(|(number, (_, length))| {
            let count = value(answers, first + 2 + number)?;
            let is_last = number + 1 == SAMPLED.len() && count >= 2.0;
            (count >= FEW_SAMPLES || is_last).then_some(length / count)
        });
        let interval = interval.map(self::interval);
        read.interval = read.interval.max(interval);
    }
    let labels = names.into_iter().zip(of_labels.step_by(2));
    for (name, first) in labels {
        let all = value(answers, first).unwrap_or(0.0);
        let with = value(answers, first + 1).unwrap_or(0.0);
        if all > 0.0 && with == 0.0 {
            read.dropped.push(name);
        }
    }
    read
}

/// Distances that people configure, in seconds.
const USUAL: [f64; 13] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 3_600.0,
];

/// The next usual distance that is not shorter, but for a sample too many; none above an hour.
pub(super) fn usual_at_least(seconds: f64) -> Option<SignedDuration> {
    let mut usual = USUAL.into_iter();
    let usual = usual.find(|usual| *usual >= seconds * 0.95)?;
    SignedDuration::try_from_secs_f64(usual).ok()
}

/// The distance of two samples, by their number in a time: the next usual one where that is near, as a
/// window may begin with a sample too.
pub(super) fn interval(seconds: f64) -> SignedDuration {
    let mut usual = USUAL.into_iter();
    let near = usual.find(|usual| (seconds..=seconds * 1.1).contains(usual));
    let seconds = near.unwrap_or_else(|| seconds.ceil());
    SignedDuration::try_from_secs_f64(seconds).unwrap_or_default()
}
