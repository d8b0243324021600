//! What imported SLOs measure, against a real Prometheus whose past is known.

use std::fmt::Write as _;
use std::path::Path;

use crate::history::{create_blocks, start, this_minute};
use crate::program::{slo, status};

/// How far the past reaches, in minutes.
const MINUTES: i64 = 2 * 24 * 60;

/// Whether the minute that began so many minutes before the end was a bad one.
fn is_bad(ago: i64) -> bool {
    ago % if ago < 60 { 2 } else { 5 } == 0
}

/// The share of bad minutes among the last ones.
#[expect(clippy::cast_precision_loss, reason = "some thousand minutes")]
fn truth(minutes: i64) -> f64 {
    let bad = (0..minutes).filter(|ago| is_bad(*ago)).count();
    bad as f64 / minutes as f64
}

/// A name, and its value by whether the minute is bad; a counter grows by it.
const SERIES: [(&str, bool, f64, f64); 7] = [
    ("all_total", true, 100.0, 100.0),
    ("failed_total", true, 50.0, 0.0),
    ("lag", false, 20.0, 1.0),
    ("job:errors:ratio", false, 0.3, 0.0),
    ("probe", false, 0.0, 1.0),
    ("queue_failed", false, 10.0, 0.0),
    ("queue_length", false, 100.0, 100.0),
];

fn backfill(dir: &Path, end: i64) {
    let mut text = String::new();
    for (name, grows, bad, good) in SERIES {
        let mut sum = 0.0;
        for ago in (0..MINUTES).rev() {
            let value = if is_bad(ago) { bad } else { good };
            sum += value;
            let value = if grows { sum } else { value };
            let _ = writeln!(text, "{name} {value} {}", end - ago * 60);
        }
    }
    text.push_str("# EOF\n");
    create_blocks(dir, "all", &text);
}

fn openslo(name: &str, metric: &str, method: &str, objective: &str) -> String {
    format!(
        "---\napiVersion: openslo/v1\nkind: SLO\nmetadata: {{ name: {name} }}\nspec:\n  service: shop\n  \
         indicator: {{ metadata: {{ name: i }}, spec: {{ {metric} }} }}\n  \
         timeWindow: [{{ duration: 7d, isRolling: true }}]\n  budgetingMethod: {method}\n  \
         objectives: [{{ target: 0.5, {objective} }}]\n"
    )
}

fn query(key: &str, query: &str) -> String {
    format!("{key}: {}", metric(query))
}

fn metric(query: &str) -> String {
    format!("{{ metricSource: {{ type: Prometheus, spec: {{ query: '{query}' }} }} }}")
}

fn ratio(rest: &str, bad: &str, total: &str) -> String {
    let (bad, total) = (query("bad", bad), query("total", total));
    format!("ratioMetric: {{ {rest} {bad}, {total} }}")
}

/// What an SLO says of the last minutes.
type Truth = fn(i64) -> f64;

/// One SLO for each way to say it.
fn documents() -> (String, Vec<(&'static str, Truth)>) {
    let counters = ratio("counter: true,", "failed_total", "sum(all_total)");
    let gauges = ratio("counter: false,", "queue_failed", "queue_length");
    let rates = ratio(
        "",
        "sum(rate(failed_total[2m]))",
        "sum(rate(all_total[2m]))",
    );
    let raw = query("raw", "job:errors:ratio");
    let stored = format!("ratioMetric: {{ rawType: failure, {raw} }}");
    let lag = format!("thresholdMetric: {}", metric("lag"));
    let half: Truth = |minutes| truth(minutes) * 0.5;
    let all: [(_, &str, _, _, Truth); 7] = [
        ("counters", &counters, "Occurrences", "", half),
        ("gauges", &gauges, "Occurrences", "", |minutes| {
            truth(minutes) * 0.1
        }),
        ("rates", &rates, "Occurrences", "", half),
        ("stored", &stored, "Occurrences", "", |minutes| {
            truth(minutes) * 0.3
        }),
        (
            "threshold",
            &lag,
            "Occurrences",
            "op: lte, value: 10",
            truth,
        ),
        (
            "mean",
            &counters,
            "RatioTimeslices",
            "timeSliceWindow: 5m",
            half,
        ),
        (
            "slices",
            &counters,
            "Timeslices",
            "timeSliceWindow: 5m, timeSliceTarget: 0.85",
            // Of five minutes one is bad, which a slice can bear; of the last hour's two or three.
            |minutes| 60.0 / f64::from(i32::try_from(minutes).expect("a few")),
        ),
    ];
    let mut text = String::new();
    let mut truths = Vec::new();
    for (name, metric, method, objective, truth) in all {
        text += &openslo(name, metric, method, objective);
        truths.push((name, truth));
    }
    text += "---\nversion: prometheus/v1\nservice: shop\nslos:\n- name: sloth\n  objective: 50\n  \
             sli: { events: { error_query: 'sum(rate(failed_total[{{.window}}]))', \
             total_query: 'sum(rate(all_total[{{.window}}]))' } }\n";
    text += "---\napiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\n\
             metadata: { name: pyrra, labels: { service: shop } }\n\
             spec: { target: '95', window: 28d, indicator: { bool_gauge: { metric: probe } } }\n";
    truths.extend([("sloth", half), ("pyrra", truth as Truth)]);
    (text, truths)
}

#[test]
fn imported_slos_measure_what_their_documents_mean() {
    let dir = tempfile::tempdir().expect("a folder");
    let end = this_minute() - 600;
    backfill(dir.path(), end);
    let server = start(dir.path(), "");
    let (documents, truths) = documents();
    std::fs::write(dir.path().join("slos.yaml"), documents).expect("the documents");
    let configuration = format!(
        "[[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"{}\"\n[[slo_files]]\npath = \"slos.yaml\"\n",
        server.url
    );
    std::fs::write(dir.path().join("watchfire.toml"), configuration).expect("the configuration");
    let (_, status) = status(
        dir.path(),
        &["--config", "watchfire.toml", "--at", &end.to_string()],
    );
    for (name, truth) in truths {
        let slo = slo(&status, &format!("shop/{name}"));
        for (window, minutes) in [("1h", 60), ("6h", 360), ("1d", 1_440)] {
            let found = slo["error_ratio"][window].as_f64();
            let wanted = truth(minutes);
            // A sample or a slice more or less.
            let is_close = found.is_some_and(|found| (found - wanted).abs() < 0.1 * wanted);
            assert!(
                is_close,
                "{name} over {window}: {found:?} for {wanted}; {slo:#}"
            );
        }
    }
}
