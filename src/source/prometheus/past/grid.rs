//! The answers to the queries of an SLO, step by step, and the events that they make.

use crate::domain::past::Steps;
use crate::domain::{Events, Reading, Reason, ReasonCode, Window};
use crate::source::prometheus::absence::{Empty, Place};
use crate::source::prometheus::api::RangeSeries;
use crate::source::prometheus::course::Want;
use crate::source::prometheus::measure::SUM;
use crate::source::prometheus::plan::{Formula, Plan, Role, Trend, Value};
use crate::source::prometheus::planner::Answers;

/// The answers to the queries of one SLO, step by step.
pub(super) struct Grid {
    pub(super) want: Want,
    /// One a query, each a value a step.
    pub(super) values: Vec<Vec<Option<f64>>>,
    /// What a value that is taken now is multiplied with: it may be of another window.
    pub(super) factor: f64,
    pub(super) partial: bool,
    pub(super) reasons: Vec<Reason>,
}

impl Grid {
    /// Takes the answer to a query of it, by its number, for some of the steps.
    pub(super) fn take(
        &mut self,
        number: usize,
        plan: &Plan,
        (answers, question): (&Answers<RangeSeries>, usize),
        steps: Steps,
    ) {
        self.partial |= answers.is_partial(question);
        let series = match answers.get(question) {
            Ok(series) => series,
            Err(fault) => {
                let reason = Reason::of_fault(fault);
                if !self.reasons.contains(&reason) {
                    self.reasons.push(reason);
                }
                return;
            }
        };
        let series = match own(series, plan) {
            Ok(series) => series,
            Err(reason) => {
                if !self.reasons.contains(&reason) {
                    self.reasons.push(reason);
                }
                return;
            }
        };
        for &(at, value) in series.map_or(&[][..], |series| &series.points) {
            if let Some(step) = steps.ending_at(at) {
                let kept = &mut self.values[number][step];
                *kept = kept.or(Some(value * self.factor));
            }
        }
    }

    /// True for a step of which all events are known.
    pub(super) fn is_known(&self, step: usize) -> bool {
        let mut values = self.values.iter();
        // All events stand behind the part of them; a ratio stands alone.
        values
            .next_back()
            .is_some_and(|values| values[step].is_some())
    }

    /// Its queries for bad or good events without series in steps that have events.
    pub(super) fn empties(&self) -> Vec<Empty<'_>> {
        let roles = self.want.formula.roles().into_iter().enumerate();
        let empty = roles.filter(|(number, (role, ..))| {
            let Some(total) = self.values.get(number + 1) else {
                return false;
            };
            let mut each = self.values[*number].iter().zip(total);
            let is_part = matches!(role, Role::Bad | Role::Good);
            is_part && each.any(|(part, total)| part.is_none() && total.is_some_and(|n| n != 0.0))
        });
        empty
            .map(|(number, (role, query, total))| Empty {
                plan: self.want.plan,
                place: Place::Asked {
                    is_period: false,
                    number,
                },
                query,
                role,
                total,
            })
            .collect()
    }
}

/// How the events of a step follow from what was measured over a longer time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// True where events are counted; else only their share is known.
    pub(super) counted: bool,
    /// True where the queries count events; false where they give rates.
    counts: bool,
    /// Of what was counted over the window.
    share: f64,
    /// The length of a step in seconds.
    seconds: f64,
}

impl Scale {
    pub(super) fn new(formula: &Formula, width: Window, steps: Steps) -> Self {
        let (counted, counts) = match formula {
            Formula::Events(ratio) => (true, ratio.counts),
            Formula::Direct { .. } | Formula::Weighted(_) => (false, false),
        };
        let seconds = steps.step().as_secs_f64();
        Self {
            counted,
            counts,
            share: seconds / width.duration().as_secs_f64(),
            seconds,
        }
    }

    /// The events of one step, by the value of each query and what its absence means.
    pub(super) fn read(
        self,
        formula: &Formula,
        numbers: &[(Option<f64>, Value)],
    ) -> Option<Events> {
        let each = |&(number, absent): &(Option<f64>, Value)| number.map_or(absent, Value::Number);
        let (reading, _) = formula.read(&mut numbers.iter().map(each));
        let ratio = match reading {
            Reading::Ratio(ratio) => ratio.clamp(0.0, 1.0),
            Reading::NoTraffic => {
                return Some(Events {
                    bad: 0.0,
                    total: 0.0,
                });
            }
            Reading::NoSeries | Reading::Unknown => return None,
        };
        if !self.counted {
            return Some(Events {
                bad: ratio,
                total: 1.0,
            });
        }
        let total = numbers.get(1)?.0?;
        let total = total
            * if self.counts {
                self.share
            } else {
                self.seconds
            };
        (total.is_finite() && total >= 0.0).then_some(Events {
            bad: ratio * total,
            total,
        })
    }
}

/// The one series that belongs to an SLO, if there is any.
fn own<'a>(series: &'a [RangeSeries], plan: &Plan) -> Result<Option<&'a RangeSeries>, Reason> {
    if let Trend::Recorded { labels, .. } = &plan.trend
        && let Some(own) = series.iter().find(|series| series.labels == *labels)
    {
        return Ok(Some(own));
    }
    let by_hand = plan.labels.is_empty();
    let is_own = |series: &&RangeSeries| by_hand || plan.owns(&series.labels);
    let mut mine = series.iter().filter(is_own);
    let first = mine.next();
    let others = mine.count();
    if others == 0 {
        return Ok(first);
    }
    let count = others + 1;
    Err(Reason::new(
        ReasonCode::SeveralSeries,
        count.to_string(),
        format!("its query answers with {count} series, and one is wanted: {SUM}"),
    ))
}
