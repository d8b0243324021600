//! The lists of each repository: brought up to date, or as they were.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};

use jiff::Timestamp;

use super::graph::Scope;
use super::options::Repo;
use super::rows::Outcome;
use super::wire::{Deployment, Run, Runs, Status};
use super::{GitHub, REPOSITORY, Seen};
use crate::domain::{Fault, FaultKind, Finding, Grade};
use crate::http::Answer;
use crate::source::Ask;
use crate::source::kit::budget::Budget;
use crate::source::kit::listing::{Row as _, bare};
use crate::source::kit::partial_fault::{PartialFaults, is_everywhere};

/// How many deployments one poll asks about, the newest first; the others wait for the next poll.
const STATUSES_A_POLL: usize = 30;
/// The most repositories whose other environments are named.
const MAX_OTHERS: usize = 20;

impl GitHub {
    /// Asks for all repositories at once; closes that way when it is refused.
    pub(super) async fn by_graph(
        &mut self,
        now: Timestamp,
        since: Timestamp,
        trouble: &mut PartialFaults,
    ) -> Result<(), Fault> {
        let Some(graph) = &mut self.graph else {
            return Ok(());
        };
        let scope = Scope {
            with_tags: self.with_tags,
            since,
            now,
        };
        let mut warned = PartialFaults::default();
        let loaded = match graph.load(&self.repos, &scope, &mut warned).await {
            Ok(loaded) => loaded,
            Err(fault) if is_everywhere(fault.kind) => return Err(fault),
            Err(fault) => {
                graph.close(now, &fault);
                return Ok(());
            }
        };
        trouble.warnings.append(&mut warned.warnings);
        for ((last, loaded), repo) in self.last.iter_mut().zip(loaded).zip(&self.repos) {
            let lists = last.deployments.iter_mut().zip(loaded.deployments);
            for ((known, rows), list) in lists.zip(repo.lists()) {
                let Some(rows) = rows else { continue };
                known.clear();
                for (row, statuses) in rows {
                    if !repo.takes(list, &row) {
                        continue;
                    }
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
    pub(super) async fn list_deployments(
        &mut self,
        index: usize,
        list: usize,
        since: Timestamp,
        trouble: &mut PartialFaults,
    ) -> Result<(), Fault> {
        let repo = &self.repos[index];
        let name = repo.lists()[list];
        let path = format!("/repos/{}/deployments", repo.name);
        let query = deployments_to(name);
        match self.rest.list(&path, &query, bare, Some(since)).await {
            Ok(listed) => {
                let what = name.map(|name| format!("deployments to {name}"));
                let what = what.as_deref().unwrap_or("deployments");
                let cut = listed.cut(&repo.name, what);
                let mut rows: Vec<Deployment> = listed.rows;
                if cut.is_some() {
                    self.reach = rows
                        .last()
                        .and_then(Deployment::dated)
                        .map_or(self.reach, |at| at.max(self.reach));
                }
                trouble.warnings.extend(cut.map(Into::into));
                rows.retain(|row| repo.takes(name, row));
                self.last[index].deployments[list] = rows;
                Ok(())
            }
            Err(fault) => trouble.note(REPOSITORY, &repo.name, fault),
        }
    }

    /// The newest tagged releases of a repository, likewise.
    pub(super) async fn list_tags(
        &mut self,
        index: usize,
        trouble: &mut PartialFaults,
    ) -> Result<(), Fault> {
        let repo = &self.repos[index];
        let path = format!("/repos/{}/releases", repo.name);
        // A page is enough: they are no history of a place, and a hundred go back far.
        let since = Some(Timestamp::MAX);
        match self.rest.list(&path, &[], bare, since).await {
            Ok(listed) => {
                self.last[index].tags = listed.rows;
                Ok(())
            }
            Err(fault) => trouble.note(REPOSITORY, &repo.name, fault),
        }
    }

    /// The newest runs of its workflows, likewise.
    pub(super) async fn list_runs(
        &mut self,
        index: usize,
        since: Timestamp,
        trouble: &mut PartialFaults,
    ) -> Result<(), Fault> {
        let repo = &self.repos[index];
        let runs = &mut self.last[index].runs;
        runs.resize_with(repo.workflows.len(), Vec::new);
        for (known, workflow) in runs.iter_mut().zip(&repo.workflows) {
            let path = runs_path(repo, workflow);
            let listed = self
                .rest
                .list(&path, &RUNS, page_of_runs, Some(since))
                .await;
            match listed {
                Ok(listed) => {
                    let cut = listed.cut(&repo.name, &format!("runs of {workflow}"));
                    trouble.warnings.extend(cut.map(Into::into));
                    *known = listed.rows;
                }
                Err(fault) => trouble.note(REPOSITORY, &repo.name, no_workflow(workflow, fault))?,
            }
        }
        Ok(())
    }

    /// The lists as they were at a past moment.
    pub(super) async fn past(
        &self,
        at: Timestamp,
        trouble: &mut PartialFaults,
    ) -> Result<Vec<Seen>, Fault> {
        let mut all = Vec::new();
        let mut lists = 0;
        for repo in &self.repos {
            let mut seen = Seen::default();
            let path = format!("/repos/{}", repo.name);
            for list in repo.lists() {
                lists += 1;
                let path = format!("{path}/deployments");
                let rows = self.rest.past(&path, &deployments_to(list), bare, at).await;
                let mut rows: Vec<Deployment> = trouble.kept(REPOSITORY, &repo.name, rows)?;
                rows.retain(|row| repo.takes(list, row));
                seen.deployments.push(rows);
            }
            if self.with_tags {
                lists += 1;
                let path = format!("{path}/releases");
                let rows = self.rest.past(&path, &[], bare, at).await;
                seen.tags = trouble.kept(REPOSITORY, &repo.name, rows)?;
            }
            for workflow in &repo.workflows {
                lists += 1;
                let path = runs_path(repo, workflow);
                let rows = self.rest.past(&path, &RUNS, page_of_runs, at).await;
                let rows = rows.map_err(|fault| no_workflow(workflow, fault));
                seen.runs.push(trouble.kept(REPOSITORY, &repo.name, rows)?);
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

    /// The environments that repositories do deploy to which have no deployment to those of the
    /// settings: mostly they are written otherwise.
    pub(super) async fn other_environments(&mut self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (repo, seen) in self.repos.iter().zip(&self.last) {
            let is_empty = seen.deployments.iter().all(Vec::is_empty);
            if repo.environments.is_empty() || !is_empty || findings.len() >= MAX_OTHERS {
                continue;
            }
            let path = format!("/repos/{}/deployments", repo.name);
            // A page is enough.
            let since = Some(Timestamp::MAX);
            let listed = self.rest.list::<Deployment>(&path, &[], bare, since).await;
            // What fails here has failed in the poll before, and was told of.
            let Ok(listed) = listed else { continue };
            let names: BTreeSet<_> = listed.rows.iter().map(place).collect();
            if names.is_empty() {
                continue;
            }
            let names: Vec<_> = names.into_iter().collect();
            let (wanted, names) = (repo.wanted(), names.join(", "));
            let what = format!("{}: no deployment {wanted}; there are: {names}", repo.name);
            findings.push(
                Finding::new(Grade::Warning, "environments", what)
                    .because("none of its releases is known")
                    .advise(
                        "name them in `environments`, of the source or of the entry in `repos`",
                    ),
            );
        }
        findings
    }

    /// Asks how those went whose end is not known yet, the newest first. What is asked once for all
    /// asks about all of them, as far as allowance and time go.
    pub(super) async fn ask_outcomes(
        &mut self,
        seen: &[Seen],
        ask: &Ask,
        trouble: &mut PartialFaults,
    ) {
        let budget = Budget::new(ask, STATUSES_A_POLL);
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
        let mut known = HashSet::new();
        found.retain(|(_, row)| known.insert(row.id.clone()));
        let mut asked = 0;
        for (repo, row) in &found {
            if budget.is_spent(asked, self.rest.http.left()) {
                break;
            }
            asked += 1;
            let path = format!("/repos/{}/deployments/{}/statuses", repo.name, row.id);
            match self.rest.list::<Status>(&path, &[], bare, None).await {
                Ok(listed) => {
                    let outcome = (row.updated_at.clone(), Outcome::of(listed.rows));
                    self.outcomes.insert(row.id.clone(), outcome);
                }
                Err(fault) => {
                    if let Err(fault) = trouble.note(REPOSITORY, &repo.name, fault) {
                        trouble.faults.insert(0, fault);
                        return;
                    }
                }
            }
        }
        let waiting = found.len() - asked;
        if waiting > 0 {
            let then = if ask.history {
                "are asked about with the next polls"
            } else {
                "were not asked about: their status is unknown"
            };
            trouble.warn(format!("{waiting} older deployments {then}"));
        }
    }
}

/// The query for deployments to an environment, or to all.
fn deployments_to(environment: Option<&str>) -> Vec<(&'static str, &str)> {
    environment
        .map(|name| ("environment", name))
        .into_iter()
        .collect()
}

/// Where a deployment went, with its task where that is one of its own.
fn place(deployment: &Deployment) -> String {
    let Deployment {
        environment, task, ..
    } = deployment;
    match task.as_str() {
        "" | "deploy" => environment.clone(),
        task => format!("{environment} (task {task})"),
    }
}

/// A page of runs of a workflow.
fn page_of_runs(answer: &Answer) -> Result<(Vec<Run>, Option<usize>), Fault> {
    let page: Runs = answer.json()?;
    Ok((page.workflow_runs, page.total_count))
}

/// What runs are asked for with: without the pull requests of each, which are long and not read.
const RUNS: [(&str, &str); 1] = [("exclude_pull_requests", "true")];

fn runs_path(repo: &Repo, workflow: &str) -> String {
    format!("/repos/{}/actions/workflows/{workflow}/runs", repo.name)
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
