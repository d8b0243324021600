//! README and docs: their statements are checked against the program.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::CommandFactory;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use watchfire::app::action::{Action, markdown_table};
use watchfire::cli::Cli;
use watchfire::config::{Environment, ThemeChoice, load_text};
use watchfire::domain::slo::{Course, Slice, Verdict};
use watchfire::domain::{
    Events, Facts, Freshness, Incident, IncidentStatus, Observation, OnCall, Origin, Period,
    Reading, Release, ReleaseStatus, Report, Sample, Severity, Slo, SourceName, State, Window,
};
use watchfire::pane::{Mark, cell};
use watchfire::print;
use watchfire::print::status::{Scope, Status};
use watchfire::source::{KINDS, known_kinds};
use watchfire::store::{Feed, Offers, Store};
use watchfire::ui::theme::Theme;
use watchfire::watch::Watch;

#[path = "reference/schema.rs"]
mod schema;

mod docs {
    pub(crate) mod code_map;
    pub(crate) mod links;
}

use docs::links::{Page, links};

/// The largest README, in bytes; further text belongs in `docs/`.
const MAX_README: usize = 12_000;
/// The most terms in the glossary: what the field defines is linked, not defined again.
const MAX_TERMS: usize = 30;

/// The folder of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of one page, by its path in the repository.
fn page(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// README, CONTRIBUTING and every page below `docs/`, in order of their paths.
pub(crate) fn pages() -> Vec<Page> {
    let mut paths = vec![PathBuf::from("CONTRIBUTING.md"), PathBuf::from("README.md")];
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    let read = |path: PathBuf| Page {
        text: fs::read_to_string(root().join(&path)).unwrap(),
        path,
    };
    paths.into_iter().map(read).collect()
}

/// The pages for users: all but CONTRIBUTING, in one text.
fn manual() -> String {
    let pages = pages().into_iter();
    let pages = pages.filter(|page| page.path != Path::new("CONTRIBUTING.md"));
    pages.map(|page| page.text).collect::<Vec<_>>().join("\n")
}

/// The code blocks of a text in a language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let start = format!("```{language}\n");
    let rest = text.split(&start).skip(1);
    rest.map(|rest| rest.split_once("\n```").unwrap().0)
        .collect()
}

/// Whether a table of the text has a row that begins with these cells.
fn has_row(text: &str, cells: &[&str]) -> bool {
    let begin = format!("| {} |", cells.join(" | "));
    text.lines().any(|line| line.starts_with(&begin))
}

#[test]
fn the_readme_is_short() {
    let bytes = page("README.md").len();
    assert!(bytes < MAX_README, "{bytes} bytes");
}

#[test]
fn the_key_table_is_the_one_of_the_program() {
    let path = "docs/reference/keys.md";
    let text = page(path);
    let (before, rest) = text.split_once("<!-- keys:").unwrap();
    let (comment, rest) = rest.split_once("-->\n").unwrap();
    let (_, after) = rest.split_once("<!-- /keys -->").unwrap();
    let table = markdown_table();
    let wanted = format!("{before}<!-- keys:{comment}-->\n\n{table}\n<!-- /keys -->{after}");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(root().join(path), &wanted).unwrap();
    } else {
        assert!(wanted == text, "UPDATE=1 rewrites the table of keys");
    }
}

/// The keys of the README, each with its action and the words for it.
const SHORT_KEYS: &[(&str, Action, &str)] = &[
    ("j", Action::Down, "down"),
    ("k", Action::Up, "up"),
    ("g", Action::Top, "to the top"),
    ("G", Action::Bottom, "to the bottom"),
    ("tab", Action::NextPane, "next pane"),
    ("1", Action::Slos, "SLOs"),
    ("2", Action::Releases, "releases"),
    ("3", Action::Incidents, "incidents"),
    ("4", Action::Sources, "sources"),
    ("enter", Action::Open, "open the selected row"),
    ("esc", Action::Back, "go back"),
    ("/", Action::Filter, "filter"),
    ("d", Action::Suspect, "suspect release"),
    ("x", Action::Explain, "explain every number"),
    ("t", Action::Timeline, "timeline"),
    ("[", Action::Earlier, "a minute back"),
    ("]", Action::Later, "a minute forward"),
    ("0", Action::Live, "live"),
    ("o", Action::Link, "open the link"),
    ("b", Action::Runbook, "open the runbook"),
    ("y", Action::CopyId, "copy the ID"),
    ("a", Action::Acknowledge, "acknowledge"),
    ("s", Action::Silence, "silence"),
    ("n", Action::Note, "note"),
    (":", Action::Palette, "command palette"),
    ("?", Action::Help, "help"),
    ("q", Action::Quit, "quit from the top"),
];

#[test]
fn each_key_of_the_readme_does_what_its_row_says() {
    let readme = page("README.md");
    let (_, rest) = readme.split_once("\n## Keys\n").unwrap();
    let rows = rest.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.take_while(|line| !line.contains("watchfire"));
    let mut expected = SHORT_KEYS.iter();
    for row in rows {
        let (keys, words) = row[2..].split_once(" | ").unwrap();
        for key in keys.split_whitespace() {
            let key = key.trim_matches('`');
            let (name, action, meaning) = expected.next().unwrap();
            assert_eq!(key, *name);
            assert!(action.default_keys().contains(&key), "{key}");
            assert!(words.contains(meaning), "{key}: {words}");
        }
    }
    assert_eq!(expected.next(), None, "not in the README");
}

#[test]
fn marks_and_words_are_those_of_the_screen() {
    let (readme, screen) = (page("README.md"), page("docs/guide/screen.md"));
    let theme = |is_ascii| Theme::new(ThemeChoice::Auto, false, is_ascii);
    let marked = |mark: Mark, word: &str| {
        [
            format!("`{} {word}`", theme(false).mark(mark)),
            format!("`{}`", theme(true).mark(mark)),
        ]
    };
    for state in [
        State::Page,
        State::Ticket,
        State::Ok,
        State::NoData,
        State::Unknown,
    ] {
        let [shown, ascii] = marked(Mark::of_state(state).0, cell::state_word(state));
        assert!(has_row(&readme, &[&shown]), "{shown}");
        assert!(has_row(&screen, &[&shown, &ascii]), "{shown} {ascii}");
    }
    for status in [
        ReleaseStatus::Pending,
        ReleaseStatus::Running,
        ReleaseStatus::Succeeded,
        ReleaseStatus::Failed,
        ReleaseStatus::RolledBack,
        ReleaseStatus::Unknown,
    ] {
        let [shown, ascii] = marked(Mark::of_release(status).0, cell::release_word(status));
        assert!(has_row(&screen, &[&shown, &ascii]), "{shown} {ascii}");
    }
    for freshness in [
        Freshness::Live,
        Freshness::Late,
        Freshness::Stale,
        Freshness::Down,
    ] {
        let rows = screen.lines().filter_map(|line| line.strip_prefix("| `"));
        let mut words = rows.filter_map(|row| row.split(['`', ' ']).next());
        let is_it = |word: &str| word.eq_ignore_ascii_case(freshness.word());
        assert!(words.any(is_it), "{}", freshness.word());
    }
}

#[test]
fn every_kind_of_source_is_in_the_table_with_its_interval() {
    let sources = page("docs/guide/sources.md");
    for kind in KINDS {
        let interval = format!("{}s", kind.interval.as_secs());
        let row = [format!("`{}`", kind.name), interval];
        let row: Vec<_> = row.iter().map(String::as_str).collect();
        assert!(has_row(&sources, &row), "{row:?}");
    }
}

#[test]
fn the_words_of_severities_are_those_of_the_program() {
    let sources = page("docs/guide/sources.md");
    let mut count = 0;
    for severity in [Severity::Page, Severity::Ticket, Severity::Info] {
        let begin = format!("| {} | ", severity.word());
        let row = sources.lines().find_map(|line| line.strip_prefix(&begin));
        for word in row.unwrap().trim_end_matches(" |").split_whitespace() {
            let word = word.trim_matches('`');
            assert_eq!(Severity::from_word(word), Some(severity), "{word}");
            count += 1;
        }
    }
    assert_eq!(count, 35);
}

#[test]
fn every_command_and_flag_is_documented_and_no_other_is() {
    let manual = manual();
    let others = [
        "--release",
        "--path",
        "--test",
        "--open",
        "--bench",
        "--no-default-features",
        // An option of Prometheus.
        "--storage",
    ]
    .map(str::to_owned);
    let mut flags: BTreeSet<String> = others.into();
    let mut cli = Cli::command();
    cli.build();
    let mut commands = vec![(String::new(), &cli)];
    while let Some((path, command)) = commands.pop() {
        if !path.is_empty() && path != " help" {
            let shown = [format!("watchfire{path}"), format!("--{path}")];
            assert!(shown.iter().any(|shown| manual.contains(shown)), "{path}");
        }
        let arguments = command.get_arguments().filter_map(|flag| flag.get_long());
        flags.extend(arguments.map(|flag| format!("--{flag}")));
        if command.get_name() == "help" {
            continue;
        }
        let inside = command.get_subcommands();
        let inside = inside.filter(|inner| path.is_empty() || inner.get_name() != "help");
        commands.extend(inside.map(|inner| (format!("{path} {}", inner.get_name()), inner)));
    }
    let is_flag = |c: char| c.is_ascii_lowercase() || c == '-';
    let shown: BTreeSet<_> = manual
        .split(|c| !is_flag(c))
        .filter(|word| word.starts_with("--") && word.len() > 2 && !word.ends_with('-'))
        .map(str::to_owned)
        .collect();
    let usual: BTreeSet<_> = ["--help", "--version"].map(str::to_owned).into();
    let missing: BTreeSet<_> = flags.difference(&shown).cloned().collect();
    let missing: Vec<_> = missing.difference(&usual).collect();
    let unknown: Vec<_> = shown.difference(&flags).collect();
    assert_eq!(missing, Vec::<&String>::new(), "not documented");
    assert_eq!(unknown, Vec::<&String>::new(), "documented, but not there");
}

#[test]
fn the_exit_statuses_are_those_of_the_verdicts() {
    let scripts = page("docs/guide/scripts.md");
    for verdict in [
        Verdict::Ok,
        Verdict::Ticket,
        Verdict::Page,
        Verdict::Unknown,
    ] {
        let status = verdict.exit_status().to_string();
        let word = format!("`{}`", verdict.word());
        assert!(has_row(&scripts, &[&status, &word]), "{status} {word}");
    }
    assert_eq!(watchfire::command::UNKNOWN, Verdict::Unknown.exit_status());
}

/// A source for examples that have none.
const A_SOURCE: &str =
    "\n[[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"https://prometheus.example\"\n";

#[test]
fn every_configuration_that_is_shown_is_accepted() {
    let environment = Environment::default();
    let mut sources = BTreeMap::new();
    for page in pages() {
        for block in blocks(&page.text, "toml") {
            let path = page.path.display().to_string();
            let mut text = block.to_owned();
            if !text.contains("[[source]]") {
                text.push_str(A_SOURCE);
            }
            let loaded = load_text(&path, text, &environment, &known_kinds());
            let loaded = loaded.unwrap_or_else(|error| panic!("{path}: {error}\n{block}"));
            let watch = Watch::over(&loaded.settings);
            let watch = watch.map_err(|problems| loaded.report_all(&problems));
            let count = watch.map(|watch| watch.sources.len()).unwrap();
            *sources.entry(path).or_insert(0) += count;
        }
    }
    assert_eq!(sources["README.md"], 3);
    assert!(sources.len() > 4, "{sources:?}");
}

#[test]
fn the_mistake_that_is_shown_is_refused_in_these_words() {
    let guide = page("docs/guide/getting-started.md");
    let shown = blocks(&guide, "text")[0];
    let text =
        "[[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"ftp://prometheus.example\"\n";
    let environment = Environment::default();
    let loaded = load_text("config.toml", text.into(), &environment, &known_kinds()).unwrap();
    let problems = Watch::over(&loaded.settings).map(|_| ()).unwrap_err();
    let said = format!("watchfire: {}", loaded.report_all(&problems));
    assert_eq!(shown.trim_end(), said.trim_end());
}

#[test]
fn the_hand_over_that_is_shown_is_an_excerpt_of_the_scripted_one() {
    let whole = include_str!("snapshots/shift__shift.snap");
    let whole: BTreeSet<_> = whole.lines().collect();
    let guide = page("docs/guide/past-and-handover.md");
    let shown = blocks(&guide, "markdown")[0];
    assert!(shown.lines().count() > 10);
    for line in shown.lines() {
        assert!(whole.contains(line), "{line}");
    }
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let pages = pages();
    let mut broken = Vec::new();
    let mut count = 0;
    for page in &pages {
        for link in links(&page.text) {
            count += 1;
            if let Err(reason) = page.check(&link, root(), &pages) {
                broken.push(format!("{}: {link}: {reason}", page.path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(count > 100, "{count}");
}

#[test]
fn every_page_is_reachable_from_the_readme() {
    let pages = pages();
    let mut reached: BTreeSet<PathBuf> = BTreeSet::new();
    let mut next = vec![PathBuf::from("README.md")];
    while let Some(path) = next.pop() {
        let Some(page) = pages.iter().find(|page| page.path == path) else {
            continue;
        };
        if reached.insert(path) {
            next.extend(
                links(&page.text)
                    .iter()
                    .filter_map(|link| page.target(link)),
            );
        }
    }
    let lost: Vec<_> = pages
        .iter()
        .filter(|page| !reached.contains(&page.path))
        .map(|page| &page.path)
        .collect();
    assert_eq!(lost, Vec::<&PathBuf>::new());
}

#[test]
fn the_glossary_is_short_and_in_order() {
    let glossary = page("docs/glossary.md");
    let terms = glossary
        .lines()
        .filter_map(|line| line.strip_prefix("| **"));
    let terms: Vec<_> = terms
        .map(|row| row.split_once("** |").unwrap().0.to_lowercase())
        .collect();
    assert!((10..=MAX_TERMS).contains(&terms.len()), "{}", terms.len());
    assert!(terms.is_sorted(), "{terms:?}");
}

#[test]
fn every_decision_has_context_decision_and_consequences() {
    let index = page("docs/decisions/README.md");
    let all = pages();
    let decisions = all.iter().filter(|page| {
        page.path.starts_with("docs/decisions") && !page.path.ends_with("README.md")
    });
    let mut count = 0;
    for page in decisions {
        count += 1;
        let name = page.path.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with(&format!("{count:03}-")), "{name}");
        let headings = page.text.lines().filter(|line| line.starts_with('#'));
        let headings: Vec<_> = headings.collect();
        assert_eq!(headings.len(), 4, "{name}");
        let title = headings[0].strip_prefix("# ").unwrap();
        assert!(title.starts_with(&format!("{count}. ")), "{name}: {title}");
        let wanted = ["## Context", "## Decision", "## Consequences"];
        assert_eq!(headings[1..], wanted, "{name}");
        let (_, title) = title.split_once(". ").unwrap();
        assert!(
            index.contains(&format!("[{title}]({name})")),
            "{name}: {title}"
        );
    }
    assert!(count >= 30, "{count}");
}

#[test]
fn the_code_map_has_every_module_and_its_invariant() {
    docs::code_map::check(&root().join("src/lib.rs"));
}

#[test]
fn every_path_of_the_code_that_is_named_exists() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let modules = lib
        .lines()
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod "));
    let modules: BTreeSet<_> = modules.map(|name| name.trim_end_matches(';')).collect();
    let mut texts: Vec<_> = pages()
        .into_iter()
        .map(|page| (page.path, page.text))
        .collect();
    texts.push((PathBuf::from("src/lib.rs"), lib.clone()));
    let (mut missing, mut count) = (Vec::new(), 0);
    for (page, text) in &texts {
        for span in text.split('`').skip(1).step_by(2) {
            let is_path =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "/._-".contains(c);
            let Some((first, _)) = span.split_once('/').filter(|_| span.chars().all(is_path))
            else {
                continue;
            };
            let places = match first {
                "src" | "tests" | "docs" | "assets" | "benches" => vec![span.to_owned()],
                _ if modules.contains(first) => {
                    vec![format!("src/{span}.rs"), format!("src/{span}")]
                }
                _ => continue,
            };
            count += 1;
            if !places.iter().any(|place| root().join(place).exists()) {
                missing.push(format!("{}: {span}", page.display()));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
    assert!(count > 50, "{count}");
}

#[test]
fn every_json_schema_is_in_the_reference() {
    let reference = page("docs/reference/json.md");
    let mut schemas = BTreeSet::new();
    let mut folders = vec![root().join("src/print"), root().join("src/command")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(path).unwrap();
                let names = text.split("\"watchfire/").skip(1);
                let names = names.filter_map(|rest| rest.split_once('"'));
                schemas.extend(names.map(|(name, _)| format!("`watchfire/{name}`")));
            }
        }
    }
    assert!(schemas.len() > 5, "{schemas:?}");
    for schema in schemas {
        assert!(reference.contains(&schema), "{schema}");
    }
}

#[test]
fn the_json_that_is_shown_has_the_fields_of_a_real_status() {
    let reference = page("docs/reference/json.md");
    let shown: Value = serde_json::from_str(blocks(&reference, "json")[0]).unwrap();
    let now = Timestamp::from_second(1_795_356_000).unwrap();
    let store = store(now);
    let mut real = Vec::new();
    print::json(&mut real, &Status::of(&store, Scope::default(), None, now)).unwrap();
    let real: Value = serde_json::from_slice(&real).unwrap();
    assert_eq!(schema::faults("status", &real), [""; 0]);
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
