//! The numbers of `status` against a real Prometheus whose past is known.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::history::{SERVICES, Service, prometheus, service, this_minute};
use crate::program::{slo, status, watchfire};
use crate::rules;
use crate::server::{Server, encoded};

/// Windows of the workbook's rules and a period of 30 days, in seconds.
const WINDOWS: [(&str, i64); 8] = [
    ("5m", 300),
    ("30m", 1_800),
    ("1h", 3_600),
    ("2h", 7_200),
    ("6h", 21_600),
    ("1d", 86_400),
    ("3d", 259_200),
    ("30d", 2_592_000),
];

/// What each service's state must be under an objective of 99 %.
pub(crate) const STATES: [(&str, &str); 11] = [
    ("steady", "ok"),
    ("burning", "page"),
    ("past", "ok"),
    ("slow", "ticket"),
    ("never", "ok"),
    ("idle", "no_data"),
    ("newborn", "ok"),
    ("retired", "no_data"),
    ("resets", "ok"),
    ("churn", "ok"),
    ("gaps", "ok"),
];

/// A configuration with one hand-written SLO a service.
pub(crate) fn by_hand(dir: &Path, url: &str) {
    let mut text = format!("[[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"{url}\"\n");
    for (index, service) in SERVICES.iter().enumerate() {
        let name = service.name;
        let total = format!("http_requests_total{{service=\"{name}\"}}");
        // All three ways to say the same.
        let part = match index % 3 {
            0 => format!("bad = 'http_requests_total{{service=\"{name}\",code=~\"5..\"}}'"),
            1 => format!("good = 'http_requests_total{{service=\"{name}\",code!~\"5..\"}}'"),
            _ => format!(
                "bad = 'sum(increase(http_requests_total{{service=\"{name}\",code=~\"5..\"}}[$window]))'"
            ),
        };
        let _ = writeln!(
            text,
            "[[slo]]\nservice = \"{name}\"\nname = \"availability\"\nobjective = 99.0\n\
             period = \"30d\"\nsource = \"prod\"\ntotal = '{total}'\n{part}"
        );
    }
    std::fs::write(dir.join("watchfire.toml"), text).expect("the configuration");
}

pub(crate) fn assert_close(found: &Value, truth: f64, tolerance: f64, what: &str) {
    let found = found
        .as_f64()
        .unwrap_or_else(|| panic!("{what}: {found} for {truth}"));
    let error = if truth == 0.0 {
        found.abs()
    } else {
        (found / truth - 1.0).abs()
    };
    assert!(
        error <= tolerance,
        "{what}: {found} for {truth}, {error:e} off"
    );
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn assert_truth(found: &Value, service: &Service) {
    let name = service.name;
    for (window, seconds) in WINDOWS {
        let what = format!("{name} {window}");
        let Some(truth) = service.error_ratio(seconds) else {
            assert!(found["error_ratio"][window].is_null(), "{what}: {found:#}");
            assert!(found["burn_rate"][window].is_null(), "{what}");
            continue;
        };
        assert_close(&found["error_ratio"][window], truth, 1e-6, &what);
        assert_close(&found["burn_rate"][window], truth / 0.01, 1e-6, &what);
        let (bad, total) = service.events(seconds);
        // Counts are extrapolated where a series begins or ends inside the window.
        if !["newborn", "retired", "churn"].contains(&name) {
            let events = &found["events"][window];
            assert_close(&events["total"], total as f64, 1e-2, &what);
            assert_close(&events["bad"], bad as f64, 1e-2, &what);
        }
    }
    match service.error_ratio(2_592_000) {
        Some(truth) => {
            assert_close(&found["budget_remaining"], 1.0 - truth / 0.01, 1e-6, name);
            assert_eq!(found["exhausted"], json!(truth > 0.01), "{name}");
        }
        None => assert!(found["budget_remaining"].is_null(), "{name}"),
    }
}

#[test]
fn ratios_of_hand_written_slos_equal_the_truth_for_every_kind_of_service() {
    let dir = tempfile::tempdir().expect("a folder");
    let end = this_minute();
    let server = prometheus(dir.path(), &SERVICES.iter().collect::<Vec<_>>(), "", end);
    by_hand(dir.path(), &server.url);
    let at = end.to_string();
    let (exit, found) = status(dir.path(), &["--config", "watchfire.toml", "--at", &at]);
    assert_eq!((exit, &found["verdict"]), (2, &json!("page")), "{found:#}");
    assert_eq!(found["schema"], "watchfire/status/v1");
    assert_eq!(found["slos"].as_array().map(Vec::len), Some(SERVICES.len()));
    for (name, state) in STATES {
        let slo = slo(&found, &format!("{name}/availability"));
        assert_eq!(slo["state"], state, "{slo:#}");
        assert_truth(slo, service(name));
    }
    let burning = slo(&found, "burning/availability");
    assert_eq!(burning["phase"], "burning");
    assert_eq!(
        burning["rules"][0],
        json!({"severity": "page", "long": "1h", "short": "5m", "factor": 14.4, "firing": true, "held_back": null})
    );
    // The worst comes first.
    assert_eq!(found["slos"][0]["id"], "burning/availability");

    let only = [
        "--config",
        "watchfire.toml",
        "--at",
        &at,
        "--service",
        "steady",
    ];
    let (exit, found) = status(dir.path(), &only);
    assert_eq!((exit, found["slos"].as_array().map(Vec::len)), (0, Some(1)));
    let (exit, _) = status(dir.path(), &[&only[..5], &["slow"]].concat());
    assert_eq!(exit, 1);
    let nobody = watchfire(dir.path(), &[&["status"], &only[..5], &["nobody"]].concat());
    assert_eq!(nobody.exit, 3);
    assert!(
        nobody.stderr.contains("no source knows a service `nobody`"),
        "{}",
        nobody.stderr
    );
    // Before the outage began, nothing burned.
    let then = (end - 50 * 60).to_string();
    let (exit, found) = status(
        dir.path(),
        &[
            "--config",
            "watchfire.toml",
            "--at",
            &then,
            "--service",
            "burning",
        ],
    );
    assert_eq!((exit, &found["slos"][0]["state"]), (0, &json!("ok")));
}

/// Asks until every SLO of the rules has been recorded once.
fn until_recorded(dir: &Path, server: &Server, slos: usize) -> Value {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let (_, found) = status(dir, &["--prometheus", &server.url]);
        let rows = found["slos"].as_array().cloned().unwrap_or_default();
        let known = |slo: &Value| {
            let ratios = slo["error_ratio"].as_object().expect("ratios");
            ["idle", "retired"]
                .iter()
                .any(|name| slo["service"] == *name)
                || ratios.values().all(|ratio| !ratio.is_null())
        };
        if rows.len() == slos && rows.iter().all(known) {
            return found;
        }
        assert!(Instant::now() < deadline, "{found:#}");
    }
}

/// What Prometheus itself says to a query at a moment.
fn ask(server: &Server, query: &str, at: &str) -> Option<f64> {
    let address = server.url.trim_start_matches("http://");
    let encoded = encoded(query);
    let answer = crate::server::get(address, &format!("/api/v1/query?time={at}&query={encoded}"))?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    let body: Value = serde_json::from_str(body).ok()?;
    body["data"]["result"][0]["value"][1].as_str()?.parse().ok()
}

/// Waits until every group of rules has been evaluated again: what was recorded before is all there.
fn until_settled(server: &Server) {
    let now = jiff::Timestamp::now().to_string();
    let last = [
        "slo:current_burn_rate:ratio",
        "slo:sli_error:ratio_rate30d",
        "http_requests:burnrate4d6h51m",
    ];
    for record in last {
        let query = format!("min(timestamp({record})) > {}", seconds(&now) + 1.0);
        let deadline = Instant::now() + Duration::from_mins(1);
        while ask(server, &query, &jiff::Timestamp::now().to_string()).is_none() {
            assert!(Instant::now() < deadline, "{query}");
        }
    }
}

/// Unix seconds.
fn seconds(at: &str) -> f64 {
    let at: jiff::Timestamp = at.parse().expect("a time");
    at.as_duration().as_secs_f64()
}

/// Holds the states against the alerts that the rules of both tools have raised; Pyrra's wait two
/// minutes before they fire.
fn assert_alerts_are_the_states(server: &Server, found: &Value) {
    for (name, _) in STATES {
        for (id, raised, severities) in [
            (
                format!("{name}/availability"),
                format!("alertname=\"HighErrorRate\",sloth_service=\"{name}\",sloth_severity"),
                ["page", "ticket"],
            ),
            (
                format!("{name}/{name}-errors"),
                format!("alertname=\"ErrorBudgetBurn\",slo=\"{name}-errors\",severity"),
                ["critical", "warning"],
            ),
        ] {
            let count = |severity: &str| {
                let query = format!("count(ALERTS{{{raised}=\"{severity}\"}})");
                let now = jiff::Timestamp::now().to_string();
                ask(server, &query, &now).unwrap_or(0.0)
            };
            let mine = slo(found, &id)["state"].as_str().expect("a state");
            // An alert is raised a moment after what it is raised by is recorded.
            let deadline = Instant::now() + Duration::from_mins(1);
            loop {
                let state = match severities.map(count) {
                    [page, _] if page > 0.0 => "page",
                    [_, ticket] if ticket > 0.0 => "ticket",
                    _ => "ok",
                };
                if mine.replace("no_data", "ok") == state {
                    break;
                }
                assert!(Instant::now() < deadline, "{id}: {mine}, but {state}");
            }
        }
    }
}

/// Every ratio is the one that Sloth and Pyrra recorded at that moment.
fn assert_ratios_are_the_records(server: &Server, then: &Value, at: &str) {
    for (name, _) in STATES.iter().filter(|(_, state)| *state != "no_data") {
        let found = slo(then, &format!("{name}/availability"));
        let query = format!("slo:current_burn_rate:ratio{{sloth_service=\"{name}\"}}");
        // Where nothing ever failed Sloth records nothing.
        let burn = ask(server, &query, at).unwrap_or(0.0);
        assert_close(&found["burn_rate"]["5m"], burn, 1e-9, &query);
        for window in ["5m", "1h", "6h", "3d"] {
            let query = format!("slo:sli_error:ratio_rate{window}{{sloth_service=\"{name}\"}}");
            let ratio = ask(server, &query, at).unwrap_or(0.0);
            assert_close(&found["error_ratio"][window], ratio, 1e-9, &query);
        }
        let found = slo(then, &format!("{name}/{name}-errors"));
        for window in ["5m", "32m", "1h4m", "6h26m", "4d6h51m"] {
            let query = format!("http_requests:burnrate{window}{{slo=\"{name}-errors\"}}");
            let ratio = ask(server, &query, at).unwrap_or(0.0);
            assert_close(&found["error_ratio"][window], ratio, 1e-9, &query);
        }
    }
}

#[test]
fn slos_of_sloth_and_pyrra_are_found_and_read_as_what_they_are() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut text = String::from("groups:\n");
    for (index, service) in SERVICES.iter().enumerate() {
        text.push_str(&rules::sloth(service.name));
        text.push_str(&rules::pyrra(service.name, index % 2 == 0));
    }
    text.push_str(&rules::pyrra_grouped());
    let end = this_minute();
    let server = prometheus(dir.path(), &SERVICES.iter().collect::<Vec<_>>(), &text, end);
    let found = until_recorded(dir.path(), &server, 3 * SERVICES.len());
    for (name, state) in STATES {
        for id in [
            format!("{name}/availability"),
            format!("{name}/{name}-errors"),
            // Also the group that never failed, of which no ratio is recorded.
            format!("{name}/grouped{{service={name}}}"),
        ] {
            assert_eq!(slo(&found, &id)["state"], state, "{id}");
        }
    }
    let sloth = slo(&found, "steady/availability");
    assert_eq!(
        (&sloth["origin"], &sloth["objective"]),
        (&json!("sloth"), &json!(0.99))
    );
    for (window, _) in WINDOWS {
        assert_close(&sloth["error_ratio"][window], 1.0 / 120.0, 1e-6, window);
    }
    let pyrra = slo(&found, "steady/steady-errors");
    assert_eq!(
        (&pyrra["origin"], &pyrra["period"]),
        (&json!("pyrra"), &json!("30d"))
    );
    let rules = pyrra["rules"].as_array().expect("rules");
    let factors: Vec<_> = rules.iter().map(|rule| rule["factor"].clone()).collect();
    assert_eq!(factors, [14.0, 7.0, 2.0, 1.0]);
    assert_eq!(rules[3]["long"], "4d6h51m");
    for window in [
        "5m", "32m", "1h4m", "2h9m", "6h26m", "1d1h43m", "4d6h51m", "30d",
    ] {
        assert_close(&pyrra["error_ratio"][window], 1.0 / 120.0, 1e-6, window);
        assert_close(&pyrra["burn_rate"][window], 1.0 / 1.2, 1e-6, window);
    }
    // Never failed: nothing is recorded at all, and that reads as 0; without traffic it does not.
    assert_eq!(
        slo(&found, "never/availability")["error_ratio"]["30d"],
        json!(0.0)
    );
    assert_eq!(
        slo(&found, "never/never-errors")["budget_remaining"],
        json!(1.0)
    );
    assert!(slo(&found, "idle/idle-errors")["error_ratio"]["5m"].is_null());
    // Sloth's record of the period is seconds old, and so is not the period: that is counted from the
    // series behind the rule, as Pyrra's is.
    // A record made of records comes an evaluation after them.
    until_settled(&server);
    let at = jiff::Timestamp::now().to_string();
    until_settled(&server);
    let (_, then) = status(dir.path(), &["--prometheus", &server.url, "--at", &at]);
    let mean = r#"slo:sli_error:ratio_rate30d{sloth_id="past-availability"}"#;
    let truth = service("past").error_ratio(2_592_000).expect("events");
    assert!(ask(&server, mean, &at).expect("a record") < truth * 0.98);
    let past = slo(&then, "past/availability");
    assert_close(&past["error_ratio"]["30d"], truth, 1e-2, mean);
    assert!(
        past["notes"].to_string().contains("for less time than"),
        "{past:#}"
    );
    assert_ratios_are_the_records(&server, &then, &at);
    assert_alerts_are_the_states(&server, &found);
    // Before the rules were there, the rules still say what they would have measured.
    let (_, then) = status(
        dir.path(),
        &["--prometheus", &server.url, "--at", &end.to_string()],
    );
    for (name, state) in STATES {
        let sloth = slo(&then, &format!("{name}/availability"));
        assert_eq!(sloth["state"], state, "{sloth:#}");
        for (window, seconds) in WINDOWS {
            if let Some(truth) = service(name).error_ratio(seconds) {
                assert_close(&sloth["error_ratio"][window], truth, 1e-6, window);
            }
        }
    }
    assert_close(
        &slo(&found, "past/past-errors")["error_ratio"]["30d"],
        truth,
        1e-2,
        "past",
    );
}

#[test]
fn a_dead_server_or_a_refused_question_is_unknown_and_says_why() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut server = prometheus(dir.path(), &[service("steady")], "", this_minute());
    let broken = format!(
        "[[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"{}\"\n\
         [[slo]]\nservice = \"steady\"\nname = \"availability\"\nobjective = 99.0\n\
         period = \"30d\"\ntotal = 'http_requests_total'\nbad = 'http_requests_total{{code=\"500\"}}'\n\
         [[slo]]\nservice = \"steady\"\nname = \"many\"\nobjective = 99.0\nperiod = \"30d\"\n\
         total = 'increase(http_requests_total[$window])'\n\
         bad = 'increase(http_requests_total[$window])'\n",
        server.url
    );
    std::fs::write(dir.path().join("watchfire.toml"), broken).expect("the configuration");
    let (exit, found) = status(dir.path(), &["--config", "watchfire.toml"]);
    assert_eq!(
        (exit, &found["verdict"]),
        (3, &json!("unknown")),
        "{found:#}"
    );
    // The good one is not harmed by the bad one in the same batch.
    assert_eq!(
        slo(&found, "steady/availability")["state"],
        "ok",
        "{found:#}"
    );
    assert_eq!(slo(&found, "steady/many")["state"], "unknown");
    let fault = found["sources"][0]["fault"].as_str().expect("a fault");
    assert!(
        fault.contains("steady/many") && fault.contains("sum("),
        "{fault}"
    );

    server.kill();
    let (exit, found) = status(dir.path(), &["--config", "watchfire.toml"]);
    assert_eq!((exit, &found["verdict"]), (3, &json!("unknown")));
    assert_eq!(slo(&found, "steady/availability")["state"], "unknown");
    assert!(slo(&found, "steady/availability")["observed_at"].is_null());
    assert_eq!(found["sources"][0]["freshness"], "down");
    assert!(
        found["sources"][0]["fault"]
            .as_str()
            .is_some_and(|fault| fault.contains("refused"))
    );
}

#[test]
fn firing_alerts_are_incidents_where_there_is_no_alertmanager_also_in_the_past() {
    let dir = tempfile::tempdir().expect("a folder");
    let rules = "groups:\n- name: alerts\n  rules:\n  - alert: ErrorsHigh\n    expr: \
                 sum by (service) (rate(http_requests_total{code=\"500\"}[5m])) > 0.2\n    \
                 labels: { severity: page }\n    annotations: { summary: 'too many errors' }\n  \
                 - alert: Never\n    expr: vector(1) > 2\n";
    let server = prometheus(dir.path(), &[service("burning")], rules, this_minute());
    let deadline = Instant::now() + Duration::from_mins(1);
    let until_seen = |more: &dyn Fn() -> Vec<String>| loop {
        let more = more();
        let args: Vec<&str> = ["--prometheus", &server.url]
            .into_iter()
            .chain(more.iter().map(String::as_str))
            .collect();
        let (_, found) = status(dir.path(), &args);
        if found["incidents"]
            .as_array()
            .is_some_and(|incidents| !incidents.is_empty())
        {
            return found;
        }
        assert!(Instant::now() < deadline, "{found:#}");
    };
    let live = until_seen(&Vec::new);
    let incident = &live["incidents"][0];
    assert_eq!(incident["title"], "too many errors", "{incident:#}");
    assert_eq!(
        (&incident["service"], &incident["severity"]),
        (&json!("burning"), &json!("page"))
    );
    assert_eq!(incident["status"], "triggered");
    assert!(incident["opened_at"].is_string());

    // The list knows of an alert a moment before the series does.
    let then = until_seen(&|| vec!["--at".to_owned(), jiff::Timestamp::now().to_string()]);
    let past = &then["incidents"][0];
    // The series keep no annotations; the same incident all the same.
    assert_eq!(
        (&past["id"], &past["title"]),
        (&incident["id"], &json!("ErrorsHigh")),
        "{past:#}"
    );
    let long_ago = (this_minute() - 86_400).to_string();
    let (_, before) = status(
        dir.path(),
        &["--prometheus", &server.url, "--at", &long_ago],
    );
    assert_eq!(before["incidents"], json!([]));
}
