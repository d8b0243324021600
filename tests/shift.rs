//! A scripted shift of eight hours with dead backends in it: what the journal gives back of each
//! moment, and what the hand-over says of the whole, held to the script.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use watchfire::domain::blind::Silence as Unheard;
use watchfire::domain::{Me, SourceName, State};
use watchfire::insight::handoff::{Handoff, Why};
use watchfire::journal::{Journal, Limits, Place};
use watchfire::print;
use watchfire::store::{Feed, Store};

#[path = "shift/script.rs"]
mod script;

use script::{AM, GITHUB, PROD, SOURCES, at, clock, feeds};

/// The journal of the whole shift, written as the screen writes it.
fn played(path: &Path) -> Journal {
    let place = Place::File(path.to_owned());
    let (mut journal, remark) = Journal::open(&place, Limits::default(), false).unwrap();
    assert_eq!(remark, None);
    journal.watch(&feeds()).unwrap();
    for minute in 0..=script::LAST {
        for source in SOURCES {
            if let Some(heard) = script::heard(source, minute) {
                journal.keep(&heard).unwrap();
            }
        }
        // Who came on shift at six was given a hand-over as well.
        if minute == 60 {
            let handoff = handed_over(&journal, (clock("05:00"), clock("06:00")));
            journal.keep_handoff(&handoff).unwrap();
        }
    }
    journal
}

fn store() -> Store {
    let me = Me {
        name: "mara".to_owned(),
        ..Me::default()
    };
    Store::new(feeds()).with_me(me)
}

fn handed_over(journal: &Journal, time: (Timestamp, Timestamp)) -> Handoff {
    journal.handoff(&store(), time).unwrap().unwrap()
}

fn markdown(handoff: &Handoff) -> String {
    let mut text = Vec::new();
    print::handoff::markdown(&mut text, handoff, &TimeZone::UTC).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn every_moment_is_given_back_as_it_was_known_then_and_what_was_unknown_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    drop(played(&path));
    let mut journal = Journal::read(&path).unwrap().unwrap();
    journal.look_for(&feeds()).unwrap();
    let (mut blind, mut burning) = (0, 0);
    // Every seven minutes and a half, and the edges of what happens.
    let seconds = (0..script::LAST * 60 + 600).step_by(450);
    let edges = [
        "09:00", "09:01", "10:30", "11:59", "12:29", "12:30", "13:40", "14:00",
    ];
    let moments = seconds
        .map(|second| at(0) + SignedDuration::from_secs(second))
        .chain(edges.map(clock));
    for moment in moments {
        let world = journal.world(moment).unwrap();
        let then = store().as_of(&world);
        for source in SOURCES {
            let feed = then.feed(&SourceName::new(source)).unwrap();
            same_as_scripted(source, feed, moment);
            blind += usize::from(!feed.freshness(moment).is_current());
        }
        for (feed, seen) in then.slos() {
            let verdict = seen.standing().state;
            let last = script::last_good(feed.name.as_str(), moment).unwrap();
            assert_eq!(verdict, script::verdict(&seen.slo, last), "{moment}");
            burning += usize::from(verdict == State::Page);
        }
    }
    // The script has all of that in it.
    assert!(blind > 20 && burning > 3, "{blind} {burning}");
}

/// What is given back of a source is its last good answer, how old that is, and what was wrong.
fn same_as_scripted(source: &str, feed: &Feed, moment: Timestamp) {
    let good = script::last_good(source, moment);
    assert_eq!(feed.last_success, good.map(at), "{source} at {moment}");
    let is_failing = script::is_failing(source, moment);
    assert_eq!(feed.fault.is_some(), is_failing, "{source} at {moment}");
    let age = good.map(|good| at(good).duration_until(moment));
    let is_known = age.is_some_and(|age| age <= feed.interval * 3);
    assert_eq!(
        feed.freshness(moment).is_current(),
        is_known,
        "{source} at {moment}"
    );
    let facts = good
        .map(|good| script::facts(source, good))
        .unwrap_or_default();
    assert_eq!(feed.facts.releases, facts.releases, "{source} at {moment}");
    assert_eq!(
        feed.facts.incidents, facts.incidents,
        "{source} at {moment}"
    );
    assert_eq!(feed.facts.silences, facts.silences, "{source} at {moment}");
    let ids = |facts: &watchfire::domain::Facts| {
        let rows = facts.slos.iter().flatten();
        rows.map(|seen| seen.slo.id()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&feed.facts), ids(&facts), "{source} at {moment}");
}

#[test]
fn what_was_not_known_is_told_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let journal = played(&folder.path().join("journal.db"));
    let blind = journal.blind(clock("06:00"), clock("14:00")).unwrap();
    let mut told: Vec<_> = blind
        .iter()
        .map(|one| {
            let failed = matches!(one.why, Unheard::Failed(_));
            (one.source.as_str(), one.since, one.until, failed)
        })
        .collect();
    told.sort();
    // A poll that is missing is no blind spot before others are missing too.
    let mut want = vec![
        (AM, clock("11:59"), Some(clock("12:30")), false),
        (GITHUB, clock("09:00"), Some(clock("10:30")), true),
        (GITHUB, clock("11:59"), Some(clock("12:30")), false),
        (PROD, clock("11:59"), Some(clock("12:30")), false),
        (PROD, clock("13:40"), None, true),
    ];
    want.sort();
    assert_eq!(told, want);
    // Before the journal began, nobody watched either.
    let before = journal.blind(clock("04:00"), clock("05:30")).unwrap();
    assert!(before.iter().all(|one| one.why == Unheard::Unwatched));
    assert_eq!(before.len(), SOURCES.len());
}

#[test]
fn the_hand_over_says_of_the_shift_what_the_script_does() {
    let folder = tempfile::tempdir().unwrap();
    let journal = played(&folder.path().join("journal.db"));
    let handoff = handed_over(&journal, (clock("06:00"), clock("14:00")));

    let open: Vec<_> = handoff
        .open
        .iter()
        .map(|one| (one.title.raw(), one.acked_by_me, one.is_new, one.times))
        .collect();
    assert_eq!(
        open,
        [
            ("cart errors", false, true, 1),
            ("old disk", false, false, 0),
            ("search is slow", true, true, 1),
        ]
    );
    // prod is silent since 13:40: neither SLO is known, whatever it said last.
    let slos: Vec<_> = handoff
        .slos
        .rows
        .iter()
        .map(|one| (one.id.raw(), one.state, one.last_state, one.stale_since))
        .collect();
    let silent = Some(clock("13:39"));
    let (unknown, ok) = (State::Unknown, Some(State::Ok));
    assert_eq!(
        slos,
        [
            ("checkout/availability", unknown, ok, silent),
            ("search/latency", unknown, ok, silent),
        ]
    );
    let burned: Vec<_> = handoff
        .slos
        .burned
        .iter()
        .map(|one| (one.id.raw(), one.worst, one.since, one.until))
        .collect();
    // By its onset, three minutes before the verdict.
    let (from, to) = (Some(clock("07:03")), clock("07:40"));
    assert_eq!(burned, [("checkout/availability", State::Page, from, to)]);
    let suspect = handoff.slos.burned[0].suspect.as_ref().unwrap();
    assert!(suspect.raw().starts_with("checkout v2, "), "{suspect:?}");

    let lost = &handoff.slos.budgets_lost;
    assert_eq!(lost.len(), 1);
    assert!((lost[0].from - 0.80).abs() < 1e-6 && (lost[0].to - 0.46).abs() < 1e-6);
    assert!(lost[0].to_at <= clock("13:39") && lost[0].estimate);
    assert_eq!(handoff.slos.budgets_kept, 1);

    let releases: Vec<_> = handoff
        .releases
        .iter()
        .map(|one| (one.version.raw(), one.at, one.suspected_of.len()))
        .collect();
    // The one of 09:30 was learned of when github was back.
    assert_eq!(
        releases,
        [
            ("v2", clock("07:00"), 1),
            ("v1", clock("07:36"), 0),
            ("s9", clock("09:30"), 0),
        ]
    );
    let silences: Vec<_> = handoff
        .silences_ending
        .iter()
        .map(|one| one.ends_at)
        .collect();
    assert_eq!(silences, [clock("15:00")]);

    let over: Vec<_> = handoff
        .resolved
        .iter()
        .map(|one| (one.title.raw(), one.ended_at, one.is_certain, one.times))
        .collect();
    assert_eq!(
        over,
        [
            ("night alert", clock("06:20"), true, 0),
            ("checkout burns", clock("07:45"), true, 1),
            ("flapping probe", clock("11:00"), true, 3),
        ]
    );
    blind_spots(&handoff);
    changes(&handoff);
    insta::assert_snapshot!("shift", markdown(&handoff));
}

fn blind_spots(handoff: &Handoff) {
    let blind: Vec<_> = handoff
        .blind_spots
        .iter()
        .map(|one| {
            let whys: Vec<_> = one.spots.iter().map(|spot| spot.why).collect();
            (one.source.as_str(), one.total_s / 60, whys)
        })
        .collect();
    assert_eq!(
        blind,
        [
            (PROD, 31 + 20, vec![Why::Unwatched, Why::Fault]),
            (GITHUB, 90 + 31, vec![Why::Fault, Why::Unwatched]),
            (AM, 31, vec![Why::Unwatched]),
        ]
    );
}

/// The one before was made at six.
fn changes(handoff: &Handoff) {
    let changes = handoff.since_last.as_ref().unwrap();
    assert_eq!(changes.at, clock("06:00"));
    let titles = |rows: &[watchfire::insight::handoff::Turned]| -> Vec<String> {
        rows.iter().map(|row| row.title.raw().to_owned()).collect()
    };
    assert_eq!(titles(&changes.new), ["cart errors", "search is slow"]);
    assert_eq!(titles(&changes.gone), ["night alert"]);
    let stand_otherwise = ["old disk", "checkout/availability", "search/latency"];
    assert_eq!(titles(&changes.changed), stand_otherwise);
    assert_eq!(changes.budgets.len(), 1);
}

#[test]
fn of_a_time_that_the_journal_does_not_hold_there_is_no_hand_over() {
    let folder = tempfile::tempdir().unwrap();
    let journal = played(&folder.path().join("journal.db"));
    let none = |since: &str, until: &str| {
        let time = (clock(since), clock(until));
        journal
            .handoff(&store(), time)
            .unwrap()
            .unwrap_err()
            .to_string()
    };
    let words = none("20:00", "22:00");
    assert!(
        words.contains("from 2026-11-22 05:00 UTC to 2026-11-22 14:00 UTC"),
        "{words}"
    );
    none("03:00", "04:00");
    // Nor of half an hour in which nobody watched.
    none("12:05", "12:25");
}
