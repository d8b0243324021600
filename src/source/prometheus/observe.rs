//! What is known of each SLO after a poll: its samples, what was added to them, and why any is not
//! exact.

use std::sync::Arc;

use jiff::Timestamp;

use super::absence::Meaning;
use super::by_hand::ByHand;
use super::measure::{Meter, Round};
use super::plan::{Plan, Span};
use super::plans::Plans;
use super::poll_notes::PollNotes;
use super::{Prometheus, births};
use crate::domain::slo::History;
use crate::domain::{Fault, Observation, Reading, Reason, ReasonCode, Sample};
use crate::source::Ask;
use crate::text::Untrusted;

/// Why what a rule recorded is not used.
pub(super) const RECORDED_NO_RATIO: &str = "what is recorded of it is no error ratio";

impl Prometheus {
    /// Has periods counted by the rules behind them where their records are younger than what these
    /// rules read; gives those that were not counted so before, by index.
    pub(super) fn recount(&mut self) -> Vec<usize> {
        let Plans { all, ids, .. } = &mut self.plans;
        let mut begun = Vec::new();
        for (index, (plan, id)) in all.iter_mut().zip(ids.iter()).enumerate() {
            let was_counted = plan.recounted;
            plan.recount(self.ages.outlive(id));
            if plan.recounted && !was_counted {
                begun.push(index);
            }
        }
        begun
    }

    /// Asks for the periods of these plans alone.
    pub(super) async fn measure_periods(
        &mut self,
        which: &[usize],
        ask: &Ask,
    ) -> Result<Round, Fault> {
        if which.is_empty() {
            return Ok(Round::default());
        }
        let period_of = |&index: &usize| {
            let mut plan = self.plans.all[index].clone();
            plan.asked.retain(|span, _| *span == Span::Period);
            (plan, self.plans.ids[index].clone())
        };
        let (plans, ids): (Vec<_>, Vec<_>) = which.iter().map(period_of).unzip();
        let mut apart = Meter::default();
        let asked = apart.measure(&self.api, &mut self.planner, (&plans, &ids), ask);
        let mut round = asked.await?;
        self.meter.take(apart);
        round.partial = round
            .partial
            .into_iter()
            .map(|index| which[index])
            .collect();
        Ok(round)
    }

    pub(super) fn observe(
        &self,
        (plan, id): (&Plan, &Untrusted),
        at: Timestamp,
        partial: bool,
    ) -> Observation {
        let slo = &plan.slo;
        let mut lower_bounds = Vec::new();
        let mut sample = |span| {
            let sample = self.sample(plan, id, span, at);
            let Some((raised, bound)) = self.births.raise(id, span, sample) else {
                return sample;
            };
            lower_bounds.push(bound);
            raised
        };
        let windows = slo.windows().into_iter();
        let windows = windows
            .map(|window| (window, sample(Span::Window(window))))
            .collect();
        let elapsed = slo.period.elapsed(at, &plan.zone).duration();
        let period = sample(Span::Period);
        // Numbers without a sample that is old enough to be found.
        let is_new = period.reading.ratio().is_some() && self.ages.is_new(id);
        let since = self.ages.since(id, at, elapsed);
        let mut seen = Observation {
            windows,
            period: Some(period),
            period_length: slo.period.length(at, &plan.zone),
            period_elapsed: elapsed,
            since: since.or(is_new.then_some(at)),
            history: self.trends.course(id),
            courses: Arc::default(),
            partial,
            reasons: Arc::default(),
            lower_bounds: lower_bounds.into(),
            at,
            slo: Arc::clone(slo),
        };
        seen.reasons = self.reasons(plan, id, &seen);
        // A chart of what cannot be counted would be a line at 0.
        if seen.reasons.iter().any(|reason| reason.code.is_missing()) {
            seen.history = History::default();
        }
        seen
    }

    /// Looks for what the numbers do not show: series that began in a window, and windows that can hold
    /// no increase. What cannot be found out leaves the numbers as they are.
    pub(super) async fn look_closer(&mut self, ask: &Ask, in_haste: bool, notes: &mut PollNotes) {
        let alone = (self.plans.all.as_slice(), self.plans.ids.as_slice());
        let subject = births::Subject {
            api: &self.api,
            plans: alone.0,
            ids: alone.1,
            edition: Some(self.plans.edition),
            meter: &self.meter,
            ages: &self.ages,
            ask,
            in_haste,
        };
        let looked = self.births.refresh(&subject).await;
        notes.warn(looked.err().map(|fault| {
            let reason = fault.message.raw();
            Untrusted::from(format!(
                "series that began in a window were not looked for: {reason}"
            ))
        }));
        if in_haste {
            return;
        }
        let counted = self
            .soundness
            .look_for_sparse(&self.api, alone, &self.meter, ask, false)
            .await;
        notes.warn(counted.err().map(|fault| {
            let reason = fault.message.raw();
            Untrusted::from(format!("samples were not counted: {reason}"))
        }));
    }

    /// Looks at the series behind SLOs of the configuration, and has their plans count accordingly.
    pub(super) async fn check_series(&mut self, ask: &Ask, notes: &mut PollNotes) {
        // A screen's first round is for what burns.
        if self.meter.is_hasty(&self.plans.all, ask) {
            return;
        }
        let originals: Vec<_> = {
            let planned = self.planned.iter().chain(&self.suggester.planned);
            planned.flat_map(ByHand::plans).collect()
        };
        let Plans {
            all, ids, edition, ..
        } = &mut self.plans;
        let looked = self
            .soundness
            .refresh(&self.api, (all, ids, *edition), &originals, ask);
        notes.warn(looked.await.err().map(|fault| {
            let reason = fault.message.raw();
            Untrusted::from(format!(
                "replicas and uneven targets were not looked for: {reason}"
            ))
        }));
    }

    /// What is recorded of a span, or was measured.
    fn sample(&self, plan: &Plan, id: &Untrusted, span: Span, at: Timestamp) -> Sample {
        let no = |reading| Sample {
            reading,
            events: None,
            at,
        };
        // How far a record of records reaches back is looked for before it is taken for the period.
        let is_undated = plan.has_period_of_records() && !self.ages.has_searched(id);
        if plan.doubt.is_some() || (span == Span::Period && is_undated) {
            return no(Reading::Unknown);
        }
        if matches!(self.meter.silent(plan, id), Meaning::Missing(_)) {
            return no(Reading::Unknown);
        }
        if let Some(given) = plan.given(span) {
            return Sample {
                reading: given.reading(),
                events: given.events(),
                at: at.saturating_sub(given.age()).unwrap_or(at),
            };
        }
        if !plan.asked.contains_key(&span) {
            return no(Reading::NoSeries);
        }
        let known = self.meter.of(id).and_then(|known| known.get(&span));
        known.map_or(no(Reading::Unknown), |kept| kept.sample)
    }

    fn reasons(&self, plan: &Plan, id: &Untrusted, seen: &Observation) -> Arc<[Reason]> {
        let mut reasons = self.meter.reasons(plan, id);
        let silent = self.meter.silent(plan, id);
        let silent = silent.reason().filter(|reason| !reasons.contains(reason));
        reasons.extend(silent.cloned());
        reasons.extend(self.soundness.reasons(id).cloned());
        reasons.extend(seen.why_lower_bounds());
        if let Some(doubt) = &plan.doubt {
            let subject = doubt.several.as_str();
            reasons.insert(
                0,
                Reason::new(ReasonCode::Conflict, subject, doubt.words.as_str()),
            );
        }
        if plan.given.is_broken() {
            reasons.push(Reason::new(ReasonCode::NotARatio, "", RECORDED_NO_RATIO));
        }
        reasons.into()
    }
}
