//! Asks any HTTP endpoint for JSON, and lets jq programs turn it into releases and incidents.
//!
//! A program runs on a thread of its own rather than on the runtime's: one that does not end cannot
//! be killed, and must keep neither the poll nor the program's end waiting.

mod past;
mod program;
mod recursion;
mod rows;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jaq_json::Val;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::sync::oneshot;

use self::program::{Program, Stopped};
use self::rows::{Row, Rows};
use super::conditional::Conditional;
use super::{Ask, Built, Fetching, Kind, Source};
use crate::config::{Problem, Settings, SourceSettings};
use crate::domain::{Facts, Fault, FaultKind, Incident, Release};
use crate::http::{Answer, Http};
use crate::store::Offers;
use crate::text::Untrusted;

/// `kind = "json"`.
pub const KIND: Kind = Kind {
    name: "json",
    interval: SignedDuration::from_secs(30),
    measures: false,
    build,
};

/// How long the programs may take for one answer.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// How much longer a program is waited for that is between two looks at the clock.
const GRACE: Duration = Duration::from_secs(1);
/// How long a source rests after its programs ran out of time, so that it does not eat a core.
const REST: SignedDuration = SignedDuration::from_mins(5);
/// Room for values nested as deep as they are read.
const STACK: usize = 16 * 1024 * 1024;

/// The settings of this kind alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    releases: Option<String>,
    incidents: Option<String>,
}

fn build(settings: &SourceSettings, _all: &Settings) -> Result<Built, Problem> {
    let options: Options = settings.options()?;
    let compile = |key: &str, code: Option<String>| {
        code.map(|code| {
            Program::compile(&code)
                .map_err(|error| settings.problem(key, format!("is no jq program: {error}")))
        })
        .transpose()
    };
    let programs = Programs {
        releases: compile("releases", options.releases)?,
        incidents: compile("incidents", options.incidents)?,
    };
    let offers = Offers {
        releases: programs.releases.is_some(),
        incidents: programs.incidents.is_some(),
        ..Offers::default()
    };
    if offers == Offers::default() {
        return Err(settings.problem(
            "releases",
            "is missing, and so is `incidents`: give a jq program that emits rows, \
             for example `.deploys[] | {id, service, version}`",
        ));
    }
    Ok(Built {
        source: Box::new(Json {
            http: Http::new(settings, None)?,
            programs: Arc::new(programs),
            answers: Conditional::default(),
            is_busy: Arc::default(),
            time_limit: TIME_LIMIT,
        }),
        offers,
        expected: Vec::new(),
    })
}

/// What turns an answer into rows.
struct Programs {
    releases: Option<Program>,
    incidents: Option<Program>,
}

/// An endpoint and the programs for its answer.
struct Json {
    http: Http,
    programs: Arc<Programs>,
    answers: Conditional,
    /// True while a thread runs the programs, whether or not anybody still waits for it.
    is_busy: Arc<AtomicBool>,
    time_limit: Duration,
}

impl Source for Json {
    fn fetch<'a>(&'a mut self, ask: &'a Ask) -> Fetching<'a> {
        Box::pin(async move {
            if self.is_busy.load(Ordering::Acquire) {
                return Err(Fault::new(
                    FaultKind::Timeout,
                    "a jq program has not ended since an earlier poll; correct it and restart",
                ));
            }
            let request = self
                .http
                .get("")
                .header("Accept", "application/json")
                .accept(&[304]);
            let answer = self.answers.send("", request).await?;
            self.run(answer, ask.at).await
        })
    }

    fn skew(&self) -> Option<SignedDuration> {
        self.http.skew()
    }
}

impl Json {
    /// Runs the programs on their own thread.
    async fn run(&self, answer: Answer, at: Option<Timestamp>) -> Result<Facts, Fault> {
        let until = Instant::now() + self.time_limit;
        let programs = Arc::clone(&self.programs);
        let busy = Busy::new(&self.is_busy);
        let (sender, receiver) = oneshot::channel();
        std::thread::Builder::new()
            .name("jq".to_owned())
            .stack_size(STACK)
            .spawn(move || {
                let facts = programs.facts(&answer, at, until);
                drop((answer, busy));
                // Nobody waits any more when the poll was given up.
                let _ = sender.send(facts);
            })
            .map_err(|error| Fault::new(FaultKind::Crash, format!("no thread for jq: {error}")))?;
        match tokio::time::timeout(self.time_limit + GRACE, receiver).await {
            Ok(Ok(facts)) => facts,
            Ok(Err(_)) => Err(Fault::new(
                FaultKind::Crash,
                "a jq program crashed; simplify it",
            )),
            Err(_) => Err(too_slow(self.time_limit)),
        }
    }
}

/// Says that a thread is at work, until it is dropped.
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn new(flag: &Arc<AtomicBool>) -> Self {
        flag.store(true, Ordering::Release);
        Self(Arc::clone(flag))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Programs {
    /// What the programs make of an answer, as it stood at the past moment `at` if there is one.
    fn facts(
        &self,
        answer: &Answer,
        at: Option<Timestamp>,
        until: Instant,
    ) -> Result<Facts, Fault> {
        let body: Val = answer.json()?;
        let mut facts = Facts::default();
        if let Some(program) = &self.releases {
            let (mut rows, warnings) = rows::<Release>("releases", program, &body, until)?;
            facts.warnings.extend(warnings);
            if let Some(at) = at {
                let undated;
                (rows, undated) = past::releases(rows, at);
                facts.warnings.extend(left_out("releases", undated));
            }
            facts.releases = Some(rows);
        }
        if let Some(program) = &self.incidents {
            let (mut rows, warnings) = rows::<Incident>("incidents", program, &body, until)?;
            facts.warnings.extend(warnings);
            if let Some(at) = at {
                let undated;
                (rows, undated) = past::incidents(rows, at);
                facts.warnings.extend(left_out("incidents", undated));
            }
            facts.incidents = Some(rows);
        }
        Ok(facts)
    }
}

/// Runs one program, and reads its outputs as rows.
fn rows<T: Row>(
    what: &str,
    program: &Program,
    body: &Val,
    until: Instant,
) -> Result<(Vec<T>, Vec<Untrusted>), Fault> {
    let mut rows = Rows::new();
    program
        .run(body.clone(), until, |output| rows.take(&output))
        .map_err(|stopped| match stopped {
            Stopped::Late => too_slow(TIME_LIMIT),
            Stopped::Error(error) => Fault::new(
                FaultKind::Decode,
                format!("`{what}` does not fit the answer: {error}"),
            ),
        })?;
    Ok(rows.finish(what))
}

fn too_slow(limit: Duration) -> Fault {
    Fault {
        retry_after: Some(REST),
        ..Fault::new(
            FaultKind::Timeout,
            format!(
                "a jq program did not end within {} s or 5 million rounds; let it do less",
                limit.as_secs()
            ),
        )
    }
}

/// What to say of rows that cannot tell whether they were there at a past moment.
fn left_out(what: &str, count: usize) -> Option<Untrusted> {
    (count > 0)
        .then(|| format!("{what}: {count} rows without a date are left out of the past").into())
}

#[cfg(test)]
mod tests;
