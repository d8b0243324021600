//! Buckets and labels that some targets lack.

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::VectorSelector;

use crate::domain::{Reason, ReasonCode};
use crate::source::target;

/// What some series of all events lack that others have.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Lack {
    /// Series of their target that this selects.
    Series(String),
    /// A label.
    Label(String),
}

impl Lack {
    /// Why some series do not count.
    pub(super) fn reason(&self, without: f64, all: f64) -> Reason {
        match self {
            Self::Series(selector) => Reason::new(
                ReasonCode::Uneven,
                selector.as_str(),
                format!(
                    "{without} of {all} targets have no `{selector}`: the events of the others alone \
                     count. Give all targets the same buckets"
                ),
            ),
            Self::Label(label) => Reason::new(
                ReasonCode::Uneven,
                label.as_str(),
                format!(
                    "{without} of {all} series of all events have no label `{label}`, so none of \
                     theirs can be bad: the events of the others alone count. Give all targets the \
                     same labels"
                ),
            ),
        }
    }
}

/// A bucket that some targets may lack, with the questions for how many do, and how many do not.
pub(super) fn lack_of_bucket(
    total: &VectorSelector,
    good: &VectorSelector,
) -> Vec<(Lack, [String; 2])> {
    let mut buckets = good.matchers.matchers.iter();
    let is_bucket = buckets.any(|matcher| matcher.name == "le" && matcher.op == MatchOp::Equal);
    if !is_bucket {
        return Vec::new();
    }
    let target = target::labels();
    let targets = |selector: &VectorSelector| format!("count by ({target}) ({selector})");
    let (all, with) = (targets(total), targets(good));
    vec![(
        Lack::Series(good.to_string()),
        [
            format!("count({all} unless {with})"),
            format!("count({all} and {with})"),
        ],
    )]
}

/// The labels that a selector names and some series of the whole may lack.
pub(super) fn lack_of_label(
    total: &VectorSelector,
    bad: &VectorSelector,
) -> Vec<(Lack, [String; 2])> {
    if total.name.is_none() || total.name != bad.name {
        return Vec::new();
    }
    let is_named = |name: &str| {
        let mut known = total.matchers.matchers.iter();
        known.any(|matcher| matcher.name == name)
    };
    let mut labels: Vec<&str> = Vec::new();
    for matcher in &bad.matchers.matchers {
        let name = matcher.name.as_str();
        // What accepts the empty value names no label.
        if !is_named(name) && !matcher.is_match("") && !labels.contains(&name) {
            labels.push(name);
        }
    }
    let counted = |label: &str, op: MatchOp| {
        let mut selector = total.clone();
        let matcher = Matcher::new(op, label, "");
        selector.matchers.matchers.push(matcher);
        format!("count({selector})")
    };
    let each = labels.into_iter().map(|label| {
        let questions = [MatchOp::Equal, MatchOp::NotEqual].map(|op| counted(label, op));
        (Lack::Label(label.to_owned()), questions)
    });
    each.collect()
}
