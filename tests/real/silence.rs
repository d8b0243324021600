//! A real Prometheus dies while its alert fires: Alertmanager lets the alert end by itself, and nothing
//! of that is taken for the end of the incident.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::alertmanager::Alertmanager;
use crate::program::{screen, status, watchfire};
use crate::server::{Server, free_port, wait_until};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// An alert that fires, or that does not.
fn rules(fires: bool) -> String {
    let above = i32::from(!fires);
    format!(
        "groups:\n- name: alerts\n  rules:\n  - alert: ShopBurns\n    expr: vector(1) > {above}\n    \
         labels: {{service: shop, severity: page}}\n    annotations: {{summary: the shop burns}}\n"
    )
}

/// Starts Prometheus at an address, with an alert that fires or not, repeated every second.
fn prometheus(dir: &Path, address: &str, alertmanager: &str, fires: bool) -> Server {
    let target = alertmanager.trim_start_matches("http://");
    let config = format!(
        "global:\n  evaluation_interval: 1s\nrule_files: [rules.yml]\n\
         alerting:\n  alertmanagers: [{{static_configs: [{{targets: [{target:?}]}}]}}]\n"
    );
    std::fs::write(dir.join("rules.yml"), rules(fires)).expect("the rules");
    std::fs::write(dir.join("prometheus.yml"), config).expect("the configuration");
    let args = vec![
        "--config.file=prometheus.yml".to_owned(),
        "--storage.tsdb.path=data".to_owned(),
        "--rules.alert.resend-delay=1s".to_owned(),
        format!("--web.listen-address={address}"),
    ];
    Server::start_at("prometheus", dir, address, "/-/ready", &args)
}

/// What the hand-over of the last hour says.
fn handoff(dir: &Path) -> Value {
    let args = [
        "handoff",
        "--config",
        "watchfire.toml",
        "--since",
        "1h",
        "--no-keep",
    ];
    let run = watchfire(dir, &[&args[..], &["--format", "json"]].concat());
    // Until the screen has written its journal there is none.
    serde_json::from_str(&run.stdout).unwrap_or(Value::String(run.stderr))
}

/// Waits until the hand-over says so of its incidents: how many are open, gone, resolved.
fn wait_for_handoff(dir: &Path, want: [usize; 3]) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = handoff(dir);
        let count = |list: &str| answer[list].as_array().map_or(0, Vec::len);
        if ["open", "gone", "resolved"].map(count) == want {
            return answer;
        }
        assert!(Instant::now() < deadline, "not {want:?}: {answer:#}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

#[test]
fn an_alert_that_ends_because_prometheus_died_is_gone_until_prometheus_says_more() {
    let data = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let dir = data[0].path();
    let alertmanager = Alertmanager::start(data[1].path(), "");
    let address = format!("127.0.0.1:{}", free_port());
    let start = |fires| prometheus(dir, &address, &alertmanager.url(), fires);
    let lists = |count: usize| {
        wait_until(&alertmanager.url(), "/api/v2/alerts", |answer| {
            answer.as_array().map(Vec::len) == Some(count)
        });
    };
    let config = format!(
        "[[source]]\nname = \"prom\"\nkind = \"prometheus\"\nurl = \"http://{address}\"\n\
         interval = \"2s\"\n[[source]]\nname = \"am\"\nkind = \"alertmanager\"\nurl = \"{}\"\n\
         interval = \"2s\"\n[journal]\npath = \"{}/journal.db\"\n",
        alertmanager.url(),
        dir.display()
    );
    std::fs::write(dir.join("watchfire.toml"), config).expect("the configuration");
    let asked = || {
        let (_, answer) = status(dir, &["--config", "watchfire.toml"]);
        answer["incidents"][0]["status"].clone()
    };

    let mut server = start(true);
    lists(1);
    let pty = screen(dir, &["--config", "watchfire.toml"]);
    pty.wait_for("the shop burns");
    assert_eq!(asked(), "triggered");
    wait_for_handoff(dir, [1, 0, 0]);

    server.kill();
    lists(0);
    pty.wait_for("gone ");
    assert_eq!(asked(), "gone");
    let answer = wait_for_handoff(dir, [0, 1, 0]);
    assert!(answer["gone"][0]["last_seen"].is_string(), "{answer:#}");

    // It fires on: it is the same incident.
    let mut server = start(true);
    lists(1);
    pty.wait_gone("gone ");
    let answer = wait_for_handoff(dir, [1, 0, 0]);
    assert_eq!(answer["open"][0]["status"], "triggered", "{answer:#}");
    assert_eq!(answer["open"][0]["times"], 1, "{answer:#}");

    // It does not fire any more, which is known once Prometheus evaluates again.
    server.kill();
    lists(0);
    pty.wait_for("gone ");
    let _server = start(false);
    let answer = wait_for_handoff(dir, [0, 0, 1]);
    assert!(answer["resolved"][0]["last_seen"].is_string(), "{answer:#}");
    pty.wait_for("no open incidents");
    assert_eq!(asked(), Value::Null);
}
