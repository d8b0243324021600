//! Keeps the files within their size: removes what is too old, and what is oldest when room runs out.
//!
//! The file has seven eighths of `max_size` and the log of writes beside it one eighth, so both
//! together never need more. What is removed is the oldest of everything; of each watched source
//! the newest answer always stays.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};

use super::{Journal, ms};
use crate::state::beside;
use crate::state::database::{self, Trouble};

/// How often there is something too old.
const CADENCE: SignedDuration = SignedDuration::from_mins(5);
/// The part of the remaining time that is removed at once while the file is too large.
const SLICES: i64 = 8;
/// The shortest time that is removed at once, in milliseconds.
const FINEST: i64 = 1_000;
/// The largest log of writes beside the file, in bytes, and its part of all room.
const LOG: u64 = 4 << 20;
const PART_OF_LOG: u64 = 8;
/// Changes of all sources since their whole frames take at most one part in so many of all room.
const PART_OF_CHANGES: u64 = 8;

impl Journal {
    /// Removes what is too old at a moment, every few minutes, and whenever room runs out, what is
    /// oldest.
    pub(super) fn prune(&mut self, now: Timestamp) -> Result<(), Trouble> {
        let is_due = self
            .pruned_at
            .is_none_or(|at| at.duration_until(now).abs() >= CADENCE);
        if is_due {
            self.pruned_at = Some(now);
            let oldest = now.saturating_sub(self.limits.keep);
            self.cut(ms(oldest.unwrap_or(Timestamp::MIN)))?;
        }
        self.fit(now, is_due)
    }

    /// Makes the files as small as they may be, if they are larger; gives free pages back then, and
    /// when it `tidies`.
    pub(super) fn fit(&self, now: Timestamp, tidies: bool) -> Result<(), Trouble> {
        let room = self.room();
        if database::size(&self.db)? > room / 16 * 15 {
            self.cut_to(room / 8 * 7, ms(now))?;
        }
        if tidies || database::file_size(&self.db)? > room {
            self.drop_set_aside();
            database::give_back(&self.db)?;
        }
        database::fold(&self.db, self.log())
    }

    /// The size that the file may grow to, in bytes.
    fn room(&self) -> u64 {
        self.limits.max_size - self.log()
    }

    /// The size that is left to the log beside the file, in bytes.
    fn log(&self) -> u64 {
        (self.limits.max_size / PART_OF_LOG).min(LOG)
    }

    /// The size in bytes that changes of one source may grow to before its next whole frame.
    pub(super) fn room_for_changes(&self) -> usize {
        let sources = u64::try_from(self.tracks.len()).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.room() / PART_OF_CHANGES / sources).unwrap_or(usize::MAX)
    }

    /// Sets how large the log beside the file may grow before it is folded into the file.
    pub(super) fn bound(&self) -> Result<(), Trouble> {
        database::bound_log(&self.db, self.log())
    }

    /// True when what the file holds is not larger than it may be.
    pub(super) fn has_room(&self) -> Result<bool, Trouble> {
        Ok(database::size(&self.db)? <= self.room())
    }

    /// Removes the oldest until so many bytes are in use at most, or only the newest is left.
    fn cut_to(&self, bytes: u64, now: i64) -> Result<(), Trouble> {
        let Some(mut before) = oldest(&self.db)? else {
            return Ok(());
        };
        while before < now && database::size(&self.db)? > bytes {
            let slice = ((now - before) / SLICES).max(FINEST);
            before = before.saturating_add(slice).min(now);
            self.cut(before)?;
            database::fold(&self.db, self.log())?;
        }
        Ok(())
    }

    /// Removes what lies before a moment (Unix milliseconds): all of it or nothing.
    fn cut(&self, before: i64) -> Result<(), Trouble> {
        // It reads before it writes: begun as a reader, it would fail whenever another process wrote
        // in between.
        let writing = Transaction::new_unchecked(&self.db, TransactionBehavior::Immediate)?;
        let watched: Vec<i64> = self.tracks.iter().map(|track| track.id).collect();
        cut(&writing, &watched, before)?;
        Ok(writing.commit()?)
    }

    /// Removes a damaged file that was set aside, once both together are larger than all room: it is
    /// older than anything that could be removed instead.
    fn drop_set_aside(&self) {
        let path = self.db.path().filter(|path| !path.is_empty());
        let Some(aside) = path.map(|path| beside(path.as_ref(), ".damaged")) else {
            return;
        };
        let size = fs::metadata(&aside).map_or(0, |file| file.len());
        let used = database::file_size(&self.db).unwrap_or(0);
        if size > 0 && used.saturating_add(size) > self.room() {
            // One that cannot be removed is tried again the next time.
            let _ = fs::remove_file(aside);
        }
    }
}

/// The date of the oldest entry of all tables, in Unix milliseconds.
fn oldest(db: &Connection) -> Result<Option<i64>, Trouble> {
    let query = "SELECT min(at) FROM (
        SELECT min(at) AS at FROM frame UNION ALL SELECT min(at) FROM event
        UNION ALL SELECT min(at) FROM burn UNION ALL SELECT min(at) FROM handoff
        UNION ALL SELECT min(since) FROM answer)";
    Ok(db.query_row(query, [], |row| row.get(0))?)
}

/// Removes what lies before a moment. Of each watched source the last whole frame before it stays,
/// with what follows, as the moment itself would be lost without it; of a source that is no longer
/// asked nothing stays.
fn cut(db: &Connection, watched: &[i64], before: i64) -> Result<(), Trouble> {
    let sources: Vec<(i64, Option<i64>)> = db
        .prepare_cached(
            "SELECT id, (SELECT max(max(until, next)) FROM answer WHERE answer.source = source.id)
             FROM source",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (source, asked) in sources {
        if !watched.contains(&source) && asked.is_none_or(|asked| asked < before) {
            forget(db, source)?;
            continue;
        }
        let kept: Option<i64> = db
            .prepare_cached(
                "SELECT id FROM frame WHERE source = ?1 AND whole = 1 AND at <= ?2
                 ORDER BY at DESC, id DESC LIMIT 1",
            )?
            .query_row([source, before], |row| row.get(0))
            .optional()?;
        if let Some(kept) = kept {
            db.prepare_cached("DELETE FROM frame WHERE source = ?1 AND id < ?2")?
                .execute([source, kept])?;
        }
    }
    for query in [
        "DELETE FROM answer WHERE until < ?1 AND since < (
            SELECT max(since) FROM answer AS kept WHERE kept.source = answer.source)",
        "DELETE FROM event WHERE at < ?1",
        "DELETE FROM burn WHERE slo IN (SELECT id FROM slo) AND at < ?1",
        "DELETE FROM handoff WHERE at < ?1",
    ] {
        db.prepare_cached(query)?.execute([before])?;
    }
    Ok(())
}

/// Removes the frames and numbers of a source that is no longer asked. Its row stays: another
/// process may begin to watch it again.
fn forget(db: &Connection, source: i64) -> Result<(), Trouble> {
    for query in [
        "DELETE FROM frame WHERE source = ?1",
        "DELETE FROM answer WHERE source = ?1",
        "DELETE FROM burn WHERE slo IN (SELECT id FROM slo WHERE source = ?1)",
        "DELETE FROM slo WHERE source = ?1",
    ] {
        db.prepare_cached(query)?.execute([source])?;
    }
    Ok(())
}
