//! Facts that the sources of the small worlds report.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use watchfire::domain::slo::{History, Point};
use watchfire::domain::{
    Events, Facts, Fault, FaultKind, Incident, IncidentStatus, Observation, OnCall, Origin, Period,
    Reading, Release, ReleaseStatus, Report, Sample, Severity, Slo, SourceName, Suppression,
    Window,
};
use watchfire::store::{Feed, Offers};

use super::stage::now;

pub(crate) const SLOS: Offers = Offers {
    ended: watchfire::store::Ended::Never,
    slos: true,
    releases: false,
    incidents: false,
    rules: true,
    relays: false,
    acts: &[],
};
pub(crate) const RELEASES: Offers = Offers {
    ended: watchfire::store::Ended::Never,
    slos: false,
    releases: true,
    incidents: false,
    rules: false,
    relays: false,
    acts: &[],
};
pub(crate) const INCIDENTS: Offers = Offers {
    ended: watchfire::store::Ended::Never,
    slos: false,
    releases: false,
    incidents: true,
    rules: false,
    relays: false,
    acts: &[],
};

/// Incidents that are alerts of another source.
pub(crate) const RELAYED: Offers = Offers {
    ended: watchfire::store::Ended::Never,
    relays: true,
    ..INCIDENTS
};

pub(crate) fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

pub(crate) const MINUTE: i64 = 60;
pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 86_400;

pub(crate) fn feeds() -> Vec<Feed> {
    let feed = |name: &str, kind, offers, interval| {
        Feed::new(
            SourceName::new(name),
            kind,
            offers,
            SignedDuration::from_secs(interval),
            SignedDuration::from_mins(5),
        )
    };
    vec![
        feed("prom-eu", "prometheus", SLOS, 15),
        feed("github", "github", RELEASES, 60),
        feed("am", "alertmanager", RELAYED, 15),
        feed("argocd", "json", RELEASES, 30),
    ]
}

/// A good answer, that many seconds ago.
pub(crate) fn answer(source: &str, seconds: i64, facts: Facts) -> Report {
    Report {
        source: SourceName::new(source),
        at: ago(seconds),
        latency: SignedDuration::from_millis(12),
        next_try: Some(now() + SignedDuration::from_secs(7)),
        outcome: Ok(facts),
    }
}

/// A failed poll, just now.
pub(crate) fn failure(source: &str, kind: FaultKind, message: &str) -> Report {
    Report {
        source: SourceName::new(source),
        at: ago(1),
        latency: SignedDuration::from_secs(10),
        next_try: Some(now() + SignedDuration::from_secs(17)),
        outcome: Err(Fault::new(kind, message)),
    }
}

/// Burns over 5m, 30m, 1h, 2h, 6h, 1d, 3d and the share of the budget that is left.
pub(crate) struct Burns(pub(crate) [f64; 7], pub(crate) f64);

pub(crate) fn slo(service: &str, name: &str, objective: f64, period: &str) -> Slo {
    let period: Period = period.parse().expect("a period");
    Slo {
        queries: vec![(
            "error ratio over 5m".to_owned(),
            format!(
                "slo:sli_error:ratio_rate5m{{sloth_id=\"{service}-{name}\", sloth_service=\"{service}\", sloth_slo=\"{name}\"}}"
            )
            .into(),
        )],
        notes: vec!["Recorded by Sloth every 30s.".to_owned()].into(),
        ..Slo::new(
            service,
            name,
            SourceName::new("prom-eu"),
            objective,
            period,
            Origin::Sloth,
        )
    }
}

pub(crate) fn observe(slo: Slo, burns: &Burns, history: impl Fn(i64) -> f64) -> Observation {
    let budget = slo.error_budget();
    let sample = |burn: f64| Sample {
        reading: Reading::Ratio(burn * budget),
        events: Some(Events {
            bad: burn * budget * 30_000.0,
            total: 30_000.0,
        }),
        at: ago(3),
    };
    let windows = slo.windows().into_iter().zip(burns.0.map(sample)).collect();
    let points = (0..180).rev().map(|minute: i64| Point {
        at: ago(minute * MINUTE),
        ratio: history(minute) * budget,
    });
    Observation {
        windows,
        period: Some(sample(1.0 - burns.1)),
        history: points.collect(),
        ..Observation::unknown(Arc::new(slo), ago(3))
    }
}

pub(crate) fn wave(minute: i64, height: f64) -> f64 {
    height * f64::from(u8::try_from((minute * 7) % 13).unwrap_or(0)) / 13.0
}

pub(crate) fn calm_slo(service: &str, name: &str, objective: f64, left: f64) -> Observation {
    let burn = (1.0 - left) * 0.9;
    let burns = Burns([burn * 0.8, burn, burn, burn * 1.1, burn, burn, burn], left);
    observe(slo(service, name, objective, "30d"), &burns, |minute| {
        wave(minute, burn * 2.0)
    })
}

pub(crate) fn without_data(service: &str) -> Observation {
    let mut seen = calm_slo(service, "availability", 0.999, 0.99);
    seen.windows.change(|window, sample| {
        if window < Window::days(3) {
            sample.reading = Reading::NoTraffic;
            sample.events = Some(Events {
                bad: 0.0,
                total: 0.0,
            });
        }
    });
    let history = seen.history.iter();
    let history = history.filter(|point| point.at < ago(7 * MINUTE));
    seen.history = history.collect();
    seen
}

/// What is known of configured SLOs before their source answered: that they are there.
pub(crate) fn unmeasured() -> Vec<Observation> {
    let unmeasured = |(service, name)| {
        let slo = slo(service, name, 0.999, "30d");
        let mut seen = observe(slo, &Burns([0.0; 7], 1.0), |_| 0.0);
        let forget = |sample: &mut Sample| {
            sample.reading = Reading::Unknown;
            sample.events = None;
        };
        seen.windows.change(|_, sample| forget(sample));
        seen.period.iter_mut().for_each(forget);
        seen.history = History::default();
        seen
    };
    let slos = [("checkout", "availability"), ("search", "latency")];
    slos.map(unmeasured).into()
}

pub(crate) fn calm_slos() -> Vec<Observation> {
    [
        ("auth", "availability", 0.999, 0.96),
        ("auth", "latency", 0.99, 0.93),
        ("catalog", "availability", 0.999, 0.99),
        ("cart", "availability", 0.9995, 0.96),
        ("checkout", "latency", 0.99, 0.88),
        ("email", "delivery", 0.95, 0.71),
        ("gateway", "availability", 0.9999, 0.84),
        ("gateway", "latency", 0.99, 0.97),
        ("images", "availability", 0.99, 1.0),
        ("inventory", "freshness", 0.99, 0.91),
        ("payments", "availability", 0.9999, 0.78),
        ("payments", "latency", 0.995, 0.82),
        ("profile", "availability", 0.999, 0.95),
        ("recommendations", "availability", 0.99, 0.98),
        ("reviews", "availability", 0.99, 0.97),
        ("shipping", "availability", 0.999, 0.9),
        ("stock", "availability", 0.999, 0.94),
    ]
    .map(|(service, name, objective, left)| calm_slo(service, name, objective, left))
    .to_vec()
}

pub(crate) fn burning_slos() -> Vec<Observation> {
    let checkout = observe(
        slo("checkout", "availability", 0.999, "30d"),
        &Burns([22.06, 20.0, 18.4, 10.2, 6.4, 1.6, 1.2], 0.31),
        |minute| match minute {
            0..8 => 22.0 + wave(minute, 3.0),
            8..21 => 22.0 * f64::from(21 - i32::try_from(minute).unwrap_or(0)) / 13.0,
            _ => wave(minute, 0.8),
        },
    );
    let search = observe(
        slo("search", "latency", 0.99, "30d"),
        &Burns([3.2, 3.3, 3.4, 3.5, 3.1, 3.1, 1.1], 0.62),
        |minute| 3.0 + wave(minute, 1.0) - f64::from(i32::try_from(minute).unwrap_or(0)) / 90.0,
    );
    let flow = observe(
        slo("cart", "checkout-flow", 0.995, "28d"),
        &Burns([0.2, 0.8, 4.1, 6.2, 5.8, 2.0, 1.4], -0.04),
        |minute| {
            if (30..120).contains(&minute) {
                9.0
            } else {
                0.3
            }
        },
    );
    let mut all = vec![checkout, search, flow, without_data("billing")];
    all.extend(calm_slos());
    all
}

pub(crate) fn release(
    id: &str,
    service: &str,
    version: &str,
    status: ReleaseStatus,
    seconds: i64,
    actor: &str,
) -> Release {
    Release {
        id: format!("github:acme/{service}:{id}").into(),
        service: service.into(),
        version: version.into(),
        environment: "production".into(),
        status,
        started_at: Some(ago(seconds)),
        finished_at: Some(ago(seconds - 40)),
        actor: Some(actor.into()),
        commit: Some("9f3c1d2e0b".into()),
        url: Some(format!("https://github.example/acme/{service}/deployments/{id}").into()),
        details: Vec::new(),
        carried: watchfire::domain::Carried::default(),
    }
}

pub(crate) fn releases() -> Vec<Release> {
    use ReleaseStatus::{Failed, Pending, RolledBack, Running, Succeeded};
    vec![
        release("991", "checkout", "v2.31.0", Succeeded, 21 * MINUTE, "mara"),
        release("990", "search", "9f3c1d2", Succeeded, 3 * HOUR, "bot"),
        release("989", "auth", "v1.9.2", Failed, 5 * HOUR, "lee"),
        release("992", "catalog", "v7.0.0-rc.1", Running, 90, "deploy-bot"),
        release("988", "auth", "v1.9.1", RolledBack, 6 * HOUR, "lee"),
        release("987", "gateway", "2026.11.4", Succeeded, 26 * HOUR, "ines"),
        release("993", "email", "v3.3.0", Pending, 20, "tom"),
        release("986", "payments", "v12.4.1", Succeeded, 3 * DAY, "sam"),
    ]
}

pub(crate) fn incident(
    id: &str,
    title: &str,
    service: &str,
    severity: Severity,
    seconds: i64,
) -> Incident {
    Incident {
        service: service.into(),
        opened_at: Some(ago(seconds)),
        url: Some(format!("https://alertmanager.example/#/alerts/{id}").into()),
        runbook: Some(format!("https://runbooks.example/{service}").into()),
        details: vec![
            ("alertname".into(), "ErrorBudgetBurn".into()),
            ("cluster".into(), "eu-west-1".into()),
            (
                "description".into(),
                "The error budget is spent 22 times faster than it may be; at this rate it is gone before the night is over.".into(),
            ),
        ],
        ..Incident::new(id, title, severity, IncidentStatus::Triggered)
    }
}

pub(crate) fn incidents() -> Vec<Incident> {
    let page = incident(
        "a1",
        "checkout burns its error budget",
        "checkout",
        Severity::Page,
        12 * MINUTE,
    );
    let slow = Incident {
        status: IncidentStatus::Acknowledged,
        assignees: vec!["lee".into()],
        acknowledged_at: Some(ago(2 * HOUR)),
        ..incident(
            "a2",
            "search p99 above 250 ms",
            "search",
            Severity::Ticket,
            3 * HOUR,
        )
    };
    let disk = Incident {
        status: IncidentStatus::Silenced,
        suppression: Some(Suppression::Silence),
        alerts: 4,
        ..incident(
            "a3",
            "disk fills on node pool",
            "stock",
            Severity::Ticket,
            9 * HOUR,
        )
    };
    let noise = Incident {
        status: IncidentStatus::Silenced,
        suppression: Some(Suppression::Inhibition),
        ..incident("a4", "target down", "", Severity::Info, 2 * DAY)
    };
    vec![slow, noise, page, disk]
}

pub(crate) fn facts_of_slos(slos: Vec<Observation>) -> Facts {
    Facts {
        slos: Some(slos),
        ..Facts::default()
    }
}

pub(crate) fn facts_of_releases(releases: Vec<Release>) -> Facts {
    Facts {
        releases: Some(releases),
        ..Facts::default()
    }
}

pub(crate) fn facts_of_incidents(incidents: Vec<Incident>) -> Facts {
    let shift = OnCall {
        schedule: "shop".into(),
        who: "mara".into(),
        until: Some("2026-11-22T18:00:00Z".parse().expect("a moment")),
        ..OnCall::default()
    };
    Facts {
        incidents: Some(incidents),
        on_call: Some(vec![shift]),
        ..Facts::default()
    }
}
