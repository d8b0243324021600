//! Panes: the store and the present, projected to rows of meaning.
//!
//! A pane is one file and one line in [`PANES`]; tabs, number keys, help, filter and cursor follow.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::config::CommandScope;
use crate::domain::{Clock, Explanation, Fault, Phase, Sort, SourceName, Standing, State, Whose};
use crate::store::{Feed, Offers, Store};
use crate::text::Untrusted;

pub mod alert;
pub mod before_after;
pub mod block;
pub mod burn;
pub mod cell;
pub mod charts;
pub mod compared;
mod delivery;
mod dependants;
pub mod figures;
pub mod fire;
mod folds;
pub mod fresh;
mod growth;
mod incidents;
pub mod links;
pub mod on_call;
mod related;
mod releases;
pub mod service_rows;
mod services;
pub mod since;
mod slos;
mod sources;
pub mod strip;
pub mod suspects;
pub mod timeline;
pub mod wall;

pub use block::Detail;
pub use cell::{Cell, Line, Mark, Role};
pub use charts::Charts;
pub use folds::Folds;
pub use growth::Growth;
pub use incidents::incident;
pub use slos::{Tally, tally};

/// Every pane there is, in the order of the number keys.
pub const PANES: [&dyn Pane; 7] = [
    &slos::Slos,
    &releases::Releases,
    &incidents::Incidents,
    &sources::Sources,
    &timeline::Timeline,
    &services::Services,
    &delivery::Delivery,
];

/// The place of the SLO pane in [`PANES`].
pub const SLOS: usize = 0;

/// The place of the release pane in [`PANES`].
pub const RELEASES: usize = 1;

/// The place of the incident pane in [`PANES`].
pub const INCIDENTS: usize = 2;

/// The pane, by its place in [`PANES`], that shows the watch itself. From it on none stands beside
/// others.
pub const SOURCES: usize = 3;

/// The place of the timeline in [`PANES`].
pub const TIMELINE: usize = 4;

/// The place of the service view in [`PANES`].
pub const SERVICES: usize = 5;

/// The place of the delivery view in [`PANES`].
pub const DELIVERY: usize = 6;

/// Whether a pane has the screen for itself, by its place in [`PANES`].
pub fn stands_alone(place: usize) -> bool {
    place >= SOURCES
}

/// Who a row is, whatever its place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RowKey {
    /// The pane's name.
    pub pane: &'static str,
    /// Who said it.
    pub source: SourceName,
    /// What the source calls it.
    pub id: Untrusted,
    /// 0, and more for a source that uses one id twice.
    pub nth: u32,
}

/// A row before it has cells: who it is and where its facts are.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Who it is.
    pub key: RowKey,
    /// Which source of the store.
    pub feed: usize,
    /// Which of that source's facts.
    pub item: usize,
    /// Of an SLO, what it was ranked by: judged once a report and not for every filter.
    pub standing: Option<(State, Option<Phase>)>,
    /// Of its source and id, in 64 bits: ids lie all over the memory, and this beside the row.
    digest: u64,
}

impl Entry {
    fn new(key: RowKey, feed: usize, item: usize) -> Self {
        let mut hasher = DefaultHasher::new();
        (feed, key.id.raw()).hash(&mut hasher);
        Self {
            key,
            feed,
            item,
            standing: None,
            digest: hasher.finish(),
        }
    }

    /// True for the same row of another board, unless two ids have one hash.
    pub fn is_alike(&self, other: &Self) -> bool {
        self.digest == other.digest && self.key.nth == other.key.nth
    }
}

/// All rows of a pane in rank order, and what their columns need. It depends on the facts alone,
/// never on the time, so it is made when facts change and not for every frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Board {
    /// The rows, first things first.
    pub entries: Vec<Entry>,
    /// The widest content of each column, in terminal columns.
    pub widths: Vec<u16>,
    /// What stands above each column; empty for nothing.
    pub headings: Vec<String>,
    /// Of a pane that has a row for each service, the places of the facts of each.
    pub services: service_rows::ServiceRows,
}

/// How wide a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// Always that many columns, or as many as the board says when that is more.
    Fixed(u16),
    /// As wide as its content, but no wider than this unless there is room left.
    Content(u16),
    /// This much at least, and what is left over up to the second.
    Rest(u16, u16),
}

/// On which side its cells stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Ages and whole numbers.
    Right,
}

/// A column of a pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// What stands above it, unless the board says otherwise.
    pub heading: &'static str,
    /// How wide it is.
    pub width: Width,
    /// On which side its cells stand.
    pub align: Align,
    /// How far it stands from the column before, where there is room.
    pub gap: u16,
}

impl Column {
    const fn left(heading: &'static str, width: Width) -> Self {
        let align = Align::Left;
        Self {
            heading,
            width,
            align,
            gap: 2,
        }
    }

    /// The same column, close to the one before.
    const fn close(self) -> Self {
        Self { gap: 1, ..self }
    }

    /// The same column, without a gap to the one before.
    const fn flush(self) -> Self {
        Self { gap: 0, ..self }
    }

    const fn right(heading: &'static str, width: Width) -> Self {
        let align = Align::Right;
        Self {
            heading,
            width,
            align,
            gap: 2,
        }
    }
}

/// One step of making a table narrower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drop {
    /// Leave this column out.
    Hide(usize),
    /// Make this column so narrow.
    Narrow(usize, u16),
}

/// What a projection looks at: the facts, the present, and the zone that times are shown in.
#[derive(Clone, Copy)]
pub struct Sight<'a> {
    /// The facts.
    pub store: &'a Store,
    /// The present, or the moment the view was paused.
    pub now: Timestamp,
    /// The zone for times of day.
    pub zone: &'a TimeZone,
    /// Which rows stand under others.
    pub folds: &'a Folds,
    /// Which incidents grew lately.
    pub growth: &'a Growth,
    /// The past that charts are drawn from.
    pub charts: &'a Charts,
}

impl Sight<'_> {
    /// Whose the rows of a service are: nobody in particular has an SLO or a release.
    fn whose_service(&self, service: &Untrusted, on_call_for: &[Untrusted]) -> Whose {
        if on_call_for.contains(service) {
            return Whose::Mine;
        }
        let team = self.store.service(service);
        let team = team.and_then(|service| service.team.as_deref());
        if team.is_some_and(|team| self.store.me().is_in(team)) {
            Whose::Team
        } else {
            Whose::All
        }
    }

    /// The source of a row.
    pub fn feed(&self, entry: &Entry) -> Option<&Feed> {
        self.store.feeds().get(entry.feed)
    }

    /// True when the row's source cannot say that it still holds.
    pub fn is_old(&self, entry: &Entry) -> bool {
        self.feed(entry)
            .is_none_or(|feed| !feed.freshness(self.now).is_current())
    }

    /// A time of day, with the date when it is not today's.
    pub fn clock(&self, at: Timestamp) -> String {
        self.clocks().short(at)
    }

    /// A moment in full, to the second, with its zone.
    pub fn moment(&self, at: Timestamp) -> String {
        self.clocks().full(at)
    }

    fn clocks(&self) -> Clock<'_> {
        Clock {
            zone: self.zone,
            now: self.now,
        }
    }

    /// How long ago something began, `in 5m` when it is to begin, or `–` when its time is not known.
    pub fn began(&self, at: Option<Timestamp>) -> String {
        match at.filter(|at| self.is_to_come(*at)) {
            Some(at) => format!("in {}", figures::age(self.now.duration_until(at))),
            None => self.ago(at),
        }
    }

    /// True for a moment that is yet to come, by more than clocks differ.
    pub fn is_to_come(&self, at: Timestamp) -> bool {
        crate::domain::window::is_to_come(at, self.now)
    }

    /// How long ago something was, or `–` when its time is not known.
    pub fn ago(&self, at: Option<Timestamp>) -> String {
        at.map_or_else(
            || "–".to_owned(),
            |at| figures::age(crate::domain::window::age(at, self.now)),
        )
    }
}

/// What a filter can ask of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets<'a> {
    /// `svc:`; `None` for a row that is of no service by its kind.
    pub service: Option<&'a str>,
    /// `sev:`; `None` for a row that has no severity by its kind.
    pub severity: Option<&'a str>,
    /// `state:`, each word that holds.
    pub states: Vec<&'a str>,
    /// Plain words, matched beside the service.
    pub words: Vec<&'a str>,
}

/// Where a row leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// What its source calls it.
    pub id: Untrusted,
    /// Its page.
    pub url: Option<Untrusted>,
    /// What to do about it.
    pub runbook: Option<Untrusted>,
}

/// What a source said when it was asked to explain a row.
#[derive(Clone, Copy, Debug)]
pub enum Said<'a> {
    /// Nothing yet.
    Asking,
    /// What lies behind the numbers, and when it said so.
    Told(&'a Explanation, Timestamp),
    /// Why it cannot tell.
    Failed(&'a Fault),
}

/// Names in one line below a table; the rest is a number.
const MAX_TAIL_NAMES: usize = 4;

/// How many rows there are, for a title: of what a silent source would say nothing is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Those that are known.
    pub known: usize,
    /// True when there may be more.
    pub unsure: bool,
}

/// One kind of row, from rank to detail.
pub trait Pane: Sync {
    /// Its name, as a title.
    fn name(&self) -> &'static str;
    /// Its name in three letters, for the tabs of a small terminal.
    fn short(&self) -> &'static str;
    /// By what its rows are ordered, in two words.
    fn order(&self) -> &'static str;
    /// Its columns.
    fn columns(&self) -> &'static [Column];
    /// What goes when there is no room, first things first.
    fn drops(&self) -> &'static [Drop];
    /// Whether such a source has something to say here.
    fn fed_by(&self, offers: Offers) -> bool;
    /// All rows, ranked.
    fn board(&self, store: &Store) -> Board;

    /// Whether its rows have to be ranked anew when this has changed: of nothing at all, what has
    /// happened has.
    fn follows(&self, touched: Offers) -> bool {
        self.fed_by(touched)
    }
    /// The cells of one row, one for each column.
    fn cells(&self, sight: Sight<'_>, board: &Board, entry: &Entry) -> Vec<Cell>;
    /// What a filter can ask of a row.
    fn facets<'a>(&self, sight: Sight<'a>, entry: &'a Entry) -> Facets<'a>;
    /// Where a row leads.
    fn links(&self, sight: Sight<'_>, entry: &Entry) -> Links;
    /// A summary of a row for a chat, which begins with its id.
    fn summary(&self, sight: Sight<'_>, entry: &Entry) -> String {
        self.links(sight, entry).id.shown().to_string()
    }
    /// Everything there is to say about a row.
    fn detail(&self, sight: Sight<'_>, entry: &Entry) -> Detail;
    /// Why there is no row although every source answered.
    fn none(&self, feeds: &[&Feed]) -> Line;
    /// Why nobody could answer: no source is configured that speaks of it.
    fn nobody(&self) -> &'static str;

    /// How many rows there are.
    fn count(&self, sight: Sight<'_>, board: &Board) -> Count {
        Count {
            known: board.entries.len(),
            unsure: self.is_unsure(sight),
        }
    }

    /// Whether a row is one of those that a title counts.
    fn counts(&self, _sight: Sight<'_>, _entry: &Entry) -> bool {
        true
    }

    /// How urgent a row is as it is shown, the lowest first, where silent sources change the order of
    /// the board.
    fn urgency(&self, _sight: Sight<'_>, _entry: &Entry) -> u8 {
        0
    }

    /// Whether its rows can be shown in this order, beside its own.
    fn sorts_by(&self, sort: Sort) -> bool {
        sort == Sort::Service
    }

    /// The number that each of these rows is sorted by: the lowest comes first, `None` last.
    fn sort_values(&self, _sort: Sort, _sight: Sight<'_>, entries: &[Entry]) -> Vec<Option<f64>> {
        vec![None; entries.len()]
    }

    /// Whose a row is; `on_call_for` are the services that I have the pager for.
    fn whose(&self, _sight: Sight<'_>, _entry: &Entry, _on_call_for: &[Untrusted]) -> Whose {
        Whose::Mine
    }

    /// Whether somebody has to look at a row now and nobody does: such a one is never hidden without
    /// a word.
    fn is_pressing(&self, _sight: Sight<'_>, _entry: &Entry) -> bool {
        false
    }

    /// Whether a row asks for attention: panes share rows so that these are in view. Ranks put them first.
    fn is_loud(&self, _sight: Sight<'_>, _entry: &Entry) -> bool {
        false
    }

    /// Whether a line below the rows stands for those out of view; else the title counts them.
    fn has_tail(&self) -> bool {
        false
    }

    /// That line, for the rows out of view.
    fn tail(&self, _sight: Sight<'_>, _rows: &mut dyn Iterator<Item = &Entry>) -> Option<Line> {
        None
    }

    /// The column that says how many rows are folded under a row.
    fn fold_column(&self) -> Option<usize> {
        None
    }

    /// Which commands of the user's own work on its rows.
    fn scope(&self) -> Option<CommandScope> {
        None
    }

    /// What stands for a placeholder of such a command.
    fn value(&self, _sight: Sight<'_>, _entry: &Entry, _name: &str) -> Option<Untrusted> {
        None
    }

    /// True while a source that feeds the pane does not answer.
    fn is_unsure(&self, sight: Sight<'_>) -> bool {
        let mut feeds = sight.store.feeds().iter();
        feeds.any(|feed| self.fed_by(feed.offers) && !feed.freshness(sight.now).is_current())
    }

    /// Whether the numbers of its rows can be explained.
    fn explains(&self) -> bool {
        false
    }

    /// Every number of a row and what it rests on; `said` is what its source said when it was asked.
    fn explain(&self, _sight: Sight<'_>, _entry: &Entry, _said: Said<'_>) -> Detail {
        Detail::default()
    }

    /// Whether a row whose source is silent is shown as old.
    fn fades(&self) -> bool {
        true
    }

    /// Whether its rows have pages of their own to open.
    fn has_pages(&self) -> bool {
        false
    }

    /// Whether its rows may lead to a runbook.
    fn has_runbooks(&self) -> bool {
        false
    }
}

/// Why a pane has no rows, so that an empty pane is never taken for all being well.
pub fn why_empty(pane: &dyn Pane, sight: Sight<'_>) -> Line {
    let feeds = fresh::feeding(pane, sight.store);
    if feeds.is_empty() {
        return Line::of(pane.nobody(), Role::Dim);
    }
    let silent: Vec<_> = feeds
        .iter()
        .filter(|feed| feed.last_success.is_none())
        .collect();
    if let Some(feed) = silent.iter().find(|feed| feed.fault.is_some()) {
        return Line::of("not known: ", Role::Unknown).join(fresh::sentence(feed, sight.now));
    }
    if let Some(feed) = silent.first() {
        return Line::of(
            format!("waiting for the first answer of {}", feed.name),
            Role::Unknown,
        );
    }
    if let Some(feed) = feeds
        .iter()
        .find(|feed| !feed.freshness(sight.now).is_current())
    {
        return Line::of("none when last heard, now not known: ", Role::Unknown)
            .join(fresh::sentence(feed, sight.now));
    }
    pane.none(&feeds)
}

/// Numbers the rows of one id, so that one used twice is still two rows.
fn number(rows: &mut [Entry]) {
    if are_unlike(rows) {
        return;
    }
    let mut seen = HashMap::with_capacity(rows.len());
    let mut twins = Vec::new();
    for (place, entry) in rows.iter().enumerate() {
        let count: &mut u32 = seen.entry((entry.feed, entry.key.id.raw())).or_insert(0);
        if *count > 0 {
            twins.push((place, *count));
        }
        *count += 1;
    }
    for (place, nth) in twins {
        rows[place].key.nth = nth;
    }
}

/// True when no two rows can have one id: their hashes differ, which is told faster than by a map.
fn are_unlike(rows: &[Entry]) -> bool {
    let mut digests: Vec<u64> = rows.iter().map(|entry| entry.digest).collect();
    digests.sort_unstable();
    digests.is_sorted_by(|one, next| one < next)
}

/// A list of rows that is being measured and ranked.
struct Ranking<Rank> {
    pane: &'static str,
    /// Of each row, and its place among the rows.
    ranks: Vec<(Rank, usize)>,
    rows: Vec<Entry>,
    widths: Vec<u16>,
}

impl<Rank: Ord> Ranking<Rank> {
    fn new(pane: &dyn Pane) -> Self {
        Self {
            pane: pane.name(),
            ranks: Vec::new(),
            rows: Vec::new(),
            widths: vec![0; pane.columns().len()],
        }
    }

    /// Adds row `item` of source number `feed`.
    fn add(
        &mut self,
        (feed, source): (usize, &SourceName),
        item: usize,
        id: Untrusted,
        rank: Rank,
    ) {
        let key = RowKey {
            pane: self.pane,
            source: source.clone(),
            id,
            nth: 0,
        };
        self.ranks.push((rank, self.rows.len()));
        self.rows.push(Entry::new(key, feed, item));
    }

    /// Notes what the row added last was ranked by.
    fn stands(&mut self, standing: Standing) {
        if let Some(entry) = self.rows.last_mut() {
            entry.standing = Some((standing.state, standing.phase));
        }
    }

    /// Notes how wide a row is in one column.
    fn measure(&mut self, column: usize, width: usize) {
        if let Some(widest) = self.widths.get_mut(column) {
            *widest = (*widest).max(u16::try_from(width).unwrap_or(u16::MAX));
        }
    }

    /// The board: lowest rank first, and in the order of arrival among equals.
    fn board(mut self, columns: &[Column]) -> Board {
        number(&mut self.rows);
        // Ranks are small and rows are not: only ranks are moved about, and then each row once.
        self.ranks.sort_unstable();
        let mut rows: Vec<_> = self.rows.into_iter().map(Some).collect();
        let mut entries = Vec::with_capacity(rows.len());
        let order = self.ranks.into_iter();
        entries.extend(order.filter_map(|(_, place)| rows.get_mut(place)?.take()));
        Board {
            entries,
            widths: self.widths,
            headings: columns
                .iter()
                .map(|column| column.heading.to_owned())
                .collect(),
            services: service_rows::ServiceRows::default(),
        }
    }
}
