//! SLOs of other tools: what they come to, as text and in place, and what is refused in which words.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use watchfire::config::{Environment, Import, Loaded, Part, Sli, SloSettings, import, load_text};
use watchfire::dialect::{File, write};
use watchfire::domain::Window;
use watchfire::source::known_kinds;

#[path = "import/files.rs"]
mod files;

const SOURCE: &str = "[[source]]\nname = 'prod'\nkind = 'prometheus'\nurl = 'http://p.example'\n";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/import")
}

/// All documents below the folder of fixtures, as paths that begin there.
fn documents() -> Vec<String> {
    let mut found = Vec::new();
    for kind in ["openslo", "sloth", "pyrra", "own", "refused"] {
        for entry in fs::read_dir(folder().join(kind)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let is_document = [".yaml", ".yml", ".json"]
                .iter()
                .any(|end| name.ends_with(end));
            if is_document {
                found.push(format!("{kind}/{name}"));
            }
        }
    }
    found.sort();
    assert!(found.len() > 30);
    found
}

fn program(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchfire"));
    command.current_dir(folder()).env_clear().args(arguments);
    command.stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn configuration(text: &str) -> Result<Loaded, String> {
    let environment = Environment::default();
    let loaded = load_text("config.toml", text.to_owned(), &environment, &known_kinds());
    loaded.map_err(|error| error.to_string())
}

/// The SLOs of a configuration, as text: they hold time zones, which have no equality.
fn slos(loaded: &Loaded) -> String {
    format!("{:#?}", loaded.settings.slos)
}

fn imported(text: &str) -> Import {
    let file = File {
        name: "x.yaml".to_owned(),
        text: text.to_owned(),
    };
    import(vec![file], &known_kinds())
}

fn tables(import: &Import) -> String {
    let tables = import.slos.iter();
    tables
        .map(|slo| write::slo(&slo.table, std::slice::from_ref(&slo.origin)))
        .collect()
}

#[test]
fn every_document_comes_to_what_is_written_beside_it() {
    let update = std::env::var_os("UPDATE").is_some();
    for name in documents() {
        let output = program(&["import", &name]);
        let (tables, said) = (text(&output.stdout), text(&output.stderr));
        let refused = said.lines().any(|line| {
            line.starts_with("watchfire: ") && !line.starts_with("watchfire: warning: ")
        });
        let is_whole = output.status.code() == Some(0);
        assert!(
            is_whole != refused || said.ends_with("there is no SLO in these files\n"),
            "{name}: {said}"
        );
        assert!(is_whole || output.status.code() == Some(3), "{name}");
        for (end, real) in [("toml", &tables), ("txt", &said)] {
            let path = folder().join(format!("{name}.{end}"));
            if update {
                let _ = fs::remove_file(&path);
                if !real.is_empty() {
                    fs::write(&path, real).unwrap();
                }
            }
            let expected = fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(*real, expected, "{name}.{end}; UPDATE=1 rewrites it");
        }
        for text in [&tables, &said] {
            let odd = |c: char| c != '\n' && (c.is_control() || "\u{202e}\u{200b}".contains(c));
            assert!(!text.contains(odd), "{name} steers the terminal: {text:?}");
        }
    }
}

#[test]
fn documents_mean_the_same_imported_and_in_place() {
    let mut alike = 0;
    for name in documents() {
        let path = folder().join(&name);
        let output = program(&["import", &name]);
        let direct = configuration(&format!(
            "{SOURCE}[[slo_files]]\npath = '{}'\n",
            path.display()
        ));
        let printed = format!("{SOURCE}{}", text(&output.stdout));
        let printed = configuration(&printed).unwrap_or_else(|error| panic!("{name}: {error}"));
        if output.status.success() {
            let direct = direct.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(slos(&direct), slos(&printed), "{name}");
            alike += direct.settings.slos.len();
        } else {
            let refused = direct.unwrap_err();
            let place = refused.split(':').next().unwrap();
            assert!(place.ends_with(&name), "{name}: {refused}");
        }
    }
    assert!(alike > 30, "{alike}");
}

/// The queries of an SLI.
fn queries(sli: &Sli) -> Vec<String> {
    match sli {
        Sli::Events {
            part: Part::Bad(part) | Part::Good(part),
            total,
        } => vec![part.clone(), total.clone()],
        Sli::Latency { histogram, .. } => vec![histogram.clone()],
        Sli::Gauge(query) | Sli::Ratio { query, .. } => vec![query.clone()],
        Sli::Slices { of, .. } => queries(of),
        Sli::Weighted(parts) => parts.iter().flat_map(|(_, sli)| queries(sli)).collect(),
    }
}

#[test]
fn every_imported_query_is_promql() {
    let mut count = 0;
    for name in documents() {
        let file = fs::read_to_string(folder().join(&name)).unwrap();
        let printed = format!("{SOURCE}{}", tables(&imported(&file)));
        for slo in configuration(&printed).unwrap().settings.slos {
            for query in queries(&slo.sli) {
                let query = query.replace("$window", "5m");
                assert!(!query.contains("{{"), "{name}: {query}");
                let parsed = promql_parser::parser::parse(&query);
                assert!(parsed.is_ok(), "{name}: {query}: {parsed:?}");
                count += 1;
            }
        }
    }
    assert!(count > 60, "{count}");
}

fn one(text: &str) -> SloSettings {
    let import = imported(text);
    assert!(import.refusals.is_empty(), "{:?}", import.refusals);
    let printed = format!("{SOURCE}{}", tables(&import));
    let mut slos = configuration(&printed).unwrap().settings.slos;
    assert_eq!(slos.len(), 1);
    slos.remove(0)
}

#[test]
fn rates_that_are_only_summed_become_selectors_and_others_stay_as_they_are() {
    let sloth = |errors: &str, total: &str| {
        let sli = one(&format!(
            "version: prometheus/v1\nservice: s\nslos:\n- name: n\n  objective: 99\n  sli:\n    events:\n      error_query: '{errors}'\n      total_query: '{total}'\n"
        ))
        .sli;
        queries(&sli)
    };
    let total = "sum(rate(all_total[{{.window}}]))";
    let same = ["bad_total{a=\"[5m]\"}", "all_total"];
    assert_eq!(
        sloth(
            "( sum( rate ( bad_total{a=\"[5m]\"}[{{.window}}] ) ) )",
            total
        ),
        same
    );
    for (errors, total) in [
        ("sum(rate(bad_total[{{.window}}])) * 2", total),
        ("sum(rate(bad_total[{{.window}}] offset 5m))", total),
        ("max(rate(bad_total[{{.window}}]))", total),
        (
            "sum(rate(other_total[{{.window}}])) - sum(rate(good_total[{{.window}}]))",
            total,
        ),
    ] {
        let asked = sloth(errors, total);
        let kept = [errors, total].map(|query| query.replace("{{.window}}", "$window"));
        assert_eq!(asked, kept);
    }
}

#[test]
fn sides_that_group_alike_become_selectors_and_by() {
    let sloth = |errors: &str, total: &str| {
        imported(&format!(
            "version: prometheus/v1\nservice: s\nslos:\n- name: n\n  objective: 99\n  sli:\n    events:\n      error_query: '{errors}'\n      total_query: '{total}'\n"
        ))
    };
    for (errors, total, by) in [
        (
            "sum by (host) (rate(bad_total[{{.window}}]))",
            "sum(rate(all_total[{{.window}}])) by (host)",
            &["host"][..],
        ),
        (
            "sum by (path, host) (increase(bad_total[{{.window}}]))",
            "sum by (host, path) (increase(all_total[{{ .window }}]))",
            &["host", "path"],
        ),
        (
            "sum by () (rate(bad_total[{{.window}}]))",
            "sum(rate(all_total[{{.window}}]))",
            &[],
        ),
    ] {
        let import = sloth(errors, total);
        assert!(import.refusals.is_empty(), "{:?}", import.refusals);
        let printed = format!("{SOURCE}{}", tables(&import));
        let slo = configuration(&printed).unwrap().settings.slos.remove(0);
        assert_eq!(queries(&slo.sli), ["bad_total", "all_total"], "{errors}");
        assert_eq!(slo.by, by, "{errors}");
    }
    // One side alone, or each by other labels: no series of one has a partner on the other.
    for (errors, total) in [
        (
            "sum by (host) (rate(bad_total[{{.window}}]))",
            "sum(rate(all_total[{{.window}}]))",
        ),
        (
            "sum(rate(bad_total[{{.window}}]))",
            "sum by (host) (rate(all_total[{{.window}}]))",
        ),
        (
            "sum by (host) (rate(bad_total[{{.window}}]))",
            "sum by (path) (rate(all_total[{{.window}}]))",
        ),
    ] {
        let import = sloth(errors, total);
        let said = import
            .refusals
            .first()
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(
            said.contains("`by = [") && said.contains("host"),
            "{errors}: {said}"
        );
    }
}

#[test]
fn a_query_that_looks_like_a_template_and_is_none_stays_as_it_is() {
    let slo = one(
        "version: prometheus/v1\nservice: s\nslos:\n- name: n\n  objective: 99\n  sli:\n    raw:\n      error_ratio_query: avg_over_time((max(x{code=~\"5..$|a{2}$\",path=\"/$metadata\"}))[{{ .window }}:1m])\n",
    );
    let query = "avg_over_time((max(x{code=~\"5..$|a{2}$\",path=\"/$metadata\"}))[$window:1m])";
    assert_eq!(queries(&slo.sli), [query]);
}

#[test]
fn what_is_good_less_than_all_is_good() {
    let slo = one(
        "version: prometheus/v1\nservice: s\nslos:\n- name: n\n  objective: 99\n  sli:\n    events:\n      error_query: sum(rate(a_count[{{.window}}])) - sum(rate(a_bucket{le=\"1.0\"}[{{.window}}]))\n      total_query: sum(rate(a_count[{{.window}}]))\n",
    );
    let good = Sli::Events {
        part: Part::Good("a_bucket{le=\"1.0\"}".to_owned()),
        total: "a_count".to_owned(),
    };
    assert_eq!(slo.sli, good);
}

#[test]
fn pyrras_windows_are_scaled_and_rounded_as_pyrra_does() {
    for (window, want) in [
        ("28d", ["1h 5m", "6h 30m", "1d 2h", "4d 6h"]),
        ("7d", ["15m 1m", "1h30m 8m", "6h 30m", "1d 1h30m"]),
        (
            "30d",
            ["1h4m 5m", "6h26m 32m", "1d1h43m 2h9m", "4d6h51m 6h26m"],
        ),
    ] {
        let slo = one(&format!(
            "apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\nmetadata: {{ name: n }}\nspec:\n  target: '99'\n  window: {window}\n  indicator: {{ bool_gauge: {{ metric: up }} }}\n"
        ));
        let rules = slo.rules.iter();
        let rules = rules.map(|rule| format!("{} {}", rule.long, rule.short));
        assert_eq!(rules.collect::<Vec<_>>(), want, "{window}");
    }
}

#[test]
fn more_than_a_file_may_hold_is_refused_with_the_limit() {
    let many = "--- {kind: x}\n".repeat(10_001);
    let deep = format!("a: {}1{}\n", "[".repeat(65), "]".repeat(65));
    let large = format!("a: [{}1]\n", "1,".repeat(200_000));
    for (text, want) in [
        (many, "the file holds more than 10000 documents: split it"),
        (deep, "this is nested deeper than 64 levels: flatten it"),
        (large, "the file has more than 200000 values: split it"),
    ] {
        let import = imported(&text);
        assert_eq!(import.refusals.len(), 1);
        let said = import.refusals[0].to_string();
        assert!(
            said.contains(want),
            "{want}: {}",
            &said[..200.min(said.len())]
        );
    }
}

#[test]
fn an_slo_that_alerts_nobody_is_still_watched() {
    let output = program(&["import", "sloth/no-alerts.yml"]);
    let loaded = configuration(&format!("{SOURCE}{}", text(&output.stdout))).unwrap();
    let slo = &loaded.settings.slos[0];
    assert!(slo.rules.is_empty());
    let slo = watchfire::domain::Slo {
        rules: [].into(),
        ..watchfire::domain::Slo::new(
            "a",
            "b",
            slo.source.clone(),
            slo.objective,
            slo.period,
            watchfire::domain::Origin::Config,
        )
    };
    assert_eq!(slo.windows(), [Window::minutes(5), Window::hours(1)]);
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(128))]
    #[test]
    fn no_damage_to_a_document_breaks_the_reader_or_what_is_printed(
        which in 0..1_000_usize,
        at in 0..20_000_usize,
        with in proptest::prelude::prop_oneof!["[ -~\\n]{0,3}", "\\PC{1,2}"],
        cut in 0..4_usize,
    ) {
        let names = documents();
        let mut file = fs::read_to_string(folder().join(&names[which % names.len()])).unwrap();
        let start = file.floor_char_boundary(at % file.len());
        let end = file.floor_char_boundary((start + cut).min(file.len())).max(start);
        file.replace_range(start..end, &with);
        let import = imported(&file);
        let printed = tables(&import);
        for mistake in import.refusals.iter().chain(&import.warnings) {
            let said = mistake.to_string();
            proptest::prop_assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{said:?}");
        }
        let loaded = configuration(&format!("{SOURCE}{printed}"));
        let loaded = loaded.map_err(|error| proptest::test_runner::TestCaseError::fail(format!("{error}\n{printed}")))?;
        proptest::prop_assert_eq!(loaded.settings.slos.len(), import.slos.len());
    }
}
