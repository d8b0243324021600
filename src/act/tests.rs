//! What may be done, what is written of it, and how commands end.

use std::path::Path;

use jiff::SignedDuration;

use super::*;
use crate::audit::{Outcome, Record, records};
use crate::domain::{Deed, SourceName, Target};

fn leave(log: &Path) -> Leave {
    let mut settings = Settings::empty();
    settings.actions.enabled = true;
    settings.actions.audit_log = Some(log.to_owned());
    Leave::of(&settings)
}

fn order() -> Order {
    Order {
        source: SourceName::new("am"),
        target: Target {
            id: "s1".into(),
            name: "a silence".into(),
            service: "".into(),
            seen: None,
        },
        deed: Deed::Expire,
    }
}

fn errand(argv: &[&str]) -> Errand {
    Errand {
        label: "trial".to_owned(),
        target: "r1".into(),
        argv: argv.iter().map(|&one| one.to_owned()).collect(),
        timeout: SignedDuration::from_mins(1),
        takes_terminal: false,
    }
}

fn result(record: &Record) -> &str {
    match &record.outcome {
        Outcome::Unknown => "unknown",
        Outcome::Known { result, .. } => result,
    }
}

#[tokio::test]
async fn an_order_is_sent_after_its_intent_is_written_and_its_result_follows() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("audit.jsonl");
    let order = order();
    let acted = leave(&log)
        .order(&order, async {
            let known = records(&log).unwrap();
            assert_eq!((known.len(), result(&known[0])), (1, "unknown"));
            Err(Fault::new(FaultKind::Unsure, "no answer"))
        })
        .await;
    assert_eq!(acted.outcome.unwrap_err().kind, FaultKind::Unsure);
    assert_eq!(result(&records(&log).unwrap()[0]), "unsure");
}

#[tokio::test]
async fn without_leave_or_without_a_log_nothing_is_sent_and_nothing_is_run() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("audit.jsonl");
    let mut settings = Settings::empty();
    settings.actions.audit_log = Some(log.clone());
    let off = Leave::of(&settings);
    let unwritable = leave(Path::new("/dev/null/audit.jsonl"));
    let made = dir.path().join("made").display().to_string();
    for (leave, words) in [(off, "enabled = true"), (unwritable, "audit log")] {
        let order = order();
        let sending = async { panic!("it was sent") };
        let fault = leave.order(&order, sending).await.outcome.unwrap_err();
        assert_eq!(fault.kind, FaultKind::NotOffered);
        assert!(fault.message.raw().contains(words), "{fault:?}");
        let ran = leave.errand(errand(&["touch", &made])).await;
        assert!(matches!(ran.ending, Ending::NotStarted(why) if why.raw().contains(words)));
    }
    assert!(!Path::new(&made).exists() && !log.exists());
}

#[tokio::test]
async fn a_command_is_run_without_a_shell_and_both_streams_stay_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("audit.jsonl");
    let leave = leave(&log);
    let script = "echo one; echo two >&2; cat; echo three; exit 4";
    let ran = leave.errand(errand(&["sh", "-c", script])).await;
    assert_eq!(ran.ending, Ending::Exited(4));
    assert_eq!(ran.output.raw(), "one\ntwo\nthree\n");
    let ran = leave.errand(errand(&["printf", "%s", "$HOME; `id`"])).await;
    assert_eq!(ran.output.raw(), "$HOME; `id`");
    let ran = leave.errand(errand(&["sh", "-c", "kill -9 $$"])).await;
    assert_eq!(ran.ending, Ending::Signalled(9));
    let ran = leave.errand(errand(&["/no/such/program"])).await;
    assert!(matches!(ran.ending, Ending::NotStarted(why) if why.raw().contains("no program")));
    let known = records(&log).unwrap();
    let results: Vec<&str> = known.iter().map(result).collect();
    assert_eq!(results, ["failed", "done", "failed", "refused"]);
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_ended_with_all_that_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let leave = leave(&dir.path().join("audit.jsonl"));
    // The second ignores what it is told politely; both hold the pipe.
    let script = "sh -c 'trap \"\" TERM; echo child $$; while :; do sleep 1000; done' & \
                  echo parent; wait";
    let mut errand = errand(&["sh", "-c", script]);
    errand.timeout = SignedDuration::from_millis(500);
    let ran = leave.errand(errand).await;
    assert_eq!(ran.ending, Ending::TimedOut);
    let child = ran
        .output
        .raw()
        .lines()
        .find_map(|line| line.strip_prefix("child "));
    let child = child.expect("its id was printed");
    // A zombie that nobody has collected yet is as dead.
    let state = || std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
    let ended = async {
        while !(state().is_empty() || state().contains(") Z")) {
            tokio::task::yield_now().await;
        }
    };
    let limit = std::time::Duration::from_mins(1);
    assert!(
        tokio::time::timeout(limit, ended).await.is_ok(),
        "{}",
        state()
    );
}

#[tokio::test]
async fn of_much_output_the_end_is_kept_and_a_child_in_the_background_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let leave = leave(&dir.path().join("audit.jsonl"));
    let ran = leave.errand(errand(&["seq", "1", "200000"])).await;
    let output = ran.output.raw();
    assert!(
        output.starts_with("… the beginning is cut\n"),
        "{}",
        &output[..40]
    );
    assert!(output.ends_with("\n199999\n200000\n") && output.len() < 66 * 1024);
    let ran = leave
        .errand(errand(&["sh", "-c", "sleep 30 & echo out"]))
        .await;
    assert_eq!(ran.ending, Ending::Exited(0));
    assert_eq!(ran.output.raw(), "out\n");
}

#[tokio::test]
async fn a_command_gets_no_credential_of_ours() {
    let dir = tempfile::tempdir().unwrap();
    // PATH and HOME stand for variables that hold credentials: a test cannot set any.
    let mut settings = Settings::empty();
    settings.actions.enabled = true;
    settings.actions.audit_log = Some(dir.path().join("audit.jsonl"));
    let table =
        "[fetch]\ntoken = { env = 'CARGO_PKG_NAME' }\nlist = [{ env = 'CARGO_PKG_VERSION' }]";
    settings.sources.push(crate::config::SourceSettings {
        name: SourceName::new("x"),
        kind: "json".to_owned(),
        index: 0,
        interval: SignedDuration::ZERO,
        stale_after: SignedDuration::ZERO,
        http: crate::config::HttpSettings {
            auth: crate::config::Auth::Bearer(crate::config::SecretRef::Env("HOME".to_owned())),
            ..crate::config::HttpSettings::default()
        },
        folder: None,
        table: table.parse().unwrap(),
    });
    let ran = Leave::of(&settings).errand(errand(&["env"])).await;
    let output = ran.output.raw();
    let has = |name: &str| {
        output
            .lines()
            .any(|line| line.starts_with(&format!("{name}=")))
    };
    assert!(has("PATH"), "{output}");
    for name in ["HOME", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
        assert!(
            std::env::var_os(name).is_some() && !has(name),
            "{name}: {output}"
        );
    }
}
