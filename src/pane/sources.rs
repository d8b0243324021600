//! The watch itself: each source's freshness, speed and last fault.

use super::block::Block;
use super::cell::{Cell, Mark, Role};
use super::{
    Board, Column, Detail, Drop, Entry, Facets, Line, Links, PANES, Pane, Ranking, Sight, Width,
    figures, fresh,
};
use crate::domain::{Freshness, Sort};
use crate::store::{Feed, Offers, Store};
use crate::text::Untrusted;

/// The source pane.
pub(super) struct Sources;

const NAME: usize = 0;
const KIND: usize = 1;
const FRESHNESS: usize = 2;
const LATENCY: usize = 3;
const EVERY: usize = 4;
const ROWS: usize = 5;

const COLUMNS: [Column; 8] = [
    Column::left("source", Width::Content(18)),
    Column::left("kind", Width::Content(14)),
    Column::left("freshness", Width::Fixed(11)),
    Column::right("took", Width::Fixed(6)),
    Column::right("every", Width::Fixed(5)),
    Column::left("gave", Width::Content(40)),
    Column::right("next", Width::Fixed(4)),
    Column::left("fault", Width::Rest(34, 400)),
];

const DROPS: [Drop; 4] = [
    Drop::Hide(EVERY),
    Drop::Hide(LATENCY),
    Drop::Hide(ROWS),
    Drop::Hide(KIND),
];

impl Pane for Sources {
    fn name(&self) -> &'static str {
        "Sources"
    }

    fn short(&self) -> &'static str {
        "Src"
    }

    fn order(&self) -> &'static str {
        "as configured"
    }

    fn columns(&self) -> &'static [Column] {
        &COLUMNS
    }

    fn drops(&self) -> &'static [Drop] {
        &DROPS
    }

    fn fed_by(&self, _: Offers) -> bool {
        true
    }

    fn board(&self, store: &Store) -> Board {
        let mut ranking = Ranking::new(self);
        for (number, feed) in store.feeds().iter().enumerate() {
            let id = Untrusted::from(feed.name.as_str());
            ranking.add((number, &feed.name), 0, id, number);
            ranking.measure(NAME, feed.name.as_str().len());
            ranking.measure(KIND, feed.kind.len());
            ranking.measure(FRESHNESS, 0);
            ranking.measure(ROWS, gave(feed).len());
        }
        ranking.board(&COLUMNS)
    }

    fn cells(&self, sight: Sight<'_>, _: &Board, entry: &Entry) -> Vec<Cell> {
        let Some(feed) = sight.feed(entry) else {
            return Vec::new();
        };
        let (word, role) = fresh::word(feed, sight.now);
        let took = feed
            .latency
            .map_or_else(|| "–".to_owned(), figures::latency);
        vec![
            Cell::text(feed.name.as_str(), Role::Strong),
            Cell::text(feed.kind, Role::Plain),
            Cell::Line(badge(feed, sight).text(word, role)),
            Cell::text(took, Role::Dim),
            Cell::text(crate::domain::window::brief(feed.interval), Role::Dim),
            Cell::text(gave(feed), Role::Dim),
            Cell::text(next(feed, sight), Role::Plain),
            Cell::Line(trouble(feed)),
        ]
    }

    fn facets<'a>(&self, sight: Sight<'a>, entry: &'a Entry) -> Facets<'a> {
        let Some(feed) = sight.store.feeds().get(entry.feed) else {
            return Facets::default();
        };
        let mut words = vec![feed.name.as_str(), feed.kind];
        words.extend(feed.fault.as_ref().map(|fault| fault.message.raw()));
        Facets {
            states: vec![feed.freshness(sight.now).word()],
            words,
            ..Facets::default()
        }
    }

    fn sorts_by(&self, _: Sort) -> bool {
        false
    }

    fn links(&self, _: Sight<'_>, entry: &Entry) -> Links {
        Links {
            id: entry.key.id.clone(),
            ..Links::default()
        }
    }

    fn detail(&self, sight: Sight<'_>, entry: &Entry) -> Detail {
        let feed = sight.feed(entry);
        feed.map_or_else(Detail::default, |feed| detail(sight, feed))
    }

    fn none(&self, _: &[&Feed]) -> Line {
        Line::of(self.nobody(), Role::Plain)
    }

    fn nobody(&self) -> &'static str {
        "no source is configured: start with --prometheus URL, or watchfire demo"
    }

    fn is_unsure(&self, _: Sight<'_>) -> bool {
        false
    }

    fn fades(&self) -> bool {
        false
    }
}

fn badge(feed: &Feed, sight: Sight<'_>) -> Line {
    match feed.freshness(sight.now) {
        Freshness::Live | Freshness::Late => Line::new().mark(Mark::Ok, Role::Dim),
        Freshness::Stale | Freshness::Down => Line::new().mark(Mark::Unknown, Role::Fault),
    }
}

/// In how long it is asked again, when a reader may wait for that: a live source is asked in time.
fn next(feed: &Feed, sight: Sight<'_>) -> String {
    let Some(next) = feed.next_try.filter(|_| feed.fault.is_some()) else {
        return String::new();
    };
    let left = sight.now.duration_until(next);
    if left.is_positive() {
        figures::countdown(left)
    } else {
        "now".to_owned()
    }
}

/// What is wrong; warnings of an otherwise good answer.
fn trouble(feed: &Feed) -> Line {
    if let Some(fault) = &feed.fault {
        return Line::of(fresh::fault_words(fault), Role::Plain);
    }
    match feed.facts.warnings.as_slice() {
        [] => Line::new(),
        [first] => Line::of("warns: ", Role::Dim).foreign(first, Role::Plain),
        [first, ..] => Line::of(
            format!("warns {} times: ", feed.facts.warnings.len()),
            Role::Dim,
        )
        .foreign(first, Role::Plain),
    }
}

/// How many rows its last good answer held.
fn gave(feed: &Feed) -> String {
    let facts = &feed.facts;
    let counts = [
        ("SLO", facts.slos.as_ref().map(Vec::len)),
        ("release", facts.releases.as_ref().map(Vec::len)),
        ("incident", facts.incidents.as_ref().map(Vec::len)),
        ("on call", facts.on_call.as_ref().map(Vec::len)),
    ];
    let counts: Vec<_> = counts
        .into_iter()
        .filter_map(|(name, count)| Some((name, count?)))
        .map(|(name, count)| {
            let plural = if count == 1 || name == "on call" {
                ""
            } else {
                "s"
            };
            format!("{count} {name}{plural}")
        })
        .collect();
    counts.join(" ")
}

fn detail(sight: Sight<'_>, feed: &Feed) -> Detail {
    let (word, role) = fresh::word(feed, sight.now);
    let mut detail = Detail {
        title: Line::of(feed.name.as_str(), Role::Title),
        origin: Line::of(feed.kind, Role::Dim),
        blocks: Vec::new(),
    };
    detail.line(badge(feed, sight).text(word, role));
    if let Some(fault) = &feed.fault {
        let message = fault.message.shown();
        detail.blocks.push(Block::Prose(message, Role::Fault));
    }
    detail.blocks.push(Block::Gap);
    let plain = |text: String| Line::of(text, Role::Plain);
    let heard = feed
        .last_success
        .map_or_else(|| "never".to_owned(), |at| sight.moment(at));
    detail.field("last answer", plain(heard));
    if feed.failures > 0 {
        let plural = if feed.failures == 1 { "" } else { "s" };
        let count = format!("{} poll{plural} in a row", feed.failures);
        detail.field("failed", plain(count));
    }
    if let Some(next) = feed.next_try {
        detail.field("next poll", plain(sight.moment(next)));
    }
    let took = feed
        .latency
        .map_or_else(|| "–".to_owned(), figures::latency);
    detail.field("took", plain(took));
    let every = crate::domain::window::brief(feed.interval);
    detail.field("asked every", plain(every));
    let down = crate::domain::window::brief(feed.stale_after);
    detail.field("down after", plain(down));
    let speaks: Vec<_> = PANES
        .iter()
        .take(super::SOURCES)
        .filter(|pane| pane.fed_by(feed.offers))
        .map(|pane| pane.name())
        .collect();
    detail.field("speaks of", plain(speaks.join(", ")));
    detail.field("gave", plain(gave(feed)));
    if !feed.facts.warnings.is_empty() {
        detail.section("what it warned of");
        for warning in &feed.facts.warnings {
            let text = warning.shown();
            detail.blocks.push(Block::Prose(text, Role::Plain));
        }
    }
    detail
}
