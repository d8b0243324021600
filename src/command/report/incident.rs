//! `watchfire report --slo`: one incident of one SLO, for a post-mortem.

use std::process::ExitCode;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::gather::{self, Gathered};
use super::past;
use crate::cli::{self, PaperFormat};
use crate::command::{UNKNOWN, explain, on_runtime, refuse, status};
use crate::config::Settings;
use crate::domain::past::{PastEvents, Steps, Tally};
use crate::domain::{Event, Observation, Slo, What};
use crate::insight::Suspect;
use crate::insight::delivery::Terms;
use crate::insight::report::incident::{BurnTime, IncidentBasis, IncidentReport};
use crate::insight::report::{Gap, Measured, whole_gaps};
use crate::print;
use crate::print::report::Heading;
use crate::print::report::incident::{IncidentJson, IncidentPage};
use crate::store::Feed;
use crate::text::Untrusted;
use crate::watch::Watch;

/// The longest incident.
const LONGEST: SignedDuration = SignedDuration::from_hours(31 * 24);
/// How much of the past before it is read at least: what its onset is compared with.
const BEFORE: SignedDuration = SignedDuration::from_hours(12);
/// And at most, for the long windows of rules.
const BEFORE_AT_MOST: SignedDuration = SignedDuration::from_hours(3 * 24);
/// Times up to this length are read by the minute.
const FINE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The answers of sources and journal about one incident.
struct Found {
    measured: Measured,
    slo: Arc<Slo>,
    period: Option<Tally>,
    burn: Option<BurnTime>,
    suspects: Vec<Suspect>,
    gathered: Gathered,
}

/// Makes the report on one incident and prints it.
pub(super) fn run(
    (options, wanted): (&cli::Report, &str),
    settings: &Settings,
    watch: Watch,
    heading: &Heading<'_>,
) -> ExitCode {
    let mut heading = *heading;
    (heading.from, heading.until) = minutes(heading.from, heading.until, heading.now);
    let (from, until) = (heading.from, heading.until);
    if from.duration_until(until) > LONGEST {
        return refuse("a report on one incident covers 31 days at most: give a later --since");
    }
    let terms = gather::terms(settings, heading.zone, (from, until));
    let found = on_runtime(|runtime| runtime.block_on(find(wanted, settings, watch, &terms)));
    let found = match found {
        Ok(Ok(found)) => found,
        Ok(Err(why)) => return refuse(why),
        Err(exit) => return exit,
    };
    let nothing = PastEvents::unknown(Arc::clone(&found.slo), fine(&found.slo, &terms));
    let past = found.measured.past.as_ref().unwrap_or(&nothing);
    let is_known = past.between(from, until).known > 0;
    let report = IncidentReport::of(IncidentBasis {
        from,
        until,
        past,
        period: found.period,
        service: &found.measured.service,
        rows: &found.gathered.rows,
        production: &settings.delivery.production,
        burn: found
            .burn
            .unwrap_or_else(|| BurnTime::of(past, (from, until))),
        suspects: found.suspects,
    });
    let page = IncidentPage {
        slo: &found.slo,
        measured: &found.measured,
        report: &report,
        notes: &notes(&found.gathered.events, &terms),
        blind: &blind(&found.gathered, &found.measured, &terms),
        unknown: unknown(&found.gathered, &found.measured),
        heading: &heading,
    };
    let mut text = Vec::new();
    let written = match options.format {
        PaperFormat::Md => print::report::incident::markdown(&mut text, &page),
        PaperFormat::Html => print::report::incident::html(&mut text, &page),
        PaperFormat::Json => print::json(&mut text, &IncidentJson::new(&page)),
    };
    if let Err(error) = written {
        return refuse(format!("cannot print the report: {error}"));
    }
    let printed = crate::command::print(&text);
    if printed == ExitCode::SUCCESS && !is_known {
        return ExitCode::from(UNKNOWN);
    }
    printed
}

/// The whole minutes that a time touches: events are read by the minute.
fn minutes(from: Timestamp, until: Timestamp, now: Timestamp) -> (Timestamp, Timestamp) {
    let minute = |second: i64| Timestamp::from_second(second * 60);
    let from = minute(from.as_second().div_euclid(60)).unwrap_or(from);
    let up = until.as_second() + i64::from(until.subsec_nanosecond() > 0);
    let end = minute((up + 59).div_euclid(60)).unwrap_or(until);
    // The last minute is not over yet.
    let before = end
        .saturating_sub(SignedDuration::from_mins(1))
        .unwrap_or(end);
    let until = if end > now && before > from {
        before
    } else {
        end
    };
    (from, until.min(now.max(from)))
}

async fn find(
    wanted: &str,
    settings: &Settings,
    mut watch: Watch,
    terms: &Terms<'_>,
) -> Result<Found, String> {
    let since = gather::since(terms);
    status::ask_since(&mut watch, since).await;
    let (source, id, _) = explain::find(&watch.store, wanted)?;
    let place = |(feed, seen): &(&Feed, &Observation)| {
        feed.name.as_str() == source && watch.store.ids_of(&seen.slo).first() == Some(&id)
    };
    let slo = watch
        .store
        .slos()
        .find(place)
        .map(|(_, seen)| Arc::clone(&seen.slo));
    let slo = slo.ok_or_else(|| format!("`{source}` returned nothing of `{wanted}`"))?;
    let measured = past::one(&mut watch, &slo, fine(&slo, terms)).await;
    let period = period(&mut watch, &slo, terms).await;
    let gathered = gather::known(settings, &watch.store, terms, None);
    let burn = measured
        .past
        .as_ref()
        .ok()
        .map(|past| BurnTime::of(past, (terms.from, terms.until)));
    let judged = burn.as_ref().and_then(|burn| burn.judged);
    let mut suspects = match judged {
        Some(at) => suspects(&mut watch, &measured, at).await,
        None => Vec::new(),
    };
    if suspects.is_empty() {
        suspects = remembered(&gathered, &measured, terms);
    }
    Ok(Found {
        measured,
        slo,
        period,
        burn,
        suspects,
        gathered,
    })
}

/// The steps of an incident, and of what lies before it.
fn fine(slo: &Slo, terms: &Terms<'_>) -> Steps {
    let windows = slo.rules.iter().map(|rule| rule.long.duration());
    let before = windows
        .max()
        .unwrap_or(BEFORE)
        .clamp(BEFORE, BEFORE_AT_MOST);
    let from = terms.from.saturating_sub(before).unwrap_or(Timestamp::MIN);
    let step = if from.duration_until(terms.until) <= FINE {
        SignedDuration::from_mins(1)
    } else {
        SignedDuration::from_mins(5)
    };
    Steps::new(from, terms.until, step)
}

/// The events of the period so far, at the end of the time.
async fn period(watch: &mut Watch, slo: &Arc<Slo>, terms: &Terms<'_>) -> Option<Tally> {
    let length = slo.period.elapsed(terms.until, terms.zone).duration();
    let from = terms.until.checked_sub(length).ok()?;
    let step = SignedDuration::from_mins(30).min(length);
    let past = past::one(watch, slo, Steps::new(from, terms.until, step))
        .await
        .past
        .ok()?;
    let tally = past.between(from, terms.until);
    (past.counted && tally.known > 0).then_some(tally)
}

/// The suspects that `status --at` names at a moment late in the first burn.
async fn suspects(watch: &mut Watch, measured: &Measured, at: Timestamp) -> Vec<Suspect> {
    status::ask(watch, Some(at), None).await;
    let insight = watch.store.insights().slo(&measured.source, &measured.id);
    insight.map_or_else(Vec::new, |insight| insight.suspects.clone())
}

/// The suspects that the journal kept of burns that began within the time.
fn remembered(gathered: &Gathered, measured: &Measured, terms: &Terms<'_>) -> Vec<Suspect> {
    let burns = gathered.burns.iter().filter(|(_, burn)| {
        burn.slo == measured.id && burn.onset >= terms.from && burn.onset < terms.until
    });
    let suspects = burns.filter_map(|(_, burn)| {
        let (source, release) = &burn.release;
        let mut rows = gathered.rows.releases.iter();
        let (_, row) = rows.find(|(by, row)| by == source && row.id == *release)?;
        let arrived = row.finished_at.or(row.started_at)?;
        Some(Suspect {
            source: source.clone(),
            release: release.clone(),
            service: row.service.clone(),
            version: row.version.clone(),
            score: burn.score,
            lead: arrived.duration_until(burn.onset).max(SignedDuration::ZERO),
            reason: "as the journal kept it".into(),
        })
    });
    let mut suspects: Vec<_> = suspects.collect();
    suspects.sort_by(|a, b| b.score.total_cmp(&a.score));
    suspects.dedup_by(|a, b| (&a.source, &a.release) == (&b.source, &b.release));
    suspects
}

/// Notes of the journal within the time.
fn notes<'a>(events: &'a [Event], terms: &Terms<'_>) -> Vec<(&'a Event, &'a Untrusted)> {
    let within = events
        .iter()
        .filter(|one| one.at >= terms.from && one.at < terms.until);
    let notes = within.filter_map(|event| match &event.what {
        What::Note { text, .. } => Some((event, text)),
        _ => None,
    });
    notes.collect()
}

/// Times in which the SLO, releases or incidents were unknown.
fn blind(gathered: &Gathered, measured: &Measured, terms: &Terms<'_>) -> Vec<Gap> {
    let within = |gaps: Vec<(Timestamp, Timestamp)>| {
        let parts = gaps.into_iter();
        let parts = parts.map(|(from, until)| (from.max(terms.from), until.min(terms.until)));
        parts
            .filter(|(from, until)| from < until)
            .collect::<Vec<_>>()
    };
    let mut witnesses = gathered.witnesses.clone();
    for (name, one) in &mut witnesses {
        let is_source = *name == measured.source;
        one.slos = is_source.then(|| within(past::gaps(measured, terms)));
    }
    whole_gaps(&witnesses)
}

/// Why rows may be missing.
fn unknown(gathered: &Gathered, measured: &Measured) -> Vec<String> {
    let mut all: Vec<String> = match &measured.past {
        Ok(past) => past
            .reasons
            .iter()
            .map(|one| one.text.raw().to_owned())
            .collect(),
        Err(why) => vec![format!("events: {}", why.shown())],
    };
    for (name, one) in &gathered.witnesses {
        let topics = [("releases", &one.releases), ("incidents", &one.incidents)];
        for (topic, gaps) in topics {
            if gaps.as_ref().is_some_and(|gaps| !gaps.is_empty()) {
                all.push(format!("{topic}: {name} is blind: {}", one.why.shown()));
            }
        }
    }
    let witnesses = &gathered.witnesses;
    if witnesses.iter().all(|(_, one)| one.incidents.is_none()) {
        all.push("acknowledgement: no source of incidents".to_owned());
    }
    if witnesses.iter().all(|(_, one)| one.releases.is_none()) {
        all.push("suspect, roll-back: no source of releases".to_owned());
    }
    all
}
