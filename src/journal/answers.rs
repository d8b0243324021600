//! When sources answered and when they did not: times, not single polls.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Journal, Track, happened, millis, moment, ms};
use crate::domain::blind::{Blind, Silence};
use crate::domain::{Event, Fault, SourceName};
use crate::state::database::Trouble;
use crate::store::Heard;

/// A source is not heard any more when so many of its polls are missing, as for [`Freshness`].
///
/// [`Freshness`]: crate::domain::Freshness
const MISSED: i32 = 3;
/// The longest that a source is left alone for a reason, in milliseconds: by back-off, or by what its
/// server asked for.
const LONGEST_REST: i64 = 3_600_000;

/// A time in which a source answered, or in which it failed.
#[derive(Debug)]
pub(super) struct Span {
    since: i64,
    until: i64,
    /// When it was to be asked again: until then nobody is to blame for silence.
    next: i64,
    polls: u32,
    latency: i64,
    writer: i64,
    fault: Option<Fault>,
}

/// What is known of a source at a moment, but for what it said.
#[derive(Debug, Default)]
pub(super) struct Standing {
    pub(super) last_success: Option<Timestamp>,
    pub(super) answering_since: Option<Timestamp>,
    pub(super) failed_at: Option<Timestamp>,
    pub(super) latency: Option<SignedDuration>,
    pub(super) fault: Option<Fault>,
    pub(super) failures: u32,
}

fn span(row: &rusqlite::Row<'_>) -> rusqlite::Result<Span> {
    let fault: Option<String> = row.get(6)?;
    Ok(Span {
        since: row.get(0)?,
        until: row.get(1)?,
        next: row.get(2)?,
        polls: row.get(3)?,
        latency: row.get(4)?,
        writer: row.get(5)?,
        // One that cannot be read is a fault all the same.
        fault: fault.map(|text| {
            serde_json::from_str(&text)
                .unwrap_or_else(|_| Fault::new(crate::domain::FaultKind::Crash, "it failed"))
        }),
    })
}

const COLUMNS: &str = "SELECT since, until, next, polls, latency, writer, fault FROM answer";

/// The newest span that had begun at a moment.
fn last(db: &Connection, source: i64, at: i64) -> Result<Option<Span>, Trouble> {
    let query = format!("{COLUMNS} WHERE source = ?1 AND since <= ?2 ORDER BY since DESC LIMIT 1");
    let mut statement = db.prepare_cached(&query)?;
    Ok(statement.query_row([source, at], span).optional()?)
}

/// The newest span of good answers that had begun at a moment.
fn last_good(db: &Connection, source: i64, at: i64) -> Result<Option<Span>, Trouble> {
    let query = format!(
        "{COLUMNS} WHERE source = ?1 AND since <= ?2 AND fault IS NULL ORDER BY since DESC LIMIT 1"
    );
    let mut statement = db.prepare_cached(&query)?;
    Ok(statement.query_row([source, at], span).optional()?)
}

/// Writes down that a source answered or failed, and what that means for who watches it.
pub(super) fn note(
    db: &Connection,
    track: &Track,
    heard: &Heard,
    writer: i64,
) -> Result<Option<Event>, Trouble> {
    let interval = millis(track.interval);
    let at = ms(heard.at);
    let last = last(db, track.id, i64::MAX)?;
    // A clock that went back a little changes no order.
    let at = last.as_ref().map_or(at, |last| at.max(last.until));
    let fault = heard.outcome.as_ref().err();
    let next = heard.next_try.map_or(at, ms).clamp(at, at + LONGEST_REST);
    let goes_on = |last: &Span| {
        at - last.next <= interval.saturating_mul(MISSED.into())
            && last.fault.is_some() == fault.is_some()
    };
    let latency = millis(heard.latency);
    match (&last, fault) {
        (Some(last), None) if goes_on(last) => {
            db.prepare_cached(
                "UPDATE answer
                 SET until = ?3, next = ?4, polls = polls + 1, latency = ?5, writer = ?6
                 WHERE source = ?1 AND since = ?2",
            )?
            .execute(params![track.id, last.since, at, next, latency, writer])?;
            Ok(None)
        }
        (Some(last), Some(fault)) if goes_on(last) => {
            db.prepare_cached(
                "UPDATE answer
                 SET until = ?3, next = ?4, polls = polls + 1, fault = ?5, writer = ?6
                 WHERE source = ?1 AND since = ?2",
            )?
            .execute(params![
                track.id,
                last.since,
                at,
                next,
                json(fault)?,
                writer
            ])?;
            Ok(None)
        }
        // Another process hears it: what keeps us from doing so is no fault of the source.
        (Some(last), Some(_))
            if last.fault.is_none() && last.writer != writer && at - last.until < interval * 2 =>
        {
            Ok(None)
        }
        (_, fault) => {
            let since = last.as_ref().map_or(at, |last| at.max(last.since + 1));
            db.prepare_cached("INSERT INTO answer VALUES (?1, ?2, ?2, ?3, 1, ?4, ?5, ?6)")?
                .execute(params![
                    track.id,
                    since,
                    next.max(since),
                    latency,
                    writer,
                    fault.map(json).transpose()?
                ])?;
            let failed_before = last.as_ref().is_some_and(|last| last.fault.is_some());
            Ok(match fault {
                Some(fault) if !failed_before => {
                    Some(happened::to_lost(&track.name, fault, moment(since)))
                }
                None if failed_before => {
                    let good = last_good(db, track.id, since - 1)?;
                    let known = good.as_ref().or(last.as_ref());
                    let silent = known.map_or(0, |span| since - span.until);
                    let silent = SignedDuration::from_millis(silent);
                    Some(happened::to_back(&track.name, silent, moment(since)))
                }
                _ => None,
            })
        }
    }
}

/// When a source was last asked; `None` when it never was.
pub(super) fn last_asked(db: &Connection, source: i64) -> Result<Option<Timestamp>, Trouble> {
    Ok(last(db, source, i64::MAX)?.map(|span| moment(span.until)))
}

/// When a source answered last before a moment that was just noted as an answer; `None` when that is
/// not known: answers are kept as times, of which the last poll is as old as an interval.
pub(super) fn last_good_before(
    db: &Connection,
    track: &Track,
    at: Timestamp,
) -> Result<Option<Timestamp>, Trouble> {
    let span = last_good(db, track.id, ms(at))?;
    let before = |span: Span| {
        let before = ms(at) - millis(track.interval);
        if before >= span.since {
            Ok(Some(before))
        } else {
            Ok(last_good(db, track.id, span.since - 1)?.map(|last| last.until))
        }
    };
    let before = span.map_or(Ok(None), before);
    before.map(|before: Option<i64>| before.map(moment))
}

/// How a source stood at a moment.
pub(super) fn standing(db: &Connection, track: &Track, at: Timestamp) -> Result<Standing, Trouble> {
    let at = ms(at);
    let Some(newest) = last(db, track.id, at)? else {
        return Ok(Standing::default());
    };
    let good = match newest.fault {
        None => None,
        Some(_) => last_good(db, track.id, at)?,
    };
    let good = if newest.fault.is_none() {
        Some(&newest)
    } else {
        good.as_ref()
    };
    let interval = millis(track.interval).max(1);
    // Within a span single polls are not kept: the last one is as old as it would have been.
    let heard = |span: &Span| {
        if at >= span.until {
            span.until
        } else {
            span.since + (at - span.since) / interval * interval
        }
    };
    let is_failing = newest.fault.is_some();
    Ok(Standing {
        answering_since: (!is_failing).then(|| moment(newest.since)),
        failed_at: is_failing.then(|| moment(newest.until.min(at))),
        last_success: good.map(|span| moment(heard(span))),
        latency: good.map(|span| SignedDuration::from_millis(span.latency)),
        failures: if newest.fault.is_some() {
            let since = (at - newest.since) / interval + 1;
            u32::try_from(since).unwrap_or(u32::MAX).min(newest.polls)
        } else {
            0
        },
        fault: newest.fault.clone(),
    })
}

impl Journal {
    /// Whether a watched source was asked before a moment.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn knows(&self, source: &SourceName, until: Timestamp) -> Result<bool, Trouble> {
        let Some(track) = self.places.get(source).map(|place| &self.tracks[*place]) else {
            return Ok(false);
        };
        Ok(last(&self.db, track.id, ms(until))?.is_some())
    }

    /// When nothing was known of the watched sources, oldest first, within `from..to`. Before its
    /// first answer a source was watched by nobody; one that was never asked before `to` is not told
    /// of.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn blind(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Blind>, Trouble> {
        let mut all = Vec::new();
        for track in &self.tracks {
            all.extend(self.blind_at(track, ms(from), ms(to))?);
        }
        all.sort_by_key(|blind| blind.since);
        Ok(all)
    }

    fn blind_at(&self, track: &Track, from: i64, to: i64) -> Result<Vec<Blind>, Trouble> {
        let query = format!("{COLUMNS} WHERE source = ?1 AND since < ?2 ORDER BY since");
        let mut statement = self.db.prepare_cached(&query)?;
        let spans = statement.query_map([track.id, to], span)?;
        let spans: Vec<_> = spans.collect::<Result<_, _>>()?;
        let grace = millis(track.interval).saturating_mul(MISSED.into());
        let mut found = Vec::new();
        let mut blind = |since: i64, until: Option<i64>, why: Silence| {
            if until.is_none_or(|until| until > from) {
                found.push(Blind {
                    source: track.name.clone(),
                    since: moment(since.max(from)),
                    until: until.map(moment),
                    why,
                });
            }
        };
        if let Some(first) = spans.first()
            && first.since - from > grace
        {
            blind(from, Some(first.since), Silence::Unwatched);
        }
        for (place, one) in spans.iter().enumerate() {
            let next = spans.get(place + 1);
            if let Some(fault) = &one.fault {
                // It lasts until somebody heard the source again; that nobody asked is told apart.
                let end = next.map_or(to, |next| next.since);
                if end - one.next > grace {
                    blind(one.since, Some(one.until), Silence::Failed(fault.clone()));
                } else {
                    let until = next.map(|next| next.since);
                    blind(one.since, until, Silence::Failed(fault.clone()));
                    continue;
                }
            }
            let end = next.map_or(to, |next| next.since);
            if end - one.next > grace {
                blind(one.until, next.map(|next| next.since), Silence::Unwatched);
            }
        }
        Ok(found)
    }
}

fn json(fault: &Fault) -> Result<String, Trouble> {
    serde_json::to_string(fault).map_err(|error| Trouble::Other(error.to_string()))
}
