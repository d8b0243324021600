//! Three Alertmanagers of one cluster, one of them dead.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};
use watchfire::config::{HttpSettings, Settings, SourceSettings};
use watchfire::domain::SourceName;
use watchfire::source::alertmanager::KIND;
use watchfire::source::{Ask, Source};

use crate::acting::Desk;
use crate::alertmanager::Alertmanager;
use crate::proxy::{Proxy, Way};
use crate::server::{free_port, wait_until};

/// A cluster whose members know each other.
fn cluster() -> (Vec<Alertmanager>, Vec<TempDir>) {
    let dirs: Vec<TempDir> = (0..3).map(|_| tempdir().unwrap()).collect();
    let ports: Vec<u16> = (0..3).map(|_| free_port()).collect();
    let members: Vec<Alertmanager> = (0..3)
        .map(|own| Alertmanager::member(dirs[own].path(), &ports, own))
        .collect();
    for member in &members {
        wait_until(&member.url(), "/api/v2/status", |status| {
            let cluster = &status["cluster"];
            let peers = cluster["peers"].as_array().map_or(0, Vec::len);
            cluster["status"] == "ready" && peers == 3
        });
    }
    (members, dirs)
}

fn source(urls: &[&str]) -> Box<dyn Source> {
    let settings = SourceSettings {
        name: SourceName::new("am"),
        kind: KIND.name.to_owned(),
        index: 0,
        interval: SignedDuration::from_secs(15),
        stale_after: SignedDuration::from_mins(5),
        http: HttpSettings::default(),
        folder: None,
        table: format!("urls = {urls:?}").parse().unwrap(),
    };
    (KIND.build)(&settings, &Settings::empty()).unwrap().source
}

/// Waits until a member has just this one silence, in this state.
fn has_one(member: &Alertmanager, id: &str, state: &str) {
    wait_until(&member.url(), "/api/v2/silences", |listed: &Value| {
        let listed = listed.as_array().unwrap();
        listed.len() == 1 && listed[0]["id"] == id && listed[0]["status"]["state"] == state
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_one_member_dead_the_others_are_asked_and_one_silence_is_made_for_all() {
    let (mut members, _dirs) = cluster();
    for member in &members {
        // As Prometheus does: every member is told of every alert.
        let labels = json!({"alertname": "Burn", "service": "checkout", "severity": "page"});
        member.fire(&[(labels, json!({}))]);
    }
    members[0].server.kill();
    let proxies: Vec<Proxy> = members
        .iter()
        .map(|member| Proxy::before(&member.url(), Way::Pass))
        .collect();
    let dead = members[0].url();
    let urls = [dead.as_str(), &proxies[1].url, &proxies[2].url];

    let mut source = source(&urls);
    let ask = Ask {
        now: Timestamp::now(),
        at: None,
        history: false,
        since: None,
    };
    let facts = source.fetch(&ask).await.unwrap();
    let warning = facts.warnings[0].raw();
    assert!(
        warning.starts_with("2 of 3 members answered; urls[0]: "),
        "{warning}"
    );
    let incidents = facts.incidents.unwrap();
    assert_eq!(
        (incidents.len(), incidents[0].alerts),
        (1, 1),
        "one alert, told twice"
    );
    assert_eq!(facts.fault, None);

    let desk = Desk::over(&urls, true, "");
    let (exit, made) = desk.silence(&["--service", "checkout", "--for", "1h", "--yes"]);
    assert_eq!(
        (exit, made["result"].as_str()),
        (0, Some("done")),
        "{made:#}"
    );
    let id = made["undo"]["target"].as_str().unwrap();
    for member in &members[1..] {
        has_one(member, id, "active");
        assert_eq!(member.silences().len(), 1, "amtool sees it too");
    }
    let (exit, moved) = desk.silence(&["--extend", id, "--for", "2h", "--yes"]);
    assert_eq!(exit, 0, "{moved:#}");
    let later = moved["request"]["until"].as_str().unwrap();
    for member in &members[1..] {
        wait_until(&member.url(), "/api/v2/silences", |listed| {
            let ends = listed[0]["endsAt"].as_str().unwrap().parse::<Timestamp>();
            let apart = ends.unwrap().duration_since(later.parse().unwrap());
            apart.abs() < SignedDuration::from_secs(1)
        });
    }
    let (exit, ended) = desk.silence(&["--expire", id, "--yes"]);
    assert_eq!(exit, 0, "{ended:#}");
    for member in &members[1..] {
        has_one(member, id, "expired");
    }
    let changes = |proxy: &Proxy| {
        let asked = proxy.asked();
        asked
            .iter()
            .filter(|line| !line.starts_with("GET "))
            .count()
    };
    let sent: usize = proxies.iter().map(changes).sum();
    assert_eq!(sent, 3, "each order went to one member");

    for member in &mut members[1..] {
        member.server.kill();
    }
    let run = desk.run(&["silence", "--service", "checkout", "--for", "1h", "--yes"]);
    assert_eq!(run.exit, 3, "{}{}", run.stdout, run.stderr);
    assert!(
        run.stderr.contains("none of 3 members answered"),
        "{}",
        run.stderr
    );
}
