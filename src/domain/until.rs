//! When something ends, as people say it: `4h`, `until 09:00`, `fri 09:00`, `until work`.

use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::weekday;
use crate::text::{Shown, clipped};

/// The furthest end that is taken: what is hidden for longer is forgotten.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How many days ahead a day of the week or of work is looked for.
const DAYS_AHEAD: i32 = 8;

/// By what the words of an end are understood.
#[derive(Clone, Copy, Debug)]
pub struct Until<'a> {
    /// The present.
    pub now: Timestamp,
    /// The zone of a time of day.
    pub zone: &'a TimeZone,
    /// The days on which people are at work.
    pub work_days: &'a [Weekday],
    /// When work begins on them.
    pub work_start: Time,
}

/// Which days may hold a time of day.
#[derive(Clone, Copy)]
enum Day<'a> {
    Any,
    /// So many days from today.
    Ahead(i32),
    Among(&'a [Weekday]),
}

impl Until<'_> {
    /// The moment that `text` names: after now, and within [`LONGEST`].
    ///
    /// - `15m` `4h` `2d` `1w` `1h30m`: so long from now; a day is 24 hours. `for` may stand before.
    /// - `09:00`: when the clock next shows that; `fri 09:00`, `tomorrow 09:00`, `today 18:00`, and
    ///   `fri` alone for when work begins on that day. `until` may stand before.
    /// - `work`: when people are next at work.
    /// - RFC 3339, or `2026-11-24 09:00` in the zone.
    ///
    /// A time of day that the clock skips is taken as late as the skip is long; of one that it shows
    /// twice, the first that is still to come.
    ///
    /// # Errors
    /// A sentence that says what would be right, when it is none of these, past, or too far.
    pub fn parse(&self, text: &str) -> Result<Timestamp, String> {
        let words = text.trim().to_ascii_lowercase();
        let bare = ["until ", "till ", "for ", "to "]
            .iter()
            .find_map(|word| words.strip_prefix(word))
            .unwrap_or(&words)
            .trim();
        let end = self.read(bare).ok_or_else(|| not_understood(text))?;
        if end <= self.now {
            return Err(format!(
                "`{}` is not after now, {}: give a time to come",
                named(text),
                self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
            ));
        }
        if end.duration_since(self.now) > LONGEST {
            return Err(format!(
                "`{}` is more than {} days away: what lasts longer is forgotten; take a nearer end",
                named(text),
                LONGEST.as_hours() / 24
            ));
        }
        Ok(end)
    }

    /// The moment, past or not; `None` when the words are none that are known.
    fn read(&self, words: &str) -> Option<Timestamp> {
        if words == "work" {
            return self.next(Day::Among(self.work_days), self.work_start);
        }
        if let Some(span) = duration(words) {
            return Some(self.now.checked_add(span).unwrap_or(Timestamp::MAX));
        }
        if let Some(time) = time_of_day(words) {
            return self.next(Day::Any, time);
        }
        if let Ok(moment) = words.to_ascii_uppercase().parse() {
            return Some(moment);
        }
        if let Some(moment) = self.dated(words) {
            return Some(moment);
        }
        let (day, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
        let rest = rest.trim();
        let rest = rest.strip_prefix("at ").unwrap_or(rest).trim();
        let time = match rest {
            "" => self.work_start,
            _ => time_of_day(rest)?,
        };
        match day {
            "today" => self.next(Day::Ahead(0), time),
            "tomorrow" => self.next(Day::Ahead(1), time),
            _ => {
                let day = weekday::named(day)?;
                self.next(Day::Among(&[day]), time)
            }
        }
    }

    /// `2026-11-24 09:00`, in the zone.
    fn dated(&self, words: &str) -> Option<Timestamp> {
        let (date, time) = words.split_once([' ', 't'])?;
        let date = date.parse::<jiff::civil::Date>().ok()?;
        let time = time_of_day(time.trim())?;
        self.moments(date.to_datetime(time))
            .into_iter()
            .flatten()
            .max()
    }

    /// The first moment after now at which the clock of such a day shows `time`. For a day that is
    /// named by its distance it may be past.
    fn next(&self, day: Day<'_>, time: Time) -> Option<Timestamp> {
        let today = self.now.to_zoned(self.zone.clone()).date();
        let days = match day {
            Day::Ahead(days) => days..=days,
            Day::Any | Day::Among(_) => 0..=DAYS_AHEAD,
        };
        let mut past = None;
        for ahead in days {
            let date = today.checked_add(ahead.days()).ok()?;
            if let Day::Among(wanted) = day
                && !wanted.contains(&date.weekday())
            {
                continue;
            }
            for moment in self.moments(date.to_datetime(time)).into_iter().flatten() {
                if moment > self.now {
                    return Some(moment);
                }
                past = Some(moment);
            }
        }
        past
    }

    /// When the clock shows this: once, twice as summer ends, or, where summer time skips it, as
    /// much later as it skips. In order.
    fn moments(&self, shown: DateTime) -> [Option<Timestamp>; 2] {
        let known = self.zone.to_ambiguous_timestamp(shown);
        match known.offset() {
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Gap { .. } => {
                [known.compatible().ok(), None]
            }
            AmbiguousOffset::Fold { .. } => [known.earlier().ok(), known.later().ok()],
        }
    }
}

/// `90s`, `15m`, `1h30m`, `2d`, `1w`: whole numbers, each with its unit, none twice.
fn duration(words: &str) -> Option<SignedDuration> {
    let mut seconds = 0_i64;
    let mut rest = words;
    let mut last = i64::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let after = &rest[digits..];
        let letters = after
            .find(|c: char| !c.is_ascii_lowercase())
            .unwrap_or(after.len());
        let unit = match &after[..letters] {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3_600,
            "d" => 86_400,
            "w" => 7 * 86_400,
            _ => return None,
        };
        if unit >= last {
            return None;
        }
        last = unit;
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        rest = after[letters..].trim_start();
    }
    (last != i64::MAX).then(|| SignedDuration::from_secs(seconds))
}

/// `9:00` or `09:00`.
fn time_of_day(words: &str) -> Option<Time> {
    let (hour, minute) = words.split_once(':')?;
    let digits = |text: &str, least| {
        (least..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !digits(hour, 1) || !digits(minute, 2) {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

fn named(text: &str) -> Shown {
    Shown::new(clipped(text.trim()))
}

fn not_understood(text: &str) -> String {
    let ways = "`15m`, `4h`, `2d`, `09:00`, `fri 09:00`, `tomorrow 09:00`, `work`, or RFC 3339";
    if text.trim().is_empty() {
        return format!("an end is needed: {ways}");
    }
    format!("`{}` is no end that is known: write {ways}", named(text))
}

#[cfg(test)]
mod tests;
