//! Everything that can be said of the numbers of one SLO: what was measured, of how much, and why.
//!
//! An [`Explanation`] made of an [`Observation`] alone tells what any source knows; a source that
//! can look behind its numbers adds queries, samples and gaps.

mod budget;
mod findings;
mod reasons;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::slo::{Coverage, Events, Origin};
use super::{Fault, Observation, Period, Reading, Sample, SourceName, Window, window};
use crate::text::Untrusted;

pub use budget::{budget_left, exhaustion, exhaustion_in_words, held_rate, number};
pub use findings::findings;
pub use reasons::{because, estimates};

/// One SLO, measured and looked behind.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The measurement that is explained.
    pub seen: Observation,
    /// The zone that a calendar period begins in; `None` when that is not known or not needed.
    pub zone: Option<TimeZone>,
    /// The windows of the rules, shortest first, then the period.
    pub spans: Vec<Evidence>,
    /// What the samples themselves say; `None` while not asked, or when nobody can tell.
    pub data: Option<Data>,
    /// True when no bad series exists, and that counts as 0 bad events.
    pub never_failed: bool,
    /// What could not be found out, and why.
    pub lacks: Vec<Untrusted>,
    /// The requests by which a refresh measures it; empty where nobody told.
    pub requests: Vec<Request>,
}

/// What one number rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// How far it looks back.
    pub window: Window,
    /// True for the period, false for a window of the rules.
    pub is_period: bool,
    /// Where the number comes from.
    pub basis: Basis,
    /// What to ask to see the same number: what it is, and the query.
    pub queries: Vec<(String, Untrusted)>,
    /// The samples that lie in it; `None` while not known.
    pub samples: Option<Samples>,
}

/// Where a number comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Somebody recorded it: it is read.
    Recorded,
    /// It is computed when it is asked for.
    Computed,
    /// Nobody records it and nothing tells how to compute it.
    Nothing,
    /// The source does not say.
    Unsaid,
}

impl Basis {
    /// The word used in text and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Computed => "computed",
            Self::Nothing => "nothing",
            Self::Unsaid => "unsaid",
        }
    }
}

/// How many samples a window holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Samples {
    /// All samples of all series.
    pub count: f64,
    /// The series that have a sample in it.
    pub series: f64,
    /// The samples of the series that has most.
    pub fullest: f64,
}

/// What the samples behind an SLO say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Data {
    /// The time that usually lies between two samples of a series.
    pub interval: Option<SignedDuration>,
    /// The newest sample.
    pub newest: Option<Timestamp>,
    /// The present by the clock that dates the samples, or the moment that was asked for.
    pub present: Option<Timestamp>,
    /// The longest time without any sample between the oldest and the newest one.
    pub gap: Option<Gap>,
    /// How exactly gaps are known: shorter ones are not seen.
    pub resolution: Option<SignedDuration>,
}

/// A time without any sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// After this moment there is none.
    pub from: Timestamp,
    /// Up to this one.
    pub until: Timestamp,
}

impl Gap {
    /// How long it is.
    pub fn length(self) -> SignedDuration {
        self.from.duration_until(self.until)
    }
}

impl Data {
    /// How old the newest sample is.
    pub fn age(&self) -> Option<SignedDuration> {
        Some(window::age(self.newest?, self.present?))
    }

    /// How many samples a series that was never missed has in a window.
    pub fn expected(&self, window: Window) -> Option<f64> {
        let interval = self.interval.filter(SignedDuration::is_positive)?;
        Some((f64::from(window.seconds()) / interval.as_secs_f64()).floor())
    }
}

impl Explanation {
    /// What an observation says by itself.
    pub fn of(seen: Observation) -> Self {
        let queries = |window: Window| {
            let end = format!(" {window}");
            let named =
                seen.slo.queries.iter().filter(move |(name, _)| {
                    name.ends_with(&end) || name.as_str() == end.trim_start()
                });
            named.cloned().collect()
        };
        let evidence = |window, is_period| Evidence {
            window,
            is_period,
            basis: Basis::Unsaid,
            queries: queries(window),
            samples: None,
        };
        let windows = seen.slo.windows().into_iter();
        let mut spans: Vec<_> = windows.map(|window| evidence(window, false)).collect();
        spans.push(evidence(look_back(&seen), true));
        Self {
            spans,
            seen,
            zone: None,
            data: None,
            never_failed: false,
            lacks: Vec::new(),
            requests: Vec::new(),
        }
    }

    /// The measurement of one of its spans.
    pub fn sample(&self, span: &Evidence) -> Option<Sample> {
        if span.is_period {
            self.seen.period
        } else {
            self.seen.windows.get(span.window)
        }
    }

    /// What a span is called.
    pub fn name(&self, span: &Evidence) -> String {
        match self.seen.slo.period {
            Period::Rolling(_) => span.window.to_string(),
            period if span.is_period => period.to_string(),
            _ => span.window.to_string(),
        }
    }

    /// How much of a span is covered by data; `None` while not known, and for a window that reaches
    /// back further than the period so far.
    pub fn coverage(&self, span: &Evidence) -> Option<Coverage> {
        let wanted = span.window.duration();
        self.seen
            .coverage(wanted)
            .filter(|_| span.is_period || wanted <= self.seen.period_elapsed)
    }

    /// When the period began, and when it ends: a rolling one ends now.
    pub fn bounds(&self) -> (Timestamp, Timestamp) {
        let seen = &self.seen;
        let start = seen.at.saturating_sub(seen.period_elapsed);
        let start = start.unwrap_or(Timestamp::MIN);
        let end = start.saturating_add(seen.period_length);
        (start, end.unwrap_or(Timestamp::MAX))
    }
}

/// The look-back of the period so far, in whole seconds.
fn look_back(seen: &Observation) -> Window {
    let seconds = u64::try_from(seen.period_elapsed.as_secs()).unwrap_or(0);
    Window::from_seconds(seconds).unwrap_or_else(|| seen.slo.period.nominal())
}

/// A time in its two largest units: `8d23h`, `1h59m`, `36m`.
pub fn lasting(time: SignedDuration) -> String {
    let mut rest = time.as_secs().max(0);
    let mut text = String::new();
    let mut left = 2;
    for (unit, seconds) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        let count = rest / seconds;
        rest %= seconds;
        if count > 0 && left > 0 {
            text = format!("{text}{count}{unit}");
        }
        if !text.is_empty() {
            left -= 1;
        }
    }
    if text.is_empty() {
        return "0s".to_owned();
    }
    text
}

/// The events of a sample that kept the objective.
pub fn good(events: Events) -> f64 {
    (events.total - events.bad).max(0.0)
}

/// What a reading is, in one word for programs.
pub fn reading_word(reading: Reading) -> &'static str {
    match reading {
        Reading::Ratio(_) => "ratio",
        Reading::NoTraffic => "no_traffic",
        Reading::NoSeries => "no_series",
        Reading::Unknown => "unknown",
    }
}

/// In what the numbers differ from those of the tool that defined the SLO, or from those of an SLO
/// that is counted; `None` where there is nothing to say.
pub fn difference(origin: Origin) -> Option<&'static str> {
    match origin {
        Origin::Config
        | Origin::Watchfire
        | Origin::Mapped
        | Origin::Alerts
        | Origin::Suggested => None,
        Origin::Sloth => Some(
            "Sloth's period is a mean of 5m ratios: a quiet night weighs as much as a busy noon, \
             so its budget differs from one counted by events wherever traffic varies",
        ),
        Origin::Pyrra => Some(
            "Pyrra's burn rates are error ratios whatever their name says; they are divided by \
             the error budget here, and its period is counted from recorded increases",
        ),
        Origin::Grafana => Some(
            "Grafana SLO records success ratios: they are taken from 1, and no counts are known",
        ),
    }
}

/// One request that a source sends to keep its SLOs up to date.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What it asks.
    pub query: Untrusted,
    /// What it is for: `windows up to 6h` for example.
    pub what: String,
    /// How often it is sent; `None` for every poll.
    pub every: Option<SignedDuration>,
    /// The ids of the SLOs that it serves.
    pub serves: Vec<Untrusted>,
}

impl Request {
    /// True when it serves any of these SLOs.
    pub fn serves_any(&self, ids: &[Untrusted]) -> bool {
        self.serves.iter().any(|id| ids.contains(id))
    }

    /// How often it is sent, in words.
    pub fn how_often(&self) -> String {
        self.every.map_or("every poll".to_owned(), |every| {
            format!("every {}", lasting(every))
        })
    }

    /// What it is for, how often it is sent and how many share it: `5m, 1h: every poll, …`.
    pub fn in_short(&self) -> String {
        let (what, often) = (&self.what, self.how_often());
        match self.serves.len().saturating_sub(1) {
            0 => format!("{what}: {often}, in a request of its own"),
            1 => format!("{what}: {often}, in one request with another SLO"),
            others => format!("{what}: {often}, in one request with {others} other SLOs"),
        }
    }
}

/// What a source said when it was asked to explain an SLO.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Who said it.
    pub source: SourceName,
    /// The SLO, as it was asked for.
    pub id: Untrusted,
    /// When the answer was complete.
    pub at: Timestamp,
    /// What it said.
    pub outcome: Result<Explanation, Fault>,
}

#[cfg(test)]
mod tests;
