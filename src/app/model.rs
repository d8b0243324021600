//! Everything the program knows between two messages.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use self::acting::Desk;
use self::attention::{Awake, Bell, Counted};
use self::jump::{Clip, Jump};
use self::memory::{Course, Inquiry, Memory, Notes};
use self::mode::Modes;
use self::wall::WallView;
use super::filter::Filter;
use super::keymap::Keymap;
use super::layout::{Fire, Layout, Need, Together, View};
use super::roster::{Query, Roster};
use super::{Size, Spent, Story};
use crate::config::{ActionSettings, Opening, SavedView, UiSettings, UserCommand, WallSettings};
use crate::domain::{Fault, Whose};
use crate::pane::{
    Board, Charts, Entry, Folds, Growth, INCIDENTS, PANES, Pane, RELEASES, RowKey, SERVICES, SLOS,
    Sight, Tally, on_call, stands_alone,
};
use crate::store::{Feed, Store};
use crate::text::{Shown, Untrusted};

pub(super) mod acting;
pub(super) mod ask;
pub(super) mod attention;
pub(super) mod job;
pub(super) mod jump;
pub(super) mod memory;
pub(super) mod mode;
pub(super) mod wall;

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
    /// Which rows are looked at, and in which order.
    pub(super) query: Query,
    /// The filters that were kept, the last one at the end.
    pub(super) kept: Vec<String>,
    /// The configuration file, if there is one.
    pub(super) file: Option<String>,
    /// Filters and orders with a name.
    pub(super) views: Vec<SavedView>,
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
    /// The past that charts are drawn from.
    pub(super) charts: Charts,
    /// The row whose charts are in view, since the last second.
    pub(super) charted: Option<RowKey>,
    /// When a source was asked for the past, until it tells.
    pub(super) recalling: Option<Timestamp>,
    pub(super) store: Store,
    pub(super) spent: Spent,
    /// The wall while it is shown in place of the panes.
    pub(super) wall: Option<WallView>,
    pub(super) wall_settings: WallSettings,
    pub(super) is_ascii: bool,
    /// The moment and the row to go to, as soon as they are known.
    pub(super) opening: Option<Opening>,
    /// The story of a demo.
    pub(super) story: Option<Story>,
}

/// A short message that goes by itself.
#[derive(Clone, Debug)]
pub(super) struct Flash {
    pub(super) text: Shown,
    pub(super) until: Timestamp,
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
            query: Query {
                filter: Filter::of_services(&ui.services),
                ..Query::default()
            },
            kept: Vec::new(),
            file: None,
            views: ui.views.clone(),
            notes: None,
            inquiry: None,
            course: Course::default(),
            desk: Desk::default(),
            bell: Bell::new(ui.bell).notifying(ui.notify),
            awake: None,
            folds: Folds::default(),
            counted: Counted::default(),
            growth: Growth::default(),
            charts: Charts::default(),
            charted: None,
            recalling: None,
            store,
            spent: Spent::default(),
            wall: None,
            wall_settings: WallSettings::default(),
            is_ascii: ui.ascii,
            opening: Some(ui.opening.clone()).filter(|opening| *opening != Opening::default()),
            story: None,
        };
        model.focus = model.home();
        model.begin();
        model
    }

    /// The same, where things may be done as configured.
    #[must_use]
    pub fn with_acting(mut self, settings: ActionSettings, commands: Vec<UserCommand>) -> Self {
        self.desk.settings = settings;
        self.desk.commands = commands;
        self
    }

    /// The same with the caption of a story.
    #[must_use]
    pub fn with_story(mut self, story: Story) -> Self {
        self.story = Some(story);
        self
    }

    /// The same with these settings of the wall.
    #[must_use]
    pub fn with_wall(mut self, settings: &WallSettings) -> Self {
        self.wall_settings = settings.clone();
        self
    }

    /// The same as a wall that nobody uses, from a moment on: it has no panes to go back to.
    #[must_use]
    pub fn on_the_wall(mut self, began: Timestamp) -> Self {
        let view = WallView::new(self.wall_settings.clone(), true, began);
        self.wall = Some(view);
        super::wall::settle(&mut self, began);
        self
    }

    /// The same, configured by a file.
    #[must_use]
    pub fn with_file(mut self, file: Option<String>) -> Self {
        self.file = file;
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
            charts: &self.charts,
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
            charts: &self.charts,
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
        match self.query.whose {
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
        // A detail that is closed for another reason than going back leads back no more.
        if let Some(jump) = self.jumps.last_mut() {
            jump.is_opened = false;
        }
    }

    /// Where everything goes now.
    pub(super) fn layout(&self) -> Layout {
        self.layout_of(&self.rosters)
    }

    /// Where everything goes with these rows.
    pub(super) fn layout_of(&self, rosters: &[Roster]) -> Layout {
        let has_slos = self.has_slos();
        let need = |place: usize, is_shown: bool| {
            let is_shown = is_shown || self.focus == place;
            let roster = rosters.get(place).filter(|_| is_shown);
            roster.map(Roster::need)
        };
        let slos = rosters.get(SLOS);
        let is_known = slos.is_some_and(|slos| !slos.board.entries.is_empty());
        let burning = slos.is_some_and(|slos| slos.is_any_loud);
        let panes = Together {
            slos: need(SLOS, has_slos),
            releases: need(RELEASES, self.is_fed(RELEASES)),
            incidents: need(INCIDENTS, self.is_fed(INCIDENTS)),
            services: rosters
                .get(SERVICES)
                .map_or_else(Need::default, Roster::need),
            fire: match (has_slos && is_known, burning) {
                (false, _) => Fire::None,
                (true, true) => Fire::Burning,
                (true, false) => Fire::Quiet,
            },
        };
        let is_detailed = self.modes.detail().is_some() || self.follows_cursor(rosters);
        Layout::new(self.size, (self.view, panes), self.focus, is_detailed)
    }

    /// True where the detail of the selected row is open beside the panes without a key.
    pub(super) fn follows_cursor(&self, rosters: &[Roster]) -> bool {
        let selected = rosters.get(self.focus).and_then(Roster::selected);
        let is_shared = !stands_alone(self.focus) && self.view == View::Together;
        is_shared && selected.is_some() && Layout::has_side_detail(self.size)
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

    /// Has what was received before a step of the wall clock count as stale until it is confirmed.
    pub(super) fn clock_stepped(&mut self, step: SignedDuration) {
        self.store.clock_stepped(step);
    }

    /// The newest facts.
    pub fn facts(&self) -> &Store {
        &self.store
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
}
