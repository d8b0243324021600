//! Deployments, their statuses and tagged releases, read as releases.

use jiff::Timestamp;

use super::options::Repo;
use super::wire::{Account, Deployment, Run, Status, TagRelease};
use crate::domain::{Carried, Release, ReleaseStatus};
use crate::source::commit::version;
use crate::source::kit::listing::Row as _;
use crate::source::{status_words, web_link};
use crate::text::Untrusted;

/// How a deployment went, as its statuses say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    status: ReleaseStatus,
    finished_at: Option<Timestamp>,
    url: Option<Untrusted>,
    /// The status as it was told, where that is not known.
    unknown: Option<Untrusted>,
    /// True when it has come to its end, so that there is no need to ask again.
    pub(super) is_final: bool,
}

impl Outcome {
    /// Reads the statuses of one deployment, in any order.
    ///
    /// `inactive` says that something else has taken its place since: how it went is what the
    /// status before says.
    pub(super) fn of(mut statuses: Vec<Status>) -> Self {
        statuses.sort_by_key(|status| std::cmp::Reverse((status.dated(), number(&status.id))));
        let link = |url: &Option<String>| url.as_deref().and_then(web_link);
        let url = statuses
            .iter()
            .find_map(|status| link(&status.log_url).or_else(|| link(&status.environment_url)));
        let newest = statuses.first().map_or("", |status| status.state.as_str());
        let telling = statuses.iter().find(|status| status.state != "inactive");
        let told = telling.map(|status| ReleaseStatus::from_word(&status.state));
        let status = match told {
            // Asked for, and nobody has said anything since.
            None if newest.is_empty() => ReleaseStatus::Pending,
            Some(ReleaseStatus::Failed) => ReleaseStatus::Failed,
            _ if newest == "inactive" => ReleaseStatus::Succeeded,
            told => told.unwrap_or(ReleaseStatus::Unknown),
        };
        let unknown = telling.filter(|_| status == ReleaseStatus::Unknown);
        let is_over = matches!(status, ReleaseStatus::Succeeded | ReleaseStatus::Failed);
        let is_told = told == Some(status);
        Self {
            status,
            finished_at: telling
                .filter(|_| is_over && is_told)
                .and_then(Status::dated),
            url,
            unknown: unknown.map(|status| status.state.as_str().into()),
            is_final: is_over,
        }
    }

    /// True when it changed nothing where it went.
    pub(super) fn is_failed(&self) -> bool {
        self.status == ReleaseStatus::Failed
    }

    /// The same as it stood at `at`, as far as is known now.
    fn rewound(self, at: Option<Timestamp>) -> Self {
        if at.is_none_or(|at| self.finished_at.is_none_or(|finished| finished <= at)) {
            return self;
        }
        Self {
            status: ReleaseStatus::Running,
            finished_at: None,
            ..self
        }
    }
}

/// Makes a deployment a release, as it stood at the past moment `at` if there is one; `site` is
/// the address of GitHub for people.
pub(super) fn deployment(
    repo: &Repo,
    deployment: &Deployment,
    outcome: Option<Outcome>,
    site: &str,
    at: Option<Timestamp>,
) -> Release {
    let outcome = outcome.map(|outcome| outcome.rewound(at));
    Release {
        id: repo.id_of(&deployment.id).into(),
        service: repo.service.as_str().into(),
        version: version(&deployment.git_ref, &deployment.sha).into(),
        environment: deployment.environment.as_str().into(),
        status: outcome
            .as_ref()
            .map_or(ReleaseStatus::Unknown, |outcome| outcome.status),
        started_at: deployment.dated(),
        finished_at: outcome.as_ref().and_then(|outcome| outcome.finished_at),
        details: status_words::detail(outcome.as_ref().and_then(|one| one.unknown.clone())),
        actor: account(deployment.creator.as_ref()),
        commit: some(&deployment.sha),
        url: outcome
            .and_then(|outcome| outcome.url)
            .or_else(|| web_link(&format!("{site}/{}/deployments", repo.name))),
        carried: Carried::from_ref(&deployment.git_ref),
    }
}

/// Makes a tagged release one of ours; `None` for a draft, which nobody has got yet.
pub(super) fn tag(repo: &Repo, release: &TagRelease) -> Option<Release> {
    let published = release.dated().filter(|_| !release.draft)?;
    let target = &release.target_commitish;
    let is_commit = target.len() >= 40 && target.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some(Release {
        id: format!("github:{}:release:{}", repo.name, release.id).into(),
        service: repo.service.as_str().into(),
        version: release.tag_name.as_str().into(),
        environment: Untrusted::default(),
        status: ReleaseStatus::Succeeded,
        started_at: Some(published),
        finished_at: Some(published),
        actor: account(release.author.as_ref()),
        commit: some(target).filter(|_| is_commit),
        url: release.html_url.as_deref().and_then(web_link),
        details: Vec::new(),
        carried: Carried::tag(&release.tag_name),
    })
}

/// Makes a run of a workflow that deploys a release, as it stood at `at` if that is given; `None` for
/// one that was skipped, and for one of a pull request, which is no release.
///
/// A run does not say where it deploys to; `environment` is what the settings say.
pub(super) fn run(
    repo: &Repo,
    run: &Run,
    environment: &str,
    at: Option<Timestamp>,
) -> Option<Release> {
    if run.event.starts_with("pull_request") || run.conclusion.as_deref() == Some("skipped") {
        return None;
    }
    let ended = run.status.as_deref() == Some("completed");
    let is_over = ended
        && run
            .changed()
            .is_none_or(|changed| at.is_none_or(|at| changed <= at));
    let mut details = Vec::new();
    let status = if is_over {
        status_words::read(run.conclusion.as_deref().unwrap_or_default(), &mut details)
    } else if ended {
        ReleaseStatus::Running
    } else {
        status_words::read(run.status.as_deref().unwrap_or_default(), &mut details)
    };
    let actor = run.triggering_actor.as_ref().or(run.actor.as_ref());
    Some(Release {
        id: repo.id_of(&format!("run:{}", run.id)).into(),
        service: repo.service.as_str().into(),
        version: version(
            run.head_branch.as_deref().unwrap_or_default(),
            &run.head_sha,
        )
        .into(),
        environment: environment.into(),
        status,
        started_at: run.dated(),
        finished_at: run.changed().filter(|_| is_over),
        actor: account(actor),
        commit: some(&run.head_sha),
        url: run.html_url.as_deref().and_then(web_link),
        details,
        carried: Carried::from_ref(run.head_branch.as_deref().unwrap_or_default()),
    })
}

/// True when a deployment of the same commit was made while a run was going on: the run made it, and
/// both would be one release twice.
pub(super) fn is_made_by(deployment: &Deployment, run: &Run) -> bool {
    let (Some(made), Some(began)) = (deployment.dated(), run.dated()) else {
        return false;
    };
    let in_time = run.status.as_deref() != Some("completed")
        || run.changed().is_none_or(|ended| made <= ended);
    deployment.sha == run.head_sha && made >= began && in_time
}

/// Statuses of one second are told apart by their numbers.
fn number(id: &str) -> u64 {
    id.parse().unwrap_or(0)
}

fn account(account: Option<&Account>) -> Option<Untrusted> {
    account.and_then(|account| some(&account.login))
}

fn some(text: &str) -> Option<Untrusted> {
    (!text.is_empty()).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn outcome(statuses: Value) -> Outcome {
        Outcome::of(serde_json::from_value(statuses).unwrap())
    }

    fn repo() -> Repo {
        Repo {
            name: "acme/checkout".to_owned(),
            service: "checkout".to_owned(),
            environments: Vec::new(),
            task: None,
            path: None,
            workflows: Vec::new(),
        }
    }

    #[test]
    fn the_newest_status_decides_and_inactive_means_superseded() {
        use ReleaseStatus::{Failed, Pending, Running, Succeeded, Unknown};
        for (states, status, finished) in [
            (vec![], Pending, None),
            (vec!["queued"], Pending, None),
            (vec!["pending"], Pending, None),
            (vec!["queued", "in_progress"], Running, None),
            (vec!["in_progress", "success"], Succeeded, Some(1)),
            (vec!["in_progress", "failure"], Failed, Some(1)),
            (vec!["error"], Failed, Some(0)),
            (
                vec!["in_progress", "success", "inactive"],
                Succeeded,
                Some(1),
            ),
            (vec!["failure", "inactive"], Failed, Some(0)),
            (vec!["inactive"], Succeeded, None),
            (vec!["in_progress", "inactive"], Succeeded, None),
            (vec!["teleported"], Unknown, None),
        ] {
            let moment = |minute: usize| format!("2026-11-22T13:0{minute}:00Z");
            let rows: Vec<Value> = states
                .iter()
                .enumerate()
                .map(|(minute, state)| json!({"state": state, "created_at": moment(minute)}))
                .collect();
            let got = outcome(json!(rows));
            assert_eq!(got.status, status, "{states:?}");
            let finished = finished.map(|minute| moment(minute).parse().unwrap());
            assert_eq!(got.finished_at, finished, "{states:?}");
            assert_eq!(
                got.is_final,
                matches!(status, Succeeded | Failed),
                "{states:?}"
            );
        }
    }

    #[test]
    fn a_recorded_deployment_is_read_whole() {
        let row: Deployment = serde_json::from_value(json!({
            "url": "https://api.github.com/repos/acme/checkout/deployments/991",
            "id": 991, "node_id": "MDEwOkRlcGxveW1lbnQx",
            "sha": "9f3c1d2aa0b1c2d3e4f5061728394a5b6c7d8e9f", "ref": "v2.31.0", "task": "deploy",
            "payload": {}, "original_environment": "staging", "environment": "production",
            "description": null, "creator": {"login": "mara", "id": 1, "type": "User"},
            "created_at": "2026-11-22T13:41:00Z", "updated_at": "2026-11-22T13:44:00Z",
            "transient_environment": false, "production_environment": true,
        }))
        .unwrap();
        let went = outcome(json!([
            {"id": 2, "state": "success", "created_at": "2026-11-22T13:44:00Z",
             "log_url": "", "environment_url": "https://checkout.example", "target_url": ""},
            {"id": 1, "state": "in_progress", "created_at": "2026-11-22T13:42:00Z",
             "log_url": "https://ci.example/1", "environment_url": ""},
        ]));
        let release = deployment(
            &repo(),
            &row,
            Some(went.clone()),
            "https://github.com",
            None,
        );
        assert_eq!(release.id.raw(), "github:acme/checkout:991");
        assert_eq!(release.service.raw(), "checkout");
        assert_eq!(release.version.raw(), "v2.31.0");
        assert_eq!(release.environment.raw(), "production");
        assert_eq!(release.status, ReleaseStatus::Succeeded);
        assert_eq!(release.started_at, "2026-11-22T13:41:00Z".parse().ok());
        assert_eq!(release.finished_at, "2026-11-22T13:44:00Z".parse().ok());
        assert_eq!(release.actor.unwrap().raw(), "mara");
        assert_eq!(release.url.unwrap().raw(), "https://checkout.example");

        let at = "2026-11-22T13:43:00Z".parse().ok();
        let then = deployment(&repo(), &row, Some(went), "https://github.com", at);
        assert_eq!(
            (then.status, then.finished_at),
            (ReleaseStatus::Running, None)
        );

        let unasked = deployment(&repo(), &row, None, "https://github.com", None);
        assert_eq!(unasked.status, ReleaseStatus::Unknown);
        assert_eq!(
            unasked.url.unwrap().raw(),
            "https://github.com/acme/checkout/deployments"
        );
    }

    #[test]
    fn a_draft_is_no_release_yet() {
        let row = |draft: bool| -> TagRelease {
            serde_json::from_value(json!({
                "id": 7, "tag_name": "v2.31.0", "target_commitish": "main", "draft": draft,
                "author": {"login": "mara"}, "published_at": "2026-11-22T13:00:00Z",
                "html_url": "https://github.com/acme/checkout/releases/tag/v2.31.0",
            }))
            .unwrap()
        };
        assert_eq!(tag(&repo(), &row(true)), None);
        let release = tag(&repo(), &row(false)).unwrap();
        assert_eq!(release.id.raw(), "github:acme/checkout:release:7");
        assert_eq!(release.version.raw(), "v2.31.0");
        assert_eq!(release.commit, None);
    }
}
