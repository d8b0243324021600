//! What can be configured, and the mistakes in it.

use serde::Deserialize;

use super::wire::Deployment;
use crate::config::{Problem, SourceSettings, Step};
use crate::domain::NamePattern;

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
    environments: Option<Vec<String>>,
    task: Option<String>,
    path: Option<String>,
    workflows: Option<Vec<String>>,
}

/// What entries of `repos` take where they do not say.
pub(super) struct Standard<'a> {
    pub(super) environments: &'a [String],
    pub(super) workflows: &'a [String],
}

fn environments() -> Vec<String> {
    vec!["production".to_owned()]
}

/// The entries of `repos`. One repository may have several, each with deployments of its own.
pub(super) fn repos(
    settings: &SourceSettings,
    options: Vec<RepoOptions>,
    standard: &Standard<'_>,
) -> Result<Vec<Repo>, Problem> {
    if let Some(problem) = not_a_file(standard.workflows) {
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
            return problem(format!("is \"{name}\": write it as \"owner/name\""));
        };
        let or = |own: Option<Vec<String>>, standard: &[String]| {
            own.unwrap_or_else(|| standard.to_vec())
        };
        let workflows = or(option.workflows, standard.workflows);
        if let Some(problem) = not_a_file(&workflows) {
            return problem_of("workflows", problem);
        }
        let environments = or(option.environments, standard.environments);
        let is_blank = |text: &String| text.trim().is_empty();
        if environments.iter().any(is_blank) {
            let words = "names nothing: write the name of an environment, or `*` for all";
            return problem_of("environments", words.to_owned());
        }
        if option.task.as_ref().is_some_and(is_blank) {
            let words = "names nothing: write a task such as \"deploy:web\", or leave it out";
            return problem_of("task", words.to_owned());
        }
        let path = match option.path.as_deref().map(below) {
            None => None,
            Some(Some(path)) => Some(path.to_owned()),
            Some(None) => {
                let words =
                    "is no path in a repository: write it from its root, as in \"services/web\"";
                return problem_of("path", words.to_owned());
            }
        };
        let patterns = |names: &[String]| names.iter().map(|name| NamePattern::new(name)).collect();
        let repo = Repo {
            service: option.service.unwrap_or_else(|| short.to_owned()),
            environments: patterns(&environments),
            task: option.task.as_deref().map(NamePattern::new),
            path,
            workflows,
            name,
        };
        if repos.iter().any(|known| known.is_same(&repo)) {
            return problem(format!(
                "names \"{}\" for the second time: give each entry `environments`, a `task`, a `path` or `workflows` of its own, or remove one",
                repo.name
            ));
        }
        repos.push(repo);
    }
    Ok(repos)
}

/// A path from the root of a repository, without slashes at its ends; `None` for what is none.
fn below(path: &str) -> Option<&str> {
    let path = path.trim().trim_matches('/');
    let is_part = |part: &str| !part.is_empty() && part != "." && part != "..";
    let is_path = path.split('/').all(is_part) && !path.contains(['\\', '*', '?']);
    (is_path && !path.contains(char::is_control)).then_some(path)
}

/// What is wrong with the names of workflows: GitHub takes a file's name for an id, a title not.
fn not_a_file(workflows: &[String]) -> Option<String> {
    let is_file = |name: &str| {
        let stem = name.strip_suffix(".yml").or(name.strip_suffix(".yaml"));
        stem.is_some_and(is_name)
    };
    let wrong = workflows.iter().find(|name| !is_file(name))?;
    Some(format!(
        "has \"{wrong}\": write the name of the file in .github/workflows, as in \"deploy.yml\""
    ))
}

/// The first entry that reads the same lists as the one at a place.
pub(super) fn twin(repos: &[Repo], place: usize) -> Option<usize> {
    (0..place).find(|&first| repos[first].has_same_lists(&repos[place]))
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

/// True for the address of an Enterprise Server's site, below which its API lies.
pub(super) fn is_beside_the_api(api: Option<&str>) -> bool {
    let api = api.unwrap_or(DEFAULT_URL);
    // The hosts of GitHub's own cloud, `api.acme.ghe.com` for example, are APIs as a whole.
    !api.contains("/api/") && !api.contains("://api.")
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
    /// Deployments to these count.
    pub(super) environments: Vec<NamePattern>,
    /// Deployments of this task alone count, where it is given.
    pub(super) task: Option<NamePattern>,
    /// Only what changed something below this path counts, where it is given.
    pub(super) path: Option<String>,
    /// The files of the workflows whose runs are releases.
    pub(super) workflows: Vec<String>,
}

impl Repo {
    /// The environments that lists of deployments are asked for, one list each; `None` asks for those
    /// to all environments: GitHub knows no patterns.
    pub(super) fn lists(&self) -> Vec<Option<&str>> {
        if self.environments.iter().all(NamePattern::is_literal) {
            let names = self.environments.iter();
            return names.map(|name| Some(name.text())).collect();
        }
        vec![None]
    }

    /// True for a deployment on the list of an environment that belongs to this entry.
    pub(super) fn takes(&self, list: Option<&str>, deployment: &Deployment) -> bool {
        let is_there = || {
            let environment = deployment.environment.as_str();
            self.environments.iter().any(|one| one.matches(environment))
        };
        let task = self.task.as_ref();
        (list.is_some() || is_there()) && task.is_none_or(|task| task.matches(&deployment.task))
    }

    /// The deployments that are looked for, in words: `to production or staging`.
    pub(super) fn wanted(&self) -> String {
        let names: Vec<_> = self.environments.iter().map(NamePattern::text).collect();
        let task = self.task.as_ref();
        let task = task.map_or(String::new(), |task| {
            format!("of the task {} ", task.text())
        });
        format!("{task}to {}", names.join(" or "))
    }

    /// The id of a release. A deployment that changed several paths is a release of each.
    pub(super) fn id_of(&self, what: &str) -> String {
        let path = self.path.as_ref();
        let path = path.map_or(String::new(), |path| format!(":{path}"));
        format!("github:{}:{what}{path}", self.name)
    }

    /// True for two entries that mean the same rows.
    fn is_same(&self, other: &Self) -> bool {
        self.has_same_lists(other) && self.path == other.path
    }

    /// True for two entries that read the same lists: at most their paths differ.
    fn has_same_lists(&self, other: &Self) -> bool {
        self.name == other.name
            && self.environments == other.environments
            && self.task == other.task
            && self.workflows == other.workflows
    }
}
