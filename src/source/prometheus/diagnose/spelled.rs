//! Rules that ask for a bucket in another spelling than the server has: `le="1"` where it is `1.0`.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::label::MatchOp;

use super::super::api::Api;
use super::super::discover;
use super::super::promql;
use super::objectives::ask_all;
use crate::domain::{Finding, Grade};
use crate::source::Ask;
use crate::source::kit::nearest_name::listed;

/// Selectors that are looked up.
const MOST: usize = 50;

/// One finding for each bucket that rules ask for in vain. Those that record discovered SLOs are
/// looked at with these.
pub(super) async fn examine(api: &Api, ask: &Ask) -> Vec<Finding> {
    let Ok(rules) = api.rules().await else {
        return Vec::new();
    };
    let all = rules.groups.iter().flat_map(|group| &group.rules);
    let others = all.filter(|rule| !discover::is_record(&rule.name));
    let mut readers: BTreeMap<(String, String, [String; 2]), BTreeSet<String>> = BTreeMap::new();
    for rule in others {
        for selector in promql::selectors(&rule.query) {
            let mut matchers = selector.matchers.matchers.iter();
            let is_bucket =
                |one: &&promql_parser::label::Matcher| one.name == "le" && one.op == MatchOp::Equal;
            let Some(matcher) = matchers.find(is_bucket) else {
                continue;
            };
            let Some(other) = other_spelling(&matcher.value) else {
                continue;
            };
            let written = matcher.value.clone();
            let mut respelled = selector.clone();
            for one in &mut respelled.matchers.matchers {
                if one.name == "le" {
                    one.value.clone_from(&other);
                }
            }
            let queries = [&selector, &respelled].map(|one| format!("count({one})"));
            let names = readers.entry((written, other, queries)).or_default();
            names.insert(rule.name.clone());
        }
    }
    let wanted = readers
        .keys()
        .take(MOST)
        .flat_map(|(.., queries)| queries.clone());
    let values = ask_all(api, wanted.collect(), ask.at).await;
    let found = readers.iter().filter_map(|((written, other, queries), names)| {
        let [asked, there] = queries.each_ref().map(|query| values.get(query).copied());
        let is_dead = asked == Some(None) && there.flatten().is_some();
        is_dead.then(|| {
            let names: Vec<_> = names.iter().cloned().collect();
            let count = match names.len() {
                1 => "1 rule asks".to_owned(),
                count => format!("{count} rules ask"),
            };
            let what = format!(
                "{count} for le=\"{written}\", and the server has le=\"{other}\": {}",
                listed(&names)
            );
            Finding::new(Grade::Warning, "rules", what)
                .because("a label is a text: what these rules ask for has no series, so no alert over it can ever fire")
                .advise(format!("write le=~\"{written}|{}\" in them, which fits both", promql::quoted(other).replace('\\', "\\\\")))
        })
    });
    found.collect()
}

/// `1` for `1.0`, and the other way round.
fn other_spelling(le: &str) -> Option<String> {
    let number: f64 = le.parse().ok()?;
    if !number.is_finite() {
        return None;
    }
    if let Some(whole) = le.strip_suffix(".0") {
        return Some(whole.to_owned());
    }
    let is_whole = le.bytes().all(|byte| byte.is_ascii_digit());
    is_whole.then(|| format!("{le}.0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_spelt_in_two_ways() {
        for (le, other) in [
            ("1", Some("1.0")),
            ("10.0", Some("10")),
            ("0.25", None),
            ("+Inf", None),
            ("x", None),
        ] {
            assert_eq!(other_spelling(le).as_deref(), other, "{le}");
        }
    }
}
