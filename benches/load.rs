//! What 1,000 SLOs of 8 windows cost a real Prometheus and us, beside asking for each by itself.
//!
//! `cargo bench --bench load` back-fills 24 hours of two counters an SLO, and what recording rules
//! would have made of them lately, into Debian's Prometheus, and prints a table: requests, wall
//! time, processor time of the server (its own `process_cpu_seconds_total`) and ours. Ratios are
//! taken within one run, so they hold on other machines. It exits with 1 when a target is missed.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a bench may panic")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use futures_util::{StreamExt, stream};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use watchfire::config::{HttpSettings, Part, Settings, Sli, SloSettings, SourceSettings};
use watchfire::domain::{FaultKind, Observation, Rule, SourceName};
use watchfire::http::Http;
use watchfire::source::prometheus::KIND;
use watchfire::source::{Ask, Source};

#[path = "../tests/real/history.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod history;
#[path = "../tests/real/server.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod server;

use history::{create_blocks, start, this_minute};
use server::{Server, get};

const SLOS: usize = 1_000;
const WINDOWS: [&str; 8] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"];
/// Requests in flight of who asks for each ratio by itself.
const AT_ONCE: usize = 16;
/// Polls of the steady state: ten minutes.
const STEADY: i32 = 40;
const INTERVAL: SignedDuration = SignedDuration::from_secs(15);

/// What something cost.
#[derive(Clone, Copy, Default)]
struct Cost {
    requests: f64,
    wall: f64,
    server: f64,
    client: f64,
}

impl Cost {
    fn now(server: &Server, began: Instant) -> Self {
        let address = server.url.trim_start_matches("http://");
        let metrics = get(address, "/metrics").expect("its metrics");
        let sum = |name: &str, part: &str| -> f64 {
            let lines = metrics
                .lines()
                .filter(|line| line.starts_with(name) && line.contains(part));
            let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
            values.sum()
        };
        Self {
            requests: sum("prometheus_http_requests_total{", "/api/v1/"),
            wall: began.elapsed().as_secs_f64(),
            server: sum("process_cpu_seconds_total ", ""),
            client: own_cpu(),
        }
    }

    fn since(self, before: Self) -> Self {
        Self {
            requests: self.requests - before.requests,
            wall: self.wall - before.wall,
            server: self.server - before.server,
            client: self.client - before.client,
        }
    }

    fn over(self, count: f64) -> Self {
        Self {
            requests: self.requests / count,
            wall: self.wall / count,
            server: self.server / count,
            client: self.client / count,
        }
    }
}

/// Our own processor time, in seconds, to a hundredth.
fn own_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("our state");
    let (_, fields) = stat.rsplit_once(") ").expect("a name");
    let ticks = fields.split(' ').skip(11).take(2);
    ticks
        .map(|ticks| ticks.parse::<f64>().expect("ticks"))
        .sum::<f64>()
        / 100.0
}

fn service(index: usize) -> String {
    format!("service-{index:04}")
}

/// How many events a minute fail of 6,000: mostly less than the budget of 6, and one service in a
/// hundred burns. The past of what burns is asked for closely, which asking for ratios does not.
fn failing(index: usize) -> usize {
    if index % 100 == 7 { 120 } else { index % 7 }
}

/// Two counters an SLO for 24 hours; ratios as Sloth records them, of the shortest window for the
/// three hours of a chart, of the others for as long as an instant query looks back.
fn world(dir: &Path, end: i64) -> Server {
    let mut text = String::new();
    for index in 0..SLOS {
        let name = service(index);
        for (code, step) in [("200", 6_000), ("500", failing(index))] {
            for minute in 0..1_440_i64 {
                let at = end - (1_439 - minute) * 60;
                let value = minute * i64::try_from(step).unwrap();
                let _ = writeln!(
                    text,
                    "http_requests_total{{service=\"{name}\",code=\"{code}\"}} {value} {at}"
                );
            }
        }
        let labels = format!(
            "sloth_id=\"{name}-availability\",sloth_service=\"{name}\",sloth_slo=\"availability\""
        );
        let mut recorded = |series: String, minutes: i64, value: f64| {
            for minute in 0..minutes {
                let at = end - (minutes - 1 - minute) * 60;
                let _ = writeln!(text, "{series} {value} {at}");
            }
        };
        for window in WINDOWS {
            let series =
                format!("slo:sli_error:ratio_rate{window}{{{labels},sloth_window=\"{window}\"}}");
            recorded(series, if window == "5m" { 180 } else { 5 }, 0.000_3);
        }
        let info = format!("sloth_slo_info{{{labels},sloth_objective=\"99.9\"}}");
        recorded(info, 5, 1.0);
        recorded(format!("slo:objective:ratio{{{labels}}}"), 5, 0.999);
        recorded(format!("slo:time_period:days{{{labels}}}"), 5, 30.0);
    }
    text.push_str("# EOF\n");
    create_blocks(dir, "load", &text);
    drop(text);
    start(dir, "")
}

fn settings(url: &str, table: &str) -> SourceSettings {
    SourceSettings {
        folder: None,
        name: SourceName::new("prod"),
        kind: KIND.name.to_owned(),
        index: 0,
        interval: INTERVAL,
        stale_after: INTERVAL * 20,
        http: HttpSettings {
            url: Some(url.to_owned()),
            timeout: Some(SignedDuration::from_mins(1)),
            ..HttpSettings::default()
        },
        table: table.parse().unwrap(),
    }
}

fn recorded(url: &str) -> Box<dyn Source> {
    let source = settings(url, "alerts = false");
    (KIND.build)(&source, &Settings::empty()).unwrap().source
}

fn raw(url: &str) -> Box<dyn Source> {
    let period = "30d".parse().unwrap();
    let mut all = Settings::empty();
    all.slos = (0..SLOS)
        .map(|index| {
            let name = service(index);
            SloSettings {
                service: name.clone(),
                name: "availability".to_owned(),
                objective: 0.999,
                period,
                timezone: TimeZone::UTC,
                source: SourceName::new("prod"),
                sli: Sli::Events {
                    part: Part::Bad(format!(
                        "http_requests_total{{service=\"{name}\",code=~\"5..\"}}"
                    )),
                    total: format!("http_requests_total{{service=\"{name}\"}}"),
                },
                rules: Rule::workbook(period),
                min_bad_events: 0.0,
                absent_is_zero: false,
                by: Vec::new(),
                labels: BTreeMap::new(),
                description: String::new(),
            }
        })
        .collect();
    let source = settings(url, "alerts = false\ndiscover = false");
    (KIND.build)(&source, &all).unwrap().source
}

/// Asks for every ratio by itself.
async fn naive(server: &Server) -> Cost {
    let http = Http::new(&settings(&server.url, ""), None).unwrap();
    let queries = (0..SLOS).flat_map(|index| {
        let name = service(index);
        WINDOWS.map(move |window| {
            let all = format!("http_requests_total{{service=\"{name}\"");
            format!(
                "sum(increase({all},code=~\"5..\"}}[{window}])) / sum(increase({all}}}[{window}]))"
            )
        })
    });
    let began = Instant::now();
    let before = Cost::now(server, began);
    let http = &http;
    let answers = stream::iter(queries)
        .map(|query| async move {
            let form = [("query", query.as_str())];
            let answer = http.post_form("/api/v1/query", &form).send().await;
            answer.unwrap().json::<serde_json::Value>().unwrap()
        })
        .buffer_unordered(AT_ONCE);
    let known = answers
        .filter(|answer| std::future::ready(!answer["data"]["result"][0]["value"].is_null()));
    assert_eq!(known.count().await, SLOS * WINDOWS.len());
    Cost::now(server, began).since(before)
}

fn ask(now: Timestamp, history: bool) -> Ask {
    Ask {
        now,
        at: None,
        history,
        since: None,
    }
}

/// Every SLO known in every window.
fn check(slos: &[Observation]) {
    assert_eq!(slos.len(), SLOS);
    for slo in slos {
        let period = slo.period.map(|sample| sample.reading.ratio());
        let known = slo
            .windows
            .values()
            .all(|sample| sample.reading.ratio().is_some());
        assert!(known && period.flatten().is_some(), "{slo:#?}");
        std::hint::black_box(slo.assess());
    }
}

/// One poll that asks for everything, of a source that knows nothing yet.
async fn refresh(server: &Server, mut source: Box<dyn Source>) -> Cost {
    let began = Instant::now();
    let before = Cost::now(server, began);
    let facts = source.fetch(&ask(Timestamp::now(), false)).await.unwrap();
    let cost = Cost::now(server, began).since(before);
    assert_eq!(facts.fault, None);
    check(&facts.slos.unwrap());
    cost
}

/// A poll of a screen that runs on, on average.
async fn steady(server: &Server, mut source: Box<dyn Source>) -> Cost {
    let start = Timestamp::now();
    for _ in 0..2 {
        source.fetch(&ask(start, true)).await.unwrap();
    }
    let began = Instant::now();
    let before = Cost::now(server, began);
    for poll in 1..=STEADY {
        let facts = source
            .fetch(&ask(start + INTERVAL * poll, true))
            .await
            .unwrap();
        // These polls come faster than they say, so the server's present seems old to them.
        let fault = facts.fault.filter(|fault| fault.kind != FaultKind::Decode);
        assert_eq!(fault, None);
        check(&facts.slos.unwrap());
    }
    Cost::now(server, began)
        .since(before)
        .over(f64::from(STEADY))
}

/// The mean of so many, and of their wall time the middle: processor time is told in hundredths of a
/// second, which is an eighth of what a refresh of recorded series costs.
async fn middle<F: Future<Output = Cost>>(times: u32, measure: impl Fn() -> F) -> Cost {
    let mut costs = Vec::new();
    for _ in 0..times {
        costs.push(measure().await);
    }
    costs.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    let sum = |of: fn(&Cost) -> f64| costs.iter().map(of).sum();
    let all = Cost {
        requests: sum(|cost| cost.requests),
        wall: 0.0,
        server: sum(|cost| cost.server),
        client: sum(|cost| cost.client),
    };
    Cost {
        wall: costs[costs.len() / 2].wall,
        ..all.over(f64::from(times))
    }
}

fn line(name: &str, cost: Cost, naive: Cost) {
    println!(
        "{name:<26} {:>9.1} {:>9.3} {:>10.3} {:>11.1} {:>11.4} {:>12.4}",
        cost.requests,
        cost.wall,
        cost.server,
        cost.client * 1e3,
        cost.wall / naive.wall,
        cost.server / naive.server,
    );
}

fn main() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = world(dir.path(), this_minute());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let missed = runtime.block_on(async {
        // What was read once is in the server's page cache for whoever comes next.
        refresh(&server, raw(&server.url)).await;
        let naive = middle(3, || naive(&server)).await;
        let of_recorded = middle(15, || refresh(&server, recorded(&server.url))).await;
        let of_raw = middle(7, || refresh(&server, raw(&server.url))).await;
        let recorded_on = steady(&server, recorded(&server.url)).await;
        let raw_on = steady(&server, raw(&server.url)).await;
        println!(
            "\n{SLOS} SLOs, {} windows        requests    wall s   server s   client ms  wall/naive server/naive",
            WINDOWS.len()
        );
        line("one by one, 16 at once", naive, naive);
        line("recorded, all at once", of_recorded, naive);
        line("counters, all at once", of_raw, naive);
        line("recorded, each 15 s", recorded_on, naive);
        line("counters, each 15 s", raw_on, naive);
        println!();
        let targets = [
            ("recorded: at most 8 requests", of_recorded.requests, 8.0),
            ("recorded: 1/25 of the wall time", of_recorded.wall / naive.wall, 0.04),
            ("recorded: 1/30 of the server's time", of_recorded.server / naive.server, 1.0 / 30.0),
            ("counters: at most 16 requests", of_raw.requests, 16.0),
            ("counters: 1/4 of the wall time", of_raw.wall / naive.wall, 0.25),
            ("counters: 0.3 of the server's time", of_raw.server / naive.server, 0.3),
            ("recorded, steady: 1/20 of the server's time", recorded_on.server / naive.server, 0.05),
            ("counters, steady: 1/20 of the server's time", raw_on.server / naive.server, 0.05),
            ("recorded, steady: 12 ms of ours", recorded_on.client * 1e3, 12.0),
            ("counters, steady: 12 ms of ours", raw_on.client * 1e3, 12.0),
        ];
        let mut missed = false;
        for (name, found, most) in targets {
            let held = found <= most;
            missed |= !held;
            let word = if held { "held" } else { "MISSED" };
            println!("{name:<46} {found:>9.4} of {most:>8.4}  {word}");
        }
        missed
    });
    // Prometheus is ended with its guard.
    drop(server);
    if missed {
        std::process::exit(1);
    }
}
