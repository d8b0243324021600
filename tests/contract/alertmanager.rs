//! The alertmanager source against Debian's Alertmanager 0.25 and the description of that version.

use serde_json::json;

use crate::description::Description;
use crate::proxy::Checked;
use crate::server::{self, Server, wait_until};
use crate::settings::{ask, source};

const CONFIG: &str = "route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n";

fn start(folder: &std::path::Path) -> Server {
    std::fs::write(folder.join("alertmanager.yml"), CONFIG).unwrap();
    Server::start("prometheus-alertmanager", folder, "/-/ready", |address| {
        vec![
            "--config.file=alertmanager.yml".to_owned(),
            "--storage.path=data".to_owned(),
            "--cluster.listen-address=".to_owned(),
            format!("--web.listen-address={address}"),
        ]
    })
}

#[tokio::test]
async fn alerts_and_silences_of_a_real_server_are_as_described() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let address = server.url.trim_start_matches("http://");
    let alerts = json!([
        {"labels": {"alertname": "Burn", "service": "checkout", "severity": "page"},
         "annotations": {"summary": "checkout burns"}, "generatorURL": "https://prom.example/graph"},
        {"labels": {"alertname": "Slow", "service": "search", "severity": "ticket"}},
    ]);
    let silence = json!({
        "matchers": [{"name": "service", "value": "search", "isRegex": false, "isEqual": true}],
        "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "mara", "comment": "known",
    });
    for (path, body) in [("/api/v2/alerts", alerts), ("/api/v2/silences", silence)] {
        let answer = server::post(address, path, &body.to_string()).unwrap();
        assert!(answer.contains("200 OK"), "{answer}");
    }
    wait_until(&server.url, "/api/v2/alerts", |alerts| {
        let alerts = alerts.as_array().into_iter().flatten();
        alerts
            .filter(|alert| alert["status"]["state"] == "suppressed")
            .count()
            == 1
    });
    // Newer versions know it, and older ones leave it unread.
    let newer = "query parameter `expired` is not known";
    let description = Description::named("alertmanager-0.25").allowing(newer);
    let checked = Checked::start(description, &server.url).await;
    let options = "filter = ['service=~\"checkout|search\"']\nreceiver = \"nobody\"";
    let mut source = source("alertmanager", &checked.url, options);
    let facts = source.fetch(&ask()).await.unwrap();
    assert_eq!(facts.incidents.unwrap().len(), 2);
    assert_eq!(facts.fault, None);
    let kept = checked.kept();
    assert!(kept.contains(&"GET /alerts".to_owned()), "{kept:?}");
    assert!(kept.contains(&"GET /silences".to_owned()), "{kept:?}");
}
