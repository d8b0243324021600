//! Why a selector has no series: the metric's name, a label's name or a label's value, and what the
//! targets expose that is like it.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::label::{MatchOp, Matcher};

use super::scrape::Exposition;
use super::selector::{Formula, NAME, Role, Selector, Selectors, matches};
use crate::domain::{Finding, Grade};
use crate::source::kit::nearest_name::{listed, nearest, ranked};

/// Why a selector has no series.
#[derive(Debug, PartialEq, Eq)]
struct Lack {
    what: String,
    advice: String,
    /// True when the metric is there and has the label, and only no value of those that a pattern
    /// asks for.
    is_value: bool,
}

/// What is not there of what an SLO counts. Its id is for the caller to add.
pub(super) fn lacks(
    formula: &Formula,
    selectors: &Selectors,
    exposed: &Exposition,
) -> Vec<Finding> {
    let roles = formula.roles().into_iter();
    let named = roles.filter_map(|(role, index)| Some((role, selectors.get(index)?)));
    let mut found = Vec::new();
    for (role, selector) in named {
        if let Some(lack) = lack(selector, exposed) {
            let finding = finding(role, selector, lack);
            if !found.contains(&finding) {
                found.push(finding);
            }
        }
    }
    found
}

fn finding(role: Role, selector: &Selector, lack: Lack) -> Finding {
    let Lack {
        what,
        advice,
        is_value,
    } = lack;
    let (grade, what, why) = match role {
        Role::Bad if is_value => (
            Grade::Note,
            format!("{what} now: it does not fail"),
            "without bad series the error ratio is 0",
        ),
        Role::Bad => (
            Grade::Warning,
            format!("{what} (bad: `{selector}`)"),
            "no bad event can ever be counted, so this SLO never burns",
        ),
        Role::Good => (
            Grade::Error,
            format!("{what} (good: `{selector}`)"),
            "no good event is counted, so everything seems to fail",
        ),
        Role::Total => (
            Grade::Error,
            format!("{what} (`{selector}`)"),
            "nothing is counted, so the SLO has no data",
        ),
    };
    Finding::new(grade, "series", what)
        .because(why)
        .advise(advice)
}

/// Why none of the series that are exposed is selected; `None` when one is.
fn lack(selector: &Selector, exposed: &Exposition) -> Option<Lack> {
    let is_selected = |series: &&BTreeMap<String, String>| {
        selector.selects(|name| series.get(name).map(String::as_str))
    };
    if exposed.series.iter().any(|series| is_selected(&series)) {
        return None;
    }
    let mut matchers: Vec<_> = selector.matchers().iter().collect();
    // The name first: without it nothing of the rest can be right.
    matchers.sort_by_key(|matcher| matcher.name != NAME);
    let mut left: Vec<_> = exposed.series.iter().collect();
    for matcher in matchers {
        let has = |series: &&BTreeMap<String, String>| {
            let value = series.get(&matcher.name).map_or("", String::as_str);
            matches(matcher, value)
        };
        let rest: Vec<_> = left.iter().copied().filter(has).collect();
        if rest.is_empty() {
            let name = selector.name();
            let is_ours = |series: &&BTreeMap<String, String>| {
                name.is_none_or(|name| series.get(NAME).is_some_and(|own| own == name))
            };
            let mut ours = exposed.series.iter().filter(is_ours);
            let is_had = ours.any(|series| has(&series));
            return Some(wrong(selector, matcher, &left, is_had, &exposed.names));
        }
        left = rest;
    }
    None
}

/// What a matcher asks for that no series of those that are left has; `is_had` says that others of
/// the metric have it.
fn wrong(
    selector: &Selector,
    matcher: &Matcher,
    left: &[&BTreeMap<String, String>],
    is_had: bool,
    names: &BTreeSet<String>,
) -> Lack {
    if matcher.name == NAME {
        let name = selector.name().unwrap_or(&matcher.value);
        let like = nearest(name, names);
        let what = format!("no target exposes a metric named `{name}`");
        let advice = if like.is_empty() {
            "none has a name like it: check that the target which has it is listed, and answers"
                .to_owned()
        } else {
            format!("nearest: {}", listed(&like))
        };
        return Lack {
            what,
            advice,
            is_value: false,
        };
    }
    let metric = selector.name().unwrap_or("any metric");
    let label = &matcher.name;
    let values: BTreeSet<_> = left
        .iter()
        .filter_map(|one| one.get(label).cloned())
        .collect();
    if values.is_empty() {
        let labels = left.iter().flat_map(|one| one.keys());
        let labels: BTreeSet<_> = labels.filter(|name| *name != NAME).cloned().collect();
        return Lack {
            what: format!("no series of `{metric}` has a label `{label}`"),
            advice: format!("its labels: {}", listed(&ranked(label, labels))),
            is_value: false,
        };
    }
    let is_exact = matcher.op == MatchOp::Equal;
    let rest = if is_had {
        " beside the rest of the selector"
    } else {
        ""
    };
    Lack {
        what: format!("no series of `{metric}` has {matcher}{rest}"),
        advice: format!("its values: {}", listed(&ranked(&matcher.value, values))),
        is_value: !is_exact,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Part, Sli};

    fn exposed() -> Exposition {
        let mut exposed = Exposition::default();
        for (code, path) in [("200", "/a"), ("404", "/b")] {
            let name = (NAME, "http_requests_total");
            exposed.add([name, ("code", code), ("job", "app"), ("path", path)].into_iter());
        }
        exposed.add([(NAME, "up"), ("job", "app")].into_iter());
        exposed.names.insert("http_request_bytes".to_owned());
        exposed
    }

    fn found(bad: &str, total: &str) -> Vec<(Grade, String, String)> {
        let mut selectors = Selectors::default();
        let sli = Sli::Events {
            part: Part::Bad(bad.to_owned()),
            total: total.to_owned(),
        };
        let formula = Formula::of(&sli, &mut selectors).unwrap();
        let found = lacks(&formula, &selectors, &exposed());
        let words = |one: Finding| {
            (
                one.grade,
                one.what.raw().to_owned(),
                one.advice.raw().to_owned(),
            )
        };
        found.into_iter().map(words).collect()
    }

    #[test]
    fn a_misspelt_name_a_label_and_a_value_are_told_with_what_there_is() {
        let fine = "http_requests_total";
        for (total, what, advice) in [
            (
                "http_request_total",
                "no target exposes a metric named `http_request_total`",
                "nearest: http_requests_total",
            ),
            (
                "zzz",
                "no target exposes a metric named `zzz`",
                "check that",
            ),
            (
                "http_requests_total{cod=\"200\"}",
                "no series of `http_requests_total` has a label `cod`",
                "its labels: code",
            ),
            (
                "http_requests_total{code=\"200\",path=\"/b\"}",
                "has path=\"/b\" beside the rest of the selector",
                "its values: /a",
            ),
            (
                "http_requests_total{job=\"ap\"}",
                "no series of `http_requests_total` has job=\"ap\"",
                "its values: app",
            ),
        ] {
            let found = found("http_requests_total{code=\"404\"}", total);
            let [(grade, said, do_this)] = found.as_slice() else {
                panic!("{total}: {found:?}");
            };
            assert_eq!(*grade, Grade::Error, "{total}");
            assert!(said.contains(what), "{said}");
            assert!(do_this.contains(advice), "{do_this}");
        }
        assert_eq!(found(fine, fine), []);
    }

    #[test]
    fn what_never_failed_is_no_trouble_and_what_cannot_fail_is() {
        let grade = |bad: &str| found(bad, "http_requests_total")[0].0;
        assert_eq!(grade("http_requests_total{code=~\"5..\"}"), Grade::Note);
        assert_eq!(grade("http_requests_total{cod=~\"5..\"}"), Grade::Warning);
        assert_eq!(grade("http_errors_total"), Grade::Warning);
    }
}
