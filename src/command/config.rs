//! `watchfire config`: prints the example of the configuration file, checks files, shows the merged
//! settings.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::{UNKNOWN, refuse, say};
use crate::app::keymap::Keymap;
use crate::cli::{self, ConfigFormat, ReportFormat};
use crate::config::{ConfigError, Environment, Loaded, Mistake, Overrides, load};
use crate::print;
use crate::print::github::{Annotation, Level};
use crate::source::known_kinds;
use crate::text::Shown;
use crate::watch::Watch;

/// The example, as it lies in the repository.
const EXAMPLE: &str = include_str!("../../config.example.toml");

/// Prints the example.
pub fn run() -> ExitCode {
    super::print(EXAMPLE.as_bytes())
}

/// Prints the JSON Schema of the configuration.
pub fn schema() -> ExitCode {
    match crate::config::schema(EXAMPLE) {
        Ok(schema) => super::print(schema.as_bytes()),
        Err(error) => refuse(format!("the schema cannot be made: {error}")),
    }
}

/// Prints the settings as file, variables and flags come to.
pub fn view(format: ConfigFormat, watch: &cli::Watch) -> ExitCode {
    let environment = Environment::of_this_process();
    let loaded = load(&watch.overrides(), &environment, &known_kinds());
    let loaded = loaded.and_then(|loaded| {
        built(&loaded)?;
        Ok(loaded)
    });
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return refuse(error),
    };
    let file = loaded
        .settings
        .file
        .as_ref()
        .map(|file| file.display().to_string());
    let mut text = Vec::new();
    let written = match format {
        ConfigFormat::Text => {
            let from = file.unwrap_or_else(|| "no file".to_owned());
            let merged = loaded.merged_text();
            write!(
                text,
                "# {}, with variables and flags\n\n{merged}",
                Shown::new(from)
            )
        }
        ConfigFormat::Json => print::json(
            &mut text,
            &json!({
                "schema": "watchfire/config/v1",
                "file": file,
                "settings": loaded.merged(),
            }),
        ),
    };
    match written {
        Ok(()) => super::print(&text),
        Err(error) => refuse(format!("cannot print the settings: {error}")),
    }
}

/// What came of checking one file.
struct Checked {
    /// Its path, as far as there is one.
    file: Option<String>,
    /// What is in it; nothing of one that is wrong.
    words: Option<String>,
    warnings: Vec<Mistake>,
    /// What is wrong with it.
    error: Option<ConfigError>,
}

/// Checks files, or the one that would be read, and asks no server.
pub fn check(options: &cli::ConfigCheck, watch: &cli::Watch) -> ExitCode {
    let overrides = |file: &PathBuf| Overrides {
        config: Some(file.clone()),
        ..watch.overrides()
    };
    let all: Vec<_> = if options.files.is_empty() {
        vec![watch.overrides()]
    } else {
        options.files.iter().map(overrides).collect()
    };
    let checked: Vec<_> = all.iter().map(checked).collect();
    if let [only] = checked.as_slice()
        && only.file.is_none()
        && only.error.is_none()
        && options.files.is_empty()
    {
        return refuse(
            "there is no configuration file: name one, or begin with `watchfire config > FILE`",
        );
    }
    let printed = match options.format {
        ReportFormat::Text => as_text(&checked),
        ReportFormat::Json => as_json(&checked),
        ReportFormat::Github => {
            let annotations: String = checked.iter().map(annotations).collect();
            super::print(annotations.as_bytes())
        }
    };
    if printed == ExitCode::SUCCESS && checked.iter().any(|one| one.error.is_some()) {
        return ExitCode::from(UNKNOWN);
    }
    printed
}

fn checked(overrides: &Overrides) -> Checked {
    let named = overrides
        .config
        .as_ref()
        .map(|file| file.display().to_string());
    let environment = Environment::of_this_process();
    let loaded = load(overrides, &environment, &known_kinds());
    match loaded.and_then(|loaded| Ok((built(&loaded)?, loaded))) {
        Ok((words, loaded)) => Checked {
            file: loaded
                .settings
                .file
                .as_ref()
                .map(|file| file.display().to_string()),
            words: Some(words),
            warnings: loaded.warnings(),
            error: None,
        },
        Err(error) => Checked {
            file: named,
            words: None,
            warnings: Vec::new(),
            error: Some(error),
        },
    }
}

fn as_text(checked: &[Checked]) -> ExitCode {
    let mut printed = ExitCode::SUCCESS;
    for one in checked {
        for warning in &one.warnings {
            say(format_args!("warning: {warning}"));
        }
        if let Some(words) = &one.words {
            printed = super::print(words.as_bytes());
        }
        if let Some(error) = &one.error {
            say(error);
        }
    }
    printed
}

fn as_json(checked: &[Checked]) -> ExitCode {
    let files: Vec<_> = checked
        .iter()
        .map(|one| {
            let warnings: Vec<_> = one.warnings.iter().map(super::mistake).collect();
            let mistakes = match &one.error {
                None => Vec::new(),
                Some(ConfigError::Mistakes { first, .. }) => {
                    first.iter().map(super::mistake).collect()
                }
                Some(ConfigError::Unreadable { path, reason }) => vec![json!({
                    "file": path.as_str(), "line": null, "column": null,
                    "key": "", "message": reason.as_str(),
                })],
            };
            json!({
                "file": one.file,
                "ok": one.error.is_none(),
                "mistakes": mistakes,
                "warnings": warnings,
            })
        })
        .collect();
    let json = json!({"schema": "watchfire/config-check/v1", "files": files});
    let mut text = Vec::new();
    match print::json(&mut text, &json) {
        Ok(()) => super::print(&text),
        Err(error) => refuse(format!("cannot print what was checked: {error}")),
    }
}

fn annotations(checked: &Checked) -> String {
    let warnings = checked.warnings.iter();
    let warnings = warnings.map(|one| super::annotation(Level::Warning, one));
    let errors = match &checked.error {
        None => Vec::new(),
        Some(ConfigError::Mistakes { first, .. }) => first
            .iter()
            .map(|one| super::annotation(Level::Error, one))
            .collect(),
        Some(ConfigError::Unreadable { path, reason }) => vec![Annotation {
            level: Level::Error,
            file: path.as_str().to_owned(),
            place: None,
            title: String::new(),
            message: reason.as_str().to_owned(),
        }],
    };
    let all = warnings.chain(errors);
    all.map(|annotation| annotation.to_string()).collect()
}

/// What a file holds, once its keys and sources are built.
fn built(loaded: &Loaded) -> Result<String, ConfigError> {
    let settings = &loaded.settings;
    let keys = Keymap::new(&settings.keys).and_then(|keys| keys.with_commands(&settings.commands));
    let mut problems: Vec<_> = keys.err().into_iter().collect();
    problems.extend(Watch::over(settings).err().into_iter().flatten());
    if !problems.is_empty() {
        return Err(loaded.report_all(&problems));
    }
    let file = loaded
        .settings
        .file
        .as_ref()
        .map(|file| file.display().to_string());
    let counted =
        |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    Ok(format!(
        "{}: ok: {}, {}, {}\n",
        file.unwrap_or_else(|| "flags".to_owned()),
        counted(settings.sources.len(), "source"),
        counted(settings.slos.len(), "SLO"),
        counted(settings.services.len(), "service"),
    ))
}
