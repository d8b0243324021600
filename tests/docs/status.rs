//! The JSON of the reference against a real status: the same fields, in every object.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use watchfire::domain::slo::{Course, Slice};
use watchfire::domain::{
    Carried, Commit, Events, Facts, Incident, IncidentStatus, Observation, OnCall, Origin, Period,
    Reading, Release, ReleaseStatus, Report, Sample, Severity, Slo, SourceName, Window,
};
use watchfire::print;
use watchfire::print::status::{Scope, Status};
use watchfire::store::{Feed, Offers, Store};

use crate::{blocks, page, schema};

#[test]
fn the_json_that_is_shown_has_the_fields_of_a_real_status() {
    let reference = page("docs/reference/json.md");
    let shown: Value = serde_json::from_str(blocks(&reference, "json")[0]).unwrap();
    let now = Timestamp::from_second(1_795_356_000).unwrap();
    let store = store(now);
    let mut real = Vec::new();
    print::json(&mut real, &Status::of(&store, Scope::default(), None, now)).unwrap();
    let real: Value = serde_json::from_slice(&real).unwrap();
    assert_eq!(schema::faults("status", &real), [""; 0]);
    let (mut shown_fields, mut real_fields) = (BTreeMap::new(), BTreeMap::new());
    fields("", &shown, &mut shown_fields);
    fields("", &real, &mut real_fields);
    assert_eq!(shown_fields, real_fields);
    assert_eq!(shown["schema"], real["schema"]);
}

/// The names of the fields of every object, by its place; windows are no names of fields.
fn fields(place: &str, value: &Value, found: &mut BTreeMap<String, BTreeSet<String>>) {
    match value {
        Value::Object(object) => {
            if ["error_ratio", "burn_rate", "measured_at"].contains(&place) {
                return;
            }
            for (name, value) in object {
                if place != "events" {
                    found
                        .entry(place.to_owned())
                        .or_default()
                        .insert(name.clone());
                }
                let inside = if place == "events" { "count" } else { name };
                fields(inside, value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(place, item, found)),
        _ => {}
    }
}

/// A store with one row of everything.
fn store(now: Timestamp) -> Store {
    let source = SourceName::new("prod");
    let offers = Offers {
        slos: true,
        releases: true,
        incidents: true,
        ..Offers::default()
    };
    let seconds = SignedDuration::from_secs;
    let feed = Feed::new(
        source.clone(),
        "prometheus",
        offers,
        seconds(15),
        seconds(300),
    );
    let mut store = Store::new(vec![feed]);
    store.absorb(Report {
        source: source.clone(),
        at: now,
        latency: SignedDuration::from_millis(12),
        next_try: None,
        outcome: Ok(Facts {
            slos: Some(vec![slo(source, now)]),
            releases: Some(vec![release(now)]),
            incidents: Some(vec![incident()]),
            on_call: Some(vec![shift()]),
            ..Facts::default()
        }),
    });
    store
}

fn shift() -> OnCall {
    OnCall {
        schedule: "shop primary".into(),
        who: "mara".into(),
        services: vec!["checkout".into()],
        ..OnCall::default()
    }
}

fn slo(source: SourceName, at: Timestamp) -> Observation {
    let period = Period::Rolling(Window::days(30));
    let slo = Slo::new(
        "checkout",
        "availability",
        source,
        0.999,
        period,
        Origin::Config,
    );
    let sample = Sample {
        reading: Reading::Ratio(0.0221),
        events: Some(Events {
            bad: 66.3,
            total: 3_000.0,
        }),
        at,
    };
    Observation {
        windows: slo
            .windows()
            .into_iter()
            .map(|window| (window, sample))
            .collect(),
        period: Some(sample),
        courses: Arc::from([course(at)]),
        ..Observation::unknown(Arc::new(slo), at)
    }
}

/// Six hours, the last 20 minutes of which burn.
fn course(at: Timestamp) -> Course {
    let minute = SignedDuration::from_mins(1);
    let slice = |ago: i32| Slice {
        at: at - minute * ago,
        bad: if ago < 20 { 22.0 } else { 0.2 },
        total: 1_000.0,
    };
    Course {
        slices: (0..=360).rev().map(slice).collect(),
        from: at - minute * 360,
        step: minute,
        width: minute,
        counted: true,
    }
}

fn release(now: Timestamp) -> Release {
    Release {
        id: "991".into(),
        service: "checkout".into(),
        version: "v2.31.0".into(),
        environment: "production".into(),
        status: ReleaseStatus::Succeeded,
        started_at: None,
        finished_at: Some(now - SignedDuration::from_mins(24)),
        actor: None,
        commit: None,
        url: None,
        details: Vec::new(),
        carried: Carried {
            commits: Some(vec![Commit {
                sha: "9f3c1d2".into(),
                committed_at: Some(now - SignedDuration::from_hours(3)),
                is_merge: false,
            }]),
            ..Carried::from_ref("main")
        },
    }
}

fn incident() -> Incident {
    Incident {
        service: "checkout".into(),
        alerts: 2,
        ..Incident::new(
            "7",
            "checkout burns its budget",
            Severity::Page,
            IncidentStatus::Triggered,
        )
    }
}
