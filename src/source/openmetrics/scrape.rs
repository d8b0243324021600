//! Asks targets for their metrics, and keeps of them what a selector selects.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use tokio::time::Instant;

use super::absence::{WITNESS, Witnessed};
use super::history::{Kept, Scraped};
use super::parse::{Exposed, Format, parse};
use super::selector::{NAME, Selectors, canonical, is_numeric};
use super::targets::Target;
use crate::config::SourceSettings;
use crate::domain::{Fault, FaultKind};
use crate::http::{Answer, Http, RowLimit};
use crate::text::Untrusted;

/// What we read, best first; as Prometheus 3 asks.
const ACCEPT: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
    application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
    text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
/// Scrapes in flight.
const IN_FLIGHT: usize = 32;
/// The most series of one target that are kept.
const SERIES: RowLimit = RowLimit {
    most: 10_000,
    what: "series that SLOs select",
    fix: "narrow their selectors",
};

/// Clients for the targets, kept between polls.
pub(super) struct Clients {
    /// Of no target: what all others share their credentials with.
    first: Http,
    settings: SourceSettings,
    by_url: HashMap<String, Http>,
}

impl Clients {
    pub(super) fn new(first: Http, settings: SourceSettings) -> Self {
        Self {
            first,
            settings,
            by_url: HashMap::new(),
        }
    }

    /// Asks every target once, and is done by the deadline.
    pub(super) async fn scrape(
        &mut self,
        targets: Vec<Target>,
        selectors: &Arc<Selectors>,
        deadline: Duration,
    ) -> Vec<Scraped> {
        let selectors = Arc::clone(selectors);
        let read = move |answer: &Answer, target: &Target, at| kept(answer, target, &selectors, at);
        let round = self.round(targets, read, deadline).await;
        let scraped = round.into_iter().map(|(target, at, outcome)| Scraped {
            up: identity(up(&target)),
            instance: target.instance,
            at,
            outcome,
        });
        scraped.collect()
    }

    /// Asks every target once for what it exposes, and is done by the deadline.
    pub(super) async fn look(
        &mut self,
        targets: Vec<Target>,
        selectors: &Arc<Selectors>,
        deadline: Duration,
    ) -> Exposition {
        let selectors = Arc::clone(selectors);
        let read = move |answer: &Answer, target: &Target, _| exposed(answer, target, &selectors);
        let round = self.round(targets, read, deadline).await;
        let mut all = Exposition::default();
        for (target, _, outcome) in round {
            all.add(up(&target));
            if let Ok(one) = outcome {
                all.names.extend(one.names);
                all.series.extend(one.series);
            }
        }
        all
    }

    /// Asks every target once, and reads each answer; with the moment it was asked at.
    async fn round<T: Send + 'static>(
        &mut self,
        targets: Vec<Target>,
        read: impl Fn(&Answer, &Target, i64) -> Result<T, Fault> + Clone + Send + 'static,
        deadline: Duration,
    ) -> Vec<(Target, i64, Result<T, Fault>)> {
        let known = |url: &String| targets.iter().any(|target| target.url == *url);
        self.by_url.retain(|url, _| known(url));
        for target in &targets {
            if !self.by_url.contains_key(&target.url)
                && let Ok(http) = self.first.beside(&self.settings, &target.url)
            {
                self.by_url.insert(target.url.clone(), http);
            }
        }
        let deadline = Instant::now() + deadline;
        let scrapes = targets.into_iter().map(|target| {
            let http = self.by_url.get(&target.url);
            let read = read.clone();
            async move {
                let at = Timestamp::now().as_millisecond();
                let asked = tokio::time::timeout_at(deadline, ask(http, &target, read, at));
                let outcome = asked.await.unwrap_or_else(|_| {
                    let words = "no answer before the round of scrapes had to end";
                    Err(Fault::new(FaultKind::Timeout, words))
                });
                let outcome = outcome.map_err(|fault| Fault {
                    message: named(&fault.message),
                    ..fault
                });
                (target, at, outcome)
            }
        });
        stream::iter(scrapes)
            .buffer_unordered(IN_FLIGHT)
            .collect()
            .await
    }
}

/// What targets expose at one moment.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    /// The names of all series.
    pub(super) names: BTreeSet<String>,
    /// The labels of those series that a selector may select by their name.
    pub(super) series: Vec<BTreeMap<String, String>>,
}

impl Exposition {
    /// Adds a series with these labels, its name among them.
    pub(super) fn add<'a>(&mut self, labels: impl Iterator<Item = (&'a str, &'a str)>) {
        let owned = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let labels: BTreeMap<_, _> = owned.collect();
        self.names.extend(labels.get(NAME).cloned());
        self.series.push(labels);
    }
}

/// The HTTP client calls the address of a target by the setting that other kinds have it in.
fn named(message: &Untrusted) -> Untrusted {
    Untrusted::from(message.raw().replace("`url`", "`targets`"))
}

async fn ask<T: Send + 'static>(
    http: Option<&Http>,
    target: &Target,
    read: impl Fn(&Answer, &Target, i64) -> Result<T, Fault> + Send + 'static,
    at: i64,
) -> Result<T, Fault> {
    let http = http.ok_or_else(|| {
        Fault::new(
            FaultKind::Connect,
            "its address is no URL; correct it where it is listed",
        )
    })?;
    let answer = http.get("").header("accept", ACCEPT).send().await?;
    let target = target.clone();
    // A large body takes milliseconds to read.
    tokio::task::spawn_blocking(move || read(&answer, &target, at))
        .await
        .unwrap_or_else(|_| Err(Fault::new(FaultKind::Crash, "its answer was not read")))
}

/// The name of an answer without metrics: empty, or a page for people.
fn no_exposition(answer: &Answer) -> Option<Fault> {
    let body = answer.body.trim_ascii_start();
    let content_type = answer.header("content-type").unwrap_or_default();
    let words = if body.is_empty() {
        "answered nothing where metrics were expected; check `targets`"
    } else if body.starts_with(b"<") || content_type.to_ascii_lowercase().contains("html") {
        "answered HTML where metrics were expected; a login page or proxy?"
    } else {
        return None;
    };
    Some(Fault::new(FaultKind::Decode, words))
}

/// Reads the samples of an answer.
fn read(answer: &Answer, visit: impl FnMut(&Exposed<'_, '_>)) -> Result<(), Fault> {
    if let Some(fault) = no_exposition(answer) {
        return Err(fault);
    }
    let format = Format::of(answer.header("content-type"));
    parse(&answer.body, format, visit)
        .map_err(|wrong| Fault::new(FaultKind::Decode, format!("not metrics: {wrong}")))
}

/// The samples of an answer that some selector selects.
fn kept(
    answer: &Answer,
    target: &Target,
    selectors: &Selectors,
    at: i64,
) -> Result<Vec<Kept>, Fault> {
    let mut kept = Vec::new();
    // One exposition may hold many samples of a series, of different times.
    let (state, mut series) = (RandomState::new(), HashSet::new());
    let mut witnessed = Witnessed::default();
    read(answer, |sample| {
        if !selectors.may_name(sample.name) {
            return;
        }
        let labels = labels(sample, &target.labels);
        let value = |name: &str| {
            let found = labels.iter().find(|(known, _)| known == name);
            found.map(|(_, value): &(Cow<'_, str>, Cow<'_, str>)| value.as_ref())
        };
        let is_selected = selectors.matching(value).next().is_some();
        if let Some(wanted) = selectors.labels_of(sample.name) {
            let names = labels.iter().map(|(name, _)| name.as_ref());
            witnessed.add(wanted, sample.name, names, is_selected);
        }
        if is_selected {
            let labels = labels.iter();
            let labels = identity(labels.map(|(name, value)| (name.as_ref(), value.as_ref())));
            series.insert(state.hash_one(&labels));
            if series.len() > SERIES.most {
                // They are only counted from here on.
                kept = Vec::new();
                return;
            }
            kept.push(Kept {
                series: labels,
                at: sample.at.unwrap_or(at),
                value: sample.value,
            });
        }
    })?;
    SERIES.check(series.len())?;
    let unselected = witnessed.witnesses().map(|labels| Kept {
        series: identity(labels.into_iter().chain([(NAME, WITNESS)])),
        at,
        value: 1.0,
    });
    kept.extend(unselected);
    Ok(kept)
}

/// The names of all series of an answer, and the labels of those that some selector may select.
fn exposed(answer: &Answer, target: &Target, selectors: &Selectors) -> Result<Exposition, Fault> {
    let mut all = Exposition::default();
    read(answer, |sample| {
        if selectors.may_name(sample.name) && all.series.len() < SERIES.most {
            let labels = labels(sample, &target.labels);
            let labels = labels.iter();
            all.add(labels.map(|(name, value)| (name.as_ref(), value.as_ref())));
        } else if !all.names.contains(sample.name) {
            all.names.insert(sample.name.to_owned());
        }
    })?;
    Ok(all)
}

/// The labels that a sample has in Prometheus: its own, and those of its target, before which one
/// of the same name goes back to `exported_…`. An empty label is none.
fn labels<'a>(
    sample: &Exposed<'a, 'a>,
    target: &'a [(String, String)],
) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
    let mut labels = Vec::with_capacity(sample.labels.len() + target.len() + 1);
    labels.push((Cow::Borrowed(NAME), Cow::Borrowed(sample.name)));
    for (name, value) in sample.labels {
        if value.is_empty() {
            continue;
        }
        let is_targets = target.iter().any(|(known, _)| known == name);
        let name = if is_targets {
            Cow::Owned(format!("exported_{name}"))
        } else {
            name.clone()
        };
        let canonical = is_numeric(&name).then(|| canonical(value)).flatten();
        let value = canonical.map_or_else(|| value.clone(), Cow::Owned);
        labels.push((name, value));
    }
    let own = target.iter();
    labels.extend(own.map(|(name, value)| (Cow::from(name), Cow::from(value))));
    labels
}

/// The labels of the series that says whether a target answers.
fn up(target: &Target) -> impl Iterator<Item = (&str, &str)> {
    let labels = target.labels.iter();
    let labels = labels.map(|(name, value)| (name.as_str(), value.as_str()));
    labels.chain([(NAME, "up")])
}

/// Labels as JSON with sorted keys: what a series is known by.
fn identity<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut labels: Vec<_> = labels.collect();
    labels.sort_unstable();
    let mut text = String::from("{");
    for (name, value) in labels {
        let comma = if text.len() > 1 { "," } else { "" };
        let (name, value) = (
            serde_json::Value::from(name),
            serde_json::Value::from(value),
        );
        let _ = write!(text, "{comma}{name}:{value}");
    }
    text.push('}');
    text
}
