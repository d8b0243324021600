//! What GitHub's REST API sends: the fields that are read.
//!
//! Shapes: the description `api.github.com` of github/rest-api-description, API version
//! 2022-11-28.

use jiff::Timestamp;
use serde::Deserialize;

/// One row of `GET /repos/{owner}/{repo}/deployments`. Its state is not here but in its statuses.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Deployment {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) sha: String,
    #[serde(default, rename = "ref")]
    pub(super) git_ref: String,
    #[serde(default)]
    pub(super) environment: String,
    pub(super) creator: Option<Account>,
    created_at: Option<String>,
    #[serde(default)]
    pub(super) updated_at: Option<String>,
}

/// One row of `GET /repos/{owner}/{repo}/deployments/{id}/statuses`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Status {
    #[serde(default)]
    pub(super) id: u64,
    #[serde(default)]
    pub(super) state: String,
    created_at: Option<String>,
    pub(super) log_url: Option<String>,
    pub(super) environment_url: Option<String>,
}

/// One row of `GET /repos/{owner}/{repo}/releases`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct TagRelease {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) tag_name: String,
    #[serde(default)]
    pub(super) target_commitish: String,
    #[serde(default)]
    pub(super) draft: bool,
    pub(super) author: Option<Account>,
    published_at: Option<String>,
    pub(super) html_url: Option<String>,
}

/// A person or a bot.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Account {
    #[serde(default)]
    pub(super) login: String,
}

impl Deployment {
    pub(super) fn created(&self) -> Option<Timestamp> {
        time(self.created_at.as_deref())
    }
}

impl Status {
    pub(super) fn created(&self) -> Option<Timestamp> {
        time(self.created_at.as_deref())
    }
}

impl TagRelease {
    pub(super) fn published(&self) -> Option<Timestamp> {
        time(self.published_at.as_deref())
    }
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}
