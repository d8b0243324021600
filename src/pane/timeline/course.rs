//! The burn that stands above the events: of which SLO, over which time, and its curve.

use std::collections::HashMap;

use jiff::Timestamp;

use super::event;
use crate::domain::{Observation, SourceName, What};
use crate::pane::block::{Curve, Upright};
use crate::pane::burn::{self, Point};
use crate::pane::{Board, Entry, Role, Sight};
use crate::store::Feed;
use crate::text::Untrusted;

/// Whose burn is drawn.
#[derive(Clone, Debug)]
pub enum Track<'a> {
    /// An SLO's, as its source tells it.
    Slo(&'a Feed, &'a Observation),
    /// An SLO's, of which nothing is known but what was kept.
    Kept(&'a Feed, &'a Observation),
    /// Nobody's: nothing measures this service, or, where it is none, anything at all.
    Nobody(Untrusted),
}

const HOUR: i64 = 3_600;
/// What a chart spans, so that it stands still while the view moves a little.
const SPANS: [i64; 4] = [HOUR, 2 * HOUR, 3 * HOUR, MOST];
/// A longer time would hide what it is about: then it is the time around the selected event.
const MOST: i64 = 6 * HOUR;
/// Samples of a journal that are further apart have a gap between them: while all is calm one is
/// kept every ten minutes.
const SAMPLED: i64 = 21 * 60;

/// The SLO that an event is about: the very one, or the worst of its service, or the worst of all
/// where it is of no service. `slos` are all that are shown, worst first; its numbers are taken from
/// `present`, where there is one, which knows more than a moment of the past did.
pub fn track<'a>(
    sight: Sight<'a>,
    present: Option<Sight<'a>>,
    slos: &Board,
    entry: Option<&Entry>,
) -> Track<'a> {
    let event = entry.and_then(|entry| event(sight, entry));
    let service = event.map(|event| event.service.clone());
    let service = service.unwrap_or_default();
    let name = event.and_then(|event| match &event.what {
        What::Slo { name, .. } => Some(name),
        _ => None,
    });
    let is_own = |seen: &Observation| service.is_empty() || seen.slo.service == service;
    let is_very = |seen: &Observation| is_own(seen) && name == Some(&seen.slo.name);
    let mut shown = slos.entries.iter().filter_map(|entry| slo(sight, entry));
    let very = name.and_then(|_| shown.clone().find(|(_, seen)| is_very(seen)));
    let found = very.or_else(|| shown.find(|(_, seen)| is_own(seen)));
    let mut known = present.into_iter().flat_map(|present| present.store.slos());
    let known = known.find(|(_, seen)| match found {
        Some((_, it)) => it.slo.name == seen.slo.name && it.slo.service == seen.slo.service,
        None => is_own(seen),
    });
    match (known, found) {
        (Some((feed, seen)), _) => Track::Slo(feed, seen),
        (None, Some((feed, seen))) => Track::Kept(feed, seen),
        (None, None) => Track::Nobody(service),
    }
}

fn slo<'a>(sight: Sight<'a>, entry: &Entry) -> Option<(&'a Feed, &'a Observation)> {
    let feed = sight.store.feeds().get(entry.feed)?;
    Some((feed, feed.facts.slos.as_ref()?.get(entry.item)?))
}

/// The time that a chart spans above these rows, newest first, of which one is selected: from the
/// oldest of them to now, or to the newest of them once the first of all is out of view.
pub fn span(sight: Sight<'_>, rows: &[&Entry], is_first: bool, selected: usize) -> (i64, i64) {
    let at = |entry: &&Entry| event(sight, entry).map(|event| event.at.as_second());
    let now = sight.now.as_second();
    let newest = rows.first().and_then(at).unwrap_or(now);
    let oldest = rows.last().and_then(at).unwrap_or(now);
    let to = if is_first { now.max(newest) } else { newest };
    let needed = to.saturating_sub(oldest);
    let span = SPANS.into_iter().find(|span| *span >= needed);
    let span_or_most = span.unwrap_or(MOST);
    let mut end = up_to(to, span_or_most / 60);
    if span.is_none() {
        let selected = rows.get(selected).and_then(at).unwrap_or(to);
        end = end.min(up_to(selected.saturating_add(MOST / 4), MOST / 8));
    }
    (end - span_or_most, end)
}

/// The next multiple of a step: what moves with every second would be drawn anew with every second.
fn up_to(at: i64, step: i64) -> i64 {
    at.saturating_add(step - 1).div_euclid(step) * step
}

/// When the numbers begin that an SLO's source gave; before that, only a journal knows.
pub fn known_from(seen: &Observation) -> Option<i64> {
    seen.course().next().map(|point| point.at.as_second())
}

/// The burn of an SLO over a time: what its source says of it, and before that what a journal
/// sampled. `None` where nobody's is drawn.
pub fn curve(
    sight: Sight<'_>,
    track: &Track<'_>,
    sampled: &[Point],
    span: (i64, i64),
    selected: Option<Timestamp>,
) -> Option<Curve> {
    let (Track::Slo(_, seen) | Track::Kept(_, seen)) = track else {
        return None;
    };
    let said = seen.course().map(|point| {
        let burn = seen.slo.burn_rate(point.ratio);
        (point.at.as_second(), Some(burn))
    });
    let moments: Vec<_> = said.clone().map(|(at, _)| at).collect();
    let first = moments.first().copied().unwrap_or(i64::MAX);
    let before = sampled.iter().copied().filter(|(at, _)| *at < first);
    let mut points = burn::gapped(before.chain(said.clone().take(1)), SAMPLED);
    points.pop_if(|(at, _)| *at == first);
    let bridge = match track {
        Track::Kept(..) => SAMPLED,
        _ => 2 * burn::usual_step(&moments),
    };
    points.extend(burn::gapped(said, bridge));
    let mut levels = burn::levels(&seen.slo);
    // Of the rules, the one that pages first: lines are few here, and this is what it was like.
    let page = levels.iter().rposition(|(_, role)| *role == Role::Page);
    let kept = page.unwrap_or(levels.len() - 1);
    let mut places = 0..;
    levels.retain(|(_, role)| places.next() == Some(kept) || *role == Role::Dim);
    let selected = selected.map(|at| (at.as_second(), Upright::Selected));
    let is_past = sight.now.as_second() + (span.1 - span.0) / 60 < span.1;
    let shown = is_past.then(|| (sight.now.as_second(), Upright::Shown));
    Some(Curve {
        span,
        points,
        levels,
        events: releases(sight, &seen.slo.service, span),
        ticks: burn::ticks(sight, span),
        uprights: shown.into_iter().chain(selected).collect(),
    })
}

/// The releases of a service within a time, each once, where it stands among the events.
fn releases(
    sight: Sight<'_>,
    service: &Untrusted,
    (from, to): (i64, i64),
) -> Vec<(i64, crate::text::Shown)> {
    let events = sight.store.events();
    let start = events.partition_point(|event| event.at.as_second() < from);
    let mut places: HashMap<(&Option<SourceName>, &Untrusted), usize> = HashMap::new();
    let mut marks = Vec::new();
    for event in &events[start..] {
        let What::Release { version, .. } = &event.what else {
            continue;
        };
        if event.at.as_second() > to {
            break;
        }
        if event.service != *service {
            continue;
        }
        let place = places.entry((&event.source, &event.subject));
        let place = *place.or_insert(marks.len());
        let mark = (event.at.as_second(), version);
        if place == marks.len() {
            marks.push(mark);
        } else {
            marks[place] = mark;
        }
    }
    marks.sort_by_key(|(at, _)| *at);
    let marks = marks.into_iter();
    marks.map(|(at, version)| (at, version.shown())).collect()
}

/// Which of these rows, newest first, tells what happened last to a row of another pane: to the
/// very one, or else to its service.
pub fn newest_of<'a>(
    sight: Sight<'_>,
    rows: &(impl Iterator<Item = &'a Entry> + Clone),
    (source, id): (&SourceName, &Untrusted),
    service: &Untrusted,
) -> Option<usize> {
    let is_source = id.raw() == source.as_str();
    // What was done from here by a command of one's own names no source.
    let is_there = |of: &Option<SourceName>| of.as_ref().is_none_or(|of| of == source);
    let find = |is_it: &dyn Fn(&crate::domain::Event) -> bool| {
        let mut rows = rows.clone();
        rows.position(|entry| event(sight, entry).is_some_and(is_it))
    };
    let very = find(&|event| {
        let is_it = !id.is_empty() && event.subject == *id;
        is_there(&event.source) && (is_it || is_source && event.subject.is_empty())
    });
    very.or_else(|| find(&|event| !service.is_empty() && event.service == *service))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::domain::{Event, ReleaseStatus};
    use crate::pane::timeline::Timeline;
    use crate::pane::{Charts, Folds, Growth, Pane as _};
    use crate::store::Store;

    /// What is spanned above rows that happened so many seconds ago.
    fn spanned(ago: &[i64], is_first: bool, selected: usize) -> (i64, i64) {
        let now = Timestamp::from_second(1_800_000_030).expect("a moment");
        let at = |ago: &i64| Timestamp::from_second(now.as_second() - ago).expect("a moment");
        let event = |ago| Event {
            at: at(ago),
            seen: at(ago),
            source: None,
            service: "checkout".into(),
            subject: Untrusted::default(),
            what: What::Release {
                status: ReleaseStatus::Succeeded,
                version: "v1".into(),
                environment: Untrusted::default(),
                actor: None,
            },
        };
        let mut store = Store::new(Vec::new());
        store.chronicle(ago.iter().map(|ago| Arc::new(event(ago))));
        let sight = Sight {
            store: &store,
            now,
            zone: &TimeZone::UTC,
            folds: &Folds::default(),
            growth: &Growth::default(),
            charts: &Charts::default(),
        };
        let board = Timeline.board(&store);
        let rows: Vec<_> = board.entries.iter().collect();
        let (from, to) = span(sight, &rows, is_first, selected);
        (now.as_second() - from, now.as_second() - to)
    }

    #[test]
    fn a_chart_spans_what_is_in_view_in_steps_that_stand_still() {
        // From, and to, in seconds ago: an hour at least, up to the next minute.
        assert_eq!(spanned(&[], true, 0), (3_570, -30));
        assert_eq!(spanned(&[60, 600], true, 0), (3_570, -30));
        assert_eq!(spanned(&[60, 4_000], true, 0), (7_110, -90));
        // The newest of all out of view: up to the newest in view.
        assert_eq!(spanned(&[7_200, 7_500], false, 0), (10_770, 7_170));
    }

    #[test]
    fn of_a_long_time_that_is_spanned_which_is_around_the_selected_event() {
        let day = 24 * HOUR;
        for selected in [0, 1, 2] {
            let ago = [60, 9 * HOUR, 2 * day];
            let (from, to) = spanned(&ago, true, selected);
            assert_eq!(from - to, MOST);
            assert!((to..=from).contains(&ago[selected]), "{from} {to}");
        }
    }
}
