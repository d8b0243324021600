//! The same history in VictoriaMetrics: the same states, and its own exact counts.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::history::{SERVICES, Service, prometheus, samples, service, this_minute};
use crate::program::{slo, status, watchfire};
use crate::prometheus::{STATES, assert_close, by_hand};
use crate::server::{Server, encoded, get, post, program};

/// Windows of the workbook's rules and a period of 30 days, in seconds.
const WINDOWS: [(&str, i64); 8] = [
    ("5m", 300),
    ("30m", 1_800),
    ("1h", 3_600),
    ("2h", 7_200),
    ("6h", 21_600),
    ("1d", 86_400),
    ("3d", 259_200),
    ("30d", 2_592_000),
];

/// Starts a VictoriaMetrics that holds the history of these services.
fn victoria_metrics(dir: &Path, services: &[&Service], end: i64) -> Server {
    let server = Server::start("victoria-metrics", dir, "/health", |address| {
        vec![
            "-storageDataPath=victoria".to_owned(),
            "-retentionPeriod=1y".to_owned(),
            // What is imported can be asked for at once.
            "-search.latencyOffset=0s".to_owned(),
            format!("-httpListenAddr={address}"),
        ]
    });
    let mut text = String::new();
    for (_, line) in samples(services, end) {
        // OpenMetrics has seconds, Prometheus' own text format milliseconds.
        let _ = writeln!(text, "{}000", line.trim_end());
    }
    let address = server.url.trim_start_matches("http://");
    let answer = post(address, "/api/v1/import/prometheus", &text).expect("an answer");
    assert_eq!(answer.split(' ').nth(1), Some("204"), "{answer}");
    let _ = get(address, "/internal/force_flush");
    server
}

#[test]
fn states_are_those_of_prometheus_and_counts_are_exact() {
    let dir = tempfile::tempdir().expect("a folder");
    let end = this_minute() - 60;
    let services: Vec<_> = SERVICES.iter().collect();
    let server = victoria_metrics(dir.path(), &services, end);
    by_hand(dir.path(), &server.url);
    let at = end.to_string();
    let args = ["--config", "watchfire.toml", "--at", &at];
    let (exit, found) = status(dir.path(), &args);

    let other = tempfile::tempdir().expect("a folder");
    let prometheus = prometheus(other.path(), &services, "", end);
    by_hand(other.path(), &prometheus.url);
    let (same, theirs) = status(other.path(), &args);
    assert_eq!(exit, same);

    for (name, state) in STATES {
        let id = format!("{name}/availability");
        let (mine, theirs) = (slo(&found, &id), slo(&theirs, &id));
        assert_eq!(mine["state"], state, "{mine:#}");
        assert_eq!(
            (&mine["state"], &mine["phase"]),
            (&theirs["state"], &theirs["phase"])
        );
        for (window, seconds) in WINDOWS {
            let what = format!("{name} {window}");
            let Some(truth) = service(name).error_ratio(seconds) else {
                assert!(mine["error_ratio"][window].is_null(), "{what}: {mine:#}");
                continue;
            };
            assert_close(&mine["error_ratio"][window], truth, 1e-6, &what);
            // `increase` takes the last sample before the window and extrapolates nothing.
            // What was counted between the last sample and a restart, nobody has seen.
            let seen = if name == "resets" { 1e-2 } else { 1e-9 };
            let (bad, total) = count(service(name), seconds);
            assert_close(&mine["events"][window]["total"], total, seen, &what);
            assert_close(&mine["events"][window]["bad"], bad, seen, &what);
            let ratio = theirs["error_ratio"][window].as_f64().expect("a ratio");
            assert_close(&mine["error_ratio"][window], ratio, 1e-6, &what);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn count(service: &Service, seconds: i64) -> (f64, f64) {
    let (bad, total) = service.events(seconds);
    (bad as f64, total as f64)
}

#[test]
fn queries_longer_than_its_limit_are_cut_into_ones_it_takes() {
    let dir = tempfile::tempdir().expect("a folder");
    let end = this_minute() - 60;
    let server = victoria_metrics(dir.path(), &[service("steady")], end);
    let mut text = format!(
        "[[source]]\nname = \"vm\"\nkind = \"prometheus\"\nurl = \"{}\"\n",
        server.url
    );
    // Together some 100 kB a window, of which it reads 16.
    let codes: Vec<_> = (500..900).map(|code| code.to_string()).collect();
    let codes = codes.join("|");
    for index in 0..30 {
        let _ = writeln!(
            text,
            "[[slo]]\nservice = \"steady\"\nname = \"a{index}\"\nobjective = 99.0\n\
             total = 'http_requests_total{{service=\"steady\",code!=\"{index}\"}}'\n\
             bad = 'http_requests_total{{service=\"steady\",code=~\"{index}|{codes}\"}}'"
        );
    }
    std::fs::write(dir.path().join("watchfire.toml"), text).expect("the configuration");
    let at = end.to_string();
    let (exit, found) = status(dir.path(), &["--config", "watchfire.toml", "--at", &at]);
    assert_eq!(
        (exit, &found["sources"][0]["fault"]),
        (0, &Value::Null),
        "{found:#}"
    );
    for index in 0..30 {
        let slo = slo(&found, &format!("steady/a{index}"));
        assert_close(&slo["error_ratio"]["30d"], 1.0 / 120.0, 1e-6, "30d");
    }
}

#[test]
fn vmalert_evaluates_the_rules_and_they_are_read_from_there() {
    let dir = tempfile::tempdir().expect("a folder");
    let end = this_minute();
    let services: Vec<_> = ["steady", "burning", "never"].map(service).to_vec();
    let server = victoria_metrics(dir.path(), &services, end);
    let mut text = format!(
        "[[source]]\nname = \"vm\"\nkind = \"prometheus\"\nurl = \"{}\"\n",
        server.url
    );
    for one in &services {
        let name = one.name;
        let _ = writeln!(
            text,
            "[[slo]]\nservice = \"{name}\"\nname = \"availability\"\nobjective = 99.0\n\
             total = 'http_requests_total{{service=\"{name}\"}}'\n\
             bad = 'http_requests_total{{service=\"{name}\",code=~\"5..\"}}'"
        );
    }
    std::fs::write(dir.path().join("watchfire.toml"), text).expect("the configuration");
    let args = ["--config", "watchfire.toml"];
    let run = watchfire(dir.path(), &[&["rules"], &args[..]].concat());
    assert_eq!(run.exit, 0, "{}", run.stderr);
    std::fs::write(dir.path().join("rules.yml"), &run.stdout).expect("the rules");
    let dry = Command::new(program("vmalert"))
        .args(["-rule=rules.yml", "-dryRun"])
        .current_dir(dir.path())
        .output();
    let dry = dry.expect("vmalert, which `./test` installs");
    assert!(
        dry.status.success(),
        "{}",
        String::from_utf8_lossy(&dry.stderr)
    );

    // Long windows are recorded every three minutes: a test need not wait for these.
    let rules = run.stdout.replace("interval: 3m", "interval: 1s");
    std::fs::write(dir.path().join("rules.yml"), rules).expect("the rules");
    let vmalert = Server::start("vmalert", dir.path(), "/health", |address| {
        vec![
            "-rule=rules.yml".to_owned(),
            format!("-datasource.url={}", server.url),
            format!("-remoteWrite.url={}", server.url),
            "-remoteWrite.flushInterval=1s".to_owned(),
            "-evaluationInterval=1s".to_owned(),
            "-notifier.url=http://127.0.0.1:1".to_owned(),
            format!("-httpListenAddr={address}"),
        ]
    });
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let (exit, found) = status(dir.path(), &args);
        let read = |name: &str| {
            let slo = slo(&found, &format!("{name}/availability"));
            slo["notes"].to_string().contains("every window is counted")
        };
        if services.iter().all(|one| read(one.name)) && firing(&server) == ["burning"] {
            let [steady, burning, never] = ["steady", "burning", "never"]
                .map(|name| slo(&found, &format!("{name}/availability")));
            assert_eq!((exit, &burning["state"]), (2, &json!("page")));
            assert_close(&steady["error_ratio"]["30d"], 1.0 / 120.0, 1e-3, "30d");
            assert_eq!(never["error_ratio"]["30d"], 0.0);
            break;
        }
        assert!(Instant::now() < deadline, "{found:#} {:?}", firing(&server));
    }
    drop(vmalert);
}

/// The services that page by the rules.
fn firing(server: &Server) -> Vec<String> {
    let query = encoded("ALERTS{alertstate=\"firing\",sloth_severity=\"page\"}");
    let address = server.url.trim_start_matches("http://");
    let answer = get(address, &format!("/api/v1/query?query={query}")).expect("an answer");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let body: Value = serde_json::from_str(body).expect("JSON");
    let result = body["data"]["result"].as_array().expect("series");
    let services = result
        .iter()
        .filter_map(|series| series["metric"]["sloth_service"].as_str());
    services.map(str::to_owned).collect()
}
