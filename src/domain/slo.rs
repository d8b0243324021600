//! SLO arithmetic: burn rate, error budget, alert rules, state and phase.
//!
//! The definitions are those of the Google SRE workbook, chapter 5 ("Alerting on SLOs"):
//! <https://sre.google/workbook/alerting-on-slos/>. The four-rule table with its 1d/2h row is the
//! extension that Sloth made customary.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Period, Severity, SourceName, Window};
use crate::text::Untrusted;

/// What one window says: one of four things, and only the first is a number.
#[derive(Clone, Copy, Debug, PartialEq)]
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

impl Reading {
    /// A ratio as a server sent it: NaN is 0 of 0, an infinity is no number.
    ///
    /// `total - good` may fall a hair below zero when both are extrapolated; that is zero.
    pub fn from_ratio(ratio: f64) -> Self {
        if ratio.is_nan() {
            Self::NoTraffic
        } else if ratio.is_infinite() {
            Self::Unknown
        } else {
            Self::Ratio(ratio.max(0.0))
        }
    }

    /// Bad events over all events. `bad` is `None` when no bad series exists: that service never
    /// failed; `total` is `None` when no series exists at all.
    pub fn from_events(bad: Option<f64>, total: Option<f64>) -> Self {
        let Some(total) = total else {
            return Self::NoSeries;
        };
        let bad = bad.unwrap_or(0.0);
        if total == 0.0 || total.is_nan() {
            Self::NoTraffic
        } else if total.is_infinite() {
            Self::Unknown
        } else {
            match Self::from_ratio(bad / total) {
                // A bad counter of NaN beside real traffic is a broken number, not a quiet service.
                Self::NoTraffic => Self::Unknown,
                reading => reading,
            }
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
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Events {
    /// Those that broke the objective.
    pub bad: f64,
    /// All of them.
    pub total: f64,
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

/// An alert rule: it fires when both windows burn above the factor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// What it does to people.
    pub severity: Severity,
    /// The window that proves the burn matters.
    pub long: Window,
    /// The window that proves it goes on.
    pub short: Window,
    /// Burn rate above which it fires.
    pub factor: f64,
}

/// Severity, long window, short window, share of the budget that the long window may spend.
const WORKBOOK: [(Severity, Window, Window, f64); 4] = [
    (Severity::Page, Window::hours(1), Window::minutes(5), 0.02),
    (Severity::Page, Window::hours(6), Window::minutes(30), 0.05),
    (Severity::Ticket, Window::days(1), Window::hours(2), 0.10),
    (Severity::Ticket, Window::days(3), Window::hours(6), 0.10),
];

impl Rule {
    /// The workbook's rules for a period: factor = share × period / long window, so 14.4, 6, 3, 1
    /// for 30 days.
    pub fn workbook(period: Period) -> Vec<Self> {
        let period = f64::from(period.nominal().seconds());
        WORKBOOK
            .iter()
            .map(|&(severity, long, short, share)| Self {
                severity,
                long,
                short,
                factor: rounded(share * period / f64::from(long.seconds())),
            })
            .collect()
    }
}

/// Takes the noise of binary fractions off a configured or derived number: 12 significant places.
pub fn rounded(value: f64) -> f64 {
    (value * 1e12).round() / 1e12
}

/// Where an SLO's definition came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
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
}

impl Origin {
    /// The name a reader knows it by.
    pub fn word(self) -> &'static str {
        match self {
            Self::Config => "configuration",
            Self::Sloth => "Sloth",
            Self::Pyrra => "Pyrra",
            Self::Grafana => "Grafana SLO",
        }
    }
}

/// A service level objective: what is promised, and when to shout.
#[derive(Clone, Debug, PartialEq)]
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
    pub rules: Vec<Rule>,
    /// Where the definition came from.
    pub origin: Origin,
    /// The queries behind the numbers, for a reader to copy: what it is, and the query.
    pub queries: Vec<(String, Untrusted)>,
    /// What a reader must know about how it is measured.
    pub notes: Vec<String>,
}

impl Slo {
    /// `service/name`: unique in one configuration, and the row's identity on the screen.
    pub fn id(&self) -> Untrusted {
        Untrusted::from(format!("{}/{}", self.service.raw(), self.name.raw()))
    }

    /// The windows its rules need, shortest first, each once.
    pub fn windows(&self) -> Vec<Window> {
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
        rounded(1.0 - self.objective)
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

/// One past value of the shortest window's error ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When.
    pub at: Timestamp,
    /// Bad over all, then.
    pub ratio: f64,
}

/// One SLO, measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// What was measured.
    pub slo: Arc<Slo>,
    /// The moment it speaks of.
    pub at: Timestamp,
    /// The rules' windows.
    pub windows: BTreeMap<Window, Sample>,
    /// The period so far.
    pub period: Option<Sample>,
    /// The length of the whole period at that moment; calendar periods differ.
    pub period_length: SignedDuration,
    /// The recent past of the shortest window, oldest first; may be empty.
    pub history: Arc<[Point]>,
    /// True when the server said that parts of the data did not answer.
    pub partial: bool,
}

/// The verdict on one SLO, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Known to hold.
    Ok,
    /// The source answered: no events.
    NoData,
    /// No fresh answer.
    Unknown,
    /// A ticket rule fires.
    Ticket,
    /// A page rule fires.
    Page,
}

impl State {
    /// The word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoData => "no_data",
            Self::Unknown => "unknown",
            Self::Ticket => "ticket",
            Self::Page => "page",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The verdict on many SLOs at once: what a pipeline acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All are known to hold.
    Ok,
    /// A ticket rule fires, and nothing worse is possible.
    Ticket,
    /// A page rule fires.
    Page,
    /// Something keeps it from being known.
    Unknown,
}

impl Verdict {
    /// A page that is known outranks what is not known; a ticket does not, since there may be a
    /// page behind it. `blind` says that a source failed. No SLO at all is nothing known.
    pub fn of(states: impl IntoIterator<Item = State>, blind: bool) -> Self {
        let mut any = false;
        let (mut page, mut ticket, mut silent) = (false, false, false);
        let mut unknown = blind;
        for state in states {
            any = true;
            match state {
                State::Page => page = true,
                State::Ticket => ticket = true,
                State::Unknown => unknown = true,
                State::NoData => silent = true,
                State::Ok => {}
            }
        }
        match (page, unknown || !any, ticket, silent) {
            (true, ..) => Self::Page,
            (_, true, ..) => Self::Unknown,
            (_, _, true, _) => Self::Ticket,
            (.., true) => Self::Unknown,
            _ => Self::Ok,
        }
    }

    /// The exit status, after the monitoring-plugin convention.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Ticket => 1,
            Self::Page => 2,
            Self::Unknown => 3,
        }
    }

    /// The word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Ticket => "ticket",
            Self::Page => "page",
            Self::Unknown => "unknown",
        }
    }
}

/// Which way a burn is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// No window of any rule burns above its factor.
    Calm,
    /// Only a short window does: it may become a burn.
    Rising,
    /// Only a long window does: it was a burn.
    Recovering,
    /// Both do.
    Burning,
}

impl Phase {
    /// The word used on the screen and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Rising => "rising",
            Self::Recovering => "recovering",
            Self::Burning => "burning",
        }
    }
}

/// One rule, judged. `None` stands for what cannot be known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RuleVerdict {
    /// The rule.
    pub rule: Rule,
    /// Burn over the long window.
    pub long: Option<f64>,
    /// Burn over the short window.
    pub short: Option<f64>,
    /// Whether it fires.
    pub firing: Option<bool>,
}

impl RuleVerdict {
    /// Which way this rule's burn goes, as far as its windows are known.
    pub fn phase(&self) -> Phase {
        let above = |burn: Option<f64>| burn.is_some_and(|burn| burn > self.rule.factor);
        match (above(self.long), above(self.short)) {
            (true, true) => Phase::Burning,
            (true, false) => Phase::Recovering,
            (false, true) => Phase::Rising,
            (false, false) => Phase::Calm,
        }
    }
}

/// Every number of one SLO.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// The verdict as of the observation, however old that is.
    pub state: State,
    /// Which way it goes; `None` when nothing is known.
    pub phase: Option<Phase>,
    /// Each rule, judged.
    pub rules: Vec<RuleVerdict>,
    /// Burn rate by window, shortest first.
    pub burn_rates: BTreeMap<Window, Option<f64>>,
    /// Burn rate over the period so far.
    pub period_burn: Option<f64>,
    /// 1 for an untouched budget, 0 for a spent one, negative when overspent.
    pub budget_remaining: Option<f64>,
    /// Time until the budget is gone at the present rate; `None` when it is not being spent or is
    /// gone already.
    pub exhausts_in: Option<SignedDuration>,
}

impl Assessment {
    /// True when more than the budget is spent.
    pub fn exhausted(&self) -> Option<bool> {
        self.budget_remaining.map(|left| left < 0.0)
    }
}

impl Observation {
    /// What window `window` says.
    pub fn reading(&self, window: Window) -> Reading {
        self.windows
            .get(&window)
            .map_or(Reading::Unknown, |sample| sample.reading)
    }

    /// Judges the SLO by the definitions of this module.
    pub fn assess(&self) -> Assessment {
        let slo = &self.slo;
        let burn = |window| {
            self.reading(window)
                .ratio()
                .map(|ratio| slo.burn_rate(ratio))
        };
        let burn_rates: BTreeMap<_, _> = slo
            .windows()
            .into_iter()
            .map(|window| (window, burn(window)))
            .collect();
        let rules: Vec<_> = slo
            .rules
            .iter()
            .map(|&rule| {
                let (long, short) = (burn(rule.long), burn(rule.short));
                RuleVerdict {
                    rule,
                    long,
                    short,
                    firing: both_above(long, short, rule.factor),
                }
            })
            .collect();
        let period_burn = self
            .period
            .and_then(|sample| sample.reading.ratio())
            .map(|ratio| slo.burn_rate(ratio));
        let budget_remaining = period_burn.map(|burn| 1.0 - burn);
        let pace = slo
            .pace_window()
            .and_then(|window| burn_rates.get(&window).copied().flatten());
        let state = self.state(&rules);
        let phase = rules.iter().map(RuleVerdict::phase).max();
        Assessment {
            state,
            phase: phase.filter(|&phase| {
                phase != Phase::Calm || !matches!(state, State::NoData | State::Unknown)
            }),
            exhausts_in: exhausts_in(budget_remaining, pace, self.period_length),
            rules,
            burn_rates,
            period_burn,
            budget_remaining,
        }
    }

    /// A rule known to fire decides. Otherwise all must be known not to fire, by data of now.
    fn state(&self, rules: &[RuleVerdict]) -> State {
        let firing = rules.iter().filter(|verdict| verdict.firing == Some(true));
        match firing.map(|verdict| verdict.rule.severity).max() {
            Some(Severity::Page) => return State::Page,
            Some(Severity::Ticket | Severity::Info) => return State::Ticket,
            None => {}
        }
        let newest = self
            .windows
            .first_key_value()
            .map(|(_, sample)| sample.reading);
        let undecided = || rules.iter().filter(|verdict| verdict.firing.is_none());
        let unasked = |window| matches!(self.reading(window), Reading::Unknown);
        if matches!(newest, None | Some(Reading::Unknown))
            || undecided().any(|verdict| unasked(verdict.rule.long) || unasked(verdict.rule.short))
        {
            return State::Unknown;
        }
        if newest.and_then(Reading::ratio).is_none() || undecided().next().is_some() {
            return State::NoData;
        }
        if self.partial {
            State::Unknown
        } else {
            State::Ok
        }
    }
}

/// Both above, where one known to be below settles it whatever the other is.
fn both_above(long: Option<f64>, short: Option<f64>, factor: f64) -> Option<bool> {
    match (
        long.map(|burn| burn > factor),
        short.map(|burn| burn > factor),
    ) {
        (Some(true), Some(true)) => Some(true),
        (Some(false), _) | (_, Some(false)) => Some(false),
        _ => None,
    }
}

/// budget remaining × period / burn rate.
fn exhausts_in(
    remaining: Option<f64>,
    burn: Option<f64>,
    period: SignedDuration,
) -> Option<SignedDuration> {
    let (remaining, burn) = (remaining?, burn?);
    if burn <= 0.0 || remaining <= 0.0 {
        return None;
    }
    let seconds = remaining * period.as_secs_f64() / burn;
    SignedDuration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slo(objective: f64) -> Slo {
        let period = Period::Rolling(Window::days(30));
        Slo {
            service: "checkout".into(),
            name: "availability".into(),
            source: SourceName::new("prod"),
            objective,
            period,
            rules: Rule::workbook(period),
            origin: Origin::Config,
            queries: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// An observation of the eight windows 5m, 30m, 1h, 2h, 6h, 1d, 3d and the period.
    fn observed(readings: [Reading; 8]) -> Observation {
        let slo = Arc::new(slo(0.999));
        let at = Timestamp::UNIX_EPOCH;
        let sample = |reading| Sample {
            reading,
            events: None,
            at,
        };
        let windows = slo
            .windows()
            .into_iter()
            .zip(readings.map(sample))
            .collect();
        Observation {
            slo,
            at,
            windows,
            period: Some(sample(readings[7])),
            period_length: SignedDuration::from_hours(720),
            history: Arc::from([]),
            partial: false,
        }
    }

    fn ratios(ratios: [f64; 8]) -> Observation {
        observed(ratios.map(Reading::Ratio))
    }

    #[test]
    fn workbook_rules_keep_their_share_of_budget_for_every_period() {
        let factors = |text: &str| {
            let period = text.parse().expect("period");
            Rule::workbook(period)
                .iter()
                .map(|rule| rule.factor)
                .collect::<Vec<_>>()
        };
        assert_eq!(factors("30d"), [14.4, 6.0, 3.0, 1.0]);
        assert_eq!(factors("month"), [14.4, 6.0, 3.0, 1.0]);
        assert_eq!(factors("28d"), [13.44, 5.6, 2.8, 0.933_333_333_333]);
        assert!((factors("7d")[0] - 3.36).abs() < 1e-12);
    }

    #[test]
    fn a_page_needs_both_windows_above_the_factor() {
        let calm = [0.0001; 8];
        assert_eq!(ratios(calm).assess().state, State::Ok);
        assert_eq!(ratios(calm).assess().phase, Some(Phase::Calm));
        let mut burning = calm;
        burning[0] = 0.02; // 5m at 20x
        let rising = ratios(burning).assess();
        assert_eq!(
            (rising.state, rising.phase),
            (State::Ok, Some(Phase::Rising))
        );
        burning[2] = 0.015; // 1h at 15x
        let page = ratios(burning).assess();
        assert_eq!(
            (page.state, page.phase),
            (State::Page, Some(Phase::Burning))
        );
        assert_eq!(page.rules[0].firing, Some(true));
        burning[0] = 0.0001;
        let over = ratios(burning).assess();
        assert_eq!(
            (over.state, over.phase),
            (State::Ok, Some(Phase::Recovering))
        );
        let mut slow = calm;
        (slow[3], slow[5]) = (0.004, 0.004); // 2h and 1d at 4x
        assert_eq!(ratios(slow).assess().state, State::Ticket);
    }

    #[test]
    fn exactly_at_the_factor_does_not_fire() {
        let mut readings = [0.0; 8];
        (readings[4], readings[6]) = (0.001, 0.001); // 6h and 3d at exactly 1x
        assert_eq!(ratios(readings).assess().state, State::Ok);
    }

    #[test]
    fn budget_and_time_to_exhaustion_follow_the_period_and_the_last_hour() {
        let mut readings = [0.0; 8];
        readings[2] = 0.0062; // 1h at 6.2x
        readings[7] = 0.00069; // 69 % of the budget spent
        let assessment = ratios(readings).assess();
        let left = assessment.budget_remaining.expect("budget");
        assert!((left - 0.31).abs() < 1e-9);
        // 31 % of 720 h at 6.2x: 36 h.
        let hours = assessment.exhausts_in.expect("time left").as_secs_f64() / 3_600.0;
        assert!((hours - 36.0).abs() < 1e-6);
        readings[7] = 0.0012;
        let overspent = ratios(readings).assess();
        assert_eq!(
            (overspent.exhausted(), overspent.exhausts_in),
            (Some(true), None)
        );
    }

    #[test]
    fn nothing_observed_is_never_ok() {
        use Reading::{NoSeries, NoTraffic, Ratio, Unknown};
        assert_eq!(observed([NoTraffic; 8]).assess().state, State::NoData);
        assert_eq!(observed([NoSeries; 8]).assess().state, State::NoData);
        assert_eq!(observed([Unknown; 8]).assess().state, State::Unknown);
        assert_eq!(observed([NoSeries; 8]).assess().phase, None);
        // Gone for minutes: the hour still looks well, but it is not the present.
        let mut gone = [Ratio(0.0); 8];
        gone[0] = NoSeries;
        assert_eq!(observed(gone).assess().state, State::NoData);
        // One window that could not be asked leaves its rule open.
        let mut blind = [Ratio(0.02); 8];
        blind[2] = Unknown;
        blind[4] = Ratio(0.0);
        blind[5] = Ratio(0.0);
        blind[6] = Ratio(0.0);
        assert_eq!(observed(blind).assess().state, State::Unknown);
        // But a rule known to fire is not hidden by a window that is not known.
        blind[4] = Ratio(0.02);
        assert_eq!(observed(blind).assess().state, State::Page);
    }

    #[test]
    fn a_partial_answer_is_never_ok_and_never_hides_a_page() {
        let mut partial = ratios([0.0; 8]);
        partial.partial = true;
        assert_eq!(partial.assess().state, State::Unknown);
        let mut partial = ratios([0.9; 8]);
        partial.partial = true;
        assert_eq!(partial.assess().state, State::Page);
    }

    #[test]
    fn the_four_values_are_told_apart() {
        assert_eq!(Reading::from_events(None, None), Reading::NoSeries);
        assert_eq!(Reading::from_events(Some(1.0), None), Reading::NoSeries);
        assert_eq!(Reading::from_events(None, Some(0.0)), Reading::NoTraffic);
        assert_eq!(Reading::from_events(None, Some(10.0)), Reading::Ratio(0.0));
        assert_eq!(
            Reading::from_events(Some(1.0), Some(10.0)),
            Reading::Ratio(0.1)
        );
        assert_eq!(
            Reading::from_events(Some(f64::NAN), Some(10.0)),
            Reading::Unknown
        );
        assert_eq!(
            Reading::from_events(Some(1.0), Some(f64::INFINITY)),
            Reading::Unknown
        );
        assert_eq!(Reading::from_ratio(f64::INFINITY), Reading::Unknown);
        assert_eq!(Reading::from_ratio(-1e-12), Reading::Ratio(0.0));
    }

    #[test]
    fn only_a_known_page_outranks_what_is_not_known() {
        use State::{NoData, Ok, Page, Ticket, Unknown};
        for (states, blind, verdict, exit) in [
            (&[Ok, Ok][..], false, Verdict::Ok, 0),
            (&[Ok, Ticket], false, Verdict::Ticket, 1),
            (&[NoData, Ticket, Page], false, Verdict::Page, 2),
            (&[Page], true, Verdict::Page, 2),
            (&[Ticket], true, Verdict::Unknown, 3),
            (&[Ticket, Unknown], false, Verdict::Unknown, 3),
            (&[Ok, NoData], false, Verdict::Unknown, 3),
            (&[NoData, Ticket], false, Verdict::Ticket, 1),
            (&[], false, Verdict::Unknown, 3),
        ] {
            let found = Verdict::of(states.iter().copied(), blind);
            assert_eq!(
                (found, found.exit_status()),
                (verdict, exit),
                "{states:?} {blind}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_number_shown_is_finite(
            readings in prop::array::uniform8(prop_oneof![
                any::<f64>().prop_map(Reading::from_ratio),
                Just(Reading::NoTraffic),
                Just(Reading::NoSeries),
                Just(Reading::Unknown),
                (0.0..1.0).prop_map(Reading::Ratio),
            ]),
        ) {
            let observation = observed(readings);
            let assessment = observation.assess();
            for (window, burn) in &assessment.burn_rates {
                prop_assert_eq!(burn.is_some(), observation.reading(*window).ratio().is_some());
            }
            if assessment.state == State::Ok {
                prop_assert!(observation.windows.values().next().unwrap().reading.ratio().is_some());
                prop_assert!(assessment.rules.iter().all(|rule| rule.firing == Some(false)));
            }
            let page = assessment.rules.iter().any(|verdict| {
                verdict.firing == Some(true) && verdict.rule.severity == Severity::Page
            });
            prop_assert_eq!(page, assessment.state == State::Page);
        }
    }
}
