//! Asks GitHub for deployments, how they went, tagged releases, and runs of workflows that deploy.
//!
//! Two ways lead there. By REST, one request a repository and environment lists the newest
//! deployments; how one went is asked once more for each that has not come to its end yet. Answers
//! are asked for conditionally, so that an unchanged one costs nothing of the rate limit, and one
//! after the other, as GitHub's best practices for the REST API ask for. By GraphQL, one request asks
//! for fifty repositories and how everything went; it needs a token, and costs points of an allowance
//! of its own. A watcher of one repository takes REST, one of several with a token GraphQL, and REST
//! again while that is refused. Runs of workflows and past moments are asked for by REST.

mod graph;
mod options;
mod rest;
mod rows;
mod trouble;
mod wire;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use self::graph::{Graph, Scope};
use self::options::{Options, Repo};
use self::rest::{Listed, Rest, Total};
use self::rows::Outcome;
use self::trouble::{Patience, Trouble, is_everywhere};
use self::wire::{Deployment, Row as _, Run, Status, TagRelease};
use super::rollback::mark_rollbacks;
use super::{Ask, Built, Fetching, Kind, Source};
use crate::config::{Auth, Problem, Settings, SourceSettings};
use crate::domain::{Facts, Fault, FaultKind, Release};
use crate::http::Http;
use crate::store::Offers;

/// `kind = "github"`.
pub const KIND: Kind = Kind {
    name: "github",
    interval: SignedDuration::from_secs(60),
    measures: false,
    build,
};

/// How many deployments one poll asks about, the newest first; the others wait for the next poll.
const STATUSES_A_POLL: usize = 30;
/// With so many repositories GraphQL is the cheaper way: one request instead of one for each list,
/// and one for each deployment at the first poll.
const GRAPHQL_FROM: usize = 2;
/// How many requests of the allowance are left to others when statuses are asked for.
const SPARED: u64 = 1;

fn build(settings: &SourceSettings, _all: &Settings) -> Result<Built, Problem> {
    let options: Options = settings.options()?;
    let http = Http::new(settings, Some(options::DEFAULT_URL))?;
    let url = settings.http.url.as_deref();
    let repos = options::repos(settings, options.repos, &options.workflows)?;
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
    let has_lists = options.releases || !options.environments.is_empty();
    let graph = (by_graph && has_lists)
        .then(|| http.beside(settings, &options::graphql(url)))
        .transpose()?;
    let nothing = Seen {
        deployments: vec![Vec::new(); options.environments.len()],
        ..Seen::default()
    };
    let source = GitHub {
        rest: Rest::new(http),
        graph: graph.map(Graph::new),
        site: options::site(url),
        last: vec![nothing; repos.len()],
        environments: options.environments,
        with_tags: options.releases,
        outcomes: HashMap::new(),
        patience: Patience::default(),
        repos,
    };
    let has_runs = source.repos.iter().any(|repo| !repo.workflows.is_empty());
    if source.environments.is_empty() && !source.with_tags && !has_runs {
        return Err(settings.problem(
            "environments",
            "is empty: name an environment, or set `releases = true` for tagged releases, \
             or `workflows = [\"deploy.yml\"]` for runs",
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
    rest: Rest,
    graph: Option<Graph>,
    site: String,
    repos: Vec<Repo>,
    environments: Vec<String>,
    with_tags: bool,
    /// The last good lists of each repository, for when one of them fails.
    last: Vec<Seen>,
    /// How deployments went, with the `updated_at` that this was true for.
    outcomes: HashMap<String, (Option<String>, Outcome)>,
    patience: Patience,
}

/// The lists of one repository.
#[derive(Clone, Default)]
struct Seen {
    /// By the place of their environment in the settings.
    deployments: Vec<Vec<Deployment>>,
    tags: Vec<TagRelease>,
    /// Of all its workflows, by the place of each.
    runs: Vec<Vec<Run>>,
}

impl Source for GitHub {
    fn fetch<'a>(&'a mut self, ask: &'a Ask) -> Fetching<'a> {
        Box::pin(async move {
            let outcome = self.poll(ask).await;
            self.patience.apply(outcome)
        })
    }

    fn skew(&self) -> Option<SignedDuration> {
        let graph = self.graph.as_ref().and_then(|graph| graph.http.skew());
        graph.or_else(|| self.rest.http.skew())
    }
}

impl GitHub {
    async fn poll(&mut self, ask: &Ask) -> Result<Facts, Fault> {
        let mut trouble = Trouble::default();
        self.rest.begin();
        let seen = match ask.at {
            Some(at) => self.past(at, &mut trouble).await?,
            None => {
                self.present(ask.now, &mut trouble).await?;
                self.last.clone()
            }
        };
        let has_outcomes = ask.at.is_none() && self.is_by_graph(ask.now);
        if !has_outcomes {
            self.ask_outcomes(&seen, &mut trouble).await;
        }
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
        Ok(Facts {
            releases: Some(self.releases(&seen, ask.at)),
            fault: trouble.fault(),
            warnings: trouble.warnings,
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
    async fn present(&mut self, now: Timestamp, trouble: &mut Trouble) -> Result<(), Fault> {
        let since = now.checked_sub(rest::HORIZON).unwrap_or(Timestamp::MIN);
        if self.is_by_graph(now) {
            self.by_graph(now, since, trouble).await?;
        }
        let is_done = self.is_by_graph(now);
        if let Some(why) = self.graph.as_ref().and_then(|graph| graph.closed(now)) {
            trouble.warn(format!(
                "GraphQL is refused ({why}); each repository is asked by REST"
            ));
        }
        let mut lists = 0;
        for index in 0..self.repos.len() {
            let wanted = if is_done { 0 } else { self.environments.len() };
            for environment in 0..wanted {
                lists += 1;
                self.list_deployments(index, environment, since, trouble)
                    .await?;
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

    /// Asks for all repositories at once; closes that way when it is refused.
    async fn by_graph(
        &mut self,
        now: Timestamp,
        since: Timestamp,
        trouble: &mut Trouble,
    ) -> Result<(), Fault> {
        let Some(graph) = &mut self.graph else {
            return Ok(());
        };
        let scope = Scope {
            environments: &self.environments,
            with_tags: self.with_tags,
            since,
        };
        let mut warned = Trouble::default();
        let loaded = match graph.load(&self.repos, &scope, &mut warned).await {
            Ok(loaded) => loaded,
            Err(fault) if is_everywhere(fault.kind) => return Err(fault),
            Err(fault) => {
                graph.close(now, &fault);
                return Ok(());
            }
        };
        trouble.warnings.append(&mut warned.warnings);
        for (last, loaded) in self.last.iter_mut().zip(loaded) {
            for (known, rows) in last.deployments.iter_mut().zip(loaded.deployments) {
                let Some(rows) = rows else { continue };
                known.clear();
                for (row, statuses) in rows {
                    let outcome = (row.updated_at.clone(), Outcome::of(statuses));
                    self.outcomes.insert(row.id.clone(), outcome);
                    known.push(row);
                }
            }
            if let Some(tags) = loaded.tags {
                last.tags = tags;
            }
        }
        Ok(())
    }

    /// The newest deployments of a repository; its last known ones when it alone fails.
    async fn list_deployments(
        &mut self,
        index: usize,
        environment: usize,
        since: Timestamp,
        trouble: &mut Trouble,
    ) -> Result<(), Fault> {
        let (repo, name) = (&self.repos[index], &self.environments[environment]);
        let path = format!("/repos/{}/deployments", repo.name);
        let query = [("environment", name.as_str())];
        match self.rest.list(&path, &query, rest::bare, Some(since)).await {
            Ok(listed) => {
                cut(repo, &listed, &format!("deployments to {name}"), trouble);
                self.last[index].deployments[environment] = listed.rows;
                Ok(())
            }
            Err(fault) => trouble.note(repo, fault),
        }
    }

    /// The newest tagged releases of a repository, likewise.
    async fn list_tags(&mut self, index: usize, trouble: &mut Trouble) -> Result<(), Fault> {
        let repo = &self.repos[index];
        let path = format!("/repos/{}/releases", repo.name);
        // A page is enough: they are no history of a place, and a hundred go back far.
        let since = Some(Timestamp::MAX);
        match self.rest.list(&path, &[], rest::bare, since).await {
            Ok(listed) => {
                self.last[index].tags = listed.rows;
                Ok(())
            }
            Err(fault) => trouble.note(repo, fault),
        }
    }

    /// The newest runs of its workflows, likewise.
    async fn list_runs(
        &mut self,
        index: usize,
        since: Timestamp,
        trouble: &mut Trouble,
    ) -> Result<(), Fault> {
        let repo = &self.repos[index];
        let runs = &mut self.last[index].runs;
        runs.resize_with(repo.workflows.len(), Vec::new);
        for (known, workflow) in runs.iter_mut().zip(&repo.workflows) {
            let path = runs_path(repo, workflow);
            let listed = self.rest.list(&path, &RUNS, rest::runs, Some(since)).await;
            match listed {
                Ok(listed) => {
                    cut(repo, &listed, &format!("runs of {workflow}"), trouble);
                    *known = listed.rows;
                }
                Err(fault) => trouble.note(repo, no_workflow(workflow, fault))?,
            }
        }
        Ok(())
    }

    /// The lists as they were at a past moment.
    async fn past(&self, at: Timestamp, trouble: &mut Trouble) -> Result<Vec<Seen>, Fault> {
        let mut all = Vec::new();
        let mut lists = 0;
        for repo in &self.repos {
            let mut seen = Seen::default();
            let path = format!("/repos/{}", repo.name);
            for environment in &self.environments {
                lists += 1;
                let path = format!("{path}/deployments");
                let query = [("environment", environment.as_str())];
                let rows = self.rest.past(&path, &query, rest::bare, at).await;
                seen.deployments.push(kept(repo, rows, trouble)?);
            }
            if self.with_tags {
                lists += 1;
                let path = format!("{path}/releases");
                let rows = self.rest.past(&path, &[], rest::bare, at).await;
                seen.tags = kept(repo, rows, trouble)?;
            }
            for workflow in &repo.workflows {
                lists += 1;
                let path = runs_path(repo, workflow);
                let rows = self.rest.past(&path, &RUNS, rest::runs, at).await;
                let rows = rows.map_err(|fault| no_workflow(workflow, fault));
                seen.runs.push(kept(repo, rows, trouble)?);
            }
            all.push(seen);
        }
        if trouble.faults.len() == lists
            && let Some(fault) = trouble.fault()
        {
            return Err(fault);
        }
        Ok(all)
    }

    /// Asks how those went whose end is not known yet, the newest first.
    async fn ask_outcomes(&mut self, seen: &[Seen], trouble: &mut Trouble) {
        let rows = |(repo, seen): (_, &Seen)| {
            let rows: Vec<_> = seen.deployments.iter().flatten().cloned().collect();
            rows.into_iter().map(move |row| (repo, row))
        };
        let mut found: Vec<(&Repo, Deployment)> =
            self.repos.iter().zip(seen).flat_map(rows).collect();
        found.retain(|(_, row)| {
            let known = self.outcomes.get(&row.id);
            known.is_none_or(|(updated, outcome)| !outcome.is_final || *updated != row.updated_at)
        });
        found.sort_by_key(|(_, row)| Reverse((row.dated(), row.id.clone())));
        let mut asked = 0;
        for (repo, row) in &found {
            let is_spent = self.rest.http.left().is_some_and(|left| left <= SPARED);
            if asked == STATUSES_A_POLL || is_spent {
                break;
            }
            asked += 1;
            let path = format!("/repos/{}/deployments/{}/statuses", repo.name, row.id);
            match self.rest.list::<Status>(&path, &[], rest::bare, None).await {
                Ok(listed) => {
                    let outcome = (row.updated_at.clone(), Outcome::of(listed.rows));
                    self.outcomes.insert(row.id.clone(), outcome);
                }
                Err(fault) => {
                    if let Err(fault) = trouble.note(repo, fault) {
                        trouble.faults.insert(0, fault);
                        return;
                    }
                }
            }
        }
        let waiting = found.len() - asked;
        if waiting > 0 {
            trouble.warn(format!(
                "{waiting} older deployments are asked about with the next polls"
            ));
        }
    }

    /// Everything as releases, what was rolled back as such.
    fn releases(&self, seen: &[Seen], at: Option<Timestamp>) -> Vec<Release> {
        // A run does not say where it deploys to; with one environment there is but one answer.
        let only = match self.environments.as_slice() {
            [only] => only.as_str(),
            _ => "",
        };
        let mut all = Vec::new();
        for (repo, seen) in self.repos.iter().zip(seen) {
            let rows = seen.deployments.iter().flatten();
            let mut arrived: Vec<_> = rows
                .clone()
                .map(|row| self.release(repo, row, at))
                .collect();
            let runs = seen.runs.iter().flatten();
            let runs = runs.filter(|run| !rows.clone().any(|row| rows::is_made_by(row, run)));
            arrived.extend(runs.filter_map(|run| rows::run(repo, run, only, at)));
            mark_rollbacks(&mut arrived);
            all.append(&mut arrived);
            all.extend(seen.tags.iter().filter_map(|row| rows::tag(repo, row)));
        }
        all
    }

    fn release(&self, repo: &Repo, row: &Deployment, at: Option<Timestamp>) -> Release {
        let outcome = self.outcomes.get(&row.id);
        let outcome = outcome.map(|(_, outcome)| outcome.clone());
        rows::deployment(repo, row, outcome, &self.site, at)
    }
}

/// What runs are asked for with: without the pull requests of each, which are long and not read.
const RUNS: [(&str, &str); 1] = [("exclude_pull_requests", "true")];

fn runs_path(repo: &Repo, workflow: &str) -> String {
    format!("/repos/{}/actions/workflows/{workflow}/runs", repo.name)
}

/// The rows, or none and a note of why.
fn kept<T>(
    repo: &Repo,
    rows: Result<Vec<T>, Fault>,
    trouble: &mut Trouble,
) -> Result<Vec<T>, Fault> {
    rows.or_else(|fault| trouble.note(repo, fault).map(|()| Vec::new()))
}

/// Says how much of a list was read, if that is not all that was wanted.
fn cut<T>(repo: &Repo, listed: &Listed<T>, what: &str, trouble: &mut Trouble) {
    let count = listed.rows.len();
    let of = match &listed.cut {
        None => return,
        Some(Total::Exactly(total)) => format!("{count} of {total}"),
        Some(Total::About(total)) => format!("{count} of about {total}"),
        Some(Total::Unknown) => format!("the newest {count}"),
    };
    trouble.warn(format!("{}: {of} {what} loaded", repo.name));
}

/// The fault of a workflow that is not there.
fn no_workflow(workflow: &str, fault: Fault) -> Fault {
    if fault.kind != FaultKind::NotFound {
        return fault;
    }
    // Of another kind, for `NotFound` says that it is the repository.
    let words = format!("no workflow {workflow}, or the token may not see it (404)");
    Fault::new(FaultKind::Query, words)
}

#[cfg(test)]
mod tests;
