//! Histories against a plain reading of Prometheus' rules.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use tempfile::TempDir;

use super::evaluate::{Evaluator, Question};
use super::history::{HOUR, History, Kept, Limits, MINUTE, Scraped};
use super::segment::Segment;
use super::*;
use crate::domain::{Period, Reading, ReasonCode, Rule, SourceName};

mod broken;
mod evidence;
mod refusals;
mod room;
mod short;
mod since;

const DAY: i64 = 24 * HOUR;
/// The end of every history here: not the start of a minute.
const NOW: i64 = 1_800_000_007_500;

fn slo(sli: Sli) -> SloSettings {
    let period = Period::Rolling(Window::days(30));
    SloSettings {
        service: "app".to_owned(),
        name: "availability".to_owned(),
        objective: 0.99,
        period,
        timezone: TimeZone::UTC,
        source: SourceName::new("app"),
        sli,
        rules: Rule::workbook(period),
        min_bad_events: 0.0,
        absent_is_zero: false,
        by: Vec::new(),
        labels: BTreeMap::new(),
        description: String::new(),
    }
}

fn events(part: Part) -> Sli {
    Sli::Events {
        part,
        total: "x_total".to_owned(),
    }
}

fn bad() -> Sli {
    events(Part::Bad("x_total{code=\"500\"}".to_owned()))
}

fn plan(indicators: &[Sli]) -> Plan {
    let slos: Vec<_> = indicators.iter().cloned().map(slo).collect();
    plan_of(&slos)
}

fn plan_of(slos: &[SloSettings]) -> Plan {
    let (selectors, formulas) = selector::formulas(slos).unwrap();
    Plan {
        slos: slos
            .iter()
            .zip(formulas)
            .map(|(slo, formula)| measure(slo, formula))
            .collect(),
        selectors: Arc::new(selectors),
        fresh: SignedDuration::from_mins(1),
    }
}

/// Samples of series, told by their pod and code, and the moments at which the pod was asked.
#[derive(Default)]
struct World {
    samples: BTreeMap<(u32, u32), Vec<(i64, f64)>>,
    failures: Vec<(u32, i64)>,
}

impl World {
    fn instance(pod: u32) -> String {
        format!("pod-{pod}:80")
    }

    /// Writes everything in the order of time; a history that was pruned as it grew.
    fn write(&self) -> (TempDir, History) {
        let limits = Limits {
            keep: 35 * DAY,
            max_size: 1 << 30,
            wanted: 30 * DAY,
        };
        self.write_within(limits, 2_000, |_, _| {})
    }

    /// The same within limits, so many scrapes at a time; `look` sees the history after each.
    fn write_within(
        &self,
        limits: Limits,
        pace: usize,
        mut look: impl FnMut(&TempDir, &History),
    ) -> (TempDir, History) {
        let dir = tempfile::tempdir().unwrap();
        let (mut history, _) = History::create(&dir.path().join("h.db"), limits, false).unwrap();
        let mut rounds: BTreeMap<(i64, u32), Result<Vec<Kept>, Fault>> = BTreeMap::new();
        for (&(pod, code), samples) in &self.samples {
            for &(at, value) in samples {
                let labels = format!(
                    "\"code\":\"{code}\",\"instance\":\"{}\",\"job\":\"app\"",
                    Self::instance(pod)
                );
                let name = if code < 1000 { "x_total" } else { "y_total" };
                let kept = Kept {
                    series: format!("{{\"__name__\":\"{name}\",{labels}}}"),
                    at,
                    value,
                };
                let round = rounds.entry((at, pod)).or_insert_with(|| Ok(Vec::new()));
                round.as_mut().unwrap().push(kept);
            }
        }
        for &(pod, at) in &self.failures {
            rounds.insert((at, pod), Err(Fault::new(FaultKind::Connect, "no")));
        }
        let rounds: Vec<_> = rounds
            .into_iter()
            .map(|((at, pod), outcome)| Scraped {
                up: format!(
                    "{{\"__name__\":\"up\",\"instance\":\"{}\",\"job\":\"app\"}}",
                    Self::instance(pod)
                ),
                instance: Self::instance(pod),
                at,
                outcome,
            })
            .collect();
        for rounds in rounds.chunks(pace) {
            history.record(rounds).unwrap();
            history.prune(rounds.last().unwrap().at).unwrap();
            look(&dir, &history);
        }
        (dir, history)
    }

    /// The increase of the series that `wanted` chooses, sample by sample.
    fn increase(&self, wanted: impl Fn(u32) -> bool, start: i64, end: i64) -> Option<f64> {
        let chosen = self.samples.iter().filter(|((_, code), _)| wanted(*code));
        let grown = chosen.filter_map(|(_, samples)| {
            let inside = samples.iter().filter(|(at, _)| (start..=end).contains(at));
            let all = inside.map(|&(at, value)| Segment::of(at, value));
            all.reduce(Segment::then)?.increase_over(start, end)
        });
        grown.fold(None, |sum, one| Some(sum.unwrap_or(0.0) + one))
    }
}

fn ask(history: &History, plan: &Plan, at: i64) -> Vec<Observation> {
    let question = Question {
        at: Timestamp::from_millisecond(at).unwrap(),
        live: false,
        course: true,
    };
    Evaluator::default()
        .evaluate(history, plan, question)
        .unwrap()
        .slos
}

fn windows(found: &Observation) -> impl Iterator<Item = (i64, crate::domain::Sample)> {
    let windows = found
        .windows
        .iter()
        .map(|(window, sample)| (i64::from(window.seconds()) * 1000, sample));
    windows.chain(found.period.map(|sample| (30 * DAY, sample)))
}

/// 27 days at one scrape each five minutes, four at one a minute, two hours at one each 15 s: resets, a pod that is replaced,
/// gaps, and errors that come and go.
fn month() -> World {
    let pace = |ago: i64| match ago {
        _ if ago > 4 * DAY => 5 * MINUTE,
        _ if ago > 2 * HOUR => MINUTE,
        _ => 15_000,
    };
    let mut world = World::default();
    let mut counters: BTreeMap<(u32, u32), f64> = BTreeMap::new();
    let mut at = NOW - 31 * DAY;
    while at <= NOW {
        let ago = NOW - at;
        let first = u32::try_from(ago / (9 * DAY)).unwrap();
        let is_gap = ago % (7 * HOUR) < 25 * MINUTE && ago > 3 * HOUR;
        for pod in [first, 100] {
            if ago % (11 * HOUR) < 15_000 {
                counters.retain(|(known, _), _| *known != pod);
            }
            let step = f64::from(i32::try_from(pace(ago) / 15_000).unwrap());
            let burst = if ago % (5 * HOUR) < HOUR { 0.2 } else { 0.01 };
            for (code, share) in [(200, 1.0 - burst), (500, burst)] {
                let counter = counters.entry((pod, code)).or_insert(0.0);
                *counter +=
                    step * share * (100.0 + f64::from(u32::try_from(ago / HOUR % 24).unwrap()));
                if !is_gap {
                    world
                        .samples
                        .entry((pod, code))
                        .or_default()
                        .push((at, *counter));
                }
            }
        }
        at += pace(ago);
    }
    world
}

#[test]
fn every_window_says_what_all_samples_would_say() {
    let world = month();
    let (_dir, history) = world.write();
    let plan = plan(&[
        bad(),
        events(Part::Good("x_total{code!=\"500\"}".to_owned())),
    ]);
    for at in [NOW, NOW - 40 * MINUTE, NOW - 30 * HOUR] {
        for found in ask(&history, &plan, at) {
            for (length, sample) in windows(&found) {
                let start = at - length;
                let total = world.increase(|_| true, start, at);
                let failed = world.increase(|code| code == 500, start, at);
                let truth = Reading::from_events(failed, total).ratio();
                let (found, truth) = (sample.reading.ratio().unwrap(), truth.unwrap());
                // Long ago some windows begin at a full hour, and short ones at a full minute.
                let is_past = at < NOW - 6 * HOUR;
                let slack = if is_past { 0.02 } else { 0.01 };
                let error = (found / truth - 1.0).abs();
                assert!(error < slack, "{length}: {found} for {truth}");
                let (counted, total) = (sample.events.unwrap().total, total.unwrap());
                let slack = if is_past { 0.03 } else { 0.01 };
                let error = (counted / total - 1.0).abs();
                assert!(error < slack, "{length}: {counted} for {total}");
            }
            assert!(found.shortfall().is_none());
            assert!(found.history.iter().count() > 50, "{:?}", found.history);
        }
    }
}

#[test]
fn windows_of_the_last_hours_are_exact() {
    let world = month();
    let (_dir, history) = world.write();
    for (length, sample) in windows(&ask(&history, &plan(&[bad()]), NOW)[0]) {
        if length <= 6 * HOUR {
            let truth = world.increase(|_| true, NOW - length, NOW).unwrap();
            let found = sample.events.unwrap().total;
            assert!(
                (found / truth - 1.0).abs() < 1e-9,
                "{length}: {found} for {truth}"
            );
        }
    }
}

#[test]
fn moments_that_are_too_long_ago_to_be_known_are_unknown() {
    let (_dir, history) = month().write();
    let plan = plan(&[bad()]);
    // Only hours are left of then.
    let found = &ask(&history, &plan, NOW - 10 * DAY)[0];
    let readings: Vec<_> = windows(found)
        .map(|(_, sample)| sample.reading.ratio().is_some())
        .collect();
    assert_eq!(
        readings,
        [false, false, false, false, true, true, true, true]
    );
    // Before anything was scraped nothing is.
    let found = &ask(&history, &plan, NOW - 34 * DAY)[0];
    assert!(
        found
            .windows
            .values()
            .all(|sample| sample.reading == Reading::Unknown)
    );
    assert_eq!(found.period.unwrap().reading, Reading::Unknown);
    assert_eq!(found.since, None);
}

#[test]
fn what_nobody_scraped_lately_is_unknown_and_not_well() {
    let mut world = World::default();
    for step in 0..40 {
        let at = NOW - 10 * MINUTE + step * 15_000;
        world
            .samples
            .entry((0, 200))
            .or_default()
            .push((at, f64::from(i32::try_from(step).unwrap())));
    }
    let (_dir, history) = world.write();
    let plan = plan(&[bad()]);
    let last = NOW - 15_000;
    let state = |at| ask(&history, &plan, at)[0].reading(Window::minutes(5));
    assert_eq!(state(last + 59_000), Reading::Ratio(0.0));
    assert_eq!(state(last + 61_000), Reading::Unknown);
    let found = &ask(&history, &plan, NOW)[0];
    assert!(found.shortfall().is_some());
    assert_eq!(found.since.unwrap().as_millisecond(), NOW - 10 * MINUTE);
}

#[test]
fn a_target_that_is_down_makes_those_slos_partial_that_it_may_belong_to() {
    let mut world = World::default();
    for step in 0..8 {
        let at = NOW - step * 15_000;
        world.failures.push((1, at));
        world
            .samples
            .entry((0, 200))
            .or_default()
            .insert(0, (at, 5.0));
    }
    let (_dir, history) = world.write();
    let other = events(Part::Bad(
        "x_total{instance=\"pod-0:80\",code=\"500\"}".to_owned(),
    ));
    let Sli::Events { part, .. } = other else {
        unreachable!()
    };
    let own = Sli::Events {
        part,
        total: "x_total{instance=\"pod-0:80\"}".to_owned(),
    };
    let gauge = Sli::Gauge("up".to_owned());
    let found = ask(&history, &plan(&[bad(), own, gauge]), NOW);
    assert_eq!(
        found.iter().map(|slo| slo.partial).collect::<Vec<_>>(),
        [true, false, true]
    );
    // `up` is a series like any other: half of the targets are.
    assert_eq!(found[2].reading(Window::minutes(5)), Reading::Ratio(0.5));
    let reading = found[0].reading(Window::minutes(5));
    assert_eq!(reading, Reading::NoTraffic);
}

#[test]
fn a_mix_weighs_its_parts_and_one_sample_is_no_event() {
    let mut world = World::default();
    for (code, step) in [(200, 9.0), (500, 1.0)] {
        let samples = (0..10).map(|n| {
            (
                NOW - (9 - n) * 10_000,
                step * f64::from(i32::try_from(n).unwrap()),
            )
        });
        world.samples.insert((0, code), samples.collect());
    }
    world.samples.insert((1, 500), vec![(NOW, 1e6)]);
    let (_dir, history) = world.write();
    let mix = Sli::Weighted(vec![(3.0, bad()), (1.0, Sli::Gauge("up".to_owned()))]);
    let found = ask(&history, &plan(&[mix]), NOW);
    let ratio = found[0].reading(Window::minutes(5)).ratio().unwrap();
    assert!((ratio - 0.075).abs() < 1e-9, "{ratio}");
}

#[test]
fn what_a_series_had_counted_beside_others_of_its_target_is_a_lower_bound() {
    let mut world = World::default();
    let every = |ago: i64, first: f64, step: f64| -> Vec<(i64, f64)> {
        let samples = (0..=ago / 10).rev();
        let value = move |n: i64| first + step * f64::from(i32::try_from(ago / 10 - n).unwrap());
        samples.map(move |n| (NOW - n * 10_000, value(n))).collect()
    };
    world.samples.insert((0, 200), every(600, 0.0, 50.0));
    // Created by the first errors, half a minute ago.
    world.samples.insert((0, 500), every(30, 300.0, 1.0));
    // A pod that is scraped since half a minute has counted for longer.
    world.samples.insert((1, 200), every(30, 1e6, 50.0));
    world.samples.insert((1, 500), every(30, 1e5, 0.0));
    let (_dir, history) = world.write();
    let good = events(Part::Good("x_total{code!=\"500\"}".to_owned()));
    for found in ask(&history, &plan(&[bad(), good]), NOW) {
        assert_eq!(found.lower_bounds.len(), found.windows.len() + 1);
        for (length, sample) in windows(&found) {
            let increase = |code| {
                world
                    .increase(|one| one == code, NOW - length, NOW)
                    .unwrap()
            };
            let counted = sample.events.unwrap();
            let (failed, all) = (increase(500) + 300.0, increase(500) + increase(200) + 300.0);
            assert!((counted.bad - failed).abs() < 1e-6, "{length}: {counted:?}");
            assert!((counted.total - all).abs() < 1e-6, "{length}: {counted:?}");
        }
        assert!(
            found
                .reasons
                .iter()
                .any(|one| one.code == ReasonCode::LowerBound)
        );
    }
}

#[test]
fn a_bucket_that_is_misspelt_is_unknown_and_named() {
    let mut world = World::default();
    world
        .samples
        .insert((0, 200), vec![(NOW - 30_000, 1.0), (NOW, 5.0)]);
    let (_dir, history) = world.write();
    let good = events(Part::Good("x_bucket{le=\"0.25\"}".to_owned()));
    let found = ask(&history, &plan(&[good]), NOW);
    assert_eq!(found[0].reading(Window::minutes(5)), Reading::Unknown);
    let mut reasons = found[0].reasons.iter();
    assert!(reasons.any(|one| one.code == ReasonCode::MissingValue));
}

#[test]
fn a_metric_that_no_target_exposes_is_assumed_to_be_0_and_said() {
    let mut world = World::default();
    world
        .samples
        .insert((0, 200), vec![(NOW - 30_000, 1.0), (NOW, 5.0)]);
    let (_dir, history) = world.write();
    let bad = events(Part::Bad("failures_total".to_owned()));
    let found = ask(&history, &plan(&[bad]), NOW);
    assert_eq!(found[0].reading(Window::minutes(5)), Reading::Ratio(0.0));
    let mut reasons = found[0].reasons.iter();
    assert!(reasons.any(|one| one.code == ReasonCode::AssumedZero));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever was scraped and when: what single samples are known of is exact.
    #[test]
    fn any_young_history_is_read_as_all_its_samples(
        steps in prop::collection::vec((1_i64..400_000, 0_u32..50, any::<bool>()), 2..60),
        ahead in 0_i64..50_000,
    ) {
        let mut world = World::default();
        let span: i64 = steps.iter().map(|(step, ..)| step).sum();
        let mut at = NOW - ahead - span;
        let mut value = 0.0;
        for (step, grown, reset) in steps {
            at += step;
            value = if reset && grown < 5 { 0.0 } else { value + f64::from(grown) };
            world.samples.entry((0, 200)).or_default().push((at, value));
        }
        let (_dir, history) = world.write();
        for (length, sample) in windows(&ask(&history, &plan(&[bad()]), NOW)[0]) {
            let truth = world.increase(|_| true, NOW - length, NOW);
            // The pod was asked when it had a sample: once is too little for any number.
            let wanted = match truth {
                Some(_) => Reading::from_events(None, truth),
                None => Reading::Unknown,
            };
            prop_assert_eq!(sample.reading, wanted);
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs().max(1.0);
            let same = match (sample.events, truth) {
                (Some(events), Some(truth)) => near(events.total, truth),
                (found, truth) => found.is_none() && truth.is_none(),
            };
            prop_assert!(same, "{:?} for {:?}", sample.events, truth);
        }
    }
}
