//! Everything there is to say about one incident.

use super::folded;
use super::lane::{self, status};
use crate::domain::{Incident, IncidentStatus};
use crate::pane::block::Block;
use crate::pane::cell::{Cell, Mark, Role, severity_word};
use crate::pane::dependants::dependants;
use crate::pane::{Detail, Line, RowKey, Sight, figures, fresh, on_call, related};
use crate::store::Feed;
use crate::text::Untrusted;

/// The detail of the incident that goes by this key.
pub(super) fn detail(sight: Sight<'_>, feed: &Feed, row: &Incident, key: &RowKey) -> Detail {
    let mut detail = Detail {
        title: Line::new().foreign(&row.title, Role::Title),
        origin: fresh::name_and_word(feed, sight.now),
        blocks: Vec::new(),
    };
    let (mark, role) = Mark::of_severity(row.severity);
    let held = match (row.status, row.assignees.is_empty()) {
        (IncidentStatus::Triggered, true) => Line::of("nobody, not acked", role),
        _ => status(sight, row),
    };
    let severity = Line::new()
        .mark(mark, role)
        .text(severity_word(row.severity), role)
        .text(" · ", Role::Dim)
        .join(held);
    detail.line(severity);
    if let Some(gone) = row.gone {
        let text = format!(
            "gone from {} since {}: no longer listed, not known to be resolved",
            feed.name,
            sight.clock(gone.last_seen)
        );
        detail.line(Line::of(text, Role::Strong));
    }
    if let Some(lane) = lane::of(sight, row) {
        detail.line(Line::of(lane.sentence(), Role::Strong));
    }
    if let Some(line) = folded::place(sight, key) {
        detail.line(line);
    }
    detail.field("service", Line::new().foreign(&row.service, Role::Plain));
    fields(sight, row, sight.growth.of(key), &mut detail);
    if !feed.freshness(sight.now).is_current() {
        detail.fade();
    }
    if let Some(line) = on_call::service_line(sight, &row.service) {
        detail.field("on call", line);
    }
    let dependants = dependants(sight, &row.service);
    if !dependants.is_empty() {
        detail.field("used by", dependants);
    }
    detail.grid_section("folded under it", folded::rows(sight, key));
    let told: Vec<_> = sight.folds.under(key).map(|folded| &folded.id).collect();
    let told: Vec<_> = told.into_iter().chain([&row.id]).collect();
    let parts = [
        (
            "SLOs of this service",
            related::slo_rows(sight, &row.service),
        ),
        (
            "releases of this service",
            related::release_rows(sight, &row.service, None),
        ),
        (
            "other open incidents",
            related::incident_rows(sight, &row.service, &told),
        ),
    ];
    for (name, rows) in parts {
        detail.grid_section(name, rows);
    }
    detail.grid_section("alerts one by one (enter opens)", members(sight, row));
    if !row.details.is_empty() {
        detail.section("labels and annotations");
        for (name, value) in &row.details {
            let value = Line::new().foreign(value, Role::Plain);
            detail.blocks.push(Block::Field(name.shown(), value));
        }
    }
    // Last, since a link to a query can fill a small screen.
    detail.section("source");
    for (label, text) in [("id", Some(&row.id)), ("link", row.url.as_ref())] {
        if let Some(text) = text {
            detail.field(label, Line::new().foreign(text, Role::Plain));
        }
    }
    detail
}

/// The alerts of an incident one by one: where it stands, since when, and what tells it from the others.
fn members(sight: Sight<'_>, row: &Incident) -> Vec<Vec<Cell>> {
    let mut rows: Vec<_> = row
        .members
        .iter()
        .map(|member| {
            vec![
                Cell::text(member.status.word(), Role::Dim),
                Cell::text(sight.began(member.opened_at), Role::Dim),
                Cell::Line(Line::new().foreign(&member.labels, Role::Plain)),
            ]
        })
        .collect();
    if let Some(more) = row
        .alerts
        .checked_sub(row.members.len())
        .filter(|more| *more > 0)
        && !rows.is_empty()
    {
        let more = format!("and {more} more");
        rows.push(vec![
            Cell::text("", Role::Dim),
            Cell::text("", Role::Dim),
            Cell::text(more, Role::Dim),
        ]);
    }
    rows
}

fn fields(sight: Sight<'_>, row: &Incident, new: usize, detail: &mut Detail) {
    let moments = [
        ("opened", row.opened_at),
        ("listed last", row.gone.map(|gone| gone.last_seen)),
        ("acked", row.acknowledged_at),
        ("resolved", row.resolved_at),
    ];
    for (label, at) in moments {
        if let Some(at) = at {
            let ago = if sight.is_to_come(at) {
                format!("  {}", sight.began(Some(at)))
            } else {
                format!("  {} ago", sight.ago(Some(at)))
            };
            let line = Line::of(sight.moment(at), Role::Plain).text(ago, Role::Dim);
            detail.field(label, line);
        }
    }
    if row.status == IncidentStatus::Silenced {
        silences(sight, row, detail);
    }
    for (label, names) in [
        ("acked by", &row.acknowledged_by),
        ("who", &row.assignees),
        ("teams", &row.teams),
    ] {
        if !names.is_empty() {
            detail.field(label, listed(names));
        }
    }
    if row.alerts > 1 {
        let line = Line::of(row.alerts.to_string(), Role::Plain);
        let line = match new {
            0 => line,
            new => line.text(format!(", {new} new"), Role::Accent),
        };
        detail.field("alerts", line);
    }
    if let Some(runbook) = &row.runbook {
        detail.field("runbook", Line::new().foreign(runbook, Role::Plain));
    }
}

/// Until when it is kept from notifying, and by which silences of whom.
fn silences(sight: Sight<'_>, row: &Incident, detail: &mut Detail) {
    if let Some(until) = row.silenced_until {
        let left = figures::countdown(sight.now.duration_until(until));
        let line =
            Line::of(sight.moment(until), Role::Plain).text(format!("  in {left}"), Role::Dim);
        detail.field("silenced until", line);
    }
    for id in &row.silenced_by {
        let silences = sight.store.silences();
        let mut line = Line::new().foreign(id, Role::Plain);
        if let Some((_, silence)) = silences.into_iter().find(|(_, other)| other.id == *id) {
            line = line
                .text(" by ", Role::Dim)
                .foreign(&silence.created_by, Role::Plain)
                .text(" ", Role::Plain)
                .foreign(&silence.comment, Role::Dim);
        }
        detail.field("silence", line);
    }
}

fn listed(names: &[Untrusted]) -> Line {
    names.iter().fold(Line::new(), |line, name| {
        let gap = if line.is_empty() { "" } else { ", " };
        line.text(gap, Role::Plain).foreign(name, Role::Plain)
    })
}
