//! `handoff`: what the next on shift has to know, as Markdown or as `watchfire/handoff/v1`.
//!
//! Foreign text is made safe twice: for a terminal, as everywhere, and for whatever shows Markdown,
//! where a title must not become a heading, a link, a picture or a tag.

use std::io::{self, Write};

use jiff::tz::TimeZone;
use serde::Serialize;

use self::words::{count, text};
use crate::domain::{Clock, IncidentStatus, Severity, SourceName, State, window};
use crate::insight::handoff::{Handoff, Standing, Topics};

mod changes;
mod rows;
pub(super) mod words;

#[cfg(test)]
mod tests;

/// A hand-over as JSON; fields are added, never changed.
#[derive(Serialize)]
pub struct HandoffJson<'a> {
    schema: &'static str,
    #[serde(flatten)]
    handoff: &'a Handoff,
}

impl<'a> From<&'a Handoff> for HandoffJson<'a> {
    fn from(handoff: &'a Handoff) -> Self {
        Self {
            schema: "watchfire/handoff/v1",
            handoff,
        }
    }
}

/// Writes a hand-over for people, as Markdown, with times of day in a zone.
///
/// # Errors
/// When it cannot be written.
pub fn markdown(out: &mut impl Write, handoff: &Handoff, zone: &TimeZone) -> io::Result<()> {
    let clock = Clock {
        zone,
        now: handoff.until,
    };
    head(out, handoff, &clock)?;
    open(out, handoff, &clock)?;
    gone(out, handoff, &clock)?;
    acked_by_me(out, handoff, &clock)?;
    changes::write(out, handoff, &clock)?;
    slos(out, handoff, &clock)?;
    budgets(out, handoff, &clock)?;
    let releases = handoff.releases.iter();
    let releases: Vec<_> = releases.map(|one| rows::release(one, &clock)).collect();
    let doubt = doubt(handoff, &clock, |topics| topics.releases);
    let none_seen = unseen(handoff, |topics| topics.releases);
    section(out, "Releases", &none_seen, &doubt, &releases)?;
    if !handoff.freezes.is_empty() {
        let freezes = handoff.freezes.iter().map(|one| rows::freeze(one, &clock));
        section(out, "Releases frozen", "", "", &freezes.collect::<Vec<_>>())?;
    }
    let silences = handoff.silences_ending.iter();
    let silences: Vec<_> = silences.map(|one| rows::silence(one, &clock)).collect();
    let next = window::brief(handoff.length());
    let title = format!("Silences ending within {next}");
    let doubt = self::doubt(handoff, &clock, |topics| topics.incidents);
    let nothing = none(handoff, "None", |topics| topics.incidents);
    section(out, &title, &nothing, &doubt, &silences)?;
    let done = handoff.done.iter().map(|one| rows::act(one, &clock));
    let lack = handoff.done_unknown.as_ref();
    let lack = lack.map_or_else(String::new, |why| format!("**Not known**: {}.", text(why)));
    section(
        out,
        "What was done from here",
        "Nothing",
        &lack,
        &done.collect::<Vec<_>>(),
    )?;
    if !handoff.notes.is_empty() {
        let notes = handoff.notes.iter().map(|one| rows::note(one, &clock));
        section(out, "Notes", "", "", &notes.collect::<Vec<_>>())?;
    }
    let none_seen = unseen(handoff, |topics| topics.incidents);
    let resolved = handoff.resolved.iter().map(|one| rows::over(one, &clock));
    section(
        out,
        "Resolved meanwhile",
        &none_seen,
        &doubt,
        &resolved.collect::<Vec<_>>(),
    )?;
    blind(out, handoff, &clock)
}

/// A heading with how many there are, who could not tell, and a line for each.
fn section(
    out: &mut impl Write,
    title: &str,
    none: &str,
    doubt: &str,
    rows: &[String],
) -> io::Result<()> {
    writeln!(out, "\n## {title} ({})\n", rows.len())?;
    match (rows.is_empty(), doubt.is_empty()) {
        (true, true) => writeln!(out, "{none}.")?,
        (true, false) => writeln!(out, "{none}, as far as is known. {doubt}")?,
        (false, true) => {}
        (false, false) => writeln!(out, "{doubt}\n")?,
    }
    for row in rows {
        writeln!(out, "- {row}")?;
    }
    Ok(())
}

/// What stands in place of rows: where nobody could tell of any, that is not none.
fn none(handoff: &Handoff, words: &str, speaks: impl Fn(&Topics) -> bool) -> String {
    if handoff.sources.iter().any(|one| speaks(&one.topics)) {
        words.to_owned()
    } else {
        "No source tells of any".to_owned()
    }
}

/// The same of what came and went: what happened in a blind spot nobody saw.
fn unseen(handoff: &Handoff, speaks: impl Fn(&Topics) -> bool) -> String {
    let is_blind = |name: &SourceName| handoff.blind_spots.iter().any(|one| one.source == *name);
    let mut sources = handoff.sources.iter();
    let words = if sources.any(|one| speaks(&one.topics) && is_blind(&one.name)) {
        "None was seen, and there were blind spots"
    } else {
        "None"
    };
    none(handoff, words, speaks)
}

/// Who could speak of something and cannot say how it stands; empty when everybody can.
fn doubt(handoff: &Handoff, clock: &Clock<'_>, speaks: impl Fn(&Topics) -> bool) -> String {
    let silent = handoff.silent(speaks).map(|one| match one.last_success {
        Some(at) => format!(
            "{} since {}",
            text(&one.name.as_str().into()),
            clock.short(at)
        ),
        None => format!("{} at all", text(&one.name.as_str().into())),
    });
    let silent: Vec<_> = silent.collect();
    if silent.is_empty() {
        return String::new();
    }
    format!("**Not known** of {}: there may be more.", silent.join(", "))
}

fn head(out: &mut impl Write, handoff: &Handoff, clock: &Clock<'_>) -> io::Result<()> {
    writeln!(
        out,
        "# Hand-over: {}",
        clock.period(handoff.since, handoff.until)
    )?;
    let by = if handoff.by.is_empty() {
        String::new()
    } else {
        format!("By {}. ", text(&handoff.by))
    };
    writeln!(out, "\n{by}{}.", summary(handoff))?;
    let answers: Vec<_> = handoff
        .sources
        .iter()
        .map(|one| heard(one, clock))
        .collect();
    writeln!(
        out,
        "\nAs of {}; last answers: {}.",
        clock.full(handoff.until),
        answers.join(", ")
    )
}

/// The shift in one line. What is not known is in it.
fn summary(handoff: &Handoff) -> String {
    let open = &handoff.open;
    let pages = open.iter().filter(|one| one.severity == Severity::Page);
    let untaken = open
        .iter()
        .filter(|one| one.status == IncidentStatus::Triggered);
    let mut words = vec![match open.len() {
        0 if !handoff.gone.is_empty() => "no incident known to be open".to_owned(),
        0 if handoff.silent(|topics| topics.incidents).next().is_some() => {
            "no incident known to be open".to_owned()
        }
        0 => "no incident open".to_owned(),
        all => format!(
            "{} open, {} of them page, {} not acked",
            count(all, "incident"),
            pages.count(),
            untaken.count()
        ),
    }];
    if !handoff.gone.is_empty() {
        let gone = count(handoff.gone.len(), "incident");
        words.push(format!("{gone} **gone**, not known to be resolved"));
    }
    let slos = &handoff.slos;
    let states = [
        State::Page,
        State::Ticket,
        State::Unknown,
        State::NoData,
        State::Ok,
    ];
    let states: Vec<_> = states
        .into_iter()
        .map(|state| (slos.count(state), state))
        .filter(|(count, _)| *count > 0)
        .map(|(count, state)| format!("{count} {}", state.word().replace('_', " ")))
        .collect();
    words.push(if states.is_empty() {
        "no SLO known".to_owned()
    } else {
        format!("SLOs: {}", states.join(", "))
    });
    if !slos.budgets_lost.is_empty() {
        words.push(format!("{} lost", count(slos.budgets_lost.len(), "budget")));
    }
    words.push(count(handoff.releases.len(), "release"));
    let blind: Vec<_> = handoff
        .blind_spots
        .iter()
        .map(|one| {
            let name = text(&one.source.as_str().into());
            format!("{name} for {}", words::length(one.total()))
        })
        .collect();
    if !blind.is_empty() {
        words.push(format!("**blind** to {}", blind.join(", ")));
    }
    words.join("; ")
}

/// When a source answered last.
fn heard(one: &Standing, clock: &Clock<'_>) -> String {
    let name = text(&one.name.as_str().into());
    let Some(at) = one.last_success else {
        return format!("{name} **never**");
    };
    let age = clock.before(at);
    if one.freshness.is_current() {
        format!("{name} {age} before")
    } else {
        let word = one.freshness.word().to_uppercase();
        format!("{name} **{word}**, {} ({age} before)", clock.short(at))
    }
}

fn open(out: &mut impl Write, handoff: &Handoff, clock: &Clock<'_>) -> io::Result<()> {
    let rows: Vec<_> = handoff
        .open
        .iter()
        .map(|one| rows::open(one, clock))
        .collect();
    let doubt = doubt(handoff, clock, |topics| topics.incidents);
    let nothing = none(handoff, "None", |topics| topics.incidents);
    section(out, "Still open", &nothing, &doubt, &rows)
}

/// Incidents that are gone; without one there is no such section.
fn gone(out: &mut impl Write, handoff: &Handoff, clock: &Clock<'_>) -> io::Result<()> {
    if handoff.gone.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = handoff
        .gone
        .iter()
        .map(|one| rows::gone(one, clock))
        .collect();
    section(out, "Gone, not known to be resolved", "", "", &rows)
}

fn acked_by_me(out: &mut impl Write, handoff: &Handoff, clock: &Clock<'_>) -> io::Result<()> {
    if !handoff.knows_me {
        writeln!(out, "\n## Acked by me\n")?;
        return writeln!(out, "Not known: no name is set in \\[me\\].");
    }
    let mine = handoff.open.iter().filter(|one| one.acked_by_me);
    let rows: Vec<_> = mine.map(|one| rows::mine(one, clock)).collect();
    let doubt = doubt(handoff, clock, |topics| topics.incidents);
    section(out, "Acked by me, still open", "None", &doubt, &rows)
}

fn slos(out: &mut impl Write, handoff: &Handoff, clock: &Clock<'_>) -> io::Result<()> {
    let slos = &handoff.slos;
    let rows: Vec<_> = slos
        .standing_out()
        .map(|one| rows::objective(one, clock))
        .collect();
    let doubt = doubt(handoff, clock, |topics| topics.slos);
    let none = if slos.rows.is_empty() {
        none(handoff, "No SLO is known", |topics| topics.slos)
    } else {
        format!("None: {} hold", count(slos.rows.len(), "SLO"))
    };
    section(out, "SLOs not known to hold", &none, &doubt, &rows)?;
    let burned: Vec<_> = slos
        .burned
        .iter()
        .map(|one| rows::burned(one, clock))
        .collect();
    if burned.is_empty() {
        return Ok(());
    }
    section(out, "Burned meanwhile", "", "", &burned)
}

fn budgets(out: &mut impl Write, handoff: &Handoff, clock: &Clock<'_>) -> io::Result<()> {
    let slos = &handoff.slos;
    let rows: Vec<_> = slos
        .budgets_lost
        .iter()
        .map(|one| rows::lost(one, handoff.since, clock))
        .collect();
    let doubt = doubt(handoff, clock, |topics| topics.slos);
    let none = none(handoff, "None", |topics| topics.slos);
    section(out, "Budgets lost", &none, &doubt, &rows)?;
    let mut rest = Vec::new();
    if slos.budgets_kept > 0 {
        let oldest = slos.budgets_kept_as_of;
        let dated = oldest.filter(|at| !clock.dated(*at).is_empty());
        let dated = dated.map_or_else(String::new, |at| {
            format!(", by samples of {} and later", clock.short(at))
        });
        rest.push(format!(
            "{} lost less than 1 % or nothing{dated}",
            count(slos.budgets_kept, "budget")
        ));
    }
    if !slos.budgets_unknown.is_empty() {
        let ids = slos.budgets_unknown.iter().map(text);
        let ids = words::some(ids.collect(), 20);
        rest.push(format!("**not known** what was lost of: {ids}"));
    }
    if rest.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}.", words::sentence(&rest.join("; ")))
}

fn blind(out: &mut impl Write, handoff: &Handoff, clock: &Clock<'_>) -> io::Result<()> {
    let spots = handoff.blind_spots.iter();
    let rows: Vec<_> = spots.flat_map(|one| rows::spots(one, clock)).collect();
    section(
        out,
        "Blind spots",
        "None: every source was heard all the time",
        "",
        &rows,
    )
}
