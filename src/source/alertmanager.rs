//! Asks Alertmanager's API v2 for alerts, and joins those of one matter into incidents.
//!
//! `urls` are the members of one cluster. All are asked, and what any of them knows counts: an
//! alert is suppressed only when every member that lists it says so. Resolved alerts are not
//! listed by Alertmanager, so an incident that is over is simply gone.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use jiff::SignedDuration;
use serde::Deserialize;

use super::alert::{self, Alert, LabelNames, Silence};
use super::{Ask, Built, Fetching, Kind, Source};
use crate::config::{Problem, Settings, SourceSettings, Step};
use crate::domain::{Facts, Fault, FaultKind};
use crate::http::Http;
use crate::store::Offers;
use crate::text::Untrusted;

/// `kind = "alertmanager"`.
pub const KIND: Kind = Kind {
    name: "alertmanager",
    interval: SignedDuration::from_secs(15),
    measures: false,
    build,
};

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
    filter: Vec<String>,
    receiver: Option<String>,
}

fn build(settings: &SourceSettings, _all: &Settings) -> Result<Built, Problem> {
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
        members: members(settings, options.urls.as_deref())?,
        names: LabelNames {
            service: options.service_labels,
            severity: options.severity_labels,
        },
        filter: options.filter,
        receiver: options.receiver,
    };
    Ok(Built {
        source: Box::new(source),
        offers: Offers {
            incidents: true,
            ..Offers::default()
        },
        expected: Vec::new(),
    })
}

/// A client for each member of the cluster, in the order of `urls`.
fn members(settings: &SourceSettings, urls: Option<&[String]>) -> Result<Vec<Http>, Problem> {
    let Some(urls) = urls else {
        return Ok(vec![Http::new(settings, None)?]);
    };
    if settings.http.url.is_some() {
        return Err(settings.problem("urls", "stands beside `url`: give one of the two"));
    }
    if urls.is_empty() {
        return Err(settings.problem("urls", "is empty: name the members of the cluster"));
    }
    urls.iter()
        .enumerate()
        .map(|(index, url)| {
            let mut settings = settings.clone();
            settings.http.url = Some(url.clone());
            Http::new(&settings, None).map_err(|mut problem| {
                if problem.path.last() == Some(&Step::Key("url".to_owned())) {
                    problem.path = settings.problem("urls", "").path;
                    problem.path.push(Step::Index(index));
                }
                problem
            })
        })
        .collect()
}

/// One Alertmanager, or the members of one cluster.
struct Alertmanager {
    members: Vec<Http>,
    names: LabelNames,
    filter: Vec<String>,
    receiver: Option<String>,
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
            self.poll().await
        })
    }

    fn skew(&self) -> Option<SignedDuration> {
        self.members
            .iter()
            .filter_map(Http::skew)
            .max_by_key(|skew| skew.abs())
    }
}

impl Alertmanager {
    async fn poll(&self) -> Result<Facts, Fault> {
        let answers = join_all(self.members.iter().map(|member| self.alerts(member))).await;
        let answering = answers.iter().position(Result::is_ok);
        let (alerts, warnings) = union(answers)?;
        let is_silenced = alerts
            .iter()
            .any(|alert| !alert.status.silenced_by.is_empty());
        let (silences, fault) = match answering.and_then(|member| self.members.get(member)) {
            Some(member) if is_silenced => match silences(member).await {
                Ok(silences) => (silences, None),
                Err(fault) => (Vec::new(), Some(fault)),
            },
            _ => (Vec::new(), None),
        };
        Ok(Facts {
            incidents: Some(alert::incidents(&alerts, &self.names, &silences)),
            warnings,
            fault,
            ..Facts::default()
        })
    }

    async fn alerts(&self, member: &Http) -> Result<Vec<Alert>, Fault> {
        let mut request = member.get("/api/v2/alerts");
        for matcher in &self.filter {
            request = request.query("filter", matcher);
        }
        if let Some(receiver) = &self.receiver {
            request = request.query("receiver", receiver);
        }
        request.send().await?.json()
    }
}

/// Asks who silenced what; expired silences are asked to stay out (0.25 lists them all the same).
async fn silences(member: &Http) -> Result<Vec<Silence>, Fault> {
    let answer = member
        .get("/api/v2/silences")
        .query("expired", "false")
        .send()
        .await;
    answer
        .and_then(|answer| answer.json())
        .map_err(|fault| Fault {
            message: format!("silences: {}", fault.message.raw()).into(),
            ..fault
        })
}

/// What any member knows, each alert once, and a warning when some members did not answer.
///
/// The fault of the first member when none did.
fn union(answers: Vec<Result<Vec<Alert>, Fault>>) -> Result<(Vec<Alert>, Vec<Untrusted>), Fault> {
    let asked = answers.len();
    let mut alerts: BTreeMap<String, Alert> = BTreeMap::new();
    let mut faults = Vec::new();
    for (member, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(listed) => listed.into_iter().for_each(|alert| add(&mut alerts, alert)),
            Err(fault) => faults.push((member, fault)),
        }
    }
    let answered = asked - faults.len();
    let Some((member, fault)) = faults.into_iter().next() else {
        return Ok((alerts.into_values().collect(), Vec::new()));
    };
    let said = fault.message.raw();
    if answered > 0 {
        let warning = format!("{answered} of {asked} members answered; urls[{member}]: {said}");
        return Ok((alerts.into_values().collect(), vec![warning.into()]));
    }
    let message = match asked {
        1 => fault.message,
        _ => format!("none of {asked} members answered; urls[{member}]: {said}").into(),
    };
    Err(Fault { message, ..fault })
}

/// Adds an alert that a member lists, unless another member lists it as one that notifies.
fn add(alerts: &mut BTreeMap<String, Alert>, alert: Alert) {
    match alerts.get_mut(&alert.fingerprint) {
        None => {
            alerts.insert(alert.fingerprint.clone(), alert);
        }
        Some(known) if known.is_suppressed() && !alert.is_suppressed() => *known = alert,
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests;
