//! Sources: each asks one system and answers with facts in the shared vocabulary.
//!
//! A kind of source is one file and one line in [`KINDS`]; nothing else knows its name.

use std::future::Future;
use std::pin::Pin;

use jiff::{SignedDuration, Timestamp};

use crate::config::{KnownKind, Problem, Settings, SourceSettings, Step};
use crate::domain::explanation::Request;
use crate::domain::past::{PastEvents, PastQuestion};
use crate::domain::{
    Done, Explanation, Facts, Fault, FaultKind, Finding, Mapped, Observation, Order, Preview, Verb,
};
use crate::store::{Ended, Offers};
use crate::text::Untrusted;

mod adjustments;
mod alert;
pub mod alertmanager;
pub mod argocd;
mod commit;
pub mod credentials;
#[cfg(test)]
mod fixture;
pub mod github;
pub mod gitlab;
pub mod grafana_irm;
mod image;
pub mod incidentio;
pub mod jsm;
pub mod json;
mod kit;
pub mod kubernetes;
mod missing_series;
pub mod openmetrics;
pub mod pagerduty;
mod place;
pub mod prometheus;
mod rollback;
mod severity;
mod status_words;
mod target;

/// Every kind of source there is.
pub const KINDS: &[Kind] = &[
    prometheus::KIND,
    openmetrics::KIND,
    alertmanager::KIND,
    github::KIND,
    gitlab::KIND,
    pagerduty::KIND,
    incidentio::KIND,
    jsm::KIND,
    grafana_irm::KIND,
    argocd::KIND,
    kubernetes::KIND,
    json::KIND,
];

/// A kind of source: its name in the configuration, and how one is built.
pub struct Kind {
    /// What `kind = "…"` says.
    pub name: &'static str,
    /// How often it is asked when the configuration does not say.
    pub interval: SignedDuration,
    /// True when it can measure an SLO of the configuration.
    pub measures: bool,
    /// Reads the source's own settings; reaches for no network and no secret yet.
    pub build: fn(&SourceSettings, &Settings) -> Result<Built, Problem>,
}

/// What the configuration has to know of every kind.
pub fn known_kinds() -> Vec<KnownKind> {
    KINDS
        .iter()
        .map(|kind| KnownKind {
            name: kind.name,
            interval: kind.interval,
            measures: kind.measures,
        })
        .collect()
}

/// A source, built from its settings.
pub struct Built {
    /// Ready to be asked.
    pub source: Box<dyn Source>,
    /// What it can speak of.
    pub offers: Offers,
    /// The SLOs that it is known to measure before it has answered: unknown, not absent.
    pub expected: Vec<Observation>,
}

impl Built {
    /// A source of releases.
    fn releases(source: impl Source + 'static) -> Self {
        let offers = Offers {
            releases: true,
            ..Offers::default()
        };
        Self::new(source, offers)
    }

    /// A source of incidents, and what can be done to them through it.
    fn incidents(source: impl Source + 'static, acts: &'static [Verb]) -> Self {
        let offers = Offers {
            incidents: true,
            ended: Ended::ForADay,
            acts,
            ..Offers::default()
        };
        Self::new(source, offers)
    }

    /// A source of which no SLO is known before it has answered.
    fn new(source: impl Source + 'static, offers: Offers) -> Self {
        Self {
            source: Box::new(source),
            offers,
            expected: Vec::new(),
        }
    }
}

/// One poll's question.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// The present.
    pub now: Timestamp,
    /// The past moment that is asked for, if any: `status --at`.
    pub at: Option<Timestamp>,
    /// Whether the recent course of each SLO is wanted too, for charts.
    pub history: bool,
    /// Since when dated rows are wanted, and what releases carry, where that is more than the recent
    /// past: a report.
    pub since: Option<Timestamp>,
}

impl Ask {
    /// The moment that the answer should speak of.
    pub fn moment(&self) -> Timestamp {
        self.at.unwrap_or(self.now)
    }
}

/// A poll under way.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Facts, Fault>> + Send + 'a>>;

/// Something that can be asked for facts.
pub trait Source: Send {
    /// Asks once. Never retries: the next poll is the retry. Must be cancel-safe.
    ///
    /// With [`Ask::at`] set, rows dated after that moment are dropped, and a source that cannot
    /// speak of the past answers [`FaultKind::NoHistory`].
    fn fetch<'a>(&'a mut self, ask: &'a Ask) -> Fetching<'a>;

    /// Explains every number of one SLO. `ids` are the ids it may go by, since a configured service
    /// can have another name here; the first that is known counts.
    ///
    /// A source that cannot look behind its numbers tells what its observation says.
    fn explain<'a>(&'a mut self, ask: &'a Ask, ids: &'a [Untrusted]) -> Explaining<'a> {
        Box::pin(async move {
            let slos = self.fetch(ask).await?.slos.unwrap_or_default();
            let seen = slos.into_iter().find(|seen| ids.contains(&seen.slo.id()));
            seen.map(Explanation::of).ok_or_else(|| no_such_slo(ids))
        })
    }

    /// The requests that a refresh of all its SLOs sends, and whom each serves; `None` where the
    /// source does not plan any.
    fn requests<'a>(&'a mut self, _ask: &'a Ask) -> Planning<'a> {
        Box::pin(async { Ok(None) })
    }

    /// Bad and total events of some SLOs in consecutive steps of past time, an answer for each of
    /// [`PastQuestion::slos`] in their order. A step without a sample is not known, and never 0.
    ///
    /// [`FaultKind::NoHistory`] from a source that keeps none.
    fn past_events<'a>(&'a mut self, _ask: &'a Ask, _question: &'a PastQuestion) -> Recalling<'a> {
        Box::pin(async { Err(no_history()) })
    }

    /// Looks for what keeps its answers from being right, beyond what a poll tells.
    fn examine<'a>(&'a mut self, _ask: &'a Ask) -> Examining<'a> {
        Box::pin(async { Vec::new() })
    }

    /// Says what an order would do, and that it can be done: that its target is as it was seen.
    /// Asks only. The fault is [`FaultKind::Moved`] with the difference when it has moved.
    fn preview<'a>(&'a mut self, _order: &'a Order) -> Previewing<'a> {
        Box::pin(async { Err(not_offered()) })
    }

    /// Carries an order out: looks once more that its target is as it was seen, then sends one
    /// request that changes something, and never a second one.
    ///
    /// [`FaultKind::Unsure`] when it was sent and what became of it is not known.
    fn act<'a>(&'a mut self, _order: &'a Order) -> Acting<'a> {
        Box::pin(async { Err(not_offered()) })
    }

    /// How its last answer became rows, where that is written in the settings; `None` elsewhere.
    fn mapped(&self) -> Option<&Mapped> {
        None
    }

    /// How far its server's clock is ahead of ours, as its last answer was dated; to the second.
    fn skew(&self) -> Option<SignedDuration> {
        None
    }
}

/// An explanation under way.
pub type Explaining<'a> = Pin<Box<dyn Future<Output = Result<Explanation, Fault>> + Send + 'a>>;

/// A list of requests under way.
pub type Planning<'a> =
    Pin<Box<dyn Future<Output = Result<Option<Vec<Request>>, Fault>> + Send + 'a>>;

/// The past of some SLOs under way.
pub type Recalling<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<Result<PastEvents, Fault>>, Fault>> + Send + 'a>>;

/// An examination under way.
pub type Examining<'a> = Pin<Box<dyn Future<Output = Vec<Finding>> + Send + 'a>>;

/// A preview under way.
pub type Previewing<'a> = Pin<Box<dyn Future<Output = Result<Preview, Fault>> + Send + 'a>>;

/// An order under way.
pub type Acting<'a> = Pin<Box<dyn Future<Output = Result<Done, Fault>> + Send + 'a>>;

/// The fault of an order to a source that only answers.
fn not_offered() -> Fault {
    Fault::new(
        FaultKind::NotOffered,
        "this source only answers: nothing can be done through it",
    )
}

/// The fault of asking for the past where none is kept.
fn no_history() -> Fault {
    Fault::new(
        FaultKind::NoHistory,
        "this source keeps no history of events: it answers for the present alone",
    )
}

/// The fault of asking for an SLO that is not there.
fn no_such_slo(ids: &[Untrusted]) -> Fault {
    let names: Vec<_> = ids.iter().map(Untrusted::raw).collect();
    Fault::new(
        FaultKind::NotFound,
        format!(
            "it has no SLO `{}` now; is its definition still there?",
            names.join("` or `")
        ),
    )
}

/// Refuses a blank entry of a list in the settings; `message` begins with `is empty`.
fn no_blanks(
    settings: &SourceSettings,
    key: &str,
    list: &[String],
    message: &str,
) -> Result<(), Problem> {
    let Some(at) = list.iter().position(|one| one.trim().is_empty()) else {
        return Ok(());
    };
    let mut problem = settings.problem(key, message);
    problem.path.push(Step::Index(at));
    Err(problem)
}

/// A link to follow: an address of the web, and nothing that would open a file or run a script.
fn web_link(address: &str) -> Option<Untrusted> {
    let address = address.trim();
    let (scheme, rest) = address.split_once("://")?;
    let is_web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    (is_web && !rest.is_empty()).then(|| address.into())
}

#[cfg(test)]
mod tests;
