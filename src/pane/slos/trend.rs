//! The recent past of one SLO: the small curve of its row, and the chart of its detail.

use jiff::{SignedDuration, Timestamp};

use crate::domain::Observation;
use crate::pane::block::Curve;
use crate::pane::cell::Cell;
use crate::pane::{Sight, burn, figures, related};
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

/// The small curve of a row: the highest burn in each stretch of time. It ends at the moment of the
/// observation, and is empty there when nothing is known of late.
///
/// The stretches stand on round times, so that a new point moves nothing but the end of the curve.
pub(super) fn spark(seen: &Observation, cells: usize) -> Cell {
    let (Some(first), Some(last)) = (seen.course().next(), seen.course().next_back()) else {
        return Cell::Empty;
    };
    let top = top(seen);
    let newest = last.at.max(seen.at);
    let span = newest.as_second() - first.at.as_second();
    let count = i64::try_from(cells).unwrap_or(1).max(1);
    let minutes = (span / 60 / count + 1).max(1);
    let slot = |at: Timestamp| at.as_second().div_euclid(minutes * 60);
    let end = slot(newest);
    let mut highest: Vec<Option<f64>> = vec![None; cells];
    for point in seen.course() {
        let back = usize::try_from(end - slot(point.at)).unwrap_or(usize::MAX);
        let Some(place) = cells.checked_sub(back.saturating_add(1)) else {
            continue;
        };
        let burn = seen.slo.burn_rate(point.ratio);
        highest[place] = Some(highest[place].map_or(burn, |old| old.max(burn)));
    }
    let levels = burn::levels(&seen.slo);
    let value = |burn: f64| (figures::elevation(burn, top), burn::role_at(&levels, burn));
    Cell::Spark(highest.into_iter().map(|burn| burn.map(value)).collect())
}

/// The chart of a detail: burn over the shortest window, the factors of the rules, and releases.
pub(in crate::pane) fn curve(sight: Sight<'_>, seen: &Observation) -> Option<Curve> {
    curve_of(sight, seen, SignedDuration::MAX)
}

/// The same of so much of the time until the newest point.
pub(super) fn curve_of(
    sight: Sight<'_>,
    seen: &Observation,
    time: SignedDuration,
) -> Option<Curve> {
    let (first, last) = (seen.course().next()?, seen.course().next_back()?);
    let moments: Vec<_> = seen.course().map(|point| point.at.as_second()).collect();
    let burns = seen.course().map(|point| {
        let burn = seen.slo.burn_rate(point.ratio);
        (point.at.as_second(), Some(burn))
    });
    let end = last.at.as_second();
    let begin = end.saturating_sub(time.as_secs()).max(first.at.as_second());
    let span = (begin, end);
    Some(Curve {
        span,
        points: burn::gapped(burns, 2 * burn::usual_step(&moments)),
        levels: burn::levels(&seen.slo),
        events: releases(sight, seen, span),
        ticks: burn::ticks(sight, span),
        uprights: Vec::new(),
    })
}

/// The releases of the service within a time, oldest first.
pub(super) fn releases(
    sight: Sight<'_>,
    seen: &Observation,
    span: (i64, i64),
) -> Vec<(i64, Shown)> {
    let releases = related::releases(sight, &seen.slo.service).into_iter();
    let dated = releases
        .filter_map(|(_, release)| Some((release.dated()?.as_second(), release.version.shown())));
    let mut within: Vec<_> = dated
        .filter(|(at, _)| (span.0..=span.1).contains(at))
        .collect();
    within.reverse();
    within
}

/// The window the history speaks of, in words.
pub(super) fn window_word(seen: &Observation) -> String {
    let shortest = seen.slo.windows().first().copied();
    shortest.map(figures::lead).unwrap_or_default()
}
