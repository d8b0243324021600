//! Hand-written multi-window burn-rate alerts, read as SLOs from a real Prometheus.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::history::{SERVICES, prometheus, service, this_minute};
use crate::program::{slo, status, watchfire};
use crate::prometheus::{STATES, assert_close};

const TIERS: [(&str, &str, &str, &str); 4] = [
    ("1h", "5m", "14.4", "page"),
    ("6h", "30m", "6", "page"),
    ("1d", "2h", "3", "ticket"),
    ("3d", "6h", "1", "ticket"),
];

fn alert(out: &mut String, name: &str, expr: &str, labels: &[(&str, &str)]) {
    let _ = writeln!(
        out,
        "  - alert: {name}\n    expr: |\n      {expr}\n    labels:"
    );
    for (label, value) in labels {
        let _ = writeln!(out, "      {label}: \"{value}\"");
    }
}

/// Alerts on the ratio of every service, on one that is recorded, and one that nobody can read.
fn rules() -> String {
    let mut out = String::from("groups:\n- name: burn\n  rules:\n");
    let every = |window: &str| {
        format!(
            "sum by (service) (rate(http_requests_total{{code=~\"5..\"}}[{window}])) / sum by (service) (rate(http_requests_total[{window}]))"
        )
    };
    for (long, short, factor, severity) in TIERS {
        let limit = format!("({factor} * (1 - 0.99))");
        let expr = format!(
            "({}) > {limit} and {limit} < ({})",
            every(long),
            every(short)
        );
        alert(
            &mut out,
            "ServiceErrorBudgetBurn",
            &expr,
            &[("severity", severity)],
        );
    }
    for window in ["5m", "1h"] {
        let good = format!(
            "sum(rate(http_requests_total{{service=\"steady\",code!~\"5..\"}}[{window}])) / sum(rate(http_requests_total{{service=\"steady\"}}[{window}]))"
        );
        let _ = writeln!(
            out,
            "  - record: steady:success:ratio_rate{window}\n    expr: {good}"
        );
    }
    let expr = "steady:success:ratio_rate1h < 1 - 14.4 * 0.001 and steady:success:ratio_rate5m < 1 - 14.4 * 0.001";
    alert(
        &mut out,
        "SteadyBurn",
        expr,
        &[("severity", "critical"), ("slo", "strict")],
    );
    let odd = format!(
        "({}) > 14.4 * 0.01 and ({}) > 6 * 0.01",
        every("1h"),
        every("5m")
    );
    alert(&mut out, "OddBurn", &odd, &[("severity", "critical")]);
    alert(&mut out, "Down", "up == 0", &[("severity", "critical")]);
    out
}

#[test]
fn hand_written_alerts_are_slos_whose_numbers_equal_the_truth() {
    let dir = tempfile::tempdir().expect("a folder");
    let end = this_minute();
    let services: Vec<_> = SERVICES.iter().collect();
    let server = prometheus(dir.path(), &services, &rules(), end);
    let at = end.to_string();
    let args = ["--prometheus", &server.url];
    let (exit, found) = status(dir.path(), &[&args[..], &["--at", &at]].concat());
    assert_eq!((exit, &found["verdict"]), (2, &json!("page")), "{found:#}");
    for (name, state) in STATES {
        // Groups are those that have traffic.
        if name == "idle" {
            continue;
        }
        let slo = slo(&found, &format!("{name}/ServiceErrorBudgetBurn"));
        let said = (
            &slo["origin"],
            &slo["objective"],
            &slo["period"],
            &slo["state"],
        );
        assert_eq!(
            said,
            (&json!("alerts"), &json!(0.99), &json!("30d"), &json!(state)),
            "{slo:#}"
        );
        let service = service(name);
        for (window, seconds) in [("5m", 300), ("1h", 3_600), ("6h", 21_600), ("3d", 259_200)] {
            let ratio = &slo["error_ratio"][window];
            match service.error_ratio(seconds) {
                Some(truth) => assert_close(ratio, truth, 1e-6, &format!("{name} {window}")),
                None => assert!(ratio.is_null(), "{name} {window}: {ratio}"),
            }
        }
    }
    let burning = slo(&found, "burning/ServiceErrorBudgetBurn");
    let rules = burning["rules"]
        .as_array()
        .expect("rules")
        .iter()
        .map(|rule| {
            [
                &rule["severity"],
                &rule["long"],
                &rule["short"],
                &rule["factor"],
            ]
            .map(Value::to_string)
            .join(" ")
        });
    let wanted = TIERS.map(|(long, short, factor, severity)| {
        let factor: f64 = factor.parse().expect("a number");
        format!(
            "{} {} {} {}",
            json!(severity),
            json!(long),
            json!(short),
            json!(factor)
        )
    });
    assert_eq!(rules.collect::<Vec<_>>(), wanted);

    let strict = slo(&found, "steady/strict");
    assert_eq!(strict["objective"], 0.999, "{strict:#}");
    for window in ["5m", "1h", "30d"] {
        assert_close(&strict["error_ratio"][window], 1.0 / 120.0, 1e-6, window);
    }
    let slos = found["slos"].as_array().expect("a list");
    assert_eq!(slos.len(), STATES.len(), "{found:#}");

    let doctor = watchfire(dir.path(), &[&["doctor"], &args[..]].concat());
    let told = &doctor.stdout;
    assert!(
        told.contains(
            "`OddBurn` is not read as an SLO: its windows are compared with different numbers"
        ),
        "{told}"
    );
    assert!(!told.contains("Down"), "{told}");
    assert_eq!(doctor.exit, 1, "{told}");
}

#[test]
fn an_slo_of_the_configuration_is_not_found_in_the_alerts_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let end = this_minute();
    let services: Vec<_> = SERVICES.iter().filter(|one| one.name == "steady").collect();
    let server = prometheus(dir.path(), &services, &rules(), end);
    let text = format!(
        "[[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"{}\"\n[[slo]]\nservice = \"steady\"\n\
         name = \"availability\"\nobjective = 99.9\n\
         total = 'sum(increase(http_requests_total{{service=\"steady\"}}[$window]))'\n\
         good = 'sum(increase(http_requests_total{{code!~\"5..\", service=\"steady\"}}[$window]))'\n",
        server.url
    );
    std::fs::write(dir.path().join("watchfire.toml"), text).expect("a file");
    let at = end.to_string();
    let (_, found) = status(dir.path(), &["--config", "watchfire.toml", "--at", &at]);
    let ids: Vec<_> = found["slos"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|slo| &slo["id"])
        .collect();
    assert_eq!(
        ids,
        ["steady/availability", "steady/ServiceErrorBudgetBurn"],
        "{found:#}"
    );
}
