//! The selectors within a query: whose samples it reads.

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{self, VectorSelector};

use super::super::promql;

/// A selector of series, without range, offset and `@`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Selector(VectorSelector);

impl Selector {
    /// Every selector of a query, each once, in the order in which they stand.
    pub(super) fn all_of(query: &str) -> Vec<Self> {
        promql::selectors(query).into_iter().map(Self).collect()
    }

    /// As it is written.
    pub(super) fn text(&self) -> String {
        self.0.to_string()
    }

    /// The metric's name, when it names one.
    pub(super) fn name(&self) -> Option<&str> {
        if let Some(name) = &self.0.name {
            return Some(name);
        }
        let mut named = self.0.matchers.matchers.iter();
        named
            .find(|one| one.name == "__name__" && one.op == MatchOp::Equal)
            .map(|one| one.value.as_str())
    }

    /// What it asks of labels, but for the name.
    pub(super) fn matchers(&self) -> impl Iterator<Item = &Matcher> {
        let matchers = self.0.matchers.matchers.iter();
        matchers.filter(|one| one.name != "__name__")
    }

    /// The same without what it asks of one label.
    pub(super) fn without(&self, matcher: &Matcher) -> Self {
        let mut wider = self.0.clone();
        wider.matchers.matchers.retain(|one| one != matcher);
        Self(wider)
    }

    /// The same asking for nothing but the name.
    pub(super) fn bare(&self) -> Option<String> {
        self.name()
            .map(|name| written(name, std::iter::empty::<(&str, &str)>()))
    }
}

/// A selector of the series with this name and these labels.
pub(super) fn written<T: AsRef<str>>(name: &str, labels: impl Iterator<Item = (T, T)>) -> String {
    let matchers: Vec<_> = labels
        .map(|(label, value)| format!("{}={}", label.as_ref(), promql::string(value.as_ref())))
        .collect();
    if matchers.is_empty() {
        return name.to_owned();
    }
    format!("{name}{{{}}}", matchers.join(","))
}

/// A query in one line, so that it can be copied from any terminal.
pub(super) fn one_line(query: &str) -> String {
    if !query.contains(['\n', '\r', '\t']) {
        return query.to_owned();
    }
    parser::parse(query).map_or_else(|_| query.to_owned(), |expr| expr.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(query: &str) -> Vec<String> {
        Selector::all_of(query).iter().map(Selector::text).collect()
    }

    #[test]
    fn every_selector_is_found_once_wherever_it_stands() {
        assert_eq!(
            texts(
                r#"sum(increase(a_total{x="1"}[5m])) / sum(rate(a_total{x="1"}[1h] offset 1d)) + b"#
            ),
            [r#"a_total{x="1"}"#, "b"]
        );
        assert_eq!(
            texts("sum(count_over_time(((rate(c[5m]) / rate(d[5m])) >= 0)[30d:5m]))"),
            ["c", "d"]
        );
        assert_eq!(texts("vector(1)"), [""; 0]);
        assert_eq!(texts("not promql ("), [""; 0]);
    }

    #[test]
    fn a_selector_can_be_widened_by_one_matcher() {
        let all = Selector::all_of(r#"a{service="x",code=~"5.."}"#);
        let code = all[0]
            .matchers()
            .find(|m| m.name == "code")
            .cloned()
            .expect("it");
        assert_eq!(all[0].without(&code).text(), r#"a{service="x"}"#);
        assert_eq!(all[0].bare().as_deref(), Some("a"));
    }

    #[test]
    fn a_query_of_many_lines_is_copied_as_one() {
        let one = one_line("sum(\n  rate(a[5m]) # all of them\n)");
        assert!(!one.contains('\n') && !one.contains('#'), "{one}");
        let labels = [("path".to_owned(), "a\"b\\c".to_owned())];
        let series = written("a", labels.iter().map(|(name, value)| (name, value)));
        assert_eq!(series, r#"a{path="a\"b\\c"}"#);
    }
}
