//! Incidents with a known past: moments, costs and evidence.

use std::sync::Arc;

use super::*;
use crate::domain::past::Steps;
use crate::domain::{Carried, Events, IncidentStatus, Origin, Period, ReleaseStatus, Slo, Window};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
/// Requests in a minute.
const ALL: f64 = 600.0;

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_795_356_000 + minutes * 60).unwrap()
}

/// Errors of each minute from 12 hours before the first to the last.
fn past(until: i64, bad: impl Fn(i64) -> Option<f64>) -> PastEvents {
    let mut slo = Slo::new(
        "checkout",
        "availability",
        SourceName::new("prod"),
        0.999,
        Period::Rolling(Window::days(30)),
        Origin::Config,
    );
    slo.rules = Rule::workbook(slo.period);
    let steps = Steps::new(at(-720), at(until), MINUTE);
    let events = (-720..until).map(|minute| bad(minute).map(|bad| Events { bad, total: ALL }));
    PastEvents {
        events: events.collect(),
        ..PastEvents::unknown(Arc::new(slo), steps)
    }
}

/// A little noise that no rule minds.
fn noise(minute: i64) -> f64 {
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0][usize::try_from(minute.rem_euclid(7)).unwrap()]
}

fn near(found: Option<Change>, truth: i64, slack: i64) {
    let found = found.unwrap_or_else(|| panic!("no change near {truth}"));
    let off = at(truth).duration_until(found.at).as_secs();
    assert!(off.abs() <= slack * 60, "{off} s off {truth}: {found:?}");
    assert!(
        found.earliest <= at(truth + 1) && found.latest >= at(truth - 1),
        "{truth} is not within {found:?}"
    );
}

#[test]
fn rise_and_fall_are_found_to_the_minute_at_any_height_and_length() {
    for (bad, length) in [(600.0, 3), (300.0, 5), (60.0, 15), (30.0, 60), (12.0, 90)] {
        for began in [30, 61, 120] {
            let outage = began..began + length;
            let past = past(300, |minute| {
                Some(noise(minute) + if outage.contains(&minute) { bad } else { 0.0 })
                    .map(|bad| bad.min(ALL))
            });
            let burn = BurnTime::of(&past, (at(0), at(300)));
            near(burn.onset, began, 2);
            near(burn.mitigated, began + length, 2);
            let fired = burn.fired.unwrap();
            assert_eq!(fired.rule.severity, Severity::Page);
            assert!(
                fired.at > at(began) && fired.at <= at(began + length),
                "{fired:?}"
            );
            assert!(burn.cleared.is_none_or(|at_| at_ >= at(began + length)));
        }
    }
}

#[test]
fn of_a_burn_that_comes_and_goes_the_first_rise_and_the_last_fall_count() {
    let past = past(400, |minute| {
        let burns = (60..80).contains(&minute) || (200..230).contains(&minute);
        Some(noise(minute) + if burns { 120.0 } else { 0.0 })
    });
    let burn = BurnTime::of(&past, (at(0), at(400)));
    near(burn.onset, 60, 2);
    near(burn.mitigated, 230, 2);
}

#[test]
fn what_burns_at_the_end_is_not_mitigated_and_calm_has_no_onset() {
    let burning = past(120, |minute| {
        Some(noise(minute) + if minute >= 60 { 60.0 } else { 0.0 })
    });
    let burn = BurnTime::of(&burning, (at(0), at(120)));
    near(burn.onset, 60, 2);
    assert_eq!((burn.mitigated, burn.cleared), (None, None));
    let calm = past(300, |minute| {
        Some(if minute % 100 == 0 { 1.0 } else { 0.0 })
    });
    let burn = BurnTime::of(&calm, (at(0), at(300)));
    assert_eq!((burn.onset, burn.fired, burn.cleared), (None, None, None));
    // A burn that nobody measured is none that was seen.
    let dark = past(300, |_| None);
    let burn = BurnTime::of(&dark, (at(0), at(300)));
    assert_eq!((burn.onset, burn.peak, burn.mitigated), (None, None, None));
    assert!(burn.course.iter().all(|point| point.burn.is_none()));
}

#[test]
fn the_peak_is_the_highest_short_window_within_the_time() {
    let past = past(300, |minute| {
        Some(match minute {
            -30..-20 => 600.0,
            100..105 => 60.0,
            200..260 => 30.0,
            _ => 0.0,
        })
    });
    let peak = BurnTime::of(&past, (at(0), at(300))).peak.unwrap();
    assert_eq!((peak.window, peak.at), (Window::minutes(5), at(105)));
    assert!((peak.burn - 100.0).abs() < 1e-9, "{}", peak.burn);
}

fn row(id: &str, severity: Severity, opened: i64, ends: (Option<i64>, Option<i64>)) -> Incident {
    let (acknowledged, resolved) = ends;
    let status = if resolved.is_some() {
        IncidentStatus::Resolved
    } else {
        IncidentStatus::Triggered
    };
    let mut row = Incident::new(id, id, severity, status);
    row.service = "checkout".into();
    row.opened_at = Some(at(opened));
    row.acknowledged_at = acknowledged.map(at);
    row.acknowledged_by = vec!["mara".into()];
    row.resolved_at = resolved.map(at);
    row
}

fn release(id: &str, version: &str, finished: i64) -> Release {
    Release {
        id: id.into(),
        service: "checkout".into(),
        version: version.into(),
        environment: "production".into(),
        status: ReleaseStatus::Succeeded,
        started_at: None,
        finished_at: Some(at(finished)),
        actor: None,
        commit: None,
        url: None,
        details: Vec::new(),
        carried: Carried::default(),
    }
}

/// An outage of an hour from minute 60 on, seen for five hours.
fn outage() -> PastEvents {
    past(300, |minute| {
        Some(if (60..120).contains(&minute) {
            30.0
        } else {
            0.0
        })
    })
}

fn report<'a>(
    past: &'a PastEvents,
    rows: &'a Rows,
    (service, production): (&'a Untrusted, &'a Production),
) -> IncidentReport<'a> {
    let (from, until) = (at(0), at(300));
    IncidentReport::of(IncidentBasis {
        from,
        until,
        past,
        period: Some(Tally {
            events: Events {
                bad: 2_000.0,
                total: 20_000_000.0,
            },
            known: 1_440,
            of: 1_440,
        }),
        service,
        rows,
        production,
        burn: BurnTime::of(past, (from, until)),
        suspects: Vec::new(),
    })
}

#[test]
fn moments_are_those_of_the_incidents_that_page_and_the_cost_is_that_of_the_events() {
    let source = SourceName::new("am");
    let incidents = [
        // Before the burn, of another service, a ticket: none is of it.
        row("before", Severity::Page, 20, (None, Some(30))),
        row("ticket", Severity::Ticket, 62, (Some(63), None)),
        row("second", Severity::Page, 75, (Some(80), Some(140))),
        row("first", Severity::Page, 65, (None, Some(130))),
    ];
    let mut other = row("other", Severity::Page, 61, (Some(62), None));
    other.service = "cart".into();
    let all = incidents.into_iter().chain([other]);
    let rows = Rows {
        incidents: all.map(|row| (source.clone(), row)).collect(),
        releases: [("r0", "v1", -600), ("r1", "v2", 55), ("r2", "v1", 110)]
            .map(|(id, version, finished)| (source.clone(), release(id, version, finished)))
            .to_vec(),
    };
    let past = outage();
    let (service, production) = ("checkout".into(), Production::default());
    let report = report(&past, &rows, (&service, &production));
    let moment = |moment: &Option<Moment>| moment.as_ref().map(|one| one.at);
    assert_eq!(moment(&report.detected), Some(at(65)));
    assert_eq!(moment(&report.acknowledged), Some(at(80)));
    assert_eq!(moment(&report.recovered), Some(at(140)));
    assert_eq!(report.acknowledged.as_ref().unwrap().who, ["mara".into()]);
    assert_eq!(report.to_acknowledge(), Some(MINUTE * 15));
    assert_eq!(report.incidents.len(), 2);
    let back = report.rollback.as_ref().unwrap();
    assert_eq!(
        (back.at, &back.takes_back[..]),
        (Some(at(110)), &["r1".into()][..])
    );
    assert_eq!(report.releases.len(), 2);
    // 60 minutes of 30 errors, of 20,000 that the period allows.
    assert!((report.whole.tally.events.bad - 1_800.0).abs() < 1e-6);
    assert!((report.whole.of_period.unwrap() - 0.09).abs() < 1e-9);
    assert!((report.whole.of_time.unwrap() - 10.0).abs() < 1e-9);
    let burned = report.burned.unwrap();
    assert!((burned.tally.events.bad - 1_800.0).abs() <= 60.0);
}

#[test]
fn without_incidents_the_alert_rules_say_when_it_was_seen_and_over() {
    let past = outage();
    let rows = Rows::default();
    let (service, production) = ("checkout".into(), Production::default());
    let report = report(&past, &rows, (&service, &production));
    let rule = |moment: &Option<Moment>| matches!(moment.as_ref().unwrap().by, By::Rule(_));
    assert!(rule(&report.detected) && rule(&report.recovered));
    assert!(report.detected.as_ref().unwrap().at < at(90));
    assert!(report.recovered.as_ref().unwrap().at >= at(120));
    assert_eq!(report.acknowledged, None);
    assert_eq!(report.rollback, None);
}

#[test]
fn an_incident_that_is_open_keeps_it_from_being_over() {
    let past = outage();
    let source = SourceName::new("am");
    let rows = Rows {
        incidents: vec![
            (
                source.clone(),
                row("first", Severity::Page, 65, (None, Some(130))),
            ),
            (source, row("open", Severity::Page, 70, (None, None))),
        ],
        releases: Vec::new(),
    };
    let (service, production) = ("checkout".into(), Production::default());
    let report = report(&past, &rows, (&service, &production));
    assert_eq!(report.recovered, None);
    assert_eq!(report.since_onset(None), None);
}

#[test]
fn ratios_alone_have_no_events_to_count_and_gaps_make_an_estimate() {
    let mut past = outage();
    past.counted = false;
    let rows = Rows::default();
    let (service, production) = ("checkout".into(), Production::default());
    let report_ = report(&past, &rows, (&service, &production));
    assert_eq!(report_.whole.of_period, None);
    assert!(report_.whole.of_time.is_some());
    let gaps = self::past(300, |minute| (minute % 10 != 0).then_some(0.0));
    let report = report(&gaps, &rows, (&service, &production));
    assert!(report.whole.is_estimate());
}
