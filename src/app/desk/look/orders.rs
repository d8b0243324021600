//! Orders: what they would do, and what each came to.

use jiff::Timestamp;

use super::{Look, end, hint, left_out};
use crate::app::action::Action;
use crate::app::model::Model;
use crate::app::model::acting::{Batch, Item, Step};
use crate::domain::{Deed, Fault, FaultKind, IncidentStatus, Order};
use crate::pane::block::{Block, Detail};
use crate::pane::{Line, Mark, Role};

/// Orders: what they would do, or what they came to.
pub(in crate::app) fn orders(model: &Model, now: Timestamp) -> Look {
    let Some(batch) = model.desk.batches.last() else {
        return Detail::default().into();
    };
    let mut detail = Detail {
        title: Line::of(batch_title(batch), Role::Title),
        origin: sources(batch),
        ..Detail::default()
    };
    if let [item] = batch.items.as_slice() {
        single(model, item, now, &mut detail);
    } else {
        for item in &batch.items {
            listed(model, item, now, &mut detail);
        }
    }
    left_out(&batch.left_out, &mut detail);
    detail.blocks.push(Block::Gap);
    detail.line(batch_hint(model, batch));
    detail.into()
}

fn batch_title(batch: &Batch) -> String {
    let mut verbs: Vec<_> = batch
        .items
        .iter()
        .map(|item| item.order.deed.verb().word())
        .collect();
    verbs.dedup();
    let verb = verbs.join(", ");
    let count = batch.items.len();
    let what = if count == 1 {
        verb
    } else {
        format!("{verb} · {count}")
    };
    if batch.is_sent() {
        format!("{what}: results")
    } else {
        format!("{what}?")
    }
}

fn sources(batch: &Batch) -> Line {
    let mut names: Vec<_> = batch.items.iter().map(|item| &item.order.source).collect();
    names.sort_unstable();
    names.dedup();
    let names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
    Line::of(names.join(", "), Role::Dim)
}

/// One order in full.
fn single(model: &Model, item: &Item, now: Timestamp, detail: &mut Detail) {
    let order = &item.order;
    let target = &order.target;
    detail.line(Line::new().foreign(&target.name, Role::Strong));
    detail.field("id", Line::new().foreign(&target.id, Role::Plain));
    if !target.service.is_empty() {
        detail.field("service", Line::new().foreign(&target.service, Role::Plain));
    }
    if let Some(seen) = target.seen {
        detail.field("seen", Line::of(seen.word(), Role::Plain));
    }
    detail.field("will", will(model, order, now));
    if let Deed::Silence { comment, .. } = &order.deed
        && !comment.is_empty()
    {
        detail.field("why", Line::of(comment, Role::Plain));
    }
    detail.field("now", step(item));
    if let Step::Offered(preview) = &item.step {
        for line in &preview.lines {
            detail.line(Line::of("· ", Role::Dim).foreign(line, Role::Plain));
        }
    }
}

/// One order of many, in a line or two.
fn listed(model: &Model, item: &Item, now: Timestamp, detail: &mut Detail) {
    let target = &item.order.target;
    let mut head = Line::new()
        .foreign(&target.name, Role::Strong)
        .text(" ", Role::Plain)
        .foreign(&target.id, Role::Dim);
    if let Some(seen) = target.seen {
        head = head.text(format!(" {}", seen.word()), Role::Dim);
    }
    detail.line(head);
    let mut line = Line::of("  ", Role::Plain).join(step(item));
    if matches!(item.step, Step::Asking | Step::Offered(_)) {
        line = line
            .text(" · ", Role::Dim)
            .join(will(model, &item.order, now));
    }
    detail.line(line);
    if let Step::Offered(preview) = &item.step {
        for text in &preview.lines {
            detail.line(Line::of("  · ", Role::Dim).foreign(text, Role::Dim));
        }
    }
}

/// What an order would do.
fn will(model: &Model, order: &Order, now: Timestamp) -> Line {
    let plain = |text: String| Line::of(text, Role::Plain);
    match &order.deed {
        Deed::Acknowledge => plain("acknowledge it: you have it".to_owned()),
        Deed::Unacknowledge => plain("give it back: nobody has it".to_owned()),
        Deed::Resolve => plain("resolve it: it counts as over".to_owned()),
        Deed::Unsnooze => plain("end the snooze: it notifies again".to_owned()),
        Deed::Escalate => plain("page the next step of its escalation".to_owned()),
        Deed::Expire => plain("end it now: what it hides notifies again".to_owned()),
        Deed::Snooze { until } => plain(format!("snooze it until {}", end(model, *until, now))),
        Deed::Extend { until } => plain(format!("move its end to {}", end(model, *until, now))),
        Deed::Note { text } => plain(format!("note: {text}")),
        Deed::Silence {
            matchers, until, ..
        } => {
            let matchers: Vec<_> = matchers.iter().map(ToString::to_string).collect();
            Line::of("silence ", Role::Plain)
                .foreign(&matchers.join(", ").into(), Role::Plain)
                .text(format!(" until {}", end(model, *until, now)), Role::Plain)
        }
    }
}

/// How far an order has come.
fn step(item: &Item) -> Line {
    let source = &item.order.source;
    match &item.step {
        Step::Asking => Line::of(format!("asking {source}"), Role::Unknown),
        Step::Offered(_) => {
            let seen = item.order.target.seen;
            let state = seen.map_or("there", IncidentStatus::word);
            Line::new()
                .mark(Mark::Succeeded, Role::Plain)
                .text(format!("{source} says it is {state} still"), Role::Plain)
        }
        Step::Refused(fault) => refused(fault, source.as_str()),
        Step::Changed(how) => Line::new()
            .mark(Mark::Failed, Role::Ticket)
            .text(format!("changed: {how}"), Role::Ticket),
        Step::Sent => Line::of(format!("sent to {source}"), Role::Accent),
        Step::Done(done) => {
            let line = Line::new().mark(Mark::Succeeded, Role::Plain);
            if done.said.is_empty() {
                line.text("done", Role::Plain)
            } else {
                line.foreign(&done.said, Role::Plain)
            }
        }
        Step::Failed(fault) => failed(fault),
    }
}

fn refused(fault: &Fault, source: &str) -> Line {
    let word = match fault.kind {
        FaultKind::Moved => "changed: ".to_owned(),
        FaultKind::NotOffered => "not possible: ".to_owned(),
        _ => format!("{source} does not say: "),
    };
    Line::new()
        .mark(Mark::Failed, Role::Ticket)
        .text(word, Role::Ticket)
        .foreign(&fault.message, Role::Plain)
}

fn failed(fault: &Fault) -> Line {
    let word = match fault.kind {
        FaultKind::Unsure => "perhaps done, look before you try again: ",
        FaultKind::Moved => "not done, it has changed: ",
        _ => "not done: ",
    };
    Line::new()
        .mark(Mark::Failed, Role::Ticket)
        .text(word, Role::Ticket)
        .foreign(&fault.message, Role::Plain)
}

/// What the keys do now.
fn batch_hint(model: &Model, batch: &Batch) -> Line {
    let mut keys: Vec<(String, String)> = Vec::new();
    let offered = batch.offered();
    if batch.is_sent() {
        if !batch.retriable().is_empty() {
            keys.push(("r".to_owned(), "retry what failed".to_owned()));
        }
        let undo = model.desk.undo.as_ref().map(|_| ());
        let undo = undo.and(model.keymap.hint(Action::Undo));
        keys.extend(undo.map(|key| (key, "undo".to_owned())));
        keys.push(("esc".to_owned(), "close".to_owned()));
    } else {
        if !batch.is_asking() && offered > 0 {
            let verb = match batch.items.as_slice() {
                [item] => item.order.deed.verb().word().to_owned(),
                items if items.len() == offered => format!("do all {offered}"),
                items => format!("do {offered} of {}", items.len()),
            };
            keys.push(("enter".to_owned(), verb));
        } else if !batch.is_asking() && !batch.retriable().is_empty() {
            keys.push(("r".to_owned(), "ask again".to_owned()));
        }
        keys.push(("esc".to_owned(), "leave it".to_owned()));
    }
    hint(&keys)
}
