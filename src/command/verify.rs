//! `watchfire verify`: whether errors rose after a release, watched until that is known.

use std::cell::RefCell;
use std::process::ExitCode;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use self::subjects::{Stretch, Subjects};
use self::target::{Resolved, Target};
use super::waiting::{Interrupts, Progress};
use super::{on_runtime, refuse};
use crate::cli::{self, Format};
use crate::config::{Settings, SourceSettings};
use crate::domain::{SourceName, window};
use crate::insight::verify::{
    Cause, Chosen, Missing, Outcome, STEP, Superseding, Trial, Verdict, combine, superseded,
};
use crate::print;
use crate::print::verify::{Report, VerifyJson};
use crate::source::Ask;
use crate::store::Feed;
use crate::watch::Watch;

mod subjects;
mod target;

/// How long after a step it is asked for: a scrape and the way to the server take that.
const LAG: SignedDuration = SignedDuration::from_secs(5);
/// How long after the end the last samples are waited for.
const GRACE: SignedDuration = SignedDuration::from_mins(2);
/// The time between two looks while the last samples are waited for.
const RETRY: SignedDuration = SignedDuration::from_secs(5);
/// How far back the usual lists of releases go at least.
const RECENT: SignedDuration = SignedDuration::from_hours(12);
/// The shortest time between two polls of a source of releases.
const RELEASE_POLL: SignedDuration = SignedDuration::from_secs(30);

/// Watches a release, prints what it came to, and gives the exit status of that.
pub fn run(options: &cli::Verify, settings: &Settings, watch: Watch) -> ExitCode {
    let target = match Target::new(options, settings, Timestamp::now()) {
        Ok(target) => target,
        Err(why) => return refuse(why),
    };
    let watch = relevant(watch);
    if !watch.store.feeds().iter().any(|feed| feed.offers.slos) {
        return refuse("no source measures SLOs: add one of kind `prometheus`");
    }
    let done = on_runtime(|runtime| runtime.block_on(watched(target, watch)));
    match done {
        Ok(Ok(report)) => show(options.format, settings, &report),
        Ok(Err(why)) => refuse(why),
        Err(exit) => exit,
    }
}

/// A watch of what measures SLOs or knows releases; nothing else bears on the verdict.
fn relevant(mut watch: Watch) -> Watch {
    let offers = |name: &SourceName| watch.store.feed(name).map(|feed| feed.offers);
    let is_relevant =
        |name: &SourceName| offers(name).is_some_and(|offers| offers.slos || offers.releases);
    let names: Vec<SourceName> = watch
        .sources
        .iter()
        .map(|(one, _)| one.name.clone())
        .collect();
    let names: Vec<_> = names.into_iter().filter(is_relevant).collect();
    watch
        .sources
        .retain(|(settings, _)| names.contains(&settings.name));
    watch.store = watch.store.of(&names);
    watch
}

/// The verdict, or the last one before a signal.
async fn watched(target: Target, watch: Watch) -> Result<Report, String> {
    let mut interrupts = Interrupts::listen().map_err(|error| format!("cannot start: {error}"))?;
    let last = RefCell::new(target.report(None, Timestamp::now(), nothing_yet()));
    let watching = Watching {
        target,
        watch,
        progress: Progress::new(),
        last: &last,
        polled: Timestamp::now(),
        skew: SignedDuration::ZERO,
    };
    let done = tokio::select! {
        done = watching.verdict() => Some(done),
        () = interrupts.next() => None,
    };
    done.unwrap_or_else(|| Ok(last.borrow().clone()))
}

/// The verdict before anything is known.
fn nothing_yet() -> Verdict {
    let text = "it was ended before anything was known";
    combine(Vec::new(), vec![Missing::new(Cause::Waiting, text)])
}

fn show(format: Format, settings: &Settings, report: &Report) -> ExitCode {
    let mut text = Vec::new();
    let written = match format {
        Format::Text => print::verify::text(&mut text, report, &settings.ui.timezone),
        Format::Json => print::json(&mut text, &VerifyJson::from(report)),
    };
    if let Err(error) = written {
        return refuse(format!("cannot print the verdict: {error}"));
    }
    let printed = super::print(&text);
    if printed != ExitCode::SUCCESS {
        return printed;
    }
    ExitCode::from(report.verdict.outcome.exit_status())
}

/// A release being watched.
struct Watching<'a> {
    target: Target,
    watch: Watch,
    progress: Progress,
    /// What is known by now.
    last: &'a RefCell<Report>,
    /// When sources of releases were polled last.
    polled: Timestamp,
    /// How far the clock of the server of SLOs is ahead of ours.
    skew: SignedDuration,
}

impl Watching<'_> {
    async fn verdict(mut self) -> Result<Report, String> {
        let began = Timestamp::now();
        self.progress.set("asking the sources", None);
        super::status::ask(&mut self.watch, None, None).await;
        self.take_skew();
        self.warn_of_skew();
        let (chosen, trial) = loop {
            match self.target.resolve(&self.watch.store, began, self.now())? {
                Resolved::Trial(chosen, trial) => break (chosen, trial),
                Resolved::Unknown(missing) => {
                    let verdict = combine(Vec::new(), vec![missing]);
                    return Ok(self.target.report(None, self.now(), verdict));
                }
                Resolved::Wait(missing) => self.wait_for_the_end_of_the_release(missing).await,
            }
        };
        let is_past = trial.until <= began;
        if is_past {
            // Lists of dated rows are short: an older release needs those since then.
            let is_old = trial.released.duration_until(began) > RECENT;
            let since = is_old.then_some(trial.began);
            let is_wanted = |feed: &Feed| feed.offers.slos || is_old;
            self.poll(is_wanted, (Some(trial.until), since)).await;
        }
        let mut subjects = Subjects::new(&self.watch.store, &self.target.service, trial);
        let chosen = chosen.as_deref();
        let mut is_ended = false;
        loop {
            let now = self.now();
            let is_over = now >= trial.until;
            if is_over && !is_past {
                // While late samples are waited for, the lists of releases stay as they are.
                self.poll(|feed| feed.offers.slos || !is_ended, (None, None))
                    .await;
                is_ended = true;
            } else if window::age(self.polled, now) >= RELEASE_POLL {
                self.poll_releases(now).await;
            }
            let by = self.superseding(chosen, &trial);
            // What came after another release is not due to this one.
            let end = by.as_ref().map_or(trial.until, |by| by.at.min(trial.until));
            subjects.see(&self.watch.store);
            self.ask_past(&mut subjects, (now.min(end), is_over, is_past))
                .await;
            // Of a time that was cut short only what fires counts.
            let last = trial.until - SignedDuration::from_secs(1);
            let moment = by.as_ref().map_or(now, |by| by.at.min(last));
            let missing = self.missing(by.as_ref(), &trial, &subjects, is_over);
            let verdict = combine(subjects.judge(moment), missing);
            let is_done = is_decided(&verdict, by.is_some(), (now, &trial));
            let report = self.target.report(Some((chosen, trial, by)), now, verdict);
            if is_done {
                return Ok(report);
            }
            self.last.replace(report);
            self.rest(next_look(now, &trial), &trial).await;
        }
    }

    /// The present by the clock of the server of SLOs, which its samples are dated by.
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.checked_add(self.skew).unwrap_or(now)
    }

    fn take_skew(&mut self) {
        let store = &self.watch.store;
        let measures = |settings: &SourceSettings| {
            store
                .feed(&settings.name)
                .is_some_and(|feed| feed.offers.slos)
        };
        let mut sources = self.watch.sources.iter();
        let source = sources.find(|(settings, _)| measures(settings));
        self.skew = source
            .and_then(|(_, source)| source.skew())
            .unwrap_or_default();
    }

    /// Says so where the clocks differ: times of this machine then name another moment there.
    fn warn_of_skew(&self) {
        if self.skew.abs() >= STEP {
            let way = if self.skew.is_negative() {
                "behind"
            } else {
                "ahead of"
            };
            let off = window::brief(self.skew.abs());
            self.progress.say(format!(
                "the clock of the server is {off} {way} the clock of this machine: times are taken by \
                 the server's"
            ));
        }
    }

    /// Polls the sources that offer something, for a past moment or the present, with dated rows since
    /// another one.
    async fn poll(
        &mut self,
        is_wanted: impl Fn(&Feed) -> bool,
        (at, since): (Option<Timestamp>, Option<Timestamp>),
    ) {
        let feeds = self.watch.store.feeds().iter();
        let wanted = feeds.filter(|feed| is_wanted(feed));
        let wanted: Vec<_> = wanted
            .map(|feed| (feed.name.clone(), at.filter(|_| feed.offers.slos)))
            .collect();
        let now = Timestamp::now();
        let question = |settings: &SourceSettings| {
            let (_, at) = wanted.iter().find(|(name, _)| *name == settings.name)?;
            Some(Ask {
                now,
                at: *at,
                history: false,
                since,
            })
        };
        super::status::ask_some(&mut self.watch, None, question).await;
        self.polled = self.now();
        self.take_skew();
    }

    /// Polls the sources of releases whose interval is over.
    async fn poll_releases(&mut self, now: Timestamp) {
        let is_due = |feed: &Feed| {
            let age = feed.last_success.map(|last| window::age(last, now));
            feed.offers.releases && age.is_none_or(|age| age >= feed.interval)
        };
        self.poll(is_due, (None, None)).await;
    }

    async fn wait_for_the_end_of_the_release(&mut self, missing: Missing) {
        let text = missing.text.clone();
        let verdict = combine(Vec::new(), vec![missing]);
        let report = self.target.report(None, self.now(), verdict);
        self.last.replace(report);
        self.progress.set(text, None);
        tokio::time::sleep(RETRY.unsigned_abs()).await;
        self.poll_releases(self.now()).await;
    }

    fn superseding(&self, chosen: Option<&Chosen>, trial: &Trial) -> Option<Superseding> {
        let store = &self.watch.store;
        let releases = store
            .releases()
            .map(|(feed, release)| (&feed.name, release));
        let release = chosen.map(|chosen| &chosen.release);
        superseded(
            trial,
            &self.target.service,
            release,
            releases,
            store.production(),
        )
    }

    /// Asks for the steps that are due: those since the release each time, those before it at first and
    /// at the end, when late samples have come.
    async fn ask_past(
        &mut self,
        subjects: &mut Subjects,
        (until, is_over, is_past): (Timestamp, bool, bool),
    ) {
        let at = is_past.then_some(subjects.trial.until);
        let sources = &mut self.watch.sources;
        if is_over || !subjects.has_past() {
            subjects.ask(sources, Stretch::Before, at).await;
            subjects.ask(sources, Stretch::DayBefore, at).await;
        }
        subjects.ask(sources, Stretch::Since(until), at).await;
    }

    /// What is missing of the release as a whole.
    fn missing(
        &self,
        by: Option<&Superseding>,
        trial: &Trial,
        subjects: &Subjects,
        is_over: bool,
    ) -> Vec<Missing> {
        let mut missing = Vec::new();
        missing.extend(by.map(|by| target::superseded_by(by, trial)));
        let now = self.now();
        for feed in self.watch.store.feeds() {
            let fault = feed.fault.as_ref();
            if feed.offers.slos && subjects.is_empty() {
                missing.extend(fault.map(|fault| target::failed(feed, fault)));
            } else if feed.offers.releases && !feed.offers.slos && is_over {
                let is_unknown = !feed.freshness(now).is_current();
                missing.extend(is_unknown.then(|| target::releases_unknown(feed)));
            }
        }
        if subjects.is_empty() && missing.is_empty() {
            missing.push(self.target.no_slo(&self.watch.store));
        }
        missing
    }

    /// Waits for a moment, and shows how far it is.
    async fn rest(&self, until: Timestamp, trial: &Trial) {
        loop {
            let now = self.now();
            let left = now.duration_until(until);
            if !left.is_positive() {
                return;
            }
            let passed = trial.released.duration_until(now);
            let text = self.target.progress(&self.last.borrow());
            self.progress.set(text, Some((passed, trial.length())));
            let second = Duration::from_secs(1);
            tokio::time::sleep(left.unsigned_abs().min(second)).await;
        }
    }
}

/// True when nothing that comes can change the verdict, or nothing is waited for any more.
fn is_decided(verdict: &Verdict, is_superseded: bool, (now, trial): (Timestamp, &Trial)) -> bool {
    if verdict.outcome == Outcome::Burning || is_superseded || verdict.slos.is_empty() {
        return true;
    }
    let mut slos = verdict.slos.iter();
    let is_late = slos.any(|slo| slo.cause == Cause::Stale);
    now >= trial.until && !(is_late && now < trial.until + GRACE)
}

/// When the next step can be known.
fn next_look(now: Timestamp, trial: &Trial) -> Timestamp {
    if now >= trial.until {
        return now + RETRY;
    }
    let step = STEP.as_secs();
    let passed = trial.released.duration_until(now - LAG).as_secs();
    let next = trial.released + SignedDuration::from_secs((passed.div_euclid(step) + 1) * step);
    next.min(trial.until) + LAG
}
