//! Stand-ins on loopback, and a folder with a configuration for each of them.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// What a run left behind.
pub(crate) struct Answer {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A folder with configurations: `ok.toml`, `ticket.toml`, `page.toml`, `down.toml`, `faulty.toml`,
/// `am.toml`, `irm.toml`, `journal.toml`, `empty.toml`, `noted.toml`,
/// `wrong.toml`; and files for single commands.
pub(crate) struct World(TempDir);

impl World {
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        for (name, ratio) in [("ok", 0.0), ("ticket", 0.02), ("page", 0.5)] {
            write(
                &format!("{name}.toml"),
                &endpoint(&serve(move |_| rows(ratio))),
            );
        }
        write("down.toml", &endpoint(&dead_url()));
        let faulty = format!("{}token = {{ env = \"NOT_SET\" }}\n", endpoint(&dead_url()));
        write("faulty.toml", &faulty);
        let am = serve(|_| json!([]));
        let known = "[[service]]\nname = \"checkout\"\n";
        let am = source("am", "alertmanager", &am);
        write("am.toml", &format!("{known}{am}"));
        let irm = source("irm", "grafana_irm", &serve(alert_groups));
        write(
            "irm.toml",
            &format!(
                "{known}[[service]]\nname = \"quiet\"\n{irm}token = {{ command = [\"echo\", \"x\"] }}\n"
            ),
        );
        write("empty.toml", "");
        write("wrong.toml", "[ui]\ntheme = 1\n");
        write(
            "rules.toml",
            &format!("{}{}", source("prod", "prometheus", &dead_url()), slo()),
        );
        let journal = "tests/fixtures/journal/version-2.db";
        let journal = Path::new(env!("CARGO_MANIFEST_DIR")).join(journal);
        fs::copy(journal, folder.path().join("journal.db")).unwrap();
        write("journal.toml", "[journal]\npath = \"journal.db\"\n");
        write("noted.toml", "[journal]\npath = \"notes.db\"\n");
        write("sloth.yaml", SLOTH);
        write("broken.yaml", "version: prometheus/v1\nservice: 7: x\n");
        write("taken.wfr", "taken");
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// An argument; `ALERTMANAGER` stands for the address in `am.toml`.
    fn address(&self, word: &str) -> String {
        if word != "ALERTMANAGER" {
            return word.to_owned();
        }
        let text = fs::read_to_string(self.path().join("am.toml")).unwrap();
        let (_, rest) = text.split_once("url = \"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    /// Runs a command line in the folder.
    pub(crate) fn run(&self, line: &str) -> Answer {
        let output = Command::new(env!("CARGO_BIN_EXE_watchfire"))
            .args(line.split_whitespace().map(|word| self.address(word)))
            .current_dir(self.path())
            .env_clear()
            .env("HOME", self.path())
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Answer {
            status: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

const SLOTH: &str = "\
version: prometheus/v1
service: checkout
slos:
  - name: availability
    objective: 99.9
    sli:
      events:
        error_query: sum(rate(http_requests_total{code=~\"5..\"}[{{.window}}]))
        total_query: sum(rate(http_requests_total[{{.window}}]))
    alerting:
      page_alert: { disable: true }
      ticket_alert: { disable: true }
";

fn source(name: &str, kind: &str, url: &str) -> String {
    format!("[[source]]\nname = \"{name}\"\nkind = \"{kind}\"\nurl = \"{url}\"\n")
}

fn slo() -> &'static str {
    "[[slo]]\nservice = \"checkout\"\nname = \"availability\"\nobjective = 99.9\ntotal = 'a'\nbad = 'b'\n"
}

fn endpoint(url: &str) -> String {
    format!(
        "[journal]\nenabled = false\n{}{}",
        source("numbers", "json", url),
        "slos = '.slos[]'\nreleases = '.releases[]'\nincidents = '.incidents[]'\non_call = '.on_call[]'\n"
    )
}

/// An SLO whose every window has the same error ratio, and a row of everything else.
fn rows(ratio: f64) -> Value {
    let windows = ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"];
    let by_window = |value: Value| {
        let pairs = windows
            .iter()
            .map(|window| ((*window).to_owned(), value.clone()));
        Value::Object(pairs.collect())
    };
    json!({
        "slos": [{
            "service": "checkout", "name": "availability", "objective": 99, "period": "30d",
            "error_ratio": by_window(json!(ratio)),
            "events": by_window(json!({"bad": ratio * 1000.0, "total": 1000.0})),
        }],
        "releases": [{
            "id": "991", "service": "checkout", "version": "v2.31.0", "environment": "production",
            "status": "succeeded", "started_at": "2026-11-22T13:41:00.123Z", "actor": "mara",
            "finished_at": "2026-11-22T13:44:00.123Z", "ref": "main", "labels": ["cart"],
            "commits": [{"sha": "9f3c1d2", "committed_at": "2026-11-22T11:20:00.5Z", "merge": false}],
        }],
        "incidents": [{
            "id": "7", "title": "checkout is slow", "service": "checkout", "severity": "ticket",
            "status": "resolved", "opened_at": "2026-11-22T13:41:00.5Z",
            "resolved_at": "2026-11-22T13:45:00.5Z",
        }],
        "on_call": [{"who": "mara", "schedule": "shop", "services": ["checkout"]}],
    })
}

/// One alert group that nobody has, among empty lists.
fn alert_groups(path: &str) -> Value {
    let group = json!({
        "id": "G1", "state": "new", "title": "checkout is slow", "alerts_count": 1,
        "created_at": "2026-11-22T13:41:00Z",
        "labels": [{"key": {"name": "service"}, "value": {"name": "checkout"}}],
    });
    if path.contains("/alert_groups/G1") {
        return group;
    }
    let is_meant = path.contains("/alert_groups")
        && !["acknowledged", "resolved", "silenced"]
            .iter()
            .any(|state| path.contains(state));
    let rows = if is_meant { vec![group] } else { Vec::new() };
    json!({
        "count": rows.len(), "next": null, "previous": null, "results": rows,
        "current_page_number": 1, "page_size": 50, "total_pages": 1,
    })
}

/// The URL of a server that was here a moment ago.
fn dead_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A server that answers by the path, until the test ends; its URL.
fn serve(answer: impl Fn(&str) -> Value + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            give(stream.unwrap(), &answer);
        }
    });
    url
}

fn give(mut stream: TcpStream, answer: impl Fn(&str) -> Value) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(first)) = lines.next() else {
        return;
    };
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    while lines
        .next()
        .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
    {}
    let body = answer(&path).to_string();
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
    // The reader may be gone.
    let _ =
        stream.write_all(format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes());
}
