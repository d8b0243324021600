//! Recordings: a journal of its own for one time, in one file that is made to be passed on.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::frame::Draft;
use super::{FORM, Journal, Limits, burns, ms, recall};
use crate::state::database::Trouble;

/// How far before its beginning a recording knows what had happened.
const BEFORE: SignedDuration = SignedDuration::from_hours(24);

impl Journal {
    /// Begins a recording in a file that is not there yet.
    ///
    /// # Errors
    /// When it is there, or cannot be made.
    pub fn record(path: &Path) -> Result<Self, Trouble> {
        if path.exists() {
            return Err(Trouble::Other(
                "there is such a file already: name another, or move it away".to_owned(),
            ));
        }
        let (db, _) = FORM.create(path, false)?;
        let limits = Limits {
            keep: SignedDuration::MAX,
            max_size: u64::MAX,
        };
        Ok(Self::over(db, limits))
    }

    /// Ends a recording: from now on it is one file, without others beside it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(self) -> Result<(), Trouble> {
        self.db
            .query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
        Ok(())
    }

    /// Makes a recording of what the journal holds of the watched sources between two moments; the
    /// file must not be there yet.
    ///
    /// # Errors
    /// When it is there, when either file fails, or when nothing is known of that time.
    pub fn extract(&self, path: &Path, (from, to): (Timestamp, Timestamp)) -> Result<(), Trouble> {
        let recording = Self::record(path)?;
        let copied = self.copy(path, (from, to));
        recording.finish()?;
        copied
    }

    fn copy(&self, path: &Path, (from, to): (Timestamp, Timestamp)) -> Result<(), Trouble> {
        self.db
            .prepare("ATTACH DATABASE ?1 AS copy")?
            .execute([path.to_string_lossy()])?;
        let copied = self.copy_attached((from, to));
        self.db.execute_batch("DETACH DATABASE copy")?;
        copied
    }

    fn copy_attached(&self, (from, to): (Timestamp, Timestamp)) -> Result<(), Trouble> {
        let writing = self.db.unchecked_transaction()?;
        let before = ms(from.saturating_sub(BEFORE).unwrap_or(Timestamp::MIN));
        let (from, to) = (ms(from), ms(to));
        let dated = burns::budget_at(&writing)?;
        for track in &self.tracks {
            let id = track.id;
            writing.execute(
                "INSERT INTO copy.source SELECT * FROM main.source WHERE id = ?1",
                [id],
            )?;
            // As it stood at the beginning, whole; then what changed.
            let newest = recall::rows(&writing, id, from)?;
            let begun = newest.as_ref().map_or(0, |(frame, ..)| *frame);
            if let Some((frame, _, rows)) = newest {
                let mut whole = Draft::new();
                for ((part, id), row) in &rows.0 {
                    whole.put((*part, id), row.get().as_bytes())?;
                }
                writing.execute(
                    "INSERT INTO copy.frame (id, source, at, whole, body) VALUES (?1, ?2, ?3, 1, ?4)",
                    params![frame, id, from, whole.body()?],
                )?;
            }
            writing.execute(
                "INSERT INTO copy.frame SELECT * FROM main.frame
                 WHERE source = ?1 AND id > ?2 AND at > ?3 AND at <= ?4",
                [id, begun, from, to],
            )?;
            writing.execute(
                "INSERT INTO copy.answer
                 SELECT source, since, min(until, ?3), min(next, ?3), polls, latency, writer, fault
                 FROM main.answer WHERE source = ?1 AND since <= ?3 AND (until >= ?2 OR since = (
                    SELECT max(since) FROM main.answer
                    WHERE source = ?1 AND since <= ?2 AND fault IS NULL))",
                [id, from, to],
            )?;
            writing.execute(
                "INSERT INTO copy.event SELECT * FROM main.event
                 WHERE source = ?1 AND at > ?2 AND at <= ?3",
                [id, before, to],
            )?;
            writing.execute(
                "INSERT INTO copy.slo SELECT * FROM main.slo WHERE source = ?1",
                [id],
            )?;
            writing.execute(
                &format!(
                    "INSERT INTO copy.burn (slo, at, short, long, budget, budget_at)
                     SELECT slo, at, short, long, budget, {dated} FROM main.burn
                     WHERE slo IN (SELECT id FROM main.slo WHERE source = ?1)
                     AND at >= ?2 AND at <= ?3"
                ),
                [id, before, to],
            )?;
        }
        writing.execute(
            "INSERT INTO copy.event SELECT * FROM main.event
             WHERE source IS NULL AND at > ?1 AND at <= ?2",
            [before, to],
        )?;
        writing.commit()?;
        Ok(())
    }
}
