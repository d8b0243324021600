//! What to call what was deployed: an image's tag where one can be had, else the revision.

use super::wire::{Deploy, Origin, SyncResult};
use crate::source::{commit, image};

/// What was synced: where from, and at which revisions.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Synced {
    /// A revision for each source.
    pub(super) revisions: Vec<String>,
    /// The sources, in the same order.
    pub(super) sources: Vec<Origin>,
}

impl Synced {
    /// What an entry of the history says. Applications of several sources fill the lists, others
    /// the single fields.
    pub(super) fn of_deploy(deploy: &Deploy) -> Self {
        Self::of(
            &deploy.revision,
            &deploy.revisions,
            &deploy.source,
            &deploy.sources,
        )
    }

    /// What an operation asks for or has found.
    pub(super) fn of_result(result: &SyncResult) -> Self {
        Self::of(
            &result.revision,
            &result.revisions,
            &result.source,
            &result.sources,
        )
    }

    fn of(revision: &str, revisions: &[String], source: &Origin, sources: &[Origin]) -> Self {
        let one = || (!revision.is_empty()).then(|| revision.to_owned());
        Self {
            revisions: match revisions {
                [] => one().into_iter().collect(),
                several => several.to_vec(),
            },
            sources: match sources {
                [] => vec![source.clone()],
                several => several.to_vec(),
            },
        }
    }

    /// True when nothing says what it is.
    pub(super) fn is_empty(&self) -> bool {
        self.revisions.is_empty()
    }

    /// The first revision that is a commit.
    pub(super) fn commit(&self) -> Option<&str> {
        let revisions = self.revisions.iter().map(String::as_str);
        revisions.into_iter().find(|revision| is_commit(revision))
    }

    /// The tag that the sources themselves set: by an image of kustomize or a parameter of Helm.
    pub(super) fn image_tag(&self, service: &str) -> Option<String> {
        let sources = || self.sources.iter();
        let images = sources().flat_map(|source| &source.kustomize.images);
        // `name=newname:newtag` replaces a name as well.
        let images = images.map(|image| image.rsplit('=').next().unwrap_or(image.as_str()));
        image::one_version(images, service).or_else(|| {
            let parameters = || sources().flat_map(|source| &source.helm.parameters);
            let named = |name: &str| parameters().find(|parameter| parameter.name == name);
            let own = format!("{service}.image.tag");
            [own.as_str(), "image.tag", "imageTag", "tag"]
                .into_iter()
                .find_map(named)
                .map(|parameter| parameter.value.clone())
                .filter(|tag| !tag.is_empty())
        })
    }

    /// The revisions as a reader wants them: a tag or a chart's version as it is, a commit short.
    pub(super) fn name(&self) -> String {
        let mut names: Vec<String> = Vec::new();
        for (index, revision) in self.revisions.iter().enumerate() {
            let target = self
                .sources
                .get(index)
                .map(|one| one.target_revision.as_str());
            let name = match target {
                Some(target) if is_commit(revision) && is_version(target) => target,
                _ if is_commit(revision) => commit::short(revision),
                _ => revision.as_str(),
            };
            if !name.is_empty() && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names.join(" + ")
    }
}

/// A full object name of Git: SHA-1 or SHA-256.
fn is_commit(revision: &str) -> bool {
    matches!(revision.len(), 40 | 64) && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// True for `v2.31.0` or `2026.11.4`: a tag, while a branch moves and names no version.
fn is_version(target: &str) -> bool {
    let number = target.strip_prefix('v').unwrap_or(target);
    !is_commit(target)
        && number.starts_with(|first: char| first.is_ascii_digit())
        && number.contains('.')
        && !number.contains('*')
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SHA: &str = "9f3c1d2aa0b1c2d3e4f5061728394a5b6c7d8e9f";

    fn synced(entry: Value) -> Synced {
        Synced::of_deploy(&serde_json::from_value(entry).unwrap())
    }

    #[test]
    fn a_deploy_is_called_by_what_its_own_sources_say() {
        for (entry, name, tag) in [
            (json!({"revision": SHA}), "9f3c1d2", None),
            (
                json!({"revision": SHA, "source": {"targetRevision": "v2.31.0"}}),
                "v2.31.0",
                None,
            ),
            (
                json!({"revision": SHA, "source": {"targetRevision": "main"}}),
                "9f3c1d2",
                None,
            ),
            (
                json!({"revision": "1.4.2", "source": {"chart": "checkout", "targetRevision": "1.*"}}),
                "1.4.2",
                None,
            ),
            (
                json!({"revision": SHA, "source": {"kustomize": {"images": ["base=ghcr.io/acme/checkout:v9"]}}}),
                "9f3c1d2",
                Some("v9"),
            ),
            (
                json!({"revision": SHA, "source": {"helm": {"parameters": [
                    {"name": "replicas", "value": "3"}, {"name": "image.tag", "value": "v8"}]}}}),
                "9f3c1d2",
                Some("v8"),
            ),
            (
                json!({"revisions": [SHA, "1.4.2"], "sources": [{}, {"chart": "x"}]}),
                "9f3c1d2 + 1.4.2",
                None,
            ),
            (json!({"revision": null, "revisions": null}), "", None),
        ] {
            let got = synced(entry.clone());
            assert_eq!(got.name(), name, "{entry}");
            assert_eq!(got.image_tag("checkout").as_deref(), tag, "{entry}");
        }
    }
}
