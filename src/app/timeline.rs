//! The timeline: the key that leads there and back, and the burn of the selected event's service
//! above its rows.

use std::sync::Arc;

use jiff::Timestamp;

use super::layout::{Arrangement, Border, Layout};
use super::model::Model;
use super::model::memory::Wanted;
use super::screen::{Sheet, SheetLine, Slot};
use super::sheet::wrap;
use super::{Effect, Memory, chart, jump, table};
use crate::domain::{Burn, Freshness, Observation, SourceName};
use crate::pane::block::Curve;
use crate::pane::timeline::{Track, curve, known_from, newest_of, span, track};
use crate::pane::{
    Align, Cell, Entry, Line, PANES, Role, SLOS, Sight, TIMELINE, burn, figures, fresh,
};
use crate::store::Feed;
use crate::text::{Shown, Untrusted};

/// Shows what has happened, beginning with what happened last to the row that was looked at; or
/// goes back to that row.
pub(super) fn turn(model: &mut Model, now: Timestamp) {
    if model.focus == TIMELINE {
        leave(model);
        return;
    }
    let sight = model.sight(now);
    let found = model.target().map(|entry| {
        let service = Untrusted::from(
            model
                .pane()
                .facets(sight, entry)
                .service
                .unwrap_or_default(),
        );
        let roster = &model.rosters[TIMELINE];
        let rows = roster.shown.iter();
        let rows = rows.filter_map(|place| roster.board.entries.get(*place));
        let row = (&entry.key.source, &entry.key.id);
        newest_of(sight, &rows, row, &service)
    });
    jump::begin(model, TIMELINE);
    match found {
        Some(Some(place)) => model.rosters[TIMELINE].choose(place),
        Some(None) => model.tell("nothing has happened to this row yet", now),
        None => {}
    }
}

/// Goes back to the row and the detail that the timeline was opened from.
pub(super) fn leave(model: &mut Model) {
    model.close_detail();
    if !jump::back(model) {
        model.focus = model.home();
    }
}

/// What stands above the rows that are in view.
struct View<'a> {
    sight: Sight<'a>,
    /// Where the burn is taken from: of a moment of the past, what is known of it by now. A recording
    /// has no such thing.
    present: Option<Sight<'a>>,
    track: Track<'a>,
    span: (i64, i64),
    selected: Option<Timestamp>,
}

impl<'a> View<'a> {
    fn of(model: &'a Model, arrangement: &Arrangement, now: Timestamp) -> Option<Self> {
        arrangement.chart?;
        let sight = model.sight(now);
        let present = match (model.is_past(), model.memory) {
            (true, Memory::Recording(_)) => None,
            (true, _) => Some(Sight {
                store: model.newest(),
                now,
                ..sight
            }),
            (false, _) => Some(sight),
        };
        let roster = &model.rosters[TIMELINE];
        let mut panes = arrangement.panes.iter();
        let (place, area) = panes.find(|(place, _)| *place == TIMELINE)?;
        let room = table::room(PANES[*place], arrangement.border, *area, roster.shown.len());
        let top = roster.cursor.top();
        let places = roster.shown.iter().skip(top).take(usize::from(room.height));
        let rows: Vec<&Entry> = places
            .filter_map(|place| roster.board.entries.get(*place))
            .collect();
        let selected = roster.cursor.index().saturating_sub(top);
        let events = sight.store.events();
        let entry = roster.selected();
        let event = entry.and_then(|entry| events.get(entry.item));
        Some(Self {
            sight,
            present,
            track: track(sight, present, &model.rosters[SLOS].board, entry),
            span: span(sight, &rows, top == 0, selected),
            selected: event.map(|event| event.at),
        })
    }

    /// How fresh what is drawn is, unless it is what was kept.
    fn freshness(&self) -> Option<Freshness> {
        match &self.track {
            Track::Slo(feed, _) => Some(feed.freshness(self.present?.now)),
            Track::Kept(..) | Track::Nobody(_) => None,
        }
    }

    /// What only the journal knows of it.
    fn wanted(&self) -> Option<Wanted> {
        let (Track::Slo(feed, seen) | Track::Kept(feed, seen)) = &self.track else {
            return None;
        };
        let is_known = known_from(seen).is_some_and(|first| first <= self.span.0);
        (!is_known).then(|| Wanted {
            source: feed.name.clone(),
            slo: seen.slo.id(),
            span: self.span,
        })
    }
}

/// Asks the journal for the part of the chart that no source tells, once for each time and SLO.
pub(super) fn ask(model: &mut Model, now: Timestamp) -> Option<Effect> {
    if model.focus != TIMELINE || model.memory == Memory::None {
        return None;
    }
    let Layout::Panes(arrangement) = model.layout() else {
        return None;
    };
    let wanted = View::of(model, &arrangement, now)?.wanted()?;
    if model.course.asked.as_ref() == Some(&wanted) {
        return None;
    }
    let (from, to) = wanted.span;
    let moment = |second| Timestamp::from_second(second).ok();
    let slos = vec![(wanted.source.clone(), wanted.slo.clone())];
    let effect = Effect::Burns(slos, (moment(from)?, moment(to)?));
    model.course.asked = Some(wanted);
    Some(effect)
}

/// Takes in what the journal said, unless something else is looked at by now.
pub(super) fn hear(model: &mut Model, told: Vec<(SourceName, Untrusted, Vec<Burn>)>) {
    for (source, slo, burns) in told {
        let is_it = |asked: &Wanted| asked.source == source && asked.slo == slo;
        if model.course.asked.as_ref().is_some_and(is_it) {
            let burns = burns.into_iter();
            let points = burns.map(|burn| (burn.at.as_second(), burn.short));
            model.course.sampled = Some((source, slo, points.collect()));
        }
    }
}

/// The chart above the rows; one line of it where there is no room for more.
pub(super) fn sheet(model: &Model, arrangement: &Arrangement, now: Timestamp) -> Option<Sheet> {
    let area = arrangement.chart?;
    let view = View::of(model, arrangement, now)?;
    let inside = arrangement.border.inside(area);
    let mut sheet = Sheet {
        area,
        border: arrangement.border,
        title: Line::of("burn", Role::Title),
        info: Line::new(),
        lines: Vec::new(),
        more: Line::new(),
    };
    let (feed, seen) = match &view.track {
        Track::Slo(feed, seen) | Track::Kept(feed, seen) => (*feed, *seen),
        Track::Nobody(service) => {
            let room = usize::from(inside.width.saturating_sub(2));
            let lines = wrap(&unmeasured(service), room).into_iter();
            let lines = lines.take(usize::from(inside.height));
            let pad = || Line::of(" ", Role::Plain);
            sheet.lines = lines
                .map(|line| SheetLine::Text(pad().join(line)))
                .collect();
            return Some(sheet);
        }
    };
    let sampled = model.course.sampled.as_ref();
    let sampled = sampled.filter(|(source, slo, _)| *source == feed.name && *slo == seen.slo.id());
    let sampled = sampled.map_or(&[][..], |(_, _, points)| points);
    let mut curve = curve(view.sight, &view.track, sampled, view.span, view.selected)?;
    if view
        .freshness()
        .is_some_and(|freshness| !freshness.is_current())
    {
        curve.fade();
    }
    if arrangement.border == Border::Bare {
        sheet.lines = vec![flat(&curve, seen, inside.width)];
        return Some(sheet);
    }
    sheet.title = title(seen);
    sheet.info = info(&view, feed, &curve);
    let plot = inside.height.saturating_sub(3);
    if let Some(chart) = chart::scaled(&curve, inside.width.saturating_sub(2), plot) {
        let chart = Arc::new(chart);
        let lines = (0..inside.height).map(|line| SheetLine::Chart(Arc::clone(&chart), line));
        sheet.lines = lines.collect();
    }
    Some(sheet)
}

/// What is remembered, where nothing has happened.
pub(super) fn memory(model: &Model) -> Line {
    match (&model.forgetful, model.memory) {
        (Some(fault), _) => Line::of(" (", Role::Dim)
            .text(fresh::fault_words(fault), Role::Fault)
            .text(")", Role::Dim),
        (None, Memory::None) => Line::of(" (there is no journal)", Role::Dim),
        (None, Memory::Journal | Memory::Recording(_)) => Line::new(),
    }
}

/// Why there is nothing to draw.
fn unmeasured(service: &Untrusted) -> Line {
    if service.is_empty() {
        return Line::of("no SLO is measured, so there is no burn to show", Role::Dim);
    }
    Line::of("no SLO of ", Role::Dim)
        .foreign(service, Role::Plain)
        .text(" is measured, so there is no burn to show", Role::Dim)
}

fn title(seen: &Observation) -> Line {
    let window = seen.slo.windows().first().copied();
    let window = window.map(figures::lead).unwrap_or_default();
    Line::of("burn ", Role::Title)
        .foreign(&seen.slo.service, Role::Strong)
        .text(" / ", Role::Dim)
        .foreign(&seen.slo.name, Role::Strong)
        .text(format!(" over {window}"), Role::Dim)
}

/// How long a time is shown, and how fresh what is shown is.
fn info(view: &View<'_>, feed: &Feed, curve: &Curve) -> Line {
    let (from, to) = view.span;
    let is_sampled = curve.points.iter().any(|(at, _)| (from..=to).contains(at));
    let mut line = Line::new();
    if !is_sampled {
        line = line.text("nothing sampled in this time · ", Role::Plain);
    }
    let end = Timestamp::from_second(to).unwrap_or(view.sight.now);
    let hours = format!("{}h to {} · ", (to - from) / 3_600, view.sight.clock(end));
    let line = line.text(hours, Role::Dim);
    match (view.freshness(), view.present) {
        (Some(_), Some(present)) => line.join(fresh::name_and_word(feed, present.now)),
        // What was kept is as it was then.
        _ => line.text(feed.name.as_str(), Role::Dim),
    }
}

/// Of a terminal with few lines: whose burn, its course, and the highest of it.
fn flat(curve: &Curve, seen: &Observation, width: u16) -> SheetLine {
    let name = format!("{} {}", seen.slo.service.shown(), seen.slo.name.shown());
    let name = Shown::new(name);
    let wide = u16::try_from(name.width()).unwrap_or(width).min(width / 2);
    let (from, to) = curve.span;
    let burns = curve.points.iter();
    let highest = burns
        .filter(|(at, _)| (from..=to).contains(at))
        .filter_map(|(_, burn)| *burn)
        .reduce(f64::max);
    let columns = width.saturating_sub(wide + figures::BURN_WIDTH + 4);
    let values = chart::flat(curve, columns);
    let slot = |x, width| Slot {
        x,
        width,
        align: Align::Left,
    };
    let burn_x = width.saturating_sub(figures::BURN_WIDTH + 1);
    SheetLine::Cells(vec![
        (slot(1, wide), Cell::Name(name, Role::Dim)),
        (slot(wide + 2, columns), Cell::Spark(values)),
        (
            slot(burn_x, figures::BURN_WIDTH),
            Cell::text(
                figures::burn(highest),
                burn::role_at(&curve.levels, highest.unwrap_or(0.0)),
            ),
        ),
    ])
}
