//! Windows that are shorter than what counts as fresh, and intervals that are too long for them.

use super::*;
use crate::domain::Severity;

/// An SLO whose rule has these windows, measured every so often.
fn plan_with(long: Window, short: Window, interval: SignedDuration) -> Plan {
    let mut settings = slo(bad());
    settings.rules = [Rule {
        severity: Severity::Page,
        long,
        short,
        factor: 10.0,
    }]
    .into();
    Plan {
        fresh: LEAST_FRESH.max(interval * FRESH_INTERVALS),
        ..plan_of(&[settings])
    }
}

/// Ten minutes of a counter of all and one of errors that stops growing so long before the end.
fn burst(interval: i64, ended: i64) -> World {
    let mut world = World::default();
    let (mut fine, mut failed) = (1000.0, 1000.0);
    let mut at = NOW - 10 * MINUTE;
    while at <= NOW {
        fine += 10.0;
        failed += if at <= NOW - ended { 10.0 } else { 0.0 };
        for (code, counter) in [(200, fine), (500, failed)] {
            let samples = world.samples.entry((0, code)).or_default();
            samples.push((at, counter));
        }
        at += interval;
    }
    world
}

#[test]
fn a_short_window_is_calm_as_soon_as_the_errors_have_left_it() {
    let (_dir, history) = burst(2_000, 30_000).write();
    let (long, short) = (Window::minutes(1), Window::from_seconds(20).unwrap());
    let plan = plan_with(long, short, SignedDuration::from_secs(2));
    let found = &ask(&history, &plan, NOW)[0];
    assert_eq!(found.reading(short), Reading::Ratio(0.0));
    assert!(found.reading(long).ratio().unwrap() > 0.1);
}

#[test]
fn a_window_of_five_minutes_is_no_longer_where_the_interval_is_two() {
    let (_dir, history) = burst(2 * MINUTE, 6 * MINUTE).write();
    let short = Window::minutes(5);
    let plan = plan_with(Window::hours(1), short, SignedDuration::from_mins(2));
    let found = &ask(&history, &plan, NOW)[0];
    assert_eq!(found.reading(short), Reading::Ratio(0.0));
}

#[test]
fn a_window_in_which_nobody_was_asked_twice_is_unknown_and_not_quiet() {
    let (_dir, history) = burst(2 * MINUTE, 0).write();
    let short = Window::minutes(1);
    let plan = plan_with(Window::hours(1), short, SignedDuration::from_mins(2));
    let found = &ask(&history, &plan, NOW)[0];
    assert_eq!(found.reading(short), Reading::Unknown);
    assert!(found.reading(Window::hours(1)).ratio().is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever the windows and whatever counts as fresh, each window has its own range.
    #[test]
    fn every_window_has_its_own_range(
        (short, long) in (5_u64..300, 2_u64..12),
        interval in 1_i64..60,
        ended in 0_i64..600,
    ) {
        let world = burst(interval * 1000, ended * 1000);
        let (_dir, history) = world.write();
        let windows = [short, short * long].map(|seconds| Window::from_seconds(seconds).unwrap());
        let plan = plan_with(windows[1], windows[0], SignedDuration::from_secs(interval));
        let found = &ask(&history, &plan, NOW)[0];
        for window in windows {
            let start = NOW - i64::from(window.seconds()) * 1000;
            let failed = world.increase(|code| code == 500, start, NOW);
            let wanted = match world.increase(|_| true, start, NOW) {
                None => Reading::Unknown,
                total => Reading::from_events(failed, total),
            };
            let same = match (found.reading(window).ratio(), wanted.ratio()) {
                (Some(found), Some(wanted)) => (found - wanted).abs() < 1e-9,
                _ => found.reading(window) == wanted,
            };
            prop_assert!(same, "{}: {:?} for {:?}", window, found.reading(window), wanted);
        }
    }
}
