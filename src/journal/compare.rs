//! How an answer differs from the newest frame of its source.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::frame::{Draft, Part, Rest, RowId, json};
use super::measured::Measured;
use super::pieces;
use super::tip::{Key, Known, KnownPieces, KnownSlo, Mark, Tip, aside, digest};
use super::{happened, millis, ms};
use crate::domain::slo::Course;
use crate::domain::{
    Burn, Event, Facts, Incident, IncidentStatus, Observation, Phase, Release, Slo, SourceName,
};
use crate::insight::handoff::NOTICEABLE;
use crate::state::database::Trouble;

/// How often numbers are sampled while something burns.
const CLOSELY: SignedDuration = SignedDuration::from_secs(60);
/// How often numbers are sampled of what is calm, and what a source says beside the facts of a row:
/// values in annotations, the time of an update.
const CALMLY: SignedDuration = SignedDuration::from_mins(10);
/// A budget that moved by so much since the last sample is one more, as what a shift lost is told by
/// samples: half of what a hand-over tells of.
const MOVED: f64 = NOTICEABLE / 2.0;
/// A sample so much early is not early, in milliseconds: nobody polls to the millisecond.
const EARLY: i64 = 2_000;

/// How an answer differs from the newest frame.
pub(super) struct Change {
    pub(super) is_whole: bool,
    pub(super) frame: Draft,
    pub(super) events: Vec<Event>,
    /// Incidents that are over by not being in the answer.
    pub(super) vanished: Vec<RowId>,
    /// SLOs that are not there any more; the frame does not have them yet.
    pub(super) gone: HashSet<Key>,
}

/// Takes down how an SLO burns, by the name of its rows.
pub(super) type TakeDown<'a> = &'a mut dyn FnMut(&str, &Burn) -> Result<(), Trouble>;

/// Compares an answer with what is known, which becomes what it says, and has burns taken down on the
/// way. Where that fails, nothing is known any more.
///
/// `is_first` says that this process keeps an answer of the source for the first time: it may have
/// come before the past was known, so incidents that are missing in it stay as they were.
pub(super) fn compare(
    tip: &mut Tip,
    source: &SourceName,
    (facts, is_first): (&Facts, bool),
    now: Timestamp,
    take_down: TakeDown<'_>,
) -> Result<Change, Trouble> {
    let keeps_missing = is_first && tip.goes_on();
    let change = Change {
        is_whole: tip.is_whole_due(now) && !keeps_missing,
        frame: Draft::new(),
        events: Vec::new(),
        vanished: Vec::new(),
        gone: HashSet::new(),
    };
    let mut comparing = Comparing {
        poll: tip.next_poll(),
        tip,
        source,
        now,
        take_down,
        row: Vec::new(),
        change,
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
    comparing.gone(facts, keeps_missing);
    Ok(comparing.change)
}

/// An answer on its way through the rows.
struct Comparing<'a> {
    tip: &'a mut Tip,
    /// What tells the rows that it has already from those of the frame before.
    poll: u32,
    source: &'a SourceName,
    now: Timestamp,
    take_down: TakeDown<'a>,
    /// The row that is looked at, as JSON.
    row: Vec<u8>,
    change: Change,
}

impl Comparing<'_> {
    /// The id of a row, told apart from an earlier one with the same.
    fn id(&self, part: Part, id: &str) -> RowId {
        let mut row = (part, id.to_owned());
        let mut count = 1;
        while self
            .known(&row)
            .is_some_and(|known| known.poll == self.poll)
        {
            row.1 = numbered(id, count);
            count += 1;
        }
        row
    }

    /// The name of the rows of an SLO, and what stands for that, told apart likewise.
    fn name<'id>(&self, id: &'id str) -> (Cow<'id, str>, Key) {
        let mut name = Cow::Borrowed(id);
        let mut count = 1;
        loop {
            let key = self.tip.key(&name);
            let known = self.tip.slos.get(&key);
            if known.is_none_or(|known| known.poll != self.poll) {
                return (name, key);
            }
            name = Cow::Owned(numbered(id, count));
            count += 1;
        }
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
    fn put(&mut self, id: (Part, &str), was: Option<u64>, is: u64) -> Result<(), Trouble> {
        if self.change.is_whole || was != Some(is) {
            self.change.frame.put(id, &self.row)?;
        }
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
            poll: self.poll,
        };
        self.tip.rows.insert(id, is);
        Ok(())
    }

    fn rest(&mut self, facts: &Facts) -> Result<(), Trouble> {
        let id = self.id(Part::Rest, "");
        self.look_at(&Rest::of(facts))?;
        let is = Known {
            digest: digest(&self.row),
            details: None,
            mark: Mark::Plain,
            poll: self.poll,
        };
        let was = self.known(&id).map(|known| known.digest);
        self.put((id.0, &id.1), was, is.digest)?;
        self.tip.rows.insert(id, is);
        Ok(())
    }

    fn slo(&mut self, seen: &Observation) -> Result<(), Trouble> {
        let id = seen.slo.id();
        let (name, key) = self.name(id.raw());
        let was = self.tip.slos.get_mut(&key).map(|known| {
            known.poll = self.poll;
            *known
        });
        let standing = seen.standing();
        let is_calm = matches!(standing.phase, None | Some(Phase::Calm));
        let cadence = millis(if is_calm { CALMLY } else { CLOSELY });
        let is_due = was.is_none_or(|was| {
            let age = ms(self.now) - was.sampled + EARLY;
            let has_moved = moved(was.budget, standing.budget_remaining) && age >= millis(CLOSELY);
            was.state != standing.state || age >= cadence || age < 0 || has_moved
        });
        if !is_due && !self.change.is_whole {
            return Ok(());
        }
        let from = was.map(|was| was.state);
        let event = happened::to_slo(self.source, seen, &standing, from);
        self.change.events.extend(event);
        if is_due {
            (self.take_down)(&name, &Burn::of(seen, &standing))?;
        }
        let measured = Measured::of(seen, !is_calm);
        let numbers = measured.digest();
        self.look_at(&measured)?;
        self.put((Part::Numbers, &name), was.map(|was| was.numbers), numbers)?;
        let slo: &Slo = &seen.slo;
        self.look_at(slo)?;
        let definition = digest(&self.row);
        self.put(
            (Part::Slo, &name),
            was.map(|was| was.definition),
            definition,
        )?;
        let is = KnownSlo {
            definition,
            numbers,
            sampled: ms(self.now),
            state: standing.state,
            budget: standing.budget_remaining,
            poll: self.poll,
        };
        self.tip.slos.insert(key, is);
        let courses = if is_calm { &[] } else { &*seen.courses };
        self.courses(&name, key, courses)
    }

    /// Keeps the pieces of a burn history that are not as they were.
    fn courses(&mut self, name: &str, key: Key, courses: &[Course]) -> Result<(), Trouble> {
        let before = self.tip.pieces.remove(&key).unwrap_or_default();
        let mut digests = BTreeMap::new();
        let all = courses.iter().enumerate();
        for piece in all.flat_map(|(place, course)| pieces::pieces(place, course)) {
            let was = before.digests.get(&piece.place).copied();
            // The beginning of the oldest is not asked for any more: what was kept of it stays.
            let stays = was.filter(|_| piece.is_cut && !self.change.is_whole);
            let is = if let Some(is) = stays {
                is
            } else {
                self.look_at(&piece.slices)?;
                digest(&self.row)
            };
            let id = pieces::id(name, piece.place);
            self.put((Part::Slices, &id), was, is)?;
            digests.insert(piece.place, is);
        }
        for place in before.digests.keys() {
            if !digests.contains_key(place) {
                let id = pieces::id(name, *place);
                self.change.frame.take((Part::Slices, id));
            }
        }
        if !digests.is_empty() {
            let name = name.to_owned();
            self.tip.pieces.insert(key, KnownPieces { name, digests });
        }
        Ok(())
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
            Some(Mark::Incident(status, suppression)) => Some((status, suppression)),
            _ => None,
        };
        if was.is_none() && incident.is_gone() {
            // Another process knows that it is over.
            return Ok(());
        }
        let events = happened::to_incident(self.source, incident, was, self.now);
        self.change.events.extend(events);
        let mut facts = incident.clone();
        let details = aside(&mut facts.details)?;
        let mark = Mark::Incident(incident.status, incident.suppression);
        self.put_with_details(id, incident, (&facts, details), mark)
    }

    /// The rows that the answer has no more. Where a part of it failed, what is missing may be there.
    fn gone(&mut self, facts: &Facts, keeps_missing: bool) {
        let is_sure = facts.incidents.is_some() && facts.fault.is_none();
        let change = &mut self.change;
        let is_missing = |id: &RowId, known: &mut Known| {
            known.poll != self.poll && !(keeps_missing && id.0 == Part::Incident)
        };
        for (id, known) in self.tip.rows.extract_if(is_missing) {
            let was_open = matches!(
                known.mark,
                Mark::Incident(status, _) if status != IncidentStatus::Resolved
            );
            if was_open && is_sure {
                change.vanished.push(id.clone());
            }
            change.frame.take(id);
        }
        let gone = self.tip.slos.extract_if(|_, known| known.poll != self.poll);
        change.gone = gone.map(|(key, _)| key).collect();
        for key in &change.gone {
            let known = self.tip.pieces.remove(key).unwrap_or_default();
            for place in known.digests.keys() {
                let id = pieces::id(&known.name, *place);
                change.frame.take((Part::Slices, id));
            }
        }
    }
}

/// True when a budget is noticeably other than it was, or came to be known.
fn moved(was: Option<f64>, is: Option<f64>) -> bool {
    match (was, is) {
        (Some(was), Some(is)) => (was - is).abs() >= MOVED,
        (None, None) => false,
        (None, Some(_)) | (Some(_), None) => true,
    }
}

/// An id with a number at its end, for what a source has more than one of.
fn numbered(id: &str, count: usize) -> String {
    format!("{id}\0{count}")
}
