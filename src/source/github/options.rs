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
    #[serde(default)]
    pub(super) workflows: Vec<String>,
    pub(super) graphql: Option<bool>,
}

/// One of `repos`, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RepoOptions {
    repo: String,
    service: Option<String>,
    workflows: Option<Vec<String>>,
}

fn environments() -> Vec<String> {
    vec!["production".to_owned()]
}

/// The repositories, each named once and properly; `workflows` are those of each that names none.
pub(super) fn repos(
    settings: &SourceSettings,
    options: Vec<RepoOptions>,
    workflows: &[String],
) -> Result<Vec<Repo>, Problem> {
    if let Some(problem) = not_a_file(workflows) {
        return Err(settings.problem("workflows", problem));
    }
    if options.is_empty() {
        return Err(settings.problem(
            "repos",
            "is missing: name a repository, as in [{ repo = \"acme/checkout\", service = \"checkout\" }]",
        ));
    }
    let mut repos: Vec<Repo> = Vec::new();
    for (index, option) in options.into_iter().enumerate() {
        let name = option.repo;
        let problem_of = |key: &str, message: String| {
            let mut problem = settings.problem("repos", message);
            problem.path.push(Step::Index(index));
            problem.path.push(Step::Key(key.to_owned()));
            Err(problem)
        };
        let problem = |message: String| problem_of("repo", message);
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
        let workflows = option.workflows.unwrap_or_else(|| workflows.to_vec());
        if let Some(problem) = not_a_file(&workflows) {
            return problem_of("workflows", problem);
        }
        repos.push(Repo {
            name,
            service,
            workflows,
        });
    }
    Ok(repos)
}

/// What is wrong with the names of workflows: GitHub takes a file's name for an id, a title not.
fn not_a_file(workflows: &[String]) -> Option<String> {
    let is_file = |name: &str| {
        let stem = name.strip_suffix(".yml").or(name.strip_suffix(".yaml"));
        stem.is_some_and(is_name)
    };
    let wrong = workflows.iter().find(|name| !is_file(name))?;
    Some(format!(
        "has {wrong:?}: write the name of the file in .github/workflows, as in \"deploy.yml\""
    ))
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

/// Where GraphQL is asked: beside the public API, and beside `/v3` on an Enterprise Server.
pub(super) fn graphql(api: Option<&str>) -> String {
    let api = api.unwrap_or(DEFAULT_URL).trim_end_matches('/');
    format!("{}/graphql", api.strip_suffix("/v3").unwrap_or(api))
}

/// A repository to watch.
#[derive(Clone, Debug)]
pub(super) struct Repo {
    /// `owner/name`.
    pub(super) name: String,
    /// Whose releases these are.
    pub(super) service: String,
    /// The files of the workflows whose runs are releases.
    pub(super) workflows: Vec<String>,
}
