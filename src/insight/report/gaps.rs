//! Gaps: times in which a source was blind.

use jiff::Timestamp;

use super::Witness;
use crate::domain::SourceName;

/// A time in which a source was blind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Which source.
    pub source: SourceName,
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// Times in order, those that touch as one.
pub fn merged(mut times: Vec<(Timestamp, Timestamp)>) -> Vec<(Timestamp, Timestamp)> {
    times.retain(|(from, until)| from < until);
    times.sort_unstable();
    let mut all: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (from, until) in times {
        match all.last_mut().filter(|last| last.1 >= from) {
            Some(last) => last.1 = last.1.max(until),
            None => all.push((from, until)),
        }
    }
    all
}

/// When each source was blind to anything.
pub fn all(witnesses: &[(SourceName, Witness)]) -> Vec<Gap> {
    let mut all = Vec::new();
    for (source, witness) in witnesses {
        let topics = [&witness.releases, &witness.incidents, &witness.slos];
        let times = topics.into_iter().flatten().flatten().copied();
        let gaps = merged(times.collect()).into_iter();
        all.extend(gaps.map(|(from, until)| Gap {
            source: source.clone(),
            from,
            until,
        }));
    }
    all.sort_by(|a, b| (a.from, &a.source).cmp(&(b.from, &b.source)));
    all
}
