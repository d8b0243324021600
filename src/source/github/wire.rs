//! What GitHub's REST API sends: the fields that are read.
//!
//! Shapes: the description `api.github.com` of github/rest-api-description, API version
//! 2022-11-28. What GraphQL says is brought to the same shapes.

use jiff::Timestamp;
use serde::Deserialize;

use crate::source::kit::lenient_wire::time;
use crate::source::kit::listing::Row;

/// One row of `GET /repos/{owner}/{repo}/deployments`. Its state is not here but in its statuses.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Deployment {
    #[serde(deserialize_with = "crate::source::kit::listing::id")]
    pub(super) id: String,
    #[serde(default)]
    pub(super) sha: String,
    #[serde(default, rename = "ref")]
    pub(super) git_ref: String,
    #[serde(default)]
    pub(super) environment: String,
    /// What the deployment was asked to do: `deploy`, or a name of one's own.
    #[serde(default)]
    pub(super) task: String,
    pub(super) creator: Option<Account>,
    pub(super) created_at: Option<String>,
    #[serde(default)]
    pub(super) updated_at: Option<String>,
}

/// One row of `GET /repos/{owner}/{repo}/deployments/{id}/statuses`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Status {
    #[serde(default, deserialize_with = "crate::source::kit::listing::id")]
    pub(super) id: String,
    #[serde(default)]
    pub(super) state: String,
    pub(super) created_at: Option<String>,
    pub(super) log_url: Option<String>,
    pub(super) environment_url: Option<String>,
}

/// One row of `GET /repos/{owner}/{repo}/releases`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct TagRelease {
    #[serde(deserialize_with = "crate::source::kit::listing::id")]
    pub(super) id: String,
    #[serde(default)]
    pub(super) tag_name: String,
    #[serde(default)]
    pub(super) target_commitish: String,
    #[serde(default)]
    pub(super) draft: bool,
    pub(super) author: Option<Account>,
    pub(super) published_at: Option<String>,
    pub(super) html_url: Option<String>,
}

/// One page of `GET /repos/{owner}/{repo}/actions/workflows/{file}/runs`.
#[derive(Debug, Deserialize)]
pub(super) struct Runs {
    #[serde(default)]
    pub(super) total_count: Option<usize>,
    pub(super) workflow_runs: Vec<Run>,
}

/// One run of a workflow.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Run {
    #[serde(deserialize_with = "crate::source::kit::listing::id")]
    pub(super) id: String,
    pub(super) head_branch: Option<String>,
    #[serde(default)]
    pub(super) head_sha: String,
    #[serde(default)]
    pub(super) event: String,
    pub(super) status: Option<String>,
    pub(super) conclusion: Option<String>,
    pub(super) html_url: Option<String>,
    created_at: Option<String>,
    /// When it last changed; for one that is over, when it ended.
    updated_at: Option<String>,
    #[serde(rename = "run_started_at")]
    began_at: Option<String>,
    pub(super) actor: Option<Account>,
    pub(super) triggering_actor: Option<Account>,
}

/// A person or a bot.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Account {
    #[serde(default)]
    pub(super) login: String,
}

impl Row for Deployment {
    fn id(&self) -> &str {
        &self.id
    }

    fn dated(&self) -> Option<Timestamp> {
        time(self.created_at.as_deref())
    }
}

impl Row for Status {
    fn id(&self) -> &str {
        &self.id
    }

    fn dated(&self) -> Option<Timestamp> {
        time(self.created_at.as_deref())
    }
}

impl Row for TagRelease {
    fn id(&self) -> &str {
        &self.id
    }

    fn dated(&self) -> Option<Timestamp> {
        time(self.published_at.as_deref())
    }
}

impl Row for Run {
    fn id(&self) -> &str {
        &self.id
    }

    /// When this attempt began: one that is run again keeps the moment of the first.
    fn dated(&self) -> Option<Timestamp> {
        time(self.began_at.as_deref()).or_else(|| time(self.created_at.as_deref()))
    }
}

impl Run {
    /// When it last changed; for one that is over, when it ended.
    pub(super) fn changed(&self) -> Option<Timestamp> {
        time(self.updated_at.as_deref())
    }
}
