//! The PromQL that a rule records: what [`Formula`] asks in several queries, as one expression that
//! says the same.

use promql_parser::parser::token::{T_BOTTOMK, T_COUNT_VALUES, T_TOPK};
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{self, Expr, LabelModifier};
use promql_parser::util::visitor::{ExprVisitor, ExprVisitorMut, walk_expr, walk_expr_mut};

use crate::config::Part;
use crate::domain::slo::{EVENTS_OF_SLACK, SLACK};
use crate::source::prometheus::plan::{Formula, Ratio};
use crate::source::prometheus::promql;

/// What is recorded of one window.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::source::prometheus) enum Measured {
    /// Events, of which the ratio follows.
    Counted {
        /// All of them.
        total: String,
        /// The part that is given.
        part: Part,
        /// When there is nothing to record, as each expression that then has a result.
        unless: Vec<String>,
    },
    /// The error ratio alone.
    Ratio(String),
}

impl Measured {
    /// One series for each value of `by`, one in all when that is empty. Fails with the reason when
    /// a query cannot be had so.
    pub(super) fn of(formula: &Formula, by: &[String]) -> Result<Self, String> {
        match formula {
            Formula::Events(ratio) if ratio.counts => {
                let (total, part) = shaped_parts(ratio, by)?;
                let unless = several(formula, by)?;
                Ok(Self::Counted {
                    total,
                    part,
                    unless,
                })
            }
            _ => {
                let mut exceptions = several(formula, by)?;
                exceptions.extend(impossible(formula, by)?);
                Ok(Self::Ratio(unless(&ratio(formula, by)?, &exceptions)))
            }
        }
    }

    /// Everything that tells it from another.
    pub(super) fn texts(&self) -> Vec<&str> {
        match self {
            Self::Counted {
                total,
                part,
                unless,
            } => {
                let unless = unless.iter().map(String::as_str);
                let counted = match part {
                    Part::Bad(query) => ["bad", query, total],
                    Part::Good(query) => ["good", query, total],
                };
                let needed = needs_operands(part).then_some("operands are needed");
                counted.into_iter().chain(unless).chain(needed).collect()
            }
            Self::Ratio(query) => vec!["ratio", query],
        }
    }

    /// True when events are recorded, not only their ratio.
    pub(in crate::source::prometheus) fn is_counted(&self) -> bool {
        matches!(self, Self::Counted { .. })
    }
}

/// An expression that has no result where one of the others has.
pub(super) fn unless(expression: &str, exceptions: &[String]) -> String {
    if exceptions.is_empty() {
        return expression.to_owned();
    }
    let exceptions = exceptions.iter().map(|one| format!(" unless ({one})"));
    format!("({expression}){}", exceptions.collect::<String>())
}

/// Bad events; `total` has the labels of `part`. One selector without series counts 0 of them, and 0
/// good ones likewise. Between vectors an operand is missing, and of buckets the bound: then there is
/// nothing to record where anything happened. More good events than all are recorded as they are, for
/// a reader to doubt.
pub(super) fn bad(part: &Part, total: &str) -> String {
    let (Part::Bad(query) | Part::Good(query)) = part;
    let known = if promql::is_between_vectors(query) {
        format!("({query})")
    } else if promql::names_bound(query) {
        format!("({query}) or ({total} == 0)")
    } else {
        format!("({query}) or {total} * 0")
    };
    match part {
        Part::Bad(_) => known,
        Part::Good(_) => format!("{total} - ({known})"),
    }
}

/// True where a record is missing with its operands; [`Measured::texts`] tells it from the records of
/// versions that took these for 0.
fn needs_operands(part: &Part) -> bool {
    match part {
        Part::Bad(query) => promql::is_between_vectors(query) || promql::names_bound(query),
        Part::Good(query) => promql::is_between_vectors(query),
    }
}

fn shaped_parts(ratio: &Ratio, by: &[String]) -> Result<(String, Part), String> {
    let part = match &ratio.part {
        Part::Bad(query) => Part::Bad(shaped(query, by)?),
        Part::Good(query) => Part::Good(shaped(query, by)?),
    };
    Ok((shaped(&ratio.total, by)?, part))
}

/// The error ratio in one expression: NaN where nothing happened, as 0 of 0 is.
fn ratio(formula: &Formula, by: &[String]) -> Result<String, String> {
    match formula {
        Formula::Events(ratio) => {
            let (total, part) = shaped_parts(ratio, by)?;
            let total = format!("({total})");
            Ok(format!("({}) / {total}", bad(&part, &total)))
        }
        Formula::Direct { query, success } => {
            let query = shaped(query, by)?;
            Ok(if *success {
                format!("1 - ({query})")
            } else {
                query
            })
        }
        Formula::Weighted(parts) => {
            let mut sums = (Vec::new(), Vec::new());
            for (weight, part) in parts {
                let (value, weighs) = term(part, by)?;
                sums.0.push(format!("{weight} * ({value})"));
                sums.1.push(format!("{weight} * ({weighs})"));
            }
            Ok(format!(
                "({}) / ({})",
                sums.0.join(" + "),
                sums.1.join(" + ")
            ))
        }
    }
}

/// One part of a mean by weight: its ratio, 0 without events, and whether it weighs, 1 or 0. Neither
/// is there where the part is not.
fn term(part: &Formula, by: &[String]) -> Result<(String, String), String> {
    if let Formula::Events(ratio) = part {
        let (total, part) = shaped_parts(ratio, by)?;
        let total = format!("({total})");
        let bad = bad(&part, &total);
        return Ok((
            format!("clamp_min(({bad}) / ({total} > 0), 0) or ({total} == 0)"),
            format!("{total} > bool 0"),
        ));
    }
    // NaN is the one number that is not itself.
    let ratio = format!("clamp_min({}, 0)", ratio(part, by)?);
    Ok((
        format!("(({ratio}) >= 0) or (({ratio}) == bool ({ratio}))"),
        format!("({ratio}) == bool ({ratio})"),
    ))
}

/// What each query says where it has several results for one SLO: which of them is the SLO's cannot
/// be told, and the sum of ratios is none. Asked without a rule, that is unknown.
fn several(formula: &Formula, by: &[String]) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    for query in formula.queries() {
        let (expr, text) = grouped(query, by)?;
        if expr.value_type() != ValueType::Scalar && !has_labels(&expr, by) {
            let count = format!("count{}({text}) > 1", grouping(by));
            if !all.contains(&count) {
                all.push(count);
            }
        }
    }
    Ok(all)
}

/// What a formula says where it is no error ratio: more bad or good events than all, a percentage. The
/// record of a ratio, and a mean by weight, do not show it.
fn impossible(formula: &Formula, by: &[String]) -> Result<Vec<String>, String> {
    let most = 1.0 + SLACK;
    match formula {
        Formula::Weighted(parts) => {
            let mut all = Vec::new();
            for (_, part) in parts {
                all.extend(impossible(part, by)?);
            }
            Ok(all)
        }
        Formula::Events(ratio) => {
            let (total, part) = shaped_parts(ratio, by)?;
            let (Part::Bad(query) | Part::Good(query)) = &part;
            let more = format!("({query}) > ({total}) * {most}");
            Ok(vec![if ratio.counts {
                format!("{more} + {EVENTS_OF_SLACK}")
            } else {
                more
            }])
        }
        // Slices are ratios by themselves, and dear to read twice.
        Formula::Direct { query, .. } if is_sliced(query) => Ok(Vec::new()),
        Formula::Direct { query, .. } => {
            let query = shaped(query, by)?;
            Ok(vec![
                format!("({query}) > {most}"),
                format!("({query}) < -{SLACK}"),
            ])
        }
    }
}

/// True for a query that looks back over slices of time.
fn is_sliced(query: &str) -> bool {
    struct Found(bool);
    impl ExprVisitor for Found {
        type Error = std::convert::Infallible;

        fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
            self.0 |= matches!(expr, Expr::Subquery(_));
            Ok(true)
        }
    }
    let mut found = Found(false);
    if let Ok(expr) = parser::parse(query) {
        let Ok(_) = walk_expr(&mut found, &expr);
    }
    found.0
}

/// An expression with exactly the labels `by` on its results.
pub(super) fn shaped(query: &str, by: &[String]) -> Result<String, String> {
    let (expr, text) = grouped(query, by)?;
    Ok(match expr.value_type() {
        ValueType::Scalar => format!("vector({text})"),
        _ if has_labels(&expr, by) => text,
        _ => format!("sum{}({text})", grouping(by)),
    })
}

/// An expression in which every aggregation keeps the labels `by`, and its text.
fn grouped(query: &str, by: &[String]) -> Result<(Expr, String), String> {
    let query = query.trim();
    let mut expr = parser::parse(query).map_err(|error| format!("`{query}`: {error}"))?;
    if by.is_empty() {
        return Ok((expr, query.to_owned()));
    }
    if expr.value_type() == ValueType::Scalar {
        return Err(format!(
            "`{query}` is one number, which has no labels to group by"
        ));
    }
    let Ok(_) = walk_expr_mut(&mut Grouped(by), &mut expr);
    let text = expr.to_string();
    Ok((expr, text))
}

fn grouping(by: &[String]) -> String {
    if by.is_empty() {
        String::new()
    } else {
        format!(" by ({}) ", by.join(", "))
    }
}

/// Lets every aggregation keep these labels.
struct Grouped<'a>(&'a [String]);

impl ExprVisitorMut for Grouped<'_> {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expr: &mut Expr) -> Result<bool, Self::Error> {
        if let Expr::Aggregate(aggregate) = expr {
            match &mut aggregate.modifier {
                Some(LabelModifier::Include(labels)) => {
                    for label in self.0 {
                        if !labels.labels.contains(label) {
                            labels.labels.push(label.clone());
                        }
                    }
                }
                Some(LabelModifier::Exclude(labels)) => {
                    labels.labels.retain(|label| !self.0.contains(label));
                }
                None => {
                    let labels: Vec<_> = self.0.iter().map(String::as_str).collect();
                    aggregate.modifier = Some(LabelModifier::include(labels));
                }
            }
        }
        Ok(true)
    }
}

/// True when the labels of an expression's results are known to be exactly these.
fn has_labels(expr: &Expr, by: &[String]) -> bool {
    match expr {
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) => true,
        Expr::Paren(inner) => has_labels(&inner.expr, by),
        Expr::Unary(unary) => has_labels(&unary.expr, by),
        Expr::Subquery(subquery) => has_labels(&subquery.expr, by),
        Expr::Binary(binary) => has_labels(&binary.lhs, by) && has_labels(&binary.rhs, by),
        Expr::Aggregate(aggregate) => {
            let selects = [T_TOPK, T_BOTTOMK, T_COUNT_VALUES].contains(&aggregate.op.id());
            !selects
                && match &aggregate.modifier {
                    None => by.is_empty(),
                    Some(LabelModifier::Include(labels)) => {
                        labels.labels.len() == by.len()
                            && by.iter().all(|label| labels.labels.contains(label))
                    }
                    Some(LabelModifier::Exclude(_)) => false,
                }
        }
        Expr::Call(call) => {
            let relabels = ["label_replace", "label_join", "absent", "absent_over_time"];
            !relabels.contains(&call.func.name)
                && call.args.args.iter().all(|arg| has_labels(arg, by))
        }
        Expr::VectorSelector(_) | Expr::MatrixSelector(_) | Expr::Extension(_) => false,
    }
}
