//! The fault laboratory: servers of every kind of source misbehave in every way that servers do.
//!
//! Each fault has to be named, harm nothing else, end in time, take little memory, never look
//! healthy, and be over with the next poll once the server is well. Prometheus and Alertmanager are
//! real; the others answer as their APIs do.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "real/alertmanager.rs"]
#[expect(dead_code, reason = "the tests of real servers use the rest")]
mod alertmanager;
#[path = "lab/behaviour.rs"]
mod behaviour;
#[path = "lab/front.rs"]
mod front;
#[path = "lab/gate.rs"]
mod gate;
#[path = "real/history.rs"]
#[expect(dead_code, reason = "the tests of real servers use the rest")]
mod history;
#[path = "lab/memory.rs"]
mod memory;
#[path = "lab/model.rs"]
mod model;
#[path = "real/request.rs"]
mod request;
#[path = "real/rules.rs"]
#[expect(dead_code, reason = "the tests of real servers use the rest")]
mod rules;
#[path = "lab/secrets.rs"]
mod secrets;
#[path = "real/server.rs"]
#[expect(dead_code, reason = "the tests of real servers use the rest")]
mod server;
#[path = "lab/stand_in.rs"]
mod stand_in;
#[path = "lab/world.rs"]
mod world;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use watchfire::domain::{Facts, Fault, Report};
use watchfire::store::Store;

use behaviour::{ALL, Behaviour};
use world::{CANARY, Servers, TIMEOUT, Watched, World};

/// How much longer than its limit a request may take on a busy machine.
const SLACK: Duration = Duration::from_secs(8);

/// The fault of a poll, of the whole or of a part.
fn fault(report: &Report) -> Option<&Fault> {
    match &report.outcome {
        Ok(Facts { fault, .. }) => fault.as_ref(),
        Err(fault) => Some(fault),
    }
}

/// Polls until the source is well; `None` if it is not within half a minute.
async fn heal(watched: &mut Watched) -> Option<Report> {
    let began = Instant::now();
    loop {
        let report = watched.poll().await;
        if fault(&report).is_none() {
            return Some(report);
        }
        if began.elapsed() > Duration::from_secs(30) {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What is wrong with the way in which one source bears one behaviour.
async fn trial(watched: &mut Watched, whole: &Store, behaviour: Behaviour) -> Vec<String> {
    let mut wrong = Vec::new();
    watched.front.turn(behaviour);
    let began = Instant::now();
    let report = watched.poll().await;
    let took = began.elapsed();
    if took > TIMEOUT.unsigned_abs() + SLACK {
        wrong.push(format!("took {took:?}"));
    }
    match (behaviour.expected(watched.kind), fault(&report)) {
        (None, None) => {
            let facts = report.outcome.as_ref().expect("no fault");
            if facts.warnings.is_empty() {
                wrong.push("warns of nothing".to_owned());
            }
        }
        (None, Some(fault)) => wrong.push(format!("is a fault: {fault:?}")),
        (Some(_), None) => wrong.push("is no fault".to_owned()),
        (Some(expected), Some(fault)) => {
            let words = fault.message.raw();
            if !expected.kinds.contains(&fault.kind) {
                wrong.push(format!("is called {:?}: {words}", fault.kind));
            }
            if !expected.words.iter().any(|one| words.contains(one)) {
                wrong.push(format!("is called {words}"));
            }
            if words.contains(CANARY) || words.chars().count() > 300 {
                wrong.push(format!("tells too much: {words}"));
            }
            if let Some(wait) = fault.retry_after
                && !(1..=3_600).contains(&wait.as_secs())
            {
                wrong.push(format!("sends away for {wait:?}"));
            }
            wrong.extend(model::lies(whole, &report));
        }
    }
    watched.front.turn(Behaviour::Healthy);
    watched.front.wait_until_up();
    // One poll, not several: what went wrong before may leave nothing behind.
    let healed = watched.poll().await;
    if let Some(fault) = fault(&healed) {
        wrong.push(format!(
            "is not over with the next poll: {}",
            fault.message.raw()
        ));
        if heal(watched).await.is_none() {
            wrong.push("is never over".to_owned());
        }
    } else {
        let mut after = whole.clone();
        after.absorb(healed);
        let rows = |store: &Store| model::Rows::of(store, watched.settings.name.as_str());
        if rows(&after) != rows(whole) {
            wrong.push(format!(
                "left its mark: {:?}, not {:?}",
                rows(&after),
                rows(whole)
            ));
        }
    }
    let of = |words| format!("{behaviour:?} of {}: {words}", watched.name);
    wrong.into_iter().map(of).collect()
}

/// A check, by its name. Told `true`, it goes through everything, else through a sample.
struct Check {
    name: &'static str,
    run: fn(bool),
}

const CHECKS: [Check; 5] = [
    Check {
        name: "every_fault_of_every_source_is_named_harmless_and_over_when_it_ends",
        run: every_fault_of_every_source_is_named_harmless_and_over_when_it_ends,
    },
    Check {
        name: "a_flood_takes_little_memory",
        run: memory::a_flood_takes_little_memory,
    },
    Check {
        name: "status_and_gate_claim_nothing_that_is_not_known",
        run: gate::status_and_gate_claim_nothing_that_is_not_known,
    },
    Check {
        name: "no_secret_follows_a_redirect_or_a_link",
        run: secrets::no_secret_follows_a_redirect_or_a_link,
    },
    Check {
        name: "no_secret_is_written_anywhere",
        run: secrets::no_secret_is_written_anywhere,
    },
];

/// Runs the checks that the arguments name, or all; in full with `--ignored`, as `./test --long` does.
fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|first| first == "__jq") {
        return watchfire::command::run(arguments);
    }
    let words: Vec<_> = std::env::args().skip(1).collect();
    let full = words.iter().any(|word| word == "--ignored");
    let names: Vec<_> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |check: &&Check| {
        names.is_empty() || names.iter().any(|name| check.name.contains(name.as_str()))
    };
    for check in CHECKS.iter().filter(is_wanted) {
        let began = Instant::now();
        // A check that panics ends the process, and with it the servers that it started.
        (check.run)(full);
        println!("test {} ... ok ({:.1?})", check.name, began.elapsed());
    }
    ExitCode::SUCCESS
}

fn every_fault_of_every_source_is_named_harmless_and_over_when_it_ends(full: bool) {
    let servers = Servers::start();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    let World {
        watched,
        mut store,
        folder,
        ..
    } = World::new(&servers);
    runtime.block_on(async {
        let mut well = Vec::new();
        for mut one in watched {
            let mut report = heal(&mut one).await.expect(one.name);
            // Rules of a server that has just started are evaluated within a second.
            while one.kind == "prometheus"
                && report
                    .outcome
                    .as_ref()
                    .is_ok_and(|facts| facts.slos.as_ref().is_none_or(Vec::is_empty))
            {
                tokio::time::sleep(Duration::from_millis(200)).await;
                report = heal(&mut one).await.expect(one.name);
            }
            // What a scrape adds to the history is counted by the next one.
            store.absorb(report);
            store.absorb(heal(&mut one).await.expect(one.name));
            well.push(one);
        }
        for one in &well {
            let rows = model::Rows::of(&store, one.name);
            assert!(rows.is_something(), "{} shows nothing", one.name);
        }
        let store = Arc::new(store);
        let mut trials = tokio::task::JoinSet::new();
        for (number, mut one) in well.into_iter().enumerate() {
            let store = Arc::clone(&store);
            trials.spawn(async move {
                let mut wrong = Vec::new();
                let step = if full { 1 } else { 3 };
                for behaviour in ALL.iter().skip(number % step).step_by(step) {
                    // All others have just answered.
                    let fresh = dated(&store);
                    wrong.extend(trial(&mut one, &fresh, *behaviour).await);
                }
                wrong
            });
        }
        let mut wrong = Vec::new();
        while let Some(trial) = trials.join_next().await {
            wrong.extend(trial.unwrap());
        }
        println!(
            "{} kinds of source, {} behaviours",
            world::NAMES.len(),
            ALL.len()
        );
        assert!(
            wrong.is_empty(),
            "{} of {}:\n{}",
            wrong.len(),
            ALL.len() * world::NAMES.len(),
            wrong.join("\n")
        );
    });
    drop(folder);
}

/// The same store, as if every source had answered just now.
fn dated(store: &Store) -> Store {
    let now = jiff::Timestamp::now();
    let mut fresh = store.clone();
    for feed in store.feeds() {
        fresh.absorb(Report {
            source: feed.name.clone(),
            at: now,
            latency: jiff::SignedDuration::ZERO,
            next_try: None,
            outcome: Ok((*feed.facts).clone()),
        });
    }
    fresh
}
