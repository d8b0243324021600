//! SLOs without a server, beside a real Prometheus that scraped the same.

mod exporter;
mod honest;

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::history::{self, SERVICES};
use crate::program::{screen, slo, status, watchfire};
use crate::server::{Server, wait_until};
use exporter::{Exporter, Way};

const WINDOWS: [&str; 8] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"];

/// How many lines one exposition holds at most: some megabytes.
const LINES: usize = 60_000;

/// Writes a configuration with one SLO a service; `source` is the rest of its `[[source]]`.
fn configure(dir: &Path, file: &str, source: &str, services: &[&str]) {
    let mut text = format!("[[source]]\nname = \"app\"\n{source}\n");
    for (index, name) in services.iter().enumerate() {
        let total = format!("http_requests_total{{service=\"{name}\"}}");
        let part = if index % 2 == 0 {
            format!("bad = 'http_requests_total{{service=\"{name}\",code=~\"5..\"}}'")
        } else {
            format!("good = 'http_requests_total{{service=\"{name}\",code!~\"5..\"}}'")
        };
        let _ = writeln!(
            text,
            "[[slo]]\nservice = \"{name}\"\nname = \"availability\"\nobjective = 99.0\n\
             total = '{total}'\n{part}"
        );
    }
    std::fs::write(dir.join(file), text).expect("the configuration");
}

fn scraping(exporter: &Exporter, more: &str) -> String {
    format!(
        "kind = \"openmetrics\"\ninterval = \"1s\"\ntargets = [\"{}\"]\nhistory = \"app.db\"\n{more}",
        exporter.address
    )
}

fn asking(server: &Server) -> String {
    format!(
        "kind = \"prometheus\"\nurl = \"{}\"\ndiscover = false",
        server.url
    )
}

/// A Prometheus that scrapes the exporter, with configurations to scrape it (`ours.toml`) and to ask
/// that server (`theirs.toml`).
fn beside_a_prometheus(dir: &Path, exporter: &Exporter) -> Server {
    let server = history::start_with(
        dir,
        "",
        &format!(
            "scrape_configs:\n- job_name: app\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n  \
             static_configs: [{{targets: [\"{}\"]}}]\n",
            exporter.address
        ),
    );
    configure(dir, "ours.toml", &scraping(exporter, ""), &["a"]);
    configure(dir, "theirs.toml", &asking(&server), &["a"]);
    server
}

/// Holds the ratios and the counts of two answers against each other.
fn assert_same(ours: &Value, theirs: &Value, id: &str, ratios: f64, counts: f64) {
    let (ours, theirs) = (slo(ours, id), slo(theirs, id));
    for window in WINDOWS {
        let number = |slo: &Value| slo["error_ratio"][window].as_f64();
        let total = |slo: &Value| slo["events"][window]["total"].as_f64();
        for (found, wanted, slack) in [
            (number(ours), number(theirs), ratios),
            (total(ours), total(theirs), counts),
        ] {
            let is_same = match (found, wanted) {
                (Some(found), Some(wanted)) => (found - wanted).abs() <= slack * wanted.abs(),
                (found, wanted) => found.is_none() && wanted.is_none(),
            };
            assert!(
                is_same,
                "{id} {window}: {found:?} for {wanted:?}\n{ours:#}\n{theirs:#}"
            );
        }
    }
}

/// Thirty days of every kind of service: resets, churn, gaps, births and deaths.
#[test]
fn an_slo_says_the_same_without_a_server_as_with_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let end = history::this_minute();
    let services: Vec<_> = SERVICES.iter().collect();
    let server = history::prometheus(dir.path(), &services, "", end);
    let exporter = Exporter::start();
    let names: Vec<_> = SERVICES.iter().map(|service| service.name).collect();
    configure(dir.path(), "ours.toml", &scraping(&exporter, ""), &names);
    configure(dir.path(), "theirs.toml", &asking(&server), &names);

    let mut samples = history::samples(&services, end);
    samples.sort_by_key(|(at, _)| *at);
    let mut ours = Value::Null;
    for part in samples.chunks(LINES) {
        let lines: String = part.iter().map(|(_, line)| line.as_str()).collect();
        exporter.expose(format!("# TYPE http_requests counter\n{lines}# EOF\n"));
        (_, ours) = status(dir.path(), &["--config", "ours.toml"]);
        assert_eq!(ours["sources"][0]["fault"], Value::Null, "{ours:#}");
    }
    let at = slo(&ours, "steady/availability")["observed_at"].clone();
    let at = at.as_str().expect("a time");
    let (_, theirs) = status(dir.path(), &["--config", "theirs.toml", "--at", at]);
    for name in &names {
        let id = format!("{name}/availability");
        assert_same(&ours, &theirs, &id, 0.01, 0.01);
        assert_eq!(slo(&ours, &id)["state"], slo(&theirs, &id)["state"], "{id}");
    }
    // The past is answered from the file, with nobody there to be scraped.
    drop(exporter);
    let (_, again) = status(dir.path(), &["--config", "ours.toml", "--at", at]);
    assert_same(&again, &theirs, "resets/availability", 0.01, 0.01);
    let (exit, before) = status(
        dir.path(),
        &["--config", "ours.toml", "--at", "2001-01-01T00:00:00Z"],
    );
    assert_eq!(exit, 3);
    assert_ne!(slo(&before, "steady/availability")["state"], "ok");
    let said = before["sources"][0]["warnings"].to_string();
    assert!(said.contains("its history begins at"), "{said}");
}

/// Counters that the test moves.
#[derive(Default)]
struct Counters {
    good: u32,
    bad: u32,
}

impl Counters {
    fn text(&self) -> String {
        let (good, bad) = (self.good, self.bad);
        format!(
            "# TYPE http_requests counter\nhttp_requests_total{{service=\"a\",code=\"200\"}} {good}\n\
             http_requests_total{{service=\"a\",code=\"500\"}} {bad} # {{trace_id=\"x\"}} 1\n# EOF\n"
        )
    }
}

/// Both scrape every value, also while counters are reset, the target breaks, and watchfire is
/// killed in the middle of a scrape.
#[test]
fn scrapes_of_our_own_count_what_prometheus_counts_through_resets_and_kills() {
    let dir = tempfile::tempdir().expect("a folder");
    let exporter = Exporter::start();
    // Far from zero, up to which an increase is extrapolated; where that begins depends on who asks.
    let mut counters = Counters {
        good: 100_000,
        bad: 5_000,
    };
    exporter.expose(counters.text());
    let _server = beside_a_prometheus(dir.path(), &exporter);
    let scrape = || status(dir.path(), &["--config", "ours.toml"]);
    for step in 0..20 {
        if step == 7 || step == 13 {
            counters = Counters::default();
        }
        // The share of errors is another with each step.
        counters.good += 100 + step * 7;
        counters.bad += (step * 5) % 13;
        exporter.expose(counters.text());
        // The first of these two may have begun with the value before.
        exporter.wait_answered("Prometheus", exporter.answered("Prometheus") + 2);
        match step {
            4 => {
                exporter.answer("watchfire", Way::Broken);
                let (exit, found) = scrape();
                let fault = found["sources"][0]["fault"].as_str().unwrap_or_default();
                assert!(
                    fault.contains("0 of 1") && fault.contains(&exporter.address),
                    "{fault}"
                );
                assert_eq!(exit, 3);
                exporter.answer("watchfire", Way::Whole);
            }
            9 => kill_in_the_middle(dir.path(), &exporter),
            _ => {}
        }
        let (_, found) = scrape();
        assert_eq!(
            found["sources"][0]["fault"],
            Value::Null,
            "{step}: {found:#}"
        );
    }
    let at = jiff::Timestamp::now().to_string();
    let (_, ours) = status(dir.path(), &["--config", "ours.toml", "--at", &at]);
    let (_, theirs) = status(dir.path(), &["--config", "theirs.toml", "--at", &at]);
    assert_same(&ours, &theirs, "a/availability", 0.01, 0.2);
    let history = ours["sources"][0]["warnings"].to_string();
    assert!(history.contains("of 30d"), "{ours:#}");
}

/// Kills watchfire when it has read half of an answer.
fn kill_in_the_middle(dir: &Path, exporter: &Exporter) {
    exporter.answer("watchfire", Way::Half);
    let before = exporter.answered("watchfire");
    let mut child = Command::new(env!("CARGO_BIN_EXE_watchfire"))
        .args(["status", "--config", "ours.toml"])
        .current_dir(dir)
        .env_clear()
        .env("HOME", dir)
        .stdout(Stdio::null())
        .spawn()
        .expect("the built program");
    exporter.wait_answered("watchfire", before + 1);
    child.kill().expect("killed");
    child.wait().expect("ended");
    exporter.answer("watchfire", Way::Whole);
}

#[test]
fn one_process_scrapes_and_others_read_until_it_is_gone() {
    let dir = tempfile::tempdir().expect("a folder");
    let exporter = Exporter::start();
    let mut counters = Counters::default();
    exporter.expose(counters.text());
    for name in ["screen", "other"] {
        let more = format!("headers = {{ \"X-Name\" = \"{name}\" }}");
        configure(
            dir.path(),
            &format!("{name}.toml"),
            &scraping(&exporter, &more),
            &["a"],
        );
    }
    let mut pty = screen(dir.path(), &["--config", "screen.toml"]);
    exporter.wait_answered("screen", 1);
    counters.good += 200;
    counters.bad += 100;
    exporter.expose(counters.text());
    exporter.wait_answered("screen", 3);
    pty.wait_for("1 PAGE");
    let other = || status(dir.path(), &["--config", "other.toml"]);
    let (exit, found) = other();
    assert_eq!(exit, 2, "{found:#}");
    assert_eq!(exporter.answered("other"), 0, "two processes scrape");

    // What nobody scrapes any more is taken over, and nothing is counted anew.
    pty.signal(Signal::KILL);
    pty.wait_exit();
    let (exit, found) = other();
    assert_eq!((exit, exporter.answered("other")), (2, 1), "{found:#}");
    let total = slo(&found, "a/availability")["events"]["30d"]["total"].as_f64();
    assert!(
        total.is_some_and(|total| (200.0..=600.0).contains(&total)),
        "{total:?}"
    );
}

#[test]
fn targets_of_a_file_come_and_go_and_the_one_that_fails_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let (first, second) = (Exporter::start(), Exporter::start());
    for exporter in [&first, &second] {
        exporter.expose(Counters { good: 5, bad: 0 }.text());
    }
    let source = "kind = \"openmetrics\"\ninterval = \"1s\"\ntargets_file = \"targets\"\nhistory = \"app.db\"";
    configure(dir.path(), "watchfire.toml", source, &["a"]);
    let run = || status(dir.path(), &["--config", "watchfire.toml"]);
    let fault = |found: &Value| {
        found["sources"][0]["fault"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(fault(&run().1).contains("targets"), "there is no file yet");
    let list = |text: &str| std::fs::write(dir.path().join("targets"), text).expect("a list");
    list(&format!("# ours\n{}\n", first.address));
    assert_eq!(fault(&run().1), "");
    list(&format!(
        "[{{\"targets\": [\"{}\", \"{}\"]}}]",
        first.address, second.address
    ));
    assert_eq!(fault(&run().1), "");
    assert_eq!(
        (first.answered("watchfire"), second.answered("watchfire")),
        (2, 1)
    );
    second.expose("http_requests_total{service=\"a\" 5\n# EOF\n".to_owned());
    let (_, found) = run();
    let said = fault(&found);
    for words in ["1 of 2 targets", &second.address, "line 1", "not closed"] {
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(slo(&found, "a/availability")["partial"], true, "{found:#}");
}

#[test]
fn every_address_of_a_name_is_scraped_and_a_name_without_one_is_a_fault() {
    let dir = tempfile::tempdir().expect("a folder");
    let exporter = Exporter::start();
    exporter.expose(Counters { good: 5, bad: 0 }.text());
    let (_, port) = exporter.address.split_once(':').expect("a port");
    let dns = format!("dns = [\"localhost:{port}\", \"nobody.invalid:1\"]");
    let source = format!("kind = \"openmetrics\"\nhistory = \"app.db\"\n{dns}");
    configure(dir.path(), "watchfire.toml", &source, &["a"]);
    let (exit, found) = status(dir.path(), &["--config", "watchfire.toml"]);
    assert_eq!((exit, exporter.answered("watchfire")), (3, 1), "{found:#}");
    let source = &found["sources"][0];
    let warnings = source["warnings"].to_string();
    assert!(
        warnings.contains("no address for nobody.invalid"),
        "{found:#}"
    );
    assert!(source["fault"].is_string(), "{found:#}");
    assert_eq!(slo(&found, "a/availability")["partial"], true, "{found:#}");
}

#[test]
fn a_damaged_history_is_set_aside_and_a_prometheus_is_a_target_like_any_other() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = history::start(dir.path(), "");
    let address = server.url.trim_start_matches("http://");
    let text = format!(
        "[[source]]\nname = \"app\"\nkind = \"openmetrics\"\ntargets = [\"{address}\"]\nhistory = \"x/app.db\"\n\
         [[slo]]\nservice = \"prometheus\"\nname = \"http\"\nobjective = 99\n\
         total = 'prometheus_http_requests_total{{job=\"app\",instance=\"{address}\"}}'\n\
         bad = 'prometheus_http_requests_total{{code=~\"5..\"}}'\n\
         [[slo]]\nservice = \"prometheus\"\nname = \"latency\"\nobjective = 99\n\
         total = 'prometheus_http_request_duration_seconds_count'\n\
         good = 'prometheus_http_request_duration_seconds_bucket{{le=\"1\"}}'\n"
    );
    std::fs::write(dir.path().join("watchfire.toml"), text).expect("the configuration");
    let run = || status(dir.path(), &["--config", "watchfire.toml"]);
    let both_ok = |found: &Value| {
        let slos = found["slos"].as_array().expect("SLOs");
        slos.iter().all(|slo| slo["state"] == "ok")
    };
    let until_ok = || {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            // Something for Prometheus to count.
            wait_until(&server.url, "/api/v1/status/buildinfo", |_| true);
            let (exit, found) = run();
            if both_ok(&found) {
                assert_eq!(exit, 0);
                return found;
            }
            assert!(Instant::now() < deadline, "{found:#}");
        }
    };
    until_ok();
    let file = dir.path().join("x/app.db");
    for ending in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(dir.path().join(format!("x/app.db{ending}")));
    }
    // Its header is whole, so it is known to be ours; one without is left as it is.
    let mut bytes = std::fs::read(&file).expect("the history");
    bytes[100..].fill(7);
    std::fs::write(&file, bytes).expect("damage");
    let (_, found) = run();
    let said = found["sources"][0]["warnings"].to_string();
    assert!(said.contains("set aside"), "{found:#}");
    assert!(dir.path().join("x/app.db.damaged").exists());
    until_ok();
    let explained = watchfire(
        dir.path(),
        &["explain", "prometheus/http", "--config", "watchfire.toml"],
    );
    for words in ["computed", "# bad 30d", "[30d]))"] {
        assert!(explained.stdout.contains(words), "{}", explained.stdout);
    }

    let text = std::fs::read_to_string(dir.path().join("watchfire.toml")).expect("the file");
    let text = text.replace(
        "bad = 'prometheus_http_requests_total{",
        "bad = 'increase(x[$window]) or y{",
    );
    std::fs::write(dir.path().join("watchfire.toml"), text).expect("the configuration");
    let refused = watchfire(dir.path(), &["status", "--config", "watchfire.toml"]);
    assert_eq!(refused.exit, 3);
    for words in ["prometheus/http", "without a server", "watchfire.toml"] {
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
}
