//! What programs read of `status` and of the lists, over a real Prometheus.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::program::watchfire;
use crate::series;

const CONFIG: [&str; 2] = ["--config", "watchfire.toml"];

fn printed(dir: &Path, args: &[&str]) -> String {
    watchfire(dir, &[args, &CONFIG].concat()).stdout
}

fn read(dir: &Path, args: &[&str]) -> Value {
    let text = printed(dir, args);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn ids(answer: &Value) -> Vec<&str> {
    let rows = answer["slos"].as_array().expect("rows").iter();
    rows.map(|row| row["id"].as_str().expect("an id")).collect()
}

#[test]
fn a_plugin_line_begins_with_the_verdict_and_the_worst_slo() {
    let dir = tempfile::tempdir().expect("a folder");
    let _server = series::server(dir.path());
    let run = watchfire(
        dir.path(),
        &["status", "-o", "Nagios", "--config", "watchfire.toml"],
    );
    assert_eq!(run.exit, 2);
    let line = run.stdout.strip_suffix('\n').expect("a line");
    assert!(!line.contains('\n'), "{line}");
    let (text, data) = line.split_once(" | ").expect("performance data");
    assert!(text.starts_with("PAGE - "), "{text}");
    assert!(
        text.contains("/up ") && text.contains("x, ") && text.contains(" page "),
        "{text}"
    );
    // The label, in quotes where it has blanks, and a number with its unit.
    let mut rest = data;
    let mut count = 0;
    while !rest.is_empty() {
        let (label, after) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once("'=").expect("the end of a label"),
            None => rest.split_once('=').expect("the end of a label"),
        };
        assert!(!label.contains(['\'', '=']), "{label}");
        let (value, next) = after.split_once(' ').unwrap_or((after, ""));
        let number = value
            .split(';')
            .next()
            .expect("a value")
            .trim_end_matches('%');
        assert!(number.parse::<f64>().is_ok(), "{label}: {value}");
        (rest, count) = (next, count + 1);
    }
    assert!(count > 20, "{data}");
}

#[test]
fn metrics_are_what_promtool_takes() {
    let dir = tempfile::tempdir().expect("a folder");
    let _server = series::server(dir.path());
    let metrics = printed(dir.path(), &["status", "--format", "prometheus"]);
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool");
    let mut stdin = promtool.stdin.take().expect("its stdin");
    stdin.write_all(metrics.as_bytes()).expect("the metrics");
    drop(stdin);
    let done = promtool.wait_with_output().expect("its answer");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let burn = metrics.lines().find(|line| {
        line.starts_with("watchfire_slo_burn_rate{service=\"lazy\"") && line.contains("\"1h\"")
    });
    assert!(burn.is_some_and(|line| line.contains("} 16.")), "{metrics}");
}

#[test]
fn a_scope_is_made_of_services_slos_and_sources() {
    let dir = tempfile::tempdir().expect("a folder");
    let _server = series::server(dir.path());
    let dir = dir.path();
    let two = read(
        dir,
        &[
            "status",
            "--service",
            "pair",
            "--service",
            "own",
            "-o",
            "json",
        ],
    );
    assert_eq!(ids(&two), ["pair/up", "own/up"]);
    let one = read(dir, &["status", "lazy", "-o", "json"]);
    assert_eq!(ids(&one), ["lazy/up"]);
    assert_eq!(one["verdict"], "page");
    let all = read(dir, &["status", "--source", "prod", "-o", "json"]);
    assert!(ids(&all).len() > 10, "{all:#}");
    for (args, words) in [
        (
            &["status", "--source", "nope"][..],
            "no source is named `nope`",
        ),
        (&["status", "nothing"], "no SLO is named `nothing`"),
        (
            &["status", "--service", "nobody"],
            "no source knows a service `nobody`",
        ),
        (
            &["status", "--service", "own", "--service", "nobody"],
            "no source knows a service `nobody`",
        ),
    ] {
        let run = watchfire(dir, &[args, &CONFIG].concat());
        assert_eq!(run.exit, 3, "{args:?}");
        assert!(run.stderr.contains(words), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn lists_hold_the_rows_of_the_status() {
    let dir = tempfile::tempdir().expect("a folder");
    let _server = series::server(dir.path());
    let dir = dir.path();
    let status = read(dir, &["status", "-o", "json"]);
    let list = read(dir, &["slos", "-o", "json"]);
    assert_eq!(list["schema"], "watchfire/slos/v1");
    // States, and so the order, may change between two polls.
    let sorted = |answer| ids(answer).into_iter().collect::<BTreeSet<_>>();
    assert_eq!(sorted(&list), sorted(&status));
    let tsv = printed(dir, &["slos", "-o", "tsv"]);
    let columns: Vec<_> = tsv.lines().map(|line| line.split('\t').count()).collect();
    assert_eq!(columns.len(), ids(&status).len() + 1);
    assert!(columns.iter().all(|count| *count == columns[0]), "{tsv}");
    assert!(tsv.starts_with("id\tstate\t"), "{tsv}");
    assert_eq!(printed(dir, &["releases"]), "no releases\n\n");
    assert_eq!(
        watchfire(dir, &[&["incidents"][..], &CONFIG].concat()).exit,
        2
    );
    // jq reads no fractions of a second.
    for args in [
        &["status", "-o", "json"][..],
        &["explain", "lazy/up", "-o", "json"],
        &["doctor", "-o", "json"],
    ] {
        let answer = read(dir, args);
        let moments = moments(&answer);
        assert!(!moments.is_empty(), "{args:?}");
        assert!(
            moments.iter().all(|at| !at.contains('.')),
            "{args:?}: {moments:?}"
        );
    }
}

/// Every text that is a moment.
fn moments(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => {
            let is_moment = text.ends_with('Z') && text.get(10..11) == Some("T");
            is_moment.then_some(text.as_str()).into_iter().collect()
        }
        Value::Array(all) => all.iter().flat_map(moments).collect(),
        Value::Object(all) => all.values().flat_map(moments).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn watching_prints_a_line_a_poll_until_its_reader_is_gone() {
    use std::io::{BufRead, BufReader};
    let dir = tempfile::tempdir().expect("a folder");
    let _server = series::server(dir.path());
    let mut child = Command::new(env!("CARGO_BIN_EXE_watchfire"))
        .args([
            "status",
            "--watch",
            "-o",
            "json",
            "--config",
            "watchfire.toml",
        ])
        .current_dir(dir.path())
        .env("HOME", dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut lines = BufReader::new(child.stdout.take().expect("its stdout")).lines();
    for _ in 0..2 {
        let line = lines.next().expect("a line").expect("UTF-8");
        let answer: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(answer["verdict"], "page");
    }
    drop(lines);
    let status = child.wait().expect("its end");
    assert_eq!(status.code(), Some(2));
}
