//! When a rise began: the likeliest beginning of a step or a ramp from one level to another.

use super::strand::Strand;

/// How long a rise may take, in minutes; 0 is a step.
const RAMPS: [f64; 8] = [0.0, 4.0, 10.0, 25.0, 60.0, 120.0, 240.0, 480.0];
/// Log-likelihood that a ramp has to gain over a step for the one parameter more.
const RAMP_PRICE: f64 = 3.0;
/// How far, as a share of its length, the beginning of a ramp may be from the best one.
const RAMP_SLACK: f64 = 0.03;
/// Rounds of estimating the two levels; they start close to where they end.
const ROUNDS: usize = 4;
/// Half the 95 % quantile of chi-squared with one degree of freedom: how much less likely than the
/// best a beginning may be and still be in its interval.
const LESS_LIKELY: f64 = 1.92;
/// The most slices that a fit reads; more are a matter of coarser slices.
const MOST: usize = 400;

/// A rise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit {
    /// Its beginning, and the earliest and latest that are believable, in minutes.
    pub(super) at: f64,
    pub(super) earliest: f64,
    pub(super) latest: f64,
    /// How long it took, in minutes.
    pub(super) ramp: f64,
    /// Share of bad events before and after.
    pub(super) before: f64,
    pub(super) after: f64,
    /// How much likelier it is than no rise at all, as a log-likelihood ratio.
    pub(super) evidence: f64,
}

/// Fits a rise to slices `first..end`, its beginning between two times; the levels are first
/// guesses.
pub(super) fn fit(
    strand: &Strand,
    (first, end): (usize, usize),
    (from, to): (f64, f64),
    (before, after): (f64, f64),
) -> Option<Fit> {
    let end = end.min(first + MOST);
    let knots = strand.knots.get(first..end)?;
    let rows: Vec<_> = knots
        .iter()
        .map(|knot| (knot.at, knot.bad, knot.total))
        .collect();
    let (bad, total) = rows
        .iter()
        .fold((0.0, 0.0), |(bad, total), row| (bad + row.1, total + row.2));
    if rows.len() < 3 || bad <= 0.0 {
        return None;
    }
    let finest = (strand.step / 2.0).max((to - from) / 100.0);
    let length = rows.last()?.0 - rows.first()?.0;
    let mut tried: Vec<Try> = Vec::new();
    for ramp in RAMPS {
        if ramp > length * 1.5 || (ramp > 0.0 && ramp < strand.step) {
            continue;
        }
        let price = if ramp > 0.0 { RAMP_PRICE } else { 0.0 };
        let pace = finest.max(ramp / 40.0);
        let mut at = from - ramp * 0.7;
        while at <= to {
            let levels = levels(&rows, strand.width, (at, ramp), (before, after));
            tried.push(Try {
                at,
                ramp,
                levels,
                likelihood: likelihood(&rows, strand.width, (at, ramp), levels) * strand.trust
                    - price,
            });
            at += pace;
        }
    }
    let best = *tried
        .iter()
        .max_by(|a, b| a.likelihood.total_cmp(&b.likelihood))?;
    let noise = noise(&rows, strand, &best);
    let rise = |one: &&Try| one.levels.1 > one.levels.0;
    let believable = tried
        .iter()
        .filter(rise)
        .filter(|one| (best.likelihood - one.likelihood) / noise <= LESS_LIKELY);
    let (earliest, latest) = believable.fold((best.at, best.at), |(low, high), one| {
        (low.min(one.at), high.max(one.at))
    });
    // A sample is as old as its scrape, and nobody knows what came between two of them. Of the
    // lengths of a rise only some are tried, each with a beginning of its own.
    let slack = strand.step.max(1.0) + best.ramp * RAMP_SLACK;
    let flat = bad / total;
    let none: f64 = rows.iter().map(|row| poisson(row.1, row.2 * flat)).sum();
    Some(Fit {
        at: best.at,
        earliest: earliest - slack,
        latest: latest + slack,
        ramp: best.ramp,
        before: best.levels.0,
        after: best.levels.1,
        evidence: (best.likelihood - none * strand.trust) / noise,
    })
}

/// One beginning and length, and how likely it makes what was counted.
#[derive(Clone, Copy)]
struct Try {
    at: f64,
    ramp: f64,
    levels: (f64, f64),
    likelihood: f64,
}

/// Which part of a slice's time, by weight, lies behind a rise that begins at `at`: between 0 and 1.
fn share(end: f64, width: f64, (at, ramp): (f64, f64)) -> f64 {
    let area = |time: f64| {
        let since = time - at;
        if since <= 0.0 {
            0.0
        } else if since < ramp {
            since * since / (2.0 * ramp)
        } else {
            since - ramp / 2.0
        }
    };
    ((area(end) - area(end - width)) / width).clamp(0.0, 1.0)
}

/// The likeliest levels before and after: expectation maximisation of a mixture of two.
fn levels(rows: &[(f64, f64, f64)], width: f64, rise: (f64, f64), guess: (f64, f64)) -> (f64, f64) {
    let (mut low, mut high) = (guess.0.max(1e-9), guess.1.max(1e-8));
    for _ in 0..ROUNDS {
        let mut sums = [0.0; 4];
        for &(end, bad, total) in rows {
            let weight = share(end, width, rise);
            let mixed = (low * (1.0 - weight) + high * weight).max(1e-12);
            let each = bad / mixed;
            sums[0] += low * (1.0 - weight) * each;
            sums[1] += (1.0 - weight) * total;
            sums[2] += high * weight * each;
            sums[3] += weight * total;
        }
        if sums[1] > 0.0 {
            low = (sums[0] / sums[1]).max(1e-9);
        }
        if sums[3] > 0.0 {
            high = (sums[2] / sums[3]).max(1e-9);
        }
    }
    (low, high)
}

fn likelihood(
    rows: &[(f64, f64, f64)],
    width: f64,
    rise: (f64, f64),
    (low, high): (f64, f64),
) -> f64 {
    rows.iter()
        .map(|&(end, bad, total)| {
            let weight = share(end, width, rise);
            poisson(bad, total * (low * (1.0 - weight) + high * weight))
        })
        .sum()
}

/// The log-likelihood of so many events where so many are expected, but for a constant.
fn poisson(found: f64, expected: f64) -> f64 {
    let expected = expected.max(1e-9);
    if found > 0.0 {
        found * expected.ln() - expected
    } else {
        -expected
    }
}

/// How much further off the best fit is than counting alone would have it be, at least 1.
fn noise(rows: &[(f64, f64, f64)], strand: &Strand, best: &Try) -> f64 {
    let squares: f64 = rows
        .iter()
        .map(|&(end, bad, total)| {
            let weight = share(end, strand.width, (best.at, best.ramp));
            let expected = total * (best.levels.0 * (1.0 - weight) + best.levels.1 * weight);
            // Where next to nothing is expected, one event is no outlier.
            (bad - expected) * (bad - expected) / expected.max(0.5)
        })
        .sum();
    let known = strand.trust * (strand.width / strand.step).max(1.0);
    (squares / rows.len().max(1) as f64 * known).clamp(1.0, 20.0)
}
