//! Asks GitHub's REST API for deployments, how they went, and tagged releases.
//!
//! One request a repository and environment lists the newest deployments; how one went is asked
//! once more for each that has not come to its end yet. Answers are asked for conditionally, so
//! that an unchanged one costs nothing of the rate limit, and one after the other, as GitHub's best
//! practices for the REST API ask for.

mod options;
mod rows;
mod wire;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;

use self::options::{Options, Repo};
use self::rows::Outcome;
use self::wire::{Deployment, Status, TagRelease};
use super::conditional::Conditional;
use super::{Ask, Built, Fetching, Kind, Source};
use crate::config::{Problem, Settings, SourceSettings};
use crate::domain::{Facts, Fault, FaultKind, Release};
use crate::http::{Answer, Http, Request};
use crate::store::Offers;
use crate::text::Untrusted;

/// `kind = "github"`.
pub const KIND: Kind = Kind {
    name: "github",
    interval: SignedDuration::from_secs(60),
    measures: false,
    build,
};

/// How many deployments and releases of a repository are looked at.
const ROWS: usize = 20;
/// How many deployments one poll asks about, the newest first; the others wait for the next poll.
const STATUSES_A_POLL: usize = 30;
/// How many pages are turned back to find a past moment.
const PAGES: usize = 10;
/// How long to stay away when GitHub tells of its secondary limit without saying how long.
const SECONDARY_WAIT: SignedDuration = SignedDuration::from_secs(60);

fn build(settings: &SourceSettings, _all: &Settings) -> Result<Built, Problem> {
    let options: Options = settings.options()?;
    let source = GitHub {
        http: Http::new(settings, Some(options::DEFAULT_URL))?,
        site: options::site(settings.http.url.as_deref()),
        repos: options::repos(settings, options.repos)?,
        environments: options.environments,
        with_tags: options.releases,
        answers: Conditional::default(),
        asked: HashSet::new(),
        deployments: HashMap::new(),
        tags: HashMap::new(),
        outcomes: HashMap::new(),
    };
    if source.environments.is_empty() && !source.with_tags {
        return Err(settings.problem(
            "environments",
            "is empty: name an environment, or set `releases = true` for tagged releases",
        ));
    }
    Ok(Built {
        source: Box::new(source),
        offers: Offers {
            releases: true,
            ..Offers::default()
        },
        expected: Vec::new(),
    })
}

/// GitHub, and what it has said so far.
struct GitHub {
    http: Http,
    site: String,
    repos: Vec<Repo>,
    environments: Vec<String>,
    with_tags: bool,
    answers: Conditional,
    /// What this poll asked for: answers to other questions need not be kept.
    asked: HashSet<String>,
    /// The last good list of each repository and environment, for when one of them fails.
    deployments: HashMap<(String, String), Vec<Deployment>>,
    /// The last good tagged releases of each repository.
    tags: HashMap<String, Vec<TagRelease>>,
    /// How deployments went, with the `updated_at` that this was true for.
    outcomes: HashMap<u64, (Option<String>, Outcome)>,
}

impl Source for GitHub {
    fn fetch<'a>(&'a mut self, ask: &'a Ask) -> Fetching<'a> {
        Box::pin(self.poll(ask.at))
    }

    fn skew(&self) -> Option<SignedDuration> {
        self.http.skew()
    }
}

/// What went wrong, or was left out, in one poll.
#[derive(Default)]
struct Trouble {
    faults: Vec<Fault>,
    warnings: Vec<Untrusted>,
}

impl Trouble {
    /// Notes what went wrong with one repository; what would go wrong with all ends the poll.
    fn note(&mut self, repo: &Repo, fault: Fault) -> Result<(), Fault> {
        if is_everywhere(fault.kind) {
            return Err(fault);
        }
        self.faults.push(named(repo, &fault));
        Ok(())
    }

    /// All faults as one.
    fn fault(&mut self) -> Option<Fault> {
        let more = self.faults.len().saturating_sub(1);
        let fault = self.faults.drain(..).next()?;
        if more == 0 {
            return Some(fault);
        }
        let message = format!("{} (and {more} more faults)", fault.message.raw()).into();
        Some(Fault { message, ..fault })
    }
}

impl GitHub {
    async fn poll(&mut self, at: Option<Timestamp>) -> Result<Facts, Fault> {
        self.asked.clear();
        let mut trouble = Trouble::default();
        let mut found = Vec::new();
        let mut releases = Vec::new();
        let mut lists = 0;
        for repo in self.repos.clone() {
            for environment in self.environments.clone() {
                lists += 1;
                let rows = self.list_deployments(&repo, &environment, at, &mut trouble);
                found.extend(rows.await?.into_iter().map(|row| (repo.clone(), row)));
            }
            if self.with_tags {
                lists += 1;
                let rows = self.list_tags(&repo, at, &mut trouble).await?;
                releases.extend(rows.iter().filter_map(|row| rows::tag(&repo, row)));
            }
        }
        if trouble.faults.len() == lists
            && let Some(fault) = trouble.fault()
        {
            return Err(fault);
        }
        found.sort_by_key(|(_, row)| Reverse((row.created(), row.id)));
        self.ask_outcomes(&found, &mut trouble).await;
        if at.is_none() {
            let ids: HashSet<u64> = found.iter().map(|(_, row)| row.id).collect();
            self.outcomes.retain(|id, _| ids.contains(id));
            self.answers.retain(|key| self.asked.contains(key));
        }
        releases.extend(found.iter().map(|(repo, row)| self.release(repo, row, at)));
        Ok(Facts {
            releases: Some(releases),
            fault: trouble.fault(),
            warnings: trouble.warnings,
            ..Facts::default()
        })
    }

    fn release(&self, repo: &Repo, row: &Deployment, at: Option<Timestamp>) -> Release {
        let outcome = self.outcomes.get(&row.id);
        let outcome = outcome.map(|(_, outcome)| outcome.clone());
        rows::deployment(repo, row, outcome, &self.site, at)
    }

    /// The newest deployments of a repository; its last known ones when it alone fails.
    async fn list_deployments(
        &mut self,
        repo: &Repo,
        environment: &str,
        at: Option<Timestamp>,
        trouble: &mut Trouble,
    ) -> Result<Vec<Deployment>, Fault> {
        let path = format!("/repos/{}/deployments", repo.name);
        let query = [("environment", environment)];
        let listed = match at {
            Some(at) => self.past(&path, &query, at, Deployment::created).await,
            None => self.list(&path, &query, ROWS).await,
        };
        let key = (repo.name.clone(), environment.to_owned());
        match listed {
            Ok(rows) => {
                if at.is_none() {
                    self.deployments.insert(key, rows.clone());
                }
                Ok(rows)
            }
            Err(fault) => {
                trouble.note(repo, fault)?;
                let known = self.deployments.get(&key).filter(|_| at.is_none());
                Ok(known.cloned().unwrap_or_default())
            }
        }
    }

    /// The newest tagged releases of a repository, likewise.
    async fn list_tags(
        &mut self,
        repo: &Repo,
        at: Option<Timestamp>,
        trouble: &mut Trouble,
    ) -> Result<Vec<TagRelease>, Fault> {
        let path = format!("/repos/{}/releases", repo.name);
        let listed = match at {
            Some(at) => self.past(&path, &[], at, TagRelease::published).await,
            None => self.list(&path, &[], ROWS).await,
        };
        match listed {
            Ok(rows) => {
                if at.is_none() {
                    self.tags.insert(repo.name.clone(), rows.clone());
                }
                Ok(rows)
            }
            Err(fault) => {
                trouble.note(repo, fault)?;
                let known = self.tags.get(&repo.name).filter(|_| at.is_none());
                Ok(known.cloned().unwrap_or_default())
            }
        }
    }

    /// Asks how those went whose end is not known yet, the newest first.
    async fn ask_outcomes(&mut self, found: &[(Repo, Deployment)], trouble: &mut Trouble) {
        let mut left = STATUSES_A_POLL;
        let mut waiting = 0_usize;
        for (repo, row) in found {
            let known = self.outcomes.get(&row.id);
            if known
                .is_some_and(|(updated, outcome)| outcome.is_final && *updated == row.updated_at)
            {
                continue;
            }
            if left == 0 {
                waiting += 1;
                continue;
            }
            left -= 1;
            let path = format!("/repos/{}/deployments/{}/statuses", repo.name, row.id);
            match self.list::<Status>(&path, &[], STATUSES_A_POLL).await {
                Ok(statuses) => {
                    let outcome = (row.updated_at.clone(), Outcome::of(statuses));
                    self.outcomes.insert(row.id, outcome);
                }
                Err(fault) => {
                    if let Err(fault) = trouble.note(repo, fault) {
                        trouble.faults.insert(0, fault);
                        return;
                    }
                }
            }
        }
        if waiting > 0 {
            let words = format!("{waiting} older deployments are asked about with the next polls");
            trouble.warnings.push(words.into());
        }
    }

    /// Asks for the first `count` rows of a list, conditionally.
    async fn list<T: DeserializeOwned>(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
        count: usize,
    ) -> Result<Vec<T>, Fault> {
        let key = format!("{path} {query:?}");
        let request = request(&self.http, path, query, count).accept(&[304]);
        let answer = self.answers.send(&key, request).await.map_err(limited)?;
        self.asked.insert(key);
        answer.json()
    }

    /// Turns pages back until there are enough rows that are not younger than `at`, and gives those.
    async fn past<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        at: Timestamp,
        dated: impl Fn(&T) -> Option<Timestamp>,
    ) -> Result<Vec<T>, Fault> {
        let mut kept = Vec::new();
        let mut next = Some(request(&self.http, path, query, 100));
        for _ in 0..PAGES {
            let Some(request) = next else {
                return Ok(kept);
            };
            let answer = request.send().await.map_err(limited)?;
            let rows: Vec<T> = answer.json()?;
            kept.extend(
                rows.into_iter()
                    .filter(|row| dated(row).is_some_and(|dated| dated <= at))
                    .take(ROWS - kept.len()),
            );
            if kept.len() == ROWS {
                return Ok(kept);
            }
            let link = next_page(&answer).map(|link| self.http.get_url(link));
            next = link.transpose()?.map(with_headers);
        }
        Err(Fault::new(
            FaultKind::NoHistory,
            format!("the moment is more than {PAGES} pages of deployments ago"),
        ))
    }
}

fn request<'a>(http: &'a Http, path: &str, query: &[(&str, &str)], count: usize) -> Request<'a> {
    let request = http.get(path).query("per_page", &count.to_string());
    let with_query =
        |request: Request<'a>, (name, value): &(&str, &str)| request.query(name, value);
    with_headers(query.iter().fold(request, with_query))
}

/// What GitHub wants every request to say.
fn with_headers(request: Request<'_>) -> Request<'_> {
    request
        .header("Accept", "application/vnd.github+json")
        .header("X-GitHub-Api-Version", "2022-11-28")
}

/// Where the next page is: `Link: <…>; rel="next"`, RFC 8288.
fn next_page(answer: &Answer) -> Option<&str> {
    answer.header("Link")?.split(',').find_map(|link| {
        let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        parameters.contains("rel=\"next\"").then_some(address)
    })
}

/// True for faults that another repository would meet just the same.
fn is_everywhere(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Timeout
            | FaultKind::Connect
            | FaultKind::Tls
            | FaultKind::Auth
            | FaultKind::RateLimited
            | FaultKind::Secret
            | FaultKind::Crash
    )
}

/// Tells the secondary rate limit from a missing right: both are a 403, and not all of the former
/// have a header that says so.
fn limited(fault: Fault) -> Fault {
    let said = fault.message.raw().to_ascii_lowercase();
    if fault.kind == FaultKind::Forbidden && said.contains("rate limit") {
        return Fault {
            retry_after: fault.retry_after.or(Some(SECONDARY_WAIT)),
            ..Fault::new(
                FaultKind::RateLimited,
                "secondary rate limit reached (403); raise `interval` if this repeats",
            )
        };
    }
    fault
}

/// The fault of one repository.
fn named(repo: &Repo, fault: &Fault) -> Fault {
    let words = match fault.kind {
        FaultKind::NotFound => "no such repository, or the token may not see it (404)",
        FaultKind::Redirect => "has moved; correct its name in `repos`",
        _ => fault.message.raw(),
    };
    let message = format!("{}: {words}", repo.name).into();
    Fault {
        message,
        ..fault.clone()
    }
}

#[cfg(test)]
mod tests;
