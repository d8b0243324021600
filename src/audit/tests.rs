//! What is in the log after anything that can happen to it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::*;
use crate::domain::{Deed, IncidentStatus, Matcher, SourceName, Target};

fn order(text: &str) -> Order {
    Order {
        source: SourceName::new("am"),
        target: Target {
            id: "Burn{service=\"checkout\"}".into(),
            name: "checkout burns\u{1b}[2J\nits budget".into(),
            service: "checkout".into(),
            seen: Some(IncidentStatus::Triggered),
        },
        deed: Deed::Silence {
            matchers: vec![Matcher::equal("service", "checkout")],
            until: "2026-11-23T18:00:00Z".parse().unwrap(),
            comment: text.to_owned(),
        },
    }
}

fn audit(path: &Path) -> Audit {
    let mut settings = Settings::empty();
    settings.actions.audit_log = Some(path.to_owned());
    settings.me.name = "mara".to_owned();
    Audit::of(&settings)
}

fn done(said: &str) -> Done {
    Done {
        said: said.into(),
        undo: None,
    }
}

#[test]
fn without_a_place_for_the_log_nothing_may_be_sent() {
    let audit = Audit {
        path: None,
        who: "mara".to_owned(),
        host: "laptop".to_owned(),
    };
    let fault = audit.order(&order("rollback")).unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotOffered);
    assert!(fault.message.raw().contains("set `audit_log`"), "{fault:?}");
}

#[test]
fn an_order_is_written_before_and_after_for_its_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/watchfire/audit.jsonl");
    let audit = audit(&path);
    let intent = audit.order(&order("rollback")).unwrap();
    let unknown = &records(&path).unwrap()[0];
    assert_eq!(unknown.outcome, Outcome::Unknown);
    assert_eq!((unknown.who.raw(), unknown.verb.raw()), ("mara", "silence"));
    audit.done(intent, &Ok(done("silence s1"))).unwrap();
    let known = &records(&path).unwrap()[0];
    let want = Outcome::Known {
        result: "done".to_owned(),
        said: "silence s1".into(),
    };
    assert_eq!(known.outcome, want);

    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(
        !text.contains('\u{1b}') && !text.contains("u001b"),
        "{text}"
    );
    let intent: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(intent["request"]["matchers"][0], "service=\"checkout\"");
    assert_eq!(intent["request"]["until"], "2026-11-23T18:00:00Z");
    assert!(intent["host"].as_str().is_some_and(|host| !host.is_empty()));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
}

#[test]
fn a_line_that_was_torn_anywhere_costs_no_other_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let audit = audit(&path);
    let _first = audit.order(&order("one")).unwrap();
    let whole = fs::read(&path).unwrap();
    let _second = audit.order(&order("two")).unwrap();
    let both = fs::read(&path).unwrap();
    for end in whole.len()..both.len() {
        fs::write(&path, &both[..end]).unwrap();
        let torn = records(&path).unwrap().len();
        // All but its line end is a whole line.
        let expected = if end + 1 == both.len() { 2 } else { 1 };
        assert_eq!(torn, expected, "{end}");
        let third = audit.order(&order("three")).unwrap();
        audit.done(third, &Ok(done("yes"))).unwrap();
        let records = records(&path).unwrap();
        assert_eq!(records.len(), expected + 1, "{end}");
        assert_ne!(records.last().unwrap().outcome, Outcome::Unknown);
    }
}

#[test]
fn what_cannot_be_written_must_not_be_sent() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    for path in [
        dir.path().join("file/audit.jsonl"),
        dir.path().to_owned(),
        "/dev/full".into(),
        "/proc/no/such".into(),
    ] {
        let fault = audit(&path).order(&order("x")).unwrap_err();
        let said = fault.message.raw();
        assert!(
            said.starts_with("not sent") && said.contains("audit_log"),
            "{said}"
        );
    }
    assert!(records(&dir.path().join("none")).unwrap().is_empty());
}

#[test]
fn several_writers_at_once_tear_no_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let each = 40;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let audit = audit(&path);
                for number in 0..each {
                    let intent = audit.order(&order(&"x".repeat(number * 37))).unwrap();
                    audit.done(intent, &Ok(done("yes"))).unwrap();
                }
            });
        }
    });
    let records = records(&path).unwrap();
    assert_eq!(records.len(), 4 * each);
    assert!(
        records
            .iter()
            .all(|record| record.outcome != Outcome::Unknown)
    );
    let text = fs::read_to_string(&path).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty());
    let parsed: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(parsed.len(), 4 * each * 2);
}

#[test]
fn a_file_that_somebody_made_keeps_its_mode() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    fs::write(&path, "").unwrap();
    Command::new("chmod")
        .arg("640")
        .arg(&path)
        .status()
        .unwrap();
    let _intent = audit(&path).order(&order("x")).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o640);
}
