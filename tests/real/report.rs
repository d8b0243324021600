//! Reports against a real Prometheus: attainment and what spent the budget are known as sums of integers.

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::history::{self, PLAIN, Service, backfill, create_blocks, samples, start, this_minute};
use crate::page::Page;
use crate::program::watchfire;
use crate::schema;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
/// The time that is reported on, before the end of the history.
const TIME: i64 = 48 * HOUR;
/// The outage, in seconds before the end.
const BEGAN: i64 = 30 * HOUR;
const ENDED: i64 = 29 * HOUR;
/// Requests in a minute, and how many of them fail in the outage.
const ALL: u64 = 600;
const BAD: u64 = 30;

/// An outage of an hour; a service that is there since two hours; one that never fails.
const WORLD: [Service; 3] = [
    Service {
        name: "checkout",
        traffic: |ago| {
            Some((
                ALL,
                if (ENDED..BEGAN).contains(&ago) {
                    BAD
                } else {
                    0
                },
            ))
        },
        ..PLAIN
    },
    Service {
        name: "newborn",
        traffic: |ago| (ago < 2 * HOUR).then_some((ALL, 6)),
        ..PLAIN
    },
    Service {
        name: "quiet",
        traffic: |ago| Some((ALL, u64::from(ago % (8 * 24 * HOUR) == 7 * 24 * HOUR))),
        ..PLAIN
    },
];

fn at(end: i64, ago: i64) -> String {
    Timestamp::from_second(end - ago).unwrap().to_string()
}

/// The configuration: SLOs of 99.9 %, and an endpoint of releases and incidents.
fn configure(dir: &Path, prometheus: &str, deploys: &str) {
    let mut text = format!(
        "[journal]\nenabled = false\n[[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"{prometheus}\"\n\
         [[source]]\nname = \"deploys\"\nkind = \"json\"\nurl = \"{deploys}\"\n\
         releases = '.releases[]'\nincidents = '.incidents[]'\n"
    );
    for Service { name, .. } in WORLD {
        let _ = write!(
            text,
            "[[slo]]\nservice = \"{name}\"\nname = \"availability\"\nobjective = 99.9\nsource = \"prod\"\n\
             total = 'http_requests_total{{service=\"{name}\"}}'\n\
             bad = 'http_requests_total{{service=\"{name}\",code=\"500\"}}'\n"
        );
    }
    std::fs::write(dir.join("watchfire.toml"), text).unwrap();
}

fn rows(end: i64) -> Value {
    let release = |id: &str, version: &str, ago: i64| {
        json!({"id": id, "service": "checkout", "version": version, "environment": "production",
               "status": "succeeded", "finished_at": at(end, ago)})
    };
    json!({
        "releases": [
            release("r0", "v1", 60 * HOUR),
            release("r1", "v2", BEGAN + 10 * MINUTE),
            release("r2", "v1", ENDED + 30 * MINUTE),
        ],
        "incidents": [{
            "id": "i1", "title": "checkout burns", "service": "checkout", "severity": "page",
            "status": "resolved", "opened_at": at(end, BEGAN - 5 * MINUTE),
            "acknowledged_at": at(end, BEGAN - 9 * MINUTE),
            "resolved_at": at(end, ENDED - 10 * MINUTE),
        }],
    })
}

/// The report on one incident of an SLO between two moments, in seconds before the end.
fn incident(dir: &Path, end: i64, (slo, from, until): (&str, i64, i64)) -> Value {
    let (since, until) = (at(end, from), at(end, until));
    let options = ["--since", &since, "--until", &until, "-o", "json"];
    let args = ["report", "--config", "watchfire.toml", "--slo", slo];
    let run = watchfire(dir, &[&args[..], &options[..]].concat());
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(schema::faults("incident-report", &report), [""; 0]);
    report
}

/// Asserts that a moment is so many seconds before the end, to a number of minutes.
#[track_caller]
fn assert_moment(found: &Value, (end, ago): (i64, i64), minutes: i64) {
    let found: Timestamp = found.as_str().unwrap().parse().unwrap();
    let off = found.as_second() - (end - ago);
    assert!(off.abs() <= minutes * MINUTE, "{off} s off");
}

/// What is known of the outage of checkout: each moment, each event, the releases behind it.
fn assert_incident(dir: &Path, end: i64) {
    let report = incident(
        dir,
        end,
        ("checkout/availability", BEGAN + 3 * HOUR, ENDED - 2 * HOUR),
    );
    assert_moment(&report["onset"], (end, BEGAN), 2);
    assert_moment(&report["mitigated"], (end, ENDED), 2);
    for (edge, sign) in [("onset_earliest", 1), ("onset_latest", -1)] {
        let edge: Timestamp = report[edge].as_str().unwrap().parse().unwrap();
        assert!(
            (end - BEGAN + MINUTE - edge.as_second()) * sign >= -2 * MINUTE,
            "{edge}"
        );
    }
    assert_eq!(report["detected"]["at"], at(end, BEGAN - 5 * MINUTE));
    assert_eq!(report["detected"]["id"], "i1");
    assert_eq!(report["acknowledged"]["at"], at(end, BEGAN - 9 * MINUTE));
    assert_eq!(report["recovered"]["at"], at(end, ENDED - 10 * MINUTE));
    assert_eq!(report["to_acknowledge_s"], 4 * MINUTE);
    let near = |pointer: &str, truth: f64, slack: f64| {
        let found = report.pointer(pointer).and_then(Value::as_f64).unwrap();
        assert!(
            (found - truth).abs() <= slack,
            "{pointer}: {found}, not {truth}"
        );
    };
    near("/to_detect_s", 300.0, 120.0);
    // 60 minutes of 30 errors: one minute at each edge may be half in.
    near("/whole/bad", 1_800.0, 31.0);
    near("/burned/bad", 1_800.0, 61.0);
    near("/whole/total", 6.0 * 60.0 * 600.0, 700.0);
    // 30 days of 600 requests a minute allow 25,920 errors.
    near("/whole/budget_spent", 1_800.0 / 25_920.0, 0.002);
    near("/peak/burn_rate", 50.0, 1.0);
    assert_eq!(report["peak"]["window"], "5m");
    assert_eq!(
        (&report["whole"]["estimate"], &report["blind"]),
        (&json!(false), &json!([]))
    );
    assert_eq!(report["suspects"][0]["release"], "r1");
    assert!(report["suspects"][0]["score"].as_f64().unwrap() >= 0.5);
    assert_eq!(report["rollback"]["release"], "r2");
    assert_eq!(report["rollback"]["takes_back"], json!(["r1"]));
    assert_eq!(report["rule"]["severity"], "page");
    assert!(report["chart"].as_str().unwrap().ends_with("</svg>"));

    // Nothing burned, and a time of which a part is not known.
    let quiet = incident(dir, end, ("quiet/availability", 6 * HOUR, 0));
    for moment in [
        "onset",
        "detected",
        "mitigated",
        "recovered",
        "to_detect_s",
        "burned",
    ] {
        assert_eq!(quiet[moment], Value::Null, "{moment}");
    }
    let newborn = incident(dir, end, ("newborn/availability", 6 * HOUR, 0));
    assert_eq!(
        (&newborn["whole"]["estimate"], &newborn["onset"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(newborn["blind"][0]["source"], "prod");
    assert_moment(&newborn["blind"][0]["until"], (end, 2 * HOUR), 5);
    let args = [
        "report",
        "--config",
        "watchfire.toml",
        "--slo",
        "checkout/nothing",
    ];
    assert_eq!(watchfire(dir, &args).exit, 3);
}

fn report(dir: &Path, end: i64) -> Value {
    let (since, until) = (at(end, TIME), at(end, 0));
    let args = [
        "report",
        "--config",
        "watchfire.toml",
        "--since",
        &since,
        "--until",
        &until,
        "-o",
        "json",
    ];
    let run = watchfire(dir, &args);
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(schema::faults("report", &report), [""; 0]);
    report
}

fn service<'a>(report: &'a Value, name: &str) -> &'a Value {
    let mut services = report["services"].as_array().unwrap().iter();
    services.find(|one| one["service"] == name).unwrap()
}

/// The events of so many minutes of the outage, as a share of the budget of the time.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn share(minutes: i64) -> f64 {
    let bad = minutes as f64 * BAD as f64;
    bad / ((TIME / MINUTE) as f64 * ALL as f64 * 0.001)
}

#[track_caller]
fn assert_near(found: &Value, truth: f64) {
    let found = found
        .as_f64()
        .unwrap_or_else(|| panic!("{found} is no number"));
    // A minute of the outage is 1.7 % of the budget.
    assert!((found - truth).abs() <= 0.018, "{found}, not {truth}");
}

#[test]
fn attainment_and_what_spent_the_budget_are_those_of_the_events() {
    let dir = tempfile::tempdir().unwrap();
    let end = this_minute() - 5 * MINUTE;
    let services = WORLD.iter().collect::<Vec<_>>();
    let prometheus = history::prometheus(dir.path(), &services, "", end);
    let deploys = Page::serve("200 OK", &rows(end).to_string());
    configure(dir.path(), &prometheus.url, &deploys.url);
    assert_incident(dir.path(), end);
    let report = report(dir.path(), end);

    let checkout = service(&report, "checkout");
    let slo = &checkout["slos"][0];
    assert_near(&slo["budget_spent"], share(60));
    let attained = slo["attainment"].as_f64().unwrap();
    assert!(
        (attained - (1.0 - share(60) * 0.001)).abs() < 2e-5,
        "{attained}"
    );
    assert_eq!(slo["estimate"], false);
    let spent = |id: &str| {
        let mut causes = slo["spent_by"].as_array().unwrap().iter();
        causes.find(|one| one["id"] == id).unwrap()["share"].clone()
    };
    assert_near(&spent("i1"), share(55));
    assert_near(&spent("r1"), share(30));
    assert_near(&spent("r2"), share(30));
    let causes = slo["spent_by"].as_array().unwrap();
    assert!(causes.iter().all(|one| one["id"] != "r0"), "{causes:?}");

    let delivery = &checkout["delivery"];
    assert_eq!(delivery["change_fail_rate"]["ids"], json!(["r1"]));
    assert_eq!(delivery["change_fail_rate"]["value"], 0.5);
    // From the finish of r1 to the end of the incident.
    assert_eq!(delivery["recovery_time"]["median_s"], 80 * MINUTE);
    assert_eq!(delivery["rework_rate"]["ids"], json!(["r2"]));

    // What nothing failed in is whole, and what is not known is none of it.
    let quiet = &service(&report, "quiet")["slos"][0];
    assert_eq!(
        (&quiet["attainment"], &quiet["budget_spent"]),
        (&json!(1.0), &json!(0.0))
    );
    let newborn = &service(&report, "newborn")["slos"][0];
    assert_eq!(newborn["estimate"], true);
    let known = newborn["coverage"].as_f64().unwrap();
    assert!((known - 2.0 / 48.0).abs() < 0.01, "{known}");
    assert_near(
        &json!(newborn["budget_spent"].as_f64().unwrap() / 10.0),
        1.0,
    );
    let delivery = &service(&report, "quiet")["delivery"];
    assert_eq!(delivery["deployments"]["count"], Value::Null);
}

#[test]
fn alerts_that_prometheus_recorded_are_incidents_of_the_past() {
    let dir = tempfile::tempdir().unwrap();
    let end = this_minute() - 5 * MINUTE;
    backfill(dir.path(), samples(&[&WORLD[0]], end));
    // An alert that fires again an hour after it ended, and a ticket.
    let mut text = String::from("# TYPE ALERTS gauge\n");
    let labels = "alertname=\"Burn\",service=\"checkout\",severity";
    let alerts = [
        ("page", BEGAN - 5 * MINUTE, ENDED),
        ("page", ENDED - HOUR, ENDED - 2 * HOUR),
        ("ticket", BEGAN - 20 * MINUTE, ENDED),
    ];
    let minutes = |from: i64, to: i64| {
        (0..)
            .map(move |n| from - n * MINUTE)
            .take_while(move |ago| *ago >= to)
    };
    let mut points: Vec<(String, i64)> = Vec::new();
    for (severity, began, ended) in alerts {
        for ago in minutes(began, ended) {
            let (now, since) = (end - ago, end - began);
            let series = format!("{labels}=\"{severity}\"");
            points.push((format!("ALERTS{{{series},alertstate=\"firing\"}} 1"), now));
            points.push((format!("ALERTS_FOR_STATE{{{series}}} {since}"), now));
        }
    }
    points.sort_by(|a, b| (a.0.split(' ').next(), a.1).cmp(&(b.0.split(' ').next(), b.1)));
    let (alerts, states): (Vec<_>, Vec<_>) = points
        .into_iter()
        .partition(|(line, _)| line.starts_with("ALERTS{"));
    for (line, at) in &alerts {
        let _ = writeln!(text, "{line} {at}");
    }
    text.push_str("# TYPE ALERTS_FOR_STATE gauge\n");
    for (line, at) in &states {
        let _ = writeln!(text, "{line} {at}");
    }
    text.push_str("# EOF\n");
    create_blocks(dir.path(), "alerts", &text);
    let prometheus = start(dir.path(), "");
    let mut told = rows(end);
    told["incidents"] = json!([]);
    let deploys = Page::serve("200 OK", &told.to_string());
    configure(dir.path(), &prometheus.url, &deploys.url);
    let report = report(dir.path(), end);
    let delivery = &service(&report, "checkout")["delivery"];
    // The first is of r1, the second of r2; the ticket is of nobody.
    assert_eq!(delivery["change_fail_rate"]["ids"], json!(["r1", "r2"]));
    let links = delivery["change_fail_rate"]["links"].as_array().unwrap();
    let incidents = links.iter().filter(|one| one["rule"] == "incident");
    assert_eq!(incidents.count(), 2, "{links:?}");
    // 70 minutes from r1 to the end of the first, 150 from r2 to that of the second; Prometheus looks
    // back five minutes for a series that ends without a marker.
    let median = delivery["recovery_time"]["median_s"].as_i64().unwrap();
    let truth = (70 + 150) * MINUTE / 2;
    assert!((truth..=truth + 6 * MINUTE).contains(&median), "{median}");
}
