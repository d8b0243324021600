//! Words for the status of a release that this program does not know.

use std::collections::BTreeMap;

use crate::domain::{Release, ReleaseStatus};
use crate::text::Untrusted;

/// The detail of a release that keeps such a word.
const DETAIL: &str = "status";

/// Reads a word, and keeps one that is not known in the details of the release.
pub(super) fn read(word: &str, details: &mut Vec<(Untrusted, Untrusted)>) -> ReleaseStatus {
    let status = ReleaseStatus::from_word(word);
    if status == ReleaseStatus::Unknown && !word.is_empty() && word != status.word() {
        details.push((DETAIL.into(), word.into()));
    }
    status
}

/// The details of a release whose status is this unknown word, if it is one.
pub(super) fn detail(unknown: Option<Untrusted>) -> Vec<(Untrusted, Untrusted)> {
    unknown
        .map(|word| (DETAIL.into(), word))
        .into_iter()
        .collect()
}

/// What is to be said of the words that were not known: one sentence a word.
pub(super) fn warnings(releases: &[Release]) -> Vec<Untrusted> {
    let mut words: BTreeMap<&str, usize> = BTreeMap::new();
    let unknown = releases
        .iter()
        .filter(|release| release.status == ReleaseStatus::Unknown);
    let details = unknown.flat_map(|release| &release.details);
    for (_, word) in details.filter(|(name, _)| name.raw() == DETAIL) {
        *words.entry(word.raw()).or_default() += 1;
    }
    let sentence = |(word, count): (&str, usize)| {
        let plural = if count == 1 { "" } else { "s" };
        format!("release status `{word}` is not known: {count} release{plural} shown as unknown")
    };
    words
        .into_iter()
        .map(sentence)
        .map(Untrusted::from)
        .collect()
}
