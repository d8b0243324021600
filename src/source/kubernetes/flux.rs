//! Flux's Kustomizations and HelmReleases: what their history says was applied.
//!
//! Shapes: `docs/spec/v1/kustomizations.md` of fluxcd/kustomize-controller and
//! `api/v2/snapshot_types.go` of fluxcd/helm-controller. Versions of Flux before those histories say
//! their newest revision alone.

use serde::Deserialize;

use super::naming::{Naming, detail};
use super::wire::{Condition, Metadata};
use crate::domain::{Release, ReleaseStatus};
use crate::source::kit::lenient_wire::{or_default, time};
use crate::source::{commit, status_words};
use crate::text::Untrusted;

/// A Kustomization or a HelmRelease.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Applied {
    #[serde(deserialize_with = "or_default")]
    metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: Spec,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    #[serde(deserialize_with = "or_default")]
    suspend: bool,
    #[serde(deserialize_with = "or_default")]
    target_namespace: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    #[serde(deserialize_with = "or_default")]
    history: Vec<Entry>,
    #[serde(deserialize_with = "or_default")]
    conditions: Vec<Condition>,
    #[serde(deserialize_with = "or_default")]
    last_applied_revision: String,
    #[serde(deserialize_with = "or_default")]
    last_attempted_revision: String,
}

/// One entry of either history: each kind fills its own part.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Entry {
    #[serde(deserialize_with = "or_default")]
    digest: String,
    // Kustomizations.
    first_reconciled: Option<String>,
    last_reconciled: Option<String>,
    #[serde(deserialize_with = "or_default")]
    last_reconciled_status: String,
    #[serde(deserialize_with = "or_default")]
    metadata: Origin,
    // HelmReleases.
    #[serde(deserialize_with = "or_default")]
    version: i64,
    #[serde(deserialize_with = "or_default")]
    status: String,
    #[serde(deserialize_with = "or_default")]
    chart_name: String,
    #[serde(deserialize_with = "or_default")]
    chart_version: String,
    #[serde(deserialize_with = "or_default")]
    app_version: String,
    last_deployed: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Origin {
    #[serde(deserialize_with = "or_default")]
    revision: String,
    #[serde(deserialize_with = "or_default")]
    origin_revision: String,
}

/// The releases of a Kustomization, the oldest first.
pub(super) fn kustomization(object: &Applied, naming: &Naming) -> Vec<Release> {
    let mut rows: Vec<Release> = object
        .status
        .history
        .iter()
        .filter(|entry| !entry.metadata.revision.is_empty())
        .map(|entry| {
            let id = format!("{}:{}", entry.digest, entry.last_reconciled_status);
            let mut unknown = Vec::new();
            let status = match entry.last_reconciled_status.as_str() {
                "ReconciliationSucceeded" => ReleaseStatus::Succeeded,
                "Progressing" | "DependencyNotReady" => ReleaseStatus::Running,
                word if word.ends_with("Failed") => ReleaseStatus::Failed,
                word => status_words::read(word, &mut unknown),
            };
            let mut row = draft(
                object,
                naming,
                "Kustomization",
                &id,
                &entry.metadata.revision,
            );
            row.started_at = time(entry.first_reconciled.as_deref());
            row.finished_at = row.started_at.filter(|_| status != ReleaseStatus::Running);
            row.status = status;
            row.details.append(&mut unknown);
            row.details
                .push(detail("result", entry.last_reconciled_status.as_str()));
            let origin = entry.metadata.origin_revision.as_str();
            if !origin.is_empty() {
                row.details.push(detail("origin", origin));
                row.commit = commit_of(origin).or(row.commit);
            }
            row
        })
        .collect();
    rows.extend(gone_back(object, &rows));
    rows.extend(attempt(object, naming, "Kustomization", &rows));
    with_conditions(object, rows)
}

/// Manifests that were applied before and are again have no second entry: theirs comes first once
/// more, though another one began later. That was when the other one was last seen.
fn gone_back(object: &Applied, rows: &[Release]) -> Option<Release> {
    let [newest, before, ..] = object.status.history.as_slice() else {
        return None;
    };
    let (newest_row, before_row) = (rows.first()?, rows.get(1)?);
    if newest_row.started_at? >= before_row.started_at? || newest.digest == before.digest {
        return None;
    }
    let at = time(before.last_reconciled.as_deref())?;
    let mut row = newest_row.clone();
    row.id = format!("{}:{at}", row.id.raw()).into();
    row.started_at = Some(at);
    row.finished_at = Some(at).filter(|_| row.finished_at.is_some());
    Some(row)
}

/// The releases of a HelmRelease, the oldest first.
pub(super) fn helm_release(object: &Applied, naming: &Naming) -> Vec<Release> {
    let mut rows: Vec<Release> = object
        .status
        .history
        .iter()
        .map(|entry| {
            let version = match entry.app_version.as_str() {
                "" => entry.chart_version.as_str(),
                version => version,
            };
            let mut unknown = Vec::new();
            let status = match entry.status.as_str() {
                "superseded" => ReleaseStatus::Succeeded,
                word if word.starts_with("pending-") => ReleaseStatus::Running,
                word => status_words::read(word, &mut unknown),
            };
            let mut row = draft(
                object,
                naming,
                "HelmRelease",
                &entry.version.to_string(),
                version,
            );
            row.started_at = time(entry.last_deployed.as_deref());
            row.finished_at = row.started_at.filter(|_| status != ReleaseStatus::Running);
            row.status = status;
            let chart = format!("{} {}", entry.chart_name, entry.chart_version);
            row.details.append(&mut unknown);
            row.details.push(detail("chart", chart));
            row.details.push(detail("result", entry.status.as_str()));
            row
        })
        .collect();
    if rows.is_empty() {
        rows.extend(attempt(object, naming, "HelmRelease", &rows));
    }
    with_conditions(object, rows)
}

/// The revision that is being applied, or could not be, when the history does not have it.
fn attempt(
    object: &Applied,
    naming: &Naming,
    kind: &'static str,
    rows: &[Release],
) -> Option<Release> {
    let status = &object.status;
    let revision = match status.last_attempted_revision.as_str() {
        "" => status.last_applied_revision.as_str(),
        revision => revision,
    };
    let name = version(revision);
    if revision.is_empty() || rows.iter().any(|row| row.version.raw() == name) {
        return None;
    }
    let ready = status.conditions.iter().find(|one| one.kind == "Ready");
    let mut row = draft(object, naming, kind, revision, revision);
    row.started_at = ready.and_then(Condition::since);
    row.status = match ready.map(|ready| ready.status.as_str()) {
        Some("True") => ReleaseStatus::Succeeded,
        Some("False") => ReleaseStatus::Failed,
        Some("Unknown") => ReleaseStatus::Running,
        _ => ReleaseStatus::Unknown,
    };
    row.finished_at = row
        .started_at
        .filter(|_| row.status != ReleaseStatus::Running);
    Some(row)
}

/// In the order of their dates, the newest with what is true of the object now.
fn with_conditions(object: &Applied, mut rows: Vec<Release>) -> Vec<Release> {
    rows.sort_by_key(Release::dated);
    if let Some(newest) = rows.last_mut() {
        let mut told: Vec<(Untrusted, Untrusted)> = Vec::new();
        if object.spec.suspend {
            told.push(detail("suspended", "yes"));
        }
        for condition in &object.status.conditions {
            let words = [
                condition.status.as_str(),
                condition.reason.as_str(),
                condition.message.as_str(),
            ];
            let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
            told.push(detail(
                condition.kind.to_ascii_lowercase(),
                words.join(": "),
            ));
        }
        newest.details.splice(0..0, told);
    }
    rows
}

fn draft(
    object: &Applied,
    naming: &Naming,
    kind: &'static str,
    id: &str,
    revision: &str,
) -> Release {
    let metadata = &object.metadata;
    let namespace = match object.spec.target_namespace.as_str() {
        "" => metadata.namespace.as_str(),
        target => target,
    };
    let mut release = Release {
        id: format!("flux:{}/{}:{id}", metadata.name, metadata.uid).into(),
        service: naming.service(metadata).into(),
        version: version(revision).into(),
        environment: Untrusted::default(),
        status: ReleaseStatus::Unknown,
        started_at: None,
        finished_at: None,
        actor: None,
        commit: commit_of(revision),
        url: None,
        details: vec![
            detail(kind, metadata.name.as_str()),
            detail("revision", revision),
        ],
        carried: crate::domain::Carried::default(),
    };
    naming.set_place(&mut release, metadata, namespace);
    release
}

/// What to call `v1.0.1@sha1:4507…` or `main@sha1:4507…`: the tag, else the short commit; a branch
/// names no version.
fn version(revision: &str) -> String {
    let Some((name, digest)) = revision.split_once('@') else {
        return revision.to_owned();
    };
    let number = name.strip_prefix('v').unwrap_or(name);
    if number.starts_with(|first: char| first.is_ascii_digit()) {
        return name.to_owned();
    }
    let hex = digest.split_once(':').map_or(digest, |(_, hex)| hex);
    commit::short(hex).to_owned()
}

/// The commit in a revision of a Git source; other sources have digests of their artifacts there.
fn commit_of(revision: &str) -> Option<Untrusted> {
    let (_, digest) = revision.split_once('@')?;
    let sha = digest.strip_prefix("sha1:")?;
    Some(sha.into())
}
