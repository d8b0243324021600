//! The mouse: a click selects a row, a click on the selected row opens it, the wheel moves.

use jiff::Timestamp;

use super::Effect;
use super::action::Action;
use super::layout::{Area, Layout};
use super::model::Model;
use super::model::mode::Mode;
use super::table;
use super::update::act;
use crate::pane::PANES;

/// A button of the mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// The left one.
    Left,
    /// The wheel, away from the hand.
    WheelUp,
    /// The wheel, towards the hand.
    WheelDown,
}

/// Rows that one step of the wheel moves.
const WHEEL: usize = 3;

/// Takes in a button at a column and row of the screen. Where text is typed or an action is previewed, the
/// mouse does nothing.
pub(super) fn pressed(
    model: &mut Model,
    button: Button,
    place: (u16, u16),
    now: Timestamp,
) -> Vec<Effect> {
    if model.wall.is_some() {
        return Vec::new();
    }
    let (rows, scrolls) = match model.modes.top() {
        Mode::Browse | Mode::Detail { .. } => (true, true),
        Mode::Help { .. } | Mode::Explain { .. } => (false, true),
        _ => (false, false),
    };
    match button {
        Button::Left if rows => click(model, place, now),
        Button::WheelUp if scrolls => wheel(model, Action::Up, place, now),
        Button::WheelDown if scrolls => wheel(model, Action::Down, place, now),
        _ => Vec::new(),
    }
}

/// Selects the row, and its pane; opens the row that was selected.
fn click(model: &mut Model, place: (u16, u16), now: Timestamp) -> Vec<Effect> {
    let Some((pane, row)) = pane_at(model, place) else {
        return Vec::new();
    };
    model.flash = None;
    let roster = &model.rosters[pane];
    let is_selected = pane == model.focus && row == Some(roster.cursor.index());
    model.focus = pane;
    let Some(row) = row else {
        return Vec::new();
    };
    if let Some(roster) = model.roster_mut() {
        roster.choose(row);
    }
    match model.modes.top() {
        Mode::Detail { .. } if is_selected => Vec::new(),
        Mode::Detail { .. } => {
            model.modes.pop();
            act(model, Action::Open, now)
        }
        _ if is_selected => act(model, Action::Open, now),
        _ => Vec::new(),
    }
}

/// Moves the selection of the pane below the mouse, or scrolls what lies on the panes.
fn wheel(model: &mut Model, action: Action, place: (u16, u16), now: Timestamp) -> Vec<Effect> {
    if let (Mode::Browse, Some((pane, _))) = (model.modes.top(), pane_at(model, place)) {
        model.focus = pane;
    }
    let steps = (0..WHEEL).flat_map(|_| act(model, action, now));
    steps.collect()
}

/// The pane at a place, and which of its rows.
fn pane_at(model: &Model, (x, y): (u16, u16)) -> Option<(usize, Option<usize>)> {
    let Layout::Panes(arrangement) = model.layout() else {
        return None;
    };
    let contains = |area: Area| {
        (area.x..area.x + area.width).contains(&x) && (area.y..area.y + area.height).contains(&y)
    };
    let (pane, area) = arrangement
        .panes
        .iter()
        .copied()
        .find(|(_, area)| contains(*area))?;
    let roster = &model.rosters[pane];
    let count = roster.shown.len();
    let room = table::room(PANES[pane], arrangement.border, area, count);
    let row = usize::from(y.saturating_sub(room.y)) + roster.cursor.top();
    let is_row = contains(room) && (room.y..room.y + room.height).contains(&y) && row < count;
    Some((pane, is_row.then_some(row)))
}
