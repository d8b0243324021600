//! Series that expose no number: NaN, or infinite.

use super::*;

/// The length of an [`hour`] in scrapes of 15 seconds.
const SCRAPES: i64 = 240;

/// An hour up to [`NOW`] of counters of 200 and 500, which are `broken` at the scrape in the middle.
fn hour(broken: &[(u32, f64)]) -> World {
    let mut world = World::default();
    for step in 0..=SCRAPES {
        let at = NOW - (SCRAPES - step) * 15_000;
        for (code, pace) in [(200, 10.0), (500, 1.0)] {
            let counter = 100.0 + pace * f64::from(i32::try_from(step).unwrap());
            let exposed = broken.iter().find(|(wrong, _)| *wrong == code);
            let value = match exposed {
                Some((_, value)) if step == SCRAPES / 2 => *value,
                _ => counter,
            };
            world
                .samples
                .entry((0, code))
                .or_default()
                .push((at, value));
        }
    }
    world
}

/// The readings of five minutes, of six hours and of the period.
fn readings(found: &Observation) -> [Reading; 3] {
    let six = found.reading(Window::hours(6));
    [
        found.reading(Window::minutes(5)),
        six,
        found.period.unwrap().reading,
    ]
}

fn assert_unknown_where_it_is_broken(found: &Observation, context: &str) {
    let [fresh, six, period] = readings(found);
    assert!(fresh.ratio().is_some(), "{context}: {fresh:?}");
    assert_eq!(
        (six, period),
        (Reading::Unknown, Reading::Unknown),
        "{context}"
    );
    let events = found.windows.get(Window::hours(6)).unwrap().events;
    assert_eq!(events, None, "{context}");
}

#[test]
fn a_counter_that_was_no_number_leaves_its_windows_unknown() {
    let good = events(Part::Good("x_total{code=\"200\"}".to_owned()));
    let only = Sli::Events {
        part: Part::Bad("x_total{code=\"500\"}".to_owned()),
        total: "x_total{code=\"200\"}".to_owned(),
    };
    let plan = plan(&[bad(), good, only]);
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for code in [200, 500] {
            let (_dir, history) = hour(&[(code, value)]).write();
            for found in ask(&history, &plan, NOW) {
                assert_unknown_where_it_is_broken(&found, &format!("{value} of {code}"));
            }
        }
    }
    let (_dir, history) = hour(&[]).write();
    for found in ask(&history, &plan, NOW) {
        assert!(readings(&found).iter().all(|one| one.ratio().is_some()));
    }
}

#[test]
fn a_gauge_and_a_mix_that_were_no_number_are_unknown_too() {
    let gauge = Sli::Gauge("x_total{code=\"500\"}".to_owned());
    let mix = Sli::Weighted(vec![
        (1.0, gauge.clone()),
        (1.0, Sli::Gauge("up".to_owned())),
    ]);
    let (_dir, history) = hour(&[(500, f64::NAN)]).write();
    for found in ask(&history, &plan(&[gauge, mix]), NOW) {
        let [_, six, period] = readings(&found);
        assert_eq!((six, period), (Reading::Unknown, Reading::Unknown));
    }
    // Of what is not needed it does not matter.
    let up = Sli::Gauge("up".to_owned());
    let found = &ask(&history, &plan(&[up]), NOW)[0];
    assert!(
        readings(found)
            .iter()
            .all(|one| *one == Reading::Ratio(0.0))
    );
}

#[test]
fn it_stays_known_when_single_samples_are_gone_and_after_a_restart() {
    let mut world = hour(&[(500, f64::NAN)]);
    // Three days more, at one scrape in five minutes.
    for step in 1..=3 * 288 {
        for (code, from) in [(200, 3000.0), (500, 400.0)] {
            let samples = world.samples.entry((0, code)).or_default();
            let grown = from + f64::from(i32::try_from(step).unwrap());
            samples.push((NOW + step * 5 * MINUTE, grown));
        }
    }
    let (dir, history) = world.write();
    drop(history);
    let limits = Limits {
        keep: 35 * DAY,
        max_size: 1 << 30,
        wanted: 30 * DAY,
    };
    let path = dir.path().join("h.db");
    let (history, _) = History::create(&path, limits, false).unwrap();
    let found = |after: i64| ask(&history, &plan(&[bad()]), NOW + after).remove(0);
    // By the minute.
    let day = found(20 * HOUR);
    assert_eq!(day.reading(Window::days(1)), Reading::Unknown);
    assert!(day.reading(Window::hours(6)).ratio().is_some());
    // By the hour.
    let later = found(72 * HOUR);
    assert!(later.reading(Window::days(1)).ratio().is_some());
    assert_eq!(later.period.unwrap().reading, Reading::Unknown);
}

#[test]
fn what_is_no_number_is_named() {
    let (_dir, history) = hour(&[(500, f64::NAN)]).write();
    let question = Question {
        at: Timestamp::from_millisecond(NOW).unwrap(),
        live: false,
        course: false,
    };
    let told = Evaluator::default().evaluate(&history, &plan(&[bad()]), question);
    let warnings = told.unwrap().warnings.join("\n");
    assert!(
        warnings.contains("`x_total{code=\"500\"}` was NaN"),
        "{warnings}"
    );
}
