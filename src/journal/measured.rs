//! The numbers of an SLO as they are kept: short, since there are many, and without its definition,
//! which seldom changes and is a row of its own.

use std::hash::{DefaultHasher, Hash as _, Hasher};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::slo::{Course, LowerBound, Windows};
use crate::domain::{Events, Observation, Reading, Reason, Sample, Slo, Window};

use super::pieces::{Outline, rounded};
use super::{moment, ms};

/// The numbers of one SLO. The names are those of [`Observation`].
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Measured {
    at: i64,
    windows: Vec<(Window, Number)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    period: Option<Number>,
    /// Length and elapsed part of the period, in seconds.
    lasts: (i64, i64),
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<i64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<Reason>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lower_bounds: Vec<LowerBound>,
    /// Kept of one that burns: where it began is found in its courses, whose slices are rows of their
    /// own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) outlines: Vec<Outline>,
    /// The courses in whole, as the first form of the file has them.
    #[serde(default, skip_serializing)]
    courses: Vec<Course>,
}

/// One window: what it says, bad and all events, and how many milliseconds before the observation
/// it was evaluated for.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Number(Reading, Option<(f64, f64)>, i64);

impl Number {
    fn of(sample: Sample, at: Timestamp) -> Self {
        let events = sample.events.map(|events| (events.bad, events.total));
        // JSON has no infinities.
        let events = events.filter(|(bad, total)| bad.is_finite() && total.is_finite());
        let events = events.map(|(bad, total)| (rounded(bad), rounded(total)));
        let reading = match sample.reading {
            Reading::Ratio(ratio) => Reading::Ratio(rounded(ratio)),
            reading => reading,
        };
        Self(reading, events, ms(at) - ms(sample.at))
    }

    fn hash_into(&self, hasher: &mut impl Hasher) {
        std::mem::discriminant(&self.0).hash(hasher);
        self.0.ratio().map(f64::to_bits).hash(hasher);
        let events = self.1.map(|(bad, total)| (bad.to_bits(), total.to_bits()));
        events.hash(hasher);
    }

    fn sample(&self, at: i64) -> Sample {
        Sample {
            reading: match self.0 {
                Reading::Ratio(ratio) => Reading::from_ratio(ratio),
                reading => reading,
            },
            events: self.1.map(|(bad, total)| Events { bad, total }),
            at: moment(at.saturating_sub(self.2)),
        }
    }
}

impl Measured {
    /// The numbers of an observation.
    pub(super) fn of(seen: &Observation, burns: bool) -> Self {
        let number = |sample: Sample| Number::of(sample, seen.at);
        let windows = seen.windows.iter();
        Self {
            at: ms(seen.at),
            windows: windows
                .map(|(window, sample)| (window, number(sample)))
                .collect(),
            period: seen.period.map(number),
            lasts: (seen.period_length.as_secs(), seen.period_elapsed.as_secs()),
            since: seen.since.map(ms),
            partial: seen.partial,
            reasons: seen.reasons.to_vec(),
            lower_bounds: seen.lower_bounds.to_vec(),
            outlines: if burns {
                seen.courses.iter().map(Outline::of).collect()
            } else {
                Vec::new()
            },
            courses: Vec::new(),
        }
    }

    /// The observation that they are of, with the courses that were kept in pieces.
    pub(super) fn observation(&self, slo: Arc<Slo>, pieces: Vec<Course>) -> Observation {
        let windows = self.windows.iter();
        let windows: Windows = windows
            .map(|(window, number)| (*window, number.sample(self.at)))
            .collect();
        Observation {
            at: moment(self.at),
            windows,
            period: self.period.as_ref().map(|number| number.sample(self.at)),
            period_length: SignedDuration::from_secs(self.lasts.0),
            period_elapsed: SignedDuration::from_secs(self.lasts.1),
            since: self.since.map(moment),
            partial: self.partial,
            reasons: self.reasons.clone().into(),
            lower_bounds: self.lower_bounds.clone().into(),
            courses: if self.outlines.is_empty() {
                self.courses.clone().into()
            } else {
                pieces.into()
            },
            ..Observation::unknown(slo, moment(self.at))
        }
    }

    /// What the numbers are, whenever they were measured.
    pub(super) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.partial.hash(&mut hasher);
        self.reasons.hash(&mut hasher);
        for bound in &self.lower_bounds {
            bound.window.hash(&mut hasher);
        }
        for (window, number) in &self.windows {
            window.hash(&mut hasher);
            number.hash_into(&mut hasher);
        }
        if let Some(number) = &self.period {
            number.hash_into(&mut hasher);
        }
        self.outlines.hash(&mut hasher);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Fault, FaultKind, Origin, Period, ReasonCode, SourceName};

    #[test]
    fn reasons_are_kept_and_numbers_of_a_journal_without_them_are_read() {
        let at = Timestamp::from_second(1_795_356_000).expect("a moment");
        let slo = Arc::new(Slo::new(
            "checkout",
            "availability",
            SourceName::new("prod"),
            0.999,
            Period::Rolling(Window::days(30)),
            Origin::Config,
        ));
        let fault = Fault::new(FaultKind::Timeout, "no answer within 10s");
        let seen = Observation {
            reasons: Arc::from([
                Reason::of_fault(&fault),
                Reason::new(ReasonCode::MissingLabel, "bad_code", "no series has it"),
            ]),
            ..Observation::unknown(Arc::clone(&slo), at)
        };
        let kept = Measured::of(&seen, false);
        let mut text: serde_json::Value = serde_json::to_value(&kept).expect("JSON");
        let read: Measured = serde_json::from_value(text.clone()).expect("read");
        assert_eq!(read.observation(Arc::clone(&slo), Vec::new()), seen);
        let bare = Measured::of(&Observation::unknown(Arc::clone(&slo), at), false);
        assert_ne!(kept.digest(), bare.digest());
        text.as_object_mut().expect("an object").remove("reasons");
        let old: Measured = serde_json::from_value(text).expect("an old one is read");
        assert_eq!(old, bare);
    }
}
