//! The shape of a query: all of it but the values of its `=` matchers.
//!
//! Queries of one shape can be asked as one. `sum(increase(x{slo="a"}[5m]))` and the same of `b`
//! become `sum by (slo) (increase(x{slo=~"a|b"}[5m]))`, whose answer has a series for each. That is
//! right only where every part of the query treats the series of one value apart from those of any
//! other; [`regrouped`] knows the parts of `PromQL` that do, and everything else has no shape.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::token::T_EQL_REGEX;
use promql_parser::parser::{self, Expr, VectorSelector};
use promql_parser::util::unquote_string;
use promql_parser::util::visitor::{ExprVisitorMut, walk_expr_mut};

use super::regroup::{Kind, regrouped};
use crate::source::prometheus::promql;

/// A query cut at the values of its `=` matchers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cut {
    /// The query with the number of each value in its place; it is PromQL itself.
    pub(super) skeleton: String,
    /// The values, as they are meant.
    pub(super) values: Vec<String>,
}

/// Stands for a value in a skeleton: a character of private use and the number of the value.
struct Slot(usize);

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\u{e000}{}", self.0)
    }
}

impl Slot {
    /// The number of the value that a matcher's value stands for.
    fn of(matcher: &Matcher) -> Option<usize> {
        match matcher.op {
            MatchOp::Equal => matcher.value.strip_prefix('\u{e000}')?.parse().ok(),
            _ => None,
        }
    }
}

/// Cuts a query; `None` for one with a string that servers might read in another way.
pub(super) fn cut(query: &str) -> Option<Cut> {
    let mut skeleton = String::with_capacity(query.len());
    let mut values = Vec::new();
    for piece in promql::pieces(query) {
        if !piece.is_value {
            skeleton.push_str(piece.text);
            continue;
        }
        if !is_plain(piece.text) {
            return None;
        }
        let slot = Slot(values.len()).to_string();
        skeleton.extend(["\"", &slot, "\""]);
        values.push(unquote_string(piece.text).ok()?);
    }
    Some(Cut { skeleton, values })
}

/// True for a string without escapes of bytes and code points, which not every server reads alike.
fn is_plain(string: &str) -> bool {
    let mut chars = string.chars();
    while let Some(char) = chars.next() {
        if char == '\\' && !string.starts_with('`') {
            let escaped = chars.next();
            if !escaped.is_some_and(|char| "\\\"'ntr".contains(char)) {
                return false;
            }
        }
    }
    true
}

/// A label by whose values queries of a shape may differ.
#[derive(Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) label: String,
    /// Where its value stands: once in every selector.
    slots: Vec<usize>,
}

/// A shape whose queries can be asked as one.
#[derive(Debug)]
pub(super) struct Shape {
    /// The skeleton, parsed.
    expr: Expr,
    /// The labels by which its queries may differ.
    pub(super) candidates: Vec<Candidate>,
    /// The labels that a query of this shape answers with.
    schema: BTreeSet<String>,
}

/// One query for several values.
#[derive(Debug, PartialEq)]
pub(super) struct Merged {
    pub(super) tree: Expr,
    /// Labels of its answer that none of the queries themselves would have.
    pub(super) added: Vec<String>,
}

impl Shape {
    /// The shape of a skeleton; `None` when its queries cannot be told apart in one answer.
    pub(super) fn of(skeleton: &str) -> Option<Self> {
        let mut selectors = Selectors(Vec::new());
        let mut expr = parser::parse(skeleton).ok()?;
        let Ok(_) = walk_expr_mut(&mut selectors, &mut expr);
        // What is sent is printed from the tree: it must read back as the same.
        if parser::parse(&expr.to_string()).ok()? != expr {
            return None;
        }
        let mut common: Option<BTreeMap<String, Vec<usize>>> = None;
        for selector in selectors.0 {
            let mut own = selector?;
            common = Some(match common {
                None => own,
                Some(mut common) => {
                    common.retain(|label, slots| {
                        own.remove(label).map(|more| slots.extend(more)).is_some()
                    });
                    common
                }
            });
        }
        let candidates: Vec<_> = common?
            .into_iter()
            .map(|(label, slots)| Candidate { label, slots })
            .collect();
        let labels: Vec<_> = candidates.iter().map(|one| one.label.clone()).collect();
        let Kind::Groups(schema) = regrouped(&mut expr.clone(), &labels)? else {
            return None;
        };
        (!candidates.is_empty()).then_some(Self {
            expr,
            candidates,
            schema,
        })
    }

    /// The values by which a query may differ from others, by candidate; `None` where its selectors
    /// do not agree. An empty value selects what has no such label, so it cannot be told by it.
    pub(super) fn free<'a>(&self, values: &'a [String]) -> Vec<Option<&'a str>> {
        self.candidates
            .iter()
            .map(|candidate| {
                let mut own = candidate.slots.iter().map(|&slot| values[slot].as_str());
                let first = own.next().filter(|value| !value.is_empty())?;
                own.all(|value| value == first).then_some(first)
            })
            .collect()
    }

    /// The values that stand in no free slot: queries that are asked as one must share them.
    pub(super) fn fixed<'a>(
        &self,
        values: &'a [String],
        free: &[Option<&str>],
    ) -> Vec<Option<&'a str>> {
        let mut fixed: Vec<_> = values.iter().map(|value| Some(value.as_str())).collect();
        for (candidate, _) in self
            .candidates
            .iter()
            .zip(free)
            .filter(|(_, f)| f.is_some())
        {
            for &slot in &candidate.slots {
                fixed[slot] = None;
            }
        }
        fixed
    }

    /// One query for all of these; `values` are those of any of them, and `varying` gives the values
    /// of each candidate, by index, that differs between them.
    pub(super) fn merged(
        &self,
        values: &[String],
        varying: &BTreeMap<usize, BTreeSet<&str>>,
    ) -> Option<Merged> {
        let mut texts: Vec<(bool, String)> =
            values.iter().map(|value| (false, value.clone())).collect();
        for (&index, values) in varying {
            let any: Vec<_> = values.iter().map(|value| promql::quoted(value)).collect();
            let any = any.join("|");
            for &slot in &self.candidates[index].slots {
                texts[slot] = (true, any.clone());
            }
        }
        let by: Vec<_> = varying
            .keys()
            .map(|&index| self.candidates[index].label.clone())
            .collect();
        let mut expr = self.expr.clone();
        regrouped(&mut expr, &by)?;
        let Matcher { op: any_of, .. } =
            Matcher::new_matcher(T_EQL_REGEX, String::new(), String::new()).ok()?;
        let Ok(_) = walk_expr_mut(&mut Fill { texts, any_of }, &mut expr);
        Some(Merged {
            tree: expr,
            added: by
                .into_iter()
                .filter(|label| !self.schema.contains(label))
                .collect(),
        })
    }
}

/// For each selector its `=` matchers' slots by label; `None` for one that cannot be told.
struct Selectors(Vec<Option<BTreeMap<String, Vec<usize>>>>);

impl ExprVisitorMut for Selectors {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expr: &mut Expr) -> Result<bool, Self::Error> {
        if let Some(selector) = selector(expr) {
            let matchers = &mut selector.matchers;
            // As they are printed.
            matchers.matchers.sort_by_cached_key(ToString::to_string);
            self.0.push(matchers.or_matchers.is_empty().then(|| {
                let mut slots: BTreeMap<String, Vec<usize>> = BTreeMap::new();
                for matcher in &matchers.matchers {
                    if let Some(slot) = Slot::of(matcher).filter(|_| matcher.name != "__name__") {
                        slots.entry(matcher.name.clone()).or_default().push(slot);
                    }
                }
                slots.retain(|_, slots| slots.len() == 1);
                slots
            }));
        }
        Ok(true)
    }
}

/// Puts values into slots: `=` the value, or `=~` any of several.
struct Fill {
    texts: Vec<(bool, String)>,
    any_of: MatchOp,
}

impl ExprVisitorMut for Fill {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expr: &mut Expr) -> Result<bool, Self::Error> {
        if let Some(selector) = selector(expr) {
            for matcher in &mut selector.matchers.matchers {
                if let Some((any, text)) = Slot::of(matcher).and_then(|slot| self.texts.get(slot)) {
                    matcher.value.clone_from(text);
                    if *any {
                        matcher.op = self.any_of.clone();
                    }
                }
            }
        }
        Ok(true)
    }
}

pub(super) fn selector(expr: &mut Expr) -> Option<&mut VectorSelector> {
    match expr {
        Expr::VectorSelector(selector) => Some(selector),
        Expr::MatrixSelector(matrix) => Some(&mut matrix.vs),
        _ => None,
    }
}
