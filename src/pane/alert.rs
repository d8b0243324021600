//! One of the alerts that an incident stands for: its own labels, age and link.

use super::cell::{Line, Mark, Role};
use super::{Detail, Entry, Sight, fresh};
use crate::domain::{Incident, IncidentStatus, Member};
use crate::text::Untrusted;

/// Everything that is known of one alert; `at` is its place among those of the incident.
pub fn detail(
    sight: Sight<'_>,
    entry: &Entry,
    row: &Incident,
    (at, member): (usize, &Member),
) -> Detail {
    let feed = sight.feed(entry);
    let mut detail = Detail {
        title: Line::new().foreign(&row.title, Role::Title),
        origin: feed.map_or_else(Line::new, |feed| fresh::name_and_word(feed, sight.now)),
        blocks: Vec::new(),
    };
    let (mark, role) = Mark::of_severity(row.severity);
    let role = if member.status == IncidentStatus::Triggered {
        role
    } else {
        Role::Dim
    };
    let place = format!("alert {} of {}", at + 1, row.alerts.max(row.members.len()));
    let line = Line::new().mark(mark, role).text(place, Role::Strong);
    let line = match member.status {
        IncidentStatus::Triggered => line.text(" · firing", role),
        status => line.text(format!(" · {}", status.word()), Role::Dim),
    };
    detail.line(line);
    if let Some(at) = member.opened_at {
        let line = Line::of(sight.moment(at), Role::Plain);
        let ago = format!("  {} ago", sight.ago(Some(at)));
        detail.field("since", line.text(ago, Role::Dim));
    }
    if let Some(url) = &member.url {
        detail.field("link", Line::new().foreign(url, Role::Plain));
    }
    pairs(&mut detail, "its own labels and annotations", &member.own);
    pairs(&mut detail, "labels and annotations of all", &row.details);
    if sight.is_old(entry) {
        detail.fade();
    }
    detail
}

/// An alert that its incident does not list any more.
pub fn gone(row: &Incident, labels: &Untrusted) -> Detail {
    let mut detail = Detail {
        title: Line::new().foreign(&row.title, Role::Title),
        ..Detail::default()
    };
    detail.line(Line::new().foreign(labels, Role::Strong));
    detail.line(Line::of("This alert is no longer listed.", Role::Plain));
    detail
}

fn pairs(detail: &mut Detail, name: &'static str, pairs: &[(Untrusted, Untrusted)]) {
    if pairs.is_empty() {
        return;
    }
    detail.section(name);
    for (name, value) in pairs {
        let value = Line::new().foreign(value, Role::Plain);
        detail.field(name.shown().as_str(), value);
    }
}
