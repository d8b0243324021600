//! Moments in words, in one zone.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use serde::{Serialize as _, Serializer};

/// A moment to the second.
pub fn whole(at: Timestamp) -> Timestamp {
    at.round(Unit::Second).unwrap_or(at)
}

/// Serializes a moment to the second: programs such as jq read no fractions.
///
/// # Errors
/// Those of the serializer.
pub fn seconds<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    whole(*at).serialize(serializer)
}

/// The same of a moment that may be missing.
///
/// # Errors
/// Those of the serializer.
pub fn maybe_seconds<S: Serializer>(
    at: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    at.map(whole).serialize(serializer)
}

/// Clocks of a zone, and the moment that counts as now.
#[derive(Clone, Copy, Debug)]
pub struct Clock<'a> {
    /// The zone.
    pub zone: &'a TimeZone,
    /// Now, or the end of what is told.
    pub now: Timestamp,
}

impl Clock<'_> {
    /// A time of day, with the date when it is not today's: `14:02`, `Nov 21 14:02`.
    pub fn short(self, at: Timestamp) -> String {
        let then = at.to_zoned(self.zone.clone());
        let today = self.now.to_zoned(self.zone.clone()).date();
        let form = if then.date() == today {
            "%H:%M"
        } else {
            "%b %d %H:%M"
        };
        then.strftime(form).to_string()
    }

    /// A moment in full, to the second, with its zone: `2026-11-22 14:02:31 UTC`.
    pub fn full(self, at: Timestamp) -> String {
        self.to_the_second(at, "%Y-%m-%d %H:%M:%S %Z")
    }

    /// A time of day to the second: `14:02:31`.
    pub fn second(self, at: Timestamp) -> String {
        self.to_the_second(at, "%H:%M:%S")
    }

    fn to_the_second(self, at: Timestamp, form: &str) -> String {
        whole(at)
            .to_zoned(self.zone.clone())
            .strftime(form)
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_another_day_has_its_date_and_seconds_are_rounded() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let moment = |text: &str| text.parse::<Timestamp>().unwrap();
        let clock = Clock {
            zone: &zone,
            now: moment("2026-11-22T14:00:00Z"),
        };
        assert_eq!(clock.short(moment("2026-11-22T13:02:00Z")), "14:02");
        assert_eq!(clock.short(moment("2026-11-21T22:59:00Z")), "Nov 21 23:59");
        let late = moment("2026-07-22T13:02:31.6Z");
        assert_eq!(clock.full(late), "2026-07-22 15:02:32 CEST");
        assert_eq!(clock.second(late), "15:02:32");
    }
}
