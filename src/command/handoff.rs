//! `watchfire handoff`: the hand-over of a shift, from the journal. Of a shift that ends now the sources
//! of SLOs are asked for their budgets, as those of the journal may be minutes old; one that does not
//! answer in time leaves the journal's, which are dated.

use std::path::Path;
use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};

use super::{recorded_kind, refuse, say};
use crate::audit::Audit;
use crate::cli::{self, Format};
use crate::config::{Loaded, Settings};
use crate::domain::SourceName;
use crate::insight::handoff::Handoff;
use crate::journal::{FORM, Journal, Lack, Limits, Place};
use crate::print;
use crate::print::handoff::HandoffJson;
use crate::state::database::Trouble;
use crate::store::Store;
use crate::watch::Watch;

/// The longest that sources are asked for their budgets.
const ASKED_FOR: SignedDuration = SignedDuration::from_secs(10);

/// Makes the hand-over, prints it, and keeps it for the next one.
pub fn run(options: &cli::Handoff, loaded: &Loaded, watch: Watch) -> ExitCode {
    let settings = &loaded.settings;
    let zone = &settings.ui.timezone;
    let now = Timestamp::now();
    let until = options.until.map(|until| until.moment(now, zone));
    super::doubt_future(until);
    let until = until.unwrap_or(now).min(now);
    let since = options.since.moment(until, zone);
    if since >= until {
        return refuse(format!(
            "--since ({since}) is not before the end of the shift ({until}): write `--since 8h`, or \
             an earlier moment"
        ));
    }
    let Place::File(path) = Place::of(&settings.journal) else {
        return refuse(no_journal(settings));
    };
    let is_now = options.until.is_none();
    let (mut journal, handoff) = match made(&path, watch, ((since, until), is_now)) {
        Ok((journal, handoff)) => (journal, handoff.with_deeds(Audit::of(settings).deeds())),
        Err(why) => return refuse(why),
    };
    journal.limit(Limits::from(&settings.journal));
    let mut text = Vec::new();
    let written = match options.format {
        Format::Text => print::handoff::markdown(&mut text, &handoff, &settings.ui.timezone),
        Format::Json => print::json(&mut text, &HandoffJson::from(&handoff)),
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

/// Makes a hand-over from the journal at a path, or says why there is none. Where the shift ends `now`
/// the sources of SLOs are asked, once it is known that there is one.
fn made(
    path: &Path,
    mut watch: Watch,
    (time, is_now): ((Timestamp, Timestamp), bool),
) -> Result<(Journal, Handoff), String> {
    let words = |trouble| FORM.fault(&trouble, path).message.shown_whole().to_string();
    let read = match read(path, &mut watch, time) {
        Err(Trouble::Damaged) => {
            let journal = Journal::salvaged(path).map_err(words)?;
            say(format!(
                "the journal {} is damaged: this is what can be read of it",
                path.display()
            ));
            Some(kept(journal, &mut watch, time).map_err(words)?)
        }
        read => read.map_err(words)?,
    };
    let Some((journal, made)) = read else {
        return Err(format!(
            "there is no journal at {}; it is written while the screen runs: start `watchfire` with \
             this configuration, or name another file as `path` in [journal]",
            path.display()
        ));
    };
    let handoff = made.map_err(|lack| lack.to_string())?;
    let Some(store) = is_now.then(|| asked(watch)).flatten() else {
        return Ok((journal, handoff));
    };
    // What they answered is of now, which is the end.
    let time = (time.0, Timestamp::now());
    let handoff = journal.handoff(&store, time).map_err(words)?;
    Ok((journal, handoff.map_err(|lack| lack.to_string())?))
}

/// What the journal at a path holds of a time; `None` when there is no journal.
type Read = (Journal, Result<Handoff, Lack>);

fn read(
    path: &Path,
    watch: &mut Watch,
    time: (Timestamp, Timestamp),
) -> Result<Option<Read>, Trouble> {
    let journal = Journal::read(path)?;
    journal
        .map(|journal| kept(journal, watch, time))
        .transpose()
}

/// What a journal holds of a time: of the sources of the configuration or, without any, of all that it
/// knows.
fn kept(
    mut journal: Journal,
    watch: &mut Watch,
    time: (Timestamp, Timestamp),
) -> Result<Read, Trouble> {
    if watch.sources.is_empty() {
        let feeds = journal.all(recorded_kind)?;
        watch.store = std::mem::take(&mut watch.store).with_feeds(feeds);
    } else {
        journal.look_for(watch.store.feeds())?;
    }
    let handoff = journal.handoff(&watch.store, time)?;
    Ok((journal, handoff))
}

/// Asks the sources of SLOs, all at once; `None` when there are none.
fn asked(watch: Watch) -> Option<Store> {
    let Watch { sources, store } = watch;
    let measures = |name: &SourceName| store.feed(name).is_some_and(|feed| feed.offers.slos);
    let (sources, _): (Vec<_>, Vec<_>) = sources
        .into_iter()
        .partition(|(settings, _)| measures(&settings.name));
    if sources.is_empty() {
        return None;
    }
    let mut watch = Watch { sources, store };
    let ask = super::status::ask(&mut watch, None, Some(ASKED_FOR));
    super::on_runtime(|runtime| runtime.block_on(ask)).ok()?;
    Some(watch.store)
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
