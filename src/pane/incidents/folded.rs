//! Incidents that stand under another one, as its detail tells of them.

use super::lane::status;
use crate::domain::Incident;
use crate::pane::cell::{Cell, Line, Mark, Role, severity_word};
use crate::pane::{RowKey, Sight};
use crate::store::Feed;

/// The incident that a key is of.
fn find<'a>(sight: Sight<'a>, key: &RowKey) -> Option<(&'a Feed, &'a Incident)> {
    let feed = sight.store.feed(&key.source)?;
    let rows = feed.facts.incidents.iter().flatten();
    let mut namesakes = rows.filter(|row| row.id == key.id);
    Some((feed, namesakes.nth(usize::try_from(key.nth).ok()?)?))
}

/// Where an incident is, in its own detail; `None` for one that has a row of its own.
pub(super) fn place(sight: Sight<'_>, key: &RowKey) -> Option<Line> {
    let (_, head) = find(sight, sight.folds.head(key)?)?;
    let line = Line::of("folded under ", Role::Accent);
    Some(line.foreign(&head.title, Role::Plain))
}

/// Everything that is folded under an incident, as lines of a grid.
pub(super) fn rows(sight: Sight<'_>, key: &RowKey) -> Vec<Vec<Cell>> {
    let rows = sight.folds.under(key).filter_map(|row| find(sight, row));
    rows.map(|(feed, row)| {
        let (mark, role) = Mark::of_severity(row.severity);
        let cells = vec![
            Cell::Badge(mark, severity_word(row.severity), role),
            Cell::text(sight.ago(row.opened_at), Role::Dim),
            Cell::Line(status(sight, row)),
            Cell::Line(super::headline(row, false)),
        ];
        if feed.freshness(sight.now).is_current() {
            return cells;
        }
        cells.into_iter().map(Cell::faded).collect()
    })
    .collect()
}
