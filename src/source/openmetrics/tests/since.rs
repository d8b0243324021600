//! How old the data behind an SLO is said to be.

use super::*;

/// A counter of a pod with a sample an hour over so many days up to [`NOW`]; codes of four digits
/// are a metric of their own.
fn counting(world: &mut World, pod: u32, code: u32, days: i64) {
    let hours = days * 24;
    let at = |hour: i64| NOW - (hours - hour) * HOUR;
    let counter = |hour: i64| 100.0 + f64::from(i32::try_from(hour).unwrap());
    let samples = (0..=hours).map(|hour| (at(hour), counter(hour)));
    world.samples.insert((pod, code), samples.collect());
}

/// The age of the data in days, and whether its ratio is an estimate for that.
fn age(world: &World, sli: Sli) -> (i64, bool) {
    let (_dir, history) = world.write();
    let found = ask(&history, &plan(&[sli]), NOW).remove(0);
    let since = found.since.unwrap().as_millisecond();
    let nearest = (NOW - since + DAY / 2) / DAY;
    (nearest, found.shortfall().is_some())
}

fn beside(bad: &str) -> Sli {
    events(Part::Bad(bad.to_owned()))
}

/// Thirty days of all events of a pod, nine of another and of its failures, nine of another metric.
fn ages() -> World {
    let mut world = World::default();
    counting(&mut world, 0, 200, 31);
    counting(&mut world, 1, 200, 9);
    counting(&mut world, 1, 500, 9);
    counting(&mut world, 1, 1000, 9);
    world
}

#[test]
fn the_youngest_of_what_is_counted_decides() {
    let young = "y_total{code=\"1000\"}";
    assert_eq!(age(&ages(), beside(young)), (9, true));
    let mix = |young: Sli| Sli::Weighted(vec![(1.0, bad()), (1.0, young)]);
    assert_eq!(age(&ages(), mix(Sli::Gauge(young.to_owned()))), (9, true));
    let nested = mix(mix(beside(young)));
    assert_eq!(age(&ages(), nested), (9, true));
}

#[test]
fn a_pod_that_is_born_and_a_first_failure_are_no_lack_of_data() {
    let first = "x_total{code=\"500\"}";
    for bad in [first, "x_total{code=\"404\"}", "y_total{code=\"1001\"}"] {
        assert_eq!(age(&ages(), beside(bad)), (30, false), "{bad}");
    }
    let good = events(Part::Good("x_total{code!=\"500\"}".to_owned()));
    assert_eq!(age(&ages(), good), (30, false));
}
