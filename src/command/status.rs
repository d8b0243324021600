//! `watchfire status`: every source asked once, the answer printed, the verdict as exit status.

use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};

use super::{on_runtime, refuse, say};
use crate::cli::{self, Format};
use crate::config::Settings;
use crate::journal::{FORM, Journal, Place};
use crate::poll;
use crate::print;
use crate::print::status::Status;
use crate::source::Ask;
use crate::store::{Feed, Store, World};
use crate::watch::Watch;

/// Asks every source of a watch at the same time, prints, and says how it stands.
pub fn run(options: &cli::Status, settings: &Settings, watch: Watch) -> ExitCode {
    let now = Timestamp::now();
    let at = options.at.map(|at| at.moment(now, &settings.ui.timezone));
    super::doubt_future(at);
    let mut store = match on_runtime(|runtime| runtime.block_on(ask(watch, at, None))) {
        Ok(store) => store,
        Err(exit) => return exit,
    };
    if at.is_none() {
        add_gone(&mut store, settings);
    }

    if let Some(at) = at {
        recall(&mut store, at, settings);
    }
    let service = options.service.as_deref();
    let status = Status::of(&store, service, at, Timestamp::now());
    let mut text = Vec::new();
    let written = match options.format {
        Format::Table => status.table(&mut text),
        Format::Json => print::json(&mut text, &status),
    };
    if let Err(error) = written {
        return refuse(format!("cannot print the status: {error}"));
    }
    let printed = super::print(&text);
    if printed != ExitCode::SUCCESS {
        return printed;
    }
    if let Some(service) = service.filter(|_| status.is_empty()) {
        return refuse(format!("no source knows a service `{service}`"));
    }
    ExitCode::from(status.verdict().exit_status())
}

/// Adds the incidents that are no longer listed and not known to be over, by what the journal holds of
/// the last day. Without a journal there are none.
fn add_gone(store: &mut Store, settings: &Settings) {
    let is_relayed =
        |feed: &Feed| feed.offers.incidents && (feed.offers.relays || feed.offers.rules);
    if !store.feeds().iter().any(is_relayed) {
        return;
    }
    let what = "incidents that are gone are not known";
    if let Some(world) = remembered(store, Timestamp::now(), settings, what) {
        store.compare_with(&world);
    }
}

/// Gives sources that keep no history what the journal remembers of them at that moment. Without a
/// journal they stay unknown.
fn recall(store: &mut Store, at: Timestamp, settings: &Settings) {
    let what = "what the journal holds of that moment is not known";
    if let Some(world) = remembered(store, at, settings, what) {
        store.fill_in(&world);
    }
}

/// The world as the journal has it at a moment; says what is not known when it cannot be read.
fn remembered(store: &Store, at: Timestamp, settings: &Settings, unknown: &str) -> Option<World> {
    let Place::File(path) = Place::of(&settings.journal) else {
        return None;
    };
    let world = Journal::read(&path).and_then(|journal| {
        let Some(mut journal) = journal else {
            return Ok(None);
        };
        journal.look_for(store.feeds())?;
        journal.world(at).map(Some)
    });
    world.unwrap_or_else(|trouble| {
        let why = FORM.fault(&trouble, &path).message.shown_whole();
        say(format!("{unknown}: {why}"));
        None
    })
}

/// Asks every source of a watch at the same time, each for no longer than its time-out, or so long at
/// `most`.
pub(super) async fn ask(
    watch: Watch,
    at: Option<Timestamp>,
    most: Option<SignedDuration>,
) -> Store {
    let ask = Ask {
        now: Timestamp::now(),
        at,
        history: false,
    };
    let mut polls = tokio::task::JoinSet::new();
    for (settings, mut source) in watch.sources {
        let limit = poll::limit(&settings);
        let limit = most.map_or(limit, |most| limit.min(most));
        polls.spawn(
            async move { poll::poll_once(&settings.name, source.as_mut(), &ask, limit).await },
        );
    }
    let mut store = watch.store;
    while let Some(report) = polls.join_next().await {
        // A poll that panics is a report of its own; one that was cancelled leaves its source silent.
        if let Ok(report) = report {
            store.absorb(report);
        }
    }
    store
}
