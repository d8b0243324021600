//! Unit tests of an SLO's rules, for `promtool test rules`: events of which a known share is bad, and
//! what must follow of them.
//!
//! Where the queries are plain selectors the tests begin with made-up counters. Elsewhere they begin
//! with the ratios of the windows: then it is the alerts and burn rates that are tested.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{self, Expr, VectorSelector};
use promql_parser::util::visitor::{ExprVisitor, walk_expr};

use super::{BAD, Measured, RATIO, Recording, RuleLabels, TOTAL, alerts, yaml};
use crate::config::{Part, Sli};
use crate::domain::Severity;
use crate::source::prometheus::promql;

/// When the expectations are held against the rules: minutes after the first sample.
const MINUTES: u32 = 30;

/// Moments that promtool lets a query look at: it holds 10,000 samples at once.
const MOST_STEPS: u64 = 10_000;
/// The distance of a subquery's moments where it names none: that of the tests' evaluations.
const EVERY: Duration = Duration::from_mins(1);

/// The label that tells two gauges of one selector apart.
const INSTANCE: &str = "instance";

/// A made-up series that grows by so much a minute.
struct Series {
    /// Its name and labels, as PromQL writes them.
    name: String,
    from: f64,
    step: f64,
}

/// The tests of one SLO, where there can be any. What a reader must know of them is said.
pub(super) fn write(recording: &Recording, out: &mut String) -> Option<String> {
    let slo = &recording.slo;
    let steps = recording.windows.values().flat_map(Measured::texts);
    let lack = if steps.map(steps_of).max() > Some(MOST_STEPS) {
        "promtool gives up on a query that looks at more than 10,000 moments: it has no tests"
    } else if write_all(recording, out) {
        return None;
    } else {
        "its rules record something whatever happens, so no made-up series can test them"
    };
    Some(format!("{}/{}: {lack}", slo.service, slo.name))
}

/// At how many moments the longest subquery of a query looks.
fn steps_of(query: &str) -> u64 {
    struct Longest(u64);
    impl ExprVisitor for Longest {
        type Error = std::convert::Infallible;

        fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
            if let Expr::Subquery(subquery) = expr {
                let step = subquery.step.unwrap_or(EVERY).as_secs().max(1);
                self.0 = self.0.max(subquery.range.as_secs() / step);
            }
            Ok(true)
        }
    }
    let mut longest = Longest(0);
    if let Ok(expr) = parser::parse(query) {
        let Ok(_) = walk_expr(&mut longest, &expr);
    }
    longest.0
}

/// True when there is something to test.
fn write_all(recording: &Recording, out: &mut String) -> bool {
    let slo = &recording.slo;
    let budget = crate::domain::slo::rounded(1.0 - slo.objective);
    let factors = slo.rules.iter().map(|rule| rule.factor);
    // Half of all, if that is enough for every rule to fire.
    let fires = |share: f64| factors.clone().all(|factor| share / budget > factor);
    let burning = if fires(0.5) { 0.5 } else { 1.0 };
    // Enough for every page.
    let rate = (120.0_f64).max((slo.min_bad_events * 20.0).ceil() * 2.0);
    for (share, told) in [(burning, "it burns"), (0.0, "nothing fails")] {
        let Some(series) = series(recording, share, rate) else {
            return false;
        };
        begin(recording, told, &series, out);
        expect_records(recording, share, budget, out);
        expect_alerts(recording, share / budget, out);
    }
    if let Some(series) = counters(recording, 0.0, 0.0) {
        begin(recording, "no traffic", &series, out);
        out.push_str("  promql_expr_test:\n");
        for window in recording.windows.keys() {
            let ratio = recording.selector(&format!("{RATIO}{window}"));
            expect(&format!("count({ratio} >= 0)"), None, out);
        }
        expect_alerts(recording, 0.0, out);
    }
    true
}

fn begin(recording: &Recording, told: &str, series: &[Series], out: &mut String) {
    let slo = &recording.slo;
    let name = format!("{}/{}: {told}", slo.service, slo.name);
    let _ = writeln!(out, "- name: {}", yaml::quoted(&name));
    out.push_str("  interval: 1m\n  input_series:\n");
    for one in series {
        let _ = writeln!(out, "  - series: {}", yaml::quoted(&one.name));
        let _ = writeln!(out, "    values: {}+{}x{MINUTES}", one.from, one.step);
    }
}

fn expect_records(recording: &Recording, share: f64, budget: f64, out: &mut String) {
    let mut wanted: Vec<_> = recording
        .windows
        .keys()
        .map(|window| (format!("{RATIO}{window}"), share))
        .collect();
    wanted.push(("slo:current_burn_rate:ratio".to_owned(), share / budget));
    if recording.period().is_some() {
        let left = 1.0 - share / budget;
        wanted.push(("slo:period_burn_rate:ratio".to_owned(), share / budget));
        wanted.push(("slo:period_error_budget_remaining:ratio".to_owned(), left));
    }
    out.push_str("  promql_expr_test:\n");
    for (record, value) in wanted {
        // promtool compares to the last bit.
        let record = recording.selector(&record);
        let expr = format!("sum(abs({record} - {value}) < bool 0.000001)");
        expect(&expr, Some(1.0), out);
    }
}

fn expect(expr: &str, value: Option<f64>, out: &mut String) {
    let _ = writeln!(out, "  - expr: {}", yaml::block(expr, 6));
    let _ = writeln!(out, "    eval_time: {MINUTES}m");
    match value {
        Some(value) => {
            let _ = writeln!(
                out,
                "    exp_samples:\n    - labels: '{{}}'\n      value: {value}"
            );
        }
        None => out.push_str("    exp_samples: []\n"),
    }
}

/// Which alerts are raised. Asked as series, not by the alert's name: the same events may burn the
/// budgets of other SLOs as well.
fn expect_alerts(recording: &Recording, burn: f64, out: &mut String) {
    let slo = &recording.slo;
    let firing = slo.rules.iter().filter(|rule| burn > rule.factor);
    let firing: BTreeSet<Severity> = firing.map(|rule| rule.severity).collect();
    let _ = writeln!(
        out,
        "  - expr: {}\n    eval_time: {MINUTES}m",
        yaml::quoted(&recording.selector("ALERTS"))
    );
    if firing.is_empty() {
        out.push_str("    exp_samples: []\n");
        return;
    }
    out.push_str("    exp_samples:\n");
    for severity in firing {
        let mut labels = alerts::raised(recording, severity);
        labels.extend(groups(recording));
        let alert = written("ALERTS", &labels);
        let _ = writeln!(
            out,
            "    - labels: {}\n      value: 1",
            yaml::quoted(&alert)
        );
    }
}

/// A value for each label that the SLO is grouped by.
fn groups(recording: &Recording) -> impl Iterator<Item = (String, String)> {
    let by = recording.slo.by.iter();
    by.map(|label| (label.clone(), "some".to_owned()))
}

fn series(recording: &Recording, share: f64, rate: f64) -> Option<Vec<Series>> {
    if let Some(series) = counters(recording, share, rate) {
        return Some(series);
    }
    // What is recorded whatever happens would hide what is made up.
    recording.windows.values().all(selects).then(|| {
        let windows = recording.windows.iter();
        windows
            .flat_map(|(&window, measured)| {
                let labels: RuleLabels = recording
                    .labels_of(window)
                    .into_iter()
                    .chain(groups(recording))
                    .collect();
                let constant = |name: &str, value| Series {
                    name: written(&format!("{name}{window}"), &labels),
                    from: value,
                    step: 0.0,
                };
                let events = f64::from(window.seconds()) / 60.0 * rate;
                let counted = [constant(BAD, share * events), constant(TOTAL, events)];
                let counted = counted.into_iter().filter(|_| measured.is_counted());
                counted.chain([constant(RATIO, share)])
            })
            .collect()
    })
}

/// True when a query asks for series, and is not a number of its own.
fn selects(measured: &Measured) -> bool {
    fn any(expr: &Expr) -> bool {
        match expr {
            Expr::VectorSelector(_) | Expr::MatrixSelector(_) => true,
            Expr::Paren(inner) => any(&inner.expr),
            Expr::Unary(unary) => any(&unary.expr),
            Expr::Subquery(subquery) => any(&subquery.expr),
            // Missing on one side of anything but `or`, it is missing.
            Expr::Binary(binary) if binary.op.to_string() == "or" => {
                any(&binary.lhs) && any(&binary.rhs)
            }
            Expr::Binary(binary) => any(&binary.lhs) || any(&binary.rhs),
            Expr::Aggregate(aggregate) => any(&aggregate.expr),
            Expr::Call(call) => {
                !call.func.name.starts_with("absent") && call.args.args.iter().any(|arg| any(arg))
            }
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => false,
        }
    }
    let selects = |query: &str| parser::parse(query).is_ok_and(|expr| any(&expr));
    match measured {
        Measured::Counted {
            total,
            part: Part::Bad(query) | Part::Good(query),
            ..
        } => selects(total) && selects(query),
        Measured::Ratio(query) => selects(query),
    }
}

/// Counters of which the share is bad, at so many events a minute; `None` where the SLI is more than
/// selectors.
fn counters(recording: &Recording, share: f64, rate: f64) -> Option<Vec<Series>> {
    let by: RuleLabels = groups(recording).collect();
    match &recording.slo.sli {
        Sli::Events { part, total } => {
            let (Part::Bad(query) | Part::Good(query)) = part;
            let step = match part {
                Part::Bad(_) => rate * share,
                Part::Good(_) => rate * (1.0 - share),
            };
            let (part, total) = (selector(query)?, selector(total)?);
            let grows = |name, step| Series {
                name,
                from: 0.0,
                step,
            };
            if part.name == total.name {
                let both = matching(&[&part, &total], None, &by)?;
                let rest = matching(&[&total], Some(&part), &by)?;
                return Some(vec![grows(both, step), grows(rest, rate - step)]);
            }
            Some(vec![
                grows(matching(&[&part], None, &by)?, step),
                grows(matching(&[&total], None, &by)?, rate),
            ])
        }
        Sli::Gauge(query) if rate > 0.0 => {
            let selector = selector(query)?;
            let labels = &selector.matchers.matchers;
            if labels.iter().any(|matcher| matcher.name == INSTANCE) || by.contains_key(INSTANCE) {
                return None;
            }
            let gauge = |instance: &str, value| {
                let instance = (INSTANCE.to_owned(), instance.to_owned());
                let labels = by.clone().into_iter().chain([instance]).collect();
                Some(Series {
                    name: matching(&[&selector], None, &labels)?,
                    from: value,
                    step: 0.0,
                })
            };
            // Half of the gauges are bad for a share of a half.
            let second = if share > 0.0 { 0.0 } else { 1.0 };
            let first = if share < 1.0 { 1.0 } else { 0.0 };
            Some(vec![gauge("a", first)?, gauge("b", second)?])
        }
        _ => None,
    }
}

/// The selector that a query counts the increase of, if it does no more.
fn selector(query: &str) -> Option<VectorSelector> {
    let mut expr = parser::parse(&promql::over(query, "5m")).ok()?;
    loop {
        expr = match expr {
            Expr::Paren(inner) => *inner.expr,
            Expr::Aggregate(sum) if sum.op.to_string() == "sum" => *sum.expr,
            Expr::Call(call) if call.func.name == "increase" => {
                *call.args.args.into_iter().next()?
            }
            Expr::MatrixSelector(matrix) => {
                let plain = matrix.vs.offset.is_none() && matrix.vs.at.is_none();
                return (plain && matrix.vs.matchers.or_matchers.is_empty()).then_some(matrix.vs);
            }
            _ => return None,
        }
    }
}

/// A series that these selectors select and that one does not.
fn matching(
    by: &[&VectorSelector],
    but_not: Option<&VectorSelector>,
    given: &RuleLabels,
) -> Option<String> {
    let name = by.first()?.name.clone()?;
    let wanted: Vec<&Matcher> = by.iter().flat_map(|one| &one.matchers.matchers).collect();
    let unwanted: Vec<&Matcher> = but_not
        .iter()
        .flat_map(|one| &one.matchers.matchers)
        .collect();
    let on = |all: &[&Matcher], label: &str| -> Vec<Matcher> {
        let these = all.iter().filter(|matcher| matcher.name == label);
        these.map(|matcher| (*matcher).clone()).collect()
    };
    let names: BTreeSet<&str> = wanted
        .iter()
        .chain(&unwanted)
        .map(|matcher| matcher.name.as_str())
        .collect();
    let mut labels: BTreeMap<String, String> = given.clone();
    let mut escaped = but_not.is_none();
    for label in names {
        let (wanted, unwanted) = (on(&wanted, label), on(&unwanted, label));
        let fits = |value: &str| wanted.iter().all(|matcher| matcher.is_match(value));
        let differs = |value: &str| unwanted.iter().any(|matcher| !matcher.is_match(value));
        let candidates = given.get(label).map_or_else(
            || candidates(wanted.iter().chain(&unwanted)),
            |value| vec![value.clone()],
        );
        let away = candidates
            .iter()
            .find(|value| !escaped && fits(value) && differs(value));
        escaped |= away.is_some();
        let value = away.or_else(|| candidates.iter().find(|value| fits(value)))?;
        if !value.is_empty() {
            labels.insert(label.to_owned(), value.clone());
        }
    }
    escaped.then(|| written(&name, &labels))
}

/// Values that may match: what the matchers name, and what is often meant.
fn candidates<'a>(matchers: impl Iterator<Item = &'a Matcher>) -> Vec<String> {
    let mut values = Vec::new();
    for matcher in matchers {
        if matches!(matcher.op, MatchOp::Re(_) | MatchOp::NotRe(_)) {
            let plain = matcher.value.replace(['(', ')', '^', '$', '?'], "");
            values.extend(plain.split('|').map(|one| {
                let one = one
                    .replace(".*", "x")
                    .replace(".+", "x")
                    .replace("\\.", "\0");
                let one = one.replace("\\d", "0").replace("[0-9]", "0");
                one.replace(['+', '*'], "")
                    .replace('.', "0")
                    .replace('\0', ".")
            }));
        } else {
            values.push(matcher.value.clone());
        }
    }
    values.extend(["200", "500", "other", "0", "1", ""].map(str::to_owned));
    values
}

fn written(name: &str, labels: &RuleLabels) -> String {
    let labels = labels
        .iter()
        .map(|(name, value)| format!("{name}={}", promql::string(value)));
    format!("{name}{{{}}}", labels.collect::<Vec<_>>().join(","))
}
