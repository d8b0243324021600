//! The definitions of the workbook, held to hand-made and random readings.

use proptest::prelude::*;

use super::*;
use crate::domain::Severity;

fn slo(objective: f64) -> Slo {
    Slo::new(
        "checkout",
        "availability",
        SourceName::new("prod"),
        objective,
        Period::Rolling(Window::days(30)),
        Origin::Config,
    )
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
        windows,
        period: Some(sample(readings[7])),
        ..Observation::unknown(slo, at)
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
    assert_eq!(factors("28d"), [13.44, 5.6, 2.8, 14.0 / 15.0]);
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
    // The part that did not answer may be the one with the events.
    let mut partial = observed([Reading::NoSeries; 8]);
    partial.partial = true;
    assert_eq!(partial.assess().state, State::Unknown);
}

/// The hour and the last five minutes burn at 100x, by so many bad events in the hour.
fn sparse(bad: f64, min_bad_events: f64) -> Observation {
    let mut readings = [0.0; 8];
    (readings[0], readings[2]) = (0.1, 0.1);
    let mut sparse = ratios(readings);
    Arc::make_mut(&mut sparse.slo).min_bad_events = min_bad_events;
    let mut hour = sparse.windows.get(Window::hours(1)).unwrap();
    hour.events = Some(Events {
        bad,
        total: bad * 10.0,
    });
    assert!(sparse.windows.set(Window::hours(1), hour));
    sparse
}

#[test]
fn nobody_is_woken_by_fewer_bad_events_than_a_page_takes() {
    let held = sparse(2.0, MIN_BAD_EVENTS).assess();
    assert_eq!(held.rules[0].held_back, Some(2.0));
    assert_eq!(held.rules[0].firing, Some(false));
    assert_eq!((held.state, held.phase), (State::Ok, Some(Phase::Rising)));
    // Extrapolated counts are no whole numbers: 2.6 is three events, 2.4 is two.
    assert_eq!(sparse(2.6, 3.0).assess().state, State::Page);
    assert_eq!(sparse(2.4, 3.0).assess().rules[0].held_back, Some(2.0));
    assert_eq!(sparse(3.0, 3.0).assess().rules[0].held_back, None);
    // No floor, or no counts to hold against it: the burn rates decide.
    assert_eq!(sparse(0.9, 0.0).assess().state, State::Page);
    let mut recorded = sparse(1.0, 3.0);
    recorded.windows.change(|_, sample| sample.events = None);
    assert_eq!(recorded.assess().state, State::Page);
}

#[test]
fn a_ticket_has_no_floor_of_bad_events() {
    let mut slow = [0.0; 8];
    (slow[3], slow[5]) = (0.004, 0.004); // 2h and 1d at 4x
    let mut slow = ratios(slow);
    Arc::make_mut(&mut slow.slo).min_bad_events = 3.0;
    let mut day = slow.windows.get(Window::days(1)).unwrap();
    day.events = Some(Events {
        bad: 1.0,
        total: 250.0,
    });
    assert!(slow.windows.set(Window::days(1), day));
    assert_eq!(slow.assess().state, State::Ticket);
}

#[test]
fn a_period_that_data_does_not_cover_falls_short_by_what_is_missing() {
    let mut seen = ratios([0.0; 8]);
    seen.at = "2026-11-22T14:00:00Z".parse().unwrap();
    let day = |days: i64| SignedDuration::from_hours(24 * days);
    assert_eq!((seen.coverage(day(30)), seen.shortfall()), (None, None));
    seen.since = Some(seen.at - day(9));
    let short = Coverage {
        data: day(9),
        wanted: day(30),
    };
    assert_eq!(seen.shortfall(), Some(short));
    assert!(!seen.coverage(day(1)).unwrap().is_short());
    // A hundredth is what scrapes and retention blur anyway.
    seen.since = Some(seen.at - day(30) + day(30) / 100);
    assert_eq!(seen.shortfall(), None);
    // Of a calendar period, only what has passed has to be there.
    seen.since = Some(seen.at - day(9));
    seen.period_elapsed = day(9);
    assert_eq!(seen.shortfall(), None);
    // A clock that stepped back makes nothing negative.
    seen.since = Some(seen.at + day(1));
    assert_eq!(seen.shortfall().unwrap().data, SignedDuration::ZERO);
}

#[test]
fn the_rate_to_hold_belongs_to_periods_that_end() {
    let mut seen = ratios([0.001; 8]);
    assert_eq!(seen.assess().hold_burn_rate, None);
    Arc::make_mut(&mut seen.slo).period = Period::Month;
    seen.period_elapsed = SignedDuration::from_hours(180);
    // A quarter passed at 1x leaves 1x for the rest.
    let hold = seen.assess().hold_burn_rate.unwrap();
    assert!((hold - 1.0).abs() < 1e-12);
    seen.period = None;
    assert_eq!(seen.assess().hold_burn_rate, None);
}

#[test]
fn the_rate_to_hold_is_said_so_that_who_holds_it_ends_within_budget() {
    let words = |burn: f64, hours: i64| {
        let mut seen = ratios([0.001; 8]);
        Arc::make_mut(&mut seen.slo).period = Period::Month;
        seen.period_elapsed = SignedDuration::from_hours(hours);
        seen.period = seen.period.map(|sample| Sample {
            reading: Reading::Ratio(burn * 0.001),
            ..sample
        });
        seen.assess().hold_words(&seen.slo).unwrap()
    };
    assert_eq!(
        words(1.15, 360),
        "hold <= 0.85x to end the month within budget"
    );
    assert_eq!(
        words(0.43, 360),
        "hold <= 1.5x to end the month within budget"
    );
    assert_eq!(words(2.0, 360), "hold <= 0x to end the month within budget");
    assert_eq!(
        words(3.0, 360),
        "over budget: even 0x will not end the month within it"
    );
    assert_eq!(
        words(0.5, 719),
        "hold <= 360.5x to end the month within budget"
    );
    // Nothing but errors burns at 1000x, and that is the most there is.
    let mut short = ratios([0.0; 8]);
    Arc::make_mut(&mut short.slo).period = Period::Month;
    short.period_elapsed = SignedDuration::from_mins(719 * 60 + 30);
    assert_eq!(
        short.assess().hold_words(&short.slo).unwrap(),
        "whatever happens, the month ends within budget"
    );
}

#[test]
fn a_mean_leaves_out_what_had_no_traffic_and_never_what_is_not_known() {
    use Reading::{NoSeries, NoTraffic, Ratio, Unknown};
    let mean = |parts: &[(f64, Reading)]| Reading::mean(parts.iter().copied());
    assert_eq!(
        mean(&[(3.0, Ratio(0.25)), (1.0, Ratio(0.75))]),
        Ratio(0.375)
    );
    assert_eq!(mean(&[(3.0, Ratio(0.25)), (1.0, NoTraffic)]), Ratio(0.25));
    assert_eq!(mean(&[(3.0, Ratio(0.25)), (1.0, NoSeries)]), NoSeries);
    assert_eq!(mean(&[(1.0, NoSeries), (1.0, Unknown)]), Unknown);
    assert_eq!(mean(&[(1.0, Unknown), (1.0, NoSeries)]), Unknown);
    assert_eq!(mean(&[(1.0, NoTraffic)]), NoTraffic);
    assert_eq!(mean(&[]), NoTraffic);
    assert_eq!(mean(&[(f64::MAX, Ratio(f64::MAX))]), Unknown);
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
    assert_eq!(
        Reading::from_events(Some(5.0), Some(-10.0)),
        Reading::Unknown
    );
    // Nothing happened is a sum of 0; NaN is a counter that is broken.
    assert_eq!(Reading::from_events(None, Some(f64::NAN)), Reading::Unknown);
    assert_eq!(Reading::from_ratio(f64::INFINITY), Reading::Unknown);
    assert_eq!(Reading::from_ratio(-1e-12), Reading::Ratio(0.0));
}

#[test]
fn what_cannot_be_an_error_ratio_is_unknown_and_not_zero() {
    // A percentage of good events, taken for a ratio of them.
    assert_eq!(Reading::from_ratio(1.0 - 99.5), Reading::Unknown);
    assert_eq!(Reading::from_ratio(-0.5), Reading::Unknown);
    assert_eq!(Reading::from_ratio(-0.01), Reading::Ratio(0.0));
    // Three times as many good events as all of them.
    let (all, excess) = (Some(500.0), Some(-1_000.0));
    assert_eq!(Reading::from_events(excess, all), Reading::Unknown);
    assert_eq!(Reading::from_rates(excess, all), Reading::Unknown);
    // Few events, of which the scrape of one counter has seen some more than that of the other.
    let (all, excess) = (Some(2.1), Some(-1.1));
    assert_eq!(Reading::from_events(excess, all), Reading::Ratio(0.0));
    assert_eq!(Reading::from_rates(excess, all), Reading::Unknown);
}

#[test]
fn more_bad_events_than_all_are_unknown_and_not_a_burn() {
    // A percentage of bad events, and two selectors the wrong way round.
    assert_eq!(Reading::from_ratio(50.0), Reading::Unknown);
    assert_eq!(Reading::from_ratio(1.05), Reading::Ratio(1.0));
    let (bad, all) = (Some(36_000.0), Some(180.0));
    assert_eq!(Reading::from_events(bad, all), Reading::Unknown);
    assert_eq!(Reading::from_rates(bad, all), Reading::Unknown);
    assert_eq!(Reading::from_events(bad, Some(0.0)), Reading::Unknown);
    assert_eq!(Reading::from_rates(bad, Some(0.0)), Reading::Unknown);
    // Few events, counted a moment apart.
    let (bad, all) = (Some(3.9), Some(2.0));
    assert_eq!(Reading::from_events(bad, all), Reading::Ratio(1.0));
    assert_eq!(
        Events::of(Reading::Ratio(1.0), 3.9, 2.0),
        Some(Events {
            bad: 2.0,
            total: 2.0
        })
    );
    assert_eq!(
        Reading::from_events(Some(1.0), Some(0.0)),
        Reading::NoTraffic
    );
    assert_eq!(
        Reading::from_events(Some(f64::NAN), Some(0.0)),
        Reading::NoTraffic
    );
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

#[test]
fn slos_of_one_name_in_one_source_get_ids_of_their_own() {
    let of = |origin| {
        Arc::new(Slo {
            origin,
            ..slo(0.99)
        })
    };
    let mut slos = [Origin::Config, Origin::Sloth, Origin::Pyrra, Origin::Sloth].map(of);
    tell_apart(&mut slos);
    let ids = slos.map(|slo| slo.id().raw().to_owned());
    assert_eq!(
        ids,
        [
            "checkout/availability",
            "checkout/availability (Sloth)",
            "checkout/availability (Pyrra)",
            "checkout/availability (Sloth 2)"
        ]
    );
}
