//! Writes one round of scrapes: samples, and what they add to their minute and their hour.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::{HOUR, History, Kept, MINUTE, Scraped, floor};
use crate::state::database::Trouble;

/// Samples that are dated later than this after their scrape are left out, in milliseconds; as in
/// Prometheus.
pub(super) const AHEAD: i64 = 10 * MINUTE;

/// The series of the file, remembered.
#[derive(Default)]
pub(super) struct Known {
    /// Their numbers, by labels.
    pub(super) ids: HashMap<String, i64>,
    /// When the last sample of each was taken.
    pub(super) newest: HashMap<i64, i64>,
}

impl History {
    /// Keeps what a round of scrapes brought: all of it or nothing. What is missed least makes room
    /// for it.
    ///
    /// A sample that is not newer than the last of its series is left out, as is one that is dated
    /// far ahead of its scrape. Says by how many milliseconds the clock is behind the last round,
    /// when it went back.
    pub(in crate::source::openmetrics) fn record(
        &mut self,
        round: &[Scraped],
    ) -> Result<Option<i64>, Trouble> {
        let now = round.iter().map(|scraped| scraped.at).max();
        let mut attempts = 0..;
        loop {
            let done = self.record_all(round);
            if done.is_err() {
                // What was remembered on the way was not written.
                self.remember()?;
            }
            match (done, now, attempts.next()) {
                (Err(Trouble::Full(words)), Some(now), Some(attempt)) => {
                    if !self.make_room(now, attempt)? {
                        return Err(Trouble::Full(format!(
                            "{words}: make room on its disk; raise `max_size`, or have the SLOs select fewer series, where that is what it has reached"
                        )));
                    }
                }
                (done, ..) => return done,
            }
        }
    }

    fn record_all(&mut self, round: &[Scraped]) -> Result<Option<i64>, Trouble> {
        let mut behind = None;
        let db = self.db.transaction()?;
        let mut writer = Writer::new(&db)?;
        let mut seen = db.prepare_cached("INSERT OR REPLACE INTO targets VALUES (?1, ?2, ?3)")?;
        db.execute("DELETE FROM targets", [])?;
        for scraped in round {
            let fault = scraped.outcome.as_ref().err();
            let fault = fault.map(|fault| fault.message.raw());
            seen.execute(params![scraped.instance, scraped.at, fault])?;
            let up = Kept {
                series: scraped.up.clone(),
                at: scraped.at,
                value: f64::from(u8::from(fault.is_none())),
            };
            behind = behind.max(self.known.keep(&mut writer, &up)?);
            let oldest = scraped.at - self.limits.keep;
            for kept in scraped.outcome.as_deref().unwrap_or_default() {
                if kept.at > oldest && kept.at <= scraped.at + AHEAD {
                    self.known.keep(&mut writer, kept)?;
                }
            }
        }
        drop((writer, seen));
        db.commit()?;
        Ok(behind)
    }
}

impl Known {
    /// Writes a sample, unless it is not newer than the last of its series: then by how many
    /// milliseconds it is older.
    fn keep(&mut self, writer: &mut Writer<'_>, kept: &Kept) -> rusqlite::Result<Option<i64>> {
        let id = if let Some(&id) = self.ids.get(&kept.series) {
            id
        } else {
            let id = writer.series(&kept.series)?;
            self.ids.insert(kept.series.clone(), id);
            id
        };
        match self.newest.get(&id) {
            Some(&newest) if newest >= kept.at => Ok(Some(newest - kept.at)),
            _ => {
                writer.sample(id, kept.at, kept.value)?;
                self.newest.insert(id, kept.at);
                Ok(None)
            }
        }
    }
}

/// The statements that one round of scrapes needs.
struct Writer<'a> {
    find: CachedStatement<'a>,
    add: CachedStatement<'a>,
    sample: CachedStatement<'a>,
    minute: CachedStatement<'a>,
    hour: CachedStatement<'a>,
    db: &'a Connection,
}

impl<'a> Writer<'a> {
    fn new(db: &'a Connection) -> rusqlite::Result<Self> {
        // `first` of an upsert is the new sample; the rest is `Segment::then`. Infinite less infinite
        // is no number, and so is NULL; the sum tells that there was such a one.
        let joined = |table: &str| {
            db.prepare_cached(&format!(
                "INSERT INTO {table} (start, series, count, first_at, first, last_at, last, increase, sum)
                 VALUES (?1, ?2, 1, ?3, ?4, ?3, ?4, 0.0, ?4)
                 ON CONFLICT (start, series) DO UPDATE SET
                    count = count + 1, last_at = excluded.last_at, last = excluded.last,
                    increase = increase + coalesce(CASE WHEN excluded.last < last
                        THEN excluded.last ELSE excluded.last - last END, 0.0),
                    sum = sum + excluded.sum"
            ))
        };
        Ok(Self {
            find: db.prepare_cached("SELECT id FROM series WHERE labels = ?1")?,
            add: db.prepare_cached("INSERT INTO series (labels) VALUES (?1)")?,
            sample: db.prepare_cached("INSERT OR IGNORE INTO samples VALUES (?1, ?2, ?3)")?,
            minute: joined("minutes")?,
            hour: joined("hours")?,
            db,
        })
    }

    fn series(&mut self, labels: &str) -> rusqlite::Result<i64> {
        let known = self.find.query_row([labels], |row| row.get(0));
        if let Some(id) = known.optional()? {
            return Ok(id);
        }
        self.add.execute([labels])?;
        Ok(self.db.last_insert_rowid())
    }

    fn sample(&mut self, series: i64, at: i64, value: f64) -> rusqlite::Result<()> {
        let value = if value.is_finite() {
            value
        } else {
            f64::INFINITY
        };
        self.sample.execute(params![at, series, value])?;
        for (statement, width) in [(&mut self.minute, MINUTE), (&mut self.hour, HOUR)] {
            statement.execute(params![floor(at, width), series, at, value])?;
        }
        Ok(())
    }
}
