//! What can be typed, asked of the built program: help, refusals, exit statuses, and where each
//! answer goes.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use watchfire::app::action::Action;
use watchfire::cli::{Cli, pages};

#[path = "cli/report.rs"]
mod report;

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
fn help_says_what_can_be_typed_with_examples_and_exit_statuses() {
    let short = answer(&["-h"]);
    insta::assert_snapshot!("help_short", short.stdout);
    for page in pages() {
        let words: Vec<_> = page.path.split_whitespace().collect();
        let name = format!("help_{}", page.path.replace(' ', "_"));
        let name = name.trim_end_matches('_');
        let long = answer(&[&words[..], &["--help"]].concat());
        assert_eq!((long.status, long.stderr.as_str()), (Some(0), ""), "{name}");
        let short = answer(&[&words[..], &["-h"]].concat());
        assert_eq!(
            (short.status, short.stderr.as_str()),
            (Some(0), ""),
            "{name}"
        );
        for heading in ["Exit status:\n", "Examples:\n"] {
            assert!(long.stdout.contains(heading), "{name} has no {heading}");
            assert!(!short.stdout.contains(heading), "{name}: -h is not short");
        }
        assert!(short.stdout.len() < long.stdout.len(), "{name}");
        let by_word = answer(&[&["help"][..], &words].concat());
        assert_eq!(by_word.stdout, long.stdout, "{name}");
        insta::assert_snapshot!(name, long.stdout);
    }
    let unknown = answer(&["help", "stauts"]);
    assert_eq!((unknown.status, unknown.stdout.as_str()), (Some(3), ""));
}

/// The words of a command line, as a shell takes them, up to a pipe or redirection; `None` for one that
/// begins with another program.
fn words(line: &str) -> Option<Vec<String>> {
    let (mut words, mut is_quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            c => words.last_mut()?.push(c),
        }
    }
    let end = words.iter().position(|word| word == "|" || word == ">");
    words.truncate(end.unwrap_or(words.len()));
    (words[0] == "watchfire").then_some(words)
}

#[test]
fn every_example_can_be_typed() {
    let mut count = 0;
    for page in pages() {
        for (line, _) in page.examples {
            let Some(words) = words(line) else { continue };
            let arguments: Vec<_> = words.iter().map(Into::into).collect();
            if let Err(error) = Cli::from_arguments(&arguments) {
                panic!("{line}: {error}");
            }
            let path = page.path.split_whitespace();
            assert!(
                path.zip(&words[1..]).all(|(a, b)| a == b),
                "{line} is of another command"
            );
            count += 1;
        }
    }
    assert!(count > 40);
}

#[test]
fn the_version_names_revision_date_and_features() {
    let short = answer(&["-V"]);
    assert_eq!(
        short.stdout,
        concat!("watchfire ", env!("CARGO_PKG_VERSION"), "\n")
    );
    let long = answer(&["--version"]);
    let mut lines = long.stdout.lines();
    let first = lines.next().unwrap();
    assert!(first.starts_with(short.stdout.trim_end()), "{first}");
    assert!(
        lines.next().unwrap().starts_with("features: "),
        "{}",
        long.stdout
    );
    assert_eq!(lines.next(), None);
}

/// The pages that a manual page speaks of: `watchfire-status(1)`.
fn pages_named(roff: &str) -> BTreeSet<String> {
    let text = roff
        .replace("\\-", "-")
        .replace("\\fB", "")
        .replace("\\fR", "");
    let names = text.split(|c: char| c.is_whitespace() || c == ',');
    let names = names.filter(|word| word.starts_with("watchfire") && word.ends_with("(1)"));
    names.map(|name| name.replace("(1)", ".1")).collect()
}

#[test]
fn the_manual_has_a_page_for_each_command_and_names_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("man1");
    let written = answer(&["man", "--directory", into.to_str().unwrap()]);
    assert_eq!((written.status, written.stdout.as_str()), (Some(0), ""));
    let files = fs::read_dir(&into).unwrap();
    let files: BTreeSet<_> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files.len(), pages().len());
    for page in pages() {
        let words: Vec<_> = page.path.split_whitespace().collect();
        let printed = answer(&[&["man"][..], &words].concat());
        assert_eq!((printed.status, printed.stderr.as_str()), (Some(0), ""));
        let file = format!("{}.1", page.name().replace(' ', "-"));
        assert_eq!(
            fs::read_to_string(into.join(&file)).unwrap(),
            printed.stdout
        );
        assert!(printed.stdout.is_ascii(), "{file}");
        for section in ["NAME", "SYNOPSIS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"] {
            let heading = format!("\n.SH \"{section}\"\n");
            let plain = format!("\n.SH {section}\n");
            assert!(
                printed.stdout.contains(&heading) || printed.stdout.contains(&plain),
                "{file} has no {section}"
            );
        }
        let named = pages_named(&printed.stdout);
        assert!(
            !named.is_empty() || page.path.is_empty(),
            "{file} names no page"
        );
        let missing: Vec<_> = named.difference(&files).collect();
        assert!(missing.is_empty(), "{file} names {missing:?}");
    }
    let main = answer(&["man"]).stdout;
    for action in Action::ALL {
        assert!(
            main.contains(&action.help().replace('-', "\\-")),
            "{}",
            action.name()
        );
    }
    for section in ["KEYS", "ENVIRONMENT", "FILES"] {
        assert!(main.contains(&format!("\n.SH {section}\n")), "no {section}");
    }
}

#[test]
fn without_anything_to_watch_it_says_what_to_do_next_on_one_screen() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.toml");
    fs::write(&empty, "").unwrap();
    let empty = empty.to_str().unwrap();
    for (arguments, place) in [
        (&[][..], "watchfire init --prometheus URL"),
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
            "[possible values: text, json, nagios, prometheus, tsv]",
        ),
        (&["status", "--at", "last night"], "yesterday 14:00"),
        (&["status", "--at", "25:00"], "RFC 3339"),
        (&["explain"], "<SLO>"),
        (
            &["doctor", "--format", "yaml"],
            "[possible values: text, json, github]",
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
    assert!(
        said.stderr.contains("takes no --prometheus"),
        "{}",
        said.stderr
    );
}

#[test]
fn what_was_asked_for_goes_to_stdout_with_status_0() {
    for (arguments, want) in [
        (&["config"][..], EXAMPLE),
        (&["man"], ".TH WATCHFIRE"),
        (&["completions", "bash"], "WATCHFIRE_COMPLETE=\"bash\""),
        (&["completions", "zsh"], "#compdef watchfire"),
        (&["completions", "fish"], "--command watchfire"),
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

/// A configuration with two services, two sources and no SLO that is known without asking.
const NAMED: &str = "\
[[source]]
name = 'prod'
kind = 'prometheus'
url = 'http://127.0.0.1:1'
[[source]]
name = 'am'
kind = 'alertmanager'
url = 'http://127.0.0.1:1'
[[service]]
name = 'checkout'
[[service]]
name = 'cart; reboot'
[[slo]]
service = 'checkout'
name = 'availability'
objective = 99.9
total = 'a'
bad = 'b'
[[slo]]
service = 'search'
name = 'latency'
objective = 99
total = 'c'
bad = 'd'
";

/// What a shell is offered for the last of these words.
fn offered(words: &[&str]) -> Vec<String> {
    let mut asked = watchfire(&[&["--"][..], words].concat());
    let said = finish(asked.env("WATCHFIRE_COMPLETE", "fish"));
    assert_eq!(
        (said.status, said.stderr.as_str()),
        (Some(0), ""),
        "{words:?}"
    );
    let lines = said.stdout.lines();
    lines
        .map(|line| line.split('\t').next().unwrap().to_owned())
        .collect()
}

#[test]
fn names_of_the_configuration_are_completed_and_files_are_not_offered_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("watchfire.toml");
    fs::write(&file, NAMED).unwrap();
    let config = file.to_str().unwrap();
    for (words, want) in [
        (&["ack", "--service", ""][..], &["checkout", "search"][..]),
        (&["status", "--service", "se"], &["search"]),
        (&["rules", "--source", ""], &["am", "prod"]),
        (&["source", "test", ""], &["am", "prod"]),
        (&["explain", "che"], &["checkout/availability"]),
        (
            &["doctor", "checkout/availability", "s"],
            &["search/latency"],
        ),
        (&["status", "--service", "watch"], &[]),
        (&["status", "-o", "p"], &["prometheus"]),
        (&["config", "c"], &["check"]),
    ] {
        let line = [&["watchfire", "--config", config][..], words].concat();
        let names = offered(&line).into_iter();
        // Where an option may stand instead, it is offered after them.
        let names = names.filter(|name| !name.starts_with("--"));
        assert_eq!(names.collect::<Vec<_>>(), want, "{words:?}");
    }
    let commands = offered(&["watchfire", "sta"]);
    assert_eq!(commands, ["status"]);
    let without = offered(&[
        "watchfire",
        "--config",
        "/nonexistent",
        "ack",
        "--service",
        "",
    ]);
    assert_eq!(without, [""; 0]);
}

#[test]
fn bash_completes_by_the_script_that_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("watchfire.toml");
    fs::write(&file, NAMED).unwrap();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_watchfire"));
    let script = "source <(watchfire completions bash)
        COMP_WORDS=(watchfire ack --service '') COMP_CWORD=3
        _clap_complete_watchfire watchfire '' --service
        printf '%s\\n' \"${COMPREPLY[@]}\"";
    let output = Command::new("bash")
        .args(["--norc", "--noprofile", "-c", script])
        .env_clear()
        .env("HOME", folder.path())
        .env("WATCHFIRE_CONFIG", &file)
        .env(
            "PATH",
            format!("{}:/usr/bin:/bin", program.parent().unwrap().display()),
        )
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        said,
        "checkout\nsearch\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The variables that a source file reads by name.
fn variables_read(code: &str) -> BTreeSet<String> {
    let calls = ["var_os(\"", "var(\"", ".get(\"", "absolute(\"", "is(\""];
    let found = calls.iter().flat_map(|call| code.split(call).skip(1));
    let names = found.filter_map(|rest| rest.split('"').next());
    let is_variable =
        |name: &&str| name.len() > 3 && name.bytes().all(|c| c.is_ascii_uppercase() || c == b'_');
    names.filter(is_variable).map(str::to_owned).collect()
}

#[test]
fn the_manual_names_every_variable_that_is_read() {
    let main = answer(&["man"]).stdout;
    let mut folders = vec![std::path::PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src"
    ))];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|ending| ending != "rs") {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for name in variables_read(code) {
                assert!(main.contains(&name), "{}: {name}", path.display());
                count += 1;
            }
        }
    }
    assert!(count > 10);
}

#[test]
fn a_configuration_is_read_from_standard_input() {
    let mut child = watchfire(&["config", "check", "--config", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(NAMED.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, "stdin: ok: 2 sources, 2 SLOs, 2 services\n");
}

#[test]
fn a_folder_is_imported_with_the_folders_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, service: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let sloth = format!(
            "version: prometheus/v1\nservice: {service}\nslos:\n  - name: up\n    objective: 99\n    \
             sli: {{events: {{error_query: 'sum(rate(e[{{{{.window}}}}]))', total_query: 'sum(rate(t[{{{{.window}}}}]))'}}}}\n    \
             alerting: {{page_alert: {{disable: true}}, ticket_alert: {{disable: true}}}}\n"
        );
        fs::write(path, sloth).unwrap();
    };
    write("a.yaml", "a");
    write("inner/b.yml", "b");
    write("inner/README.md", "no");
    write(".git/c.yaml", "hidden");
    let path = folder.path().to_str().unwrap();
    let said = answer(&["import", path]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(said.stdout.contains("service = \"a\"") && said.stdout.contains("service = \"b\""));
    assert!(!said.stdout.contains("hidden"), "{}", said.stdout);

    fs::write(folder.path().join("broken.yaml"), "kind: [").unwrap();
    let said = answer(&["import", path, "-o", "github"]);
    assert_eq!(said.status, Some(3));
    let place = format!("::error file={path}/broken.yaml,line=1");
    assert!(said.stdout.contains(&place), "{}", said.stdout);

    let empty = tempfile::tempdir().unwrap();
    let said = answer(&["import", empty.path().to_str().unwrap()]);
    assert_eq!((said.status, said.stdout.as_str()), (Some(3), ""));
    assert!(
        said.stderr.contains("no file in it ends in .yaml"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_mistake_is_an_annotation_of_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    fs::write(&file, "[ui]\ntheme = 'pink'\n").unwrap();
    let path = file.to_str().unwrap();
    let said = answer(&["config", "check", path, "-o", "github"]);
    assert_eq!((said.status, said.stderr.as_str()), (Some(3), ""));
    let want = format!("::error file={path},line=2,col=9,title=ui.theme::");
    assert!(said.stdout.starts_with(&want), "{}", said.stdout);

    fs::write(
        &file,
        format!("{NAMED}rules = []\n").replace(
            "[[source]]\nname = 'am'\nkind = 'alertmanager'\nurl = 'http://127.0.0.1:1'\n",
            "",
        ),
    )
    .unwrap();
    let said = answer(&["rules", "--config", path, "-o", "github"]);
    assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
    let want =
        format!("::warning file={path},title=watchfire rules::search/latency: alerts nobody");
    assert!(said.stdout.contains(&want), "{}", said.stdout);
}
