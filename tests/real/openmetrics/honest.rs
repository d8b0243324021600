//! What scraped metrics must not be taken for: broken counters, targets that are down, names that are
//! misspelt, and a file without room.

use std::fmt::Write as _;

use serde_json::Value;

use super::exporter::Exporter;
use super::{Counters, beside_a_prometheus, configure, scraping};
use crate::program::{screen, slo, status, watchfire};

/// The counters of a service, of which one may be no number.
fn counters(good: &str, bad: &str) -> String {
    format!(
        "# TYPE http_requests counter\nhttp_requests_total{{service=\"a\",code=\"200\"}} {good}\n\
         http_requests_total{{service=\"a\",code=\"500\"}} {bad}\n# EOF\n"
    )
}

#[test]
fn a_counter_that_is_no_number_is_not_well_as_it_is_not_to_prometheus() {
    for (good, bad) in [("300", "NaN"), ("300", "+Inf"), ("NaN", "70")] {
        let dir = tempfile::tempdir().expect("a folder");
        let exporter = Exporter::start();
        exporter.expose(counters("100", "50"));
        let _server = beside_a_prometheus(dir.path(), &exporter);
        let ours = || status(dir.path(), &["--config", "ours.toml"]);
        ours();
        exporter.wait_answered("Prometheus", exporter.answered("Prometheus") + 2);
        exporter.expose(counters(good, bad));
        exporter.wait_answered("Prometheus", exporter.answered("Prometheus") + 3);
        let (exit, found) = ours();
        let (_, theirs) = status(dir.path(), &["--config", "theirs.toml"]);
        let state = |found: &Value| slo(found, "a/availability")["state"].clone();
        assert_eq!(
            (exit, state(&found)),
            (3, "unknown".into()),
            "{good} {bad}: {found:#}"
        );
        assert_ne!(state(&theirs), "ok", "{theirs:#}");
        let warnings = found["sources"][0]["warnings"].to_string();
        assert!(warnings.contains("was NaN or infinite"), "{found:#}");
        let events = &slo(&found, "a/availability")["events"]["5m"];
        assert!(events["bad"].is_null(), "{found:#}");
    }
}

#[test]
fn targets_beyond_those_that_are_named_are_counted() {
    let dir = tempfile::tempdir().expect("a folder");
    let exporter = Exporter::start();
    exporter.expose(Counters::default().text());
    let mut listed = format!("{}\n", exporter.address);
    for port in 1..=13 {
        let _ = writeln!(listed, "127.0.0.1:{port}");
    }
    std::fs::write(dir.path().join("targets"), listed).expect("a list");
    let source = "kind = \"openmetrics\"\ntargets_file = \"targets\"\nhistory = \"app.db\"";
    configure(dir.path(), "watchfire.toml", source, &["a"]);
    let (_, found) = status(dir.path(), &["--config", "watchfire.toml"]);
    let source = &found["sources"][0];
    let fault = source["fault"].to_string();
    assert!(fault.contains("1 of 14 targets"), "{found:#}");
    let warnings = source["warnings"].to_string();
    assert!(
        warnings.contains("3 more of its targets did not answer"),
        "{found:#}"
    );
}

#[test]
fn a_misspelt_metric_is_told_with_its_nearest_and_the_samples_of_a_right_one_are_counted() {
    let dir = tempfile::tempdir().expect("a folder");
    let exporter = Exporter::start();
    exporter.expose(Counters { good: 5, bad: 1 }.text());
    configure(dir.path(), "right.toml", &scraping(&exporter, ""), &["a"]);
    let text = std::fs::read_to_string(dir.path().join("right.toml")).expect("the file");
    let wrong = text.replace(
        "total = 'http_requests_total",
        "total = 'http_request_total",
    );
    std::fs::write(dir.path().join("wrong.toml"), wrong).expect("the configuration");
    let doctor = watchfire(dir.path(), &["doctor", "--config", "wrong.toml"]);
    assert_eq!(doctor.exit, 1, "{}", doctor.stdout);
    for words in [
        "no target exposes a metric named `http_request_total`",
        "nearest: http_requests_total",
    ] {
        assert!(doctor.stdout.contains(words), "{}", doctor.stdout);
    }

    for _ in 0..3 {
        status(dir.path(), &["--config", "right.toml"]);
    }
    let explained = watchfire(
        dir.path(),
        &[
            "explain",
            "a/availability",
            "--format",
            "json",
            "--config",
            "right.toml",
        ],
    );
    let found: Value = serde_json::from_str(&explained.stdout).expect("JSON");
    let text = format!("{found:#}");
    let windows = found["windows"].as_array().expect("windows");
    assert!(
        windows.iter().all(|window| window["samples"].is_number()),
        "{text}"
    );
    assert!(found["data"]["newest_sample"].is_string(), "{text}");
}

#[test]
fn a_file_takes_no_more_room_than_it_may_while_the_screen_scrapes_each_second() {
    let dir = tempfile::tempdir().expect("a folder");
    let exporter = Exporter::start();
    let mut text = "# TYPE http_requests counter\n".to_owned();
    for pod in 0..2_000 {
        let _ = writeln!(
            text,
            "http_requests_total{{service=\"a\",code=\"200\",pod=\"{pod}\"}} 7"
        );
    }
    exporter.expose(format!("{text}# EOF\n"));
    let more = "max_size = \"1MiB\"";
    configure(
        dir.path(),
        "watchfire.toml",
        &scraping(&exporter, more),
        &["a"],
    );
    let args = ["--config", "watchfire.toml"];
    let mut pty = screen(dir.path(), &args);
    for round in 1..15 {
        exporter.wait_answered("watchfire", round);
        let file = std::fs::metadata(dir.path().join("app.db"));
        let size = file.map_or(0, |file| file.len());
        assert!(size <= 1 << 20, "{size} after {round}");
    }
    pty.press("4");
    pty.wait_for("`max_size` is too small");
    let doctor = watchfire(dir.path(), &["doctor", "--config", "watchfire.toml"]);
    let said = "`max_size` is too small: 30d of 2001 series";
    assert!(doctor.stdout.contains(said), "{}", doctor.stdout);
}
