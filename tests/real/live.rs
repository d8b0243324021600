//! An incident as it happens: each change is on the screen within two polls of the data showing it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::alertmanager::Alertmanager;
use crate::history::{create_blocks, start, start_with, this_minute};
use crate::page::Page;
use crate::program::{screen, status};
use crate::pty::Pty;
use crate::rules;
use crate::server::{encoded, wait_until};

/// Two polls of a source that is asked every two seconds, and what one of them may take itself.
const TWO_POLLS: Duration = Duration::from_secs(5);

/// When the shop's recorded burn is above a page rule's factor, in both of its windows.
const BURNS: &str = "(slo:sli_error:ratio_rate1h > 14.4 * 0.01 and on () slo:sli_error:ratio_rate5m > 14.4 * 0.01) \
     or (slo:sli_error:ratio_rate6h > 6 * 0.01 and on () slo:sli_error:ratio_rate30m > 6 * 0.01)";

/// A service with counters that go up all the time.
pub(crate) struct Shop {
    pub(crate) metrics: Arc<Page>,
    is_failing: Arc<AtomicBool>,
    is_open: Arc<AtomicBool>,
}

impl Shop {
    /// Begins to serve a hundred requests a second.
    pub(crate) fn open() -> Self {
        let shop = Self {
            metrics: Arc::new(Page::serve("200 OK", "")),
            is_failing: Arc::default(),
            is_open: Arc::new(AtomicBool::new(true)),
        };
        let metrics = Arc::clone(&shop.metrics);
        let (is_failing, is_open) = (Arc::clone(&shop.is_failing), Arc::clone(&shop.is_open));
        thread::spawn(move || {
            let (mut good, mut bad) = (0, 0);
            while is_open.load(Ordering::Relaxed) {
                let failed = if is_failing.load(Ordering::Relaxed) {
                    5
                } else {
                    0
                };
                good += 10 - failed;
                bad += failed;
                metrics.set(&format!(
                    "http_requests_total{{service=\"shop\",code=\"200\"}} {good}\n\
                     http_requests_total{{service=\"shop\",code=\"500\"}} {bad}\n"
                ));
                thread::sleep(Duration::from_millis(100));
            }
        });
        shop
    }

    /// From now on every other request fails.
    pub(crate) fn fail(&self) {
        self.is_failing.store(true, Ordering::Relaxed);
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.is_open.store(false, Ordering::Relaxed);
    }
}

/// Waits for a text that is due on the screen within two polls from now.
fn assert_within_two_polls(pty: &Pty, text: &str) {
    let began = Instant::now();
    pty.wait_for(text);
    assert!(began.elapsed() < TWO_POLLS, "{text}: {:?}", began.elapsed());
}

#[test]
fn burn_alert_and_release_are_on_the_screen_within_two_polls() {
    let data = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let shop = Shop::open();
    let alertmanager = Alertmanager::start(data[1].path(), "");
    let target = |url: &str| format!("{:?}", url.trim_start_matches("http://"));
    let rules = format!(
        "groups:\n{}- name: alerts\n  rules:\n  - alert: ShopBurns\n    \
         expr: slo:sli_error:ratio_rate5m{{sloth_service=\"shop\"}} > 0.1\n    \
         labels: {{service: shop, severity: page}}\n    annotations: {{summary: the shop burns}}\n",
        rules::sloth("shop"),
    );
    let scraping = format!(
        "scrape_configs:\n- job_name: shop\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  \
         static_configs: [{{targets: [{}]}}]\n\
         alerting:\n  alertmanagers: [{{static_configs: [{{targets: [{}]}}]}}]\n",
        target(&shop.metrics.url),
        target(&alertmanager.url()),
    );
    let prometheus = start_with(data[0].path(), &rules, &scraping);
    let deploys = Page::serve("200 OK", "[]");
    let config = format!(
        "[[source]]\nname = \"prom\"\nkind = \"prometheus\"\nurl = \"{}\"\ninterval = \"2s\"\n\
         [[source]]\nname = \"am\"\nkind = \"alertmanager\"\nurl = \"{}\"\ninterval = \"2s\"\n\
         [[source]]\nname = \"deploys\"\nkind = \"json\"\nurl = \"{}\"\ninterval = \"2s\"\n\
         releases = '.[]'\n",
        prometheus.url,
        alertmanager.url(),
        deploys.url
    );
    let dir = data[0].path();
    std::fs::write(dir.join("watchfire.toml"), config).expect("the configuration");
    let pty = screen(dir, &["--config", "watchfire.toml"]);
    pty.wait_for("○ shop");
    pty.wait_for("prom, am, deploys live");
    pty.wait_for("no open incidents");

    // Alerts that fire before Prometheus knows its Alertmanager are not sent for a minute.
    wait_until(&prometheus.url, "/api/v1/alertmanagers", |answer| {
        answer["data"]["activeAlertmanagers"][0].is_object()
    });
    // Told right after a poll, so that all of the time until the next one counts.
    for version in ["v2.31.0", "v2.32.0", "v2.33.0"] {
        let release = json!({"id": version, "service": "shop", "version": version});
        deploys.set_after_next(&json!([release]).to_string());
        assert_within_two_polls(&pty, version);
    }

    shop.fail();
    let burns = format!("/api/v1/query?query={}", encoded(BURNS));
    wait_until(&prometheus.url, &burns, |answer| {
        answer["data"]["result"][0].is_object()
    });
    assert_within_two_polls(&pty, "● shop");
    pty.wait_for("● 1 PAGE");

    wait_until(&alertmanager.url(), "/api/v2/alerts", |answer| {
        answer[0].is_object()
    });
    assert_within_two_polls(&pty, "the shop burns");
}

#[test]
fn a_new_version_label_is_a_release_from_roll_out_to_arrival() {
    const MINUTE: i64 = 60;
    let dir = tempfile::tempdir().expect("a folder");
    let end = this_minute();
    let rollout = end - 180 * MINUTE;
    let mut text = String::from("# TYPE app_build_info gauge\n");
    // The old version runs on for ten minutes; an hour ago nothing is scraped for a while.
    let versions = [
        ("v1", end - 360 * MINUTE..=rollout + 10 * MINUTE),
        ("v2", rollout..=end),
    ];
    for (version, span) in versions {
        for at in span.step_by(60) {
            if !(60 * MINUTE..75 * MINUTE).contains(&(end - at)) {
                // Between the minutes, where no version of Prometheus doubts what a step sees.
                let at = at - 30;
                let labels = format!("service=\"shop\",version=\"{version}\"");
                let _ = writeln!(text, "app_build_info{{{labels}}} 1 {at}");
            }
        }
    }
    create_blocks(dir.path(), "versions", &(text + "# EOF\n"));
    let prometheus = start(dir.path(), "");
    let config = format!(
        "[[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"{}\"\ndiscover = false\n\
         build_info = {{ series = \"app_build_info\" }}\n",
        prometheus.url
    );
    std::fs::write(dir.path().join("watchfire.toml"), config).expect("the configuration");
    let releases = |at: i64| {
        let args = ["--config", "watchfire.toml", "--at", &at.to_string()];
        let (_, mut answer) = status(dir.path(), &args);
        answer["releases"].take()
    };
    let told = |release: &Value| {
        let started: jiff::Timestamp = release["started_at"].as_str()?.parse().ok()?;
        let finished = release["finished_at"].as_str();
        let finished = finished.and_then(|at| at.parse::<jiff::Timestamp>().ok());
        Some((
            release["version"].as_str()?.to_owned(),
            release["status"].as_str()?.to_owned(),
            started.as_second(),
            finished.map(jiff::Timestamp::as_second),
        ))
    };
    assert_eq!(releases(rollout - MINUTE), json!([]));
    let v2 = |status: &str, finished| Some(("v2".to_owned(), status.to_owned(), rollout, finished));
    let running = releases(rollout + 2 * MINUTE);
    assert_eq!(told(&running[0]), v2("running", None), "{running:#}");
    // The old version's last sample is seen for five minutes more, as back-filled ones are.
    let arrived = releases(end);
    let gone = rollout + 15 * MINUTE;
    assert_eq!(
        told(&arrived[0]),
        v2("succeeded", Some(gone)),
        "{arrived:#}"
    );
    assert_eq!(
        arrived.as_array().map(Vec::len),
        Some(1),
        "a gap is no release"
    );
}
