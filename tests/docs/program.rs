//! Keys, marks, kinds, words, commands and exit statuses of the pages against those of the program.

use std::collections::BTreeSet;

use clap::CommandFactory;
use watchfire::app::action::Action;
use watchfire::cli::Cli;
use watchfire::config::ThemeChoice;
use watchfire::domain::slo::Verdict;
use watchfire::domain::{Freshness, ReleaseStatus, Severity, State};
use watchfire::pane::{Mark, cell};
use watchfire::source::KINDS;
use watchfire::ui::theme::Theme;

use crate::{has_row, manual, page};

/// The keys of the README, each with its action and the words for it.
const SHORT_KEYS: &[(&str, Action, &str)] = &[
    ("j", Action::Down, "down"),
    ("k", Action::Up, "up"),
    ("g", Action::Top, "to the top"),
    ("G", Action::Bottom, "to the bottom"),
    ("tab", Action::NextPane, "next pane"),
    ("1", Action::Slos, "SLOs"),
    ("2", Action::Releases, "changes"),
    ("3", Action::Incidents, "incidents"),
    ("4", Action::Sources, "sources"),
    ("6", Action::Services, "services"),
    ("7", Action::Delivery, "delivery"),
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
    ("y", Action::CopyId, "copy a summary"),
    ("a", Action::Acknowledge, "acknowledge"),
    ("s", Action::Silence, "silence"),
    ("n", Action::Note, "note"),
    (":", Action::Palette, "go to anything"),
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
