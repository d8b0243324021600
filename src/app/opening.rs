//! A link to a moment: `watchfire --at TIME --select ID` opens the screen there, and `y` in the past copies
//! it.

use jiff::Timestamp;

use super::model::Model;
use super::model::memory::Memory;
use super::{Effect, jump, past};
use crate::config::Opening;
use crate::domain::clock::whole;
use crate::pane::{INCIDENTS, RELEASES, RowKey, SERVICES, SLOS};

/// The panes whose rows can be named, the first match counts.
const PANES_OF_ROWS: [usize; 4] = [SLOS, INCIDENTS, RELEASES, SERVICES];

/// Goes to the moment and to the row that the program was started with, as soon as both are known.
pub(super) fn proceed(model: &mut Model, now: Timestamp) -> Vec<Effect> {
    let Some(opening) = model.opening.clone() else {
        return Vec::new();
    };
    if let Some(when) = opening.at {
        model.opening = Some(Opening {
            at: None,
            ..opening
        });
        return to_moment(model, when.moment(now, &model.zone), now);
    }
    let Some(id) = opening.select else {
        model.opening = None;
        return Vec::new();
    };
    // The moment is on its way.
    if model.asked.is_some() {
        return Vec::new();
    }
    if let Some((place, key)) = row(model, &id) {
        model.opening = None;
        jump::to_row(model, place, &key, now);
    } else if model.is_past() || is_answered(model) {
        model.opening = None;
        model.tell(format!("no row has the id {id}"), now);
    }
    Vec::new()
}

fn to_moment(model: &mut Model, at: Timestamp, now: Timestamp) -> Vec<Effect> {
    let why_not = if model.memory != Memory::Journal {
        Some("there is no journal: this is the present")
    } else if at >= now {
        Some("that moment is yet to come: this is the present")
    } else {
        None
    };
    if let Some(why) = why_not {
        model.tell(why, now);
        return Vec::new();
    }
    past::recall(model, at)
}

/// True where every source has answered or failed once.
fn is_answered(model: &Model) -> bool {
    let mut feeds = model.newest().feeds().iter();
    feeds.all(|feed| feed.last_success.is_some() || feed.fault.is_some())
}

/// The first row with an id.
fn row(model: &Model, id: &str) -> Option<(usize, RowKey)> {
    let mut found = PANES_OF_ROWS.into_iter().filter_map(|place| {
        let entries = &model.rosters[place].board.entries;
        let entry = entries.iter().find(|entry| entry.key.id.raw() == id)?;
        Some((place, entry.key.clone()))
    });
    found.next()
}

/// The command that opens the shown moment of the past and the row that keys act on; `None` in the present.
pub(super) fn link(model: &Model) -> Option<String> {
    if !model.is_past() || model.memory != Memory::Journal {
        return None;
    }
    let at = model.frozen.as_ref()?.at;
    let at = whole(at).strftime("%Y-%m-%dT%H:%M:%SZ");
    let row = model
        .target()
        .filter(|_| PANES_OF_ROWS.contains(&model.focus));
    let select = row.and_then(|entry| quoted(entry.key.id.raw()));
    let select = select.map_or_else(String::new, |id| format!(" --select {id}"));
    Some(format!("watchfire --at {at}{select}"))
}

/// An id as one word of a shell; `None` of one that no shell should be given.
fn quoted(id: &str) -> Option<String> {
    let is_safe = |byte: u8| byte.is_ascii_graphic() && byte != b'\'' || byte == b' ';
    if id.is_empty() || id.starts_with('-') || !id.bytes().all(is_safe) {
        return None;
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_.:@-".contains(&byte);
    Some(if id.bytes().all(is_plain) {
        id.to_owned()
    } else {
        format!("'{id}'")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_word_of_a_shell_or_none() {
        for (id, word) in [
            ("checkout/availability", Some("checkout/availability")),
            ("github:acme/checkout:991", Some("github:acme/checkout:991")),
            ("Q2 $(reboot); `x` \"y\"", Some("'Q2 $(reboot); `x` \"y\"'")),
            ("it's", None),
            ("-rf", None),
            ("a\nb", None),
            ("caf\u{e9}", None),
            ("", None),
        ] {
            assert_eq!(quoted(id).as_deref(), word, "{id:?}");
        }
    }
}
