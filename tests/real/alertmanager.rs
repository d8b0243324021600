//! A real Alertmanager on a free loopback port, and what tests tell it.

use std::path::Path;

use serde_json::{Value, json};

use crate::server::{Server, post};

/// The page that every alert comes from.
pub(crate) const GENERATOR: &str = "http://prometheus.example/graph?g0.expr=up";

/// A running Alertmanager. It sends no notification anywhere.
pub(crate) struct Alertmanager {
    /// The process; [`Server::kill`] ends it before the test does.
    pub(crate) server: Server,
    address: String,
    prefix: String,
}

impl Alertmanager {
    /// Starts one that keeps its data in `dir`. Everything goes to the receiver `shop`, but for
    /// `team="search"`; a page inhibits the ticket of the same service. `prefix` is the path that
    /// its API lives under, empty for none.
    pub(crate) fn start(dir: &Path, prefix: &str) -> Self {
        let config = "
route: { receiver: shop, routes: [ { receiver: search, matchers: [ 'team=\"search\"' ] } ] }
receivers: [ { name: shop }, { name: search } ]
inhibit_rules:
  - source_matchers: [ 'severity=\"page\"' ]
    target_matchers: [ 'severity=\"ticket\"' ]
    equal: [ service ]
";
        std::fs::write(dir.join("alertmanager.yml"), config).expect("the configuration is written");
        let ready = format!("{prefix}/-/ready");
        let server = Server::start("prometheus-alertmanager", dir, &ready, |address| {
            vec![
                "--config.file=alertmanager.yml".to_owned(),
                "--storage.path=data".to_owned(),
                format!("--web.listen-address={address}"),
                format!("--web.route-prefix={prefix}/"),
                "--cluster.listen-address=".to_owned(),
            ]
        });
        let address = server.url.trim_start_matches("http://").to_owned();
        let prefix = prefix.to_owned();
        Self {
            server,
            address,
            prefix,
        }
    }

    /// Its base URL, with the prefix.
    pub(crate) fn url(&self) -> String {
        format!("{}{}", self.server.url, self.prefix)
    }

    /// Posts alerts: labels with annotations.
    pub(crate) fn fire(&self, alerts: &[(Value, Value)]) {
        let rows: Vec<Value> = alerts
            .iter()
            .map(|(labels, annotations)| {
                json!({
                    "labels": labels,
                    "annotations": annotations,
                    "generatorURL": GENERATOR,
                })
            })
            .collect();
        self.post("alerts", &json!(rows));
    }

    /// Says that an alert is over.
    pub(crate) fn resolve(&self, labels: &Value) {
        self.post(
            "alerts",
            &json!([{"labels": labels, "endsAt": "2020-01-01T00:00:00Z"}]),
        );
    }

    /// Silences what has this value of a label until `ends`; gives the silence's id.
    pub(crate) fn silence(&self, label: &str, value: &str, ends: &str) -> String {
        let answer = self.post(
            "silences",
            &json!({
                "matchers": [{"name": label, "value": value, "isRegex": false, "isEqual": true}],
                "startsAt": "2020-01-01T00:00:00Z",
                "endsAt": ends,
                "createdBy": "mara",
                "comment": "rollback under way",
            }),
        );
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let body: Value = serde_json::from_str(body).expect("JSON");
        body["silenceID"].as_str().expect("an id").to_owned()
    }

    fn post(&self, what: &str, body: &Value) -> String {
        let path = format!("{}/api/v2/{what}", self.prefix);
        let answer = post(&self.address, &path, &body.to_string()).expect("an answer");
        let status = answer.split(' ').nth(1);
        assert_eq!(status, Some("200"), "{path}: {answer}");
        answer
    }
}
