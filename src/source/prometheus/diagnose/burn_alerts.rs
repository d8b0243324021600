//! Hand-written alerts on burn rates that could not be read as SLOs, one finding a reason.

use std::collections::BTreeMap;

use crate::domain::{Finding, Grade};
use crate::source::prometheus::discover::{Lack, Rules};

/// How many alerts of one reason are named.
const MAX_NAMED: usize = 20;

/// Names every alert that could not be read.
pub(super) fn examine(rules: &Rules) -> Vec<Finding> {
    let mut by_reason: BTreeMap<Lack, Vec<String>> = BTreeMap::new();
    for unread in &rules.alerts.unread {
        let alert = unread.alert.clone();
        by_reason.entry(unread.lack).or_default().push(alert);
    }
    let finding = |(lack, alerts): (Lack, Vec<String>)| {
        let what = match alerts.as_slice() {
            [one] => format!(
                "the burn-rate alert `{one}` is not read as an SLO: {}",
                lack.words()
            ),
            many => format!(
                "{} burn-rate alerts are not read as SLOs: {}: {}",
                many.len(),
                many[..many.len().min(MAX_NAMED)].join(", "),
                lack.words()
            ),
        };
        Finding::new(Grade::Warning, "alerts", what)
            .because("what it watches is not on the screen")
            .advise(
                "write it as `ratio[1h] > factor * (1 - objective) and ratio[5m] > …`, or add a `[[slo]]` of the same events",
            )
    };
    by_reason.into_iter().map(finding).collect()
}
