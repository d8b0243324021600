//! Rows of the past and of the present, gaps, and what a blind source leaves unknown.

use std::sync::Arc;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::*;
use crate::domain::past::Steps;
use crate::domain::{
    Carried, Event, Events, IncidentStatus, Origin, Period, Production, ReleaseStatus, Severity,
    Slo, Turn, What, Window,
};

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_795_305_600 + minutes * 60).unwrap()
}

fn am() -> SourceName {
    SourceName::new("am")
}

fn incident(id: &str, opened: i64, resolved: Option<i64>) -> Incident {
    let status = match resolved {
        Some(_) => IncidentStatus::Resolved,
        None => IncidentStatus::Triggered,
    };
    Incident {
        service: "checkout".into(),
        opened_at: Some(at(opened)),
        resolved_at: resolved.map(at),
        ..Incident::new(id, "it burns", Severity::Page, status)
    }
}

fn release(id: &str, minutes: i64) -> Release {
    Release {
        id: id.into(),
        service: "checkout".into(),
        version: id.into(),
        environment: "production".into(),
        status: ReleaseStatus::Succeeded,
        started_at: None,
        finished_at: Some(at(minutes)),
        actor: None,
        commit: None,
        url: None,
        details: Vec::new(),
        carried: Carried::default(),
    }
}

fn turned(id: &str, turn: Turn, minutes: i64) -> Event {
    Event {
        at: at(minutes),
        seen: at(minutes),
        source: Some(am()),
        service: "checkout".into(),
        subject: id.into(),
        what: What::Incident {
            turn,
            severity: Severity::Page,
            title: "it burns".into(),
            who: Vec::new(),
            by: None,
            last_seen: None,
        },
    }
}

/// When each began and ended, in minutes.
fn times(rows: &Rows) -> Vec<(i64, Option<i64>)> {
    let minutes = |time: Timestamp| (time.as_second() - at(0).as_second()) / 60;
    let rows = rows.incidents.iter();
    rows.map(|(_, row)| {
        (
            minutes(row.opened_at.unwrap()),
            row.resolved_at.map(minutes),
        )
    })
    .collect()
}

#[test]
fn an_alert_that_fired_again_is_an_incident_for_each_time() {
    let told = Rows {
        incidents: vec![(am(), incident("a", 60, None))],
        ..Rows::default()
    };
    let events = [
        turned("a", Turn::Opened, 0),
        turned("a", Turn::Resolved, 10),
        turned("a", Turn::Opened, 60),
        turned("a", Turn::Resolved, 75),
    ];
    let rows = Rows::of_the_past(told, &events);
    assert_eq!(times(&rows), [(60, Some(75)), (0, Some(10))]);
}

#[test]
fn what_is_listed_now_counts_before_what_was_told() {
    let past = Rows {
        releases: vec![(am(), release("r1", 0)), (am(), release("r2", 5))],
        incidents: vec![
            (am(), incident("a", 0, None)),
            (am(), incident("b", 5, None)),
        ],
    };
    let now = Rows {
        releases: vec![(am(), release("r2", 6))],
        incidents: vec![(am(), incident("a", 0, Some(30)))],
    };
    let rows = past.with_present(now);
    let ids: Vec<_> = rows.releases.iter().map(|(_, row)| row.id.raw()).collect();
    assert_eq!(ids, ["r1", "r2"]);
    assert_eq!(rows.releases[1].1.finished_at, Some(at(6)));
    assert_eq!(times(&rows), [(5, None), (0, Some(30))]);
}

#[test]
fn an_incident_that_is_gone_is_not_over() {
    let told = Rows {
        incidents: vec![(am(), incident("a", 0, None))],
        ..Rows::default()
    };
    let rows = Rows::of_the_past(told, &[turned("a", Turn::Gone, 20)]);
    let row = &rows.incidents[0].1;
    assert_eq!((row.status, row.resolved_at), (IncidentStatus::Gone, None));
}

#[test]
fn times_that_touch_are_one() {
    for (times, want) in [
        (vec![], vec![]),
        (vec![(0, 1), (1, 2)], vec![(0, 2)]),
        (vec![(5, 6), (0, 2), (1, 3)], vec![(0, 3), (5, 6)]),
        (vec![(2, 2), (3, 1)], vec![]),
    ] {
        let moments = |all: Vec<(i64, i64)>| {
            let all = all.into_iter().map(|(from, until)| (at(from), at(until)));
            all.collect::<Vec<_>>()
        };
        assert_eq!(merged(moments(times)), moments(want));
    }
}

/// Two days of an SLO of 99.9 % with 100 events a step, a step in five minutes.
fn measured(bad: impl Fn(i64) -> Option<f64>) -> Measured {
    let (from, until) = (at(0), at(2 * 24 * 60));
    let steps = Steps::new(from, until, SignedDuration::from_mins(5));
    let slo = Slo::new(
        "checkout",
        "availability",
        SourceName::new("prod"),
        0.999,
        Period::Rolling(Window::days(30)),
        Origin::Config,
    );
    let count = i64::try_from(steps.len()).unwrap();
    let events = (0..count).map(|step| {
        Some(Events {
            bad: bad(step * 5)?,
            total: 100.0,
        })
    });
    Measured {
        source: SourceName::new("prod"),
        id: slo.id(),
        service: "checkout".into(),
        objective: 0.999,
        past: Ok(PastEvents {
            slo: Arc::new(slo),
            steps,
            events: events.collect(),
            width: SignedDuration::from_mins(5),
            counted: true,
            partial: false,
            newest: None,
            present: None,
            answered: None,
            queries: Vec::new(),
            reasons: Vec::new(),
        }),
    }
}

fn report(rows: Rows, slos: Vec<Measured>, witnesses: Vec<(SourceName, Witness)>) -> Report {
    let production = Production::default();
    Report::of(&Basis {
        terms: Terms {
            from: at(0),
            until: at(2 * 24 * 60),
            zone: &TimeZone::UTC,
            production: &production,
            link_within: SignedDuration::from_hours(24),
            observe: SignedDuration::from_hours(1),
        },
        services: &[],
        only: &[],
        rows,
        burns: Vec::new(),
        unlinked: Vec::new(),
        slos,
        witnesses,
    })
}

#[test]
fn a_share_is_that_of_the_budget_of_the_whole_time() {
    let rows = Rows {
        releases: vec![(am(), release("r1", 0)), (am(), release("r2", 120))],
        incidents: vec![(am(), incident("i", 60, Some(90)))],
    };
    // 57,600 events, of which 57.6 may be bad: 12 in the first hour, 24 in the second.
    let slo = measured(|minute| {
        Some(match minute {
            0..60 => 1.0,
            60..120 => 2.0,
            _ => 0.0,
        })
    });
    let report = report(rows, vec![slo], Vec::new());
    let slo = &report.services[0].slos[0];
    assert_eq!(
        (slo.coverage.to_bits(), slo.is_estimate),
        (1.0_f64.to_bits(), false)
    );
    let near = |got: f64, want: f64| assert!((got - want).abs() < 1e-9, "{got} {want}");
    near(slo.budget_spent().unwrap(), 36.0 / 57.6);
    near(slo.attainment().unwrap(), 1.0 - 36.0 / 57_600.0);
    let spent: Vec<_> = slo.spent_by.iter().map(|one| one.id.raw()).collect();
    assert_eq!(spent, ["r1", "i"]);
    near(slo.spent_by[0].share.unwrap(), 36.0 / 57.6);
    near(slo.spent_by[1].share.unwrap(), 12.0 / 57.6);
}

#[test]
fn what_is_not_known_of_an_slo_is_an_estimate_or_nothing() {
    let half = measured(|minute| (minute >= 24 * 60).then_some(1.0));
    let nothing = measured(|_| None);
    let failed = Measured {
        past: Err("no answer".into()),
        ..measured(|_| None)
    };
    let report = report(Rows::default(), vec![half, nothing, failed], Vec::new());
    let slos = &report.services[0].slos;
    assert!(slos[0].is_estimate && slos[0].why.is_some());
    assert!((slos[0].coverage - 0.5).abs() < 1e-9);
    assert_eq!((slos[1].ratio, slos[1].budget_spent()), (None, None));
    assert_eq!(
        (slos[2].attainment(), slos[2].why.as_ref()),
        (None, Some(&"no answer".into()))
    );
    assert!(report.knows_anything());
}

#[test]
fn a_blind_source_leaves_unknown_what_it_would_have_told() {
    let whole = vec![(at(0), at(2 * 24 * 60))];
    let rows = || Rows {
        releases: vec![(SourceName::new("deploys"), release("r1", 0))],
        incidents: vec![(am(), incident("i", 60, Some(90)))],
    };
    let deploys = |gaps: Vec<_>| {
        let witness = Witness {
            releases: Some(gaps),
            ..Witness::default()
        };
        (SourceName::new("deploys"), witness)
    };
    let alerts = |gaps: Vec<_>| {
        let witness = Witness {
            incidents: Some(gaps),
            ..Witness::default()
        };
        (am(), witness)
    };
    let of = |witnesses| report(rows(), Vec::new(), witnesses);
    let all = of(vec![deploys(Vec::new()), alerts(Vec::new())]);
    assert_eq!(all.blind, []);
    assert_eq!(
        all.services[0]
            .delivery
            .failures
            .as_ref()
            .unwrap()
            .failed
            .len(),
        1
    );
    let blind = of(vec![deploys(Vec::new()), alerts(whole.clone())]);
    let delivery = &blind.services[0].delivery;
    assert_eq!((&delivery.failures, &delivery.recovery), (&None, &None));
    assert!(delivery.deployments.is_some() && blind.blind.len() == 1);
    let blind = of(vec![deploys(whole.clone()), alerts(Vec::new())]);
    assert_eq!(blind.services[0].delivery.deployments, None);
    assert!(!blind.knows_anything());
    // A source of another service is none of this one's.
    let mut other = rows();
    other.releases[0].1.service = "search".into();
    other
        .releases
        .push((SourceName::new("others"), release("r2", 0)));
    let others = (SourceName::new("others"), deploys(Vec::new()).1);
    let report = report(
        other,
        Vec::new(),
        vec![deploys(whole), others, alerts(Vec::new())],
    );
    let checkout = report
        .services
        .iter()
        .find(|one| one.service.raw() == "checkout");
    assert!(checkout.unwrap().delivery.deployments.is_some());
}
