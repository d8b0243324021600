//! An SLO as a row of the table and as an object of the JSON.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp, Unit};
use serde::{Serialize, Serializer};

use crate::domain::policy::BudgetAdjustment;
use crate::domain::slo::Coverage;
use crate::domain::{
    Assessment, Direction, Events, Observation, Origin, Phase, Reading, Reason, Sample, Severity,
    State, Window, window,
};
use crate::insight::{Insights, SUSPICION, Suspect};
use crate::print::{table, whole};
use crate::store::{Feed, Twins};
use crate::text::{Shown, Untrusted};

#[derive(Serialize)]
pub(super) struct SloRow<'a> {
    pub(super) id: Untrusted,
    pub(super) service: &'a Untrusted,
    pub(super) name: &'a Untrusted,
    pub(super) source: &'a str,
    origin: Origin,
    /// Why it is shown, of one that is suggested.
    #[serde(skip_serializing_if = "Option::is_none")]
    suggested_because: Option<&'a Untrusted>,
    objective: f64,
    period: String,
    pub(super) state: State,
    pub(super) phase: Option<Phase>,
    /// Which way the shortest window goes, of one that burns.
    direction: Option<Direction>,
    stale: bool,
    partial: bool,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    observed_at: Option<Timestamp>,
    error_ratio: ByWindow<Option<f64>>,
    pub(super) burn_rate: ByWindow<Option<f64>>,
    events: ByWindow<Option<Events>>,
    /// When each window was measured.
    measured_at: ByWindow<Option<Timestamp>>,
    /// The keys of windows that are older than the shortest one.
    older_windows: Vec<String>,
    pub(super) budget_remaining: Option<f64>,
    exhausted: Option<bool>,
    exhausts_in_s: Option<i64>,
    /// The burn rate to hold from now on to end a calendar period within budget.
    hold_burn_rate: Option<f64>,
    /// The oldest sample of the period, and how many seconds of the period have data.
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    since: Option<Timestamp>,
    data_s: Option<i64>,
    /// Whether data covers too little of the period for its numbers to be more than an estimate.
    estimate: Option<bool>,
    /// The keys of windows that data does not cover, the period's included.
    estimated_windows: Option<Vec<String>>,
    /// The keys of windows whose numbers are lower bounds: more may have failed.
    lower_bound: Vec<String>,
    /// Whether 0 events are assumed of a metric that exists nowhere.
    assumed: bool,
    min_bad_events: f64,
    rules: Vec<RuleRow>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    onset: Option<Timestamp>,
    /// The interval of believable beginnings.
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    onset_earliest: Option<Timestamp>,
    #[serde(serialize_with = "crate::print::maybe_seconds")]
    onset_latest: Option<Timestamp>,
    suspects: Vec<SuspectRow<'a>>,
    /// Why no release is a suspect, of one that burns.
    unexplained: Option<&'a str>,
    /// The times that its budget leaves out.
    budget_adjustments: Vec<AdjustmentRow<'a>>,
    /// Why it is not known or not exact, then what is to be known of how it is measured.
    notes: Vec<String>,
    reasons: Vec<ReasonRow>,
    #[serde(skip)]
    aside: Aside,
}

/// A time that counts neither good nor bad.
#[derive(Serialize)]
struct AdjustmentRow<'a> {
    #[serde(serialize_with = "crate::print::seconds")]
    from: Timestamp,
    #[serde(serialize_with = "crate::print::seconds")]
    to: Timestamp,
    reason: &'a str,
    by: &'a str,
}

impl<'a> AdjustmentRow<'a> {
    fn of(one: &'a BudgetAdjustment) -> Self {
        Self {
            from: one.from,
            to: one.to,
            reason: &one.reason,
            by: &one.by,
        }
    }
}

/// What the table needs and the JSON says otherwise.
struct Aside {
    /// The words for one that is suggested.
    suggested: Option<&'static str>,
    /// Its state in the verdict; `None` for one outside of it.
    counted: Option<State>,
    /// True where no number of it is exact.
    is_inexact: bool,
    /// Whether another source has an SLO of this id.
    is_shared: bool,
    hold_words: Option<String>,
    /// The burn rate of the shortest window.
    short_burn: Option<f64>,
    /// The time to exhaustion, where a reader should see it.
    gone_in: Option<SignedDuration>,
    shortfall: Option<Coverage>,
    /// True while anything of it burns: then older numbers are marked.
    burns: bool,
    held_back: Option<f64>,
    /// The first reason in a few words.
    reason: Option<Untrusted>,
}

impl Aside {
    fn of(row: &Observation, assessment: &Assessment, reasons: &[Reason], stale: bool) -> Self {
        let slo = &row.slo;
        Self {
            suggested: row.suggested_words(),
            counted: if row.is_unproven() {
                None
            } else if stale {
                Some(State::Unknown)
            } else {
                Some(assessment.state)
            },
            reason: reasons.first().map(Reason::short),
            is_inexact: row.is_inexact(),
            is_shared: false,
            hold_words: assessment.hold_words(slo),
            short_burn: row.short_burn(),
            gone_in: row.gone_in(assessment),
            shortfall: row.shortfall(),
            burns: assessment.burns() && !stale,
            held_back: assessment.held_back().map(|(_, bad)| bad),
        }
    }
}

/// Why a number is not known, or not exact.
#[derive(Serialize)]
struct ReasonRow {
    code: &'static str,
    short: Untrusted,
    text: Untrusted,
}

impl ReasonRow {
    fn of(reason: &Reason) -> Self {
        Self {
            code: reason.code.word(),
            short: reason.short(),
            text: reason.text.clone(),
        }
    }
}

#[derive(Serialize)]
struct RuleRow {
    severity: Severity,
    long: Window,
    short: Window,
    factor: f64,
    firing: Option<bool>,
    /// The bad events of the long window, where they are too few for the page that would fire.
    held_back: Option<f64>,
}

/// A release that may be behind a burn.
#[derive(Serialize)]
pub(in crate::print) struct SuspectRow<'a> {
    release: &'a Untrusted,
    source: &'a str,
    service: &'a Untrusted,
    version: &'a Untrusted,
    score: f64,
    /// From its arrival to the onset.
    lead_s: i64,
    reason: &'a Untrusted,
}

impl<'a> SuspectRow<'a> {
    pub(in crate::print) fn of(suspect: &'a Suspect) -> Self {
        Self {
            release: &suspect.release,
            source: suspect.source.as_str(),
            service: &suspect.service,
            version: &suspect.version,
            score: suspect.score,
            lead_s: suspect.lead.as_secs(),
            reason: &suspect.reason,
        }
    }
}

/// A JSON object whose keys are windows, shortest first, the period last.
pub(super) struct ByWindow<T>(pub(super) Vec<(String, T)>);

impl<T> ByWindow<T> {
    /// A period of 1d or 3d is a window of the rules as well; an object has each key once.
    fn new(windows: impl Iterator<Item = (Window, T)>, (period, last): (&str, T)) -> Self {
        let mut all: Vec<_> = windows
            .map(|(window, value)| (window.to_string(), value))
            .filter(|(window, _)| window != period)
            .collect();
        all.push((period.to_owned(), last));
        Self(all)
    }
}

impl<T: Serialize> Serialize for ByWindow<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(window, value)| (window, value)))
    }
}

/// Adds the source to ids that several sources have, `checkout/availability@prod-eu`, and says of each
/// which others have it.
pub(super) fn name_sources(slos: &mut [SloRow<'_>], twins: &[Twins]) {
    let mut seen: HashMap<Untrusted, usize> = HashMap::new();
    for row in &*slos {
        *seen.entry(row.id.clone()).or_default() += 1;
    }
    for row in slos {
        let twins = twins.iter().filter(|one| one.id == row.id);
        row.notes
            .extend(twins.filter_map(|one| one.note(row.source)));
        row.aside.is_shared = seen.get(&row.id).is_some_and(|&count| count > 1);
        if row.aside.is_shared {
            row.id = format!("{}@{}", row.id.raw(), row.source).into();
        }
    }
}

impl<'a> SloRow<'a> {
    pub(super) fn of(
        feed: &'a Feed,
        row: &'a Observation,
        insights: &'a Insights,
        now: Timestamp,
    ) -> Self {
        let slo = &row.slo;
        let assessment = row.assess();
        let stale = !feed.freshness(now).is_current();
        let mut reasons = feed.why_unknown(row, now);
        if !stale {
            reasons.extend(row.caveats().cloned());
        }
        let told = reasons.iter().map(|reason| reason.text.raw().to_owned());
        let insight = insights.slo(&feed.name, &slo.id()).filter(|_| !stale);
        let onset = insight.and_then(|insight| insight.onset);
        let period = slo.period.to_string();
        let period_reading = row.period.map_or(Reading::Unknown, |sample| sample.reading);
        let windows = slo.windows();
        let windows = || windows.iter().copied();
        let spread = |value: &dyn Fn(Window) -> Option<f64>, last: Option<f64>| {
            ByWindow::new(
                windows().map(|window| (window, value(window))),
                (&period, last),
            )
        };
        let events = windows().map(|window| {
            let sample = row.windows.get(window);
            (window, sample.and_then(|sample| sample.events))
        });
        let events = ByWindow::new(
            events,
            (&period, row.period.and_then(|sample| sample.events)),
        );
        Self {
            id: slo.id(),
            service: &slo.service,
            name: &slo.name,
            source: slo.source.as_str(),
            origin: slo.origin,
            suggested_because: slo.suggested.as_ref().map(|grounds| &grounds.because),
            objective: slo.objective,
            state: if stale {
                State::Unknown
            } else {
                assessment.state
            },
            phase: assessment.phase.filter(|_| !stale),
            direction: row.direction(&assessment).filter(|_| !stale),
            stale,
            partial: row.partial,
            observed_at: feed.last_success.map(|_| row.at),
            error_ratio: spread(
                &|window| row.reading(window).ratio(),
                period_reading.ratio(),
            ),
            burn_rate: spread(
                &|window| assessment.burn_rates.get(&window).copied().flatten(),
                assessment.period_burn,
            ),
            events,
            measured_at: measured(row),
            older_windows: row.older_windows(),
            budget_remaining: assessment.budget_remaining,
            exhausted: assessment.exhausted(),
            exhausts_in_s: assessment
                .exhausts_in
                .map(|left| left.round(Unit::Second).unwrap_or(left).as_secs()),
            hold_burn_rate: assessment.hold_burn_rate,
            since: row.since,
            data_s: row
                .coverage(row.period_elapsed)
                .map(|coverage| coverage.data.min(coverage.wanted).as_secs()),
            estimate: row.since.map(|_| row.shortfall().is_some()),
            estimated_windows: row.since.map(|_| estimated(row)),
            lower_bound: row.lower_bound_keys(),
            assumed: row.is_assumed(),
            min_bad_events: slo.min_bad_events,
            rules: rules(&assessment),
            onset: onset.map(|onset| onset.at),
            onset_earliest: onset.map(|onset| onset.earliest),
            // The server's clock may be ahead of ours.
            onset_latest: onset.map(|onset| onset.latest.min(now)),
            suspects: insight
                .iter()
                .flat_map(|insight| &insight.suspects)
                .map(SuspectRow::of)
                .collect(),
            unexplained: insight.and_then(|insight| insight.unexplained.as_deref()),
            budget_adjustments: slo.adjustments.iter().map(AdjustmentRow::of).collect(),
            notes: told.chain(slo.notes.iter().cloned()).collect(),
            reasons: reasons.iter().map(ReasonRow::of).collect(),
            aside: Aside::of(row, &assessment, &reasons, stale),
            period,
        }
    }

    pub(super) fn cells(&self) -> Vec<Shown> {
        let burns: Vec<_> = self
            .burn_rate
            .0
            .iter()
            .filter_map(|(window, burn)| {
                let mark = self.mark(window);
                burn.map(|burn| format!("{window} {mark}{burn:.1}x"))
            })
            .collect();
        let mark = match self.aside.shortfall {
            Some(_) => "~",
            None => self.mark(&self.period),
        };
        let budget = self
            .budget_remaining
            .map_or("-".into(), |left| format!("{mark}{:.1}%", left * 100.0));
        vec![
            Shown::new(self.state.word().to_uppercase().replace('_', " ")),
            table::name(self.service),
            if self.aside.is_shared {
                let name = table::name(self.name);
                Shown::new(format!("{name} @{}", self.source))
            } else {
                table::name(self.name)
            },
            Shown::new(percent(self.objective * 100.0)),
            Shown::new(if burns.is_empty() {
                "-".to_owned()
            } else {
                burns.join("  ")
            }),
            Shown::new(budget),
            Shown::new(self.note()),
        ]
    }

    /// The same for the width of a terminal: the id, the windows of one rule, the first note.
    pub(super) fn fitted_cells(&self) -> Vec<Shown> {
        let mut cells = self.cells();
        let note = cells.pop().unwrap_or_else(|| Shown::new(""));
        let budget = cells.pop().unwrap_or_else(|| Shown::new("-"));
        vec![
            cells.swap_remove(0),
            self.id.shown(),
            Shown::new(self.worst_windows()),
            budget,
            note,
        ]
    }

    /// The burn rates of the rule that fires, the worst first, else of the one that is nearest to it.
    fn worst_windows(&self) -> String {
        let burn = |window: &Window| self.burn_of(&window.to_string());
        let nearness = |rule: &RuleRow| {
            let both = [burn(&rule.long), burn(&rule.short)];
            let least = both.into_iter().flatten().reduce(f64::min);
            least.map_or(-1.0, |least| least / rule.factor)
        };
        let rank = |rule: &RuleRow| (rule.firing == Some(true), rule.severity);
        let firing = self.rules.iter().filter(|rule| rule.firing == Some(true));
        let worst = firing.max_by(|a, b| {
            rank(a)
                .cmp(&rank(b))
                .then(nearness(a).total_cmp(&nearness(b)))
        });
        let nearest = || {
            let rules = self.rules.iter();
            rules.max_by(|a, b| nearness(a).total_cmp(&nearness(b)))
        };
        let Some(rule) = worst.or_else(nearest) else {
            return "-".to_owned();
        };
        let windows = [rule.long, rule.short].map(|window| {
            let window = window.to_string();
            let rate = self.burn_of(&window)?;
            let mark = self.mark(&window);
            let rate = if rate.abs() < 99.95 {
                format!("{rate:.1}")
            } else {
                format!("{rate:.0}")
            };
            Some(format!("{window} {mark}{rate}x"))
        });
        let windows: Vec<_> = windows.into_iter().flatten().collect();
        if windows.is_empty() {
            return "-".to_owned();
        }
        windows.join(" ")
    }

    fn burn_of(&self, window: &str) -> Option<f64> {
        let mut rates = self.burn_rate.0.iter();
        rates.find(|(known, _)| known == window)?.1
    }

    /// `~` where a window's burn rate is not exact, or older than its neighbours.
    fn mark(&self, window: &str) -> &'static str {
        let is = |windows: &[String]| windows.iter().any(|known| known == window);
        let is_older = self.aside.burns && is(&self.older_windows);
        if self.aside.is_inexact || is_older || is(&self.lower_bound) {
            "~"
        } else {
            ""
        }
    }

    /// What a reader must know beside the numbers.
    fn note(&self) -> String {
        let course = self.course();
        let few = self
            .aside
            .held_back
            .map(|bad| format!("{bad} of {} events", self.min_bad_events));
        let estimate = self.aside.shortfall.map(|short| {
            let (data, wanted) = (window::brief(short.data), window::brief(short.wanted));
            format!("estimate: data {data} of {wanted}")
        });
        let suspect = self.suspects.first().filter(|one| one.score >= SUSPICION);
        let suspect = suspect.map(|one| {
            let (service, version) = (one.service.shown(), one.version.shown());
            format!("suspect: {service} {version}, {}", one.reason.shown())
        });
        let reason = self.aside.reason.as_ref();
        let reason = reason.map(|reason| reason.shown().to_string());
        let notes = [
            self.aside.suggested.map(str::to_owned),
            reason,
            course,
            few,
            suspect.or_else(|| self.unexplained.map(str::to_owned)),
            estimate,
            self.aside.hold_words.clone(),
        ];
        notes.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

impl SloRow<'_> {
    /// True for one that is suggested.
    pub(super) fn is_suggested(&self) -> bool {
        self.aside.suggested.is_some()
    }

    /// Its state as far as the verdict on all is concerned.
    pub(super) fn counted_state(&self) -> Option<State> {
        self.aside.counted
    }

    /// How a burn goes: `burning, rising, gone in 9h`. One whose shortest window is below 1x does
    /// not burn any more, whatever a longer one says.
    fn course(&self) -> Option<String> {
        let is_over = self.aside.short_burn.is_some_and(|burn| burn < 1.0);
        let phase = self.phase.filter(|phase| match phase {
            Phase::Calm => false,
            Phase::Burning => !is_over,
            Phase::Rising | Phase::Recovering => true,
        });
        let left = self.aside.gone_in.filter(|_| phase.is_some());
        let left = left.map(|left| format!("gone in {}", window::brief(left)));
        let words = [
            phase.map(|phase| phase.label().to_owned()),
            self.direction.map(|one| one.word().to_owned()),
            left.or_else(|| (self.exhausted == Some(true)).then(|| "exhausted".to_owned())),
        ];
        let words: Vec<_> = words.into_iter().flatten().collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

/// When each window was measured, the period's last.
fn measured(row: &Observation) -> ByWindow<Option<Timestamp>> {
    let dated = |sample: Option<Sample>| {
        let sample = sample.filter(|sample| sample.reading != Reading::Unknown);
        sample.map(|sample| whole(sample.at))
    };
    let windows = row.slo.windows().into_iter();
    let windows = windows.map(|window| (window, dated(row.windows.get(window))));
    let period = row.slo.period.to_string();
    ByWindow::new(windows, (&period, dated(row.period)))
}

/// The windows that data does not cover, by their keys.
fn estimated(row: &Observation) -> Vec<String> {
    let period = row.slo.period.to_string();
    let windows = row.slo.windows().into_iter();
    windows
        .filter(|&window| row.shortfall_of(window).is_some())
        .map(|window| window.to_string())
        .filter(|window| *window != period)
        .chain(row.shortfall().map(|_| period.clone()))
        .collect()
}

/// A percentage with as many decimals as it needs, three at most.
fn percent(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}%")
}

fn rules(assessment: &Assessment) -> Vec<RuleRow> {
    assessment
        .rules
        .iter()
        .map(|verdict| RuleRow {
            severity: verdict.rule.severity,
            long: verdict.rule.long,
            short: verdict.rule.short,
            factor: verdict.rule.factor,
            firing: verdict.firing,
            held_back: verdict.held_back,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{Fault, FaultKind, Period, ReasonCode, Slo, SourceName};
    use crate::store::Offers;

    fn feed(name: &str) -> Feed {
        let minute = SignedDuration::from_mins(1);
        let name = SourceName::new(name);
        Feed::new(name, "prometheus", Offers::default(), minute, minute)
    }

    fn observed(feed: &Feed, period: &str) -> Observation {
        let period: Period = period.parse().expect("a period");
        let slo = Slo::new(
            "checkout",
            "availability",
            feed.name.clone(),
            0.99,
            period,
            Origin::Sloth,
        );
        let at = Timestamp::UNIX_EPOCH;
        let reading = Reading::Ratio(0.002);
        Observation {
            period: Some(Sample {
                reading,
                events: None,
                at,
            }),
            ..Observation::unknown(Arc::new(slo), at)
        }
    }

    #[test]
    fn an_id_that_two_sources_have_names_its_source() {
        let (eu, us) = (feed("eu"), feed("us"));
        let (in_eu, in_us) = (observed(&eu, "30d"), observed(&us, "30d"));
        let now = Timestamp::UNIX_EPOCH;
        let none = Insights::default();
        let mut rows = vec![
            SloRow::of(&eu, &in_eu, &none, now),
            SloRow::of(&us, &in_us, &none, now),
        ];
        name_sources(&mut rows, &[]);
        let ids: Vec<_> = rows.iter().map(|row| row.id.raw()).collect();
        assert_eq!(
            ids,
            ["checkout/availability@eu", "checkout/availability@us"]
        );
        assert!(format!("{:?}", rows[1].cells()[2]).contains("availability @us"));

        let mut alone = vec![SloRow::of(&eu, &in_eu, &none, now)];
        name_sources(&mut alone, &[]);
        assert_eq!(alone[0].id.raw(), "checkout/availability");
    }

    #[test]
    fn what_is_an_estimate_or_held_back_says_so() {
        let mut eu = feed("eu");
        eu.last_success = Some(Timestamp::UNIX_EPOCH);
        let mut row = observed(&eu, "month");
        let hour = SignedDuration::from_hours(1);
        row.since = row.at.checked_sub(hour * 48).ok();
        row.period_elapsed = hour * 360;
        Arc::make_mut(&mut row.slo).min_bad_events = 3.0;
        row.windows.change(|_, sample| {
            sample.reading = Reading::Ratio(1.0);
            sample.events = Some(Events {
                bad: 2.0,
                total: 2.0,
            });
        });
        let none = Insights::default();
        let row = SloRow::of(&eu, &row, &none, Timestamp::UNIX_EPOCH);
        let json = serde_json::to_value(&row).expect("JSON");
        assert_eq!(json["since"], "1969-12-30T00:00:00Z");
        assert_eq!(json["data_s"], 48 * 3_600);
        assert_eq!(json["estimate"], true);
        assert_eq!(
            json["estimated_windows"],
            serde_json::json!(["3d", "month"])
        );
        assert_eq!(json["hold_burn_rate"], 1.8);
        assert_eq!(json["min_bad_events"], 3.0);
        assert_eq!(json["rules"][0]["held_back"], 2.0);
        assert_eq!(json["rules"][0]["firing"], false);
        assert_eq!(json["rules"][2]["held_back"], serde_json::Value::Null);
        let cells = row.cells();
        assert_eq!(cells[5].as_str(), "~80.0%");
        assert_eq!(
            cells[6].as_str(),
            "burning, gone in 5h; 2 of 3 events; estimate: data 2d of 15d; \
             hold <= 1.8x to end the month within budget"
        );
    }

    #[test]
    fn a_row_that_is_not_known_says_why_in_the_table_and_in_the_notes() {
        let (at, eu) = (Timestamp::UNIX_EPOCH, feed("eu"));
        let mut answered = eu.clone();
        answered.last_success = Some(at);
        let mut failing = answered.clone();
        failing.fault = Some(Fault::new(FaultKind::Timeout, "no answer within 10s"));
        failing.failures = 9;
        let later = at + SignedDuration::from_mins(9);
        let none = Insights::default();
        let several = Reason::new(ReasonCode::SeveralSeries, "2", "its query returns 2 series");
        let mut seen = observed(&eu, "30d");
        seen.reasons = Arc::from([several]);
        for (feed, now, note, code, text) in [
            (
                &answered,
                at,
                "2 series",
                "several_series",
                "its query returns 2 series",
            ),
            (
                &failing,
                later,
                "timeout",
                "timeout",
                "no answer within 10s",
            ),
            (
                &eu,
                at,
                "asking",
                "waiting",
                "its source has not answered yet",
            ),
        ] {
            let row = SloRow::of(feed, &seen, &none, now);
            assert_eq!(row.cells()[6].as_str(), note);
            let json = serde_json::to_value(&row).expect("JSON");
            assert_eq!(json["state"], "unknown");
            assert_eq!(json["notes"], serde_json::json!([text]));
            assert_eq!(json["reasons"][0]["code"], code);
            assert_eq!(json["reasons"][0]["short"], note);
        }
    }

    #[test]
    fn a_long_name_widens_no_column_and_is_whole_in_the_json() {
        let eu = feed("eu");
        let mut seen = observed(&eu, "30d");
        let name = format!("avail{{path={}}}", "x".repeat(400));
        Arc::make_mut(&mut seen.slo).name = name.as_str().into();
        let none = Insights::default();
        let mut rows = vec![
            SloRow::of(&eu, &seen, &none, Timestamp::UNIX_EPOCH),
            SloRow::of(&eu, &seen, &none, Timestamp::UNIX_EPOCH),
        ];
        name_sources(&mut rows, &[]);
        for row in &rows {
            assert!(row.cells()[2].width() <= 60, "{:?}", row.cells()[2]);
            let json = serde_json::to_value(row).expect("JSON");
            assert_eq!(json["name"], name.as_str());
        }
    }

    #[test]
    fn what_is_not_known_of_the_data_is_null_and_not_full() {
        let eu = feed("eu");
        let row = observed(&eu, "30d");
        let none = Insights::default();
        let json = serde_json::to_value(SloRow::of(&eu, &row, &none, Timestamp::UNIX_EPOCH));
        let json = json.expect("JSON");
        for field in [
            "since",
            "data_s",
            "estimate",
            "estimated_windows",
            "hold_burn_rate",
        ] {
            assert!(json[field].is_null(), "{field}");
        }
    }

    #[test]
    fn a_period_that_is_a_window_of_the_rules_too_is_one_key() {
        let eu = feed("eu");
        let row = observed(&eu, "3d");
        let none = Insights::default();
        let row = SloRow::of(&eu, &row, &none, Timestamp::UNIX_EPOCH);
        let windows: Vec<_> = row.error_ratio.0.iter().map(|(key, _)| &**key).collect();
        assert_eq!(windows, ["5m", "30m", "1h", "2h", "6h", "1d", "3d"]);
        assert_eq!(
            row.error_ratio.0.last().map(|(_, ratio)| *ratio),
            Some(Some(0.002))
        );
    }
}
