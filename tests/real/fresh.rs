//! How fresh numbers are: the budget of a burn with every poll, and nothing of a moment at which the
//! server was down.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use watchfire::config::{Environment, load_text};
use watchfire::domain::{Observation, State};
use watchfire::source::{Ask, Source, known_kinds};
use watchfire::watch::Watch;

use crate::alertmanager::Alertmanager;
use crate::history::start_with;
use crate::live::Shop;
use crate::program::{screen, slo, status};
use crate::server::{Server, encoded, wait_until};

/// The share of requests of the shop that fail.
const RATIO: &str =
    "sum(increase(http_requests_total{code=\"500\"}[5m])) / sum(increase(http_requests_total[5m]))";

/// A Prometheus that scrapes the shop each second.
fn prometheus(dir: &Path, shop: &Shop) -> Server {
    let target = shop.metrics.url.trim_start_matches("http://");
    let scraping = format!(
        "scrape_configs:\n- job_name: shop\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  \
         static_configs: [{{targets: [{target:?}]}}]\n"
    );
    start_with(dir, "", &scraping)
}

/// A source on a Prometheus, and the SLO of the shop.
fn config(url: &str) -> String {
    format!(
        "[[source]]\nname = \"prom\"\nkind = \"prometheus\"\nurl = \"{url}\"\ninterval = \"1s\"\n\
         [[slo]]\nservice = \"shop\"\nname = \"availability\"\nobjective = 99\nsource = \"prom\"\n\
         total = 'http_requests_total'\nbad = 'http_requests_total{{code=\"500\"}}'\n"
    )
}

/// Waits until a query answers with anything.
fn wait_for(server: &Server, query: &str) {
    let path = format!("/api/v1/query?query={}", encoded(query));
    wait_until(&server.url, &path, |answer| {
        answer["data"]["result"][0].is_object()
    });
}

#[test]
fn the_budget_of_a_burn_moves_with_every_poll() {
    let data = tempfile::tempdir().expect("a folder");
    let shop = Shop::open();
    let server = prometheus(data.path(), &shop);
    wait_for(&server, &format!("{RATIO} >= 0"));
    let environment = Environment::default();
    let text = config(&server.url);
    let loaded = load_text("config.toml", text, &environment, &known_kinds());
    let watch = Watch::over(&loaded.expect("a configuration").settings);
    let mut sources = watch.expect("a watch").sources;
    let source = sources.first_mut().expect("a source").1.as_mut();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let begun = Timestamp::now();
    let poll = |source: &mut dyn Source, seconds| -> Observation {
        let ask = Ask {
            now: begun + SignedDuration::from_secs(seconds),
            at: None,
            history: true,
            since: None,
        };
        let mut all = Vec::new();
        // The first of them asks for short windows alone.
        for _ in 0..2 {
            let facts = runtime.block_on(source.fetch(&ask)).expect("facts");
            all = facts.slos.expect("SLOs");
        }
        all.remove(0)
    };
    let calm = poll(source, 0);
    assert_eq!(calm.assess().state, State::Ok);
    assert_eq!(poll(source, 60).older_windows(), ["1d", "3d", "30d"]);

    shop.fail();
    // Of so few seconds no budget is said to be spent; what it is made of moves all the same.
    let mut spent = calm.assess().period_burn.expect("a burn");
    for seconds in [75, 90, 105] {
        // Enough for a page at first, and a good deal more than the last time then.
        let ratio = (spent * 0.01 + 0.04).max(0.08);
        wait_for(&server, &format!("{RATIO} > {ratio}"));
        let seen = poll(source, seconds);
        let verdict = seen.assess();
        assert_eq!(verdict.state, State::Page, "{ratio}");
        assert_eq!(seen.older_windows(), [""; 0], "{ratio}");
        let now = verdict.period_burn.expect("a burn");
        assert!(now > spent + 1.0, "{ratio}: {spent} then, {now} now");
        spent = now;
    }
}

#[test]
fn a_moment_of_an_outage_is_unknown_and_the_incidents_of_then_are_those_of_the_journal() {
    let data = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let dir = data[0].path();
    let shop = Shop::open();
    let mut server = prometheus(dir, &shop);
    let alertmanager = Alertmanager::start(data[1].path(), "");
    let alert = json!({"alertname": "Burns", "service": "shop", "severity": "page"});
    alertmanager.fire(&[(alert, json!({"summary": "the shop burns"}))]);
    wait_for(&server, &format!("{RATIO} >= 0"));
    let write = |url: &str| {
        let alerts = format!(
            "[[source]]\nname = \"am\"\nkind = \"alertmanager\"\nurl = \"{}\"\ninterval = \"1s\"\n",
            alertmanager.url()
        );
        let text = format!("{}{alerts}", config(url));
        std::fs::write(dir.join("watchfire.toml"), text).expect("the configuration");
    };
    write(&server.url);
    let mut pty = screen(dir, &["--config", "watchfire.toml"]);
    pty.wait_for("○ shop");
    pty.wait_for("the shop burns");
    pty.wait_for("prom, am live");
    // Both are in the journal when a few polls are.
    let seen = std::time::Instant::now();
    pty.wait("some polls", |_| seen.elapsed().as_secs() >= 5);
    let alive = Timestamp::now().as_second();
    pty.wait("a moment behind it", |_| {
        Timestamp::now().as_second() > alive
    });
    server.kill();
    while Timestamp::now().as_second() < alive + 12 {
        std::thread::sleep(Duration::from_millis(100));
    }
    pty.press("q");
    assert_eq!(pty.wait_exit(), 0);
    let again = prometheus(dir, &shop);
    wait_for(&again, "up == 1");
    write(&again.url);

    let at = |moment: i64| {
        let moment = moment.to_string();
        status(dir, &["--config", "watchfire.toml", "--at", &moment])
    };
    let (_, then) = at(alive);
    assert_eq!(slo(&then, "shop/availability")["state"], "ok", "{then:#}");
    assert_eq!(then["incidents"][0]["title"], "the shop burns", "{then:#}");
    assert_eq!(then["sources"][1]["from_journal"], true);
    // The samples of before are still within the windows, and say nothing of this moment.
    let (exit, dead) = at(alive + 10);
    let row = slo(&dead, "shop/availability");
    assert_eq!((exit, &row["state"]), (3, &json!("unknown")), "{dead:#}");
    assert_eq!(row["reasons"][0]["code"], "too_old");
    assert_eq!(dead["incidents"][0]["title"], "the shop burns");
}
