//! What a prompt, a preview, results and a command's output look like.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::app::model::Model;
use crate::app::model::ask::LeftOut;
use crate::pane::block::Detail;
use crate::pane::{Line, Role, figures};
use crate::text::Shown;

mod errands;
mod orders;
mod prompt;

pub(in crate::app) use errands::errands;
pub(in crate::app) use orders::orders;
pub(in crate::app) use prompt::ask;

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

/// An end in the zone of the screen and in UTC, and how far it is.
pub(super) fn end(model: &Model, until: Timestamp, now: Timestamp) -> String {
    let local = if model.zone == TimeZone::UTC {
        &model.other_zone
    } else {
        &model.zone
    };
    let left = left(now.duration_until(until));
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

/// A time left to the minute, as it is typed: `4h`, `3h55m`, `2d1h`.
fn left(left: SignedDuration) -> String {
    let minutes = (left.as_secs() + 30).div_euclid(60);
    let parts = [
        (minutes / 1_440, 'd'),
        (minutes / 60 % 24, 'h'),
        (minutes % 60, 'm'),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0).take(2);
    let words: Vec<_> = parts
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if words.is_empty() {
        figures::age(left)
    } else {
        words.concat()
    }
}

pub(super) fn left_out(rows: &LeftOut, detail: &mut Detail) {
    for (name, why) in rows {
        let line = Line::of("not ", Role::Ticket)
            .foreign(name, Role::Plain)
            .text(format!(": {why}"), Role::Plain);
        detail.line(line);
    }
}

/// What keys do, in a line.
pub(super) fn hint(keys: &[(String, String)]) -> Line {
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

/// What an undo is called while there is one.
pub(in crate::app) fn undo_hint(model: &Model, now: Timestamp) -> Option<Shown> {
    let undo = model.desk.undo.as_ref()?;
    let left = now.duration_until(undo.until).as_secs() + 1;
    Some(Shown::new(format!("undo {left}s")))
}
