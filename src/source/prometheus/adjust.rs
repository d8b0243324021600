//! Leaves out of budgets the times that count neither good nor bad.

use jiff::SignedDuration;

use super::Prometheus;
use super::poll_notes::PollNotes;
use crate::domain::past::{PastEvents, PastQuestion};
use crate::domain::policy::BudgetAdjustment;
use crate::domain::{Fault, Observation, window};
use crate::source::{Ask, adjustments, no_such_slo};
use crate::text::Untrusted;

/// What lies so far back does not change any more.
const SETTLED: SignedDuration = SignedDuration::from_mins(10);
/// How often a time that is not over is asked for again.
const CADENCE: SignedDuration = SignedDuration::from_mins(1);

impl Prometheus {
    /// Leaves out of the budget of each SLO what the configuration says. Where the events of that time
    /// cannot be counted, the budget is not known.
    pub(super) async fn adjust(
        &mut self,
        slos: &mut [Observation],
        ask: &Ask,
        notes: &mut PollNotes,
    ) {
        if self.adjustments.is_empty() {
            return;
        }
        for seen in slos {
            let id = seen.slo.id();
            for one in self.adjustments.of_slo(&id) {
                if one.within(seen.period_begin(), seen.at).is_none() {
                    continue;
                }
                match self.events_of(&id, &one, ask).await {
                    Ok(past) => adjustments::apply(seen, &one, &past),
                    Err(fault) => {
                        seen.period = None;
                        notes.faults.push(adjustments::unknown(&id, fault));
                    }
                }
            }
        }
    }

    /// The events of a time that is left out, asked for once it is over.
    async fn events_of(
        &mut self,
        id: &Untrusted,
        one: &BudgetAdjustment,
        ask: &Ask,
    ) -> Result<PastEvents, Fault> {
        let at = ask.moment();
        let key = (id.clone(), one.from);
        if let Some((asked, past)) = self.left_out.get(&key) {
            let is_settled = one.to < *asked && window::age(one.to, *asked) >= SETTLED;
            if is_settled || (*asked <= at && window::age(*asked, at) < CADENCE) {
                return Ok(past.clone());
            }
        }
        let question = PastQuestion {
            slos: vec![vec![id.clone()]],
            steps: adjustments::steps(one, at),
        };
        let mut answers = self.find_past(ask, &question).await?;
        let past = answers.pop();
        let past = past.unwrap_or_else(|| Err(no_such_slo(std::slice::from_ref(id))))?;
        self.left_out.insert(key, (at, past.clone()));
        Ok(past)
    }

    /// The past of SLOs without the times that count neither good nor bad.
    pub(super) async fn adjusted_past(
        &mut self,
        ask: &Ask,
        question: &PastQuestion,
    ) -> Result<Vec<Result<PastEvents, Fault>>, Fault> {
        let mut answers = self.find_past(ask, question).await?;
        for past in answers.iter_mut().flatten() {
            self.adjustments.leave_out(past);
        }
        Ok(answers)
    }
}
