//! The files stay within their size, and a month of what a small team watches fits.

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::domain::slo::{Course, Slice};

const MIB: u64 = 1 << 20;

/// The bytes of everything that lies in the folder of a journal.
fn all_files(path: &Path) -> u64 {
    let files = fs::read_dir(path.parent().unwrap()).unwrap();
    files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum()
}

/// Alerts of a fleet that flaps: every second one is another each time, and none is like the last.
fn fleet(count: u64, poll: u64) -> Facts {
    let alerts = (0..count).filter(|number| (number + poll).is_multiple_of(2));
    let alerts = alerts.map(|number| {
        let mut alert = incident(&format!("i{number}"), IncidentStatus::Triggered);
        let noise = (number * 1_000_003 + poll).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        alert.title = format!("alert {number}: {noise:x}{:x}", noise.rotate_left(17)).into();
        alert
    });
    incidents(alerts.collect())
}

/// Whether a journal gives back all these incidents, in whatever order. Beside them may be what the
/// first answer of a process lacks: it is over only by the next one.
fn holds(journal: &Journal, seconds: i64, said: &Facts) -> bool {
    let titles = |facts: &Facts| {
        let rows = facts.incidents.iter().flatten();
        rows.map(|one| one.title.raw().to_owned())
            .collect::<std::collections::BTreeSet<_>>()
    };
    titles(&facts(journal, seconds)).is_superset(&titles(said))
}

#[derive(Debug, Clone)]
struct Session {
    source: u8,
    alerts: u64,
    polls: u64,
    /// Seconds between polls.
    pace: u64,
    is_killed: bool,
}

fn session() -> impl Strategy<Value = Session> {
    let pace = prop_oneof![Just(1), Just(15), Just(3_600)];
    (0_u8..3, 1_u64..1_200, 1_u64..8, pace, any::<bool>()).prop_map(
        |(source, alerts, polls, pace, is_killed)| Session {
            source,
            alerts,
            polls,
            pace,
            is_killed,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// After any session, however it ended: the newest is there, and all files together are at most
    /// a quarter larger than `max_size`. Sources that are watched no more do not keep anything.
    #[test]
    fn after_any_sequence_of_sessions_the_files_are_within_their_size(
        sessions in prop::collection::vec(session(), 1..7), cap in 1_u64..4,
    ) {
        let (_dir, path) = place();
        let limits = Limits { max_size: cap * MIB, ..Limits::default() };
        let mut now = 0;
        for session in sessions {
            let place = Place::File(path.clone());
            let (mut journal, _) = Journal::open(&place, limits, false).unwrap();
            let name = format!("source {}", session.source);
            journal.watch(&[feed(&name)]).unwrap();
            let mut last = Facts::default();
            for poll in 0..session.polls {
                now += session.pace;
                let seconds = i64::try_from(now).unwrap();
                last = fleet(session.alerts, poll);
                let heard = Heard { source: SourceName::new(&name), ..said(seconds, last.clone()) };
                journal.keep(&heard).unwrap();
            }
            let seconds = i64::try_from(now).unwrap();
            prop_assert!(holds(&journal, seconds, &last), "the newest is lost");
            if session.is_killed {
                // As it lies there while the process runs, and when that is killed.
                prop_assert!(all_files(&path) <= cap * MIB / 4 * 5, "{}", all_files(&path));
            }
            drop(journal);
            prop_assert!(all_files(&path) <= cap * MIB / 4 * 5, "{}", all_files(&path));
        }
    }
}

#[test]
fn a_file_of_a_larger_size_is_made_smaller_and_a_damaged_one_beside_it_goes_first() {
    let (_dir, path) = place();
    let place = Place::File(path.clone());
    let (mut journal, _) = Journal::open(&place, Limits::default(), false).unwrap();
    journal.watch(&[feed("prod")]).unwrap();
    for poll in 0..40 {
        let seconds = i64::try_from(poll).unwrap();
        journal.keep(&said(seconds, fleet(2_000, poll))).unwrap();
    }
    drop(journal);
    fs::write(crate::state::beside(&path, ".damaged"), vec![7; 3 << 20]).unwrap();
    assert!(all_files(&path) > 8 * MIB, "{}", all_files(&path));
    let limits = Limits {
        max_size: 2 * MIB,
        ..Limits::default()
    };
    let (mut journal, _) = Journal::open(&place, limits, false).unwrap();
    journal.watch(&[feed("prod")]).unwrap();
    journal.keep(&said(40, fleet(2_000, 40))).unwrap();
    assert!(holds(&journal, 40, &fleet(2_000, 40)), "the newest is lost");
    drop(journal);
    assert!(all_files(&path) <= 2 * MIB / 4 * 5, "{}", all_files(&path));
}

#[test]
fn an_answer_that_is_larger_than_the_file_may_be_is_refused_and_told_of() {
    let (_dir, path) = place();
    let limits = Limits {
        max_size: MIB,
        ..Limits::default()
    };
    let (mut journal, _) = Journal::open(&Place::File(path.clone()), limits, false).unwrap();
    journal.watch(&[feed("prod")]).unwrap();
    let Err(Trouble::Full(words)) = journal.keep(&said(0, fleet(40_000, 0))) else {
        panic!("it was kept");
    };
    assert!(words.contains("raise `max_size` of [journal]"), "{words}");
    journal.keep(&said(15, fleet(100, 1))).unwrap();
    assert!(holds(&journal, 15, &fleet(100, 1)), "the newest is lost");
    drop(journal);
    assert!(all_files(&path) <= MIB / 4 * 5, "{}", all_files(&path));
}

/// How bad events came in the hours before a moment, as a Prometheus source asks for them.
fn burn_history(seconds: i64) -> Arc<[Course]> {
    let course = |step: i64, reach: i64| Course {
        slices: (0..reach / step)
            .map(|back| seconds.div_euclid(step) * step - (reach / step - 1 - back) * step)
            .map(|end| {
                #[expect(clippy::cast_precision_loss, reason = "small numbers")]
                let noise = ((end * 7_919).rem_euclid(10_007)) as f64 / 10_007.0;
                Slice {
                    at: at(end),
                    bad: 40.0 * noise / 3.0,
                    total: 2_000.0 + 100.0 * noise / 7.0,
                }
            })
            .collect(),
        from: at(seconds - reach),
        step: SignedDuration::from_secs(step),
        width: SignedDuration::from_secs(2 * step),
        counted: true,
    };
    Arc::from([
        course(60, 6 * 3_600),
        course(300, 30 * 3_600),
        course(600, 72 * 3_600),
    ])
}

/// SLOs that count, of which the first ones burn; every number is another at each poll.
fn measured(count: i64, burning: i64, seconds: i64) -> Facts {
    let rows = (0..count).map(|number| {
        let burns = number < burning;
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let noise = (((seconds + number * 131) * 7_919).rem_euclid(10_007)) as f64 / 10_007.0;
        let ratio = if burns {
            0.0201 + noise / 1e3
        } else {
            noise / 3e4
        };
        let row = slo(&format!("slo-{number}"), Some(ratio), seconds);
        let total = 30_000.0 + noise * 977.7;
        let counted = |sample: Sample| Sample {
            events: Some(crate::domain::Events {
                bad: total * ratio,
                total,
            }),
            ..sample
        };
        Observation {
            windows: row
                .windows
                .iter()
                .map(|(window, one)| (window, counted(one)))
                .collect(),
            period: row.period.map(|period| Sample {
                reading: Reading::Ratio(0.0004 + noise / 1e5),
                ..counted(period)
            }),
            courses: if burns {
                burn_history(seconds)
            } else {
                Arc::from([])
            },
            ..row
        }
    });
    slos(rows.collect())
}

/// The bytes that a day of polls each minute leaves behind, after a morning of them.
fn bytes_of_a_day(count: i64, burning: i64) -> u64 {
    let mut journal = Journal::open(&Place::Memory, Limits::default(), false)
        .unwrap()
        .0;
    journal.watch(&[feed("prod")]).unwrap();
    let mut size_at = |hours: std::ops::Range<i64>| {
        for minute in hours.start * 60..hours.end * 60 {
            let facts = measured(count, burning, minute * 60);
            journal.keep(&said(minute * 60, facts)).unwrap();
        }
        crate::state::database::size(&journal.db).unwrap()
    };
    let morning = size_at(0..3);
    // A sixth of a day stands for the whole.
    (size_at(3..7) - morning) * 6
}

#[test]
fn thirty_days_of_fifty_slos_of_which_two_percent_burn_fit() {
    let standard = Limits::default();
    for (count, burning, days) in [(50, 1, 30), (22, 1, 30)] {
        let day = bytes_of_a_day(count, burning);
        println!("{count} SLOs, {burning} burning: {} kB a day", day / 1_000);
        let room = standard.max_size / 8 * 7;
        assert!(
            day * days < room,
            "{count} SLOs, {burning} burning: {day} bytes a day"
        );
    }
}
