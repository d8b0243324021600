//! Series that begin late, are there twice, or lack what others have: the numbers and the reasons of
//! `status` and `doctor`, against a real Prometheus.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::history::{create_blocks, start, this_minute};
use crate::program::{slo, status, watchfire};
use crate::server::Server;

/// Minutes of history.
const MINUTES: i64 = 400;

/// One series: what it is called, and its value so many minutes ago; `None` for no sample.
type Exposed = (String, fn(i64) -> Option<i64>);

/// Minutes since the history began.
fn grown(ago: i64) -> i64 {
    MINUTES - ago
}

fn series(name: &str, value: fn(i64) -> Option<i64>) -> Exposed {
    (name.to_owned(), value)
}

/// Every series of every service.
fn world() -> Vec<Exposed> {
    [begun_lately(), there_twice(), uneven()].concat()
}

/// Series that begin within a window.
fn begun_lately() -> Vec<Exposed> {
    let steady: fn(i64) -> Option<i64> = |ago| Some(grown(ago) * 300);
    vec![
        // The first errors, 300 of them, were counted before their series was scraped.
        series(
            "req_total{service=\"lazy\",instance=\"a\",code=\"200\"}",
            steady,
        ),
        series(
            "req_total{service=\"lazy\",instance=\"a\",code=\"500\"}",
            |ago| (ago <= 3).then_some(300),
        ),
        // The same, of a counter without any label of its target.
        series("req_total{service=\"bare\",code=\"200\"}", steady),
        series("req_total{service=\"bare\",code=\"500\"}", |ago| {
            (ago <= 3).then_some(300)
        }),
        // A target that is scraped since 20 minutes: how old its errors are is not known.
        series(
            "req_total{service=\"fresh\",instance=\"a\",code=\"200\"}",
            steady,
        ),
        series(
            "req_total{service=\"fresh\",instance=\"b\",code=\"200\"}",
            |ago| (ago <= 20).then(|| 500_000 + grown(ago) * 300),
        ),
        series(
            "req_total{service=\"fresh\",instance=\"b\",code=\"500\"}",
            |ago| (ago <= 20).then_some(90_000),
        ),
        // A target that was not scraped for half an hour; it has counted since long before.
        series(
            "req_total{service=\"away\",instance=\"a\",code=\"200\"}",
            steady,
        ),
        series(
            "req_total{service=\"away\",instance=\"b\",code=\"200\"}",
            |ago| (!(10..45).contains(&ago)).then(|| grown(ago) * 300),
        ),
        series(
            "req_total{service=\"away\",instance=\"b\",code=\"500\"}",
            |ago| (!(10..45).contains(&ago)).then_some(4_000),
        ),
        // Slow requests of a new route: no bucket below half a second counts them.
        series(
            "lat_count{service=\"slow\",instance=\"a\",route=\"old\"}",
            steady,
        ),
        series(
            "lat_bucket{service=\"slow\",instance=\"a\",route=\"old\",le=\"0.5\"}",
            steady,
        ),
        series(
            "lat_count{service=\"slow\",instance=\"a\",route=\"new\"}",
            |ago| (ago <= 3).then_some(300),
        ),
        series(
            "lat_bucket{service=\"slow\",instance=\"a\",route=\"new\",le=\"0.5\"}",
            |ago| (ago <= 3).then_some(0),
        ),
    ]
}

/// Copies, and what looks like them.
fn there_twice() -> Vec<Exposed> {
    vec![
        // A pair of servers that scrape the same: two of 122 requests failed in the last hour.
        series(
            "req_total{service=\"pair\",replica=\"a\",code=\"200\"}",
            |ago| Some(grown(ago) * 2),
        ),
        series(
            "req_total{service=\"pair\",replica=\"b\",code=\"200\"}",
            |ago| Some(grown(ago) * 2),
        ),
        series(
            "req_total{service=\"pair\",replica=\"a\",code=\"500\"}",
            |ago| Some(i64::from(ago <= 15) + i64::from(ago <= 2)),
        ),
        series(
            "req_total{service=\"pair\",replica=\"b\",code=\"500\"}",
            |ago| Some(i64::from(ago <= 15) + i64::from(ago <= 2)),
        ),
        // Two replicas of a service, each with traffic of its own.
        series(
            "req_total{service=\"own\",replica=\"0\",code=\"200\"}",
            |ago| Some(grown(ago) * 30),
        ),
        series(
            "req_total{service=\"own\",replica=\"1\",code=\"200\"}",
            |ago| Some(7_000 + grown(ago) * 50),
        ),
    ]
}

/// Targets that lack something, are down or are scraped too seldom.
fn uneven() -> Vec<Exposed> {
    let steady: fn(i64) -> Option<i64> = |ago| Some(grown(ago) * 300);
    vec![
        // A target of an older version, without buckets.
        series("lat_count{service=\"mixed\",instance=\"a\"}", steady),
        series(
            "lat_bucket{service=\"mixed\",instance=\"a\",le=\"0.5\"}",
            |ago| Some(grown(ago) * 297),
        ),
        series("lat_count{service=\"mixed\",instance=\"b\"}", steady),
        // A target whose counter does not know of codes.
        series(
            "req_total{service=\"blind\",instance=\"a\",code=\"200\"}",
            |ago| Some(grown(ago) * 297),
        ),
        series(
            "req_total{service=\"blind\",instance=\"a\",code=\"500\"}",
            |ago| Some(grown(ago) * 3),
        ),
        series("req_total{service=\"blind\",instance=\"b\"}", steady),
        // Both at once: targets without buckets, and a new route all of whose requests are slow.
        series(
            "lat_count{service=\"uneven\",instance=\"a\",route=\"old\"}",
            steady,
        ),
        series(
            "lat_bucket{service=\"uneven\",instance=\"a\",route=\"old\",le=\"0.5\"}",
            steady,
        ),
        series(
            "lat_count{service=\"uneven\",instance=\"a\",route=\"new\"}",
            |ago| (ago <= 3).then_some(300),
        ),
        series(
            "lat_bucket{service=\"uneven\",instance=\"a\",route=\"new\",le=\"0.5\"}",
            |ago| (ago <= 3).then_some(0),
        ),
        series(
            "lat_count{service=\"uneven\",instance=\"b\",route=\"old\"}",
            steady,
        ),
        series(
            "lat_count{service=\"uneven\",instance=\"b\",route=\"new\"}",
            |ago| (ago <= 3).then_some(900),
        ),
        // One of two targets cannot be scraped since 20 minutes.
        series("up{job=\"partly\",instance=\"p1\"}", |_| Some(1)),
        series("up{job=\"partly\",instance=\"p2\"}", |ago| {
            Some(i64::from(ago > 20))
        }),
        series(
            "req_total{service=\"partly\",job=\"partly\",instance=\"p1\",code=\"200\"}",
            steady,
        ),
        series(
            "req_total{service=\"partly\",job=\"partly\",instance=\"p2\",code=\"200\"}",
            |ago| (ago > 20).then(|| grown(ago) * 300),
        ),
        // A sample each five minutes.
        series("req_total{service=\"seldom\",code=\"200\"}", |ago| {
            (ago % 5 == 0).then(|| grown(ago) * 300)
        }),
    ]
}

/// A server with that history, and a configuration with an SLO for each service in `dir`.
pub(crate) fn server(dir: &Path) -> Server {
    let end = this_minute();
    let mut text = String::new();
    for (name, value) in world() {
        for ago in (0..MINUTES).rev() {
            if let Some(value) = value(ago) {
                let _ = writeln!(text, "{name} {value} {}", end - ago * 60);
            }
        }
    }
    text.push_str("# EOF\n");
    create_blocks(dir, "series", &text);
    let server = start(dir, "");
    let mut config = format!(
        "[[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"{}\"\n",
        server.url
    );
    for (service, objective) in [
        ("lazy", 99.9),
        ("bare", 99.9),
        ("fresh", 99.9),
        ("away", 99.9),
        ("slow", 99.9),
        ("pair", 99.9),
        ("own", 99.9),
        ("mixed", 90.0),
        ("blind", 90.0),
        ("uneven", 99.9),
        ("partly", 99.9),
        ("seldom", 99.9),
    ] {
        let (total, part) = if ["slow", "mixed", "uneven"].contains(&service) {
            (
                "lat_count",
                "good = 'lat_bucket{service=\"$s\",le=\"0.5\"}'",
            )
        } else {
            (
                "req_total",
                "bad = 'req_total{service=\"$s\",code=~\"5..\"}'",
            )
        };
        let part = part.replace("$s", service);
        let _ = writeln!(
            config,
            "[[slo]]\nservice = \"{service}\"\nname = \"up\"\nobjective = {objective}\n\
             total = '{total}{{service=\"{service}\"}}'\n{part}"
        );
    }
    std::fs::write(dir.join("watchfire.toml"), config).expect("the configuration");
    server
}

fn codes(slo: &Value) -> Vec<&str> {
    let reasons = slo["reasons"].as_array().expect("reasons");
    let codes = reasons.iter().map(|reason| reason["code"].as_str());
    codes.map(|code| code.expect("a code")).collect()
}

fn assert_near(found: &Value, wanted: f64, what: &str) {
    let found = found.as_f64().unwrap_or_else(|| panic!("{what}: {found}"));
    let is_near = (found - wanted).abs() <= 0.03 * wanted.abs().max(0.1);
    assert!(is_near, "{what}: {found} for {wanted}");
}

const CONFIG: [&str; 2] = ["--config", "watchfire.toml"];

#[test]
fn what_series_counted_before_their_first_scrape_is_a_lower_bound_and_pages() {
    let dir = tempfile::tempdir().expect("a folder");
    let _server = server(dir.path());
    let (exit, answer) = status(dir.path(), &CONFIG);
    assert_eq!(exit, 2, "the lower bound alone pages");
    for service in ["lazy", "bare", "slow"] {
        let one = slo(&answer, &format!("{service}/up"));
        assert_eq!(one["state"], "page", "{service}: {one:#}");
        let bounds = one["lower_bound"].as_array().expect("windows");
        assert_eq!(bounds.first(), Some(&Value::from("5m")), "{service}");
        assert_eq!(bounds.last(), Some(&Value::from("30d")), "{service}");
        assert_near(&one["events"]["1h"]["bad"], 300.0, service);
        assert_near(&one["events"]["1h"]["total"], 18_300.0, service);
        assert!(codes(one).contains(&"lower_bound"), "{service}: {one:#}");
    }
    // What a target had counted when it was first scraped may be old.
    for service in ["fresh", "away"] {
        let one = slo(&answer, &format!("{service}/up"));
        assert_eq!(
            one["lower_bound"].as_array().map(Vec::len),
            Some(0),
            "{one:#}"
        );
        assert_near(&one["events"]["1h"]["bad"], 0.0, service);
        assert_eq!(one["state"], "ok", "{service}: {one:#}");
    }
    let explained = watchfire(
        dir.path(),
        &["--config", "watchfire.toml", "explain", "lazy/up"],
    );
    assert!(
        explained.stdout.contains("lower bound in 5m"),
        "{}",
        explained.stdout
    );
    assert!(
        explained.stdout.contains("# first values of bad"),
        "{}",
        explained.stdout
    );
    let table = watchfire(dir.path(), &["--config", "watchfire.toml", "status"]).stdout;
    let row = table.lines().find(|line| line.contains(" lazy "));
    assert!(row.is_some_and(|row| row.contains("1h ~16.")), "{table}");
}

#[test]
fn copies_count_once_and_what_some_targets_lack_is_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let _server = server(dir.path());
    let (_, answer) = status(dir.path(), &CONFIG);
    let pair = slo(&answer, "pair/up");
    assert_near(&pair["events"]["1h"]["total"], 122.0, "a pair");
    assert_near(&pair["events"]["1h"]["bad"], 2.0, "a pair");
    assert_eq!(pair["rules"][0]["held_back"], 2.0, "{pair:#}");
    assert!(codes(pair).contains(&"replicas"), "{pair:#}");
    let own = slo(&answer, "own/up");
    assert_near(
        &own["events"]["1h"]["total"],
        4_800.0,
        "replicas of their own",
    );
    assert!(codes(own).contains(&"possible_replicas"), "{own:#}");
    // One in a hundred is slow, or fails, on the target that can tell.
    for service in ["mixed", "blind"] {
        let one = slo(&answer, &format!("{service}/up"));
        assert_near(&one["error_ratio"]["1h"], 0.01, service);
        assert_near(&one["events"]["1h"]["total"], 18_000.0, service);
        assert!(codes(one).contains(&"uneven"), "{one:#}");
    }
    let doctor = watchfire(dir.path(), &["--config", "watchfire.toml", "doctor"]);
    assert_eq!(doctor.exit, 1);
    for words in ["`replica` alone", "of 2 targets have no", "no label `code`"] {
        assert!(doctor.stdout.contains(words), "{words}: {}", doctor.stdout);
    }
}

#[test]
fn first_values_count_on_targets_with_the_bucket_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let _server = server(dir.path());
    let (_, answer) = status(dir.path(), &CONFIG);
    let uneven = slo(&answer, "uneven/up");
    assert_eq!(uneven["state"], "page", "{uneven:#}");
    assert_near(&uneven["events"]["1h"]["bad"], 300.0, "uneven");
    assert_near(&uneven["events"]["1h"]["total"], 18_300.0, "uneven");
    for code in ["uneven", "lower_bound"] {
        assert!(codes(uneven).contains(&code), "{uneven:#}");
    }
}

#[test]
fn a_target_that_is_down_is_named_and_no_number_is_exact() {
    let dir = tempfile::tempdir().expect("a folder");
    let _server = server(dir.path());
    let (_, answer) = status(dir.path(), &CONFIG);
    let partly = slo(&answer, "partly/up");
    assert_eq!(codes(partly), ["targets_down"], "{partly:#}");
    let reason = partly["reasons"][0]["text"].as_str().expect("words");
    assert!(
        reason.starts_with("1 of 2 targets cannot be scraped"),
        "{reason}"
    );
    let table = watchfire(dir.path(), &["--config", "watchfire.toml", "status"]).stdout;
    for service in ["partly", "mixed", "blind", "own"] {
        let row = table
            .lines()
            .find(|line| line.contains(&format!(" {service} ")));
        assert!(
            row.is_some_and(|row| row.contains("1h ~")),
            "{service}: {table}"
        );
    }
    // Nothing is said of services whose targets are not known to be down, and what is certain is exact.
    let pair = table.lines().find(|line| line.contains(" pair "));
    assert!(pair.is_some_and(|row| row.contains("1h 16")), "{table}");
    let down = answer["slos"].as_array().expect("rows").iter();
    let down = down.filter(|slo| codes(slo).contains(&"targets_down"));
    assert_eq!(down.count(), 1, "{answer:#}");
    let doctor = watchfire(dir.path(), &["--config", "watchfire.toml", "doctor"]).stdout;
    assert!(
        doctor.contains("1 of 2 targets cannot be scraped"),
        "{doctor}"
    );
}

#[test]
fn a_window_of_one_sample_is_named_with_what_to_do() {
    let dir = tempfile::tempdir().expect("a folder");
    let _server = server(dir.path());
    let (_, answer) = status(dir.path(), &CONFIG);
    let seldom = slo(&answer, "seldom/up");
    assert_eq!(seldom["state"], "no_data", "{seldom:#}");
    assert_eq!(codes(seldom), ["too_few_samples"], "{seldom:#}");
    let notes = seldom["notes"].as_array().expect("notes");
    let says = |words: &str| {
        notes
            .iter()
            .any(|note| note.as_str().is_some_and(|note| note.contains(words)))
    };
    assert!(
        says("a sample every 5m") && says("Scrape at least every 2m"),
        "{notes:?}"
    );
    let doctor = watchfire(dir.path(), &["--config", "watchfire.toml", "doctor"]).stdout;
    assert!(doctor.contains("one sample in 5m"), "{doctor}");
    // Nothing of the kind is said of others, however few samples they have.
    let lazy = slo(&answer, "lazy/up");
    assert!(!codes(lazy).contains(&"too_few_samples"), "{lazy:#}");
}
