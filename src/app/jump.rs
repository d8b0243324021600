//! Jumps to another pane, and the way back to where each began.

use jiff::Timestamp;

use super::filter::Filter;
use super::model::Model;
use super::model::jump::Jump;
use super::model::mode::Mode;
use crate::pane::RowKey;

/// The most jumps that are remembered; the oldest is dropped.
const MAX_JUMPS: usize = 16;

/// Focuses a pane, and remembers where this began.
pub(super) fn begin(model: &mut Model, to: usize) {
    let selected = model.roster().and_then(|roster| roster.selected());
    let jump = Jump {
        focus: model.focus,
        view: model.view,
        selected: selected.map(|entry| entry.key.clone()),
        modes: model.modes.clone(),
        filter: model.query.filter.clone(),
        is_opened: false,
    };
    // That of the jump before is open again on the way back.
    model.modes.close_detail();
    if model.jumps.len() == MAX_JUMPS {
        model.jumps.remove(0);
    }
    model.jumps.push(jump);
    model.focus = to;
}

/// Selects a row of another pane, without the filter that hides it; false where the pane does not show it.
pub(super) fn to_row(model: &mut Model, place: usize, key: &RowKey, now: Timestamp) -> bool {
    begin(model, place);
    let shown_at = |model: &Model| model.roster()?.place_of(key);
    if shown_at(model).is_none() {
        remove_filter(model);
        model.settle(now);
    }
    let found = shown_at(model);
    if let (Some(at), Some(roster)) = (found, model.roster_mut()) {
        roster.choose(at);
    } else {
        back(model);
    }
    found.is_some()
}

/// Removes the filter that would hide the row that was jumped to; the way back restores it.
pub(super) fn remove_filter(model: &mut Model) {
    model.query.filter = Filter::default();
}

/// Opens the detail of the row that was jumped to; closing it leads back.
pub(super) fn open(model: &mut Model, key: RowKey) {
    model.modes.push(Mode::Detail { key, scroll: 0 });
    if let Some(jump) = model.jumps.last_mut() {
        jump.is_opened = true;
    }
}

/// Goes back when the detail that the last jump opened was closed.
pub(super) fn closed(model: &mut Model) {
    let is_over = *model.modes.top() == Mode::Browse;
    if is_over && model.jumps.last().is_some_and(|jump| jump.is_opened) {
        back(model);
    }
}

/// True while the filter is one that was typed since the last jump.
pub(super) fn is_filtered_since(model: &Model) -> bool {
    let before = model.jumps.last().map(|jump| &jump.filter);
    let filter = &model.query.filter;
    !filter.text().is_empty() && before != Some(filter)
}

/// Goes back to where the last jump began; false when there was none.
pub(super) fn back(model: &mut Model) -> bool {
    let Some(jump) = model.jumps.pop() else {
        return false;
    };
    model.query.filter = jump.filter;
    model.focus = jump.focus;
    model.view = jump.view;
    model.modes = jump.modes;
    if let (Some(key), Some(roster)) = (jump.selected, model.roster_mut())
        && let Some(place) = roster.place_of(&key)
    {
        roster.choose(place);
    }
    true
}

/// Forgets the jumps: another pane was chosen by its own key.
pub(super) fn forget(model: &mut Model) {
    model.jumps.clear();
}
