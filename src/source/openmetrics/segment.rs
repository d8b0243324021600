//! Consecutive samples of one series in a few numbers that can be joined, and their increase.

/// As much of consecutive samples of one series as `increase`, `count_over_time` and
/// `sum_over_time` need. A sample alone is one; two that follow each other join to one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Segment {
    /// How many samples.
    pub(super) count: u32,
    /// When the first was taken, in Unix milliseconds.
    pub(super) first_at: i64,
    /// The first.
    pub(super) first: f64,
    /// When the last was taken, in Unix milliseconds.
    pub(super) last_at: i64,
    /// The last.
    pub(super) last: f64,
    /// What a counter grew by from the first to the last, its resets allowed for.
    pub(super) increase: f64,
    /// The sum of all.
    pub(super) sum: f64,
}

impl Segment {
    /// One sample.
    pub(super) fn of(at: i64, value: f64) -> Self {
        Self {
            count: 1,
            first_at: at,
            first: value,
            last_at: at,
            last: value,
            increase: 0.0,
            sum: value,
        }
    }

    /// Both, `self` being the earlier. What a counter grew by between them counts, however long
    /// nobody looked; one that fell began again from zero.
    pub(super) fn then(self, later: Self) -> Self {
        let step = if later.first < self.last {
            later.first
        } else {
            later.first - self.last
        };
        Self {
            count: self.count.saturating_add(later.count),
            last_at: later.last_at,
            last: later.last,
            increase: self.increase + step + later.increase,
            sum: self.sum + later.sum,
            ..self
        }
    }

    /// False when a sample among them was NaN or infinite: then nothing can be said of their sum,
    /// nor of what a counter grew by.
    pub(super) fn is_number(&self) -> bool {
        self.sum.is_finite()
    }

    /// What Prometheus' `increase` says of these samples over `start..=end`, in Unix milliseconds;
    /// `None` for fewer than two.
    ///
    /// The first sample is no increase, whatever it is. The increase is extrapolated to the ends of
    /// the range where samples are as near to them as to each other, and by half a step where they
    /// are not; never to before the counter was zero. This is `extrapolatedRate` of Prometheus'
    /// `promql/functions.go`.
    #[expect(clippy::cast_precision_loss, reason = "spans stay far below 2^52 ms")]
    pub(super) fn increase_over(&self, start: i64, end: i64) -> Option<f64> {
        let sampled = (self.last_at - self.first_at) as f64;
        if self.count < 2 || sampled <= 0.0 {
            return None;
        }
        let step = sampled / f64::from(self.count - 1);
        let near = step * 1.1;
        let reach = |gap: i64| {
            let gap = gap.max(0) as f64;
            if gap < near { gap } else { step / 2.0 }
        };
        let mut before = reach(self.first_at - start);
        if self.increase > 0.0 && self.first >= 0.0 {
            before = before.min(sampled * (self.first / self.increase));
        }
        let after = reach(end - self.last_at);
        Some(self.increase * (sampled + before + after) / sampled)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn joined(samples: &[(i64, f64)]) -> Segment {
        let samples = samples.iter().map(|&(at, value)| Segment::of(at, value));
        samples.reduce(Segment::then).unwrap()
    }

    fn assert_close(found: Option<f64>, wanted: f64) {
        let found = found.unwrap();
        assert!((found - wanted).abs() < 1e-9, "{found} for {wanted}");
    }

    #[test]
    fn one_sample_is_no_increase_and_a_reset_counts_from_zero() {
        assert_eq!(Segment::of(0, 7.0).increase_over(0, 60_000), None);
        let reset = joined(&[(0, 100.0), (15_000, 110.0), (30_000, 4.0), (45_000, 6.0)]);
        assert_close(reset.increase_over(0, 45_000), 16.0);
    }

    #[test]
    fn an_increase_is_extrapolated_as_prometheus_does() {
        let grown = joined(&[(10_000, 100.0), (20_000, 110.0), (30_000, 120.0)]);
        // Both ends are near: the whole range.
        assert_close(grown.increase_over(0, 40_000), 40.0);
        // Both are far: half a step each.
        assert_close(grown.increase_over(-60_000, 100_000), 30.0);
        // Born at 5: no further back than to zero.
        let born = joined(&[(10_000, 5.0), (20_000, 15.0)]);
        assert_close(born.increase_over(0, 20_000), 15.0);
    }

    #[test]
    fn what_grew_while_nobody_looked_counts() {
        let gap = joined(&[(0, 0.0), (15_000, 10.0), (600_000, 400.0), (615_000, 410.0)]);
        assert_close(gap.increase_over(0, 615_000), 410.0);
    }

    proptest! {
        #[test]
        fn joining_is_the_same_wherever_it_is_cut(
            values in prop::collection::vec(0_u32..1000, 2..40),
            cut in 1_usize..39,
        ) {
            let samples: Vec<_> = (0..)
                .zip(values)
                .map(|(index, value)| (index * 1000, f64::from(value)))
                .collect();
            let cut = cut.min(samples.len() - 1);
            let (front, back) = samples.split_at(cut);
            prop_assert_eq!(joined(front).then(joined(back)), joined(&samples));
        }
    }
}
