//! The version of this build: revision, date and features.

use std::sync::LazyLock;

use jiff::Timestamp;

/// What the build script found out: the revision, and when it was made in Unix seconds; empty where
/// neither git nor the package says.
const BUILD: (&str, &str) = (env!("WATCHFIRE_REVISION"), env!("WATCHFIRE_DATE"));

/// The features that a build may have, and whether this one does.
const FEATURES: &[(&str, bool)] = &[("kubernetes", cfg!(feature = "kubernetes"))];

/// `0.1.0 (9ef8a7c1d2e3 2026-11-29)`, and below it `features: +kubernetes`.
pub static VERSION: LazyLock<String> = LazyLock::new(|| {
    let features: Vec<_> = FEATURES
        .iter()
        .map(|(name, is_on)| format!("{}{name}", if *is_on { '+' } else { '-' }))
        .collect();
    let (revision, date) = BUILD;
    format!(
        "{}{}\nfeatures: {}",
        env!("CARGO_PKG_VERSION"),
        origin(revision, date),
        features.join(" ")
    )
});

/// Revision and date in brackets; nothing where neither is known.
fn origin(revision: &str, date: &str) -> String {
    let date = date
        .parse()
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map(|at| at.strftime("%Y-%m-%d").to_string());
    let known: Vec<_> = [Some(revision.to_owned()), date]
        .into_iter()
        .flatten()
        .filter(|word| !word.is_empty())
        .collect();
    if known.is_empty() {
        String::new()
    } else {
        format!(" ({})", known.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_of_the_build_is_left_out() {
        assert_eq!(
            origin("9ef8a7c1d2e3", "1795356000"),
            " (9ef8a7c1d2e3 2026-11-22)"
        );
        assert_eq!(origin("", "1795356000"), " (2026-11-22)");
        assert_eq!(origin("9ef8a7c1d2e3", ""), " (9ef8a7c1d2e3)");
        assert_eq!(origin("", "soon"), "");
    }

    #[test]
    fn every_feature_is_named() {
        let manifest = include_str!("../../Cargo.toml");
        let (_, features) = manifest.split_once("[features]\n").expect("features");
        let (features, _) = features.split_once("\n\n").expect("another table");
        let named = features
            .lines()
            .filter(|line| !line.starts_with(['#', ' ']));
        let named: Vec<_> = named
            .filter_map(|line| Some(line.split_once(" =")?.0))
            .filter(|name| *name != "default")
            .collect();
        let known: Vec<_> = FEATURES.iter().map(|(name, _)| *name).collect();
        assert_eq!(named, known);
    }
}
