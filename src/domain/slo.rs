//! SLO arithmetic: burn rate, error budget, alert rules, state and phase.
//!
//! The definitions are those of the Google SRE workbook, chapter 5 ("Alerting on SLOs"):
//! <https://sre.google/workbook/alerting-on-slos/>. The four-rule table with its 1d/2h row is the
//! extension that Sloth made customary.

mod adjust;
mod assess;
mod bound;
mod burn;
mod course;
mod direction;
mod history;
mod lag;
mod reason;
mod rule;
mod state;
mod weakness;
mod windows;

use std::collections::HashSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::policy::BudgetAdjustment;
use super::suggestion::Grounds;
use super::{Period, SourceName, Window};
use crate::text::Untrusted;

pub(crate) use rule::ROUNDING;

pub use assess::{Assessment, RuleVerdict, Standing};
pub use bound::{FirstValues, LowerBound};
pub use burn::Burn;
pub use course::{Course, Slice};
pub use direction::Direction;
pub use history::{History, Point, narrowed};
pub use reason::{Reason, ReasonCode};
pub use rule::{Rule, rounded};
pub use state::{Phase, State, Verdict};
pub use weakness::weaknesses;
pub use windows::Windows;

/// What one window says: one of four things, and only the first is a number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// Bad events over all events: finite, 0 or more.
    Ratio(f64),
    /// The series are there, and counted nothing: 0 of 0.
    NoTraffic,
    /// There is no such series in this window.
    NoSeries,
    /// It could not be asked, or the answer was no number.
    Unknown,
}

/// How far outside of 0 and 1 an error ratio may be and still be 0 or 1: `total - good` falls a little
/// below 0, and bad events a little above all, when the two are extrapolated, or scraped at different
/// moments. Further outside it is no error ratio: a percentage taken for a ratio, or more good or bad
/// events than there are.
pub(crate) const SLACK: f64 = 0.1;
/// The same for counts of events, of which one moment may have some more than another.
pub(crate) const EVENTS_OF_SLACK: f64 = 2.0;

impl Reading {
    /// A ratio as a server sent it: NaN is 0 of 0. What is infinite, or outside of 0 and 1 by more
    /// than a tenth, is no error ratio.
    pub fn from_ratio(ratio: f64) -> Self {
        if ratio.is_nan() {
            Self::NoTraffic
        } else if (-SLACK..=1.0 + SLACK).contains(&ratio) {
            Self::Ratio(ratio.clamp(0.0, 1.0))
        } else {
            Self::Unknown
        }
    }

    /// Bad events over all events, both counted: see [`Self::from_rates`]. Two more good events than
    /// all are none bad, and two more bad ones are all bad.
    pub fn from_events(bad: Option<f64>, total: Option<f64>) -> Self {
        let most = total.unwrap_or(f64::MAX).max(0.0);
        let bad = bad.map(|bad| {
            if (-EVENTS_OF_SLACK..=most + EVENTS_OF_SLACK).contains(&bad) {
                bad.clamp(0.0, most)
            } else {
                bad
            }
        });
        Self::from_rates(bad, total)
    }

    /// Bad events over all events, in any unit. `bad` is `None` when no bad series exists: that
    /// service never failed; `total` is `None` when no series exists at all. A total of NaN is a
    /// broken counter, since 0 events are a sum of 0; bad events of no events at all are unknown.
    pub fn from_rates(bad: Option<f64>, total: Option<f64>) -> Self {
        let Some(total) = total else {
            return Self::NoSeries;
        };
        let bad = bad.unwrap_or(0.0);
        if total == 0.0 && (bad == 0.0 || bad.is_nan()) {
            Self::NoTraffic
        } else if !total.is_finite() || total <= 0.0 {
            Self::Unknown
        } else {
            match Self::from_ratio(bad / total) {
                // A bad counter of NaN beside real traffic is a broken number, not a quiet service.
                Self::NoTraffic => Self::Unknown,
                reading => reading,
            }
        }
    }

    /// The mean of several error ratios by weight. One without traffic does not weigh; one that is
    /// not there or not known leaves the mean so.
    pub fn mean(parts: impl IntoIterator<Item = (f64, Self)>) -> Self {
        let (mut sum, mut weights) = (0.0, 0.0);
        let mut missing = None;
        for (weight, reading) in parts {
            match reading {
                Self::Ratio(ratio) => {
                    sum += weight * ratio;
                    weights += weight;
                }
                Self::NoTraffic => {}
                Self::NoSeries => {
                    missing.get_or_insert(reading);
                }
                Self::Unknown => missing = Some(reading),
            }
        }
        match missing {
            Some(reading) => reading,
            None if weights > 0.0 && sum.is_finite() => Self::Ratio(sum / weights),
            None if weights > 0.0 => Self::Unknown,
            None => Self::NoTraffic,
        }
    }

    /// The number, where there is one.
    pub fn ratio(self) -> Option<f64> {
        match self {
            Self::Ratio(ratio) => Some(ratio),
            Self::NoTraffic | Self::NoSeries | Self::Unknown => None,
        }
    }
}

/// How many events a window held.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Events {
    /// Those that broke the objective.
    pub bad: f64,
    /// All of them.
    pub total: f64,
}

impl Events {
    /// The events that a reading was made of; none where it is no number of them.
    pub fn of(reading: Reading, bad: f64, total: f64) -> Option<Self> {
        let bad = bad.max(0.0).min(total);
        matches!(reading, Reading::Ratio(_) | Reading::NoTraffic).then_some(Self { bad, total })
    }
}

/// One window, measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// What it says.
    pub reading: Reading,
    /// The counts behind it, where the source knows them.
    pub events: Option<Events>,
    /// The moment it was evaluated for.
    pub at: Timestamp,
}

/// Where an SLO's definition came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A `[[slo]]` of the configuration.
    Config,
    /// Sloth's recording rules.
    Sloth,
    /// Pyrra's recording rules.
    Pyrra,
    /// Grafana SLO's recorded metrics.
    Grafana,
    /// The recording rules that watchfire writes.
    Watchfire,
    /// The answer of an endpoint, through a program of the configuration.
    Mapped,
    /// Hand-written multi-window burn-rate alerts.
    Alerts,
    /// A metric of requests that watchfire recognises; no one has promised it yet.
    Suggested,
}

impl Origin {
    /// The name a reader knows it by.
    pub fn word(self) -> &'static str {
        match self {
            Self::Config => "configuration",
            Self::Sloth => "Sloth",
            Self::Pyrra => "Pyrra",
            Self::Grafana => "Grafana SLO",
            Self::Watchfire => "watchfire's rules",
            Self::Mapped => "a jq program",
            Self::Alerts => "alerts",
            Self::Suggested => "suggested",
        }
    }

    /// True where watchfire asks for the events by queries of its own, false where the ratios come
    /// from recorded series or ready-made.
    pub fn is_queried(self) -> bool {
        match self {
            Self::Config | Self::Alerts | Self::Suggested => true,
            Self::Sloth | Self::Pyrra | Self::Grafana | Self::Watchfire | Self::Mapped => false,
        }
    }
}

/// A service level objective: what is promised, and when to shout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slo {
    /// Whose promise; the join key with releases and incidents.
    pub service: Untrusted,
    /// Which promise of that service.
    pub name: Untrusted,
    /// The source that measures it.
    pub source: SourceName,
    /// Share of good events promised, between 0 and 1.
    pub objective: f64,
    /// Over which time.
    pub period: Period,
    /// When to page, when to open a ticket; most urgent first.
    pub rules: Arc<[Rule]>,
    /// Where the definition came from.
    pub origin: Origin,
    /// The queries behind the numbers, for a reader to copy: what it is, and the query.
    pub queries: Vec<(String, Untrusted)>,
    /// What a reader must know about how it is measured.
    pub notes: Arc<Vec<String>>,
    /// The least number of bad events in the long window of a rule that may page; 0 for none.
    ///
    /// The workbook's chapter 5, "Low-Traffic Services": with ten requests an hour one failure
    /// burns at 100x, and nobody should be woken by it. A ticket rule has no such floor.
    pub min_bad_events: f64,
    /// Why it is shown, of one that nobody wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggested: Option<Arc<Grounds>>,
    /// The times that its budget leaves out.
    #[serde(default, skip_serializing_if = "Slo::is_unadjusted")]
    pub adjustments: Arc<[BudgetAdjustment]>,
}

/// [`Slo::min_bad_events`] of SLOs of events that do not say.
pub const MIN_BAD_EVENTS: f64 = 3.0;

impl Slo {
    /// A promise with the workbook's rules, of which nothing else is known.
    pub fn new(
        service: impl Into<Untrusted>,
        name: impl Into<Untrusted>,
        source: SourceName,
        objective: f64,
        period: Period,
        origin: Origin,
    ) -> Self {
        Self {
            service: service.into(),
            name: name.into(),
            source,
            objective,
            period,
            rules: Rule::workbook(period),
            origin,
            queries: Vec::new(),
            notes: Arc::default(),
            min_bad_events: 0.0,
            suggested: None,
            adjustments: Arc::from([]),
        }
    }

    fn is_unadjusted(adjustments: &Arc<[BudgetAdjustment]>) -> bool {
        adjustments.is_empty()
    }

    /// `service/name`: unique in one source (see [`tell_apart`]), and the row's identity there.
    pub fn id(&self) -> Untrusted {
        Untrusted::from([self.service.raw(), "/", self.name.raw()].concat())
    }

    /// Tells a reader more about how it is measured.
    pub fn note(&mut self, note: impl Into<String>) {
        Arc::make_mut(&mut self.notes).push(note.into());
    }

    /// True for one that is suggested and never failed.
    pub fn is_unproven(&self) -> bool {
        let mut grounds = self.suggested.iter();
        grounds.any(|grounds| grounds.never_failed)
    }

    /// Keeps what is the same in another once: thousands of SLOs mostly have the same rules.
    pub fn share(&mut self, other: &Self) {
        if self.rules == other.rules {
            self.rules = Arc::clone(&other.rules);
        }
        if self.notes == other.notes {
            self.notes = Arc::clone(&other.notes);
        }
    }

    /// The windows its rules need, shortest first, each once. One without rules alerts nobody, and
    /// is watched over 5m and 1h.
    pub fn windows(&self) -> Vec<Window> {
        if self.rules.is_empty() {
            return vec![Window::minutes(5), Window::hours(1)];
        }
        let mut windows: Vec<_> = self
            .rules
            .iter()
            .flat_map(|rule| [rule.short, rule.long])
            .collect();
        windows.sort_unstable();
        windows.dedup();
        windows
    }

    /// The share of events that may be bad.
    pub fn error_budget(&self) -> f64 {
        let exact = 1.0 - self.objective;
        let decimal = rounded(exact);
        if decimal > 0.0 { decimal } else { exact }
    }

    /// How many times faster than allowed a ratio spends the budget.
    pub fn burn_rate(&self, ratio: f64) -> f64 {
        ratio / self.error_budget()
    }

    /// The window whose burn tells the time to exhaustion: 1 h, or the long window of the first
    /// rule where the rules have no 1 h (Pyrra scales its windows).
    pub fn pace_window(&self) -> Option<Window> {
        let hour = Window::hours(1);
        if self.windows().contains(&hour) {
            return Some(hour);
        }
        self.rules.first().map(|rule| rule.long)
    }
}

/// Gives every SLO of a source an id of its own: one that has the name of an earlier one is told
/// apart by who defined it, then by number. Sloth may well know an SLO that is also written by hand.
pub fn tell_apart<'a>(slos: impl IntoIterator<Item = &'a mut Arc<Slo>>) {
    let mut taken = HashSet::new();
    for slo in slos {
        let (name, origin) = (slo.name.raw().to_owned(), slo.origin.word());
        let mut count = 1;
        while !taken.insert(slo.id()) {
            let number = if count > 1 {
                format!(" {count}")
            } else {
                String::new()
            };
            Arc::make_mut(slo).name = format!("{name} ({origin}{number})").into();
            count += 1;
        }
    }
}

/// One SLO, measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// What was measured.
    pub slo: Arc<Slo>,
    /// The moment it speaks of.
    pub at: Timestamp,
    /// The rules' windows.
    pub windows: Windows,
    /// The period so far.
    pub period: Option<Sample>,
    /// The length of the whole period at that moment; calendar periods differ.
    pub period_length: SignedDuration,
    /// How much of the period has passed: all of a rolling one.
    pub period_elapsed: SignedDuration,
    /// The oldest sample behind these numbers that lies in the period; `None` while not known.
    pub since: Option<Timestamp>,
    /// The recent past of the shortest window, oldest first; may be empty.
    pub history: History,
    /// The past of one that burns, closely; the finest first, and none while nothing burns.
    pub courses: Arc<[Course]>,
    /// True when the server said that parts of the data did not answer.
    pub partial: bool,
    /// Why numbers are not known, or not exact; the decisive one first.
    pub reasons: Arc<[Reason]>,
    /// The numbers that are lower bounds, shortest window first, the period last.
    pub lower_bounds: Arc<[LowerBound]>,
}

/// How much data there is of a time that should be full of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The age of the oldest sample.
    pub data: SignedDuration,
    /// The time that the number claims to speak of.
    pub wanted: SignedDuration,
}

impl Coverage {
    /// True when so much is missing that the number is an estimate: more than a hundredth.
    pub fn is_short(self) -> bool {
        self.data < self.wanted - self.wanted / 100
    }
}

impl Observation {
    /// An observation of nothing: every window of the rules and the period are unknown.
    pub fn unknown(slo: Arc<Slo>, at: Timestamp) -> Self {
        let sample = Sample {
            reading: Reading::Unknown,
            events: None,
            at,
        };
        let length = slo.period.nominal().duration();
        Self {
            at,
            windows: slo
                .windows()
                .into_iter()
                .map(|window| (window, sample))
                .collect(),
            period: Some(sample),
            period_length: length,
            period_elapsed: length,
            since: None,
            history: History::default(),
            courses: Arc::from([]),
            partial: false,
            reasons: Arc::default(),
            lower_bounds: Arc::from([]),
            slo,
        }
    }

    /// The recent past of the shortest window up to its newest reading, oldest first: a chart must
    /// not be minutes behind the number beside it. The past itself is shared between polls.
    pub fn course(&self) -> impl DoubleEndedIterator<Item = Point> + Clone {
        let newest = self.windows.values().next().and_then(|sample| {
            let ratio = sample.reading.ratio()?;
            Some(Point {
                at: sample.at,
                ratio,
            })
        });
        let last = self.history.last().map(|point| point.at);
        let newest = newest.filter(|point| last.is_some_and(|last| last < point.at));
        self.history.iter().chain(newest)
    }

    /// How much of a look-back of that length is covered by data; `None` while not known.
    pub fn coverage(&self, wanted: SignedDuration) -> Option<Coverage> {
        let data = super::window::age(self.since?, self.at);
        Some(Coverage { data, wanted })
    }

    /// How much of the period so far is covered by data, when that is too little: then its ratio
    /// and the budget left are estimates.
    pub fn shortfall(&self) -> Option<Coverage> {
        self.coverage(self.period_elapsed)
            .filter(|coverage| coverage.is_short())
    }

    /// The same of one window of the rules. `None` as well for a window that reaches back further
    /// than the period so far: of that, [`Observation::since`] says nothing.
    pub fn shortfall_of(&self, window: Window) -> Option<Coverage> {
        let wanted = window.duration();
        self.coverage(wanted)
            .filter(|coverage| coverage.is_short() && wanted <= self.period_elapsed)
    }
}

#[cfg(test)]
mod tests;
