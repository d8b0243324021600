//! Targets that are not scraped: what they count now is in no window.

use super::{Answers, Series, Subject, value};
use crate::domain::{Reason, ReasonCode};

/// Counts the targets that the server does not reach.
pub(super) const PROBE: &str = "count(up == 0)";

/// The labels that `up` has of a target, on a server or on a store of several.
const TARGET: &str = "job,instance,cluster,prometheus";
/// A target that is down has no series now. It is one of the SLO's if it had some one of these times
/// ago.
const BEFORE: [&str; 4] = ["5m", "1h", "6h", "1d"];

/// How many of the targets of an SLO are down, and how many it has.
pub(super) fn questions(subject: &Subject) -> [String; 2] {
    let total = &subject.total;
    let before: Vec<_> = BEFORE
        .iter()
        .map(|before| format!("({total} offset {before})"))
        .collect();
    let targets = format!("count by ({TARGET}) ({total} or {})", before.join(" or "));
    [
        format!("count((up == 0) and on ({TARGET}) {targets})"),
        format!("count({targets})"),
    ]
}

/// Why an SLO counts less than it should, by the answers to its [`questions`], the first at `place`.
pub(super) fn reason(answers: &Answers<Series>, place: usize) -> Option<Reason> {
    let down = value(answers, place).filter(|&down| down > 0.0)?;
    let all = value(answers, place + 1)?.max(down);
    let targets = if all < 2.0 { "target" } else { "targets" };
    let text = format!(
        "{down} of {all} {targets} cannot be scraped (`up` is 0): events counted there are missing \
         until it can be scraped again. Look at the server's /targets page"
    );
    Some(Reason::new(
        ReasonCode::TargetsDown,
        format!("{down} of {all}"),
        text,
    ))
}
