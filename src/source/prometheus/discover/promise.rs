//! One objective and one period of several that are recorded: the one that the alerts use, or none.

use super::objective;
use crate::domain::Window;
use crate::domain::slo::rounded;
use crate::source::prometheus::plan::Doubt;

/// What is promised, as far as it is certain.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Promise<T> {
    pub(super) value: T,
    /// Why another value may be the right one; then nothing can be judged by it.
    pub(super) doubt: Option<Doubt>,
}

/// The objective of an SLO, of what is recorded of it and what its alerts compare with. `None` where
/// neither says one. An alert that fires by another objective than the one shown would contradict it,
/// so theirs holds; several of theirs, or several records without alerts, are a doubt.
pub(super) fn settle_objective(
    recorded: impl IntoIterator<Item = f64>,
    alerted: impl IntoIterator<Item = f64>,
) -> Option<Promise<f64>> {
    let recorded = distinct(recorded.into_iter().filter_map(objective), is_same);
    let alerted = distinct(alerted.into_iter().filter_map(objective), is_same);
    let of_alerts = |&used: &f64| {
        // What is recorded as a text is exact, and a budget is a difference.
        let mut exact = recorded.iter().copied();
        exact.find(|&one| is_same(one, used)).unwrap_or(used)
    };
    let percent = |&one: &f64| rounded(one * 100.0).to_string();
    Some(match (alerted.as_slice(), recorded.as_slice()) {
        ([], []) => return None,
        ([used], _) => Promise {
            value: of_alerts(used),
            doubt: None,
        },
        ([], [one]) => Promise {
            value: *one,
            doubt: None,
        },
        ([], [first, ..]) => Promise {
            value: *first,
            doubt: Some(doubt(&recorded, ("objectives", "are recorded"), percent)),
        },
        ([first, ..], _) => Promise {
            value: of_alerts(first),
            doubt: Some(doubt(
                &alerted,
                ("objectives", "are in its alerts"),
                percent,
            )),
        },
    })
}

/// The period of an SLO, of what is recorded of it.
pub(super) fn settle_period(recorded: impl IntoIterator<Item = Window>) -> Option<Promise<Window>> {
    let recorded = distinct(recorded, |one, other| one == other);
    let value = *recorded.first()?;
    let is_certain = recorded.len() == 1;
    Some(Promise {
        value,
        doubt: (!is_certain)
            .then(|| doubt(&recorded, ("periods", "are recorded"), Window::to_string)),
    })
}

/// Why a ratio is that of no one definition: several rules record one series and take turns.
pub(super) fn clash(count: usize, record: &str) -> Doubt {
    let words = format!("{count} rules record `{record}` of it, each by another query");
    Doubt::new(count, "rules", words)
}

/// The same up to what a sum of binary fractions leaves.
pub(super) fn is_same(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9
}

/// Each once, the least first.
fn distinct<T: PartialOrd + Copy>(
    all: impl IntoIterator<Item = T>,
    is_same: impl Fn(T, T) -> bool,
) -> Vec<T> {
    let mut found: Vec<T> = Vec::new();
    for one in all {
        if !found.iter().any(|&known| is_same(known, one)) {
            found.push(one);
        }
    }
    found.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    found
}

/// `two objectives are recorded: 99 and 99.9`.
fn doubt<T>(all: &[T], (what, where_from): (&str, &str), word: impl Fn(&T) -> String) -> Doubt {
    let count = match all.len() {
        2 => "two".to_owned(),
        3 => "three".to_owned(),
        count => count.to_string(),
    };
    let words: Vec<_> = all.iter().map(word).collect();
    let listed = match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    };
    let words = format!("{count} {what} {where_from}: {listed}");
    Doubt::new(all.len(), what, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_objective_of_the_alerts_holds_and_several_are_a_doubt() {
        let noise = 1.0 - 0.000_999_999_999_999_943;
        let of_two = "two objectives are recorded: 99 and 99.9";
        let in_alerts = "two objectives are in its alerts: 99 and 99.9";
        for (recorded, alerted, value, doubt) in [
            (&[0.999][..], &[][..], Some(0.999), None),
            // One number, recorded as a text and as a sum.
            (&[0.999, 0.999_000_000_000_000_1], &[], Some(0.999), None),
            (&[0.99, 0.999], &[], Some(0.99), Some(of_two)),
            (&[0.999, 0.99, 0.999], &[], Some(0.99), Some(of_two)),
            (&[0.99, 0.999], &[noise], Some(0.999), None),
            (&[0.99], &[0.999], Some(0.999), None),
            (&[], &[noise, 0.999], Some(0.999), None),
            (&[0.999], &[0.999, 0.99], Some(0.99), Some(in_alerts)),
            (
                &[0.9, 0.99, 0.999],
                &[],
                Some(0.9),
                Some("three objectives are recorded: 90, 99 and 99.9"),
            ),
            (&[1.0, 0.0, f64::NAN], &[], None, None),
            (&[], &[], None, None),
        ] {
            let settled = settle_objective(recorded.iter().copied(), alerted.iter().copied());
            let words = settled
                .as_ref()
                .and_then(|it| it.doubt.as_ref())
                .map(|it| it.words.as_str());
            assert_eq!(words, doubt, "{recorded:?} {alerted:?}");
            let found = settled.map(|it| it.value);
            assert!(
                found
                    .zip(value)
                    .map_or(found == value, |(found, value)| is_same(found, value)),
                "{recorded:?} {alerted:?}: {found:?}"
            );
        }
    }

    #[test]
    fn several_periods_are_a_doubt() {
        let settled = settle_period([Window::days(30), Window::days(28), Window::days(30)]);
        let doubt = settled.and_then(|it| it.doubt).expect("a doubt");
        assert_eq!(doubt.words, "two periods are recorded: 28d and 30d");
        assert_eq!(doubt.several, "2 periods");
        let settled = settle_period([Window::days(30), Window::days(30)]);
        assert_eq!(
            settled.map(|it| (it.value, it.doubt)),
            Some((Window::days(30), None))
        );
        assert_eq!(settle_period([]), None);
    }
}
