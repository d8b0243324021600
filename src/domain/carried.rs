//! Contents of a release: its ref, its labels, and the commits that are new with it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::text::Untrusted;

/// Contents of a release, as far as its source names them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Carried {
    /// The branch or tag that it was released from.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub git_ref: Option<Untrusted>,
    /// Labels, such as `hotfix`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Untrusted>,
    /// The commits since the release before; `None` where nobody says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commits: Option<Vec<Commit>>,
    /// The run of a pipeline that made it, by which two sources tell of the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<Untrusted>,
    /// True for a published tag, which does not say that it runs anywhere.
    #[serde(rename = "tag", skip_serializing_if = "is_false")]
    pub is_tag: bool,
    /// True when the commits are the newest one alone, and there may be more.
    #[serde(rename = "head_only", skip_serializing_if = "is_false")]
    pub is_head_only: bool,
}

/// A commit of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Its hash.
    pub sha: Untrusted,
    /// When it was committed; that of the committer where a source has two times.
    pub committed_at: Option<Timestamp>,
    /// True for a merge, which has no work of its own.
    #[serde(rename = "merge")]
    pub is_merge: bool,
}

impl Carried {
    /// A release from a ref; an empty one is none.
    pub fn from_ref(git_ref: &str) -> Self {
        Self {
            git_ref: (!git_ref.is_empty()).then(|| git_ref.into()),
            ..Self::default()
        }
    }

    /// A published tag.
    pub fn tag(name: &str) -> Self {
        Self {
            is_tag: true,
            ..Self::from_ref(name)
        }
    }

    /// True when nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(truth: &bool) -> bool {
    !truth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_says_takes_no_room_and_is_read_from_what_was_kept_before() {
        let nothing = Carried::default();
        assert_eq!(serde_json::to_string(&nothing).unwrap(), "{}");
        assert_eq!(serde_json::from_str::<Carried>("{}").unwrap(), nothing);
        let all = Carried {
            labels: vec!["hotfix".into()],
            commits: Some(vec![Commit {
                sha: "c1".into(),
                committed_at: "2026-03-01T09:00:00Z".parse().ok(),
                is_merge: false,
            }]),
            is_head_only: true,
            ..Carried::from_ref("main")
        };
        let kept = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Carried>(&kept).unwrap(), all);
    }
}
