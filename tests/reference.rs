//! `docs/reference`, held to the program: exit statuses and JSON Schemas.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "terminal/pty.rs"]
#[expect(dead_code, reason = "the terminal's own tests use the rest")]
mod pty;
#[path = "reference/schema.rs"]
mod schema;
#[path = "reference/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::fs;

use portable_pty::CommandBuilder;
use serde_json::Value;
use watchfire::cli::pages;

use pty::Pty;
use world::World;

/// Command lines, the command that each is of, and the status that it ends with.
const RUNS: &[(&str, i32, &str)] = &[
    ("", 3, ""),
    ("demo", 3, "demo"),
    ("wall", 3, "wall"),
    ("status", 0, "status --config ok.toml"),
    ("status", 1, "status --config ticket.toml"),
    ("status", 2, "status --config page.toml"),
    ("status", 3, "status --config down.toml"),
    ("slos", 0, "slos --config ok.toml"),
    ("slos", 1, "slos --config ticket.toml -o tsv"),
    ("slos", 2, "slos --config page.toml -o json"),
    ("slos", 3, "slos --config down.toml"),
    ("incidents", 0, "incidents --config ok.toml"),
    ("incidents", 1, "incidents --config ticket.toml -o tsv"),
    ("incidents", 2, "incidents --config page.toml -o json"),
    ("incidents", 3, "incidents --config down.toml"),
    ("releases", 0, "releases --config ok.toml"),
    ("releases", 1, "releases --config ticket.toml -o tsv"),
    ("releases", 2, "releases --config page.toml -o json"),
    ("releases", 3, "releases --config down.toml"),
    ("import", 0, "import sloth.yaml"),
    ("import", 3, "import broken.yaml sloth.yaml"),
    (
        "explain",
        0,
        "explain checkout/availability --config ok.toml",
    ),
    ("explain", 3, "explain cart --config ok.toml"),
    ("gate", 0, "gate --service checkout --config ok.toml"),
    ("gate", 1, "gate --service checkout --config page.toml"),
    ("gate", 3, "gate --service checkout --config down.toml"),
    ("doctor", 0, "doctor --config ok.toml"),
    ("doctor", 1, "doctor --config faulty.toml"),
    ("doctor", 3, "doctor --config down.toml"),
    (
        "verify",
        3,
        "verify --service checkout --since 1h --config ok.toml",
    ),
    (
        "handoff",
        0,
        "handoff --config journal.toml --since 2026-11-22T12:00:00Z --until 2026-11-22T14:00:00Z --no-keep",
    ),
    ("handoff", 3, "handoff --config empty.toml"),
    (
        "report",
        0,
        "report --config ok.toml --since 2026-11-20 --until 2026-11-25",
    ),
    ("report", 3, "report --config down.toml"),
    (
        "report",
        3,
        "report --slo nothing --config ok.toml --since 2h",
    ),
    (
        "timeline",
        0,
        "timeline --config ok.toml --since 2026-11-20 --until 2026-11-25",
    ),
    ("timeline", 3, "timeline --config down.toml"),
    ("note", 0, "note drained --config noted.toml"),
    ("note", 3, "note drained --config ok.toml"),
    ("ack", 0, "ack --service checkout --config irm.toml"),
    ("ack", 1, "ack --service quiet --config irm.toml"),
    ("ack", 3, "ack --service nobody --config irm.toml"),
    (
        "silence",
        0,
        "silence --matcher service=checkout --for 1h --comment x --config am.toml",
    ),
    (
        "silence",
        1,
        "silence --service checkout --for 1h --config am.toml",
    ),
    (
        "silence",
        3,
        "silence --service nobody --for 1h --config am.toml",
    ),
    ("source", 3, "source"),
    ("source test", 0, "source test numbers --config ok.toml"),
    ("source test", 3, "source test numbers --config down.toml"),
    ("record", 0, "record new.wfr --for 1s --config ok.toml"),
    ("record", 3, "record taken.wfr --for 1s --config ok.toml"),
    ("replay", 3, "replay taken.wfr"),
    ("rules", 0, "rules --config rules.toml"),
    ("rules", 3, "rules --config ok.toml"),
    ("config", 0, "config"),
    ("config", 3, "config --nonsense"),
    ("config check", 0, "config check ok.toml am.toml"),
    ("config check", 3, "config check ok.toml wrong.toml"),
    ("config view", 0, "config view --config am.toml"),
    ("config view", 3, "config view --config wrong.toml"),
    (
        "init",
        0,
        "init --alertmanager ALERTMANAGER --output new.toml",
    ),
    (
        "init",
        3,
        "init --alertmanager http://127.0.0.1:1 --output new.toml",
    ),
    ("schema", 0, "schema"),
    ("schema", 3, "schema --nonsense"),
    ("completions", 0, "completions fish"),
    ("completions", 3, "completions tcsh"),
    ("man", 0, "man config check"),
    ("man", 3, "man nonsense"),
    ("help", 0, "help config check"),
    ("help", 3, "help nonsense"),
];

/// Statuses of what needs a terminal: `tests/terminal.rs` holds them.
const ON_A_TERMINAL: &[(&str, i32)] =
    &[("", 0), ("", 129), ("demo", 0), ("wall", 0), ("replay", 0)];

/// Statuses that need a server with a past: `tests/real/verify.rs` holds them.
const ON_A_SERVER: &[(&str, i32)] = &[("verify", 0), ("verify", 1)];

#[test]
fn every_exit_status_that_is_documented_is_one_that_the_program_gives() {
    let world = World::open();
    let elsewhere = ON_A_TERMINAL.iter().chain(ON_A_SERVER);
    let mut seen: BTreeSet<(&str, i32)> = elsewhere.copied().collect();
    for (path, want, line) in RUNS {
        let said = world.run(line);
        let (stdout, stderr) = (said.stdout, said.stderr);
        assert_eq!(said.status, Some(*want), "{line}\n{stdout}\n{stderr}");
        seen.insert((path, *want));
    }
    let documented = pages().iter().flat_map(|page| {
        let statuses = page.statuses.iter();
        statuses.map(|(status, _)| (page.path, i32::from(*status)))
    });
    assert_eq!(documented.collect::<BTreeSet<_>>(), seen);
}

#[test]
fn the_table_of_exit_statuses_is_that_of_the_help() {
    let mut table = String::from(
        "# Exit statuses\n\n\
         Data goes to stdout, messages to stderr. A mistake in usage or configuration ends every command \
         with 3: 1 and 2 would read as a ticket and a page.\n\n\
         | command | status | meaning |\n|---|---|---|\n",
    );
    for page in pages() {
        let name = page.name();
        let rows = page.statuses.iter();
        let rows = rows.map(|(status, meaning)| format!("| `{name}` | {status} | {meaning} |\n"));
        table.extend(rows);
    }
    let path = schema::folder().join("exit-status.md");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &table).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == table, "UPDATE=1 writes {}", path.display());
}

/// A command line for each form of JSON, with the schema that describes it.
const OUTPUTS: &[(&str, &str)] = &[
    ("status", "status -o json --config ok.toml"),
    ("status", "status -o json --config page.toml"),
    ("status", "status -o json --config down.toml"),
    ("status", "status -o json --config am.toml --at 1h"),
    ("slos", "slos -o json --config ticket.toml"),
    ("incidents", "incidents -o json --config ok.toml"),
    ("releases", "releases -o json --config ok.toml"),
    (
        "explain",
        "explain checkout/availability -o json --config page.toml",
    ),
    ("plan", "explain --plan -o json --config ok.toml"),
    ("gate", "gate --service checkout -o json --config ok.toml"),
    ("gate", "gate --service checkout -o json --config page.toml"),
    ("gate", "gate --service checkout -o json --config down.toml"),
    ("doctor", "doctor -o json --config ok.toml"),
    ("doctor", "doctor -o json --config down.toml"),
    ("doctor", "doctor -o json --config faulty.toml"),
    (
        "verify",
        "verify --service checkout --version v2.31.0 -o json --config ok.toml",
    ),
    (
        "handoff",
        "handoff -o json --config journal.toml --since 2026-11-22T12:30:00Z --until 2026-11-22T14:00:00Z --no-keep",
    ),
    (
        "report",
        "report -o json --config ok.toml --since 2026-11-20 --until 2026-11-25",
    ),
    ("report", "report -o json --config down.toml"),
    (
        "incident-report",
        "report --slo checkout/availability --since 2026-11-22T12:00:00Z --until 2026-11-22T15:00:00Z -o json --config ok.toml",
    ),
    (
        "timeline",
        "timeline -o json --config ok.toml --since 2026-11-20 --until 2026-11-25",
    ),
    ("timeline", "timeline -o json --config down.toml"),
    (
        "source-test",
        "source test numbers -o json --config page.toml",
    ),
    (
        "source-test",
        "source test numbers -o json --config down.toml",
    ),
    ("orders", "ack --service checkout -o json --config irm.toml"),
    (
        "orders",
        "silence --matcher service=checkout --for 1h --comment x -o json --config am.toml",
    ),
    (
        "import",
        "import sloth.yaml broken.yaml missing.yaml -o json",
    ),
    (
        "config-check",
        "config check ok.toml wrong.toml missing.toml -o json",
    ),
    ("config-view", "config view -o json --config irm.toml"),
];

#[test]
fn every_json_output_is_what_its_schema_describes_and_nothing_else() {
    let world = World::open();
    let mut seen = BTreeSet::new();
    for (name, line) in OUTPUTS {
        let said = world.run(line);
        let output: Value = serde_json::from_str(&said.stdout)
            .unwrap_or_else(|error| panic!("{line}: {error}\n{}\n{}", said.stdout, said.stderr));
        let faults = schema::faults(name, &output);
        assert!(faults.is_empty(), "{line}:\n{}", faults.join("\n"));
        seen.insert((*name).to_owned());
    }
    let all: BTreeSet<_> = names().into_iter().collect();
    assert_eq!(seen, all);
}

#[test]
fn a_field_that_no_schema_has_and_a_fraction_of_a_second_are_faults() {
    let world = World::open();
    let line = world.run("status -o json --config ok.toml").stdout;
    let mut status: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(schema::faults("status", &status), [""; 0]);
    // The schema is closed: a field that it lacks is a fault.
    status["surprise"] = Value::Bool(true);
    assert_eq!(schema::faults("status", &status).len(), 1);
    status["slos"][0]["observed_at"] = "2026-11-22T14:02:31.5Z".into();
    assert_eq!(schema::faults("status", &status).len(), 2);
}

#[test]
fn every_field_of_a_schema_is_described() {
    for name in names() {
        let published = schema::published(&name);
        assert_described(&name, &published);
        assert_eq!(published["$id"], format!("{name}.schema.json"));
        let form = published["properties"]["schema"]["const"].as_str().unwrap();
        assert!(
            form.starts_with("watchfire/") && form.ends_with("/v1"),
            "{form}"
        );
    }
}

/// The names of all schemas, `status` for `status.schema.json`.
fn names() -> Vec<String> {
    let files = fs::read_dir(schema::folder()).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = files
        .filter_map(|file| Some(file.strip_suffix(".schema.json")?.to_owned()))
        .collect();
    names.sort();
    names
}

/// Every object of a schema says what each of its fields is.
fn assert_described(place: &str, schema: &Value) {
    match schema {
        Value::Object(object) => {
            let fields = object.get("properties").and_then(Value::as_object);
            for (field, of) in fields.into_iter().flatten() {
                let words = of["description"].as_str().unwrap_or_default();
                let is_sentence = words.len() > 3 && words.ends_with('.');
                assert!(
                    is_sentence,
                    "{place}: `{field}` is not described: {words:?}"
                );
            }
            for (key, inner) in object {
                assert_described(&format!("{place}/{key}"), inner);
            }
        }
        Value::Array(list) => list.iter().for_each(|inner| assert_described(place, inner)),
        _ => {}
    }
}

/// `status` on a terminal of so many columns, until it has ended.
fn on_a_terminal(world: &World, columns: u16, variable: Option<&str>) -> Pty {
    // The terminal sets variables of its own.
    let mut command = CommandBuilder::new("env");
    for unset in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        command.args(["-u", unset]);
    }
    command.args(variable);
    command.arg(env!("CARGO_BIN_EXE_watchfire"));
    command.args(["status", "--config", "page.toml"]);
    command.cwd(world.path());
    command.env("HOME", world.path());
    let mut pty = Pty::start(command, columns, 40);
    pty.wait_for("FRESHNESS");
    assert_eq!(pty.wait_exit(), 2);
    pty
}

#[test]
fn a_status_fits_the_terminal_and_is_coloured_unless_colours_are_unwanted() {
    let world = World::open();
    let wide = world.run("status --config page.toml").stdout;
    assert!(wide.lines().any(|line| line.len() > 100), "{wide}");
    assert!(!wide.contains('\x1b'), "a pipe has no colours");
    for columns in [80, 60, 40] {
        let pty = on_a_terminal(&world, columns, None);
        let shown = pty.contents();
        let of_slo = shown.lines().filter(|line| line.starts_with("PAGE "));
        assert_eq!(of_slo.count(), 1, "{columns}: {shown}");
        // A line that is too long would go on in the next one.
        let first = shown
            .lines()
            .find(|line| line.starts_with("STATE"))
            .unwrap();
        let after = shown
            .lines()
            .skip_while(|line| *line != first)
            .nth(2)
            .unwrap();
        assert_eq!(after.trim(), "", "{columns}: {shown}");
        let bytes = String::from_utf8(pty.take_bytes()).unwrap();
        assert!(bytes.contains("\x1b[1;31mPAGE\x1b[0m"), "{bytes:?}");
    }
    for unwanted in ["NO_COLOR=1", "CLICOLOR=0", "TERM=dumb"] {
        let pty = on_a_terminal(&world, 80, Some(unwanted));
        let bytes = String::from_utf8(pty.take_bytes()).unwrap();
        assert!(!bytes.contains('\x1b'), "{unwanted:?}: {bytes:?}");
    }
}
