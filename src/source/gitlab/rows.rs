//! Deployments and releases of GitLab, read as ours.

use jiff::Timestamp;

use super::options::Project;
use super::wire::{Deployment, TagRelease, User};
use crate::domain::{Carried, Release, ReleaseStatus};
use crate::source::commit;
use crate::source::kit::listing::Row as _;
use crate::source::{status_words, web_link};
use crate::text::Untrusted;

/// Makes a deployment a release, as it stood at the past moment `at` if there is one. `environment`
/// is what was asked for, `site` the address of GitLab for people.
pub(super) fn deployment(
    project: &Project,
    row: &Deployment,
    environment: &str,
    site: &str,
    at: Option<Timestamp>,
) -> Release {
    let mut details = Vec::new();
    let told = status_words::read(row.status.as_deref().unwrap_or_default(), &mut details);
    let is_later = |moment: Option<Timestamp>| moment.zip(at).is_some_and(|(it, at)| it > at);
    let is_over = matches!(told, ReleaseStatus::Succeeded | ReleaseStatus::Failed);
    let (began, ended) = row.worked();
    let ended = ended.or_else(|| row.changed()).filter(|_| is_over);
    let (status, began, ended) = if is_later(began) {
        (ReleaseStatus::Pending, None, None)
    } else if is_later(ended) {
        (ReleaseStatus::Running, began, None)
    } else {
        (told, began, ended)
    };
    let sha = row.sha.as_deref().unwrap_or_default();
    let job = row.deployable.as_ref();
    let link = job.and_then(|job| {
        let pipeline = job
            .pipeline
            .as_ref()
            .and_then(|line| line.web_url.as_deref());
        job.web_url.as_deref().or(pipeline).and_then(web_link)
    });
    let place = row
        .environment
        .as_ref()
        .and_then(|place| place.name.as_deref());
    Release {
        id: format!("gitlab:{}:{}", project.name, row.id).into(),
        service: project.service.as_str().into(),
        version: version(row, sha).into(),
        environment: place.unwrap_or(environment).into(),
        status,
        // One that waits for somebody is dated by its start: until then it changed nothing.
        started_at: began.or_else(|| row.dated()),
        finished_at: ended,
        actor: account(row.user.as_ref()),
        commit: (!sha.is_empty()).then(|| sha.into()),
        url: link.or_else(|| {
            let is_path = project.name.contains('/');
            let address = format!("{site}/{}/-/environments", project.name);
            web_link(&address).filter(|_| is_path)
        }),
        details,
        carried: carried(row),
    }
}

/// Its ref and its newest commit: of the others the list says nothing.
fn carried(row: &Deployment) -> Carried {
    let job = row.deployable.as_ref();
    let head = job.and_then(|job| job.commit.as_ref()?.commit());
    Carried {
        is_head_only: head.is_some(),
        commits: head.map(|head| vec![head]),
        ..Carried::from_ref(row.git_ref.as_deref().unwrap_or_default())
    }
}

/// Makes a release of a tag one of ours; `None` for one that is yet to come.
pub(super) fn tag(project: &Project, row: &TagRelease) -> Option<Release> {
    let released = row.dated().filter(|_| row.upcoming_release != Some(true))?;
    let commit = row.commit.as_ref().and_then(|commit| commit.id.as_deref());
    let link = row.links.as_ref().and_then(|links| links.itself.as_deref());
    Some(Release {
        id: format!("gitlab:{}:release:{}", project.name, row.tag_name).into(),
        service: project.service.as_str().into(),
        version: row.tag_name.as_str().into(),
        environment: Untrusted::default(),
        status: ReleaseStatus::Succeeded,
        started_at: Some(released),
        finished_at: Some(released),
        actor: account(row.author.as_ref()),
        commit: commit.map(Untrusted::from),
        url: link.and_then(web_link),
        details: Vec::new(),
        carried: Carried::tag(&row.tag_name),
    })
}

/// What to call a version: its tag, or the commit of what was deployed from a branch.
fn version(row: &Deployment, sha: &str) -> String {
    let name = row.git_ref.as_deref().unwrap_or_default();
    match row.deployable.as_ref().and_then(|job| job.tag) {
        Some(true) if !name.is_empty() => name.to_owned(),
        Some(false) if !sha.is_empty() => commit::short(sha).to_owned(),
        _ => commit::version(name, sha),
    }
}

fn account(user: Option<&User>) -> Option<Untrusted> {
    let user = user?;
    let name = user.username.as_deref().or(user.name.as_deref())?;
    (!name.is_empty()).then(|| name.into())
}
