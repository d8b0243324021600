//! The fire line, laid out: sentences above the panes, with the course of the burn beside them where there
//! is room.

use std::sync::Arc;

use jiff::Timestamp;

use super::action::Action;
use super::layout::{Area, Arrangement, Border};
use super::model::Model;
use super::screen::{Sheet, SheetLine, Slot};
use super::{chart, footer};
use crate::pane::fire::Fire;
use crate::pane::{Align, Cell, Entry, Line, Mark, PANES, Role, SLOS};

/// Columns of the sentences where a chart stands beside them.
const SENTENCES: u16 = 50;
/// Columns of a label, with the space after it.
const LABEL: u16 = 8;
/// Columns of the budget bar.
const BAR: u16 = 16;
/// Columns between parts of a sentence.
const GAP: &str = "  ";

/// The fire line as sheets; none where it has no place.
pub(super) fn sheets(model: &Model, arrangement: &Arrangement, now: Timestamp) -> Vec<Sheet> {
    let Some(area) = arrangement.fire else {
        return Vec::new();
    };
    let sight = model.sight(now);
    let Some(subject) = Subject::of(model, now) else {
        return Vec::new();
    };
    let Some(mut fire) = Fire::of(sight, subject.entry) else {
        return Vec::new();
    };
    if !model.rosters[SLOS].is_any_loud {
        return vec![sheet(area, vec![quiet(model, fire, now)])];
    }
    if let Some(hidden) = &subject.hidden {
        fire.name = fire.name.text(hidden, Role::Dim);
        fire.head = fire.head.text(hidden, Role::Dim);
    }
    let hints = |actions: &[Action]| {
        // Keys act on the selected row.
        let is_selected = model.focus == SLOS && subject.hidden.is_none();
        let hints = is_selected.then(|| footer::possible_hints(model, actions, now));
        hints.unwrap_or_default()
    };
    if !arrangement.has_charted_fire() {
        let lines = sentences(&fire, area.width, hints);
        return vec![sheet(area, lines)];
    }
    let left = Area {
        width: SENTENCES,
        height: area.height - 1,
        ..area
    };
    let right = Area {
        x: area.x + SENTENCES,
        width: area.width - SENTENCES,
        ..left
    };
    let word = Fire::state(sight, subject.entry);
    let mut sheets = vec![Sheet {
        lines: fields(&fire, word, hints),
        ..sheet(left, Vec::new())
    }];
    sheets.extend(burn_chart(&fire, right));
    sheets
}

/// The row that the fire line is about.
struct Subject<'a> {
    entry: &'a Entry,
    /// Why its pane does not show it.
    hidden: Option<String>,
}

impl<'a> Subject<'a> {
    /// The selected SLO. A worst one that asks for attention and is hidden goes before one that does not, so
    /// that no filter hides a fire.
    fn of(model: &'a Model, now: Timestamp) -> Option<Self> {
        let roster = &model.rosters[SLOS];
        let is_loud = |entry: &Entry| PANES[SLOS].is_loud(model.sight(now), entry);
        let entries = &roster.board.entries;
        let worst = entries.iter().find(|entry| is_loud(entry));
        let worst = worst.or_else(|| entries.first())?;
        let selected = roster.selected();
        let shown = selected.filter(|entry| {
            is_loud(entry) || !is_loud(worst) || roster.place_of(&worst.key).is_some()
        });
        if let Some(entry) = shown {
            return Some(Self {
                entry,
                hidden: None,
            });
        }
        let filter = model.query.filter.text();
        let hidden = if filter.is_empty() {
            " (not among your rows)".to_owned()
        } else {
            format!(" (hidden by /{filter})")
        };
        Some(Self {
            entry: worst,
            hidden: Some(hidden),
        })
    }
}

fn sheet(area: Area, lines: Vec<Line>) -> Sheet {
    Sheet {
        area,
        border: Border::Bare,
        title: Line::new(),
        info: Line::new(),
        lines: lines.into_iter().map(SheetLine::Text).collect(),
        more: Line::new(),
    }
}

/// One line while every SLO that is known holds.
fn quiet(model: &Model, fire: Fire, now: Timestamp) -> Line {
    let states = model.tally.iter().flatten();
    let (mut holding, mut never_failed) = (0, 0);
    for (state, count) in states {
        let total = if state.is_some() {
            &mut holding
        } else {
            &mut never_failed
        };
        *total += count;
    }
    let line = Line::of(" ", Role::Plain);
    let mut line = if PANES[SLOS].is_unsure(model.sight(now)) {
        line.mark(Mark::Unknown, Role::Unknown).text(
            format!("{holding} SLOs hold, others are not known"),
            Role::Unknown,
        )
    } else {
        line.mark(Mark::Ok, Role::Dim)
            .text(format!("{holding} of {holding} SLOs hold"), Role::Plain)
    };
    if never_failed > 0 {
        line = line.text(format!(", {never_failed} never failed"), Role::Dim);
    }
    line = line
        .text("   ", Role::Dim)
        .join(fire.name)
        .text(" ", Role::Dim)
        .join(fire.budget);
    if fire.why.is_empty() {
        line
    } else {
        line.text(", ", Role::Dim).join(fire.why)
    }
}

/// Three lines: what burns and when its budget is gone; why; who has it.
fn sentences(fire: &Fire, width: u16, hints: impl Fn(&[Action]) -> Line) -> Vec<Line> {
    let edge = || Line::of("▎ ", fire.role);
    let width = usize::from(width);
    let joined = |parts: &[&Line]| {
        let parts = parts.iter().filter(|part| !part.is_empty());
        parts.fold(Line::new(), |line, part| {
            let gap = if line.is_empty() { "" } else { GAP };
            line.text(gap, Role::Plain).join((*part).clone())
        })
    };
    let with_hints = |line: Line, actions: &[Action]| {
        let hints = hints(actions);
        let is_room = line.width() + GAP.len() + hints.width() <= width;
        if hints.is_empty() || !is_room {
            return line;
        }
        line.text(GAP, Role::Plain).join(hints)
    };
    let head = joined(&[&fire.head, &fire.since, &fire.burn, &fire.budget]);
    let short = joined(&[&fire.head, &fire.age, &fire.pace, &fire.budget]);
    let head = if head.width() + 2 > width {
        short
    } else {
        head
    };
    let labelled = |label: &str, line: &Line| {
        if line.is_empty() {
            return Line::new();
        }
        Line::of(label, Role::Dim).join(line.clone())
    };
    let (used_by, needs) = (
        labelled("used by ", &fire.used_by),
        labelled("needs ", &fire.needs),
    );
    let fits = |line: &Line| line.width() + 2 <= width;
    let (mut why, mut who) = (joined(&[&fire.why, &fire.errors]), fire.who.clone());
    // What else burns goes before who is on call, which the header says as well.
    for (part, is_said_above) in [(&needs, false), (&used_by, false), (&fire.on_call, true)] {
        let below = joined(&[&who, part]);
        let beside = joined(&[&why, part]);
        match (fits(&below), fits(&beside)) {
            (false, true) => why = beside,
            (false, false) if is_said_above && !who.is_empty() => {}
            _ => who = below,
        }
    }
    vec![
        edge().join(head),
        with_hints(edge().join(why), &[Action::Suspect]),
        with_hints(edge().join(who), &[Action::Acknowledge, Action::Runbook]),
    ]
}

/// The same with a label each, beside a chart.
fn fields(fire: &Fire, word: &str, hints: impl Fn(&[Action]) -> Line) -> Vec<SheetLine> {
    let edge = || Line::of("▎ ", fire.role);
    let field = |label: &str, line: &Line| {
        let label = format!("{label:<width$}", width = usize::from(LABEL));
        SheetLine::Text(edge().text(label, Role::Dim).join(line.clone()))
    };
    let head = Line::new()
        .mark(fire.mark, fire.role)
        .text(word, fire.role)
        .text(GAP, Role::Plain)
        .join(fire.name.clone());
    let mut lines = vec![
        SheetLine::Text(edge().join(head)),
        SheetLine::Text(edge().join(fire.since.clone())),
    ];
    if fire.needs.is_empty() {
        lines.push(SheetLine::Text(edge()));
    }
    if !fire.burn.is_empty() {
        lines.push(field("burn", &fire.burn));
    }
    lines.push(budget(fire));
    let room = usize::from(SENTENCES - LABEL - 2);
    let (who, below) = with_on_call(fire, room);
    for (label, line) in [
        ("why", &fire.why),
        ("", &fire.errors),
        ("needs", &fire.needs),
        ("who", &who),
        ("", &below),
        ("used by", &fire.used_by),
    ] {
        if !line.is_empty() {
            lines.push(field(label, line));
        }
    }
    let actions = [
        Action::Suspect,
        Action::Acknowledge,
        Action::Runbook,
        Action::Open,
    ];
    lines.push(SheetLine::Text(edge().join(hints(&actions))));
    lines
}

/// Who has it and who is on call: in one line where both fit, else in two. Where the next line is for what
/// depends on the service, the header alone says who is on call.
fn with_on_call(fire: &Fire, room: usize) -> (Line, Line) {
    if fire.who.is_empty() || fire.on_call.is_empty() {
        return (fire.who.clone().join(fire.on_call.clone()), Line::new());
    }
    let both = fire
        .who
        .clone()
        .text(GAP, Role::Plain)
        .join(fire.on_call.clone());
    if both.width() <= room {
        return (both, Line::new());
    }
    let below = if fire.used_by.is_empty() {
        fire.on_call.clone()
    } else {
        Line::new()
    };
    (fire.who.clone(), below)
}

/// `budget  ━━━━━───────  31% left, gone in 9h`.
fn budget(fire: &Fire) -> SheetLine {
    let slot = |x: u16, width: u16| Slot {
        x,
        width,
        align: Align::Left,
    };
    let bar = 2 + LABEL;
    let words = bar + BAR + 2;
    SheetLine::Cells(vec![
        (slot(0, 2), Cell::text("▎ ", fire.role)),
        (slot(2, LABEL), Cell::text("budget", Role::Dim)),
        (slot(bar, BAR), Cell::Gauge(fire.left, fire.budget_role)),
        (
            slot(words, SENTENCES - words),
            Cell::Line(fire.budget.clone()),
        ),
    ])
}

/// The course of the burn with its highest point, under a title.
fn burn_chart(fire: &Fire, area: Area) -> Option<Sheet> {
    let curve = fire.curve.as_ref()?;
    let names = 2 + u16::from(!curve.events.is_empty());
    let plot = area.height.checked_sub(1 + names)?;
    let chart = Arc::new(chart::scaled(curve, area.width.saturating_sub(2), plot)?);
    let peak = u16::try_from(fire.peak.width()).unwrap_or(area.width);
    let title = (
        Slot {
            x: 1,
            width: area.width.saturating_sub(peak + 3),
            align: Align::Left,
        },
        Cell::Line(fire.caption.clone()),
    );
    let peak = (
        Slot {
            x: area.width.saturating_sub(peak + 1),
            width: peak,
            align: Align::Right,
        },
        Cell::Line(fire.peak.clone()),
    );
    let lines = (0..chart.lines()).map(|line| SheetLine::Chart(Arc::clone(&chart), line));
    Some(Sheet {
        lines: std::iter::once(SheetLine::Cells(vec![title, peak]))
            .chain(lines)
            .collect(),
        ..sheet(area, Vec::new())
    })
}
