//! Burn over time as a curve: what it is measured against, where it has gaps, which times are named.

use jiff::Timestamp;

use super::Sight;
use super::block::Curve;
use super::cell::Role;
use crate::domain::{Severity, Slo};
use crate::text::Shown;

/// One point of a curve: seconds since the epoch, and the burn rate; `None` where nothing is known
/// until the next.
pub type Point = (i64, Option<f64>);

/// The factors of an SLO's rules and 1x, lowest first, each with what is above it.
pub(super) fn levels(slo: &Slo) -> Vec<(f64, Role)> {
    let mut levels = vec![(1.0, Role::Dim)];
    for rule in slo.rules.iter() {
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
    levels
}

/// What a burn rate means beside these levels: dim below 1x, plain above it, else the severity of the
/// highest factor that it exceeds.
pub fn role_at(levels: &[(f64, Role)], burn: f64) -> Role {
    let exceeded = levels.iter().rev().find(|(level, _)| burn > *level);
    match exceeded {
        None => Role::Dim,
        Some((_, Role::Dim)) => Role::Plain,
        Some((_, role)) => *role,
    }
}

/// Levels closer than a tenth would draw on one line.
fn is_near(left: f64, right: f64) -> bool {
    (left - right).abs() < 0.1 * left.max(right)
}

/// Points, oldest first, with a gap told wherever two of them are further apart than `bridge`
/// seconds.
pub(super) fn gapped(points: impl IntoIterator<Item = Point>, bridge: i64) -> Vec<Point> {
    let mut told: Vec<Point> = Vec::new();
    for (at, burn) in points {
        if let Some((then, Some(_))) = told.last()
            && at - then > bridge
        {
            told.push((then + 1, None));
        }
        told.push((at, burn));
    }
    told
}

/// The time that usually lies between two points.
pub(super) fn usual_step(moments: &[i64]) -> i64 {
    let mut steps: Vec<_> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
    steps.sort_unstable();
    steps.get(steps.len() / 2).copied().unwrap_or(60)
}

/// Round times between two moments: four to eight of them.
pub(super) fn ticks(sight: Sight<'_>, (from, to): (i64, i64)) -> Vec<(i64, Shown)> {
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

impl Curve {
    /// The curve as something that was true once.
    pub fn fade(&mut self) {
        for (_, role) in &mut self.levels {
            *role = Role::Old;
        }
    }

    /// The highest burn, or the highest level when that is more: the top of a scale.
    pub fn top(&self) -> f64 {
        let (from, to) = self.span;
        let burns = self.points.iter();
        let burns = burns
            .filter(|(at, _)| (from..=to).contains(at))
            .filter_map(|(_, burn)| *burn);
        let levels = self.levels.iter().map(|(level, _)| *level * 1.3);
        burns.chain(levels).fold(1.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_was_sampled_there_is_a_gap_and_never_a_line() {
        let points = [0, 60, 120, 600, 660].map(|at| (at, Some(1.0)));
        assert_eq!(
            gapped(points, 120),
            [
                (0, Some(1.0)),
                (60, Some(1.0)),
                (120, Some(1.0)),
                (121, None),
                (600, Some(1.0)),
                (660, Some(1.0)),
            ]
        );
        assert_eq!(usual_step(&[0, 60, 120, 600, 660]), 60);
        assert_eq!(gapped([(0, None), (900, Some(1.0))], 60).len(), 2);
    }
}
