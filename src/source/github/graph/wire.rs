//! What GitHub's GraphQL API sends: the fields that are asked for, brought to the shapes of REST.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use crate::domain::FaultKind;
use crate::source::github::wire as plain;

/// An answer: what could be had, and why the rest could not.
#[derive(Deserialize)]
pub(super) struct Reply {
    /// The lists of each repository, by alias.
    pub(super) data: Option<HashMap<String, Option<HashMap<String, Value>>>>,
    #[serde(default)]
    pub(super) errors: Vec<Told>,
}

/// Why a part of the answer is null.
#[derive(Deserialize)]
pub(super) struct Told {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    pub(super) message: String,
    #[serde(default)]
    path: Option<Vec<Value>>,
}

/// One page of a list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Connection<T> {
    pub(super) total_count: Option<usize>,
    pub(super) page_info: Option<Turn>,
    nodes: Option<Vec<Option<T>>>,
}

/// Where the next page begins.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Turn {
    #[serde(default)]
    has_next_page: bool,
    end_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deployment {
    id: Option<String>,
    database_id: Option<u64>,
    created_at: Option<String>,
    updated_at: Option<String>,
    environment: Option<String>,
    task: Option<String>,
    state: Option<String>,
    #[serde(default)]
    commit_oid: String,
    #[serde(rename = "ref")]
    git_ref: Option<Ref>,
    creator: Option<plain::Account>,
    latest_status: Option<Status>,
    statuses: Option<Connection<Status>>,
}

#[derive(Deserialize)]
struct Ref {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    state: String,
    created_at: Option<String>,
    environment_url: Option<String>,
    log_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Release {
    id: Option<String>,
    database_id: Option<u64>,
    #[serde(default)]
    tag_name: String,
    published_at: Option<String>,
    #[serde(default)]
    is_draft: bool,
    url: Option<String>,
    author: Option<plain::Account>,
    tag_commit: Option<Commit>,
}

#[derive(Deserialize)]
struct Commit {
    #[serde(default)]
    oid: String,
}

impl Reply {
    /// The first error about a repository, or about one list of it.
    pub(super) fn error(&self, alias: &str, field: Option<&str>) -> Option<&Told> {
        self.errors.iter().find(|told| {
            let path = told.path.as_deref().unwrap_or_default();
            let at = |place: usize| path.get(place).and_then(Value::as_str);
            at(0) == Some(alias) && field.is_none_or(|field| at(1) == Some(field))
        })
    }
}

impl Told {
    /// The reason by the type of the error; the server's own words for other types.
    pub(super) fn words(&self) -> String {
        let Self { kind, message, .. } = self;
        match kind.as_deref() {
            Some("NOT_FOUND") => "no such repository, or the token may not see it".to_owned(),
            Some("RATE_LIMITED") => "its allowance is spent".to_owned(),
            Some("INSUFFICIENT_SCOPES") => format!(
                "the token lacks a scope: it needs `repo`, or `public_repo` and `repo_deployment` \
                 (INSUFFICIENT_SCOPES: {message})"
            ),
            Some("FORBIDDEN") => format!(
                "the token may not read this: give it the permissions to read deployments and \
                 contents, and authorize it for the organization (FORBIDDEN: {message})"
            ),
            Some(kind) if message.is_empty() => kind.to_owned(),
            _ if message.is_empty() => "it gave no reason".to_owned(),
            _ => message.clone(),
        }
    }

    /// True where the allowance of this API alone is spent; that of REST is another.
    pub(super) fn is_limited(&self) -> bool {
        self.kind.as_deref() == Some("RATE_LIMITED")
    }

    /// The kind of fault, by its type.
    pub(super) fn fault_kind(&self) -> FaultKind {
        match self.kind.as_deref() {
            Some("INSUFFICIENT_SCOPES" | "FORBIDDEN") => FaultKind::Forbidden,
            _ => FaultKind::Query,
        }
    }
}

impl Turn {
    /// The cursor of the next page, if there is one.
    pub(super) fn next(self) -> Option<String> {
        self.end_cursor.filter(|_| self.has_next_page)
    }
}

impl<T> Connection<T> {
    /// The rows that could be had.
    pub(super) fn rows(self) -> impl Iterator<Item = T> {
        self.nodes.unwrap_or_default().into_iter().flatten()
    }
}

impl Deployment {
    /// The same as REST tells it, with its statuses.
    pub(super) fn plain(self) -> (plain::Deployment, Vec<plain::Status>) {
        let statuses = self.statuses.map(Connection::rows);
        // The latest first: of two of one second the first counts.
        let told = self.latest_status.into_iter();
        let mut statuses: Vec<_> = told
            .chain(statuses.into_iter().flatten())
            .map(Status::plain)
            .collect();
        let state = self.state.unwrap_or_default();
        // Without a status nobody has said how it goes: asked for. A state of another kind was told
        // by something that this program does not know.
        let is_waiting = matches!(&*state, "" | "PENDING" | "QUEUED" | "WAITING" | "ABANDONED");
        if statuses.is_empty() && !is_waiting {
            let state = match &*state {
                "DESTROYED" => "inactive".to_owned(),
                other => other.to_ascii_lowercase(),
            };
            statuses.push(plain::Status {
                state,
                created_at: self.updated_at.clone(),
                ..plain::Status::default()
            });
        }
        let deployment = plain::Deployment {
            id: name(self.database_id, self.id),
            sha: self.commit_oid,
            git_ref: self.git_ref.map(|git_ref| git_ref.name).unwrap_or_default(),
            environment: self.environment.unwrap_or_default(),
            task: self.task.unwrap_or_default(),
            creator: self.creator,
            created_at: self.created_at,
            updated_at: self.updated_at,
        };
        (deployment, statuses)
    }
}

impl Status {
    fn plain(self) -> plain::Status {
        plain::Status {
            id: String::new(),
            state: self.state.to_ascii_lowercase(),
            created_at: self.created_at,
            log_url: self.log_url,
            environment_url: self.environment_url,
        }
    }
}

impl Release {
    /// The same as REST tells it.
    pub(super) fn plain(self) -> plain::TagRelease {
        plain::TagRelease {
            id: name(self.database_id, self.id),
            tag_name: self.tag_name,
            target_commitish: self.tag_commit.map(|commit| commit.oid).unwrap_or_default(),
            draft: self.is_draft,
            author: self.author,
            published_at: self.published_at,
            html_url: self.url,
        }
    }
}

/// The number that REST knows it by, where GraphQL still tells that.
fn name(number: Option<u64>, node: Option<String>) -> String {
    number.map_or_else(|| node.unwrap_or_default(), |number| number.to_string())
}
