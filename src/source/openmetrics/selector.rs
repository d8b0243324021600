//! Selectors of PromQL held against labels, and what an SLO measures made of them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{self, Expr, VectorSelector};

use crate::config::{Part, Sli, SloSettings};

/// The label that holds a series' name.
pub(super) const NAME: &str = "__name__";

/// A selector of series.
#[derive(Debug)]
pub(super) struct Selector {
    /// As it was written.
    text: String,
    matchers: Vec<Matcher>,
}

impl Selector {
    /// Reads a bare selector; the message says what is wrong with any other query.
    fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let clip = |text: &str| text.chars().take(80).collect::<String>();
        let Ok(Expr::VectorSelector(selector)) = parser::parse(text) else {
            return Err(format!(
                "`{}` is an expression, and only bare selectors can be measured without a server",
                clip(text)
            ));
        };
        let VectorSelector {
            name,
            matchers,
            offset,
            at,
        } = selector;
        if offset.is_some() || at.is_some() || !matchers.or_matchers.is_empty() {
            return Err(format!(
                "`{}` has an offset, `@` or `or`, which needs a server",
                clip(text)
            ));
        }
        let named = name.map(|name| Matcher::new(MatchOp::Equal, NAME, &name));
        let matchers = named.into_iter().chain(matchers.matchers);
        Ok(Self {
            text: text.to_owned(),
            matchers: matchers.map(normalised).collect(),
        })
    }

    /// True when a series is selected; `label` gives the value of one of its labels, and a label
    /// that is not there is empty, as in Prometheus.
    pub(super) fn selects<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.matchers
            .iter()
            .all(|matcher| matches(matcher, label(&matcher.name).unwrap_or_default()))
    }

    /// True when nothing that is known of a target keeps its series from being selected.
    pub(super) fn may_select(&self, target: &[(String, String)]) -> bool {
        self.matchers.iter().all(|matcher| {
            let known = target.iter().find(|(name, _)| *name == matcher.name);
            known.is_none_or(|(_, value)| matches(matcher, value))
        })
    }

    /// What it asks of labels, the name among them.
    pub(super) fn matchers(&self) -> &[Matcher] {
        &self.matchers
    }

    /// The labels that a series must have to be selected: a matcher that accepts the empty value
    /// needs none.
    pub(super) fn named_labels(&self) -> impl Iterator<Item = &str> {
        let named = self.matchers.iter();
        let named = named.filter(|one| one.name != NAME && !one.is_match(""));
        named.map(|one| one.name.as_str())
    }

    /// The name of the series, when the selector has just one.
    pub(super) fn name(&self) -> Option<&str> {
        let matcher = self.matchers.iter();
        let mut exact = matcher.filter(|one| one.name == NAME && one.op == MatchOp::Equal);
        exact.next().map(|matcher| matcher.value.as_str())
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// True for the labels whose values are numbers: those of buckets and of quantiles.
pub(super) fn is_numeric(label: &str) -> bool {
    matches!(label, "le" | "quantile")
}

/// A number of such a label in the one way that OpenMetrics and Prometheus 3 write it, so that `1`
/// and `1.0` name one bucket; `None` where it already is, or is no number.
pub(super) fn canonical(value: &str) -> Option<String> {
    let number: f64 = value.parse().ok()?;
    let written = if number.is_infinite() {
        if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else if number == 0.0 || (1e-5..1e17).contains(&number.abs()) {
        let plain = number.to_string();
        if plain.contains('.') {
            plain
        } else {
            format!("{plain}.0")
        }
    } else {
        return None;
    };
    (written != value).then_some(written)
}

fn normalised(mut matcher: Matcher) -> Matcher {
    let is_exact = matches!(matcher.op, MatchOp::Equal | MatchOp::NotEqual);
    if is_exact
        && is_numeric(&matcher.name)
        && let Some(value) = canonical(&matcher.value)
    {
        matcher.value = value;
    }
    matcher
}

/// True when a value is what a matcher asks for. It is canonical. A regular expression may mean `1` where the series says `1.0`.
pub(super) fn matches(matcher: &Matcher, value: &str) -> bool {
    let short = value
        .strip_suffix(".0")
        .filter(|_| is_numeric(&matcher.name));
    match (&matcher.op, short) {
        (MatchOp::Re(regex), Some(short)) => regex.is_match(value) || regex.is_match(short),
        (MatchOp::NotRe(regex), Some(short)) => !regex.is_match(value) && !regex.is_match(short),
        _ => matcher.is_match(value),
    }
}

/// Every selector of a source's SLOs, each once.
#[derive(Debug, Default)]
pub(super) struct Selectors {
    all: Vec<Selector>,
    /// The names that they can select; `None` when one of them can select any.
    names: Option<HashSet<String>>,
    /// The labels that they name, by the name of the metric.
    labels: HashMap<String, BTreeSet<String>>,
}

impl Selectors {
    /// One of them, by its number.
    pub(super) fn get(&self, index: usize) -> Option<&Selector> {
        self.all.get(index)
    }

    /// True when both select series of one metric, by their numbers.
    pub(super) fn count_the_same(&self, one: usize, other: usize) -> bool {
        let name = |index: usize| self.get(index).and_then(Selector::name);
        name(one).is_some() && name(one) == name(other)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// True when a series of this name may be selected.
    pub(super) fn may_name(&self, name: &str) -> bool {
        self.names.as_ref().is_none_or(|names| names.contains(name))
    }

    /// The labels of a metric that any of them names; `None` where none names the metric.
    pub(super) fn labels_of(&self, name: &str) -> Option<&BTreeSet<String>> {
        self.labels.get(name)
    }

    /// The numbers of those that select a series.
    pub(super) fn matching<'a>(
        &'a self,
        label: impl Fn(&str) -> Option<&'a str> + Copy,
    ) -> impl Iterator<Item = usize> {
        let all = self.all.iter().enumerate();
        all.filter(move |(_, selector)| selector.selects(label))
            .map(|(index, _)| index)
    }

    fn add(&mut self, text: &str) -> Result<usize, String> {
        let selector = Selector::read(text)?;
        let known = self.all.iter().position(|one| one.text == selector.text);
        Ok(known.unwrap_or_else(|| {
            self.all.push(selector);
            self.all.len() - 1
        }))
    }

    fn index(&mut self) {
        let names = self.all.iter().map(|one| one.name().map(str::to_owned));
        self.names = names.collect();
        for one in &self.all {
            if let Some(name) = one.name() {
                let labels = self.labels.entry(name.to_owned()).or_default();
                labels.extend(one.named_labels().map(str::to_owned));
            }
        }
    }
}

/// What the series of a selector count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// What failed.
    Bad,
    /// What did not.
    Good,
    /// Everything, or a gauge.
    Total,
}

impl Role {
    /// The word used in sentences.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Good => "good",
            Self::Total => "total",
        }
    }
}

/// What is counted for an SLO, by the numbers of its selectors.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Formula {
    /// Counters.
    Events {
        /// Bad or good events.
        part: usize,
        /// True when `part` is the bad ones.
        bad: bool,
        /// All events.
        total: usize,
    },
    /// Gauges that are 1 while good.
    Gauge(usize),
    /// The mean of several by weight.
    Weighted(Vec<(f64, Formula)>),
}

impl Formula {
    /// Reads an SLO's indicator; the message says why it cannot be measured.
    pub(super) fn of(sli: &Sli, selectors: &mut Selectors) -> Result<Self, String> {
        match sli {
            Sli::Events { part, total } => {
                let (Part::Bad(query) | Part::Good(query)) = part;
                Ok(Self::Events {
                    part: selectors.add(query)?,
                    bad: matches!(part, Part::Bad(_)),
                    total: selectors.add(total)?,
                })
            }
            Sli::Gauge(query) => Ok(Self::Gauge(selectors.add(query)?)),
            Sli::Weighted(parts) => {
                let of = |(weight, sli): &(f64, Sli)| Ok((*weight, Self::of(sli, selectors)?));
                parts
                    .iter()
                    .map(of)
                    .collect::<Result<_, _>>()
                    .map(Self::Weighted)
            }
            Sli::Latency { .. } => {
                Err("a native histogram is not in the text that targets expose".to_owned())
            }
            Sli::Ratio { .. } => {
                Err("an expression that is the ratio itself needs a server".to_owned())
            }
            Sli::Slices { .. } => Err("slices of time need a server".to_owned()),
        }
    }

    /// The numbers of all its selectors.
    pub(super) fn selectors(&self) -> Vec<usize> {
        self.roles().into_iter().map(|(_, index)| index).collect()
    }

    /// The numbers of all its selectors, and what each of them counts.
    pub(super) fn roles(&self) -> Vec<(Role, usize)> {
        match self {
            Self::Events {
                part, bad, total, ..
            } => {
                let role = if *bad { Role::Bad } else { Role::Good };
                vec![(role, *part), (Role::Total, *total)]
            }
            Self::Gauge(gauge) => vec![(Role::Total, *gauge)],
            Self::Weighted(parts) => {
                let parts = parts.iter();
                parts.flat_map(|(_, part)| part.roles()).collect()
            }
        }
    }
}

/// Reads all SLOs of a source: their selectors, and a formula each. The message names the SLO that
/// cannot be measured.
pub(super) fn formulas<'a>(
    slos: impl IntoIterator<Item = &'a SloSettings>,
) -> Result<(Selectors, Vec<Formula>), String> {
    let mut selectors = Selectors::default();
    let mut formulas = Vec::new();
    for slo in slos {
        let formula = if slo.by.is_empty() {
            Formula::of(&slo.sli, &mut selectors)
        } else {
            Err("`by`, one SLO for each value of a label, needs a server".to_owned())
        };
        let named = |reason| {
            let (service, name) = (&slo.service, &slo.name);
            format!(
                "does not measure the SLO `{service}/{name}`: {reason}; let a source of kind `prometheus` measure it"
            )
        };
        formulas.push(formula.map_err(named)?);
    }
    selectors.index();
    Ok((selectors, formulas))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(selector: &str, series: &[(&str, &str)]) -> bool {
        let selector = Selector::read(selector).unwrap();
        selector.selects(|name| {
            let label = series.iter().find(|(known, _)| *known == name);
            label.map(|(_, value)| *value)
        })
    }

    #[test]
    fn selectors_select_what_they_select_in_prometheus() {
        let series = [(NAME, "x_total"), ("code", "503"), ("job", "app")];
        for (selector, wanted) in [
            ("x_total", true),
            ("x", false),
            ("{__name__=~\"x_.*\",job=\"app\"}", true),
            ("x_total{code=~\"5..\"}", true),
            // Regular expressions are anchored.
            ("x_total{code=~\"5\"}", false),
            ("x_total{code!~\"5..\"}", false),
            ("x_total{code!=\"200\"}", true),
            // A label that is not there is empty.
            ("x_total{pod=\"\"}", true),
            ("x_total{pod!=\"\"}", false),
            ("x_total{pod=~\".*\"}", true),
        ] {
            assert_eq!(selects(selector, &series), wanted, "{selector}");
        }
    }

    #[test]
    fn a_bucket_is_the_same_with_and_without_its_point() {
        let series = [(NAME, "h_bucket"), ("le", "1.0")];
        for selector in ["1", "1.0", "1.00"] {
            assert!(selects(&format!("h_bucket{{le=\"{selector}\"}}"), &series));
        }
        assert!(selects("h_bucket{le=~\"1|2\"}", &series));
        assert!(!selects("h_bucket{le!~\"1|2\"}", &series));
        assert!(!selects("h_bucket{le!=\"1\"}", &series));
        assert_eq!(canonical("0.25"), None);
        assert_eq!(canonical(".5").as_deref(), Some("0.5"));
        assert_eq!(canonical("5").as_deref(), Some("5.0"));
        assert_eq!(canonical("inf").as_deref(), Some("+Inf"));
        assert_eq!(canonical("+Inf"), None);
        assert_eq!(canonical("all"), None);
    }

    #[test]
    fn what_a_target_is_called_tells_whether_it_can_matter() {
        let target = [("job".to_owned(), "app".to_owned())];
        assert!(Selector::read("x{code=\"1\"}").unwrap().may_select(&target));
        assert!(!Selector::read("x{job=\"db\"}").unwrap().may_select(&target));
    }

    #[test]
    fn expressions_are_refused() {
        for query in [
            "sum(increase(x[$window]))",
            "rate(x[5m])",
            "x offset 5m",
            "x @ 3",
        ] {
            assert!(Selector::read(query).is_err(), "{query}");
        }
    }
}
