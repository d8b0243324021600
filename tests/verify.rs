//! `verify` on scripted releases: how often it accuses a healthy one, and how soon it finds a bad one.
//!
//! `RELEASES=1000 cargo test --release --test verify -- --nocapture` prints the figures of the guide.

#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "a test may panic, and counts are small"
)]

#[path = "suspects/random.rs"]
mod random;

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use random::Random;
use watchfire::domain::past::{PastEvents, Steps};
use watchfire::domain::{
    Events, Observation, Origin, Period, Reading, Sample, Slo, SourceName, Window,
};
use watchfire::insight::verify::{Evidence, Outcome, STEP, SloVerdict, Trial, judge};

/// Releases of each kind in a usual run.
const RELEASES: u64 = 200;
/// The first seed; nothing was set on it.
const SEED: u64 = 90_000_000;
/// Minutes before a release, and of a trial.
const LOOKBACK: i64 = 360;
const MINUTES: i64 = 15;
const DAY: i64 = 24 * 60;

/// What a release does to its service.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Nothing.
    Healthy,
    /// Errors while it is rolled out, a minute and a half long.
    Blip,
    /// Nothing, at the time of a daily peak of errors above the budget.
    DailyPeak,
    /// Errors at so many times the budget: between the two.
    Burns(f64, f64),
}

/// The kinds, and their names in the table.
const KINDS: [(Kind, &str); 7] = [
    (Kind::Healthy, "healthy: bursts, daily swing"),
    (Kind::Blip, "healthy: blip of the deployment"),
    (Kind::DailyPeak, "healthy: daily peak of errors"),
    (Kind::Burns(200.0, 1_000.0), "burns at 200x to 1,000x"),
    (Kind::Burns(30.0, 150.0), "burns at 30x to 150x"),
    (Kind::Burns(14.4, 30.0), "burns at 14.4x to 30x"),
    (Kind::Burns(3.0, 10.0), "burns at 3x to 10x"),
];

/// A service: its traffic and its errors without any release, a minute of which is asked for by number.
struct Service {
    budget: f64,
    rate: f64,
    /// Errors on average, as a share of the budget.
    base: f64,
    /// How much load and errors vary over a day, and when they are highest.
    swing: f64,
    phase: f64,
    /// How much the load of a minute varies.
    ripple: f64,
    /// Bursts of errors an hour, and the share of bad events in one.
    bursts: f64,
    burst: f64,
    burst_minutes: i64,
}

impl Service {
    fn new(random: &mut Random, is_fast: bool) -> Self {
        let objective = if is_fast {
            *random.pick(&[0.999, 0.999, 0.9995, 0.9999])
        } else {
            *random.pick(&[0.99, 0.995, 0.999, 0.999, 0.9995])
        };
        let budget = 1.0 - objective;
        let bursts = random.scale(0.1, 2.0);
        let burst_minutes = *random.pick(&[1, 1, 2, 3]);
        // Bursts take a tenth to a half of the budget.
        let share = random.between(0.1, 0.5) * budget;
        Self {
            budget,
            // Enough for a verdict in most cases.
            rate: random.scale(2.0, 60.0) * 10.0 / (14.4 * budget * MINUTES as f64),
            base: random.between(0.02, 0.4),
            swing: random.between(0.0, 0.7),
            phase: random.between(0.0, std::f64::consts::TAU),
            ripple: random.between(0.02, 0.35),
            burst: (share * 60.0 / (bursts * burst_minutes as f64)).min(0.5),
            bursts,
            burst_minutes,
        }
    }

    /// Consecutive minutes from one on, with a share of errors beside the service's own.
    fn minutes(
        &self,
        random: &mut Random,
        (from, until): (i64, i64),
        more: impl Fn(i64, &mut Random) -> f64,
    ) -> Vec<Option<Events>> {
        let mut left = 0;
        let minutes = from..until;
        minutes
            .map(|minute| {
                let day = (minute as f64 / DAY as f64 * std::f64::consts::TAU + self.phase).sin();
                let load = self.rate * (1.0 + self.swing * day);
                let ripple = (self.ripple * random.normal() - self.ripple.powi(2) / 2.0).exp();
                let total = random.count(load * ripple);
                if random.chance(self.bursts / 60.0) {
                    left = self.burst_minutes;
                }
                let burst = if left > 0 { self.burst } else { 0.0 };
                left -= 1;
                let own = self.budget * self.base * (1.0 + self.swing * day);
                let share = (own + burst + more(minute, random)).clamp(0.0, 1.0);
                let bad = random.count(total * share).min(total);
                Some(Events { bad, total })
            })
            .collect()
    }
}

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_795_356_000 + minutes * 60).unwrap()
}

fn past(slo: &Arc<Slo>, end: i64, events: Vec<Option<Events>>) -> PastEvents {
    PastEvents {
        slo: Arc::clone(slo),
        steps: Steps::new(at(end - events.len() as i64), at(end), STEP),
        events,
        width: SignedDuration::from_secs(75),
        counted: true,
        partial: false,
        newest: Some(at(end)),
        present: None,
        answered: None,
        queries: Vec::new(),
        reasons: Vec::new(),
    }
}

/// A release with everything that is known of it at the end.
fn release(kind: Kind, seed: u64) -> Evidence {
    let mut random = Random::new(seed);
    let is_fast = matches!(kind, Kind::Burns(least, _) if least >= 200.0);
    let service = Service::new(&mut random, is_fast);
    let peak = random.between(1.2, 4.0);
    let blip = random.between(0.01, 0.1);
    let burn = match kind {
        Kind::Burns(least, most) => random.scale(least, most),
        _ => 0.0,
    };
    let budget = service.budget;
    // The peak begins at the release, each day.
    let daily = |minute: i64| match kind {
        Kind::DailyPeak if (0..45).contains(&minute.rem_euclid(DAY)) => budget * peak,
        _ => 0.0,
    };
    let more = |minute: i64, _: &mut Random| {
        daily(minute)
            + match (kind, minute) {
                (Kind::Blip, 0) => blip,
                (Kind::Blip, 1) => blip / 2.0,
                (Kind::Burns(..), 0..) => burn * budget,
                _ => 0.0,
            }
    };
    let slo = Slo::new(
        "checkout",
        "availability",
        SourceName::new("prod"),
        1.0 - budget,
        Period::Rolling(Window::days(30)),
        Origin::Config,
    );
    let slo = Arc::new(slo);
    let day_before = (-DAY, MINUTES - DAY);
    let day_before = service.minutes(&mut random, day_before, |minute, _| daily(minute));
    let all = service.minutes(&mut random, (-LOOKBACK, MINUTES), more);
    let (before, since) = all.split_at(LOOKBACK as usize);
    let mut observed = Observation::unknown(Arc::clone(&slo), at(MINUTES));
    let calm = Sample {
        reading: Reading::Ratio(0.0),
        events: None,
        at: at(MINUTES),
    };
    observed.windows.change(|_, sample| *sample = calm);
    observed.period = Some(calm);
    observed.reasons = Arc::default();
    Evidence {
        before: Some(Ok(past(&slo, 0, before.to_vec()))),
        since: Some(Ok(past(&slo, MINUTES, since.to_vec()))),
        day_before: Some(Ok(past(&slo, MINUTES - DAY, day_before))),
        seen: Some(observed),
        slo,
    }
}

/// What became of the releases of one kind.
#[derive(Default)]
struct Tally {
    /// Why the first ones burn.
    reasons: Vec<String>,
    /// Why the first ones are healthy.
    held: Vec<String>,
    healthy: u64,
    unknown: u64,
    burning: u64,
    within_five: u64,
}

/// A verdict with what it rests on, for a failed test.
fn shown(verdict: &SloVerdict) -> String {
    let SloVerdict {
        reason,
        notes,
        comparison,
        ..
    } = verdict;
    format!("{reason}\n{notes:#?}\n{comparison:#?}")
}

/// Watches a release minute by minute, as the command does.
fn watch(whole: &Evidence, tally: &mut Tally) {
    let trial = Trial {
        released: at(0),
        began: at(0),
        until: at(MINUTES),
    };
    let mut seen = whole.clone();
    for minute in 1..=MINUTES {
        let mut since = whole.since.clone().unwrap().unwrap();
        since.events.truncate(minute as usize);
        since.steps = Steps::new(at(0), at(minute), STEP);
        since.newest = Some(at(minute));
        seen.since = Some(Ok(since));
        let verdict = judge(&trial, &seen, at(minute));
        match verdict.outcome {
            Outcome::Burning => {
                tally.burning += 1;
                tally.within_five += u64::from(minute <= 5);
                if tally.reasons.len() < 3 {
                    tally.reasons.push(shown(&verdict));
                }
                return;
            }
            Outcome::Healthy => {
                tally.healthy += 1;
                if tally.held.len() < 3 {
                    tally.held.push(shown(&verdict));
                }
            }
            Outcome::Unknown if minute == MINUTES => tally.unknown += 1,
            Outcome::Unknown => {}
        }
    }
}

#[test]
fn few_healthy_releases_are_accused_and_page_level_burns_are_found_in_minutes() {
    let count = std::env::var("RELEASES")
        .ok()
        .and_then(|count| count.parse().ok());
    let count: u64 = count.unwrap_or(RELEASES);
    let mut table = String::from("| releases | healthy | burning | within 5 min | cannot tell |\n");
    table.push_str("|---|---|---|---|---|\n");
    let mut tallies = Vec::new();
    for (number, (kind, name)) in KINDS.into_iter().enumerate() {
        let mut tally = Tally::default();
        for seed in 0..count {
            watch(
                &release(kind, SEED + number as u64 * 1_000_000 + seed),
                &mut tally,
            );
        }
        let share = |part: u64| 100.0 * part as f64 / count as f64;
        let _ = writeln!(
            table,
            "| {name} | {:.1} % | {:.1} % | {:.1} % | {:.1} % |",
            share(tally.healthy),
            share(tally.burning),
            share(tally.within_five),
            share(tally.unknown)
        );
        tallies.push((kind, tally));
    }
    println!("{table}");
    let (mut healthy, mut accused, mut why) = (0, 0, Vec::new());
    for (kind, tally) in &tallies {
        match kind {
            Kind::Burns(least, _) if *least >= 200.0 => {
                assert!(tally.within_five * 100 >= count * 95, "{table}");
                assert!(tally.burning * 1_000 >= count * 995, "{table}");
            }
            Kind::Burns(least, _) if *least >= 14.4 => {
                assert!(tally.burning * 100 >= count * 98, "{table}");
                let held = tally.held.join("\n");
                assert!(tally.healthy * 200 <= count, "{table}{held}");
            }
            Kind::Burns(..) => assert!(tally.burning * 100 >= count * 80, "{table}"),
            Kind::Healthy | Kind::Blip | Kind::DailyPeak => {
                healthy += count;
                accused += tally.burning;
                why.extend(tally.reasons.iter().map(String::as_str));
                // Most get a verdict: what never says yes accuses no one either.
                assert!(tally.healthy * 100 >= count * 85, "{table}");
            }
        }
    }
    assert!(
        accused * 100 <= healthy,
        "{accused} of {healthy} accused:\n{table}\n{}",
        why.join("\n")
    );
}
