//! Commits of deployments to production: those since the one before in the same environment.
//!
//! `GET /projects/:id/repository/compare?from=…&to=…` lists them
//! (<https://docs.gitlab.com/api/repositories/#compare-branches-tags-or-commits>); a way back has none. Two
//! commits are compared once, and for a report alone: no poll of the screen asks.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{GitLab, PROFILE, PROJECT};
use crate::domain::{Commit, Fault, FaultKind, Release, ReleaseStatus};
use crate::source::Ask;
use crate::source::kit::budget::Budget;
use crate::source::kit::lenient_wire::time;
use crate::source::kit::partial_fault::PartialFaults;

/// How many comparisons are made for one report, the newest first.
const A_REPORT: usize = 300;
/// Requests that are left to others of the same token.
const LEFT: u64 = 100;

/// Place of a project, and the two commits that are compared.
type Pair = (usize, String, String);

/// The commits between two, by pair; `None` where GitLab does not have one of them any more.
#[derive(Default)]
pub(super) struct Comparisons(HashMap<Pair, Option<Vec<Commit>>>);

/// The answer of a comparison.
#[derive(Deserialize)]
struct Comparison {
    #[serde(default)]
    commits: Vec<Compared>,
    /// True where GitLab gave up, so that the list is not whole.
    #[serde(default)]
    compare_timeout: bool,
}

#[derive(Deserialize)]
struct Compared {
    id: String,
    committed_date: Option<String>,
    #[serde(default)]
    parent_ids: Vec<IgnoredAny>,
}

impl Compared {
    fn commit(self) -> Commit {
        Commit {
            sha: self.id.into(),
            committed_at: time(self.committed_date.as_deref()),
            is_merge: self.parent_ids.len() > 1,
        }
    }
}

impl GitLab {
    /// Gives each deployment to production the commits since the one before it that did not fail. What
    /// cannot be compared keeps its newest commit.
    pub(super) async fn add_commits(
        &mut self,
        releases: &mut [Release],
        ask: &Ask,
        trouble: &mut PartialFaults,
    ) {
        if ask.since.is_none() || ask.at.is_some() {
            return;
        }
        let steps = self.steps(releases);
        let budget = Budget::new(ask, A_REPORT);
        let mut asked = 0;
        for (_, pair) in &steps {
            let left = self.lister.http.left();
            let is_spent = asked == A_REPORT
                || budget.is_spent(asked, left)
                || left.is_some_and(|left| left <= LEFT);
            if self.comparisons.0.contains_key(pair) || is_spent {
                continue;
            }
            asked += 1;
            match self.compared(pair).await {
                Ok(commits) => {
                    self.comparisons.0.insert(pair.clone(), commits);
                }
                Err(fault) => {
                    let name = &self.projects[pair.0].name;
                    if let Err(fault) = trouble.note(PROJECT, name, fault) {
                        trouble.faults.insert(0, fault);
                    }
                    break;
                }
            }
        }
        for (place, pair) in steps {
            if let Some(Some(commits)) = self.comparisons.0.get(&pair) {
                let carried = &mut releases[place].carried;
                carried.commits = Some(commits.clone());
                carried.is_head_only = false;
            }
        }
    }

    /// The deployments to production that have one before them, by place and newest first, each with the
    /// two commits.
    fn steps(&self, releases: &[Release]) -> Vec<(usize, Pair)> {
        let mut lanes: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
        for (place, row) in releases.iter().enumerate() {
            let has_arrived = matches!(
                row.status,
                ReleaseStatus::Succeeded | ReleaseStatus::RolledBack
            );
            let is_counted = has_arrived
                && !row.carried.is_tag
                && row.commit.is_some()
                && self.production.contains(row.environment.raw());
            let project = self.projects.iter().position(|project| {
                let prefix = format!("gitlab:{}:", project.name);
                row.id.raw().starts_with(&prefix)
            });
            if let Some(project) = project.filter(|_| is_counted) {
                let lane = (project, row.environment.raw());
                lanes.entry(lane).or_default().push(place);
            }
        }
        let sha = |place: usize| {
            let commit = releases[place].commit.as_ref();
            commit.map(|sha| sha.raw().to_owned()).unwrap_or_default()
        };
        let mut found = Vec::new();
        for ((project, _), mut places) in lanes {
            places.sort_by_key(|place| releases[*place].finished_at);
            let pairs = places.windows(2);
            found.extend(pairs.map(|pair| (pair[1], (project, sha(pair[0]), sha(pair[1])))));
        }
        found.sort_by_key(|(place, _)| Reverse(releases[*place].finished_at));
        found
    }

    async fn compared(&self, (project, base, head): &Pair) -> Result<Option<Vec<Commit>>, Fault> {
        if base == head {
            return Ok(Some(Vec::new()));
        }
        let path = self.projects[*project].path(self.prefix, "repository/compare");
        let request = self.lister.http.get(&path).query("from", base);
        let sent = (PROFILE.headers)(request.query("to", head)).send().await;
        let answer = match sent.map_err(PROFILE.explain) {
            Ok(answer) => answer,
            // The commit is gone: branches are rewritten.
            Err(fault) if matches!(fault.kind, FaultKind::NotFound | FaultKind::Query) => {
                return Ok(None);
            }
            Err(fault) => return Err(fault),
        };
        let found: Comparison = answer.json()?;
        if found.compare_timeout {
            return Ok(None);
        }
        Ok(Some(
            found.commits.into_iter().map(Compared::commit).collect(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use wiremock::matchers::{path, query_param};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::super::KIND;
    use super::*;
    use crate::source::fixture::{ask, build};

    const PROJECT: &str = "/api/v4/projects/acme%2Fcheckout";

    fn deployment(id: u64, sha: &str, day: u32, status: &str) -> Value {
        let at = format!("2026-11-{day:02}T10:00:00Z");
        json!({
            "id": id, "ref": "main", "sha": sha, "status": status, "created_at": at, "updated_at": at,
            "environment": {"name": "production"},
            "deployable": {"finished_at": at, "tag": false,
                "commit": {"id": sha, "created_at": "2026-11-01T00:00:00Z"}},
        })
    }

    async fn mount(
        server: &MockServer,
        (from, to): (&str, &str),
        answer: ResponseTemplate,
        times: u64,
    ) {
        Mock::given(path(format!("{PROJECT}/repository/compare")))
            .and(query_param("from", from))
            .and(query_param("to", to))
            .respond_with(answer)
            .expect(times)
            .mount(server)
            .await;
    }

    fn commits(row: &Release) -> Option<Vec<(&str, bool)>> {
        let commits = row.carried.commits.as_ref()?;
        Some(
            commits
                .iter()
                .map(|one| (one.sha.raw(), one.is_merge))
                .collect(),
        )
    }

    #[tokio::test]
    async fn a_report_knows_the_commits_since_the_deployment_before() {
        let server = MockServer::start().await;
        let rows = json!([
            deployment(5, "eee", 21, "success"),
            deployment(4, "ddd", 20, "success"),
            deployment(3, "ccc", 19, "failed"),
            deployment(2, "bbb", 18, "success"),
            deployment(1, "aaa", 17, "success"),
        ]);
        Mock::given(path(format!("{PROJECT}/deployments")))
            .respond_with(ResponseTemplate::new(200).set_body_json(rows))
            .mount(&server)
            .await;
        let found = json!({"commits": [
            {"id": "b1", "committed_date": "2026-11-17T12:00:00Z", "parent_ids": ["aaa"]},
            {"id": "bbb", "committed_date": "2026-11-17T13:00:00Z", "parent_ids": ["b1", "x"]},
        ], "compare_timeout": false});
        let whole = ResponseTemplate::new(200).set_body_json(found);
        mount(&server, ("aaa", "bbb"), whole, 1).await;
        // One that failed is none that the next is compared with.
        mount(&server, ("bbb", "ddd"), ResponseTemplate::new(404), 1).await;
        let cut = json!({"commits": [], "compare_timeout": true});
        let cut = ResponseTemplate::new(200).set_body_json(cut);
        mount(&server, ("ddd", "eee"), cut, 1).await;
        let options = "projects = [{ project = \"acme/checkout\" }]";
        let mut source = build(&KIND, Some(&server.uri()), options).unwrap().source;

        // No poll of the screen compares.
        let facts = source.fetch(&ask()).await.unwrap();
        let is_head = |row: &Release| row.carried.is_head_only;
        assert!(facts.releases.unwrap().iter().all(is_head));
        let report = Ask {
            since: Some("2026-11-10T00:00:00Z".parse().unwrap()),
            ..ask()
        };
        for _ in 0..2 {
            let facts = source.fetch(&report).await.unwrap();
            assert_eq!(facts.fault, None);
            let rows = facts.releases.unwrap();
            let row = |id: u64| {
                let id = format!("gitlab:acme/checkout:{id}");
                rows.iter().find(|row| row.id.raw() == id).unwrap()
            };
            assert_eq!(commits(row(2)), Some(vec![("b1", false), ("bbb", true)]));
            assert!(!is_head(row(2)));
            // What is not known keeps its newest commit, and says that it is that alone.
            for id in [1, 3, 4, 5] {
                assert!(is_head(row(id)), "{id}");
            }
        }
    }
}
