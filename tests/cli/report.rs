//! `report`, against an endpoint with the worked example.

use serde_json::{Value, json};

use super::{answer, configured, dead_url, serve};

const EXAMPLE: &str = include_str!("../fixtures/delivery/worked-example.json");

const PROGRAMS: &str = "\
releases = '.deployments[] | . + {service: \"checkout\"}'
incidents = '.incidents[] | {id, title: \"burns <b>\", service, severity, opened_at, resolved_at}'
";

const TIME: [&str; 6] = [
    "--since",
    "2026-03-01T23:00:00Z",
    "--until",
    "2026-03-15T23:00:00Z",
    "--timezone",
    "Europe/Berlin",
];

fn report(source: &str, options: &[&str]) -> super::Answer {
    let (_folder, file) = configured(source);
    answer(&[&["report", "--config", &file], &TIME[..], options].concat())
}

fn endpoint(url: &str, programs: &str) -> String {
    format!("kind = 'json'\nurl = '{url}'\n{programs}")
}

fn checkout(said: &super::Answer) -> Value {
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    let services = report["services"].as_array().unwrap();
    let is_it = |one: &&Value| one["service"] == "checkout";
    services.iter().find(is_it).unwrap().clone()
}

#[test]
fn the_worked_example_is_reported_to_the_minute() {
    let source = endpoint(&serve("200 OK", EXAMPLE), PROGRAMS);
    let said = report(&source, &["-o", "json"]);
    assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
    let delivery = &checkout(&said)["delivery"];
    let often = &delivery["deployments"];
    assert_eq!((&often["count"], &often["days"]), (&json!(12), &json!(9)));
    assert!((often["per_day"].as_f64().unwrap() - 12.0 / 14.0).abs() < 1e-9);
    assert_eq!(often["median_days_per_week"], 4.5);
    let lead = &delivery["lead_time"];
    let want = json!({"median_s": 16_200, "p90_s": 86_400, "n": 12, "excluded": 1, "head_only": 0,
                      "unknown": 0});
    assert_eq!(lead, &want);
    let fails = &delivery["change_fail_rate"];
    assert!((fails["value"].as_f64().unwrap() - 3.0 / 11.0).abs() < 1e-9);
    assert_eq!(fails["ids"], json!(["d2", "d9", "d11"]));
    assert_eq!((&fails["of"], &fails["pending"]), (&json!(11), &json!(1)));
    let recovery = &delivery["recovery_time"];
    assert_eq!(
        (&recovery["median_s"], &recovery["n"]),
        (&json!(8_100), &json!(2))
    );
    assert_eq!(
        recovery["open"],
        json!([{"id": "d11", "age_s": 59 * 3_600}])
    );
    let rework = &delivery["rework_rate"];
    assert_eq!(rework["ids"], json!(["d3", "d4", "d10"]));
    assert_eq!(rework["value"], 0.25);
    assert_eq!(delivery["attempts"], json!(["d5"]));
}

#[test]
fn without_incidents_failures_are_null_and_without_releases_everything_is() {
    let url = serve("200 OK", EXAMPLE);
    let releases = PROGRAMS.lines().next().unwrap();
    let said = report(&endpoint(&url, releases), &["-o", "json"]);
    let delivery = &checkout(&said)["delivery"];
    assert_eq!(delivery["deployments"]["count"], 12);
    for name in ["value", "failed", "of", "pending", "ids"] {
        assert_eq!(delivery["change_fail_rate"][name], Value::Null, "{name}");
    }
    assert_eq!(delivery["recovery_time"]["open"], Value::Null);
    assert_eq!(delivery["rework_rate"]["count"], 3);

    let incidents = PROGRAMS.lines().nth(1).unwrap();
    let said = report(&endpoint(&url, incidents), &["-o", "json"]);
    assert_eq!(said.status, Some(3));
    let delivery = &checkout(&said)["delivery"];
    assert_eq!(delivery["deployments"]["count"], Value::Null);
    assert_eq!(delivery["rework_rate"]["of"], Value::Null);
}

fn assert_all_null(value: &Value) {
    match value {
        Value::Object(fields) => fields.values().for_each(assert_all_null),
        other => assert_eq!(*other, Value::Null),
    }
}

#[test]
fn a_source_that_is_down_is_blind_all_the_time_and_nothing_is_zero() {
    let source = format!(
        "{}[[service]]\nname = 'checkout'\n",
        endpoint(&dead_url(), PROGRAMS)
    );
    let said = report(&source, &["-o", "json"]);
    assert_eq!(said.status, Some(3));
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    let gap = json!([{"source": "deploys", "from": "2026-03-01T23:00:00Z",
                      "until": "2026-03-15T23:00:00Z"}]);
    assert_eq!(report["blind"], gap);
    assert_all_null(&checkout(&said)["delivery"]);
}

#[test]
fn no_deployment_at_all_is_no_rate_of_zero() {
    let nothing = r#"{"deployments": [], "incidents": []}"#;
    let source = format!(
        "{}[[service]]\nname = 'checkout'\n",
        endpoint(&serve("200 OK", nothing), PROGRAMS)
    );
    let said = report(&source, &[]);
    let row = "| checkout | – | – | – | – | – | – |";
    assert!(said.stdout.contains(row), "{}", said.stdout);
}

#[test]
fn every_service_of_the_configuration_has_a_row_and_an_unknown_one_is_refused() {
    let source = format!(
        "{}[[service]]\nname = 'quiet'\nteam = 'shop'\n[[service]]\nname = 'checkout'\nteam = 'shop'\n",
        endpoint(&serve("200 OK", EXAMPLE), PROGRAMS)
    );
    let said = report(&source, &["-o", "json"]);
    let report_of: Value = serde_json::from_str(&said.stdout).unwrap();
    let names = report_of["services"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|one| one["service"].as_str().unwrap()).collect();
    assert_eq!(names, ["checkout", "quiet", "search"]);
    let team = &report_of["teams"][0];
    assert_eq!(
        (&team["team"], &team["services"]),
        (&json!("shop"), &json!(["checkout"]))
    );
    assert_eq!(team["unknown"], json!(["quiet"]));
    assert_eq!(team["delivery"]["deployments"]["count"], 12);
    let said = report(&source, &["--service", "nobody"]);
    assert_eq!(said.status, Some(3));
    assert!(said.stderr.contains("`nobody`"), "{}", said.stderr);
}

#[test]
fn a_report_is_the_same_in_markdown_and_on_its_page_and_foreign_text_is_only_text() {
    let source = endpoint(&serve("200 OK", EXAMPLE), PROGRAMS);
    let said = report(&source, &[]);
    for line in [
        "# Reliability and delivery: 2026-03-02 00:00 to 2026-03-16 00:00 CET (14d)",
        "| deployment frequency | 0.86 a day | 12 in all, on 9 days, 4.5 days in the median week: d1, d2, d3, d4, d6, d7, d8, d9, d10, d11, d12, d13; failed before users saw it: d5 |",
        "| lead time for changes | 4h 30m | 90 % within 1d; 12 commits; 1 excluded: dated after the deployment |",
        "| change fail rate | 27.3 % | 3 of 11, 1 pending: d2 (i1, i2, rolled back by d3), d9 (i4, i4b, rolled back by d10), d11 (i5) |",
        "| failed deployment recovery time | 2h 15m | 2 of 3, d2 2h, d9 2h 30m; d11 open for 2d 11h |",
        "| rework rate | 25 % | 3 of 12: d3, d4, d10 |",
    ] {
        assert!(said.stdout.contains(line), "{line}\n{}", said.stdout);
    }
    let page = report(&source, &["-o", "html"]).stdout;
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    for part in ["27.3 %", "4h 30m", "<svg", "prefers-color-scheme: dark"] {
        assert!(page.contains(part), "{part}");
    }
    let lower = page.to_lowercase();
    for foreign in [
        "<script",
        "http://",
        "https://",
        "src=",
        "@import",
        "url(",
        "burns <b>",
    ] {
        assert!(!lower.contains(foreign), "{foreign}");
    }
}

#[test]
fn a_time_that_is_none_is_refused() {
    let (_folder, file) =
        configured("kind = 'json'\nurl = 'http://127.0.0.1:1'\nreleases = '.[]'\n");
    let of = |options: &[&str]| answer(&[&["report", "--config", &file], options].concat());
    for (options, word) in [
        (
            &["--since", "2026-02-01", "--until", "2026-01-01"][..],
            "not before the end",
        ),
        (&["--timezone", "Mars/Olympus"], "no time zone"),
        (
            &["--since", "2020-01-01", "--until", "2026-01-01"],
            "two years",
        ),
    ] {
        let said = of(options);
        assert_eq!(said.status, Some(3), "{options:?}");
        assert!(said.stderr.contains(word), "{}", said.stderr);
    }
}
