//! `watchfire status`: every source asked once, the answer printed, the verdict as exit status.

use std::process::ExitCode;

use jiff::Timestamp;

use super::refuse;
use crate::cli::{self, Format};
use crate::poll;
use crate::print;
use crate::print::status::Status;
use crate::source::Ask;
use crate::store::Store;
use crate::watch::Watch;

/// Asks every source of a watch at the same time, prints, and says how it stands.
pub fn run(options: &cli::Status, watch: Watch) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return refuse(format!("cannot start: {error}")),
    };
    if let Some(at) = options.at.filter(|at| *at > Timestamp::now()) {
        super::say(format!("{at} is in the future: nothing is known of it yet"));
    }
    let store = runtime.block_on(ask(watch, options.at));
    // A program of a source that never ends must not keep the process.
    runtime.shutdown_background();

    let service = options.service.as_deref();
    let status = Status::of(&store, service, options.at, Timestamp::now());
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

async fn ask(watch: Watch, at: Option<Timestamp>) -> Store {
    let ask = Ask {
        now: Timestamp::now(),
        at,
        history: false,
    };
    let mut polls = tokio::task::JoinSet::new();
    for (settings, mut source) in watch.sources {
        polls.spawn(async move {
            poll::poll_once(
                &settings.name,
                source.as_mut(),
                &ask,
                poll::limit(&settings),
            )
            .await
        });
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
