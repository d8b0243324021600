//! A month of journal: how long a step into the past takes, how large the file is, what memory it
//! takes to write for long. `cargo bench --bench journal`.

#![expect(
    clippy::expect_used,
    clippy::cast_precision_loss,
    reason = "a bench may panic, and prints few digits"
)]

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use watchfire::domain::{
    Facts, Incident, IncidentStatus, Observation, Origin, Period, Reading, Release, ReleaseStatus,
    Sample, Severity, Slo, SourceName, Window,
};
use watchfire::journal::{Journal, Limits, Place};
use watchfire::store::{Feed, Heard, Offers};

const START: i64 = 1_800_000_000;
const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * MINUTE;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).expect("a time")
}

fn feed(name: &str) -> Feed {
    let offers = Offers {
        slos: true,
        releases: true,
        incidents: true,
        ..Offers::default()
    };
    let interval = SignedDuration::from_secs(15);
    let down = SignedDuration::from_mins(5);
    Feed::new(SourceName::new(name), "prometheus", offers, interval, down)
}

fn open(path: &Path, names: &[&str]) -> Journal {
    let place = Place::File(path.to_owned());
    let (mut journal, _) = Journal::open(&place, Limits::default(), false).expect("a journal");
    let feeds: Vec<_> = names.iter().map(|name| feed(name)).collect();
    journal.watch(&feeds).expect("its sources");
    journal
}

/// SLOs whose ratios move a little all the time; one in twenty burns for an hour a day.
fn slos(count: usize, seconds: i64) -> Vec<Observation> {
    let observed = (0..count).map(|number| {
        let slo = Slo::new(
            format!("service-{number}"),
            "availability",
            SourceName::new("prom"),
            0.999,
            Period::Rolling(Window::days(30)),
            Origin::Config,
        );
        let hour = seconds / 3_600 % 24;
        let burns = number % 20 == 0 && hour == i64::try_from(number).expect("few") % 24;
        let drift = (seconds as f64 / 700.0 + number as f64).sin().abs();
        let ratio = if burns { 0.03 } else { 0.000_2 * drift };
        let sample = Sample {
            reading: Reading::Ratio(ratio),
            events: None,
            at: at(seconds),
        };
        let unknown = Observation::unknown(Arc::new(slo), at(seconds));
        let windows = unknown.windows.keys().map(|window| (window, sample));
        Observation {
            windows: windows.collect(),
            period: Some(sample),
            ..unknown
        }
    });
    observed.collect()
}

fn incidents(seconds: i64, count: i64) -> Vec<Incident> {
    let open = (0..count).map(|number| {
        // Another incident each half hour, for each number.
        let id = format!("i{number}-{}", seconds / 1_800);
        let status = if seconds % 1_800 < 900 {
            IncidentStatus::Triggered
        } else {
            IncidentStatus::Acknowledged
        };
        Incident {
            service: format!("service-{number}").into(),
            ..Incident::new(id, "error budget burns", Severity::Page, status)
        }
    });
    open.collect()
}

fn releases(seconds: i64) -> Vec<Release> {
    let first = seconds / 3_600;
    let hourly = (first.max(40) - 40..=first).map(|hour| Release {
        id: format!("r{hour}").into(),
        service: format!("service-{}", hour % 50).into(),
        version: format!("v1.{hour}.0").into(),
        environment: "production".into(),
        status: ReleaseStatus::Succeeded,
        started_at: Some(at(hour * 3_600)),
        finished_at: Some(at(hour * 3_600 + 60)),
        actor: Some("mara".into()),
        commit: None,
        url: None,
        details: Vec::new(),
        carried: watchfire::domain::Carried::default(),
    });
    hourly.collect()
}

fn heard(source: &str, seconds: i64, facts: Facts) -> Heard {
    Heard {
        source: SourceName::new(source),
        at: at(seconds),
        latency: SignedDuration::from_millis(20),
        next_try: None,
        outcome: Ok(Arc::new(facts)),
    }
}

/// Resident memory of this process, in bytes.
fn resident() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").expect("statm");
    let pages = pages
        .split(' ')
        .nth(1)
        .and_then(|word| word.parse::<u64>().ok());
    pages.expect("pages") * 4_096
}

fn main() {
    let dir = tempfile::tempdir().expect("a folder");
    for (count, days) in [(50, 30), (1_000, 3)] {
        month(&dir.path().join(format!("{count}.db")), count, days);
    }
    soak(&dir.path().join("soak.db"));
}

/// So many days, polled each minute: what is kept is the same as with polls each 15 s.
fn month(path: &Path, count: usize, days: i64) {
    let mut journal = open(path, &["prom", "pager", "deploys"]);
    let begun = Instant::now();
    let mut polls = 0_u32;
    for minute in 0..days * 24 * 60 {
        let seconds = minute * MINUTE;
        let all = [
            (
                "prom",
                Facts {
                    slos: Some(slos(count, seconds)),
                    ..Facts::default()
                },
            ),
            (
                "pager",
                Facts {
                    incidents: Some(incidents(seconds, 4)),
                    ..Facts::default()
                },
            ),
            (
                "deploys",
                Facts {
                    releases: Some(releases(seconds)),
                    ..Facts::default()
                },
            ),
        ];
        for (source, facts) in all {
            journal.keep(&heard(source, seconds, facts)).expect("kept");
            polls += 1;
        }
    }
    let each = begun.elapsed() / polls;
    let size = fs::metadata(path).expect("a file").len();
    let mut steps: Vec<Duration> = Vec::new();
    let mut seconds = days * DAY - MINUTE;
    let (first, _) = journal.reach().expect("readable").expect("something");
    let first = first.as_second() - START;
    // Steps of a minute near now, then moments from all of the month.
    for step in 0..400 {
        let begun = Instant::now();
        black_box(journal.world(at(seconds)).expect("a world"));
        steps.push(begun.elapsed());
        seconds = if step < 100 {
            seconds - MINUTE
        } else {
            first + (days * DAY - first) / 300 * (400 - step) - 1
        };
    }
    steps.sort_unstable();
    println!(
        "{count} SLOs, {days} days: {:.1} MB, from day {:.1} on; a poll kept in {each:.1?} (making it included); \
         a moment p50 {:.2?}, p99 {:.2?}, max {:.2?}",
        size as f64 / 1e6,
        first as f64 / DAY as f64,
        steps[200],
        steps[395],
        steps[399],
    );
}

/// A hundred thousand polls and a million events, and what they leave in memory.
fn soak(path: &Path) {
    let place = Place::File(path.to_owned());
    let limits = Limits {
        max_size: 64 << 20,
        ..Limits::default()
    };
    let (mut journal, _) = Journal::open(&place, limits, false).expect("a journal");
    journal.watch(&[feed("pager")]).expect("its source");
    let (mut events, mut warm) = (0, 0);
    let polls = 100_000;
    for poll in 0..polls {
        let status = if poll % 2 == 0 {
            IncidentStatus::Triggered
        } else {
            IncidentStatus::Resolved
        };
        let all = (0..10).map(|number| {
            let id = format!("i{number}-{}", poll / 20);
            Incident::new(id, "flaps", Severity::Page, status)
        });
        let facts = Facts {
            incidents: Some(all.collect()),
            ..Facts::default()
        };
        events += journal
            .keep(&heard("pager", poll * 15, facts))
            .expect("kept")
            .len();
        if poll == polls / 10 {
            warm = resident();
        }
    }
    let growth = resident().saturating_sub(warm);
    let size = fs::metadata(path).expect("a file").len();
    println!(
        "soak: {polls} polls, {events} events; resident grew by {:.2} MiB after the first tenth; file {:.1} MB of {:.1}",
        growth as f64 / f64::from(1 << 20),
        size as f64 / 1e6,
        limits.max_size as f64 / 1e6,
    );
}
