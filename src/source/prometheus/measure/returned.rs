//! What a server returned for each span that was asked for, and what that means.

use jiff::Timestamp;

use super::{Want, unknown};
use crate::domain::{Reading, Reason, ReasonCode, Sample};
use crate::source::prometheus::absence::{Absences, Empty, Meaning, Place};
use crate::source::prometheus::api::Series;
use crate::source::prometheus::plan::{Formula, Plan, Role, Span, Value};
use crate::source::prometheus::planner::Answers;
use crate::text::Untrusted;

/// What was returned for one span of an SLO.
pub(super) struct Returned<'a> {
    pub(super) plan: usize,
    pub(super) span: Span,
    formula: &'a Formula,
    /// A number for each of its queries, where there is one; else why it cannot be read.
    numbers: Result<Vec<Option<f64>>, Reason>,
    pub(super) is_partial: bool,
}

/// What was returned for each ratio that was due.
pub(super) fn returned<'a>(
    plans: &'a [Plan],
    wants: &[Want],
    answers: &Answers<Series>,
) -> Vec<Returned<'a>> {
    let mut next = 0;
    let returned = wants.iter().filter_map(|&(plan, span)| {
        let formula = plans[plan].asked.get(&span)?;
        let questions = next..next + formula.count();
        next = questions.end;
        let is_partial = questions.clone().any(|one| answers.is_partial(one));
        let numbers = questions.map(|question| match answers.get(question) {
            Ok(series) => single(&plans[plan], series),
            Err(fault) => Err(Reason::of_fault(fault)),
        });
        Some(Returned {
            plan,
            span,
            formula,
            numbers: numbers.collect(),
            is_partial,
        })
    });
    returned.collect()
}

impl<'a> Returned<'a> {
    fn place(&self, number: usize) -> Place {
        let is_period = self.span == Span::Period;
        Place::Asked { is_period, number }
    }

    /// Its queries without series, as far as it matters what that means: bad or good events of none
    /// at all are none.
    pub(super) fn empties(&self) -> Vec<Empty<'a>> {
        let Ok(numbers) = &self.numbers else {
            return Vec::new();
        };
        if numbers.iter().all(Option::is_some) {
            return Vec::new();
        }
        let roles = self.formula.roles().into_iter().enumerate();
        let empty = roles.filter(|(number, (role, ..))| {
            let is_part = matches!(role, Role::Bad | Role::Good);
            let total = || numbers.get(number + 1).copied().flatten();
            numbers[*number].is_none() && (!is_part || total().is_some_and(|total| total != 0.0))
        });
        empty
            .map(|(number, (role, query, total))| Empty {
                plan: self.plan,
                place: self.place(number),
                query,
                role,
                total,
            })
            .collect()
    }

    /// What it says, and why that is nothing or not exact.
    pub(super) fn read(
        &self,
        absences: &Absences,
        id: &Untrusted,
        at: Timestamp,
    ) -> (Sample, Option<Reason>) {
        let numbers = match &self.numbers {
            Ok(numbers) => numbers,
            Err(reason) => return (unknown(at), Some(reason.clone())),
        };
        let value = |(number, found): (usize, &Option<f64>)| match found {
            Some(found) => Value::Number(*found),
            None => absences
                .meaning(id, self.place(number))
                .map_or(Value::Nothing, Meaning::value),
        };
        let values: Vec<_> = numbers.iter().enumerate().map(value).collect();
        let (reading, events) = self.formula.read(&mut values.iter().copied());
        let mut told = numbers.iter().enumerate().filter_map(|(number, found)| {
            let meaning = absences.meaning(id, self.place(number))?;
            meaning.reason().filter(|_| found.is_none())
        });
        let is_unknown = reading == Reading::Unknown;
        let reason = match reading {
            Reading::Ratio(_) | Reading::Unknown => {
                told.find(|reason| reason.code.is_estimate() != is_unknown)
            }
            Reading::NoTraffic | Reading::NoSeries => None,
        };
        let reason = reason.cloned().or_else(|| {
            let misfit = || self.formula.misfit(&mut values.iter().copied());
            let text = is_unknown.then(|| misfit().unwrap_or_else(|| NO_RATIO.to_owned()))?;
            Some(Reason::new(ReasonCode::NotARatio, "", text))
        });
        let sample = Sample {
            reading,
            events,
            at,
        };
        (sample, reason)
    }
}

/// Why there is no ratio, where nothing more is known.
const NO_RATIO: &str = "its queries return nothing that makes an error ratio";

/// What to do about a query that answers with several series. The sum of two ratios is none.
pub(in crate::source::prometheus) const SUM: &str =
    "sum what it counts, `sum(…)`; of a fraction each side by itself, `sum(…) / sum(…)`";

/// The one value that belongs to this SLO, if there is any.
pub(in crate::source::prometheus) fn single(
    plan: &Plan,
    series: &[Series],
) -> Result<Option<f64>, Reason> {
    // What a person wrote must be one number; what a rule says may be one a group.
    let by_hand = plan.labels.is_empty();
    let mut mine = series
        .iter()
        .filter(|series| by_hand || plan.owns(&series.labels));
    let first = mine.next();
    let others = mine.count();
    if others > 0 {
        let count = others + 1;
        return Err(Reason::new(
            ReasonCode::SeveralSeries,
            count.to_string(),
            format!("its query answers with {count} series, and one is wanted: {SUM}"),
        ));
    }
    Ok(first.map(|series| series.value))
}
