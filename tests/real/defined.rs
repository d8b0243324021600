//! SLOs of other tools whose rules group, contradict themselves, are new, or record nothing.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::history::{create_blocks, start, this_minute};
use crate::program::{slo, status, watchfire};
use crate::prometheus::assert_close;
use crate::server::Server;

const WINDOWS: [&str; 7] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];

/// A counter: its series, and by how much it grows in a minute that is so many minutes ago.
type Counter = (&'static str, fn(i64) -> u64);

/// Starts a Prometheus on counters with a sample each `step` minutes, `minutes` long.
fn prometheus(
    dir: &Path,
    counters: &[Counter],
    (minutes, step): (i64, i64),
    rules: &str,
) -> Server {
    let end = this_minute();
    let mut text = String::new();
    let mut last = "";
    for (series, growth) in counters {
        let (name, _) = series.split_once('{').expect("labels");
        if name != last {
            let family = name.strip_suffix("_total");
            let kind = if family.is_some() {
                "counter"
            } else {
                "unknown"
            };
            let _ = writeln!(text, "# TYPE {} {kind}", family.unwrap_or(name));
            last = name;
        }
        let mut value = 0;
        for ago in (0..=minutes).rev() {
            value += growth(ago);
            if ago % step == 0 {
                let _ = writeln!(text, "{series} {value} {}", end - ago * 60);
            }
        }
    }
    text.push_str("# EOF\n");
    create_blocks(dir, "counters", &text);
    start(dir, rules)
}

/// Groups of rules as Prometheus loads them.
#[derive(Default)]
struct Rules(String);

impl Rules {
    fn rule(&mut self, kind: &str, name: &str, expr: &str, labels: &[(&str, &str)]) {
        if self.0.is_empty() {
            self.0.push_str("groups:\n");
        }
        // Each in a group of its own, so that all are evaluated at once.
        let number = self.0.matches("- name:").count();
        let _ = writeln!(
            self.0,
            "- name: g{number}\n  rules:\n  - {kind}: {name}\n    expr: |\n      {expr}\n    labels:"
        );
        for (label, value) in labels {
            let _ = writeln!(self.0, "      {label}: \"{value}\"");
        }
    }

    /// What Sloth writes for `pay/avail`, without the record of the period; `by` groups both sides.
    fn sloth(mut self, (bad, total): (&str, &str), by: &str, objective: &str) -> Self {
        let own = own();
        for window in WINDOWS {
            let side = |selector: &str| format!("sum{by}(rate({selector}[{window}]))");
            let bad = match bad.split_once(" - ") {
                Some((all, good)) => format!("{} - {}", side(all), side(good)),
                None => side(bad),
            };
            let expr = format!("({bad}) / ({})", side(total));
            let labels = [&own[..], &[("sloth_window", window)]].concat();
            let name = format!("slo:sli_error:ratio_rate{window}");
            self.rule("record", &name, &expr, &labels);
        }
        self.info(objective);
        self.rule("record", "slo:time_period:days", "vector(30)", &own);
        let budget: f64 = 1.0 - objective.parse::<f64>().expect("percent") / 100.0;
        self.rule(
            "record",
            "slo:objective:ratio",
            &format!("vector({})", 1.0 - budget),
            &own,
        );
        for (severity, rules) in [
            ("page", [("5m", "1h", 14.4), ("30m", "6h", 6.0)]),
            ("ticket", [("2h", "1d", 3.0), ("6h", "3d", 1.0)]),
        ] {
            let above = |window: &str, factor: f64| {
                format!(
                    "max(slo:sli_error:ratio_rate{window}{{sloth_id=\"pay-avail\", sloth_service=\"pay\", sloth_slo=\"avail\"}} > ({factor} * {budget})) without (sloth_window)"
                )
            };
            let rules = rules.map(|(short, long, factor)| {
                format!("({} and {})", above(short, factor), above(long, factor))
            });
            let labels = [&own[..], &[("sloth_severity", severity)]].concat();
            self.rule("alert", "PayIsFailing", &rules.join(" or "), &labels);
        }
        self
    }

    fn info(&mut self, objective: &str) {
        let labels = [&own()[..], &[("sloth_objective", objective)]].concat();
        self.rule("record", "sloth_slo_info", "vector(1)", &labels);
    }

    /// Sloth's record of the period: the mean of its 5m records.
    fn with_mean(mut self) -> Self {
        let of = "slo:sli_error:ratio_rate5m{sloth_id=\"pay-avail\"}[30d]";
        let expr = format!("sum_over_time({of}) / ignoring (sloth_window) count_over_time({of})");
        let labels = [&own()[..], &[("sloth_window", "30d")]].concat();
        self.rule("record", "slo:sli_error:ratio_rate30d", &expr, &labels);
        self
    }
}

fn own() -> [(&'static str, &'static str); 3] {
    [
        ("sloth_id", "pay-avail"),
        ("sloth_service", "pay"),
        ("sloth_slo", "avail"),
    ]
}

/// Asks for the status until it is as wanted.
fn until(dir: &Path, server: &Server, is_it: impl Fn(&Value) -> bool) -> (i32, Value) {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let (exit, found) = status(dir, &["--prometheus", &server.url]);
        if is_it(&found) {
            return (exit, found);
        }
        assert!(Instant::now() < deadline, "{found:#}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// How many SLOs were found.
fn count(found: &Value) -> usize {
    found["slos"].as_array().map_or(0, Vec::len)
}

/// True once every SLO was read in this window.
fn has_ratios(found: &Value, window: &str) -> bool {
    let slos = found["slos"].as_array().expect("a list");
    !slos.is_empty() && slos.iter().all(|slo| !slo["error_ratio"][window].is_null())
}

/// Waits until this query has an answer.
fn wait_for(server: &Server, query: &str) {
    let path = format!("/api/v1/query?query={}", crate::server::encoded(query));
    crate::server::wait_until(&server.url, &path, |answer| {
        answer["data"]["result"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    });
}

#[test]
fn each_group_of_a_sloth_slo_is_an_slo_also_one_that_never_failed() {
    let dir = tempfile::tempdir().expect("a folder");
    let counters: [Counter; 3] = [
        ("gw_requests_total{host=\"a\",code=\"200\"}", |_| 540),
        ("gw_requests_total{host=\"a\",code=\"503\"}", |_| 60),
        ("gw_requests_total{host=\"b\",code=\"200\"}", |_| 600),
    ];
    let sides = ("gw_requests_total{code=~\"5..\"}", "gw_requests_total");
    let rules = Rules::default().sloth(sides, " by (host) ", "99");
    let server = prometheus(dir.path(), &counters, (240, 1), &rules.0);
    wait_for(&server, "slo:sli_error:ratio_rate3d");
    let (exit, found) = until(dir.path(), &server, |found| {
        count(found) == 2 && has_ratios(found, "3d")
    });
    assert_eq!(exit, 2, "{found:#}");
    let failing = slo(&found, "pay/avail{host=a}");
    assert_eq!(failing["state"], "page");
    assert_close(&failing["burn_rate"]["1h"], 10.0, 1e-3, "host a");
    let never = slo(&found, "pay/avail{host=b}");
    assert_eq!(
        (&never["state"], &never["burn_rate"]["1h"]),
        (&json!("ok"), &json!(0.0))
    );
    let told = watchfire(
        dir.path(),
        &["explain", "pay/avail{host=b}", "--prometheus", &server.url],
    );
    assert_eq!(told.exit, 0, "{}{}", told.stdout, told.stderr);
    assert!(told.stdout.contains("pay/avail{host=b}"), "{}", told.stdout);
}

#[test]
fn of_two_recorded_objectives_the_one_of_the_alerts_decides() {
    let dir = tempfile::tempdir().expect("a folder");
    let counters: [Counter; 2] = [
        ("req_total{code=\"200\"}", |_| 594),
        ("req_total{code=\"500\"}", |_| 6),
    ];
    let sides = ("req_total{code=~\"5..\"}", "req_total");
    let mut rules = Rules::default().sloth(sides, "", "99.9");
    rules.info("99");
    let server = prometheus(dir.path(), &counters, (240, 1), &rules.0);
    wait_for(
        &server,
        "count(sloth_slo_info) > 1 and on() slo:sli_error:ratio_rate3d",
    );
    let (exit, found) = until(dir.path(), &server, |found| has_ratios(found, "3d"));
    let it = slo(&found, "pay/avail");
    assert_eq!((exit, &it["state"]), (2, &json!("page")), "{it:#}");
    assert_close(&it["objective"], 0.999, 1e-9, "the objective");
    assert_close(&it["burn_rate"]["1h"], 10.0, 1e-3, "its burn");
}

#[test]
fn two_recorded_objectives_without_alerts_are_unknown_and_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let counters: [Counter; 1] = [("web_total{code=\"200\"}", |_| 600)];
    let mut rules = Rules::default();
    for objective in ["0.99", "0.999"] {
        let labels = [
            ("grafana_slo_uuid", "u1"),
            ("grafana_slo_name", "web"),
            ("of", objective),
        ];
        rules.rule(
            "record",
            "grafana_slo_objective",
            &format!("vector({objective})"),
            &labels,
        );
    }
    let labels = [("grafana_slo_uuid", "u1"), ("grafana_slo_name", "web")];
    let seconds = "grafana_slo_objective_window_seconds";
    rules.rule("record", seconds, "vector(2419200)", &labels);
    for window in WINDOWS {
        let name = format!("grafana_slo_sli_{window}");
        rules.rule("record", &name, "vector(1)", &labels);
    }
    let server = prometheus(dir.path(), &counters, (10, 1), &rules.0);
    let words = "two objectives are recorded: 99 and 99.9";
    let has_words = |found: &Value| found.to_string().contains(words);
    let (exit, found) = until(dir.path(), &server, has_words);
    let it = slo(&found, "web/web");
    assert_eq!((exit, &it["state"]), (3, &json!("unknown")), "{it:#}");
    assert!(it["notes"].to_string().contains(words), "{it:#}");
    let doctor = watchfire(dir.path(), &["doctor", "--prometheus", &server.url]);
    assert_eq!(doctor.exit, 1);
    assert!(doctor.stdout.contains(words), "{}", doctor.stdout);
}

#[test]
fn the_first_minutes_of_a_record_are_not_the_period() {
    let dir = tempfile::tempdir().expect("a folder");
    // Ten days, and an outage of 3 % for the last 40 minutes.
    let counters: [Counter; 2] = [
        ("req_total{code=\"200\"}", |_| 1_200),
        ("req_total{code=\"500\"}", |ago| {
            if ago < 40 {
                36
            } else {
                u64::from(ago % 10 == 0)
            }
        }),
    ];
    let sides = ("req_total{code=~\"5..\"}", "req_total");
    let rules = Rules::default().sloth(sides, "", "99.9").with_mean();
    let server = prometheus(dir.path(), &counters, (14_400, 1), &rules.0);
    wait_for(
        &server,
        "slo:sli_error:ratio_rate30d and on() slo:sli_error:ratio_rate3d",
    );
    let (exit, found) = status(dir.path(), &["--prometheus", &server.url]);
    let it = slo(&found, "pay/avail");
    assert_eq!((exit, &it["state"]), (2, &json!("page")), "{it:#}");
    let all = 1_200.0 * 14_400.0;
    let bad = 36.0 * 40.0 + 1_436.0;
    let left = 1.0 - bad / (all + bad) / 0.001;
    assert_close(&it["budget_remaining"], left, 2e-2, "the budget");
    assert_eq!(it["exhausted"], false);
    let data = it["data_s"].as_i64().expect("how long there is data");
    assert!((data - 864_000).abs() < 864_000 / 40, "{data}");
    let told = watchfire(
        dir.path(),
        &["explain", "pay/avail", "--prometheus", &server.url],
    );
    assert!(told.stdout.contains("req_total[30d]"), "{}", told.stdout);
}

#[test]
fn seconds_of_data_spend_no_budget() {
    let dir = tempfile::tempdir().expect("a folder");
    // The service is as new as its records, and everything fails.
    let counters: [Counter; 1] = [("req_total{code=\"500\"}", |_| 600)];
    let sides = ("req_total{code=~\"5..\"}", "req_total");
    let rules = Rules::default().sloth(sides, "", "99.9").with_mean();
    let server = prometheus(dir.path(), &counters, (6, 1), &rules.0);
    wait_for(
        &server,
        "slo:sli_error:ratio_rate30d and on() slo:sli_error:ratio_rate3d",
    );
    let (exit, found) = status(dir.path(), &["--prometheus", &server.url]);
    let it = slo(&found, "pay/avail");
    assert_eq!((exit, &it["state"]), (2, &json!("page")), "{it:#}");
    assert_ne!(it["exhausted"], true, "{it:#}");
    assert!(it["budget_remaining"].is_null(), "{it:#}");
}

#[test]
fn each_dimension_of_a_grafana_slo_is_an_slo() {
    let dir = tempfile::tempdir().expect("a folder");
    let counters: [Counter; 4] = [
        ("web_total{zone=\"a\",code=\"200\"}", |_| 600),
        ("web_total{zone=\"b\",code=\"200\"}", |_| 300),
        ("web_total{zone=\"b\",code=\"500\"}", |_| 300),
        ("web_total{zone=\"c\",code=\"500\"}", |_| 600),
    ];
    let labels = [("grafana_slo_uuid", "u1"), ("grafana_slo_name", "web")];
    let mut rules = Rules::default();
    for window in WINDOWS {
        let side = |code: &str| format!("sum by (zone) (rate(web_total{code}[{window}]))");
        let expr = format!("{} / {}", side("{code!~\"5..\"}"), side(""));
        rules.rule(
            "record",
            &format!("grafana_slo_sli_{window}"),
            &expr,
            &labels,
        );
    }
    rules.rule("record", "grafana_slo_objective", "vector(0.99)", &labels);
    let seconds = "grafana_slo_objective_window_seconds";
    rules.rule("record", seconds, "vector(2419200)", &labels);
    let server = prometheus(dir.path(), &counters, (240, 1), &rules.0);
    wait_for(&server, "grafana_slo_sli_3d and on() grafana_slo_objective");
    let (exit, found) = until(dir.path(), &server, |found| {
        count(found) == 3 && has_ratios(found, "3d")
    });
    assert_eq!(exit, 2, "{found:#}");
    // Of the third, of which nothing was good, no ratio is recorded.
    for (zone, state, burn) in [("a", "ok", 0.0), ("b", "page", 50.0), ("c", "page", 100.0)] {
        let it = slo(&found, &format!("web/web{{zone={zone}}}"));
        assert_eq!(it["state"], state, "{it:#}");
        assert_close(&it["burn_rate"]["1h"], burn, 1e-3, zone);
    }
}

#[test]
fn rules_that_ask_for_a_bucket_in_another_spelling_are_dead_and_doctor_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let counters: [Counter; 3] = [
        ("req_seconds_bucket{service=\"pay\",le=\"1.0\"}", |_| 480),
        ("req_seconds_bucket{service=\"pay\",le=\"+Inf\"}", |_| 600),
        ("req_seconds_count{service=\"pay\"}", |_| 600),
    ];
    let bad = "req_seconds_count{service=\"pay\"} - req_seconds_bucket{service=\"pay\",le=\"1\"}";
    let rules = Rules::default().sloth((bad, "req_seconds_count{service=\"pay\"}"), "", "99");
    let server = prometheus(dir.path(), &counters, (240, 1), &rules.0);
    wait_for(&server, "sloth_slo_info and on() slo:time_period:days");
    let doctor = watchfire(
        dir.path(),
        &["doctor", "--format", "json", "--prometheus", &server.url],
    );
    assert_eq!(doctor.exit, 1, "{}", doctor.stdout);
    let told: Value = serde_json::from_str(&doctor.stdout).expect("JSON");
    let findings = told["findings"].as_array().expect("findings");
    let finding = findings.iter().find(|one| one["check"] == "records");
    let finding = finding.unwrap_or_else(|| panic!("{told:#}"));
    assert_eq!(
        (&finding["severity"], &finding["slo"]),
        (&json!("warning"), &json!("pay/avail"))
    );
    let words = finding.to_string();
    for word in [
        "7 of them",
        "le=\\\"1\\\"",
        "le=\\\"1.0\\\"",
        "PayIsFailing",
        "dead",
    ] {
        assert!(words.contains(word), "{word}: {words}");
    }
}
