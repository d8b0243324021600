//! Keeps cursors, scroll positions and messages within what is there, after every change.

use jiff::Timestamp;

use super::layout::Layout;
use super::model::mode::Mode;
use super::model::{Model, NEW_FOR};
use super::{awake, desk, explain, help, overlay, sheet, table};
use crate::pane::PANES;

impl Model {
    /// Brings everything that follows from the rest up to date.
    pub(super) fn settle(&mut self, now: Timestamp) {
        self.flash = self.flash.take().filter(|flash| now < flash.until);
        desk::settle(self, now);
        awake::settle(self, now);
        let mut rosters = std::mem::take(&mut self.rosters);
        let sight = self.sight(now);
        let on_call_for = self.on_call_for(sight);
        for (pane, roster) in PANES.iter().zip(&mut rosters) {
            roster.sift(*pane, sight, &self.query, &on_call_for);
            let fresh = |at: Timestamp| sight.now.duration_since(at) < NEW_FOR;
            roster.newcomers.retain(|_, at| fresh(*at));
        }
        let layout = self.layout_of(&rosters);
        if let Layout::Panes(arrangement) = &layout {
            for (place, area) in &arrangement.panes {
                let roster = &mut rosters[*place];
                let rows = roster.shown.len();
                let room = table::room(PANES[*place], arrangement.border, *area, rows);
                roster.cursor.reveal(usize::from(room.height), rows);
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
            Mode::Detail { .. } | Mode::Alert { .. } => sheet::last_scroll(self, layout, now),
            Mode::Explain { .. } => explain::last_scroll(self, layout, now),
            Mode::Help { .. } => help::last_scroll(self, now),
            Mode::Orders { .. }
            | Mode::Errands { .. }
            | Mode::Keep { .. }
            | Mode::Handoff { .. } => overlay::last_scroll(self, now),
            Mode::Browse
            | Mode::Filter(_)
            | Mode::Ask(_)
            | Mode::Palette(_)
            | Mode::Tour(_)
            | Mode::Export => 0,
        }
    }
}
