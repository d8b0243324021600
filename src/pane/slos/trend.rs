//! The recent past of one SLO: the small curve of its row, and the chart of its detail.

use jiff::Timestamp;

use crate::domain::{Assessment, Observation, Phase, Severity, State};
use crate::pane::block::Curve;
use crate::pane::cell::{Cell, Role};
use crate::pane::{Sight, figures, related};
use crate::text::Shown;

/// The top of an SLO's scale: its highest factor, or its highest burn when that is more.
fn top(seen: &Observation) -> f64 {
    let factors = seen.slo.rules.iter().map(|rule| rule.factor);
    let burns = seen.course().map(|point| seen.slo.burn_rate(point.ratio));
    factors
        .chain(burns)
        .filter(|value| value.is_finite())
        .fold(1.0, f64::max)
}

/// The small curve of a row: the highest burn in each stretch of time.
///
/// The stretches stand on round times, so that a new point moves nothing but the end of the curve.
pub(super) fn spark(seen: &Observation, verdict: &Assessment, cells: usize) -> Cell {
    let (Some(first), Some(last)) = (seen.course().next(), seen.course().next_back()) else {
        return Cell::Empty;
    };
    let top = top(seen);
    let span = last.at.as_second() - first.at.as_second();
    let count = i64::try_from(cells).unwrap_or(1).max(1);
    let minutes = (span / 60 / count + 1).max(1);
    let slot = |at: Timestamp| at.as_second().div_euclid(minutes * 60);
    let end = slot(last.at);
    let mut values = vec![None; cells];
    for point in seen.course() {
        let back = usize::try_from(end - slot(point.at)).unwrap_or(usize::MAX);
        let Some(place) = cells.checked_sub(back.saturating_add(1)) else {
            continue;
        };
        let value = figures::elevation(seen.slo.burn_rate(point.ratio), top);
        let old: Option<f64> = values[place];
        values[place] = Some(old.map_or(value, |old| old.max(value)));
    }
    let role = match (verdict.state, verdict.phase) {
        (State::Page, Some(Phase::Burning)) => Role::Page,
        (State::Ticket, Some(Phase::Burning)) => Role::Ticket,
        (State::Ok, Some(Phase::Calm)) => Role::Dim,
        _ => Role::Plain,
    };
    Cell::Spark(values, role)
}

/// The chart of a detail: burn over the shortest window, the factors of the rules, and releases.
pub(super) fn curve(sight: Sight<'_>, seen: &Observation) -> Option<Curve> {
    let (first, last) = (seen.course().next()?, seen.course().next_back()?);
    let burns = seen
        .course()
        .map(|point| (point.at.as_second(), seen.slo.burn_rate(point.ratio)));
    let mut levels = vec![(1.0, Role::Dim)];
    for rule in &seen.slo.rules {
        let role = match rule.severity {
            Severity::Page => Role::Page,
            Severity::Ticket | Severity::Info => Role::Ticket,
        };
        if !levels
            .iter()
            .any(|(factor, _)| is_near(*factor, rule.factor))
        {
            levels.push((rule.factor, role));
        }
    }
    levels.sort_by(|(left, _), (right, _)| left.total_cmp(right));
    let (from, to) = (first.at.as_second(), last.at.as_second());
    let mut events: Vec<_> = related::releases(sight, &seen.slo.service)
        .into_iter()
        .filter_map(|(_, release)| Some((release.dated()?.as_second(), release.version.shown())))
        .filter(|(at, _)| (from..=to).contains(at))
        .collect();
    events.reverse();
    Some(Curve {
        points: burns.collect(),
        levels,
        events,
        ticks: ticks(sight, from, to),
    })
}

/// Levels closer than a tenth would draw on one line.
fn is_near(left: f64, right: f64) -> bool {
    (left - right).abs() < 0.1 * left.max(right)
}

/// Round times between two moments: four to eight of them.
fn ticks(sight: Sight<'_>, from: i64, to: i64) -> Vec<(i64, Shown)> {
    const STEPS: [i64; 9] = [300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400];
    let span = (to - from).max(1);
    let step = STEPS.into_iter().find(|step| span / step <= 7);
    let step = step.unwrap_or(span / 7 + 1);
    let mut ticks = Vec::new();
    let mut at = (from.div_euclid(step) + 1) * step;
    while at <= to && ticks.len() < 8 {
        if let Ok(moment) = Timestamp::from_second(at) {
            let local = moment.to_zoned(sight.zone.clone());
            let form = if step >= 86_400 { "%b %d" } else { "%H:%M" };
            ticks.push((at, Shown::new(local.strftime(form).to_string())));
        }
        at += step;
    }
    ticks
}

/// Since when the shortest window has burned above the factor of the rule that fires.
pub(super) fn burning_since(seen: &Observation, verdict: &Assessment) -> Option<(Timestamp, f64)> {
    let firing = verdict.rules.iter().find(|row| row.firing == Some(true))?;
    let rule = firing.rule;
    let run = seen.course().rev();
    let above = run.take_while(|point| rule.is_exceeded_by(seen.slo.burn_rate(point.ratio)));
    Some((above.last()?.at, rule.factor))
}

/// The window the history speaks of, in words.
pub(super) fn window_word(seen: &Observation) -> String {
    let shortest = seen.slo.windows().first().copied();
    shortest.map(figures::lead).unwrap_or_default()
}
