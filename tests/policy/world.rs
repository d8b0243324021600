//! Services with a known past, made of steps of five minutes, and what is known of them.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use watchfire::config::{Environment, load_text};
use watchfire::domain::past::{PastEvents, Steps};
use watchfire::domain::{
    Events, Incident, IncidentStatus, Observation, Origin, Period, Production, Reading, Release,
    ReleaseStatus, Sample, Severity, Slo, SourceName, Window,
};
use watchfire::insight::policy::{Facts, Rows, STEP, ServiceFacts, SloFacts, SloPast};
use watchfire::source::known_kinds;

/// The moment that is judged: a Monday, 12:00 UTC.
pub(crate) fn now() -> Timestamp {
    "2026-11-30T12:00:00Z".parse().unwrap()
}

/// A time before or after it, in hours.
pub(crate) fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

/// Events of a step.
pub(crate) fn events(bad: f64, total: f64) -> Events {
    Events { bad, total }
}

/// An SLO of 99.9 % over a period with these steps, the first of which ends now.
pub(crate) fn slo(name: &str, period: &str, steps: impl Fn(usize) -> Option<Events>) -> SloFacts {
    let window: Window = period.parse().unwrap();
    let length = window.duration();
    let mut slo = Slo::new(
        "checkout",
        name,
        SourceName::new("prod"),
        0.999,
        Period::Rolling(window),
        Origin::Config,
    );
    slo.min_bad_events = 3.0;
    let grid = Steps::new(now() - length * 2, now(), STEP);
    let mut past: Vec<_> = (0..grid.len()).map(steps).collect();
    past.reverse();
    let past = PastEvents {
        slo: Arc::new(slo.clone()),
        steps: grid,
        events: past,
        width: STEP,
        counted: true,
        partial: false,
        newest: Some(now()),
        present: None,
        answered: None,
        queries: vec![("bad 5m".to_owned(), "sum(increase(bad[5m]))".into())],
        reasons: Vec::new(),
    };
    let sums = past.sums();
    let sample = |length: SignedDuration| {
        let tally = sums.between(now() - length, now());
        let reading = match (tally.known, tally.ratio()) {
            (0, _) => Reading::NoSeries,
            (_, Some(ratio)) => Reading::Ratio(ratio),
            (_, None) => Reading::NoTraffic,
        };
        Sample {
            reading,
            events: Some(tally.events),
            at: now(),
        }
    };
    let oldest = past.events.iter().position(Option::is_some);
    let windows = slo.windows().into_iter();
    let seen = Observation {
        windows: windows
            .map(|window| (window, sample(window.duration())))
            .collect(),
        period: Some(sample(length)),
        since: oldest.map(|oldest| grid.end(oldest).max(now() - length)),
        ..Observation::unknown(Arc::new(slo), now())
    };
    SloFacts {
        seen,
        source: SourceName::new("prod"),
        zone: TimeZone::UTC,
        lack: None,
        observed_at: Some(now()),
        newest: Some(now()),
        past: Some(SloPast {
            sums,
            counted: true,
            queries: past.queries,
        }),
    }
}

/// The same with so much of its budget left, spent evenly.
pub(crate) fn with_budget(left: f64) -> SloFacts {
    let bad = (1.0 - left) * 0.001 * 1_000.0;
    slo("availability", "30d", move |_| Some(events(bad, 1_000.0)))
}

/// A service of which everything is known.
pub(crate) fn service(slos: Vec<SloFacts>) -> ServiceFacts {
    ServiceFacts {
        name: "checkout".to_owned(),
        team: Some("shop".to_owned()),
        tier: Some(1),
        slos,
        releases: all(Vec::new()),
        incidents: all(Vec::new()),
        ..ServiceFacts::default()
    }
}

/// Rows that are all there are.
pub(crate) fn all<T>(rows: Vec<T>) -> Rows<T> {
    let source = SourceName::new("rows");
    Rows {
        all: rows.into_iter().map(|row| (source.clone(), row)).collect(),
        lack: None,
        since: Some(Timestamp::MIN),
        cut: None,
    }
}

/// An incident from so many hours ago to so many; `None` for one that is open.
pub(crate) fn incident(severity: Severity, from: i64, to: Option<i64>) -> Incident {
    let status = match to {
        Some(_) => IncidentStatus::Resolved,
        None => IncidentStatus::Silenced,
    };
    Incident {
        service: "checkout".into(),
        opened_at: Some(now() - hours(from)),
        resolved_at: to.map(|to| now() - hours(to)),
        ..Incident::new("i1", "database down", severity, status)
    }
}

/// A release that ended so many hours ago.
pub(crate) fn release(version: &str, status: ReleaseStatus, ago: i64) -> Release {
    let finished = (status != ReleaseStatus::Running).then(|| now() - hours(ago));
    Release {
        id: version.into(),
        service: "checkout".into(),
        version: version.into(),
        environment: "production".into(),
        status,
        started_at: Some(now() - hours(ago) - SignedDuration::from_mins(5)),
        finished_at: finished,
        actor: None,
        commit: None,
        url: None,
        carried: watchfire::domain::Carried::default(),
        details: Vec::new(),
    }
}

/// What a configuration makes of these services.
pub(crate) fn facts(config: &str, services: Vec<ServiceFacts>) -> Facts {
    let loaded = load_text(
        "policy.toml",
        config.to_owned(),
        &Environment::default(),
        &known_kinds(),
    );
    let settings = loaded.unwrap_or_else(|error| panic!("{error}")).settings;
    Facts {
        at: now(),
        services,
        policies: settings.policies,
        exceptions: settings.exceptions,
        production: Production::default(),
        has_releases: true,
        is_brief: false,
    }
}
