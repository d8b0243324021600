//! What the releases of the past say about one of them: whether its version ran or was tried before,
//! and how the others of its service fared.

use jiff::Timestamp;

use crate::domain::{Release, ReleaseStatus};

/// The fewest characters of a commit that stand for the whole of it.
const SHORT_COMMIT: usize = 7;

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
    /// Its version ran well before, and another one since: it goes back to what was known.
    pub(super) is_rollback: bool,
    /// Its version is the one that ran already.
    pub(super) is_again: bool,
    /// How often its version was tried just before it.
    pub(super) tried: usize,
    /// Earlier ones of the service, and how many of them failed or were taken back.
    pub(super) earlier: usize,
    pub(super) failed: usize,
}

/// The record of a release among all of its service that went to production as well.
pub(super) fn record(release: &Release, all: &[&Release]) -> Record {
    let Some(at) = release.dated() else {
        return Record::default();
    };
    let is_before = |other: &&&Release| {
        other.dated().is_some_and(|then| then < at)
            && other.service == release.service
            && other.status != ReleaseStatus::Pending
    };
    let mut earlier: Vec<_> = all.iter().filter(is_before).copied().collect();
    earlier.sort_by_key(|one| std::cmp::Reverse(one.dated()));
    let others = earlier
        .iter()
        .position(|one| !is_same_version(one, release));
    let (attempts, before) = earlier.split_at(others.unwrap_or(earlier.len()));
    // What failed never ran, and what was taken back did not run well.
    let ran = |other: &&Release| other.status != ReleaseStatus::Failed;
    let ran_well = |other: &&Release| ran(other) && other.status != ReleaseStatus::RolledBack;
    let is_again = attempts.iter().any(ran);
    let mut twins = before.iter().filter(|one| is_same_version(one, release));
    Record {
        is_rollback: !is_again && twins.any(ran_well),
        is_again,
        tried: attempts.len(),
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

/// True for two releases of one version of one service: of one commit where both have one, since a
/// branch is a name for many.
pub(super) fn is_same_version(one: &Release, other: &Release) -> bool {
    if one.service != other.service {
        return false;
    }
    match (&one.commit, &other.commit) {
        (Some(one), Some(other)) => is_same_commit(one.raw(), other.raw()),
        _ => !one.version.is_empty() && one.version == other.version,
    }
}

/// The same commit, written whole or cut.
fn is_same_commit(one: &str, other: &str) -> bool {
    let least = one.len().min(other.len());
    one == other || least >= SHORT_COMMIT && (one.starts_with(other) || other.starts_with(one))
}
