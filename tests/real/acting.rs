//! Silences that watchfire makes, moves and ends at a real Alertmanager, and what it leaves alone.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};
use watchfire::audit::{Outcome, records};
use watchfire::config::{HttpSettings, Settings, SourceSettings};
use watchfire::domain::{
    Deed, FaultKind, Incident, IncidentStatus, Matcher, Order, SourceName, Target,
};
use watchfire::source::alertmanager::KIND;
use watchfire::source::{Ask, Source};

use crate::alertmanager::Alertmanager;
use crate::program::{Run, watchfire};
use crate::proxy::{Proxy, Way};
use crate::server::wait_until;

/// A folder with a configuration that watches the Alertmanager at `urls`.
pub(crate) struct Desk {
    dir: TempDir,
}

impl Desk {
    pub(crate) fn over(urls: &[&str], enabled: bool, more: &str) -> Self {
        let dir = tempdir().unwrap();
        let config = format!(
            "[me]\nname = 'mara'\n[actions]\nenabled = {enabled}\naudit_log = 'log/audit.jsonl'\n{more}\n\
             [[source]]\nname = 'am'\nkind = 'alertmanager'\nproxy = 'none'\nurls = {urls:?}\n"
        );
        std::fs::write(dir.path().join("w.toml"), config).unwrap();
        Self { dir }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path().join("log/audit.jsonl")
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        watchfire(self.path(), &[&["--config", "w.toml"], args].concat())
    }

    /// Runs `silence` with JSON: its exit status and the one order.
    pub(crate) fn silence(&self, args: &[&str]) -> (i32, Value) {
        let run = self.run(&[&["silence", "--format", "json"], args].concat());
        let answer: Value = serde_json::from_str(&run.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", run.stdout, run.stderr));
        assert_eq!(
            answer["orders"].as_array().map(Vec::len),
            Some(1),
            "{answer:#}"
        );
        (run.exit, answer["orders"][0].clone())
    }
}

/// Fires alerts and waits until they are listed.
fn fire(server: &Alertmanager, alerts: &[Value]) {
    let rows: Vec<_> = alerts
        .iter()
        .map(|labels| (labels.clone(), json!({})))
        .collect();
    server.fire(&rows);
    wait_until(&server.url(), "/api/v2/alerts", |listed| {
        listed
            .as_array()
            .is_some_and(|listed| listed.len() >= alerts.len())
    });
}

fn burn(service: &str, severity: &str) -> Value {
    json!({"alertname": "Burn", "service": service, "severity": severity})
}

#[test]
fn a_silence_is_made_moved_and_ended_and_amtool_sees_each_step() {
    let dir = tempdir().unwrap();
    let server = Alertmanager::start(dir.path(), "");
    fire(
        &server,
        &[
            burn("checkout", "page"),
            burn("checkout", "ticket"),
            burn("cart", "page"),
        ],
    );
    let desk = Desk::over(&[&server.url()], true, "");

    let (exit, shown) = desk.silence(&["--service", "checkout", "--for", "1h"]);
    assert_eq!((exit, shown["result"].as_str()), (0, Some("previewed")));
    // The ticket is inhibited by the page: it does not notify anyway.
    let page = r#"Burn{service="checkout",severity="page"}"#;
    assert_eq!(shown["preview"], json!(["1 alert would be hidden", page]));
    assert!(server.silences().is_empty() && !desk.log().exists());

    let args = [
        "--service",
        "checkout",
        "--for",
        "1h",
        "--comment",
        "rollback",
        "--yes",
    ];
    let (exit, made) = desk.silence(&args);
    assert_eq!(
        (exit, made["result"].as_str()),
        (0, Some("done")),
        "{made:#}"
    );
    let seen = server.silences();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0]["createdBy"], "mara");
    assert_eq!(seen[0]["comment"], "rollback");
    assert_eq!(seen[0]["status"]["state"], "active");
    assert_eq!(seen[0]["matchers"][0]["value"], "checkout");
    let id = seen[0]["id"].as_str().unwrap();
    assert!(made["said"].as_str().unwrap().contains(id));
    assert_eq!(made["undo"]["target"], id);

    // Once more would be a second one of the same.
    let again = ["--matcher", "service=checkout", "--for", "30m", "--yes"];
    let (exit, again) = desk.silence(&again);
    assert_eq!(
        (exit, again["result"].as_str()),
        (1, Some("moved")),
        "{again:#}"
    );

    let (exit, moved) = desk.silence(&["--extend", id, "--for", "3h", "--yes"]);
    assert_eq!(exit, 0, "{moved:#}");
    let seen = server.silences();
    assert_eq!(seen.len(), 1);
    let end: Timestamp = seen[0]["endsAt"].as_str().unwrap().parse().unwrap();
    assert!(end > Timestamp::now() + SignedDuration::from_hours(2));
    assert_eq!(seen[0]["comment"], "rollback", "an edit keeps the rest");

    let id = seen[0]["id"].as_str().unwrap();
    let (exit, freed) = desk.silence(&["--expire", id]);
    assert_eq!(exit, 0);
    assert_eq!(freed["preview"][1], "1 alert would notify again");
    let (exit, ended) = desk.silence(&["--expire", id, "--yes"]);
    assert_eq!(
        (exit, ended["result"].as_str()),
        (0, Some("done")),
        "{ended:#}"
    );
    assert!(server.silences().is_empty());
    assert_eq!(ended["undo"]["verb"], "silence");

    let known = records(&desk.log()).unwrap();
    let told: Vec<_> = known
        .iter()
        .map(|record| (record.verb.raw(), word(&record.outcome)))
        .collect();
    // What is refused by its preview is no order yet.
    assert_eq!(
        told,
        [("silence", "done"), ("extend", "done"), ("expire", "done")]
    );
    assert!(known.iter().all(|record| record.who.raw() == "mara"));
}

fn word(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Unknown => "unknown",
        Outcome::Known { result, .. } => result,
    }
}

#[test]
fn a_silence_that_amtool_made_is_known_moved_and_ended() {
    let dir = tempdir().unwrap();
    let server = Alertmanager::start(dir.path(), "/am");
    let id = server.amtool(&[
        "silence",
        "add",
        "--author=lee",
        "--comment=it's \"known\"",
        "--duration=2h",
        "alertname=~Burn.*",
        "service=checkout",
        r#"path!="C:\\new""#,
    ]);
    let id = id.trim();
    let desk = Desk::over(&[&server.url()], true, "");
    let (exit, moved) = desk.silence(&["--extend", id, "--for", "5h", "--yes"]);
    assert_eq!(exit, 0, "{moved:#}");
    let seen = server.silences();
    assert_eq!(
        (seen.len(), seen[0]["createdBy"].as_str()),
        (1, Some("lee"))
    );
    assert_eq!(seen[0]["comment"], "it's \"known\"");
    let matchers = seen[0]["matchers"].as_array().unwrap();
    assert!(
        matchers
            .iter()
            .any(|one| one["name"] == "path" && one["isEqual"] == false)
    );
    let (exit, ended) = desk.silence(&["--expire", id, "--yes"]);
    assert_eq!(exit, 0, "{ended:#}");
    assert!(server.silences().is_empty());
    let run = desk.run(&["silence", "--expire", id, "--yes"]);
    assert_eq!(run.exit, 3);
    assert!(
        run.stderr.contains("no source knows a silence"),
        "{}",
        run.stderr
    );
}

#[test]
fn nothing_is_changed_without_yes_without_leave_or_without_a_log() {
    let dir = tempdir().unwrap();
    let server = Alertmanager::start(dir.path(), "");
    fire(&server, &[burn("checkout", "page")]);
    let id = server.silence("service", "search", "2099-01-01T00:00:00Z");
    let proxy = Proxy::before(&server.url(), Way::Pass);
    let dry = Desk::over(&[&proxy.url], true, "");
    let off = Desk::over(&[&proxy.url], false, "");
    let mute = Desk::over(&[&proxy.url], true, "require_comment = true");
    let blind = Desk::over(&[&proxy.url], true, "");
    std::fs::write(blind.path().join("log"), "not a folder").unwrap();
    for (desk, yes, exit, words) in [
        (&dry, false, 0, "--yes does it"),
        (&off, false, 0, "--yes does it"),
        (&off, true, 3, "enabled = true"),
        (&blind, true, 1, "audit log"),
    ] {
        for what in [
            &["--service", "checkout", "--for", "1h"][..],
            &["--matcher", "service=checkout", "--until", "work"],
            &["--extend", &id, "--for", "1h"],
            &["--expire", &id],
        ] {
            let mut args = vec!["silence"];
            args.extend(what);
            args.extend(yes.then_some("--yes"));
            let run = desk.run(&args);
            let told = format!("{}{}", run.stdout, run.stderr);
            assert_eq!(run.exit, exit, "{args:?}: {told}");
            assert!(told.contains(words), "{args:?}: {told}");
        }
    }
    let run = mute.run(&[
        "silence",
        "--matcher",
        "service=checkout",
        "--for",
        "1h",
        "--yes",
    ]);
    assert_eq!(run.exit, 1);
    assert!(run.stdout.contains("needs a reason"), "{}", run.stdout);
    for wide in ["service=~.+", "service!=x", "service="] {
        let run = dry.run(&["silence", "--matcher", wide, "--for", "1h", "--yes"]);
        assert_eq!(run.exit, 1, "{wide}");
        assert!(
            run.stdout.contains("could hide everything"),
            "{}",
            run.stdout
        );
    }
    let asked = proxy.asked();
    assert!(
        asked.len() > 20 && asked.iter().all(|line| line.starts_with("GET ")),
        "{asked:#?}"
    );
    assert_eq!(server.silences().len(), 1);
}

/// One source over `url`, as the screen has it.
fn source(url: &str) -> Box<dyn Source> {
    let settings = SourceSettings {
        name: SourceName::new("am"),
        kind: KIND.name.to_owned(),
        index: 0,
        interval: SignedDuration::from_secs(15),
        stale_after: SignedDuration::from_mins(5),
        http: HttpSettings {
            url: Some(url.to_owned()),
            ..HttpSettings::default()
        },
        folder: None,
        table: toml::Table::new(),
    };
    (KIND.build)(&settings, &Settings::empty()).unwrap().source
}

async fn incidents(source: &mut dyn Source) -> Vec<Incident> {
    let ask = Ask {
        now: Timestamp::now(),
        at: None,
        history: false,
        since: None,
    };
    source.fetch(&ask).await.unwrap().incidents.unwrap()
}

fn silence_of(incident: &Incident) -> Order {
    Order {
        source: SourceName::new("am"),
        target: Target {
            id: incident.id.clone(),
            name: incident.title.clone(),
            service: incident.service.clone(),
            seen: Some(incident.status),
        },
        deed: Deed::Silence {
            matchers: incident.matchers.clone(),
            until: Timestamp::now() + SignedDuration::from_hours(1),
            comment: String::new(),
        },
    }
}

#[tokio::test]
async fn an_order_is_bound_to_what_was_seen_and_stops_when_that_has_moved() {
    let dir = tempdir().unwrap();
    let server = Alertmanager::start(dir.path(), "");
    fire(&server, &[burn("checkout", "page"), burn("cart", "page")]);
    let proxy = Proxy::before(&server.url(), Way::Pass);
    let mut source = source(&proxy.url);
    let seen = incidents(&mut *source).await;
    let of = |service: &str| {
        seen.iter()
            .find(|one| one.service.raw() == service)
            .unwrap()
    };

    let resolved = silence_of(of("checkout"));
    source.preview(&resolved).await.unwrap();
    server.resolve(&burn("checkout", "page"));
    wait_until(&server.url(), "/api/v2/alerts", |listed| {
        listed.as_array().is_some_and(|listed| listed.len() == 1)
    });
    let fault = source.act(&resolved).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Moved);
    assert_eq!(fault.message.raw(), "it is over, was triggered");

    let silenced = silence_of(of("cart"));
    source.preview(&silenced).await.unwrap();
    let theirs = server.silence("service", "cart", "2099-01-01T00:00:00Z");
    let fault = source.act(&silenced).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Moved);
    let words = "it is silenced until 2099-01-01T00:00:00Z now, was triggered";
    assert_eq!(fault.message.raw(), words);

    let expire = Order {
        target: Target {
            id: theirs.as_str().into(),
            seen: None,
            ..silenced.target.clone()
        },
        deed: Deed::Expire,
        ..silenced.clone()
    };
    source.preview(&expire).await.unwrap();
    server.amtool(&["silence", "expire", &theirs]);
    let fault = source.act(&expire).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Moved);
    assert!(
        fault.message.raw().starts_with("the silence is over since"),
        "{fault:?}"
    );

    let asked = proxy.asked();
    assert!(
        asked.iter().all(|line| line.starts_with("GET ")),
        "{asked:#?}"
    );
}

#[tokio::test]
async fn a_silence_of_an_incident_hides_it_alone_and_its_undo_takes_it_back() {
    let dir = tempdir().unwrap();
    let server = Alertmanager::start(dir.path(), "");
    let odd = json!({"alertname": r#"a"b\c.d|e"#, "service": "checkout", "severity": "page"});
    fire(
        &server,
        &[odd.clone(), burn("checkout", "page"), burn("cart", "page")],
    );
    let mut source = source(&server.url());
    let seen = incidents(&mut *source).await;
    let incident = seen
        .iter()
        .find(|one| one.id.raw().starts_with('a'))
        .unwrap();
    let order = silence_of(incident);
    let preview = source.preview(&order).await.unwrap();
    assert_eq!(preview.lines.len(), 2, "{preview:?}");
    let done = source.act(&order).await.unwrap();
    let now = incidents(&mut *source).await;
    let status = |id: &str| now.iter().find(|one| one.id.raw() == id).unwrap();
    for one in &seen {
        let now = status(one.id.raw());
        assert_eq!(
            now.silenced_by.len(),
            usize::from(one.id == incident.id),
            "{now:?}"
        );
    }
    assert!(status(incident.id.raw()).silenced_until.is_some());

    let undo = *done.undo.unwrap();
    let undone = source.act(&undo).await.unwrap();
    assert!(
        incidents(&mut *source)
            .await
            .iter()
            .all(|one| one.silenced_by.is_empty())
    );
    source.act(&undone.undo.unwrap()).await.unwrap();
    let again = incidents(&mut *source).await;
    let hidden: Vec<_> = again
        .iter()
        .filter(|one| !one.silenced_by.is_empty())
        .collect();
    assert_eq!(hidden.len(), 1);
    assert_eq!(hidden[0].id, incident.id);
    let Deed::Silence { matchers, .. } = &order.deed else {
        panic!("{order:?}")
    };
    assert!(matchers.contains(&Matcher::equal("alertname", r#"a"b\c.d|e"#)));
}

#[tokio::test]
async fn a_silence_of_a_nameless_alert_leaves_unrelated_ones_alone() {
    let dir = tempdir().unwrap();
    let server = Alertmanager::start(dir.path(), "");
    let nameless = json!({"foo": "bar", "severity": "critical"});
    fire(&server, &[nameless, json!({"severity": "critical"})]);
    let mut source = source(&server.url());
    let seen = incidents(&mut *source).await;
    let titled = |title: &str| {
        let mut all = seen.iter();
        all.find(|one| one.title.raw() == title).unwrap()
    };
    let named = titled(r#"foo="bar", severity="critical""#);
    source.act(&silence_of(named)).await.unwrap();
    // Its severity is all that the other one has.
    let refused = source
        .preview(&silence_of(titled(r#"severity="critical""#)))
        .await
        .unwrap_err();
    assert_eq!(refused.kind, FaultKind::Query);
    assert!(
        refused.message.raw().contains("alone is too broad"),
        "{refused:?}"
    );

    let late = json!({"alertname": "DatabaseDown", "severity": "critical", "foo": "bar"});
    server.fire(&[(late, json!({}))]);
    wait_until(&server.url(), "/api/v2/alerts", |listed| {
        listed.as_array().is_some_and(|listed| listed.len() == 3)
    });
    for one in incidents(&mut *source).await {
        let want = usize::from(one.id == named.id);
        assert_eq!(one.silenced_by.len(), want, "{one:?}");
    }
}

#[tokio::test]
async fn a_silence_holds_for_one_cluster_and_for_one_instance() {
    let dir = tempdir().unwrap();
    let server = Alertmanager::start(dir.path(), "");
    let down = |cluster: &str, instance: &str| {
        json!({
            "alertname": "HostDown", "severity": "critical", "job": "node",
            "cluster": cluster, "instance": instance,
        })
    };
    let alerts = [
        down("dev", "a"),
        down("prod", "b"),
        down("prod", "c"),
        json!({"alertname": "HostDown", "severity": "critical", "job": "node"}),
    ];
    fire(&server, &alerts);
    let mut source = source(&server.url());
    let seen = incidents(&mut *source).await;
    assert_eq!(seen.len(), 3, "{seen:?}");
    let of = |cluster: &str| {
        let mut all = seen.iter();
        all.find(|one| one.id.raw().contains(cluster)).unwrap()
    };
    let prod = of("prod");
    let mut order = silence_of(prod);
    let Deed::Silence { matchers, .. } = &mut order.deed else {
        panic!("{order:?}")
    };
    let of_c = |incident: &Incident| {
        let mut all = incident.members.iter();
        let member = all.find(|one| one.labels.raw() == "instance=\"c\"");
        member.unwrap().clone()
    };
    matchers.clone_from(&of_c(prod).matchers);
    source.act(&order).await.unwrap();
    source.act(&silence_of(of("dev"))).await.unwrap();
    for one in incidents(&mut *source).await {
        let is_dev = one.id.raw().contains("dev");
        assert_eq!(one.silenced_by.len(), usize::from(is_dev), "{one:?}");
        if one.id == prod.id {
            let silenced = one.members.iter();
            let silenced = silenced.filter(|one| one.status == IncidentStatus::Silenced);
            assert_eq!(silenced.count(), 1);
            assert_eq!(of_c(&one).status, IncidentStatus::Silenced);
        }
    }
}

#[test]
fn the_command_line_silences_nothing_by_labels_that_unrelated_alerts_share() {
    let dir = tempdir().unwrap();
    let server = Alertmanager::start(dir.path(), "");
    let desk = Desk::over(&[&server.url()], true, "");
    for matcher in [
        "severity=critical",
        "severity=~critical|warning",
        "priority=P1",
        "team=shop",
        "env=prod",
        r#"severity="critical", team="shop""#,
        "alertname=~.+",
        "alertname!=Burn",
    ] {
        let (exit, refused) = desk.silence(&["--matcher", matcher, "--for", "15m", "--yes"]);
        assert_ne!(exit, 0, "{matcher}: {refused:#}");
        assert!(server.silences().is_empty(), "{matcher}");
    }
    let two = r#"alertname="Burn", severity="critical""#;
    let (exit, made) = desk.silence(&["--matcher", two, "--for", "15m", "--yes"]);
    assert_eq!(exit, 0, "{made:#}");
    let made = &server.silences()[0];
    let names: Vec<_> = made["matchers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["name"].as_str().unwrap(),
                one["value"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(names, [("alertname", "Burn"), ("severity", "critical")]);
    let wrong = desk.run(&[
        "silence",
        "--matcher",
        r#"alertname="Burn" severity="critical""#,
        "--for",
        "15m",
        "--yes",
    ]);
    assert_eq!(wrong.exit, 3, "{}", wrong.stderr);
    assert_eq!(server.silences().len(), 1);
}

/// Runs of `silence --yes` that are killed, at instants from the first to after the last.
const KILLED: u32 = 40;

#[test]
fn killed_at_any_instant_the_log_is_whole_and_nothing_is_done_that_it_does_not_name() {
    let dir = tempdir().unwrap();
    let server = Alertmanager::start(dir.path(), "");
    fire(&server, &[burn("checkout", "page")]);
    let desk = Desk::over(&[&server.url()], true, "");
    let start = |number: u32| {
        Command::new(env!("CARGO_BIN_EXE_watchfire"))
            .args(["--config", "w.toml", "silence", "--yes", "--for", "1h"])
            .arg(format!("--matcher=run={number}"))
            .arg(format!("--comment=run {number}"))
            .current_dir(desk.path())
            .env_clear()
            .env("HOME", desk.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let whole = |number: u32| {
        let began = Instant::now();
        assert!(start(number).wait().unwrap().success());
        began.elapsed()
    };
    // The first reads the program from the disk.
    let whole = [0, KILLED + 1, KILLED + 2]
        .map(whole)
        .into_iter()
        .min()
        .unwrap();
    for number in 1..=KILLED {
        let mut run = start(number);
        thread::sleep(whole * number / KILLED);
        // It may have ended by itself.
        let _ = run.kill();
        run.wait().unwrap();
    }
    let last = KILLED + 3;
    assert!(start(last).wait().unwrap().success());

    let made = server.silences();
    let known = records(&desk.log()).unwrap();
    for number in 0..=last {
        let comment = format!("run {number}");
        let made = made.iter().filter(|one| one["comment"] == *comment).count();
        let name = format!("run=\"{number}\"");
        let mut intents = known.iter().filter(|record| record.name.raw() == name);
        let outcome = intents.next().map(|record| word(&record.outcome));
        assert_eq!(intents.count(), 0, "{name}");
        match (made, outcome) {
            // Killed before it wrote anything down, or before it sent anything; or before it heard
            // of the answer, or not at all.
            (0, None | Some("unknown")) | (1, Some("unknown" | "done")) => {}
            wrong => panic!("{name}: {wrong:?}"),
        }
    }
    let text = std::fs::read_to_string(desk.log()).unwrap();
    let torn = text
        .lines()
        .filter(|line| serde_json::from_str::<Value>(line).is_err())
        .count();
    assert!(torn < 3, "a line is one write: {text}");
    assert!(text.ends_with('\n'));
    let told = desk.run(&["silence", "--matcher", "run=x", "--for", "1m"]);
    let unknown = known
        .iter()
        .filter(|record| record.outcome == Outcome::Unknown)
        .count();
    let recalled = told.stderr.matches("nobody wrote down").count();
    assert_eq!(recalled, unknown, "{}", told.stderr);
}

#[test]
fn a_request_that_breaks_off_is_not_sent_again_and_is_told_of_as_unsure() {
    let dir = tempdir().unwrap();
    let server = Alertmanager::start(dir.path(), "");
    let proxy = Proxy::before(&server.url(), Way::Pass);
    proxy.lose_answers_to("POST ");
    let desk = Desk::over(&[&proxy.url], true, "");
    let args = ["--matcher", "service=checkout", "--for", "1h", "--yes"];
    let (exit, order) = desk.silence(&args);
    assert_eq!(
        (exit, order["result"].as_str()),
        (1, Some("unsure")),
        "{order:#}"
    );
    let posts = proxy
        .asked()
        .iter()
        .filter(|line| line.starts_with("POST "))
        .count();
    assert_eq!(
        (posts, server.silences().len()),
        (1, 1),
        "it was carried out all the same"
    );
    let known = records(&desk.log()).unwrap();
    assert_eq!(word(&known[0].outcome), "unsure");
    // Who repeats it finds out.
    let (exit, order) = desk.silence(&["--matcher", "service=checkout", "--for", "30m", "--yes"]);
    assert_eq!((exit, order["result"].as_str()), (1, Some("moved")));
    assert_eq!(server.silences().len(), 1);
}
