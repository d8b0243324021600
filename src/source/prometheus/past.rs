//! Bad and all events of SLOs in steps of past time, for policies, verdicts on releases and reports.
//!
//! Each step is measured over its own length and the distance of two samples: `increase` stretches
//! what lies between the first and the last sample to the whole window, so a window longer by one
//! distance holds just the growth of one step. What is recorded is asked of the counters behind
//! the rule, where the rule is known; else the shortest recorded ratio is read.
//!
//! A server answers with 11,000 points at most, so a long time is asked for in parts.

use std::ops::Range as Places;

use jiff::{SignedDuration, Timestamp};

use self::grid::{Grid, Scale};
use self::samples::Samples;
use super::Prometheus;
use super::absence::{self, Absences, Meaning, Place};
use super::api::{self, Range};
use super::course;
use super::plan::{Formula, Value};
use super::planner::Question;
use super::poll_notes::PollNotes;
use crate::domain::past::{PastEvents, PastQuestion, Steps};
use crate::domain::{Fault, FaultKind, Window};
use crate::source::{Ask, no_such_slo};

mod coarse;
mod grid;
mod samples;

/// Points of one answer: a week in steps of five minutes.
const MAX_POINTS: usize = 2_016;
/// Expressions joined in a query over a range.
const EXPRESSIONS: usize = 8;

/// When the server answered, by its own clock.
#[derive(Clone, Copy)]
struct Dated {
    present: Option<Timestamp>,
    answered: Option<Timestamp>,
}

/// Cache between two questions.
#[derive(Default)]
pub(super) struct Past {
    absences: Absences,
}

impl Prometheus {
    /// The past of each of these SLOs.
    pub(super) async fn find_past(
        &mut self,
        ask: &Ask,
        question: &PastQuestion,
    ) -> Result<Vec<Result<PastEvents, Fault>>, Fault> {
        self.api.choose(ask.at).await?;
        if self.plans.all.is_empty() {
            let mut notes = PollNotes::default();
            self.plan(ask, &mut notes).await?;
            self.check_series(ask, &mut notes).await;
        }
        let places: Vec<_> = question
            .slos
            .iter()
            .map(|ids| {
                let mut known = self.plans.ids.iter();
                let place = known.position(|id| ids.contains(id));
                let place = place.ok_or_else(|| no_such_slo(ids))?;
                match &self.plans.all[place].doubt {
                    Some(doubt) => Err(Fault::new(FaultKind::Query, doubt.words.clone())),
                    None => Ok(place),
                }
            })
            .collect();
        let asked: Vec<_> = places.iter().flatten().copied().collect();
        let answered = self.api.present().filter(|_| ask.at.is_none());
        let is_past = ask.at.is_some() || question.steps.until().as_second() < ask.now.as_second();
        let dated = Dated {
            present: if is_past {
                None
            } else {
                self.present_of(ask).await?
            },
            answered,
        };
        let mut server = samples::Server {
            api: &self.api,
            planner: &mut self.planner,
            plans: (&self.plans.all, &self.plans.ids),
        };
        let samples = server.look(&asked, question.steps, ask).await?;
        let mut grids = self.grids(&asked, &samples, question.steps);
        self.fill(&mut grids, question.steps, ask).await?;
        self.fill_coarse(&mut grids, question.steps, ask).await?;
        self.look_up_absences(&grids, ask).await;
        let mut found = grids.into_iter().zip(samples);
        let answers = places.into_iter().map(|place| {
            let place = place?;
            let (grid, samples) = found.next().ok_or_else(unmeasurable)?;
            let grid = grid.ok_or_else(unmeasurable)?;
            Ok(self.past_of(place, grid, (&samples, dated), question.steps))
        });
        Ok(answers.collect())
    }

    /// The present by the server's clock. No cache can have the answer: the question is another each
    /// time.
    async fn present_of(&self, ask: &Ask) -> Result<Option<Timestamp>, Fault> {
        let nonce = ask.now.as_nanosecond();
        let query = format!("vector(time()) + 0 * {nonce}");
        let answer = self.api.query(&query, None).await?;
        let seconds = answer.data.first().map(|series| series.value);
        Ok(seconds.and_then(api::moment))
    }

    /// How each of these plans is asked for; `None` for one that cannot be.
    fn grids(&self, asked: &[usize], samples: &[Samples], steps: Steps) -> Vec<Option<Grid>> {
        let each = asked.iter().zip(samples);
        each.map(|(&place, samples)| {
            let (plan, id) = (&self.plans.all[place], &self.plans.ids[place]);
            let width = width(steps.step(), samples.interval)?;
            let want = course::want(id, place, plan, width)?;
            let count = want.formula.count();
            Some(Grid {
                want,
                values: vec![vec![None; steps.len()]; count],
                factor: 1.0,
                partial: samples.partial,
                reasons: Vec::new(),
            })
        })
        .collect()
    }

    /// Asks for all steps.
    async fn fill(
        &mut self,
        grids: &mut [Option<Grid>],
        steps: Steps,
        ask: &Ask,
    ) -> Result<(), Fault> {
        let wants: Vec<_> = grids
            .iter()
            .map(|grid| Some(grid.as_ref()?.want.formula.clone()))
            .collect();
        self.ask_steps(grids, &wants, (steps, 0..steps.len()), ask)
            .await
    }

    /// Asks for some of the steps, each SLO by its formula, in parts that one answer can hold. What is
    /// known already stays. A part that is refused leaves its steps unknown.
    async fn ask_steps(
        &mut self,
        grids: &mut [Option<Grid>],
        formulas: &[Option<Formula>],
        (steps, places): (Steps, Places<usize>),
        ask: &Ask,
    ) -> Result<(), Fault> {
        let queries = formulas.iter().flatten().flat_map(Formula::queries);
        let questions: Vec<_> = queries.map(|query| Question { query, class: 0 }).collect();
        if questions.is_empty() {
            return Ok(());
        }
        for first in places.clone().step_by(MAX_POINTS) {
            let last = (first + MAX_POINTS).min(places.end) - 1;
            let range = Range {
                start: steps.end(first),
                end: steps.end(last),
                step: steps.step(),
            };
            let api = &self.api;
            let answers = self
                .planner
                .ask(&questions, EXPRESSIONS, ask.moment(), |query| async move {
                    api.query_range(&query, range).await
                })
                .await?;
            let mut next = 0;
            for (grid, formula) in grids.iter_mut().zip(formulas) {
                let (Some(grid), Some(_)) = (grid, formula) else {
                    continue;
                };
                let plan = &self.plans.all[grid.want.plan];
                for number in 0..grid.values.len() {
                    grid.take(number, plan, (&answers, next), steps);
                    next += 1;
                }
            }
            if let Some(fault) = answers.broken {
                return Err(fault);
            }
        }
        Ok(())
    }

    /// Looks up what it means that a query for bad or good events has no series in steps with events.
    async fn look_up_absences(&mut self, grids: &[Option<Grid>], ask: &Ask) {
        let empties: Vec<_> = grids.iter().flatten().flat_map(Grid::empties).collect();
        let server = absence::Server {
            api: &self.api,
            planner: &mut self.planner,
            ask,
        };
        let plans = (&*self.plans.all, &*self.plans.ids);
        self.past.absences.look(server, plans, empties).await;
    }

    /// The past of one SLO, from the answers.
    fn past_of(
        &self,
        place: usize,
        grid: Grid,
        (samples, dated): (&Samples, Dated),
        steps: Steps,
    ) -> PastEvents {
        let (plan, id) = (&self.plans.all[place], &self.plans.ids[place]);
        let Grid {
            want,
            values,
            partial,
            mut reasons,
            ..
        } = grid;
        let roles = want.formula.roles();
        let meaning = |number| {
            let place = Place::Asked {
                is_period: false,
                number,
            };
            self.past.absences.meaning(id, place)
        };
        let absent: Vec<_> = roles
            .iter()
            .enumerate()
            .map(|(number, &(role, query, _))| {
                meaning(number).map_or_else(|| Value::absent(role, query), Meaning::value)
            })
            .collect();
        let told = (0..roles.len()).filter_map(|number| meaning(number)?.reason().cloned());
        reasons.extend(told);
        let scale = Scale::new(&want.formula, want.width, steps);
        let mut events: Vec<_> = (0..steps.len())
            .map(|step| {
                let numbers = values.iter().zip(&absent);
                let numbers = numbers.map(|(values, absent)| (values[step], *absent));
                scale.read(&want.formula, &numbers.collect::<Vec<_>>())
            })
            .collect();
        let silent = self.meter.silent(plan, id);
        let dropped = samples
            .dropped
            .iter()
            .map(|label| samples::no_longer(label));
        let missing = silent.reason().cloned().into_iter().chain(dropped);
        reasons.splice(0..0, missing);
        if matches!(silent, Meaning::Missing(_)) {
            events.fill(None);
        }
        PastEvents {
            slo: plan.slo.clone(),
            steps,
            events,
            width: want.width.duration(),
            counted: scale.counted,
            partial,
            newest: samples.newest,
            present: dated.present,
            answered: dated.answered,
            queries: want.formula.named_queries(want.width),
            reasons,
        }
    }
}

fn unmeasurable() -> Fault {
    Fault::new(
        FaultKind::NoHistory,
        "neither counters nor a recorded ratio of it are known, so nothing tells its past",
    )
}

/// How long the window of each step is. A second less than a step and the distance of two samples: a
/// sample on either end of it would be one too many.
fn width(step: SignedDuration, interval: Option<SignedDuration>) -> Option<Window> {
    let (step, interval) = (step.as_secs(), interval.unwrap_or_default().as_secs());
    let width = if interval <= step {
        step + (interval - 1).max(0)
    } else {
        interval * 2 - 1
    };
    Window::from_seconds(u64::try_from(width).ok()?)
}

#[cfg(test)]
mod tests;
