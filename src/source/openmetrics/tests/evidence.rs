//! What is told of the samples behind an SLO.

use super::*;
use crate::domain::explanation::{Gap, Samples};

#[test]
fn samples_their_distance_and_their_longest_gap_are_told() {
    let mut world = World::default();
    for (code, begins) in [(200, 40), (500, 20)] {
        // One sample each 15 s, but none for four minutes that began seven minutes ago.
        let samples = (0..begins * 4).map(|step| (NOW - step * 15_000, 1000.0));
        let kept = samples.filter(|(at, _)| !(NOW - 7 * MINUTE + 1..NOW - 3 * MINUTE).contains(at));
        let mut samples: Vec<_> = kept.collect();
        samples.reverse();
        world.samples.insert((0, code), samples);
    }
    let (_dir, history) = world.write();
    let windows = [Window::days(30), Window::minutes(5), Window::hours(1)];
    let at = Timestamp::from_millisecond(NOW).unwrap();
    let plan = plan(&[bad()]);
    let found = Evaluator::default().evidence(&history, &plan, (0, at), &windows);
    let found = found.unwrap().unwrap();
    for (window, samples) in found.samples {
        let start = NOW - i64::from(window.seconds()) * 1000;
        let counts = world.samples.values().map(|samples| {
            let inside = samples.iter().filter(|(at, _)| *at >= start);
            f64::from(u32::try_from(inside.count()).unwrap())
        });
        let counts: Vec<_> = counts.collect();
        let wanted = Samples {
            count: counts.iter().sum(),
            series: 2.0,
            fullest: counts[0].max(counts[1]),
        };
        assert_eq!(samples, wanted, "{window}");
    }
    let data = found.data;
    assert_eq!(data.newest, Some(at));
    assert_eq!(data.age(), Some(SignedDuration::ZERO));
    let gap = data.gap.unwrap();
    let (from, until) = (gap.from.as_millisecond(), gap.until.as_millisecond());
    assert_eq!((NOW - from, NOW - until), (7 * MINUTE, 3 * MINUTE));
    assert!(
        data.interval
            .is_some_and(|usual| usual >= SignedDuration::from_secs(15))
    );
}

#[test]
fn a_day_without_samples_is_found_among_the_hours() {
    let mut world = World::default();
    for hour in (0..20 * 24).rev().filter(|hour| !(240..264).contains(hour)) {
        let samples = world.samples.entry((0, 200)).or_default();
        samples.push((NOW - hour * HOUR, 1.0));
    }
    let (_dir, history) = world.write();
    let at = Timestamp::from_millisecond(NOW).unwrap();
    let plan = plan(&[bad()]);
    let found = Evaluator::default().evidence(&history, &plan, (0, at), &[Window::days(30)]);
    let data = found.unwrap().unwrap().data;
    let usual = SignedDuration::from_millis(479 * HOUR / 455);
    assert_eq!(data.interval, Some(usual));
    assert_eq!(
        data.gap.map(Gap::length),
        Some(SignedDuration::from_hours(25))
    );
}
