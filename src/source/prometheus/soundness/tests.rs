//! Copies, uneven targets and samples that are too far apart, without a server.

use promql_parser::parser;
use proptest::prelude::*;

use super::*;

const QUERY: &str = "sum(increase(a{s=\"1\"}[1h])) - sum(rate(b[5m] offset 1m))";

fn selector(text: &str) -> promql_parser::parser::VectorSelector {
    promql::selectors(text).into_iter().next().unwrap()
}

#[test]
fn of_copies_the_largest_increase_counts() {
    assert_eq!(
        promql::counted_once(QUERY, "replica"),
        "sum(max without (replica) (increase(a{s=\"1\"}[1h]))) - \
         sum(max without (replica) (rate(b[5m] offset 1m)))"
    );
    // Nothing is counted by what is no increase, and what is no query is left alone.
    for query in ["sum(count_over_time(a[1h]))", "no query ("] {
        assert_eq!(promql::counted_once(query, "replica"), query);
    }
}

#[test]
fn targets_without_a_bucket_are_left_out_of_all_events() {
    let changed = promql::on_targets_with("sum(increase(a_count[1h]))", "a_bucket{le=\"0.5\"}");
    assert!(
        changed.contains("count_over_time(a_bucket{le=\"0.5\"}[1h])"),
        "{changed}"
    );
    assert!(parser::parse(&changed).is_ok(), "{changed}");
    let named = promql::naming("sum(increase(a{s=\"1\"}[1h]))", "code");
    assert!(named.contains("code!=\"\""), "{named}");

    let lacks = lack::lack_of_bucket(&selector("a_count"), &selector("a_bucket{le=\"0.5\"}"));
    assert_eq!(lacks.len(), 1);
    let none = lack::lack_of_bucket(&selector("a_count"), &selector("b{code=\"200\"}"));
    assert_eq!(none, []);
}

#[test]
fn a_label_can_be_lacked_by_series_of_the_same_metric_alone() {
    let labels = |total: &str, bad: &str| {
        let lacks = lack::lack_of_label(&selector(total), &selector(bad));
        let names = lacks.into_iter().map(|(lack, questions)| {
            assert!(questions.iter().all(|one| parser::parse(one).is_ok()));
            lack
        });
        names.collect::<Vec<_>>()
    };
    let code = vec![Lack::Label("code".to_owned())];
    assert_eq!(labels("a{s=\"1\"}", "a{s=\"1\",code=~\"5..\"}"), code);
    assert_eq!(labels("a", "b{code=~\"5..\"}"), []);
    assert_eq!(labels("a", "a{code!~\"2..\"}"), []);
    assert_eq!(labels("a{code=~\".+\"}", "a{code=~\"5..\"}"), []);
}

#[test]
fn every_question_about_replicas_is_promql() {
    for question in replica_questions("a{s=\"1\"}", "replica") {
        assert!(parser::parse(&question).is_ok(), "{question}");
    }
}

#[test]
fn samples_too_far_apart_are_told_from_those_that_stopped_or_began() {
    let five = Window::minutes(5);
    let interval = |window, hour, day| {
        let counts = Counts { window, hour, day };
        counts.interval(five).map(|interval| interval.as_secs())
    };
    // Every 5 minutes, every 4, every 10, every hour.
    assert_eq!(interval(1.0, 12.0, 288.0), Some(300));
    assert_eq!(interval(2.0, 15.0, 360.0), Some(240));
    assert_eq!(interval(0.0, 6.0, 144.0), Some(600));
    assert_eq!(interval(0.0, 1.0, 24.0), Some(3_600));
    // Every 15 s and every 2 min; stopped 4 minutes ago; began half a minute ago; nothing at all.
    assert_eq!(interval(20.0, 240.0, 5_760.0), None);
    assert_eq!(interval(2.0, 30.0, 720.0), None);
    assert_eq!(interval(1.0, 224.0, 5_744.0), None);
    assert_eq!(interval(2.0, 2.0, 2.0), None);
    assert_eq!(interval(0.0, 0.0, 0.0), None);
}

proptest! {
    /// Samples at a distance, of which the newest is some seconds old, and now and then late ones.
    #[test]
    fn a_window_that_cannot_hold_two_samples_is_found_at_every_distance_and_phase(
        distance in 1_u32..3_600,
        phase in 0.0_f64..1.0,
        late in 0.0_f64..0.05,
        minutes in prop::sample::select(&[5_u32, 30, 60][..]),
    ) {
        let step = f64::from(distance);
        let samples = |seconds: f64| {
            let ages = (0_u32..).map(|number| {
                let shift = if number % 3 == 0 { late } else { 0.0 };
                (f64::from(number) + phase + shift) * step
            });
            let count = ages.take_while(|age| *age < seconds + step).filter(|age| *age < seconds);
            f64::from(u32::try_from(count.count()).unwrap())
        };
        let window = Window::minutes(minutes);
        let length = f64::from(window.seconds());
        let counts = Counts {
            window: samples(length),
            hour: samples(3_600.0),
            day: samples(86_400.0),
        };
        let found = counts.interval(window).map(|interval| interval.as_secs_f64());
        // Whole counts of an hour know the distance to a sample.
        let is_hour = counts.hour >= 3.0 && minutes < 60;
        let error = 1.5 * step / if is_hour { 3_600.0 } else { 86_400.0 };
        if step * (1.0 - error) > length / 2.0 && counts.window < 2.0 {
            let found = found.ok_or_else(|| TestCaseError::fail(format!("{counts:?}")))?;
            prop_assert!((found / step - 1.0).abs() <= error + 0.06, "{found} for {step}");
        }
        if step * (1.0 + error + 0.06) < length / 2.0 {
            prop_assert_eq!(found, None);
        }
    }
}

#[test]
fn what_can_never_be_decided_says_so_and_what_to_do() {
    let source = crate::domain::SourceName::new("prod");
    let period = crate::domain::Period::Rolling(Window::days(30));
    let slo = crate::domain::Slo::new(
        "pay",
        "up",
        source,
        0.999,
        period,
        crate::domain::Origin::Config,
    );
    let reason = |minutes| {
        let interval = SignedDuration::from_mins(minutes);
        sparse::reason(&slo, Window::minutes(5), interval)
    };
    assert_eq!(reason(5).code, ReasonCode::TooFewSamples);
    assert_eq!(
        reason(5).text.raw(),
        "one sample in 5m: with a sample every 5m, the page rule of 1h and 5m can never be decided. \
         Scrape at least every 2m, or use longer windows"
    );
    assert!(reason(3).text.raw().contains("cannot always be decided"));
}
