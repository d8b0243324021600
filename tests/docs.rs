//! What the README says, held to what the program does.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use clap::CommandFactory;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use watchfire::app::action::markdown_table;
use watchfire::cli::Cli;
use watchfire::config::{Environment, load_text};
use watchfire::domain::slo::{Course, Slice, Verdict};
use watchfire::domain::{
    Events, Facts, Incident, IncidentStatus, Observation, OnCall, Origin, Period, Reading, Release,
    ReleaseStatus, Report, Sample, Severity, Slo, SourceName, Window,
};
use watchfire::print;
use watchfire::print::status::{Scope, Status};
use watchfire::source::{KINDS, known_kinds};
use watchfire::store::{Feed, Offers, Store};
use watchfire::watch::Watch;

const README: &str = include_str!("../README.md");

/// The first code block of the README in a language.
fn block(language: &str) -> &'static str {
    let start = format!("```{language}\n");
    let (_, rest) = README.split_once(&start).unwrap();
    rest.split_once("\n```").unwrap().0
}

/// Whether a table of the README has a row that begins with these cells.
fn has_row(cells: &[&str]) -> bool {
    let begin = format!("| {} |", cells.join(" | "));
    README.lines().any(|line| line.starts_with(&begin))
}

#[test]
fn the_key_table_is_the_one_that_the_program_obeys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let (before, rest) = README.split_once("<!-- keys:").unwrap();
    let (comment, rest) = rest.split_once("-->\n").unwrap();
    let (_, after) = rest.split_once("<!-- /keys -->").unwrap();
    let table = markdown_table();
    let wanted = format!("{before}<!-- keys:{comment}-->\n\n{table}\n<!-- /keys -->{after}");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &wanted).unwrap();
    } else {
        assert!(wanted == README, "UPDATE=1 rewrites the table of keys");
    }
}

#[test]
fn every_kind_of_source_is_in_the_table() {
    for kind in KINDS {
        assert!(has_row(&[&format!("`{}`", kind.name)]), "{}", kind.name);
    }
}

#[test]
fn every_command_and_flag_is_told_of_and_no_other_is() {
    let others = [
        "--release",
        "--path",
        "--test",
        "--open",
        "--no-default-features",
        // An option of Prometheus.
        "--storage",
    ]
    .map(str::to_owned);
    let mut flags: BTreeSet<String> = others.into();
    let mut cli = Cli::command();
    cli.build();
    for command in std::iter::once(&cli).chain(cli.get_subcommands()) {
        let name = command.get_name();
        if command.get_name() != cli.get_name() {
            let told = [format!("watchfire {name}"), format!("-- {name}")];
            assert!(told.iter().any(|told| README.contains(told)), "{name}");
        }
        let arguments = command.get_arguments().filter_map(|flag| flag.get_long());
        flags.extend(arguments.map(|flag| format!("--{flag}")));
    }
    let is_flag = |c: char| c.is_ascii_lowercase() || c == '-';
    let told: BTreeSet<_> = README
        .split(|c| !is_flag(c))
        .filter(|word| word.starts_with("--") && word.len() > 2 && !word.ends_with('-'))
        .map(str::to_owned)
        .collect();
    let usual = ["--help", "--version"].map(str::to_owned).into();
    let missing: Vec<_> = flags.difference(&told).collect();
    let missing: BTreeSet<_> = missing.into_iter().cloned().collect();
    assert_eq!(&missing - &usual, BTreeSet::new(), "not told of");
    assert_eq!(&told - &flags, BTreeSet::new(), "told of, but not there");
}

#[test]
fn the_exit_statuses_are_those_of_the_verdicts() {
    for verdict in [
        Verdict::Ok,
        Verdict::Ticket,
        Verdict::Page,
        Verdict::Unknown,
    ] {
        let status = verdict.exit_status().to_string();
        let word = format!("`{}`", verdict.word());
        assert!(has_row(&[&status, &word]), "{status} {word}");
    }
    assert_eq!(watchfire::command::UNKNOWN, Verdict::Unknown.exit_status());
}

#[test]
fn the_configuration_that_is_shown_is_accepted() {
    let text = block("toml").to_owned();
    let environment = Environment::default();
    let loaded = load_text("README.md", text, &environment, &known_kinds()).unwrap();
    let watch = Watch::over(&loaded.settings).map_err(|problems| loaded.report_all(&problems));
    assert_eq!(watch.map(|watch| watch.sources.len()).unwrap(), 3);
}

#[test]
fn the_mistake_that_is_shown_is_refused_in_these_words() {
    let shown = README.split_once("```text\n").unwrap().1;
    let shown = shown.split_once("```").unwrap().0;
    let shown: Vec<_> = shown
        .lines()
        .map(|line| line.strip_prefix("  ").unwrap_or(line))
        .collect();
    let text =
        "[[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"ftp://prometheus.example\"\n";
    let environment = Environment::default();
    let loaded = load_text("config.toml", text.into(), &environment, &known_kinds()).unwrap();
    let problems = Watch::over(&loaded.settings).map(|_| ()).unwrap_err();
    let said = format!("watchfire: {}", loaded.report_all(&problems));
    assert_eq!(shown.join("\n").trim_end(), said.trim_end());
}

#[test]
fn the_hand_over_that_is_shown_is_an_excerpt_of_the_scripted_one() {
    let whole = include_str!("snapshots/shift__shift.snap");
    let whole: BTreeSet<_> = whole.lines().collect();
    let shown = block("markdown");
    assert!(shown.lines().count() > 10);
    for line in shown.lines() {
        assert!(whole.contains(line), "{line}");
    }
}

#[test]
fn every_file_that_is_linked_is_there() {
    let links = README.split("](").skip(1);
    let targets = links.map(|rest| rest.split_once(')').unwrap().0);
    let files: Vec<_> = targets
        .filter(|target| !target.starts_with("https://") && !target.starts_with('#'))
        .collect();
    assert!(files.contains(&"config.example.toml"), "{files:?}");
    for file in files {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        assert!(path.is_file(), "{file}");
    }
}

#[test]
fn the_json_that_is_shown_has_the_fields_of_a_real_status() {
    let shown: Value = serde_json::from_str(block("json")).unwrap();
    let now = Timestamp::from_second(1_795_356_000).unwrap();
    let store = store(now);
    let mut real = Vec::new();
    print::json(&mut real, &Status::of(&store, Scope::default(), None, now)).unwrap();
    let real: Value = serde_json::from_slice(&real).unwrap();
    let (mut shown_fields, mut real_fields) = (BTreeMap::new(), BTreeMap::new());
    fields("", &shown, &mut shown_fields);
    fields("", &real, &mut real_fields);
    assert_eq!(shown_fields, real_fields);
    assert_eq!(shown["schema"], real["schema"]);
}

/// The names of the fields of every object, by its place; windows are no names of fields.
fn fields(place: &str, value: &Value, found: &mut BTreeMap<String, BTreeSet<String>>) {
    match value {
        Value::Object(object) => {
            if ["error_ratio", "burn_rate", "measured_at"].contains(&place) {
                return;
            }
            for (name, value) in object {
                if place != "events" {
                    found
                        .entry(place.to_owned())
                        .or_default()
                        .insert(name.clone());
                }
                let inside = if place == "events" { "count" } else { name };
                fields(inside, value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(place, item, found)),
        _ => {}
    }
}

/// A store with one row of everything.
fn store(now: Timestamp) -> Store {
    let source = SourceName::new("prod");
    let offers = Offers {
        slos: true,
        releases: true,
        incidents: true,
        ..Offers::default()
    };
    let seconds = SignedDuration::from_secs;
    let feed = Feed::new(
        source.clone(),
        "prometheus",
        offers,
        seconds(15),
        seconds(300),
    );
    let mut store = Store::new(vec![feed]);
    store.absorb(Report {
        source: source.clone(),
        at: now,
        latency: SignedDuration::from_millis(12),
        next_try: None,
        outcome: Ok(Facts {
            slos: Some(vec![slo(source, now)]),
            releases: Some(vec![release(now)]),
            incidents: Some(vec![incident()]),
            on_call: Some(vec![shift()]),
            ..Facts::default()
        }),
    });
    store
}

fn shift() -> OnCall {
    OnCall {
        schedule: "shop primary".into(),
        who: "mara".into(),
        services: vec!["checkout".into()],
        ..OnCall::default()
    }
}

fn slo(source: SourceName, at: Timestamp) -> Observation {
    let period = Period::Rolling(Window::days(30));
    let slo = Slo::new(
        "checkout",
        "availability",
        source,
        0.999,
        period,
        Origin::Config,
    );
    let sample = Sample {
        reading: Reading::Ratio(0.0221),
        events: Some(Events {
            bad: 66.3,
            total: 3_000.0,
        }),
        at,
    };
    Observation {
        windows: slo
            .windows()
            .into_iter()
            .map(|window| (window, sample))
            .collect(),
        period: Some(sample),
        courses: Arc::from([course(at)]),
        ..Observation::unknown(Arc::new(slo), at)
    }
}

/// Six hours, the last 20 minutes of which burn.
fn course(at: Timestamp) -> Course {
    let minute = SignedDuration::from_mins(1);
    let slice = |ago: i32| Slice {
        at: at - minute * ago,
        bad: if ago < 20 { 22.0 } else { 0.2 },
        total: 1_000.0,
    };
    Course {
        slices: (0..=360).rev().map(slice).collect(),
        from: at - minute * 360,
        step: minute,
        width: minute,
        counted: true,
    }
}

fn release(now: Timestamp) -> Release {
    Release {
        id: "991".into(),
        service: "checkout".into(),
        version: "v2.31.0".into(),
        environment: "production".into(),
        status: ReleaseStatus::Succeeded,
        started_at: None,
        finished_at: Some(now - SignedDuration::from_mins(24)),
        actor: None,
        commit: None,
        url: None,
        details: Vec::new(),
    }
}

fn incident() -> Incident {
    Incident {
        service: "checkout".into(),
        alerts: 2,
        ..Incident::new(
            "7",
            "checkout burns its budget",
            Severity::Page,
            IncidentStatus::Triggered,
        )
    }
}
