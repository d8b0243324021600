//! The charts of an SLO's detail: its burn rate over the shown time, and the budget over its period.

use jiff::SignedDuration;

use super::{budget, trend};
use crate::domain::past::PastEvents;
use crate::domain::{Fault, Observation, window};
use crate::pane::block::{Block, Curve, Detail};
use crate::pane::cell::{Line, Role};
use crate::pane::{Charts, Sight, burn, figures, fire};
use crate::store::Feed;

/// Less than this share of the budget is little.
const LOW: f64 = 0.25;

/// Adds both, as far as the past is known.
pub(super) fn charts(sight: Sight<'_>, feed: &Feed, seen: &Observation, detail: &mut Detail) {
    burn_rate(sight, feed, seen, detail);
    burn_down(sight, feed, seen, detail);
}

fn burn_rate(sight: Sight<'_>, feed: &Feed, seen: &Observation, detail: &mut Detail) {
    let time = sight.charts.shown(seen);
    let past = Some(time).filter(|time| Charts::is_beyond_polls(*time));
    let past = past.map(|time| sight.charts.past(&feed.name, &seen.slo.id(), time));
    let (curve, over) = match past {
        Some(Some(Ok(past))) => (of_past(sight, seen, past), window::brief(past.steps.step())),
        None => (trend::curve_of(sight, seen, time), trend::window_word(seen)),
        Some(_) => (trend::curve(sight, seen), trend::window_word(seen)),
    };
    let Some(curve) = curve else { return };
    let (from, to) = curve.span;
    let last = window::brief(SignedDuration::from_secs(rounded(to - from)));
    detail.blocks.push(Block::Gap);
    let mut title = Line::of(format!("burn rate ({over} window)"), Role::Title)
        .text(format!(", last {last}, log scale"), Role::Dim);
    title = match past {
        Some(None) => title.text(format!("   asking for {}", window::brief(time)), Role::Dim),
        Some(Some(Err(_))) => title.text(
            format!("   {} not known", window::brief(time)),
            Role::Unknown,
        ),
        _ => title,
    };
    let peak = fire::peak(sight, Some(&curve));
    if !peak.is_empty() {
        title = title.text("   ", Role::Dim).join(peak);
    }
    if !curve.events.is_empty() {
        title = title.text("   ▲ release", Role::Accent);
    }
    detail.line(title);
    detail.blocks.push(Block::Chart(curve));
    if let Some(Some(Err(fault))) = past {
        detail
            .blocks
            .push(Block::Prose(fault.message.shown(), Role::Unknown));
    }
}

/// Seconds in whole ten minutes, as a chart that ends at its newest point is somewhat shorter than what was
/// asked for.
fn rounded(seconds: i64) -> i64 {
    const GRAIN: i64 = 600;
    if seconds < 3 * GRAIN {
        return seconds;
    }
    (seconds + GRAIN / 2) / GRAIN * GRAIN
}

/// The burn rate of each step of the past.
fn of_past(sight: Sight<'_>, seen: &Observation, past: &PastEvents) -> Option<Curve> {
    let steps = past.steps;
    let points = past.events.iter().enumerate().map(|(number, events)| {
        let ratio = events.filter(|events| events.total > 0.0);
        let ratio = ratio.map(|events| (events.bad / events.total).clamp(0.0, 1.0));
        (
            steps.end(number).as_second(),
            ratio.map(|ratio| seen.slo.burn_rate(ratio)),
        )
    });
    let points: Vec<_> = points.collect();
    points.iter().any(|(_, burn)| burn.is_some()).then(|| {
        let span = (steps.from().as_second(), steps.until().as_second());
        Curve {
            span,
            points,
            levels: burn::levels(&seen.slo),
            events: trend::releases(sight, seen, span),
            ticks: burn::ticks(sight, span),
            uprights: Vec::new(),
        }
    })
}

/// The budget left after each step of the period so far.
fn burn_down(sight: Sight<'_>, feed: &Feed, seen: &Observation, detail: &mut Detail) {
    let period = figures::period(seen.slo.period);
    let past = sight
        .charts
        .past(&feed.name, &seen.slo.id(), seen.period_elapsed);
    match past {
        None => {}
        Some(Err(fault)) => not_known(&period, fault, detail),
        Some(Ok(past)) => {
            let left = left_after_steps(seen, past);
            // The end is the number of the first lines: the course is older by up to a step.
            let end = seen.standing().budget_remaining;
            if end.is_none() || left.iter().all(Option::is_none) {
                return;
            }
            detail.blocks.push(Block::Gap);
            let course = format!(", from 100% to {}", budget(seen, end));
            detail.line(
                Line::of(format!("budget over {period}"), Role::Title).text(course, Role::Dim),
            );
            let role = |left: f64| if left < LOW { Role::Ticket } else { Role::Dim };
            let values = left
                .into_iter()
                .map(|left| left.map(|left| (left.clamp(0.0, 1.0), role(left))));
            detail.blocks.push(Block::Strip(values.collect()));
        }
    }
}

fn not_known(period: &str, fault: &Fault, detail: &mut Detail) {
    detail.blocks.push(Block::Gap);
    detail.line(
        Line::of(format!("budget over {period}"), Role::Title).text(" not known", Role::Unknown),
    );
    detail
        .blocks
        .push(Block::Prose(fault.message.shown(), Role::Unknown));
}

/// The share of the budget that is left after each step; `None` after one of which nothing is known.
///
/// The budget is what the events of the whole time allow, as the budget of a rolling period is.
fn left_after_steps(seen: &Observation, past: &PastEvents) -> Vec<Option<f64>> {
    let total: f64 = past
        .events
        .iter()
        .flatten()
        .map(|events| events.total)
        .sum();
    let allowed = total * seen.slo.error_budget();
    let mut bad = 0.0;
    let left = past.events.iter().map(|events| {
        bad += events.as_ref()?.bad;
        (allowed > 0.0).then(|| 1.0 - bad / allowed)
    });
    left.collect()
}
