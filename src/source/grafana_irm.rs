//! Asks Grafana's `OnCall` and IRM public API for alert groups and who is on call, and carries out
//! what is done to an alert group.
//!
//! The API: <https://grafana.com/docs/grafana-cloud/alerting-and-irm/irm/reference/oncall-api/>, and
//! the reference of the open version, grafana/oncall, `docs/sources/oncall-api-reference/`. The key
//! stands alone in `Authorization`. 300 requests in five minutes are allowed for a key, so names are
//! asked for every half hour and schedules every five minutes, and a poll of many pages rests longer.

mod act;
mod names;
mod rota;
mod rows;
mod wire;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::time::{Duration, Instant};

use self::names::{Names, What};
use self::rota::Rota;
use self::rows::Reading;
use self::wire::{Group, Schedule, Shift};
use super::kit::incident_state;
use super::severity::{Severities, UnknownSeverities};
use super::{Acting, Ask, Built, Fetching, Kind, Previewing, Source};
use super::{alert, no_blanks};
use crate::config::{Problem, Settings, SourceSettings};
use crate::domain::{Facts, Fault, FaultKind, Order, Verb};
use crate::http::Http;
use crate::source::kit::acting::advise;
use crate::source::kit::cached::Cached;
use crate::source::kit::lenient_wire::time;
use crate::source::kit::list::{Advance, List, Listed, Paging};
use crate::text::Untrusted;

/// `kind = "grafana_irm"`.
pub const KIND: Kind = Kind {
    name: "grafana_irm",
    interval: SignedDuration::from_secs(30),
    measures: false,
    build,
};

/// What can be done to an alert group.
const ACTS: &[Verb] = &[
    Verb::Acknowledge,
    Verb::Unacknowledge,
    Verb::Resolve,
    Verb::Snooze,
    Verb::Unsnooze,
    Verb::Note,
];
/// The states that are open, by the words that the list is asked with.
const OPEN_STATES: [&str; 3] = ["new", "acknowledged", "silenced"];
/// The most groups of one state that are loaded: ten pages.
const MAX_GROUPS: usize = 500;
/// How many groups that are over are listed, and for how long.
const MAX_RESOLVED: usize = 50;
const RESOLVED_FOR: SignedDuration = SignedDuration::from_hours(24);
/// How long before a past moment a group may have begun to be listed with it.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The most schedules, and how long they are not asked about again.
const MAX_SCHEDULES: usize = 20;
const ROTA_EVERY: SignedDuration = SignedDuration::from_mins(5);
/// How long pages are turned in one poll.
const MAX_POLL_TIME: Duration = Duration::from_secs(25);

/// Pagination by `next`, the whole address of the next page on the same server.
static PAGING: Paging = Paging {
    api: "the API URL of `OnCall`",
    rows: Some("results"),
    total: "/count",
    size: None,
    step: Advance::Link { at: "/next" },
    headers: |request| request,
    keeps_rows: true,
};

/// The settings of this kind alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(default)]
    teams: Vec<String>,
    #[serde(default)]
    services: Vec<String>,
    #[serde(default = "alert::service_labels")]
    service_labels: Vec<String>,
    #[serde(default = "alert::severity_labels")]
    severity_labels: Vec<String>,
    #[serde(default)]
    severities: Severities,
}

fn build(settings: &SourceSettings, _all: &Settings) -> Result<Built, Problem> {
    let options: Options = settings.options()?;
    for (key, list) in [("teams", &options.teams), ("services", &options.services)] {
        no_blanks(settings, key, list, "is empty: write a name or an id")?;
    }
    let source = GrafanaIrm {
        http: Http::new(settings, None)?.token_header("authorization", ""),
        options,
        users: Names::of(What::Users),
        teams: Names::of(What::Teams),
        integrations: Names::of(What::Integrations),
        rotas: Cached::default(),
    };
    Ok(Built::incidents(source, ACTS))
}

/// One stack, and what it has said so far.
struct GrafanaIrm {
    http: Http,
    options: Options,
    users: Names,
    teams: Names,
    integrations: Names,
    rotas: Cached<Vec<Rota>>,
}

impl Source for GrafanaIrm {
    fn fetch<'a>(&'a mut self, ask: &'a Ask) -> Fetching<'a> {
        Box::pin(async move { self.poll(ask).await.map_err(explained) })
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

/// What one poll has found so far.
struct Poll {
    at: Option<Timestamp>,
    now: Timestamp,
    deadline: Instant,
    groups: Vec<Group>,
    warnings: Vec<Untrusted>,
    fault: Option<Fault>,
    requests: u32,
}

impl Poll {
    fn take<T>(&mut self, found: Listed<T>) -> Vec<T> {
        self.requests += found.requests;
        self.warnings.extend(found.warnings);
        self.fault = self.fault.take().or(found.fault.map(explained));
        found.rows
    }

    /// Notes what went wrong beside the groups. What is not for us is told; the rest is a fault.
    fn note(&mut self, what: &str, fault: Fault) {
        let fault = explained(fault).of_part(what);
        let kinds = [FaultKind::Auth, FaultKind::Forbidden, FaultKind::NotFound];
        if kinds.contains(&fault.kind) {
            self.warnings.push(fault.message);
        } else {
            self.fault = self.fault.take().or(Some(fault));
        }
    }

    /// True when further requests would fare no better.
    fn is_over(&self) -> bool {
        let is_of_all = |fault: &Fault| incident_state::is_of_all(fault.kind);
        self.fault.as_ref().is_some_and(is_of_all) || Instant::now() > self.deadline
    }
}

impl GrafanaIrm {
    async fn poll(&mut self, ask: &Ask) -> Result<Facts, Fault> {
        let mut poll = Poll {
            at: ask.at,
            now: ask.now,
            deadline: Instant::now() + MAX_POLL_TIME,
            groups: Vec::new(),
            warnings: Vec::new(),
            fault: None,
            requests: 0,
        };
        // Names first: settings name teams and integrations, and the list is asked by their ids.
        self.renew_names(&mut poll).await?;
        self.list(&mut poll).await?;
        if poll.at.is_some() {
            self.rotas = Cached::default();
        }
        if !poll.is_over() && self.rotas.is_due(poll.now) {
            match self.ask_rotas(&mut poll).await {
                Ok(found) => {
                    let due = poll.now.checked_add(ROTA_EVERY).ok();
                    self.rotas.keep(found, due.filter(|_| poll.at.is_none()));
                }
                Err(fault) => poll.note("on call", fault),
            }
        }
        for names in [&self.users, &self.teams, &self.integrations] {
            poll.warnings.extend(names.note());
        }
        let moment = ask.moment();
        let reading = Reading {
            users: &self.users,
            teams: &self.teams,
            integrations: &self.integrations,
            service_labels: &self.options.service_labels,
            severity_labels: &self.options.severity_labels,
            severities: &self.options.severities,
        };
        let mut unknown = UnknownSeverities::default();
        let incidents = poll.groups.iter().filter_map(|group| {
            let incident = rows::incident(group, &reading, moment, &mut unknown);
            self.is_wanted(group, incident.service.raw())
                .then_some(incident)
        });
        let incidents: Vec<_> = incidents.collect();
        poll.warnings.extend(unknown.warnings());
        let on_call = self.rotas.value.iter().flatten();
        let on_call = on_call.flat_map(|rota| rota.shifts(&self.users, moment, ask.at.is_some()));
        Ok(Facts {
            incidents: Some(incidents),
            on_call: Some(on_call.collect()),
            warnings: poll.warnings,
            fault: poll.fault,
            rest: rest(poll.requests).max(self.http.rest()),
            reach: Some(moment - RESOLVED_FOR),
            ..Facts::default()
        })
    }

    /// Names of users always; of teams and integrations as well, since the rows tell their ids.
    async fn renew_names(&mut self, poll: &mut Poll) -> Result<(), Fault> {
        for names in [&mut self.integrations, &mut self.teams, &mut self.users] {
            poll.requests += names.renew(&self.http, poll.now, poll.deadline).await?;
        }
        let wanted = self.options.teams.iter();
        for one in wanted.filter(|one| self.teams.id_of(one).is_none()) {
            let words = format!("`teams` names \"{one}\", and there is no such team");
            poll.warnings.push(words.into());
        }
        Ok(())
    }

    /// Lists the groups: the open ones and those that ended lately, or those around a past moment.
    async fn list(&self, poll: &mut Poll) -> Result<(), Fault> {
        if let Some(at) = poll.at {
            let day = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            let range = format!("{}_{}", day(at - LOOK_BACK), day(at));
            let list = self.groups(poll, ("started_at", range), "alert groups", MAX_GROUPS * 2);
            let found: Listed<Group> = list.all(&self.http).await?;
            let began = |group: &Group| time(group.created_at.as_deref());
            let mut rows = poll.take(found);
            rows.retain(|group| began(group).is_none_or(|began| began <= at));
            poll.groups = rows;
            return Ok(());
        }
        for state in OPEN_STATES {
            let what = format!("{state} alert groups");
            let list = self.groups(poll, ("state", state.to_owned()), &what, MAX_GROUPS);
            match list.all(&self.http).await {
                Ok(found) => {
                    let rows = poll.take(found);
                    poll.groups.extend(rows);
                }
                Err(fault) if state == OPEN_STATES[0] => return Err(fault),
                Err(fault) => poll.note(&what, fault),
            }
            if poll.is_over() {
                return Ok(());
            }
        }
        // One page: what ended lately. That there is more of it is no news.
        let state = ("state", "resolved".to_owned());
        let list = self.groups(poll, state, "resolved alert groups", MAX_RESOLVED);
        match list.pages(1).all::<Group>(&self.http).await {
            Ok(found) => {
                poll.requests += found.requests;
                let since = poll.now - RESOLVED_FOR;
                let ended = |group: &Group| time(group.resolved_at.as_deref());
                let lately = found.rows.into_iter();
                let lately = lately.filter(|group| ended(group).is_some_and(|at| at > since));
                poll.groups.extend(lately);
            }
            Err(fault) => poll.note("resolved alert groups", fault),
        }
        let mut seen = std::collections::HashSet::new();
        poll.groups.retain(|group| seen.insert(group.id.clone()));
        Ok(())
    }

    /// A list of groups, cut down by the server where one team or one integration is wanted.
    fn groups<'a>(
        &self,
        poll: &Poll,
        first: (&'a str, String),
        what: &'a str,
        cap: usize,
    ) -> List<'a> {
        let mut query = vec![first];
        let only = |names: &Names, wanted: &[String]| match wanted {
            [one] => names.id_of(one).map(str::to_owned),
            _ => None,
        };
        if let Some(team) = only(&self.teams, &self.options.teams) {
            query.push(("team_id", team));
        }
        if let Some(integration) = only(&self.integrations, &self.options.services) {
            query.push(("integration_id", integration));
        }
        PAGING
            .list("/api/v1/alert_groups/", what, cap, poll.deadline)
            .with(query)
    }

    /// True for groups of the teams and services of the settings.
    fn is_wanted(&self, group: &Group, service: &str) -> bool {
        let is_any = |wanted: &[String], id: &Option<String>, names: &Names| {
            let id = id.as_deref().unwrap_or_default();
            wanted.iter().any(|one| names.is(id, one))
        };
        let Options {
            teams, services, ..
        } = &self.options;
        // Older versions do not tell the team; then the server has sifted, or nobody can.
        let is_of_team = teams.is_empty()
            || matches!(teams.as_slice(), [one] if group.team_id.is_none() && self.teams.id_of(one).is_some())
            || is_any(teams, &group.team_id, &self.teams);
        let is_named = |one: &String| one == service || group.route_id.as_ref() == Some(one);
        let is_of_service = services.is_empty()
            || is_any(services, &group.integration_id, &self.integrations)
            || services.iter().any(is_named);
        is_of_team && is_of_service
    }

    async fn ask_rotas(&self, poll: &mut Poll) -> Result<Vec<Rota>, Fault> {
        let list = PAGING.list(
            "/api/v1/schedules/",
            "schedules",
            MAX_SCHEDULES,
            poll.deadline,
        );
        let listed: Listed<Schedule> = list.all(&self.http).await?;
        let mut found = Vec::new();
        for schedule in poll.take(listed) {
            let teams = &self.options.teams;
            let team = schedule.team_id.as_deref().unwrap_or_default();
            let is_ours = teams.is_empty() || teams.iter().any(|one| self.teams.is(team, one));
            if poll.is_over() {
                break;
            }
            if is_ours && incident_state::is_id(&schedule.id) {
                found.push(self.rota(schedule, poll).await?);
            }
        }
        Ok(found)
    }

    /// The shifts of a schedule; without them there is still who has the pager now.
    async fn rota(&self, schedule: Schedule, poll: &mut Poll) -> Result<Rota, Fault> {
        let (from, to, horizon) = rota::days(poll.at.unwrap_or(poll.now));
        let path = format!("/api/v1/schedules/{}/final_shifts", schedule.id);
        let list = PAGING.list(&path, "shifts", MAX_GROUPS, poll.deadline);
        let list = list.with(vec![("start_date", from), ("end_date", to)]);
        let shifts = match list.all::<Shift>(&self.http).await {
            Ok(found) => poll.take(found),
            Err(fault) if incident_state::is_of_all(fault.kind) => return Err(fault),
            Err(_) => Vec::new(),
        };
        Ok(Rota {
            schedule,
            shifts,
            horizon,
        })
    }
}

/// How long to rest after so many requests, so that polls take half of the 300 that a key may send in
/// five minutes; nothing where the interval is as long.
fn rest(requests: u32) -> Option<SignedDuration> {
    let seconds = i64::from(requests) * 2;
    (seconds > KIND.interval.as_secs()).then(|| SignedDuration::from_secs(seconds))
}

/// What to do about a fault, in the words of the settings.
const ADVICE: &[(FaultKind, &str)] = &[
    (
        FaultKind::Auth,
        "`token` is an API key of OnCall (its settings page); a service account's token goes with `headers = { \"X-Grafana-URL\" = … }`",
    ),
    (
        FaultKind::Forbidden,
        "the key's user lacks a role of IRM that may do this",
    ),
    (
        FaultKind::NotFound,
        "`url` is the API URL on OnCall's settings page, without /api/v1",
    ),
];

fn explained(fault: Fault) -> Fault {
    advise(fault, ADVICE)
}

#[cfg(test)]
mod tests;
