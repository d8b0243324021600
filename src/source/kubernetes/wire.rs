//! What the Kubernetes API sends: the fields that are read.
//!
//! Shapes: `api/openapi-spec/swagger.json` of kubernetes/kubernetes, groups `apps/v1` and `meta/v1`.
//! Custom resources have the same metadata and are read further by whoever knows them.

use std::collections::BTreeMap;

use crate::source::kit::lenient_wire::{or_default, time};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// One page of a list.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub(super) struct Page<T> {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) metadata: PageMetadata,
    /// Null where there is none; an answer without this field is another API's.
    #[serde(deserialize_with = "or_default")]
    pub(super) items: Vec<T>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PageMetadata {
    /// The token of the next page; empty on the last one.
    #[serde(rename = "continue", deserialize_with = "or_default")]
    pub(super) next: String,
    /// How many more there are, where the server counts them.
    pub(super) remaining_item_count: Option<u64>,
}

/// What every object says of itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Metadata {
    #[serde(deserialize_with = "or_default")]
    pub(super) name: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) namespace: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) uid: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) generation: i64,
    #[serde(deserialize_with = "or_default")]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) annotations: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    owner_references: Vec<Owner>,
    #[serde(deserialize_with = "or_default")]
    managed_fields: Vec<Manager>,
    creation_timestamp: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Owner {
    #[serde(deserialize_with = "or_default")]
    uid: String,
    #[serde(deserialize_with = "or_default")]
    controller: bool,
}

/// Who wrote to an object, and when.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Manager {
    #[serde(rename = "manager", deserialize_with = "or_default")]
    name: String,
    #[serde(deserialize_with = "or_default")]
    subresource: String,
    time: Option<String>,
}

impl Metadata {
    pub(super) fn created(&self) -> Option<Timestamp> {
        time(self.creation_timestamp.as_deref())
    }

    /// The UID of the object that controls this one.
    pub(super) fn controller(&self) -> Option<&str> {
        let owner = self.owner_references.iter().find(|owner| owner.controller);
        owner.map(|owner| owner.uid.as_str())
    }

    pub(super) fn annotation(&self, name: &str) -> Option<&str> {
        let value = self.annotations.get(name)?;
        (!value.is_empty()).then_some(value)
    }

    pub(super) fn label(&self, name: &str) -> Option<&str> {
        let value = self.labels.get(name)?;
        (!value.is_empty()).then_some(value)
    }

    /// Who wrote to the object itself last, controllers of Kubernetes aside, and when.
    pub(super) fn writer(&self) -> Option<(&str, Timestamp)> {
        self.managed_fields
            .iter()
            .filter(|one| one.subresource.is_empty() && !one.name.is_empty())
            .filter(|one| !one.name.starts_with("kube-controller"))
            .filter_map(|one| Some((one.name.as_str(), time(one.time.as_deref())?)))
            .max_by_key(|&(_, at)| at)
    }
}

/// A Deployment, a StatefulSet, a DaemonSet, a Rollout of Argo, or a ReplicaSet.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Workload {
    #[serde(deserialize_with = "or_default")]
    pub(super) metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    pub(super) spec: Spec,
    #[serde(deserialize_with = "or_default")]
    pub(super) status: Status,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Spec {
    pub(super) replicas: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    pub(super) paused: bool,
    #[serde(deserialize_with = "or_default")]
    pub(super) template: Template,
    #[serde(deserialize_with = "or_default")]
    pub(super) strategy: Strategy,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Template {
    #[serde(deserialize_with = "or_default")]
    pub(super) spec: PodSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PodSpec {
    #[serde(deserialize_with = "or_default")]
    pub(super) containers: Vec<Container>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Container {
    #[serde(deserialize_with = "or_default")]
    pub(super) image: String,
}

/// How a Rollout of Argo goes about it; Deployments have one as well, of which nothing is read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Strategy {
    #[serde(deserialize_with = "or_default")]
    pub(super) canary: CanarySteps,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CanarySteps {
    #[serde(deserialize_with = "or_default")]
    pub(super) steps: Vec<serde::de::IgnoredAny>,
}

/// The status of every kind of workload: each fills its own part.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Status {
    /// A number, and a text in Argo's Rollouts.
    #[serde(deserialize_with = "number")]
    pub(super) observed_generation: Option<i64>,
    pub(super) replicas: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    pub(super) updated_replicas: i64,
    #[serde(deserialize_with = "or_default")]
    pub(super) ready_replicas: i64,
    #[serde(deserialize_with = "or_default")]
    pub(super) available_replicas: i64,
    #[serde(deserialize_with = "or_default")]
    pub(super) conditions: Vec<Condition>,
    // StatefulSets.
    #[serde(deserialize_with = "or_default")]
    pub(super) current_revision: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) update_revision: String,
    // DaemonSets.
    pub(super) desired_number_scheduled: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    pub(super) updated_number_scheduled: i64,
    #[serde(deserialize_with = "or_default")]
    pub(super) number_available: i64,
    // Rollouts of Argo.
    #[serde(deserialize_with = "or_default")]
    pub(super) phase: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) message: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) abort: bool,
    aborted_at: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) current_pod_hash: String,
    #[serde(rename = "stableRS", deserialize_with = "or_default")]
    pub(super) stable: String,
    pub(super) current_step_index: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    pub(super) canary: Canary,
    #[serde(deserialize_with = "or_default")]
    pub(super) pause_conditions: Vec<Pause>,
}

impl Status {
    pub(super) fn aborted(&self) -> Option<Timestamp> {
        time(self.aborted_at.as_deref())
    }

    pub(super) fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|one| one.kind == kind)
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Canary {
    #[serde(deserialize_with = "or_default")]
    pub(super) weights: Weights,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Weights {
    #[serde(deserialize_with = "or_default")]
    pub(super) canary: Weight,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Weight {
    pub(super) weight: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Pause {
    #[serde(deserialize_with = "or_default")]
    pub(super) reason: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) start_time: String,
}

/// One condition of an object's status.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Condition {
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub(super) kind: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) status: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) reason: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) message: String,
    last_update_time: Option<String>,
    last_transition_time: Option<String>,
}

impl Condition {
    /// When it began to say what it says.
    pub(super) fn since(&self) -> Option<Timestamp> {
        time(self.last_update_time.as_deref())
            .or_else(|| time(self.last_transition_time.as_deref()))
    }

    pub(super) fn is(&self, status: &str) -> bool {
        self.status == status
    }
}

/// What a StatefulSet or a DaemonSet was once: `apps/v1` `ControllerRevision`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Revision {
    #[serde(deserialize_with = "or_default")]
    pub(super) metadata: Metadata,
    #[serde(rename = "revision", deserialize_with = "or_default")]
    pub(super) number: i64,
    #[serde(deserialize_with = "or_default")]
    pub(super) data: RevisionData,
}

/// A patch of the object: its template, in what both kinds write.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RevisionData {
    #[serde(deserialize_with = "or_default")]
    pub(super) spec: Spec,
}

/// Reads a number that some write as text; `None` for anything else.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value
        .as_i64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok())))
}
