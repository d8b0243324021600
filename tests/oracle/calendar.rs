//! Calendar periods, reckoned from days since the epoch and a zone's offsets alone.

use jiff::Timestamp;
use jiff::tz::TimeZone;

const DAY: i64 = 86_400;
/// No clock is further than that from another, a day left out at the date line included.
const FURTHEST: i64 = 50 * 3_600;
/// Midnights stand on quarters of an hour of universal time.
const STEP: i64 = 900;

/// When a period begins and ends, in seconds since the epoch.
#[derive(Debug)]
pub(crate) struct Reckoned {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// The `week`, `month`, `quarter` or `year` that a moment lies in.
pub(crate) fn reckon(period: &str, zone: &TimeZone, second: i64) -> Reckoned {
    let today = local_day(zone, second);
    let (year, month) = year_and_month(today);
    let first_of = |year: i64, month: i64| {
        let (year, month) = (year + (month - 1) / 12, (month - 1) % 12 + 1);
        days_before_year(year) + days_before_month(year, month)
    };
    let (first, next) = match period {
        // Day 0 was a Thursday.
        "week" => {
            let monday = today - (today + 3).rem_euclid(7);
            (monday, monday + 7)
        }
        "month" => (first_of(year, month), first_of(year, month + 1)),
        "quarter" => {
            let begins = (month - 1) / 3 * 3 + 1;
            (first_of(year, begins), first_of(year, begins + 3))
        }
        _ => (first_of(year, 1), first_of(year + 1, 1)),
    };
    Reckoned {
        start: begins(zone, first),
        end: begins(zone, next),
    }
}

fn local_day(zone: &TimeZone, second: i64) -> i64 {
    let at = Timestamp::from_second(second).expect("a moment");
    let offset = i64::from(zone.to_offset(at).seconds());
    (second + offset).div_euclid(DAY)
}

/// The first moment that a calendar shows this day, or a later one where there is no such day.
fn begins(zone: &TimeZone, day: i64) -> i64 {
    let mut second = day * DAY - FURTHEST;
    while local_day(zone, second) < day {
        second += STEP;
    }
    second
}

fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn days_before_year(year: i64) -> i64 {
    (1970..year)
        .map(|year| 365 + i64::from(is_leap(year)))
        .sum()
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_before_month(year: i64, month: i64) -> i64 {
    (1..month).map(|month| days_in(year, month)).sum()
}

fn year_and_month(day: i64) -> (i64, i64) {
    let mut year = 1970;
    while days_before_year(year + 1) <= day {
        year += 1;
    }
    let rest = day - days_before_year(year);
    let mut month = 1;
    while days_before_month(year, month + 1) <= rest && month < 12 {
        month += 1;
    }
    (year, month)
}
