//! Leaves out of budgets the times that count neither good nor bad.

use jiff::Timestamp;

use super::OpenMetrics;
use crate::domain::past::PastEvents;
use crate::domain::policy::BudgetAdjustment;
use crate::domain::{Facts, Fault, FaultKind, Faults};
use crate::source::adjustments;

impl OpenMetrics {
    /// Leaves out of the budget of each SLO what the configuration says. Where the events of that time
    /// cannot be counted, the budget is not known.
    pub(super) async fn adjust(&self, facts: &mut Facts, now: Timestamp) {
        if self.adjustments.is_empty() {
            return;
        }
        let mut faults = Faults::default();
        faults.extend(facts.fault.take());
        for seen in facts.slos.iter_mut().flatten() {
            let id = seen.slo.id();
            for one in self.adjustments.of_slo(&id) {
                if one.within(seen.period_begin(), seen.at).is_none() {
                    continue;
                }
                let mut slos = self.plan.slos.iter();
                let number = slos.position(|known| known.slo.id() == id);
                match self.events_of(number, &one, now).await {
                    Ok(past) => adjustments::apply(seen, &one, &past),
                    Err(fault) => {
                        seen.period = None;
                        faults.push(adjustments::unknown(&id, fault));
                    }
                }
            }
        }
        facts.fault = faults.finish().0;
    }

    async fn events_of(
        &self,
        number: Option<usize>,
        one: &BudgetAdjustment,
        now: Timestamp,
    ) -> Result<PastEvents, Fault> {
        let steps = adjustments::steps(one, now);
        let lost = || Fault::new(FaultKind::Crash, "the history was not read");
        let number = number.ok_or_else(lost)?;
        let recalled = self.with_keeper(move |keeper| keeper.recall(&[number], steps));
        recalled.await?.pop().ok_or_else(lost)
    }
}
