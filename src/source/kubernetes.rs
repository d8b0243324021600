//! Asks a Kubernetes cluster for rollouts: of Deployments, StatefulSets and DaemonSets, of Argo
//! Rollouts, and what Flux applied.
//!
//! Lists alone are read: no watch is held open, and nothing is asked of single objects. The cluster is
//! the one of a kubeconfig or of the pod that this runs in, or a server at `url`. A kind that is not
//! installed is not there; one that the account may not list is left out and named.

mod api;
#[cfg(feature = "kubernetes")]
mod cluster;
mod flux;
mod naming;
mod options;
mod rollout;
mod wire;
mod workload;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;

use self::api::{Api, Cut, Listed};
use self::flux::Applied;
use self::naming::Naming;
use self::options::Resource;
use self::rollout::{Memory, Rollouts};
use self::wire::{Revision, Workload};
use super::kit::partial_fault::is_everywhere;
use super::rollback::mark_rollbacks;
use super::{Ask, Built, Fetching, Kind, Source, status_words};
use crate::config::{Problem, Settings, SourceSettings};
use crate::domain::{Facts, Fault, FaultKind, Faults, Release};
use crate::text::Untrusted;

/// `kind = "kubernetes"`.
pub const KIND: Kind = Kind {
    name: "kubernetes",
    interval: SignedDuration::from_secs(30),
    measures: false,
    build,
};

/// Kubernetes' own workloads.
const APPS: &str = "/apis/apps/v1";
/// For how long a kind that is not installed is not asked for again.
const ABSENT: SignedDuration = SignedDuration::from_mins(10);
/// After how long a poll begins no other list.
const PATIENCE: Duration = Duration::from_secs(25);

fn build(settings: &SourceSettings, all: &Settings) -> Result<Built, Problem> {
    let options = options::read(settings, all)?;
    let source = Kubernetes {
        api: options.api,
        namespaces: options.namespaces,
        resources: options.resources,
        naming: options.naming,
        memory: Memory::new(),
        rows: HashMap::new(),
        absent: HashMap::new(),
    };
    Ok(Built::releases(source))
}

/// A cluster, and what it has said so far.
struct Kubernetes {
    api: Api,
    /// Empty for all.
    namespaces: Vec<String>,
    resources: Vec<Resource>,
    naming: Naming,
    memory: Memory,
    /// The last good rows of each kind, for when it alone fails.
    rows: HashMap<Resource, Vec<Release>>,
    /// Lists of kinds that are not installed, and when to look again.
    absent: HashMap<&'static str, Timestamp>,
}

impl Source for Kubernetes {
    fn fetch<'a>(&'a mut self, ask: &'a Ask) -> Fetching<'a> {
        Box::pin(self.poll(ask))
    }

    fn skew(&self) -> Option<SignedDuration> {
        self.api.skew()
    }
}

/// What one poll has read and what went wrong.
struct Round {
    now: Timestamp,
    begun: Instant,
    /// Read once for all kinds that are made of them.
    sets: Option<Vec<Workload>>,
    revisions: Option<Vec<Revision>>,
    warnings: Vec<Untrusted>,
    forbidden: Vec<&'static str>,
}

impl Kubernetes {
    async fn poll(&mut self, ask: &Ask) -> Result<Facts, Fault> {
        let mut round = Round {
            now: ask.now,
            begun: Instant::now(),
            sets: None,
            revisions: None,
            warnings: Vec::new(),
            forbidden: Vec::new(),
        };
        let mut faults: Vec<Fault> = Vec::new();
        let mut releases = Vec::new();
        let resources = self.resources.clone();
        for &resource in &resources {
            match self.kind(resource, &mut round).await {
                Ok(rows) => {
                    self.rows.insert(resource, rows.clone());
                    releases.extend(rows);
                }
                Err(fault) if is_everywhere(fault.kind) => return Err(fault),
                Err(fault) => {
                    faults.push(fault);
                    releases.extend(self.rows.get(&resource).into_iter().flatten().cloned());
                }
            }
        }
        if faults.len() == resources.len()
            && let Some(first) = faults.first()
        {
            return Err(first.clone());
        }
        let mut all = Faults::default();
        all.extend(faults);
        let (fault, others) = all.finish();
        round.warnings.extend(others);
        if !round.forbidden.is_empty() {
            let names = round.forbidden.join(", ");
            let words = format!("the account may not list {names} (403): left out");
            round.warnings.push(words.into());
        }
        if let Some(at) = ask.at {
            releases = releases
                .into_iter()
                .filter_map(|row| row.rewound(at))
                .collect();
        }
        mark(&mut releases);
        round.warnings.extend(status_words::warnings(&releases));
        Ok(Facts {
            releases: Some(releases),
            fault,
            warnings: round.warnings,
            rest: self.api.rest(),
            ..Facts::default()
        })
    }

    /// The releases of all objects of one kind.
    async fn kind(&mut self, resource: Resource, round: &mut Round) -> Result<Vec<Release>, Fault> {
        match resource {
            Resource::Deployments => {
                let owners = self.core("deployments", round).await?;
                self.of_sets(&owners, workload::deployment, round).await
            }
            Resource::Rollouts => {
                let lists = [("/apis/argoproj.io/v1alpha1", "rollouts")];
                let owners = self.custom(&lists, round).await?;
                self.of_sets(&owners, workload::argo_rollout, round).await
            }
            Resource::StatefulSets => {
                let owners = self.core("statefulsets", round).await?;
                self.of_revisions(&owners, workload::stateful_set, round)
                    .await
            }
            Resource::DaemonSets => {
                let owners = self.core("daemonsets", round).await?;
                self.of_revisions(&owners, workload::daemon_set, round)
                    .await
            }
            Resource::Kustomizations => {
                let lists = [
                    ("/apis/kustomize.toolkit.fluxcd.io/v1", "kustomizations"),
                    (
                        "/apis/kustomize.toolkit.fluxcd.io/v1beta2",
                        "kustomizations",
                    ),
                ];
                let objects: Vec<Applied> = self.custom(&lists, round).await?;
                let rows = objects.iter();
                Ok(rows
                    .flat_map(|one| flux::kustomization(one, &self.naming))
                    .collect())
            }
            Resource::HelmReleases => {
                let lists = [
                    ("/apis/helm.toolkit.fluxcd.io/v2", "helmreleases"),
                    ("/apis/helm.toolkit.fluxcd.io/v2beta2", "helmreleases"),
                    ("/apis/helm.toolkit.fluxcd.io/v2beta1", "helmreleases"),
                ];
                let objects: Vec<Applied> = self.custom(&lists, round).await?;
                let rows = objects.iter();
                Ok(rows
                    .flat_map(|one| flux::helm_release(one, &self.naming))
                    .collect())
            }
        }
    }

    async fn of_sets(
        &mut self,
        owners: &[Workload],
        read: for<'a> fn(&'a Workload, &[&'a Workload]) -> Rollouts<'a>,
        round: &mut Round,
    ) -> Result<Vec<Release>, Fault> {
        if owners.is_empty() {
            return Ok(Vec::new());
        }
        if round.sets.is_none() {
            round.sets = Some(self.core("replicasets", round).await?);
        }
        let sets = round.sets.as_deref().unwrap_or_default();
        let sets = workload::by_controller(sets, |set| &set.metadata);
        let owned = |owner: &Workload| sets.get(owner.metadata.uid.as_str()).map(Vec::as_slice);
        let rows = owners.iter().flat_map(|owner| {
            let rollouts = read(owner, owned(owner).unwrap_or_default());
            rollouts.releases(&self.naming, &mut self.memory)
        });
        Ok(rows.collect())
    }

    async fn of_revisions(
        &mut self,
        owners: &[Workload],
        read: for<'a> fn(&'a Workload, &[&'a Revision]) -> Rollouts<'a>,
        round: &mut Round,
    ) -> Result<Vec<Release>, Fault> {
        if owners.is_empty() {
            return Ok(Vec::new());
        }
        if round.revisions.is_none() {
            round.revisions = Some(self.core("controllerrevisions", round).await?);
        }
        let revisions = round.revisions.as_deref().unwrap_or_default();
        let revisions = workload::by_controller(revisions, |revision| &revision.metadata);
        let owned = |owner: &Workload| {
            revisions
                .get(owner.metadata.uid.as_str())
                .map(Vec::as_slice)
        };
        let rows = owners.iter().flat_map(|owner| {
            let rollouts = read(owner, owned(owner).unwrap_or_default());
            rollouts.releases(&self.naming, &mut self.memory)
        });
        Ok(rows.collect())
    }

    /// All objects of one of Kubernetes' own kinds.
    async fn core<T: DeserializeOwned>(
        &mut self,
        resource: &'static str,
        round: &mut Round,
    ) -> Result<Vec<T>, Fault> {
        let found = self.all(APPS, resource, round).await?;
        found.ok_or_else(|| {
            let words = format!("{resource}: not there (404); is `url` the API server's address?");
            Fault::new(FaultKind::NotFound, words)
        })
    }

    /// All objects of a kind that somebody has installed, by the first version that is there.
    async fn custom<T: DeserializeOwned>(
        &mut self,
        lists: &[(&'static str, &'static str)],
        round: &mut Round,
    ) -> Result<Vec<T>, Fault> {
        for &(group, resource) in lists {
            if self
                .absent
                .get(group)
                .is_some_and(|until| round.now < *until)
            {
                continue;
            }
            match self.all(group, resource, round).await {
                Ok(Some(items)) => return Ok(items),
                Ok(None) => {
                    self.absent.insert(group, round.now + ABSENT);
                }
                // An account without a right to it is told so whether it is installed or not.
                Err(fault) if fault.kind == FaultKind::Forbidden => {
                    round.forbidden.push(resource);
                    return Ok(Vec::new());
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(Vec::new())
    }

    /// All objects of a kind in the namespaces that are watched; `None` when there is no such kind.
    async fn all<T: DeserializeOwned>(
        &mut self,
        group: &str,
        resource: &'static str,
        round: &mut Round,
    ) -> Result<Option<Vec<T>>, Fault> {
        let paths: Vec<String> = if self.namespaces.is_empty() {
            vec![format!("{group}/{resource}")]
        } else {
            let names = self.namespaces.iter();
            names
                .map(|name| format!("{group}/namespaces/{name}/{resource}"))
                .collect()
        };
        let mut found = Vec::new();
        for path in paths {
            if round.begun.elapsed() > PATIENCE {
                let words = format!(
                    "{resource}: no time left after {PATIENCE:?}; narrow it by `namespaces` or `resources`"
                );
                return Err(Fault::new(FaultKind::Server, words));
            }
            let everywhere = self.namespaces.is_empty();
            let listed = self.api.list(&path).await;
            let Some(Listed { items, cut }) =
                listed.map_err(|fault| named(fault, resource, everywhere))?
            else {
                return Ok(None);
            };
            if let Some(cut) = cut {
                round.warnings.push(cut_words(resource, items.len(), &cut));
            }
            found.extend(items);
        }
        Ok(Some(found))
    }
}

/// Marks what was taken back: a template that is there again, or else a version that is.
fn mark(releases: &mut [Release]) {
    let owner = |release: &Release| {
        let id = release.id.raw();
        id.splitn(3, ':')
            .take(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    // The rows of one owner stand together.
    for rows in releases.chunk_by_mut(|one, other| owner(one) == owner(other)) {
        mark_rollbacks(rows);
        let commits: Vec<_> = rows.iter_mut().map(|row| row.commit.take()).collect();
        for row in rows.iter_mut() {
            let template = row
                .details
                .iter()
                .find(|(name, _)| name.raw() == "template");
            row.commit = template.map(|(_, hash)| hash.clone());
        }
        mark_rollbacks(rows);
        for (row, commit) in rows.iter_mut().zip(commits) {
            row.commit = commit;
        }
    }
}

fn cut_words(resource: &str, read: usize, cut: &Cut) -> Untrusted {
    let of = cut.of.map_or("more".to_owned(), |of| of.to_string());
    format!("{read} of {of} {resource} loaded; narrow it by `namespaces`").into()
}

/// A fault of one list, with what to do about it.
fn named(fault: Fault, resource: &str, everywhere: bool) -> Fault {
    if is_everywhere(fault.kind) {
        return fault;
    }
    let advice = match fault.kind {
        FaultKind::Forbidden if everywhere => {
            "; bind a cluster role with `list` on it, set `namespaces`, or leave it out of `resources`"
        }
        FaultKind::Forbidden => {
            "; bind a role with `list` on it in each of `namespaces`, or leave it out of `resources`"
        }
        _ => "",
    };
    let message = format!("{resource}: {}{advice}", fault.message.raw()).into();
    Fault { message, ..fault }
}

#[cfg(test)]
mod tests;
