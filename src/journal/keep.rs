//! Keeps what a source said and what was done: each poll is one transaction.

use std::collections::HashMap;
use std::io::Write as _;

use jiff::{SignedDuration, Timestamp};
use rusqlite::blob::ZeroBlob;
use rusqlite::{Connection, MAIN_DB, TransactionBehavior, params};

use super::compare::{Change, compare};
use super::frame::{Draft, Part, parsed};
use super::tip::Tip;
use super::{Journal, Track, answers, burns, happened, moment, ms, recall};
use crate::domain::{Event, window};
use crate::state::database::Trouble;
use crate::store::Heard;

/// A clock that is this far behind the journal was set back, or was ahead when that was written.
const BEHIND: SignedDuration = SignedDuration::from_secs(60);

/// So many of the newest events are searched for the end of an incident that is listed again.
const EVENTS: i64 = 20_000;

impl Journal {
    /// Keeps what a source said; gives what happened by it. Nothing is kept of a source that is not
    /// watched, nor of an answer that is only the first part of one.
    ///
    /// # Errors
    /// When it is not in the file: a full disk, a file taken away, a clock that went back.
    pub fn keep(&mut self, heard: &Heard) -> Result<Vec<Event>, Trouble> {
        self.unlocked()?;
        let is_part = heard.outcome.as_ref().is_ok_and(|facts| facts.more);
        let Some(place) = self.places.get(&heard.source).copied() else {
            return Ok(Vec::new());
        };
        if is_part {
            return Ok(Vec::new());
        }
        let events = self.keep_once(place, heard)?;
        self.prune(heard.at)?;
        if !self.has_room()? {
            self.compact(place, heard)?;
        }
        Ok(events)
    }

    /// Keeps an answer in place of all before it, where everything else has been removed and the file
    /// is still too large.
    fn compact(&mut self, place: usize, heard: &Heard) -> Result<(), Trouble> {
        self.tracks[place].starts_anew = true;
        let kept = self.keep_once(place, heard);
        self.tracks[place].starts_anew = false;
        kept?;
        self.fit(heard.at, true)?;
        if self.has_room()? {
            return Ok(());
        }
        let track = &mut self.tracks[place];
        track.tip = None;
        self.db
            .execute("DELETE FROM frame WHERE source = ?1", [track.id])?;
        self.fit(heard.at, true)?;
        Err(Trouble::Full(format!(
            "one answer of {} is larger than the whole file may be: raise `max_size` of [journal]",
            heard.source
        )))
    }

    /// Writes an answer down: all of it or nothing.
    fn keep_once(&mut self, place: usize, heard: &Heard) -> Result<Vec<Event>, Trouble> {
        let (writer, room) = (self.writer, self.room_for_changes());
        let track = &mut self.tracks[place];
        let kept = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(Trouble::from)
            .and_then(|writing| {
                let events = keep(&writing, track, heard, (writer, room))?;
                writing.commit()?;
                Ok(events)
            });
        if kept.is_err() {
            // What was remembered on the way may not be there.
            track.tip = None;
        }
        kept
    }

    /// Keeps one thing that was done here.
    ///
    /// # Errors
    /// When it is not in the file.
    pub fn note(&mut self, event: &Event) -> Result<(), Trouble> {
        self.unlocked()?;
        let source = event.source.as_ref();
        let source = source.and_then(|name| self.places.get(name));
        write(&self.db, source.map(|place| self.tracks[*place].id), event)
    }
}

fn keep(
    db: &Connection,
    track: &mut Track,
    heard: &Heard,
    (writer, room): (i64, usize),
) -> Result<Vec<Event>, Trouble> {
    refuse_the_past(db, track, heard.at)?;
    let mut events: Vec<_> = answers::note(db, track, heard, writer)?
        .into_iter()
        .collect();
    if let Ok(facts) = &heard.outcome {
        let last: Option<i64> = db
            .prepare_cached("SELECT max(id) FROM frame WHERE source = ?1")?
            .query_row([track.id], |row| row.get(0))?;
        let mut tip = match track.tip.take() {
            Some(tip) if tip.frame == last => tip,
            // Somebody else has written since, or we begin.
            _ => learn(db, track.id)?,
        };
        if track.starts_anew || tip.has_grown(room) {
            tip.begin_anew();
        }
        let mut take_down = |slo: &str, burn: &_| burns::note(db, track.id, slo, burn);
        let answer = (facts.as_ref(), !track.is_kept);
        let mut change = compare(&mut tip, &track.name, answer, heard.at, &mut take_down)?;
        vanish(db, track, &mut change, heard.at)?;
        tell_returns(db, track.id, &mut change.events, heard.at)?;
        lose(db, track.id, &tip, &mut change)?;
        events.append(&mut change.events);
        let is_whole = change.is_whole;
        if track.starts_anew {
            db.prepare_cached("DELETE FROM frame WHERE source = ?1")?
                .execute([track.id])?;
        }
        if let Some(written) = frame(db, track.id, (change.frame, is_whole), heard.at)? {
            tip.advance(written, is_whole, heard.at);
        }
        track.tip = Some(tip);
        track.is_kept = true;
    }
    events.sort_by_key(|event| event.at);
    for event in &mut events {
        // As precisely as a moment is asked for.
        event.seen = moment(ms(heard.at));
        write(db, Some(track.id), event)?;
    }
    Ok(events)
}

/// What is dated before what is kept already could be put in no order with it.
fn refuse_the_past(db: &Connection, track: &Track, at: Timestamp) -> Result<(), Trouble> {
    let newest = answers::last_asked(db, track.id)?;
    let behind = newest.map(|newest| at.duration_until(newest));
    match behind.filter(|behind| *behind > BEHIND) {
        None => Ok(()),
        Some(behind) => Err(Trouble::Other(format!(
            "this machine's clock is {} behind what was written there: nothing is kept until it is \
             past that; set the clock, or move the journal away",
            window::brief(behind)
        ))),
    }
}

/// Learns what the newest frame of a source holds.
fn learn(db: &Connection, source: i64) -> Result<Tip, Trouble> {
    let newest = recall::rows(db, source, i64::MAX)?;
    newest.map_or_else(
        || Ok(Tip::default()),
        |(frame, at, rows)| Tip::of(frame, moment(at), &rows),
    )
}

/// Adds the ends of incidents that are over by not being in the answer, by what was known of them.
fn vanish(
    db: &Connection,
    track: &Track,
    change: &mut Change,
    now: Timestamp,
) -> Result<(), Trouble> {
    if change.vanished.is_empty() {
        return Ok(());
    }
    let last_seen = answers::last_good_before(db, track, now)?;
    let Some((.., rows)) = recall::rows(db, track.id, i64::MAX)? else {
        return Ok(());
    };
    for id in &change.vanished {
        if let Some(row) = rows.0.get(id) {
            let incident = parsed(row)?;
            let event = happened::to_missing(&track.name, &incident, last_seen, now);
            change.events.extend(event);
        }
    }
    Ok(())
}

/// Has an incident that began before the end that was told of it return instead of beginning again:
/// its source lost it for a while, and it is dated when that was seen.
fn tell_returns(
    db: &Connection,
    source: i64,
    events: &mut [Event],
    now: Timestamp,
) -> Result<(), Trouble> {
    let began = events.iter().filter_map(happened::began);
    let Some(first) = began.filter(|at| *at < now).min() else {
        return Ok(());
    };
    let mut statement = db.prepare_cached(
        "SELECT body FROM event WHERE at >= ?2 AND source = ?1 ORDER BY at DESC, id DESC LIMIT ?3",
    )?;
    let mut rows = statement.query(params![source, ms(first), EVENTS])?;
    let mut ended: HashMap<String, Timestamp> = HashMap::new();
    while let Some(row) = rows.next()? {
        let body = row.get_ref(0)?.as_str().map_err(|_| Trouble::Damaged)?;
        let told: Event = serde_json::from_str(body).map_err(|_| Trouble::Damaged)?;
        if happened::is_ending(&told) {
            let subject = told.subject.raw().to_owned();
            ended.entry(subject).or_insert(told.at);
        }
    }
    for event in events {
        let end = ended.get(event.subject.raw());
        if happened::began(event).is_some_and(|began| end.is_some_and(|end| *end > began)) {
            happened::returned(event, now);
        }
    }
    Ok(())
}

/// Has the frame say which SLOs went, by their names: those of all that ever burned are there. A whole
/// frame does not need that.
fn lose(db: &Connection, source: i64, tip: &Tip, change: &mut Change) -> Result<(), Trouble> {
    let gone = &change.gone;
    if gone.is_empty() || change.is_whole {
        return Ok(());
    }
    let mut statement = db.prepare_cached("SELECT name FROM slo WHERE source = ?1")?;
    let mut names = statement.query([source])?;
    while let Some(row) = names.next()? {
        let name = row.get_ref(0)?.as_str().map_err(|_| Trouble::Damaged)?;
        if gone.contains(&tip.key(name)) {
            for part in [Part::Numbers, Part::Slo] {
                change.frame.take((part, name.to_owned()));
            }
        }
    }
    Ok(())
}

/// Writes a frame, unless nothing is in it; gives its id and its size.
fn frame(
    db: &Connection,
    source: i64,
    (draft, is_whole): (Draft, bool),
    at: Timestamp,
) -> Result<Option<(i64, usize)>, Trouble> {
    let Some(body) = draft.body()? else {
        return Ok(None);
    };
    // Written into its place: as a parameter it would be copied twice.
    let room = ZeroBlob(u64::try_from(body.len()).unwrap_or(u64::MAX));
    db.prepare_cached("INSERT INTO frame (source, at, whole, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![source, ms(at), is_whole, room])?;
    let id = db.last_insert_rowid();
    db.blob_open(MAIN_DB, "frame", "body", id, false)?
        .write_all(&body)?;
    Ok(Some((id, body.len())))
}

pub(super) fn write(db: &Connection, source: Option<i64>, event: &Event) -> Result<(), Trouble> {
    let body = serde_json::to_string(event)
        .map_err(|error| Trouble::Other(format!("what happened cannot be written: {error}")))?;
    db.prepare_cached("INSERT INTO event (at, source, body) VALUES (?1, ?2, ?3)")?
        .execute(params![ms(event.at), source, body])?;
    Ok(())
}
