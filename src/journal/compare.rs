//! How an answer differs from the newest frame of its source.

use std::borrow::Cow;
use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::frame::{Draft, Part, Rest, RowId, json};
use super::measured::Measured;
use super::tip::{Key, Known, KnownSlo, Mark, Tip, aside, digest};
use super::{happened, millis, ms};
use crate::domain::{
    Burn, Event, Facts, Incident, IncidentStatus, Observation, Phase, Release, Slo, SourceName,
};
use crate::state::database::Trouble;

/// How often numbers are sampled while something burns.
const CLOSELY: SignedDuration = SignedDuration::from_secs(60);
/// How often numbers are sampled of what is calm, and what a source says beside the facts of a row:
/// values in annotations, the time of an update.
const CALMLY: SignedDuration = SignedDuration::from_mins(10);
/// A sample so much early is not early, in milliseconds: nobody polls to the millisecond.
const EARLY: i64 = 2_000;

/// How an answer differs from the newest frame.
pub(super) struct Change {
    pub(super) frame: Draft,
    pub(super) events: Vec<Event>,
    /// Open incidents that are not listed any more.
    pub(super) vanished: Vec<RowId>,
    /// What is to be remembered once this is on the disk.
    pub(super) news: News,
}

/// What is to be remembered of a change that is on the disk.
pub(super) struct News {
    pub(super) is_whole: bool,
    pub(super) gone: Vec<RowId>,
    pub(super) gone_slos: HashSet<Key>,
    pub(super) rows: Vec<(RowId, Known)>,
    pub(super) slos: Vec<(Key, KnownSlo)>,
}

/// Takes down how an SLO burns, by the name of its rows.
pub(super) type TakeDown<'a> = &'a mut dyn FnMut(&str, &Burn) -> Result<(), Trouble>;

/// Compares an answer with what is known, and has burns taken down on the way.
pub(super) fn compare(
    tip: &Tip,
    source: &SourceName,
    facts: &Facts,
    now: Timestamp,
    take_down: TakeDown<'_>,
) -> Result<Change, Trouble> {
    let mut comparing = Comparing {
        tip,
        source,
        now,
        take_down,
        there: HashSet::new(),
        slos_there: HashSet::with_capacity(tip.slos.len()),
        row: Vec::new(),
        change: Change {
            frame: Draft::new(),
            events: Vec::new(),
            vanished: Vec::new(),
            news: News {
                is_whole: tip.is_whole_due(now),
                gone: Vec::new(),
                gone_slos: HashSet::new(),
                rows: Vec::new(),
                slos: Vec::new(),
            },
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

/// An answer on its way through the rows.
struct Comparing<'a> {
    tip: &'a Tip,
    source: &'a SourceName,
    now: Timestamp,
    take_down: TakeDown<'a>,
    there: HashSet<RowId>,
    slos_there: HashSet<Key>,
    /// The row that is looked at, as JSON.
    row: Vec<u8>,
    change: Change,
}

impl Comparing<'_> {
    /// The id of a row, told apart from an earlier one with the same.
    fn id(&mut self, part: Part, id: &str) -> RowId {
        let there = &mut self.there;
        let id = told_apart(id, |id| there.insert((part, id.to_owned())));
        (part, id.into_owned())
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
        if self.change.news.is_whole || was != Some(is) {
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
        let kept = kept.filter(|kept| !self.change.news.is_whole && is_fresh(*kept));
        if kept.is_none() {
            self.look_at(whole)?;
            self.change.frame.put((id.0, &id.1), &self.row)?;
        }
        let is = Known {
            digest,
            details: kept.or(Some((details, self.now))),
            mark,
        };
        self.change.news.rows.push((id, is));
        Ok(())
    }

    fn rest(&mut self, facts: &Facts) -> Result<(), Trouble> {
        let id = self.id(Part::Rest, "");
        self.look_at(&Rest::of(facts))?;
        let is = Known {
            digest: digest(&self.row),
            details: None,
            mark: Mark::Plain,
        };
        let was = self.known(&id).map(|known| known.digest);
        self.put((id.0, &id.1), was, is.digest)?;
        self.change.news.rows.push((id, is));
        Ok(())
    }

    fn slo(&mut self, seen: &Observation) -> Result<(), Trouble> {
        let id = seen.slo.id();
        let (tip, there) = (self.tip, &mut self.slos_there);
        let name = told_apart(id.raw(), |name| there.insert(tip.key(name)));
        let key = tip.key(&name);
        let was = tip.slos.get(&key);
        let standing = seen.standing();
        let is_calm = matches!(standing.phase, None | Some(Phase::Calm));
        let cadence = millis(if is_calm { CALMLY } else { CLOSELY });
        let is_due = was.is_none_or(|was| {
            let age = ms(self.now) - was.sampled + EARLY;
            was.state != standing.state || age >= cadence || age < 0
        });
        if !is_due && !self.change.news.is_whole {
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
        };
        self.change.news.slos.push((key, is));
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
            self.change.news.gone.push(id.clone());
        }
        let known = self.tip.slos.keys();
        let gone = known.filter(|key| !self.slos_there.contains(key));
        self.change.news.gone_slos = gone.copied().collect();
    }
}

/// An id, with a number at its end until it is new.
fn told_apart(id: &str, mut is_new: impl FnMut(&str) -> bool) -> Cow<'_, str> {
    let mut own = Cow::Borrowed(id);
    let mut count = 1;
    while !is_new(&own) {
        own = Cow::Owned(format!("{id}\0{count}"));
        count += 1;
    }
    own
}
