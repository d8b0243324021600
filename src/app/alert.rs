//! The alerts of one incident, opened one by one from its detail.

use jiff::Timestamp;

use super::action::Action;
use super::follow::{Destination, web_address};
use super::model::Model;
use super::model::mode::Mode;
use super::{Effect, clip, scroll};
use crate::domain::{Incident, Member};
use crate::pane::{Detail, INCIDENTS, alert, incident};
use crate::text::Untrusted;

/// The incident in detail, where it stands for several alerts that are known one by one.
fn subject(model: &Model, now: Timestamp) -> Option<&Incident> {
    if model.focus != INCIDENTS {
        return None;
    }
    let entry = model.target()?;
    let row = incident(model.sight(now), entry)?;
    (row.members.len() > 1).then_some(row)
}

/// The open alert and its place among those of its incident.
fn current(model: &Model, now: Timestamp) -> Option<(usize, &Member)> {
    let (labels, _) = model.modes.alert()?;
    let members = subject(model, now)?.members.iter();
    members
        .enumerate()
        .find(|(_, member)| member.labels == *labels)
}

/// Opens the first alert of the incident in detail; false where there are none to open.
pub(super) fn open(model: &mut Model, now: Timestamp) -> bool {
    if !matches!(model.modes.top(), Mode::Detail { .. }) {
        return false;
    }
    let first = subject(model, now).and_then(|row| row.members.first());
    let Some(labels) = first.map(|member| member.labels.clone()) else {
        return false;
    };
    model.modes.push(Mode::Alert { labels, scroll: 0 });
    true
}

/// A key while an alert is open; `None` for one that means the same as in the detail of its incident.
pub(super) fn act(model: &mut Model, action: Action, now: Timestamp) -> Option<Vec<Effect>> {
    if !matches!(model.modes.top(), Mode::Alert { .. }) {
        return None;
    }
    match action {
        Action::NextRow => turn(model, 1, now),
        Action::PreviousRow => turn(model, -1, now),
        Action::Down
        | Action::Up
        | Action::Top
        | Action::Bottom
        | Action::PageDown
        | Action::PageUp => scroll::scroll(model, action),
        Action::Open => {}
        Action::CopyId => {
            let labels = model.modes.alert().map(|(labels, _)| labels.shown_whole());
            let text = labels.map(|labels| labels.to_string()).unwrap_or_default();
            return Some(clip::copy_line(model, "the labels", text));
        }
        _ => return None,
    }
    Some(Vec::new())
}

fn turn(model: &mut Model, step: isize, now: Timestamp) {
    let at = current(model, now).map_or(0, |(at, _)| at);
    let members = subject(model, now).map_or(&[][..], |row| &row.members);
    let last = members.len().saturating_sub(1);
    let next = at.saturating_add_signed(step).min(last);
    let Some(labels) = members.get(next).map(|member| member.labels.clone()) else {
        return;
    };
    model.modes.pop();
    model.modes.push(Mode::Alert { labels, scroll: 0 });
}

/// The page of the open alert; `None` while none is open.
pub(super) fn page(
    model: &Model,
    action: Action,
    now: Timestamp,
) -> Option<Result<Destination, &'static str>> {
    model.modes.alert()?;
    let url = current(model, now).and_then(|(_, member)| member.url.as_ref());
    let url = url.and_then(web_address);
    let page = url.ok_or("this alert has no web page");
    match action {
        Action::CopyUrl => Some(page.map(Destination::Copied)),
        Action::Link => Some(page.map(Destination::Opened)),
        _ => None,
    }
}

/// The detail of the open alert; `None` while none is open.
pub(super) fn detail(model: &Model, now: Timestamp) -> Option<Detail> {
    let (labels, _) = model.modes.alert()?;
    let sight = model.sight(now);
    let entry = model.target()?;
    let row = incident(sight, entry)?;
    let place = current(model, now);
    Some(match place {
        Some((at, member)) => alert::detail(sight, entry, row, (at, member)),
        None => alert::gone(row, &Untrusted::clone(labels)),
    })
}
