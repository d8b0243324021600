//! What can be configured, and the mistakes in it.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use serde::Deserialize;

use super::evaluate::millis;
use super::history::{self, Limits};
use super::targets::{Name, Target};
use crate::config::{Problem, Settings, SloSettings, SourceSettings, Step, bytes};
use crate::domain::Window;
use crate::state;

/// How long a history is kept when the settings do not say, at least.
const KEEP: Window = Window::days(35);
/// What it is kept beyond the longest period.
const SPARE: SignedDuration = SignedDuration::from_hours(24);
/// How large a history may grow when the settings do not say.
const MAX_SIZE: &str = "256MiB";
/// The least that is worth keeping: a table has one page at least.
const MIN_SIZE: u64 = 1024 * 1024;

/// The settings of this kind alone.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Options {
    targets: Vec<String>,
    targets_file: Option<PathBuf>,
    dns: Names,
    history: Option<PathBuf>,
    keep: Option<Window>,
    max_size: Option<String>,
}

/// One name, or several.
#[derive(Debug, Default, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a host and port such as \"app.example:9100\", or a list of them"
)]
enum Names {
    #[default]
    None,
    One(String),
    Some(Vec<String>),
}

/// Where the targets of a source come from.
#[derive(Debug)]
pub(super) struct Origins {
    /// Those of the settings.
    pub(super) fixed: Vec<Target>,
    /// A file that lists more.
    pub(super) file: Option<PathBuf>,
    /// Names of which every address is one.
    pub(super) names: Vec<Name>,
}

impl Options {
    /// Where the targets come from; one place at least.
    pub(super) fn origins(&self, settings: &SourceSettings) -> Result<Origins, Problem> {
        let job = settings.name.as_str();
        let mut fixed: Vec<Target> = Vec::new();
        let url = settings.http.url.iter().map(|url| (url, None));
        let listed = self.targets.iter().zip(0..);
        for (text, index) in url.chain(listed.map(|(text, index)| (text, Some(index)))) {
            let problem = |message: String| match index {
                None => settings.problem("url", message),
                Some(index) => within(settings.problem("targets", message), index),
            };
            let target = Target::read(text, job).map_err(problem)?;
            if fixed.iter().any(|known| known.instance == target.instance) {
                return Err(problem(format!(
                    "names {} again: its series could not be told apart; keep one, or give each its own `instance` label in a `targets_file`",
                    target.instance
                )));
            }
            fixed.push(target);
        }
        let names = match &self.dns {
            Names::None => &[][..],
            Names::One(name) => std::slice::from_ref(name),
            Names::Some(names) => names,
        };
        let name = |(index, text): (usize, &String)| {
            Name::read(text).map_err(|message| {
                let problem = settings.problem("dns", message);
                if matches!(self.dns, Names::Some(_)) {
                    within(problem, index)
                } else {
                    problem
                }
            })
        };
        let origins = Origins {
            fixed,
            file: self
                .targets_file
                .as_deref()
                .map(|path| beside(settings, path)),
            names: names
                .iter()
                .enumerate()
                .map(name)
                .collect::<Result<_, _>>()?,
        };
        if origins.fixed.is_empty() && origins.file.is_none() && origins.names.is_empty() {
            return Err(settings.problem(
                "targets",
                "is missing: name what to scrape, as in [\"http://10.0.0.5:9100/metrics\", \"app:8080\"], or a `targets_file`, or `dns`",
            ));
        }
        Ok(origins)
    }

    /// How much of the history is kept: enough for the period of every SLO.
    pub(super) fn limits(
        &self,
        settings: &SourceSettings,
        slos: &[SloSettings],
    ) -> Result<Limits, Problem> {
        let lengths = slos.iter().map(|slo| (slo.period.nominal(), slo));
        let longest = lengths.max_by_key(|(length, _)| *length);
        let keep = match (self.keep, longest) {
            (Some(keep), Some((period, slo))) if keep < period => {
                let message = format!(
                    "is shorter than the period of `{}/{}`: keep at least `{period}`",
                    slo.service, slo.name
                );
                return Err(settings.problem("keep", message));
            }
            (Some(keep), _) => keep.duration(),
            (None, longest) => {
                let needed = longest.map_or(SignedDuration::ZERO, |(period, _)| {
                    period.duration() + SPARE * 3
                });
                KEEP.duration().max(needed)
            }
        };
        let max_size = bytes(self.max_size.as_deref().unwrap_or(MAX_SIZE))
            .filter(|&size| size >= MIN_SIZE)
            .ok_or_else(|| {
                settings.problem(
                    "max_size",
                    "is no size of 1MiB or more: write `256MiB`, for example",
                )
            })?;
        let wanted = longest.map_or(SignedDuration::ZERO, |(period, _)| period.duration());
        Ok(Limits {
            keep: millis(keep),
            max_size,
            wanted: millis(wanted),
        })
    }

    /// The file of the history; no other source may have the same.
    pub(super) fn path(
        &self,
        settings: &SourceSettings,
        all: &Settings,
    ) -> Result<PathBuf, Problem> {
        let path = self.place(settings)?;
        let others = all
            .sources
            .iter()
            .filter(|other| other.kind == settings.kind && other.index != settings.index);
        for other in others {
            let place = other
                .options()
                .and_then(|options: Self| options.place(other));
            if place.is_ok_and(|place| place == path) {
                let message = format!(
                    "is that of the source `{}` as well: give each its own file",
                    other.name
                );
                return Err(settings.problem("history", message));
            }
        }
        Ok(path)
    }

    fn place(&self, settings: &SourceSettings) -> Result<PathBuf, Problem> {
        if let Some(path) = &self.history {
            return Ok(beside(settings, path));
        }
        history::default_path(settings.name.as_str(), state::variable).ok_or_else(|| {
            settings.problem(
                "history",
                "is missing, and there is no home to keep it in: name a file",
            )
        })
    }
}

/// A path as the writer of the file means it: `~/` is home, and others begin at the file.
fn beside(settings: &SourceSettings, path: &Path) -> PathBuf {
    if let (Ok(rest), Some(home)) = (path.strip_prefix("~"), state::variable("HOME")) {
        return home.join(rest);
    }
    match &settings.folder {
        Some(folder) => folder.join(path),
        None => path.to_owned(),
    }
}

fn within(mut problem: Problem, index: usize) -> Problem {
    problem.path.push(Step::Index(index));
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_they_are_written() {
        assert_eq!(bytes("256MiB"), Some(268_435_456));
        assert_eq!(bytes("1 GB"), Some(1_000_000_000));
        assert_eq!(bytes("4096"), Some(4096));
        for wrong in ["", "MiB", "1.5GiB", "3 apples", "-1", "99999999999999TiB"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }
}
