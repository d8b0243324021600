//! Gives back the world as it was known at a moment.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _};

use super::frame::{Frame, Rows};
use super::{Journal, answers, burns, moment, ms};
use crate::domain::slo::{History, narrowed};
use crate::domain::{Event, Observation};
use crate::state::database::Trouble;
use crate::store::{Past, World};

/// How many events before a moment are given with its world, and how many after it.
/// Each costs some microseconds, and a key waits for them.
const BEFORE: usize = 400;
const AFTER: usize = 100;

/// The recent past of an SLO is so many points, so far apart; that of more SLOs than this is not
/// drawn, since nobody should wait for it.
const POINTS: i32 = 60;
const STEP: SignedDuration = SignedDuration::from_mins(3);
const DRAWN: usize = 300;
/// A sample stands for what follows it until the next one is due, and a little longer.
const HOLDS: SignedDuration = SignedDuration::from_mins(12);

/// The rows of a source at a moment (Unix milliseconds), with the newest frame that they are of and
/// when that was made; `None` before its first answer.
pub(super) fn rows(
    db: &Connection,
    source: i64,
    at: i64,
) -> Result<Option<(i64, i64, Rows)>, Trouble> {
    let whole: Option<(i64, i64, Vec<u8>)> = db
        .prepare_cached(
            "SELECT id, at, body FROM frame WHERE source = ?1 AND whole = 1 AND at <= ?2
             ORDER BY at DESC, id DESC LIMIT 1",
        )?
        .query_row([source, at], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((mut id, mut made, body)) = whole else {
        return Ok(None);
    };
    let mut rows = Rows::default();
    rows.apply(Frame::read(&body)?);
    let mut statement = db.prepare_cached(
        "SELECT id, at, body FROM frame
         WHERE source = ?1 AND whole = 0 AND at >= ?2 AND at <= ?3 AND id > ?4 ORDER BY at, id",
    )?;
    let mut changes = statement.query([source, made, at, id])?;
    while let Some(change) = changes.next()? {
        (id, made) = (change.get(0)?, change.get(1)?);
        let body = change.get_ref(2)?.as_blob().map_err(|_| Trouble::Damaged)?;
        rows.apply(Frame::read(body)?);
    }
    Ok(Some((id, made, rows)))
}

/// Gives SLOs the recent past of their error ratios, as far as it was sampled.
fn draw(
    db: &Connection,
    source: i64,
    slos: &mut [Observation],
    at: Timestamp,
) -> Result<(), Trouble> {
    if slos.len() > DRAWN {
        return Ok(());
    }
    let from = at.saturating_sub(STEP * POINTS).unwrap_or(Timestamp::MIN);
    for seen in slos {
        let burns = burns::between(db, source, seen.slo.id().raw(), (ms(from), ms(at)))?;
        let mut burns = burns.iter().peekable();
        let mut newest = None;
        let ratios = (0..=POINTS).map(|point| {
            let moment = from.saturating_add(STEP * point).unwrap_or(at);
            while let Some(burn) = burns.next_if(|burn| burn.at <= moment) {
                newest = Some(burn);
            }
            let known = newest.filter(|burn| moment.duration_since(burn.at) <= HOLDS);
            let ratio = known.and_then(|burn| Some(burn.short? * seen.slo.error_budget()));
            ratio.map_or(f32::NAN, narrowed)
        });
        seen.history = History::on_grid(from, STEP, ratios.collect::<Vec<_>>());
    }
    Ok(())
}

impl Journal {
    /// The world as it was known at a moment, of the watched sources.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn world(&self, at: Timestamp) -> Result<World, Trouble> {
        // All of it of one state of the file, whoever writes meanwhile.
        let reading = self.db.unchecked_transaction()?;
        let mut past = Vec::with_capacity(self.tracks.len());
        for track in &self.tracks {
            let standing = answers::standing(&reading, track, at)?;
            let rows = rows(&reading, track.id, ms(at))?;
            let mut facts = rows.map(|(.., rows)| rows.facts()).transpose()?;
            if let Some(slos) = facts.as_mut().and_then(|facts| facts.slos.as_mut()) {
                draw(&reading, track.id, slos, at)?;
            }
            past.push(Past {
                source: track.name.clone(),
                facts: Arc::new(facts.unwrap_or_default()),
                last_success: standing.last_success,
                answering_since: standing.answering_since,
                failed_at: standing.failed_at,
                latency: standing.latency,
                fault: standing.fault,
                failures: standing.failures,
            });
        }
        let reach = self.reach()?;
        let mut events = self.events_before(at, BEFORE)?;
        events.extend(self.events_after(at, AFTER)?);
        reading.finish()?;
        Ok(World {
            at,
            since: reach.map(|(since, _)| since),
            past,
            events: Arc::new(events.into_iter().map(Arc::new).collect()),
        })
    }

    /// The last events until a moment, oldest first: at most so many, of the watched sources and of
    /// what was done here.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn events_before(&self, at: Timestamp, most: usize) -> Result<Vec<Event>, Trouble> {
        let mut events = self.events(
            "SELECT source, body FROM event WHERE at <= ?1 ORDER BY at DESC, id DESC",
            at,
            most,
        )?;
        events.reverse();
        Ok(events)
    }

    /// The first events after a moment, likewise.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn events_after(&self, at: Timestamp, most: usize) -> Result<Vec<Event>, Trouble> {
        self.events(
            "SELECT source, body FROM event WHERE at > ?1 ORDER BY at, id",
            at,
            most,
        )
    }

    fn events(&self, query: &str, at: Timestamp, most: usize) -> Result<Vec<Event>, Trouble> {
        let mut statement = self.db.prepare_cached(query)?;
        let mut rows = statement.query([ms(at)])?;
        let mut events = Vec::new();
        while events.len() < most
            && let Some(row) = rows.next()?
        {
            let source: Option<i64> = row.get(0)?;
            let is_ours =
                source.is_none_or(|source| self.tracks.iter().any(|track| track.id == source));
            if is_ours {
                let body = row.get_ref(1)?.as_str().map_err(|_| Trouble::Damaged)?;
                events.push(serde_json::from_str(body).map_err(|_| Trouble::Damaged)?);
            }
        }
        Ok(events)
    }

    /// From when to when anything is known of the watched sources; `None` when nothing is.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn reach(&self) -> Result<Option<(Timestamp, Timestamp)>, Trouble> {
        let mut reach: Option<(i64, i64)> = None;
        for track in &self.tracks {
            // What is known begins with a frame; of a source that only failed, with that.
            let mut statement = self.db.prepare_cached(
                "SELECT coalesce(
                    (SELECT min(at) FROM frame WHERE source = ?1 AND whole = 1), min(since)), max(until)
                 FROM answer WHERE source = ?1",
            )?;
            let (first, last): (Option<i64>, Option<i64>) =
                statement.query_row([track.id], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if let (Some(first), Some(last)) = (first, last) {
                let (from, to) = reach.unwrap_or((first, last));
                reach = Some((from.min(first), to.max(last)));
            }
        }
        Ok(reach.map(|(first, last)| (moment(first), moment(last))))
    }
}
