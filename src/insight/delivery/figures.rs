//! Medians and quantiles.

/// The median: the mean of the two in the middle where there are two.
pub fn median(sorted: &[f64]) -> Option<f64> {
    quantile(sorted, 0.5)
}

/// A quantile of sorted numbers, by linear interpolation between the two that it lies between.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places in a list, far below 2^52"
)]
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    let part = place - place.floor();
    Some(sorted[below] + (sorted[above] - sorted[below]) * part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_between_its_neighbours() {
        for (numbers, share, want) in [
            (&[][..], 0.5, None),
            (&[7.0], 0.5, Some(7.0)),
            (&[7.0], 0.9, Some(7.0)),
            (&[4.0, 5.0], 0.5, Some(4.5)),
            (&[1.0, 2.0, 3.0, 4.0, 5.0], 0.9, Some(4.6)),
            (&[1.0, 2.0, 3.0], 1.0, Some(3.0)),
        ] {
            let got = quantile(numbers, share);
            let is_near = |(got, want): (f64, f64)| (got - want).abs() < 1e-9;
            assert!(
                got.is_none() && want.is_none() || got.zip(want).is_some_and(is_near),
                "{numbers:?} {share}: {got:?}"
            );
        }
    }
}
