//! What burns is looked at closely: its long windows are as fresh as its short ones, its recent past
//! is known by the minute, and so is which way it goes.

use jiff::Timestamp;

use super::measure::Round;
use super::poll_notes::PollNotes;
use super::{Prometheus, course};
use crate::domain::{Observation, Standing, State};
use crate::source::Ask;
use crate::text::Untrusted;

/// The SLOs of which anything burns, by index.
fn burning(slos: &[Observation]) -> Vec<(usize, Standing)> {
    let standings = slos.iter().map(Observation::standing).enumerate();
    standings.filter(|(_, one)| one.burns()).collect()
}

/// The SLOs that fire, by index: the worst of them, where there are too many to look at each.
fn worst(burning: &[(usize, Standing)]) -> Vec<usize> {
    let firing = burning.iter();
    let firing = firing.filter(|(_, one)| matches!(one.state, State::Page | State::Ticket));
    let mut firing: Vec<_> = firing.map(|(index, one)| (one.state, *index)).collect();
    firing.sort_by_key(|(state, index)| (std::cmp::Reverse(*state), *index));
    firing.truncate(course::MOST);
    firing.into_iter().map(|(_, index)| index).collect()
}

/// The share of bad events in the shortest window.
fn shortest_ratio(seen: &Observation) -> Option<f64> {
    let shortest = *seen.slo.windows().first()?;
    seen.reading(shortest).ratio()
}

impl Prometheus {
    /// Looks closely at what burns among all SLOs.
    pub(super) async fn look_closely(
        &mut self,
        slos: &mut [Observation],
        ask: &Ask,
        notes: &mut PollNotes,
    ) {
        let known: Vec<_> = burning(slos).into_iter().map(|(index, _)| index).collect();
        let plans = (self.plans.all.as_slice(), self.plans.ids.as_slice());
        let caught_up = self
            .meter
            .catch_up(&self.api, &mut self.planner, plans, &known, ask)
            .await;
        match caught_up {
            Ok(None) => {}
            Ok(Some(round)) => {
                self.observe_again(slos, &known, &round, ask.moment());
                notes.warn(round.warnings);
                notes.faults.extend(round.faults);
            }
            Err(fault) => notes
                .faults
                .push(fault.of_part("long windows of what burns")),
        }
        if !ask.history {
            self.add_recent_past(slos, &known, ask, notes).await;
        }
        let firing = worst(&burning(slos));
        self.add_courses(slos, &firing, ask, notes).await;
    }

    /// Replaces what was observed of these.
    fn observe_again(
        &self,
        slos: &mut [Observation],
        these: &[usize],
        round: &Round,
        at: Timestamp,
    ) {
        for &index in these {
            let plan = (&self.plans.all[index], &self.plans.ids[index]);
            let partial = round.partial.contains(&index) || slos[index].partial;
            slos[index] = self.observe(plan, at, partial);
        }
    }

    /// Gives these the minutes that tell which way they go, where nobody asked for a whole chart.
    async fn add_recent_past(
        &mut self,
        slos: &mut [Observation],
        these: &[usize],
        ask: &Ask,
        notes: &mut PollNotes,
    ) {
        let these = these.get(..course::MOST).unwrap_or(these);
        let known = &self.plans;
        let asked = super::trend::recent(&self.api, &mut self.planner, known, these, ask).await;
        match asked {
            Ok(recent) => {
                for (index, history) in recent {
                    slos[index].history = history;
                }
            }
            Err(fault) => {
                let reason = fault.message.raw();
                let words = format!("which way it burns cannot be told: {reason}");
                notes.warn([Untrusted::from(words)]);
            }
        }
    }

    /// Gives these their past by the minute.
    async fn add_courses(
        &mut self,
        slos: &mut [Observation],
        firing: &[usize],
        ask: &Ask,
        notes: &mut PollNotes,
    ) {
        let young = |&index: &usize| course::Young {
            plan: index,
            ratio: shortest_ratio(&slos[index]).unwrap_or(0.0),
        };
        let young: Vec<_> = firing.iter().map(young).collect();
        let plans = (self.plans.all.as_slice(), young.as_slice());
        let asked = self
            .closely
            .refresh(&self.api, &mut self.planner, plans, ask)
            .await;
        notes.warn(asked.err().map(|fault| {
            let reason = fault.message.raw();
            Untrusted::from(format!("since when it burns cannot be told: {reason}"))
        }));
        for &index in firing {
            if let (Some(slo), Some(id)) = (slos.get_mut(index), self.plans.ids.get(index)) {
                slo.courses = self.closely.of(id);
            }
        }
    }
}
