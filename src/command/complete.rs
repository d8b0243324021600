//! Completes words of the command line, for the scripts that `watchfire completions` prints: commands
//! and options, and the services, SLOs and sources of configuration and journal.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::Shells;
use jiff::Timestamp;

use super::{UNKNOWN, print, recorded_kind, refuse};
use crate::cli::{self, Shell, command, pages};
use crate::config::{Environment, Loaded, Overrides, load};
use crate::journal::{Journal, Place};
use crate::source::known_kinds;
use crate::state::database::Trouble;
use crate::store::Store;
use crate::watch::Watch;

/// Set by the scripts, to the name of the shell.
const VARIABLE: &str = "WATCHFIRE_COMPLETE";
/// The program, as the scripts call it.
const PROGRAM: &str = "watchfire";
/// What may stand in a word beside letters and digits without meaning anything to a shell. A name of a
/// foreign server goes to a command line and must not become a command there.
const PLAIN: &str = "_-./:@+%={}";

/// Prints the script of a shell.
pub fn script(shell: Shell) -> ExitCode {
    let name = match shell {
        Shell::Bash => "bash",
        Shell::Elvish => "elvish",
        Shell::Fish => "fish",
        Shell::PowerShell => "powershell",
        Shell::Zsh => "zsh",
    };
    let mut text = Vec::new();
    let written = Shells::builtins()
        .completer(name)
        .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
        .and_then(|shell| shell.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut text));
    match written {
        Ok(()) => print(&text),
        Err(error) => refuse(format!("the script cannot be made: {error}")),
    }
}

/// Answers a script; `None` when none asks.
pub fn answer(arguments: &[OsString]) -> Option<ExitCode> {
    std::env::var_os(VARIABLE).filter(|shell| !shell.is_empty())?;
    let names = Arc::new(Names::new(cli::Watch::among(arguments).overrides()));
    let answered = CompleteEnv::with_factory(|| with_names(command(), &names))
        .var(VARIABLE)
        .bin(PROGRAM)
        .completer(PROGRAM)
        .try_complete(arguments, std::env::current_dir().ok().as_deref());
    match answered {
        Ok(true) => Some(ExitCode::SUCCESS),
        Ok(false) => None,
        // A message would end up in the line that is being typed.
        Err(_) => Some(ExitCode::from(UNKNOWN)),
    }
}

/// What an argument names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Service,
    Slo,
    Source,
    Command,
}

impl Named {
    /// By the command and the name of its argument.
    fn of(command: &str, argument: &str) -> Option<Self> {
        match (command, argument) {
            (_, "service") => Some(Self::Service),
            (_, "slo" | "slos") => Some(Self::Slo),
            (_, "source") | ("test", "name") => Some(Self::Source),
            ("man" | "help", "command") => Some(Self::Command),
            _ => None,
        }
    }
}

/// The command line with candidates for the arguments that name something.
fn with_names(command: clap::Command, names: &Arc<Names>) -> clap::Command {
    let of = command.get_name().to_owned();
    command
        .mut_args(
            |argument| match Named::of(&of, argument.get_id().as_str()) {
                Some(what) => {
                    let names = Arc::clone(names);
                    argument.add(ArgValueCandidates::new(move || names.candidates(what)))
                }
                None => argument,
            },
        )
        .mut_subcommands(|inner| with_names(inner, names))
}

/// The names that are known, read once and only when one is wanted.
struct Names {
    overrides: Overrides,
    known: OnceLock<Known>,
}

#[derive(Default)]
struct Known {
    services: BTreeSet<String>,
    slos: BTreeSet<String>,
    sources: BTreeSet<String>,
}

impl Names {
    fn new(overrides: Overrides) -> Self {
        let known = OnceLock::new();
        Self { overrides, known }
    }

    fn candidates(&self, what: Named) -> Vec<CompletionCandidate> {
        let known = || self.known.get_or_init(|| known(&self.overrides));
        let commands: BTreeSet<String>;
        let found = match what {
            Named::Service => &known().services,
            Named::Slo => &known().slos,
            Named::Source => &known().sources,
            Named::Command => {
                let words = pages().iter().flat_map(|page| page.path.split_whitespace());
                commands = words.map(str::to_owned).collect();
                &commands
            }
        };
        let plain = found.iter().filter(|name| is_plain(name));
        plain.map(CompletionCandidate::new).collect()
    }
}

/// True for a name that is one word to every shell, and no option.
fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || PLAIN.contains(c);
    !name.is_empty() && !name.starts_with('-') && name.chars().all(plain)
}

/// What configuration and journal name; nothing where they cannot be read.
fn known(overrides: &Overrides) -> Known {
    let environment = Environment::of_this_process();
    let Ok(loaded) = load(overrides, &environment, &known_kinds()) else {
        return Known::default();
    };
    let mut known = Known::default();
    let settings = &loaded.settings;
    let services = settings.services.iter();
    known.services.extend(services.map(|one| one.name.clone()));
    if let Some(store) = remembered(&loaded) {
        let name = |text: &crate::text::Untrusted| text.raw().to_owned();
        for (_, seen) in store.slos() {
            known.services.insert(name(&seen.slo.service));
            known.slos.insert(name(&seen.slo.id()));
        }
        let releases = store.releases().map(|(_, row)| name(&row.service));
        known.services.extend(releases);
        let incidents = store.incidents().map(|(_, row)| name(&row.service));
        known.services.extend(incidents);
        let feeds = store.feeds().iter();
        known
            .sources
            .extend(feeds.map(|feed| feed.name.to_string()));
    }
    known
}

/// The store of the configuration, filled with what the journal holds last.
fn remembered(loaded: &Loaded) -> Option<Store> {
    let mut store = Watch::over(&loaded.settings).ok()?.store;
    if let Place::File(path) = Place::of(&loaded.settings.journal) {
        // A journal that cannot be read has no names.
        let _ = fill(&mut store, &path);
    }
    Some(store)
}

fn fill(store: &mut Store, path: &std::path::Path) -> Result<(), Trouble> {
    let Some(mut journal) = Journal::read(path)? else {
        return Ok(());
    };
    if store.feeds().is_empty() {
        let feeds = journal.all(recorded_kind)?;
        *store = std::mem::take(store).with_feeds(feeds);
    } else {
        journal.look_for(store.feeds())?;
    }
    let world = journal.world(Timestamp::now())?;
    store.remember(&world);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_a_shell_would_act_on_is_not_offered() {
        for name in [
            "checkout",
            "pay{cluster=eu}",
            "checkout/availability@prod",
            "küche",
        ] {
            assert!(is_plain(name), "{name}");
        }
        for name in [
            "",
            "-x",
            "a b",
            "$(reboot)",
            "a;b",
            "`a`",
            "a'b",
            "a\"b",
            "a\nb",
            "a|b",
            "~a",
            "*",
        ] {
            assert!(!is_plain(name), "{name:?}");
        }
    }

    #[test]
    fn every_argument_that_names_something_has_candidates() {
        fn arguments(command: &clap::Command, found: &mut Vec<(String, String, String)>) {
            for argument in command.get_arguments() {
                let value = argument.get_value_names().and_then(|names| names.first());
                let value = value.map(ToString::to_string).unwrap_or_default();
                let id = argument.get_id().to_string();
                found.push((command.get_name().to_owned(), id, value));
            }
            for inner in command.get_subcommands() {
                arguments(inner, found);
            }
        }
        let mut found = Vec::new();
        arguments(&command(), &mut found);
        for (command, id, value) in found {
            let names_something = ["NAME", "SLO", "COMMAND"].contains(&value.as_str());
            assert_eq!(
                Named::of(&command, &id).is_some(),
                names_something,
                "{command} {id} {value}"
            );
        }
    }
}
