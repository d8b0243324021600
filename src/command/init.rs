//! `watchfire init`: looks at the given servers and writes a commented configuration of what it found.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use self::ask::Questions;
use self::look::Looked;
use super::waiting::Progress;
use super::{on_runtime, print, refuse, say};
use crate::cli;
use crate::config::{Environment, Loaded, Proposal, ProposedSource, load_text};
use crate::source::known_kinds;

mod ask;
mod credentials;
mod look;
mod propose;
mod save;

/// Where a Prometheus usually answers on this machine.
const LOCAL: &str = "http://localhost:9090";
/// What the proposal is called in messages.
const NAME: &str = "init";

/// Where the configuration goes.
enum Target {
    Stdout,
    File(PathBuf),
}

/// Looks, asks at most three questions, and writes.
pub fn run(options: &cli::Init, flags: &cli::Watch) -> ExitCode {
    let environment = Environment::of_this_process();
    let Some(target) = target(options, flags, &environment) else {
        return refuse("there is no home to write to: name a file with --output FILE");
    };
    let is_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    let is_silent = options.yes || matches!(target, Target::Stdout);
    let mut questions = Questions::new(is_terminal && !is_silent);
    let sources = match sources(flags, &mut questions, &environment) {
        Ok(sources) => sources,
        Err(exit) => return exit,
    };
    let known = match on_runtime(|runtime| runtime.block_on(credentials::validate(&environment))) {
        Ok(known) => known,
        Err(exit) => return exit,
    };
    let (given, mut all) = (sources.len(), sources);
    all.extend(known.iter().map(|one| one.source.clone()));
    if all.is_empty() {
        return refuse(
            "nothing to watch was found: name a server, as in `watchfire init --prometheus http://localhost:9090`",
        );
    }
    let looked = match look_at(&all, &environment) {
        Ok(looked) => looked,
        Err(exit) => return exit,
    };
    let has_answer = |looked: &Looked| looked.fault().is_none();
    if given > 0 && !looked.iter().take(given).any(has_answer) {
        for one in &looked {
            say(one.words());
        }
        return refuse("none of the given servers answered, so nothing was written");
    }
    let proposal = propose::proposal(all, &looked, &known);
    let found = looked.iter().map(Looked::words);
    for words in found.chain(known.iter().map(credentials::Validated::words)) {
        say(words);
    }
    match target {
        Target::Stdout => print(proposal.text().as_bytes()),
        Target::File(path) => write(&path, &proposal, &mut questions, &environment),
    }
}

/// `--output`, else the file that would be read.
fn target(options: &cli::Init, flags: &cli::Watch, environment: &Environment) -> Option<Target> {
    match &options.output {
        Some(path) if path == Path::new("-") => Some(Target::Stdout),
        Some(path) => Some(Target::File(path.clone())),
        None => {
            let named = flags.config.clone().or_else(|| environment.named_file());
            let path = named.or_else(|| environment.default_files().into_iter().next());
            path.map(Target::File)
        }
    }
}

/// The sources of the flags and of the answers.
fn sources(
    flags: &cli::Watch,
    questions: &mut Questions,
    environment: &Environment,
) -> Result<Vec<ProposedSource>, ExitCode> {
    let mut prometheus = flags.prometheus.clone();
    let mut alertmanager = flags.alertmanager.clone();
    if prometheus.is_empty() && alertmanager.is_empty() {
        let local = alertmanagers(LOCAL, environment)?.map(|_| LOCAL);
        prometheus.extend(questions.ask(
            "URL of Prometheus (or Thanos, Mimir, VictoriaMetrics)",
            local,
        ));
    }
    let mut found = Vec::new();
    for url in &prometheus {
        found.extend(alertmanagers(url, environment)?.unwrap_or_default());
    }
    found.sort();
    found.dedup();
    if alertmanager.is_empty() && found.is_empty() && !prometheus.is_empty() {
        alertmanager.extend(questions.ask("URL of Alertmanager", None));
    }
    let mut sources = numbered("prometheus", &prometheus);
    if alertmanager.is_empty() && !found.is_empty() {
        let mut source = ProposedSource::new("alertmanager", "alertmanager");
        source
            .comments
            .push("Prometheus sends its alerts here.".to_owned());
        match found.as_slice() {
            [one] => source.set("url", one),
            members => source.set_list("urls", members),
        }
        // Its address may be one that only Prometheus reaches.
        if look_at(std::slice::from_ref(&source), environment)?
            .iter()
            .all(|one| one.fault().is_none())
        {
            sources.push(source);
        }
    }
    sources.extend(numbered("alertmanager", &alertmanager));
    Ok(sources)
}

/// Sources of a kind, named after it.
fn numbered(kind: &str, urls: &[String]) -> Vec<ProposedSource> {
    let named = urls.iter().enumerate().map(|(index, url)| {
        let name = match index {
            0 => kind.to_owned(),
            index => format!("{kind}-{}", index + 1),
        };
        let mut source = ProposedSource::new(&name, kind);
        source.set("url", url);
        source
    });
    named.collect()
}

/// The Alertmanagers that a Prometheus knows; `None` where it does not answer.
fn alertmanagers(url: &str, environment: &Environment) -> Result<Option<Vec<String>>, ExitCode> {
    let source = numbered("prometheus", &[url.to_owned()]);
    let loaded = loaded(&source, environment)?;
    let Some(settings) = loaded.settings.sources.first() else {
        return Ok(None);
    };
    let asked = crate::source::prometheus::alertmanagers::known(settings);
    let progress = Progress::new();
    progress.set("asking for its Alertmanagers", None);
    on_runtime(|runtime| runtime.block_on(asked)).map(Result::ok)
}

/// The settings of proposed sources alone.
fn loaded(sources: &[ProposedSource], environment: &Environment) -> Result<Loaded, ExitCode> {
    let proposal = Proposal {
        sources: sources.to_vec(),
        ..Proposal::default()
    };
    load_text(NAME, proposal.text(), environment, &known_kinds()).map_err(refuse)
}

/// Asks every source once.
fn look_at(sources: &[ProposedSource], environment: &Environment) -> Result<Vec<Looked>, ExitCode> {
    let loaded = loaded(sources, environment)?;
    let watch = crate::watch::Watch::over(&loaded.settings)
        .map_err(|problems| refuse(loaded.report_all(&problems)))?;
    let names: Vec<_> = sources
        .iter()
        .filter(|one| one.is_active)
        .map(ProposedSource::name)
        .collect();
    let looked = on_runtime(|runtime| runtime.block_on(look::all(watch.sources)))?;
    Ok(looked
        .into_iter()
        .filter(|one| names.contains(&one.name()))
        .collect())
}

/// Writes the file, and says what was found, what was not decided, and what comes next.
fn write(
    path: &Path,
    proposal: &Proposal,
    questions: &mut Questions,
    environment: &Environment,
) -> ExitCode {
    for line in propose::summary(proposal) {
        say(line);
    }
    if !path.exists() && !questions.confirm(&format!("Write {}?", path.display())) {
        say("nothing was written");
        return ExitCode::SUCCESS;
    }
    match save::save(path, &proposal.text()) {
        Ok(saved) => {
            let is_default = environment
                .default_files()
                .first()
                .is_some_and(|first| first == path);
            saved.report(path, is_default)
        }
        Err(error) => refuse(format!("{}: cannot be written: {error}", path.display())),
    }
}
