//! `watchfire import`: SLOs of other tools as `[[slo]]` tables.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::waiting::Progress;
use super::{UNKNOWN, print, refuse, say};
use crate::cli::{self, ImportFormat};
use crate::config::{Import, Mistake, distinct, documents_in, import, text_of};
use crate::dialect::{Converted, File, write};
use crate::print::github::{Annotation, Level};
use crate::source;
use crate::text::Shown;

/// The most that is read of stdin, in bytes, as of a file.
const MOST: u64 = 1024 * 1024;

/// From so many files on, it is shown how far they are.
const MANY: usize = 10;

/// Prints what the documents come to; what could not be converted is told of on stderr.
pub fn run(options: &cli::Import) -> ExitCode {
    let progress = Progress::new();
    let (files, unread) = files(&options.files, &progress);
    if files.is_empty() {
        for reason in &unread {
            say(Shown::new(reason));
        }
        return ExitCode::from(UNKNOWN);
    }
    let names: Vec<_> = files
        .iter()
        .map(|file| (file.name.clone(), file.text.clone()))
        .collect();
    if files.len() >= MANY {
        progress.set(format!("converting {} files", files.len()).as_str(), None);
    }
    let found = import(files, &source::known_kinds());
    drop(progress);
    let printed = match options.format {
        ImportFormat::Text => {
            let tables: Vec<_> = found
                .slos
                .iter()
                .map(|slo| write::slo(&slo.table, &[origin(slo, &names)]))
                .collect();
            print(tables.join("\n").as_bytes())
        }
        ImportFormat::Json => as_json(&found, &names, &unread),
        ImportFormat::Github => print(annotations(&found, &unread).as_bytes()),
    };
    if options.format == ImportFormat::Text {
        for warning in &found.warnings {
            say(format_args!("warning: {warning}"));
        }
        for refusal in &found.refusals {
            say(refusal);
        }
        for reason in &unread {
            say(Shown::new(reason));
        }
    }
    if printed != ExitCode::SUCCESS {
        return printed;
    }
    let Import { slos, refusals, .. } = &found;
    if !unread.is_empty() || !refusals.is_empty() {
        let converted = match slos.len() {
            1 => "1 SLO is converted".to_owned(),
            count => format!("{count} SLOs are converted"),
        };
        return refuse(format_args!(
            "{converted}; what stands above keeps the rest from it"
        ));
    }
    if slos.is_empty() {
        say("there is no SLO in these files");
    }
    ExitCode::SUCCESS
}

/// The files that are named and those of the folders that are named, and why others cannot be read.
fn files(named: &[PathBuf], progress: &Progress) -> (Vec<File>, Vec<String>) {
    let (mut paths, mut unread) = (Vec::new(), Vec::new());
    for path in named {
        if path.is_dir() {
            match documents_in(path) {
                Ok(found) => paths.extend(found),
                Err(reason) => unread.push(reason),
            }
        } else {
            paths.push(path.clone());
        }
    }
    let mut files = Vec::new();
    let paths = distinct(&paths);
    for (number, path) in paths.iter().enumerate() {
        if paths.len() >= MANY {
            let (number, all, name) = (number + 1, paths.len(), path.display());
            progress.set(format!("reading {number} of {all}: {name}").as_str(), None);
        }
        match file(path) {
            Ok(file) => files.push(file),
            Err(reason) => unread.push(reason),
        }
    }
    (files, unread)
}

/// The tables as JSON, with what is to be said of the documents.
fn as_json(found: &Import, files: &[(String, String)], unread: &[String]) -> ExitCode {
    let slos: Vec<Value> = found
        .slos
        .iter()
        .map(|slo| json!({"origin": origin(slo, files), "slo": slo.table}))
        .collect();
    let said = |mistakes: &[Mistake]| mistakes.iter().map(super::mistake).collect::<Vec<_>>();
    let json = json!({
        "schema": "watchfire/import/v1",
        "slos": slos,
        "warnings": said(&found.warnings),
        "refusals": said(&found.refusals),
        "unread": unread,
    });
    let mut text = Vec::new();
    match crate::print::json(&mut text, &json) {
        Ok(()) => print(&text),
        Err(error) => refuse(format!("cannot print the SLOs: {error}")),
    }
}

fn annotations(found: &Import, unread: &[String]) -> String {
    let warnings = found.warnings.iter();
    let warnings = warnings.map(|one| super::annotation(Level::Warning, one));
    let refusals = found.refusals.iter();
    let refusals = refusals.map(|one| super::annotation(Level::Error, one));
    let unread = unread.iter().map(|reason| Annotation {
        level: Level::Error,
        file: String::new(),
        place: None,
        title: String::new(),
        message: reason.clone(),
    });
    let all = warnings.chain(refusals).chain(unread);
    all.map(|annotation| annotation.to_string()).collect()
}

/// Where an SLO came from, for the comment above it.
fn origin(slo: &Converted, files: &[(String, String)]) -> String {
    let (name, text) = files
        .get(slo.place.file)
        .map_or(("", ""), |(name, text)| (name, text));
    let before = text.get(..slo.place.span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    format!("{name}:{line}: {}", slo.origin)
}

fn file(path: &Path) -> Result<File, String> {
    let (name, text) = if path == Path::new("-") {
        let mut text = String::new();
        let reading = io::stdin().lock().take(MOST + 1).read_to_string(&mut text);
        reading.map_err(|error| format!("stdin: cannot be read: {error}"))?;
        if text.len() as u64 > MOST {
            return Err("stdin: is larger than 1 MiB".to_owned());
        }
        ("stdin".to_owned(), text)
    } else {
        (path.display().to_string(), text_of(path)?)
    };
    Ok(File { name, text })
}
