//! Two Prometheus servers of one highly available pair, as one source and as two.

use serde_json::{Value, json};

use crate::history::{SERVICES, prometheus, this_minute};
use crate::program::{slo, status, watchfire};
use crate::prometheus::assert_close;
use crate::server::Server;

const SLO: &str = "\n[[slo]]\nservice = \"steady\"\nname = \"availability\"\nobjective = 99.0\n\
     total = 'http_requests_total{service=\"steady\"}'\n\
     bad = 'http_requests_total{service=\"steady\",code=~\"5..\"}'\n";

fn servers(dirs: [&tempfile::TempDir; 2], rules: &str) -> [Server; 2] {
    let end = this_minute();
    let services: Vec<_> = SERVICES.iter().filter(|one| one.name == "steady").collect();
    dirs.map(|dir| prometheus(dir.path(), &services, rules, end))
}

fn source(found: &Value) -> &Value {
    &found["sources"][0]
}

#[test]
fn a_pair_goes_on_with_the_server_that_is_left() {
    let dirs = [
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    ];
    let [mut one, mut other] = servers([&dirs[0], &dirs[1]], "");
    let dir = dirs[0].path();
    let text = format!(
        "[[source]]\nname = \"pair\"\nkind = \"prometheus\"\nurls = [\"{}\", \"{}\"]\n{SLO}",
        one.url, other.url
    );
    std::fs::write(dir.join("watchfire.toml"), text).expect("a file");
    let args = ["--config", "watchfire.toml"];
    let truth = 1.0 / 120.0;
    let assert_known = |found: &Value| {
        let steady = slo(found, "steady/availability");
        assert_close(&steady["error_ratio"]["30d"], truth, 1e-3, "30d");
    };
    let (exit, found) = status(dir, &args);
    assert_eq!(
        (exit, &source(&found)["warnings"]),
        (0, &json!([])),
        "{found:#}"
    );
    assert_known(&found);

    one.kill();
    let (exit, found) = status(dir, &args);
    assert_eq!(
        (exit, &source(&found)["freshness"]),
        (0, &json!("live")),
        "{found:#}"
    );
    assert_known(&found);
    let warning = source(&found)["warnings"][0].as_str().expect("a warning");
    assert!(
        warning.starts_with("1 of 2 members answered; urls[0]: "),
        "{warning}"
    );

    other.kill();
    let (exit, found) = status(dir, &args);
    assert_eq!(exit, 3, "{found:#}");
    let fault = source(&found)["fault"].as_str().expect("a fault");
    assert!(
        fault.starts_with("none of 2 members answered; urls[0]: "),
        "{fault}"
    );
}

#[test]
fn one_slo_from_two_sources_is_reported_as_counted_twice() {
    let dirs = [
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    ];
    let ratio = |window: &str| {
        format!(
            "sum(rate(http_requests_total{{service=\"steady\",code=~\"5..\"}}[{window}])) / sum(rate(http_requests_total{{service=\"steady\"}}[{window}]))"
        )
    };
    let rules = format!(
        "groups:\n- name: burn\n  rules:\n  - alert: Burn\n    expr: ({}) > 14.4 * 0.01 and ({}) > 14.4 * 0.01\n    labels: {{severity: page, service: steady, slo: availability}}\n",
        ratio("1h"),
        ratio("5m")
    );
    let [one, other] = servers([&dirs[0], &dirs[1]], &rules);
    let dir = dirs[0].path();
    let args = ["--prometheus", &one.url, "--prometheus", &other.url];
    let (_, found) = status(dir, &args);
    let slos = found["slos"].as_array().expect("a list");
    assert_eq!(slos.len(), 2, "{found:#}");
    for slo in slos {
        let notes = slo["notes"].to_string();
        assert!(notes.contains("it is counted twice"), "{slo:#}");
    }
    let doctor = watchfire(dir, &[&["doctor"], &args[..]].concat());
    assert_eq!(doctor.exit, 1, "{}", doctor.stdout);
    assert!(
        doctor
            .stdout
            .contains("measure the same SLOs: `steady/availability`"),
        "{}",
        doctor.stdout
    );
}
