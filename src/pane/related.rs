//! What ties the three questions together: everything else that is known of one service.

use super::cell::{Cell, Line, Mark, Role, severity_word, state_word};
use super::{Sight, figures, fresh, incidents, releases, slos};
use crate::domain::{Event, Incident, Release, State};
use crate::store::Feed;
use crate::text::Untrusted;

/// At most so many related rows are shown.
const MOST: usize = 6;

/// The releases of a service, newest first.
pub(super) fn releases<'a>(sight: Sight<'a>, service: &Untrusted) -> Vec<(&'a Feed, &'a Release)> {
    let mut rows: Vec<_> = sight
        .store
        .releases()
        .filter(|(_, release)| !service.is_empty() && release.service == *service)
        .collect();
    rows.sort_by_key(|(_, release)| std::cmp::Reverse(release.dated()));
    rows
}

/// The open incidents of a service, worst first.
pub(super) fn incidents<'a>(
    sight: Sight<'a>,
    service: &Untrusted,
) -> Vec<(&'a Feed, &'a Incident)> {
    let mut rows: Vec<_> = sight
        .store
        .incidents()
        .filter(|(_, incident)| !service.is_empty() && incident.service == *service)
        .filter(|(_, incident)| incident.is_open() || incident.is_gone())
        .collect();
    rows.sort_by_key(|(_, incident)| incidents::rank(incident, sight.store.me()));
    rows
}

/// Releases as lines of a grid, but for the one with the id `but`.
pub(super) fn release_rows(
    sight: Sight<'_>,
    service: &Untrusted,
    but: Option<&Untrusted>,
) -> Vec<Vec<Cell>> {
    let rows = releases(sight, service);
    rows.into_iter()
        .filter(|(_, release)| but != Some(&release.id))
        .take(MOST)
        .map(|(feed, release)| {
            let (mark, role) = Mark::of_release(release.status);
            let word = super::cell::release_word(release.status);
            let cells = vec![
                Cell::text(sight.ago(release.dated()), Role::Dim),
                Cell::name(&release.version, Role::Plain),
                Cell::Badge(mark, word, role),
                Cell::foreign(release.place(), Role::Plain),
                Cell::Line(releases::actor(release)),
            ];
            faded(sight, feed, cells)
        })
        .collect()
}

/// Open incidents as lines of a grid, but for those with the ids `but`.
pub(super) fn incident_rows(
    sight: Sight<'_>,
    service: &Untrusted,
    but: &[&Untrusted],
) -> Vec<Vec<Cell>> {
    let rows = incidents(sight, service);
    rows.into_iter()
        .filter(|(_, incident)| !but.contains(&&incident.id))
        .take(MOST)
        .map(|(feed, incident)| {
            let (mark, role) = Mark::of_severity(incident.severity);
            let cells = vec![
                Cell::Badge(mark, severity_word(incident.severity), role),
                Cell::text(sight.began(incident.opened_at), Role::Dim),
                Cell::Line(incidents::status(sight, incident)),
                Cell::foreign(&incident.title, Role::Plain),
            ];
            faded(sight, feed, cells)
        })
        .collect()
}

/// The SLOs of a service as lines of a grid.
pub(super) fn slo_rows(sight: Sight<'_>, service: &Untrusted) -> Vec<Vec<Cell>> {
    let rows = sight
        .store
        .slos()
        .filter(|(_, seen)| !service.is_empty() && seen.slo.service == *service);
    rows.take(MOST)
        .map(|(feed, seen)| {
            let verdict = seen.assess();
            let is_current = feed.freshness(sight.now).is_current();
            let shown = if is_current {
                verdict.state
            } else {
                State::Unknown
            };
            let (mark, role) = Mark::of_state(shown);
            let pace = seen.slo.pace_window();
            let burn = pace.and_then(|w| verdict.burn_rates.get(&w).copied().flatten());
            let window = pace.map(figures::lead).unwrap_or_default();
            let was = if is_current {
                String::new()
            } else {
                fresh::was(feed, state_word(verdict.state), sight.now)
            };
            let cells = vec![
                Cell::Badge(mark, state_word(shown), role),
                Cell::name(&seen.slo.name, Role::Plain),
                Cell::Line(
                    Line::of(format!("{window} "), Role::Dim)
                        .text(figures::burn(burn), Role::Plain),
                ),
                Cell::text(
                    format!(
                        "{} budget left",
                        slos::budget(seen, verdict.budget_remaining)
                    ),
                    Role::Plain,
                ),
                Cell::text(was, Role::Plain),
            ];
            faded(sight, feed, cells)
        })
        .collect()
}

fn faded(sight: Sight<'_>, feed: &Feed, cells: Vec<Cell>) -> Vec<Cell> {
    if feed.freshness(sight.now).is_current() {
        return cells;
    }
    cells.into_iter().map(Cell::faded).collect()
}

/// What the configuration says to do when this service burns.
pub(super) fn runbook(sight: Sight<'_>, service: &Untrusted) -> Option<Untrusted> {
    let runbook = sight.store.service(service)?.runbook.as_deref()?;
    Some(Untrusted::from(runbook))
}

/// The incident that an event is of, as its source lists it now.
pub(super) fn incident_of<'a>(sight: Sight<'a>, event: &Event) -> Option<&'a Incident> {
    let mut incidents = sight.store.incidents();
    let found = incidents.find(|(feed, row)| is_of(event, feed, &row.id));
    found.map(|(_, row)| row)
}

/// The release that an event is of, as its source lists it now.
pub(super) fn release_of<'a>(sight: Sight<'a>, event: &Event) -> Option<&'a Release> {
    let mut releases = sight.store.releases();
    let found = releases.find(|(feed, row)| is_of(event, feed, &row.id));
    found.map(|(_, row)| row)
}

/// Whether an event is of the row with this id. What was done from here names no source.
fn is_of(event: &Event, feed: &Feed, id: &Untrusted) -> bool {
    let is_there = event
        .source
        .as_ref()
        .is_none_or(|source| *source == feed.name);
    is_there && !id.is_empty() && *id == event.subject
}
