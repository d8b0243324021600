//! Takes away what is too old, and when the file is too large, what is oldest.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _};

use super::{Journal, ms};
use crate::state::database::{self, Trouble};

/// How often there is something to take away.
const CADENCE: SignedDuration = SignedDuration::from_mins(5);
/// How much goes at a time while the file is too large: one part of its time in so many.
const SLICES: i64 = 16;
/// How many slices go at most before the rest waits for the next time.
const MOST: usize = 64;

impl Journal {
    /// Takes away what is too old at a moment, every few minutes.
    pub(super) fn prune(&mut self, now: Timestamp) -> Result<(), Trouble> {
        let is_due = self
            .pruned_at
            .is_none_or(|at| at.duration_until(now).abs() >= CADENCE);
        if !is_due {
            return Ok(());
        }
        self.pruned_at = Some(now);
        let limits = self.limits;
        let oldest = now.saturating_sub(limits.keep).unwrap_or(Timestamp::MIN);
        let writing = self.db.transaction()?;
        cut(&writing, ms(oldest))?;
        for _ in 0..MOST {
            if database::size(&writing)? <= limits.max_size {
                break;
            }
            let first: Option<i64> =
                writing.query_row("SELECT min(at) FROM frame", [], |row| row.get(0))?;
            let Some(first) = first.filter(|first| *first < ms(now)) else {
                break;
            };
            cut(&writing, first + ((ms(now) - first) / SLICES).max(1))?;
        }
        writing.commit()?;
        database::give_back(&self.db)
    }
}

/// Takes away what lies before a moment. Of each source the last whole frame before it stays, with
/// what follows: without that the moment itself would be lost.
fn cut(db: &Connection, before: i64) -> Result<(), Trouble> {
    let sources: Vec<i64> = db
        .prepare_cached("SELECT id FROM source")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for source in sources {
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
        "DELETE FROM burn WHERE at < ?1",
        "DELETE FROM handoff WHERE at < ?1",
    ] {
        db.prepare_cached(query)?.execute([before])?;
    }
    Ok(())
}
