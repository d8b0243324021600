//! Several writers, kills, damage, full disks, wrong clocks and small files.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
fn two_that_see_the_same_write_it_once() {
    let (_dir, path) = place();
    let (mut one, mut two) = (open(&path), open(&path));
    let mut told = 0;
    for poll in 0..40 {
        let seconds = poll * 15;
        let status = if poll < 20 {
            IncidentStatus::Triggered
        } else {
            IncidentStatus::Resolved
        };
        let facts = Facts {
            slos: Some(vec![slo("availability", Some(0.05), seconds)]),
            ..incidents(vec![incident("i1", status)])
        };
        told += one.keep(&said(seconds, facts.clone())).unwrap().len();
        told += two.keep(&said(seconds + 7, facts)).unwrap().len();
    }
    // Opened, a page, resolved.
    assert_eq!(told, 3);
    assert_eq!(one.world(at(9_999)).unwrap().events.len(), 3);
    let burns = two
        .burns(
            &SourceName::new("prod"),
            &"checkout/availability".into(),
            (at(0), at(9_999)),
        )
        .unwrap();
    assert!((10..=12).contains(&burns.len()), "{}", burns.len());
}

#[test]
fn what_keeps_only_one_of_two_from_a_source_is_no_fault_of_it() {
    let (_dir, path) = place();
    let (mut one, mut two) = (open(&path), open(&path));
    for poll in 0..10 {
        one.keep(&said(poll * 15, slos(Vec::new()))).unwrap();
        assert_eq!(two.keep(&failed(poll * 15 + 7)).unwrap(), []);
    }
    assert_eq!(one.blind(at(0), at(150)).unwrap(), []);
    // Until nobody hears it any more.
    let lost = two.keep(&failed(10 * 15 + 20)).unwrap();
    assert!(matches!(lost[0].what, What::Lost { .. }));
}

#[test]
fn sources_of_one_name_that_are_not_the_same_are_kept_apart() {
    let (_dir, path) = place();
    let mut one = open(&path);
    one.keep(&said(
        0,
        incidents(vec![incident("i001", IncidentStatus::Triggered)]),
    ))
    .unwrap();
    let mut other = open(&path);
    let elsewhere = feed("prod").identified_by("prometheus http://elsewhere");
    other.watch(&[elsewhere]).unwrap();
    let world = other.world(at(10)).unwrap();
    assert_eq!(world.past[0].last_success, None);
    assert!(world.events.is_empty());
}

#[test]
fn it_is_for_its_owner_alone() {
    let (_dir, path) = place();
    let _journal = open(&path);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for ending in ["-wal", "-shm", ".lock"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(ending);
        assert_eq!(mode(Path::new(&beside)), 0o600, "{ending}");
    }
}

#[test]
fn a_damaged_one_is_set_aside_and_a_new_one_begun() {
    let (_dir, path) = place();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    // As a crash of the machine may leave it.
    fs::write(&path, [0; 9_000]).unwrap();
    let place = Place::File(path.clone());
    let (mut journal, remark) = Journal::open(&place, Limits::default(), false).unwrap();
    assert!(remark.unwrap().contains("journal.db.damaged"));
    journal.watch(&[feed("prod")]).unwrap();
    journal.keep(&said(0, slos(Vec::new()))).unwrap();
}

/// A journal of two hours of a source, with enough rows for many pages.
fn long(path: &Path) -> i64 {
    let mut journal = open(path);
    for poll in 0..240 {
        let rows = (0..8).map(|number| Incident {
            title: noise(poll * 10 + number).into(),
            ..incident(&format!("i{number}"), IncidentStatus::Triggered)
        });
        let seconds = i64::try_from(poll).unwrap() * 30;
        journal
            .keep(&said(seconds, incidents(rows.collect())))
            .unwrap();
    }
    239 * 30
}

#[test]
fn what_can_be_read_of_a_damaged_one_is_read_and_is_in_the_next() {
    let (_dir, path) = place();
    let last = long(&path);
    let newest = facts(&open(&path), last);
    let size = fs::metadata(&path).unwrap().len();
    for share in [3, 5, 7] {
        let (_dir, copy) = place();
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(&path, &copy).unwrap();
        // Some pages in the middle are lost.
        let mut bytes = fs::read(&copy).unwrap();
        let hole = usize::try_from(size * share / 10).unwrap() / 4_096 * 4_096;
        bytes[hole..hole + 8_192].fill(0xa5);
        fs::write(&copy, bytes).unwrap();
        let mut read = Journal::salvaged(&copy).unwrap();
        read.look_for(&[feed("prod")]).unwrap();
        let (first, end) = read.reach().unwrap().unwrap();
        assert!(first == at(0) || end == at(last), "{first} {end}");
        // Whoever writes it goes on with that.
        let place = Place::File(copy.clone());
        let (mut next, remark) = Journal::open(&place, Limits::default(), true).unwrap();
        assert!(
            remark
                .unwrap()
                .contains("what can be read of it is in the new one")
        );
        next.watch(&[feed("prod")]).unwrap();
        next.keep(&said(last + 30, (*newest).clone())).unwrap();
        assert_eq!(facts(&next, last + 30), newest);
        assert!(next.events_before(at(last), 9_999).unwrap().len() >= 4);
    }
}

#[test]
fn a_frame_that_cannot_be_understood_costs_what_follows_it_up_to_the_next_whole_one() {
    let (_dir, path) = place();
    let last = long(&path);
    let journal = open(&path);
    let newest = facts(&journal, last);
    let spoil = "UPDATE frame SET body = zeroblob(9) WHERE id = 20";
    journal.db.execute(spoil, []).unwrap();
    drop(journal);
    let mut read = Journal::salvaged(&path).unwrap();
    read.look_for(&[feed("prod")]).unwrap();
    assert_eq!(facts(&read, last), newest);
    let place = Place::File(path.clone());
    let (mut next, remark) = Journal::open(&place, Limits::default(), true).unwrap();
    assert!(remark.unwrap().contains("the rest of it stays"));
    next.watch(&[feed("prod")]).unwrap();
    for seconds in (0..last).step_by(30) {
        next.world(at(seconds)).unwrap();
    }
    assert_eq!(facts(&next, last), newest);
}

#[test]
fn what_is_left_of_a_journal_without_its_end_is_not_taken_for_the_present() {
    let (_dir, path) = place();
    let last = long(&path);
    let journal = open(&path);
    let spoil = "UPDATE frame SET body = zeroblob(9) WHERE at >= ?1";
    let beginning = crate::journal::ms(at(last - 600));
    journal.db.execute(spoil, [beginning]).unwrap();
    drop(journal);
    let mut read = Journal::salvaged(&path).unwrap();
    read.look_for(&[feed("prod")]).unwrap();
    let past = read.world(at(last)).unwrap().past.remove(0);
    assert!(past.last_success.unwrap() < at(last - 600), "{past:?}");
    assert!(past.facts.incidents.is_some());
}

#[test]
fn a_file_that_is_no_database_is_left_as_it_is() {
    let (_dir, path) = place();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let text = "notes of somebody, who named the wrong file";
    fs::write(&path, text).unwrap();
    let place = Place::File(path.clone());
    for damaged in [false, true] {
        let Err(trouble @ Trouble::Foreign(_)) = Journal::open(&place, Limits::default(), damaged)
        else {
            panic!("it was taken");
        };
        let words = FORM.fault(&trouble, &path).message.raw().to_owned();
        assert!(words.contains("is no journal of watchfire"), "{words}");
    }
    assert!(matches!(Journal::read(&path), Err(Trouble::Foreign(_))));
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn one_that_can_only_be_read_is_read_and_says_that_nothing_is_kept() {
    let (_dir, path) = place();
    let last = long(&path);
    let mut journal = open(&path);
    let newest = facts(&journal, last);
    journal.locked = Some("attempt to write a readonly database".to_owned());
    assert_eq!(facts(&journal, last), newest);
    let refused = journal.keep(&said(last + 30, Facts::default()));
    let Err(trouble @ Trouble::ReadOnly(_)) = refused else {
        panic!("{refused:?}");
    };
    let words = FORM.fault(&trouble, &path).message.raw().to_owned();
    assert!(
        words.contains("cannot be written, so nothing is kept"),
        "{words}"
    );
    assert_eq!(facts(&journal, last + 60), newest);
}

#[test]
fn a_file_of_another_program_or_a_later_version_is_left_alone() {
    let (_dir, path) = place();
    drop(open(&path));
    for (pragma, words) in [
        ("PRAGMA user_version = 99", "a newer watchfire wrote it"),
        ("PRAGMA application_id = 7", "belongs to another program"),
    ] {
        let db = Connection::open(&path).unwrap();
        db.execute_batch(pragma).unwrap();
        drop(db);
        let place = Place::File(path.clone());
        let opened = Journal::open(&place, Limits::default(), false);
        let Err(Trouble::Other(said) | Trouble::Foreign(said)) = opened else {
            panic!("{pragma} was accepted");
        };
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn a_clock_that_went_back_loses_nothing_and_is_told_of() {
    let (_dir, path) = place();
    let mut journal = open(&path);
    journal.keep(&said(3_600, slos(Vec::new()))).unwrap();
    let Err(Trouble::Other(words)) = journal.keep(&said(0, slos(Vec::new()))) else {
        panic!("it was kept");
    };
    assert!(words.contains("clock is 1h behind"), "{words}");
    // A second is no clock that was set.
    journal.keep(&said(3_599, slos(Vec::new()))).unwrap();
    journal.keep(&said(3_615, slos(Vec::new()))).unwrap();
}

#[test]
fn what_cannot_be_written_is_not_remembered_as_kept() {
    let (_dir, path) = place();
    let mut journal = open(&path);
    journal
        .keep(&said(
            0,
            incidents(vec![incident("i001", IncidentStatus::Triggered)]),
        ))
        .unwrap();
    // No page more than there are: a full disk.
    let full = |journal: &Journal, full: bool| {
        let pages = if full { 1 } else { 1 << 30 };
        let said = journal
            .db
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| {
                row.get::<_, i64>(0)
            });
        said.unwrap();
    };
    full(&journal, true);
    let many: Vec<_> = (0..500)
        .map(|number| {
            let mut one = incident(&format!("i{number:03}"), IncidentStatus::Triggered);
            one.details = vec![("noise".into(), noise(number).into())];
            one
        })
        .collect();
    let refused = journal.keep(&said(15, incidents(many.clone())));
    assert!(refused.is_err());
    full(&journal, false);
    let events = journal.keep(&said(30, incidents(many))).unwrap();
    assert_eq!(events.len(), 499);
    assert_eq!(journal.events_before(at(40), 999).unwrap().len(), 500);
}

/// Text that no compression makes small.
fn noise(seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::new();
    for _ in 0..60 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let _ = write!(text, "{state:x}");
    }
    text
}

#[test]
fn it_stays_below_its_size_and_its_age_and_keeps_the_present() {
    let (_dir, path) = place();
    let place = Place::File(path.clone());
    let limits = Limits {
        keep: SignedDuration::from_hours(48),
        max_size: 1 << 20,
    };
    let (mut journal, _) = Journal::open(&place, limits, false).unwrap();
    journal.watch(&[feed("prod")]).unwrap();
    let many = |poll: u64| -> Vec<_> {
        (0..20)
            .map(|number| {
                let mut one = incident(&format!("i{number:03}"), IncidentStatus::Triggered);
                one.title = noise(poll * 1_000 + number).into();
                one
            })
            .collect()
    };
    let mut seconds = 0;
    for poll in 0..900 {
        seconds = i64::try_from(poll).unwrap() * 120;
        journal.keep(&said(seconds, incidents(many(poll)))).unwrap();
        assert!(
            crate::state::database::size(&journal.db).unwrap() < limits.max_size + (300 << 10),
            "{poll}"
        );
    }
    assert_eq!(*facts(&journal, seconds), incidents(many(899)));
    assert!(facts(&journal, 3_600).incidents.is_none());
    drop(journal);
    assert!(fs::metadata(&path).unwrap().len() < limits.max_size * 2);
}

#[test]
fn a_recording_that_is_hostile_is_refused_and_changes_nothing() {
    let (_dir, path) = place();
    let mut journal = open(&path);
    for poll in 0..10 {
        let facts = incidents(vec![incident("i001", IncidentStatus::Triggered)]);
        journal.keep(&said(poll * 15, facts)).unwrap();
    }
    journal
        .db
        .execute("UPDATE frame SET body = zeroblob(64)", [])
        .unwrap();
    journal
        .db
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    drop(journal);
    let mut recording = Journal::recording(&path).unwrap();
    recording.all(|_| "recorded").unwrap();
    assert!(matches!(recording.world(at(100)), Err(Trouble::Damaged)));
    let nothing = path.with_extension("none");
    assert!(Journal::recording(&nothing).is_err());
    assert!(!nothing.exists());
}

fn same(world: &World, other: &World) -> bool {
    world.past == other.past && world.events == other.events
}

#[test]
fn a_writer_that_is_killed_leaves_what_it_had_written() {
    // The file as it stands after each poll, as a kill would leave it, write-ahead log and all.
    let (_dir, path) = place();
    let mut journal = open(&path);
    let aside = tempfile::tempdir().unwrap();
    for poll in 0..60 {
        let seconds = poll * 15;
        let status = if poll % 7 < 4 {
            IncidentStatus::Triggered
        } else {
            IncidentStatus::Resolved
        };
        let facts = Facts {
            slos: Some(vec![slo("availability", Some(0.05), seconds)]),
            ..incidents(vec![incident("i1", status)])
        };
        journal.keep(&said(seconds, facts)).unwrap();
        let copy = aside.path().join("copy.db");
        for ending in ["", "-wal"] {
            let mut from = path.as_os_str().to_owned();
            from.push(ending);
            let mut to = copy.as_os_str().to_owned();
            to.push(ending);
            fs::copy(&from, &to).unwrap();
        }
        let (left, now) = (open(&copy), at(seconds + 5));
        assert!(
            same(&left.world(now).unwrap(), &journal.world(now).unwrap()),
            "{poll}"
        );
        drop(left);
        for ending in ["", "-wal", "-shm"] {
            let mut gone = copy.as_os_str().to_owned();
            gone.push(ending);
            let _ = fs::remove_file(gone);
        }
    }
}

#[test]
fn what_a_slow_disk_leaves_no_room_for_is_told_of() {
    let (say, heard) = std::sync::mpsc::channel();
    let (go_on, hold) = std::sync::mpsc::channel();
    let feeds = vec![feed("prod")];
    let clerk = Clerk::start(Place::Memory, Limits::default(), feeds, move |said| {
        // Its first word is as late as the disk is slow.
        if matches!(said, Said::Known(_)) {
            hold.recv().unwrap();
        }
        say.send(said).is_ok()
    });
    let clerk = clerk.unwrap();
    for poll in 0..700 {
        let heard = said(poll * 15, slos(Vec::new()));
        clerk.give(Entry::Heard(Box::new(heard)));
    }
    go_on.send(()).unwrap();
    let remark = heard.iter().find_map(|said| match said {
        Said::Remark(words) => Some(words),
        _ => None,
    });
    let remark = remark.unwrap();
    assert!(remark.contains("188 entries were not kept"), "{remark}");
}

#[test]
fn a_recording_that_cannot_be_played_is_called_a_recording_with_its_path() {
    let (_dir, path) = place();
    let last = long(&path);
    let file = path.with_file_name("night.rec");
    let mut journal = Journal::read(&path).unwrap().unwrap();
    journal.all(|_| "json").unwrap();
    journal.extract(&file, (at(0), at(last))).unwrap();
    let whole = fs::read(&file).unwrap();
    assert!(Journal::recording(&file).is_ok());
    let mut damaged = whole.clone();
    damaged[100..].fill(0xaa);
    let mut foreign = whole.clone();
    foreign[68..72].fill(7);
    let mut newer = whole.clone();
    newer[60..64].copy_from_slice(&99_u32.to_be_bytes());
    for (bytes, words) in [
        (damaged, "is damaged"),
        (whole[..whole.len() / 2].to_vec(), "is damaged"),
        (
            b"notes of the night".to_vec(),
            "is no recording of watchfire",
        ),
        (foreign, "is no recording of watchfire"),
        (newer, "a newer watchfire wrote it"),
        (Vec::new(), "cannot be used"),
    ] {
        fs::write(&file, bytes).unwrap();
        let played = || {
            let mut recording = Journal::recording(&file)?;
            recording.all(|_| "json")?;
            recording.world(at(last)).map(|_| ())
        };
        let trouble = played().unwrap_err();
        let said = RECORDING.fault(&trouble, &file).message.raw().to_owned();
        assert!(said.contains(words), "{said}");
        assert!(
            said.contains("night.rec") && said.contains("recording"),
            "{said}"
        );
        assert!(!said.contains("journal"), "{said}");
    }
}
