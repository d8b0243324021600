//! `gate` against a real Prometheus whose data is healthy, spent, burning, missing, old, thinned out, no
//! number, renamed or partial, and behind servers that fail: never a yes while something is missing.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use watchfire::demo::{Demo, Speed};

use crate::alertmanager::Alertmanager;
use crate::history::{create_blocks, start, this_minute};
use crate::program::{Run, slo, status, watchfire};
use crate::proxy::{Proxy, Way};
use crate::schema;
use crate::server::Server;

/// Minutes of history: two periods of 30 days, and a little.
const MINUTES: i64 = 61 * 24 * 60;
/// Samples older than this stand five minutes apart, younger ones one.
const FINE: i64 = 2 * 24 * 60;
/// Hours that a block spans; `promtool` reads its whole input once for each.
const BLOCK: i64 = 162 * 60;
const DAY: i64 = 24 * 60;

/// Requests a minute, and how many of them fail, so many minutes ago; `None` without a sample.
type Traffic = fn(i64) -> Option<(i64, i64)>;

/// The services of the history: each is a function of the minute.
const SERVICES: [(&str, Traffic); 12] = [
    ("healthy", |_| Some((600, 0))),
    // 42 of 43.2 minutes of budget went ten days ago, 60 of them in `spent`. The steps of the walk are off by
    // some percent there, as samples stand five minutes apart.
    ("low", |ago| Some((600, outage(ago, 10 * DAY, 42)))),
    ("spent", |ago| Some((600, outage(ago, 10 * DAY, 60)))),
    // Two outages: one has left the period, and the other leaves 19 %.
    ("hovering", |ago| {
        let both = outage(ago, 31 * DAY, 35) + outage(ago, 28 * DAY, 35);
        Some((600, both))
    }),
    ("thawed", |ago| Some((600, outage(ago, 31 * DAY, 40)))),
    ("burning", |ago| Some((600, if ago < 70 { 60 } else { 0 }))),
    ("young", |ago| (ago < 9 * DAY).then_some((600, 0))),
    ("gap", |ago| {
        (!(5 * DAY..8 * DAY).contains(&ago)).then_some((600, 0))
    }),
    ("stale", |ago| (ago >= 20).then_some((600, 0))),
    ("silent", |ago| (ago > 2 * DAY).then_some((600, 0))),
    ("idle", |_| Some((0, 0))),
    ("broken", |_| Some((600, 0))),
];

/// A total failure of so many minutes, so many minutes ago.
fn outage(ago: i64, begin: i64, minutes: i64) -> i64 {
    if (begin - minutes..begin).contains(&ago) {
        600
    } else {
        0
    }
}

/// Every sample that a service has exposed: when, and a line of OpenMetrics.
fn samples((name, traffic): &(&str, Traffic), end: i64, out: &mut Vec<(i64, String)>) {
    let (mut good, mut bad) = (0, 0);
    for ago in (0..MINUTES).rev() {
        let Some((total, failed)) = traffic(ago) else {
            continue;
        };
        good += total - failed;
        bad += failed;
        if ago > FINE && ago % 5 != 0 {
            continue;
        }
        let at = end - ago * 60;
        // Since three minutes its counter is no number.
        let broken = *name == "broken" && ago < 3;
        for (code, count) in [("200", good), ("500", bad)] {
            let value = if broken {
                "NaN".to_owned()
            } else {
                count.to_string()
            };
            let line = format!("req_total{{service=\"{name}\",code=\"{code}\"}} {value} {at}\n");
            out.push((at, line));
        }
    }
}

/// A Prometheus with that history, and configurations beside it.
pub(crate) struct World {
    dir: TempDir,
    pub(crate) server: Server,
}

const SLO: &str = "[[slo]]\nservice = \"$s\"\nname = \"availability\"\nobjective = 99.9\nsource = \"prod\"\n\
    total = 'req_total{service=\"$s\"}'\nbad = 'req_total{service=\"$s\",code=\"500\"}'\n";

pub(crate) const POLICY: &str = "[[policy]]\nname = \"tier-1 budget\"\nwhen = { budget_remaining = { below = 0.10 } }\n\
    until = { budget_remaining = { above = 0.25 }, state = [\"ok\"] }\neffect = \"freeze\"\nexcept = [\"security\"]\n";

impl World {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let mut all = Vec::new();
        let end = this_minute();
        for service in &SERVICES {
            samples(service, end, &mut all);
        }
        // A label that bad events are selected by was renamed half an hour ago.
        for ago in (0..MINUTES)
            .rev()
            .filter(|ago| *ago <= FINE || ago % 5 == 0)
        {
            let (label, at) = (if ago >= 30 { "code" } else { "status" }, end - ago * 60);
            let count = (MINUTES - ago) * 600;
            for value in ["200", "500"] {
                let count = if value == "200" { count } else { 0 };
                let line =
                    format!("req_total{{service=\"renamed\",{label}=\"{value}\"}} {count} {at}\n");
                all.push((at, line));
            }
        }
        let mut blocks = std::collections::BTreeMap::<i64, Vec<String>>::new();
        for (at, line) in all {
            blocks.entry(at / 60 / BLOCK).or_default().push(line);
        }
        for (block, mut lines) in blocks {
            lines.sort_by(|a, b| a.split(' ').next().cmp(&b.split(' ').next()));
            let text = format!("# TYPE req counter\n{}# EOF\n", lines.concat());
            create_blocks(dir.path(), &block.to_string(), &text);
        }
        let server = start(dir.path(), "");
        Self { dir, server }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a configuration on a server with this URL, with an SLO for each service.
    pub(crate) fn configure(&self, name: &str, url: &str, more: &str) -> String {
        // A slow machine is no fault; a server behind a proxy may hang.
        let timeout = if url == self.server.url { "20s" } else { "2s" };
        let mut config = format!(
            "[journal]\nenabled = false\n[[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"{url}\"\n\
             timeout = \"{timeout}\"\nsuggest = false\nalerts = false\n"
        );
        let names = SERVICES.iter().map(|(name, _)| *name);
        for service in names.chain(["renamed", "nowhere"]) {
            config.push_str(&SLO.replace("$s", service));
        }
        let name = format!("{name}.toml");
        let _ = write!(config, "{more}");
        std::fs::write(self.path().join(&name), config).expect("the configuration");
        name
    }

    fn gate(&self, config: &str, arguments: &[&str]) -> Run {
        watchfire(
            self.path(),
            &[&["gate", "--config", config], arguments].concat(),
        )
    }

    /// The exit status and the answer for a service.
    fn judge(&self, config: &str, service: &str, arguments: &[&str]) -> (i32, Value) {
        let run = self.gate(
            config,
            &[&["--service", service, "-o", "json"], arguments].concat(),
        );
        let answer = serde_json::from_str(&run.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", run.stdout, run.stderr));
        assert_eq!(schema::faults("gate", &answer), [""; 0]);
        (run.exit, answer)
    }
}

fn words(answer: &Value) -> &str {
    answer["reason"].as_str().expect("a reason")
}

#[test]
fn verdicts_follow_from_the_history_and_say_why() {
    let world = World::start();
    let plain = world.configure("plain", &world.server.url, "");
    let policy = world.configure("policy", &world.server.url, POLICY);
    for (config, service, exit, reason) in [
        (&plain, "healthy", 0, "no policy freezes releases"),
        (&plain, "low", 0, "no policy freezes releases"),
        (
            &plain,
            "spent",
            1,
            "releases frozen: budget -39 %, policy default freeze",
        ),
        (&plain, "burning", 1, "state page"),
        (&plain, "young", 3, "data covers too little"),
        (&plain, "gap", 3, "data covers too little"),
        (&plain, "stale", 3, "the newest sample is 2"),
        (&plain, "silent", 3, "no sample"),
        (&plain, "idle", 3, "cannot tell"),
        (&plain, "broken", 3, "cannot tell"),
        (&plain, "renamed", 3, "no longer have the label `code`"),
        (&plain, "nowhere", 3, "cannot tell"),
        (&policy, "healthy", 0, "no policy freezes releases"),
        (&policy, "low", 1, "until above 25 % and state ok"),
        (
            &policy,
            "hovering",
            1,
            "budget 19 %, policy tier-1 budget, until above 25 %",
        ),
        (&policy, "thawed", 0, "no policy freezes releases"),
        (&policy, "spent", 1, "budget -39 %, policy tier-1 budget"),
        (&policy, "gap", 3, "data covers too little"),
    ] {
        let (status, answer) = world.judge(config, service, &[]);
        assert_eq!(status, exit, "{service}: {answer:#}");
        assert!(words(&answer).contains(reason), "{service}: {answer:#}");
        let verdict = ["yes", "no", "", "unknown"][usize::try_from(exit).expect("a status")];
        assert_eq!(answer["verdict"], verdict);
    }
    // Since the outage, until it has left the period: 20 days from now.
    let (_, low) = world.judge(&policy, "low", &[]);
    let budget = &low["policies"][0];
    let seconds = |value: &Value| {
        let at: Timestamp = value.as_str().expect("a time").parse().expect("a time");
        at.duration_since(Timestamp::now()).as_secs()
    };
    assert!(
        (seconds(&budget["since"]) + 10 * 86_400).abs() < 7_200,
        "{budget:#}"
    );
    assert!(
        (seconds(&budget["expected_at"]) - 20 * 86_400).abs() < 7_200,
        "{budget:#}"
    );
    let input = &budget["inputs"][0];
    assert!((input["value"].as_f64().expect("a number") - 0.028).abs() < 0.002);
    assert!(
        input["query"]
            .as_str()
            .is_some_and(|query| query.contains("req_total"))
    );
    assert_eq!(input["source"], "prod");
    // Eleven days ago it was free.
    let (status, answer) = world.judge(&policy, "low", &["--at", "11d"]);
    assert_eq!(status, 0, "{answer:#}");
    let text = world.gate(&policy, &["--service", "low"]).stdout;
    for line in [
        "NO low",
        "applies since",
        "expected to end",
        "[[exception]]",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(text.lines().count() < 24, "{text}");
}

#[test]
fn exit_statuses_follow_the_verdict_and_its_options() {
    let world = World::start();
    let exception = "[[exception]]\nkind = \"security\"\nservice = \"low\"\nby = \"mara\"\nreason = \"CVE\"\nexpires = 2099-01-01T00:00:00Z\n";
    let policy = world.configure("policy", &world.server.url, POLICY);
    let excepted = world.configure(
        "excepted",
        &world.server.url,
        &format!("{POLICY}{exception}"),
    );
    for (config, arguments, exit) in [
        (
            &policy,
            &["--service", "healthy", "--service", "thawed"][..],
            0,
        ),
        (&policy, &["--service", "healthy", "--service", "low"], 1),
        (&policy, &["--service", "gap", "--service", "low"], 1),
        (&policy, &["--service", "healthy", "--service", "gap"], 3),
        (&policy, &["--service", "low", "--dry-run"], 0),
        (&policy, &["--service", "gap", "--dry-run"], 0),
        (&policy, &["--service", "gap", "--fail-open"], 0),
        (&policy, &["--service", "low", "--fail-open"], 1),
        (&policy, &["--service", "nope"], 3),
        // A mistake is no answer that could be failed open.
        (&policy, &["--service", "nope", "--fail-open"], 3),
        (&policy, &["--fail-open"], 3),
        (&policy, &["--service", "stale", "--max-age", "1h"], 0),
        (&policy, &["--service", "healthy", "--max-age", "1s"], 3),
        (&policy, &["--service", "low", "--kind", "security"], 1),
        (&excepted, &["--service", "low", "--kind", "security"], 0),
        (&excepted, &["--service", "low"], 0),
        (&excepted, &["--service", "low", "--kind", "feature"], 1),
        (
            &excepted,
            &["--service", "hovering", "--kind", "security"],
            1,
        ),
    ] {
        let run = world.gate(config, arguments);
        assert_eq!(
            run.exit, exit,
            "{arguments:?}: {}{}",
            run.stdout, run.stderr
        );
    }
    let dry = world.gate(&policy, &["--service", "low", "--dry-run", "-o", "json"]);
    let dry: Value = serde_json::from_str(&dry.stdout).expect("JSON");
    assert_eq!(
        (&dry["verdict"], &dry["dry_run"]),
        (&json!("no"), &json!(true))
    );
}

#[test]
fn a_time_that_is_left_out_of_the_budget_freezes_nothing_and_is_said() {
    let world = World::start();
    let ago = |minutes: i64| {
        let at = jiff::Timestamp::from_second((this_minute() - minutes * 60).max(0));
        at.expect("a moment")
    };
    let adjustment = format!(
        "[[budget_adjustment]]\nslo = \"spent/availability\"\nfrom = {}\nto = {}\nreason = \"load test\"\nby = \"mara\"\n",
        ago(10 * DAY + 5),
        ago(10 * DAY - 65),
    );
    let plain = world.configure("plain", &world.server.url, POLICY);
    let adjusted = world.configure(
        "adjusted",
        &world.server.url,
        &format!("{POLICY}{adjustment}"),
    );
    let (_, before) = status(world.path(), &["--config", &plain, "--service", "spent"]);
    let (_, after) = status(world.path(), &["--config", &adjusted, "--service", "spent"]);
    let left = |answer: &Value| {
        let one = slo(answer, "spent/availability");
        one["budget_remaining"].as_f64().expect("a budget")
    };
    assert!((left(&before) + 0.39).abs() < 0.01, "{}", left(&before));
    // Samples of that time stand five minutes apart.
    assert!((left(&after) - 1.0).abs() < 0.08, "{}", left(&after));
    let one = slo(&after, "spent/availability");
    assert_eq!(one["budget_adjustments"][0]["reason"], "load test");
    let notes = one["notes"].to_string();
    assert!(notes.contains("the budget leaves out"), "{notes}");
    assert_eq!(world.judge(&plain, "spent", &[]).0, 1);
    let (exit, answer) = world.judge(&adjusted, "spent", &[]);
    assert_eq!(exit, 0, "{answer:#}");
}

#[test]
fn a_wait_says_each_change_and_ends_with_the_last_verdict() {
    let world = World::start();
    let proxy = Proxy::before(&world.server.url, Way::Error);
    let config = world.configure("proxied", &proxy.url, "");
    let began = Instant::now();
    let run = world.gate(
        &config,
        &["--service", "healthy", "--wait", "8s", "-o", "json"],
    );
    assert_eq!(run.exit, 3, "{}{}", run.stdout, run.stderr);
    assert!(began.elapsed() >= Duration::from_secs(8));
    let answer: Value = serde_json::from_str(&run.stdout).expect("one object on stdout");
    assert_eq!(answer["verdict"], "unknown");
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    // It ends as soon as the answer is yes.
    std::thread::scope(|scope| {
        let waiting =
            scope.spawn(|| world.gate(&config, &["--service", "healthy", "--wait", "1m"]));
        std::thread::sleep(Duration::from_secs(7));
        proxy.turn(Way::Pass);
        let run = waiting.join().expect("a run");
        assert_eq!(run.exit, 0, "{}{}", run.stdout, run.stderr);
        assert!(
            run.stderr.contains("unknown:") && run.stderr.contains("yes:"),
            "{}",
            run.stderr
        );
    });
}

#[test]
fn a_wait_that_ends_before_any_answer_is_no_yes() {
    let world = World::start();
    let proxy = Proxy::before(&world.server.url, Way::Hang);
    let config = world.configure("hung", &proxy.url, "");
    let run = world.gate(&config, &["--service", "healthy", "--wait", "1s"]);
    assert_eq!(run.exit, 3, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("CANNOT TELL"), "{}", run.stdout);
}

#[test]
fn a_silence_hides_no_page_from_the_gate() {
    let world = World::start();
    let data = tempfile::tempdir().expect("a folder");
    let alertmanager = Alertmanager::start(data.path(), "");
    alertmanager.fire(&[(
        json!({"alertname": "Down", "service": "healthy", "severity": "page"}),
        json!({"summary": "everything is down"}),
    )]);
    alertmanager.silence("service", "healthy", "2099-01-01T00:00:00Z");
    let policy = format!(
        "[[source]]\nname = \"am\"\nkind = \"alertmanager\"\nurl = \"{}\"\n\
         [[policy]]\nname = \"page\"\nwhen = {{ incident = {{ severity = \"page\" }} }}\neffect = \"freeze\"\n",
        alertmanager.url()
    );
    let config = world.configure("am", &world.server.url, &policy);
    let (exit, answer) = world.judge(&config, "healthy", &[]);
    assert_eq!(exit, 1, "{answer:#}");
    assert!(words(&answer).contains("everything is down"), "{answer:#}");
    // And where nothing can be known of incidents, nothing is let through.
    drop(alertmanager);
    let (exit, answer) = world.judge(&config, "healthy", &[]);
    assert_eq!(exit, 3, "{answer:#}");
}

/// Every way in which a server can fail to answer, or to answer whole.
const FAULTS: [Way; 8] = [
    Way::Hang,
    Way::Reset,
    Way::Error,
    Way::Limited,
    Way::Html,
    Way::CutOff,
    Way::Dead,
    Way::Partial,
];

#[test]
fn a_server_that_does_not_answer_is_no_yes() {
    let world = World::start();
    for way in FAULTS {
        let proxy = Proxy::before(&world.server.url, way);
        let config = world.configure("fault", &proxy.url, "");
        let run = world.gate(&config, &["--service", "healthy"]);
        assert_eq!(run.exit, 3, "{way:?}: {}{}", run.stdout, run.stderr);
        // What never answered has no age.
        let old = run.stdout.contains("0d old") || run.stdout.contains("1970");
        assert!(!old, "{way:?}: {}", run.stdout);
        // Only who says so takes that for a yes.
        let run = world.gate(&config, &["--service", "healthy", "--fail-open"]);
        assert_eq!(run.exit, 0, "{way:?}: {}{}", run.stdout, run.stderr);
    }
}

#[test]
fn the_clock_of_the_server_counts_and_a_difference_is_said() {
    let world = World::start();
    let config = world.configure("plain", &world.server.url, "");
    for (offset, says) in [("+2h", "ahead of"), ("-2h", "behind")] {
        let output = std::process::Command::new("faketime")
            .args(["-f", offset, env!("CARGO_BIN_EXE_watchfire")])
            .args([
                "gate",
                "--config",
                &config,
                "--service",
                "healthy",
                "-o",
                "json",
            ])
            .current_dir(world.path())
            .env("HOME", world.path())
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .output()
            .expect("faketime");
        let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(output.status.code(), Some(0), "{offset}: {answer:#}");
        assert!(
            answer["warnings"][0]
                .as_str()
                .is_some_and(|words| words.contains(says)),
            "{answer:#}"
        );
        let at: jiff::Timestamp = answer["at"]
            .as_str()
            .expect("a time")
            .parse()
            .expect("a time");
        let off = at.duration_since(Timestamp::now()).abs();
        assert!(off.as_secs() < 60, "{answer:#}");
    }
}

/// Numbers from a seed.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, most: usize) -> usize {
        // The generator of Numerical Recipes; its high bits are good enough to choose by.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % most
    }
}

/// Policies of a scenario; none of them freezes a healthy service.
const POLICIES: [&str; 5] = [
    "",
    POLICY,
    "[[policy]]\nname = \"burn\"\nwhen = { any = [{ burn_rate = { window = \"1h\", above = 6 } }, { state = [\"page\"] }] }\neffect = \"freeze\"\n",
    "[[policy]]\nname = \"all\"\nwhen = { not = { all = [{ budget_remaining = { above = 0.5, over = \"28d\" } }, { state = [\"ok\"] }] } }\neffect = \"freeze\"\n",
    "[[policy]]\nname = \"named\"\nwhen = { budget_remaining = { below = 0.1, slo = \"availability\" } }\neffect = \"freeze\"\n",
];

/// So long a history is new: later its newest samples grow too old.
const FRESH: Duration = Duration::from_mins(1);

/// Runs scenarios in which something is missing, and one in ten in which nothing is.
fn scenarios(count: u64) {
    let (mut world, mut began) = (World::start(), Instant::now());
    let mut verdicts = std::collections::BTreeMap::<(bool, i32), usize>::new();
    for seed in 0..count {
        if began.elapsed() > FRESH {
            (world, began) = (World::start(), Instant::now());
        }
        let mut chance = Seeded(seed.wrapping_add(77));
        let policy = POLICIES[chance.below(POLICIES.len())];
        let missing = [
            "young", "gap", "stale", "silent", "idle", "broken", "renamed", "nowhere",
        ];
        let is_whole = chance.below(10) == 0;
        let fault = (!is_whole && chance.below(2) == 0).then(|| FAULTS[chance.below(FAULTS.len())]);
        let mut service = "healthy";
        if !is_whole && fault.is_none() {
            service = missing[chance.below(missing.len())];
            // What burn rates and states do not look at cannot be missing for them.
            if policy.contains("burn_rate") && ["young", "gap"].contains(&service) {
                service = "stale";
            }
        }
        let proxy = Proxy::before(&world.server.url, fault.unwrap_or(Way::Pass));
        let config = world.configure("scenario", &proxy.url, policy);
        let run = world.gate(&config, &["--service", service]);
        let what = format!(
            "seed {seed}: {service} {fault:?} {policy}\n{}{}",
            run.stdout, run.stderr
        );
        if is_whole {
            assert_eq!(run.exit, 0, "{what}");
        } else {
            assert!(run.exit == 3 || run.exit == 1, "{what}");
        }
        *verdicts.entry((is_whole, run.exit)).or_default() += 1;
    }
    for ((is_whole, exit), count) in verdicts {
        let data = if is_whole { "whole" } else { "missing" };
        println!("data {data}, exit status {exit}: {count} scenarios");
    }
}

#[test]
fn it_never_says_yes_while_something_is_missing() {
    scenarios(60);
}

#[test]
#[ignore = "takes half an hour; part of the long run"]
fn it_never_says_yes_in_two_thousand_scenarios() {
    scenarios(2_000);
}

/// The demo's own Prometheus answers all that a gate asks.
#[test]
fn a_healthy_service_of_the_demo_may_be_released() {
    let demo = Demo::open(Speed::default(), true, Timestamp::now()).expect("ports");
    let url = format!("http://127.0.0.1:{}", demo.ports().prometheus);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _entered = runtime.enter();
    let _serving = demo.serve().expect("a runtime");
    let dir = tempfile::tempdir().expect("a folder");
    let run = watchfire(
        dir.path(),
        &["--prometheus", &url, "gate", "--service", "cart"],
    );
    assert_eq!(run.exit, 0, "{}", run.stdout);
}
