//! What can be configured, and the mistakes in it.

use serde::Deserialize;

use crate::config::{Problem, SourceSettings, Step};

/// GitHub's own API.
pub(super) const DEFAULT_URL: &str = "https://api.github.com";

/// The settings of this kind alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    #[serde(default)]
    pub(super) repos: Vec<RepoOptions>,
    #[serde(default = "environments")]
    pub(super) environments: Vec<String>,
    #[serde(default)]
    pub(super) releases: bool,
}

/// One of `repos`, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RepoOptions {
    repo: String,
    service: Option<String>,
}

fn environments() -> Vec<String> {
    vec!["production".to_owned()]
}

/// The repositories, each named once and properly.
pub(super) fn repos(
    settings: &SourceSettings,
    options: Vec<RepoOptions>,
) -> Result<Vec<Repo>, Problem> {
    if options.is_empty() {
        return Err(settings.problem(
            "repos",
            "is missing: name a repository, as in [{ repo = \"acme/checkout\", service = \"checkout\" }]",
        ));
    }
    let mut repos: Vec<Repo> = Vec::new();
    for (index, option) in options.into_iter().enumerate() {
        let name = option.repo;
        let problem = |message: String| {
            let mut problem = settings.problem("repos", message);
            problem.path.push(Step::Index(index));
            problem.path.push(Step::Key("repo".to_owned()));
            Err(problem)
        };
        let Some((_, short)) = name
            .split_once('/')
            .filter(|(owner, short)| is_name(owner) && is_name(short))
        else {
            return problem(format!("is {name:?}: write it as \"owner/name\""));
        };
        if repos.iter().any(|known| known.name == name) {
            return problem(format!("names {name:?} for the second time; remove one"));
        }
        let service = option.service.unwrap_or_else(|| short.to_owned());
        repos.push(Repo { name, service });
    }
    Ok(repos)
}

/// True for what GitHub allows as the name of an account or a repository.
fn is_name(part: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !part.is_empty() && part.chars().all(is_allowed) && part.chars().any(|c| c != '.')
}

/// The site for people that belongs to an API: an Enterprise Server has its API at `/api/v3`.
pub(super) fn site(api: Option<&str>) -> String {
    let api = api.unwrap_or(DEFAULT_URL).trim_end_matches('/');
    match api {
        DEFAULT_URL => "https://github.com".to_owned(),
        _ => api.strip_suffix("/api/v3").unwrap_or(api).to_owned(),
    }
}

/// A repository to watch.
#[derive(Clone, Debug)]
pub(super) struct Repo {
    /// `owner/name`.
    pub(super) name: String,
    /// Whose releases these are.
    pub(super) service: String,
}
