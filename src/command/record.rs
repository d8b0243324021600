//! `watchfire record`: what the sources say, or what the journal holds of a time, into one file.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::{on_runtime, refuse, say};
use crate::act::Leave;
use crate::cli;
use crate::config::Loaded;
use crate::domain::{Window, window};
use crate::journal::{FORM, Journal, Place, RECORDING};
use crate::poll::{Ears, Polls};
use crate::state::database::{Form, Trouble};
use crate::store::{Heard, Store};
use crate::text::Shown;
use crate::watch::Watch;

/// How many messages may wait.
const WAITING: usize = 64;
/// How far away an end is that nobody named.
const NO_END: SignedDuration = SignedDuration::from_hours(24 * 365);

/// Records until it is to end, or takes a time out of the journal.
pub fn run(options: &cli::Record, loaded: &Loaded, watch: Watch) -> ExitCode {
    let file = options.file.as_path();
    let recorded = match options.since {
        Some(since) => extract(options, since, loaded, &watch.store),
        None => match on_runtime(|runtime| runtime.block_on(live(options, watch))) {
            Ok(recorded) => recorded,
            Err(exit) => return exit,
        },
    };
    match recorded {
        Ok((from, to)) => {
            let size = fs::metadata(file).map_or(0, |file| file.len());
            say(format!(
                "recorded {} ({} kB); `watchfire replay {}` shows it",
                window::brief(to.duration_since(from)),
                size.div_ceil(1_000),
                Shown::new(file.to_string_lossy())
            ));
            ExitCode::SUCCESS
        }
        Err(words) => refuse(words),
    }
}

type Reach = (Timestamp, Timestamp);

/// Takes a time out of the journal.
fn extract(
    options: &cli::Record,
    since: cli::When,
    loaded: &Loaded,
    store: &Store,
) -> Result<Reach, String> {
    let zone = &loaded.settings.ui.timezone;
    let now = Timestamp::now();
    let from = since.moment(now, zone);
    let to = options.until.map_or(now, |until| until.moment(now, zone));
    if from >= to {
        return Err(format!(
            "{from} is not before {to}: there is nothing in between"
        ));
    }
    let Place::File(path) = Place::of(&loaded.settings.journal) else {
        return Err("there is no journal: [journal] has it turned off".to_owned());
    };
    let about = |trouble: Trouble| words(&FORM, &trouble, &path);
    let journal = Journal::read(&path).map_err(about)?;
    let nothing = || {
        format!(
            "the journal {} knows nothing of that time: the screen writes it while it runs",
            path.display()
        )
    };
    let mut journal = journal.ok_or_else(nothing)?;
    journal.look_for(store.feeds()).map_err(about)?;
    let (first, last) = journal.reach().map_err(about)?.ok_or_else(nothing)?;
    if last < from || first > to {
        return Err(nothing());
    }
    let (from, to) = (from.max(first), to.min(last));
    journal
        .extract(&options.file, (from, to))
        .map_err(|trouble| words(&RECORDING, &trouble, &options.file))?;
    Ok((from, to))
}

/// Asks every source as the screen does, and writes down what they say.
async fn live(options: &cli::Record, watch: Watch) -> Result<Reach, String> {
    let file = options.file.as_path();
    let about = |trouble: Trouble| words(&RECORDING, &trouble, file);
    let mut journal = Journal::record(file).map_err(about)?;
    journal.watch(watch.store.feeds()).map_err(about)?;
    let (reports, mut answers) = mpsc::channel(WAITING);
    let ears = Ears::of_reports(reports);
    let begun = Timestamp::now();
    let length = options.length.map_or(NO_END, Window::duration);
    let end = Instant::now() + length.unsigned_abs();
    say(match options.length {
        Some(length) => format!("recording for {length}; ctrl-c ends it"),
        None => "recording; ctrl-c ends it".to_owned(),
    });
    let mut stop = std::pin::pin!(stopped());
    let mut store = watch.store;
    let _polls = Polls::start(watch.sources, &ears, &Leave::default());
    loop {
        let report = tokio::select! {
            biased;
            () = &mut stop => break,
            () = sleep_until(end) => break,
            report = answers.recv() => report,
        };
        let Some(report) = report else { break };
        let heard = Heard::of(&report);
        store.absorb(report);
        let heard = heard.as_taken_in(&store);
        // A disk that is full now may have room later, but then something is missing: say so.
        journal.keep(&heard).map_err(about)?;
    }
    journal.finish().map_err(about)?;
    Ok((begun, Timestamp::now()))
}

/// Waits for ctrl-c, or to be asked to end.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut asked = signal(SignalKind::terminate()).ok();
    let asked = async {
        match &mut asked {
            Some(signal) => signal.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = asked => {}
    }
}

fn words(form: &Form, trouble: &Trouble, path: &Path) -> String {
    form.fault(trouble, path)
        .message
        .shown()
        .as_str()
        .to_owned()
}
