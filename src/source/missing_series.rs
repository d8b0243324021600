//! The reasons of values whose series are missing, or assumed to be 0.

use crate::domain::{Period, Reason, ReasonCode};

/// No series of a metric has a label that `role` names: `bad` or `good`. `is_ours` says that the
/// configuration defines the SLO.
pub(super) fn label(role: &str, label: &str, metric: &str, is_ours: bool) -> Reason {
    let advice = if is_ours {
        ", or write `absent = \"zero\"` if it comes with the first failure"
    } else {
        ""
    };
    let text = format!(
        "no series of `{metric}` has the label `{label}` that `{role}` names: correct the selector{advice}"
    );
    Reason::new(ReasonCode::MissingLabel, label, text)
}

/// A metric exists nowhere within the period.
pub(super) fn assumed(role: &str, metric: &str, period: Period, is_ours: bool) -> Reason {
    let advice = if is_ours {
        "; `absent = \"zero\"` says that this is right"
    } else {
        ""
    };
    let text = format!(
        "no metric was named `{metric}` within {period}: 0 {role} events are assumed{advice}"
    );
    Reason::new(ReasonCode::AssumedZero, metric, text)
}

/// No bucket of a metric has a bound, as its matcher says it.
pub(super) fn bound(metric: &str, le: &str) -> Reason {
    let text = format!(
        "no bucket of `{metric}` is {le}: `watchfire doctor` lists those that exist; choose one of them"
    );
    Reason::new(ReasonCode::MissingValue, le, text)
}
