//! `watchfire gate`: may a service be released now, by its error budget policies?

use std::process::ExitCode;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use self::facts::Collected;
use super::waiting::{Interrupts, Progress};
use super::{UNKNOWN, adjustments, on_runtime, refuse, status};
use crate::cli::{self, Format};
use crate::config::{Loaded, Settings};
use crate::domain::Window;
use crate::domain::policy::Truth;
use crate::insight::policy::{Change, Decision, Facts};
use crate::print;
use crate::print::gate::Verdict;
use crate::watch::Watch;

mod facts;
pub(super) mod frozen;
mod kept;
mod rows;

/// The shortest time between two polls of `--wait`.
const SHORTEST_INTERVAL: SignedDuration = SignedDuration::from_secs(5);
/// The status of a no.
const NO: u8 = 1;

/// Judges, prints and keeps the verdict.
pub fn run(options: &cli::Gate, loaded: &Loaded, watch: Watch) -> ExitCode {
    let settings = &loaded.settings;
    let now = Timestamp::now();
    let at = options.at.map(|at| at.moment(now, &settings.ui.timezone));
    super::doubt_future(at);
    let gate = Gate {
        options,
        settings,
        at,
        names: names(options, &watch),
        change: Change {
            environment: options.environment.clone(),
            version: options.version.clone(),
            kind: options.kind.clone(),
        },
    };
    let judged = on_runtime(|runtime| runtime.block_on(gate.answer(watch)));
    match judged {
        Ok(Answer::Judged(verdict)) => gate.finish(&verdict),
        Ok(Answer::NotKnown(service)) => refuse(format!(
            "no source and no [[service]] knows a service `{service}`"
        )),
        Err(exit) => exit,
    }
}

/// One call of the command.
struct Gate<'a> {
    options: &'a cli::Gate,
    settings: &'a Settings,
    at: Option<Timestamp>,
    /// The services, by the names of the configuration.
    names: Vec<String>,
    change: Change,
}

/// Its result.
enum Answer {
    Judged(Verdict),
    /// A service that nothing knows, though everything answered.
    NotKnown(String),
}

/// The services that are asked about, by the names of the configuration; each once.
fn names(options: &cli::Gate, watch: &Watch) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for asked in &options.service {
        let mut services = watch.store.services().iter();
        let known = services.find(|service| service.aliases.contains(asked));
        let name = known.map_or(asked, |service| &service.name);
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

impl Gate<'_> {
    /// Judges once, or until the answer is yes.
    async fn answer(&self, mut watch: Watch) -> Answer {
        let Some(wait) = self.options.wait else {
            return self.judge(&mut watch).await;
        };
        let mut last = None;
        let mut interrupts = Interrupts::listen().ok();
        let interrupted = async {
            match &mut interrupts {
                Some(interrupts) => interrupts.next().await,
                None => std::future::pending().await,
            }
        };
        let waiting = self.poll(&mut watch, &mut last, wait.duration());
        let ended = tokio::select! {
            answer = waiting => Some(answer),
            () = tokio::time::sleep(wait.duration().unsigned_abs()) => None,
            () = interrupted => None,
        };
        ended.unwrap_or_else(|| Answer::Judged(last.unwrap_or_else(|| self.none_yet())))
    }

    /// Polls until the answer is yes; says each change of it, and how much of the time has passed.
    async fn poll(
        &self,
        watch: &mut Watch,
        last: &mut Option<Verdict>,
        length: SignedDuration,
    ) -> Answer {
        let (began, progress) = (Instant::now(), Progress::new());
        let intervals = watch.sources.iter().map(|(source, _)| source.interval);
        let interval = intervals
            .min()
            .unwrap_or(SHORTEST_INTERVAL)
            .max(SHORTEST_INTERVAL);
        loop {
            let verdict = match self.judge(watch).await {
                Answer::Judged(verdict) => verdict,
                unknown @ Answer::NotKnown(_) => return unknown,
            };
            if last
                .as_ref()
                .is_none_or(|last| last.truth() != verdict.truth())
            {
                progress.say(format!(
                    "{} {}: {}",
                    verdict.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    verdict.truth().word(),
                    verdict.reason()
                ));
            }
            if verdict.truth() == Truth::Yes {
                return Answer::Judged(verdict);
            }
            let passed = SignedDuration::try_from(began.elapsed()).unwrap_or(length);
            let text = format!("waiting: {}", verdict.truth().word());
            progress.set(text.as_str(), Some((passed, length)));
            *last = Some(verdict);
            tokio::time::sleep(Duration::try_from(interval).unwrap_or_default()).await;
        }
    }

    fn wanted(&self) -> facts::Wanted<'_> {
        let max_age = self.options.max_age.map(Window::duration);
        facts::Wanted {
            names: &self.names,
            at: self.at,
            max_age: max_age.unwrap_or(self.settings.gate.max_age),
            environment: self.change.environment.as_deref(),
        }
    }

    /// Asks every source once, and judges by what is known then.
    async fn judge(&self, watch: &mut Watch) -> Answer {
        status::ask(watch, self.at, None).await;
        match self.at {
            Some(at) => status::recall(&mut watch.store, at, self.settings),
            None => status::add_gone(&mut watch.store, self.settings),
        }
        let wanted = self.wanted();
        rows::deepen(watch, &wanted, None).await;
        let collected = Collected::of(watch, &wanted).await;
        if let Some(name) = self.not_known(watch, &collected.facts) {
            return Answer::NotKnown(name);
        }
        let names = self.names.iter();
        let decisions = names.map(|name| collected.facts.decide(name, &self.change));
        let mut warnings = collected.warnings;
        warnings.extend(adjustments::warnings(
            self.settings,
            &watch.store,
            &self.names,
        ));
        Answer::Judged(self.verdict(collected.facts.at, decisions.collect(), warnings))
    }

    /// A service that nothing knows, where every source of SLOs has answered.
    fn not_known(&self, watch: &Watch, facts: &Facts) -> Option<String> {
        let is_unknown = |name: &&String| {
            let facts = facts.service(name);
            let is_sure = facts.is_none_or(|facts| facts.slos_lack.is_none());
            is_sure && !watch.store.knows_service(name)
        };
        self.names.iter().find(is_unknown).cloned()
    }

    fn verdict(&self, at: Timestamp, decisions: Vec<Decision>, warnings: Vec<String>) -> Verdict {
        Verdict {
            at,
            decisions,
            warnings,
            change: self.change.clone(),
            dry_run: self.options.dry_run,
            fail_open: self.options.fail_open,
        }
    }

    /// The verdict where the time was over before any source had answered.
    fn none_yet(&self) -> Verdict {
        let names = self.names.iter();
        let decisions = names.map(|name| Decision {
            service: name.clone(),
            verdict: Truth::Unknown,
            reason: "cannot tell: the time was over before every source had answered".to_owned(),
            policies: Vec::new(),
            exceptions: Vec::new(),
            warnings: Vec::new(),
        });
        self.verdict(Timestamp::now(), decisions.collect(), Vec::new())
    }

    /// Keeps and prints a verdict, and gives its exit status.
    fn finish(&self, verdict: &Verdict) -> ExitCode {
        kept::keep(verdict, self.settings);
        let mut text = Vec::new();
        let written = match self.options.format {
            Format::Text => print::gate::text(&mut text, verdict, &self.settings.ui.timezone),
            Format::Json => print::json(&mut text, &print::gate::GateJson::of(verdict)),
        };
        if let Err(error) = written {
            return refuse(format!("cannot print the verdict: {error}"));
        }
        let printed = super::print(&text);
        if printed != ExitCode::SUCCESS || self.options.dry_run {
            return printed;
        }
        match verdict.truth() {
            Truth::Yes => ExitCode::SUCCESS,
            Truth::No => ExitCode::from(NO),
            Truth::Unknown if self.options.fail_open => ExitCode::SUCCESS,
            Truth::Unknown => ExitCode::from(UNKNOWN),
        }
    }
}
