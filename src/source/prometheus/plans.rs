//! The plans of all SLOs, kept between polls: mostly nothing but numbers has changed since the last.
//!
//! What Sloth, Pyrra and Grafana recorded is understood once, with the place of each ratio in the
//! answer. As long as the next answer holds the same series, its values are put into these places;
//! anything else about it that changes, and every reading of the rules, has all of it understood
//! anew.

use std::ops::{Range, RangeFrom};

use super::api::{Roll, Series};
use super::discover;
use super::plan::Plan;
use super::poll_notes::PollNotes;
use crate::domain::slo;
use crate::domain::{Fault, FaultKind};
use crate::text::Untrusted;

/// The plans of the last poll.
#[derive(Default)]
pub(super) struct Plans {
    /// Those of SLOs written by hand, those that are suggested, then those that were found.
    pub(super) all: Vec<Plan>,
    /// The ids of their SLOs, by which what is known of them outlives a plan.
    pub(super) ids: Vec<Untrusted>,
    /// Another number whenever they were made anew.
    pub(super) edition: u64,
    /// How many were not found: written by hand, or suggested.
    pub(super) by_hand: usize,
    /// What those that were found were read from; empty when they have to be read anew.
    pub(super) finds: Vec<Find>,
    /// SLOs that are recorded and could not be understood, each with the reason.
    pub(super) left_out: Vec<Untrusted>,
    /// True once the recorded series were more than one answer can hold.
    pub(super) is_crowded: bool,
    /// Of what those in parts were made, where they are.
    pub(super) listed: Option<Roll>,
    /// Matchers, each behind a comma, of all that is recorded: one for each part of it.
    pub(super) parts: Vec<String>,
}

/// An answer that SLOs were found in.
pub(super) struct Find {
    pub(super) queries: Vec<String>,
    pub(super) roll: Roll,
    /// The values that are more than a ratio, by their place, to the bit.
    constants: Box<[(usize, u64)]>,
    /// Those that were found in it.
    plans: Range<usize>,
}

impl Plans {
    /// Those that were found, from which on.
    pub(super) fn discovered(&self) -> RangeFrom<usize> {
        self.by_hand..
    }

    /// How many were found.
    pub(super) fn discovered_count(&self) -> usize {
        self.all.len().saturating_sub(self.by_hand)
    }

    /// Gives each SLO an id of its own, when all plans are there.
    pub(super) fn settle(&mut self) {
        slo::tell_apart(self.all.iter_mut().map(|plan| &mut plan.slo));
        self.ids = self.all.iter().map(|plan| plan.slo.id()).collect();
        self.all.shrink_to_fit();
    }

    /// What is left out may burn, so nobody can say that all is well.
    pub(super) fn tell_of_left_out(&self, notes: &mut PollNotes) {
        let fault = |reason: &Untrusted| Fault::new(FaultKind::Decode, reason.raw());
        notes.faults.extend(self.left_out.iter().map(fault));
    }

    /// Has all of them made anew.
    pub(super) fn forget(&mut self) {
        self.all.clear();
        self.finds.clear();
    }

    /// What all recorded series were answered with; `None` where that is more than one answer can
    /// hold, and they are to be asked for in parts from now on.
    pub(super) fn whole<T>(&mut self, answer: Result<T, Fault>) -> Result<Option<T>, Fault> {
        match answer {
            Err(fault) if fault.kind == FaultKind::TooLarge && !self.is_crowded => {
                self.is_crowded = true;
                Ok(None)
            }
            answer => answer.map(Some),
        }
    }
}

impl Find {
    /// Notes what of an answer is more than a ratio; `plans` are those that were found in it.
    pub(super) fn of(
        queries: Vec<String>,
        roll: Roll,
        series: &[Series],
        plans: Range<usize>,
    ) -> Self {
        let others = series.iter().filter(|one| !discover::is_ratio(&one.name));
        let constant = |one: &Series| Some((one.place()?, one.value.to_bits()));
        Self {
            queries,
            roll,
            constants: others.filter_map(constant).collect(),
            plans,
        }
    }

    /// Puts newer values in their places; false when they mean more than other ratios.
    pub(super) fn refill(&self, values: &[f64], plans: &mut [Plan]) -> bool {
        let is_as_before = |&(place, bits): &(usize, u64)| {
            values.get(place).is_some_and(|new| new.to_bits() == bits)
        };
        if !self.constants.iter().all(is_as_before) {
            return false;
        }
        let found = plans.get_mut(self.plans.clone()).unwrap_or_default();
        for given in found.iter_mut().flat_map(|plan| plan.given.values_mut()) {
            given.refill(values);
        }
        true
    }
}

#[cfg(test)]
mod tests;
