//! One line for the SLOs that are out of view: how many in each state, and the lowest budgets.

use std::collections::BTreeMap;

use super::observation;
use crate::domain::{Observation, State};
use crate::pane::cell::{Line, Mark, Role};
use crate::pane::{Entry, MAX_TAIL_NAMES, Sight, figures};

/// `○ 36 ok  lowest email 71%  payments 78%  gateway 84%`; worse states come first.
pub(super) fn line(sight: Sight<'_>, below: &mut dyn Iterator<Item = &Entry>) -> Line {
    let mut states: BTreeMap<State, usize> = BTreeMap::new();
    let mut lowest: Vec<(String, Option<f64>)> = Vec::new();
    let mut never_failed = 0_usize;
    for entry in below {
        let state = entry.standing.map_or(State::Unknown, |(state, _)| state);
        let state = if sight.is_old(entry) {
            State::Unknown
        } else {
            state
        };
        let seen = observation(sight, entry);
        if state == State::Ok && seen.is_some_and(Observation::is_unproven) {
            never_failed += 1;
            continue;
        }
        *states.entry(state).or_insert(0) += 1;
        if state == State::Ok
            && lowest.len() < MAX_TAIL_NAMES
            && let Some(seen) = seen
        {
            // Rows are ranked by budget, so the first are the lowest.
            let left = seen.standing().budget_remaining;
            lowest.push((seen.slo.service.shown().to_string(), left));
        }
    }
    let mut line = Line::new();
    for (state, count) in states.iter().rev() {
        let (mark, role) = Mark::of_state(*state);
        let role = if *state == State::Ok { Role::Dim } else { role };
        let gap = if line.is_empty() { "" } else { "  " };
        let word = crate::pane::cell::state_word(*state);
        line = line
            .text(gap, Role::Plain)
            .mark(mark, role)
            .text(format!("{count} {word}"), role);
    }
    if never_failed > 0 {
        let gap = if line.is_empty() { "" } else { "  " };
        line = line.text(format!("{gap}{never_failed} never failed"), Role::Dim);
    }
    let mut label = "  lowest ";
    for (service, left) in lowest {
        let Some(left) = left else { continue };
        line = line
            .text(label, Role::Dim)
            .text(service, Role::Dim)
            .text(format!(" {}", figures::budget(Some(left))), Role::Dim);
        label = "  ";
    }
    line
}
