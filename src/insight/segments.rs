//! Where a strand changes: optimal partitioning of binomial counts with a penalty for each change.
//!
//! The cost of a stretch is the negative log-likelihood of one share of bad events in all of it, and
//! that of a change the Bayesian information criterion's (Jackson et al., "An algorithm for optimal
//! partitioning of data on an interval", 2005; Killick et al., "Optimal detection of changepoints
//! with a linear computational cost", 2012). A few hundred slices need no pruning.

use super::strand::Strand;

/// Log-likelihood that a change must gain for each natural logarithm of the number of slices: a
/// change has a place and a level, two parameters at half a logarithm, and some for their choice.
const PRICE: f64 = 1.4;

/// A stretch in which the share of bad events is about the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    /// The first slice, and the one behind the last.
    pub(super) first: usize,
    pub(super) end: usize,
    /// Share of bad events.
    pub(super) level: f64,
    /// Minutes.
    pub(super) length: f64,
}

/// The stretches of a strand, oldest first.
pub(super) fn segments(strand: &Strand) -> Vec<Segment> {
    let knots = &strand.knots;
    let count = knots.len();
    let mut sums = Vec::with_capacity(count + 1);
    let (mut bad, mut total) = (0.0, 0.0);
    sums.push((bad, total));
    for knot in knots {
        bad += knot.bad;
        total += knot.total;
        sums.push((bad, total));
    }
    let within = |first: usize, end: usize| {
        let (bad, total) = (sums[end].0 - sums[first].0, sums[end].1 - sums[first].1);
        (bad.max(0.0), total)
    };
    let price = PRICE * (count as f64).ln();
    // The least cost of all slices before each, and where the last stretch of it begins.
    let mut best = vec![(0.0_f64, 0_usize); count + 1];
    best[0].0 = -price;
    for end in 1..=count {
        let mut least = (f64::INFINITY, 0);
        for (first, (before, _)) in best[..end].iter().enumerate() {
            let (bad, total) = within(first, end);
            let cost = before + strand.trust * cost(bad, total) + price;
            if cost < least.0 {
                least = (cost, first);
            }
        }
        best[end] = least;
    }
    let mut found = Vec::new();
    let mut end = count;
    while end > 0 {
        let first = best[end].1;
        let (bad, total) = within(first, end);
        found.push(Segment {
            first,
            end,
            level: bad / total,
            length: knots[end - 1].at - knots[first].at + strand.step,
        });
        end = first;
    }
    found.reverse();
    found
}

/// The negative log-likelihood of so many bad events at their own share.
fn cost(bad: f64, total: f64) -> f64 {
    let good = (total - bad).max(0.0);
    let part = |events: f64| {
        if events > 0.0 {
            events * (events / total).ln()
        } else {
            0.0
        }
    };
    -(part(bad) + part(good))
}
