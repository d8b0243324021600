//! Asks the server for the ratios it has not recorded, many in one query, each at its own cadence.

use std::collections::{BTreeSet, HashMap};

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use super::api::{Answered, Api, Series};
use super::plan::{Formula, Plan, Span};
use super::promql;
use crate::domain::{Fault, FaultKind, Reading, Sample, Window, window};
use crate::source::Ask;
use crate::text::Untrusted;

/// Ratios a query: two expressions each, so some fifty `or`s. The server's cost of joining grows
/// with the square of their number; the cost of a request is that of about ten expressions.
const BATCH: usize = 24;

/// Queries in flight. Prometheus evaluates 20 at once by default and queues the rest.
const IN_FLIGHT: usize = 8;

/// Samples by SLO and span, kept between polls.
#[derive(Default)]
pub(super) struct Meter {
    kept: HashMap<(Untrusted, Span), Sample>,
}

/// What one round of asking came to.
#[derive(Default)]
pub(super) struct Round {
    /// Plans that parts of the data did not answer for, by index.
    pub(super) partial: BTreeSet<usize>,
    pub(super) warnings: Vec<Untrusted>,
    /// The first question that the server refused, while others were answered.
    pub(super) fault: Option<Fault>,
}

/// A ratio that is due: plan by index, and span.
type Want = (usize, Span);

impl Meter {
    /// What is known of a span of an SLO.
    pub(super) fn sample(&self, id: &Untrusted, span: Span) -> Option<Sample> {
        self.kept.get(&(id.clone(), span)).copied()
    }

    /// Asks for everything that is due. Fails as a whole only when the server does not
    /// answer; a question that it refuses leaves its own reading unknown.
    pub(super) async fn measure(
        &mut self,
        api: &Api,
        plans: &[Plan],
        ask: &Ask,
    ) -> Result<Round, Fault> {
        let at = ask.moment();
        let ids: Vec<_> = plans.iter().map(|plan| plan.slo.id()).collect();
        let known: BTreeSet<_> = ids.iter().collect();
        self.kept.retain(|(id, _), _| known.contains(id));

        let mut round = Round::default();
        let mut batches = self.due(plans, &ids, at);
        while !batches.is_empty() {
            let answers: Vec<_> = stream::iter(batches.drain(..).map(|batch| async {
                let query = joined(plans, &batch);
                let answer = api.query(&query, ask.at).await;
                (batch, answer)
            }))
            .buffer_unordered(IN_FLIGHT)
            .collect()
            .await;
            for (batch, answer) in answers {
                match answer {
                    Ok(answer) => {
                        if answer.partial {
                            round.partial.extend(batch.iter().map(|(plan, _)| *plan));
                        }
                        round.warnings.extend(answer.warnings.iter().cloned());
                        for (want, read) in batch.iter().zip(read(plans, &batch, &answer, at)) {
                            self.keep(&ids, *want, read, at, &mut round);
                        }
                    }
                    // One bad expression spoils its whole batch: halve until it stands alone.
                    Err(fault) if fault.kind == FaultKind::Query && batch.len() > 1 => {
                        let (front, back) = batch.split_at(batch.len() / 2);
                        batches.extend([front.to_vec(), back.to_vec()]);
                    }
                    Err(fault) if fault.kind == FaultKind::Query => {
                        self.keep(&ids, batch[0], Err(fault), at, &mut round);
                    }
                    Err(fault) => return Err(fault),
                }
            }
        }
        Ok(round)
    }

    fn keep(
        &mut self,
        ids: &[Untrusted],
        (plan, span): Want,
        read: Result<Sample, Fault>,
        at: Timestamp,
        round: &mut Round,
    ) {
        let sample = read.unwrap_or_else(|fault| {
            let message = format!("{}: {}", ids[plan].raw(), fault.message.raw());
            round.fault.get_or_insert(Fault {
                message: message.into(),
                ..fault
            });
            Sample {
                reading: Reading::Unknown,
                events: None,
                at,
            }
        });
        self.kept.insert((ids[plan].clone(), span), sample);
    }

    /// What has to be asked, short windows first, in batches.
    fn due(&self, plans: &[Plan], ids: &[Untrusted], at: Timestamp) -> Vec<Vec<Want>> {
        let mut wants: Vec<Want> = Vec::new();
        for (index, plan) in plans.iter().enumerate() {
            let due = plan.asked.keys().copied().filter(|&span| {
                self.sample(&ids[index], span).is_none_or(|sample| {
                    sample.reading == Reading::Unknown
                        || window::age(sample.at, at) >= cadence(span)
                        || sample.at > at
                })
            });
            wants.extend(due.map(|span| (index, span)));
        }
        wants.sort_by_key(|(_, span)| *span);
        promql::batches(wants, BATCH, |want| {
            let queries = formula(plans, want)
                .map(Formula::queries)
                .unwrap_or_default();
            queries.iter().map(|query| query.len()).sum()
        })
    }
}

/// How often a span is worth asking: a long window moves slowly, and reading it is dear.
fn cadence(span: Span) -> SignedDuration {
    match span {
        Span::Window(window) if window <= Window::hours(6) => SignedDuration::ZERO,
        Span::Window(window) if window <= Window::days(3) => SignedDuration::from_mins(1),
        Span::Window(_) | Span::Period => SignedDuration::from_mins(5),
    }
}

fn formula<'a>(plans: &'a [Plan], (plan, span): &Want) -> Option<&'a Formula> {
    plans[*plan].asked.get(span)
}

/// All expressions of a batch in one query, in the order of [`Formula::queries`].
fn joined(plans: &[Plan], batch: &[Want]) -> String {
    let formulas = batch.iter().filter_map(|want| formula(plans, want));
    promql::joined(formulas.flat_map(Formula::queries))
}

/// The answers, in the order of the batch.
fn read<'a>(
    plans: &'a [Plan],
    batch: &'a [Want],
    answer: &Answered<Vec<Series>>,
    at: Timestamp,
) -> impl Iterator<Item = Result<Sample, Fault>> {
    let mut by_tag: HashMap<usize, Vec<&Series>> = HashMap::new();
    for series in &answer.data {
        if let Some(tag) = series
            .labels
            .get(promql::TAG)
            .and_then(|tag| tag.parse().ok())
        {
            by_tag.entry(tag).or_default().push(series);
        }
    }
    let mut next_tag = 0;
    batch.iter().filter_map(move |want| {
        let plan = &plans[want.0];
        let formula = formula(plans, want)?;
        let tags = next_tag..next_tag + formula.queries().len();
        next_tag = tags.end;
        let one = |tag| single(plan, by_tag.get(&tag).map_or(&[][..], Vec::as_slice));
        let answers: Result<Vec<_>, _> = tags.map(one).collect();
        Some(answers.map(|answers| {
            let (reading, events) = formula.read(&mut answers.into_iter());
            Sample {
                reading,
                events,
                at,
            }
        }))
    })
}

/// The one value that belongs to this SLO, if there is any.
fn single(plan: &Plan, series: &[&Series]) -> Result<Option<f64>, Fault> {
    // What a person wrote must be one number; what a rule says may be one a group.
    let by_hand = plan.labels.is_empty();
    let mut mine = series
        .iter()
        .filter(|series| by_hand || plan.owns(&series.labels));
    let first = mine.next();
    let others = mine.count();
    if others > 0 {
        return Err(Fault::new(
            FaultKind::Query,
            format!(
                "its query answers with {} series; wrap it in sum(…)",
                others + 1
            ),
        ));
    }
    Ok(first.map(|series| series.value))
}
