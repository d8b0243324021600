//! Takes in what polls, the journal and the keys change, and ranks the rows anew.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::model::{Frozen, Model, Why};
use super::roster::newcomers;
use super::{awake, growth, ring};
use crate::domain::{Event, Report, SourceName};
use crate::pane::{PANES, Pane, tally as tally_of};
use crate::store::{Ended, Offers, Store, World};

impl Model {
    /// Ranks what is known before the first message.
    pub(super) fn begin(&mut self) {
        self.rank(Timestamp::UNIX_EPOCH, &HashSet::new(), ALL);
        // What is known before anybody looks is no news to them.
        for source in heard(&self.store) {
            growth::hear(self, &source, Timestamp::UNIX_EPOCH);
            ring::hear(self, &source, &HashSet::new(), Timestamp::UNIX_EPOCH);
        }
    }

    /// Takes in what a poll said; a paused view shows it later.
    pub(super) fn absorb(&mut self, report: Report, now: Timestamp) {
        let heard = heard(&self.store);
        let source = report.source.clone();
        let was_quiet = self.store.insights().is_quiet();
        if let Some(before) = self.store.absorb(report) {
            self.spent.facts(before);
        }
        awake::hear(self);
        // A suspicion changes what releases have to say.
        let is_quiet = was_quiet && self.store.insights().is_quiet();
        if self.frozen.is_none() {
            let feed = self.store.feed(&source);
            let touched = feed.map_or_else(Offers::default, |feed| Offers {
                slos: feed.offers.slos || feed.facts.slos.is_some(),
                releases: feed.offers.releases || feed.facts.releases.is_some() || !is_quiet,
                incidents: feed.offers.incidents || feed.facts.incidents.is_some(),
                ..feed.offers
            });
            self.rank(now, &heard, touched);
        }
    }

    /// Shows the present again, with everything that came meanwhile; what is new is marked after a
    /// pause, and not after a look at the past.
    pub(super) fn thaw(&mut self, now: Timestamp) {
        self.asked = None;
        if let Some(frozen) = self.frozen.take() {
            let seen = match frozen.why {
                Why::Paused => heard(&frozen.store),
                Why::Past => HashSet::new(),
            };
            self.rank(now, &seen, ALL);
        }
    }

    /// Shows a moment of the past.
    pub(super) fn show_past(&mut self, world: &World, now: Timestamp) {
        let store = self.store.as_of(world);
        let why = Why::Past;
        let at = world.at;
        self.frozen = Some(Frozen { store, at, why });
        self.rank(now, &HashSet::new(), ALL);
    }

    /// Fills in what was known before anything answered.
    pub(super) fn remember(&mut self, world: &World, now: Timestamp) {
        self.store.remember(world);
        if self.frozen.is_none() {
            self.rank(now, &HashSet::new(), ALL);
        }
    }

    /// Takes in what has happened.
    pub(super) fn chronicle(&mut self, happened: Vec<Event>, now: Timestamp) {
        self.store.chronicle(happened.into_iter().map(Arc::new));
        if self.frozen.is_none() {
            self.rank(now, &HashSet::new(), EVENTS);
        }
    }

    /// Stops the view where it is, or lets it go on.
    pub(super) fn pause(&mut self, now: Timestamp) {
        if self.frozen.is_some() {
            self.thaw(now);
        } else {
            let store = self.store.clone();
            let why = Why::Paused;
            self.frozen = Some(Frozen {
                store,
                at: now,
                why,
            });
        }
    }

    /// Takes the marks of rows away that are gone: nobody can see them any more.
    fn unmark(&mut self) {
        if self.desk.marks.is_empty() {
            return;
        }
        let rosters = &self.rosters;
        self.desk.marks.retain(|key| {
            let mut panes = PANES.iter().zip(rosters);
            panes.any(|(pane, roster)| pane.name() == key.pane && roster.find(key).is_some())
        });
    }

    /// Ranks the rows of the panes that were `touched` anew. Rows that were not there, of sources
    /// that had been `heard`, are new.
    fn rank(&mut self, now: Timestamp, heard: &HashSet<SourceName>, touched: Offers) {
        let sight = self.sight(now);
        let store = sight.store;
        let board = |pane: &&dyn Pane| pane.follows(touched).then(|| pane.board(store));
        let boards: Vec<_> = PANES.iter().map(board).collect();
        let tally = boards.first().and_then(Option::as_ref);
        let tally = tally.map(|slos| tally_of(store, slos));
        self.tally = tally.unwrap_or_else(|| std::mem::take(&mut self.tally));
        for (roster, board) in self.rosters.iter_mut().zip(boards) {
            if let Some(board) = board {
                let newcomers = newcomers(&roster.board, &board, heard);
                let newcomers = newcomers.into_iter().map(|key| (key, now));
                roster.newcomers.extend(newcomers);
                self.spent.board(roster.rank(board));
            }
        }
        awake::fold(self, now);
        self.unmark();
        self.settle(now);
    }
}

/// Everything has changed.
const ALL: Offers = Offers {
    ended: Ended::Never,
    slos: true,
    releases: true,
    incidents: true,
    rules: false,
    relays: false,
    acts: &[],
};

/// Only what has happened has changed.
const EVENTS: Offers = Offers {
    ended: Ended::Never,
    slos: false,
    releases: false,
    incidents: false,
    rules: false,
    relays: false,
    acts: &[],
};

/// The sources that have answered.
fn heard(store: &Store) -> HashSet<SourceName> {
    let feeds = store.feeds().iter();
    feeds
        .filter(|feed| feed.last_success.is_some())
        .map(|feed| feed.name.clone())
        .collect()
}
