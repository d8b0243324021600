//! The script of the shift: what each source says at each minute from 05:00 on.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use watchfire::domain::slo::{Course, Slice};
use watchfire::domain::{
    Facts, Fault, FaultKind, Incident, IncidentStatus, Matcher, Observation, Origin, Period,
    Reading, Release, ReleaseStatus, Sample, Severity, Silence, Slo, SourceName, State, Window,
};
use watchfire::store::{Feed, Heard, Offers};

pub(crate) const PROD: &str = "prod";
pub(crate) const GITHUB: &str = "github";
pub(crate) const AM: &str = "am";
pub(crate) const SOURCES: [&str; 3] = [PROD, GITHUB, AM];

/// The last minute: 14:00.
pub(crate) const LAST: i64 = 9 * 60;

/// So many minutes after 05:00.
pub(crate) fn at(minute: i64) -> Timestamp {
    clock("05:00") + SignedDuration::from_mins(minute)
}

/// A time of that day.
pub(crate) fn clock(time: &str) -> Timestamp {
    format!("2026-11-22T{time}:00Z").parse().unwrap()
}

/// The minute of a time of that day.
fn minute(time: &str) -> i64 {
    clock("05:00").duration_until(clock(time)).as_mins()
}

fn is_within(now: i64, from: &str, to: &str) -> bool {
    (minute(from)..minute(to)).contains(&now)
}

pub(crate) fn feeds() -> Vec<Feed> {
    let none = Offers::default();
    let offers = |source| match source {
        PROD => Offers { slos: true, ..none },
        GITHUB => Offers {
            releases: true,
            ..none
        },
        _ => Offers {
            incidents: true,
            ..none
        },
    };
    let feed = |source| {
        Feed::new(
            SourceName::new(source),
            "json",
            offers(source),
            SignedDuration::from_mins(1),
            SignedDuration::from_mins(5),
        )
    };
    SOURCES.map(feed).into()
}

/// What a source says at a minute; nothing while nobody asks.
pub(crate) fn heard(source: &str, now: i64) -> Option<Heard> {
    if is_within(now, "12:00", "12:30") {
        return None;
    }
    Some(Heard {
        source: SourceName::new(source),
        at: at(now),
        latency: SignedDuration::from_millis(20),
        next_try: None,
        outcome: if is_dead(source, now) {
            let words = "no answer within 10s; see whether it runs";
            Err(Fault::new(FaultKind::Timeout, words))
        } else {
            Ok(Arc::new(facts(source, now)))
        },
    })
}

fn is_dead(source: &str, now: i64) -> bool {
    match source {
        PROD => now >= minute("13:40"),
        GITHUB => is_within(now, "09:00", "10:30"),
        _ => false,
    }
}

/// The minutes at which a source was asked until a moment, newest first.
fn asked(moment: Timestamp) -> impl Iterator<Item = i64> {
    let last = at(0).duration_until(moment).as_secs().div_euclid(60);
    (0..=last.min(LAST))
        .rev()
        .filter(|now| !is_within(*now, "12:00", "12:30"))
}

/// When a source answered last before a moment.
pub(crate) fn last_good(source: &str, moment: Timestamp) -> Option<i64> {
    asked(moment).find(|now| !is_dead(source, *now))
}

/// Whether the last question to it was in vain.
pub(crate) fn is_failing(source: &str, moment: Timestamp) -> bool {
    asked(moment).next().is_some_and(|now| is_dead(source, now))
}

pub(crate) fn facts(source: &str, now: i64) -> Facts {
    match source {
        PROD => Facts {
            slos: Some(vec![checkout(now), search(now)]),
            ..Facts::default()
        },
        GITHUB => Facts {
            releases: Some(releases(now)),
            ..Facts::default()
        },
        _ => Facts {
            incidents: Some(incidents(now)),
            silences: Some(silences()),
            ..Facts::default()
        },
    }
}

/// What an SLO comes to at a minute at which it was measured.
pub(crate) fn verdict(slo: &Slo, now: i64) -> State {
    if slo.service.raw() == "checkout" && is_burning(now) {
        State::Page
    } else {
        State::Ok
    }
}

/// The alert rule sees it two minutes after it began.
fn is_burning(now: i64) -> bool {
    is_within(now, "07:06", "07:40")
}

/// Its budget falls from 80 % by one point a minute while it burns.
fn checkout(now: i64) -> Observation {
    let burned = (now.min(minute("07:40")) - minute("07:06")).max(0);
    let left = 0.80 - f64::from(i32::try_from(burned).unwrap()) * 0.01;
    let (service, name) = ("checkout", "availability");
    let seen = measured(service, name, now, is_burning(now), left);
    Observation {
        courses: if is_burning(now) {
            Arc::from([course(now)])
        } else {
            Arc::from([])
        },
        // Data of a week says little of a month.
        since: Some(at(now) - SignedDuration::from_hours(7 * 24)),
        ..seen
    }
}

fn search(now: i64) -> Observation {
    measured("search", "latency", now, false, 0.95)
}

fn measured(service: &str, name: &str, now: i64, burns: bool, left: f64) -> Observation {
    let slo = Slo::new(
        service,
        name,
        SourceName::new(PROD),
        0.999,
        Period::Rolling(Window::days(30)),
        Origin::Config,
    );
    let sample = |ratio| Sample {
        reading: Reading::Ratio(ratio),
        events: None,
        at: at(now),
    };
    let windows = sample(if burns { 0.022 } else { 0.0002 });
    let unknown = Observation::unknown(Arc::new(slo), at(now));
    Observation {
        windows: unknown
            .windows
            .keys()
            .map(|window| (window, windows))
            .collect(),
        period: Some(sample((1.0 - left) * 0.001)),
        ..unknown
    }
}

/// The last six hours by the minute; errors rise at 07:04.
fn course(now: i64) -> Course {
    let step = SignedDuration::from_mins(1);
    let slice = |minute: i64| Slice {
        at: at(minute),
        bad: if is_within(minute, "07:04", "07:40") {
            22.0
        } else {
            0.2
        },
        total: 1_000.0,
    };
    Course {
        slices: (now - 360..=now).map(slice).collect(),
        from: at(now - 360),
        step,
        width: step,
        counted: true,
    }
}

fn releases(now: i64) -> Vec<Release> {
    let release = |id: &str, service: &str, version: &str, time: &str| Release {
        id: id.into(),
        service: service.into(),
        version: version.into(),
        environment: "production".into(),
        status: ReleaseStatus::Succeeded,
        started_at: Some(clock(time)),
        finished_at: Some(clock(time) + SignedDuration::from_mins(2)),
        actor: Some("mara".into()),
        commit: None,
        url: Some("https://github.example/deployments".into()),
        details: Vec::new(),
        carried: watchfire::domain::Carried::default(),
    };
    let all = [
        release("r0", "checkout", "v1", "05:10"),
        release("r1", "checkout", "v2", "07:00"),
        release("r2", "checkout", "v1", "07:36"),
        release("r3", "search", "s9", "09:30"),
    ];
    let is_there = |one: &Release| one.finished_at.unwrap() <= at(now);
    all.into_iter().filter(is_there).collect()
}

fn incident(title: &str, severity: Severity, opened: &str) -> Incident {
    Incident {
        service: title.split(' ').next().unwrap().into(),
        opened_at: Some(clock(opened)),
        ..Incident::new(title, title, severity, IncidentStatus::Triggered)
    }
}

/// The same, taken by somebody at a time.
fn acked(incident: Incident, who: &str, time: &str) -> Incident {
    Incident {
        status: IncidentStatus::Acknowledged,
        acknowledged_at: Some(clock(time)),
        acknowledged_by: vec![who.into()],
        ..incident
    }
}

fn incidents(now: i64) -> Vec<Incident> {
    use Severity::{Page, Ticket};
    let since = |time| now >= minute(time);
    let mut all = Vec::new();
    let disk = incident("old disk", Ticket, "05:00");
    all.push(if since("12:40") {
        acked(disk, "lee", "12:40")
    } else {
        disk
    });
    if !since("06:20") {
        all.push(incident("night alert", Ticket, "05:30"));
    }
    if since("07:06") {
        let burns = incident("checkout burns", Page, "07:06");
        let burns = if since("07:10") {
            acked(burns, "mara", "07:10")
        } else {
            burns
        };
        all.push(if since("07:45") {
            Incident {
                status: IncidentStatus::Resolved,
                resolved_at: Some(clock("07:45")),
                ..burns
            }
        } else {
            burns
        });
    }
    if since("08:00") {
        let slow = incident("search is slow", Ticket, "08:00");
        all.push(if since("08:20") {
            acked(slow, "Mara", "08:20")
        } else {
            slow
        });
    }
    for (from, to) in [("10:00", "10:10"), ("10:20", "10:30"), ("10:50", "11:00")] {
        if is_within(now, from, to) {
            all.push(incident("flapping probe", Severity::Info, from));
        }
    }
    if since("13:30") {
        all.push(incident("cart errors", Page, "13:30"));
    }
    // A journal gives rows back in the order of their ids.
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

fn silences() -> Vec<Silence> {
    let silence = |id: &str, ends_at| Silence {
        id: id.into(),
        matchers: vec![Matcher::equal("service", "batch")],
        created_by: "lee".into(),
        comment: "until the import is through".into(),
        starts_at: clock("05:00"),
        ends_at,
    };
    vec![
        silence("s1", clock("15:00")),
        silence("s2", clock("15:00") + SignedDuration::from_hours(72)),
    ]
}
