//! Whether the traffic itself changed when the burn began: load is no release's fault.

use super::onset::Onset;
use super::strand::Strand;
use crate::domain::slo::Course;

/// Traffic that grew to this or more is a spike.
const SPIKE: f64 = 2.0;
/// Traffic that fell to this or less is a drop.
const DROP: f64 = 0.5;
/// How long before the onset, and how long after it, is compared, in minutes.
const BEFORE: f64 = 25.0;
const AFTER: f64 = 10.0;
/// How many standard deviations of the usual the change has to be.
const UNUSUAL: f64 = 4.0;

/// What became of the traffic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Load {
    /// Nothing unusual, or nobody counted.
    Usual,
    /// So many times as much.
    Spike(f64),
    /// So little of it is left, and whether bad events grew nevertheless.
    Drop(f64, bool),
}

/// How the traffic changed at an onset.
pub(super) fn load(courses: &[Course], onset: &Onset) -> Load {
    let counted = courses.iter().filter(|course| course.counted);
    let reaching = counted
        .filter_map(Strand::of)
        .find(|strand| strand.minutes(onset.at) > 5.0 * strand.step);
    let Some(strand) = reaching else {
        return Load::Usual;
    };
    let begin = strand.minutes(onset.at);
    // What is sudden is looked for: the time in which it began, and a slice's width, are left out.
    let sure = (strand.minutes(onset.latest) - begin).clamp(strand.step, 5.0 * strand.step);
    let unsure = (begin - strand.minutes(onset.earliest)).clamp(strand.step, 5.0 * strand.step);
    let scale = strand.step.max(1.0);
    let rates = |from: f64, to: f64| -> Vec<(f64, f64)> {
        let inside = strand
            .knots
            .iter()
            .filter(|knot| knot.at > from && knot.at <= to);
        inside.map(|knot| (knot.total, knot.bad)).collect()
    };
    let before = rates(begin - unsure - BEFORE * scale, begin - unsure);
    let from = begin + sure + strand.width;
    let after = rates(from, from + AFTER * scale);
    if before.len() < 4 || after.len() < 3 {
        return Load::Usual;
    }
    let mean = |rows: &[(f64, f64)]| {
        let (total, bad) = rows
            .iter()
            .fold((0.0, 0.0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
        (total / rows.len() as f64, bad / rows.len() as f64)
    };
    let ((was, was_bad), (is, is_bad)) = (mean(&before), mean(&after));
    let variance: f64 = before
        .iter()
        .map(|(total, _)| (total - was) * (total - was))
        .sum::<f64>()
        / before.len() as f64;
    let noise = (variance.max(was) / 3.0).sqrt().max(was * 0.02);
    let times = is / was.max(f64::MIN_POSITIVE);
    if (is - was).abs() < UNUSUAL * noise {
        Load::Usual
    } else if times >= SPIKE {
        Load::Spike(times)
    } else if times <= DROP {
        Load::Drop(times, is_bad > 2.0 * was_bad)
    } else {
        Load::Usual
    }
}
