//! Burn rates and budgets of an SLO over time: what charts and hand-overs are drawn from.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Journal, moment, ms};
use crate::domain::{Burn, SourceName};
use crate::state::database::{self, Trouble};
use crate::text::Untrusted;

/// Writes down how an SLO of a source burns.
pub(super) fn note(db: &Connection, source: i64, slo: &str, burn: &Burn) -> Result<(), Trouble> {
    let id = if let Some(id) = id_of(db, source, slo)? {
        id
    } else {
        db.prepare_cached("INSERT INTO slo (source, name) VALUES (?1, ?2)")?
            .execute(params![source, slo])?;
        db.last_insert_rowid()
    };
    db.prepare_cached(
        "INSERT OR REPLACE INTO burn (slo, at, short, long, budget, budget_at)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        id,
        ms(burn.at),
        burn.short,
        burn.long,
        burn.budget,
        burn.budget_at.map(ms)
    ])?;
    Ok(())
}

fn id_of(db: &Connection, source: i64, slo: &str) -> Result<Option<i64>, Trouble> {
    let mut statement = db.prepare_cached("SELECT id FROM slo WHERE source = ?1 AND name = ?2")?;
    let id = statement.query_row(params![source, slo], |row| row.get(0));
    Ok(id.optional()?)
}

impl Journal {
    /// How an SLO of a watched source burned within `from..=to`, oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn burns(
        &self,
        source: &SourceName,
        slo: &Untrusted,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<Burn>, Trouble> {
        let Some(track) = self.places.get(source).map(|place| &self.tracks[*place]) else {
            return Ok(Vec::new());
        };
        between(&self.db, track.id, slo.raw(), (ms(from), ms(to)))
    }
}

/// The column of the date of a budget, in the words of `SQL`: the first form of the file has none.
pub(super) fn budget_at(db: &Connection) -> Result<&'static str, Trouble> {
    let is_first = database::pragma(db, "user_version")? < 2;
    Ok(if is_first { "NULL" } else { "budget_at" })
}

/// How an SLO of a source burned between two moments (Unix milliseconds), oldest first.
pub(super) fn between(
    db: &Connection,
    source: i64,
    slo: &str,
    (from, to): (i64, i64),
) -> Result<Vec<Burn>, Trouble> {
    let Some(id) = id_of(db, source, slo)? else {
        return Ok(Vec::new());
    };
    let dated = budget_at(db)?;
    let mut statement = db.prepare_cached(&format!(
        "SELECT at, short, long, budget, {dated} FROM burn
         WHERE slo = ?1 AND at >= ?2 AND at <= ?3 ORDER BY at"
    ))?;
    let burns = statement.query_map([id, from, to], |row| {
        Ok(Burn {
            at: moment(row.get(0)?),
            short: row.get(1)?,
            long: row.get(2)?,
            budget: row.get(3)?,
            budget_at: row.get::<_, Option<i64>>(4)?.map(moment),
        })
    })?;
    Ok(burns.collect::<Result<_, _>>()?)
}
