//! The file: what it keeps, what it gives up, and who may write it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use super::write::AHEAD;
use super::*;
use crate::state::Lock;
use crate::state::database::pragma;

const LIMITS: Limits = Limits {
    keep: 35 * 24 * HOUR,
    max_size: 256 << 20,
    wanted: 30 * 24 * HOUR,
};
const NOW: i64 = 1_800_000_000_000;

fn place() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/app.db");
    (dir, path)
}

fn open(path: &Path) -> History {
    let (history, warning) = History::create(path, LIMITS, false).unwrap();
    assert_eq!(warning, None);
    history
}

fn series(name: &str) -> String {
    format!("{{\"__name__\":\"{name}\"}}")
}

fn round(at: i64, samples: &[(&str, f64)]) -> Vec<Scraped> {
    let kept = samples.iter().map(|(name, value)| Kept {
        series: series(name),
        at,
        value: *value,
    });
    vec![Scraped {
        instance: "app:80".to_owned(),
        up: series("up"),
        at,
        outcome: Ok(kept.collect()),
    }]
}

/// Everything of one series in a tier, oldest first.
fn all(history: &History, tier: Tier, name: &str) -> Vec<Segment> {
    let labels = series(name);
    let known = history.series_after(0).unwrap();
    let known = known.iter().find(|(_, text)| *text == labels);
    let Some(&(wanted, _)) = known else {
        return Vec::new();
    };
    let mut found = Vec::new();
    history
        .scan(tier, (0, i64::MAX / 2), i64::MAX / 2, |id, segment| {
            found.extend((id == wanted).then_some(segment));
        })
        .unwrap();
    found.reverse();
    found
}

#[test]
fn minutes_and_hours_say_what_the_samples_said() {
    let (_dir, path) = place();
    let mut history = open(&path);
    let begin = floor(NOW, HOUR);
    // A counter that is reset every seventh scrape, over three hours.
    for step in 0..3 * 240 {
        let value = f64::from((step % 7) * 5 + step % 3);
        let samples = [("x", value)];
        history
            .record(&round(begin + i64::from(step) * 15_000, &samples))
            .unwrap();
    }
    let samples = all(&history, Tier::Samples, "x");
    assert_eq!(samples.len(), 720);
    for (tier, width, rows) in [(Tier::Minutes, MINUTE, 180), (Tier::Hours, HOUR, 3)] {
        let found = all(&history, tier, "x");
        assert_eq!(found.len(), rows);
        for segment in found {
            let start = floor(segment.first_at, width);
            let inside = samples
                .iter()
                .filter(|one| (start..start + width).contains(&one.first_at));
            assert_eq!(Some(segment), inside.copied().reduce(Segment::then));
        }
    }
}

#[test]
fn a_restart_goes_on_where_the_last_round_ended() {
    let (_dir, path) = place();
    let mut history = open(&path);
    history.record(&round(NOW, &[("x", 5.0)])).unwrap();
    drop(history);
    let mut history = open(&path);
    assert_eq!(
        history.record(&round(NOW + 15_000, &[("x", 9.0)])).unwrap(),
        None
    );
    let hour = all(&history, Tier::Hours, "x");
    assert_eq!((hour[0].count, hour[0].increase), (2, 4.0));
    // A clock that went back is told, and nothing is counted twice.
    assert_eq!(
        history.record(&round(NOW, &[("x", 50.0)])).unwrap(),
        Some(15_000)
    );
    assert_eq!(all(&history, Tier::Hours, "x"), hour);
}

#[test]
fn samples_far_ahead_or_older_than_what_is_kept_are_left_out() {
    let (_dir, path) = place();
    let mut history = open(&path);
    let mut scraped = round(NOW, &[("x", 1.0), ("y", 1.0), ("z", 1.0)]);
    if let Ok(kept) = &mut scraped[0].outcome {
        kept[0].at = NOW + AHEAD + 1;
        kept[1].at = NOW - LIMITS.keep;
        kept[2].at = NOW - HOUR;
    }
    history.record(&scraped).unwrap();
    let counts = ["x", "y", "z"].map(|name| all(&history, Tier::Samples, name).len());
    assert_eq!(counts, [0, 0, 1]);
}

#[test]
fn what_is_too_old_goes_and_the_finer_goes_first() {
    let (_dir, path) = place();
    let mut history = open(&path);
    let days = |days: i64| NOW - days * 24 * HOUR;
    for (at, name) in [
        (days(40), "gone"),
        (days(30), "x"),
        (days(2), "x"),
        (NOW - HOUR, "x"),
        (NOW, "x"),
    ] {
        history.record(&round(at, &[(name, 1.0)])).unwrap();
    }
    history.prune(NOW).unwrap();
    let counts =
        [Tier::Samples, Tier::Minutes, Tier::Hours].map(|tier| all(&history, tier, "x").len());
    assert_eq!(counts, [2, 3, 4]);
    let names = history.series_after(0).unwrap();
    assert!(!names.iter().any(|(_, labels)| *labels == series("gone")));
    // A series that comes back has a number of its own.
    history.record(&round(NOW + 1, &[("gone", 1.0)])).unwrap();
    assert_eq!(all(&history, Tier::Samples, "gone").len(), 1);
}

#[test]
fn a_file_that_is_too_large_loses_its_oldest_and_never_the_present() {
    let (_dir, path) = place();
    let limits = Limits {
        max_size: 1 << 20,
        ..LIMITS
    };
    let (mut history, _) = History::create(&path, limits, false).unwrap();
    let names: Vec<_> = (0..200).map(|number| format!("x{number}")).collect();
    let samples: Vec<_> = names.iter().map(|name| (name.as_str(), 1.0)).collect();
    for hour in (0..150).rev() {
        history.record(&round(NOW - hour * HOUR, &samples)).unwrap();
    }
    history.prune(NOW).unwrap();
    assert!(pragma(&history.db, "page_count").unwrap() * 4096 <= 1 << 20);
    assert!(history.lost);
    assert_eq!(
        all(&history, Tier::Samples, "x0")
            .last()
            .map(|one| one.last_at),
        Some(NOW)
    );
    assert!(all(&history, Tier::Hours, "x0").len() > 5);
}

#[test]
fn the_file_is_its_owners_alone_and_one_process_writes_it() {
    let (_dir, path) = place();
    let lock = Lock::take(&path).unwrap();
    assert!(lock.is_some());
    assert!(Lock::take(&path).unwrap().is_none());
    assert!(
        History::read(&path, LIMITS).unwrap().is_none(),
        "nothing is there yet"
    );
    let mut history = open(&path);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    // A reader sees each round as it is written.
    let reader = History::read(&path, LIMITS).unwrap().unwrap();
    history.record(&round(NOW, &[("x", 1.0)])).unwrap();
    assert_eq!(all(&reader, Tier::Samples, "x").len(), 1);
    assert_eq!(reader.targets().unwrap()[0].instance, "app:80");
    drop(lock);
    assert!(Lock::take(&path).unwrap().is_some());
}

#[test]
fn a_damaged_file_is_set_aside_and_a_new_one_begun() {
    let (_dir, path) = place();
    drop(open(&path));
    let begun = [b"SQLite format 3\0".as_slice(), &[0xa5; 5_000]].concat();
    fs::write(&path, begun).unwrap();
    assert!(matches!(
        History::read(&path, LIMITS),
        Err(Trouble::Damaged)
    ));
    let (mut history, warning) = History::create(&path, LIMITS, false).unwrap();
    assert!(warning.unwrap().contains("app.db.damaged"));
    history.record(&round(NOW, &[("x", 1.0)])).unwrap();
    drop(history);
    // Damage that only shows in use.
    let (history, warning) = History::create(&path, LIMITS, true).unwrap();
    assert!(warning.is_some());
    assert_eq!(all(&history, Tier::Samples, "x"), []);
}

#[test]
fn a_file_of_another_program_or_of_a_later_version_is_left_alone() {
    let (_dir, path) = place();
    drop(open(&path));
    let db = Connection::open(&path).unwrap();
    db.execute_batch("PRAGMA user_version = 99").unwrap();
    let Err(Trouble::Other(words)) = History::create(&path, LIMITS, false) else {
        panic!("a later version was accepted");
    };
    assert!(words.contains("newer"), "{words}");
    db.execute_batch("PRAGMA user_version = 1; PRAGMA application_id = 7")
        .unwrap();
    let Err(Trouble::Foreign(words)) = History::create(&path, LIMITS, false) else {
        panic!("another program's file was accepted");
    };
    assert!(words.contains("another program"), "{words}");
}

#[test]
fn the_place_follows_the_base_directory_specification() {
    let with = |state: Option<&'static str>, home: Option<&'static str>| {
        default_path("my app/1", move |name| {
            let value = if name == "HOME" { home } else { state };
            value.map(PathBuf::from)
        })
    };
    let file = |path: &str| Some(PathBuf::from(path));
    assert_eq!(
        with(Some("/s"), Some("/h")),
        file("/s/watchfire/my_app_1.db")
    );
    assert_eq!(
        with(Some("s"), Some("/h")),
        file("/h/.local/state/watchfire/my_app_1.db")
    );
    assert_eq!(with(None, None), None);
}
