//! Whether errors rose by more than chance, of events that come in bursts.
//!
//! Two shares of bad events are compared by a normal approximation whose variance is that of counted
//! events times a dispersion. The dispersion is the largest of three: that of the steps before the
//! release, that of stretches as long as the time after it, and that of the steps after it but the worst.
//! Each is the mean square of the differences of neighbours, so that a level that changes once does not count
//! as noise (von Neumann 1941, "Distribution of the ratio of the mean square successive difference to
//! the variance").

use crate::domain::Events;

/// One-sided 0.05 % quantile of the normal distribution, for the one test of a release.
pub(super) const STRICT: f64 = 3.29;
/// One-sided 0.5 % quantile, for the same hour of the day before.
pub(super) const DAILY: f64 = 2.576;
/// One-sided 5 % quantile, for what has to be so as well.
pub(super) const RECENT: f64 = 1.645;
/// The fewest differences that a dispersion is estimated from.
const LEAST_DIFFERENCES: usize = 4;

/// How much more shares vary than counted events alone would, and how well that is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// 1 or more.
    pub dispersion: f64,
    /// How many differences of neighbours it was estimated from.
    pub differences: usize,
}

impl Noise {
    /// That of counted events alone.
    pub(super) const NONE: Self = Self {
        dispersion: 1.0,
        differences: usize::MAX,
    };

    /// The larger one.
    pub(super) fn or(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.dispersion > self.dispersion => other,
            _ => self,
        }
    }

    /// How many standard deviations are more than chance: Student's t, by its expansion in the degrees
    /// of freedom (Abramowitz and Stegun 26.7.5).
    fn quantile(self, normal: f64) -> f64 {
        let freedom = self.differences as f64;
        normal * (1.0 + (normal * normal + 1.0) / (4.0 * freedom))
    }
}

/// The noise of stretches of `length` steps. `None` where they are too few to tell.
pub(super) fn noise(steps: &[Option<Events>], length: usize) -> Option<Noise> {
    let stretches = steps.chunks(length.max(1));
    let sums: Vec<_> = stretches
        .filter(|stretch| stretch.len() == length.max(1))
        .map(super::minutes::tally)
        // A stretch of which half is missing varies by that.
        .filter(|tally| tally.known * 2 > tally.of && tally.events.total > 0.0)
        .map(|tally| tally.events)
        .collect();
    if sums.len() <= LEAST_DIFFERENCES {
        return None;
    }
    let (bad, total) = sums.iter().fold((0.0, 0.0), |(bad, total), sum| {
        (bad + sum.bad, total + sum.total)
    });
    let share = bad / total;
    let variance = share * (1.0 - share);
    if variance <= 0.0 {
        return None;
    }
    let squares = sums.windows(2).map(|pair| {
        let (one, other) = (pair[0], pair[1]);
        let difference = one.bad / one.total - other.bad / other.total;
        difference * difference / (variance * (1.0 / one.total + 1.0 / other.total))
    });
    let differences = sums.len() - 1;
    Some(Noise {
        dispersion: (squares.sum::<f64>() / differences as f64).max(1.0),
        differences,
    })
}

/// Two shares of bad events, compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rise {
    /// By how many standard deviations the second one is higher; negative where it is lower.
    pub deviations: f64,
    /// How many of them are more than chance.
    pub needed: f64,
}

impl Rise {
    /// Compares the shares of two stretches. `None` where one has no event.
    pub(super) fn between(
        before: Events,
        after: Events,
        noise: Noise,
        quantile: f64,
    ) -> Option<Self> {
        if before.total <= 0.0 || after.total <= 0.0 {
            return None;
        }
        let needed = noise.quantile(quantile);
        let share = (before.bad + after.bad) / (before.total + after.total);
        let each = 1.0 / before.total + 1.0 / after.total;
        let deviation = (share * (1.0 - share) * each * noise.dispersion).sqrt();
        let difference = after.bad / after.total - before.bad / before.total;
        // Without any bad event, or any good one, nothing differs.
        let deviations = if deviation > 0.0 {
            difference / deviation
        } else {
            0.0
        };
        Some(Self { deviations, needed })
    }

    /// True where the second share is higher by more than chance.
    pub fn is_beyond_chance(self) -> bool {
        self.deviations > self.needed
    }
}

/// True where a share is above a fixed one by more than chance.
pub(super) fn is_above(events: Events, share: f64, noise: Noise) -> bool {
    if events.total <= 0.0 {
        return false;
    }
    let variance = share * (1.0 - share).max(0.0) * noise.dispersion / events.total;
    let difference = events.bad / events.total - share;
    difference > 0.0 && difference > noise.quantile(STRICT) * variance.sqrt()
}
