//! Histories that have too little room: how large they are, and what they still say.

use std::fs;

use super::*;

/// The least room there can be.
const ROOM: u64 = 1 << 20;
/// What one round of scrapes may have written before it is folded in.
const ROUND: u64 = 512 << 10;

const LIMITS: Limits = Limits {
    keep: 35 * DAY,
    max_size: ROOM,
    wanted: 30 * DAY,
};

/// Scrapes of one pod with so many series, one each `step` milliseconds, up to [`NOW`]. Errors come
/// and go.
fn crowd(series: u32, step: i64, scrapes: i64) -> World {
    let mut world = World::default();
    for scrape in 0..scrapes {
        let at = NOW - (scrapes - 1 - scrape) * step;
        let grown = f64::from(i32::try_from(scrape).unwrap());
        for code in 0..series {
            let is_error = code % 10 == 0;
            let burst = (grown / 20.0).floor() * 20.0;
            let value = if is_error { burst } else { grown * 3.0 };
            let code = if is_error {
                500 + code * 1000
            } else {
                200 + code * 1000
            };
            world
                .samples
                .entry((0, code))
                .or_default()
                .push((at, 100.0 + value));
        }
    }
    world
}

/// The bytes of the file, and those of the log beside it.
fn sizes(dir: &TempDir) -> [u64; 2] {
    ["h.db", "h.db-wal"].map(|name| {
        let found = fs::metadata(dir.path().join(name));
        found.map_or(0, |found| found.len())
    })
}

fn crowded() -> Plan {
    let failed = "{__name__=~\"[xy]_total\",code=~\".*500\"}".to_owned();
    plan(&[Sli::Events {
        part: Part::Bad(failed),
        total: "{__name__=~\"[xy]_total\"}".to_owned(),
    }])
}

#[test]
fn a_history_never_takes_more_room_than_it_may() {
    for (series, step, scrapes) in [(40, 15_000, 900), (150, 5_000, 300), (700, 1_000, 90)] {
        let mut most = [0, 0];
        let look = |dir: &TempDir, _: &History| {
            let [file, log] = sizes(dir);
            assert!(file <= ROOM, "{series}: {file}");
            assert!(file + log <= ROOM + ROUND, "{series}: {file} and {log}");
            most = [most[0].max(file), most[1].max(log)];
        };
        let (dir, history) = crowd(series, step, scrapes).write_within(LIMITS, 1, look);
        // It is used all the same,
        assert!(most[0] > ROOM / 2, "{series}: {most:?}");
        // and it is as large as it may be with its log when nothing is written.
        let [file, log] = sizes(&dir);
        assert!(file + log <= ROOM, "{series}: {file} and {log}");
        let words = history.lacks_room().unwrap();
        assert_eq!(words.is_some(), series > 20, "{words:?}");
    }
}

#[test]
fn a_history_without_room_says_the_truth_or_nothing() {
    let plan = crowded();
    for (series, step, scrapes) in [(40, 15_000, 900), (150, 5_000, 300), (700, 1_000, 90)] {
        let world = crowd(series, step, scrapes);
        let mut known = 0;
        let mut round = 0;
        let look = |_: &TempDir, history: &History| {
            round += 1;
            if round % 20 != 0 {
                return;
            }
            let at = NOW - (scrapes - round) * step;
            for (length, sample) in windows(&ask(history, &plan, at)[0]) {
                let Some(found) = sample.reading.ratio() else {
                    continue;
                };
                let failed = world.increase(|code| code % 1000 == 500, at - length, at);
                let total = world.increase(|_| true, at - length, at);
                let truth = Reading::from_events(failed, total).ratio().unwrap();
                let near = (found - truth).abs() < 0.1 * truth.max(0.02);
                assert!(near, "{series} {round} {length}: {found} for {truth}");
                known += 1;
            }
        };
        world.write_within(LIMITS, 1, look);
        assert!(known > 0, "{series}");
    }
}

#[test]
fn a_round_that_cannot_fit_is_refused_with_what_to_do() {
    let world = crowd(9_000, 15_000, 1);
    let dir = tempfile::tempdir().unwrap();
    let (mut history, _) = History::create(&dir.path().join("h.db"), LIMITS, false).unwrap();
    let kept = world.samples.into_iter().flat_map(|((_, code), samples)| {
        samples.into_iter().map(move |(at, value)| Kept {
            series: format!("{{\"__name__\":\"x_total\",\"code\":\"{code}\"}}"),
            at,
            value,
        })
    });
    let scraped = Scraped {
        instance: "app:80".to_owned(),
        up: "{\"__name__\":\"up\"}".to_owned(),
        at: NOW,
        outcome: Ok(kept.collect()),
    };
    let refused = history.record(&[scraped]).unwrap_err().to_string();
    assert!(refused.contains("raise `max_size`"), "{refused}");
    assert!(sizes(&dir)[0] <= ROOM);
}

#[test]
fn what_does_not_fit_is_said_before_it_is_lost() {
    let limits = Limits {
        max_size: 4 << 20,
        ..LIMITS
    };
    let (_dir, history) = crowd(300, 15_000, 2).write_within(limits, 1, |_, _| {});
    let words = history.lacks_room().unwrap().unwrap();
    for word in ["`max_size` is too small", "30d of 301 series", "MiB"] {
        assert!(words.contains(word), "{words}");
    }
    let (_dir, history) = crowd(30, 15_000, 2).write_within(limits, 1, |_, _| {});
    assert_eq!(history.lacks_room().unwrap(), None);
}
