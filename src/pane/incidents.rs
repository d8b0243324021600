//! Who has it: incidents, worst first.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::cell::{Cell, Mark, Role, severity_word};
use super::releases::names;
use super::{
    Board, Column, Count, Detail, Drop, Entry, Facets, Line, Links, Pane, Ranking, Sight, Width,
    related,
};
use crate::config::CommandScope;
use crate::domain::{Incident, IncidentStatus, Me, Severity, Whose};
use crate::store::{Feed, Offers, Store};
use crate::text::Untrusted;

mod detail;
mod folded;
mod lane;

use lane::Lane;
pub(super) use lane::status;

/// The incident pane.
pub(super) struct Incidents;

const SEVERITY: usize = 0;
const TITLE: usize = 1;
const AGE: usize = 2;
const STATUS: usize = 3;

const COLUMNS: [Column; 4] = [
    Column::left("", Width::Content(8)),
    Column::left("", Width::Rest(16, 120)).close(),
    Column::right("", Width::Fixed(4)).close(),
    Column::left("", Width::Content(11)).close(),
];

const DROPS: [Drop; 5] = [
    Drop::Narrow(STATUS, 10),
    Drop::Narrow(TITLE, 24),
    Drop::Narrow(SEVERITY, 2),
    Drop::Narrow(STATUS, 9),
    Drop::Narrow(TITLE, 16),
];

/// The word that a filter finds folded rows by.
const FOLDED: &str = "folded";

/// The room of a title before a status has more than it needs.
const ROOMY_TITLE: usize = 31;
/// The room of a service that its incident's title does not name.
const LONGEST_SERVICE: usize = 20;

impl Pane for Incidents {
    fn name(&self) -> &'static str {
        "Incidents"
    }

    fn short(&self) -> &'static str {
        "Inc"
    }

    fn order(&self) -> &'static str {
        "worst first"
    }

    fn columns(&self) -> &'static [Column] {
        &COLUMNS
    }

    fn drops(&self) -> &'static [Drop] {
        &DROPS
    }

    fn fed_by(&self, offers: Offers) -> bool {
        offers.incidents
    }

    fn board(&self, store: &Store) -> Board {
        let mut ranking = Ranking::new(self);
        // Room for whatever may come, so that columns stand still when a status changes.
        ranking.measure(SEVERITY, "! TICKET".len());
        ranking.measure(STATUS, "not acked?".len());
        for (number, feed) in store.feeds().iter().enumerate() {
            for (item, row) in feed.facts.incidents.iter().flatten().enumerate() {
                ranking.add(
                    (number, &feed.name),
                    item,
                    row.id.clone(),
                    rank(row, store.me()),
                );
                if row.opened_at > feed.last_success {
                    ranking.measure(AGE, "in 59m".len());
                }
                ranking.measure(TITLE, ROOMY_TITLE);
                ranking.measure(STATUS, lane::widest(row, store.me()));
            }
        }
        ranking.board(&COLUMNS)
    }

    fn cells(&self, sight: Sight<'_>, _: &Board, entry: &Entry) -> Vec<Cell> {
        let Some(row) = incident(sight, entry) else {
            return Vec::new();
        };
        let (mark, role) = Mark::of_severity(row.severity);
        let cells = vec![
            Cell::Badge(mark, severity_word(row.severity), role),
            Cell::Line(headline(row, sight.growth.of(&entry.key) > 0)),
            Cell::text(sight.began(row.opened_at), Role::Dim),
            Cell::Line(if sight.is_old(entry) {
                lane::was(sight, row).text("?", Role::Old)
            } else {
                status(sight, row)
            }),
        ];
        if lane::of(sight, row) == Some(Lane::Ending) {
            // Its row is quiet; that it will not be for long is not.
            let mut cells: Vec<_> = cells.into_iter().map(Cell::faded).collect();
            cells[STATUS] = Cell::Line(status(sight, row));
            return cells;
        }
        if row.is_open() && row.status != IncidentStatus::Silenced {
            return cells;
        }
        // What is over, or kept from notifying, does not draw the eye.
        cells.into_iter().map(Cell::faded).collect()
    }

    fn facets<'a>(&self, sight: Sight<'a>, entry: &'a Entry) -> Facets<'a> {
        let Some(row) = incident(sight, entry) else {
            return Facets::default();
        };
        let mut states = vec![row.status.word()];
        states.extend(lane::of(sight, row).map(Lane::word));
        states.extend(row.suppression.map(crate::domain::Suppression::word));
        states.extend(sight.folds.head(&entry.key).map(|_| FOLDED));
        if !row.is_gone() {
            states.push(if row.is_open() { "open" } else { "closed" });
        }
        let mut words = vec![row.title.raw(), row.id.raw()];
        let people = [&row.assignees, &row.acknowledged_by, &row.teams];
        words.extend(people.into_iter().flatten().map(Untrusted::raw));
        Facets {
            service: row.service.raw(),
            severity: row.severity.word(),
            states,
            words,
        }
    }

    fn links(&self, sight: Sight<'_>, entry: &Entry) -> Links {
        let row = incident(sight, entry);
        row.map_or_else(Links::default, |row| Links {
            id: row.id.clone(),
            url: row.url.clone(),
            runbook: row
                .runbook
                .clone()
                .or_else(|| related::runbook(sight, &row.service)),
        })
    }

    fn detail(&self, sight: Sight<'_>, entry: &Entry) -> Detail {
        match (incident(sight, entry), sight.feed(entry)) {
            (Some(row), Some(feed)) => detail::detail(sight, feed, row, &entry.key),
            _ => Detail::default(),
        }
    }

    fn none(&self, feeds: &[&Feed]) -> Line {
        let text = format!("no open incidents ({} live)", names(feeds));
        Line::of(text, Role::Dim)
    }

    fn nobody(&self) -> &'static str {
        "no source tells of incidents: add one of kind alertmanager or json"
    }

    fn has_pages(&self) -> bool {
        true
    }

    fn has_runbooks(&self) -> bool {
        true
    }

    fn counts(&self, sight: Sight<'_>, entry: &Entry) -> bool {
        incident(sight, entry).is_some_and(Incident::is_open)
    }

    fn whose(&self, sight: Sight<'_>, entry: &Entry, on_call_for: &[Untrusted]) -> Whose {
        incident(sight, entry).map_or(Whose::All, |row| whose(sight, row, on_call_for))
    }

    fn is_pressing(&self, sight: Sight<'_>, entry: &Entry) -> bool {
        incident(sight, entry).is_some_and(|row| row.severity == Severity::Page && row.is_untaken())
    }

    fn fold_column(&self) -> Option<usize> {
        Some(TITLE)
    }

    fn scope(&self) -> Option<CommandScope> {
        Some(CommandScope::Incident)
    }

    fn value(&self, sight: Sight<'_>, entry: &Entry, name: &str) -> Option<Untrusted> {
        let row = incident(sight, entry)?;
        match name {
            "id" => Some(row.id.clone()),
            "service" => Some(row.service.clone()),
            "name" => Some(row.title.clone()),
            "source" => Some(entry.key.source.as_str().into()),
            "url" => row.url.clone(),
            "state" => Some(row.status.word().into()),
            _ => None,
        }
    }

    fn count(&self, sight: Sight<'_>, board: &Board) -> Count {
        let rows = board.entries.iter();
        let open = rows.filter(|entry| self.counts(sight, entry));
        Count {
            known: open.count(),
            unsure: self.is_unsure(sight) || sight.store.incidents().any(|(_, row)| row.is_gone()),
        }
    }
}

/// The incident of a row.
pub fn incident<'a>(sight: Sight<'a>, entry: &Entry) -> Option<&'a Incident> {
    let feed = sight.store.feeds().get(entry.feed)?;
    feed.facts.incidents.as_ref()?.get(entry.item)
}

type Rank = (
    u8,
    Reverse<Severity>,
    u8,
    (bool, Option<Timestamp>),
    Reverse<Option<Timestamp>>,
    String,
);

/// Open ones first, then those that are gone; then by severity, then those that nobody has, those that I have, those that
/// others have, those that are silenced, soonest end first; then the newest.
pub(super) fn rank(row: &Incident, me: &Me) -> Rank {
    let held = match row.status {
        IncidentStatus::Triggered => 0,
        IncidentStatus::Acknowledged if lane::is_held_by(row, me) => 1,
        IncidentStatus::Acknowledged => 2,
        IncidentStatus::Silenced => 3,
        IncidentStatus::Gone => 4,
        IncidentStatus::Resolved => 5,
    };
    let end = row
        .silenced_until
        .filter(|_| row.status == IncidentStatus::Silenced);
    let id = row.id.raw().to_owned();
    (
        if row.is_open() {
            0
        } else {
            u8::from(!row.is_gone()) + 1
        },
        Reverse(row.severity),
        held,
        (end.is_none(), end),
        Reverse(row.opened_at),
        id,
    )
}

/// What it is about: the title with the service standing out in it, or before it where the title
/// does not name it.
fn headline(row: &Incident, has_grown: bool) -> Line {
    let title = row.title.shown();
    let service = row.service.shown();
    let line = if service.is_empty() {
        Line::of(title.as_str(), Role::Plain)
    } else if let Some((before, after)) = around(title.as_str(), service.as_str()) {
        let named = &title.as_str()[before.len()..title.as_str().len() - after.len()];
        Line::of(before, Role::Plain)
            .text(named, Role::Strong)
            .text(after, Role::Plain)
    } else {
        Line::of(service.fit(LONGEST_SERVICE).as_str(), Role::Strong)
            .text(": ", Role::Dim)
            .text(title.as_str(), Role::Plain)
    };
    // Of one that grew the table counts the alerts, where they are never cut.
    if row.alerts > 1 && !has_grown {
        line.text(format!(" ({} alerts)", row.alerts), Role::Dim)
    } else {
        line
    }
}

/// What stands before and after a name that a text holds as a word of its own.
fn around<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let is_end = |neighbour: Option<char>| {
        neighbour.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '-' | '_'))
    };
    text.match_indices(name).find_map(|(at, name)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        let is_word = is_end(before.chars().next_back()) && is_end(after.chars().next());
        is_word.then_some((before, after))
    })
}

/// Whose an incident is: of who has it or is to take it, and of nobody's of who has the pager.
fn whose(sight: Sight<'_>, row: &Incident, on_call_for: &[Untrusted]) -> Whose {
    let me = sight.store.me();
    let people = || row.assignees.iter().chain(&row.acknowledged_by);
    if people().any(|who| me.is(who)) {
        return Whose::Mine;
    }
    match sight.whose_service(&row.service, on_call_for) {
        Whose::Mine if people().next().is_none() => Whose::Mine,
        Whose::Mine | Whose::Team => Whose::Team,
        Whose::All if row.teams.iter().any(|team| me.is_in(team.raw())) => Whose::Team,
        Whose::All => Whose::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_found_in_a_title_only_as_a_word_of_its_own() {
        let found = |text| around(text, "cart");
        assert_eq!(found("cart is slow"), Some(("", " is slow")));
        assert_eq!(found("the cart's p99"), Some(("the ", "'s p99")));
        assert_eq!(found("cartridge: cart"), Some(("cartridge: ", "")));
        assert_eq!(found("cart-db is full"), None);
        assert_eq!(found("queue is long"), None);
        assert_eq!(around("証明書: 支払い", "支払い"), Some(("証明書: ", "")));
    }
}
