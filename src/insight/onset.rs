//! When the present burn began.
//!
//! Three steps. [`segments`](super::segments) cuts the past into stretches of one level each. From
//! the last stretch that burns as fast as the firing rule says, what belongs to the same burn is
//! followed back: as high, on the way up, or a pause too short to end it. Around the beginning of
//! that, [`fit`](super::fit) finds the likeliest moment of a step or a ramp, as the slices' width
//! smears it, and the interval of moments that are nearly as likely.

use jiff::{SignedDuration, Timestamp};

use super::fit::{Fit, fit};
use super::minutes;
use super::segments::{Segment, segments};
use super::strand::Strand;
use crate::domain::slo::Course;

/// A pause that is no longer than this does not end a burn: errors that come and go are one burn.
const PAUSE: f64 = 25.0;
/// A stretch at half the height or more is part of the burn.
const HIGH: f64 = 0.5;
/// One at this share of its height may be on the way up.
const RISING: f64 = 0.1;
/// A stretch on the way up that lasted longer than this, in minutes, was a state of its own.
const WAY_UP: f64 = 25.0;
/// How much calm before the burn is read, in minutes.
const CALM: f64 = 150.0;
/// How many times higher than the calm before it a burn has to be.
const TIMES: f64 = 1.3;
/// Log-likelihood ratio below which there was no rise that could be told from noise.
const LEAST_EVIDENCE: f64 = 3.0;

/// A share below this is none.
const NONE: f64 = 1e-8;

/// When the present burn began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Onset {
    /// The likeliest moment.
    pub at: Timestamp,
    /// The earliest and the latest believable one: a 95 % interval, as far as noise is noise.
    pub earliest: Timestamp,
    /// See `earliest`.
    pub latest: Timestamp,
    /// Error ratio before.
    pub before: f64,
    /// Error ratio since, while it burns.
    pub after: f64,
    /// How long the rise took: zero for one at once, hours for a leak.
    pub rise: SignedDuration,
    /// How much likelier a rise is than none, as a logarithm.
    pub evidence: f64,
}

impl Onset {
    /// The same burn seen again: it keeps the moment that it was known by for as long as that is
    /// believable.
    #[must_use]
    pub fn kept_from(self, before: &Self) -> Self {
        let is_believable = before.at >= self.earliest && before.at <= self.latest;
        if is_believable {
            Self {
                at: before.at,
                ..self
            }
        } else {
            self
        }
    }
}

/// When the burn began that has an error ratio above `burning`, from the finest course that reaches
/// back before it. `None` where none shows a beginning.
pub fn onset(courses: &[Course], burning: f64) -> Option<Onset> {
    let mut doubtful = None;
    for course in courses {
        match of(course, burning) {
            Some((onset, true)) => return Some(onset),
            Some((onset, false)) => doubtful = doubtful.or(Some(onset)),
            None => {}
        }
    }
    doubtful
}

/// The onset that a course shows, and whether it shows enough calm before to be sure that it is no
/// more than the end of a pause.
fn of(course: &Course, burning: f64) -> Option<(Onset, bool)> {
    let strand = Strand::of(course)?;
    let all = segments(&strand);
    let core = core(&all, burning)?;
    let base = base(&all[..core])?;
    if all[core].level <= base * TIMES {
        return None;
    }
    let start = follow(&all, core, base);
    let calm = calm(&all, start, base)?;
    let peak = peak(&all, start, core, base);
    let knots = &strand.knots;
    let begins = knots[all[start].first].at;
    let reach = strand.width + 6.0 * strand.step;
    let low = (begins - reach).max(knots[calm].at - strand.width);
    // Noise may have cut the first minutes off, or a gap lies before them.
    let before_gap = all[start]
        .first
        .checked_sub(1)
        .map_or(low, |one| knots[one].at - strand.width);
    let fitted = fit(
        &strand,
        (calm, all[peak].end),
        (low.min(before_gap), begins + 3.0 * strand.step),
        (base, all[peak].level),
    )?;
    if fitted.evidence < LEAST_EVIDENCE || fitted.after <= fitted.before * TIMES {
        return None;
    }
    let is_new = minutes(course.from, course.slices.first()?.at) > strand.width + 5.0 * strand.step;
    let is_sure = is_new || fitted.at - knots[calm].at > PAUSE;
    Some((told(&strand, &fitted, &all[start..=peak]), is_sure))
}

/// The last stretch that burns as fast as the rule wants it; else the highest that comes near.
fn core(all: &[Segment], burning: f64) -> Option<usize> {
    let last = all.iter().rposition(|one| one.level >= burning * 0.9);
    last.or_else(|| {
        let near = all
            .iter()
            .enumerate()
            .filter(|(_, one)| one.level >= burning * 0.4);
        let highest = near.max_by(|(_, a), (_, b)| a.level.total_cmp(&b.level));
        highest.map(|(place, _)| place)
    })
}

/// The level of calm: what a quarter of the time before stays below.
fn base(before: &[Segment]) -> Option<f64> {
    let mut levels: Vec<_> = before.iter().map(|one| (one.level, one.length)).collect();
    levels.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let all: f64 = levels.iter().map(|(_, length)| length).sum();
    let mut passed = 0.0;
    for (level, length) in levels {
        passed += length;
        if passed >= all * 0.25 {
            return Some(level);
        }
    }
    None
}

/// Where, as a share, a level stands between calm and a height.
fn height(level: f64, base: f64, top: f64) -> f64 {
    (level - base) / (top - base).max(f64::MIN_POSITIVE)
}

/// The first stretch of the burn that `core` is part of.
fn follow(all: &[Segment], core: usize, base: f64) -> usize {
    let mut start = core;
    let mut pause = 0.0;
    let mut joined = all[core].length;
    for place in (0..core).rev() {
        let one = &all[place];
        let height = height(one.level, base, all[core].level);
        let adjoins = pause <= 0.0;
        if height >= HIGH {
            // As high, and the pause behind it was short enough.
            start = place;
            joined += one.length + pause;
            pause = 0.0;
        } else if height >= RISING && adjoins && one.length <= WAY_UP.max(1.5 * joined) {
            start = place;
            joined += one.length;
        } else {
            pause += one.length;
            if pause > PAUSE {
                break;
            }
        }
    }
    start
}

/// The first slice of the calm before a burn: what is not high, and near enough to compare with.
fn calm(all: &[Segment], start: usize, base: f64) -> Option<usize> {
    let mut first = None;
    let mut length = 0.0;
    for one in all[..start].iter().rev() {
        if first.is_some() && (height(one.level, base, all[start].level) >= HIGH || length > CALM) {
            break;
        }
        first = Some(one.first);
        length += one.length;
    }
    first
}

/// The highest stretch of the first rise: what comes after a pause is none of its matter.
fn peak(all: &[Segment], start: usize, core: usize, base: f64) -> usize {
    let mut peak = start;
    for place in start..=core {
        if height(all[place].level, base, all[core].level) < RISING {
            break;
        }
        if all[place].level > all[peak].level {
            peak = place;
        }
    }
    peak
}

fn told(strand: &Strand, fitted: &Fit, burn: &[Segment]) -> Onset {
    // What is shown as "since" leaves the way up out.
    let top = burn.last().map_or(fitted.after, |one| one.level);
    // Of the first moments of a burn, a slice holds too little to tell how high it is.
    let known = strand.knots.last().map_or(0.0, |knot| knot.at - fitted.at);
    let after = if known > strand.width {
        fitted.after.max(top).min(1.0)
    } else {
        top
    };
    // What was counted has happened: no onset lies behind the newest slice.
    let newest = strand.knots.last().map_or(fitted.at, |knot| knot.at);
    let at = fitted.at.min(newest);
    Onset {
        at: strand.moment(at),
        earliest: strand.moment(fitted.earliest.min(at)),
        latest: strand.moment(fitted.latest.min(newest).max(at)),
        before: if fitted.before < NONE {
            0.0
        } else {
            fitted.before
        },
        after,
        rise: SignedDuration::from_secs_f64(fitted.ramp * 60.0),
        evidence: fitted.evidence,
    }
}
