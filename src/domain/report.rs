//! What one poll of one source says, and how fresh a source is.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::suggestion::Suggestions;
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
    /// What was found when SLOs to suggest were looked for.
    pub suggestions: Option<Arc<Suggestions>>,
    /// What the server warned of, or what was cut: shown beside the source, not an error.
    pub warnings: Vec<Untrusted>,
    /// A part that failed while the rest is good; it counts as a fault of the source.
    pub fault: Option<Fault>,
    /// True when this is the part that could be had at once, and the rest is had by asking again.
    pub more: bool,
    /// How long the server should be left alone, by what it says of its limits; `None` for as long
    /// as configured.
    pub rest: Option<SignedDuration>,
    /// How far back its dated rows go; `None` where that is as far as it keeps them.
    pub reach: Option<Timestamp>,
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

impl FaultKind {
    /// The word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::Server => "server",
            Self::Redirect => "redirect",
            Self::TooLarge => "too_large",
            Self::Decode => "decode",
            Self::Query => "query",
            Self::Secret => "secret",
            Self::NoHistory => "no_history",
            Self::Moved => "moved",
            Self::NotOffered => "not_offered",
            Self::Unsure => "unsure",
            Self::Crash => "crash",
        }
    }

    /// The same in a few words, for a row of a table.
    pub fn short(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Connect => "no connection",
            Self::Tls => "TLS failed",
            Self::Auth => "401 unauthorized",
            Self::Forbidden => "403 forbidden",
            Self::NotFound => "404 not found",
            Self::RateLimited => "rate limited",
            Self::Server => "server error",
            Self::Redirect => "redirected",
            Self::TooLarge => "answer too large",
            Self::Decode => "unreadable answer",
            Self::Query => "query refused",
            Self::Secret => "no credential",
            Self::NoHistory => "no history",
            Self::Moved | Self::NotOffered | Self::Unsure => "not done",
            Self::Crash => "source failed",
        }
    }
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

/// The faults of one poll: all of them are counted, the first is told in full, and the texts of the
/// others are kept up to [`Faults::MAX_LISTED`].
#[derive(Debug, Default)]
pub struct Faults {
    first: Option<Fault>,
    others: Vec<Untrusted>,
    /// What all of them say, so that none counts twice.
    known: HashSet<Untrusted>,
}

impl Faults {
    /// How many texts are kept beside the first.
    pub const MAX_LISTED: usize = 20;

    /// Adds a fault, unless one says the same.
    pub fn push(&mut self, fault: Fault) {
        if !self.known.insert(fault.message.clone()) {
            return;
        }
        if self.first.is_none() {
            self.first = Some(fault);
        } else if self.others.len() < Self::MAX_LISTED {
            self.others.push(fault.message);
        }
    }

    /// Adds several, in their order.
    pub fn extend(&mut self, faults: impl IntoIterator<Item = Fault>) {
        faults.into_iter().for_each(|fault| self.push(fault));
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// All as one fault, `… (+2 more)` after the first, and the texts of the others.
    pub fn finish(self) -> (Option<Fault>, Vec<Untrusted>) {
        let Some(first) = self.first else {
            return (None, Vec::new());
        };
        let more = self.known.len().saturating_sub(1);
        if more == 0 {
            return (Some(first), self.others);
        }
        let message = format!("{} (+{more} more)", first.message.raw()).into();
        (Some(Fault { message, ..first }), self.others)
    }
}

/// How much the last answer of a source can be trusted to be the present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Freshness {
    /// It answered when last asked.
    Live,
    /// Its newest poll failed or is overdue, and its last good answer is at most three intervals old.
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
    fn every_fault_of_a_poll_is_counted_and_told_once() {
        let fault = |words: &str| Fault::new(FaultKind::Query, words);
        assert_eq!(Faults::default().finish(), (None, Vec::new()));
        for count in [1_usize, 2, 3, 30] {
            let mut faults = Faults::default();
            for number in 0..count {
                faults.push(fault(&format!("fault {number}")));
                faults.push(fault(&format!("fault {number}")));
            }
            let (first, others) = faults.finish();
            let told = match count {
                1 => "fault 0".to_owned(),
                _ => format!("fault 0 (+{} more)", count - 1),
            };
            assert_eq!(first, Some(fault(&told)));
            assert_eq!(others.len(), (count - 1).min(Faults::MAX_LISTED));
        }
    }

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
