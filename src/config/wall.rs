//! `[wall]`: the pages of a calm wall, its dim hours, and the heartbeat that tells it is alive.

use jiff::SignedDuration;
use jiff::civil::Time;

use super::check::Context;
use super::wire;
use super::{HeaderSetting, Problem, Step};
use crate::text::clipped;

/// The shortest time that a page stands: faster turns are unrest, and many bytes.
const SHORTEST_PAGE: SignedDuration = SignedDuration::from_secs(10);

/// How the wall shows what it shows: `[wall]`.
#[derive(Clone, Debug)]
pub struct WallSettings {
    /// How long a page of a calm wall stands.
    pub rotate: SignedDuration,
    /// When a calm wall is dim, in the zone of the screen; `None` for never.
    pub dim: Option<DimHours>,
    /// The URL that is fetched once a minute while the wall works; `None` for none. It may be a secret.
    pub heartbeat_url: Option<HeaderSetting>,
}

/// Two times of day; the second one may be of the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DimHours {
    /// From this time on.
    pub from: Time,
    /// Until this time.
    pub until: Time,
}

impl Default for WallSettings {
    /// A page stands for a minute, the wall is never dim, and no heartbeat is sent.
    fn default() -> Self {
        Self {
            rotate: SignedDuration::from_mins(1),
            dim: None,
            heartbeat_url: None,
        }
    }
}

impl DimHours {
    /// Reads `22:00..06:00`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (from, until) = text.split_once("..")?;
        let (from, until) = (time(from)?, time(until)?);
        (from != until).then_some(Self { from, until })
    }

    /// True for a time of day within.
    pub fn contains(self, time: Time) -> bool {
        if self.from < self.until {
            self.from <= time && time < self.until
        } else {
            self.from <= time || time < self.until
        }
    }
}

/// Reads `06:00`, or `24:00` for midnight.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |digits: &str| {
        let is_plain =
            (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| digits.parse::<i8>().ok()).flatten()
    };
    match (number(hour)?, number(minute)?) {
        (24, 0) => Some(Time::midnight()),
        (hour, minute) => Time::new(hour, minute, 0, 0).ok(),
    }
}

impl Context<'_> {
    /// `[wall]`.
    pub(super) fn wall(&mut self, wire: wire::Wall) -> WallSettings {
        let standard = WallSettings::default();
        let rotate = wire.rotate.map(|rotate| rotate.0.duration());
        if rotate.is_some_and(|rotate| rotate < SHORTEST_PAGE) {
            self.refuse_wall(
                "rotate",
                "turns too fast to be read: at least `10s`".to_owned(),
            );
        }
        let dim = wire.dim.and_then(|text| {
            let hours = DimHours::parse(&text);
            if hours.is_none() {
                let message = format!(
                    "`{}` is no span of the day: write for example \"22:00..06:00\"",
                    clipped(&text)
                );
                self.refuse_wall("dim", message);
            }
            hours
        });
        if let Some(HeaderSetting::Plain(url)) = &wire.heartbeat_url
            && !url.starts_with("https://")
            && !url.starts_with("http://")
        {
            let message = "expected a URL that begins with https:// or http://";
            self.refuse_wall("heartbeat_url", message.to_owned());
        }
        WallSettings {
            rotate: rotate.unwrap_or(standard.rotate),
            dim,
            heartbeat_url: wire.heartbeat_url,
        }
    }

    fn refuse_wall(&mut self, key: &str, message: String) {
        let path = ["wall", key].map(|key| Step::Key(key.to_owned()));
        self.problems.push(Problem {
            path: path.into(),
            message,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_may_go_over_midnight_and_what_are_none_is_refused() {
        let at = |hour, minute| Time::constant(hour, minute, 0, 0);
        let night = DimHours::parse("22:00..06:00").unwrap();
        for (time, is_dim) in [
            (at(21, 59), false),
            (at(22, 0), true),
            (at(23, 59), true),
            (at(0, 0), true),
            (at(5, 59), true),
            (at(6, 0), false),
            (at(12, 0), false),
        ] {
            assert_eq!(night.contains(time), is_dim, "{time}");
        }
        let day = DimHours::parse("6:30 .. 24:00");
        assert_eq!(day.map(|day| day.contains(at(0, 0))), Some(false));
        assert_eq!(day.map(|day| day.contains(at(23, 0))), Some(true));
        for text in [
            "",
            "22:00",
            "22..6",
            "25:00..06:00",
            "22:60..06:00",
            "06:00..06:00",
            "-1:00..2:00",
        ] {
            assert_eq!(DimHours::parse(text), None, "{text}");
        }
    }
}
