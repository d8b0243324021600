//! Why a number of an SLO is not known, or not exact: a code to decide by, words to show.

use serde::{Deserialize, Serialize};

use super::{Observation, Reading, State};
use crate::domain::{Fault, FaultKind};
use crate::text::Untrusted;

/// Why a number of one SLO is not known, or is not exact.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reason {
    /// What kind of reason: the one part that decides anything.
    pub code: ReasonCode,
    /// What the code is about: a label, an operand, a count. Empty where the code says all.
    #[serde(default, skip_serializing_if = "Untrusted::is_empty")]
    pub subject: Untrusted,
    /// One sentence: what, why, and what to do.
    pub text: Untrusted,
}

/// The kinds of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// A query returned several series where one is needed; the subject is their number.
    SeveralSeries,
    /// The returned numbers make no error ratio.
    NotARatio,
    /// Between vectors an operand has no series; the subject is the operand.
    MissingOperand,
    /// No series of the metric has a label that the query names; the subject is the label.
    MissingLabel,
    /// No series of the metric has a value that is needed, a bucket for example; the subject is the
    /// matcher.
    MissingValue,
    /// The metric exists nowhere, and 0 events are assumed; the subject is the metric.
    AssumedZero,
    /// Too few samples in the shortest window; the subject is the window.
    TooFewSamples,
    /// Series that began within the window: the number is a lower bound; the subject is the windows.
    LowerBound,
    /// Replicas are there, and each event counts once all the same; the subject is the label that
    /// tells them apart.
    Replicas,
    /// Series that may be replicas, and then count every event more than once; the subject is the
    /// label that tells them apart.
    PossibleReplicas,
    /// Some targets lack what others have; the subject is what they lack.
    Uneven,
    /// Some targets cannot be scraped; the subject is how many, `1 of 3`.
    TargetsDown,
    /// Several definitions of one SLO differ; the subject is what there are several of: `2 objectives`.
    Conflict,
    /// A counter was NaN or infinite; the subject is its selector.
    NotANumber,
    /// No target was scraped of late.
    NotScraped,
    /// The stored history is too coarse for the moment.
    TooCoarse,
    /// The source returned numbers of too long ago; the subject is their age.
    TooOld,
    /// The source did not return this window; the subject is the windows.
    NotProvided,
    /// Parts of the data did not answer.
    Partial,
    /// The series exist nowhere in the window.
    NoSeries,
    /// The series exist and counted nothing; the subject is the window.
    NoTraffic,
    /// The source has not answered yet.
    Waiting,
    /// The last answer of the source is too old; the subject is its age.
    Stale,
    /// The question was not answered, and nothing more is known.
    NotAnswered,
    /// The question failed.
    Failed(FaultKind),
}

impl ReasonCode {
    /// True where there is a number, which is not exact; false where there is none.
    pub fn is_estimate(self) -> bool {
        matches!(
            self,
            Self::AssumedZero
                | Self::LowerBound
                | Self::Replicas
                | Self::PossibleReplicas
                | Self::Uneven
                | Self::TargetsDown
        )
    }

    /// True where every number is not exact, of whatever window.
    fn is_of_all_windows(self) -> bool {
        matches!(
            self,
            Self::AssumedZero | Self::PossibleReplicas | Self::Uneven | Self::TargetsDown
        )
    }

    /// True where something that is needed has no series.
    pub fn is_missing(self) -> bool {
        matches!(
            self,
            Self::MissingOperand | Self::MissingLabel | Self::MissingValue
        )
    }

    /// The word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::SeveralSeries => "several_series",
            Self::NotARatio => "not_a_ratio",
            Self::MissingOperand => "missing_operand",
            Self::MissingLabel => "missing_label",
            Self::MissingValue => "missing_value",
            Self::AssumedZero => "assumed_zero",
            Self::TooFewSamples => "too_few_samples",
            Self::LowerBound => "lower_bound",
            Self::Replicas => "replicas",
            Self::PossibleReplicas => "possible_replicas",
            Self::Uneven => "uneven",
            Self::TargetsDown => "targets_down",
            Self::Conflict => "conflict",
            Self::NotANumber => "not_a_number",
            Self::NotScraped => "not_scraped",
            Self::TooCoarse => "too_coarse",
            Self::TooOld => "too_old",
            Self::NotProvided => "not_provided",
            Self::Partial => "partial",
            Self::NoSeries => "no_series",
            Self::NoTraffic => "no_traffic",
            Self::Waiting => "waiting",
            Self::Stale => "stale",
            Self::NotAnswered => "not_answered",
            Self::Failed(kind) => kind.word(),
        }
    }
}

impl Reason {
    /// A reason about something.
    pub fn new(
        code: ReasonCode,
        subject: impl Into<Untrusted>,
        text: impl Into<Untrusted>,
    ) -> Self {
        Self {
            code,
            subject: subject.into(),
            text: text.into(),
        }
    }

    /// Why what a question was asked for is not known, when the question failed.
    pub fn of_fault(fault: &Fault) -> Self {
        Self::new(ReasonCode::Failed(fault.kind), "", fault.message.clone())
    }

    /// The same as a fault of the source.
    pub fn fault(&self) -> Fault {
        let kind = match self.code {
            ReasonCode::Failed(kind) => kind,
            _ => FaultKind::Query,
        };
        Fault {
            message: self.text.clone(),
            ..Fault::new(kind, "")
        }
    }

    /// In a few words, for a row: `2 series`, `timeout`, `label bad_code on no series`.
    pub fn short(&self) -> Untrusted {
        let of = self.subject.raw();
        let words = match self.code {
            ReasonCode::SeveralSeries if of.is_empty() => "several series".to_owned(),
            ReasonCode::SeveralSeries => format!("{of} series"),
            ReasonCode::NotARatio => "no error ratio".to_owned(),
            ReasonCode::MissingOperand | ReasonCode::MissingValue => format!("no series: {of}"),
            ReasonCode::MissingLabel => format!("label {of} on no series"),
            ReasonCode::AssumedZero => format!("0 assumed: no {of}"),
            ReasonCode::TooFewSamples => format!("one sample in {of}"),
            ReasonCode::LowerBound => format!("lower bound {of}"),
            ReasonCode::Replicas => format!("replicas: {of}"),
            ReasonCode::PossibleReplicas => format!("replicas? {of}"),
            ReasonCode::Uneven => format!("some lack {of}"),
            ReasonCode::TargetsDown => format!("{of} targets down"),
            ReasonCode::Conflict => of.to_owned(),
            ReasonCode::NotANumber => "NaN".to_owned(),
            ReasonCode::NotScraped => "not scraped".to_owned(),
            ReasonCode::TooCoarse => "history too coarse".to_owned(),
            ReasonCode::TooOld | ReasonCode::Stale => format!("answer {of} old"),
            ReasonCode::NotProvided => format!("{of} not provided"),
            ReasonCode::Partial => "partial answer".to_owned(),
            ReasonCode::NoSeries => "no series".to_owned(),
            ReasonCode::NoTraffic if of.is_empty() => "no events".to_owned(),
            ReasonCode::NoTraffic => format!("no events in {of}"),
            ReasonCode::Waiting => "asking".to_owned(),
            ReasonCode::NotAnswered => "not answered".to_owned(),
            ReasonCode::Failed(kind) => kind.short().to_owned(),
        };
        words.into()
    }
}

impl Observation {
    /// Why the state is `unknown` or `no_data`, the decisive reason first; none of one that is
    /// known.
    pub fn why_unknown(&self) -> Vec<Reason> {
        match self.standing().state {
            State::Unknown => self.why_not_answered(),
            State::NoData => vec![self.why_no_data()],
            State::Ok | State::Ticket | State::Page => Vec::new(),
        }
    }

    /// True where 0 events are assumed of a metric that exists nowhere.
    pub fn is_assumed(&self) -> bool {
        let mut reasons = self.reasons.iter();
        reasons.any(|reason| reason.code == ReasonCode::AssumedZero)
    }

    /// What a reader sees of one that is suggested.
    pub fn suggested_words(&self) -> Option<&'static str> {
        self.slo.suggested.as_ref()?;
        Some(if self.is_unproven() {
            "suggested, never failed"
        } else {
            "suggested"
        })
    }

    /// True for a suggested SLO that never failed and has not failed since: it is shown outside of
    /// the verdict.
    pub fn is_unproven(&self) -> bool {
        let samples = self.windows.iter().map(|(_, sample)| sample);
        let mut samples = samples.chain(self.period);
        let mut has_failed =
            || samples.any(|one| one.reading.ratio().is_some_and(|ratio| ratio > 0.0));
        self.slo.is_unproven() && !has_failed()
    }

    /// True where no number is exact: of all windows something is assumed, missing or may count twice.
    pub fn is_inexact(&self) -> bool {
        let mut reasons = self.reasons.iter();
        reasons.any(|reason| reason.code.is_of_all_windows())
    }

    /// Why numbers that there are are not exact, and why some are not known beside others that are.
    pub fn caveats(&self) -> impl Iterator<Item = &Reason> {
        let is_known = !matches!(self.standing().state, State::Unknown | State::NoData);
        let reasons = self.reasons.iter();
        reasons.filter(move |reason| is_known || reason.code.is_estimate())
    }

    fn why_not_answered(&self) -> Vec<Reason> {
        let reasons = self.reasons.iter();
        let mut told: Vec<_> = reasons
            .filter(|reason| !reason.code.is_estimate())
            .cloned()
            .collect();
        let is_told = told.iter().any(|one| one.code == ReasonCode::Partial);
        if self.partial && !is_told {
            told.push(Reason::new(
                ReasonCode::Partial,
                "",
                "parts of the data did not answer",
            ));
        }
        if told.is_empty() {
            let text = self.silence();
            let text = text.unwrap_or_else(|| "a window was not answered".to_owned());
            told.push(Reason::new(ReasonCode::NotAnswered, "", text));
        }
        told
    }

    fn why_no_data(&self) -> Reason {
        let mut reasons = self.reasons.iter();
        if let Some(reason) = reasons.find(|reason| !reason.code.is_estimate()) {
            return reason.clone();
        }
        let text = self.silence();
        let text = text.unwrap_or_else(|| "no rule can be decided without events".to_owned());
        match self.windows_reading(Reading::NoTraffic).into_iter().next() {
            Some(shortest) => Reason::new(ReasonCode::NoTraffic, shortest, text),
            None => Reason::new(ReasonCode::NoSeries, "", text),
        }
    }

    /// The windows of the rules that hold no ratio, by what they hold instead.
    fn silence(&self) -> Option<String> {
        let parts: Vec<_> = [
            (Reading::Unknown, "not answered"),
            (Reading::NoSeries, "no series"),
            (Reading::NoTraffic, "no traffic"),
        ]
        .into_iter()
        .filter_map(|(reading, words)| {
            let windows = self.windows_reading(reading);
            (!windows.is_empty()).then(|| format!("{words} in {}", windows.join(", ")))
        })
        .collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// The windows of the rules with this reading, shortest first.
    fn windows_reading(&self, wanted: Reading) -> Vec<String> {
        let windows = self.windows.iter();
        let windows = windows.filter(|(_, sample)| sample.reading == wanted);
        windows.map(|(window, _)| window.to_string()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Origin, Period, Sample, Slo, SourceName, Window};

    fn observed(readings: &[Reading]) -> Observation {
        let at = Timestamp::UNIX_EPOCH;
        let slo = Slo::new(
            "checkout",
            "availability",
            SourceName::new("prod"),
            0.999,
            Period::Rolling(Window::days(30)),
            Origin::Config,
        );
        let mut seen = Observation::unknown(Arc::new(slo), at);
        let mut readings = readings.iter().cycle();
        seen.windows.change(|_, sample| {
            *sample = Sample {
                reading: *readings.next().expect("readings"),
                events: None,
                at,
            };
        });
        seen
    }

    fn reading() -> impl Strategy<Value = Reading> {
        prop_oneof![
            (0.0..1.0).prop_map(Reading::Ratio),
            Just(Reading::NoTraffic),
            Just(Reading::NoSeries),
            Just(Reading::Unknown),
        ]
    }

    const CODES: [ReasonCode; 6] = [
        ReasonCode::SeveralSeries,
        ReasonCode::MissingLabel,
        ReasonCode::AssumedZero,
        ReasonCode::LowerBound,
        ReasonCode::Failed(FaultKind::Timeout),
        ReasonCode::Partial,
    ];

    proptest! {
        #[test]
        fn whatever_is_not_known_has_a_reason_and_what_is_known_has_none(
            readings in prop::collection::vec(reading(), 7),
            partial in any::<bool>(),
            reasons in prop::collection::vec(0..CODES.len(), 0..3),
        ) {
            let reasons = reasons.into_iter().map(|code| Reason::new(CODES[code], "x", "why"));
            let seen = Observation {
                partial,
                reasons: reasons.collect(),
                ..observed(&readings)
            };
            let why = seen.why_unknown();
            match seen.standing().state {
                State::Unknown | State::NoData => {
                    prop_assert!(!why.is_empty());
                    for reason in &why {
                        prop_assert!(!reason.code.is_estimate(), "{reason:?}");
                        prop_assert!(!reason.short().is_empty() && !reason.text.is_empty());
                    }
                }
                State::Ok | State::Ticket | State::Page => prop_assert_eq!(why, []),
            }
        }
    }

    #[test]
    fn a_row_has_a_few_words_for_every_reason_and_a_page_its_own_kind() {
        for (code, subject, short) in [
            (ReasonCode::SeveralSeries, "2", "2 series"),
            (
                ReasonCode::MissingLabel,
                "bad_code",
                "label bad_code on no series",
            ),
            (ReasonCode::MissingOperand, "sum(b)", "no series: sum(b)"),
            (ReasonCode::AssumedZero, "b_total", "0 assumed: no b_total"),
            (ReasonCode::NotProvided, "5m, 1h", "5m, 1h not provided"),
            (ReasonCode::TooOld, "12m", "answer 12m old"),
            (ReasonCode::Failed(FaultKind::Timeout), "", "timeout"),
            (ReasonCode::Failed(FaultKind::Query), "", "query refused"),
        ] {
            assert_eq!(Reason::new(code, subject, "why").short().raw(), short);
        }
        // What is shown of a label of theirs cannot steer a terminal.
        let label = Reason::new(ReasonCode::MissingLabel, "a\u{1b}[2J", "why").short();
        assert_eq!(label.shown().as_str(), "label a⟦esc⟧ on no series");
    }

    #[test]
    fn a_reason_and_the_fault_that_it_came_of_are_one() {
        let fault = Fault::new(FaultKind::Timeout, "no answer within 10s");
        assert_eq!(Reason::of_fault(&fault).fault(), fault);
        let several = Reason::new(ReasonCode::SeveralSeries, "2", "two");
        assert_eq!(several.fault().kind, FaultKind::Query);
    }
}
