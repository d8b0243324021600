//! Deployments, StatefulSets, DaemonSets and Argo's Rollouts: their templates and how they go.

use std::collections::HashMap;

use jiff::Timestamp;

use super::naming::detail;
use super::rollout::{Progress, Rollouts, Template};
use super::wire::{Condition, Metadata, Revision, Workload};
use crate::domain::ReleaseStatus;
use crate::source::status_words;
use crate::text::Untrusted;

/// How the controller of ReplicaSets numbers them.
struct Numbering {
    /// The annotation with the number of the newest turn.
    revision: &'static str,
    /// The annotation with the numbers of the turns before, with commas between.
    history: &'static str,
    /// The label with the hash of the template.
    hash: &'static str,
}

const DEPLOYMENT: Numbering = Numbering {
    revision: "deployment.kubernetes.io/revision",
    history: "deployment.kubernetes.io/revision-history",
    hash: "pod-template-hash",
};

const ROLLOUT: Numbering = Numbering {
    revision: "rollout.argoproj.io/revision",
    history: "rollout.argoproj.io/revision-history",
    hash: "rollouts-pod-template-hash",
};

/// A Deployment and the ReplicaSets that it controls.
pub(super) fn deployment<'a>(owner: &'a Workload, sets: &[&'a Workload]) -> Rollouts<'a> {
    of_sets(
        "Deployment",
        owner,
        sets,
        &DEPLOYMENT,
        deployment_progress(owner),
    )
}

/// A Rollout of Argo and the ReplicaSets that it controls.
pub(super) fn argo_rollout<'a>(owner: &'a Workload, sets: &[&'a Workload]) -> Rollouts<'a> {
    of_sets("Rollout", owner, sets, &ROLLOUT, argo_progress(owner))
}

fn of_sets<'a>(
    kind: &'static str,
    owner: &'a Workload,
    sets: &[&'a Workload],
    numbering: &Numbering,
    progress: Progress,
) -> Rollouts<'a> {
    let mut newest = (i64::MIN, String::new());
    let mut templates = Vec::new();
    for set in sets {
        let metadata = &set.metadata;
        let Some(number) = metadata.annotation(numbering.revision) else {
            continue;
        };
        let before = metadata.annotation(numbering.history).unwrap_or_default();
        let mut turns: Vec<String> = before
            .split(',')
            .map(str::trim)
            .filter(|turn| !turn.is_empty() && *turn != number)
            .map(str::to_owned)
            .collect();
        turns.push(number.to_owned());
        if let Ok(number) = number.parse::<i64>()
            && number > newest.0
        {
            newest = (number, turns.last().cloned().unwrap_or_default());
        }
        templates.push(Template {
            hash: metadata.label(numbering.hash).unwrap_or(&metadata.name),
            kept_by: metadata,
            containers: &set.spec.template.spec.containers,
            turns,
        });
    }
    Rollouts {
        kind,
        metadata: &owner.metadata,
        templates,
        newest: newest.1,
        progress,
    }
}

/// A StatefulSet and its revisions.
pub(super) fn stateful_set<'a>(owner: &'a Workload, revisions: &[&'a Revision]) -> Rollouts<'a> {
    let status = &owner.status;
    let desired = owner.spec.replicas.unwrap_or(1);
    let is_done = is_observed(owner)
        && status.current_revision == status.update_revision
        && status.ready_replicas >= desired
        // It is not counted any more once all are of one revision, by some versions.
        && (status.updated_replicas >= desired || status.updated_replicas == 0);
    let words = format!(
        "{} of {desired} updated, {} ready",
        status.updated_replicas, status.ready_replicas
    );
    of_revisions("StatefulSet", owner, revisions, counted(is_done, words))
}

/// A DaemonSet and its revisions.
pub(super) fn daemon_set<'a>(owner: &'a Workload, revisions: &[&'a Revision]) -> Rollouts<'a> {
    let status = &owner.status;
    let desired = status.desired_number_scheduled.unwrap_or_default();
    let is_done = is_observed(owner)
        && status.updated_number_scheduled >= desired
        && status.number_available >= desired;
    let words = format!(
        "{} of {desired} updated, {} available",
        status.updated_number_scheduled, status.number_available
    );
    of_revisions("DaemonSet", owner, revisions, counted(is_done, words))
}

/// Going back to an older revision gives it the newest number in place: it is then the newest by its
/// number and not by its age.
fn of_revisions<'a>(
    kind: &'static str,
    owner: &'a Workload,
    revisions: &[&'a Revision],
    progress: Progress,
) -> Rollouts<'a> {
    let newest = revisions.iter().max_by_key(|one| one.number);
    let youngest = revisions
        .iter()
        .filter_map(|one| one.metadata.created())
        .max();
    let mut name_of_newest = String::new();
    let templates = revisions.iter().map(|revision| {
        let metadata = &revision.metadata;
        let mut turns = vec![metadata.name.clone()];
        if newest.is_some_and(|newest| newest.metadata.name == metadata.name) {
            if metadata.created() < youngest {
                turns.push(format!("{}:{}", metadata.name, revision.number));
            }
            name_of_newest = turns.last().cloned().unwrap_or_default();
        }
        Template {
            hash: &metadata.name,
            kept_by: metadata,
            containers: &revision.data.spec.template.spec.containers,
            turns,
        }
    });
    let templates = templates.collect();
    Rollouts {
        kind,
        metadata: &owner.metadata,
        templates,
        newest: name_of_newest,
        progress,
    }
}

fn is_observed(owner: &Workload) -> bool {
    let seen = owner.status.observed_generation;
    seen.is_none_or(|seen| seen >= owner.metadata.generation)
}

fn counted(is_done: bool, words: String) -> Progress {
    Progress {
        status: if is_done {
            ReleaseStatus::Succeeded
        } else {
            ReleaseStatus::Running
        },
        began: None,
        ended: None,
        words: vec![detail("replicas", words)],
    }
}

/// Reads the condition `Progressing`, whose reason says how a rollout goes:
/// <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status>.
fn deployment_progress(owner: &Workload) -> Progress {
    let status = &owner.status;
    let desired = owner.spec.replicas.unwrap_or(1);
    let is_done = is_observed(owner)
        && status.updated_replicas >= desired
        && status.available_replicas >= desired;
    let words = format!(
        "{} of {desired} updated, {} available",
        status.updated_replicas, status.available_replicas
    );
    let mut progress = counted(is_done, words);
    if let Some(condition) = status.condition("Progressing") {
        judge(&mut progress, condition, is_observed(owner));
    }
    if owner.spec.paused {
        progress
            .words
            .insert(0, detail("paused", "by its specification"));
    }
    for kind in ["ReplicaFailure", "Available"] {
        let bad = if kind == "Available" { "False" } else { "True" };
        let told = status.condition(kind).filter(|condition| condition.is(bad));
        progress.words.extend(told.map(said));
    }
    progress
}

fn judge(progress: &mut Progress, condition: &Condition, is_observed: bool) {
    if condition.is("False") {
        progress.status = ReleaseStatus::Failed;
        progress.ended = condition.since();
        progress.words.insert(0, said(condition));
        return;
    }
    match condition.reason.as_str() {
        "NewReplicaSetAvailable" if is_observed => {
            progress.status = ReleaseStatus::Succeeded;
            progress.ended = condition.since();
        }
        "NewReplicaSetCreated" | "FoundNewReplicaSet" | "ReplicaSetUpdated" => {
            progress.status = ReleaseStatus::Running;
            progress.began = condition.since();
        }
        _ => {}
    }
}

/// What a condition says.
fn said(condition: &Condition) -> (Untrusted, Untrusted) {
    let words = [condition.reason.as_str(), condition.message.as_str()];
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    detail(condition.kind.to_ascii_lowercase(), words.join(": "))
}

/// Reads `status.phase`, which counts only for the generation that the controller has seen.
fn argo_progress(owner: &Workload) -> Progress {
    let status = &owner.status;
    let is_stable = !status.stable.is_empty() && status.stable == status.current_pod_hash;
    let condition = status.condition("Progressing");
    let changed = condition.and_then(Condition::since);
    let mut words = Vec::new();
    let (state, ended): (_, Option<Timestamp>) = if !is_observed(owner) {
        (ReleaseStatus::Running, None)
    } else if status.abort {
        (ReleaseStatus::Failed, status.aborted().or(changed))
    } else if is_stable {
        // What happens to it later is no part of how it was rolled out.
        (ReleaseStatus::Succeeded, changed)
    } else {
        match status.phase.as_str() {
            "Healthy" => (ReleaseStatus::Succeeded, changed),
            "Degraded" => (ReleaseStatus::Failed, changed),
            "Progressing" | "Paused" | "" => (ReleaseStatus::Running, None),
            word => (status_words::read(word, &mut words), None),
        }
    };
    if !status.phase.is_empty() {
        let because = match status.message.as_str() {
            "" => String::new(),
            message => format!(": {message}"),
        };
        words.push(detail("phase", format!("{}{because}", status.phase)));
    }
    if status.abort {
        let at = status
            .aborted()
            .map_or("yes".to_owned(), |at| at.to_string());
        words.push(detail("aborted", at));
    }
    words.extend(canary(owner).map(|canary| detail("canary", canary)));
    for pause in &status.pause_conditions {
        let since = format!("{} since {}", pause.reason, pause.start_time);
        words.push(detail("paused", since));
    }
    Progress {
        status: state,
        began: changed.filter(|_| state == ReleaseStatus::Running),
        ended,
        words,
    }
}

/// How much of the traffic a canary has, and how far it has come.
fn canary(owner: &Workload) -> Option<String> {
    let status = &owner.status;
    let weight = status.canary.weights.canary.weight;
    let steps = owner.spec.strategy.canary.steps.len();
    let step = status.current_step_index.filter(|_| steps > 0);
    let weight = weight.map(|weight| format!("{weight} %"));
    let step = step.map(|step| format!("step {step} of {steps}"));
    let parts: Vec<String> = weight.into_iter().chain(step).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The objects of a list by the UID of what controls them.
pub(super) fn by_controller<'a, T>(
    all: &'a [T],
    metadata: impl Fn(&'a T) -> &'a Metadata,
) -> HashMap<&'a str, Vec<&'a T>> {
    let mut found: HashMap<&str, Vec<&T>> = HashMap::new();
    for one in all {
        if let Some(owner) = metadata(one).controller() {
            found.entry(owner).or_default().push(one);
        }
    }
    found
}
