//! Takes away what is too old, and when the file is too large, what is oldest.

use super::{HOUR, History, MINUTE, MINUTES, RAW, floor};
use crate::state::database::{self, Trouble};

/// How often there is something to take away, in milliseconds.
const CADENCE: i64 = 5 * MINUTE;
/// How much of a table goes at a time while the file is too large: one part in so many.
const SLICES: i64 = 8;
/// How many slices go at most before the rest waits for the next time.
const MOST: usize = 64;
/// What is never taken away for want of room, in milliseconds: the present.
const PRESENT: i64 = HOUR;

impl History {
    /// Takes away what is too old at a moment (Unix milliseconds), every few minutes. True when the
    /// file was too large and younger things went as well.
    pub(in crate::source::openmetrics) fn prune(&mut self, now: i64) -> Result<bool, Trouble> {
        let is_due = |&pruned: &i64| now - pruned >= CADENCE || now < pruned;
        if !self.pruned_at.as_ref().is_none_or(is_due) {
            return Ok(false);
        }
        self.pruned_at = Some(now);
        let keep = self.limits.keep;
        self.delete("samples", "at", floor(now - RAW.min(keep), MINUTE))?;
        self.delete("minutes", "start", floor(now - MINUTES.min(keep), HOUR))?;
        let mut gone = self.delete("hours", "start", floor(now - keep, HOUR))?;
        let mut cut = false;
        for _ in 0..MOST {
            if database::size(&self.db)? <= self.limits.max_size {
                break;
            }
            match self.cut(now)? {
                Some(deleted) => gone += deleted,
                None => break,
            }
            cut = true;
        }
        if gone > 0 {
            self.db.execute(
                "DELETE FROM series WHERE id NOT IN (SELECT series FROM hours)",
                [],
            )?;
            self.remember()?;
        }
        database::give_back(&self.db)?;
        Ok(cut)
    }

    fn delete(&self, table: &str, column: &str, before: i64) -> Result<usize, Trouble> {
        let query = format!("DELETE FROM {table} WHERE {column} < ?1");
        Ok(self.db.execute(&query, [before])?)
    }

    /// Takes away the oldest of minutes, then of samples, then of hours; `None` when nothing but
    /// the present is left. Says how many hours of series went.
    fn cut(&self, now: i64) -> Result<Option<usize>, Trouble> {
        for (table, column, width) in [
            ("minutes", "start", HOUR),
            ("samples", "at", MINUTE),
            ("hours", "start", HOUR),
        ] {
            let query = format!("SELECT min({column}) FROM {table}");
            let oldest: Option<i64> = self.db.query_row(&query, [], |row| row.get(0))?;
            let Some(oldest) = oldest.filter(|&oldest| oldest < now - PRESENT) else {
                continue;
            };
            let slice = ((now - oldest) / SLICES).max(width);
            let until = floor(oldest + slice, width).min(floor(now, width));
            let deleted = self.delete(table, column, until)?;
            return Ok(Some(if table == "hours" { deleted } else { 0 }));
        }
        Ok(None)
    }
}
