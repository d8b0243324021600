//! From the command line to what is done; every error ends as a message and exit status 3.

pub mod ack;
mod adjustments;
pub mod complete;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod explain;
mod first_steps;
pub mod gate;
pub mod handoff;
pub mod import;
pub mod init;
pub mod man;
pub mod note;
mod orders;
mod plain;
pub mod record;
pub mod replay;
pub mod report;
pub mod rules;
pub mod silence;
pub mod source;
pub mod status;
pub mod timeline;
pub mod verify;
mod waiting;
mod wall;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::error::ErrorKind as UsageError;
use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::app::keymap::Keymap;
use crate::cli::{self, Cli, Command, ConfigCommand, SourceCommand};
use crate::config::{Environment, Loaded, Mistake, Opening, Settings, load};
use crate::log;
use crate::print::github::{Annotation, Level};
use crate::print::status::Rows;
use crate::run;
use crate::source::{KINDS, json, known_kinds};
use crate::term::guardian;
use crate::text::Untrusted;
use crate::watch::Watch;

/// The status of everything that keeps watchfire from knowing; 1 and 2 would read as a ticket and a
/// page.
pub const UNKNOWN: u8 = 3;

/// Does what the arguments say, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    match arguments.get(1).and_then(|first| first.to_str()) {
        Some(json::ARGUMENT) => return json::serve(),
        Some(guardian::ARGUMENT) => return guardian::serve(&arguments[2..]),
        _ => {}
    }
    if let Some(exit) = complete::answer(&arguments) {
        return exit;
    }
    let cli = match Cli::from_arguments(&arguments) {
        Ok(cli) => cli,
        Err(answer) if answer.use_stderr() => {
            warn(answer.render());
            return ExitCode::from(UNKNOWN);
        }
        Err(answer) => return print(answer.render().to_string().as_bytes()),
    };
    if let Some(file) = &cli.watch.log {
        let command = cli.command.as_ref().map_or("screen", cli::Command::name);
        if let Err(error) = log::begin(file, &cli::VERSION, command) {
            return refuse(format!("cannot log to {}: {error}", file.display()));
        }
    }
    carry_out(cli)
}

/// Does what a command line says.
fn carry_out(cli: Cli) -> ExitCode {
    match cli.command {
        Some(Command::Config { command: None }) => config::run(),
        Some(Command::Config {
            command: Some(ConfigCommand::Check(options)),
        }) => config::check(&options, &cli.watch),
        Some(Command::Config {
            command: Some(ConfigCommand::View { format }),
        }) => config::view(format, &cli.watch),
        Some(Command::Init(options)) => init::run(&options, &cli.watch),
        Some(Command::Schema) => config::schema(),
        Some(Command::Import(options)) => import::run(&options),
        Some(Command::Completions { shell }) => complete::script(shell),
        Some(Command::Man(options)) => man::run(&options),
        Some(Command::Help { command }) => help(&command),
        Some(Command::Demo(options)) => demo::run(&options),
        Some(Command::Wall) => with_sources(&cli.watch, |loaded, keymap, watch| {
            wall::run(&cli.watch, loaded, keymap, watch)
        }),
        Some(Command::Status(options)) => with_sources(&cli.watch, |loaded, _, watch| {
            status::run(&options, &loaded.settings, watch)
        }),
        Some(Command::Slos(options)) => with_sources(&cli.watch, |loaded, _, watch| {
            status::list(&options, Rows::Slos, &loaded.settings, watch)
        }),
        Some(Command::Incidents(options)) => with_sources(&cli.watch, |loaded, _, watch| {
            status::list(&options, Rows::Incidents, &loaded.settings, watch)
        }),
        Some(Command::Releases(options)) => with_sources(&cli.watch, |loaded, _, watch| {
            status::list(&options, Rows::Releases, &loaded.settings, watch)
        }),
        Some(Command::Gate(options)) => with_sources(&cli.watch, |loaded, _, watch| {
            gate::run(&options, loaded, watch)
        }),
        Some(Command::Explain(options)) => with_sources(&cli.watch, |loaded, _, watch| {
            explain::run(&options, &loaded.settings.ui, watch)
        }),
        Some(Command::Doctor(options)) => with_sources(&cli.watch, |loaded, _, watch| {
            doctor::run(&options, loaded, watch)
        }),
        Some(Command::Verify(options)) => with_sources(&cli.watch, |loaded, _, watch| {
            verify::run(&options, &loaded.settings, watch)
        }),
        Some(Command::Handoff(options)) => without_sources(&cli.watch, |loaded, watch| {
            handoff::run(&options, loaded, watch)
        }),
        Some(Command::Report(options)) => with_sources(&cli.watch, |loaded, _, watch| {
            report::run(&options, loaded, watch)
        }),
        Some(Command::Timeline(options)) => with_sources(&cli.watch, |loaded, _, watch| {
            timeline::run(&options, &loaded.settings, watch)
        }),
        Some(Command::Note(options)) => without_sources(&cli.watch, |loaded, _| {
            note::run(&options, &loaded.settings)
        }),
        Some(Command::Ack(options)) => with_sources(&cli.watch, |loaded, _, watch| {
            ack::run(&options, cli.watch.again(), loaded, watch)
        }),
        Some(Command::Silence(options)) => with_sources(&cli.watch, |loaded, _, watch| {
            silence::run(&options, cli.watch.again(), loaded, watch)
        }),
        Some(Command::Source(SourceCommand::Test(options))) => {
            with_sources(&cli.watch, |loaded, _, watch| {
                source::test(&options, loaded, watch)
            })
        }
        Some(Command::Record(options)) => with_sources(&cli.watch, |loaded, _, watch| {
            record::run(&options, loaded, watch)
        }),
        Some(Command::Replay(options)) => replay::run(&options, &cli.watch),
        Some(Command::Rules(options)) => {
            with_sources(&cli.watch, |loaded, _, _| rules::run(&options, loaded))
        }
        None if cli.plain => with_sources(&cli.watch, |loaded, _, watch| plain::run(loaded, watch)),
        None => with_sources(&cli.watch, |loaded, keymap, watch| {
            run::run(&of_screen(&cli, loaded), keymap, run::Scene::Watch(watch))
        }),
    }
}

/// The settings of a screen, with what the command line says of it.
fn of_screen(cli: &Cli, loaded: &Loaded) -> Settings {
    let mut settings = loaded.settings.clone();
    settings.ui.services = cli
        .service
        .iter()
        .map(|name| called(&settings, name))
        .collect();
    settings.ui.opening = Opening {
        at: cli.at,
        select: cli.select.clone(),
    };
    settings
}

/// The name that a service goes by on the screen.
fn called(settings: &Settings, name: &str) -> String {
    let named = settings.services.iter();
    let mut named =
        named.filter(|one| one.name == name || one.aliases.iter().any(|alias| alias == name));
    named
        .next()
        .map_or_else(|| name.to_owned(), |one| one.name.clone())
}

/// Reads the settings and goes on with them, if there is anything to watch.
fn with_sources(
    options: &cli::Watch,
    go_on: impl FnOnce(&Loaded, Keymap, Watch) -> ExitCode,
) -> ExitCode {
    let environment = Environment::of_this_process();
    let loaded = match load(&options.overrides(), &environment, &known_kinds()) {
        Ok(loaded) => loaded,
        Err(error) => {
            say(error);
            return refuse(first_steps::INIT);
        }
    };
    if let Some(place) = first_steps::placeholder(&loaded.settings) {
        say(place);
    }
    if loaded.settings.sources.is_empty() {
        return refuse(first_steps::text(
            loaded.settings.file.as_deref(),
            &environment,
        ));
    }
    with_settings(&loaded, go_on)
}

/// The same where nothing may be configured: what a journal holds has its sources in it.
fn without_sources(
    options: &cli::Watch,
    go_on: impl FnOnce(&Loaded, Watch) -> ExitCode,
) -> ExitCode {
    let environment = Environment::of_this_process();
    match load(&options.overrides(), &environment, &known_kinds()) {
        Ok(loaded) => with_settings(&loaded, |loaded, _, watch| go_on(loaded, watch)),
        Err(error) => refuse(error),
    }
}

/// The kind of a source in a journal or a recording, by its name there.
fn recorded_kind(name: &str) -> &'static str {
    let kind = KINDS.iter().find(|kind| kind.name == name);
    kind.map_or("recorded", |kind| kind.name)
}

/// Builds everything the settings ask for, and goes on when nothing of it is wrong.
fn with_settings(
    loaded: &Loaded,
    go_on: impl FnOnce(&Loaded, Keymap, Watch) -> ExitCode,
) -> ExitCode {
    let keymap = Keymap::new(&loaded.settings.keys)
        .and_then(|keymap| keymap.with_commands(&loaded.settings.commands));
    match (keymap, Watch::over(&loaded.settings)) {
        (Ok(keymap), Ok(watch)) => go_on(loaded, keymap, watch),
        (keymap, watch) => {
            let mut problems = watch.err().unwrap_or_default();
            problems.extend(keymap.err());
            refuse(loaded.report_all(&problems))
        }
    }
}

/// Prints the help of a command, by its words.
fn help(words: &[String]) -> ExitCode {
    let root = cli::command();
    let mut inner = words.iter();
    match inner.try_fold(&root, |inner, word| inner.find_subcommand(word)) {
        Some(found) => print(found.clone().render_long_help().to_string().as_bytes()),
        None => no_command(words),
    }
}

/// Refuses words that are no command.
fn no_command(words: &[String]) -> ExitCode {
    let words = words.join(" ");
    let message = format!("there is no command `{words}`");
    let error = cli::command().error(UsageError::InvalidSubcommand, message);
    warn(error.render());
    ExitCode::from(UNKNOWN)
}

/// Does something on a runtime of its own, or says why that cannot start.
fn on_runtime<T>(work: impl FnOnce(&Runtime) -> T) -> Result<T, ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            let done = work(&runtime);
            // A program of a source that never ends must not keep the process.
            runtime.shutdown_background();
            Ok(done)
        }
        Err(error) => Err(refuse(format!("cannot start: {error}"))),
    }
}

/// Says so when a moment that is asked for has not come yet.
fn doubt_future(at: Option<Timestamp>) {
    if let Some(at) = at.filter(|at| *at > Timestamp::now()) {
        say(format!("{at} is in the future: nothing is known of it yet"));
    }
}

/// A mistake as an annotation of its file.
fn annotation(level: Level, mistake: &Mistake) -> Annotation {
    let (file, place) = mistake.origin();
    Annotation {
        level,
        file: file.to_owned(),
        place,
        title: mistake.key().to_owned(),
        message: mistake.message().to_owned(),
    }
}

/// A mistake as an object of JSON.
fn mistake(mistake: &Mistake) -> Value {
    let (file, place) = mistake.origin();
    json!({
        "file": file,
        "line": place.map(|(line, _)| line),
        "column": place.map(|(_, column)| column),
        "key": mistake.key(),
        "message": mistake.message(),
    })
}

/// Says on stderr why nothing is done.
pub(crate) fn refuse(why: impl Display) -> ExitCode {
    say(why);
    ExitCode::from(UNKNOWN)
}

/// Prints a message on stderr, behind the program's name.
pub(crate) fn say(what: impl Display) {
    warn(format_args!("watchfire: {what}\n"));
}

/// Prints on stderr, each line made safe for a terminal: messages quote arguments, files and servers.
pub(crate) fn warn(what: impl Display) {
    let text = what.to_string();
    let mut safe = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        safe.push_str(
            Untrusted::from(line.trim_end_matches('\n'))
                .shown_whole()
                .as_str(),
        );
        if line.ends_with('\n') {
            safe.push('\n');
        }
    }
    // A closed stderr leaves nowhere to report to.
    let _ = io::stderr().write_all(safe.as_bytes());
}

/// True when nothing reads stdout any more.
fn is_reader_gone() -> bool {
    let stdout = io::stdout();
    let mut polled = [PollFd::new(&stdout, PollFlags::empty())];
    let ready = poll(&mut polled, Some(&Timespec::default()));
    let gone = PollFlags::ERR | PollFlags::HUP;
    ready.is_ok_and(|count| count > 0) && polled[0].revents().intersects(gone)
}

/// Prints on stdout. A reader that has seen enough (`| head`) is no error.
pub(crate) fn print(data: &[u8]) -> ExitCode {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(data).and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => refuse(format!("cannot write to stdout: {error}")),
    }
}
