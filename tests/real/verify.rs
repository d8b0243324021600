//! `verify` against a real Prometheus with a known past: releases that hold, burn, and cannot be judged.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use jiff::Timestamp;
use portable_pty::CommandBuilder;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::history::{create_blocks, start, this_minute};
use crate::page::Page;
use crate::program::{Run, watchfire};
use crate::pty::Pty;
use crate::schema;
use crate::server::Server;

const MINUTE: i64 = 60;
/// How much is known of each service, and how far two samples are apart.
const HISTORY: i64 = 26 * 60 * MINUTE;
const INTERVAL: i64 = 30;
/// Seconds before the end of the history: each release, and the end of its trial.
const RELEASED: i64 = 20 * MINUTE;
const UNTIL: i64 = 5 * MINUTE;

/// A service: requests and errors of the half minute that ends so many seconds after its release, and
/// whether it is scraped then; and the verdict on the release with its code.
struct Service {
    name: &'static str,
    traffic: fn(i64) -> (u64, u64),
    is_scraped: fn(i64) -> bool,
    verdict: (&'static str, &'static str),
}

/// One error in 6,000 requests a minute, each second minute.
fn calm(after: i64) -> (u64, u64) {
    (3_000, u64::from(after.rem_euclid(120) == 0))
}

const SERVICES: &[Service] = &[
    Service {
        name: "checkout",
        traffic: calm,
        is_scraped: |_| true,
        verdict: ("healthy", "held"),
    },
    Service {
        name: "pages",
        traffic: |after| (3_000, if after > 0 { 900 } else { 0 }),
        is_scraped: |_| true,
        verdict: ("burning", "page_rule"),
    },
    Service {
        name: "rises",
        traffic: |after| (3_000, if after > 0 { 30 } else { 1 }),
        is_scraped: |_| true,
        verdict: ("burning", "rise"),
    },
    Service {
        name: "blip",
        traffic: |after| (3_000, if (1..=60).contains(&after) { 150 } else { 1 }),
        is_scraped: |_| true,
        verdict: ("healthy", "held"),
    },
    Service {
        name: "daily",
        // Errors above the budget in this hour of each day.
        traffic: |after| {
            let minute = after.rem_euclid(86_400) / MINUTE;
            (3_000, if minute < 30 { 15 } else { 1 })
        },
        is_scraped: |_| true,
        verdict: ("healthy", "held"),
    },
    Service {
        name: "gap",
        traffic: calm,
        is_scraped: |after| !(180..480).contains(&after),
        verdict: ("unknown", "gap"),
    },
    Service {
        name: "stale",
        traffic: calm,
        is_scraped: |after| after < 660,
        verdict: ("unknown", "stale"),
    },
    Service {
        name: "quiet",
        traffic: |_| (10, 0),
        is_scraped: |_| true,
        verdict: ("unknown", "too_few_events"),
    },
    Service {
        name: "burned",
        traffic: |after| {
            (
                3_000,
                if (-1_800..=0).contains(&after) {
                    1_500
                } else {
                    0
                },
            )
        },
        is_scraped: |_| true,
        verdict: ("unknown", "burns_since_before"),
    },
    Service {
        name: "boils",
        traffic: |_| (3_000, 9),
        is_scraped: |_| true,
        verdict: ("unknown", "baseline_burned"),
    },
    Service {
        name: "newborn",
        traffic: calm,
        is_scraped: |after| after >= 0,
        verdict: ("healthy", "held"),
    },
    Service {
        name: "superseded",
        traffic: calm,
        is_scraped: |_| true,
        verdict: ("unknown", "superseded"),
    },
    Service {
        name: "superseded-burning",
        traffic: |after| (3_000, if after > 0 { 2_400 } else { 0 }),
        is_scraped: |_| true,
        verdict: ("burning", "page_rule"),
    },
];

/// A server with the history of every service, a page of releases, and a configuration of both.
struct World {
    dir: TempDir,
    server: Server,
    page: Page,
    /// The end of the history, in Unix seconds.
    end: i64,
}

impl World {
    fn open() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let end = this_minute();
        let mut text = String::new();
        for service in SERVICES {
            write(service, end, &mut text);
        }
        text.push_str("# EOF\n");
        create_blocks(dir.path(), "releases", &text);
        let server = start(dir.path(), "");
        let page = Page::serve("200 OK", &releases(end).to_string());
        let mut config = format!(
            "[journal]\nenabled = false\n\
             [[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"{}\"\ndiscover = false\n\
             [[source]]\nname = \"deploys\"\nkind = \"json\"\nurl = \"{}\"\nreleases = \".[]\"\n",
            server.url, page.url
        );
        for Service { name, .. } in SERVICES {
            let _ = writeln!(
                config,
                "[[slo]]\nservice = \"{name}\"\nname = \"up\"\nobjective = 99.9\nsource = \"prod\"\n\
                 total = 'calls_total{{service=\"{name}\"}}'\n\
                 bad = 'calls_total{{service=\"{name}\",code=~\"5..\"}}'"
            );
        }
        std::fs::write(dir.path().join("watchfire.toml"), config).expect("the configuration");
        Self {
            dir,
            server,
            page,
            end,
        }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A moment, in seconds before the end of the history.
    fn ago(&self, seconds: i64) -> String {
        moment(self.end - seconds)
    }

    fn verify(&self, args: &[&str]) -> Run {
        let config = ["verify", "--config", "watchfire.toml"];
        watchfire(self.path(), &[&config, args].concat())
    }

    /// The verdict as JSON, with its exit status.
    fn verdict(&self, args: &[&str]) -> (i32, Value) {
        let run = self.verify(&[args, &["-o", "json"]].concat());
        (run.exit, read(&run))
    }
}

fn read(run: &Run) -> Value {
    let found = serde_json::from_str(&run.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", run.stdout, run.stderr));
    assert_eq!(schema::faults("verify", &found), [""; 0], "{found:#}");
    let exit = match found["verdict"].as_str() {
        Some("healthy") => 0,
        Some("burning") => 1,
        _ => 3,
    };
    assert_eq!(run.exit, exit, "{found:#}");
    found
}

fn moment(seconds: i64) -> String {
    Timestamp::from_second(seconds).expect("a time").to_string()
}

fn write(service: &Service, end: i64, text: &mut String) {
    let released = end - RELEASED;
    let (mut good, mut bad) = (0, 0);
    let mut lines = [String::new(), String::new()];
    for step in (0..=HISTORY / INTERVAL).rev() {
        let at = end - step * INTERVAL;
        let (all, failed) = (service.traffic)(at - released);
        if !(service.is_scraped)(at - released) {
            // What is not scraped is served all the same, unless it is not there yet.
            if service.name == "newborn" {
                continue;
            }
            (good, bad) = (good + all - failed, bad + failed);
            continue;
        }
        (good, bad) = (good + all - failed, bad + failed);
        for (lines, (code, count)) in lines.iter_mut().zip([("200", good), ("500", bad)]) {
            // A series of errors begins with the first one.
            if code == "200" || count > 0 {
                let name = service.name;
                let _ = writeln!(
                    lines,
                    "calls_total{{service=\"{name}\",code=\"{code}\"}} {count} {at}"
                );
            }
        }
    }
    text.extend(lines);
}

fn releases(end: i64) -> Value {
    let row = |service: &str, id: &str, version: &str, finished: i64| {
        json!({
            "id": format!("{service}-{id}"), "service": service, "version": version,
            "environment": "production", "status": "succeeded",
            "started_at": moment(finished - 60), "finished_at": moment(finished),
        })
    };
    let mut rows: Vec<_> = SERVICES
        .iter()
        .map(|service| row(service.name, "2", "v2.0.0", end - RELEASED))
        .collect();
    let later = end - RELEASED + 7 * MINUTE;
    rows.push(row("superseded", "3", "v3.0.0", later));
    rows.push(row("superseded-burning", "3", "v3.0.0", later + 60));
    rows.push(json!({
        "id": "checkout-4", "service": "checkout", "version": "v4.0.0", "environment": "production",
        "status": "running", "started_at": moment(end - 3_600), "finished_at": null,
    }));
    json!(rows)
}

#[test]
fn past_releases_are_judged_at_once_by_what_was_seen() {
    let world = World::open();
    let until = world.ago(UNTIL);
    for service in SERVICES {
        let name = service.name;
        let args = ["--service", name, "--version", "v2.0.0", "--until", &until];
        let (_, found) = world.verdict(&args);
        let (verdict, code) = service.verdict;
        assert_eq!(
            (found["verdict"].as_str(), found["code"].as_str()),
            (Some(verdict), Some(code)),
            "{name}: {found:#}"
        );
        assert_eq!(found["release"]["id"], format!("{name}-2"));
        assert_eq!(found["released_at"], world.ago(RELEASED).as_str());
        let slo = &found["slos"][0];
        assert_eq!(slo["id"], format!("{name}/up"));
        assert_eq!(
            slo["onset"].is_null(),
            verdict == "healthy" || verdict == "unknown" && code != "burns_since_before",
            "{name}: {slo:#}"
        );
        let text = world.verify(&args);
        assert!(text.stdout.lines().count() <= 24, "{}", text.stdout);
        assert!(
            text.stdout.starts_with(&verdict.to_uppercase()),
            "{}",
            text.stdout
        );
        assert_eq!(text.stderr, "", "a pipe shows no progress");
    }
}

#[test]
fn the_evidence_is_what_was_counted() {
    let world = World::open();
    let until = world.ago(UNTIL);
    let of = |service: &str| {
        let args = [
            "--service",
            service,
            "--release",
            &format!("{service}-2"),
            "--until",
            &until,
        ];
        world.verdict(&args).1["slos"][0].clone()
    };
    let near = |found: &Value, wanted: f64, what: &str| {
        let found = found.as_f64().unwrap_or_else(|| panic!("{what}: {found}"));
        assert!(
            (found - wanted).abs() <= 0.02 * wanted.max(1.0),
            "{what}: {found} for {wanted}"
        );
    };
    let rises = of("rises");
    near(&rises["before"]["ratio"], 1.0 / 3_000.0, "before");
    near(&rises["after"]["total"], 90_000.0, "after");
    near(&rises["after"]["bad"], 900.0, "after");
    near(&rises["day_before"]["total"], 90_000.0, "the day before");
    near(&rises["burn_rate"], 10.0, "burn rate");
    assert_eq!(rises["comparison"]["sustained"]["risen"], true);
    let onset: Timestamp = rises["onset"]
        .as_str()
        .expect("an onset")
        .parse()
        .expect("a time");
    let released = world.end - RELEASED;
    assert!((onset.as_second() - released).abs() <= 120, "{onset}");
    let quiet = of("quiet");
    assert_eq!(quiet["events_needed"], 695.0);
    near(&quiet["after"]["total"], 300.0, "too few");
    assert!(
        quiet["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("of 695 events"))
    );
    let gap = of("gap")["gap"].as_f64().expect("a gap");
    assert!((0.2..0.5).contains(&gap), "{gap}");
    let burned = of("burned");
    assert_eq!(burned["before_left_out"], "burned", "{burned:#}");
    let newborn = of("newborn");
    assert_eq!(newborn["before_left_out"], "no_data");
    let notes = newborn["notes"].to_string();
    assert!(notes.contains("page rules alone"), "{notes}");
    let pages = of("pages");
    assert_eq!(pages["rule"]["factor"], 14.4);
    let daily = of("daily");
    assert_eq!(
        daily["comparison"]["sustained"]["day_before"]["beyond_chance"], false,
        "{daily:#}"
    );
}

#[test]
fn a_release_that_is_not_found_or_not_finished_is_named() {
    let world = World::open();
    let began = Instant::now();
    for (args, code, words) in [
        (["--version", "v2.0.9"], "not_found", "v2.0.0"),
        (["--release", "pages-2"], "not_found", "is one of pages"),
        (["--version", "v4.0.0"], "not_finished", "running for"),
    ] {
        let (exit, found) = world.verdict(&[&["--service", "checkout"][..], &args].concat());
        assert_eq!((exit, found["code"].as_str()), (3, Some(code)), "{found:#}");
        let reason = found["reason"].as_str().expect("a reason");
        assert!(reason.contains(words), "{reason}");
    }
    let (exit, found) = world.verdict(&["--service", "chekout", "--since", &world.ago(RELEASED)]);
    assert_eq!((exit, found["code"].as_str()), (3, Some("no_slo")));
    assert!(
        found["reason"]
            .as_str()
            .is_some_and(|reason| reason.ends_with("is checkout")),
        "{found:#}"
    );
    // A moment needs no release; what is on its way at it is the one that is meant.
    let since = world.ago(RELEASED + 30);
    let until = world.ago(UNTIL);
    let args = ["--service", "pages", "--since", &since, "--until", &until];
    assert_eq!(world.verdict(&args).0, 1);
    for (args, words) in [
        (vec!["--since", "2100-01-01T00:00:00Z"], "in the future"),
        (
            vec!["--since", &until, "--until", &since],
            "less than a minute",
        ),
        (vec!["--since", &since, "--for", "30s"], "too short"),
    ] {
        let run = world.verify(&[&["--service", "checkout"], &args[..]].concat());
        assert_eq!(run.exit, 3);
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    assert!(began.elapsed().as_secs() < 60);
}

#[test]
fn a_page_ends_the_watch_early_and_a_signal_ends_it_with_the_last_verdict() {
    let world = World::open();
    let released = world.ago(RELEASED);
    // Its time is not over, and the page rule fires: nothing is waited for.
    let args = ["--service", "pages", "--since", &released, "--for", "2h"];
    let began = Instant::now();
    let (exit, found) = world.verdict(&args);
    assert_eq!(
        (exit, found["code"].as_str()),
        (1, Some("page_rule")),
        "{found:#}"
    );
    assert!(began.elapsed().as_secs() < 60);
    for signal in [Signal::TERM, Signal::INT] {
        let child = Command::new(env!("CARGO_BIN_EXE_watchfire"))
            .args([
                "verify",
                "--config",
                "watchfire.toml",
                "--service",
                "checkout",
            ])
            .args(["--version", "v2.0.0", "--for", "2h", "-o", "json"])
            .current_dir(world.path())
            .env_clear()
            .env("HOME", world.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the built program");
        // It has asked for the releases, so it takes signals.
        let rows = releases(world.end).to_string();
        world.page.set_after_next(&rows);
        let pid = Pid::from_child(&child);
        kill_process(pid, signal).expect("a running process");
        let output = child.wait_with_output().expect("its output");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let run = Run {
            exit: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        let found = read(&run);
        assert_eq!(found["code"], "waiting", "{found:#}");
        assert_eq!(run.stderr, "");
    }
}

#[test]
fn a_terminal_shows_how_far_it_is_until_the_end() {
    let world = World::open();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_watchfire"));
    command.args([
        "verify",
        "--config",
        "watchfire.toml",
        "--service",
        "checkout",
    ]);
    command.args(["--version", "v2.0.0", "--for", "2h"]);
    command.cwd(world.path());
    command.env("HOME", world.path());
    command.env_remove("XDG_CONFIG_HOME");
    let mut pty = Pty::start(command, 120, 24);
    pty.wait_for("verify checkout v2.0.0: ");
    pty.wait_for("of 2h have passed");
    pty.signal(Signal::TERM);
    pty.wait_for("UNKNOWN  checkout v2.0.0: ");
    assert_eq!(pty.wait_exit(), 3);
    assert!(
        !pty.contents().contains("verify checkout"),
        "{}",
        pty.contents()
    );
}

#[test]
fn a_server_that_is_gone_is_never_healthy() {
    let mut world = World::open();
    let until = world.ago(UNTIL);
    let past = [
        "--service",
        "checkout",
        "--version",
        "v2.0.0",
        "--until",
        &until,
    ];
    assert_eq!(world.verdict(&past).0, 0);
    // The list of releases fails: whether another one came is not known.
    world.page.set("no JSON");
    let since = world.ago(RELEASED);
    let args = [
        "--service",
        "checkout",
        "--since",
        &since,
        "--until",
        &until,
    ];
    let (exit, found) = world.verdict(&args);
    assert_eq!(
        (exit, found["code"].as_str()),
        (3, Some("releases_unknown")),
        "{found:#}"
    );
    world.page.set(&releases(world.end).to_string());
    assert_eq!(world.verdict(&args).0, 0);
    world.server.kill();
    let (exit, found) = world.verdict(&past);
    assert_eq!(
        (exit, found["code"].as_str()),
        (3, Some("failed")),
        "{found:#}"
    );
    assert!(
        found["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("prod")),
        "{found:#}"
    );
}

/// The YAML blocks of the guide.
fn pipelines() -> Vec<Value> {
    let guide = include_str!("../../docs/guide/verify.md");
    let blocks = guide.split("```yaml\n").skip(1);
    let blocks = blocks.map(|rest| rest.split_once("\n```").expect("an end").0);
    let parsed = blocks.map(|block| serde_saphyr::from_str(block).expect("YAML"));
    parsed.collect()
}

/// Runs a step of a pipeline in its shell, with this release of a service in place of the guide's.
fn step(world: &World, script: &str, service: &str) -> i32 {
    let program = Path::new(env!("CARGO_BIN_EXE_watchfire"));
    let folder = program.parent().expect("a folder").to_str().expect("UTF-8");
    let script = script.replace("--service checkout", &format!("--service {service}"));
    let status = Command::new("bash")
        .args(["-eo", "pipefail", "-c", &script])
        .current_dir(world.path())
        .env_clear()
        .env("PATH", format!("{folder}:/usr/bin:/bin"))
        .env("HOME", world.path())
        .env("WATCHFIRE_CONFIG", "watchfire.toml")
        .env("GITHUB_REF_NAME", "v2.0.0")
        .env("CI_COMMIT_TAG", "v2.0.0")
        .stdout(Stdio::null())
        .status()
        .expect("bash");
    status.code().unwrap_or(-1)
}

#[test]
fn the_pipelines_of_the_guide_end_as_the_release_did() {
    let world = World::open();
    let [github, gitlab] = &pipelines()[..] else {
        panic!("two pipelines");
    };
    let run = github[0]["run"].as_str().expect("a step").to_owned();
    let script = gitlab["verify"]["script"][0].as_str().expect("a script");
    let warns = gitlab["verify"]["allow_failure"]["exit_codes"][0].as_i64();
    assert_eq!(warns, Some(3));
    for (service, exit) in [("checkout", 0), ("pages", 1), ("gap", 3)] {
        assert_eq!(step(&world, &run, service), exit, "GitHub: {service}");
        assert_eq!(step(&world, script, service), exit, "GitLab: {service}");
        let report = std::fs::read_to_string(world.path().join("verify.json"));
        let report: Value = serde_json::from_str(&report.expect("the artifact")).expect("JSON");
        assert_eq!(schema::faults("verify", &report), [""; 0]);
        assert_eq!(report["service"], service);
    }
}
