//! Asks Alertmanager's API v2 for alerts and silences, joins the alerts of one matter into
//! incidents, and makes, extends and ends silences.
//!
//! `urls` are the members of one cluster. All are asked, and what any of them knows counts: an
//! alert is suppressed only when every member that lists it says so. Resolved alerts are not
//! listed by Alertmanager, so an incident that is over is simply gone. A silence is given to one
//! member alone, which tells the others.

mod act;
mod cluster;

use futures_util::future::join_all;
use jiff::SignedDuration;
use serde::Deserialize;

use self::cluster::{Cluster, Listing};
use super::alert::{self, LabelNames, Silence};
use super::kit::members;
use super::severity::Severities;
use super::{Acting, Ask, Built, Fetching, Kind, Previewing, Source};
use crate::config::{Problem, Settings, SourceSettings, Step};
use crate::domain::{Fault, FaultKind, Order, SourceName, Verb};
use crate::http::{Http, RowLimit};
use crate::store::Offers;

/// `kind = "alertmanager"`.
pub const KIND: Kind = Kind {
    name: "alertmanager",
    interval: SignedDuration::from_secs(15),
    measures: false,
    build,
};

/// How many silences are read.
const SILENCES: RowLimit = RowLimit {
    most: alert::MAX_ALERTS.most,
    what: "silences",
    fix: "expire those that hide nothing",
};

/// What `urls` names.
const MEMBERS: &str = "the members of the cluster";

/// The settings of this kind alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    urls: Option<Vec<String>>,
    #[serde(default = "alert::service_labels")]
    service_labels: Vec<String>,
    #[serde(default = "alert::severity_labels")]
    severity_labels: Vec<String>,
    #[serde(default)]
    severities: Severities,
    #[serde(default)]
    filter: Vec<String>,
    receiver: Option<String>,
}

fn build(settings: &SourceSettings, all: &Settings) -> Result<Built, Problem> {
    let options: Options = settings.options()?;
    if let Some(at) = options.filter.iter().position(|one| one.trim().is_empty()) {
        let mut problem = settings.problem(
            "filter",
            "is empty: write a matcher, for example `team=\"shop\"` or `severity=~\"page|critical\"`",
        );
        problem.path.push(Step::Index(at));
        return Err(problem);
    }
    let source = Alertmanager {
        name: settings.name.clone(),
        members: members::clients(settings, options.urls.as_deref(), MEMBERS)?,
        names: LabelNames {
            service: options.service_labels,
            severity: options.severity_labels,
            severities: options.severities,
        },
        filter: options.filter,
        receiver: options.receiver,
        me: all.me.called(),
        wants_comment: all.actions.require_comment,
    };
    let offers = Offers {
        incidents: true,
        relays: true,
        acts: &[Verb::Silence, Verb::Extend, Verb::Expire],
        ..Offers::default()
    };
    Ok(Built::new(source, offers))
}

/// One Alertmanager, or the members of one cluster.
struct Alertmanager {
    name: SourceName,
    members: Vec<Http>,
    names: LabelNames,
    filter: Vec<String>,
    receiver: Option<String>,
    /// Who makes silences.
    me: String,
    /// True when a silence needs a reason.
    wants_comment: bool,
}

impl Source for Alertmanager {
    fn fetch<'a>(&'a mut self, ask: &'a Ask) -> Fetching<'a> {
        Box::pin(async move {
            if ask.at.is_some() {
                return Err(Fault::new(
                    FaultKind::NoHistory,
                    "Alertmanager keeps no history: it lists what fires now",
                ));
            }
            Ok(self.look().await?.facts(&self.names))
        })
    }

    fn preview<'a>(&'a mut self, order: &'a Order) -> Previewing<'a> {
        Box::pin(self.previewed(order))
    }

    fn act<'a>(&'a mut self, order: &'a Order) -> Acting<'a> {
        Box::pin(self.carried_out(order))
    }

    fn skew(&self) -> Option<SignedDuration> {
        self.members
            .iter()
            .filter_map(Http::skew)
            .max_by_key(|skew| skew.abs())
    }
}

impl Alertmanager {
    /// Asks every member what fires and what is silenced.
    async fn look(&self) -> Result<Cluster, Fault> {
        let asked = self.members.iter().map(|member| self.listing(member));
        Cluster::of(join_all(asked).await)
    }

    async fn listing(&self, member: &Http) -> Result<Listing, Fault> {
        let mut request = member.get("/api/v2/alerts").rows(alert::MAX_ALERTS);
        for matcher in &self.filter {
            request = request.query("filter", matcher);
        }
        if let Some(receiver) = &self.receiver {
            request = request.query("receiver", receiver);
        }
        let alerts = request.send().await?.json()?;
        Ok(Listing {
            alerts,
            silences: silences(member).await,
        })
    }
}

/// Asks for silences; expired ones are asked to stay out (0.25 lists them all the same).
async fn silences(member: &Http) -> Result<Vec<Silence>, Fault> {
    let answer = member
        .get("/api/v2/silences")
        .rows(SILENCES)
        .query("expired", "false")
        .send()
        .await;
    answer
        .and_then(|answer| answer.json())
        .map_err(|fault| fault.of_part("silences"))
}

#[cfg(test)]
mod tests;
