//! What is read of each vendor's headers, and that an allowance is never overdrawn.

use reqwest::header::{HeaderName, HeaderValue};

use super::*;
use crate::domain::SourceName;
use crate::poll::schedule::{Outcome, Phase, next_delay};

const INTERVAL: SignedDuration = SignedDuration::from_secs(60);

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        })
        .collect()
}

fn moment(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

const NOW: i64 = 1_795_442_551;

/// A vendor, its headers, and what they say: which limit, what is left, and for how many seconds.
type Row = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [(&'static str, u64, i64)],
);

#[test]
fn every_vendors_way_to_tell_what_is_left_is_read() {
    let rows: &[Row] = &[
        (
            "GitHub",
            &[
                ("x-ratelimit-limit", "5000"),
                ("x-ratelimit-remaining", "4999"),
                ("x-ratelimit-used", "1"),
                ("x-ratelimit-reset", "1795443151"),
                ("x-ratelimit-resource", "core"),
            ],
            &[("core", 4999, 600)],
        ),
        (
            "PagerDuty",
            &[
                ("ratelimit-limit", "960"),
                ("ratelimit-remaining", "958"),
                ("ratelimit-reset", "37"),
            ],
            &[("ratelimit", 958, 37)],
        ),
        (
            "GitLab",
            &[
                ("RateLimit-Limit", "600"),
                ("RateLimit-Name", "throttle_authenticated_api"),
                ("RateLimit-Observed", "1"),
                ("RateLimit-Remaining", "599"),
                ("RateLimit-Reset", "1795442611"),
            ],
            &[("throttle_authenticated_api", 599, 60)],
        ),
        (
            "Atlassian",
            &[
                ("X-RateLimit-Remaining", "12"),
                ("X-RateLimit-Reset", "2026-11-23T14:12:31Z"),
            ],
            &[("x-ratelimit", 12, 600)],
        ),
        (
            "milliseconds",
            &[
                ("x-rate-limit-remaining", "3"),
                ("x-rate-limit-reset", "1795442561000"),
            ],
            &[("x-rate-limit", 3, 10)],
        ),
        (
            "the draft",
            &[("ratelimit", "\"hour\";r=50;t=30, \"day\";r=900;t=7200")],
            &[("hour", 50, 30), ("day", 900, 7200)],
        ),
        (
            "the draft as it was",
            &[("ratelimit", "limit=100, remaining=50, reset=30")],
            &[("ratelimit", 50, 30)],
        ),
        ("nothing", &[("x-ratelimit-limit", "5")], &[]),
    ];
    for (vendor, pairs, want) in rows {
        let stated = stated(&headers(pairs), moment(NOW));
        let read: Vec<_> = stated
            .iter()
            .map(|limit| {
                let reset = limit.reset.unwrap().as_secs();
                (limit.name.as_str(), limit.left.unwrap(), reset)
            })
            .collect();
        assert_eq!(read, *want, "{vendor}");
    }
    for nonsense in ["", "soon", "\"a\";r=x;t=-1", ";;,,=", "remaining=", "é"] {
        let field = headers(&[
            ("ratelimit-remaining", nonsense),
            ("ratelimit-reset", nonsense),
        ]);
        assert!(stated(&field, moment(NOW)).is_empty(), "{nonsense}");
        let mut limits = Limits::default();
        limits.note(200, &headers(&[("ratelimit", nonsense)]), moment(NOW));
        assert_eq!(limits.rest(INTERVAL, moment(NOW)), None, "{nonsense}");
    }
}

#[test]
fn a_limit_that_has_something_left_is_not_waited_for() {
    let told = |left: &str| {
        headers(&[
            ("x-ratelimit-remaining", left),
            ("x-ratelimit-reset", "1795444951"),
        ])
    };
    assert_eq!(wait(&told("4000"), b"", moment(NOW)), None);
    let until_renewed = Some(SignedDuration::from_secs(2400));
    assert_eq!(wait(&told("0"), b"", moment(NOW)), until_renewed);
}

/// A server with an allowance that is renewed in fixed windows.
struct Meter {
    limit: u64,
    window: i64,
    used: u64,
    began: i64,
}

impl Meter {
    /// Answers a request at `second`; false when there was nothing left.
    fn answer(&mut self, second: i64, limits: &mut Limits) -> bool {
        let window = second - second.rem_euclid(self.window);
        if window != self.began {
            (self.began, self.used) = (window, 0);
        }
        let is_allowed = self.used < self.limit;
        self.used += u64::from(is_allowed);
        let left = (self.limit - self.used).to_string();
        let reset = (window + self.window).to_string();
        let pairs = [
            ("x-ratelimit-remaining", left.as_str()),
            ("x-ratelimit-reset", reset.as_str()),
        ];
        let status = if is_allowed { 200 } else { 429 };
        limits.note(status, &headers(&pairs), moment(second));
        is_allowed
    }
}

/// Polls for three hours of virtual time, with so many requests a poll and so many of somebody else
/// each minute; the seconds between the polls, or the second at which a request was one too many.
fn three_hours(limit: u64, cost: u64, others: u64) -> Result<Vec<(i64, i64)>, i64> {
    let mut meter = Meter {
        limit,
        window: 3600,
        used: 0,
        began: 0,
    };
    let (mut ours, mut theirs) = (Limits::default(), Limits::default());
    let phase = Phase::new("host", 1, &SourceName::new("github"));
    let begin = NOW - NOW.rem_euclid(3600) + 3000;
    let (mut second, mut minute) = (begin, begin);
    let mut gaps = Vec::new();
    while second < begin + 3 * 3600 {
        while minute <= second {
            for _ in 0..others {
                meter.answer(minute, &mut theirs);
            }
            minute += 60;
        }
        for _ in 0..cost {
            if !meter.answer(second, &mut ours) {
                return Err(second);
            }
        }
        let outcome = Outcome {
            failures: 0,
            retry_after: ours.rest(INTERVAL, moment(second)),
        };
        let delay = next_delay(moment(second), INTERVAL, phase, outcome);
        let next = second + delay.as_secs().max(1);
        gaps.push((second, next - second));
        second = next;
    }
    Ok(gaps)
}

#[test]
fn what_is_left_lasts_until_it_is_renewed_and_no_request_is_one_too_many() {
    for (limit, cost, others) in [
        (5000, 30, 0),
        (60, 1, 0),
        (60, 2, 0),
        (60, 7, 0),
        (60, 29, 0),
        (500, 10, 5),
        (900, 40, 3),
        (1, 1, 0),
    ] {
        let polls = three_hours(limit, cost, others);
        let polls = polls.unwrap_or_else(|second| panic!("{limit} {cost} {others}: {second}"));
        assert!(polls.len() >= 3, "{limit} {cost} {others}: {polls:?}");
        let longest = polls.iter().map(|(_, gap)| *gap).max();
        assert!(longest <= Some(3660), "{limit} {cost} {others}: {polls:?}");
    }
}

#[test]
fn an_ample_allowance_changes_nothing_and_after_a_renewal_the_interval_is_the_usual_one() {
    let steady = three_hours(5000, 30, 0).unwrap();
    assert!(steady[1..].iter().all(|(_, gap)| *gap == 60), "{steady:?}");
    // Somebody else spends nearly everything before the hour is over, and then stops.
    let mut limits = Limits::default();
    let low = [
        ("x-ratelimit-remaining", "3"),
        ("x-ratelimit-reset", "1795443151"),
    ];
    limits.note(200, &headers(&low), moment(NOW));
    let rest = limits.rest(INTERVAL, moment(NOW)).unwrap();
    assert_eq!(rest.as_secs(), 300, "600 s for 2 more polls");
    assert_eq!(limits.left(moment(NOW)), None, "nothing was said since");
    let full = [
        ("x-ratelimit-remaining", "5000"),
        ("x-ratelimit-reset", "1795446751"),
    ];
    limits.note(200, &headers(&full), moment(NOW + 601));
    assert_eq!(limits.left(moment(NOW + 601)), Some(5000));
    assert_eq!(limits.rest(INTERVAL, moment(NOW + 601)), None);
}

#[test]
fn a_spent_allowance_is_waited_for_and_one_that_was_not_asked_is_not() {
    let told = |name: &str, left: &str| {
        headers(&[
            ("x-ratelimit-remaining", left),
            ("x-ratelimit-reset", "1795443151"),
            ("x-ratelimit-resource", name),
        ])
    };
    let mut limits = Limits::default();
    limits.note(200, &told("graphql", "0"), moment(NOW));
    let rest = limits.rest(INTERVAL, moment(NOW));
    assert_eq!(rest, Some(SignedDuration::from_secs(600)));
    limits.note(200, &told("core", "4000"), moment(NOW));
    assert_eq!(limits.rest(INTERVAL, moment(NOW)), None);
}

#[test]
fn an_unchanged_answer_costs_only_what_the_server_says_it_costs() {
    let told = |left: &str| {
        headers(&[
            ("x-ratelimit-remaining", left),
            ("x-ratelimit-reset", "1795443151"),
        ])
    };
    let mut limits = Limits::default();
    for _ in 0..40 {
        limits.note(304, &told("80"), moment(NOW));
    }
    assert_eq!(limits.rest(INTERVAL, moment(NOW)), None, "free of charge");
    limits.note(304, &told("60"), moment(NOW));
    let rest = limits.rest(INTERVAL, moment(NOW)).unwrap();
    assert_eq!(rest.as_secs(), 300, "20 are gone for one poll, 60 are left");
}
