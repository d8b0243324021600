//! Looks for SLOs to suggest from time to time, and shows them as SLOs of the source.

use std::collections::HashSet;

use super::poll_notes::PollNotes;
use super::suggest::{self, Suggest};
use super::{NEVER, Prometheus};
use crate::source::Ask;

impl Prometheus {
    /// Looks for SLOs to suggest where that is due, and plans those that are shown. True when the
    /// plans are to be made anew.
    pub(super) async fn suggest(&mut self, ask: &Ask, notes: &mut PollNotes) -> bool {
        let at = ask.moment();
        let all = self.plans.all.iter();
        let others = all.filter(|plan| plan.slo.suggested.is_none());
        let ids: HashSet<_> = others.map(|plan| plan.slo.id()).collect();
        let is_wanted = match self.options.suggest {
            Suggest::Never => false,
            Suggest::Always => true,
            Suggest::Auto => ids.is_empty() && self.plans.left_out.is_empty(),
        };
        if !is_wanted {
            return self.suggester.clear();
        }
        if self.suggester.is_due(at, self.has_failed_since()) {
            let look = suggest::look(&self.api, &self.options.recipes, ask.at, ask.now);
            match look.await {
                Ok(found) => self.suggester.take(found, at),
                Err(fault) => self.suggester.fail(fault.of_part("suggested SLOs")),
            }
        }
        // Until it is looked for again, what may be suggested is not known.
        match self.suggester.fault() {
            Some(fault) if self.suggester.found().is_none() => notes.faults.push(fault.clone()),
            fault => notes.warn(fault.map(|fault| fault.message.clone())),
        }
        self.suggester.show(&ids, &self.name, at)
    }

    /// True when one that never failed has failed since.
    fn has_failed_since(&self) -> bool {
        let plans = self.plans.all.iter().zip(&self.plans.ids);
        let mut unproven = plans.filter(|(plan, _)| plan.slo.is_unproven());
        unproven.any(|(plan, id)| !self.observe((plan, id), NEVER, false).is_unproven())
    }
}
