//! A course as numbers: minutes, bad events and all events, in units that noise can be judged in.

use jiff::Timestamp;

use crate::domain::slo::Course;

/// Events behind a share where nobody counted and nothing varies: neither few nor many.
const UNCOUNTED: f64 = 300.0;
/// The median of the square of a standard normal variable.
const MEDIAN_SQUARE: f64 = 0.455;

/// One slice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Knot {
    /// Its end, in minutes after the first one's.
    pub(super) at: f64,
    pub(super) bad: f64,
    pub(super) total: f64,
}

/// A course as numbers.
#[derive(Clone, Debug)]
pub(super) struct Strand {
    origin: Timestamp,
    pub(super) knots: Vec<Knot>,
    /// Minutes.
    pub(super) step: f64,
    /// Minutes.
    pub(super) width: f64,
    /// What a log-likelihood that adds slices up has to be multiplied with: slices that overlap say
    /// the same events several times, and real traffic varies more than a coin does.
    pub(super) trust: f64,
}

impl Strand {
    /// That of a course; `None` where it is too short to tell anything.
    pub(super) fn of(course: &Course) -> Option<Self> {
        let origin = course.slices.first()?.at;
        let minutes = |seconds: i64| seconds as f64 / 60.0;
        let mut knots: Vec<_> = course
            .slices
            .iter()
            .map(|slice| Knot {
                at: slice.at.duration_since(origin).as_secs_f64() / 60.0,
                bad: slice.bad.clamp(0.0, slice.total),
                total: slice.total,
            })
            .filter(|knot| knot.total > 0.0 && knot.total.is_finite() && knot.bad.is_finite())
            .collect();
        let (step, width) = (
            minutes(course.step.as_secs()),
            minutes(course.width.as_secs()),
        );
        if knots.len() < 6 || step <= 0.0 {
            return None;
        }
        let lag = (width / step).round().max(1.0) as usize;
        if !course.counted {
            let events = events_behind(&knots, lag);
            for knot in &mut knots {
                knot.bad *= events;
                knot.total = events;
            }
        }
        let overlap = (step / width).min(1.0);
        let trust = overlap / dispersion(&knots, lag);
        Some(Self {
            origin,
            knots,
            step,
            width,
            trust,
        })
    }

    /// The moment so many minutes after the first slice's end.
    pub(super) fn moment(&self, minutes: f64) -> Timestamp {
        let after = jiff::SignedDuration::from_secs_f64((minutes * 60.0).clamp(-1e8, 1e8));
        self.origin.saturating_add(after).unwrap_or(self.origin)
    }

    /// Minutes from the first slice's end to a moment.
    pub(super) fn minutes(&self, at: Timestamp) -> f64 {
        at.duration_since(self.origin).as_secs_f64() / 60.0
    }
}

/// How many events a share that nobody counted speaks of, by how much it varies where it is calm:
/// the variance of a share `p` of `n` events is `p (1 - p) / n`.
fn events_behind(knots: &[Knot], lag: usize) -> f64 {
    let share = |knot: &Knot| knot.bad / knot.total;
    let pairs = knots.iter().zip(knots.iter().skip(lag));
    let ratios = pairs.filter_map(|(a, b)| {
        let (a, b) = (share(a), share(b));
        let mean = f64::midpoint(a, b);
        let square = (a - b) * (a - b) / 2.0;
        (mean > 0.0 && mean < 1.0).then(|| square / (mean * (1.0 - mean)))
    });
    let per_event = median(ratios.collect()) / MEDIAN_SQUARE;
    if per_event > 0.0 {
        (1.0 / per_event).clamp(10.0, 100_000.0)
    } else {
        UNCOUNTED
    }
}

/// How much more neighbours differ than counting alone would have them differ, at least 1. The
/// median leaves out what changes seldom, which is what is looked for.
fn dispersion(knots: &[Knot], lag: usize) -> f64 {
    let pairs = knots.iter().zip(knots.iter().skip(lag));
    let squares = pairs.filter_map(|(a, b)| {
        let share = (a.bad + b.bad) / (a.total + b.total);
        let variance = share * (1.0 - share) * (1.0 / a.total + 1.0 / b.total);
        let difference = a.bad / a.total - b.bad / b.total;
        (variance > 0.0).then(|| difference * difference / variance)
    });
    (median(squares.collect()) / MEDIAN_SQUARE).clamp(1.0, 50.0)
}

/// The middle of them; 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
