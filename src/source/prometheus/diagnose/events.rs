//! Whether bad or good events are among all events: the wrong way round, by other labels, of another
//! histogram, by a class of statuses that is too narrow, or counted by two reporters.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::VectorSelector;
use promql_parser::parser::token::{T_EQL_REGEX, T_NEQ_REGEX};

use super::super::api::Api;
use super::super::plan::{Formula, Plan, Ratio};
use super::super::promql;
use super::objectives::ask_all;
use crate::config::Part;
use crate::domain::{Finding, Grade, Window};
use crate::source::Ask;

/// Labels by which two parties report the same events, with what each calls itself.
const REPORTERS: [(&str, &str); 2] = [
    ("reporter", "source|destination"),
    ("direction", "inbound|outbound"),
];
/// Statuses that are answers, and that a class for successes may leave out.
const ANSWERS: [&str; 3] = ["301", "304", "404"];
/// How many SLOs are named in one finding.
const NAMED: usize = 5;

/// A finding that holds where a query has a value above 0.
struct Doubt {
    query: String,
    finding: Box<dyn Fn(f64) -> Finding + Send>,
}

/// Looks at how the events of every SLO are counted.
pub(super) async fn examine(api: &Api, plans: &[Plan], ask: &Ask) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut doubts = Vec::new();
    let mut metrics: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for plan in plans {
        let Some(pair) = Pair::of(plan) else {
            continue;
        };
        let id = plan.slo.id();
        let finding = pair.static_finding();
        found.extend(finding.map(|finding| finding.of_slo(&id)));
        if let Some(doubt) = pair.narrow_success() {
            doubts.push((doubt, Some(id.clone())));
        }
        for (label, _) in REPORTERS {
            if let (Some(name), false) = (&pair.total.name, names(&pair.total, label)) {
                let ids = metrics.entry(name.clone()).or_default();
                ids.insert(id.shown_whole().to_string());
            }
        }
    }
    for (metric, ids) in &metrics {
        doubts.extend(reported_twice(metric, ids).map(|doubt| (doubt, None)));
    }
    let queries = doubts
        .iter()
        .map(|(doubt, _)| doubt.query.clone())
        .collect();
    let values = ask_all(api, queries, ask.at).await;
    for (doubt, id) in &doubts {
        let value = values.get(&doubt.query).copied().flatten();
        if let Some(value) = value.filter(|value| *value > 0.0) {
            let finding = (doubt.finding)(value);
            found.push(match id {
                Some(id) => finding.of_slo(id),
                None => finding,
            });
        }
    }
    found
}

/// Two parties that report the events of a metric, each of them all.
fn reported_twice(metric: &str, ids: &BTreeSet<String>) -> impl Iterator<Item = Doubt> {
    let slos: Vec<_> = ids.iter().take(NAMED).cloned().collect();
    let more = match ids.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let slos = format!("{}{more}", slos.join(", "));
    let metric = metric.to_owned();
    REPORTERS.into_iter().map(move |(label, values)| {
        let (metric, slos) = (metric.clone(), slos.clone());
        let query = format!("count(count by ({label}) ({metric}{{{label}=~\"{values}\"}})) - 1");
        let finding = Box::new(move |_: f64| {
            let what = format!(
                "`{metric}` counts each event twice, once for each `{label}`, and the total does not name one: {slos}"
            );
            Finding::new(Grade::Warning, "events", what)
                .because("both ends of a connection report it")
                .advise(format!(
                    "add {label}=\"{}\" to `total`, `bad` and `good`",
                    if label == "reporter" { "destination" } else { "inbound" }
                ))
        });
        Doubt { query, finding }
    })
}

fn names(selector: &VectorSelector, label: &str) -> bool {
    let mut matchers = selector.matchers.matchers.iter();
    matchers.any(|matcher| matcher.name == label)
}

/// The selectors of all events, and of the bad or good ones.
struct Pair {
    total: VectorSelector,
    part: VectorSelector,
    is_good: bool,
}

impl Pair {
    fn of(plan: &Plan) -> Option<Self> {
        let formula = match (&plan.rule, plan.asked.first_key_value()) {
            (Some(rule), _) => rule.over(Window::hours(1))?,
            (None, formula) => formula?.1.clone(),
        };
        let Formula::Events(Ratio { part, total, .. }) = formula else {
            return None;
        };
        let (query, is_good) = match part {
            Part::Bad(query) => (query, false),
            Part::Good(query) => (query, true),
        };
        let one = |query: &str| <[VectorSelector; 1]>::try_from(promql::selectors(query)).ok();
        let ([total], [part]) = (one(&total)?, one(&query)?);
        Some(Self {
            total,
            part,
            is_good,
        })
    }

    fn role(&self) -> &'static str {
        if self.is_good { "good" } else { "bad" }
    }

    fn is_same_metric(&self) -> bool {
        self.total.name.is_some() && self.total.name == self.part.name
    }

    /// The names of two histograms, without what tells count from buckets.
    fn histograms(&self) -> Option<(&str, &str)> {
        let total = self.total.name.as_deref()?.strip_suffix("_count")?;
        let part = self.part.name.as_deref()?.strip_suffix("_bucket")?;
        Some((total, part))
    }

    /// The matchers of one that the other has not.
    fn only<'a>(of: &'a VectorSelector, other: &VectorSelector) -> Vec<&'a Matcher> {
        let own = of.matchers.matchers.iter();
        own.filter(|matcher| matcher.name != "le" && !other.matchers.matchers.contains(matcher))
            .collect()
    }

    /// What the selectors show by themselves.
    fn static_finding(&self) -> Option<Finding> {
        let histograms = self.histograms();
        if let Some((total, part)) = histograms.filter(|(total, part)| total != part) {
            return Some(other_histogram(total, part));
        }
        if !self.is_same_metric() && histograms.is_none() {
            return None;
        }
        let total = Self::only(&self.total, &self.part);
        let part = Self::only(&self.part, &self.total);
        let role = self.role();
        if self.is_same_metric() && !total.is_empty() && part.is_empty() {
            let what = format!(
                "total and {role} are swapped: the total asks {}, {role} does not",
                listed(&total)
            );
            return Some(
                Finding::new(Grade::Error, "events", what)
                    .because("all events are at least as many as those of them that failed")
                    .advise("write the wider selector as `total`"),
            );
        }
        if !total.is_empty() {
            let what = format!(
                "labels of {role} and total differ: the total asks {}, {role} does not",
                listed(&total)
            );
            return Some(
                Finding::new(Grade::Warning, "events", what)
                    .because(format!("{role} counts events that the total leaves out"))
                    .advise(format!("add the same matchers to `{role}`")),
            );
        }
        (histograms.is_some() && !part.is_empty()).then(|| {
            let what = format!(
                "labels of {role} and total differ: {role} asks {}, the total does not",
                listed(&part)
            );
            Finding::new(Grade::Warning, "events", what)
                .because("all that these matchers leave out counts as too slow")
                .advise("add the same matchers to `total`")
        })
    }

    /// Successes by a class of statuses: what is answered otherwise, and not by a fault of the server,
    /// counts as bad.
    fn narrow_success(&self) -> Option<Doubt> {
        if !self.is_good || !self.is_same_metric() {
            return None;
        }
        let own = Self::only(&self.part, &self.total);
        let class = own.into_iter().find(|matcher| {
            let leaves_out = ANSWERS.iter().any(|status| !matcher.is_match(status));
            matcher.is_match("200") && leaves_out && !matcher.is_match("500")
        })?;
        let negated = match &class.op {
            MatchOp::Equal => MatchOp::NotEqual,
            MatchOp::Re(_) => {
                Matcher::new_matcher(T_NEQ_REGEX, class.name.clone(), class.value.clone())
                    .ok()?
                    .op
            }
            MatchOp::NotEqual => MatchOp::Equal,
            MatchOp::NotRe(_) => {
                Matcher::new_matcher(T_EQL_REGEX, class.name.clone(), class.value.clone())
                    .ok()?
                    .op
            }
        };
        let mut others = self.total.clone();
        let failures =
            Matcher::new_matcher(T_NEQ_REGEX, class.name.clone(), "5..|".to_owned()).ok()?;
        let matchers = &mut others.matchers.matchers;
        matchers.push(Matcher::new(negated, &class.name, &class.value));
        matchers.push(failures);
        let query = format!("count(increase({others}[1d]) > 0)");
        let class = class.to_string();
        Some(Doubt {
            query,
            finding: Box::new(move |count| {
                let what = format!(
                    "good is narrower than the total: {count} series of other answers than 5xx do not match {class}, and count as bad"
                );
                Finding::new(Grade::Warning, "events", what)
                    .because("redirects and refusals are answers: they spend budget though nothing failed")
                    .advise("count what failed: `bad` with the statuses 5.. in place of `good`")
            }),
        })
    }
}

fn listed(matchers: &[&Matcher]) -> String {
    let texts: Vec<_> = matchers
        .iter()
        .map(|matcher| format!("`{matcher}`"))
        .collect();
    texts.join(", ")
}

fn other_histogram(total: &str, part: &str) -> Finding {
    let unit = |name: &str| {
        let units = [("_milliseconds", "ms"), ("_ms", "ms"), ("_seconds", "s")];
        let mut units = units.into_iter();
        units.find_map(|(end, unit)| Some((name.strip_suffix(end)?.to_owned(), unit)))
    };
    let is_mixed =
        matches!((unit(total), unit(part)), (Some(one), Some(other)) if one.1 != other.1);
    let what = if is_mixed {
        format!(
            "seconds and milliseconds are mixed: the total counts `{total}`, good the buckets of `{part}`"
        )
    } else {
        format!("the total counts `{total}`, good the buckets of `{part}`: two histograms")
    };
    Finding::new(Grade::Warning, "events", what)
        .because("good events are none of all events, so their ratio means nothing")
        .advise("count both of one histogram")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(total: &str, part: &str, is_good: bool) -> Pair {
        let one = |text: &str| promql::selectors(text).remove(0);
        Pair {
            total: one(total),
            part: one(part),
            is_good,
        }
    }

    #[test]
    fn selectors_that_do_not_fit_are_told() {
        for (total, part, is_good, says) in [
            (r#"a{code=~"5.."}"#, "a", false, Some("swapped")),
            (
                r#"a{s="x",code=~"5.."}"#,
                r#"a{s="x"}"#,
                false,
                Some("swapped"),
            ),
            (r#"a{s="x"}"#, r#"a{code=~"5.."}"#, false, Some("differ")),
            (
                r#"a{s="x"}"#,
                r#"a{s="y",code=~"5.."}"#,
                false,
                Some("differ"),
            ),
            (r#"a{s="x"}"#, r#"a{s="x",code=~"5.."}"#, false, None),
            ("a", r#"b{code=~"5.."}"#, false, None),
            (
                r#"h_count{s="x"}"#,
                r#"h_bucket{le="1"}"#,
                true,
                Some("differ"),
            ),
            (
                "h_count",
                r#"h_bucket{path="/",le="1"}"#,
                true,
                Some("too slow"),
            ),
            (r#"h_count{s="x"}"#, r#"h_bucket{s="x",le="1"}"#, true, None),
            (
                "h_seconds_count",
                r#"h_milliseconds_bucket{le="1"}"#,
                true,
                Some("milliseconds"),
            ),
            (
                "h_count",
                r#"g_bucket{le="1"}"#,
                true,
                Some("two histograms"),
            ),
        ] {
            let finding = pair(total, part, is_good).static_finding();
            let told = finding.map(|one| format!("{} {}", one.what.raw(), one.why.raw()));
            assert_eq!(told.is_some(), says.is_some(), "{total} {part}: {told:?}");
            if let (Some(told), Some(says)) = (told, says) {
                assert!(told.contains(says), "{told}");
            }
        }
    }

    #[test]
    fn a_class_of_successes_may_be_too_narrow() {
        for (part, is_asked) in [
            (r#"a{code=~"2.."}"#, true),
            (r#"a{code="200"}"#, true),
            (r#"a{code=~"2..|3.."}"#, true),
            (r#"a{code!~"5.."}"#, false),
            (r#"a{code=~"[1-4].."}"#, false),
            (r#"a{outcome="ok"}"#, false),
        ] {
            let doubt = pair("a", part, true).narrow_success();
            assert_eq!(doubt.is_some(), is_asked, "{part}");
            if let Some(doubt) = doubt {
                assert!(
                    promql_parser::parser::parse(&doubt.query).is_ok(),
                    "{}",
                    doubt.query
                );
            }
        }
    }
}
