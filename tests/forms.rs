//! Journals of every form that ever was, as they lie in `tests/fixtures/journal`, are still read.
//!
//! `UPDATE=1 cargo test --test forms` writes the file of the present form anew, and none of an older
//! one. A form that has changed needs another version, and by that a file of its own.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use rusqlite::Connection;
use watchfire::domain::slo::History;
use watchfire::domain::{Burn, Event, Observation, SourceName, State, Turn, What};
use watchfire::insight::handoff::Handoff;
use watchfire::journal::{FORM, Journal, Limits, Place};
use watchfire::store::Store;

#[path = "forms/script.rs"]
mod script;

use script::{DUTY, HANDED_OVER, LAST, PROM, SOURCES, at, feeds};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/journal");

/// Nothing is ever too old, whatever the day.
const FOREVER: Limits = Limits {
    keep: SignedDuration::MAX,
    max_size: u64::MAX,
};

fn fixture(version: i64) -> PathBuf {
    Path::new(FOLDER).join(format!("version-{version}.db"))
}

fn open(path: &Path) -> Journal {
    let place = Place::File(path.to_owned());
    let (mut journal, remark) = Journal::open(&place, FOREVER, false).unwrap();
    assert_eq!(remark, None);
    journal.watch(&feeds()).unwrap();
    journal
}

/// Plays the script into a new file.
fn write(path: &Path) {
    let mut journal = open(path);
    for minute in 0..=LAST {
        for source in SOURCES {
            journal.keep(&script::heard(source, minute)).unwrap();
        }
        if at(minute) == script::done().at {
            journal.note(&script::done()).unwrap();
        }
        if minute == HANDED_OVER {
            let handoff = handed_over(&journal, (0, HANDED_OVER));
            journal.keep_handoff(&handoff).unwrap();
        }
    }
    journal.finish().unwrap();
    // Which process wrote it is nothing to keep.
    let db = Connection::open(path).unwrap();
    db.execute_batch("UPDATE answer SET writer = 1; VACUUM;")
        .unwrap();
}

fn handed_over(journal: &Journal, (since, until): (i64, i64)) -> Handoff {
    let store = Store::new(feeds());
    let made = journal.handoff(&store, (at(since), at(until)));
    made.unwrap().unwrap()
}

/// A copy of the file of a form, in a folder that goes with the first value.
fn copy(version: i64) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    fs::copy(fixture(version), &path).unwrap();
    (folder, path)
}

#[test]
fn a_journal_of_any_form_is_read_and_goes_on() {
    if std::env::var_os("UPDATE").is_some() {
        let folder = tempfile::tempdir_in(FOLDER).unwrap();
        let path = folder.path().join("journal.db");
        write(&path);
        // At once: the other test may be reading it.
        fs::rename(path, fixture(FORM.version)).unwrap();
    }
    for version in 1..=FORM.version {
        let (_folder, path) = copy(version);
        // As it is only read, by `watchfire handoff` and the like; then by who writes it.
        let mut journal = Journal::read(&path).unwrap().unwrap();
        journal.look_for(&feeds()).unwrap();
        holds_the_script(&journal, version);
        drop(journal);
        let mut journal = open(&path);
        holds_the_script(&journal, version);
        for source in SOURCES {
            let happened = journal.keep(&script::heard(source, LAST + 1)).unwrap();
            assert_eq!(happened, [], "version {version}: it is as it was");
        }
        holds_the_script(&journal, version);
        assert_eq!(journal.reach().unwrap(), Some((at(0), at(LAST + 1))));
    }
}

#[test]
fn a_recording_of_any_form_is_played() {
    for version in 1..=FORM.version {
        let (_folder, path) = copy(version);
        let mut recording = Journal::recording(&path).unwrap();
        let feeds = recording.all(|_| "json").unwrap();
        assert_eq!(feeds.len(), SOURCES.len());
        holds_the_script(&recording, version);
    }
}

fn holds_the_script(journal: &Journal, version: i64) {
    match version {
        1 => measurements(journal),
        _ => newest_measurements(journal),
    }
    for minute in [0, 19, 20, 34, 35, 42, 50, 74, 75, 89, 100, LAST] {
        let world = journal.world(at(minute)).unwrap();
        let duty = &world.past[1];
        assert_eq!(*duty.facts, script::facts(DUTY, minute), "minute {minute}");
        assert_eq!(duty.last_success, Some(at(minute)), "minute {minute}");
    }
    let lost = journal.world(at(95)).unwrap().past.remove(1);
    assert_eq!(lost.last_success, Some(at(89)));
    assert_eq!((lost.fault, lost.failures), (Some(script::fault()), 6));
    assert_eq!(*lost.facts, script::facts(DUTY, 89));
    burns(journal, version);
    events(journal);
    let handoff = handed_over(journal, (HANDED_OVER, LAST));
    let changes = handoff.since_last.unwrap();
    assert_eq!(changes.at, at(HANDED_OVER));
    let blind = journal.blind(at(0), at(LAST)).unwrap();
    let told: Vec<_> = blind.iter().map(|one| (one.since, one.until)).collect();
    assert_eq!(told, [(at(90), Some(at(100)))]);
}

/// What was measured last before a moment: each minute of what burns, else every ten.
fn measurements(journal: &Journal) {
    for (minute, checkout, search) in [
        (0, 0, 0),
        (39, 30, 30),
        (40, 40, 40),
        (69, 69, 60),
        (70, 70, 70),
        (LAST, LAST, LAST),
    ] {
        let world = journal.world(at(minute)).unwrap();
        let facts = &world.past[0].facts;
        let seen: Vec<_> = facts.slos.iter().flatten().map(bare).collect();
        let want = [script::checkout(checkout), script::search(search)];
        assert_eq!(seen, want, "minute {minute}");
        assert_eq!(facts.warnings, script::facts(PROM, minute).warnings);
    }
}

/// Since the second form a budget that moved noticeably is a sample as well: half a point, where this one
/// loses a tenth a minute.
fn newest_measurements(journal: &Journal) {
    for minute in 0..=LAST {
        let world = journal.world(at(minute)).unwrap();
        let facts = &world.past[0].facts;
        let seen: Vec<_> = facts.slos.iter().flatten().map(bare).collect();
        let of = |seen: &Observation| at(0).duration_until(seen.at).as_mins();
        let (checkout, search) = (of(&seen[0]), of(&seen[1]));
        let want = [script::checkout(checkout), script::search(search)];
        assert_eq!(seen, want, "minute {minute}");
        let burns = (40..70).contains(&minute);
        let most = if burns { 0 } else { 5 };
        assert!(
            (0..=most).contains(&(minute - checkout)),
            "{minute} {checkout}"
        );
        assert!((0..=5).contains(&(minute - search)), "{minute} {search}");
        assert_eq!(facts.warnings, script::facts(PROM, minute).warnings);
    }
}

/// Without its past, which is drawn of what was kept.
fn bare(seen: &Observation) -> Observation {
    Observation {
        history: History::default(),
        ..seen.clone()
    }
}

fn burns(journal: &Journal, version: i64) {
    let burned = |slo: &str| {
        let time = (at(0), at(LAST));
        let burns = journal.burns(&SourceName::new(PROM), &slo.into(), time);
        burns.unwrap()
    };
    let checkout = burned("checkout/availability");
    if version == 1 {
        // Four while it is calm, thirty while it burns, six after that.
        assert_eq!(checkout.len(), 4 + 30 + 6);
        assert_eq!(burned("search/latency").len(), 13);
    } else {
        let dated = |burn: &Burn| burn.budget_at == Some(burn.at);
        assert!(checkout.iter().all(dated));
    }
    let paging = checkout.iter().filter(|burn| burn.short > Some(20.0));
    assert_eq!(paging.count(), 30);
    let budget = checkout.last().unwrap().budget.unwrap();
    // The last sample is of the last minute, or of a budget that is not noticeably other.
    let exact = if version == 1 { 1e-9 } else { 0.005 };
    assert!((budget - 0.63).abs() < exact, "{budget}");
}

fn events(journal: &Journal) {
    let events = journal.events_before(at(LAST), usize::MAX).unwrap();
    let told: Vec<_> = events.iter().map(told).collect();
    let want = [
        (0, "i2 Opened"),
        (20, "i2 ended"),
        (30, "r1 Running"),
        (35, "r1 Succeeded"),
        (40, "checkout/availability Some(Ok) Page"),
        (42, "i1 Opened"),
        (50, "i1 Acknowledged"),
        (51, "i1 ack by mara"),
        (70, "checkout/availability Some(Page) Ok"),
        (75, "i1 ended"),
        (90, " lost"),
        (100, " back after 11m"),
    ];
    let want = want.map(|(minute, words)| (minute, words.to_owned()));
    assert_eq!(told, want);
    assert!(events.contains(&script::done()));
}

/// The minute of an event, and what it says in short.
fn told(event: &Event) -> (i64, String) {
    let words = match &event.what {
        What::Slo { from, to, .. } => verdicts(*from, *to),
        What::Release { status, .. } => format!("{status:?}"),
        // Older programs told of one that is no longer listed in another word.
        What::Incident {
            turn: Turn::Gone | Turn::Resolved,
            ..
        } => "ended".to_owned(),
        What::Incident { turn, .. } => turned(*turn),
        What::Lost { fault } => {
            assert_eq!(*fault, script::fault());
            "lost".to_owned()
        }
        What::Back { after } => format!("back after {}m", after.as_mins()),
        What::Done { verb, who, .. } => format!("{} by {}", verb.raw(), who.raw()),
        What::Note { text, .. } => text.raw().to_owned(),
        What::Freeze { policy, .. } => policy.raw().to_owned(),
        What::Linked { release, .. } => release.raw().to_owned(),
    };
    let minute = at(0).duration_until(event.at).as_mins();
    (minute, format!("{} {words}", event.subject.raw()))
}

fn verdicts(from: Option<State>, to: State) -> String {
    format!("{from:?} {to:?}")
}

fn turned(turn: Turn) -> String {
    format!("{turn:?}")
}
