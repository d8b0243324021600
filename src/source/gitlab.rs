//! Asks GitLab's REST API for deployments and releases, of gitlab.com or of an instance of one's own.
//!
//! One request a project and environment lists the deployments that changed last, with how they went;
//! a list that goes back less than a week is read on, to a cap. Requests go one after the other, and
//! what the server has left of its limits is spread over the time until it has more.

mod compare;
mod options;
mod rows;
mod wire;

use jiff::{SignedDuration, Timestamp};

use self::compare::Comparisons;
use self::options::{Options, Project};
use self::wire::{Deployment, TagRelease};
use super::kit::listing::{Lister, VendorProfile, bare, horizon};
use super::kit::partial_fault::{Noun, PartialFaults, Patience};
use super::rollback::mark_rollbacks;
use super::{Ask, Built, Fetching, Kind, Source, status_words};
use crate::config::{Problem, Settings, SourceSettings};
use crate::domain::{Facts, Fault, NamePattern, Production, Release};
use crate::http::{Http, Request};

/// `kind = "gitlab"`.
pub const KIND: Kind = Kind {
    name: "gitlab",
    interval: SignedDuration::from_secs(60),
    measures: false,
    build,
};

/// Deployments that have not changed for so long are not asked for: the server need not sort them.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(90 * 24);

fn build(settings: &SourceSettings, all: &Settings) -> Result<Built, Problem> {
    let options: Options = settings.options()?;
    let http = Http::new(settings, Some(options::DEFAULT_URL))?;
    let projects = options::projects(settings, options.projects)?;
    if options.environments.is_empty() && !options.releases {
        return Err(settings.problem(
            "environments",
            "is empty: name an environment, or set `releases = true` for tagged releases",
        ));
    }
    let (site, prefix) = options::site(settings.http.url.as_deref());
    let environments = options.environments.iter().map(String::as_str);
    let environments: Vec<_> = environments.map(NamePattern::new).collect();
    let nothing = Seen {
        deployments: vec![Vec::new(); lists(&environments).len()],
        tags: Vec::new(),
    };
    let source = GitLab {
        lister: Lister::new(http.token_header("PRIVATE-TOKEN", ""), PROFILE),
        site,
        prefix,
        last: vec![nothing; projects.len()],
        projects,
        environments,
        with_tags: options.releases,
        patience: Patience::default(),
        reach: Timestamp::MAX,
        comparisons: Comparisons::default(),
        production: all.delivery.production.clone(),
    };
    Ok(Built::releases(source))
}

/// GitLab, and what it has said so far.
struct GitLab {
    lister: Lister,
    /// Its address for people.
    site: String,
    /// What paths begin with.
    prefix: &'static str,
    projects: Vec<Project>,
    environments: Vec<NamePattern>,
    with_tags: bool,
    /// The last good lists of each project, for when one of them fails.
    last: Vec<Seen>,
    patience: Patience,
    /// How far back the last lists go.
    reach: Timestamp,
    /// Commits between deployments, for reports.
    comparisons: Comparisons,
    /// Which environments are production.
    production: Production,
}

/// The lists of one project.
#[derive(Clone, Default)]
struct Seen {
    /// By the place of their environment in the settings.
    deployments: Vec<Vec<Deployment>>,
    tags: Vec<TagRelease>,
}

impl Source for GitLab {
    fn fetch<'a>(&'a mut self, ask: &'a Ask) -> Fetching<'a> {
        Box::pin(async move {
            let outcome = self.poll(ask).await;
            self.patience.apply(outcome)
        })
    }

    fn skew(&self) -> Option<SignedDuration> {
        self.lister.http.skew()
    }
}

impl GitLab {
    async fn poll(&mut self, ask: &Ask) -> Result<Facts, Fault> {
        let mut trouble = PartialFaults::default();
        let seen = if let Some(at) = ask.at {
            self.past(at, &mut trouble).await?
        } else {
            self.lister.begin();
            self.present(ask, &mut trouble).await?;
            self.lister.forget();
            self.last.clone()
        };
        let lists = usize::from(self.with_tags) + lists(&self.environments).len();
        if trouble.faults.len() == lists * self.projects.len()
            && let Some(fault) = trouble.fault()
        {
            return Err(fault);
        }
        let mut releases = self.releases(&seen, ask.at);
        self.add_commits(&mut releases, ask, &mut trouble).await;
        trouble.warnings.extend(status_words::warnings(&releases));
        Ok(Facts {
            releases: Some(releases),
            fault: trouble.fault(),
            warnings: trouble.warnings,
            rest: self.lister.http.rest(),
            reach: ask.at.is_none().then_some(self.reach),
            ..Facts::default()
        })
    }

    /// Brings the last lists up to date; those of a project that alone fails stay.
    async fn present(&mut self, ask: &Ask, trouble: &mut PartialFaults) -> Result<(), Fault> {
        let since = horizon(ask);
        let forgotten = ask.now.checked_sub(FORGOTTEN);
        let forgotten = forgotten.unwrap_or(Timestamp::UNIX_EPOCH).min(since);
        let after = updated_after(forgotten);
        self.reach = since;
        for (project, last) in self.projects.iter().zip(&mut self.last) {
            let path = project.path(self.prefix, "deployments");
            for (list, known) in lists(&self.environments)
                .into_iter()
                .zip(&mut last.deployments)
            {
                // The default order begins with the oldest.
                let mut query = vec![
                    ("order_by", "updated_at"),
                    ("sort", "desc"),
                    ("updated_after", after.as_str()),
                ];
                query.extend(list.map(|name| ("environment", name)));
                match self.lister.list(&path, &query, bare, Some(since)).await {
                    Ok(listed) => {
                        let what = list.map(|name| format!("deployments to {name}"));
                        let what = what.as_deref().unwrap_or("deployments");
                        let cut = listed.cut(&project.name, what);
                        let oldest = listed.rows.last().and_then(Deployment::changed);
                        let oldest = oldest.filter(|_| cut.is_some());
                        self.reach = oldest.map_or(self.reach, |at| at.max(self.reach));
                        trouble.warnings.extend(cut.map(Into::into));
                        *known = listed.rows;
                        known.retain(|row| list.is_some() || row.is_to(&self.environments));
                    }
                    Err(fault) => trouble.note(PROJECT, &project.name, fault)?,
                }
            }
            if self.with_tags {
                let path = project.path(self.prefix, "releases");
                // A page is enough: they are no history of a place, and a hundred go back far.
                let since = Some(Timestamp::MAX);
                match self.lister.list(&path, &RELEASES, bare, since).await {
                    Ok(listed) => last.tags = listed.rows,
                    Err(fault) => trouble.note(PROJECT, &project.name, fault)?,
                }
            }
        }
        Ok(())
    }

    /// The lists as they were at a past moment.
    async fn past(&self, at: Timestamp, trouble: &mut PartialFaults) -> Result<Vec<Seen>, Fault> {
        let mut all = Vec::new();
        for project in &self.projects {
            let mut seen = Seen::default();
            let path = project.path(self.prefix, "deployments");
            for list in lists(&self.environments) {
                let mut query = vec![("order_by", "created_at"), ("sort", "desc")];
                query.extend(list.map(|name| ("environment", name)));
                let rows = self.lister.past(&path, &query, bare, at).await;
                let mut rows: Vec<Deployment> = trouble.kept(PROJECT, &project.name, rows)?;
                rows.retain(|row| list.is_some() || row.is_to(&self.environments));
                seen.deployments.push(rows);
            }
            if self.with_tags {
                let path = project.path(self.prefix, "releases");
                let rows = self.lister.past(&path, &RELEASES, bare, at).await;
                seen.tags = trouble.kept(PROJECT, &project.name, rows)?;
            }
            all.push(seen);
        }
        Ok(all)
    }

    /// Everything as releases, what was rolled back as such.
    fn releases(&self, seen: &[Seen], at: Option<Timestamp>) -> Vec<Release> {
        let mut all = Vec::new();
        for (project, seen) in self.projects.iter().zip(seen) {
            let mut arrived = Vec::new();
            for (rows, list) in seen.deployments.iter().zip(lists(&self.environments)) {
                let environment = list.unwrap_or_default();
                let release = |row| rows::deployment(project, row, environment, &self.site, at);
                arrived.extend(rows.iter().map(release));
            }
            mark_rollbacks(&mut arrived);
            all.append(&mut arrived);
            all.extend(seen.tags.iter().filter_map(|row| rows::tag(project, row)));
        }
        all
    }
}

/// The environments that lists are asked for, one each; `None` asks for all: GitLab knows no patterns.
fn lists(environments: &[NamePattern]) -> Vec<Option<&str>> {
    if environments.iter().all(NamePattern::is_literal) {
        let names = environments.iter();
        return names.map(|name| Some(name.text())).collect();
    }
    vec![None]
}

/// The day of a moment: the same question all day, so that its answer can be found unchanged.
fn updated_after(moment: Timestamp) -> String {
    let day = moment.to_zoned(jiff::tz::TimeZone::UTC).date();
    format!("{day}T00:00:00Z")
}

/// What releases are asked for with.
const RELEASES: [(&str, &str); 2] = [("order_by", "released_at"), ("sort", "desc")];

/// GitLab's ways.
const PROFILE: VendorProfile = VendorProfile {
    headers: as_json,
    explain: |fault| fault,
};

/// What there are many of.
const PROJECT: Noun = Noun {
    one: "project",
    setting: "projects",
    rights: "it needs the scope `read_api` and the role Reporter",
};

fn as_json(request: Request<'_>) -> Request<'_> {
    request.header("Accept", "application/json")
}

#[cfg(test)]
mod tests;
