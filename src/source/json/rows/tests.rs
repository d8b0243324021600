//! How rows are read, and what is told of those that cannot be.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::domain::{
    Events, Incident, IncidentStatus, Observation, OnCall, Period, Reading, Release, ReleaseStatus,
    Severity, SourceName, State, Suppression, Window,
};
use crate::source::severity::Severities;

fn val(value: &Value) -> Val {
    serde_json::from_str(&value.to_string()).unwrap()
}

fn finish<T: Row>(context: T::Context, pages: &[&Value]) -> Finished<T> {
    let mut rows = Rows::new("rows", context);
    for page in pages {
        rows.turn();
        for output in page.as_array().unwrap() {
            if rows.take(&val(output)).is_break() {
                break;
            }
        }
    }
    rows.finish()
}

fn read<T: Row>(outputs: &Value) -> (Vec<T>, Vec<String>)
where
    T::Context: Default,
{
    let finished = finish(T::Context::default(), &[outputs]);
    let warnings = finished.warnings.iter();
    let warnings = warnings.map(|words| words.raw().to_owned());
    (finished.rows, warnings.collect())
}

fn moment() -> Timestamp {
    "2026-11-22T14:00:00Z".parse().unwrap()
}

fn terms() -> Terms {
    Terms {
        source: SourceName::new("trial"),
        program: ".slos[]".into(),
        severities: Severities::default(),
        objective: None,
        period: Period::Rolling(Window::days(30)),
        zone: TimeZone::UTC,
        moment: moment(),
        is_past: false,
        stale_after: SignedDuration::from_mins(5),
    }
}

fn slos(terms: Terms, outputs: &Value) -> (Vec<Observation>, Vec<String>) {
    let finished = finish(terms, &[outputs]);
    let warnings = finished.warnings.iter();
    let warnings = warnings.map(|words| words.raw().to_owned());
    (finished.rows, warnings.collect())
}

fn second(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok()
}

#[test]
fn what_a_release_carries_is_read() {
    let (rows, warnings) = read::<Release>(&json!([
        {"id": 1, "service": "a", "version": "v1", "ref": "hotfix/cart", "labels": ["hotfix", 7],
         "commits": [
            {"sha": "c1", "committed_at": "2026-03-01T09:00:00Z", "merge": false},
            {"sha": "m1", "committed_at": 1_772_541_000, "merge": true},
            {"sha": "c2"},
         ], "title": "Faster carts", "run_id": 77},
        {"id": 2, "service": "a", "version": "v2", "commits": [], "labels": "one", "head_only": true},
        {"id": 3, "service": "a", "version": "v3", "commits": null},
    ]));
    assert_eq!(warnings, [""; 0]);
    let carried = &rows[0].carried;
    assert_eq!(carried.git_ref, Some("hotfix/cart".into()));
    assert_eq!(carried.labels, ["hotfix".into(), "7".into()]);
    assert_eq!(carried.run, Some("77".into()));
    let commits = carried.commits.as_ref().unwrap().iter();
    let commits: Vec<_> = commits
        .map(|one| (one.sha.raw(), one.committed_at, one.is_merge))
        .collect();
    assert_eq!(
        commits,
        [
            ("c1", "2026-03-01T09:00:00Z".parse().ok(), false),
            ("m1", "2026-03-03T12:30:00Z".parse().ok(), true),
            ("c2", None, false),
        ]
    );
    assert_eq!(rows[0].details, [("title".into(), "Faster carts".into())]);
    assert_eq!(rows[1].carried.commits, Some(Vec::new()));
    assert_eq!(rows[1].carried.labels, ["one".into()]);
    assert!(rows[1].carried.is_head_only);
    assert_eq!(rows[2].carried.commits, None);
}

#[test]
fn a_commit_that_cannot_be_read_is_told_of() {
    let (rows, warnings) = read::<Release>(&json!([
        {"id": 1, "service": "a", "version": "v1",
         "commits": [{"committed_at": "2026-03-01T09:00:00Z"}, "c2", {"sha": "c3", "committed_at": "x"}]},
    ]));
    assert_eq!(rows[0].carried.commits.as_ref().unwrap().len(), 1);
    assert_eq!(
        warnings,
        ["rows: 3 values not understood: row 1 `commits` has a commit without `sha`"]
    );
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
    assert_eq!(
        warnings,
        ["rows: 1 values not understood: row 1 `status` is \"levitating\""]
    );
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
    assert_eq!(rows[1].severity, Severity::Ticket);
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

#[test]
fn a_row_of_an_earlier_page_is_left_out_silently_and_one_of_the_same_page_is_told() {
    let row = |id: u8| json!({"id": id, "title": "t", "severity": "page"});
    let first = json!([row(1), row(2)]);
    let second = json!([row(2), row(3)]);
    let finished = finish::<Incident>(Severities::default(), &[&first, &second]);
    assert_eq!((finished.rows.len(), finished.mapping.repeated), (3, 1));
    assert!(finished.warnings.is_empty() && !finished.is_puzzled);
    let twice = json!([row(1), row(1)]);
    let finished = finish::<Incident>(Severities::default(), &[&twice]);
    assert_eq!((finished.mapping.kept, finished.mapping.dropped), (1, 1));
    assert_eq!(finished.warnings.len(), 1);
}

#[test]
fn a_dropped_row_is_told_with_its_reason_and_as_it_was_emitted() {
    let rows = json!([{"id": 1}, {"id": 2, "title": "t", "opened_at": "soon"}, 7]);
    let finished = finish::<Incident>(Severities::default(), &[&rows]);
    let drops: Vec<_> = finished
        .mapping
        .drops
        .iter()
        .map(|drop| (drop.row, drop.reason.raw(), drop.raw.raw()))
        .collect();
    assert_eq!(
        drops,
        [(1, "lacks `title`", "{\"id\":1}"), (3, "is no object", "7")]
    );
    let misreads: Vec<_> = finished
        .mapping
        .misreads
        .iter()
        .map(Untrusted::raw)
        .collect();
    assert_eq!(misreads, ["row 2 `opened_at` is \"soon\""]);
    assert!(finished.is_puzzled);
    let many = json!(vec![json!({"id": 1}); 100]);
    let mapping = finish::<Incident>(Severities::default(), &[&many]).mapping;
    assert_eq!((mapping.dropped, mapping.drops.len()), (100, MAX_WORDS));
    let long = json!([{"id": "x".repeat(10_000)}]);
    let mapping = finish::<Incident>(Severities::default(), &[&long]).mapping;
    assert_eq!(mapping.drops[0].raw.raw().chars().count(), MAX_RAW + 1);
}

#[test]
fn an_incident_says_who_took_it_whom_it_concerns_and_until_when_it_is_silent() {
    let (rows, warnings) = read::<Incident>(&json!([
        {"id": 1, "title": "t", "acknowledged_by": "mara", "teams": ["shop", "pay"],
         "silenced_until": 1_763_820_091, "severity": "sev1"},
        {"id": 2, "title": "t", "status": "snoozed", "severity": "odd"},
        {"id": 3, "title": "t", "status": "ack", "silenced_until": null, "teams": null},
    ]));
    assert_eq!(
        warnings,
        [
            "severity `odd` is not known; map it under `severities`",
            "1 row has no severity and is a ticket; map `\"\"` under `severities`",
        ]
    );
    let severities: Vec<_> = rows.iter().map(|row| row.severity).collect();
    assert_eq!(
        severities,
        [Severity::Page, Severity::Ticket, Severity::Ticket]
    );
    assert_eq!(rows[0].acknowledged_by, ["mara".into()]);
    assert_eq!(rows[0].teams, ["shop".into(), "pay".into()]);
    assert_eq!(rows[0].silenced_until, second(1_763_820_091));
    for row in &rows[..2] {
        assert_eq!(row.status, IncidentStatus::Silenced);
        assert_eq!(row.suppression, Some(Suppression::Silence));
    }
    assert_eq!(rows[2].suppression, None);
    assert!(rows[0].details.is_empty());
}

#[test]
fn a_shift_is_read_and_needs_nothing_but_who_has_it() {
    let (rows, warnings) = read::<OnCall>(&json!([
        {"schedule": "shop primary", "who": "mara", "from": "2026-11-22T08:00:00Z",
         "until": "2026-11-22T18:00:00Z", "level": 1, "services": ["checkout"]},
        {"who": "lee"},
        {"schedule": "shop primary"},
    ]));
    assert_eq!(rows.len(), 2);
    assert!(rows[0].is_now(moment()) && rows[0].level == Some(1));
    assert_eq!(rows[0].services, ["checkout".into()]);
    assert_eq!(warnings, ["rows: 1 of 3 rows dropped: row 3 lacks `who`"]);
}

/// Rows in the words of `status --format json`.
#[test]
fn an_slo_is_read_with_the_field_names_of_status() {
    let (rows, warnings) = slos(
        terms(),
        &json!([{
            "id": "checkout/availability", "service": "checkout", "name": "availability",
            "objective": 0.999, "period": "30d", "observed_at": "2026-11-22T13:59:30Z",
            "error_ratio": {"5m": 0.0221, "30m": 0.02, "1h": 0.0184, "2h": 0.01, "6h": 0.0041,
                            "1d": 0.001, "3d": 0.001, "30d": 0.00069},
            "events": {"5m": {"bad": 66.3, "total": 3000.0}, "1h": null, "30d": null},
            "state": "ok", "budget_remaining": 0.31,
        }]),
    );
    assert_eq!(warnings, [""; 0]);
    let seen = &rows[0];
    assert_eq!(seen.slo.id().raw(), "checkout/availability");
    assert_eq!(seen.windows.len(), 7);
    let five = seen.windows.get(Window::minutes(5)).unwrap();
    assert_eq!(five.reading, Reading::Ratio(0.0221));
    let events = Events {
        bad: 66.3,
        total: 3000.0,
    };
    assert_eq!(five.events, Some(events));
    assert_eq!(seen.period.unwrap().reading, Reading::Ratio(0.00069));
    assert_eq!(seen.at, "2026-11-22T13:59:30Z".parse().unwrap());
    // The verdict is computed here, whatever the row says of it.
    assert_eq!(seen.assess().state, State::Page);
}

#[test]
fn a_window_that_is_not_given_is_unknown_and_never_well() {
    let promise = json!({"service": "a", "name": "b", "objective": 99.9});
    let with = |key: &str, value: Value| {
        let mut row = promise.clone();
        row[key] = value;
        json!([row])
    };
    for row in [
        json!([promise]),
        with("error_ratio", json!({})),
        with("error_ratio", json!({"5m": 0, "1h": 0})),
        with("error_ratio", json!({"5m": null, "1h": null, "6h": 0})),
        with("error_ratio", json!(0)),
        with("events", json!({"5m": {"bad": 0, "total": 10}})),
    ] {
        let (rows, _) = slos(terms(), &row);
        assert_eq!(rows[0].assess().state, State::Unknown, "{row}");
        assert_eq!(rows[0].windows.len(), 7);
        assert_eq!(rows[0].period.unwrap().reading, Reading::Unknown);
    }
}

#[test]
fn numbers_that_cannot_be_are_unknown_and_told() {
    for (ratios, events, want) in [
        (
            json!({"5m": -0.1}),
            json!(null),
            "`error_ratio.5m` is no ratio from 0 to 1",
        ),
        (
            json!({"5m": 99.9}),
            json!(null),
            "`error_ratio.5m` is no ratio",
        ),
        (
            json!({"5m": "many"}),
            json!(null),
            "`error_ratio.5m` is no ratio",
        ),
        (
            json!({"soon": 0.1, "5m": 0}),
            json!(null),
            "`error_ratio.soon` is of no window",
        ),
        (
            json!({"7m": 0.1}),
            json!(null),
            "has none of the windows that rules need: 5m, 30m",
        ),
        (json!([1]), json!(null), "`error_ratio` is an array"),
        (
            json!(null),
            json!({"5m": {"bad": 5, "total": 2}}),
            "has more bad events than events",
        ),
        (
            json!(null),
            json!({"5m": {"bad": 5}}),
            "`events.5m` lacks a count",
        ),
        (json!(null), json!({"5m": 5}), "`events.5m` is no object"),
    ] {
        let row = json!([{"service": "a", "name": "b", "objective": 0.9, "error_ratio": ratios,
                          "events": events}]);
        let (rows, warnings) = slos(terms(), &row);
        let whole = warnings.join("; ");
        assert!(whole.contains(want), "{row}: {whole}");
        assert_eq!(rows[0].assess().state, State::Unknown);
    }
}

#[test]
fn events_without_a_ratio_make_one_and_no_events_are_no_traffic() {
    let (rows, warnings) = slos(
        terms(),
        &json!([{"service": "a", "name": "b", "objective": 0.9,
                 "events": {"5m": {"bad": 1, "total": 4}, "1h": {"bad": 0, "total": 0}},
                 "error_ratio": {"6h": "NaN", "2h": "0.5"}}]),
    );
    assert_eq!(warnings, [""; 0]);
    let reading = |window| rows[0].reading(window);
    assert_eq!(reading(Window::minutes(5)), Reading::Ratio(0.25));
    assert_eq!(reading(Window::hours(1)), Reading::NoTraffic);
    assert_eq!(reading(Window::hours(6)), Reading::NoTraffic);
    assert_eq!(reading(Window::hours(2)), Reading::Ratio(0.5));
}

#[test]
fn an_slo_without_a_promise_is_dropped_unless_the_settings_make_it() {
    for (row, want) in [
        (json!({"service": "a", "name": "b"}), "lacks `objective`"),
        (
            json!({"service": "a", "name": "b", "objective": 1}),
            "has the `objective` 1",
        ),
        (
            json!({"service": "a", "name": "b", "objective": 100}),
            "has the `objective` 100",
        ),
        (
            json!({"service": "a", "name": "b", "objective": 0}),
            "has the `objective` 0",
        ),
        (json!({"service": "a", "objective": 0.9}), "lacks `name`"),
        (json!({"name": "b", "objective": 0.9}), "lacks `service`"),
        (
            json!({"service": "a", "name": "b", "objective": 0.9, "period": "soon"}),
            "`period`",
        ),
        (
            json!({"service": "a", "name": "b", "objective": 0.9, "rules": [{"severity": "page"}]}),
            "has a rule whose `long`",
        ),
    ] {
        let (rows, warnings) = slos(terms(), &json!([row]));
        assert!(
            rows.is_empty() && warnings[0].contains(want),
            "{row}: {warnings:?}"
        );
    }
    let given = Terms {
        objective: Some(0.99),
        period: Period::Month,
        ..terms()
    };
    let ratios = json!({"month": 0.005});
    let (rows, _) = slos(given, &json!([{"id": "a/b", "error_ratio": ratios}]));
    assert_eq!(
        (rows[0].slo.objective, rows[0].slo.period),
        (0.99, Period::Month)
    );
    assert_eq!(rows[0].period.unwrap().reading, Reading::Ratio(0.005));
    assert_eq!(
        rows[0].period_elapsed,
        SignedDuration::from_hours(21 * 24 + 14)
    );
}

#[test]
fn rules_of_the_endpoint_count() {
    let (rows, warnings) = slos(
        terms(),
        &json!([{"service": "a", "name": "b", "objective": 99, "min_bad_events": 2,
                 "rules": [{"severity": "page", "long": "30m", "short": "2m", "factor": 10}],
                 "error_ratio": {"30m": 0.2, "2m": 0.2}},
                {"service": "a", "name": "c", "objective": 99, "rules": [],
                 "error_ratio": {"5m": 0, "1h": 0}}]),
    );
    assert_eq!(warnings, [""; 0]);
    assert_eq!(rows[0].assess().state, State::Page);
    assert!((rows[0].slo.min_bad_events - 2.0).abs() < f64::EPSILON);
    assert!(rows[1].slo.rules.is_empty());
}

#[test]
fn old_numbers_are_no_numbers_of_now() {
    let row = |at: &str| {
        json!([{"service": "a", "name": "b", "objective": 0.9, "observed_at": at,
                "error_ratio": {"5m": 0, "1h": 0, "30m": 0, "6h": 0, "2h": 0, "1d": 0, "3d": 0,
                                "30d": 0}}])
    };
    let (rows, warnings) = slos(terms(), &row("2026-11-22T13:58:00Z"));
    assert_eq!((rows[0].assess().state, warnings.len()), (State::Ok, 0));
    let (rows, warnings) = slos(terms(), &row("2026-11-22T13:50:00Z"));
    assert_eq!(rows[0].assess().state, State::Unknown);
    assert!(warnings[0].contains("10m ago"), "{warnings:?}");
    // A clock that is ahead makes them new.
    let (rows, _) = slos(terms(), &row("2026-11-22T14:03:00Z"));
    assert_eq!((rows[0].assess().state, rows[0].at), (State::Ok, moment()));
    let past = Terms {
        is_past: true,
        ..terms()
    };
    let (rows, warnings) = slos(past, &row("2026-11-22T14:03:00Z"));
    assert!(rows.is_empty() && warnings[0].contains("later moment"));
}
