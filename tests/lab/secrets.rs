//! Secrets: none follows a redirect or a link to another host, and none is in anything that is written.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::behaviour::Behaviour;
use crate::front::{Behind, Front};
use crate::world::{self, CANARY, Plain, Servers, World};

/// Where a redirect leads: `{away}` is the address of another server, `{path}` what was asked for.
const PLACES: [&str; 8] = [
    "http://{away}{path}",
    "//{away}{path}",
    "http://mara@{away}{path}",
    "http://{away}/login?next={path}",
    "http://127.0.0.1@{away}{path}",
    "\\\\{away}{path}",
    "http://{away}{path}#fragment",
    "/\\{away}{path}",
];

const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

/// How a `json` source may send a secret.
const LOGINS: [&str; 6] = [
    "bearer_token = { file = \"token\" }",
    "token = { file = \"token\" }",
    "basic = { username = \"mara\", password = { file = \"token\" } }",
    "headers = { \"X-Api-Key\" = { file = \"token\" } }",
    "headers = { Cookie = { file = \"token\" } }",
    "bearer_token = { command = [\"cat\", \"token\"] }",
];

/// A `json` source that sends the secret in one of these ways.
fn source(folder: &Path, url: &str, login: &str, more: &str) -> Plain {
    let token = folder.join("token").display().to_string();
    let login = login.replace("\"token\"", &format!("\"{token}\""));
    let text = format!(
        "[journal]\nenabled = false\n[[source]]\nname = \"json\"\nkind = \"json\"\nurl = \"{url}\"\n{login}\n\
         releases = '.deploys[]'\ntimeout = \"2s\"\n{more}"
    );
    Plain::new(&text)
}

/// Polls a source of every kind, and of every way to log in, while its server leads to another one.
pub(crate) fn no_secret_follows_a_redirect_or_a_link(_full: bool) {
    let servers = Servers::start();
    let away = Front::start(Behind::StandIn("json"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let mut led = 0;
    runtime.block_on(async {
        let World {
            mut watched,
            folder,
            ..
        } = World::new(&servers);
        for one in &mut watched {
            for (place, status) in PLACES.iter().zip(STATUSES.iter().cycle()) {
                one.front
                    .redirect_to(&place.replace("{away}", &away.address.to_string()));
                one.front.turn(Behaviour::RedirectAway(*status));
                one.poll().await;
                led += 1;
            }
        }
        let front = Front::start(Behind::StandIn("json"));
        for login in LOGINS {
            let mut world = source(
                folder.path(),
                &format!("{}/recent?key={CANARY}", front.url()),
                login,
                "",
            );
            for place in PLACES {
                for status in STATUSES {
                    front.redirect_to(&place.replace("{away}", &away.address.to_string()));
                    front.turn(Behaviour::RedirectAway(status));
                    world.poll().await;
                    led += 1;
                }
            }
            // The next page, by a header and by the body.
            let paging = "paginate = { link = true }\n";
            let mut world = source(folder.path(), &front.url(), login, paging);
            front.redirect_to(&format!("http://{}/?page=2", away.address));
            front.turn(Behaviour::NextPageAway);
            world.poll().await;
            led += 1;
        }
        // The first server was sent the secret, so these were trials of something.
        let sent = front.heard();
        assert!(sent.iter().any(|request| request.contains(CANARY)));
        assert!(sent.len() >= LOGINS.len() * PLACES.len() * STATUSES.len());
    });
    let heard = away.heard();
    assert!(
        heard.is_empty(),
        "{} of {led} were followed: {heard:?}",
        heard.len()
    );
    println!("{led} redirects and links, none followed");
}

/// The forms that a secret may take in what is written.
fn forms(secret: &str) -> Vec<String> {
    let hex = |upper: bool| {
        secret.bytes().fold(String::new(), |mut hex, byte| {
            let _ = if upper {
                write!(hex, "{byte:02X}")
            } else {
                write!(hex, "{byte:02x}")
            };
            hex
        })
    };
    let percent = secret.bytes().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "%{byte:02X}");
        text
    });
    vec![
        secret.to_owned(),
        secret.to_lowercase(),
        secret.to_uppercase(),
        secret.chars().rev().collect(),
        STANDARD.encode(secret).trim_end_matches('=').to_owned(),
        URL_SAFE_NO_PAD.encode(secret),
        // Behind `mara:`, as in a Basic login.
        STANDARD
            .encode(format!("mara:{secret}"))
            .trim_end_matches('=')
            .to_owned(),
        hex(false),
        hex(true),
        percent,
        secret[..10].to_owned(),
        secret[secret.len() - 10..].to_owned(),
    ]
}

/// What is written by one run: its output, and every file below its folder that it made.
fn written(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchfire"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder);
    command.envs(environment.iter().copied());
    let output = command.output().expect("the built program");
    format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// The files below a folder, but those that hold the secrets.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !matches!(&*name, "token" | "kubeconfig" | "lab.toml" | "own.toml") {
                found.push(path);
            }
        }
    }
    found
}

/// Every command, with every kind of secret, before servers that repeat what they are sent.
const COMMANDS: [&[&str]; 27] = [
    &["status"],
    &["status", "-o", "json"],
    &["status", "-o", "nagios"],
    &["status", "-o", "prometheus"],
    &["status", "-o", "tsv"],
    &["slos", "-o", "json"],
    &["incidents"],
    &["releases", "-o", "tsv"],
    &["gate", "--service", "cart", "-o", "json"],
    &["explain", "cart/availability", "-o", "json"],
    &["explain", "--plan"],
    &["doctor", "-o", "json"],
    &["doctor", "--bundle", "bundle.md"],
    &[
        "verify",
        "--service",
        "cart",
        "--since",
        "20m",
        "--until",
        "1m",
    ],
    &["handoff"],
    &["report", "--since", "1h", "-o", "json"],
    &["report", "--since", "1h", "-o", "html"],
    &["timeline", "--since", "1h", "-o", "json"],
    &["ack", "cart"],
    &["silence", "--service", "cart", "--for", "1h"],
    &["source", "test", "json"],
    &["source", "test", "pagerduty", "-o", "json"],
    &["record", "session.db", "--for", "1s"],
    &["rules"],
    &["config", "check"],
    &["config", "view"],
    &["config", "view", "-o", "json"],
];

/// Mistakes in a configuration at the very place of a secret.
const MISTAKES: [&str; 8] = [
    "bearer_token = \"{secret}\"",
    "token = \"{secret}\"",
    "url = \"http://mara:{secret}@127.0.0.1:1/\"",
    "url = \"http://127.0.0.1:1/?api_key={secret}\"\nurll = 1",
    "basic = { username = \"mara\", password = \"{secret}\" }",
    "headers = { Authorization = \"Bearer {secret}\" }\nintervall = 1",
    "proxy = \"http://mara:{secret}@127.0.0.1:99999\"",
    "bearer_token = { file = \"/nowhere\", token = \"{secret}\" }",
];

/// Searches everything that is written for a secret in any form.
#[expect(clippy::too_many_lines, reason = "one table after the other")]
pub(crate) fn no_secret_is_written_anywhere(full: bool) {
    let servers = Servers::start();
    let folder = world::folder();
    let mut fronts = Vec::new();
    let mut text = "[actions]\nenabled = true\n".to_owned();
    for (name, kind) in world::NAMES {
        let front = Front::start(servers.behind(kind));
        text.push_str(&world::table(
            folder.path(),
            (name, kind),
            &front.url(),
            ("", ""),
        ));
        fronts.push(front);
    }
    // By a variable, by a command, in a header, in the query, in the login of a proxy that is down.
    let front = Front::start(Behind::StandIn("json"));
    let url = front.url();
    for (number, login) in [
        "token = { env = \"LAB_TOKEN\" }",
        "basic = { username = \"mara\", password = { command = [\"cat\", \"token\"] } }",
        "headers = { \"X-Api-Key\" = { env = \"LAB_TOKEN\" } }",
    ]
    .iter()
    .enumerate()
    {
        let _ = write!(
            text,
            "[[source]]\nname = \"more{number}\"\nkind = \"json\"\nurl = \"{url}/?key={CANARY}\"\n{login}\n\
             releases = '.deploys[]'\ntimeout = \"2s\"\n"
        );
    }
    let _ = write!(
        text,
        "[[source]]\nname = \"proxied\"\nkind = \"json\"\nurl = \"http://deploys.invalid/\"\n\
         proxy = \"http://mara:{CANARY}@127.0.0.1:1\"\nreleases = '.deploys[]'\ntimeout = \"2s\"\n"
    );
    fronts.push(front);
    fs::write(folder.path().join("lab.toml"), &text).unwrap();
    let environment = [("LAB_TOKEN", CANARY)];
    let mut all = Vec::new();
    let echoes = [
        Behaviour::Echo(401),
        Behaviour::Healthy,
        Behaviour::Echo(200),
        Behaviour::Echo(500),
    ];
    for behaviour in echoes.into_iter().take(if full { 4 } else { 1 }) {
        for front in &fronts {
            front.turn(behaviour);
        }
        for command in COMMANDS {
            let options = ["--config", "lab.toml", "--log", "log.jsonl"];
            let is_config = command[0] == "config";
            let options = if is_config {
                &options[..2]
            } else {
                &options[..]
            };
            let line = [command, options].concat();
            all.push((
                format!("{behaviour:?} {line:?}"),
                written(folder.path(), &line, &environment),
            ));
        }
        for file in ["session.db", "bundle.md"] {
            let there = folder.path().join(file);
            if there.exists() {
                fs::rename(&there, folder.path().join(format!("{behaviour:?}-{file}"))).unwrap();
            }
        }
    }
    for mistake in MISTAKES {
        let mistake = mistake.replace("{secret}", CANARY);
        let own = format!("[[source]]\nname = \"x\"\nkind = \"json\"\n{mistake}\n");
        fs::write(folder.path().join("own.toml"), own).unwrap();
        for command in [&["status"][..], &["config", "check"], &["config", "view"]] {
            let line = [command, &["--config", "own.toml"]].concat();
            all.push((
                format!("{line:?} of {mistake}"),
                written(folder.path(), &line, &[]),
            ));
        }
    }
    let variable = [("WATCHFIRE__JOURNAL__TOKEN", CANARY)];
    all.push((
        "a variable".to_owned(),
        written(
            folder.path(),
            &["status", "--config", "lab.toml"],
            &variable,
        ),
    ));
    for file in files(folder.path()) {
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is open to others", file.display());
        let bytes = fs::read(&file).unwrap();
        all.push((
            file.display().to_string(),
            String::from_utf8_lossy(&bytes).into_owned(),
        ));
    }
    let said: usize = all.iter().map(|(_, text)| text.len()).sum();
    let mut told = Vec::new();
    for (what, text) in &all {
        for (number, form) in forms(CANARY).iter().enumerate() {
            if let Some(at) = text.find(form.as_str()) {
                let from = text.floor_char_boundary(at.saturating_sub(80));
                let to = text.ceil_char_boundary((at + 60).min(text.len()));
                told.push(format!("form {number} in {what}: …{}…", &text[from..to]));
                break;
            }
        }
    }
    assert!(
        told.is_empty(),
        "{} of {}:\n{}",
        told.len(),
        all.len(),
        told.join("\n")
    );
    println!(
        "{} outputs and files, {said} bytes, 12 forms: none",
        all.len()
    );
}
