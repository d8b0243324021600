//! README and docs: their statements are checked against the program.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use watchfire::app::action::markdown_table;
use watchfire::config::{Environment, load_text};
use watchfire::source::known_kinds;
use watchfire::watch::Watch;

#[path = "reference/schema.rs"]
mod schema;

mod docs {
    pub(crate) mod code_map;
    pub(crate) mod links;
    mod program;
    mod promises;
    mod status;
    pub(crate) mod words;
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
fn the_pages_are_in_plain_sentences() {
    let mut found = Vec::new();
    for page in pages() {
        let phrases = docs::words::avoided(&page.text).into_iter();
        found.extend(phrases.map(|phrase| format!("{}: {phrase}", page.path.display())));
    }
    let example = page("config.example.toml");
    let comments = example.lines().filter_map(|line| line.strip_prefix("# "));
    found.extend(docs::words::avoided(
        &comments.collect::<Vec<_>>().join("\n"),
    ));
    assert!(found.is_empty(), "{}", found.join("\n"));
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
