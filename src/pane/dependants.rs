//! The services that depend on one another, as `[[service]] depends_on` says.

use super::Sight;
use super::cell::{Line, Mark, Role};
use crate::domain::{Service, Standing, State};
use crate::text::Untrusted;

/// This many services are named in a line; the rest is a number.
const MAX_SERVICES: usize = 4;

/// The services that depend on this one: those that burn first.
pub(super) fn dependants(sight: Sight<'_>, service: &Untrusted) -> Line {
    let needs_it = |other: &&Service| {
        other
            .depends_on
            .iter()
            .any(|needed| needed == service.raw())
    };
    let names = sight.store.services().iter().filter(needs_it);
    let names: Vec<_> = names.map(|other| other.name.clone()).collect();
    services(sight, &names)
}

/// Services by name, those that burn first and with the mark of their worst state.
pub(super) fn services(sight: Sight<'_>, names: &[String]) -> Line {
    let with_state = |name: &'_ String| (burning(sight, name), name.clone());
    let mut services: Vec<_> = names.iter().map(with_state).collect();
    services.sort_by_key(|(state, _)| std::cmp::Reverse(*state));
    let mut line = Line::new();
    for (state, name) in services.iter().take(MAX_SERVICES) {
        let gap = if line.is_empty() { "" } else { "  " };
        line = line.text(gap, Role::Plain);
        line = match state {
            Some(state) => {
                let (mark, role) = Mark::of_state(*state);
                line.mark(mark, role).text(name, role)
            }
            None => line.text(name, Role::Plain),
        };
    }
    match services.len().checked_sub(MAX_SERVICES) {
        Some(more) if more > 0 => line.text(format!("  +{more} more"), Role::Dim),
        _ => line,
    }
}

/// The worst state of a service that burns now.
fn burning(sight: Sight<'_>, service: &str) -> Option<State> {
    let slos = sight.store.slos();
    let own = slos.filter(|(feed, seen)| {
        seen.slo.service.raw() == service && feed.freshness(sight.now).is_current()
    });
    let states = own.map(|(_, seen)| seen.standing());
    let burning = states.filter(Standing::burns);
    burning.map(|standing| standing.state).max()
}
