//! Fuzzing: what comes from servers, files and people, changed at random, ends in a value or a fault.
//!
//! Each target reads its corpus in `fuzz/corpus/NAME` and inputs that are made of it, the same ones each
//! time. `./test` runs some of each; `FUZZ_SECONDS=1200 cargo test --release --test fuzz NAME` goes on for so
//! long. An input that breaks a target is written to `target/fuzz`; its place after that is the corpus.
//! Bytes of a terminal are the target of `term::keys::tests`, for as many cases as `PROPTEST_CASES` says.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "fuzz/mutate.rs"]
mod mutate;
#[path = "fuzz/serve.rs"]
mod serve;

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::runtime::Runtime;
use watchfire::config::{Environment, SourceSettings, load_text};
use watchfire::dialect;
use watchfire::domain::{FaultKind, Period, When, Window};
use watchfire::journal::Journal;
use watchfire::poll::poll_once;
use watchfire::source::{Ask, Source, known_kinds};
use watchfire::watch::Watch;

use mutate::{Random, input};
use serve::Served;

/// How long one input may take, on a busy machine and without optimisation.
const LONGEST: Duration = Duration::from_secs(20);

/// Something that reads input.
trait Target {
    fn read(&mut self, input: &[u8]);
}

impl<F: FnMut(&[u8])> Target for F {
    fn read(&mut self, input: &[u8]) {
        self(input);
    }
}

/// A target: its name, how many inputs a short run has, and how it is made.
type Known = (&'static str, usize, fn() -> Box<dyn Target>);

const TARGETS: [Known; 22] = [
    ("alertmanager", 300, || body("alertmanager", "")),
    ("prometheus", 200, || {
        body("prometheus", "discover = true\n")
    }),
    ("github", 300, || {
        body(
            "github",
            "graphql = false\nrepos = [{ repo = \"acme/checkout\", service = \"checkout\" }]\n",
        )
    }),
    ("gitlab", 300, || {
        body(
            "gitlab",
            "projects = [{ project = \"acme/checkout\", service = \"checkout\" }]\n",
        )
    }),
    ("pagerduty", 300, || body("pagerduty", TOKEN)),
    ("incidentio", 300, || body("incidentio", TOKEN)),
    ("jsm", 300, || {
        body(
            "jsm",
            &format!("{TOKEN}cloud_id = \"site-1\"\nemail = \"mara@acme.example\"\n"),
        )
    }),
    ("grafana_irm", 300, || body("grafana_irm", TOKEN)),
    ("argocd", 300, || body("argocd", TOKEN)),
    ("kubernetes", 300, || body("kubernetes", "")),
    ("json", 40, || {
        body(
            "json",
            "releases = '.deploys[]'\nincidents = '.incidents[]'\nslos = '.slos[]'\n",
        )
    }),
    ("openmetrics", 200, exposition),
    ("promql", 60, promql),
    ("jq", 60, jq),
    ("config", 300, || Box::new(configuration)),
    ("policy", 300, || Box::new(configuration)),
    ("slo_files", 150, || Box::new(documents)),
    ("lengths", 2_000, || Box::new(lengths)),
    ("urls", 500, || Box::new(urls)),
    ("retry_after", 2_000, || Box::new(retry_after)),
    ("journal", 30, || Box::new(journal)),
    ("recording", 30, || Box::new(recording)),
];

const TOKEN: &str = "token = { command = [\"echo\", \"s3cret-token\"] }\n";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|first| first == "__jq") {
        return watchfire::command::run(arguments);
    }
    let words: Vec<_> = std::env::args().skip(1).collect();
    let names: Vec<_> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let seconds = std::env::var("FUZZ_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let time = seconds.map(Duration::from_secs);
    // What is caught is told with its input.
    std::panic::set_hook(Box::new(|_| {}));
    let mut broken = 0;
    for (name, count, make) in TARGETS {
        if names.is_empty() || names.iter().any(|wanted| name == wanted.as_str()) {
            broken += usize::from(!run(name, count, make, time));
        }
    }
    ExitCode::from(u8::from(broken > 0))
}

/// Runs a target over its corpus and what is made of it; false when it broke.
fn run(name: &str, count: usize, make: fn() -> Box<dyn Target>, time: Option<Duration>) -> bool {
    let corpus = corpus(name);
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    let mut random = Random::new(hasher.finish());
    let (began, mut slowest, mut done) = (Instant::now(), Duration::ZERO, 0_usize);
    let mut target = make();
    loop {
        let is_over = match time {
            Some(time) => began.elapsed() >= time,
            None => done >= count.max(corpus.len()),
        };
        if is_over {
            break;
        }
        let bytes = match corpus.get(done) {
            Some(seed) => seed.clone(),
            None => input(&corpus, &mut random),
        };
        let asked = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| target.read(&bytes)));
        let took = asked.elapsed();
        slowest = slowest.max(took);
        if outcome.is_err() || took > LONGEST {
            let place = keep(name, &bytes);
            println!(
                "fuzz {name} ... FAILED after {done} inputs ({took:.1?}): {}",
                place.display()
            );
            return false;
        }
        done += 1;
        if done.is_multiple_of(1_000) {
            // What a source remembers shall not hide what an input does.
            target = make();
        }
    }
    println!(
        "fuzz {name} ... ok, {done} inputs in {:.1?}, slowest {slowest:.1?}",
        began.elapsed()
    );
    true
}

/// The seeds of a target, in order of their names.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(name);
    let files =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let files: BTreeMap<_, _> = files
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.into_values().collect()
}

/// Writes an input down that broke a target.
fn keep(name: &str, bytes: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fuzz");
    fs::create_dir_all(&folder).unwrap();
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let path = folder.join(format!("{name}-{:016x}", hasher.finish()));
    fs::write(&path, bytes).unwrap();
    path
}

/// Sources that are polled: of a server that answers with the input, or of settings that are the input.
struct Polled {
    runtime: Runtime,
    sources: Vec<(SourceSettings, Box<dyn Source>)>,
}

impl Polled {
    fn new(text: &str) -> Option<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let loaded = load_text(
            "fuzz.toml",
            text.to_owned(),
            &Environment::default(),
            &known_kinds(),
        )
        .ok()?;
        let sources = Watch::over(&loaded.settings).ok()?.sources;
        Some(Self { runtime, sources })
    }

    /// Polls each once: any answer and any fault is right but our own.
    fn poll(&mut self) {
        for (settings, source) in &mut self.sources {
            let ask = Ask {
                now: Timestamp::now(),
                at: None,
                history: true,
                since: None,
            };
            let limit = watchfire::poll::limit(settings);
            let polled = poll_once(&settings.name, source.as_mut(), &ask, limit);
            let report = self.runtime.block_on(polled);
            let fault = match &report.outcome {
                Ok(facts) => facts.fault.as_ref(),
                Err(fault) => Some(fault),
            };
            assert!(
                fault.is_none_or(|fault| fault.kind != FaultKind::Crash),
                "{fault:?}"
            );
            // Whatever was read can be shown.
            let name = settings.name.clone();
            drop(format!("{name:?} {report:?}"));
        }
    }
}

/// A target that is the body of every answer of an API.
fn body(kind: &'static str, options: &str) -> Box<dyn Target> {
    let server = Served::start("application/json");
    let text = format!(
        "[[source]]\nname = \"one\"\nkind = \"{kind}\"\nurl = \"{}\"\ntimeout = \"2s\"\n{options}",
        server.url
    );
    let mut polled = Polled::new(&text).expect(kind);
    Box::new(move |input: &[u8]| {
        server.set(input);
        polled.poll();
    })
}

/// The text of a scraped target.
fn exposition() -> Box<dyn Target> {
    let server = Served::start("text/plain; version=0.0.4");
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[[source]]\nname = \"one\"\nkind = \"openmetrics\"\ntargets = [\"{}/metrics\"]\nhistory = \"{}\"\n\
         timeout = \"2s\"\n[[slo]]\nservice = \"search\"\nname = \"availability\"\nobjective = 99\n\
         total = 't_total'\nbad = 't_total{{code=\"500\"}}'\n",
        server.url,
        folder.path().join("history.db").display()
    );
    let mut polled = Polled::new(&text).expect("openmetrics");
    Box::new(move |input: &[u8]| {
        let _folder = &folder;
        server.set(input);
        polled.poll();
    })
}

/// A query of an SLO, planned and read back.
fn promql() -> Box<dyn Target> {
    let server = Served::start("application/json");
    server.set(br#"{"status":"success","data":{"resultType":"vector","result":[]}}"#);
    Box::new(move |input: &[u8]| {
        let query = toml::Value::from(String::from_utf8_lossy(input).into_owned());
        let text = format!(
            "[[source]]\nname = \"one\"\nkind = \"prometheus\"\nurl = \"{}\"\ntimeout = \"2s\"\n[[slo]]\n\
             service = \"s\"\nname = \"n\"\nobjective = 99\ntotal = {query}\nbad = {query}\n",
            server.url
        );
        if let Some(mut polled) = Polled::new(&text) {
            polled.poll();
        }
    })
}

/// A program of a `json` source.
fn jq() -> Box<dyn Target> {
    let server = Served::start("application/json");
    server
        .set(br#"{"deploys":[{"id":"d7","service":"checkout","version":"v7"}],"n":7,"s":"text"}"#);
    Box::new(move |input: &[u8]| {
        let program = toml::Value::from(String::from_utf8_lossy(input).into_owned());
        let text = format!(
            "[[source]]\nname = \"one\"\nkind = \"json\"\nurl = \"{}\"\ntimeout = \"1s\"\nreleases = {program}\n",
            server.url
        );
        if let Some(mut polled) = Polled::new(&text) {
            polled.poll();
        }
    })
}

/// A configuration file; a mistake can be printed.
fn configuration(input: &[u8]) {
    let text = String::from_utf8_lossy(input).into_owned();
    match load_text("fuzz.toml", text, &Environment::default(), &known_kinds()) {
        Ok(loaded) => {
            drop(loaded.merged_text());
            match Watch::over(&loaded.settings) {
                Ok(watch) => drop(watch.store),
                Err(problems) => drop(loaded.report_all(&problems).to_string()),
            }
        }
        Err(error) => drop(error.to_string()),
    }
}

/// SLOs of other tools.
fn documents(input: &[u8]) {
    let file = dialect::File {
        name: "fuzz.yaml".to_owned(),
        text: String::from_utf8_lossy(input).into_owned(),
    };
    for slo in dialect::convert(&[file]).slos {
        let text = dialect::write::slo(&slo.table, &[slo.origin]);
        assert!(text.parse::<toml::Table>().is_ok(), "{text}");
    }
}

/// Lengths of time, periods and moments.
fn lengths(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(window) = text.parse::<Window>() {
        let again = window.to_string();
        assert_eq!(again.parse::<Window>().ok(), Some(window), "{again}");
    }
    let _ = text.parse::<Period>();
    if let Ok(when) = When::parse(&text) {
        let _ = when.moment(Timestamp::UNIX_EPOCH, &jiff::tz::TimeZone::UTC);
    }
}

/// Addresses of sources.
fn urls(input: &[u8]) {
    let url = toml::Value::from(String::from_utf8_lossy(input).into_owned());
    let text =
        format!("[[source]]\nname = \"one\"\nkind = \"prometheus\"\nurl = {url}\nproxy = {url}\n");
    configuration(text.as_bytes());
    let text = format!("[[source]]\nname = \"one\"\nkind = \"openmetrics\"\ntargets = [{url}]\n");
    configuration(text.as_bytes());
}

/// The header that sends a client away.
fn retry_after(input: &[u8]) {
    let wait = watchfire::http::retry_after(&String::from_utf8_lossy(input), Timestamp::UNIX_EPOCH);
    assert!(
        wait.is_none_or(|wait| (1..=3_600).contains(&wait.as_secs())),
        "{wait:?}"
    );
}

/// A file, opened by `open`, and everything that is read of a journal.
fn read(input: &[u8], open: impl FnOnce(&Path) -> Option<Journal>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    fs::write(&path, input).unwrap();
    let Some(mut journal) = open(&path) else {
        return;
    };
    let _ = journal.all(|_| "recorded");
    if let Ok(Some((_, last))) = journal.reach() {
        let _ = journal.world(last);
        let _ = journal.events_before(last, 100);
    }
}

fn journal(input: &[u8]) {
    read(input, |path| Journal::read(path).ok().flatten());
}

fn recording(input: &[u8]) {
    read(input, |path| Journal::recording(path).ok());
}
