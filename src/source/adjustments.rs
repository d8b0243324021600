//! Times that count neither good nor bad in budgets, as the sources of SLOs leave them out:
//! `[[budget_adjustment]]`.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::config::Settings;
use crate::domain::past::{PastEvents, Steps};
use crate::domain::policy::BudgetAdjustment;
use crate::domain::{Fault, Observation};
use crate::text::Untrusted;

/// The length of a step of a short time, and of a long one.
const STEPS: [SignedDuration; 2] = [SignedDuration::from_mins(1), SignedDuration::from_mins(5)];
/// Up to so much is short.
const SHORT: SignedDuration = SignedDuration::from_hours(6);

/// The events of times that are left out, by SLO and beginning, each with when it was asked for.
pub(super) type LeftOut = HashMap<(Untrusted, Timestamp), (Timestamp, PastEvents)>;

/// The adjustments of the configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct Adjustments(Vec<(Vec<Untrusted>, BudgetAdjustment)>);

impl Adjustments {
    /// Those of the settings, each by every id that its SLO may have at its source.
    pub(super) fn of(settings: &Settings) -> Self {
        let all = settings.budget_adjustments.iter().map(|one| {
            let (service, name) = one.slo.split_once('/').unwrap_or((&one.slo, ""));
            let mut services = settings.services.iter();
            let service = services.find(|known| known.name == service);
            let aliases = service.into_iter().flat_map(|service| &service.aliases);
            let others = aliases.map(|alias| format!("{alias}/{name}").into());
            let ids = std::iter::once(one.slo.as_str().into()).chain(others);
            (ids.collect(), one.clone())
        });
        Self(all.collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of an SLO.
    pub(super) fn of_slo(&self, id: &Untrusted) -> Vec<BudgetAdjustment> {
        let mine = self.0.iter().filter(|(ids, _)| ids.contains(id));
        mine.map(|(_, one)| one.clone()).collect()
    }

    /// Leaves them out of the past of an SLO.
    pub(super) fn leave_out(&self, past: &mut PastEvents) {
        for one in self.of_slo(&past.slo.id()) {
            past.leave_out((one.from, one.to));
        }
    }
}

/// The steps by which the events of a time up to now are counted.
pub(super) fn steps(one: &BudgetAdjustment, now: Timestamp) -> Steps {
    let until = one.to.min(now);
    let is_short = one.from.duration_until(until) <= SHORT;
    Steps::new(one.from, until, if is_short { STEPS[0] } else { STEPS[1] })
}

/// Leaves a time out of the budget of an SLO whose events in it are known.
pub(super) fn apply(seen: &mut Observation, one: &BudgetAdjustment, past: &PastEvents) {
    if let Some((from, until)) = one.within(seen.period_begin(), seen.at) {
        let tally = past.between(from, until);
        seen.leave_out(one, (tally, from.duration_until(until)), past.counted);
    }
}

/// The fault of a time whose events cannot be counted.
pub(super) fn unknown(id: &Untrusted, fault: Fault) -> Fault {
    fault.of_part(&format!("the time left out of the budget of {}", id.raw()))
}
