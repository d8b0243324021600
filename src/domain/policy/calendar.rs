//! Times of the week and of the year, in a zone.

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{ToSpan as _, Zoned};

use crate::domain::weekday;

/// Separator between a beginning and an end.
const TO: &str = "..";

/// Times of the week and of the year: any of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// A part of each week.
    pub weekly: Option<Weekly>,
    /// Days.
    pub dates: Vec<Dates>,
    /// The zone whose clocks count.
    pub zone: TimeZone,
}

/// A part of each week: `fri 16:00..mon 08:00`. Its end is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weekly {
    from: (Weekday, Time),
    to: (Weekday, Time),
}

/// Days from one on to another, both included: `2026-12-20..2027-01-03`, or one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dates {
    first: Date,
    last: Date,
}

impl Weekly {
    /// Reads `fri 16:00..mon 08:00`; a day without a time begins at midnight, and as an end is part of
    /// it as a whole.
    ///
    /// # Errors
    /// A sentence that says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            "is no part of a week: write a beginning and an end, such as `fri 16:00..mon 08:00`"
                .to_owned()
        };
        let (from, to) = text.split_once(TO).ok_or_else(wrong)?;
        let from = moment(from, false).ok_or_else(wrong)?;
        let to = moment(to, true).ok_or_else(wrong)?;
        if from == to {
            return Err("begins when it ends: it would hold always or never".to_owned());
        }
        Ok(Self { from, to })
    }

    fn holds(self, at: &Zoned) -> bool {
        let place = |(day, time): (Weekday, Time)| (day.to_monday_zero_offset(), time);
        let (from, to) = (place(self.from), place(self.to));
        let now = place((at.weekday(), at.time()));
        if from < to {
            from <= now && now < to
        } else {
            from <= now || now < to
        }
    }
}

/// A day of the week with a time; the day after it where a whole day is meant as an end.
fn moment(text: &str, is_end: bool) -> Option<(Weekday, Time)> {
    let words = text.trim().to_ascii_lowercase();
    let (day, time) = words
        .split_once(char::is_whitespace)
        .unwrap_or((&words, ""));
    let day = weekday::named(day)?;
    let time = time.trim();
    if time.is_empty() {
        let day = if is_end { day.next() } else { day };
        return Some((day, Time::midnight()));
    }
    if time == "24:00" && is_end {
        return Some((day.next(), Time::midnight()));
    }
    Some((day, Time::strptime("%H:%M", time).ok()?))
}

impl Dates {
    /// Reads `2026-12-20..2027-01-03`, or one day.
    ///
    /// # Errors
    /// A sentence that says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once(TO).unwrap_or((text, text));
        let day = |text: &str| text.trim().parse::<Date>();
        let (Ok(first), Ok(last)) = (day(first), day(last)) else {
            return Err(
                "are no days: write the first and the last, such as `2026-12-20..2027-01-03`, or one day"
                    .to_owned(),
            );
        };
        if last < first {
            return Err("end before they begin: write the first day first".to_owned());
        }
        Ok(Self { first, last })
    }

    fn hold(self, at: &Zoned) -> bool {
        (self.first..=self.last).contains(&at.date())
    }
}

impl Calendar {
    /// True at a moment that is part of it, by the clocks of its zone.
    pub fn holds(&self, at: Timestamp) -> bool {
        let at = at.to_zoned(self.zone.clone());
        self.weekly.is_some_and(|weekly| weekly.holds(&at))
            || self.dates.iter().any(|dates| dates.hold(&at))
    }

    /// The first moment after `at` at which it no longer holds; `None` where it does not hold now, or
    /// holds for longer than two years.
    pub fn ends_after(&self, at: Timestamp) -> Option<Timestamp> {
        if !self.holds(at) {
            return None;
        }
        let mut now = at.to_zoned(self.zone.clone());
        for _ in 0..800 {
            let today = now.date();
            let mut ends: Vec<_> = self.weekly.iter().map(|weekly| weekly.to.1).collect();
            ends.push(Time::midnight());
            ends.sort_unstable();
            for time in ends {
                let end = today.to_datetime(time).to_zoned(self.zone.clone()).ok()?;
                if end.timestamp() > at && !self.holds(end.timestamp()) {
                    return Some(end.timestamp());
                }
            }
            now = today
                .checked_add(1.day())
                .ok()?
                .to_zoned(self.zone.clone())
                .ok()?;
        }
        None
    }
}
