//! Asks Argo CD's API for applications: what was synced, by whom and why, what is under way or
//! failed, and whether it is in sync and well.
//!
//! One request lists whole applications. Where that is more than [`http::MAX_BODY`], a list of chosen
//! fields is asked for instead, and an application is asked for by itself when its newest operation has
//! changed: the list cannot be asked for its history. `refresh` is never sent, since it makes the
//! controller work.
//!
//! [`http::MAX_BODY`]: crate::http::MAX_BODY

mod operation;
mod rows;
mod version;
mod wire;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use self::rows::{Memory, Naming};
use self::wire::{Application, ApplicationList, Commit, OperationState};
use super::{Ask, Built, Fetching, Kind, Source, no_blanks, status_words};
use crate::config::{Problem, Settings, SourceSettings};
use crate::domain::{Facts, Fault, FaultKind, Release};
use crate::http::{Http, Request, RowLimit};
use crate::text::Untrusted;

/// `kind = "argocd"`.
pub const KIND: Kind = Kind {
    name: "argocd",
    interval: SignedDuration::from_secs(60),
    measures: false,
    build,
};

/// How many applications one answer may list.
const APPLICATIONS: RowLimit =
    RowLimit::new("applications", "narrow them by `projects` or `selector`");
/// How many applications one poll asks for by themselves, those with the newest operation first.
const WHOLE_A_POLL: usize = 60;
/// How many commits one poll asks about, the newest deploy first.
const COMMITS_A_POLL: usize = 10;
/// How many of the newest releases are worth asking about their commits.
const TELLING: usize = 50;
/// After how long a poll asks for no more details: what it has is better now than whole.
const MAX_POLL_TIME: Duration = Duration::from_secs(20);
/// The fields of a list that is too large when it is whole; more of them than these cannot be chosen.
const FIELDS: &str = "items.metadata.name,items.metadata.namespace,items.metadata.labels,\
    items.spec.destination,items.spec.project,items.status.summary,items.status.sync.status,\
    items.status.sync.revision,items.status.health,items.status.operationState.phase,\
    items.status.operationState.startedAt,items.status.operationState.finishedAt";

/// The settings of this kind alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(default)]
    projects: Vec<String>,
    service_label: Option<String>,
    environment_label: Option<String>,
    selector: Option<String>,
}

fn build(settings: &SourceSettings, all: &Settings) -> Result<Built, Problem> {
    let options: Options = settings.options()?;
    let message = "is empty: name a project of Argo CD, or leave `projects` out for all of them";
    no_blanks(settings, "projects", &options.projects, message)?;
    let labels = [
        ("service_label", &options.service_label),
        ("environment_label", &options.environment_label),
    ];
    for (key, label) in labels {
        if label
            .as_deref()
            .is_some_and(|label| label.trim().is_empty())
        {
            return Err(settings.problem(
                key,
                "is empty: name a label of the applications, or leave it out",
            ));
        }
    }
    let site = settings.http.url.as_deref().unwrap_or_default();
    let source = ArgoCd {
        http: Http::new(settings, None)?,
        projects: options.projects,
        selector: options
            .selector
            .filter(|selector| !selector.trim().is_empty()),
        naming: Naming {
            service_label: options.service_label,
            environment_label: options.environment_label,
            production: all.delivery.production.clone(),
            site: site.trim_end_matches('/').to_owned(),
        },
        memory: Memory::default(),
        is_large: false,
        whole: HashMap::new(),
    };
    Ok(Built::releases(source))
}

/// Argo CD, and what it has said so far.
struct ArgoCd {
    http: Http,
    projects: Vec<String>,
    selector: Option<String>,
    naming: Naming,
    memory: Memory,
    /// True once a whole list was more than can be read.
    is_large: bool,
    /// Applications that were asked for by themselves, by namespace and name, and what the list said
    /// of their newest operation then.
    whole: HashMap<(String, String), (Stamp, Application)>,
}

/// What changes in a list when an application's history has changed.
type Stamp = (String, Option<Timestamp>, Option<Timestamp>, String);

impl Source for ArgoCd {
    fn fetch<'a>(&'a mut self, ask: &'a Ask) -> Fetching<'a> {
        Box::pin(self.poll(ask.at))
    }

    fn skew(&self) -> Option<SignedDuration> {
        self.http.skew()
    }
}

impl ArgoCd {
    async fn poll(&mut self, at: Option<Timestamp>) -> Result<Facts, Fault> {
        let begun = Instant::now();
        let mut facts = Facts::default();
        let apps = self.applications(begun, &mut facts).await?;
        for project in &self.projects {
            if !apps.iter().any(|app| app.spec.project == *project) {
                facts.warnings.push(no_application(project));
            }
        }
        let mut releases = self.releases(&apps, at);
        if at.is_none() {
            let asked = self.ask_commits(&apps, &releases, begun, &mut facts).await;
            if asked > 0 {
                releases = self.releases(&apps, at);
            }
            self.memory.retain(&apps);
        }
        facts.warnings.extend(status_words::warnings(&releases));
        facts.releases = Some(releases);
        facts.rest = facts.rest.max(self.http.rest());
        Ok(facts)
    }

    fn releases(&mut self, apps: &[Application], at: Option<Timestamp>) -> Vec<Release> {
        let (naming, memory) = (&self.naming, &mut self.memory);
        apps.iter()
            .flat_map(|app| rows::releases(app, naming, memory, at))
            .collect()
    }

    /// All applications that are asked for: whole, as far as that can be had.
    async fn applications(
        &mut self,
        begun: Instant,
        facts: &mut Facts,
    ) -> Result<Vec<Application>, Fault> {
        if !self.is_large {
            match self.list(None).await {
                Err(fault) if fault.kind == FaultKind::TooLarge => self.is_large = true,
                answer => return answer,
            }
        }
        let mut listed = self.list(Some(FIELDS)).await?;
        let places: std::collections::HashSet<_> = listed.iter().map(place).collect();
        self.whole.retain(|known, _| places.contains(known));
        listed.sort_by_key(|app| Reverse(stamp(app).1));
        self.ask_whole(&listed, begun, facts).await?;
        let known = self.whole.len();
        if known < listed.len() {
            let warning = format!(
                "{known} of {} applications loaded with their history, newest first; narrow it by `projects` or `selector`",
                listed.len()
            );
            facts.warnings.push(warning.into());
        }
        Ok(listed.into_iter().map(|app| self.completed(app)).collect())
    }

    /// A list of applications, of chosen fields if any are given.
    async fn list(&self, fields: Option<&str>) -> Result<Vec<Application>, Fault> {
        let mut request = self.http.get("/api/v1/applications").rows(APPLICATIONS);
        for project in &self.projects {
            request = request.query("projects", project);
        }
        if let Some(selector) = &self.selector {
            request = request.query("selector", selector);
        }
        if let Some(fields) = fields {
            request = request.query("fields", fields);
        }
        let answer = request.send().await.map_err(advised)?;
        let mut apps = answer.json::<ApplicationList>()?.items;
        // Servers before 2.4 do not know `projects` and list all.
        apps.retain(|app| self.projects.is_empty() || self.projects.contains(&app.spec.project));
        Ok(apps)
    }

    /// Asks for applications by themselves whose newest operation is not the known one.
    async fn ask_whole(
        &mut self,
        listed: &[Application],
        begun: Instant,
        facts: &mut Facts,
    ) -> Result<(), Fault> {
        let is_known = |app: &&Application| {
            let known = self.whole.get(&place(app));
            known.is_none_or(|(seen, _)| *seen != stamp(app))
        };
        let changed: Vec<&Application> =
            listed.iter().filter(is_known).take(WHOLE_A_POLL).collect();
        for app in changed {
            if begun.elapsed() > MAX_POLL_TIME {
                break;
            }
            let path = format!("/api/v1/applications/{}", app.metadata.name);
            let request = self.of_application(&path, app);
            match request.send().await.and_then(|answer| answer.json()) {
                Ok(whole) => {
                    self.whole.insert(place(app), (stamp(app), whole));
                }
                // It was deleted since, or is of a project that the token may only list.
                Err(fault) if matches!(fault.kind, FaultKind::NotFound | FaultKind::Forbidden) => {}
                Err(fault) => {
                    let message = format!("{}: {}", app.metadata.name, fault.message.raw()).into();
                    facts.rest = fault.retry_after;
                    facts.fault = Some(Fault { message, ..fault });
                    break;
                }
            }
        }
        Ok(())
    }

    /// Begins a question about one application. With its project named, one that is not there is a 404
    /// and not a 403.
    fn of_application(&self, path: &str, app: &Application) -> Request<'_> {
        let mut request = self.http.get(path);
        if !app.metadata.namespace.is_empty() {
            request = request.query("appNamespace", &app.metadata.namespace);
        }
        if !app.spec.project.is_empty() {
            request = request.query("project", &app.spec.project);
        }
        request
    }

    /// A listed application with the history that it has by itself.
    fn completed(&self, listed: Application) -> Application {
        let Some((seen, whole)) = self.whole.get(&place(&listed)) else {
            return listed;
        };
        let mut app = whole.clone();
        let mut status = listed.status.clone();
        if *seen == stamp(&listed) {
            status.operation_state = app.status.operation_state.take();
        }
        status.sync.revisions = app.status.sync.revisions;
        status.history = app.status.history;
        status.conditions = app.status.conditions;
        app.status = status;
        app
    }

    /// Asks what the newest deployed commits say of themselves; returns how many have answered.
    async fn ask_commits(
        &mut self,
        apps: &[Application],
        releases: &[Release],
        begun: Instant,
        facts: &mut Facts,
    ) -> usize {
        let mut newest: Vec<&Release> = releases.iter().collect();
        newest.sort_by_key(|release| Reverse(release.dated()));
        newest.truncate(TELLING);
        let mut left = COMMITS_A_POLL;
        let mut answered = 0;
        for release in newest {
            let Some((app, commit)) = one_commit(apps, release) else {
                continue;
            };
            let key = (app.key(), commit.to_owned());
            if self.memory.commits.contains_key(&key) {
                continue;
            }
            if left == 0 || begun.elapsed() > MAX_POLL_TIME {
                break;
            }
            left -= 1;
            let name = &app.metadata.name;
            let path = format!("/api/v1/applications/{name}/revisions/{commit}/metadata");
            let request = self.of_application(&path, app);
            match request
                .send()
                .await
                .and_then(|answer| answer.json::<Commit>())
            {
                Ok(told) => {
                    answered += 1;
                    self.memory.commits.insert(key, Some(told));
                }
                Err(fault) if is_passing(fault.kind) => {
                    facts.rest = fault.retry_after;
                    break;
                }
                // Not to be had: the repository is gone, or the token may not see it.
                Err(_) => {
                    self.memory.commits.insert(key, None);
                }
            }
        }
        answered
    }
}

/// The application and the commit of a release that was made from one source. Applications of several
/// sources need the place of the source to be asked, and their revisions are mostly charts.
fn one_commit<'a>(
    apps: &'a [Application],
    release: &'a Release,
) -> Option<(&'a Application, &'a str)> {
    let commit = release.commit.as_ref()?.raw();
    let (_, rest) = release.id.raw().split_once(':')?;
    let is_of = |app: &&Application| {
        let number = rest.strip_prefix(&app.key());
        number.is_some_and(|number| number.starts_with(':'))
    };
    let app = apps.iter().find(is_of)?;
    app.spec.sources.is_empty().then_some((app, commit))
}

fn place(app: &Application) -> (String, String) {
    (app.metadata.namespace.clone(), app.metadata.name.clone())
}

fn stamp(app: &Application) -> Stamp {
    let state = app.status.operation_state.as_ref();
    (
        state.map_or_else(String::new, |state| state.phase.clone()),
        state.and_then(OperationState::started),
        state.and_then(OperationState::finished),
        app.status.sync.revision.clone(),
    )
}

/// True for faults that say nothing about what was asked for, only about this moment.
fn is_passing(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Timeout | FaultKind::Connect | FaultKind::RateLimited | FaultKind::Tls
    )
}

/// Adds what to do about it in Argo CD.
fn advised(fault: Fault) -> Fault {
    let advice = match fault.kind {
        FaultKind::Auth => "; make a new one with `argocd account generate-token`",
        FaultKind::Forbidden => "; its role needs `applications, get` on the projects",
        FaultKind::NotFound => " (Argo CD's address, without `/api`)",
        _ => return fault,
    };
    let message = format!("{}{advice}", fault.message.raw()).into();
    Fault { message, ..fault }
}

fn no_application(project: &str) -> Untrusted {
    format!("no application in project \"{project}\": is the name right, and may the token see it?")
        .into()
}

#[cfg(test)]
mod tests;
