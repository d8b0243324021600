//! What can still be read of a damaged journal.
//!
//! Each table is read from its beginning up to the first row that cannot be, and from its end back to
//! the last; what both found is kept. A frame that is missing or cannot be understood leaves a gap up to
//! the next whole frame of its source: what lies between would be rows of another moment.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::frame::Frame;
use super::{FORM, Journal, Limits};
use crate::state::database::Trouble;

/// The tables, their columns in all forms of the file, and their order.
const TABLES: [(&str, &str, &str); 7] = [
    (
        "source",
        "id, name, identity, kind, interval, stale_after, slos, releases, incidents",
        "id",
    ),
    (
        "answer",
        "source, since, until, next, polls, latency, writer, fault",
        "source, since",
    ),
    ("frame", "id, source, at, whole, body", "id"),
    ("slo", "id, source, name", "id"),
    ("burn", "slo, at, short, long, budget", "slo, at"),
    ("event", "id, at, source, body", "id"),
    ("handoff", "at, body", "at"),
];

impl Journal {
    /// Reads a damaged journal as far as it can be read, into a copy that goes with the process.
    ///
    /// # Errors
    /// When nothing of it can be read.
    pub fn salvaged(path: &Path) -> Result<Self, Trouble> {
        let db = FORM.look_at(path)?.ok_or(Trouble::Damaged)?;
        let copy = FORM.aside()?;
        let journal = Self::over(copy, Limits::default());
        copy_readable(&db, &journal.db)?;
        if journal.is_empty()? {
            return Err(Trouble::Damaged);
        }
        Ok(journal)
    }

    /// Takes over what can be read of a damaged file, and says in words how much that is.
    pub(super) fn take_over(&self, path: &Path) -> Result<&'static str, Trouble> {
        let Ok(Some(db)) = FORM.look_at(path) else {
            return Ok("nothing of it can be read");
        };
        copy_readable(&db, &self.db)?;
        Ok(if self.is_empty()? {
            "nothing of it can be read"
        } else {
            "what can be read of it is in the new one"
        })
    }

    /// Removes the frames that cannot be understood in a file that is whole otherwise.
    pub(super) fn repair(&self) -> Result<(), Trouble> {
        let writing = self.db.unchecked_transaction()?;
        drop_unreadable(&writing, None)?;
        Ok(writing.commit()?)
    }

    fn is_empty(&self) -> Result<bool, Trouble> {
        let query = "SELECT NOT EXISTS (SELECT 1 FROM frame UNION ALL SELECT 1 FROM event)";
        Ok(self.db.query_row(query, [], |row| row.get(0))?)
    }
}

/// Copies every row that can be read into an empty file.
fn copy_readable(from: &Connection, to: &Connection) -> Result<(), Trouble> {
    let writing = to.unchecked_transaction()?;
    let mut gap = None;
    for (table, columns, order) in TABLES {
        let broke_off = copy_rows(from, &writing, (table, columns, order))?;
        if table == "frame" {
            gap = broke_off;
        }
    }
    drop_unreadable(&writing, gap)?;
    Ok(writing.commit()?)
}

/// Copies the readable rows of a table. Where it broke off, gives the first number of the first row
/// behind the gap, or the largest there is when none is.
fn copy_rows(
    from: &Connection,
    to: &Connection,
    (table, columns, order): (&str, &str, &str),
) -> Result<Option<i64>, Trouble> {
    let count = columns.split(',').count();
    let places = vec!["?"; count].join(", ");
    let mut insert = to.prepare(&format!(
        "INSERT OR IGNORE INTO {table} ({columns}) VALUES ({places})"
    ))?;
    let mut first_behind = i64::MAX;
    for direction in ["ASC", "DESC"] {
        let ordered = order.replace(',', &format!(" {direction},"));
        let query = format!("SELECT {columns} FROM {table} ORDER BY {ordered} {direction}");
        let Ok(mut statement) = from.prepare(&query) else {
            return Ok(Some(i64::MAX));
        };
        let Ok(mut rows) = statement.query([]) else {
            return Ok(Some(i64::MAX));
        };
        loop {
            match rows.next() {
                Ok(Some(row)) => {
                    let Ok(row) = values(row, count) else { break };
                    if let (Some(Value::Integer(first)), "DESC") = (row.first(), direction) {
                        first_behind = *first;
                    }
                    // One that the new file refuses was damaged as well.
                    if insert
                        .execute(params_from_iter(row))
                        .is_ok_and(|new| new == 0)
                        && direction == "DESC"
                    {
                        return Ok(Some(first_behind));
                    }
                }
                Ok(None) => return Ok((direction == "DESC").then_some(first_behind)),
                Err(_) => break,
            }
        }
    }
    Ok(Some(first_behind))
}

fn values(row: &Row<'_>, count: usize) -> rusqlite::Result<Vec<Value>> {
    (0..count).map(|column| row.get(column)).collect()
}

/// Removes frames that cannot be understood, and what follows them up to the next whole one of their
/// source; likewise what follows a gap, which is known by the first frame behind it.
fn drop_unreadable(db: &Connection, gap: Option<i64>) -> Result<(), Trouble> {
    let mut lost = Vec::new();
    let mut broken = HashSet::new();
    let mut known = HashSet::new();
    let mut statement = db.prepare("SELECT id, source, whole, body FROM frame ORDER BY id")?;
    let mut frames = statement.query([])?;
    while let Some(frame) = frames.next()? {
        let (id, source): (i64, i64) = (frame.get(0)?, frame.get(1)?);
        let is_whole: bool = frame.get(2)?;
        if gap.is_some_and(|gap| id >= gap) && known.insert(source) {
            broken.insert(source);
        }
        let body = frame.get_ref(3)?.as_blob().map_err(|_| Trouble::Damaged)?;
        let is_readable = Frame::read(body).is_ok();
        if is_readable && is_whole {
            broken.remove(&source);
        } else if !is_readable {
            broken.insert(source);
        }
        if broken.contains(&source) {
            lost.push(id);
        }
    }
    let mut delete = db.prepare("DELETE FROM frame WHERE id = ?1")?;
    for id in lost {
        delete.execute([id])?;
    }
    if gap == Some(i64::MAX) {
        // Whose frames are missing at the end is not known.
        let mut sources = db.prepare("SELECT id FROM source")?;
        let all = sources.query_map([], |row| row.get::<_, i64>(0))?;
        broken.extend(all.collect::<Result<Vec<_>, _>>()?);
    }
    for source in broken {
        end_answers(db, source)?;
    }
    Ok(())
}

/// Has a source answer no later than its last frame that is left: later answers said what is lost, and
/// what that frame holds would be taken for them.
fn end_answers(db: &Connection, source: i64) -> Result<(), Trouble> {
    let last = "(SELECT coalesce(max(at), 0) FROM frame WHERE source = ?1)";
    db.execute(
        &format!("DELETE FROM answer WHERE source = ?1 AND since > {last}"),
        [source],
    )?;
    db.execute(
        &format!(
            "UPDATE answer SET until = min(until, {last}), next = min(next, {last}) WHERE source = ?1"
        ),
        [source],
    )?;
    Ok(())
}
