//! Everything there is to say about one SLO.

use super::chart;
use super::{budget, budget_role, burn_role, of_needed, phase_and_direction};
use crate::domain::{
    Assessment, Observation, Period, Phase, Reading, Reason, Slo, State, Window, window,
};
use crate::pane::block::{Block, Detail};
use crate::pane::cell::{Cell, Line, Mark, Role, severity_word, state_word};
use crate::pane::dependants::dependants;
use crate::pane::since::Since;
use crate::pane::{Sight, figures, fresh, links, on_call, related, suspects};
use crate::store::Feed;
use crate::store::policy::Freeze;
use crate::text::{Shown, Untrusted};

/// An empty detail under the name of an SLO.
pub(super) fn headed(sight: Sight<'_>, feed: &Feed, slo: &Slo) -> Detail {
    Detail {
        title: Line::new()
            .foreign(&slo.service, Role::Title)
            .text(" / ", Role::Dim)
            .foreign(&slo.name, Role::Title),
        origin: fresh::name_and_word(feed, sight.now),
        blocks: Vec::new(),
    }
}

/// The detail of one SLO.
pub(super) fn detail(sight: Sight<'_>, feed: &Feed, seen: &Observation) -> Detail {
    let verdict = seen.assess();
    let slo = &seen.slo;
    let mut detail = headed(sight, feed, slo);
    let is_current = feed.freshness(sight.now).is_current();
    detail.line(budget_line(seen, &verdict));
    if let Some(words) = estimate(seen) {
        detail.line(Line::of(words, Role::Plain));
    }
    if let Some(words) = verdict.hold_words(slo) {
        let spent = verdict.hold_burn_rate.is_some_and(|rate| rate < 1.0);
        let weight = if spent { Role::Plain } else { Role::Dim };
        detail.line(Line::of(words, weight));
    }
    for adjustment in slo.adjustments.iter() {
        let sentence = Shown::new(adjustment.sentence());
        detail.blocks.push(Block::Prose(sentence, Role::Dim));
    }
    if let Some(freeze) = sight.store.freeze(&slo.service) {
        detail
            .blocks
            .push(Block::Prose(freeze.line.shown_whole(), freeze_role(freeze)));
    }
    suspects::of_slo(sight, feed, seen, &mut detail);
    chart::charts(sight, feed, seen, &mut detail);
    detail.blocks.push(Block::Gap);
    detail.grid(rule_grid(seen, &verdict), &[]);
    detail.blocks.push(Block::Gap);
    let right: &[usize] = if has_events(seen) { &[1, 2, 3] } else { &[1] };
    detail.grid(window_grid(seen, &verdict), right);
    if !is_current {
        detail.fade();
    }
    let reasons = reasons(sight, feed, seen);
    let verdict = verdict_line(sight, feed, seen, &verdict, is_current);
    let below_budget = reasons.len() + 2;
    let head = std::iter::once(Block::Line(verdict)).chain(reasons);
    detail.blocks.splice(0..0, head);
    if let Some(line) = on_call::service_line(sight, &seen.slo.service) {
        let line = Line::of("on call ", Role::Dim).join(line);
        detail.blocks.insert(below_budget, Block::Line(line));
    }
    let dependants = dependants(sight, &seen.slo.service);
    if !dependants.is_empty() {
        let line = Line::of("used by ", Role::Dim).join(dependants);
        detail.blocks.insert(below_budget, Block::Line(line));
    }
    relations(sight, (feed, seen), &mut detail);
    belongings(sight, seen, &mut detail);
    definition(sight, seen, &mut detail);
    detail
}

/// How loud a freeze is: what is not known is no freeze.
pub(in crate::pane) fn freeze_role(freeze: &Freeze) -> Role {
    if freeze.is_known {
        Role::Strong
    } else {
        Role::Dim
    }
}

/// Why the state is not known, or numbers are not exact: one sentence each.
fn reasons(sight: Sight<'_>, feed: &Feed, seen: &Observation) -> Vec<Block> {
    let mut reasons = feed.why_unknown(seen, sight.now);
    if feed.freshness(sight.now).is_current() {
        reasons.extend(seen.caveats().cloned());
    }
    let prose = |reason: Reason| Block::Prose(reason.text.shown(), Role::Plain);
    reasons.into_iter().map(prose).collect()
}

pub(super) fn verdict_line(
    sight: Sight<'_>,
    feed: &Feed,
    seen: &Observation,
    verdict: &Assessment,
    is_current: bool,
) -> Line {
    if !is_current {
        let (mark, role) = Mark::of_state(State::Unknown);
        let was = feed.last_success.map_or_else(
            || format!(" · {} · ", fresh::silence(feed)),
            |_| format!(" · was {} · ", state_word(verdict.state)),
        );
        return Line::new()
            .mark(mark, role)
            .text("UNKNOWN", role)
            .join(suggested(seen))
            .text(was, Role::Plain)
            .join(fresh::name_and_word(feed, sight.now));
    }
    let (mark, role) = Mark::of_state(verdict.state);
    let mut line = Line::new().mark(mark, role);
    line = line.text(state_word(verdict.state), role);
    line = line.join(suggested(seen));
    if let Some(words) = phase_and_direction(seen, verdict) {
        line = line.text(format!(" · {words}"), Role::Plain);
    }
    if let Some(since) = Since::of(sight, feed, seen, verdict) {
        let text = format!(" · {} {}", since.age(sight.now), since.words(sight));
        line = line.text(text, Role::Plain);
    }
    if let Some((rule, bad)) = verdict.held_back() {
        let text = format!(" · {} in {}", of_needed(seen, bad), rule.long);
        line = line.text(text, Role::Strong);
    }
    if seen.partial && verdict.state != State::Unknown {
        line = line.text(" · partial answer", Role::Fault);
    }
    line
}

/// ` · suggested`, of one that is.
fn suggested(seen: &Observation) -> Line {
    seen.suggested_words().map_or_else(Line::new, |words| {
        Line::of(format!(" · {words}"), Role::Plain)
    })
}

fn budget_line(seen: &Observation, verdict: &Assessment) -> Line {
    let role = budget_role(verdict);
    let slo = &seen.slo;
    let left = match verdict.budget_remaining {
        Some(_) => format!("{} left", budget(seen, verdict.budget_remaining)),
        None => "not known".to_owned(),
    };
    let mut line = Line::of("budget ", Role::Dim).text(left, role).text(
        format!(
            " · {}% over {}",
            figures::objective(slo.objective).trim(),
            figures::period(slo.period)
        ),
        Role::Dim,
    );
    if verdict.exhausted() == Some(true) {
        line = line.text(" · exhausted", Role::Strong);
    } else if verdict.ends_within_budget(slo) {
        let text = format!(" · at this rate the {} ends within it", slo.period);
        line = line.text(text, Role::Dim);
    } else if let Some(left) = seen.gone_in(verdict) {
        let weight = if verdict.phase == Some(Phase::Burning) {
            Role::Strong
        } else {
            Role::Dim
        };
        line = line.text(
            format!(" · at this rate gone in {}", figures::age(left)),
            weight,
        );
    }
    line
}

/// `window 30d, data 9d: an estimate`, where data covers too little of the period.
fn estimate(seen: &Observation) -> Option<String> {
    let short = seen.shortfall()?;
    let wanted = match seen.slo.period {
        Period::Rolling(window) => format!("window {window}"),
        period => format!("{period} so far {}", window::brief(short.wanted)),
    };
    let data = window::brief(short.data);
    Some(format!("~ {wanted}, data {data}: an estimate"))
}

pub(super) fn rule_grid(seen: &Observation, verdict: &Assessment) -> Vec<Vec<Cell>> {
    let head = ["rule", "long", "", "short", "", "factor", "fires"];
    let mut rows = vec![heading(&head)];
    for row in &verdict.rules {
        let rule = row.rule;
        let (mark, weight) = Mark::of_severity(rule.severity);
        let is_firing = row.firing == Some(true);
        let burn = |window: Window, burn| {
            Cell::text(figures::burn(burn), burn_role(verdict, window, burn))
        };
        let fires = match (row.firing, row.phase()) {
            _ if let Some(bad) = row.held_back => Cell::text(of_needed(seen, bad), Role::Strong),
            (Some(true), _) => Cell::Badge(mark, "yes", weight),
            (None, _) => Cell::text("not known", Role::Unknown),
            (Some(false), Phase::Calm) => Cell::text("no", Role::Dim),
            (Some(false), phase) => Cell::text(phase.label(), Role::Plain),
        };
        rows.push(vec![
            Cell::text(
                severity_word(rule.severity),
                if is_firing { weight } else { Role::Plain },
            ),
            Cell::text(rule.long.to_string(), Role::Dim),
            burn(rule.long, row.long),
            Cell::text(rule.short.to_string(), Role::Dim),
            burn(rule.short, row.short),
            Cell::text(format!("{:>5}x", figures::factor(rule.factor)), Role::Dim),
            fires,
        ]);
    }
    rows
}

fn window_grid(seen: &Observation, verdict: &Assessment) -> Vec<Vec<Cell>> {
    let has_events = has_events(seen);
    let mut rows = vec![if has_events {
        heading(&["window", "errors", "bad events", "of", "  burn"])
    } else {
        heading(&["window", "errors", "  burn"])
    }];
    let windows = seen.windows.iter().map(|(window, sample)| {
        let burn = verdict.burn_rates.get(&window).copied().flatten();
        let role = burn_role(verdict, window, burn);
        let short = seen.shortfall_of(window);
        let is_bound = seen.lower_bound(window).is_some();
        (window.to_string(), sample, burn, role, (short, is_bound))
    });
    let period = seen.period.map(|sample| {
        let (name, role) = (figures::period(seen.slo.period), budget_role(verdict));
        let is_bound = seen.lower_bound_of_period().is_some();
        let doubts = (seen.shortfall(), is_bound);
        (name, sample, verdict.period_burn, role, doubts)
    });
    for (name, sample, burn, role, (short, is_bound)) in windows.chain(period) {
        let errors = match sample.reading {
            Reading::Ratio(ratio) => Cell::text(figures::error_percent(ratio), Role::Plain),
            Reading::NoTraffic => Cell::text("no events", Role::NoData),
            Reading::NoSeries => Cell::text("no series", Role::NoData),
            Reading::Unknown => Cell::text("not known", Role::Unknown),
        };
        let count = |count: Option<f64>| {
            let text = count.map_or_else(|| "–".to_owned(), figures::events);
            Cell::text(text, Role::Plain)
        };
        let mut row = vec![Cell::text(name, Role::Dim), errors];
        if has_events {
            row.push(count(sample.events.map(|events| events.bad)));
            row.push(count(sample.events.map(|events| events.total)));
        }
        row.push(Cell::text(figures::burn(burn), role));
        let inexact = seen.is_inexact() && sample.reading.ratio().is_some();
        let inexact = inexact.then(|| {
            let word = if seen.is_assumed() {
                "assumed"
            } else {
                "not exact"
            };
            word.to_owned()
        });
        let short = short.map(|short| format!("data {}", window::brief(short.data)));
        let bound = is_bound.then(|| "lower bound".to_owned());
        let older = seen.lag(sample);
        let older = older.map(|lag| format!("{} older", window::brief(lag)));
        let words = short.or(bound).or(inexact).into_iter().chain(older);
        let words: Vec<_> = words.collect();
        if !words.is_empty() {
            row.push(Cell::text(format!("~ {}", words.join(", ")), Role::Plain));
        }
        rows.push(row);
    }
    rows
}

/// Recorded ratios come without the counts behind them.
fn has_events(seen: &Observation) -> bool {
    let mut samples = seen.windows.values().chain(seen.period);
    samples.any(|sample| sample.events.is_some())
}

fn relations(sight: Sight<'_>, (feed, seen): (&Feed, &Observation), detail: &mut Detail) {
    let service = &seen.slo.service;
    let releases = related::release_rows_of(sight, (feed, seen));
    let incidents = related::incident_rows(sight, service, &[]);
    detail.grid_section("open incidents of the service", incidents);
    detail.grid_section("releases, errors before → after", releases);
}

/// What the configuration knows of the service.
fn belongings(sight: Sight<'_>, seen: &Observation, detail: &mut Detail) {
    let Some(service) = sight.store.service(&seen.slo.service) else {
        return;
    };
    let tier = service.tier.map(|tier| tier.to_string());
    let needs = (!service.depends_on.is_empty()).then(|| service.depends_on.join(", "));
    let fields = [
        ("team", service.team.as_deref()),
        ("tier", tier.as_deref()),
        ("needs", needs.as_deref()),
        ("runbook", service.runbook.as_deref()),
    ];
    let fields = fields.into_iter();
    let fields = fields.filter_map(|(name, value)| Some((name, Untrusted::from(value?))));
    let links = links::of_service(sight, &seen.slo.service);
    let known: Vec<_> = fields.chain(links).collect();
    if !known.is_empty() {
        detail.section("the service");
    }
    for (name, value) in known {
        detail.field(name, Line::new().foreign(&value, Role::Plain));
    }
}

fn definition(sight: Sight<'_>, seen: &Observation, detail: &mut Detail) {
    let slo = &seen.slo;
    detail.section("how it is measured");
    detail.field(
        "defined by",
        Line::of(slo.origin.word(), Role::Plain)
            .text(format!(", asked of {}", slo.source), Role::Plain),
    );
    let twins = sight.store.twins_of(slo);
    let twins = twins.and_then(|twins| twins.note(slo.source.as_str()));
    for note in slo.notes.iter().cloned().chain(twins) {
        let text = Shown::new(note);
        detail.blocks.push(Block::Prose(text, Role::Plain));
    }
    for (name, query) in &slo.queries {
        detail.blocks.push(Block::Gap);
        detail.line(Line::of(name, Role::Dim));
        detail.blocks.push(Block::Prose(query.shown(), Role::Plain));
    }
}

pub(super) fn heading(names: &[&str]) -> Vec<Cell> {
    let cells = names.iter();
    cells.map(|name| Cell::text(name, Role::Dim)).collect()
}
