//! Many repositories in one request, by GraphQL.
//!
//! Shapes: the published schema of GitHub's GraphQL API. An answer is 200 also when parts of it could
//! not be had; those are null, and `errors` says why.

mod query;
mod wire;

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::query::{Part, Wanted};
use self::wire::{Connection, Reply, Told as Refusal, Turn};
use super::limited;
use super::options::{self, Repo};
use super::wire::{Deployment, Status, TagRelease};
use crate::domain::{Fault, FaultKind};
use crate::http::{Http, Method};
use crate::source::kit::listing::{MAX_ROWS, Row as _};
use crate::source::kit::partial_fault::PartialFaults;

/// How many repositories one request asks for: GitHub gives up on a query after 10 seconds.
const BATCH: usize = 50;
/// How often the next pages of one batch are asked for.
const ROUNDS: usize = 8;
/// For how long it is not asked after it was refused.
const CLOSED_FOR: SignedDuration = SignedDuration::from_mins(10);
/// The longest that it is not asked, whenever its allowance is renewed.
const MAX_CLOSED: SignedDuration = SignedDuration::from_hours(1);

/// GitHub's GraphQL API.
pub(super) struct Graph {
    pub(super) http: Http,
    /// Until when it is not asked, and why.
    closed: Option<(Timestamp, String)>,
}

/// What is wanted of each repository.
pub(super) struct Scope {
    pub(super) with_tags: bool,
    /// How far back.
    pub(super) since: Timestamp,
    pub(super) now: Timestamp,
}

/// A deployment with its statuses.
pub(super) type Told = (Deployment, Vec<Status>);

/// What one repository has; `None` for what could not be had.
#[derive(Default)]
pub(super) struct Loaded {
    /// Deployments, by the place of their list.
    pub(super) deployments: Vec<Option<Vec<Told>>>,
    pub(super) tags: Option<Vec<TagRelease>>,
}

impl Graph {
    pub(super) fn new(http: Http) -> Self {
        Self { http, closed: None }
    }

    /// Until when it is not to be asked, and why; `None` when it may be.
    pub(super) fn closed(&self, now: Timestamp) -> Option<(Timestamp, &str)> {
        let (until, why) = self.closed.as_ref()?;
        (now < *until).then_some((*until, why))
    }

    /// Notes that it was refused.
    pub(super) fn close(&mut self, now: Timestamp, fault: &Fault) {
        let wait = fault.retry_after.unwrap_or(CLOSED_FOR).min(MAX_CLOSED);
        let until = now.checked_add(wait).unwrap_or(Timestamp::MAX);
        let why = match fault.kind {
            FaultKind::NotFound => "this server offers none here (404)".to_owned(),
            _ => fault.message.raw().to_owned(),
        };
        self.closed = Some((until, why));
    }

    /// Asks for all repositories. What cannot be had of one of them is a warning; a fault means that
    /// nothing was had.
    pub(super) async fn load(
        &self,
        repos: &[Repo],
        scope: &Scope,
        trouble: &mut PartialFaults,
    ) -> Result<Vec<Loaded>, Fault> {
        let nothing = |repo: &Repo| Loaded {
            deployments: repo.lists().iter().map(|_| None).collect(),
            tags: None,
        };
        let mut loaded: Vec<_> = repos.iter().map(nothing).collect();
        // What another entry asks for is not asked for again.
        let all: Vec<usize> = (0..repos.len())
            .filter(|&place| options::twin(repos, place).is_none())
            .collect();
        for batch in all.chunks(BATCH) {
            let mut wanted: Vec<_> = batch
                .iter()
                .map(|&index| Wanted {
                    repo: index,
                    parts: query::parts(&repos[index], scope),
                })
                .filter(|wanted| !wanted.parts.is_empty())
                .collect();
            for _ in 0..ROUNDS {
                if wanted.is_empty() {
                    break;
                }
                let reply = self.send(repos, &wanted, scope.now).await?;
                let mut answer = Reading {
                    repos,
                    scope,
                    reply,
                    loaded: &mut loaded,
                    trouble: &mut *trouble,
                };
                let next = wanted.iter().map(|wanted| answer.take(wanted));
                wanted = next.filter(|wanted| !wanted.parts.is_empty()).collect();
            }
        }
        Ok(loaded)
    }

    async fn send(
        &self,
        repos: &[Repo],
        wanted: &[Wanted],
        now: Timestamp,
    ) -> Result<Reply, Fault> {
        let body = query::body(repos, wanted);
        let request = self.http.ask(Method::POST, "").json(&body).only_asks();
        let sent = request.header("Accept", "application/json").send().await;
        let answer = sent.map_err(limited)?;
        let reply: Reply = answer.json()?;
        let data = reply.data.as_ref().map(HashMap::values);
        if data.is_some_and(|mut repos| repos.any(Option::is_some)) {
            return Ok(reply);
        }
        let Some(told) = reply.errors.first() else {
            return Err(Fault::new(FaultKind::Query, "it answered nothing"));
        };
        let renewed = answer.header("x-ratelimit-reset");
        Err(Fault {
            retry_after: renewed
                .and_then(|second| Timestamp::from_second(second.parse().ok()?).ok())
                .filter(|renewed| told.is_limited() && *renewed > now)
                .map(|renewed| renewed.duration_since(now)),
            ..Fault::new(told.fault_kind(), told.words())
        })
    }
}

/// One answer, being read.
struct Reading<'a> {
    repos: &'a [Repo],
    scope: &'a Scope,
    reply: Reply,
    loaded: &'a mut [Loaded],
    trouble: &'a mut PartialFaults,
}

impl Reading<'_> {
    /// Takes what was wanted of one repository; what is wanted of it next.
    fn take(&mut self, wanted: &Wanted) -> Wanted {
        let mut next = Wanted {
            repo: wanted.repo,
            parts: Vec::new(),
        };
        let alias = wanted.alias();
        let name = &self.repos[wanted.repo].name;
        let fields = self
            .reply
            .data
            .as_mut()
            .and_then(|data| data.remove(&alias));
        let Some(Some(mut fields)) = fields else {
            let why = match self.reply.error(&alias, None) {
                Some(told) => told.words(),
                None => "no such repository, or the token may not see it".to_owned(),
            };
            self.trouble.warn(format!("{name}: {why}"));
            return next;
        };
        for part in &wanted.parts {
            let field = part.alias();
            let value = fields.remove(&field).filter(|value| !value.is_null());
            let told = self.reply.error(&alias, Some(&field));
            let read = match value {
                Some(value) => self.read(wanted.repo, part, value),
                None => Err(told.map_or_else(
                    || format!("its {} were not answered", self.noun(wanted.repo, part)),
                    Refusal::words,
                )),
            };
            match read {
                Ok(more) => next.parts.extend(more),
                Err(why) => {
                    let name = &self.repos[wanted.repo].name;
                    self.trouble.warn(format!("{name}: {why}"));
                }
            }
        }
        next
    }

    /// What a list is of.
    fn noun(&self, repo: usize, part: &Part) -> String {
        match part {
            Part::Deployments { list, .. } => match self.repos[repo].lists()[*list] {
                Some(environment) => format!("deployments to {environment}"),
                None => "deployments".to_owned(),
            },
            Part::Tags => "releases".to_owned(),
        }
    }

    /// Reads one list; where to go on with it, if that is needed.
    fn read(&mut self, repo: usize, part: &Part, value: Value) -> Result<Option<Part>, String> {
        let loaded = &mut self.loaded[repo];
        let Part::Deployments { list, .. } = part else {
            let page: Connection<wire::Release> = shaped(value)?;
            loaded.tags = Some(page.rows().map(wire::Release::plain).collect());
            return Ok(None);
        };
        let page: Connection<wire::Deployment> = shaped(value)?;
        let (total, turn) = (page.total_count, page.page_info.clone());
        let rows = loaded.deployments[*list].get_or_insert_default();
        for row in page.rows().map(wire::Deployment::plain) {
            // Rows slide to the next page while pages are turned.
            if rows.iter().all(|(known, _)| known.id != row.0.id) {
                rows.push(row);
            }
        }
        let count = rows.len();
        let oldest = rows.last().and_then(|(row, _)| row.dated());
        let is_enough = oldest.is_none_or(|oldest| oldest < self.scope.since);
        let next = turn.and_then(Turn::next).filter(|_| !is_enough);
        let Some(next) = next.filter(|next| !part.is_after(next)) else {
            return Ok(None);
        };
        if count < MAX_ROWS {
            return Ok(Some(part.after(next)));
        }
        let name = &self.repos[repo].name;
        let of = total.map_or_else(String::new, |total| format!(" of {total}"));
        let noun = self.noun(repo, part);
        let words = format!("{name}: {count}{of} {noun} loaded");
        self.trouble.warn(words);
        Ok(None)
    }
}

fn shaped<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|_| "its answer has another shape".to_owned())
}
