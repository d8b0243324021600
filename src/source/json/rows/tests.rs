//! How rows are read, and what is told of those that cannot be.

use serde_json::{Value, json};

use super::*;

fn read<T: Row>(outputs: &Value) -> (Vec<T>, Vec<String>) {
    let mut rows = Rows::new();
    for output in outputs.as_array().unwrap() {
        let output: Val = serde_json::from_str(&output.to_string()).unwrap();
        if rows.take(&output).is_break() {
            break;
        }
    }
    let (rows, warnings) = rows.finish("rows");
    let warnings = warnings.iter().map(|words| words.raw().to_owned());
    (rows, warnings.collect())
}

fn second(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok()
}

#[test]
fn a_whole_release_is_read_whole() {
    let (rows, warnings) = read::<Release>(&json!([{
        "id": 991, "service": "checkout", "version": 2.31, "environment": "production",
        "status": "Rolled_Back", "started_at": "2026-11-22T13:41:00Z",
        "finished_at": 1_795_354_980_000_i64, "actor": "mara", "commit": "9f3c1d2",
        "url": "https://deploys.example/991", "unknown": {"is": "left out"},
    }]));
    assert_eq!(warnings, [""; 0]);
    let row = &rows[0];
    assert_eq!((row.id.raw(), row.version.raw()), ("991", "2.31"));
    assert_eq!(row.status, ReleaseStatus::RolledBack);
    assert_eq!(row.started_at, "2026-11-22T13:41:00Z".parse().ok());
    assert_eq!(row.finished_at, second(1_795_354_980));
    assert_eq!(
        row.url.as_ref().unwrap().raw(),
        "https://deploys.example/991"
    );
}

#[test]
fn what_is_optional_may_be_null_or_absent_and_an_unknown_status_is_unknown() {
    let (rows, warnings) = read::<Release>(&json!([
        {"id": "a", "service": "x", "version": "1", "status": "levitating", "actor": null,
         "environment": null, "started_at": null, "url": null, "commit": ""},
        {"id": "b", "service": "x", "version": "1"},
    ]));
    assert_eq!(warnings, [""; 0]);
    for row in rows {
        assert_eq!(row.status, ReleaseStatus::Unknown);
        assert!(row.actor.is_none() && row.url.is_none() && row.commit.is_none());
        assert!(row.started_at.is_none() && row.environment.is_empty());
    }
}

#[test]
fn a_row_without_identity_is_dropped_and_named() {
    let good = json!({"id": 1, "service": "x", "version": "1"});
    let (rows, warnings) = read::<Release>(&json!([
        good,
        {"id": 2, "service": "x"},
        {"service": "x", "version": "1"},
        {"id": {"a": 1}, "service": "x", "version": "1"},
        {"id": 5, "service": " ", "version": "1"},
        good,
        "text",
        [good],
    ]));
    assert_eq!(rows.len(), 1);
    assert_eq!(
        warnings,
        [
            "rows: 7 of 8 rows dropped: row 2 lacks `version`",
            "rows: 1 values not understood: row 4 `id` is an object",
        ]
    );
    let (_, warnings) = read::<Release>(&json!([[good]]));
    assert!(warnings[0].ends_with("row 1 is an array; end the program with `[]`"));
    let (_, warnings) = read::<Release>(&json!([good, good]));
    assert!(warnings[0].ends_with("row 2 has the `id` of an earlier one"));
}

#[test]
fn times_are_texts_seconds_or_milliseconds() {
    for (time, want) in [
        (json!("2025-11-22T14:01:31Z"), second(1_763_820_091)),
        (json!("2025-11-22T15:01:31+01:00"), second(1_763_820_091)),
        (json!(1_763_820_091), second(1_763_820_091)),
        (json!(1_763_820_091_000_i64), second(1_763_820_091)),
        (json!("1763820091"), second(1_763_820_091)),
        (json!(" 1763820091000 "), second(1_763_820_091)),
        (json!(1_763_820_091.0), second(1_763_820_091)),
        (json!(0), second(0)),
    ] {
        let row = json!([{"id": 1, "service": "x", "version": "1", "started_at": time}]);
        let (rows, warnings) = read::<Release>(&row);
        assert_eq!((rows[0].started_at, warnings.len()), (want, 0), "{time}");
    }
    for time in [
        json!("yesterday"),
        json!("2025-11-22 14:01:31"),
        json!(1e300),
        json!(true),
        json!([1]),
    ] {
        let row = json!([{"id": 1, "service": "x", "version": "1", "started_at": time}]);
        let (rows, warnings) = read::<Release>(&row);
        assert_eq!(rows[0].started_at, None, "{time}");
        assert!(
            warnings[0].contains("row 1 `started_at` is "),
            "{warnings:?}"
        );
    }
}

#[test]
fn an_incident_is_read_with_all_that_its_row_says() {
    let (rows, warnings) = read::<Incident>(&json!([{
        "id": "I1", "title": "checkout burns", "service": "checkout", "severity": "critical",
        "status": "investigating", "opened_at": 1_763_820_091, "acknowledged_at": null,
        "assignees": ["mara", "lee"], "url": "javascript:alert(1)", "runbook": "see the wiki",
        "impact": "major", "customers": 12, "public": true, "nested": {"left": "out"},
    }, {"id": "I2", "title": "t", "assignees": "mara", "resolved_at": 1_763_820_091}]));
    let row = &rows[0];
    assert_eq!(row.severity, Severity::Page);
    assert_eq!(row.status, IncidentStatus::Acknowledged);
    let who: Vec<_> = row.assignees.iter().map(Untrusted::raw).collect();
    assert_eq!(who, ["mara", "lee"]);
    let details: Vec<_> = row
        .details
        .iter()
        .map(|(k, v)| (k.raw(), v.raw()))
        .collect();
    assert_eq!(
        details,
        [("customers", "12"), ("impact", "major"), ("public", "true")]
    );
    assert_eq!(row.url, None);
    assert!(
        warnings[0].contains("`url` is \"javascript:alert(1)\""),
        "{warnings:?}"
    );
    assert_eq!(rows[1].status, IncidentStatus::Resolved);
    assert_eq!(rows[1].assignees.len(), 1);
    assert_eq!(rows[1].severity, Severity::Info);
}

#[test]
fn rows_and_their_text_are_bounded_and_the_cut_is_told() {
    let many: Vec<Value> = (0..=MAX_ROWS)
        .map(|id| json!({"id": id, "service": "x", "version": "1"}))
        .collect();
    let (rows, warnings) = read::<Release>(&json!(many));
    assert_eq!(rows.len(), MAX_ROWS);
    assert!(warnings[0].starts_with("rows: first 5000 of more rows"));

    let long = "x".repeat(MAX_TEXT / 2);
    let large: Vec<Value> = (0..10)
        .map(|id| json!({"id": id, "service": long, "version": "1"}))
        .collect();
    let (rows, warnings) = read::<Release>(&json!(large));
    assert_eq!(rows.len(), 2);
    assert!(warnings[0].starts_with("rows: first 2 of more rows"));
}
