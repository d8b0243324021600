//! What Argo CD's API sends: the fields that are read.
//!
//! Shapes: `assets/swagger.json` of argoproj/argo-cd, definitions `v1alpha1Application…`. Go leaves
//! out what is empty and writes `null` for lists and times without a value; both are read as nothing.

use crate::source::kit::lenient_wire::{or_default, time};
use jiff::Timestamp;
use serde::Deserialize;

/// The answer of `GET /api/v1/applications`.
#[derive(Debug, Deserialize)]
pub(super) struct ApplicationList {
    /// Null where there is none; an answer without this field is another API's.
    #[serde(deserialize_with = "or_default")]
    pub(super) items: Vec<Application>,
}

/// One application.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Application {
    #[serde(deserialize_with = "or_default")]
    pub(super) metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    pub(super) spec: Spec,
    #[serde(deserialize_with = "or_default")]
    pub(super) status: Status,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    #[serde(deserialize_with = "or_default")]
    pub(super) name: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) namespace: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) uid: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) labels: std::collections::BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Spec {
    #[serde(deserialize_with = "or_default")]
    pub(super) project: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) destination: Destination,
    #[serde(deserialize_with = "or_default")]
    pub(super) source: Origin,
    #[serde(deserialize_with = "or_default")]
    pub(super) sources: Vec<Origin>,
}

/// Where an application is deployed to: a cluster by its name or its address, and a namespace.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Destination {
    #[serde(deserialize_with = "or_default")]
    pub(super) name: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) server: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) namespace: String,
}

/// Where manifests come from: a path of a Git repository, or a chart.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Origin {
    #[serde(rename = "repoURL", deserialize_with = "or_default")]
    pub(super) repo_url: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) path: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) chart: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) target_revision: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) helm: Helm,
    #[serde(deserialize_with = "or_default")]
    pub(super) kustomize: Kustomize,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Helm {
    #[serde(deserialize_with = "or_default")]
    pub(super) parameters: Vec<Parameter>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Parameter {
    #[serde(deserialize_with = "or_default")]
    pub(super) name: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) value: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Kustomize {
    #[serde(deserialize_with = "or_default")]
    pub(super) images: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Status {
    #[serde(deserialize_with = "or_default")]
    pub(super) sync: Sync,
    #[serde(deserialize_with = "or_default")]
    pub(super) health: Health,
    #[serde(deserialize_with = "or_default")]
    pub(super) history: Vec<Deploy>,
    pub(super) operation_state: Option<OperationState>,
    #[serde(deserialize_with = "or_default")]
    pub(super) summary: Summary,
    #[serde(deserialize_with = "or_default")]
    pub(super) conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sync {
    #[serde(deserialize_with = "or_default")]
    pub(super) status: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) revision: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) revisions: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Health {
    #[serde(deserialize_with = "or_default")]
    pub(super) status: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) message: String,
    #[serde(rename = "lastTransitionTime")]
    last_transition_time: Option<String>,
}

/// One entry of `status.history`: a sync that went well.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Deploy {
    #[serde(deserialize_with = "or_default")]
    pub(super) id: i64,
    #[serde(deserialize_with = "or_default")]
    pub(super) revision: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) revisions: Vec<String>,
    #[serde(rename = "deployStartedAt")]
    started_at: Option<String>,
    deployed_at: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) source: Origin,
    #[serde(deserialize_with = "or_default")]
    pub(super) sources: Vec<Origin>,
    #[serde(deserialize_with = "or_default")]
    pub(super) initiated_by: Initiator,
}

/// Who asked for a sync; older servers do not say it in the history.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Initiator {
    #[serde(deserialize_with = "or_default")]
    pub(super) username: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) automated: bool,
}

/// The newest operation: a sync that is under way, or how the last one ended.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct OperationState {
    #[serde(deserialize_with = "or_default")]
    pub(super) phase: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) message: String,
    started_at: Option<String>,
    finished_at: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) retry_count: i64,
    #[serde(deserialize_with = "or_default")]
    pub(super) operation: Operation,
    #[serde(deserialize_with = "or_default")]
    pub(super) sync_result: SyncResult,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Operation {
    #[serde(deserialize_with = "or_default")]
    pub(super) initiated_by: Initiator,
    #[serde(deserialize_with = "or_default")]
    pub(super) sync: SyncResult,
}

/// What is synced, as it was asked for or as it was found.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SyncResult {
    #[serde(deserialize_with = "or_default")]
    pub(super) revision: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) revisions: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) source: Origin,
    #[serde(deserialize_with = "or_default")]
    pub(super) sources: Vec<Origin>,
    #[serde(rename = "dryRun", deserialize_with = "or_default")]
    pub(super) dry_run: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Summary {
    #[serde(deserialize_with = "or_default")]
    pub(super) images: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Condition {
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub(super) kind: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) message: String,
}

/// The answer of `GET /api/v1/applications/{name}/revisions/{revision}/metadata`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Commit {
    #[serde(deserialize_with = "or_default")]
    pub(super) author: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) message: String,
}

impl Health {
    pub(super) fn since(&self) -> Option<Timestamp> {
        time(self.last_transition_time.as_deref())
    }
}

impl Deploy {
    pub(super) fn started(&self) -> Option<Timestamp> {
        time(self.started_at.as_deref())
    }

    pub(super) fn deployed(&self) -> Option<Timestamp> {
        time(self.deployed_at.as_deref())
    }
}

impl OperationState {
    pub(super) fn started(&self) -> Option<Timestamp> {
        time(self.started_at.as_deref())
    }

    pub(super) fn finished(&self) -> Option<Timestamp> {
        time(self.finished_at.as_deref())
    }
}
