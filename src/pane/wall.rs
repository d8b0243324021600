//! The wall as facts: which of its three faces holds now, and what stands on it.
//!
//! The face is a function of the store, the time and the start of the wall. A source of SLOs is lost as soon
//! as one of its polls has failed or is overdue: a wall is read by people who do not see what the screen
//! dims.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::cell::Line;
use super::{Board, Entry, Sight, incident};
use crate::domain::{Observation, Severity, SourceName, State, window};
use crate::store::Feed;
use crate::text::Shown;

mod blind;
mod burning;
mod calm;
mod sources;

pub use blind::Lost;
pub use burning::Burning;
pub use calm::{Arrival, Budget};

/// Which face is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// Something pages, and every source of SLOs answers.
    Page,
    /// Nothing pages, and every source of SLOs answers.
    Calm,
    /// A source of SLOs is lost, and no other one pages.
    Blind,
    /// A source of SLOs is lost, and another one pages.
    BlindAndPage,
}

/// How many SLOs are in each state, as far as their sources answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// A page rule fires.
    pub page: usize,
    /// A ticket rule fires.
    pub ticket: usize,
    /// They hold.
    pub ok: usize,
    /// Without events.
    pub no_data: usize,
    /// Their source answers, and their state is not known.
    pub unknown: usize,
    /// Suggested ones that never failed: outside of the verdict.
    pub never_failed: usize,
}

impl Counts {
    /// True where the state of any SLO is known.
    pub fn is_any_known(&self) -> bool {
        self.total() > self.unknown || self.never_failed > 0
    }

    /// All that count in the verdict.
    pub fn total(&self) -> usize {
        self.page + self.ticket + self.ok + self.no_data + self.unknown
    }

    fn join(&mut self, other: Self) {
        self.page += other.page;
        self.ticket += other.ticket;
        self.ok += other.ok;
        self.no_data += other.no_data;
        self.unknown += other.unknown;
        self.never_failed += other.never_failed;
    }

    fn add(&mut self, state: State, seen: Option<&Observation>) {
        let count = match state {
            _ if seen.is_some_and(Observation::is_unproven) => &mut self.never_failed,
            State::Page => &mut self.page,
            State::Ticket => &mut self.ticket,
            State::Ok => &mut self.ok,
            State::NoData => &mut self.no_data,
            State::Unknown => &mut self.unknown,
        };
        *count += 1;
    }
}

/// Everything that the wall shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Wall {
    /// Which face.
    pub face: Face,
    /// The SLOs of the sources that answer.
    pub counts: Counts,
    /// The SLOs that page, the worst first; of the sources that answer.
    pub burning: Option<Burning>,
    /// The other SLOs that page or have a ticket, worst first.
    pub others: Vec<Line>,
    /// The sources of SLOs that are lost.
    pub lost: Vec<Lost>,
    /// The SLOs of the lost sources, by their last answer.
    pub last: Counts,
    /// The services that paged in it.
    pub last_paging: Vec<Shown>,
    /// Open incidents that page: those that nobody has, and all of them.
    pub incidents: (usize, usize),
    /// True while a source of SLOs has not answered since the start, and is not overdue yet.
    pub is_waiting: bool,
    /// True when every source answers, those of releases and incidents included.
    pub is_sure: bool,
    /// The age of the oldest answer of a source of SLOs that is not lost.
    pub known: Option<SignedDuration>,
    /// The least budgets of the SLOs that hold.
    pub budgets: Vec<Budget>,
    /// The newest releases.
    pub arrivals: Vec<Arrival>,
    /// Who is on call.
    pub on_call: Option<Line>,
    /// Every source with its age.
    pub sources: Vec<Line>,
    /// Open incidents while a source of SLOs is lost.
    pub incident_note: Option<Line>,
}

/// The last good answer of a source of SLOs.
#[derive(Clone, Debug, PartialEq)]
pub struct LastKnown {
    /// When that was.
    pub at: Timestamp,
    /// Its SLOs.
    pub counts: Counts,
    /// The services that paged.
    pub paging: Vec<Shown>,
}

/// The last good answers of the sources of SLOs.
pub type Memory = BTreeMap<SourceName, LastKnown>;

/// Inputs of the wall.
pub struct Look<'a> {
    sight: Sight<'a>,
    slos: &'a Board,
    incidents: &'a Board,
    began: Timestamp,
    /// The sources of SLOs that are lost.
    lost: Vec<&'a SourceName>,
}

/// Whether a source is expected to answer about SLOs.
fn measures(feed: &Feed) -> bool {
    feed.offers.slos || feed.facts.slos.is_some()
}

impl<'a> Look<'a> {
    /// Of facts, time and zone; SLOs and incidents, worst first; and the moment when the wall began.
    pub fn new(
        sight: Sight<'a>,
        (slos, incidents): (&'a Board, &'a Board),
        began: Timestamp,
    ) -> Self {
        let feeds = sight.store.feeds();
        let mut known = vec![(0_usize, 0_usize); feeds.len()];
        for entry in &slos.entries {
            if let (Some(count), Some((state, _))) = (known.get_mut(entry.feed), entry.standing) {
                count.0 += usize::from(state != State::Unknown);
                count.1 += 1;
            }
        }
        // A poll that failed in part may know nothing: its answer is none.
        let is_dark = |feed: &Feed, (known, all): (usize, usize)| {
            feed.fault.is_some() && feed.last_success.is_some() && known == 0 && all > 0
        };
        let measured = feeds.iter().zip(known).filter(|(feed, _)| measures(feed));
        let lost = measured
            .filter(|(feed, known)| feed.is_lost(sight.now, began) || is_dark(feed, *known));
        Self {
            sight,
            slos,
            incidents,
            began,
            lost: lost.map(|(feed, _)| &feed.name).collect(),
        }
    }

    /// What each source of SLOs that is not lost says now.
    pub fn known(&self) -> Memory {
        self.said(|entry| self.is_known(entry))
    }

    /// What these rows say, by their sources.
    fn said(&self, is_wanted: impl Fn(&Entry) -> bool) -> Memory {
        let mut memory = Memory::new();
        for entry in self.slos.entries.iter().filter(|entry| is_wanted(entry)) {
            let (Some((state, _)), Some(feed)) = (entry.standing, self.sight.feed(entry)) else {
                continue;
            };
            let known = memory
                .entry(feed.name.clone())
                .or_insert_with(|| LastKnown {
                    at: feed.last_success.unwrap_or(self.sight.now),
                    counts: Counts::default(),
                    paging: Vec::new(),
                });
            let seen = super::slos::observation(self.sight, entry);
            known.counts.add(state, seen);
            if let (State::Page, Some(seen)) = (state, seen) {
                known.paging.push(seen.slo.service.shown());
            }
        }
        memory
    }

    fn is_lost(&self, feed: &Feed) -> bool {
        self.lost.contains(&&feed.name)
    }

    /// True for a row whose source answers.
    fn is_known(&self, entry: &Entry) -> bool {
        let feed = self.sight.feed(entry);
        feed.is_some_and(|feed| !self.is_lost(feed) && !feed.is_awaited(self.sight.now, self.began))
    }

    /// Which face holds now.
    pub fn face(&self) -> Face {
        match (!self.lost.is_empty(), self.pages()) {
            (false, false) => Face::Calm,
            (false, true) => Face::Page,
            (true, false) => Face::Blind,
            (true, true) => Face::BlindAndPage,
        }
    }

    /// True when an SLO pages, or an incident that nobody has.
    fn pages(&self) -> bool {
        self.paging_slos().next().is_some() || self.paging_incidents().next().is_some()
    }

    fn paging_slos(&self) -> impl Iterator<Item = &'a Entry> {
        let entries = self.slos.entries.iter();
        entries.filter(move |entry| {
            let state = entry.standing.map(|(state, _)| state);
            let seen = super::slos::observation(self.sight, entry);
            let is_unproven = seen.is_some_and(Observation::is_unproven);
            state == Some(State::Page) && !is_unproven && self.is_known(entry)
        })
    }

    fn paging_incidents(&self) -> impl Iterator<Item = &'a Entry> {
        let entries = self.incidents.entries.iter();
        entries.filter(move |entry| {
            let is_page = |row: &crate::domain::Incident| row.severity == Severity::Page;
            let row = incident(self.sight, entry);
            row.is_some_and(|row| is_page(row) && row.is_untaken()) && !self.sight.is_old(entry)
        })
    }

    /// Everything that the wall shows.
    pub fn wall(&self, memory: &Memory) -> Wall {
        let mut counts = Counts::default();
        for known in self.known().values() {
            counts.join(known.counts);
        }
        let (mut last, mut last_paging) = (Counts::default(), Vec::new());
        // What was lost from the start on is known by a journal, if at all.
        let mut remembered = self.said(|entry| {
            let feed = self.sight.feed(entry);
            feed.is_some_and(|feed| self.is_lost(feed) && feed.last_success.is_some())
        });
        remembered.extend(
            memory
                .iter()
                .map(|(name, known)| (name.clone(), known.clone())),
        );
        for known in self.lost.iter().filter_map(|name| remembered.get(*name)) {
            last.join(known.counts);
            last_paging.extend(known.paging.iter().cloned());
        }
        let sight = self.sight;
        let feeds = sight.store.feeds();
        let measured: Vec<_> = feeds.iter().filter(|feed| measures(feed)).collect();
        let answering = measured
            .iter()
            .filter(|feed| !self.is_lost(feed) && !feed.is_unconfirmed);
        let oldest = answering.filter_map(|feed| feed.last_success).min();
        let burning = self.burning();
        let others = self.others(burning.as_ref());
        Wall {
            face: self.face(),
            counts,
            burning,
            others,
            lost: blind::lost(self, &remembered),
            last,
            last_paging,
            incidents: self.open_incidents(),
            is_waiting: measured
                .iter()
                .any(|feed| feed.is_awaited(sight.now, self.began)),
            is_sure: feeds
                .iter()
                .all(|feed| feed.freshness(sight.now).is_current()),
            known: oldest.map(|at| window::age(at, sources::ticking(sight.now, 5))),
            budgets: calm::budgets(self),
            arrivals: calm::arrivals(sight),
            on_call: super::on_call::headline(sight, false),
            sources: sources::lines(self),
            incident_note: blind::incident_note(self),
        }
    }

    /// Open incidents that page: those that nobody has, and all of them.
    fn open_incidents(&self) -> (usize, usize) {
        let rows = self.sight.store.incidents();
        let pages = rows.filter(|(_, row)| row.severity == Severity::Page && row.is_open());
        pages.fold((0, 0), |(untaken, all), (_, row)| {
            (untaken + usize::from(row.is_untaken()), all + 1)
        })
    }
}
