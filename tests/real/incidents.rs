//! The alertmanager source against a real Alertmanager.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tempfile::tempdir;
use watchfire::config::{HttpSettings, Settings, SourceSettings};
use watchfire::domain::{
    Facts, FaultKind, Incident, IncidentStatus, Severity, SourceName, Suppression,
};
use watchfire::source::alertmanager::KIND;
use watchfire::source::{Ask, Source};

use crate::alertmanager::Alertmanager;

fn source(url: Option<&str>, options: &str) -> Box<dyn Source> {
    let settings = SourceSettings {
        name: SourceName::new("am"),
        kind: KIND.name.to_owned(),
        index: 0,
        interval: SignedDuration::from_secs(15),
        stale_after: SignedDuration::from_mins(5),
        http: HttpSettings {
            url: url.map(str::to_owned),
            ..HttpSettings::default()
        },
        folder: None,
        table: options.parse().unwrap(),
    };
    let built = (KIND.build)(&settings, &Settings::empty()).unwrap();
    assert!(built.offers.incidents && !built.offers.releases && !built.offers.slos);
    built.source
}

fn ask() -> Ask {
    Ask {
        now: Timestamp::now(),
        at: None,
        history: false,
        since: None,
    }
}

/// Asks until what is said is what is waited for: Alertmanager takes alerts in at its own pace.
async fn wait_for(source: &mut dyn Source, is_it: impl Fn(&[Incident]) -> bool) -> Facts {
    let mut last = None;
    let waiting = async {
        loop {
            let facts = source.fetch(&ask()).await.unwrap();
            if is_it(facts.incidents.as_ref().unwrap()) {
                return facts;
            }
            last = Some(facts);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_mins(1), waiting).await;
    found.unwrap_or_else(|_| panic!("never came; last: {last:#?}"))
}

fn detail<'a>(incident: &'a Incident, name: &str) -> Option<&'a str> {
    let found = incident.details.iter().find(|(key, _)| key.raw() == name);
    found.map(|(_, value)| value.raw())
}

#[tokio::test]
async fn alerts_become_incidents_and_are_gone_when_resolved() {
    let dir = tempdir().unwrap();
    let server = Alertmanager::start(dir.path(), "");
    let labels = |instance: &str| {
        json!({
            "alertname": "CheckoutErrors", "sloth_service": "checkout", "sloth_severity": "page",
            "sloth_slo": "availability", "instance": instance,
        })
    };
    let annotations = json!({
        "summary": "checkout burns its error budget",
        "runbook_url": "https://runbooks.example/checkout",
    });
    server.fire(&[
        (labels("a:1"), annotations.clone()),
        (labels("b:1"), annotations),
        (
            json!({"alertname": "Watchdog", "severity": "none"}),
            json!({}),
        ),
    ]);
    let mut source = source(Some(&server.url()), "");
    let facts = wait_for(&mut *source, |incidents| incidents.len() == 2).await;
    assert_eq!((facts.warnings.len(), facts.fault), (0, None));
    let incidents = facts.incidents.unwrap();
    let incident = incidents.iter().find(|one| one.alerts == 2).unwrap();
    assert_eq!(incident.title.raw(), "checkout burns its error budget");
    assert_eq!(incident.service.raw(), "checkout");
    assert_eq!(incident.severity, Severity::Page);
    assert_eq!(incident.status, IncidentStatus::Triggered);
    assert!(
        incident
            .opened_at
            .is_some_and(|opened| opened <= Timestamp::now())
    );
    let runbook = incident.runbook.as_ref().unwrap();
    assert_eq!(runbook.raw(), "https://runbooks.example/checkout");
    assert!(
        incident
            .url
            .as_ref()
            .unwrap()
            .raw()
            .starts_with("http://prometheus.example/")
    );
    assert_eq!(detail(incident, "instance"), Some("a:1, b:1"));
    assert_eq!(detail(incident, "receivers"), Some("shop"));

    let id = incident.id.clone();
    server.resolve(&labels("a:1"));
    let one_left =
        |incidents: &[Incident]| incidents.iter().any(|one| one.id == id && one.alerts == 1);
    wait_for(&mut *source, one_left).await;
    server.resolve(&labels("b:1"));
    wait_for(&mut *source, |incidents| incidents.len() == 1).await;
}

#[tokio::test]
async fn a_silence_and_an_inhibition_are_told_apart() {
    let dir = tempdir().unwrap();
    let server = Alertmanager::start(dir.path(), "");
    let labels = |service: &str, severity: &str| json!({"alertname": "Burn", "service": service, "severity": severity});
    server.fire(&[
        (labels("checkout", "page"), json!({})),
        (labels("checkout", "ticket"), json!({})),
        (labels("search", "ticket"), json!({})),
        (labels("cart", "ticket"), json!({})),
    ]);
    let silence = server.silence("service", "search", "2099-01-01T00:00:00Z");
    let mut source = source(Some(&server.url()), "");
    let silenced = |incidents: &[Incident]| {
        let is_held = |one: &&Incident| one.status == IncidentStatus::Silenced;
        incidents.len() == 4 && incidents.iter().filter(is_held).count() == 2
    };
    let facts = wait_for(&mut *source, silenced).await;
    let incidents = facts.incidents.unwrap();
    let of = |service: &str, severity: Severity| {
        let is_it = |one: &&Incident| one.service.raw() == service && one.severity == severity;
        incidents.iter().find(is_it).unwrap()
    };
    assert_eq!(
        of("checkout", Severity::Page).status,
        IncidentStatus::Triggered
    );
    assert_eq!(of("checkout", Severity::Page).suppression, None);
    let inhibited = of("checkout", Severity::Ticket);
    assert_eq!(inhibited.suppression, Some(Suppression::Inhibition));
    assert_eq!(of("cart", Severity::Ticket).suppression, None);
    let silenced = of("search", Severity::Ticket);
    assert_eq!(silenced.suppression, Some(Suppression::Silence));
    let told = format!("mara until 2099-01-01T00:00:00Z: rollback under way (silence {silence})");
    assert_eq!(detail(silenced, "silenced by"), Some(told.as_str()));
    assert_eq!(facts.fault, None);
}

#[tokio::test]
async fn receivers_and_matchers_choose_what_is_watched() {
    let dir = tempdir().unwrap();
    let server = Alertmanager::start(dir.path(), "/alertmanager");
    let labels = |team: &str, severity: &str| json!({"alertname": format!("{team}-{severity}"), "team": team, "severity": severity});
    server.fire(&[
        (labels("shop", "page"), json!({})),
        (labels("shop", "info"), json!({})),
        (labels("search", "page"), json!({})),
        (labels("search", "info"), json!({})),
    ]);
    let url = server.url();
    let mut everything = source(Some(&format!("{url}/")), "");
    wait_for(&mut *everything, |incidents| incidents.len() == 4).await;
    for (options, want) in [
        ("receiver = 'sea.*'", vec!["search-info", "search-page"]),
        (
            "filter = ['severity=\"page\"']",
            vec!["search-page", "shop-page"],
        ),
        (
            "filter = ['severity=~\"page|info\"', 'team!=\"shop\"', 'alertname!~\".*info\"']",
            vec!["search-page"],
        ),
    ] {
        let facts = source(Some(&url), options).fetch(&ask()).await.unwrap();
        let incidents = facts.incidents.unwrap();
        let titles: Vec<_> = incidents.iter().map(|one| one.title.raw()).collect();
        assert_eq!(titles, want, "{options}");
    }
    let refused = source(Some(&url), "filter = ['severity']")
        .fetch(&ask())
        .await;
    let fault = refused.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Query);
    assert!(fault.message.raw().contains("bad matcher"), "{fault:?}");
}

#[tokio::test]
async fn the_members_of_a_cluster_are_one_source() {
    let (one, two) = (tempdir().unwrap(), tempdir().unwrap());
    let mut one = Alertmanager::start(one.path(), "");
    let mut two = Alertmanager::start(two.path(), "");
    let labels =
        |name: &str| json!({"alertname": name, "service": "checkout", "severity": "warning"});
    one.fire(&[(labels("Both"), json!({})), (labels("One"), json!({}))]);
    two.fire(&[(labels("Both"), json!({})), (labels("Two"), json!({}))]);
    one.silence("alertname", "Both", "2099-01-01T00:00:00Z");
    let options = format!("urls = [{:?}, {:?}]", one.url(), two.url());
    let mut source = source(None, &options);
    let facts = wait_for(&mut *source, |incidents| incidents.len() == 3).await;
    let both = |facts: &Facts| {
        let incidents = facts.incidents.clone().unwrap();
        let is_it = |one: &Incident| one.title.raw() == "Both";
        incidents.into_iter().find(is_it).unwrap()
    };
    assert_eq!(both(&facts).alerts, 1);
    assert_eq!(
        both(&facts).status,
        IncidentStatus::Triggered,
        "one member would notify"
    );
    assert_eq!(facts.warnings.len(), 0);

    two.server.kill();
    let facts = source.fetch(&ask()).await.unwrap();
    assert_eq!(facts.incidents.as_ref().unwrap().len(), 2);
    assert_eq!(both(&facts).status, IncidentStatus::Silenced);
    let warning = facts.warnings[0].raw();
    assert!(
        warning.starts_with("1 of 2 members answered; urls[1]: "),
        "{warning}"
    );
    assert_eq!(facts.fault, None);

    one.server.kill();
    let fault = source.fetch(&ask()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Connect);
    assert!(
        fault
            .message
            .raw()
            .starts_with("none of 2 members answered"),
        "{fault:?}"
    );
}
