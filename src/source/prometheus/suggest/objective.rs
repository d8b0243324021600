//! The objective that the kept history held.

/// What may be promised, the tightest first.
const OBJECTIVES: [f64; 5] = [0.9999, 0.9995, 0.999, 0.995, 0.99];
/// The share of the budget that must be left.
const LEFT: f64 = 0.2;

/// The tightest objective that was held with a fifth of the budget left.
pub(super) fn tightest(bad: f64, total: f64) -> Option<f64> {
    if total <= 0.0 {
        return None;
    }
    let ratio = bad / total;
    // Decimal fractions are not exact: 20 % left are 20 % left.
    let holds = |objective: &f64| 1.0 - ratio / (1.0 - objective) >= LEFT - 1e-9;
    OBJECTIVES.into_iter().find(holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_the_budget_is_left() {
        for (bad, wanted) in [
            (0.0, Some(0.9999)),
            (8.0, Some(0.9999)),
            (8.1, Some(0.9995)),
            (40.0, Some(0.9995)),
            (41.0, Some(0.999)),
            (80.0, Some(0.999)),
            (81.0, Some(0.995)),
            (400.0, Some(0.995)),
            (800.0, Some(0.99)),
            (801.0, None),
        ] {
            assert_eq!(tightest(bad, 100_000.0), wanted, "{bad}");
        }
        assert_eq!(tightest(0.0, 0.0), None);
    }
}
