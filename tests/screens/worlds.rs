//! Small worlds: what the sources would have said.

use std::sync::Arc;

use jiff::SignedDuration;
use watchfire::domain::{
    Event, Events, Fault, FaultKind, Incident, Observation, OnCall, Period, Release, ReleaseStatus,
    Report, Sample, Severity, Slo, SourceName, State, Turn, What,
};
use watchfire::store::Store;
use watchfire::text::Untrusted;

use super::facts::{
    Burns, DAY, HOUR, MINUTE, ago, answer, burning_slos, calm_slo, calm_slos, facts_of_incidents,
    facts_of_releases, facts_of_slos, failure, feeds, incident, incidents, observe, release,
    releases, slo, unmeasured,
};

fn store(reports: impl IntoIterator<Item = Report>) -> Store {
    let mut store = Store::new(feeds());
    for report in reports {
        store.absorb(report);
    }
    store
}

/// Of nothing but these SLOs.
pub(crate) fn of_slos(slos: Vec<Observation>) -> Store {
    store([answer("prom-eu", 3, facts_of_slos(slos))])
}

/// One page, two tickets, one service without data, an argocd that never answered.
pub(crate) fn burning() -> Store {
    store([
        answer("prom-eu", 3, facts_of_slos(burning_slos())),
        answer("github", 9, facts_of_releases(releases())),
        answer("am", 12, facts_of_incidents(incidents())),
        failure("argocd", FaultKind::Timeout, "no answer within 10s."),
    ])
}

/// What an honest number looks like: an estimate, a page held back, a month to end within budget,
/// and names that differ in their ends.
pub(crate) fn honest() -> Store {
    let mut estimate = calm_slo("checkout", "availability", 0.999, 0.31);
    estimate.since = Some(ago(9 * DAY + MINUTE));
    let mut young = calm_slo("newcomer", "availability", 0.99, 0.93);
    young.since = Some(ago(5 * HOUR + MINUTE));
    let mut sparse = observe(
        Slo {
            min_bad_events: 3.0,
            ..slo("billing", "invoices", 0.99, "30d")
        },
        &Burns([50.0, 30.0, 20.0, 5.0, 2.0, 0.8, 0.5], 0.8),
        |minute| if minute < 50 { 20.0 } else { 0.0 },
    );
    let count = |sample: &mut Sample| {
        sample.events = Some(Events {
            bad: 2.0,
            total: 10.0,
        });
    };
    sparse.windows.change(|_, sample| count(sample));
    sparse.period.iter_mut().for_each(count);
    let hold = |service: &str, left: f64| {
        let seen = calm_slo(service, "availability", 0.999, left);
        Observation {
            slo: Arc::new(Slo {
                period: Period::Month,
                ..(*seen.slo).clone()
            }),
            period_elapsed: SignedDuration::from_hours(520),
            since: Some(ago(21 * DAY + 16 * HOUR)),
            ..seen
        }
    };
    let slos = vec![
        estimate,
        young,
        sparse,
        hold("orders", 0.12),
        hold("returns", -0.6),
        calm_slo("payments-gateway-eu-west-1", "availability", 0.999, 0.9),
        calm_slo("payments-gateway-us-east-2", "availability", 0.999, 0.9),
    ];
    of_slos(slos)
}

/// The burning world, its worst incident with this page.
pub(crate) fn linking_to(page: &str) -> Store {
    let mut store = burning();
    let mut incidents = incidents();
    incidents[0].url = Some(page.into());
    store.absorb(answer("am", 12, facts_of_incidents(incidents)));
    store
}

/// Everything well and everybody answering.
pub(crate) fn calm() -> Store {
    store([
        answer("prom-eu", 3, facts_of_slos(calm_slos())),
        answer("github", 9, facts_of_releases(releases())),
        answer("am", 12, facts_of_incidents(Vec::new())),
        answer("argocd", 2, facts_of_releases(Vec::new())),
    ])
}

/// A Prometheus that went silent four minutes ago, an Alertmanager down for longer.
pub(crate) fn blind() -> Store {
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

/// The burning world, long after the last of its sources fell silent.
pub(crate) fn silent() -> Store {
    let long = 20 * MINUTE;
    let refused = |source| failure(source, FaultKind::Connect, "connection refused");
    store([
        answer("prom-eu", long, facts_of_slos(burning_slos())),
        answer("github", long, facts_of_releases(releases())),
        answer("am", long, facts_of_incidents(incidents())),
        refused("prom-eu"),
        refused("github"),
        refused("am"),
        refused("argocd"),
    ])
}

/// The first frame: nobody has answered.
pub(crate) fn waiting() -> Store {
    store([])
}

/// Configured SLOs that nobody could be asked about so far.
pub(crate) fn unheard() -> Store {
    let mut feeds = feeds();
    let prometheus = feeds.remove(0).expecting(unmeasured());
    feeds.insert(0, prometheus);
    Store::new(feeds)
}

/// The same, after the source that measures them has refused.
pub(crate) fn refused() -> Store {
    let mut store = unheard();
    store.absorb(failure(
        "prom-eu",
        FaultKind::Connect,
        "connection refused at 127.0.0.1:9090; is it running?",
    ));
    store.absorb(answer("am", 12, facts_of_incidents(incidents())));
    store
}

/// Everybody answered that there is nothing.
pub(crate) fn none() -> Store {
    store([
        answer("prom-eu", 3, facts_of_slos(Vec::new())),
        answer("github", 9, facts_of_releases(Vec::new())),
        answer("am", 12, facts_of_incidents(Vec::new())),
        answer("argocd", 2, facts_of_releases(Vec::new())),
    ])
}

/// Foreign text that means harm, in every field that takes any.
pub(crate) fn hostile() -> Vec<String> {
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
pub(crate) fn saying(text: &str) -> Store {
    let mut slo = slo(text, text, 0.999, "30d");
    slo.queries = vec![(text.to_owned(), text.into())];
    slo.notes = vec![text.to_owned()].into();
    let seen = observe(slo, &Burns([30.0; 7], 0.1), |_| 20.0);
    let release = Release {
        id: text.into(),
        service: text.into(),
        version: text.into(),
        environment: text.into(),
        actor: Some(text.into()),
        commit: Some(text.into()),
        url: Some(text.into()),
        details: vec![(text.into(), text.into())],
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
        ..OnCall::default()
    }]);
    facts.warnings = vec![Untrusted::from(text)];
    facts.fault = Some(Fault::new(FaultKind::Query, text));
    let mut store = store([
        answer("prom-eu", 3, facts_of_slos(vec![seen])),
        answer("github", 9, facts_of_releases(vec![release])),
        answer("am", 12, facts),
        failure("argocd", FaultKind::Server, text),
    ]);
    store.chronicle(events_saying(text).into_iter().map(Arc::new));
    store
}

/// One event of every kind, in which every field holds `text`.
fn events_saying(text: &str) -> Vec<Event> {
    let words = || Untrusted::from(text);
    let kinds = vec![
        What::Slo {
            from: None,
            to: State::Page,
            name: words(),
            budget: Some(f64::NAN),
        },
        What::Release {
            status: ReleaseStatus::Failed,
            version: words(),
            environment: words(),
            actor: Some(words()),
        },
        What::Incident {
            turn: Turn::Acknowledged,
            severity: Severity::Page,
            title: words(),
            who: vec![words(), words()],
            by: None,
            last_seen: None,
        },
        What::Lost {
            fault: Fault::new(FaultKind::Server, text),
        },
        What::Done {
            verb: words(),
            target: words(),
            who: words(),
            result: text.to_owned(),
            said: words(),
        },
    ];
    let kinds = kinds.into_iter().zip(1..);
    let kinds = kinds.map(|(what, minute)| Event {
        at: ago(minute * MINUTE),
        seen: ago(minute * MINUTE),
        source: Some(SourceName::new("am")),
        service: text.into(),
        subject: text.into(),
        what,
    });
    kinds.collect()
}

/// A world with that many SLOs.
pub(crate) fn crowded(count: usize) -> Store {
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
pub(crate) fn search_worse() -> Report {
    let mut slos = burning_slos();
    slos[1] = observe(
        slo("search", "latency", 0.99, "30d"),
        &Burns([30.0, 30.0, 30.0, 30.0, 30.0, 30.0, 30.0], 0.1),
        |_| 30.0,
    );
    answer("prom-eu", 0, facts_of_slos(slos))
}

/// A poll that finds no SLO any more.
pub(crate) fn no_slos() -> Report {
    answer("prom-eu", 0, facts_of_slos(Vec::new()))
}

/// The burning world's releases a poll later, with one more.
pub(crate) fn one_more_release() -> Report {
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
