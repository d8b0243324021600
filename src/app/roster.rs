//! One pane's rows: which of them are shown, which is selected, which are new.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::cursor::Cursor;
use super::filter::Filter;
use super::layout::Need;
use crate::domain::{Freshness, Sort, SourceName, Whose};
use crate::pane::{Board, Entry, Folds, Pane, RowKey, Sight};
use crate::text::Untrusted;

/// One pane's rows, and what the reader does with them.
#[derive(Clone, Debug, Default)]
pub(super) struct Roster {
    pub(super) board: Board,
    /// The rows that pass the filter, as places in the board.
    pub(super) shown: Vec<usize>,
    pub(super) cursor: Cursor,
    /// How many of the shown rows ask for attention; these come first unless rows are sorted otherwise.
    pub(super) loud: usize,
    /// True where any row asks for attention, whether it is shown or not.
    pub(super) is_any_loud: bool,
    /// What is not shown since it is somebody else's.
    pub(super) others: Others,
    /// Rows that were not there before, and when they came.
    pub(super) newcomers: HashMap<RowKey, Timestamp>,
    /// What `shown` was made for; `None` when the board is new. All else that happens, every key
    /// and every second, leaves it as it is.
    sifted: Option<Sifted>,
}

/// All that decides, besides the board, which of its rows are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sifted {
    query: Query,
    /// The services that I have the pager for; known while only my own rows are looked at.
    on_call_for: Vec<Untrusted>,
    /// How fresh each source is: what is not current is `unknown` to a filter.
    freshness: Vec<Freshness>,
    folds: Folds,
}

/// Which rows a reader wants to see, and in which order; the same for all panes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) filter: Filter,
    pub(super) sort: Sort,
    pub(super) whose: Whose,
}

/// Rows that are not shown since they are somebody else's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Others {
    /// Those that a title would count.
    pub(super) count: usize,
    /// Those of them that somebody has to look at now and nobody does.
    pub(super) pressing: usize,
}

impl Roster {
    /// The row at a place of the shown rows.
    pub(super) fn entry(&self, place: usize) -> Option<&Entry> {
        self.board.entries.get(*self.shown.get(place)?)
    }

    /// The row with this key, whether it passes the filter or not.
    pub(super) fn find(&self, key: &RowKey) -> Option<&Entry> {
        let is_wanted = |entry: &&Entry| entry.key == *key;
        let selected = self.selected().filter(is_wanted);
        selected.or_else(|| self.board.entries.iter().find(is_wanted))
    }

    /// The place of a row among those that are shown.
    pub(super) fn place_of(&self, key: &RowKey) -> Option<usize> {
        (0..self.shown.len()).find(|&at| self.entry(at).is_some_and(|entry| entry.key == *key))
    }

    /// The selected row.
    pub(super) fn selected(&self) -> Option<&Entry> {
        self.entry(self.cursor.index())
    }

    /// Selects a place for good.
    pub(super) fn choose(&mut self, place: usize) {
        let (board, shown) = (&self.board, &self.shown);
        let key = |at: usize| Some(&board.entries.get(*shown.get(at)?)?.key);
        self.cursor.choose(place, key, shown.len());
    }

    /// Takes in rows that were ranked anew; gives the old ones.
    pub(super) fn rank(&mut self, board: Board) -> Board {
        self.sifted = None;
        std::mem::replace(&mut self.board, board)
    }

    /// Decides which rows are shown, if anything has changed that decides it.
    pub(super) fn sift(
        &mut self,
        pane: &dyn Pane,
        sight: Sight<'_>,
        query: &Query,
        on_call_for: &[Untrusted],
    ) {
        let feeds = sight.store.feeds().iter();
        let freshness: Vec<_> = feeds.map(|feed| feed.freshness(sight.now)).collect();
        let wanted = Sifted {
            query: query.clone(),
            on_call_for: on_call_for.to_vec(),
            freshness: freshness.clone(),
            folds: sight.folds.clone(),
        };
        if self.sifted.as_ref() == Some(&wanted) {
            return;
        }
        self.sifted = Some(wanted);
        let (filter, whose) = (&query.filter, query.whose);
        let entries = self.board.entries.iter().enumerate();
        let is_mine =
            |entry: &Entry| whose == Whose::All || pane.whose(sight, entry, on_call_for) <= whose;
        self.others = Others::default();
        if whose != Whose::All {
            for (_, entry) in entries.clone().filter(|(_, entry)| !is_mine(entry)) {
                self.others.count += usize::from(pane.counts(sight, entry));
                self.others.pressing += usize::from(pane.is_pressing(sight, entry));
            }
        }
        // Without its head's row nothing would tell of it, and a filter finds whatever it asks for.
        let is_folded = |entry: &Entry| {
            let head = sight.folds.head(&entry.key).and_then(|key| self.find(key));
            filter.is_empty() && head.is_some_and(is_mine)
        };
        let nothing_folds = pane.fold_column().is_none() || sight.folds.count() == 0;
        self.shown = if filter.is_empty() && whose == Whose::All && nothing_folds {
            (0..self.board.entries.len()).collect()
        } else {
            entries
                .filter(|(_, entry)| is_mine(entry) && !is_folded(entry))
                .filter(|(_, entry)| {
                    let facets = pane.facets(sight, entry);
                    filter.passes(entry.key.source.as_str(), &facets)
                })
                .map(|(place, _)| place)
                .collect()
        };
        let is_any_old = freshness.iter().any(|one| !one.is_current());
        self.sort(pane, sight, query.sort, is_any_old);
        let mut all = self.board.entries.iter();
        self.is_any_loud = all.any(|entry| pane.is_loud(sight, entry));
        let (board, shown) = (&self.board, &self.shown);
        let entries = shown.iter().map(|place| &board.entries[*place]);
        self.loud = entries.filter(|entry| pane.is_loud(sight, entry)).count();
        let key = |at: usize| Some(&board.entries.get(*shown.get(at)?)?.key);
        self.cursor.follow(key, shown.len());
    }

    /// Brings the shown rows into an order; equal ones stay as they are ranked.
    fn sort(&mut self, pane: &dyn Pane, sight: Sight<'_>, sort: Sort, is_any_old: bool) {
        let entries = &self.board.entries;
        match sort {
            Sort::Urgency if !is_any_old => {}
            Sort::Urgency => self
                .shown
                .sort_by_cached_key(|place| pane.urgency(sight, &entries[*place])),
            _ if !pane.sorts_by(sort) => {}
            Sort::Service => self.shown.sort_by_cached_key(|place| {
                let service = pane.facets(sight, &entries[*place]).service;
                service.map(str::to_lowercase)
            }),
            Sort::Budget | Sort::Burn => {
                let all = pane.sort_values(sort, sight, entries);
                let values = self.shown.iter().map(|place| (all[*place], *place));
                let mut values: Vec<_> = values.collect();
                values.sort_by(|(one, _), (other, _)| match (one, other) {
                    (Some(one), Some(other)) => one.total_cmp(other),
                    (one, other) => other.is_some().cmp(&one.is_some()),
                });
                self.shown = values.into_iter().map(|(_, place)| place).collect();
            }
        }
    }

    /// How many rows the pane needs on a shared screen.
    pub(super) fn need(&self) -> Need {
        let lines = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        Need {
            // An empty pane says why it is.
            rows: lines(self.shown.len()).max(1),
            loud: lines(self.loud).min(u16::MAX - 1),
        }
    }
}

/// The rows of a board that an older one does not have, of sources that had been `heard`.
///
/// A source keeps its order from poll to poll, so nearly every row is found where it was.
pub(super) fn newcomers(old: &Board, new: &Board, heard: &HashSet<SourceName>) -> Vec<RowKey> {
    let mut places: Vec<Vec<Option<&Entry>>> = Vec::new();
    for entry in &old.entries {
        let feeds = places.len().max(entry.feed + 1);
        places.resize_with(feeds, Vec::new);
        let items = &mut places[entry.feed];
        items.resize(items.len().max(entry.item + 1), None);
        items[entry.item] = Some(entry);
    }
    let at = |entry: &Entry| *places.get(entry.feed)?.get(entry.item)?;
    let is_moved = |entry: &&Entry| !at(entry).is_some_and(|old| old.is_alike(entry));
    let moved = new.entries.iter().filter(is_moved);
    let moved: Vec<_> = moved
        .filter(|entry| heard.contains(&entry.key.source))
        .collect();
    if moved.is_empty() {
        return Vec::new();
    }
    let known: HashSet<_> = old.entries.iter().map(|entry| &entry.key).collect();
    let keys = moved.into_iter().map(|entry| &entry.key);
    keys.filter(|key| !known.contains(key)).cloned().collect()
}
