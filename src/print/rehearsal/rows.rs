//! The rows of one source as they were mapped, every sort that it speaks of in a table.

use std::io::{self, Write};

use jiff::{Timestamp, Unit};

use crate::domain::{Incident, Observation, OnCall, Reading, Release, Silence, Window, window};
use crate::print::table;
use crate::store::Store;
use crate::text::{Shown, Untrusted};

/// Writes them, times as ages where they are past.
pub(super) fn write(out: &mut impl Write, store: &Store, now: Timestamp) -> io::Result<()> {
    for facts in store.feeds().iter().map(|feed| &feed.facts) {
        if let Some(rows) = &facts.slos {
            let heading = [
                "SLO",
                "OBJECTIVE",
                "PERIOD",
                "STATE",
                "ERROR RATIO",
                "OBSERVED",
            ];
            section(out, "SLOs", &heading, rows.iter().map(slo))?;
        }
        if let Some(rows) = &facts.releases {
            let heading = [
                "RELEASE",
                "ID",
                "SERVICE",
                "ENVIRONMENT",
                "STATUS",
                "STARTED",
                "FINISHED",
                "BY",
            ];
            section(
                out,
                "releases",
                &heading,
                rows.iter().map(|row| release(row, now)),
            )?;
        }
        if let Some(rows) = &facts.incidents {
            let heading = [
                "INCIDENT", "ID", "SERVICE", "SEVERITY", "STATUS", "OPENED", "RESOLVED",
                "ASSIGNED", "TEAMS",
            ];
            section(
                out,
                "incidents",
                &heading,
                rows.iter().map(|row| incident(row, now)),
            )?;
        }
        if let Some(rows) = &facts.silences {
            let heading = ["SILENCE", "BY", "FROM", "UNTIL", "WHY"];
            section(out, "silences", &heading, rows.iter().map(silence))?;
        }
        if let Some(rows) = &facts.on_call {
            let heading = ["ON CALL", "SCHEDULE", "LEVEL", "FROM", "UNTIL", "SERVICES"];
            section(out, "shifts", &heading, rows.iter().map(shift))?;
        }
    }
    Ok(())
}

fn section(
    out: &mut impl Write,
    what: &str,
    heading: &[&str],
    rows: impl Iterator<Item = Vec<Shown>>,
) -> io::Result<()> {
    let rows: Vec<_> = rows.collect();
    writeln!(out)?;
    if rows.is_empty() {
        return writeln!(out, "no {what}");
    }
    table::whole(out, heading, &rows)
}

fn slo(row: &Observation) -> Vec<Shown> {
    let windows = row.windows.iter();
    let told = windows.filter(|(_, sample)| sample.reading != Reading::Unknown);
    let mut ratios: Vec<_> = told
        .map(|(window, sample)| ratio(window, sample.reading))
        .collect();
    let missing = row.windows.len() - ratios.len();
    if missing > 0 {
        ratios.push(format!("{missing} windows unknown"));
    }
    vec![
        row.slo.id().shown(),
        Shown::new(row.slo.objective.to_string()),
        Shown::new(row.slo.period.to_string()),
        Shown::new(row.assess().state.word()),
        Shown::new(ratios.join(", ")),
        moment(Some(row.at)),
    ]
}

fn ratio(window: Window, reading: Reading) -> String {
    match reading {
        Reading::Ratio(ratio) => format!("{window} {ratio}"),
        Reading::NoTraffic => format!("{window} no traffic"),
        Reading::NoSeries => format!("{window} no series"),
        Reading::Unknown => format!("{window} unknown"),
    }
}

fn release(row: &Release, now: Timestamp) -> Vec<Shown> {
    vec![
        row.version.shown(),
        row.id.shown(),
        said(&row.service),
        said(&row.environment),
        Shown::new(row.status.word()),
        age(row.started_at, now),
        age(row.finished_at, now),
        text(row.actor.as_ref()),
    ]
}

fn incident(row: &Incident, now: Timestamp) -> Vec<Shown> {
    vec![
        row.title.shown(),
        row.id.shown(),
        said(&row.service),
        Shown::new(row.severity.word()),
        Shown::new(row.status.word()),
        age(row.opened_at, now),
        age(row.resolved_at, now),
        list(&row.assignees),
        list(&row.teams),
    ]
}

fn silence(row: &Silence) -> Vec<Shown> {
    vec![
        row.id.shown(),
        row.created_by.shown(),
        moment(Some(row.starts_at)),
        moment(Some(row.ends_at)),
        said(&row.comment),
    ]
}

fn shift(row: &OnCall) -> Vec<Shown> {
    let level = row
        .level
        .map_or_else(|| "-".to_owned(), |level| level.to_string());
    vec![
        row.who.shown(),
        said(&row.schedule),
        Shown::new(level),
        moment(row.from),
        moment(row.until),
        list(&row.services),
    ]
}

fn said(text: &Untrusted) -> Shown {
    if text.is_empty() {
        Shown::new("-")
    } else {
        text.shown()
    }
}

fn text(text: Option<&Untrusted>) -> Shown {
    text.map_or_else(|| Shown::new("-"), Untrusted::shown)
}

fn list(texts: &[Untrusted]) -> Shown {
    let texts: Vec<_> = texts.iter().map(|text| text.shown().to_string()).collect();
    Shown::new(if texts.is_empty() {
        "-".to_owned()
    } else {
        texts.join(", ")
    })
}

fn moment(at: Option<Timestamp>) -> Shown {
    let at = at.map(|at| at.round(Unit::Second).unwrap_or(at));
    Shown::new(at.map_or_else(|| "-".to_owned(), |at| at.to_string()))
}

/// How long ago something was; one to come is told as a moment.
fn age(then: Option<Timestamp>, now: Timestamp) -> Shown {
    match then {
        Some(then) if then <= now => Shown::new(window::brief(window::age(then, now))),
        then => moment(then),
    }
}
