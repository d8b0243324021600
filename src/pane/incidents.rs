//! Who has it: incidents, worst first.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::cell::{Cell, Mark, Role, severity_word, width_of};
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
mod tail;

use lane::Lane;
pub(super) use lane::status;

/// The incident pane.
pub(super) struct Incidents;

const AGE: usize = 1;
const SERVICE: usize = 2;
const TITLE: usize = 3;
const WHO: usize = 4;

const COLUMNS: [Column; 5] = [
    Column::left("", Width::Fixed(2)),
    Column::right("", Width::Fixed(4)).flush(),
    Column::left("", Width::Content(16)),
    Column::left("", Width::Rest(16, 120)),
    Column::right("", Width::Content(17)),
];

const DROPS: [Drop; 6] = [
    Drop::Narrow(TITLE, 24),
    Drop::Narrow(SERVICE, 12),
    Drop::Narrow(WHO, 11),
    Drop::Narrow(TITLE, 16),
    Drop::Narrow(SERVICE, 8),
    Drop::Narrow(TITLE, 10),
];

/// The word that a filter finds folded rows by.
const FOLDED: &str = "folded";

/// The room of a title before who has it has more than it needs.
const ROOMY_TITLE: usize = 31;

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
        ranking.measure(WHO, "nobody?".len());
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
                ranking.measure(SERVICE, width_of(&row.service));
                ranking.measure(TITLE, ROOMY_TITLE);
                ranking.measure(WHO, lane::widest(row, store.me()));
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
            Cell::text(sight.began(row.opened_at), Role::Dim),
            Cell::name(&row.service, Role::Strong),
            Cell::Line(headline(row, sight.growth.of(&entry.key) > 0)),
            Cell::Line(if sight.is_old(entry) {
                lane::was(sight, row).text("?", Role::Old)
            } else {
                status(sight, row)
            }),
        ];
        if lane::of(sight, row) == Some(Lane::Ending) {
            // Its row is quiet; that it will not be for long is not.
            let mut cells: Vec<_> = cells.into_iter().map(Cell::faded).collect();
            cells[WHO] = Cell::Line(status(sight, row));
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
            service: Some(row.service.raw()),
            severity: Some(row.severity.word()),
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

    fn summary(&self, sight: Sight<'_>, entry: &Entry) -> String {
        let Links { id, url, .. } = self.links(sight, entry);
        let Some(row) = incident(sight, entry) else {
            return id.shown().to_string();
        };
        let who = status(sight, row).words();
        let opened = sight.began(row.opened_at);
        let url = url.map(|url| format!("; {}", url.shown()));
        format!(
            "{} {} {}: {}; {opened}, {who}{}",
            id.shown(),
            severity_word(row.severity),
            row.service.shown(),
            row.title.shown(),
            url.unwrap_or_default()
        )
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
        "no source of incidents: add one of kind alertmanager or json"
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

    fn is_loud(&self, sight: Sight<'_>, entry: &Entry) -> bool {
        let row = incident(sight, entry);
        row.is_some_and(|row| row.is_open() && row.status != IncidentStatus::Silenced)
    }

    fn has_tail(&self) -> bool {
        true
    }

    fn tail(&self, sight: Sight<'_>, below: &mut dyn Iterator<Item = &Entry>) -> Option<Line> {
        Some(tail::line(sight, below))
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

/// What it is about: the title without the service at its beginning, which has a column of its own.
fn headline(row: &Incident, has_grown: bool) -> Line {
    let title = row.title.shown();
    let service = row.service.shown();
    let words = without_severity(title.as_str(), severity_word(row.severity));
    let words = without_name(words, service.as_str());
    let line = Line::of(words, Role::Plain);
    // Of one that grew the table counts the alerts, where they are never cut.
    if row.alerts > 1 && !has_grown {
        line.text(format!(" ({} alerts)", row.alerts), Role::Dim)
    } else {
        line
    }
}

/// A title without its severity in brackets at the beginning, which the mark and the word say: `(page) …`.
fn without_severity<'a>(title: &'a str, word: &str) -> &'a str {
    let rest = title
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(") "));
    match rest {
        Some((said, rest)) if said.eq_ignore_ascii_case(word) && !rest.trim().is_empty() => rest,
        _ => title,
    }
}

/// A title without a name that it begins with as a word of its own; the title itself where nothing would
/// be left.
fn without_name<'a>(title: &'a str, name: &str) -> &'a str {
    let Some(rest) = title.strip_prefix(name).filter(|_| !name.is_empty()) else {
        return title;
    };
    let words = rest.trim_start_matches([' ', ':', '/']);
    if words.is_empty() || words.len() == rest.len() {
        title
    } else {
        words
    }
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
    fn a_title_does_not_repeat_the_service_that_it_begins_with() {
        let without = |title| without_name(title, "cart");
        assert_eq!(without("cart is slow"), "is slow");
        assert_eq!(without("cart: queue grows"), "queue grows");
        assert_eq!(without("the cart is slow"), "the cart is slow");
        assert_eq!(without("cartridge is empty"), "cartridge is empty");
        assert_eq!(without("cart-db is full"), "cart-db is full");
        assert_eq!(without("cart"), "cart");
        assert_eq!(without_name("is slow", ""), "is slow");
        assert_eq!(without_severity("(page) cart burns", "PAGE"), "cart burns");
        assert_eq!(
            without_severity("(beta) cart burns", "PAGE"),
            "(beta) cart burns"
        );
        assert_eq!(without_severity("(page) ", "PAGE"), "(page) ");
        assert_eq!(without_name("支払い: 遅い", "支払い"), "遅い");
    }
}
