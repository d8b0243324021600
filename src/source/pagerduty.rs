//! Asks `PagerDuty`'s REST API v2 for incidents and for who is on call, and acts on incidents there.
//!
//! Open incidents come whole, resolved ones of the last day besides. Who is on call, and the names of
//! services and teams, are asked for every few minutes. One request goes after the other.

mod act;
mod options;
mod rota;
mod rows;
mod scope;
mod wire;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use self::options::{Options, Severities};
use self::scope::{Scope, each};
use self::wire::{LogEntry, Named};
use super::kit::incident_state;
use super::{Acting, Ask, Built, Fetching, Kind, Previewing, Source};
use crate::config::{Problem, Settings, SourceSettings};
use crate::domain::{Facts, Fault, FaultKind, Incident, Order, Verb};
use crate::http::{Http, Request};
use crate::source::kit::cached::{Cached, CachedOnCall};
use crate::source::kit::lenient_wire::stamp;
use crate::source::kit::list::{Advance, Listed, Paging};
use crate::source::kit::partial_fault::is_withheld;
use crate::source::severity::UnknownSeverities;
use crate::text::Untrusted;

/// `kind = "pagerduty"`.
pub const KIND: Kind = Kind {
    name: "pagerduty",
    interval: SignedDuration::from_secs(30),
    measures: false,
    build,
};

/// What can be done to an incident.
const ACTS: &[Verb] = &[
    Verb::Acknowledge,
    Verb::Unacknowledge,
    Verb::Resolve,
    Verb::Snooze,
    Verb::Unsnooze,
    Verb::Note,
    Verb::Escalate,
];
/// How many open incidents are looked at, the newest.
const MAX_OPEN: usize = 1_000;
/// How many resolved ones.
const MAX_RESOLVED: usize = 500;
/// How long a resolved incident stays.
const RECENT: SignedDuration = SignedDuration::from_hours(24);
/// How long before that an incident may have begun: what the API looks back by itself.
const BEGAN: SignedDuration = SignedDuration::from_hours(29 * 24);
/// The longest time that the API lists.
const MAX_SPAN: SignedDuration = SignedDuration::from_hours(179 * 24);
/// How many logs are read to find out where incidents stood at a past moment.
const MAX_LOGS: usize = 25;
/// How long names of teams and services, and the order of priorities, are good.
const NAMES_GOOD_FOR: SignedDuration = SignedDuration::from_mins(15);
/// After this a poll asks for nothing more that it can do without; it has 30 s at least.
const MAX_POLL_TIME: Duration = Duration::from_secs(20);

/// Classic pagination: `limit` (at most 100), `offset`, `more`. `PagerDuty` refuses what lies beyond
/// `offset + limit` of 10,000, and its own clients go on by the `limit` that was echoed.
static PAGING: Paging = Paging {
    api: "PagerDuty's REST API",
    rows: None,
    total: "/total",
    size: Some(("limit", 100)),
    step: Advance::Offset { farthest: 10_000 },
    headers: with_headers,
    keeps_rows: false,
};

/// What `PagerDuty` wants every request to say; the content type also where there is no content.
fn with_headers(request: Request<'_>) -> Request<'_> {
    request
        .header("Accept", "application/vnd.pagerduty+json;version=2")
        .header("Content-Type", "application/json")
}

fn build(settings: &SourceSettings, all: &Settings) -> Result<Built, Problem> {
    let options: Options = settings.options()?;
    options.check(settings)?;
    let http = Http::new(settings, Some(options::DEFAULT_URL))?;
    let email = options.user_email.clone().or_else(|| all.me.email.clone());
    let source = PagerDuty {
        http: http.token_header("authorization", "Token token="),
        severities: options.severities(),
        email: email.filter(|email| options::is_address(email)),
        options,
        scope: Cached::default(),
        ranked_at: None,
        rota: Cached::default(),
        levels: HashMap::new(),
    };
    Ok(Built::incidents(source, ACTS))
}

/// `PagerDuty`, and what it has said so far.
struct PagerDuty {
    http: Http,
    options: Options,
    severities: Severities,
    /// Who acts: the settings say, or the key's own user.
    email: Option<String>,
    scope: Cached<Scope>,
    /// When the order of priorities was asked for.
    ranked_at: Option<Timestamp>,
    rota: CachedOnCall,
    /// The step that each previewed escalation would go to.
    levels: HashMap<String, u32>,
}

impl Source for PagerDuty {
    fn fetch<'a>(&'a mut self, ask: &'a Ask) -> Fetching<'a> {
        Box::pin(self.poll(ask))
    }

    fn preview<'a>(&'a mut self, order: &'a Order) -> Previewing<'a> {
        Box::pin(self.foresee(order))
    }

    fn act<'a>(&'a mut self, order: &'a Order) -> Acting<'a> {
        Box::pin(self.carry_out(order))
    }

    fn skew(&self) -> Option<SignedDuration> {
        self.http.skew()
    }
}

/// Since when resolved incidents are listed.
fn oldest(ask: &Ask) -> Timestamp {
    let moment = ask.moment();
    let usual = moment.checked_sub(RECENT).unwrap_or(moment);
    let earliest = moment.checked_sub(MAX_SPAN).unwrap_or(moment);
    ask.since
        .map_or(usual, |since| since.min(usual).max(earliest))
}

impl PagerDuty {
    async fn poll(&mut self, ask: &Ask) -> Result<Facts, Fault> {
        let deadline = Instant::now() + MAX_POLL_TIME;
        let mut facts = Facts::default();
        if self.is_narrow() {
            self.learn(ask.now, deadline).await?;
        }
        let mut found: BTreeMap<String, wire::Incident> = BTreeMap::new();
        let mut take = |listed: Listed<wire::Incident>, warnings: &mut Vec<Untrusted>| {
            warnings.extend(listed.warnings);
            // What is asked for later knows more.
            found.extend(listed.rows.into_iter().map(|row| (row.id.clone(), row)));
        };
        take(self.list_open(deadline).await?, &mut facts.warnings);
        let mut oldest = oldest(ask);
        match self.list_resolved(ask, deadline).await {
            Ok(listed) => {
                // They come newest first: of a list that was cut, the last row is the oldest known.
                let is_cut = listed.rows.len() >= MAX_RESOLVED;
                let last = listed.rows.last().and_then(wire::Incident::resolved);
                oldest = last.filter(|_| is_cut).unwrap_or(oldest).max(oldest);
                take(listed, &mut facts.warnings);
            }
            Err(fault) if ask.at.is_some() => return Err(fault),
            Err(fault) => facts.fault = Some(fault.of_part("resolved incidents")),
        }
        let found: Vec<_> = found.into_values().collect();
        if facts.fault.is_none() {
            self.rank(&found, ask.now, deadline, &mut facts).await;
        }
        let mut unknown = UnknownSeverities::default();
        let rows = found
            .iter()
            .map(|row| rows::incident(row, &self.severities, &mut unknown));
        let rows: Vec<_> = rows.collect();
        facts.warnings.extend(unknown.warnings());
        let rows = match ask.at {
            Some(at) => self.rewind(rows, at, deadline, &mut facts.warnings).await?,
            None => rows,
        };
        let is_recent =
            |row: &Incident| row.is_open() || row.resolved_at.is_some_and(|at| at >= oldest);
        facts.incidents = Some(rows.into_iter().filter(is_recent).collect());
        facts.reach = Some(oldest);
        if facts.fault.is_none() {
            facts.fault = self.ask_rota(ask, deadline).await.err();
        }
        facts.on_call = self.rota.value.clone().flatten();
        let told = self.scope.warnings.iter().chain(&self.rota.warnings);
        facts.warnings.extend(told.cloned());
        facts.rest = self.http.rest();
        Ok(facts)
    }

    /// True when not the whole account is watched.
    fn is_narrow(&self) -> bool {
        !(self.options.teams.is_empty() && self.options.services.is_empty())
    }

    /// Learns the names of teams and services, now and then; what was known stays when that fails.
    async fn learn(&mut self, now: Timestamp, deadline: Instant) -> Result<(), Fault> {
        if !self.scope.is_due(now) {
            return Ok(());
        }
        let scope = Scope::learn(&self.http, &self.options, deadline).await;
        let scope = scope.map(|mut scope| {
            let warnings = std::mem::take(&mut scope.warnings);
            (scope, warnings)
        });
        self.scope.take(scope, now, NAMES_GOOD_FOR)
    }

    /// The part of an account that incidents are asked of.
    fn narrowed(&self) -> Vec<(&'static str, String)> {
        let scope = self.scope.value.as_ref().filter(|_| self.is_narrow());
        let parts = scope.into_iter().flat_map(|scope| {
            let teams = each("team_ids[]", &scope.team_ids);
            teams
                .into_iter()
                .chain(each("service_ids[]", &scope.service_ids))
        });
        parts.collect()
    }

    async fn list_open(&self, deadline: Instant) -> Result<Listed<wire::Incident>, Fault> {
        let mut query = each(
            "statuses[]",
            &["triggered", "acknowledged"].map(str::to_owned),
        );
        // Without it an incident that began a month ago would be left out, however open.
        query.push(("date_range", "all".to_owned()));
        query.push(("sort_by", "created_at:desc".to_owned()));
        query.push(("total", "true".to_owned()));
        query.extend(self.narrowed());
        let list = PAGING
            .list("/incidents", "open incidents", MAX_OPEN, deadline)
            .with(query);
        list.all(&self.http).await
    }

    /// Those resolved in the last day, or since the moment that is asked for; for a past moment all that had begun until then, since one
    /// resolved after it was open.
    async fn list_resolved(
        &self,
        ask: &Ask,
        deadline: Instant,
    ) -> Result<Listed<wire::Incident>, Fault> {
        let moment = ask.moment();
        let oldest = oldest(ask);
        let earliest = moment.checked_sub(MAX_SPAN).unwrap_or(moment);
        let since = oldest.checked_sub(BEGAN).unwrap_or(moment).max(earliest);
        let mut query = each("statuses[]", &["resolved".to_owned()]);
        query.push(("since", stamp(since)));
        query.push(("until", stamp(moment)));
        query.push(("sort_by", "resolved_at:desc".to_owned()));
        query.extend(self.narrowed());
        let list = PAGING
            .list("/incidents", "resolved incidents", MAX_RESOLVED, deadline)
            .with(query);
        let is_old = |row: &wire::Incident| row.resolved().is_some_and(|at| at < oldest);
        list.until(&self.http, |page| page.iter().all(is_old)).await
    }

    /// Learns the order of priorities, once there is one whose name does not tell.
    async fn rank(
        &mut self,
        found: &[wire::Incident],
        now: Timestamp,
        deadline: Instant,
        facts: &mut Facts,
    ) {
        let is_known = |at: Timestamp| now.duration_since(at) < NAMES_GOOD_FOR;
        let is_needed = found.iter().any(|row| self.severities.needs_rank(row));
        if !is_needed || self.ranked_at.is_some_and(is_known) {
            return;
        }
        let list = PAGING.list("/priorities", "priorities", 100, deadline);
        match list.all::<Named>(&self.http).await {
            Ok(listed) => {
                let ids = listed.rows.into_iter().filter_map(|row| row.id);
                self.severities.ranked = ids.collect();
            }
            // Then urgencies tell.
            Err(fault) if is_withheld(fault.kind) => {}
            Err(fault) => {
                facts.fault = Some(fault.of_part("priorities"));
                return;
            }
        }
        self.ranked_at = Some(now);
    }

    /// The incidents as they stood at a past moment.
    async fn rewind(
        &self,
        rows: Vec<Incident>,
        at: Timestamp,
        deadline: Instant,
        warnings: &mut Vec<Untrusted>,
    ) -> Result<Vec<Incident>, Fault> {
        let mut kept = Vec::new();
        let (mut asked, mut guessed) = (0, 0_usize);
        for row in rows {
            let Some((mut row, is_certain)) = rows::rewound(row, at) else {
                continue;
            };
            let may_ask = asked < MAX_LOGS && Instant::now() < deadline;
            if !is_certain && may_ask {
                asked += 1;
                match self.log(row.id.raw(), at, deadline).await {
                    Ok(log) => rows::correct(&mut row, log, at),
                    Err(fault) if is_withheld(fault.kind) || fault.kind == FaultKind::Decode => {
                        guessed += 1;
                    }
                    Err(fault) => return Err(fault),
                }
            } else if !is_certain {
                guessed += 1;
            }
            kept.push(row);
        }
        if guessed > 0 {
            let words = format!(
                "{guessed} incidents are shown as triggered: where they stood then is in their logs alone"
            );
            warnings.push(words.into());
        }
        Ok(kept)
    }

    /// What happened to an incident until a moment.
    async fn log(
        &self,
        id: &str,
        at: Timestamp,
        deadline: Instant,
    ) -> Result<Vec<LogEntry>, Fault> {
        if !incident_state::is_id(id) {
            return Ok(Vec::new());
        }
        let path = format!("/incidents/{id}/log_entries");
        let list = PAGING.list(&path, "log entries", 300, deadline).with(vec![
            ("is_overview", "true".to_owned()),
            ("time_zone", "UTC".to_owned()),
            ("until", stamp(at)),
        ]);
        Ok(list.all(&self.http).await?.rows)
    }

    /// Asks who is on call, unless that is known well enough.
    async fn ask_rota(&mut self, ask: &Ask, deadline: Instant) -> Result<(), Fault> {
        let is_due = ask.at.is_some() || self.rota.is_due(ask.now);
        if !is_due || Instant::now() >= deadline {
            return Ok(());
        }
        self.learn(ask.now, deadline).await?;
        let is_narrow = self.is_narrow();
        let Some(scope) = &self.scope.value else {
            return Ok(());
        };
        let rows = rota::read(&self.http, scope, is_narrow, ask, deadline).await;
        self.rota.take_on_call(rows, ask.now)
    }
}

#[cfg(test)]
mod tests;
