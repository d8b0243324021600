//! What 10,000 SLOs on the screen cost in memory and processor time.
//!
//! `cargo bench --bench memory` serves what Sloth's rules record of 10,000 SLOs (110,000 series, and
//! the rules themselves) in the shape that a Prometheus 2.42 answers in, runs the program on a
//! pseudo-terminal before it, and prints its resident memory and processor time. Each poll finds
//! other ratios, and a quarter of a minute gone. It exits with 1 when the target is missed.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a bench may panic")]

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Form, State};
use axum::routing::{get, post};
use futures_util::stream;
use portable_pty::CommandBuilder;
use rustix::process::Signal;

#[path = "../tests/terminal/pty.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod pty;

use pty::Pty;

const SLOS: usize = 10_000;
const WINDOWS: [&str; 8] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"];
/// Polls before memory is looked at, the first of which is cold.
const WARM: usize = 3;
/// Polls after which it is looked at again: ten minutes, of which courses are asked for each three.
const POLLS: usize = 40;
/// How much later the server's present is with every poll, in seconds.
const STEP: i64 = 15;
/// The target, in MiB.
const MOST: f64 = 64.0;

/// The server: how often it was polled, and when it began.
struct World {
    began: i64,
    polls: AtomicUsize,
    present: AtomicI64,
}

type Shared = State<Arc<World>>;
type Asked = Form<Vec<(String, String)>>;

fn id(slo: usize) -> String {
    format!("service-{slo:05}-availability")
}

fn labels(slo: usize) -> String {
    format!(
        "\"sloth_id\":\"{}\",\"sloth_service\":\"service-{slo:05}\",\"sloth_slo\":\"availability\"",
        id(slo)
    )
}

/// An error ratio as a poll finds it: one in two thousand burns.
fn ratio(slo: usize, poll: usize) -> f64 {
    let spread = (slo * 2_654_435_761 + poll * 40_503) % 1_000;
    let ratio = f64::from(u32::try_from(spread).unwrap()) / 1_000.0;
    if slo % 2_000 == 7 {
        0.02 + ratio / 1e3
    } else {
        ratio * 4e-4
    }
}

/// The series of one SLO that a query selects, as an instant query answers.
fn series(slo: usize, at: i64, poll: usize, [first, second]: [bool; 2]) -> String {
    let labels = labels(slo);
    let mut text = String::new();
    let mut one = |name: &str, more: &str, value: f64| {
        let _ = write!(
            text,
            "{{\"metric\":{{\"__name__\":\"{name}\",{labels}{more}}},\"value\":[{at}.123,\"{value}\"]}},"
        );
    };
    for (number, window) in WINDOWS.iter().enumerate() {
        let is_selected = if window.starts_with(['1', '3']) {
            first
        } else {
            second
        };
        if !is_selected {
            continue;
        }
        let name = format!("slo:sli_error:ratio_rate{window}");
        let more = format!(",\"sloth_window\":\"{window}\"");
        one(&name, &more, ratio(slo, poll + number));
    }
    if !second {
        return text;
    }
    one(
        "sloth_slo_info",
        ",\"sloth_objective\":\"99.9\",\"sloth_mode\":\"cli-gen-prom\",\"sloth_spec\":\"prometheus/v1\",\"sloth_version\":\"v0.11.0\"",
        1.0,
    );
    one("slo:objective:ratio", "", 0.999);
    one("slo:time_period:days", "", 30.0);
    text
}

/// The recording rules of one SLO, as Sloth writes them.
fn rules(slo: usize) -> String {
    let mut text = format!(
        "{{\"name\":\"sloth-slo-sli-recordings-{}\",\"rules\":[",
        id(slo)
    );
    for window in WINDOWS {
        let service = format!("service=\\\"service-{slo:05}\\\"");
        let _ = write!(
            text,
            "{{\"type\":\"recording\",\"name\":\"slo:sli_error:ratio_rate{window}\",\"query\":\"(sum(rate(http_requests_total{{code=~\\\"5..\\\",{service}}}[{window}]))) / (sum(rate(http_requests_total{{{service}}}[{window}])))\",\"labels\":{{{},\"sloth_window\":\"{window}\"}},\"health\":\"ok\",\"evaluationTime\":0.0002,\"lastEvaluation\":\"2026-11-28T15:00:00.123Z\"}},",
            labels(slo)
        );
    }
    text.pop();
    text.push_str("]},");
    text
}

/// An envelope around what each of these says; nothing of it is made before it is sent.
fn answer(
    open: &'static str,
    slos: Vec<usize>,
    say: impl Fn(usize) -> String + Send + 'static,
) -> Body {
    let last = slos.len();
    let pieces = slos.into_iter().enumerate().map(move |(place, slo)| {
        let mut text = say(slo);
        if place + 1 == last {
            text.pop();
        }
        Bytes::from(text)
    });
    let open = std::iter::once(Bytes::from_static(open.as_bytes()));
    let close = std::iter::once(Bytes::from_static(b"]}}"));
    let pieces = open.chain(pieces).chain(close);
    Body::from_stream(stream::iter(pieces.map(Ok::<_, Infallible>)))
}

const VECTOR: &str = r#"{"status":"success","data":{"resultType":"vector","result":["#;
const MATRIX: &str = r#"{"status":"success","data":{"resultType":"matrix","result":["#;

/// The SLOs that a query names, or all of them.
fn selected(query: &str) -> Vec<usize> {
    let Some((_, rest)) = query.split_once("sloth_id") else {
        return (0..SLOS).collect();
    };
    let (_, rest) = rest.split_once('"').unwrap();
    let (named, _) = rest.split_once('"').unwrap();
    let named: BTreeSet<_> = named.split('|').map(|one| one.replace('\\', "")).collect();
    let number = |id: &String| id.get(8..13)?.parse().ok();
    named.iter().filter_map(number).collect()
}

fn value<'a>(asked: &'a [(String, String)], name: &str) -> &'a str {
    let mut found = asked.iter().filter(|(other, _)| other == name);
    found.next().map_or("", |(_, value)| value)
}

async fn instant(State(world): Shared, Form(asked): Asked) -> Body {
    let query = value(&asked, "query");
    let at = world.present.load(Ordering::Relaxed);
    let poll = world.polls.load(Ordering::Relaxed);
    if query.starts_with("group by (sloth_id)") {
        world.polls.fetch_add(1, Ordering::Relaxed);
        world.present.fetch_add(STEP, Ordering::Relaxed);
        return answer(VECTOR, (0..SLOS).collect(), move |slo| {
            let id = id(slo);
            format!("{{\"metric\":{{\"sloth_id\":\"{id}\"}},\"value\":[{at}.123,\"1\"]}},")
        });
    }
    if query.starts_with("{__name__=~\"slo:sli_error") {
        let halves = ["ratio_rate[13]", "ratio_rate[^13]"].map(|half| query.contains(half));
        return answer(VECTOR, selected(query), move |slo| {
            series(slo, at, poll, halves)
        });
    }
    if query.contains("timestamp(") {
        // Data begins where the period does, and a day before.
        let oldest = world.began - 86_400 * 31;
        return answer(VECTOR, selected(query), move |slo| {
            let labels = labels(slo);
            format!(
                "{{\"metric\":{{{labels},\"sloth_window\":\"5m\"}},\"value\":[{at}.123,\"{oldest}\"]}},"
            )
        });
    }
    answer(VECTOR, Vec::new(), |_| String::new())
}

async fn range(Form(asked): Asked) -> Body {
    let query = value(&asked, "query");
    if !query.starts_with("{__name__=~\"slo:sli_error") {
        return answer(MATRIX, Vec::new(), |_| String::new());
    }
    let number = |name| value(&asked, name).parse::<f64>().unwrap();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole seconds of this century"
    )]
    let [start, end, step] = ["start", "end", "step"].map(|name| number(name) as i64);
    answer(MATRIX, selected(query), move |slo| {
        let mut text = format!(
            "{{\"metric\":{{\"__name__\":\"slo:sli_error:ratio_rate5m\",{},\"sloth_window\":\"5m\"}},\"values\":[",
            labels(slo)
        );
        let mut at = start;
        while at <= end {
            let poll = usize::try_from(at / step).unwrap();
            let _ = write!(text, "[{at},\"{}\"],", ratio(slo, poll));
            at += step;
        }
        text.pop();
        text.push_str("]},");
        text
    })
}

async fn groups() -> Body {
    const OPEN: &str = r#"{"status":"success","data":{"groups":["#;
    answer(OPEN, (0..SLOS).collect(), rules)
}

/// Memory of a process in MiB: resident now, and at most so far.
fn memory(pid: i32) -> (f64, f64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("its state");
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        let number = line.split_whitespace().nth(1).unwrap();
        number.parse::<f64>().unwrap() / 1024.0
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// Processor time of a process, in milliseconds.
fn cpu(pid: i32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("its state");
    let (_, fields) = stat.rsplit_once(") ").expect("a name");
    let ticks = fields.split(' ').skip(11).take(2);
    ticks.map(|one| one.parse::<f64>().unwrap()).sum::<f64>() * 10.0
}

async fn polled(world: &World, polls: usize) {
    while world.polls.load(Ordering::Relaxed) < polls {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let resident = runtime.block_on(async {
        let began = jiff::Timestamp::now().as_second();
        let world = Arc::new(World {
            began,
            polls: AtomicUsize::new(0),
            present: AtomicI64::new(began),
        });
        let server = Router::new()
            .route("/api/v1/query", post(instant))
            .route("/api/v1/query_range", post(range))
            .route("/api/v1/rules", get(groups))
            .with_state(Arc::clone(&world));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, server).await });
        let dir = tempfile::tempdir().expect("a folder");
        let config = dir.path().join("config.toml");
        let text = format!(
            "[[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"http://{address}\"\n\
             interval = \"1s\"\nalerts = false\n"
        );
        std::fs::write(&config, text).expect("a configuration");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_watchfire"));
        command.args(["--config".as_ref(), config.as_os_str()]);
        // With a journal of its own.
        command.env("HOME", dir.path());
        let pty = tokio::task::spawn_blocking(move || {
            let pty = Pty::start(command, 200, 50);
            pty.wait_for("5 PAGE");
            pty
        });
        let pty = pty.await.expect("a screen");
        let pid = pty.pid().as_raw_nonzero().get();
        polled(&world, WARM).await;
        let (cold, before) = (memory(pid), cpu(pid));
        polled(&world, WARM + POLLS).await;
        let (warm, after) = (memory(pid), cpu(pid));
        let each = (after - before) / f64::from(u32::try_from(POLLS).unwrap());
        println!("{SLOS} SLOs on the screen, in MiB    resident  at most");
        println!(
            "after {WARM} polls                       {:>8.1} {:>8.1}",
            cold.0, cold.1
        );
        println!(
            "after {} polls                      {:>8.1} {:>8.1}",
            WARM + POLLS,
            warm.0,
            warm.1
        );
        println!("processor time of a poll          {each:>8.1} ms");
        pty.signal(Signal::KILL);
        warm.0
    });
    if resident > MOST {
        println!("MISSED: more than {MOST} MiB are resident");
        std::process::exit(1);
    }
}
