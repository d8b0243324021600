//! Content of a calm wall: the least budgets and the newest releases.

use super::Look;
use crate::domain::{ReleaseStatus, State};
use crate::pane::cell::{Line, Mark, Role, release_word};
use crate::pane::{Sight, figures, slos};
use crate::text::Shown;

/// The most budgets that a wall turns through.
const MAX_BUDGETS: usize = 12;
/// The most releases that a wall turns through.
const MAX_ARRIVALS: usize = 8;

/// The budget of an SLO that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// Its service.
    pub service: Shown,
    /// Its name.
    pub name: Shown,
    /// Budget remaining, between 0 and 1; negative when overspent.
    pub left: f64,
    /// The same as it is shown.
    pub text: String,
}

/// A release on a calm wall.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// Its service.
    pub service: Shown,
    /// Its version.
    pub version: Shown,
    /// `1h ago, by mara`, and what went wrong.
    pub words: Line,
    /// How long ago.
    pub age: String,
}

/// The least budgets of the SLOs that hold, least first, one a service.
pub(super) fn budgets(look: &Look<'_>) -> Vec<Budget> {
    let mut budgets: Vec<Budget> = Vec::new();
    let entries = look.slos.entries.iter();
    let holding = entries.filter(|entry| {
        let state = entry.standing.map(|(state, _)| state);
        state == Some(State::Ok) && look.is_known(entry)
    });
    for entry in holding {
        let Some(seen) = slos::observation(look.sight, entry).filter(|seen| !seen.is_unproven())
        else {
            continue;
        };
        let Some(left) = seen.standing().budget_remaining else {
            continue;
        };
        budgets.push(Budget {
            service: seen.slo.service.shown(),
            name: seen.slo.name.shown(),
            left,
            text: slos::budget(seen, Some(left)),
        });
    }
    budgets.sort_by(|one, other| one.left.total_cmp(&other.left));
    let mut seen = std::collections::HashSet::new();
    budgets.retain(|budget| seen.insert(budget.service.clone()));
    budgets.truncate(MAX_BUDGETS);
    budgets
}

/// The newest releases that have begun.
pub(super) fn arrivals(sight: Sight<'_>) -> Vec<Arrival> {
    let releases = sight.store.releases();
    let begun = releases.filter(|(_, row)| row.status != ReleaseStatus::Pending);
    let mut dated: Vec<_> = begun
        .filter_map(|(feed, row)| Some((row.dated()?, feed, row)))
        .collect();
    dated.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
    dated.truncate(MAX_ARRIVALS);
    let arrival = |(at, feed, row): (_, &crate::store::Feed, &crate::domain::Release)| {
        let age = sight.ago(Some(at));
        let mut words = Line::of(format!("{age} ago"), Role::Dim);
        if let Some(actor) = &row.actor {
            words = words.text(" by ", Role::Dim).foreign(actor, Role::Plain);
        }
        if row.status != ReleaseStatus::Succeeded {
            let (_, role) = Mark::of_release(row.status);
            words = words.text(format!("  {}", release_word(row.status)), role);
        }
        let is_current = feed.freshness(sight.now).is_current();
        Arrival {
            service: row.service.shown(),
            version: row.version.shown(),
            words: if is_current { words } else { words.faded() },
            age,
        }
    };
    dated.into_iter().map(arrival).collect()
}

/// `▲ search latency 62%`: an SLO that pages or has a ticket, beside the worst.
pub(super) fn other(look: &Look<'_>, entry: &crate::pane::Entry) -> Option<Line> {
    let seen = slos::observation(look.sight, entry)?;
    let (state, _) = entry.standing?;
    let (mark, role) = Mark::of_state(state);
    let standing = seen.standing();
    let left = match standing.budget_remaining {
        Some(left) if left < 0.0 => "spent".to_owned(),
        left => slos::budget(seen, left),
    };
    let burn = seen.short_burn().map(figures::burn_in_words);
    let line = Line::new()
        .mark(mark, role)
        .foreign(&seen.slo.service, Role::Plain);
    Some(
        match (state, burn) {
            (State::Page, Some(burn)) => line.text(format!(" {burn}"), role),
            _ => line,
        }
        .text(format!(" {left}"), Role::Dim),
    )
}
