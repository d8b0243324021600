//! Takes away what is too old, and when room runs out, what is missed least.

use super::{HOUR, History, MINUTE, MINUTES, RAW, floor};
use crate::state::database::{self, Trouble};

/// How often there is something too old, in milliseconds.
const CADENCE: i64 = 5 * MINUTE;
/// How much of a table goes at a time for want of room: one part in so many.
const SLICES: i64 = 8;
/// The largest log of writes beside the file, in bytes, and the part of all room that it has.
const LOG: u64 = 4 << 20;
const PART_OF_LOG: u64 = 8;

/// What goes when room runs out, from one table after the other, and how much of the newest stays
/// then; less than nothing where the present minute or hour goes as well.
///
/// Single samples sharpen the ends of windows, and minutes are needed for all that are shorter than
/// five hours. Hours stay as long as minutes do, as those of an hour that has begun are read for it.
const STAGES: [(Table, i64); 11] = [
    (Table::Minutes, 6 * HOUR),
    (Table::Samples, HOUR),
    (Table::Samples, 5 * MINUTE),
    (Table::Minutes, 3 * HOUR),
    (Table::Hours, 4 * HOUR),
    (Table::Minutes, HOUR),
    (Table::Hours, 2 * HOUR),
    (Table::Samples, 0),
    (Table::Samples, -MINUTE),
    (Table::Minutes, -HOUR),
    (Table::Hours, 0),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    Samples,
    Minutes,
    Hours,
}

impl Table {
    /// Its name, the column of time, and what is cut from it at least, in milliseconds.
    fn parts(self) -> (&'static str, &'static str, i64) {
        match self {
            Self::Samples => ("samples", "at", MINUTE),
            Self::Minutes => ("minutes", "start", HOUR),
            Self::Hours => ("hours", "start", HOUR),
        }
    }
}

impl History {
    /// Takes away what is too old at a moment (Unix milliseconds), every few minutes, and whenever
    /// room runs out, what is missed least.
    pub(in crate::source::openmetrics) fn prune(&mut self, now: i64) -> Result<(), Trouble> {
        let is_due = |&pruned: &i64| now - pruned >= CADENCE || now < pruned;
        let is_due = self.pruned_at.as_ref().is_none_or(is_due);
        let room = self.room();
        if is_due {
            self.pruned_at = Some(now);
            self.age(now)?;
        }
        if database::size(&self.db)? > room / 16 * 15 {
            self.cut_to(room / 8 * 7, now)?;
        }
        if is_due {
            database::give_back(&self.db)?;
            self.bound()?;
        }
        database::fold(&self.db, self.log())
    }

    /// How large the file may grow, in bytes: the log beside it has a part of all room.
    fn room(&self) -> u64 {
        self.limits.max_size - self.log()
    }

    /// How large the log beside the file is left, in bytes.
    fn log(&self) -> u64 {
        (self.limits.max_size / PART_OF_LOG).min(LOG)
    }

    /// Has `SQLite` refuse what does not fit.
    pub(super) fn bound(&self) -> Result<(), Trouble> {
        database::bound(&self.db, self.room(), self.log())
    }

    /// Makes room for what was refused: more with each attempt. False when there is none to be had,
    /// or when it is not for want of it that this was refused.
    pub(super) fn make_room(&mut self, now: i64, attempt: u32) -> Result<bool, Trouble> {
        let (room, used) = (self.room(), database::size(&self.db)?);
        let target = match attempt {
            // The disk itself may be full.
            0 if used < room / 2 => return Ok(false),
            0 => room / 2,
            1 => room / 8,
            2 => 0,
            _ => return Ok(false),
        };
        self.cut_to(target, now)?;
        Ok(true)
    }

    fn age(&mut self, now: i64) -> Result<(), Trouble> {
        let keep = self.limits.keep;
        self.delete(Table::Samples, floor(now - RAW.min(keep), MINUTE))?;
        self.delete(Table::Minutes, floor(now - MINUTES.min(keep), HOUR))?;
        if self.delete(Table::Hours, floor(now - keep, HOUR))? > 0 {
            self.forget()?;
        }
        Ok(())
    }

    /// Takes away until no more than so many bytes are in use, or nothing is left to take.
    fn cut_to(&mut self, bytes: u64, now: i64) -> Result<(), Trouble> {
        let mut has_lost = false;
        while database::size(&self.db)? > bytes {
            let Some(table) = self.cut(now)? else { break };
            has_lost |= table == Table::Hours;
        }
        if has_lost {
            self.lost = true;
            self.forget()?;
        }
        Ok(())
    }

    /// Takes away a slice of the first table that has one to spare.
    fn cut(&self, now: i64) -> Result<Option<Table>, Trouble> {
        for (table, stays) in STAGES {
            let (name, column, width) = table.parts();
            let query = format!("SELECT min({column}) FROM {name}");
            let oldest: Option<i64> = self.db.query_row(&query, [], |row| row.get(0))?;
            let most = floor(now - stays, width);
            let Some(oldest) = oldest.filter(|&oldest| oldest < most) else {
                continue;
            };
            let slice = ((most - oldest) / SLICES).max(width);
            self.delete(table, floor(oldest + slice, width).min(most))?;
            return Ok(Some(table));
        }
        Ok(None)
    }

    fn delete(&self, table: Table, before: i64) -> Result<usize, Trouble> {
        let (name, column, _) = table.parts();
        let query = format!("DELETE FROM {name} WHERE {column} < ?1");
        Ok(self.db.execute(&query, [before])?)
    }

    /// Forgets the series of which nothing is left.
    fn forget(&mut self) -> Result<(), Trouble> {
        self.db.execute(
            "DELETE FROM series WHERE id NOT IN (SELECT series FROM hours)",
            [],
        )?;
        self.remember()
    }
}
