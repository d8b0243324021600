//! Roll-backs: a version that was there before is there again.

use super::Release;

/// For each release of one lane (a service in an environment, in the order of arrival), the places of
/// those that it took back, the newest first; none for one that goes forward.
///
/// A new version goes on top of those before; one that is among those takes away all that was put on top
/// of it since. So of `v1 v2 v3 v1` the last takes back the third and the second, and of `v1 v2 v1 v2` the
/// last is a new attempt and takes nothing back. The same version once more takes nothing back either.
pub fn taken_back(arrived: &[&Release]) -> Vec<Vec<usize>> {
    let mut standing: Vec<usize> = Vec::new();
    let places = arrived.iter().enumerate();
    let all = places.map(|(place, release)| {
        let mut taken = Vec::new();
        let same = |known: &&usize| is_same_version(arrived[**known], release);
        if let Some(known) = standing.iter().rev().find(same).copied() {
            while let Some(top) = standing.pop_if(|top| *top != known) {
                taken.push(top);
            }
        } else {
            standing.push(place);
        }
        taken
    });
    all.collect()
}

/// True for two releases of one version: of one commit, where both are known by that, since a branch
/// is a name for many.
pub fn is_same_version(one: &Release, other: &Release) -> bool {
    match (&one.commit, &other.commit) {
        (Some(one), Some(other)) => one == other,
        _ => !one.version.is_empty() && one.version == other.version,
    }
}
