//! What one poll of one source says, and how fresh a source is.

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Incident, Observation, OnCall, Release, Silence};
use crate::text::Untrusted;

/// The name a source has in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct SourceName(Arc<str>);

impl SourceName {
    /// Names a source.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for SourceName {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl From<SourceName> for String {
    fn from(name: SourceName) -> Self {
        name.as_str().to_owned()
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Everything one poll learned. `None`: the source does not speak of that; an empty list: it
/// answered that there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Service level objectives and their numbers.
    pub slos: Option<Vec<Observation>>,
    /// Releases, in any order.
    pub releases: Option<Vec<Release>>,
    /// Incidents, in any order.
    pub incidents: Option<Vec<Incident>>,
    /// Silences in force or to come, in any order.
    pub silences: Option<Vec<Silence>>,
    /// Who is on call, and who is next.
    pub on_call: Option<Vec<OnCall>>,
    /// What the server warned of, or what was cut: shown beside the source, not an error.
    pub warnings: Vec<Untrusted>,
    /// A part that failed while the rest is good; it counts as a fault of the source.
    pub fault: Option<Fault>,
    /// True when this is the part that could be had at once, and the rest is had by asking again.
    pub more: bool,
    /// How long the server should be left alone, by what it says of its limits; `None` for as long
    /// as configured.
    pub rest: Option<SignedDuration>,
}

/// One poll of one source, done.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Who answered.
    pub source: SourceName,
    /// When the answer was complete.
    pub at: Timestamp,
    /// How long it took.
    pub latency: SignedDuration,
    /// When this source is asked again.
    pub next_try: Option<Timestamp>,
    /// What it said.
    pub outcome: Result<Facts, Fault>,
}

/// What kind of thing went wrong: decides back-off and wording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// No answer in time.
    Timeout,
    /// No connection: refused, reset, no such host.
    Connect,
    /// The connection could not be made safe.
    Tls,
    /// 401: the credential is missing or refused.
    Auth,
    /// 403: the credential may not do this.
    Forbidden,
    /// 404: nothing there.
    NotFound,
    /// 429, or a vendor's own word for it.
    RateLimited,
    /// 5xx.
    Server,
    /// 3xx: never followed, since credentials would go along.
    Redirect,
    /// The answer was larger than allowed.
    TooLarge,
    /// The answer could not be understood.
    Decode,
    /// The server refused the question.
    Query,
    /// A secret could not be had.
    Secret,
    /// This source cannot answer for a past moment.
    NoHistory,
    /// An order was not sent: its target is not as it was when the order was given.
    Moved,
    /// An order cannot be carried out here at all.
    NotOffered,
    /// An order was sent and no answer came: it may have been carried out.
    Unsure,
    /// Our own code failed.
    Crash,
}

/// Why a poll failed. A value that is shown, so its words may hold foreign text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What kind of thing went wrong.
    pub kind: FaultKind,
    /// One sentence with the next step, without the source's name and without any credential.
    pub message: Untrusted,
    /// How long the server asked us to stay away.
    pub retry_after: Option<SignedDuration>,
}

impl Fault {
    /// The same, told as the fault of one part of what was asked.
    #[must_use]
    pub fn of_part(self, part: &str) -> Self {
        let message = format!("{part}: {}", self.message.raw()).into();
        Self { message, ..self }
    }

    /// A fault in one sentence.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: Untrusted::from(message.into()),
            retry_after: None,
        }
    }
}

/// How much the last answer of a source can be trusted to be the present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Freshness {
    /// It answered when last asked.
    Live,
    /// One poll was missed.
    Late,
    /// Older than three intervals.
    Stale,
    /// Never answered, or failing for longer than `stale_after`.
    Down,
}

impl Freshness {
    /// Judges a source by when it last answered well.
    ///
    /// `failing` says that the newest poll failed; `interval` is how often it is asked.
    pub fn judge(
        last_success: Option<Timestamp>,
        failing: bool,
        interval: SignedDuration,
        stale_after: SignedDuration,
        now: Timestamp,
    ) -> Self {
        let Some(last_success) = last_success else {
            return Self::Down;
        };
        let age = super::window::age(last_success, now);
        if failing && age > stale_after {
            Self::Down
        } else if age > interval * 3 {
            Self::Stale
        } else if failing || age > interval * 2 {
            Self::Late
        } else {
            Self::Live
        }
    }

    /// True while its facts may be shown as the present.
    pub fn is_current(self) -> bool {
        matches!(self, Self::Live | Self::Late)
    }

    /// The word used on the screen and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Late => "late",
            Self::Stale => "stale",
            Self::Down => "down",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freshness_follows_the_age_of_the_last_good_answer() {
        let now = Timestamp::from_second(1_000_000).expect("time");
        let judge = |age: i64, failing| {
            Freshness::judge(
                Some(now - SignedDuration::from_secs(age)),
                failing,
                SignedDuration::from_secs(15),
                SignedDuration::from_secs(300),
                now,
            )
        };
        assert_eq!(judge(3, false), Freshness::Live);
        assert_eq!(judge(3, true), Freshness::Late);
        assert_eq!(judge(31, false), Freshness::Late);
        assert_eq!(judge(46, false), Freshness::Stale);
        assert_eq!(judge(46, true), Freshness::Stale);
        assert_eq!(judge(301, true), Freshness::Down);
        let never = Freshness::judge(
            None,
            false,
            SignedDuration::from_secs(15),
            SignedDuration::from_secs(300),
            now,
        );
        assert_eq!(never, Freshness::Down);
    }
}
