//! Asks incident.io's API for incidents (v2) and for who is on call, and resolves and annotates there.
//!
//! Open incidents come whole, those that ended in the last day besides. incident.io has no
//! acknowledgements: somebody has an incident when anybody but its reporter has a role in it.

mod act;
mod options;
mod rota;
mod rows;
mod wire;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use self::options::Options;
use self::wire::Named;
use super::{Acting, Ask, Built, Fetching, Kind, Previewing, Source};
use crate::config::{Problem, Settings, SourceSettings};
use crate::domain::{Facts, Fault, FaultKind, Incident, Order, Verb};
use crate::http::Http;
use crate::source::kit::cached::{Answered, Cached, CachedOnCall};
use crate::source::kit::list::{Advance, Listed, Paging};
use crate::source::kit::names;
use crate::source::kit::partial_fault::is_withheld;
use crate::source::severity::UnknownSeverities;

/// `kind = "incidentio"`.
pub const KIND: Kind = Kind {
    name: "incidentio",
    interval: SignedDuration::from_secs(30),
    measures: false,
    build,
};

/// How many open incidents are looked at.
const MAX_OPEN: usize = 1_000;
/// How many that have ended.
const MAX_ENDED: usize = 500;
/// How long an incident that has ended stays.
const RECENT: SignedDuration = SignedDuration::from_hours(24);
/// How long the names of severities and teams are good.
const NAMES_GOOD_FOR: SignedDuration = SignedDuration::from_mins(15);
/// After this a poll asks for nothing more that it can do without; it has 30 s at least.
const MAX_POLL_TIME: Duration = Duration::from_secs(20);

/// Pagination by cursor. A cursor that came before ends the list.
static PAGING: Paging = Paging {
    api: "incident.io's API",
    rows: None,
    total: "/pagination_meta/total_record_count",
    size: Some(("page_size", 250)),
    step: Advance::Cursor {
        at: "/pagination_meta/after",
        parameter: "after",
    },
    headers: |request| request,
    keeps_rows: false,
};

fn build(settings: &SourceSettings, _all: &Settings) -> Result<Built, Problem> {
    let options: Options = settings.options()?;
    options.check(settings)?;
    let source = IncidentIo {
        http: Http::new(settings, Some(options::DEFAULT_URL))?,
        options,
        names: Cached::default(),
        rota: Cached::default(),
    };
    Ok(Built::incidents(source, &[Verb::Resolve, Verb::Note]))
}

/// incident.io, and what it has said so far.
struct IncidentIo {
    http: Http,
    options: Options,
    names: Cached<Names>,
    rota: CachedOnCall,
}

/// What the account calls things.
struct Names {
    /// The ranks of severities, the worst first.
    ranks: Vec<i64>,
    /// Ids and names of teams.
    teams: Vec<(String, String)>,
    /// The ids of the teams that are watched.
    watched: Vec<String>,
}

impl Source for IncidentIo {
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

impl IncidentIo {
    async fn poll(&mut self, ask: &Ask) -> Result<Facts, Fault> {
        let deadline = Instant::now() + MAX_POLL_TIME;
        let mut facts = Facts::default();
        self.learn(ask.now, deadline).await?;
        let open = self.list(
            &["triage", "live", "paused"],
            None,
            MAX_OPEN,
            "open incidents",
            deadline,
        );
        let open = open.await?;
        let moment = ask.moment();
        let usual = moment.checked_sub(RECENT).unwrap_or(moment);
        let oldest = ask.since.map_or(usual, |since| since.min(usual));
        let over = ["learning", "closed", "declined", "canceled", "merged"];
        let ended = self.list(
            &over,
            Some(oldest),
            MAX_ENDED,
            "incidents that ended",
            deadline,
        );
        let ended = match ended.await {
            Ok(ended) => ended,
            Err(fault) if ask.at.is_some() => return Err(fault),
            Err(fault) => {
                facts.fault = Some(fault.of_part("incidents that ended"));
                Listed::default()
            }
        };
        facts.warnings.extend(open.warnings);
        facts.warnings.extend(ended.warnings);
        // A list that was cut may miss any of them.
        let is_cut = ended.rows.len() >= MAX_ENDED;
        let mut found = ended.rows;
        // What was asked for later knows more.
        let is_new = |row: &wire::Incident| !found.iter().any(|known| known.id == row.id);
        let open: Vec<_> = open.rows.into_iter().filter(is_new).collect();
        found.extend(open);
        let mut unknown = UnknownSeverities::default();
        let rows = found
            .iter()
            .filter_map(|row| self.incident(row, ask.at, &mut unknown));
        let is_recent =
            |row: &Incident| row.is_open() || row.resolved_at.is_some_and(|at| at >= oldest);
        facts.incidents = Some(rows.filter(is_recent).collect());
        facts.reach = Some(if is_cut { moment } else { oldest });
        facts.warnings.extend(unknown.warnings());
        if facts.fault.is_none() {
            facts.fault = self.ask_rota(ask, deadline).await.err();
        }
        facts.on_call = self.rota.value.clone().flatten();
        let told = self.names.warnings.iter().chain(&self.rota.warnings);
        facts.warnings.extend(told.cloned());
        facts.rest = self.http.rest();
        Ok(facts)
    }

    /// One incident, if it is watched and there was one.
    fn incident(
        &self,
        row: &wire::Incident,
        at: Option<Timestamp>,
        unknown: &mut UnknownSeverities,
    ) -> Option<Incident> {
        let names = self.names.value.as_ref();
        let (ranks, teams) = names.map_or((&[][..], &[][..]), |names| (&names.ranks, &names.teams));
        if !self.is_watched(row.team_ids()) {
            return None;
        }
        let incident = rows::incident(row, &self.options, ranks, teams, unknown);
        let incident = Some(incident).filter(|row| self.options.has_service(row.service.raw()))?;
        match at {
            Some(at) => rows::rewound(incident, at),
            None => Some(incident),
        }
    }

    fn is_watched<'a>(&self, mut teams: impl Iterator<Item = &'a str>) -> bool {
        let names = self.names.value.as_ref();
        let watched = names.map_or(&[][..], |names| &names.watched);
        self.options.teams.is_empty() || teams.any(|team| watched.iter().any(|id| id == team))
    }

    /// The incidents in some categories, changed since then.
    async fn list(
        &self,
        categories: &[&str],
        since: Option<Timestamp>,
        cap: usize,
        what: &'static str,
        deadline: Instant,
    ) -> Result<Listed<wire::Incident>, Fault> {
        let category = |word: &&str| ("status_category[one_of]", (*word).to_owned());
        let mut query: Vec<_> = categories.iter().map(category).collect();
        // The API knows days here, not times.
        let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
        query.extend(since.map(|since| ("updated_at[gte]", day(since))));
        let list = PAGING
            .list("/v2/incidents", what, cap, deadline)
            .with(query);
        list.all(&self.http).await
    }

    /// Learns the order of severities and the names of teams, now and then.
    async fn learn(&mut self, now: Timestamp, deadline: Instant) -> Result<(), Fault> {
        if !self.names.is_due(now) {
            return Ok(());
        }
        let names = self.names(deadline).await;
        self.names.take(names, now, NAMES_GOOD_FOR)
    }

    async fn names(&self, deadline: Instant) -> Answered<Names> {
        let mut warnings = Vec::new();
        let severities = match self.http.get("/v1/severities").send().await {
            Ok(answer) => answer
                .json::<wire::Severities>()?
                .severities
                .unwrap_or_default(),
            Err(fault) if is_withheld(fault.kind) => {
                warnings.push(fault.of_part("severities").message);
                Vec::new()
            }
            Err(fault) => return Err(fault.of_part("severities")),
        };
        let mut ranks: Vec<_> = severities
            .into_iter()
            .flatten()
            .filter_map(|row| row.rank)
            .collect();
        ranks.sort_unstable_by(|a, b| b.cmp(a));
        ranks.dedup();
        let list = PAGING
            .list("/v3/teams", "teams", 1_000, deadline)
            .size(Some(100));
        let teams = match list.all::<Named>(&self.http).await {
            Ok(listed) => {
                warnings.extend(listed.warnings);
                let team = |row: Named| Some((row.id?, row.name?));
                listed.rows.into_iter().filter_map(team).collect()
            }
            // Ids will do, then.
            Err(fault) if is_withheld(fault.kind) => {
                if !self.options.teams.is_empty() {
                    warnings.push(fault.of_part("teams").message);
                }
                Vec::new()
            }
            Err(fault) => return Err(fault.of_part("teams")),
        };
        let watched = self.watched(&teams)?;
        let names = Names {
            ranks,
            teams,
            watched,
        };
        Ok((names, warnings))
    }

    /// The ids of the teams that the settings name.
    fn watched(&self, teams: &[(String, String)]) -> Result<Vec<String>, Fault> {
        let (mut watched, unknown) = names::ids(&self.options.teams, teams);
        for word in unknown {
            if !act::looks_like_id(&word) {
                let message =
                    format!("`teams`: incident.io knows no `{word}`, or the key may not see it");
                return Err(Fault::new(FaultKind::NotFound, message));
            }
            watched.push(word);
        }
        Ok(watched)
    }
}

#[cfg(test)]
mod tests;
