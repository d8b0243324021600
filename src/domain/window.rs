//! Look-back windows and SLO periods, spelled as Prometheus spells durations.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Unit, Zoned};
use serde::{Deserialize, Serialize};

/// A look-back window, in whole seconds: `5m`, `1h`, `1d1h43m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window(u32);

const UNITS: [(&str, u64); 6] = [
    ("y", 31_536_000),
    ("w", 604_800),
    ("d", 86_400),
    ("h", 3_600),
    ("m", 60),
    ("s", 1),
];

impl Window {
    /// A window of that many seconds; `None` for 0 and for more than 100 years.
    pub fn from_seconds(seconds: u64) -> Option<Self> {
        u32::try_from(seconds).ok().filter(|&s| s > 0).map(Self)
    }

    /// The same of a number that a server sent; whole seconds of it count.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked"
    )]
    pub fn from_seconds_f64(seconds: f64) -> Option<Self> {
        (1.0..=f64::from(u32::MAX))
            .contains(&seconds)
            .then_some(Self(seconds as u32))
    }

    /// Minutes, for the windows that rules are made of.
    pub const fn minutes(minutes: u32) -> Self {
        Self(minutes * 60)
    }

    /// Hours, likewise.
    pub const fn hours(hours: u32) -> Self {
        Self(hours * 3_600)
    }

    /// Days, likewise.
    pub const fn days(days: u32) -> Self {
        Self(days * 86_400)
    }

    /// Its length in seconds.
    pub fn seconds(self) -> u32 {
        self.0
    }

    /// Its length.
    pub fn duration(self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.0))
    }
}

impl fmt::Display for Window {
    /// Days and smaller, so that 28 days read `28d` whoever spelled them `4w`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::from(self.0);
        let mut text = String::new();
        for (unit, seconds) in &UNITS[2..] {
            let count = rest / seconds;
            rest %= seconds;
            if count > 0 {
                let _ = write!(text, "{count}{unit}");
            }
        }
        f.pad(&text)
    }
}

/// What is wrong with a text that should be a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration: write a number and a unit, for example `5m`, `1h30m` or `30d`")]
pub struct NotADuration(pub String);

impl FromStr for Window {
    type Err = NotADuration;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NotADuration(text.to_owned());
        let mut total: u64 = 0;
        let mut rest = text;
        let mut units = UNITS.iter();
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let count: u64 = rest[..digits].parse().map_err(|_| wrong())?;
            rest = &rest[digits..];
            let unit_len = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
            // Units stand from long to short, each at most once, as in Prometheus.
            let (_, seconds) = units
                .find(|(unit, _)| *unit == &rest[..unit_len])
                .ok_or_else(wrong)?;
            rest = &rest[unit_len..];
            total = count
                .checked_mul(*seconds)
                .and_then(|part| total.checked_add(part))
                .ok_or_else(wrong)?;
        }
        Self::from_seconds(total).ok_or_else(wrong)
    }
}

impl Serialize for Window {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// The time over which an objective is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// The last so-many seconds.
    Rolling(Window),
    /// From Monday, 00:00.
    Week,
    /// From the first of the month, 00:00.
    Month,
    /// From the first of January, April, July or October, 00:00.
    Quarter,
    /// From the first of January, 00:00.
    Year,
}

impl Period {
    /// When the period that `now` lies in began.
    pub fn start(self, now: Timestamp, zone: &TimeZone) -> Timestamp {
        let Self::Rolling(window) = self else {
            return began(self.first_day(&now.to_zoned(zone.clone())), zone);
        };
        now.saturating_sub(window.duration())
            .unwrap_or(Timestamp::MIN)
    }

    /// Its whole length, of the one that `now` lies in; calendar periods differ (28 to 31 days).
    pub fn length(self, now: Timestamp, zone: &TimeZone) -> SignedDuration {
        let Self::Rolling(window) = self else {
            let first = self.first_day(&now.to_zoned(zone.clone()));
            let span = match self {
                Self::Week => 1.week(),
                Self::Month => 1.month(),
                Self::Quarter => 3.months(),
                Self::Year | Self::Rolling(_) => 1.year(),
            };
            let next = first.checked_add(span).unwrap_or(Date::MAX);
            // From day to day and not from moment to moment: a zone may change its clocks at
            // midnight, and then a period begins at 01:00.
            return began(first, zone).duration_until(began(next, zone));
        };
        window.duration()
    }

    /// The look-back that covers the period so far: the whole of a rolling one, a calendar one
    /// from its start to `now` (one second at least, so that it can be queried).
    pub fn elapsed(self, now: Timestamp, zone: &TimeZone) -> Window {
        if let Self::Rolling(window) = self {
            return window;
        }
        let seconds = self.start(now, zone).duration_until(now).as_secs().max(1);
        Window(u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    /// The length that rule factors are scaled to: that of a rolling period, and for calendar ones
    /// the customary 7, 30, 90 and 365 days, so that thresholds do not jump from month to month.
    pub fn nominal(self) -> Window {
        match self {
            Self::Rolling(window) => window,
            Self::Week => Window::days(7),
            Self::Month => Window::days(30),
            Self::Quarter => Window::days(90),
            Self::Year => Window::days(365),
        }
    }

    /// The first day of a calendar period.
    fn first_day(self, now: &Zoned) -> Date {
        let day = now.date();
        match self {
            Self::Week => {
                let back = day.weekday().since(Weekday::Monday);
                day.checked_sub(i64::from(back).days()).unwrap_or(day)
            }
            Self::Month => day.first_of_month(),
            Self::Quarter => {
                let first = day.first_of_month();
                let back = i64::from((first.month() - 1) % 3);
                first.checked_sub(back.months()).unwrap_or(first)
            }
            Self::Year | Self::Rolling(_) => day.first_of_year(),
        }
    }
}

/// The first moment of a day in a zone: midnight, or later where the clocks skip it.
fn began(day: Date, zone: &TimeZone) -> Timestamp {
    let first = day.to_zoned(zone.clone()).map(|at| at.timestamp());
    first.unwrap_or(Timestamp::MAX)
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rolling(window) => window.fmt(f),
            Self::Week => f.pad("week"),
            Self::Month => f.pad("month"),
            Self::Quarter => f.pad("quarter"),
            Self::Year => f.pad("year"),
        }
    }
}

impl FromStr for Period {
    type Err = NotADuration;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "week" => Ok(Self::Week),
            "month" => Ok(Self::Month),
            "quarter" => Ok(Self::Quarter),
            "year" => Ok(Self::Year),
            _ => text.parse().map(Self::Rolling),
        }
    }
}

impl Serialize for Period {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// `then` as an age at `now`, never negative: a clock that stepped back makes things new, not wrong.
pub fn age(then: Timestamp, now: Timestamp) -> SignedDuration {
    then.duration_until(now).max(SignedDuration::ZERO)
}

/// Clocks of two machines differ by so much without anybody noticing.
const CLOCK_NOISE: SignedDuration = SignedDuration::from_secs(5);

/// True for a moment after `now`, by more than clocks differ.
pub fn is_to_come(at: Timestamp, now: Timestamp) -> bool {
    at.duration_since(now) > CLOCK_NOISE
}

/// An age or a time left in the one unit a reader wants: `45s`, `12m`, `3h`, `5d`.
pub fn brief(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Rounds down to a multiple of `step`, so that repeated range queries hit result caches.
pub fn align(at: Timestamp, step: SignedDuration) -> Timestamp {
    let step = step.as_secs().max(1);
    Timestamp::from_second(at.as_second().div_euclid(step) * step)
        .ok()
        .or_else(|| at.round(Unit::Second).ok())
        .unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(text: &str) -> Window {
        text.parse().expect("a duration")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a timestamp")
    }

    #[test]
    fn windows_read_and_print_as_prometheus_durations() {
        for (text, seconds, shown) in [
            ("5m", 300, "5m"),
            ("1h4m", 3_840, "1h4m"),
            ("1d1h43m", 92_580, "1d1h43m"),
            ("4w", 2_419_200, "28d"),
            ("90s", 90, "1m30s"),
            ("24h", 86_400, "1d"),
        ] {
            assert_eq!(window(text).seconds(), seconds);
            assert_eq!(window(text).to_string(), shown);
        }
        for wrong in [
            "",
            "5",
            "m",
            "5x",
            "1m1h",
            "-5m",
            "0s",
            "5m5m",
            "99999999y",
            "5 m",
            "½h",
        ] {
            assert!(wrong.parse::<Window>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn calendar_periods_begin_at_local_midnight_across_daylight_saving() {
        let berlin = TimeZone::get("Europe/Berlin").expect("zone");
        let now = at("2026-11-22T14:00:00Z");
        assert_eq!(Period::Week.start(now, &berlin), at("2026-11-15T23:00:00Z"));
        assert_eq!(
            Period::Month.start(now, &berlin),
            at("2026-10-31T23:00:00Z")
        );
        assert_eq!(
            Period::Quarter.start(now, &berlin),
            at("2026-09-30T22:00:00Z")
        );
        // October has a day of 25 hours there.
        let october = Period::Month.length(at("2026-10-10T00:00:00Z"), &berlin);
        assert_eq!(october.as_secs(), 31 * 86_400 + 3_600);
        assert_eq!(
            Period::Month
                .elapsed(at("2026-10-31T23:00:00Z"), &berlin)
                .seconds(),
            1
        );
    }

    #[test]
    fn an_age_is_never_negative() {
        let now = at("2026-11-22T14:00:00Z");
        assert_eq!(age(at("2026-11-22T15:00:00Z"), now), SignedDuration::ZERO);
        assert_eq!(brief(SignedDuration::from_secs(47 * 3_600)), "47h");
        assert_eq!(brief(SignedDuration::from_secs(48 * 3_600)), "2d");
    }
}
