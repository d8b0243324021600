//! The hand-over: what the next on shift has to know, from what was seen and done in a time.
//!
//! It is a function of what a journal holds. A row is told as it was last heard, with who cannot say
//! any more whether it still holds; what nobody could know is told as such and never left out, since
//! an empty list and a blind one look the same.

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};

use crate::domain::blind::Blind;
use crate::domain::{Event, Facts, Freshness, Me, SourceName};
use crate::text::Untrusted;

mod blind;
mod deeds;
mod freezes;
mod incidents;
mod last;
mod objectives;
mod releases;
mod silences;
#[cfg(test)]
mod tests;

pub use blind::{Spot, Spots, Why};
pub use deeds::{Act, Deeds, Noted};
pub use freezes::Frozen;
pub use incidents::{Open, Over};
pub use last::{Changes, Kept, Moved, Turned};
pub use objectives::{Burned, DATED, Lost, NOTICEABLE, Objective, Objectives, SAMPLED};
pub use releases::{Released, Suspected};
pub use silences::Ending;

/// Everything that a hand-over is made of.
#[derive(Clone, Debug)]
pub struct Shift<'a> {
    /// When it began.
    pub since: Timestamp,
    /// When it ended: the moment that is handed over.
    pub until: Timestamp,
    /// Who hands over.
    pub me: &'a Me,
    /// What each source had said by the end.
    pub witnesses: Vec<Witness<'a>>,
    /// What happened within it, oldest first.
    pub events: &'a [Event],
    /// The freezes of releases that had begun before it and not ended.
    pub frozen: &'a [Event],
    /// When nothing was known within it.
    pub blind: &'a [Blind],
    /// The budgets over its time.
    pub balances: &'a [Balance],
    /// When burns of it began, as was known at several moments; oldest moment first.
    pub onsets: &'a [Began],
    /// The releases that were suspected within it.
    pub suspicions: &'a [Suspicion],
    /// The hand-over before this one.
    pub last: Option<&'a Kept>,
}

/// One source at the end of a shift.
#[derive(Clone, Debug)]
pub struct Witness<'a> {
    /// Which.
    pub name: &'a SourceName,
    /// How far its facts can be trusted to be of that moment.
    pub freshness: Freshness,
    /// When it last answered.
    pub last_success: Option<Timestamp>,
    /// What was wrong with it.
    pub fault: Option<&'a Untrusted>,
    /// What it said.
    pub facts: &'a Facts,
    /// What it can speak of, whether or not it has.
    pub topics: Topics,
}

/// What a source speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Topics {
    /// What is burning.
    pub slos: bool,
    /// What changed.
    pub releases: bool,
    /// Who has it.
    pub incidents: bool,
}

/// The budget of an SLO over time: the moment it was evaluated for, and how much of it was left, 1 for
/// all.
#[derive(Clone, Debug, PartialEq)]
pub struct Balance {
    /// Who measures it.
    pub source: SourceName,
    /// Which SLO.
    pub slo: Untrusted,
    /// Oldest first.
    pub points: Vec<(Timestamp, f64)>,
}

/// When the burn of an SLO began, as was known at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Began {
    /// Who measures it.
    pub source: SourceName,
    /// Which SLO.
    pub slo: Untrusted,
    /// The beginning.
    pub at: Timestamp,
    /// The moment.
    pub known_at: Timestamp,
}

/// A release that may have been behind a burn of the shift.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspicion {
    /// Who tells of the release.
    pub source: SourceName,
    /// What that source calls it.
    pub release: Untrusted,
    /// Whose it is, and which version.
    pub service: Untrusted,
    /// Likewise.
    pub version: Untrusted,
    /// Who measures the SLO that burned.
    pub measured_by: SourceName,
    /// Which SLO burned.
    pub slo: Untrusted,
    /// Why it is suspected.
    pub reason: Untrusted,
}

/// A hand-over. Its JSON form is a contract: fields are added, never changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Handoff {
    /// When the shift began.
    #[serde(serialize_with = "crate::domain::clock::seconds")]
    pub since: Timestamp,
    /// The moment that is handed over.
    #[serde(serialize_with = "crate::domain::clock::seconds")]
    pub until: Timestamp,
    /// Who hands over; empty where nobody is named.
    #[serde(serialize_with = "said")]
    pub by: Untrusted,
    /// Whether it is known who that is to the sources: else nothing can be told to be theirs.
    pub knows_me: bool,
    /// When any source answered last before its end.
    #[serde(serialize_with = "crate::domain::clock::maybe_seconds")]
    pub known_at: Option<Timestamp>,
    /// Incidents that are open, worst first.
    pub open: Vec<Open>,
    /// Incidents that are gone: no longer listed, and not known to be over; worst first.
    pub gone: Vec<Open>,
    /// How the SLOs stand, and what became of them.
    #[serde(flatten)]
    pub slos: Objectives,
    /// Releases that began or ended in the shift, oldest first.
    pub releases: Vec<Released>,
    /// Freezes of releases by the error budget policy, those that hold first, then oldest first.
    pub freezes: Vec<Frozen>,
    /// Silences that end within a shift from now, soonest first.
    pub silences_ending: Vec<Ending>,
    /// What was done from here, oldest first.
    pub done: Vec<Act>,
    /// Notes on moments of the shift, oldest first.
    pub notes: Vec<Noted>,
    /// Why that may not be all: the audit log cannot be read.
    pub done_unknown: Option<Untrusted>,
    /// Incidents that are over, oldest first.
    pub resolved: Vec<Over>,
    /// When nothing was known, by source.
    pub blind_spots: Vec<Spots>,
    /// How the sources stand.
    pub sources: Vec<Standing>,
    /// What has changed since the last one.
    pub since_last: Option<Changes>,
}

/// How a source stands at the end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standing {
    /// Which.
    pub name: SourceName,
    /// How far it can be trusted to speak of that moment.
    pub freshness: Freshness,
    /// When it last answered.
    #[serde(serialize_with = "crate::domain::clock::maybe_seconds")]
    pub last_success: Option<Timestamp>,
    /// What was wrong with it.
    pub fault: Option<Untrusted>,
    /// What it speaks of.
    pub topics: Topics,
    /// What of that it has told of, ever.
    pub told: Topics,
}

/// What nobody says is null in JSON.
fn said<S: Serializer>(text: &Untrusted, serializer: S) -> Result<S::Ok, S::Error> {
    (!text.is_empty()).then_some(text).serialize(serializer)
}

impl Standing {
    fn of(witness: &Witness<'_>) -> Self {
        let facts = witness.facts;
        Self {
            name: witness.name.clone(),
            freshness: witness.freshness,
            last_success: witness.last_success,
            fault: witness.fault.cloned(),
            topics: witness.topics,
            told: Topics {
                slos: facts.slos.is_some(),
                releases: facts.releases.is_some(),
                incidents: facts.incidents.is_some(),
            },
        }
    }
}

impl Witness<'_> {
    /// Whether its rows may be told as of the end of the shift.
    fn is_current(&self) -> bool {
        self.freshness.is_current()
    }
}

impl Handoff {
    /// Makes the hand-over of a shift.
    pub fn of(shift: &Shift<'_>) -> Self {
        let heard = shift.witnesses.iter().filter_map(|one| one.last_success);
        let mut handoff = Self {
            since: shift.since,
            until: shift.until,
            by: shift.me.name.as_str().into(),
            knows_me: shift.me.is_known(),
            known_at: heard.max(),
            open: incidents::open(shift),
            gone: incidents::gone(shift),
            slos: Objectives::of(shift),
            releases: releases::all(shift),
            freezes: freezes::all(shift),
            silences_ending: silences::ending(shift),
            done: deeds::noted(shift),
            notes: deeds::notes(shift),
            done_unknown: None,
            resolved: incidents::over(shift),
            blind_spots: blind::all(shift),
            sources: shift.witnesses.iter().map(Standing::of).collect(),
            since_last: None,
        };
        handoff.since_last = shift.last.map(|last| Changes::between(last, &handoff));
        handoff
    }

    /// The same with what the audit log says was done; what the journal noted as well is told once.
    #[must_use]
    pub fn with_deeds(mut self, deeds: Deeds) -> Self {
        match deeds {
            Deeds::Known(acts) => {
                let within = |act: &Act| act.at >= self.since && act.at <= self.until;
                let acts = acts.into_iter().filter(within).collect();
                self.done = deeds::merged(acts, self.done);
            }
            Deeds::Unknown(why) => self.done_unknown = Some(why),
        }
        self
    }

    /// How long the shift was.
    pub fn length(&self) -> SignedDuration {
        self.since.duration_until(self.until)
    }

    /// The sources that speak of something and cannot say how it stands at the end.
    pub fn silent(&self, speaks: impl Fn(&Topics) -> bool) -> impl Iterator<Item = &Standing> {
        self.sources.iter().filter(move |one| {
            speaks(&one.topics) && (!one.freshness.is_current() || !speaks(&one.told))
        })
    }
}
