//! What has happened: releases, incidents, verdicts, faults and actions on one axis, newest first.

use std::cmp::Reverse;
use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::cell::{Cell, Line, Role, width_of};
use super::slos::severity_of;
use super::{
    Board, Column, Detail, Drop, Entry, Facets, Links, Pane, Ranking, Sight, Width, related,
};
use crate::domain::{Event, Sort, SourceName, Suppression, What, Whose};
use crate::store::{Feed, Offers, Store};
use crate::text::Untrusted;

mod course;
mod detail;
mod words;

pub use course::{Track, curve, known_from, newest_of, span, track};
pub use words::plain;

/// The timeline.
pub(super) struct Timeline;

const TIME: usize = 0;
const BADGE: usize = 1;
const SERVICE: usize = 2;
const WHAT: usize = 3;
const SOURCE: usize = 4;

const COLUMNS: [Column; 5] = [
    Column::right("", Width::Content(12)),
    Column::left("", Width::Content(13)),
    Column::left("service", Width::Content(18)),
    Column::left("what happened", Width::Rest(24, 400)),
    Column::left("source", Width::Content(16)),
];

const DROPS: [Drop; 6] = [
    Drop::Narrow(SERVICE, 12),
    Drop::Narrow(SOURCE, 8),
    Drop::Hide(SOURCE),
    Drop::Narrow(BADGE, 2),
    Drop::Narrow(WHAT, 16),
    Drop::Narrow(SERVICE, 8),
];

/// Who did what was done from here, where every other event has a source.
const HERE: &str = "here";
/// So many characters of a row's id tell its events apart.
const SUBJECT: usize = 64;
/// Younger than this, a day is told by its name.
const A_WEEK: SignedDuration = SignedDuration::from_hours(6 * 24);

impl Pane for Timeline {
    fn name(&self) -> &'static str {
        "Timeline"
    }

    fn short(&self) -> &'static str {
        "Time"
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

    fn fed_by(&self, _: Offers) -> bool {
        true
    }

    fn follows(&self, touched: Offers) -> bool {
        // Nothing but events, or the whole world; a poll has told of its events already.
        touched.slos == touched.releases && touched.releases == touched.incidents
    }

    fn board(&self, store: &Store) -> Board {
        let mut ranking = Ranking::new(self);
        let feeds = store.feeds();
        let places: HashMap<_, _> = feeds.iter().map(|feed| &feed.name).zip(0..).collect();
        let here = SourceName::new(HERE);
        // Room for all but the rarest words, so that columns stand still when something happens.
        ranking.measure(BADGE, "! resolved".len());
        for (item, event) in store.events().iter().enumerate() {
            let source = event.source.as_ref().unwrap_or(&here);
            // What nobody who is asked has told stands after all who are.
            let feed = places.get(source).copied().unwrap_or(feeds.len());
            ranking.add((feed, source), item, id(event), Reverse(item));
            ranking.measure(BADGE, 2 + words::badge(event).1.len());
            ranking.measure(SERVICE, width_of(&event.service));
            ranking.measure(SOURCE, source.as_str().len());
        }
        ranking.measure(TIME, time_width(store));
        ranking.board(&COLUMNS)
    }

    fn cells(&self, sight: Sight<'_>, _: &Board, entry: &Entry) -> Vec<Cell> {
        let Some(event) = event(sight, entry) else {
            return Vec::new();
        };
        let (mark, word, role) = words::badge(event);
        let cells = vec![
            Cell::text(time(sight, event.at), Role::Plain),
            Cell::Badge(mark, word, role),
            match (&event.what, &event.source) {
                // Whom it concerns is whoever asks that source.
                (What::Lost { .. } | What::Back { .. }, Some(source)) => {
                    Cell::text(source.as_str(), Role::Plain)
                }
                _ => Cell::name(&event.service, Role::Plain),
            },
            Cell::Line(words::what(event)),
            Cell::text(entry.key.source.as_str(), Role::Dim),
        ];
        if event.seen <= sight.now {
            return cells;
        }
        // At the moment that is shown nobody here knew of it yet.
        cells.into_iter().map(Cell::faded).collect()
    }

    fn facets<'a>(&self, sight: Sight<'a>, entry: &'a Entry) -> Facets<'a> {
        event(sight, entry).map_or_else(Facets::default, facets)
    }

    fn sorts_by(&self, _: Sort) -> bool {
        false
    }

    fn whose(&self, sight: Sight<'_>, entry: &Entry, on_call_for: &[Untrusted]) -> Whose {
        let Some(event) = event(sight, entry) else {
            return Whose::All;
        };
        let me = sight.store.me();
        let is_mine = match &event.what {
            // A source that is silent leaves everybody blind.
            What::Lost { .. } | What::Back { .. } => true,
            What::Release { actor, .. } => actor.as_ref().is_some_and(|actor| me.is(actor)),
            What::Incident { who, .. } => who.iter().any(|who| me.is(who)),
            What::Done { who, .. } | What::Note { who, .. } | What::Linked { who, .. } => {
                me.is(who)
            }
            What::Slo { .. } | What::Freeze { .. } => false,
        };
        if is_mine {
            return Whose::Mine;
        }
        sight.whose_service(&event.service, on_call_for)
    }

    fn links(&self, sight: Sight<'_>, entry: &Entry) -> Links {
        let Some(event) = event(sight, entry) else {
            return Links::default();
        };
        let incident = related::incident_of(sight, event);
        let url = match &event.what {
            What::Release { .. } => {
                related::release_of(sight, event).and_then(|row| row.url.clone())
            }
            _ => incident.and_then(|row| row.url.clone()),
        };
        let id = match &event.source {
            Some(source) if event.subject.is_empty() => source.as_str().into(),
            _ => event.subject.clone(),
        };
        Links {
            id,
            url,
            runbook: incident
                .and_then(|row| row.runbook.clone())
                .or_else(|| related::runbook(sight, &event.service)),
        }
    }

    fn detail(&self, sight: Sight<'_>, entry: &Entry) -> Detail {
        event(sight, entry).map_or_else(Detail::default, |event| detail::detail(sight, event))
    }

    fn none(&self, _: &[&Feed]) -> Line {
        let text = "nothing has happened since watchfire began to watch";
        Line::of(text, Role::Dim)
    }

    fn nobody(&self) -> &'static str {
        "no source is configured, so nothing can happen: start with --prometheus URL, or watchfire demo"
    }

    fn fades(&self) -> bool {
        false
    }

    fn has_pages(&self) -> bool {
        true
    }

    fn has_runbooks(&self) -> bool {
        true
    }
}

/// The event of a row.
fn event<'a>(sight: Sight<'a>, entry: &Entry) -> Option<&'a Event> {
    sight.store.events().get(entry.item).map(AsRef::as_ref)
}

/// What tells an event from all others, whatever else happens: its row, what happened to it, when.
fn id(event: &Event) -> Untrusted {
    let subject: String = event.subject.raw().chars().take(SUBJECT).collect();
    let (_, word, _) = words::badge(event);
    format!("{subject} {word} {}", event.at).into()
}

/// A time of day to the second; of another day than the shown one with its name or its date.
fn time(sight: Sight<'_>, at: Timestamp) -> String {
    let then = at.to_zoned(sight.zone.clone());
    let now = sight.now.to_zoned(sight.zone.clone());
    let form = if then.date() == now.date() {
        "%H:%M:%S"
    } else if at.duration_until(sight.now).abs() < A_WEEK {
        "%a %H:%M"
    } else {
        "%b %d %H:%M"
    };
    then.strftime(form).to_string()
}

/// The columns that times take, in any zone.
fn time_width(store: &Store) -> usize {
    let heard = store.feeds().iter().filter_map(|feed| feed.last_success);
    let newest = store.events().last().map(|event| event.at);
    let Some(newest) = heard.chain(newest).max() else {
        return 0;
    };
    let oldest = store.events().first();
    let is_long = oldest.is_some_and(|event| event.at.duration_until(newest) >= A_WEEK);
    if is_long {
        "Nov 21 23:41".len()
    } else {
        "Sat 23:41".len()
    }
}

/// What a filter can ask of an event.
fn facets(event: &Event) -> Facets<'_> {
    let (severity, states, mut words): (_, Vec<&str>, Vec<&Untrusted>) = match &event.what {
        What::Slo { from, to, name, .. } => {
            let worse = from.map_or(*to, |from| from.max(*to));
            (severity_of(worse), vec![to.word(), "slo"], vec![name])
        }
        What::Release {
            status,
            version,
            environment,
            actor,
        } => {
            let words = [version, environment].into_iter().chain(actor);
            ("", vec![status.word(), "release"], words.collect())
        }
        What::Incident {
            turn,
            severity,
            title,
            who,
            by,
            ..
        } => (
            severity.word(),
            vec![by.map_or(turn.word(), Suppression::word), "incident"],
            std::iter::once(title).chain(who).collect(),
        ),
        What::Lost { fault } => ("", vec!["lost", "source"], vec![&fault.message]),
        What::Back { .. } => ("", vec!["back", "source"], Vec::new()),
        What::Done {
            verb,
            target,
            who,
            result,
            said,
        } => (
            "",
            vec![result.as_str(), "action"],
            vec![verb, target, who, said],
        ),
        What::Note { text, who } => ("", vec!["note"], vec![text, who]),
        What::Freeze {
            is_frozen,
            policy,
            reason,
        } => (
            "",
            vec![if *is_frozen { "frozen" } else { "thawed" }, "freeze"],
            vec![policy, reason],
        ),
        What::Linked {
            release,
            incident,
            who,
            ..
        } => ("", vec!["link"], vec![release, incident, who]),
    };
    words.push(&event.subject);
    let source = event.source.iter().map(SourceName::as_str);
    Facets {
        service: Some(event.service.raw()),
        severity: Some(severity),
        states,
        words: words
            .into_iter()
            .map(Untrusted::raw)
            .chain(source)
            .collect(),
    }
}
