//! The question: one alias a repository, one list an environment.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{Repo, Scope};

/// How many rows of each list are asked for at a time. With their statuses that is 31 lists for each
/// list of deployments, and GitHub charges a point of 5000 an hour for 100 lists.
const PAGE: usize = 30;
/// How many statuses of a deployment are asked for besides the latest.
const STATUSES: usize = 10;

/// What is wanted of one repository.
pub(super) struct Wanted {
    /// Its place in the settings.
    pub(super) repo: usize,
    pub(super) parts: Vec<Part>,
}

/// One list of a repository.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Deployments of the list at this place of [`Repo::lists`].
    Deployments { list: usize, after: Option<String> },
    /// Published releases.
    Tags,
}

impl Wanted {
    /// The name of its repository in the answer.
    pub(super) fn alias(&self) -> String {
        format!("r{}", self.repo)
    }
}

impl Part {
    /// The name of its list in the answer.
    pub(super) fn alias(&self) -> String {
        match self {
            Self::Deployments { list: 0, .. } => "deployments".to_owned(),
            Self::Deployments { list, .. } => format!("deployments{list}"),
            Self::Tags => "releases".to_owned(),
        }
    }

    /// The same list from a cursor on.
    pub(super) fn after(&self, cursor: String) -> Self {
        match self {
            Self::Deployments { list, .. } => Self::Deployments {
                list: *list,
                after: Some(cursor),
            },
            Self::Tags => Self::Tags,
        }
    }

    /// True when it was asked from this cursor on.
    pub(super) fn is_after(&self, cursor: &str) -> bool {
        matches!(self, Self::Deployments { after: Some(after), .. } if after == cursor)
    }
}

/// The lists that are wanted of a repository.
pub(super) fn parts(repo: &Repo, scope: &Scope) -> Vec<Part> {
    let lists = 0..repo.lists().len();
    let deployments = lists.map(|list| Part::Deployments { list, after: None });
    deployments
        .chain(scope.with_tags.then_some(Part::Tags))
        .collect()
}

/// The body of a request. What is not asked for is not declared either, for GraphQL refuses that.
pub(super) fn body(repos: &[Repo], wanted: &[Wanted]) -> Value {
    let is_asked =
        |wish: &dyn Fn(&Part) -> bool| wanted.iter().any(|wanted| wanted.parts.iter().any(wish));
    let mut declared = vec!["$n:Int!".to_owned()];
    let mut variables = Map::from_iter([("n".to_owned(), json!(PAGE))]);
    let environments = environments(repos, wanted);
    for (index, environment) in environments.iter().enumerate() {
        declared.push(format!("$e{index}:[String!]"));
        variables.insert(format!("e{index}"), json!([environment]));
    }
    let mut query = format!("query({}){{", declared.join(","));
    for wanted in wanted {
        let (owner, name) = repos[wanted.repo].name.split_once('/').unwrap_or_default();
        let of = repos[wanted.repo].lists();
        let parts = wanted.parts.iter();
        let lists: Vec<_> = parts.map(|part| list(part, &of, &environments)).collect();
        let _ = write!(
            query,
            "{}:repository(owner:{},name:{}){{{}}}",
            wanted.alias(),
            json!(owner),
            json!(name),
            lists.join(" ")
        );
    }
    query.push('}');
    if is_asked(&|part| *part != Part::Tags) {
        let _ = write!(
            query,
            " fragment D on DeploymentConnection{{totalCount pageInfo{{hasNextPage endCursor}} \
             nodes{{id databaseId createdAt updatedAt environment task state commitOid ref{{name}} \
             creator{{login}} latestStatus{{...S}} statuses(first:{STATUSES}){{nodes{{...S}}}}}}}} \
             fragment S on DeploymentStatus{{state createdAt environmentUrl logUrl}}"
        );
    }
    if is_asked(&|part| *part == Part::Tags) {
        query += " fragment R on ReleaseConnection{nodes{id databaseId tagName publishedAt isDraft \
                  url author{login} tagCommit{oid}}}";
    }
    json!({"query": query, "variables": variables})
}

/// The environments that are asked for by name, each once.
fn environments<'a>(repos: &'a [Repo], wanted: &[Wanted]) -> Vec<&'a str> {
    let mut names = Vec::new();
    for wanted in wanted {
        let lists = repos[wanted.repo].lists();
        for part in &wanted.parts {
            if let Part::Deployments { list, .. } = part
                && let Some(Some(name)) = lists.get(*list)
                && !names.contains(name)
            {
                names.push(*name);
            }
        }
    }
    names
}

fn list(part: &Part, lists: &[Option<&str>], environments: &[&str]) -> String {
    let newest = "orderBy:{field:CREATED_AT,direction:DESC}";
    match part {
        Part::Deployments { list, after } => {
            // A string of JSON is one of GraphQL.
            let after = after.as_ref();
            let after = after.map_or_else(String::new, |after| format!(",after:{}", json!(after)));
            let alias = part.alias();
            let alias = if *list == 0 {
                String::new()
            } else {
                format!("{alias}:")
            };
            let name = lists.get(*list).copied().flatten();
            let place = name.and_then(|name| environments.iter().position(|one| *one == name));
            let of = place.map_or_else(String::new, |place| format!(",environments:$e{place}"));
            format!("{alias}deployments(first:$n{of}{after},{newest}){{...D}}")
        }
        Part::Tags => format!("releases(first:$n,{newest}){{...R}}"),
    }
}
