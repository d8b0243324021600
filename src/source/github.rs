//! Asks GitHub for deployments, how they went, tagged releases, and runs of workflows that deploy.
//!
//! Two ways lead there. By REST, one request a repository and environment lists the newest
//! deployments; how one went is asked once more for each that has not come to its end yet. Answers
//! are asked for conditionally, so that an unchanged one costs nothing of the rate limit, and one
//! after the other, as GitHub's best practices for the REST API ask for. By GraphQL, one request asks
//! for fifty repositories and how everything went; it needs a token, and costs points of an allowance
//! of its own. A watcher of one repository takes REST, one of several with a token GraphQL, and REST
//! again while that is refused. Runs of workflows and past moments are asked for by REST.

mod commits;
mod compare;
mod graph;
mod lists;
mod options;
mod paths;
mod rows;
mod wire;

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use self::commits::{Comparisons, commits_of};
use self::graph::Graph;
use self::options::{Options, Repo, Standard};
use self::paths::Paths;
use self::rows::Outcome;
use self::wire::{Deployment, Run, TagRelease};
use super::kit::listing::{Lister, VendorProfile, horizon};
use super::kit::partial_fault::{Noun, PartialFaults, Patience};
use super::rollback::mark_rollbacks;
use super::{Ask, Built, Examining, Fetching, Kind, Source, status_words};
use crate::config::{Auth, Problem, Settings, SourceSettings};
use crate::domain::{Facts, Fault, FaultKind, Production, Release};
use crate::http::{Http, Request};

/// `kind = "github"`.
pub const KIND: Kind = Kind {
    name: "github",
    interval: SignedDuration::from_secs(60),
    measures: false,
    build,
};

/// With so many repositories GraphQL is the cheaper way: one request instead of one for each list,
/// and one for each deployment at the first poll.
const GRAPHQL_FROM: usize = 2;
fn build(settings: &SourceSettings, all: &Settings) -> Result<Built, Problem> {
    let options: Options = settings.options()?;
    let http = Http::new(settings, Some(options::DEFAULT_URL))?;
    let url = settings.http.url.as_deref();
    let standard = Standard {
        environments: &options.environments,
        workflows: &options.workflows,
    };
    let repos = options::repos(settings, options.repos, &standard)?;
    let has_token = !matches!(settings.http.auth, Auth::None);
    let by_graph = options
        .graphql
        .unwrap_or(has_token && repos.len() >= GRAPHQL_FROM);
    if by_graph && !has_token {
        return Err(settings.problem(
            "graphql",
            "needs a `token`: GitHub answers nobody without one",
        ));
    }
    let has_deployments = repos.iter().any(|repo| !repo.environments.is_empty());
    let has_lists = options.releases || has_deployments;
    let graph = (by_graph && has_lists)
        .then(|| http.beside(settings, &options::graphql(url)))
        .transpose()?;
    let nothing = |repo: &Repo| Seen {
        deployments: vec![Vec::new(); repo.lists().len()],
        ..Seen::default()
    };
    let source = GitHub {
        rest: Lister::new(http, PROFILE),
        graph: graph.map(Graph::new),
        site: options::site(url),
        last: repos.iter().map(nothing).collect(),
        with_tags: options.releases,
        is_beside_the_api: options::is_beside_the_api(url),
        outcomes: HashMap::new(),
        paths: Paths::default(),
        patience: Patience::default(),
        reach: Timestamp::MAX,
        comparisons: Comparisons::default(),
        production: all.delivery.production.clone(),
        repos,
    };
    let has_runs = source.repos.iter().any(|repo| !repo.workflows.is_empty());
    if !has_deployments && !source.with_tags && !has_runs {
        return Err(settings.problem(
            "environments",
            "is empty: name an environment, or set `releases = true` for tagged releases, \
             or `workflows = [\"deploy.yml\"]` for runs",
        ));
    }
    Ok(Built::releases(source))
}

/// GitHub, and what it has said so far.
struct GitHub {
    rest: Lister,
    graph: Option<Graph>,
    site: String,
    repos: Vec<Repo>,
    with_tags: bool,
    /// True when `url` is the site of an Enterprise Server, and not its API.
    is_beside_the_api: bool,
    /// The last good lists of each repository, for when one of them fails.
    last: Vec<Seen>,
    /// How deployments went, with the `updated_at` that this was true for.
    outcomes: HashMap<String, (Option<String>, Outcome)>,
    /// Which deployed commits changed something below the paths of entries.
    paths: Paths,
    patience: Patience,
    /// How far back the last lists go.
    reach: Timestamp,
    /// Commits of deployments, for reports.
    comparisons: Comparisons,
    production: Production,
}

/// The lists of one repository.
#[derive(Clone, Default)]
struct Seen {
    /// By the place of their list.
    deployments: Vec<Vec<Deployment>>,
    tags: Vec<TagRelease>,
    /// Of all its workflows, by the place of each.
    runs: Vec<Vec<Run>>,
}

impl Source for GitHub {
    fn fetch<'a>(&'a mut self, ask: &'a Ask) -> Fetching<'a> {
        Box::pin(async move {
            let outcome = self.poll(ask).await;
            let outcome = self.patience.apply(outcome);
            if self.is_beside_the_api {
                return hinted(outcome);
            }
            outcome
        })
    }

    fn examine<'a>(&'a mut self, _ask: &'a Ask) -> Examining<'a> {
        Box::pin(self.other_environments())
    }

    fn skew(&self) -> Option<SignedDuration> {
        let graph = self.graph.as_ref().and_then(|graph| graph.http.skew());
        graph.or_else(|| self.rest.http.skew())
    }
}

/// The same, with the likely cause where nothing is found.
fn hinted(outcome: Result<Facts, Fault>) -> Result<Facts, Fault> {
    let hint = |fault: Fault| {
        if fault.kind != FaultKind::NotFound {
            return fault;
        }
        let message = format!(
            "{}; is this a GitHub Enterprise Server? Its API is at /api/v3: add that to `url`",
            fault.message.raw()
        );
        Fault {
            message: message.into(),
            ..fault
        }
    };
    outcome.map_err(hint).map(|mut facts| {
        facts.fault = facts.fault.take().map(hint);
        facts
    })
}

impl GitHub {
    async fn poll(&mut self, ask: &Ask) -> Result<Facts, Fault> {
        let mut trouble = PartialFaults::default();
        self.rest.begin();
        let seen = if let Some(at) = ask.at {
            self.past(at, &mut trouble).await?
        } else {
            self.present(ask, &mut trouble).await?;
            self.last.clone()
        };
        let has_outcomes = ask.at.is_none() && self.is_by_graph(ask.now);
        if !has_outcomes {
            self.ask_outcomes(&seen, ask, &mut trouble).await;
        }
        self.ask_paths(&seen, ask, &mut trouble).await;
        self.ask_commits(&seen, ask, &mut trouble).await;
        if ask.at.is_none() {
            let known = seen
                .iter()
                .flat_map(|seen| seen.deployments.iter().flatten());
            let ids: HashSet<&str> = known.map(|row| row.id.as_str()).collect();
            self.outcomes.retain(|id, _| ids.contains(id.as_str()));
            self.rest.forget();
        }
        let graph = self.graph.as_ref().and_then(|graph| graph.http.rest());
        let is_open = self.is_by_graph(ask.now);
        let releases = self.releases(&seen, ask.at);
        trouble.warnings.extend(status_words::warnings(&releases));
        Ok(Facts {
            releases: Some(releases),
            fault: trouble.fault(),
            warnings: trouble.warnings,
            reach: ask.at.is_none().then_some(self.reach),
            // While it is not asked, nothing waits for what GraphQL has left.
            rest: self.rest.http.rest().max(graph.filter(|_| is_open)),
            ..Facts::default()
        })
    }

    fn is_by_graph(&self, now: Timestamp) -> bool {
        let graph = self.graph.as_ref();
        graph.is_some_and(|graph| graph.closed(now).is_none())
    }

    /// Brings the last lists up to date.
    async fn present(&mut self, ask: &Ask, trouble: &mut PartialFaults) -> Result<(), Fault> {
        let now = ask.now;
        let since = horizon(ask);
        self.reach = since;
        if self.is_by_graph(now) {
            self.by_graph(now, since, trouble).await?;
        }
        let is_done = self.is_by_graph(now);
        if let Some((until, why)) = self.graph.as_ref().and_then(|graph| graph.closed(now)) {
            trouble.warn(format!(
                "GraphQL is refused ({why}); each repository is asked by REST, and GraphQL again at {} UTC",
                until.strftime("%H:%M")
            ));
        }
        let mut lists = 0;
        for index in 0..self.repos.len() {
            if let Some(twin) = options::twin(&self.repos, index) {
                self.last[index] = Seen {
                    tags: Vec::new(),
                    ..self.last[twin].clone()
                };
                continue;
            }
            let of = self.repos[index].lists().len();
            let wanted = if is_done { 0 } else { of };
            for list in 0..wanted {
                lists += 1;
                self.list_deployments(index, list, since, trouble).await?;
            }
            if self.with_tags && !is_done {
                lists += 1;
                self.list_tags(index, trouble).await?;
            }
            lists += self.repos[index].workflows.len();
            self.list_runs(index, since, trouble).await?;
        }
        if !is_done
            && trouble.faults.len() == lists
            && let Some(fault) = trouble.fault()
        {
            return Err(fault);
        }
        Ok(())
    }

    /// Everything as releases, what was rolled back as such.
    fn releases(&self, seen: &[Seen], at: Option<Timestamp>) -> Vec<Release> {
        let mut all = Vec::new();
        for (repo, seen) in self.repos.iter().zip(seen) {
            // A run does not say where it deploys to; with one environment there is but one answer.
            let only = match repo.lists().as_slice() {
                [Some(only)] => *only,
                _ => "",
            };
            let rows = seen.deployments.iter().flatten();
            let (kept, kept_runs) = self.kept(repo, seen);
            let mut arrived: Vec<_> = rows
                .clone()
                .zip(kept)
                .filter(|(_, is_kept)| *is_kept)
                .map(|(row, _)| self.release(repo, row, at))
                .collect();
            let runs = seen.runs.iter().flatten().zip(kept_runs);
            let runs = runs.filter(|(run, is_kept)| {
                *is_kept && !rows.clone().any(|row| rows::is_made_by(row, run))
            });
            arrived.extend(runs.filter_map(|(run, _)| rows::run(repo, run, only, at)));
            mark_rollbacks(&mut arrived);
            all.append(&mut arrived);
            all.extend(seen.tags.iter().filter_map(|row| rows::tag(repo, row)));
        }
        // What several entries of one repository mean belongs to the first.
        let mut known = HashSet::new();
        all.retain(|release| known.insert(release.id.clone()));
        all
    }

    fn release(&self, repo: &Repo, row: &Deployment, at: Option<Timestamp>) -> Release {
        let outcome = self.outcomes.get(&row.id);
        let outcome = outcome.map(|(_, outcome)| outcome.clone());
        let mut release = rows::deployment(repo, row, outcome, &self.site, at);
        let commits = commits_of(repo, &self.comparisons, &row.id);
        release.carried.commits = commits.cloned();
        release
    }
}

/// GitHub's ways.
const PROFILE: VendorProfile = VendorProfile {
    headers: with_headers,
    explain: limited,
};

/// What there are many of.
const REPOSITORY: Noun = Noun {
    one: "repository",
    setting: "repos",
    rights: "it needs to read deployments, contents and actions",
};

/// What GitHub wants every request to say.
fn with_headers(request: Request<'_>) -> Request<'_> {
    request
        .header("Accept", "application/vnd.github+json")
        .header("X-GitHub-Api-Version", "2022-11-28")
}

/// Tells the secondary rate limit from a missing right: both are a 403, and not all of the former
/// have a header that says so.
fn limited(fault: Fault) -> Fault {
    let said = fault.message.raw().to_ascii_lowercase();
    if fault.kind == FaultKind::Forbidden && said.contains("rate limit") {
        return Fault::new(
            FaultKind::RateLimited,
            "secondary rate limit reached (403); raise `interval` if this repeats",
        );
    }
    fault
}

#[cfg(test)]
mod tests;
