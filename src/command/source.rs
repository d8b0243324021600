//! `watchfire source test`: one source asked once, with everything that is sent, mapped and dropped.

use std::process::ExitCode;

use jiff::Timestamp;

use super::{UNKNOWN, on_runtime, refuse};
use crate::cli::{self, Format};
use crate::config::Loaded;
use crate::http::trace;
use crate::poll;
use crate::print::rehearsal::Rehearsal;
use crate::source::Ask;
use crate::store::Store;
use crate::watch::Watch;

/// Asks the source, prints, and says whether it answered and nothing failed.
pub fn test(options: &cli::SourceTest, loaded: &Loaded, watch: Watch) -> ExitCode {
    let name = options.name.as_str();
    let found = watch.sources.into_iter().zip(watch.store.feeds());
    let mut found = found.filter(|((settings, _), _)| settings.name.as_str() == name);
    let Some(((settings, mut source), feed)) = found.next() else {
        let names: Vec<_> = watch
            .store
            .feeds()
            .iter()
            .map(|feed| feed.name.as_str())
            .collect();
        let names = names.join("`, `");
        return refuse(format!("no source is named `{name}`; there is `{names}`"));
    };
    let ask = Ask {
        now: Timestamp::now(),
        at: None,
        history: false,
        since: None,
    };
    let poll = poll::poll_once(
        &settings.name,
        source.as_mut(),
        &ask,
        poll::limit(&settings),
    );
    let (report, exchanges) = match on_runtime(|runtime| runtime.block_on(trace::listen(poll))) {
        Ok(done) => done,
        Err(exit) => return exit,
    };
    let mut store = Store::new(vec![feed.clone()])
        .with_services(loaded.settings.services.clone())
        .with_production(loaded.settings.delivery.production.clone());
    store.absorb(report.clone());
    let rehearsal = Rehearsal {
        kind: feed.kind,
        report: &report,
        exchanges: &exchanges,
        mapped: source.mapped(),
        store: &store,
    };
    let mut text = Vec::new();
    let written = match options.format {
        Format::Text => rehearsal.text(&mut text, Timestamp::now()),
        Format::Json => rehearsal.json(&mut text, Timestamp::now()),
    };
    if let Err(error) = written {
        return refuse(format!("cannot print what the source says: {error}"));
    }
    let printed = super::print(&text);
    if printed == ExitCode::SUCCESS && !rehearsal.is_well() {
        return ExitCode::from(UNKNOWN);
    }
    printed
}
