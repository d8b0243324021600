//! Services: everything that is known of each in one row, worst first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::before_after::BeforeAfter;
use super::block::Block;
use super::cell::{Cell, Mark, Role, release_word, severity_word, width_of};
use super::service_rows::ServiceRows;
use super::{
    Board, Column, Detail, Drop, Entry, Facets, Line, Links, Pane, Ranking, Sight, Width, delivery,
    dependants, figures, fresh, links, on_call, related, slos, suspects,
};
use crate::config::CommandScope;
use crate::domain::{
    Incident, IncidentStatus, Observation, Phase, Release, ReleaseStatus, Service, Sort,
    SourceName, Standing, State, Whose,
};
use crate::store::{Feed, Offers, Store};
use crate::text::Untrusted;

/// The service view.
pub(super) struct Services;

const SERVICE: usize = 1;
const SLOS: usize = 2;
const BUDGET: usize = 5;
const RELEASE: usize = 6;
const INCIDENT: usize = 7;
const WHO: usize = 8;

/// The word before the last release of a service that may not be released.
const FROZEN: &str = "frozen ";

/// This many SLOs have a row in the detail.
const MAX_SLO_ROWS: usize = 6;
/// The marks of this many SLOs stand in a row; the rest is a number.
const MAX_MARKS: usize = 5;

const COLUMNS: [Column; 9] = [
    Column::left("", Width::Fixed(2)),
    Column::left("service", Width::Content(20)).flush(),
    Column::left("SLOs", Width::Content(14)),
    Column::right("1h", Width::Fixed(figures::BURN_WIDTH)),
    Column::left("budget", Width::Rest(6, 10)),
    Column::right("", Width::Content(7)).close(),
    Column::left("last release", Width::Content(24)),
    Column::left("incident", Width::Content(10)),
    Column::left("who", Width::Content(16)),
];

const DROPS: [Drop; 7] = [
    Drop::Narrow(RELEASE, 17),
    Drop::Narrow(SERVICE, 12),
    Drop::Narrow(WHO, 8),
    Drop::Narrow(SLOS, 9),
    Drop::Hide(WHO),
    Drop::Hide(4),
    Drop::Hide(RELEASE),
];

/// A service name, and the feed that names it first.
type Names = BTreeMap<Untrusted, usize>;

/// The services that rows or the configuration name.
fn names(store: &Store) -> Names {
    let mut names = Names::new();
    for (number, feed) in store.feeds().iter().enumerate() {
        let slos = feed
            .facts
            .slos
            .iter()
            .flatten()
            .map(|seen| &seen.slo.service);
        let releases = feed.facts.releases.iter().flatten().map(|row| &row.service);
        let incidents = feed
            .facts
            .incidents
            .iter()
            .flatten()
            .map(|row| &row.service);
        for name in slos.chain(releases).chain(incidents) {
            if !name.is_empty() && !names.contains_key(name) {
                names.insert(name.clone(), number);
            }
        }
    }
    for service in store.services() {
        names
            .entry(Untrusted::from(service.name.as_str()))
            .or_insert(0);
    }
    names
}

/// The services that rows or the configuration name, each with the feed that names it first.
pub(super) fn named(store: &Store) -> Vec<(Untrusted, usize, SourceName)> {
    let all = names(store).into_iter();
    let named = all.map(|(name, number)| {
        let feed = store.feeds().get(number);
        let source = feed.map_or_else(|| SourceName::new(""), |feed| feed.name.clone());
        (name, number, source)
    });
    named.collect()
}

/// Worst state first, then the phase, then the budget left; services without an SLO last.
type Rank = (
    Reverse<Option<State>>,
    Reverse<Option<Phase>>,
    i16,
    Untrusted,
);

fn rank(name: &Untrusted, standings: &[Standing]) -> Rank {
    let worst = standings.iter().map(|one| one.state).max();
    let of_worst = standings.iter().filter(|one| Some(one.state) == worst);
    let phase = of_worst.map(|one| one.phase).max().flatten();
    let left = standings
        .iter()
        .filter_map(|one| figures::whole_percent(one.budget_remaining?));
    let left = left.min().unwrap_or(i16::MAX);
    (Reverse(worst), Reverse(phase), left, name.clone())
}

/// The SLOs of a service with their sources, worst first.
fn slos_of<'a>(sight: Sight<'a>, service: &Untrusted) -> Vec<(&'a Feed, &'a Observation)> {
    let own = sight.store.slos();
    let own = own.filter(|(_, seen)| seen.slo.service == *service);
    worst_first(sight, own.collect())
}

/// SLOs, worst first.
fn worst_first<'a>(
    sight: Sight<'_>,
    mut own: Vec<(&'a Feed, &'a Observation)>,
) -> Vec<(&'a Feed, &'a Observation)> {
    own.sort_by_cached_key(|(feed, seen)| Reverse(fresh::shown_state(sight, feed, seen)));
    own
}

impl Pane for Services {
    fn name(&self) -> &'static str {
        "Services"
    }

    fn short(&self) -> &'static str {
        "Svc"
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
        offers.slos || offers.releases || offers.incidents
    }

    fn board(&self, store: &Store) -> Board {
        let mut standings: BTreeMap<&Untrusted, Vec<Standing>> = BTreeMap::new();
        for (_, seen) in store.slos() {
            let own = standings.entry(&seen.slo.service).or_default();
            own.push(seen.standing());
        }
        let mut ranking = Ranking::new(self);
        for (name, number, source) in &named(store) {
            let own = standings.get(name).map_or(&[][..], Vec::as_slice);
            ranking.add((*number, source), 0, name.clone(), rank(name, own));
            if let Some(worst) = own.iter().max_by_key(|one| one.state) {
                ranking.stands(*worst);
            }
            ranking.measure(SERVICE, width_of(name));
            let marks = own.len().min(MAX_MARKS);
            let rest = if own.len() > MAX_MARKS { 3 } else { 0 };
            ranking.measure(SLOS, marks * 2 + rest);
        }
        ranking.measure(BUDGET, "-100%".len());
        ranking.measure(RELEASE, "◀ 21m v2.31.0".chars().count());
        for (_, row) in store.releases() {
            let is_frozen = store.freeze(&row.service).is_some_and(|one| one.is_known);
            let frozen = if is_frozen { FROZEN.len() } else { 0 };
            let width = "◀ 21m ".chars().count() + width_of(&row.version);
            ranking.measure(RELEASE, frozen + width);
        }
        ranking.measure(INCIDENT, "● 12m".chars().count());
        for (_, shift) in store.on_call() {
            ranking.measure(WHO, width_of(&shift.who));
        }
        Board {
            services: ServiceRows::of(store),
            ..ranking.board(&COLUMNS)
        }
    }

    fn cells(&self, sight: Sight<'_>, board: &Board, entry: &Entry) -> Vec<Cell> {
        let service = &entry.key.id;
        let (store, rows) = (sight.store, &board.services);
        let own = worst_first(sight, rows.slos(store, service));
        let worst = own.first();
        let state = worst.map(|(feed, seen)| fresh::shown_state(sight, feed, seen));
        let (mark, role) = state.map_or((Mark::Info, Role::Dim), Mark::of_state);
        let name = match state {
            Some(State::Ok) | None => Role::Plain,
            Some(_) => Role::Strong,
        };
        let (burn, left, budget) = worst.map_or_else(
            || (Cell::Empty, Cell::Empty, Cell::Empty),
            |(_, seen)| numbers(&own, seen, state),
        );
        vec![
            Cell::Badge(mark, "", role),
            Cell::name(service, name),
            Cell::Line(marks(sight, &own)),
            burn,
            left,
            budget,
            Cell::Line(
                frozen(sight, service).join(last_release(sight, rows.releases(store, service))),
            ),
            Cell::Line(worst_incident(sight, rows.incidents(store, service))),
            Cell::Line(who(sight, service)),
        ]
    }

    fn facets<'a>(&self, sight: Sight<'a>, entry: &'a Entry) -> Facets<'a> {
        let service = sight.store.service(&entry.key.id);
        let states = entry.standing.map(|(state, _)| state.word());
        let severity = entry
            .standing
            .map_or("", |(state, _)| slos::severity_of(state));
        Facets {
            service: Some(entry.key.id.raw()),
            severity: Some(severity),
            states: states.into_iter().collect(),
            words: service
                .and_then(|one| one.team.as_deref())
                .into_iter()
                .collect(),
        }
    }

    fn sorts_by(&self, _: Sort) -> bool {
        true
    }

    fn sort_values(&self, sort: Sort, sight: Sight<'_>, entries: &[Entry]) -> Vec<Option<f64>> {
        let mut lowest: HashMap<&Untrusted, f64> = HashMap::new();
        for (_, seen) in sight.store.slos() {
            if let Some(value) = slos::sort_value(sort, seen) {
                let known = lowest.entry(&seen.slo.service).or_insert(value);
                *known = known.min(value);
            }
        }
        let value = |entry: &Entry| lowest.get(&entry.key.id).copied();
        entries.iter().map(value).collect()
    }

    fn whose(&self, sight: Sight<'_>, entry: &Entry, on_call_for: &[Untrusted]) -> Whose {
        sight.whose_service(&entry.key.id, on_call_for)
    }

    fn scope(&self) -> Option<CommandScope> {
        None
    }

    fn is_loud(&self, _: Sight<'_>, entry: &Entry) -> bool {
        entry.standing.is_some_and(|(state, _)| state != State::Ok)
    }

    fn links(&self, sight: Sight<'_>, entry: &Entry) -> Links {
        Links {
            id: entry.key.id.clone(),
            url: links::page(sight, &entry.key.id),
            runbook: related::runbook(sight, &entry.key.id),
        }
    }

    fn detail(&self, sight: Sight<'_>, entry: &Entry) -> Detail {
        detail(sight, &entry.key.id)
    }

    fn none(&self, _: &[&Feed]) -> Line {
        Line::of("no service is named by any row", Role::Plain)
    }

    fn nobody(&self) -> &'static str {
        "no source of SLOs, releases or incidents"
    }

    fn fades(&self) -> bool {
        false
    }

    fn has_runbooks(&self) -> bool {
        true
    }
}

/// The burn rate of the worst SLO and the lowest budget of all, as a bar and in percent.
fn numbers(
    own: &[(&Feed, &Observation)],
    worst: &Observation,
    state: Option<State>,
) -> (Cell, Cell, Cell) {
    let verdict = worst.assess();
    let pace = worst.slo.pace_window();
    let rate = pace.and_then(|window| verdict.burn_rates.get(&window).copied().flatten());
    let is_known = state != Some(State::Unknown);
    let role = match pace {
        Some(window) if is_known => slos::burn_role(&verdict, window, rate),
        _ => Role::Old,
    };
    let left = |seen: &Observation| seen.standing().budget_remaining;
    let lowest = own.iter().filter(|(_, seen)| left(seen).is_some());
    let lowest = lowest.min_by(|(_, one), (_, other)| {
        let (one, other) = (left(one), left(other));
        one.partial_cmp(&other).unwrap_or(std::cmp::Ordering::Equal)
    });
    let Some((_, lowest)) = lowest else {
        return (
            Cell::text(figures::burn(rate), role),
            Cell::Empty,
            Cell::Empty,
        );
    };
    let weight = if is_known {
        slos::budget_role(&lowest.assess())
    } else {
        Role::Old
    };
    let bar = if weight == Role::Plain {
        Role::Dim
    } else {
        weight
    };
    (
        Cell::text(figures::burn(rate), role),
        Cell::Gauge(left(lowest), bar),
        Cell::text(slos::budget(lowest, left(lowest)), weight),
    )
}

/// One mark for each SLO, worst first.
fn marks(sight: Sight<'_>, own: &[(&Feed, &Observation)]) -> Line {
    let mut line = Line::new();
    for (feed, seen) in own.iter().take(MAX_MARKS) {
        let (mark, role) = Mark::of_state(fresh::shown_state(sight, feed, seen));
        let role = if role == Role::Plain { Role::Dim } else { role };
        line = line.mark(mark, role);
    }
    match own.len().checked_sub(MAX_MARKS) {
        Some(more) if more > 0 => line.text(format!("+{more}"), Role::Dim),
        _ => line,
    }
}

/// `frozen `, of a service that may not be released.
fn frozen(sight: Sight<'_>, service: &Untrusted) -> Line {
    let freeze = sight.store.freeze(service);
    let is_frozen = freeze.is_some_and(|freeze| freeze.is_known);
    if is_frozen {
        Line::of(FROZEN, Role::Strong)
    } else {
        Line::new()
    }
}

/// `◀ 21m v2.31.0`, with its status where that is not done.
fn last_release(sight: Sight<'_>, releases: Vec<(&Feed, &Release)>) -> Line {
    let newest = releases
        .into_iter()
        .rev()
        .max_by_key(|(_, row)| row.dated());
    let Some((feed, row)) = newest else {
        return Line::new();
    };
    let is_suspect = suspects::is_suspect(sight.store, feed, row);
    let line = match (is_suspect, row.status) {
        (true, _) => Line::of(suspects::MARK, Role::Accent),
        (false, ReleaseStatus::Succeeded) => Line::of("  ", Role::Plain),
        (false, status) => {
            let (mark, role) = Mark::of_release(status);
            Line::new().mark(mark, role)
        }
    };
    line.text(format!("{:>3} ", sight.ago(row.dated())), Role::Dim)
        .foreign(&row.version, Role::Plain)
}

/// `● 12m` of the worst open incident.
fn worst_incident(sight: Sight<'_>, incidents: Vec<(&Feed, &Incident)>) -> Line {
    let incidents = related::open_worst_first(sight, incidents);
    let Some((_, row)) = incidents.first() else {
        return Line::new();
    };
    let (mark, role) = Mark::of_severity(row.severity);
    let role = if row.status == IncidentStatus::Silenced || row.is_gone() {
        Role::Dim
    } else {
        role
    };
    let line = Line::new()
        .mark(mark, role)
        .text(sight.began(row.opened_at), role);
    match incidents.len() {
        1 => line,
        count => line.text(format!(" +{}", count - 1), Role::Dim),
    }
}

/// Who has the pager of the service, else its team.
fn who(sight: Sight<'_>, service: &Untrusted) -> Line {
    if let Some((_, shift)) = on_call::of_service(sight, service).first() {
        return Line::new().foreign(&shift.who, Role::Plain);
    }
    let team = sight
        .store
        .service(service)
        .and_then(|one| one.team.as_deref());
    team.map_or_else(Line::new, |team| Line::of(team, Role::Dim))
}

fn detail(sight: Sight<'_>, service: &Untrusted) -> Detail {
    let known = sight.store.service(service);
    let mut detail = Detail {
        title: Line::new().foreign(service, Role::Title),
        origin: origin(known),
        blocks: Vec::new(),
    };
    if let Some(all) = dependants::around(sight, service) {
        detail.blocks.push(Block::Dependencies(all));
    }
    if let Some(line) = on_call::service_line(sight, service) {
        detail.line(Line::of("on call  ", Role::Dim).join(line));
    }
    if let Some(line) = delivery::in_one_line(sight, service) {
        detail.line(line);
    }
    if let Some(freeze) = sight.store.freeze(service) {
        let role = slos::freeze_role(freeze);
        let words = freeze.line.shown_whole();
        detail.blocks.push(Block::Prose(words, role));
    }
    let (mut left, mut right) = (Detail::default(), Detail::default());
    right.grid_section("SLOs", slo_rows(sight, service));
    left.grid_section("releases, errors before → after", releases(sight, service));
    // What burns comes first where one stands below the other.
    detail.beside(right, left);
    detail.grid_section("open incidents", incidents(sight, service));
    if known.is_some_and(|service| service.runbook.is_some() || !service.links.is_empty()) {
        detail.section("links");
    }
    if let Some(runbook) = known.and_then(|service| service.runbook.as_deref()) {
        detail.field("runbook", Line::of(runbook, Role::Plain));
    }
    for (name, url) in links::of_service(sight, service) {
        detail.field(name, Line::new().foreign(&url, Role::Plain));
    }
    detail
}

/// The SLOs of a service in a few columns.
fn slo_rows(sight: Sight<'_>, service: &Untrusted) -> Vec<Vec<Cell>> {
    let own = slos_of(sight, service).into_iter().take(MAX_SLO_ROWS);
    own.map(|(feed, seen)| {
        let state = fresh::shown_state(sight, feed, seen);
        let (mark, role) = Mark::of_state(state);
        let verdict = seen.assess();
        let pace = seen.slo.pace_window();
        let rate = pace.and_then(|window| verdict.burn_rates.get(&window).copied().flatten());
        let weight = pace.map_or(Role::Dim, |window| slos::burn_role(&verdict, window, rate));
        let left = verdict.budget_remaining;
        let cells = vec![
            Cell::Line(
                Line::new()
                    .mark(mark, role)
                    .foreign(&seen.slo.name, Role::Plain),
            ),
            Cell::text(figures::burn(rate), weight),
            Cell::text(slos::budget(seen, left), slos::budget_role(&verdict)),
        ];
        if feed.freshness(sight.now).is_current() {
            return cells;
        }
        cells.into_iter().map(Cell::faded).collect()
    })
    .collect()
}

/// `tier 1 · team shop`.
fn origin(known: Option<&Service>) -> Line {
    let tier = known
        .and_then(|service| service.tier)
        .map(|tier| format!("tier {tier}"));
    let team = known.and_then(|service| service.team.as_deref());
    let team = team.map(|team| format!("team {team}"));
    let parts: Vec<_> = tier.into_iter().chain(team).collect();
    Line::of(parts.join(" · "), Role::Dim)
}

/// The releases of a service, each with the errors before and after it.
fn releases(sight: Sight<'_>, service: &Untrusted) -> Vec<Vec<Cell>> {
    let own = slos_of(sight, service);
    let rows = related::releases(sight, service).into_iter().take(6);
    rows.map(|(feed, row)| {
        let (mark, role) = Mark::of_release(row.status);
        let status = match row.status {
            ReleaseStatus::Succeeded => Cell::Empty,
            status => Cell::Badge(mark, release_word(status), role),
        };
        let suspect = if suspects::is_suspect(sight.store, feed, row) {
            suspects::MARK.trim_end()
        } else {
            ""
        };
        let worst = own.iter().filter_map(|(feed, seen)| {
            let known = BeforeAfter::of(sight, (feed, seen), row)?;
            let line = known.line(seen)?;
            Some((known.burn_after(seen), &seen.slo.name, line))
        });
        let worst = worst.max_by(|one, other| one.0.total_cmp(&other.0));
        // The first SLO, which burns worst, is not named.
        let first = own.first().map(|(_, seen)| &seen.slo.name);
        let errors = worst.map(|(_, name, line)| match first {
            Some(first) if first == name => line,
            _ => Line::new()
                .foreign(name, Role::Dim)
                .text(" ", Role::Dim)
                .join(line),
        });
        vec![
            Cell::text(suspect, Role::Accent),
            Cell::text(sight.ago(row.dated()), Role::Dim),
            Cell::name(&row.version, Role::Plain),
            Cell::Line(super::releases::actor(row)),
            status,
            Cell::Line(errors.unwrap_or_default()),
        ]
    })
    .collect()
}

fn incidents(sight: Sight<'_>, service: &Untrusted) -> Vec<Vec<Cell>> {
    let rows = related::incidents(sight, service).into_iter().take(6);
    rows.map(|(_, row)| {
        let (mark, role) = Mark::of_severity(row.severity);
        vec![
            Cell::Badge(mark, severity_word(row.severity), role),
            Cell::text(sight.began(row.opened_at), Role::Dim),
            Cell::Line(super::incidents::status(sight, row)),
            Cell::foreign(&row.title, Role::Plain),
        ]
    })
    .collect()
}
