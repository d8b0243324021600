//! Commits of deployments: those since the one before in the same environment.
//!
//! `GET /repos/{owner}/{repo}/compare/{base}...{head}` lists them; a way back has none. Two commits are
//! compared once, and for a report alone: no poll of the screen asks.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::options::Repo;
use crate::domain::Commit;
use crate::source::kit::lenient_wire::time;

/// Repository, and the two commits that are compared.
pub(super) type Pair = (String, String, String);

/// The commits between two, by pair; `None` where GitHub does not have one of them any more.
#[derive(Default)]
pub(super) struct Comparisons {
    pub(super) known: HashMap<Pair, Option<Vec<Commit>>>,
    /// The pair of each deployment, by its id.
    pub(super) pairs: HashMap<String, Pair>,
}

/// One page of a comparison.
#[derive(Deserialize)]
pub(super) struct Comparison {
    #[serde(default)]
    pub(super) total_commits: usize,
    #[serde(default)]
    pub(super) commits: Vec<Compared>,
}

#[derive(Deserialize)]
pub(super) struct Compared {
    sha: String,
    commit: Written,
    #[serde(default)]
    parents: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct Written {
    committer: Option<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    date: Option<String>,
}

impl Compared {
    pub(super) fn commit(self) -> Commit {
        let signed = self.commit.committer.and_then(|signed| signed.date);
        Commit {
            sha: self.sha.into(),
            committed_at: time(signed.as_deref()),
            is_merge: self.parents.len() > 1,
        }
    }
}

impl Comparisons {
    /// Commits of a deployment, where they are known.
    pub(super) fn of(&self, deployment: &str) -> Option<&Vec<Commit>> {
        self.known.get(self.pairs.get(deployment)?)?.as_ref()
    }
}

/// The commits of a deployment of an entry: of one with a path, that of the repository says too much.
pub(super) fn commits_of<'a>(
    repo: &Repo,
    comparisons: &'a Comparisons,
    deployment: &str,
) -> Option<&'a Vec<Commit>> {
    comparisons.of(deployment).filter(|_| repo.path.is_none())
}
