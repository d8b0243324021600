//! Good and bad the wrong way round: a bucket of a histogram among the bad events.

use super::super::plan::{Formula, Plan};
use super::super::promql;
use super::selector::Selector;
use crate::config::Part;
use crate::domain::{Finding, Grade, Window};

/// Remarks on bad events that are those of a bucket: they were fast.
pub(super) fn examine(plan: &Plan) -> Option<Finding> {
    let limit = bad(plan).and_then(|query| bucket_alone(&query))?;
    Some(
        Finding::new(
            Grade::Warning,
            "latency",
            format!("it counts the events of at most {limit} as bad, and the slower ones as good"),
        )
        .because("a bucket holds what was as fast as its limit: if slow is bad, it is the wrong way round")
        .advise("count the bucket as `good`, or take it from all events for the bad ones"),
    )
}

/// The query for the bad events of the SLO, or of the rule that records it.
fn bad(plan: &Plan) -> Option<String> {
    let formula = match (&plan.rule, plan.asked.first_key_value()) {
        (Some(rule), _) => rule.over(Window::hours(1))?,
        (None, formula) => formula?.1.clone(),
    };
    match formula {
        Formula::Events(ratio) => match ratio.part {
            Part::Bad(query) => Some(query),
            Part::Good(_) => None,
        },
        Formula::Direct { .. } | Formula::Weighted(_) => None,
    }
}

/// The limit of the one bucket that a query counts and nothing else.
fn bucket_alone(query: &str) -> Option<String> {
    let selectors = Selector::all_of(query);
    let [selector] = selectors.as_slice() else {
        return None;
    };
    let is_bucket = selector
        .name()
        .is_some_and(|name| name.ends_with("_bucket"));
    let mut matchers = selector.matchers();
    let limit = matchers.find(|matcher| matcher.name == "le" && is_bucket)?;
    // Whole numbers are asked for in each of their spellings.
    let value = limit.value.split('|').next().unwrap_or_default();
    let is_finite = value.parse::<f64>().is_ok_and(f64::is_finite);
    (is_finite && promql::is_sum(query)).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_alone_is_what_was_fast() {
        for (query, limit) in [
            ("sum(increase(x_bucket{le=\"0.3\"}[5m]))", Some("0.3")),
            ("sum(rate(x_bucket{le=~\"1|1\\\\.0\"}[5m]))", Some("1")),
            ("(sum by (a) (rate(x_bucket{le=\"0.3\"}[5m])))", Some("0.3")),
            (
                "sum(rate(x_count[5m])) - sum(rate(x_bucket{le=\"0.3\"}[5m]))",
                None,
            ),
            ("1 - sum(rate(x_bucket{le=\"0.3\"}[5m]))", None),
            ("sum(rate(x_bucket{le=\"+Inf\"}[5m]))", None),
            ("sum(rate(x_total{le=\"0.3\"}[5m]))", None),
        ] {
            assert_eq!(bucket_alone(query).as_deref(), limit, "{query}");
        }
    }
}
