//! `doctor` against real servers with deliberate mistakes, and against broken ones.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::history::{self, service, this_minute};
use crate::page::Page;
use crate::program::watchfire;
use crate::server::{Server, free_port};

/// Every mistake, by the service whose SLO makes it: what it counts, and words of the finding.
const MISTAKES: [(&str, &str, &str, &str); 8] = [
    (
        "typo",
        r#"total = 'http_requests_total{service="staedy"}'"#,
        r#"bad = 'http_requests_total{service="staedy",code="500"}'"#,
        r#"error|no series has service="staedy"|nearest: steady"#,
    ),
    (
        "renamed",
        r#"total = 'http_request_total{service="steady"}'"#,
        r#"bad = 'http_request_total{service="steady",code="500"}'"#,
        "error|no metric is named `http_request_total`|nearest: http_requests_total",
    ),
    (
        "label",
        r#"total = 'http_requests_total{service="steady"}'"#,
        r#"bad = 'http_requests_total{service="steady",status=~"5.."}'"#,
        "error|has a label `status`|its labels: ",
    ),
    (
        "value",
        r#"total = 'http_requests_total{service="steady"}'"#,
        r#"bad = 'http_requests_total{service="steady",code="50O"}'"#,
        r#"warning|no series has code="50O"|nearest: 500"#,
    ),
    (
        "bucket",
        "total = 'request_seconds_count'",
        r#"good = 'request_seconds_bucket{le="0.3"}'"#,
        r#"error|no bucket is le="0.3"|the buckets are 0.25, 0.5, +Inf"#,
    ),
    (
        "spelled",
        "total = 'request_seconds_count'",
        r#"good = 'request_seconds_bucket{le="0.50"}'"#,
        r#"error|no bucket is le="0.50"|write le="0.5": it is a text"#,
    ),
    (
        "many",
        "total = 'increase(http_requests_total[$window])'",
        "bad = 'increase(http_requests_total[$window])'",
        "error|series, and one is wanted|sum what it counts, `sum(…)`",
    ),
    (
        "retired",
        r#"total = 'http_requests_total{service="retired"}'"#,
        r#"bad = 'http_requests_total{service="retired",code="500"}'"#,
        "error|no series|",
    ),
];

/// Samples of a histogram, of a service that stopped an hour ago, and of one that is ahead of time.
fn more_samples(dir: &Path, end: i64) {
    let mut text = String::new();
    for (name, labels, per_minute, from, to) in [
        ("ahead_total", "x=\"1\"", 5, 60, -20),
        ("request_seconds_bucket", "le=\"0.25\"", 90, 600, 0),
        ("request_seconds_bucket", "le=\"0.5\"", 97, 600, 0),
        ("request_seconds_bucket", "le=\"+Inf\"", 100, 600, 0),
        ("request_seconds_count", "x=\"1\"", 100, 600, 0),
        ("silent_total", "x=\"1\"", 0, 600, 0),
        ("stopped_total", "x=\"1\"", 5, 600, 60),
    ] {
        for ago in (to..=from).rev() {
            let value = (from - ago) * per_minute;
            let at = end - ago * 60;
            let _ = writeln!(text, "{name}{{{labels}}} {value} {at}");
        }
    }
    text.push_str("# EOF\n");
    history::create_blocks(dir, "more", &text);
}

fn slo(service: &str, total: &str, part: &str) -> String {
    format!("[[slo]]\nservice = \"{service}\"\nname = \"slo\"\nobjective = 99.0\n{total}\n{part}\n")
}

fn configure(dir: &Path, url: &str, slos: &str) {
    let text = format!(
        "[[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"{url}\"\n\
         discover = false\nalerts = false\n{slos}"
    );
    std::fs::write(dir.join("watchfire.toml"), text).expect("the configuration");
}

fn doctor(dir: &Path, args: &[&str]) -> (i32, Value) {
    let run = watchfire(dir, &[&["doctor", "--format", "json"], args].concat());
    let found = serde_json::from_str(&run.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", run.stdout, run.stderr));
    assert_eq!(crate::schema::faults("doctor", &found), [""; 0]);
    (run.exit, found)
}

/// The findings about an SLO, or about the source itself.
fn findings<'a>(found: &'a Value, slo: Option<&str>) -> Vec<&'a Value> {
    let all = found["findings"].as_array().expect("findings");
    all.iter()
        .filter(|finding| finding["slo"].as_str() == slo)
        .collect()
}

fn assert_found(found: &Value, slo: Option<&str>, wanted: &str) {
    let mut words = wanted.split('|');
    let severity = words.next().expect("a severity");
    let (what, advice) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let mine = findings(found, slo);
    let is_it = |finding: &&&Value| {
        let text = |key: &str| finding[key].as_str().unwrap_or("").to_owned();
        text("severity") == severity
            && text("what").contains(what)
            && text("advice").contains(advice)
    };
    assert!(
        mine.iter().any(|finding| is_it(&finding)),
        "{wanted}: {mine:#?}"
    );
}

#[test]
fn each_mistake_of_an_slo_is_found_and_its_cure_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let end = this_minute();
    more_samples(dir.path(), end);
    let services = [service("steady"), service("retired"), service("never")];
    let server = history::prometheus(dir.path(), &services, "", end);
    let mut slos = String::new();
    for (service, total, part, _) in MISTAKES {
        slos.push_str(&slo(service, total, part));
    }
    slos.push_str(&slo(
        "future",
        "total = 'ahead_total'",
        "bad = 'ahead_total{x=\"2\"}'",
    ));
    slos.push_str(&slo(
        "stopped",
        "total = 'stopped_total'",
        "bad = 'stopped_total'",
    ));
    slos.push_str(&slo(
        "quiet",
        "total = 'silent_total'",
        "bad = 'silent_total'",
    ));
    let lenient = slo(
        "lenient",
        "total = 'http_requests_total{service=\"steady\"}'",
        "bad = 'http_requests_total{service=\"steady\",code=\"500\"}'",
    );
    slos.push_str(&lenient.replace("99.0", "90.0"));
    configure(dir.path(), &server.url, &slos);
    let (exit, found) = doctor(dir.path(), &["--config", "watchfire.toml"]);
    assert_eq!((exit, &found["healthy"]), (1, &false.into()), "{found:#}");
    assert_eq!(found["schema"], "watchfire/doctor/v1");
    for (service, _, _, wanted) in MISTAKES {
        assert_found(&found, Some(&format!("{service}/slo")), wanted);
    }
    for (service, wanted) in [
        ("future", "warning|dated in the future"),
        ("stopped", "error|is 1h old|/targets"),
        ("quiet", "warning|0 of 0"),
        (
            "lenient",
            "warning|can never fire: it asks for 14.4x, and 10x is the most",
        ),
    ] {
        assert_found(&found, Some(&format!("{service}/slo")), wanted);
    }
    assert_found(&found, None, "ok|agree");
    assert_found(&found, None, "ok|keeps samples for 90d");
    // Of one SLO, or of one service, what is found of it and of its source.
    let config = ["--config", "watchfire.toml"];
    for narrowed in [&["future/slo"][..], &["--service", "future"]] {
        let (exit, one) = doctor(dir.path(), &[narrowed, &config].concat());
        assert_eq!(exit, 1, "{one:#}");
        let slos = one["findings"].as_array().expect("findings").iter();
        let slos: std::collections::BTreeSet<_> = slos.map(|one| one["slo"].as_str()).collect();
        assert_eq!(slos, [None, Some("future/slo")].into());
    }
    for unknown in [
        &["nothing"][..],
        &["--service", "nothing"],
        &["--source", "nothing"],
    ] {
        let run = watchfire(dir.path(), &[&["doctor"], unknown, &config].concat());
        assert_eq!((run.exit, run.stdout.as_str()), (3, ""), "{}", run.stderr);
    }
    // The text says the same, and a credential would be nowhere.
    let run = watchfire(dir.path(), &["doctor", "--config", "watchfire.toml"]);
    assert_eq!(run.exit, 1);
    assert!(
        run.stdout.contains("do:  nearest: steady"),
        "{}",
        run.stdout
    );
}

#[test]
fn what_is_well_is_healthy_and_exits_with_0() {
    let dir = tempfile::tempdir().expect("a folder");
    let services = [service("steady"), service("never"), service("newborn")];
    let server = history::prometheus(dir.path(), &services, "", this_minute());
    let mut slos = String::new();
    for service in ["steady", "never", "newborn"] {
        let total = format!("total = 'http_requests_total{{service=\"{service}\"}}'");
        let bad = format!("bad = 'http_requests_total{{service=\"{service}\",code=~\"5..\"}}'");
        slos.push_str(&slo(service, &total, &bad));
    }
    configure(dir.path(), &server.url, &slos);
    let (exit, found) = doctor(dir.path(), &["--config", "watchfire.toml"]);
    assert_eq!((exit, &found["healthy"]), (0, &true.into()), "{found:#}");
    assert_found(&found, Some("steady/slo"), "ok|2 series, newest sample");
    // A service that never failed, and one that is young: good to know, and nothing to do.
    assert_found(&found, Some("never/slo"), "note|it never failed");
    assert_found(&found, Some("newborn/slo"), "note|window 30d, data");
}

#[test]
fn short_retention_is_found_with_the_flag_that_mends_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let end = this_minute();
    more_samples(dir.path(), end);
    std::fs::write(dir.path().join("prometheus.yml"), "{}").expect("a configuration");
    let server = Server::start("prometheus", dir.path(), "/-/ready", |address| {
        vec![
            "--config.file=prometheus.yml".to_owned(),
            "--storage.tsdb.path=data".to_owned(),
            "--storage.tsdb.retention.time=2d".to_owned(),
            format!("--web.listen-address={address}"),
        ]
    });
    let total = "total = 'request_seconds_count'";
    let good = "good = 'request_seconds_bucket{le=\"0.5\"}'";
    configure(dir.path(), &server.url, &slo("search", total, good));
    let (exit, found) = doctor(dir.path(), &["--config", "watchfire.toml"]);
    assert_eq!(exit, 1);
    assert_found(
        &found,
        None,
        "warning|keeps samples for 2d, and the longest period is 30d|retention.time=30d",
    );
    assert_found(&found, Some("search/slo"), "warning|window 30d, data ");
}

#[test]
fn endpoints_that_are_dead_refuse_us_or_have_a_wrong_clock_are_told_apart() {
    let dir = tempfile::tempdir().expect("a folder");
    let dead = format!("http://127.0.0.1:{}", free_port());
    let refusing = Page::serve("401 Unauthorized", "no");
    let behind = this_minute() - 3_600;
    let scalar = format!(
        r#"{{"status":"success","data":{{"resultType":"scalar","result":[{behind},"{behind}"]}}}}"#
    );
    let late = Page::serve("200 OK", &scalar);
    let secret = dir.path().join("token");
    std::fs::write(&secret, "hunter2\n").expect("a secret");
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("its mode");
    let mut text = String::new();
    for (name, url) in [
        ("dead", &dead),
        ("refusing", &refusing.url),
        ("late", &late.url),
    ] {
        let _ = writeln!(
            text,
            "[[source]]\nname = \"{name}\"\nkind = \"prometheus\"\nurl = \"{url}\"\n\
             bearer_token = {{ file = \"{}\" }}\nalerts = false\n",
            secret.display()
        );
    }
    std::fs::write(dir.path().join("watchfire.toml"), text).expect("the configuration");
    let (exit, found) = doctor(dir.path(), &["--config", "watchfire.toml"]);
    // One is dead, so what is wrong with it is not known.
    assert_eq!(exit, 3, "{found:#}");
    assert_eq!(found["unreachable"], serde_json::json!(["dead"]));
    let of = |source: &str, check: &str| {
        let all = findings(&found, None);
        let mine = all
            .into_iter()
            .find(|one| one["source"] == source && one["check"] == check);
        mine.unwrap_or_else(|| panic!("no {check} of {source}: {found:#}"))
    };
    let what = |source: &str, check: &str| {
        of(source, check)["what"]
            .as_str()
            .expect("words")
            .to_owned()
    };
    assert!(
        what("dead", "reach").contains("connection refused"),
        "{found:#}"
    );
    assert!(what("refusing", "auth").contains("401"), "{found:#}");
    let clock = what("late", "clock");
    assert!(
        clock.contains("its clock is 1h behind ours") || clock.contains("60m"),
        "{clock}"
    );
    assert_eq!(of("late", "clock")["severity"], "warning");
    assert!(!found.to_string().contains("hunter2"));
}

#[test]
fn a_configuration_that_is_wrong_cannot_be_examined() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(
        dir.path().join("watchfire.toml"),
        "[ui]\ntheme = \"pink\"\n",
    )
    .expect("it");
    let run = watchfire(dir.path(), &["doctor", "--config", "watchfire.toml"]);
    assert_eq!((run.exit, run.stdout.as_str()), (3, ""));
    assert!(run.stderr.contains("watchfire.toml:2:9"), "{}", run.stderr);
}

#[test]
fn services_of_other_sources_that_no_slo_has_are_told_with_the_nearest() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = history::prometheus(dir.path(), &[service("steady")], "", this_minute());
    let releases = Page::serve(
        "200 OK",
        r#"[{"id": "1", "service": "steady-api", "version": "v1"},
            {"id": "2", "service": "warehouse", "version": "v2"}]"#,
    );
    let slos = slo(
        "steady",
        "total = 'http_requests_total'",
        "bad = 'http_requests_total{code=\"500\"}'",
    );
    let more = format!(
        "[[source]]\nname = \"deploys\"\nkind = \"json\"\nurl = \"{}\"\nreleases = '.[]'\n{slos}",
        releases.url
    );
    configure(dir.path(), &server.url, &more);
    let (exit, found) = doctor(dir.path(), &["--config", "watchfire.toml"]);
    assert_eq!(exit, 1, "{found:#}");
    assert_found(
        &found,
        None,
        "warning|names the service `steady-api`, and no SLO has it|aliases = [\"steady-api\"]",
    );
    assert_found(&found, None, "note|`warehouse`");
    assert_found(&found, None, "ok|2 releases");
}
