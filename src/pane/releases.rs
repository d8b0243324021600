//! What changed: releases, newest first.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::before_after::BeforeAfter;
use super::block::Block;
use super::cell::{Cell, Mark, Role, release_word, width_of};
use super::{
    Board, Column, Detail, Drop, Entry, Facets, Line, Links, Pane, Ranking, Sight, Width,
    before_after, compared, fresh, on_call, related, suspects,
};
use crate::config::CommandScope;
use crate::domain::{Release, ReleaseStatus, Stage, Whose};
use crate::store::{Feed, Offers, Store};
use crate::text::Untrusted;

/// The release pane.
pub(super) struct Releases;

const SERVICE: usize = 2;
const VERSION: usize = 3;
const ACTOR: usize = 4;
const ENVIRONMENT: usize = 5;
const STATUS: usize = 6;

const COLUMNS: [Column; 7] = [
    Column::left("", Width::Fixed(1)),
    Column::right("", Width::Fixed(4)).flush(),
    Column::left("", Width::Content(16)),
    Column::left("", Width::Content(14)),
    Column::left("", Width::Content(10)),
    // Production is not said.
    Column::left("", Width::Content(10)),
    // What deviates: a suspicion, or a status other than done.
    Column::left("", Width::Rest(13, 120)),
];

/// A suspicion is never cut for the sake of who released it, or where.
const DROPS: [Drop; 8] = [
    Drop::Hide(ACTOR),
    Drop::Hide(ENVIRONMENT),
    Drop::Narrow(STATUS, 42),
    Drop::Narrow(STATUS, 32),
    Drop::Narrow(VERSION, 8),
    Drop::Narrow(SERVICE, 8),
    Drop::Narrow(STATUS, 19),
    Drop::Narrow(STATUS, 13),
];

impl Pane for Releases {
    fn name(&self) -> &'static str {
        "Changes"
    }

    fn short(&self) -> &'static str {
        "Chg"
    }

    fn order(&self) -> &'static str {
        "newest first"
    }

    fn columns(&self) -> &'static [Column] {
        &COLUMNS
    }

    fn drops(&self) -> &'static [Drop] {
        &DROPS
    }

    fn fed_by(&self, offers: Offers) -> bool {
        offers.releases
    }

    fn board(&self, store: &Store) -> Board {
        let mut ranking = Ranking::new(self);
        // Room for most statuses, so that columns stand still when one changes.
        ranking.measure(STATUS, "» rolling out".chars().count());
        for (number, feed) in store.feeds().iter().enumerate() {
            for (item, row) in feed.facts.releases.iter().flatten().enumerate() {
                let is_suspect = suspects::is_suspect(store, feed, row);
                let rank = (!is_suspect, rank(row));
                ranking.add((number, &feed.name), item, row.id.clone(), rank);
                ranking.measure(SERVICE, width_of(&row.service));
                ranking.measure(VERSION, width_of(&row.version));
                ranking.measure(ENVIRONMENT, environment(store, row).width());
                ranking.measure(ACTOR, actor(row).width());
                if is_suspect {
                    ranking.measure(STATUS, suspects::reason(store, feed, row).width());
                }
            }
        }
        ranking.board(&COLUMNS)
    }

    fn cells(&self, sight: Sight<'_>, _: &Board, entry: &Entry) -> Vec<Cell> {
        let Some(row) = compared::release(sight, entry) else {
            return Vec::new();
        };
        let feed = sight.feed(entry);
        let is_suspect = feed.is_some_and(|feed| suspects::is_suspect(sight.store, feed, row));
        let accused = feed.filter(|_| is_suspect);
        let reasons = accused.map(|feed| suspects::reasons(sight.store, feed, row));
        let reasons = reasons.unwrap_or_default();
        let mark = if is_suspect {
            suspects::MARK.trim_end()
        } else {
            ""
        };
        let name = if is_suspect {
            Role::Strong
        } else {
            Role::Plain
        };
        vec![
            Cell::text(mark, Role::Accent),
            Cell::text(sight.ago(row.dated()), Role::Dim),
            Cell::name(&row.service, name),
            Cell::name(&row.version, name),
            Cell::Line(actor(row)),
            Cell::Line(environment(sight.store, row)),
            status(row, reasons),
        ]
    }

    fn facets<'a>(&self, sight: Sight<'a>, entry: &'a Entry) -> Facets<'a> {
        let Some(row) = compared::release(sight, entry) else {
            return Facets::default();
        };
        let mut words = vec![row.version.raw(), row.place().raw(), row.id.raw()];
        words.extend(
            [&row.actor, &row.commit]
                .into_iter()
                .flatten()
                .map(Untrusted::raw),
        );
        Facets {
            service: Some(row.service.raw()),
            severity: None,
            states: vec![row.status.word()],
            words,
        }
    }

    fn whose(&self, sight: Sight<'_>, entry: &Entry, on_call_for: &[Untrusted]) -> Whose {
        let Some(row) = compared::release(sight, entry) else {
            return Whose::All;
        };
        let me = sight.store.me();
        if row.actor.as_ref().is_some_and(|actor| me.is(actor)) {
            return Whose::Mine;
        }
        sight.whose_service(&row.service, on_call_for)
    }

    fn scope(&self) -> Option<CommandScope> {
        Some(CommandScope::Release)
    }

    fn value(&self, sight: Sight<'_>, entry: &Entry, name: &str) -> Option<Untrusted> {
        let row = compared::release(sight, entry)?;
        match name {
            "id" => Some(row.id.clone()),
            "service" => Some(row.service.clone()),
            "version" | "name" => Some(row.version.clone()),
            "previous_version" => previous_version(sight, row),
            "environment" => Some(row.place().clone()),
            "commit" => row.commit.clone(),
            "source" => Some(entry.key.source.as_str().into()),
            "url" => row.url.clone(),
            "state" => Some(row.status.word().into()),
            _ => None,
        }
    }

    fn links(&self, sight: Sight<'_>, entry: &Entry) -> Links {
        let row = compared::release(sight, entry);
        row.map_or_else(Links::default, |row| Links {
            id: row.id.clone(),
            url: row.url.clone(),
            runbook: None,
        })
    }

    fn summary(&self, sight: Sight<'_>, entry: &Entry) -> String {
        let id = self.links(sight, entry).id.shown();
        let (Some(row), Some(feed)) = (compared::release(sight, entry), sight.feed(entry)) else {
            return id.to_string();
        };
        let status = release_word(row.status);
        let age = sight.ago(row.dated());
        let by = row
            .actor
            .as_ref()
            .map(|actor| format!(" by {}", actor.shown()));
        let reason = suspects::reason(sight.store, feed, row).words();
        let reason = if reason.is_empty() {
            reason
        } else {
            format!("; {reason}")
        };
        format!(
            "{id} {} {} to {}: {status}, {age} ago{}{reason}",
            row.service.shown(),
            row.version.shown(),
            row.place().shown(),
            by.unwrap_or_default()
        )
    }

    fn detail(&self, sight: Sight<'_>, entry: &Entry) -> Detail {
        match (compared::release(sight, entry), sight.feed(entry)) {
            (Some(row), Some(feed)) => detail(sight, feed, row),
            _ => Detail::default(),
        }
    }

    fn none(&self, feeds: &[&Feed]) -> Line {
        Line::of(format!("no releases ({} live)", names(feeds)), Role::Dim)
    }

    fn nobody(&self) -> &'static str {
        "no source of releases: add one of kind github, gitlab, argocd, kubernetes or json, or build_info to a prometheus"
    }

    fn has_pages(&self) -> bool {
        true
    }
}

/// The version that was there before: the newest other one that arrived at the same place earlier.
fn previous_version(sight: Sight<'_>, row: &Release) -> Option<Untrusted> {
    let began = row.started_at.or(row.finished_at)?;
    let earlier = related::releases(sight, &row.service).into_iter();
    earlier
        .map(|(_, other)| other)
        .filter(|other| other.place() == row.place() && other.version != row.version)
        .filter(|other| other.status == ReleaseStatus::Succeeded)
        .find(|other| other.dated().is_some_and(|at| at < began))
        .map(|other| other.version.clone())
}

/// Newest first; what has no date comes last.
fn rank(row: &Release) -> (Reverse<Option<Timestamp>>, String, String) {
    (
        Reverse(row.dated()),
        row.service.raw().to_owned(),
        row.version.raw().to_owned(),
    )
}

/// Where it went, unless that is production.
pub(super) fn environment(store: &Store, row: &Release) -> Line {
    if store.production().stage(row.place().raw()) == Stage::Production {
        return Line::new();
    }
    Line::new().foreign(row.place(), Role::Dim)
}

/// What deviates: its status, and why it is a suspect. A release that is done is not said to be.
fn status(row: &Release, reasons: Vec<Line>) -> Cell {
    let (mark, role) = Mark::of_release(row.status);
    if reasons.is_empty() {
        return match row.status {
            ReleaseStatus::Succeeded => Cell::Empty,
            status => Cell::Badge(mark, release_word(status), role),
        };
    }
    let marked = |reason: Line| match row.status {
        ReleaseStatus::Succeeded => reason,
        _ => Line::new().mark(mark, role).join(reason),
    };
    Cell::Fitting(reasons.into_iter().map(marked).collect())
}

/// Who released it.
pub(super) fn actor(row: &Release) -> Line {
    let actor = row.actor.as_ref();
    actor.map_or_else(Line::new, |actor| Line::new().foreign(actor, Role::Dim))
}

/// The names of sources in a sentence.
pub(super) fn names(feeds: &[&Feed]) -> String {
    let names: Vec<_> = feeds.iter().map(|feed| feed.name.as_str()).collect();
    names.join(", ")
}

/// The errors of each SLO before and after a release.
fn effect(sight: Sight<'_>, row: &Release, detail: &mut Detail) {
    let touched = compared::touched(sight, row);
    let Some((_, after)) = before_after::stretches(sight, row).filter(|_| !touched.is_empty())
    else {
        return;
    };
    let mut is_any_known = false;
    let lines = touched.into_iter().filter_map(|(feed, seen)| {
        let known = BeforeAfter::of(sight, (feed, seen), row)?;
        is_any_known |= known.is_compared();
        let (mark, role) = Mark::of_state(fresh::shown_state(sight, feed, seen));
        let name = if seen.slo.service == row.service {
            Line::new()
        } else {
            Line::new()
                .foreign(&seen.slo.service, Role::Plain)
                .text(" ", Role::Plain)
        };
        Some(vec![
            Cell::Line(
                Line::new()
                    .mark(mark, role)
                    .join(name.foreign(&seen.slo.name, Role::Plain)),
            ),
            Cell::Line(
                known
                    .line(seen)
                    .unwrap_or_else(|| Line::of("not known", Role::Dim)),
            ),
            Cell::Line(known.burn_line(seen).unwrap_or_default()),
            Cell::Line(known.evidence()),
        ])
    });
    let heading = ["SLO", "errors", "burn rate", ""];
    let heading = heading.map(|name| Cell::text(name, Role::Dim)).to_vec();
    let rows: Vec<_> = std::iter::once(heading).chain(lines).collect();
    let is_too_early =
        after.is_none_or(|(from, until)| from.duration_until(until) < before_after::SHORTEST);
    detail.section("before → after");
    detail.grid(rows, &[]);
    if is_too_early && !is_any_known {
        let words = "too early to compare: 5 minutes after it are needed";
        detail.line(Line::of(words, Role::Dim));
    }
    detail.blocks.push(Block::Gap);
}

fn detail(sight: Sight<'_>, feed: &Feed, row: &Release) -> Detail {
    let mut detail = Detail {
        title: Line::new()
            .foreign(&row.service, Role::Title)
            .text(" ", Role::Title)
            .foreign(&row.version, Role::Title),
        origin: fresh::name_and_word(feed, sight.now),
        blocks: Vec::new(),
    };
    let (mark, role) = Mark::of_release(row.status);
    let mut status = Line::new()
        .mark(mark, role)
        .text(release_word(row.status), role);
    if row.status == ReleaseStatus::Unknown {
        status = status.text(" (the source uses a word of its own)", Role::Dim);
    }
    detail.field("status", status);
    suspects::of_release(sight, feed, row, &mut detail);
    effect(sight, row, &mut detail);
    detail.field("to", Line::new().foreign(row.place(), Role::Plain));
    let moment = |at: Option<Timestamp>| match at {
        Some(at) => Line::of(sight.moment(at), Role::Plain)
            .text(format!("  {} ago", sight.ago(Some(at))), Role::Dim),
        None => Line::of("–", Role::Dim),
    };
    detail.field("began", moment(row.started_at));
    detail.field("ended", moment(row.finished_at));
    let texts = [
        ("by", row.actor.as_ref()),
        ("commit", row.commit.as_ref()),
        ("id", Some(&row.id)),
        ("link", row.url.as_ref()),
    ];
    for (label, text) in texts {
        if let Some(text) = text {
            detail.field(label, Line::new().foreign(text, Role::Plain));
        }
    }
    if !row.details.is_empty() {
        detail.section("labels");
        for (name, value) in &row.details {
            let value = Line::new().foreign(value, Role::Plain);
            detail.blocks.push(Block::Field(name.shown(), value));
        }
    }
    if !feed.freshness(sight.now).is_current() {
        detail.fade();
    }
    if let Some(line) = on_call::service_line(sight, &row.service) {
        detail.field("on call", line);
    }
    let parts = [
        (
            "SLOs of this service",
            related::slo_rows(sight, &row.service),
        ),
        (
            "open incidents",
            related::incident_rows(sight, &row.service, &[]),
        ),
        (
            "other releases",
            related::release_rows(sight, &row.service, Some(&row.id)),
        ),
    ];
    for (name, rows) in parts {
        detail.grid_section(name, rows);
    }
    detail
}
