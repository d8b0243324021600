//! Which deployments of a repository changed something below the path of an entry.
//!
//! `GET /repos/{owner}/{repo}/commits?sha=…&path=…&per_page=1` lists the newest commit, seen from a
//! deployed one, that changed something below a path. Two deployments with the same such commit differ
//! in nothing below the path. That holds for a way back as well, needs no list of files (a comparison
//! sends every patch and ends at 300 files), and never changes: it is asked once for each commit.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use serde::Deserialize;

use super::options::Repo;
use super::wire::{Deployment, Run};
use super::{GitHub, PROFILE, REPOSITORY, Seen};
use crate::domain::{Fault, FaultKind};
use crate::source::Ask;
use crate::source::kit::budget::Budget;
use crate::source::kit::listing::Row as _;
use crate::source::kit::partial_fault::PartialFaults;

/// How many commits one poll asks about, the newest first; the others wait for the next poll.
const COMMITS_A_POLL: usize = 30;

/// A deployed commit and a path: repository, commit, path.
type Place = (String, String, String);

/// The newest commit that changed something below a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Newest {
    /// This one.
    Commit(String),
    /// None ever did.
    Never,
    /// GitHub does not have the deployed commit any more, or does not show it.
    Withheld,
}

/// Newest commits below paths, by deployed commit.
#[derive(Default)]
pub(super) struct Paths {
    known: HashMap<Place, Newest>,
}

#[derive(Deserialize)]
struct Commit {
    sha: String,
}

/// A deployment or a run, as far as its place in the order of its environment goes.
struct Step<'a> {
    /// Environment or workflow.
    lane: &'a str,
    sha: &'a str,
    at: Option<Timestamp>,
    /// True when it is known to have changed nothing where it went.
    is_failed: bool,
}

impl Paths {
    /// Whether one of `steps` changed something below the path of an entry, compared with the one
    /// before it in its lane that did not fail. True where that is not known.
    fn is_kept(&self, repo: &Repo, step: &Step<'_>, steps: &[Step<'_>]) -> bool {
        let Some(path) = &repo.path else { return true };
        let before = steps
            .iter()
            .filter(|other| other.lane == step.lane && !other.is_failed && other.at < step.at)
            .max_by_key(|other| other.at);
        let Some(before) = before else { return true };
        let newest = |sha: &str| match self.known.get(&place(repo, sha, path)) {
            None | Some(Newest::Withheld) => None,
            known => known,
        };
        match (newest(before.sha), newest(step.sha)) {
            (Some(before), Some(newest)) => before != newest,
            _ => true,
        }
    }
}

fn place(repo: &Repo, sha: &str, path: &str) -> Place {
    (repo.name.clone(), sha.to_owned(), path.to_owned())
}

impl GitHub {
    /// The deployments and runs of an entry that changed something below its path: by the place of
    /// each among its deployments, and among its runs.
    pub(super) fn kept(&self, repo: &Repo, seen: &Seen) -> (Vec<bool>, Vec<bool>) {
        let all = |steps: &[Step<'_>]| {
            let kept = steps.iter();
            kept.map(|step| self.paths.is_kept(repo, step, steps))
                .collect()
        };
        let deployments = seen.deployments.iter().flatten();
        let deployments: Vec<_> = deployments.map(|row| self.deployed(row)).collect();
        let runs = seen.runs.iter().zip(&repo.workflows);
        let runs: Vec<_> = runs
            .flat_map(|(runs, workflow)| runs.iter().map(move |run| ran(workflow, run)))
            .collect();
        (all(&deployments), all(&runs))
    }

    fn deployed<'a>(&self, row: &'a Deployment) -> Step<'a> {
        let outcome = self.outcomes.get(&row.id);
        Step {
            lane: &row.environment,
            sha: &row.sha,
            at: row.dated(),
            is_failed: outcome.is_some_and(|(_, outcome)| outcome.is_failed()),
        }
    }

    /// Asks for the newest commits below the paths of entries, of the newest deployments first.
    pub(super) async fn ask_paths(
        &mut self,
        seen: &[Seen],
        ask: &Ask,
        trouble: &mut PartialFaults,
    ) {
        let budget = Budget::new(ask, COMMITS_A_POLL);
        let wanted = self.wanted(seen);
        let mut asked = 0;
        for place in &wanted {
            if budget.is_spent(asked, self.rest.http.left()) {
                break;
            }
            if self.paths.known.contains_key(place) {
                continue;
            }
            asked += 1;
            match self.newest(place).await {
                Ok(newest) => {
                    self.paths.known.insert(place.clone(), newest);
                }
                Err(fault) => {
                    if let Err(fault) = trouble.note(REPOSITORY, &place.0, fault) {
                        trouble.faults.insert(0, fault);
                    }
                    break;
                }
            }
        }
        if ask.at.is_none() {
            let wanted: HashSet<&Place> = wanted.iter().collect();
            self.paths.known.retain(|place, _| wanted.contains(place));
        }
        self.note_paths(&wanted, trouble);
    }

    /// The commits that entries with a path have deployed, the newest first, each once.
    fn wanted(&self, seen: &[Seen]) -> Vec<Place> {
        let mut found: Vec<(Option<Timestamp>, Place)> = Vec::new();
        for (repo, seen) in self.repos.iter().zip(seen) {
            let Some(path) = &repo.path else { continue };
            let deployments = seen.deployments.iter().flatten();
            let deployments = deployments.map(|row| (row.dated(), row.sha.as_str()));
            let runs = seen.runs.iter().flatten();
            let runs = runs.map(|run| (run.dated(), run.head_sha.as_str()));
            let rows = deployments.chain(runs).filter(|(_, sha)| !sha.is_empty());
            found.extend(rows.map(|(at, sha)| (at, place(repo, sha, path))));
        }
        found.sort_by_key(|(at, _)| Reverse(*at));
        let mut known = HashSet::new();
        found.retain(|(_, place)| known.insert(place.clone()));
        found.into_iter().map(|(_, place)| place).collect()
    }

    async fn newest(&self, (repo, sha, path): &Place) -> Result<Newest, Fault> {
        let request = self.rest.http.get(&format!("/repos/{repo}/commits"));
        let request = request.query("sha", sha).query("path", path);
        let sent = (PROFILE.headers)(request.query("per_page", "1"))
            .send()
            .await;
        let answer = match sent.map_err(PROFILE.explain) {
            Ok(answer) => answer,
            // The commit is gone: branches are rewritten.
            Err(fault) if matches!(fault.kind, FaultKind::NotFound | FaultKind::Query) => {
                return Ok(Newest::Withheld);
            }
            Err(fault) => return Err(fault),
        };
        let commits: Vec<Commit> = answer.json()?;
        let newest = commits.into_iter().next();
        Ok(newest.map_or(Newest::Never, |commit| Newest::Commit(commit.sha)))
    }

    /// Says which deployments are kept since they are not told apart.
    fn note_paths(&self, wanted: &[Place], trouble: &mut PartialFaults) {
        let pairs: BTreeSet<(&str, &str)> = wanted
            .iter()
            .map(|(repo, _, path)| (repo.as_str(), path.as_str()))
            .collect();
        for (repo, path) in pairs {
            let of = wanted
                .iter()
                .filter(|place| place.0 == repo && place.2 == path);
            let known: Vec<_> = of.map(|place| self.paths.known.get(place)).collect();
            let count = |wanted| known.iter().filter(|one| **one == wanted).count();
            let (withheld, waiting) = (count(Some(&Newest::Withheld)), count(None));
            if withheld > 0 {
                trouble.warn(format!(
                    "{repo}: {withheld} deployed commits are not there any more, so `{path}` does not \
                     tell their releases apart: they are kept"
                ));
            }
            if waiting > 0 {
                trouble.warn(format!(
                    "{repo}: {waiting} deployed commits were not asked about `{path}` yet: their \
                     releases are kept"
                ));
            }
            if count(Some(&Newest::Never)) == known.len() {
                trouble.warn(format!(
                    "{repo}: no commit changes anything below `{path}`; write the path as in the \
                     repository"
                ));
            }
        }
    }
}

fn ran<'a>(workflow: &'a str, run: &'a Run) -> Step<'a> {
    let conclusion = run.conclusion.as_deref();
    Step {
        lane: workflow,
        sha: &run.head_sha,
        at: run.dated(),
        is_failed: conclusion.is_some_and(|word| word != "success"),
    }
}
