//! `watchfire note`: a note of one's own on a moment, kept in the journal.

use std::process::ExitCode;

use jiff::Timestamp;

use super::refuse;
use crate::cli;
use crate::config::Settings;
use crate::domain::Event;
use crate::journal::{FORM, Journal, Limits, Place};

/// The longest note, in characters: what is longer belongs elsewhere.
const LONGEST: usize = 2_000;

/// Keeps the note.
pub fn run(options: &cli::Note, settings: &Settings) -> ExitCode {
    let text = options.text.trim();
    if text.is_empty() {
        return refuse("there are no words in the note");
    }
    if text.chars().count() > LONGEST {
        return refuse(format!("a note has at most {LONGEST} characters"));
    }
    let now = Timestamp::now();
    let at = options.at.map(|at| at.moment(now, &settings.ui.timezone));
    let at = at.unwrap_or(now);
    if at > now {
        return refuse(format!(
            "{at} is in the future: a note is on a moment that has been"
        ));
    }
    let place = Place::of(&settings.journal);
    let Place::File(path) = &place else {
        return refuse(
            "no journal is kept, and a note belongs in it: set `enabled = true` in [journal], or HOME",
        );
    };
    let event = Event::note(text, &settings.me.name, (at, now));
    let kept = Journal::open(&place, Limits::from(&settings.journal), false)
        .and_then(|(mut journal, _)| journal.note(&event));
    match kept {
        Ok(()) => {
            super::print(format!("noted on {}\n", at.strftime("%Y-%m-%dT%H:%M:%SZ")).as_bytes())
        }
        Err(trouble) => refuse(FORM.fault(&trouble, path).message.shown_whole()),
    }
}
