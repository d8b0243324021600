//! The direction of imports and the homes of heavy crates, so that neither rots quietly.
//!
//! The table is that of the crate docs: who may import whom inside this crate.

#![expect(clippy::expect_used, reason = "a test may panic")]

mod architecture {
    pub(crate) mod circles;
}

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A module, what it may import of ours, and whether it may read the clock.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("domain", &["text"]),
    ("insight", &["domain", "text"]),
    ("store", &["domain", "insight", "text"]),
    ("dialect", &["domain", "text"]),
    ("config", &["dialect", "domain", "text"]),
    ("http", &["config", "domain", "log", "text"]),
    ("state", &["domain"]),
    ("log", &["domain", "state", "text"]),
    (
        "source",
        &[
            "config", "domain", "http", "reexec", "state", "store", "text",
        ],
    ),
    ("reexec", &[]),
    ("audit", &["config", "domain", "insight", "state", "text"]),
    ("act", &["audit", "config", "domain", "text"]),
    (
        "journal",
        &[
            "config", "domain", "http", "insight", "state", "store", "text",
        ],
    ),
    (
        "poll",
        &["act", "config", "domain", "log", "source", "text"],
    ),
    ("watch", &["config", "domain", "source", "store"]),
    ("pane", &["config", "domain", "insight", "store", "text"]),
    ("app", &["config", "domain", "pane", "store", "text"]),
    ("ui", &["app", "config", "pane", "text"]),
    ("print", &["domain", "insight", "store", "text"]),
    ("term", &["app", "reexec", "text"]),
];

/// Crates with one home, or few.
const HOMES: &[(&str, &[&str])] = &[
    ("reqwest", &["http"]),
    ("ratatui", &["ui", "term", "run"]),
    ("crossterm", &["term"]),
    (
        "tokio",
        &[
            "act", "poll", "run", "http", "config", "source", "command", "demo", "term",
        ],
    ),
    ("toml", &["config", "dialect", "source", "cli"]),
    ("axum", &["demo"]),
    ("jaq_core", &["source"]),
    ("kube", &["source"]),
    ("rusqlite", &["source", "state", "journal"]),
    ("promql_parser", &["source", "config", "dialect", "demo"]),
    ("serde_saphyr", &["dialect"]),
    ("glob", &["config", "domain"]),
    ("clap", &["cli", "command"]),
    ("indicatif", &["command"]),
];

/// Modules that are told the time and never ask for it.
const NO_CLOCK: &[&str] = &[
    "text", "domain", "insight", "store", "pane", "app", "ui", "print", "config", "dialect",
];

/// Source files by their top module; `main.rs` and `lib.rs` are nobody's.
fn sources() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|ending| ending != "rs") || path.ends_with("tests.rs") {
                continue;
            }
            let inside = path.strip_prefix(&root).expect("below src").to_owned();
            let first = inside.components().next().expect("a name").as_os_str();
            let module = first.to_string_lossy().trim_end_matches(".rs").to_owned();
            if module != "main" && module != "lib" {
                let text = fs::read_to_string(&path).expect("UTF-8");
                found.push((module, inside, text));
            }
        }
    }
    assert!(found.len() > 30, "the tree was not read");
    found
}

/// The code without its comments and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The top modules named after `crate::`, also inside `crate::{…}`.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let names = match rest.strip_prefix('{') {
            Some(group) => top_names(group),
            None => vec![rest],
        };
        for name in names {
            let end = name
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(name.len());
            found.insert(name[..end].to_owned());
        }
    }
    found
}

/// The entries of a group, not those of the groups inside it.
fn top_names(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut names) = (0_usize, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(group[start..at].trim());
                return names;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(group[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    names
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let mut wrong = Vec::new();
    for (module, path, text) in sources() {
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
            continue;
        };
        for import in imports(&code(&text)) {
            if import != module && !import.is_empty() && !allowed.contains(&import.as_str()) {
                wrong.push(format!(
                    "{}: {module} may not import {import}",
                    path.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The most files that may import one another.
const MAX_CIRCLE: usize = 4;

#[test]
fn few_files_import_one_another() {
    let files = sources().into_iter().map(|(_, path, text)| {
        let path = path.with_extension("");
        let names = path.iter().map(|name| name.to_string_lossy().into_owned());
        (names.collect::<Vec<_>>().join("::"), code(&text))
    });
    let files: BTreeMap<_, _> = files.collect();
    let circles = architecture::circles::circles(&architecture::circles::graph(&files));
    let large: Vec<_> = circles
        .iter()
        .filter(|circle| circle.len() > MAX_CIRCLE)
        .collect();
    assert!(large.is_empty(), "{large:#?}");
}

#[test]
fn heavy_crates_have_their_homes() {
    let mut wrong = Vec::new();
    for (module, path, text) in sources() {
        let code = code(&text);
        for (name, homes) in HOMES {
            if code.contains(&format!("{name}::")) && !homes.contains(&module.as_str()) {
                wrong.push(format!(
                    "{}: {name} is at home in {homes:?}",
                    path.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_core_is_told_the_time_and_never_asks() {
    for (module, path, text) in sources() {
        if NO_CLOCK.contains(&module.as_str()) {
            let code = code(&text);
            assert!(
                !code.contains("::now()"),
                "{} reads the clock",
                path.display()
            );
        }
    }
}

#[test]
fn every_file_opens_with_a_sentence() {
    for (_, path, text) in sources() {
        assert!(
            text.starts_with("//! "),
            "{} has no opening sentence",
            path.display()
        );
    }
}

#[test]
fn the_reader_of_imports_sees_into_groups() {
    let found =
        imports("use crate::{domain::{A, B}, http::Http,\n    text};\nlet x = crate::ui::X;");
    let found: Vec<_> = found.iter().map(String::as_str).collect();
    assert_eq!(found, ["domain", "http", "text", "ui"]);
}
