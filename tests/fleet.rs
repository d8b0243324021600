//! Hundreds of watchers on one Prometheus, a day in virtual time: when each of them asks.
//!
//! Watchers know nothing of each other, so one that shares its server with hundreds has to keep to
//! a place of its own, when all is well, while the server is down, and when it comes back.
#![expect(clippy::expect_used, reason = "a test may panic")]

use jiff::{SignedDuration, Timestamp};
use watchfire::domain::SourceName;
use watchfire::poll::schedule::{Outcome, Phase, next_delay};

const INTERVAL: i64 = 15;
const DAY: i64 = 86_400;
/// Long enough for an outage and what follows it.
const SHIFT: i64 = 3 * 3_600;
/// The first second; some midnight.
const MIDNIGHT: i64 = 1_795_305_600;

/// How a server answers in a second of the day: well, or not, and for how long to stay away.
type Server = fn(second: i64) -> Result<(), Option<i64>>;

/// The watchers of a company: a host each, where chance alone spreads them, or all on one.
#[derive(Clone, Copy, Debug)]
enum Fleet {
    Hosts,
    Processes,
}

impl Fleet {
    fn watchers(self) -> u32 {
        match self {
            Self::Hosts => 600,
            Self::Processes => 240,
        }
    }

    /// Requests in so many seconds when everybody asks once an interval.
    fn polls(self, seconds: i64) -> u32 {
        u32::try_from(seconds / INTERVAL).expect("polls") * self.watchers()
    }

    fn phase(self, number: u32) -> Phase {
        let source = SourceName::new("prod");
        match self {
            Self::Hosts => Phase::new(
                &format!("host-{number}.office.example"),
                4_000 + number % 7,
                &source,
            ),
            // A process takes a few numbers for its threads.
            Self::Processes => Phase::new("bastion.example", 70_000 + number * 5, &source),
        }
    }
}

/// What a server saw.
struct Seen {
    /// Requests in each second.
    seconds: Vec<u32>,
    /// Requests a second when everybody asks once an interval.
    mean: f64,
}

impl Seen {
    fn total(&self) -> u32 {
        self.seconds.iter().sum()
    }

    fn between(&self, from: i64, to: i64) -> &[u32] {
        let place = |second: i64| usize::try_from(second).expect("a second of the day");
        &self.seconds[place(from)..place(to)]
    }

    /// The busiest second of a stretch, in multiples of the mean of a steady day.
    fn peak(&self, from: i64, to: i64) -> f64 {
        let most = self.between(from, to).iter().max().expect("a stretch");
        f64::from(*most) / self.mean
    }
}

/// Lets every watcher ask from some second of the first minute to the last of so many seconds.
fn watched(fleet: Fleet, seconds: i64, server: Server) -> Seen {
    let mut seconds = vec![0; usize::try_from(seconds).expect("a time")];
    let interval = SignedDuration::from_secs(INTERVAL);
    for number in 0..fleet.watchers() {
        let phase = fleet.phase(number);
        let begin = MIDNIGHT * 1_000 + i64::from(number * 7_919 % 60_000);
        let mut now = Timestamp::from_millisecond(begin).expect("a moment");
        let mut failures = 0;
        loop {
            let second = now.as_second() - MIDNIGHT;
            let Some(count) = usize::try_from(second)
                .ok()
                .and_then(|at| seconds.get_mut(at))
            else {
                break;
            };
            *count += 1;
            let answer = server(second);
            let latency = 20 + (now.as_millisecond() ^ i64::from(number)) % 180;
            now += SignedDuration::from_millis(latency);
            failures = if answer.is_ok() { 0 } else { failures + 1 };
            let retry_after = answer.err().flatten().map(SignedDuration::from_secs);
            let outcome = Outcome {
                failures,
                retry_after,
            };
            now += next_delay(now, interval, phase, outcome);
        }
    }
    Seen {
        seconds,
        mean: f64::from(fleet.watchers()) / 15.0,
    }
}

const FLEETS: [Fleet; 2] = [Fleet::Hosts, Fleet::Processes];

#[test]
fn on_a_quiet_day_everybody_asks_once_an_interval_and_nobody_together() {
    for fleet in FLEETS {
        let seen = watched(fleet, DAY, |_| Ok(()));
        // One more or less at either end of the day.
        assert!(
            seen.total().abs_diff(fleet.polls(DAY)) <= 6 * fleet.watchers(),
            "{fleet:?}"
        );
        let peak = seen.peak(120, DAY);
        assert!(peak <= 1.5, "{fleet:?}: {peak}");
    }
}

/// Pearson's test: no second of the interval is liked better than chance would have it. With 14
/// degrees of freedom, one in a thousand even distributions exceeds 36.1.
#[test]
fn phases_fill_the_interval_evenly_and_stay_where_they_are() {
    for fleet in FLEETS {
        let seen = watched(fleet, SHIFT, |_| Ok(()));
        let places = |hour: i64| {
            let mut places = [0_u32; 15];
            for (second, count) in seen
                .between(hour * 3_600, hour * 3_600 + INTERVAL)
                .iter()
                .enumerate()
            {
                places[second % 15] += count;
            }
            places
        };
        let first = places(1);
        let expected = f64::from(fleet.watchers()) / 15.0;
        let off = first
            .iter()
            .map(|&count| (f64::from(count) - expected).powi(2) / expected);
        let statistic: f64 = off.sum();
        assert!(statistic < 36.1, "{fleet:?}: {statistic}");
        assert_eq!(first, places(2), "{fleet:?}");
    }
}

/// Nobody answers from the second hour on, for as long as the test says.
fn recovery(server: Server, back: i64) {
    for fleet in FLEETS {
        let seen = watched(fleet, SHIFT, server);
        let down = seen.between(DOWN, back).iter().sum::<u32>();
        let watchers = fleet.watchers();
        let usual = fleet.polls(back - DOWN);
        assert!(
            down <= usual + usual / 10 + watchers,
            "{fleet:?}: {down} of {usual}"
        );
        assert!(seen.total() <= fleet.polls(SHIFT) / 10 * 11, "{fleet:?}");
        let peak = seen.peak(DOWN, back + 600);
        assert!(peak <= 2.0, "{fleet:?}: {peak}");
        let after = seen.peak(back + 600, SHIFT);
        assert!(after <= 1.5, "{fleet:?}: {after}");
        // And everybody is back within two minutes.
        let soon = seen
            .between(back + 120, back + 120 + 60)
            .iter()
            .sum::<u32>();
        assert!(soon >= 4 * watchers - watchers / 20, "{fleet:?}: {soon}");
    }
}

const DOWN: i64 = 3_600;

#[test]
fn a_short_outage_ends_without_a_stampede() {
    recovery(
        |second| {
            if (DOWN..DOWN + 40).contains(&second) {
                Err(None)
            } else {
                Ok(())
            }
        },
        DOWN + 40,
    );
}

#[test]
fn a_long_outage_ends_without_a_stampede() {
    recovery(
        |second| {
            if (DOWN..DOWN + 5_000).contains(&second) {
                Err(None)
            } else {
                Ok(())
            }
        },
        DOWN + 5_000,
    );
}

#[test]
fn who_is_sent_away_until_one_moment_does_not_come_back_at_that_moment() {
    recovery(
        |second| {
            if (DOWN..DOWN + 300).contains(&second) {
                Err(Some(DOWN + 300 - second))
            } else {
                Ok(())
            }
        },
        DOWN + 300,
    );
}

#[test]
fn who_is_sent_away_for_a_while_comes_back_as_spread_as_before() {
    recovery(
        |second| {
            if (DOWN..DOWN + 60).contains(&second) {
                Err(Some(90))
            } else {
                Ok(())
            }
        },
        DOWN + 60,
    );
}

#[test]
fn a_server_that_fails_now_and_then_is_not_asked_more_for_it() {
    for fleet in FLEETS {
        let usual = watched(fleet, SHIFT, |_| Ok(())).total();
        let shaky = watched(fleet, SHIFT, |second| {
            if second * 7 % 20 == 0 {
                Err(None)
            } else {
                Ok(())
            }
        });
        let more = f64::from(shaky.total()) / f64::from(usual);
        assert!(more <= 1.1, "{fleet:?}: {more}");
    }
}
