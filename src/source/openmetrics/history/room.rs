//! Whether there is room for what the SLOs ask of a history.

use super::{HOUR, History, MINUTE};
use crate::domain::window;
use crate::state::database::Trouble;

/// What a row of minutes or hours takes, with its share of what orders them, in bytes.
const ROW: i64 = 70;
/// What a series takes beside its labels, which are there twice, in bytes.
const SERIES: i64 = 40;
/// How many minutes are needed for all windows that hours are too coarse for, in milliseconds.
const FINE: i64 = 4 * HOUR;

impl History {
    /// Says that the longest period does not fit, or did not, and what to do about it.
    pub(in crate::source::openmetrics) fn lacks_room(&self) -> Result<Option<String>, Trouble> {
        let (series, needed) = self.needed()?;
        let wanted = jiff::SignedDuration::from_millis(self.limits.wanted);
        let wanted = window::brief(wanted);
        Ok(if needed > self.limits.max_size {
            let size = needed.div_ceil(1 << 20);
            Some(format!(
                "`max_size` is too small: {wanted} of {series} series take some {size} MiB, so the oldest goes \
                 before its time; raise it, or have the SLOs select fewer series"
            ))
        } else if self.lost {
            Some(format!(
                "the history was as large as `max_size` allows, so its oldest hours were taken away; raise it \
                 to keep {wanted}"
            ))
        } else {
            None
        })
    }

    /// How many series there are of late, and what all that is needed of them takes, in bytes.
    fn needed(&self) -> Result<(i64, u64), Trouble> {
        let (known, labels): (i64, i64) = self.db.query_row(
            "SELECT count(*), coalesce(sum(length(CAST(labels AS BLOB))), 0) FROM series",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let series: i64 = self.db.query_row(
            "SELECT count(*) FROM hours WHERE start = (SELECT max(start) FROM hours)",
            [],
            |row| row.get(0),
        )?;
        let rows = (self.limits.wanted.min(self.limits.keep) / HOUR) + FINE / MINUTE;
        let bytes = 2 * labels + known * SERIES + series.saturating_mul(rows * ROW);
        Ok((series, u64::try_from(bytes).unwrap_or(u64::MAX)))
    }
}
