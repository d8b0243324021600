//! Suggested SLOs against a real Prometheus: every family of metrics with the traps it has, and the
//! truth that each series was made with.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::history::{create_blocks, start, this_minute};
use crate::program::{screen, status, watchfire};
use crate::server::Server;

/// Minutes of history, and between samples.
const MINUTES: i64 = 3 * 1_440;
const STEP: usize = 2;

/// Series with what each counts a minute.
#[derive(Default)]
struct World(Vec<(String, f64)>);

impl World {
    fn add(mut self, series: &str, per_minute: f64) -> Self {
        self.0.push((series.to_owned(), per_minute));
        self
    }

    /// Writes it into `dir` and starts a Prometheus on it.
    fn start(self, dir: &Path) -> Server {
        self.start_with(dir, "")
    }

    /// The same with rules.
    fn start_with(self, dir: &Path, rules: &str) -> Server {
        let end = this_minute();
        let mut text = String::new();
        let mut series = self.0;
        series.sort_by(|one, other| one.0.cmp(&other.0));
        for (name, per_minute) in series {
            let is_gauge = name.starts_with("probe_") || name.starts_with("up{");
            let step = if is_gauge { 1 } else { STEP };
            for minute in (0..=MINUTES).step_by(step) {
                let at = end - (MINUTES - minute) * 60;
                let minutes = f64::from(i32::try_from(minute).expect("small"));
                let value = if is_gauge {
                    gauge(per_minute, minute)
                } else {
                    (per_minute * minutes).floor()
                };
                let _ = writeln!(text, "{name} {value} {at}");
            }
        }
        text.push_str("# EOF\n");
        create_blocks(dir, "world", &text);
        start(dir, rules)
    }
}

/// 1, but 0 once in so many samples: in the middle of each such stretch, counted back from the
/// end, so that a question some minutes later still finds as many zeros in its last day.
fn gauge(one_in: f64, minute: i64) -> f64 {
    let before_end = f64::from(i32::try_from(MINUTES - minute).expect("small"));
    let is_bad = one_in > 0.0 && (before_end % one_in - one_in / 2.0).abs() < 0.5;
    if is_bad { 0.0 } else { 1.0 }
}

/// The families, each with what it is to be: id, objective in percent, error ratio.
fn families() -> (World, Vec<(&'static str, f64, f64)>) {
    let truth = vec![
        // OpenTelemetry: 5xx and requests without an answer, health checks left out.
        ("otel-cart/availability", 99.9, 0.6 / 1000.0),
        ("otel-cart/latency", 99.5, 3.0 / 1000.0),
        ("otel-pay/availability", 99.5, 3.0 / 1050.0),
        ("old-otel/availability", 99.9, 0.5 / 1000.0),
        ("rpc-new/availability", 99.9, 0.5 / 1000.0),
        ("rpc-old/availability", 99.9, 0.5 / 1000.0),
        // Client libraries: by `service` where it is on all, by `job` where it is not.
        ("shop/availability", 99.9, 0.5 / 1000.0),
        ("search/availability", 99.5, 2.0 / 1000.0),
        ("legacy/availability", 99.0, 5.0 / 1000.0),
        ("legacy/latency", 99.5, 4.0 / 1000.0),
        ("gohttp/availability", 99.9, 0.5 / 1000.0),
        ("shop.Cart/availability", 99.9, 0.5 / 1000.0),
        ("shop.Pay/availability", 99.9, 0.5 / 1000.0),
        ("reviews/availability", 99.9, 0.5 / 1000.0),
        ("ratings.a/availability", 99.9, 0.5 / 1000.0),
        ("ratings.b/availability", 99.5, 2.0 / 1000.0),
        ("lnk-web/availability", 99.9, 0.5 / 1000.0),
        ("lnk-api/availability", 99.9, 0.5 / 1000.0),
        ("front/availability", 99.9, 0.5 / 1000.0),
        ("admin/availability", 99.9, 0.5 / 1000.0),
        ("whoami/availability", 99.9, 0.5 / 1000.0),
        ("blog/availability", 99.9, 0.5 / 1000.0),
        ("blog/latency", 99.5, 4.0 / 1000.0),
        ("envoy-a/availability", 99.9, 0.5 / 1000.0),
        ("envoy-b/availability", 99.9, 0.5 / 1000.0),
        ("ha-web/availability", 99.9, 0.5 / 1000.0),
        ("ha-api/availability", 99.9, 0.5 / 1000.0),
        ("srv0/availability", 99.9, 0.5 / 1000.0),
        ("srv1/availability", 99.9, 0.5 / 1000.0),
        ("spring-a/availability", 99.9, 0.5 / 1000.0),
        ("spring-b/availability", 99.9, 0.5 / 1000.0),
        ("dotnet/availability", 99.9, 0.5 / 1000.0),
        ("django/availability", 99.9, 0.5 / 1000.0),
        ("shop.example/availability", 99.5, 1.0 / 480.0),
        ("apiserver/availability", 99.9, 0.5 / 1000.0),
        ("coredns/availability", 99.9, 0.5 / 1000.0),
        ("rules/availability", 99.9, 0.5 / 1000.0),
        ("ctl-a/availability", 99.9, 0.5 / 1000.0),
        ("ctl-b/availability", 99.9, 0.5 / 1000.0),
        ("mail.send/availability", 99.9, 0.5 / 1000.0),
        ("mail.read/availability", 99.9, 0.5 / 1000.0),
        ("rpc.Cart/availability", 99.9, 0.5 / 1000.0),
        ("rpc.Pay/availability", 99.9, 0.5 / 1000.0),
        ("node/availability", 99.5, 1.0 / 720.0),
    ];
    (world(), truth)
}

/// The series of the families.
fn world() -> World {
    let lines = include_str!("suggest/families.txt").lines();
    let series = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    series.fold(World::default(), |world, line| {
        let (per_minute, series) = line.split_once(' ').expect("a rate and a series");
        world.add(series, per_minute.parse().expect("a rate"))
    })
}

fn number(of: &Value) -> f64 {
    of.as_f64().unwrap_or(f64::NAN)
}

#[test]
fn every_family_is_suggested_as_it_is_meant_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a folder");
    let (world, truth) = families();
    let server = world.start(dir.path());
    let (_, answer) = status(dir.path(), &["--prometheus", &server.url]);
    let slos = answer["slos"].as_array().expect("SLOs");
    let mut found = BTreeMap::new();
    for slo in slos {
        assert_eq!(slo["origin"], "suggested", "{slo:#}");
        assert!(
            slo["suggested_because"]
                .as_str()
                .is_some_and(|why| why.len() > 20)
        );
        found.insert(slo["id"].as_str().expect("an id").to_owned(), slo);
    }
    let wanted: BTreeSet<_> = truth.iter().map(|(id, ..)| (*id).to_owned()).collect();
    let ids: BTreeSet<_> = found.keys().cloned().collect();
    assert_eq!(ids, wanted, "{:#}", answer["sources"]);
    let mut wrong = Vec::new();
    for (id, percent, ratio) in truth {
        let slo = found[id];
        let (objective, day) = (number(&slo["objective"]), number(&slo["error_ratio"]["1d"]));
        let is_right =
            (objective - percent / 100.0).abs() < 1e-9 && (day / ratio - 1.0).abs() < 0.03;
        if !is_right {
            wrong.push(format!(
                "{id}: {objective} {day}, not {percent} % {ratio}: {}",
                slo["notes"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    let run = watchfire(dir.path(), &["--prometheus", &server.url, "doctor"]);
    assert!(run.stdout.contains("44 SLOs suggested"), "{}", run.stdout);
    for reason in [
        "how much lag is too much",
        "no label says which events are bad",
    ] {
        assert!(run.stdout.contains(reason), "{reason}: {}", run.stdout);
    }
}

/// What a server without any metric that is recognised is told.
#[test]
fn where_nothing_is_recognised_the_next_step_is_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = World::default()
        .add("cats_total{job=\"a\"}", 1.0)
        .start(dir.path());
    let table = watchfire(dir.path(), &["--prometheus", &server.url, "status"]);
    assert_eq!(table.exit, 3, "{}", table.stdout);
    assert!(
        table.stdout.contains("no SLOs yet: none of"),
        "{}",
        table.stdout
    );
    let doctor = watchfire(dir.path(), &["--prometheus", &server.url, "doctor"]);
    assert_eq!(doctor.exit, 1, "{}", doctor.stdout);
    assert!(
        doctor.stdout.contains("watchfire init"),
        "{}",
        doctor.stdout
    );
}

/// Standings: thin, never failed, and too bad for any objective; and what comes of young services.
#[test]
fn what_is_thin_never_failed_or_too_bad_is_told_apart() {
    let dir = tempfile::tempdir().expect("a folder");
    let series = |service: &str, code: &str| {
        format!("http_requests_total{{job=\"apps\",service=\"{service}\",code=\"{code}\"}}")
    };
    let world = World::default()
        .add(&series("good", "200"), 10.0)
        .add(&series("fine", "200"), 999.5)
        .add(&series("fine", "500"), 0.5)
        .add(&series("thin", "200"), 0.5)
        .add(&series("bad", "200"), 95.0)
        .add(&series("bad", "500"), 5.0);
    let server = world.start(dir.path());
    let (_, answer) = status(dir.path(), &["--prometheus", &server.url]);
    let slos = answer["slos"].as_array().expect("SLOs");
    let because = |id: &str| {
        let slo = slos.iter().find(|slo| slo["id"] == id);
        slo.map(|slo| {
            slo["suggested_because"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
    };
    assert!(because("good/availability").is_some_and(|why| why.contains("never failed")));
    assert!(because("fine/availability").is_some_and(|why| why.contains("99.9%")));
    assert_eq!(
        (because("thin/availability"), because("bad/availability")),
        (None, None)
    );
    assert_eq!(answer["verdict"], "ok", "{answer:#}");
    let doctor = watchfire(dir.path(), &["--prometheus", &server.url, "doctor"]).stdout;
    assert!(
        doctor.contains("fewer than 1,000 events in the last day: thin/availability"),
        "{doctor}"
    );
    assert!(
        doctor.contains("not even 99%: bad/availability"),
        "{doctor}"
    );
    let off = "[[source]]\nname = \"p\"\nkind = \"prometheus\"\nsuggest = false\nurl = ";
    std::fs::write(
        dir.path().join("off.toml"),
        format!("{off}\"{}\"\n", server.url),
    )
    .expect("a file");
    let (exit, answer) = status(dir.path(), &["--config", "off.toml"]);
    assert_eq!(
        (exit, answer["slos"].as_array().map(Vec::len)),
        (3, Some(0))
    );
}

/// What `source test` tells of each suggestion, as the `[[slo]]` that it is.
fn written(suggestions: &Value) -> String {
    let mut text = String::new();
    for one in suggestions["slos"].as_array().expect("suggestions") {
        let _ = writeln!(
            text,
            "[[slo]]\nservice = {}\nname = {}",
            one["service"], one["name"]
        );
        let _ = writeln!(
            text,
            "objective = {}\nperiod = {}",
            number(&one["objective"]) * 100.0,
            one["period"]
        );
        for key in ["total", "bad", "good", "gauge", "absent"] {
            if !one[key].is_null() {
                let _ = writeln!(text, "{key} = {}", one[key]);
            }
        }
    }
    text
}

/// Suggestions are the tables of a configuration: read back, exported, and accepted by promtool.
#[test]
fn suggestions_are_kept_as_configuration_and_exported_as_rules() {
    let dir = tempfile::tempdir().expect("a folder");
    let (world, truth) = families();
    let server = world.start(dir.path());
    let source = format!(
        "[[source]]\nname = \"p\"\nkind = \"prometheus\"\nurl = \"{}\"\n",
        server.url
    );
    std::fs::write(dir.path().join("plain.toml"), &source).expect("a file");
    let test = watchfire(
        dir.path(),
        &[
            "--config",
            "plain.toml",
            "source",
            "test",
            "p",
            "--format",
            "json",
        ],
    );
    let test: Value = serde_json::from_str(&test.stdout).expect("JSON");
    let requests = test["requests"].as_array().expect("requests").len();
    let kept = format!("{source}{}", written(&test["suggestions"]));
    std::fs::write(dir.path().join("kept.toml"), &kept).expect("a file");

    // What is asked for suggestions is bounded, whatever the server has.
    let test = watchfire(
        dir.path(),
        &[
            "--config",
            "kept.toml",
            "source",
            "test",
            "p",
            "--format",
            "json",
        ],
    );
    let test: Value = serde_json::from_str(&test.stdout).expect("JSON");
    let without = test["requests"].as_array().expect("requests").len();
    assert!(
        requests <= without + 12,
        "{requests} with, {without} without suggestions"
    );

    let (_, answer) = status(dir.path(), &["--config", "kept.toml"]);
    let slos = answer["slos"].as_array().expect("SLOs");
    for (id, percent, ratio) in truth {
        let slo = slos
            .iter()
            .find(|slo| slo["id"] == id)
            .unwrap_or_else(|| panic!("{id}"));
        assert_eq!(slo["origin"], "config");
        assert!(
            (number(&slo["objective"]) - percent / 100.0).abs() < 1e-9,
            "{slo:#}"
        );
        assert!(
            (number(&slo["error_ratio"]["1d"]) / ratio - 1.0).abs() < 0.03,
            "{slo:#}"
        );
    }
    let rules = watchfire(dir.path(), &["--config", "kept.toml", "rules"]);
    assert_eq!(rules.exit, 0, "{}", rules.stderr);
    std::fs::write(dir.path().join("rules.yml"), rules.stdout).expect("the rules");
    let checked = std::process::Command::new(crate::server::program("promtool"))
        .args(["check", "rules", "rules.yml"])
        .current_dir(dir.path())
        .output()
        .expect("promtool");
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
}

/// Labels that would write configuration or steer a terminal: nothing comes of them.
#[test]
fn hostile_labels_suggest_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let series = |service: &str| {
        format!("http_requests_total{{job=\"apps\",service=\"{service}\",code=\"200\"}}")
    };
    let world = [
        "good",
        "evil\\n[[source]]",
        "a\\\" bad=\\\"",
        "x\u{1b}[2J",
        "y\u{202e}z",
    ];
    let world = world.iter().fold(World::default(), |world, service| {
        world.add(&series(service), 10.0)
    });
    let server = world.start(dir.path());
    let (_, answer) = status(dir.path(), &["--prometheus", &server.url]);
    let ids: Vec<_> = answer["slos"]
        .as_array()
        .expect("SLOs")
        .iter()
        .map(|slo| slo["id"].clone())
        .collect();
    assert_eq!(ids, ["good/availability"]);
    let doctor = watchfire(dir.path(), &["--prometheus", &server.url, "doctor"]).stdout;
    assert!(doctor.contains("may not name a service"), "{doctor}");
    assert!(
        !doctor.contains('\u{1b}') && !doctor.contains('\u{202e}'),
        "{doctor}"
    );
}

/// The demo without rules: a Prometheus as nearly everybody has it.
#[test]
fn the_demo_without_rules_suggests_slos() {
    let dir = tempfile::tempdir().expect("a folder");
    let screen = screen(dir.path(), &["demo", "--no-rules"]);
    screen.wait("suggested SLOs", |shown| {
        let text = shown.contents();
        ["checkout", "suggested", "never failed"]
            .iter()
            .all(|word| text.contains(word))
    });
}

/// The screen of a server without SLOs says so, and what to do next.
#[test]
fn a_screen_without_slos_says_what_to_do_next() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = World::default()
        .add("cats_total{job=\"a\"}", 1.0)
        .start(dir.path());
    let screen = screen(dir.path(), &["--prometheus", &server.url]);
    screen.wait("the next step", |shown| {
        let text = shown.contents();
        text.contains("no SLOs yet") && text.contains("watchfire init") && !text.contains("0 PAGE")
    });
}

/// Two ways to count wrongly that `doctor` finds by asking, and one that the text shows.
#[test]
fn doctor_finds_events_that_do_not_fit() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = ["200", "301", "500"]
        .iter()
        .fold(World::default(), |world, code| {
            world.add(
                &format!("http_requests_total{{job=\"a\",code=\"{code}\"}}"),
                10.0,
            )
        });
    let world = ["source", "destination"]
        .iter()
        .fold(world, |world, reporter| {
            world.add(
                &format!("istio_requests_total{{reporter=\"{reporter}\",response_code=\"200\"}}"),
                10.0,
            )
        });
    let server = world.start(dir.path());
    let slos = [
        (
            "narrow",
            "total = 'http_requests_total'\ngood = 'http_requests_total{code=~\"2..\"}'",
        ),
        (
            "twice",
            "total = 'istio_requests_total'\nbad = 'istio_requests_total{response_code=~\"5..\"}'",
        ),
        (
            "swapped",
            "total = 'http_requests_total{code=~\"5..\"}'\nbad = 'http_requests_total'",
        ),
        (
            "other",
            "total = 'http_requests_total{job=\"a\"}'\nbad = 'http_requests_total{code=~\"5..\"}'",
        ),
    ];
    let mut text = format!(
        "[[source]]\nname = \"p\"\nkind = \"prometheus\"\nurl = \"{}\"\n",
        server.url
    );
    for (name, counts) in slos {
        let _ = writeln!(
            text,
            "[[slo]]\nservice = \"s\"\nname = \"{name}\"\nobjective = 99\n{counts}"
        );
    }
    std::fs::write(dir.path().join("c.toml"), text).expect("a file");
    let run = watchfire(dir.path(), &["--config", "c.toml", "doctor"]);
    assert_eq!(run.exit, 1, "{}", run.stdout);
    for says in [
        "good is narrower than the total: 1 series",
        "counts each event twice, once for each `reporter`",
        "total and bad are swapped",
        "labels of bad and total differ",
    ] {
        assert!(run.stdout.contains(says), "{says}: {}", run.stdout);
    }
}

/// Alerts over a bucket that the server spells otherwise can never fire.
#[test]
fn doctor_finds_rules_that_spell_a_bucket_otherwise() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = World::default()
        .add("h_bucket{job=\"a\",le=\"1.0\"}", 9.0)
        .add("h_bucket{job=\"a\",le=\"+Inf\"}", 10.0)
        .add("h_count{job=\"a\"}", 10.0);
    let rule = |name: &str, le: &str| {
        format!("  - {{alert: {name}, expr: 'sum(rate(h_bucket{{le=\"{le}\"}}[5m])) < 1'}}\n")
    };
    let rules = format!(
        "groups:\n- name: g\n  rules:\n{}{}",
        rule("Dead", "1"),
        rule("Alive", "1.0")
    );
    let server = world.start_with(dir.path(), &rules);
    let run = watchfire(dir.path(), &["--prometheus", &server.url, "doctor"]);
    let says = "1 rule asks for le=\"1\", and the server has le=\"1.0\": Dead";
    assert!(run.stdout.contains(says), "{}", run.stdout);
    assert!(!run.stdout.contains("Alive"), "{}", run.stdout);
}
