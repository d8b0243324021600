//! `watchfire init` against a real Prometheus without rules: what it writes works, and stays.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use portable_pty::CommandBuilder;
use serde_json::json;

use crate::history::{SERVICES, prometheus, this_minute};
use crate::program::{Run, status, watchfire};
use crate::pty::Pty;
use crate::server::Server;

/// A Prometheus with these services' counters and no rules.
fn plain(dir: &Path, names: &[&str]) -> Server {
    let services: Vec<_> = SERVICES
        .iter()
        .filter(|one| names.contains(&one.name))
        .collect();
    prometheus(dir, &services, "", this_minute())
}

fn with_variables(dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_watchfire"))
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("HOME", dir)
        .envs(variables.iter().copied())
        .output()
        .expect("the built program");
    Run {
        exit: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("UTF-8 on stdout"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8 on stderr"),
    }
}

#[test]
fn what_init_writes_works_and_a_second_run_changes_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = plain(dir.path(), &["slow", "never"]);
    let args = [
        "init",
        "--prometheus",
        &server.url,
        "--output",
        "new/wf.toml",
        "--yes",
    ];
    let file = dir.path().join("new/wf.toml");
    let first = watchfire(dir.path(), &args);
    assert_eq!(first.exit, 0, "{}", first.stderr);
    assert!(
        first.stderr.contains("watchfire --config new/wf.toml"),
        "{}",
        first.stderr
    );
    let mode = std::fs::metadata(&file)
        .expect("the file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let written = std::fs::read_to_string(&file).expect("the file");

    let checked = watchfire(dir.path(), &["config", "check", "new/wf.toml"]);
    assert_eq!(checked.exit, 0, "{written}\n{}", checked.stderr);
    let (_, found) = status(dir.path(), &["--config", "new/wf.toml"]);
    let slos = found["slos"].as_array().expect("a list");
    let found_one = slos.iter().find(|slo| slo["id"] == "slow/availability");
    let kept = found_one.unwrap_or_else(|| panic!("{written}\n{found:#}"));
    assert_eq!(
        (&kept["origin"], &kept["objective"]),
        (&json!("config"), &json!(0.995))
    );
    // One that never failed is there, switched off.
    assert!(
        slos.iter().all(|slo| slo["service"] != "never"),
        "{found:#}"
    );
    assert!(written.contains("#service = \"never\""), "{written}");

    let again = watchfire(dir.path(), &args);
    assert_eq!(
        (again.exit, again.stdout.as_str()),
        (0, ""),
        "{}",
        again.stderr
    );
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), written);
    assert!(!dir.path().join("new/wf.toml.new").exists());
    let printed = watchfire(
        dir.path(),
        &["init", "--prometheus", &server.url, "--output", "-"],
    );
    assert_eq!(
        (printed.exit, printed.stdout.as_str()),
        (0, written.as_str())
    );

    // A file that somebody has changed stays as it is.
    let own = format!("{written}\n[[service]]\nname = \"own\"\n");
    std::fs::write(&file, &own).expect("written");
    let beside = watchfire(dir.path(), &args);
    assert_eq!(beside.exit, 0, "{}", beside.stderr);
    assert!(
        beside.stdout.contains("\n-name = \"own\"\n"),
        "{}",
        beside.stdout
    );
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), own);
    let new = dir.path().join("new/wf.toml.new");
    assert_eq!(
        std::fs::read_to_string(&new).expect("the proposal"),
        written
    );
    let mode = std::fs::metadata(&new)
        .expect("the proposal")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn servers_that_do_not_answer_leave_nothing_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let port = crate::server::free_port();
    let url = format!("http://127.0.0.1:{port}");
    let run = watchfire(
        dir.path(),
        &["init", "--prometheus", &url, "--output", "wf.toml"],
    );
    assert_eq!(run.exit, 3, "{}", run.stderr);
    assert!(run.stderr.contains("does not answer"), "{}", run.stderr);
    assert!(!dir.path().join("wf.toml").exists());
}

/// Answers one request as GitHub lists repositories; what was asked of it.
fn github() -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a request");
        let mut asked = [0; 8192];
        let length = stream.read(&mut asked).expect("a request");
        let body = r#"[{"full_name":"acme/slow","owner":{"login":"acme"}},{"full_name":"acme/other","owner":{"login":"acme"}}]"#;
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-oauth-scopes: repo:status, read:org\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).expect("an answer");
        String::from_utf8_lossy(&asked[..length]).into_owned()
    });
    (url, served)
}

#[test]
fn a_token_is_tried_once_and_its_variable_is_written_and_never_its_value() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = plain(dir.path(), &["slow", "never"]);
    let (url, asking) = github();
    let args = ["init", "--prometheus", &server.url, "--output", "wf.toml"];
    let secret = "ghp_not_to_be_seen_anywhere";
    let run = with_variables(
        dir.path(),
        &args,
        &[("GITHUB_TOKEN", secret), ("GITHUB_API_URL", &url)],
    );
    assert_eq!(run.exit, 0, "{}", run.stderr);
    let asked = asking.join().expect("served").to_ascii_lowercase();
    assert!(asked.starts_with("get /user/repos?"), "{asked}");
    assert!(asked.contains(secret), "{asked}");
    assert!(
        run.stderr.contains("scopes: repo:status, read:org"),
        "{}",
        run.stderr
    );
    let written = std::fs::read_to_string(dir.path().join("wf.toml")).expect("the file");
    assert!(
        written.contains("token = { env = \"GITHUB_TOKEN\" }"),
        "{written}"
    );
    assert!(
        written.contains("repo = \"acme/slow\", service = \"slow\""),
        "{written}"
    );
    for text in [&written, &run.stderr, &run.stdout] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn on_a_terminal_three_questions_lead_from_nothing_to_a_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = plain(dir.path(), &["slow", "never"]);
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_watchfire"));
    command.arg("init");
    command.cwd(dir.path());
    command.env("HOME", dir.path());
    for name in ["XDG_CONFIG_HOME", "GITHUB_TOKEN", "GH_TOKEN", "KUBECONFIG"] {
        command.env_remove(name);
    }
    let mut pty = Pty::start(command, 120, 40);
    pty.wait_for("URL of Prometheus");
    pty.press(&format!("{}\r", server.url));
    pty.wait_for("URL of Alertmanager");
    pty.press("\r");
    pty.wait_for("[Y/n]");
    pty.press("\r");
    assert_eq!(pty.wait_exit(), 0, "{}", pty.contents());
    let file = dir.path().join(".config/watchfire/config.toml");
    assert!(file.exists(), "{}", pty.contents());
    // From here on `watchfire` alone is enough.
    let (_, found) = status(dir.path(), &[]);
    assert_eq!(found["slos"][0]["id"], "slow/availability", "{found:#}");
}
