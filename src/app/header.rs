//! The first line: what burns, how much of it is known, and what time it is.

use jiff::Timestamp;

use super::action::PANE_ACTIONS;
use super::layout::Area;
use super::model::Model;
use super::screen::Bar;
use super::{past, table};
use crate::domain::{Severity, State, Whose};
use crate::pane::{
    INCIDENTS, Line, Mark, PANES, Role, SLOS, Sight, TIMELINE, figures, fresh, on_call,
};

/// How many SLOs are in each state, as far as it is known.
#[derive(Default)]
struct Totals {
    page: usize,
    ticket: usize,
    ok: usize,
    no_data: usize,
    unknown: usize,
    /// Suggested ones that never failed: outside of the verdict.
    unproven: usize,
    /// True while a source of SLOs is silent: there may be more of anything but `ok`.
    unsure: bool,
    /// True when any source measures SLOs.
    measured: bool,
    /// The last answer of sources of SLOs that all are silent, and what paged and ticketed then.
    blind: Option<Blind>,
}

/// What was known when the last source of SLOs answered.
struct Blind {
    since: Timestamp,
    page: usize,
    ticket: usize,
}

fn totals(model: &Model, sight: Sight<'_>) -> Totals {
    let mut totals = Totals::default();
    let mut last = (None, 0, 0);
    let mut is_any_current = false;
    for (feed, states) in sight.store.feeds().iter().zip(&model.tally) {
        if !feed.offers.slos && states.is_empty() {
            continue;
        }
        totals.measured = true;
        let is_current = feed.freshness(sight.now).is_current();
        totals.unsure |= !is_current;
        is_any_current |= is_current;
        last.0 = last.0.max(feed.last_success);
        last.1 += states.get(&Some(State::Page)).copied().unwrap_or(0);
        last.2 += states.get(&Some(State::Ticket)).copied().unwrap_or(0);
        for (state, count) in states {
            let total = match state {
                _ if !is_current => &mut totals.unknown,
                None => &mut totals.unproven,
                Some(State::Page) => &mut totals.page,
                Some(State::Ticket) => &mut totals.ticket,
                Some(State::Ok) => &mut totals.ok,
                Some(State::NoData) => &mut totals.no_data,
                Some(State::Unknown) => &mut totals.unknown,
            };
            *total += count;
        }
    }
    if let (false, (Some(since), page, ticket)) = (is_any_current, last) {
        totals.blind = Some(Blind {
            since,
            page,
            ticket,
        });
    }
    totals
}

/// The open incidents that nobody has taken or silenced, as far as they are known.
#[derive(Default)]
struct Untaken {
    page: usize,
    ticket: usize,
    /// Those of which that is not known: no longer listed and not known to be over, or of a source that
    /// is silent.
    unknown: usize,
    /// True while a source of incidents is silent: there may be more.
    unsure: bool,
    /// True when any source tells of incidents.
    told: bool,
}

fn untaken(sight: Sight<'_>) -> Untaken {
    let mut untaken = Untaken::default();
    for feed in sight.store.feeds() {
        if !feed.offers.incidents && feed.facts.incidents.is_none() {
            continue;
        }
        untaken.told = true;
        let is_current = feed.freshness(sight.now).is_current();
        untaken.unsure |= !is_current;
        for row in feed.facts.incidents.iter().flatten() {
            let is_unknown = row.is_gone() || (row.is_untaken() && !is_current);
            untaken.unknown += usize::from(is_unknown);
            if row.is_untaken() && is_current {
                untaken.page += usize::from(row.severity == Severity::Page);
                untaken.ticket += usize::from(row.severity == Severity::Ticket);
            }
        }
    }
    untaken
}

impl Totals {
    /// True where every source of SLOs has answered that there are none.
    fn is_empty(&self) -> bool {
        let known = self.page + self.ticket + self.ok + self.no_data + self.unknown;
        known + self.unproven == 0 && !self.unsure
    }
}

impl Blind {
    /// `BLIND 30s · last known 2 PAGE 3 TICKET`.
    fn line(&self, now: Timestamp, step: u8) -> Line {
        let age = figures::age(crate::domain::window::age(self.since, now));
        let line = Line::of(format!("BLIND {age}"), Role::Fault);
        if step >= 6 {
            return line
                .mark(Mark::Page, Role::WasPage)
                .text(format!("{}?", self.page), Role::WasPage);
        }
        let known = if step < 4 {
            " · last known "
        } else {
            " · was "
        };
        line.text(known, Role::Plain)
            .text(format!("{} PAGE", self.page), Role::WasPage)
            .text(format!(" {} TICKET", self.ticket), Role::Plain)
    }
}

impl Untaken {
    /// True where there is nothing to say besides the SLOs.
    fn is_quiet(&self) -> bool {
        self.page + self.ticket + self.unknown == 0 && !self.unsure
    }

    /// ` · incidents ● 2 ▲ 1`; what pages is never left out. A source that is silent may have more.
    fn line(&self, step: u8, is_alone: bool) -> Line {
        let name = match step {
            0..4 => "incidents ",
            4..6 => "inc ",
            _ => "",
        };
        let dot = match (is_alone, step) {
            (true, _) => "",
            (false, 0..6) => " · ",
            (false, _) => "·",
        };
        let mut line = Line::of(format!("{dot}{name}"), Role::Dim);
        if self.page > 0 || (self.is_quiet() && is_alone) {
            let role = if self.page > 0 { Role::Page } else { Role::Dim };
            let more = if self.unsure { "+?" } else { "" };
            line = line
                .mark(Mark::Page, role)
                .text(format!("{}{more}", self.page), role);
        } else if self.unsure && (self.unknown == 0 || step >= 6) {
            line = line.text("?", Role::Unknown);
        }
        let rest = [
            (self.ticket, Mark::Ticket, Role::Ticket, 7),
            (self.unknown, Mark::Unknown, Role::Unknown, 6),
        ];
        let mut gap = if line.0.len() > 1 { " " } else { "" };
        for (count, mark, role, last) in rest {
            if count > 0 && step < last {
                line = line
                    .text(gap, Role::Plain)
                    .mark(mark, role)
                    .text(count.to_string(), role);
                gap = " ";
            }
        }
        line
    }
}

/// How much a header leaves out; each step leaves out what the one before did.
const STEPS: u8 = 9;

/// The header, as much of it as fits.
pub(super) fn bar(model: &Model, area: Area, now: Timestamp) -> Bar {
    let fit = |step: u8| {
        let left = left(model, now, step);
        let right = right(model, now, step);
        let needed = left.width() + right.width() + 1;
        (needed <= usize::from(area.width) || step == STEPS).then_some((left, right))
    };
    let (left, right) = (0..=STEPS).find_map(fit).unwrap_or_default();
    Bar { area, left, right }
}

fn left(model: &Model, now: Timestamp, step: u8) -> Line {
    let sight = model.sight(now);
    let mut line = Line::new();
    if step < 3 {
        line = line.text(" watchfire", Role::Title);
    }
    if step < 4 && !model.context.is_empty() {
        let context = model.context.fit(if step < 2 { 40 } else { 16 });
        line = line.text(format!(" {context}"), Role::Plain);
    }
    let gap = match (line.is_empty(), step) {
        (true, _) => " ",
        (false, 0) => "     ",
        (false, _) => "   ",
    };
    line = line.text(gap, Role::Plain);
    let (totals, untaken) = (totals(model, sight), untaken(sight));
    if totals.measured || !untaken.told {
        line = line.join(counts(&totals, sight.now, step));
    }
    let frozen = sight.store.frozen_count();
    if frozen > 0 && step < 4 {
        let word = if step < 2 {
            "releases frozen"
        } else {
            "frozen"
        };
        let text = format!("{}{frozen} {word}", if step < 5 { "  " } else { " " });
        line = line.text(text, Role::Strong);
    }
    if untaken.told && (!totals.measured || !untaken.is_quiet()) {
        line = line.join(untaken.line(step, !totals.measured));
    }
    let on_call = (step < 5).then(|| on_call::headline(sight, step >= 2));
    if let Some(on_call) = on_call.flatten() {
        let gap = if step < 2 { "     " } else { "  " };
        line = line.text(gap, Role::Plain).join(on_call);
    }
    line
}

fn counts(totals: &Totals, now: Timestamp, step: u8) -> Line {
    if !totals.measured {
        return Line::of("no SLO source", Role::Dim);
    }
    if totals.is_empty() {
        return Line::of("no SLOs yet", Role::Plain);
    }
    if let Some(blind) = &totals.blind {
        return blind.line(now, step);
    }
    let gap = if step < 5 { "  " } else { " " };
    let known = |count: usize| match (count, totals.unsure) {
        (0, true) => "?".to_owned(),
        (count, true) => format!("{count}+?"),
        (count, false) => count.to_string(),
    };
    let weight = |count: usize, role: Role| match (count, totals.unsure) {
        (0, true) => Role::Unknown,
        (0, false) => Role::Dim,
        _ => role,
    };
    let page = weight(totals.page, Role::Page);
    let ticket = weight(totals.ticket, Role::Ticket);
    // The word beside what pages goes last.
    let word = |word: &str, last: u8| {
        if step < last {
            format!(" {word}")
        } else {
            String::new()
        }
    };
    let is_well = totals.page + totals.ticket + totals.no_data + totals.unknown == 0;
    let ok = if is_well && !totals.unsure && totals.ok > 0 {
        Role::Ok
    } else {
        Role::Plain
    };
    let mut line = Line::new()
        .mark(Mark::Page, page)
        .text(format!("{}{}", known(totals.page), word("PAGE", 8)), page)
        .text(gap, Role::Plain)
        .mark(Mark::Ticket, ticket)
        .text(
            format!("{}{}", known(totals.ticket), word("TICKET", 6)),
            ticket,
        )
        .text(gap, Role::Plain)
        .text(format!("{} ok", totals.ok), ok);
    let rest = [
        (totals.no_data, Mark::NoData, Role::NoData, "no data"),
        (totals.unknown, Mark::Unknown, Role::Unknown, "unknown"),
    ];
    for (count, mark, role, word) in rest {
        if count > 0 {
            let word = if step < 1 {
                format!(" {word}")
            } else {
                String::new()
            };
            line = line
                .text(gap, Role::Plain)
                .mark(mark, role)
                .text(format!("{count}{word}"), role);
        }
    }
    if totals.unproven > 0 && step < 3 {
        line = line
            .text(gap, Role::Plain)
            .text(format!("{} never failed", totals.unproven), Role::Dim);
    }
    line
}

fn right(model: &Model, now: Timestamp, step: u8) -> Line {
    let mut line = Line::new();
    if let Some(badge) = past::badge(model, now, step >= 4) {
        line = line.join(badge).text(" ", Role::Plain);
    }
    if model.query.whose != Whose::All {
        line = line.text(format!("{} ", model.query.whose.word()), Role::Accent);
    }
    let zoned = now.to_zoned(model.zone.clone());
    let form = match step {
        0..4 => "%H:%M:%S %Z ",
        4 => "%H:%M %Z",
        5..8 => "%H:%M",
        _ => return line,
    };
    line.text(zoned.strftime(form).to_string(), Role::Plain)
}

/// The tabs of a terminal with room for one pane.
pub(super) fn tabs(model: &Model, area: Area, now: Timestamp) -> Bar {
    let sight = model.sight(now);
    let is_narrow = area.width < 60;
    let mut left = Line::new();
    for (place, pane) in PANES.iter().enumerate() {
        let is_open = place == model.focus;
        if place == SLOS && !is_open && !model.has_slos() {
            continue;
        }
        if is_narrow && place >= TIMELINE && !is_open {
            // There is no room for more; their keys are in the last line.
            continue;
        }
        let role = if is_open { Role::Alarm } else { Role::Dim };
        let name = match (is_open, is_narrow) {
            (false, true) => pane.short(),
            (true, true) if place == TIMELINE => pane.short(),
            _ => pane.name(),
        };
        let key = model.keymap.hint(PANE_ACTIONS[place]);
        let key = key.map_or_else(String::new, |key| format!("{key} "));
        if !left.is_empty() {
            left = left.text(if is_narrow { " " } else { "  " }, Role::Plain);
        }
        left = if is_open {
            let count = table::count_word(*pane, &model.rosters[place], sight);
            let others = model.rosters[place].others.count;
            let hidden = if others > 0 {
                format!("/{}", pane.count(sight, &model.rosters[place].board).known)
            } else {
                String::new()
            };
            let marked = model.desk.marked(pane.name()).count();
            let marked = match marked {
                0 => String::new(),
                count => format!("{count} marked "),
            };
            left.text(format!(" {key}{name} {count}{hidden} {marked}"), role)
        } else {
            left.text(format!("{key}{name}"), role)
        };
    }
    let roster = &model.rosters[model.focus];
    let right = if roster.others.pressing > 0 {
        // What burns is never left out without a word.
        let text = format!("{} PAGE of others", roster.others.pressing);
        Line::new()
            .mark(Mark::Page, Role::Page)
            .text(text, Role::Page)
    } else if model.query.filter.text().is_empty() {
        freshness(model, sight, is_narrow)
    } else {
        let text = format!("/{}", model.query.filter.text());
        Line::of(text, Role::Accent)
    };
    Bar { area, left, right }
}

fn freshness(model: &Model, sight: Sight<'_>, is_narrow: bool) -> Line {
    let feeds = fresh::feeding(model.pane(), sight.store);
    if !model.pane().fades() {
        return Line::new();
    }
    if !is_narrow {
        return fresh::summary(&feeds, sight.now);
    }
    fresh::worst(&feeds, sight.now)
}

/// The one line of a terminal that has no room for more.
pub(super) fn smallest(model: &Model, area: Area, now: Timestamp) -> Bar {
    let sight = model.sight(now);
    let (totals, untaken) = (totals(model, sight), untaken(sight));
    let slos = worst_slos(&totals);
    let is_paging = totals.page > 0;
    let incidents = untaken.line(STEPS, true);
    let gap = Line::of(" · ", Role::Dim);
    let mut left = match (totals.measured || !untaken.told, untaken.page > 0) {
        (false, _) => incidents,
        (true, false) => slos,
        (true, true) if is_paging => slos.join(gap).join(incidents),
        (true, true) => incidents.join(gap).join(slos),
    };
    let pane = if totals.measured || !untaken.told {
        PANES[SLOS]
    } else {
        PANES[INCIDENTS]
    };
    let feeds = fresh::feeding(pane, sight.store);
    left = left
        .text(" ", Role::Plain)
        .join(fresh::worst(&feeds, sight.now));
    if let Some(badge) = past::badge(model, now, true) {
        left = left.text(" ", Role::Plain).join(badge);
    }
    left = left.text(" needs 30x6", Role::Dim);
    Bar {
        area,
        left,
        right: Line::new(),
    }
}

/// The worst state of the SLOs and how many are in it.
fn worst_slos(totals: &Totals) -> Line {
    let (state, count) = if totals.page > 0 {
        (State::Page, totals.page)
    } else if totals.unsure {
        (State::Unknown, totals.unknown)
    } else if totals.ticket > 0 {
        (State::Ticket, totals.ticket)
    } else if totals.unknown > 0 {
        (State::Unknown, totals.unknown)
    } else if totals.no_data > 0 {
        (State::NoData, totals.no_data)
    } else if totals.is_empty() {
        return Line::of("no SLOs yet", Role::Plain);
    } else {
        (State::Ok, totals.ok)
    };
    let (mark, role) = Mark::of_state(state);
    Line::new().mark(mark, role).text(
        format!("{count} {}", crate::pane::cell::state_word(state)),
        role,
    )
}
