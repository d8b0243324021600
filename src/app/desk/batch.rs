//! Orders from their preview to their end: shown together, agreed to once, each with its own result.

use jiff::Timestamp;

use super::lock::{difference, seen};
use super::{READ_FOR, UNDO_FOR};
use crate::app::Effect;
use crate::app::action::Action;
use crate::app::key::{Code, Key};
use crate::app::layout::Layout;
use crate::app::model::Model;
use crate::app::model::acting::{Batch, Item, Seen, Step, Undo};
use crate::app::model::ask::LeftOut;
use crate::app::model::mode::Mode;
use crate::domain::{Acted, Order, Previewed};
use crate::store::Store;

impl Item {
    fn new(order: Order, store: &Store) -> Self {
        let before = seen(store, &order);
        Self {
            order,
            step: Step::Asking,
            before,
        }
    }
}

/// Shows orders, and asks their sources what they would do.
pub(in crate::app) fn open(
    model: &mut Model,
    orders: Vec<Order>,
    left_out: LeftOut,
) -> Vec<Effect> {
    let effects = show(model, orders, left_out);
    // What was seen may be a paused view: the newest facts speak before the source does.
    let store = model.newest().clone();
    if let Some(batch) = model.desk.batches.last_mut() {
        for item in &mut batch.items {
            let was = item.order.target.seen.map(Seen::Incident);
            if was.is_some() && item.before.is_some() && item.before != was {
                item.step = Step::Changed(difference(&store, item, was));
            }
        }
    }
    effects
}

/// Shows what takes orders back. Facts may be older than what they take back.
pub(super) fn open_undo(model: &mut Model, orders: Vec<Order>) -> Vec<Effect> {
    show(model, orders, Vec::new())
}

fn show(model: &mut Model, orders: Vec<Order>, left_out: LeftOut) -> Vec<Effect> {
    let store = model.newest();
    let items: Vec<_> = orders
        .into_iter()
        .map(|order| Item::new(order, store))
        .collect();
    let effects = items
        .iter()
        .map(|item| Effect::Preview(Box::new(item.order.clone())))
        .collect();
    let desk = &mut model.desk;
    desk.count += 1;
    // Of those that are over, only the newest is kept.
    desk.batches.retain(Batch::is_under_way);
    desk.batches.push(Batch {
        number: desk.count,
        items,
        left_out,
        shown_at: None,
        has_changed: false,
    });
    model.modes.push(Mode::Orders { scroll: 0 });
    effects
}

/// Takes in what a source says that an order would do.
pub(in crate::app) fn previewed(model: &mut Model, told: Previewed, now: Timestamp) {
    let Some(batch) = model.desk.batches.last_mut() else {
        return;
    };
    let waiting = |item: &&mut Item| item.step == Step::Asking && item.order == told.order;
    if let Some(item) = batch.items.iter_mut().find(waiting) {
        item.step = match told.outcome {
            Ok(preview) => Step::Offered(preview),
            Err(fault) => Step::Refused(fault),
        };
    }
    if !batch.is_asking() {
        batch.shown_at.get_or_insert(now);
    }
}

/// A key while orders are shown. Only Enter and `y` send anything.
pub(in crate::app) fn press(model: &mut Model, key: Key, now: Timestamp) -> Vec<Effect> {
    let action = model.keymap.resolve(key);
    match (key.code, key.ctrl) {
        (Code::Enter, _) | (Code::Char('y'), false) => return agree(model, now),
        (Code::Char('r'), false) => return retry(model, now),
        (Code::Esc, _) => close(model, now),
        _ => match action {
            Some(Action::Back | Action::Quit) => close(model, now),
            Some(Action::Undo) => return take_back(model, now),
            Some(action) => crate::app::scroll::scroll(model, action),
            None => {}
        },
    }
    Vec::new()
}

/// Takes back what is shown as done.
fn take_back(model: &mut Model, now: Timestamp) -> Vec<Effect> {
    let batch = model.desk.batches.last();
    let is_over = batch.is_some_and(|batch| batch.is_sent() && !batch.is_under_way());
    if !is_over || model.desk.undo.is_none() {
        return Vec::new();
    }
    model.modes.pop();
    super::undo(model, now)
}

/// Leaves; what is on its way goes on and reports by itself.
fn close(model: &mut Model, now: Timestamp) {
    model.modes.pop();
    let Some(batch) = model.desk.batches.last() else {
        return;
    };
    if batch.is_under_way() {
        model.tell("still on its way: the result is told here", now);
    } else if !batch.is_sent() {
        model.desk.batches.pop();
        model.tell("nothing was done", now);
    }
}

/// Sends what is shown, if it may be.
fn agree(model: &mut Model, now: Timestamp) -> Vec<Effect> {
    if model.layout() == Layout::Line {
        return Vec::new();
    }
    let Some(batch) = model.desk.batches.last_mut() else {
        return Vec::new();
    };
    if batch.is_sent() {
        if !batch.is_under_way() {
            model.modes.pop();
        }
        return Vec::new();
    }
    let is_read = batch
        .shown_at
        .is_some_and(|at| now.duration_since(at) >= READ_FOR);
    let why_not = if batch.is_asking() {
        Some("not yet: it is not known what this would do")
    } else if batch.offered() == 0 {
        Some("nothing is left that could be done")
    } else if std::mem::take(&mut batch.has_changed) {
        Some("something has changed: look again, then press it once more")
    } else if !is_read {
        Some("look at it first")
    } else {
        None
    };
    if let Some(why_not) = why_not {
        model.tell(why_not, now);
        return Vec::new();
    }
    let mut effects = Vec::new();
    for item in &mut batch.items {
        if matches!(item.step, Step::Offered(_)) {
            item.step = Step::Sent;
            effects.push(Effect::Act(Box::new(item.order.clone())));
        }
    }
    // What was acted on is marked no more.
    let pane = model.pane().name();
    model.desk.marks.retain(|key| key.pane != pane);
    effects
}

/// Shows what failed anew, so that it can be tried again.
fn retry(model: &mut Model, now: Timestamp) -> Vec<Effect> {
    let Some(batch) = model.desk.batches.last() else {
        return Vec::new();
    };
    if batch.is_under_way() || batch.is_asking() {
        return Vec::new();
    }
    let orders = batch.retriable();
    if orders.is_empty() {
        model.tell("nothing failed that could be tried again", now);
        return Vec::new();
    }
    model.modes.pop();
    open(model, orders, Vec::new())
}

/// Takes in the end of an order.
pub(in crate::app) fn acted(model: &mut Model, told: Acted, now: Timestamp) -> Vec<Effect> {
    let sent = |item: &&mut Item| item.step == Step::Sent && item.order == told.order;
    let batches = model.desk.batches.iter_mut();
    let found = batches.rev().find_map(|batch| {
        let item = batch.items.iter_mut().find(sent)?;
        let undo = told
            .outcome
            .as_ref()
            .ok()
            .and_then(|done| done.undo.clone());
        item.step = match told.outcome.clone() {
            Ok(done) => Step::Done(done),
            Err(fault) => Step::Failed(fault),
        };
        Some((batch.number, undo))
    });
    let Some((number, undo)) = found else {
        return Vec::new();
    };
    if let Some(undo) = undo {
        remember(model, number, *undo, now);
    }
    report(model, number, now);
    vec![Effect::Poll(Some(told.order.source))]
}

/// Keeps what takes an order back, together with what takes back those it was given with.
fn remember(model: &mut Model, batch: usize, order: Order, now: Timestamp) {
    let until = now.saturating_add(UNDO_FOR).unwrap_or(now);
    let undo = model.desk.undo.take().filter(|undo| undo.batch == batch);
    let mut orders = undo.map_or_else(Vec::new, |undo| undo.orders);
    orders.push(order);
    model.desk.undo = Some(Undo {
        orders,
        batch,
        until,
    });
}

/// Says how a batch ended, once it has; one good end needs no list.
fn report(model: &mut Model, number: usize, now: Timestamp) {
    let batches = model.desk.batches.iter();
    let Some(batch) = batches.into_iter().find(|batch| batch.number == number) else {
        return;
    };
    if batch.is_under_way() {
        return;
    }
    let is_newest = model.desk.count == number;
    let is_open = is_newest && matches!(model.modes.top(), Mode::Orders { .. });
    let done = |item: &&Item| matches!(item.step, Step::Done(_));
    let count = batch.items.iter().filter(done).count();
    let failed = batch.items.iter().filter_map(|item| match &item.step {
        Step::Failed(fault) => Some(fault.message.shown()),
        _ => None,
    });
    let failed: Vec<_> = failed.collect();
    let text = match (batch.items.as_slice(), failed.first()) {
        ([item], None) => match &item.step {
            Step::Done(done) if !done.said.is_empty() => done.said.shown().to_string(),
            _ => format!("{} done", item.order.deed.verb().word()),
        },
        (_, None) => format!("{count} done"),
        (_, Some(first)) => format!("{count} done, {} failed: {first}", failed.len()),
    };
    let is_simple = batch.items.len() == 1 && failed.is_empty() && batch.left_out.is_empty();
    if is_open && !is_simple {
        return;
    }
    if is_open {
        model.modes.pop();
    }
    let hint = model
        .desk
        .undo
        .as_ref()
        .and(model.keymap.hint(Action::Undo));
    // First, since the end of a long line is cut.
    let hint = hint.map_or_else(String::new, |key| format!("{key} undoes: "));
    model.tell(format!("{hint}{text}"), now);
}

/// Shows how the last orders ended.
pub(in crate::app) fn reopen(model: &mut Model, now: Timestamp) {
    if model.desk.batches.is_empty() {
        model.tell("nothing was done yet", now);
    } else {
        model.modes.push(Mode::Orders { scroll: 0 });
    }
}
