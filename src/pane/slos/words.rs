//! What stands beside and within the numbers of a row: roles, marks and notes.

use crate::domain::{
    Assessment, Direction, Observation, Phase, Reason, ReasonCode, Severity, Standing, State,
    Window,
};
use crate::pane::cell::{Cell, Line, Role, state_word, width_of};
use crate::pane::{Sight, figures, fresh};
use crate::store::Feed;

pub(super) fn burn_cell(
    seen: &Observation,
    verdict: &Assessment,
    window: Option<Window>,
    heading: &str,
) -> Cell {
    let Some(window) = window else {
        return Cell::Empty;
    };
    let burn = verdict.burn_rates.get(&window).copied().flatten();
    let sample = seen.windows.get(window);
    let is_behind = sample.is_some_and(|sample| seen.is_behind(sample));
    let is_bound = seen.lower_bound(window).is_some();
    let figure = if is_behind || is_bound || seen.is_inexact() {
        figures::rough_burn(burn)
    } else {
        figures::burn(burn)
    };
    let line = Line::of(figure, burn_role(verdict, window, burn));
    let label = figures::lead(window);
    if heading.trim() == label {
        Cell::Line(line)
    } else {
        Cell::Line(line.text(format!(" {label}"), Role::Dim))
    }
}

/// Above the factor of a rule that uses this window: that rule's severity, unless too few events
/// hold the rule back. Below 1: of no weight.
pub(in crate::pane) fn burn_role(verdict: &Assessment, window: Window, burn: Option<f64>) -> Role {
    let Some(burn) = burn else {
        return Role::Dim;
    };
    let worst = verdict
        .rules
        .iter()
        .filter(|row| {
            row.held_back.is_none()
                && [row.rule.long, row.rule.short].contains(&window)
                && row.rule.is_exceeded_by(burn)
        })
        .map(|row| row.rule.severity)
        .max();
    match worst {
        Some(Severity::Page) => Role::Page,
        Some(Severity::Ticket | Severity::Info) => Role::Ticket,
        None if burn < 1.0 => Role::Dim,
        None => Role::Plain,
    }
}

/// The budget left, with a `~` before it where it is not known exactly: data covers too little of the
/// period, it is a lower bound of what was spent, 0 bad events are assumed, or it is older than the
/// burn rates beside it.
pub(in crate::pane) fn budget(seen: &Observation, left: Option<f64>) -> String {
    let is_estimate = left.is_some() && is_rough(seen);
    let mark = if is_estimate { "~" } else { "" };
    format!("{mark}{}", figures::budget(left))
}

/// How wide [`budget`] is, without writing it.
pub(super) fn budget_width(seen: &Observation, left: Option<f64>) -> usize {
    left.and_then(figures::budget_width)
        .map_or(1, |width| width + usize::from(is_rough(seen)))
}

/// True where the budget left is no exact number of now.
fn is_rough(seen: &Observation) -> bool {
    let is_behind = seen.period.is_some_and(|period| seen.is_behind(period));
    let is_bound = seen.lower_bound_of_period().is_some();
    is_behind || is_bound || seen.is_inexact() || seen.shortfall().is_some()
}

/// The bad events there are of those that it takes to page, where too few hold a page back.
fn too_few(seen: &Observation, verdict: &Assessment) -> Option<String> {
    let (_, bad) = verdict.held_back()?;
    Some(of_needed(seen, bad))
}

/// `2 of 3 events`.
pub(super) fn of_needed(seen: &Observation, bad: f64) -> String {
    let (bad, needed) = (
        figures::events(bad),
        figures::events(seen.slo.min_bad_events),
    );
    format!("{bad} of {needed} events")
}

/// A spent budget weighs as much as what fires.
pub(in crate::pane) fn budget_role(verdict: &Assessment) -> Role {
    match (verdict.state, verdict.budget_remaining) {
        (_, None) => Role::Dim,
        (State::Page, _) => Role::Page,
        (State::Ticket, _) => Role::Ticket,
        (_, Some(left)) if left <= 0.0 => Role::Ticket,
        (State::NoData | State::Unknown, _) => Role::Dim,
        (State::Ok, _) => Role::Plain,
    }
}

/// The longest of what a row says of an old answer, before its reason.
const LONGEST_WAS: &str = "was NO DATA 59m, ";

/// How wide the reason is that the row of an SLO may show.
pub(super) fn reason_width(feed: &Feed, seen: &Observation, standing: &Standing) -> usize {
    let reason = width_of_reason(feed, seen, standing);
    match seen.suggested_words() {
        None => reason,
        Some(words) => words.len() + ", gone in 99d".len().max(reason),
    }
}

fn width_of_reason(feed: &Feed, seen: &Observation, standing: &Standing) -> usize {
    if let Some(fault) = feed.fault.as_ref().filter(|_| feed.failures > 0) {
        return LONGEST_WAS.len() + fault.kind.short().len();
    }
    if standing.state != State::Unknown {
        let is_rising = standing.phase == Some(Phase::Rising);
        return if is_rising {
            Phase::Rising.label().len()
        } else {
            0
        };
    }
    let why = seen.why_unknown();
    why.first().map_or(0, |reason| width_of(&reason.short()))
}

/// What an SLO was when its source last answered, how long ago that is, and why it does not now.
pub(in crate::pane) fn was(
    sight: Sight<'_>,
    feed: &Feed,
    seen: &Observation,
    state: State,
) -> Line {
    let why = feed.why_unknown(seen, sight.now);
    let short = why.first().map(Reason::short).unwrap_or_default();
    if feed.last_success.is_none() {
        return Line::new().foreign(&short, Role::Old);
    }
    let line = Line::of(fresh::was(feed, state_word(state), sight.now), Role::Old);
    if feed.fault.is_none() {
        return line;
    }
    line.text(", ", Role::Old).foreign(&short, Role::Old)
}

/// The same, the longest first: the state is left where nothing else has room.
pub(super) fn was_in_short(
    sight: Sight<'_>,
    feed: &Feed,
    seen: &Observation,
    state: State,
) -> Vec<Line> {
    let whole = was(sight, feed, seen, state);
    if feed.last_success.is_none() {
        return vec![whole];
    }
    let word = state_word(state);
    let shorter = [
        fresh::was(feed, word, sight.now),
        format!("was {word}"),
        format!("{word}?"),
    ];
    let shorter = shorter.map(|words| Line::of(words, Role::Old));
    std::iter::once(whole).chain(shorter).collect()
}

/// What a reader should know beside the numbers, in three words at most.
pub(super) fn note(seen: &Observation, verdict: &Assessment) -> Line {
    match verdict.state {
        State::NoData => return Line::of("no data", Role::NoData),
        State::Unknown => {
            let why = seen.why_unknown();
            let short = why.first().map(Reason::short).unwrap_or_default();
            return Line::new().foreign(&short, Role::Unknown);
        }
        State::Ok | State::Ticket | State::Page => {}
    }
    // A ticket that fires does not say that a page would.
    if verdict.state != State::Page
        && let Some(few) = too_few(seen, verdict)
    {
        return Line::of(few, Role::Strong);
    }
    if verdict.exhausted() == Some(true) {
        return Line::of("spent", Role::Strong);
    }
    course(seen, verdict)
}

/// The note of one that is suggested says so first.
pub(super) fn suggested(seen: &Observation, note: Line) -> Line {
    let Some(words) = seen.suggested_words() else {
        return note;
    };
    let line = Line::of(words, Role::Dim);
    if note.is_empty() {
        return line;
    }
    line.text(", ", Role::Dim).join(note)
}

/// The arrow of a burn's direction.
pub(super) fn arrow(seen: &Observation, verdict: &Assessment) -> Cell {
    let Some(direction) = seen.direction(verdict) else {
        return Cell::Empty;
    };
    let role = match direction {
        Direction::Rising => Role::Strong,
        Direction::Steady => Role::Plain,
        Direction::Easing => Role::Dim,
    };
    Cell::text(direction.arrow(), role)
}

/// How a burn goes on: the time until its budget is gone.
fn course(seen: &Observation, verdict: &Assessment) -> Line {
    match verdict.phase {
        Some(Phase::Calm) | None => assumed(seen),
        Some(Phase::Rising) => Line::of(Phase::Rising.label(), Role::Strong),
        Some(Phase::Recovering) => Line::of(Phase::Recovering.label(), Role::Plain),
        Some(Phase::Burning) => {
            let left = seen.gone_in(verdict);
            left.map_or_else(Line::new, |left| Line::of(figures::age(left), Role::Strong))
        }
    }
}

/// What a burn does, in a sentence: `burning ↗ rising`. One whose shortest window is below 1x does
/// not burn any more, whatever a longer one says.
pub(super) fn phase_and_direction(seen: &Observation, verdict: &Assessment) -> Option<String> {
    let phase = verdict.phase?;
    let is_over = phase == Phase::Burning && seen.short_burn().is_some_and(|burn| burn < 1.0);
    let direction = seen.direction(verdict);
    let direction = direction.map(|one| format!("{} {}", one.arrow(), one.word()));
    match (is_over, direction) {
        (false, None) => Some(phase.label().to_owned()),
        (false, Some(direction)) => Some(format!("{} {direction}", phase.label())),
        (true, direction) => direction,
    }
}

/// What is assumed of a calm SLO.
fn assumed(seen: &Observation) -> Line {
    let mut reasons = seen.reasons.iter();
    let assumed = reasons.find(|reason| reason.code == ReasonCode::AssumedZero);
    assumed.map_or_else(Line::new, |reason| {
        Line::new().foreign(&reason.short(), Role::Plain)
    })
}
