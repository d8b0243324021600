//! Series that are read once for two questions: what failed is mostly a part of what is counted.
//!
//! `sum by (s) (increase(x{code=~"5..",s=~"a|b"}[1h]))` selects some of the series that the same
//! query without `code` selects. Asked as `sum by (s, code) (increase(x{s=~"a|b"}[1h]))`, one answer
//! holds both: the whole is the sum of its rows, the part that of those whose `code` matches. The
//! server reads no series twice.

use std::collections::{BTreeSet, HashMap};

use promql_parser::label::Matcher;
use promql_parser::parser::token::T_SUM;
use promql_parser::parser::{AggregateExpr, Expr, LabelModifier};
use promql_parser::util::visitor::{ExprVisitorMut, walk_expr_mut};

use super::batch::Expression;
use super::regroup::{Kind, regrouped};
use super::shape::selector;
use crate::source::prometheus::api::Labels;

#[cfg(test)]
mod tests;

/// What is asked with more rows than it needs, for the parts that are among them.
#[derive(Clone, Debug)]
pub(super) struct Nest {
    pub(super) by: Label,
    /// How many of the expression's leaves, the first of them, ask for the whole.
    pub(super) whole: usize,
    pub(super) parts: Vec<Part>,
}

/// The label that tells parts apart, of one metric.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Label {
    metric: String,
    name: String,
}

/// One of the parts.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// What it asks, by index.
    pub(super) leaves: Vec<usize>,
    /// What the label has to match.
    matchers: Vec<Matcher>,
    /// Leaves by the values that tell them apart, as in [`Expression`].
    owners: HashMap<String, Vec<usize>>,
}

impl Part {
    fn holds(&self, value: &str) -> bool {
        self.matchers.iter().all(|matcher| matcher.is_match(value))
    }
}

impl Nest {
    /// The leaves of parts that a row of the answer belongs to; `key` tells apart whose it is.
    pub(super) fn owners(&self, labels: &Labels, key: &str) -> impl Iterator<Item = usize> {
        let value = labels.get(&self.by.name).unwrap_or_default();
        let parts = self.parts.iter().filter(|part| part.holds(value));
        let owners = parts.filter_map(|part| part.owners.get(key));
        owners.flatten().copied()
    }
}

/// An expression that selects some of what another selects.
struct Inner {
    by: Label,
    matchers: Vec<Matcher>,
    /// The query that selects all of it.
    whole: String,
}

/// Takes those that are parts of others into these. Only such of one class can be; `apart` names
/// the labels that have too many values for it.
pub(super) fn nested(
    mut expressions: Vec<Expression>,
    apart: &dyn Fn(u64, &Label) -> bool,
) -> Vec<Expression> {
    let key = |one: &Expression, text| (one.class, one.by.clone(), one.added.clone(), text);
    let all = expressions.iter().enumerate();
    let places = all.map(|(place, one)| (key(one, one.text.clone()), place));
    let places: HashMap<_, _> = places.collect();
    let mut taken = BTreeSet::new();
    for part in 0..expressions.len() {
        let one = &expressions[part];
        if one.nest.is_some() {
            continue;
        }
        let found = inners(one).into_iter().find_map(|inner| {
            let whole = *places.get(&key(one, inner.whole.clone()))?;
            let is_free = !taken.contains(&whole) && expressions[whole].can_hold(&inner.by);
            (is_free && !apart(one.class, &inner.by)).then_some((whole, inner))
        });
        if let Some((whole, inner)) = found {
            let owners = std::mem::take(&mut expressions[part].owners);
            let leaves = std::mem::take(&mut expressions[part].leaves);
            expressions[whole].hold(inner, owners, leaves);
            taken.insert(part);
        }
    }
    let all = expressions.into_iter().enumerate();
    let kept = all.filter(|(place, _)| !taken.contains(place));
    kept.map(|(_, one)| one).collect()
}

impl Expression {
    /// True when its rows can be told apart by a label.
    fn can_hold(&self, by: &Label) -> bool {
        match &self.nest {
            Some(nest) => nest.by == *by,
            None => self
                .tree
                .as_ref()
                .is_some_and(|tree| summed(tree).is_some()),
        }
    }

    fn hold(&mut self, inner: Inner, owners: HashMap<String, Vec<usize>>, leaves: Vec<usize>) {
        let whole = self.leaves.len();
        self.leaves.extend(&leaves);
        let nest = self.nest.get_or_insert_with(|| {
            if let Some(Expr::Aggregate(sum)) = self.tree.as_deref_mut() {
                add(sum, &inner.by.name);
                self.text = sum.to_string();
            }
            self.added.push(inner.by.name.clone());
            Nest {
                by: inner.by,
                whole,
                parts: Vec::new(),
            }
        });
        nest.parts.push(Part {
            leaves,
            matchers: inner.matchers,
            owners,
        });
    }
}

/// Has a sum keep one more label.
fn add(sum: &mut AggregateExpr, label: &str) {
    if let Some(LabelModifier::Include(labels)) = &mut sum.modifier {
        labels.labels.push(label.to_owned());
    }
}

/// The labels that an expression keeps, when each of its rows is a sum over series that are treated
/// by themselves.
fn summed(tree: &Expr) -> Option<&[String]> {
    let Expr::Aggregate(sum) = tree else {
        return None;
    };
    let Some(LabelModifier::Include(labels)) = &sum.modifier else {
        return None;
    };
    let is_sum = sum.op.id() == T_SUM && sum.param.is_none();
    let is_of_series = is_sum && regrouped(&mut sum.expr.clone(), &[]) == Some(Kind::Series);
    is_of_series.then_some(&labels.labels)
}

/// What an expression may be a part of: for each label that it matches, all of that label's values.
fn inners(one: &Expression) -> Vec<Inner> {
    let Some((tree, kept)) = one
        .tree
        .as_ref()
        .and_then(|tree| Some((tree, summed(tree)?)))
    else {
        return Vec::new();
    };
    let mut all = Strip::default();
    let Ok(_) = walk_expr_mut(&mut all, &mut tree.clone());
    let [metric] = &*all.metrics else {
        return Vec::new();
    };
    // What is made one over a label cannot be told apart by it.
    let is_whole =
        |name: &String| regrouped(&mut (**tree).clone(), std::slice::from_ref(name)).is_some();
    let labels = all.names.iter();
    let labels = labels.filter(|name| !kept.contains(name) && is_whole(name));
    labels
        .map(|name| {
            let mut rest = tree.clone();
            let mut strip = Strip {
                label: Some(name),
                ..Strip::default()
            };
            let Ok(_) = walk_expr_mut(&mut strip, &mut rest);
            Inner {
                by: Label {
                    metric: metric.clone(),
                    name: name.clone(),
                },
                matchers: strip.stripped,
                whole: rest.to_string(),
            }
        })
        .collect()
}

/// Takes the matchers of a label out of every selector.
#[derive(Default)]
struct Strip<'a> {
    label: Option<&'a str>,
    stripped: Vec<Matcher>,
    /// The metric of each selector.
    metrics: Vec<String>,
    /// The labels that are matched.
    names: BTreeSet<String>,
}

impl ExprVisitorMut for Strip<'_> {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expr: &mut Expr) -> Result<bool, Self::Error> {
        if let Some(selector) = selector(expr) {
            self.metrics.push(selector.name.clone().unwrap_or_default());
            let all = std::mem::take(&mut selector.matchers.matchers);
            let (stripped, rest) = all
                .into_iter()
                .partition(|matcher| self.label == Some(&*matcher.name));
            self.stripped = stripped;
            self.names.extend(names(&rest));
            selector.matchers.matchers = rest;
        }
        Ok(true)
    }
}

fn names(matchers: &[Matcher]) -> impl Iterator<Item = String> {
    let names = matchers.iter().map(|matcher| matcher.name.clone());
    names.filter(|name| name != "__name__")
}
