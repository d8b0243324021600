//! `watchfire handoff`, as the built program prints it of a journal that was just written.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::TempDir;
use watchfire::config::{Environment, load_text};
use watchfire::domain::{
    Facts, Fault, FaultKind, Incident, IncidentStatus, Observation, Origin, Period, Reading,
    Sample, Severity, Silence, Slo, SourceName, Window,
};
use watchfire::journal::{Journal, Limits, Place};
use watchfire::source::known_kinds;
use watchfire::store::{Feed, Heard};
use watchfire::watch::Watch;

#[path = "reference/schema.rs"]
mod schema;

/// What nobody should be able to do with a title.
const HOSTILE: &str =
    "# gone\n| a | `b` <img src=x onerror=y> [free](https://evil.example) \u{1b}[2J";

/// A folder with a configuration, and a journal beside it once there is one.
struct Desk {
    folder: TempDir,
}

struct Answer {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Desk {
    fn new() -> Self {
        let desk = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::write(desk.config(), desk.settings("enabled = true")).unwrap();
        desk
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    fn settings(&self, journal: &str) -> String {
        let folder = self.folder.path().display();
        format!(
            "[me]\nname = 'mara'\n[ui]\ntimezone = 'Europe/Berlin'\n\
             [journal]\npath = '{folder}/journal.db'\n{journal}\n\
             [actions]\naudit_log = '{folder}/audit.jsonl'\n\
             [[source]]\nname = 'am'\nkind = 'alertmanager'\nurl = 'http://127.0.0.1:1'\n\
             [[source]]\nname = 'deploys'\nkind = 'json'\nurl = 'http://127.0.0.1:1/x'\n\
             releases = '.[]'\n"
        )
    }

    fn feeds(&self) -> Vec<Feed> {
        let text = fs::read_to_string(self.config()).unwrap();
        let loaded = load_text("c.toml", text, &Environment::default(), &known_kinds()).unwrap();
        let Ok(watch) = Watch::over(&loaded.settings) else {
            panic!("no watch");
        };
        watch.store.feeds().to_vec()
    }

    fn open(&self) -> Journal {
        let place = Place::File(self.journal());
        let (mut journal, _) = Journal::open(&place, Limits::default(), false).unwrap();
        journal.watch(&self.feeds()).unwrap();
        journal
    }

    fn handoff(&self, arguments: &[&str]) -> Answer {
        let output = Command::new(env!("CARGO_BIN_EXE_watchfire"))
            .args(["handoff", "--config"])
            .arg(self.config())
            .args(arguments)
            .env_clear()
            .env("HOME", "/nonexistent")
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

    /// What went wrong, of one that exits with 3 and prints nothing.
    fn refused(&self, arguments: &[&str]) -> String {
        let said = self.handoff(arguments);
        assert_eq!((said.status, said.stdout.as_str()), (Some(3), ""));
        said.stderr
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let said = self.handoff(&[&["--format", "json"], arguments].concat());
        assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
        let handoff = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(schema::faults("handoff", &handoff), [""; 0]);
        handoff
    }
}

fn heard(source: &str, ago: i64, outcome: Result<Facts, Fault>) -> Heard {
    Heard {
        source: SourceName::new(source),
        at: Timestamp::now() - SignedDuration::from_secs(ago),
        latency: SignedDuration::from_millis(12),
        next_try: None,
        outcome: outcome.map(Arc::new),
    }
}

fn incident(id: &str, title: &str, status: IncidentStatus) -> Incident {
    Incident {
        opened_at: Some(Timestamp::now() - SignedDuration::from_mins(40)),
        acknowledged_by: vec!["Mara".into()],
        ..Incident::new(id, title, Severity::Page, status)
    }
}

fn incidents(rows: Vec<Incident>) -> Facts {
    let now = Timestamp::now();
    Facts {
        incidents: Some(rows),
        silences: Some(vec![Silence {
            id: "s1".into(),
            matchers: Vec::new(),
            created_by: "mara".into(),
            comment: "import".into(),
            starts_at: now,
            ends_at: now + SignedDuration::from_mins(30),
        }]),
        ..Facts::default()
    }
}

/// A journal of the last minute: an incident of a hostile title, and a source that fails.
fn written() -> Desk {
    let desk = Desk::new();
    let mut journal = desk.open();
    let rows = vec![
        incident("1", HOSTILE, IncidentStatus::Triggered),
        incident("2", "cart errors", IncidentStatus::Acknowledged),
    ];
    journal.keep(&heard("am", 20, Ok(incidents(rows)))).unwrap();
    let fault = Fault::new(
        FaultKind::Connect,
        "connection refused; see whether it runs",
    );
    journal.keep(&heard("deploys", 20, Err(fault))).unwrap();
    desk
}

#[test]
fn it_is_markdown_from_the_journal_and_needs_no_answer() {
    let desk = written();
    let at = Timestamp::now() - SignedDuration::from_mins(5);
    let intent = format!(
        "{{\"event\":\"intent\",\"id\":\"a\",\"at\":\"{at}\",\"who\":\"mara\",\"source\":\"am\",\
         \"verb\":\"silence\",\"target\":\"1\",\"name\":\"cart errors\"}}\n\
         {{\"event\":\"result\",\"id\":\"a\",\"at\":\"{at}\",\"result\":\"done\",\"said\":\"silenced\"}}\n"
    );
    fs::write(desk.folder.path().join("audit.jsonl"), intent).unwrap();
    let said = desk.handoff(&[]);
    assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
    for want in [
        "# Hand-over: ",
        "By mara. 2 incidents open, 2 of them page, 1 not acked; no SLO known; 0 releases; **blind**",
        "## Still open (2)",
        r"- **page** \# gone⏎",
        "## Acked by me, still open (1)",
        "- **page** cart errors; acked, nobody says when",
        "## Releases (0)\n\nNone was seen, and there were blind spots, as far as is known. **Not known** of deploys at all: there may be more.",
        "## SLOs not known to hold (0)\n\nNo source tells of any.",
        "## Silences ending within 8h (1)",
        "by mara (me); why: import",
        "mara: silence cart errors at am: done (silenced)",
        "it did not answer: connection refused; see whether it runs",
        "nobody watched: watchfire did not run",
    ] {
        assert!(said.stdout.contains(want), "no {want} in {}", said.stdout);
    }
    let zone = at.to_zoned(jiff::tz::TimeZone::get("Europe/Berlin").unwrap());
    let zone = zone.strftime("%Z").to_string();
    assert!(said.stdout.lines().next().unwrap().contains(&zone));
    let is_harmless = |c: char| c == '\n' || watchfire::text::is_visible(c);
    assert!(said.stdout.chars().all(is_harmless), "{:?}", said.stdout);
    let lines = said.stdout.lines();
    let headings: Vec<_> = lines.filter(|line| line.starts_with('#')).collect();
    assert!(
        !headings.iter().any(|line| line.contains("gone")),
        "{headings:?}"
    );
    assert!(!said.stdout.contains("[free]("), "{}", said.stdout);
}

#[test]
fn its_json_has_every_part_and_null_for_what_nobody_says() {
    let told = written().json(&["--since", "2h"]);
    assert_eq!(told["schema"], "watchfire/handoff/v1");
    for list in [
        "open",
        "slos",
        "burned",
        "budgets_lost",
        "budgets_unknown",
        "releases",
        "silences_ending",
        "done",
        "resolved",
        "blind_spots",
        "sources",
    ] {
        assert!(told[list].is_array(), "{list} in {told}");
    }
    assert_eq!(told["by"], "mara");
    assert_eq!(told["open"][0]["title"], HOSTILE);
    assert_eq!(told["open"][0]["service"], Value::Null);
    assert_eq!(told["open"][1]["acked_by_me"], true);
    assert_eq!(told["since_last"], Value::Null);
    let source = &told["sources"][1];
    assert_eq!(
        (&source["name"], &source["freshness"]),
        (&"deploys".into(), &"down".into())
    );
    assert_eq!(source["told"]["releases"], false);
    let length = ["since", "until"].map(|key| told[key].as_str().unwrap().parse::<Timestamp>());
    let [since, until] = length.map(Result::unwrap);
    assert_eq!(since.duration_until(until), SignedDuration::from_hours(2));
}

#[test]
fn each_is_compared_with_the_one_before_unless_that_was_not_kept() {
    let desk = written();
    assert_eq!(desk.json(&["--no-keep"])["since_last"], Value::Null);
    assert_eq!(desk.json(&[])["since_last"], Value::Null);
    let rows = vec![
        incident("1", HOSTILE, IncidentStatus::Acknowledged),
        incident("3", "disk full", IncidentStatus::Triggered),
    ];
    let mut journal = desk.open();
    // The first answer of a process does not say what is over.
    for ago in [1, 0] {
        journal
            .keep(&heard("am", ago, Ok(incidents(rows.clone()))))
            .unwrap();
    }
    // One that is not kept is compared all the same, and the next again with the first.
    for _ in 0..2 {
        let changes = &desk.json(&["--no-keep"])["since_last"];
        let titles = |list: &str| -> Vec<String> {
            let rows = changes[list].as_array().unwrap().iter();
            rows.map(|row| row["title"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(titles("new"), ["disk full"]);
        assert_eq!(titles("gone"), ["cart errors"]);
        assert_eq!(titles("changed"), [HOSTILE]);
        assert_eq!(changes["changed"][0]["to"], "acknowledged by Mara");
    }
    let said = desk.handoff(&[]).stdout;
    assert!(said.contains("## Since the last hand-over ("), "{said}");
    assert!(
        said.contains("- **over** cart errors; was acknowledged by Mara"),
        "{said}"
    );
    let said = desk.handoff(&[]).stdout;
    assert!(said.contains("Nothing has changed."), "{said}");
}

#[test]
fn without_anything_to_write_it_from_it_says_what_to_do_and_exits_with_3() {
    let desk = Desk::new();
    let said = desk.refused(&[]);
    assert!(said.contains("there is no journal at "), "{said}");
    assert!(
        said.contains("start `watchfire`") && said.contains("[journal]"),
        "{said}"
    );
    assert!(!desk.journal().exists(), "it made one");

    drop(desk.open());
    let said = desk.refused(&[]);
    assert!(
        said.contains("holds nothing of these sources yet"),
        "{said}"
    );

    let written = written();
    let said = written.refused(&["--since", "2h", "--until", "1h"]);
    assert!(
        said.contains("holds nothing of that time, only from "),
        "{said}"
    );

    fs::write(written.config(), written.settings("enabled = false")).unwrap();
    let said = written.refused(&[]);
    assert!(said.contains("set `enabled = true` in [journal]"), "{said}");

    fs::write(
        desk.journal(),
        "this is no journal, and long enough to be looked at",
    )
    .unwrap();
    let said = desk.refused(&[]);
    assert!(said.contains("is no journal of watchfire"), "{said}");
}

#[test]
fn of_a_damaged_journal_it_is_made_from_what_can_be_read() {
    let desk = written();
    let mut journal = desk.open();
    let rows = vec![incident("3", "disk full", IncidentStatus::Triggered)];
    journal.keep(&heard("am", 0, Ok(incidents(rows)))).unwrap();
    drop(journal);
    let db = rusqlite::Connection::open(desk.journal()).unwrap();
    let spoil = "UPDATE frame SET body = zeroblob(9) WHERE id = (SELECT max(id) FROM frame)";
    db.execute(spoil, []).unwrap();
    drop(db);
    let said = desk.handoff(&["--no-keep"]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(
        said.stderr
            .contains("is damaged: this is what can be read of it"),
        "{}",
        said.stderr
    );
    assert!(said.stdout.contains("cart errors"), "{}", said.stdout);
}

#[test]
fn a_time_that_cannot_be_is_a_mistake_in_usage() {
    let desk = written();
    for (arguments, want) in [
        (&["--since", "last night"][..], "write how long ago (1h"),
        (&["--until", "soon"], "RFC 3339"),
        (
            &["--since", "2999-01-01T00:00:00Z"],
            "is not before the end",
        ),
        (&["--format", "html"], "[possible values: text, json]"),
    ] {
        let said = desk.refused(arguments);
        assert!(said.contains(want), "{arguments:?}: {said}");
    }
}

#[test]
fn one_that_cannot_be_kept_is_printed_all_the_same() {
    let desk = written();
    // Somebody writes and does not come to an end.
    let other = rusqlite::Connection::open(desk.journal()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let said = desk.handoff(&[]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(said.stdout.contains("## Still open (2)"), "{}", said.stdout);
    assert!(said.stderr.contains("is not kept"), "{}", said.stderr);
}

#[test]
fn an_audit_log_that_cannot_be_read_is_told_and_not_taken_for_empty() {
    let desk = written();
    fs::create_dir(desk.folder.path().join("audit.jsonl")).unwrap();
    let said = desk.handoff(&[]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let want = "## What was done from here (0)\n\nNothing, as far as is known. **Not known**: the audit log ";
    assert!(said.stdout.contains(want), "{}", said.stdout);
}

/// An SLO of 99 % over 30 days with so much of its budget left, measured so many seconds ago, and its
/// period so many.
fn measured(left: f64, ago: i64, period_ago: i64) -> Facts {
    let moment = |ago: i64| Timestamp::now() - SignedDuration::from_secs(ago);
    let slo = Slo::new(
        "checkout",
        "availability",
        SourceName::new("slos"),
        0.99,
        Period::Rolling(Window::days(30)),
        Origin::Mapped,
    );
    let sample = |ratio: f64, ago: i64| Sample {
        reading: Reading::Ratio(ratio),
        events: None,
        at: moment(ago),
    };
    let unknown = Observation::unknown(Arc::new(slo), moment(ago));
    let windows = unknown.windows.keys();
    let seen = Observation {
        windows: windows.map(|window| (window, sample(0.0, ago))).collect(),
        period: Some(sample((1.0 - left) * 0.01, period_ago)),
        ..unknown
    };
    Facts {
        slos: Some(vec![seen]),
        ..Facts::default()
    }
}

/// A journal whose last budget, 90 %, is ten minutes old, of a source at a port.
fn measured_at(port: u16) -> Desk {
    let desk = Desk::new();
    let config = fs::read_to_string(desk.config()).unwrap();
    let source = format!(
        "[[source]]\nname = 'slos'\nkind = 'json'\nurl = 'http://127.0.0.1:{port}/'\nslos = '.'\n"
    );
    fs::write(desk.config(), config + &source).unwrap();
    let mut journal = desk.open();
    for (ago, facts) in [
        (
            8 * 3_600 - 30,
            measured(0.9, 8 * 3_600 - 30, 8 * 3_600 - 30),
        ),
        (20, measured(0.899, 20, 600)),
    ] {
        journal.keep(&heard("slos", ago, Ok(facts))).unwrap();
    }
    desk
}

#[test]
fn budgets_are_asked_for_when_it_ends_now_and_dated_where_nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head = lines
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty());
            assert!(head.count() > 0);
            let body = "{\"service\":\"checkout\",\"name\":\"availability\",\"objective\":99,\
                        \"period\":\"30d\",\"error_ratio\":{\"5m\":0,\"1h\":0,\"30d\":0.004}}";
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\
                 content-length: {}\r\n\r\n{body}",
                body.len()
            );
        }
    });
    let desk = measured_at(port);
    let told = desk.json(&["--no-keep"]);
    let (row, lost) = (&told["slos"][0], &told["budgets_lost"][0]);
    assert!(
        (row["budget_remaining"].as_f64().unwrap() - 0.6).abs() < 1e-6,
        "{row}"
    );
    assert!((lost["to"].as_f64().unwrap() - 0.6).abs() < 1e-6, "{lost}");
    let moment = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
    let age = |value: &Value| moment(value).duration_until(Timestamp::now()).as_secs();
    assert!(
        age(&row["budget_at"]) < 60 && age(&lost["to_at"]) < 60,
        "{told}"
    );
    let said = desk.handoff(&["--no-keep"]).stdout;
    assert!(
        said.contains("**checkout/availability** from 90.0 % to 60.0 % (lost 30.0 points)"),
        "{said}"
    );
    // Of a shift that has been nobody is asked.
    let until = (Timestamp::now() - SignedDuration::from_secs(10)).to_string();
    let told = desk.json(&["--no-keep", "--until", &until]);
    assert_eq!(told["budgets_lost"], Value::Array(Vec::new()));

    // Nobody answers at port 1.
    let desk = measured_at(1);
    let told = desk.json(&["--no-keep"]);
    assert!(
        (500..700).contains(&age(&told["slos"][0]["budget_at"])),
        "{told}"
    );
    assert!(
        (500..700).contains(&age(&told["budgets_kept_as_of"])),
        "{told}"
    );
    let said = desk.handoff(&["--no-keep"]).stdout;
    assert!(
        said.contains("1 budget lost less than 1 % or nothing, by samples of "),
        "{said}"
    );
}

#[test]
fn it_needs_no_source_in_the_configuration() {
    let desk = written();
    let config = fs::read_to_string(desk.config()).unwrap();
    let (without, _) = config.split_once("[[source]]").unwrap();
    fs::write(desk.config(), without).unwrap();
    let said = desk.handoff(&["--no-keep"]);
    assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
    assert!(said.stdout.contains("## Still open (2)"), "{}", said.stdout);
    assert!(said.stdout.contains("deploys **never**"), "{}", said.stdout);
}
