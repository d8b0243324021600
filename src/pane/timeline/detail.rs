//! Everything there is to say about one event, and about its row as that is now.

use super::words;
use crate::domain::{Event, SourceName, What};
use crate::pane::block::{Block, Detail};
use crate::pane::cell::{Cell, Line, Mark, Role, release_word, severity_word};
use crate::pane::{Sight, fresh, incidents, on_call, related};
use crate::text::Untrusted;

/// The detail of an event.
pub(super) fn detail(sight: Sight<'_>, event: &Event) -> Detail {
    let (mark, word, role) = words::badge(event);
    let mut detail = Detail {
        title: title(event),
        origin: origin(sight, event),
        blocks: Vec::new(),
    };
    detail.line(Line::new().mark(mark, role).text(word, role));
    detail.line(words::what(event));
    detail.blocks.push(Block::Gap);
    let ago = if event.at > sight.now {
        "  after the moment that is shown".to_owned()
    } else if event.seen > sight.now {
        "  not known yet at the moment that is shown".to_owned()
    } else {
        format!("  {} ago", sight.ago(Some(event.at)))
    };
    let when = Line::of(sight.moment(event.at), Role::Plain).text(ago, Role::Dim);
    detail.field("when", when);
    let source = event.source.as_ref();
    let source = source.map_or(from_here(event), SourceName::as_str);
    detail.field("told by", Line::of(source, Role::Plain));
    field(&mut detail, "service", &event.service);
    if !matches!(event.what, What::Freeze { .. }) {
        field(&mut detail, "of", &event.subject);
    }
    particulars(event, &mut detail);
    if let Some(line) = on_call::service_line(sight, &event.service) {
        detail.field("on call", line);
    }
    let rows = row_now(sight, event);
    if !rows.is_empty() {
        detail.grid_section("the row now", rows);
    } else if is_of_a_row(event) {
        detail.blocks.push(Block::Gap);
        let text = "the source does not list this row any more";
        detail.line(Line::of(text, Role::Dim));
    }
    let parts = [
        (
            "SLOs of this service",
            related::slo_rows(sight, &event.service),
        ),
        (
            "open incidents",
            related::incident_rows(sight, &event.service, &[&event.subject]),
        ),
        (
            "releases of this service",
            related::release_rows(sight, &event.service, Some(&event.subject)),
        ),
    ];
    for (name, rows) in parts {
        detail.grid_section(name, rows);
    }
    detail
}

fn title(event: &Event) -> Line {
    let source = event.source.as_ref();
    match (&event.what, source) {
        (What::Lost { .. } | What::Back { .. }, Some(source)) => {
            Line::of(source.as_str(), Role::Title)
        }
        (What::Incident { title, .. }, _) if event.service.is_empty() => {
            Line::new().foreign(title, Role::Title)
        }
        (What::Done { target, .. }, _) if event.service.is_empty() => {
            Line::new().foreign(target, Role::Title)
        }
        _ => Line::new().foreign(&event.service, Role::Title),
    }
}

/// Who told of it and how fresh that source is now.
fn origin(sight: Sight<'_>, event: &Event) -> Line {
    let Some(source) = &event.source else {
        return Line::of(from_here(event), Role::Dim);
    };
    match sight.store.feed(source) {
        Some(feed) => fresh::name_and_word(feed, sight.now),
        None => Line::of(source.as_str(), Role::Dim),
    }
}

/// The origin of an event without a source.
fn from_here(event: &Event) -> &'static str {
    match event.what {
        What::Freeze { .. } => "judged here, by the error budget policy",
        _ => "done from here",
    }
}

fn field(detail: &mut Detail, label: &str, text: &Untrusted) {
    if !text.is_empty() {
        detail.field(label, Line::new().foreign(text, Role::Plain));
    }
}

/// What an event says besides its sentence.
fn particulars(event: &Event, detail: &mut Detail) {
    match &event.what {
        What::Incident { who, .. } => {
            for who in who {
                field(detail, "with", who);
            }
        }
        What::Done {
            who, result, said, ..
        } => {
            field(detail, "by", who);
            detail.field("result", Line::of(result, Role::Plain));
            field(detail, "the source said", said);
        }
        What::Note { who, .. } | What::Linked { who, .. } => field(detail, "by", who),
        What::Freeze { policy, .. } => field(detail, "policy", policy),
        What::Slo { .. } | What::Release { .. } | What::Lost { .. } | What::Back { .. } => {}
    }
}

/// Whether an event is of a row that its source lists as long as it is there.
fn is_of_a_row(event: &Event) -> bool {
    matches!(event.what, What::Release { .. } | What::Incident { .. })
}

/// The row of an event as it is now, in one line.
fn row_now(sight: Sight<'_>, event: &Event) -> Vec<Vec<Cell>> {
    if let Some(row) = related::release_of(sight, event) {
        let (mark, role) = Mark::of_release(row.status);
        return vec![vec![
            Cell::Badge(mark, release_word(row.status), role),
            Cell::name(&row.version, Role::Plain),
            Cell::foreign(&row.environment, Role::Plain),
            Cell::text(sight.ago(row.dated()), Role::Dim),
        ]];
    }
    let Some(row) = related::incident_of(sight, event) else {
        return Vec::new();
    };
    let (mark, role) = Mark::of_severity(row.severity);
    vec![vec![
        Cell::Badge(mark, severity_word(row.severity), role),
        Cell::text(sight.ago(row.opened_at), Role::Dim),
        Cell::Line(incidents::status(sight, row)),
        Cell::foreign(&row.title, Role::Plain),
    ]]
}
