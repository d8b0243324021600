//! The recording rules behind an alert: which one records a series, and what it asks.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{self, Expr, LabelModifier, VectorSelector};
use promql_parser::util::visitor::{ExprVisitorMut, walk_expr_mut};

use super::super::{grafana, pyrra};
use super::threshold;
use crate::source::prometheus::api::{RuleGroups, WireRule};
use crate::source::prometheus::promql;

/// How many rules are put into one another.
const MAX_DEPTH: usize = 5;
/// How many rules may record the series that one selector selects.
const MAX_RULES: usize = 16;

/// The recording rules of a server by what they record.
pub(super) struct RecordingRules<'a> {
    by_name: Arc<HashMap<&'a str, Vec<&'a WireRule>>>,
    depth: usize,
}

impl<'a> RecordingRules<'a> {
    pub(super) fn new(groups: &'a RuleGroups) -> Self {
        let mut by_name: HashMap<&str, Vec<&WireRule>> = HashMap::new();
        let rules = groups.groups.iter().flat_map(|group| &group.rules);
        for rule in rules.filter(|rule| rule.kind == "recording") {
            by_name.entry(&rule.name).or_default().push(rule);
        }
        Self {
            by_name: Arc::new(by_name),
            depth: 0,
        }
    }

    fn deeper(&self) -> Option<Self> {
        let depth = self.depth + 1;
        (depth < MAX_DEPTH).then(|| Self {
            by_name: Arc::clone(&self.by_name),
            depth,
        })
    }

    /// The rules that may record what a selector selects.
    pub(super) fn behind(&self, selector: &VectorSelector) -> Vec<&'a WireRule> {
        let named = promql::metric(selector).and_then(|name| self.by_name.get(name));
        let may_record = |rule: &&&WireRule| {
            let mut matchers = selector.matchers.matchers.iter();
            matchers.all(|matcher| {
                let value = rule.labels.get(&matcher.name);
                matcher.name == "__name__" || value.is_none_or(|value| matcher.is_match(value))
            })
        };
        named
            .into_iter()
            .flatten()
            .filter(may_record)
            .copied()
            .collect()
    }

    /// True where Sloth, Pyrra, Grafana SLO or watchfire records what a selector selects: an alert on
    /// it belongs to an SLO that is known already.
    pub(super) fn is_known_slo(&self, selector: &VectorSelector) -> bool {
        let is_known = |rule: &&WireRule| {
            rule.labels.contains("sloth_id")
                || rule.labels.contains(grafana::UUID)
                || (rule.labels.contains("slo") && pyrra::window(&rule.name).is_some())
        };
        let mut matchers = selector.matchers.matchers.iter();
        self.behind(selector).iter().any(is_known) || matchers.any(|one| one.name == "sloth_id")
    }

    /// The number that a selector selects, where one rule records a constant.
    pub(super) fn constant(&self, selector: &VectorSelector) -> Option<f64> {
        let records = self.deeper()?;
        let mut values = self.behind(selector).into_iter().map(|rule| {
            let expr = parser::parse(&rule.query).ok()?;
            threshold::value(&expr, &records)
        });
        let first = values.next()??;
        values
            .all(|other| other.is_some_and(|other| threshold::is_same(first, other)))
            .then_some(first)
    }

    /// The same expression with each recorded series replaced by what its rule asks, as far as its
    /// rules are known.
    pub(super) fn inlined(&self, expr: &Expr) -> Expr {
        struct Inline<'a, 'b>(&'b RecordingRules<'a>);
        impl ExprVisitorMut for Inline<'_, '_> {
            type Error = std::convert::Infallible;

            fn pre_visit(&mut self, expr: &mut Expr) -> Result<bool, Self::Error> {
                if let Expr::VectorSelector(selector) = expr
                    && let Some(asked) = self.0.asked(selector)
                {
                    *expr = asked;
                    return Ok(false);
                }
                Ok(true)
            }
        }
        let mut expr = expr.clone();
        let Ok(_) = walk_expr_mut(&mut Inline(self), &mut expr);
        expr
    }

    /// What the rules behind a selector ask.
    fn asked(&self, selector: &VectorSelector) -> Option<Expr> {
        if selector.offset.is_some() || selector.at.is_some() {
            return None;
        }
        let rules = self.behind(selector);
        if rules.is_empty() || rules.len() > MAX_RULES {
            return None;
        }
        let records = self.deeper()?;
        let asked = rules.iter().map(|rule| {
            let expr = parser::parse(&rule.query).ok()?;
            let expr = records.inlined(&selected(&expr, selector, rule)?);
            Some(format!("({expr})"))
        });
        let asked: Vec<String> = asked.collect::<Option<_>>()?;
        if let [one] = asked.as_slice() {
            return parser::parse(one).ok();
        }
        // Series of several rules differ in the labels that these set.
        let labelled = asked.into_iter().zip(&rules).map(|(query, rule)| {
            let labels: BTreeMap<_, _> = rule.labels.iter().collect();
            labels.into_iter().fold(query, |query, (name, value)| {
                let (name, value) = (promql::string(name), promql::string(value));
                format!("label_replace({query}, {name}, {value}, \"\", \"\")")
            })
        });
        parser::parse(&labelled.collect::<Vec<_>>().join(" or ")).ok()
    }
}

/// What a rule asks, of the series alone that a selector of its record selects; `None` where a label
/// of the record is none of what it asks.
fn selected(expr: &Expr, selector: &VectorSelector, rule: &WireRule) -> Option<Expr> {
    let matchers =
        selector.matchers.matchers.iter().filter(|matcher| {
            matcher.name != "__name__" && rule.labels.get(&matcher.name).is_none()
        });
    let matchers: Vec<Matcher> = matchers.cloned().collect();
    if !matchers
        .iter()
        .all(|one| one.is_match("") && one.op != MatchOp::Equal || keeps(expr, &one.name))
    {
        return None;
    }
    let mut expr = expr.clone();
    let Ok(_) = walk_expr_mut(&mut Select(matchers), &mut expr);
    Some(expr)
}

/// Adds matchers to every selector.
struct Select(Vec<Matcher>);
impl ExprVisitorMut for Select {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expr: &mut Expr) -> Result<bool, Self::Error> {
        let selector = match expr {
            Expr::VectorSelector(selector) => selector,
            Expr::MatrixSelector(matrix) => &mut matrix.vs,
            _ => return Ok(true),
        };
        for matcher in &self.0 {
            if !selector.matchers.matchers.contains(matcher) {
                selector.matchers.matchers.push(matcher.clone());
            }
        }
        Ok(true)
    }
}

/// True where every series of an expression keeps a label of what it selects.
fn keeps(expr: &Expr, label: &str) -> bool {
    match expr {
        Expr::Paren(inner) => keeps(&inner.expr, label),
        Expr::Unary(inner) => keeps(&inner.expr, label),
        Expr::Subquery(inner) => keeps(&inner.expr, label),
        Expr::Aggregate(aggregate) => {
            let is_kept = match &aggregate.modifier {
                Some(LabelModifier::Include(labels)) => {
                    labels.labels.iter().any(|one| one == label)
                }
                Some(LabelModifier::Exclude(labels)) => {
                    !labels.labels.iter().any(|one| one == label)
                }
                None => false,
            };
            is_kept && keeps(&aggregate.expr, label)
        }
        Expr::Binary(binary) => keeps(&binary.lhs, label) && keeps(&binary.rhs, label),
        Expr::Call(call) => match call.func.name {
            "label_replace" | "label_join" | "absent" | "absent_over_time" => false,
            "vector" | "scalar" => true,
            _ => call.args.args.iter().all(|arg| keeps(arg, label)),
        },
        Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::Extension(_) => true,
    }
}
