//! `watchfire config`: prints the example of the configuration file, or checks files.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{UNKNOWN, refuse, say};
use crate::app::keymap::Keymap;
use crate::cli;
use crate::config::{Environment, Loaded, Overrides, load};
use crate::source::known_kinds;
use crate::watch::Watch;

/// The example, as it lies in the repository.
const EXAMPLE: &str = include_str!("../../config.example.toml");

/// Prints the example.
pub fn run() -> ExitCode {
    super::print(EXAMPLE.as_bytes())
}

/// Checks files, or the one that would be read, and asks no server.
pub fn check(files: &[PathBuf], watch: &cli::Watch) -> ExitCode {
    let overrides = |file: &PathBuf| Overrides {
        config: Some(file.clone()),
        ..watch.overrides()
    };
    let all: Vec<_> = if files.is_empty() {
        vec![watch.overrides()]
    } else {
        files.iter().map(overrides).collect()
    };
    let environment = Environment::of_this_process();
    let mut is_right = true;
    for overrides in all {
        let checked = load(&overrides, &environment, &known_kinds()).and_then(|loaded| {
            let words = built(&loaded)?;
            Ok((loaded, words))
        });
        match checked {
            Ok((loaded, _)) if loaded.file.is_none() && files.is_empty() => {
                return refuse(
                    "there is no configuration file: name one, or begin with `watchfire config > FILE`",
                );
            }
            Ok((loaded, words)) => {
                for warning in loaded.warnings() {
                    say(warning);
                }
                super::print(words.as_bytes());
            }
            Err(error) => {
                say(error);
                is_right = false;
            }
        }
    }
    if is_right {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(UNKNOWN)
    }
}

/// What a file holds, once its keys and sources are built.
fn built(loaded: &Loaded) -> Result<String, crate::config::ConfigError> {
    let settings = &loaded.settings;
    let keys = Keymap::new(&settings.keys).and_then(|keys| keys.with_commands(&settings.commands));
    let mut problems: Vec<_> = keys.err().into_iter().collect();
    problems.extend(Watch::over(settings).err().into_iter().flatten());
    if !problems.is_empty() {
        return Err(loaded.report_all(&problems));
    }
    let file = loaded.file.as_ref().map(|file| file.display().to_string());
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
