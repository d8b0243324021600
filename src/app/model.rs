//! Everything the program knows between two messages.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::awake::{self, Awake};
use super::clip::Clip;
use super::desk::{self, Desk};
use super::explain::{self, Inquiry};
use super::filter::Filter;
use super::growth::{self, Counted};
use super::handoff::Notes;
use super::jump::{self, Jump};
use super::keymap::Keymap;
use super::layout::{Layout, Together, View};
use super::mode::{Mode, Modes};
use super::past::Memory;
use super::ring::{self, Bell};
use super::roster::{Roster, newcomers};
use super::timeline::Course;
use super::{Size, Spent, help, overlay, sheet, table};
use crate::config::{ActionSettings, UiSettings, UserCommand};
use crate::domain::{Event, Fault, Report, SourceName, Whose};
use crate::pane::{
    Board, Entry, Folds, Growth, INCIDENTS, PANES, Pane, RELEASES, SLOS, Sight, Tally, on_call,
    tally as tally_of,
};
use crate::store::{Feed, Offers, Store, World};
use crate::text::{Shown, Untrusted};

/// How long a row counts as new.
pub(super) const NEW_FOR: SignedDuration = SignedDuration::from_secs(30);
/// How long a short message stays.
const FLASH_FOR: SignedDuration = SignedDuration::from_secs(4);

/// Everything the program knows between two messages.
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) keymap: Keymap,
    pub(super) context: Shown,
    pub(super) zone: TimeZone,
    pub(super) other_zone: TimeZone,
    pub(super) size: Size,
    pub(super) focus: usize,
    pub(super) view: View,
    pub(super) modes: Modes,
    /// Jumps to other panes that can be taken back, the last one at the end.
    pub(super) jumps: Vec<Jump>,
    /// What is on its way to the clipboard.
    pub(super) clip: Option<Clip>,
    pub(super) rosters: Vec<Roster>,
    pub(super) tally: Tally,
    pub(super) flash: Option<Flash>,
    pub(super) frozen: Option<Frozen>,
    /// What is remembered beyond the present.
    pub(super) memory: Memory,
    /// The past moment that was asked for last, until it is told.
    pub(super) asked: Option<Timestamp>,
    /// What keeps the journal from keeping anything.
    pub(super) forgetful: Option<Fault>,
    /// Whose rows are looked at.
    pub(super) whose: Whose,
    /// The hand-over that was made last.
    pub(super) notes: Option<Notes>,
    /// What was asked about the numbers of one SLO, and what was said.
    pub(super) inquiry: Option<Inquiry>,
    /// What the chart of the timeline was told.
    pub(super) course: Course,
    /// Everything about acting.
    pub(super) desk: Desk,
    pub(super) bell: Bell,
    pub(super) awake: Option<Awake>,
    /// What awake mode has folded.
    pub(super) folds: Folds,
    /// The alerts of the incidents that are open.
    pub(super) counted: Counted,
    /// Which incidents grew lately.
    pub(super) growth: Growth,
    store: Store,
    spent: Spent,
}

/// A short message that goes by itself.
#[derive(Clone, Debug)]
pub(super) struct Flash {
    pub(super) text: Shown,
    until: Timestamp,
}

/// What a view shows that is not the present.
#[derive(Clone, Debug)]
pub(super) struct Frozen {
    pub(super) store: Store,
    pub(super) at: Timestamp,
    pub(super) why: Why,
}

/// Why a view does not show the present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Somebody stopped it there.
    Paused,
    /// Somebody looks at a moment of the past.
    Past,
}

impl Model {
    /// A program that knows its sources, and nothing of what they will say.
    pub fn new(ui: &UiSettings, keymap: Keymap, store: Store, size: Size) -> Self {
        let zone = ui.timezone.clone();
        let other_zone = if zone == TimeZone::UTC {
            TimeZone::system()
        } else {
            TimeZone::UTC
        };
        let mut model = Self {
            keymap,
            context: Shown::new(&ui.context),
            zone,
            other_zone,
            size,
            focus: 0,
            view: View::default(),
            modes: Modes::default(),
            jumps: Vec::new(),
            clip: None,
            rosters: PANES.iter().map(|_| Roster::default()).collect(),
            tally: Tally::new(),
            flash: None,
            frozen: None,
            memory: Memory::None,
            asked: None,
            forgetful: None,
            whose: Whose::All,
            notes: None,
            inquiry: None,
            course: Course::default(),
            desk: Desk::default(),
            bell: Bell::new(ui.bell),
            awake: None,
            folds: Folds::default(),
            counted: Counted::default(),
            growth: Growth::default(),
            store,
            spent: Spent::default(),
        };
        model.focus = model.home();
        model.rank(Timestamp::UNIX_EPOCH, &HashSet::new(), ALL);
        // What is known before anybody looks is no news to them.
        for source in heard(&model.store) {
            growth::hear(&mut model, &source, Timestamp::UNIX_EPOCH);
            ring::hear(&mut model, &source, &HashSet::new(), Timestamp::UNIX_EPOCH);
        }
        model
    }

    /// The same, where things may be done as configured.
    #[must_use]
    pub fn with_acting(mut self, settings: ActionSettings, commands: Vec<UserCommand>) -> Self {
        self.desk.settings = settings;
        self.desk.commands = commands;
        self
    }

    /// From now on so much is remembered.
    pub fn recollect(&mut self, memory: Memory) {
        self.memory = memory;
    }

    /// The newest facts, whatever is looked at.
    pub(super) fn newest(&self) -> &Store {
        &self.store
    }

    /// What is looked at: the newest facts, or those of the moment the view was paused.
    pub(super) fn sight(&self, now: Timestamp) -> Sight<'_> {
        let (store, now) = match &self.frozen {
            Some(frozen) => (&frozen.store, frozen.at),
            None => (&self.store, now),
        };
        Sight {
            store,
            now,
            zone: &self.zone,
            folds: &self.folds,
            growth: &self.growth,
        }
    }

    /// The present, whatever is looked at.
    pub(super) fn present(&self, now: Timestamp) -> Sight<'_> {
        Sight {
            store: &self.store,
            now,
            zone: &self.zone,
            folds: &self.folds,
            growth: &self.growth,
        }
    }

    /// All rows of a pane by the newest facts, whatever is looked at.
    pub(super) fn newest_board(&self, place: usize) -> Cow<'_, Board> {
        match &self.frozen {
            None => Cow::Borrowed(&self.rosters[place].board),
            Some(_) => Cow::Owned(PANES[place].board(&self.store)),
        }
    }

    /// The services that I have the pager for, where it matters whose a row is.
    pub(super) fn on_call_for(&self, sight: Sight<'_>) -> Vec<Untrusted> {
        match self.whose {
            Whose::All => Vec::new(),
            Whose::Mine | Whose::Team => on_call::mine(sight),
        }
    }

    /// The pane that keys go to.
    pub(super) fn pane(&self) -> &'static dyn Pane {
        PANES.get(self.focus).copied().unwrap_or(PANES[0])
    }

    /// Its rows.
    pub(super) fn roster(&self) -> Option<&Roster> {
        self.rosters.get(self.focus)
    }

    /// Its rows, to change.
    pub(super) fn roster_mut(&mut self) -> Option<&mut Roster> {
        self.rosters.get_mut(self.focus)
    }

    /// The row that keys act on: the one in detail, or the selected one.
    pub(super) fn target(&self) -> Option<&Entry> {
        let roster = self.roster()?;
        match self.modes.explained().or(self.modes.detail()) {
            Some((key, _)) => roster.find(key),
            None => roster.selected(),
        }
    }

    /// Closes a detail or an explanation and what lies on it.
    pub(super) fn close_detail(&mut self) {
        self.modes.close_detail();
        jump::stays(self);
    }

    /// Where everything goes now.
    pub(super) fn layout(&self) -> Layout {
        let is_detailed = self.modes.detail().is_some();
        let panes = Together {
            slos: self.has_slos() || self.focus == SLOS,
            releases: self.is_fed(RELEASES) || self.focus == RELEASES,
        };
        Layout::new(self.size, (self.view, panes), self.focus, is_detailed)
    }

    /// True when any source has something to say to a pane.
    fn is_fed(&self, place: usize) -> bool {
        let mut feeds = self.store.feeds().iter();
        feeds.any(|feed| PANES[place].fed_by(feed.offers))
    }

    /// The pane that is looked at first.
    pub(super) fn home(&self) -> usize {
        if !self.has_slos() && self.is_fed(INCIDENTS) {
            INCIDENTS
        } else {
            SLOS
        }
    }

    /// True unless there are sources and none of them measures SLOs.
    pub(super) fn has_slos(&self) -> bool {
        let feeds = self.store.feeds();
        let has_rows = |feed: &Feed| feed.facts.slos.is_some();
        feeds.is_empty() || self.is_fed(SLOS) || feeds.iter().any(has_rows)
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

    /// Has what was received before a step of the wall clock count as stale until it is confirmed.
    pub(super) fn clock_stepped(&mut self, step: SignedDuration) {
        self.store.clock_stepped(step);
    }

    /// What newer facts have replaced since this was last asked.
    pub fn take_spent(&mut self) -> Spent {
        std::mem::take(&mut self.spent)
    }

    /// True when no release is a suspect of anything.
    pub(super) fn is_quiet(&self) -> bool {
        let store = self
            .frozen
            .as_ref()
            .map_or(&self.store, |frozen| &frozen.store);
        store.insights().is_quiet()
    }

    /// True while a moment of the past is shown.
    pub(super) fn is_past(&self) -> bool {
        let frozen = self.frozen.as_ref();
        frozen.is_some_and(|frozen| frozen.why == Why::Past)
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

    /// Shows times of day in the other zone; returns its name.
    pub(super) fn turn_zone(&mut self, now: Timestamp) -> String {
        std::mem::swap(&mut self.zone, &mut self.other_zone);
        now.to_zoned(self.zone.clone()).strftime("%Z").to_string()
    }

    /// Shows a short message.
    pub(super) fn tell(&mut self, text: impl AsRef<str>, now: Timestamp) {
        self.tell_for(FLASH_FOR, text, now);
    }

    /// Shows a message for so long, or until the next key.
    pub(super) fn tell_for(&mut self, time: SignedDuration, text: impl AsRef<str>, now: Timestamp) {
        let until = now.saturating_add(time).unwrap_or(now);
        let text = Shown::new(text);
        self.flash = Some(Flash { text, until });
    }

    /// Replaces the filter of the focused pane.
    pub(super) fn refilter(&mut self, filter: Filter) {
        if let Some(roster) = self.roster_mut() {
            roster.filter = filter;
        }
    }

    /// Brings everything that follows from the rest up to date.
    pub(super) fn settle(&mut self, now: Timestamp) {
        self.flash = self.flash.take().filter(|flash| now < flash.until);
        desk::settle(self, now);
        awake::settle(self, now);
        let mut rosters = std::mem::take(&mut self.rosters);
        let sight = self.sight(now);
        let on_call_for = self.on_call_for(sight);
        for (pane, roster) in PANES.iter().zip(&mut rosters) {
            roster.sift(*pane, sight, self.whose, &on_call_for);
            let fresh = |at: Timestamp| sight.now.duration_since(at) < NEW_FOR;
            roster.newcomers.retain(|_, at| fresh(*at));
        }
        let layout = self.layout();
        if let Layout::Panes(arrangement) = &layout {
            for (place, area) in &arrangement.panes {
                let room = table::room(PANES[*place], arrangement.border, *area);
                let roster = &mut rosters[*place];
                roster
                    .cursor
                    .reveal(usize::from(room.height), roster.shown.len());
            }
        }
        self.rosters = rosters;
        let last = self.last_scroll(&layout, now);
        if let Some(scroll) = self.modes.scroll_mut() {
            *scroll = (*scroll).min(last);
        }
    }

    /// The furthest that what has focus can be scrolled.
    pub(super) fn last_scroll(&self, layout: &Layout, now: Timestamp) -> usize {
        match self.modes.top() {
            Mode::Detail { .. } => sheet::last_scroll(self, layout, now),
            Mode::Explain { .. } => explain::last_scroll(self, layout, now),
            Mode::Help { .. } => help::last_scroll(self, now),
            Mode::Orders { .. } | Mode::Errands { .. } | Mode::Handoff { .. } => {
                overlay::last_scroll(self, now)
            }
            Mode::Browse | Mode::Filter | Mode::Ask(_) | Mode::Palette(_) => 0,
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
    slos: true,
    releases: true,
    incidents: true,
    rules: false,
    relays: false,
    acts: &[],
};

/// Only what has happened has changed.
const EVENTS: Offers = Offers {
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
