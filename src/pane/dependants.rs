//! The services that depend on one another, as `[[service]] depends_on` says.

use jiff::Timestamp;

use super::block::Dependencies;
use super::cell::{Line, Mark, Role};
use super::since::Since;
use super::{Sight, figures, suspects};
use crate::domain::{Service, Standing, State};
use crate::text::Untrusted;

/// This many services are named in a line; the rest is a number.
const MAX_SERVICES: usize = 4;

/// A service that burns now.
struct Burning {
    state: State,
    /// The burn rate of its worst SLO over the longer window.
    rate: Option<f64>,
    /// When the earliest of its burns began.
    since: Option<Timestamp>,
}

/// The services that depend on this one: those that burn first, each with its burn rate and whether it burned
/// before this one.
pub(super) fn dependants(sight: Sight<'_>, service: &Untrusted) -> Line {
    let onset = burning(sight, service.raw()).and_then(|own| own.since);
    services_since(sight, &names(sight, service), onset)
}

/// The names of the services that depend on this one.
pub(super) fn names(sight: Sight<'_>, service: &Untrusted) -> Vec<String> {
    let needs_it = |other: &&Service| {
        let mut needed = other.depends_on.iter();
        needed.any(|needed| needed == service.raw())
    };
    let names = sight.store.services().iter().filter(needs_it);
    names.map(|other| other.name.clone()).collect()
}

/// A service between those that depend on it and those that it depends on; `None` where there are neither.
pub(super) fn around(sight: Sight<'_>, service: &Untrusted) -> Option<Dependencies> {
    let onset = burning(sight, service.raw()).and_then(|own| own.since);
    let known = sight.store.service(service);
    let needs = known.map_or(&[][..], |service| &service.depends_on);
    let all = Dependencies {
        used_by: each(sight, &names(sight, service), onset),
        service: one(sight, service.raw(), None),
        needs: each(sight, needs, None),
    };
    (!all.used_by.is_empty() || !all.needs.is_empty()).then_some(all)
}

/// Services by name, those that burn first and with the mark of their worst state.
pub(super) fn services(sight: Sight<'_>, names: &[String]) -> Line {
    services_since(sight, names, None)
}

/// Those of these services that burn now; empty where none does.
pub(super) fn burning_of(sight: Sight<'_>, names: &[String]) -> Line {
    let burns = |name: &&String| burning(sight, name).is_some();
    let names: Vec<_> = names.iter().filter(burns).cloned().collect();
    services(sight, &names)
}

fn services_since(sight: Sight<'_>, names: &[String], onset: Option<Timestamp>) -> Line {
    let services = each(sight, names, onset).into_iter().enumerate();
    services.fold(Line::new(), |line, (place, service)| {
        let gap = if place == 0 { "" } else { "  " };
        line.text(gap, Role::Plain).join(service)
    })
}

/// Services one by one, those that burn first; what is left over is a number.
fn each(sight: Sight<'_>, names: &[String], onset: Option<Timestamp>) -> Vec<Line> {
    let mut services: Vec<_> = names
        .iter()
        .map(|name| (burning(sight, name), name))
        .collect();
    services.sort_by_key(|(burning, _)| std::cmp::Reverse(burning.as_ref().map(|one| one.state)));
    let shown = services.iter().take(MAX_SERVICES);
    let mut lines: Vec<_> = shown.map(|(_, name)| one(sight, name, onset)).collect();
    if let Some(more) = services
        .len()
        .checked_sub(MAX_SERVICES)
        .filter(|more| *more > 0)
    {
        lines.push(Line::of(format!("+{more} more"), Role::Dim));
    }
    lines
}

/// A service by name, with its state and its burn rate where it burns, and whether it burned before `onset`.
fn one(sight: Sight<'_>, name: &str, onset: Option<Timestamp>) -> Line {
    let Some(burning) = burning(sight, name) else {
        return Line::of(name, Role::Plain);
    };
    let (mark, role) = Mark::of_state(burning.state);
    let rate = burning
        .rate
        .map(|rate| format!(" {}", figures::burn_in_words(rate)));
    let line = Line::new().mark(mark, role).text(name, role);
    let line = line.text(rate.unwrap_or_default(), Role::Plain);
    match (onset, burning.since) {
        (Some(onset), Some(since)) if since < onset => line.text(" (burned before)", Role::Dim),
        _ => line,
    }
}

/// The burn of a service, where it burns now.
fn burning(sight: Sight<'_>, service: &str) -> Option<Burning> {
    let slos = sight.store.slos();
    let own = slos.filter(|(feed, seen)| {
        seen.slo.service.raw() == service && feed.freshness(sight.now).is_current()
    });
    let burning: Vec<_> = own
        .filter(|(_, seen)| Standing::burns(&seen.standing()))
        .collect();
    let state = burning
        .iter()
        .map(|(_, seen)| seen.standing().state)
        .max()?;
    let rates = burning.iter().filter_map(|(_, seen)| {
        let reading = seen.reading(seen.slo.pace_window()?);
        Some(seen.slo.burn_rate(reading.ratio()?))
    });
    let since = burning.iter().filter_map(|(feed, seen)| {
        suspects::insight(sight.store, feed, seen)?;
        Some(Since::of(sight, feed, seen, &seen.assess())?.at)
    });
    Some(Burning {
        state,
        rate: rates.max_by(f64::total_cmp),
        since: since.min(),
    })
}
