//! Small worlds: what the sources would have said.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use watchfire::domain::slo::Point;
use watchfire::domain::{
    Events, Facts, Fault, FaultKind, Incident, IncidentStatus, Observation, OnCall, Origin, Period,
    Reading, Release, ReleaseStatus, Report, Rule, Sample, Severity, Slo, SourceName, Suppression,
    Window,
};
use watchfire::store::{Feed, Offers, Store};
use watchfire::text::Untrusted;

use super::stage::now;

const SLOS: Offers = Offers {
    slos: true,
    releases: false,
    incidents: false,
};
const RELEASES: Offers = Offers {
    slos: false,
    releases: true,
    incidents: false,
};
const INCIDENTS: Offers = Offers {
    slos: false,
    releases: false,
    incidents: true,
};

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

fn feeds() -> Vec<Feed> {
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
        feed("am", "alertmanager", INCIDENTS, 15),
        feed("argocd", "json", RELEASES, 30),
    ]
}

/// A good answer, that many seconds ago.
pub fn answer(source: &str, seconds: i64, facts: Facts) -> Report {
    Report {
        source: SourceName::new(source),
        at: ago(seconds),
        latency: SignedDuration::from_millis(12),
        next_try: Some(now() + SignedDuration::from_secs(7)),
        outcome: Ok(facts),
    }
}

/// A failed poll, just now.
pub fn failure(source: &str, kind: FaultKind, message: &str) -> Report {
    Report {
        source: SourceName::new(source),
        at: ago(1),
        latency: SignedDuration::from_secs(10),
        next_try: Some(now() + SignedDuration::from_secs(17)),
        outcome: Err(Fault::new(kind, message)),
    }
}

/// Burns over 5m, 30m, 1h, 2h, 6h, 1d, 3d and the share of the budget that is left.
struct Burns([f64; 7], f64);

pub fn slo(service: &str, name: &str, objective: f64, period: &str) -> Slo {
    let period: Period = period.parse().expect("a period");
    Slo {
        service: service.into(),
        name: name.into(),
        source: SourceName::new("prom-eu"),
        objective,
        period,
        rules: Rule::workbook(period),
        origin: Origin::Sloth,
        queries: vec![(
            "error ratio over 5m".to_owned(),
            format!(
                "slo:sli_error:ratio_rate5m{{sloth_id=\"{service}-{name}\", sloth_service=\"{service}\", sloth_slo=\"{name}\"}}"
            )
            .into(),
        )],
        notes: vec!["Recorded by Sloth every 30s.".to_owned()],
    }
}

fn observe(slo: Slo, burns: &Burns, history: impl Fn(i64) -> f64) -> Observation {
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
        at: ago(3),
        windows,
        period: Some(sample(1.0 - burns.1)),
        period_length: slo.period.nominal().duration(),
        history: points.collect::<Vec<_>>().into(),
        partial: false,
        slo: Arc::new(slo),
    }
}

fn wave(minute: i64, height: f64) -> f64 {
    height * f64::from(u8::try_from((minute * 7) % 13).unwrap_or(0)) / 13.0
}

fn calm_slo(service: &str, name: &str, objective: f64, left: f64) -> Observation {
    let burn = (1.0 - left) * 0.9;
    let burns = Burns([burn * 0.8, burn, burn, burn * 1.1, burn, burn, burn], left);
    observe(slo(service, name, objective, "30d"), &burns, |minute| {
        wave(minute, burn * 2.0)
    })
}

fn without_data(service: &str) -> Observation {
    let mut seen = calm_slo(service, "availability", 0.999, 0.99);
    for (window, sample) in &mut seen.windows {
        if *window < Window::days(3) {
            sample.reading = Reading::NoTraffic;
            sample.events = Some(Events {
                bad: 0.0,
                total: 0.0,
            });
        }
    }
    let history = seen
        .history
        .iter()
        .copied()
        .filter(|point| point.at < ago(7 * MINUTE));
    seen.history = history.collect::<Vec<_>>().into();
    seen
}

fn calm_slos() -> Vec<Observation> {
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

fn burning_slos() -> Vec<Observation> {
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

fn release(
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
    }
}

fn releases() -> Vec<Release> {
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

fn incident(id: &str, title: &str, service: &str, severity: Severity, seconds: i64) -> Incident {
    Incident {
        id: id.into(),
        title: title.into(),
        service: service.into(),
        severity,
        status: IncidentStatus::Triggered,
        suppression: None,
        opened_at: Some(ago(seconds)),
        acknowledged_at: None,
        resolved_at: None,
        assignees: Vec::new(),
        url: Some(format!("https://alertmanager.example/#/alerts/{id}").into()),
        runbook: Some(format!("https://runbooks.example/{service}").into()),
        alerts: 1,
        details: vec![
            ("alertname".into(), "ErrorBudgetBurn".into()),
            ("cluster".into(), "eu-west-1".into()),
            (
                "description".into(),
                "The error budget is spent 22 times faster than it may be; at this rate it is gone before the night is over.".into(),
            ),
        ],
    }
}

fn incidents() -> Vec<Incident> {
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

fn facts_of_slos(slos: Vec<Observation>) -> Facts {
    Facts {
        slos: Some(slos),
        ..Facts::default()
    }
}

pub fn facts_of_releases(releases: Vec<Release>) -> Facts {
    Facts {
        releases: Some(releases),
        ..Facts::default()
    }
}

fn facts_of_incidents(incidents: Vec<Incident>) -> Facts {
    let shift = OnCall {
        schedule: "shop".into(),
        who: "mara".into(),
        until: Some("2026-11-22T18:00:00Z".parse().expect("a moment")),
    };
    Facts {
        incidents: Some(incidents),
        on_call: Some(vec![shift]),
        ..Facts::default()
    }
}

fn store(reports: impl IntoIterator<Item = Report>) -> Store {
    let mut store = Store::new(feeds());
    for report in reports {
        store.absorb(report);
    }
    store
}

/// One page, two tickets, one service without data, an argocd that never answered.
pub fn burning() -> Store {
    store([
        answer("prom-eu", 3, facts_of_slos(burning_slos())),
        answer("github", 9, facts_of_releases(releases())),
        answer("am", 12, facts_of_incidents(incidents())),
        failure("argocd", FaultKind::Timeout, "no answer within 10s."),
    ])
}

/// Everything well and everybody answering.
pub fn calm() -> Store {
    store([
        answer("prom-eu", 3, facts_of_slos(calm_slos())),
        answer("github", 9, facts_of_releases(releases())),
        answer("am", 12, facts_of_incidents(Vec::new())),
        answer("argocd", 2, facts_of_releases(Vec::new())),
    ])
}

/// A Prometheus that went silent four minutes ago, an Alertmanager down for longer.
pub fn blind() -> Store {
    store([
        answer("prom-eu", 4 * MINUTE, facts_of_slos(burning_slos())),
        failure("prom-eu", FaultKind::Connect, "connection refused."),
        answer("github", 70, facts_of_releases(releases())),
        failure(
            "github",
            FaultKind::Auth,
            "token refused (401). Set GITHUB_TOKEN or check its scopes",
        ),
        answer("am", 12 * MINUTE, facts_of_incidents(incidents())),
        failure("am", FaultKind::Server, "answered 503 Service Unavailable"),
        failure("argocd", FaultKind::Timeout, "no answer within 10s."),
    ])
}

/// The first frame: nobody has answered.
pub fn waiting() -> Store {
    store([])
}

/// Everybody answered that there is nothing.
pub fn none() -> Store {
    store([
        answer("prom-eu", 3, facts_of_slos(Vec::new())),
        answer("github", 9, facts_of_releases(Vec::new())),
        answer("am", 12, facts_of_incidents(Vec::new())),
        answer("argocd", 2, facts_of_releases(Vec::new())),
    ])
}

/// Foreign text that means harm, in every field that takes any.
pub fn hostile() -> Vec<String> {
    vec![
        "\u{1b}[31mred\u{1b}[0m".to_owned(),
        "\u{1b}]52;c;aGk=\u{7}".to_owned(),
        "a\u{202e}gnp.exe".to_owned(),
        format!("z{}", "\u{301}".repeat(100_000)),
        "\u{9b}2J\u{9d}0;title\u{9c}".to_owned(),
        "支払い👩‍👩‍👧‍👦 é\u{0}\n\r\t".to_owned(),
        "x".repeat(20_000),
        String::new(),
    ]
}

/// A world in which every field holds `text`.
pub fn saying(text: &str) -> Store {
    let mut slo = slo(text, text, 0.999, "30d");
    slo.queries = vec![(text.to_owned(), text.into())];
    slo.notes = vec![text.to_owned()];
    let seen = observe(slo, &Burns([30.0; 7], 0.1), |_| 20.0);
    let release = Release {
        id: text.into(),
        service: text.into(),
        version: text.into(),
        environment: text.into(),
        actor: Some(text.into()),
        commit: Some(text.into()),
        url: Some(text.into()),
        ..release("1", "a", "b", ReleaseStatus::Failed, 60, "c")
    };
    let incident = Incident {
        service: text.into(),
        assignees: vec![text.into()],
        url: Some(text.into()),
        runbook: Some(text.into()),
        details: vec![(text.into(), text.into())],
        ..incident(text, text, text, Severity::Page, 60)
    };
    let mut facts = facts_of_incidents(vec![incident]);
    facts.on_call = Some(vec![OnCall {
        schedule: text.into(),
        who: text.into(),
        until: None,
    }]);
    facts.warnings = vec![Untrusted::from(text)];
    facts.fault = Some(Fault::new(FaultKind::Query, text));
    store([
        answer("prom-eu", 3, facts_of_slos(vec![seen])),
        answer("github", 9, facts_of_releases(vec![release])),
        answer("am", 12, facts),
        failure("argocd", FaultKind::Server, text),
    ])
}

/// A world with that many SLOs.
pub fn crowded(count: usize) -> Store {
    let one = calm_slo("service", "availability", 0.999, 0.9);
    let slos = (0..count).map(|number| {
        let slo = Slo {
            service: format!("service-{number:05}").into(),
            ..(*one.slo).clone()
        };
        Observation {
            slo: Arc::new(slo),
            ..one.clone()
        }
    });
    store([answer("prom-eu", 3, facts_of_slos(slos.collect()))])
}

/// The burning world's SLOs a poll later, with `search` burning worse than `checkout`.
pub fn search_worse() -> Report {
    let mut slos = burning_slos();
    slos[1] = observe(
        slo("search", "latency", 0.99, "30d"),
        &Burns([30.0, 30.0, 30.0, 30.0, 30.0, 30.0, 30.0], 0.1),
        |_| 30.0,
    );
    answer("prom-eu", 0, facts_of_slos(slos))
}

/// A poll that finds no SLO any more.
pub fn no_slos() -> Report {
    answer("prom-eu", 0, facts_of_slos(Vec::new()))
}

/// The burning world's releases a poll later, with one more.
pub fn one_more_release() -> Report {
    let mut all = releases();
    all.push(release(
        "994",
        "cart",
        "v5.0.0",
        ReleaseStatus::Succeeded,
        1,
        "kim",
    ));
    answer("github", 0, facts_of_releases(all))
}
