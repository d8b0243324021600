//! What a journal gives back of what it was given, whoever else writes and however it ends.

use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::domain::{
    Event, Facts, Fault, FaultKind, Incident, IncidentStatus, Observation, Origin, Period, Reading,
    Release, ReleaseStatus, Sample, Severity, Slo, State, Turn, What, Window,
};
use crate::state::database::Trouble;
use crate::store::{Feed, Heard, Offers, World};

mod film;
mod hardship;
mod size;

const START: i64 = 1_800_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).expect("a time")
}

fn place() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("state/journal.db");
    (dir, path)
}

fn feed(name: &str) -> Feed {
    let offers = Offers {
        slos: true,
        releases: true,
        incidents: true,
        ..Offers::default()
    };
    Feed::new(
        SourceName::new(name),
        "prometheus",
        offers,
        SignedDuration::from_secs(15),
        SignedDuration::from_mins(5),
    )
}

fn open(path: &Path) -> Journal {
    let place = Place::File(path.to_owned());
    let (mut journal, remark) = Journal::open(&place, Limits::default(), false).expect("a journal");
    assert_eq!(remark, None);
    journal.watch(&[feed("prod")]).expect("sources");
    journal
}

/// An SLO of 99.9 % whose windows all say one ratio.
fn slo(name: &str, ratio: Option<f64>, seconds: i64) -> Observation {
    let slo = Slo::new(
        "checkout",
        name,
        SourceName::new("prod"),
        0.999,
        Period::Rolling(Window::days(30)),
        Origin::Config,
    );
    let sample = Sample {
        reading: ratio.map_or(Reading::Unknown, Reading::Ratio),
        events: None,
        at: at(seconds),
    };
    let unknown = Observation::unknown(Arc::new(slo), at(seconds));
    Observation {
        windows: unknown.windows.keys().map(|w| (w, sample)).collect(),
        period: Some(sample),
        ..unknown
    }
}

fn incident(id: &str, status: IncidentStatus) -> Incident {
    Incident {
        service: "checkout".into(),
        opened_at: Some(at(0)),
        ..Incident::new(id, "checkout burns", Severity::Page, status)
    }
}

fn release(id: &str, status: ReleaseStatus, started: i64) -> Release {
    Release {
        id: id.into(),
        service: "checkout".into(),
        version: "v2.31.0".into(),
        environment: "production".into(),
        status,
        started_at: Some(at(started)),
        finished_at: None,
        actor: None,
        commit: None,
        url: None,
        details: vec![("image".into(), "checkout:2.31.0".into())],
        carried: crate::domain::Carried::default(),
    }
}

fn said(seconds: i64, facts: Facts) -> Heard {
    heard(seconds, Ok(Arc::new(facts)))
}

fn failed(seconds: i64) -> Heard {
    heard(
        seconds,
        Err(Fault::new(FaultKind::Timeout, "no answer in 10s")),
    )
}

fn heard(seconds: i64, outcome: Result<Arc<Facts>, Fault>) -> Heard {
    Heard {
        source: SourceName::new("prod"),
        at: at(seconds),
        latency: SignedDuration::from_millis(12),
        next_try: None,
        outcome,
    }
}

fn slos(slos: Vec<Observation>) -> Facts {
    Facts {
        slos: Some(slos),
        ..Facts::default()
    }
}

fn incidents(incidents: Vec<Incident>) -> Facts {
    Facts {
        incidents: Some(incidents),
        ..Facts::default()
    }
}

/// What the one source had said at a moment.
fn facts(journal: &Journal, seconds: i64) -> Arc<Facts> {
    Arc::clone(&journal.world(at(seconds)).expect("a world").past[0].facts)
}
