//! What is burning: SLOs, worst first.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::cell::{Cell, Mark, Role, state_word, width_of};
use super::since::Since;
use super::{
    Board, Column, Detail, Drop, Entry, Facets, Line, Links, Pane, Ranking, Said, Sight, Width,
    figures, links, related,
};
use crate::config::CommandScope;
use crate::domain::{
    Observation, Phase, Rule, Severity, Slo, Sort, Standing, State, Suggestions, Whose, Window,
};
use crate::store::{Feed, Offers, Store};
use crate::text::Untrusted;

mod chart;
mod detail;
mod explain;
mod tail;
mod trend;
mod words;

pub(super) use detail::freeze_role;
pub(super) use trend::curve;
pub(super) use words::{budget, budget_role, burn_role, was};
use words::{budget_width, burn_cell, note, of_needed, phase_and_direction, reason_width};

/// The SLO pane.
pub(super) struct Slos;

const SERVICE: usize = 1;
const NAME: usize = 2;
const OBJECTIVE: usize = 3;
const SINCE: usize = 4;
/// The first of the three burn columns, behind the arrow of
/// [`Direction`](crate::domain::Direction).
const BURN: usize = 6;
const GAUGE: usize = 9;
const BUDGET: usize = 10;
const NOTE: usize = 11;
const TREND: usize = 12;

/// Columns of most notes: `2 of 3 events`.
const NOTES: u16 = 13;
/// Columns of the longest reason that a row shows: `label bad_code on no series`.
const REASONS: u16 = 28;

const COLUMNS: [Column; 13] = [
    Column::left("", Width::Fixed(2)),
    Column::left("service", Width::Content(18)).flush(),
    Column::left("SLO", Width::Content(18)),
    Column::left("goal%", Width::Content(8)),
    Column::right("since", Width::Fixed(5)),
    Column::left("", Width::Fixed(1)),
    Column::right("", Width::Fixed(figures::BURN_WIDTH)).close(),
    Column::right("", Width::Fixed(figures::BURN_WIDTH)).close(),
    Column::right("", Width::Fixed(figures::BURN_WIDTH)).close(),
    Column::left("budget", Width::Rest(8, 10)),
    Column::right("", Width::Content(7)).close(),
    Column::left("", Width::Content(REASONS)),
    Column::left("last 3 h", Width::Rest(8, 40)),
];

/// Objective, 6h, trend, 5m, since and name go in this order; state, service, direction, 1h and budget stay.
const DROPS: [Drop; 17] = [
    Drop::Narrow(NOTE, 18),
    Drop::Hide(OBJECTIVE),
    Drop::Hide(BURN + 2),
    Drop::Narrow(NAME, 13),
    Drop::Narrow(GAUGE, 6),
    Drop::Narrow(SERVICE, 14),
    Drop::Narrow(NOTE, 11),
    Drop::Narrow(SERVICE, 10),
    Drop::Narrow(NOTE, 8),
    Drop::Hide(TREND),
    Drop::Hide(BURN),
    Drop::Narrow(GAUGE, 4),
    Drop::Hide(SINCE),
    Drop::Hide(GAUGE),
    Drop::Narrow(NAME, 8),
    Drop::Hide(NAME),
    Drop::Hide(NOTE),
];

/// How many points the trend column has.
const TREND_CELLS: usize = 40;

impl Pane for Slos {
    fn name(&self) -> &'static str {
        "SLOs"
    }

    fn short(&self) -> &'static str {
        "SLO"
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
        offers.slos
    }

    fn board(&self, store: &Store) -> Board {
        let mut ranking = Ranking::new(self);
        let mut labels = Labels::default();
        // Room for whatever may come, so that columns stand still when a state changes.
        ranking.measure(BUDGET, "100%".len());
        ranking.measure(NOTE, usize::from(NOTES));
        let mut objectives = Widths::default();
        let feeds = store.feeds().iter().enumerate();
        let rows = feeds.flat_map(|(number, feed)| {
            let rows = feed.facts.slos.iter().flatten().enumerate();
            rows.map(move |(item, seen)| ((number, feed), item, seen))
        });
        for ((number, feed), item, seen) in rows {
            let source = (number, &feed.name);
            let standing = seen.standing();
            ranking.add(source, item, seen.slo.id(), Rank::of(seen, &standing));
            ranking.stands(standing);
            ranking.measure(SERVICE, width_of(&seen.slo.service));
            ranking.measure(NAME, width_of(&seen.slo.name));
            ranking.measure(OBJECTIVE, objectives.of(seen.slo.objective));
            ranking.measure(BUDGET, budget_width(seen, standing.budget_remaining));
            ranking.measure(NOTE, reason_width(feed, seen, &standing));
            labels.count(seen);
        }
        let columns = labels.columns();
        for (slot, (_, width)) in columns.iter().enumerate() {
            ranking.measure(BURN + slot, *width);
        }
        let mut board = ranking.board(&COLUMNS);
        for (slot, (heading, _)) in columns.into_iter().enumerate() {
            board.headings[BURN + slot] = heading;
        }
        board
    }

    fn cells(&self, sight: Sight<'_>, board: &Board, entry: &Entry) -> Vec<Cell> {
        let (Some(seen), Some(feed)) = (observation(sight, entry), sight.feed(entry)) else {
            return Vec::new();
        };
        let verdict = seen.assess();
        let is_old = sight.is_old(entry);
        let shown = if is_old {
            State::Unknown
        } else {
            verdict.state
        };
        let (mark, role) = Mark::of_state(shown);
        let was_paging = is_old && verdict.state == State::Page;
        let role = if was_paging { Role::WasPage } else { role };
        let is_quiet = verdict.state == State::Ok && verdict.phase == Some(Phase::Calm);
        let (service, name) = if is_quiet {
            (Role::Plain, Role::Dim)
        } else {
            (Role::Strong, Role::Plain)
        };
        let since = Since::of(sight, feed, seen, &verdict);
        let since = since.map(|since| since.age(sight.now)).unwrap_or_default();
        let mut cells = vec![
            Cell::Badge(mark, state_word(shown), role),
            Cell::name(&seen.slo.service, service),
            Cell::name(&seen.slo.name, name),
            Cell::text(figures::objective(seen.slo.objective), Role::Dim),
            Cell::text(since, Role::Plain),
        ];
        cells.push(words::arrow(seen, &verdict));
        for (slot, window) in slots(seen).into_iter().enumerate() {
            let heading = board.headings.get(BURN + slot).map_or("", String::as_str);
            cells.push(burn_cell(seen, &verdict, window, heading));
        }
        let left = verdict.budget_remaining;
        let role = budget_role(&verdict);
        // A column of healthy bars would be the brightest thing on a calm screen.
        let bar = if role == Role::Plain { Role::Dim } else { role };
        cells.push(Cell::Gauge(left, bar));
        cells.push(Cell::text(budget(seen, left), role));
        let notes = if is_old {
            words::was_in_short(sight, feed, seen, verdict.state)
        } else {
            vec![note(seen, &verdict)]
        };
        let notes = notes.into_iter().map(|note| words::suggested(seen, note));
        cells.push(Cell::Fitting(notes.collect()));
        cells.push(trend::spark(seen, TREND_CELLS));
        cells
    }

    fn facets<'a>(&self, sight: Sight<'a>, entry: &'a Entry) -> Facets<'a> {
        let Some(seen) = observation(sight, entry) else {
            return Facets::default();
        };
        let Some((state, phase)) = entry.standing else {
            return Facets::default();
        };
        let old = sight.is_old(entry).then(|| State::Unknown.word());
        Facets {
            service: Some(seen.slo.service.raw()),
            severity: Some(severity_of(state)),
            states: [Some(state.word()), phase.map(Phase::word), old]
                .into_iter()
                .flatten()
                .collect(),
            words: vec![seen.slo.name.raw()],
        }
    }

    fn urgency(&self, sight: Sight<'_>, entry: &Entry) -> u8 {
        let state = entry.standing.map(|(state, _)| state);
        match (state, sight.is_old(entry)) {
            (Some(State::Page), false) => 0,
            (Some(State::Page), true) => 1,
            (Some(State::Ticket), false) => 2,
            (_, true) | (Some(State::Unknown) | None, false) => 3,
            (Some(State::NoData), false) => 4,
            (Some(State::Ok), false) => 5,
        }
    }

    fn sorts_by(&self, _: Sort) -> bool {
        true
    }

    fn sort_values(&self, sort: Sort, sight: Sight<'_>, entries: &[Entry]) -> Vec<Option<f64>> {
        let value = |entry| sort_value(sort, observation(sight, entry)?);
        entries.iter().map(value).collect()
    }

    fn whose(&self, sight: Sight<'_>, entry: &Entry, on_call_for: &[Untrusted]) -> Whose {
        observation(sight, entry).map_or(Whose::All, |seen| {
            sight.whose_service(&seen.slo.service, on_call_for)
        })
    }

    fn is_pressing(&self, sight: Sight<'_>, entry: &Entry) -> bool {
        let state = entry.standing.map(|(state, _)| state);
        state == Some(State::Page) && !sight.is_old(entry)
    }

    fn is_loud(&self, sight: Sight<'_>, entry: &Entry) -> bool {
        let calm = (State::Ok, Some(Phase::Calm));
        sight.is_old(entry) || entry.standing.is_none_or(|standing| standing != calm)
    }

    fn has_tail(&self) -> bool {
        true
    }

    fn tail(&self, sight: Sight<'_>, below: &mut dyn Iterator<Item = &Entry>) -> Option<Line> {
        Some(tail::line(sight, below))
    }

    fn scope(&self) -> Option<CommandScope> {
        Some(CommandScope::Slo)
    }

    fn value(&self, sight: Sight<'_>, entry: &Entry, name: &str) -> Option<Untrusted> {
        let slo = &observation(sight, entry)?.slo;
        match name {
            "id" => Some(slo.id()),
            "service" => Some(slo.service.clone()),
            "name" => Some(slo.name.clone()),
            "source" => Some(entry.key.source.as_str().into()),
            "url" => self.links(sight, entry).url,
            "state" => entry.standing.map(|(state, _)| state.word().into()),
            _ => None,
        }
    }

    fn links(&self, sight: Sight<'_>, entry: &Entry) -> Links {
        let Some(seen) = observation(sight, entry) else {
            return Links::default();
        };
        let incidents = related::incidents(sight, &seen.slo.service);
        let of_incident = || incidents.iter().find_map(|(_, row)| row.runbook.clone());
        Links {
            id: seen.slo.id(),
            url: links::page(sight, &seen.slo.service),
            runbook: related::runbook(sight, &seen.slo.service).or_else(of_incident),
        }
    }

    fn detail(&self, sight: Sight<'_>, entry: &Entry) -> Detail {
        match (observation(sight, entry), sight.feed(entry)) {
            (Some(seen), Some(feed)) => detail::detail(sight, feed, seen),
            _ => Detail::default(),
        }
    }

    fn explains(&self) -> bool {
        true
    }

    fn explain(&self, sight: Sight<'_>, entry: &Entry, said: Said<'_>) -> Detail {
        match (observation(sight, entry), sight.feed(entry)) {
            (Some(seen), Some(feed)) => explain::detail(sight, feed, seen, said),
            _ => Detail::default(),
        }
    }

    fn none(&self, feeds: &[&Feed]) -> Line {
        let names: Vec<_> = feeds.iter().map(|feed| feed.name.as_str()).collect();
        let suggestions = feeds
            .iter()
            .filter_map(|feed| feed.facts.suggestions.as_deref());
        let looked = match Suggestions::nothing(suggestions) {
            Some(words) => format!("; {words}"),
            None => String::new(),
        };
        Line::new().foreign(
            &format!(
                "no SLOs yet: {} has none of Sloth's, Pyrra's or Grafana's series{looked}. Next: `watchfire init`, or add [[slo]] to the configuration",
                names.join(", ")
            )
            .into(),
            Role::Plain,
        )
    }

    fn nobody(&self) -> &'static str {
        "no source measures SLOs: add one of kind prometheus"
    }

    fn has_runbooks(&self) -> bool {
        true
    }
}

/// How many SLOs are in each state, for each source of the store; `None` for those outside of the
/// verdict.
pub type Tally = Vec<BTreeMap<Option<State>, usize>>;

/// Counts the SLOs of each source by the state they were last seen in.
pub fn tally(store: &Store, board: &Board) -> Tally {
    let mut tally = vec![BTreeMap::new(); store.feeds().len()];
    for entry in &board.entries {
        if let (Some(states), Some((state, _))) = (tally.get_mut(entry.feed), entry.standing) {
            let slos = store
                .feeds()
                .get(entry.feed)
                .and_then(|feed| feed.facts.slos.as_ref());
            let seen = slos.and_then(|slos| slos.get(entry.item));
            let state = Some(state).filter(|_| !seen.is_some_and(Observation::is_unproven));
            *states.entry(state).or_insert(0) += 1;
        }
    }
    tally
}

pub(super) fn observation<'a>(sight: Sight<'a>, entry: &Entry) -> Option<&'a Observation> {
    let feed = sight.store.feeds().get(entry.feed)?;
    feed.facts.slos.as_ref()?.get(entry.item)
}

/// The word of the severity whose rules fire in a state; empty for none.
pub(super) fn severity_of(state: State) -> &'static str {
    match state {
        State::Page => Severity::Page.word(),
        State::Ticket => Severity::Ticket.word(),
        State::Ok | State::NoData | State::Unknown => "",
    }
}

/// The number that an SLO is sorted by, the lowest first.
pub(super) fn sort_value(sort: Sort, seen: &Observation) -> Option<f64> {
    match sort {
        Sort::Budget => seen.standing().budget_remaining,
        Sort::Burn => Some(-pace(seen)?),
        Sort::Urgency | Sort::Service => None,
    }
}

/// The burn rate that the time to exhaustion is computed with.
fn pace(seen: &Observation) -> Option<f64> {
    let ratio = seen.reading(seen.slo.pace_window()?).ratio()?;
    Some(seen.slo.burn_rate(ratio))
}

/// The share of the budget that is spent in a minute at this rate.
fn spending(seen: &Observation) -> Option<f64> {
    let minutes = seen.period_length.as_secs_f64() / 60.0;
    pace(seen).map(|pace| pace / minutes)
}

/// Worst first, and by service and name those that are equally bad.
///
/// Names lie all over the memory, and their beginnings side by side: these mostly tell.
struct Rank<'a> {
    worst: u64,
    begins: [u64; 4],
    slo: &'a Slo,
}

impl<'a> Rank<'a> {
    fn of(seen: &'a Observation, standing: &Standing) -> Self {
        Self {
            worst: worst(standing, spending(seen)),
            begins: beginning(seen.slo.service.raw()),
            slo: &seen.slo,
        }
    }
}

impl Ord for Rank<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let begins = (self.worst, self.begins).cmp(&(other.worst, other.begins));
        begins
            .then_with(|| self.slo.service.cmp(&other.slo.service))
            .then_with(|| self.slo.name.cmp(&other.slo.name))
    }
}

impl PartialOrd for Rank<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Rank<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Rank<'_> {}

/// The first bytes of a name, in the order of whole names as far as they tell it.
fn beginning(name: &str) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(name.as_bytes().chunks(8)) {
        let mut padded = [0; 8];
        padded[..bytes.len()].copy_from_slice(bytes);
        *word = u64::from_be_bytes(padded);
    }
    words
}

/// Lowest first: state, phase, time to exhaustion of what burns, budget left by the whole percent, so
/// that a calm list stands still. In one number, by which thousands are sorted fastest.
fn worst(standing: &Standing, spending: Option<f64>) -> u64 {
    let left = standing.budget_remaining.and_then(figures::whole_percent);
    // As many more as there are below zero, so that these come first.
    let left = left.unwrap_or(i16::MAX).cast_unsigned() ^ (1 << 15);
    let [high, low] = left.to_be_bytes();
    let calm = u8::MAX - standing.phase.map_or(0, |phase| phase as u8 + 1);
    let good = u8::MAX - standing.state as u8;
    u64::from_be_bytes([
        0,
        0,
        0,
        good,
        calm,
        time_left(standing, spending),
        high,
        low,
    ])
}

/// How long the budget of what burns lasts, 0 for a spent one, in steps of a quarter: rows whose times
/// differ by less do not change places.
fn time_left(standing: &Standing, spending: Option<f64>) -> u8 {
    const STEPS: f64 = 4.0;
    let burns =
        standing.state >= State::Ticket || !matches!(standing.phase, None | Some(Phase::Calm));
    let (true, Some(left)) = (burns, standing.budget_remaining) else {
        return u8::MAX;
    };
    match spending {
        _ if left <= 0.0 => 0,
        Some(spending) if spending > 0.0 => {
            let minutes = left / spending;
            let steps = (minutes.max(1.0).log2() * STEPS).clamp(1.0, 254.0);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it is between 1 and 254"
            )]
            let steps = steps as u8;
            steps
        }
        _ => u8::MAX,
    }
}

/// How wide objectives are; of thousands of SLOs, most promise the same.
#[derive(Default)]
struct Widths(Option<(f64, usize)>);

impl Widths {
    fn of(&mut self, objective: f64) -> usize {
        match self.0 {
            Some((known, width)) if known.to_bits() == objective.to_bits() => width,
            _ => {
                let width = figures::objective(objective).len();
                self.0 = Some((objective, width));
                width
            }
        }
    }
}

/// The windows of the three burn columns: the shortest, and the long ones of the first and second rule.
fn slots(seen: &Observation) -> [Option<Window>; 3] {
    let rules = &seen.slo.rules;
    let mut longs: Vec<_> = rules.iter().map(|rule| rule.long).collect();
    longs.sort_unstable();
    longs.dedup();
    let shortest = rules.iter().map(|rule| rule.short.min(rule.long)).min();
    [shortest, longs.first().copied(), longs.get(1).copied()]
}

/// Which windows the rows use in each burn column: the commonest names it, others name themselves.
#[derive(Default)]
struct Labels<'a>(Vec<Run<'a>>);

/// Rows behind one another that have the same rules.
struct Run<'a> {
    rules: &'a [Rule],
    windows: [Option<Window>; 3],
    count: usize,
}

impl<'a> Labels<'a> {
    /// Of thousands of SLOs, most have the same rules, and those that differ stand together.
    fn count(&mut self, seen: &'a Observation) {
        let rules = &*seen.slo.rules;
        match self.0.last_mut() {
            Some(run) if run.rules == rules => run.count += 1,
            _ => self.0.push(Run {
                rules,
                windows: slots(seen),
                count: 1,
            }),
        }
    }

    /// How many rows show what in each column: `1h` stands for `1h4m` as well.
    fn words(&self) -> [BTreeMap<String, usize>; 3] {
        let mut words = [const { BTreeMap::new() }; 3];
        for run in &self.0 {
            for (words, window) in words.iter_mut().zip(run.windows) {
                if let Some(window) = window {
                    *words.entry(figures::lead(window)).or_insert(0) += run.count;
                }
            }
        }
        words
    }

    /// What stands above each column, and how wide it is.
    fn columns(&self) -> [(String, usize); 3] {
        self.words().map(|words| {
            let most = words.iter().max_by_key(|(_, count)| **count);
            let heading = most.map_or_else(String::new, |(label, _)| label.clone());
            let own = if words.len() > 1 { 3 } else { 0 };
            (heading, usize::from(figures::BURN_WIDTH) + own)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginnings_of_names_are_in_the_order_of_the_names() {
        let long = "x".repeat(32);
        let mut names = [
            "",
            "a",
            "a\u{0}",
            "aa",
            "b",
            "checkout",
            "checkout-api",
            "é",
            &long,
            "B",
        ];
        names.sort_unstable();
        for pair in names.windows(2) {
            assert!(beginning(pair[0]) <= beginning(pair[1]), "{pair:?}");
        }
        assert_eq!(beginning(&long), beginning(&format!("{long}y")));
    }

    #[test]
    fn the_worst_is_ranked_first_and_what_is_left_counts_last() {
        let of = |state, phase, left: Option<f64>| {
            let standing = Standing {
                state,
                phase,
                budget_remaining: left,
            };
            // A day for the whole budget.
            worst(&standing, Some(1.0 / 1_440.0))
        };
        let ranks = [
            of(State::Page, Some(Phase::Burning), Some(-7.5)),
            of(State::Page, Some(Phase::Burning), Some(-0.01)),
            of(State::Page, Some(Phase::Burning), Some(0.0)),
            of(State::Page, Some(Phase::Burning), Some(0.99)),
            of(State::Page, Some(Phase::Burning), None),
            of(State::Ticket, Some(Phase::Burning), Some(-9.0)),
            of(State::Unknown, None, None),
            of(State::NoData, Some(Phase::Calm), Some(0.5)),
            of(State::Ok, Some(Phase::Recovering), Some(1.0)),
            of(State::Ok, Some(Phase::Rising), Some(0.1)),
            of(State::Ok, Some(Phase::Calm), Some(0.0)),
            of(State::Ok, Some(Phase::Calm), Some(1.0)),
            of(State::Ok, None, Some(0.0)),
        ];
        assert!(ranks.is_sorted_by(|one, next| one < next), "{ranks:?}");
    }
}
