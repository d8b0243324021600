//! What stands beside and within the numbers of a row: roles, marks and notes.

use crate::domain::{Assessment, Observation, Phase, Severity, State, Window};
use crate::pane::cell::{Cell, Line, Role};
use crate::pane::{Sight, figures};

pub(super) fn burn_cell(verdict: &Assessment, window: Option<Window>, heading: &str) -> Cell {
    let Some(window) = window else {
        return Cell::Empty;
    };
    let burn = verdict.burn_rates.get(&window).copied().flatten();
    let line = Line::of(figures::burn(burn), burn_role(verdict, window, burn));
    let label = figures::lead(window);
    if heading.trim() == label {
        Cell::Line(line)
    } else {
        Cell::Line(line.text(format!(" {label}"), Role::Dim))
    }
}

/// Above the factor of a rule that uses this window: that rule's severity, unless too few events
/// hold the rule back. Below 1: of no weight.
pub(super) fn burn_role(verdict: &Assessment, window: Window, burn: Option<f64>) -> Role {
    let Some(burn) = burn else {
        return Role::Dim;
    };
    let worst = verdict
        .rules
        .iter()
        .filter(|row| {
            row.held_back.is_none()
                && [row.rule.long, row.rule.short].contains(&window)
                && row.rule.is_exceeded_by(burn)
        })
        .map(|row| row.rule.severity)
        .max();
    match worst {
        Some(Severity::Page) => Role::Page,
        Some(Severity::Ticket | Severity::Info) => Role::Ticket,
        None if burn < 1.0 => Role::Dim,
        None => Role::Plain,
    }
}

/// The budget left, with a `~` before it where data covers too little of the period to know it.
pub(in crate::pane) fn budget(seen: &Observation, left: Option<f64>) -> String {
    let is_estimate = left.is_some() && seen.shortfall().is_some();
    let mark = if is_estimate { "~" } else { "" };
    format!("{mark}{}", figures::budget(left))
}

/// How wide [`budget`] is, without writing it.
pub(super) fn budget_width(seen: &Observation, left: Option<f64>) -> usize {
    left.and_then(figures::budget_width)
        .map_or(1, |width| width + usize::from(seen.shortfall().is_some()))
}

/// The bad events there are of those that it takes to page, where too few hold a page back.
fn too_few(seen: &Observation, verdict: &Assessment) -> Option<String> {
    let (_, bad) = verdict.held_back()?;
    Some(of_needed(seen, bad))
}

/// `2 of 3 events`.
pub(super) fn of_needed(seen: &Observation, bad: f64) -> String {
    let (bad, needed) = (
        figures::events(bad),
        figures::events(seen.slo.min_bad_events),
    );
    format!("{bad} of {needed} events")
}

/// A spent budget weighs as much as what fires.
pub(super) fn budget_role(verdict: &Assessment) -> Role {
    match (verdict.state, verdict.budget_remaining) {
        (_, None) => Role::Dim,
        (State::Page, _) => Role::Page,
        (State::Ticket, _) => Role::Ticket,
        (_, Some(left)) if left <= 0.0 => Role::Ticket,
        (State::NoData | State::Unknown, _) => Role::Dim,
        (State::Ok, _) => Role::Plain,
    }
}

/// What a reader should know beside the numbers, in three words at most.
pub(super) fn note(sight: Sight<'_>, seen: &Observation, verdict: &Assessment) -> Line {
    match verdict.state {
        State::NoData => {
            let since = seen.history.last().map(|point| point.at);
            let since = since.map(|at| format!(" {}", sight.ago(Some(at))));
            return Line::of(
                format!("no data{}", since.unwrap_or_default()),
                Role::NoData,
            );
        }
        State::Unknown if seen.partial => return Line::of("partial answer", Role::Unknown),
        State::Unknown => return Line::of("not answered", Role::Unknown),
        State::Ok | State::Ticket | State::Page => {}
    }
    // A ticket that fires does not say that a page would.
    if verdict.state != State::Page
        && let Some(few) = too_few(seen, verdict)
    {
        return Line::of(few, Role::Strong);
    }
    if verdict.exhausted() == Some(true) {
        return Line::of("exhausted", Role::Strong);
    }
    match (verdict.phase, verdict.exhausts_in) {
        (Some(Phase::Burning), Some(left)) if !verdict.ends_within_budget(&seen.slo) => {
            Line::of(format!("gone in {}", figures::age(left)), Role::Strong)
        }
        (Some(Phase::Calm) | None, _) => Line::new(),
        (Some(Phase::Rising), _) => Line::of(Phase::Rising.word(), Role::Strong),
        (Some(phase), _) => Line::of(phase.word(), Role::Plain),
    }
}
