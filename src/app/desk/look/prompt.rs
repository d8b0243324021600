//! The prompt: what it is asked for, the end in two zones as it is typed, and the words.

use jiff::Timestamp;

use super::{Look, end, left_out};
use crate::app::desk::ask::{EXPIRE, PRESETS};
use crate::app::input::Input;
use crate::app::model::Model;
use crate::app::model::ask::{Ask, Field, Wish};
use crate::pane::block::Detail;
use crate::pane::{Line, Role};

/// Room for the label before a line that is typed.
const LABEL: usize = 7;

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
    if !ask.members().is_empty() {
        detail.line(which(ask));
    }
    if let Some(wrong) = &ask.wrong {
        detail.line(Line::of(wrong, Role::Fault));
    }
    Look { detail, cursor }
}

/// Which alerts it is asked for: all, or one of them.
fn which(ask: &Ask) -> Line {
    let is_here = ask.field == Field::Which;
    let role = if is_here { Role::Accent } else { Role::Dim };
    let line = Line::of(format!("{:LABEL$}", "of"), role);
    let members = ask.members();
    let chosen = ask.which.and_then(|at| Some((at, members.get(at)?)));
    let line = match chosen {
        None => line.text(format!("all {} alerts", ask.alerts()), Role::Strong),
        Some((at, member)) => line
            .text(format!("{} of {}: ", at + 1, ask.alerts()), Role::Strong)
            .foreign(&member.labels, Role::Strong),
    };
    let hint = if is_here {
        "  up, down: another one"
    } else {
        "  tab: one alone"
    };
    line.text(hint, Role::Dim)
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
