//! Times whose samples are further apart than those of the present: older data is often thinned out.
//!
//! Steps that have no two samples in their window are asked for again, over a window that fits the
//! samples of that time. Where there are none at all the steps stay unknown.

use std::collections::BTreeMap;
use std::ops::Range as Places;

use super::grid::Grid;
use super::samples::usual_at_least;
use super::{course, samples, width};
use crate::domain::past::Steps;
use crate::domain::{Fault, Window};
use crate::source::Ask;
use crate::source::prometheus::Prometheus;
use crate::source::prometheus::api::{Range, RangeSeries};
use crate::source::prometheus::plan::Formula;
use crate::source::prometheus::planner::{Answers, Question};

/// Steps whose samples are counted together.
const SLOT: usize = 72;
/// So much of the steps may be missing without a second look.
const FEW_MISSING: usize = 100;
/// Expressions joined in a query.
const EXPRESSIONS: usize = 8;
/// Samples further apart are not looked for, in seconds.
const FURTHEST: f64 = 7_200.0;

/// Stretches of steps of one SLO, by the window that fits their samples.
type ByWidth = BTreeMap<Window, Vec<(usize, Places<usize>)>>;

impl Prometheus {
    /// Fills the steps that are missing because samples were further apart then.
    pub(super) async fn fill_coarse(
        &mut self,
        grids: &mut [Option<Grid>],
        steps: Steps,
        ask: &Ask,
    ) -> Result<(), Fault> {
        let lacking: Vec<_> = grids
            .iter()
            .enumerate()
            .filter(|(_, grid)| grid.as_ref().is_some_and(|grid| lacks(grid, steps)))
            .map(|(number, _)| number)
            .collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let slots = self.count_samples(grids, &lacking, steps, ask).await?;
        for (window, stretches) in widths(grids, &slots, steps) {
            for (number, places) in stretches {
                let Some(formula) = self.formula_over(&mut grids[number], window) else {
                    continue;
                };
                let mut formulas = vec![None; grids.len()];
                formulas[number] = Some(formula);
                self.ask_steps(grids, &formulas, (steps, places), ask)
                    .await?;
            }
        }
        for grid in grids.iter_mut().flatten() {
            grid.factor = 1.0;
        }
        Ok(())
    }

    /// How many samples each of these SLOs has in each slot.
    async fn count_samples(
        &mut self,
        grids: &[Option<Grid>],
        lacking: &[usize],
        steps: Steps,
        ask: &Ask,
    ) -> Result<Vec<(usize, Vec<Option<f64>>)>, Fault> {
        let length = slot(steps);
        let slots = steps.len().div_ceil(SLOT);
        let mut owners = Vec::new();
        let mut queries = Vec::new();
        for &number in lacking {
            let Some(grid) = &grids[number] else { continue };
            let place = grid.want.plan;
            let (plan, id) = (&self.plans.all[place], &self.plans.ids[place]);
            for selector in samples::selectors(plan, id) {
                owners.push(number);
                queries.push(format!("max(count_over_time({selector}[{length}]))"));
            }
        }
        let questions: Vec<_> = queries
            .iter()
            .map(|query| Question { query, class: 1 })
            .collect();
        let back = i32::try_from(slots - 1).unwrap_or(i32::MAX);
        let range = Range {
            start: steps.until() - length.duration() * back,
            end: steps.until(),
            step: length.duration(),
        };
        let api = &self.api;
        let answers: Answers<RangeSeries> = self
            .planner
            .ask(&questions, EXPRESSIONS, ask.moment(), |query| async move {
                api.query_range(&query, range).await
            })
            .await?;
        let grid = Steps::new(range.start - range.step, range.end, range.step);
        let mut counted: BTreeMap<usize, Vec<Option<f64>>> = BTreeMap::new();
        for (question, owner) in owners.into_iter().enumerate() {
            let counts = counted.entry(owner).or_insert_with(|| vec![None; slots]);
            let series = answers.get(question).ok().and_then(|series| series.first());
            for &(at, count) in series.map_or(&[][..], |series| &series.points) {
                if let Some(slot) = grid.ending_at(at).and_then(|slot| counts.get_mut(slot)) {
                    // What is counted most rarely decides.
                    *slot = Some(slot.map_or(count, |known: f64| known.min(count)));
                }
            }
        }
        Ok(counted.into_iter().collect())
    }

    /// What one SLO is asked for over another window, and how its values are made those of its own.
    fn formula_over(&self, grid: &mut Option<Grid>, window: Window) -> Option<Formula> {
        let grid = grid.as_mut()?;
        let place = grid.want.plan;
        let (plan, id) = (&self.plans.all[place], &self.plans.ids[place]);
        let want = course::want(id, place, plan, window)?;
        let is_counted = matches!(&want.formula, Formula::Events(ratio) if ratio.counts);
        let lengths =
            grid.want.width.duration().as_secs_f64() / want.width.duration().as_secs_f64();
        grid.factor = if is_counted { lengths } else { 1.0 };
        (want.formula != grid.want.formula).then_some(want.formula)
    }
}

/// The length of a slot.
fn slot(steps: Steps) -> Window {
    let seconds = u64::try_from(steps.step().as_secs()).unwrap_or(1);
    let slot = u64::try_from(SLOT).unwrap_or(1);
    Window::from_seconds(seconds.saturating_mul(slot)).unwrap_or(Window::hours(6))
}

/// True where more steps are missing than single scrapes that failed.
fn lacks(grid: &Grid, steps: Steps) -> bool {
    let missing = (0..steps.len()).filter(|step| !grid.is_known(*step));
    missing.count() * FEW_MISSING > steps.len()
}

/// The stretches of steps that a wider window may fill.
fn widths(grids: &[Option<Grid>], slots: &[(usize, Vec<Option<f64>>)], steps: Steps) -> ByWidth {
    let mut found = ByWidth::new();
    let length = f64::from(slot(steps).seconds());
    for (number, counts) in slots {
        let Some(grid) = &grids[*number] else {
            continue;
        };
        for (slot, count) in counts.iter().enumerate() {
            // Slots end where the last step does.
            let end = steps.len() - (counts.len() - 1 - slot) * SLOT;
            let places = end.saturating_sub(SLOT)..end;
            let missing = places.clone().filter(|step| !grid.is_known(*step));
            let (Some(count), true) = (count, missing.count() * 10 > places.len()) else {
                continue;
            };
            let seconds = length / count.max(1.0);
            let interval = usual_at_least(seconds).filter(|_| seconds <= FURTHEST);
            let wider = interval.and_then(|interval| width(steps.step(), Some(interval)));
            let Some(wider) = wider.filter(|wider| *wider > grid.want.width) else {
                continue;
            };
            let stretches = found.entry(wider).or_default();
            match stretches.last_mut() {
                Some((owner, last)) if *owner == *number && last.end == places.start => {
                    last.end = places.end;
                }
                _ => stretches.push((*number, places)),
            }
        }
    }
    found
}
