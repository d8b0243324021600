//! Asks Jira Service Management's operations API (the heir of Opsgenie) for alerts and who is on
//! call, and carries out what is done to an alert.
//!
//! The API: <https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/>, below
//! `https://api.atlassian.com/jsm/ops/api/{cloudId}`. Open alerts are listed with each poll, schedules
//! every five minutes, and names of people and teams when an id turns up that has none.

mod act;
mod names;
mod options;
mod rota;
mod rows;
mod wire;

use std::collections::{BTreeSet, HashSet};

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Duration, Instant};

use self::names::Names;
use self::options::Options;
use self::rota::Rota;
use self::rows::Reading;
use self::wire::{Alert, OnCalls, Schedule, Timeline};
use super::kit::incident_state;
use super::{Acting, Ask, Built, Fetching, Kind, Previewing, Source};
use crate::config::{Auth, Problem, Settings, SourceSettings};
use crate::domain::{Facts, Fault, FaultKind, Faults, IncidentStatus, Order, Verb};
use crate::http::Http;
use crate::source::kit::acting::advise;
use crate::source::kit::cached::Cached;
use crate::source::kit::lenient_wire::{stamp, time};
use crate::source::kit::list::{Advance, Listed, Paging};
use crate::source::severity::{Severities, UnknownSeverities};

/// `kind = "jsm"`.
pub const KIND: Kind = Kind {
    name: "jsm",
    interval: SignedDuration::from_secs(30),
    measures: false,
    build,
};

/// What can be done to an alert.
const ACTS: &[Verb] = &[
    Verb::Acknowledge,
    Verb::Unacknowledge,
    Verb::Resolve,
    Verb::Snooze,
    Verb::Note,
    Verb::Escalate,
];
/// The most alerts that are loaded; the API itself ends at 20,000.
const MAX_ALERTS: usize = 1_000;
/// The most schedules that are asked about, two requests each.
const MAX_SCHEDULES: usize = 20;
/// How long schedules are not asked about again.
const ROTA_EVERY: SignedDuration = SignedDuration::from_mins(5);
/// How long all schedules together may take.
const MAX_SCHEDULES_TIME: Duration = Duration::from_secs(12);
/// How long the pages of one list may take.
const MAX_LIST_TIME: Duration = Duration::from_secs(20);
/// How long before a past moment an alert may have begun, or ended, to be listed with it.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Pagination by `offset` and `size`, with the next page in `links.next`: `/v1/alerts?offset=10&size=5`,
/// without what stands before. Only lists of alerts have a `count`.
static PAGING: Paging = Paging {
    api: "Atlassian's gateway",
    rows: Some("values"),
    total: "/count",
    size: Some(("size", 100)),
    step: Advance::LinkQuery { at: "/links/next" },
    headers: |request| request,
    keeps_rows: true,
};

fn build(settings: &SourceSettings, _all: &Settings) -> Result<Built, Problem> {
    Ok(Built::incidents(open(settings)?, ACTS))
}

fn open(settings: &SourceSettings) -> Result<Jsm, Problem> {
    let options: Options = settings.options()?;
    let cloud_id = options.cloud_id(settings)?;
    let login = options.login(settings)?;
    let plain = format!("/jsm/ops/api/{cloud_id}");
    let (site, other_site) = match login.http.auth {
        Auth::Bearer(_) => (format!("/ex/jira/{cloud_id}/jsm/ops/api"), Some(plain)),
        _ => (plain, None),
    };
    Ok(Jsm {
        http: Http::new(&login, Some(options::DEFAULT_URL))?,
        site,
        other_site,
        cloud_id,
        labels: options.service_labels,
        severities: options.severities,
        names: Names::default(),
        rotas: Cached::default(),
        patience: act::ACTION_TIMEOUT,
    })
}

/// One site, and what it has said so far.
struct Jsm {
    http: Http,
    cloud_id: String,
    /// What stands before every path of the operations API. The vendor's description has two of them:
    /// `/ex/jira/{id}/jsm/ops/api` for tokens of OAuth 2.0, and else `/jsm/ops/api/{id}`.
    site: String,
    /// The other one, while it is not known that the first is right: gateways have been seen to take
    /// OAuth tokens there as well.
    other_site: Option<String>,
    labels: Vec<String>,
    severities: Severities,
    names: Names,
    rotas: Cached<Vec<Rota>>,
    /// How long an action that was accepted is waited for.
    patience: Duration,
}

impl Source for Jsm {
    fn fetch<'a>(&'a mut self, ask: &'a Ask) -> Fetching<'a> {
        Box::pin(async move {
            let facts = self.poll(ask).await;
            facts.map_err(explained)
        })
    }

    fn preview<'a>(&'a mut self, order: &'a Order) -> Previewing<'a> {
        Box::pin(async move { self.foresee(order).await.map_err(explained) })
    }

    fn act<'a>(&'a mut self, order: &'a Order) -> Acting<'a> {
        Box::pin(async move { self.carry_out(order).await.map_err(explained) })
    }

    fn skew(&self) -> Option<SignedDuration> {
        self.http.skew()
    }
}

impl Jsm {
    async fn poll(&mut self, ask: &Ask) -> Result<Facts, Fault> {
        let moment = ask.moment();
        let mut alerts = self.open_alerts().await?;
        if let Some(at) = ask.at {
            self.add_past(&mut alerts, at).await;
        }
        let Listed {
            rows: alerts,
            mut warnings,
            fault,
            ..
        } = alerts;
        let mut fault = fault.map(explained);
        // Further requests would fare no better.
        let is_over = |fault: &Option<Fault>| {
            let is_of_all = |fault: &Fault| incident_state::is_of_all(fault.kind);
            fault.as_ref().is_some_and(is_of_all)
        };
        let mut faults = Faults::default();
        faults.extend(fault.clone());
        if !is_over(&fault) {
            let asked = self.ask_rotas(ask).await;
            if let Err(failed) = asked.map_err(explained) {
                let words = format!("on call: {}", failed.message.raw()).into();
                if is_withheld(failed.kind) {
                    warnings.push(words);
                } else {
                    let message = words;
                    let failed = Fault { message, ..failed };
                    faults.push(failed.clone());
                    fault = fault.or(Some(failed));
                }
            }
        }
        let (people, teams) = unnamed(&alerts, self.rotas());
        if !is_over(&fault) {
            let named = self.name(&people, &teams, ask.now).await;
            faults.extend(named.err());
        }
        let (fault, others) = faults.finish();
        warnings.extend(others);
        warnings.extend(self.names.note.clone());
        let mut reading = Reading {
            names: &self.names,
            labels: &self.labels,
            severities: &self.severities,
            unknown: UnknownSeverities::default(),
        };
        let incidents = alerts
            .iter()
            .filter(|alert| time(alert.created_at.as_deref()).is_none_or(|at| at <= moment))
            .map(|alert| rows::incident(alert, &mut reading, moment));
        let incidents: Vec<_> = incidents.collect();
        warnings.extend(reading.unknown.warnings());
        let on_call = self
            .rotas()
            .iter()
            .flat_map(|rota| rota.shifts(&self.names, moment));
        Ok(Facts {
            incidents: Some(incidents),
            on_call: Some(on_call.collect()),
            warnings,
            fault,
            rest: self.http.rest(),
            // Of the present only what is open is listed.
            reach: Some(ask.at.map_or(moment, |_| moment - LOOK_BACK)),
            ..Facts::default()
        })
    }

    /// The open alerts, by the way that answers.
    async fn open_alerts(&mut self) -> Result<Listed<Alert>, Fault> {
        let listed = self.alerts("status:open", MAX_ALERTS, |_| false).await;
        let is_elsewhere = matches!(&listed, Err(fault) if fault.kind == FaultKind::NotFound);
        match self.other_site.take() {
            Some(other) if is_elsewhere => {
                let first = std::mem::replace(&mut self.site, other);
                let again = self.alerts("status:open", MAX_ALERTS, |_| false).await;
                if again.is_err() {
                    self.other_site = Some(std::mem::replace(&mut self.site, first));
                    return listed;
                }
                again
            }
            other => {
                if listed.is_err() {
                    self.other_site = other;
                }
                listed
            }
        }
    }

    /// Alerts, the newest first.
    async fn alerts(
        &self,
        query: &str,
        cap: usize,
        is_enough: impl FnMut(&[Alert]) -> bool,
    ) -> Result<Listed<Alert>, Fault> {
        let mut words = vec![
            ("sort", "createdAt".to_owned()),
            ("order", "desc".to_owned()),
        ];
        if !query.is_empty() {
            words.push(("query", query.to_owned()));
        }
        let path = format!("{}/v1/alerts", self.site);
        let list = PAGING
            .list(&path, "alerts", cap, Instant::now() + MAX_LIST_TIME)
            .with(words);
        list.until(&self.http, is_enough).await
    }

    /// Adds the alerts of the days before a past moment that are closed by now.
    async fn add_past(&self, open: &mut Listed<Alert>, at: Timestamp) {
        let since = at - LOOK_BACK;
        let began = |alert: &Alert| time(alert.created_at.as_deref());
        let is_older = |alert: &Alert| began(alert).is_some_and(|began| began < since);
        match self
            .alerts("", MAX_ALERTS * 2, |page| page.iter().any(is_older))
            .await
        {
            Ok(more) => {
                let known: HashSet<String> = open.rows.iter().map(|row| row.id.clone()).collect();
                let news = more.rows.into_iter().filter(|row| {
                    let stood = rows::standing(row, at);
                    let is_over = stood.status == IncidentStatus::Resolved;
                    let is_recent = stood.since.is_none_or(|ended| ended >= since);
                    !known.contains(&row.id) && (!is_over || is_recent)
                });
                open.rows.extend(news);
                open.warnings.extend(more.warnings);
                open.fault = open.fault.take().or(more.fault);
            }
            Err(fault) => open.fault = open.fault.take().or(Some(fault)),
        }
    }

    fn rotas(&self) -> &[Rota] {
        self.rotas.value.as_deref().unwrap_or_default()
    }

    /// Asks the schedules who has and gets the pager, when it is time to. What was known stays when
    /// this fails, unless a past moment is asked for.
    async fn ask_rotas(&mut self, ask: &Ask) -> Result<(), Fault> {
        if ask.at.is_some() {
            self.rotas = Cached::default();
        } else if !self.rotas.is_due(ask.now) {
            return Ok(());
        }
        let began = Instant::now();
        let path = format!("{}/v1/schedules", self.site);
        let list = PAGING
            .list(
                &path,
                "schedules",
                MAX_SCHEDULES,
                Instant::now() + MAX_LIST_TIME,
            )
            .size(Some(50));
        let listed: Listed<Schedule> = list.all(&self.http).await?;
        let mut found = Vec::new();
        for schedule in listed.rows {
            let is_odd = !incident_state::is_id(&schedule.id);
            if schedule.enabled == Some(false) || is_odd || began.elapsed() > MAX_SCHEDULES_TIME {
                continue;
            }
            found.push(self.rota(&schedule, ask.at).await?);
        }
        let due = ask.at.is_none().then(|| ask.now.checked_add(ROTA_EVERY));
        self.rotas.keep(found, due.and_then(Result::ok));
        listed.fault.map_or(Ok(()), Err)
    }

    async fn rota(&self, schedule: &Schedule, at: Option<Timestamp>) -> Result<Rota, Fault> {
        let path = format!("{}/v1/schedules/{}", self.site, schedule.id);
        let date = at.map(stamp);
        let mut on_calls = self.http.get(&format!("{path}/on-calls"));
        let mut timeline = self.http.get(&format!("{path}/timeline"));
        timeline = timeline
            .query("interval", "2")
            .query("intervalUnit", "weeks");
        if let Some(date) = &date {
            on_calls = on_calls.query("date", date);
            timeline = timeline.query("date", date);
        }
        let on_calls: OnCalls = on_calls.query("flat", "false").send().await?.json()?;
        let timeline = match timeline.send().await {
            Ok(answer) => answer.json().unwrap_or_default(),
            Err(fault) if incident_state::is_of_all(fault.kind) => return Err(fault),
            Err(_) => Timeline::default(),
        };
        Ok(Rota {
            name: schedule.name.clone().unwrap_or_else(|| schedule.id.clone()),
            on_calls,
            timeline,
        })
    }

    async fn name(
        &mut self,
        people: &BTreeSet<String>,
        teams: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let (http, cloud_id) = (&self.http, &self.cloud_id);
        self.names.teams(http, &self.site, teams, now).await?;
        self.names.people(http, cloud_id, people, now).await
    }
}

/// The people and the teams that may have to be named.
fn unnamed(alerts: &[Alert], rotas: &[Rota]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut people, mut teams) = (BTreeSet::new(), BTreeSet::new());
    for alert in alerts {
        for responder in &alert.responders {
            let Some(id) = responder.id.clone() else {
                continue;
            };
            match responder.kind.as_deref() {
                Some("team") => teams.insert(id),
                Some("user") => people.insert(id),
                _ => false,
            };
        }
    }
    for rota in rotas {
        rota.people(&mut people, &mut teams);
    }
    (people, teams)
}

/// True for faults that say that a part is not for us: told beside the rest, that is as good.
fn is_withheld(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Auth | FaultKind::Forbidden | FaultKind::NotFound
    )
}

/// What to do about a fault, in the words of the settings.
fn explained(fault: Fault) -> Fault {
    let said = fault.message.raw().to_ascii_lowercase();
    let is_scope = said.contains("scope");
    let auth = if is_scope {
        "the token works and lacks a scope: alerts want read:ops-alert:jira-service-management, schedules read:ops-config, actions write:ops-alert"
    } else {
        "an API token goes with its owner's `email`, an OAuth token is a `bearer_token`"
    };
    let forbidden = "the account needs access to operations in Jira Service Management";
    let absent = "is `cloud_id` the site's, and are operations in use there?";
    let advice = [
        (FaultKind::Auth, auth),
        (FaultKind::Forbidden, forbidden),
        (FaultKind::NotFound, absent),
    ];
    advise(fault, &advice)
}

#[cfg(test)]
mod tests;
