//! `watchfire explain`: every number of one SLO, or the requests that measure it or all.

use std::process::ExitCode;

use jiff::Timestamp;
use tokio::runtime::Runtime;

use self::choose::{Candidate, Choice, choose};
use super::{UNKNOWN, on_runtime, refuse};
use crate::cli::{self, Format};
use crate::config::{SourceSettings, UiSettings};
use crate::domain::explanation::Request;
use crate::domain::{Explanation, Fault, State};
use crate::poll;
use crate::print;
use crate::source::{Ask, Source};
use crate::store::Store;
use crate::text::Untrusted;
use crate::watch::Watch;

mod choose;

/// A source with what the configuration says of it.
type Configured = (SourceSettings, Box<dyn Source>);

/// Asks the source of one SLO for everything about it, prints, and says whether it could be had.
pub fn run(options: &cli::Explain, ui: &UiSettings, watch: Watch) -> ExitCode {
    let now = Timestamp::now();
    let at = options.at.map(|at| at.moment(now, &ui.timezone));
    super::doubt_future(at);
    let ask = Ask {
        now,
        at,
        history: options.slo.is_none(),
        since: None,
    };
    let done = on_runtime(|runtime| match &options.slo {
        Some(slo) => explain(runtime, (options, &ask), slo, ui, watch),
        None => plan(runtime, (options, &ask), watch),
    });
    done.unwrap_or_else(|exit| exit)
}

fn explain(
    runtime: &Runtime,
    (options, ask): (&cli::Explain, &Ask),
    wanted: &str,
    ui: &UiSettings,
    watch: Watch,
) -> ExitCode {
    let mut store = watch.store;
    let mut sources = watch.sources;
    sources.retain(|(settings, _)| {
        store
            .feed(&settings.name)
            .is_some_and(|feed| feed.offers.slos)
    });
    if sources.is_empty() {
        return refuse("no source measures SLOs: add one of kind `prometheus`");
    }
    if needs_asking(&store, wanted, sources.len()) {
        runtime.block_on(ask_all(&mut sources, &mut store, ask));
    }
    let candidates = candidates(&store);
    let chosen = match choose(wanted, &candidates) {
        Choice::One(place) => &candidates[place],
        Choice::Several(names) => return refuse(several(wanted, &names)),
        Choice::None(nearest) => return refuse(nobody(wanted, &nearest, &store)),
    };
    let Some((settings, source)) = sources
        .iter_mut()
        .find(|(settings, _)| settings.name.as_str() == chosen.source)
    else {
        return refuse(format!("`{}` is measured by nobody", chosen.source));
    };
    let limit = poll::limit(settings);
    if options.plan {
        return match runtime.block_on(poll::plan_once(source.as_mut(), ask, limit)) {
            Ok(mut requests) => {
                if let Some(requests) = &mut requests {
                    requests.retain(|request| request.serves_any(&chosen.ids));
                }
                show_plans(options, &[(chosen.source.clone(), requests)])
            }
            Err(fault) => refuse(cannot(&chosen.id, &chosen.source, &fault)),
        };
    }
    let asked = poll::explain_once(source.as_mut(), ask, &chosen.ids, limit);
    match runtime.block_on(asked) {
        Ok(explained) => show((options, ask.at), ui, &explained, &chosen.id),
        Err(fault) => refuse(cannot(&chosen.id, &chosen.source, &fault)),
    }
}

/// The one SLO that a name means: its source, its id there, and its service.
pub(super) fn find(store: &Store, wanted: &str) -> Result<(String, Untrusted, Untrusted), String> {
    let candidates = candidates(store);
    match choose(wanted, &candidates) {
        Choice::One(place) => {
            let chosen = &candidates[place];
            let id = chosen.ids.first().unwrap_or(&chosen.id);
            Ok((chosen.source.clone(), id.clone(), chosen.service.clone()))
        }
        Choice::Several(names) => Err(several(wanted, &names)),
        Choice::None(nearest) => Err(nobody(wanted, &nearest, store)),
    }
}

/// False when the configuration alone tells which SLO is meant.
fn needs_asking(store: &Store, wanted: &str, sources: usize) -> bool {
    let known = candidates(store);
    !known.iter().any(|candidate| {
        candidate.full() == wanted || (sources == 1 && candidate.id.raw() == wanted)
    })
}

/// Asks all sources at once, as `status` does.
async fn ask_all(sources: &mut [Configured], store: &mut Store, ask: &Ask) {
    let polls = sources.iter_mut().map(|(settings, source)| {
        poll::poll_once(&settings.name, source.as_mut(), ask, poll::limit(settings))
    });
    for report in futures_util::future::join_all(polls).await {
        store.absorb(report);
    }
}

/// Every SLO that is known, as it may be named.
fn candidates(store: &Store) -> Vec<Candidate> {
    let rows = store.slos();
    let mut all: Vec<_> = rows
        .map(|(feed, seen)| Candidate {
            id: seen.slo.id(),
            service: seen.slo.service.clone(),
            source: feed.name.to_string(),
            ids: store.ids_of(&seen.slo),
        })
        .collect();
    // An id that two sources have names its source, as in `status`.
    let ids: Vec<_> = all.iter().map(|candidate| candidate.id.clone()).collect();
    for candidate in &mut all {
        if ids.iter().filter(|id| **id == candidate.id).count() > 1 {
            candidate.id = candidate.full().into();
        }
    }
    all
}

fn show(
    (options, at): (&cli::Explain, Option<Timestamp>),
    ui: &UiSettings,
    explained: &Explanation,
    id: &Untrusted,
) -> ExitCode {
    let mut text = Vec::new();
    let written = match options.format {
        Format::Text => print::explain::text(&mut text, explained, id, &ui.timezone),
        Format::Json => {
            let now = Timestamp::now();
            let json = print::explain::ExplainJson::of(explained, id, at, now);
            print::json(&mut text, &json)
        }
    };
    if let Err(error) = written {
        return refuse(format!("cannot print the explanation: {error}"));
    }
    let printed = super::print(&text);
    if printed == ExitCode::SUCCESS && explained.seen.assess().state == State::Unknown {
        return ExitCode::from(UNKNOWN);
    }
    printed
}

fn plan(runtime: &Runtime, (options, ask): (&cli::Explain, &Ask), watch: Watch) -> ExitCode {
    let store = watch.store;
    let mut plans: Vec<(String, Option<Vec<Request>>)> = Vec::new();
    for (settings, mut source) in watch.sources {
        let feed = store.feed(&settings.name);
        if !feed.is_some_and(|feed| feed.offers.slos) {
            continue;
        }
        let limit = poll::limit(&settings);
        match runtime.block_on(poll::plan_once(source.as_mut(), ask, limit)) {
            Ok(requests) => plans.push((settings.name.to_string(), requests)),
            Err(fault) => {
                return refuse(format!("{}: {}", settings.name, fault.message.shown()));
            }
        }
    }
    show_plans(options, &plans)
}

fn show_plans(options: &cli::Explain, plans: &[(String, Option<Vec<Request>>)]) -> ExitCode {
    let mut text = Vec::new();
    let written = match options.format {
        Format::Text => plans.iter().try_for_each(|(source, requests)| {
            print::explain::plan_text(&mut text, source, requests.as_deref())
        }),
        Format::Json => {
            let json = print::explain::PlanJson::of(plans, Timestamp::now());
            print::json(&mut text, &json)
        }
    };
    match written {
        Ok(()) => super::print(&text),
        Err(error) => refuse(format!("cannot print the plan: {error}")),
    }
}

fn several(wanted: &str, names: &[String]) -> String {
    let wanted = Untrusted::from(wanted).shown();
    format!("`{wanted}` may be any of these:\n{}", lines(names))
}

fn nobody(wanted: &str, nearest: &[String], store: &Store) -> String {
    let wanted = Untrusted::from(wanted).shown();
    let mut words = format!("no SLO is named `{wanted}`");
    if !nearest.is_empty() {
        words = format!("{words}; the nearest are:\n{}", lines(nearest));
    }
    for feed in store.feeds() {
        if let Some(fault) = feed.fault.as_ref().filter(|_| feed.offers.slos) {
            words = format!("{words}\n{}: {}", feed.name, fault.message.shown());
        }
    }
    words
}

fn lines(names: &[String]) -> String {
    let names = names.iter().map(|name| Untrusted::from(name.as_str()));
    let lines: Vec<_> = names.map(|name| format!("  {}", name.shown())).collect();
    lines.join("\n")
}

fn cannot(id: &Untrusted, source: &str, fault: &Fault) -> String {
    format!("{}: {source}: {}", id.shown(), fault.message.shown())
}
