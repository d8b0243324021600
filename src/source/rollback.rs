//! Which releases were taken back: a version that was there before is there again.
//!
//! No deploy system dates a roll-back as such. GitHub, GitLab, Argo CD and Kubernetes all show one
//! more deployment, of a version that was left before.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::domain::{Release, ReleaseStatus, rollback};

/// Marks as [`ReleaseStatus::RolledBack`] what a later release of an older version took back.
///
/// To be given the releases of one deployed thing (a repository, a project, an application, a
/// workload) in any order; services and environments are told apart here. What arrived is followed in
/// the order of arrival: a new version goes on top of those before, and one that is among those takes
/// away all that was put on top of it since. So of `v1 v2 v1` the second is rolled back, and of
/// `v1 v2 v1 v2` the last is a new attempt and takes nothing back.
///
/// The release that brings the old version back stays [`ReleaseStatus::Succeeded`], for it did. That
/// it is a roll-back shows in what it follows: a release that was rolled back. What failed by itself
/// stays failed, what is under way takes nothing back yet, and the same version once more is no
/// roll-back.
pub(super) fn mark_rollbacks(releases: &mut [Release]) {
    let mut arrived: Vec<(Timestamp, usize)> = releases
        .iter()
        .enumerate()
        .filter(|(_, release)| release.status == ReleaseStatus::Succeeded)
        .filter_map(|(index, release)| Some((arrival(release)?, index)))
        .collect();
    arrived.sort_by_key(|&(at, index)| (at, releases[index].started_at));
    let mut lanes: HashMap<_, Vec<usize>> = HashMap::new();
    for (_, index) in arrived {
        let release = &releases[index];
        let place = (release.service.raw(), release.environment.raw());
        lanes.entry(place).or_default().push(index);
    }
    let mut taken_back = Vec::new();
    for lane in lanes.values() {
        let rows: Vec<_> = lane.iter().map(|index| &releases[*index]).collect();
        let taken = rollback::taken_back(&rows).into_iter().flatten();
        taken_back.extend(taken.map(|place| lane[place]));
    }
    for index in taken_back {
        releases[index].status = ReleaseStatus::RolledBack;
    }
}

/// When it was there; when it began where its end was not told.
fn arrival(release: &Release) -> Option<Timestamp> {
    release.finished_at.or(release.started_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A release of `version` in minute `minute`: `v2` or `v2@production`, `!` for one that failed,
    /// `…` for one under way.
    fn release(minute: usize, words: &str) -> Release {
        let (version, environment) = words.split_once('@').unwrap_or((words, ""));
        let status = match version.chars().last() {
            Some('!') => ReleaseStatus::Failed,
            Some('…') => ReleaseStatus::Running,
            _ => ReleaseStatus::Succeeded,
        };
        let begun = i64::try_from(minute).unwrap() * 60;
        Release {
            id: format!("{minute}").into(),
            service: "checkout".into(),
            version: version.trim_end_matches(['!', '…']).into(),
            environment: environment.into(),
            status,
            started_at: Timestamp::from_second(begun).ok(),
            finished_at: (status != ReleaseStatus::Running)
                .then(|| Timestamp::from_second(begun + 30).unwrap()),
            actor: None,
            commit: None,
            url: None,
            details: Vec::new(),
            carried: crate::domain::Carried::default(),
        }
    }

    /// The minutes whose releases were rolled back, whatever order they are given in.
    fn rolled_back(history: &str) -> Vec<String> {
        let mut releases: Vec<_> = history
            .split(' ')
            .enumerate()
            .map(|(minute, words)| release(minute, words))
            .collect();
        let mut reversed = releases.clone();
        reversed.reverse();
        mark_rollbacks(&mut releases);
        mark_rollbacks(&mut reversed);
        reversed.reverse();
        assert_eq!(releases, reversed, "{history}");
        let back = releases
            .iter()
            .filter(|release| release.status == ReleaseStatus::RolledBack);
        back.map(|release| release.id.raw().to_owned()).collect()
    }

    #[test]
    fn an_older_version_takes_back_what_came_after_it() {
        for (history, want) in [
            ("v1 v2", &[][..]),
            ("v1 v2 v1", &["1"]),
            ("v1 v2 v3 v1", &["1", "2"]),
            ("v1 v2 v3 v2", &["2"]),
            ("v1 v2 v3 v2 v1", &["1", "2"]),
            ("v1 v1 v1", &[]),
            ("v1 v2 v2 v1", &["1"]),
        ] {
            assert_eq!(rolled_back(history), want, "{history}");
        }
    }

    #[test]
    fn a_version_that_was_taken_back_is_a_new_attempt_and_no_roll_back() {
        assert_eq!(rolled_back("v1 v2 v1 v2"), ["1"]);
        assert_eq!(rolled_back("v1 v2 v1 v2 v1"), ["1", "3"]);
        assert_eq!(rolled_back("v1 v2 v1 v3"), ["1"]);
    }

    #[test]
    fn what_failed_stays_failed_and_what_is_under_way_takes_nothing_back() {
        assert_eq!(rolled_back("v1 v2! v1"), [""; 0]);
        assert_eq!(rolled_back("v1 v2 v1…"), [""; 0]);
        assert_eq!(rolled_back("v1 v2 v1!"), [""; 0]);
    }

    #[test]
    fn each_environment_has_its_own_history() {
        let history = "v1@staging v1@production v2@staging v1@staging v2@production";
        assert_eq!(rolled_back(history), ["2"]);
    }

    #[test]
    fn a_branch_is_no_version_where_the_commit_is_known() {
        let of = |minute, version: &str, commit: &str| Release {
            commit: Some(commit.into()),
            ..release(minute, version)
        };
        let mut releases = [of(0, "main", "a"), of(1, "hotfix", "b"), of(2, "main", "c")];
        mark_rollbacks(&mut releases);
        assert!(
            releases
                .iter()
                .all(|release| release.status == ReleaseStatus::Succeeded)
        );
        let mut releases = [of(0, "main", "a"), of(1, "main", "b"), of(2, "v1", "a")];
        mark_rollbacks(&mut releases);
        assert_eq!(releases[1].status, ReleaseStatus::RolledBack);
    }
}
