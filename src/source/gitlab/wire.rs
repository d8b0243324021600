//! What GitLab's REST API sends: the fields that are read.
//!
//! Shapes: <https://docs.gitlab.com/api/deployments/> and <https://docs.gitlab.com/api/releases/>.

use jiff::Timestamp;
use serde::Deserialize;

use crate::domain::{Commit, NamePattern};
use crate::source::kit::lenient_wire::time;
use crate::source::kit::listing::Row;

/// One row of `GET /projects/:id/deployments`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Deployment {
    #[serde(deserialize_with = "crate::source::kit::listing::id")]
    pub(super) id: String,
    #[serde(default, rename = "ref")]
    pub(super) git_ref: Option<String>,
    #[serde(default)]
    pub(super) sha: Option<String>,
    #[serde(default)]
    pub(super) status: Option<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
    pub(super) user: Option<User>,
    pub(super) environment: Option<Environment>,
    /// The job that deploys; none for a deployment that was told of through the API.
    pub(super) deployable: Option<Job>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Environment {
    pub(super) name: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Job {
    started_at: Option<String>,
    finished_at: Option<String>,
    /// Whether it runs for a tag.
    pub(super) tag: Option<bool>,
    pub(super) web_url: Option<String>,
    pub(super) pipeline: Option<Pipeline>,
    /// The commit that it runs for.
    pub(super) commit: Option<Head>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Head {
    pub(super) id: Option<String>,
    created_at: Option<String>,
}

impl Head {
    /// The commit, where it says which and when.
    pub(super) fn commit(&self) -> Option<Commit> {
        let sha = self.id.as_deref().filter(|id| !id.is_empty())?;
        Some(Commit {
            sha: sha.into(),
            committed_at: Some(time(self.created_at.as_deref())?),
            is_merge: false,
        })
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Pipeline {
    pub(super) web_url: Option<String>,
}

/// A person or a bot.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct User {
    #[serde(default)]
    pub(super) username: Option<String>,
    #[serde(default)]
    pub(super) name: Option<String>,
}

/// One row of `GET /projects/:id/releases`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct TagRelease {
    pub(super) tag_name: String,
    released_at: Option<String>,
    /// True for one that is announced for a later day.
    pub(super) upcoming_release: Option<bool>,
    pub(super) author: Option<User>,
    pub(super) commit: Option<Tagged>,
    #[serde(rename = "_links")]
    pub(super) links: Option<Links>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Tagged {
    pub(super) id: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Links {
    #[serde(rename = "self")]
    pub(super) itself: Option<String>,
}

impl Row for Deployment {
    fn id(&self) -> &str {
        &self.id
    }

    fn dated(&self) -> Option<Timestamp> {
        time(self.created_at.as_deref())
    }

    fn placed(&self) -> Option<Timestamp> {
        self.changed()
    }
}

impl Deployment {
    /// True when it went to one of these environments.
    pub(super) fn is_to(&self, environments: &[NamePattern]) -> bool {
        let place = self.environment.as_ref();
        let name = place.and_then(|place| place.name.as_deref());
        let name = name.unwrap_or_default();
        environments.iter().any(|one| one.matches(name))
    }

    /// When it last changed.
    pub(super) fn changed(&self) -> Option<Timestamp> {
        time(self.updated_at.as_deref()).or_else(|| self.dated())
    }

    /// When its job began, and when that ended.
    pub(super) fn worked(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let job = self.deployable.as_ref();
        let moment = |of: fn(&Job) -> Option<&str>| job.and_then(|job| time(of(job)));
        (
            moment(|job| job.started_at.as_deref()),
            moment(|job| job.finished_at.as_deref()),
        )
    }
}

impl Row for TagRelease {
    fn id(&self) -> &str {
        &self.tag_name
    }

    fn dated(&self) -> Option<Timestamp> {
        time(self.released_at.as_deref())
    }
}
