//! Applications, their history and their newest operation, read as releases.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::operation::operation;
use super::version::Synced;
use super::wire::{Application, Commit, Deploy, Destination, Initiator};
use crate::domain::{Production, Release, ReleaseStatus};
use crate::source::rollback::mark_rollbacks;
use crate::source::{image, place, web_link};
use crate::text::Untrusted;

/// How long after a sync a change of health is taken for its doing.
const OWN_DOING: SignedDuration = SignedDuration::from_mins(30);
/// How many failed operations of one application are remembered; Argo CD itself keeps the newest.
const MAX_FAILED: usize = 5;
/// The name that Argo CD gives the cluster it runs in.
const IN_CLUSTER: &str = "in-cluster";
/// The address of the cluster that one runs in.
const OWN_ADDRESS: &str = "https://kubernetes.default.svc";

/// What the settings say of names.
#[derive(Debug, Default)]
pub(super) struct Naming {
    pub(super) service_label: Option<String>,
    pub(super) environment_label: Option<String>,
    /// Which names are those of production.
    pub(super) production: Production,
    /// The address of Argo CD for people.
    pub(super) site: String,
}

/// What Argo CD does not say twice.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Failed operations by application: the next operation overwrites them.
    failed: HashMap<String, Vec<Release>>,
    /// What a deploy was called while it was the live one, by the id of its release.
    versions: HashMap<String, String>,
    /// What revisions say of themselves, by application and revision; `None` when it is not told.
    pub(super) commits: HashMap<(String, String), Option<Commit>>,
}

impl Memory {
    /// Forgets what belongs to no application any more.
    pub(super) fn retain(&mut self, apps: &[Application]) {
        let keys: std::collections::HashSet<String> = apps.iter().map(Application::key).collect();
        self.failed.retain(|key, _| keys.contains(key));
        self.commits.retain(|(key, _), _| keys.contains(key));
        let ids: std::collections::HashSet<String> = apps
            .iter()
            .flat_map(|app| {
                app.status
                    .history
                    .iter()
                    .map(|deploy| deploy_id(app, deploy.id))
            })
            .collect();
        self.versions.retain(|id, _| ids.contains(id));
    }
}

impl Application {
    /// What tells it from the others: its name and UID, or where it is when no UID is told.
    pub(super) fn key(&self) -> String {
        let metadata = &self.metadata;
        if metadata.uid.is_empty() {
            return format!("{}/{}", metadata.namespace, metadata.name);
        }
        format!("{}/{}", metadata.name, metadata.uid)
    }
}

/// The releases of an application, the newest last, as they stood at `at` if that is a past moment.
pub(super) fn releases(
    app: &Application,
    naming: &Naming,
    memory: &mut Memory,
    at: Option<Timestamp>,
) -> Vec<Release> {
    let mut history = app.status.history.clone();
    history.sort_by_key(|deploy| deploy.id);
    let synced: Vec<Synced> = history.iter().map(Synced::of_deploy).collect();
    let versions = versions(app, naming, &history, &synced, memory);
    let mut rows: Vec<Release> = history
        .iter()
        .zip(&synced)
        .zip(&versions)
        .map(|((deploy, synced), version)| row(app, naming, deploy, synced, version))
        .collect();
    if at.is_none()
        && let Some(newest) = rows.last_mut()
    {
        judge(app, newest);
    }
    let known = memory.failed.entry(app.key()).or_default();
    if let Some(row) = operation(app, naming, &synced, &versions) {
        known.retain(|failed| failed.id != row.id);
        if row.status == ReleaseStatus::Failed {
            known.push(row);
            let surplus = known.len().saturating_sub(MAX_FAILED);
            known.drain(..surplus);
        } else {
            rows.push(row);
        }
    }
    rows.extend(known.iter().cloned());
    rows.sort_by_key(Release::dated);
    if let Some(at) = at {
        rows = rows.into_iter().filter_map(|row| row.rewound(at)).collect();
    } else if let Some(newest) = rows.last_mut() {
        newest.details.splice(0..0, present(app));
    }
    mark_rollbacks(&mut rows);
    tell_rollbacks(&mut rows);
    tell_commits(app, &mut rows, memory);
    rows
}

/// What each deploy of the history is called.
fn versions(
    app: &Application,
    naming: &Naming,
    history: &[Deploy],
    synced: &[Synced],
    memory: &mut Memory,
) -> Vec<String> {
    let service = service(app, naming);
    if let (Some(newest), Some(deploy)) = (synced.last(), history.last())
        && is_live(app, newest)
        && let Some(live) = image::one_version(images(app), service)
    {
        memory.versions.insert(deploy_id(app, deploy.id), live);
    }
    let seen = |deploy: &Deploy| memory.versions.get(&deploy_id(app, deploy.id));
    let of_same = |synced_now: &Synced| {
        let twins = history.iter().zip(synced).rev();
        let mut twins = twins.filter(|(_, other)| *other == synced_now && !other.is_empty());
        twins.find_map(|(twin, _)| seen(twin))
    };
    history
        .iter()
        .zip(synced)
        .map(|(deploy, synced)| {
            synced
                .image_tag(service)
                .or_else(|| seen(deploy).or_else(|| of_same(synced)).cloned())
                .unwrap_or_else(|| synced.name())
        })
        .collect()
}

/// True while what runs is what was synced, so that the images which run are its images.
fn is_live(app: &Application, synced: &Synced) -> bool {
    let sync = &app.status.sync;
    let is_same = match sync.revisions.as_slice() {
        [] => synced.revisions.as_slice() == std::slice::from_ref(&sync.revision),
        several => synced.revisions == several,
    };
    sync.status == "Synced" && is_same
}

fn images(app: &Application) -> impl Iterator<Item = &str> {
    app.status.summary.images.iter().map(String::as_str)
}

fn row(
    app: &Application,
    naming: &Naming,
    deploy: &Deploy,
    synced: &Synced,
    version: &str,
) -> Release {
    Release {
        status: ReleaseStatus::Succeeded,
        started_at: deploy.started(),
        finished_at: deploy.deployed(),
        actor: actor(&deploy.initiated_by),
        ..draft(app, naming, deploy_id(app, deploy.id), synced, version)
    }
}

/// What all releases of an application have in common.
pub(super) fn draft(
    app: &Application,
    naming: &Naming,
    id: String,
    synced: &Synced,
    version: &str,
) -> Release {
    let name = app.metadata.name.as_str();
    let service = service(app, naming);
    let mut details = Vec::new();
    if service != name {
        details.push(detail("application", name));
    }
    if !app.spec.project.is_empty() {
        details.push(detail("project", app.spec.project.as_str()));
    }
    for (index, origin) in synced.sources.iter().enumerate() {
        let place = if origin.chart.is_empty() {
            &origin.path
        } else {
            &origin.chart
        };
        let revision = synced.revisions.get(index).map_or("", String::as_str);
        let words = [origin.repo_url.as_str(), place, revision];
        let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
        if !words.is_empty() {
            details.push(detail("source", words.join(" ")));
        }
    }
    let destination = destination(app);
    let label = label(app, naming.environment_label.as_deref());
    let environment = place::environment(label, &destination, &naming.production).into();
    if !destination.is_empty() {
        details.push(detail("destination", destination));
    }
    Release {
        id: id.into(),
        service: service.into(),
        version: version.into(),
        environment,
        status: ReleaseStatus::Unknown,
        started_at: None,
        finished_at: None,
        actor: None,
        // A tag that the sources set is what changes while the commit stays.
        commit: synced
            .commit()
            .filter(|_| synced.image_tag(service).is_none())
            .map(Untrusted::from),
        url: page(app, &naming.site),
        details,
        carried: crate::domain::Carried::default(),
    }
}

/// Says of a deploy that it took another one back.
fn tell_rollbacks(rows: &mut [Release]) {
    for index in 1..rows.len() {
        let (before, after) = rows.split_at_mut(index);
        if let (Some(before), Some(row)) = (before.last(), after.first_mut())
            && before.status == ReleaseStatus::RolledBack
            && row.status == ReleaseStatus::Succeeded
        {
            let words = format!("took {} back", before.version.raw());
            row.details.push(detail("rollback", words));
        }
    }
}

/// A sync that went well has not arrived while its resources are not well: their health decides,
/// when it changed soon enough after the sync to be its doing.
fn judge(app: &Application, newest: &mut Release) {
    let health = &app.status.health;
    let (Some(since), Some(deployed)) = (health.since(), newest.finished_at) else {
        return;
    };
    let began = newest.started_at.unwrap_or(deployed);
    if since < began || since.duration_since(deployed) > OWN_DOING {
        return;
    }
    match health.status.as_str() {
        "Progressing" | "Suspended" => {
            newest.status = ReleaseStatus::Running;
            newest.finished_at = None;
        }
        "Degraded" | "Missing" => {
            newest.status = ReleaseStatus::Failed;
            newest.finished_at = Some(since.max(deployed));
        }
        _ => {}
    }
}

/// What is true of an application now, whatever it was last deployed from.
fn present(app: &Application) -> Vec<(Untrusted, Untrusted)> {
    let mut told = Vec::new();
    let status = &app.status;
    if !status.sync.status.is_empty() {
        told.push(detail("sync", status.sync.status.as_str()));
    }
    let health = &status.health;
    if !health.status.is_empty() {
        let since = health
            .since()
            .map_or(String::new(), |at| format!(" since {at}"));
        let because = match health.message.as_str() {
            "" => String::new(),
            message => format!(": {message}"),
        };
        told.push(detail(
            "health",
            format!("{}{since}{because}", health.status),
        ));
    }
    for condition in &status.conditions {
        told.push(detail(&condition.kind, condition.message.as_str()));
    }
    if !status.summary.images.is_empty() {
        told.push(detail("images", status.summary.images.join(", ")));
    }
    told
}

/// Adds what the commits say that were deployed: who wrote them, and why.
fn tell_commits(app: &Application, rows: &mut [Release], memory: &Memory) {
    for row in rows {
        let Some(commit) = &row.commit else { continue };
        let known = memory.commits.get(&(app.key(), commit.raw().to_owned()));
        let Some(Some(commit)) = known else { continue };
        let subject = commit.message.lines().next().unwrap_or_default().trim();
        for (name, words) in [("why", subject), ("author", commit.author.as_str())] {
            if !words.is_empty() {
                row.details.push(detail(name, words));
            }
        }
    }
}

/// What the application is called by those who watch it.
pub(super) fn service<'a>(app: &'a Application, naming: &Naming) -> &'a str {
    label(app, naming.service_label.as_deref()).unwrap_or(&app.metadata.name)
}

/// The cluster, unless it is Argo CD's own, and the namespace that it deploys to.
fn destination(app: &Application) -> String {
    let Destination {
        name,
        server,
        namespace,
    } = &app.spec.destination;
    let cluster = match (name.as_str(), server.as_str()) {
        (IN_CLUSTER, _) | ("", OWN_ADDRESS) => "",
        ("", server) => server.split_once("://").map_or(server, |(_, host)| host),
        (name, _) => name,
    };
    match (cluster, namespace.as_str()) {
        ("", namespace) => namespace.to_owned(),
        (cluster, "") => cluster.to_owned(),
        (cluster, namespace) => format!("{cluster}/{namespace}"),
    }
}

fn label<'a>(app: &'a Application, name: Option<&str>) -> Option<&'a str> {
    let value = app.metadata.labels.get(name?)?;
    (!value.is_empty()).then_some(value)
}

/// The page of an application. The namespace belongs into it where it is not Argo CD's usual one;
/// servers before 2.5 know the short form alone.
fn page(app: &Application, site: &str) -> Option<Untrusted> {
    let name = &app.metadata.name;
    match app.metadata.namespace.as_str() {
        "" | "argocd" => web_link(&format!("{site}/applications/{name}")),
        namespace => web_link(&format!("{site}/applications/{namespace}/{name}")),
    }
}

pub(super) fn deploy_id(app: &Application, id: i64) -> String {
    format!("argocd:{}:{id}", app.key())
}

pub(super) fn actor(initiator: &Initiator) -> Option<Untrusted> {
    match initiator.username.as_str() {
        "" if initiator.automated => Some("auto-sync".into()),
        "" => None,
        name => Some(name.into()),
    }
}

pub(super) fn detail(name: impl AsRef<str>, value: impl Into<String>) -> (Untrusted, Untrusted) {
    (name.as_ref().into(), value.into().into())
}
