//! Delivery: DORA's five metrics of each service, with the releases, commits and incidents behind them.
//!
//! They are those of what sources list now and of what the journal told at the start, so they go back as
//! far as that; `watchfire report` asks for more.

use jiff::SignedDuration;

use super::cell::{Cell, Line, Mark, Role};
use super::{
    Board, Column, Detail, Drop, Entry, Facets, Links, Pane, Ranking, Sight, Width, figures,
    related, services,
};
use crate::config::CommandScope;
use crate::domain::Whose;
use crate::insight::delivery::{
    Delivery as Measures, Evidence, Failure, LeadTime, Rule, Terms, Unlinked, median, quantile,
    rate,
};
use crate::insight::report::Rows;
use crate::store::{Feed, Offers, Store};
use crate::text::{Shown, Untrusted};

/// The delivery view.
pub(super) struct Delivery;

/// The longest time that is looked at.
const LONGEST: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Placeholder of an unknown value.
const NOTHING: &str = "–";
/// So many rows of a section are shown.
const MOST: usize = 40;

const SERVICE: usize = 0;
const TEAM: usize = 8;

const COLUMNS: [Column; 9] = [
    Column::left("service", Width::Content(20)),
    Column::right("deployed", Width::Fixed(8)),
    Column::right("a day", Width::Fixed(5)),
    Column::right("lead time", Width::Fixed(9)),
    Column::right("failed", Width::Fixed(6)),
    Column::right("recovery", Width::Fixed(8)),
    Column::right("rework", Width::Fixed(6)),
    Column::right("over", Width::Fixed(4)),
    Column::left("team", Width::Content(16)),
];

const DROPS: [Drop; 5] = [
    Drop::Hide(TEAM),
    Drop::Hide(2),
    Drop::Hide(7),
    Drop::Narrow(SERVICE, 12),
    Drop::Hide(6),
];

/// Delivery metrics of a service.
struct Known {
    measures: Measures,
    /// How long the time is that they are of.
    over: SignedDuration,
    /// True where incidents were seen only while watchfire ran, so that there may be more.
    is_rough: bool,
}

fn known(sight: Sight<'_>, service: &Untrusted) -> Known {
    let store = sight.store;
    let feeds = || store.feeds().iter();
    let dated = feeds().filter(|feed| feed.offers.releases);
    let reach = dated.filter_map(|feed| feed.facts.reach).max();
    let usual = sight.now.saturating_sub(LONGEST).unwrap_or(sight.now);
    let from = reach.unwrap_or(usual).clamp(usual, sight.now);
    let linking = store.linking();
    let terms = Terms {
        from,
        until: sight.now,
        zone: sight.zone,
        production: store.production(),
        link_within: linking.link_within,
        observe: linking.observe,
    };
    let rows = rows(store, service);
    let releases = rows.releases.iter().map(|(source, row)| (source, row));
    let incidents = rows.incidents.iter().map(|(source, row)| (source, row));
    let knows = |is: fn(&Offers) -> bool| {
        let mut those = feeds().filter(|feed| is(&feed.offers)).peekable();
        let is_there = those.peek().is_some();
        is_there && those.all(|feed| feed.freshness(sight.now).is_current())
    };
    let unlinked = unlinked(store);
    let measures = Measures::of(
        &terms,
        &Evidence {
            releases: knows(|offers| offers.releases).then(|| releases.collect()),
            incidents: knows(|offers| offers.incidents).then(|| incidents.collect()),
            gaps: Vec::new(),
            burns: Vec::new(),
            unlinked: &unlinked,
        },
    );
    Known {
        measures,
        over: from.duration_until(sight.now),
        is_rough: feeds().any(is_present_alone),
    }
}

/// The releases and incidents of a service: those that are listed, and what happened to others.
fn rows(store: &Store, service: &Untrusted) -> Rows {
    let releases = store.releases().filter(|(_, row)| row.service == *service);
    let incidents = store.incidents().filter(|(_, row)| row.service == *service);
    let listed = Rows {
        releases: releases
            .map(|(feed, row)| (feed.name.clone(), row.clone()))
            .collect(),
        incidents: incidents
            .map(|(feed, row)| (feed.name.clone(), row.clone()))
            .collect(),
    };
    let events = store
        .events()
        .iter()
        .filter(|event| event.service == *service);
    Rows::of_the_past(listed, events.map(|event| &**event))
}

/// The pairs that were taken apart, as far as it was told.
fn unlinked(store: &Store) -> Vec<Unlinked> {
    let events = store.events().iter();
    Unlinked::among(events.map(|event| &event.what))
}

/// A length of seconds as an age.
#[expect(clippy::cast_possible_truncation, reason = "seconds, far below 2^53")]
fn length(seconds: f64) -> String {
    figures::age(SignedDuration::from_secs(seconds.round() as i64))
}

fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

impl Known {
    /// Deployments, a day, lead time, fail rate, recovery and rework, in the order of the columns.
    fn figures(&self) -> [Option<String>; 6] {
        let Measures {
            deployments,
            lead_time,
            failures,
            recovery,
            rework,
            ..
        } = &self.measures;
        let rough = if self.is_rough { "~" } else { "" };
        let lead = lead_time
            .as_ref()
            .map(LeadTime::seconds)
            .unwrap_or_default();
        let fails = failures
            .as_ref()
            .and_then(|one| rate(one.failed.len(), one.of));
        let recovered = recovery.as_ref().and_then(|one| median(&one.seconds()));
        let rework = rework.as_ref().and_then(|one| rate(one.ids.len(), one.of));
        [
            deployments.as_ref().map(|one| one.ids.len().to_string()),
            deployments
                .as_ref()
                .map(|one| format!("{:.1}", one.per_day)),
            median(&lead).map(length),
            fails.map(|share| format!("{rough}{}", percent(share))),
            recovered.map(|took| format!("{rough}{}", length(took))),
            rework.map(percent),
        ]
    }
}

/// `30 days  0.9 deploys a day · 4% failed · lead time 3h · recovery 22m`, as far as it is known.
pub(super) fn in_one_line(sight: Sight<'_>, service: &Untrusted) -> Option<Line> {
    let known = known(sight, service);
    let [count, often, lead, failed, recovery, _] = known.figures();
    count.filter(|count| count != "0")?;
    let parts = [
        often.map(|often| format!("{often} deploys a day")),
        failed.map(|failed| format!("{failed} failed")),
        lead.map(|lead| format!("lead time {lead}")),
        recovery.map(|recovery| format!("recovery {recovery}")),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    let over = format!("{:<9}", figures::age(known.over));
    Some(Line::of(over, Role::Dim).text(parts.join(" · "), Role::Plain))
}

impl Pane for Delivery {
    fn name(&self) -> &'static str {
        "Delivery"
    }

    fn short(&self) -> &'static str {
        "Del"
    }

    fn order(&self) -> &'static str {
        "by name"
    }

    fn columns(&self) -> &'static [Column] {
        &COLUMNS
    }

    fn drops(&self) -> &'static [Drop] {
        &DROPS
    }

    fn fed_by(&self, offers: Offers) -> bool {
        offers.releases || offers.incidents
    }

    fn board(&self, store: &Store) -> Board {
        let mut ranking = Ranking::new(self);
        for (name, number, source) in services::named(store) {
            ranking.add((number, &source), 0, name.clone(), name.clone());
            ranking.measure(SERVICE, super::cell::width_of(&name));
            let team = store.service(&name).and_then(|one| one.team.as_deref());
            ranking.measure(TEAM, team.map_or(0, |team| team.chars().count()));
        }
        ranking.board(&COLUMNS)
    }

    fn cells(&self, sight: Sight<'_>, _: &Board, entry: &Entry) -> Vec<Cell> {
        let service = &entry.key.id;
        let known = known(sight, service);
        let figure = |figure: Option<String>| match figure {
            Some(text) => Cell::text(text, Role::Plain),
            None => Cell::text(NOTHING, Role::Dim),
        };
        let team = sight.store.service(service);
        let team = team.and_then(|one| one.team.as_deref());
        let mut cells = vec![Cell::name(service, Role::Plain)];
        cells.extend(known.figures().map(figure));
        cells.push(Cell::text(figures::age(known.over), Role::Dim));
        cells.push(team.map_or(Cell::Empty, |team| Cell::text(team, Role::Dim)));
        cells
    }

    fn facets<'a>(&self, sight: Sight<'a>, entry: &'a Entry) -> Facets<'a> {
        let service = sight.store.service(&entry.key.id);
        let team = service.and_then(|one| one.team.as_deref());
        Facets {
            service: Some(entry.key.id.raw()),
            words: team.into_iter().collect(),
            ..Facets::default()
        }
    }

    fn whose(&self, sight: Sight<'_>, entry: &Entry, on_call_for: &[Untrusted]) -> Whose {
        sight.whose_service(&entry.key.id, on_call_for)
    }

    fn scope(&self) -> Option<CommandScope> {
        None
    }

    fn links(&self, sight: Sight<'_>, entry: &Entry) -> Links {
        Links {
            id: entry.key.id.clone(),
            url: None,
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
        "no source of releases"
    }

    fn fades(&self) -> bool {
        false
    }

    fn has_runbooks(&self) -> bool {
        true
    }
}

/// Everything behind the numbers of a service.
fn detail(sight: Sight<'_>, service: &Untrusted) -> Detail {
    let known = known(sight, service);
    let over = figures::age(known.over);
    let mut detail = Detail {
        title: Line::new().foreign(service, Role::Title),
        origin: Line::of(format!("the last {over}, as sources list it"), Role::Dim),
        blocks: Vec::new(),
    };
    let measures = &known.measures;
    summary(&mut detail, sight, &known);
    deployments(&mut detail, sight, measures);
    lead_time(&mut detail, measures);
    change_fail_rate(&mut detail, sight, &known);
    recovery(&mut detail, measures);
    rework(&mut detail, measures);
    detail
}

/// The five numbers together, and the meaning of the mark of one that is not exact.
fn summary(detail: &mut Detail, sight: Sight<'_>, known: &Known) {
    let [count, often, lead, failed, recovery, rework] = known.figures();
    let frequency = count
        .zip(often)
        .map(|(count, often)| format!("{count}, {often} a day"));
    let rows = [
        ("deployments", frequency),
        ("lead time for changes", lead),
        ("change fail rate", failed),
        ("failed deployment recovery", recovery),
        ("rework rate", rework),
    ];
    let cells = rows.map(|(name, value)| {
        let value = value.map_or_else(
            || Cell::text(format!("{NOTHING} not known"), Role::Dim),
            |value| Cell::text(value, Role::Strong),
        );
        vec![Cell::text(name, Role::Dim), value]
    });
    detail.grid(cells.to_vec(), &[]);
    if known.is_rough {
        let feeds = sight
            .store
            .feeds()
            .iter()
            .filter(|feed| is_present_alone(feed));
        let names: Vec<_> = feeds.map(|feed| feed.name.as_str()).collect();
        let words = format!(
            "~ at least: {} lists open incidents only; older ones are known while watchfire ran",
            names.join(", ")
        );
        detail
            .blocks
            .push(super::block::Block::Prose(Shown::new(words), Role::Dim));
    }
}

/// True for a source that lists no incident that is over.
fn is_present_alone(feed: &Feed) -> bool {
    feed.offers.incidents && (feed.offers.relays || feed.offers.rules)
}

/// Begins the section of a number that is known; says that it is not otherwise.
fn begin(detail: &mut Detail, name: &'static str, words: Option<String>) -> bool {
    detail.section(name);
    let is_known = words.is_some();
    let role = if is_known { Role::Strong } else { Role::Dim };
    let words = words.unwrap_or_else(|| format!("{NOTHING} not known"));
    detail.line(Line::of(words, role));
    is_known
}

fn named(id: &Untrusted) -> Cell {
    Cell::name(id, Role::Plain)
}

fn deployments(detail: &mut Detail, sight: Sight<'_>, measures: &Measures) {
    let often = measures.deployments.as_ref();
    let words = often.map(|one| {
        let count = one.ids.len();
        format!("{count} on {} days, {:.2} a day", one.days, one.per_day)
    });
    if begin(detail, "deployment frequency", words) {
        let rows = often
            .into_iter()
            .flat_map(|one| one.ids.iter().zip(&one.times));
        let rows = rows.rev().take(MOST).map(|(id, at)| {
            vec![
                Cell::text(sight.ago(Some(*at)), Role::Dim),
                named(id),
                Cell::text(sight.clock(*at), Role::Dim),
            ]
        });
        detail.grid(rows.collect(), &[0]);
    }
    for id in &measures.attempts {
        let line = Line::new()
            .mark(Mark::Failed, Role::Dim)
            .foreign(id, Role::Plain);
        detail.line(line.text(" failed before users saw it", Role::Dim));
    }
}

fn lead_time(detail: &mut Detail, measures: &Measures) {
    let lead = measures.lead_time.as_ref();
    let seconds = lead.map(LeadTime::seconds).unwrap_or_default();
    let words = median(&seconds).zip(quantile(&seconds, 0.9));
    let words = words.map(|(median, most)| {
        let count = seconds.len();
        format!(
            "{}, 90% within {}, of {count} commits",
            length(median),
            length(most)
        )
    });
    begin(detail, "lead time for changes", words);
    let Some(lead) = lead else { return };
    let rows = lead.commits.iter().rev().take(MOST).map(|(sha, by, took)| {
        vec![
            Cell::text(length(*took), Role::Plain),
            named(sha),
            Cell::Line(Line::of("with ", Role::Dim).foreign(by, Role::Plain)),
        ]
    });
    detail.grid(rows.collect(), &[0]);
    for (count, words) in [
        (lead.excluded, "left out: dated after the deployment"),
        (lead.head_only, "deployments with the head commit only"),
        (lead.unknown, "deployments do not say their commits"),
    ] {
        if count > 0 {
            detail.line(Line::of(format!("{count} {words}"), Role::Dim));
        }
    }
}

fn change_fail_rate(detail: &mut Detail, sight: Sight<'_>, known: &Known) {
    let fails = known.measures.failures.as_ref();
    let words = fails.map(|one| {
        let share = rate(one.failed.len(), one.of).map_or_else(|| NOTHING.to_owned(), percent);
        let pending = match one.pending.len() {
            0 => String::new(),
            count => format!(", {count} pending"),
        };
        let rough = if known.is_rough { " at least" } else { "" };
        format!(
            "{share}{rough}: {} of {}{pending}",
            one.failed.len(),
            one.of
        )
    });
    begin(detail, "change fail rate", words);
    let failed = fails.into_iter().flat_map(|one| &one.failed);
    let rows = failed.flat_map(|(id, by)| by.iter().map(move |one| failure(sight, id, one)));
    detail.grid(rows.take(MOST).collect(), &[]);
    let has_links = fails.is_some_and(|one| {
        let mut failures = one.failed.iter().flat_map(|(_, by)| by);
        failures.any(|one| matches!(one.rule, Rule::Incident | Rule::Named))
    });
    if has_links {
        let words =
            "a pair that is wrong: `:unlink RELEASE INCIDENT`, and `:link` to take that back";
        detail.line(Line::of(words, Role::Dim));
    }
}

fn failure(sight: Sight<'_>, id: &Untrusted, one: &Failure) -> Vec<Cell> {
    let why = match one.rule {
        Rule::Named => "is named by ",
        Rule::Burn => "suspect of the burn of ",
        Rule::Incident => "then ",
        Rule::RolledBack if one.by.is_empty() => "was rolled back",
        Rule::RolledBack => "was rolled back by ",
    };
    let why = Line::of(why, Role::Dim).foreign(&one.by, Role::Plain);
    vec![
        named(id),
        Cell::Line(why),
        Cell::text(sight.ago(Some(one.since)), Role::Dim),
    ]
}

fn recovery(detail: &mut Detail, measures: &Measures) {
    let recovery = measures.recovery.as_ref();
    let words = recovery.map(|one| {
        let took = median(&one.seconds()).map_or_else(|| NOTHING.to_owned(), length);
        let all = one.recovered.len() + one.open.len() + one.undated.len();
        format!("{took}, of {} of {all}", one.recovered.len())
    });
    begin(detail, "failed deployment recovery time", words);
    let Some(one) = recovery else { return };
    let over = one.recovered.iter().map(|(id, took)| {
        vec![
            named(id),
            Cell::text(length(*took), Role::Plain),
            Cell::Empty,
        ]
    });
    let open = one.open.iter().map(|(id, age)| {
        vec![
            named(id),
            Cell::text(length(*age), Role::Ticket),
            Cell::text("still open", Role::Ticket),
        ]
    });
    detail.grid(over.chain(open).take(MOST).collect(), &[1]);
}

fn rework(detail: &mut Detail, measures: &Measures) {
    let rework = measures.rework.as_ref();
    let words = rework.map(|one| {
        let share = rate(one.ids.len(), one.of).map_or_else(|| NOTHING.to_owned(), percent);
        format!("{share}: {} of {}", one.ids.len(), one.of)
    });
    begin(detail, "rework rate", words);
    let ids = rework.into_iter().flat_map(|one| &one.ids);
    detail.grid(ids.take(MOST).map(|id| vec![named(id)]).collect(), &[]);
}
