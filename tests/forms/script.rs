//! Two hours as two sources tell them. What stands here was written into files that are kept: a file
//! of another form gets a script of its own where it has more to hold.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use watchfire::domain::slo::{Course, Slice};
use watchfire::domain::{
    Event, Events, Facts, Fault, FaultKind, Incident, IncidentStatus, Matcher, Observation, OnCall,
    Origin, Period, Reading, Release, ReleaseStatus, Sample, Severity, Silence, Slo, SourceName,
    What, Window,
};
use watchfire::store::{Feed, Heard, Offers};

pub(crate) const PROM: &str = "prom";
pub(crate) const DUTY: &str = "duty";
pub(crate) const SOURCES: [&str; 2] = [PROM, DUTY];
/// The last minute.
pub(crate) const LAST: i64 = 120;
/// The minute of which a hand-over was made.
pub(crate) const HANDED_OVER: i64 = 60;

pub(crate) fn at(minute: i64) -> Timestamp {
    let noon: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    noon + SignedDuration::from_mins(minute)
}

pub(crate) fn feeds() -> Vec<Feed> {
    let feed = |source: &str| {
        let offers = Offers {
            slos: source == PROM,
            releases: source == DUTY,
            incidents: source == DUTY,
            ..Offers::default()
        };
        let (interval, down) = (SignedDuration::from_mins(1), SignedDuration::from_mins(5));
        Feed::new(SourceName::new(source), "json", offers, interval, down)
    };
    SOURCES.map(feed).into()
}

pub(crate) fn fault() -> Fault {
    Fault::new(
        FaultKind::Timeout,
        "no answer within 10s; see whether it runs",
    )
}

/// What a source says at a minute; the second one is lost for ten.
pub(crate) fn heard(source: &str, now: i64) -> Heard {
    let is_lost = source == DUTY && (90..100).contains(&now);
    Heard {
        source: SourceName::new(source),
        at: at(now),
        latency: SignedDuration::from_millis(20),
        next_try: Some(at(now + 1)),
        outcome: if is_lost {
            Err(fault())
        } else {
            Ok(Arc::new(facts(source, now)))
        },
    }
}

/// What was done here, at minute 51.
pub(crate) fn done() -> Event {
    Event {
        at: at(51),
        seen: at(51),
        source: Some(SourceName::new(DUTY)),
        service: "checkout".into(),
        subject: "i1".into(),
        what: What::Done {
            verb: "ack".into(),
            target: "checkout burns".into(),
            who: "mara".into(),
            result: "done".to_owned(),
            said: "".into(),
        },
    }
}

pub(crate) fn facts(source: &str, now: i64) -> Facts {
    if source == PROM {
        return Facts {
            slos: Some(vec![checkout(now), search(now)]),
            warnings: vec!["2 of 3 stores answered".into()],
            ..Facts::default()
        };
    }
    Facts {
        releases: Some((now >= 30).then(|| release(now)).into_iter().collect()),
        incidents: Some(incidents(now)),
        silences: Some(vec![silence()]),
        on_call: Some(vec![on_call()]),
        ..Facts::default()
    }
}

/// It burns from minute 40 to 70, and its courses are known then.
pub(crate) fn checkout(now: i64) -> Observation {
    let burns = (40..70).contains(&now);
    let seen = measured(("checkout", "availability"), now, burns);
    let courses = if burns { vec![course(now)] } else { Vec::new() };
    Observation {
        courses: courses.into(),
        since: Some(at(now) - SignedDuration::from_hours(7 * 24)),
        ..seen
    }
}

/// Always calm.
pub(crate) fn search(now: i64) -> Observation {
    Observation {
        partial: true,
        ..measured(("search", "latency"), now, false)
    }
}

fn measured((service, name): (&str, &str), now: i64, burns: bool) -> Observation {
    let slo = Slo::new(
        service,
        name,
        SourceName::new(PROM),
        0.999,
        Period::Rolling(Window::days(30)),
        Origin::Config,
    );
    let unknown = Observation::unknown(Arc::new(slo), at(now));
    let reading = |window: Window| {
        if window == Window::days(3) {
            Reading::NoTraffic
        } else {
            Reading::Ratio(if burns { 0.022 } else { 0.0002 })
        }
    };
    let sample = |reading| Sample {
        reading,
        events: None,
        at: at(now),
    };
    // Each minute is another, and only a number that changed is kept anew.
    let bad = f64::from(250 + i32::try_from(now).unwrap());
    let windows = unknown.windows.keys();
    Observation {
        windows: windows
            .map(|window| (window, sample(reading(window))))
            .collect(),
        period: Some(Sample {
            events: Some(Events {
                bad,
                total: 1_000_000.0,
            }),
            ..sample(Reading::Ratio(bad / 1e6))
        }),
        ..unknown
    }
}

/// The last half an hour by the minute.
fn course(now: i64) -> Course {
    let step = SignedDuration::from_mins(1);
    let slice = |minute: i64| Slice {
        at: at(minute),
        bad: if minute < 38 { 0.2 } else { 22.0 },
        total: 1_000.0,
    };
    Course {
        slices: (now - 30..=now).map(slice).collect(),
        from: at(now - 30),
        step,
        width: step,
        counted: true,
    }
}

/// It began at minute 30 and arrived five later.
fn release(now: i64) -> Release {
    let is_done = now >= 35;
    Release {
        id: "r1".into(),
        service: "checkout".into(),
        version: "v2.31.0".into(),
        environment: "production".into(),
        status: if is_done {
            ReleaseStatus::Succeeded
        } else {
            ReleaseStatus::Running
        },
        started_at: Some(at(30)),
        finished_at: is_done.then(|| at(35)),
        actor: Some("lee".into()),
        commit: Some("0a1b2c3d".into()),
        url: Some("https://deploys.example/r1".into()),
        details: vec![("image".into(), "checkout:2.31.0".into())],
        carried: watchfire::domain::Carried::default(),
    }
}

/// One that opens at minute 42, is taken at 50 and over at 75, and one that is not listed any more
/// from minute 20 on.
fn incidents(now: i64) -> Vec<Incident> {
    let mut all = Vec::new();
    if now >= 42 {
        let status = match now {
            ..50 => IncidentStatus::Triggered,
            50..75 => IncidentStatus::Acknowledged,
            _ => IncidentStatus::Resolved,
        };
        all.push(Incident {
            service: "checkout".into(),
            opened_at: Some(at(42)),
            acknowledged_at: (now >= 50).then(|| at(50)),
            acknowledged_by: if now >= 50 {
                vec!["mara".into()]
            } else {
                Vec::new()
            },
            resolved_at: (now >= 75).then(|| at(75)),
            assignees: vec!["mara".into()],
            ..Incident::new("i1", "checkout burns", Severity::Page, status)
        });
    }
    if now < 20 {
        let status = IncidentStatus::Triggered;
        all.push(Incident::new("i2", "old disk", Severity::Ticket, status));
    }
    all
}

fn silence() -> Silence {
    Silence {
        id: "s1".into(),
        matchers: vec![Matcher::equal("service", "batch")],
        created_by: "lee".into(),
        comment: "until the import is through".into(),
        starts_at: at(0),
        ends_at: at(600),
    }
}

fn on_call() -> OnCall {
    OnCall {
        schedule: "payments".into(),
        who: "mara".into(),
        from: None,
        until: Some(at(480)),
        level: Some(1),
        services: vec!["checkout".into()],
    }
}
