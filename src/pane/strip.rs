//! Events of the last three hours, as marks on one line: releases, incidents, sources that were lost.

use jiff::{SignedDuration, Timestamp};

use super::cell::{Cell, Line, Mark, Role};
use super::{Sight, burn, suspects};
use crate::domain::{Event, Release, ReleaseStatus, Severity, Turn, What};
use crate::store::Feed;
use crate::text::Shown;

/// The time that is shown.
const SPAN: SignedDuration = SignedDuration::from_hours(3);

/// Marks between two moments.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    /// From when to when, in seconds since the epoch.
    pub span: (i64, i64),
    /// The marks, those that weigh most at the end.
    pub marks: Vec<Happening>,
    /// Moments named on the axis.
    pub ticks: Vec<(i64, Shown)>,
}

/// One mark.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// When, in seconds since the epoch.
    pub at: i64,
    /// Its shape.
    pub shape: Cell,
    /// The name above it; empty for a mark that does not stand out.
    pub name: Line,
    /// How much it weighs: a mark of more weight is drawn over one of less.
    weight: u8,
}

impl Happening {
    /// The same as something that was true once, of a source that does not answer.
    fn faded_unless(self, is_current: bool) -> Self {
        if is_current {
            return self;
        }
        Self {
            shape: self.shape.faded(),
            name: self.name.faded(),
            ..self
        }
    }
}

/// The strip of what sources list and of what was seen to happen.
pub fn strip(sight: Sight<'_>) -> Strip {
    let from = sight.now.saturating_sub(SPAN).unwrap_or(sight.now);
    let within = from.as_second()..=sight.now.as_second();
    let mut marks: Vec<Happening> = Vec::new();
    let store = sight.store;
    // Most releases are older, and whether one is a suspect takes a look at all that burn.
    let releases = store.releases().filter(|(_, row)| {
        let at = row.dated();
        at.is_some_and(|at| within.contains(&at.as_second()))
    });
    marks.extend(releases.filter_map(|(feed, row)| release(sight, feed, row)));
    marks.extend(store.incidents().filter_map(|(feed, row)| {
        let shape = (row.severity, row.opened_at?);
        let mark = page(sight, shape, &row.service.shown());
        let mark = mark.faded_unless(feed.freshness(sight.now).is_current());
        (row.severity != Severity::Info).then_some(mark)
    }));
    marks.extend(
        store
            .events()
            .iter()
            .filter_map(|event| happened(sight, event)),
    );
    let lost = store
        .feeds()
        .iter()
        .filter(|feed| !feed.freshness(sight.now).is_current());
    marks.extend(lost.filter_map(|feed| Some(silence(feed.last_success?, feed.name.as_str()))));
    marks.retain(|mark| within.contains(&mark.at));
    marks.sort_by_key(|mark| (mark.weight, mark.at));
    let span = (from.as_second(), sight.now.as_second());
    Strip {
        span,
        marks,
        ticks: burn::ticks(sight, span),
    }
}

fn release(sight: Sight<'_>, feed: &Feed, row: &Release) -> Option<Happening> {
    let is_suspect = suspects::is_suspect(sight.store, feed, row);
    let (mark, role) = Mark::of_release(row.status);
    let at = row.dated()?.as_second();
    let shape = match (is_suspect, row.status) {
        (true, _) => Cell::text(suspects::MARK.trim_end(), Role::Accent),
        (false, ReleaseStatus::Succeeded) => Cell::text(suspects::MARK.trim_end(), Role::Dim),
        (false, _) => Cell::Badge(mark, "", role),
    };
    let name = if is_suspect {
        Line::new().foreign(&row.version, Role::Accent)
    } else {
        Line::new()
    };
    let weight = if is_suspect { 3 } else { 0 };
    let mark = Happening {
        at,
        shape,
        name,
        weight,
    };
    Some(mark.faded_unless(feed.freshness(sight.now).is_current()))
}

fn page(sight: Sight<'_>, (severity, at): (Severity, Timestamp), service: &Shown) -> Happening {
    let (mark, role) = Mark::of_severity(severity);
    let is_page = severity == Severity::Page;
    let name = if is_page {
        Line::of(format!("{service} paged {}", sight.clock(at)), role)
    } else {
        Line::new()
    };
    Happening {
        at: at.as_second(),
        shape: Cell::Badge(mark, "", role),
        name,
        weight: if is_page { 4 } else { 1 },
    }
}

fn silence(at: Timestamp, source: &str) -> Happening {
    Happening {
        at: at.as_second(),
        shape: Cell::Badge(Mark::Unknown, "", Role::Fault),
        name: Line::of(format!("{source} lost"), Role::Fault),
        weight: 2,
    }
}

/// An event that was seen and that no source lists.
fn happened(sight: Sight<'_>, event: &Event) -> Option<Happening> {
    match &event.what {
        What::Lost { .. } => {
            let source = event.source.as_ref()?;
            Some(silence(event.at, source.as_str()))
        }
        What::Incident {
            turn: Turn::Opened | Turn::Reopened,
            severity,
            ..
        } if *severity != Severity::Info => {
            let mut listed = sight.store.incidents();
            (!listed.any(|(_, row)| row.id == event.subject)).then(|| {
                let shape = (*severity, event.at);
                page(sight, shape, &event.service.shown())
            })
        }
        _ => None,
    }
}
