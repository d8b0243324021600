//! Random services in a real Prometheus, against a reckoning in whole events that knows each second.
//!
//! Targets are scraped late or not at all now and then, by one server or by a pair; series of errors
//! begin with their first error; an operand may have no series. Whatever `status` prints as a count
//! lies within what the scrapes leave open, and where an operand is missing there is no number.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::history::{create_blocks, start, this_minute};
use crate::program::{slo, status};
use crate::random::Random;

/// So many services are looked at as a whole, every window of each.
const SERVICES: usize = 96;
const SEEDS: [u64; 2] = [12, 1_300];
/// Seconds of history.
const SECONDS: usize = 6_000;
const WINDOWS: [(&str, usize); 3] = [("5m", 300), ("30m", 1_800), ("1h", 3_600)];
/// What new series may have counted without being asked for: a hundredth of the burn rate 1 at 99 %.
const NEGLIGIBLE: f64 = 0.000_1;

/// How an SLO counts what fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    /// One selector with a label.
    Label,
    /// The sum of two metrics,
    BadSum,
    /// or of two metrics of good events.
    GoodSum,
}

/// What one target served and failed by each second of the history.
struct Target {
    total: Vec<u32>,
    bad: Vec<u32>,
    /// When each server of a pair, or the one, has scraped it.
    scrapes: Vec<Vec<usize>>,
}

struct Service {
    name: String,
    shape: Shape,
    /// True where the second metric of a sum has no series of this service.
    lacks_operand: bool,
    /// True where errors have a series from the first one on.
    is_lazy: bool,
    targets: Vec<Target>,
}

impl Target {
    fn new(random: &mut Random, servers: usize, is_lazy: bool) -> Self {
        let rate = random.between(5.0, 40.0);
        let share = *random.pick(&[0.0, 0.001, 0.02, 0.3]);
        let begins = if is_lazy {
            *random.pick(&[2_500, 4_000, 5_500, 5_850])
        } else {
            0
        };
        let (mut total, mut bad) = (vec![0], vec![0]);
        for second in 1..SECONDS {
            let served = random.count(rate).max(1.0);
            let failed = if second < begins {
                0.0
            } else {
                random.count(served * share)
            };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "small counts"
            )]
            let add = |sum: &mut Vec<u32>, count: f64| sum.push(sum[second - 1] + count as u32);
            add(&mut total, served);
            add(&mut bad, failed.min(served));
        }
        let interval = *random.pick(&[15, 30]);
        let scrapes = (0..servers).map(|_| scrapes(random, interval)).collect();
        Self {
            total,
            bad,
            scrapes,
        }
    }

    /// The longest time between two scrapes.
    fn gap(&self) -> usize {
        let gaps = self.scrapes.iter().flat_map(|times| {
            let between = times.windows(2).map(|pair| pair[1] - pair[0]);
            between.chain(times.last().map(|last| SECONDS - last))
        });
        gaps.max().expect("scrapes")
    }
}

/// Seconds at an interval, some of them late, and some left out.
fn scrapes(random: &mut Random, interval: usize) -> Vec<usize> {
    let phase = *random.pick(&[0, 4, 7, 11]);
    let times = (0..SECONDS / interval).filter_map(|number| {
        let is_lost = random.chance(0.03);
        let late = if random.chance(0.1) {
            *random.pick(&[1, 3, 9])
        } else {
            0
        };
        let time = number * interval + phase + late;
        (!is_lost && time < SECONDS).then_some(time)
    });
    times.collect()
}

impl Service {
    fn new(random: &mut Random, number: usize) -> Self {
        let shape = *random.pick(&[Shape::Label, Shape::Label, Shape::BadSum, Shape::GoodSum]);
        let servers = if random.chance(0.3) { 2 } else { 1 };
        let is_lazy = shape == Shape::Label && random.chance(0.5);
        let targets = *random.pick(&[1_usize, 2, 3]);
        Self {
            name: format!("s{number}"),
            shape,
            lacks_operand: shape != Shape::Label && random.chance(0.4),
            is_lazy,
            targets: (0..targets)
                .map(|_| Target::new(random, servers, is_lazy))
                .collect(),
        }
    }

    /// The least and the most that may be counted of so many seconds up to the end.
    ///
    /// What lies within a gap of an edge may not be seen, and `increase` extrapolates by 1.1
    /// intervals at each end at most.
    fn bounds(&self, seconds: usize, of: &dyn Fn(&Target) -> &Vec<u32>) -> (f64, f64) {
        let end = SECONDS - 1;
        let each = self.targets.iter().map(|target| {
            let (counts, gap) = (of(target), target.gap());
            let between = |from: usize, to: usize| f64::from(counts[to] - counts[from]);
            let least = between(end - seconds + gap, end - gap);
            let most = between((end - seconds).saturating_sub(gap), end);
            let begins = counts.iter().position(|&count| count > 0).unwrap_or(end);
            let life = (end - begins).min(seconds);
            let seen = life.saturating_sub(2 * gap).max(gap);
            let ends = 2.4 * f64::from(u32::try_from(gap).expect("seconds"));
            (
                least,
                most * (1.0 + ends / f64::from(u32::try_from(seen).expect("seconds"))),
            )
        });
        each.fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    /// The series of its targets: names with labels, and what each has counted at a second.
    fn write(&self, text: &mut String, begin: i64) {
        for (number, target) in self.targets.iter().enumerate() {
            for (server, times) in target.scrapes.iter().enumerate() {
                let mut labels =
                    format!("service=\"{}\",job=\"j\",instance=\"i{number}\"", self.name);
                if target.scrapes.len() > 1 {
                    let _ = write!(labels, ",replica=\"{server}\"");
                }
                let mut series = |name: &str, more: &str, of: &dyn Fn(usize) -> Option<u32>| {
                    for &second in times {
                        if let Some(count) = of(second) {
                            let at = begin + i64::try_from(second).expect("seconds");
                            let _ = writeln!(text, "{name}{{{labels}{more}}} {count} {at}");
                        }
                    }
                };
                let (total, bad) = (&target.total, &target.bad);
                let good = |second: usize| total[second] - bad[second];
                let failed =
                    |second: usize| Some(bad[second]).filter(|&count| count > 0 || !self.is_lazy);
                match self.shape {
                    Shape::Label => {
                        series("req_total", ",code=\"200\"", &|second| Some(good(second)));
                        series("req_total", ",code=\"500\"", &failed);
                    }
                    Shape::BadSum | Shape::GoodSum => {
                        let is_bad = self.shape == Shape::BadSum;
                        let counted = |second| if is_bad { bad[second] } else { good(second) };
                        series("all_total", "", &|second| Some(total[second]));
                        series("one_total", "", &|second| Some(counted(second) / 3));
                        if !self.lacks_operand {
                            let rest = |second| counted(second) - counted(second) / 3;
                            series("two_total", "", &|second| Some(rest(second)));
                        }
                    }
                }
            }
        }
    }

    fn settings(&self) -> String {
        let selector = format!("{{service=\"{}\"}}", self.name);
        let sum = |name: &str| format!("sum(increase({name}{selector}[$window]))");
        let both = format!("{} + {}", sum("one_total"), sum("two_total"));
        let (total, part) = match self.shape {
            Shape::Label => (
                format!("req_total{selector}"),
                format!(
                    "bad = 'req_total{{service=\"{}\",code=~\"5..\"}}'",
                    self.name
                ),
            ),
            Shape::BadSum => (sum("all_total"), format!("bad = '{both}'")),
            Shape::GoodSum => (sum("all_total"), format!("good = '{both}'")),
        };
        format!(
            "[[slo]]\nservice = \"{}\"\nname = \"up\"\nobjective = 99.0\ntotal = '{total}'\n{part}\n",
            self.name
        )
    }

    fn check(&self, row: &Value) {
        let what = format!("{} {:?}: {row:#}", self.name, self.shape);
        for (window, seconds) in WINDOWS {
            let events = &row["events"][window];
            if self.lacks_operand {
                assert!(row["error_ratio"][window].is_null(), "{window} {what}");
                assert_eq!(row["state"], "unknown", "{what}");
                continue;
            }
            let (least, most) = self.bounds(seconds, &|target| &target.total);
            let total = events["total"]
                .as_f64()
                .unwrap_or_else(|| panic!("{window} {what}"));
            assert!(
                least <= total && total <= most,
                "{window} {least}..{most} {what}"
            );
            let slack = 1.0 + total * NEGLIGIBLE;
            let (bad, most_bad) = if self.shape == Shape::GoodSum {
                // What is taken from all is as uncertain as all.
                let good = self.bounds(seconds, &|target| &target.total);
                let (least_bad, most_bad) = self.bounds(seconds, &|target| &target.bad);
                let blur = good.1 - good.0;
                (least_bad - blur, most_bad + blur)
            } else {
                self.bounds(seconds, &|target| &target.bad)
            };
            let found = events["bad"]
                .as_f64()
                .unwrap_or_else(|| panic!("{window} {what}"));
            assert!(
                bad - slack <= found && found <= most_bad + slack,
                "{window} bad {bad}..{most_bad} {what}"
            );
        }
    }
}

fn hold(seed: u64) {
    let dir = tempfile::tempdir().expect("a folder");
    let mut random = Random::new(seed);
    let services: Vec<_> = (0..SERVICES)
        .map(|number| Service::new(&mut random, number))
        .collect();
    let end = this_minute();
    let begin = end - i64::try_from(SECONDS).expect("seconds") + 1;
    let mut text = String::new();
    for service in &services {
        service.write(&mut text, begin);
    }
    text.push_str("# EOF\n");
    create_blocks(dir.path(), "worlds", &text);
    let server = start(dir.path(), "");
    let answer = status_at(dir.path(), &server.url, &services, end);
    for service in &services {
        service.check(slo(&answer, &format!("{}/up", service.name)));
    }
}

fn status_at(dir: &Path, url: &str, services: &[Service], end: i64) -> Value {
    let mut config =
        format!("[[source]]\nname = \"prod\"\nkind = \"prometheus\"\nurl = \"{url}\"\n");
    config.extend(services.iter().map(Service::settings));
    std::fs::write(dir.join("watchfire.toml"), config).expect("the configuration");
    let (_, answer) = status(
        dir,
        &["--config", "watchfire.toml", "--at", &end.to_string()],
    );
    answer
}

#[test]
fn every_count_lies_within_what_the_scrapes_leave_open() {
    for seed in SEEDS {
        hold(seed);
    }
}
