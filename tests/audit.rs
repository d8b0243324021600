//! The audit log and the written configuration under processes that are killed.
//!
//! The writers of the log are this test program itself, started anew with a task in its environment.
#![expect(clippy::expect_used, reason = "a test may panic")]

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use watchfire::audit::{Audit, Outcome, records};
use watchfire::config::{Environment, Settings, load_text};
use watchfire::domain::{Deed, Done, Order, SourceName, Target};
use watchfire::source::known_kinds;

/// Names the log that a writer is to write.
const TASK: &str = "WATCHFIRE_TEST_AUDIT";

/// How many processes are killed; `./test --long` says a thousand.
fn kills() -> u64 {
    let told = std::env::var("KILLS").ok();
    told.and_then(|text| text.parse().ok()).unwrap_or(60)
}

/// A number from 0 up to `most`, another each time.
fn random(seed: &mut u64, most: u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed % most
}

fn audit(path: &Path) -> Audit {
    let mut settings = Settings::empty();
    settings.actions.audit_log = Some(path.to_owned());
    Audit::of(&settings)
}

/// Not a test of its own: what a writer does that another test starts. It says when an intent is on the
/// disk, which is when the order would be sent.
#[test]
fn writer() {
    let Ok(path) = std::env::var(TASK) else {
        return;
    };
    let audit = audit(Path::new(&path));
    let mut out = std::io::stdout();
    for number in 0.. {
        let id = format!("{}-{number}", std::process::id());
        let order = Order {
            source: SourceName::new("am"),
            target: Target {
                id: id.as_str().into(),
                name: "disk fills".into(),
                service: "checkout".into(),
                seen: None,
            },
            deed: Deed::Acknowledge,
        };
        let intent = audit.order(&order).expect("written");
        if writeln!(out, "sent {id}")
            .and_then(|()| out.flush())
            .is_err()
        {
            return;
        }
        audit
            .done(intent, &Ok(Done::new("acknowledged", None)))
            .expect("written");
    }
}

fn start(path: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "writer", "--nocapture", "--test-threads=1"])
        .env(TASK, path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a writer")
}

#[test]
fn what_is_sent_is_in_the_log_whenever_its_writers_are_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.jsonl");
    let mut seed = 0x5eed_4321_89ab_cdef;
    let mut sent = Vec::new();
    for _ in 0..kills() / 2 {
        // Two at the same time.
        let mut writers = [start(&path), start(&path)];
        std::thread::sleep(Duration::from_micros(random(&mut seed, 30_000)));
        for writer in &mut writers {
            writer.kill().expect("killed");
            let out = writer.stdout.take().expect("its output");
            let lines = BufReader::new(out).lines().map_while(Result::ok);
            // The test harness may write on the same line.
            sent.extend(lines.filter_map(|line| {
                let (_, id) = line.split_once("sent ")?;
                Some(id.to_owned())
            }));
            writer.wait().expect("ended");
        }
    }
    assert!(sent.len() > 20, "only {} orders were sent", sent.len());
    let text = fs::read_to_string(&path).expect("the log");
    // A line that was torn is ended by the next writer; all others are whole.
    let torn = text
        .lines()
        .filter(|line| serde_json::from_str::<Value>(line).is_err());
    let torn = torn.count();
    assert!(
        torn <= usize::try_from(kills()).expect("a few"),
        "{torn} torn lines"
    );
    let known = records(&path).expect("readable");
    let ids: HashSet<String> = known
        .iter()
        .map(|record| record.target.raw().to_owned())
        .collect();
    let lost: Vec<_> = sent.iter().filter(|id| !ids.contains(*id)).collect();
    assert!(lost.is_empty(), "sent and not in the log: {lost:?}");
    assert_eq!(ids.len(), known.len(), "an intent is there twice");
    assert!(
        known
            .iter()
            .any(|record| matches!(record.outcome, Outcome::Unknown))
            || torn == 0
    );
}

/// A Prometheus that has nothing; its base URL.
fn empty_prometheus() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut request = [0; 8192];
            let count = client.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..count]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let data = match path.split('?').next().unwrap_or_default() {
                path if path.ends_with("/rules") => r#"{"groups":[]}"#,
                path if path.ends_with("/alerts") => r#"{"alerts":[]}"#,
                path if path.contains("/label") || path.ends_with("/series") => "[]",
                _ => r#"{"resultType":"vector","result":[]}"#,
            };
            let body = format!("{{\"status\":\"success\",\"data\":{data}}}");
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length";
            // A client that was killed is gone.
            let _ = write!(client, "{head}: {}\r\n\r\n{body}", body.len());
        }
    });
    url
}

#[test]
fn a_configuration_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut seed = 0x5eed_aaaa_0f0f_1234;
    let url = empty_prometheus();
    let path = folder.path().join("config.toml");
    let write = || {
        Command::new(env!("CARGO_BIN_EXE_watchfire"))
            .args(["init", "--yes", "--prometheus", &url, "--output"])
            .arg(&path)
            .env_clear()
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the built program")
    };
    let began = std::time::Instant::now();
    assert_eq!(write().wait().expect("ended").code(), Some(0));
    let whole = u64::try_from(began.elapsed().as_micros()).expect("a while");
    let mut written = 0;
    for round in 0..kills() / 2 {
        let _ = fs::remove_file(&path);
        let mut writer = write();
        std::thread::sleep(Duration::from_micros(random(&mut seed, whole + whole / 4)));
        let _ = writer.kill();
        writer.wait().expect("ended");
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        written += 1;
        let loaded = load_text(
            "config.toml",
            text.clone(),
            &Environment::default(),
            &known_kinds(),
        );
        let loaded = loaded.unwrap_or_else(|error| panic!("round {round}: {error}\n{text}"));
        assert_eq!(loaded.settings.sources.len(), 1, "round {round}: {text}");
    }
    assert!(written > 0, "none was written");
    println!(
        "{written} of {} were written, all of them whole",
        kills() / 2
    );
}
