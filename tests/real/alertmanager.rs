//! A real Alertmanager on a free loopback port, and what tests tell it.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::server::{Server, post, program};

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
        Self::start_with(dir, prefix, &["--cluster.listen-address=".to_owned()])
    }

    /// Starts a member of the cluster of those who gossip on these ports of loopback, itself on the
    /// one at `own`.
    pub(crate) fn member(dir: &Path, ports: &[u16], own: usize) -> Self {
        let mut flags = vec![
            format!("--cluster.listen-address=127.0.0.1:{}", ports[own]),
            "--cluster.gossip-interval=50ms".to_owned(),
            "--cluster.pushpull-interval=1s".to_owned(),
            "--cluster.settle-timeout=1s".to_owned(),
        ];
        let others = ports.iter().filter(|port| **port != ports[own]);
        flags.extend(others.map(|port| format!("--cluster.peer=127.0.0.1:{port}")));
        Self::start_with(dir, "", &flags)
    }

    fn start_with(dir: &Path, prefix: &str, flags: &[String]) -> Self {
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
            let own = [
                "--config.file=alertmanager.yml".to_owned(),
                "--storage.path=data".to_owned(),
                format!("--web.listen-address={address}"),
                format!("--web.route-prefix={prefix}/"),
            ];
            own.into_iter().chain(flags.iter().cloned()).collect()
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

    /// What `amtool` prints when it is asked so, in JSON where it can.
    pub(crate) fn amtool(&self, args: &[&str]) -> String {
        let output = Command::new(program("amtool"))
            .arg(format!("--alertmanager.url={}", self.url()))
            .args(args)
            .output()
            .expect("amtool, which `./test` fetches");
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Every silence in force or to come, as `amtool` sees it.
    pub(crate) fn silences(&self) -> Vec<Value> {
        let listed = self.amtool(&["silence", "query", "-o", "json"]);
        serde_json::from_str(&listed).expect("JSON")
    }

    fn post(&self, what: &str, body: &Value) -> String {
        let path = format!("{}/api/v2/{what}", self.prefix);
        let answer = post(&self.address, &path, &body.to_string()).expect("an answer");
        let status = answer.split(' ').nth(1);
        assert_eq!(status, Some("200"), "{path}: {answer}");
        answer
    }
}
