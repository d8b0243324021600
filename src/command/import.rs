//! `watchfire import`: SLOs of other tools as `[[slo]]` tables.

use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;

use super::{UNKNOWN, print, refuse, say};
use crate::cli;
use crate::config::{Import, distinct, import, text_of};
use crate::dialect::{Converted, File, write};
use crate::source;
use crate::text::Shown;

/// The most that is read of stdin, in bytes, as of a file.
const MOST: u64 = 1024 * 1024;

/// Prints what the documents come to; what could not be converted is told of on stderr.
pub fn run(options: &cli::Import) -> ExitCode {
    let mut files = Vec::new();
    let mut lacks = false;
    for path in distinct(&options.files) {
        match file(&path) {
            Ok(file) => files.push(file),
            Err(reason) => {
                say(Shown::new(reason));
                lacks = true;
            }
        }
    }
    if files.is_empty() {
        return ExitCode::from(UNKNOWN);
    }
    let names: Vec<_> = files
        .iter()
        .map(|file| (file.name.clone(), file.text.clone()))
        .collect();
    let Import {
        slos,
        refusals,
        warnings,
    } = import(files, &source::known_kinds());
    let tables: Vec<_> = slos
        .iter()
        .map(|slo| write::slo(&slo.table, &[origin(slo, &names)]))
        .collect();
    let printed = print(tables.join("\n").as_bytes());
    for warning in warnings {
        say(format_args!("warning: {warning}"));
    }
    for refusal in &refusals {
        say(refusal);
    }
    if printed != ExitCode::SUCCESS {
        return printed;
    }
    if lacks || !refusals.is_empty() {
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
