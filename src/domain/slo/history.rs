//! The recent past of an error ratio, kept small: a screen may have charts by the ten thousand.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

/// What stands for a moment without a ratio.
const GAP: f32 = -1.0;

/// One past value of the shortest window's error ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When.
    pub at: Timestamp,
    /// Bad over all, then.
    pub ratio: f64,
}

/// Past ratios at even steps of time, oldest first, with gaps.
///
/// Moments are kept to the second and ratios to 24 bits: more than a chart can show. What is kept
/// is shared by its copies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The moment of the first, in Unix seconds.
    start: i64,
    /// How far two of them are apart, in seconds.
    step: u32,
    ratios: Arc<[f32]>,
}

impl History {
    /// Ratios from `start` on, each `step` after the one before; one that is no number is a gap.
    pub fn on_grid(
        start: Timestamp,
        step: SignedDuration,
        ratios: impl IntoIterator<Item = f32>,
    ) -> Self {
        let step = u32::try_from(step.as_secs()).unwrap_or(u32::MAX).max(1);
        let told = |ratio: f32| {
            if ratio.is_nan() || ratio < 0.0 {
                GAP
            } else {
                ratio.min(f32::MAX)
            }
        };
        let ratios = ratios.into_iter().map(told).collect();
        let start = start.as_second();
        Self {
            start,
            step,
            ratios,
        }
    }

    /// Each known ratio with its moment, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Point> + Clone {
        self.ratios
            .iter()
            .enumerate()
            .filter_map(|(place, &ratio)| {
                let after = i64::from(self.step) * i64::try_from(place).ok()?;
                let at = Timestamp::from_second(self.start + after).ok()?;
                let ratio = f64::from(ratio);
                (ratio >= 0.0).then_some(Point { at, ratio })
            })
    }

    /// The newest.
    pub fn last(&self) -> Option<Point> {
        self.iter().next_back()
    }

    /// True when nothing is known of the past.
    pub fn is_empty(&self) -> bool {
        self.last().is_none()
    }
}

/// Of points that are oldest first: each is put on the widest grid that has all of them.
impl FromIterator<Point> for History {
    fn from_iter<T: IntoIterator<Item = Point>>(points: T) -> Self {
        let points: Vec<_> = points
            .into_iter()
            .map(|point| (point.at.as_second(), point.ratio))
            .collect();
        let Some(&(start, _)) = points.first() else {
            return Self::default();
        };
        let after = |at: i64| u32::try_from(at - start).ok();
        let step = points
            .iter()
            .filter_map(|&(at, _)| after(at))
            .fold(0, common_divisor)
            .max(1);
        let mut ratios = Vec::new();
        for (at, ratio) in points {
            let place = after(at).and_then(|after| usize::try_from(after / step).ok());
            if let Some(place) = place {
                if ratios.len() <= place {
                    ratios.resize(place + 1, f32::NAN);
                }
                ratios[place] = narrowed(ratio);
            }
        }
        let step = SignedDuration::from_secs(i64::from(step));
        let start = Timestamp::from_second(start).unwrap_or_default();
        Self::on_grid(start, step, ratios)
    }
}

/// A ratio as precisely as a [`History`] keeps it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a chart has fewer digits still"
)]
pub fn narrowed(ratio: f64) -> f32 {
    ratio as f32
}

fn common_divisor(one: u32, other: u32) -> u32 {
    let (mut one, mut other) = (one, other);
    while other > 0 {
        (one, other) = (other, one % other);
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(second: i64, ratio: f64) -> Point {
        let at = Timestamp::from_second(1_795_356_000 + second).expect("a moment");
        Point { at, ratio }
    }

    #[test]
    fn a_history_gives_back_the_points_it_was_made_of() {
        for moments in [
            &[][..],
            &[0],
            &[0, 180, 360],
            &[0, 180, 720],
            &[7, 60, 61, 10_800],
        ] {
            let points: Vec<_> = moments.iter().map(|&at| point(at, 0.25)).collect();
            let kept: History = points.iter().copied().collect();
            assert_eq!(kept.iter().collect::<Vec<_>>(), points);
            assert_eq!(kept.last(), points.last().copied());
            assert_eq!(kept.is_empty(), points.is_empty());
            let backwards: Vec<_> = kept.iter().rev().collect();
            assert!(backwards.iter().rev().eq(&points));
        }
    }

    #[test]
    fn a_moment_without_a_ratio_is_a_gap_and_a_ratio_is_near_what_it_was() {
        let ratios = [0.001, f64::NAN, f64::INFINITY, 0.0, 1.0 / 3.0];
        let step = SignedDuration::from_mins(3);
        let kept = History::on_grid(point(0, 0.0).at, step, ratios.map(narrowed));
        assert_eq!(kept, kept.clone());
        let told: Vec<_> = kept.iter().collect();
        let moments: Vec<_> = told.iter().map(|it| it.at).collect();
        assert_eq!(moments, [0, 360, 540, 720].map(|at| point(at, 0.0).at));
        assert!((told[0].ratio - 0.001).abs() < 1e-9);
        assert!(told[1].ratio.is_finite());
        assert!((told[3].ratio - 1.0 / 3.0).abs() < 1e-7);
    }
}
