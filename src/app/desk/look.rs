//! What a prompt, a preview, results and a command's output look like.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::ask::{Ask, EXPIRE, Field, PRESETS};
use super::batch::{Batch, Item, Step};
use super::draft::{LeftOut, Wish};
use super::errand::{self, Job, Step as JobStep};
use crate::app::input::Input;
use crate::app::model::Model;
use crate::domain::{Deed, Fault, FaultKind, IncidentStatus, Order, Ran};
use crate::pane::block::Detail;
use crate::pane::{Line, Mark, Role, figures};
use crate::text::{Shown, Untrusted};

/// The most lines of one command's output that are shown.
const MOST_LINES: usize = 2_000;
/// Room for the label before a line that is typed.
const LABEL: usize = 7;

/// What lies over the screen, and where in it something is typed: the block and the column.
pub(in crate::app) struct Look {
    pub(in crate::app) detail: Detail,
    pub(in crate::app) cursor: Option<(usize, u16)>,
}

impl From<Detail> for Look {
    fn from(detail: Detail) -> Self {
        Self {
            detail,
            cursor: None,
        }
    }
}

/// The prompt; `room` columns for what is typed.
pub(in crate::app) fn ask(model: &Model, ask: &Ask, now: Timestamp, room: usize) -> Look {
    let mut detail = Detail {
        title: Line::of(asked(ask), Role::Title),
        ..Detail::default()
    };
    targets(ask, &mut detail);
    left_out(&ask.left_out, &mut detail);
    let mut cursor = None;
    let room = room.saturating_sub(LABEL + 2);
    let mut typed = |detail: &mut Detail, label: &str, input: &Input, is_here: bool| {
        let (text, column) = input.shown(room);
        let role = if is_here { Role::Accent } else { Role::Dim };
        if is_here {
            let before = u16::try_from(LABEL).unwrap_or(0) + column + 1;
            cursor = Some((detail.blocks.len(), before));
        }
        let line = Line::of(format!("{label:LABEL$}"), role);
        detail.line(line.text(text.as_str(), Role::Strong));
    };
    if ask.wish.ends() {
        typed(&mut detail, "until", &ask.end, ask.field == Field::End);
        let mut keys = Line::of(" ".repeat(LABEL), Role::Plain);
        for (key, text) in PRESETS {
            let role = if ask.end.is_empty() {
                Role::Accent
            } else {
                Role::Dim
            };
            keys = keys
                .text(key.to_string(), role)
                .text(format!(" {text}  "), Role::Dim);
        }
        if ask.can_expire(model) {
            keys = keys
                .text(EXPIRE.to_string(), Role::Accent)
                .text(" end it now", Role::Dim);
        }
        detail.line(keys);
        detail.line(end_line(model, ask, now));
    }
    if ask.has_words() {
        let label = if ask.wish == Wish::Note {
            "note"
        } else {
            "why"
        };
        typed(&mut detail, label, &ask.words, ask.field == Field::Words);
    }
    if let Some(wrong) = &ask.wrong {
        detail.line(Line::of(wrong, Role::Fault));
    }
    Look { detail, cursor }
}

fn asked(ask: &Ask) -> String {
    let mut verbs: Vec<_> = ask.drafts.iter().map(|draft| draft.verb.word()).collect();
    verbs.dedup();
    let verb = if verbs.len() == 1 {
        verbs[0]
    } else {
        "silence or extend"
    };
    match ask.drafts.len() {
        1 => verb.to_owned(),
        count => format!("{verb} {count}"),
    }
}

/// What it is asked for, by name; of many the first.
fn targets(ask: &Ask, detail: &mut Detail) {
    const MOST: usize = 3;
    for draft in ask.drafts.iter().take(MOST) {
        let mut line = Line::new()
            .foreign(&draft.target.name, Role::Strong)
            .text(" ", Role::Plain)
            .foreign(&draft.target.id, Role::Dim);
        if let Some(seen) = draft.target.seen {
            line = line.text(format!(" {}", seen.word()), Role::Dim);
        }
        detail.line(line);
    }
    if let Some(more) = ask.drafts.len().checked_sub(MOST + 1) {
        detail.line(Line::of(format!("and {} more", more + 1), Role::Dim));
    }
}

fn end_line(model: &Model, ask: &Ask, now: Timestamp) -> Line {
    let pad = Line::of(" ".repeat(LABEL), Role::Plain);
    if ask.end.is_empty() {
        let text = "or type 45m, 09:00, fri 09:00, work";
        return pad.text(text, Role::Dim);
    }
    match ask.until(model, now) {
        Ok(until) => pad.text(format!("ends {}", end(model, until, now)), Role::Plain),
        Err(why) => pad.text(why, Role::Dim),
    }
}

/// An end in the zone of the screen and in UTC, and how far it is.
fn end(model: &Model, until: Timestamp, now: Timestamp) -> String {
    let local = if model.zone == TimeZone::UTC {
        &model.other_zone
    } else {
        &model.zone
    };
    let left = figures::countdown(now.duration_until(until));
    let utc = until.to_zoned(TimeZone::UTC);
    let zoned = until.to_zoned(local.clone());
    let utc_words = utc.strftime("%a %b %d %H:%M UTC").to_string();
    if zoned.offset() == utc.offset() {
        return format!("{utc_words}, in {left}");
    }
    let form = if zoned.date() == utc.date() {
        "%H:%M %Z"
    } else {
        "%a %b %d %H:%M %Z"
    };
    format!("{utc_words} = {}, in {left}", zoned.strftime(form))
}

fn left_out(rows: &LeftOut, detail: &mut Detail) {
    for (name, why) in rows {
        let line = Line::of("not ", Role::Ticket)
            .foreign(name, Role::Plain)
            .text(format!(": {why}"), Role::Plain);
        detail.line(line);
    }
}

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
    detail.blocks.push(crate::pane::block::Block::Gap);
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
    if let Deed::Silence { comment, .. } = &order.deed {
        if !comment.is_empty() {
            detail.field("why", Line::of(comment, Role::Plain));
        }
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
        let undo = undo.and(model.keymap.hint(crate::app::action::Action::Undo));
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

fn hint(keys: &[(String, String)]) -> Line {
    let mut line = Line::new();
    for (key, word) in keys {
        if !line.is_empty() {
            line = line.text("  ", Role::Plain);
        }
        line = line
            .text(key, Role::Accent)
            .text(format!(" {word}"), Role::Dim);
    }
    line
}

/// Commands of the user's own: what they would run, or what they said.
pub(in crate::app) fn errands(model: &Model) -> Look {
    let jobs = &model.desk.jobs;
    let mut detail = Detail::default();
    let Some(first) = jobs.first() else {
        return detail.into();
    };
    let is_offered = jobs.iter().any(|job| job.step == JobStep::Offered);
    let mark = if is_offered { "?" } else { "" };
    detail.title = Line::of(format!("{}{mark}", first.errand.label), Role::Title);
    for job in jobs {
        errand_lines(job, &mut detail);
    }
    detail.blocks.push(crate::pane::block::Block::Gap);
    let keys: &[(&str, &str)] = if is_offered {
        &[("enter", "run"), ("esc", "leave it")]
    } else {
        &[("esc", "close")]
    };
    let own = |(key, word): &(&str, &str)| ((*key).to_owned(), (*word).to_owned());
    detail.line(hint(&keys.iter().map(own).collect::<Vec<_>>()));
    detail.into()
}

fn errand_lines(job: &Job, detail: &mut Detail) {
    detail.field("row", Line::new().foreign(&job.errand.target, Role::Strong));
    detail.field(
        "runs",
        Line::new().foreign(&typed(&job.errand.argv), Role::Plain),
    );
    match &job.step {
        JobStep::Offered => {
            let text = "no shell reads it; each word is one argument";
            detail.line(Line::of(text, Role::Dim));
        }
        JobStep::Changed(how) => {
            detail.field("now", Line::of(format!("changed: {how}"), Role::Ticket));
        }
        JobStep::Running => detail.field("now", Line::of("running", Role::Accent)),
        JobStep::Ended(ran) => output(ran, detail),
    }
}

/// How it ended and what it printed, the end of it when that is long.
fn output(ran: &Ran, detail: &mut Detail) {
    let (text, is_well) = errand::ending(&ran.ending);
    let (mark, role) = if is_well {
        (Mark::Succeeded, Role::Plain)
    } else {
        (Mark::Failed, Role::Ticket)
    };
    detail.field("now", Line::new().mark(mark, role).text(text, role));
    let raw = ran.output.raw().replace("\r\n", "\n");
    let lines: Vec<_> = raw.trim_end().split(['\n', '\r']).collect();
    let skipped = lines.len().saturating_sub(MOST_LINES);
    if skipped > 0 {
        detail.line(Line::of(format!("{skipped} lines before these"), Role::Dim));
    }
    if raw.trim().is_empty() {
        detail.line(Line::of("it printed nothing", Role::Dim));
        return;
    }
    for line in lines.into_iter().skip(skipped) {
        detail.line(Line::new().foreign(&Untrusted::from(line), Role::Plain));
    }
}

/// A command as a person would type it, so that where an argument ends can be seen.
fn typed(argv: &[String]) -> Untrusted {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    let words = argv.iter().map(|word| {
        if !word.is_empty() && word.chars().all(is_plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    words.collect::<Vec<_>>().join(" ").into()
}

/// What an undo is called while there is one.
pub(in crate::app) fn undo_hint(model: &Model, now: Timestamp) -> Option<Shown> {
    let undo = model.desk.undo.as_ref()?;
    let left = now.duration_until(undo.until).as_secs() + 1;
    Some(Shown::new(format!("undo {left}s")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_shows_where_its_arguments_end() {
        let argv = ["kubectl", "-n", "a b", "it's", ""].map(str::to_owned);
        assert_eq!(typed(&argv).raw(), "kubectl -n 'a b' 'it'\\''s' ''");
    }
}
