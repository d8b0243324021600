//! `watchfire handoff`: the hand-over of a shift, from the journal; nobody is asked.

use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;

use super::{refuse, say};
use crate::audit::Audit;
use crate::cli::{self, Document};
use crate::config::{Loaded, Settings};
use crate::insight::handoff::Handoff;
use crate::journal::{FORM, Journal, Place};
use crate::print;
use crate::print::handoff::HandoffJson;
use crate::store::Store;
use crate::watch::Watch;

/// Makes the hand-over, prints it, and keeps it for the next one.
pub fn run(options: &cli::Handoff, loaded: &Loaded, watch: &Watch) -> ExitCode {
    let settings = &loaded.settings;
    let now = Timestamp::now();
    let until = options.until.map(|until| until.moment(now));
    super::doubt_future(until);
    let until = until.unwrap_or(now).min(now);
    let since = options.since.moment(until);
    if since >= until {
        return refuse(format!(
            "--since ({since}) is not before the end of the shift ({until}): write `--since 8h`, or \
             an earlier moment"
        ));
    }
    let Place::File(path) = Place::of(&settings.journal) else {
        return refuse(no_journal(settings));
    };
    let (journal, handoff) = match made(&path, &watch.store, (since, until)) {
        Ok((journal, handoff)) => (journal, handoff.with_deeds(Audit::of(settings).deeds())),
        Err(why) => return refuse(why),
    };
    let mut text = Vec::new();
    let written = match options.format {
        Document::Md => print::handoff::markdown(&mut text, &handoff, &settings.ui.timezone),
        Document::Json => print::json(&mut text, &HandoffJson::from(&handoff)),
    };
    if let Err(error) = written {
        return refuse(format!("cannot print the hand-over: {error}"));
    }
    let printed = super::print(&text);
    if printed == ExitCode::SUCCESS && !options.no_keep {
        keep(&journal, &handoff, &path);
    }
    printed
}

/// Why there is no file of a journal.
fn no_journal(settings: &Settings) -> &'static str {
    if settings.journal.enabled {
        "there is no home for a journal: set HOME, or name a file as `path` in [journal]"
    } else {
        "no journal is kept, and a hand-over is made from it: set `enabled = true` in [journal], and \
         let the screen run"
    }
}

/// Makes a hand-over from the journal at a path, or says why there is none.
fn made(
    path: &Path,
    store: &Store,
    time: (Timestamp, Timestamp),
) -> Result<(Journal, Handoff), String> {
    let words = |trouble| FORM.fault(&trouble, path).message.shown_whole().to_string();
    let Some(mut journal) = Journal::read(path).map_err(words)? else {
        return Err(format!(
            "there is no journal at {}; it is written while the screen runs: start `watchfire` with \
             this configuration, or name another file as `path` in [journal]",
            path.display()
        ));
    };
    journal.look_for(store.feeds()).map_err(words)?;
    let handoff = journal.handoff(store, time).map_err(words)?;
    let handoff = handoff.map_err(|lack| lack.to_string())?;
    Ok((journal, handoff))
}

/// What the next one compares itself with. That it cannot be kept is no reason not to have this one.
fn keep(journal: &Journal, handoff: &Handoff, path: &Path) {
    if let Err(trouble) = journal.keep_handoff(handoff) {
        say(format!(
            "this hand-over is not kept, so the next will not be compared with it: {}",
            FORM.fault(&trouble, path).message.shown_whole()
        ));
    }
}
