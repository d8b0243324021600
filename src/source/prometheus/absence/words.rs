//! The reasons that empty answers come to.

use promql_parser::label::Matcher;
use promql_parser::parser::VectorSelector;

use crate::domain::{Fault, Reason, ReasonCode};
use crate::source::missing_series;
use crate::source::prometheus::plan::{Plan, Role};
use crate::source::prometheus::promql;
use crate::text::clipped;

/// How many missing operands are named.
const NAMED: usize = 3;

/// An operand of arithmetic has no series.
pub(super) fn operands(role: Role, lost: &[&str]) -> Reason {
    let role = role.word();
    if lost.is_empty() {
        let text = format!(
            "the operands of `{role}` have no series in common, so it has no value: match them with on(…) or ignoring(…)"
        );
        return Reason::new(ReasonCode::MissingOperand, role, text);
    }
    let named: Vec<_> = lost.iter().take(NAMED).map(|one| clipped(one)).collect();
    let more = lost.len().saturating_sub(NAMED);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let text = format!(
        "no series for `{}`{more} in `{role}`: between vectors an empty operand is not 0; write `(… or vector(0))` around it if it is",
        named.join("`, `")
    );
    Reason::new(ReasonCode::MissingOperand, lost[0], text)
}

/// No series of a metric has a label.
pub(super) fn label(role: Role, label: &str, metric: &str, plan: &Plan) -> Reason {
    missing_series::label(role.word(), label, metric, is_ours(plan))
}

/// A metric exists nowhere.
pub(super) fn assumed(role: Role, metric: &str, plan: &Plan) -> Reason {
    missing_series::assumed(role.word(), metric, plan.slo.period, is_ours(plan))
}

fn is_ours(plan: &Plan) -> bool {
    plan.slo.origin.is_queried()
}

/// No bucket has a bound.
pub(super) fn bound(selector: &VectorSelector, le: &Matcher) -> Reason {
    let metric = promql::metric(selector).map_or_else(|| selector.to_string(), str::to_owned);
    missing_series::bound(&metric, &le.to_string())
}

/// A query without series that cannot be read.
pub(super) fn unreadable(role: Role) -> Reason {
    let text = format!(
        "`{}` returns no series, and what it is made of cannot be read",
        role.word()
    );
    Reason::new(ReasonCode::MissingOperand, role.word(), text)
}

/// The server did not tell what exists.
pub(super) fn not_looked_up(what: &str, fault: &Fault) -> Reason {
    let text = format!(
        "whether `{}` exists could not be looked up: {}",
        clipped(what),
        fault.message.raw()
    );
    Reason::new(ReasonCode::Failed(fault.kind), "", text)
}
