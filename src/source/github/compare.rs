//! Compares deployments with the ones before, for a report.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::commits::{Compared, Comparison, Pair};
use super::wire::Deployment;
use super::{GitHub, PROFILE, REPOSITORY, Seen};
use crate::domain::{Commit, Fault, FaultKind};
use crate::source::Ask;
use crate::source::kit::budget::Budget;
use crate::source::kit::listing::Row as _;
use crate::source::kit::partial_fault::PartialFaults;

/// How many comparisons are made for one report, the newest first.
const A_REPORT: usize = 300;
/// Commits on a page, the most that GitHub gives.
const PAGE: usize = 100;
/// The most pages of one comparison.
const PAGES: usize = 5;

impl GitHub {
    /// Compares each deployment to production with the one before it that did not fail.
    pub(super) async fn ask_commits(
        &mut self,
        seen: &[Seen],
        ask: &Ask,
        trouble: &mut PartialFaults,
    ) {
        if ask.since.is_none() || ask.at.is_some() {
            return;
        }
        let steps = self.steps(seen);
        let budget = Budget::new(ask, A_REPORT);
        let mut asked = 0;
        for (id, pair) in steps {
            self.comparisons.pairs.insert(id, pair.clone());
            let is_known = self.comparisons.known.contains_key(&pair);
            if is_known || asked == A_REPORT || budget.is_spent(asked, self.rest.http.left()) {
                continue;
            }
            asked += 1;
            match self.compared(&pair).await {
                Ok(commits) => {
                    self.comparisons.known.insert(pair, commits);
                }
                Err(fault) => {
                    if let Err(fault) = trouble.note(REPOSITORY, &pair.0, fault) {
                        trouble.faults.insert(0, fault);
                    }
                    return;
                }
            }
        }
    }

    /// The deployments to production that have one before them, newest first, each with the two commits.
    fn steps(&self, seen: &[Seen]) -> Vec<(String, Pair)> {
        let mut found: Vec<(Option<Timestamp>, String, Pair)> = Vec::new();
        for (repo, seen) in self.repos.iter().zip(seen) {
            let mut lanes: BTreeMap<&str, Vec<&Deployment>> = BTreeMap::new();
            let rows = seen.deployments.iter().flatten();
            for row in rows.filter(|row| self.is_arrived(row) && !row.sha.is_empty()) {
                lanes.entry(&row.environment).or_default().push(row);
            }
            for rows in lanes.values_mut() {
                rows.sort_by_key(|row| row.dated());
                let pairs = rows.windows(2).map(|pair| (pair[0], pair[1]));
                found.extend(pairs.map(|(base, head)| {
                    let pair = (repo.name.clone(), base.sha.clone(), head.sha.clone());
                    (head.dated(), head.id.clone(), pair)
                }));
            }
        }
        found.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
        found.into_iter().map(|(_, id, pair)| (id, pair)).collect()
    }

    fn is_arrived(&self, row: &Deployment) -> bool {
        let outcome = self.outcomes.get(&row.id);
        let is_failed = outcome.is_some_and(|(_, outcome)| outcome.is_failed());
        !is_failed && self.production.contains(&row.environment)
    }

    async fn compared(&self, (repo, base, head): &Pair) -> Result<Option<Vec<Commit>>, Fault> {
        if base == head {
            return Ok(Some(Vec::new()));
        }
        let path = format!("/repos/{repo}/compare/{base}...{head}");
        let mut commits: Vec<Commit> = Vec::new();
        for page in 1..=PAGES {
            let (size, number) = (PAGE.to_string(), page.to_string());
            let request = self.rest.http.get(&path).query("per_page", &size);
            let sent = (PROFILE.headers)(request.query("page", &number))
                .send()
                .await;
            let answer = match sent.map_err(PROFILE.explain) {
                Ok(answer) => answer,
                // The commit is gone: branches are rewritten.
                Err(fault) if matches!(fault.kind, FaultKind::NotFound | FaultKind::Query) => {
                    return Ok(None);
                }
                Err(fault) => return Err(fault),
            };
            let found: Comparison = answer.json()?;
            let is_last = found.commits.len() < PAGE;
            commits.extend(found.commits.into_iter().map(Compared::commit));
            if is_last || commits.len() >= found.total_commits {
                break;
            }
        }
        Ok(Some(commits))
    }
}
