//! When a source is asked next: a pure function of the clock, its interval and how it answered.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};

use crate::domain::{Fault, Report, SourceName};

/// However often a source fails, it is asked again after this long, or after an interval where that
/// is longer.
pub const MAX_BACK_OFF: SignedDuration = SignedDuration::from_secs(60);
/// Nothing is asked more often than this.
pub const MIN_DELAY: SignedDuration = SignedDuration::from_secs(1);
/// The longest a server can send us away for.
pub const MAX_RETRY_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// Where in its interval a watcher asks.
///
/// Every watcher has its own place, so hundreds of them that were started by one roll-out, or sent
/// away by one outage, do not come back at one instant. Hosts lie at random; the processes of one
/// host are apart by the golden ratio, which spreads any run of numbers more evenly than chance
/// would (Knuth, The Art of Computer Programming, volume 3, section 6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase(u64);

impl Phase {
    /// The phase of one source in one process on one host.
    pub fn new(host: &str, process: u32, source: &SourceName) -> Self {
        let mut hasher = DefaultHasher::new();
        (host, source).hash(&mut hasher);
        let step = u64::from(process).wrapping_mul(GOLDEN);
        Self(hasher.finish().wrapping_add(step))
    }

    /// Its place in a stretch of time: of `limit` equal parts, the one it lies in.
    fn of(self, limit: i64) -> i64 {
        part(self.0, limit)
    }

    /// A number below `limit`, always the same for this phase and `salt`.
    fn below(self, limit: i64, salt: u32) -> i64 {
        let mut hasher = DefaultHasher::new();
        (self.0, salt).hash(&mut hasher);
        part(hasher.finish(), limit)
    }
}

/// 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// `share` of 2^64 of `limit`, rounded down.
fn part(share: u64, limit: i64) -> i64 {
    let limit = u128::try_from(limit).unwrap_or(0);
    i64::try_from((u128::from(share) * limit) >> 64).unwrap_or(0)
}

/// What the newest poll means for the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many polls in a row have failed, the newest included; 0 after a good one.
    pub failures: u32,
    /// How long the server asked us to stay away, or its limits ask it.
    pub retry_after: Option<SignedDuration>,
}

impl Outcome {
    /// Reads a report, after `failures` failed polls in a row before it.
    pub fn of(report: &Report, failures: u32) -> Self {
        let retry_after = |fault: &Fault| fault.retry_after;
        match &report.outcome {
            Ok(facts) => Self {
                failures: 0,
                retry_after: facts.fault.as_ref().and_then(retry_after).max(facts.rest),
            },
            Err(fault) => Self {
                failures: failures.saturating_add(1),
                retry_after: retry_after(fault),
            },
        }
    }

    /// How long the server must be left alone, 0 when it did not ask for that.
    pub fn embargo(self) -> SignedDuration {
        self.retry_after
            .unwrap_or(SignedDuration::ZERO)
            .clamp(SignedDuration::ZERO, MAX_RETRY_AFTER)
    }
}

/// How long to wait from `now` until the next poll: always to the source's [`Phase`] in its
/// interval, so that whatever happens to hundreds of watchers, they are never closer together than
/// when all is well.
///
/// - After a good poll: to a phase that is at least half an interval away.
/// - After a failure: to the last phase within the back-off, which is one interval at first, so that
///   a short fault heals within it, and grows by half with each further failure up to
///   [`MAX_BACK_OFF`], less up to a fifth that depends on the phase.
/// - Never earlier than the server allows: it may have named one moment to everybody.
pub fn next_delay(
    now: Timestamp,
    interval: SignedDuration,
    phase: Phase,
    outcome: Outcome,
) -> SignedDuration {
    let interval = interval.max(MIN_DELAY);
    let delay = if outcome.failures == 0 {
        phase_after(now, interval / 2, interval, phase)
    } else {
        let longest = back_off(interval, phase, outcome.failures);
        let least = MIN_DELAY.max(interval / 5);
        phase_after(now, least.max(longest - interval), interval, phase)
    };
    let embargo = outcome.embargo();
    if embargo <= delay {
        delay
    } else {
        phase_after(now, embargo, interval, phase)
    }
}

/// The same after the first poll of a source, which is at no phase: not later than one interval, and the
/// shortest delay, after it, so that whoever waits for a lost poll knows of it as early as ever.
pub fn first_delay(
    now: Timestamp,
    interval: SignedDuration,
    phase: Phase,
    outcome: Outcome,
) -> SignedDuration {
    let delay = next_delay(now, interval, phase, outcome);
    let interval = interval.max(MIN_DELAY);
    let is_free = outcome.failures == 0 && outcome.embargo().is_zero();
    if is_free && delay > interval + MIN_DELAY {
        delay - interval
    } else {
        delay
    }
}

/// From `now` to the first moment at `phase` in the interval that is at least so far away.
fn phase_after(
    now: Timestamp,
    least: SignedDuration,
    interval: SignedDuration,
    phase: Phase,
) -> SignedDuration {
    let (least, interval) = (millis(least), millis(interval));
    let earliest = now.as_millisecond().saturating_add(least);
    let wait = (phase.of(interval) - earliest).rem_euclid(interval);
    SignedDuration::from_millis(least + wait)
}

fn back_off(interval: SignedDuration, phase: Phase, failures: u32) -> SignedDuration {
    // Who is asked seldom is not asked more often for failing.
    let most = millis(MAX_BACK_OFF.max(interval));
    let mut wait = millis(interval);
    for _ in 1..failures {
        wait += wait / 2;
        if wait >= most {
            wait = most;
            break;
        }
    }
    let less = if failures > 1 { wait / 5 } else { 0 };
    SignedDuration::from_millis(wait - phase.below(less, failures))
}

/// Whole milliseconds, at least one.
fn millis(span: SignedDuration) -> i64 {
    i64::try_from(span.as_millis())
        .unwrap_or(i64::MAX / 4)
        .max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Facts, FaultKind};

    const INTERVAL: SignedDuration = SignedDuration::from_secs(15);

    fn moment(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).expect("time")
    }

    fn failed(failures: u32) -> Outcome {
        Outcome {
            failures,
            retry_after: None,
        }
    }

    #[test]
    fn a_steady_source_is_asked_once_an_interval_at_its_own_phase() {
        let phase = Phase::new("host", 1, &SourceName::new("prod"));
        let mut now = moment(1_700_000_000_123);
        now += next_delay(now, INTERVAL, phase, Outcome::default());
        for latency in [5, 900, 40, 3_000, 12] {
            let answered = now + SignedDuration::from_millis(latency);
            let next = answered + next_delay(answered, INTERVAL, phase, Outcome::default());
            assert_eq!(next.duration_since(now), INTERVAL, "latency {latency} ms");
            now = next;
        }
    }

    #[test]
    fn a_short_fault_heals_within_an_interval_and_a_long_one_is_asked_ever_less() {
        let phase = Phase::new("host", 1, &SourceName::new("prod"));
        let mut now = moment(0);
        now += next_delay(now, INTERVAL, phase, Outcome::default());
        let delays: Vec<_> = (1..9)
            .map(|n| next_delay(now, INTERVAL, phase, failed(n)))
            .collect();
        assert_eq!(delays[..2], [INTERVAL; 2]);
        assert!(delays.is_sorted() && delays[3] > delays[1]);
        assert!(delays[7] <= MAX_BACK_OFF && delays[7] >= MAX_BACK_OFF / 2);
    }

    #[test]
    fn the_outcome_counts_failures_and_takes_the_servers_word_even_for_a_part() {
        let mut fault = Fault::new(FaultKind::RateLimited, "slow down");
        fault.retry_after = Some(SignedDuration::from_secs(40));
        let report = |outcome| Report {
            source: SourceName::new("prod"),
            at: moment(0),
            latency: SignedDuration::ZERO,
            next_try: None,
            outcome,
        };
        let whole = Outcome::of(&report(Err(fault.clone())), 2);
        assert_eq!(whole.failures, 3);
        assert_eq!(whole.embargo(), SignedDuration::from_secs(40));
        let facts = Facts {
            fault: Some(fault),
            ..Facts::default()
        };
        let part = Outcome::of(&report(Ok(facts.clone())), 2);
        assert_eq!(part.failures, 0);
        assert_eq!(part.embargo(), SignedDuration::from_secs(40));
        for (rest, seconds) in [(None, 40), (Some(7), 40), (Some(90), 90)] {
            let rest = rest.map(SignedDuration::from_secs);
            let facts = Facts {
                rest,
                ..facts.clone()
            };
            let embargo = Outcome::of(&report(Ok(facts)), 0).embargo();
            assert_eq!(embargo, SignedDuration::from_secs(seconds), "{rest:?}");
        }
    }

    proptest! {
        #[test]
        fn a_server_that_asks_for_rest_gets_it(
            now in 0_i64..4_000_000_000_000,
            interval in 0_i64..100_000,
            process: u32,
            failures: u32,
            retry_after in -10_i64..10_000_000_000,
        ) {
            let phase = Phase::new("host", process, &SourceName::new("prod"));
            let asked = SignedDuration::from_secs(retry_after);
            let outcome = Outcome { failures, retry_after: Some(asked) };
            let interval = SignedDuration::from_secs(interval);
            let delay = next_delay(moment(now), interval, phase, outcome);
            prop_assert!(delay >= asked.min(MAX_RETRY_AFTER));
            let usual = next_delay(moment(now), interval, phase, failed(failures));
            let latest = outcome.embargo() + interval.max(MIN_DELAY);
            prop_assert!(delay == usual || delay > usual && delay <= latest);
        }

        #[test]
        fn the_second_poll_comes_within_an_interval_at_the_phase_of_all_others(
            now in 0_i64..4_000_000_000_000,
            interval in 1_i64..100_000,
            process: u32,
        ) {
            let phase = Phase::new("host", process, &SourceName::new("prod"));
            let interval = SignedDuration::from_secs(interval);
            let usual = next_delay(moment(now), interval, phase, Outcome::default());
            let first = first_delay(moment(now), interval, phase, Outcome::default());
            prop_assert!(first <= interval + MIN_DELAY);
            prop_assert!(first >= MIN_DELAY.min(interval / 2));
            prop_assert!(first == usual || first + interval == usual);
            // After a failure, and on the wish of a server, as ever.
            for outcome in [failed(1), Outcome { failures: 0, retry_after: Some(interval * 2) }] {
                let usual = next_delay(moment(now), interval, phase, outcome);
                prop_assert_eq!(first_delay(moment(now), interval, phase, outcome), usual);
            }
        }

        #[test]
        fn no_poll_is_hurried_and_none_is_forgotten(
            now in 0_i64..4_000_000_000_000,
            interval in 0_i64..100_000,
            process: u32,
            failures: u32,
        ) {
            let phase = Phase::new("host", process, &SourceName::new("prod"));
            let interval = SignedDuration::from_secs(interval);
            let delay = next_delay(moment(now), interval, phase, failed(failures));
            let interval = interval.max(MIN_DELAY);
            prop_assert!(delay >= MIN_DELAY.min(interval / 2));
            if failures == 0 {
                prop_assert!(delay >= interval / 2 && delay < interval * 3 / 2);
            } else {
                prop_assert!(delay <= MAX_BACK_OFF.max(interval + MIN_DELAY.max(interval / 5)));
            }
        }
    }
}
