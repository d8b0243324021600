//! The built program before failing servers: what `status` and `gate` may claim.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::behaviour::{ALL, Behaviour};
use crate::front::Front;
use crate::server::Server;
use crate::world::{Servers, table};
use crate::{history, rules, world};

/// How long servers may take to be known.
const MAX_START: Duration = Duration::from_mins(1);

/// What a run of the program came to.
struct Run {
    exit: Option<i32>,
    stdout: String,
    stderr: String,
}

fn run(folder: &Path, arguments: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_watchfire"))
        .args(["--config", "lab.toml"])
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .output()
        .expect("the built program");
    Run {
        exit: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// The worlds that the model knows: what the SLO of the failing Prometheus and the one of another do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Other {
    Fine,
    Burns,
}

/// The exit statuses that `status` and `gate` may have while a source of SLOs fails and another one is
/// well: by the promise that what is not known is never fine, and that a known page is always told.
fn allowed(other: Other) -> (&'static [i32], &'static [i32]) {
    match other {
        Other::Fine => (&[3], &[3]),
        // The page of the other source is known; the gate of a service that is not known cannot tell.
        Other::Burns => (&[2, 3], &[3]),
    }
}

fn trial(front: &Front, behaviour: Behaviour, folder: &Path, other: Other) -> Vec<String> {
    let mut wrong = Vec::new();
    front.turn(behaviour);
    let (verdicts, answers) = allowed(other);
    let status = run(folder, &["status", "-o", "json"]);
    let gate = run(folder, &["gate", "--service", "cart"]);
    let open = run(folder, &["gate", "--service", "cart", "-o", "json"]);
    front.turn(Behaviour::Healthy);
    front.wait_until_up();
    if !status.exit.is_some_and(|exit| verdicts.contains(&exit)) {
        wrong.push(format!(
            "status exits with {:?}: {}",
            status.exit, status.stderr
        ));
    }
    for gate in [&gate, &open] {
        if !gate.exit.is_some_and(|exit| answers.contains(&exit)) {
            wrong.push(format!(
                "gate exits with {:?}: {}{}",
                gate.exit, gate.stdout, gate.stderr
            ));
        }
    }
    let told: Value = serde_json::from_str(&status.stdout).unwrap_or_default();
    let sources = told["sources"].as_array().cloned().unwrap_or_default();
    let failing = sources.iter().find(|source| source["name"] == "prometheus");
    let code = failing.and_then(|source| source["fault_code"].as_str());
    let expected = behaviour.expected("prometheus").expect("a fault");
    if !expected.kinds.iter().any(|kind| Some(kind.word()) == code) {
        wrong.push(format!("its code is {code:?}"));
    }
    if sources
        .iter()
        .any(|source| source["name"] == "second" && !source["fault"].is_null())
    {
        wrong.push("the other source is harmed".to_owned());
    }
    let of = |words| format!("{behaviour:?}, {other:?}: {words}");
    wrong.into_iter().map(of).collect()
}

/// The servers have just begun: until their first rules are evaluated and old enough to be counted, a gate
/// cannot tell.
fn wait_until_known(folder: &Path) {
    let begun = Instant::now();
    loop {
        let gate = run(folder, &["gate", "--service", "cart"]);
        if gate.exit == Some(0) {
            return;
        }
        let said = format!("{}{}", gate.stdout, gate.stderr);
        assert_eq!(gate.exit, Some(3), "{said}");
        assert!(begun.elapsed() < MAX_START, "{said}");
        thread::sleep(Duration::from_millis(200));
    }
}

/// Two sources of SLOs, one of them before a front that fails.
pub(crate) fn status_and_gate_claim_nothing_that_is_not_known(full: bool) {
    let data = tempfile::tempdir().unwrap();
    let ratios = |ratio| format!("groups:\n{}", rules::constant("payments", ratio));
    let servers = Servers::start();
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for (other, ratio) in [(Other::Fine, 0.001), (Other::Burns, 0.5)] {
            let (wrong, servers) = (&wrong, &servers);
            let dir = data.path().join(format!("{other:?}"));
            std::fs::create_dir(&dir).unwrap();
            scope.spawn(move || {
                let second: Server = history::start(&dir, &ratios(ratio));
                crate::server::wait_until(
                    &second.url,
                    "/api/v1/query?query=slo:objective:ratio",
                    |body| {
                        body["data"]["result"]
                            .as_array()
                            .is_some_and(|rows| !rows.is_empty())
                    },
                );
                let folder = world::folder();
                let front = Front::start(servers.behind("prometheus"));
                // The histories of these servers are seconds old: what they hold of budgets is not known.
                let mut text = "[journal]\nenabled = false\n[[policy]]\nname = \"pages\"\n\
                    when = { state = [\"page\", \"ticket\"] }\neffect = \"freeze\"\n"
                    .to_owned();
                for (name, url) in [("prometheus", front.url()), ("second", second.url.clone())] {
                    text.push_str(&table(folder.path(), (name, "prometheus"), &url, ("", "")));
                }
                std::fs::write(folder.path().join("lab.toml"), text).unwrap();
                wait_until_known(folder.path());
                let step = if full { 1 } else { 9 };
                let failing = ALL
                    .iter()
                    .filter(|one| one.expected("prometheus").is_some());
                for behaviour in failing.step_by(step) {
                    let found = trial(&front, *behaviour, folder.path(), other);
                    wrong.lock().unwrap().extend(found);
                }
                let well = run(folder.path(), &["gate", "--service", "cart"]);
                assert_eq!(well.exit, Some(0), "{}{}", well.stdout, well.stderr);
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
