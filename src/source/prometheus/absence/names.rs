//! Whether metrics exist within a time, and whether any of their series has a label: read from the
//! server's index, many metrics a request, and kept for minutes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use promql_parser::label::{MatchOp, Matcher};

use super::Server;
use crate::domain::{Fault, FaultKind, Window, window};
use crate::source::prometheus::api::{Api, Series, envelope, seconds};
use crate::source::prometheus::planner::Question;
use crate::source::prometheus::promql;

/// How long it counts that something exists.
const CADENCE: SignedDuration = SignedDuration::from_mins(5);
/// How long it counts that something does not.
const CADENCE_OF_NONE: SignedDuration = SignedDuration::from_mins(1);
/// The longest selector of a request, in bytes: it stands in the URL.
const LONGEST: usize = 2_000;
/// Requests in flight.
const IN_FLIGHT: usize = 4;
/// Expressions in one query, where the index cannot be read.
const EXPRESSIONS: usize = 50;
/// Where the index is read.
const PATH: &str = "/api/v1/label/__name__/values";

/// The metrics of a selector.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Name {
    /// One, by its name.
    Exact(String),
    /// Those that matchers select; any metric where there is none.
    Matching(String),
}

/// What may exist: a metric, or a label on any series of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    /// How far back it counts.
    pub(super) period: Window,
    /// Empty for the metric itself.
    pub(super) label: String,
    pub(super) name: Name,
}

impl Key {
    /// A selector of the series that it asks for.
    fn selector(&self, name: &str) -> String {
        let has_label = Matcher::new(MatchOp::NotEqual, &self.label, "").to_string();
        let label = Some(has_label).filter(|_| !self.label.is_empty());
        let name = Some(name.to_owned()).filter(|name| !name.is_empty());
        let matchers: Vec<_> = name.into_iter().chain(label).collect();
        format!("{{{}}}", matchers.join(","))
    }

    /// The same of this key's own metrics.
    fn own(&self) -> String {
        match &self.name {
            Name::Exact(name) => self.selector(&is_named(name)),
            Name::Matching(matchers) => self.selector(matchers),
        }
    }
}

fn is_named(name: &str) -> String {
    Matcher::new(MatchOp::Equal, "__name__", name).to_string()
}

/// What is known to exist.
#[derive(Default)]
pub(super) struct Names {
    known: HashMap<Key, Known>,
}

struct Known {
    asked: Timestamp,
    exists: Result<bool, Fault>,
}

impl Known {
    fn holds(&self, at: Timestamp) -> bool {
        let cadence = if matches!(self.exists, Ok(true)) {
            CADENCE
        } else {
            CADENCE_OF_NONE
        };
        self.asked <= at && window::age(self.asked, at) < cadence
    }
}

/// Metrics that one request asks for.
struct Part {
    keys: Vec<Key>,
    selector: String,
}

impl Names {
    /// Whether something exists, where that was asked.
    pub(super) fn exists(&self, key: &Key) -> Result<bool, Fault> {
        match self.known.get(key) {
            Some(known) => known.exists.clone(),
            None => Err(Fault::new(FaultKind::Query, "it was not asked for")),
        }
    }

    /// Looks up what is not known, or no longer.
    pub(super) async fn look(&mut self, server: &mut Server<'_>, wanted: BTreeSet<Key>) {
        let at = server.ask.moment();
        self.known
            .retain(|_, known| known.asked <= at && window::age(known.asked, at) < CADENCE);
        let is_known = |key: &Key| self.known.get(key).is_some_and(|one| one.holds(at));
        let wanted: Vec<_> = wanted.into_iter().filter(|key| !is_known(key)).collect();
        if wanted.is_empty() {
            return;
        }
        // Samples are dated by the server's clock.
        let end = server.ask.at.or_else(|| server.api.present()).unwrap_or(at);
        let api = server.api;
        let looks = parts(wanted).into_iter().map(|part| async move {
            let found = look(api, &part, end).await;
            (part, found)
        });
        let looks: Vec<_> = looks.collect();
        let found: Vec<_> = stream::iter(looks).buffered(IN_FLIGHT).collect().await;
        let mut unread = Vec::new();
        for (part, found) in found {
            match found {
                // A server, or a proxy, that does not let the index be read.
                Err(fault) if is_of_index(fault.kind) => unread.extend(part.keys),
                found => {
                    for (number, key) in part.keys.into_iter().enumerate() {
                        let exists = match &found {
                            Ok(found) => found[number].clone(),
                            Err(fault) => Err(fault.clone()),
                        };
                        self.known.insert(key, Known { asked: at, exists });
                    }
                }
            }
        }
        if !unread.is_empty() {
            self.count(server, unread).await;
        }
    }

    /// Asks whether there are such series now, where the index cannot be read.
    async fn count(&mut self, server: &mut Server<'_>, keys: Vec<Key>) {
        let asked = server.ask.moment();
        let queries: Vec<_> = keys
            .iter()
            .map(|key| format!("count({})", key.own()))
            .collect();
        let answers = server.instant(&queries, EXPRESSIONS).await;
        for (number, key) in keys.into_iter().enumerate() {
            let exists = match &answers {
                Ok(answers) => {
                    let series = answers.get(number).map_err(Clone::clone);
                    series.map(|series: &[Series]| !series.is_empty())
                }
                Err(fault) => Err(fault.clone()),
            };
            self.known.insert(key, Known { asked, exists });
        }
    }
}

/// True for what a server returns that has no such index, and false for one that does not answer.
fn is_of_index(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::NotFound | FaultKind::Forbidden | FaultKind::Query | FaultKind::Decode
    )
}

/// As few requests as possible: one for all metrics with a label, where they are named exactly.
fn parts(wanted: Vec<Key>) -> Vec<Part> {
    let mut exact: BTreeMap<(Window, String), Vec<(Key, String)>> = BTreeMap::new();
    let mut parts = Vec::new();
    for key in wanted {
        match &key.name {
            Name::Exact(name) => {
                let name = name.clone();
                let group = (key.period, key.label.clone());
                exact.entry(group).or_default().push((key, name));
            }
            Name::Matching(_) => parts.push(Part {
                selector: key.own(),
                keys: vec![key],
            }),
        }
    }
    for group in exact.into_values() {
        let mut rest = group.as_slice();
        while !rest.is_empty() {
            let mut length = 0;
            let fits = rest.iter().take_while(|(_, name)| {
                length += name.len() + 1;
                length <= LONGEST
            });
            let (chunk, others) = rest.split_at(fits.count().max(1));
            rest = others;
            parts.extend(part(chunk));
        }
    }
    parts
}

fn part(chunk: &[(Key, String)]) -> Option<Part> {
    let (first, name) = chunk.first()?;
    let selector = if chunk.len() == 1 {
        first.selector(&is_named(name))
    } else {
        let names: Vec<_> = chunk.iter().map(|(_, name)| promql::quoted(name)).collect();
        let any = format!("__name__=~{}", promql::string(&names.join("|")));
        first.selector(&any)
    };
    let keys = chunk.iter().map(|(key, _)| key.clone()).collect();
    Some(Part { keys, selector })
}

/// Whether each of these exists. Of an answer that lacks parts of the data only what is in it counts.
async fn look(api: &Api, part: &Part, end: Timestamp) -> Result<Vec<Result<bool, Fault>>, Fault> {
    let period = part.keys.first().map_or(Window::days(30), |key| key.period);
    let start = end.saturating_sub(period.duration()).unwrap_or(end);
    let request = api
        .http()
        .get(PATH)
        .query("match[]", &part.selector)
        .query("start", &seconds(start))
        .query("end", &seconds(end));
    let answer = request.send().await?;
    let answer = envelope::<BTreeSet<String>>(&answer)?;
    let exists = |key: &Key| {
        let is_there = match &key.name {
            Name::Exact(name) => answer.data.contains(name),
            Name::Matching(_) => !answer.data.is_empty(),
        };
        if is_there || !answer.partial {
            return Ok(is_there);
        }
        let words = "parts of the data did not answer whether it exists";
        Err(Fault::new(FaultKind::Query, words))
    };
    Ok(part.keys.iter().map(exists).collect())
}

/// The questions of some queries, each of few samples.
pub(super) fn questions(queries: &[String]) -> Vec<Question<'_>> {
    let queries = queries.iter();
    queries.map(|query| Question { query, class: 0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, label: &str) -> Key {
        Key {
            period: Window::days(30),
            label: label.to_owned(),
            name: Name::Exact(name.to_owned()),
        }
    }

    #[test]
    fn metrics_with_one_label_are_one_request() {
        let mut wanted = vec![key("a", "code"), key("b", "code"), key("c", "")];
        wanted.push(Key {
            name: Name::Matching("__name__=~\"x.*\"".to_owned()),
            ..key("", "code")
        });
        let selectors: Vec<_> = parts(wanted)
            .into_iter()
            .map(|part| part.selector)
            .collect();
        assert_eq!(
            selectors,
            [
                r#"{__name__=~"x.*",code!=""}"#,
                r#"{__name__="c"}"#,
                r#"{__name__=~"a|b",code!=""}"#,
            ]
        );
    }

    #[test]
    fn many_metrics_are_cut_where_a_url_would_be_too_long() {
        let wanted: Vec<_> = (0..500)
            .map(|n| key(&format!("metric_{n:03}"), ""))
            .collect();
        let parts = parts(wanted);
        assert!((2..=6).contains(&parts.len()), "{}", parts.len());
        assert_eq!(parts.iter().map(|part| part.keys.len()).sum::<usize>(), 500);
        assert!(parts.iter().all(|part| part.selector.len() < LONGEST + 64));
    }
}
