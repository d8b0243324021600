//! A curve scaled to its place: columns for times, heights for burn rates.

use super::screen::Chart;
use crate::pane::block::Curve;
use crate::pane::{Role, burn, figures};
use crate::text::Shown;

/// Columns of the labels at a chart's left.
const AXIS: u16 = 6;
/// A plot with fewer columns shows nothing.
const NARROWEST: u16 = 8;

/// The chart of a curve in so many columns, its labels included, and so many lines of plot; `None`
/// where that is too little.
pub(super) fn scaled(curve: &Curve, width: u16, height: u16) -> Option<Chart> {
    let columns = width.checked_sub(AXIS)?;
    if columns < NARROWEST {
        return None;
    }
    let scale = Scale::new(curve, columns);
    let top = curve.top();
    let level = |(level, role): &(f64, Role)| {
        let label = Shown::new(format!("{}x", figures::factor(*level)));
        (figures::elevation(*level, top), label, *role)
    };
    let uprights = curve.uprights.iter();
    let uprights = uprights.filter_map(|(at, what)| Some((scale.column(*at)?, *what)));
    Some(Chart {
        label_width: AXIS,
        width: columns,
        height,
        curve: scale.heights(curve, top),
        roles: scale.roles(curve),
        levels: curve.levels.iter().map(level).collect(),
        events: scale.place(&curve.events),
        ticks: scale.place(&curve.ticks),
        uprights: uprights.collect(),
    })
}

/// A curve in one line: the highest of each column, and what it means.
pub(super) fn flat(curve: &Curve, columns: u16) -> Vec<Option<(f64, Role)>> {
    let scale = Scale::new(curve, columns);
    let heights = scale.heights(curve, curve.top());
    let columns = heights.chunks(2);
    let highest = columns.map(|pair| pair.iter().copied().flatten().reduce(f64::max));
    let roles = scale.roles(curve).into_iter();
    highest
        .zip(roles)
        .map(|(height, role)| Some((height?, role)))
        .collect()
}

/// Seconds to columns.
struct Scale {
    from: i64,
    span: i64,
    columns: u16,
}

impl Scale {
    fn new(curve: &Curve, columns: u16) -> Self {
        let (from, to) = curve.span;
        Self {
            from,
            span: to.saturating_sub(from).max(1),
            columns,
        }
    }

    /// Which of `count` equal stretches a moment lies in.
    fn stretch(&self, at: i64, count: u16) -> Option<usize> {
        let since = at.checked_sub(self.from).filter(|since| *since >= 0)?;
        let offset = since.checked_mul(i64::from(count))? / (self.span + 1);
        let offset = usize::try_from(offset).ok()?;
        (offset < usize::from(count)).then_some(offset)
    }

    fn column(&self, at: i64) -> Option<u16> {
        u16::try_from(self.stretch(at, self.columns)?).ok()
    }

    /// The highest burn in each half column, a line between points, and nothing in a gap.
    fn heights(&self, curve: &Curve, top: f64) -> Vec<Option<f64>> {
        let count = self.columns.saturating_mul(2);
        let mut heights: Vec<Option<f64>> = vec![None; usize::from(count)];
        let mut last: Option<(usize, f64)> = None;
        for (at, burn) in &curve.points {
            let (Some(place), Some(burn)) = (self.stretch(*at, count), burn) else {
                last = None;
                continue;
            };
            let here = figures::elevation(*burn, top);
            heights[place] = Some(heights[place].map_or(here, |old| old.max(here)));
            if let Some((from, there)) = last {
                let gap = heights.iter_mut().enumerate().take(place).skip(from + 1);
                for (between, height) in gap {
                    let share = fraction(between - from, place - from);
                    *height = Some(there + (here - there) * share);
                }
            }
            last = Some((place, here));
        }
        heights
    }

    /// What the highest burn of each column means.
    fn roles(&self, curve: &Curve) -> Vec<Role> {
        let mut highest = vec![0.0_f64; usize::from(self.columns)];
        for (at, burn) in &curve.points {
            if let (Some(place), Some(burn)) = (self.stretch(*at, self.columns), burn) {
                highest[place] = highest[place].max(*burn);
            }
        }
        let role = |burn: f64| burn::role_at(&curve.levels, burn);
        highest.into_iter().map(role).collect()
    }

    fn place(&self, moments: &[(i64, Shown)]) -> Vec<(u16, Shown)> {
        let moments = moments.iter();
        moments
            .filter_map(|(at, name)| Some((self.column(*at)?, name.clone())))
            .collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "columns of a terminal")]
fn fraction(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}
