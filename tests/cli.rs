//! What can be typed, asked of the built program: help, refusals, exit statuses, and where each
//! answer goes.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

const EXAMPLE: &str = include_str!("../config.example.toml");

/// What a run left behind.
struct Answer {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

/// The program with nothing of this machine's configuration about it.
fn watchfire(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchfire"));
    command
        .args(arguments)
        .env_clear()
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null());
    command
}

fn answer(arguments: &[&str]) -> Answer {
    finish(&mut watchfire(arguments))
}

fn finish(command: &mut Command) -> Answer {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Answer {
        status: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// The URL of a server that was here a moment ago.
fn dead_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn is_one_screen(text: &str) -> bool {
    text.lines().count() <= 24 && text.lines().all(|line| line.chars().count() <= 80)
}

#[test]
fn help_says_what_can_be_typed() {
    for (name, arguments) in [
        ("help", &["--help"][..]),
        ("help_short", &["-h"]),
        ("help_demo", &["demo", "--help"]),
        ("help_status", &["status", "--help"]),
        ("help_slos", &["slos", "--help"]),
        ("help_explain", &["explain", "--help"]),
        ("help_doctor", &["doctor", "--help"]),
        ("help_source", &["source", "--help"]),
        ("help_source_test", &["source", "test", "--help"]),
        ("help_handoff", &["handoff", "--help"]),
        ("help_ack", &["ack", "--help"]),
        ("help_silence", &["silence", "--help"]),
        ("help_record", &["record", "--help"]),
        ("help_replay", &["replay", "--help"]),
        ("help_rules", &["rules", "--help"]),
        ("help_config", &["config", "--help"]),
        ("help_config_check", &["config", "check", "--help"]),
        ("help_completions", &["completions", "--help"]),
        ("help_man", &["man", "--help"]),
    ] {
        let help = answer(arguments);
        assert_eq!((help.status, help.stderr.as_str()), (Some(0), ""), "{name}");
        insta::assert_snapshot!(name, help.stdout);
    }
}

#[test]
fn without_anything_to_watch_it_says_what_to_do_next_on_one_screen() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.toml");
    fs::write(&empty, "").unwrap();
    let empty = empty.to_str().unwrap();
    for (arguments, place) in [
        (
            &[][..],
            "watchfire config > /nonexistent/.config/watchfire/config.toml",
        ),
        (&["status"], "$WATCHFIRE_CONFIG"),
        (&["--config", empty], "empty.toml names no source to watch"),
        (&["status", "--config", empty], "[[source]]"),
    ] {
        let said = answer(arguments);
        assert_eq!((said.status, said.stdout.as_str()), (Some(3), ""));
        for want in ["watchfire demo", "watchfire --prometheus URL", place] {
            assert!(said.stderr.contains(want), "no {want} in {}", said.stderr);
        }
        // The name of a file is as long as it is.
        let text = said.stderr.replace(empty, "empty.toml");
        assert!(is_one_screen(&text), "{text}");
    }
}

#[test]
fn usage_and_configuration_errors_exit_with_3_and_say_so_on_stderr() {
    let broken = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/config/invalid/unknown_theme.toml"
    );
    let place = "unknown_theme.toml:2:9: ui.theme:";
    for (arguments, want) in [
        (&["--nonsense"][..], "--nonsense"),
        (&["--promtheus", "http://a"], "'--prometheus'"),
        (&["nonsense"], "nonsense"),
        (&["stauts"], "'status'"),
        (
            &["status", "--format", "xml"],
            "[possible values: text, json, nagios, prometheus]",
        ),
        (&["status", "--at", "last night"], "yesterday 14:00"),
        (&["status", "--at", "25:00"], "RFC 3339"),
        (&["explain"], "<SLO>"),
        (
            &["doctor", "--format", "yaml"],
            "[possible values: text, json]",
        ),
        (&["demo", "--speed", "0"], "from 1 (as written) to 60"),
        (&["rules", "--format", "datadog"], "prometheus"),
        (
            &["rules", "--prometheus", "http://127.0.0.1:1"],
            "no [[slo]] is configured",
        ),
        (&["completions"], "<SHELL>"),
        (&["completions", "tcsh"], "bash"),
        (&["--config", broken], place),
        (&["status", "--config", broken], place),
        (&["--config", "/nonexistent/a.toml"], "--config names it"),
        (
            &["status", "--prometheus", "localhost:9090"],
            "--prometheus: begins with `localhost:`; write http://",
        ),
        (&["status", "--alertmanager", ""], "--alertmanager: "),
    ] {
        let said = answer(arguments);
        assert_eq!(said.status, Some(3), "{arguments:?}");
        assert_eq!(said.stdout, "", "{arguments:?}");
        assert!(said.stderr.contains(want), "{arguments:?}: {}", said.stderr);
    }
}

#[test]
fn a_login_on_the_command_line_is_refused_and_not_repeated() {
    let said = answer(&["status", "--prometheus", "http://mara:hunter2@127.0.0.1:1"]);
    assert_eq!((said.status, said.stdout.as_str()), (Some(3), ""));
    assert!(
        said.stderr.contains("a URL holds no login"),
        "{}",
        said.stderr
    );
    assert!(!said.stderr.contains("hunter2"), "{}", said.stderr);
}

#[test]
fn the_demo_takes_no_other_world() {
    let said = answer(&["demo", "--prometheus", "http://127.0.0.1:1"]);
    assert_eq!(said.status, Some(3));
    assert!(said.stderr.contains("its own world"), "{}", said.stderr);
}

#[test]
fn what_was_asked_for_goes_to_stdout_with_status_0() {
    for (arguments, want) in [
        (
            &["--version"][..],
            concat!("watchfire ", env!("CARGO_PKG_VERSION"), "\n"),
        ),
        (&["config"], EXAMPLE),
        (&["man"], ".TH watchfire"),
        (&["completions", "bash"], "_watchfire()"),
        (&["completions", "zsh"], "#compdef watchfire"),
        (&["completions", "fish"], "complete -c watchfire"),
    ] {
        let said = answer(arguments);
        assert_eq!(said.status, Some(0), "{arguments:?}");
        assert_eq!(said.stderr, "", "{arguments:?}");
        assert!(said.stdout.contains(want), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    for arguments in [
        &["config"][..],
        &["man"],
        &["--help"],
        &["completions", "bash"],
    ] {
        let mut child = watchfire(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut complaint = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut complaint)
            .unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments:?}");
        assert_eq!(complaint, "", "{arguments:?}");
    }
}

#[test]
fn without_a_terminal_the_screen_names_what_works_instead() {
    let dead = dead_url();
    for arguments in [&["--prometheus", dead.as_str()][..], &["demo"]] {
        let said = answer(arguments);
        assert_eq!(
            (said.status, said.stdout.as_str()),
            (Some(3), ""),
            "{arguments:?}"
        );
        assert!(
            said.stderr.contains("needs a terminal") && said.stderr.contains("`watchfire status`"),
            "{arguments:?}: {}",
            said.stderr
        );
    }
}

#[test]
fn a_dead_server_is_unknown_and_its_fault_is_told_in_words() {
    let url = format!("{}/hidden?key=hunter2", dead_url());
    let table = answer(&["status", "--prometheus", &url]);
    assert_eq!((table.status, table.stderr.as_str()), (Some(3), ""));
    assert!(table.stdout.starts_with("UNKNOWN\n"), "{}", table.stdout);
    // Silence is no answer, and no answer is not "none".
    for line in ["SLOs not known", "incidents not known", "no releases"] {
        assert!(table.stdout.contains(line), "{}", table.stdout);
    }

    let json = answer(&["status", "--format", "json", "--prometheus", &url]);
    assert_eq!((json.status, json.stderr.as_str()), (Some(3), ""));
    let status: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(status["verdict"], "unknown");
    assert_eq!(status["slos"], serde_json::json!([]));
    let source = &status["sources"][0];
    assert_eq!(source["freshness"], "down");
    assert_eq!(source["last_success"], serde_json::Value::Null);
    let fault = source["fault"].as_str().unwrap();
    assert!(fault.contains("refused"), "{fault}");

    for text in [&table.stdout, &json.stdout] {
        assert!(text.contains(fault), "{fault} is not in {text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_secret_that_is_not_there_is_a_fault_that_names_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let text = format!(
        "[[source]]\nname = 'prod'\nkind = 'prometheus'\nurl = '{}'\nbearer_token = {{ env = 'PROM_TOKEN' }}\n",
        dead_url()
    );
    fs::write(&file, text).unwrap();
    let said = answer(&["status", "--config", file.to_str().unwrap()]);
    assert_eq!(said.status, Some(3));
    assert!(
        said.stdout
            .contains("environment variable PROM_TOKEN is not set; export it"),
        "{}",
        said.stdout
    );
}

/// A server that answers every request with this, until the test ends; its URL.
fn serve(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines
                .next()
                .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
            {}
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            // The reader may be gone.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

/// A configuration of one source; the folder keeps it.
fn configured(source: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    fs::write(&file, format!("[[source]]\nname = 'deploys'\n{source}")).unwrap();
    let file = file.to_str().unwrap().to_owned();
    (folder, file)
}

const DEPLOYS: &str = r#"{"deploys": [
    {"id": 1, "service": "checkout", "version": "v2.31.0", "status": "success"},
    {"id": 2, "service": "cart"}]}"#;

#[test]
fn a_source_is_tested_with_all_that_was_asked_mapped_and_dropped() {
    let url = serve("200 OK", DEPLOYS);
    let (_folder, file) = configured(&format!(
        "kind = 'json'\nurl = '{url}/recent?key=hunter2'\nreleases = '.deploys[]'\n"
    ));
    let text = answer(&["source", "test", "deploys", "--config", &file]);
    assert_eq!((text.status, text.stderr.as_str()), (Some(0), ""));
    for want in [
        &format!("GET {url}/recent?key=…: 200, {} bytes, ", DEPLOYS.len()),
        "releases: 2 emitted, 1 kept, 1 dropped",
        "dropped: row 2 lacks `version`",
        r#"{"id":2,"service":"cart"}"#,
        "the first object of its input:",
        "rows: 1 release\n",
        "v2.31.0  1   checkout  -            succeeded",
        "warning: releases: 1 of 2 rows dropped",
    ] {
        assert!(text.stdout.contains(want), "no {want} in {}", text.stdout);
    }

    let json = answer(&[
        "source", "test", "deploys", "--format", "json", "--config", &file,
    ]);
    assert_eq!((json.status, json.stderr.as_str()), (Some(0), ""));
    let told: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(told["schema"], "watchfire/source-test/v1");
    assert_eq!((&told["ok"], &told["kind"]), (&true.into(), &"json".into()));
    assert_eq!(told["requests"][0]["status"], 200);
    assert_eq!(told["requests"][0]["bytes"], DEPLOYS.len());
    let program = &told["programs"][0];
    assert_eq!(
        (&program["emitted"], &program["kept"]),
        (&2.into(), &1.into())
    );
    assert_eq!(program["drops"][0]["reason"], "lacks `version`");
    assert_eq!(told["counts"]["releases"], 1);
    assert_eq!(told["counts"]["slos"], serde_json::Value::Null);
    assert_eq!(told["status"]["releases"][0]["version"], "v2.31.0");
    for output in [&text.stdout, &json.stdout] {
        assert!(!output.contains("hunter2"), "{output}");
    }
}

#[test]
fn a_source_that_fails_its_test_exits_with_3_and_says_why() {
    let (_folder, file) = configured(&format!(
        "kind = 'json'\nurl = '{}'\nreleases = '.'\n",
        serve("503 Service Unavailable", "")
    ));
    let said = answer(&["source", "test", "deploys", "--config", &file]);
    assert_eq!(said.status, Some(3));
    assert!(said.stdout.contains(": 503, 0 bytes, "), "{}", said.stdout);
    assert!(said.stdout.contains("\nfault: "), "{}", said.stdout);

    let (_folder, file) = configured(&format!("kind = 'alertmanager'\nurl = '{}'\n", dead_url()));
    let said = answer(&["source", "test", "deploys", "--config", &file]);
    assert_eq!(said.status, Some(3));
    assert!(said.stdout.contains("/api/v2/alerts"), "{}", said.stdout);
    assert!(said.stdout.contains(": no answer, "), "{}", said.stdout);

    let said = answer(&["source", "test", "depolys", "--config", &file]);
    assert_eq!((said.status, said.stdout.as_str()), (Some(3), ""));
    assert!(
        said.stderr
            .contains("no source is named `depolys`; there is `deploys`")
    );
}

#[test]
fn any_kind_of_source_can_be_tested() {
    let (_folder, file) = configured(&format!(
        "kind = 'alertmanager'\nurl = '{}'\n",
        serve("200 OK", "[]")
    ));
    let said = answer(&["source", "test", "deploys", "--config", &file]);
    assert_eq!(said.status, Some(0), "{}", said.stdout);
    assert!(
        said.stdout.contains("deploys (alertmanager): answered"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("rows: 0 incidents"), "{}", said.stdout);
    assert!(!said.stdout.contains("programs"), "{}", said.stdout);
}
