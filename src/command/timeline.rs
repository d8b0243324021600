//! `watchfire timeline`: what happened in a time, from the journal and from the dated rows of sources.

use std::collections::HashSet;
use std::process::ExitCode;

use jiff::Timestamp;

use super::report::gather::{self, Gathered};
use super::{UNKNOWN, refuse};
use crate::cli::{self, EventFormat};
use crate::config::Settings;
use crate::domain::{Event, SourceName, What};
use crate::insight::report::{happened, whole_gaps};
use crate::pane::timeline::plain;
use crate::print;
use crate::print::timeline::{Line, TimelineJson};
use crate::text::Untrusted;
use crate::watch::Watch;

/// Prints what happened.
pub fn run(options: &cli::Timeline, settings: &Settings, watch: Watch) -> ExitCode {
    let zone = &settings.ui.timezone;
    let now = Timestamp::now();
    let (from, until) = gather::span(options.since, options.until, (now, zone));
    if from >= until {
        return refuse(format!(
            "--since ({from}) is not before the end ({until}): write `--since 2h`, or an earlier moment"
        ));
    }
    let terms = gather::terms(settings, zone, (from, until));
    let gathered = match gather::all(settings, watch, &terms, false) {
        Ok(gathered) => gathered,
        Err(exit) => return exit,
    };
    let blind = whole_gaps(&gathered.witnesses);
    let is_blind = gathered.is_blind();
    let all = events(gathered, (from, until), now);
    let is_wanted = |event: &&(Event, Option<Timestamp>)| {
        let service = event.0.service.raw();
        let is_note = matches!(event.0.what, What::Note { .. });
        let mut wanted = options.service.iter();
        options.service.is_empty() || is_note || wanted.any(|one| one == service)
    };
    let lines: Vec<_> = all.iter().filter(is_wanted).map(line).collect();
    let mut text = Vec::new();
    let written = match options.format {
        EventFormat::Md => print::timeline::markdown(&mut text, &lines, (from, until)),
        EventFormat::Csv => print::timeline::csv(&mut text, &lines),
        EventFormat::Json => {
            let json = TimelineJson::new(&lines, &blind, (from, until), now);
            print::json(&mut text, &json)
        }
    };
    if let Err(error) = written {
        return refuse(format!("cannot print the timeline: {error}"));
    }
    let printed = super::print(&text);
    if printed == ExitCode::SUCCESS && lines.is_empty() && is_blind {
        return ExitCode::from(UNKNOWN);
    }
    printed
}

/// Every event of the time with when it was learned of, oldest first: those of the journal, and those
/// that the rows of sources tell beside it.
fn events(
    gathered: Gathered,
    (from, until): (Timestamp, Timestamp),
    now: Timestamp,
) -> Vec<(Event, Option<Timestamp>)> {
    let within = |event: &Event| event.at >= from && event.at <= until;
    let mut seen: HashSet<Told> = HashSet::new();
    let mut all = Vec::new();
    for event in gathered.events.into_iter().filter(within) {
        seen.extend(told(&event));
        all.push((event.clone(), Some(event.seen)));
    }
    for event in happened(&gathered.rows).into_iter().filter(within) {
        if told(&event).is_none_or(|told| seen.insert(told)) {
            // What no journal saw is learned of with this poll.
            all.push((event, Some(now)));
        }
    }
    all.sort_by_key(|(event, _)| event.at);
    all
}

/// What makes two tellings one: the row, its turn, and the second for what can come again.
type Told = (Option<SourceName>, Untrusted, &'static str, Option<i64>);

fn told(event: &Event) -> Option<Told> {
    let (word, second) = match &event.what {
        What::Release { status, .. } => (status.word(), None),
        What::Incident { turn, .. } => (turn.word(), Some(event.at.as_second())),
        _ => return None,
    };
    Some((event.source.clone(), event.subject.clone(), word, second))
}

fn line((event, seen): &(Event, Option<Timestamp>)) -> Line {
    let (state, what) = plain(event);
    let said = |text: &Untrusted| (!text.is_empty()).then(|| text.clone());
    Line {
        at: event.at,
        seen: *seen,
        kind: kind(&event.what),
        state,
        service: said(&event.service),
        source: event.source.clone(),
        id: said(&event.subject),
        what,
    }
}

fn kind(what: &What) -> &'static str {
    match what {
        What::Slo { .. } => "slo",
        What::Release { .. } => "release",
        What::Incident { .. } => "incident",
        What::Lost { .. } | What::Back { .. } => "source",
        What::Done { .. } => "action",
        What::Note { .. } => "note",
        What::Freeze { .. } => "freeze",
        What::Linked { .. } => "link",
    }
}
