//! Days and weeks of a zone: they are as long as its clocks make them.

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::{Frequency, Terms, figures, seconds};
use crate::text::Untrusted;

/// An ISO week of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Week {
    /// Its year and number.
    pub year: i16,
    /// Likewise.
    pub number: i8,
    /// How many deployments it had.
    pub count: usize,
    /// On how many of its days.
    pub days: usize,
    /// True when all of it is in the time.
    pub is_whole: bool,
}

/// The longest time whose weeks are listed one by one.
const MAX_WEEKS: usize = 600;

/// The first moment of a day.
fn start(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    let start = day.to_zoned(zone.clone()).ok()?;
    Some(start.timestamp())
}

/// How many days of a zone a time has: whole days, and the share of the first and of the last that is in
/// it, each by its own length.
pub fn length_in_days(from: Timestamp, until: Timestamp, zone: &TimeZone) -> f64 {
    if until <= from {
        return 0.0;
    }
    let (first, last) = (day_of(from, zone), day_of(until, zone));
    let share = |day: Date| {
        let next = day.tomorrow().ok().and_then(|next| start(next, zone));
        let (begin, end) = start(day, zone).zip(next)?;
        let inside = seconds(begin.max(from), end.min(until)).max(0.0);
        let length = seconds(begin, end);
        (length > 0.0).then_some(inside / length)
    };
    let between = first.until(last).map_or(0, |span| span.get_days());
    let whole = f64::from((between - 1).max(0));
    let edges = if first == last {
        share(first).unwrap_or(0.0)
    } else {
        share(first).unwrap_or(0.0) + share(last).unwrap_or(0.0)
    };
    whole + edges
}

pub(super) fn day_of(at: Timestamp, zone: &TimeZone) -> Date {
    at.to_zoned(zone.clone()).date()
}

/// Counts deployments by day and week.
#[expect(clippy::cast_precision_loss, reason = "counts of deployments")]
pub(super) fn frequency(
    terms: &Terms<'_>,
    deployments: impl Iterator<Item = (Untrusted, Timestamp)>,
) -> Frequency {
    let all: Vec<_> = deployments.collect();
    let each: Vec<Date> = all.iter().map(|(_, at)| day_of(*at, terms.zone)).collect();
    let days: BTreeSet<Date> = each.iter().copied().collect();
    let length = length_in_days(terms.from, terms.until, terms.zone);
    let weeks = weeks(terms, &each);
    let whole = weeks.iter().filter(|week| week.is_whole);
    let mut days_a_week: Vec<_> = whole.map(|week| week.days as f64).collect();
    days_a_week.sort_by(f64::total_cmp);
    Frequency {
        per_day: if length > 0.0 {
            all.len() as f64 / length
        } else {
            0.0
        },
        days: days.len(),
        weeks,
        median_days_per_week: figures::median(&days_a_week),
        times: all.iter().map(|(_, at)| *at).collect(),
        ids: all.into_iter().map(|(id, _)| id).collect(),
    }
}

/// The weeks that a time touches.
fn weeks(terms: &Terms<'_>, days: &[Date]) -> Vec<Week> {
    let mut monday = day_of(terms.from, terms.zone);
    while monday.weekday() != Weekday::Monday {
        let Ok(before) = monday.yesterday() else {
            return Vec::new();
        };
        monday = before;
    }
    let mut weeks = Vec::new();
    while weeks.len() < MAX_WEEKS {
        let Some(next) = monday.checked_add(7.days()).ok() else {
            break;
        };
        let Some((begin, end)) = start(monday, terms.zone).zip(start(next, terms.zone)) else {
            break;
        };
        if begin >= terms.until {
            break;
        }
        let within = |day: &&Date| **day >= monday && **day < next;
        let own: Vec<Date> = days.iter().filter(within).copied().collect();
        let iso = monday.iso_week_date();
        weeks.push(Week {
            year: iso.year(),
            number: iso.week(),
            count: own.len(),
            days: own.iter().collect::<BTreeSet<_>>().len(),
            is_whole: begin >= terms.from && end <= terms.until,
        });
        monday = next;
    }
    weeks
}
