//! What ties the three questions together: everything else that is known of one service.

use super::before_after::BeforeAfter;
use super::cell::{Cell, Line, Mark, Role, severity_word, state_word};
use super::{Sight, figures, fresh, incidents, releases, slos, suspects};
use crate::domain::{Event, Incident, Observation, Release, ReleaseStatus, State};
use crate::store::Feed;
use crate::text::Untrusted;

/// At most so many related rows are shown.
const MOST: usize = 6;

/// The releases of a service, newest first.
pub(super) fn releases<'a>(sight: Sight<'a>, service: &Untrusted) -> Vec<(&'a Feed, &'a Release)> {
    let rows = sight.store.releases();
    let own = rows.filter(|(_, release)| !service.is_empty() && release.service == *service);
    newest_first(own.collect())
}

/// Releases, newest first.
pub(super) fn newest_first<'a>(
    mut rows: Vec<(&'a Feed, &'a Release)>,
) -> Vec<(&'a Feed, &'a Release)> {
    rows.sort_by_key(|(_, release)| std::cmp::Reverse(release.dated()));
    rows
}

/// The open incidents of a service, worst first.
pub(super) fn incidents<'a>(
    sight: Sight<'a>,
    service: &Untrusted,
) -> Vec<(&'a Feed, &'a Incident)> {
    let rows = sight.store.incidents();
    let own = rows.filter(|(_, incident)| !service.is_empty() && incident.service == *service);
    open_worst_first(sight, own.collect())
}

/// The open ones of incidents, worst first.
pub(super) fn open_worst_first<'a>(
    sight: Sight<'_>,
    mut rows: Vec<(&'a Feed, &'a Incident)>,
) -> Vec<(&'a Feed, &'a Incident)> {
    rows.retain(|(_, incident)| incident.is_open() || incident.is_gone());
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
        .map(|(feed, release)| faded(sight, feed, release_cells(sight, feed, release)))
        .collect()
}

/// The releases of the service of an SLO, each with the errors before and after it.
pub(super) fn release_rows_of(
    sight: Sight<'_>,
    (feed, seen): (&Feed, &Observation),
) -> Vec<Vec<Cell>> {
    let rows = releases(sight, &seen.slo.service).into_iter().take(MOST);
    rows.map(|(by, release)| {
        let mut cells = release_cells(sight, by, release);
        let known = BeforeAfter::of(sight, (feed, seen), release);
        let line = known.and_then(|known| known.line(seen));
        cells.push(line.map_or(Cell::Empty, Cell::Line));
        faded(sight, by, cells)
    })
    .collect()
}

/// Age, version, who released it, and what deviates: the status of one that is not done, and where it went
/// unless that is production.
fn release_cells(sight: Sight<'_>, feed: &Feed, release: &Release) -> Vec<Cell> {
    let (mark, role) = Mark::of_release(release.status);
    let word = super::cell::release_word(release.status);
    let is_suspect = suspects::is_suspect(sight.store, feed, release);
    let suspect = if is_suspect {
        suspects::MARK.trim_end()
    } else {
        ""
    };
    vec![
        Cell::text(suspect, Role::Accent),
        Cell::text(sight.ago(release.dated()), Role::Dim),
        Cell::name(&release.version, Role::Plain),
        Cell::Line(releases::actor(release)),
        match release.status {
            ReleaseStatus::Succeeded => Cell::Empty,
            _ => Cell::Badge(mark, word, role),
        },
        Cell::Line(releases::environment(sight.store, release)),
    ]
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
