//! The past of an SLO, step by step, as servers answer for it.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::config::Part;
use crate::domain::Events;
use crate::source::prometheus::plan::{Formula, Ratio};

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_795_356_000 + minutes * 60).unwrap()
}

type Want = (Formula, Window);

fn want(part: Part, counts: bool, width: Window) -> Want {
    let total = "t".to_owned();
    let ratio = Ratio {
        part,
        total,
        counts,
    };
    (Formula::Events(ratio), width)
}

fn read(want: &Want, part: Option<f64>, total: Option<f64>, absent: Value) -> Option<Events> {
    let numbers = [(part, absent), (total, Value::Nothing)];
    let (formula, width) = want;
    let steps = Steps::new(at(0), at(5), SignedDuration::from_mins(5));
    Scale::new(formula, *width, steps).read(formula, &numbers)
}

#[test]
fn a_window_is_longer_than_its_step_by_the_distance_of_two_samples() {
    let five = SignedDuration::from_mins(5);
    for (interval, wanted) in [
        (None, "5m"),
        (Some(15), "5m14s"),
        (Some(60), "5m59s"),
        (Some(300), "9m59s"),
        (Some(600), "19m59s"),
        (Some(3_600), "1h59m59s"),
    ] {
        let interval = interval.map(SignedDuration::from_secs);
        assert_eq!(width(five, interval).unwrap().to_string(), wanted);
    }
}

#[test]
fn a_step_without_a_sample_is_not_known() {
    let bad = want(Part::Bad("b".to_owned()), true, Window::minutes(6));
    assert_eq!(read(&bad, Some(1.0), None, Value::Zero), None);
    assert_eq!(read(&bad, None, None, Value::Zero), None);
    assert_eq!(read(&bad, None, Some(60.0), Value::Missing), None);
    assert_eq!(read(&bad, Some(f64::NAN), Some(60.0), Value::Zero), None);
    assert_eq!(read(&bad, Some(1.0), Some(f64::NAN), Value::Zero), None);
    let none = Some(Events {
        bad: 0.0,
        total: 0.0,
    });
    assert_eq!(read(&bad, None, Some(0.0), Value::Missing), none);
}

#[test]
fn the_distance_of_samples_is_a_usual_one_where_it_is_near() {
    // Both ends of a window may hold a sample.
    for (length, count, wanted) in [
        (900.0, 60.0, 15),
        (900.0, 61.0, 15),
        (900.0, 16.0, 60),
        (900.0, 15.0, 60),
        (10_800.0, 37.0, 300),
        (900.0, 20.0, 45),
    ] {
        assert_eq!(samples::interval(length / count).as_secs(), wanted);
    }
}

proptest! {
    #[test]
    fn events_of_a_step_are_its_share_of_the_window(
        total in 1.0..1e6_f64,
        ratio in 0.0..=1.0_f64,
        seconds in 300_u64..3_600,
        counts: bool,
        is_bad: bool,
    ) {
        let width = Window::from_seconds(seconds).unwrap();
        let part = if is_bad { Part::Bad("b".to_owned()) } else { Part::Good("g".to_owned()) };
        let want = want(part, counts, width);
        let part = if is_bad { ratio * total } else { (1.0 - ratio) * total };
        let events = read(&want, Some(part), Some(total), Value::Missing).unwrap();
        // Counts are of the whole window, rates of each second.
        let share = if counts { 300.0 / f64::from(width.seconds()) } else { 300.0 };
        prop_assert!((events.total / (total * share) - 1.0).abs() < 1e-9);
        prop_assert!((events.bad - ratio * total * share).abs() < 1e-6 * total * share);
    }
}
