//! The wall on a terminal: keys, requests, a changed configuration, the heartbeat, and a loop that stands still.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;
use watchfire::run::wall::pulse::{Pulse, begin_anew};

use crate::pty::Pty;
use crate::stage_command;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A page that could be acknowledged and silenced.
const ALERTS: &str = r#"[{"labels":{"alertname":"Burns","severity":"page","service":"checkout"},
"annotations":{"summary":"checkout burns","runbook_url":"https://runbooks.example/checkout"},
"startsAt":"2026-11-22T13:45:00Z","updatedAt":"2026-11-22T13:45:00Z","endsAt":"2096-11-22T13:45:00Z",
"fingerprint":"f00","generatorURL":"http://prom.example/graph","receivers":[{"name":"page"}],
"status":{"state":"active","inhibitedBy":[],"silencedBy":[]}}]"#;

/// A server that keeps the first line of every request.
struct Recorder {
    address: String,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&lines);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                thread::spawn(move || answer(stream, &kept));
            }
        });
        Self { address, lines }
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("lock").clone()
    }

    fn wait_for(&self, what: &str, is_it: impl Fn(&[String]) -> bool) {
        let began = Instant::now();
        while !is_it(&self.lines()) {
            assert!(began.elapsed() < PATIENCE, "no {what}: {:?}", self.lines());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Answers requests on a connection until it ends.
fn answer(stream: TcpStream, kept: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let (mut first, mut length) = (String::new(), 0);
        if reader.read_line(&mut first).ok()? == 0 {
            return None;
        }
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let lower = line.to_ascii_lowercase();
            if let Some(count) = lower.strip_prefix("content-length:") {
                length = count.trim().parse().ok()?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        reader
            .by_ref()
            .take(length)
            .read_to_end(&mut Vec::new())
            .ok()?;
        kept.lock().ok()?.push(first.trim().to_owned());
        let body = match first.split(' ').nth(1)? {
            path if path.starts_with("/api/v2/alerts") => ALERTS,
            path if path.starts_with("/api/v2/silences") => "[]",
            path if path.starts_with("/api/v2/status") => {
                r#"{"cluster":{"status":"disabled"},"versionInfo":{"version":"0.27.0"},"config":{"original":""},"uptime":"2026-11-22T00:00:00Z"}"#
            }
            _ => "[]",
        };
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length:";
        write!(stream, "{head} {}\r\n\r\n{body}", body.len()).ok()?;
    }
}

fn configuration(folder: &Path, text: &str) {
    let path = folder.join("new.toml");
    std::fs::write(&path, text).expect("written");
    std::fs::rename(path, folder.join("watchfire.toml")).expect("renamed");
}

fn wall(folder: &Path) -> Pty {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_watchfire"));
    command.args(["wall", "--config", "watchfire.toml"]);
    command.env("HOME", folder);
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    command.env("WATCHFIRE__JOURNAL__ENABLED", "false");
    command.cwd(folder);
    Pty::start(command, 120, 40)
}

/// A reproducible series of numbers.
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn no_key_of_a_wall_changes_anything_and_two_leave_it() {
    let server = Recorder::start();
    let folder = tempfile::tempdir().expect("a folder");
    configuration(
        folder.path(),
        &format!(
            "[actions]\nenabled = true\naudit_log = \"audit.jsonl\"\n\
             [[source]]\nname = \"am\"\nkind = \"alertmanager\"\nurl = \"http://{0}\"\ninterval = \"1s\"\n\
             [[source]]\nname = \"deploys\"\nkind = \"json\"\nurl = \"http://{0}/deploys\"\ninterval = \"1s\"\n\
             releases = '.[]'\n",
            server.address
        ),
    );
    let mut pty = wall(folder.path());
    pty.wait_for("PAGE checkout");
    let mut state = 0x5eed;
    let keys = [
        "\u{1b}[A",
        "\u{1b}[B",
        "\r",
        "\t",
        "\u{1b}[6~",
        " ",
        "\u{1b}[200~y\r\u{1b}[201~",
    ];
    for _ in 0..400 {
        let number = random(&mut state);
        if number.is_multiple_of(4) {
            let place = usize::try_from(number >> 8).unwrap_or(0) % keys.len();
            pty.press(keys[place]);
        } else {
            let letter = char::from(b'!' + u8::try_from(number >> 8 & 0x3f).unwrap_or(0));
            let letter = if number.is_multiple_of(2) {
                letter.to_ascii_lowercase()
            } else {
                letter
            };
            pty.press(&letter.to_string().replace('q', "a"));
        }
    }
    let seen = server.lines().len();
    server.wait_for("further polls", |lines| lines.len() > seen + 6);
    for line in server.lines() {
        assert!(line.starts_with("GET "), "{line}");
    }
    assert!(
        !folder.path().join("audit.jsonl").exists(),
        "nothing was done"
    );
    assert!(
        pty.contents().contains("PAGE checkout"),
        "{}",
        pty.contents()
    );
    pty.press("q");
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_given_back();
    let mut pty = wall(folder.path());
    pty.wait_for("PAGE checkout");
    pty.press("\u{3}");
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_given_back();
}

#[test]
fn a_changed_configuration_is_followed_and_one_with_a_mistake_is_named() {
    let server = Recorder::start();
    let folder = tempfile::tempdir().expect("a folder");
    let text = |name: &str, url: &str| {
        format!(
            "[wall]\n{url}\n[[source]]\nname = \"{name}\"\nkind = \"alertmanager\"\n\
             url = \"http://{}\"\ninterval = \"1s\"\n",
            server.address
        )
    };
    configuration(folder.path(), &text("first", ""));
    let mut pty = wall(folder.path());
    pty.wait_for("first ");
    configuration(folder.path(), &text("first", "rotate = \"never\""));
    pty.wait_for("configuration not reloaded");
    assert!(pty.contents().contains("first "), "the one before stays");
    configuration(folder.path(), &text("second", ""));
    pty.wait_for("second ");
    pty.wait_gone("configuration not reloaded");
    let beat = format!("heartbeat_url = \"http://{}/beat?key=1\"", server.address);
    configuration(folder.path(), &text("second", &beat));
    server.wait_for("heartbeat", |lines| {
        lines
            .iter()
            .any(|line| line.starts_with("GET /beat?key=1 "))
    });
    let nowhere = "heartbeat_url = \"http://127.0.0.1:1/beat\"";
    assert!(!pty.contents().contains("heartbeat"), "{}", pty.contents());
    configuration(folder.path(), &text("third", nowhere));
    pty.wait_for("third ");
    pty.press("q");
    assert_eq!(pty.wait_exit(), 0);
}

#[test]
fn a_heartbeat_is_sent_only_while_a_source_is_live() {
    let beats = Recorder::start();
    let folder = tempfile::tempdir().expect("a folder");
    configuration(
        folder.path(),
        &format!(
            "[wall]\nheartbeat_url = \"http://{}/beat\"\n\
             [[source]]\nname = \"prom\"\nkind = \"prometheus\"\nurl = \"http://127.0.0.1:1\"\ninterval = \"1s\"\n",
            beats.address
        ),
    );
    let mut pty = wall(folder.path());
    pty.wait_for("BLIND prom");
    let beat = pty.contents().contains('▪');
    pty.wait("a few seconds", |screen| {
        screen.contents().contains('▪') != beat
    });
    assert_eq!(beats.lines(), Vec::<String>::new());
    pty.press("q");
    assert_eq!(pty.wait_exit(), 0);
}

#[test]
fn a_program_that_stands_still_begins_anew_in_its_place() {
    let pty = Pty::start(stage_command("wall::stage_of_a_stall"), 120, 40);
    let pid = pty.pid().as_raw_nonzero();
    let line = format!("began {pid}");
    pty.wait("the program a second time", |screen| {
        screen.contents().matches(&line).count() >= 2
    });
    pty.signal(rustix::process::Signal::KILL);
}

/// A program that never beats, run by the test above.
#[test]
#[ignore = "run by another test"]
fn stage_of_a_stall() {
    println!("began {}", std::process::id());
    let tty = watchfire::term::Tty::enter().expect("a terminal");
    let terminal = tty.handle();
    tty.give_back();
    let _pulse = Pulse::start(Duration::from_millis(300), move || begin_anew(terminal));
    loop {
        thread::park();
    }
}
