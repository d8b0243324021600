//! Services with a known past, back-filled into a real Prometheus.
//!
//! Every service is a function of the minute, so the truth about any window is a sum of integers.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::server::Server;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How far the past reaches.
const DAYS: i64 = 32;
/// Samples older than this stand five minutes apart, younger ones one.
const FINE: i64 = 4 * DAY;
/// Hours a TSDB block spans; `promtool` reads its whole input once for every block.
const BLOCK: i64 = 162 * HOUR;

/// A service: how many requests it serves in a minute and how many of them fail, by seconds before
/// the end of the history; `None` while it does not exist or is not scraped.
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) traffic: fn(i64) -> Option<(u64, u64)>,
    /// The pod that serves it at that time: a new one is a new series.
    pub(crate) pod: fn(i64) -> i64,
    /// True where its counters start again from zero.
    pub(crate) restarts: fn(i64) -> bool,
    /// Minutes in which it is served but not scraped.
    pub(crate) unseen: fn(i64) -> bool,
}

/// Never there, never restarted.
pub(crate) const PLAIN: Service = Service {
    name: "",
    traffic: |_| None,
    pod: |_| 0,
    restarts: |_| false,
    unseen: |_| false,
};

/// Requests by day and night, so that a mean of ratios is not a ratio of sums.
fn requests(ago: i64) -> u64 {
    if (ago / HOUR) % 24 < 8 { 120 } else { 600 }
}

/// The services of the history.
pub(crate) const SERVICES: &[Service] = &[
    Service {
        name: "steady",
        traffic: |ago| Some((requests(ago), requests(ago) / 120)),
        ..PLAIN
    },
    Service {
        name: "burning",
        traffic: |ago| Some((requests(ago), if ago < 45 * MINUTE { 30 } else { 0 })),
        ..PLAIN
    },
    Service {
        name: "past",
        traffic: |ago| {
            let outage = (10 * DAY..10 * DAY + 2 * HOUR).contains(&ago);
            Some((
                requests(ago),
                if outage {
                    requests(ago) / 2
                } else {
                    requests(ago) / 120
                },
            ))
        },
        ..PLAIN
    },
    Service {
        name: "slow",
        traffic: |ago| {
            Some((
                requests(ago),
                if ago < 2 * DAY { requests(ago) / 24 } else { 0 },
            ))
        },
        ..PLAIN
    },
    Service {
        name: "never",
        traffic: |ago| Some((requests(ago), 0)),
        ..PLAIN
    },
    Service {
        name: "idle",
        traffic: |_| Some((0, 0)),
        ..PLAIN
    },
    Service {
        name: "newborn",
        traffic: |ago| (ago < 2 * HOUR).then_some((requests(ago), requests(ago) / 120)),
        ..PLAIN
    },
    Service {
        name: "retired",
        traffic: |ago| (ago > 2 * DAY).then_some((requests(ago), requests(ago) / 120)),
        ..PLAIN
    },
    Service {
        name: "resets",
        traffic: |ago| Some((requests(ago), requests(ago) / 120)),
        restarts: |ago| ago % (6 * HOUR) == 0,
        ..PLAIN
    },
    Service {
        name: "churn",
        traffic: |ago| Some((requests(ago), requests(ago) / 120)),
        pod: |ago| ago / DAY,
        ..PLAIN
    },
    Service {
        name: "gaps",
        traffic: |ago| Some((requests(ago), requests(ago) / 120)),
        unseen: |ago| (40 * MINUTE..60 * MINUTE).contains(&(ago % (5 * HOUR))),
        ..PLAIN
    },
];

/// The service of that name.
pub(crate) fn service(name: &str) -> &'static Service {
    SERVICES
        .iter()
        .find(|service| service.name == name)
        .expect("a service of the history")
}

impl Service {
    /// Bad and all events of the last `seconds` before the end.
    pub(crate) fn events(&self, seconds: i64) -> (u64, u64) {
        (0..seconds / MINUTE)
            .filter_map(|minute| (self.traffic)(minute * MINUTE))
            .fold((0, 0), |(bad, total), (all, failed)| {
                (bad + failed, total + all)
            })
    }

    /// Its error ratio over the last `seconds` before the end; `None` without any event.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub(crate) fn error_ratio(&self, seconds: i64) -> Option<f64> {
        let (bad, total) = self.events(seconds);
        (total > 0).then(|| bad as f64 / total as f64)
    }

    /// Its samples as OpenMetrics text lines: one counter a pod and code, from old to new.
    fn write(&self, end: i64, out: &mut Vec<(i64, String)>) {
        let (mut good, mut bad, mut pod) = (0, 0, None);
        // A client exports its error counter from the start, at zero, when it knows of errors.
        let fails = self.events(DAYS * DAY).0 > 0;
        for minute in (0..DAYS * DAY / MINUTE).rev() {
            let ago = minute * MINUTE;
            let Some((all, failed)) = (self.traffic)(ago) else {
                continue;
            };
            if (self.restarts)(ago) || pod != Some((self.pod)(ago)) {
                (good, bad) = (0, 0);
                // A new pod exports its counters from zero before it serves anything.
                if pod != Some((self.pod)(ago)) {
                    pod = Some((self.pod)(ago));
                    self.line(ago + MINUTE, end, pod, (good, fails.then_some(bad)), out);
                }
            }
            good += all - failed;
            bad += failed;
            let coarse = ago >= FINE && ago % (5 * MINUTE) != 0;
            if !coarse && !(self.unseen)(ago) {
                self.line(ago, end, pod, (good, fails.then_some(bad)), out);
            }
        }
    }

    fn line(
        &self,
        ago: i64,
        end: i64,
        pod: Option<i64>,
        (good, bad): (u64, Option<u64>),
        out: &mut Vec<(i64, String)>,
    ) {
        let (name, pod, at) = (self.name, pod.unwrap_or(0), end - ago);
        let labels = format!("service=\"{name}\",pod=\"{pod}\"");
        out.push((
            at,
            format!("http_requests_total{{{labels},code=\"200\"}} {good} {at}\n"),
        ));
        if let Some(bad) = bad {
            out.push((
                at,
                format!("http_requests_total{{{labels},code=\"500\"}} {bad} {at}\n"),
            ));
        }
    }
}

/// The present minute, in Unix seconds: where a history may end at the latest.
pub(crate) fn this_minute() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970");
    i64::try_from(now.as_secs()).expect("seconds") / MINUTE * MINUTE
}

/// Back-fills the services into `dir` and starts a Prometheus on it; the history ends at `end`.
pub(crate) fn prometheus(dir: &Path, services: &[&Service], rules: &str, end: i64) -> Server {
    backfill(dir, samples(services, end));
    start(dir, rules)
}

/// What the services have exposed: when, in Unix seconds, and a line of OpenMetrics.
pub(crate) fn samples(services: &[&Service], end: i64) -> Vec<(i64, String)> {
    let mut samples = Vec::new();
    for service in services {
        service.write(end, &mut samples);
    }
    samples
}

/// Makes what `dir` will hold of samples: their time, and OpenMetrics lines.
pub(crate) fn backfill(dir: &Path, samples: Vec<(i64, String)>) {
    let mut blocks = std::collections::BTreeMap::<i64, Vec<String>>::new();
    for (at, line) in samples {
        blocks.entry(at / BLOCK).or_default().push(line);
    }
    for (block, mut lines) in blocks {
        // OpenMetrics wants the samples of one series together.
        lines.sort_by(|a, b| key(a).cmp(key(b)));
        let mut text = String::from("# TYPE http_requests counter\n");
        text.extend(lines);
        text.push_str("# EOF\n");
        create_blocks(dir, &block.to_string(), &text);
    }
}

/// Makes what `dir` will hold of OpenMetrics text; `name` tells it from others.
pub(crate) fn create_blocks(dir: &Path, name: &str, text: &str) {
    let file = dir.join(format!("{name}.om"));
    std::fs::write(&file, text).expect("the samples");
    let made = Command::new("promtool")
        .args([
            "tsdb",
            "create-blocks-from",
            "--max-block-duration=162h",
            "openmetrics",
        ])
        .args([file, dir.join("data")])
        .output()
        .expect("promtool, which `./test` installs");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

fn key(line: &str) -> &str {
    line.split_once(' ').map_or(line, |(series, _)| series)
}

/// Starts a Prometheus with these rules on what `dir` holds.
pub(crate) fn start(dir: &Path, rules: &str) -> Server {
    start_with(dir, rules, "")
}

/// The same with more of its configuration, as YAML.
pub(crate) fn start_with(dir: &Path, rules: &str, more: &str) -> Server {
    let mut config = format!("global:\n  evaluation_interval: 1s\n{more}");
    if !rules.is_empty() {
        std::fs::write(dir.join("rules.yml"), rules).expect("the rules");
        let _ = writeln!(config, "rule_files: [rules.yml]");
    }
    std::fs::write(dir.join("prometheus.yml"), config).expect("the configuration");
    Server::start("prometheus", dir, "/-/ready", |address| {
        vec![
            "--config.file=prometheus.yml".to_owned(),
            "--storage.tsdb.path=data".to_owned(),
            "--storage.tsdb.retention.time=90d".to_owned(),
            format!("--web.listen-address={address}"),
        ]
    })
}
