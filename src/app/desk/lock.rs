//! What orders rest on: what has changed since it was looked at is not acted on.

use jiff::Timestamp;

use crate::app::model::Model;
use crate::app::model::acting::{Item, Seen, Step};
use crate::app::model::mode::Mode;
use crate::domain::{Deed, Order};
use crate::store::Store;

/// What an order's target is now; none for one that its source does not tell of.
pub(super) fn seen(store: &Store, order: &Order) -> Option<Seen> {
    let facts = &store.feed(&order.source)?.facts;
    let id = &order.target.id;
    if matches!(order.deed, Deed::Extend { .. } | Deed::Expire) {
        let mut silences = facts.silences.iter().flatten();
        let silence = silences.find(|silence| silence.id == *id)?;
        return Some(Seen::Silence(silence.ends_at));
    }
    let mut incidents = facts.incidents.iter().flatten();
    let incident = incidents.find(|incident| incident.id == *id)?;
    Some(Seen::Incident(incident.status))
}

/// Compares what is shown with the newest facts: what has changed is not sent.
pub(in crate::app) fn compare(model: &mut Model, now: Timestamp) {
    let is_open = matches!(model.modes.top(), Mode::Orders { .. });
    if !is_open {
        return;
    }
    let store = model.newest().clone();
    let Some(batch) = model.desk.batches.last_mut() else {
        return;
    };
    for item in &mut batch.items {
        if !matches!(item.step, Step::Asking | Step::Offered(_)) || item.before.is_none() {
            continue;
        }
        let is = seen(&store, &item.order);
        let wanted = item.order.target.seen.map(Seen::Incident);
        if is != item.before && (is.is_none() || is != wanted) {
            item.step = Step::Changed(difference(&store, item, item.before));
            batch.has_changed = true;
        }
    }
    if batch.has_changed && !batch.is_asking() {
        batch.shown_at.get_or_insert(now);
    }
}

/// What has become of a target.
pub(super) fn difference(store: &Store, item: &Item, was: Option<Seen>) -> String {
    let source = &item.order.source;
    match (seen(store, &item.order), was) {
        (Some(Seen::Incident(is)), Some(Seen::Incident(was))) => {
            format!("it is {} now, was {}", is.word(), was.word())
        }
        (Some(Seen::Silence(_)), _) => "its end has been moved meanwhile".to_owned(),
        _ => format!("{source} reports it no more"),
    }
}
