//! `watchfire --plain`: what changes, a sentence a line, for screen readers and logs.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::mpsc;

use super::{is_reader_gone, on_runtime, print};
use crate::act::Leave;
use crate::config::Loaded;
use crate::domain::State;
use crate::pane::{Charts, Entry, Folds, Growth, INCIDENTS, PANES, SLOS, Sight, cell, fresh};
use crate::poll::{Ears, Polls};
use crate::store::Store;
use crate::watch::Watch;

/// How often ages are looked at while nothing answers.
const TICK: Duration = Duration::from_secs(5);
/// How many answers may wait.
const WAITING: usize = 64;

/// Prints changes until it is interrupted or its reader is gone.
pub(super) fn run(loaded: &Loaded, watch: Watch) -> ExitCode {
    let zone = loaded.settings.ui.timezone.clone();
    match on_runtime(|runtime| runtime.block_on(follow(watch, zone))) {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn follow(watch: Watch, zone: TimeZone) -> ExitCode {
    let (reports, mut answers) = mpsc::channel(WAITING);
    let ears = Ears::of_reports(reports);
    let mut store = watch.store;
    let _polls = Polls::start(watch.sources, &ears, &Leave::default());
    let mut changes = Changes::new(zone);
    let mut ticks = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            Some(report) = answers.recv() => drop(store.absorb(report)),
            _ = ticks.tick() => {}
            _ = tokio::signal::ctrl_c() => return ExitCode::SUCCESS,
        }
        if is_reader_gone() {
            return ExitCode::SUCCESS;
        }
        let lines = changes.lines(&store, Timestamp::now());
        if lines.is_empty() {
            continue;
        }
        let exit = print(lines.as_bytes());
        if exit != ExitCode::SUCCESS {
            return exit;
        }
    }
}

/// The state of each row that was printed last.
struct Changes {
    zone: TimeZone,
    /// By what it is about: the state that was printed.
    states: BTreeMap<String, String>,
}

impl Changes {
    fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            states: BTreeMap::new(),
        }
    }

    /// The lines of what has changed, each with the time before it.
    fn lines(&mut self, store: &Store, now: Timestamp) -> String {
        let zone = self.zone.clone();
        let (folds, growth, charts) = (Folds::default(), Growth::default(), Charts::default());
        let sight = Sight {
            store,
            now,
            zone: &zone,
            folds: &folds,
            growth: &growth,
            charts: &charts,
        };
        let mut lines = self.sources(sight);
        lines.extend(self.slos(sight));
        lines.extend(self.incidents(sight));
        let time = now.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string();
        let dated = lines.into_iter().map(|line| format!("{time} {line}\n"));
        dated.collect()
    }

    /// True when this was not printed yet of that.
    fn is_new(&mut self, what: String, state: &str) -> bool {
        let before = self.states.insert(what, state.to_owned());
        before.is_none_or(|before| before != state)
    }

    /// Sources that answer no more, or again.
    fn sources(&mut self, sight: Sight<'_>) -> Vec<String> {
        let mut lines = Vec::new();
        for feed in sight.store.feeds().iter().filter(|feed| !feed.is_waiting()) {
            let is_current = feed.freshness(sight.now).is_current();
            let state = if is_current {
                "answers"
            } else {
                "does not answer"
            };
            if self.is_new(format!("source {}", feed.name), state) {
                let words = fresh::sentence(feed, sight.now).words();
                lines.push(format!("source {words}"));
            }
        }
        lines
    }

    /// SLOs that changed their state, and how many are in which.
    fn slos(&mut self, sight: Sight<'_>) -> Vec<String> {
        let pane = PANES[SLOS];
        let mut lines = Vec::new();
        let mut counts: BTreeMap<State, usize> = BTreeMap::new();
        for entry in &pane.board(sight.store).entries {
            let state = state_of(sight, entry);
            *counts.entry(state).or_insert(0) += 1;
            let key = &entry.key;
            let what = format!("slo {} {} {}", key.source, key.id.raw(), key.nth);
            let is_first = !self.states.contains_key(&what);
            let is_calm = state == State::Ok;
            if self.is_new(what, state.word()) && !(is_first && is_calm) {
                lines.push(pane.summary(sight, entry));
            }
        }
        let counted = counts.iter().rev();
        let counted = counted.map(|(state, count)| format!("{count} {}", cell::state_word(*state)));
        let total = counted.collect::<Vec<_>>().join(", ");
        if !total.is_empty() && self.is_new("total".to_owned(), &total) {
            lines.insert(0, format!("SLOs: {total}"));
        }
        lines
    }

    /// Incidents that page and that nobody has, and those that do so no more.
    fn incidents(&mut self, sight: Sight<'_>) -> Vec<String> {
        let pane = PANES[INCIDENTS];
        let mut lines = Vec::new();
        let mut current = Vec::new();
        for entry in &pane.board(sight.store).entries {
            if !pane.is_pressing(sight, entry) {
                continue;
            }
            let key = &entry.key;
            let what = format!("incident {} {} {}", key.source, key.id.raw(), key.nth);
            current.push(what.clone());
            if self.is_new(what, "pages") {
                lines.push(format!("incident {}", pane.summary(sight, entry)));
            }
        }
        let over: Vec<_> = self
            .states
            .keys()
            .filter(|what| what.starts_with("incident ") && !current.contains(what))
            .cloned()
            .collect();
        for what in over {
            self.states.remove(&what);
            let shown = crate::text::Shown::new(&what);
            lines.push(format!("{} needs nobody any more", shown.as_str()));
        }
        lines
    }
}

/// The state of an SLO, unknown where its source does not answer.
fn state_of(sight: Sight<'_>, entry: &Entry) -> State {
    match entry.standing {
        Some((state, _)) if !sight.is_old(entry) => state,
        _ => State::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::{
        Facts, Fault, FaultKind, Incident, IncidentStatus, Report, Severity, SourceName,
    };
    use crate::store::{Feed, Offers};

    fn report(outcome: Result<Facts, Fault>, at: Timestamp) -> Report {
        Report {
            source: SourceName::new("am"),
            at,
            latency: SignedDuration::from_millis(3),
            next_try: None,
            outcome,
        }
    }

    #[test]
    fn a_change_is_one_line_and_what_stays_is_none() {
        let offers = Offers {
            incidents: true,
            ..Offers::default()
        };
        let span = SignedDuration::from_secs;
        let feed = Feed::new(
            SourceName::new("am"),
            "alertmanager",
            offers,
            span(15),
            span(300),
        );
        let mut store = Store::new(vec![feed]);
        let mut changes = Changes::new(TimeZone::UTC);
        let now = Timestamp::from_second(1_795_356_000).unwrap();
        assert_eq!(changes.lines(&store, now), "", "nothing answered yet");
        let mut incident = Incident::new(
            "i1",
            "checkout burns",
            Severity::Page,
            IncidentStatus::Triggered,
        );
        incident.service = "checkout".into();
        incident.opened_at = Some(now);
        let facts = |incidents: Vec<Incident>| Facts {
            incidents: Some(incidents),
            ..Facts::default()
        };
        store.absorb(report(Ok(facts(vec![incident])), now));
        let lines = changes.lines(&store, now);
        assert!(lines.contains("source am live\n"), "{lines}");
        assert!(
            lines.contains("incident i1 PAGE checkout: checkout burns"),
            "{lines}"
        );
        assert_eq!(changes.lines(&store, now + span(5)), "");
        store.absorb(report(Ok(facts(Vec::new())), now + span(15)));
        let lines = changes.lines(&store, now + span(15));
        assert!(
            lines.ends_with("incident am i1 0 needs nobody any more\n"),
            "{lines}"
        );
        store.absorb(report(
            Err(Fault::new(FaultKind::Connect, "refused")),
            now + span(30),
        ));
        assert_eq!(
            changes.lines(&store, now + span(30)),
            "",
            "late is not lost"
        );
        let lines = changes.lines(&store, now + span(100));
        assert!(lines.contains("source am STALE 1m: refused"), "{lines}");
    }
}
