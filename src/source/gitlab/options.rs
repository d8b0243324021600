//! What can be configured, and the mistakes in it.

use serde::Deserialize;

use crate::config::{Problem, SourceSettings, Step};

/// GitLab's own instance.
pub(super) const DEFAULT_URL: &str = "https://gitlab.com";
/// Where every instance has its API.
const API: &str = "/api/v4";

/// The settings of this kind alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    #[serde(default)]
    pub(super) projects: Vec<ProjectOptions>,
    #[serde(default = "environments")]
    pub(super) environments: Vec<String>,
    #[serde(default)]
    pub(super) releases: bool,
}

/// One of `projects`, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectOptions {
    project: String,
    service: Option<String>,
}

fn environments() -> Vec<String> {
    vec!["production".to_owned()]
}

/// A project to watch.
#[derive(Clone, Debug)]
pub(super) struct Project {
    /// `group/name`, with as many groups as there are, or its number.
    pub(super) name: String,
    /// Whose releases these are.
    pub(super) service: String,
}

impl Project {
    /// The path of one of its lists.
    pub(super) fn path(&self, prefix: &str, list: &str) -> String {
        let id = self.name.replace('/', "%2F");
        format!("{prefix}/projects/{id}/{list}")
    }
}

/// The projects, each named once and properly.
pub(super) fn projects(
    settings: &SourceSettings,
    options: Vec<ProjectOptions>,
) -> Result<Vec<Project>, Problem> {
    if options.is_empty() {
        return Err(settings.problem(
            "projects",
            "is missing: name a project, as in [{ project = \"acme/checkout\", service = \"checkout\" }]",
        ));
    }
    let mut projects: Vec<Project> = Vec::new();
    for (index, option) in options.into_iter().enumerate() {
        let name = option.project;
        let problem = |key: &str, message: String| {
            let mut problem = settings.problem("projects", message);
            problem.path.push(Step::Index(index));
            problem.path.push(Step::Key(key.to_owned()));
            Err(problem)
        };
        if projects.iter().any(|known| known.name == name) {
            return problem(
                "project",
                format!("names \"{name}\" for the second time; remove one"),
            );
        }
        let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        let is_path = name.contains('/') && name.split('/').all(is_name);
        if !is_number && !is_path {
            return problem(
                "project",
                format!("is \"{name}\": write it as \"group/name\", or its number"),
            );
        }
        let service = match (option.service, name.rsplit_once('/')) {
            (Some(service), _) => service,
            (None, Some((_, short))) => short.to_owned(),
            (None, None) => {
                let message = "is missing: a number does not name a service".to_owned();
                return problem("service", message);
            }
        };
        projects.push(Project { name, service });
    }
    Ok(projects)
}

/// True for what GitLab allows as one part of a project's path.
fn is_name(part: &str) -> bool {
    let is_allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !part.is_empty() && part.chars().all(is_allowed) && part.chars().any(|c| c != '.')
}

/// The site for people, and what paths of the API begin with when `url` is asked.
pub(super) fn site(url: Option<&str>) -> (String, &'static str) {
    let url = url.unwrap_or(DEFAULT_URL).trim_end_matches('/');
    match url.strip_suffix(API) {
        Some(site) => (site.to_owned(), ""),
        None => (url.to_owned(), API),
    }
}
