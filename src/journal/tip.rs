//! What the newest frame of a source holds, remembered by digests, and how an answer differs from it.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher as _};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::frame::{Draft, Part, Rest, RowId, Rows, json, parsed};
use super::happened;
use super::measured::Measured;
use crate::domain::{
    Burn, Event, Facts, Incident, IncidentStatus, Observation, Phase, Release, ReleaseStatus, Slo,
    SourceName, State,
};
use crate::state::database::Trouble;
use crate::text::Untrusted;

/// How often numbers are sampled while something burns.
const CLOSELY: SignedDuration = SignedDuration::from_secs(60);
/// How often numbers are sampled of what is calm, and what a source says beside the facts of a row:
/// values in annotations, the time of an update.
const CALMLY: SignedDuration = SignedDuration::from_mins(10);
/// A whole frame is due when the changes since the last have grown to so many times its size,
const CHANGES: usize = 2;
/// or to this many bytes where it is small,
const LEAST: usize = 32 << 10;
/// or when so much time went by.
const LONGEST: SignedDuration = SignedDuration::from_hours(2);

/// What is remembered of one row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// Of its JSON; of numbers, without their times; of releases and incidents, without details.
    digest: u64,
    /// Of the details, and when they were kept.
    details: Option<(u64, Timestamp)>,
    mark: Mark,
}

/// The part of a row that events are made of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mark {
    Plain,
    Slo { state: State, sampled: Timestamp },
    Release(ReleaseStatus),
    Incident(IncidentStatus),
}

/// The newest frame of a source.
#[derive(Debug, Default)]
pub(super) struct Tip {
    /// Its id; `None` before the first.
    pub(super) frame: Option<i64>,
    rows: HashMap<RowId, Known>,
    /// When the last whole one was made, how large that was, and how large all since.
    whole_at: Option<Timestamp>,
    whole: usize,
    since: usize,
}

/// How an answer differs from the newest frame.
pub(super) struct Change {
    pub(super) is_whole: bool,
    pub(super) frame: Draft,
    pub(super) events: Vec<Event>,
    pub(super) burns: Vec<(String, Burn)>,
    /// Open incidents that are not listed any more.
    pub(super) vanished: Vec<RowId>,
    known: Vec<(RowId, Known)>,
}

/// What is to be remembered of a change that is on the disk.
pub(super) struct News {
    is_whole: bool,
    gone: Vec<RowId>,
    known: Vec<(RowId, Known)>,
}

impl Change {
    /// What is to be written, and what is to be remembered of it after that.
    pub(super) fn parts(self) -> (Draft, News) {
        let news = News {
            is_whole: self.is_whole,
            gone: self.frame.gone().to_vec(),
            known: self.known,
        };
        (self.frame, news)
    }
}

impl Tip {
    /// Remembers what a journal holds. `at` is when its newest frame was made.
    pub(super) fn of(frame: i64, at: Timestamp, rows: &Rows) -> Result<Self, Trouble> {
        let mut known = HashMap::with_capacity(rows.0.len());
        let facts = rows.facts()?;
        let observed = facts.slos.iter().flatten();
        let states: HashMap<_, _> = observed
            .map(|seen| (seen.slo.id(), (seen.standing().state, seen.at)))
            .collect();
        for ((part, id), row) in &rows.0 {
            let mut details = None;
            let (digest, mark) = match part {
                Part::Rest | Part::Slo => (digest(row.get().as_bytes()), Mark::Plain),
                Part::Numbers => {
                    let (state, sampled) = states
                        .get(&id.as_str().into())
                        .copied()
                        .unwrap_or((State::Unknown, at));
                    let numbers: Measured = parsed(row)?;
                    (numbers.digest(), Mark::Slo { state, sampled })
                }
                Part::Release => {
                    let mut release: Release = parsed(row)?;
                    details = Some((aside(&mut release.details)?, at));
                    (digest_of(&release)?, Mark::Release(release.status))
                }
                Part::Incident => {
                    let mut incident: Incident = parsed(row)?;
                    details = Some((aside(&mut incident.details)?, at));
                    (digest_of(&incident)?, Mark::Incident(incident.status))
                }
            };
            let is = Known {
                digest,
                details,
                mark,
            };
            known.insert((*part, id.clone()), is);
        }
        Ok(Self {
            frame: Some(frame),
            rows: known,
            // Who takes a journal over begins with a whole frame before long.
            whole_at: Some(at),
            whole: 0,
            since: LEAST / 2,
        })
    }

    /// Compares an answer with what is known. Changes nothing: see [`Tip::advance`].
    pub(super) fn compare(
        &self,
        source: &SourceName,
        facts: &Facts,
        now: Timestamp,
    ) -> Result<Change, Trouble> {
        let mut comparing = Comparing {
            tip: self,
            source,
            now,
            there: HashSet::with_capacity(self.rows.len()),
            row: Vec::new(),
            change: Change {
                is_whole: self.is_whole_due(now),
                frame: Draft::new(),
                events: Vec::new(),
                burns: Vec::new(),
                vanished: Vec::new(),
                known: Vec::new(),
            },
        };
        comparing.rest(facts)?;
        for seen in facts.slos.iter().flatten() {
            comparing.slo(seen)?;
        }
        for release in facts.releases.iter().flatten() {
            comparing.release(release)?;
        }
        for incident in facts.incidents.iter().flatten() {
            comparing.incident(incident)?;
        }
        comparing.gone(facts);
        Ok(comparing.change)
    }

    fn is_whole_due(&self, now: Timestamp) -> bool {
        let Some(at) = self.whole_at else { return true };
        self.frame.is_none()
            || self.since > LEAST.max(self.whole * CHANGES)
            || now.duration_since(at) > LONGEST
    }

    /// Takes in a change that is on the disk: as which frame, and how large; `None` where nothing
    /// had changed that is kept.
    pub(super) fn advance(&mut self, news: News, written: Option<(i64, usize)>, at: Timestamp) {
        if let Some((frame, size)) = written {
            self.frame = Some(frame);
            if news.is_whole {
                (self.whole_at, self.whole, self.since) = (Some(at), size, 0);
                self.rows.clear();
            } else {
                self.since += size;
            }
        }
        for id in &news.gone {
            self.rows.remove(id);
        }
        self.rows.extend(news.known);
    }
}

/// An answer on its way through the rows.
struct Comparing<'a> {
    tip: &'a Tip,
    source: &'a SourceName,
    now: Timestamp,
    there: HashSet<RowId>,
    /// The row that is looked at, as JSON.
    row: Vec<u8>,
    change: Change,
}

impl Comparing<'_> {
    /// The id of a row, told apart from an earlier one with the same.
    fn id(&mut self, part: Part, id: &str) -> RowId {
        let mut row = (part, id.to_owned());
        let mut count = 1;
        while !self.there.insert(row.clone()) {
            row.1 = format!("{id}\0{count}");
            count += 1;
        }
        row
    }

    fn known(&self, id: &RowId) -> Option<Known> {
        self.tip.rows.get(id).copied()
    }

    /// Has the row that is looked at be this one.
    fn look_at(&mut self, value: &impl Serialize) -> Result<(), Trouble> {
        self.row.clear();
        json(&mut self.row, value)
    }

    /// Keeps the row that is looked at, if it is not as it was.
    fn put(&mut self, id: RowId, digest: u64, mark: Mark) -> Result<(), Trouble> {
        let was = self.known(&id).map(|known| known.digest);
        if self.change.is_whole || was != Some(digest) {
            self.change.frame.put((id.0, &id.1), &self.row)?;
        }
        let is = Known {
            digest,
            details: None,
            mark,
        };
        self.change.known.push((id, is));
        Ok(())
    }

    /// Keeps a row with details, if it is not as it was. Details alone are kept seldom: some change
    /// with each poll.
    fn put_with_details<T: Serialize>(
        &mut self,
        id: RowId,
        whole: &T,
        (facts, details): (&T, u64),
        mark: Mark,
    ) -> Result<(), Trouble> {
        self.look_at(facts)?;
        let digest = digest(&self.row);
        let was = self.known(&id);
        let same = was.filter(|was| was.digest == digest);
        let kept = same.and_then(|same| same.details);
        let is_fresh = |(old, at): (u64, Timestamp)| {
            let age = self.now.duration_since(at);
            old == details || (age < CALMLY && !age.is_negative())
        };
        let kept = kept.filter(|kept| !self.change.is_whole && is_fresh(*kept));
        if kept.is_none() {
            self.look_at(whole)?;
            self.change.frame.put((id.0, &id.1), &self.row)?;
        }
        let is = Known {
            digest,
            details: kept.or(Some((details, self.now))),
            mark,
        };
        self.change.known.push((id, is));
        Ok(())
    }

    fn rest(&mut self, facts: &Facts) -> Result<(), Trouble> {
        let id = self.id(Part::Rest, "");
        self.look_at(&Rest::of(facts))?;
        self.put(id, digest(&self.row), Mark::Plain)
    }

    fn slo(&mut self, seen: &Observation) -> Result<(), Trouble> {
        let name = seen.slo.id();
        let numbers = self.id(Part::Numbers, name.raw());
        let definition = self.id(Part::Slo, name.raw());
        let standing = seen.standing();
        let was = self.known(&numbers).map(|known| known.mark);
        let was = match was {
            Some(Mark::Slo { state, sampled }) => Some((state, sampled)),
            _ => None,
        };
        let is_calm = matches!(standing.phase, None | Some(Phase::Calm));
        let cadence = if is_calm { CALMLY } else { CLOSELY };
        let is_due = was.is_none_or(|(state, sampled)| {
            // A poll's length early is not early: nobody polls to the millisecond.
            let age = self.now.duration_since(sampled) + SignedDuration::from_secs(2);
            state != standing.state || age >= cadence || age.is_negative()
        });
        if !is_due && !self.change.is_whole {
            return Ok(());
        }
        if let Some(event) = happened::to_slo(self.source, seen, &standing, was.map(|was| was.0)) {
            self.change.events.push(event);
        }
        let measured = Measured::of(seen, !is_calm);
        let mark = Mark::Slo {
            state: standing.state,
            sampled: self.now,
        };
        if is_due {
            let burn = Burn::of(seen, &standing);
            self.change.burns.push((numbers.1.clone(), burn));
        }
        self.look_at(&measured)?;
        self.put(numbers, measured.digest(), mark)?;
        let slo: &Slo = &seen.slo;
        self.look_at(slo)?;
        self.put(definition, digest(&self.row), Mark::Plain)
    }

    fn release(&mut self, release: &Release) -> Result<(), Trouble> {
        let id = self.id(Part::Release, release.id.raw());
        let was = match self.known(&id).map(|known| known.mark) {
            Some(Mark::Release(status)) => Some(status),
            _ => None,
        };
        let event = happened::to_release(self.source, release, was, self.now);
        self.change.events.extend(event);
        let mut facts = release.clone();
        let details = aside(&mut facts.details)?;
        let mark = Mark::Release(release.status);
        self.put_with_details(id, release, (&facts, details), mark)
    }

    fn incident(&mut self, incident: &Incident) -> Result<(), Trouble> {
        let id = self.id(Part::Incident, incident.id.raw());
        let was = match self.known(&id).map(|known| known.mark) {
            Some(Mark::Incident(status)) => Some(status),
            _ => None,
        };
        let events = happened::to_incident(self.source, incident, was, self.now);
        self.change.events.extend(events);
        let mut facts = incident.clone();
        let details = aside(&mut facts.details)?;
        let mark = Mark::Incident(incident.status);
        self.put_with_details(id, incident, (&facts, details), mark)
    }

    /// The rows that the answer has no more. Where a part of it failed, what is missing may be there.
    fn gone(&mut self, facts: &Facts) {
        let is_sure = facts.incidents.is_some() && facts.fault.is_none();
        for (id, known) in &self.tip.rows {
            if self.there.contains(id) {
                continue;
            }
            let was_open =
                matches!(known.mark, Mark::Incident(status) if status != IncidentStatus::Resolved);
            if was_open && is_sure {
                self.change.vanished.push(id.clone());
            }
            self.change.frame.take(id.clone());
        }
    }
}

/// Takes the details of a row away, and gives their digest.
fn aside(details: &mut Vec<(Untrusted, Untrusted)>) -> Result<u64, Trouble> {
    digest_of(&std::mem::take(details))
}

fn digest_of(value: &impl Serialize) -> Result<u64, Trouble> {
    let mut row = Vec::new();
    json(&mut row, value)?;
    Ok(digest(&row))
}

fn digest(row: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(row);
    hasher.finish()
}
