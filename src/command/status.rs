//! `watchfire status`: every source asked once, the answer printed, the verdict as exit status.

use std::io;
use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};

use super::{explain, on_runtime, refuse, say};
use crate::cli::{self, ListFormat, StatusFormat};
use crate::config::{Settings, SourceSettings, ThemeChoice};
use crate::domain::Window;
use crate::journal::{FORM, Journal, Place};
use crate::poll;
use crate::print;
use crate::print::status::{Look, Rows, Scope, Status};
use crate::source::Ask;
use crate::store::{Feed, Store, World};
use crate::term;
use crate::watch::Watch;

/// The shortest time between two polls of `--watch`.
const SHORTEST_INTERVAL: SignedDuration = SignedDuration::from_secs(5);

/// Asks every source at the same time, prints everything, and says how it stands.
pub fn run(options: &cli::Status, settings: &Settings, watch: Watch) -> ExitCode {
    if options.watch {
        return keep_asking(options, settings, watch);
    }
    let form = Form {
        format: options.format,
        look: look(options.wide, settings),
        is_one_of_many: false,
    };
    let print = |status: &Status<'_>, text: &mut Vec<u8>| written(form, status, text);
    once(&options.scope, settings, watch, print)
}

/// Asks every source at the same time, and prints the rows of one kind.
pub fn list(options: &cli::List, rows: Rows, settings: &Settings, watch: Watch) -> ExitCode {
    once(
        &options.scope,
        settings,
        watch,
        |status, text| match options.format {
            ListFormat::Text => status.list(rows, look(options.wide, settings), text),
            ListFormat::Json => status.list_json(rows, text),
            ListFormat::Tsv => status.tsv(rows, text),
        },
    )
}

/// How a status is written.
#[derive(Clone, Copy)]
struct Form {
    format: StatusFormat,
    look: Look,
    is_one_of_many: bool,
}

/// How tables look on standard output.
fn look(is_wide: bool, settings: &Settings) -> Look {
    Look {
        width: term::table_width().filter(|_| !is_wide),
        has_colours: settings.ui.theme != ThemeChoice::Mono && term::has_colours(),
    }
}

fn written(form: Form, status: &Status<'_>, text: &mut Vec<u8>) -> io::Result<()> {
    match form.format {
        StatusFormat::Text => status.table(text, form.look),
        StatusFormat::Tsv => status.tsv(Rows::Slos, text),
        StatusFormat::Json if form.is_one_of_many => print::json_line(text, status),
        StatusFormat::Json => print::json(text, status),
        StatusFormat::Nagios => status.nagios(text),
        StatusFormat::Prometheus => status.metrics(text),
    }
}

fn once(
    scope: &cli::Scope,
    settings: &Settings,
    watch: Watch,
    print: impl FnOnce(&Status<'_>, &mut Vec<u8>) -> io::Result<()>,
) -> ExitCode {
    let now = Timestamp::now();
    let at = scope.at.map(|at| at.moment(now, &settings.ui.timezone));
    super::doubt_future(at);
    let mut watch = match of_sources(&scope.source, settings, watch) {
        Ok(watch) => watch,
        Err(why) => return refuse(why),
    };
    let most = scope.timeout.map(Window::duration);
    let asked = on_runtime(|runtime| runtime.block_on(ask(&mut watch, at, most)));
    if let Err(exit) = asked {
        return exit;
    }
    show(scope, settings, (&mut watch.store, at), print)
}

/// Prints what is known by now, and gives the exit status of it.
fn show(
    scope: &cli::Scope,
    settings: &Settings,
    (store, at): (&mut Store, Option<Timestamp>),
    print: impl FnOnce(&Status<'_>, &mut Vec<u8>) -> io::Result<()>,
) -> ExitCode {
    match at {
        Some(at) => recall(store, at, settings),
        None => add_gone(store, settings),
    }
    let slos: Result<Vec<_>, _> = scope
        .slos
        .iter()
        .map(|slo| explain::find(store, slo))
        .collect();
    let slos = match slos {
        Ok(slos) => slos,
        Err(why) => return refuse(why),
    };
    let services: Vec<String> = scope
        .service
        .iter()
        .cloned()
        .chain(slos.iter().map(|(_, _, service)| service.raw().to_owned()))
        .collect();
    let slos: Vec<_> = slos
        .into_iter()
        .map(|(source, id, _)| (source, id))
        .collect();
    let within = Scope {
        services: &services,
        slos: &slos,
    };
    let status = Status::of(store, within, at, Timestamp::now());
    let mut text = Vec::new();
    if let Err(error) = print(&status, &mut text) {
        return refuse(format!("cannot print the status: {error}"));
    }
    let printed = super::print(&text);
    if printed != ExitCode::SUCCESS {
        return printed;
    }
    let mut services = scope.service.iter();
    if let Some(service) = services.find(|service| !status.knows(service)) {
        return refuse(format!("no source knows a service `{service}`"));
    }
    ExitCode::from(status.verdict().exit_status())
}

/// Prints the status again and again until it is interrupted.
fn keep_asking(options: &cli::Status, settings: &Settings, watch: Watch) -> ExitCode {
    let mut watch = match of_sources(&options.scope.source, settings, watch) {
        Ok(watch) => watch,
        Err(why) => return refuse(why),
    };
    let intervals = watch.sources.iter().map(|(source, _)| source.interval);
    let interval = intervals
        .min()
        .unwrap_or(SHORTEST_INTERVAL)
        .max(SHORTEST_INTERVAL);
    let most = options.scope.timeout.map(Window::duration);
    let done = on_runtime(|runtime| {
        let mut last = ExitCode::from(super::UNKNOWN);
        loop {
            let asked = runtime.block_on(async {
                tokio::select! {
                    () = ask(&mut watch, None, most) => true,
                    _ = tokio::signal::ctrl_c() => false,
                }
            });
            if !asked {
                return last;
            }
            let form = Form {
                format: options.format,
                look: look(options.wide, settings),
                is_one_of_many: true,
            };
            let print = |status: &Status<'_>, text: &mut Vec<u8>| written(form, status, text);
            last = show(&options.scope, settings, (&mut watch.store, None), print);
            let rest = runtime.block_on(async {
                tokio::select! {
                    () = tokio::time::sleep(interval.unsigned_abs()) => true,
                    _ = tokio::signal::ctrl_c() => false,
                }
            });
            if !rest || super::is_reader_gone() {
                return last;
            }
        }
    });
    done.unwrap_or_else(|exit| exit)
}

/// A watch of the named sources alone; of all when none is named.
pub(super) fn of_sources(
    named: &[String],
    settings: &Settings,
    watch: Watch,
) -> Result<Watch, String> {
    if named.is_empty() {
        return Ok(watch);
    }
    let known = |name: &String| settings.sources.iter().any(|one| one.name.as_str() == name);
    if let Some(unknown) = named.iter().find(|name| !known(name)) {
        let all: Vec<_> = settings
            .sources
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        return Err(format!(
            "no source is named `{unknown}`: there are {}",
            all.join(", ")
        ));
    }
    let mut settings = settings.clone();
    let is_named = |name: &str| named.iter().any(|one| one == name);
    settings.sources.retain(|one| is_named(one.name.as_str()));
    Watch::over(&settings).map_err(|problems| {
        let messages: Vec<_> = problems
            .into_iter()
            .map(|problem| problem.message)
            .collect();
        messages.join("; ")
    })
}

/// Adds the incidents that are no longer listed and not known to be over, by what the journal holds of
/// the last day. Without a journal there are none.
pub(super) fn add_gone(store: &mut Store, settings: &Settings) {
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
pub(super) fn recall(store: &mut Store, at: Timestamp, settings: &Settings) {
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
pub(super) async fn ask(watch: &mut Watch, at: Option<Timestamp>, most: Option<SignedDuration>) {
    let ask = Ask {
        now: Timestamp::now(),
        at,
        history: false,
        since: None,
    };
    ask_some(watch, most, |_| Some(ask)).await;
}

/// Asks every source for now and for the dated rows since then, each for no longer than its time-out.
pub(super) async fn ask_since(watch: &mut Watch, since: Timestamp) {
    let ask = Ask {
        now: Timestamp::now(),
        at: None,
        history: false,
        since: Some(since),
    };
    ask_some(watch, None, |_| Some(ask)).await;
}

/// The same of some sources, each with a question of its own; those without one are left as they are.
pub(super) async fn ask_some(
    watch: &mut Watch,
    most: Option<SignedDuration>,
    question: impl Fn(&SourceSettings) -> Option<Ask>,
) {
    let mut polls = tokio::task::JoinSet::new();
    for (settings, mut source) in std::mem::take(&mut watch.sources) {
        let Some(ask) = question(&settings) else {
            watch.sources.push((settings, source));
            continue;
        };
        let limit = poll::limit(&settings);
        let limit = most.map_or(limit, |most| limit.min(most));
        polls.spawn(async move {
            let report = poll::poll_once(&settings.name, source.as_mut(), &ask, limit).await;
            (settings, source, report)
        });
    }
    while let Some(polled) = polls.join_next().await {
        // A poll that panics is a report of its own; one that was cancelled leaves its source silent.
        if let Ok((settings, source, report)) = polled {
            watch.store.absorb(report);
            watch.sources.push((settings, source));
        }
    }
    // In the order of the configuration again.
    watch.sources.sort_by_key(|(settings, _)| settings.index);
}
