//! What is missing is unknown or assumed, and never a healthy 0: `status`, `explain`, `doctor` and
//! exported rules, against a real Prometheus.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::history::{create_blocks, start, this_minute};
use crate::program::{slo, status, watchfire};
use crate::server::{Server, encoded, wait_until};

/// Minutes of history.
const MINUTES: i64 = 400;

const CONFIG: [&str; 2] = ["--config", "watchfire.toml"];

/// Series by what they count in a minute: three of ten requests fail.
const SERIES: [(&str, i64); 6] = [
    ("req_total{code=\"200\"}", 70),
    ("req_total{code=\"500\"}", 30),
    ("lat_count", 100),
    ("lat_bucket{le=\"0.5\"}", 90),
    ("few_total", 3),
    ("many_total", 600),
];

/// SLOs by name: what they count, their state, the code of the first reason and its subject.
const SLOS: [(&str, &str, &str, &str, &str); 15] = [
    (
        "sum",
        "total = 'sum(increase(req_total[$window]))'\nbad = 'sum(increase(req_total{code=~\"5..\"}[$window])) + sum(increase(timeouts_total[$window]))'",
        "unknown",
        "missing_operand",
        "timeouts_total",
    ),
    (
        "good-sum",
        "total = 'sum(increase(req_total[$window]))'\ngood = 'sum(increase(req_total{code=\"200\"}[$window])) + sum(increase(cached_total[$window]))'",
        "unknown",
        "missing_operand",
        "cached_total",
    ),
    (
        "difference",
        "total = 'sum(increase(lat_count[$window]))'\nbad = 'sum(increase(lat_count[$window])) - sum(increase(lat_bucket{le=\"0.3\"}[$window]))'",
        "unknown",
        "missing_operand",
        "le=\"0.3\"",
    ),
    (
        "quotient",
        "error_ratio = 'sum(rate(timeouts_total[$window])) / sum(rate(req_total[$window]))'",
        "unknown",
        "missing_operand",
        "timeouts_total",
    ),
    (
        "label",
        "total = 'req_total'\nbad = 'req_total{status=~\"5..\"}'",
        "unknown",
        "missing_label",
        "status",
    ),
    (
        "good-label",
        "total = 'req_total'\ngood = 'req_total{status=~\"2..\"}'",
        "unknown",
        "missing_label",
        "status",
    ),
    (
        "slices",
        "total = 'req_total'\nbad = 'req_total{status=~\"5..\"}'\nslice = \"1m\"",
        "unknown",
        "missing_label",
        "status",
    ),
    (
        "mix",
        "parts = [{ slo = \"x/value\" }, { slo = \"x/label\" }]",
        "unknown",
        "missing_label",
        "status",
    ),
    (
        "bucket",
        "total = 'lat_count'\ngood = 'lat_bucket{le=\"0.3\"}'",
        "unknown",
        "missing_value",
        "0.3",
    ),
    (
        "swapped",
        "total = 'few_total'\nbad = 'many_total'",
        "unknown",
        "not_a_ratio",
        "",
    ),
    (
        "percent",
        "error_ratio = '100 * sum(rate(few_total[$window])) / sum(rate(few_total[$window]))'",
        "unknown",
        "not_a_ratio",
        "",
    ),
    (
        "nowhere",
        "total = 'req_total'\nbad = 'req_failures_total'",
        "ok",
        "assumed_zero",
        "req_failures_total",
    ),
    (
        "said",
        "total = 'req_total'\nbad = 'req_failures_total'\nabsent = \"zero\"",
        "ok",
        "",
        "",
    ),
    (
        "said-label",
        "total = 'req_total'\nbad = 'req_total{status=~\"5..\"}'\nabsent = \"zero\"",
        "ok",
        "",
        "",
    ),
    (
        "value",
        "total = 'req_total'\nbad = 'req_total{code=\"599\",zone!=\"b\"}'",
        "ok",
        "",
        "",
    ),
];

fn configure(dir: &Path, url: &str) {
    let mut config = format!(
        "[[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"{url}\"\nalerts = false\n"
    );
    for (name, counted, ..) in SLOS {
        let _ = writeln!(
            config,
            "[[slo]]\nservice = \"x\"\nname = \"{name}\"\nobjective = 99.0\n{counted}"
        );
    }
    std::fs::write(dir.join("watchfire.toml"), config).expect("the configuration");
}

fn server(dir: &Path, rules: &str) -> Server {
    let end = this_minute();
    let mut text = String::new();
    for (name, each) in SERIES {
        for ago in (0..MINUTES).rev() {
            let value = (MINUTES - ago) * each;
            let _ = writeln!(text, "{name} {value} {}", end - ago * 60);
        }
    }
    text.push_str("# EOF\n");
    create_blocks(dir, "missing", &text);
    let server = start(dir, rules);
    configure(dir, &server.url);
    server
}

/// Holds the answer of `status` against [`SLOS`].
fn assert_told(answer: &Value) {
    for (name, _, state, code, subject) in SLOS {
        let one = slo(answer, &format!("x/{name}"));
        assert_eq!(one["state"], state, "{name}: {one:#}");
        let reason = &one["reasons"][0];
        let (found, text) = (reason["code"].as_str(), reason["text"].as_str());
        assert_eq!(found.unwrap_or_default(), code, "{name}: {one:#}");
        assert!(
            text.unwrap_or_default().contains(subject),
            "{name}: {one:#}"
        );
        assert_eq!(one["assumed"], code == "assumed_zero", "{name}: {one:#}");
        if state == "unknown" {
            for window in ["5m", "1h", "30d"] {
                assert!(one["error_ratio"][window].is_null(), "{name}: {one:#}");
            }
        } else {
            assert_eq!(one["error_ratio"]["1h"], 0.0, "{name}: {one:#}");
        }
    }
}

#[test]
fn what_is_missing_is_unknown_and_named_and_what_exists_nowhere_is_assumed() {
    let dir = tempfile::tempdir().expect("a folder");
    let _server = server(dir.path(), "");
    let (exit, answer) = status(dir.path(), &CONFIG);
    assert_eq!((exit, &answer["verdict"]), (3, &Value::from("unknown")));
    assert_told(&answer);
    let swapped = slo(&answer, "x/swapped")["reasons"]
        .as_array()
        .expect("reasons");
    assert_eq!(swapped.len(), 1, "once, and not per window: {swapped:#?}");
    let text = swapped[0]["text"].as_str().expect("words");
    assert!(text.starts_with("bad ("), "{text}");
    assert!(text.contains("is more than all ("), "{text}");

    let run = |args: &[&str]| watchfire(dir.path(), &[&CONFIG[..], args].concat()).stdout;
    let table = run(&["status"]);
    let row = |name: &str| {
        let row = table
            .lines()
            .find(|line| line.contains(&format!(" {name} ")));
        row.unwrap_or_else(|| panic!("{name}: {table}")).to_owned()
    };
    assert!(row("label").contains("status"), "{table}");
    assert!(row("nowhere").contains("~0.0x"), "{table}");
    assert!(row("nowhere").contains("~100.0%"), "{table}");
    assert!(row("nowhere").contains("req_failures_total"), "{table}");
    assert!(row("said").contains("1h 0.0x"), "{table}");
    let explained = run(&["explain", "x/sum"]);
    let head = explained.split("WINDOW").next().unwrap_or_default();
    assert!(head.contains("timeouts_total"), "{explained}");
    let explained = run(&["explain", "x/nowhere"]);
    assert!(explained.contains("are assumed"), "{explained}");
}

#[test]
fn rules_record_nothing_where_an_operand_is_missing_and_records_of_0_are_looked_behind() {
    let dir = tempfile::tempdir().expect("a folder");
    configure(dir.path(), "http://127.0.0.1:1");
    let rules = watchfire(dir.path(), &[&CONFIG[..], &["rules"]].concat());
    assert_eq!(rules.exit, 0, "{}", rules.stderr);
    let server = server(dir.path(), &rules.stdout);
    let query = |query: &str| format!("/api/v1/query?query={}", encoded(query));
    let count = |answer: &Value| answer["data"]["result"].as_array().map_or(0, Vec::len);
    let of = |record: &str, name: &str| query(&format!("{record}{{sloth_slo=\"{name}\"}}"));
    for name in ["sum", "difference", "value", "label"] {
        let total = of("slo:sli_total:increase1h", name);
        wait_until(&server.url, &total, |answer| count(answer) == 1);
    }
    for name in ["value", "label"] {
        let ratio = of("slo:sli_error:ratio_rate1h", name);
        wait_until(&server.url, &ratio, |answer| count(answer) == 1);
    }
    for (record, name) in [
        ("slo:sli_bad:increase1h", "sum"),
        ("slo:sli_error:ratio_rate1h", "sum"),
        ("slo:sli_bad:increase1h", "difference"),
        ("slo:sli_bad:increase1h", "good-sum"),
        ("slo:sli_error:ratio_rate1h", "swapped"),
        ("slo:sli_error:ratio_rate1h", "percent"),
        ("slo:sli_error:ratio_rate1h", "quotient"),
    ] {
        let path = of(record, name);
        wait_until(&server.url, &path, |answer| {
            assert_eq!(count(answer), 0, "{record} of {name}: {answer:#}");
            true
        });
    }
    // A record of 0 says no more than its rule does.
    let (exit, answer) = status(dir.path(), &CONFIG);
    assert_eq!(exit, 3);
    assert_told(&answer);
    // The same where only the rules tell of the SLOs.
    let run = watchfire(
        dir.path(),
        &["--prometheus", &server.url, "status", "--format", "json"],
    );
    let answer: Value = serde_json::from_str(&run.stdout).expect("JSON");
    for (name, state) in [
        ("label", "unknown"),
        ("nowhere", "ok"),
        ("value", "ok"),
        ("sum", "unknown"),
    ] {
        let one = slo(&answer, &format!("x/{name}"));
        assert_eq!(one["state"], state, "{name}: {one:#}");
    }
    assert_eq!(slo(&answer, "x/nowhere")["assumed"], true);
}
