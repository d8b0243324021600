//! What a silence of an incident has to match, and which silences are too wide to be made.

use std::collections::BTreeSet;

use super::identity::{dimensions, is_of_instance};
use super::labels::LabelNames;
use super::wire::Alert;
use crate::domain::{Fault, FaultKind, Matcher};
use crate::text::Untrusted;

/// The most values of one label that a silence of an incident names.
const MAX_VALUES: usize = 20;

/// Up to so many alerts of one name are compared with the conditions even where these are exact by the
/// labels they rest on.
const MAX_COMPARED: usize = 256;

/// So many certain characters at the beginning of a regular expression name something.
const MIN_PREFIX: usize = 3;

/// Labels that very many unrelated alerts share, besides those that are configured to name the
/// severity. They narrow a silence and never make one.
const SHARED_LABELS: [&str; 19] = [
    "severity",
    "sloth_severity",
    "severity_level",
    "level",
    "priority",
    "prio",
    "urgency",
    "criticality",
    "team",
    "squad",
    "owner",
    "environment",
    "env",
    "stage",
    "alertstate",
    "monitor",
    "prometheus",
    "prometheus_replica",
    "replica",
];

/// A condition on one label: it has one of these values, the empty one when it is not there.
#[derive(Clone, Debug, PartialEq)]
struct Condition<'a> {
    name: &'a str,
    values: BTreeSet<&'a str>,
}

impl<'a> Condition<'a> {
    /// The values that a label has in these alerts; `None` where they are too many to be named.
    fn new(name: &'a str, alerts: &[&'a Alert]) -> Option<Self> {
        let values: BTreeSet<&str> = alerts.iter().map(|alert| value(alert, name)).collect();
        (values.len() <= MAX_VALUES).then_some(Self { name, values })
    }

    fn matches(&self, alert: &Alert) -> bool {
        self.values.contains(value(alert, self.name))
    }

    fn matcher(&self) -> Matcher {
        let values: Vec<&str> = self.values.iter().copied().collect();
        if let [value] = values[..] {
            return Matcher::equal(self.name, value);
        }
        let values: Vec<String> = values.into_iter().map(quoted).collect();
        Matcher {
            is_regex: true,
            ..Matcher::equal(self.name, values.join("|"))
        }
    }
}

/// The value of a label; empty when it is not there, which is the same to Alertmanager.
fn value<'a>(alert: &'a Alert, name: &str) -> &'a str {
    alert.labels.get(name).map_or("", String::as_str)
}

/// Alerts of one name: among them, those of an incident have to be told from the others.
pub(super) struct Namesakes<'a> {
    alerts: Vec<&'a Alert>,
    /// The labels that any of them has.
    carried: BTreeSet<&'a str>,
    dimensions: Vec<Vec<&'a str>>,
}

impl<'a> Namesakes<'a> {
    pub(super) fn new(alerts: Vec<&'a Alert>, names: &'a LabelNames) -> Self {
        let labels = alerts.iter().flat_map(|alert| &alert.labels);
        let carried = labels.filter(|(_, value)| !value.is_empty());
        Self {
            carried: carried.map(|(name, _)| name.as_str()).collect(),
            dimensions: dimensions(names),
            alerts,
        }
    }

    /// What tells these alerts, which are one incident, from all others of their name: an alert of the
    /// same matter from one more instance is hidden as well. Alerts without a name are told by all that
    /// they carry. Empty where no silence can tell them apart.
    pub(super) fn matchers(&self, alerts: &[&'a Alert]) -> Vec<Matcher> {
        let conditions = self.conditions(alerts, alerts).unwrap_or_default();
        conditions.iter().map(Condition::matcher).collect()
    }

    /// The same of one of the alerts of an incident, which differ in these labels.
    pub(super) fn matchers_of_one(
        &self,
        alert: &'a Alert,
        alerts: &[&'a Alert],
        differing: &[&'a str],
    ) -> Vec<Matcher> {
        let one = [alert];
        let mut conditions = self.conditions(&one, alerts).unwrap_or_else(|| {
            let names = self.carried.iter().copied().chain(["alertname"]);
            let names: BTreeSet<&str> = names.collect();
            names
                .into_iter()
                .filter_map(|name| Condition::new(name, &one))
                .collect()
        });
        for name in differing {
            if !conditions.iter().any(|known| known.name == *name) {
                conditions.extend(Condition::new(name, &one));
            }
        }
        conditions.iter().map(Condition::matcher).collect()
    }

    /// Conditions that these alerts meet and none but those of their incident, `own`.
    fn conditions(&self, alerts: &[&'a Alert], own: &[&'a Alert]) -> Option<Vec<Condition<'a>>> {
        let mut found: Vec<Condition<'a>> = Vec::new();
        let mut is_exact = true;
        for dimension in &self.dimensions {
            is_exact &= self.add(dimension, alerts, &mut found);
        }
        let is_nameless = alerts
            .iter()
            .any(|alert| value(alert, "alertname").is_empty());
        if is_nameless {
            found.extend(Condition::new("alertname", alerts));
            for name in &self.carried {
                let is_there = alerts.iter().any(|alert| !value(alert, name).is_empty());
                let is_known = found.iter().any(|known| known.name == *name);
                if !is_known && (is_there || !is_of_instance(name)) {
                    found.extend(Condition::new(name, alerts));
                }
            }
        }
        // The severity of an alert on a burn is read from its windows as well.
        let has_windows = alerts.iter().any(|alert| !value(alert, "long").is_empty());
        let is_small = self.alerts.len() <= MAX_COMPARED;
        if !is_exact || has_windows || is_small {
            self.exclude_others(alerts, own, &mut found)?;
        }
        Some(found)
    }

    /// Adds what the alerts say by labels that say the same thing; false when they say it by different
    /// ones, so that other alerts may match.
    fn add(&self, names: &[&'a str], alerts: &[&'a Alert], found: &mut Vec<Condition<'a>>) -> bool {
        let has = |name: &str, alert: &&Alert| !value(alert, name).is_empty();
        let first = names
            .iter()
            .position(|name| alerts.iter().any(|alert| has(name, alert)));
        let is_plain = first.is_none_or(|at| alerts.iter().all(|alert| has(names[at], alert)));
        // Labels behind the one that speaks say nothing; those before it are not there.
        let spoken = match first {
            Some(at) if is_plain => &names[..=at],
            _ => names,
        };
        let mut is_whole = true;
        for name in spoken {
            let is_known = found.iter().any(|known| known.name == *name);
            if is_known || !self.carried.contains(name) {
                continue;
            }
            match Condition::new(name, alerts) {
                Some(condition) => found.push(condition),
                None => is_whole = false,
            }
        }
        is_plain && is_whole
    }

    /// Adds conditions until no alert of another incident matches; `None` where none is left.
    fn exclude_others(
        &self,
        alerts: &[&'a Alert],
        own: &[&'a Alert],
        found: &mut Vec<Condition<'a>>,
    ) -> Option<()> {
        for other in &self.alerts {
            let is_own = own.iter().any(|alert| std::ptr::eq(*alert, *other));
            if is_own || !found.iter().all(|condition| condition.matches(other)) {
                continue;
            }
            let mut names = self.carried.iter().filter(|name| !is_of_instance(name));
            let condition = names.find_map(|name| {
                Condition::new(name, alerts).filter(|condition| !condition.matches(other))
            });
            found.push(condition?);
        }
        Some(())
    }
}

/// A value as a regular expression (RE2) of just that.
fn quoted(value: &str) -> String {
    let mut out = String::new();
    for c in value.chars() {
        if c.is_ascii_punctuation() && !matches!(c, '-' | '_' | '/' | ':' | ',' | '"' | '\'') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// True for a matcher that asks for certain values of a label, and not just for any.
fn is_certain(matcher: &Matcher) -> bool {
    if !matcher.is_equal || matcher.value.is_empty() {
        return false;
    }
    !matcher.is_regex || names_values(&matcher.value)
}

/// True for a regular expression that is a list of values, or of beginnings long enough to name
/// something: `a|b`, `Kube.*`.
fn names_values(regex: &str) -> bool {
    if regex.contains(['(', ')', '[', ']']) {
        return false;
    }
    alternatives(regex).all(|one| {
        let (prefix, is_whole) = certain_prefix(&one);
        (is_whole && prefix > 0) || prefix >= MIN_PREFIX
    })
}

/// The alternatives of a regular expression without groups.
fn alternatives(regex: &str) -> impl Iterator<Item = String> {
    let (mut all, mut is_quoted) = (vec![String::new()], false);
    for c in regex.chars() {
        if c == '|' && !is_quoted {
            all.push(String::new());
        } else if let Some(last) = all.last_mut() {
            last.push(c);
        }
        is_quoted = c == '\\' && !is_quoted;
    }
    all.into_iter()
}

/// How many characters at the beginning stand for themselves, and whether these are all.
fn certain_prefix(regex: &str) -> (usize, bool) {
    let mut count = 0;
    let mut rest = regex.chars().peekable();
    while let Some(c) = rest.next() {
        let is_certain = match c {
            // A class such as `\d` begins with a letter.
            '\\' => rest.next().is_some_and(|c| c.is_ascii_punctuation()),
            c => !matches!(c, '.' | '*' | '+' | '?' | '{' | '}' | '^' | '$'),
        };
        let may_be_absent = matches!(rest.peek(), Some('*' | '?' | '{'));
        if !is_certain || may_be_absent {
            return (count, false);
        }
        count += 1;
    }
    (count, true)
}

/// Refuses a silence that could hide what it is not meant for: one without a label of a certain value
/// that names what it is about.
pub(in crate::source) fn check(matchers: &[Matcher], names: &LabelNames) -> Result<(), Fault> {
    let refuse = |words: &str| Err(Fault::new(FaultKind::Query, words));
    if matchers.is_empty() {
        return refuse(
            "a silence needs a matcher, or it hides everything: service=\"…\" for example",
        );
    }
    if let Some(matcher) = matchers.iter().find(|matcher| matcher.name.is_empty()) {
        return refuse(&format!("the matcher {matcher} names no label"));
    }
    let is_shared = |matcher: &&Matcher| {
        let name = matcher.name.to_lowercase();
        SHARED_LABELS.contains(&name.as_str()) || names.severity.contains(&matcher.name)
    };
    let (shared, others): (Vec<&Matcher>, Vec<&Matcher>) = matchers
        .iter()
        .filter(|matcher| is_certain(matcher))
        .partition(is_shared);
    if !others.is_empty() {
        return Ok(());
    }
    match shared.first() {
        Some(matcher) => refuse(&format!(
            "{matcher} alone is too broad: it would hide unrelated alerts too; add a label that \
             names what it is about, such as alertname=\"…\" or service=\"…\""
        )),
        None => refuse(
            "no matcher asks for one certain value, so that the silence could hide everything; \
             add one such as alertname=\"…\" or service=\"…\"",
        ),
    }
}

/// One alert in a line, as Prometheus writes it: `Name{label="value"}`.
pub(in crate::source) fn listed(alert: &Alert) -> Untrusted {
    let others = alert.labels.iter().filter(|(name, _)| *name != "alertname");
    let labels: Vec<String> = others
        .map(|(name, value)| Matcher::equal(name.as_str(), value.as_str()).to_string())
        .collect();
    let name = alert.label(&["alertname"]);
    format!("{name}{{{}}}", labels.join(",")).into()
}
