//! Acting: marks, orders on their way, commands of the user's own, and what can be taken back.
//!
//! The way is always the same: a key makes drafts of the rows as they are seen, a prompt adds what
//! they lack, the source is asked what they would do, that is shown, and only a key upon just that
//! sends them.

use jiff::{SignedDuration, Timestamp};

use super::Effect;
use super::model::Model;
use super::model::ask::{Ask, Wish};
use crate::pane::RowKey;

mod ask;
pub(super) mod batch;
mod draft;
pub(super) mod errand;
pub(super) mod lock;
mod look;

pub(super) use ask::press as press_ask;
pub(super) use draft::drafts;
pub(super) use look::{ask as show_ask, errands as show_errands, orders as show_orders, undo_hint};

/// How long an order can be taken back.
const UNDO_FOR: SignedDuration = SignedDuration::from_secs(10);
/// What is shown has to be on the screen for this long before a key can agree to it: a second press
/// of the key before is no agreement.
const READ_FOR: SignedDuration = SignedDuration::from_millis(200);

/// Marks the selected row, or takes its mark away.
pub(super) fn mark(model: &mut Model, now: Timestamp) {
    if let Some(obstacle) = model.desk.obstacle() {
        model.tell(obstacle, now);
        return;
    }
    let Some(key) = model.target().map(|entry| entry.key.clone()) else {
        model.tell("no row is selected", now);
        return;
    };
    let marks = &mut model.desk.marks;
    if let Some(at) = marks.iter().position(|mark| *mark == key) {
        marks.remove(at);
    } else {
        marks.push(key);
    }
}

/// Takes the marks of every pane away.
pub(super) fn clear_marks(model: &mut Model, now: Timestamp) {
    let count = model.desk.marks.len();
    model.desk.marks.clear();
    let text = match count {
        0 => "no row is marked".to_owned(),
        1 => "1 mark cleared".to_owned(),
        count => format!("{count} marks cleared"),
    };
    model.tell(text, now);
}

/// The rows that a key acts on: the one in detail, else the marked ones, else the selected one.
pub(super) fn rows(model: &Model) -> Vec<RowKey> {
    let is_detailed = model.modes.detail().is_some() || model.modes.explained().is_some();
    let marked: Vec<_> = model.desk.marked(model.pane().name()).cloned().collect();
    if is_detailed || marked.is_empty() {
        let target = model.target();
        return target.map(|entry| entry.key.clone()).into_iter().collect();
    }
    marked
}

/// Begins what a key asks for: orders for the rows as they are seen at this moment.
pub(super) fn begin(model: &mut Model, wish: Wish, now: Timestamp) -> Vec<Effect> {
    if let Some(obstacle) = model.desk.obstacle() {
        model.tell(obstacle, now);
        return Vec::new();
    }
    let (drafts, left_out) = drafts(model, wish, now);
    if drafts.is_empty() {
        let why = left_out.into_iter().next().map(|(_, why)| why);
        model.tell(why.unwrap_or_else(|| "no row is selected".to_owned()), now);
        return Vec::new();
    }
    if wish.asks() {
        let mode = super::model::mode::Mode::Ask(Box::new(Ask::new(wish, drafts, left_out)));
        model.modes.push(mode);
        return Vec::new();
    }
    let orders = drafts.into_iter().filter_map(|draft| draft.order(None, ""));
    batch::open(model, orders.collect(), left_out)
}

/// Asks to take back what was done last.
pub(super) fn undo(model: &mut Model, now: Timestamp) -> Vec<Effect> {
    let Some(undo) = model.desk.undo.take() else {
        model.tell("there is nothing to undo", now);
        return Vec::new();
    };
    batch::open_undo(model, undo.orders)
}

/// Forgets what can no longer be taken back, and the marks of rows that are gone.
pub(super) fn settle(model: &mut Model, now: Timestamp) {
    let desk = &mut model.desk;
    desk.undo = desk.undo.take().filter(|undo| now < undo.until);
}
