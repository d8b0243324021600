//! The journal under processes that are killed, disks that are full, and two writers at once.
//!
//! The writers are this test program itself, started anew with a task in its environment.
#![expect(clippy::expect_used, reason = "a test may panic")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use watchfire::domain::{
    Event, Facts, Incident, IncidentStatus, Observation, Origin, Period, Reading, Sample, Severity,
    Slo, SourceName, Turn, What, Window,
};
use watchfire::journal::{Journal, Limits, Place};
use watchfire::store::{Feed, Heard, Offers};

/// Names the file that a writer is to write, and the poll that it begins with; `asked` for one that
/// writes the polls that it is told on its input.
const TASK: &str = "WATCHFIRE_TEST_JOURNAL";
const START: i64 = 1_800_000_000;
const INTERVAL: i64 = 15;
/// How many incidents come and go.
const INCIDENTS: i64 = 7;

fn at(poll: i64) -> Timestamp {
    Timestamp::from_second(START + poll * INTERVAL).expect("a time")
}

fn feeds() -> Vec<Feed> {
    let offers = Offers {
        slos: true,
        incidents: true,
        ..Offers::default()
    };
    let interval = SignedDuration::from_secs(INTERVAL);
    let down = SignedDuration::from_mins(5);
    vec![Feed::new(
        SourceName::new("prod"),
        "prometheus",
        offers,
        interval,
        down,
    )]
}

/// What the source says at a poll: incidents that open and close, and an SLO that burns at times.
fn said(poll: i64) -> Heard {
    let incidents = (0..INCIDENTS).map(|number| {
        // Each is open for a while, and then another time.
        let cycle = 5 + number;
        let status = match (poll / cycle) % 3 {
            0 => IncidentStatus::Triggered,
            1 => IncidentStatus::Acknowledged,
            _ => IncidentStatus::Resolved,
        };
        let id = format!("i{number}");
        Incident::new(id, "something burns", Severity::Page, status)
    });
    let slo = Slo::new(
        "checkout",
        "availability",
        SourceName::new("prod"),
        0.999,
        Period::Rolling(Window::days(30)),
        Origin::Config,
    );
    let unknown = Observation::unknown(Arc::new(slo), at(poll));
    let sample = Sample {
        reading: Reading::Ratio(if poll % 40 < 20 { 0.0001 } else { 0.05 }),
        events: None,
        at: at(poll),
    };
    let windows = unknown.windows.keys().map(|window| (window, sample));
    let seen = Observation {
        windows: windows.collect(),
        period: Some(sample),
        ..unknown
    };
    Heard {
        source: SourceName::new("prod"),
        at: at(poll),
        latency: SignedDuration::from_millis(7),
        next_try: None,
        outcome: Ok(Arc::new(Facts {
            slos: Some(vec![seen]),
            incidents: Some(incidents.collect()),
            ..Facts::default()
        })),
    }
}

fn open(path: &Path) -> Journal {
    let place = Place::File(path.to_owned());
    let (mut journal, remark) = Journal::open(&place, Limits::default(), false).expect("a journal");
    assert_eq!(remark, None, "it was damaged");
    journal.watch(&feeds()).expect("its sources");
    journal
}

/// Not a test of its own: what a writer does that another test starts.
#[test]
fn writer() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    let (first, path) = task.split_once(' ').expect("a poll and a path");
    let polls: Box<dyn Iterator<Item = i64>> = if first == "asked" {
        let lines = std::io::stdin().lines().map_while(Result::ok);
        Box::new(lines.map(|line| line.parse().expect("a number")))
    } else {
        let first: i64 = first.parse().expect("a number");
        Box::new(first..)
    };
    let mut out = std::io::stdout();
    let mut journal = None;
    for poll in polls {
        let journal = journal.get_or_insert_with(|| open(Path::new(path)));
        let word = match journal.keep(&said(poll)) {
            Ok(_) => "kept",
            Err(_) => "refused",
        };
        // Whoever started us is gone: so are we.
        if writeln!(out, "{word} {poll}")
            .and_then(|()| out.flush())
            .is_err()
        {
            return;
        }
    }
}

/// A writer, ended with the test whatever becomes of it.
struct Writer {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Writer {
    /// Starts one that writes from a poll on; `shell` runs before it.
    fn start(path: &Path, first: &str, shell: &str) -> Self {
        let me = std::env::current_exe().expect("this program");
        let mut child = Command::new("sh")
            .arg("-c")
            .arg(format!("{shell} exec \"$0\" \"$@\""))
            .arg(me)
            .args(["--exact", "writer", "--nocapture", "--test-threads=1"])
            .env(TASK, format!("{first} {}", path.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a writer");
        let out = child.stdout.take().expect("its output");
        let lines = BufReader::new(out).lines();
        Self { child, lines }
    }

    /// The next thing it says it did: a word and a poll.
    fn next(&mut self) -> Option<(String, i64)> {
        loop {
            let line = self.lines.next()?.ok()?;
            // The test harness may speak on the same line.
            let mut words = line.split_whitespace().rev();
            let poll = words.next().and_then(|word| word.parse().ok());
            if let (Some(poll), Some(word @ ("kept" | "refused"))) = (poll, words.next()) {
                return Some((word.to_owned(), poll));
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A number from 0 up to `most`, another each time.
fn random(seed: &mut u64, most: u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed % most
}

fn file() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("journal.db");
    (dir, path)
}

/// The newest poll that a journal has, checked to be all of it.
fn newest(journal: &Journal) -> i64 {
    let (_, last) = journal.reach().expect("readable").expect("something");
    let poll = (last.as_second() - START) / INTERVAL;
    let world = journal.world(last).expect("a world");
    let Ok(facts) = said(poll).outcome else {
        unreachable!("the source never fails")
    };
    assert_eq!(
        world.past[0].facts.incidents, facts.incidents,
        "poll {poll}"
    );
    poll
}

/// Every turn of every incident, of a journal that saw all polls up to one.
fn turns(poll: i64) -> usize {
    let status = |poll: i64, number: i64| (poll / (5 + number)) % 3;
    let turned =
        |number: i64| (1..=poll).filter(move |&p| status(p, number) != status(p - 1, number));
    let after: usize = (0..INCIDENTS).map(|number| turned(number).count()).sum();
    after + usize::try_from(INCIDENTS).expect("a few")
}

fn is_turn(event: &Event) -> bool {
    matches!(event.what, What::Incident { turn, .. } if turn != Turn::Gone)
}

#[test]
fn a_writer_killed_at_any_moment_loses_one_poll_at_most_and_the_next_goes_on() {
    let (_dir, path) = file();
    let kills: u64 = std::env::var("KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000);
    let mut seed = 0x5eed_1234_9876_abcd;
    let mut next = 0;
    for round in 0..kills {
        let mut writer = Writer::start(&path, &next.to_string(), "");
        let mut last = next - 1;
        for _ in 0..random(&mut seed, 4) {
            let Some((word, poll)) = writer.next() else {
                break;
            };
            assert_eq!(word, "kept", "round {round}");
            last = poll;
        }
        std::thread::sleep(Duration::from_micros(random(&mut seed, 4_000)));
        writer.child.kill().expect("killed");
        // What it had said before that was kept, and the poll that it was in may be.
        while let Some((_, poll)) = writer.next() {
            last = poll;
        }
        drop(writer);
        if last < 0 && !path.exists() {
            continue;
        }
        let journal = open(&path);
        if journal.reach().expect("readable").is_none() {
            assert!(last < 0, "round {round}: poll {last} is lost");
            continue;
        }
        let kept = newest(&journal);
        assert!(
            kept == last || kept == last + 1,
            "round {round}: {kept} of {last}"
        );
        next = kept + 1;
    }
    assert!(next > 20, "only {next} polls were written");
    let journal = open(&path);
    let events = journal.events_before(at(next), usize::MAX).expect("events");
    assert_eq!(
        events.iter().filter(|event| is_turn(event)).count(),
        turns(next - 1)
    );
}

#[test]
fn a_full_disk_is_told_of_and_what_comes_when_there_is_room_is_kept() {
    let (_dir, path) = file();
    drop(open(&path));
    // No file of the writer may grow above 160 kB: for `SQLite` the disk is full.
    let mut writer = Writer::start(&path, "0", "trap '' XFSZ; ulimit -f 160;");
    let mut kept = -1;
    let mut refused = 0;
    while refused < 20 {
        let (word, poll) = writer.next().expect("it goes on");
        if word == "kept" {
            kept = kept.max(poll);
        } else {
            refused += 1;
        }
        assert!(poll < 100_000, "the disk was never full");
    }
    drop(writer);
    let mut journal = open(&path);
    let had = newest(&journal);
    assert!(had >= kept, "{had} of {kept}");
    let next = had + 50;
    journal.keep(&said(next)).expect("there is room again");
    assert_eq!(newest(&journal), next);
}

#[test]
fn writers_at_once_lose_nothing_and_tell_everything_once() {
    // Two screens of one host, and a host of many.
    for (count, last) in [(2, 200), (5, 80)] {
        let (_dir, path) = file();
        let mut writers: Vec<_> = (0..count)
            .map(|_| Writer::start(&path, "asked", ""))
            .collect();
        for poll in 0..=last {
            for writer in &mut writers {
                let input = writer.child.stdin.as_mut().expect("its input");
                writeln!(input, "{poll}").expect("it listens");
            }
            for writer in &mut writers {
                let kept = Some(("kept".to_owned(), poll));
                assert_eq!(writer.next(), kept, "{count} writers");
            }
        }
        drop(writers);
        let journal = open(&path);
        assert_eq!(newest(&journal), last);
        let events = journal.events_before(at(last), usize::MAX).expect("events");
        let told = events.iter().filter(|event| is_turn(event)).count();
        assert_eq!(told, turns(last), "{count} writers");
    }
}
