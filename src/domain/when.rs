//! Moments of the past, as people and as scripts write them.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::Window;

/// A moment as it is written: relative to now, a time of day in some zone, or exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So long ago: `8h`, `-8h`.
    Ago(SignedDuration),
    /// Exactly then: RFC 3339, Unix seconds.
    At(Timestamp),
    /// The last time that clocks showed this: `09:00`.
    Clock(Time),
    /// A time so many days ago: `today 09:00`, `yesterday`.
    Day(i32, Time),
    /// A local date and time: `2026-11-22 14:00`, `2026-11-22`.
    Local(DateTime),
}

/// What is said of a text that is no moment.
const FORMS: &str = "write how long ago (1h, -1h), a time (09:00, yesterday 14:00, \
                     2026-11-22 14:00), RFC 3339 (2026-11-22T14:00:00Z) or Unix seconds (1795356000)";

impl When {
    /// Reads a moment; the error names the forms there are.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let found = ago(text)
            .or_else(|| exact(text))
            .or_else(|| day(text))
            .or_else(|| time(text).map(Self::Clock))
            .or_else(|| local(text).map(Self::Local));
        found.ok_or_else(|| FORMS.to_owned())
    }

    /// Which moment that is, for clocks in a zone; the earliest or latest where it is beyond all time.
    pub fn moment(self, now: Timestamp, zone: &TimeZone) -> Timestamp {
        let today = now.to_zoned(zone.clone()).date();
        let local = |when: DateTime| {
            let zoned = when.to_zoned(zone.clone());
            zoned.map_or(Timestamp::MAX, |zoned| zoned.timestamp())
        };
        let days_ago = |days: i32| today.saturating_sub(days.days());
        match self {
            Self::At(at) => at,
            Self::Ago(length) => now.saturating_sub(length).unwrap_or(Timestamp::MIN),
            Self::Local(when) => local(when),
            Self::Day(days, time) => local(days_ago(days).to_datetime(time)),
            Self::Clock(time) => {
                let of_today = local(today.to_datetime(time));
                if of_today <= now {
                    of_today
                } else {
                    local(days_ago(1).to_datetime(time))
                }
            }
        }
    }
}

fn ago(text: &str) -> Option<When> {
    if text == "now" {
        return Some(When::Ago(SignedDuration::ZERO));
    }
    let length: Window = text.strip_prefix('-').unwrap_or(text).parse().ok()?;
    Some(When::Ago(length.duration()))
}

fn exact(text: &str) -> Option<When> {
    let at = if let Ok(seconds) = text.parse::<i64>() {
        Timestamp::from_second(seconds).ok()
    } else if let Ok(seconds) = text.parse::<f64>() {
        let since = SignedDuration::try_from_secs_f64(seconds).ok()?;
        Timestamp::from_duration(since).ok()
    } else {
        text.parse().ok()
    };
    at.map(When::At)
}

fn day(text: &str) -> Option<When> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let days = match word.to_ascii_lowercase().as_str() {
        "today" => 0,
        "yesterday" => 1,
        _ => return None,
    };
    let time = if rest.is_empty() {
        Some(Time::midnight())
    } else {
        time(rest.trim())
    };
    Some(When::Day(days, time?))
}

/// `9:00`, `09:00`, `09:00:30`.
fn time(text: &str) -> Option<Time> {
    let mut parts = text.split(':').map(|part| {
        let is_number = (1..=2).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_digit());
        part.parse::<i8>().ok().filter(|_| is_number)
    });
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = match parts.next() {
        Some(second) => second?,
        None => 0,
    };
    let is_all = parts.next().is_none();
    Time::new(hour, minute, second, 0).ok().filter(|_| is_all)
}

fn local(text: &str) -> Option<DateTime> {
    if let Some((date, clock)) = text.split_once([' ', 'T']) {
        return Some(date.parse::<Date>().ok()?.to_datetime(time(clock.trim())?));
    }
    Some(text.parse::<Date>().ok()?.to_datetime(Time::midnight()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_in_every_form_that_help_names() {
        let now: Timestamp = "2026-11-22T14:00:00Z".parse().unwrap();
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        for (text, want) in [
            ("8h", "2026-11-22T06:00:00Z"),
            ("-8h", "2026-11-22T06:00:00Z"),
            ("now", "2026-11-22T14:00:00Z"),
            ("09:00", "2026-11-22T08:00:00Z"),
            ("9:30:15", "2026-11-22T08:30:15Z"),
            // It is 15:00 there; 16:00 was yesterday.
            ("16:00", "2026-11-21T15:00:00Z"),
            ("today 16:00", "2026-11-22T15:00:00Z"),
            ("yesterday 14:00", "2026-11-21T13:00:00Z"),
            ("Yesterday", "2026-11-20T23:00:00Z"),
            ("2026-11-21", "2026-11-20T23:00:00Z"),
            ("2026-07-01 14:00", "2026-07-01T12:00:00Z"),
            ("2026-07-01T14:00", "2026-07-01T12:00:00Z"),
            ("2026-11-21T23:30:00Z", "2026-11-21T23:30:00Z"),
            ("2026-11-22T15:00:00+01:00", "2026-11-22T14:00:00Z"),
            ("1795356000", "2026-11-22T14:00:00Z"),
            ("1795356000.0", "2026-11-22T14:00:00Z"),
        ] {
            let found = When::parse(text).unwrap().moment(now, &berlin);
            assert_eq!(found.to_string(), want, "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused_with_the_forms() {
        for wrong in [
            "",
            "last night",
            "25:00",
            "9:60",
            "9",
            "09:00 yesterday",
            "2026-13-01",
            "--8h",
            "1e300",
            "NaN",
            "99999999999999999999",
        ] {
            // A bare number is Unix seconds.
            if wrong != "9" {
                assert_eq!(When::parse(wrong), Err(FORMS.to_owned()), "{wrong}");
            }
        }
    }

    #[test]
    fn a_time_that_clocks_skip_is_the_one_after() {
        let now: Timestamp = "2026-03-29T12:00:00Z".parse().unwrap();
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let found = When::parse("02:30").unwrap().moment(now, &berlin);
        assert_eq!(found.to_string(), "2026-03-29T01:30:00Z");
    }
}
