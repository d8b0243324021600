//! `[[slo_files]]`: SLOs that are kept in files of their own, in the forms of other tools.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use super::check::Context;
use super::content::{Content, content};
use super::load::{Environment, KnownKind};
use super::place::{Documents, Imported, Mistake};
use super::{Problem, Step, links, read, wire};
use crate::dialect::{self, Converted, File};
use crate::text::clipped;

/// The most files that all patterns together may match.
const MOST: usize = 2_000;

/// The most reasons that are told in one run.
const MOST_REFUSALS: usize = 200;

/// The SLOs of the files, as tables of `[[slo]]`.
#[derive(Default)]
pub(super) struct FileSlos {
    /// Their tables, with numbers that follow those of the `[[slo]]`.
    pub(super) tables: Vec<(usize, toml::Table)>,
    /// The texts they came from.
    pub(super) documents: Documents,
}

impl Context<'_> {
    /// Reads the files of all patterns. Their SLOs are numbered from `next` on.
    pub(super) fn slo_files(&mut self, list: Option<toml::Value>, next: usize) -> FileSlos {
        let mut files = Vec::new();
        let mut sources = Vec::new();
        let mut owners = BTreeMap::new();
        for (index, table) in self.tables("slo_files", list) {
            let path = [Step::Key("slo_files".to_owned()), Step::Index(index)];
            let wire = match read::section::<wire::SloFiles, _>(&path, table) {
                Ok(wire) => wire,
                Err(problem) => {
                    self.problems.push(problem);
                    continue;
                }
            };
            let refused = |message| Problem {
                path: path
                    .iter()
                    .cloned()
                    .chain([Step::Key("path".to_owned())])
                    .collect(),
                message,
            };
            let matched = self.matched(&wire.path).and_then(|matched| {
                if files.len() + matched.len() > MOST {
                    return Err(format!(
                        "this makes more than {MOST} files: narrow the pattern"
                    ));
                }
                Ok(matched)
            });
            let matched = match matched {
                Ok(matched) => matched,
                Err(message) => {
                    self.problems.push(refused(message));
                    continue;
                }
            };
            for path in matched {
                if let Some((first, name)) =
                    owners.insert(links::real(&path), (index, path.clone()))
                {
                    let message = already(first, &name, &path);
                    self.problems.push(refused(message));
                    continue;
                }
                match links::regular(&path).and_then(|()| text_of(&path)) {
                    Ok(text) => {
                        let name = path.display().to_string();
                        files.push(File { name, text });
                        sources.push(wire.source.clone());
                    }
                    Err(message) => self.problems.push(refused(message)),
                }
            }
        }
        converted(files, &sources, next)
    }

    /// The files that a pattern matches, in the order of their names, each once; one at least.
    fn matched(&self, pattern: &str) -> Result<Vec<PathBuf>, String> {
        let path = self.path(PathBuf::from(pattern));
        let Some(path) = path.to_str() else {
            return Err("this path is not UTF-8".to_owned());
        };
        // What stands before the pattern itself is a name, whatever characters it has.
        let inside = pattern.strip_prefix("~/").unwrap_or(pattern);
        let before = path.strip_suffix(inside).unwrap_or_default();
        let plain = format!("{}{inside}", glob::Pattern::escape(before));
        let paths = glob::glob(&plain)
            .map_err(|error| format!("`{}` is no pattern: {}", clipped(pattern), error.msg))?;
        let mut files = Vec::new();
        for path in paths {
            let path = path.map_err(|error| {
                format!(
                    "`{}` cannot be looked into: {}",
                    error.path().display(),
                    error.error()
                )
            })?;
            if !path.is_dir() {
                files.push(path);
            }
        }
        if files.is_empty() {
            return Err(format!(
                "`{}` matches no file: correct the path, which begins at this file; * stands for any name and ** for any folders",
                clipped(pattern)
            ));
        }
        Ok(links::distinct(&files))
    }
}

/// Why a file is not read once more.
fn already(first: usize, name: &Path, path: &Path) -> String {
    let link = if name == path {
        String::new()
    } else {
        format!(", which is the file that `{}` is", path.display())
    };
    format!(
        "slo_files[{first}] matches `{}` already{link}: a file can be read once",
        name.display()
    )
}

/// Documents as they would be loaded by `[[slo_files]]`.
#[derive(Debug)]
pub struct Import {
    /// The SLOs that would be loaded.
    pub slos: Vec<Converted>,
    /// What keeps others from it.
    pub refusals: Vec<Mistake>,
    /// What means something else here.
    pub warnings: Vec<Mistake>,
}

/// Converts and checks documents by themselves: nothing is said of who measures them.
pub fn import(files: Vec<File>, kinds: &[KnownKind]) -> Import {
    let conversion = dialect::convert(&files);
    let mut slos = conversion.slos;
    let mut documents = Documents {
        files,
        findings: conversion.findings,
        ..Documents::default()
    };
    let mut refusals = documents.refusals();
    let warnings = documents.warnings();
    // An SLO that is refused may be a part of others.
    loop {
        documents.imported = slos.iter().map(Imported::of).collect();
        let (problems, wrong) = checked(&slos, &documents, kinds);
        refusals.extend(
            problems
                .iter()
                .filter_map(|problem| documents.mistake(problem))
                .take(MOST_REFUSALS.saturating_sub(refusals.len())),
        );
        if wrong.is_empty() {
            break;
        }
        let mut index = 0;
        slos.retain(|_| {
            index += 1;
            !wrong.contains(&(index - 1))
        });
    }
    Import {
        slos,
        refusals,
        warnings,
    }
}

/// What is wrong with SLOs, and the numbers of those.
fn checked(
    slos: &[Converted],
    documents: &Documents,
    kinds: &[KnownKind],
) -> (Vec<Problem>, BTreeSet<usize>) {
    let environment = Environment::default();
    let mut context = Context::new(None, &environment, kinds);
    context.documents = documents.clone();
    let measuring = kinds.iter().find(|kind| kind.measures);
    let any: toml::Table = [
        ("name", "any"),
        ("kind", measuring.map_or("", |kind| kind.name)),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.into()))
    .collect();
    let sources = context.sources(Some(vec![any].into()), &[]);
    let tables = slos.iter().map(|slo| slo.table.clone()).enumerate();
    context.slos(tables.collect(), Some(&sources), &TimeZone::UTC);
    let wrong = context.problems.iter().filter_map(|problem| {
        let index = problem.path.get(1)?;
        match index {
            Step::Index(index) => Some(*index),
            Step::Key(_) | Step::Name(_) => None,
        }
    });
    let wrong = wrong.collect();
    (context.problems, wrong)
}

/// The YAML files in a folder and in those below it, hidden ones left out; in the order of their names.
///
/// # Errors
/// A folder that cannot be read, has no such file, or too many of them.
pub fn documents_in(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let name = folder.display();
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        // A link may lead back up.
        if !seen.insert(links::real(&folder)) {
            continue;
        }
        let entries = std::fs::read_dir(&folder);
        let entries = entries.and_then(Iterator::collect::<Result<Vec<_>, _>>);
        for entry in entries.map_err(|error| format!("{}: {error}", folder.display()))? {
            let path = entry.path();
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            let ending = path.extension().and_then(|ending| ending.to_str());
            if is_hidden {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if matches!(ending, Some("yaml" | "yml")) {
                links::regular(&path)?;
                found.push(path);
            }
        }
        if found.len() > MOST {
            return Err(format!(
                "{name}: more than {MOST} files: name a folder of it"
            ));
        }
    }
    if found.is_empty() {
        return Err(format!(
            "{name}: no file in it ends in .yaml or .yml: name the folder of the documents"
        ));
    }
    found.sort();
    Ok(links::distinct(&found))
}

/// The text of a file of SLOs, or why it is none.
pub fn text_of(path: &Path) -> Result<String, String> {
    let name = path.display();
    let bytes = match content(path) {
        Content::Missing => return Err(format!("{name}: there is no such file")),
        Content::Wrong(reason) => return Err(format!("{name}: {reason}")),
        Content::Bytes(bytes) => bytes,
    };
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| format!("{name}: this is not UTF-8: save the file as UTF-8"))?;
    Ok(text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text))
}

fn converted(files: Vec<File>, sources: &[Option<String>], next: usize) -> FileSlos {
    let conversion = dialect::convert(&files);
    let mut tables = Vec::new();
    let mut imported = Vec::new();
    for (number, mut slo) in conversion.slos.into_iter().enumerate() {
        if let Some(source) = sources.get(slo.place.file).cloned().flatten() {
            slo.table.insert("source".to_owned(), source.into());
        }
        imported.push(Imported::of(&slo));
        tables.push((next + number, slo.table));
    }
    FileSlos {
        tables,
        documents: Documents {
            files,
            first: next,
            imported,
            findings: conversion.findings,
        },
    }
}
