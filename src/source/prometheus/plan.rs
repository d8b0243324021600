//! How one SLO is measured: what the server has recorded already, and what it is asked to compute.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::api::Labels;
use super::promql;
use crate::domain::{Origin, Period, Slo, Window};

mod formula;
mod given;
mod misfit;
mod silent;
mod value;

pub(super) use formula::{Formula, Ratio, Role};
pub(super) use given::{Given, Givens};
pub(super) use silent::Silent;
pub(super) use value::Value;

/// One of the things that are measured of an SLO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Span {
    /// A window of its rules.
    Window(Window),
    /// Its whole period.
    Period,
}

impl Span {
    /// What it is called in a sentence.
    pub(super) fn name(self) -> String {
        match self {
            Self::Window(window) => window.to_string(),
            Self::Period => "the period".to_owned(),
        }
    }
}

/// Where the course of the shortest window's error ratio over time is found.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Trend {
    /// In a recorded series; `success` when it holds good over all.
    Recorded {
        name: Arc<str>,
        labels: Labels,
        success: bool,
    },
    /// By this expression.
    Expression(String),
    /// Nowhere.
    None,
}

/// What is to be known of a period that is a mean of records.
pub(super) fn of_records(period: Window) -> String {
    format!("{period} is the mean of the recorded 5m ratios: it does not weigh by traffic")
}

/// What is to be known of one whose records are young.
fn of_young_record(period: Window) -> String {
    format!(
        "{period} is recorded, but for less time than the series behind the rule: it is counted from these"
    )
}

/// Why nothing can be judged by what is recorded of an SLO.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Doubt {
    /// What there are several of: `2 objectives`.
    pub(super) several: String,
    /// The same in a sentence that names them.
    pub(super) words: String,
}

impl Doubt {
    pub(super) fn new(count: usize, what: &str, words: String) -> Self {
        Self {
            several: format!("{count} {what}"),
            words,
        }
    }
}

impl Trend {
    /// The error ratio over time as one expression.
    pub(super) fn expression(&self) -> Option<String> {
        match self {
            Self::Recorded {
                name,
                labels,
                success,
            } => {
                let matchers: Vec<_> = labels
                    .iter()
                    .map(|(label, value)| format!("{label}={}", promql::string(value)))
                    .collect();
                let series = format!("{name}{{{}}}", matchers.join(","));
                Some(if *success {
                    format!("1 - {series}")
                } else {
                    series
                })
            }
            Self::Expression(text) => Some(text.clone()),
            Self::None => None,
        }
    }
}

/// A rule that records an error ratio, or with `success` one of good events.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Recorder {
    pub(super) query: String,
    pub(super) success: bool,
}

impl Recorder {
    /// What it would record over another window; `None` for a rule that divides nothing.
    pub(super) fn over(&self, window: Window) -> Option<Formula> {
        Some(Formula::Events(Ratio::recorded(
            &self.query,
            Some(window),
            self.success,
        )?))
    }
}

/// How one SLO is measured.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) slo: Arc<Slo>,
    /// The zone that its period begins in.
    pub(super) zone: TimeZone,
    /// The labels that its series share; answers to its queries must not contradict them.
    pub(super) labels: Labels,
    /// What the server has recorded.
    pub(super) given: Givens,
    /// What it is asked to compute where nothing is given.
    pub(super) asked: BTreeMap<Span, Formula>,
    pub(super) trend: Trend,
    /// The rule that recorded the trend, where it is known and divides one count by another.
    pub(super) rule: Option<Recorder>,
    /// What the rules behind records count over the whole of each window, where that is known: these
    /// reach back further than the records do.
    pub(super) counted: Option<String>,
    /// Why nothing can be judged by it: what is recorded of it contradicts itself.
    pub(super) doubt: Option<Doubt>,
    /// True while the period is counted by the rule, since its record is younger than the series that
    /// the rule reads.
    pub(super) recounted: bool,
    /// True where the configuration says that missing series of one selector are 0.
    pub(super) absent_is_zero: bool,
    /// Queries whose missing series count as 0 within what is asked or recorded.
    pub(super) silent: Vec<Silent>,
}

impl Plan {
    /// The spans that are asked for, since nothing is given.
    pub(super) fn missing(&self) -> impl Iterator<Item = Span> {
        let asked = self.asked.keys().copied();
        asked.filter(|span| self.given(*span).is_none() && self.doubt.is_none())
    }

    /// What is recorded of a span and holds for it.
    pub(super) fn given(&self, span: Span) -> Option<&Given> {
        let holds = !(self.recounted && span == Span::Period);
        self.given.get(span).filter(|_| holds)
    }

    /// True when its age is looked for by a record, which may be younger than what the rule reads. A
    /// period that Sloth has not recorded yet is counted by the rule.
    pub(super) fn is_dated_by_records(&self) -> bool {
        let is_recorded = matches!(self.trend, Trend::Recorded { .. });
        let is_sloths = self.slo.origin == Origin::Sloth && self.rule.is_some() && is_recorded;
        self.has_period_of_records() || is_sloths
    }

    /// True when the period is a record of records, which is as old as these are.
    pub(super) fn has_period_of_records(&self) -> bool {
        self.counted.is_none() && self.rule.is_some() && self.given.has(Span::Period)
    }

    /// Has the period counted by the rule, or takes its record again.
    pub(super) fn recount(&mut self, is_outlived: bool) {
        if is_outlived == self.recounted {
            return;
        }
        let Period::Rolling(period) = self.slo.period else {
            return;
        };
        if !is_outlived {
            self.asked.remove(&Span::Period);
            self.recounted = false;
            self.change_note(&of_young_record(period), of_records(period));
            return;
        }
        let rule = self.rule.as_ref().filter(|_| self.has_period_of_records());
        if let Some(formula) = rule.and_then(|rule| rule.over(period)) {
            self.asked.insert(Span::Period, formula);
            self.recounted = true;
            self.change_note(&of_records(period), of_young_record(period));
        }
    }

    fn change_note(&mut self, old: &str, new: String) {
        let notes = Arc::make_mut(&mut Arc::make_mut(&mut self.slo).notes);
        notes.retain(|note| note != old);
        notes.push(new);
    }

    /// Keeps what is the same in another plan once.
    pub(super) fn share(&mut self, other: &Self) {
        Arc::make_mut(&mut self.slo).share(&other.slo);
        if let Trend::Recorded { name, .. } = &mut self.trend
            && let Trend::Recorded { name: known, .. } = &other.trend
            && name == known
        {
            *name = Arc::clone(known);
        }
    }

    /// True when a series with these labels can belong to this SLO.
    pub(super) fn owns(&self, labels: &Labels) -> bool {
        labels
            .iter()
            .filter(|(name, _)| *name != promql::TAG)
            .all(|(name, value)| self.labels.get(name) == Some(value))
    }
}
