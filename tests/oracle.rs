//! The arithmetic against an independent oracle that knows no rounding.
//!
//! The oracle is written from the definitions of the Google SRE workbook, chapter 5, in exact
//! rational numbers, and shares no code with the program. Counts are small and objectives decimal,
//! so that values exactly at a threshold come up all the time. `PROPTEST_CASES=1000000 cargo test
//! --release --test oracle` runs a million random observations.
#![expect(clippy::expect_used, reason = "a test may panic")]

mod oracle {
    pub(crate) mod calendar;
    pub(crate) mod definitions;
    pub(crate) mod worlds;
}

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use num_rational::BigRational;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use watchfire::domain::slo::FirstValues;
use watchfire::domain::{Events, Period, Reading, Rule, Severity, Window};

use oracle::definitions::{Judgement, Measured, Truth, judge, ratio, workbook};
use oracle::worlds::{World, world};

/// How many random cases a property is held to: `PROPTEST_CASES` when it is set.
fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    let cases = asked.and_then(|text| text.parse().ok()).unwrap_or(usual);
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Equal within a relative error of 1e-9; what is exactly nothing has to be nothing.
fn near(got: f64, want: &BigRational, what: &str) -> TestCaseResult {
    let exact = BigRational::from_float(got);
    let exact = exact.ok_or_else(|| TestCaseError::fail(format!("{what} is {got}")))?;
    let (off, size) = (ratio::size(&(&exact - want)), ratio::size(want));
    prop_assert!(
        off <= size * ratio::of(1, 1_000_000_000),
        "{what}: {got} for {want}"
    );
    Ok(())
}

fn near_or_none(got: Option<f64>, want: Option<&BigRational>, what: &str) -> TestCaseResult {
    prop_assert_eq!(got.is_some(), want.is_some(), "{}: {:?}", what, want);
    match (got, want) {
        (Some(got), Some(want)) => near(got, want, what),
        _ => Ok(()),
    }
}

/// Everything the program says of a world against everything the oracle says of it.
fn holds(world: &World) -> TestCaseResult {
    let observation = world.observation();
    let got = observation.assess();
    let Judgement {
        rules,
        state,
        phase,
        burn_rates,
        period_burn,
        budget_remaining,
        exhausts_in_s,
        hold_burn_rate,
    } = judge(&world.truth());
    prop_assert_eq!(got.state.word(), state);
    prop_assert_eq!(got.phase.map(watchfire::domain::Phase::word), phase);
    prop_assert_eq!(got.rules.len(), rules.len());
    for (got, want) in got.rules.iter().zip(&rules) {
        prop_assert_eq!(got.firing, want.firing, "{:?}", got.rule);
        near_or_none(got.held_back, want.held_back.as_ref(), "bad events")?;
        near_or_none(got.long, want.long.as_ref(), "long burn")?;
        near_or_none(got.short, want.short.as_ref(), "short burn")?;
    }
    prop_assert_eq!(got.burn_rates.len(), burn_rates.len());
    for (window, want) in &burn_rates {
        let window = Window::from_seconds(*window).expect("a window");
        near_or_none(got.burn_rates[&window], want.as_ref(), "burn rate")?;
    }
    near_or_none(got.period_burn, period_burn.as_ref(), "period burn")?;
    near_or_none(got.budget_remaining, budget_remaining.as_ref(), "budget")?;
    let is_negative = |left: &BigRational| *left < ratio::of(0, 1);
    prop_assert_eq!(got.exhausted(), budget_remaining.as_ref().map(is_negative));
    near_or_none(got.hold_burn_rate, hold_burn_rate.as_ref(), "hold")?;
    prop_assert_eq!(got.exhausts_in.is_some(), exhausts_in_s.is_some());
    if let (Some(got), Some(want)) = (got.exhausts_in, &exhausts_in_s) {
        // A duration is a whole number of nanoseconds.
        let nanos = ratio::of(got.as_nanos(), 1_000_000_000);
        let off = ratio::size(&(&nanos - want));
        let allowed = want * ratio::of(1, 1_000_000_000) + ratio::of(1, 1_000_000_000);
        prop_assert!(off <= allowed, "gone in {:?} for {}", got, want);
    }
    let standing = observation.standing();
    prop_assert_eq!(standing.state, got.state);
    prop_assert_eq!(standing.phase, got.phase);
    prop_assert_eq!(standing.budget_remaining, got.budget_remaining);
    Ok(())
}

proptest! {
    #![proptest_config(cases(4_000))]

    #[test]
    fn every_number_and_every_verdict_is_that_of_the_exact_definitions(world in world()) {
        holds(&world)?;
    }

    #[test]
    fn factors_keep_their_share_of_the_budget_for_every_period(seconds in 60_u64..40_000_000) {
        let period = Window::from_seconds(seconds).expect("a window");
        let rules = Rule::workbook(Period::Rolling(period));
        let want = workbook(seconds);
        prop_assert_eq!(rules.len(), want.len());
        for (got, want) in rules.iter().zip(&want) {
            let severity = if want.pages { Severity::Page } else { Severity::Ticket };
            prop_assert_eq!(got.severity, severity);
            prop_assert_eq!(u64::from(got.long.seconds()), want.long);
            prop_assert_eq!(u64::from(got.short.seconds()), want.short);
            near(got.factor, &want.factor, "factor")?;
        }
    }

    #[test]
    fn a_ratio_is_bad_over_all_and_four_things_are_told_apart(
        bad in prop::option::of(0_u32..2_000),
        total in prop::option::of(0_u32..2_000),
    ) {
        let got = Reading::from_events(bad.map(f64::from), total.map(f64::from));
        let bad = bad.unwrap_or(0);
        let want = match total {
            None => Measured::NoSeries,
            // Two events, and a tenth of all, may be the moment between two scrapes.
            Some(total) if bad > total + 2 && bad * 10 > total * 11 => Measured::Unknown,
            Some(0) => Measured::NoTraffic,
            Some(total) => Measured::Ratio(ratio::of(bad.min(total), total)),
        };
        same(got, &want)?;
    }

    /// A counter that the first error creates: its first sample is no increase, and is counted all
    /// the same where the target was scraped before. Scrapes may come late, and the first of them too.
    #[test]
    fn what_was_counted_before_the_first_scrape_is_added_to_both_counts(
        minutes in prop::collection::vec((0_u32..40, 0_u32..40, any::<bool>()), 2..60),
        is_own_metric in any::<bool>(),
    ) {
        let (mut bad, mut total, mut first) = (0, 0, None);
        for (good, failed, is_scraped) in &minutes {
            bad += failed;
            total += good + failed;
            if *is_scraped && bad > 0 {
                first.get_or_insert(bad);
            }
        }
        // What is scraped at last has all of it; a series that was not created yet has none.
        let first = first.unwrap_or(bad);
        let increase = Events {
            bad: f64::from(bad - first),
            total: f64::from(if is_own_metric { total } else { total - first }),
        };
        let values = FirstValues {
            bad: f64::from(first),
            total: if is_own_metric { 0.0 } else { f64::from(first) },
        };
        let raised = values.raise(increase);
        prop_assert_eq!(raised.is_some(), first > 0);
        if let Some((reading, events)) = raised {
            same(reading, &Measured::Ratio(ratio::of(bad, total)))?;
            near(events.bad, &ratio::of(bad, 1), "bad events")?;
            near(events.total, &ratio::of(total, 1), "all events")?;
            // Never fewer than without, and never more than all.
            prop_assert!(events.bad >= increase.bad && events.bad <= events.total);
        }
    }

    #[test]
    fn a_mean_weighs_what_had_traffic_and_is_unknown_when_a_part_is(
        parts in prop::collection::vec((1_u32..100, oracle::worlds::measured()), 0..6),
    ) {
        let got = Reading::mean(
            parts.iter().map(|(weight, part)| (f64::from(*weight), part.reading())),
        );
        let truths = parts.iter().map(|(weight, part)| (*weight, part.truth()));
        same(got, &Measured::mean(truths))?;
    }
}

fn same(got: Reading, want: &Measured) -> TestCaseResult {
    match (got, want) {
        (Reading::Ratio(got), Measured::Ratio(want)) => near(got, want, "ratio"),
        (Reading::NoTraffic, Measured::NoTraffic)
        | (Reading::NoSeries, Measured::NoSeries)
        | (Reading::Unknown, Measured::Unknown) => Ok(()),
        _ => Err(TestCaseError::fail(format!("{got:?} for {want:?}"))),
    }
}

/// Zones with half hours, clocks that change at midnight, days left out, and none of it.
const ZONES: [&str; 12] = [
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/St_Johns",
    "America/Asuncion",
    "America/Havana",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Apia",
];

fn calendar_holds(period: Period, zone: &str, second: i64) -> TestCaseResult {
    let zone = TimeZone::get(zone).expect("a zone");
    let now = Timestamp::from_second(second).expect("a moment");
    let want = oracle::calendar::reckon(&period.to_string(), &zone, second);
    prop_assert_eq!(period.start(now, &zone).as_second(), want.start);
    prop_assert_eq!(period.length(now, &zone).as_secs(), want.end - want.start);
    prop_assert_eq!(
        i64::from(period.elapsed(now, &zone).seconds()),
        (second - want.start).max(1)
    );
    Ok(())
}

const CALENDAR: [Period; 4] = [Period::Week, Period::Month, Period::Quarter, Period::Year];

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn calendar_periods_begin_and_end_where_an_independent_reckoning_has_them(
        period in prop::sample::select(&CALENDAR[..]),
        zone in prop::sample::select(&ZONES[..]),
        second in 946_684_800_i64..2_208_988_800,
    ) {
        calendar_holds(period, zone, second)?;
    }
}

#[test]
fn days_of_23_and_25_hours_leap_days_and_missing_midnights_are_counted() -> TestCaseResult {
    for (zone, at) in [
        ("Europe/Berlin", "2026-03-29T12:00:00Z"),
        ("Europe/Berlin", "2026-10-25T12:00:00Z"),
        ("America/New_York", "2026-11-01T05:30:00Z"),
        ("America/New_York", "2028-02-29T12:00:00Z"),
        // The clocks skip the midnight that begins October, and that which begins a week.
        ("America/Asuncion", "2023-10-15T12:00:00Z"),
        ("America/Asuncion", "2023-09-30T23:59:59Z"),
        ("Asia/Beirut", "2024-03-31T12:00:00Z"),
        ("Africa/Cairo", "2024-04-26T12:00:00Z"),
        // One minute past midnight is set back to one minute past eleven.
        ("America/St_Johns", "2010-11-07T02:45:00Z"),
        // There was no 30 December.
        ("Pacific/Apia", "2011-12-31T12:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-05T12:00:00Z"),
    ] {
        let second = at.parse::<Timestamp>().expect("a moment").as_second();
        for period in CALENDAR {
            calendar_holds(period, zone, second)?;
        }
    }
    let berlin = TimeZone::get("Europe/Berlin").expect("a zone");
    let hours = |period: Period, at: &str| {
        let at = at.parse().expect("a moment");
        period.length(at, &berlin).as_hours()
    };
    assert_eq!(hours(Period::Week, "2026-03-29T12:00:00Z"), 7 * 24 - 1);
    assert_eq!(hours(Period::Week, "2026-10-25T12:00:00Z"), 7 * 24 + 1);
    assert_eq!(hours(Period::Month, "2028-02-10T12:00:00Z"), 29 * 24);
    assert_eq!(hours(Period::Year, "2028-02-10T12:00:00Z"), 366 * 24);
    Ok(())
}

/// Table 5-4 of the workbook: burn rates of a 99.9 % SLO over 30 days, and the time to exhaustion.
#[test]
fn the_workbooks_own_table_comes_out() {
    for (bad, total, minutes) in [
        (1, 1_000, 30 * 24 * 60),
        (2, 1_000, 15 * 24 * 60),
        (10, 1_000, 3 * 24 * 60),
        (1_000, 1_000, 43),
    ] {
        let mut world = World::calm(99_900);
        world.set(3_600, bad, total);
        let left = world.observation().assess().exhausts_in.expect("a time");
        assert_eq!(left.as_mins(), minutes, "{bad} of {total}");
        holds(&world).expect("the oracle agrees");
    }
}

#[test]
fn a_value_exactly_at_a_threshold_is_not_above_it() {
    // 144 of 10,000 and so on: at 99.9 %, exactly the factors 14.4, 6, 3 and 1.
    let mut world = World::calm(99_900);
    for (window, bad) in [(3_600, 144), (300, 144), (21_600, 60), (1_800, 60)] {
        world.set(window, bad, 10_000);
    }
    for (window, bad) in [(86_400, 30), (7_200, 30), (259_200, 10)] {
        world.set(window, bad, 10_000);
    }
    world.set_period(10, 10_000);
    let got = world.observation().assess();
    let firing: Vec<_> = got.rules.iter().map(|rule| rule.firing).collect();
    // 6 h is the short window of the last rule, and there it is above.
    assert_eq!(firing, [Some(false); 4]);
    assert_eq!(got.budget_remaining, Some(0.0));
    assert_eq!((got.exhausted(), got.exhausts_in), (Some(false), None));
    holds(&world).expect("the oracle agrees");
    world.set(3_600, 145, 10_000);
    world.set(300, 145, 10_000);
    assert_eq!(world.observation().assess().state.word(), "page");
    world.set_period(11, 10_000);
    assert_eq!(world.observation().assess().exhausted(), Some(true));
}

/// Half of a 30-day month gone at 1.6x: the other half has to be held at 0.4x.
#[test]
fn the_rate_to_hold_is_what_is_left_of_the_budget_over_what_is_left_of_the_period() {
    let mut world = World::calm(99_900);
    world.period = Period::Month;
    world.length = SignedDuration::from_hours(720);
    world.elapsed = SignedDuration::from_hours(360);
    for (bad, hold) in [(16, 0.4), (20, 0.0), (30, -1.0), (0, 2.0)] {
        world.set_period(bad, 10_000);
        let got = world.observation().assess().hold_burn_rate;
        assert!((got.expect("a rate") - hold).abs() < 1e-12, "{got:?}");
        holds(&world).expect("the oracle agrees");
    }
    // The last second of a month asks for a sane number, and its end for none.
    world.elapsed = world.length - SignedDuration::from_secs(1);
    holds(&world).expect("the oracle agrees");
    world.elapsed = world.length;
    assert_eq!(world.observation().assess().hold_burn_rate, None);
}

#[test]
fn what_the_oracle_is_told_is_what_the_program_is_told() {
    let world = World::calm(99_900);
    let Truth { objective, .. } = world.truth();
    assert_eq!(objective, ratio::of(999, 1_000));
}
