//! What the newest frame of a source holds, remembered by digests.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, DefaultHasher, Hasher as _, RandomState};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::frame::{Part, Row, RowId, Rows, json, parsed};
use super::measured::Measured;
use super::ms;
use super::pieces::{self, Place};
use crate::domain::{Incident, IncidentStatus, Release, ReleaseStatus, Slo, State, Suppression};
use crate::state::database::Trouble;
use crate::text::Untrusted;

/// A whole frame is due when the changes since the last have grown to so many times its size,
const CHANGES: usize = 2;
/// or to this many bytes where it is small,
const LEAST: usize = 32 << 10;
/// or when so much time went by.
const LONGEST: SignedDuration = SignedDuration::from_hours(2);

/// What is remembered of one row that is of no SLO.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// Of its JSON; of releases and incidents, without details.
    pub(super) digest: u64,
    /// Of the details, and when they were kept.
    pub(super) details: Option<(u64, Timestamp)>,
    pub(super) mark: Mark,
    /// The last poll that had it.
    pub(super) poll: u32,
}

/// The part of a row that events are made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mark {
    Plain,
    Release(ReleaseStatus),
    Incident(IncidentStatus, Option<Suppression>),
}

/// Stands for the name of an SLO: there may be ten thousand, and each name is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(u64);

/// What is remembered of the two rows of one SLO.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownSlo {
    /// Digest of its definition, as JSON.
    pub(super) definition: u64,
    /// Digest of its numbers, without their times.
    pub(super) numbers: u64,
    /// When these were sampled, in Unix milliseconds.
    pub(super) sampled: i64,
    pub(super) state: State,
    /// The budget that was left by them.
    pub(super) budget: Option<f64>,
    /// The last poll that had it.
    pub(super) poll: u32,
}

/// What is remembered of the burn history of one SLO: the name of its rows, and a digest of each
/// piece.
#[derive(Debug, Default)]
pub(super) struct KnownPieces {
    pub(super) name: String,
    pub(super) digests: BTreeMap<Place, u64>,
}

impl KnownSlo {
    fn of(definition: &Row, numbers: &Measured) -> Result<Self, Trouble> {
        let slo: Slo = parsed(definition)?;
        let seen = numbers.observation(Arc::new(slo), Vec::new());
        let standing = seen.standing();
        Ok(Self {
            definition: digest(definition.get().as_bytes()),
            numbers: numbers.digest(),
            sampled: ms(seen.at),
            state: standing.state,
            budget: standing.budget_remaining,
            poll: 0,
        })
    }
}

/// The newest frame of a source.
#[derive(Debug, Default)]
pub(super) struct Tip {
    /// Its id; `None` before the first.
    pub(super) frame: Option<i64>,
    pub(super) rows: HashMap<RowId, Known>,
    pub(super) slos: HashMap<Key, KnownSlo>,
    /// Of those that burn.
    pub(super) pieces: HashMap<Key, KnownPieces>,
    /// Makes keys that nobody can foresee: no source can have two of its SLOs taken for one.
    keys: RandomState,
    /// The number of the last poll.
    poll: u32,
    /// When the last whole one was made, how large that was, and how large all since.
    whole_at: Option<Timestamp>,
    whole: usize,
    since: usize,
}

impl Tip {
    /// Remembers what a journal holds. `at` is when its newest frame was made.
    pub(super) fn of(frame: i64, at: Timestamp, rows: &Rows) -> Result<Self, Trouble> {
        let mut tip = Self {
            frame: Some(frame),
            // Who takes a journal over begins with a whole frame before long.
            whole_at: Some(at),
            since: LEAST / 2,
            ..Self::default()
        };
        for ((part, id), row) in &rows.0 {
            let (digest, details, mark) = match part {
                Part::Rest => (digest(row.get().as_bytes()), None, Mark::Plain),
                // Known with its numbers.
                Part::Slo => continue,
                Part::Slices => {
                    let (name, place) = pieces::place_of(id).ok_or(Trouble::Damaged)?;
                    let key = tip.key(name);
                    let known = tip.pieces.entry(key).or_default();
                    name.clone_into(&mut known.name);
                    known.digests.insert(place, digest(row.get().as_bytes()));
                    continue;
                }
                Part::Numbers => {
                    let definition = rows.0.get(&(Part::Slo, id.clone()));
                    let definition = definition.ok_or(Trouble::Damaged)?;
                    let slo = KnownSlo::of(definition, &parsed(row)?)?;
                    tip.slos.insert(tip.key(id), slo);
                    continue;
                }
                Part::Release => {
                    let mut release: Release = parsed(row)?;
                    let details = aside(&mut release.details)?;
                    let mark = Mark::Release(release.status);
                    (digest_of(&release)?, Some((details, at)), mark)
                }
                Part::Incident => {
                    let mut incident: Incident = parsed(row)?;
                    let details = aside(&mut incident.details)?;
                    let mark = Mark::Incident(incident.status, incident.suppression);
                    (digest_of(&incident)?, Some((details, at)), mark)
                }
            };
            let is = Known {
                digest,
                details,
                mark,
                poll: 0,
            };
            tip.rows.insert((*part, id.clone()), is);
        }
        Ok(tip)
    }

    /// What stands for the name of an SLO here.
    pub(super) fn key(&self, name: &str) -> Key {
        Key(self.keys.hash_one(name))
    }

    pub(super) fn is_whole_due(&self, now: Timestamp) -> bool {
        let Some(at) = self.whole_at else { return true };
        self.frame.is_none()
            || self.since > LEAST.max(self.whole * CHANGES)
            || now.duration_since(at) > LONGEST
    }

    /// True when the changes since the last whole frame are larger than so many bytes.
    pub(super) fn has_grown(&self, most: usize) -> bool {
        self.since > most.max(LEAST)
    }

    /// Has the next frame be a whole one.
    pub(super) fn begin_anew(&mut self) {
        self.whole_at = None;
    }

    /// True when its next frame may rest on those before.
    pub(super) fn goes_on(&self) -> bool {
        self.frame.is_some() && self.whole_at.is_some()
    }

    /// Begins another poll; gives its number.
    pub(super) fn next_poll(&mut self) -> u32 {
        self.poll = self.poll.wrapping_add(1);
        self.poll
    }

    /// Takes in which frame its rows are of now, whether that is a whole one, and how large it is.
    pub(super) fn advance(&mut self, (frame, size): (i64, usize), is_whole: bool, at: Timestamp) {
        self.frame = Some(frame);
        if is_whole {
            (self.whole_at, self.whole, self.since) = (Some(at), size, 0);
        } else {
            self.since += size;
        }
    }
}

/// Takes the details of a row away, and gives their digest.
pub(super) fn aside(details: &mut Vec<(Untrusted, Untrusted)>) -> Result<u64, Trouble> {
    digest_of(&std::mem::take(details))
}

fn digest_of(value: &impl Serialize) -> Result<u64, Trouble> {
    let mut row = Vec::new();
    json(&mut row, value)?;
    Ok(digest(&row))
}

pub(super) fn digest(row: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(row);
    hasher.finish()
}
