//! What the releases of the past say about one of them: where it went, whether it was one before,
//! and how the others of its service fared.

use jiff::Timestamp;

use crate::domain::{Release, ReleaseStatus};

/// True when users of production meet what is released there. A source that does not say where
/// speaks of production.
pub(super) fn is_production(environment: &str) -> bool {
    let name = environment.trim().to_lowercase();
    let parts: Vec<_> = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|part| !part.is_empty())
        .collect();
    let not_yet = [
        "pre", "non", "no", "not", "staging", "test", "dev", "preprod", "nonprod",
    ];
    if parts.iter().any(|part| not_yet.contains(part)) {
        return false;
    }
    let is_live = |part: &&str| {
        matches!(
            *part,
            "production" | "prod" | "live" | "prd" | "main" | "default" | "canary"
        ) || part.starts_with("prod")
    };
    parts.is_empty() || parts.iter().any(is_live)
}

/// From when to when a release was on its way; `None` where it has no date or has not begun.
pub(super) fn transit(release: &Release) -> Option<(Timestamp, Timestamp)> {
    if release.status == ReleaseStatus::Pending {
        return None;
    }
    let start = release.dated()?;
    // What was taken back may be dated by that.
    let end = release
        .finished_at
        .filter(|_| release.status != ReleaseStatus::RolledBack);
    Some((start, end.unwrap_or(start).max(start)))
}

/// What is known of a release by the others of its service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// Its version ran before, and another one since: it goes back to what was known.
    pub(super) is_rollback: bool,
    /// Its version is the one that ran already.
    pub(super) is_again: bool,
    /// Earlier ones of the service, and how many of them failed or were taken back.
    pub(super) earlier: usize,
    pub(super) failed: usize,
}

/// The record of a release among all of its service that went to the same place.
pub(super) fn record(release: &Release, all: &[&Release]) -> Record {
    let Some(at) = release.dated() else {
        return Record::default();
    };
    let is_before = |other: &&&Release| {
        other.dated().is_some_and(|then| then < at)
            && other.service == release.service
            && is_production(other.environment.raw()) == is_production(release.environment.raw())
    };
    let mut earlier: Vec<_> = all.iter().filter(is_before).copied().collect();
    earlier.sort_by_key(|one| std::cmp::Reverse(one.dated()));
    let is_same =
        |other: &&Release| !release.version.is_empty() && other.version == release.version;
    let arrived = |other: &&Release| other.status != ReleaseStatus::Failed;
    let last = earlier.iter().copied().find(arrived);
    let is_again = last.as_ref().is_some_and(is_same);
    Record {
        is_rollback: !is_again && earlier.iter().any(is_same),
        is_again,
        earlier: earlier.len(),
        failed: earlier
            .iter()
            .filter(|one| {
                matches!(
                    one.status,
                    ReleaseStatus::Failed | ReleaseStatus::RolledBack
                )
            })
            .count(),
    }
}
