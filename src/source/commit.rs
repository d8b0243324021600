//! What to call the version that a commit is.

/// How many characters of a commit name it well enough.
const SHORT: usize = 7;

/// What to call a version: its tag or branch, unless that is the commit itself or the branch that
/// everything is deployed from; then the short commit.
pub(super) fn version(git_ref: &str, sha: &str) -> String {
    let name = git_ref
        .strip_prefix("refs/heads/")
        .or_else(|| git_ref.strip_prefix("refs/tags/"))
        .unwrap_or(git_ref);
    let is_commit = name.len() >= SHORT && sha.starts_with(name);
    if sha.is_empty() || !(name.is_empty() || is_commit || matches!(name, "main" | "master")) {
        return name.to_owned();
    }
    short(sha).to_owned()
}

/// A commit in short.
pub(super) fn short(sha: &str) -> &str {
    sha.get(..SHORT).unwrap_or(sha)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_the_tag_or_else_the_short_commit() {
        let sha = "9f3c1d2aa0b1c2d3e4f5061728394a5b6c7d8e9f";
        for (git_ref, want) in [
            ("v2.31.0", "v2.31.0"),
            ("refs/tags/v2.31.0", "v2.31.0"),
            ("release/2.31", "release/2.31"),
            ("main", "9f3c1d2"),
            ("refs/heads/master", "9f3c1d2"),
            (sha, "9f3c1d2"),
            ("9f3c1d2aa0", "9f3c1d2"),
            ("", "9f3c1d2"),
        ] {
            assert_eq!(version(git_ref, sha), want, "{git_ref}");
        }
        assert_eq!(version("main", ""), "main");
        assert_eq!(version("", "ü"), "ü");
    }
}
