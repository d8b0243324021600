use std::sync::Arc;

use super::super::slo::Coverage;
use super::super::{Origin, Slo};
use super::*;

fn observed(objective: f64, ratio: f64, events: Option<Events>) -> Observation {
    let at: Timestamp = "2026-11-22T14:00:00Z".parse().expect("a moment");
    let slo = Slo {
        min_bad_events: 3.0,
        ..Slo::new(
            "checkout",
            "availability",
            SourceName::new("prod"),
            objective,
            Period::Rolling(Window::days(30)),
            Origin::Config,
        )
    };
    let sample = Sample {
        reading: Reading::Ratio(ratio),
        events,
        at,
    };
    Observation {
        windows: slo.windows().into_iter().map(|w| (w, sample)).collect(),
        period: Some(sample),
        ..Observation::unknown(Arc::new(slo), at)
    }
}

#[test]
fn the_arithmetic_is_spelled_out_with_its_numbers() {
    let seen = observed(0.999, 0.0004, None);
    let verdict = seen.assess();
    assert_eq!(
        budget_left(&seen, &verdict).as_deref(),
        Some("1 - 0.0004 / (1 - 0.999) = 0.6")
    );
    assert_eq!(
        exhaustion(&seen, &verdict),
        "0.6 x 2592000s / 0.4 (burn of 1h) = 3888000s"
    );
    assert_eq!(held_rate(&seen, &verdict), None);
    let spent = observed(0.999, 0.002, None);
    assert!(exhaustion(&spent, &spent.assess()).contains("nothing of the budget is left"));
}

#[test]
fn a_time_is_told_in_its_two_largest_units() {
    let told = |seconds| lasting(SignedDuration::from_secs(seconds));
    for (seconds, want) in [
        (-5, "0s"),
        (59, "59s"),
        (7_140, "1h59m"),
        (7_205, "2h"),
        (86_400 * 9, "9d"),
        (86_400 * 9 - 1, "8d23h"),
    ] {
        assert_eq!(told(seconds), want);
    }
}

#[test]
fn numbers_keep_six_digits_and_no_noise() {
    for (value, want) in [
        (0.0, "0"),
        (0.1 + 0.2, "0.3"),
        (0.000_123_456_78, "0.000123457"),
        (14.4, "14.4"),
        (-1.5, "-1.5"),
        (1_234_567.89, "1234568"),
        (f64::NAN, "not known"),
    ] {
        assert_eq!(number(value), want);
    }
}

#[test]
fn a_rule_that_fires_names_both_windows_and_one_held_back_its_events() {
    let seen = observed(0.999, 0.02, None);
    let reasons = because(&seen, &seen.assess());
    assert_eq!(
        reasons[0],
        "the page rule fires: 1h burns 20x and 5m burns 20x, both above 14.4x"
    );
    let few = Events {
        bad: 2.0,
        total: 100.0,
    };
    let seen = observed(0.999, 0.02, Some(few));
    let reasons = because(&seen, &seen.assess());
    assert!(
        reasons[0].contains("held back")
            && reasons[0].contains("2 of 3 bad events were seen in 1h"),
        "{reasons:?}"
    );
}

#[test]
fn what_is_ok_names_the_rule_that_is_closest() {
    let seen = observed(0.999, 0.0005, None);
    let reasons = because(&seen, &seen.assess());
    assert_eq!(
        reasons,
        ["no rule fires; the closest is the ticket rule of 3d and 6h, at 0.5x of 1x"]
    );
}

#[test]
fn what_is_silent_says_which_windows_are() {
    let mut seen = observed(0.999, 0.0, None);
    let sample = Sample {
        reading: Reading::NoTraffic,
        events: None,
        at: seen.at,
    };
    assert!(seen.windows.set(Window::minutes(5), sample));
    assert_eq!(because(&seen, &seen.assess())[0], "no traffic in 5m");
}

#[test]
fn data_that_does_not_reach_back_is_an_estimate() {
    let mut seen = observed(0.999, 0.0004, None);
    seen.since = Some(seen.at - SignedDuration::from_hours(9 * 24));
    let explained = Explanation::of(seen);
    let told = estimates(&explained).join("\n");
    assert!(
        told.contains("asks for 30d, the oldest sample is 9d old"),
        "{told}"
    );
    let period = explained.spans.last().expect("the period");
    let coverage: Coverage = explained.coverage(period).expect("a coverage");
    assert!(coverage.is_short());
}

#[test]
fn an_observation_alone_explains_every_window() {
    let explained = Explanation::of(observed(0.999, 0.0004, None));
    let names: Vec<_> = explained.spans.iter().map(|s| explained.name(s)).collect();
    assert_eq!(names, ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"]);
    let (start, end) = explained.bounds();
    assert_eq!(start.duration_until(end).as_hours(), 720);
    assert!(explained.data.is_none() && explained.lacks.is_empty());
}

#[test]
fn a_request_says_how_often_it_is_sent_and_how_many_share_it() {
    let request = |every, count: usize| Request {
        query: "up".into(),
        what: "5m, 1h".to_owned(),
        every,
        serves: (0..count)
            .map(|one| Untrusted::from(format!("s/{one}")))
            .collect(),
    };
    let hourly = Some(SignedDuration::from_hours(1));
    for (request, words) in [
        (
            request(None, 1),
            "5m, 1h: every poll, in a request of its own",
        ),
        (
            request(hourly, 2),
            "5m, 1h: every 1h, in one request with another SLO",
        ),
        (
            request(None, 9),
            "5m, 1h: every poll, in one request with 8 other SLOs",
        ),
    ] {
        assert_eq!(request.in_short(), words);
    }
    assert!(request(None, 3).serves_any(&["s/2".into()]));
    assert!(!request(None, 3).serves_any(&["s/3".into()]));
}
